//! Effects of instructions on the abstract state.
//!
//! **Invariant: every register that an instruction writes is written here**, at least with [`Val::ANY`].
//! Writes of 8 and 16 bits leave nothing known of the register.

use crate::body::{Body, Flow};
use crate::decode::{Condition, Form, gpr, is_high_byte};
use crate::lattice::{self, ANY_TYPE, Item, Kind, MAX32, NO_NAME, Val, join_kinds};
use crate::memory::{BASE, INDEX, Place};
use crate::registers::{R15, RAX, RDX};
use crate::reject::{Problem, Property, ensure, problem};
use crate::state::{Flags, State};
use iced_x86::{Instruction, Mnemonic, OpKind};

/// A word that no function has.
const NOWHERE: i32 = i32::MIN;

/// A value that an instruction names is in this position among its names.
const RESULT: u32 = 4;

impl Body<'_, '_> {
    /// Executes an instruction.
    pub(crate) fn execute(
        &mut self,
        state: &mut State,
        instruction: &Instruction,
        form: Form,
    ) -> Result<Flow, Problem> {
        let (before, sp, meter) = (state.flags, state.sp(), state.reg(R15).kind);
        self.faults = false;
        if writes_flags(form) {
            state.flags = Flags::Unknown;
        }
        match form {
            Form::Jump => return self.jump(state, instruction),
            Form::ConditionalJump => return self.conditional_jump(state, instruction),
            Form::Call => return self.call(state, instruction),
            Form::Return => return self.return_from(state, instruction),
            Form::Trap => {
                self.may_fault("it always does")?;
                return Ok(Flow::Stop);
            }
            Form::Move => self.move_value(state, instruction)?,
            Form::SignExtend => self.sign_extend(state, instruction)?,
            Form::Lea => self.lea(state, instruction)?,
            Form::Compare => self.compare(state, instruction)?,
            Form::Test => self.test(state, instruction)?,
            Form::ConditionalMove => {
                state.flags = before;
                self.conditional_move(state, instruction)?;
            }
            Form::Push => self.push(state, instruction)?,
            Form::Pop => self.pop(state, instruction)?,
            Form::Wide | Form::Divide => {
                self.read(state, instruction, 0)?;
                if form == Form::Divide {
                    self.may_fault("a division")?;
                }
                state.set(RAX, Val::ANY);
                state.set(RDX, Val::ANY);
            }
            Form::Sign => {
                let written =
                    if matches!(instruction.mnemonic(), Mnemonic::Cdq | Mnemonic::Cqo | Mnemonic::Cwd) {
                        RDX
                    } else {
                        RAX
                    };
                state.set(written, Val::ANY);
            }
            Form::Exchange | Form::ExchangeAdd => {
                self.overwrite(state, instruction, 0)?;
                self.overwrite(state, instruction, 1)?;
            }
            Form::CompareExchange => {
                self.overwrite(state, instruction, 0)?;
                state.set(RAX, Val::ANY);
            }
            Form::Two => {
                self.read(state, instruction, 2)?;
                self.overwrite(state, instruction, 0)?;
                self.overwrite(state, instruction, 1)?;
            }
            Form::Vector | Form::AlignedVector => self.vector(state, instruction, form)?,
            Form::Flags | Form::AlignedFlags => self.vector_operands(state, instruction, form)?,
            Form::SetCondition => self.overwrite(state, instruction, 0)?,
            Form::Nothing => {}
            Form::Add
            | Form::Sub
            | Form::And
            | Form::Xor
            | Form::Shift
            | Form::ShiftLeft
            | Form::ShiftRight
            | Form::Multiply
            | Form::Other => self.compute(state, instruction, form)?,
        }
        self.check_stack_pointer(state, sp)?;
        self.check_meter(state, meter)?;
        Ok(if self.faults { Flow::Stop } else { Flow::Next })
    }

