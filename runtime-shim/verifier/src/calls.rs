//! Calls, tail calls and returns.
//!
//! A direct call leads to an entry of the code table. An indirect one leads to a code address of which the
//! analysis knows where it was loaded, and passes as vmctx what was loaded from the same record: of a
//! reference to a function, whose type is known by validation or was compared; of an import; or from an entry
//! of a constant table, whose functions are the instance's own.
//!
//! At every call the frame pointer leads to the caller's saved one and the return address, so that frames can
//! be walked. What the callee may change is forgotten: registers that it need not preserve, parameters on the
//! stack, cells that it was given. A call in the exception table continues in its landing pads as well, where
//! no register is preserved; those that callees preserve are where the call throws.
//!
//! **Invariant: at a return and at a tail call, the registers that a caller relies on have their values of
//! the entry, and the stack pointer is at the return address**, which is where the caller, or the callee's
//! type, says that it is.

use crate::body::{Body, Flow, is_preserved};
use crate::decode::gpr;
use crate::lattice::{Kind, NO_NAME, Val};
use crate::memory::reference;
use crate::registers::{R15, RBP, RBX, RDI, RSP};
use crate::reject::{Problem, Property, ensure, problem};
use crate::signature::{At, SYSTEM, Signature};
use crate::state::{AREA, State};
use iced_x86::{Instruction, OpKind};
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::code::CodeKind;
use wasmaot_abi::entry::VALUE;
use wasmaot_abi::types::ValType;

/// What is called.
enum Callee<'m> {
    /// Code that follows the tail convention, with this vmctx.
    Tail {
        signature: &'m Signature,
        vmctx: Option<Kind>,
        is_helper: bool,
    },
    /// The array entry of an import.
    Import(u32),
    Builtin(Builtin),
}

/// Names that a call gives to its results begin here.
const RESULTS: u32 = 5;

pub(crate) fn calls<T>(text: impl Into<String>) -> Result<T, Problem> {
    problem(Property::Calls, text)
}

