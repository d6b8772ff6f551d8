//! Wasm types as the artifact states them.

use crate::slot;
use crate::wire::{Decode, DecodeError, Encode, Reader, Writer, record};
use alloc::vec::Vec;

/// A value type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ValType {
    /// 32-bit integer.
    I32 = 1,
    /// 64-bit integer.
    I64 = 2,
    /// 32-bit float.
    F32 = 3,
    /// 64-bit float.
    F64 = 4,
    /// 128-bit vector.
    V128 = 5,
    /// Nullable reference to a function.
    FuncRef = 6,
    /// Nullable reference to a host value.
    ExternRef = 7,
}

impl ValType {
    /// Whether it is a reference.
    pub const fn is_ref(self) -> bool {
        matches!(self, ValType::FuncRef | ValType::ExternRef)
    }

    /// Its name in the text format.
    pub const fn name(self) -> &'static str {
        match self {
            ValType::I32 => "i32",
            ValType::I64 => "i64",
            ValType::F32 => "f32",
            ValType::F64 => "f64",
            ValType::V128 => "v128",
            ValType::FuncRef => "funcref",
            ValType::ExternRef => "externref",
        }
    }
}

impl core::fmt::Display for ValType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

impl Encode for ValType {
    fn encode(&self, w: &mut Writer) {
        w.u8(*self as u8);
    }
}

impl Decode for ValType {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match r.u8()? {
            1 => ValType::I32,
            2 => ValType::I64,
            3 => ValType::F32,
            4 => ValType::F64,
            5 => ValType::V128,
            6 => ValType::FuncRef,
            7 => ValType::ExternRef,
            _ => return Err(r.invalid("value type")),
        })
    }
}

record! {
    /// A function type. The descriptor's list of types holds each one once.
    #[derive(PartialEq, Eq, Hash)]
    pub struct FuncType {
        /// Parameters.
        pub params: Vec<ValType>,
        /// Results.
        pub results: Vec<ValType>,
    }
}

impl core::fmt::Display for FuncType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let list = |f: &mut core::fmt::Formatter<'_>, types: &[ValType]| {
            f.write_str("(")?;
            for (i, ty) in types.iter().enumerate() {
                write!(f, "{}{ty}", if i == 0 { "" } else { ", " })?;
            }
            f.write_str(")")
        };
        list(f, &self.params)?;
        f.write_str(" -> ")?;
        list(f, &self.results)
    }
}

/// Size limits of a table (elements) or a memory (pages).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Initial size.
    pub min: u64,
    /// The size it may grow to, if the module states one.
    pub max: Option<u64>,
}

/// Type of the addresses of a memory, and of the indices of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndexType {
    /// 32 bits.
    #[default]
    I32,
    /// 64 bits.
    I64,
}

impl IndexType {
    /// As a type of values.
    pub const fn value(self) -> ValType {
        match self {
            IndexType::I32 => ValType::I32,
            IndexType::I64 => ValType::I64,
        }
    }
}

/// Limits with what the same byte tells about them: as in the binary format of Wasm, bit 0 is "has a maximum", bit 1 "shared" and bit 2
/// "64 bits wide".
struct FlaggedLimits {
    limits: Limits,
    index: IndexType,
    shared: bool,
}

const HAS_MAX: u8 = 1;
const SHARED: u8 = 2;
const WIDE: u8 = 4;

impl Encode for FlaggedLimits {
    fn encode(&self, w: &mut Writer) {
        self.limits.min.encode(w);
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        w.u8(flag(self.limits.max.is_some(), HAS_MAX)
            | flag(self.shared, SHARED)
            | flag(self.index == IndexType::I64, WIDE));
        if let Some(max) = self.limits.max {
            max.encode(w);
        }
    }
}

impl Decode for FlaggedLimits {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let min = u64::decode(r)?;
        let flags = r.u8()?;
        if flags & !(HAS_MAX | SHARED | WIDE) != 0 {
            return Err(r.invalid("flags of limits"));
        }
        let max = if flags & HAS_MAX != 0 { Some(u64::decode(r)?) } else { None };
        let index = if flags & WIDE != 0 { IndexType::I64 } else { IndexType::I32 };
        Ok(Self { limits: Limits { min, max }, index, shared: flags & SHARED != 0 })
    }
}

/// A table's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableType {
    /// Type of its elements, a reference type.
    pub element: ValType,
    /// Size in elements.
    pub limits: Limits,
    /// Type of its indices.
    pub index: IndexType,
}

impl TableType {
    /// A table with indices of 32 bits.
    pub const fn new(element: ValType, limits: Limits) -> Self {
        Self { element, limits, index: IndexType::I32 }
    }
}

impl Encode for TableType {
    fn encode(&self, w: &mut Writer) {
        self.element.encode(w);
        FlaggedLimits { limits: self.limits, index: self.index, shared: false }.encode(w);
    }
}

impl Decode for TableType {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let element = ValType::decode(r)?;
        let FlaggedLimits { limits, index, shared } = Decode::decode(r)?;
        if shared { Err(r.invalid("flags of a table")) } else { Ok(Self { element, limits, index }) }
    }
}

/// Base-two logarithm of the page size of memories that state no other.
pub const DEFAULT_PAGE_LOG2: u8 = 16;

/// A memory's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryType {
    /// Size in pages.
    pub limits: Limits,
    /// Base-two logarithm of the page size: 16 unless the module states another.
    pub page_log2: u8,
    /// Type of its addresses.
    pub index: IndexType,
    /// Whether several threads may use it at a time.
    pub shared: bool,
}

impl MemoryType {
    /// A memory with addresses of 32 bits and pages of 64 KiB, for one thread at a time.
    pub const fn new(limits: Limits) -> Self {
        Self { limits, page_log2: DEFAULT_PAGE_LOG2, index: IndexType::I32, shared: false }
    }

    /// Bytes of so many pages; the most that fit 64 bits if they do not.
    pub const fn bytes(&self, pages: u64) -> u64 {
        if pages > u64::MAX >> self.page_log2 { u64::MAX } else { pages << self.page_log2 }
    }

    /// The most bytes that an access can reach by its type: all that 32 bits address, or what it declares.
    pub const fn most_bytes(&self) -> u64 {
        let addressable = match self.index {
            IndexType::I32 => slot::ADDRESSABLE32,
            IndexType::I64 => u64::MAX,
        };
        match self.limits.max {
            Some(pages) if self.bytes(pages) < addressable => self.bytes(pages),
            _ => addressable,
        }
    }

    /// Whether it never has more bytes than 32 bits address, so that every memory of this type has the reservation of those.
    pub const fn is_small(&self) -> bool {
        self.most_bytes() <= slot::ADDRESSABLE32
    }

    /// Whether a slot has room for it behind the state, where memory 0 lies if it is defined and has such a type. Others have
    /// a reservation of their own.
    pub const fn fits_slot(&self) -> bool {
        self.is_small() && !self.shared
    }
}

impl Encode for MemoryType {
    fn encode(&self, w: &mut Writer) {
        FlaggedLimits { limits: self.limits, index: self.index, shared: self.shared }.encode(w);
        self.page_log2.encode(w);
    }
}

impl Decode for MemoryType {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let FlaggedLimits { limits, index, shared } = Decode::decode(r)?;
        Ok(Self { limits, page_log2: u8::decode(r)?, index, shared })
    }
}

record! {
    /// A global's type.
    #[derive(Copy, PartialEq, Eq)]
    pub struct GlobalType {
        /// Type of its value.
        pub value: ValType,
        /// Whether it can be set.
        pub mutable: bool,
    }
}
