//! The few lines of assembly that enter and leave compiled code.
//!
//! ```text
//!   host stack                              slot's stack
//!   ------------------------------------    --------------------------------------------
//!   Rust caller
//!   enter: saved registers, MXCSR
//!        ^-- Activation::host_rsp
//!          ------- switch to guest_rsp ---> array entry -> compiled code
//!                                             calls a stub: push rbp
//!          <--- switch to host_rsp -------      ^-- Activation::guest_fp
//!   host function or builtin body
//!          ------- back to guest_fp ------>   pop rbp; ret
//! ```
//!
//! Guests always run with the default MXCSR, and a host function with the one that the host had when it
//! called the guest; what a host function sets lasts until it returns. So MXCSR is loaded at every crossing.
//! To compare it first would need `stmxcsr`, which takes ten times as long as `ldmxcsr` on a Zen 4. Guests do
//! not use the x87 control word, so it is only kept for the host, over the call as a whole: from the first
//! stub on, as only what a stub calls can change it. It is loaded only if it has changed: that is slow
//! everywhere. The flags of exceptions that happened, in the low bits of MXCSR, are preserved for neither
//! side.
//!
//! Stubs come in two kinds: those that modules with a meter get (see [`wasmaot_abi::meter`]) take it out of
//! its register on the way to the host, and back; for others that register is one that the host preserves
//! like any.
//!
//! At the end of a time slice the handler of the poke signal makes a guest leave in the middle of its code,
//! with all registers saved. Stubs that find the slice over save those that their caller relies on, and leave
//! as if the guest were interrupted where they return to. Either way [`go_on`] leads back.
//!
//! **Invariants.** The host's stack is cut back to `host_rsp` whenever control comes back from the guest, by
//! whichever way, and the callee-saved registers, MXCSR and the x87 control word are as they were. The frame
//! chain of the guest ends with a zero rbp. No Rust frame ever lies on a slot's stack.

pub(crate) mod stubs;
#[cfg(test)]
mod tests;

use crate::code::raw_value::RawValue;
use crate::run::activation::{Activation, Landing, StubRegisters};
use crate::run::protocol::{BuiltinResult, answer, reason};
use crate::run::registers::{AREA_MXCSR, AREA_XMM, General};
use crate::run::unwind;
use std::arch::{global_asm, naked_asm};
use std::mem::offset_of;
use wasmaot_abi::entry::MXCSR;
use wasmaot_abi::slot::{STACK_WINDOW, VMCTX};
use wasmaot_abi::state::ACTIVATION_CELL;

/// Low bits of a stack pointer that vary within a slot's stack window.
pub(crate) const WINDOW_MASK: u32 = (STACK_WINDOW - 1) as u32;

/// Distance of the activation cell from the last byte of the stack window.
pub(crate) const CELL: i32 = 1 - (STACK_WINDOW - VMCTX + ACTIVATION_CELL) as i32;

/// Saves what the host relies on where [`leave`] finds it.
macro_rules! save_host {
    () => {
        "push rbp
        mov rbp, rsp
        push rbx
        push r12
        push r13
        push r14
        push r15
        sub rsp, 8
        stmxcsr [rsp]"
    };
}

/// Saves the x87 control word of a host that goes on with a guest which has called a stub before.
macro_rules! save_x87 {
    () => {
        "fnstcw [rsi + {x87}]"
    };
}

/// Calls an array entry on a slot's stack and says how control came back (see [`reason`]).
///
/// # Safety
/// `entry` is an array entry of a mapped module and `context` its first argument; `values` has the cells that
/// it uses; `guest_rsp` is a multiple of 16 inside a slot's stack below which nothing is alive; the slot's
/// activation cell holds `activation`; the calling thread has an alternate signal stack.
#[unsafe(naked)]
#[unsafe(link_section = "wasmaot_stubs")]
pub(crate) unsafe extern "C" fn enter(
    entry: u64,
    context: u64,
    values: *mut RawValue,
    guest_rsp: u64,
    activation: *mut Activation,
) -> u32 {
    naked_asm!(
        save_host!(),
        "mov [r8 + {host_rsp}], rsp",
        "mov r15, [r8 + {meter}]",
        "ldmxcsr [rip + {mxcsr}]",
        "cld",
        "mov rax, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "mov rsp, rcx",
        "xor edx, edx", // called by the host: no calling instance
        "xor ebp, ebp", // the guest's frame chain ends here
        "call rax",
        // Not necessarily the activation it began with: see `resume`.
        "mov rdi, rsp",
        "or rdi, {mask}",
        "mov rdi, [rdi + {cell}]",
        "mov [rdi + {meter}], r15",
        "xor esi, esi",
        "jmp {leave}",
        mask = const WINDOW_MASK,
        cell = const CELL,
        meter = const offset_of!(Activation, meter),
        host_rsp = const offset_of!(Activation, host_rsp),
        mxcsr = sym GUEST_MXCSR,
        leave = sym leave,
    )
}

