//! Builtins: the runtime functions that compiled code calls, by index in a table.
//!
//! Each is `extern "C"` over 64-bit integers: the vmctx first, narrower operands zero-extended, at most six
//! in all. **Invariant: a builtin that traps does not return.** New builtins are appended, never inserted:
//! the index is part of the ABI. A new one has its stub and body in the runtime (`run/asm/stubs.rs`,
//! `run/builtins.rs`), its operator in `calls` of the compiler's `translate/meter.rs`, and its arguments in
//! the verifier's `builtins.rs`, and a minor of the ABI in `version.rs`. One that changes tables, or has
//! a helper, is also noted in the compiler's `module/survey.rs`.

macro_rules! builtins {
    ($($(#[$doc:meta])* $name:ident = $symbol:literal ($($arg:ident),*) $(-> $result:ident)?;)*) => {
        /// A runtime function that compiled code calls.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum Builtin { $($(#[$doc])* $name),* }

        impl Builtin {
            /// All of them, in table order.
            pub const ALL: &[Builtin] = &[$(Builtin::$name),*];

            /// Its name in listings.
            pub const fn name(self) -> &'static str {
                match self { $(Builtin::$name => $symbol),* }
            }

            /// Number of parameters, the vmctx included.
            pub const fn params(self) -> usize {
                match self { $(Builtin::$name => <[&str]>::len(&[$(stringify!($arg)),*]) + 1),* }
            }

            /// Whether it returns a value.
            pub const fn returns(self) -> bool {
                match self { $(Builtin::$name => <[&str]>::len(&[$(stringify!($result))?]) != 0),* }
            }
        }
    };
}

builtins! {
    /// Grows a memory by `pages`; the old size in pages, or all ones if it cannot grow.
    MemoryGrow = "memory_grow" (memory, pages) -> old;
    /// `memory.fill`.
    MemoryFill = "memory_fill" (memory, to, byte, length);
    /// `memory.copy`.
    MemoryCopy = "memory_copy" (to_memory, from_memory, to, from, length);
    /// `memory.init`.
    MemoryInit = "memory_init" (memory, segment, to, from, length);
    /// `data.drop`.
    DataDrop = "data_drop" (segment);
    /// Grows a table by `count` elements of `value`; the old length, or all ones if it cannot grow.
    TableGrow = "table_grow" (table, value, count) -> old;
    /// `table.fill`.
    TableFill = "table_fill" (table, to, value, length);
    /// `table.copy`.
    TableCopy = "table_copy" (to_table, from_table, to, from, length);
    /// `table.init`.
    TableInit = "table_init" (table, segment, to, from, length);
    /// `elem.drop`.
    ElemDrop = "elem_drop" (segment);
    /// `memory.atomic.wait32` at `address + offset`; timeouts are in nanoseconds, none if negative. 0 if
    /// woken, 1 if the value was another, 2 if the time was up.
    MemoryWait32 = "memory_wait32" (memory, offset, address, expected, timeout) -> outcome;
    /// `memory.atomic.wait64`, likewise.
    MemoryWait64 = "memory_wait64" (memory, offset, address, expected, timeout) -> outcome;
    /// `memory.atomic.notify` at `address + offset`; how many were woken.
    MemoryNotify = "memory_notify" (memory, offset, address, count) -> woken;
    /// `throw`: an exception of this tag with the values in these cells. Does not return: control lands as
    /// [`crate::exception`] says.
    Throw = "throw" (tag, values);
    /// `throw_ref` and `rethrow`, likewise.
    ThrowRef = "throw_ref" (exception);
}

impl Builtin {
    /// Offset of its address in the table of builtins.
    pub const fn offset(self) -> i32 {
        self as i32 * 8
    }
}
