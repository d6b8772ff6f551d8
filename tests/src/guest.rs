//! From text to a running instance.

use crate::load::load;
use std::time::{Duration, Instant};
use wasmaot_abi::cpu::{BASELINE, LEVELS, Level};
use wasmaot_abi::trap::TrapCode;
use wasmaot_compiler::{Emit, OptLevel, Options, TargetCpu};
use wasmaot_runtime::{CallError, Instance, Linker, Module, Store, Trap, Val};

/// Options of most suites: the defaults on one thread, as the suites run tests in parallel.
pub fn options() -> Options {
    Options { jobs: 1, emit: Emit::SharedObject, ..Options::default() }
}

/// Options that are not the default ones, with names: every optimisation level, and CPU levels from the
/// lowest to all that this machine has.
pub fn variants() -> Vec<(String, Options)> {
    let here = wasmaot_abi::detect_cpu_features!();
    let runs = |level: &Level| level.features & !here == 0;
    let best = LEVELS.into_iter().rfind(runs).unwrap_or(BASELINE);
    [
        (TargetCpu::Level(BASELINE), OptLevel::None),
        (TargetCpu::Level(BASELINE), OptLevel::Speed),
        (TargetCpu::Level(best), OptLevel::Full),
        (TargetCpu::Native, OptLevel::Speed),
    ]
    .map(|(cpu, opt)| {
        let name = match cpu {
            TargetCpu::Level(level) => level.name,
            TargetCpu::Native => "native",
        };
        (format!("{name}, {opt:?}"), Options { cpu, opt, ..options() })
    })
    .to_vec()
}

/// Compiles a module to an artifact in memory.
pub fn compile(wasm: &[u8]) -> Vec<u8> {
    match wasmaot_compiler::compile(wasm, &options(), &|_| {}) {
        Ok(output) => output.bytes,
        Err(error) => panic!("the module does not compile: {error}"),
    }
}

/// Compiles a module in the text format to the bytes of a shared object.
pub fn compile_wat(wat: &str) -> Vec<u8> {
    compile(&wat::parse_str(wat).unwrap_or_else(|e| panic!("{e}")))
}

/// Compiles and opens a module in the text format, which is sound.
#[track_caller]
pub fn module(wat: &str) -> Module {
    load(&compile_wat(wat)).unwrap_or_else(|e| panic!("{e}"))
}

/// The trap that a call ended in.
pub fn trap_code<T: std::fmt::Debug>(result: Result<T, CallError>) -> TrapCode {
    match result {
        Err(CallError::Trap(trap)) => trap.code,
        other => panic!("expected a trap, got {other:?}"),
    }
}

/// The trap of a call without end that is given a deadline, which passes while the guest runs: where it
/// passes before that, as it may on a busy machine, there is another try with more time.
pub fn stopped_while_running<T: std::fmt::Debug>(
    mut call: impl FnMut(Instant) -> Result<T, CallError>,
) -> Trap {
    for attempt in 0..8 {
        let deadline = Instant::now() + Duration::from_millis(2 << (2 * attempt));
        let trap = match call(deadline) {
            Err(CallError::Trap(trap)) => trap,
            other => panic!("expected a trap, got {other:?}"),
        };
        assert_eq!(trap.code, TrapCode::DeadlineExceeded);
        assert!(Instant::now() >= deadline, "it ended early");
        if !trap.backtrace.is_empty() {
            return trap;
        }
    }
    panic!("the guest never ran before its deadline");
}

/// An instance in a store of its own.
pub struct Guest {
    /// Store that owns the instance.
    pub store: Store<()>,
    /// Handle of the instance.
    pub instance: Instance,
}

impl Guest {
    /// Compiles, loads and instantiates a module without imports.
    pub fn new(wat: &str) -> Self {
        Self::with_linker(wat, &Linker::new())
    }

    /// Compiles, loads and instantiates a module.
    pub fn with_linker(wat: &str, linker: &Linker<()>) -> Self {
        let module = module(wat);
        let mut store = Store::new(());
        let instance = linker.instantiate(&mut store, &module).unwrap_or_else(|e| panic!("{e}"));
        Self { store, instance }
    }

    /// Calls an export of the instance.
    pub fn call(&mut self, name: &str, arguments: &[Val]) -> Result<Vec<Val>, CallError> {
        self.instance.call(&mut self.store, name, arguments)
    }

    /// Calls an export that takes and gives `i32`s and must not trap.
    pub fn i32(&mut self, name: &str, arguments: &[i32]) -> i32 {
        let arguments: Vec<Val> = arguments.iter().map(|&value| Val::I32(value)).collect();
        match self.call(name, &arguments).as_deref() {
            Ok([Val::I32(value)]) => *value,
            other => panic!("{name}: expected an i32, got {other:?}"),
        }
    }

    /// Calls an export that takes `i32`s and must trap.
    pub fn trap(&mut self, name: &str, arguments: &[i32]) -> TrapCode {
        let arguments: Vec<Val> = arguments.iter().map(|&value| Val::I32(value)).collect();
        trap_code(self.call(name, &arguments))
    }
}
