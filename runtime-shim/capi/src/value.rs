//! Values and types as C sees them.
//!
//! **Invariants.** A value's union is read as its type says, and all of it is defined. C sees three types of
//! references, to functions, external values and exceptions: what they refer to in particular, and whether
//! they may be null, is not told apart.

use crate::boundary::{Result, slice, usage};
use crate::references::{References, wasmaot_exnref_t, wasmaot_funcref_t};
use wasmaot_runtime::{FuncType, HeapType, Val, ValType};

/// A value: a type, and the union that it says how to read.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wasmaot_value_t {
    /// Type of the value, a `wasmaot_type_t`.
    pub ty: u8,
    /// Payload, read according to `ty`.
    pub of: Payload,
}

/// The union in a [`wasmaot_value_t`].
#[derive(Clone, Copy)]
#[repr(C)]
pub union Payload {
    /// An `i32`, the bits of an `f32`, or the number of an external reference.
    word: u32,
    /// An `i64`, or the bits of an `f64`.
    long: u64,
    /// The bytes of a `v128`.
    bytes: [u8; 16],
    /// A function, or null.
    funcref: wasmaot_funcref_t,
    /// An exception, or null.
    exnref: wasmaot_exnref_t,
}

/// Defines `wasmaot_functype_t` of `wasmaot.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wasmaot_functype_t {
    pub params: *const u8,
    pub params_count: usize,
    pub results: *const u8,
    pub results_count: usize,
}

// SAFETY: the lists are only read, and live as long as what the type was taken from.
unsafe impl Send for wasmaot_functype_t {}
// SAFETY: threads that share it only read the lists, which live as long as what the type was taken from.
unsafe impl Sync for wasmaot_functype_t {}

/// Types of values, by the ends of their names in the header.
#[expect(missing_docs, reason = "as in the header")]
pub mod kind {
    pub const I32: u8 = 1;
    pub const I64: u8 = 2;
    pub const F32: u8 = 3;
    pub const F64: u8 = 4;
    pub const V128: u8 = 5;
    pub const FUNCREF: u8 = 6;
    pub const EXTERNREF: u8 = 7;
    pub const EXNREF: u8 = 8;
}

/// `WASMAOT_NULL_EXTERNREF` of the header.
pub const NULL: u32 = u32::MAX;

/// The type with a number, if values of it can pass between C and a guest.
pub(crate) fn passable(number: u8) -> Result<ValType> {
    Ok(match number {
        kind::I32 => ValType::I32,
        kind::I64 => ValType::I64,
        kind::F32 => ValType::F32,
        kind::F64 => ValType::F64,
        kind::V128 => ValType::V128,
        kind::EXTERNREF => ValType::EXTERNREF,
        kind::FUNCREF => ValType::FUNCREF,
        kind::EXNREF => ValType::EXNREF,
        _ => return Err(usage(format!("{number} is no type of a value"))),
    })
}

/// The number of a type.
pub(crate) fn number(ty: ValType) -> u8 {
    match ty {
        ValType::I32 => kind::I32,
        ValType::I64 => kind::I64,
        ValType::F32 => kind::F32,
        ValType::F64 => kind::F64,
        ValType::V128 => kind::V128,
        ValType::Ref(ty) => match ty.heap {
            HeapType::Func | HeapType::Concrete(_) => kind::FUNCREF,
            HeapType::Extern => kind::EXTERNREF,
            HeapType::Exn | HeapType::NoExn => kind::EXNREF,
        },
    }
}

fn types(numbers: &[u8]) -> Result<Vec<ValType>> {
    numbers.iter().map(|&number| passable(number)).collect()
}

impl wasmaot_functype_t {
    /// A type, whose lists of numbers are lent to C for as long as what `keep` was given is kept.
    pub(crate) fn lend(ty: &FuncType, mut keep: impl FnMut(Box<[u8]>)) -> Self {
        let mut list = |types: &[ValType]| {
            let numbers: Box<[u8]> = types.iter().copied().map(number).collect();
            let start = numbers.as_ptr();
            keep(numbers);
            start
        };
        Self {
            params: list(&ty.params),
            params_count: ty.params.len(),
            results: list(&ty.results),
            results_count: ty.results.len(),
        }
    }

