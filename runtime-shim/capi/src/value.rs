//! Values and types as C sees them.
//!
//! **Invariants.** A value's union is read as its type says, and all of it is defined. C sees two types of references, to functions
//! and to external values: what they refer to in particular, and whether they may be null, is not told apart.

use crate::boundary::{Result, slice, usage};
use wasmaot_runtime::{FuncType, HeapType, Val, ValType};

/// A value: a type, and the union that it says how to read.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wasmaot_value_t {
    /// A `wasmaot_type_t`.
    pub ty: u8,
    /// The value.
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
}

/// See the header.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wasmaot_functype_t {
    params: *const u8,
    params_count: usize,
    results: *const u8,
    results_count: usize,
}

// SAFETY: the lists are only read, and live as long as what the type was taken from.
unsafe impl Send for wasmaot_functype_t {}
// SAFETY: as above.
unsafe impl Sync for wasmaot_functype_t {}

/// The number of a null external reference, which no other has.
const NULL: u32 = u32::MAX;

/// The type with a number, if values of it can pass between C and a guest.
fn passable(number: u8) -> Result<ValType> {
    Ok(match number {
        1 => ValType::I32,
        2 => ValType::I64,
        3 => ValType::F32,
        4 => ValType::F64,
        7 => ValType::EXTERNREF,
        5 | 6 => return Err(usage(format!("C has no values of type {number} (v128 or funcref)"))),
        _ => return Err(usage(format!("{number} is no type of a value"))),
    })
}

/// The number of a type.
pub(crate) fn number(ty: ValType) -> u8 {
    match ty {
        ValType::I32 => 1,
        ValType::I64 => 2,
        ValType::F32 => 3,
        ValType::F64 => 4,
        ValType::V128 => 5,
        ValType::Ref(ty) => match ty.heap {
            HeapType::Func | HeapType::Concrete(_) => 6,
            HeapType::Extern => 7,
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
        // SAFETY: as the caller states.
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
    pub(crate) const ZERO: Self = Self { ty: 1, of: Payload { long: 0 } };

    /// The value in Rust's form.
    pub(crate) fn to_val(self) -> Result<Val> {
        let ty = passable(self.ty)?;
        // SAFETY: the first bytes of the union are defined, as many as the type has.
        unsafe {
            Ok(match ty {
                ValType::I32 => Val::I32(self.of.word as i32),
                ValType::F32 => Val::F32(self.of.word),
                ValType::I64 => Val::I64(self.of.long as i64),
                ValType::F64 => Val::F64(self.of.long),
                _ => Val::ExternRef((self.of.word != NULL).then_some(self.of.word)),
            })
        }
    }

    /// The value in C's form.
    pub(crate) fn from_val(value: Val) -> Result<Self> {
        let long = match value {
            Val::I32(value) => u64::from(value as u32),
            Val::I64(value) => value as u64,
            Val::F32(bits) => u64::from(bits),
            Val::F64(bits) => bits,
            Val::ExternRef(number) => u64::from(number.unwrap_or(NULL)),
            _ => return Err(usage(format!("C has no values of type {}", value.ty()))),
        };
        Ok(Self { ty: number(value.ty()), of: Payload { long } })
    }
}

/// Values of a call: so many are kept without an allocation.
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
            Val::ExternRef(None),
            Val::ExternRef(Some(0)),
        ];
        for value in values {
            assert_eq!(wasmaot_value_t::from_val(value).unwrap().to_val().unwrap(), value);
        }
        assert!(wasmaot_value_t::from_val(Val::FuncRef(None)).is_err());
        for ty in [0, 5, 6, 8, 255] {
            assert!(wasmaot_value_t { ty, ..wasmaot_value_t::ZERO }.to_val().is_err(), "{ty}");
        }
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
