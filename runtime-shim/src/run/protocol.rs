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
}

/// Bytes below a stub's frame in which a suspended guest keeps the registers that its caller preserves.
pub(crate) const SAVED_REGISTERS: u64 = 48;

/// What a builtin's body returns, in rax and rdx.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BuiltinResult {
    /// The result, where it has one.
    pub(crate) value: u64,
    /// A trap code, or 0.
    pub(crate) trap: u64,
}

impl BuiltinResult {
    /// The result of a builtin that traps.
    pub(crate) fn trap(code: TrapCode) -> Self {
        Self { value: 0, trap: u64::from(code as u8) }
    }
}
