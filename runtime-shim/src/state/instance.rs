//! The record of one instance, and how its state is set up.
//!
//! **Invariants.** A record is reached from its vmctx through its slot. Everything that its state points to
//! (bodies of tables and memories, function references, imported globals) lives as long as the store. The
//! constant part of the state and the function references are read-only before any code runs.

use super::memory::MemoryBody;
use super::shared::SharedMemory;
use super::table::{Element, Elements, TableBody, TableSpace, check_limit};
use crate::code::const_expr::{self, Environment};
use crate::code::module::Module;
use crate::code::raw_value::RawValue;
use crate::space::slot::{self, Needs, Slot, Word};
use crate::state::demand::{addresses, within};
use crate::state::error::ResourceError;
use crate::state::funcrefs::FuncRefs;
use crate::state::limits::{LimitKind, ResourceLimits};
use crate::state::tag::TagRecord;
use std::cell::Cell;
use std::io;
use std::ops::RangeFrom;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;
use wasmaot_abi::descriptor::{ConstExpr, DataMode, ElemMode, ExportKind};
use wasmaot_abi::state::{FuncRef, ImportedFunction, MemoryRef, StateLayout, TableRef};

/// A memory that an instance imports.
pub(crate) enum ImportedMemory {
    /// One of the store's.
    Own(Rc<MemoryBody>),
    /// One that the store does not know yet.
    Shared(SharedMemory),
}

/// Whatever an instance keeps alive.
pub(crate) trait KeepAlive: Send + Sync {}

/// What a new instance is made of, beside its module and its slot.
pub(crate) struct Parts {
    /// Imported memories.
    pub(crate) memories: Vec<Rc<MemoryBody>>,
    /// Imported tables.
    pub(crate) tables: Vec<Rc<TableBody>>,
    /// Imported tags.
    pub(crate) tags: Vec<Rc<TagRecord>>,
    /// Host functions that it imports.
    pub(crate) hosts: Vec<Arc<dyn KeepAlive>>,
    /// Its position in its store.
    pub(crate) index: usize,
    /// Positions of the memory and the table that are the next ones of the store's.
    pub(crate) next: (usize, usize),
    /// What it may take.
    pub(crate) limits: ResourceLimits,
    /// Elements that the tables which it defines may have together.
    pub(crate) total_elements: u64,
}

/// What compiled code calls for a builtin.
pub(crate) type Builtin = unsafe extern "C" fn();

/// An instance.
pub(crate) struct InstanceCore {
    module: Module,
    slot: Slot,
    funcrefs: FuncRefs,
    /// All memories, imported ones first.
    memories: Box<[Rc<MemoryBody>]>,
    /// All tables, imported ones first; `None` for constant ones.
    tables: Box<[Option<Rc<TableBody>>]>,
    /// All tags, imported ones first.
    tags: Box<[Rc<TagRecord>]>,
    /// Which of them host functions work on.
    default_memory: usize,
    index: usize,
    traps_at_limits: Cell<bool>,
    _hosts: Vec<Arc<dyn KeepAlive>>,
}

/// The vmctx of an instance that calls, as compiled code passes it to a builtin. Nothing else makes one.
#[repr(transparent)]
pub(crate) struct Vmctx(u64);

impl Vmctx {
    /// The instance.
    #[inline]
    pub(crate) fn instance(&self) -> &InstanceCore {
        // SAFETY: compiled code passes its own vmctx, which is that of an instance. The store of that lives
        // at least until the call of the builtin is over, and the value goes with that call.
        unsafe { InstanceCore::from_vmctx(self.0) }
    }

    /// As an address.
    pub(crate) fn address(&self) -> u64 {
        self.0
    }
}

/// The writable items of an instance's state, as they were once.
pub(crate) struct SavedState {
    address: *mut u8,
    bytes: Box<[u8]>,
    _instance: Rc<InstanceCore>,
}

impl SavedState {
    /// Gives the instance these items again.
    #[inline]
    pub(crate) fn restore(&self) {
        // SAFETY: the bytes were copied from this address, the writable part of the state of the instance,
        // which is kept here and so is mapped. No guest writes there now, as it would run on this thread. The
        // cells in it may change through any reference to them, and get values that they held before.
        unsafe { self.address.copy_from_nonoverlapping(self.bytes.as_ptr(), self.bytes.len()) };
    }
}

