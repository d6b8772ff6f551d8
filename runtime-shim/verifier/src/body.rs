//! The interpretation of one function: from its entry to a fixed point.
//!
//! States are kept where a branch leads; a place is executed again whenever the state there becomes weaker.
//! Every check is made at every execution: what fails in a stronger state fails in the weaker one that the
//! place ends with, too.
//!
//! Where a loop begins, the state is made weaker at once, by what the loop seems to change, so that most
//! loops are executed once. That is a guess, and a state that is too weak proves nothing wrong; a function
//! that is not proven with it is examined again without.
//!
//! **Invariants.** Of each execution of the code, the state before an instruction is described by one that
//! the instruction was executed in here. An instruction's successors are all that its execution can lead to,
//! and each is an instruction of the function. All that is kept takes at most [`BYTES`] per byte of code, and
//! there are at most [`VISITS`], beside fixed amounts.

use crate::balance::Balance;
use crate::code::{Code, NO_STATE};
use crate::lattice::{Kind, MAX32, NO_NAME, Name, Val};
use crate::module::Module;
use crate::registers::{R15, RBP, RBX, RSP};
use crate::reject::{Problem, Property, ensure, problem};
use crate::rows::Rows;
use crate::signature::Signature;
use crate::state::{Flags, NAMES, State};
use iced_x86::Register;
use std::collections::BTreeSet;
use wasmaot_abi::code::CodeRange;
use wasmaot_abi::descriptor::FuncEntry;

/// Bytes of memory for each byte of code, and beside that for each function under examination.
pub(crate) const BYTES: usize = 64;
pub(crate) const BYTES_BASE: usize = 1 << 20;

/// Executions of instructions for each byte of code, and beside that.
const VISITS: u64 = 64;
const VISITS_BASE: u64 = 1 << 16;

/// Words of the stack that are looked at in the time of one execution.
const WORDS: u64 = 64;

/// Code bytes per tracked stack word, and the number of tracked words added to that. Writes to further words
/// are allowed, but their values are unknown.
const BYTES_PER_WORD: usize = 16;
const WORDS_BASE: usize = 1 << 10;

/// A function under examination.
pub(crate) struct Body<'m, 'a> {
    pub(crate) module: &'m Module<'a>,
    pub(crate) checks: &'m mut Checks,
    pub(crate) range: CodeRange,
    pub(crate) signature: &'m Signature,
    /// Where the stack ends that belongs to the function: parameters included.
    pub(crate) stack_end: i32,
    /// Bytes of the cells that the function was given.
    pub(crate) area: u32,
    /// The instruction that is executed.
    pub(crate) at: u32,
    current: u32,
    pub(crate) code: Code,
    /// States before instructions to which branches lead.
    states: Rows<State, 64>,
    /// Those of the states that are not in use.
    free: Vec<u32>,
    state_bytes: usize,
    /// Instructions whose state has changed, by address.
    dirty: BTreeSet<u32>,
    visits: u64,
    /// Whether to guess what loops change.
    guesses: bool,
    /// The current instruction faults whenever it is executed.
    pub(crate) faults: bool,
    /// Space for a state.
    pub(crate) scratch: Option<Box<State>>,
    /// The state before the current instruction, for messages.
    pub(crate) last: Option<State>,
}

/// What is checked of the whole module while functions are examined.
#[derive(Default)]
pub(crate) struct Checks {
    /// Of each constant table, by file offset, up to which entry it was checked.
    pub(crate) constant_tables: std::collections::BTreeMap<u32, u32>,
}

/// Where control goes from an instruction.
pub(crate) enum Flow {
    /// To the next one.
    Next,
    /// Nowhere, or where a state was passed to already.
    Stop,
    /// To another one.
    Jump(u32),
    /// To one of several.
    Switch(Vec<u32>),
}

impl<'m, 'a> Body<'m, 'a> {
    pub(crate) fn new(
        module: &'m Module<'a>,
        checks: &'m mut Checks,
        range: CodeRange,
        signature: &'m Signature,
        area: u32,
        guesses: bool,
    ) -> Self {
        Self {
            module,
            checks,
            range,
            stack_end: 8 + signature.stack as i32,
            signature,
            area,
            at: range.start,
            current: 0,
            code: Code::new(range),
            states: Rows::new(),
            free: Vec::new(),
            state_bytes: 0,
            dirty: BTreeSet::new(),
            visits: 0,
            guesses,
            faults: false,
            scratch: None,
            last: None,
        }
    }

