//! The embedder's handle to an instance.
//!
//! **Invariant: an instance is looked for in its own store only.**

use crate::api::address::Address;
use crate::api::error::{CallError, ExportError};
use crate::api::exception::Tag;
use crate::api::externs::{Extern, Global, Memory, Table};
use crate::api::func::{Func, TypedFunc};
use crate::api::store::{self, AsStore};
use crate::api::val::{Val, WasmValues};
use crate::code::module::Module;
use crate::run::invoke::Signature;
use crate::run::store::StoreCore;
use crate::run::store_id::StoreId;
use crate::state::error::{MemoryError, WrongStore};
use crate::state::instance::InstanceCore;
use std::rc::Rc;
use wasmaot_abi::descriptor::ExportKind;

/// An instance of a module: a handle into its store.
///
/// A pooled instance is a store of its own, which holds one instance:
/// [`PooledInstance::instance`](crate::PooledInstance::instance) is its handle, and code that takes a handle
/// and `&mut impl AsStore` works for either.
///
/// ```
/// use wasmaot_runtime::{AsStore, Instance, Linker, Module, Pool, PoolConfig, Store};
///
/// # type Error = Box<dyn std::error::Error>;
/// fn greeting(store: &mut impl AsStore, instance: Instance) -> Result<String, Error> {
///     let (address, length) = instance.get_typed_func::<(), (u32, u32)>(store, "greet")?.call(store, ())?;
///     let mut text = vec![0; length as usize];
///     instance.get_memory(store, "memory")?.read(store, address, &mut text)?;
///     Ok(String::from_utf8(text)?)
/// }
///
/// # fn main() -> Result<(), Error> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Error> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// # let artifact = artifact(r#"(module (memory (export "memory") 1) (data (i32.const 8) "hello")
/// #     (func (export "greet") (result i32 i32) (i32.const 8) (i32.const 5)))"#)?;
/// # // SAFETY: the compiler has written it.
/// # let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let linker = Linker::new();
/// let mut store = Store::new(());
/// let instance = linker.instantiate(&mut store, &module)?;
/// assert_eq!(greeting(&mut store, instance)?, "hello");
///
/// let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() })?;
/// let mut pooled = pool.start(&linker.instantiate_pre(&module)?, ())?;
/// let instance = pooled.instance();
/// assert_eq!(greeting(&mut pooled, instance)?, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instance {
    store: StoreId,
    index: usize,
}

impl Instance {
    pub(crate) fn new(store: StoreId, index: usize) -> Self {
        Self { store, index }
    }

    /// What it names, in its own store.
    pub(crate) fn core<'a>(&self, core: &'a StoreCore) -> Result<&'a Rc<InstanceCore>, WrongStore> {
        let own = (core.id() == self.store).then(|| core.instances().get(self.index));
        own.flatten().ok_or(WrongStore::Other)
    }

    /// Returns the module that it is an instance of.
    ///
    /// # Errors
    /// It is of another store.
    pub fn module<'a>(&self, store: &'a impl AsStore) -> Result<&'a Module, WrongStore> {
        self.core(store::core(store)).map(|instance| instance.module())
    }

    /// Returns the export of this name.
    ///
    /// # Errors
    /// There is none of this name, or the instance is of another store.
    pub fn get_export(&self, store: &impl AsStore, name: &str) -> Result<Extern, ExportError> {
        let core = store::core(store);
        let instance = self.core(core)?;
        let export = instance.module().export(name).and_then(|kind| extern_of(core, instance, kind));
        export.ok_or_else(|| ExportError::NotFound { name: name.to_string() })
    }

    /// Returns all exports, in the order of the module.
    ///
    /// # Errors
    /// It is of another store.
    pub fn exports<'a>(
        &self,
        store: &'a impl AsStore,
    ) -> Result<impl Iterator<Item = (&'a str, Extern)>, WrongStore> {
        let core = store::core(store);
        let instance = self.core(core)?;
        let exports = instance.module().descriptor().exports.iter();
        Ok(exports.filter_map(move |export| Some((&*export.name, extern_of(core, instance, export.kind)?))))
    }

    /// Returns an exported function with parameters and results of these Rust types.
    ///
    /// # Errors
    /// There is no such export, it is no function of this type, or the instance is of another store.
    pub fn get_typed_func<P: WasmValues, R: WasmValues>(
        &self,
        store: &impl AsStore,
        name: &str,
    ) -> Result<TypedFunc<P, R>, ExportError> {
        let func = self.get_func(store, name)?;
        let signature = Signature::of(func.type_number(store::core(store))?);
        func.typed_as(&signature).map_err(|(expected, found)| ExportError::Type {
            name: name.to_string(),
            expected,
            found,
        })
    }

    /// Calls an exported function.
    ///
    /// # Errors
    /// There is no such export, it is no function, the instance is of another store; otherwise as for
    /// [`Func::call`].
    ///
    /// # Panics
    /// Panics if a host function panics.
    pub fn call(&self, store: &mut impl AsStore, name: &str, args: &[Val]) -> Result<Vec<Val>, CallError> {
        let func = self.get_func(store, name)?;
        let mut results = vec![Val::I32(0); func.ty(store)?.results.len()];
        func.call(store, args, &mut results)?;
        Ok(results)
    }

    /// Returns the memory that the instance exports as "memory", or else its first one.
    ///
    /// # Errors
    /// It has none, or is of another store.
    pub fn memory(&self, store: &impl AsStore) -> Result<Memory, ExportError> {
        let core = store::core(store);
        let memory = self.core(core)?.default_memory().map(|body| Memory::of(core, body));
        memory.ok_or_else(|| ExportError::NotFound { name: "memory".to_string() })
    }
}

