//! References: a function reference is the address of the instance's record of the function, others are
//! indices. 0 is null.

use super::env::clif_type;
use super::translator::Translator;
use super::trap;
use crate::index::FuncIndex;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use wasmaot_abi::state::FuncRef;
use wasmaot_abi::trap::TrapCode;
use wasmparser::HeapType;

impl Translator<'_, '_> {
    pub(super) fn ref_null(&mut self, hty: HeapType) {
        let ty = self.env.module.null_type(hty, 0).expect("the survey refused other types");
        let null = self.builder.ins().iconst(clif_type(ty), 0);
        self.push(null);
    }

    pub(super) fn ref_is_null(&mut self) {
        let reference = self.pop();
        let is_null = self.builder.ins().icmp_imm_u(IntCC::Equal, reference, 0);
        self.push_flag(is_null);
    }

    pub(super) fn ref_as_non_null(&mut self) {
        let reference = self.pop();
        self.builder.ins().trapz(reference, trap::of(TrapCode::NullReference));
        self.push(reference);
    }

    /// Branches without the reference if it is null, and goes on with it if not.
    pub(super) fn br_on_null(&mut self, depth: u32) {
        let reference = self.pop();
        let is_null = self.builder.ins().icmp_imm_u(IntCC::Equal, reference, 0);
        self.branch_if(is_null, depth);
        self.push(reference);
    }

    /// Branches with the reference, the label's last operand, unless it is null, and goes on without it if it
    /// is.
    pub(super) fn br_on_non_null(&mut self, depth: u32) {
        let reference = self.pop();
        self.push(reference);
        self.branch_if(reference, depth);
        self.pop();
    }

    pub(super) fn ref_func(&mut self, func: FuncIndex) {
        let reference = self.function_reference(func);
        self.push(reference);
    }

    /// The address of this instance's record of a function.
    pub(super) fn function_reference(&mut self, func: FuncIndex) -> Value {
        let records = self.load_constant(self.env.layout.funcrefs());
        let offset = u64::from(self.env.functions.entry(func).as_u32()) * size_of::<FuncRef>() as u64;
        let offset = self.builder.ins().iconst(types::I64, offset as i64);
        self.builder.ins().iadd(records, offset)
    }
}
