//! The figure of a slot, in `ARCHITECTURE.md` and at the head of `slot.rs`, against the constants. (That of
//! the state is checked where it is drawn, in `abi/src/state.rs`.)

use wasmaot_abi::slot::{
    ADDRESSABLE32, CONSTANTS, DEFAULT_STACK, MAX_ACCESS, MEMORY_GUARD, MEMORY_RESERVATION, OFFSET_GUARD,
    STACK_GUARD, STACK_WINDOW, STRIDE, VMCTX,
};
use wasmaot_abi::state::{ACTIVATION_CELL, Counts, StateLayout};
use wasmaot_tests::repository;

/// The text of a file with white space folded.
fn words(file: &str) -> String {
    let text = std::fs::read_to_string(repository().join(file)).expect(file);
    text.replace("\n//!", "\n").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Bytes in the largest unit that they are half units of.
fn size(bytes: u64) -> String {
    let unit = if bytes < 1 << 30 { 1 << 20 } else { 1u64 << 30 };
    assert!((2 * bytes).is_multiple_of(unit), "{bytes}");
    let name = if unit == 1 << 20 { "MiB" } else { "GiB" };
    format!("{} {name}", bytes as f64 / unit as f64)
}

fn check(file: &str, expected: &[String]) {
    let words = words(file);
    for expected in expected {
        assert!(words.contains(expected), "{file} does not say \"{expected}\"");
    }
}

#[test]
fn the_architecture_draws_a_slot_as_it_is() {
    check(
        "ARCHITECTURE.md",
        &[
            format!("base base + {} = vmctx + {}", size(VMCTX), size(MEMORY_RESERVATION)),
            "| guard | constants | guard | stack ... state |A| linear memory 0 ... | guard |".into(),
            format!("The base is aligned to {}, so the activation cell", size(STACK_WINDOW)),
            format!("by setting its low {} bits", STACK_WINDOW.trailing_zeros()),
            format!("`vmctx + zext32(index) + offset32` of at most {MAX_ACCESS} bytes"),
        ],
    );
}

#[test]
fn the_head_of_the_slot_draws_it_as_it_is() {
    check(
        "runtime-shim/abi/src/slot.rs",
        &[
            format!("base base + {} = vmctx", size(VMCTX)),
            "| guard | far stack | constants <-CONST-> | guard | near stack <-RW-> state | linear memory 0 ... | guard |"
                .into(),
            format!("{} index + {} offset", size(ADDRESSABLE32), size(OFFSET_GUARD)),
        ],
    );
}

/// Parts of a slot in the order of the figures, from its base, with the default stack size and the smallest
/// state.
#[test]
fn the_parts_lie_in_the_order_that_is_drawn() {
    let state = StateLayout::new(Counts::default()).expect("it is small");
    let (constants, state_bytes) = (u64::from(state.const_bytes()), u64::from(state.rw_bytes()));
    let constants_end = VMCTX - u64::from(state.const_distance());
    let stack_end = VMCTX - state_bytes;
    let borders = [
        ("base", 0),
        ("constants", constants_end - constants),
        ("the guard above them", constants_end),
        ("stack", constants_end + STACK_GUARD),
        ("state", stack_end),
        ("activation cell", VMCTX - ACTIVATION_CELL),
        ("memory 0", VMCTX),
        ("the guard behind it", VMCTX + MEMORY_RESERVATION),
        ("the next slot", VMCTX + MEMORY_RESERVATION + MEMORY_GUARD),
    ];
    assert!(borders.is_sorted_by_key(|(_, at)| at), "{borders:?}");
    assert!(stack_end - (constants_end + STACK_GUARD) >= DEFAULT_STACK, "the near stack has its room");
    assert_eq!(MEMORY_RESERVATION, ADDRESSABLE32 + OFFSET_GUARD);
    assert_eq!((u64::from(state.const_distance()), borders[8].1), (CONSTANTS, STRIDE));
}
