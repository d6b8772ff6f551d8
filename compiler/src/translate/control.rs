//! Blocks and branches.
//!
//! Each Wasm label is a CLIF block whose parameters are the label's operands. Code that cannot be reached is
//! not translated: only its nesting is followed. **Invariant: the operand stack is as high at a frame's `end`
//! as the frame says**, because an unreachable end resets it.

use super::env::clif_type;
use super::frame::{Frame, FrameKind, RegionId};
use super::translator::Translator;
use super::trap;
use cranelift_codegen::ir::{self, Block, BlockArg, InstBuilder, JumpTableData, Value};
use std::collections::{BTreeMap, HashMap};
use wasmaot_abi::trap::TrapCode;
use wasmaot_abi::types::ValType;
use wasmparser::{BlockType, BrTable};

/// A block of its own on the way of a branch to a label, because something is added to the meter
/// there or several entries of a table share it.
struct Edge {
    block: Block,
    adjustment: i16,
    label: Block,
    args: Vec<BlockArg>,
}

/// Labels up to which a table of branches lists them, and not blocks on the way to them.
const MAX_LISTED: usize = 256;

impl Translator<'_, '_> {
    pub(super) fn push_function_frame(&mut self, results: &[ValType]) {
        let end = self.block_with_params(results);
        self.push_frame(FrameKind::Block, end, 0, results.len());
    }

    fn push_frame(&mut self, kind: FrameKind, end: Block, params: usize, results: usize) {
        let loops = self.loops() + u32::from(matches!(kind, FrameKind::Loop { .. }));
        self.control.push(Frame {
            kind,
            end,
            loops,
            height: self.stack.len() - params,
            results,
            end_is_used: false,
            end_tally: None,
            entered: self.reachable,
            region: self.region(),
            caught: None,
        });
    }

    pub(super) fn push_frame_in_region(&mut self, kind: FrameKind, ty: BlockType, region: Option<RegionId>) {
        let (params, results) = self.signature_of(ty);
        let end = self.block_with_params(&results);
        self.push_frame(kind, end, params.len(), results.len());
        self.control.last_mut().expect("just pushed").region = region;
    }

    /// Loops around the current position.
    pub(super) fn loops(&self) -> u32 {
        self.control.last().map_or(0, |frame| frame.loops)
    }

    /// Where exceptions go that are thrown at the current position.
    pub(super) fn region(&self) -> Option<RegionId> {
        self.control.last()?.region
    }

    fn frame(&self, depth: u32) -> &Frame {
        &self.control[self.control.len() - 1 - depth as usize]
    }

    /// Where exceptions go that are thrown in a label's frame.
    pub(super) fn region_of(&self, depth: u32) -> Option<RegionId> {
        self.frame(depth).region
    }

    /// The exception that the clause of a label has caught.
    pub(super) fn caught(&self, depth: u32) -> Option<Value> {
        self.frame(depth).caught
    }

    fn block_with_params(&mut self, types: &[ValType]) -> Block {
        let block = self.builder.create_block();
        for &ty in types {
            self.builder.append_block_param(block, clif_type(ty));
        }
        block
    }

    fn signature_of(&self, ty: BlockType) -> (Vec<ValType>, Vec<ValType>) {
        match ty {
            BlockType::Empty => (Vec::new(), Vec::new()),
            BlockType::Type(ty) => (Vec::new(), vec![self.env.module.surveyed_type(ty)]),
            BlockType::FuncType(index) => {
                let ty = &self.env.module.types[self.env.module.type_map[index.into()]];
                (ty.params.clone(), ty.results.clone())
            }
        }
    }

    pub(super) fn block(&mut self, ty: BlockType) {
        if !self.skip_frame() {
            self.push_frame_in_region(FrameKind::Block, ty, self.region());
        }
    }

    pub(super) fn loop_(&mut self, ty: BlockType) {
        if self.skip_frame() {
            return;
        }
        self.settle();
        let (params, results) = self.signature_of(ty);
        let header = self.block_with_params(&params);
        let end = self.block_with_params(&results);
        let args = self.top_args(params.len());
        self.builder.ins().jump(header, &args);
        self.push_frame(FrameKind::Loop { header, params: params.len() }, end, params.len(), results.len());
        self.stack.truncate(self.stack.len() - params.len());
        self.continue_in(header);
    }

