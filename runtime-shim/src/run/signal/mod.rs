//! Signals: faults, pokes from the watchdog, and what a thread needs to receive them.
//!
//! | file | holds |
//! |---|---|
//! | `dispositions.rs` | the handlers of the process: installing, checking and repairing them |
//! | `faults.rs` | the handler of faults, and chaining to the one that was there before |
//! | `number.rs`, `poke.rs` | the signal that stops runs: its choice, its handler, sending it |
//! | `room.rs` | the end of a guest's stack, opened for a handler of the host's until it returns |
//! | `context.rs` | what the kernel passes to a handler |
//! | `waits.rs` | which interrupted system calls end when a run is due |
//! | `thread_id.rs` | how signals are addressed to a thread |
//! | `threads.rs` | a thread's signal mask and alternate stack |
//!
//! **Invariants.** The handlers allocate nothing, take no lock, use no thread-local storage (see [`interrupt`](super::interrupt)), and call nothing that does. A fault that is not a guest's
//! goes to the handler that was there before. Compiled code only runs on threads with an alternate stack.

mod context;
mod dispositions;
mod faults;
pub(crate) mod number;
pub(crate) mod poke;
mod room;
pub(crate) mod thread_id;
pub(crate) mod threads;
mod waits;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod watchdog_tests;

pub(crate) use dispositions::{check, install};
pub(crate) use threads::{BlockAll, on_alternate_stack};

use crate::run::activation::{Activation, At};
use crate::run::asm;
use crate::run::protocol::reason;
use crate::run::registers::General;
use context::Registers;
use std::ffi::c_int;
use wasmaot_abi::trap::TrapCode;

impl At {
    fn of(registers: &Registers) -> Self {
        let register = |which: c_int| registers[which as usize] as usize;
        Self {
            pc: register(libc::REG_RIP),
            rsp: register(libc::REG_RSP),
            rbp: register(libc::REG_RBP),
            r15: register(libc::REG_R15),
        }
    }
}

/// Makes the interrupted thread leave compiled code.
///
/// # Safety
/// The registers are those of a thread on the stack of a slot whose cell holds this activation: it is the running one of this thread,
/// and its Rust owner waits inside `enter`.
unsafe fn leave(registers: &mut Registers, activation: *mut Activation, code: TrapCode, at: At) {
    // SAFETY: as the caller states.
    let host_rsp = unsafe { Activation::note_fault(activation, code, at) };
    to_host(registers, activation, host_rsp, reason::FAULT);
}

/// Makes the interrupted thread leave compiled code, to go on there in its next time slice. If its registers cannot be kept, it goes on now.
///
/// # Safety
/// As for [`leave`], with all that the kernel has saved of the thread.
unsafe fn yield_later(state: &mut libc::mcontext_t, activation: *mut Activation) {
    let general = general(&state.gregs);
    // SAFETY: as the caller states.
    if let Some(host_rsp) = unsafe { Activation::interrupt(activation, general, state.fpregs.cast()) } {
        to_host(&mut state.gregs, activation, host_rsp, reason::INTERRUPTED);
    }
}

/// Has the thread go on in [`asm::leave`].
fn to_host(registers: &mut Registers, activation: *mut Activation, host_rsp: u64, reason: u32) {
    registers[libc::REG_RIP as usize] = asm::leave as *const () as i64;
    registers[libc::REG_RDI as usize] = activation as i64;
    registers[libc::REG_RSI as usize] = i64::from(reason);
    registers[libc::REG_RSP as usize] = host_rsp as i64;
}

/// The registers of an interrupted thread.
fn general(registers: &Registers) -> General {
    let register = |which: c_int| registers[which as usize] as u64;
    General {
        rax: register(libc::REG_RAX),
        rbx: register(libc::REG_RBX),
        rcx: register(libc::REG_RCX),
        rdx: register(libc::REG_RDX),
        rsi: register(libc::REG_RSI),
        rdi: register(libc::REG_RDI),
        rbp: register(libc::REG_RBP),
        rsp: register(libc::REG_RSP),
        r8: register(libc::REG_R8),
        r9: register(libc::REG_R9),
        r10: register(libc::REG_R10),
        r11: register(libc::REG_R11),
        r12: register(libc::REG_R12),
        r13: register(libc::REG_R13),
        r14: register(libc::REG_R14),
        r15: register(libc::REG_R15),
        rip: register(libc::REG_RIP),
        flags: register(libc::REG_EFL),
    }
}