impl<'m> Body<'m, '_> {
    fn callee(&self, state: &State, instruction: &Instruction) -> Result<Callee<'m>, Problem> {
        if instruction.op0_kind() == OpKind::NearBranch64 {
            return self.direct_callee(instruction.near_branch_target());
        }
        let Some((register, 64)) = gpr(instruction.op0_register()) else {
            return calls("it leads to something else than what a register holds");
        };
        let typed = |ty: u32, vmctx: Kind| match self.module.signature(ty) {
            Some(signature) => Ok(Callee::Tail { signature, vmctx: Some(vmctx), is_helper: false }),
            None => calls("the type of what is called is not known"),
        };
        match state.reg(register).kind {
            Kind::Code { ty, func } => typed(ty, Kind::Context { func }),
            Kind::OwnCode(entry) => typed(self.entry(entry)?.ty, Kind::OwnContext(entry)),
            Kind::ConstCode { ty, .. } => typed(ty, Kind::Vmctx),
            Kind::ImportTail { import, null: false } => {
                typed(self.module.imported_functions[import as usize], Kind::ImportContext(import))
            }
            Kind::ImportCode(import) => Ok(Callee::Import(import)),
            Kind::Builtin(position) => Ok(Callee::Builtin(Builtin::ALL[usize::from(position)])),
            other => calls(format!("it leads to {other:?}")),
        }
    }

    fn direct_callee(&self, target: u64) -> Result<Callee<'m>, Problem> {
        let range = u32::try_from(target).ok().and_then(|target| self.module.starting_at(target));
        let Some(range) = range else { return calls(format!("it leads to {target:#x}, which is no entry")) };
        let signature = match range.kind {
            CodeKind::ArrayEntry => None,
            _ => self.module.signature_of(range),
        };
        match signature {
            Some(signature) => {
                let vmctx = signature.vmctx.map(|_| Kind::Vmctx);
                Ok(Callee::Tail { signature, vmctx, is_helper: range.kind == CodeKind::Helper })
            }
            None => calls("it leads to an array entry"),
        }
    }

    pub(crate) fn call(&mut self, state: &mut State, instruction: &Instruction) -> Result<Flow, Problem> {
        let callee = self.callee(state, instruction)?;
        let Some(sp) = state.sp() else { return problem(Property::Stack, "the stack pointer is not known") };
        ensure(
            (i64::from(sp) + 8).rem_euclid(16) == 0,
            Property::Stack,
            "the stack is not aligned at a call",
        )?;
        state.touched = state.touched.min(sp.saturating_sub(8));
        let (cells, values) = (state.reg(RDI), state.reg(SYSTEM[1]));
        match &callee {
            Callee::Tail { signature, vmctx, is_helper } => {
                if !is_helper {
                    self.check_meter_at_call(state)?;
                }
                self.pass(state, signature, *vmctx, sp)?;
            }
            Callee::Import(import) => {
                self.check_meter_at_call(state)?;
                self.pass_to_import(state, *import, sp)?;
            }
            Callee::Builtin(builtin) => self.pass_to_builtin(state, *builtin, sp)?,
        }
        // What the callee may write is forgotten by now, so the chain is not in it.
        self.check_frame_chain(state)?;
        let frame = state.reg(RBP);
        self.forget_after_call(state);
        let throws = matches!(callee, Callee::Builtin(Builtin::Throw | Builtin::ThrowRef));
        self.land(state, instruction.next_ip() as u32, frame, sp, throws)?;
        self.take_results(state, &callee, cells, values, sp);
        Ok(Flow::Next)
    }

    /// Checks what a callee of the tail convention gets, and forgets what it may write.
    fn pass(
        &mut self,
        state: &mut State,
        signature: &Signature,
        vmctx: Option<Kind>,
        sp: i32,
    ) -> Result<(), Problem> {
        self.check_arguments(state, signature, vmctx, sp)?;
        if signature.cells > 0 {
            let Kind::Stack(at) = state.reg(RDI).kind else {
                return calls("it passes no cells of its frame for results");
            };
            let inside = at >= sp + signature.stack as i32 && at + (signature.cells as i32) <= 0;
            ensure(inside, Property::Calls, "the cells for results are outside of the frame")?;
            state.forget_words(at, signature.cells);
        }
        let end = i64::from(sp) + i64::from(signature.stack);
        ensure(end <= self.stack_end.into(), Property::Calls, "its parameters are outside of the frame")?;
        state.forget_words(sp, signature.stack);
        Ok(())
    }

    /// Checks vmctx and references. Parameters on the stack begin at `stack`.
    fn check_arguments(
        &self,
        state: &State,
        signature: &Signature,
        vmctx: Option<Kind>,
        stack: i32,
    ) -> Result<(), Problem> {
        if let (Some(register), Some(expected)) = (signature.vmctx, vmctx) {
            let actual = state.reg(register).kind;
            ensure(
                actual == expected,
                Property::Calls,
                format_args!("the vmctx that it passes is {actual:?}, not {expected:?}"),
            )?;
        }
        for &(at, ty) in &signature.func_params {
            let value = match at {
                At::Register(register) => state.reg(register),
                At::Memory(offset) => state.word(stack + offset as i32),
                At::Vector => Val::ANY,
            };
            self.check_reference(value, ty, "it passes")?;
        }
        Ok(())
    }

    /// Cells of the frame whose address a register holds, from which on this many are passed.
    pub(crate) fn frame_cells(
        &self,
        state: &State,
        register: u8,
        count: u32,
        sp: i32,
    ) -> Result<i32, Problem> {
        let Kind::Stack(at) = state.reg(register).kind else {
            return calls("it passes no cells of its frame");
        };
        let end = i64::from(at) + i64::from(count) * i64::from(VALUE);
        ensure(at >= sp && end <= 0, Property::Calls, "the cells that it passes are outside of the frame")?;
        Ok(at)
    }

    fn pass_to_import(&mut self, state: &mut State, import: u32, sp: i32) -> Result<(), Problem> {
        let ty = self.module.imported_functions[import as usize];
        let Some(ty) = self.module.ty(ty) else { return calls("the import is of an unknown type") };
        let [context, values, caller, ..] = SYSTEM;
        let holds = state.reg(context).kind == Kind::ImportContext(import);
        ensure(holds, Property::Calls, "it passes the context of another import")?;
        ensure(state.reg(caller).kind == Kind::Vmctx, Property::Calls, "it does not pass its vmctx")?;
        let count = ty.params.len().max(ty.results.len()) as u32;
        let at = self.frame_cells(state, values, count, sp)?;
        self.check_cells(state, at, &ty.params, "it passes")?;
        state.forget_words(at, count * VALUE);
        Ok(())
    }

    /// Records the results that a callee returns. If it throws, the results are unknown.
    fn take_results(&mut self, state: &mut State, callee: &Callee<'_>, cells: Val, values: Val, sp: i32) {
        match callee {
            Callee::Tail { signature, .. } => {
                state.set(RSP, Val::of(Kind::Stack(sp + signature.stack as i32)));
                for (position, &(at, ty)) in (RESULTS..).zip(&signature.func_results) {
                    let kind = reference(ty.heap, ty.nullable);
                    match (at, cells.kind) {
                        (At::Register(register), _) => {
                            let name = self.new_name(state, position);
                            state.set(register, Val { kind, name });
                        }
                        (At::Memory(offset), Kind::Stack(at)) => {
                            state.set_word(at + offset as i32, Val::of(kind));
                        }
                        _ => {}
                    }
                }
            }
            Callee::Import(import) => {
                let ty = self.module.imported_functions.get(*import as usize);
                let (Some(ty), Kind::Stack(at)) = (ty.and_then(|&ty| self.module.ty(ty)), values.kind) else {
                    return;
                };
                for (ty, offset) in ty.results.iter().zip((at..).step_by(VALUE as usize)) {
                    if let ValType::Ref(ty) = ty
                        && ty.heap.is_func()
                    {
                        state.set_word(offset, Val::of(reference(ty.heap, ty.nullable)));
                    }
                }
            }
            Callee::Builtin(_) => {}
        }
    }

    /// Forgets registers that a callee need not preserve, and what ends with a call.
    fn forget_after_call(&self, state: &mut State) {
        for register in (0..16).filter(|&register| !is_preserved(self.module, register)) {
            state.set(register, Val::ANY);
        }
        for value in state.regs.iter_mut().chain(state.words.iter_mut().map(|word| &mut word.1)) {
            match value.kind {
                Kind::Exception(_) => *value = Val::ANY,
                // The callee may have had it grow.
                Kind::Length { item, .. } => value.kind = Kind::Length { item, current: false },
                Kind::Meter(_) => *value = Val::ANY,
                _ => {}
            }
        }
        if self.module.is_metered() {
            state.set(R15, Val::of(Kind::Meter(0)));
        }
    }

    pub(crate) fn return_from(&mut self, state: &State, instruction: &Instruction) -> Result<Flow, Problem> {
        let popped = if instruction.op_count() > 0 { instruction.immediate(0) as i32 } else { 0 };
        let at_address = state.sp().filter(|&sp| state.word(sp).kind == Kind::ReturnAddress);
        let Some(sp) = at_address else {
            return problem(Property::Stack, "it does not return to the caller");
        };
        let balanced = i64::from(sp) + i64::from(popped) == i64::from(self.signature.stack);
        ensure(balanced, Property::Stack, "it does not remove its parameters from the stack")?;
        self.check_preserved(state)?;
        self.check_meter_at_return(state)?;
        for &(at, ty) in &self.signature.func_results {
            let value = match at {
                At::Register(register) => state.reg(register),
                At::Memory(offset) => state.word(AREA + offset as i32),
                At::Vector => Val::ANY,
            };
            self.check_reference(value, ty, "it returns")?;
        }
        if self.range.kind == CodeKind::ArrayEntry
            && let Some(ty) = self.module.ty(self.range.ty)
        {
            self.check_cells(state, AREA, &ty.results, "it returns")?;
        }
        Ok(Flow::Stop)
    }

    pub(crate) fn tail_call(&mut self, state: &State, instruction: &Instruction) -> Result<Flow, Problem> {
        let Callee::Tail { signature, vmctx, .. } = self.callee(state, instruction)? else {
            return calls("it jumps to code that follows another convention");
        };
        let follows = matches!(self.range.kind, CodeKind::Function | CodeKind::Thunk);
        ensure(follows, Property::Calls, "code of another convention jumps out of its function")?;
        let at_address = state.sp().filter(|&sp| state.word(sp).kind == Kind::ReturnAddress);
        let Some(sp) = at_address else {
            return problem(Property::Stack, "the return address is not where the callee expects it");
        };
        let balanced = i64::from(sp) + i64::from(signature.stack) == i64::from(self.signature.stack);
        ensure(
            balanced,
            Property::Stack,
            "the callee removes other parameters from the stack than this function",
        )?;
        ensure(sp.rem_euclid(16) == 0, Property::Stack, "the stack is not aligned at a tail call")?;
        self.check_preserved(state)?;
        self.check_meter_at_call(state)?;
        self.check_arguments(state, signature, vmctx, sp + 8)?;
        let same = signature.cells == self.signature.cells
            && (signature.cells == 0 || state.reg(RDI).kind == Kind::Area(0));
        ensure(same, Property::Calls, "the callee puts its results elsewhere")?;
        for &(at, ty) in &self.signature.func_results {
            let holds = signature.func_results.iter().any(|&(place, of)| place == at && of.is_subtype_of(ty));
            ensure(holds, Property::References, "the callee returns no such references")?;
        }
        Ok(Flow::Stop)
    }
}

