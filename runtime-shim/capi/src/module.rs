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
use wasmaot_runtime::{
    ExternType, FuncType, GlobalType, IndexType, Limits, MemoryType, Module, OpenError, TableType,
};

/// A module, as C holds it.
pub struct wasmaot_module_t {
    pub(crate) module: Module,
    listed: OnceLock<Listed>,
}

/// Defines `wasmaot_limits_t` of `wasmaot.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wasmaot_limits_t {
    pub min: u64,
    pub max: u64,
}

/// Defines `wasmaot_memorytype_t` of `wasmaot.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wasmaot_memorytype_t {
    pub pages: wasmaot_limits_t,
    pub page_size: u64,
    pub is_64: bool,
    pub is_shared: bool,
}

/// Defines `wasmaot_tabletype_t` of `wasmaot.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wasmaot_tabletype_t {
    pub elements: wasmaot_limits_t,
    pub ty: u8,
    pub is_64: bool,
}

/// Defines `wasmaot_globaltype_t` of `wasmaot.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wasmaot_globaltype_t {
    pub ty: u8,
    pub is_mutable: bool,
}

/// Defines `wasmaot_externtype_t` of `wasmaot.h`.
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

/// Defines `wasmaot_import_t` of `wasmaot.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[repr(C)]
pub struct wasmaot_import_t {
    pub module: *const c_char,
    pub module_length: usize,
    pub name: *const c_char,
    pub name_length: usize,
    pub ty: wasmaot_externtype_t,
}

/// Defines `wasmaot_export_t` of `wasmaot.h`.
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
// SAFETY: the lists, and the strings and types that they point to, are immutable and owned by the same value.
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

fn table(ty: TableType) -> wasmaot_tabletype_t {
    let is_64 = ty.index == IndexType::I64;
    wasmaot_tabletype_t { elements: limits(ty.limits), ty: number(ty.element), is_64 }
}

fn global(ty: GlobalType) -> wasmaot_globaltype_t {
    wasmaot_globaltype_t { ty: number(ty.value), is_mutable: ty.mutable }
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
    /// Converts the C structure to a [`TableType`].
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
    fn of(ty: &ExternType, keep: &mut Vec<Box<[u8]>>) -> Self {
        let mut func = |ty: &FuncType| wasmaot_functype_t::lend(ty, |list| keep.push(list));
        let (kind, of) = match *ty {
            ExternType::Func(ref ty) => (kind::FUNC, ExternPayload { func: func(ty) }),
            ExternType::Tag(ref ty) => (kind::TAG, ExternPayload { func: func(ty) }),
            ExternType::Table(ty) => (kind::TABLE, ExternPayload { table: table(ty) }),
            ExternType::Memory(ty) => (kind::MEMORY, ExternPayload { memory: memory(ty) }),
            ExternType::Global(ty) => (kind::GLOBAL, ExternPayload { global: global(ty) }),
        };
        Self { kind, of }
    }
}

impl Listed {
    fn of(module: &Module) -> Self {
        let mut kept = Vec::new();
        let name = |text: &str, kept: &mut Vec<Box<[u8]>>| {
            let bytes: Box<[u8]> = [text.as_bytes(), b"\0"].concat().into();
            let start = bytes.as_ptr().cast();
            kept.push(bytes);
            start
        };
        let imports = module.imports().map(|(first, second, ty)| wasmaot_import_t {
            module: name(first, &mut kept),
            module_length: first.len(),
            name: name(second, &mut kept),
            name_length: second.len(),
            ty: wasmaot_externtype_t::of(&ty, &mut kept),
        });
        let imports = imports.collect();
        let exports = module.exports().map(|(text, ty)| wasmaot_export_t {
            name: name(text, &mut kept),
            name_length: text.len(),
            ty: wasmaot_externtype_t::of(&ty, &mut kept),
        });
        let exports = exports.collect();
        let memories = module.memories().map(memory).collect();
        Self { imports, exports, memories, _kept: kept }
    }
}

impl wasmaot_module_t {
    fn new(module: Module) -> Self {
        Self { module, listed: OnceLock::new() }
    }

    fn listed(&self) -> &Listed {
        self.listed.get_or_init(|| Listed::of(&self.module))
    }
}

/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
pub(crate) unsafe fn open(
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
/// The arguments satisfy the contract stated in `wasmaot.h`.
pub(crate) unsafe fn read(
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

/// Implements `wasmaot_module_open` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[cfg(feature = "verify")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_open(
    path: *const c_char,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: the header requires `path` to be NULL or NUL-terminated, and `out` to be NULL or writable.
    fallible(|| unsafe { open(path, out, |path| Module::open(path)) })
}

/// Implements `wasmaot_module_from_bytes` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
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

/// Implements `wasmaot_module_is_proven` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_is_proven(module: *const wasmaot_module_t) -> bool {
    // SAFETY: C passes NULL or a module that it has not deleted.
    infallible(false, || unsafe { Some(at(module, "module").is_ok_and(|module| module.module.is_proven())) })
}

/// Implements `wasmaot_module_open_trusted` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_open_trusted(
    path: *const c_char,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or a string that ends with NUL as `path`, and NULL or a place to write as `out`.
    // It answers for the code and for the file, which nothing changes while the module is open.
    fallible(|| unsafe { open(path, out, |path| Module::open_trusted(path)) })
}

/// Implements `wasmaot_module_open_sealed_trusted` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_open_sealed_trusted(
    path: *const c_char,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or a string that ends with NUL as `path`, and NULL or a place to write as `out`.
    // It answers for the code.
    fallible(|| unsafe { open(path, out, |path| Module::open_sealed_trusted(path)) })
}

/// Implements `wasmaot_module_from_bytes_trusted` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_from_bytes_trusted(
    bytes: *const c_void,
    length: usize,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or `length` bytes as `bytes`, and NULL or a place to write as `out`. It answers
    // for the code: that it was compiled by this project and not changed since.
    fallible(|| unsafe { read(bytes, length, out, |bytes| Module::from_bytes_trusted(bytes)) })
}

/// Implements `wasmaot_module_delete` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_delete(module: *mut wasmaot_module_t) {
    // SAFETY: C passes NULL, or an object that it was given as `module` and does not use any more.
    unsafe { take(module) };
}

/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
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

/// Implements `wasmaot_module_imports` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_imports(
    module: *const wasmaot_module_t,
    count: *mut usize,
) -> *const wasmaot_import_t {
    // SAFETY: C passes NULL or a module that it has not deleted, and NULL or a place to write as `count`.
    unsafe { lend(module, count, |listed| &listed.imports) }
}

/// Implements `wasmaot_module_exports` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_exports(
    module: *const wasmaot_module_t,
    count: *mut usize,
) -> *const wasmaot_export_t {
    // SAFETY: C passes NULL or a module that it has not deleted, and NULL or a place to write as `count`.
    unsafe { lend(module, count, |listed| &listed.exports) }
}

/// Implements `wasmaot_module_memories` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_memories(
    module: *const wasmaot_module_t,
    count: *mut usize,
) -> *const wasmaot_memorytype_t {
    // SAFETY: C passes NULL or a module that it has not deleted, and NULL or a place to write as `count`.
    unsafe { lend(module, count, |listed| &listed.memories) }
}
