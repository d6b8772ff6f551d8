//! Linkers: definitions by name, and instantiation against them.
//!
//! **Invariant: an instance is only made when every import has a definition of the right type and store.**
//! All missing definitions are reported together.

use crate::api::caller::Caller;
use crate::api::error::{HostError, InstantiateError, LinkError, UnresolvedImport};
use crate::api::externs::Extern;
use crate::api::func::Func;
use crate::api::host::{self, Cells, IntoHostFunc};
use crate::api::instance::Instance;
use crate::api::store::sealed::Access;
use crate::api::store::{self, AsStore, Store};
use crate::api::suspend::IntoAsyncHostFunc;
use crate::api::trap::Trap;
use crate::api::val::Val;
use crate::code::module::{Module, check_types};
use crate::code::types::{self, TypeNumbers};
use crate::os::trace::event;
use crate::run::host::HostFunc;
use crate::run::imports::{ExternType, Imports, Item};
use crate::run::store::StoreCore;
use crate::state::demand::ModuleLimits;
use crate::state::shared::SharedMemory;
use std::collections::HashMap;
use std::sync::Arc;
use wasmaot_abi::descriptor::{Descriptor, Import};
use wasmaot_abi::types::{FuncType, ValType};

/// Definitions that modules are instantiated against.
///
/// Host functions are independent of any store; instances, and what they export, belong to one.
///
/// ```
/// use wasmaot_runtime::{Caller, InstantiateError, Linker, Module, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (import "host" "next" (func (result i32))) (export "next" (func 0)))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let mut linker = Linker::<i32>::new();
/// // All missing definitions are reported together.
/// let error = linker.instantiate(&mut Store::new(0), &module).expect_err("nothing is defined");
/// assert!(matches!(error, InstantiateError::Unresolved(imports) if imports[0].name == "next"));
///
/// linker.func_wrap("host", "next", |caller: &mut Caller<'_, i32>| {
///     *caller.data_mut() += 1;
///     *caller.data()
/// })?;
/// let mut store = Store::new(41);
/// let instance = linker.instantiate(&mut store, &module)?;
/// assert_eq!(instance.get_typed_func::<(), i32>(&store, "next")?.call(&mut store, ())?, 42);
/// # Ok(())
/// # }
/// ```
pub struct Linker<T> {
    modules: HashMap<String, HashMap<String, Definition<T>>>,
    shadowing: bool,
    limits: ModuleLimits,
}

enum Definition<T> {
    Host(Arc<HostFunc<T>>),
    Extern(Extern),
    Shared(SharedMemory),
}

impl<T> Clone for Definition<T> {
    fn clone(&self) -> Self {
        match self {
            Definition::Host(host) => Definition::Host(host.clone()),
            Definition::Extern(item) => Definition::Extern(*item),
            Definition::Shared(memory) => Definition::Shared(memory.clone()),
        }
    }
}

impl<T> Clone for Linker<T> {
    fn clone(&self) -> Self {
        Self { modules: self.modules.clone(), shadowing: self.shadowing, limits: self.limits }
    }
}

impl<T> Default for Linker<T> {
    fn default() -> Self {
        Self { modules: HashMap::new(), shadowing: false, limits: ModuleLimits::default() }
    }
}