/// The state at an entry.
pub(crate) fn entry_state(body: &Body<'_, '_>) -> State {
    let mut state = body.new_state();
    for register in [RBX, RBP, 12, 13, 14, R15] {
        let counts = register == R15 && body.module.is_metered();
        state.set(register, Val::of(if counts { Kind::Meter(0) } else { Kind::Entry(register) }));
    }
    state.set_word(0, Val::of(Kind::ReturnAddress));
    if body.range.kind == CodeKind::ArrayEntry {
        let [vmctx, cells, ..] = SYSTEM;
        state.set(vmctx, Val::of(Kind::Vmctx));
        state.set(cells, Val::of(Kind::Area(0)));
        let params = body.module.ty(body.range.ty).map(|ty| &*ty.params).unwrap_or_default();
        for (ty, at) in params.iter().zip((AREA..).step_by(VALUE as usize)) {
            if let ValType::Ref(ty) = ty
                && ty.heap.is_func()
            {
                state.set_word(at, Val::of(reference(ty.heap, ty.nullable)));
            }
        }
        return state;
    }
    if body.signature.cells > 0 {
        state.set(RDI, Val::of(Kind::Area(0)));
    }
    if let Some(register) = body.signature.vmctx {
        state.set(register, Val::of(Kind::Vmctx));
    }
    for &(at, ty) in &body.signature.func_params {
        let value = Val { kind: reference(ty.heap, ty.nullable), name: NO_NAME };
        match at {
            At::Register(register) => state.set(register, value),
            At::Memory(offset) => state.set_word(8 + offset as i32, value),
            At::Vector => {}
        }
    }
    state
}
