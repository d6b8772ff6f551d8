//! Waiting at an address of a memory, and waking those who do.
//!
//! **Invariant: the range is aligned and inside the memory before anything else is looked at.**

use crate::os::clock;
use crate::run::interrupt;
use crate::run::park::{self, Outcome};
use crate::state::instance::InstanceCore;
use crate::state::memory::MemoryBody;
use wasmaot_abi::trap::TrapCode;

/// What an atomic operator accesses.
pub(crate) struct Atomic {
    /// Memory index.
    pub(crate) memory: u32,
    /// Its operand.
    pub(crate) address: u64,
    /// Its static offset.
    pub(crate) offset: u64,
    /// Size.
    pub(crate) bytes: u64,
}

impl InstanceCore {
    fn atomic_address(&self, place: &Atomic) -> Result<(&MemoryBody, *mut u8), TrapCode> {
        let memory = &**self.memory(place.memory);
        if !place.address.wrapping_add(place.offset).is_multiple_of(place.bytes) {
            return Err(TrapCode::UnalignedAtomic);
        }
        let address = place.address.checked_add(place.offset).ok_or(TrapCode::MemoryOutOfBounds)?;
        let native = memory.address(address, place.bytes).map_err(|_| TrapCode::MemoryOutOfBounds)?;
        Ok((memory, native))
    }

    /// `memory.atomic.wait32` and `memory.atomic.wait64`.
    pub(crate) fn wait(&self, place: &Atomic, expected: u64, timeout: i64) -> Result<Outcome, TrapCode> {
        let (memory, address) = self.atomic_address(place)?;
        if !memory.ty().shared {
            return Err(TrapCode::ExpectedSharedMemory);
        }
        let is_expected = || {
            let mut found = [0; 8];
            // It is aligned, so that it is copied by one load.
            let read = memory.read(place.address + place.offset, &mut found[..place.bytes as usize]);
            read.map_err(|_| TrapCode::ArtifactChanged)?;
            Ok(u64::from_le_bytes(found) == expected)
        };
        let until = u64::try_from(timeout).ok().map(|nanos| clock::now().saturating_add(nanos));
        park::wait(address as usize, is_expected, until, interrupt::due_after_poke)
    }

    /// `memory.atomic.notify`. No thread waits at a memory that is not shared.
    pub(crate) fn notify(&self, place: &Atomic, count: u32) -> Result<u32, TrapCode> {
        let (memory, address) = self.atomic_address(place)?;
        Ok(if memory.ty().shared { park::notify(address as usize, count) } else { 0 })
    }
}
