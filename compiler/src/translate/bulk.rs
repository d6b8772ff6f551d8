//! `memory.copy` and `memory.fill`: of few bytes without leaving compiled code, of others by a call of their
//! builtin.
//!
//! A *constant* length is spelled out. Nothing may be written if any byte is out of bounds; no check is
//! needed for that: all loads come first, and the store with the highest address comes before the others. A
//! memory is accessible from its start to its length, so if any byte of a range is not, its last byte is not.
//!
//! A *variable* length goes to a helper function of the artifact, one per module, which checks the ranges and
//! moves up to [`LIMIT`] bytes with at most four loads before as many stores, so that ranges may overlap.
//!
//! Both are for the instance's own memory, whose length lies at a constant offset from vmctx; helpers only if
//! its addresses have 32 bits.

use super::env::{Env, open_entry};
use super::heap::HeapAddress;
use super::translator::Translator;
use super::vmctx::builtin_call;
use crate::index::MemoryIndex;
use crate::key::Helper;
use crate::module::ModuleInfo;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, Function, InstBuilder, InstructionData, MemFlagsData, Opcode, Signature, Type, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::meter::bytes_price;
use wasmaot_abi::state::StateLayout;
use wasmaot_abi::types::IndexType;
use wasmparser::MemArg;

/// The most bytes that are moved without the builtin.
const LIMIT: u64 = 64;

// Only the builtin charges fuel for them.
const _: () = assert!(bytes_price(LIMIT) == 0);

/// Flags of accesses within checked ranges.
const UNALIGNED: MemFlagsData = MemFlagsData::new().with_notrap();

/// What a helper does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Copy,
    Fill,
}

/// Whether a module has a memory for the helpers: its own, with addresses of 32 bits.
pub(super) fn helpers_move(module: &ModuleInfo<'_>) -> bool {
    module.has_own_memory() && module.memories[MemoryIndex::FIRST].ty.index == IndexType::I32
}

impl Operation {
    /// What does it where the helper does not.
    fn builtin(self) -> Builtin {
        match self {
            Operation::Copy => Builtin::MemoryCopy,
            Operation::Fill => Builtin::MemoryFill,
        }
    }
}

impl Translator<'_, '_> {
    pub(super) fn memory_copy(&mut self, to_memory: MemoryIndex, from_memory: MemoryIndex) {
        let (to, from, length) = self.pop3();
        if !self.is_own_memory(to_memory) || !self.is_own_memory(from_memory) {
            return self.call_builtin(
                Builtin::MemoryCopy,
                &[to_memory.as_u32(), from_memory.as_u32()],
                &[to, from, length],
            );
        }
        let Some(count) = self.small_constant(length) else {
            return match self.has_helpers() {
                true => self.call_helper(Helper::Copy, [to, from, length]),
                false => self.call_builtin(Builtin::MemoryCopy, &[0, 0], &[to, from, length]),
            };
        };
        let from = self.start_of_range(from, count);
        let chunks = chunks(count);
        let values: Vec<Value> = chunks
            .iter()
            .map(|&(offset, ty)| self.builder.ins().load(ty, from.flags, from.base, offset))
            .collect();
        let to = self.start_of_range(to, count);
        for (&(offset, _), &value) in chunks.iter().zip(&values).rev() {
            self.builder.ins().store(to.flags, value, to.base, offset);
        }
    }

    pub(super) fn memory_fill(&mut self, memory: MemoryIndex) {
        let (to, byte, length) = self.pop3();
        if !self.is_own_memory(memory) {
            return self.call_builtin(Builtin::MemoryFill, &[memory.as_u32()], &[to, byte, length]);
        }
        let Some(count) = self.small_constant(length) else {
            return match self.has_helpers() {
                true => self.call_helper(Helper::Fill, [to, byte, length]),
                false => self.call_builtin(Builtin::MemoryFill, &[0], &[to, byte, length]),
            };
        };
        let to = self.start_of_range(to, count);
        let byte = self.builder.ins().ireduce(types::I8, byte);
        for &(offset, ty) in chunks(count).iter().rev() {
            let value = repeated(&mut self.builder, byte, ty);
            self.builder.ins().store(to.flags, value, to.base, offset);
        }
    }

