//! Wasm types as the artifact states them.

use crate::slot;
use crate::wire::{Decode, DecodeError, Encode, Reader, Writer, record};
use alloc::vec::Vec;

/// What a reference refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HeapType {
    /// A function of any type.
    Func,
    /// A host value, `extern`.
    Extern,
    /// An exception of any tag, `exn`.
    Exn,
    /// No exception: only null is such a reference.
    NoExn,
    /// A function of the type with this number: in an artifact an index in its list of types, in a runtime
    /// that opened it the process-wide number. Equal numbers are equal types.
    Concrete(u32),
}

/// A WebAssembly reference type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefType {
    /// Whether null is among its values.
    pub nullable: bool,
    /// What it refers to.
    pub heap: HeapType,
}

/// A WebAssembly value type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ValType {
    /// `i32`, a 32-bit integer.
    I32,
    /// `i64`, a 64-bit integer.
    I64,
    /// `f32`, a 32-bit float.
    F32,
    /// `f64`, a 64-bit float.
    F64,
    /// `v128`, a 128-bit vector.
    V128,
    /// A reference of this type.
    Ref(RefType),
}

impl HeapType {
    /// Whether references to it are references to functions.
    pub const fn is_func(self) -> bool {
        matches!(self, HeapType::Func | HeapType::Concrete(_))
    }

    /// Whether everything that is of this type is of the other one.
    pub fn is_subtype_of(self, other: HeapType) -> bool {
        self == other
            || (self.is_func() && other == HeapType::Func)
            || (self == HeapType::NoExn && other == HeapType::Exn)
    }

    /// Whether references to it are references to exceptions.
    pub const fn is_exn(self) -> bool {
        matches!(self, HeapType::Exn | HeapType::NoExn)
    }
}

impl RefType {
    /// The reference type `funcref`.
    pub const FUNCREF: RefType = RefType { nullable: true, heap: HeapType::Func };
    /// The reference type `externref`.
    pub const EXTERNREF: RefType = RefType { nullable: true, heap: HeapType::Extern };

    /// The reference type `exnref`.
    pub const EXNREF: RefType = RefType { nullable: true, heap: HeapType::Exn };

    /// Whether every reference of this type is of the other one.
    pub fn is_subtype_of(self, other: RefType) -> bool {
        (other.nullable || !self.nullable) && self.heap.is_subtype_of(other.heap)
    }
}

impl ValType {
    /// Nullable reference to a function.
    pub const FUNCREF: ValType = ValType::Ref(RefType::FUNCREF);
    /// Nullable reference to a host value.
    pub const EXTERNREF: ValType = ValType::Ref(RefType::EXTERNREF);

    /// Nullable reference to an exception.
    pub const EXNREF: ValType = ValType::Ref(RefType::EXNREF);

    /// Whether it is a reference.
    pub const fn is_ref(self) -> bool {
        matches!(self, ValType::Ref(_))
    }

    /// Whether it is a number, and neither a vector nor a reference.
    pub const fn is_number(self) -> bool {
        !matches!(self, ValType::V128 | ValType::Ref(_))
    }

    /// Whether it is a reference to a function, of whatever type.
    pub const fn is_func_ref(self) -> bool {
        matches!(self, ValType::Ref(RefType { heap, .. }) if heap.is_func())
    }

    /// Whether it is a reference to an exception.
    pub const fn is_exn_ref(self) -> bool {
        matches!(self, ValType::Ref(RefType { heap, .. }) if heap.is_exn())
    }

    /// Whether a place of this type needs no initial value: it is zero or null.
    pub const fn has_default(self) -> bool {
        !matches!(self, ValType::Ref(RefType { nullable: false, .. }))
    }

    /// Whether every value of this type is of the other one.
    pub fn is_subtype_of(self, other: ValType) -> bool {
        match (self, other) {
            (ValType::Ref(this), ValType::Ref(other)) => this.is_subtype_of(other),
            _ => self == other,
        }
    }

    /// The type with each number of a concrete type replaced by what `number` gives for it.
    #[must_use]
    pub fn renumber(self, number: impl FnOnce(u32) -> u32) -> Self {
        match self {
            ValType::Ref(RefType { nullable, heap: HeapType::Concrete(old) }) => {
                ValType::Ref(RefType { nullable, heap: HeapType::Concrete(number(old)) })
            }
            other => other,
        }
    }
}

