//! Bulk operations on memory against the standard library's: every short length, every overlap, both ends.

use wasmaot_abi::trap::TrapCode;
use wasmaot_runtime::{CallError, Memory, Val};
use wasmaot_tests::{Guest, Random};

const SIZE: usize = 65_536;

const MODULE: &str = r#"(module (memory (export "memory") 1 1)
    (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2))))"#;

/// An instance, and what its memory should hold.
struct Pair {
    guest: Guest,
    memory: Memory,
    model: Vec<u8>,
}

impl Pair {
    fn new() -> Self {
        let mut guest = Guest::new(MODULE);
        let memory = guest.instance.get_memory(&guest.store, "memory").expect("a memory");
        let model = Random::new(7).bytes(SIZE);
        memory.write(&mut guest.store, 0, &model).expect("it fits");
        Self { guest, memory, model }
    }

    /// Does an operation on both sides. Both must succeed, or both find that a range does not fit.
    fn both(&mut self, name: &str, [to, middle, length]: [u32; 3]) {
        let fits = |start: u32| start as usize + length as usize <= SIZE;
        let fits = fits(to) && (name == "fill" || fits(middle));
        let arguments = [to, middle, length].map(|value| Val::I32(value as i32));
        match self.guest.call(name, &arguments) {
            Ok(_) if fits => {}
            Err(CallError::Trap(trap)) if !fits && trap.code == TrapCode::MemoryOutOfBounds => return,
            other => panic!("{name} {to} {middle} {length}: fits: {fits}, got {other:?}"),
        }
        let (to, length) = (to as usize, length as usize);
        match name {
            "fill" => self.model[to..to + length].fill(middle as u8),
            _ => self.model.copy_within(middle as usize..middle as usize + length, to),
        }
    }

    fn check(&self, after: &str) {
        let mut found = vec![0; SIZE];
        self.memory.read(&self.guest.store, 0, &mut found).expect("it fits");
        if found != self.model {
            let at = found.iter().zip(&self.model).position(|(a, b)| a != b);
            panic!("after {after}: the first wrong byte is {at:?}");
        }
    }
}

#[test]
fn copies_of_every_short_length_and_overlap() {
    let mut pair = Pair::new();
    for length in 0..=80 {
        for distance in 0..=length + 1 {
            pair.both("copy", [1000 + distance, 1000, length]);
            pair.both("copy", [3000, 3000 + distance, length]);
        }
        pair.check(&format!("copies of {length} bytes"));
    }
}

#[test]
fn fills_of_every_short_length() {
    let mut pair = Pair::new();
    for length in 0..=80 {
        // Only the low byte of the value counts.
        pair.both("fill", [500 + 100 * length, 0xabcd_ef00 | length, length]);
        pair.check(&format!("a fill of {length} bytes"));
    }
}

#[test]
fn every_short_length_around_the_end() {
    let mut pair = Pair::new();
    let end = SIZE as u32;
    for length in 0..=80 {
        for start in end - length.min(end) - 2..=end + 2 {
            pair.both("fill", [start, start, length]);
            pair.both("copy", [start, 77, length]);
            pair.both("copy", [77, start, length]);
        }
        for far in [0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff] {
            pair.both("fill", [far, 1, length]);
            pair.both("copy", [far, 0, length]);
            pair.both("copy", [0, far, length]);
            pair.both("copy", [far, far, length]);
        }
    }
    pair.check("operations around the end");
}

#[test]
fn operations_of_all_sizes() {
    let mut pair = Pair::new();
    let mut random = Random::new(1);
    for round in 0..3_000 {
        let mut any = |scale: usize| random.below(scale) as u32;
        let scale = [100, 5_000, SIZE + 2][round % 3];
        let arguments = [any(SIZE + 2), any(SIZE + 2), any(scale)];
        pair.both(["copy", "fill"][round % 2], arguments);
        if round % 100 == 0 {
            pair.check("random operations");
        }
    }
    pair.check("random operations");
}
