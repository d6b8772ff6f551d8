//! What an instance imports, compared with what its module asks for.
//!
//! **Invariant: an [`Imports`] holds definitions of the right types for the first imports of its module**, in
//! their order. All that belongs to a store belongs to the same one, and host functions work on the data of
//! that.

use crate::code::module::Module;
use crate::code::raw_value::RawValue;
use crate::code::types;
use crate::run::host::HostFunc;
use crate::run::store::{GlobalRef, InStore, StoreCore};
use crate::run::store_id::StoreId;
use crate::state::instance::{ImportedMemory, KeepAlive};
use crate::state::memory::MemoryBody;
use crate::state::shared::SharedMemory;
use crate::state::table::TableBody;
use crate::state::tag::TagRecord;
use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use wasmaot_abi::descriptor::{Descriptor, Import, ImportKind};
use wasmaot_abi::state::{FuncRef, ImportedFunction};
use wasmaot_abi::types::{DEFAULT_PAGE_LOG2, FuncType, GlobalType, IndexType, Limits, MemoryType, TableType};

/// Something to be imported.
pub(crate) enum Item<'a, T> {
    /// A host function.
    Host(&'a Arc<HostFunc<T>>),
    /// A memory that the store need not know yet.
    Shared(&'a SharedMemory),
    /// A function of an instance.
    Func(InStore<FuncRef>),
    /// A table, by its position in the store.
    Table(usize),
    /// A memory, by its position in the store.
    Memory(usize),
    /// A global.
    Global(GlobalRef),
    /// A tag.
    Tag(InStore<TagRecord>),
}

/// The lists of what is imported, each in the order of the module's imports.
#[derive(Default)]
pub(super) struct Lists {
    pub(super) functions: Vec<ImportedFunction>,
    pub(super) tables: Vec<Rc<TableBody>>,
    pub(super) memories: Vec<ImportedMemory>,
    /// Cells of globals.
    pub(super) globals: Vec<*const Cell<RawValue>>,
    pub(super) tags: Vec<Rc<TagRecord>>,
    /// Host functions among the functions.
    pub(super) hosts: Vec<Arc<dyn KeepAlive>>,
    /// Elements that the tables which the instance defines may have together.
    pub(super) total_elements: u64,
}

/// See the module's description.
pub(crate) struct Imports<T> {
    module: Module,
    /// The store that some of them belong to.
    store: Option<StoreId>,
    /// How many imports have been added.
    added: usize,
    lists: Lists,
    data: PhantomData<fn(T)>,
}

impl<T: 'static> Imports<T> {
    /// None yet of this module's, of which the tables that an instance defines may have this number of
    /// elements together.
    pub(crate) fn of(module: &Module, total_elements: u64) -> Self {
        let (module, lists) = (module.clone(), Lists { total_elements, ..Lists::default() });
        Self { module, store: None, added: 0, lists, data: PhantomData }
    }

    /// Adds the definition of the next import.
    ///
    /// # Panics
    /// It is not of the type that the import asks for, or belongs to another store than `core`.
    pub(crate) fn add(&mut self, core: &StoreCore, item: &Item<'_, T>) {
        let module = &self.module;
        let wanted = module
            .descriptor()
            .imports
            .get(self.added)
            .and_then(|import| ExternType::wanted(module.descriptor(), module.type_ids(), import));
        let found = item.ty(core);
        let fits = found.zip(wanted).is_some_and(|(found, wanted)| found.matches(&wanted));
        assert!(fits, "a definition is of the type that its import asks for");
        item.put(core, module.is_metered(), &mut self.lists)
            .expect("what has a type in a store is kept by it");
        if item.belongs_to_a_store() {
            self.store = Some(core.id());
        }
        self.added += 1;
    }
}

impl<T> Imports<T> {
    /// The module and the lists, if they are complete and this is the store that they belong to.
    pub(super) fn for_store(self, core: &StoreCore) -> Option<(Module, Lists)> {
        let is_complete = self.added == self.module.descriptor().imports.len();
        let is_right = self.store.is_none_or(|store| store == core.id());
        (is_complete && is_right).then_some((self.module, self.lists))
    }

