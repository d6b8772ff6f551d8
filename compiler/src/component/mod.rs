//! Components: flattened into one core module, which then is compiled like any other.
//!
//! ```text
//!  component ──validate──▶ census ──▶ plan ──▶ announce ──▶ merge ──▶ core module, description
//!                          census     translate  functions    merge, instance, value, glue, types, host
//! ```
//!
//! | file | duty |
//! |---|---|
//! | `census` | what instantiation comes to, before anything is made |
//! | `translate` | the plan: core instances in order, adapters, functions of the canonical ABI |
//! | `functions` | which glue and which imports the plan needs |
//! | `describe` | what the artifact says of the component |
//! | `merge` | the merged module; `core_module`, `instance`, `value`, `types`, `host` and `glue` are parts of it |
//!
//! **Invariant: every core module is fully validated on its own, function bodies included, before anything of
//! it is merged**, so that an index that is out of its bounds cannot land in a neighbour's space. The merged
//! module is validated again like any module.

mod census;
mod core_module;
mod describe;
mod functions;
mod glue;
mod host;
mod instance;
mod merge;
mod translate;
mod types;
mod value;

use crate::error::CompileError;
use crate::features::{self, FeatureSet};
use core_module::CoreModule;
use describe::Describe;
use functions::Functions;
use merge::unexpected;
use std::collections::HashMap;
use translate::Plan;
use wasmaot_abi::component::{self as abi, Component};
use wasmparser::{Parser, Validator};
use wasmtime_environ::component::{GlobalInitializer, InstantiateModule, StaticModuleIndex};
use wasmtime_environ::{EntityRef, PrimaryMap, ScopeVec};

/// A component as a core module.
pub(crate) struct Flattened {
    /// The core module.
    pub(crate) wasm: Vec<u8>,
    /// What the artifact says of the component.
    pub(crate) component: Component,
}

/// Whether a file is a component, as far as its first bytes say.
pub(crate) fn is_component(wasm: &[u8]) -> bool {
    Parser::is_component(wasm)
}

/// Flattens a component.
///
/// # Errors
/// It is not valid, uses what is not supported, or is beyond a limit.
pub(crate) fn flatten(component: &[u8], taken: FeatureSet) -> Result<Flattened, CompileError> {
    let taken = taken.with_components();
    let validated = Validator::new_with_features(taken.flags()).validate_all(component);
    validated.map_err(|error| features::explain(component, taken, error))?;
    let census = census::count(component)?;
    let adapters = ScopeVec::new();
    let plan = translate::plan(component, &adapters, census.tags > 0)?;
    let modules = plan.modules.values().map(|module| CoreModule::read(module.wasm));
    let modules: PrimaryMap<StaticModuleIndex, _> = modules.collect::<Result<_, _>>()?;
    merge(&plan, &modules, census.tags > 0)
}

fn merge(
    plan: &Plan<'_>,
    modules: &PrimaryMap<StaticModuleIndex, CoreModule<'_>>,
    exceptions: bool,
) -> Result<Flattened, CompileError> {
    let mut describe = Describe::new(plan);
    let functions = Functions::announce(plan, &mut describe)?;
    let starts = instantiations(plan)
        .any(|instance| matches!(instance, Ok((module, _)) if modules[module].start.is_some()));
    let (mut merge, announced) = functions.into_merge(starts);
    let mut instances: HashMap<StaticModuleIndex, u32> = HashMap::new();
    let names = names(plan, modules);
    for instance in instantiations(plan) {
        let (module, arguments) = instance?;
        let count = instances.entry(module).or_default();
        *count += 1;
        let name = match *count {
            1 => names[module].clone(),
            count => format!("{} {count}", names[module]),
        };
        merge.instantiate(&modules[module], name, arguments)?;
    }
    describe.component.modules = modules
        .iter()
        .map(|(index, module)| abi::CoreModule {
            name: names[index].clone(),
            bytes: module.bytes,
            instances: instances.get(&index).copied().unwrap_or(0),
        })
        .collect();
    describe.imported()?;
    let memory_order = merge.memory_order()?;
    let glue = announced.finish(plan, &mut merge, &mut describe, &memory_order, exceptions)?;
    let wasm = merge.write(glue.functions, &glue.builtins, &memory_order)?;
    Ok(Flattened { wasm, component: describe.component })
}

/// Core modules that are instantiated with what they get, in order.
fn instantiations<'p>(
    plan: &'p Plan<'_>,
) -> impl Iterator<Item = Result<(StaticModuleIndex, &'p [wasmtime_environ::component::CoreDef]), CompileError>>
{
    plan.component.initializers.iter().filter_map(|step| match step {
        GlobalInitializer::InstantiateModule(InstantiateModule::Static(module, arguments), _) => {
            Some(Ok((*module, &**arguments)))
        }
        GlobalInitializer::InstantiateModule(InstantiateModule::Import(..), _) => {
            Some(Err(unexpected("importing a core module")))
        }
        _ => None,
    })
}

/// What core modules are called: their own names, or their positions; adapters, which come behind them, by
/// what they are.
fn names(
    plan: &Plan<'_>,
    modules: &PrimaryMap<StaticModuleIndex, CoreModule<'_>>,
) -> PrimaryMap<StaticModuleIndex, String> {
    let name = |(index, module): (StaticModuleIndex, &CoreModule<'_>)| match module.name {
        Some(name) => name.to_string(),
        None => adapter(plan, index).unwrap_or_else(|| format!("module[{}]", index.index())),
    };
    modules.iter().map(name).collect()
}

/// What an adapter is called: by the component instances whose flags it gets.
fn adapter(plan: &Plan<'_>, index: StaticModuleIndex) -> Option<String> {
    let arguments = instantiations(plan).filter_map(Result::ok).find(|(module, _)| *module == index)?.1;
    let flags: Vec<u32> = arguments
        .iter()
        .filter_map(|argument| match argument {
            wasmtime_environ::component::CoreDef::InstanceFlags(instance) => Some(instance.as_u32()),
            _ => None,
        })
        .collect();
    // The callee's come first.
    match flags[..] {
        [callee, caller] => Some(format!("<adapter {caller}→{callee}>")),
        [] => None,
        _ => Some("<adapters>".to_string()),
    }
}
