//! Host functions as compiled code calls them: their records, and what runs between a stub and a body.
//!
//! **Invariants.** A panic in a body never unwinds through guest frames: it is caught here and goes on in the
//! caller of the instance. Values are read and written within the cells that the function's type gives, and
//! references that a body leaves there are the store's.

use crate::code::raw_value::RawValue;
use crate::code::types::{self, TypeLease};
use crate::run::activation::Activation;
use crate::run::asm;
use crate::run::end::Pending;
use crate::run::interrupt::{self, Next};
use crate::run::invoke::admits_all;
use crate::run::protocol::answer;
use crate::run::store::{StoreCore, StoreInner};
use crate::run::suspension::{Called, Place, Suspension};
use crate::state::instance::{InstanceCore, KeepAlive};
use std::any::Any;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wasmaot_abi::state::ImportedFunction;
use wasmaot_abi::types::FuncType;

type Dispatch<T> =
    unsafe extern "C" fn(*const HostFunc<T>, *mut RawValue, caller: u64, *mut Activation) -> u32;

/// How many cells a host function's values take: as many as it has parameters or results, whichever are more.
pub(crate) trait CellCount {
    /// The count, where the type of the host function's body states it: then no access to them needs a check.
    const COUNT: Option<usize>;
}

/// Those of a function whose type is known at run time only.
pub(crate) struct OfRecord;

impl CellCount for OfRecord {
    const COUNT: Option<usize> = None;
}

/// The record of a host function.
#[repr(C)]
pub struct HostFunc<T> {
    /// What its array entry continues with; the first word, see [`asm::host_entry`]. It knows the type of the
    /// body, so that a call goes straight to it.
    dispatch: Dispatch<T>,
    ty: Arc<FuncType>,
    /// That type's process-wide number, as long as there is the lease.
    number: (u32, TypeLease),
    cells: usize,
    body: Box<dyn Send + Sync>,
    data: PhantomData<fn(T)>,
}

impl<T> KeepAlive for HostFunc<T> {}

/// The error of a host function that does not return to its caller.
pub(crate) trait Ends: Sized {
    /// The value for the caller of the guest, if the host function waits; otherwise the error again.
    fn suspends(self) -> Result<Box<dyn Any + Send>, Self>;

    /// How the host function ends its caller, which cannot be suspended.
    fn pending(self, core: &StoreCore) -> Pending;
}

impl<T> HostFunc<T> {
    /// A function of this type. The body gets the store, the instance that calls, and the cells of its
    /// values.
    ///
    /// # Panics
    /// The type has another count of cells than `C`.
    pub(crate) fn new<C, B, E>(ty: FuncType, body: B) -> Self
    where
        C: CellCount,
        B: Fn(&mut StoreInner<T>, &InstanceCore, &mut [RawValue]) -> Result<(), E> + Send + Sync + 'static,
        E: Ends,
    {
        if !ty.results.iter().any(|ty| ty.is_ref()) {
            return Self::unchecked::<C, B, E>(ty, body);
        }
        let results = ty.results.clone();
        let body = move |store: &mut StoreInner<T>, instance: &InstanceCore, cells: &mut [RawValue]| {
            body(store, instance, cells)?;
            assert!(admits_all(store.core(), &results, cells), "a host function returns what it is to");
            Ok(())
        };
        Self::unchecked::<C, _, E>(ty, body)
    }

    /// The same for a body that leaves values of the right types.
    fn unchecked<C, B, E>(ty: FuncType, body: B) -> Self
    where
        C: CellCount,
        B: Fn(&mut StoreInner<T>, &InstanceCore, &mut [RawValue]) -> Result<(), E> + Send + Sync + 'static,
        E: Ends,
    {
        let cells = ty.params.len().max(ty.results.len());
        assert!(C::COUNT.is_none_or(|count| count == cells), "a type has as many cells as it says");
        let number = types::number_of(&ty);
        let (ty, body) = (Arc::new(ty), Box::new(body));
        Self { dispatch: dispatch::<T, C, B, E>, ty, number, cells, body, data: PhantomData }
    }

    /// The process-wide number of its type.
    pub(crate) fn number(&self) -> u32 {
        self.number.0
    }

    /// Its type.
    pub(crate) fn ty(&self) -> &FuncType {
        &self.ty
    }

    /// How code reaches it that counts its instructions, or that does not.
    pub(crate) fn import(self: &Arc<Self>, metered: bool) -> ImportedFunction {
        let array_entry = asm::host_entry(metered);
        ImportedFunction { array_entry, context: Arc::as_ptr(self) as u64, tail_entry: 0 }
    }
}

