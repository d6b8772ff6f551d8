//! Locals: values of the function, or cells of its frame.
//!
//! As values they are what the code generator optimises. But the construction of such a form takes a
//! word for each pair of a local and a block, and a block may take each local as a parameter. Where a
//! function has too many of both, its locals lie in the frame, and translating it takes time and memory
//! in proportion to its body. **Invariant: where they lie depends on the body only.**

use super::cell::{Cells, Local};
use super::env::clif_type;
use super::translator::Translator;
use cranelift_codegen::ir::{InstBuilder, StackSlotData, StackSlotKind, Value, types};
use std::collections::HashSet;
use wasmaot_abi::types::ValType;
use wasmparser::{FunctionBody, Operator};

/// Pairs of a local and a block for which locals may be values. Each takes four bytes while the function
/// is translated.
const MAX_PAIRS: u64 = 1 << 26;

/// Whether the locals of a body with this many of them, parameters included, lie in the frame.
pub(super) fn lie_in_frame(body: &FunctionBody<'_>, locals: u64) -> bool {
    // No operator that makes a block is shorter than a byte, nor does one make more than three.
    let bytes = body.range().len() as u64;
    if locals * bytes * BLOCKS_PER_OPERATOR <= MAX_PAIRS {
        return false;
    }
    let (mut blocks, mut used) = (0, HashSet::new());
    let operators = body.get_operators_reader().expect("validated: the body can be read");
    for op in operators {
        let op = op.expect("validated: the operators can be read");
        if let Operator::LocalGet { local_index }
        | Operator::LocalSet { local_index }
        | Operator::LocalTee { local_index } = op
        {
            used.insert(local_index);
        }
        blocks += blocks_of(&op);
    }
    used.len() as u64 * blocks > MAX_PAIRS
}

/// The most blocks that an operator makes.
const BLOCKS_PER_OPERATOR: u64 = 3;

/// Blocks that an operator makes, as far as they come in numbers.
fn blocks_of(op: &Operator<'_>) -> u64 {
    use Operator as O;
    match op {
        O::If { .. } => BLOCKS_PER_OPERATOR,
        O::Loop { .. } | O::CallIndirect { .. } | O::Try { .. } => 2,
        O::Block { .. }
        | O::BrIf { .. }
        | O::BrTable { .. }
        | O::BrOnNull { .. }
        | O::BrOnNonNull { .. }
        | O::Call { .. }
        | O::CallRef { .. }
        | O::TryTable { .. }
        | O::Catch { .. }
        | O::CatchAll => 1,
        _ => 0,
    }
}

impl Translator<'_, '_> {
    /// Puts locals that are declared from here on into the frame.
    pub(super) fn use_cells(&mut self) {
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, 0, 4);
        self.cells = Some(Cells { slot: self.builder.create_sized_stack_slot(data), size: 0 });
    }

    /// Declares the next local.
    pub(super) fn declare_local(&mut self, ty: ValType, value: Value) {
        let ty = clif_type(ty);
        let local = match &mut self.cells {
            None => Local::Variable(self.builder.declare_var(ty)),
            Some(cells) => {
                let offset = cells.size.next_multiple_of(ty.bytes());
                cells.size = offset + ty.bytes();
                self.builder.func.sized_stack_slots[cells.slot].size = cells.size;
                Local::Cell { offset: offset as i32, ty }
            }
        };
        self.locals.push(local);
        self.extra_size += 1;
        self.write_local(local, value);
    }

    fn write_local(&mut self, local: Local, value: Value) {
        match (local, self.cells) {
            (Local::Variable(variable), _) => self.builder.def_var(variable, value),
            (Local::Cell { offset, .. }, Some(cells)) => {
                self.builder.ins().stack_store(types::I64, value, cells.slot, offset);
            }
            (Local::Cell { .. }, None) => unreachable!("there is a slot if there are cells"),
        }
    }

    pub(super) fn local_get(&mut self, index: u32) {
        let value = match (self.locals[index as usize], self.cells) {
            (Local::Variable(variable), _) => self.builder.use_var(variable),
            (Local::Cell { offset, ty }, Some(cells)) => {
                self.builder.ins().stack_load(types::I64, ty, cells.slot, offset)
            }
            (Local::Cell { .. }, None) => unreachable!("there is a slot if there are cells"),
        };
        self.push(value);
    }

    pub(super) fn local_set(&mut self, index: u32) {
        let value = self.pop();
        self.write_local(self.locals[index as usize], value);
    }

    pub(super) fn local_tee(&mut self, index: u32) {
        let value = self.pop();
        self.push(value);
        self.write_local(self.locals[index as usize], value);
    }
}