/// Looks exports of each kind up.
macro_rules! kinds {
    ($($get:ident $what:literal $variant:ident $ty:ident;)*) => {
        impl Instance {$(
            #[doc = concat!("Returns an exported ", $what, ".")]
            ///
            /// # Errors
            /// There is no such export, it is something else, or the instance is of another store.
            pub fn $get(&self, store: &impl AsStore, name: &str) -> Result<$ty, ExportError> {
                match self.get_export(store, name)? {
                    Extern::$variant(found) => Ok(found),
                    _ => Err(ExportError::Kind { name: name.to_string(), expected: $what }),
                }
            }
        )*}
    };
}

kinds! {
    get_func "function" Func Func;
    get_memory "memory" Memory Memory;
    get_table "table" Table Table;
    get_global "global" Global Global;
    get_tag "tag" Tag Tag;
}

/// The methods of [`Instance`] for types that are at an instance: a pooled one is its own store, and a host
/// function sees the instance that calls it.
macro_rules! at_an_instance {
    (impl<$($lifetime:lifetime,)? $data:ident> $ty:ty) => {
        impl<$($lifetime,)? $data> $ty {
            /// Calls an exported function, see [`Instance::call`](crate::Instance::call).
            ///
            /// # Errors
            /// There is no such export, or it is no function; otherwise as for
            /// [`Func::call`](crate::Func::call).
            ///
            /// # Panics
            /// Panics if a host function panics.
            pub fn call(
                &mut self,
                name: &str,
                args: &[$crate::api::val::Val],
            ) -> Result<Vec<$crate::api::val::Val>, $crate::api::error::CallError> {
                self.instance().call(self, name, args)
            }

            /// Returns the export of this name.
            ///
            /// # Errors
            /// There is none of this name.
            pub fn get_export(
                &self,
                name: &str,
            ) -> Result<$crate::api::externs::Extern, $crate::api::error::ExportError> {
                self.instance().get_export(self, name)
            }

            /// Returns an exported function.
            ///
            /// # Errors
            /// There is no such export, or it is something else.
            pub fn get_func(
                &self,
                name: &str,
            ) -> Result<$crate::api::func::Func, $crate::api::error::ExportError> {
                self.instance().get_func(self, name)
            }

            /// Returns an exported function with parameters and results of these Rust types. To look it up
            /// once for all instances, use [`Module::get_typed_func`](crate::Module::get_typed_func).
            ///
            /// # Errors
            /// There is no such export, or it is no function of this type.
            pub fn get_typed_func<P: $crate::api::val::WasmValues, R: $crate::api::val::WasmValues>(
                &self,
                name: &str,
            ) -> Result<$crate::api::func::TypedFunc<P, R>, $crate::api::error::ExportError> {
                self.instance().get_typed_func(self, name)
            }

            /// Returns an exported memory.
            ///
            /// # Errors
            /// There is no such export, or it is something else.
            pub fn get_memory(
                &self,
                name: &str,
            ) -> Result<$crate::api::externs::Memory, $crate::api::error::ExportError> {
                self.instance().get_memory(self, name)
            }

            /// Returns an exported table.
            ///
            /// # Errors
            /// There is no such export, or it is something else.
            pub fn get_table(
                &self,
                name: &str,
            ) -> Result<$crate::api::externs::Table, $crate::api::error::ExportError> {
                self.instance().get_table(self, name)
            }

            /// Returns an exported global.
            ///
            /// # Errors
            /// There is no such export, or it is something else.
            pub fn get_global(
                &self,
                name: &str,
            ) -> Result<$crate::api::externs::Global, $crate::api::error::ExportError> {
                self.instance().get_global(self, name)
            }

            /// Returns an exported tag.
            ///
            /// # Errors
            /// There is no such export, or it is something else.
            pub fn get_tag(
                &self,
                name: &str,
            ) -> Result<$crate::api::exception::Tag, $crate::api::error::ExportError> {
                self.instance().get_tag(self, name)
            }

            /// Returns the memory that the instance exports as "memory", or else its first one.
            ///
            /// # Errors
            /// It has none.
            pub fn memory(&self) -> Result<$crate::api::externs::Memory, $crate::api::error::ExportError> {
                self.instance().memory(self)
            }

            /// Copies out of the memory that [`memory`](Self::memory) names.
            ///
            /// # Errors
            /// The range is not inside the memory, or cannot be read; without a memory nothing is.
            pub fn read(
                &self,
                address: impl $crate::api::address::Address,
                into: &mut [u8],
            ) -> Result<(), $crate::state::error::MemoryError> {
                self.instance().read(self, address, into)
            }

            /// Copies into the memory that [`memory`](Self::memory) names.
            ///
            /// # Errors
            /// The range is not inside the memory, or cannot be written; without a memory nothing is.
            pub fn write(
                &mut self,
                address: impl $crate::api::address::Address,
                bytes: &[u8],
            ) -> Result<(), $crate::state::error::MemoryError> {
                self.instance().write(self, address, bytes)
            }
        }
    };
}
pub(crate) use at_an_instance;