    /// Proves the function, from the state at its entry.
    pub(crate) fn prove(&mut self, entry: &State) -> Result<(), Problem> {
        let index = self.instruction_at(self.range.start)?;
        self.keep(index, entry, entry.balance)?;
        self.dirty.insert(self.range.start);
        let mut state = self.new_state();
        let mut at = self.range.start;
        while let Some(next) = self.next_dirty(at) {
            at = next;
            let index = self.code.index(at).unwrap_or_default();
            let decoded = &mut self.code.decoded[index as usize];
            let kept = &mut self.states[decoded.state as usize];
            if decoded.shared {
                state.copy(kept);
            } else {
                self.state_bytes -= kept.bytes();
                std::mem::swap(&mut state, kept);
                self.state_bytes += kept.bytes();
                self.free.push(std::mem::replace(&mut decoded.state, NO_STATE));
            }
            let run = self.run(index, &mut state);
            if run.is_err() {
                self.last = Some(state);
                return run;
            }
        }
        self.code.check_padding(self.module, &mut self.at)
    }

    /// The next instruction to be executed: forward through the function first, so that all of a loop is
    /// executed before it begins again.
    fn next_dirty(&mut self, last: u32) -> Option<u32> {
        let next = self.dirty.range(last..).next().or_else(|| self.dirty.first()).copied()?;
        self.dirty.remove(&next);
        Some(next)
    }

    /// Notes that control reaches a place in a state.
    pub(crate) fn enter(&mut self, target: u32, state: &State) -> Result<(), Problem> {
        let index = self.instruction_at(target)?;
        let balance = self.balance_at(target, state.balance)?;
        let decoded = &mut self.code.decoded[index as usize];
        decoded.leader = true;
        let changed = match self.states.get_mut(decoded.state as usize) {
            Some(kept) => {
                let joined = kept.balance.join(balance);
                let is_weaker = joined != kept.balance;
                kept.balance = joined;
                kept.join(self.module, state) || is_weaker
            }
            None => {
                self.keep(index, state, balance)?;
                true
            }
        };
        if changed {
            self.dirty.insert(target);
        }
        Ok(())
    }

    /// As [`Body::enter`], of where a jump table leads.
    fn enter_all(&mut self, targets: &[u32], state: &State) -> Result<(), Problem> {
        for &target in targets {
            let index = self.instruction_at(target)?;
            self.code.decoded[index as usize].shared = true;
            self.enter(target, state)?;
        }
        Ok(())
    }

    /// The instruction to which control gets, which is decoded now if nothing was known to lead to it.
    fn instruction_at(&mut self, target: u32) -> Result<u32, Problem> {
        if let Some(index) = self.code.index(target) {
            return Ok(index);
        }
        let here = self.at;
        let index = self.code.decode(self.module, target, &mut self.at)?;
        self.at = here;
        self.check_limit()?;
        Ok(index)
    }

    /// Keeps a state before an instruction that has none.
    fn keep(&mut self, index: u32, state: &State, balance: Balance) -> Result<(), Problem> {
        let slot = match self.free.pop() {
            Some(slot) => slot as usize,
            None => {
                let state = self.new_state();
                self.state_bytes += state.bytes();
                self.states.push(state);
                self.states.len() - 1
            }
        };
        let decoded = &mut self.code.decoded[index as usize];
        decoded.state = slot as u32;
        let at = decoded.instruction.ip() as u32;
        let kept = &mut self.states[slot];
        self.state_bytes -= kept.bytes();
        kept.copy(state);
        (kept.flags, kept.balance) = (Flags::Unknown, balance);
        if self.module.is_metered() {
            kept.forget_meters();
        }
        if self.guesses {
            weaken(&mut self.code, kept, at);
        }
        self.state_bytes += kept.bytes();
        self.check_limit()
    }

    fn check_limit(&self) -> Result<(), Problem> {
        let bytes = self.code.bytes() + self.state_bytes;
        ensure(
            bytes <= BYTES_BASE + BYTES * self.range.length as usize,
            Property::Limits,
            "its proof takes more memory than its size allows",
        )
    }

