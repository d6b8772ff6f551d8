//! Atomic operators, which the interpreter does not have: one thread cannot tell them from an ordinary load
//! and store, so it gets those.
//!
//! [`tame`] changes a generated module for both sides: three of four atomic operators get an address at which
//! they do not trap, and nothing waits. [`lower`] is the interpreter's form of that. Both set an operator's
//! operands aside, in locals behind the function's own. A trap of an atomic operator is `unreachable` to the
//! interpreter.

// Found from here also where another crate (`fuzz/`) names the path of this file.
#[path = "atomics/operators.rs"]
mod operators;

use crate::rewrite::{Facts, emit};
use operators::{Atomic, Ints, Kind, atomic};
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{BlockType, CodeSection, Instruction, MemArg, Module, ValType};
use wasmparser::{FunctionBody, MemArgTarget, Operator, Parser};

/// The locals that operands are set aside in: one for each of [`Places`]' fields, first as `i32`, then as
/// `i64`.
const SCRATCH: [(u32, ValType); 2] = [(4, ValType::I32), (4, ValType::I64)];

/// Where the operands of an operator are set aside.
struct Places {
    address: u32,
    operand: u32,
    replacement: u32,
    old: u32,
}

impl Places {
    /// Given the first added local, and which of address and value have 64 bits.
    fn new(added: u32, wide_address: bool, wide: bool) -> Self {
        let of = |wide: bool, place: u32| added + if wide { 4 } else { 0 } + place;
        Self {
            address: of(wide_address, 0),
            operand: of(wide, 1),
            replacement: of(wide, 2),
            old: of(wide, 3),
        }
    }

    /// Takes the operands off the stack; the time to wait is forgotten.
    fn set_aside(&self, kind: Kind) -> Vec<Instruction<'static>> {
        let mut out = match kind {
            Kind::Load => vec![],
            Kind::CompareExchange => {
                vec![Instruction::LocalSet(self.replacement), Instruction::LocalSet(self.operand)]
            }
            Kind::Wait => vec![Instruction::Drop, Instruction::LocalSet(self.operand)],
            _ => vec![Instruction::LocalSet(self.operand)],
        };
        out.push(Instruction::LocalSet(self.address));
        out
    }

    /// Puts the operands behind the address back on the stack. What waits, waits for no time.
    fn put_back(&self, kind: Kind) -> Vec<Instruction<'static>> {
        let operand = Instruction::LocalGet(self.operand);
        match kind {
            Kind::Load => vec![],
            Kind::CompareExchange => vec![operand, Instruction::LocalGet(self.replacement)],
            Kind::Wait => vec![operand, Instruction::I64Const(0)],
            _ => vec![operand],
        }
    }
}

/// Which of the two rewritings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aim {
    Tame,
    Lower,
}

/// Lets nothing wait, and three of four atomic operators access an aligned place in the first page. How many
/// there are.
pub(crate) fn tame(wasm: &[u8]) -> Result<(Vec<u8>, usize), Error> {
    rewrite(wasm, Aim::Tame)
}

/// Replaces atomic operators by those that they cannot be told from, and shared memories by others.
pub(crate) fn lower(wasm: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(rewrite(wasm, Aim::Lower)?.0)
}

fn rewrite(wasm: &[u8], aim: Aim) -> Result<(Vec<u8>, usize), Error> {
    let mut module = Module::new();
    let mut rewriter = Rewriter { facts: Facts::of(wasm)?, aim, bodies: 0, operators: 0, offsets: u64::MAX };
    rewriter.parse_core_module(&mut module, Parser::new(0), wasm)?;
    Ok((module.finish(), rewriter.operators))
}

struct Rewriter {
    facts: Facts,
    aim: Aim,
    /// Function bodies and atomic operators so far.
    bodies: usize,
    operators: usize,
    /// What is left of the static offsets.
    offsets: u64,
}

impl Rewriter {
    fn memory(&self, atomic: &Atomic) -> wasmparser::MemoryType {
        let MemArgTarget::Memory(index) = atomic.memarg.target else { unreachable!("there are no arrays") };
        self.facts.memories[index as usize]
    }

