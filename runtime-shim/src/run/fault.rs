//! What a fault means: a trap of the guest, a copy to be resumed, a handler that needs room, or none of the
//! runtime's business.
//!
//! Dispatch is by address first: the inaccessible part of a stack is a stack overflow, a memory's reservation
//! is out of bounds. Only then by pc: the module's trap table. A fault is a trap only if the instruction is
//! one of compiled code or of a stub: a handler of the host's that runs on a guest's stack is never
//! abandoned. **Invariants: called in the signal handler, so nothing here allocates, locks or panics. An
//! activation is trusted only when the stack pointer is inside a registered slot.**

use crate::os::guarded::{self, CopyError};
use crate::run::activation::{Activation, At, Interrupted};
use crate::run::asm;
use crate::run::interrupt::Next;
use crate::space::registry::{self, Kind, Regions};
use crate::space::reserve;
use crate::space::slot::{GuestStack, StackBounds};
use std::ops::Range;
use wasmaot_abi::slot::VMCTX;
use wasmaot_abi::trap::TrapCode;

/// Faults below this address are accesses through null.
const NULL_AREA: usize = 64 << 10;

/// The most bytes that the kernel puts on a stack to start a handler: all registers, which are 11 KiB with
/// the largest register files, and the red zone.
const SIGNAL_FRAME: usize = 16 << 10;

/// Which signal reported a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// An inaccessible address.
    Segv,
    /// No page behind an accessible address.
    Bus,
    /// An invalid instruction.
    Ill,
    /// A division.
    Fpe,
}

/// A fault as the kernel reported it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    /// The signal.
    pub(crate) signal: Signal,
    /// The address that was accessed.
    pub(crate) address: usize,
    /// The access was a write.
    pub(crate) write: bool,
    /// The kernel knows no address: it could not start a handler on the stack, for example.
    pub(crate) no_address: bool,
    /// It is a failure of the machine's memory or an unaligned access, not a missing page.
    pub(crate) memory_error: bool,
    /// Where.
    pub(crate) at: At,
}

/// What to do about a fault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Decision {
    /// Leave compiled code through this activation, with this trap.
    Trap(TrapCode, *mut Activation),
    /// Continue here.
    Resume(usize),
    /// A handler of the host's, which the kernel has started on this stack, needs more room.
    Reserve(StackBounds),
    /// Chain to the previously installed handler.
    NotOurs,
}

/// Decides.
pub(crate) fn decide(fault: &Fault) -> Decision {
    if fault.memory_error {
        return Decision::NotOurs;
    }
    registry::read(|regions| {
        if opens_cold_page(fault, regions) {
            Decision::Resume(fault.at.pc)
        } else {
            trap_or_resume(fault, regions)
        }
    })
}

/// Makes a write-protected page of a pool's slot writable. The writer, compiled code or a copy of the
/// host's, tries again.
fn opens_cold_page(fault: &Fault, regions: Regions<'_>) -> bool {
    if fault.signal != Signal::Segv || !fault.write {
        return false;
    }
    let slot = regions.slot(fault.address);
    slot.and_then(|slot| slot.tracker).is_some_and(|tracker| tracker.open_page(fault.address))
}

/// Whether a fault is a write to a write-protected page of a pool's slot, which could not be opened.
fn is_refused_page(fault: &Fault, regions: Regions<'_>) -> bool {
    if fault.signal != Signal::Segv || !fault.write {
        return false;
    }
    let slot = regions.slot(fault.address);
    slot.and_then(|slot| slot.tracker).is_some_and(|tracker| tracker.covers(fault.address))
}

fn trap_or_resume(fault: &Fault, regions: Regions<'_>) -> Decision {
    if guarded::contains(fault.at.pc) {
        return copy_error(fault, regions)
            .map_or(Decision::NotOurs, |error| Decision::Resume(error.landing()));
    }
    on_stack(fault, regions).unwrap_or(Decision::NotOurs)
}

/// What a fault in a guarded copy means, if it is at an address that may legitimately be inaccessible.
fn copy_error(fault: &Fault, regions: Regions<'_>) -> Option<CopyError> {
    if fault.signal == Signal::Bus && regions.at(fault.address).is_some() {
        return Some(CopyError::PagesGone);
    }
    is_refused_page(fault, regions).then_some(CopyError::PageRefused)
}

/// What becomes of the run in whose compiled code a thread was poked, if it does not just go on.
pub(crate) fn after_poke(at: At) -> Option<(Next, *mut Activation)> {
    registry::read(|regions| {
        let stack = stack_at(at, regions)?;
        text_at(at.pc, regions)?;
        let next = match stack.activation.causes().due() {
            Some(code) => Next::Stop(code),
            None if stack.activation.is_slice_over() => Next::Yield,
            None => return None,
        };
        Some((next, stack.activation.record()))
    })
}