    /// What all instances of a module import that may be in different stores; `None` if it is not complete,
    /// or some of it belongs to a store.
    pub(crate) fn into_unowned(self) -> Option<UnownedOf<T>> {
        let Lists { functions, memories, hosts, total_elements, .. } = self.lists;
        let shared = |memory| match memory {
            ImportedMemory::Shared(memory) => Some(memory),
            ImportedMemory::Own(_) => None,
        };
        let is_complete = self.store.is_none() && self.added == self.module.descriptor().imports.len();
        let memories = memories.into_iter().map(shared).collect::<Option<_>>()?;
        let imports = Unowned { module: self.module, functions, memories, hosts, total_elements };
        is_complete.then(|| UnownedOf { imports: Arc::new(imports), data: PhantomData })
    }
}

/// An [`Unowned`] that was an `Imports<T>`.
pub(crate) struct UnownedOf<T> {
    imports: Arc<Unowned>,
    data: PhantomData<fn(T)>,
}

impl<T> Clone for UnownedOf<T> {
    fn clone(&self) -> Self {
        Self { imports: self.imports.clone(), data: PhantomData }
    }
}

impl<T> UnownedOf<T> {
    /// Returns the imports without the data's type.
    pub(crate) fn untyped(&self) -> &Arc<Unowned> {
        &self.imports
    }

    /// As the imports of one instance.
    pub(crate) fn imports(&self) -> Imports<T> {
        let module = self.imports.module.clone();
        let (added, lists) = (module.descriptor().imports.len(), self.imports.lists());
        Imports { module, store: None, added, lists, data: PhantomData }
    }
}

/// What instances import that belongs to no store. Host functions among it all work on data of the same type.
pub(crate) struct Unowned {
    module: Module,
    functions: Vec<ImportedFunction>,
    memories: Vec<SharedMemory>,
    hosts: Vec<Arc<dyn KeepAlive>>,
    total_elements: u64,
}

impl Unowned {
    /// The module that imports it.
    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    /// As lists.
    pub(super) fn lists(&self) -> Lists {
        Lists {
            functions: self.functions.clone(),
            memories: self.memories.iter().cloned().map(ImportedMemory::Shared).collect(),
            hosts: self.hosts.clone(),
            total_elements: self.total_elements,
            ..Lists::default()
        }
    }
}

impl<T: 'static> Item<'_, T> {
    fn belongs_to_a_store(&self) -> bool {
        !matches!(self, Item::Host(_) | Item::Shared(_))
    }

    /// Its type, with the sizes that tables and memories have now; `None` in another store.
    pub(crate) fn ty(&self, core: &StoreCore) -> Option<ExternType> {
        Some(match self {
            Item::Host(host) => ExternType::Func { number: host.number(), ty: host.ty().clone() },
            Item::Shared(memory) => ExternType::of_memory(memory.ty(), memory.data_size()),
            Item::Func(func) => {
                let number = func.get(core)?.type_id;
                ExternType::Func { number, ty: (*types::lookup(number)).clone() }
            }
            Item::Global(global) => ExternType::Global(global.cell(core).map(|_| global.ty())?),
            Item::Tag(tag) => {
                let record = tag.get(core)?;
                ExternType::Tag { number: record.number, ty: record.ty.clone() }
            }
            Item::Table(index) => ExternType::of_table(core.tables.get(*index)?),
            Item::Memory(index) => {
                let body: &MemoryBody = core.memories.get(*index)?;
                ExternType::of_memory(body.ty(), body.size())
            }
        })
    }

    fn put(&self, core: &StoreCore, metered: bool, lists: &mut Lists) -> Option<()> {
        match self {
            Item::Host(host) => {
                lists.functions.push(host.import(metered));
                lists.hosts.push((*host).clone());
            }
            Item::Shared(memory) => lists.memories.push(ImportedMemory::Shared((*memory).clone())),
            Item::Func(func) => {
                let record = func.get(core)?;
                lists.functions.push(core.instance_of(*func)?.import_of(record));
            }
            Item::Table(index) => lists.tables.push(core.tables.get(*index)?.clone()),
            Item::Memory(index) => {
                lists.memories.push(ImportedMemory::Own(core.memories.get(*index)?.clone()));
            }
            Item::Global(global) => lists.globals.push(global.cell(core)?),
            Item::Tag(tag) => lists.tags.push(core.shared_tag(*tag)?),
        }
        Some(())
    }
}