impl core::fmt::Display for HeapType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            HeapType::Func => f.write_str("func"),
            HeapType::Extern => f.write_str("extern"),
            HeapType::Exn => f.write_str("exn"),
            HeapType::NoExn => f.write_str("noexn"),
            HeapType::Concrete(number) => write!(f, "{number}"),
        }
    }
}

impl core::fmt::Display for RefType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            RefType { nullable: true, heap: HeapType::Concrete(number) } => write!(f, "(ref null {number})"),
            RefType { nullable: true, heap: HeapType::NoExn } => f.write_str("nullexnref"),
            RefType { nullable: true, heap } => write!(f, "{heap}ref"),
            RefType { nullable: false, heap } => write!(f, "(ref {heap})"),
        }
    }
}

impl core::fmt::Display for ValType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ValType::I32 => f.write_str("i32"),
            ValType::I64 => f.write_str("i64"),
            ValType::F32 => f.write_str("f32"),
            ValType::F64 => f.write_str("f64"),
            ValType::V128 => f.write_str("v128"),
            ValType::Ref(ty) => write!(f, "{ty}"),
        }
    }
}

/// The byte that begins each value type in an artifact. The two references of Wasm 2.0 have one of their own.
mod tag {
    pub(super) const I32: u8 = 1;
    pub(super) const I64: u8 = 2;
    pub(super) const F32: u8 = 3;
    pub(super) const F64: u8 = 4;
    pub(super) const V128: u8 = 5;
    pub(super) const FUNCREF: u8 = 6;
    pub(super) const EXTERNREF: u8 = 7;
    pub(super) const REF_NULL: u8 = 8;
    pub(super) const REF: u8 = 9;
}

/// The byte that begins each heap type, after [`tag::REF_NULL`] and [`tag::REF`].
mod heap_tag {
    pub(super) const FUNC: u8 = 1;
    pub(super) const EXTERN: u8 = 2;
    /// The number follows.
    pub(super) const CONCRETE: u8 = 3;
    pub(super) const EXN: u8 = 4;
    pub(super) const NOEXN: u8 = 5;
}

impl Encode for ValType {
    fn encode(&self, w: &mut Writer) {
        let ty = match *self {
            ValType::I32 => return w.u8(tag::I32),
            ValType::I64 => return w.u8(tag::I64),
            ValType::F32 => return w.u8(tag::F32),
            ValType::F64 => return w.u8(tag::F64),
            ValType::V128 => return w.u8(tag::V128),
            ValType::FUNCREF => return w.u8(tag::FUNCREF),
            ValType::EXTERNREF => return w.u8(tag::EXTERNREF),
            ValType::Ref(ty) => ty,
        };
        w.u8(if ty.nullable { tag::REF_NULL } else { tag::REF });
        match ty.heap {
            HeapType::Func => w.u8(heap_tag::FUNC),
            HeapType::Extern => w.u8(heap_tag::EXTERN),
            HeapType::Exn => w.u8(heap_tag::EXN),
            HeapType::NoExn => w.u8(heap_tag::NOEXN),
            HeapType::Concrete(number) => {
                w.u8(heap_tag::CONCRETE);
                number.encode(w);
            }
        }
    }
}

impl Decode for ValType {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let nullable = match r.u8()? {
            tag::I32 => return Ok(ValType::I32),
            tag::I64 => return Ok(ValType::I64),
            tag::F32 => return Ok(ValType::F32),
            tag::F64 => return Ok(ValType::F64),
            tag::V128 => return Ok(ValType::V128),
            tag::FUNCREF => return Ok(ValType::FUNCREF),
            tag::EXTERNREF => return Ok(ValType::EXTERNREF),
            tag::REF_NULL => true,
            tag::REF => false,
            _ => return Err(r.invalid("value type")),
        };
        let heap = match r.u8()? {
            heap_tag::FUNC => HeapType::Func,
            heap_tag::EXTERN => HeapType::Extern,
            heap_tag::EXN => HeapType::Exn,
            heap_tag::NOEXN => HeapType::NoExn,
            heap_tag::CONCRETE => HeapType::Concrete(u32::decode(r)?),
            _ => return Err(r.invalid("heap type")),
        };
        Ok(ValType::Ref(RefType { nullable, heap }))
    }
}

record! {
    /// The type of a function. The descriptor's list of types holds each one once.
    #[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub struct FuncType {
        /// Types of the parameters.
        pub params: Vec<ValType>,
        /// Types of the results.
        pub results: Vec<ValType>,
    }
}

