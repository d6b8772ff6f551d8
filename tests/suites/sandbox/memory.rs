//! Accesses around every edge of a memory.

use std::fmt::Write;
use wasmaot_abi::trap::TrapCode;
use wasmaot_runtime::{CallError, Extern, Linker, Memory, MemoryType, Store, Val};
use wasmaot_tests::{Guest, report};

/// Name, type and bytes of every load and store.
const LOADS: [(&str, &str, u64); 14] = [
    ("i32.load8_s", "i32", 1),
    ("i32.load8_u", "i32", 1),
    ("i32.load16_s", "i32", 2),
    ("i32.load16_u", "i32", 2),
    ("i32.load", "i32", 4),
    ("f32.load", "f32", 4),
    ("i64.load8_s", "i64", 1),
    ("i64.load8_u", "i64", 1),
    ("i64.load16_s", "i64", 2),
    ("i64.load16_u", "i64", 2),
    ("i64.load32_s", "i64", 4),
    ("i64.load32_u", "i64", 4),
    ("i64.load", "i64", 8),
    ("f64.load", "f64", 8),
];
const STORES: [(&str, &str, u64); 9] = [
    ("i32.store8", "i32", 1),
    ("i32.store16", "i32", 2),
    ("i32.store", "i32", 4),
    ("f32.store", "f32", 4),
    ("i64.store8", "i64", 1),
    ("i64.store16", "i64", 2),
    ("i64.store32", "i64", 4),
    ("i64.store", "i64", 8),
    ("f64.store", "f64", 8),
];

/// Static offsets: none, around a page, around the largest that fits a displacement, the largest of all.
const OFFSETS: [u64; 10] =
    [0, 1, 4095, 65_535, 65_536, 0x7fff_fff7, 0x7fff_ffff, 0x8000_0000, 0xffff_0000, 0xffff_ffff];

const PAGE: u64 = 65_536;

/// A module with an export `OPERATOR@OFFSET` for each access; its memory is given as text.
fn accesses(memory: &str) -> String {
    let mut wat = format!("(module {memory} (export \"memory\" (memory 0))\n");
    wat += "(func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))\n";
    for offset in OFFSETS {
        for (name, _, _) in LOADS {
            writeln!(wat, "(func (export \"{name}@{offset}\") (param i32) (drop ({name} offset={offset} (local.get 0))))")
                .expect("a string grows");
        }
        for (name, ty, _) in STORES {
            writeln!(
                wat,
                "(func (export \"{name}@{offset}\") (param i32) ({name} offset={offset} (local.get 0) ({ty}.const -1)))"
            )
            .expect("a string grows");
        }
    }
    wat + ")"
}

/// Addresses worth trying with an access: both sides of each place where the outcome may change.
fn addresses(offset: u64, width: u64, size: u64) -> Vec<u32> {
    let edge = size.checked_sub(width).and_then(|last| last.checked_sub(offset));
    let mut found: Vec<u64> =
        vec![0, 1, 4095, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000, 0xffff_f000, 0xffff_ffff];
    found.extend([size.wrapping_sub(1), size, size + 1, size.wrapping_sub(width)]);
    if let Some(edge) = edge {
        found.extend((0..=width).flat_map(|step| [edge.wrapping_sub(step), edge + step]));
    }
    let mut found: Vec<u32> = found.into_iter().filter_map(|address| u32::try_from(address).ok()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Tries every access of an [`accesses`] instance around every edge. Returns how many were tried.
fn try_edges(guest: &mut Guest, size: u64) -> usize {
    let mut tried = 0;
    for offset in OFFSETS {
        for &(name, _, width) in LOADS.iter().chain(&STORES) {
            let export = format!("{name}@{offset}");
            for address in addresses(offset, width, size) {
                let fits = u64::from(address) + offset + width <= size;
                match guest.call(&export, &[Val::I32(address as i32)]) {
                    Ok(_) if fits => {}
                    Err(CallError::Trap(trap)) if !fits && trap.code == TrapCode::MemoryOutOfBounds => {}
                    other => {
                        panic!("{export} at {address:#x} of {size:#x} bytes: fits: {fits}, got {other:?}")
                    }
                }
                tried += 1;
            }
        }
    }
    tried
}

#[test]
fn edges_of_a_memory_that_grows() {
    let mut guest = Guest::new(&accesses("(memory 0 65536)"));
    let mut tried = try_edges(&mut guest, 0);
    let mut pages = 0;
    for grown in [1, 2, 13, 32_768, 65_536] {
        assert_eq!(guest.i32("grow", &[grown - pages]), pages);
        pages = grown;
        tried += try_edges(&mut guest, pages as u64 * PAGE);
    }
    assert_eq!(guest.i32("grow", &[1]), -1);
    report(format_args!("sandbox: {tried} accesses around the edges of a memory that grows"));
}

#[test]
fn edges_of_a_fixed_memory() {
    let mut guest = Guest::new(&accesses("(memory 1 1)"));
    try_edges(&mut guest, PAGE);
    assert_eq!(guest.i32("grow", &[1]), -1);
    assert_eq!(guest.i32("grow", &[0]), 1);
    try_edges(&mut guest, PAGE);
}

#[test]
fn edges_of_an_imported_memory() {
    let mut store = Store::new(());
    let owner = wasmaot_tests::module(
        "(module (memory (export \"m\") 2 5) (func (export \"grow\") (result i32) (memory.grow (i32.const 1))))",
    );
    let user = wasmaot_tests::module(&accesses("(import \"owner\" \"m\" (memory 1))"));
    let mut linker = Linker::new();
    let owner = linker.instantiate(&mut store, &owner).expect("no imports");
    linker.instance(&store, "owner", owner).expect("new names");
    let instance = linker.instantiate(&mut store, &user).expect("its import is there");
    let mut guest = Guest { store, instance };
    try_edges(&mut guest, 2 * PAGE);
    assert_eq!(owner.call(&mut guest.store, "grow", &[]).expect("no trap"), [Val::I32(2)]);
    try_edges(&mut guest, 3 * PAGE);
    assert_eq!(guest.i32("grow", &[2]), 3);
    try_edges(&mut guest, 5 * PAGE);
}

#[test]
fn edges_of_a_memory_of_the_host() {
    let mut store = Store::new(());
    let limits = wasmaot_abi::types::Limits { min: 1, max: Some(3) };
    let memory = Memory::new(&mut store, MemoryType::new(limits)).expect("a valid type");
    let mut linker = Linker::new();
    linker.define("host", "m", Extern::Memory(memory)).expect("a new name");
    let user = wasmaot_tests::module(&accesses("(import \"host\" \"m\" (memory 1 3))"));
    let instance = linker.instantiate(&mut store, &user).expect("its import is there");
    let mut guest = Guest { store, instance };
    try_edges(&mut guest, PAGE);
    memory.grow(&mut guest.store, 2).expect("below the maximum");
    try_edges(&mut guest, 3 * PAGE);
}
