//! Random modules, run here and by the interpreter `wasmi`: results, memories, globals, tables, traps and
//! calls of host functions must agree. What the interpreter lacks is put in the place of what it has, or the other way round: modules are
//! rewritten for our side to call through references ([`references`]) and to throw exceptions ([`throwing`]), and for its side to do
//! without atomic operators ([`atomics`]). Generated exceptions are compared with our own code, not optimised.
//! Of metered code the count is compared, too ([`counting`]).
//!
//! Module number n is always the same. Variables: `WASMAOT_FUZZ_MODULES` is how many to run (2,500
//! unless given), `WASMAOT_FUZZ_FIRST` the number of the first. A module on which the two disagree is
//! written out; once understood it belongs in `tests/regressions/`, which is run as well.
//! **Invariant: at least half of the modules run an export to its normal end**, so that agreement means something.

mod atomics;
mod counting;
mod engine;
mod generate;
mod ours;
mod references;
mod rewrite;
mod theirs;
mod throwing;

use engine::{End, Engine, Item, Plan, Program, Value};
use generate::{Generated, Oracle};
use rewrite::Form;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use wasmaot_abi::trap::TrapCode;
use wasmaot_abi::types::FuncType;
use wasmaot_compiler::Options;
use wasmaot_tests::{Random, files, options, parallel, report, tests_folder, variable, variants};

/// Modules of an ordinary run.
const MODULES: u64 = 2_500;

/// Calls in one instance.
const CALLS: usize = 2;

/// What happened to one module.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    modules: usize,
    with_normal_end: usize,
    calls: usize,
    normal_ends: usize,
    traps: usize,
    /// Calls that ended in an exception.
    exceptions: usize,
    /// Modules with atomic operators, and those that throw.
    with_atomics: usize,
    throwing: usize,
    /// Modules given up because one side ran out of stack, which the specification leaves to the implementation.
    exhausted: usize,
}

impl Tally {
    fn add(self, other: Tally) -> Tally {
        Tally {
            modules: self.modules + other.modules,
            with_normal_end: self.with_normal_end + other.with_normal_end,
            calls: self.calls + other.calls,
            normal_ends: self.normal_ends + other.normal_ends,
            traps: self.traps + other.traps,
            exceptions: self.exceptions + other.exceptions,
            with_atomics: self.with_atomics + other.with_atomics,
            throwing: self.throwing + other.throwing,
            exhausted: self.exhausted + other.exhausted,
        }
    }
}

impl Tally {
    /// Notes how a call ended on our side, and whether it ended alike on the other: not at all if a stack was used up, after which nothing
    /// more can be said. The message of an `Err` says where they disagree.
    fn note(&mut self, what: &str, ours: &End, theirs: &End) -> Result<bool, String> {
        self.calls += 1;
        match agree(ours, theirs) {
            Some(true) => {}
            Some(false) => return Err(format!("{what}: {ours:?} here, {theirs:?} there")),
            None => {
                self.exhausted = 1;
                return Ok(false);
            }
        }
        match ours {
            End::Values(_) => self.normal_ends += 1,
            End::Trap(_) => self.traps += 1,
            End::Exception(_) => self.exceptions += 1,
        }
        Ok(true)
    }
}

/// Whether the two ends agree; `None` if nothing can be said because a stack was used up.
fn agree(ours: &End, theirs: &End) -> Option<bool> {
    let exhausted = |end: &End| matches!(end, End::Trap(TrapCode::StackOverflow));
    if exhausted(ours) || exhausted(theirs) { None } else { Some(ours == theirs) }
}

fn argument(random: &mut Random, ty: wasmaot_abi::types::ValType) -> Value {
    const EDGES: [u64; 8] = [0, 1, 7, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000, u64::MAX];
    let bits = if random.below(2) == 0 { EDGES[random.below(EDGES.len())] } else { random.number() };
    Value::from_bits(ty, bits)
}

