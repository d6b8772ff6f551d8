//! The atomic operators, and those of integers that they are made of.

use wasm_encoder::{Instruction, MemArg};
use wasmparser::Operator;

/// What an atomic operator does with the value at its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Load,
    Store,
    Add,
    Sub,
    And,
    Or,
    Xor,
    Exchange,
    CompareExchange,
    Wait,
    Notify,
}

/// An atomic operator.
#[derive(Debug, Clone, Copy)]
pub(super) struct Atomic {
    pub(super) kind: Kind,
    /// Whether the value is an `i64`.
    pub(super) wide: bool,
    /// Logarithm of the bytes at the address.
    pub(super) log2: u32,
    pub(super) memarg: wasmparser::MemArg,
}

/// The atomic operator, if it is one.
pub(super) fn atomic(op: &Operator<'_>) -> Option<Atomic> {
    macro_rules! table {
        ($($kind:ident: $($op:ident $bits:literal $log2:literal),+;)+) => {
            match *op {
                $($(Operator::$op { memarg } =>
                    Some(Atomic { kind: Kind::$kind, wide: $bits == 64, log2: $log2, memarg }),)+)+
                _ => None,
            }
        };
    }
    table! {
        Load: I32AtomicLoad 32 2, I32AtomicLoad8U 32 0, I32AtomicLoad16U 32 1,
            I64AtomicLoad 64 3, I64AtomicLoad8U 64 0, I64AtomicLoad16U 64 1, I64AtomicLoad32U 64 2;
        Store: I32AtomicStore 32 2, I32AtomicStore8 32 0, I32AtomicStore16 32 1,
            I64AtomicStore 64 3, I64AtomicStore8 64 0, I64AtomicStore16 64 1, I64AtomicStore32 64 2;
        Add: I32AtomicRmwAdd 32 2, I32AtomicRmw8AddU 32 0, I32AtomicRmw16AddU 32 1,
            I64AtomicRmwAdd 64 3, I64AtomicRmw8AddU 64 0, I64AtomicRmw16AddU 64 1, I64AtomicRmw32AddU 64 2;
        Sub: I32AtomicRmwSub 32 2, I32AtomicRmw8SubU 32 0, I32AtomicRmw16SubU 32 1,
            I64AtomicRmwSub 64 3, I64AtomicRmw8SubU 64 0, I64AtomicRmw16SubU 64 1, I64AtomicRmw32SubU 64 2;
        And: I32AtomicRmwAnd 32 2, I32AtomicRmw8AndU 32 0, I32AtomicRmw16AndU 32 1,
            I64AtomicRmwAnd 64 3, I64AtomicRmw8AndU 64 0, I64AtomicRmw16AndU 64 1, I64AtomicRmw32AndU 64 2;
        Or: I32AtomicRmwOr 32 2, I32AtomicRmw8OrU 32 0, I32AtomicRmw16OrU 32 1,
            I64AtomicRmwOr 64 3, I64AtomicRmw8OrU 64 0, I64AtomicRmw16OrU 64 1, I64AtomicRmw32OrU 64 2;
        Xor: I32AtomicRmwXor 32 2, I32AtomicRmw8XorU 32 0, I32AtomicRmw16XorU 32 1,
            I64AtomicRmwXor 64 3, I64AtomicRmw8XorU 64 0, I64AtomicRmw16XorU 64 1, I64AtomicRmw32XorU 64 2;
        Exchange: I32AtomicRmwXchg 32 2, I32AtomicRmw8XchgU 32 0, I32AtomicRmw16XchgU 32 1,
            I64AtomicRmwXchg 64 3, I64AtomicRmw8XchgU 64 0, I64AtomicRmw16XchgU 64 1, I64AtomicRmw32XchgU 64 2;
        CompareExchange: I32AtomicRmwCmpxchg 32 2, I32AtomicRmw8CmpxchgU 32 0, I32AtomicRmw16CmpxchgU 32 1,
            I64AtomicRmwCmpxchg 64 3, I64AtomicRmw8CmpxchgU 64 0, I64AtomicRmw16CmpxchgU 64 1,
            I64AtomicRmw32CmpxchgU 64 2;
        Wait: MemoryAtomicWait32 32 2, MemoryAtomicWait64 64 3;
        Notify: MemoryAtomicNotify 32 2;
    }
}

/// Integers of 32 or of 64 bits.
pub(super) struct Ints(pub(super) bool);

impl Ints {
    pub(super) fn constant(&self, value: u64) -> Instruction<'static> {
        if self.0 { Instruction::I64Const(value as i64) } else { Instruction::I32Const(value as i32) }
    }

    pub(super) fn add(&self) -> Instruction<'static> {
        if self.0 { Instruction::I64Add } else { Instruction::I32Add }
    }

    pub(super) fn and(&self) -> Instruction<'static> {
        if self.0 { Instruction::I64And } else { Instruction::I32And }
    }

    pub(super) fn differ(&self) -> Instruction<'static> {
        if self.0 { Instruction::I64Ne } else { Instruction::I32Ne }
    }

    pub(super) fn change(&self, kind: Kind) -> Instruction<'static> {
        match (kind, self.0) {
            (Kind::Add, _) => self.add(),
            (Kind::And, _) => self.and(),
            (Kind::Sub, false) => Instruction::I32Sub,
            (Kind::Sub, true) => Instruction::I64Sub,
            (Kind::Or, false) => Instruction::I32Or,
            (Kind::Or, true) => Instruction::I64Or,
            (Kind::Xor, false) => Instruction::I32Xor,
            (Kind::Xor, true) => Instruction::I64Xor,
            _ => unreachable!("{kind:?} computes nothing"),
        }
    }

    pub(super) fn load(&self, log2: u32, memarg: MemArg) -> Instruction<'static> {
        match (self.0, log2) {
            (false, 0) => Instruction::I32Load8U(memarg),
            (false, 1) => Instruction::I32Load16U(memarg),
            (false, _) => Instruction::I32Load(memarg),
            (true, 0) => Instruction::I64Load8U(memarg),
            (true, 1) => Instruction::I64Load16U(memarg),
            (true, 2) => Instruction::I64Load32U(memarg),
            (true, _) => Instruction::I64Load(memarg),
        }
    }

    pub(super) fn store(&self, log2: u32, memarg: MemArg) -> Instruction<'static> {
        match (self.0, log2) {
            (false, 0) => Instruction::I32Store8(memarg),
            (false, 1) => Instruction::I32Store16(memarg),
            (false, _) => Instruction::I32Store(memarg),
            (true, 0) => Instruction::I64Store8(memarg),
            (true, 1) => Instruction::I64Store16(memarg),
            (true, 2) => Instruction::I64Store32(memarg),
            (true, _) => Instruction::I64Store(memarg),
        }
    }
}
