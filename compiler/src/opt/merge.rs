//! Blocks that can only follow one another become one.
//!
//! WebAssembly's `end` begins a block even where no branch leads there. The code generator's optimiser leaves
//! such blocks apart, and puts an operation in the block that asks for its result: all that a function
//! computes may so end up behind everything that it loads.
//!
//! **Invariant: only a block with one predecessor, which ends in a jump to it, is merged**, so the order of
//! instructions is the one in which they are executed.

use cranelift_codegen::Context;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::{Block, Function, InstructionData, Opcode, Value};

/// Merges the blocks of a translated function.
pub(super) fn run(context: &mut Context) {
    context.compute_cfg();
    let Context { func, cfg, .. } = context;
    let mut next = func.layout.entry_block();
    while let Some(block) = next {
        while let Some(follower) = follower(func, cfg, block) {
            merge(func, block, follower);
        }
        next = func.layout.next_block(block);
    }
    // It is of the function as it was.
    cfg.clear();
}

/// The block that can only follow this one, and has no other before it.
fn follower(func: &Function, cfg: &ControlFlowGraph, block: Block) -> Option<Block> {
    let last = func.layout.last_inst(block)?;
    let InstructionData::Jump { opcode: Opcode::Jump, destination } = func.dfg.insts[last] else {
        return None;
    };
    let follower = destination.block(&func.dfg.value_lists);
    let is_only_way = cfg.pred_iter(follower).nth(1).is_none();
    let is_alike = func.layout.is_cold(block) == func.layout.is_cold(follower);
    (is_only_way && is_alike && follower != block).then_some(follower)
}

/// Appends a block's instructions to those of the one before it.
fn merge(func: &mut Function, block: Block, follower: Block) {
    let Some(jump) = func.layout.last_inst(block) else { return };
    let InstructionData::Jump { destination, .. } = func.dfg.insts[jump] else { return };
    let args: Vec<Value> = destination.args(&func.dfg.value_lists).filter_map(|arg| arg.as_value()).collect();
    let params = func.dfg.detach_block_params(follower);
    for (index, arg) in args.into_iter().enumerate() {
        let param = params.get(index, &func.dfg.value_lists).expect("an argument for each parameter");
        func.dfg.change_to_alias(param, arg);
    }
    func.layout.remove_inst(jump);
    while let Some(inst) = func.layout.first_inst(follower) {
        func.layout.remove_inst(inst);
        func.layout.append_inst(inst, block);
    }
    func.layout.remove_block(follower);
}
