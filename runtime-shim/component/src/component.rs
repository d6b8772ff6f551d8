//! Components that an artifact has.
//!
//! **Invariant: what an artifact says of its component was checked**, see [`Types`].

use crate::error::ComponentError;
use crate::types::Types;
use crate::wit;
use std::sync::Arc;
use wasmaot_abi::component::{self as abi, Item};
use wasmaot_runtime::Module;

/// A component, as an artifact has it. Cloning it is cheap.
#[derive(Clone)]
pub struct Component {
    module: Module,
    types: Arc<Types>,
}

impl Component {
    /// Takes a module that was compiled from a component.
    ///
    /// # Errors
    /// It was compiled from a module, or what it says of its component is malformed.
    pub fn new(module: Module) -> Result<Self, ComponentError> {
        let described = module.descriptor().component.as_ref().ok_or(ComponentError::Module)?;
        let types = Arc::new(Types::check(described)?);
        Ok(Self { module, types })
    }

    /// Returns the core module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Returns what the artifact says of the component.
    pub fn description(&self) -> &abi::Component {
        &self.types.component
    }

    pub(crate) fn types(&self) -> &Arc<Types> {
        &self.types
    }

    /// Returns the name and the WIT type of each exported function. A function of an exported instance is
    /// named `instance#function`.
    pub fn functions(&self) -> impl Iterator<Item = (String, String)> {
        let component = &self.types.component;
        component.exported.iter().filter_map(move |export| match export.item {
            Item::Lifted { lift } => {
                let func = &component.functions[component.lifts[lift as usize].func as usize];
                Some((export.path.join("#"), wit::func_type(component, func)))
            }
            _ => None,
        })
    }
}
