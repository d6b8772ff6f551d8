//! What a merged module imports: functions of the host's and of the canonical ABI's, each once.

use super::types::Types;
use std::collections::HashMap;
use wasm_encoder::{EntityType, ImportSection, ValType};
use wasmaot_abi::component as abi;

/// The imports so far. Their positions are the first indices of functions.
#[derive(Default)]
pub(super) struct Imports {
    section: ImportSection,
    known: HashMap<(String, String), u32>,
}

impl Imports {
    /// The section.
    pub(super) fn section(&self) -> &ImportSection {
        &self.section
    }

    /// Number of functions.
    pub(super) fn len(&self) -> u32 {
        self.section.len()
    }

    /// Whether there is an import of these names.
    pub(super) fn contains(&self, module: &str, name: &str) -> bool {
        self.known.contains_key(&(module.to_string(), name.to_string()))
    }

    /// The index of an imported function.
    pub(super) fn add(
        &mut self,
        types: &mut Types,
        (module, name): (&str, &str),
        params: &[ValType],
        results: &[ValType],
    ) -> u32 {
        let next = self.section.len();
        let known = self.known.entry((module.to_string(), name.to_string()));
        *known.or_insert_with(|| {
            self.section.import(module, name, EntityType::Function(types.function(params, results)));
            next
        })
    }

    /// The index of a function of the canonical ABI's.
    pub(super) fn builtin(
        &mut self,
        types: &mut Types,
        name: &str,
        params: &[ValType],
        results: &[ValType],
    ) -> u32 {
        self.add(types, (abi::MODULE, name), params, results)
    }
}

/// The letters that stand for core types in the names of builtins.
pub(super) fn letters(types: &[ValType]) -> String {
    types
        .iter()
        .map(|ty| match ty {
            ValType::I64 => 'l',
            ValType::F32 => 'f',
            ValType::F64 => 'd',
            // Nothing else is passed.
            _ => 'i',
        })
        .collect()
}