/// Goes on with a guest that a host function's stub left with [`reason::SUSPENDED`], as if the host function
/// returned now, and says how control came back. The thread need not be the same.
///
/// # Safety
/// `guest_fp` is the stub's frame, and everything above it and the registers saved below it are as they were
/// then. The slot's activation cell holds `activation`; the calling thread has an alternate signal stack.
#[unsafe(naked)]
#[unsafe(link_section = "wasmaot_stubs")]
pub(crate) unsafe extern "C" fn resume(guest_fp: u64, activation: *mut Activation) -> u32 {
    naked_asm!(
        save_host!(),
        save_x87!(),
        "mov [rsi + {host_rsp}], rsp",
        "ldmxcsr [rip + {mxcsr}]",
        "cld",
        "mov rbx, [rdi - 8]",
        "mov r12, [rdi - 16]",
        "mov r13, [rdi - 24]",
        "mov r14, [rdi - 32]",
        "mov r15, [rsi + {meter}]",
        "mov rsp, rdi",
        "pop rbp",
        "ret",
        host_rsp = const offset_of!(Activation, host_rsp),
        meter = const offset_of!(Activation, meter),
        x87 = const offset_of!(Activation, x87),
        mxcsr = sym GUEST_MXCSR,
    )
}

/// Goes on with a guest that was interrupted at the end of a time slice, with all its registers, and says how
/// control came back. The thread need not be the same.
///
/// The last instruction takes place, stack and flags from the host's stack at once. So nothing is ever
/// written below the guest's stack pointer, where there may be no room, and no handler starts on a stack that
/// is neither the host's nor in the guest's state.
///
/// # Safety
/// The registers are those with which the guest was left, its stack is as it was then, and `area` is what
/// goes with them. The slot's activation cell holds `activation`; the calling thread has an alternate signal
/// stack.
#[unsafe(naked)]
#[unsafe(link_section = "wasmaot_stubs")]
pub(crate) unsafe extern "C" fn go_on(
    registers: *const General,
    area: *const u8,
    components: u32,
    activation: *mut Activation,
) -> u32 {
    naked_asm!(
        save_host!(),
        "mov [rcx + {host_rsp}], rsp",
        "mov eax, edx",
        "xor edx, edx",
        "test eax, eax",
        "jz 2f",
        "xrstor64 [rsi]",
        "jmp 3f",
        // Without that instruction there are no other vectors than these.
        "2:",
        "ldmxcsr [rsi + {mxcsr}]",
        "movups xmm0, [rsi + {xmm}]",
        "movups xmm1, [rsi + {xmm} + 16]",
        "movups xmm2, [rsi + {xmm} + 32]",
        "movups xmm3, [rsi + {xmm} + 48]",
        "movups xmm4, [rsi + {xmm} + 64]",
        "movups xmm5, [rsi + {xmm} + 80]",
        "movups xmm6, [rsi + {xmm} + 96]",
        "movups xmm7, [rsi + {xmm} + 112]",
        "movups xmm8, [rsi + {xmm} + 128]",
        "movups xmm9, [rsi + {xmm} + 144]",
        "movups xmm10, [rsi + {xmm} + 160]",
        "movups xmm11, [rsi + {xmm} + 176]",
        "movups xmm12, [rsi + {xmm} + 192]",
        "movups xmm13, [rsi + {xmm} + 208]",
        "movups xmm14, [rsi + {xmm} + 224]",
        "movups xmm15, [rsi + {xmm} + 240]",
        "3:",
        "mov eax, ss",
        "push rax",
        "push [rdi + {rsp}]",
        "push [rdi + {flags}]",
        "mov eax, cs",
        "push rax",
        "push [rdi + {rip}]",
        "mov rax, [rdi + {rax}]",
        "mov rbx, [rdi + {rbx}]",
        "mov rcx, [rdi + {rcx}]",
        "mov rdx, [rdi + {rdx}]",
        "mov rsi, [rdi + {rsi}]",
        "mov rbp, [rdi + {rbp}]",
        "mov r8, [rdi + {r8}]",
        "mov r9, [rdi + {r9}]",
        "mov r10, [rdi + {r10}]",
        "mov r11, [rdi + {r11}]",
        "mov r12, [rdi + {r12}]",
        "mov r13, [rdi + {r13}]",
        "mov r14, [rdi + {r14}]",
        "mov r15, [rdi + {r15}]",
        "mov rdi, [rdi + {rdi}]",
        "iretq",
        host_rsp = const offset_of!(Activation, host_rsp),
        mxcsr = const AREA_MXCSR,
        xmm = const AREA_XMM,
        rax = const offset_of!(General, rax),
        rbx = const offset_of!(General, rbx),
        rcx = const offset_of!(General, rcx),
        rdx = const offset_of!(General, rdx),
        rsi = const offset_of!(General, rsi),
        rdi = const offset_of!(General, rdi),
        rbp = const offset_of!(General, rbp),
        rsp = const offset_of!(General, rsp),
        r8 = const offset_of!(General, r8),
        r9 = const offset_of!(General, r9),
        r10 = const offset_of!(General, r10),
        r11 = const offset_of!(General, r11),
        r12 = const offset_of!(General, r12),
        r13 = const offset_of!(General, r13),
        r14 = const offset_of!(General, r14),
        r15 = const offset_of!(General, r15),
        rip = const offset_of!(General, rip),
        flags = const offset_of!(General, flags),
    )
}