/// A stack whose reserve is open.
pub(crate) struct OpenReserve<'a> {
    pub(crate) stack: GuestStack<'a>,
    pub(crate) activation: *mut Activation,
    /// Compiled code or a stub was interrupted, not a handler.
    pub(crate) is_guest: bool,
    /// Compiled code was interrupted, which can be left anywhere.
    pub(crate) is_compiled: bool,
}

/// Has `settle` deal with the stack that a thread was interrupted on, if its reserve is open.
pub(crate) fn open_reserve<R>(at: At, settle: impl FnOnce(OpenReserve<'_>) -> Option<R>) -> Option<R> {
    if !reserve::any_open() {
        return None;
    }
    registry::read(|regions| {
        let RunningStack { activation, .. } = stack_at(at, regions)?;
        let (stack, activation) = (activation.stack(), activation.record());
        let is_compiled = text_at(at.pc, regions).is_some();
        let is_guest = is_compiled || asm::is_stub(at.pc);
        let is_open = reserve::is_open(stack.bounds());
        is_open.then_some(OpenReserve { stack, activation, is_guest, is_compiled }).and_then(settle)
    })
}

/// The stack of a slot on which something runs.
struct RunningStack<'a> {
    activation: Interrupted<'a>,
    /// Its inaccessible low end.
    guard: Range<usize>,
}

impl RunningStack<'_> {
    /// Whether the kernel cannot start a handler below this stack pointer.
    fn has_no_room_at(&self, rsp: usize) -> bool {
        rsp.saturating_sub(SIGNAL_FRAME) < self.guard.end
    }
}

fn stack_at(at: At, regions: Regions<'_>) -> Option<RunningStack<'_>> {
    let slot = regions.slot(at.rsp)?;
    let activation = Interrupted::on(&slot, at)?;
    Some(RunningStack { activation, guard: slot.range.start..slot.stack_low })
}

/// Decides about a fault of a thread that is on a slot's stack: in compiled code, in a stub, or in a handler
/// that the kernel has started there.
fn on_stack(fault: &Fault, regions: Regions<'_>) -> Option<Decision> {
    let stack = stack_at(fault.at, regions)?;
    let is_guest = text_at(fault.at.pc, regions).is_some() || asm::is_stub(fault.at.pc);
    let at_end = fault.signal == Signal::Segv
        && (stack.guard.contains(&fault.address) || (fault.no_address && stack.has_no_room_at(fault.at.rsp)));
    if at_end && !is_guest {
        return Some(Decision::Reserve(stack.activation.stack().bounds()));
    }
    let code = match fault.signal {
        Signal::Segv if at_end => TrapCode::StackOverflow,
        Signal::Segv | Signal::Bus => by_address(fault, regions)?,
        Signal::Ill | Signal::Fpe => by_pc(fault.at.pc, regions)?,
    };
    Some(Decision::Trap(code, stack.activation.record()))
}

fn by_address(fault: &Fault, regions: Regions<'_>) -> Option<TrapCode> {
    text_at(fault.at.pc, regions)?;
    if is_refused_page(fault, regions) {
        return Some(TrapCode::OutOfMemory);
    }
    let gone = fault.signal == Signal::Bus;
    match regions.at(fault.address) {
        Some(region) => match region.kind {
            Kind::Slot { .. } | Kind::Pool(_) => {
                let slot = regions.slot(fault.address)?;
                let inside = memory_of(&slot.range).contains(&fault.address);
                inside.then_some(if gone { TrapCode::ArtifactChanged } else { TrapCode::MemoryOutOfBounds })
            }
            Kind::Memory => Some(if gone { TrapCode::ArtifactChanged } else { TrapCode::MemoryOutOfBounds }),
            Kind::Module { .. } if gone => Some(TrapCode::ArtifactChanged),
            Kind::Module { .. } | Kind::Data => None,
        },
        None if !gone && fault.address < NULL_AREA => by_pc(fault.at.pc, regions),
        None => None,
    }
}

/// A slot's linear memory with its guard.
fn memory_of(slot: &Range<usize>) -> Range<usize> {
    slot.start + VMCTX as usize..slot.end
}

fn by_pc(pc: usize, regions: Regions<'_>) -> Option<TrapCode> {
    let (text, traps) = text_at(pc, regions)?;
    traps.lookup(u32::try_from(pc - text.start).ok()?)
}

fn text_at<'a>(
    pc: usize,
    regions: Regions<'a>,
) -> Option<(&'a Range<usize>, &'a wasmaot_abi::trap::TrapTable<'static>)> {
    match &regions.at(pc)?.kind {
        Kind::Module { text, traps, .. } if text.contains(&pc) => Some((text, traps)),
        _ => None,
    }
}
