//! The bytes of a memory, borrowed from its store.
//!
//! **Invariant: guest memory is reached only through checked copies**; where the kernel is to access it
//! directly, the range is checked first and no reference to it exists.

use crate::api::address::Address;
use crate::state::error::MemoryError;
use crate::state::memory::MemoryBody;

/// The bytes of a [`Memory`](crate::Memory), borrowed from its store.
///
/// ```
/// use wasmaot_runtime::{Limits, Memory, MemoryError, MemoryType, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut store = Store::new(());
/// let memory = Memory::new(&mut store, MemoryType::new(Limits { min: 1, max: None }))?;
/// let data = memory.data(&store)?;
/// data.write_u32(65_532, 7)?;
/// assert_eq!(data.read_u32(65_532)?, 7);
/// assert!(matches!(data.read_u32(65_533), Err(MemoryError::OutOfBounds { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct MemoryData<'a> {
    body: &'a MemoryBody,
}

macro_rules! integers {
    ($($int:ident $read:ident $write:ident;)*) => {
        impl MemoryData<'_> {$(
            #[doc = concat!("Reads a little-endian `", stringify!($int), "`.")]
            ///
            /// # Errors
            /// It is not inside the memory, or cannot be read.
            pub fn $read(&self, address: impl Address) -> Result<$int, MemoryError> {
                let mut bytes = [0; size_of::<$int>()];
                self.read(address, &mut bytes)?;
                Ok($int::from_le_bytes(bytes))
            }

            #[doc = concat!("Writes a little-endian `", stringify!($int), "`.")]
            ///
            /// # Errors
            /// It is not inside the memory, or cannot be written.
            pub fn $write(&self, address: impl Address, value: $int) -> Result<(), MemoryError> {
                self.write(address, &value.to_le_bytes())
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

impl<'a> MemoryData<'a> {
    pub(crate) fn new(body: &'a MemoryBody) -> Self {
        Self { body }
    }

    /// Returns how many bytes there are.
    pub fn size(&self) -> u64 {
        self.body.size()
    }

    /// Copies out of the memory.
    ///
    /// # Errors
    /// The range is not inside the memory, or cannot be read.
    pub fn read(&self, address: impl Address, into: &mut [u8]) -> Result<(), MemoryError> {
        self.body.read(address.bytes(), into)
    }

    /// Copies into the memory.
    ///
    /// # Errors
    /// The range is not inside the memory, or cannot be written.
    pub fn write(&self, address: impl Address, bytes: &[u8]) -> Result<(), MemoryError> {
        self.body.write(address.bytes(), bytes)
    }

    /// Checks a range and returns its native address, to be handed to the kernel for it to write to.
    ///
    /// The pages behind it may go away if the artifact's file is truncated: the kernel then reports `EFAULT`,
    /// while Rust code that accesses them is killed. Use [`MemoryData::read`] and [`MemoryData::write`] for
    /// that. Pages that this was not called for may be write-protected. The address is valid as long as the
    /// instances that use the memory are, as a memory never moves.
    ///
    /// # Errors
    /// The range is not inside the memory, or the kernel refuses to make its pages writable.
    pub fn address(&self, address: impl Address, length: u64) -> Result<*mut u8, MemoryError> {
        self.body.writable_address(address.bytes(), length)
    }

    /// Checks a range and returns its native address, to be handed to the kernel for it to read, on the terms
    /// of
    /// [`MemoryData::address`]. Cheaper, but the kernel may find the range write-protected.
    ///
    /// # Errors
    /// The range is not inside the memory.
    pub fn read_address(&self, address: impl Address, length: u64) -> Result<*const u8, MemoryError> {
        Ok(self.body.address(address.bytes(), length)?)
    }

    /// Checks a range and hands its native address and length to `f`, on the terms of
    /// [`MemoryData::address`].
    ///
    /// # Errors
    /// As for that.
    pub fn with_slice<R>(
        &self,
        address: impl Address,
        length: u64,
        f: impl FnOnce(*mut u8, usize) -> R,
    ) -> Result<R, MemoryError> {
        Ok(f(self.address(address, length)?, length as usize))
    }
}
