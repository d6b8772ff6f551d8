//! What an instance of a component keeps beside its core module: handles, the call that is being made, the
//! embedder's data.
//!
//! **Invariants.** A component instance that trapped is never entered again. At most one value is being
//! lowered at a time, since `realloc` can call nothing.

use crate::error::Trap;
use crate::handles::Handles;
use crate::lift::{Flat, Lifter};
use crate::lower::{Lowerer, Request};
use crate::types::Types;
use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use wasmaot_abi::component::{Options, ValueType, Violation};
use wasmaot_runtime::{Caller, HostError, MemoryData, Suspend};

/// Limits on host resources used by the canonical ABI for one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Handles that the instance has, with how often they are lent, and resources of its own that the host
    /// owns.
    pub handles: u64,
    /// Bytes of the host's memory that the values of one call may take that come from the guest.
    pub lifted: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { handles: 100_000, lifted: 128 << 20 }
    }
}

/// The data of a store whose instance is a component's.
pub struct State<T> {
    pub(crate) data: T,
    pub(crate) inner: Inner,
}

/// What does not depend on the embedder's data.
pub(crate) struct Inner {
    pub(crate) types: Arc<Types>,
    pub(crate) handles: Handles,
    pub(crate) pending: Option<Pending>,
    /// Flat arguments of the export that is being called, once they are known.
    pub(crate) arguments: Vec<u64>,
    pub(crate) results: Option<Results>,
    pub(crate) limits: Limits,
    /// It trapped, or is running.
    pub(crate) closed: bool,
}

/// A value that waits for room in guest memory.
pub(crate) struct Pending {
    pub(crate) requests: Vec<Request>,
    pub(crate) pointers: Vec<u32>,
    pub(crate) options: Options,
    pub(crate) finish: Finish,
    /// Whether its flat values are the arguments of an export.
    pub(crate) for_export: bool,
}

/// Lowers a value that has been given its room.
pub(crate) type Finish = Box<dyn FnOnce(&mut Lowerer<'_>) -> Result<(), Trap> + Send>;

/// Lifts a result to a value of its Rust type.
pub(crate) type LiftResult =
    fn(&mut Lifter<'_>, Option<ValueType>, &mut Flat<'_>) -> Result<Box<dyn Any + Send>, Trap>;

/// How the results of an export are lifted.
pub(crate) struct Results {
    pub(crate) options: Options,
    pub(crate) result: Option<ValueType>,
    pub(crate) lift: LiftResult,
    /// What was lifted.
    pub(crate) lifted: Option<Box<dyn Any + Send>>,
}

impl<T> State<T> {
    pub(crate) fn new(types: Arc<Types>, limits: Limits, data: T) -> Self {
        let inner = Inner {
            types,
            handles: Handles::new(limits.handles),
            pending: None,
            arguments: Vec::new(),
            results: None,
            limits,
            closed: false,
        };
        Self { data, inner }
    }
}

impl Inner {
    /// Begins a call by the host.
    pub(crate) fn open(&mut self) -> Result<(), Trap> {
        if std::mem::replace(&mut self.closed, true) {
            return Err(Trap::Violation(Violation::CannotEnter));
        }
        self.handles.enter()
    }

    /// Ends a call by the host that returned.
    pub(crate) fn close(&mut self) -> Result<(), Trap> {
        self.handles.exit(&self.types)?;
        self.closed = false;
        Ok(())
    }

    /// What lifts values with these options.
    pub(crate) fn lifter<'a>(&'a mut self, options: Options, memory: Option<MemoryData<'a>>) -> Lifter<'a> {
        let limit = self.limits.lifted;
        Lifter { types: &self.types, memory, handles: &mut self.handles, options, budget: limit, limit }
    }

    /// What lowers values with these options.
    pub(crate) fn lowerer<'a>(
        &'a mut self,
        options: Options,
        memory: Option<MemoryData<'a>>,
        pointers: &'a [u32],
    ) -> Lowerer<'a> {
        let (types, handles) = (&*self.types, &mut self.handles);
        Lowerer { types, memory, handles, options, pointers, next: 0, flat: Vec::new() }
    }

    /// Answers a request of the value that is being lowered, and returns the next one.
    pub(crate) fn answer(&mut self, pointer: u32, memory: Option<MemoryData<'_>>) -> Result<u64, Trap> {
        let mut pending = self.pending.take().ok_or(Trap::OutOfTurn)?;
        let request = pending.requests.get(pending.pointers.len()).ok_or(Trap::OutOfTurn)?;
        request.check(pointer, memory.as_ref())?;
        pending.pointers.push(pointer);
        if let Some(next) = pending.requests.get(pending.pointers.len()) {
            let next = next.encode();
            self.pending = Some(pending);
            return Ok(next);
        }
        let Pending { pointers, options, finish, for_export, .. } = pending;
        let mut lowerer = self.lowerer(options, memory, &pointers);
        finish(&mut lowerer)?;
        let flat = lowerer.flat;
        if for_export {
            self.arguments = flat;
        }
        Ok(0)
    }
}

/// What a host function sees: the embedder's data of the instance that called it.
pub struct Context<'a, 'b, T> {
    pub(crate) caller: &'a mut Caller<'b, State<T>>,
}

/// A host function's result that is not there yet: what is left of the function comes out of a future.
pub(crate) struct Wait<T, R> {
    pub(crate) future: Pin<Box<dyn Future<Output = Completion<T, R>> + Send>>,
}

/// What is left of a host function.
pub(crate) type Completion<T, R> = Box<dyn FnOnce(&mut Context<'_, '_, T>) -> Result<R, HostError> + Send>;

impl<T> Context<'_, '_, T> {
    /// Returns the embedder's data.
    pub fn data(&self) -> &T {
        &self.caller.data().data
    }

    /// Returns the embedder's data, to be changed.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.caller.data_mut().data
    }

    /// Returns whether the guest was called asynchronously, so that it can be [suspended](Context::suspend).
    pub fn is_async(&self) -> bool {
        self.caller.is_async()
    }

    /// Suspends the guest until a future is ready: a host function returns this as its error. The future owns
    /// what it works on, and gives what is left of the host function, which sees the guest's data again,
    /// returns the result, and may suspend the guest once more. Handles that were lent to the call stay lent.
    ///
    /// Only calls that are made asynchronously can be suspended, see [`Context::is_async`].
    ///
    /// ```
    /// use wasmaot_component::{Context, Linker};
    ///
    /// # async fn fetch(key: u32) -> String { key.to_string() }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut linker = Linker::<u64>::new();
    /// linker.instance("example:host/store")?.func_wrap("get", |cx: &mut Context<'_, '_, u64>, key: u32| {
    ///     Err::<String, _>(cx.suspend(async move {
    ///         let value = fetch(key).await;
    ///         move |cx: &mut Context<'_, '_, u64>| {
    ///             *cx.data_mut() += 1;
    ///             Ok(value)
    ///         }
    ///     }))
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn suspend<R, C>(&self, future: impl Future<Output = C> + Send + 'static) -> HostError
    where
        T: 'static,
        R: Send + 'static,
        C: FnOnce(&mut Context<'_, '_, T>) -> Result<R, HostError> + Send + 'static,
    {
        let future = async { Box::new(future.await) as Completion<T, R> };
        Suspend::new(Wait { future: Box::pin(future) }).into()
    }

    /// Returns the number of handles that the instance has, with how often they are lent.
    pub fn handles(&self) -> u64 {
        self.caller.data().inner.handles.live()
    }
}

impl From<Trap> for HostError {
    fn from(trap: Trap) -> Self {
        HostError::other(trap)
    }
}
