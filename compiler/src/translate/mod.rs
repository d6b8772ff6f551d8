//! From Wasm function bodies to CLIF.
//!
//! | file | duty |
//! |---|---|
//! | [`ops`] | the table of operators |
//! | [`control`] | blocks, branches, the control stack |
//! | [`call`] | calls, direct and indirect, and calls of builtins |
//! | [`exception`] | throwing, and calls that an exception may pass; `exception/legacy` has the older form |
//! | [`tail_call`] | tail calls |
//! | [`heap`] | **sandbox-critical**: from a Wasm address to a native one |
//! | [`memory`] | loads, stores, size |
//! | [`meter`] | counting the operators that are executed |
//! | [`atomic`] | atomic operators |
//! | [`bulk`] | copying and filling memory |
//! | [`helper`] | functions that artifacts have for what takes more than a few instructions |
//! | [`table`] | table operators, and **sandbox-critical**: from an index to an element |
//! | [`local`] | locals |
//! | [`global`] | globals |
//! | [`reference`] | references, and branches on null |
//! | [`call_ref`] | calls through references |
//! | [`numeric`], [`convert`], [`round`], [`wide`] | arithmetic |
//! | [`simd`] | vectors |
//! | [`vmctx`] | reads and writes of instance state |
//! | [`thunk`] | array entries, and thunks for imports |
//!
//! Bodies have been validated: operand types and indices are right, and are not checked again.
//! **Invariant: compiled code computes no address other than `vmctx + constant`, what [`heap`] and
//! [`table`] give it, and what it loads from the instance's constants.**

mod atomic;
mod bulk;
mod call;
mod call_ref;
mod control;
mod convert;
mod exception;
mod global;
mod heap;
mod helper;
mod local;
mod memory;
mod meter;
mod numeric;
mod ops;
mod reference;
mod round;
mod simd;
mod table;
mod tail_call;
mod thunk;
mod vmctx;
mod wide;

use crate::budget::Budget;
use crate::error::CompileError;
use crate::isa::Target;
use crate::module::ModuleInfo;
use crate::module::tables::Elements;
use crate::options::RelaxedSimd;
use cranelift_codegen::ir::{
    self, AbiParam, ExtFuncData, ExternalName, Function, InstBuilder, Signature, SourceLoc, UserExternalName,
    UserFuncName, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use std::collections::{HashMap, VecDeque};
use wasmaot_abi::printable::Printable;
use wasmaot_abi::state::StateLayout;
use wasmaot_abi::types::{FuncType, ValType};
use wasmparser::FunctionBody;

pub(crate) use bulk::helpers_move;
pub(crate) use helper::{Helper, helper};
pub(crate) use meter::uncharged_at_access;
pub(crate) use thunk::{array_entry, import_thunk};

/// Namespace of functions in CLIF names: a Wasm function's index, after those one array entry per
/// function entry, and last the helpers.
pub(crate) const FUNCTIONS: u32 = 0;

/// Namespace of constant tables in CLIF names, by table index.
pub(crate) const TABLES: u32 = 1;

/// What all functions of a module share.
pub(crate) struct Env<'m> {
    pub(crate) module: &'m ModuleInfo<'m>,
    pub(crate) layout: StateLayout,
    pub(crate) constant_tables: &'m [Option<Elements>],
    /// Functions that can be reached from outside, ascending.
    pub(crate) entries: &'m [u32],
    /// Helpers that the module needs.
    pub(crate) helpers: &'m [Helper],
    pub(crate) target: &'m Target,
    pub(crate) relaxed_simd: RelaxedSimd,
    /// Whether code counts the operators that it executes.
    pub(crate) meter: bool,
    pub(crate) budget: &'m Budget,
}

