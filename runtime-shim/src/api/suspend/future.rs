//! Asynchronous host functions, calls as futures, and their time slices.
//!
//! An asynchronous host function suspends its caller with a future. The call's own future polls that, and
//! resumes the call when it is ready: no thread waits, and no executor is required. A deadline or a kill
//! wakes the call's task, and the call ends.
//!
//! At the end of a time slice the call's future wakes its own task and is pending once: the executor polls
//! what else is ready before it comes back to this one, and the guest goes on where it was interrupted.
//!
//! **Invariants.** The future of a host function owns what it works on: it never sees the guest. What is to
//! be written to the guest's memory is written when the call is resumed, by [`Complete`]. Dropping the call's
//! future gives the call up.

use super::{Reader, Step, Suspend, Suspended};
use crate::api::caller::Caller;
use crate::api::error::{CallError, HostError};
use crate::api::host::{self, Cells, HostResults};
use crate::api::store::{self, AsStore};
use crate::api::val::{WasmValue, WasmValues, for_each_arity};
use crate::code::raw_value::RawValue;
use crate::run::activation::Suspends;
use crate::run::host::HostFunc;
use crate::run::interrupt;
use crate::run::invoke;
use crate::run::store::StoreCore;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use wasmaot_abi::types::ValType;

/// What an asynchronous host function suspends its caller with.
struct Waiting<T>(Pin<Box<dyn Future<Output = Completion<T>> + Send>>);

/// What is left of a host function when its future is ready.
struct Completion<T> {
    /// The types of its results; `None` if it sets the cells of numbers.
    types: Option<&'static [ValType]>,
    run: Box<Rest<T>>,
}

type Rest<T> = dyn FnOnce(&mut Caller<'_, T>, &mut [RawValue]) -> Result<(), HostError> + Send;

/// What the future of an asynchronous host function gives: whatever a host function returns, or [`Complete`].
pub trait AsyncResults<T>: Send + 'static {
    /// Values that the future returns.
    type Values: WasmValues;
    /// The values, or how it ends its caller.
    #[doc(hidden)]
    fn complete(self, caller: &mut Caller<'_, T>) -> Result<Self::Values, HostError>;
}

impl<T, R: HostResults + Send + 'static> AsyncResults<T> for R {
    type Values = R::Values;
    fn complete(self, _: &mut Caller<'_, T>) -> Result<R::Values, HostError> {
        self.into_result()
    }
}

/// The end of an asynchronous host function that needs the guest again, to write to its memory for example.
///
/// ```
/// # use wasmaot_runtime::{Caller, Complete, Linker, LinkError};
/// # async fn fetch(key: u32) -> Vec<u8> { vec![key as u8] }
/// # fn define(linker: &mut Linker<()>) -> Result<(), LinkError> {
/// linker.func_wrap_async("host", "fetch", |_: &mut Caller<'_, ()>, key: u32, to: u32| async move {
///     let bytes = fetch(key).await;
///     Complete(move |caller: &mut Caller<'_, ()>| {
///         caller.write(to, &bytes)?;
///         Ok(bytes.len() as u32)
///     })
/// })?;
/// # Ok(())
/// # }
/// ```
pub struct Complete<F>(pub F);

impl<T, F, V> AsyncResults<T> for Complete<F>
where
    F: FnOnce(&mut Caller<'_, T>) -> Result<V, HostError> + Send + 'static,
    V: WasmValues,
{
    type Values = V;
    fn complete(self, caller: &mut Caller<'_, T>) -> Result<V, HostError> {
        (self.0)(caller)
    }
}

/// A closure that can be an asynchronous host function: up to 12 parameters, after the [`Caller`], and a
/// future of [`AsyncResults`].
pub trait IntoAsyncHostFunc<T, P, Fut>: Send + Sync + 'static {
    /// Converts the closure to a host function record.
    #[doc(hidden)]
    fn into_host_func(self) -> HostFunc<T>;
}

impl Suspend {
    /// Suspends the caller, which is called asynchronously, until a future is ready that gives what the host
    /// function returns. A function that is defined by [`func_wrap`](crate::Linker::func_wrap) can decide so
    /// when it knows that it has to wait ([`Caller::is_async`]). `T` is the store's data, and the values are
    /// of the types that the function says it returns. With [`Complete`], the host function sees its guest
    /// again, and may wait once more.
    pub fn until<T: 'static, R: AsyncResults<T>>(future: impl Future<Output = R> + Send + 'static) -> Self {
        let completion = async {
            let results = future.await;
            let run = |caller: &mut Caller<'_, T>, cells: &mut [RawValue]| {
                results.complete(caller)?.store(cells);
                Ok(())
            };
            Completion { types: Some(R::Values::TYPES), run: Box::new(run) }
        };
        Suspend::new(Waiting::<T>(Box::pin(completion)))
    }

    /// Suspends the caller as [`Suspend::until`] does, for a host function that is defined by
    /// [`func_in_cells`](crate::Linker::func_in_cells). The future gives what is left of it, which sets the
    /// results in their cells; parameters are not among these.
    ///
    /// # Errors
    /// None: it is the future's closure that may fail, and ends the caller with its error.
    pub fn until_in_cells<T: 'static, C>(future: impl Future<Output = C> + Send + 'static) -> Self
    where
        C: FnOnce(&mut Caller<'_, T>, &mut Cells<'_>) -> Result<(), HostError> + Send + 'static,
    {
        let completion = async {
            let complete = future.await;
            let run =
                |caller: &mut Caller<'_, T>, cells: &mut [RawValue]| complete(caller, &mut Cells::new(cells));
            Completion { types: None, run: Box::new(run) }
        };
        Suspend::new(Waiting::<T>(Box::pin(completion)))
    }
}

