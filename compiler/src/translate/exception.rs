//! Exceptions: throwing them, and the calls that may be passed by one.
//!
//! A call inside a `try_table` (or a legacy `try`, see [`legacy`]) is a CLIF `try_call`, which
//! names the landing blocks of all clauses around it, innermost first, up to one that catches all.
//! A landing block gets the exception's index and the address of its values, and is shared by all
//! calls of its region. Nothing is executed on entry to a region, on leaving it, or around a call
//! that returns.
//!
//! **Invariants.** Clauses of a call are in the order in which they are tried, none behind one that catches
//! everything. A landing block reads the values before it does anything else: they are gone when something
//! else is thrown.

mod legacy;

use super::env::clif_type;
use super::frame::{FrameKind, Region, RegionClause, RegionId};
use super::tally::Tally;
use super::thunk::{shared_cells, store_values};
use super::translator::Translator;
use super::trap;
use crate::index::TagIndex;
use cranelift_codegen::ir::{
    self, Block, BlockArg, BlockCall, ExceptionTableData, ExceptionTableItem, ExceptionTag, InstBuilder,
    MemFlagsData, SigRef, Value, types,
};
use std::collections::HashSet;
use std::rc::Rc;
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::entry::VALUE;
use wasmaot_abi::exception::Clause;
use wasmaot_abi::trap::TrapCode;
use wasmparser::{Catch, TryTable};

/// What a call goes to.
#[derive(Clone, Copy)]
pub(super) enum Callee {
    /// A function of this module.
    Function(ir::FuncRef),
    /// An address.
    Address(Value),
}

fn clause(catch: &Catch) -> (Clause, u32) {
    match *catch {
        Catch::One { tag, label } => (Clause { tag: Some(tag), keeps: false }, label),
        Catch::OneRef { tag, label } => (Clause { tag: Some(tag), keeps: true }, label),
        Catch::All { label } => (Clause { tag: None, keeps: false }, label),
        Catch::AllRef { label } => (Clause { tag: None, keeps: true }, label),
    }
}

impl Translator<'_, '_> {
    /// Begins a region around the current one.
    fn open_region(&mut self, clauses: impl IntoIterator<Item = Clause>) -> RegionId {
        let clauses: Vec<_> =
            clauses.into_iter().map(|clause| RegionClause { clause, landing: None }).collect();
        let visible: Rc<[_]> = self.visible(&clauses).into();
        self.extra_size += visible.len() as u64;
        self.regions.push(Region { outer: self.region(), clauses, visible });
        self.regions.len() - 1
    }

    /// What is visible in a region of these clauses that is opened next.
    fn visible(&self, own: &[RegionClause]) -> Vec<(RegionId, usize)> {
        let (id, mut tags, mut visible) = (self.regions.len(), HashSet::new(), Vec::new());
        for (index, RegionClause { clause, .. }) in own.iter().enumerate() {
            if tags.insert(clause.tag) {
                visible.push((id, index));
            }
            if clause.tag.is_none() {
                return visible;
            }
        }
        let around = self.region().map(|region| self.regions[region].visible.clone()).unwrap_or_default();
        let is_new = |&&(region, index): &&(RegionId, usize)| {
            let Region { clauses, .. } = &self.regions[region];
            !tags.contains(&clauses[index].clause.tag)
        };
        visible.extend(around.iter().filter(is_new));
        visible
    }

    pub(super) fn try_table(&mut self, table: &TryTable) {
        if self.skip_frame() {
            return;
        }
        let (clauses, labels): (Vec<_>, Vec<_>) = table.catches.iter().map(clause).unzip();
        let region = self.open_region(clauses);
        self.push_frame_in_region(FrameKind::TryTable { region, labels }, table.ty, Some(region));
    }

    /// Writes the landing blocks of a `try_table` that has ended. Labels count from the frame around it.
    pub(super) fn land_try_table(&mut self, region: RegionId, labels: &[u32]) {
        for (index, &label) in labels.iter().enumerate() {
            let RegionClause { clause, landing } = self.regions[region].clauses[index];
            let Some(landing) = landing else { continue };
            let (exception, mut values) = self.land(landing, clause.tag.map(TagIndex::from));
            if clause.keeps {
                values.push(exception);
            }
            let height = self.stack.len();
            self.stack.extend(values);
            self.br(label);
            self.stack.truncate(height);
        }
    }

    /// Continues in a landing block, which all calls of its region know by now. Gives the exception, and its
    /// values if it is of a known tag.
    fn land(&mut self, landing: Block, tag: Option<TagIndex>) -> (Value, Vec<Value>) {
        self.builder.seal_block(landing);
        self.builder.switch_to_block(landing);
        self.set_tally(Tally::default());
        let [exception, cells] = *self.builder.block_params(landing) else {
            unreachable!("a landing block has two parameters")
        };
        let types = tag.map(|tag| self.env.module.tag_values(tag));
        let values =
            types.unwrap_or_default().iter().zip((0..).step_by(VALUE as usize)).map(|(&ty, offset)| {
                self.builder.ins().load(clif_type(ty), MemFlagsData::trusted(), cells, offset)
            });
        let values = values.collect();
        (self.builder.ins().ireduce(types::I32, exception), values)
    }

