//! **Sandbox-critical.** The only place that turns a Wasm address into a native one.
//!
//! Invariant: every access that code can make through the pair returned by [`Translator::heap_address`] lies
//! in the memory's reservation, in the guard behind it, or at address 0, where nothing is ever mapped; and
//! where the bytes are not all below the memory's length, it faults. That also holds on paths that the
//! processor only speculates on: an address depends on the outcome of its check as on any other data.
//!
//! Which argument holds depends on the memory's type alone, see [`Check`]:
//!
//! * **No check**: addresses of 32 bits. The index is zero-extended, so it is below 4 GiB; the static offset
//!   is an unsigned 32-bit number, so it is below 4 GiB; the access is at most `slot::MAX_ACCESS` bytes.
//!   Their sum stays below `slot::MEMORY_RESERVATION + slot::MAX_ACCESS`, and the slot reserves
//!   `MEMORY_RESERVATION + MEMORY_GUARD` addresses from the base of every memory on, of which only the
//!   memory's current size is accessible. So no bounds check is needed: the fault is the check.
//! * **Against a constant**: addresses of 64 bits in a memory that by its type never exceeds 4 GiB. An index
//!   beyond is replaced by 4 GiB exactly, where no byte of such a memory lies. Then the argument above holds
//!   again. Static offsets of 4 GiB and more are out of bounds whatever the index: it, too, is replaced, and
//!   the offset dropped.
//! * **Against the length**: addresses of 64 bits in any other memory, which may be as large as
//!   `slot::MAX_MEMORY64`. The address of an index that is not below the length is replaced by 0. Otherwise
//!   index and access end in the memory or less than `slot::OFFSET_GUARD` bytes behind it, which are
//!   reserved; the fault is the rest of the check.
//! * **Whole range against the length**: memories whose pages are smaller than the host's, as bytes behind
//!   their length may be accessible; and static offsets beyond the guard. `offset + bytes` is compared with
//!   what remains of the memory behind the index, 0 if the index is not inside; no sum overflows. If it does
//!   not fit, the address is replaced by 0.
//!
//! Memories never shrink, so that a length may be out of date does not matter.

use super::translator::Translator;
use super::vmctx::Region;
use crate::index::MemoryIndex;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use std::mem::offset_of;
use wasmaot_abi::slot;
use wasmaot_abi::state::MemoryRef;
use wasmaot_abi::types::{IndexType, MemoryType};
use wasmparser::MemArg;

const _: () = {
    // The largest index (or what it is replaced by), the largest offset, and an access.
    let end = slot::ADDRESSABLE32 + u32::MAX as u64 + slot::MAX_ACCESS;
    assert!(end <= slot::MEMORY_RESERVATION + slot::MEMORY_GUARD);
    assert!(slot::ADDRESSABLE32 + slot::OFFSET_GUARD <= slot::MEMORY_RESERVATION + slot::MEMORY_GUARD);
};

/// A native address: what a CLIF load or store takes.
pub(super) struct HeapAddress {
    pub(super) base: Value,
    pub(super) offset: i32,
    /// Flags of the access: it may trap, is little-endian, may be unaligned.
    pub(super) flags: MemFlagsData,
}

/// How an access is kept inside its memory. See the module's description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    /// By the guard alone.
    None,
    /// The index is compared with 4 GiB.
    Constant,
    /// The index is compared with the length.
    Length,
    /// The whole range is compared with the length.
    Range,
}

impl Check {
    /// The cheapest one that does for an access of `bytes` bytes at a static offset.
    fn of(ty: &MemoryType, offset: u64, bytes: u64) -> Self {
        let has_whole_pages = ty.bytes(1).is_multiple_of(slot::HOST_PAGE);
        match ty.index {
            _ if !has_whole_pages => Check::Range,
            IndexType::I32 => Check::None,
            IndexType::I64 if ty.is_small() => Check::Constant,
            IndexType::I64 if offset.checked_add(bytes).is_some_and(|end| end <= slot::OFFSET_GUARD) => {
                Check::Length
            }
            IndexType::I64 => Check::Range,
        }
    }
}

