//! Modules with their imports resolved, ready to be started in a pool any number of times.
//!
//! **Invariant: what a linked module imports are host functions and shared memories of the type that it asks
//! for**, and it keeps them.

use super::image::Image;
use super::owner::{Owner, Tenant};
use super::tenants::Sets;
use crate::api::error::{ExportError, InstantiateError};
use crate::api::func::{Func, TypedFunc};
use crate::api::instance::Instance;
use crate::api::linker::{self, Linker};
use crate::api::store::Store;
use crate::api::val::WasmValues;
use crate::code::module::Module;
use crate::run::imports::{Imports, Unowned, UnownedOf};
use crate::run::invoke::{Plain, Signature};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wasmaot_abi::descriptor::DataMode;
use wasmaot_abi::preinit::PageRun;

/// A module with its imports resolved to host functions that work on data of type `T`. Made by
/// [`Linker::instantiate_pre`](crate::Linker::instantiate_pre); cloning it is cheap. See [`TypedFunc`] for an
/// example.
///
/// ```
/// use wasmaot_runtime::{Linker, Module, Pool, PoolConfig, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (func (export "run")))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// // Imports are resolved once, for all instances.
/// let pre = Linker::<()>::new().instantiate_pre(&module)?;
/// let run = pre.get_typed_func::<(), ()>("run")?;
///
/// let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() })?;
/// run.call(&mut pool.start(&pre, ())?, ())?;
/// let mut store = Store::new(());
/// pre.instantiate(&mut store)?;
/// run.call(&mut store, ())?;
/// # Ok(())
/// # }
/// ```
pub struct InstancePre<T> {
    pub(super) core: Arc<LinkedCore>,
    /// Those in `core`.
    imports: UnownedOf<T>,
}

impl<T> Clone for InstancePre<T> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone(), imports: self.imports.clone() }
    }
}

impl<T: 'static> Linker<T> {
    /// Resolves a module's imports once, for instances in a [`Pool`](crate::Pool) or in any store. They must
    /// all be host functions or shared memories.
    ///
    /// # Errors
    /// An import has no definition, or one of another type or of a store; or the module asks for more than a
    /// limit allows.
    pub fn instantiate_pre(&self, module: &Module) -> Result<InstancePre<T>, InstantiateError> {
        InstancePre::new(self.resolve_shared(module)?)
    }
}

/// What does not depend on the type of the embedder's data.
pub(crate) struct LinkedCore {
    /// Unique in the process; not 0.
    pub(super) id: u64,
    pub(super) module: Module,
    /// Host functions among them work on the data of the [`InstancePre`] that was made with this number.
    pub(super) imports: Arc<Unowned>,
    pub(super) image: Arc<Image>,
    pub(super) hot_sets: Sets,
    /// Some data segments are not part of the image: they are written at each start.
    pub(super) writes_data: bool,
    /// The start function, by its entry.
    pub(super) start: Option<(usize, Plain)>,
}

/// The start function of a module, by its entry.
fn start_of(module: &Module) -> Option<(usize, Plain)> {
    let (descriptor, numbers) = (module.descriptor(), module.type_ids());
    let entry = descriptor.start? as usize;
    let signature = Signature::of(numbers[descriptor.entries[entry].ty as usize]);
    Some((entry, signature.plain().expect("a start function has neither parameters nor results")))
}

impl<T> InstancePre<T> {
    fn new(imports: Imports<T>) -> Result<Self, InstantiateError> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let imports = imports.into_unowned().expect("a store that is empty owns nothing");
        let module = imports.untyped().module();
        let image = Image::map(module)
            .map_err(|error| InstantiateError::Map { what: "the initial memory", error })?;
        let in_image = |mode: &DataMode| !matches!(mode, DataMode::Active { .. });
        let core = LinkedCore {
            id: NEXT.fetch_add(1, Relaxed),
            module: module.clone(),
            image: Arc::new(image),
            hot_sets: Sets::new(&module.descriptor().hot_pages),
            writes_data: !module.descriptor().data.iter().all(|data| in_image(&data.mode)),
            start: start_of(module),
            imports: imports.untyped().clone(),
        };
        Ok(Self { core: Arc::new(core), imports })
    }

    /// Returns the module that was linked.
    pub fn module(&self) -> &Module {
        &self.core.module
    }

    /// Stores the pages that are hot now in pools with [`HotSets::Shared`](crate::HotSets::Shared)
    /// as those that are hot in pools with [`HotSets::Frozen`](crate::HotSets::Frozen), and in
    /// requests without a tenant: run some requests that hold no secrets in a pool of the first
    /// kind, call this, and serve from a pool of another kind.
    pub fn freeze_hot_set(&self) {
        self.core.hot_sets.freeze();
    }

    /// Returns the pages of the first memory that are hot now in pools with
    /// [`HotSets::Shared`](crate::HotSets::Shared), or `None` if they are too many to copy.
    pub fn hot_pages(&self) -> Option<Vec<PageRun>> {
        self.core.hot_sets.learned()
    }

    /// Returns an exported function, see [`Module::get_func`].
    ///
    /// # Errors
    /// There is no such export, or it is no function.
    pub fn get_func(&self, name: &str) -> Result<Func, ExportError> {
        self.module().get_func(name)
    }

    /// Returns an exported function with parameters and results of these Rust types, see
    /// [`Module::get_typed_func`].
    ///
    /// # Errors
    /// There is no such export, or it is no function of this type.
    pub fn get_typed_func<P: WasmValues, R: WasmValues>(
        &self,
        name: &str,
    ) -> Result<TypedFunc<P, R>, ExportError> {
        self.module().get_typed_func(name)
    }
}

impl<T: 'static> InstancePre<T> {
    /// Makes an instance in a store; in a pool it is [`Pool::start`](crate::Pool::start) that does.
    ///
    /// # Errors
    /// The store's limits do not allow it, the kernel refuses what it needs, a segment does not fit, or its
    /// start function fails.
    pub fn instantiate(&self, store: &mut Store<T>) -> Result<Instance, InstantiateError> {
        linker::make(store, self.imports.imports())
    }
}

impl LinkedCore {
    /// Whether a part of the first memory is mapped from the artifact's file.
    pub(super) fn has_image(&self) -> bool {
        self.module.descriptor().memories.first().is_some_and(|memory| !memory.image.is_empty())
    }

    /// Whom an instance for this tenant is kept for.
    pub(super) fn owner(&self, tenant: Option<Tenant>) -> Owner {
        Owner { module: self.id, tenant }
    }
}
