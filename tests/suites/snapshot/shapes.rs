//! Images and tables of unusual shapes: scattered pages, holes, thousands of functions.

use crate::{initialise, module, parse};
use wasmaot_abi::descriptor::{DataMode, Descriptor, ElemMode};
use wasmaot_runtime::{Linker, Pool, PoolConfig, Store, Val};
use wasmaot_snapshot::Options;
use wasmparser::{Parser, Payload};

fn count(wasm: &[u8], wanted: fn(&Payload<'_>) -> Option<u32>) -> u32 {
    let payloads = Parser::new(0).parse_all(wasm).map(|payload| payload.expect("a module"));
    payloads.filter_map(|payload| wanted(&payload)).sum()
}

fn data_segments(wasm: &[u8]) -> u32 {
    count(wasm, |payload| if let Payload::DataSection(data) = payload { Some(data.count()) } else { None })
}

fn element_segments(wasm: &[u8]) -> u32 {
    count(
        wasm,
        |payload| if let Payload::ElementSection(elems) = payload { Some(elems.count()) } else { None },
    )
}

/// Nothing is written when an instance starts.
#[track_caller]
fn assert_starts_free(descriptor: &Descriptor) {
    assert!(!descriptor.data.iter().any(|data| matches!(data.mode, DataMode::Active { .. })));
}

/// Writes a byte to each `step`-th of `count` pages, and sums them up.
fn scattered(memory: u32, step: u32, count: u32) -> Vec<u8> {
    let end = step * count * 4096;
    parse(&format!(
        r#"(module (memory (export "memory") {memory})
            (func (export "wizer.initialize") (local $at i32)
                (loop
                    (i32.store8 (local.get $at) (i32.const 1))
                    (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const {bytes}))) (i32.const {end})))))
            (func (export "sum") (result i32) (local $at i32) (local $sum i32)
                (loop
                    (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
                    (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const {bytes}))) (i32.const {end}))))
                (local.get $sum)))"#,
        bytes = step * 4096,
    ))
}

#[test]
fn data_segments_stay_below_the_limit() {
    let wasm = scattered(1600, 2, 12_000);
    let frozen = initialise(&wasm, &Options::default()).expect("it can be written down");
    assert!((1..=9000).contains(&data_segments(&frozen.wasm)), "{}", data_segments(&frozen.wasm));
    let module = module(&frozen.wasm);
    assert_starts_free(module.descriptor());
    let mut store = Store::new(());
    let instance = Linker::new().instantiate(&mut store, &module).expect("within all limits");
    assert_eq!(instance.call(&mut store, "sum", &[]).expect("it returns"), [Val::I32(12_000)]);
}

/// 256 MiB of which one page in each 4 MiB is set: 64 runs, each a mapping, and no more in the file.
#[test]
fn a_huge_sparse_image_is_mapped() {
    let wasm = scattered(4096, 1024, 64);
    let frozen = initialise(&wasm, &Options::default()).expect("it can be written down");
    assert_eq!(frozen.memory_bytes, 64 * 4096);
    let module = module(&frozen.wasm);
    assert_starts_free(module.descriptor());
    let image: u64 = module.descriptor().memories[0].image.iter().map(|run| run.file.length).sum();
    assert_eq!(image, 64 * 4096);
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool");
    let linked = Linker::<()>::new().instantiate_pre(&module).expect("within the default limits");
    for _ in 0..3 {
        let mut instance = pool.start(&linked, ()).expect("a slot is free");
        assert_eq!(instance.call("sum", &[]).expect("it returns"), [Val::I32(64)]);
    }
}

/// The initialiser moves thousands of functions in a table that a host can see, by ones, so that no old
/// segment says where they are.
#[test]
fn thousands_of_functions_and_segments() {
    const FUNCTIONS: u32 = 6000;
    let functions: String =
        (0..FUNCTIONS).map(|index| format!("(func $f{index} (result i32) (i32.const {index}))")).collect();
    let segments: String = (0..FUNCTIONS)
        .map(|index| format!("(elem (table $from) (i32.const {index}) func $f{index})"))
        .collect();
    let wasm = parse(&format!(
        r#"(module (type $get (func (result i32)))
            (table $from (export "from") {FUNCTIONS} funcref) (table $to (export "to") 1 funcref)
            {functions} {segments}
            (func (export "wizer.initialize") (local $index i32)
                (drop (table.grow $to (ref.null func) (i32.const {FUNCTIONS})))
                (loop
                    ;; Each third one is left out, and the order is reversed.
                    (if (i32.rem_u (local.get $index) (i32.const 3)) (then
                        (table.set $to (i32.sub (i32.const {last}) (local.get $index)) (table.get $from (local.get $index)))))
                    (table.set $from (local.get $index) (ref.null func))
                    (br_if 0 (i32.lt_u (local.tee $index (i32.add (local.get $index) (i32.const 1))) (i32.const {FUNCTIONS})))))
            (func (export "get") (param i32) (result i32) (call_indirect $to (type $get) (local.get 0)))
            (func (export "is_null") (param i32) (result i32) (ref.is_null (table.get $from (local.get 0)))))"#,
        last = FUNCTIONS - 1,
    ));
    let frozen = initialise(&wasm, &Options::default()).expect("it can be written down");
    // One with what the table holds, and one that declares what is not in it.
    assert!(element_segments(&frozen.wasm) <= 3, "{}", element_segments(&frozen.wasm));
    let module = module(&frozen.wasm);
    let active = |elem: &&wasmaot_abi::descriptor::ElemSegment| matches!(elem.mode, ElemMode::Active { .. });
    assert_eq!(module.descriptor().elems.iter().filter(active).count(), 1);
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool");
    let linked = Linker::<()>::new().instantiate_pre(&module).expect("within the default limits");
    for _ in 0..3 {
        let mut instance = pool.start(&linked, ()).expect("a slot is free");
        for (index, value) in [(0, 5999), (1, 5998), (5998, 1)] {
            let result = instance.call("get", &[Val::I32(index)]);
            match value % 3 {
                0 => drop(result.expect_err("it is null")),
                _ => assert_eq!(result.expect("it returns"), [Val::I32(value)]),
            }
        }
        assert_eq!(instance.call("is_null", &[Val::I32(17)]).expect("it returns"), [Val::I32(1)]);
    }
}
