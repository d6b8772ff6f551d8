//! Memory operands: what an address leads to, and what may be done there.
//!
//! An address is accepted if it is one of these:
//!
//! * *heap*: the start of a memory (of the instance's own one, vmctx), plus values whose sum is at most the
//!   reservation, plus a displacement that is not negative. Every memory has `MEMORY_RESERVATION` addresses
//!   and a guard of at least `MAX_ACCESS` bytes behind them, where nothing else lies; a memory whose
//!   addresses have 64 bits and that may be larger has its length's worth and a guard of `OFFSET_GUARD`
//!   bytes, so its index has to have been compared with the length, or its range;
//! * *the stack*: from the stack pointer up to what the function was given on the stack;
//! * *cells*: what the function was given the address of;
//! * *state*: cells of defined globals, and words that are only read: lengths, and what the constants hold;
//! * *elements* of tables whose index was compared with the length, or the cell of an imported global;
//! * *records of functions*, entries of constant tables, values of exceptions: only read;
//! * *constants* of the text: only read.
//!
//! **Invariant: stores go to heap, stack, cells, globals and elements, and nowhere else**, and where a
//! reference to a function is kept, only such are stored.

use crate::body::Body;
use crate::decode::{gpr, memory_bytes};
use crate::lattice::{self, ANY_TYPE, Item, Kind, MAX32, NO_NAME, Name, Val};
use crate::module::FUNC_REF;
use crate::reject::{Problem, Property, ensure, problem};
use crate::state::{AREA, State};
use iced_x86::{Instruction, Register};
use std::mem::offset_of;
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::entry::VALUE;
use wasmaot_abi::slot::{HOST_PAGE, OFFSET_GUARD};
use wasmaot_abi::state::{
    ConstEntry, FuncRef, GLOBAL_CELL, ImportedFunction, MemoryRef, StateLayout, TABLE_ELEMENT, TableRef,
};
use wasmaot_abi::types::{HeapType, ValType};

/// Positions of an address's registers among the names that an instruction gives.
pub(crate) const BASE: u32 = 14;
pub(crate) const INDEX: u32 = 15;

/// Addresses below this are never accessible.
const SMALL: u64 = HOST_PAGE;

/// Classification of a memory operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a memory, or its guard.
    Heap,
    /// Near address 0.
    Null,
    /// In the frame, or in argument cells.
    Word(i32),
    /// A word of the state.
    State(i32),
    /// A cell of a global.
    Global { global: u32, offset: u32 },
    /// The length of something imported.
    Length(Item),
    /// An element of a table.
    Element { table: u16, offset: u32 },
    /// A word of the record of a function with this name.
    Record { func: Name, ty: u32, offset: u32 },
    /// A word of the record of the function at a position in the list of entries.
    OwnRecord { entry: u32, offset: u32 },
    /// The table of builtins.
    Builtins(u32),
    /// An entry of a constant table.
    ConstEntry { table: u32, last: u32, ty: u32, offset: u32, entry: Name },
    /// An entry of a jump table.
    JumpEntry { table: u32, last: u32 },
    /// A value of an exception.
    Exception { tag: u32, offset: u32 },
    /// An entry of a constant table that is known.
    KnownEntry { table: u32, entry: u32, offset: u32 },
    /// A constant in the text.
    Text(u32),
    /// One of several, `aligned` if all are at multiples of 16.
    TextRange { aligned: bool },
}

fn memory<T>(text: impl Into<String>) -> Result<T, Problem> {
    problem(Property::Memory, text)
}

impl Body<'_, '_> {
    /// The operand in memory of an instruction, and its size.
    pub(crate) fn place(
        &mut self,
        state: &mut State,
        instruction: &Instruction,
    ) -> Result<(Place, u32), Problem> {
        let bytes = memory_bytes(instruction.memory_size());
        let place = self.place_of(state, instruction, bytes)?;
        Ok((place, bytes))
    }

