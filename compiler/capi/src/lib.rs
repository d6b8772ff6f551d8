//! The C API of the compiler, as `include/wasmaot-compiler.h` declares it.
//!
//! **Invariants.** The header is the contract: this crate defines all of its functions and exports no others.
//! Pointers from C are checked for null, and array sizes for the maximum size of an object, before use. No
//! panic leaves this crate.
#![deny(unsafe_op_in_unsafe_fn)]
#![expect(non_camel_case_types, reason = "types have their names in C")]

mod options;

pub use options::{opt, wasmaot_compile_options_t};

use std::any::Any;
use std::ffi::{CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null;
use wasmaot_compiler::{CompileError, EmitError};

/// Status codes of a compilation, named as in the header without the common prefix.
#[expect(missing_docs, reason = "as in the header")]
pub mod status {
    pub const COMPILED: u32 = 0;
    pub const USAGE: u32 = 1;
    pub const INVALID: u32 = 2;
    pub const UNSUPPORTED: u32 = 3;
    pub const LIMIT: u32 = 4;
    pub const SYSTEM: u32 = 5;
    pub const INTERNAL: u32 = 6;
}

/// Why there is no artifact.
struct Failure {
    status: u32,
    message: CString,
}

/// A compilation, as C holds it.
pub struct wasmaot_compilation_t {
    ended: Result<Vec<u8>, Failure>,
}

impl Failure {
    fn new(status: u32, message: &str) -> Self {
        Self { status, message: CString::new(message.replace('\0', "\\0")).unwrap_or_default() }
    }

    fn usage(message: &str) -> Self {
        Self::new(status::USAGE, message)
    }

    fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::new(status::INTERNAL, &format!("the compiler panicked: {}", text.unwrap_or("no message")))
    }
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        let status = match &error {
            CompileError::Invalid { .. } => status::INVALID,
            CompileError::Component { .. }
            | CompileError::Unsupported { .. }
            | CompileError::Disabled { .. } => status::UNSUPPORTED,
            CompileError::Limit { .. }
            | CompileError::FunctionSize { .. }
            | CompileError::Memory { .. }
            | CompileError::Timeout { .. } => status::LIMIT,
            CompileError::Emit(EmitError::TooLarge { .. }) => status::LIMIT,
            CompileError::Target(_) => status::USAGE,
            CompileError::Threads(_) => status::SYSTEM,
            CompileError::Codegen { .. } | CompileError::Object(_) | CompileError::Emit(_) => {
                status::INTERNAL
            }
        };
        Self::new(status, &error.to_string())
    }
}

/// Compiles the module passed from C.
///
/// # Safety
/// As the header states for `wasmaot_compile`.
unsafe fn compile(
    module: *const c_void,
    length: usize,
    options: *const wasmaot_compile_options_t,
) -> Result<Vec<u8>, Failure> {
    if module.is_null() {
        return Err(Failure::usage("`module` is NULL"));
    }
    if length > isize::MAX as usize {
        return Err(Failure::usage(&format!("`module` cannot have {length} bytes")));
    }
    // SAFETY: the pointer is not null, the size is that of a possible object, and the caller guarantees that
    // that many bytes are readable.
    let bytes = unsafe { std::slice::from_raw_parts(module.cast::<u8>(), length) };
    // SAFETY: the header requires `options` to be NULL or to point to a structure of this type that does not
    // change during the call.
    let options = match unsafe { options.as_ref() } {
        // SAFETY: the strings in it are NULL, or end with NUL, by the header's contract with C.
        Some(options) => unsafe { options.read() }.map_err(|message| Failure::usage(&message))?,
        None => wasmaot_compiler::Options::default(),
    };
    let wasm = wat::parse_bytes(bytes).map_err(|error| Failure::new(status::INVALID, &error.to_string()))?;
    Ok(wasmaot_compiler::compile(&wasm, &options, &|_| ())?.bytes)
}

/// Implements `wasmaot_compile` of `wasmaot-compiler.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot-compiler.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_compile(
    module: *const c_void,
    length: usize,
    options: *const wasmaot_compile_options_t,
) -> *mut wasmaot_compilation_t {
    // SAFETY: the header requires `module` to point to `length` bytes and `options` to be NULL or valid, and
    // neither to change during the call.
    let ended = catch_unwind(AssertUnwindSafe(|| unsafe { compile(module, length, options) }));
    let ended = ended.unwrap_or_else(|payload| Err(Failure::panicked(&*payload)));
    Box::into_raw(Box::new(wasmaot_compilation_t { ended }))
}

/// Returns what `look` returns for the compilation, or `otherwise` if it is null.
///
/// # Safety
/// The compilation is null or valid.
unsafe fn look<R>(
    compilation: *const wasmaot_compilation_t,
    otherwise: R,
    look: impl FnOnce(&Result<Vec<u8>, Failure>) -> R,
) -> R {
    // SAFETY: `compilation` is null or valid, which this function requires of its caller.
    unsafe { compilation.as_ref() }.map_or(otherwise, |compilation| look(&compilation.ended))
}

/// Implements `wasmaot_compilation_status` of `wasmaot-compiler.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot-compiler.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_compilation_status(compilation: *const wasmaot_compilation_t) -> u32 {
    let status = |ended: &Result<_, Failure>| {
        ended.as_ref().map_or_else(|failure| failure.status, |_| status::COMPILED)
    };
    // SAFETY: C passes NULL or a compilation that it has not deleted.
    unsafe { look(compilation, status::USAGE, status) }
}

/// Implements `wasmaot_compilation_message` of `wasmaot-compiler.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot-compiler.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_compilation_message(
    compilation: *const wasmaot_compilation_t,
) -> *const c_char {
    let message =
        |ended: &Result<_, Failure>| ended.as_ref().err().map_or(null(), |failure| failure.message.as_ptr());
    // SAFETY: C passes NULL or a compilation that it has not deleted.
    unsafe { look(compilation, null(), message) }
}

/// Implements `wasmaot_compilation_artifact` of `wasmaot-compiler.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot-compiler.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_compilation_artifact(
    compilation: *const wasmaot_compilation_t,
    length: *mut usize,
) -> *const c_void {
    let bytes = |ended: &Result<Vec<u8>, _>| {
        ended.as_ref().map_or((null(), 0), |bytes| (bytes.as_ptr(), bytes.len()))
    };
    // SAFETY: the header requires `compilation` to be NULL or not yet deleted.
    let (start, count) = unsafe { look(compilation, (null(), 0), bytes) };
    // SAFETY: null, or may be written, as the header states.
    if let Some(length) = unsafe { length.as_mut() } {
        *length = count;
    }
    start.cast()
}

/// Implements `wasmaot_compilation_delete` of `wasmaot-compiler.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot-compiler.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_compilation_delete(compilation: *mut wasmaot_compilation_t) {
    if !compilation.is_null() {
        // SAFETY: `compilation` came from `wasmaot_compile`, which boxed it, and the header forbids its
        // use afterwards.
        drop(unsafe { Box::from_raw(compilation) });
    }
}

/// Implements `wasmaot_compiler_version` of `wasmaot-compiler.h`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmaot_compiler_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}
