//! Globals: constants where they cannot change, cells of the instance otherwise.

use super::env::clif_type;
use super::translator::Translator;
use super::vmctx::Region;
use crate::index::GlobalIndex;
use crate::module::const_expr::ConstValue;
use cranelift_codegen::ir::{InstBuilder, Value, types};

impl Translator<'_, '_> {
    pub(super) fn global_get(&mut self, index: GlobalIndex) {
        let value = match self.env.module.constants[index] {
            Some(value) => self.constant(value),
            None => self.load_global(index),
        };
        self.push(value);
    }

    pub(super) fn global_set(&mut self, index: GlobalIndex) {
        let value = self.pop();
        match self.env.module.defined_global(index) {
            Some(defined) => {
                self.store_state(Region::Global(defined), value, self.env.layout.global(defined.as_u32()))
            }
            None => {
                let cell = self.load_constant(self.env.layout.imported_global(index.as_u32()));
                let flags = self.flags(Region::ImportedGlobals);
                self.builder.ins().store(flags, value, cell, 0);
            }
        }
    }

    fn load_global(&mut self, index: GlobalIndex) -> Value {
        let ty = clif_type(self.env.module.globals[index].ty.value);
        match self.env.module.defined_global(index) {
            Some(defined) => {
                self.load_state(Region::Global(defined), ty, self.env.layout.global(defined.as_u32()))
            }
            None => {
                let cell = self.load_constant(self.env.layout.imported_global(index.as_u32()));
                let flags = self.flags(Region::ImportedGlobals);
                self.builder.ins().load(ty, flags, cell, 0)
            }
        }
    }

    fn constant(&mut self, value: ConstValue) -> Value {
        match value {
            ConstValue::I32(value) => self.builder.ins().iconst(types::I32, i64::from(value as u32)),
            ConstValue::I64(value) => self.builder.ins().iconst(types::I64, value),
            ConstValue::F32(bits) => self.builder.ins().f32const(f32::from_bits(bits)),
            ConstValue::F64(bits) => self.builder.ins().f64const(f64::from_bits(bits)),
            ConstValue::V128(bits) => self.vector(bits.to_le_bytes()),
            ConstValue::Null(ty) => self.zero(ty),
            ConstValue::Func(func) => self.function_reference(func),
        }
    }
}
