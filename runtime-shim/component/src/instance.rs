//! Linked components, their instances, and calls of what they export.
//!
//! **Invariant: an instance that trapped is not entered again.**

use crate::component::Component;
use crate::convert::{Lift, Lower, View, for_each_arity, is_payload};
use crate::error::{Error, Trap};
use crate::lift::{Flat, Lifter};
use crate::lower::{Lowerer, Offsets, Planner, Request};
use crate::names;
use crate::resource::{Kind, ResourceAny};
use crate::state::{Finish, Inner, Limits, Pending, Results, State};
use crate::types::{MAX_FLAT_PARAMS, Types};
use crate::val::Val;
use crate::wit;
use std::any::{Any, TypeId};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmaot_abi::component::{FuncType, Item, Lift as Lifted, Options, ResourceOrigin, ValueType};
use wasmaot_runtime::{
    AsStore, CallError, InterruptError, InterruptHandle, Pool, PooledInstance, ResourceLimits, Store, Usage,
};

/// A component with its imports resolved. Cloning it is cheap.
pub struct InstancePre<T> {
    module: wasmaot_runtime::InstancePre<State<T>>,
    linked: Arc<Linked>,
}

impl<T> Clone for InstancePre<T> {
    fn clone(&self) -> Self {
        Self { module: self.module.clone(), linked: self.linked.clone() }
    }
}

/// What does not depend on the embedder's data.
struct Linked {
    component: Component,
    hosts: Vec<Option<TypeId>>,
    limits: Limits,
    /// Of each exported function the core module's.
    funcs: Vec<wasmaot_runtime::Func>,
    /// Of each resource its destructor.
    destructors: Vec<Option<wasmaot_runtime::Func>>,
}

impl<T: 'static> InstancePre<T> {
    pub(crate) fn new(
        component: Component,
        module: wasmaot_runtime::InstancePre<State<T>>,
        hosts: Vec<Option<TypeId>>,
        limits: Limits,
    ) -> Result<Self, Error> {
        let described = component.description();
        let funcs = described.lifts.iter().map(|lift| module.get_func(&lift.export));
        let funcs = funcs.collect::<Result<_, _>>()?;
        let destructor = |origin: &ResourceOrigin| match origin {
            ResourceOrigin::Defined { destructor: Some(name), .. } => module.get_func(name).map(Some),
            _ => Ok(None),
        };
        let destructors = described.resources.iter().map(destructor).collect::<Result<_, _>>()?;
        let linked = Linked { component, hosts, limits, funcs, destructors };
        Ok(Self { module, linked: Arc::new(linked) })
    }

    fn state(&self, data: T) -> State<T> {
        State::new(self.linked.component.types().clone(), self.linked.limits, data)
    }

    /// Starts an instance in a pool.
    ///
    /// # Errors
    /// All slots are in use, the kernel refuses what the instance needs, or a start function fails.
    pub fn start(&self, pool: &Pool, data: T) -> Result<Instance<T>, Error> {
        let instance = pool.start(&self.module, self.state(data))?;
        Ok(Instance { place: Place::Pooled(instance), linked: self.linked.clone() })
    }

    /// Starts an instance in a pool with limits of its own, none of which is beyond the pool's.
    ///
    /// # Errors
    /// As for [`InstancePre::start`]; or a limit cannot be enforced.
    pub fn start_with(&self, pool: &Pool, data: T, limits: &ResourceLimits) -> Result<Instance<T>, Error> {
        let instance = pool.start_with(&self.module, self.state(data), limits)?;
        Ok(Instance { place: Place::Pooled(instance), linked: self.linked.clone() })
    }

    /// Makes an instance of its own.
    ///
    /// # Errors
    /// The kernel refuses what the instance needs, or a start function fails.
    pub fn instantiate(&self, data: T) -> Result<Instance<T>, Error> {
        self.instantiate_with(data, &ResourceLimits::default())
    }

    /// Makes an instance of its own, with limits.
    ///
    /// # Errors
    /// As for [`InstancePre::instantiate`]; or a limit cannot be enforced.
    pub fn instantiate_with(&self, data: T, limits: &ResourceLimits) -> Result<Instance<T>, Error> {
        let mut store = Store::new(self.state(data));
        store.set_limits(*limits).map_err(CallError::from)?;
        self.module.instantiate(&mut store)?;
        Ok(Instance { place: Place::Alone(Box::new(store)), linked: self.linked.clone() })
    }
}

