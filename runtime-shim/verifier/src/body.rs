//! The interpretation of one function: from its entry to a fixed point.
//!
//! Code is decoded as control reaches it. States are kept where a branch leads; a place is visited again whenever the state there becomes weaker.
//! Every check is made at every visit: what fails in a stronger state fails in the weaker one that the place ends with, too. When
//! nothing changes any more, all bytes that no instruction, jump table or constant took have to be padding.
//!
//! **Invariants.** A byte is of one instruction, or data, never both. An instruction's successors are all that its execution can lead to,
//! and each is an instruction of the function. Kept states take at most [`STATE_BYTES`] per byte of code, and visits are bounded likewise.

use crate::decode::{Form, decode, memory_bytes};
use crate::lattice::{Kind, NO_NAME, Name, Val};
use crate::module::Module;
use crate::reject::{Problem, Property, ensure, problem};
use crate::signature::Signature;
use crate::state::State;
use iced_x86::{Instruction, OpKind};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use wasmaot_abi::code::CodeRange;
use wasmaot_abi::descriptor::FuncEntry;

/// Bytes of kept states for each byte of code, beside a fixed amount for small functions.
const STATE_BYTES: usize = 48;
const STATE_BASE: usize = 1 << 20;

/// Visits of instructions for each byte of code, beside a fixed number.
const VISITS: u64 = 64;
const VISITS_BASE: u64 = 1 << 16;

/// What a byte of the function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Nothing,
    Code,
    Data,
}

/// Not an instruction's start.
const NONE: u32 = u32::MAX;

struct Decoded {
    instruction: Instruction,
    form: Form,
    /// Whether a state is kept before it.
    leader: bool,
    /// Whether it was executed before.
    visited: bool,
}

/// A function under examination.
pub(crate) struct Body<'m, 'a> {
    pub(crate) module: &'m Module<'a>,
    pub(crate) checks: &'m mut Checks,
    pub(crate) range: CodeRange,
    pub(crate) signature: Signature,
    /// Where the stack ends that belongs to the function: parameters included.
    pub(crate) stack_end: i32,
    /// Bytes of the cells that the function was given.
    pub(crate) area: u32,
    /// The instruction that is executed.
    pub(crate) at: u32,
    current: u32,
    decoded: Vec<Decoded>,
    /// By offset from the function's start.
    starts: Vec<u32>,
    uses: Vec<Use>,
    kept: Vec<Option<Box<State>>>,
    kept_bytes: usize,
    /// Instructions whose kept state has to be propagated, by offset.
    dirty: BinaryHeap<Reverse<u32>>,
    pending: Vec<bool>,
    visits: u64,
    /// The current instruction faults whenever it is executed.
    pub(crate) faults: bool,
    /// Where instructions branch to.
    branches: Vec<u32>,
    /// The state before the current instruction, for messages.
    pub(crate) last: Option<State>,
}

/// What is checked of the whole module while functions are examined.
#[derive(Default)]
pub(crate) struct Checks {
    /// Of each constant table, by file offset, up to which entry it was checked.
    pub(crate) constant_tables: std::collections::BTreeMap<u32, u32>,
    /// Sites of the exception table that are calls.
    pub(crate) sites: std::collections::BTreeSet<u32>,
}

/// Where control goes from an instruction.
pub(crate) enum Flow {
    /// To the next one.
    Next,
    /// Nowhere.
    Stop,
    /// To another one.
    Jump(u32),
    /// To another one, in another state, or to the next one. `None` if it cannot.
    Branch(u32, Option<Box<State>>),
    /// To another one in another state, and never to the next one.
    Only(u32, Box<State>),
    /// To one of several.
    Switch(Vec<u32>),
}

impl<'m, 'a> Body<'m, 'a> {
    pub(crate) fn new(
        module: &'m Module<'a>,
        checks: &'m mut Checks,
        range: CodeRange,
        signature: Signature,
        area: u32,
    ) -> Self {
        let length = range.length as usize;
        Self {
            module,
            checks,
            range,
            stack_end: 8 + signature.stack as i32,
            signature,
            area,
            at: range.start,
            current: 0,
            decoded: Vec::with_capacity(length / 4),
            starts: vec![NONE; length],
            uses: vec![Use::Nothing; length],
            kept: Vec::new(),
            kept_bytes: 0,
            dirty: BinaryHeap::new(),
            pending: Vec::new(),
            visits: 0,
            faults: false,
            branches: Vec::new(),
            last: None,
        }
    }