    pub(super) fn if_(&mut self, ty: BlockType) {
        if self.skip_frame() {
            return;
        }
        let condition = self.pop();
        let (params, results) = self.signature_of(ty);
        let end = self.block_with_params(&results);
        let (then_block, else_block) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(condition, then_block, &[], else_block, &[]);
        let saved = self.stack[self.stack.len() - params.len()..].to_vec();
        self.extra_size += saved.len() as u64;
        let kind = FrameKind::If { else_block, params: saved, tally: self.tally() };
        self.push_frame(kind, end, params.len(), results.len());
        self.builder.seal_block(then_block);
        self.builder.seal_block(else_block);
        self.builder.switch_to_block(then_block);
    }

    /// Opens a frame in code that cannot be reached, of which only the end matters.
    pub(super) fn skip_frame(&mut self) -> bool {
        if !self.reachable {
            let nowhere = self.control.last().expect("inside the function").end;
            self.push_frame(FrameKind::Block, nowhere, 0, 0);
        }
        !self.reachable
    }

    pub(super) fn else_(&mut self) {
        let frame = self.control.last().expect("validated: an if is open");
        if !frame.entered {
            return;
        }
        let height = frame.height;
        if self.reachable {
            self.jump_to_end();
        }
        let frame = self.control.last_mut().expect("validated: an if is open");
        let FrameKind::If { else_block, params, tally } = std::mem::replace(&mut frame.kind, FrameKind::Else)
        else {
            unreachable!("validated: else follows if");
        };
        self.stack.truncate(height);
        self.stack.extend(params);
        self.builder.switch_to_block(else_block);
        self.set_tally(tally);
        self.reachable = true;
    }

    pub(super) fn end(&mut self) {
        let frame = self.control.last().expect("validated: a frame is open");
        if !frame.entered {
            self.control.pop();
            return;
        }
        if self.reachable {
            self.jump_to_end();
        }
        let mut frame = self.control.pop().expect("validated: a frame is open");
        self.stack.truncate(frame.height);
        match frame.kind {
            FrameKind::Loop { header, .. } => self.builder.seal_block(header),
            // No `else`: the parameters are the results.
            FrameKind::If { else_block, params, tally } => {
                self.builder.switch_to_block(else_block);
                self.adjust(tally.join(&mut frame.end_tally));
                let args: Vec<BlockArg> = params.into_iter().map(BlockArg::from).collect();
                self.builder.ins().jump(frame.end, &args);
                frame.end_is_used = true;
            }
            FrameKind::TryTable { region, labels } => self.land_try_table(region, &labels),
            FrameKind::Block | FrameKind::Else | FrameKind::Try { .. } => {}
        }
        self.reachable = frame.end_is_used;
        if self.reachable {
            self.set_tally(frame.end_tally.unwrap_or_default());
            self.builder.seal_block(frame.end);
            self.continue_in(frame.end);
        }
        if self.control.is_empty() && self.reachable {
            self.return_results();
        }
    }

    fn return_results(&mut self) {
        self.settle();
        let results = std::mem::take(&mut self.stack);
        self.builder.ins().return_(&results);
        self.reachable = false;
    }

    /// Continues in a block, its parameters on top of the stack.
    pub(super) fn continue_in(&mut self, block: Block) {
        self.builder.switch_to_block(block);
        self.stack.extend_from_slice(self.builder.block_params(block));
    }

    fn top_args(&self, count: usize) -> Vec<BlockArg> {
        self.stack[self.stack.len() - count..].iter().copied().map(BlockArg::from).collect()
    }

    /// A branch from here to a label: where it goes, with its operands, and what is to be added to the meter
    /// on the way. Notes that the label is used. A loop's next round begins with nothing left to be charged.
    fn branch(&mut self, depth: u32) -> (Block, Vec<BlockArg>, i16) {
        let tally = self.tally();
        let index = self.control.len() - 1 - depth as usize;
        let frame = &mut self.control[index];
        let (block, count, adjustment) = match frame.kind {
            FrameKind::Loop { header, params } => (header, params, 0),
            _ => {
                frame.end_is_used = true;
                (frame.end, frame.results, tally.join(&mut frame.end_tally))
            }
        };
        (block, self.top_args(count), adjustment)
    }

    /// Settles the count before a branch that may lead to the next round of a loop.
    fn settle_before(&mut self, depth: u32) {
        if matches!(self.frame(depth).kind, FrameKind::Loop { .. }) {
            self.settle();
        }
    }

