//! Making shared memories.
//!
//! **Invariant: a memory that is made here is shared** between all of its users.

use crate::api::error::CreateError;
use crate::state::shared::SharedMemory;
use wasmaot_abi::slot::ADDRESSABLE32;
use wasmaot_abi::types::{Limits, MemoryType};

impl SharedMemory {
    /// Makes a memory of zeros, which is shared, whatever its type says. Without a maximum it is 4 GiB.
    ///
    /// # Errors
    /// Its initial size is too large, there are no pages of its size, or the kernel has no addresses for it.
    pub fn new(ty: MemoryType) -> Result<Self, CreateError> {
        let max = ty.limits.max.unwrap_or(ADDRESSABLE32 >> ty.page_log2.min(16));
        let limits = Limits { max: Some(max), ..ty.limits };
        Ok(Self::make(MemoryType { limits, shared: true, ..ty })?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Memory, Store};
    use wasmaot_abi::types::IndexType;

    #[test]
    fn pages_of_other_sizes_are_refused() {
        let limits = Limits { min: 1, max: Some(1) };
        for page_log2 in [1, 12, 63, 64, u8::MAX] {
            for index in [IndexType::I32, IndexType::I64] {
                let ty = MemoryType { page_log2, index, ..MemoryType::new(limits) };
                let shared = SharedMemory::new(ty);
                assert!(matches!(shared, Err(CreateError::Map { .. })), "{ty:?}");
                let own = Memory::new(&mut Store::new(()), ty);
                assert!(matches!(own, Err(CreateError::Map { .. })), "{ty:?}");
            }
        }
        for page_log2 in [0, 16] {
            assert!(
                Memory::new(&mut Store::new(()), MemoryType { page_log2, ..MemoryType::new(limits) }).is_ok()
            );
        }
    }
}
