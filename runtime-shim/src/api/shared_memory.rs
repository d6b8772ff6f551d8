//! Making shared memories.
//!
//! **Invariant: a memory that is made here is shared**, whoever uses it.

use crate::api::error::InstantiateError;
use crate::state::shared::SharedMemory;
use wasmaot_abi::slot::ADDRESSABLE32;
use wasmaot_abi::types::{Limits, MemoryType};

impl SharedMemory {
    /// Makes a memory of zeros, with addresses of 32 bits and pages of 64 KiB. Without a maximum it
    /// is 4 GiB.
    pub fn new(limits: Limits) -> Result<Self, InstantiateError> {
        let plain = MemoryType { shared: true, ..MemoryType::new(limits) };
        let max = limits.max.unwrap_or(ADDRESSABLE32 >> plain.page_log2);
        Self::of_type(MemoryType { limits: Limits { max: Some(max), ..limits }, ..plain })
    }

    /// Makes a memory of zeros of a type that an import asks for.
    pub fn of_type(ty: MemoryType) -> Result<Self, InstantiateError> {
        Ok(Self::make(ty)?)
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
                let shared = SharedMemory::of_type(MemoryType { shared: true, ..ty });
                assert!(matches!(shared, Err(InstantiateError::Map { .. })), "{ty:?}");
                let own = Memory::of_type(&mut Store::new(()), ty);
                assert!(matches!(own, Err(InstantiateError::Map { .. })), "{ty:?}");
            }
        }
        for page_log2 in [0, 16] {
            assert!(
                Memory::of_type(&mut Store::new(()), MemoryType { page_log2, ..MemoryType::new(limits) })
                    .is_ok()
            );
        }
    }
}
