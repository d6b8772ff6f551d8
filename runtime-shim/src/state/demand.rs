//! What a module may ask for, and what it asks for.
//!
//! **Invariant: what an instance costs before its first instruction, and what giving it back costs, is
//! bounded by these limits**, whatever the artifact says: each kind of item that is made, written, mapped or
//! restored is counted here.
//!
//! The fields are repeated in C, in its header and in Python, which tests compare. Each has its worst module
//! in `benchmarks/src/worst.rs`.

use crate::state::limits::{LimitKind, ResourceLimits};
use crate::state::shared::Reservation;
use crate::state::table::TableBody;
use wasmaot_abi::descriptor::{DataMode, Descriptor, ElemItems, ElemMode, ImportKind};
use wasmaot_abi::slot::{HOST_PAGE, STRIDE};

/// Limits on what one module asks for, imports included. They are checked before anything is made for it.
///
/// Each default holds for programs of the size of a language runtime, with room to spare, and keeps making an
/// instance within a millisecond.
///
/// ```
/// use wasmaot_runtime::{InstantiateError, LimitKind, Linker, Module, ModuleLimits};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (memory 1))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let mut linker = Linker::<()>::new();
/// linker.set_module_limits(ModuleLimits { memories: 0, ..ModuleLimits::default() });
/// let refused = linker.instantiate_pre(&module).map(drop);
/// assert!(matches!(
///     refused,
///     Err(InstantiateError::Limit { limit: LimitKind::Memories, value: 0, asked: 1 })
/// ));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModuleLimits {
    /// Maximum number of memories. 9 by default: the one in the slot, and eight more, which reserve 64 GiB of
    /// addresses if they need no bounds checks.
    pub memories: u32,
    /// Maximum number of tables. 32 by default: each that can change takes two mappings, and toolchains emit
    /// one or two.
    pub tables: u32,
    /// Elements that the tables which it defines have together, also after growth, and that its active
    /// element segments write. 100,000 by default: a language runtime has some 10,000.
    pub total_elements: u64,
    /// Maximum number of globals. 10,000 by default: their cells are restored after each run.
    pub globals: u32,
    /// Functions that an instance has a record of: imported ones, and those that a reference can be taken of.
    /// 20,000 by default: records are written for each instance.
    pub functions: u32,
    /// Maximum number of function types. 10,000 by default: a process keeps them as long as anything uses
    /// them.
    pub types: u32,
    /// Maximum number of exception tags. 1,000 by default: toolchains emit one or two.
    pub tags: u32,
    /// Data and element segments that an instance can still see: those that are not part of an image or a
    /// constant table. 10,000 by default.
    pub segments: u32,
    /// Pages of 4 KiB that active data segments write when an instance is made or started: those in an image
    /// are mapped instead. 256 by default, which is 1 MiB and takes half a millisecond.
    pub written_pages: u64,
    /// Mappings of the kernel's that an instance takes, as it says at most. 200 by default: a process has
    /// 65,530.
    pub mappings: u32,
}

impl Default for ModuleLimits {
    fn default() -> Self {
        Self {
            memories: 9,
            tables: 32,
            total_elements: 100_000,
            globals: 10_000,
            functions: 20_000,
            types: 10_000,
            tags: 1000,
            segments: 10_000,
            written_pages: 256,
            mappings: 200,
        }
    }
}

/// A limit that something exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exceeded {
    /// Which.
    pub(crate) limit: LimitKind,
    /// Its value.
    pub(crate) value: u64,
    /// What is asked for.
    pub(crate) asked: u64,
}

/// Fails unless a limit allows what is asked for.
pub(crate) fn within(limit: LimitKind, value: u64, asked: u64) -> Result<(), Exceeded> {
    if asked <= value { Ok(()) } else { Err(Exceeded { limit, value, asked }) }
}

/// Mappings of a slot: what lies below vmctx, memory and guard, and the edges of what a pool protects.
const SLOT_MAPPINGS: u64 = 32;

/// Mappings that a part of another protection, or of a file, adds to a range.
const PART_MAPPINGS: u64 = 2;