fn map_error(error: io::Error) -> ResourceError {
    ResourceError::Map { what: "an instance's state", error }
}

impl InstanceCore {
    /// Returns what an instance of a module needs of its slot, with this stack and at most `limit`
    /// bytes of memory.
    pub(crate) fn needs(module: &Module, stack: u64, limit: u64) -> Needs<'_> {
        let funcrefs = module.descriptor().entries.len();
        Needs { stack, layout: module.layout(), funcrefs, memory: module.initial_memory(limit) }
    }

    /// Makes an instance in this slot. It is not [set up](Self::set_up) yet.
    ///
    /// # Safety
    /// The imports belong to one store, which keeps the instance, and have the types that the module
    /// asks for; the slot was opened with what the module [needs](Self::needs) and not used since.
    pub(crate) unsafe fn new(module: &Module, slot: Slot, parts: Parts) -> Result<Rc<Self>, ResourceError> {
        let state = State { vmctx: slot.vmctx(), layout: *module.layout() };
        let ((memory, table), limits) = (parts.next, parts.limits);
        within(LimitKind::Addresses, limits.addresses, addresses(module.descriptor(), &limits))?;
        let elements = Elements::new(parts.total_elements);
        // SAFETY: the slot is new, so lengths are 0; slot and bodies live as long as the store.
        let memories =
            unsafe { make_memories((memory.., limits.memory), module, &slot, &state, parts.memories)? };
        // SAFETY: the slot is new, so lengths are 0; slot and bodies live as long as the store.
        let tables = unsafe { make_tables((table.., limits.table, elements), module, &state, parts.tables)? };
        let instance = Rc::new(Self {
            // SAFETY: the slot was opened for them, and is kept beside them.
            funcrefs: unsafe { FuncRefs::write(slot.funcrefs(), records(module, &slot)) }
                .map_err(map_error)?,
            module: module.clone(),
            slot,
            memories,
            tables,
            tags: make_tags(module, parts.tags),
            default_memory: match module.export("memory") {
                Some(ExportKind::Memory { index }) => index as usize,
                _ => 0,
            },
            index: parts.index,
            traps_at_limits: Cell::new(limits.trap),
            _hosts: parts.hosts,
        });
        instance.slot.set_instance(Rc::as_ptr(&instance).cast());
        Ok(instance)
    }

    /// Writes its state, and makes the constant part of it read-only. `builtins` is what compiled code
    /// calls for each builtin.
    ///
    /// # Safety
    /// The functions and the cells of globals are of the types that the module asks for, and the store keeps
    /// them.
    pub(crate) unsafe fn set_up(
        &self,
        builtins: &'static [Builtin],
        functions: &[ImportedFunction],
        globals: &[*const Cell<RawValue>],
    ) -> Result<(), ResourceError> {
        self.write_constants(builtins, functions, globals);
        self.write_globals();
        self.write_dropped();
        self.fill_tables();
        self.slot.freeze_constants().map_err(map_error)
    }

    /// The instance with this vmctx.
    ///
    /// # Safety
    /// It is the vmctx of an instance whose store lives for `'a`.
    #[inline]
    pub(crate) unsafe fn from_vmctx<'a>(vmctx: u64) -> &'a Self {
        // SAFETY: the slot of an instance holds the address of its record, which the store keeps.
        unsafe { &*slot::instance_of(vmctx).cast::<Self>() }
    }

    fn write_constants(
        &self,
        builtins: &'static [Builtin],
        functions: &[ImportedFunction],
        globals: &[*const Cell<RawValue>],
    ) {
        let (state, layout) = (self.state(), self.module.layout());
        state.put(layout.instance(), std::ptr::from_ref(self) as u64);
        state.put(layout.builtins(), builtins.as_ptr() as u64);
        state.put(layout.funcrefs(), self.funcrefs.as_ptr() as u64);
        for (index, &id) in (0..).zip(self.module.type_ids()) {
            state.put(layout.type_id(index), id);
        }
        for (index, &function) in (0..).zip(functions) {
            state.put(layout.imported_function(index), function);
        }
        for (index, table) in (0..).zip(&self.tables) {
            if let Some(table) = table {
                let reference = TableRef { base: table.base() as u64, length: table.length_cell() as u64 };
                state.put(layout.table(index), reference);
            }
        }
        for (index, memory) in (0..).zip(&self.memories) {
            let reference = MemoryRef { base: memory.base() as u64, length: memory.length_cell() as u64 };
            state.put(layout.memory(index), reference);
        }
        for (index, &cell) in (0..).zip(globals) {
            state.put(layout.imported_global(index), cell as u64);
        }
    }

    fn write_globals(&self) {
        for (defined, global) in (0..).zip(&self.module.descriptor().globals) {
            let value = self.evaluate(&global.init);
            self.state().put(self.module.layout().global(defined), value);
        }
    }

    /// Segments that an instance never sees are dropped from the start.
    fn write_dropped(&self) {
        let descriptor = self.module.descriptor();
        for (segment, data) in (0..).zip(&descriptor.data) {
            if matches!(data.mode, DataMode::InImage) {
                self.drop_data(segment);
            }
        }
        for (segment, elem) in (0..).zip(&descriptor.elems) {
            if matches!(elem.mode, ElemMode::Dropped) {
                self.drop_elem(segment);
            }
        }
    }

    fn fill_tables(&self) {
        let tables = self.module.descriptor().tables.iter().enumerate();
        tables.filter(|(_, plan)| plan.init.is_some()).for_each(|(defined, _)| self.fill_table(defined));
    }

    /// Sets all initial elements of a table, given by its position among those that it defines, to what they
    /// are before segments are written.
    pub(crate) fn fill_table(&self, defined: usize) {
        let descriptor = self.module.descriptor();
        let plan = &descriptor.tables[defined];
        let table = self.tables[self.tables.len() - descriptor.tables.len() + defined].as_ref();
        let value = plan.init.as_ref().map_or(Element::NULL, |init| self.evaluate_element(init));
        let elements = table.and_then(|table| table.range(0, plan.ty.limits.min));
        elements.unwrap_or_default().iter().for_each(|element| element.set(value));
    }

    /// The value of one of the module's constant expressions.
    pub(crate) fn evaluate(&self, expr: &ConstExpr) -> RawValue {
        const_expr::evaluate(expr, self)
    }

    /// The value of one that initialises an element of a table.
    pub(crate) fn evaluate_element(&self, expr: &ConstExpr) -> Element {
        // SAFETY: loading the module has checked that the expression is of the table's type. The functions
        // that it may name are entries of this instance, and the references that its globals hold are the
        // store's.
        unsafe { Element::new(self.evaluate(expr).low) }
    }

    /// The element that refers to a function, by its position in the list of entries.
    pub(crate) fn element_of(&self, entry: u32) -> Element {
        // SAFETY: the record is one of this instance's, and loading the module has checked that entries of a
        // segment are of its table's type.
        unsafe { Element::new(self.func(entry)) }
    }

    fn state(&self) -> State {
        State { vmctx: self.slot.vmctx(), layout: *self.module.layout() }
    }

    /// The writable items of its state, which end at vmctx: address and bytes.
    fn writable_state(&self) -> (*mut u8, usize) {
        let first = self.module.layout().dropped();
        (self.state().pointer(first), first.unsigned_abs() as usize)
    }

    /// A copy of the writable items of its state: its globals, lengths and dropped segments.
    pub(crate) fn save_state(self: &Rc<Self>) -> SavedState {
        let (address, length) = self.writable_state();
        let mut bytes = vec![0; length].into_boxed_slice();
        // SAFETY: the range is the writable part of the state, from the first item to vmctx, which is mapped
        // as long as the record is there. The record is not `Send`, so no guest writes there now: it would
        // run on this thread.
        unsafe { address.copy_to_nonoverlapping(bytes.as_mut_ptr(), length) };
        SavedState { address, bytes, _instance: self.clone() }
    }

    /// The memories that it defines.
    pub(crate) fn defined_memories(&self) -> &[Rc<MemoryBody>] {
        let defined = self.module.descriptor().memories.len();
        &self.memories[self.memories.len() - defined..]
    }

    /// All tables, imported ones first; `None` for constant ones.
    pub(crate) fn tables(&self) -> &[Option<Rc<TableBody>>] {
        &self.tables
    }

    /// The tables that it defines and can change.
    pub(crate) fn defined_tables(&self) -> impl Iterator<Item = &Rc<TableBody>> {
        let defined = self.module.descriptor().tables.len();
        self.tables[self.tables.len() - defined..].iter().flatten()
    }

    /// Whether growth beyond a limit is a trap.
    pub(crate) fn traps_at_limits(&self) -> bool {
        self.traps_at_limits.get()
    }

    /// Changes the limits of what it defines, which has its initial size now.
    pub(crate) fn set_limits(&self, limits: &ResourceLimits) -> Result<(), ResourceError> {
        self.traps_at_limits.set(limits.trap);
        check_constant_tables(&self.module, limits.table)?;
        self.defined_memories().iter().try_for_each(|memory| memory.set_limit(limits.memory))?;
        self.defined_tables().try_for_each(|table| table.set_limit(limits.table))
    }

    /// Its module.
    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    /// Its slot.
    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// Its position in its store.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// A memory, by index in the module.
    pub(crate) fn memory(&self, index: u32) -> &Rc<MemoryBody> {
        &self.memories[index as usize]
    }

    /// The memory that host functions work on: the export "memory", or else the first one.
    #[inline]
    pub(crate) fn default_memory(&self) -> Option<&MemoryBody> {
        self.memories.get(self.default_memory).map(|memory| &**memory)
    }

    /// A memory by its index in the module, if there is one.
    #[inline]
    pub(crate) fn memory_at(&self, index: u32) -> Option<&MemoryBody> {
        self.memories.get(index as usize).map(|memory| &**memory)
    }

    /// A table that is not constant, by index in the module.
    pub(crate) fn table(&self, index: u32) -> Option<&Rc<TableBody>> {
        self.tables[index as usize].as_ref()
    }

    /// A tag, by index in the module. Its identity is its address.
    pub(crate) fn tag(&self, index: u32) -> &Rc<TagRecord> {
        &self.tags[index as usize]
    }

    /// What its globals that refer to exceptions hold.
    pub(crate) fn exception_globals(&self) -> impl Iterator<Item = u32> {
        let globals = (0..).zip(&self.module.descriptor().globals);
        let references = globals.filter(|(_, global)| global.ty.value.is_exn_ref());
        references.map(|(defined, _)| self.state().get::<u32>(self.module.layout().global(defined)))
    }

    /// The references to its functions, by position in the list of entries.
    #[cfg(test)]
    pub(crate) fn funcrefs(&self) -> &[FuncRef] {
        &self.funcrefs
    }

    /// The reference to a function, by position in the list of entries.
    pub(crate) fn funcref(&self, entry: usize) -> &FuncRef {
        &self.funcrefs[entry]
    }

    /// The reference to a function at this address, if there is one.
    pub(crate) fn funcref_at(&self, address: u64) -> Option<&FuncRef> {
        self.funcrefs.get(self.entry_at(address)?)
    }

    /// The position in the list of entries of the function whose reference is at this address, if there is
    /// one.
    pub(crate) fn entry_at(&self, address: u64) -> Option<usize> {
        let offset = (address as usize).checked_sub(self.funcrefs.as_ptr() as usize)?;
        let position = offset / size_of::<FuncRef>();
        (offset.is_multiple_of(size_of::<FuncRef>()) && position < self.funcrefs.len()).then_some(position)
    }

    /// How another instance reaches the function with this record, which is one of this instance. An imported
    /// function is reached directly, so that a host function sees the instance that called it.
    pub(crate) fn import_of(&self, record: *const FuncRef) -> ImportedFunction {
        let layout = self.module.layout();
        let position = (record as usize - self.funcrefs.as_ptr() as usize) / size_of::<FuncRef>();
        let entry = self.module.descriptor().entries[position];
        if entry.func < layout.counts().imported_functions {
            return self.state().get(layout.imported_function(entry.func));
        }
        let record = &self.funcrefs[position];
        ImportedFunction {
            array_entry: record.array_entry,
            context: self.slot.vmctx() as u64,
            tail_entry: record.tail_entry,
        }
    }

    /// The cell of a global, by index in the module.
    pub(crate) fn global_cell(&self, index: u32) -> &Cell<RawValue> {
        let layout = self.module.layout();
        let cell = match index.checked_sub(layout.counts().imported_globals) {
            Some(defined) => self.state().pointer(layout.global(defined)),
            None => self.state().get::<u64>(layout.imported_global(index)) as *const Cell<RawValue>,
        };
        // SAFETY: `pointer` has checked that the cell of a defined global is in the state, where the layout
        // aligns it to its 16 bytes; that of an imported one was written there from a reference to a cell of
        // the same store. Both last as long as the store, of which this record is a part, and guests write
        // them only while no Rust code of its thread runs.
        unsafe { &*cell }
    }

    fn dropped_bit(&self, bit: u32) -> (i32, u64) {
        (self.module.layout().dropped() + (bit / 64 * 8) as i32, 1 << (bit % 64))
    }

    fn is_dropped(&self, bit: u32) -> bool {
        let (word, mask) = self.dropped_bit(bit);
        self.state().get::<u64>(word) & mask != 0
    }

    fn set_dropped(&self, bit: u32) {
        let (word, mask) = self.dropped_bit(bit);
        let old: u64 = self.state().get(word);
        self.state().put(word, old | mask);
    }

    fn elem_bit(&self, segment: u32) -> u32 {
        self.module.layout().counts().data_segments + segment
    }

    /// Whether a data segment has been dropped.
    pub(crate) fn is_data_dropped(&self, segment: u32) -> bool {
        self.is_dropped(segment)
    }

    /// Drops a data segment.
    pub(crate) fn drop_data(&self, segment: u32) {
        self.set_dropped(segment);
    }

    /// Whether an element segment has been dropped.
    pub(crate) fn is_elem_dropped(&self, segment: u32) -> bool {
        self.is_dropped(self.elem_bit(segment))
    }

    /// Drops an element segment.
    pub(crate) fn drop_elem(&self, segment: u32) {
        self.set_dropped(self.elem_bit(segment));
    }
}

