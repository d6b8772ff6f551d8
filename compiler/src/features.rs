//! The proposals beyond version 1 of WebAssembly: which are translated, which of them a compilation takes,
//! which a module uses.
//!
//! **Invariant: [`FEATURES`] is the only list.** Validation, diagnostics, the descriptor's list of what a
//! module uses and the command's options all follow it; a row that is `translated` is taken unless it is
//! disabled.

use crate::error::CompileError;
use wasmaot_abi::types::{HeapType, RefType, ValType};
use wasmparser::{BinaryReaderError, Operator, Validator, WasmFeatures};

/// A proposal beyond version 1.
#[derive(Debug, PartialEq)]
pub struct Feature {
    /// Its name, as the proposal's repository spells it.
    pub name: &'static str,
    /// Whether this version translates it.
    pub translated: bool,
    flags: WasmFeatures,
    /// What it builds on, and is disabled with.
    needs: WasmFeatures,
    /// What can be done about a module that uses it where it is not taken.
    help: &'static str,
}

const NOTHING: WasmFeatures = WasmFeatures::empty();

const fn translated(
    name: &'static str,
    flags: WasmFeatures,
    needs: WasmFeatures,
    help: &'static str,
) -> Feature {
    Feature { name, translated: true, flags, needs, help }
}

const fn refused(
    name: &'static str,
    flags: WasmFeatures,
    needs: WasmFeatures,
    help: &'static str,
) -> Feature {
    Feature { name, translated: false, flags, needs, help }
}

/// All proposals that the validator knows, by name.
#[rustfmt::skip]
pub static FEATURES: &[Feature] = &{
    use WasmFeatures as F;
    [
        translated("bulk-memory", F::BULK_MEMORY, NOTHING, "build without bulk memory operators (clang: -mno-bulk-memory)"),
        refused("custom-descriptors", F::CUSTOM_DESCRIPTORS, F::GC, "build for Wasm 3.0"),
        translated("custom-page-sizes", F::CUSTOM_PAGE_SIZES, NOTHING, "build with pages of 64 KiB"),
        translated("exceptions", F::EXCEPTIONS, F::REFERENCE_TYPES, "build without Wasm exceptions (clang: -fno-exceptions)"),
        translated("extended-const", F::EXTENDED_CONST, NOTHING, "build without extended constant expressions (clang: -mno-extended-const)"),
        translated("function-references", F::FUNCTION_REFERENCES, F::REFERENCE_TYPES, "build without typed function references"),
        refused("gc", F::GC, F::FUNCTION_REFERENCES.union(F::REFERENCE_TYPES), "languages that need a garbage collector of the host (Kotlin, Dart, Java, OCaml) are not supported; others build for wasm32-wasip1"),
        translated("legacy-exceptions", F::LEGACY_EXCEPTIONS, F::EXCEPTIONS.union(F::REFERENCE_TYPES), "build without Wasm exceptions (clang: -fno-exceptions)"),
        refused("memory-control", F::MEMORY_CONTROL, NOTHING, "build for Wasm 3.0"),
        translated("memory64", F::MEMORY64, NOTHING, "build for wasm32"),
        translated("multi-memory", F::MULTI_MEMORY, NOTHING, "build with one memory"),
        translated("multi-value", F::MULTI_VALUE, NOTHING, "build with at most one result (clang: -mno-multivalue)"),
        translated("mutable-global", F::MUTABLE_GLOBAL, NOTHING, "build without imported or exported mutable globals (clang: -mno-mutable-globals)"),
        translated("nontrapping-float-to-int-conversions", F::SATURATING_FLOAT_TO_INT, NOTHING, "build without saturating conversions (clang: -mno-nontrapping-fptoint)"),
        translated("reference-types", F::REFERENCE_TYPES, NOTHING, "build without reference types (clang: -mno-reference-types)"),
        translated("relaxed-simd", F::RELAXED_SIMD, F::SIMD, "build without relaxed SIMD (clang: -mno-relaxed-simd)"),
        refused("shared-everything-threads", F::SHARED_EVERYTHING_THREADS, F::THREADS, "build for Wasm 3.0"),
        translated("sign-extension-ops", F::SIGN_EXTENSION, NOTHING, "build without sign extension operators (clang: -mno-sign-ext)"),
        translated("simd", F::SIMD, NOTHING, "build without 128-bit vectors (clang: -mno-simd128)"),
        refused("stack-switching", F::STACK_SWITCHING, F::FUNCTION_REFERENCES, "build for Wasm 3.0"),
        translated("tail-call", F::TAIL_CALL, NOTHING, "build without tail calls (clang: -mno-tail-call)"),
        translated("threads", F::THREADS, NOTHING, "build without atomics and shared memories (clang: -mno-atomics)"),
        translated("wide-arithmetic", F::WIDE_ARITHMETIC, NOTHING, "build without wide arithmetic (clang: -mno-wide-arithmetic)"),
    ]
};