impl<T> InstancePre<T> {
    /// Returns the component that was linked.
    pub fn component(&self) -> &Component {
        &self.linked.component
    }

    /// Returns the core module with its imports resolved.
    pub fn core(&self) -> &wasmaot_runtime::InstancePre<State<T>> {
        &self.module
    }

    /// Returns an exported function: by its name, or by `instance#function`. A version of the instance stands
    /// for compatible ones.
    ///
    /// # Errors
    /// There is none.
    pub fn get_func(&self, name: &str) -> Result<Func, Error> {
        self.linked.find(name).map(|lift| Func { lift }).ok_or_else(|| Error::NoFunction(name.to_string()))
    }

    /// Returns an exported function with parameters and a result of these Rust types; `()` for a function
    /// without result.
    ///
    /// # Errors
    /// There is none, or it is of another type.
    pub fn get_typed_func<P: Params, R: Lift + Send + 'static>(
        &self,
        name: &str,
    ) -> Result<TypedFunc<P, R>, Error> {
        let Func { lift } = self.get_func(name)?;
        let (types, func) = self.linked.type_of(lift);
        let view = View { types, hosts: &self.linked.hosts };
        let params: Vec<ValueType> = func.params.iter().map(|param| param.ty).collect();
        let signature = |problem: &str| Error::Signature {
            name: name.to_string(),
            found: wit::func_type(&types.component, func),
            problem: problem.to_string(),
        };
        if !P::are(&view, &params) {
            return Err(signature(&format!("its parameters are no {}", std::any::type_name::<P>())));
        }
        if !is_payload::<R>(&view, func.result) && TypeId::of::<R>() != TypeId::of::<Val>() {
            return Err(signature(&format!("its result is no {}", std::any::type_name::<R>())));
        }
        Ok(TypedFunc { lift, types: PhantomData })
    }
}

impl Linked {
    fn find(&self, name: &str) -> Option<u32> {
        let component = self.component.description();
        let lift_of = |item: &Item| match item {
            Item::Lifted { lift } => Some(*lift),
            _ => None,
        };
        let lifted =
            || component.exported.iter().filter_map(|export| Some((&export.path, lift_of(&export.item)?)));
        if let Some((_, lift)) = lifted().find(|(path, _)| path.join("#") == name) {
            return Some(lift);
        }
        let (outer, name) = name.rsplit_once('#')?;
        let candidates: Vec<(String, u32)> = lifted()
            .filter(|(path, _)| path.len() > 1 && path.last().is_some_and(|last| last == name))
            .map(|(path, lift)| (path[..path.len() - 1].join("#"), lift))
            .collect();
        names::find(candidates.iter().map(|(name, lift)| (name, *lift)), outer)
    }

    fn type_of(&self, lift: u32) -> (&Types, &FuncType) {
        let types = self.component.types();
        let lift = &types.component.lifts[lift as usize];
        (types, &types.component.functions[lift.func as usize])
    }
}

/// An instance of a component, with data of the embedder's own that its host functions work on.
pub struct Instance<T> {
    place: Place<T>,
    linked: Arc<Linked>,
}

#[expect(clippy::large_enum_variant, reason = "a start in a pool allocates nothing")]
enum Place<T> {
    Pooled(PooledInstance<State<T>>),
    Alone(Box<Store<State<T>>>),
}

