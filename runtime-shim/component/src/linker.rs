//! Linkers: what a host defines for components, by name.
//!
//! **Invariant: a component is only linked when every function that it calls has a definition of its type.**
//! Whatever is missing is reported together.

use crate::builtins;
use crate::component::Component;
use crate::convert::View;
use crate::error::{Error, ImportError, Trap};
use crate::func::{Bound, HostFunc, HostResource, IntoHostFunc, dynamic};
use crate::instance::InstancePre;
use crate::names;
use crate::state::{Context, Limits, State};
use crate::val::Val;
use crate::wit;
use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;
use wasmaot_abi::component::{self as abi, Import, ResourceOrigin};
use wasmaot_abi::descriptor::ImportKind;
use wasmaot_runtime::{FuncType, HostError, LinkError, ModuleLimits};

/// Definitions that components are linked against.
///
/// ```
/// use wasmaot_component::{Component, Linker, Val};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(
///     r#"(component
///         (import "example:host/numbers@1.0.0" (instance $numbers (export "next" (func (param "from" u32) (result u32)))))
///         (core func $next (canon lower (func $numbers "next")))
///         (core module $m
///             (import "" "next" (func $next (param i32) (result i32)))
///             (func (export "twice") (param i32) (result i32) (call $next (call $next (local.get 0)))))
///         (core instance $i (instantiate $m (with "" (instance (export "next" (func $next))))))
///         (func (export "twice") (param "from" u32) (result u32) (canon lift (core func $i "twice"))))"#,
/// )?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { wasmaot_runtime::Module::from_bytes_trusted(&artifact)? };
/// let component = Component::new(module)?;
/// let mut linker = Linker::<u32>::new();
/// linker.instance("example:host/numbers@1.2.0")?.func_wrap("next", |cx: &mut wasmaot_component::Context<'_, '_, u32>, from: u32| {
///     *cx.data_mut() += 1;
///     Ok(from + 10)
/// })?;
/// let linked = linker.instantiate_pre(&component)?;
/// let twice = linked.get_typed_func::<(u32,), u32>("twice")?;
/// let mut instance = linked.instantiate(0)?;
/// assert_eq!(twice.call(&mut instance, (1,))?, 21);
/// assert_eq!(instance.call("twice", &[Val::U32(5)])?, Some(Val::U32(25)));
/// assert_eq!(*instance.data(), 4);
/// # Ok(())
/// # }
/// ```
pub struct Linker<T> {
    instances: HashMap<String, Definitions<T>>,
    limits: Limits,
    module_limits: ModuleLimits,
    undefined_traps: bool,
}

/// What an instance that a component imports has.
struct Definitions<T> {
    funcs: HashMap<String, HostFunc<T>>,
    resources: HashMap<String, HostResource<T>>,
}

impl<T> Default for Definitions<T> {
    fn default() -> Self {
        Self { funcs: HashMap::new(), resources: HashMap::new() }
    }
}

impl<T> Default for Linker<T> {
    fn default() -> Self {
        Self {
            instances: HashMap::new(),
            limits: Limits::default(),
            module_limits: ModuleLimits::default(),
            undefined_traps: false,
        }
    }
}

/// The definitions of one instance.
pub struct LinkerInstance<'l, T> {
    name: String,
    definitions: &'l mut Definitions<T>,
}

