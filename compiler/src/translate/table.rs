//! **Sandbox-critical**: the only place that turns a table index into an element's address. And the table
//! operators.
//!
//! Invariant: an element's address is computed from an index that was compared with the table's length, and
//! stays inside the table even on a path that the processor only speculates on (the address is replaced by
//! the first element's before it is used; a constant table's only entry is used whatever the index). Indices
//! of 32 bits are zero-extended first; those of 64 bits are compared as they are, so that neither is
//! multiplied before it is known to be small.

use super::env::clif_type;
use super::translator::Translator;
use super::trap;
use super::vmctx::Region;
use crate::index::{ElemIndex, TableIndex};
use crate::key::Symbol;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{ExternalName, GlobalValueData, InstBuilder, MemFlagsData, Value, types};
use std::mem::offset_of;
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::state::{ConstEntry, TABLE_ELEMENT, TableRef};
use wasmaot_abi::trap::TrapCode;

impl Translator<'_, '_> {
    /// The address of an element, trapping with `code` if there is none.
    pub(super) fn table_element(&mut self, table: TableIndex, index: Value, code: TrapCode) -> Value {
        let length = self.table_length(table);
        let base =
            self.load_constant(self.env.layout.table(table.as_u32()) + offset_of!(TableRef, base) as i32);
        let index = self.extend(index);
        self.checked_address(base, index, length, TABLE_ELEMENT, code)
    }

    /// The address of an entry of a constant table.
    pub(super) fn constant_element(
        &mut self,
        table: TableIndex,
        index: Value,
        code: TrapCode,
    ) -> (Value, Value) {
        let count = self.env.module.tables[table].ty.limits.min;
        if count == 1 {
            // Whatever the index, its entry is at the start: nothing has to be kept inside of the table.
            let base = self.constant_table(table);
            let index = self.extend(index);
            let outside = self.builder.ins().icmp_imm_u(IntCC::NotEqual, index, 0);
            self.builder.ins().trapnz(outside, trap::of(code));
            return (base, base);
        }
        let length = self.const64(count);
        let base = self.constant_table(table);
        let index = self.extend(index);
        (base, self.checked_address(base, index, length, u64::from(ConstEntry::SIZE), code))
    }

    /// `base + index * size`, for an index below `length`; else traps. Both integers are 64 bits wide.
    fn checked_address(
        &mut self,
        base: Value,
        index: Value,
        length: Value,
        size: u64,
        code: TrapCode,
    ) -> Value {
        let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, length);
        self.builder.ins().trapnz(outside, trap::of(code));
        let shift = i64::from(size.trailing_zeros());
        let scaled = self.builder.ins().ishl_imm_u(index, shift);
        let address = self.builder.ins().iadd(base, scaled);
        self.builder.ins().select_spectre_guard(outside, base, address)
    }

    fn constant_table(&mut self, table: TableIndex) -> Value {
        let func = &mut *self.builder.func;
        let symbol = *self.constant_tables.entry(table).or_insert_with(|| {
            let name = func.declare_imported_user_function(Symbol::Table(table).to_clif());
            func.create_global_value(GlobalValueData::Symbol {
                name: ExternalName::user(name),
                offset: 0.into(),
                colocated: true,
                tls: false,
            })
        });
        self.builder.ins().symbol_value(types::I64, symbol)
    }

    /// The current length of a table, in elements, as 64 bits.
    fn table_length(&mut self, table: TableIndex) -> Value {
        if !self.env.module.tables[table].imported {
            return self.load_state(
                Region::Lengths,
                types::I64,
                self.env.layout.table_length(table.as_u32()),
            );
        }
        self.load_length_at(self.env.layout.table(table.as_u32()) + offset_of!(TableRef, length) as i32)
    }

    pub(super) fn table_size(&mut self, table: TableIndex) {
        let length = match &self.env.constant_tables[table] {
            Some(elements) => self.const64(elements.len() as u64),
            None => self.table_length(table),
        };
        self.push(length);
        self.narrow_top(self.env.module.tables[table].ty.index);
    }

    pub(super) fn table_get(&mut self, table: TableIndex) {
        let index = self.pop();
        let address = self.table_element(table, index, TrapCode::TableOutOfBounds);
        let flags = self.element_flags();
        let ty = clif_type(self.env.module.tables[table].ty.element);
        let value = self.builder.ins().load(ty, flags, address, 0);
        self.push(value);
    }

    pub(super) fn table_set(&mut self, table: TableIndex) {
        let (index, value) = self.pop2();
        let address = self.table_element(table, index, TrapCode::TableOutOfBounds);
        let flags = self.element_flags();
        let value = self.extend(value);
        self.builder.ins().store(flags, value, address, 0);
    }

    /// Flags for table elements, which are accessible once the index has been checked.
    pub(super) fn element_flags(&mut self) -> MemFlagsData {
        self.flags(Region::TableElements)
    }

    pub(super) fn table_grow(&mut self, table: TableIndex) {
        let (value, count) = self.pop2();
        self.call_builtin(Builtin::TableGrow, &[table.as_u32()], &[value, count]);
        self.narrow_top(self.env.module.tables[table].ty.index);
    }

    pub(super) fn table_fill(&mut self, table: TableIndex) {
        let (to, value, length) = self.pop3();
        self.call_builtin(Builtin::TableFill, &[table.as_u32()], &[to, value, length]);
    }

    pub(super) fn table_copy(&mut self, to_table: TableIndex, from_table: TableIndex) {
        let (to, from, length) = self.pop3();
        self.call_builtin(Builtin::TableCopy, &[to_table.as_u32(), from_table.as_u32()], &[to, from, length]);
    }

    pub(super) fn table_init(&mut self, segment: ElemIndex, table: TableIndex) {
        let (to, from, length) = self.pop3();
        self.call_builtin(Builtin::TableInit, &[table.as_u32(), segment.as_u32()], &[to, from, length]);
    }

    pub(super) fn elem_drop(&mut self, segment: ElemIndex) {
        self.call_builtin(Builtin::ElemDrop, &[segment.as_u32()], &[]);
    }
}
