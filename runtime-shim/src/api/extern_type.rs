//! Types of what modules import and export.
//!
//! **Invariant: value types name concrete types by their process-wide numbers**, as in
//! [`HeapType`](crate::HeapType).

use crate::code::module::Module;
use wasmaot_abi::descriptor::{Descriptor, ExportKind, ImportKind};
use wasmaot_abi::types::{FuncType, GlobalType, MemoryType, TableType};

/// The type of something that a module imports or exports.
///
/// ```
/// use wasmaot_runtime::{ExternType, Module};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (memory (export "memory") 2))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let Some(ExternType::Memory(ty)) = module.get_export("memory") else { panic!("it is a memory") };
/// assert_eq!((ty.limits.min, ty.limits.max), (2, None));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExternType {
    /// Type of a function.
    Func(FuncType),
    /// Type of a table.
    Table(TableType),
    /// Type of a memory.
    Memory(MemoryType),
    /// Type of a global.
    Global(GlobalType),
    /// That of a tag of exceptions: their values are its parameters.
    Tag(FuncType),
}

impl ExternType {
    fn of_import(descriptor: &Descriptor, kind: &ImportKind) -> Option<Self> {
        let func = |ty: u32| descriptor.types.get(ty as usize).cloned();
        Some(match *kind {
            ImportKind::Func { ty } => ExternType::Func(func(ty)?),
            ImportKind::Table { ty } => ExternType::Table(ty),
            ImportKind::Memory { ty } => ExternType::Memory(ty),
            ImportKind::Global { ty } => ExternType::Global(ty),
            ImportKind::Tag { ty } => ExternType::Tag(func(ty)?),
        })
    }
}

impl Module {
    /// Returns the types of its imports with their two names, in the order of the module.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use wasmaot_runtime::{ExternType, Module};
    /// # let wasm = wat::parse_str(r#"(module (import "env" "memory" (memory 1)) (func (export "f")))"#)?;
    /// # let artifact = wasmaot_compiler::compile(&wasm, &Default::default(), &|_| ())?.bytes;
    /// # // SAFETY: the compiler has written it.
    /// # let module = unsafe { Module::from_bytes_trusted(&artifact)? };
    /// let names: Vec<_> = module.imports().map(|(module, name, _)| (module, name)).collect();
    /// assert_eq!(names, [("env", "memory")]);
    /// assert!(matches!(module.get_export("f"), Some(ExternType::Func(ty)) if ty.params.is_empty()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn imports(&self) -> impl Iterator<Item = (&str, &str, ExternType)> {
        self.descriptor().imports.iter().filter_map(|import| {
            let ty = ExternType::of_import(self.descriptor(), &import.kind)?;
            Some((&*import.module, &*import.name, ty))
        })
    }

    /// Returns the types of its exports with their names, in the order of the module.
    pub fn exports(&self) -> impl Iterator<Item = (&str, ExternType)> {
        self.descriptor()
            .exports
            .iter()
            .filter_map(|export| Some((&*export.name, self.export_type(export.kind)?)))
    }

    /// Returns the type of an export.
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        self.export_type(self.export(name)?)
    }

    /// Returns the types of its memories by index: the imported ones first, then those that it defines.
    pub fn memories(&self) -> impl Iterator<Item = MemoryType> {
        self.descriptor().all_memories().map(|(ty, _)| ty)
    }

    fn export_type(&self, kind: ExportKind) -> Option<ExternType> {
        let descriptor = self.descriptor();
        match kind {
            ExportKind::Func { index } => {
                let entry = descriptor.entries.binary_search_by_key(&index, |entry| entry.func).ok()?;
                Some(ExternType::Func(self.entry_type(entry)?.1.clone()))
            }
            ExportKind::Table { index } => {
                descriptor.all_tables().nth(index as usize).map(|(ty, _)| ExternType::Table(ty))
            }
            ExportKind::Memory { index } => self.memories().nth(index as usize).map(ExternType::Memory),
            ExportKind::Global { index } => self.global_type(index).map(ExternType::Global),
            ExportKind::Tag { index } => {
                let ty = descriptor.tag_types().nth(index as usize)?;
                Some(ExternType::Tag(descriptor.types.get(ty as usize)?.clone()))
            }
        }
    }
}