/// Does something with the store of an instance, whatever kind it is.
macro_rules! with_store {
    ($place:expr, $store:ident => $body:expr) => {
        match $place {
            Place::Pooled($store) => $body,
            Place::Alone($store) => {
                let $store = &mut **$store;
                $body
            }
        }
    };
}

impl<T> Instance<T> {
    fn state(&self) -> &State<T> {
        match &self.place {
            Place::Pooled(instance) => instance.data(),
            Place::Alone(store) => store.data(),
        }
    }

    fn state_mut(&mut self) -> &mut State<T> {
        match &mut self.place {
            Place::Pooled(instance) => instance.data_mut(),
            Place::Alone(store) => store.data_mut(),
        }
    }

    /// Returns the embedder's data.
    pub fn data(&self) -> &T {
        &self.state().data
    }

    /// Returns the embedder's data, to be changed.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.state_mut().data
    }

    /// Returns the number of handles that it has, with how often they are lent, and of resources of its own
    /// that the host owns.
    pub fn handles(&self) -> u64 {
        self.state().inner.handles.live()
    }

    /// Has asynchronous calls give their executor back after each such time in the guest, see
    /// [`AsStore::yield_every`].
    ///
    /// # Errors
    /// Slices cannot be enforced, and it is as before.
    pub fn yield_every(&mut self, slice: impl Into<Option<Duration>>) -> Result<(), InterruptError> {
        with_store!(&mut self.place, store => store.yield_every(slice))
    }

    /// Sets when calls end, see [`AsStore::set_deadline`].
    ///
    /// # Errors
    /// The deadline cannot be enforced, and the one before still holds.
    pub fn set_deadline(&mut self, deadline: impl Into<Option<Instant>>) -> Result<(), InterruptError> {
        with_store!(&mut self.place, store => store.set_deadline(deadline))
    }

    /// Returns a handle by which any thread can stop the instance for good.
    ///
    /// # Errors
    /// The handle could not take effect.
    pub fn interrupt_handle(&mut self) -> Result<InterruptHandle, InterruptError> {
        with_store!(&mut self.place, store => store.interrupt_handle())
    }

    /// Returns what the instance has used so far. It has not been reset.
    pub fn usage(&self) -> Usage {
        fn of(store: &impl AsStore) -> Usage {
            Usage {
                memory: store.memory_bytes(),
                operators: store.operators(),
                fuel: store.used_fuel(),
                host_calls: store.host_calls(),
                reset: None,
            }
        }
        match &self.place {
            Place::Pooled(instance) => of(instance),
            Place::Alone(store) => of(&**store),
        }
    }

    /// Calls an exported function by its name, see [`InstancePre::get_func`].
    ///
    /// # Errors
    /// The component exports no such function; otherwise as for [`Func::call`].
    ///
    /// # Panics
    /// Panics if a host function panics.
    pub fn call(&mut self, name: &str, args: &[Val]) -> Result<Option<Val>, Error> {
        let lift = self.linked.find(name).ok_or_else(|| Error::NoFunction(name.to_string()))?;
        Func { lift }.call(self, args)
    }

    /// Drops a resource that the host owns, by its destructor if it has one.
    ///
    /// # Errors
    /// The resource is not one of this instance's that the host owns, or its destructor fails.
    ///
    /// # Panics
    /// Panics if a host function panics.
    pub fn drop_resource(&mut self, resource: ResourceAny) -> Result<(), Error> {
        let Kind::Owned { position, generation } = resource.kind else {
            return Err(Trap::StaleHandle.into());
        };
        let (index, rep) = self.state_mut().inner.handles.take_from_host(position, generation)?;
        let Some(destructor) = self.linked.destructors.get(index as usize).copied().flatten() else {
            return Ok(());
        };
        self.state_mut().inner.open()?;
        with_store!(&mut self.place, store => destructor.call_in_cells(store, &[rep.into()], &mut []))?;
        Ok(self.state_mut().inner.close()?)
    }

    /// Ends it, and returns what it used. Neither destructors nor anything else of it run.
    pub fn finish(self) -> (T, Option<Usage>) {
        match self.place {
            Place::Pooled(instance) => {
                let (state, usage) = instance.finish_with_data();
                (state.data, Some(usage))
            }
            Place::Alone(store) => (store.into_data().data, None),
        }
    }

    fn call_lifted<P: Params, R: Lift + Send + 'static>(&mut self, lift: u32, params: P) -> Result<R, Error> {
        let (core, mut call) = self.begin::<P, R>(lift, params)?;
        let results = call.flat.as_mut_slice();
        with_store!(&mut self.place, store => core.call_in_cells(store, &call.arguments, results))?;
        self.end(call)
    }

    async fn call_lifted_async<P: Params, R: Lift + Send + 'static>(
        &mut self,
        lift: u32,
        params: P,
    ) -> Result<R, Error>
    where
        T: 'static,
    {
        let (core, mut call) = self.begin::<P, R>(lift, params)?;
        let results = call.flat.as_mut_slice();
        with_store!(&mut self.place, store => {
            core.call_in_cells_async(store, &call.arguments, results).await
        })?;
        self.end(call)
    }

    /// Begins a call: lowers its arguments. Returns the core function.
    fn begin<P: Params, R: Lift + Send + 'static>(
        &mut self,
        lift: u32,
        params: P,
    ) -> Result<(wasmaot_runtime::Func, Call), Error> {
        let linked = self.linked.clone();
        let types = linked.component.types();
        let lifted = &types.component.lifts[lift as usize];
        let func = &types.component.functions[lifted.func as usize];
        let inner = &mut self.state_mut().inner;
        inner.open()?;
        let arguments = arguments(inner, types, lifted, func, params)?;
        let options = types.component.options[lifted.options as usize];
        let mut flat = Vec::new();
        if lifted.hands_over {
            inner.results =
                Some(Results { options, result: func.result, lift: lift_boxed::<R>, lifted: None });
        } else {
            flat.resize(usize::from(func.result.is_some()), 0);
        }
        Ok((linked.funcs[lift as usize], Call { options, result: func.result, arguments, flat }))
    }

    /// Ends a call that returned: lifts its result.
    fn end<R: Lift + Send + 'static>(&mut self, call: Call) -> Result<R, Error> {
        let inner = &mut self.state_mut().inner;
        let result = match inner.results.take() {
            Some(results) => {
                let lifted = results.lifted.and_then(|lifted| lifted.downcast::<R>().ok());
                *lifted.ok_or(Trap::OutOfTurn)?
            }
            None => {
                let mut lifter = inner.lifter(call.options, None);
                lift_result(&mut lifter, call.result, &mut Flat::new(&call.flat))?
            }
        };
        inner.close()?;
        Ok(result)
    }
}

