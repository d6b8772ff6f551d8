//! The relocatable object: machine code and constant tables with symbols, for other tools. No
//! artifact is made from it.
//!
//! **Invariant: code and constant tables lie as they do in the artifact.**

use super::names;
use crate::codegen::{Code, Reference, Target};
use crate::error::{CompileError, EmitError};
use crate::index::{CodeIndex, FuncIndex, TableIndex};
use crate::key::Symbol;
use crate::translate::Env;
use cranelift_codegen::ir::Signature;
use cranelift_codegen::isa::CallConv;
use cranelift_entity::PrimaryMap;
use cranelift_module::{
    DataDescription, DataId, FuncId, Linkage, Module, ModuleError, ModuleReloc, ModuleRelocTarget,
    default_libcall_names,
};
use cranelift_object::object::write::Relocation;
use cranelift_object::object::{RelocationEncoding, RelocationFlags, RelocationKind};
use cranelift_object::{ObjectBuilder, ObjectModule, ObjectProduct};
use wasmaot_abi::state::ConstEntry;

/// Makes a relocatable object of the functions' code and the constant tables.
pub(crate) fn object(env: &Env<'_>, codes: &PrimaryMap<CodeIndex, Code>) -> Result<Vec<u8>, CompileError> {
    let builder =
        ObjectBuilder::new(env.target.isa.clone(), "wasmaot", default_libcall_names()).map_err(failed)?;
    let mut module = ObjectModule::new(builder);
    let names = declare_functions(env, &mut module)?;
    let tables = declare_tables(env, &mut module)?;
    for (index, code) in codes {
        let relocs = code.references.iter().map(|reference| module_reloc(reference, &names[index]));
        let relocs: Vec<ModuleReloc> = relocs.collect::<Result<_, _>>()?;
        module
            .define_function_bytes(function_id(index), code.alignment, &code.bytes, &relocs)
            .map_err(failed)?;
    }
    for &(table, id) in &tables {
        define_table(env, &mut module, table, id)?;
    }
    let mut product = module.finish();
    for &(table, id) in &tables {
        relocate_table(env, &mut product, table, id)?;
    }
    product.emit().map_err(|error| CompileError::Object(error.to_string()))
}

/// The id that [`declare_functions`] gives a function.
fn function_id(index: CodeIndex) -> FuncId {
    FuncId::from_u32(index.as_u32())
}

fn module_reloc(reference: &Reference, function: &str) -> Result<ModuleReloc, EmitError> {
    let Reference { at: offset, kind, addend, ref target } = *reference;
    match target {
        Target::Symbol(symbol) => {
            let name = symbol.to_clif();
            let name = ModuleRelocTarget::user(name.namespace, name.index);
            Ok(ModuleReloc { offset, kind, name, addend })
        }
        Target::Undefined(symbol) => {
            Err(EmitError::Undefined { symbol: symbol.clone(), site: format!("{function}+{offset:#x}") })
        }
    }
}

fn failed(error: ModuleError) -> CompileError {
    CompileError::Object(error.to_string())
}

/// Declares all functions, such that their ids are their positions in the text. Returns their
/// names.
fn declare_functions(
    env: &Env<'_>,
    module: &mut ObjectModule,
) -> Result<PrimaryMap<CodeIndex, String>, CompileError> {
    // The signature of a function that is defined by its bytes is not looked at.
    let signature = Signature::new(CallConv::Tail);
    let names = names::unique(env);
    for name in names.values() {
        module.declare_function(name, Linkage::Local, &signature).map_err(failed)?;
    }
    Ok(names)
}

/// Declares the constant tables. Data ids are table indices, so all tables up to the last constant
/// one are declared.
fn declare_tables(
    env: &Env<'_>,
    module: &mut ObjectModule,
) -> Result<Vec<(TableIndex, DataId)>, CompileError> {
    let tables = env.constant_tables.as_values_slice();
    let count = tables.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let mut constant = Vec::new();
    for (index, elements) in env.constant_tables.iter().take(count) {
        // Imported and growable ones lie in the instance; nothing refers to their symbol.
        let linkage = if elements.is_some() { Linkage::Local } else { Linkage::Import };
        let name = env.symbol(Symbol::Table(index));
        let id = module.declare_data(&name, linkage, false, false).map_err(failed)?;
        if elements.is_some() {
            constant.push((index, id));
        }
    }
    Ok(constant)
}

fn elements<'e>(env: &Env<'e>, table: TableIndex) -> &'e [Option<FuncIndex>] {
    env.constant_tables[table].as_deref().expect("only constant tables are declared")
}

/// Writes a table's types. Addresses are relocations, added once all symbols have their places.
fn define_table(
    env: &Env<'_>,
    module: &mut ObjectModule,
    table: TableIndex,
    id: DataId,
) -> Result<(), CompileError> {
    let mut bytes = Vec::new();
    for element in elements(env, table) {
        let entry = element.map_or(ConstEntry::NULL, |func| ConstEntry {
            ty: env.module.functions[func].as_u32(),
            ..ConstEntry::NULL
        });
        bytes.extend_from_slice(&entry.to_bytes());
    }
    if bytes.is_empty() {
        // A symbol of no size would share its address with whatever follows.
        bytes.resize(ConstEntry::SIZE as usize, 0xff);
    }
    let mut data = DataDescription::new();
    data.define(bytes.into_boxed_slice());
    data.set_align(u64::from(ConstEntry::SIZE));
    module.define_data(id, &data).map_err(failed)
}

fn relocate_table(
    env: &Env<'_>,
    product: &mut ObjectProduct,
    table: TableIndex,
    id: DataId,
) -> Result<(), CompileError> {
    let symbol = product.data_symbol(id);
    let symbol = product.object.symbol(symbol);
    let (section, start) = (symbol.section.id().expect("the table is defined"), symbol.value);
    for (element, entry) in elements(env, table).iter().zip((0..).step_by(ConstEntry::SIZE as usize)) {
        let Some(func) = element else { continue };
        // A relative relocation counts from its own place; the entry counts from the table's start.
        let relocation = Relocation {
            offset: start + entry + ConstEntry::REL as u64,
            symbol: product.function_symbol(function_id(env.functions.code(env.functions.of_func(*func)))),
            addend: entry as i64 + i64::from(ConstEntry::REL),
            flags: RelocationFlags::Generic {
                kind: RelocationKind::Relative,
                encoding: RelocationEncoding::Generic,
                size: 32,
            },
        };
        product
            .object
            .add_relocation(section, relocation)
            .map_err(|error| CompileError::Object(error.to_string()))?;
    }
    Ok(())
}
