//! The bytes of one function: instructions, data and padding.
//!
//! Code is decoded from the entry along all branches, whether or not they can be taken, and from jump table
//! targets once these are known. When that reaches a fixed point, all bytes that no instruction, jump table
//! or constant occupies must be padding.
//!
//! **Invariants.** A byte belongs to one instruction or to data, never to both. Everything that control can
//! reach was decoded here, so it consists of allowed instructions inside the function. Memory use is a fixed
//! number of bytes per byte of code, see [`Code::bytes`].

use crate::decode::{Form, Instructions, memory_bytes};
use crate::effect::Effect;
use crate::module::Module;
use crate::reject::{Problem, Property, ensure, problem};
use crate::rows::Rows;
use iced_x86::{Instruction, OpKind};
use std::mem::size_of;
use wasmaot_abi::code::CodeRange;

/// What a byte is, if it is not the first one of an instruction.
const NOTHING: u32 = 0;
const INSIDE: u32 = 1;
const DATA: u32 = 2;
/// From here on, instructions by index.
const FIRST: u32 = 3;

/// How often loops are looked at for each byte of code.
const PATIENCE: usize = 16;

/// No state is kept.
pub(crate) const NO_STATE: u32 = u32::MAX;

/// An instruction, and what the interpretation has noted about it.
pub(crate) struct Decoded {
    pub(crate) instruction: Instruction,
    pub(crate) form: Form,
    pub(crate) effect: Effect,
    /// A branch leads here.
    pub(crate) leader: bool,
    /// More than one instruction leads here.
    pub(crate) shared: bool,
    /// It was executed before.
    pub(crate) visited: bool,
    /// Which state is kept before it.
    pub(crate) state: u32,
}

/// The instructions of a function.
pub(crate) struct Code {
    range: CodeRange,
    /// What each byte is.
    map: Vec<u32>,
    pub(crate) decoded: Rows<Decoded, 4096>,
    /// Where instructions branch to that is not decoded yet.
    branches: Vec<u32>,
    /// Branches backwards: where to, and where from.
    loops: Vec<(u32, u32)>,
    is_sorted: bool,
    /// Bytes of loops that may still be looked at.
    patience: usize,
    /// Instructions whose successors know of them.
    passed: usize,
    /// Calls that are in the exception table.
    pub(crate) sites: usize,
}

impl Code {
    pub(crate) fn new(range: CodeRange) -> Self {
        let length = range.length as usize;
        Self {
            range,
            map: vec![NOTHING; length],
            decoded: Rows::new(),
            branches: Vec::new(),
            loops: Vec::new(),
            is_sorted: true,
            patience: PATIENCE * length,
            passed: 0,
            sites: 0,
        }
    }

