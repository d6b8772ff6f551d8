//! What each section of the shared object holds.
//!
//! **Invariant: sizes do not depend on places.** [`Contents::new`] settles all sizes, [`Layout`]
//! gives places, and only then [`Contents::write`] encodes what holds addresses.

use super::const_tables::ConstTables;
use super::escape::export_symbol;
use super::hash::GnuHash;
use super::headers;
use super::layout::Layout;
use super::lines::SourceLines;
use super::parts::{Export, Parts};
use super::relocate::Places;
use super::section::{DYNAMIC_SIZE, PerSection, Section};
use super::symbols::{Binding, Symbol, SymbolTable};
use super::text::Text;
use super::unwind::Frames;
use crate::error::EmitError;
use crate::index::CodeIndex;
use cranelift_entity::PrimaryMap;
use wasmaot_abi::descriptor::{Descriptor, FileRange, Places as FilePlaces};
use wasmaot_abi::entry::MODULE_SYMBOL;
use wasmaot_abi::header::Header;
use wasmaot_abi::version::{ABI_MAJOR, ABI_MINOR};
use wasmaot_abi::wire::{Encode, Writer};

/// Fills a page of code up: a jump to it traps.
const INT3: u8 = 0xCC;

/// The contents of all sections, without addresses.
pub(super) struct Contents<'a> {
    text: Text,
    names: PrimaryMap<CodeIndex, String>,
    const_tables: ConstTables<'a>,
    hash: Vec<u8>,
    dynamic_symbols: SymbolTable,
    symbols: SymbolTable,
    frames: Frames,
    descriptor: Descriptor,
    descriptor_size: u32,
    cpu_features: u64,
    lines: Option<SourceLines>,
    /// What is stored as it is, in file order.
    blobs: [(Section, Vec<u8>); 8],
}

impl<'a> Contents<'a> {
    /// Derives the contents from the parts.
    pub(super) fn new(parts: Parts<'a>) -> Result<Self, EmitError> {
        let Parts { mut text, names, const_tables, descriptor, cpu_features, .. } = parts;
        let frames = Frames::new(parts.cie, text.take_unwind(), text.size())?;
        let encoded = encode(&descriptor).len();
        let descriptor_size = u32::try_from(encoded)
            .map_err(|_| EmitError::TooLarge { what: "the descriptor", bytes: encoded as u64 })?;

        let export_names: Vec<String> =
            parts.exports.iter().map(|export| export_symbol(&export.name)).collect();
        let module_size = Header::SIZE as u64 + u64::from(descriptor_size);
        let module = Symbol { name: MODULE_SYMBOL, section: Section::Module, offset: 0, size: module_size };
        let exports =
            parts.exports.iter().zip(&export_names).map(|(export, name)| export_entry(export, name));
        let visible: Vec<Symbol<'_>> = std::iter::once(module).chain(exports).collect();
        let hash = GnuHash::new(visible.iter().map(|symbol| symbol.name));

        let mut dynamic_symbols = SymbolTable::new();
        let mut symbols = SymbolTable::new();
        for (code, name) in &names {
            symbols.push(&function_entry(&text, code, name), Binding::Local)?;
        }
        for &position in &hash.order {
            dynamic_symbols.push(&visible[position], Binding::Global)?;
            symbols.push(&visible[position], Binding::Global)?;
        }
        let blobs = [
            (Section::Image, parts.image),
            (Section::Data, parts.data),
            (Section::Traps, parts.traps),
            (Section::Meter, parts.meter),
            (Section::Exceptions, parts.exceptions),
            (Section::AddressMap, parts.address_map),
            (Section::FunctionMap, parts.function_map),
            (Section::CodeTable, parts.code_table),
        ];
        Ok(Self {
            text,
            names,
            const_tables,
            hash: hash.bytes,
            dynamic_symbols,
            symbols,
            frames,
            descriptor,
            descriptor_size,
            cpu_features,
            lines: parts.lines,
            blobs,
        })
    }

    /// Bytes of each section.
    pub(super) fn sizes(&self) -> PerSection<u64> {
        let mut sizes = PerSection::default();
        sizes[Section::GnuHash] = self.hash.len() as u64;
        sizes[Section::Dynsym] = self.dynamic_symbols.size();
        sizes[Section::Dynstr] = self.dynamic_symbols.names().len() as u64;
        sizes[Section::FrameIndex] = self.frames.index_size();
        sizes[Section::Frames] = self.frames.size();
        sizes[Section::Rodata] = self.const_tables.size();
        sizes[Section::Module] = Header::SIZE as u64 + u64::from(self.descriptor_size);
        sizes[Section::Text] = self.text.size();
        sizes[Section::Dynamic] = headers::DYNAMIC_ENTRIES * DYNAMIC_SIZE;
        for (section, bytes) in &self.blobs {
            sizes[*section] = bytes.len() as u64;
        }
        sizes[Section::Symtab] = self.symbols.size();
        sizes[Section::Strtab] = self.symbols.names().len() as u64;
        let sections = Section::present(self.lines.is_some());
        sizes[Section::Shstrtab] = headers::section_names(sections).len() as u64;
        if let Some(lines) = &self.lines {
            for (section, bytes) in lines.sizes() {
                sizes[section] = bytes;
            }
        }
        sizes
    }

