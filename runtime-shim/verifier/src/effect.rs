//! What an instruction changes, as the interpretation guesses where loops begin.
//!
//! A guess that is wrong costs time and proves nothing wrong, see [`crate::body`].

use crate::decode::{Form, gpr};
use crate::registers::{R15, RAX, RBP, RBX, RDX, RSP};
use iced_x86::{Instruction, OpKind, Register};

/// A set of general-purpose registers: a bit for each.
pub(crate) type Registers = u16;

/// What callees need not preserve.
const BY_CALL: Registers = !(bit(RSP) | bit(RBP) | bit(RBX) | bit(12) | bit(13) | bit(14) | bit(R15));

const fn bit(register: u8) -> Registers {
    1 << register
}

/// What an instruction changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) writes: Registers,
    /// Its first operand is in the frame, and it may write that.
    pub(crate) stores: bool,
}

impl Effect {
    /// The set of these registers.
    pub(crate) fn set(registers: [Register; 3]) -> Registers {
        registers.into_iter().filter_map(gpr).map(|(number, _)| bit(number)).fold(0, |all, one| all | one)
    }

    pub(crate) fn of(instruction: &Instruction, form: Form) -> Self {
        let register = |operand: u32| match instruction.op_kind(operand) {
            OpKind::Register => gpr(instruction.op_register(operand)).map_or(0, |(number, _)| bit(number)),
            _ => 0,
        };
        let reads_only = matches!(
            form,
            Form::Compare
                | Form::Test
                | Form::Flags
                | Form::AlignedFlags
                | Form::Push
                | Form::Nothing
                | Form::Trap
                | Form::Jump
                | Form::ConditionalJump
                | Form::Return
        );
        let writes = match form {
            _ if reads_only => 0,
            Form::Call => BY_CALL,
            Form::Wide | Form::Divide | Form::Sign => bit(RAX) | bit(RDX),
            Form::Two | Form::Exchange | Form::ExchangeAdd => register(0) | register(1),
            Form::CompareExchange => register(0) | bit(RAX),
            _ => register(0),
        };
        let in_frame = matches!(instruction.memory_base(), Register::RSP | Register::RBP);
        let stores = in_frame && instruction.op0_kind() == OpKind::Memory && !reads_only;
        Self { writes, stores }
    }
}