impl Environment for InstanceCore {
    fn global(&self, index: u32) -> RawValue {
        self.global_cell(index).get()
    }

    fn func(&self, entry: u32) -> u64 {
        std::ptr::from_ref(self.funcref(entry as usize)) as u64
    }
}

/// The state of an instance as compiled code sees it.
#[derive(Clone, Copy)]
struct State {
    vmctx: usize,
    layout: StateLayout,
}

impl State {
    /// The address of an item.
    fn pointer<T>(&self, offset: i32) -> *mut T {
        let start = -((self.layout.const_distance() + self.layout.const_bytes()) as i64);
        let offset = i64::from(offset);
        assert!(
            offset >= start && offset + size_of::<T>() as i64 <= 0,
            "state offset {offset} is out of range"
        );
        self.vmctx.wrapping_add_signed(offset as isize) as *mut T
    }

    /// An item that is a length.
    ///
    /// # Safety
    /// The slot outlives the result, and one thread at a time uses it.
    unsafe fn word(&self, offset: i32) -> Word {
        let address = NonNull::new(self.pointer(offset)).expect("a slot is not at 0");
        // SAFETY: `pointer` checked that it is inside the state, whose words are aligned; the caller says
        // that the slot outlives the result.
        unsafe { Word::new(address) }
    }

