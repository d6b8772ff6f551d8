//! The host module `spectest` that the scripts import.

use wasmaot_abi::types::{FuncType, GlobalType, IndexType, Limits, MemoryType, TableType, ValType};
use wasmaot_runtime::{Extern, Global, Linker, Memory, SharedMemory, Store, Table, Val};

/// A linker with the module `spectest`.
pub(crate) fn linker(store: &mut Store<()>) -> Linker<()> {
    let mut linker = Linker::new();
    let prints: [(&str, &[ValType]); 7] = [
        ("print", &[]),
        ("print_i32", &[ValType::I32]),
        ("print_i64", &[ValType::I64]),
        ("print_f32", &[ValType::F32]),
        ("print_f64", &[ValType::F64]),
        ("print_i32_f32", &[ValType::I32, ValType::F32]),
        ("print_f64_f64", &[ValType::F64, ValType::F64]),
    ];
    for (name, params) in prints {
        let ty = FuncType { params: params.to_vec(), results: Vec::new() };
        linker.func_new("spectest", name, ty, |_, _, _| Ok(())).expect("a new name");
    }
    let globals = [
        ("global_i32", ValType::I32, Val::I32(666)),
        ("global_i64", ValType::I64, Val::I64(666)),
        ("global_f32", ValType::F32, Val::F32(666.6_f32.to_bits())),
        ("global_f64", ValType::F64, Val::F64(666.6_f64.to_bits())),
    ];
    for (name, value, init) in globals {
        let ty = GlobalType { value, mutable: false };
        let global = Global::new(store, ty, init).expect("a valid global");
        linker.define("spectest", name, Extern::Global(global)).expect("a new name");
    }
    let limits = Limits { min: 10, max: Some(20) };
    let table = Table::new(store, TableType::new(ValType::FUNCREF, limits), Val::FuncRef(None))
        .expect("a valid table");
    linker.define("spectest", "table", Extern::Table(table)).expect("a new name");
    let limits = Limits { min: 1, max: Some(2) };
    let memory = Memory::new(store, MemoryType::new(limits)).expect("a valid memory");
    linker.define("spectest", "memory", Extern::Memory(memory)).expect("a new name");
    let shared = SharedMemory::new(MemoryType::new(limits)).expect("a valid memory");
    linker.define_shared("spectest", "shared_memory", shared).expect("a new name");
    let limits = Limits { min: 10, max: Some(20) };
    let wide = TableType { index: IndexType::I64, ..TableType::new(ValType::FUNCREF, limits) };
    let table = Table::new(store, wide, Val::FuncRef(None)).expect("a valid table");
    linker.define("spectest", "table64", Extern::Table(table)).expect("a new name");
    linker
}