/// SSE control word of compiled code.
static GUEST_MXCSR: u32 = MXCSR;

/// Returns from [`enter`] with this reason, dropping whatever the guest's stack holds.
///
/// # Safety
/// Only reached by a jump, with an activation that is on the stack of the current thread.
#[unsafe(naked)]
#[unsafe(link_section = "wasmaot_stubs")]
pub(crate) unsafe extern "C" fn leave(activation: *mut Activation, reason: u32) -> ! {
    naked_asm!(
        "mov rsp, [rdi + {host_rsp}]",
        "mov eax, esi",
        "ldmxcsr [rsp]",
        "cmp qword ptr [rdi + {guest_fp}], 0",
        "je 2f",
        "fnstcw [rsp]",
        "movzx ecx, word ptr [rsp]",
        "cmp cx, [rdi + {x87}]",
        "je 2f",
        "fldcw [rdi + {x87}]",
        "2:",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
        host_rsp = const offset_of!(Activation, host_rsp),
        guest_fp = const offset_of!(Activation, guest_fp),
        x87 = const offset_of!(Activation, x87),
    )
}

/// The body of a stub, which begins by leading from the guest to the host's stack, with the activation in a
/// register: rbp is the frame that it leaves on the guest's. What `save` says is done before control leaves
/// that. Where the guest has a meter, what it shows is noted first: if there is no room for the frame, the
/// guest ends here.
macro_rules! stub_asm {
    (metered, $activation:literal, save: $save:expr, $($rest:tt)*) => {
        stub_asm!(
            @ $activation, ["mov [", $activation, " + {meter}], r15\n"], $save, $($rest)*
            meter = const offset_of!(Activation, meter),
        )
    };
    (unmetered, $activation:literal, save: $save:expr, $($rest:tt)*) => {
        stub_asm!(@ $activation, [], $save, $($rest)*)
    };
    (@ $activation:literal, [$($meter:literal),*], $save:expr, $($rest:tt)*) => {
        naked_asm!(
            concat!("mov ", $activation, ", rsp"),
            concat!("or ", $activation, ", {mask}"),
            concat!("mov ", $activation, ", [", $activation, " + {cell}]"),
            concat!($($meter),*),
            "push rbp",
            "mov rbp, rsp",
            $save,
            concat!("cmp qword ptr [", $activation, " + {guest_fp}], 0"),
            "jne 9f",
            concat!("fnstcw [", $activation, " + {x87}]"),
            "9:",
            concat!("mov [", $activation, " + {guest_fp}], rbp"),
            concat!("mov rsp, [", $activation, " + {host_rsp}]"),
            $($rest)*
            mask = const WINDOW_MASK,
            cell = const CELL,
            guest_fp = const offset_of!(Activation, guest_fp),
            x87 = const offset_of!(Activation, x87),
            host_rsp = const offset_of!(Activation, host_rsp),
        )
    };
}
pub(crate) use stub_asm;