macro_rules! closures {
    ($($name:ident $index:tt),*) => {
        impl<T, F, Fut, $($name),*> IntoAsyncHostFunc<T, ($($name,)*), Fut> for F
        where
            T: 'static,
            F: Fn(&mut Caller<'_, T>, $($name),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: AsyncResults<T>> + Send + 'static,
            $($name: WasmValue,)*
        {
            fn into_host_func(self) -> HostFunc<T> {
                let body = move |caller: &mut Caller<'_, T>, cells: &mut [RawValue]| {
                    let _ = &cells;
                    Err(Suspend::until::<T, Fut::Output>(self(caller, $($name::from_cell(cells[$index])),*)).into())
                };
                host::typed::<T, ($($name,)*), <Fut::Output as AsyncResults<T>>::Values, _>(body)
            }
        }
    };
}

for_each_arity!(closures);

/// A suspended call that waits for a future. It is given up when this is dropped, unless it is to be resumed.
struct Waiter<'a, S: AsStore> {
    store: &'a mut S,
    gives_up: bool,
    /// The interrupts may have its task's waker.
    is_known: bool,
}

impl<S: AsStore> Waiter<'_, S> {
    /// Polls a host function's future. The error says why the call is not to wait any longer.
    fn poll<F: Future + ?Sized>(
        &mut self,
        future: &mut Pin<Box<F>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<F::Output, CallError>> {
        let mut core = store::changes(self.store);
        if let Some(code) = core.watch.due(core.id()) {
            return Poll::Ready(Err(CallError::of(core.stop_suspended(code), &mut core)));
        }
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        self.is_known = true;
        match interrupt::wake_when_due(&core, context.waker()) {
            Ok(None) => Poll::Pending,
            Ok(Some(code)) => Poll::Ready(Err(CallError::of(core.stop_suspended(code), &mut core))),
            Err(failure) => Poll::Ready(Err(CallError::of(failure, &mut core))),
        }
    }
}

impl<S: AsStore> Drop for Waiter<'_, S> {
    fn drop(&mut self) {
        let mut core = store::changes(self.store);
        if self.gives_up {
            core.give_up();
        }
        if self.is_known && core.watch.is_watched() {
            interrupt::forget_waker(core.id());
        }
    }
}

/// Carries a call to its end, waiting for the host functions that suspend it and between its time slices.
pub(crate) async fn finish<S, R>(store: &mut S, mut step: Step<R>) -> Result<R, CallError>
where
    S: AsStore<Data: 'static>,
{
    loop {
        step = match step {
            Step::Returned(results) => return Ok(results),
            Step::Suspended(suspended) => wait(store, suspended).await?,
            Step::Yielded(reader) => next_slice(store, reader).await?,
        };
    }
}

async fn wait<S, R>(store: &mut S, suspended: Suspended<R>) -> Result<Step<R>, CallError>
where
    S: AsStore<Data: 'static>,
{
    let Suspended { store: id, value, reader } = suspended;
    let mut waiter = Waiter { store, gives_up: true, is_known: false };
    let waiting = value.downcast::<Waiting<S::Data>>().map_err(|_| CallError::NotAsync)?;
    let mut future = waiting.0;
    let completion = poll_fn(|context| waiter.poll(&mut future, context)).await?;
    drop(future);
    waiter.gives_up = false;
    let suspended = Suspended { store: id, value: Box::new(()), reader };
    suspended.go_on(&mut *waiter.store, Suspends::ForSlices, completion.types, completion.run)
}

/// Lets the executor run others, and then goes on with a call.
async fn next_slice<S, R>(store: &mut S, reader: Reader<R>) -> Result<Step<R>, CallError>
where
    S: AsStore<Data: 'static>,
{
    let mut waiter = Waiter { store, gives_up: true, is_known: false };
    let mut has_waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    waiter.gives_up = false;
    let store = waiter.store.store_mut();
    let ended = invoke::go_on(store, |core: &StoreCore, cells: &[RawValue]| reader.read(core, cells));
    super::step(store, ended, reader)
}