impl ModuleLimits {
    /// Checks a module, whose indices need not have been checked.
    pub(crate) fn check(&self, descriptor: &Descriptor) -> Result<(), Exceeded> {
        let imports = |wanted: fn(&ImportKind) -> bool| {
            descriptor.imports.iter().filter(|import| wanted(&import.kind)).count() as u64
        };
        let memories = imports(|kind| matches!(kind, ImportKind::Memory { .. }));
        let tables = imports(|kind| matches!(kind, ImportKind::Table { .. }));
        let globals = imports(|kind| matches!(kind, ImportKind::Global { .. }));
        let functions = imports(|kind| matches!(kind, ImportKind::Func { .. }));
        let count = |list: usize| list as u64;
        within(LimitKind::Memories, self.memories.into(), memories + count(descriptor.memories.len()))?;
        within(LimitKind::Tables, self.tables.into(), tables + count(descriptor.tables.len()))?;
        within(LimitKind::TotalElements, self.total_elements, total_elements(descriptor))?;
        within(LimitKind::TotalElements, self.total_elements, written_elements(descriptor))?;
        within(LimitKind::Globals, self.globals.into(), globals + count(descriptor.globals.len()))?;
        within(LimitKind::Functions, self.functions.into(), functions + count(descriptor.entries.len()))?;
        within(LimitKind::Types, self.types.into(), count(descriptor.types.len()))?;
        within(LimitKind::Tags, self.tags.into(), count(descriptor.tag_types().count()))?;
        within(LimitKind::Segments, self.segments.into(), segments(descriptor))?;
        within(LimitKind::WrittenPages, self.written_pages, written_pages(descriptor))?;
        within(LimitKind::Mappings, self.mappings.into(), mappings(descriptor))
    }
}

/// Initial elements of the tables that an instance holds.
fn total_elements(descriptor: &Descriptor) -> u64 {
    let tables = descriptor.tables.iter().filter(|table| !table.constant);
    tables.fold(0, |sum: u64, table| sum.saturating_add(table.ty.limits.min))
}

/// Elements that active segments write, one after the other.
fn written_elements(descriptor: &Descriptor) -> u64 {
    let active = descriptor.elems.iter().filter(|elem| matches!(elem.mode, ElemMode::Active { .. }));
    active.map(|elem| item_count(&elem.items)).sum()
}

/// Elements of a segment.
pub(crate) fn item_count(items: &ElemItems) -> u64 {
    match items {
        ElemItems::Entries { entries } => entries.len() as u64,
        ElemItems::Exprs { exprs } => exprs.len() as u64,
    }
}

fn segments(descriptor: &Descriptor) -> u64 {
    let data = descriptor.data.iter().filter(|data| !matches!(data.mode, DataMode::InImage));
    let elems = descriptor.elems.iter().filter(|elem| !matches!(elem.mode, ElemMode::Dropped));
    (data.count() + elems.count()) as u64
}

/// Pages that active data segments write, each counted for itself.
fn written_pages(descriptor: &Descriptor) -> u64 {
    let active = descriptor.data.iter().filter(|data| matches!(data.mode, DataMode::Active { .. }));
    active.fold(0, |sum: u64, data| sum.saturating_add(data.file.length.div_ceil(HOST_PAGE)))
}

fn mappings(descriptor: &Descriptor) -> u64 {
    let runs: usize = descriptor.memories.iter().map(|memory| memory.image.len()).sum();
    let tables = descriptor.tables.iter().filter(|table| !table.constant).count();
    SLOT_MAPPINGS + PART_MAPPINGS * (runs + descriptor.memories.len() + tables) as u64
}

/// Bytes of addresses that an instance of a module reserves within these limits.
pub(crate) fn addresses(descriptor: &Descriptor, limits: &ResourceLimits) -> u64 {
    let imports_memory =
        descriptor.imports.iter().any(|import| matches!(import.kind, ImportKind::Memory { .. }));
    let first = descriptor.memories.first();
    let in_slot = !imports_memory && first.is_some_and(|memory| memory.ty.fits_slot());
    let memories = descriptor.memories.iter().skip(usize::from(in_slot));
    let memories = memories.map(|memory| Reservation::bytes(memory.ty, limits.memory));
    let tables = descriptor.tables.iter().filter(|table| !table.constant);
    let tables = tables.map(|table| TableBody::reserved(&table.ty, limits.table));
    STRIDE + memories.chain(tables).sum::<u64>()
}