    fn place_of(
        &mut self,
        state: &mut State,
        instruction: &Instruction,
        bytes: u32,
    ) -> Result<Place, Problem> {
        if instruction.is_ip_rel_memory_operand() {
            let address = instruction.ip_rel_memory_address();
            let inside = u32::try_from(address).ok().filter(|&at| self.code.is_data(at, bytes));
            return match inside {
                Some(at) => {
                    self.code.mark_data(at, bytes)?;
                    Ok(Place::Text(at))
                }
                None => memory("it reads relative to rip outside of its function"),
            };
        }
        let displacement = instruction.memory_displacement64() as i64;
        let base = self.base(state, instruction)?;
        self.place_at(state, base, displacement, bytes)
    }

    /// Base and index of an operand, added up.
    fn base(&mut self, state: &mut State, instruction: &Instruction) -> Result<Val, Problem> {
        let base = match instruction.memory_base() {
            Register::None => Val::of(Kind::Const(0)),
            register => self.named_address_register(state, register, BASE)?,
        };
        let index = match instruction.memory_index() {
            Register::None => return Ok(base),
            register => self.named_address_register(state, register, INDEX)?,
        };
        let scale = instruction.memory_index_scale();
        Ok(Val::of(self.add_scaled(base, index, scale)))
    }

    fn named_address_register(
        &mut self,
        state: &mut State,
        register: Register,
        position: u32,
    ) -> Result<Val, Problem> {
        match gpr(register) {
            Some((number, 64)) => Ok(self.named(state, number, position)),
            _ => memory("its address is not of 64 bits"),
        }
    }

    /// What `base + index * scale` is.
    pub(crate) fn add_scaled(&self, base: Val, index: Val, scale: u32) -> Kind {
        if scale == 1 {
            return lattice::add(self.module, base, index);
        }
        match (base.kind, index.kind) {
            (Kind::TableBase(table), kind)
                if scale == TABLE_ELEMENT as u32
                    && !matches!(kind, Kind::Const(_))
                    && (is_below(kind, table) || index.name != NO_NAME) =>
            {
                Kind::Element { table, index: index.name, checked: is_below(kind, table) }
            }
            (Kind::ConstTable(table), kind)
                if scale == ConstEntry::SIZE && !matches!(kind, Kind::Const(_)) && index.name != NO_NAME =>
            {
                Kind::ConstUnchecked { table, index: index.name }
            }
            _ => {
                let scaled = index.kind.most().and_then(|most| most.checked_mul(scale.into()));
                let scaled = match index.kind {
                    Kind::Const(value) => Kind::Const(value.wrapping_mul(scale.into())),
                    _ => scaled.map_or(Kind::Any, Kind::Max),
                };
                lattice::add(self.module, base, Val::of(scaled))
            }
        }
    }

