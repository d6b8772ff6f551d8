//! Limits of the process: private memory, locked memory, mappings, descriptors.

use crate::confine::{self, Mappings};
use crate::{
    DATA, IMAGE, PAGE, WAYS, assert_clean, in_a_child, link, module, nonzero, pool, size, start, write,
};
use std::io::Write;
use wasmaot_runtime::{
    InstantiateError, Linker, MemoryError, OpenError, Pool, PoolConfig, PoolError, ResetWay, StartError,
    Store, TrapCode, Val,
};
use wasmaot_tests::{compile_wat, trap_code};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder, add_to_linker};

/// Page 40 is hot. The kernel opens page 38 and 39 and then has no more memory for page 41, so that the call
/// fails although it made pages writable.
#[test]
fn a_page_that_a_failed_call_opened_is_reset() {
    in_a_child("limits::a_page_that_a_failed_call_opened_is_reset", || {
        for way in WAYS {
            let (pool, linked) = (pool(1, way), link(DATA));
            for _ in 0..4 {
                write(&mut start(&pool, &linked), 40, 1);
            }
            let mut instance = start(&pool, &linked);
            let at = [Val::I32(38 * PAGE), Val::I32(0x41)];
            let refused = confine::with_data(2 * PAGE as u64, || instance.call("write", &at));
            if way == ResetWay::Copy {
                assert_eq!(trap_code(refused), TrapCode::OutOfMemory);
            }
            // Now it is possible, and the guest may go on.
            write(&mut instance, 38, 0x42);
            write(&mut instance, 41, 0x43);
            drop(instance);
            assert_clean(&pool, &linked);
        }
    });
}

#[test]
fn writes_that_cannot_open_their_page_are_errors() {
    in_a_child("limits::writes_that_cannot_open_their_page_are_errors", || {
        let (pool, linked) = (pool(1, ResetWay::Copy), link(DATA));
        let mut instance = start(&pool, &linked);
        instance.call("read", &[Val::I32(0)]).expect("it runs");
        let numbers = |numbers: [i32; 3]| numbers.map(Val::I32);
        confine::with_data(0, || {
            for (name, args) in [
                ("fill", numbers([38 * PAGE, 1, 100_000])),
                ("fill", numbers([38 * PAGE, 1, 3])),
                ("copy", numbers([38 * PAGE + 9, 50, 100])),
                ("copy", numbers([50, 38 * PAGE + 9, 100_000])),
            ] {
                let code = trap_code(instance.call(name, &args));
                assert_eq!(code, TrapCode::OutOfMemory, "{name}");
            }
            let store = instance.call("write", &numbers([38 * PAGE, 1, 0])[..2]);
            assert_eq!(trap_code(store), TrapCode::OutOfMemory);
            let written = instance.write(38u32 * PAGE as u32, &[1; 100]);
            assert_eq!(written, Err(MemoryError::OutOfMemory));
            let mut bytes = [1];
            assert_eq!(instance.read(38u32 * PAGE as u32, &mut bytes), Ok(()));
        });
        instance.write(38u32 * PAGE as u32, &[1; 100]).expect("it can be opened now");
        drop(instance);
        assert_clean(&pool, &linked);
    });
}

/// Answers the errnos of transfers by copying and by the kernel into pages that cannot be opened.
const TRANSFERS: &str = include_str!("../../guests/scarcity_transfers.wat");