    /// The value of an operand. That of a register is all of its 64 bits, if the operand has 64 or 32 of
    /// them.
    fn read(&mut self, state: &mut State, instruction: &Instruction, operand: u32) -> Result<Val, Problem> {
        Ok(match instruction.op_kind(operand) {
            OpKind::Register => match gpr(instruction.op_register(operand)) {
                Some((register, 64)) => state.reg(register),
                Some((register, 32)) => state.reg(register).low(),
                Some((register, bits)) => {
                    let mask = (1 << bits) - 1;
                    match state.reg(register).kind {
                        // `ah` and the like are not the low bits.
                        Kind::Const(value) if !is_high_byte(instruction.op_register(operand)) => {
                            Val::of(Kind::Const(value & mask))
                        }
                        _ => Val::of(Kind::Max(mask)),
                    }
                }
                None => Val::ANY,
            },
            OpKind::Memory => {
                let (place, bytes) = self.place(state, instruction)?;
                let value = self.load(state, place, bytes)?;
                self.name_loaded(state, value)
            }
            _ => {
                let value = instruction.immediate(operand);
                let bits = operand_bits(instruction, 0);
                Val::of(Kind::Const(if bits == 32 { value & MAX32 } else { value }))
            }
        })
    }

    /// Gives a loaded value a name if others may refer to it.
    fn name_loaded(&mut self, state: &mut State, value: Val) -> Val {
        match value.kind {
            Kind::Func { .. } | Kind::Length { .. } | Kind::ImportTail { .. } | Kind::Any | Kind::Max(_)
                if value.name == NO_NAME =>
            {
                Val { name: self.new_name(state, RESULT), ..value }
            }
            _ => value,
        }
    }

    fn read_all(&mut self, state: &mut State, instruction: &Instruction) -> Result<(), Problem> {
        for operand in 0..instruction.op_count() {
            if instruction.op_kind(operand) == OpKind::Memory {
                self.read(state, instruction, operand)?;
            }
        }
        Ok(())
    }

    /// Writes an operand of which nothing more is known than its size.
    fn overwrite(
        &mut self,
        state: &mut State,
        instruction: &Instruction,
        operand: u32,
    ) -> Result<(), Problem> {
        self.write(state, instruction, operand, Val::ANY)
    }

    /// Writes an operand. A value of 32 bits has to be bounded already.
    fn write(
        &mut self,
        state: &mut State,
        instruction: &Instruction,
        operand: u32,
        value: Val,
    ) -> Result<(), Problem> {
        match instruction.op_kind(operand) {
            OpKind::Register => {
                match gpr(instruction.op_register(operand)) {
                    Some((register, 64)) => state.set(register, value),
                    Some((register, 32)) => state.set(register, value.low()),
                    Some((register, _)) => state.set(register, Val::ANY),
                    None => {}
                }
                Ok(())
            }
            OpKind::Memory => {
                let (place, bytes) = self.place(state, instruction)?;
                self.store(state, place, bytes, value)
            }
            _ => problem(Property::Instructions, "it writes a constant"),
        }
    }

    fn move_value(&mut self, state: &mut State, instruction: &Instruction) -> Result<(), Problem> {
        if let OpKind::Register = instruction.op1_kind()
            && let Some((register, 32 | 64)) = gpr(instruction.op1_register())
        {
            self.named(state, register, 1);
        }
        let value = self.read(state, instruction, 1)?;
        self.write(state, instruction, 0, value)
    }

    /// `movsx` and `movsxd`: the latter reads what constant tables and jump tables hold.
    fn sign_extend(&mut self, state: &mut State, instruction: &Instruction) -> Result<(), Problem> {
        let value = if instruction.op1_kind() == OpKind::Memory {
            let (place, bytes) = match self.jump_entry(state, instruction)? {
                Some(place) => (place, 4),
                None => self.place(state, instruction)?,
            };
            self.load(state, place, bytes)?
        } else {
            self.read(state, instruction, 1)?
        };
        let kind = match value.kind {
            Kind::JumpOffset { .. } => value.kind,
            Kind::ConstWord { table, entry, ty } if instruction.mnemonic() == Mnemonic::Movsxd => {
                Kind::ConstRel { table, entry, ty }
            }
            _ => Kind::Any,
        };
        self.write(state, instruction, 0, Val::of(kind))
    }