    fn place_at(
        &mut self,
        state: &mut State,
        base: Val,
        displacement: i64,
        bytes: u32,
    ) -> Result<Place, Problem> {
        let offset = u32::try_from(displacement).ok();
        let forward =
            |what: &str| offset.map_or_else(|| memory(format!("a negative displacement from {what}")), Ok);
        match base.kind {
            Kind::Vmctx if displacement < 0 => self.state_place(displacement as i32, bytes),
            Kind::Vmctx => match self.module.own_memory() {
                Some(index) => self.heap(index, u64::from(forward("vmctx")?)),
                None => memory("it is behind vmctx, where the instance has no memory"),
            },
            Kind::Heap { memory: index, plus } => {
                self.heap(index, plus + u64::from(forward("an address of a memory")?))
            }
            Kind::HeapAt { memory: index, at } => {
                let end = at.checked_add(u64::from(forward("an address of a memory")?) + u64::from(bytes));
                // A memory has addresses for its length and a guard.
                let most = state.least(Item::Memory(index)).saturating_add(OFFSET_GUARD);
                ensure(
                    end.is_some_and(|end| end <= most),
                    Property::Memory,
                    "the memory's length was not compared with the address",
                )?;
                Ok(Place::Heap)
            }
            Kind::Checked { null, room, .. } => {
                let end = u64::from(forward("a checked address")?) + u64::from(bytes);
                ensure(end <= room, Property::Memory, "it reaches beyond what was checked")?;
                if null {
                    ensure(
                        end <= SMALL,
                        Property::Memory,
                        "it may be so far from address 0 that it does not fault",
                    )?;
                    self.may_fault("an address that may be 0")?;
                }
                Ok(Place::Heap)
            }
            Kind::Stack(at) => self.stack_place(state, i64::from(at) + displacement, bytes),
            Kind::Area(at) => {
                let at = u64::from(at) + u64::from(forward("cells")?);
                ensure(
                    at + u64::from(bytes) <= self.area.into(),
                    Property::Memory,
                    "it reaches beyond the cells",
                )?;
                Ok(Place::Word(AREA + at as i32))
            }
            Kind::GlobalCell(global) => {
                let offset = forward("a global")?;
                ensure(offset + bytes <= GLOBAL_CELL, Property::Memory, "it reaches beyond a global's cell")?;
                Ok(Place::Global { global, offset })
            }
            Kind::LengthCell(item) => {
                ensure(displacement == 0 && bytes == 8, Property::Memory, "it is no length")?;
                Ok(Place::Length(item))
            }
            Kind::Element { table, checked: true, .. } => {
                let offset = forward("an element")?;
                let inside = u64::from(offset) + u64::from(bytes) <= TABLE_ELEMENT;
                ensure(inside, Property::Memory, "it reaches beyond an element")?;
                Ok(Place::Element { table, offset })
            }
            Kind::AnyElement(table) => {
                let offset = forward("an element")?;
                let inside = u64::from(offset) + u64::from(bytes) <= TABLE_ELEMENT;
                let some = state.least(Item::Table(table)) > 0;
                ensure(
                    inside && some,
                    Property::Memory,
                    "the table's length was not compared with the index",
                )?;
                Ok(Place::Element { table, offset })
            }
            Kind::TableBase(table) => self.known_element(state, table, forward("a table")?.into(), bytes),
            Kind::ElementAt { table, offset: first } => {
                let at = first.checked_add(forward("an element")?.into());
                at.map_or_else(
                    || memory("it is beyond every table"),
                    |at| self.known_element(state, table, at, bytes),
                )
            }
            Kind::OwnFunc(entry) => {
                let at = i64::from(entry) * i64::from(FUNC_REF) + displacement;
                let Ok(at) = u32::try_from(at) else { return memory("it is before the function references") };
                let (entry, offset) = (at / FUNC_REF, at % FUNC_REF);
                ensure(
                    self.module.entry_type(entry).is_some(),
                    Property::Memory,
                    "it is behind the function references",
                )?;
                Ok(Place::OwnRecord { entry, offset })
            }
            Kind::Func { ty, null } => {
                let offset = forward("a function reference")?;
                ensure(
                    offset + bytes <= FUNC_REF,
                    Property::Memory,
                    "it reaches beyond a function's record",
                )?;
                if null {
                    self.may_fault("a reference that may be null")?;
                    state.is_not_null(base.name);
                }
                Ok(Place::Record { func: base.name, ty, offset })
            }
            Kind::Const(0) => {
                ensure(
                    offset.is_some_and(|offset| u64::from(offset) + u64::from(bytes) <= SMALL),
                    Property::Memory,
                    "it is a constant address",
                )?;
                self.may_fault("address 0")?;
                self.faults = true;
                Ok(Place::Null)
            }
            Kind::Builtins => Ok(Place::Builtins(forward("the builtins")?)),
            Kind::ConstEntry { table, last, ty } => {
                let offset = forward("a constant table")?;
                ensure(
                    offset + bytes <= ConstEntry::SIZE,
                    Property::Memory,
                    "it reaches beyond a constant table's entry",
                )?;
                Ok(Place::ConstEntry { table, last, ty, offset, entry: base.name })
            }
            Kind::ConstUnchecked { table, index } => {
                let Some(last) = state.most(index) else {
                    return memory("nothing bounds the index of a constant table");
                };
                let entry = Val { kind: Kind::ConstEntry { table, last, ty: ANY_TYPE }, ..base };
                self.place_at(state, entry, displacement, bytes)
            }
            Kind::ConstTable(table) => known_entry(table, 0, forward("a constant table")?, bytes),
            Kind::ConstKnown { table, entry } => {
                known_entry(table, entry, forward("a constant table")?, bytes)
            }
            Kind::TextRange { at, plus, aligned } => {
                let start = at.checked_add(forward("a constant")?);
                let length = plus + u64::from(bytes);
                let inside = start.is_some_and(|start| {
                    start >= self.range.start && u64::from(start) + length <= u64::from(self.range.end())
                });
                let Some(start) = start.filter(|_| inside) else {
                    return memory("it reaches beyond the constants of its function");
                };
                self.code.mark_data(start, length as u32)?;
                let first = self.module.text_offset + u64::from(start);
                Ok(Place::TextRange { aligned: aligned && first.is_multiple_of(16) })
            }
            Kind::Exception(tag) => Ok(Place::Exception { tag, offset: forward("an exception")? }),
            _ => memory("nothing bounds its address"),
        }
    }

