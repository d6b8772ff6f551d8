//! What stubs and the code that they call tell each other.
//!
//! **Invariant: every number is handled on both sides**, by assembly and by the code that gets it.

use wasmaot_abi::trap::TrapCode;

/// How control came back from compiled code.
pub(crate) mod reason {
    /// The entry returned.
    pub(crate) const RETURNED: u32 = 0;
    /// The signal handler noted a fault in the activation.
    pub(crate) const FAULT: u32 = 1;
    /// A builtin trapped and its code is in the activation.
    pub(crate) const BUILTIN: u32 = 2;
    /// A host function left a pending exit in the activation.
    pub(crate) const HOST: u32 = 3;
    /// A host function left a pending suspension in the activation, and the guest's stack is as it was.
    pub(crate) const SUSPENDED: u32 = 4;
    /// The guest's time slice is over: it was interrupted where the activation says, and its registers are in
    /// the store's.
    pub(crate) const INTERRUPTED: u32 = 5;
    /// The same, but it called a stub, and goes on where that returns.
    pub(crate) const YIELDED: u32 = 6;
}

/// What a host function's body tells its stub.
pub(crate) mod answer {
    /// Go on with the results.
    pub(crate) const RETURN: u32 = 0;
    /// Leave the guest for good.
    pub(crate) const EXIT: u32 = 1;
    /// Leave the guest until it is resumed.
    pub(crate) const SUSPEND: u32 = 2;
    /// Throw the pending exception in the guest.
    pub(crate) const THROW: u32 = 3;
    /// Go on with the results in the guest's next time slice.
    pub(crate) const YIELD: u32 = 4;
}

/// Bytes below a stub's frame in which a suspended guest keeps the registers that its caller preserves.
pub(crate) const SAVED_REGISTERS: u64 = 48;

/// What a builtin's body returns, in rax and rdx.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BuiltinResult {
    /// The result, where it has one.
    pub(crate) value: u64,
    /// A trap code, 0, or [`BuiltinResult::YIELDS`] or [`BuiltinResult::LANDS_LATER`].
    pub(crate) trap: u64,
}

impl BuiltinResult {
    /// Not a trap: the guest goes on with the result in its next time slice.
    pub(crate) const YIELDS: u32 = 0x100;

    /// Not a trap: the guest goes on with its registers in the store in its next time slice.
    pub(crate) const LANDS_LATER: u32 = 0x101;
}

impl BuiltinResult {
    /// The result of a builtin that traps.
    pub(crate) fn trap(code: TrapCode) -> Self {
        Self { value: 0, trap: u64::from(code as u8) }
    }
}
