//! Metered code against the same module with its counting spelled out: before every operator that counts, a global is incremented.
//!
//! The rewritten module is compiled without a meter. **After every call, however it ended, its global and the meter show the same
//! number**, at every level of optimisation and in every form of the module.

use crate::engine::Program as _;
use crate::rewrite::{Facts, emit};
use crate::{Run, Tally, agree, argument, check_state, function, ours};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, Function, GlobalSection, GlobalType, Instruction,
    Module, SectionId, ValType,
};
use wasmaot_abi::types::FuncType;
use wasmaot_compiler::Options;
use wasmaot_tests::{Random, report};
use wasmparser::{ExportSectionReader, FunctionBody, GlobalSectionReader, Operator};

/// Modules of an ordinary run.
const MODULES: u64 = 600;

/// The export of the global.
const COUNT: &str = "operators executed";

/// Spells the counting of a module out.
fn rewrite(wasm: &[u8]) -> Result<Vec<u8>, Error> {
    let facts = Facts::of(wasm)?;
    let mut module = Module::new();
    Rewriter { facts, bodies: 0, global: false }.parse_core_module(
        &mut module,
        wasmparser::Parser::new(0),
        wasm,
    )?;
    Ok(module.finish())
}

struct Rewriter {
    facts: Facts,
    /// Bodies so far.
    bodies: usize,
    /// Whether the global is there.
    global: bool,
}

impl Rewriter {
    /// Index of the global, which comes behind all others.
    fn count(&self) -> u32 {
        self.facts.globals
    }

    fn add_global(&mut self, globals: &mut GlobalSection) {
        self.global = true;
        let ty = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
        globals.global(ty, &ConstExpr::i64_const(0));
    }
}

impl Reencode for Rewriter {
    type Error = std::convert::Infallible;

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_global_section(self, globals, section)?;
        self.add_global(globals);
        Ok(())
    }

    /// Globals come before exports.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Result<(), Error> {
        if !self.global && before == Some(SectionId::Export) {
            let mut globals = GlobalSection::new();
            self.add_global(&mut globals);
            module.section(&globals);
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_export_section(self, exports, section)?;
        exports.export(COUNT, ExportKind::Global, self.count());
        Ok(())
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), Error> {
        use Instruction as I;
        let (mut function, _): (Function, u32) = self.facts.with_locals(self.bodies, &body, &[])?;
        self.bodies += 1;
        for op in body.get_operators_reader()? {
            let op = op?;
            if counts(&op) {
                let count = self.count();
                emit(&mut function, [I::GlobalGet(count), I::I64Const(1), I::I64Add, I::GlobalSet(count)]);
            }
            function.instruction(&self.instruction(op)?);
        }
        code.function(&function);
        Ok(())
    }
}

/// What only delimits does not count, and neither does what does nothing.
fn counts(op: &Operator<'_>) -> bool {
    let name = format!("{op:?}");
    let name = name.split([' ', '{']).next().expect("a name");
    !["Nop", "Block", "Loop", "Else", "End", "Try", "TryTable", "Catch", "CatchAll", "Delegate"]
        .contains(&name)
}

/// Runs all exports of a module with a meter, and spelled out.
fn compare(wasm: &[u8], options: &Options) -> Result<Tally, String> {
    let mut tally = Tally { modules: 1, ..Tally::default() };
    let spelled = rewrite(wasm).map_err(|error| error.to_string())?;
    let (plain, metered) =
        (Options { meter: false, ..options.clone() }, Options { meter: true, ..options.clone() });
    let (theirs, ours) = (ours::Program::new(&spelled, &plain)?, ours::Program::new(wasm, &metered)?);
    let plan = ours.plan();
    let functions: Vec<(&str, &FuncType)> = plan.exports.iter().filter_map(function).collect();
    let mut random = Random::new(0);
    let (ours_end, ours) = ours.instantiate(&plan)?;
    let (theirs_end, theirs) = theirs.instantiate(&plan)?;
    if !agree(&ours_end, &theirs_end).unwrap_or(true) {
        return Err(format!("instantiation: {ours_end:?} metered, {theirs_end:?} spelled out"));
    }
    let (Some(mut ours), Some(mut theirs)) = (ours, theirs) else { return Ok(tally) };
    for (name, ty) in functions {
        let arguments: Vec<_> = ty.params.iter().map(|&ty| argument(&mut random, ty)).collect();
        let what = format!("call of {name:?} with {arguments:?}");
        let (ours_end, theirs_end) = (ours.call(name, &arguments)?, theirs.call(name, &arguments)?);
        if !tally.note(&what, &ours_end, &theirs_end)? {
            return Ok(tally);
        }
        let (counted, executed) = (ours.operators(), theirs.global(COUNT).bits64());
        if counted != Some(executed) {
            return Err(format!("{what}, {ours_end:?}: {counted:?} counted, {executed} executed"));
        }
        check_state(&plan, &mut *ours, &mut *theirs, &what)?;
    }
    tally.with_normal_end = usize::from(tally.normal_ends > 0);
    Ok(tally)
}

#[test]
fn metered_code_counts_what_it_executes() {
    let run = Run::wanted(MODULES);
    let tally = run.drive(|case| compare(&case.form.of(&case.generated.wasm)?, case.options));
    let Tally { modules, calls, normal_ends, traps, exceptions, exhausted, .. } = tally;
    report(format_args!(
        "differential: {modules} metered modules from {}, {calls} calls ({normal_ends} normal, {traps} trapped, {exceptions} threw), {exhausted} out of stack",
        run.first
    ));
    if run.count >= 500 {
        assert!(normal_ends > 0 && traps > 0 && exceptions > 0, "some kind of end is missing");
        assert!(exhausted * 20 <= modules, "too many modules run out of stack");
    }
}
