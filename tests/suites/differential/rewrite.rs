//! Rewritings of modules: which there are, and what they have in common.

use crate::{references, throwing};
use wasm_encoder::reencode::{Error, Reencode, RoundtripReencoder};
use wasm_encoder::{Function, Instruction, ValType};
use wasmparser::{FuncType, FunctionBody, MemoryType, Parser, Payload, TableType, TypeRef};

/// In which form our side runs a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is.
    AsGenerated,
    /// Rewritten by [`references`].
    ThroughReferences,
    /// Rewritten by [`throwing`].
    ThroughExceptions,
}

impl Form {
    /// All of them.
    pub(crate) const ALL: [Form; 3] = [Form::AsGenerated, Form::ThroughReferences, Form::ThroughExceptions];

    /// That of module number `number`. Modules that have exceptions of their own ([`crate::generate`]) stay
    /// as they are.
    pub(crate) fn of_number(number: u64) -> Self {
        use Form::{AsGenerated as A, ThroughExceptions as E, ThroughReferences as R};
        [A, E, R, A, E][number as usize % 5]
    }

    /// The module in this form.
    pub(crate) fn of(self, wasm: &[u8]) -> Result<Vec<u8>, String> {
        let rewritten = match self {
            Form::AsGenerated => return Ok(wasm.to_vec()),
            Form::ThroughReferences => references::rewrite(wasm),
            Form::ThroughExceptions => throwing::rewrite(wasm),
        };
        rewritten.map_err(|error| error.to_string())
    }
}

/// What a module declares, by index.
#[derive(Default)]
pub(crate) struct Facts {
    /// Types, all of functions.
    pub(crate) types: Vec<FuncType>,
    /// Of each function, the index of its type.
    pub(crate) functions: Vec<u32>,
    /// How many of them are imported.
    pub(crate) imported: usize,
    /// Memories.
    pub(crate) memories: Vec<MemoryType>,
    /// Tables.
    pub(crate) tables: Vec<TableType>,
    /// How many globals there are.
    pub(crate) globals: u32,
}

impl Facts {
    /// Reads a module.
    pub(crate) fn of(wasm: &[u8]) -> Result<Self, Error> {
        let mut facts = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(types) => {
                    for ty in types.into_iter_err_on_gc_types() {
                        facts.types.push(ty?);
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        match import?.ty {
                            TypeRef::Func(ty) => facts.functions.push(ty),
                            TypeRef::Memory(ty) => facts.memories.push(ty),
                            TypeRef::Table(ty) => facts.tables.push(ty),
                            TypeRef::Global(_) => facts.globals += 1,
                            _ => {}
                        }
                    }
                    facts.imported = facts.functions.len();
                }
                Payload::FunctionSection(functions) => {
                    for ty in functions {
                        facts.functions.push(ty?);
                    }
                }
                Payload::MemorySection(memories) => {
                    for ty in memories {
                        facts.memories.push(ty?);
                    }
                }
                Payload::TableSection(tables) => {
                    for table in tables {
                        facts.tables.push(table?.ty);
                    }
                }
                Payload::GlobalSection(globals) => facts.globals += globals.count(),
                _ => {}
            }
        }
        Ok(facts)
    }

    /// The type of a function that the module defines, counted without the imported ones.
    pub(crate) fn defined(&self, index: usize) -> u32 {
        self.functions[self.imported + index]
    }

    /// A function with the locals of one that the module defines and further ones, and the index of the first
    /// of those.
    pub(crate) fn with_locals(
        &self,
        defined: usize,
        body: &FunctionBody<'_>,
        further: &[(u32, ValType)],
    ) -> Result<(Function, u32), Error> {
        let mut locals = Vec::new();
        let mut count = self.types[self.defined(defined) as usize].params().len() as u32;
        for group in body.get_locals_reader()? {
            let (number, ty) = group?;
            locals.push((number, RoundtripReencoder.val_type(ty)?));
            count += number;
        }
        locals.extend_from_slice(further);
        Ok((Function::new(locals), count))
    }
}

/// Adds instructions to a function.
pub(crate) fn emit<'a>(function: &mut Function, instructions: impl IntoIterator<Item = Instruction<'a>>) {
    for instruction in instructions {
        function.instruction(&instruction);
    }
}
