//! From the component to a linear plan: which core modules are instantiated in which order, with what, and
//! the adapters between them.
//!
//! **Invariant: what comes here is a valid component within the limits of [`super::census`].** Whatever it
//! is, it ends with a result or an error.

use crate::error::CompileError;
use crate::features::FeatureSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wasmparser::{Validator, WasmFeatures};
use wasmtime_environ::component::{
    Component, ComponentTypes, ComponentTypesBuilder, StaticModuleIndex, Trampoline, TrampolineIndex,
    Translator,
};
use wasmtime_environ::{ModuleTranslation, PrimaryMap, ScopeVec, Tunables};

/// A component as a plan.
pub(super) struct Plan<'a> {
    pub(super) component: Component,
    pub(super) trampolines: PrimaryMap<TrampolineIndex, Trampoline>,
    pub(super) modules: PrimaryMap<StaticModuleIndex, ModuleTranslation<'a>>,
    pub(super) types: ComponentTypes,
    /// Number of resource tables.
    pub(super) resource_tables: u32,
}

/// Makes the plan. Adapters lie in `adapters`; they keep exceptions from passing if there can be any.
pub(super) fn plan<'a>(
    component: &'a [u8],
    adapters: &'a ScopeVec<u8>,
    exceptions: bool,
) -> Result<Plan<'a>, CompileError> {
    // The library is made for components that its own validator passed, as this one was. If it fails an
    // assertion all the same, the component is refused, as a compiler does not end its process over an input.
    let plan = |exceptions| {
        let planned = catch_unwind(AssertUnwindSafe(|| translate(component, adapters, exceptions)));
        planned.unwrap_or_else(|_| {
            Err(CompileError::Component { message: "its translation failed an assertion".to_string() })
        })
    };
    // A component without tags may still have types of exceptions, which are valid with the feature only.
    if exceptions { plan(true) } else { plan(false).or_else(|_| plan(true)) }
}

fn translate<'a>(
    component: &'a [u8],
    adapters: &'a ScopeVec<u8>,
    exceptions: bool,
) -> Result<Plan<'a>, CompileError> {
    // Adapters may use every feature that is translated, whichever of them the component may.
    let mut features = FeatureSet::default().with_components().flags();
    features.set(WasmFeatures::EXCEPTIONS, exceptions);
    features.set(WasmFeatures::LEGACY_EXCEPTIONS, exceptions);
    let mut validator = Validator::new_with_features(features);
    let tunables = Tunables {
        concurrency_support: false,
        parse_wasm_debuginfo: false,
        debug_native: false,
        ..Tunables::default_u64()
    };
    let mut types = ComponentTypesBuilder::new(&validator);
    let translated = Translator::new(&tunables, &mut validator, &mut types, adapters).translate(component);
    let (translation, modules) =
        translated.map_err(|error| CompileError::Component { message: error.to_string() })?;
    let resource_tables = types.num_resource_tables() as u32;
    let (types, _) = types.finish(&translation.component);
    let (component, trampolines) = (translation.component, translation.trampolines);
    Ok(Plan { component, trampolines, modules, types, resource_tables })
}