/// Type of a definition, for messages and comparison with an import's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExternType {
    /// The type and its process-wide number, by which types are compared.
    Func {
        number: u32,
        ty: FuncType,
    },
    Table(TableType),
    Memory(MemoryType),
    Global(GlobalType),
    /// Likewise.
    Tag {
        number: u32,
        ty: FuncType,
    },
}

impl std::fmt::Display for ExternType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let limits = |f: &mut std::fmt::Formatter<'_>, limits: &Limits| match limits.max {
            Some(max) => write!(f, " {} to {max}", limits.min),
            None => write!(f, " {} or more", limits.min),
        };
        let width = |index| if index == IndexType::I64 { "64-bit " } else { "" };
        match self {
            ExternType::Func { ty, .. } => write!(f, "function {ty}"),
            ExternType::Tag { ty, .. } => write!(f, "tag {ty}"),
            ExternType::Table(ty) => {
                write!(f, "{}table of {}", width(ty.index), ty.element)?;
                limits(f, &ty.limits)
            }
            ExternType::Memory(ty) => {
                let shared = if ty.shared { "shared " } else { "" };
                write!(f, "{shared}{}memory of ", width(ty.index))?;
                match ty.page_log2 {
                    DEFAULT_PAGE_LOG2 => write!(f, "pages")?,
                    log2 => write!(f, "pages of 2^{log2} bytes")?,
                }
                limits(f, &ty.limits)
            }
            ExternType::Global(ty) => {
                write!(f, "{} global {}", if ty.mutable { "mutable" } else { "immutable" }, ty.value)
            }
        }
    }
}

impl ExternType {
    /// The type that an import asks for. None if a function's leads nowhere, which no module has that was
    /// loaded.
    pub(crate) fn wanted(descriptor: &Descriptor, numbers: &[u32], import: &Import) -> Option<Self> {
        Some(match import.kind {
            ImportKind::Func { ty } => ExternType::Func {
                number: *numbers.get(ty as usize)?,
                ty: descriptor.types.get(ty as usize)?.clone(),
            },
            ImportKind::Table { ty } => ExternType::Table(ty),
            ImportKind::Memory { ty } => ExternType::Memory(ty),
            ImportKind::Global { ty } => ExternType::Global(ty),
            ImportKind::Tag { ty } => ExternType::Tag {
                number: *numbers.get(ty as usize)?,
                ty: descriptor.types.get(ty as usize)?.clone(),
            },
        })
    }

    fn of_table(body: &TableBody) -> Self {
        let limits = Limits { min: body.size(), ..body.ty().limits };
        ExternType::Table(TableType { limits, ..body.ty() })
    }

    /// That of a memory with this number of bytes.
    fn of_memory(ty: MemoryType, bytes: u64) -> Self {
        let limits = Limits { min: bytes >> ty.page_log2, ..ty.limits };
        ExternType::Memory(MemoryType { limits, ..ty })
    }

    /// Whether something of type `self` can be given where `wanted` is asked for.
    pub(crate) fn matches(&self, wanted: &ExternType) -> bool {
        match (self, wanted) {
            (ExternType::Func { number: a, .. }, ExternType::Func { number: b, .. })
            | (ExternType::Tag { number: a, .. }, ExternType::Tag { number: b, .. }) => a == b,
            (ExternType::Global(a), ExternType::Global(b)) => {
                let fits = if b.mutable { a.value == b.value } else { a.value.is_subtype_of(b.value) };
                a.mutable == b.mutable && fits
            }
            (ExternType::Table(a), ExternType::Table(b)) => {
                a.element == b.element && a.index == b.index && within(a.limits, b.limits)
            }
            (ExternType::Memory(a), ExternType::Memory(b)) => {
                let limits = Limits { min: 0, max: None };
                let same = MemoryType { limits, ..*a } == MemoryType { limits, ..*b };
                same && within(a.limits, b.limits)
            }
            _ => false,
        }
    }
}

fn within(found: Limits, wanted: Limits) -> bool {
    let max_fits = wanted.max.is_none_or(|most| found.max.is_some_and(|max| max <= most));
    found.min >= wanted.min && max_fits
}
