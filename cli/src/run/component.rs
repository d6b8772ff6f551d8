//! `wasmaot run` of a component: a program of the world `wasi:cli/command`, or one function of any component
//! with values in WAVE.
//!
//! **Invariants.** A component gets what a module gets by the same options, and nothing of the network unless
//! an option says so. What is called, and with which values, is settled before anything of the component
//! runs.

use super::{Opts, finish};
use crate::error::CliError;
use crate::output;
use crate::wave::{Type, Value};
use std::mem::ManuallyDrop;
use std::sync::Arc;
use wasm_wave::untyped::UntypedFuncCall;
use wasmaot_abi::component::{Item, Lift};
use wasmaot_component::{Component, Error, Instance, InstancePre, Linker, TypedFunc, Val};
use wasmaot_program::end::End;
use wasmaot_program::used::Used;
use wasmaot_runtime::{CallError, Module};
use wasmaot_wasi::p2::{self, WasiState};
use wasmaot_wasi_http::{Access, Background, HttpState};

/// The function that starts a command. Any 0.2 of its interface is found.
const RUN: &str = "wasi:cli/run@0.2.0#run";

/// What a component has of the host.
struct Program {
    wasi: WasiState,
    http: HttpState,
}

/// What is called.
enum Call<'a> {
    /// A command.
    Run(TypedFunc<(), Result<(), ()>>),
    /// A function by its name, with arguments.
    Function(&'a str, Vec<Val>),
}

impl Opts {
    /// Runs a component. Returns the exit status.
    pub(super) fn run_component(&self, module: Module) -> Result<i32, CliError> {
        let path = || self.file().into();
        let component =
            Component::new(module).map_err(|source| CliError::BadComponent { path: path(), source })?;
        if self.grants.has_listeners() {
            return Err(CliError::Listen { path: path() });
        }
        let mut wasi = WasiState::new(self.wasi()?);
        wasi.set_network(self.network.grants());
        let requests = self.network.requests().map_err(CliError::Http)?;
        // No request is served, so there is no response to limit.
        let program = Program { wasi, http: HttpState::new(requests, 0) };
        let linked = self.linked(&component)?;
        let call = match self.invoke.as_deref() {
            Some(call) => self.function(&component, call)?,
            None => Call::Run(
                linked
                    .get_typed_func(RUN)
                    .map_err(|_| CliError::NoRun { path: path(), functions: functions(&component) })?,
            ),
        };
        let background = self.background(&component)?;
        let _entered = background.as_ref().map(Background::enter);
        let recorder = self.report.recorder(self.file(), self.limits.fuel())?;
        // The end of the process takes its instances with it.
        let mut instance = match linked.instantiate_with(program, &self.limits.limits()) {
            Ok(instance) => ManuallyDrop::new(instance),
            Err(error) => {
                let end = self.ended("the start function", error)?;
                return finish(&end, recorder.as_ref(), Used::default);
            }
        };
        let end = self.call_component(&mut instance, call)?;
        finish(&end, recorder.as_ref(), || {
            let usage = instance.usage();
            Used {
                operators: usage.operators,
                fuel: usage.fuel,
                host_calls: usage.host_calls,
                memory: usage.memory,
                transferred: instance.data().wasi.ctx.transferred(),
            }
        })
    }

    /// Defines what a component imports.
    fn linked(&self, component: &Component) -> Result<InstancePre<Program>, CliError> {
        let mut linker = Linker::<Program>::new();
        linker.set_module_limits(self.limits.module());
        let access = Access::<Program> {
            wasi: |program| &mut program.wasi,
            both: |program| (&mut program.wasi, &mut program.http),
        };
        p2::add_to_linker(&mut linker, access.wasi).map_err(CliError::Wasi)?;
        wasmaot_wasi_http::add_to_linker(&mut linker, access).map_err(CliError::Wasi)?;
        linker.instantiate_pre(component).map_err(|error| self.not_run(error))
    }

