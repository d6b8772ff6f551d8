//! Assertions of the proposals' own sets that a later version or another proposal contradicts, or that go
//! beyond it.
//!
//! **Invariant: each entry is met and contradicted**: an entry whose assertion holds, or that names no
//! command, fails the suite.

/// An assertion that does not hold.
pub(crate) struct Superseded {
    /// Its set.
    set: &'static str,
    /// Its file.
    file: &'static str,
    /// The lines where such commands begin.
    lines: &'static [usize],
    /// Why it does not hold.
    pub(crate) reason: &'static str,
}

/// All of them.
const TABLE: &[Superseded] = &[
    Superseded {
        set: "mutable-global",
        file: "linking.wast",
        lines: &[206, 227, 238, 298, 334, 344],
        reason: "since bulk-memory, a segment that does not fit is a trap at run time, not a link error",
    },
    Superseded {
        set: "mutable-global",
        file: "linking.wast",
        lines: &[236, 248, 342, 354],
        reason: "since bulk-memory, the segments before one that does not fit stay written",
    },
    Superseded {
        set: "bulk-memory",
        file: "table_init.wast",
        lines: &[2272, 2286],
        reason: "the file was updated for Wasm 3.0: the module, and the call of it, need garbage collection",
    },
    Superseded {
        set: "reference-types",
        file: "unreached-invalid.wast",
        lines: &[539],
        reason: "Wasm 2.0 takes labels of different types in a br_table whose operands are unreachable",
    },
    Superseded {
        set: "memory64",
        file: "binary.wast",
        lines: &[876, 896, 915, 934, 973, 992, 1010, 1028],
        reason: "since multi-memory, the byte is a memory index, in any encoding of LEB128",
    },
    Superseded {
        set: "memory64",
        file: "memory.wast",
        lines: &[10, 11],
        reason: "since multi-memory, a module may have several memories",
    },
    Superseded {
        set: "memory64",
        file: "memory64.wast",
        lines: &[8, 9],
        reason: "since multi-memory, a module may have several memories",
    },
    Superseded {
        set: "threads",
        file: "imports.wast",
        lines: &[309, 313, 317],
        reason: "since reference-types, a module may have several tables",
    },
    Superseded {
        set: "threads",
        file: "imports.wast",
        lines: &[404, 408, 412],
        reason: "since multi-memory, a module may have several memories",
    },
    Superseded {
        set: "threads",
        file: "memory.wast",
        lines: &[14, 15],
        reason: "since multi-memory, a module may have several memories",
    },
];

/// The entry of a command, if it has one.
pub(crate) fn find(set: &str, file: &str, line: usize) -> Option<&'static Superseded> {
    TABLE.iter().find(|entry| entry.set == set && entry.file == file && entry.lines.contains(&line))
}

/// Number of superseded commands of a set.
pub(crate) fn of_set(set: &str) -> usize {
    TABLE.iter().filter(|entry| entry.set == set).map(|entry| entry.lines.len()).sum()
}
