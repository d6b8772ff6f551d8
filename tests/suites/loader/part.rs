//! An artifact that is a part of a file.

use crate::image::{Image, RICH};
use std::fs::File;
use std::io::Write;
use wasmaot_runtime::{CallError, Linker, OpenError, Pool, PoolConfig, Store, Val};
use wasmaot_tests::compile_wat;

const PAGE: usize = 4096;

/// Bytes that are no part of the artifact.
const FILLER: u8 = 0xa5;

/// A file that holds `bytes` from `offset` on, among others.
fn around(bytes: &[u8], offset: usize) -> File {
    let mut file = tempfile::tempfile().expect("a temporary file");
    let contents = [&vec![FILLER; offset], bytes, &[FILLER; 100]].concat();
    file.write_all(&contents).expect("a writable file");
    file
}

/// What is mapped from the file in one way or another: code, an image, passive data, and the maps that name a
/// trap.
const MAPPED: &str = r#"(module $mapped (memory 2) (data (i32.const 65536) "image") (data $passive "passive")
    (func (export "image") (result i32) (i32.load8_u (i32.const 65540)))
    (func (export "passive") (result i32)
        (memory.init $passive (i32.const 0) (i32.const 3) (i32.const 4))
        (i32.load8_u (i32.const 2)))
    (func $bad (export "trap") (result i32) unreachable))"#;

#[test]
fn all_of_it_is_found_wherever_it_lies() {
    let bytes = compile_wat(MAPPED);
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool");
    for offset in [0, PAGE, 7 * PAGE] {
        let module = wasmaot_tests::open_at(around(&bytes, offset), offset as u64, bytes.len() as u64);
        let module = module.expect("a good artifact");
        let mut store = Store::new(());
        let instance = Linker::new().instantiate(&mut store, &module).expect("no imports");
        for (name, letter) in [("image", b'e'), ("passive", b'v')] {
            let expected = [Val::I32(i32::from(letter))];
            assert_eq!(instance.call(&mut store, name, &[]).expect("no trap"), expected, "{offset:#x}");
            let linked = Linker::new().instantiate_pre(&module).expect("no imports");
            let mut pooled = pool.start(&linked, ()).expect("a slot");
            let function = linked.get_typed_func::<(), i32>(name).expect("its type");
            assert_eq!(function.call(&mut pooled, ()).expect("no trap"), i32::from(letter), "{offset:#x}");
        }
        let Err(CallError::Trap(trap)) = instance.call(&mut store, "trap", &[]) else { panic!("it traps") };
        assert_eq!(trap.backtrace.first().and_then(|frame| frame.name.as_deref()), Some("bad"));
    }
}

#[test]
fn a_wrong_place_is_refused() {
    let bytes = Image::new(RICH).bytes;
    let length = bytes.len() as u64;
    let open = |offset, length| {
        wasmaot_tests::open_at(around(&bytes, PAGE), offset, length).expect_err("the place is refused")
    };
    assert!(matches!(open(1, length), OpenError::Misaligned { offset: 1 }));
    assert!(matches!(open(PAGE as u64 + 512, length), OpenError::Misaligned { .. }));
    assert!(matches!(open(0, length), OpenError::Elf { what: "the ELF header", .. }));
    for (offset, length) in [
        (PAGE as u64, length + 101),
        (PAGE as u64, u64::MAX),
        (1 << 40, length),
        (u64::MAX - 4095, 8192),
        (PAGE as u64, 10),
        (PAGE as u64, 0),
    ] {
        let error = open(offset, length);
        assert!(matches!(error, OpenError::Truncated { .. }), "{offset:#x} {length:#x}: {error}");
    }
    // The filler behind it, or less than all of it.
    let longer = open(PAGE as u64, length + 100);
    assert!(matches!(longer, OpenError::FileSize { .. }), "{longer}");
    for shorter in (0..length).rev().step_by(257) {
        let error = open(PAGE as u64, shorter);
        assert!(
            matches!(error, OpenError::FileSize { .. } | OpenError::Truncated { .. }),
            "{shorter}: {error}"
        );
    }
    let null = File::open("/dev/null").expect("it is there");
    assert!(matches!(wasmaot_tests::open_at(null, 0, 0), Err(OpenError::NotAFile)));
}

#[test]
fn a_changed_part_is_refused() {
    let bytes = Image::new(RICH).bytes;
    for at in (0..bytes.len()).step_by(97) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let opened = wasmaot_tests::open_at(around(&changed, PAGE), PAGE as u64, bytes.len() as u64);
        assert!(opened.is_err(), "a changed byte at {at:#x} goes unnoticed");
    }
}