    /// A length that is a constant from 1 to [`LIMIT`]. Of no bytes, the start is checked all the same.
    fn small_constant(&self, length: Value) -> Option<u64> {
        let dfg = &self.builder.func.dfg;
        match dfg.insts[dfg.value_def(dfg.resolve_aliases(length)).inst()?] {
            InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => {
                Some(imm.bits() as u64).filter(|count| (1..=LIMIT).contains(count))
            }
            _ => None,
        }
    }

    fn start_of_range(&mut self, address: Value, count: u64) -> HeapAddress {
        self.push(address);
        self.heap_address(&MemArg { align: 0, max_align: 0, offset: 0, memory: 0 }, count as u32)
    }

    fn has_helpers(&self) -> bool {
        helpers_move(self.env.module)
    }

    fn call_helper(&mut self, helper: Helper, [to, operand, length]: [Value; 3]) {
        let callee = self.helper_function(helper);
        self.builder.ins().call(callee, &[self.vmctx, to, operand, length]);
    }
}

/// Offsets and types of the accesses that cover `count` bytes, ascending; the last two may overlap.
fn chunks(count: u64) -> Vec<(i32, Type)> {
    let sizes = [types::I8X16, types::I64, types::I32, types::I16, types::I8];
    let ty = sizes.into_iter().find(|ty| u64::from(ty.bytes()) <= count).expect("at least one byte");
    let size = u64::from(ty.bytes());
    let mut chunks: Vec<(i32, Type)> = (0..count / size).map(|index| ((index * size) as i32, ty)).collect();
    if !count.is_multiple_of(size) {
        let rest = sizes
            .into_iter()
            .rev()
            .find(|ty| u64::from(ty.bytes()) >= count % size)
            .expect("less than a chunk");
        chunks.push(((count - u64::from(rest.bytes())) as i32, rest));
    }
    chunks
}

/// A value of type `ty`, all of whose bytes are `byte`.
fn repeated(b: &mut FunctionBuilder<'_>, byte: Value, ty: Type) -> Value {
    match ty {
        types::I8 => byte,
        types::I8X16 => b.ins().splat(types::I8X16, byte),
        _ => {
            let wide = b.ins().uextend(ty, byte);
            let ones = b.ins().iconst(ty, 0x0101_0101_0101_0101 & (u64::MAX >> (64 - ty.bits())) as i64);
            b.ins().imul(wide, ones)
        }
    }
}

pub(super) fn helper_signature() -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.extend([types::I64, types::I32, types::I32, types::I32].map(AbiParam::new));
    signature
}

/// Writes the body of a helper.
pub(super) fn helper(
    env: &Env<'_>,
    operation: Operation,
    into: &mut Function,
    context: &mut FunctionBuilderContext,
) {
    let mut b = FunctionBuilder::new(into, context);
    let entry = open_entry(&mut b);
    let &[vmctx, to, operand, length] = b.block_params(entry) else { unreachable!("four parameters") };
    let (to, count) = (b.ins().uextend(types::I64, to), b.ins().uextend(types::I64, length));
    let wide_operand = b.ins().uextend(types::I64, operand);

    let (small, slow) = (b.create_block(), b.create_block());
    let size = b.ins().load(types::I64, MemFlagsData::trusted(), vmctx, StateLayout::MEMORY0_LENGTH);
    let mut end = b.ins().iadd(to, count);
    if operation == Operation::Copy {
        let from_end = b.ins().iadd(wide_operand, count);
        end = b.ins().umax(end, from_end);
    }
    let outside = b.ins().icmp(IntCC::UnsignedGreaterThan, end, size);
    let large = b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, count, LIMIT as i64);
    let is_slow = b.ins().bor(outside, large);
    b.ins().brif(is_slow, slow, &[], small, &[]);

    b.switch_to_block(small);
    let source = match operation {
        Operation::Copy => Source::Memory(wide_operand),
        Operation::Fill => Source::Byte(b.ins().ireduce(types::I8, operand)),
    };
    move_small(&mut b, vmctx, to, source, count);

    b.switch_to_block(slow);
    let zero = b.ins().iconst(types::I64, 0);
    let args: &[Value] = match operation {
        Operation::Copy => &[vmctx, zero, zero, to, wide_operand, count],
        Operation::Fill => &[vmctx, zero, to, wide_operand, count],
    };
    builtin_call(&mut b, env, operation.builtin(), vmctx, args);
    b.ins().return_(&[]);
    b.seal_all_blocks();
    b.finalize(env.target.isa.frontend_config());
}

