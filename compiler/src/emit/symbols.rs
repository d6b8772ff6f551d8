//! Symbol tables with their names.
//!
//! **Invariant: local symbols come before global ones**, as the ELF specification asks.

use super::layout::Layout;
use super::section::{SYMBOL_SIZE, Section};
use crate::error::EmitError;
use object::elf::{STB_GLOBAL, STB_LOCAL, STT_FUNC, STT_OBJECT, STV_DEFAULT, Sym64};
use object::{LittleEndian as LE, U16, U32, U64, pod};

/// Who can see a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    Local,
    Global,
}

/// A symbol whose section has no place yet.
#[derive(Debug, Clone)]
pub(super) struct Symbol<'a> {
    pub(super) name: &'a str,
    /// Code or an object, according to the section.
    pub(super) section: Section,
    /// From the section's start.
    pub(super) offset: u64,
    pub(super) size: u64,
}

#[derive(Debug)]
struct Entry {
    name: u32,
    info: u8,
    section: Section,
    offset: u64,
    size: u64,
}

/// A symbol table in the making.
#[derive(Debug)]
pub(super) struct SymbolTable {
    entries: Vec<Entry>,
    names: Vec<u8>,
    locals: u32,
}

impl SymbolTable {
    /// Holds only the null symbol and the empty name.
    pub(super) fn new() -> Self {
        Self { entries: Vec::new(), names: vec![0], locals: 1 }
    }

    /// Appends a symbol.
    pub(super) fn push(&mut self, symbol: &Symbol<'_>, binding: Binding) -> Result<(), EmitError> {
        let too_large = |_| EmitError::TooLarge { what: "names of symbols", bytes: self.names.len() as u64 };
        let name = u32::try_from(self.names.len()).map_err(too_large)?;
        self.names.extend_from_slice(symbol.name.as_bytes());
        self.names.push(0);
        let binding = match binding {
            Binding::Local => {
                self.locals += 1;
                debug_assert_eq!(self.locals as usize, self.entries.len() + 2, "locals come first");
                STB_LOCAL
            }
            Binding::Global => STB_GLOBAL,
        };
        let kind = if symbol.section == Section::Text { STT_FUNC } else { STT_OBJECT };
        let Symbol { section, offset, size, .. } = *symbol;
        self.entries.push(Entry { name, info: binding << 4 | kind, section, offset, size });
        Ok(())
    }

    /// Bytes of the table.
    pub(super) fn size(&self) -> u64 {
        SYMBOL_SIZE * (1 + self.entries.len() as u64)
    }

    /// The names, NUL-terminated.
    pub(super) fn names(&self) -> &[u8] {
        &self.names
    }

    /// Number of local symbols, with the null symbol.
    pub(super) fn locals(&self) -> u32 {
        self.locals
    }

    /// The table's bytes.
    pub(super) fn to_bytes(&self, layout: &Layout) -> Vec<u8> {
        let mut bytes = vec![0; SYMBOL_SIZE as usize];
        bytes.reserve_exact(self.entries.len() * SYMBOL_SIZE as usize);
        for entry in &self.entries {
            bytes.extend_from_slice(pod::bytes_of(&Sym64::<LE> {
                st_name: U32::new(LE, entry.name),
                st_info: entry.info,
                st_other: STV_DEFAULT,
                st_shndx: U16::new(LE, entry.section.index()),
                st_value: U64::new(LE, layout[entry.section].offset + entry.offset),
                st_size: U64::new(LE, entry.size),
            }));
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::super::section::PerSection;
    use super::*;

    #[test]
    fn symbols_have_names_and_addresses() {
        let mut table = SymbolTable::new();
        let code = Symbol { name: "f", section: Section::Text, offset: 32, size: 5 };
        let module = Symbol { name: "module", section: Section::Module, offset: 0, size: 40 };
        table.push(&code, Binding::Local).unwrap();
        table.push(&module, Binding::Global).unwrap();
        assert_eq!(table.names(), b"\0f\0module\0");
        assert_eq!(table.locals(), 2);

        let layout = Layout::new(&PerSection::default()).unwrap();
        let bytes = table.to_bytes(&layout);
        assert_eq!(bytes.len() as u64, table.size());
        let (symbols, _) = pod::slice_from_all_bytes::<Sym64<LE>>(&bytes).map(|all| (all, ())).unwrap();
        assert_eq!(symbols[0].st_value.get(LE), 0);
        assert_eq!(symbols[1].st_value.get(LE), layout[Section::Text].offset + 32);
        assert_eq!((symbols[1].st_type(), symbols[1].st_bind()), (STT_FUNC, STB_LOCAL));
        assert_eq!(symbols[2].st_name.get(LE), 3);
        assert_eq!((symbols[2].st_type(), symbols[2].st_bind()), (STT_OBJECT, STB_GLOBAL));
    }
}
