//! The relocatable object: which of its bytes go where.
//!
//! **Invariant: `.text` is taken over as it is**, so that offsets into it, which trap table and
//! address map are full of, stay valid. Sections that are not loaded (symbols, names, notes) are the
//! object's own affair and end here.

use super::LinkError;
use super::section::{RODATA_ALIGN, Section};
use super::symbols::Symbol;
use object::elf::{SHF_ALLOC, SHF_EXECINSTR};
use object::read::elf::{ElfFile64, ElfSection64, ElfSymbol64};
use object::{
    LittleEndian, Object, ObjectSection, ObjectSymbol, SectionFlags, SectionIndex, SymbolKind, SymbolSection,
};

/// A relocatable object.
pub(super) struct Input<'a> {
    pub(super) file: ElfFile64<'a, LittleEndian>,
    /// What is taken over: the text and the constant tables.
    pub(super) pieces: Vec<Piece<'a>>,
    /// Functions, as the object's symbols name them.
    pub(super) functions: Vec<Symbol<'a>>,
    /// Bytes of all constant tables together.
    pub(super) rodata_size: u64,
    /// For each section of the object the number of its piece.
    piece_of: Vec<Option<usize>>,
}

/// A section of the object that becomes a part of a section of the shared object.
pub(super) struct Piece<'a> {
    pub(super) index: SectionIndex,
    pub(super) name: &'a str,
    pub(super) bytes: &'a [u8],
    /// What it becomes a part of.
    pub(super) section: Section,
    /// From that one's start.
    pub(super) offset: u64,
}

impl<'a> Input<'a> {
    /// Reads an object and sorts its sections.
    pub(super) fn read(object: &'a [u8]) -> Result<Self, LinkError> {
        let file = ElfFile64::<LittleEndian>::parse(object)?;
        let mut pieces: Vec<Piece<'a>> = Vec::new();
        let mut piece_of = Vec::new();
        let mut rodata_size = 0;
        for section in file.sections().filter(is_loaded) {
            let name = section.name()?;
            let (part_of, offset) = match purpose(&section, name)? {
                Section::Text if pieces.iter().any(|piece| piece.section == Section::Text) => {
                    return Err(LinkError::Section { name: name.to_owned() });
                }
                Section::Text => (Section::Text, 0),
                other => {
                    let offset = u64::next_multiple_of(rodata_size, section.align().max(1));
                    rodata_size = offset + section.size();
                    (other, offset)
                }
            };
            let index = section.index();
            if piece_of.len() <= index.0 {
                piece_of.resize(index.0 + 1, None);
            }
            piece_of[index.0] = Some(pieces.len());
            pieces.push(Piece { index, name, bytes: section.data()?, section: part_of, offset });
        }
        let mut input = Self { file, pieces, functions: Vec::new(), rodata_size, piece_of };
        input.functions = input.read_functions()?;
        Ok(input)
    }

    /// The machine code.
    pub(super) fn text(&self) -> &'a [u8] {
        self.pieces.iter().find(|piece| piece.section == Section::Text).map_or(&[], |piece| piece.bytes)
    }

    /// The section and the offset in it that a symbol of the object stands for, if it is defined.
    pub(super) fn locate(&self, symbol: &ElfSymbol64<'a, '_, LittleEndian>) -> Option<(Section, u64)> {
        let SymbolSection::Section(index) = symbol.section() else { return None };
        let piece = &self.pieces[(*self.piece_of.get(index.0)?)?];
        Some((piece.section, piece.offset + symbol.address()))
    }

    fn read_functions(&self) -> Result<Vec<Symbol<'a>>, LinkError> {
        let mut functions = Vec::new();
        for symbol in self.file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text) {
            if let Some((Section::Text, offset)) = self.locate(&symbol) {
                let name = symbol.name()?;
                functions.push(Symbol { name, section: Section::Text, offset, size: symbol.size() });
            }
        }
        Ok(functions)
    }
}

fn flags(section: &ElfSection64<'_, '_, LittleEndian>) -> u64 {
    match section.flags() {
        SectionFlags::Elf { sh_flags } => sh_flags,
        _ => 0,
    }
}

fn is_loaded(section: &ElfSection64<'_, '_, LittleEndian>) -> bool {
    flags(section) & u64::from(SHF_ALLOC) != 0 && section.size() != 0
}

/// What a loaded section of the object becomes a part of.
fn purpose(section: &ElfSection64<'_, '_, LittleEndian>, name: &str) -> Result<Section, LinkError> {
    if flags(section) & u64::from(SHF_EXECINSTR) != 0 {
        return Ok(Section::Text);
    }
    // `.data.rel.ro` is what writers call constants with relocations in them.
    if !name.starts_with(".rodata") && !name.starts_with(".data.rel.ro") {
        return Err(LinkError::Section { name: name.to_owned() });
    }
    match section.align() {
        align if align > RODATA_ALIGN => Err(LinkError::Alignment { name: name.to_owned(), align }),
        _ => Ok(Section::Rodata),
    }
}