impl Instance {
    /// Copies out of the memory that [`Instance::memory`] names.
    ///
    /// # Errors
    /// The range is not inside the memory, or cannot be read; without a memory nothing is. Or the instance is
    /// of another store.
    pub fn read(
        &self,
        store: &impl AsStore,
        address: impl Address,
        into: &mut [u8],
    ) -> Result<(), MemoryError> {
        let (address, length) = (address.bytes(), into.len() as u64);
        let memory = self.core(store::core(store))?.default_memory();
        memory.ok_or(MemoryError::OutOfBounds { address, length, size: 0 })?.read(address, into)
    }

    /// Copies into the memory that [`Instance::memory`] names.
    ///
    /// # Errors
    /// The range is not inside the memory, or cannot be written; without a memory nothing is. Or the instance
    /// is of another store.
    pub fn write(
        &self,
        store: &mut impl AsStore,
        address: impl Address,
        bytes: &[u8],
    ) -> Result<(), MemoryError> {
        let (address, length) = (address.bytes(), bytes.len() as u64);
        let memory = self.core(store::core(store))?.default_memory();
        memory.ok_or(MemoryError::OutOfBounds { address, length, size: 0 })?.write(address, bytes)
    }
}

fn extern_of(core: &StoreCore, instance: &InstanceCore, kind: ExportKind) -> Option<Extern> {
    Some(match kind {
        ExportKind::Func { index } => {
            let entries = &instance.module().descriptor().entries;
            let position = entries.binary_search_by_key(&index, |entry| entry.func).ok()?;
            Extern::Func(Func::of(core.func(instance, position)?))
        }
        ExportKind::Table { index } => Extern::Table(Table::of(core, instance.table(index)?)),
        ExportKind::Memory { index } => Extern::Memory(Memory::of(core, instance.memory(index))),
        ExportKind::Tag { index } => Extern::Tag(Tag::of(core.tag(instance, index)?)),
        ExportKind::Global { index } => Extern::Global(Global::of(core.global(instance, index)?)),
    })
}