    /// Writes the whole file, but for the checksum.
    pub(super) fn write(self, layout: &Layout) -> Result<Vec<u8>, EmitError> {
        let (text, tables) = (&self.text, &self.const_tables);
        let places = Places { layout, text, tables, names: &self.names };
        let mut file = File::new(layout);
        file.bytes.extend_from_slice(&headers::leading(layout));
        file.put(Section::GnuHash, &self.hash);
        file.put(Section::Dynsym, &self.dynamic_symbols.to_bytes(layout));
        file.put(Section::Dynstr, self.dynamic_symbols.names());
        file.put(Section::FrameIndex, &self.frames.index(layout));
        file.put(Section::Frames, &self.frames.into_bytes(layout));
        file.pad(layout[Section::Rodata].offset, 0);
        tables.write(&mut file.bytes, |function| places.of_function(function));
        file.put(Section::Module, &module(self.descriptor, self.descriptor_size, self.cpu_features, layout));
        file.pad(layout[Section::Text].offset, 0);
        text.write(&mut file.bytes, |function, code, bytes| places.relocate(function, code, bytes))?;
        file.pad(layout[Section::Dynamic].offset, INT3);
        file.put(Section::Dynamic, &headers::dynamic(layout));
        for (section, bytes) in self.blobs {
            file.put(section, &bytes);
        }
        file.put(Section::Symtab, &self.symbols.to_bytes(layout));
        file.put(Section::Strtab, self.symbols.names());
        file.put(Section::Shstrtab, &headers::section_names(layout.sections()));
        if let Some(lines) = self.lines {
            for (section, bytes) in lines.into_sections(layout[Section::Text].offset) {
                file.put(section, &bytes);
            }
        }
        file.pad(layout.section_headers(), 0);
        file.bytes.extend_from_slice(&headers::sections(layout, self.symbols.locals()));
        Ok(file.bytes)
    }
}

/// The symbol of a function.
fn function_entry<'n>(text: &Text, code: CodeIndex, name: &'n str) -> Symbol<'n> {
    let (offset, size) = (text.offset(code).into(), text.length(code).into());
    Symbol { name, section: Section::Text, offset, size }
}

/// The symbol of an exported function.
fn export_entry<'n>(export: &Export, name: &'n str) -> Symbol<'n> {
    let Export { offset, size, .. } = *export;
    Symbol { name, section: Section::Text, offset: offset.into(), size: size.into() }
}

/// Header, without its checksum, and descriptor.
fn module(mut descriptor: Descriptor, size: u32, cpu_features: u64, layout: &Layout) -> Vec<u8> {
    rebase(&mut descriptor, layout);
    let header = Header {
        major: ABI_MAJOR,
        minor: ABI_MINOR,
        convention: descriptor.convention(),
        cpu_features,
        file_size: layout.file_size(),
        checksum: 0,
        descriptor_size: size,
    };
    [&header.to_bytes(), encode(&descriptor).as_slice()].concat()
}

/// Makes the descriptor's ranges count from the start of the file.
fn rebase(descriptor: &mut Descriptor, layout: &Layout) {
    descriptor.places = FilePlaces {
        text: layout[Section::Text],
        data: layout[Section::Data],
        traps: layout[Section::Traps],
        address_map: layout[Section::AddressMap],
        function_map: layout[Section::FunctionMap],
    };
    descriptor.exceptions = layout[Section::Exceptions];
    descriptor.code = Some(layout[Section::CodeTable]);
    if let Some(meter) = &mut descriptor.meter {
        *meter = layout[Section::Meter];
    }
    if let Some(lines) = &mut descriptor.lines {
        *lines = layout[Section::Lines];
    }
    for run in descriptor.memories.iter_mut().flat_map(|memory| &mut memory.image) {
        move_into(&mut run.file, layout[Section::Image]);
    }
    for segment in &mut descriptor.data {
        move_into(&mut segment.file, layout[Section::Data]);
    }
}

fn move_into(range: &mut FileRange, section: FileRange) {
    assert!(range.offset + range.length <= section.length, "a range beyond its section");
    range.offset += section.offset;
}

fn encode(descriptor: &Descriptor) -> Vec<u8> {
    let mut w = Writer::default();
    descriptor.encode(&mut w);
    w.into_bytes()
}

/// The file in the making.
struct File<'a> {
    layout: &'a Layout,
    bytes: Vec<u8>,
}

impl<'a> File<'a> {
    fn new(layout: &'a Layout) -> Self {
        Self { layout, bytes: Vec::with_capacity(layout.file_size() as usize) }
    }

    /// Fills up to an offset.
    fn pad(&mut self, offset: u64, fill: u8) {
        debug_assert!(self.bytes.len() as u64 <= offset);
        self.bytes.resize(offset as usize, fill);
    }

    /// Appends a section at its place.
    fn put(&mut self, section: Section, bytes: &[u8]) {
        assert_eq!(bytes.len() as u64, self.layout[section].length, "{}", section.form().name);
        self.pad(self.layout[section].offset, 0);
        self.bytes.extend_from_slice(bytes);
    }
}