impl Env<'_> {
    /// The signature of a tail entry.
    fn tail_signature(&self, ty: &FuncType) -> Signature {
        let mut signature = Signature::new(CallConv::Tail);
        signature.params.push(AbiParam::new(types::I64));
        signature.params.extend(ty.params.iter().map(|&ty| AbiParam::new(clif_type(ty))));
        signature.returns.extend(ty.results.iter().map(|&ty| AbiParam::new(clif_type(ty))));
        signature
    }

    /// What a CLIF name stands for, in words.
    pub(crate) fn symbol(&self, namespace: u32, index: u32) -> String {
        if namespace == TABLES {
            return format!("table[{index}]");
        }
        let Some(beyond) = (index as usize).checked_sub(self.module.functions.len()) else {
            return self.module.function_name(index);
        };
        match self.entries.get(beyond) {
            Some(&func) => format!("array entry of {}", self.module.function_name(func)),
            None => self.helpers[beyond - self.entries.len()].name().to_string(),
        }
    }

    /// Returns [`Env::symbol`] as listings and messages show it, with control characters written as escapes.
    pub(crate) fn label(&self, namespace: u32, index: u32) -> String {
        Printable(&self.symbol(namespace, index)).to_string()
    }

    /// The index of a helper in CLIF names.
    fn helper_index(&self, helper: Helper) -> u32 {
        let position = self.helpers.iter().position(|&known| known == helper);
        let position = position.expect("the survey noted every helper that is needed");
        (self.module.functions.len() + self.entries.len() + position) as u32
    }

    /// Position of a function in the list of entries.
    pub(crate) fn entry(&self, func: u32) -> u32 {
        self.entries.binary_search(&func).expect("every function that is referenced has an entry") as u32
    }
}

/// The type of a Wasm value in CLIF. Function references are addresses, other references indices.
fn clif_type(ty: ValType) -> ir::Type {
    match ty {
        ValType::I32 => types::I32,
        ValType::I64 => types::I64,
        ValType::F32 => types::F32,
        ValType::F64 => types::F64,
        ValType::V128 => types::I8X16,
        ValType::Ref(ty) if ty.heap.is_func() => types::I64,
        ValType::Ref(_) => types::I32,
    }
}

/// The name of a function in CLIF.
fn function_name(index: u32) -> UserFuncName {
    UserFuncName::user(FUNCTIONS, index)
}

/// Operators between two looks at the time that is left.
const OPERATORS_PER_LOOK: u64 = 1 << 16;

/// A translated body.
pub(crate) struct Translation {
    /// The operators where a trap finds some that are executed and not charged, by offset in the
    /// Wasm file, ascending, with the number of those; none if nothing is counted.
    pub(crate) rows: Vec<(u32, u8)>,
    /// What the translation took beside the function that it made: locals, the clauses that each
    /// region lists, and the operands that each `if` keeps for its `else`.
    pub(crate) extra_size: u64,
}

/// Translates the body of function `func` into `into`.
pub(crate) fn translate(
    env: &Env<'_>,
    func: u32,
    body: &FunctionBody<'_>,
    into: &mut Function,
    context: &mut FunctionBuilderContext,
) -> Result<Translation, CompileError> {
    let ty = env.module.function_type(func);
    into.signature = env.tail_signature(ty);
    into.name = function_name(func);
    let mut t = Translator::new(env, FunctionBuilder::new(into, context), body);
    t.builder.set_srcloc(location(body.range().start));
    if local::lie_in_frame(body, ty.params.len() as u64 + declared_locals(body)?) {
        t.use_cells();
    }
    t.enter_function(ty);
    t.declare_locals(body)?;
    let mut reader = body.get_operators_reader()?;
    let mut translated = 0_u64;
    while !reader.eof() {
        let (op, offset) = reader.read_with_offset()?;
        t.builder.set_srcloc(location(offset));
        t.count(&op, offset);
        t.operator(&op);
        env.budget.check_growth(t.builder.func, t.extra_size)?;
        translated += 1;
        if translated.is_multiple_of(OPERATORS_PER_LOOK) {
            env.budget.check_time()?;
        }
    }
    let translation = Translation { rows: t.take_rows(), extra_size: t.extra_size };
    t.builder.seal_all_blocks();
    t.builder.finalize(env.target.isa.frontend_config());
    Ok(translation)
}

/// Locals that a body declares beside its parameters.
fn declared_locals(body: &FunctionBody<'_>) -> Result<u64, CompileError> {
    let groups = body.get_locals_reader()?.into_iter();
    groups.map(|group| Ok(u64::from(group?.0))).sum()
}

/// Offsets in the Wasm file are what the address map calls source locations.
fn location(offset: usize) -> SourceLoc {
    SourceLoc::new(offset as u32)
}

