//! Loads, stores and the size of memories.

use super::Translator;
use super::heap::HeapAddress;
use super::vmctx::Region;
use cranelift_codegen::ir::{InstBuilder, Opcode, Type, Value, types};
use std::mem::offset_of;
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::state::{MemoryRef, StateLayout};
use wasmparser::MemArg;

impl Translator<'_, '_> {
    /// A load of a whole value.
    pub(super) fn load(&mut self, memarg: &MemArg, ty: Type) {
        let HeapAddress { base, offset, flags } = self.heap_address(memarg);
        let value = self.builder.ins().load(ty, flags, base, offset);
        self.push(value);
    }

    /// A load of fewer bytes, extended to `ty` by `opcode`.
    pub(super) fn load_extended(&mut self, memarg: &MemArg, opcode: Opcode, ty: Type) {
        let HeapAddress { base, offset, flags } = self.heap_address(memarg);
        let flags = self.builder.func.dfg.mem_flags.insert_unchecked(flags);
        let (inst, dfg) = self.builder.ins().Load(opcode, ty, flags, offset.into(), base);
        let value = dfg.first_result(inst);
        self.push(value);
    }

    /// A store of a whole value.
    pub(super) fn store(&mut self, memarg: &MemArg) {
        let value = self.pop();
        let HeapAddress { base, offset, flags } = self.heap_address(memarg);
        self.builder.ins().store(flags, value, base, offset);
    }

    /// A store of a value's low bytes.
    pub(super) fn store_narrow(&mut self, memarg: &MemArg, opcode: Opcode) {
        let value = self.pop();
        let ty = self.builder.func.dfg.value_type(value);
        let HeapAddress { base, offset, flags } = self.heap_address(memarg);
        let flags = self.builder.func.dfg.mem_flags.insert_unchecked(flags);
        self.builder.ins().Store(opcode, ty, flags, offset.into(), value, base);
    }

    pub(super) fn memory_size(&mut self, memory: u32) {
        let bytes = self.memory_length(memory);
        let page_log2 = self.env.module.memories[memory as usize].ty.page_log2;
        let pages = self.builder.ins().ushr_imm_u(bytes, i64::from(page_log2));
        let pages = self.builder.ins().ireduce(types::I32, pages);
        self.push(pages);
    }

    /// The current length of a memory in bytes.
    fn memory_length(&mut self, memory: u32) -> Value {
        if self.is_own_memory(memory) {
            return self.load_state(Region::Lengths, types::I64, StateLayout::MEMORY0_LENGTH);
        }
        if !self.env.module.memories[memory as usize].imported {
            return self.load_state(Region::Lengths, types::I64, self.env.layout.memory_length(memory));
        }
        self.load_length_at(self.env.layout.memory(memory) + offset_of!(MemoryRef, length) as i32)
    }

    pub(super) fn memory_grow(&mut self, memory: u32) {
        let pages = self.pop();
        self.call_builtin(Builtin::MemoryGrow, &[memory], &[pages]);
        self.narrow_top();
    }

    pub(super) fn memory_init(&mut self, segment: u32, memory: u32) {
        let (to, from, length) = self.pop3();
        self.call_builtin(Builtin::MemoryInit, &[memory, segment], &[to, from, length]);
    }

    pub(super) fn data_drop(&mut self, segment: u32) {
        self.call_builtin(Builtin::DataDrop, &[segment], &[]);
    }

    /// Replaces the 64-bit result of a builtin by its low half.
    pub(super) fn narrow_top(&mut self) {
        let wide = self.pop();
        let narrow = self.builder.ins().ireduce(types::I32, wide);
        self.push(narrow);
    }
}
