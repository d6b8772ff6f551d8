//! Runs the initialisation of a module, and freezes the result.
//!
//! Wizer's conventions: `_initialize` is called first, if it is exported, then `wizer.initialize` or
//! `wizer-initialize`; both are removed, and `wizer.resume` replaces `_start`.

use crate::error::PreinitError;
use crate::exports::Exports;
use crate::frozen::Snapshot;
use crate::host::{self, Host};
use crate::options::{Call, Options};
use std::time::Instant;
use wasmaot_abi::descriptor::{Descriptor, ExportKind, ImportKind};
use wasmaot_abi::preinit::Preinit;
use wasmaot_abi::types::FuncType;
use wasmaot_runtime::{AsStore, CallError, Instance, InstantiateError, Module, ResourceLimits, Store};

/// The export that a reactor has called once before any other.
const INITIALIZE: &str = "_initialize";

/// Exports that initialise a module.
const INITIALISERS: [&str; 2] = ["wizer.initialize", "wizer-initialize"];

/// The export of an initialised module that runs it as a command, and the name that it gets.
const RESUME: &str = "wizer.resume";
const START: &str = "_start";

/// Result of initialising a module.
#[derive(Debug)]
pub struct Preinitialised {
    /// The module, to be compiled in place of the original.
    pub wasm: Vec<u8>,
    /// What was run, and what it got of the host's. The module carries it as a custom section.
    pub record: Preinit,
    /// Bytes of memory that the module starts with, in whole pages that are not zero.
    pub memory_bytes: u64,
}

/// Initialises a module and freezes the result: `module` is what `wasm` was compiled to, at any level of
/// optimisation.
///
/// # Errors
/// There is nothing to call, a call does not return or gets something that is not granted, or the result
/// cannot be written down.
pub fn preinit(module: &Module, wasm: &[u8], options: &Options) -> Result<Preinitialised, PreinitError> {
    let descriptor = module.descriptor();
    if wasmparser::Parser::is_component(wasm) {
        return Err(PreinitError::Component);
    }
    check_imports(descriptor)?;
    let calls = calls(descriptor, options)?;
    let mut store = Store::new(Host::new(options, wasm)?);
    let deadline = Instant::now().checked_add(options.timeout);
    let limits = ResourceLimits { deadline, ..options.limits };
    store.set_limits(limits).map_err(|error| InstantiateError::Run(error.into()))?;
    let linker = host::linker(module, options)?;
    let instance = linker.instantiate(&mut store, module).map_err(|error| match error {
        InstantiateError::Run(error) => ended(store.data_mut(), "the start function", error),
        error => error.into(),
    })?;
    run(&mut store, instance, &calls)?;
    if let Some(descriptor) = store.data().changed_descriptor() {
        return Err(PreinitError::Descriptor { descriptor });
    }
    let snapshot = Snapshot::take(&store, instance, wasm)?;
    let mut record = store.into_data().record;
    record.calls = calls.iter().map(shown).collect();
    let exports = exports(descriptor, options);
    let wasm = snapshot.to_wasm_with(&exports, &record)?;
    Ok(Preinitialised { wasm, record, memory_bytes: snapshot.memory_bytes() })
}

/// A memory that is imported and shared is that of a program with threads.
fn check_imports(descriptor: &Descriptor) -> Result<(), PreinitError> {
    let is_shared = |kind: &ImportKind| matches!(kind, ImportKind::Memory { ty } if ty.shared);
    match descriptor.imports.iter().any(|import| is_shared(&import.kind)) {
        true => Err(PreinitError::Threads),
        false => Ok(()),
    }
}

/// Makes calls, one after the other.
pub(crate) fn run(
    store: &mut impl AsStore<Data = Host>,
    instance: Instance,
    calls: &[Call],
) -> Result<(), PreinitError> {
    for Call { export, arguments } in calls {
        let result = instance.call(store, export, arguments);
        result.map_err(|error| ended(store.data_mut(), &format!("{export:?}"), error))?;
    }
    Ok(())
}

/// The error for a call that did not return.
fn ended(host: &mut Host, call: &str, error: CallError) -> PreinitError {
    let call = call.to_string();
    match (error, host.denied.take()) {
        (CallError::Trap(trap), Some(denied)) => PreinitError::Denied { call, denied, trap },
        (CallError::Trap(trap), None) => PreinitError::Trap { call, trap },
        (CallError::Exit(status), _) => PreinitError::Exit { call, status },
        (error, _) => PreinitError::Call { call, error: Box::new(error) },
    }
}

/// The calls that initialise a module, in order.
fn calls(descriptor: &Descriptor, options: &Options) -> Result<Vec<Call>, PreinitError> {
    let is_exported = |name: &str| function(descriptor, name).is_some();
    let own = options.initialiser.as_deref();
    let initialiser = own.or_else(|| INITIALISERS.into_iter().find(|name| is_exported(name)));
    let reactor = Some(INITIALIZE).filter(|name| is_exported(name) && initialiser != Some(name));
    let mut calls = Vec::new();
    for name in reactor.into_iter().chain(initialiser) {
        let ty = function(descriptor, name).ok_or_else(|| no_function(descriptor, name))?;
        if !(ty.params.is_empty() && ty.results.is_empty()) {
            return Err(PreinitError::Type { name: name.into(), ty: ty.to_string() });
        }
        calls.push(Call { export: name.into(), arguments: Vec::new() });
    }
    for call in &options.calls {
        function(descriptor, &call.export).ok_or_else(|| no_function(descriptor, &call.export))?;
        calls.push(call.clone());
    }
    if calls.is_empty() {
        return Err(PreinitError::NoInitialiser);
    }
    Ok(calls)
}

fn no_function(descriptor: &Descriptor, name: &str) -> PreinitError {
    let exports = descriptor.exports.iter();
    let functions = exports.filter(|export| matches!(export.kind, ExportKind::Func { .. }));
    PreinitError::NoFunction {
        name: name.into(),
        functions: functions.map(|export| export.name.clone()).collect(),
    }
}

/// The type of an exported function.
fn function<'a>(descriptor: &'a Descriptor, name: &str) -> Option<&'a FuncType> {
    let export = descriptor.exports.iter().find(|export| export.name == name)?;
    let ExportKind::Func { index } = export.kind else { return None };
    let imported = descriptor.imported_functions().nth(index as usize);
    let ty = imported.or_else(|| Some(descriptor.entry_of(index)?.ty))?;
    descriptor.types.get(ty as usize)
}

/// The exports of the initialised module.
fn exports(descriptor: &Descriptor, options: &Options) -> Exports {
    let own = options.initialiser.as_deref();
    let mut exports = Exports::without(INITIALISERS.into_iter().chain([INITIALIZE]).chain(own));
    exports.renamed.clone_from(&options.renamed);
    let is_taken = exports.renamed.iter().any(|(new, old)| new == START || old == RESUME);
    if function(descriptor, RESUME).is_some() && !is_taken {
        exports.renamed.push((START.into(), RESUME.into()));
    }
    exports
}

fn shown(call: &Call) -> String {
    match &call.arguments[..] {
        [] => call.export.clone(),
        arguments => {
            let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
            format!("{}={}", call.export, arguments.join(","))
        }
    }
}
