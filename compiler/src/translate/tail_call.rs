//! Tail calls: the callee takes the place of its caller's frame, so that any number of them needs the stack
//! of the largest one.
//!
//! All entries for compiled code follow a convention whose callee removes its own arguments, so every one of
//! them can be reached by a jump, also one of another instance: through a table, or as an import (see
//! [`ImportedFunction::tail_entry`](wasmaot_abi::state::ImportedFunction)). **What is guaranteed:** no chain
//! of tail calls between functions of modules grows the stack, in whatever instances they are. A host
//! function is called from its import's thunk, which is there until the host returns; what the host then
//! calls in turn lies on top, as always.
//!
//! Invariant: as for calls, see [`super::call`].

use super::translator::Translator;
use super::vmctx::Region;
use crate::index::{DeclaredTypeIndex, FuncIndex, TableIndex, TypeIndex};
use crate::key::FuncKey;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use std::mem::offset_of;
use wasmaot_abi::state::ImportedFunction;

impl Translator<'_, '_> {
    pub(super) fn return_call(&mut self, func: FuncIndex) {
        let ty = self.env.type_of(func);
        if let FuncKey::Thunk(import) = self.env.functions.of_func(func) {
            self.return_call_defined_elsewhere(import, ty);
        }
        let callee = self.function(func);
        let args = self.pop_arguments(ty, self.vmctx);
        self.builder.ins().return_call(callee, &args);
        self.reachable = false;
    }

    pub(super) fn return_call_indirect(&mut self, ty: DeclaredTypeIndex, table: TableIndex) {
        let ty = self.env.module.type_map[ty];
        let (code, vmctx) = self.indirect_callee(ty, table);
        self.return_call_to(ty, code, vmctx);
    }

    /// Goes to a tail entry and does not come back.
    pub(super) fn return_call_to(&mut self, ty: TypeIndex, code: Value, vmctx: Value) {
        let signature = self.signature(ty);
        let args = self.pop_arguments(ty, vmctx);
        self.builder.ins().return_call_indirect(signature, code, &args);
        self.reachable = false;
    }

    /// Goes to the import's own tail entry, if it is a function of an instance; if not, translation continues
    /// with its thunk.
    fn return_call_defined_elsewhere(&mut self, func: FuncIndex, ty: TypeIndex) {
        let import = self.env.layout.imported_function(func.as_u32());
        let field = |field: usize| import + field as i32;
        let code = self.load_constant(field(offset_of!(ImportedFunction, tail_entry)));
        let is_host = self.builder.ins().icmp_imm_u(IntCC::Equal, code, 0);
        let (thunk, direct) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(is_host, thunk, &[], direct, &[]);
        self.builder.seal_block(thunk);
        self.builder.seal_block(direct);

        self.builder.switch_to_block(direct);
        let vmctx =
            self.load_state(Region::Constants, types::I64, field(offset_of!(ImportedFunction, context)));
        let operands = self.stack.clone();
        self.return_call_to(ty, code, vmctx);
        self.stack = operands;
        self.reachable = true;
        self.builder.switch_to_block(thunk);
    }
}
