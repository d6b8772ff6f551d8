//! Random modules, run here and by the interpreter `wasmi`: results, memories, globals, tables, traps and
//! calls of host functions must agree. What the interpreter lacks is put in the place of what it has, or the
//! other way round: modules are rewritten for our side to call through references ([`references`]) and to
//! throw exceptions ([`throwing`]), and for its side to do without atomic operators ([`atomics`]). Generated
//! exceptions are compared with our own code, not optimised. Of metered code the count is compared, too
//! ([`counting`]). And what runs in time slices of a few microseconds is compared with what runs without
//! ([`sliced`]).
//!
//! Module number n is always the same. Variables: `WASMAOT_FUZZ_MODULES` is how many to run (2,500 unless
//! given), `WASMAOT_FUZZ_FIRST` the number of the first. A module on which the two disagree is written out;
//! once understood it belongs in `tests/regressions/`, which is run as well. **Invariant: at least half of
//! the modules run an export to its normal end**, so that agreement means something.

mod atomics;
mod compare;
mod counting;
mod engine;
mod generate;
mod ours;
mod references;
mod rewrite;
mod sliced;
#[path = "../smith.rs"]
mod smith;
mod theirs;
mod throwing;

use compare::{Tally, agree, argument, check_state, compare, function};
use generate::{Generated, Oracle};
use rewrite::Form;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use wasmaot_compiler::{OptLevel, Options, Pass, PassSet};
use wasmaot_tests::{files, options, parallel, report, tests_folder, variable, variants};

/// Modules of an ordinary run.
const MODULES: u64 = 2_500;

/// Writes a module out for a person to look at; the path, or why there is none.
fn keep(number: u64, wasm: &[u8]) -> String {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("differential-{number}.wat"));
    let text = wasmprinter::print_bytes(wasm).map_err(|e| e.to_string());
    match text.and_then(|text| std::fs::write(&path, text).map_err(|e| e.to_string())) {
        Ok(()) => path.display().to_string(),
        Err(error) => error,
    }
}

/// The default options, twice as often as each of the others, among which is each pass alone.
fn all_variants() -> Vec<(String, Options)> {
    let default = || ("default".to_string(), options());
    let passes = Pass::ALL.iter().map(|&pass| {
        let options = Options { opt: OptLevel::Full, passes: PassSet::only(pass), ..options() };
        (format!("only {}", pass.name()), options)
    });
    [default(), default()].into_iter().chain(variants()).chain(passes).collect()
}

/// The random modules of a run.
struct Run {
    first: u64,
    count: u64,
}

/// A random module, and how it is compiled.
struct Case<'a> {
    generated: &'a Generated,
    options: &'a Options,
    form: Form,
}

impl Run {
    /// What the variables ask for, or as many modules as this from the first one on.
    fn wanted(modules: u64) -> Self {
        let first = variable("WASMAOT_FUZZ_FIRST", 0);
        Self { first, count: variable("WASMAOT_FUZZ_MODULES", modules) }
    }

    /// Tries all modules and adds up what happened. Fails if one of them did, or panicked, after
    /// all were tried.
    fn drive(&self, compare: impl Fn(&Case<'_>) -> Result<Tally, String> + Sync) -> Tally {
        let variants = all_variants();
        let failures = Mutex::new(Vec::new());
        let tallies = parallel(self.first..self.first + self.count, |number| {
            let generated = generate::module(number);
            let (variant, options) = &variants[number as usize / 4 % variants.len()];
            let form = Form::of_number(number);
            let case = Case { generated: &generated, options, form };
            let result = catch_unwind(AssertUnwindSafe(|| compare(&case)));
            let result = result.unwrap_or_else(|_| Err("a panic, see above".to_string()));
            result.unwrap_or_else(|error| {
                let (path, oracle) = (keep(number, &generated.wasm), generated.oracle);
                let line = format!(
                    "module {number} ({variant}, {oracle:?}, {form:?}): {error}\n  the module: {path}\n  again: \
                     WASMAOT_FUZZ_FIRST={number} WASMAOT_FUZZ_MODULES=1 cargo test -p wasmaot-tests --test differential"
                );
                failures.lock().unwrap_or_else(|e| e.into_inner()).push(line);
                Tally { modules: 1, ..Tally::default() }
            })
        });
        let failures = failures.into_inner().unwrap_or_else(|e| e.into_inner());
        assert!(
            failures.is_empty(),
            "{} modules disagree:\n{}",
            failures.len(),
            failures[..failures.len().min(10)].join("\n")
        );
        tallies.into_iter().fold(Tally::default(), Tally::add)
    }
}

#[test]
fn random_modules_agree() {
    let run = Run::wanted(MODULES);
    let tally = run.drive(|&Case { generated, options, form }| {
        let tally = compare(&generated.wasm, generated.oracle, form, options)?;
        let throwing = usize::from(form == Form::ThroughExceptions);
        Ok(Tally { with_atomics: usize::from(generated.atomics > 0), throwing, ..tally })
    });
    report(format_args!(
        "differential: {} modules from {}, {} with a normal end, {} calls ({} normal, {} trapped), {} out of stack",
        tally.modules,
        run.first,
        tally.with_normal_end,
        tally.calls,
        tally.normal_ends,
        tally.traps,
        tally.exhausted
    ));
    let Tally { with_atomics, throwing, exceptions, .. } = tally;
    report(format_args!(
        "differential: {with_atomics} modules with atomic operators, {throwing} that throw their results, {exceptions} calls ended in an exception"
    ));
    if run.count >= 1_000 {
        assert!(exceptions > 0, "no call ends in an exception");
    }
    if run.count >= 100 {
        assert!(tally.with_normal_end * 2 >= tally.modules, "too few modules run to a normal end");
        assert!(with_atomics * 20 >= tally.modules, "too few modules have atomic operators");
        assert!(tally.exhausted * 100 <= tally.modules, "too many modules run out of stack");
    }
}

#[test]
fn regressions_agree() {
    let found = files(&tests_folder().join("regressions"), "wat");
    assert!(!found.is_empty());
    for path in &found {
        let wasm = wat::parse_file(path).unwrap_or_else(|e| panic!("{e}"));
        for (variant, options) in all_variants() {
            for form in Form::ALL {
                let run = compare(&wasm, Oracle::Interpreter, form, &options);
                run.unwrap_or_else(|e| panic!("{} ({variant}, {form:?}): {e}", path.display()));
            }
        }
    }
    report(format_args!("differential: {} regressions agree", found.len()));
}
