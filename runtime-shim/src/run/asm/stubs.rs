//! The stubs that compiled code calls for builtins.
//!
//! **Invariant: a body runs on the host's stack**, and returns to compiled code, or leaves it, by its stub.

use crate::run::activation::Activation;
use crate::run::asm::{CELL, WINDOW_MASK, builtin_trapped, to_landing};
use crate::run::builtins;
use crate::run::unwind;
use std::arch::naked_asm;
use std::mem::offset_of;
use wasmaot_abi::builtin::Builtin;

/// Defines the stub that compiled code calls for a builtin: it runs `$body` on the host's stack.
macro_rules! builtin_stub {
    ($stub:ident => $body:path) => {
        #[unsafe(naked)]
        #[unsafe(link_section = "wasmaot_stubs")]
        unsafe extern "C" fn $stub() {
            naked_asm!(
                "mov rax, rsp",
                "or rax, {mask}",
                "mov rax, [rax + {cell}]",
                "mov [rax + {meter}], r15",
                "push rbp",
                "mov rbp, rsp",
                "mov [rax + {guest_fp}], rbp",
                "mov rsp, [rax + {host_rsp}]",
                "call {body}",
                "test edx, edx",
                "jnz 2f",
                "mov rsp, rbp",
                "pop rbp",
                "ret",
                "2:",
                "jmp {trapped}",
                mask = const WINDOW_MASK,
                cell = const CELL,
                guest_fp = const offset_of!(Activation, guest_fp),
                host_rsp = const offset_of!(Activation, host_rsp),
                meter = const offset_of!(Activation, meter),
                body = sym $body,
                trapped = sym builtin_trapped,
            )
        }
    };
}

/// Defines the stub that compiled code calls for a builtin that throws: it saves the registers that the guest may rely on, runs `$body` on
/// the host's stack with the activation as fourth argument, and goes where that says.
macro_rules! throwing_stub {
    ($stub:ident => $body:path) => {
        #[unsafe(naked)]
        #[unsafe(link_section = "wasmaot_stubs")]
        unsafe extern "C" fn $stub() {
            naked_asm!(
                "mov rcx, rsp",
                "or rcx, {mask}",
                "mov rcx, [rcx + {cell}]",
                "mov [rcx + {meter}], r15",
                "push rbp",
                "mov rbp, rsp",
                "mov [rbp - 8], rbx",
                "mov [rbp - 16], r12",
                "mov [rbp - 24], r13",
                "mov [rbp - 32], r14",
                "mov [rbp - 40], r15",
                "mov [rcx + {guest_fp}], rbp",
                "mov rsp, [rcx + {host_rsp}]",
                "call {body}",
                "jmp {landing}",
                mask = const WINDOW_MASK,
                cell = const CELL,
                guest_fp = const offset_of!(Activation, guest_fp),
                host_rsp = const offset_of!(Activation, host_rsp),
                meter = const offset_of!(Activation, meter),
                body = sym $body,
                landing = sym to_landing,
            )
        }
    };
}

macro_rules! builtin_stubs {
    ($($builtin:ident = $stub:ident => $kind:ident $body:path;)*) => {
        $($kind!($stub => $body);)*

        /// What compiled code calls for each builtin, in the order of their numbers.
        pub(crate) static BUILTINS: [unsafe extern "C" fn(); Builtin::ALL.len()] = [$($stub),*];

        const _: () = {
            let order = [$(Builtin::$builtin as usize),*];
            let mut position = 0;
            while position < order.len() {
                assert!(order[position] == position, "builtins are out of order");
                position += 1;
            }
        };
    };
}

builtin_stubs! {
    MemoryGrow = memory_grow_stub => builtin_stub builtins::memory_grow;
    MemoryFill = memory_fill_stub => builtin_stub builtins::memory_fill;
    MemoryCopy = memory_copy_stub => builtin_stub builtins::memory_copy;
    MemoryInit = memory_init_stub => builtin_stub builtins::memory_init;
    DataDrop = data_drop_stub => builtin_stub builtins::data_drop;
    TableGrow = table_grow_stub => builtin_stub builtins::table_grow;
    TableFill = table_fill_stub => builtin_stub builtins::table_fill;
    TableCopy = table_copy_stub => builtin_stub builtins::table_copy;
    TableInit = table_init_stub => builtin_stub builtins::table_init;
    ElemDrop = elem_drop_stub => builtin_stub builtins::elem_drop;
    MemoryWait32 = memory_wait32_stub => builtin_stub builtins::memory_wait32;
    MemoryWait64 = memory_wait64_stub => builtin_stub builtins::memory_wait64;
    MemoryNotify = memory_notify_stub => builtin_stub builtins::memory_notify;
    Throw = throw_stub => throwing_stub unwind::throw;
    ThrowRef = throw_ref_stub => throwing_stub unwind::throw_ref;
}
