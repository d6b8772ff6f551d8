//! Host functions: closures over Rust types or values, and how a guest's call gets to them.
//!
//! ```text
//!  guest ── core call ──▶ lift parameters ──▶ closure ──▶ lower result ──▶ guest
//!                          scope begins        │    ▲    scope ends; requests for room, if it needs any
//!                                              ▼    │
//!                                      guest suspended, future, closure for the result
//! ```
//!
//! **Invariant: what a closure gets and gives is of the types that the component has**, which were compared
//! when it was linked.

use crate::convert::{ComponentType, Lift, Lower, View, for_each_arity, is_payload};
use crate::error::Trap;
use crate::lift::{Flat, Lifter};
use crate::lower::{Offsets, Planner};
use crate::state::{Context, Pending, State, Wait};
use crate::types::{MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, Types};
use crate::val::Val;
use std::any::TypeId;
use std::sync::Arc;
use wasmaot_abi::component::{Field, FuncType, Options, ValueType};
use wasmaot_runtime::{Caller, Cells, HostError, Suspend};

/// A host function of a component linker.
pub struct HostFunc<T> {
    /// Compares its type with the component's, and says what is wrong.
    pub(crate) check: fn(&View<'_>, &FuncType) -> Result<(), String>,
    pub(crate) call: Arc<Body<T>>,
}

pub(crate) type Body<T> =
    dyn Fn(&Arc<Bound>, &mut Caller<'_, State<T>>, &mut Cells<'_>) -> Result<(), HostError> + Send + Sync;

impl<T> Clone for HostFunc<T> {
    fn clone(&self) -> Self {
        Self { check: self.check, call: self.call.clone() }
    }
}

/// A type of resources that the host defines.
pub(crate) struct HostResource<T> {
    pub(crate) ty: TypeId,
    pub(crate) drop: Arc<Drop<T>>,
}

pub(crate) type Drop<T> = dyn Fn(&mut Context<'_, '_, T>, u32) -> Result<(), HostError> + Send + Sync;

impl<T> Clone for HostResource<T> {
    fn clone(&self) -> Self {
        Self { ty: self.ty, drop: self.drop.clone() }
    }
}

/// An import of a component that a host function is called for.
pub(crate) struct Bound {
    pub(crate) types: Arc<Types>,
    pub(crate) options: Options,
    pub(crate) params: Vec<ValueType>,
    pub(crate) result: Option<ValueType>,
    /// Core parameters for the parameters; the place of the result, if it has one, comes behind them.
    flat: usize,
    in_memory: bool,
    result_in_memory: bool,
    allocates: bool,
}

impl Bound {
    /// An import of this type.
    pub(crate) fn new(types: &Arc<Types>, func: &FuncType, options: Options, allocates: bool) -> Self {
        let params = types.params(func);
        let in_memory = params.flat > MAX_FLAT_PARAMS;
        Self {
            types: types.clone(),
            options,
            params: func.params.iter().map(|param| param.ty).collect(),
            result: func.result,
            flat: if in_memory { 1 } else { params.flat as usize },
            in_memory,
            result_in_memory: func.result.is_some_and(|ty| types.layout(ty).flat > MAX_FLAT_RESULTS),
            allocates,
        }
    }

