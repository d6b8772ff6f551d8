//! Compilation options as passed from C.
//!
//! **Invariant: a field with the value 0 means the default.**

use std::ffi::{CStr, c_char};
use std::time::Duration;
use wasmaot_abi::cpu::{self, LEVELS};
use wasmaot_compiler::{FeatureSet, OptLevel, Options, RelaxedSimd, TargetCpu};

/// How hard to optimise, by the ends of the names in the header.
#[expect(missing_docs, reason = "as in the header")]
pub mod opt {
    pub const DEFAULT: u32 = 0;
    pub const NONE: u32 = 1;
    pub const SPEED: u32 = 2;
    pub const FULL: u32 = 3;
}

/// Defines `wasmaot_compile_options_t` of `wasmaot-compiler.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[repr(C)]
pub struct wasmaot_compile_options_t {
    pub opt: u32,
    pub jobs: u32,
    pub target_cpu: *const c_char,
    pub disabled: *const c_char,
    pub max_memory: u64,
    pub timeout: u64,
    pub max_function_size: u64,
    pub meter: bool,
    pub native_relaxed_simd: bool,
}

/// # Safety
/// `string` is null, or NUL-terminated and unchanged during `'a`.
unsafe fn text<'a>(string: *const c_char, what: &str) -> Result<Option<&'a str>, String> {
    if string.is_null() {
        return Ok(None);
    }
    // SAFETY: the string is not null, so it ends with NUL and does not change meanwhile, as the caller says.
    let text = unsafe { CStr::from_ptr(string) }.to_str();
    text.map(Some).map_err(|error| format!("`{what}` is not UTF-8: {error}"))
}

fn target_cpu(name: &str) -> Result<TargetCpu, String> {
    if name == "native" {
        return Ok(TargetCpu::Native);
    }
    let level = LEVELS.into_iter().find(|level| level.name == name);
    level.map(TargetCpu::Level).ok_or_else(|| {
        let names: Vec<_> = LEVELS.iter().map(|level| level.name).collect();
        format!("`target_cpu` is \"{name}\"; it must be one of {}, native", names.join(", "))
    })
}

/// All features that are translated, but for those in a list.
fn without(names: &str) -> Result<FeatureSet, String> {
    let names = names.split(',').filter(|name| !name.is_empty());
    names.map(str::trim).try_fold(FeatureSet::default(), |taken, name| {
        let feature = wasmaot_compiler::feature(name).filter(|feature| feature.translated);
        feature.map(|feature| taken.without(feature)).ok_or_else(|| {
            format!("`disabled` names \"{name}\", which is no feature that this version takes")
        })
    })
}

impl wasmaot_compile_options_t {
    /// In the compiler's terms.
    ///
    /// # Errors
    /// A message about a value that is none of those that the header lists.
    ///
    /// # Safety
    /// The strings are as the header states.
    pub(crate) unsafe fn read(&self) -> Result<Options, String> {
        let opt = match self.opt {
            opt::DEFAULT => OptLevel::default(),
            opt::NONE => OptLevel::None,
            opt::SPEED => OptLevel::Speed,
            opt::FULL => OptLevel::Full,
            number => return Err(format!("{number} is no level of optimisation")),
        };
        // SAFETY: the caller says that strings in the structure are null, or end with NUL and do not change
        // meanwhile.
        let (target, disabled) =
            unsafe { (text(self.target_cpu, "target_cpu")?, text(self.disabled, "disabled")?) };
        let relaxed_simd =
            if self.native_relaxed_simd { RelaxedSimd::Native } else { RelaxedSimd::Deterministic };
        Ok(Options {
            opt,
            cpu: target.map_or(Ok(TargetCpu::Level(cpu::V2)), target_cpu)?,
            features: without(disabled.unwrap_or_default())?,
            relaxed_simd,
            meter: self.meter,
            jobs: self.jobs as usize,
            max_memory: (self.max_memory != 0).then_some(self.max_memory),
            max_function_size: (self.max_function_size != 0).then_some(self.max_function_size),
            timeout: (self.timeout != 0).then(|| Duration::from_nanos(self.timeout)),
            ..Options::default()
        })
    }
}