    /// Falls through to the end of the innermost frame.
    pub(super) fn jump_to_end(&mut self) {
        let tally = self.tally();
        let frame = self.control.last_mut().expect("a frame is open");
        frame.end_is_used = true;
        let (end, results, adjustment) = (frame.end, frame.results, tally.join(&mut frame.end_tally));
        self.adjust(adjustment);
        let args = self.top_args(results);
        self.builder.ins().jump(end, &args);
    }

    pub(super) fn br(&mut self, depth: u32) {
        self.settle_before(depth);
        let (block, args, adjustment) = self.branch(depth);
        self.adjust(adjustment);
        self.builder.ins().jump(block, &args);
        self.reachable = false;
    }

    pub(super) fn br_if(&mut self, depth: u32) {
        let condition = self.pop();
        self.branch_if(condition, depth);
    }

    /// Branches to a label if a value is not 0, and goes on if it is.
    pub(super) fn branch_if(&mut self, condition: Value, depth: u32) {
        self.settle_before(depth);
        let mut edges = Vec::new();
        let (block, args) = self.edge(depth, &mut edges);
        let next = self.builder.create_block();
        self.builder.ins().brif(condition, block, &args, next, &[]);
        self.write_edges(edges);
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
    }

    /// Where a conditional branch goes: to the label, or to a block of its own where something is added to
    /// the meter.
    fn edge(&mut self, depth: u32, edges: &mut Vec<Edge>) -> (Block, Vec<BlockArg>) {
        let (label, args, adjustment) = self.branch(depth);
        if adjustment == 0 {
            return (label, args);
        }
        let block = self.builder.create_block();
        edges.push(Edge { block, adjustment, label, args });
        (block, Vec::new())
    }

    /// Writes the blocks of edges, when the branch to them is there.
    fn write_edges(&mut self, edges: Vec<Edge>) {
        for Edge { block, adjustment, label, args } in edges {
            self.builder.seal_block(block);
            self.builder.switch_to_block(block);
            self.adjust(adjustment);
            self.builder.ins().jump(label, &args);
        }
    }

    pub(super) fn br_table(&mut self, targets: &BrTable<'_>) {
        let index = self.pop();
        let depths = targets.targets().map(|depth| depth.expect("validated: the targets can be read"));
        let depths: Vec<u32> = depths.chain([targets.default()]).collect();
        let mut edges = Vec::new();
        let mut calls = self.table_entries(&depths, &mut edges);
        let default = calls.pop().expect("the default comes last");
        let table = self.builder.create_jump_table(JumpTableData::new(default, &calls));
        self.builder.ins().br_table(index, table);
        self.write_edges(edges);
        self.reachable = false;
    }

    /// Where the entries of a table go. Several entries for one label go through a block that
    /// passes its operands, those that locals will turn out to be included: code grows with the
    /// number of labels, not of entries. Where there are many labels, each is reached so: the construction of
    /// values looks through a whole table for each operand of a label that it lists.
    fn table_entries(&mut self, depths: &[u32], edges: &mut Vec<Edge>) -> Vec<ir::BlockCall> {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        depths.iter().for_each(|&depth| *counts.entry(depth).or_default() += 1);
        counts.keys().for_each(|&depth| self.settle_before(depth));
        let mut shared: HashMap<u32, Block> = HashMap::new();
        let entries = depths.iter().map(|&depth| {
            let (block, args) = match counts[&depth] {
                1 if counts.len() <= MAX_LISTED => self.edge(depth, edges),
                _ => (*shared.entry(depth).or_insert_with(|| self.split_edge(depth, edges)), Vec::new()),
            };
            self.builder.func.dfg.block_call(block, &args)
        });
        entries.collect()
    }

    /// A block that goes on to a label.
    fn split_edge(&mut self, depth: u32, edges: &mut Vec<Edge>) -> Block {
        let (label, args, adjustment) = self.branch(depth);
        let block = self.builder.create_block();
        edges.push(Edge { block, adjustment, label, args });
        block
    }

    pub(super) fn return_(&mut self) {
        self.br(self.control.len() as u32 - 1);
    }

    pub(super) fn unreachable(&mut self) {
        self.builder.ins().trap(trap::of(TrapCode::Unreachable));
        self.reachable = false;
    }

    pub(super) fn select(&mut self) {
        let (if_true, if_false, condition) = self.pop3();
        let value = self.builder.ins().select(condition, if_true, if_false);
        self.push(value);
    }
}
