//! Calls: of this module's functions, through tables, and of builtins.
//!
//! **Invariant: an indirect call goes only to an address that was loaded from the instance's constants, from
//! a function reference, or computed from an entry of a constant table, after the type was compared.**

use super::exception::Callee;
use super::thunk;
use super::translator::Translator;
use super::trap;
use super::vmctx::{Region, builtin_signature};
use crate::index::{DeclaredTypeIndex, FuncIndex, TableIndex, TypeIndex};
use crate::key::FuncKey;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, SigRef, TrapCode as ClifTrap, Value, types};
use std::mem::offset_of;
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::state::{ConstEntry, FuncRef, ImportedFunction};
use wasmaot_abi::trap::TrapCode;

impl Translator<'_, '_> {
    /// A direct call. From where an exception may land, imports are reached through their thunk, which has a
    /// tail entry like any function: only that convention's calls keep no value in a register that landing
    /// would have to restore.
    pub(super) fn call(&mut self, func: FuncIndex) {
        let ty = self.env.type_of(func);
        if let (FuncKey::Thunk(import), None) = (self.env.functions.of_func(func), self.region()) {
            return self.call_import(import, ty);
        }
        let (callee, signature) = (self.function(func), self.signature(ty));
        let args = self.pop_arguments(ty, self.vmctx);
        self.call_and_push(Callee::Function(callee), signature, &args);
    }

    /// Calls an import's array entry, as its thunk would.
    fn call_import(&mut self, func: FuncIndex, ty: TypeIndex) {
        let env = self.env;
        let ty = &env.module.types[ty];
        let args = self.stack.split_off(self.stack.len() - ty.params.len());
        let import = env.layout.imported_function(func.as_u32());
        let code = self.load_constant(import + offset_of!(ImportedFunction, array_entry) as i32);
        let context = self.load_constant(import + offset_of!(ImportedFunction, context) as i32);
        let builder = &mut self.builder;
        let signature =
            *self.array_signature.get_or_insert_with(|| builder.import_signature(thunk::array_signature()));
        let slot = thunk::shared_cells(builder, &mut self.imports, thunk::call_cells(ty));
        let (builder, context) = (&mut self.builder, [context, self.vmctx]);
        let results = thunk::call_array_entry(builder, (code, signature), slot, context, ty, &args);
        self.stack.extend(results);
    }

    pub(super) fn call_indirect(&mut self, ty: DeclaredTypeIndex, table: TableIndex) {
        let ty = self.env.module.type_map[ty];
        let (code, vmctx) = self.indirect_callee(ty, table);
        let signature = self.signature(ty);
        let args = self.pop_arguments(ty, vmctx);
        self.call_and_push(Callee::Address(code), signature, &args);
    }

    /// Tail entry and vmctx of the function in a table whose index is on top of the stack.
    pub(super) fn indirect_callee(&mut self, ty: TypeIndex, table: TableIndex) -> (Value, Value) {
        let index = self.pop();
        match self.env.constant_tables[table] {
            Some(_) => (self.constant_callee(ty, table, index), self.vmctx),
            None => self.table_callee(ty, table, index),
        }
    }

    /// The tail entry that a constant table holds. Functions in it belong to this instance.
    fn constant_callee(&mut self, ty: TypeIndex, table: TableIndex, index: Value) -> Value {
        let (base, entry) = self.constant_element(table, index, TrapCode::UndefinedElement);
        let actual = self.load_from_constants(types::I32, entry, ConstEntry::TYPE);
        let is_right = self.builder.ins().icmp_imm_u(IntCC::Equal, actual, i64::from(ty.as_u32()));
        let (wrong, right) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(wrong);
        self.builder.ins().brif(is_right, right, &[], wrong, &[]);

        self.builder.seal_block(wrong);
        self.builder.seal_block(right);
        self.builder.switch_to_block(wrong);
        let is_null = self.builder.ins().icmp_imm_u(IntCC::Equal, actual, i64::from(ConstEntry::NULL_TYPE));
        self.builder.ins().trapnz(is_null, trap::of(TrapCode::UninitializedElement));
        self.builder.ins().trap(trap::of(TrapCode::IndirectCallTypeMismatch));

        self.builder.switch_to_block(right);
        let rel = self.load_from_constants(types::I32, entry, ConstEntry::REL);
        let rel = self.builder.ins().sextend(types::I64, rel);
        self.builder.ins().iadd(base, rel)
    }

