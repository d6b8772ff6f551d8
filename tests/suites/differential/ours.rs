//! The side of wasmaot.

use crate::engine::{self, End, Engine, HostCall, Item, Plan, Value};
use std::time::Duration;
use wasmaot_abi::descriptor::{ExportKind, ImportKind};
use wasmaot_abi::types::FuncType;
use wasmaot_compiler::Options;
use wasmaot_runtime::{
    CallError, Extern, Global, Instance, InstantiateError, Linker, Memory, Module, Store, Table, Tag, Val,
};

use wasmaot_tests::slices::in_slices;

/// An instance and its store, whose data is the log of host calls.
struct Run {
    store: Store<Vec<HostCall>>,
    instance: Instance,
    /// How often calls have yielded, if they run in time slices.
    yields: Option<u64>,
}

/// A module, compiled and loaded.
pub(crate) struct Program {
    module: Module,
    is_sliced: bool,
}

impl Program {
    /// Compiles and loads a module.
    pub(crate) fn new(wasm: &[u8], options: &Options) -> Result<Self, String> {
        let output = wasmaot_compiler::compile(wasm, options, &|_| {}).map_err(|e| e.to_string())?;
        Ok(Self { module: wasmaot_tests::load(&output.bytes).map_err(|e| e.to_string())?, is_sliced: false })
    }

    /// The same program, with calls that run in time slices.
    pub(crate) fn sliced(self) -> Self {
        Self { is_sliced: true, ..self }
    }

    fn func_type(&self, index: u32) -> FuncType {
        self.module.descriptor().types[index as usize].clone()
    }

    fn imported(&self, kind: &ImportKind) -> Item {
        match *kind {
            ImportKind::Func { ty } => Item::Func(self.func_type(ty)),
            ImportKind::Table { ty } => Item::Table(ty),
            ImportKind::Memory { ty } => Item::Memory(ty),
            ImportKind::Global { ty } => Item::Global(ty),
            ImportKind::Tag { ty } => Item::Tag(self.func_type(ty).params),
        }
    }

    fn exported(&self, kind: ExportKind) -> Item {
        let descriptor = self.module.descriptor();
        match kind {
            ExportKind::Func { index } => {
                Item::Func(self.func_type(descriptor.entry_of(index).expect("it is exported").ty))
            }
            ExportKind::Table { index } => {
                Item::Table(descriptor.all_tables().nth(index as usize).expect("it is exported").0)
            }
            ExportKind::Memory { index } => {
                Item::Memory(descriptor.all_memories().nth(index as usize).expect("it is exported").0)
            }
            ExportKind::Global { index } => {
                Item::Global(descriptor.all_globals().nth(index as usize).expect("it is exported").0)
            }
            ExportKind::Tag { index } => {
                let ty = descriptor.tag_types().nth(index as usize).expect("it is exported");
                Item::Tag(self.func_type(ty).params)
            }
        }
    }
}

impl engine::Program for Program {
    fn plan(&self) -> Plan {
        let imports = self.module.descriptor().imports.iter();
        let exports = self.module.descriptor().exports.iter();
        Plan {
            imports: imports.map(|i| (i.module.clone(), i.name.clone(), self.imported(&i.kind))).collect(),
            exports: exports.map(|e| (e.name.clone(), self.exported(e.kind))).collect(),
        }
    }

