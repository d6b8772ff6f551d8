//! The relocatable object: machine code and constant tables, with symbols.
//!
//! **Invariant: code lies in the order of the jobs, and keeps its offsets in the shared object.**

use crate::codegen::Code;
use crate::error::CompileError;
use crate::translate::{Env, FUNCTIONS, TABLES};
use cranelift_codegen::ir::Signature;
use cranelift_codegen::isa::CallConv;
use cranelift_module::{
    DataDescription, DataId, FuncId, Linkage, Module, ModuleError, default_libcall_names,
};
use cranelift_object::object::write::Relocation;
use cranelift_object::object::{RelocationEncoding, RelocationFlags, RelocationKind};
use cranelift_object::{ObjectBuilder, ObjectModule, ObjectProduct};
use std::collections::HashMap;
use wasmaot_abi::state::ConstEntry;

/// A relocatable object, and where its functions lie.
pub(crate) struct Object {
    pub(crate) bytes: Vec<u8>,
    /// Offset in `.text` of each function, by index in CLIF names.
    pub(crate) offsets: Vec<u32>,
}

/// Puts the functions' code, which is taken from them, and the constant tables together.
pub(crate) fn build(env: &Env<'_>, codes: &mut [Code]) -> Result<Object, CompileError> {
    let builder =
        ObjectBuilder::new(env.target.isa.clone(), "wasmaot", default_libcall_names()).map_err(failed)?;
    let mut module = ObjectModule::new(builder);
    declare_functions(env, &mut module)?;
    let tables = declare_tables(env, &mut module)?;
    for (index, code) in codes.iter_mut().enumerate() {
        let (bytes, relocs) = (std::mem::take(&mut code.bytes), std::mem::take(&mut code.relocs));
        module
            .define_function_bytes(FuncId::from_u32(index as u32), code.alignment, &bytes, &relocs)
            .map_err(failed)?;
    }
    for &(table, id) in &tables {
        define_table(env, &mut module, table, id)?;
    }
    let mut product = module.finish();
    for &(table, id) in &tables {
        relocate_table(env, &mut product, table, id)?;
    }
    let offsets = (0..codes.len() as u32)
        .map(|index| {
            let symbol = product.function_symbol(FuncId::from_u32(index));
            text_offset(product.object.symbol(symbol).value)
        })
        .collect::<Result<_, _>>()?;
    let bytes = product.emit().map_err(|error| CompileError::Object(error.to_string()))?;
    Ok(Object { bytes, offsets })
}

fn failed(error: ModuleError) -> CompileError {
    CompileError::Object(error.to_string())
}

fn text_offset(value: u64) -> Result<u32, CompileError> {
    u32::try_from(value).ok().filter(|&offset| offset <= i32::MAX as u32).ok_or(CompileError::Limit {
        what: "bytes of machine code",
        actual: value,
        limit: i32::MAX as u64,
    })
}

/// Declares all functions, such that their ids are their indices in CLIF names.
fn declare_functions(env: &Env<'_>, module: &mut ObjectModule) -> Result<(), CompileError> {
    let mut names = UniqueNames::default();
    // The signature of a function that is defined by its bytes is not looked at.
    let signature = Signature::new(CallConv::Tail);
    for index in 0..(env.module.functions.len() + env.entries.len() + env.helpers.len()) as u32 {
        let name = names.make(&env.symbol(FUNCTIONS, index));
        module.declare_function(&name, Linkage::Local, &signature).map_err(failed)?;
    }
    Ok(())
}

/// Declares the constant tables. Data ids are table indices, so all tables up to the last constant one are declared.
fn declare_tables(env: &Env<'_>, module: &mut ObjectModule) -> Result<Vec<(u32, DataId)>, CompileError> {
    let count = env.constant_tables.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let mut constant = Vec::new();
    for (index, elements) in env.constant_tables[..count].iter().enumerate() {
        // Imported and growable ones lie in the instance; nothing refers to their symbol.
        let linkage = if elements.is_some() { Linkage::Local } else { Linkage::Import };
        let id =
            module.declare_data(&env.symbol(TABLES, index as u32), linkage, false, false).map_err(failed)?;
        if elements.is_some() {
            constant.push((index as u32, id));
        }
    }
    Ok(constant)
}

fn elements<'e>(env: &Env<'e>, table: u32) -> &'e [Option<u32>] {
    env.constant_tables[table as usize].as_deref().expect("only constant tables are declared")
}

/// Writes a table's types. Addresses are relocations, added once all symbols have their places.
fn define_table(
    env: &Env<'_>,
    module: &mut ObjectModule,
    table: u32,
    id: DataId,
) -> Result<(), CompileError> {
    let mut bytes = Vec::new();
    for element in elements(env, table) {
        let ty = element.map_or(ConstEntry::NULL_TYPE, |func| env.module.functions[func as usize]);
        bytes.extend_from_slice(&0i32.to_le_bytes());
        bytes.extend_from_slice(&ty.to_le_bytes());
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
    table: u32,
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
            symbol: product.function_symbol(FuncId::from_u32(*func)),
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

/// Symbol names must differ; names of Wasm functions need not.
#[derive(Default)]
struct UniqueNames {
    /// By each name the number that the next function of this name tries first.
    taken: HashMap<String, u32>,
}

impl UniqueNames {
    fn make(&mut self, wanted: &str) -> String {
        let clean = wanted.replace('\0', "\\0");
        let Some(&first) = self.taken.get(&clean) else {
            self.taken.insert(clean.clone(), 1);
            return clean;
        };
        let is_free = |number: &u32| !self.taken.contains_key(&format!("{clean}.{number}"));
        let number = (first..).find(is_free).expect("there are more numbers than functions");
        let name = format!("{clean}.{number}");
        self.taken.insert(clean, number + 1);
        self.taken.insert(name.clone(), 1);
        name
    }
}