    /// Writes an item, before the instance runs or in its writable part.
    fn put<T: Copy>(&self, offset: i32, value: T) {
        // SAFETY: `pointer` checked that it is inside the state, which is mapped and belongs to the instance.
        // Items of 16 bytes are only aligned to 8.
        unsafe { self.pointer::<T>(offset).write_unaligned(value) };
    }

    /// Reads an item.
    fn get<T: Copy>(&self, offset: i32) -> T {
        // SAFETY: `pointer` checked that it is inside the state, which is mapped and belongs to the instance.
        // All items are numbers or addresses, so any bits are valid.
        unsafe { self.pointer::<T>(offset).read_unaligned() }
    }
}

/// # Safety
/// As for [`InstanceCore::new`]; the state is all zero.
unsafe fn make_memories(
    (ids, limit): (RangeFrom<usize>, u64),
    module: &Module,
    slot: &Slot,
    state: &State,
    imported: Vec<Rc<MemoryBody>>,
) -> Result<Box<[Rc<MemoryBody>]>, ResourceError> {
    let mut memories = imported;
    for (id, plan) in ids.zip(&module.descriptor().memories) {
        let index = memories.len();
        let memory = if index == 0 && plan.ty.fits_slot() {
            // SAFETY: the word is in the slot, which lives as long as the store, and so as the memory.
            let length = unsafe { state.word(StateLayout::MEMORY0_LENGTH) };
            MemoryBody::in_slot(id, plan.ty, slot, length, limit)?
        } else {
            // SAFETY: the word is in the slot, which lives as long as the store, and so as the memory.
            let length = unsafe { state.word(state.layout.memory_length(index as u32)) };
            MemoryBody::reserve(id, plan.ty, Some(length), limit)?
        };
        memory.map_image(module.file(), &plan.image)?;
        memories.push(Rc::new(memory));
    }
    Ok(memories.into_boxed_slice())
}

