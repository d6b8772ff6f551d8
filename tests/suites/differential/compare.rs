//! Runs a module on both sides and compares everything that a host can see.
//!
//! **Invariant: an `Err` is a disagreement or a fault of the harness**, never an outcome that both sides
//! agree on.

use crate::engine::{End, Engine, Item, Plan, Program, Value};
use crate::generate::Oracle;
use crate::ours;
use crate::rewrite::Form;
use wasmaot_abi::trap::TrapCode;
use wasmaot_abi::types::FuncType;
use wasmaot_compiler::Options;
use wasmaot_tests::Random;

/// Calls in one instance.
const CALLS: usize = 2;

/// What happened to one module.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) modules: usize,
    pub(crate) with_normal_end: usize,
    /// Modules that paid for bulk work.
    pub(crate) with_bulk_work: usize,
    pub(crate) calls: usize,
    pub(crate) normal_ends: usize,
    pub(crate) traps: usize,
    /// Calls that ended in an exception.
    pub(crate) exceptions: usize,
    /// Modules with atomic operators, and those that throw.
    pub(crate) with_atomics: usize,
    pub(crate) throwing: usize,
    /// Modules given up because one side ran out of stack, which the specification leaves to the
    /// implementation.
    pub(crate) exhausted: usize,
}

impl Tally {
    pub(crate) fn add(self, other: Tally) -> Tally {
        Tally {
            modules: self.modules + other.modules,
            with_normal_end: self.with_normal_end + other.with_normal_end,
            with_bulk_work: self.with_bulk_work + other.with_bulk_work,
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
    /// Notes how a call ended on our side, and whether it ended alike on the other: not at all if a stack was
    /// used up, after which nothing more can be said. The message of an `Err` says where they disagree.
    pub(crate) fn note(&mut self, what: &str, ours: &End, theirs: &End) -> Result<bool, String> {
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
pub(crate) fn agree(ours: &End, theirs: &End) -> Option<bool> {
    let exhausted = |end: &End| matches!(end, End::Trap(TrapCode::StackOverflow));
    if exhausted(ours) || exhausted(theirs) { None } else { Some(ours == theirs) }
}

pub(crate) fn argument(random: &mut Random, ty: wasmaot_abi::types::ValType) -> Value {
    const EDGES: [u64; 8] = [0, 1, 7, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000, u64::MAX];
    let bits = if random.below(2) == 0 { EDGES[random.below(EDGES.len())] } else { random.number() };
    Value::from_bits(ty, bits)
}

/// Runs a module on both sides, on ours in the given form. The message of an `Err` says where they disagree.
///
/// Each export has its turn in a fresh instance, as the fuel of an instance is used up for good; the export
/// after it is called next, to see what the first one left behind.
pub(crate) fn compare(wasm: &[u8], oracle: Oracle, form: Form, options: &Options) -> Result<Tally, String> {
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

pub(crate) fn function((name, item): &(String, Item)) -> Option<(&str, &FuncType)> {
    if let Item::Func(ty) = item { Some((name, ty)) } else { None }
}

/// Compares everything that the host can see.
pub(crate) fn check_state(
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
