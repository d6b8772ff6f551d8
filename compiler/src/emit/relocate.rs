//! Resolves the references between functions and constant tables.
//!
//! **Invariant: every one is resolved here**, as the distance between two places of the file. What
//! cannot be (another kind of reference, a symbol from outside) is an error: the shared object
//! asks nothing of a dynamic loader.

use super::const_tables::ConstTables;
use super::layout::Layout;
use super::section::Section;
use super::text::Text;
use crate::codegen::{Code, Reference, Target};
use crate::error::EmitError;
use crate::index::{CodeIndex, TableIndex};
use crate::key::Symbol;
use cranelift_codegen::binemit::Reloc;
use cranelift_entity::PrimaryMap;

/// Where functions and constant tables lie in the file.
pub(super) struct Places<'a> {
    pub(super) layout: &'a Layout,
    pub(super) text: &'a Text,
    pub(super) tables: &'a ConstTables<'a>,
    /// Of the functions' symbols.
    pub(super) names: &'a PrimaryMap<CodeIndex, String>,
}

impl Places<'_> {
    /// Where a function lies in the file.
    pub(super) fn of_function(&self, code: CodeIndex) -> u64 {
        self.layout[Section::Text].offset + u64::from(self.text.offset(code))
    }

    /// Where a table lies in the file; `None` if it is not constant.
    fn of_table(&self, table: TableIndex) -> Option<u64> {
        Some(self.layout[Section::Rodata].offset + self.tables.offset(table)?)
    }

    fn of(&self, symbol: Symbol) -> Option<u64> {
        match symbol {
            Symbol::Function(code) => Some(self.of_function(code)),
            Symbol::Table(table) => self.of_table(table),
        }
    }

    /// Writes the references of a function into its code.
    pub(super) fn relocate(
        &self,
        function: CodeIndex,
        code: &Code,
        bytes: &mut [u8],
    ) -> Result<(), EmitError> {
        for reference in &code.references {
            let outside = || EmitError::OutsideFunction { site: self.site(function, reference) };
            let field = bytes.get_mut(reference.at as usize..).and_then(<[u8]>::first_chunk_mut);
            let field = field.ok_or_else(outside)?;
            *field = self.value(function, reference)?.to_le_bytes();
        }
        Ok(())
    }

    /// The 32 bits to be written: the target's address, and the addend, less the field's address.
    fn value(&self, function: CodeIndex, reference: &Reference) -> Result<i32, EmitError> {
        let site = || self.site(function, reference);
        let undefined = |symbol: &str| EmitError::Undefined { symbol: symbol.to_owned(), site: site() };
        let symbol = match &reference.target {
            Target::Symbol(symbol) => *symbol,
            Target::Undefined(name) => return Err(undefined(name)),
        };
        let to = self.of(symbol).ok_or_else(|| undefined(&self.name(symbol)))?;
        // Checked last: a call of a missing helper is of another kind too, but its name says more.
        if !matches!(reference.kind, Reloc::X86PCRel4 | Reloc::X86CallPCRel4) {
            return Err(EmitError::Relocation { kind: format!("{:?}", reference.kind), site: site() });
        }
        let from = self.of_function(function) + u64::from(reference.at);
        i32::try_from(to as i64 - from as i64 + reference.addend)
            .map_err(|_| EmitError::OutOfRange { symbol: self.name(symbol), site: site() })
    }

    fn name(&self, symbol: Symbol) -> String {
        match symbol {
            Symbol::Function(code) => self.names[code].clone(),
            Symbol::Table(table) => format!("table[{}]", table.as_u32()),
        }
    }

    /// `function+0x12`.
    fn site(&self, function: CodeIndex, reference: &Reference) -> String {
        format!("{}+{:#x}", self.names[function], reference.at)
    }
}