/// The state of one function's translation.
struct Translator<'e, 'f> {
    env: &'e Env<'e>,
    builder: FunctionBuilder<'f>,
    body: &'e FunctionBody<'e>,
    /// Base of memory 0 and of the instance's state.
    vmctx: Value,
    locals: Vec<local::Local>,
    /// The part of the frame that locals lie in, unless they are values.
    cells: Option<local::Cells>,
    /// The operand stack.
    stack: Vec<Value>,
    control: Vec<control::Frame>,
    /// Whether the current position can be reached. If not, operators are skipped.
    reachable: bool,
    /// Imported into the CLIF function so far.
    functions: HashMap<u32, ir::FuncRef>,
    signatures: HashMap<u32, ir::SigRef>,
    builtin_signatures: HashMap<(usize, bool), ir::SigRef>,
    constant_tables: HashMap<u32, ir::GlobalValue>,
    helpers: [Option<ir::FuncRef>; Helper::ALL.len()],
    regions: Vec<exception::Region>,
    /// See [`Translation::extra_size`].
    extra_size: u64,
    /// Cells for values to be thrown, if the function throws any.
    thrown: Option<ir::StackSlot>,
    /// Of each `try` to come; read at the first.
    outlines: Option<VecDeque<exception::legacy::Outline>>,
    /// Counts operators, if they are to be counted.
    meter: Option<meter::Meter>,
}

impl<'e, 'f> Translator<'e, 'f> {
    fn new(env: &'e Env<'e>, mut builder: FunctionBuilder<'f>, body: &'e FunctionBody<'e>) -> Self {
        let entry = open_entry(&mut builder);
        let vmctx = builder.block_params(entry)[0];
        Self {
            env,
            builder,
            body,
            vmctx,
            locals: Vec::new(),
            cells: None,
            stack: Vec::new(),
            control: Vec::new(),
            reachable: true,
            functions: HashMap::new(),
            signatures: HashMap::new(),
            builtin_signatures: HashMap::new(),
            constant_tables: HashMap::new(),
            helpers: [None; Helper::ALL.len()],
            regions: Vec::new(),
            extra_size: 0,
            thrown: None,
            outlines: None,
            meter: env.meter.then(meter::Meter::default),
        }
    }

    /// Makes the parameters locals, and the block that ends the function the outermost frame.
    fn enter_function(&mut self, ty: &FuncType) {
        let entry = self.builder.current_block().expect("in the entry block");
        for (index, &param) in ty.params.iter().enumerate() {
            let value = self.builder.block_params(entry)[index + 1];
            self.declare_local(param, value);
        }
        self.push_function_frame(&ty.results);
    }

    fn declare_locals(&mut self, body: &FunctionBody<'_>) -> Result<(), CompileError> {
        for group in body.get_locals_reader()? {
            let (count, ty) = group?;
            let ty = self.env.module.surveyed_type(ty);
            let zero = self.zero(ty);
            for _ in 0..count {
                self.declare_local(ty, zero);
            }
        }
        Ok(())
    }

    fn zero(&mut self, ty: ValType) -> Value {
        match clif_type(ty) {
            types::F32 => self.builder.ins().f32const(0.0),
            types::F64 => self.builder.ins().f64const(0.0),
            types::I8X16 => self.vector([0; 16]),
            ty => self.builder.ins().iconst(ty, 0),
        }
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    fn pop(&mut self) -> Value {
        self.stack.pop().expect("validated: the operand stack is not empty")
    }

    fn pop2(&mut self) -> (Value, Value) {
        let second = self.pop();
        (self.pop(), second)
    }

    fn pop3(&mut self) -> (Value, Value, Value) {
        let third = self.pop();
        let (first, second) = self.pop2();
        (first, second, third)
    }

    /// Imports a Wasm function of this module into the CLIF function.
    fn function(&mut self, func: u32) -> ir::FuncRef {
        if let Some(&known) = self.functions.get(&func) {
            return known;
        }
        let signature = self.signature(self.env.module.functions[func as usize]);
        let imported = import_function(self.builder.func, func, signature);
        self.functions.insert(func, imported);
        imported
    }

    /// Imports the tail signature of a type into the CLIF function.
    fn signature(&mut self, ty: u32) -> ir::SigRef {
        let (env, builder) = (self.env, &mut self.builder);
        *self
            .signatures
            .entry(ty)
            .or_insert_with(|| builder.import_signature(env.tail_signature(&env.module.types[ty as usize])))
    }
}

/// Opens the entry block, whose parameters are the function's.
fn open_entry(builder: &mut FunctionBuilder<'_>) -> ir::Block {
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder.seal_block(entry);
    entry
}

/// Declares a function of this module in a CLIF function, near enough for a relative call.
fn import_function(into: &mut Function, index: u32, signature: ir::SigRef) -> ir::FuncRef {
    let name = into.declare_imported_user_function(UserExternalName::new(FUNCTIONS, index));
    into.import_function(ExtFuncData {
        name: ExternalName::user(name),
        signature,
        colocated: true,
        patchable: false,
    })
}
