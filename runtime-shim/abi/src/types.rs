//! Wasm types as the artifact states them.

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
    /// Nullable reference to an exception.
    ExnRef = 8,
}

impl ValType {
    /// Whether it is a reference.
    pub const fn is_ref(self) -> bool {
        matches!(self, ValType::FuncRef | ValType::ExternRef | ValType::ExnRef)
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
            ValType::ExnRef => "exnref",
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
            8 => ValType::ExnRef,
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

record! {
    /// Size limits of a table (elements) or a memory (pages).
    #[derive(Copy, PartialEq, Eq)]
    pub struct Limits {
        /// Initial size.
        pub min: u64,
        /// The size it may grow to, if the module states one.
        pub max: Option<u64>,
    }
}

record! {
    /// A table's type.
    #[derive(Copy, PartialEq, Eq)]
    pub struct TableType {
        /// Type of its elements, a reference type.
        pub element: ValType,
        /// Size in elements.
        pub limits: Limits,
    }
}

record! {
    /// A memory's type.
    #[derive(Copy, PartialEq, Eq)]
    pub struct MemoryType {
        /// Size in pages.
        pub limits: Limits,
        /// Base-two logarithm of the page size: 16 unless the module states another.
        pub page_log2: u8,
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