    fn instantiate(&self, plan: &Plan) -> Result<(End, Option<Box<dyn Engine>>), String> {
        let mut store = Store::new(Vec::new());
        let mut linker = Linker::new();
        for (position, (module, name, item)) in plan.imports.iter().enumerate() {
            // The plan may not know which memories are shared.
            let mut imports = self.module.descriptor().imports.iter();
            let import = imports.find(|import| (&import.module, &import.name) == (module, name));
            let shared = match import.map(|import| &import.kind) {
                Some(&ImportKind::Memory { ty }) => Some(Item::Memory(ty)),
                _ => None,
            };
            define(&mut store, &mut linker, position, (module, name), shared.as_ref().unwrap_or(item))?;
        }
        match linker.instantiate(&mut store, &self.module) {
            Ok(instance) => {
                let yields = self.is_sliced.then_some(0);
                if self.is_sliced {
                    store.yield_every(Duration::from_nanos(1)).map_err(|e| e.to_string())?;
                }
                Ok((End::Values(Vec::new()), Some(Box::new(Run { store, instance, yields }))))
            }
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
            return linker.func_new(module, name, ty.clone(), logged).map(drop).map_err(|e| e.to_string());
        }
        Item::Global(ty) => Global::new(store, *ty, to_ours(Value::zero(ty.value)))
            .map(Extern::Global)
            .map_err(|e| e.to_string())?,
        Item::Table(ty) => {
            let null = Val::default_of(ty.element).ok_or("a table that cannot be empty")?;
            Table::new(store, *ty, null).map(Extern::Table).map_err(|e| e.to_string())?
        }
        Item::Tag(values) => Extern::Tag(Tag::new(store, values)),
        Item::Memory(ty) => Memory::new(store, *ty).map(Extern::Memory).map_err(|e| e.to_string())?,
    };
    linker.define(module, name, definition).map(drop).map_err(|e| e.to_string())
}

fn end_of(error: CallError) -> Result<End, String> {
    match error {
        CallError::Trap(trap) => Ok(End::trap(trap.code)),
        CallError::Exception(exception) => {
            Ok(End::Exception(exception.values.iter().map(from_ours).collect()))
        }
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
        Val::ExnRef(value) => Value::Exn(value.is_some()),
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
        Value::Exn(_) => Val::ExnRef(None),
    }
}

impl Engine for Run {
    fn call(&mut self, name: &str, arguments: &[Value]) -> Result<End, String> {
        let arguments: Vec<Val> = arguments.iter().map(|&value| to_ours(value)).collect();
        let result = match &mut self.yields {
            None => self.instance.call(&mut self.store, name, &arguments),
            Some(yields) => {
                let Ok(Extern::Func(func)) = self.instance.get_export(&self.store, name) else {
                    panic!("the plan names the function {name:?}");
                };
                let count = func.ty(&self.store).expect("of this store").results.len();
                let mut results = vec![Val::I32(0); count];
                let call = func.call_async(&mut self.store, &arguments, &mut results);
                let (result, count) = in_slices(call);
                *yields += count;
                result.map(|()| results)
            }
        };
        match result {
            Ok(results) => Ok(End::Values(results.iter().map(from_ours).collect())),
            Err(error) => end_of(error),
        }
    }

    fn global(&mut self, name: &str) -> Value {
        match self.instance.get_export(&self.store, name) {
            Ok(Extern::Global(global)) => from_ours(&global.get(&self.store).expect("of this store")),
            _ => panic!("the plan names the global {name:?}"),
        }
    }

    fn table(&mut self, name: &str) -> Vec<Value> {
        let Ok(Extern::Table(table)) = self.instance.get_export(&self.store, name) else {
            panic!("the plan names the table {name:?}");
        };
        let length = table.size(&self.store).expect("its own");
        (0..length).map(|index| from_ours(&table.get(&self.store, index).expect("in bounds"))).collect()
    }

    fn memory(&mut self, name: &str) -> Vec<u8> {
        let Ok(Extern::Memory(memory)) = self.instance.get_export(&self.store, name) else {
            panic!("the plan names the memory {name:?}");
        };
        let mut bytes = vec![0; memory.data_size(&self.store).expect("its own") as usize];
        memory.read(&self.store, 0, &mut bytes).expect("in bounds");
        bytes
    }

    fn operators(&mut self) -> Option<u64> {
        self.store.operators()
    }

    fn fuel(&mut self) -> Option<u64> {
        self.store.used_fuel()
    }

    fn yields(&self) -> u64 {
        self.yields.unwrap_or(0)
    }

    fn host_calls(&mut self) -> Vec<HostCall> {
        std::mem::take(self.store.data_mut())
    }
}
