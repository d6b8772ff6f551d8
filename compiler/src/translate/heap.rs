//! **Sandbox-critical.** The only place that turns a Wasm address into a native one.
//!
//! Invariant: every access that code can make through the pair returned by [`Translator::heap_address`] lies in
//! the memory's reservation or in the guard behind it.
//!
//! Argument, for 32-bit memories: the index is zero-extended, so it is below 4 GiB; the static offset is an
//! unsigned 32-bit number, so it is below 4 GiB; the access is at most `slot::MAX_ACCESS` bytes. Their sum stays below
//! `slot::MEMORY_RESERVATION + slot::MAX_ACCESS`, and the slot reserves `MEMORY_RESERVATION + MEMORY_GUARD`
//! addresses from the base of every memory on, of which only the memory's current size is accessible. So no
//! bounds check is needed: the fault is the check.

use super::Translator;
use super::vmctx::Region;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, TrapCode, Value, types};
use wasmaot_abi::slot;
use wasmparser::MemArg;

const _: () =
    assert!((u32::MAX as u64) * 2 + slot::MAX_ACCESS <= slot::MEMORY_RESERVATION + slot::MEMORY_GUARD);

/// A native address: what a CLIF load or store takes.
pub(super) struct HeapAddress {
    pub(super) base: Value,
    pub(super) offset: i32,
    /// Flags of the access: it may trap, is little-endian, may be unaligned.
    pub(super) flags: MemFlagsData,
}

impl Translator<'_, '_> {
    /// Pops a Wasm address and gives the native one.
    pub(super) fn heap_address(&mut self, memarg: &MemArg) -> HeapAddress {
        let index = self.pop();
        let index = self.builder.ins().uextend(types::I64, index);
        let heap = self.memory_base(memarg.memory);
        let base = self.builder.ins().iadd(heap, index);
        let (base, offset) = if memarg.offset <= slot::MAX_FOLDED_OFFSET {
            (base, memarg.offset as i32)
        } else {
            let offset = self.const64(memarg.offset);
            (self.builder.ins().iadd(base, offset), 0)
        };
        HeapAddress { base, offset, flags: self.heap_flags() }
    }

    /// The address of byte 0 of a memory. For the first, defined one it is vmctx itself.
    pub(super) fn memory_base(&mut self, memory: u32) -> Value {
        if self.is_own_memory(memory) {
            self.vmctx
        } else {
            self.load_constant(
                self.env.layout.memory(memory)
                    + std::mem::offset_of!(wasmaot_abi::state::MemoryRef, base) as i32,
            )
        }
    }

    /// Whether a memory starts at vmctx.
    pub(super) fn is_own_memory(&self, memory: u32) -> bool {
        memory == 0 && !self.env.module.memories[0].imported
    }

    fn heap_flags(&mut self) -> MemFlagsData {
        let region = self.flags(Region::Heap).alias_region();
        MemFlagsData::new().with_trap_code(Some(TrapCode::HEAP_OUT_OF_BOUNDS)).with_alias_region(region)
    }
}