/// What builds on the component model and is refused by name in a component.
#[rustfmt::skip]
static COMPONENT_FEATURES: &[Feature] = &{
    use WasmFeatures as F;
    const WITHOUT: &str = "build for WASI 0.2 (target wasm32-wasip2)";
    [
        refused("component-model-async", F::CM_ASYNC, NOTHING, WITHOUT),
        refused("component-model-async-stackful", F::CM_ASYNC_STACKFUL, F::CM_ASYNC, WITHOUT),
        refused("component-model-canon-names", F::CM_CANON_NAMES, NOTHING, WITHOUT),
        refused("component-model-error-context", F::CM_ERROR_CONTEXT, F::CM_ASYNC, WITHOUT),
        refused("component-model-fixed-length-lists", F::CM_FIXED_LENGTH_LISTS, NOTHING, WITHOUT),
        refused("component-model-gc", F::CM_GC, F::GC, WITHOUT),
        refused("component-model-map", F::CM_MAP, NOTHING, WITHOUT),
        refused("component-model-more-async-builtins", F::CM_MORE_ASYNC_BUILTINS, F::CM_ASYNC, WITHOUT),
        refused("component-model-nested-names", F::CM_NESTED_NAMES, NOTHING, WITHOUT),
        refused("component-model-threading", F::CM_THREADING, F::CM_ASYNC, WITHOUT),
        refused("component-model-values", F::CM_VALUES, NOTHING, WITHOUT),
    ]
};

/// Not proposals, but asked for by the validator's switches for types that every version has.
const BASE: WasmFeatures = WasmFeatures::FLOATS.union(WasmFeatures::GC_TYPES);

/// The proposals that a compilation takes. By default all that are translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureSet(WasmFeatures);

impl Default for FeatureSet {
    fn default() -> Self {
        let translated = FEATURES.iter().filter(|feature| feature.translated);
        Self(translated.fold(BASE, |all, feature| all.union(feature.flags)))
    }
}

impl FeatureSet {
    /// The set without a feature and those that build on it.
    #[must_use]
    pub fn without(self, feature: &Feature) -> Self {
        let mut left = self.0.difference(feature.flags);
        for other in FEATURES.iter().filter(|other| other.needs.intersects(feature.flags)) {
            left = left.difference(other.flags);
        }
        Self(left)
    }

    /// Whether it has a feature.
    pub fn contains(self, feature: &Feature) -> bool {
        self.0.contains(feature.flags)
    }

    /// Names of all features in it, sorted.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        FEATURES.iter().filter(move |feature| self.contains(feature)).map(|feature| feature.name)
    }

    /// Whether it takes what these flags stand for.
    pub(crate) fn takes(self, flags: WasmFeatures) -> bool {
        self.0.contains(flags)
    }

    /// The set with the component model, for files that are components. That an import says which interface
    /// it implements is a matter of its name only.
    pub(crate) fn with_components(self) -> Self {
        Self(self.0.union(WasmFeatures::COMPONENT_MODEL).union(WasmFeatures::CM_IMPLEMENTS))
    }

    /// For the validator.
    ///
    /// In Wasm 3.0, recursion groups and constant expressions that read any earlier global came with garbage
    /// collection, and the validator has one switch for all of that. Function types are to be declared as
    /// others declare them, so it is on with function references; whatever else it lets pass is refused with
    /// [`refuse_gc`].
    pub(crate) fn flags(self) -> WasmFeatures {
        let with_groups = self.0.contains(WasmFeatures::FUNCTION_REFERENCES);
        if with_groups { self.0.union(WasmFeatures::GC) } else { self.0 }
    }
}

/// The feature of a name.
pub fn feature(name: &str) -> Option<&'static Feature> {
    FEATURES.iter().find(|feature| feature.name == name)
}

/// Names of the features in a set of flags.
pub(crate) fn names(used: WasmFeatures) -> Vec<String> {
    let used = FEATURES.iter().filter(|feature| used.contains(feature.flags));
    used.map(|feature| feature.name.to_string()).collect()
}

/// The feature that an operator belongs to.
pub(crate) fn of_operator(op: &Operator<'_>) -> WasmFeatures {
    macro_rules! flags {
        (mvp) => {
            NOTHING
        };
        (sign_extension) => {
            WasmFeatures::SIGN_EXTENSION
        };
        (saturating_float_to_int) => {
            WasmFeatures::SATURATING_FLOAT_TO_INT
        };
        (bulk_memory) => {
            WasmFeatures::BULK_MEMORY
        };
        (reference_types) => {
            WasmFeatures::REFERENCE_TYPES
        };
        (tail_call) => {
            WasmFeatures::TAIL_CALL
        };
        (memory_control) => {
            WasmFeatures::MEMORY_CONTROL
        };
        (threads) => {
            WasmFeatures::THREADS
        };
        (shared_everything_threads) => {
            WasmFeatures::SHARED_EVERYTHING_THREADS
        };
        (simd) => {
            WasmFeatures::SIMD
        };
        (relaxed_simd) => {
            WasmFeatures::RELAXED_SIMD
        };
        (exceptions) => {
            WasmFeatures::EXCEPTIONS
        };
        (legacy_exceptions) => {
            WasmFeatures::LEGACY_EXCEPTIONS
        };
        (function_references) => {
            WasmFeatures::FUNCTION_REFERENCES
        };
        (stack_switching) => {
            WasmFeatures::STACK_SWITCHING
        };
        (wide_arithmetic) => {
            WasmFeatures::WIDE_ARITHMETIC
        };
        (gc) => {
            WasmFeatures::GC
        };
        (custom_descriptors) => {
            WasmFeatures::CUSTOM_DESCRIPTORS
        };
    }
    macro_rules! by_operator {
        ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match op {
                $( Operator::$op { .. } => flags!($proposal), )*
                other => unreachable!("{other:?} is not among the validator's operators"),
            }
        };
    }
    wasmparser::for_each_operator!(by_operator)
}