    /// A type that C states.
    ///
    /// # Safety
    /// The lists are as the header states.
    pub(crate) unsafe fn read(&self) -> Result<FuncType> {
        // SAFETY: the lists have as many elements as is said beside them, or are null and empty, as C or the
        // runtime made them.
        let (params, results) = unsafe {
            (
                slice(self.params, self.params_count, "params")?,
                slice(self.results, self.results_count, "results")?,
            )
        };
        Ok(FuncType { params: types(params)?, results: types(results)? })
    }
}

impl wasmaot_value_t {
    /// What fills places that are not used.
    pub(crate) const ZERO: Self = Self { ty: kind::I32, of: Payload { bytes: [0; 16] } };

    /// The value in Rust's form, for an instance of which C has these references.
    pub(crate) fn to_val(self, references: &References) -> Result<Val> {
        let ty = passable(self.ty)?;
        // SAFETY: the first bytes of the union are defined, as many as the type has.
        unsafe {
            Ok(match ty {
                ValType::I32 => Val::I32(self.of.word as i32),
                ValType::F32 => Val::F32(self.of.word),
                ValType::I64 => Val::I64(self.of.long as i64),
                ValType::F64 => Val::F64(self.of.long),
                ValType::V128 => Val::V128(u128::from_le_bytes(self.of.bytes)),
                ValType::FUNCREF => Val::FuncRef(references.find(self.of.funcref)?),
                ValType::EXNREF => Val::ExnRef(references.find_exception(self.of.exnref)?),
                _ => Val::ExternRef((self.of.word != NULL).then_some(self.of.word)),
            })
        }
    }

    /// The value in C's form, which gets references of an instance.
    pub(crate) fn from_val(value: Val, references: &mut References) -> Self {
        // All have the same end: the lowest bytes come first.
        let bits = match value {
            Val::I32(value) => u128::from(value as u32),
            Val::I64(value) => u128::from(value as u64),
            Val::F32(bits) => u128::from(bits),
            Val::F64(bits) => u128::from(bits),
            Val::V128(bits) => bits,
            Val::ExternRef(number) => u128::from(number.unwrap_or(NULL)),
            Val::FuncRef(func) => {
                return Self { ty: kind::FUNCREF, of: Payload { funcref: references.give(func) } };
            }
            Val::ExnRef(exception) => {
                let exnref = references.give_exception(exception);
                return Self { ty: kind::EXNREF, of: Payload { exnref } };
            }
        };
        Self { ty: number(value.ty()), of: Payload { bytes: bits.to_le_bytes() } }
    }
}

/// Values of a call that are kept without an allocation.
const FEW: usize = 16;

/// Lends a place for `count` values, which are `zero` at first.
pub(crate) fn with_place<V: Copy, R>(count: usize, zero: V, use_it: impl FnOnce(&mut [V]) -> R) -> R {
    if count <= FEW { use_it(&mut [zero; FEW][..count]) } else { use_it(&mut vec![zero; count]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_to_c_and_back() {
        let values = [
            Val::I32(-1),
            Val::I64(i64::MIN),
            Val::F32(0x7fa0_0001),
            Val::F64(0xfff4_0000_0000_0001),
            Val::V128(u128::MAX / 255 * 254 + 1),
            Val::ExternRef(None),
            Val::ExternRef(Some(0)),
            Val::FuncRef(None),
            Val::ExnRef(None),
        ];
        let mut references = References::default();
        for value in values {
            let in_c = wasmaot_value_t::from_val(value, &mut references);
            assert_eq!(in_c.to_val(&references).unwrap(), value);
        }
        for ty in [0, 9, 255] {
            assert!(wasmaot_value_t { ty, ..wasmaot_value_t::ZERO }.to_val(&references).is_err(), "{ty}");
        }
        let funcref = wasmaot_funcref_t { instance: 1, index: 0 };
        let made_up = wasmaot_value_t { ty: kind::FUNCREF, of: Payload { funcref } };
        assert!(made_up.to_val(&references).is_err());
        let exnref = wasmaot_exnref_t { instance: 1, index: 0 };
        let made_up = wasmaot_value_t { ty: kind::EXNREF, of: Payload { exnref } };
        assert!(made_up.to_val(&references).is_err());
    }

    #[test]
    fn many_values_have_a_place_too() {
        for count in [0, 1, FEW, FEW + 1, 1000] {
            assert_eq!(
                with_place(count, 7u8, |place| (place.len(), place.iter().all(|&v| v == 7))),
                (count, true)
            );
        }
    }
}
