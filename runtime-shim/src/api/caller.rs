//! What a host function sees: the store's data, and the memory and exports of the instance that called it.
//!
//! **Invariant: guest memory is reached only through checked copies**; where the kernel is to access it directly, the
//! range is checked first and no reference to it exists.

use crate::api::address::Address;
use crate::api::error::CallError;
use crate::api::instance::Instance;
use crate::api::store::sealed;
use crate::api::val::Val;
use crate::run::meter::NotMetered;
use crate::run::store::{StoreCore, StoreInner};
use crate::state::error::MemoryError;
use crate::state::instance::InstanceCore;
use crate::state::memory::MemoryBody;

/// The instance that called a host function, and its store.
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

    /// The embedder's data.
    pub fn data(&self) -> &T {
        &self.store.data
    }

    /// The embedder's data.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.store.data
    }

    /// The instance that called.
    pub fn instance(&self) -> Instance {
        Instance::new(self.core().id(), self.instance.index())
    }

    /// Whether the call is an asynchronous one, so that its caller waits for a future that the host function
    /// [suspends](crate::Suspend::until) it with. Calls that a host function makes are not.
    pub fn is_async(&self) -> bool {
        self.core().runs_async()
    }

    /// The operators that the store's instances have executed so far, if they count them.
    pub fn operators(&self) -> Option<u64> {
        self.core().operators()
    }

    /// Sets their remaining fuel, see [`ResourceLimits::fuel`](crate::ResourceLimits::fuel).
    ///
    /// # Errors
    /// They do not count what they execute.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), NotMetered> {
        self.store.core_mut().set_fuel(Some(fuel))
    }

    /// Calls an export of the instance that called.
    pub fn call(&mut self, name: &str, args: &[Val]) -> Result<Vec<Val>, CallError> {
        self.instance().call(self, name, args)
    }

    /// The memory that the instance exports as "memory", or else its first one.
    pub fn memory(&self) -> Option<CallerMemory<'_>> {
        Some(CallerMemory { body: self.instance.default_memory()? })
    }

    /// The memory together with the embedder's data.
    pub fn memory_and_data(&mut self) -> (Option<CallerMemory<'_>>, &mut T) {
        let memory = self.instance.default_memory().map(|body| CallerMemory { body });
        (memory, &mut self.store.data)
    }

    fn some_memory(&self, address: impl Address, length: usize) -> Result<CallerMemory<'_>, MemoryError> {
        let (address, length) = (address.bytes(), length as u64);
        self.memory().ok_or(MemoryError::OutOfBounds { address, length, size: 0 })
    }

    /// Copies out of the memory.
    pub fn read(&self, address: impl Address, into: &mut [u8]) -> Result<(), MemoryError> {
        self.some_memory(address, into.len())?.read(address, into)
    }

    /// Copies into the memory.
    pub fn write(&mut self, address: impl Address, bytes: &[u8]) -> Result<(), MemoryError> {
        self.some_memory(address, bytes.len())?.write(address, bytes)
    }

    /// Bytes of the memory, 0 if there is none.
    pub fn memory_size(&self) -> u64 {
        self.memory().map_or(0, |memory| memory.size())
    }
}

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

/// A memory of the instance that called a host function.
#[derive(Debug, Clone, Copy)]
pub struct CallerMemory<'a> {
    body: &'a MemoryBody,
}

macro_rules! integers {
    ($($int:ident $read:ident $write:ident;)*) => {
        impl CallerMemory<'_> {$(
            #[doc = concat!("Reads a little-endian `", stringify!($int), "`.")]
            pub fn $read(&self, address: impl Address) -> Result<$int, MemoryError> {
                let mut bytes = [0; size_of::<$int>()];
                self.read(address, &mut bytes)?;
                Ok($int::from_le_bytes(bytes))
            }

            #[doc = concat!("Writes a little-endian `", stringify!($int), "`.")]
            pub fn $write(&self, address: impl Address, value: $int) -> Result<(), MemoryError> {
                self.write(address, &value.to_le_bytes())
            }
        )*}

        impl<T> Caller<'_, T> {$(
            #[doc = concat!("Reads a little-endian `", stringify!($int), "` from the memory.")]
            pub fn $read(&self, address: impl Address) -> Result<$int, MemoryError> {
                self.some_memory(address, size_of::<$int>())?.$read(address)
            }

            #[doc = concat!("Writes a little-endian `", stringify!($int), "` to the memory.")]
            pub fn $write(&mut self, address: impl Address, value: $int) -> Result<(), MemoryError> {
                self.some_memory(address, size_of::<$int>())?.$write(address, value)
            }
        )*}
    };
}

integers! {
    u8 read_u8 write_u8;
    u16 read_u16 write_u16;
    u32 read_u32 write_u32;
    u64 read_u64 write_u64;
}

impl<'a> CallerMemory<'a> {
    /// Its bytes.
    pub fn size(&self) -> u64 {
        self.body.size()
    }

    /// Copies out of the memory.
    pub fn read(&self, address: impl Address, into: &mut [u8]) -> Result<(), MemoryError> {
        self.body.read(address.bytes(), into)
    }

    /// Copies into the memory.
    pub fn write(&self, address: impl Address, bytes: &[u8]) -> Result<(), MemoryError> {
        self.body.write(address.bytes(), bytes)
    }

    /// Checks a range and gives its native address, to be handed to the kernel for it to write to.
    ///
    /// The pages behind it may go away if the artifact's file is truncated: the kernel then reports `EFAULT`, while Rust code that
    /// accesses them is killed. Use [`CallerMemory::read`] and [`CallerMemory::write`] for that.
    ///
    /// # Errors
    /// The range is not inside the memory, or the kernel refuses to make its pages writable.
    pub fn address(&self, address: impl Address, length: u64) -> Result<*mut u8, MemoryError> {
        self.body.writable_address(address.bytes(), length)
    }

    /// Checks a range and gives its native address, to be handed to the kernel for it to read, on the terms of
    /// [`CallerMemory::address`]. Cheaper, but the kernel may find the range write-protected.
    pub fn read_address(&self, address: impl Address, length: u64) -> Result<*const u8, MemoryError> {
        Ok(self.body.address(address.bytes(), length)?)
    }

    /// Checks a range and hands its native address and length to `f`, on the terms of [`CallerMemory::address`].
    pub fn with_slice<R>(
        &self,
        address: impl Address,
        length: u64,
        f: impl FnOnce(*mut u8, usize) -> R,
    ) -> Result<R, MemoryError> {
        Ok(f(self.address(address, length)?, length as usize))
    }
}
