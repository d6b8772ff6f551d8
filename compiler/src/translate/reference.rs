//! References: a function reference is the address of the instance's record of the function, others are indices. 0 is null.

use super::{Translator, clif_type};
use crate::module::const_expr::null_type;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use wasmaot_abi::state::FuncRef;
use wasmparser::HeapType;

impl Translator<'_, '_> {
    pub(super) fn ref_null(&mut self, hty: HeapType) {
        let ty = null_type(hty, 0).expect("validated: a reference type of Wasm 2.0");
        let null = self.builder.ins().iconst(clif_type(ty), 0);
        self.push(null);
    }

    pub(super) fn ref_is_null(&mut self) {
        let reference = self.pop();
        let is_null = self.builder.ins().icmp_imm_u(IntCC::Equal, reference, 0);
        self.push_flag(is_null);
    }

    pub(super) fn ref_func(&mut self, func: u32) {
        let reference = self.function_reference(func);
        self.push(reference);
    }

    /// The address of this instance's record of a function.
    pub(super) fn function_reference(&mut self, func: u32) -> Value {
        let records = self.load_constant(self.env.layout.funcrefs());
        let offset = u64::from(self.env.entry(func)) * size_of::<FuncRef>() as u64;
        let offset = self.builder.ins().iconst(types::I64, offset as i64);
        self.builder.ins().iadd(records, offset)
    }
}
