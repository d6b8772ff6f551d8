//! Constant expressions: their types, and their values.
//!
//! **Invariant: what [`type_of`] accepted, [`evaluate`] evaluates without failing.** Values are as in the
//! cell of a global: integers and floats zero-extended, references as in a table.

use crate::code::raw_value::RawValue;
use wasmaot_abi::descriptor::{ConstExpr, ConstOp, FuncEntry};
use wasmaot_abi::types::{HeapType, RefType, ValType};

/// The deepest operand stack of an expression.
const MAX_DEPTH: usize = 16;

/// The type of an expression's value, given the types of the globals that it may read and the function
/// entries. Says what is wrong otherwise.
pub(crate) fn type_of(
    expr: &ConstExpr,
    globals: &[ValType],
    entries: &[FuncEntry],
) -> Result<ValType, &'static str> {
    let mut stack = Vec::with_capacity(MAX_DEPTH);
    for op in &expr.ops {
        let (operand, result) = match *op {
            ConstOp::I32Const { .. } => (None, ValType::I32),
            ConstOp::I64Const { .. } => (None, ValType::I64),
            ConstOp::F32Const { .. } => (None, ValType::F32),
            ConstOp::F64Const { .. } => (None, ValType::F64),
            ConstOp::V128Const { .. } => (None, ValType::V128),
            ConstOp::GlobalGet { index } => {
                let ty = globals.get(index as usize).ok_or("its initial value reads an unknown global")?;
                (None, *ty)
            }
            ConstOp::RefNull { ty } if ty.is_ref() => (None, ty),
            ConstOp::RefNull { .. } => {
                return Err("its initial value is null of a type that is no reference");
            }
            ConstOp::RefFunc { entry } => match entries.get(entry as usize) {
                Some(entry) => (None, entry_type(entry)),
                None => return Err("its initial value names an unknown function entry"),
            },
            ConstOp::I32Add | ConstOp::I32Sub | ConstOp::I32Mul => (Some(ValType::I32), ValType::I32),
            ConstOp::I64Add | ConstOp::I64Sub | ConstOp::I64Mul => (Some(ValType::I64), ValType::I64),
        };
        if let Some(operand) = operand
            && (stack.pop() != Some(operand) || stack.pop() != Some(operand))
        {
            return Err("its initial value has operands of wrong types");
        }
        if stack.len() == MAX_DEPTH {
            return Err("its initial value is nested too deep");
        }
        stack.push(result);
    }
    match stack[..] {
        [ty] => Ok(ty),
        _ => Err("its initial value is not one value"),
    }
}

/// The type of references to the function of an entry.
pub(crate) fn entry_type(entry: &FuncEntry) -> ValType {
    ValType::Ref(RefType { nullable: false, heap: HeapType::Concrete(entry.ty) })
}

/// What an expression may refer to.
pub(crate) trait Environment {
    /// The value of a global.
    fn global(&self, index: u32) -> RawValue;
    /// A reference to a function, by position in the list of entries.
    fn func(&self, entry: u32) -> u64;
}

/// The value of an expression that [`type_of`] accepted.
pub(crate) fn evaluate(expr: &ConstExpr, environment: &impl Environment) -> RawValue {
    let mut stack = [RawValue::default(); MAX_DEPTH];
    let mut depth = 0;
    for op in &expr.ops {
        let value = match *op {
            ConstOp::I32Const { value } => RawValue::new(u64::from(value as u32)),
            ConstOp::I64Const { value } => RawValue::new(value as u64),
            ConstOp::F32Const { bits } => RawValue::new(u64::from(bits)),
            ConstOp::F64Const { bits } => RawValue::new(bits),
            ConstOp::V128Const { low, high } => RawValue { low, high },
            ConstOp::GlobalGet { index } => environment.global(index),
            ConstOp::RefNull { .. } => RawValue::new(0),
            ConstOp::RefFunc { entry } => RawValue::new(environment.func(entry)),
            binary => {
                depth -= 2;
                RawValue::new(apply(binary, stack[depth].low, stack[depth + 1].low))
            }
        };
        stack[depth] = value;
        depth += 1;
    }
    stack[0]
}

fn apply(op: ConstOp, left: u64, right: u64) -> u64 {
    let narrow = |value: u64| u64::from(value as u32);
    match op {
        ConstOp::I32Add => narrow(left.wrapping_add(right)),
        ConstOp::I32Sub => narrow(left.wrapping_sub(right)),
        ConstOp::I32Mul => narrow(left.wrapping_mul(right)),
        ConstOp::I64Add => left.wrapping_add(right),
        ConstOp::I64Sub => left.wrapping_sub(right),
        ConstOp::I64Mul => left.wrapping_mul(right),
        _ => unreachable!("not a binary operator"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Environment for Fixed {
        fn global(&self, index: u32) -> RawValue {
            RawValue::new(100 + u64::from(index))
        }
        fn func(&self, entry: u32) -> u64 {
            0x1000 + u64::from(entry)
        }
    }

    fn run(ops: &[ConstOp]) -> Result<(ValType, RawValue), &'static str> {
        let expr = ConstExpr { ops: ops.to_vec() };
        let entries = [3, 5].map(|ty| FuncEntry { func: ty, ty, tail: 0, array: 0 });
        let ty = type_of(&expr, &[ValType::I32, ValType::I64], &entries)?;
        Ok((ty, evaluate(&expr, &Fixed)))
    }

    #[test]
    fn values() {
        use ConstOp::*;
        let func = ValType::Ref(RefType { nullable: false, heap: HeapType::Concrete(5) });
        for (ops, ty, low) in [
            (&[I32Const { value: -1 }][..], ValType::I32, 0xffff_ffff),
            (&[I32Const { value: 3 }, I32Const { value: 5 }, I32Sub], ValType::I32, 0xffff_fffe),
            (&[GlobalGet { index: 1 }, I64Const { value: 7 }, I64Mul], ValType::I64, 707),
            (&[RefFunc { entry: 1 }], func, 0x1001),
            (&[RefNull { ty: ValType::EXTERNREF }], ValType::EXTERNREF, 0),
        ] {
            assert_eq!(run(ops), Ok((ty, RawValue::new(low))));
        }
        assert_eq!(run(&[V128Const { low: 1, high: 2 }]), Ok((ValType::V128, RawValue { low: 1, high: 2 })));
    }

    #[test]
    fn ill_typed_expressions_are_refused() {
        use ConstOp::*;
        for ops in [
            &[][..],
            &[I32Add],
            &[I32Const { value: 1 }, I32Add],
            &[I32Const { value: 1 }, I64Const { value: 1 }, I64Add],
            &[I32Const { value: 1 }, I32Const { value: 1 }],
            &[GlobalGet { index: 2 }],
            &[RefFunc { entry: 2 }],
            &[RefNull { ty: ValType::I32 }],
            &[V128Const { low: 0, high: 0 }, V128Const { low: 0, high: 0 }, I64Add],
            &[I32Const { value: 1 }; MAX_DEPTH + 1],
        ] {
            assert!(run(ops).is_err(), "{ops:?}");
        }
    }
}
