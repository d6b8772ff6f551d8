//! Constant expressions, and their values where nothing of the instance is needed.

use crate::index::{FuncIndex, GlobalIndex};
use wasmaot_abi::types::ValType;

/// A constant expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConstExpr {
    /// Its operators, in order.
    pub(crate) ops: Vec<ConstOp>,
}

/// An operator of a constant expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConstOp {
    /// `const` of any type, `ref.null` or `ref.func`.
    Value(ConstValue),
    /// `global.get`.
    GlobalGet(GlobalIndex),
    /// Arithmetic on `i32`.
    I32(Arithmetic),
    /// Arithmetic on `i64`.
    I64(Arithmetic),
}

/// What is done with two integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Sub,
    Mul,
}

/// A value that is known before there is an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConstValue {
    I32(i32),
    I64(i64),
    /// IEEE 754 bits.
    F32(u32),
    /// IEEE 754 bits.
    F64(u64),
    /// In little-endian order.
    V128(u128),
    /// Null of a reference type.
    Null(ValType),
    /// A reference to a function of this module.
    Func(FuncIndex),
}

impl ConstValue {
    /// As the address or index that an active segment begins at, of either width.
    pub(crate) fn offset(self) -> Option<u64> {
        match self {
            ConstValue::I32(offset) => Some(u64::from(offset as u32)),
            ConstValue::I64(offset) => Some(offset as u64),
            _ => None,
        }
    }
}

impl ConstExpr {
    /// Its value, given those of globals. `None` if that of a global is not known.
    pub(crate) fn evaluate(&self, global: impl Fn(GlobalIndex) -> Option<ConstValue>) -> Option<ConstValue> {
        let mut stack = Vec::new();
        for op in &self.ops {
            let value = match *op {
                ConstOp::Value(value) => value,
                ConstOp::GlobalGet(index) => global(index)?,
                ConstOp::I32(arithmetic) => {
                    let (Some(ConstValue::I32(y)), Some(ConstValue::I32(x))) = (stack.pop(), stack.pop())
                    else {
                        return None;
                    };
                    ConstValue::I32(match arithmetic {
                        Arithmetic::Add => x.wrapping_add(y),
                        Arithmetic::Sub => x.wrapping_sub(y),
                        Arithmetic::Mul => x.wrapping_mul(y),
                    })
                }
                ConstOp::I64(arithmetic) => {
                    let (Some(ConstValue::I64(y)), Some(ConstValue::I64(x))) = (stack.pop(), stack.pop())
                    else {
                        return None;
                    };
                    ConstValue::I64(match arithmetic {
                        Arithmetic::Add => x.wrapping_add(y),
                        Arithmetic::Sub => x.wrapping_sub(y),
                        Arithmetic::Mul => x.wrapping_mul(y),
                    })
                }
            };
            stack.push(value);
        }
        stack.pop()
    }

    /// The functions that it refers to.
    pub(crate) fn functions(&self) -> impl Iterator<Item = FuncIndex> {
        self.ops.iter().filter_map(|op| match *op {
            ConstOp::Value(ConstValue::Func(func)) => Some(func),
            _ => None,
        })
    }
}