    /// The entry of a jump table that an operand is, if it is one.
    fn jump_entry(&mut self, state: &mut State, instruction: &Instruction) -> Result<Option<Place>, Problem> {
        let (base, index) = (gpr(instruction.memory_base()), gpr(instruction.memory_index()));
        let (Some((base, 64)), Some((index, 64))) = (base, index) else { return Ok(None) };
        let Kind::Text(table) = state.reg(base).kind else { return Ok(None) };
        if instruction.mnemonic() != Mnemonic::Movsxd || operand_bits(instruction, 0) != 64 {
            return Ok(None);
        }
        let last = state.reg(index).kind.most().and_then(|most| u32::try_from(most).ok());
        let is_entry = instruction.memory_index_scale() == 4 && instruction.memory_displacement64() == 0;
        let Some(last) = last.filter(|&last| is_entry && last < self.range.length / 4) else {
            return problem(Property::Control, "nothing bounds the index into a jump table");
        };
        ensure(
            table >= self.range.start && table + (last + 1) * 4 <= self.range.end(),
            Property::Control,
            "a jump table is outside of its function",
        )?;
        self.code.mark_data(table, (last + 1) * 4)?;
        Ok(Some(Place::JumpEntry { table, last }))
    }

    fn lea(&mut self, state: &mut State, instruction: &Instruction) -> Result<(), Problem> {
        if instruction.is_ip_rel_memory_operand() {
            let value = Val::of(self.address(instruction.ip_rel_memory_address()));
            return self.write(state, instruction, 0, value);
        }
        let register = |register| gpr(register).map(|(number, _)| number);
        let base = match register(instruction.memory_base()) {
            Some(number) => self.named(state, number, BASE),
            None => Val::of(Kind::Const(0)),
        };
        let displacement = Val::of(Kind::Const(instruction.memory_displacement64()));
        let base = match register(instruction.memory_index()) {
            None if instruction.memory_displacement64() == 0 => base,
            None => Val::of(lattice::add(self.module, base, displacement)),
            Some(number) => {
                let index = self.named(state, number, INDEX);
                let sum = Val::of(self.add_scaled(base, index, instruction.memory_index_scale()));
                match instruction.memory_displacement64() {
                    0 => sum,
                    _ => Val::of(lattice::add(self.module, sum, displacement)),
                }
            }
        };
        self.write(state, instruction, 0, base)
    }

    /// What an address relative to rip is.
    fn address(&self, address: u64) -> Kind {
        match u32::try_from(address) {
            Ok(at) if (at as usize) < self.module.text.len() => Kind::Text(at),
            // The text's first byte is at 0 here, so what lies before it is below.
            _ => match u32::try_from(address.wrapping_add(self.module.text_offset)) {
                Ok(offset) if u64::from(offset) < self.module.text_offset => Kind::ConstTable(offset),
                _ => Kind::Any,
            },
        }
    }

    /// The value of an operand of a comparison, as it is noted in the flags, and the bits that are compared.
    fn compared(
        &mut self,
        state: &mut State,
        instruction: &Instruction,
        operand: u32,
    ) -> Result<Val, Problem> {
        match instruction.op_kind(operand) {
            OpKind::Register => match gpr(instruction.op_register(operand)) {
                Some((register, 32 | 64)) => {
                    let value = self.named(state, register, operand);
                    if value.name != NO_NAME || !matches!(value.kind, Kind::Const(_)) {
                        return Ok(value);
                    }
                    // A length less this constant may be compared.
                    let value = Val { name: self.new_name(state, operand), ..value };
                    state.set(register, value);
                    Ok(value)
                }
                _ => Ok(Val::ANY),
            },
            _ => self.read(state, instruction, operand),
        }
    }

