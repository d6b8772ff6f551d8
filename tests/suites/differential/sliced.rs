//! Calls that yield every few microseconds against the same calls that do not.
//!
//! **After every call, however it ended, both show the same results, state and counts of operators and
//! fuel**, also where the stack is used up: a yield takes nothing of it.

use crate::engine::{Engine, Program as _};
use crate::{Run, Tally, argument, check_state, function, ours};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wasmaot_abi::types::FuncType;
use wasmaot_compiler::Options;
use wasmaot_tests::{Random, report};

/// Modules of an ordinary run.
const MODULES: u64 = 600;

/// Rounds of calls of all exports in one instance.
const ROUNDS: usize = 3;

/// Runs all exports of a module in one piece and in slices, and adds up how often they yielded.
fn compare(wasm: &[u8], options: &Options, yields: &AtomicU64) -> Result<Tally, String> {
    let mut tally = Tally { modules: 1, ..Tally::default() };
    let (whole, sliced) = (ours::Program::new(wasm, options)?, ours::Program::new(wasm, options)?.sliced());
    let plan = whole.plan();
    let functions: Vec<(&str, &FuncType)> = plan.exports.iter().filter_map(function).collect();
    let mut random = Random::new(0);
    let (Some(mut whole), Some(mut sliced)) = (whole.instantiate(&plan)?.1, sliced.instantiate(&plan)?.1)
    else {
        return Ok(tally);
    };
    for &(name, ty) in functions.iter().cycle().take(ROUNDS * functions.len()) {
        let arguments: Vec<_> = ty.params.iter().map(|&ty| argument(&mut random, ty)).collect();
        let what = format!("call of {name:?} with {arguments:?}");
        let (whole_end, sliced_end) = (whole.call(name, &arguments)?, sliced.call(name, &arguments)?);
        if sliced_end != whole_end {
            return Err(format!("{what}: {sliced_end:?} in slices, {whole_end:?} without"));
        }
        tally.note(&what, &sliced_end, &whole_end)?;
        let counts = |engine: &mut dyn Engine| (engine.operators(), engine.fuel());
        let (of_sliced, of_whole) = (counts(&mut *sliced), counts(&mut *whole));
        if of_sliced != of_whole {
            return Err(format!("{what}: {of_sliced:?} counted in slices, {of_whole:?} without"));
        }
        check_state(&plan, &mut *sliced, &mut *whole, &what)?;
    }
    yields.fetch_add(sliced.yields(), Relaxed);
    tally.with_normal_end = usize::from(tally.normal_ends > 0);
    Ok(tally)
}

#[test]
fn yields_change_nothing() {
    let (run, yields) = (Run::wanted(MODULES), AtomicU64::new(0));
    let tally = run.drive(|case| {
        let meter = case.generated.wasm.len().is_multiple_of(2);
        compare(&case.form.of(&case.generated.wasm)?, &Options { meter, ..case.options.clone() }, &yields)
    });
    let Tally { modules, calls, normal_ends, traps, exceptions, .. } = tally;
    let yields = yields.into_inner();
    report(format_args!(
        "differential: {modules} modules in slices from {}, {calls} calls ({normal_ends} normal, {traps} trapped, {exceptions} threw), {yields} yields",
        run.first
    ));
    if run.count >= 500 {
        assert!(normal_ends > 0 && traps > 0 && exceptions > 0, "some kind of end is missing");
        assert!(yields > run.count, "too few calls were interrupted");
    }
}
