//! The code generator's settings, and the CPU features they stand for.
//!
//! **Invariant: the features recorded in the artifact are exactly those that the code generator was
//! allowed to use.**

use crate::error::CompileError;
use crate::options::{OptLevel, Options, TargetCpu};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use target_lexicon::triple;
use wasmaot_abi::{cpu, slot};

/// The target, ready to compile for.
pub(crate) struct Target {
    pub(crate) isa: OwnedTargetIsa,
    /// See [`wasmaot_abi::cpu`].
    pub(crate) cpu_features: u64,
}

impl Target {
    pub(crate) fn new(options: &Options) -> Result<Self, CompileError> {
        let error = |e: &dyn std::fmt::Display| CompileError::Target(e.to_string());
        let cpu_features = match options.cpu {
            TargetCpu::Level(level) => level.features,
            TargetCpu::Native => wasmaot_abi::detect_cpu_features!(),
        };
        let mut builder =
            cranelift_codegen::isa::lookup(triple!("x86_64-unknown-linux-gnu")).map_err(|e| error(&e))?;
        for &(feature, name) in cpu::ALL {
            let setting = format!("has_{}", name.replace(['.', '-'], ""));
            let value = if cpu_features & feature != 0 { "true" } else { "false" };
            builder.set(&setting, value).map_err(|e| error(&e))?;
        }
        let isa = builder.finish(flags(options)).map_err(|e| error(&e))?;
        Ok(Self { isa, cpu_features })
    }

    pub(crate) fn has(&self, feature: u64) -> bool {
        self.cpu_features & feature != 0
    }
}

fn flags(options: &Options) -> settings::Flags {
    let mut flags = settings::builder();
    let mut set =
        |name: &str, value: &str| flags.set(name, value).expect("a setting of this Cranelift version");
    set("opt_level", if options.opt == OptLevel::None { "none" } else { "speed" });
    // All functions and data are colocated, so they are addressed relative to rip. With `is_pic`, Cranelift
    // would load the addresses of constant tables from a global offset table. The linker rejects library
    // calls, which would need one.
    set("is_pic", "false");
    set("preserve_frame_pointers", "true");
    set("unwind_info", "true");
    set("enable_probestack", "true");
    set("probestack_strategy", "inline");
    set("probestack_size_log2", &slot::STACK_PROBE_LOG2.to_string());
    set("enable_heap_access_spectre_mitigation", "true");
    set("enable_table_access_spectre_mitigation", "true");
    set("enable_llvm_abi_extensions", "true");
    set("enable_multi_ret_implicit_sret", "true");
    // Reserves r15, see `wasmaot_abi::meter`.
    set("enable_pinned_reg", if options.meter { "true" } else { "false" });
    // What the code generator prefers on this target.
    set("log2_min_function_alignment", "5");
    set("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" });
    settings::Flags::new(flags)
}