    /// The clauses around the current position, in the order in which they are tried, with their landing
    /// blocks.
    fn handlers(&mut self) -> Vec<(Clause, Block)> {
        let Some(region) = self.region() else { return Vec::new() };
        let visible = self.regions[region].visible.clone();
        visible.iter().map(|&(region, index)| self.handler(region, index)).collect()
    }

    /// A clause, with its landing block, which is made for the first call that needs it.
    fn handler(&mut self, region: RegionId, index: usize) -> (Clause, Block) {
        let RegionClause { clause, landing } = &mut self.regions[region].clauses[index];
        let builder = &mut self.builder;
        let landing = *landing.get_or_insert_with(|| {
            let landing = builder.create_block();
            builder.append_block_param(landing, types::I64);
            builder.append_block_param(landing, types::I64);
            builder.set_cold_block(landing);
            landing
        });
        (*clause, landing)
    }

    /// Calls a function and pushes its results.
    pub(super) fn call_and_push(&mut self, callee: Callee, signature: SigRef, args: &[Value]) {
        let handlers = self.handlers();
        if handlers.is_empty() {
            let call = match callee {
                Callee::Function(func) => self.builder.ins().call(func, args),
                Callee::Address(code) => self.builder.ins().call_indirect(signature, code, args),
            };
            return self.push_results(call);
        }
        let results: Vec<_> = self.builder.func.dfg.signatures[signature]
            .returns
            .iter()
            .map(|result| result.value_type)
            .collect();
        let next = self.builder.create_block();
        for &ty in &results {
            self.builder.append_block_param(next, ty);
        }
        let context = Some(self.vmctx);
        self.try_call(callee, signature, args, (next, results.len()), context, &handlers);
        self.builder.seal_block(next);
        self.continue_in(next);
    }

    /// A call that goes on in a block with its results, or lands in one of the handlers' blocks.
    fn try_call(
        &mut self,
        callee: Callee,
        signature: SigRef,
        args: &[Value],
        (next, results): (Block, usize),
        context: Option<Value>,
        handlers: &[(Clause, Block)],
    ) {
        let returned: Vec<BlockArg> = (0..results as u32).map(BlockArg::TryCallRet).collect();
        let next = self.builder.func.dfg.block_call(next, &returned);
        let landings: Vec<(ExceptionTag, BlockCall)> = handlers
            .iter()
            .map(|&(clause, landing)| {
                let payload = [BlockArg::TryCallExn(0), BlockArg::TryCallExn(1)];
                (
                    ExceptionTag::from_u32(clause.to_word()),
                    self.builder.func.dfg.block_call(landing, &payload),
                )
            })
            .collect();
        let landings = landings.into_iter().map(|(tag, landing)| ExceptionTableItem::Tag(tag, landing));
        let items = context.map(ExceptionTableItem::Context).into_iter().chain(landings);
        let table =
            self.builder.func.dfg.exception_tables.push(ExceptionTableData::new(signature, next, items));
        match callee {
            Callee::Function(func) => self.builder.ins().try_call(func, args, table),
            Callee::Address(code) => self.builder.ins().try_call_indirect(code, args, table),
        };
    }

    pub(super) fn throw(&mut self, tag: TagIndex) {
        let count = self.env.module.tag_values(tag).len();
        let values = self.stack.split_off(self.stack.len() - count);
        let cells = self.thrown_cells(count as u32);
        store_values(&mut self.builder, cells, &values);
        let tag = self.const64(tag.as_u32().into());
        self.call_throwing(Builtin::Throw, &[tag, cells]);
    }

    pub(super) fn throw_ref(&mut self) {
        let exception = self.pop();
        self.throw_again(exception);
    }

    /// Throws an exception that there is a reference to.
    fn throw_again(&mut self, exception: Value) {
        let exception = self.extend(exception);
        self.call_throwing(Builtin::ThrowRef, &[exception]);
    }

    /// The address of this many cells for values to be thrown. All throws of a function share them.
    fn thrown_cells(&mut self, count: u32) -> Value {
        if count == 0 {
            return self.const64(0);
        }
        let slot = shared_cells(&mut self.builder, &mut self.thrown, count);
        self.builder.ins().stack_addr(types::I64, slot, 0)
    }

    /// Calls a builtin that does not return but lands. It knows the vmctx of this frame, which so need not be
    /// noted.
    fn call_throwing(&mut self, builtin: Builtin, operands: &[Value]) {
        let (signature, code, args) = self.builtin_callee(builtin, &[], operands);
        let handlers = self.handlers();
        if handlers.is_empty() {
            self.builder.ins().call_indirect(signature, code, &args);
        } else {
            let next = self.builder.create_block();
            self.builder.set_cold_block(next);
            self.try_call(Callee::Address(code), signature, &args, (next, 0), None, &handlers);
            self.builder.seal_block(next);
            self.builder.switch_to_block(next);
        }
        self.builder.ins().trap(trap::of(TrapCode::Unreachable));
        self.reachable = false;
    }
}
