//! Values as the embedder sees them, and as they pass through value arrays, globals and tables.
//!
//! **Invariant: a [`RawValue`] never becomes a reference of the wrong store.** Every value that
//! enters an instance, a table, a global or an exception passes [`Val::to_raw`], which compares the
//! value's store with that of the destination before it reads anything that the value refers to:
//! the store that the value came from may be gone.

use crate::api::exception::ExnRef;
use crate::api::func::Func;
use crate::code::raw_value::RawValue;
use crate::run::store::StoreCore;
use crate::state::error::WrongStore;
use std::num::NonZeroU32;
use wasmaot_abi::types::{HeapType, RefType, ValType};

/// A WebAssembly value of any type.
///
/// Floats are kept as their IEEE 754 bits, so that values compare bit by bit and NaN payloads survive.
///
/// ```
/// use wasmaot_runtime::{Val, ValType};
///
/// let half = Val::F64(0.5f64.to_bits());
/// assert_eq!((half.ty(), half.to_string()), (ValType::F64, "0.5".to_string()));
/// assert_eq!(Val::default_of(ValType::FUNCREF), Some(Val::FuncRef(None)));
/// // Bit by bit: a NaN equals itself.
/// assert_eq!(Val::F32(f32::NAN.to_bits()), Val::F32(f32::NAN.to_bits()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Val {
    /// A 32-bit integer, `i32`.
    I32(i32),
    /// A 64-bit integer, `i64`.
    I64(i64),
    /// Bits of a 32-bit float.
    F32(u32),
    /// Bits of a 64-bit float.
    F64(u64),
    /// Bits of a 128-bit vector: lane 0 is the lowest, so that [`u128::to_le_bytes`] gives the bytes as they
    /// lie in memory.
    V128(u128),
    /// A function, or null.
    FuncRef(Option<Func>),
    /// A number by which the embedder knows a value of its own, or null. The number `u32::MAX` cannot be
    /// passed.
    ExternRef(Option<u32>),
    /// An exception, or null.
    ExnRef(Option<ExnRef>),
}

/// Integers are signed, floats read back as the same value.
impl std::fmt::Display for Val {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Val::I32(value) => write!(f, "{value}"),
            Val::I64(value) => write!(f, "{value}"),
            Val::F32(bits) => write!(f, "{:?}", f32::from_bits(bits)),
            Val::F64(bits) => write!(f, "{:?}", f64::from_bits(bits)),
            Val::V128(bits) => write!(f, "{bits:#034x}"),
            Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None) => f.write_str("null"),
            Val::FuncRef(Some(_)) | Val::ExternRef(Some(_)) | Val::ExnRef(Some(_)) => {
                write!(f, "{}", self.ty())
            }
        }
    }
}

/// A value that cannot be passed where it was to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// It has another type.
    #[error("expected a value of type {expected}, found {found}")]
    Type {
        /// The type that is needed.
        expected: ValType,
        /// Type of the value.
        found: ValType,
    },
    /// It refers to a function or exception of another store.
    #[error("the reference: {0}")]
    WrongStore(#[from] WrongStore),
    /// The number of an external reference is too large.
    #[error("external reference numbers end at {}", u32::MAX - 1)]
    ExternRef,
}