/// # Safety
/// As for [`InstanceCore::new`]; the state is all zero.
unsafe fn make_tables(
    (mut ids, limit, elements): (RangeFrom<usize>, u64, Elements),
    module: &Module,
    state: &State,
    imported: Vec<Rc<TableBody>>,
) -> Result<Box<[Option<Rc<TableBody>>]>, ResourceError> {
    let elements = Rc::new(elements);
    let mut tables: Vec<_> = imported.into_iter().map(Some).collect();
    check_constant_tables(module, limit)?;
    let plans = &module.descriptor().tables;
    let held = plans.iter().filter(|plan| !plan.constant);
    let bytes = held.map(|plan| TableBody::reserved(&plan.ty, limit)).sum();
    let space = (bytes > 0).then(|| TableSpace::reserve(bytes)).transpose()?;
    for plan in plans {
        let length = state.pointer(state.layout.table_length(tables.len() as u32));
        let place = space.as_ref().filter(|_| !plan.constant).and_then(|space| Some((space, ids.next()?)));
        let make = |(space, id)| {
            let elements = elements.clone();
            // SAFETY: the cell is 0 and in the slot, which lives as long as the store.
            unsafe { TableBody::in_space(id, plan.ty, length, limit, elements, space) }
        };
        tables.push(place.map(make).transpose()?.map(Rc::new));
    }
    Ok(tables.into_boxed_slice())
}

/// Checks the tables that nothing can change, and of which an instance holds nothing.
fn check_constant_tables(module: &Module, limit: u64) -> Result<(), ResourceError> {
    let mut constant = module.descriptor().tables.iter().filter(|plan| plan.constant);
    constant.try_for_each(|plan| check_limit(&plan.ty, limit))
}

/// The function references of an instance of a module in a slot.
fn records(module: &Module, slot: &Slot) -> impl ExactSizeIterator<Item = FuncRef> {
    let convention = module.header().convention;
    let vmctx = slot.vmctx() as u64;
    module.descriptor().entries.iter().map(move |entry| FuncRef {
        tail_entry: module.code_address(entry.tail),
        array_entry: module.code_address(entry.array),
        type_id: module.type_ids()[entry.ty as usize],
        convention,
        vmctx,
    })
}

fn make_tags(module: &Module, imported: Vec<Rc<TagRecord>>) -> Box<[Rc<TagRecord>]> {
    let descriptor = module.descriptor();
    let own = descriptor.tags.iter().map(|&ty| {
        Rc::new(TagRecord {
            ty: descriptor.types[ty as usize].clone(),
            number: module.type_ids()[ty as usize],
            _lease: None,
        })
    });
    imported.into_iter().chain(own).collect()
}
