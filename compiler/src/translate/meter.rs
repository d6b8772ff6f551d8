//! Metering: compiled code counts the operators that it executes, in the register that Cranelift can keep for
//! one purpose.
//!
//! Every operator counts one when it begins, but for those that only delimit (`block`, `loop`, `else`, `end`,
//! `try_table`, `try`, `catch`, `catch_all`, `delegate`) and `nop`. So the count is a property of the program
//! and its input, whatever the optimiser makes of it. Operators in a row are charged together, by one
//! addition, where the row has to end: at calls, at the end of the function, and where a loop begins its next
//! round. A label continues the row of the first branch to it; other ways to it charge, or take back,
//! the difference. The meter is compared with zero where a row ends, and within rows that become too long.
//!
//! **Invariants.** At every position the meter lacks a number of operators that does not depend on the way
//! there, [`Tally::uncharged`]. It lacks none where other code is called or returned to, so that callees and
//! the host see exact counts. At no position more than [`MAX_ROW`] operators were executed since the meter
//! was compared. What an operator that traps leaves uncharged is noted for the runtime, which adds it. An
//! operator whose translation calls a builtin has to be listed in [`calls`], as nothing else notices.

use super::tally::Tally;
use super::translator::Translator;
use super::trap;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, TrapCode as ClifTrap, Value, types};
use wasmaot_abi::meter::MAX_ROW;
use wasmaot_abi::trap::TrapCode;
use wasmparser::Operator;

/// What an operator counts.
fn cost(op: &Operator<'_>) -> u8 {
    use Operator as O;
    match op {
        O::Nop
        | O::Block { .. }
        | O::Loop { .. }
        | O::Else
        | O::End
        | O::TryTable { .. }
        | O::Try { .. }
        | O::Catch { .. }
        | O::CatchAll
        | O::Delegate { .. } => 0,
        _ => 1,
    }
}

/// Whether other code is called.
fn calls(op: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        op,
        O::Call { .. }
            | O::CallIndirect { .. }
            | O::CallRef { .. }
            | O::ReturnCall { .. }
            | O::ReturnCallIndirect { .. }
            | O::ReturnCallRef { .. }
            | O::Throw { .. }
            | O::ThrowRef
            | O::Rethrow { .. }
            | O::MemoryGrow { .. }
            | O::MemoryFill { .. }
            | O::MemoryCopy { .. }
            | O::MemoryInit { .. }
            | O::DataDrop { .. }
            | O::TableGrow { .. }
            | O::TableFill { .. }
            | O::TableCopy { .. }
            | O::TableInit { .. }
            | O::ElemDrop { .. }
            | O::MemoryAtomicWait32 { .. }
            | O::MemoryAtomicWait64 { .. }
            | O::MemoryAtomicNotify { .. }
    )
}

impl Translator<'_, '_> {
    /// Counts an operator that is translated next.
    pub(super) fn count(&mut self, op: &Operator<'_>, offset: usize) {
        let Some(meter) = self.meter.as_mut().filter(|_| self.reachable) else { return };
        meter.now.uncharged += cost(op);
        meter.now.unchecked += cost(op);
        if meter.now.unchecked == MAX_ROW || calls(op) {
            self.settle();
        } else if matches!(op, Operator::Unreachable) {
            // The code generator may merge a block that only traps into the branch before it, whose row is
            // another.
            self.charge();
        } else if meter.now.uncharged > 0 {
            meter.rows.push((offset as u32, meter.now.uncharged));
        }
    }

    /// How the count stands here. Where nothing is counted, nothing is ever to be charged.
    pub(super) fn tally(&self) -> Tally {
        self.meter.as_ref().map_or(Tally::default(), |meter| meter.now)
    }

    /// Continues where the count stands so.
    pub(super) fn set_tally(&mut self, tally: Tally) {
        if let Some(meter) = &mut self.meter {
            meter.now = tally;
        }
    }

    /// Ends the row: charges it, and compares the meter.
    pub(super) fn settle(&mut self) {
        let Tally { uncharged, unchecked } = self.tally();
        if unchecked > 0 {
            let charged = self.adjust(i16::from(uncharged));
            let count = charged.unwrap_or_else(|| self.builder.ins().get_pinned_reg(types::I64));
            let exhausted = self.builder.ins().icmp_imm_s(IntCC::SignedGreaterThan, count, 0);
            self.builder.ins().trapnz(exhausted, trap::of(TrapCode::OutOfFuel));
            self.set_tally(Tally::default());
        }
    }

    /// Charges the row.
    fn charge(&mut self) {
        let Tally { uncharged, unchecked } = self.tally();
        self.adjust(i16::from(uncharged));
        self.set_tally(Tally { uncharged: 0, unchecked });
    }

    /// Adds to the meter, and gives what it shows then; nothing if there is nothing to add.
    pub(super) fn adjust(&mut self, operators: i16) -> Option<Value> {
        if operators == 0 {
            return None;
        }
        let count = self.builder.ins().get_pinned_reg(types::I64);
        let count = self.builder.ins().iadd_imm_s(count, i64::from(operators));
        self.builder.ins().set_pinned_reg(count);
        Some(count)
    }

    /// The trap code of an access of memory at this position. It says what is uncharged, because an access
    /// may become part of another operator's instruction.
    pub(super) fn access_trap(&self) -> ClifTrap {
        trap::of_access(self.tally().uncharged)
    }

    /// What the whole function leaves uncharged, operator by operator.
    pub(super) fn take_rows(&mut self) -> Vec<(u32, u8)> {
        self.meter.take().map_or_else(Vec::new, |meter| meter.rows)
    }
}
