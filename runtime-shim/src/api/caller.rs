//! What a host function sees: the store's data, and the memory and exports of the instance that called it.
//!
//! **Invariant: the instance is one of the store.**

use crate::api::instance::{Instance, at_an_instance};
use crate::api::memory_data::MemoryData;
use crate::api::store::{is_a_store, sealed};
use crate::run::store::{StoreCore, StoreInner};
use crate::state::instance::InstanceCore;

/// The instance that called a host function, and its store.
///
/// ```
/// use wasmaot_runtime::{Caller, HostError, Linker};
///
/// # fn main() -> Result<(), wasmaot_runtime::LinkError> {
/// let mut linker = Linker::<Vec<String>>::new();
/// linker.func_wrap(
///     "host",
///     "log",
///     |caller: &mut Caller<'_, Vec<String>>, address: u32, length: u32| -> Result<(), HostError> {
///         let mut text = vec![0; length as usize];
///         caller.read(address, &mut text)?;
///         caller.data_mut().push(String::from_utf8_lossy(&text).into_owned());
///         Ok(())
///     },
/// )?;
/// # Ok(())
/// # }
/// ```
pub struct Caller<'a, T> {
    store: &'a mut StoreInner<T>,
    instance: &'a InstanceCore,
}

impl<'a, T> Caller<'a, T> {
    #[inline]
    pub(crate) fn new(store: &'a mut StoreInner<T>, instance: &'a InstanceCore) -> Self {
        Self { store, instance }
    }

    pub(crate) fn core(&self) -> &StoreCore {
        self.store.core()
    }

    /// Returns the instance that called.
    pub fn instance(&self) -> Instance {
        Instance::new(self.core().id(), self.instance.index())
    }

    /// Returns whether the call is an asynchronous one, so that its caller waits for a future that the host
    /// function
    /// [suspends](crate::Suspend::until) it with. Calls that a host function makes are not.
    pub fn is_async(&self) -> bool {
        self.core().runs_async()
    }

    /// Returns the memory that [`Caller::memory`] names, if there is one, together with the embedder's data.
    pub fn memory_and_data(&mut self) -> (Option<MemoryData<'_>>, &mut T) {
        (self.instance.default_memory().map(MemoryData::new), &mut self.store.data)
    }

    /// Returns a memory by its index in the module, if there is one, together with the embedder's data.
    pub fn memory_at_and_data(&mut self, index: u32) -> (Option<MemoryData<'_>>, &mut T) {
        (self.instance.memory_at(index).map(MemoryData::new), &mut self.store.data)
    }

    /// Returns two memories by their indices in the module, if there are such.
    pub fn memories_at(&self, indices: [u32; 2]) -> [Option<MemoryData<'_>>; 2] {
        indices.map(|index| self.instance.memory_at(index).map(MemoryData::new))
    }
}

at_an_instance! { impl<'a, T> Caller<'a, T> }
is_a_store! { impl<'a, T> Caller<'a, T> }

impl<T> sealed::Access for Caller<'_, T> {
    type Data = T;

    #[inline]
    fn store(&self) -> &StoreInner<T> {
        self.store
    }

    #[inline]
    fn store_mut(&mut self) -> &mut StoreInner<T> {
        self.store
    }
}
