//! Values and types as C sees them.

use crate::error::{Kind, wasmaot_error_t};
use wasmaot_runtime::{Val, ValType};

/// A value: a type, and a union of which only the bits matter here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct wasmaot_value_t {
    /// A `wasmaot_type_t`.
    pub ty: u8,
    /// The union; 32-bit values are in its low half.
    pub of: u64,
}

const TYPES: [(u8, ValType); 4] =
    [(1, ValType::I32), (2, ValType::I64), (3, ValType::F32), (4, ValType::F64)];

/// The type with a number.
pub(crate) fn type_of(number: u8) -> Result<ValType, wasmaot_error_t> {
    let known = TYPES.iter().find(|&&(known, _)| known == number);
    known.map(|&(_, ty)| ty).ok_or_else(|| wasmaot_error_t::new(Kind::Call, format!("{number} is no type")))
}

impl wasmaot_value_t {
    /// The value in Rust's form.
    pub(crate) fn to_val(self) -> Result<Val, wasmaot_error_t> {
        Ok(match type_of(self.ty)? {
            ValType::I32 => Val::I32(self.of as i32),
            ValType::I64 => Val::I64(self.of as i64),
            ValType::F32 => Val::F32(self.of as u32),
            _ => Val::F64(self.of),
        })
    }

    /// The value in C's form, which has no references yet.
    pub(crate) fn from_val(value: Val) -> Result<Self, wasmaot_error_t> {
        let (ty, of) = match value {
            Val::I32(value) => (1, u64::from(value as u32)),
            Val::I64(value) => (2, value as u64),
            Val::F32(bits) => (3, u64::from(bits)),
            Val::F64(bits) => (4, bits),
            Val::FuncRef(_) | Val::ExternRef(_) => {
                let message = format!("the C API has no values of type {}", value.ty());
                return Err(wasmaot_error_t::new(Kind::Call, message));
            }
        };
        Ok(Self { ty, of })
    }
}