    /// Proves the function, from the state at its entry.
    pub(crate) fn prove(&mut self, entry: State) -> Result<(), Problem> {
        self.enter(self.range.start, &entry)?;
        while let Some(Reverse(at)) = self.dirty.pop() {
            let index = self.index(at)?;
            self.pending[index as usize] = false;
            let state = self.kept[index as usize].clone();
            if let Some(state) = state {
                self.run(index, *state)?;
            }
        }
        self.decode_unreached()?;
        self.check_padding()
    }

    fn index(&self, at: u32) -> Result<u32, Problem> {
        let index = at.checked_sub(self.range.start).and_then(|offset| self.starts.get(offset as usize));
        match index {
            Some(&index) if index != NONE => Ok(index),
            _ => problem(
                Property::Control,
                format!("control reaches {at:#x}, which is no instruction of the function"),
            ),
        }
    }

    /// Decodes from a place on, as far as control can get without a branch.
    fn decode_from(&mut self, mut at: u32) -> Result<(), Problem> {
        let end = self.range.end();
        loop {
            ensure(
                (self.range.start..end).contains(&at),
                Property::Control,
                format_args!("control leaves the function to {at:#x} without a call"),
            )?;
            let offset = (at - self.range.start) as usize;
            if self.starts[offset] != NONE {
                return Ok(());
            }
            self.at = at;
            let (instruction, form) = decode(self.module.text, at, end)?;
            let bytes = offset..offset + instruction.len();
            let free = self.uses[bytes.clone()].iter().all(|&used| used == Use::Nothing);
            ensure(
                free,
                Property::Control,
                format_args!("{at:#x} is inside of another instruction, or data"),
            )?;
            self.uses[bytes].fill(Use::Code);
            self.starts[offset] = self.decoded.len() as u32;
            self.decoded.push(Decoded { instruction, form, leader: false, visited: false });
            self.kept.push(None);
            self.pending.push(false);
            self.note_references(&instruction, form)?;
            if matches!(form, Form::Jump | Form::Return | Form::Trap) {
                return Ok(());
            }
            at += instruction.len() as u32;
        }
    }

    /// Notes what an instruction refers to: constants, and where it may branch.
    fn note_references(&mut self, instruction: &Instruction, form: Form) -> Result<(), Problem> {
        if matches!(form, Form::Jump | Form::ConditionalJump)
            && instruction.op0_kind() == OpKind::NearBranch64
        {
            let target = u32::try_from(instruction.near_branch_target()).ok();
            self.branches
                .extend(target.filter(|target| (self.range.start..self.range.end()).contains(target)));
        }
        if form == Form::Call
            && let Some(site) = self.module.exceptions.lookup(instruction.next_ip() as u32)
        {
            self.checks.sites.insert(instruction.next_ip() as u32);
            let inside = |landing: &u32| (self.range.start..self.range.end()).contains(landing);
            self.branches.extend(site.handlers().map(|handler| handler.landing).filter(inside));
        }
        if form != Form::Lea && instruction.is_ip_rel_memory_operand() {
            let at = u32::try_from(instruction.ip_rel_memory_address()).ok();
            let bytes = memory_bytes(instruction.memory_size());
            if let Some(at) = at.filter(|&at| self.is_data(at, bytes)) {
                self.mark_data(at, bytes)?;
            }
        }
        Ok(())
    }

    /// Decodes what branches lead to that control does not reach: their conditions cannot hold, or nothing reaches them either.
    fn decode_unreached(&mut self) -> Result<(), Problem> {
        while let Some(target) = self.branches.pop() {
            self.decode_from(target)?;
        }
        Ok(())
    }