    /// A place in a memory, or behind it.
    fn heap(&self, memory: u16, distance: u64) -> Result<Place, Problem> {
        let inside = distance <= self.module.reach(memory);
        ensure(inside, Property::Memory, "it reaches beyond a memory's reservation")?;
        Ok(Place::Heap)
    }

    /// The element of a table at a constant distance from its start.
    fn known_element(&self, state: &State, table: u16, at: u64, bytes: u32) -> Result<Place, Problem> {
        let (index, offset) = (at / TABLE_ELEMENT, at % TABLE_ELEMENT);
        let inside = offset + u64::from(bytes) <= TABLE_ELEMENT && index < state.least(Item::Table(table));
        ensure(inside, Property::Memory, "the table's length was not compared with the index")?;
        Ok(Place::Element { table, offset: offset as u32 })
    }

    /// A place of the stack.
    fn stack_place(&mut self, state: &mut State, at: i64, bytes: u32) -> Result<Place, Problem> {
        let low = i64::from(state.sp().unwrap_or(0));
        let high = i64::from(self.stack_end);
        ensure(at >= low && at + i64::from(bytes) <= high, Property::Memory, "it is outside of the frame")?;
        let at = at as i32;
        state.touched = state.touched.min(at);
        Ok(Place::Word(at))
    }

    /// An item of the state, at a distance below vmctx.
    fn state_place(&self, at: i32, bytes: u32) -> Result<Place, Problem> {
        let layout = &self.module.layout;
        let imported = self.module.globals.len() as u32 - layout.counts().defined_globals;
        if let Some(end) =
            (layout.counts().defined_globals > 0).then(|| layout.global(0) + GLOBAL_CELL as i32)
            && at < end
            && let from_end = (end - at - 1) as u32
            && let defined = from_end / GLOBAL_CELL
            && defined < layout.counts().defined_globals
        {
            let offset = (at - layout.global(defined)) as u32;
            ensure(offset + bytes <= GLOBAL_CELL, Property::Memory, "it reaches beyond a global's cell")?;
            return Ok(Place::Global { global: imported + defined, offset });
        }
        Ok(Place::State(at))
    }

