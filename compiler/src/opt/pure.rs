//! Which operations have no effect.

use cranelift_codegen::ir::{Function, Inst, InstructionData, Opcode};

/// Whether an instruction may be executed wherever its operands are known: it has one result, and neither
/// reads what may change, writes, traps nor branches.
pub(super) fn is_pure(func: &Function, inst: Inst) -> bool {
    let data = &func.dfg.insts[inst];
    let opcode = data.opcode();
    if let InstructionData::Load { opcode: Opcode::Load, flags, .. } = *data {
        let flags = func.dfg.mem_flags[flags];
        return flags.readonly() && flags.notrap() && flags.can_move();
    }
    !(opcode.can_load()
        || opcode.can_store()
        || opcode.can_trap()
        || opcode.is_call()
        || opcode.is_branch()
        || opcode.is_terminator()
        || opcode.other_side_effects())
        && func.dfg.inst_results(inst).len() == 1
}
