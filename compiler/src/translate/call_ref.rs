//! Calls through references to functions of a known type.
//!
//! Invariant: as for calls, see [`super::call`]. That the function is of the type has been validated, and
//! types of functions are compared wherever references come from; only null is left. It is not tested for:
//! the record's fields are loaded from small addresses, which faults. Nothing is mapped there, so a path that
//! the processor only speculates on gets no address from it either.

use super::exception::Callee;
use super::translator::Translator;
use super::trap;
use crate::index::DeclaredTypeIndex;
use cranelift_codegen::ir::{Value, types};
use std::mem::offset_of;
use wasmaot_abi::state::FuncRef;
use wasmaot_abi::trap::TrapCode;

impl Translator<'_, '_> {
    pub(super) fn call_ref(&mut self, ty: DeclaredTypeIndex) {
        let ty = self.env.module.type_map[ty];
        let (code, vmctx) = self.referenced_callee();
        let signature = self.signature(ty);
        let args = self.pop_arguments(ty, vmctx);
        self.call_and_push(Callee::Address(code), signature, &args);
    }

    pub(super) fn return_call_ref(&mut self, ty: DeclaredTypeIndex) {
        let ty = self.env.module.type_map[ty];
        let (code, vmctx) = self.referenced_callee();
        self.return_call_to(ty, code, vmctx);
    }

    /// Pops a reference and gives tail entry and vmctx of its function.
    fn referenced_callee(&mut self) -> (Value, Value) {
        let reference = self.pop();
        let null = Some(trap::of(TrapCode::NullFunctionReference));
        let code = self.load_from_reference(types::I64, reference, offset_of!(FuncRef, tail_entry), null);
        // Whichever is loaded first meets null.
        let vmctx = self.load_from_reference(types::I64, reference, offset_of!(FuncRef, vmctx), null);
        (code, vmctx)
    }
}