    /// Notes that control reaches a place in a state.
    pub(crate) fn enter(&mut self, target: u32, state: &State) -> Result<(), Problem> {
        let here = self.at;
        self.decode_from(target)?;
        self.at = here;
        let index = self.index(target)? as usize;
        if !std::mem::replace(&mut self.decoded[index].leader, true) && self.decoded[index].visited {
            // It was passed without a state being kept: whoever passed it has to come again.
            self.revisit_before(target);
        }
        let changed = match &mut self.kept[index] {
            Some(kept) => {
                let before = size_of_state(kept);
                let changed = kept.join(self.module, state);
                self.kept_bytes -= before - size_of_state(kept).min(before);
                changed
            }
            none => {
                let mut state = Box::new(state.clone());
                state.words.shrink_to_fit();
                self.kept_bytes += size_of_state(&state);
                *none = Some(state);
                true
            }
        };
        let limit = STATE_BASE + STATE_BYTES * self.range.length as usize;
        ensure(
            self.kept_bytes <= limit,
            Property::Limits,
            "its states take more memory than its size allows",
        )?;
        if changed && !std::mem::replace(&mut self.pending[index], true) {
            self.dirty.push(Reverse(target));
        }
        Ok(())
    }

    /// Has the last place before another one be visited again that a state is kept of.
    fn revisit_before(&mut self, target: u32) {
        let offsets = (0..target - self.range.start).rev();
        let starts = offsets.map(|offset| self.starts[offset as usize]).filter(|&index| index != NONE);
        let before = starts.map(|index| index as usize).find(|&index| self.decoded[index].leader);
        if let Some(index) = before
            && self.kept[index].is_some()
            && !std::mem::replace(&mut self.pending[index], true)
        {
            let at = self.decoded[index].instruction.ip() as u32;
            self.dirty.push(Reverse(at));
        }
    }

    /// Executes from an instruction on, until a state is kept or control goes nowhere.
    fn run(&mut self, mut index: u32, mut state: State) -> Result<(), Problem> {
        loop {
            self.visits += 1;
            let limit = VISITS_BASE + VISITS * u64::from(self.range.length);
            ensure(self.visits <= limit, Property::Limits, "it takes more steps than its size allows")?;
            let Decoded { instruction, form, .. } = self.decoded[index as usize];
            (self.at, self.current) = (instruction.ip() as u32, index);
            let next = instruction.next_ip() as u32;
            if let Some(after) = self.probe_loop(&mut state) {
                self.decoded[index as usize].visited = true;
                self.decode_from(after)?;
                index = self.index(after)?;
                continue;
            }
            let flow = match self.execute(&mut state, &instruction, form) {
                Ok(flow) => flow,
                Err(problem) => {
                    self.last = Some(state);
                    return Err(problem);
                }
            };
            self.decoded[index as usize].visited = true;
            let goes_on = match flow {
                Flow::Stop => false,
                Flow::Next => true,
                Flow::Jump(target) => {
                    self.enter(target, &state)?;
                    false
                }
                Flow::Branch(target, taken) => {
                    if let Some(taken) = taken {
                        self.enter(target, &taken)?;
                    }
                    true
                }
                Flow::Only(target, taken) => {
                    self.enter(target, &taken)?;
                    false
                }
                Flow::Switch(targets) => {
                    for target in targets {
                        self.enter(target, &state)?;
                    }
                    false
                }
            };
            if !goes_on {
                return Ok(());
            }
            index = self.index(next)?;
            if self.decoded[index as usize].leader {
                return self.enter(next, &state);
            }
        }
    }

    /// The name that the current instruction gives, by position among those that it gives. Another value that has it loses it.
    pub(crate) fn new_name(&mut self, state: &mut State, position: u32) -> Name {
        let name = self.current * 16 + position + 1;
        if self.decoded[self.current as usize].visited {
            state.forget_name(name);
        }
        name
    }

    /// What a register holds, with a name.
    pub(crate) fn named(&mut self, state: &mut State, register: u8, position: u32) -> Val {
        let value = state.reg(register);
        if value.name != NO_NAME || matches!(value.kind, Kind::Stack(_) | Kind::Vmctx) {
            return value;
        }
        let name = self.new_name(state, position);
        // Forgetting the name may have weakened the value.
        let value = Val { name, ..state.reg(register) };
        state.set(register, value);
        value
    }