/// Leads a stub back to the guest.
macro_rules! to_guest {
    () => {
        "mov rsp, rbp
        pop rbp
        ret"
    };
}
pub(crate) use to_guest;

/// Saves the registers that the guest's caller may rely on, and that a host function's body has preserved,
/// where a suspended guest keeps them. If there is no room, that is the guest's overflow.
macro_rules! save_guest {
    () => {
        "mov [rbp - 8], rbx
        mov [rbp - 16], r12
        mov [rbp - 24], r13
        mov [rbp - 32], r14
        mov [rbp - 40], r15"
    };
}
pub(crate) use save_guest;

/// Loads what the meter shows after the host has run; the host may have set it.
macro_rules! load_meter {
    (metered) => {
        "mov rcx, rbp
        or rcx, {mask}
        mov rcx, [rcx + {cell}]
        mov r15, [rcx + {meter}]"
    };
    (unmetered) => {
        ""
    };
}
pub(crate) use load_meter;

/// Defines the array entry of every host function, for one kind of modules. `context` points to the host
/// function's record, whose first word is the function that continues on the host's stack: `extern "C"
/// fn(record, values, caller, activation) -> u32`, which gives an [`answer`].
macro_rules! host_entry {
    ($stub:ident, $metered:ident) => {
        #[unsafe(naked)]
        #[unsafe(link_section = "wasmaot_stubs")]
        unsafe extern "C" fn $stub(context: u64, values: *mut RawValue, caller: u64) {
            stub_asm!(
                $metered, "rcx", save: "",
                // The host gets the control word that it called with, which `save_host` has put there.
                "ldmxcsr [rsp]",
                "call [rdi]",
                load_meter!($metered),
                "ldmxcsr [rip + {guest_mxcsr}]",
                "test eax, eax",
                "jnz 2f",
                to_guest!(),
                "2:",
                "mov rdi, rbp",
                "or rdi, {mask}",
                "mov rdi, [rdi + {cell}]",
                "cmp eax, {yields}",
                "je {yield_at_stub}",
                "cmp eax, {exit}",
                "mov esi, {host}",
                "je {leave}",
                "mov [rdi + {r15}], r15",
                "mov rsp, rbp",
                save_guest!(),
                "cmp eax, {throw}",
                "mov esi, {suspended}",
                "jne {leave}",
                "mov rsp, [rdi + {host_rsp}]",
                "call {throw_pending}",
                "jmp {landing}",
                guest_mxcsr = sym GUEST_MXCSR,
                yields = const answer::YIELD,
                yield_at_stub = sym yield_at_stub,
                exit = const answer::EXIT,
                throw = const answer::THROW,
                throw_pending = sym unwind::throw_pending,
                landing = sym to_landing,
                suspended = const reason::SUSPENDED,
                r15 = const offset_of!(Activation, meter),
                host = const reason::HOST,
                leave = sym leave,
            )
        }
    };
}

host_entry!(host_entry_metered, metered);
host_entry!(host_entry_unmetered, unmetered);

/// The array entry of every host function, for modules that count their instructions or for others.
pub(crate) fn host_entry(metered: bool) -> u64 {
    (if metered { host_entry_metered } else { host_entry_unmetered }) as *const () as u64
}

/// Goes where a [`BuiltinResult`](crate::run::protocol::BuiltinResult) in rax and rdx says: out of the guest
/// with a trap code or what is pending, or to a landing pad, with the registers as the guest's stub found
/// them but for those that a landing pad gets.
///
/// # Safety
/// Only reached by a jump, with the stub's frame pointer in rbp.
#[unsafe(naked)]
#[unsafe(link_section = "wasmaot_stubs")]
pub(crate) unsafe extern "C" fn to_landing() -> ! {
    naked_asm!(
        "test edx, edx",
        "jnz {trapped}",
        "test rax, rax",
        "jz 2f",
        "mov rsp, [rax + {sp}]",
        "mov rbp, [rax + {fp}]",
        "mov rcx, [rax + {pc}]",
        "mov rdx, [rax + {values}]",
        "mov rax, [rax + {exception}]",
        "jmp rcx",
        "2:",
        "mov rdi, rbp",
        "or rdi, {mask}",
        "mov rdi, [rdi + {cell}]",
        "mov esi, {host}",
        "jmp {leave}",
        trapped = sym builtin_trapped,
        sp = const offset_of!(Landing, sp),
        fp = const offset_of!(Landing, fp),
        pc = const offset_of!(Landing, pc),
        values = const offset_of!(Landing, values),
        exception = const offset_of!(Landing, exception),
        mask = const WINDOW_MASK,
        cell = const CELL,
        host = const reason::HOST,
        leave = sym leave,
    )
}