impl Val {
    /// Its type; that of all functions for a function.
    pub fn ty(&self) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::V128(_) => ValType::V128,
            Val::FuncRef(_) => ValType::FUNCREF,
            Val::ExternRef(_) => ValType::EXTERNREF,
            Val::ExnRef(_) => ValType::EXNREF,
        }
    }

    /// The zero or null of a type; `None` for references that are not null.
    pub fn default_of(ty: ValType) -> Option<Val> {
        Some(match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::V128 => Val::V128(0),
            ValType::Ref(RefType { nullable: false, .. }) => return None,
            ValType::Ref(RefType { heap: HeapType::Extern, .. }) => Val::ExternRef(None),
            ValType::Ref(RefType { heap: HeapType::Exn | HeapType::NoExn, .. }) => Val::ExnRef(None),
            ValType::Ref(RefType { heap: HeapType::Func | HeapType::Concrete(_), .. }) => Val::FuncRef(None),
        })
    }

    /// Whether a value that may enter `store` is of type `ty`.
    fn is_of(self, store: &StoreCore, ty: ValType) -> bool {
        let ValType::Ref(RefType { nullable, heap }) = ty else { return self.ty() == ty };
        match self {
            Val::FuncRef(None) => nullable && heap.is_func(),
            Val::ExternRef(None) => nullable && heap == HeapType::Extern,
            Val::ExternRef(Some(_)) => heap == HeapType::Extern,
            Val::FuncRef(Some(func)) => {
                func.type_number(store).is_ok_and(|number| HeapType::Concrete(number).is_subtype_of(heap))
            }
            Val::ExnRef(None) => nullable && heap.is_exn(),
            Val::ExnRef(Some(_)) => heap == HeapType::Exn,
            Val::I32(_) | Val::I64(_) | Val::F32(_) | Val::F64(_) | Val::V128(_) => false,
        }
    }

    /// Returns the cell that passes the value where `expected` is needed in `store`.
    ///
    /// # Errors
    /// [`ValueError::WrongStore`] for a reference of another store, whatever type is expected; otherwise
    /// what does not fit.
    pub(crate) fn to_raw(self, store: &StoreCore, expected: ValType) -> Result<RawValue, ValueError> {
        match self {
            Val::FuncRef(Some(func)) => _ = func.type_number(store)?,
            Val::ExnRef(Some(exception)) if exception.store != store.id() => {
                return Err(WrongStore::Other.into());
            }
            _ => {}
        }
        if !self.is_of(store, expected) {
            return Err(ValueError::Type { expected, found: self.ty() });
        }
        Ok(RawValue::new(match self {
            Val::I32(value) => u64::from(value as u32),
            Val::I64(value) => value as u64,
            Val::F32(bits) => u64::from(bits),
            Val::F64(bits) => bits,
            Val::V128(bits) => return Ok(RawValue::vector(bits)),
            Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None) => 0,
            Val::FuncRef(Some(func)) => func.record(store)?.address(),
            Val::ExnRef(Some(exception)) => u64::from(exception.id.get()),
            Val::ExternRef(Some(number)) => match number.checked_add(1) {
                Some(index) => u64::from(index),
                None => return Err(ValueError::ExternRef),
            },
        }))
    }

    /// The value in a cell of this store, of which only the bits that its type has are specified.
    pub(crate) fn from_raw(cell: RawValue, store: &StoreCore, ty: ValType) -> Val {
        let (bits, low) = (cell.low, cell.low as u32);
        match ty {
            ValType::I32 => Val::I32(low as i32),
            ValType::I64 => Val::I64(bits as i64),
            ValType::F32 => Val::F32(low),
            ValType::F64 => Val::F64(bits),
            ValType::V128 => Val::V128(cell.to_vector()),
            ValType::Ref(ty) if ty.heap.is_func() => Val::FuncRef(store.func_at(bits).map(Func::of)),
            ValType::Ref(ty) if ty.heap.is_exn() => {
                Val::ExnRef(NonZeroU32::new(low).map(|id| ExnRef { store: store.id(), id }))
            }
            ValType::Ref(_) => Val::ExternRef(low.checked_sub(1)),
        }
    }

    /// The values in cells of this store.
    pub(crate) fn all_from_raw(cells: &[RawValue], store: &StoreCore, types: &[ValType]) -> Vec<Val> {
        types.iter().zip(cells).map(|(&ty, &cell)| Val::from_raw(cell, store, ty)).collect()
    }
}

/// A Rust type that stands for a Wasm type in typed functions. For vectors it is `u128`, as in [`Val::V128`].
pub trait WasmValue: Copy + sealed::Sealed + 'static {
    /// The corresponding Wasm type.
    const TYPE: ValType;
    /// The cell that passes it.
    #[doc(hidden)]
    fn to_cell(self) -> RawValue;
    /// The value in a cell.
    #[doc(hidden)]
    fn from_cell(cell: RawValue) -> Self;
}

pub(crate) mod sealed {
    /// Only this crate implements the traits that bear it.
    pub trait Sealed {}
}

macro_rules! wasm_values {
    ($($ty:ident $wasm:ident $variant:ident ($value:ident => $to:expr) ($cell:ident => $from:expr) $val:expr;)*) => {$(
        impl sealed::Sealed for $ty {}
        impl WasmValue for $ty {
            const TYPE: ValType = ValType::$wasm;
            fn to_cell(self) -> RawValue {
                let $value = self;
                $to
            }
            fn from_cell($cell: RawValue) -> Self {
                $from
            }
        }
        impl From<$ty> for Val {
            fn from($value: $ty) -> Val {
                Val::$variant($val)
            }
        }
    )*};
}