/// A call of an export.
struct Call {
    options: Options,
    result: Option<ValueType>,
    /// The core function's.
    arguments: Vec<u64>,
    /// Results of the core function.
    flat: Vec<u64>,
}

/// Lifts a result, if the function has one.
fn lift_result<R: Lift>(cx: &mut Lifter<'_>, ty: Option<ValueType>, flat: &mut Flat<'_>) -> Result<R, Trap> {
    let Some(ty) = ty else { return R::lift(cx, ValueType::Bool, flat) };
    let layout = cx.types.layout(ty);
    if layout.flat <= crate::types::MAX_FLAT_RESULTS {
        return R::lift(cx, ty, flat);
    }
    let at = flat.take() as u32;
    cx.check_area(at, layout.size, layout.align)?;
    R::load(cx, ty, at)
}

fn lift_boxed<R: Lift + Send + 'static>(
    cx: &mut Lifter<'_>,
    ty: Option<ValueType>,
    flat: &mut Flat<'_>,
) -> Result<Box<dyn Any + Send>, Trap> {
    Ok(Box::new(lift_result::<R>(cx, ty, flat)?))
}

/// Begins to lower the arguments of an export. Returns the core function's.
fn arguments<P: Params>(
    inner: &mut Inner,
    types: &Types,
    lifted: &Lifted,
    func: &FuncType,
    params: P,
) -> Result<Vec<u64>, Trap> {
    let options = types.component.options[lifted.options as usize];
    let list: Vec<ValueType> = func.params.iter().map(|param| param.ty).collect();
    if list.len() != params.count() {
        return Err(Trap::Type { expected: wit::func_type(&types.component, func) });
    }
    if !lifted.allocates {
        let mut lowerer = inner.lowerer(options, None, &[]);
        params.lower(&mut lowerer, &list)?;
        return Ok(lowerer.flat);
    }
    let area = types.params(func);
    let in_memory = area.flat > MAX_FLAT_PARAMS;
    let mut planner = Planner { types, encoding: options.encoding, requests: Vec::new() };
    if in_memory {
        planner.requests.push(Request::new(area.size, area.align));
    }
    params.plan(&mut planner, &list)?;
    let requests = planner.requests;
    let finish: Finish = Box::new(move |cx: &mut Lowerer<'_>| {
        if !in_memory {
            return params.lower(cx, &list);
        }
        let at = cx.pointer()?;
        params.store(cx, &list, at)?;
        cx.flat.push(at.into());
        Ok(())
    });
    let Some(first) = requests.first().map(|request| request.encode()) else {
        let mut lowerer = inner.lowerer(options, None, &[]);
        finish(&mut lowerer)?;
        inner.arguments = lowerer.flat;
        return Ok(vec![0]);
    };
    inner.pending = Some(Pending { requests, pointers: Vec::new(), options, finish, for_export: true });
    Ok(vec![first])
}