    /// Executes from an instruction on, until a state is kept or control goes nowhere.
    fn run(&mut self, mut index: u32, state: &mut State) -> Result<(), Problem> {
        let limit = VISITS_BASE + VISITS * u64::from(self.range.length);
        loop {
            self.visits += 1 + state.words.len() as u64 / WORDS;
            ensure(self.visits <= limit, Property::Limits, "it takes more steps than its size allows")?;
            let decoded = &mut self.code.decoded[index as usize];
            let (instruction, form) = (decoded.instruction, decoded.form);
            let again = std::mem::replace(&mut decoded.visited, true);
            (self.at, self.current) = (instruction.ip() as u32, index);
            if again {
                state.forget_names(index * NAMES + 1..=index * NAMES + NAMES);
            }
            let next = match self.probe_loop(state, &instruction, form) {
                Some(after) => after,
                None => match self.execute(state, &instruction, form)? {
                    Flow::Next => instruction.next_ip() as u32,
                    Flow::Stop => return Ok(()),
                    Flow::Jump(target) => return self.enter(target, state),
                    Flow::Switch(targets) => {
                        return self.enter_all(&targets, state);
                    }
                },
            };
            // Control was decoded as far as it gets without a branch.
            let Some(following) = self.code.index(next) else {
                return problem(Property::Control, format!("control reaches {next:#x}, which is no code"));
            };
            if self.code.decoded[following as usize].leader {
                return self.enter(next, state);
            }
            index = following;
        }
    }

    /// The name that the current instruction gives, by position among those that it gives. No value has it
    /// when the instruction begins.
    pub(crate) fn new_name(&mut self, state: &mut State, position: u32) -> Name {
        let name = self.current * NAMES + position + 1;
        state.note_name(name);
        name
    }

    /// What a register holds, with a name.
    pub(crate) fn named(&mut self, state: &mut State, register: u8, position: u32) -> Val {
        let value = state.reg(register);
        if value.name != NO_NAME || !value.kind.may_be_refined() {
            return value;
        }
        let value = Val { name: self.new_name(state, position), ..value };
        state.set(register, value);
        value
    }

    /// Whether control gets to a place otherwise than from the instruction before it.
    pub(crate) fn is_leader(&self, at: u32) -> bool {
        self.code.at(at).is_some_and(|decoded| decoded.leader)
    }

    /// A state that keeps as many words as the function may have.
    pub(crate) fn new_state(&self) -> State {
        State::new(WORDS_BASE + self.range.length as usize / BYTES_PER_WORD)
    }

    /// Space for a state, to be given back as `scratch`.
    pub(crate) fn take_scratch(&mut self) -> Box<State> {
        self.scratch.take().unwrap_or_else(|| Box::new(self.new_state()))
    }

    /// The function entry at a position.
    pub(crate) fn entry(&self, entry: u32) -> Result<&'m FuncEntry, Problem> {
        let found = self.module.descriptor.entries.get(entry as usize);
        found.map_or_else(|| problem(Property::Calls, "there is no such function entry"), Ok)
    }
}

/// Whether callees preserve a register.
pub(crate) fn is_preserved(module: &Module<'_>, register: u8) -> bool {
    matches!(register, RSP | RBP | RBX | 12..=14) || (register == R15 && !module.is_metered())
}

/// Forgets of what a loop changes what will hardly be the same in its next round.
fn weaken(code: &mut Code, state: &mut State, start: u32) {
    let (sp, fp) = (state.sp(), state.reg(RBP).kind);
    let Some(instructions) = code.loop_at(start) else { return };
    let mut written = 0;
    for decoded in instructions {
        written |= decoded.effect.writes;
        if decoded.effect.stores {
            let base = match (decoded.instruction.memory_base(), fp) {
                (Register::RSP, _) => sp,
                (_, Kind::Stack(fp)) => Some(fp),
                _ => None,
            };
            let at =
                base.and_then(|base| base.checked_add(decoded.instruction.memory_displacement64() as i32));
            if let Some(at) = at {
                state.change_word(at, changing);
            }
        }
    }
    for register in
        (0..16).filter(|&register| register != RSP && register != RBP && written & 1 << register != 0)
    {
        state.set(register, changing(state.reg(register)));
    }
}

/// What can be said of a value that a loop changes.
fn changing(value: Val) -> Val {
    let kind = match value.kind {
        Kind::Const(most) | Kind::Max(most) | Kind::Steps16(most) if most <= MAX32 => Kind::Max(MAX32),
        kind if kind.names() == [NO_NAME; 2] => kind,
        kind => kind.forget(),
    };
    Val::of(kind)
}