    /// The tail entry and vmctx of the function reference that a table holds.
    fn table_callee(&mut self, ty: TypeIndex, table: TableIndex, index: Value) -> (Value, Value) {
        let element = self.table_element(table, index, TrapCode::UndefinedElement);
        let flags = self.element_flags();
        let reference = self.builder.ins().load(types::I64, flags, element, 0);
        // A null reference is not tested for: the load of its type faults at a small address.
        let actual = self.load_from_reference(
            types::I32,
            reference,
            offset_of!(FuncRef, type_id),
            Some(trap::of(TrapCode::UninitializedElement)),
        );
        let type_id = self.env.layout.type_id(ty.as_u32());
        let expected = self.load_state(Region::Constants, types::I32, type_id);
        let is_right = self.builder.ins().icmp(IntCC::Equal, actual, expected);
        self.builder.ins().trapz(is_right, trap::of(TrapCode::IndirectCallTypeMismatch));
        let code = self.load_from_reference(types::I64, reference, offset_of!(FuncRef, tail_entry), None);
        let vmctx = self.load_from_reference(types::I64, reference, offset_of!(FuncRef, vmctx), None);
        (code, vmctx)
    }

    /// A field of what a function reference points to. It never changes, but may be read only if the
    /// reference is not null.
    pub(super) fn load_from_reference(
        &mut self,
        ty: types::Type,
        reference: Value,
        field: usize,
        trap: Option<ClifTrap>,
    ) -> Value {
        let flags = MemFlagsData::trusted().with_readonly().with_trap_code(trap);
        self.builder.ins().load(ty, flags, reference, field as i32)
    }

    /// Pops the arguments for a type and puts the vmctx in front.
    pub(super) fn pop_arguments(&mut self, ty: TypeIndex, vmctx: Value) -> Vec<Value> {
        let count = self.env.module.types[ty].params.len();
        let start = self.stack.len() - count;
        let mut args = Vec::with_capacity(count + 1);
        args.push(vmctx);
        args.extend(self.stack.drain(start..));
        args
    }

    pub(super) fn push_results(&mut self, call: cranelift_codegen::ir::Inst) {
        self.stack.extend_from_slice(self.builder.func.dfg.inst_results(call));
    }

    /// Calls a builtin with index arguments and operands, and pushes its result if it has one.
    pub(super) fn call_builtin(&mut self, builtin: Builtin, indices: &[u32], operands: &[Value]) {
        let (signature, code, args) = self.builtin_callee(builtin, indices, operands);
        let call = self.builder.ins().call_indirect(signature, code, &args);
        self.push_results(call);
    }

    /// Signature, address and arguments of a builtin.
    pub(super) fn builtin_callee(
        &mut self,
        builtin: Builtin,
        indices: &[u32],
        operands: &[Value],
    ) -> (SigRef, Value, Vec<Value>) {
        let mut args = vec![self.vmctx];
        args.extend(indices.iter().map(|&index| self.builder.ins().iconst(types::I64, i64::from(index))));
        for &operand in operands {
            args.push(self.extend(operand));
        }
        debug_assert_eq!(args.len(), builtin.params());
        let signature = self.builtin_signature(builtin);
        let table = self.load_constant(self.env.layout.builtins());
        let code = self.load_from_constants(types::I64, table, builtin.offset());
        (signature, code, args)
    }

    fn builtin_signature(&mut self, builtin: Builtin) -> SigRef {
        let builder = &mut self.builder;
        *self
            .builtin_signatures
            .entry((builtin.params(), builtin.returns()))
            .or_insert_with(|| builder.import_signature(builtin_signature(builtin)))
    }
}