    fn compare(&mut self, state: &mut State, instruction: &Instruction) -> Result<(), Problem> {
        let a = self.compared(state, instruction, 0)?;
        let b = self.compared(state, instruction, 1)?;
        state.flags = match operand_bits(instruction, 0) {
            bits @ (32 | 64) => Flags::Compared { a, b, bits },
            _ => Flags::Unknown,
        };
        Ok(())
    }

    fn test(&mut self, state: &mut State, instruction: &Instruction) -> Result<(), Problem> {
        self.read_all(state, instruction)?;
        let same = instruction.op0_kind() == OpKind::Register
            && instruction.op1_kind() == OpKind::Register
            && instruction.op0_register() == instruction.op1_register();
        state.flags = match operand_bits(instruction, 0) {
            bits @ (32 | 64) if same => Flags::Tested { a: self.compared(state, instruction, 0)?, bits },
            8 | 16 if same => Flags::Tested { a: self.read(state, instruction, 0)?, bits: 64 },
            _ => Flags::Unknown,
        };
        Ok(())
    }

    fn conditional_move(&mut self, state: &mut State, instruction: &Instruction) -> Result<(), Problem> {
        let source = self.read(state, instruction, 1)?;
        let Some((register, bits)) = gpr(instruction.op0_register()) else { return Ok(()) };
        if bits < 32 {
            state.set(register, Val::ANY);
            return Ok(());
        }
        let condition = Condition::of(instruction);
        let source_register = match instruction.op1_kind() {
            OpKind::Register => gpr(instruction.op1_register()).map(|(number, _)| number),
            _ => None,
        };
        let kept = self.outcome(state, condition.negated(), register);
        let taken = match source_register {
            None => Some(source),
            Some(number) => self.outcome(state, condition, number),
        };
        let narrow = |value: Val| if bits == 32 { value.low() } else { value };
        let value = match (taken.map(narrow), kept.map(narrow)) {
            (Some(a), Some(b)) => {
                let name = if a.name == b.name { a.name } else { NO_NAME };
                Val { kind: join_kinds(self.module, a.kind, b.kind, false), name }
            }
            // Bounds of jump tables are computed so: whichever number it is, it is at most the table's last
            // position.
            (Some(value), None) => {
                match (narrow(source).kind.most(), narrow(state.reg(register)).kind.most()) {
                    (Some(a), Some(b)) => Val::of(Kind::Max(a.max(b))),
                    _ => value,
                }
            }
            (None, value) => value.unwrap_or(Val::ANY),
        };
        state.set(register, value);
        Ok(())
    }

    fn compute(&mut self, state: &mut State, instruction: &Instruction, form: Form) -> Result<(), Problem> {
        let bits = operand_bits(instruction, 0);
        let registers = |operand: u32| instruction.op_kind(operand) == OpKind::Register;
        if form == Form::Xor
            && registers(0)
            && registers(1)
            && instruction.op0_register() == instruction.op1_register()
        {
            let value = if bits >= 32 { Val::of(Kind::Const(0)) } else { Val::ANY };
            return self.write(state, instruction, 0, value);
        }
        if instruction.op_count() < 2 || form == Form::Other || form == Form::Shift {
            self.read_all(state, instruction)?;
            return self.overwrite(state, instruction, 0);
        }
        if matches!(form, Form::Add | Form::Sub | Form::ShiftRight) {
            self.name_operands(state, instruction);
        }
        let three = instruction.op_count() == 3;
        let a = self.read(state, instruction, u32::from(three))?;
        let b = self.read(state, instruction, 1 + u32::from(three))?;
        let is_same = a.name != NO_NAME && a.name == b.name;
        let mut kind = match form {
            Form::Xor | Form::Sub if is_same => Kind::Const(0),
            Form::Add => lattice::add(self.module, a, b),
            Form::Sub => self.subtract(a, b),
            Form::And => match (a.kind.most(), b.kind.most()) {
                (Some(x), Some(y)) => Kind::Max(x.min(y)),
                (Some(most), None) | (None, Some(most)) => Kind::Max(most),
                (None, None) => Kind::Any,
            },
            Form::ShiftRight => shift_right(a, b, bits),
            Form::ShiftLeft => shift_left(a, b),
            Form::Multiply => match (a.kind.most(), b.kind.most()) {
                (Some(x), Some(y)) => x.checked_mul(y).map_or(Kind::Any, Kind::Max),
                _ => Kind::Any,
            },
            _ => Kind::Any,
        };
        if bits < 32 {
            kind = Kind::Any;
        } else if bits == 32 && kind.most().is_none_or(|most| most > MAX32) {
            kind = Kind::Max(MAX32);
        }
        self.write(state, instruction, 0, Val::of(kind))
    }