wasm_values! {
    i32 I32 I32 (value => RawValue::new(u64::from(value as u32))) (cell => cell.low as i32) value;
    u32 I32 I32 (value => RawValue::new(u64::from(value))) (cell => cell.low as u32) value as i32;
    i64 I64 I64 (value => RawValue::new(value as u64)) (cell => cell.low as i64) value;
    u64 I64 I64 (value => RawValue::new(value)) (cell => cell.low) value as i64;
    f32 F32 F32 (value => RawValue::new(u64::from(value.to_bits()))) (cell => f32::from_bits(cell.low as u32)) value.to_bits();
    f64 F64 F64 (value => RawValue::new(value.to_bits())) (cell => f64::from_bits(cell.low)) value.to_bits();
    u128 V128 V128 (value => RawValue::vector(value)) (cell => cell.to_vector()) value;
}

/// The parameters or the results of a typed function: one value, or a tuple of up to [`MAX_VALUES`].
pub trait WasmValues: sealed::Sealed + Sized {
    /// Wasm types of the values.
    const TYPES: &'static [ValType];
    /// Writes them to the first cells.
    #[doc(hidden)]
    fn store(self, cells: &mut [RawValue]);
    /// Reads them from the first cells.
    #[doc(hidden)]
    fn load(cells: &[RawValue]) -> Self;
}

/// The most parameters or results of a typed function.
pub const MAX_VALUES: usize = 12;

/// Makes a typed call with the cells that its parameters or results need, whichever are more: `run` gets them
/// with the parameters, and leaves the results there.
#[inline]
pub(crate) fn in_cells<P: WasmValues, R: WasmValues, E>(
    params: P,
    run: impl FnOnce(&mut [RawValue]) -> Result<(), E>,
) -> Result<R, E> {
    let count = P::TYPES.len().max(R::TYPES.len());
    let call = |cells: &mut [RawValue]| {
        let cells = &mut cells[..count];
        params.store(cells);
        run(cells)?;
        Ok(R::load(cells))
    };
    // No more cells are made than a call has, roughly. The number is known when this is compiled.
    match count {
        0..=1 => call(&mut [RawValue::default(); 1]),
        2..=4 => call(&mut [RawValue::default(); 4]),
        _ => call(&mut [RawValue::default(); MAX_VALUES]),
    }
}

impl<V: WasmValue> WasmValues for V {
    const TYPES: &'static [ValType] = &[V::TYPE];
    fn store(self, cells: &mut [RawValue]) {
        cells[0] = self.to_cell();
    }
    fn load(cells: &[RawValue]) -> Self {
        V::from_cell(cells[0])
    }
}

impl sealed::Sealed for () {}
impl WasmValues for () {
    const TYPES: &'static [ValType] = &[];
    fn store(self, _: &mut [RawValue]) {}
    fn load(_: &[RawValue]) -> Self {}
}

macro_rules! tuples {
    () => {};
    ($($name:ident $index:tt),*) => {
        impl<$($name: WasmValue),*> sealed::Sealed for ($($name,)*) {}
        impl<$($name: WasmValue),*> WasmValues for ($($name,)*) {
            const TYPES: &'static [ValType] = &[$($name::TYPE),*];
            fn store(self, cells: &mut [RawValue]) {
                $(cells[$index] = self.$index.to_cell();)*
            }
            fn load(cells: &[RawValue]) -> Self {
                ($($name::from_cell(cells[$index]),)*)
            }
        }
    };
}

/// Calls a macro once for every arity, with names and positions of the values.
macro_rules! for_each_arity {
    ($macro:ident) => {
        $macro!();
        $macro!(A0 0);
        $macro!(A0 0, A1 1);
        $macro!(A0 0, A1 1, A2 2);
        $macro!(A0 0, A1 1, A2 2, A3 3);
        $macro!(A0 0, A1 1, A2 2, A3 3, A4 4);
        $macro!(A0 0, A1 1, A2 2, A3 3, A4 4, A5 5);
        $macro!(A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6);
        $macro!(A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6, A7 7);
        $macro!(A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6, A7 7, A8 8);
        $macro!(A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6, A7 7, A8 8, A9 9);
        $macro!(A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6, A7 7, A8 8, A9 9, A10 10);
        $macro!(A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6, A7 7, A8 8, A9 9, A10 10, A11 11);
    };
}
pub(crate) use for_each_arity;

for_each_arity!(tuples);
