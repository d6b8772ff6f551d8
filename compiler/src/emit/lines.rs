//! Source lines: the line table that the runtime reads when something traps, and the same as DWARF for
//! debuggers and profilers.
//!
//! DWARF is that of one compilation unit with a sequence of rows for each function; names of functions are in
//! the symbol table. **Invariant: sizes do not depend on where the text lies**: all sections are encoded
//! once, and addresses written when the text has its place.

use super::section::Section;
use super::text::Text;
use crate::error::EmitError;
use crate::module::debug::Lines;
use gimli::write::{
    Address, AttributeValue, DirectoryId, Dwarf, EndianVec, FileId, LineProgram, LineString, RelocateWriter,
    Relocation, RelocationTarget, Sections, Unit,
};
use gimli::{
    DW_AT_comp_dir, DW_AT_high_pc, DW_AT_language, DW_AT_low_pc, DW_AT_name, DW_AT_producer, DW_LANG_C99,
    Encoding, Format, LineEncoding, LittleEndian,
};
use std::collections::HashMap;
use wasmaot_abi::lines::{Row, write_line_table};

/// What readers take for the directory of relative paths, and for the name of the only unit.
const DIRECTORY: &str = ".";

/// As all readers know it, and without sections for strings.
const ENCODING: Encoding = Encoding { format: Format::Dwarf32, version: 4, address_size: 8 };

/// A function with source lines.
struct Function {
    /// From the start of the text.
    start: u32,
    /// Bytes of code.
    length: u32,
    /// Offset from `start` and line, ascending.
    rows: Vec<(u32, Row)>,
}

/// The address of this offset in the text.
fn in_text(offset: u32) -> Address {
    Address::Symbol { symbol: 0, addend: offset.into() }
}

/// A section of DWARF, and the references to addresses and sections in it, which are zero so far.
#[derive(Clone)]
struct Relocatable {
    bytes: EndianVec<LittleEndian>,
    relocations: Vec<Relocation>,
}

impl RelocateWriter for Relocatable {
    type Writer = EndianVec<LittleEndian>;

    fn writer(&self) -> &Self::Writer {
        &self.bytes
    }

    fn writer_mut(&mut self) -> &mut Self::Writer {
        &mut self.bytes
    }

    fn relocate(&mut self, relocation: Relocation) {
        self.relocations.push(relocation);
    }
}

impl Relocatable {
    /// The section's bytes, for a text at this address. The only symbol is the text.
    fn relocated(mut self, text: u64) -> Vec<u8> {
        let mut bytes = self.bytes.take();
        for Relocation { offset, size, target, addend, .. } in self.relocations {
            let base = match target {
                RelocationTarget::Symbol(_) => text,
                // A section has one part, at its start.
                RelocationTarget::Section(_) => 0,
            };
            let value = base.wrapping_add_signed(addend).to_le_bytes();
            let size = usize::from(size);
            bytes[offset..][..size].copy_from_slice(&value[..size]);
        }
        bytes
    }
}

/// The sections that hold the source lines of a module's code, but for addresses.
pub(super) struct SourceLines {
    table: Vec<u8>,
    dwarf: [(Section, Relocatable); 3],
}

impl SourceLines {
    /// Maps the lines of a module to its code; `None` if no code has one.
    pub(super) fn new(lines: Lines, text: &Text) -> Result<Option<Self>, EmitError> {
        let mapped = Mapped::new(lines, text);
        let encode = |mapped: Mapped| Ok(Self { table: mapped.table(), dwarf: mapped.dwarf()? });
        mapped.map(encode).transpose()
    }

    /// Bytes of each section.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (Section, u64)> {
        let dwarf = self.dwarf.iter().map(|(section, contents)| (*section, contents.bytes.slice().len()));
        std::iter::once((Section::Lines, self.table.len()))
            .chain(dwarf)
            .map(|(section, bytes)| (section, bytes as u64))
    }

    /// All sections, for a text at this address.
    pub(super) fn into_sections(self, text: u64) -> impl Iterator<Item = (Section, Vec<u8>)> {
        let dwarf = self.dwarf.into_iter();
        std::iter::once((Section::Lines, self.table))
            .chain(dwarf.map(move |(section, contents)| (section, contents.relocated(text))))
    }
}

