//! Modules with their imports resolved, ready to be started in a pool any number of times.
//!
//! **Invariant: what a linked module imports are host functions and shared memories of the type that it asks for**, and it keeps them.

use super::dynamic::DynamicFunc;
use super::image::Image;
use super::instance::PooledInstance;
use super::owner::{Owner, Tenant};
use super::tenants::Sets;
use crate::api::error::{CallError, InstantiateError};
use crate::api::func;
use crate::api::linker::Linker;
use crate::api::store::sealed::Access;
use crate::api::suspend::{self, Outcome};
use crate::api::val::{WasmValues, in_cells};
use crate::code::module::Module;
use crate::run::imports::{Imports, Unowned};
use crate::run::invoke::{Plain, Signature};
use crate::run::store::InStore;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wasmaot_abi::descriptor::{DataMode, ExportKind};
use wasmaot_abi::state::FuncRef;
use wasmaot_abi::types::FuncType;

/// A module with its imports resolved to host functions that work on data of type `T`. Made by
/// [`Linker::instantiate_pre`](crate::Linker::instantiate_pre); cloning it is cheap.
pub struct InstancePre<T> {
    pub(super) core: Arc<LinkedCore>,
    data: PhantomData<fn(T)>,
}

impl<T> Clone for InstancePre<T> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone(), data: PhantomData }
    }
}

impl<T: 'static> Linker<T> {
    /// Resolves a module's imports once, for instances in a [`Pool`](crate::Pool). They must all be host functions or shared memories.
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
    pub(super) imports: Unowned,
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
        let module = imports.module();
        let image = Image::map(module)
            .map_err(|error| InstantiateError::Map { what: "the initial memory", error })?;
        let in_image = |mode: &DataMode| !matches!(mode, DataMode::Active { .. });
        let core = LinkedCore {
            id: NEXT.fetch_add(1, Relaxed),
            module: module.clone(),
            image: Arc::new(image),
            hot_sets: Sets::new(),
            writes_data: !module.descriptor().data.iter().all(|data| in_image(&data.mode)),
            start: start_of(module),
            imports,
        };
        Ok(Self { core: Arc::new(core), data: PhantomData })
    }

    /// The module.
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

    /// An exported function with parameters and results of these Rust types, to be called in any instance of this.
    pub fn get_typed_func<P: WasmValues, R: WasmValues>(
        &self,
        name: &str,
    ) -> Result<LinkedFunc<P, R>, CallError> {
        let (place, signature) = self.find(name)?;
        let typed = signature.plain().filter(|_| signature.is(P::TYPES, R::TYPES));
        let ty = typed.ok_or_else(|| {
            let expected = FuncType { params: P::TYPES.to_vec(), results: R::TYPES.to_vec() };
            CallError::Signature { expected, found: signature.ty().clone() }
        })?;
        Ok(LinkedFunc { place, ty, types: PhantomData })
    }

    /// An exported function of any type, to be called in any instance of this.
    pub fn get_func(&self, name: &str) -> Result<DynamicFunc, CallError> {
        let (place, signature) = self.find(name)?;
        Ok(DynamicFunc::new(place, signature))
    }

    /// Where an exported function is, and its type.
    fn find(&self, name: &str) -> Result<(FuncPlace, Signature), CallError> {
        let name_of = || name.to_string();
        let descriptor = self.core.module.descriptor();
        let export = self.core.module.export(name).ok_or_else(|| CallError::NoExport { name: name_of() })?;
        let ExportKind::Func { index } = export else {
            return Err(CallError::NotAFunction { name: name_of() });
        };
        let entry = descriptor.entries.binary_search_by_key(&index, |entry| entry.func);
        let entry = entry.map_err(|_| CallError::NoExport { name: name_of() })?;
        let number = self.core.module.type_ids()[descriptor.entries[entry].ty as usize];
        Ok((FuncPlace { linked: self.core.id, entry }, Signature::of(number)))
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

/// Where a function of every instance of a linked module is.
#[derive(Debug, Clone, Copy)]
pub(super) struct FuncPlace {
    linked: u64,
    entry: usize,
}

impl FuncPlace {
    /// The function's record in an instance of its module.
    #[inline]
    pub(super) fn record<T>(self, instance: &PooledInstance<T>) -> Result<InStore<FuncRef>, CallError> {
        let kept = instance.kept();
        if kept.linked.id != self.linked {
            return Err(CallError::WrongStore);
        }
        instance.core().func(&kept.instance, self.entry).ok_or(CallError::WrongStore)
    }
}

/// A function of every instance of a [`InstancePre`] module, looked up once.
#[derive(Debug)]
pub struct LinkedFunc<P, R> {
    place: FuncPlace,
    ty: Plain,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for LinkedFunc<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, R> Copy for LinkedFunc<P, R> {}

impl<P: WasmValues, R: WasmValues> LinkedFunc<P, R> {
    /// Calls it in an instance of its module. Allocates nothing unless it fails.
    pub fn call<T>(&self, instance: &mut PooledInstance<T>, params: P) -> Result<R, CallError> {
        let record = self.place.record(instance)?;
        in_cells(params, |cells| func::call_plain(instance.store_mut(), record, self.ty, cells))
    }

    /// Calls it so that host functions can suspend it.
    pub fn call_resumable<T>(
        &self,
        instance: &mut PooledInstance<T>,
        params: P,
    ) -> Result<Outcome<R>, CallError> {
        let record = self.place.record(instance)?;
        suspend::call_typed(instance.store_mut(), record, self.ty, params)
    }

    /// Calls it; while an asynchronous host function waits, so does this, and between the instance's time slices, if it
    /// [has any](PooledInstance::yield_every). If the future is dropped before it is ready, the call is given up.
    pub async fn call_async<T: 'static>(
        &self,
        instance: &mut PooledInstance<T>,
        params: P,
    ) -> Result<R, CallError> {
        let record = self.place.record(instance)?;
        suspend::call_typed_async(instance, record, self.ty, params).await
    }
}