    /// Lifts the parameters of a call, whose scope begins.
    fn lift<T, P>(
        &self,
        caller: &mut Caller<'_, State<T>>,
        cells: &Cells<'_>,
        params: impl FnOnce(&mut Lifter<'_>, &mut Source<'_, '_>) -> Result<P, Trap>,
    ) -> Result<P, Trap> {
        let mut flat = [0; MAX_FLAT_PARAMS as usize];
        (0..self.flat).for_each(|index| flat[index] = cells.get(index));
        let (memory, state) = match self.options.memory {
            Some(memory) => caller.memory_at_and_data(memory),
            None => (None, caller.data_mut()),
        };
        state.inner.handles.enter()?;
        let types = &*self.types;
        let mut lifter = state.inner.lifter(self.options, memory);
        let mut source = match self.in_memory {
            false => Source::Flat(Flat::new(&flat)),
            true => {
                let (at, all) = (flat[0] as u32, area(types, &self.params));
                lifter.check_area(at, all.0, all.1)?;
                Source::Memory(Offsets::new(types, at))
            }
        };
        params(&mut lifter, &mut source)
    }

    /// Where the result of a call goes, if it goes to memory.
    fn place(&self, cells: &Cells<'_>) -> u32 {
        if self.result_in_memory { cells.get(self.flat) as u32 } else { 0 }
    }

    /// Lowers the result of a call, whose scope ends.
    fn lower<T, R: Lower + Send + 'static>(
        &self,
        caller: &mut Caller<'_, State<T>>,
        (cells, at): (&mut Cells<'_>, u32),
        result: R,
    ) -> Result<(), Trap> {
        let inner = &mut caller.data_mut().inner;
        inner.handles.exit(&self.types)?;
        let Some(ty) = self.result else { return Ok(()) };
        if !self.result_in_memory {
            let mut lowerer = inner.lowerer(self.options, None, &[]);
            result.lower(&mut lowerer, ty)?;
            cells.set(0, lowerer.flat.first().copied().unwrap_or(0));
            return Ok(());
        }
        let layout = self.types.layout(ty);
        let requests =
            if self.allocates { requests(&self.types, self.options, &result, ty)? } else { Vec::new() };
        let (memory, state) = match self.options.memory {
            Some(memory) => caller.memory_at_and_data(memory),
            None => (None, caller.data_mut()),
        };
        let mut lowerer = state.inner.lowerer(self.options, memory, &[]);
        lowerer.check_area(at, layout.size, layout.align)?;
        let first = match requests.first() {
            None => {
                result.store(&mut lowerer, ty, at)?;
                0
            }
            Some(first) => {
                let first = first.encode();
                state.inner.pending = Some(Pending {
                    requests,
                    pointers: Vec::new(),
                    options: self.options,
                    finish: Box::new(move |cx| result.store(cx, ty, at)),
                    for_export: false,
                });
                first
            }
        };
        if self.allocates {
            cells.set(0, first);
        }
        Ok(())
    }
}

/// The room that a value needs.
pub(crate) fn requests<R: Lower>(
    types: &Types,
    options: Options,
    value: &R,
    ty: ValueType,
) -> Result<Vec<crate::lower::Request>, Trap> {
    let mut planner = Planner { types, encoding: options.encoding, requests: Vec::new() };
    value.plan(&mut planner, ty)?;
    Ok(planner.requests)
}

/// Size and alignment of values one behind the other.
fn area(types: &Types, params: &[ValueType]) -> (u32, u32) {
    let mut offsets = Offsets::new(types, 0);
    let ends = params.iter().map(|&ty| offsets.place(ty).saturating_add(types.layout(ty).size));
    let size = ends.max().unwrap_or(0);
    (size, params.iter().map(|&ty| types.layout(ty).align).max().unwrap_or(1))
}

/// Where parameters come from.
enum Source<'f, 't> {
    Flat(Flat<'f>),
    Memory(Offsets<'t>),
}

impl Source<'_, '_> {
    fn take<P: Lift>(&mut self, cx: &mut Lifter<'_>, ty: ValueType) -> Result<P, Trap> {
        match self {
            Source::Flat(flat) => P::lift(cx, ty, flat),
            Source::Memory(offsets) => {
                let at = offsets.place(ty);
                P::load(cx, ty, at)
            }
        }
    }
}

/// Rust types of all parameters of a function.
trait Lifted: Sized {
    /// Lifts them, of these types.
    fn take(cx: &mut Lifter<'_>, source: &mut Source<'_, '_>, types: &[ValueType]) -> Result<Self, Trap>;
}

impl Lifted for () {
    fn take(_: &mut Lifter<'_>, _: &mut Source<'_, '_>, _: &[ValueType]) -> Result<Self, Trap> {
        Ok(())
    }
}

macro_rules! lifted {
    ($($name:ident $variable:ident $index:tt),+) => {
        impl<$($name: Lift),+> Lifted for ($($name,)+) {
            fn take(cx: &mut Lifter<'_>, source: &mut Source<'_, '_>, types: &[ValueType]) -> Result<Self, Trap> {
                Ok(($(source.take::<$name>(cx, types[$index])?,)+))
            }
        }
    };
}

for_each_arity!(lifted);

/// Compares the number of parameters.
fn count(params: &[Field], count: usize) -> Result<(), String> {
    match params.len() {
        found if found == count => Ok(()),
        _ => Err(format!("the host function takes {count} parameter(s)")),
    }
}

/// Compares a result.
pub(crate) fn result_is<R: ComponentType + 'static>(view: &View<'_>, func: &FuncType) -> Result<(), String> {
    match is_payload::<R>(view, func.result) {
        true => Ok(()),
        false => Err(format!("its result is no {}", std::any::type_name::<R>())),
    }
}

/// A closure that can be a host function: of up to 8 parameters, after the [`Context`]. It returns the
/// result, `()` for none, or how it ends its caller.
pub trait IntoHostFunc<T, P>: Send + Sync + 'static {
    /// Makes a host function of it.
    #[doc(hidden)]
    fn into_host_func(self) -> HostFunc<T>;
}

macro_rules! closures {
    ($($name:ident $variable:ident $index:tt),*) => {
        impl<T, F, R, $($name),*> IntoHostFunc<T, (R, $($name,)*)> for F
        where
            T: 'static,
            F: Fn(&mut Context<'_, '_, T>, $($name),*) -> Result<R, HostError> + Send + Sync + 'static,
            R: Lower + Send + 'static,
            $($name: Lift + 'static,)*
        {
            fn into_host_func(self) -> HostFunc<T> {
                fn check<R: Lower + 'static, $($name: Lift),*>(view: &View<'_>, func: &FuncType) -> Result<(), String> {
                    const COUNT: usize = <[usize]>::len(&[$($index),*]);
                    count(&func.params, COUNT)?;
                    $(
                        if !$name::is(view, func.params[$index].ty) {
                            let name = std::any::type_name::<$name>();
                            return Err(format!("parameter `{}` is no {name}", func.params[$index].name));
                        }
                    )*
                    result_is::<R>(view, func)
                }
                let call = move |bound: &Arc<Bound>, caller: &mut Caller<'_, State<T>>, cells: &mut Cells<'_>| {
                    let ($($variable,)*): ($($name,)*) =
                        bound.lift(caller, cells, |cx, source| Lifted::take(cx, source, &bound.params))?;
                    let at = bound.place(cells);
                    let result = self(&mut Context { caller }, $($variable),*);
                    settle(bound, caller, (cells, at), result, Bound::lower)
                };
                HostFunc { check: check::<R, $($name),*>, call: Arc::new(call) }
            }
        }
    };
}

closures!();
for_each_arity!(closures);

/// Lowers a result to these cells, or to this place in memory.
type LowerResult<T, R> = fn(&Bound, &mut Caller<'_, State<T>>, (&mut Cells<'_>, u32), R) -> Result<(), Trap>;

/// Lowers what a closure returned, or suspends its caller until there is something to lower.
fn settle<T: 'static, R: Send + 'static>(
    bound: &Arc<Bound>,
    caller: &mut Caller<'_, State<T>>,
    (cells, at): (&mut Cells<'_>, u32),
    result: Result<R, HostError>,
    lower: LowerResult<T, R>,
) -> Result<(), HostError> {
    let suspend = match result {
        Ok(result) => return Ok(lower(bound, caller, (cells, at), result)?),
        Err(HostError::Suspend(suspend)) => suspend,
        Err(error) => return Err(error),
    };
    let wait = suspend.into_value().downcast::<Wait<T, R>>().map_err(|_| Trap::Suspension)?;
    let bound = bound.clone();
    let suspend = Suspend::until_in_cells::<State<T>, _>(async move {
        let complete = wait.future.await;
        move |caller: &mut Caller<'_, State<T>>, cells: &mut Cells<'_>| {
            let result = complete(&mut Context { caller });
            settle(&bound, caller, (cells, at), result, lower)
        }
    });
    Err(suspend.into())
}

/// A host function by a closure over values.
pub(crate) fn dynamic<T, F>(f: F) -> HostFunc<T>
where
    T: 'static,
    F: Fn(&mut Context<'_, '_, T>, &[Val]) -> Result<Option<Val>, HostError> + Send + Sync + 'static,
{
    let call = move |bound: &Arc<Bound>, caller: &mut Caller<'_, State<T>>, cells: &mut Cells<'_>| {
        let params: Vec<Val> = bound
            .lift(caller, cells, |cx, source| bound.params.iter().map(|&ty| source.take(cx, ty)).collect())?;
        let at = bound.place(cells);
        let result = f(&mut Context { caller }, &params);
        settle(bound, caller, (cells, at), result, lower_dynamic)
    };
    HostFunc { check: |_, _| Ok(()), call: Arc::new(call) }
}

/// Lowers the result of a closure over values, which has one if the function has.
fn lower_dynamic<T>(
    bound: &Bound,
    caller: &mut Caller<'_, State<T>>,
    to: (&mut Cells<'_>, u32),
    result: Option<Val>,
) -> Result<(), Trap> {
    match (result, bound.result) {
        (Some(result), Some(_)) => bound.lower(caller, to, result),
        (None, None) => bound.lower(caller, to, ()),
        (_, expected) => {
            let expected = expected.map(|ty| crate::wit::value_type(&bound.types.component, ty));
            Err(Trap::Type { expected: expected.unwrap_or_else(|| "none at all".to_string()) })
        }
    }
}