/// An exported function of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Func {
    lift: u32,
}

impl Func {
    /// Calls the function in an instance. Returns a value if the function has a result.
    ///
    /// # Errors
    /// The arguments are not of its type; otherwise how the call ended.
    ///
    /// # Panics
    /// Panics if a host function panics.
    pub fn call<T>(&self, instance: &mut Instance<T>, args: &[Val]) -> Result<Option<Val>, Error> {
        let has_result = instance.linked.type_of(self.lift).1.result.is_some();
        match has_result {
            true => instance.call_lifted::<_, Val>(self.lift, args.to_vec()).map(Some),
            false => instance.call_lifted::<_, ()>(self.lift, args.to_vec()).map(|()| None),
        }
    }
}

impl Func {
    /// Calls it; while a host function [suspends](crate::Context::suspend) the guest, so does this, and
    /// between the [time slices](Instance::yield_every) of the instance. If the future is dropped before it
    /// is ready, the call is given up.
    ///
    /// # Errors
    /// As for [`Func::call`].
    ///
    /// # Panics
    /// A host function panics.
    pub async fn call_async<T: 'static>(
        &self,
        instance: &mut Instance<T>,
        args: &[Val],
    ) -> Result<Option<Val>, Error> {
        let has_result = instance.linked.type_of(self.lift).1.result.is_some();
        match has_result {
            true => instance.call_lifted_async::<_, Val>(self.lift, args.to_vec()).await.map(Some),
            false => instance.call_lifted_async::<_, ()>(self.lift, args.to_vec()).await.map(|()| None),
        }
    }
}

/// A [`Func`] whose type was compared once.
pub struct TypedFunc<P, R> {
    lift: u32,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, R> Copy for TypedFunc<P, R> {}

impl<P: Params, R: Lift + Send + 'static> TypedFunc<P, R> {
    /// Calls the function in an instance.
    ///
    /// # Errors
    /// How the call ended.
    ///
    /// # Panics
    /// Panics if a host function panics.
    pub fn call<T>(&self, instance: &mut Instance<T>, params: P) -> Result<R, Error> {
        instance.call_lifted(self.lift, params)
    }

