//! Modules as C sees them: opening, and what they import and export.
//!
//! **Invariant: what is lent of a module lies in it**, unchanged until it is deleted.

use crate::boundary::{Out, Result, at, fallible, infallible, list, slice, string, take, usage};
use crate::error::wasmaot_error_t;
use crate::value::{number, passable, wasmaot_functype_t};
use std::ffi::{OsStr, c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null;
use std::sync::OnceLock;
use wasmaot_runtime::abi::descriptor::{Descriptor, ExportKind, ImportKind};
use wasmaot_runtime::{GlobalType, IndexType, Limits, MemoryType, Module, OpenError, TableType};

/// A module, as C holds it.
pub struct wasmaot_module_t {
    pub(crate) module: Module,
    listed: OnceLock<Listed>,
}

/// See the header.
#[expect(missing_docs, reason = "the header documents the fields")]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wasmaot_limits_t {
    pub min: u64,
    pub max: u64,
}

/// See the header.
#[expect(missing_docs, reason = "the header documents the fields")]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wasmaot_memorytype_t {
    pub pages: wasmaot_limits_t,
    pub page_size: u64,
    pub is_64: bool,
    pub is_shared: bool,
}

/// See the header.
#[expect(missing_docs, reason = "the header documents the fields")]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wasmaot_tabletype_t {
    pub elements: wasmaot_limits_t,
    pub ty: u8,
    pub is_64: bool,
}

/// See the header.
#[expect(missing_docs, reason = "the header documents the fields")]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wasmaot_globaltype_t {
    pub ty: u8,
    pub is_mutable: bool,
}

/// See the header.
#[expect(missing_docs, reason = "the header documents the fields")]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wasmaot_externtype_t {
    pub kind: u32,
    pub of: ExternPayload,
}

/// The union in a [`wasmaot_externtype_t`].
#[derive(Clone, Copy)]
#[repr(C)]
pub union ExternPayload {
    func: wasmaot_functype_t,
    table: wasmaot_tabletype_t,
    memory: wasmaot_memorytype_t,
    global: wasmaot_globaltype_t,
}

/// See the header.
#[expect(missing_docs, reason = "the header documents the fields")]
#[repr(C)]
pub struct wasmaot_import_t {
    pub module: *const c_char,
    pub module_length: usize,
    pub name: *const c_char,
    pub name_length: usize,
    pub ty: wasmaot_externtype_t,
}

/// See the header.
#[expect(missing_docs, reason = "the header documents the fields")]
#[repr(C)]
pub struct wasmaot_export_t {
    pub name: *const c_char,
    pub name_length: usize,
    pub ty: wasmaot_externtype_t,
}

/// The lists that are lent to C.
struct Listed {
    imports: Vec<wasmaot_import_t>,
    exports: Vec<wasmaot_export_t>,
    memories: Vec<wasmaot_memorytype_t>,
    /// What names and types point to.
    _kept: Vec<Box<[u8]>>,
}

// SAFETY: the pointers in the lists lead to `_kept`, which does not change.
unsafe impl Send for Listed {}
// SAFETY: the lists are only read, and so is what their pointers lead to, which is kept beside them.
unsafe impl Sync for Listed {}

/// Kinds of imports and exports, by the ends of their names in the header.
#[expect(missing_docs, reason = "as in the header")]
pub mod kind {
    pub const FUNC: u32 = 0;
    pub const TABLE: u32 = 1;
    pub const MEMORY: u32 = 2;
    pub const GLOBAL: u32 = 3;
    pub const TAG: u32 = 4;
}

/// `WASMAOT_NO_MAX` of the header.
pub const NO_MAX: u64 = u64::MAX;

fn limits(limits: Limits) -> wasmaot_limits_t {
    wasmaot_limits_t { min: limits.min, max: limits.max.unwrap_or(NO_MAX) }
}

fn memory(ty: MemoryType) -> wasmaot_memorytype_t {
    wasmaot_memorytype_t {
        pages: limits(ty.limits),
        page_size: 1 << ty.page_log2,
        is_64: ty.index == IndexType::I64,
        is_shared: ty.shared,
    }
}

impl wasmaot_limits_t {
    fn read(&self) -> Limits {
        Limits { min: self.min, max: (self.max != NO_MAX).then_some(self.max) }
    }
}

fn index(is_64: bool) -> IndexType {
    if is_64 { IndexType::I64 } else { IndexType::I32 }
}

impl wasmaot_memorytype_t {
    /// The type that C states.
    pub(crate) fn read(&self) -> Result<MemoryType> {
        if !self.page_size.is_power_of_two() {
            return Err(usage(format!("`page_size` is {}, which is no power of two", self.page_size)));
        }
        Ok(MemoryType {
            index: index(self.is_64),
            page_log2: self.page_size.trailing_zeros() as u8,
            shared: self.is_shared,
            ..MemoryType::new(self.pages.read())
        })
    }
}