    /// An operator whose operands are on the stack, as it is to be.
    fn atomic<'a>(
        &mut self,
        added: u32,
        atomic: &Atomic,
        op: Operator<'a>,
    ) -> Result<Vec<Instruction<'a>>, Error> {
        self.operators += 1;
        let index = Ints(self.memory(atomic).memory64);
        let places = Places::new(added, index.0, atomic.wide);
        let mut out = places.set_aside(atomic.kind);
        match self.aim {
            Aim::Lower => out.extend(self.lowered(atomic, &index, &places)?),
            Aim::Tame => {
                out.push(Instruction::LocalGet(places.address));
                if !self.operators.is_multiple_of(4) {
                    out.extend([index.constant(0x7fff & !((1 << atomic.log2) - 1)), index.and()]);
                    self.offsets = 0x7ff8;
                }
                out.extend(places.put_back(atomic.kind));
                out.push(utils::instruction(self, op)?);
                self.offsets = u64::MAX;
            }
        }
        Ok(out)
    }

    /// What the interpreter does with operands that have been set aside.
    fn lowered(
        &mut self,
        atomic: &Atomic,
        index: &Ints,
        places: &Places,
    ) -> Result<Vec<Instruction<'static>>, Error> {
        use Instruction as I;
        let memarg = utils::mem_arg(self, atomic.memarg)?;
        let value = Ints(atomic.wide);
        let (address, operand, old) =
            (I::LocalGet(places.address), I::LocalGet(places.operand), I::LocalGet(places.old));
        let load = [address.clone(), value.load(atomic.log2, memarg)];
        let store = value.store(atomic.log2, memarg);
        let mask = (1 << atomic.log2) - 1;
        let aligned = [
            address.clone(),
            index.constant(memarg.offset & mask),
            index.add(),
            index.constant(mask),
            index.and(),
        ];
        let mut out = aligned.to_vec();
        out.extend([index.constant(0), index.differ(), I::If(BlockType::Empty), I::Unreachable, I::End]);
        match atomic.kind {
            Kind::Load => out.extend(load),
            Kind::Store => out.extend([address, operand, store]),
            Kind::Notify => out.extend(load.into_iter().chain([I::Drop, I::I32Const(0)])),
            Kind::Wait => {
                out.extend([I::I32Const(1), I::I32Const(2)]);
                out.extend(load.into_iter().chain([operand, value.differ(), I::Select]));
                if !self.memory(atomic).shared {
                    out.push(I::Unreachable);
                }
            }
            Kind::Exchange => {
                out.extend(load.into_iter().chain([I::LocalSet(places.old), address, operand, store, old]));
            }
            Kind::CompareExchange => {
                let low = value.constant(u64::MAX >> (64 - (8 << atomic.log2)));
                out.extend(load.into_iter().chain([
                    I::LocalTee(places.old),
                    operand,
                    low,
                    value.and(),
                    value.differ(),
                ]));
                out.extend([
                    I::If(BlockType::Empty),
                    I::Else,
                    address,
                    I::LocalGet(places.replacement),
                    store,
                    I::End,
                    old,
                ]);
            }
            kind => {
                out.extend(load.into_iter().chain([I::LocalSet(places.old), address, old.clone(), operand]));
                out.extend([value.change(kind), store, old]);
            }
        }
        Ok(out)
    }
}

impl Reencode for Rewriter {
    type Error = Infallible;

    fn memory_type(&mut self, ty: wasmparser::MemoryType) -> Result<wasm_encoder::MemoryType, Error> {
        let shared = ty.shared && self.aim == Aim::Tame;
        Ok(utils::memory_type(self, wasmparser::MemoryType { shared, ..ty }))
    }

    fn mem_arg(&mut self, arg: wasmparser::MemArg) -> Result<MemArg, Error> {
        utils::mem_arg(self, wasmparser::MemArg { offset: arg.offset & self.offsets, ..arg })
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), Error> {
        let (mut function, added) = self.facts.with_locals(self.bodies, &body, &SCRATCH)?;
        self.bodies += 1;
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let op = reader.read()?;
            match (atomic(&op), &op) {
                (Some(atomic), _) => emit(&mut function, self.atomic(added, &atomic, op)?),
                (None, Operator::AtomicFence { .. }) if self.aim == Aim::Lower => {}
                (None, _) => {
                    function.instruction(&utils::instruction(self, op)?);
                }
            }
        }
        code.function(&function);
        Ok(())
    }
}
