//! Which proposals this version takes, and what to say of a module that uses another.

use crate::error::CompileError;
use wasmparser::{BinaryReaderError, Validator, WasmFeatures};

/// Everything that is translated: Wasm 2.0 without SIMD, and extended constant expressions.
pub(crate) const SUPPORTED: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::GC_TYPES);

/// Proposals that the validator knows but the translator does not, with what to do about them.
const OTHERS: &[(WasmFeatures, &str, &str)] = &[
    (WasmFeatures::SIMD, "SIMD", "build the program without 128-bit vectors (clang: drop -msimd128)"),
    (WasmFeatures::RELAXED_SIMD, "relaxed SIMD", "build the program without relaxed SIMD"),
    (WasmFeatures::TAIL_CALL, "tail calls", "build the program without tail calls (clang: -mno-tail-call)"),
    (WasmFeatures::MULTI_MEMORY, "multiple memories", "build the program with one memory"),
    (WasmFeatures::MEMORY64, "64-bit memories", "build the program for wasm32"),
    (WasmFeatures::THREADS, "threads", "build the program without atomics and shared memories"),
    (WasmFeatures::EXCEPTIONS, "exceptions", "build the program without Wasm exceptions"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "legacy exceptions", "build the program without Wasm exceptions"),
    (WasmFeatures::FUNCTION_REFERENCES, "typed function references", "build the program for Wasm 2.0"),
    (WasmFeatures::GC, "garbage collection", "build the program for Wasm 2.0"),
    (WasmFeatures::CUSTOM_PAGE_SIZES, "custom page sizes", "build the program with 64 KiB pages"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic", "build the program without wide arithmetic"),
    (WasmFeatures::STACK_SWITCHING, "stack switching", "build the program for Wasm 2.0"),
    (WasmFeatures::MEMORY_CONTROL, "memory control", "build the program for Wasm 2.0"),
    (WasmFeatures::SHARED_EVERYTHING_THREADS, "shared-everything threads", "build the program for Wasm 2.0"),
    (WasmFeatures::CUSTOM_DESCRIPTORS, "custom descriptors", "build the program for Wasm 2.0"),
];

/// Turns a validation failure into the error to report: a proposal without which the module is
/// invalid at that place, or plain invalidity.
///
/// A proposal is to blame if taking it moves the first failure further on. Some build on others, so
/// everything at once is tried as well.
pub(crate) fn explain(wasm: &[u8], error: BinaryReaderError) -> CompileError {
    let moves_on = |features: WasmFeatures| match Validator::new_with_features(features).validate_all(wasm) {
        Ok(_) => true,
        Err(other) => other.offset() > error.offset(),
    };
    let everything = OTHERS.iter().fold(SUPPORTED, |all, &(feature, ..)| all.union(feature));
    let unsupported = |feature, help| CompileError::Unsupported {
        feature,
        offset: error.offset(),
        message: error.message().to_string(),
        help,
    };
    for &(feature, name, help) in OTHERS {
        if moves_on(SUPPORTED.union(feature)) {
            return unsupported(name, help);
        }
    }
    if moves_on(everything) {
        return unsupported("a combination of proposals after Wasm 2.0", "build the program for Wasm 2.0");
    }
    error.into()
}
