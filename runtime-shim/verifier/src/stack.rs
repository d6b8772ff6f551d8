//! The stack, and the registers that callers rely on.
//!
//! The stack pointer is known at every instruction, as a distance from where it was at the entry: what would
//! lose it is refused. It stays below the end of the parameters, and at most a probe's distance below the
//! lowest place that was accessed, so that no frame steps over the guard of the stack (twice that distance).
//! What lies below it is forgotten, as signal handlers and callees write there.
//!
//! At every call, the frame pointer leads to the caller's saved one and the return address, so that frames
//! can be walked. At returns and tail calls, the registers that a caller relies on have their values of the
//! entry: what a register had is a value of its own, [`Kind::Entry`], that only moves along with copies.
//!
//! **Invariant: whenever the stack pointer moves, [`Body::check_stack_pointer`] has seen where to.**

use crate::body::Body;
use crate::decode::{Condition, Form, gpr};
use crate::lattice::{Kind, Val};
use crate::registers::{R15, RBP, RBX, RSP};
use crate::reject::{Problem, Property, ensure, problem};
use crate::state::{Flags, State};
use iced_x86::{Instruction, Mnemonic, OpKind, Register};
use wasmaot_abi::slot::{STACK_GUARD, STACK_PROBE};

const _: () = assert!(STACK_GUARD >= 2 * STACK_PROBE);

impl Body<'_, '_> {
    /// Checks that the stack pointer, if it changed, is known and at most one probe distance below the lowest
    /// address known to be accessible. Forgets the stack words below it.
    pub(crate) fn check_stack_pointer(&self, state: &mut State, before: Option<i32>) -> Result<(), Problem> {
        let Some(sp) = state.sp() else {
            return problem(Property::Stack, "the stack pointer is no longer known");
        };
        if before != Some(sp) {
            let in_reach = i64::from(sp) >= i64::from(state.touched) - STACK_PROBE as i64;
            ensure(in_reach, Property::Stack, "the frame grows by more than a probe's distance")?;
            ensure(sp < self.stack_end, Property::Stack, "the stack pointer leaves the function's stack")?;
            state.forget_below(sp);
        }
        Ok(())
    }

    /// A loop that probes a large frame, as one step: `sub rsp, N; mov dword [rsp], 0; cmp rsp, LIMIT; jne`.
    pub(crate) fn probe_loop(&self, state: &mut State, sub: &Instruction, form: Form) -> Option<u32> {
        if form != Form::Sub || sub.op0_register() != Register::RSP {
            return None;
        }
        let store = self.code.at(sub.next_ip() as u32)?.instruction;
        let cmp = self.code.at(store.next_ip() as u32)?.instruction;
        let jump = self.code.at(cmp.next_ip() as u32)?.instruction;
        let is_loop = Condition::of(&jump) == Condition::NotEqual
            && jump.op0_kind() == OpKind::NearBranch64
            && jump.near_branch_target() == sub.ip();
        if !is_loop || sub.op1_kind() == OpKind::Register || sub.op1_kind() == OpKind::Memory {
            return None;
        }
        let is_store = store.mnemonic() == Mnemonic::Mov
            && store.op0_kind() == OpKind::Memory
            && store.memory_base() == Register::RSP
            && store.memory_index() == Register::None
            && store.memory_displacement64() == 0
            && store.op1_kind() == OpKind::Immediate32;
        let is_compared = cmp.mnemonic() == Mnemonic::Cmp
            && cmp.op0_register() == Register::RSP
            && cmp.op1_kind() == OpKind::Register;
        if !is_store || !is_compared {
            return None;
        }
        let inside = [store.ip(), cmp.ip(), jump.ip()];
        if inside.iter().any(|&at| self.is_leader(at as u32)) {
            return None;
        }
        let (Kind::Stack(limit), Some(sp)) = (state.reg(gpr(cmp.op1_register())?.0).kind, state.sp()) else {
            return None;
        };
        let step =
            i64::try_from(sub.immediate(1)).ok().filter(|&step| step > 0 && step <= STACK_PROBE as i64)?;
        let distance = i64::from(sp) - i64::from(limit);
        let first = i64::from(sp) - step;
        if distance <= 0 || distance % step != 0 || first < i64::from(state.touched) - STACK_PROBE as i64 {
            return None;
        }
        state.forget_words(limit, distance as u32);
        state.set(RSP, Val::of(Kind::Stack(limit)));
        state.touched = state.touched.min(limit);
        state.flags = Flags::Unknown;
        Some(jump.next_ip() as u32)
    }

    pub(crate) fn push(&mut self, state: &mut State, instruction: &Instruction) -> Result<(), Problem> {
        let (Some((register, 64)), Some(sp)) = (gpr(instruction.op0_register()), state.sp()) else {
            return problem(Property::Instructions, "it pushes something else than a register of 64 bits");
        };
        let Some(at) = sp.checked_sub(8) else { return problem(Property::Stack, "the frame is too large") };
        let value = state.reg(register);
        state.set(RSP, Val::of(Kind::Stack(at)));
        state.set_word(at, value);
        state.touched = state.touched.min(at);
        Ok(())
    }

    pub(crate) fn pop(&mut self, state: &mut State, instruction: &Instruction) -> Result<(), Problem> {
        let (Some((register, 64)), Some(sp)) = (gpr(instruction.op0_register()), state.sp()) else {
            return problem(Property::Instructions, "it pops something else than a register of 64 bits");
        };
        ensure(sp <= self.stack_end - 8, Property::Stack, "it pops what is not the function's")?;
        let value = state.word(sp);
        state.set(RSP, Val::of(Kind::Stack(sp + 8)));
        state.set(register, value);
        Ok(())
    }

    /// The frame pointer leads to that of the caller and to the return address.
    pub(crate) fn check_frame_chain(&self, state: &State) -> Result<(), Problem> {
        let holds = match state.reg(RBP).kind {
            Kind::Stack(at) => {
                state.word(at).kind == Kind::Entry(RBP) && state.word(at + 8).kind == Kind::ReturnAddress
            }
            _ => false,
        };
        ensure(holds, Property::Stack, "the frame pointer does not lead to the caller's frame")
    }

    /// The registers that a caller relies on.
    pub(crate) fn check_preserved(&self, state: &State) -> Result<(), Problem> {
        for register in [RBX, RBP, 12, 13, 14, R15] {
            let holds = state.reg(register).kind == Kind::Entry(register);
            let exempt = register == R15 && self.module.is_metered();
            ensure(
                holds || exempt,
                Property::Stack,
                format_args!("register {register} is not what it was at the entry"),
            )?;
        }
        Ok(())
    }
}