#[test]
fn transfers_that_cannot_open_their_page_are_errors() {
    const NOMEM: i32 = 48;
    in_a_child("limits::transfers_that_cannot_open_their_page_are_errors", || {
        let mut linker = Linker::<WasiCtx>::new();
        add_to_linker(&mut linker, |wasi| wasi).expect("new names");
        let linked = linker.instantiate_pre(&module(TRANSFERS)).expect("WASI is all that it imports");
        let pool = pool(1, ResetWay::Copy);
        for stdin_is_a_file in [false, true] {
            let mut builder = WasiCtxBuilder::new();
            if stdin_is_a_file {
                builder.stdin(std::fs::File::open("/dev/zero").expect("it exists"));
            } else {
                builder.stdin_bytes(vec![7; 1000]);
            }
            let mut instance = pool.start(&linked, builder.build()).expect("a free slot");
            instance.call("prepare", &[]).expect("it runs");
            for (more, expected) in [(0, NOMEM), (1 << 30, 0)] {
                confine::with_data(more, || {
                    for name in ["random", "read", "time"] {
                        let errno = instance.call(name, &[]).expect("it runs");
                        assert_eq!(errno, [Val::I32(expected)], "{name}");
                    }
                });
            }
        }
        let instance = pool.start(&linked, WasiCtxBuilder::new().build()).expect("a free slot");
        let mut bytes = vec![0; 64 << 16];
        instance.read(0u32, &mut bytes).expect("all of it");
        assert!(bytes.iter().all(|byte| *byte == 0));
    });
}

