//! Errors as C sees them: a kind, a message, and what goes with the kind.
//!
//! **Invariant: what a host function of C's returns ends its caller as what it is**: an error that a nested call gave, with its
//! backtrace, goes through unchanged.

use crate::boundary::{Result, at, fallible, infallible, list, new, take, text, usage};
use std::error::Error;
use std::ffi::{CString, c_char};
use std::fmt;
use std::ptr::null;
use wasmaot_runtime::{
    AccessError, CallError, Exception, Frame, HostError, InstantiateError, InterruptError, LinkError,
    NotMetered, OpenError, PoolError, StartError, Trap, TrapCode,
};
use wasmaot_wasi::WasiError;

/// See `wasmaot_error_kind_t` in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) enum Kind {
    Usage = 1,
    Open = 2,
    Link = 3,
    Exhausted = 4,
    Limit = 5,
    System = 6,
    Trap = 7,
    Exit = 8,
    Host = 9,
    Access = 10,
    Internal = 11,
    Exception = 12,
}

/// An error, as C holds it.
#[derive(Debug)]
pub struct wasmaot_error_t {
    kind: Kind,
    message: CString,
    status: i32,
    cause: Cause,
}

/// Why a program trapped, or is to trap, or what it threw.
#[derive(Debug)]
enum Cause {
    None,
    Code(TrapCode),
    Trap(Box<(Trap, Backtrace)>),
    Exception(Box<(Exception, Backtrace)>),
}

/// Wasm functions that were running.
#[derive(Debug)]
struct Backtrace {
    frames: Vec<wasmaot_frame_t>,
    /// What the frames' names point to.
    _names: Vec<CString>,
}

/// See the header.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct wasmaot_frame_t {
    /// Index of the function.
    pub func_index: u32,
    /// Offset in the Wasm file, or `u32::MAX`.
    pub wasm_offset: u32,
    /// Its name, or null.
    pub name: *const c_char,
}

// SAFETY: a frame's name belongs to the error that holds the frame, and does not change.
unsafe impl Send for wasmaot_frame_t {}
// SAFETY: as above.
unsafe impl Sync for wasmaot_frame_t {}

/// A string of Rust's as C's. A NUL in it (from a name, say) would end it there.
pub(crate) fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "\\0")).unwrap_or_default()
}

impl Backtrace {
    fn new(frames: &[Frame]) -> Self {
        let names: Vec<Option<CString>> =
            frames.iter().map(|frame| frame.name.as_deref().map(c_string)).collect();
        let frames = frames.iter().zip(&names).map(|(frame, name)| wasmaot_frame_t {
            func_index: frame.func_index,
            wasm_offset: frame.wasm_offset.unwrap_or(u32::MAX),
            name: name.as_ref().map_or(null(), |name| name.as_ptr()),
        });
        Self { frames: frames.collect(), _names: names.into_iter().flatten().collect() }
    }
}

fn with_frames(mut text: String, frames: &[Frame], omitted: usize) -> String {
    for frame in frames {
        text.push_str(&format!("\n  in {frame}"));
    }
    if omitted > 0 {
        text.push_str(&format!("\n  and {omitted} more"));
    }
    text
}

impl wasmaot_error_t {
    pub(crate) fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self { kind, message: c_string(&message.to_string()), status: 0, cause: Cause::None }
    }

    fn trap(trap: Trap) -> Self {
        let text = with_frames(format!("wasm trap: {}", trap.code), &trap.backtrace, trap.omitted_frames);
        let backtrace = Backtrace::new(&trap.backtrace);
        Self { cause: Cause::Trap(Box::new((trap, backtrace))), ..Self::new(Kind::Trap, text) }
    }

    fn exception(exception: Exception) -> Self {
        let text = with_frames(exception.to_string(), &exception.backtrace, exception.omitted_frames);
        let backtrace = Backtrace::new(&exception.backtrace);
        Self { cause: Cause::Exception(Box::new((exception, backtrace))), ..Self::new(Kind::Exception, text) }
    }

    fn code(&self) -> Option<TrapCode> {
        match &self.cause {
            Cause::None | Cause::Exception(..) => None,
            Cause::Code(code) => Some(*code),
            Cause::Trap(trap) => Some(trap.0.code),
        }
    }

    fn frames(&self) -> &[wasmaot_frame_t] {
        match &self.cause {
            Cause::Trap(trap) => &trap.1.frames,
            Cause::Exception(exception) => &exception.1.frames,
            Cause::None | Cause::Code(_) => &[],
        }
    }

    /// Gives it to C.
    pub(crate) fn give(self) -> *mut Self {
        new(self)
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

impl From<LinkError> for wasmaot_error_t {
    fn from(error: LinkError) -> Self {
        Self::new(Kind::Link, error)
    }
}

impl From<WasiError> for wasmaot_error_t {
    fn from(error: WasiError) -> Self {
        let reason = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        Self::new(Kind::System, format!("{error}{reason}"))
    }
}

impl From<PoolError> for wasmaot_error_t {
    fn from(error: PoolError) -> Self {
        let kind = match error {
            PoolError::Config { .. } => Kind::Usage,
            PoolError::Mappings { .. } | PoolError::Reserve { .. } => Kind::System,
        };
        Self::new(kind, error)
    }
}

impl From<StartError> for wasmaot_error_t {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Exhausted { .. } => Self::new(Kind::Exhausted, error),
            StartError::Instantiate(error) => error.into(),
        }
    }
}