/// Runs a module on both sides, on ours in the given form. The message of an `Err` says where they disagree.
///
/// Each export has its turn in a fresh instance, as the fuel of an instance is used up for good; the export after it is
/// called next, to see what the first one left behind.
fn compare(wasm: &[u8], oracle: Oracle, form: Form, options: &Options) -> Result<Tally, String> {
    let mut tally = Tally { modules: 1, ..Tally::default() };
    let (theirs, ours) = (oracle.program(wasm)?, ours::Program::new(&form.of(wasm)?, options)?);
    let plan = theirs.plan();
    let functions: Vec<(&str, &FuncType)> = plan.exports.iter().filter_map(function).collect();
    let mut random = Random::new(0);
    for first in 0..functions.len().max(1) {
        let (theirs_end, theirs) = theirs.instantiate(&plan)?;
        let (ours_end, ours) = ours.instantiate(&plan)?;
        match agree(&ours_end, &theirs_end) {
            Some(true) => {}
            Some(false) => return Err(format!("instantiation: {ours_end:?} here, {theirs_end:?} there")),
            None => {
                tally.exhausted = 1;
                return Ok(tally);
            }
        }
        let (Some(mut ours), Some(mut theirs)) = (ours, theirs) else { return Ok(tally) };
        check_state(&plan, &mut *ours, &mut *theirs, "instantiation")?;
        for &(name, ty) in functions.iter().cycle().skip(first).take(CALLS.min(functions.len())) {
            let arguments: Vec<Value> = ty.params.iter().map(|&ty| argument(&mut random, ty)).collect();
            let what = format!("call of {name:?} with {arguments:?}");
            let ours_end = ours.call(name, &arguments)?;
            let theirs_end = theirs.call(name, &arguments)?;
            if !tally.note(&what, &ours_end, &theirs_end)? {
                return Ok(tally);
            }
            check_state(&plan, &mut *ours, &mut *theirs, &what)?;
        }
    }
    tally.with_normal_end = usize::from(tally.normal_ends > 0);
    Ok(tally)
}

fn function((name, item): &(String, Item)) -> Option<(&str, &FuncType)> {
    if let Item::Func(ty) = item { Some((name, ty)) } else { None }
}

/// Compares everything that the host can see.
fn check_state(
    plan: &Plan,
    ours: &mut dyn Engine,
    theirs: &mut dyn Engine,
    when: &str,
) -> Result<(), String> {
    let (ours_log, theirs_log) = (ours.host_calls(), theirs.host_calls());
    if ours_log != theirs_log {
        return Err(format!("after {when}: host calls {ours_log:?} here, {theirs_log:?} there"));
    }
    for (name, item) in &plan.exports {
        match item {
            Item::Func(_) | Item::Tag(_) => {}
            Item::Global(_) => {
                let (a, b) = (ours.global(name), theirs.global(name));
                if a != b {
                    return Err(format!("after {when}: global {name:?} is {a:?} here, {b:?} there"));
                }
            }
            Item::Table(_) => {
                let (a, b) = (ours.table(name), theirs.table(name));
                if a != b {
                    return Err(format!("after {when}: table {name:?} is {a:?} here, {b:?} there"));
                }
            }
            Item::Memory(_) => {
                let (a, b) = (ours.memory(name), theirs.memory(name));
                if a == b {
                    continue;
                }
                if a.len() != b.len() {
                    let (a, b) = (a.len(), b.len());
                    return Err(format!("after {when}: memory {name:?}: {a} bytes here, {b} there"));
                }
                if let Some(at) = a.iter().zip(&b).position(|(a, b)| a != b) {
                    let (a, b) = (a[at], b[at]);
                    return Err(format!(
                        "after {when}: memory {name:?} at {at:#x}: {a:#x} here, {b:#x} there"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Writes a module out for a person to look at; the path, or why there is none.
fn keep(number: u64, wasm: &[u8]) -> String {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("differential-{number}.wat"));
    let text = wasmprinter::print_bytes(wasm).map_err(|e| e.to_string());
    match text.and_then(|text| std::fs::write(&path, text).map_err(|e| e.to_string())) {
        Ok(()) => path.display().to_string(),
        Err(error) => error,
    }
}

/// In which form modules are run here, by number.
const FORMS: [Form; 5] = {
    use Form::{AsGenerated as A, ThroughExceptions as E, ThroughReferences as R};
    [A, E, R, A, E]
};

/// The default options, twice as often as each of the others.
fn all_variants() -> Vec<(String, Options)> {
    let default = || ("default".to_string(), options());
    [default(), default()].into_iter().chain(variants()).collect()
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
            let form = FORMS[number as usize % FORMS.len()];
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
