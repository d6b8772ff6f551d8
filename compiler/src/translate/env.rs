//! What all functions of a module share, and how it appears in CLIF: types, signatures, names.

use crate::budget::Budget;
use crate::index::{FuncIndex, TableIndex, TypeIndex};
use crate::isa::Target;
use crate::key::{FuncKey, FuncKeys, Symbol};
use crate::module::ModuleInfo;
use crate::module::tables::Elements;
use crate::options::RelaxedSimd;
use crate::passes::PassSet;
use cranelift_codegen::ir::{self, AbiParam, ExtFuncData, ExternalName, Function, Signature, types};
use cranelift_codegen::isa::CallConv;
use cranelift_entity::PrimaryMap;
use cranelift_frontend::FunctionBuilder;
use wasmaot_abi::printable::Printable;
use wasmaot_abi::state::StateLayout;
use wasmaot_abi::types::{FuncType, ValType};

/// What all functions of a module share.
pub(crate) struct Env<'m> {
    pub(crate) module: &'m ModuleInfo<'m>,
    pub(crate) layout: StateLayout,
    pub(crate) constant_tables: &'m PrimaryMap<TableIndex, Option<Elements>>,
    /// The functions of the artifact.
    pub(crate) functions: &'m FuncKeys,
    pub(crate) target: &'m Target,
    pub(crate) relaxed_simd: RelaxedSimd,
    /// Whether code counts the operators that it executes.
    pub(crate) meter: bool,
    /// Whether the artifact gets the source lines of the module, if it has them.
    pub(crate) debug: bool,
    pub(crate) passes: PassSet,
    pub(crate) budget: &'m Budget,
}

impl Env<'_> {
    /// The signature of a tail entry.
    pub(super) fn tail_signature(&self, ty: &FuncType) -> Signature {
        let mut signature = Signature::new(CallConv::Tail);
        signature.params.push(AbiParam::new(types::I64));
        signature.params.extend(ty.params.iter().map(|&ty| AbiParam::new(clif_type(ty))));
        signature.returns.extend(ty.results.iter().map(|&ty| AbiParam::new(clif_type(ty))));
        signature
    }

    /// The type of a function, by its number in the artifact.
    pub(super) fn type_of(&self, func: FuncIndex) -> TypeIndex {
        self.module.functions[func]
    }

    /// Returns [`Env::symbol`] as listings and messages show it, with control characters written as
    /// escapes.
    pub(crate) fn label(&self, symbol: Symbol) -> String {
        Printable(&self.symbol(symbol)).to_string()
    }

    /// The name of what code refers to.
    pub(crate) fn symbol(&self, symbol: Symbol) -> String {
        let function = |func| self.module.function_name(func);
        match symbol {
            Symbol::Table(table) => format!("table[{}]", table.as_u32()),
            Symbol::Function(code) => match self.functions.key(code) {
                FuncKey::Thunk(func) => function(func),
                FuncKey::Function(func) => function(self.functions.defined(func)),
                FuncKey::ArrayEntry(entry) => {
                    format!("array entry of {}", function(self.functions.entries()[entry]))
                }
                FuncKey::Helper(helper) => helper.name().to_string(),
            },
        }
    }

    /// Declares a function of the artifact in a CLIF function, near enough for a relative call.
    pub(super) fn import_function(
        &self,
        into: &mut Function,
        key: FuncKey,
        signature: ir::SigRef,
    ) -> ir::FuncRef {
        let name = Symbol::Function(self.functions.code(key)).to_clif();
        let name = into.declare_imported_user_function(name);
        into.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature,
            colocated: true,
            patchable: false,
        })
    }
}

/// The type of a Wasm value in CLIF. Function references are addresses, other references indices.
pub(super) fn clif_type(ty: ValType) -> ir::Type {
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

/// Opens the entry block, whose parameters are the function's.
pub(super) fn open_entry(builder: &mut FunctionBuilder<'_>) -> ir::Block {
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder.seal_block(entry);
    entry
}