/// Runs a host function, on the host's stack. Gives one of [`answer`].
///
/// # Safety
/// Called by [`asm::host_entry`] on behalf of compiled code of an instance of a `Store<T>`. `B` is the type
/// of the record's body, which is called with `C` cells.
unsafe extern "C" fn dispatch<T, C, B, E>(
    record: *const HostFunc<T>,
    values: *mut RawValue,
    caller: u64,
    activation: *mut Activation,
) -> u32
where
    C: CellCount,
    B: Fn(&mut StoreInner<T>, &InstanceCore, &mut [RawValue]) -> Result<(), E>,
    E: Ends,
{
    // SAFETY: the instance keeps the host functions that it imports. The activation is the running one: its
    // owner waits for the guest, and the references that `run` makes of it are gone when this is called.
    let stop = |why| unsafe { answer_of(why, &*record, values, caller, &mut *activation) };
    let run = || {
        // SAFETY: the instance keeps the host functions that it imports, and `B` is the type that `unchecked`
        // has boxed beside this `dispatch`. Compiled code passes as many cells as the function's type has
        // parameters or results. The activation is the running one, whose store is a `StoreInner<T>`, as a
        // `HostFunc<T>` is imported into no other, and is used by nothing else: its owner waits in `enter`.
        // `caller` is the vmctx of the instance that called, which that store keeps.
        let (body, cells, instance, store) = unsafe {
            let func = &*record;
            let body = &*(&raw const *func.body).cast::<B>();
            let cells = std::slice::from_raw_parts_mut(values, C::COUNT.unwrap_or(func.cells));
            (*(*activation).core()).host_calls += 1;
            let store = &mut *(*activation).store().cast::<StoreInner<T>>();
            (body, cells, InstanceCore::from_vmctx(caller), store)
        };
        match body(store, instance, cells) {
            Ok(()) => answer::RETURN,
            Err(error) => stop(Some(Why::Error(error))),
        }
    };
    // An error is dealt with inside, so that all that comes out of here where nothing is wrong is a number.
    match catch_unwind(AssertUnwindSafe(run)) {
        // SAFETY: the activation is the running one, whose owner waits for the guest, and `run` is over.
        Ok(answer::RETURN) if unsafe { (*activation).needs_attention() } => stop(None),
        Ok(answer) => answer,
        Err(payload) => stop(Some(Why::Panic(payload))),
    }
}

/// Why a host function does not return to its caller.
enum Why<E> {
    Error(E),
    Panic(Box<dyn Any + Send>),
}

impl<E: Ends> Why<E> {
    /// As the run knows it, in a store and where it cannot be suspended.
    fn pending(self, core: &StoreCore) -> Pending {
        match self {
            Why::Panic(payload) => Pending::Panic(payload),
            Why::Error(error) => error.pending(core),
        }
    }
}

/// What the stub of a host function is told that does not simply return, or was interrupted.
#[cold]
#[inline(never)]
fn answer_of<T, E: Ends>(
    why: Option<Why<E>>,
    func: &HostFunc<T>,
    values: *mut RawValue,
    caller: u64,
    activation: &mut Activation,
) -> u32 {
    // SAFETY: the activation is the running one, as it was when the host function was called, which is over;
    // nothing else refers to it now.
    if let Err(error) = unsafe { interrupt::runs::go_on_here(activation) } {
        activation.set_pending(Pending::Thread(error));
        return answer::EXIT;
    }
    // SAFETY: the activation's store lives while it runs, and the host function that had it to itself is
    // over.
    let core = unsafe { &*activation.core() };
    let why = match why {
        Some(Why::Error(error)) if activation.can_suspend() => match error.suspends() {
            Ok(value) => {
                let guest_fp = activation.guest_fp;
                let called = Called { guest_fp, caller, values, cells: func.cells, ty: func.ty.clone() };
                let suspension = Suspension {
                    store: core.id(),
                    stack: activation.stack(),
                    results: (std::ptr::null_mut(), 0),
                    at: Place::Host(called),
                };
                activation.set_pending(Pending::Suspend(value, suspension));
                return answer::SUSPEND;
            }
            Err(error) => Some(Why::Error(error)),
        },
        why => why,
    };
    let pending = match why {
        None => match interrupt::after_poke() {
            Next::GoOn => return answer::RETURN,
            Next::Yield => return answer::YIELD,
            Next::Stop(code) => Pending::Trap(code),
        },
        Some(why) => why.pending(core),
    };
    activation.set_pending(pending);
    if activation.throws() { answer::THROW } else { answer::EXIT }
}

/// Runs what is left of a host function of a store, and prepares the thread for the guest as after all of
/// one. Says why it does not return, if it does not: it may wait once more, as `again` says.
pub(super) fn finish<T, E: Ends>(
    store: &mut StoreInner<T>,
    again: impl FnOnce() -> Suspension,
    run: impl FnOnce(&mut StoreInner<T>) -> Result<(), E>,
) -> Option<Pending> {
    let activation = store.core().current;
    let ended = catch_unwind(AssertUnwindSafe(|| run(store)));
    // SAFETY: the activation is the running one of a call that is being resumed, whose owner waits for this;
    // `run` is over, and nothing else refers to it now.
    if let Err(error) = unsafe { interrupt::runs::go_on_here(activation) } {
        return Some(Pending::Thread(error));
    }
    let why = match ended {
        Ok(Ok(())) => return interrupt::due_after_poke().map(Pending::Trap),
        Ok(Err(error)) => match error.suspends() {
            Ok(value) => return Some(Pending::Suspend(value, again())),
            Err(error) => Why::Error(error),
        },
        Err(payload) => Why::Panic(payload),
    };
    Some(why.pending(store.core()))
}