impl From<InstantiateError> for wasmaot_error_t {
    fn from(error: InstantiateError) -> Self {
        match error {
            InstantiateError::Run(error) => error.into(),
            InstantiateError::TooLarge { .. } => Self::new(Kind::Limit, error),
            InstantiateError::Map { .. } => Self::new(Kind::System, error),
            InstantiateError::NotMetered(error) => error.into(),
            error => Self::new(Kind::Link, error),
        }
    }
}

impl From<NotMetered> for wasmaot_error_t {
    fn from(error: NotMetered) -> Self {
        Self::new(Kind::Usage, error)
    }
}

impl From<InterruptError> for wasmaot_error_t {
    fn from(error: InterruptError) -> Self {
        Self::new(Kind::System, error)
    }
}

impl From<CallError> for wasmaot_error_t {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Trap(trap) => Self::trap(trap),
            CallError::Exception(exception) => Self::exception(*exception),
            CallError::Exit(status) => Self { status, ..Self::new(Kind::Exit, CallError::Exit(status)) },
            // An error that a host function of C's made comes back as it was.
            CallError::Host(error) => match error.downcast::<Self>() {
                Ok(error) => *error,
                Err(error) => Self::new(Kind::Host, error),
            },
            CallError::Thread(_) | CallError::Interrupt(_) => Self::new(Kind::System, error),
            error => Self::new(Kind::Usage, error),
        }
    }
}

/// For a host function to return.
impl From<TrapCode> for wasmaot_error_t {
    fn from(code: TrapCode) -> Self {
        Self { cause: Cause::Code(code), ..Self::new(Kind::Trap, format!("wasm trap: {code}")) }
    }
}

impl From<AccessError> for wasmaot_error_t {
    fn from(error: AccessError) -> Self {
        let code = match error {
            AccessError::OutOfBounds { .. } => TrapCode::MemoryOutOfBounds,
            AccessError::ArtifactChanged => TrapCode::ArtifactChanged,
            AccessError::OutOfMemory => TrapCode::OutOfMemory,
        };
        Self { cause: Cause::Code(code), ..Self::new(Kind::Access, error) }
    }
}

impl From<wasmaot_error_t> for HostError {
    fn from(error: wasmaot_error_t) -> Self {
        match (error.kind, error.cause) {
            (Kind::Exit, _) => HostError::Exit(error.status),
            (_, Cause::Trap(trap)) => CallError::Trap(trap.0).into(),
            (_, Cause::Exception(exception)) => exception.0.into(),
            (_, Cause::Code(code)) => HostError::Trap(code),
            (_, Cause::None) => HostError::other(wasmaot_error_t { cause: Cause::None, ..error }),
        }
    }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_new(message: *const c_char) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: as the header states.
        Err(wasmaot_error_t::new(Kind::Host, unsafe { text(message, "message")? }))
    })
}

/// See the header.
#[unsafe(no_mangle)]
pub extern "C" fn wasmaot_error_new_exit(status: i32) -> *mut wasmaot_error_t {
    fallible(|| Err(CallError::Exit(status).into()))
}

/// See the header.
#[unsafe(no_mangle)]
pub extern "C" fn wasmaot_error_new_trap(trap: u32) -> *mut wasmaot_error_t {
    fallible(|| Err(host_trap(trap)?))
}

fn host_trap(number: u32) -> Result<wasmaot_error_t> {
    let code = u8::try_from(number).ok().and_then(TrapCode::from_u8);
    code.map(wasmaot_error_t::from).ok_or_else(|| usage(format!("{number} is no trap")))
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_delete(error: *mut wasmaot_error_t) {
    // SAFETY: as the header states.
    unsafe { take(error) };
}

/// What a function that only looks at an error gives, or `otherwise` without one.
///
/// # Safety
/// The error is null or valid.
unsafe fn look<R>(
    error: *const wasmaot_error_t,
    otherwise: R,
    look: impl FnOnce(&wasmaot_error_t) -> R,
) -> R {
    // SAFETY: as the caller states.
    infallible(otherwise, || Some(look(unsafe { at(error, "error") }.ok()?)))
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_kind(error: *const wasmaot_error_t) -> u32 {
    // SAFETY: as the header states.
    unsafe { look(error, 0, |error| error.kind as u32) }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_message(error: *const wasmaot_error_t) -> *const c_char {
    // SAFETY: as the header states.
    unsafe { look(error, null(), |error| error.message.as_ptr()) }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_exit_status(error: *const wasmaot_error_t) -> i32 {
    // SAFETY: as the header states.
    unsafe { look(error, 0, |error| error.status) }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_trap(error: *const wasmaot_error_t) -> u32 {
    // SAFETY: as the header states.
    unsafe { look(error, 0, |error| error.code().map_or(0, |code| code as u32)) }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_frames(
    error: *const wasmaot_error_t,
    count: *mut usize,
) -> *const wasmaot_frame_t {
    // SAFETY: as the header states.
    infallible(null(), || unsafe { Some(list(at(error, "error").ok().map(wasmaot_error_t::frames), count)) })
}