impl wasmaot_tabletype_t {
    /// The type that C states.
    pub(crate) fn read(&self) -> Result<TableType> {
        Ok(TableType { element: passable(self.ty)?, limits: self.elements.read(), index: index(self.is_64) })
    }
}

impl wasmaot_globaltype_t {
    /// The type that C states.
    pub(crate) fn read(&self) -> Result<GlobalType> {
        Ok(GlobalType { value: passable(self.ty)?, mutable: self.is_mutable })
    }
}

impl wasmaot_externtype_t {
    fn func(descriptor: &Descriptor, ty: u32, keep: &mut Vec<Box<[u8]>>) -> Self {
        let func = wasmaot_functype_t::lend(&descriptor.types[ty as usize], |list| keep.push(list));
        Self { kind: kind::FUNC, of: ExternPayload { func } }
    }

    fn table(ty: TableType) -> Self {
        let elements = limits(ty.limits);
        let is_64 = ty.index == IndexType::I64;
        let table = wasmaot_tabletype_t { elements, ty: number(ty.element), is_64 };
        Self { kind: kind::TABLE, of: ExternPayload { table } }
    }

    fn memory(ty: MemoryType) -> Self {
        Self { kind: kind::MEMORY, of: ExternPayload { memory: memory(ty) } }
    }

    fn global(ty: GlobalType) -> Self {
        let global = wasmaot_globaltype_t { ty: number(ty.value), is_mutable: ty.mutable };
        Self { kind: kind::GLOBAL, of: ExternPayload { global } }
    }

    fn tag(descriptor: &Descriptor, ty: u32, keep: &mut Vec<Box<[u8]>>) -> Self {
        Self { kind: kind::TAG, ..Self::func(descriptor, ty, keep) }
    }
}

/// Types by index: the imported ones first, then the defined ones.
struct Types<'a> {
    descriptor: &'a Descriptor,
    tables: Vec<TableType>,
    memories: Vec<MemoryType>,
    globals: Vec<GlobalType>,
}

impl<'a> Types<'a> {
    fn of(descriptor: &'a Descriptor) -> Self {
        Self {
            descriptor,
            tables: descriptor.all_tables().map(|(ty, _)| ty).collect(),
            memories: descriptor.all_memories().map(|(ty, _)| ty).collect(),
            globals: descriptor.all_globals().map(|(ty, _)| ty).collect(),
        }
    }

    fn import(&self, kind: ImportKind, keep: &mut Vec<Box<[u8]>>) -> wasmaot_externtype_t {
        match kind {
            ImportKind::Func { ty } => wasmaot_externtype_t::func(self.descriptor, ty, keep),
            ImportKind::Table { ty } => wasmaot_externtype_t::table(ty),
            ImportKind::Memory { ty } => wasmaot_externtype_t::memory(ty),
            ImportKind::Global { ty } => wasmaot_externtype_t::global(ty),
            ImportKind::Tag { ty } => wasmaot_externtype_t::tag(self.descriptor, ty, keep),
        }
    }

    /// The loader checked that the indices exist, and that exported functions have entries.
    fn export(&self, kind: ExportKind, keep: &mut Vec<Box<[u8]>>) -> Option<wasmaot_externtype_t> {
        Some(match kind {
            ExportKind::Func { index } => {
                let entries = &self.descriptor.entries;
                let position = entries.binary_search_by_key(&index, |entry| entry.func).ok()?;
                wasmaot_externtype_t::func(self.descriptor, entries[position].ty, keep)
            }
            ExportKind::Table { index } => wasmaot_externtype_t::table(*self.tables.get(index as usize)?),
            ExportKind::Memory { index } => wasmaot_externtype_t::memory(*self.memories.get(index as usize)?),
            ExportKind::Global { index } => wasmaot_externtype_t::global(*self.globals.get(index as usize)?),
            ExportKind::Tag { index } => {
                let ty = self.descriptor.tag_types().nth(index as usize)?;
                wasmaot_externtype_t::tag(self.descriptor, ty, keep)
            }
        })
    }
}

impl Listed {
    fn of(descriptor: &Descriptor) -> Self {
        let types = Types::of(descriptor);
        let mut kept = Vec::new();
        let name = |text: &str, kept: &mut Vec<Box<[u8]>>| {
            let bytes: Box<[u8]> = [text.as_bytes(), b"\0"].concat().into();
            let start = bytes.as_ptr().cast();
            kept.push(bytes);
            start
        };
        let imports = descriptor.imports.iter().map(|import| wasmaot_import_t {
            module: name(&import.module, &mut kept),
            module_length: import.module.len(),
            name: name(&import.name, &mut kept),
            name_length: import.name.len(),
            ty: types.import(import.kind.clone(), &mut kept),
        });
        let imports = imports.collect();
        let exports = descriptor.exports.iter().filter_map(|export| {
            let ty = types.export(export.kind, &mut kept)?;
            let name_length = export.name.len();
            Some(wasmaot_export_t { ty, name: name(&export.name, &mut kept), name_length })
        });
        let exports = exports.collect();
        let memories = types.memories.iter().map(|&ty| memory(ty)).collect();
        Self { imports, exports, memories, _kept: kept }
    }
}

