//! The side of wasmaot.

use crate::engine::{End, Engine, HostCall, Item, Plan, Value};
use wasmaot_abi::descriptor::ImportKind;
use wasmaot_abi::types::ValType;
use wasmaot_compiler::Options;
use wasmaot_runtime::{
    CallError, Extern, Global, Instance, InstantiateError, Linker, Memory, Module, Store, Table, Val,
};

/// An instance and its store, whose data is the log of host calls.
pub(crate) struct Run {
    store: Store<Vec<HostCall>>,
    instance: Instance,
}

/// A module, compiled and loaded.
pub(crate) struct Program {
    module: Module,
}

impl Program {
    /// Compiles and loads a module.
    pub(crate) fn new(wasm: &[u8], options: &Options) -> Result<Self, String> {
        let output = wasmaot_compiler::compile(wasm, options, &|_| {}).map_err(|e| e.to_string())?;
        Ok(Self { module: Module::from_bytes(&output.bytes).map_err(|e| e.to_string())? })
    }

    /// Instantiates the module with the imports of the plan.
    pub(crate) fn instantiate(&self, plan: &Plan) -> Result<(End, Option<Run>), String> {
        let mut store = Store::new(Vec::new());
        let mut linker = Linker::new();
        for (position, (module, name, item)) in plan.imports.iter().enumerate() {
            // The plan does not know which memories are shared.
            let mut imports = self.module.imports().iter();
            let import = imports.find(|import| (&import.module, &import.name) == (module, name));
            let shared = match import.map(|import| &import.kind) {
                Some(&ImportKind::Memory { ty }) => Some(Item::Memory(ty)),
                _ => None,
            };
            define(&mut store, &mut linker, position, (module, name), shared.as_ref().unwrap_or(item))?;
        }
        match linker.instantiate(&mut store, &self.module) {
            Ok(instance) => Ok((End::Values(Vec::new()), Some(Run { store, instance }))),
            Err(InstantiateError::Run(error)) => Ok((end_of(error)?, None)),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Makes an import: functions log their call and return zeros, the rest is as small as may be.
fn define(
    store: &mut Store<Vec<HostCall>>,
    linker: &mut Linker<Vec<HostCall>>,
    position: usize,
    (module, name): (&str, &str),
    item: &Item,
) -> Result<(), String> {
    let definition = match item {
        Item::Func(ty) => {
            let results = ty.results.clone();
            let logged = move |caller: &mut wasmaot_runtime::Caller<'_, Vec<HostCall>>,
                               arguments: &[Val],
                               out: &mut [Val]| {
                caller.data_mut().push((position, arguments.iter().map(from_ours).collect()));
                for (cell, &ty) in out.iter_mut().zip(&results) {
                    *cell = to_ours(Value::zero(ty));
                }
                Ok(())
            };
            return linker
                .func_dynamic(module, name, ty.clone(), logged)
                .map(drop)
                .map_err(|e| e.to_string());
        }
        Item::Global(ty) => Global::new(store, *ty, to_ours(Value::zero(ty.value)))
            .map(Extern::Global)
            .map_err(|e| e.to_string())?,
        Item::Table(ty) => {
            let null = if ty.element == ValType::FUNCREF { Val::FuncRef(None) } else { Val::ExternRef(None) };
            Table::new(store, *ty, null).map(Extern::Table).map_err(|e| e.to_string())?
        }
        Item::Memory(ty) => Memory::of_type(store, *ty).map(Extern::Memory).map_err(|e| e.to_string())?,
    };
    linker.define(module, name, definition).map(drop).map_err(|e| e.to_string())
}

fn end_of(error: CallError) -> Result<End, String> {
    match error {
        CallError::Trap(trap) => Ok(End::trap(trap.code)),
        error => Err(format!("wasmaot: {error}")),
    }
}

fn from_ours(value: &Val) -> Value {
    match *value {
        Val::I32(value) => Value::I32(value),
        Val::I64(value) => Value::I64(value),
        Val::F32(bits) => Value::F32(bits),
        Val::F64(bits) => Value::F64(bits),
        Val::V128(bits) => Value::V128(bits),
        Val::FuncRef(func) => Value::Func(func.is_some()),
        Val::ExternRef(value) => Value::Extern(value),
        Val::ExnRef(_) => unreachable!("the generator makes no exceptions"),
    }
}

fn to_ours(value: Value) -> Val {
    match value {
        Value::I32(value) => Val::I32(value),
        Value::I64(value) => Val::I64(value),
        Value::F32(bits) => Val::F32(bits),
        Value::F64(bits) => Val::F64(bits),
        Value::V128(bits) => Val::V128(bits),
        Value::Func(_) => Val::FuncRef(None),
        Value::Extern(value) => Val::ExternRef(value),
    }
}

impl Engine for Run {
    fn call(&mut self, name: &str, arguments: &[Value]) -> Result<End, String> {
        let arguments: Vec<Val> = arguments.iter().map(|&value| to_ours(value)).collect();
        match self.instance.call(&mut self.store, name, &arguments) {
            Ok(results) => Ok(End::Values(results.iter().map(from_ours).collect())),
            Err(error) => end_of(error),
        }
    }

    fn global(&mut self, name: &str) -> Value {
        match self.instance.export(&self.store, name) {
            Some(Extern::Global(global)) => from_ours(&global.get(&self.store).expect("of this store")),
            _ => panic!("the plan names the global {name:?}"),
        }
    }

    fn table(&mut self, name: &str) -> Vec<Value> {
        let Some(Extern::Table(table)) = self.instance.export(&self.store, name) else {
            panic!("the plan names the table {name:?}");
        };
        let length = table.size(&self.store);
        (0..length).map(|index| from_ours(&table.get(&self.store, index).expect("in bounds"))).collect()
    }

    fn memory(&mut self, name: &str) -> Vec<u8> {
        let Some(Extern::Memory(memory)) = self.instance.export(&self.store, name) else {
            panic!("the plan names the memory {name:?}");
        };
        let mut bytes = vec![0; memory.size(&self.store) as usize];
        memory.read(&self.store, 0, &mut bytes).expect("in bounds");
        bytes
    }

    fn host_calls(&mut self) -> Vec<HostCall> {
        std::mem::take(self.store.data_mut())
    }
}