    /// The instruction at an index, if it is decoded.
    pub(crate) fn decoded_at(&self, at: u32) -> Option<(Instruction, Form)> {
        let decoded = &self.decoded[self.index(at).ok()? as usize];
        Some((decoded.instruction, decoded.form))
    }

    /// Whether control gets to a place otherwise than from the instruction before it.
    pub(crate) fn is_leader(&self, at: u32) -> bool {
        self.index(at).is_ok_and(|index| self.decoded[index as usize].leader)
    }

    /// Notes that bytes of the function are data.
    pub(crate) fn mark_data(&mut self, at: u32, bytes: u32) -> Result<(), Problem> {
        let start = (at - self.range.start) as usize;
        let bytes = &mut self.uses[start..start + bytes as usize];
        ensure(
            bytes.iter().all(|&used| used != Use::Code),
            Property::Control,
            format_args!("{at:#x} is both an instruction and data"),
        )?;
        bytes.fill(Use::Data);
        Ok(())
    }

    /// What is neither code nor data has to be zero, or jumps that nothing leads to: the code generator leaves some behind. Behind
    /// the last instruction are constants, some of which only unreached code may refer to.
    fn check_padding(&mut self) -> Result<(), Problem> {
        let start = self.range.start as usize;
        let mut offset = 0;
        let end = self.uses.iter().rposition(|&used| used == Use::Code).unwrap_or(0);
        while offset < end {
            if self.uses[offset] != Use::Nothing || self.module.text[start + offset] == 0 {
                offset += 1;
                continue;
            }
            self.at = self.range.start + offset as u32;
            if let Some(next) = self.unreached_table(offset)? {
                offset = next;
                continue;
            }
            let (instruction, form) = decode(self.module.text, self.at, self.range.end())?;
            let next = offset + instruction.len();
            let is_jump = form == Form::Jump
                && instruction.op0_kind() == OpKind::NearBranch64
                && u32::try_from(instruction.near_branch_target())
                    .is_ok_and(|target| self.index(target).is_ok());
            let is_free = self.uses[offset..next].iter().all(|&used| used == Use::Nothing);
            ensure(is_jump && is_free, Property::Control, "nothing leads here, and it is no padding")?;
            offset = next;
        }
        Ok(())
    }

    /// The end of a jump table that lies behind a jump that is never executed.
    fn unreached_table(&mut self, start: usize) -> Result<Option<usize>, Problem> {
        let before = self.starts[..start].iter().rev().find(|&&index| index != NONE);
        let Some(jump) = before.map(|&index| &self.decoded[index as usize]) else { return Ok(None) };
        let ends_here = jump.instruction.next_ip() == u64::from(self.at);
        let is_jump = jump.form == Form::Jump && jump.instruction.op0_kind() == OpKind::Register;
        if !ends_here || !is_jump || jump.visited {
            return Ok(None);
        }
        let mut end = start;
        while let Some(uses) = self.uses.get(end..end + 4)
            && uses.iter().all(|&used| used == Use::Nothing)
        {
            let entry = self.module.text[self.range.start as usize + end..].first_chunk();
            let target = entry.and_then(|entry| self.at.checked_add_signed(i32::from_le_bytes(*entry)));
            let inside = target.filter(|target| (self.range.start..self.range.end()).contains(target));
            let Some(target) = inside else { break };
            self.uses[end..end + 4].fill(Use::Data);
            self.branches.push(target);
            end += 4;
        }
        let here = self.at;
        self.decode_unreached()?;
        self.at = here;
        Ok((end > start).then_some(end))
    }

    /// The current instruction may fault at a small address, or trap.
    pub(crate) fn may_fault(&self, what: &str) -> Result<(), Problem> {
        ensure(
            self.module.traps.lookup(self.at).is_some(),
            Property::Faults,
            format_args!("it may trap ({what}), and is not in the trap table"),
        )
    }

    /// The function entry at a position.
    pub(crate) fn entry(&self, entry: u32) -> Result<&'m FuncEntry, Problem> {
        let found = self.module.descriptor.entries.get(entry as usize);
        found.ok_or(Problem { property: Property::Calls, text: "there is no such function entry".into() })
    }
}

fn size_of_state(state: &State) -> usize {
    size_of::<State>() + size_of_val(&*state.words)
}
