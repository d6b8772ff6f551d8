//! One instance of a core module, as a part of the merged module: where its items are there.
//!
//! **Invariant: an index of the module's never appears in the merged module** but through [`Map`].

use super::core_module::CoreModule;
use super::types::convert;
use super::value::{self, Names, Value};
use crate::error::CompileError;
use std::collections::BTreeSet;
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{ConstExpr, HeapType, Instruction};
use wasmparser::Operator;

/// A core instance.
pub(super) struct Instance<'m, 'a> {
    pub(super) module: &'m CoreModule<'a>,
    /// What the module is called in names of functions.
    pub(super) name: String,
    pub(super) map: Map,
    /// Number of imported memories and tables, shared with earlier instances.
    pub(super) imported_memories: usize,
    pub(super) imported_tables: usize,
}

/// Maps each item of an instance to its index in the merged module.
#[derive(Default)]
pub(super) struct Map {
    pub(super) types: Vec<u32>,
    pub(super) functions: Vec<u32>,
    pub(super) tables: Vec<u32>,
    /// In the order of instances, which [`Items::memory_order`] changes.
    pub(super) memories: Vec<u32>,
    pub(super) globals: Vec<u32>,
    pub(super) tags: Vec<u32>,
    /// Index of the first data segment.
    pub(super) data: u32,
    /// Index of the first element segment.
    pub(super) elems: u32,
}

/// Re-encodes the items of an instance.
pub(super) struct Items<'i> {
    pub(super) map: &'i Map,
    /// Index of each memory in the merged module, in the order of instances.
    pub(super) memory_order: &'i [u32],
    /// Value of each global of the merged module, if the global is constant.
    pub(super) values: &'i [Option<Value>],
    /// Functions that `ref.func` refers to.
    pub(super) referenced: &'i mut BTreeSet<u32>,
}

impl Reencode for Items<'_> {
    type Error = CompileError;

    fn type_index(&mut self, ty: u32) -> Result<u32, Error<CompileError>> {
        Ok(self.map.types[ty as usize])
    }

    fn function_index(&mut self, func: u32) -> Result<u32, Error<CompileError>> {
        Ok(self.map.functions[func as usize])
    }

    fn table_index(&mut self, table: u32) -> Result<u32, Error<CompileError>> {
        Ok(self.map.tables[table as usize])
    }

    fn memory_index(&mut self, memory: u32) -> Result<u32, Error<CompileError>> {
        Ok(self.memory_order[self.map.memories[memory as usize] as usize])
    }

    fn global_index(&mut self, global: u32) -> Result<u32, Error<CompileError>> {
        Ok(self.map.globals[global as usize])
    }

    fn tag_index(&mut self, tag: u32) -> Result<u32, Error<CompileError>> {
        Ok(self.map.tags[tag as usize])
    }

    fn data_index(&mut self, data: u32) -> Result<u32, Error<CompileError>> {
        Ok(self.map.data + data)
    }

    fn element_index(&mut self, element: u32) -> Result<u32, Error<CompileError>> {
        Ok(self.map.elems + element)
    }

    fn const_expr(&mut self, expr: wasmparser::ConstExpr<'_>) -> Result<ConstExpr, Error<CompileError>> {
        Ok(value::evaluate(self, &expr).map_err(Error::UserError)?.expr())
    }

    fn instruction<'a>(&mut self, op: Operator<'a>) -> Result<Instruction<'a>, Error<CompileError>> {
        if let Operator::RefFunc { function_index } = op {
            self.referenced.insert(self.map.functions[function_index as usize]);
        }
        wasm_encoder::reencode::utils::instruction(self, op)
    }
}

impl Names for Items<'_> {
    fn function(&self, index: u32) -> u32 {
        self.map.functions[index as usize]
    }

    fn global(&self, index: u32) -> Option<Value> {
        self.values[self.map.globals[index as usize] as usize]
    }

    fn heap_type(&mut self, ty: wasmparser::HeapType) -> Result<HeapType, CompileError> {
        Reencode::heap_type(self, ty).map_err(convert)
    }
}
