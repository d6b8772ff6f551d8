//! Errors as C sees them: a kind, a message, and what goes with the kind.
//!
//! **Invariant: what a host function of C's returns ends its caller as what it is**: an error that a nested
//! call gave, with its backtrace, goes through unchanged.

pub mod functions;

use std::error::Error;
use std::ffi::{CString, c_char, c_void};
use std::fmt;
use std::ptr::null;
use wasmaot_runtime::{
    CallError, CreateError, Exception, ExportError, Frame, GlobalError, HostError, InstantiateError,
    InterruptError, LinkError, MemoryError, NotMetered, OpenError, PolicyError, PoolError, StartError,
    Suspend, TableError, Trap, TrapCode, WrongStore,
};
use wasmaot_wasi::WasiError;

/// See `wasmaot_error_kind_t` in the header.
#[expect(missing_docs, reason = "the header documents the kinds")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Usage,
    Open,
    Link,
    Exhausted,
    Limit,
    System,
    Trap,
    Exit,
    Host,
    Access,
    Internal,
    Exception,
    Suspend,
}

/// `WASMAOT_NO_OFFSET` of the header.
pub const NO_OFFSET: u32 = u32::MAX;

/// An error, as C holds it.
#[derive(Debug)]
pub struct wasmaot_error_t {
    kind: Kind,
    message: CString,
    status: i32,
    cause: Cause,
}

/// What a host function suspends its caller with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value(pub(crate) *mut c_void);

// SAFETY: it is not looked at here, and the header says that any thread may get it.
unsafe impl Send for Value {}
// SAFETY: it is not looked at here, so threads that share it do not reach what it points to.
unsafe impl Sync for Value {}

/// Why a program trapped, or is to trap, or what it threw.
#[derive(Debug)]
enum Cause {
    None,
    Code(TrapCode),
    Suspend(Value),
    Trap(Box<(Trap, Backtrace)>),
    Exception(Box<(Exception, Backtrace)>),
}

/// Wasm functions that were running.
#[derive(Debug)]
struct Backtrace {
    frames: Vec<wasmaot_frame_t>,
    /// What the frames' names and files point to.
    _strings: Vec<CString>,
}

/// Defines `wasmaot_frame_t` of `wasmaot.h`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct wasmaot_frame_t {
    /// Index of the frame's function.
    pub func_index: u32,
    /// Offset in the Wasm file, or `u32::MAX`.
    pub wasm_offset: u32,
    /// Name of the function, or null.
    pub name: *const c_char,
    /// Source file of the frame, or null.
    pub file: *const c_char,
    /// Line in the source file, or 0.
    pub line: u32,
    /// Column in the source file, or 0.
    pub column: u32,
}

// SAFETY: a frame's name belongs to the error that holds the frame, and does not change.
unsafe impl Send for wasmaot_frame_t {}
// SAFETY: what its name points to belongs to the error, and no thread changes it.
unsafe impl Sync for wasmaot_frame_t {}

/// A string of Rust's as C's. A NUL in it (from a name, say) would end it there.
pub(crate) fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "\\0")).unwrap_or_default()
}

impl Backtrace {
    fn new(frames: &[Frame]) -> Self {
        let mut strings = Vec::new();
        let mut keep = |text: Option<&str>| {
            let text = text.map(c_string);
            let pointer = text.as_ref().map_or(null(), |text| text.as_ptr());
            strings.extend(text);
            pointer
        };
        let frames = frames.iter().map(|frame| {
            let source = frame.source.as_ref();
            wasmaot_frame_t {
                func_index: frame.func_index,
                wasm_offset: frame.wasm_offset.unwrap_or(NO_OFFSET),
                name: keep(frame.name.as_deref()),
                file: keep(source.map(|source| &*source.file)),
                line: source.map_or(0, |source| source.line),
                column: source.and_then(|source| source.column).unwrap_or(0),
            }
        });
        Self { frames: frames.collect(), _strings: strings }
    }
}

