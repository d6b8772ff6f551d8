//! The state of one function's translation: operand stack, locals, and what the CLIF function has
//! imported so far.
//!
//! Everything else that a [`Translator`] does is in the files of the operators' families.

use super::cell::{Cells, Local};
use super::env::{Env, clif_type, open_entry};
use super::frame::{Frame, Region};
use super::outline::Outline;
use super::tally::Meter;
use crate::error::CompileError;
use crate::index::{FuncIndex, TableIndex, TypeIndex};
use crate::key::Helper;
use cranelift_codegen::ir::{self, InstBuilder, Value, types};
use cranelift_frontend::FunctionBuilder;
use std::collections::{HashMap, VecDeque};
use wasmaot_abi::types::{FuncType, ValType};
use wasmparser::FunctionBody;

/// The state of one function's translation.
pub(super) struct Translator<'e, 'f> {
    pub(super) env: &'e Env<'e>,
    pub(super) builder: FunctionBuilder<'f>,
    pub(super) body: &'e FunctionBody<'e>,
    /// Base of memory 0 and of the instance's state.
    pub(super) vmctx: Value,
    pub(super) locals: Vec<Local>,
    /// The part of the frame that locals lie in, unless they are values.
    pub(super) cells: Option<Cells>,
    /// The operand stack.
    pub(super) stack: Vec<Value>,
    pub(super) control: Vec<Frame>,
    /// Whether the current position can be reached. If not, operators are skipped.
    pub(super) reachable: bool,
    /// Imported into the CLIF function so far.
    pub(super) functions: HashMap<FuncIndex, ir::FuncRef>,
    pub(super) signatures: HashMap<TypeIndex, ir::SigRef>,
    pub(super) builtin_signatures: HashMap<(usize, bool), ir::SigRef>,
    pub(super) constant_tables: HashMap<TableIndex, ir::GlobalValue>,
    pub(super) helpers: [Option<ir::FuncRef>; Helper::ALL.len()],
    pub(super) regions: Vec<Region>,
    /// See [`Translation::extra_size`](super::Translation::extra_size).
    pub(super) extra_size: u64,
    /// Cells for values to be thrown, if the function throws any.
    pub(super) thrown: Option<ir::StackSlot>,
    /// Cells for values that imports are called with, if the function calls any.
    pub(super) imports: Option<ir::StackSlot>,
    pub(super) array_signature: Option<ir::SigRef>,
    /// Of each `try` to come; read at the first.
    pub(super) outlines: Option<VecDeque<Outline>>,
    /// Counts operators, if they are to be counted.
    pub(super) meter: Option<Meter>,
}

impl<'e, 'f> Translator<'e, 'f> {
    pub(super) fn new(
        env: &'e Env<'e>,
        mut builder: FunctionBuilder<'f>,
        body: &'e FunctionBody<'e>,
    ) -> Self {
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
            imports: None,
            array_signature: None,
            outlines: None,
            meter: env.meter.then(Meter::default),
        }
    }

    /// Makes the parameters locals, and the block that ends the function the outermost frame.
    pub(super) fn enter_function(&mut self, ty: &FuncType) {
        let entry = self.builder.current_block().expect("in the entry block");
        for (index, &param) in ty.params.iter().enumerate() {
            let value = self.builder.block_params(entry)[index + 1];
            self.declare_local(param, value);
        }
        self.push_function_frame(&ty.results);
    }

    pub(super) fn declare_locals(&mut self, body: &FunctionBody<'_>) -> Result<(), CompileError> {
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

    pub(super) fn zero(&mut self, ty: ValType) -> Value {
        match clif_type(ty) {
            types::F32 => self.builder.ins().f32const(0.0),
            types::F64 => self.builder.ins().f64const(0.0),
            types::I8X16 => self.vector([0; 16]),
            ty => self.builder.ins().iconst(ty, 0),
        }
    }

    pub(super) fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    pub(super) fn pop(&mut self) -> Value {
        self.stack.pop().expect("validated: the operand stack is not empty")
    }

    pub(super) fn pop2(&mut self) -> (Value, Value) {
        let second = self.pop();
        (self.pop(), second)
    }

    pub(super) fn pop3(&mut self) -> (Value, Value, Value) {
        let third = self.pop();
        let (first, second) = self.pop2();
        (first, second, third)
    }

    /// Imports a Wasm function of this module into the CLIF function.
    pub(super) fn function(&mut self, func: FuncIndex) -> ir::FuncRef {
        if let Some(&known) = self.functions.get(&func) {
            return known;
        }
        let signature = self.signature(self.env.type_of(func));
        let key = self.env.functions.of_func(func);
        let imported = self.env.import_function(self.builder.func, key, signature);
        self.functions.insert(func, imported);
        imported
    }

    /// Imports the tail signature of a type into the CLIF function.
    pub(super) fn signature(&mut self, ty: TypeIndex) -> ir::SigRef {
        let (env, builder) = (self.env, &mut self.builder);
        *self
            .signatures
            .entry(ty)
            .or_insert_with(|| builder.import_signature(env.tail_signature(&env.module.types[ty])))
    }
}