    /// Starts what carries out requests, if the component can make any.
    fn background(&self, component: &Component) -> Result<Option<Background>, CliError> {
        let imported = &component.description().imports;
        let makes_requests = |name: &String| name.starts_with("wasi:http/outgoing-handler@");
        match imported.iter().any(|import| import.path.first().is_some_and(makes_requests)) {
            true => Background::start().map(Some).map_err(CliError::Background),
            false => Ok(None),
        }
    }

    /// Makes a call, and prints the result of a function.
    fn call_component(&self, instance: &mut Instance<Program>, call: Call<'_>) -> Result<End, CliError> {
        match call {
            Call::Run(run) => match run.call(instance, ()) {
                Ok(result) => Ok(End::Exit(i32::from(result.is_err()))),
                Err(error) => self.ended("run", error),
            },
            Call::Function(name, arguments) => match instance.call(name, &arguments) {
                Ok(None) => Ok(End::Exit(0)),
                Ok(Some(value)) => {
                    let text = wasm_wave::to_string(&Value(value));
                    let text = text.unwrap_or_else(|_| "a handle".to_string());
                    output::print(format!("{text}\n").as_bytes())?;
                    Ok(End::Exit(0))
                }
                Err(error) => self.ended(name, error),
            },
        }
    }

    /// Reads a call: `name(arguments)`, or the name of a function without parameters.
    fn function<'a>(&self, component: &Component, call: &'a str) -> Result<Call<'a>, CliError> {
        let (name, arguments) = call.find('(').map_or((call, "()"), |at| call.split_at(at));
        let wrong =
            |text: &str, message: String| CliError::Wave { name: name.into(), text: text.into(), message };
        if !self.arguments().is_empty() {
            let given: Vec<_> = self.arguments().iter().map(|argument| argument.to_string_lossy()).collect();
            return Err(wrong(&given.join(" "), "arguments stand in parentheses behind the name".into()));
        }
        let lift = lift_of(component, name).ok_or_else(|| CliError::NoFunction {
            path: self.file().into(),
            name: name.into(),
            functions: functions(component),
        })?;
        let described = Arc::new(component.description().clone());
        let params = described.functions[lift.func as usize].params.iter();
        let types: Vec<Type> =
            params.map(|param| Type { component: described.clone(), ty: param.ty }).collect();
        // The parser of calls takes no names with interfaces in them.
        let parsed = UntypedFuncCall::parse(&format!("call{arguments}"))
            .and_then(|parsed| parsed.to_wasm_params::<Value>(&types))
            .map_err(|source| wrong(arguments, source.to_string()))?;
        Ok(Call::Function(name, parsed.into_iter().map(|value| value.0).collect()))
    }

    fn not_run(&self, error: Error) -> CliError {
        match error {
            Error::Instantiate(error) => self.not_instantiated(error),
            error => CliError::RunComponent { path: self.file().into(), source: Box::new(error) },
        }
    }

    /// Returns the end of a component whose call did not return.
    fn ended(&self, name: &str, error: Error) -> Result<End, CliError> {
        match error {
            Error::Trap(trap) => Ok(End::Broken(trap.to_string())),
            // What an interface of the host's does not allow.
            Error::Call(CallError::Host(error)) => Ok(End::Broken(error.to_string())),
            Error::Call(error) => super::ended(name, error),
            error => Err(self.not_run(error)),
        }
    }
}

/// The names of exported functions.
fn functions(component: &Component) -> Vec<String> {
    component.functions().map(|(name, _)| name).collect()
}

/// The exported function of a name.
fn lift_of<'c>(component: &'c Component, name: &str) -> Option<&'c Lift> {
    let described = component.description();
    described.exported.iter().find_map(|export| match export.item {
        Item::Lifted { lift } if export.path.join("#") == name => described.lifts.get(lift as usize),
        _ => None,
    })
}
