//! Constant expressions: read from the module, and evaluated where nothing of the instance is needed.

use super::ModuleInfo;
use crate::error::CompileError;
use crate::features::{of_operator, refuse_gc};
use wasmaot_abi::descriptor::{ConstExpr, ConstOp};
use wasmaot_abi::types::ValType;
use wasmparser::{Operator, WasmFeatures};

/// Reads a constant expression. Operators that are not constant are left to the validator.
pub(crate) fn read(
    module: &ModuleInfo<'_>,
    expr: &wasmparser::ConstExpr<'_>,
) -> Result<ConstExpr, CompileError> {
    let mut ops = Vec::new();
    for item in expr.get_operators_reader().into_iter_with_offsets() {
        let (op, offset) = item?;
        ops.push(match op {
            Operator::I32Const { value } => ConstOp::I32Const { value },
            Operator::I64Const { value } => ConstOp::I64Const { value },
            Operator::F32Const { value } => ConstOp::F32Const { bits: value.bits() },
            Operator::F64Const { value } => ConstOp::F64Const { bits: value.bits() },
            Operator::V128Const { value } => vector(value),
            Operator::GlobalGet { global_index } => ConstOp::GlobalGet { index: global_index },
            Operator::RefNull { hty } => ConstOp::RefNull { ty: module.null_type(hty, offset)? },
            Operator::RefFunc { function_index } => ConstOp::RefFunc { entry: function_index },
            Operator::I32Add => ConstOp::I32Add,
            Operator::I32Sub => ConstOp::I32Sub,
            Operator::I32Mul => ConstOp::I32Mul,
            Operator::I64Add => ConstOp::I64Add,
            Operator::I64Sub => ConstOp::I64Sub,
            Operator::I64Mul => ConstOp::I64Mul,
            Operator::End => break,
            other if of_operator(&other).contains(WasmFeatures::GC) => {
                return Err(refuse_gc(offset, "a constant expression of this kind"));
            }
            other => {
                let message = format!("not a constant expression: {other:?}");
                return Err(CompileError::Invalid { offset, message });
            }
        });
    }
    Ok(ConstExpr { ops })
}

fn vector(value: wasmparser::V128) -> ConstOp {
    let bits = u128::from_le_bytes(*value.bytes());
    ConstOp::V128Const { low: bits as u64, high: (bits >> 64) as u64 }
}

/// A value that is known before there is an instance. Floats as bits, functions as indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConstValue {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    /// In little-endian order.
    V128(u128),
    Null(ValType),
    Func(u32),
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

/// Evaluates a constant expression, given the values of the globals that are the same in every
/// instance. `None` if it needs another one's.
pub(crate) fn evaluate(expr: &ConstExpr, globals: &[Option<ConstValue>]) -> Option<ConstValue> {
    let mut stack = Vec::new();
    for op in &expr.ops {
        let value = match *op {
            ConstOp::I32Const { value } => ConstValue::I32(value),
            ConstOp::I64Const { value } => ConstValue::I64(value),
            ConstOp::F32Const { bits } => ConstValue::F32(bits),
            ConstOp::F64Const { bits } => ConstValue::F64(bits),
            ConstOp::V128Const { low, high } => ConstValue::V128(u128::from(low) | u128::from(high) << 64),
            ConstOp::GlobalGet { index } => (*globals.get(index as usize)?)?,
            ConstOp::RefNull { ty } => ConstValue::Null(ty),
            ConstOp::RefFunc { entry } => ConstValue::Func(entry),
            ConstOp::I32Add | ConstOp::I32Sub | ConstOp::I32Mul => {
                let (Some(ConstValue::I32(y)), Some(ConstValue::I32(x))) = (stack.pop(), stack.pop()) else {
                    return None;
                };
                ConstValue::I32(match *op {
                    ConstOp::I32Add => x.wrapping_add(y),
                    ConstOp::I32Sub => x.wrapping_sub(y),
                    _ => x.wrapping_mul(y),
                })
            }
            ConstOp::I64Add | ConstOp::I64Sub | ConstOp::I64Mul => {
                let (Some(ConstValue::I64(y)), Some(ConstValue::I64(x))) = (stack.pop(), stack.pop()) else {
                    return None;
                };
                ConstValue::I64(match *op {
                    ConstOp::I64Add => x.wrapping_add(y),
                    ConstOp::I64Sub => x.wrapping_sub(y),
                    _ => x.wrapping_mul(y),
                })
            }
        };
        stack.push(value);
    }
    stack.pop()
}
