//! Traps as the embedder sees them: the code, and where in the Wasm program.
//!
//! **Invariant: a trap names its functions innermost first.**

use crate::code::frame::{Backtrace, Frame};
use crate::run::backtrace::Frames;
use std::fmt;
use wasmaot_abi::trap::TrapCode;

/// A run that ended early.
///
/// ```
/// use wasmaot_runtime::{CallError, Linker, Module, Store, TrapCode};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (func $f (export "f") unreachable))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let mut store = Store::new(());
/// let instance = Linker::new().instantiate(&mut store, &module)?;
/// let error = instance.call(&mut store, "f", &[]).expect_err("it traps");
/// let CallError::Trap(trap) = error else { panic!("{error}") };
/// assert_eq!(trap.code, TrapCode::Unreachable);
/// assert_eq!(trap.backtrace[0].name.as_deref(), Some("f"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Trap {
    /// Reason for the trap.
    pub code: TrapCode,
    /// Wasm functions that were running, innermost first; at most
    /// [`MAX_FRAMES`](crate::MAX_FRAMES).
    pub backtrace: Vec<Frame>,
    /// Machine frames beyond those.
    pub omitted_frames: usize,
}

impl Trap {
    /// A trap outside any Wasm function.
    pub(crate) fn new(code: TrapCode) -> Self {
        Self::with_frames(code, Frames::default())
    }

    /// A trap in these functions.
    pub(crate) fn with_frames(code: TrapCode, frames: Frames) -> Self {
        let Frames { named, omitted } = frames;
        Self { code, backtrace: named, omitted_frames: omitted }
    }

    /// The functions that were running, to be displayed.
    pub fn frames(&self) -> Backtrace<'_> {
        Backtrace { frames: &self.backtrace, omitted: self.omitted_frames }
    }

    /// Offset in the Wasm file of the operator that trapped.
    pub fn wasm_offset(&self) -> Option<u32> {
        self.backtrace.first()?.wasm_offset
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wasm trap: {}", self.code)?;
        match self.backtrace.first() {
            Some(frame) => write!(f, " in {frame}"),
            None => Ok(()),
        }
    }
}
