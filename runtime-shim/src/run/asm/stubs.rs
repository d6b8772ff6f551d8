//! The stubs that compiled code calls for builtins.
//!
//! **Invariant: a body runs on the host's stack**, and returns to compiled code, or leaves it, by its stub.

use crate::run::activation::Activation;
use crate::run::asm::{
    CELL, WINDOW_MASK, builtin_trapped, load_meter, save_guest, stub_asm, to_guest, to_landing,
};
use crate::run::builtins;
use crate::run::unwind;
use std::arch::naked_asm;
use std::mem::offset_of;
use wasmaot_abi::builtin::Builtin;

/// Defines the stub that compiled code calls for a builtin: it runs `$body` on the host's stack.
macro_rules! builtin_stub {
    ($stub:ident $metered:ident => $body:path) => {
        #[unsafe(naked)]
        #[unsafe(link_section = "wasmaot_stubs")]
        pub(super) unsafe extern "C" fn $stub() {
            stub_asm!(
                $metered, "rax", save: "",
                "call {body}",
                // The body may have charged for what it did.
                load_meter!($metered),
                "test edx, edx",
                "jnz 2f",
                to_guest!(),
                "2:",
                "jmp {trapped}",
                body = sym $body,
                trapped = sym builtin_trapped,
            )
        }
    };
}

/// Defines the stub that compiled code calls for a builtin that throws: it saves the registers that the guest
/// may rely on, runs `$body` on the host's stack with the activation as fourth argument, and goes where that
/// says.
macro_rules! throwing_stub {
    ($stub:ident $metered:ident => $body:path) => {
        #[unsafe(naked)]
        #[unsafe(link_section = "wasmaot_stubs")]
        pub(super) unsafe extern "C" fn $stub() {
            stub_asm!(
                $metered, "rcx", save: save_guest!(),
                "call {body}",
                // The body may have charged for what it did.
                load_meter!($metered),
                "jmp {landing}",
                body = sym $body,
                landing = sym to_landing,
            )
        }
    };
}

/// What compiled code calls for each builtin, in the order of their numbers.
pub(crate) type Builtins = [unsafe extern "C" fn(); Builtin::ALL.len()];

/// Defines the stubs of one kind of modules.
macro_rules! stubs_of {
    ($metered:ident: $($stub:ident => $kind:ident $body:path;)*) => {
        mod $metered {
            use super::*;

            $($kind!($stub $metered => $body);)*

            pub(super) static BUILTINS: Builtins = [$($stub),*];
        }
    };
}

macro_rules! builtin_stubs {
    ($($builtin:ident = $stub:ident => $kind:ident $body:path;)*) => {
        stubs_of!(metered: $($stub => $kind $body;)*);
        stubs_of!(unmetered: $($stub => $kind $body;)*);

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

/// What the code of modules calls that count their instructions, or of others.
pub(crate) fn builtins(metered: bool) -> &'static Builtins {
    if metered { &metered::BUILTINS } else { &unmetered::BUILTINS }
}

builtin_stubs! {
    MemoryGrow = memory_grow => builtin_stub builtins::memory_grow;
    MemoryFill = memory_fill => builtin_stub builtins::memory_fill;
    MemoryCopy = memory_copy => builtin_stub builtins::memory_copy;
    MemoryInit = memory_init => builtin_stub builtins::memory_init;
    DataDrop = data_drop => builtin_stub builtins::data_drop;
    TableGrow = table_grow => builtin_stub builtins::table_grow;
    TableFill = table_fill => builtin_stub builtins::table_fill;
    TableCopy = table_copy => builtin_stub builtins::table_copy;
    TableInit = table_init => builtin_stub builtins::table_init;
    ElemDrop = elem_drop => builtin_stub builtins::elem_drop;
    MemoryWait32 = memory_wait32 => builtin_stub builtins::memory_wait32;
    MemoryWait64 = memory_wait64 => builtin_stub builtins::memory_wait64;
    MemoryNotify = memory_notify => builtin_stub builtins::memory_notify;
    Throw = throw => throwing_stub unwind::throw;
    ThrowRef = throw_ref => throwing_stub unwind::throw_ref;
}
