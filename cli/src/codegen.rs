//! The options of `compile` and `run` that shape the code.

use clap::ValueEnum;
use wasmaot_abi::cpu;
use wasmaot_compiler::{Emit, Feature, FeatureSet, OptLevel, Options, Pass, PassSet, RelaxedSimd, TargetCpu};

/// Options that shape the code.
#[derive(Debug, PartialEq, clap::Args)]
pub(crate) struct CodegenOpts {
    /// Optimisation level: 0 none, 1 speed, 2 speed with all of wasmaot's passes [default: 1]
    #[arg(short = 'O', value_name = "LEVEL", value_parser = level)]
    level: Option<u8>,

    /// Minimum CPU to generate code for: a psABI level, or the features of this machine [default: x86-64-v2]
    #[arg(long, value_name = "CPU", value_enum)]
    target_cpu: Option<Cpu>,

    /// Results of relaxed SIMD instructions where the specification allows several: identical on every CPU,
    /// or those of the native instructions [default: deterministic]
    #[arg(long, value_name = "RESULTS", value_enum)]
    relaxed_simd: Option<Relaxed>,

    /// Generate code that counts the instructions it executes
    #[arg(long)]
    meter: bool,

    /// Omit source lines from the module's debug information (DWARF)
    #[arg(long)]
    no_debug: bool,

    /// Disable this pass at -O2; the set of passes may change with any version
    #[arg(long = "without-pass", value_name = "PASS", value_parser = pass, hide = true)]
    without_passes: Vec<Pass>,

    /// Refuse modules that use this feature [list: wasmaot compile --features]
    #[arg(long = "disable", value_name = "FEATURE", value_parser = translated_feature)]
    disabled: Vec<&'static Feature>,

    /// Threads to compile with [default: one per core]
    #[arg(long, value_name = "N", value_parser = jobs)]
    jobs: Option<u16>,
}

/// Values of `--target-cpu`.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Cpu {
    /// Every x86-64 CPU
    #[value(name = "x86-64")]
    Baseline,
    /// CPUs from about 2009 on
    #[value(name = "x86-64-v2")]
    V2,
    /// CPUs from about 2015 on, with AVX2, FMA and BMI
    #[value(name = "x86-64-v3")]
    V3,
    /// This machine's CPU; the result may run on no other
    #[value(name = "native")]
    Native,
}

/// Values of `--relaxed-simd`.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Relaxed {
    /// Identical on every CPU: multiply-add rounds twice; other instructions match fixed-width SIMD
    Deterministic,
    /// Fastest: the results of the CPU's own instructions
    Native,
}

impl CodegenOpts {
    /// The defaults.
    pub(crate) const DEFAULT: Self = Self {
        level: None,
        target_cpu: None,
        relaxed_simd: None,
        meter: false,
        no_debug: false,
        without_passes: Vec::new(),
        disabled: Vec::new(),
        jobs: None,
    };

    /// In the compiler's terms.
    pub(crate) fn options(&self, emit: Emit) -> Options {
        let opt = match self.level {
            Some(0) => OptLevel::None,
            None | Some(1) => OptLevel::Speed,
            Some(_) => OptLevel::Full,
        };
        let cpu = match self.target_cpu {
            Some(Cpu::Baseline) => TargetCpu::Level(cpu::BASELINE),
            None | Some(Cpu::V2) => TargetCpu::Level(cpu::V2),
            Some(Cpu::V3) => TargetCpu::Level(cpu::V3),
            Some(Cpu::Native) => TargetCpu::Native,
        };
        let relaxed_simd = match self.relaxed_simd {
            None | Some(Relaxed::Deterministic) => RelaxedSimd::Deterministic,
            Some(Relaxed::Native) => RelaxedSimd::Native,
        };
        let jobs = usize::from(self.jobs.unwrap_or(0));
        Options {
            opt,
            passes: self.without_passes.iter().fold(PassSet::default(), |all, &pass| all.without(pass)),
            cpu,
            emit,
            features: self.features(),
            relaxed_simd,
            meter: self.meter,
            no_debug: self.no_debug,
            jobs,
            ..Options::default()
        }
    }

    /// Returns the first option given that says what code is generated. An artifact has its code already.
    /// (How many threads would generate it does not matter then.)
    pub(crate) fn shaping(&self) -> Option<&'static str> {
        let given = [
            ("-O", self.level.is_some()),
            ("--target-cpu", self.target_cpu.is_some()),
            ("--relaxed-simd", self.relaxed_simd.is_some()),
            ("--meter", self.meter),
            ("--no-debug", self.no_debug),
            ("--without-pass", !self.without_passes.is_empty()),
            ("--disable", !self.disabled.is_empty()),
        ];
        given.into_iter().find_map(|(name, is_given)| is_given.then_some(name))
    }

    /// The features that modules may use.
    pub(crate) fn features(&self) -> FeatureSet {
        self.disabled.iter().fold(FeatureSet::default(), |taken, feature| taken.without(feature))
    }
}

fn level(text: &str) -> Result<u8, &'static str> {
    match text {
        "0" => Ok(0),
        "1" => Ok(1),
        "2" => Ok(2),
        _ => Err("no such level; the levels are 0, 1 and 2"),
    }
}

fn pass(name: &str) -> Result<Pass, String> {
    let named = Pass::ALL.iter().find(|pass| pass.name() == name);
    named.copied().ok_or_else(|| {
        let names: Vec<_> = Pass::ALL.iter().map(|pass| pass.name()).collect();
        format!("no such pass; the passes are {}", names.join(", "))
    })
}

/// A number of threads.
pub(crate) fn jobs(text: &str) -> Result<u16, &'static str> {
    match text.parse() {
        Ok(jobs) if jobs > 0 => Ok(jobs),
        _ => Err("not a number of threads, which is 1 to 65535"),
    }
}

fn translated_feature(name: &str) -> Result<&'static Feature, &'static str> {
    match wasmaot_compiler::feature(name) {
        Some(feature) if feature.translated => Ok(feature),
        Some(_) => Err("this version does not support it anyway"),
        None => Err("no such feature; `wasmaot compile --features` lists them"),
    }
}