    /// What is read from a place.
    pub(crate) fn load(&mut self, state: &mut State, place: Place, bytes: u32) -> Result<Val, Problem> {
        let number = match bytes {
            1 => Kind::Max(0xff),
            2 => Kind::Max(0xffff),
            4 => Kind::Max(MAX32),
            _ => Kind::Any,
        };
        let kind = match place {
            Place::Heap | Place::Null => number,
            Place::Word(at) => return Ok(self.load_word(state, at, bytes, number)),
            Place::State(at) => self.load_state(at, bytes)?,
            Place::Global { global, offset } => match self.module.globals[global as usize].value {
                ValType::Ref(ty) if ty.heap.is_func() && (offset, bytes) == (0, 8) => {
                    reference(ty.heap, ty.nullable)
                }
                _ => number,
            },
            Place::Length(item) => self.length(item),
            Place::Element { table, offset } => match self.module.tables[usize::from(table)].element {
                ValType::Ref(ty) if ty.heap.is_func() && (offset, bytes) == (0, 8) => {
                    reference(ty.heap, ty.nullable)
                }
                _ => number,
            },
            Place::Record { func, ty, offset } => record(func, ty, offset, bytes).unwrap_or(number),
            Place::OwnRecord { entry, offset } => own_record(entry, offset, bytes).unwrap_or(number),
            Place::Builtins(offset) => builtin(offset, bytes)?,
            Place::ConstEntry { table, last, ty, offset, entry } => {
                self.check_constant_table(table, last)?;
                match (offset as i32, bytes) {
                    (ConstEntry::TYPE, 4) if entry != NO_NAME => Kind::ConstType { entry },
                    (ConstEntry::REL, 4) => Kind::ConstWord { table, entry, ty },
                    _ => number,
                }
            }
            Place::KnownEntry { table, entry, offset } => {
                self.check_constant_table(table, entry)?;
                let ty = self.constant_entry_type(table, entry);
                match (offset as i32, bytes) {
                    (ConstEntry::TYPE, 4) => Kind::Const(ty.into()),
                    (ConstEntry::REL, 4) => Kind::ConstWord { table, entry: NO_NAME, ty },
                    _ => number,
                }
            }
            Place::TextRange { .. } => number,
            Place::JumpEntry { table, last } => Kind::JumpOffset { table, last },
            Place::Exception { tag, offset } => self.load_exception(tag, offset, bytes, number)?,
            Place::Text(at) => match (bytes, self.module.text.get(at as usize..)) {
                (8, Some(rest)) => {
                    rest.first_chunk().map_or(Kind::Any, |bytes| Kind::Const(u64::from_le_bytes(*bytes)))
                }
                (4, Some(rest)) => rest
                    .first_chunk()
                    .map_or(Kind::Any, |bytes| Kind::Const(u32::from_le_bytes(*bytes).into())),
                _ => number,
            },
        };
        Ok(Val::of(kind))
    }

    fn load_word(&self, state: &State, at: i32, bytes: u32, number: Kind) -> Val {
        match bytes {
            8 => state.word(at),
            4 => state.word(at).low(),
            _ => Val::of(number),
        }
    }

    /// What a word of the state is.
    fn load_state(&self, at: i32, bytes: u32) -> Result<Kind, Problem> {
        let layout = &self.module.layout;
        let counts = layout.counts();
        let kind = match bytes {
            8 => self.load_pointer(at),
            4 if counts.types > 0 => position(at, layout.type_id(0), 4, counts.types).map(Kind::TypeId),
            _ => None,
        };
        kind.map_or_else(|| memory(format!("the state has nothing to be read at vmctx{at:+#x}")), Ok)
    }

    /// The loaded length of a memory. Other threads may grow a shared memory at any time.
    fn length(&self, item: Item) -> Kind {
        let shared = match item {
            Item::Memory(memory) => self.module.memories.get(usize::from(memory)).is_none_or(|ty| ty.shared),
            Item::Table(_) => false,
        };
        Kind::Length { item, current: !shared }
    }