impl wasmaot_error_t {
    pub(crate) fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self { kind, message: c_string(&message.to_string()), status: 0, cause: Cause::None }
    }

    /// What suspends the caller of a host function that returns it.
    pub(crate) fn suspend(value: *mut c_void) -> Self {
        let cause = Cause::Suspend(Value(value));
        Self { cause, ..Self::new(Kind::Suspend, "a host function suspends its caller") }
    }

    fn trap(trap: Trap) -> Self {
        let text = format!("wasm trap: {}{}", trap.code, trap.frames());
        let backtrace = Backtrace::new(&trap.backtrace);
        Self { cause: Cause::Trap(Box::new((trap, backtrace))), ..Self::new(Kind::Trap, text) }
    }

    fn exception(exception: Exception) -> Self {
        let text = format!("{exception}{}", exception.frames());
        let backtrace = Backtrace::new(&exception.backtrace);
        Self { cause: Cause::Exception(Box::new((exception, backtrace))), ..Self::new(Kind::Exception, text) }
    }

    fn code(&self) -> Option<TrapCode> {
        match &self.cause {
            Cause::None | Cause::Suspend(_) | Cause::Exception(..) => None,
            Cause::Code(code) => Some(*code),
            Cause::Trap(trap) => Some(trap.0.code),
        }
    }

    fn frames(&self) -> &[wasmaot_frame_t] {
        match &self.cause {
            Cause::Trap(trap) => &trap.1.frames,
            Cause::Exception(exception) => &exception.1.frames,
            Cause::None | Cause::Code(_) | Cause::Suspend(_) => &[],
        }
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
            PoolError::Mappings { .. } | PoolError::Reserve { .. } | PoolError::Handlers(_) => Kind::System,
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
            InstantiateError::TooLarge { .. } | InstantiateError::Limit { .. } => {
                Self::new(Kind::Limit, error)
            }
            InstantiateError::Map { .. } => Self::new(Kind::System, error),
            InstantiateError::NotMetered(error) => error.into(),
            InstantiateError::Value(_) => Self::new(Kind::Usage, error),
            error => Self::new(Kind::Link, error),
        }
    }
}

impl From<ExportError> for wasmaot_error_t {
    fn from(error: ExportError) -> Self {
        Self::new(Kind::Usage, error)
    }
}

impl From<WrongStore> for wasmaot_error_t {
    fn from(error: WrongStore) -> Self {
        Self::new(Kind::Usage, error)
    }
}

impl From<PolicyError> for wasmaot_error_t {
    fn from(error: PolicyError) -> Self {
        Self::new(Kind::Link, error)
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

impl From<MemoryError> for wasmaot_error_t {
    fn from(error: MemoryError) -> Self {
        let cause = error.trap_code().map_or(Cause::None, Cause::Code);
        Self { cause, ..Self::new(Kind::Access, error) }
    }
}

impl From<TableError> for wasmaot_error_t {
    fn from(error: TableError) -> Self {
        match error {
            TableError::OutOfBounds { .. } => {
                let cause = Cause::Code(TrapCode::TableOutOfBounds);
                Self { cause, ..Self::new(Kind::Access, error) }
            }
            TableError::Grow { .. } => Self::new(Kind::Limit, error),
            error => Self::new(Kind::Usage, error),
        }
    }
}

impl From<GlobalError> for wasmaot_error_t {
    fn from(error: GlobalError) -> Self {
        Self::new(Kind::Usage, error)
    }
}

impl From<CreateError> for wasmaot_error_t {
    fn from(error: CreateError) -> Self {
        InstantiateError::from(error).into()
    }
}

impl From<wasmaot_error_t> for HostError {
    fn from(error: wasmaot_error_t) -> Self {
        match (error.kind, error.cause) {
            (Kind::Exit, _) => HostError::Exit(error.status),
            (_, Cause::Trap(trap)) => CallError::Trap(trap.0).into(),
            (_, Cause::Exception(exception)) => exception.0.into(),
            (_, Cause::Code(code)) => HostError::Trap(code),
            (_, Cause::Suspend(value)) => Suspend::new(value).into(),
            (_, Cause::None) => HostError::other(wasmaot_error_t { cause: Cause::None, ..error }),
        }
    }
}
