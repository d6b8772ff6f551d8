//! The side of `wasmi`.

use crate::atomics;
use crate::engine::{self, End, Engine, HostCall, Item, Plan, Value};
use wasmaot_abi::trap::TrapCode;
use wasmaot_abi::types::{self, Limits};
use wasmi::errors::{ErrorKind, InstantiationError, TableError};
use wasmi::{Config, Extern, ExternRef, ExternType, Func, Instance, Linker, Module, Ref, Store, Val};

/// An instance and its store, whose data is the log of host calls.
struct Run {
    store: Store<Vec<HostCall>>,
    instance: Instance,
}

fn engine() -> wasmi::Engine {
    let mut config = Config::default();
    config.set_max_stack_height(64 << 20);
    config.set_max_recursion_depth(1_000_000);
    config.wasm_custom_page_sizes(true).wasm_tail_call(true).wasm_wide_arithmetic(true);
    wasmi::Engine::new(&config)
}

/// A module that the interpreter has read.
pub(crate) struct Program {
    engine: wasmi::Engine,
    module: Module,
}

impl Program {
    /// Reads a module, less its atomic operators.
    pub(crate) fn new(wasm: &[u8]) -> Result<Self, String> {
        let engine = engine();
        let wasm = &atomics::lower(wasm).map_err(|e| e.to_string())?;
        let module = Module::new(&engine, wasm).map_err(|e| format!("wasmi refuses the module: {e}"))?;
        Ok(Self { engine, module })
    }
}

impl engine::Program for Program {
    fn plan(&self) -> Plan {
        let imports = self.module.imports();
        let exports = self.module.exports();
        Plan {
            imports: imports.map(|i| (i.module().to_string(), i.name().to_string(), item(i.ty()))).collect(),
            exports: exports.map(|e| (e.name().to_string(), item(e.ty()))).collect(),
        }
    }

    fn instantiate(&self, plan: &Plan) -> Result<(End, Option<Box<dyn Engine>>), String> {
        let mut store = Store::new(&self.engine, Vec::new());
        let mut linker = Linker::new(&self.engine);
        let imports = self.module.imports().map(|import| import.ty().clone());
        for (position, (ty, (module, name, _))) in imports.zip(&plan.imports).enumerate() {
            let definition = define(&mut store, position, &ty)?;
            linker.define(module, name, definition).map_err(|e| e.to_string())?;
        }
        match linker.instantiate_and_start(&mut store, &self.module) {
            Ok(instance) => Ok((End::Values(Vec::new()), Some(Box::new(Run { store, instance })))),
            Err(error) => Ok((end_of(&error)?, None)),
        }
    }
}

fn item(ty: &ExternType) -> Item {
    match ty {
        ExternType::Func(ty) => Item::Func(types::FuncType {
            params: ty.params().iter().map(|&ty| value_type(ty)).collect(),
            results: ty.results().iter().map(|&ty| value_type(ty)).collect(),
        }),
        ExternType::Table(ty) => Item::Table(types::TableType {
            element: value_type(ty.element()),
            limits: Limits { min: ty.minimum(), max: ty.maximum() },
            index: index_type(ty.is_64()),
        }),
        ExternType::Memory(ty) => Item::Memory(types::MemoryType {
            limits: Limits { min: ty.minimum(), max: ty.maximum() },
            page_log2: page_log2(ty),
            index: index_type(ty.is_64()),
            shared: false,
        }),
        ExternType::Global(ty) => Item::Global(types::GlobalType {
            value: value_type(ty.content()),
            mutable: ty.mutability().is_mut(),
        }),
    }
}

/// The interpreter does not tell the page size, but compares it.
fn page_log2(ty: &wasmi::MemoryType) -> u8 {
    let mut of_bytes = wasmi::MemoryType::builder();
    of_bytes.memory64(ty.is_64()).min(ty.minimum()).max(ty.maximum()).page_size_log2(0);
    if of_bytes.build().is_ok_and(|of_bytes| of_bytes == *ty) { 0 } else { types::DEFAULT_PAGE_LOG2 }
}

fn index_type(is_64_bits: bool) -> types::IndexType {
    if is_64_bits { types::IndexType::I64 } else { types::IndexType::I32 }
}

fn value_type(ty: wasmi::ValType) -> types::ValType {
    match ty {
        wasmi::ValType::I32 => types::ValType::I32,
        wasmi::ValType::I64 => types::ValType::I64,
        wasmi::ValType::F32 => types::ValType::F32,
        wasmi::ValType::F64 => types::ValType::F64,
        wasmi::ValType::V128 => types::ValType::V128,
        wasmi::ValType::FuncRef => types::ValType::FUNCREF,
        wasmi::ValType::ExternRef => types::ValType::EXTERNREF,
    }
}

