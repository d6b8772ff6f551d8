//! Where everything lies in the shared object.
//!
//! ```text
//!  segment     sections, at ascending file offsets
//!
//!  R     page  ELF header, program headers
//!              .gnu.hash  .dynsym  .dynstr             for dlsym
//!              .eh_frame_hdr  .eh_frame                for unwinders
//!              .rodata                                 constant tables
//!              .wasmaot.module                         header and descriptor
//!  R X   page  .text                                   and int3 up to the next page
//!  R W   page  .dynamic                                alone: the dynamic loader writes to it
//!  none  page  .wasmaot.image                          whole pages, mapped by instances
//!              .wasmaot.data  .traps  .meter  .exceptions  .addrmap  .funcs  .code
//!              .symtab  .strtab  .shstrtab             for debuggers and profilers
//!              .wasmaot.lines  .debug_*                source lines, where the module has them
//!              section headers
//! ```
//!
//! **Invariants.** The address of every loaded byte is its file offset. Segments share no page, so
//! that a mapped page of code holds nothing but code and `int3`. All loaded bytes lie below 2 GiB:
//! any of them reaches any other by a signed 32-bit displacement.

use super::section::{PerSection, Section};
use crate::error::EmitError;
use object::elf;
use std::ops::Index;
use wasmaot_abi::descriptor::FileRange;

/// Bytes of the ELF header.
pub(super) const FILE_HEADER: u64 = size_of::<elf::FileHeader64<object::LittleEndian>>() as u64;

/// Bytes of a program header.
pub(super) const PROGRAM_HEADER: u64 = size_of::<elf::ProgramHeader64<object::LittleEndian>>() as u64;

/// Bytes of a section header.
pub(super) const SECTION_HEADER: u64 = size_of::<elf::SectionHeader64<object::LittleEndian>>() as u64;

/// Number of program headers: R, R X, R W, `.dynamic`, `.eh_frame_hdr`, the stack.
pub(super) const SEGMENTS: u64 = 6;

/// The place of each section, and of the section headers behind them.
#[derive(Debug)]
pub(super) struct Layout {
    sections: &'static [Section],
    places: PerSection<FileRange>,
    section_headers: u64,
}

impl Layout {
    /// Lays sections of these sizes out, one after the other.
    pub(super) fn new(sizes: &PerSection<u64>) -> Result<Self, EmitError> {
        let mut places = PerSection::default();
        let mut end = FILE_HEADER + SEGMENTS * PROGRAM_HEADER;
        let sections = Section::present(sizes[Section::Lines] != 0);
        for &section in sections {
            let offset = end.next_multiple_of(section.form().align);
            places[section] = FileRange { offset, length: sizes[section] };
            end = offset + sizes[section];
        }
        let layout = Self { sections, places, section_headers: end.next_multiple_of(8) };
        let loaded = layout.end(Section::Dynamic);
        if loaded > i32::MAX as u64 {
            return Err(EmitError::TooLarge { what: "code and constants", bytes: loaded });
        }
        Ok(layout)
    }

    /// The sections that there are, in file order.
    pub(super) fn sections(&self) -> &'static [Section] {
        self.sections
    }

    /// Number of section headers: one for each section, and the null section.
    pub(super) fn headers(&self) -> usize {
        self.sections.len() + 1
    }

    /// Offset of the byte after a section.
    pub(super) fn end(&self, section: Section) -> u64 {
        self[section].offset + self[section].length
    }

    /// Offset of the section headers.
    pub(super) fn section_headers(&self) -> u64 {
        self.section_headers
    }

    /// Bytes of the whole file.
    pub(super) fn file_size(&self) -> u64 {
        self.section_headers + self.headers() as u64 * SECTION_HEADER
    }
}

impl Index<Section> for Layout {
    type Output = FileRange;

    fn index(&self, section: Section) -> &FileRange {
        &self.places[section]
    }
}

#[cfg(test)]
mod tests {
    use super::super::section::PAGE;
    use super::*;

    fn sizes() -> PerSection<u64> {
        let mut sizes = PerSection::default();
        for (i, section) in Section::ALL.into_iter().enumerate() {
            sizes[section] = 100 * i as u64 + 1;
        }
        sizes
    }

    #[test]
    fn sections_are_aligned_and_disjoint() {
        let layout = Layout::new(&sizes()).unwrap();
        let mut end = FILE_HEADER + SEGMENTS * PROGRAM_HEADER;
        for section in Section::ALL {
            assert!(layout[section].offset >= end);
            assert!(layout[section].offset.is_multiple_of(section.form().align));
            end = layout.end(section);
        }
        assert!(layout.section_headers() >= end);
    }

    #[test]
    fn segments_share_no_page() {
        let layout = Layout::new(&sizes()).unwrap();
        for first in [Section::Text, Section::Dynamic, Section::Image] {
            assert!(layout[first].offset.is_multiple_of(PAGE));
        }
    }

    #[test]
    fn two_gibibytes_of_code_are_refused() {
        let mut sizes = sizes();
        sizes[Section::Text] = 1 << 31;
        assert!(matches!(Layout::new(&sizes), Err(EmitError::TooLarge { .. })));
    }

    #[test]
    fn the_image_may_be_larger() {
        let mut sizes = sizes();
        sizes[Section::Image] = 1 << 33;
        assert!(Layout::new(&sizes).unwrap().file_size() > 1 << 33);
    }
}