impl wasmaot_module_t {
    fn new(module: Module) -> Self {
        Self { module, listed: OnceLock::new() }
    }

    fn listed(&self) -> &Listed {
        self.listed.get_or_init(|| Listed::of(self.module.descriptor()))
    }
}

/// # Safety
/// As the header states.
unsafe fn open(
    path: *const c_char,
    out: *mut *mut wasmaot_module_t,
    open: impl FnOnce(&Path) -> std::result::Result<Module, OpenError>,
) -> Result<()> {
    // SAFETY: C passes NULL or a string that ends with NUL as `path`, and NULL or a place to write as `out`.
    let (path, out) = unsafe { (string(path, "path")?, Out::at(out)?) };
    out.give(wasmaot_module_t::new(open(Path::new(OsStr::from_bytes(path.to_bytes())))?));
    Ok(())
}

/// # Safety
/// As the header states.
unsafe fn read(
    bytes: *const c_void,
    length: usize,
    out: *mut *mut wasmaot_module_t,
    open: impl FnOnce(&[u8]) -> std::result::Result<Module, OpenError>,
) -> Result<()> {
    if bytes.is_null() {
        return Err(usage("`bytes` is NULL"));
    }
    // SAFETY: C passes NULL or `length` bytes as `bytes`, and NULL or a place to write as `out`.
    let (bytes, out) = unsafe { (slice(bytes.cast::<u8>(), length, "bytes")?, Out::at(out)?) };
    out.give(wasmaot_module_t::new(open(bytes)?));
    Ok(())
}

/// See the header.
///
/// # Safety
/// As the header states.
#[cfg(feature = "verify")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_open(
    path: *const c_char,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or a string that ends with NUL as `path`, and NULL or a place to write as `out`.
    fallible(|| unsafe { open(path, out, |path| Module::open(path)) })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[cfg(feature = "verify")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_from_bytes(
    bytes: *const c_void,
    length: usize,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or `length` bytes as `bytes`, and NULL or a place to write as `out`.
    fallible(|| unsafe { read(bytes, length, out, Module::from_bytes) })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_is_proven(module: *const wasmaot_module_t) -> bool {
    // SAFETY: C passes NULL or a module that it has not deleted.
    infallible(false, || unsafe { Some(at(module, "module").is_ok_and(|module| module.module.is_proven())) })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_open_trusted(
    path: *const c_char,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or a string that ends with NUL as `path`, and NULL or a place to write as `out`.
    // It answers for the code and for the file, which nothing changes while the module is open.
    fallible(|| unsafe { open(path, out, |path| Module::open_trusted(path)) })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_open_sealed_trusted(
    path: *const c_char,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or a string that ends with NUL as `path`, and NULL or a place to write as `out`.
    // It answers for the code.
    fallible(|| unsafe { open(path, out, |path| Module::open_sealed_trusted(path)) })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_from_bytes_trusted(
    bytes: *const c_void,
    length: usize,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or `length` bytes as `bytes`, and NULL or a place to write as `out`. It answers for
    // the code: that it was compiled by this project and not changed since.
    fallible(|| unsafe { read(bytes, length, out, |bytes| Module::from_bytes_trusted(bytes)) })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_delete(module: *mut wasmaot_module_t) {
    // SAFETY: C passes NULL, or an object that it was given as `module` and does not use any more.
    unsafe { take(module) };
}

/// # Safety
/// As the header states.
unsafe fn lend<T: 'static>(
    module: *const wasmaot_module_t,
    count: *mut usize,
    which: impl FnOnce(&Listed) -> &[T],
) -> *const T {
    // SAFETY: C passes NULL or a module that it has not deleted, and NULL or a place to write as `count`.
    infallible(null(), || unsafe {
        Some(list(at(module, "module").ok().map(|module| which(module.listed())), count))
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_imports(
    module: *const wasmaot_module_t,
    count: *mut usize,
) -> *const wasmaot_import_t {
    // SAFETY: C passes NULL or a module that it has not deleted, and NULL or a place to write as `count`.
    unsafe { lend(module, count, |listed| &listed.imports) }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_exports(
    module: *const wasmaot_module_t,
    count: *mut usize,
) -> *const wasmaot_export_t {
    // SAFETY: C passes NULL or a module that it has not deleted, and NULL or a place to write as `count`.
    unsafe { lend(module, count, |listed| &listed.exports) }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_memories(
    module: *const wasmaot_module_t,
    count: *mut usize,
) -> *const wasmaot_memorytype_t {
    // SAFETY: C passes NULL or a module that it has not deleted, and NULL or a place to write as `count`.
    unsafe { lend(module, count, |listed| &listed.memories) }
}
