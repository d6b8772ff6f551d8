//! Counts of executed operators, where the code counts them.
//!
//! While metered code runs, r15 is the meter. It starts at minus the fuel, of which each operator takes one
//! unit; code adds what it has executed, and traps with
//! [`TrapCode::OutOfFuel`](crate::trap::TrapCode::OutOfFuel) where the sum is above zero. Compiled code, its
//! entries and thunks included, uses the register for nothing else, so all of it on one stack has one meter.
//! Builtins add what bulk work costs, and count that. **Invariant: the meter plus the fuel is the number of
//! executed operators and what was charged for bulk work**, wherever a function is called or returns. Where
//! an instruction traps, some are still to be added: the byte of the meter table at its position in the trap
//! table.

/// The most operators that metered code executes before it charges them and compares the meter with zero. So
/// a run ends at most this many operators after its fuel is used up, and the count of a thread that is
/// stopped is at most this many short.
pub const MAX_ROW: u8 = 180;

/// Bytes that one unit of fuel pays for, where an instruction copies, fills or adds many. Compiled code
/// itself moves no more than that with one instruction, so whatever costs more than the instruction passes
/// through the runtime, which charges it.
pub const BULK_BYTES: u64 = 64;

/// The fuel that copying, filling or adding `bytes` of a memory costs besides the instruction's own
/// unit: one for each [`BULK_BYTES`] that begin behind the first. Plain code can take more time for its fuel
/// than that: with stores that miss the caches, and with those that are the first to their pages
/// (`wasmaot-bench fuel` measures both).
pub const fn bytes_price(bytes: u64) -> u64 {
    bytes.saturating_sub(1) / BULK_BYTES
}

/// The fuel that copying, setting or adding `elements` of a table costs besides the instruction's own
/// unit: one for each, as an element may be an expression to be evaluated.
pub const fn elements_price(elements: u64) -> u64 {
    elements
}

/// Elements of tables of exceptions for which a throw costs no more than for others. The runtime searches the
/// stack and those tables for references to exceptions once in several throws; each throw pays for a look at
/// this number of elements, or at a part of all that there are.
const SEARCHED: u64 = 1024;

/// The part of all elements, if those are very many.
const SEARCHED_PART: u64 = 8192;

/// The fuel that throwing an exception costs besides the instruction's own unit, where tables of exceptions
/// have this number of elements together: a unit for each [`BULK_BYTES`] that the search for references looks
/// at on its behalf.
pub const fn throw_price(elements: u64) -> u64 {
    const ELEMENT: u64 = 8;
    let part = elements / SEARCHED_PART;
    (if part > SEARCHED { part } else { SEARCHED }) * ELEMENT / BULK_BYTES
}

/// The fuel of a run without a limit. Centuries pass before it is used up.
pub const UNLIMITED: u64 = 1 << 62;

/// What the meter starts at.
pub fn initial(fuel: u64) -> i64 {
    -(fuel.min(UNLIMITED) as i64)
}

/// The fuel that was used of this when the meter shows this.
pub fn used(meter: i64, fuel: u64) -> u64 {
    meter.wrapping_sub(initial(fuel)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_was_executed() {
        for fuel in [0, 1, 1000, UNLIMITED - 1, UNLIMITED, u64::MAX] {
            for added in [0, 1, 77, 1 << 62] {
                let meter = initial(fuel).wrapping_add_unsigned(added);
                assert_eq!(used(meter, fuel), added);
            }
        }
        assert_eq!(initial(0), 0);
    }

    #[test]
    fn a_throw_costs_its_part_of_the_search() {
        let prices = [0, 100_000, 8 << 20, 16 << 20, 200_000_000].map(throw_price);
        assert_eq!(prices, [128, 128, 128, 256, 3051]);
    }

    #[test]
    fn what_compiled_code_moves_itself_is_free() {
        let prices = [0, 1, 64, 65, 128, 129, 65_536, u64::MAX].map(bytes_price);
        assert_eq!(prices, [0, 0, 0, 1, 1, 2, 1023, u64::MAX / 64]);
    }
}