impl<T: 'static> Linker<T> {
    /// Returns a linker without definitions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what instances may take of the host by the canonical ABI.
    pub fn set_limits(&mut self, limits: Limits) -> &mut Self {
        self.limits = limits;
        self
    }

    /// Sets what core modules may ask for.
    pub fn set_module_limits(&mut self, limits: ModuleLimits) -> &mut Self {
        self.module_limits = limits;
        self
    }

    /// Makes undefined functions and resources trap on use instead of failing the link.
    pub fn trap_undefined(&mut self, trap: bool) -> &mut Self {
        self.undefined_traps = trap;
        self
    }

    /// Returns the definitions that belong to no instance.
    pub fn root(&mut self) -> LinkerInstance<'_, T> {
        LinkerInstance { name: String::new(), definitions: self.instances.entry(String::new()).or_default() }
    }

    /// Returns the definitions of an instance, such as `wasi:io/error@0.2.0`. Those of a version are found
    /// for compatible ones, too.
    ///
    /// # Errors
    /// The name is empty.
    pub fn instance(&mut self, name: &str) -> Result<LinkerInstance<'_, T>, LinkError> {
        if name.is_empty() {
            return Err(LinkError::Duplicate { module: String::new(), name: String::new() });
        }
        let definitions = self.instances.entry(name.to_string()).or_default();
        Ok(LinkerInstance { name: name.to_string(), definitions })
    }

    fn definitions(&self, outer: &[String]) -> Option<&Definitions<T>> {
        names::find(self.instances.iter(), &outer.join("#"))
    }

    /// Resolves a component's imports once, for any number of instances.
    ///
    /// # Errors
    /// An import has no definition, or one of another type; or the core module asks for more than a limit
    /// allows.
    pub fn instantiate_pre(&self, component: &Component) -> Result<InstancePre<T>, Error> {
        let types = component.types();
        let (mut missing, mut resources) = (Vec::new(), Vec::new());
        for origin in &types.component.resources {
            let found = match origin {
                ResourceOrigin::Defined { .. } => None,
                ResourceOrigin::Imported { path } => self.resource(path),
            };
            if let (ResourceOrigin::Imported { path }, None, false) = (origin, &found, self.undefined_traps) {
                missing.push(ImportError::Missing { name: path.join("#"), wanted: "resource".to_string() });
            }
            resources.push(found);
        }
        let hosts: Vec<Option<TypeId>> =
            resources.iter().map(|resource| resource.as_ref().map(|resource| resource.ty)).collect();
        let mut core = wasmaot_runtime::Linker::<State<T>>::new();
        core.set_module_limits(self.module_limits);
        let resources = Arc::new(resources);
        let descriptor = component.module().descriptor();
        for import in &descriptor.imports {
            let ImportKind::Func { ty } = import.kind else { continue };
            let ty = &descriptor.types[ty as usize];
            if import.module == abi::MODULE {
                // What is not known is missing when the module is linked.
                builtins::define(&mut core, &import.name, ty.clone(), types, &resources)?;
                continue;
            }
            let same = |known: &&Import| known.module == import.module && known.name == import.name;
            if let Some(described) = types.component.imports.iter().find(same) {
                match self.function(described, &View { types, hosts: &hosts }) {
                    Ok(function) => bind(&mut core, described, ty, component, function)?,
                    Err(error) => missing.push(error),
                }
            }
        }
        if !missing.is_empty() {
            return Err(Error::Imports(missing));
        }
        let module = core.instantiate_pre(component.module())?;
        InstancePre::new(component.clone(), module, hosts, self.limits)
    }

    fn resource(&self, path: &[String]) -> Option<HostResource<T>> {
        let (name, outer) = path.split_last()?;
        self.definitions(outer)?.resources.get(name).cloned()
    }

    /// The definition of an imported function, compared with its type.
    fn function(&self, import: &Import, view: &View<'_>) -> Result<HostFunc<T>, ImportError> {
        let component = &view.types.component;
        let func = &component.functions[import.func as usize];
        let (name, wanted) = (import.path.join("#"), wit::func_type(component, func));
        let found =
            import.path.split_last().and_then(|(name, outer)| self.definitions(outer)?.funcs.get(name));
        match found {
            Some(found) => match (found.check)(view, func) {
                Ok(()) => Ok(found.clone()),
                Err(problem) => Err(ImportError::Mismatch { name, wanted, problem }),
            },
            None if self.undefined_traps => {
                Ok(dynamic(move |_, _| Err(Trap::Undefined(name.clone()).into())))
            }
            None => Err(ImportError::Missing { name, wanted }),
        }
    }
}

/// Defines an import of the core module.
fn bind<T: 'static>(
    core: &mut wasmaot_runtime::Linker<State<T>>,
    import: &Import,
    ty: &FuncType,
    component: &Component,
    function: HostFunc<T>,
) -> Result<(), LinkError> {
    let types = component.types();
    let func = &types.component.functions[import.func as usize];
    let options = types.component.options[import.options as usize];
    let bound = Arc::new(Bound::new(types, func, options, import.allocates));
    let call = function.call;
    core.func_in_cells(&import.module, &import.name, ty.clone(), move |caller, cells| {
        call(&bound, caller, cells)
    })?;
    Ok(())
}

impl<T: 'static> LinkerInstance<'_, T> {
    fn insert(&mut self, name: &str, function: HostFunc<T>) -> Result<&mut Self, LinkError> {
        if self.definitions.funcs.insert(name.to_string(), function).is_some() {
            return Err(LinkError::Duplicate { module: self.name.clone(), name: name.to_string() });
        }
        Ok(self)
    }

    /// Defines a function by a closure over Rust types: `|cx: &mut Context<'_, '_, T>, a: A, ..| -> Result<R,
    /// HostError>`.
    ///
    /// # Errors
    /// The name is taken.
    pub fn func_wrap<P>(&mut self, name: &str, f: impl IntoHostFunc<T, P>) -> Result<&mut Self, LinkError> {
        self.insert(name, f.into_host_func())
    }

    /// Defines a function of any type by a closure over values. It returns a value if the function has a
    /// result.
    ///
    /// # Errors
    /// The name is taken.
    pub fn func_new<F>(&mut self, name: &str, f: F) -> Result<&mut Self, LinkError>
    where
        F: Fn(&mut Context<'_, '_, T>, &[Val]) -> Result<Option<Val>, HostError> + Send + Sync + 'static,
    {
        self.insert(name, dynamic(f))
    }

    /// Defines a type of resources, whose handles are [`Resource<R>`](crate::Resource). `drop` is called with
    /// the number of one when the guest drops its owning handle.
    ///
    /// # Errors
    /// The name is taken.
    pub fn resource<R: 'static>(
        &mut self,
        name: &str,
        drop: impl Fn(&mut Context<'_, '_, T>, u32) -> Result<(), HostError> + Send + Sync + 'static,
    ) -> Result<&mut Self, LinkError> {
        let resource = HostResource { ty: TypeId::of::<R>(), drop: Arc::new(drop) };
        if self.definitions.resources.insert(name.to_string(), resource).is_some() {
            return Err(LinkError::Duplicate { module: self.name.clone(), name: name.to_string() });
        }
        Ok(self)
    }
}