/// The source lines of a module's code, before they are encoded.
struct Mapped {
    files: Vec<String>,
    functions: Vec<Function>,
    /// Bytes of text.
    text: u64,
}

impl Mapped {
    fn new(lines: Lines, text: &Text) -> Option<Self> {
        let functions = text.functions().map(|(start, code)| {
            let mut rows: Vec<(u32, Row)> = Vec::new();
            for &(at, wasm) in &code.locations {
                if let Some(row) = lines.at(wasm).filter(|row| rows.last().is_none_or(|last| last.1 != *row))
                {
                    rows.push((at, row));
                }
            }
            // What sets the frame up belongs to the function's first line.
            if let Some(first) = rows.first_mut() {
                first.0 = 0;
            }
            Function { start, length: code.bytes.len() as u32, rows }
        });
        let functions: Vec<Function> = functions.filter(|function| !function.rows.is_empty()).collect();
        (!functions.is_empty()).then(|| Self { files: lines.files, functions, text: text.size() })
    }

    /// Encodes the runtime's line table.
    fn table(&self) -> Vec<u8> {
        let mut entries = Vec::new();
        for function in &self.functions {
            entries.extend(function.rows.iter().map(|&(at, row)| (function.start + at, Some(row))));
            entries.push((function.start + function.length, None));
        }
        // A function may begin where the one before it ends.
        entries.dedup_by(|next, entry| {
            let is_same = next.0 == entry.0;
            if is_same {
                *entry = *next;
            }
            is_same
        });
        write_line_table(&entries, &self.files)
    }

    /// Encodes `.debug_info`, `.debug_abbrev` and `.debug_line`.
    fn dwarf(&self) -> Result<[(Section, Relocatable); 3], EmitError> {
        let mut dwarf = Dwarf::new();
        let unit = dwarf.units.add(Unit::new(ENCODING, self.program()));
        let unit = dwarf.units.get_mut(unit);
        let root = unit.get_mut(unit.root());
        let string = |text: &str| AttributeValue::String(text.into());
        root.set(DW_AT_producer, string(concat!("wasmaot ", env!("CARGO_PKG_VERSION"))));
        // Debuggers want one; that of the sources is not known for the whole.
        root.set(DW_AT_language, AttributeValue::Language(DW_LANG_C99));
        root.set(DW_AT_name, string(self.files.first().map_or(DIRECTORY, |file| file)));
        root.set(DW_AT_comp_dir, string(DIRECTORY));
        root.set(DW_AT_low_pc, AttributeValue::Address(in_text(0)));
        root.set(DW_AT_high_pc, AttributeValue::Udata(self.text));
        let empty = Relocatable { bytes: EndianVec::new(LittleEndian), relocations: Vec::new() };
        let mut sections = Sections::new(empty);
        dwarf.write(&mut sections)?;
        Ok([
            (Section::DebugInfo, sections.debug_info.0),
            (Section::DebugAbbrev, sections.debug_abbrev.0),
            (Section::DebugLine, sections.debug_line.0),
        ])
    }

    fn program(&self) -> LineProgram {
        let string = |text: &str| LineString::String(text.into());
        let mut program = LineProgram::new(
            ENCODING,
            LineEncoding::default(),
            string(DIRECTORY),
            None,
            string(self.files.first().map_or(DIRECTORY, |file| file)),
            None,
        );
        let mut directories: HashMap<&str, DirectoryId> = HashMap::new();
        let files: Vec<FileId> = self
            .files
            .iter()
            .map(|path| {
                let (directory, name) =
                    path.rsplit_once('/').filter(|parts| !parts.1.is_empty()).unwrap_or((DIRECTORY, path));
                let directory = if directory.is_empty() { "/" } else { directory };
                let directory =
                    *directories.entry(directory).or_insert_with(|| program.add_directory(string(directory)));
                program.add_file(string(name), directory, None)
            })
            .collect();
        for function in &self.functions {
            program.begin_sequence(Some(in_text(function.start)));
            for &(at, row) in &function.rows {
                let next = program.row();
                next.address_offset = at.into();
                next.file = files[row.file as usize];
                next.line = row.line.into();
                next.column = row.column.into();
                program.generate_row();
            }
            program.end_sequence(function.length.into());
        }
        program
    }
}
