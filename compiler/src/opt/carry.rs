//! Values that a loop uses are carried by the loop.
//!
//! The register allocator splits the range of a value at most twice, where it conflicts with others. A value
//! that is used all over a large function, as the base of memory is, conflicts with every call; it then lies
//! in the frame, and every use loads it anew, in the hottest loop as well. Here an innermost loop without
//! calls gets such values as parameters of its first block, which it passes on to itself: these have a range
//! of their own, which ends with the loop.
//!
//! **Invariant: a parameter has the value that it stands for on every way into its block.**

use cranelift_codegen::Context;
use cranelift_codegen::flowgraph::{BlockPredecessor, ControlFlowGraph};
use cranelift_codegen::ir::{Block, Function, Inst, Opcode, Value, ValueDef};
use cranelift_codegen::loop_analysis::{Loop, LoopAnalysis};
use cranelift_entity::{EntityRef, SecondaryMap};

/// Registers of each class that a loop's own values and those that it carries may take. The rest is for what
/// is computed in between.
const REGISTERS: usize = 11;

/// Lets the innermost loops of an optimised function carry what they use.
pub(super) fn run(context: &mut Context) {
    context.compute_loop_analysis();
    let Context { func, cfg, loop_analysis, .. } = context;
    for innermost in innermost_loops(func, loop_analysis) {
        let is_within = |block: Block| loop_analysis.innermost_loop(block) == Some(innermost.id);
        let carried = choose(func, &innermost, &is_within);
        if !carried.is_empty() {
            carry(func, cfg, &innermost, &is_within, &carried);
        }
    }
}

/// A loop that has neither loops nor calls inside.
struct Innermost {
    id: Loop,
    header: Block,
    blocks: Vec<Block>,
}

/// The innermost loops without calls.
fn innermost_loops(func: &Function, analysis: &LoopAnalysis) -> Vec<Innermost> {
    let mut blocks_of: SecondaryMap<Loop, Vec<Block>> = SecondaryMap::new();
    let mut is_excluded: SecondaryMap<Loop, bool> = SecondaryMap::new();
    for inner in analysis.loops() {
        if let Some(outer) = analysis.loop_parent(inner) {
            is_excluded[outer] = true;
        }
    }
    for block in func.layout.blocks() {
        let Some(innermost) = analysis.innermost_loop(block) else { continue };
        let mut opcodes = func.layout.block_insts(block).map(|inst| func.dfg.insts[inst].opcode());
        if !func.is_effectively_cold(block) && opcodes.any(|opcode| opcode.is_call()) {
            is_excluded[innermost] = true;
        }
        blocks_of[innermost].push(block);
    }
    analysis
        .loops()
        .filter(|&id| !is_excluded[id] && func.layout.entry_block() != Some(analysis.loop_header(id)))
        .map(|id| Innermost {
            id,
            header: analysis.loop_header(id),
            blocks: std::mem::take(&mut blocks_of[id]),
        })
        .collect()
}

/// What a loop should carry: values that are computed outside and used inside, the most used first, as far as
/// there are registers.
fn choose(func: &Function, innermost: &Innermost, is_within: &dyn Fn(Block) -> bool) -> Vec<Value> {
    let mut uses: Vec<Value> = Vec::new();
    for &block in innermost.blocks.iter().filter(|&&block| !func.is_effectively_cold(block)) {
        for inst in func.layout.block_insts(block) {
            uses.extend(func.dfg.inst_values(inst).filter(|&value| is_worthwhile(func, value, is_within)));
        }
    }
    uses.sort_unstable();
    let mut counts: Vec<(usize, Value)> =
        uses.chunk_by(|a, b| a == b).map(|same| (same.len(), same[0])).collect();
    counts.sort_by_key(|&(count, value)| (std::cmp::Reverse(count), value.index()));
    let mut left = [REGISTERS; 2];
    for &param in func.dfg.block_params(innermost.header) {
        let class = class(func, param);
        left[class] = left[class].saturating_sub(1);
    }
    let mut carried = Vec::new();
    for (_, value) in counts {
        let left = &mut left[class(func, value)];
        if *left > 0 {
            *left -= 1;
            carried.push(value);
        }
    }
    carried
}

/// The class of a value's register: general or vector.
fn class(func: &Function, value: Value) -> usize {
    usize::from(!func.dfg.value_type(value).is_int())
}

/// Whether a loop should carry a value: constants are made anew where they are used, and comparisons become
/// part of the branch that they decide.
fn is_worthwhile(func: &Function, value: Value, is_within: &dyn Fn(Block) -> bool) -> bool {
    let ty = func.dfg.value_type(value);
    if !ty.is_vector() && ty.bits() > 64 {
        return false;
    }
    match func.dfg.value_def(value) {
        ValueDef::Param(block, _) => !is_within(block),
        ValueDef::Result(inst, _) => {
            let is_repeated = matches!(
                func.dfg.insts[inst].opcode(),
                Opcode::Iconst
                    | Opcode::F32const
                    | Opcode::F64const
                    | Opcode::Vconst
                    | Opcode::Icmp
                    | Opcode::Fcmp
                    | Opcode::GetPinnedReg
            );
            !is_repeated && func.layout.inst_block(inst).is_some_and(|block| !is_within(block))
        }
        ValueDef::Union(..) => false,
    }
}

/// Makes values parameters of a loop's first block.
fn carry(
    func: &mut Function,
    cfg: &ControlFlowGraph,
    innermost: &Innermost,
    is_within: &dyn Fn(Block) -> bool,
    values: &[Value],
) {
    let header = innermost.header;
    let params: Vec<(Value, Value)> = values
        .iter()
        .map(|&value| {
            let ty = func.dfg.value_type(value);
            (value, func.dfg.append_block_param(header, ty))
        })
        .collect();
    let param_of = |value: Value| params.iter().find(|pair| pair.0 == value).map(|pair| pair.1);
    for &block in &innermost.blocks {
        let insts: Vec<Inst> = func.layout.block_insts(block).collect();
        for inst in insts {
            func.dfg.map_inst_values(inst, |value| param_of(value).unwrap_or(value));
        }
    }
    let mut branches: Vec<BlockPredecessor> = cfg.pred_iter(header).collect();
    branches.dedup_by_key(|branch| branch.inst);
    for BlockPredecessor { block, inst } in branches {
        let comes_back = is_within(block);
        let dfg = &mut func.dfg;
        let calls = dfg.insts[inst].branch_destination_mut(&mut dfg.jump_tables, &mut dfg.exception_tables);
        for call in calls {
            if call.block(&dfg.value_lists) != header {
                continue;
            }
            for &(value, param) in &params {
                call.append_argument(if comes_back { param } else { value }, &mut dfg.value_lists);
            }
        }
    }
}
