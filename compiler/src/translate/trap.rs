//! Trap codes in CLIF: one byte for each instruction that may trap.
//!
//! ```text
//!  1 ..= 22                 the number of one of ours
//!  64 ..= 63 + MAX_ROW      an access of memory that leaves 1, 2, ... operators uncharged
//!  251 ..= 255              the code generator's own, among them an access that leaves none
//! ```
//!
//! **Invariant: [`read`] gives what [`of`] and [`of_access`] were given.** The code generator
//! raises codes of its own only for what it checks by itself, and [`read`] knows all of those.

use cranelift_codegen::ir::TrapCode as ClifTrap;
use wasmaot_abi::meter::MAX_ROW;
use wasmaot_abi::trap::TrapCode;

/// The code of an access of memory that leaves one operator uncharged.
const FIRST_ACCESS: u8 = 64;

/// Codes from here on are the code generator's own.
const FIRST_OWN: u8 = 251;

const _: () = {
    let mut index = 0;
    while index < TrapCode::ALL.len() {
        assert!((TrapCode::ALL[index] as u8) < FIRST_ACCESS);
        index += 1;
    }
    assert!(FIRST_ACCESS as u32 + MAX_ROW as u32 <= FIRST_OWN as u32);
    assert!(ClifTrap::HEAP_OUT_OF_BOUNDS.as_raw().get() >= FIRST_OWN);
};

/// What traps at an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raised {
    pub(crate) trap: TrapCode,
    /// For accesses of memory, the operators that are executed by then and not charged.
    pub(crate) uncharged: Option<u8>,
}

/// The byte for a trap.
pub(super) fn of(code: TrapCode) -> ClifTrap {
    ClifTrap::unwrap_user(code as u8)
}

/// The byte for an access of memory that leaves this many operators uncharged, at most [`MAX_ROW`].
pub(super) fn of_access(uncharged: u8) -> ClifTrap {
    match uncharged {
        0 => ClifTrap::HEAP_OUT_OF_BOUNDS,
        _ => ClifTrap::unwrap_user(FIRST_ACCESS + uncharged - 1),
    }
}

/// What a byte stands for.
pub(crate) fn read(code: ClifTrap) -> Raised {
    let uncharged = match code.as_raw().get() {
        _ if code == ClifTrap::HEAP_OUT_OF_BOUNDS => Some(0),
        raw @ FIRST_ACCESS.. if raw - FIRST_ACCESS < MAX_ROW => Some(raw - FIRST_ACCESS + 1),
        _ => None,
    };
    let trap = match code {
        _ if uncharged.is_some() => TrapCode::MemoryOutOfBounds,
        ClifTrap::STACK_OVERFLOW => TrapCode::StackOverflow,
        ClifTrap::INTEGER_OVERFLOW => TrapCode::IntegerOverflow,
        ClifTrap::INTEGER_DIVISION_BY_ZERO => TrapCode::IntegerDivideByZero,
        ClifTrap::BAD_CONVERSION_TO_INTEGER => TrapCode::InvalidConversionToInteger,
        other => TrapCode::from_u8(other.as_raw().get()).expect("user codes are ours"),
    };
    Raised { trap, uncharged }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_as_written() {
        for &trap in TrapCode::ALL {
            assert_eq!(read(of(trap)), Raised { trap, uncharged: None });
        }
        for uncharged in 0..=MAX_ROW {
            let access = Raised { trap: TrapCode::MemoryOutOfBounds, uncharged: Some(uncharged) };
            assert_eq!(read(of_access(uncharged)), access);
        }
    }
}
