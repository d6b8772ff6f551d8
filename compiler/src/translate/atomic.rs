//! Atomic operators.
//!
//! **Invariant: an atomic access is aligned to its size.** The processor would carry out others as well, or
//! not atomically, so the address is tested first. All are sequentially consistent; the optimiser moves no
//! access of memory across one.

use super::heap::HeapAddress;
use super::translator::Translator;
use super::trap;
use cranelift_codegen::ir::{AtomicRmwOp, InstBuilder, MemFlagsData, Type, Value};
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::trap::TrapCode;
use wasmaot_abi::types::IndexType;
use wasmparser::MemArg;

impl Translator<'_, '_> {
    /// A load of an `access`, zero-extended to `ty`.
    pub(super) fn atomic_load(&mut self, memarg: &MemArg, access: Type, ty: Type) {
        let (address, flags) = self.atomic_address(memarg, access);
        let value = self.builder.ins().atomic_load(access, flags, address);
        self.push_extended(value, ty);
    }

    /// A store of a value's low bytes.
    pub(super) fn atomic_store(&mut self, memarg: &MemArg, access: Type) {
        let value = self.pop();
        let value = self.low_bytes(value, access);
        let (address, flags) = self.atomic_address(memarg, access);
        self.builder.ins().atomic_store(flags, value, address);
    }

    /// Replaces an `access` by what `op` makes of it and the operand. Gives the old one, zero-extended.
    pub(super) fn atomic_rmw(&mut self, memarg: &MemArg, op: AtomicRmwOp, access: Type) {
        let operand = self.pop();
        let ty = self.builder.func.dfg.value_type(operand);
        let operand = self.low_bytes(operand, access);
        let (address, flags) = self.atomic_address(memarg, access);
        let old = self.builder.ins().atomic_rmw(access, flags, op, address, operand);
        self.push_extended(old, ty);
    }

    /// Replaces an `access` if it is what is expected. Gives the old one, zero-extended. Only the low
    /// bytes of what is expected are compared.
    pub(super) fn atomic_cmpxchg(&mut self, memarg: &MemArg, access: Type) {
        let (expected, replacement) = self.pop2();
        let ty = self.builder.func.dfg.value_type(expected);
        let replacement = self.low_bytes(replacement, access);
        let low = self.low_bytes(expected, access);
        let (address, flags) = self.atomic_address(memarg, access);
        let old = self.builder.ins().atomic_cas(flags, address, low, replacement);
        self.push_extended(old, ty);
    }

    pub(super) fn atomic_fence(&mut self) {
        self.builder.ins().fence();
    }

    /// `memory.atomic.wait32` or `memory.atomic.wait64`.
    pub(super) fn atomic_wait(&mut self, memarg: &MemArg, builtin: Builtin) {
        let (address, expected, timeout) = self.pop3();
        let offset = self.const64(memarg.offset);
        self.call_builtin(builtin, &[memarg.memory], &[offset, address, expected, timeout]);
        self.narrow_top(IndexType::I32);
    }

    pub(super) fn atomic_notify(&mut self, memarg: &MemArg) {
        let (address, count) = self.pop2();
        let offset = self.const64(memarg.offset);
        self.call_builtin(Builtin::MemoryNotify, &[memarg.memory], &[offset, address, count]);
        self.narrow_top(IndexType::I32);
    }

    /// Pops a Wasm address, tests its alignment, and gives the native one.
    fn atomic_address(&mut self, memarg: &MemArg, access: Type) -> (Value, MemFlagsData) {
        let mask = u64::from(access.bytes()) - 1;
        if mask != 0 {
            let index = self.pop();
            self.push(index);
            let index = self.extend(index);
            // Memories are aligned themselves.
            let address = self.builder.ins().iadd_imm_u(index, (memarg.offset & mask) as i64);
            let low = self.builder.ins().band_imm_u(address, mask as i64);
            self.builder.ins().trapnz(low, trap::of(TrapCode::UnalignedAtomic));
        }
        let HeapAddress { base, offset, flags } = self.heap_address(memarg, access.bytes());
        let address = if offset == 0 { base } else { self.builder.ins().iadd_imm_s(base, i64::from(offset)) };
        (address, flags)
    }

    fn low_bytes(&mut self, value: Value, access: Type) -> Value {
        if self.builder.func.dfg.value_type(value) == access {
            value
        } else {
            self.builder.ins().ireduce(access, value)
        }
    }

    fn push_extended(&mut self, value: Value, ty: Type) {
        let same = self.builder.func.dfg.value_type(value) == ty;
        let value = if same { value } else { self.builder.ins().uextend(ty, value) };
        self.push(value);
    }
}