/// The features beyond version 1 that a type of values gives away.
pub(crate) fn of_type(ty: ValType) -> WasmFeatures {
    match ty {
        ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 => NOTHING,
        ValType::V128 => WasmFeatures::SIMD,
        ValType::Ref(RefType { nullable, heap }) => {
            let named = matches!(heap, HeapType::Concrete(_));
            let mut used = WasmFeatures::REFERENCE_TYPES;
            used.set(WasmFeatures::FUNCTION_REFERENCES, named || !nullable);
            used.set(WasmFeatures::EXCEPTIONS, ty.is_exn_ref());
            used
        }
    }
}

/// The error for something that only garbage collection has.
pub(crate) fn refuse_gc(offset: usize, what: impl std::fmt::Display) -> CompileError {
    let gc = feature("gc").expect("it is listed");
    let message = format!("{what} needs garbage collection");
    CompileError::Unsupported { feature: gc.name, offset, message, help: gc.help }
}

/// Returns the error for an exact type, which only custom descriptors have.
pub(crate) fn refuse_exact(offset: usize, what: &str) -> CompileError {
    let feature = feature("custom-descriptors").expect("it is listed");
    let message = format!("{what} needs custom descriptors");
    CompileError::Unsupported { feature: feature.name, offset, message, help: feature.help }
}

/// Turns a validation failure into the error to report: a feature without which the module is invalid at that
/// place, or plain invalidity.
///
/// A feature is to blame if taking it moves the first failure further on. Some build on others, so those are
/// tried with what they need next, and at last everything at once.
pub(crate) fn explain(wasm: &[u8], taken: FeatureSet, error: BinaryReaderError) -> CompileError {
    let moves_on =
        |more: WasmFeatures| match Validator::new_with_features(FeatureSet(taken.0.union(more)).flags())
            .validate_all(wasm)
        {
            Ok(_) => true,
            Err(other) => other.offset() > error.offset(),
        };
    let (offset, message) = (error.offset(), error.message().to_string());
    let of_components = if taken.takes(WasmFeatures::COMPONENT_MODEL) { COMPONENT_FEATURES } else { &[] };
    let others = || FEATURES.iter().chain(of_components).filter(|feature| !taken.contains(feature));
    // Of what components are made of the validator says what is missing. What is behind it may be invalid all
    // the same.
    let missing = error.missing_wasm_feature().filter(|_| !of_components.is_empty());
    let missing = missing.and_then(|missing| others().find(|feature| feature.flags.intersects(missing)));
    let alone = missing.or_else(|| others().find(|feature| moves_on(feature.flags)));
    match alone.or_else(|| others().find(|feature| moves_on(feature.flags.union(feature.needs)))) {
        Some(feature) if feature.translated => {
            CompileError::Disabled { feature: feature.name, offset, message, help: feature.help }
        }
        Some(feature) => {
            CompileError::Unsupported { feature: feature.name, offset, message, help: feature.help }
        }
        None if moves_on(others().fold(NOTHING, |all, feature| all.union(feature.flags))) => {
            let (feature, help) = ("a combination of proposals", "build for Wasm 3.0");
            CompileError::Unsupported { feature, offset, message, help }
        }
        None => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_each_name_finds_its_row() {
        assert!(FEATURES.is_sorted_by_key(|feature| feature.name));
        for known in FEATURES {
            assert_eq!(feature(known.name).map(|found| found.flags), Some(known.flags));
        }
        assert!(feature("").is_none());
    }

    #[test]
    fn what_builds_on_a_disabled_feature_is_disabled_with_it() {
        for disabled in FEATURES {
            let left = FeatureSet(WasmFeatures::all()).without(disabled);
            for other in FEATURES {
                assert_eq!(
                    left.contains(other),
                    other.name != disabled.name && !other.needs.intersects(disabled.flags),
                    "{} without {}",
                    other.name,
                    disabled.name
                );
            }
        }
    }

    #[test]
    fn all_that_is_translated_is_taken() {
        for feature in FEATURES {
            assert_eq!(FeatureSet::default().contains(feature), feature.translated, "{}", feature.name);
        }
    }
}
