//! What both sides are asked, and how their answers are made comparable.

use wasmaot_abi::trap::TrapCode;
use wasmaot_abi::types::{FuncType, GlobalType, MemoryType, TableType, ValType};

/// A value in a form that both sides share. References to functions and exceptions only tell whether they are
/// null.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    /// `i32`.
    I32(i32),
    /// `i64`.
    I64(i64),
    /// Bits of an `f32`.
    F32(u32),
    /// Bits of an `f64`.
    F64(u64),
    /// Bits of a `v128`.
    V128(u128),
    /// Whether a `funcref` is not null.
    Func(bool),
    /// The host value of an `externref`.
    Extern(Option<u32>),
    /// Whether an `exnref` is not null.
    Exn(bool),
}

impl PartialEq for Value {
    /// Any two NaNs are equal: which one an operation gives is left open by the specification.
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Value::I32(a), Value::I32(b)) => a == b,
            (Value::I64(a), Value::I64(b)) => a == b,
            (Value::F32(a), Value::F32(b)) => {
                a == b || (f32::from_bits(a).is_nan() && f32::from_bits(b).is_nan())
            }
            (Value::F64(a), Value::F64(b)) => {
                a == b || (f64::from_bits(a).is_nan() && f64::from_bits(b).is_nan())
            }
            // The generator makes NaNs canonical, so that all lanes can be compared as integers.
            (Value::V128(a), Value::V128(b)) => a == b,
            (Value::Func(a), Value::Func(b)) => a == b,
            (Value::Extern(a), Value::Extern(b)) => a == b,
            (Value::Exn(a), Value::Exn(b)) => a == b,
            _ => false,
        }
    }
}

impl Value {
    /// A value of a type from random bits. NaNs become the canonical one, references to functions and
    /// exceptions null.
    pub(crate) fn from_bits(ty: ValType, bits: u64) -> Self {
        match ty {
            ValType::I32 => Value::I32(bits as i32),
            ValType::I64 => Value::I64(bits as i64),
            ValType::F32 => {
                let value = f32::from_bits(bits as u32);
                Value::F32(if value.is_nan() { 0x7fc0_0000 } else { value.to_bits() })
            }
            ValType::F64 => {
                let value = f64::from_bits(bits);
                Value::F64(if value.is_nan() { 0x7ff8_0000_0000_0000 } else { value.to_bits() })
            }
            ValType::V128 => Value::V128(u128::from(bits) | u128::from(bits.rotate_left(20)) << 64),
            ValType::Ref(ty) if ty.heap.is_func() => Value::Func(false),
            ValType::Ref(_) if ty.is_exn_ref() => Value::Exn(false),
            ValType::Ref(_) => Value::Extern((!bits.is_multiple_of(4)).then_some(bits as u32 % 1000)),
        }
    }

    /// The bits of an `i64`.
    pub(crate) fn bits64(self) -> u64 {
        match self {
            Value::I64(value) => value as u64,
            other => panic!("{other:?} is no i64"),
        }
    }

    /// The default value of a type.
    pub(crate) fn zero(ty: ValType) -> Self {
        Value::from_bits(ty, 0)
    }
}

/// How a call ended.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    /// With results.
    Values(Vec<Value>),
    /// With a trap. An index outside a table in `call_indirect` counts as a table access out of bounds:
    /// `wasmi` does not tell them apart.
    Trap(TrapCode),
    /// With an exception that nothing caught, and these values of it.
    Exception(Vec<Value>),
}

impl End {
    /// A trap in the form that both sides share.
    pub(crate) fn trap(code: TrapCode) -> Self {
        End::Trap(match code {
            TrapCode::UndefinedElement => TrapCode::TableOutOfBounds,
            // See `atomics`.
            TrapCode::UnalignedAtomic | TrapCode::ExpectedSharedMemory => TrapCode::Unreachable,
            other => other,
        })
    }
}

/// What an import asks for or an export gives.
#[derive(Debug)]
pub(crate) enum Item {
    /// A function.
    Func(FuncType),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// A tag, by the values of its exceptions.
    Tag(Vec<ValType>),
}

/// What to provide to a module, and what to look at.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Module, name and type of each import.
    pub(crate) imports: Vec<(String, String, Item)>,
    /// Name and type of each export.
    pub(crate) exports: Vec<(String, Item)>,
}

/// A call that the module made: position of the import, and the arguments.
pub(crate) type HostCall = (usize, Vec<Value>);

/// An instance on one side. An `Err` is a fault of the harness or the engine, not an outcome of the module.
pub(crate) trait Engine {
    /// Calls an exported function.
    fn call(&mut self, name: &str, arguments: &[Value]) -> Result<End, String>;
    /// The value of an exported global.
    fn global(&mut self, name: &str) -> Value;
    /// The elements of an exported table.
    fn table(&mut self, name: &str) -> Vec<Value>;
    /// The bytes of an exported memory.
    fn memory(&mut self, name: &str) -> Vec<u8>;
    /// The operators that it has executed, where they are counted.
    fn operators(&mut self) -> Option<u64> {
        None
    }
    /// The fuel that it has used, where it is counted.
    fn fuel(&mut self) -> Option<u64> {
        None
    }
    /// How often its calls have given their thread back at the end of a time slice.
    fn yields(&self) -> u64 {
        0
    }
    /// The calls of host functions since the last time, in order.
    fn host_calls(&mut self) -> Vec<HostCall>;
}

/// A module that one side has read.
pub(crate) trait Program {
    /// What the module imports and exports.
    fn plan(&self) -> Plan;
    /// Instantiates the module with the imports of the plan.
    fn instantiate(&self, plan: &Plan) -> Result<(End, Option<Box<dyn Engine>>), String>;
}
