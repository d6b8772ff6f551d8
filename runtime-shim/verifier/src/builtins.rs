//! Arguments of builtins.
//!
//! A builtin trusts its caller: it takes the vmctx for that of the running instance, and indices for such
//! that the module has. So each gets the own vmctx, indices that are constants below their counts, and
//! references of the type of where they are put. Numbers, such as an index into a memory, are the builtin's
//! to check.
//!
//! **Invariant: a builtin that is not listed here cannot be called**, as the match is on all of them.

use crate::body::Body;
use crate::lattice::Kind;
use crate::registers::RDI;
use crate::reject::{Problem, Property, ensure, problem};
use crate::signature::SYSTEM;
use crate::state::State;
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::types::ValType;

impl Body<'_, '_> {
    pub(crate) fn pass_to_builtin(
        &mut self,
        state: &mut State,
        builtin: Builtin,
        sp: i32,
    ) -> Result<(), Problem> {
        ensure(state.reg(RDI).kind == Kind::Vmctx, Property::Builtins, "it does not pass its vmctx")?;
        let argument = |position: usize| state.reg(SYSTEM[position]).kind;
        let index = |position: usize, count: usize, what: &str| match argument(position) {
            Kind::Const(index) if index < count as u64 => Ok(index as usize),
            other => problem(Property::Builtins, format!("it passes {other:?} as the index of a {what}")),
        };
        let memory = |position| index(position, self.module.memories.len(), "memory");
        let data = |position| index(position, self.module.descriptor.data.len(), "data segment");
        let elem = |position| index(position, self.module.descriptor.elems.len(), "element segment");
        let table = |position| {
            let table = index(position, self.module.tables.len(), "table")?;
            ensure(
                !self.module.is_constant_table(table as u16),
                Property::Builtins,
                "the table cannot change",
            )?;
            Ok(table)
        };
        let element_of = |table: usize| self.module.tables[table].element;
        let value = |position: usize, table: usize| match element_of(table) {
            ValType::Ref(ty) if ty.heap.is_func() => {
                self.check_reference(state.reg(SYSTEM[position]), ty, "it passes")
            }
            _ => Ok(()),
        };
        let fits = |from: ValType, to: ValType| {
            ensure(
                from.is_subtype_of(to),
                Property::Builtins,
                "elements of one type go to a table of another",
            )
        };
        match builtin {
            Builtin::MemoryGrow
            | Builtin::MemoryFill
            | Builtin::MemoryWait32
            | Builtin::MemoryWait64
            | Builtin::MemoryNotify => memory(1).map(drop),
            Builtin::MemoryCopy => memory(1).and(memory(2)).map(drop),
            Builtin::MemoryInit => memory(1).and(data(2)).map(drop),
            Builtin::DataDrop => data(1).map(drop),
            Builtin::ElemDrop => elem(1).map(drop),
            Builtin::TableGrow => value(2, table(1)?),
            Builtin::TableFill => value(3, table(1)?),
            Builtin::TableCopy => fits(element_of(table(2)?), element_of(table(1)?)),
            Builtin::TableInit => fits(self.module.descriptor.elems[elem(2)?].element, element_of(table(1)?)),
            Builtin::Throw => {
                let tag = index(1, self.module.tags.len(), "tag")?;
                let ty = self.module.ty(self.module.tags[tag]);
                let params = ty.map(|ty| &*ty.params).unwrap_or_default();
                if params.is_empty() {
                    return Ok(());
                }
                let at = self.frame_cells(state, SYSTEM[2], params.len() as u32, sp)?;
                self.check_cells(state, at, params, "it throws")
            }
            Builtin::ThrowRef => Ok(()),
        }
    }
}
