//! The cell in which a value passes between host and compiled code, and in which a global lies.
//!
//! **Invariant: the layout is that of [`wasmaot_abi::entry`].** A cell does not know its type.

/// A cell of a value array or a global, see [`wasmaot_abi::entry`].
#[repr(C, align(16))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RawValue {
    /// Everything but vectors is here.
    pub(crate) low: u64,
    /// The upper half of a vector.
    pub(crate) high: u64,
}

const _: () = assert!(size_of::<RawValue>() == wasmaot_abi::entry::VALUE as usize);
const _: () = assert!(size_of::<RawValue>() == wasmaot_abi::state::GLOBAL_CELL as usize);

impl RawValue {
    /// A cell with these low bits.
    pub(crate) const fn new(low: u64) -> Self {
        Self { low, high: 0 }
    }

    /// The cell of a vector.
    pub(crate) const fn vector(bits: u128) -> Self {
        Self { low: bits as u64, high: (bits >> 64) as u64 }
    }

    /// The vector in the cell.
    pub(crate) const fn to_vector(self) -> u128 {
        self.low as u128 | (self.high as u128) << 64
    }
}