    fn subtract(&self, a: Val, b: Val) -> Kind {
        match (a.kind, b.kind) {
            (Kind::Const(x), Kind::Const(y)) => Kind::Const(x.wrapping_sub(y)),
            (Kind::Stack(_) | Kind::Area(_), Kind::Const(c)) => {
                lattice::add(self.module, a, Val::of(Kind::Const(c.wrapping_neg())))
            }
            (Kind::Meter(_), Kind::Const(c)) => {
                lattice::add(self.module, a, Val::of(Kind::Const(c.wrapping_neg())))
            }
            (Kind::Length { .. }, Kind::Const(0)) => a.kind,
            (Kind::Length { item: Item::Memory(memory), .. }, Kind::Const(by)) if a.name != NO_NAME => {
                Kind::LengthLess { memory, length: a.name, by }
            }
            (Kind::Length { item: Item::Memory(memory), .. }, _)
                if a.name != NO_NAME && b.name != NO_NAME =>
            {
                Kind::Rest { memory, length: a.name, index: b.name }
            }
            _ => Kind::Any,
        }
    }

    /// Gives names to the registers that are operands of an instruction.
    fn name_operands(&mut self, state: &mut State, instruction: &Instruction) {
        for operand in 0..instruction.op_count() {
            if instruction.op_kind(operand) == OpKind::Register
                && let Some((register, 32 | 64)) = gpr(instruction.op_register(operand))
            {
                self.named(state, register, operand);
            }
        }
    }

    fn vector(&mut self, state: &mut State, instruction: &Instruction, form: Form) -> Result<(), Problem> {
        self.vector_operands(state, instruction, form)?;
        if instruction.op0_kind() == OpKind::Memory {
            let (place, bytes) = self.place(state, instruction)?;
            self.check_alignment(place, form, bytes)?;
            return self.store(state, place, bytes, Val::ANY);
        }
        self.overwrite(state, instruction, 0)
    }

    /// Reads the operands behind the first.
    fn vector_operands(
        &mut self,
        state: &mut State,
        instruction: &Instruction,
        form: Form,
    ) -> Result<(), Problem> {
        for operand in 1..instruction.op_count() {
            if instruction.op_kind(operand) == OpKind::Memory {
                let (place, bytes) = self.place(state, instruction)?;
                self.check_alignment(place, form, bytes)?;
                self.load(state, place, bytes)?;
            }
        }
        Ok(())
    }

    fn conditional_jump(&mut self, state: &mut State, instruction: &Instruction) -> Result<Flow, Problem> {
        let condition = Condition::of(instruction);
        let target = instruction.near_branch_target() as u32;
        if let Some(taken) = self.compares_meter(state, condition) {
            return self.branch_by_meter(state, target, taken);
        }
        if !state.tells(condition) {
            self.enter(target, state)?;
            return Ok(Flow::Next);
        }
        let mut taken = self.take_scratch();
        taken.copy(state);
        if taken.assume(self.module, condition) {
            self.enter(target, &taken)?;
        }
        self.scratch = Some(taken);
        let passes = state.assume(self.module, condition.negated());
        Ok(if passes { Flow::Next } else { Flow::Stop })
    }

