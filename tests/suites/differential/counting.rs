//! Metered code against the same module with its counting spelled out: before every operator that counts, a
//! global is incremented, and behind every one that does bulk work, or before it throws, what that costs is
//! added to another.
//!
//! The rewritten module is compiled without a meter. **After every call, however it ended, its globals and
//! the meter show the same numbers**, at every level of optimisation and in every form of the module.

use crate::engine::Program as _;
use crate::rewrite::{Facts, emit};
use crate::{Run, Tally, agree, argument, check_state, function, ours};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ExportKind, ExportSection, Function, GlobalSection, GlobalType,
    Instruction, Module, SectionId, ValType,
};
use wasmaot_abi::meter::throw_price;
use wasmaot_abi::types::FuncType;
use wasmaot_compiler::Options;
use wasmaot_tests::{Random, report};
use wasmparser::{ExportSectionReader, FunctionBody, GlobalSectionReader, Operator};

/// Modules of an ordinary run.
const MODULES: u64 = 600;

/// The exports of the globals.
const COUNT: &str = "operators executed";
const BULK: &str = "fuel for bulk work";

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
    /// Whether the globals are there.
    global: bool,
}

/// An operator that does bulk work.
struct Bulk {
    /// Whether its last operand, which says how much it does, has 64 bits.
    wide: bool,
    /// Whether it counts bytes, and how many a unit of the operand stands for; or else elements.
    unit: Option<u64>,
    /// Whether it grows something, and gives -1 if it does not.
    grows: bool,
}

impl Rewriter {
    /// Index of the global, which comes behind all others.
    fn count(&self) -> u32 {
        self.facts.globals
    }

    /// Index of the other one.
    fn bulk_fuel(&self) -> u32 {
        self.facts.globals + 1
    }

    fn add_global(&mut self, globals: &mut GlobalSection) {
        self.global = true;
        let ty = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
        globals.global(ty, &ConstExpr::i64_const(0)).global(ty, &ConstExpr::i64_const(0));
    }

    fn bulk(&self, op: &Operator<'_>) -> Option<Bulk> {
        use Operator as O;
        let memory = |index: u32| self.facts.memories[index as usize];
        let table = |index: u32| self.facts.tables[index as usize];
        let (wide, unit, grows) = match *op {
            O::MemoryFill { mem } => (memory(mem).memory64, Some(1), false),
            O::MemoryCopy { dst_mem, src_mem } => {
                (memory(dst_mem).memory64 && memory(src_mem).memory64, Some(1), false)
            }
            O::MemoryInit { .. } => (false, Some(1), false),
            O::MemoryGrow { mem } => {
                (memory(mem).memory64, Some(1 << memory(mem).page_size_log2.unwrap_or(16)), true)
            }
            O::TableFill { table: index } => (table(index).table64, None, false),
            O::TableCopy { dst_table, src_table } => {
                (table(dst_table).table64 && table(src_table).table64, None, false)
            }
            O::TableInit { .. } => (false, None, false),
            O::TableGrow { table: index } => (table(index).table64, None, true),
            _ => return None,
        };
        Some(Bulk { wide, unit, grows })
    }

    /// Adds what an operator costs that has just been executed. Its last operand is in the first local if
    /// that has 64 bits, or else in the second; the locals behind each are free.
    fn pay(&self, function: &mut Function, bulk: &Bulk, [wide, narrow]: [u32; 2]) {
        use Instruction as I;
        let fuel = self.bulk_fuel();
        if bulk.grows {
            match bulk.wide {
                true => emit(function, [I::LocalTee(wide + 1), I::LocalGet(wide + 1)]),
                false => emit(function, [I::LocalTee(narrow + 1), I::LocalGet(narrow + 1), I::I64ExtendI32S]),
            }
            emit(function, [I::I64Const(-1), I::I64Ne, I::If(BlockType::Empty)]);
        }
        emit(function, [I::GlobalGet(fuel)]);
        match bulk.wide {
            true => emit(function, [I::LocalGet(wide)]),
            false => emit(function, [I::LocalGet(narrow), I::I64ExtendI32U]),
        }
        if let Some(bytes) = bulk.unit {
            // One for each 64 bytes behind the first 64: (n + (n == 0) - 1) / 64.
            emit(function, [I::I64Const(bytes as i64), I::I64Mul, I::LocalTee(wide), I::LocalGet(wide)]);
            emit(function, [I::I64Eqz, I::I64ExtendI32U, I::I64Add, I::I64Const(-1), I::I64Add]);
            emit(function, [I::I64Const(6), I::I64ShrU]);
        }
        emit(function, [I::I64Add, I::GlobalSet(fuel)]);
        if bulk.grows {
            emit(function, [I::End]);
        }
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
        exports.export(BULK, ExportKind::Global, self.bulk_fuel());
        Ok(())
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), Error> {
        use Instruction as I;
        let further = [(2, ValType::I64), (2, ValType::I32)];
        let (mut function, first) = self.facts.with_locals(self.bodies, &body, &further)?;
        let (wide, narrow) = (first, first + 2);
        self.bodies += 1;
        for op in body.get_operators_reader()? {
            let op = op?;
            if counts(&op) {
                let count = self.count();
                emit(&mut function, [I::GlobalGet(count), I::I64Const(1), I::I64Add, I::GlobalSet(count)]);
            }
            if matches!(op, Operator::Throw { .. }) {
                let (fuel, price) = (self.bulk_fuel(), throw_price(0) as i64);
                emit(&mut function, [I::GlobalGet(fuel), I::I64Const(price), I::I64Add, I::GlobalSet(fuel)]);
            }
            let bulk = self.bulk(&op);
            match &bulk {
                Some(Bulk { wide: true, .. }) => emit(&mut function, [I::LocalTee(wide)]),
                Some(_) => emit(&mut function, [I::LocalTee(narrow)]),
                None => {}
            }
            function.instruction(&self.instruction(op)?);
            if let Some(bulk) = bulk {
                self.pay(&mut function, &bulk, [wide, narrow]);
            }
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
    let mut with_bulk = false;
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
        let (fuel, bulk) = (ours.fuel(), theirs.global(BULK).bits64());
        if fuel != Some(executed + bulk) {
            return Err(format!("{what}, {ours_end:?}: {fuel:?} charged, {executed} and {bulk} used"));
        }
        with_bulk |= bulk > 0;
        check_state(&plan, &mut *ours, &mut *theirs, &what)?;
    }
    tally.with_bulk_work = usize::from(with_bulk);
    tally.with_normal_end = usize::from(tally.normal_ends > 0);
    Ok(tally)
}

#[test]
fn metered_code_counts_what_it_executes() {
    let run = Run::wanted(MODULES);
    let tally = run.drive(|case| compare(&case.form.of(&case.generated.wasm)?, case.options));
    let Tally { modules, calls, normal_ends, traps, exceptions, exhausted, with_bulk_work, .. } = tally;
    report(format_args!(
        "differential: {modules} metered modules from {}, {calls} calls ({normal_ends} normal, {traps} trapped, {exceptions} threw), {exhausted} out of stack, {with_bulk_work} modules paid for bulk work",
        run.first
    ));
    if run.count >= 500 {
        assert!(normal_ends > 0 && traps > 0 && exceptions > 0, "some kind of end is missing");
        assert!(with_bulk_work > 0, "no module paid for bulk work");
        assert!(exhausted * 20 <= modules, "too many modules run out of stack");
    }
}
