//! Errors as C sees them: a kind, a message, and what goes with the kind.

use std::error::Error;
use std::ffi::{CStr, CString, c_char};
use std::fmt;
use wasmaot_runtime::{AccessError, CallError, HostError, InstantiateError, OpenError, Trap, TrapCode};

/// See `wasmaot_error_kind_t` in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) enum Kind {
    Open = 1,
    Instantiate = 2,
    Call = 3,
    Trap = 4,
    Exit = 5,
    Host = 6,
}

/// An error, as C holds it.
#[expect(non_camel_case_types, reason = "the name in C")]
#[derive(Debug)]
pub struct wasmaot_error_t {
    kind: Kind,
    message: CString,
    status: i32,
    trap: Option<TrapCode>,
}

impl wasmaot_error_t {
    pub(crate) fn new(kind: Kind, message: impl fmt::Display) -> Self {
        // A message with a NUL in it (from a name, say) would end there.
        let text = message.to_string().replace('\0', "\\0");
        Self { kind, message: CString::new(text).unwrap_or_default(), status: 0, trap: None }
    }

    fn trap(trap: &Trap) -> Self {
        let mut text = format!("wasm trap: {}", trap.code);
        for frame in &trap.backtrace {
            text.push_str(&format!("\n  in {frame}"));
        }
        Self { trap: Some(trap.code), ..Self::new(Kind::Trap, text) }
    }
}

impl fmt::Display for wasmaot_error_t {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message.to_string_lossy())
    }
}

impl Error for wasmaot_error_t {}

impl From<OpenError> for wasmaot_error_t {
    fn from(error: OpenError) -> Self {
        Self::new(Kind::Open, error)
    }
}

impl From<InstantiateError> for wasmaot_error_t {
    fn from(error: InstantiateError) -> Self {
        match error {
            InstantiateError::Run(error) => error.into(),
            error => Self::new(Kind::Instantiate, error),
        }
    }
}

impl From<CallError> for wasmaot_error_t {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Trap(trap) => Self::trap(&trap),
            CallError::Exit(status) => Self { status, ..Self::new(Kind::Exit, CallError::Exit(status)) },
            // An error that a host function of C's made comes back as it was.
            CallError::Host(error) => match error.downcast::<Self>() {
                Ok(error) => *error,
                Err(error) => Self::new(Kind::Host, error),
            },
            error => Self::new(Kind::Call, error),
        }
    }
}

impl From<AccessError> for wasmaot_error_t {
    fn from(error: AccessError) -> Self {
        let code = match error {
            AccessError::OutOfBounds { .. } => TrapCode::MemoryOutOfBounds,
            AccessError::ArtifactChanged => TrapCode::ArtifactChanged,
        };
        Self { trap: Some(code), ..Self::new(Kind::Trap, error) }
    }
}

impl From<wasmaot_error_t> for HostError {
    fn from(error: wasmaot_error_t) -> Self {
        match (error.kind, error.trap) {
            (Kind::Exit, _) => HostError::Exit(error.status),
            (Kind::Trap, Some(code)) => HostError::Trap(code),
            _ => HostError::other(error),
        }
    }
}

/// Gives an error to C; null for success.
pub(crate) fn give_error(result: Result<(), wasmaot_error_t>) -> *mut wasmaot_error_t {
    match result {
        Ok(()) => std::ptr::null_mut(),
        Err(error) => Box::into_raw(Box::new(error)),
    }
}

/// Gives a result to C: through `out`, or as an error.
///
/// # Safety
/// `out` may be written.
pub(crate) unsafe fn give<T>(result: Result<T, wasmaot_error_t>, out: *mut *mut T) -> *mut wasmaot_error_t {
    // SAFETY: as the caller states.
    give_error(result.map(|value| unsafe { out.write(Box::into_raw(Box::new(value))) }))
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_new(message: *const c_char) -> *mut wasmaot_error_t {
    // SAFETY: `message` is a string.
    let message = unsafe { CStr::from_ptr(message) };
    give_error(Err(wasmaot_error_t::new(Kind::Host, message.to_string_lossy())))
}

/// See the header.
#[unsafe(no_mangle)]
pub extern "C" fn wasmaot_error_new_exit(status: i32) -> *mut wasmaot_error_t {
    give_error(Err(CallError::Exit(status).into()))
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_kind(error: *const wasmaot_error_t) -> u32 {
    // SAFETY: the error is valid.
    unsafe { (*error).kind as u32 }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_message(error: *const wasmaot_error_t) -> *const c_char {
    // SAFETY: the error is valid.
    unsafe { (*error).message.as_ptr() }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_exit_status(error: *const wasmaot_error_t) -> i32 {
    // SAFETY: the error is valid.
    unsafe { (*error).status }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_trap_code(error: *const wasmaot_error_t) -> u8 {
    // SAFETY: the error is valid.
    unsafe { (*error).trap.map_or(0, |code| code as u8) }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_delete(error: *mut wasmaot_error_t) {
    if !error.is_null() {
        // SAFETY: it came from `give_error`.
        drop(unsafe { Box::from_raw(error) });
    }
}
