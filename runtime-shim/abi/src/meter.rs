//! Counts of executed operators, where the code counts them.
//!
//! While metered code runs, r15 is the meter. It starts at minus the fuel, the number of operators that may be executed; code adds what it
//! has executed, and traps with [`TrapCode::OutOfFuel`](crate::trap::TrapCode::OutOfFuel) where the sum is above zero. Compiled code, its
//! entries and thunks included, uses the register for nothing else, so all of it on one stack has one meter. **Invariant: the
//! meter plus the fuel is the number of executed operators**, wherever a function is called or returns. Where an instruction traps, some
//! are still to be added: the byte of the meter table at its position in the trap table.

/// The most operators that metered code executes before it charges them and compares the meter with zero. So a run ends at most this
/// many operators after its fuel is used up, and the count of a thread that is stopped is at most this many short.
pub const MAX_ROW: u8 = 180;

/// The fuel of whoever may execute whatever it likes. Centuries pass before it is used up.
pub const UNLIMITED: u64 = 1 << 62;

/// What the meter starts at.
pub fn initial(fuel: u64) -> i64 {
    -(fuel.min(UNLIMITED) as i64)
}

/// The number of operators executed with this fuel when the meter shows this.
pub fn executed(meter: i64, fuel: u64) -> u64 {
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
                assert_eq!(executed(meter, fuel), added);
            }
        }
        assert_eq!(initial(0), 0);
    }
}