    /// The value of a register if a condition holds; `None` if it cannot hold.
    fn outcome(&mut self, state: &State, condition: Condition, register: u8) -> Option<Val> {
        if !state.tells(condition) {
            return Some(state.reg(register));
        }
        let mut assumed = self.take_scratch();
        assumed.copy(state);
        if let Kind::ConstUnchecked { index, .. } = state.reg(register).kind {
            // The index itself may be nowhere any more. What the condition says of it is noted here.
            assumed.set_word(NOWHERE, Val { kind: Kind::Any, name: index });
        }
        let holds = assumed.assume(self.module, condition);
        let value = assumed.reg(register);
        let kind = match value.kind {
            Kind::ConstUnchecked { table, index } => {
                assumed.most(index).map_or(value.kind, |last| Kind::ConstEntry { table, last, ty: ANY_TYPE })
            }
            kind => kind,
        };
        self.scratch = Some(assumed);
        holds.then_some(Val { kind, ..value })
    }

    fn jump(&mut self, state: &mut State, instruction: &Instruction) -> Result<Flow, Problem> {
        if instruction.op0_kind() == OpKind::NearBranch64 {
            let target = instruction.near_branch_target();
            return match u32::try_from(target) {
                Ok(target)
                    if (self.range.start..self.range.end()).contains(&target)
                        && target != self.range.start =>
                {
                    Ok(Flow::Jump(target))
                }
                _ => self.tail_call(state, instruction),
            };
        }
        let Some((register, 64)) = gpr(instruction.op0_register()) else {
            return problem(Property::Control, "it jumps to something else than what a register holds");
        };
        match state.reg(register).kind {
            Kind::JumpTarget { table, last } => {
                let entries = 0..=last;
                let target = |entry: u32| {
                    let at = (table + entry * 4) as usize;
                    let relative = self.module.text.get(at..).and_then(|rest| rest.first_chunk())?;
                    table.checked_add_signed(i32::from_le_bytes(*relative))
                };
                let Some(mut targets) = entries.map(target).collect::<Option<Vec<u32>>>() else {
                    return problem(Property::Control, "a jump table leads out of the text");
                };
                targets.sort_unstable();
                targets.dedup();
                Ok(Flow::Switch(targets))
            }
            _ => self.tail_call(state, instruction),
        }
    }
}

/// Bits of an operand.
fn operand_bits(instruction: &Instruction, operand: u32) -> u8 {
    match instruction.op_kind(operand) {
        OpKind::Register => gpr(instruction.op_register(operand)).map_or(128, |(_, bits)| bits),
        _ => (crate::decode::memory_bytes(instruction.memory_size()) * 8).min(128) as u8,
    }
}

fn shift_right(a: Val, b: Val, bits: u8) -> Kind {
    let Kind::Const(by) = b.kind else { return Kind::Any };
    let by = by as u32 & (u32::from(bits) - 1);
    match a.kind.most() {
        Some(most) => Kind::Max(most >> by),
        None if bits == 64 && by == 32 && a.name != NO_NAME => Kind::High(a.name),
        None if bits == 64 && by > 0 => Kind::Max(u64::MAX >> by),
        None => Kind::Any,
    }
}

fn shift_left(a: Val, b: Val) -> Kind {
    let Kind::Const(by) = b.kind else { return Kind::Any };
    let shifted = a.kind.most().and_then(|most| most.checked_mul(1_u64.checked_shl(by as u32)?));
    match shifted {
        Some(most) if by >= 4 => Kind::Steps16(most),
        Some(most) => Kind::Max(most),
        None => Kind::Any,
    }
}

/// Whether an instruction changes flags that a condition may look at.
fn writes_flags(form: Form) -> bool {
    !matches!(
        form,
        Form::Move
            | Form::SignExtend
            | Form::Lea
            | Form::ConditionalMove
            | Form::SetCondition
            | Form::Jump
            | Form::ConditionalJump
            | Form::Push
            | Form::Pop
            | Form::Exchange
            | Form::Two
            | Form::Nothing
            | Form::Sign
    )
}
