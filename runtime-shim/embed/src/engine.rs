//! Compiling and loading in one step.
//!
//! **Invariant: what is loaded are the bytes that the compiler has just returned**, which nothing else has
//! seen.

use wasmaot_compiler::{CompileError, Emit, Options, compile};
use wasmaot_runtime::{Module, OpenError};

/// Compiles modules for this process.
///
/// ```
/// use wasmaot_embed::{Engine, Options, TargetCpu};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let wasm = wat::parse_str("(module)")?;
/// // Code that counts what it executes, so that fuel limits it, for the CPU of this machine.
/// let engine = Engine::new(Options { meter: true, cpu: TargetCpu::Native, ..Options::default() });
/// assert!(engine.compile_and_load(&wasm)?.is_metered());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Engine {
    options: Options,
}

/// A module that cannot be compiled or loaded.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// It is not valid, uses what is not supported, or is beyond a limit of the compiler's.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The system refuses what loading needs.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be initialised, or the result cannot be written down.
    #[cfg(feature = "snapshot")]
    #[error(transparent)]
    Preinit(#[from] wasmaot_snapshot::PreinitError),
}

impl Engine {
    /// An engine that compiles with these options. What they say of the form of the output is for
    /// [`Engine::compile`] only.
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    /// Compiles a binary module to the bytes of an artifact, to be stored and opened by another process.
    ///
    /// # Errors
    /// The module is not valid, uses what is not supported, or is beyond a limit of the compiler's.
    pub fn compile(&self, wasm: &[u8]) -> Result<Vec<u8>, CompileError> {
        Ok(compile(wasm, &self.options, &|_| ())?.bytes)
    }

    /// Initialises a binary module as `wasmaot compile --preinit` does: returns a module that starts where
    /// the initialisation stopped, to be compiled in its place.
    ///
    /// # Errors
    /// The module cannot be compiled, loaded or initialised, or the result cannot be written down.
    ///
    /// ```
    /// use wasmaot_embed::{Engine, Linker, Store};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let wasm = wat::parse_str(
    /// #     r#"(module (global $g (mut i32) (i32.const 0)) (func (export "wizer.initialize") (global.set $g (i32.const 7)))
    /// #         (func (export "get") (result i32) (global.get $g)))"#,
    /// # )?;
    /// let engine = Engine::default();
    /// let initialised = engine.preinit(&wasm, &Default::default())?.wasm;
    /// let module = engine.compile_and_load(&initialised)?;
    /// let mut store = Store::new(());
    /// let instance = Linker::new().instantiate(&mut store, &module)?;
    /// assert_eq!(instance.get_typed_func::<(), i32>(&store, "get")?.call(&mut store, ())?, 7);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "snapshot")]
    pub fn preinit(
        &self,
        wasm: &[u8],
        options: &wasmaot_snapshot::Options,
    ) -> Result<wasmaot_snapshot::Preinitialised, EngineError> {
        // It runs once, and its result does not depend on how it was optimised, nor on the machine.
        let compiler = Options {
            opt: wasmaot_compiler::OptLevel::None,
            cpu: wasmaot_compiler::TargetCpu::default(),
            meter: false,
            ..self.options.clone()
        };
        let module = Self::new(compiler).compile_and_load(wasm)?;
        Ok(wasmaot_snapshot::preinit(&module, wasm, options)?)
    }

    /// Compiles a binary module and loads it.
    ///
    /// # Errors
    /// The module is not valid, uses what is not supported, or is beyond a limit of the compiler's; or the
    /// system refuses what loading needs.
    pub fn compile_and_load(&self, wasm: &[u8]) -> Result<Module, EngineError> {
        let options = Options { emit: Emit::SharedObject, ..self.options.clone() };
        let artifact = compile(wasm, &options, &|_| ())?.bytes;
        // SAFETY: the compiler has returned these bytes just now, and nothing has changed them since.
        Ok(unsafe { Module::from_bytes_trusted(&artifact)? })
    }
}