impl FuncType {
    /// The type with each number of a concrete type replaced by what `number` gives for it.
    #[must_use]
    pub fn renumber(&self, number: impl Fn(u32) -> u32) -> Self {
        let list = |types: &[ValType]| types.iter().map(|ty| ty.renumber(&number)).collect();
        Self { params: list(&self.params), results: list(&self.results) }
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
    /// Initial size, in elements or pages.
    pub min: u64,
    /// The size it may grow to, if the module states one.
    pub max: Option<u64>,
}

/// Type of the addresses of a memory, and of the indices of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndexType {
    /// 32-bit addresses or indices.
    #[default]
    I32,
    /// 64-bit addresses or indices.
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

/// Limits with what the same byte tells about them: as in the binary format of Wasm, bit 0 is "has a
/// maximum", bit 1 "shared" and bit 2 "64 bits wide".
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

/// The type of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableType {
    /// Type of its elements, a reference type.
    pub element: ValType,
    /// Size limits in elements.
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

/// The type of a memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryType {
    /// Size limits in pages.
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

    /// Size of a number of pages in bytes; the most that fit 64 bits if they do not.
    pub const fn bytes(&self, pages: u64) -> u64 {
        match pages {
            0 => 0,
            _ if self.page_log2 as u32 >= u64::BITS || pages > u64::MAX >> self.page_log2 => u64::MAX,
            _ => pages << self.page_log2,
        }
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

    /// Whether it never has more bytes than 32 bits address, so that every memory of this type has the
    /// reservation of those.
    pub const fn is_small(&self) -> bool {
        self.most_bytes() <= slot::ADDRESSABLE32
    }

    /// Whether a slot has room for it behind the state, where memory 0 lies if it is defined and has such a
    /// type. Others have a reservation of their own.
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
    /// The type of a global.
    #[derive(Copy, PartialEq, Eq)]
    pub struct GlobalType {
        /// Type of the global's value.
        pub value: ValType,
        /// Whether it can be set.
        pub mutable: bool,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAPS: [HeapType; 6] = [
        HeapType::Func,
        HeapType::Extern,
        HeapType::Exn,
        HeapType::NoExn,
        HeapType::Concrete(0),
        HeapType::Concrete(u32::MAX),
    ];

    fn references() -> impl Iterator<Item = RefType> {
        HEAPS.into_iter().flat_map(|heap| [true, false].map(|nullable| RefType { nullable, heap }))
    }

    #[test]
    fn bytes_of_pages_of_any_size_are_at_most_what_fits() {
        for page_log2 in [0, 16, 63, 64, u8::MAX] {
            let ty = MemoryType { page_log2, ..MemoryType::new(Limits { min: 0, max: Some(1 << 40) }) };
            assert_eq!(ty.bytes(0), 0);
            assert_eq!(ty.bytes(u64::MAX), u64::MAX);
            assert_eq!(ty.bytes(1), 1u64.checked_shl(page_log2.into()).unwrap_or(u64::MAX));
            assert!(ty.most_bytes() <= slot::ADDRESSABLE32);
        }
    }

    #[test]
    fn each_type_survives_its_encoding() {
        let plain = [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128];
        for ty in plain.into_iter().chain(references().map(ValType::Ref)) {
            let mut w = Writer::default();
            ty.encode(&mut w);
            let bytes = w.into_bytes();
            let mut r = Reader::new(&bytes);
            assert_eq!(ValType::decode(&mut r), Ok(ty));
            assert!(r.is_empty(), "{ty}");
            assert!((0..bytes.len()).all(|end| ValType::decode(&mut Reader::new(&bytes[..end])).is_err()));
        }
        for bytes in [&[0][..], &[10], &[8, 0], &[9, 6]] {
            assert!(ValType::decode(&mut Reader::new(bytes)).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn subtypes() {
        for a in references() {
            for b in references() {
                let heap = a.heap == b.heap
                    || matches!(
                        (a.heap, b.heap),
                        (HeapType::Concrete(_), HeapType::Func) | (HeapType::NoExn, HeapType::Exn)
                    );
                assert_eq!(a.is_subtype_of(b), heap && (b.nullable || !a.nullable), "{a} and {b}");
            }
        }
        assert!(ValType::I32.is_subtype_of(ValType::I32) && !ValType::I32.is_subtype_of(ValType::I64));
        assert!(!ValType::I32.is_subtype_of(ValType::FUNCREF));
    }
}