    fn load_pointer(&self, at: i32) -> Option<Kind> {
        let layout = &self.module.layout;
        let counts = layout.counts();
        let (tables, memories) = (counts.tables, counts.memories);
        let field = |first: Option<i32>, size: usize, count: u32| {
            let first = first?;
            let end = first + size as i32;
            let from_end = u32::try_from(end - 1 - at).ok()?;
            let index = from_end / size as u32;
            (index < count).then(|| (index, (at - (first - (index * size as u32) as i32)) as usize))
        };
        if at == StateLayout::MEMORY0_LENGTH && self.module.own_memory().is_some() {
            return Some(self.length(Item::Memory(0)));
        }
        if at == layout.builtins() {
            return Some(Kind::Builtins);
        }
        if at == layout.funcrefs() {
            return Some(Kind::OwnFunc(0));
        }
        if let Some((index, 0)) = field((memories > 0).then(|| layout.memory_length(0)), 8, memories) {
            return Some(self.length(Item::Memory(index as u16)));
        }
        if let Some((index, 0)) = field((tables > 0).then(|| layout.table_length(0)), 8, tables) {
            return Some(self.length(Item::Table(index as u16)));
        }
        let first = (tables > 0).then(|| layout.table(0));
        if let Some((index, offset)) = field(first, size_of::<TableRef>(), tables)
            && !self.module.is_constant_table(index as u16)
        {
            const BASE: usize = offset_of!(TableRef, base);
            const LENGTH: usize = offset_of!(TableRef, length);
            return match offset {
                BASE => Some(Kind::TableBase(index as u16)),
                LENGTH => Some(Kind::LengthCell(Item::Table(index as u16))),
                _ => None,
            };
        }
        let first = (memories > 0).then(|| layout.memory(0));
        if let Some((index, offset)) = field(first, size_of::<MemoryRef>(), memories) {
            const BASE: usize = offset_of!(MemoryRef, base);
            const LENGTH: usize = offset_of!(MemoryRef, length);
            return match offset {
                BASE => Some(Kind::Heap { memory: index as u16, plus: 0 }),
                LENGTH => Some(Kind::LengthCell(Item::Memory(index as u16))),
                _ => None,
            };
        }
        let first = (counts.imported_functions > 0).then(|| layout.imported_function(0));
        if let Some((import, offset)) = field(first, size_of::<ImportedFunction>(), counts.imported_functions)
        {
            const CODE: usize = offset_of!(ImportedFunction, array_entry);
            const CONTEXT: usize = offset_of!(ImportedFunction, context);
            const TAIL: usize = offset_of!(ImportedFunction, tail_entry);
            return match offset {
                CODE => Some(Kind::ImportCode(import)),
                CONTEXT => Some(Kind::ImportContext(import)),
                TAIL => Some(Kind::ImportTail { import, null: true }),
                _ => None,
            };
        }
        let first = (counts.imported_globals > 0).then(|| layout.imported_global(0));
        match field(first, 8, counts.imported_globals) {
            Some((global, 0)) => Some(Kind::GlobalCell(global)),
            _ => None,
        }
    }

    fn load_exception(&self, tag: u32, offset: u32, bytes: u32, number: Kind) -> Result<Kind, Problem> {
        let ty = self.module.tags.get(tag as usize).and_then(|&ty| self.module.ty(ty));
        let value = ty.and_then(|ty| ty.params.get((offset / VALUE) as usize));
        match value {
            Some(&value) if offset % VALUE + bytes <= VALUE => Ok(match value {
                ValType::Ref(ty) if ty.heap.is_func() && (offset % VALUE, bytes) == (0, 8) => {
                    reference(ty.heap, ty.nullable)
                }
                _ => number,
            }),
            _ => memory("it reaches beyond an exception's values"),
        }
    }