impl<T: 'static> Linker<T> {
    /// A linker without definitions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a definition may replace an earlier one of the same name. It may not unless this is called.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.shadowing = allow;
        self
    }

    /// Sets what modules may ask for that are linked or instantiated from now on.
    pub fn set_module_limits(&mut self, limits: ModuleLimits) -> &mut Self {
        self.limits = limits;
        self
    }

    fn insert(
        &mut self,
        module: &str,
        name: &str,
        definition: Definition<T>,
    ) -> Result<&mut Self, LinkError> {
        let names = self.modules.entry(module.to_string()).or_default();
        if !self.shadowing && names.contains_key(name) {
            return Err(LinkError::Duplicate { module: module.to_string(), name: name.to_string() });
        }
        names.insert(name.to_string(), definition);
        Ok(self)
    }

    /// Defines a host function by a closure over Rust types, such as `|caller: &mut Caller<'_, T>, a: i32| ->
    /// i64 { .. }`.
    ///
    /// # Errors
    /// The name is taken, and [shadowing](Linker::allow_shadowing) is not allowed.
    pub fn func_wrap<P, R>(
        &mut self,
        module: &str,
        name: &str,
        f: impl IntoHostFunc<T, P, R>,
    ) -> Result<&mut Self, LinkError> {
        self.insert(module, name, Definition::Host(Arc::new(f.into_host_func())))
    }

    /// Defines a host function by a closure that gives a future, such as
    /// `|caller: &mut Caller<'_, T>, a: i32| async move { .. }`. Instances that use it are called by
    /// [`TypedFunc::call_async`](crate::TypedFunc::call_async) and the like, and wait without a thread.
    ///
    /// # Errors
    /// The name is taken, and [shadowing](Linker::allow_shadowing) is not allowed.
    pub fn func_wrap_async<P, Fut>(
        &mut self,
        module: &str,
        name: &str,
        f: impl IntoAsyncHostFunc<T, P, Fut>,
    ) -> Result<&mut Self, LinkError> {
        self.insert(module, name, Definition::Host(Arc::new(f.into_host_func())))
    }

    /// Defines a host function by a closure over values. Its results are zero or null until it sets them.
    ///
    /// # Errors
    /// The name is taken, and [shadowing](Linker::allow_shadowing) is not allowed.
    pub fn func_new<F>(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        f: F,
    ) -> Result<&mut Self, LinkError>
    where
        F: Fn(&mut Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), HostError> + Send + Sync + 'static,
    {
        self.insert(module, name, Definition::Host(Arc::new(host::dynamic(ty, f))))
    }

    /// Defines a host function by a closure over the cells of its parameters, which get its results: of
    /// numbers only, as their bits, zero-extended. It allocates nothing, whatever the number of either.
    ///
    /// # Errors
    /// The name is taken, and [shadowing](Linker::allow_shadowing) is not allowed.
    ///
    /// # Panics
    /// A parameter or result is a vector or a reference.
    pub fn func_in_cells<F>(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        f: F,
    ) -> Result<&mut Self, LinkError>
    where
        F: Fn(&mut Caller<'_, T>, &mut Cells<'_>) -> Result<(), HostError> + Send + Sync + 'static,
    {
        let is_number = |ty: &ValType| !matches!(ty, ValType::V128 | ValType::Ref(_));
        assert!(ty.params.iter().chain(&ty.results).all(is_number), "cells are of numbers");
        self.insert(module, name, Definition::Host(Arc::new(host::in_cells(ty, f))))
    }

    /// Defines something that an instance exports, or that the host made.
    ///
    /// # Errors
    /// The name is taken, and [shadowing](Linker::allow_shadowing) is not allowed.
    pub fn define(&mut self, module: &str, name: &str, item: Extern) -> Result<&mut Self, LinkError> {
        self.insert(module, name, Definition::Extern(item))
    }

    /// Defines a memory that instances of several stores, or of a pool, use at a time.
    ///
    /// # Errors
    /// The name is taken, and [shadowing](Linker::allow_shadowing) is not allowed.
    pub fn define_shared(
        &mut self,
        module: &str,
        name: &str,
        memory: SharedMemory,
    ) -> Result<&mut Self, LinkError> {
        self.insert(module, name, Definition::Shared(memory))
    }

    /// Defines all exports of an instance, with `module` as their first name.
    ///
    /// # Errors
    /// A name is taken, and [shadowing](Linker::allow_shadowing) is not allowed; or the instance is of
    /// another store.
    pub fn instance(
        &mut self,
        store: &impl AsStore,
        module: &str,
        instance: Instance,
    ) -> Result<&mut Self, LinkError> {
        for (name, item) in instance.exports(store)? {
            self.define(module, name, item)?;
        }
        Ok(self)
    }

    /// Makes an instance: resolves its imports, writes its segments, runs its start function.
    ///
    /// If that fails on the way, what has been written to memories and tables of other instances stays.
    ///
    /// # Errors
    /// An import has no definition, or one of another type or store; the module asks for more than a limit
    /// allows; the kernel refuses what it needs; a segment does not fit; or the start function fails.
    ///
    /// # Panics
    /// A host function that the start function calls panics.
    pub fn instantiate(&self, store: &mut Store<T>, module: &Module) -> Result<Instance, InstantiateError> {
        let (inner, mut imports) = (store.store_mut(), Imports::of(module, self.limits.total_elements));
        self.resolve(inner.core(), module.descriptor(), module.type_ids(), |item| {
            imports.add(inner.core(), item);
        })?;
        make(store, imports)
    }

    /// Whether a module with this descriptor, as it is in an artifact, which need not be loaded, nor fit for
    /// this machine, finds host functions of the right types for all that it imports.
    ///
    /// # Errors
    /// What [`Linker::instantiate_pre`] would say.
    #[doc(hidden)]
    pub fn check(&self, descriptor: &Descriptor) -> Result<(), InstantiateError> {
        // Types that are not sound have no numbers, and imports of functions are then unknown.
        let numbers =
            if check_types(descriptor).is_ok() { types::number(descriptor) } else { TypeNumbers::default() };
        self.resolve(&StoreCore::default(), descriptor, &numbers, |_| ())
    }

    /// Finds definitions for all imports of a module that belong to no store.
    pub(crate) fn resolve_shared(&self, module: &Module) -> Result<Imports<T>, InstantiateError> {
        // Whatever belongs to a store does not belong to this one, which is an error.
        let (core, mut imports) = (StoreCore::default(), Imports::of(module, self.limits.total_elements));
        self.resolve(&core, module.descriptor(), module.type_ids(), |item| imports.add(&core, item))?;
        Ok(imports)
    }

    /// Finds definitions for all imports, and hands each to `found` in their order, unless one before it is
    /// missing; `numbers` are those of the descriptor's types.
    fn resolve(
        &self,
        core: &StoreCore,
        descriptor: &Descriptor,
        numbers: &[u32],
        mut found: impl FnMut(&Item<'_, T>),
    ) -> Result<(), InstantiateError> {
        self.limits.check(descriptor)?;
        let mut missing = Vec::new();
        for import in &descriptor.imports {
            let wanted = ExternType::wanted(descriptor, numbers, import);
            let names = self.modules.get(&import.module);
            match wanted.as_ref().zip(names.and_then(|names| names.get(&import.name))) {
                Some((wanted, definition)) => {
                    let item = definition.compared(core, import, wanted)?;
                    if missing.is_empty() {
                        found(&item);
                    }
                }
                None => missing.push(UnresolvedImport {
                    module: import.module.clone(),
                    name: import.name.clone(),
                    wanted: wanted.map_or_else(|| "something unknown".into(), |wanted| wanted.to_string()),
                }),
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(InstantiateError::Unresolved(missing)) }
    }
}

/// Makes an instance with its imports, writes its segments, and runs its start function.
pub(crate) fn make<T: 'static>(
    store: &mut Store<T>,
    imports: Imports<T>,
) -> Result<Instance, InstantiateError> {
    let inner = store.store_mut();
    let instance = inner.instantiate(imports)?;
    event!(DEBUG, module = instance.module().id(), store = inner.core().id().number(), "instance started");
    instance.write_segments().map_err(|code| InstantiateError::Run(Trap::new(code).into()))?;
    if let Some(start) = instance.module().descriptor().start {
        let start = inner.core().func(&instance, start as usize).map(Func::of);
        start.map(|start| start.call(store, &[], &mut [])).transpose()?;
    }
    Ok(Instance::new(store::core(store).id(), instance.index()))
}

impl<T: 'static> Definition<T> {
    /// The definition as an import, if it is of the type that is wanted and of the store.
    fn compared(
        &self,
        core: &StoreCore,
        import: &Import,
        wanted: &ExternType,
    ) -> Result<Item<'_, T>, InstantiateError> {
        let names = || (import.module.clone(), import.name.clone());
        let item = match self {
            Definition::Host(host) => Some(Item::Host(host)),
            Definition::Shared(memory) => Some(Item::Shared(memory)),
            Definition::Extern(item) => item.item(core),
        };
        let (item, found) = item.and_then(|item| item.ty(core).map(|ty| (item, ty))).ok_or_else(|| {
            let (module, name) = names();
            InstantiateError::WrongStore { module, name }
        })?;
        if !found.matches(wanted) {
            let (module, name) = names();
            let (expected, found) = (wanted.to_string(), found.to_string());
            return Err(InstantiateError::Incompatible { module, name, expected, found });
        }
        Ok(item)
    }
}
