//! Values of constant expressions of a component's core modules.
//!
//! In a component, a global that a module imports is another module's, or the translation's own. So every
//! constant expression has a value that is known here. **Invariant: a merged module's constant expressions
//! read no global**, so that they are valid and constant whatever the features, and their size does not grow
//! along a chain of modules.

use crate::error::CompileError;
use crate::features;
use wasm_encoder::{ConstExpr, HeapType};
use wasmparser::Operator;

/// A value that is known before there is an instance.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    I32(i32),
    I64(i64),
    /// IEEE 754 bits.
    F32(u32),
    /// IEEE 754 bits.
    F64(u64),
    V128(i128),
    Null(HeapType),
    /// A function of the merged module.
    Func(u32),
}

impl Value {
    /// The expression that has this value.
    pub(super) fn expr(self) -> ConstExpr {
        match self {
            Value::I32(value) => ConstExpr::i32_const(value),
            Value::I64(value) => ConstExpr::i64_const(value),
            Value::F32(bits) => ConstExpr::f32_const(f32::from_bits(bits).into()),
            Value::F64(bits) => ConstExpr::f64_const(f64::from_bits(bits).into()),
            Value::V128(value) => ConstExpr::v128_const(value),
            Value::Null(ty) => ConstExpr::ref_null(ty),
            Value::Func(func) => ConstExpr::ref_func(func),
        }
    }

    /// As the address or index that a segment begins at.
    pub(super) fn offset(self) -> u64 {
        match self {
            Value::I32(value) => u64::from(value as u32),
            Value::I64(value) => value as u64,
            // It is valid, so it is one of those.
            _ => u64::MAX,
        }
    }
}

/// What the names in a constant expression stand for.
pub(super) trait Names {
    /// The merged module's function.
    fn function(&self, index: u32) -> u32;

    /// The value of a global, if it cannot change.
    fn global(&self, index: u32) -> Option<Value>;

    /// The merged module's type.
    fn heap_type(&mut self, ty: wasmparser::HeapType) -> Result<HeapType, CompileError>;
}

/// Evaluates a valid constant expression.
pub(super) fn evaluate(
    names: &mut impl Names,
    expr: &wasmparser::ConstExpr<'_>,
) -> Result<Value, CompileError> {
    let mut stack: Vec<Value> = Vec::new();
    for item in expr.get_operators_reader().into_iter_with_offsets() {
        let (op, offset) = item?;
        let value = match op {
            Operator::End => break,
            Operator::I32Const { value } => Value::I32(value),
            Operator::I64Const { value } => Value::I64(value),
            Operator::F32Const { value } => Value::F32(value.bits()),
            Operator::F64Const { value } => Value::F64(value.bits()),
            Operator::V128Const { value } => Value::V128(value.i128()),
            Operator::RefNull { hty } => Value::Null(names.heap_type(hty)?),
            Operator::RefFunc { function_index } => Value::Func(names.function(function_index)),
            Operator::GlobalGet { global_index } => {
                names.global(global_index).ok_or_else(|| not_constant(offset))?
            }
            other => {
                let (y, x) = (stack.pop(), stack.pop());
                combine(&other, x, y).ok_or_else(|| not_constant(offset))?
            }
        };
        stack.push(value);
    }
    stack.pop().ok_or_else(|| not_constant(0))
}

fn combine(op: &Operator<'_>, x: Option<Value>, y: Option<Value>) -> Option<Value> {
    Some(match (op, x?, y?) {
        (Operator::I32Add, Value::I32(x), Value::I32(y)) => Value::I32(x.wrapping_add(y)),
        (Operator::I32Sub, Value::I32(x), Value::I32(y)) => Value::I32(x.wrapping_sub(y)),
        (Operator::I32Mul, Value::I32(x), Value::I32(y)) => Value::I32(x.wrapping_mul(y)),
        (Operator::I64Add, Value::I64(x), Value::I64(y)) => Value::I64(x.wrapping_add(y)),
        (Operator::I64Sub, Value::I64(x), Value::I64(y)) => Value::I64(x.wrapping_sub(y)),
        (Operator::I64Mul, Value::I64(x), Value::I64(y)) => Value::I64(x.wrapping_mul(y)),
        _ => return None,
    })
}

/// What else is valid has garbage collection.
fn not_constant(offset: usize) -> CompileError {
    features::refuse_gc(offset, "a constant expression of this kind")
}