    /// Writes a value to a place.
    pub(crate) fn store(
        &mut self,
        state: &mut State,
        place: Place,
        bytes: u32,
        value: Val,
    ) -> Result<(), Problem> {
        let func_type = |ty: ValType| match ty {
            ValType::Ref(ty) if ty.heap.is_func() => Some(ty),
            _ => None,
        };
        let target = match place {
            Place::Heap | Place::Null => return Ok(()),
            Place::Word(at) => {
                if bytes == 8 {
                    state.set_word(at, value);
                } else {
                    state.forget_words(at, bytes);
                }
                return Ok(());
            }
            Place::Global { global, offset } => {
                let ty = self.module.globals[global as usize];
                ensure(ty.mutable, Property::Memory, "it writes a global that cannot change")?;
                func_type(ty.value).map(|ty| (ty, offset))
            }
            Place::Element { table, offset } => {
                func_type(self.module.tables[usize::from(table)].element).map(|ty| (ty, offset))
            }
            _ => return memory("it writes what may only be read"),
        };
        let Some((ty, offset)) = target else { return Ok(()) };
        let whole = (offset, bytes) == (0, 8);
        let fits = value.kind.is_func(self.module, type_of(ty.heap), ty.nullable);
        ensure(whole && fits, Property::References, format_args!("it stores {:?} as a reference", value.kind))
    }
}

/// Returns whether a kind is a valid index of a table element.
fn is_below(kind: Kind, of: u16) -> bool {
    matches!(kind, Kind::Below { table, .. } if table == of)
}

/// A word of an entry of a constant table, by its distance from an entry.
fn known_entry(table: u32, entry: u32, distance: u32, bytes: u32) -> Result<Place, Problem> {
    let (further, offset) = (distance / ConstEntry::SIZE, distance % ConstEntry::SIZE);
    let entry = entry.checked_add(further).filter(|_| offset + bytes <= ConstEntry::SIZE);
    match entry {
        Some(entry) => Ok(Place::KnownEntry { table, entry, offset }),
        None => memory("it reaches beyond a constant table's entry"),
    }
}

/// The index of an item of a row that grows downwards.
fn position(at: i32, first: i32, size: u32, count: u32) -> Option<u32> {
    let distance = u32::try_from(first - at).ok()?;
    (distance.is_multiple_of(size) && distance / size < count).then_some(distance / size)
}

/// The type of functions that references are to.
pub(crate) fn type_of(heap: HeapType) -> u32 {
    match heap {
        HeapType::Concrete(ty) => ty,
        _ => ANY_TYPE,
    }
}

/// A reference of this type.
pub(crate) fn reference(heap: HeapType, null: bool) -> Kind {
    Kind::Func { ty: type_of(heap), null }
}

const TAIL_ENTRY: u32 = offset_of!(FuncRef, tail_entry) as u32;
const TYPE_ID: u32 = offset_of!(FuncRef, type_id) as u32;
const CONTEXT: u32 = offset_of!(FuncRef, vmctx) as u32;

fn record(func: Name, ty: u32, offset: u32, bytes: u32) -> Option<Kind> {
    if func == NO_NAME {
        return None;
    }
    match (offset, bytes) {
        (TAIL_ENTRY, 8) => Some(Kind::Code { ty, func }),
        (CONTEXT, 8) => Some(Kind::Context { func }),
        (TYPE_ID, 4) => Some(Kind::TypeOf { func }),
        _ => None,
    }
}

fn own_record(entry: u32, offset: u32, bytes: u32) -> Option<Kind> {
    match (offset, bytes) {
        (TAIL_ENTRY, 8) => Some(Kind::OwnCode(entry)),
        (CONTEXT, 8) => Some(Kind::OwnContext(entry)),
        _ => None,
    }
}

fn builtin(offset: u32, bytes: u32) -> Result<Kind, Problem> {
    let position = offset as usize / size_of::<u64>();
    let whole = bytes == 8 && (offset as usize).is_multiple_of(size_of::<u64>());
    ensure(whole && position < Builtin::ALL.len(), Property::Builtins, "there is no such builtin")?;
    Ok(Kind::Builtin(position as u8))
}
