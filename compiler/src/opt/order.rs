//! The order of operations within a block, after the code generator's own optimiser.
//!
//! That optimiser does an operation without effects where the first one asks for its result. So a block that
//! loads many values and adds them up may load all of them before it adds the first, and the register
//! allocator has to spill what it has no registers for. Here an operation is done as soon as it frees as many
//! registers as it takes; the others are done when something needs them, those first that take the fewest.
//!
//! **Invariant: what has an effect stays where it is among its kind**, so that traps, stores, calls and the
//! meter are as they were; operations without effects only move within their block, and never before their
//! operands.

use super::pure::is_pure;
use cranelift_codegen::ir::{Block, Function, Inst, Opcode, Value};
use cranelift_entity::SecondaryMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Orders all blocks of an optimised function.
pub(super) fn run(func: &mut Function) {
    let homes = homes(func);
    let (mut scratch, mut next) = (Scratch::default(), func.layout.entry_block());
    while let Some(block) = next {
        let order = Schedule::new(func, block, &homes, &mut scratch).run();
        if !order.iter().copied().eq(func.layout.block_insts(block)) {
            for &inst in &order {
                func.layout.remove_inst(inst);
                func.layout.append_inst(inst, block);
            }
        }
        next = func.layout.next_block(block);
    }
}

/// Where a value is defined and used.
#[derive(Clone, Copy, Default, PartialEq)]
enum Home {
    #[default]
    Nowhere,
    Within(Block),
    Several,
}

/// The block that all of a value's uses and its definition are in, if there is one.
fn homes(func: &Function) -> SecondaryMap<Value, Home> {
    let mut homes: SecondaryMap<Value, Home> = SecondaryMap::new();
    for block in func.layout.blocks() {
        let mut note = |value: Value| {
            homes[value] = match homes[value] {
                Home::Nowhere => Home::Within(block),
                Home::Within(other) if other == block => Home::Within(block),
                _ => Home::Several,
            };
        };
        func.dfg.block_params(block).iter().for_each(|&param| note(param));
        for inst in func.layout.block_insts(block) {
            func.dfg.inst_results(inst).iter().for_each(|&result| note(result));
            func.dfg.inst_values(inst).for_each(&mut note);
        }
    }
    homes
}

/// The place of an instruction in its block before it is ordered.
type Place = usize;

/// Maps that are kept from block to block. Entries of other blocks' instructions and values are stale.
#[derive(Default)]
struct Scratch {
    place: SecondaryMap<Inst, u32>,
    local: SecondaryMap<Value, u32>,
}

/// An instruction of the block.
struct Item {
    inst: Inst,
    is_pure: bool,
    /// Operands, by position in the list of values that are home in the block.
    operands: Vec<usize>,
    /// Instructions of the block that define operands.
    after: Vec<Place>,
    /// Instructions of the block that use the result.
    users: Vec<Place>,
    /// How many of `after` are still to come.
    waits_for: usize,
    /// Registers that it takes at least.
    takes: i32,
    is_needed: bool,
    is_done: bool,
}

/// A value that is home in the block.
#[derive(Default)]
struct Local {
    users: Vec<Place>,
    /// How many of them are still to come.
    left: usize,
}

/// Instructions without effects that can be done next, those first that take the fewest registers. An
/// instruction may be there several times.
type Candidates = BinaryHeap<Reverse<(i32, Place)>>;

/// The work on a block.
struct Schedule {
    items: Vec<Item>,
    locals: Vec<Local>,
    /// That take no register.
    relieving: Candidates,
    /// That the next instruction with an effect needs.
    needed: Candidates,
    order: Vec<Inst>,
}

impl Schedule {
    fn new(func: &Function, block: Block, homes: &SecondaryMap<Value, Home>, scratch: &mut Scratch) -> Self {
        let mut this = Self {
            items: Vec::new(),
            locals: Vec::new(),
            relieving: Candidates::new(),
            needed: Candidates::new(),
            order: Vec::new(),
        };
        for inst in func.layout.block_insts(block) {
            this.add(func, inst, block, homes, scratch);
        }
        this
    }

