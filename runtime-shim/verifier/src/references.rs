//! References to functions.
//!
//! A reference is the address of a record, which has the function's code and vmctx. It comes from the
//! runtime: as a parameter, a result, from a table or a global of such a type, or from the instance's own
//! list. Where a receiver takes a value for a reference, it has to be known to be one, and of the receiver's
//! type; nothing is made up by arithmetic. The same holds of the entries of constant tables, which name code
//! of the module: all entries that an index may lead to are compared with the code table.
//!
//! **Invariant: whatever is called through a reference or an entry follows the convention of the type that
//! the call takes it for.**

use crate::body::Body;
use crate::calls::calls;
use crate::lattice::Val;
use crate::memory::type_of;
use crate::reject::{Problem, Property, ensure};
use crate::state::State;
use wasmaot_abi::code::CodeKind;
use wasmaot_abi::entry::VALUE;
use wasmaot_abi::state::ConstEntry;
use wasmaot_abi::types::{RefType, ValType};

impl Body<'_, '_> {
    pub(crate) fn check_reference(&self, value: Val, ty: RefType, what: &str) -> Result<(), Problem> {
        let holds = value.kind.is_func(self.module, type_of(ty.heap), ty.nullable);
        ensure(
            holds,
            Property::References,
            format_args!("{what} {:?} as a reference to a function", value.kind),
        )
    }

    pub(crate) fn check_cells(
        &self,
        state: &State,
        at: i32,
        types: &[ValType],
        what: &str,
    ) -> Result<(), Problem> {
        for (ty, offset) in types.iter().zip((at..).step_by(VALUE as usize)) {
            if let ValType::Ref(ty) = ty
                && ty.heap.is_func()
            {
                self.check_reference(state.word(offset), *ty, what)?;
            }
        }
        Ok(())
    }

    /// Checks the entries of a constant table up to one of them, by the table's file offset.
    pub(crate) fn check_constant_table(&mut self, table: u32, last: u32) -> Result<(), Problem> {
        let done = self.checks.constant_tables.get(&table).copied();
        if done.is_some_and(|done| done >= last) {
            return Ok(());
        }
        let first = done.map_or(0, |done| done + 1);
        let size = ConstEntry::SIZE as usize;
        let entries =
            (last as usize + 1).checked_mul(size).and_then(|bytes| self.module.read_only(table, bytes));
        let Some(entries) = entries else {
            return calls("a constant table reaches beyond the read-only data");
        };
        for entry in entries.chunks_exact(size).skip(first as usize) {
            let word = |at: i32| {
                entry
                    .get(at as usize..)
                    .and_then(|rest| rest.first_chunk())
                    .map(|word| u32::from_le_bytes(*word))
            };
            let (Some(rel), Some(ty)) = (word(ConstEntry::REL), word(ConstEntry::TYPE)) else {
                return calls("a constant table ends within an entry");
            };
            if ty == ConstEntry::NULL_TYPE {
                continue;
            }
            let target = i64::from(table) + i64::from(rel as i32) - self.module.text_offset as i64;
            let range = u32::try_from(target).ok().and_then(|target| self.module.starting_at(target));
            let holds = range.is_some_and(|range| {
                matches!(range.kind, CodeKind::Function | CodeKind::Thunk) && range.ty == ty
            });
            ensure(holds, Property::Calls, "an entry of a constant table is no function of its type")?;
        }
        self.checks.constant_tables.insert(table, last);
        Ok(())
    }

    /// The type that an entry of a constant table states.
    pub(crate) fn constant_entry_type(&self, table: u32, entry: u32) -> u32 {
        let at = u64::from(table) + u64::from(entry) * u64::from(ConstEntry::SIZE) + ConstEntry::TYPE as u64;
        let bytes = u32::try_from(at).ok().and_then(|at| self.module.read_only(at, size_of::<u32>()));
        bytes
            .and_then(|bytes| bytes.first_chunk())
            .map_or(ConstEntry::NULL_TYPE, |ty| u32::from_le_bytes(*ty))
    }
}
