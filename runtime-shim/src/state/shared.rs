//! Memories with addresses of their own, and those among them that several stores use at a time.
//!
//! A shared memory lies outside all slots and is counted: it lives as long as any store that uses
//! it, or any [`SharedMemory`]. **Invariants.** A memory never moves or shrinks, so that a length
//! that was read before another thread grew it is still right, only not the newest. It is grown by
//! one thread at a time. No thread holds a Rust reference to its bytes.

use super::memory::MemoryBody;
use crate::os::fork::Undivided;
use crate::os::map::Mapping;
use crate::space::pages::{Pages, Registered};
use crate::state::error::{MemoryError, ResourceError};
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use wasmaot_abi::slot::{
    ADDRESSABLE32, HOST_PAGE, MAX_MEMORY64, MEMORY_GUARD, MEMORY_RESERVATION, OFFSET_GUARD,
};
use wasmaot_abi::types::MemoryType;

/// The addresses of a memory outside of any slot.
#[derive(Debug)]
pub(crate) struct Reservation {
    _registered: Registered,
    pub(super) pages: Pages,
    pub(super) ty: MemoryType,
    /// Bytes, if no instance's state says so.
    pub(super) length: AtomicU64,
    growing: Mutex<()>,
}

impl Reservation {
    /// Bytes of addresses that compiled code relies on for a memory of this type that never has more than
    /// `limit` bytes. One that is compared with its length needs no more than that length and the largest
    /// offset.
    pub(crate) fn bytes(ty: MemoryType, limit: u64) -> u64 {
        if ty.is_small() {
            return MEMORY_RESERVATION + MEMORY_GUARD;
        }
        let most = ty.most_bytes().min(MAX_MEMORY64).min(limit);
        most.next_multiple_of(HOST_PAGE) + OFFSET_GUARD + MEMORY_GUARD
    }

    /// Bytes that the memory may have so that compiled code never leaves the addresses.
    pub(super) fn room(&self) -> u64 {
        match self.ty.is_small() {
            true => ADDRESSABLE32,
            false => self.pages.len() as u64 - OFFSET_GUARD - MEMORY_GUARD,
        }
    }

    /// Reserves the addresses. Nothing is accessible.
    pub(super) fn new(ty: MemoryType, limit: u64) -> io::Result<Self> {
        let mapping = Mapping::reserve(Self::bytes(ty, limit) as usize, HOST_PAGE as usize)?;
        let registered = Registered::memory(mapping);
        let (length, growing) = (AtomicU64::new(0), Mutex::new(()));
        Ok(Self { pages: registered.pages(), _registered: registered, ty, length, growing })
    }

    /// Keeps others from growing the memory.
    pub(super) fn growing(&self) -> Undivided<'_, ()> {
        Undivided::lock(&self.growing)
    }
}

/// A linear memory that instances of several stores, on several threads, may use at a time. Cloning
/// it gives another handle to the same memory, which lives as long as any of them, or a store that
/// it was given to.
///
/// Reads and writes of the host are plain copies: a host that needs more agrees with the other threads
/// on when to access what.
///
/// ```
/// use wasmaot_runtime::{Limits, MemoryType, SharedMemory};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ty = MemoryType { shared: true, ..MemoryType::new(Limits { min: 1, max: Some(4) }) };
/// let memory = SharedMemory::new(ty)?;
/// let other = memory.clone();
/// std::thread::spawn(move || other.write(8, b"from another thread")).join().expect("no panic")?;
/// let mut bytes = [0; 4];
/// memory.read(8, &mut bytes)?;
/// assert_eq!(&bytes, b"from");
/// assert_eq!(memory.grow(1)?, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct SharedMemory(pub(super) Arc<Reservation>);

impl SharedMemory {
    /// Makes a memory of zeros.
    pub(crate) fn make(ty: MemoryType) -> Result<Self, ResourceError> {
        let not_shared =
            || ResourceError::Map { what: "a shared memory", error: io::ErrorKind::InvalidInput.into() };
        MemoryBody::standalone(0, ty, u64::MAX)?.shared().ok_or_else(not_shared)
    }

    fn body(&self) -> MemoryBody {
        MemoryBody::of_shared(0, self.clone(), u64::MAX)
    }

    /// Returns its type, with the limits as declared.
    pub fn ty(&self) -> MemoryType {
        self.0.ty
    }

    /// Returns its size in pages.
    pub fn size(&self) -> u64 {
        self.data_size() >> self.0.ty.page_log2
    }

    /// Returns its size in bytes.
    pub fn data_size(&self) -> u64 {
        self.body().size()
    }

    /// Adds pages, and returns how many there were.
    ///
    /// # Errors
    /// [`MemoryError::Grow`], and nothing has changed.
    pub fn grow(&self, pages: u64) -> Result<u64, MemoryError> {
        self.body().grow(pages, |_| true).map_err(|_| MemoryError::Grow { pages })
    }

    /// Copies out of the memory.
    ///
    /// # Errors
    /// The range is not inside the memory.
    pub fn read(&self, address: u64, into: &mut [u8]) -> Result<(), MemoryError> {
        self.body().read(address, into)
    }

    /// Copies into the memory.
    ///
    /// # Errors
    /// The range is not inside the memory.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        self.body().write(address, bytes)
    }
}

const _: fn() = || {
    fn sendable<T: Send + Sync>() {}
    sendable::<SharedMemory>();
};
