//! What a fault means: a trap of the guest, a copy to be resumed, or none of our business.
//!
//! Dispatch is by address first, whatever instruction faulted: the inaccessible part of a stack is a stack overflow, a
//! memory's reservation is out of bounds. Only then by pc: the module's trap table. **Invariants: called in the signal
//! handler, so nothing here allocates, locks or panics. An activation is trusted only when the stack pointer is inside
//! a registered slot.**

use crate::activation::Activation;
use crate::registry::{self, Kind, Regions};
use crate::sys::asm;
use std::ops::Range;
use wasmaot_abi::slot::{ACTIVATION_CELL, STACK_WINDOW, VMCTX};
use wasmaot_abi::trap::TrapCode;

/// Faults below this address are accesses through null.
const NULL_AREA: usize = 64 << 10;

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
    /// It is a failure of the machine's memory or an unaligned access, not a missing page.
    pub(crate) memory_error: bool,
    /// The instruction.
    pub(crate) pc: usize,
    /// Stack pointer.
    pub(crate) rsp: usize,
    /// Frame pointer.
    pub(crate) rbp: usize,
}

/// What to do about a fault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Decision {
    /// Leave compiled code through this activation, with this trap.
    Trap(TrapCode, *mut Activation),
    /// Continue here.
    Resume(usize),
    /// Let somebody else have it.
    NotOurs,
}

/// Decides.
pub(crate) fn decide(fault: &Fault) -> Decision {
    if fault.memory_error {
        return Decision::NotOurs;
    }
    registry::read(|regions| {
        if opens_cold_page(fault, regions) {
            Decision::Resume(fault.pc)
        } else {
            trap_or_resume(fault, regions)
        }
    })
}

/// Makes a write-protected page of a pool's slot writable. Whoever wrote, compiled code or a copy of the host's, tries again.
fn opens_cold_page(fault: &Fault, regions: Regions<'_>) -> bool {
    if fault.signal != Signal::Segv || !fault.write {
        return false;
    }
    let slot = regions.at(fault.address).and_then(|region| region.slot(fault.address));
    slot.and_then(|slot| slot.tracker).is_some_and(|tracker| tracker.open_page(fault.address))
}

fn trap_or_resume(fault: &Fault, regions: Regions<'_>) -> Decision {
    match asm::guarded_resume(fault.pc) {
        Some(pc) if is_guest_data(fault, regions) => Decision::Resume(pc),
        Some(_) => Decision::NotOurs,
        None => guest_trap(fault, regions)
            .map_or(Decision::NotOurs, |(code, activation)| Decision::Trap(code, activation)),
    }
}

/// Whether a fault in a guarded copy is at an address that may legitimately have lost its pages.
fn is_guest_data(fault: &Fault, regions: Regions<'_>) -> bool {
    fault.signal == Signal::Bus && regions.at(fault.address).is_some()
}

fn guest_trap(fault: &Fault, regions: Regions<'_>) -> Option<(TrapCode, *mut Activation)> {
    let slot = regions.at(fault.rsp)?.slot(fault.rsp)?;
    let (start, stack_low) = (slot.range.start, slot.stack_low);
    let window = start..start + STACK_WINDOW as usize;
    if !window.contains(&fault.rsp) {
        return None;
    }
    let cell = (window.end - ACTIVATION_CELL as usize) as *const *mut Activation;
    // SAFETY: a registered slot's stack is mapped, and its last word is the activation cell.
    let activation = unsafe { cell.read() };
    if activation.is_null() {
        return None;
    }
    let code = match fault.signal {
        Signal::Segv if (window.start..stack_low).contains(&fault.address) => TrapCode::StackOverflow,
        Signal::Segv | Signal::Bus => by_address(fault, regions)?,
        Signal::Ill | Signal::Fpe => by_pc(fault.pc, regions)?,
    };
    Some((code, activation))
}

fn by_address(fault: &Fault, regions: Regions<'_>) -> Option<TrapCode> {
    text_at(fault.pc, regions)?;
    let gone = fault.signal == Signal::Bus;
    match regions.at(fault.address) {
        Some(region) => match region.kind {
            Kind::Slot { .. } | Kind::Pool(_) => {
                let slot = region.slot(fault.address)?;
                let inside = memory_of(&slot.range).contains(&fault.address);
                inside.then_some(if gone { TrapCode::ArtifactChanged } else { TrapCode::MemoryOutOfBounds })
            }
            Kind::Memory => Some(if gone { TrapCode::ArtifactChanged } else { TrapCode::MemoryOutOfBounds }),
            Kind::Module { .. } if gone => Some(TrapCode::ArtifactChanged),
            Kind::Module { .. } | Kind::Data => None,
        },
        None if !gone && fault.address < NULL_AREA => by_pc(fault.pc, regions),
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
        Kind::Module { text, traps } if text.contains(&pc) => Some((text, traps)),
        _ => None,
    }
}