/// Goes on with a suspended guest at a landing pad, and says how control came back; see [`resume`].
///
/// # Safety
/// As for [`resume`], with a landing pad on that stack.
#[unsafe(naked)]
#[unsafe(link_section = "wasmaot_stubs")]
pub(crate) unsafe extern "C" fn land(landing: *const Landing, activation: *mut Activation) -> u32 {
    naked_asm!(
        save_host!(),
        save_x87!(),
        "mov [rsi + {host_rsp}], rsp",
        "ldmxcsr [rip + {mxcsr}]",
        "cld",
        "mov r15, [rsi + {meter}]",
        "mov rax, rdi",
        "xor edx, edx",
        "jmp {landing}",
        meter = const offset_of!(Activation, meter),
        host_rsp = const offset_of!(Activation, host_rsp),
        x87 = const offset_of!(Activation, x87),
        mxcsr = sym GUEST_MXCSR,
        landing = sym to_landing,
    )
}

/// Leaves a builtin's stub with what edx says instead of a trap, or the trap code.
///
/// # Safety
/// Only reached by a jump from a builtin's stub, on the host's stack, with its frame pointer in rbp.
#[unsafe(naked)]
#[unsafe(link_section = "wasmaot_stubs")]
pub(crate) unsafe extern "C" fn builtin_trapped() -> ! {
    naked_asm!(
        "mov rdi, rbp",
        "or rdi, {mask}",
        "mov rdi, [rdi + {cell}]",
        "cmp edx, {yields}",
        "je {yield_at_stub}",
        "cmp edx, {lands_later}",
        "mov esi, {interrupted}",
        "je {leave}",
        "mov [rdi + {trap}], edx",
        "mov esi, {builtin}",
        "jmp {leave}",
        yields = const BuiltinResult::YIELDS,
        yield_at_stub = sym yield_at_stub,
        lands_later = const BuiltinResult::LANDS_LATER,
        interrupted = const reason::INTERRUPTED,
        mask = const WINDOW_MASK,
        cell = const CELL,
        trap = const offset_of!(Activation, trap),
        builtin = const reason::BUILTIN,
        leave = sym leave,
    )
}

/// Leaves the guest where its stub would return to it, with what the stub has in rax, and the registers that
/// it has preserved.
///
/// # Safety
/// Only reached by a jump from a stub, on the host's stack, with the activation in rdi and the stub's frame
/// pointer in rbp. The guest's registers that a callee preserves are as they were when it called the stub,
/// but for the meter, which is as it is to be.
#[unsafe(naked)]
#[unsafe(link_section = "wasmaot_stubs")]
unsafe extern "C" fn yield_at_stub() -> ! {
    naked_asm!(
        "push r15",
        "push r14",
        "push r13",
        "push r12",
        "push rbx",
        "push rax",
        "mov rbx, rdi",
        "mov rsi, rsp",
        "call {keep}",
        "mov rdi, rbx",
        "mov esi, {yielded}",
        "jmp {leave}",
        keep = sym keep_stub,
        yielded = const reason::YIELDED,
        leave = sym leave,
    )
}

/// The part of [`yield_at_stub`] that is no assembly.
///
/// # Safety
/// The activation is the running one, and its guest called a stub.
unsafe extern "C" fn keep_stub(activation: *mut Activation, saved: *const StubRegisters) {
    // SAFETY: the activation is the running one, as the caller says, so its owner waits and holds no
    // reference to it. The stub has pushed the registers in this order.
    unsafe { (*activation).yield_at_stub(&*saved) }
}

// Shared libraries are not to export the linker's symbols.
global_asm!(".hidden __start_wasmaot_stubs", ".hidden __stop_wasmaot_stubs");

unsafe extern "C" {
    // The linker defines these for a section whose name is an identifier.
    #[link_name = "__start_wasmaot_stubs"]
    static STUBS_START: u8;
    #[link_name = "__stop_wasmaot_stubs"]
    static STUBS_END: u8;
}

/// Whether the instruction at `pc` is one of the stubs between guests and the host.
pub(crate) fn is_stub(pc: usize) -> bool {
    (&raw const STUBS_START as usize..&raw const STUBS_END as usize).contains(&pc)
}