    /// Calls it, and waits as [`Func::call_async`] does.
    ///
    /// # Errors
    /// How the call ended.
    ///
    /// # Panics
    /// A host function panics.
    pub async fn call_async<T: 'static>(&self, instance: &mut Instance<T>, params: P) -> Result<R, Error> {
        instance.call_lifted_async(self.lift, params).await
    }
}

/// Arguments of a call: a tuple.
pub trait Params: Send + 'static {
    /// Whether they are of these types.
    #[doc(hidden)]
    fn are(view: &View<'_>, types: &[ValueType]) -> bool;

    /// How many there are.
    #[doc(hidden)]
    fn count(&self) -> usize;

    /// Asks for the room that they need.
    #[doc(hidden)]
    fn plan(&self, cx: &mut Planner<'_>, types: &[ValueType]) -> Result<(), Trap>;

    /// Lowers the values to flat values.
    #[doc(hidden)]
    fn lower(&self, cx: &mut Lowerer<'_>, types: &[ValueType]) -> Result<(), Trap>;

    /// To memory, one behind the other.
    #[doc(hidden)]
    fn store(&self, cx: &mut Lowerer<'_>, types: &[ValueType], at: u32) -> Result<(), Trap>;
}

impl Params for Vec<Val> {
    fn are(_: &View<'_>, _: &[ValueType]) -> bool {
        true
    }

    fn count(&self) -> usize {
        self.len()
    }

    fn plan(&self, cx: &mut Planner<'_>, types: &[ValueType]) -> Result<(), Trap> {
        self.iter().zip(types).try_for_each(|(value, &ty)| value.plan(cx, ty))
    }

    fn lower(&self, cx: &mut Lowerer<'_>, types: &[ValueType]) -> Result<(), Trap> {
        self.iter().zip(types).try_for_each(|(value, &ty)| value.lower(cx, ty))
    }

    fn store(&self, cx: &mut Lowerer<'_>, types: &[ValueType], at: u32) -> Result<(), Trap> {
        let mut offsets = Offsets::new(cx.types, at);
        self.iter().zip(types).try_for_each(|(value, &ty)| {
            let at = offsets.place(ty);
            value.store(cx, ty, at)
        })
    }
}

impl Params for () {
    fn are(_: &View<'_>, types: &[ValueType]) -> bool {
        types.is_empty()
    }

    fn count(&self) -> usize {
        0
    }

    fn plan(&self, _: &mut Planner<'_>, _: &[ValueType]) -> Result<(), Trap> {
        Ok(())
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &[ValueType]) -> Result<(), Trap> {
        Ok(())
    }

    fn store(&self, _: &mut Lowerer<'_>, _: &[ValueType], _: u32) -> Result<(), Trap> {
        Ok(())
    }
}

macro_rules! params {
    ($($name:ident $variable:ident $index:tt),+) => {
        impl<$($name: Lower + Send + 'static),+> Params for ($($name,)+) {
            fn are(view: &View<'_>, types: &[ValueType]) -> bool {
                const COUNT: usize = [$($index),+].len();
                types.len() == COUNT $(&& $name::is(view, types[$index]))+
            }

            fn count(&self) -> usize {
                [$($index),+].len()
            }

            fn plan(&self, cx: &mut Planner<'_>, types: &[ValueType]) -> Result<(), Trap> {
                $(self.$index.plan(cx, types[$index])?;)+
                Ok(())
            }

            fn lower(&self, cx: &mut Lowerer<'_>, types: &[ValueType]) -> Result<(), Trap> {
                $(self.$index.lower(cx, types[$index])?;)+
                Ok(())
            }

            fn store(&self, cx: &mut Lowerer<'_>, types: &[ValueType], at: u32) -> Result<(), Trap> {
                let mut offsets = Offsets::new(cx.types, at);
                $({
                    let at = offsets.place(types[$index]);
                    self.$index.store(cx, types[$index], at)?;
                })+
                Ok(())
            }
        }
    };
}

for_each_arity!(params);