    /// Bytes of memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<u32>() * (self.map.len() + self.branches.capacity())
            + self.decoded.bytes()
            + size_of::<(u32, u32)>() * self.loops.capacity()
    }

    fn contains(&self, at: u32) -> bool {
        (self.range.start..self.range.end()).contains(&at)
    }

    /// The instruction that begins at an address.
    pub(crate) fn index(&self, at: u32) -> Option<u32> {
        let byte = self.map.get(at.checked_sub(self.range.start)? as usize)?;
        byte.checked_sub(FIRST)
    }

    pub(crate) fn at(&self, at: u32) -> Option<&Decoded> {
        Some(&self.decoded[self.index(at)? as usize])
    }

    /// Decodes from a place on, along all branches. `at` is where a problem is.
    pub(crate) fn decode(&mut self, module: &Module<'_>, target: u32, at: &mut u32) -> Result<u32, Problem> {
        self.decode_row(module, target, at)?;
        while let Some(target) = self.branches.pop() {
            self.decode_row(module, target, at)?;
            self.mark_leader(target);
        }
        self.note_passed();
        match self.index(target) {
            Some(index) => Ok(index),
            None => problem(
                Property::Control,
                format!("control reaches {target:#x}, which is no instruction of the function"),
            ),
        }
    }

    fn mark_leader(&mut self, at: u32) {
        if let Some(index) = self.index(at) {
            let decoded = &mut self.decoded[index as usize];
            decoded.shared |= std::mem::replace(&mut decoded.leader, true);
        }
    }

    /// Instructions decoded since the last time, from which control passes to one that a branch leads to as
    /// well.
    fn note_passed(&mut self) {
        for index in self.passed..self.decoded.len() {
            let Decoded { instruction, form, .. } = &self.decoded[index];
            if !matches!(form, Form::Jump | Form::Return | Form::Trap)
                && let Some(next) = self.index(instruction.next_ip() as u32)
            {
                self.decoded[next as usize].shared = true;
            }
        }
        self.passed = self.decoded.len();
    }

    /// Decodes from a place on, as far as control can get without a branch.
    fn decode_row(&mut self, module: &Module<'_>, mut next: u32, at: &mut u32) -> Result<(), Problem> {
        let mut decoder = Instructions::new(module.text, next, self.range.end(), module.cpu_features);
        loop {
            ensure(
                self.contains(next),
                Property::Control,
                format_args!("control leaves the function to {next:#x} without a call"),
            )?;
            let offset = (next - self.range.start) as usize;
            if self.map[offset] >= FIRST {
                return Ok(());
            }
            *at = next;
            let (instruction, form) = decoder.next()?;
            let bytes = &mut self.map[offset..offset + instruction.len()];
            ensure(
                bytes.iter().all(|&byte| byte == NOTHING),
                Property::Control,
                format_args!("{next:#x} is inside of another instruction, or data"),
            )?;
            bytes.fill(INSIDE);
            bytes[0] = FIRST + self.decoded.len() as u32;
            self.decoded.push(Decoded {
                instruction,
                form,
                effect: Effect::of(&instruction, form),
                leader: false,
                shared: false,
                visited: false,
                state: NO_STATE,
            });
            self.note_references(module, &instruction, form)?;
            if matches!(form, Form::Jump | Form::Return | Form::Trap) {
                return Ok(());
            }
            next += instruction.len() as u32;
        }
    }

    /// Notes what an instruction refers to: constants, and where it may branch.
    fn note_references(
        &mut self,
        module: &Module<'_>,
        instruction: &Instruction,
        form: Form,
    ) -> Result<(), Problem> {
        if matches!(form, Form::Jump | Form::ConditionalJump)
            && instruction.op0_kind() == OpKind::NearBranch64
            && let Ok(target) = u32::try_from(instruction.near_branch_target())
            && self.contains(target)
        {
            let from = instruction.ip() as u32;
            if target <= from {
                self.loops.push((target, from));
                self.is_sorted = false;
            }
            self.branches.push(target);
        }
        if form == Form::Call
            && let Some(site) = module.exceptions.lookup(instruction.next_ip() as u32)
        {
            self.sites += 1;
            let landings = site.handlers().map(|handler| handler.landing);
            self.branches.extend(landings.filter(|&landing| self.contains(landing)).collect::<Vec<_>>());
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

    /// Whether bytes are all of the function.
    pub(crate) fn is_data(&self, at: u32, bytes: u32) -> bool {
        at >= self.range.start && u64::from(at) + u64::from(bytes) <= u64::from(self.range.end())
    }

    /// Notes that bytes of the function are data.
    pub(crate) fn mark_data(&mut self, at: u32, bytes: u32) -> Result<(), Problem> {
        let start = (at - self.range.start) as usize;
        let bytes = &mut self.map[start..start + bytes as usize];
        ensure(
            bytes.iter().all(|&byte| matches!(byte, NOTHING | DATA)),
            Property::Control,
            format_args!("{at:#x} is both an instruction and data"),
        )?;
        bytes.fill(DATA);
        Ok(())
    }

    /// The instructions of the loop that begins at a place, as far as addresses tell. None if it has looked
    /// at a number that takes too long.
    pub(crate) fn loop_at(&mut self, start: u32) -> Option<impl Iterator<Item = &Decoded>> {
        if !std::mem::replace(&mut self.is_sorted, true) {
            self.loops.sort_unstable();
        }
        let end = self.loops.partition_point(|&(to, _)| to <= start);
        let (to, from) = *self.loops.get(end.checked_sub(1)?)?;
        if to != start {
            return None;
        }
        let bytes = (start - self.range.start) as usize..=(from - self.range.start) as usize;
        self.patience = self.patience.checked_sub(bytes.end() - bytes.start())?;
        let indices = self.map[bytes].iter().filter_map(|byte| byte.checked_sub(FIRST));
        Some(indices.map(|index| &self.decoded[index as usize]))
    }

    /// What is neither code nor data has to be zero, or jumps that nothing leads to: the code generator
    /// leaves some behind. Behind the last instruction are constants, some of which only unreached code may
    /// refer to.
    pub(crate) fn check_padding(&mut self, module: &Module<'_>, at: &mut u32) -> Result<(), Problem> {
        let start = self.range.start as usize;
        let end = self.map.iter().rposition(|&byte| !matches!(byte, NOTHING | DATA)).unwrap_or(0);
        let mut offset = 0;
        while offset < end {
            if self.map[offset] != NOTHING || module.text[start + offset] == 0 {
                offset += 1;
                continue;
            }
            *at = self.range.start + offset as u32;
            if let Some(next) = self.unreached_table(module, offset, at)? {
                offset = next;
                continue;
            }
            let (instruction, form) =
                Instructions::new(module.text, *at, self.range.end(), module.cpu_features).next()?;
            let next = offset + instruction.len();
            let is_jump = form == Form::Jump
                && instruction.op0_kind() == OpKind::NearBranch64
                && u32::try_from(instruction.near_branch_target())
                    .is_ok_and(|target| self.index(target).is_some());
            let is_free = self.map[offset..next].iter().all(|&byte| byte == NOTHING);
            ensure(is_jump && is_free, Property::Control, "nothing leads here, and it is no padding")?;
            offset = next;
        }
        Ok(())
    }

    /// The end of a jump table that lies behind a jump that is never executed.
    fn unreached_table(
        &mut self,
        module: &Module<'_>,
        start: usize,
        at: &mut u32,
    ) -> Result<Option<usize>, Problem> {
        let before = self.map[..start].iter().rev().find_map(|byte| byte.checked_sub(FIRST));
        let Some(jump) = before.map(|index| &self.decoded[index as usize]) else { return Ok(None) };
        let ends_here = jump.instruction.next_ip() == u64::from(*at);
        let is_jump = jump.form == Form::Jump && jump.instruction.op0_kind() == OpKind::Register;
        if !ends_here || !is_jump || jump.visited {
            return Ok(None);
        }
        let table = *at;
        let mut end = start;
        while let Some(bytes) = self.map.get(end..end + 4)
            && bytes.iter().all(|&byte| byte == NOTHING)
        {
            let entry = module.text[self.range.start as usize + end..].first_chunk();
            let target = entry.and_then(|entry| table.checked_add_signed(i32::from_le_bytes(*entry)));
            let Some(target) = target.filter(|&target| self.contains(target)) else { break };
            self.map[end..end + 4].fill(DATA);
            self.decode(module, target, at)?;
            end += 4;
        }
        *at = table;
        Ok((end > start).then_some(end))
    }
}
