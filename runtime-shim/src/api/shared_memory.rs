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