const GROW: &str = r#"(module
  (memory (export "memory") 1 65536)
  (func (export "write") (param $at i32) (param $v i32) (i32.store8 (local.get $at) (local.get $v)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;

#[test]
fn a_neighbour_of_one_that_grows_to_the_end_is_unaffected() {
    in_a_child("limits::a_neighbour_of_one_that_grows_to_the_end_is_unaffected", || {
        for way in WAYS {
            let (pool, linked) = (pool(2, way), link(GROW));
            let grow = linked.get_typed_func::<i32, i32>("grow").expect("an export");
            let (mut neighbour, mut greedy) = (start(&pool, &linked), start(&pool, &linked));
            write(&mut neighbour, 3, 3);
            confine::with_data(3 << 20, || {
                let mut pages = 1;
                while grow.call(&mut greedy, 1).expect("it does not trap") == pages {
                    pages += 1;
                }
                assert!((2..64).contains(&pages), "{pages}");
                assert_eq!(size(&greedy), pages as u64 * 65_536);
                let beyond = [Val::I32(pages * 65_536), Val::I32(1)];
                assert_eq!(trap_code(greedy.call("write", &beyond)), TrapCode::MemoryOutOfBounds);
                assert_eq!(grow.call(&mut neighbour, 1).expect("it does not trap"), -1);
                assert_eq!((size(&neighbour), nonzero(&neighbour)), (65_536, vec![3 * 4096]));
            });
            assert_eq!(grow.call(&mut neighbour, 1).expect("it does not trap"), 1);
            write(&mut neighbour, 31, 5);
            write(&mut greedy, 20, 5);
            drop((neighbour, greedy));
            for _ in 0..2 {
                let pair = [start(&pool, &linked), start(&pool, &linked)];
                for mut instance in pair {
                    assert_eq!(grow.call(&mut instance, 3).expect("it does not trap"), 1);
                    assert_eq!(nonzero(&instance), []);
                }
            }
        }
    });
}

/// Slots are larger than what may be locked, so that the kernel refuses to replace their mappings.
#[test]
fn locked_memory_is_an_error_and_leaves_nothing() {
    in_a_child("limits::locked_memory_is_an_error_and_leaves_nothing", || {
        for way in WAYS {
            let (pool, first, image) = (pool(1, way), link(DATA), link(IMAGE));
            write(&mut start(&pool, &first), 38, 1);
            confine::lock_later_mappings(16 << 20);
            let error = Pool::new(PoolConfig::default()).err();
            assert!(matches!(error, Some(PoolError::Reserve { .. })), "{error:?}");
            let error = Linker::new().instantiate(&mut Store::new(()), first.module()).err();
            assert!(matches!(error, Some(InstantiateError::Map { .. })), "{error:?}");
            for linked in [&first, &image, &first, &image] {
                match pool.start(linked, ()) {
                    Ok(mut instance) => write(&mut instance, 40, 1),
                    Err(error) => {
                        let refused = matches!(error, StartError::Instantiate(InstantiateError::Map { .. }));
                        assert!(refused, "{error}");
                    }
                }
            }
            confine::unlock();
            assert_clean(&pool, &first);
            let mut instance = start(&pool, &image);
            assert_eq!(nonzero(&instance), (70_000..70_007).collect::<Vec<_>>());
            write(&mut instance, 17, 1);
        }
    });
}

/// The kernel drops no pages of locked memory, so that only emptying a slot resets it.
#[test]
fn locked_instances_are_reset() {
    in_a_child("limits::locked_instances_are_reset", || {
        let (linked, image) = (link(DATA), link(IMAGE));
        let pools = WAYS.map(|way| pool(1, way));
        pools.iter().for_each(|pool| assert_clean(pool, &linked));
        if let Err(error) = confine::lock_everything() {
            return eprintln!("skipped: mlockall: {error}");
        }
        for pool in pools.iter().chain(&WAYS.map(|way| pool(1, way))) {
            for _ in 0..2 {
                assert_clean(pool, &linked);
                let mut instance = start(pool, &image);
                assert_eq!(nonzero(&instance), (70_000..70_007).collect::<Vec<_>>());
                write(&mut instance, 17, 1);
            }
        }
    });
}

#[test]
fn the_limit_of_mappings_is_an_error_and_leaves_nothing() {
    in_a_child("limits::the_limit_of_mappings_is_an_error_and_leaves_nothing", || {
        let (bytes, mut mappings) = (compile_wat(IMAGE), Mappings::new());
        for (way, spare) in WAYS.into_iter().flat_map(|way| (0..24).step_by(2).map(move |spare| (way, spare)))
        {
            let (pool, data, image) = (pool(2, way), link(DATA), link(IMAGE));
            write(&mut start(&pool, &data), 38, 1);
            let mut running = start(&pool, &data);
            mappings.fill(spare);
            match wasmaot_tests::load(&bytes) {
                Ok(_) => {}
                Err(error) => assert!(matches!(error, OpenError::Io { .. }), "{error}"),
            }
            if let Err(error) = Linker::new().instantiate(&mut Store::new(()), image.module()) {
                assert!(matches!(error, InstantiateError::Map { .. }), "{error}");
            }
            for page in [50, 9, 200] {
                let at = [Val::I32(page * PAGE), Val::I32(1)];
                if running.call("write", &at).is_err() {
                    assert_eq!(trap_code(running.call("write", &at)), TrapCode::OutOfMemory);
                }
            }
            for linked in [&image, &data, &image] {
                match pool.start(linked, ()) {
                    Ok(mut instance) => {
                        if let Err(error) = instance.write(17u32 * PAGE as u32, &[1]) {
                            assert_eq!(error, MemoryError::OutOfMemory);
                        }
                    }
                    Err(error) => {
                        let refused = matches!(error, StartError::Instantiate(InstantiateError::Map { .. }));
                        assert!(refused, "{error}");
                    }
                }
            }
            mappings.fill(1000);
            drop(running);
            assert_clean(&pool, &data);
            assert_eq!(nonzero(&start(&pool, &image)), (70_000..70_007).collect::<Vec<_>>());
            assert_clean(&pool, &data);
        }
    });
}

/// Without a descriptor to spare the pool cannot ask the kernel which pages were written.
#[test]
fn a_pool_without_descriptors_works() {
    in_a_child("limits::a_pool_without_descriptors_works", || {
        let (linked, artifact) = (link(DATA), compile_wat(DATA));
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(&artifact).expect("it has room");
        confine::limit(libc::RLIMIT_NOFILE, 0);
        for way in WAYS {
            let pool = pool(1, way);
            assert_clean(&pool, &linked);
            assert_eq!((pool.stats().scanned, pool.stats().failed), (0, 0), "{way:?}");
        }
        assert!(matches!(wasmaot_tests::load(&artifact), Err(OpenError::Io { .. })));
        assert!(matches!(wasmaot_tests::open(file.path()), Err(OpenError::Io { .. })));
    });
}
