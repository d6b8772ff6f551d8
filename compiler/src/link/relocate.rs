//! Resolves the references between functions and constant tables.
//!
//! **Invariant: every one is resolved here**, as the distance between two places of the file. What
//! cannot be (another kind of relocation, a symbol from outside) is an error: the shared object
//! asks nothing of a dynamic loader.

use super::LinkError;
use super::input::{Input, Piece};
use super::layout::Layout;
use super::section::Section;
use object::elf::{R_X86_64_PC32, R_X86_64_PLT32};
use object::{Object, ObjectSection, ObjectSymbol, Relocation, RelocationFlags, RelocationTarget};

/// Applies the object's relocations to the shared object.
pub(super) fn relocate(input: &Input<'_>, layout: &Layout, file: &mut [u8]) -> Result<(), LinkError> {
    for piece in &input.pieces {
        for (offset, relocation) in input.file.section_by_index(piece.index)?.relocations() {
            let site = Site { input, piece, offset };
            let value = site.value(layout, &relocation)?;
            let at = (layout[piece.section].offset + piece.offset + offset) as usize;
            file[at..][..4].copy_from_slice(&value.to_le_bytes());
        }
    }
    Ok(())
}

/// Where a relocation applies.
struct Site<'a, 'b> {
    input: &'b Input<'a>,
    piece: &'b Piece<'a>,
    /// From the start of the piece.
    offset: u64,
}

impl Site<'_, '_> {
    /// The 32 bits to be written: the target's address, and the addend, less the site's address.
    fn value(&self, layout: &Layout, relocation: &Relocation) -> Result<i32, LinkError> {
        if self.offset.checked_add(4).is_none_or(|end| end > self.piece.bytes.len() as u64) {
            return Err(LinkError::OutsideSection { site: self.to_string() });
        }
        let RelocationTarget::Symbol(target) = relocation.target() else {
            return Err(LinkError::Undefined { symbol: "without a name".to_owned(), site: self.to_string() });
        };
        let symbol = self.input.file.symbol_by_index(target)?;
        let name = || symbol.name().unwrap_or("with a malformed name").to_owned();
        let (section, offset) = self
            .input
            .locate(&symbol)
            .ok_or_else(|| LinkError::Undefined { symbol: name(), site: self.to_string() })?;
        // Checked last: a call of a missing helper is of another kind too, but its name says more.
        match relocation.flags() {
            RelocationFlags::Elf { r_type: R_X86_64_PC32 | R_X86_64_PLT32 } => {}
            other => {
                return Err(LinkError::Relocation { kind: format!("{other:?}"), site: self.to_string() });
            }
        }
        let to = (layout[section].offset + offset) as i64;
        let from = (layout[self.piece.section].offset + self.piece.offset + self.offset) as i64;
        i32::try_from(to - from + relocation.addend())
            .map_err(|_| LinkError::OutOfRange { symbol: name(), site: self.to_string() })
    }
}

/// `function+0x12`, or the section's name where no function is.
impl std::fmt::Display for Site<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let offset = self.offset;
        let mut functions = self.input.functions.iter();
        match functions.find(|function| {
            self.piece.section == Section::Text
                && (function.offset..function.offset + function.size).contains(&offset)
        }) {
            Some(function) => {
                write!(f, "{}+{:#x}", function.name, offset - function.offset)
            }
            None => write!(f, "{}+{offset:#x}", self.piece.name),
        }
    }
}