impl Translator<'_, '_> {
    /// Pops a Wasm address and returns the native one, for an access of `size` bytes: at most
    /// `slot::MAX_ACCESS`.
    pub(super) fn heap_address(&mut self, memarg: &MemArg, bytes: u32) -> HeapAddress {
        debug_assert!(u64::from(bytes) <= slot::MAX_ACCESS);
        let (memory, offset, bytes) = (MemoryIndex::from(memarg.memory), memarg.offset, u64::from(bytes));
        let index = self.pop();
        let index = self.extend(index);
        match Check::of(&self.env.module.memories[memory].ty, offset, bytes) {
            Check::None => self.guarded_address(memory, index, offset),
            Check::Constant if offset >= slot::ADDRESSABLE32 => {
                let outside = self.const64(slot::ADDRESSABLE32);
                self.guarded_address(memory, outside, 0)
            }
            Check::Constant => {
                let limit = self.const64(slot::ADDRESSABLE32);
                // Bits that only an index beyond the limit has.
                let high = i64::from(slot::ADDRESSABLE32.trailing_zeros());
                let outside = self.builder.ins().ushr_imm_u(index, high);
                let index = self.builder.ins().select_spectre_guard(outside, limit, index);
                self.guarded_address(memory, index, offset)
            }
            Check::Length => {
                let length = self.memory_length(memory);
                let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, length);
                self.address_unless(outside, memory, index, offset)
            }
            Check::Range => {
                let outside = self.is_range_outside(memory, index, offset.saturating_add(bytes));
                self.address_unless(outside, memory, index, offset)
            }
        }
    }

    /// The address of an index that the reservation has room for, whatever the memory's length.
    fn guarded_address(&mut self, memory: MemoryIndex, index: Value, offset: u64) -> HeapAddress {
        let heap = self.memory_base(memory);
        let base = self.builder.ins().iadd(heap, index);
        let (base, offset) = if offset <= slot::MAX_FOLDED_OFFSET {
            (base, offset as i32)
        } else {
            let offset = self.const64(offset);
            (self.builder.ins().iadd(base, offset), 0)
        };
        HeapAddress { base, offset, flags: self.heap_flags() }
    }

    /// Whether less than `bytes` bytes of a memory remain behind an index.
    fn is_range_outside(&mut self, memory: MemoryIndex, index: Value, bytes: u64) -> Value {
        let length = self.memory_length(memory);
        let (zero, bytes) = (self.const64(0), self.const64(bytes));
        let rest = self.builder.ins().isub(length, index);
        let beyond = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, index, length);
        let rest = self.builder.ins().select_spectre_guard(beyond, zero, rest);
        self.builder.ins().icmp(IntCC::UnsignedLessThan, rest, bytes)
    }

    /// The address of an index, or 0 if it is `outside`.
    fn address_unless(
        &mut self,
        outside: Value,
        memory: MemoryIndex,
        index: Value,
        offset: u64,
    ) -> HeapAddress {
        let HeapAddress { mut base, offset, flags } = self.guarded_address(memory, index, offset);
        if offset != 0 {
            base = self.builder.ins().iadd_imm_s(base, i64::from(offset));
        }
        let null = self.const64(0);
        let base = self.builder.ins().select_spectre_guard(outside, null, base);
        HeapAddress { base, offset: 0, flags }
    }

    /// The address of byte 0 of a memory. For the first, defined one it usually is vmctx itself.
    fn memory_base(&mut self, memory: MemoryIndex) -> Value {
        if self.is_own_memory(memory) {
            self.vmctx
        } else {
            self.load_constant(self.env.layout.memory(memory.as_u32()) + offset_of!(MemoryRef, base) as i32)
        }
    }

    /// Whether a memory starts at vmctx.
    pub(super) fn is_own_memory(&self, memory: MemoryIndex) -> bool {
        memory == MemoryIndex::FIRST && self.env.module.has_own_memory()
    }

    fn heap_flags(&mut self) -> MemFlagsData {
        let region = self.flags(Region::Heap).alias_region();
        MemFlagsData::new().with_trap_code(Some(self.access_trap())).with_alias_region(region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmaot_abi::types::Limits;

    #[test]
    fn the_check_follows_from_the_type() {
        let ty = |index, max, page_log2| MemoryType {
            index,
            page_log2,
            ..MemoryType::new(Limits { min: 0, max })
        };
        let (narrow, wide) = (IndexType::I32, IndexType::I64);
        let guard = slot::OFFSET_GUARD;
        for (ty, offset, bytes, check) in [
            (ty(narrow, None, 16), 0, 8, Check::None),
            (ty(narrow, Some(1), 16), u64::from(u32::MAX), 64, Check::None),
            (ty(narrow, None, 0), 0, 1, Check::Range),
            (ty(wide, Some(1 << 16), 16), 0, 8, Check::Constant),
            (ty(wide, Some(1 << 16), 16), u64::MAX, 8, Check::Constant),
            (ty(wide, Some((1 << 16) + 1), 16), 0, 8, Check::Length),
            (ty(wide, None, 16), guard - 8, 8, Check::Length),
            (ty(wide, None, 16), guard - 7, 8, Check::Range),
            (ty(wide, None, 16), u64::MAX, 8, Check::Range),
            (ty(wide, Some(5), 0), 0, 8, Check::Range),
        ] {
            assert_eq!(Check::of(&ty, offset, bytes), check, "{ty:?} {offset:#x} {bytes}");
        }
    }
}
