//! The line table of a module's DWARF: which source line each offset in the Wasm file stems from.
//!
//! **Invariant: debug information never fails a compilation.** It is a custom section, so what is malformed
//! is as if it were missing. Reading takes time and memory in proportion to the sections.

use gimli::{
    AttributeValue, ColumnType, Dwarf, EndianSlice, FileEntry, LineProgramHeader, LittleEndian, SectionId,
    Unit,
};
use std::collections::HashMap;
use std::convert::Infallible;
use wasmaot_abi::lines::Row;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// The debug sections of a module, and what their addresses count from.
#[derive(Default)]
pub(crate) struct DebugSections<'a> {
    /// By name: `.debug_line` and others.
    sections: HashMap<&'a str, &'a [u8]>,
    /// Offset in the Wasm file of the contents of the code section.
    code: usize,
}

/// Source lines by offset in the Wasm file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    /// Paths of the files, each once.
    pub(crate) files: Vec<String>,
    /// Ascending by offset. A row holds up to the next one; `None` where no line is known.
    rows: Vec<(u32, Option<Row>)>,
}

impl<'a> DebugSections<'a> {
    /// Notes a custom section if it is one of DWARF.
    pub(crate) fn add(&mut self, name: &'a str, bytes: &'a [u8]) {
        if name.starts_with(".debug_") {
            self.sections.insert(name, bytes);
        }
    }

    /// Notes where the contents of the code section begin.
    pub(crate) fn code_begins(&mut self, offset: usize) {
        self.code = offset;
    }

    /// Reads the line tables of all units; `None` if there is none.
    pub(crate) fn lines(&self) -> Option<Lines> {
        if !self.sections.contains_key(".debug_line") {
            return None;
        }
        let section = |id: SectionId| {
            let bytes = self.sections.get(id.name()).copied().unwrap_or_default();
            Ok::<_, Infallible>(EndianSlice::new(bytes, LittleEndian))
        };
        let Ok(dwarf) = Dwarf::load(section);
        let mut collected = Collector { code: self.code as u64, ..Collector::default() };
        let mut units = dwarf.units();
        while let Ok(Some(header)) = units.next() {
            if let Ok(unit) = dwarf.unit(header) {
                collected.unit(&dwarf, &unit);
            }
        }
        collected.finish()
    }
}

impl Lines {
    /// Returns the line that the operator at an offset in the Wasm file stems from.
    pub(crate) fn at(&self, wasm: u32) -> Option<Row> {
        let next = self.rows.partition_point(|row| row.0 <= wasm);
        self.rows[next.checked_sub(1)?].1
    }
}

/// The rows of all units in the making.
#[derive(Default)]
struct Collector {
    code: u64,
    lines: Lines,
    numbers: HashMap<String, u32>,
}

impl Collector {
    /// Adds the rows of a unit, up to the first that is malformed.
    fn unit<'a>(&mut self, dwarf: &Dwarf<Slice<'a>>, unit: &Unit<Slice<'a>>) {
        let Some(program) = unit.line_program.clone() else { return };
        let mut files = HashMap::new();
        let mut sequence = Vec::new();
        let mut rows = program.rows();
        while let Ok(Some((header, row))) = rows.next_row() {
            let place = (!row.end_sequence()).then(|| {
                let number = row.file_index();
                let file = *files.entry(number).or_insert_with(|| {
                    let path = header.file(number).and_then(|file| path(dwarf, unit, header, file));
                    path.map(|path| self.number(path))
                });
                let column = match row.column() {
                    ColumnType::LeftEdge => 0,
                    ColumnType::Column(column) => u32::try_from(column.get()).unwrap_or(0),
                };
                let line = u32::try_from(row.line()?.get()).ok()?;
                Some(Row { file: file?, line, column })
            });
            sequence.push((row.address(), place.flatten()));
            if row.end_sequence() {
                self.sequence(&mut sequence);
            }
        }
    }

    /// Takes the rows of one range of addresses. Linkers leave the ranges of functions that they drop, at
    /// address 0 or at the end of the address space: no function lies there.
    fn sequence(&mut self, rows: &mut Vec<(u64, Option<Row>)>) {
        let is_dropped = rows.first().is_none_or(|row| row.0 == 0);
        for (address, row) in rows.drain(..).filter(|_| !is_dropped) {
            if let Some(offset) = address.checked_add(self.code).and_then(|offset| u32::try_from(offset).ok())
            {
                self.lines.rows.push((offset, row));
            }
        }
    }

    fn number(&mut self, path: String) -> u32 {
        let files = &mut self.lines.files;
        *self.numbers.entry(path).or_insert_with_key(|path| {
            files.push(path.clone());
            files.len() as u32 - 1
        })
    }

    fn finish(mut self) -> Option<Lines> {
        // The end of a sequence stands before the start of the next one; rows at one address stay in order,
        // and the last holds.
        self.lines.rows.sort_by_key(|row| (row.0, row.1.is_some()));
        (!self.lines.rows.is_empty()).then_some(self.lines)
    }
}

/// The path of a file: its directory, below the unit's if that is relative.
fn path<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    unit: &Unit<Slice<'a>>,
    header: &LineProgramHeader<Slice<'a>>,
    file: &FileEntry<Slice<'a>>,
) -> Option<String> {
    let text = |value: AttributeValue<Slice<'a>>| {
        let text = dwarf.attr_string(unit, value).ok()?;
        // What follows a zero byte cannot be part of a path.
        let text = text.to_string_lossy();
        Some(text.split('\0').next().unwrap_or_default().to_owned())
    };
    let name = text(file.path_name()).filter(|name| !name.is_empty())?;
    let directory = file.directory(header).and_then(text).unwrap_or_default();
    let base = unit.comp_dir.map(|base| base.to_string_lossy().into_owned()).unwrap_or_default();
    Some([directory, base].into_iter().fold(name, |path, parent| {
        let is_whole = path.starts_with('/') || parent.is_empty() || path == parent;
        if is_whole { path } else { format!("{}/{path}", parent.trim_end_matches('/')) }
    }))
}