/// Makes an import: functions log their call and return zeros, the rest is as small as may be.
fn define(store: &mut Store<Vec<HostCall>>, position: usize, ty: &ExternType) -> Result<Extern, String> {
    Ok(match ty {
        ExternType::Func(ty) => {
            let results = ty.results().to_vec();
            Extern::Func(Func::new(store, ty.clone(), move |mut caller, arguments, out| {
                let values = arguments.iter().map(|value| from_wasmi(&caller, value)).collect();
                caller.data_mut().push((position, values));
                for (cell, &ty) in out.iter_mut().zip(&results) {
                    *cell = Val::default(ty);
                }
                Ok(())
            }))
        }
        ExternType::Global(ty) => {
            let value = Val::default(ty.content());
            Extern::Global(wasmi::Global::new(store, value, ty.mutability()))
        }
        ExternType::Table(ty) => {
            let null = Val::default(ty.element());
            Extern::Table(wasmi::Table::new(store, *ty, null).map_err(|e| e.to_string())?)
        }
        ExternType::Memory(ty) => Extern::Memory(wasmi::Memory::new(store, *ty).map_err(|e| e.to_string())?),
    })
}

fn end_of(error: &wasmi::Error) -> Result<End, String> {
    use wasmi::TrapCode as Theirs;
    // Segments that do not fit at instantiation are told in other terms.
    if let ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. })
    | ErrorKind::Table(TableError::CopyOutOfBounds) = error.kind()
    {
        return Ok(End::trap(TrapCode::TableOutOfBounds));
    }
    let code = error.as_trap_code().ok_or_else(|| format!("wasmi: {error}"))?;
    Ok(End::trap(match code {
        Theirs::UnreachableCodeReached => TrapCode::Unreachable,
        Theirs::MemoryOutOfBounds => TrapCode::MemoryOutOfBounds,
        Theirs::TableOutOfBounds => TrapCode::TableOutOfBounds,
        Theirs::IndirectCallToNull => TrapCode::UninitializedElement,
        Theirs::BadSignature => TrapCode::IndirectCallTypeMismatch,
        Theirs::IntegerDivisionByZero => TrapCode::IntegerDivideByZero,
        Theirs::IntegerOverflow => TrapCode::IntegerOverflow,
        Theirs::BadConversionToInteger => TrapCode::InvalidConversionToInteger,
        Theirs::StackOverflow => TrapCode::StackOverflow,
        other => return Err(format!("wasmi: {other:?}")),
    }))
}

fn from_wasmi(context: &impl wasmi::AsContext, value: &Val) -> Value {
    match value {
        Val::I32(value) => Value::I32(*value),
        Val::I64(value) => Value::I64(*value),
        Val::F32(value) => Value::F32(value.to_bits()),
        Val::F64(value) => Value::F64(value.to_bits()),
        Val::FuncRef(value) => Value::Func(!value.is_null()),
        Val::ExternRef(value) => Value::Extern(value.val().map(|object| host_value(context, object))),
        Val::V128(value) => Value::V128(value.as_u128()),
    }
}

fn host_value(context: &impl wasmi::AsContext, object: &ExternRef) -> u32 {
    *object.data(context.as_context()).downcast_ref::<u32>().expect("every host value is a u32")
}

impl Run {
    /// A value as an argument; host values become objects of the store.
    fn pass(&mut self, value: Value) -> Val {
        match value {
            Value::I32(value) => Val::I32(value),
            Value::I64(value) => Val::I64(value),
            Value::F32(bits) => Val::F32(wasmi::F32::from_bits(bits)),
            Value::F64(bits) => Val::F64(wasmi::F64::from_bits(bits)),
            Value::V128(bits) => Val::V128(bits.into()),
            Value::Func(_) => Val::FuncRef(Ref::Null),
            Value::Exn(_) => unreachable!("it knows no exceptions"),
            Value::Extern(None) => Val::ExternRef(Ref::Null),
            Value::Extern(Some(value)) => Val::ExternRef(Ref::Val(ExternRef::new(&mut self.store, value))),
        }
    }
}

impl Engine for Run {
    fn call(&mut self, name: &str, arguments: &[Value]) -> Result<End, String> {
        let func = self.instance.get_func(&self.store, name).ok_or("no such function")?;
        let arguments: Vec<Val> = arguments.iter().map(|&value| self.pass(value)).collect();
        let types = func.ty(&self.store);
        let mut results: Vec<Val> = types.results().iter().map(|&ty| Val::default(ty)).collect();
        match func.call(&mut self.store, &arguments, &mut results) {
            Ok(()) => Ok(End::Values(results.iter().map(|value| from_wasmi(&self.store, value)).collect())),
            Err(error) => end_of(&error),
        }
    }

    fn global(&mut self, name: &str) -> Value {
        let global = self.instance.get_global(&self.store, name).expect("the plan names it");
        from_wasmi(&self.store, &global.get(&self.store))
    }

    fn table(&mut self, name: &str) -> Vec<Value> {
        let table = self.instance.get_table(&self.store, name).expect("the plan names it");
        (0..table.size(&self.store))
            .map(|index| from_wasmi(&self.store, &table.get(&self.store, index).expect("in bounds")))
            .collect()
    }

    fn memory(&mut self, name: &str) -> Vec<u8> {
        let memory = self.instance.get_memory(&self.store, name).expect("the plan names it");
        memory.data(&self.store).to_vec()
    }

    fn host_calls(&mut self) -> Vec<HostCall> {
        std::mem::take(self.store.data_mut())
    }
}
