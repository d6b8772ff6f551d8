//! The sections of the shared object, in file order, and what the section headers say of them.
//!
//! **Invariant: the order of [`Section`]'s variants is the order in the file**, and a variant's
//! number is its section index.

use object::elf::{
    SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_DYNAMIC, SHT_DYNSYM, SHT_GNU_HASH, SHT_PROGBITS, SHT_STRTAB,
    SHT_SYMTAB,
};
use std::ops::{Index, IndexMut};

/// The unit in which the host maps files.
pub(super) const PAGE: u64 = wasmaot_abi::slot::HOST_PAGE;

/// Alignment of the constant tables: a cache line.
const RODATA_ALIGN: u64 = 64;

/// Bytes of an ELF symbol.
pub(super) const SYMBOL_SIZE: u64 = 24;

/// Bytes of an entry of `.dynamic`.
pub(super) const DYNAMIC_SIZE: u64 = 16;

/// A section of the shared object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// Lets `dlsym` find the dynamic symbols.
    GnuHash = 1,
    /// Dynamic symbols: the module and its exported functions.
    Dynsym,
    /// Their names.
    Dynstr,
    /// Search table over the next section.
    FrameIndex,
    /// How to unwind compiled code.
    Frames,
    /// Constant tables.
    Rodata,
    /// Header and descriptor.
    Module,
    /// Machine code.
    Text,
    /// What the dynamic loader reads; it writes here too.
    Dynamic,
    /// Pages of the initial memories.
    Image,
    /// Data segments outside the image.
    Data,
    /// Trap table.
    Traps,
    /// Operators left to be charged at the sites of the trap table.
    Meter,
    /// Exception table.
    Exceptions,
    /// Code offsets to Wasm offsets.
    AddressMap,
    /// Code offsets to functions.
    FunctionMap,
    /// What each range of the text is.
    CodeTable,
    /// Symbols for debuggers and profilers.
    Symtab,
    /// Their names.
    Strtab,
    /// Names of sections.
    Shstrtab,
    /// Code offsets to source lines.
    Lines,
    /// The same for debuggers: the compilation unit.
    DebugInfo,
    /// What its entries look like.
    DebugAbbrev,
    /// Its line table.
    DebugLine,
}

/// What a section header says, apart from the place.
pub(super) struct Form {
    pub(super) name: &'static str,
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) align: u64,
    pub(super) entry_size: u64,
    pub(super) link: Option<Section>,
}

impl Section {
    /// Every section, in file order.
    pub(super) const ALL: [Section; 24] = [
        Section::GnuHash,
        Section::Dynsym,
        Section::Dynstr,
        Section::FrameIndex,
        Section::Frames,
        Section::Rodata,
        Section::Module,
        Section::Text,
        Section::Dynamic,
        Section::Image,
        Section::Data,
        Section::Traps,
        Section::Meter,
        Section::Exceptions,
        Section::AddressMap,
        Section::FunctionMap,
        Section::CodeTable,
        Section::Symtab,
        Section::Strtab,
        Section::Shstrtab,
        Section::Lines,
        Section::DebugInfo,
        Section::DebugAbbrev,
        Section::DebugLine,
    ];

    /// The sections of an artifact, in file order: the last ones are only there with source lines.
    pub(super) fn present(has_lines: bool) -> &'static [Section] {
        const ALL: &[Section] = &Section::ALL;
        if has_lines { ALL } else { &ALL[..Section::Shstrtab as usize] }
    }

    /// The section index.
    pub(super) const fn index(self) -> u16 {
        self as u16
    }

    pub(super) const fn form(self) -> Form {
        const READ: u32 = SHF_ALLOC;
        const CODE: u32 = SHF_ALLOC | SHF_EXECINSTR;
        const WRITE: u32 = SHF_ALLOC | SHF_WRITE;
        // The sections that only this product's own readers know all look alike.
        const fn bytes(name: &'static str, flags: u32, align: u64) -> Form {
            table(name, SHT_PROGBITS, flags, align, 0, None)
        }
        const fn table(
            name: &'static str,
            kind: u32,
            flags: u32,
            align: u64,
            entry_size: u64,
            link: Option<Section>,
        ) -> Form {
            Form { name, kind, flags, align, entry_size, link }
        }
        match self {
            Section::GnuHash => table(".gnu.hash", SHT_GNU_HASH, READ, 8, 0, Some(Section::Dynsym)),
            Section::Dynsym => table(".dynsym", SHT_DYNSYM, READ, 8, SYMBOL_SIZE, Some(Section::Dynstr)),
            Section::Dynstr => table(".dynstr", SHT_STRTAB, READ, 1, 0, None),
            Section::FrameIndex => bytes(".eh_frame_hdr", READ, 4),
            Section::Frames => bytes(".eh_frame", READ, 8),
            Section::Rodata => bytes(".rodata", READ, RODATA_ALIGN),
            Section::Module => bytes(wasmaot_abi::header::SECTION, READ, 16),
            Section::Text => bytes(".text", CODE, PAGE),
            Section::Dynamic => {
                table(".dynamic", SHT_DYNAMIC, WRITE, PAGE, DYNAMIC_SIZE, Some(Section::Dynstr))
            }
            Section::Image => bytes(".wasmaot.image", 0, PAGE),
            Section::Data => bytes(".wasmaot.data", 0, 16),
            Section::Traps => bytes(".wasmaot.traps", 0, 16),
            Section::Meter => bytes(".wasmaot.meter", 0, 16),
            Section::Exceptions => bytes(".wasmaot.exceptions", 0, 16),
            Section::AddressMap => bytes(".wasmaot.addrmap", 0, 16),
            Section::FunctionMap => bytes(".wasmaot.funcs", 0, 16),
            Section::CodeTable => bytes(".wasmaot.code", 0, 16),
            Section::Symtab => table(".symtab", SHT_SYMTAB, 0, 8, SYMBOL_SIZE, Some(Section::Strtab)),
            Section::Strtab => table(".strtab", SHT_STRTAB, 0, 1, 0, None),
            Section::Shstrtab => table(".shstrtab", SHT_STRTAB, 0, 1, 0, None),
            Section::Lines => bytes(".wasmaot.lines", 0, 16),
            Section::DebugInfo => bytes(".debug_info", 0, 1),
            Section::DebugAbbrev => bytes(".debug_abbrev", 0, 1),
            Section::DebugLine => bytes(".debug_line", 0, 1),
        }
    }
}

/// A value for each section.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PerSection<T>([T; Section::ALL.len()]);

impl<T> Index<Section> for PerSection<T> {
    type Output = T;

    fn index(&self, section: Section) -> &T {
        &self.0[usize::from(section.index()) - 1]
    }
}

impl<T> IndexMut<Section> for PerSection<T> {
    fn index_mut(&mut self, section: Section) -> &mut T {
        &mut self.0[usize::from(section.index()) - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_follow_the_list() {
        for (position, section) in Section::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(section.index()), position + 1);
        }
    }

    #[test]
    fn loaded_sections_come_first_in_the_order_of_their_segments() {
        let flags = Section::ALL.map(|section| section.form().flags);
        let rank = |flags: u32| match flags {
            0 => 3,
            _ if flags & SHF_WRITE != 0 => 2,
            _ if flags & SHF_EXECINSTR != 0 => 1,
            _ => 0,
        };
        assert!(flags.is_sorted_by_key(|&flags| rank(flags)));
    }
}