    /// Adds the next instruction.
    fn add(
        &mut self,
        func: &Function,
        inst: Inst,
        block: Block,
        homes: &SecondaryMap<Value, Home>,
        scratch: &mut Scratch,
    ) {
        let place = self.items.len();
        scratch.place[inst] = place as u32;
        let (mut operands, mut after): (Vec<usize>, Vec<Place>) = (Vec::new(), Vec::new());
        for value in func.dfg.inst_values(inst) {
            let definition = func.dfg.value_def(value).inst();
            let definition = definition.filter(|&inst| func.layout.inst_block(inst) == Some(block));
            if let Some(definition) = definition {
                after.push(scratch.place[definition] as Place);
            }
            if homes[value] == Home::Within(block) && !definition.is_some_and(|inst| is_constant(func, inst))
            {
                operands.push(self.local(value, scratch));
            }
        }
        if func.dfg.insts[inst].opcode().is_terminator() {
            // Other blocks may use the result of any instruction.
            after.extend(0..place);
        }
        for list in [&mut operands, &mut after] {
            list.sort_unstable();
            list.dedup();
        }
        operands.iter().for_each(|&operand| self.locals[operand].users.push(place));
        operands.iter().for_each(|&operand| self.locals[operand].left += 1);
        after.iter().for_each(|&before| self.items[before].users.push(place));
        self.items.push(Item {
            inst,
            is_pure: is_pure(func, inst),
            waits_for: after.len(),
            operands,
            after,
            users: Vec::new(),
            takes: i32::from(!is_constant(func, inst)),
            is_needed: false,
            is_done: false,
        });
    }

    /// The position of a value in the list of those that are home in the block.
    fn local(&mut self, value: Value, scratch: &mut Scratch) -> usize {
        // Zero is for none.
        let known = scratch.local[value] as usize;
        if known == 0 {
            self.locals.push(Local::default());
            scratch.local[value] = self.locals.len() as u32;
            return self.locals.len() - 1;
        }
        known - 1
    }

    /// The order of the block's instructions.
    fn run(mut self) -> Vec<Inst> {
        for place in 0..self.items.len() {
            if self.items[place].is_pure {
                self.offer(place);
            }
        }
        for place in 0..self.items.len() {
            if !self.items[place].is_pure {
                self.relieve();
                self.reach(place);
            }
        }
        debug_assert_eq!(self.order.len(), self.items.len());
        self.order
    }

    /// Does what takes no registers.
    fn relieve(&mut self) {
        while let Some(Reverse((_, place))) = self.relieving.pop() {
            if !self.items[place].is_done {
                self.emit(place);
            }
        }
    }

    /// Does an instruction with an effect, and before it what it needs.
    fn reach(&mut self, place: Place) {
        self.need(place);
        while self.items[place].waits_for > 0 {
            let Some(Reverse((takes, next))) = self.needed.pop() else {
                unreachable!("operands are instructions that come before")
            };
            if !self.items[next].is_done && self.takes(next) == takes {
                self.emit(next);
                self.relieve();
            }
        }
        self.emit(place);
    }

    /// Marks the instructions that one waits for. The terminator waits for all.
    fn need(&mut self, place: Place) {
        let mut stack = vec![place];
        while let Some(place) = stack.pop() {
            if std::mem::replace(&mut self.items[place].is_needed, true) || self.items[place].is_done {
                continue;
            }
            stack.extend(&self.items[place].after);
            if self.items[place].is_pure {
                self.offer(place);
            }
        }
    }

    /// Registers that an instruction takes now, beyond those that it frees.
    fn takes(&self, place: Place) -> i32 {
        let item = &self.items[place];
        let frees = item.operands.iter().filter(|&&operand| self.locals[operand].left == 1).count();
        item.takes - frees as i32
    }

    /// Makes an instruction a candidate, if it is one.
    fn offer(&mut self, place: Place) {
        let item = &self.items[place];
        if item.is_done || !item.is_pure || item.waits_for > 0 {
            return;
        }
        let (is_needed, takes) = (item.is_needed, self.takes(place));
        if is_needed {
            self.needed.push(Reverse((takes, place)));
        }
        if takes <= 0 && self.items[place].takes > 0 {
            self.relieving.push(Reverse((takes, place)));
        }
    }

    fn emit(&mut self, place: Place) {
        self.items[place].is_done = true;
        self.order.push(self.items[place].inst);
        for user in std::mem::take(&mut self.items[place].users) {
            self.items[user].waits_for -= 1;
            self.offer(user);
        }
        for operand in std::mem::take(&mut self.items[place].operands) {
            self.locals[operand].left -= 1;
            if self.locals[operand].left == 1 {
                let users = &self.locals[operand].users;
                if let Some(&last) = users.iter().find(|&&user| !self.items[user].is_done) {
                    self.offer(last);
                }
            }
        }
    }
}

fn is_constant(func: &Function, inst: Inst) -> bool {
    matches!(
        func.dfg.insts[inst].opcode(),
        Opcode::Iconst | Opcode::F32const | Opcode::F64const | Opcode::Vconst
    )
}