/// What is written.
#[derive(Clone, Copy)]
enum Source {
    /// Bytes of the memory from this index on.
    Memory(Value),
    /// This byte.
    Byte(Value),
}

/// Writes `count` bytes, at most [`LIMIT`], from index `to` on, and returns. Both ranges are inside the
/// memory.
fn move_small(b: &mut FunctionBuilder<'_>, vmctx: Value, to: Value, source: Source, count: Value) {
    // From 33 bytes on, two vectors from each end; from 16 on, one. Below that, one word from each end, of
    // the largest size that fits.
    for (size, at_once) in [(16, 2), (16, 1), (8, 1), (4, 1), (2, 1)] {
        let enough = if at_once == 2 { 2 * size + 1 } else { size };
        let (this, next) = (b.create_block(), b.create_block());
        let is_enough = b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, count, enough);
        b.ins().brif(is_enough, this, &[], next, &[]);
        b.switch_to_block(this);
        let chunks = End { bytes: size as i32 * at_once, chunk: size as i32 };
        move_ends(b, vmctx, to, source, count, chunks);
        b.ins().return_(&[]);
        b.switch_to_block(next);
    }
    let (one, none) = (b.create_block(), b.create_block());
    b.ins().brif(count, one, &[], none, &[]);
    b.switch_to_block(one);
    let value = value_at(b, vmctx, source, types::I8, 0);
    let address = b.ins().iadd(vmctx, to);
    b.ins().store(UNALIGNED, value, address, 0);
    b.ins().jump(none, &[]);
    b.switch_to_block(none);
    b.ins().return_(&[]);
}

/// What is moved at each end of a range.
#[derive(Clone, Copy)]
struct End {
    /// Bytes in all.
    bytes: i32,
    /// Bytes at once.
    chunk: i32,
}

/// Moves both ends of a range, which may meet and overlap.
fn move_ends(b: &mut FunctionBuilder<'_>, vmctx: Value, to: Value, source: Source, count: Value, end: End) {
    let ty = match end.chunk {
        16 => types::I8X16,
        chunk => Type::int(chunk as u16 * 8).expect("a power of two"),
    };
    let to_end = before_end(b, to, count, end.bytes);
    let source_end = match source {
        Source::Memory(from) => Source::Memory(before_end(b, from, count, end.bytes)),
        Source::Byte(_) => source,
    };
    let offsets = || (0..end.bytes).step_by(end.chunk as usize);
    let sides = [(to, source), (to_end, source_end)];
    let places: Vec<_> =
        sides.iter().flat_map(|&(to, source)| offsets().map(move |offset| (to, source, offset))).collect();
    let values: Vec<Value> =
        places.iter().map(|&(_, source, offset)| value_at(b, vmctx, source, ty, offset)).collect();
    for (&(to, _, offset), &value) in places.iter().zip(&values) {
        let address = b.ins().iadd(vmctx, to);
        b.ins().store(UNALIGNED, value, address, offset);
    }
}

/// The index that lies `bytes` before the end of a range that has at least as many. It is computed in 32
/// bits, so that it is an index whatever the range is: no address before the memory can come of it.
fn before_end(b: &mut FunctionBuilder<'_>, start: Value, count: Value, bytes: i32) -> Value {
    let end = b.ins().iadd(start, count);
    let end = b.ins().ireduce(types::I32, end);
    let index = b.ins().iadd_imm_s(end, -i64::from(bytes));
    b.ins().uextend(types::I64, index)
}

/// The value to write at an offset from the source's start.
fn value_at(b: &mut FunctionBuilder<'_>, vmctx: Value, source: Source, ty: Type, offset: i32) -> Value {
    match source {
        Source::Byte(byte) => repeated(b, byte, ty),
        Source::Memory(from) => {
            let address = b.ins().iadd(vmctx, from);
            b.ins().load(ty, UNALIGNED, address, offset)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_every_length() {
        for count in 1..=LIMIT {
            let mut covered = 0;
            for (offset, ty) in chunks(count) {
                assert!(offset as u64 <= covered, "a gap in {count}");
                covered = offset as u64 + u64::from(ty.bytes());
            }
            assert_eq!(covered, count);
        }
    }
}
