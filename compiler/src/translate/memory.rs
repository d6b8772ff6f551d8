//! Translates loads, stores, `memory.size`, and calls of the builtins for `memory.grow`, `memory.init` and
//! `data.drop`.

use super::heap::HeapAddress;
use super::translator::Translator;
use super::vmctx::Region;
use crate::index::{DataIndex, MemoryIndex};
use cranelift_codegen::ir::{InstBuilder, Opcode, Type, Value, types};
use std::mem::offset_of;
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::state::{MemoryRef, StateLayout};
use wasmaot_abi::types::IndexType;
use wasmparser::MemArg;

impl Translator<'_, '_> {
    /// A load of a whole value.
    pub(super) fn load(&mut self, memarg: &MemArg, ty: Type) {
        let HeapAddress { base, offset, flags } = self.heap_address(memarg, ty.bytes());
        let value = self.builder.ins().load(ty, flags, base, offset);
        self.push(value);
    }

    /// A load of fewer bytes, extended to `ty` by `opcode`.
    pub(super) fn load_extended(&mut self, memarg: &MemArg, opcode: Opcode, ty: Type) {
        let HeapAddress { base, offset, flags } = self.heap_address(memarg, narrow_bytes(opcode));
        let flags = self.builder.func.dfg.mem_flags.insert_unchecked(flags);
        let (inst, dfg) = self.builder.ins().Load(opcode, ty, flags, offset.into(), base);
        let value = dfg.first_result(inst);
        self.push(value);
    }

    /// A store of a whole value.
    pub(super) fn store(&mut self, memarg: &MemArg) {
        let value = self.pop();
        let bytes = self.builder.func.dfg.value_type(value).bytes();
        let HeapAddress { base, offset, flags } = self.heap_address(memarg, bytes);
        self.builder.ins().store(flags, value, base, offset);
    }

    /// A store of a value's low bytes.
    pub(super) fn store_narrow(&mut self, memarg: &MemArg, opcode: Opcode) {
        let value = self.pop();
        let ty = self.builder.func.dfg.value_type(value);
        let HeapAddress { base, offset, flags } = self.heap_address(memarg, narrow_bytes(opcode));
        let flags = self.builder.func.dfg.mem_flags.insert_unchecked(flags);
        self.builder.ins().Store(opcode, ty, flags, offset.into(), value, base);
    }

    pub(super) fn memory_size(&mut self, memory: MemoryIndex) {
        let ty = self.env.module.memories[memory].ty;
        let bytes = if ty.shared { self.shared_length(memory) } else { self.memory_length(memory) };
        let pages = self.builder.ins().ushr_imm_u(bytes, i64::from(ty.page_log2));
        self.push(pages);
        self.narrow_top(ty.index);
    }

    /// The current length of a memory in bytes.
    pub(super) fn memory_length(&mut self, memory: MemoryIndex) -> Value {
        if self.is_own_memory(memory) {
            return self.load_state(Region::Lengths, types::I64, StateLayout::MEMORY0_LENGTH);
        }
        let info = &self.env.module.memories[memory];
        if !info.imported && !info.ty.shared {
            return self.load_state(
                Region::Lengths,
                types::I64,
                self.env.layout.memory_length(memory.as_u32()),
            );
        }
        self.load_length_at(self.env.layout.memory(memory.as_u32()) + offset_of!(MemoryRef, length) as i32)
    }

    /// The length that other threads see, too: read anew each time.
    fn shared_length(&mut self, memory: MemoryIndex) -> Value {
        let cell = self
            .load_constant(self.env.layout.memory(memory.as_u32()) + offset_of!(MemoryRef, length) as i32);
        let flags = self.flags(Region::Lengths);
        self.builder.ins().atomic_load(types::I64, flags, cell)
    }

    pub(super) fn memory_grow(&mut self, memory: MemoryIndex) {
        let pages = self.pop();
        self.call_builtin(Builtin::MemoryGrow, &[memory.as_u32()], &[pages]);
        self.narrow_top(self.env.module.memories[memory].ty.index);
    }

    pub(super) fn memory_init(&mut self, segment: DataIndex, memory: MemoryIndex) {
        let (to, from, length) = self.pop3();
        self.call_builtin(Builtin::MemoryInit, &[memory.as_u32(), segment.as_u32()], &[to, from, length]);
    }

    pub(super) fn data_drop(&mut self, segment: DataIndex) {
        self.call_builtin(Builtin::DataDrop, &[segment.as_u32()], &[]);
    }

    /// Narrows the 64-bit value on top of the stack, such as a builtin's result, to the width of an index.
    pub(super) fn narrow_top(&mut self, index: IndexType) {
        if index == IndexType::I32 {
            let wide = self.pop();
            let narrow = self.builder.ins().ireduce(types::I32, wide);
            self.push(narrow);
        }
    }
}

/// Bytes that a narrowing or extending operator accesses.
fn narrow_bytes(opcode: Opcode) -> u32 {
    match opcode {
        Opcode::Sload8 | Opcode::Uload8 | Opcode::Istore8 => 1,
        Opcode::Sload16 | Opcode::Uload16 | Opcode::Istore16 => 2,
        Opcode::Sload32 | Opcode::Uload32 | Opcode::Istore32 => 4,
        Opcode::Sload8x8 | Opcode::Sload16x4 | Opcode::Sload32x2 => 8,
        Opcode::Uload8x8 | Opcode::Uload16x4 | Opcode::Uload32x2 => 8,
        other => unreachable!("{other} accesses whole values"),
    }
}
