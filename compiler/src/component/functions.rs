//! Which functions a plan needs beside those of its modules: imports of the host's and the canonical ABI's,
//! and glue.
//!
//! Indices of functions begin with the imports, so these are listed first, before any instance has a place;
//! the code follows when all have one.
//!
//! **Invariant: glue is written in the order in which it was announced.**

use super::describe::Describe;
use super::glue::{Allocation, Builtins, Glue, Lifted, Lowered, OnHandle};
use super::host::{Imports, letters};
use super::merge::{Entity, Merge, unexpected};
use super::translate::Plan;
use super::types::Types;
use crate::error::CompileError;
use std::collections::HashMap;
use wasm_encoder::{Function, ValType};
use wasmaot_abi::component::{self as abi, Violation};
use wasmtime_environ::component::{
    CanonicalOptionsDataModel, CoreDef, CoreExport, Export, GlobalInitializer, MAX_FLAT_PARAMS,
    MAX_FLAT_RESULTS, MemoryIndex, OptionsIndex, Resource, RuntimeMemoryIndex, RuntimePostReturnIndex,
    RuntimeReallocIndex, Trampoline, TypeFuncIndex, TypeResourceTableIndex,
};
use wasmtime_environ::{EntityRef, ModuleInternedTypeIndex, Trap, WasmValType};

/// Functions that were announced.
pub(super) struct Functions {
    types: Types,
    imports: Imports,
    builtins: Builtins,
    /// Of each trampoline its function.
    trampolines: Vec<Target>,
    announced: Vec<Announced>,
    /// Of each description of an import or export the options that it needs once memories have indices.
    lifts: Vec<OptionsIndex>,
    lowers: Vec<OptionsIndex>,
}

/// Where a function is.
#[derive(Clone, Copy)]
enum Target {
    Import(u32),
    /// By position in the glue.
    Glue(usize),
}

/// Glue that was announced.
struct Announced {
    name: String,
    ty: u32,
    params: Vec<ValType>,
    kind: Kind,
}

enum Kind {
    Lower { import: u32, instance: u32, realloc: Option<RuntimeReallocIndex> },
    Lift(Lift),
    OnHandle { import: u32, table: TypeResourceTableIndex, instance: Option<u32> },
    Drop { import: u32, table: TypeResourceTableIndex, instance: u32 },
    Transcode { import: u32, from: RuntimeMemoryIndex, to: RuntimeMemoryIndex },
    Trap,
}

struct Lift {
    callee: CoreDef,
    callee_params: Vec<ValType>,
    callee_results: Vec<ValType>,
    instance: u32,
    arguments: Option<(RuntimeReallocIndex, u32)>,
    results: Option<(u32, Option<RuntimePostReturnIndex>)>,
}

/// The code of glue.
pub(super) struct Finished {
    /// Functions with their names.
    pub(super) functions: Vec<(Function, String)>,
    pub(super) builtins: Builtins,
}

/// What is left to be finished when all instances have their places.
pub(super) struct Unfinished {
    announced: Vec<Announced>,
    builtins: Builtins,
    lifts: Vec<OptionsIndex>,
    lowers: Vec<OptionsIndex>,
    first: u32,
}

const I32: ValType = ValType::I32;
const I64: ValType = ValType::I64;

impl Functions {
    /// Lists what a plan needs.
    pub(super) fn announce(plan: &Plan<'_>, describe: &mut Describe<'_, '_>) -> Result<Self, CompileError> {
        let (mut types, mut imports) = (Types::default(), Imports::default());
        let builtins = Builtins {
            next: imports.builtin(&mut types, abi::NEXT, &[I32], &[I64]),
            trap: imports.builtin(&mut types, abi::TRAP, &[I32], &[]),
        };
        let (trampolines, announced) = (Vec::new(), Vec::new());
        let (lifts, lowers) = (Vec::new(), Vec::new());
        let mut functions = Self { types, imports, builtins, trampolines, announced, lifts, lowers };
        let lowered: HashMap<_, _> = plan
            .component
            .initializers
            .iter()
            .filter_map(|step| match step {
                GlobalInitializer::LowerImport { index, import } => Some((*index, *import)),
                _ => None,
            })
            .collect();
        for (index, trampoline) in &plan.trampolines {
            let (params, results) = signature(plan, plan.component.trampolines[index])?;
            let target = match trampoline {
                Trampoline::LowerImport { index, lower_ty, options } => {
                    let path = describe.import_path(lowered[index]);
                    functions.lower(plan, describe, path, (*lower_ty, *options), (&params, &results))?
                }
                other => functions.trampoline(other, &params, &results)?,
            };
            functions.trampolines.push(target);
        }
        describe.exported(&mut |describe, path, export| {
            let Export::LiftedFunction { ty, func, options } = &plan.component.export_items[export] else {
                return Err(unexpected("an export without a function"));
            };
            functions.lift(plan, describe, path, (*ty, *options), func)
        })?;
        Ok(functions)
    }

    fn glue(&mut self, name: String, params: &[ValType], results: &[ValType], kind: Kind) -> Target {
        let ty = self.types.function(params, results);
        self.announced.push(Announced { name, ty, params: params.to_vec(), kind });
        Target::Glue(self.announced.len() - 1)
    }

    fn builtin(&mut self, name: &str, params: &[ValType], results: &[ValType]) -> u32 {
        self.imports.builtin(&mut self.types, name, params, results)
    }

    fn lower(
        &mut self,
        plan: &Plan<'_>,
        describe: &mut Describe<'_, '_>,
        path: Vec<String>,
        (ty, options): (TypeFuncIndex, OptionsIndex),
        (params, results): (&[ValType], &[ValType]),
    ) -> Result<Target, CompileError> {
        let canonical = &plan.component.options[options];
        if canonical.async_ {
            return Err(unexpected("an asynchronous function"));
        }
        let values = &plan.types[plan.types[ty].results].types;
        let realloc = realloc(&canonical.data_model)?.filter(|_| describe.has_pointers(values));
        let (module, function) = match path.split_last() {
            Some((function, outer)) => (outer.join("#"), function.clone()),
            None => return Err(unexpected("an import without a name")),
        };
        let mut name = function.clone();
        let mut again = 1;
        while self.imports.contains(&module, &name) {
            again += 1;
            name = format!("{function} {again}");
        }
        let returned: &[ValType] = if realloc.is_some() { &[I64] } else { results };
        let import = self.imports.add(&mut self.types, (&module, &name), params, returned);
        let func = describe.func_type(ty)?;
        let shown = path.join("#");
        let allocates = realloc.is_some();
        describe.component.imports.push(abi::Import { path, func, options: 0, module, name, allocates });
        self.lowers.push(options);
        let instance = canonical.instance.as_u32();
        let kind = Kind::Lower { import, instance, realloc };
        Ok(self.glue(format!("<lower {shown}>"), params, results, kind))
    }

    fn lift(
        &mut self,
        plan: &Plan<'_>,
        describe: &mut Describe<'_, '_>,
        path: &[String],
        (ty, options): (TypeFuncIndex, OptionsIndex),
        callee: &CoreDef,
    ) -> Result<u32, CompileError> {
        let canonical = &plan.component.options[options];
        if canonical.async_ || plan.types[ty].async_ {
            return Err(unexpected("an asynchronous function"));
        }
        let values = &plan.types[plan.types[ty].params];
        let pointers =
            describe.has_pointers(&values.types) || values.abi.flat_count(MAX_FLAT_PARAMS).is_none();
        let (callee_params, callee_results) = signature(plan, canonical.core_type)?;
        let arguments = match realloc(&canonical.data_model)?.filter(|_| pointers) {
            Some(realloc) => {
                let name = format!("{}{}", abi::ARGUMENTS, letters(&callee_params));
                Some((realloc, self.builtin(&name, &[], &callee_params)))
            }
            None => None,
        };
        let values = &plan.types[plan.types[ty].results];
        let in_memory =
            values.abi.flat_count(MAX_FLAT_RESULTS).is_none() || describe.has_pointers(&values.types);
        let results = (in_memory || canonical.post_return.is_some()).then(|| {
            let name = format!("{}{}", abi::RESULTS, letters(&callee_results));
            (self.builtin(&name, &callee_results, &[]), canonical.post_return)
        });
        let params = if arguments.is_some() { vec![I64] } else { callee_params.clone() };
        let own_results = if results.is_some() { Vec::new() } else { callee_results.clone() };
        let export = path.join("#");
        let (allocates, hands_over) = (arguments.is_some(), results.is_some());
        let func = describe.func_type(ty)?;
        describe.component.lifts.push(abi::Lift {
            func,
            options: 0,
            export: export.clone(),
            allocates,
            hands_over,
        });
        self.lifts.push(options);
        let instance = canonical.instance.as_u32();
        let callee = callee.clone();
        let lift = Lift { callee, callee_params, callee_results, instance, arguments, results };
        self.glue(format!("<lift {export}>"), &params, &own_results, Kind::Lift(lift));
        Ok(describe.component.lifts.len() as u32 - 1)
    }

    fn trampoline(
        &mut self,
        trampoline: &Trampoline,
        params: &[ValType],
        results: &[ValType],
    ) -> Result<Target, CompileError> {
        let on_handle = [I32, I32];
        Ok(match trampoline {
            Trampoline::ResourceNew { instance, ty } => {
                let import = self.builtin(abi::RESOURCE_NEW, &on_handle, &[I32]);
                let kind = Kind::OnHandle { import, table: *ty, instance: Some(instance.as_u32()) };
                self.glue("<resource.new>".to_string(), params, results, kind)
            }
            Trampoline::ResourceRep { ty, .. } => {
                let import = self.builtin(abi::RESOURCE_REP, &on_handle, &[I32]);
                let kind = Kind::OnHandle { import, table: *ty, instance: None };
                self.glue("<resource.rep>".to_string(), params, results, kind)
            }
            Trampoline::ResourceDrop { instance, ty } => {
                let import = self.builtin(abi::RESOURCE_DROP, &on_handle, &[I64]);
                let kind = Kind::Drop { import, table: *ty, instance: instance.as_u32() };
                self.glue("<resource.drop>".to_string(), params, results, kind)
            }
            Trampoline::Transcoder { op, from, from64: false, to, to64: false } => {
                let name = format!("{}{}", abi::TRANSCODE, op.desc());
                let all: Vec<ValType> = on_handle.iter().chain(params).copied().collect();
                let import = self.builtin(&name, &all, results);
                let kind = Kind::Transcode { import, from: *from, to: *to };
                self.glue(format!("<{}>", op.desc()), params, results, kind)
            }
            Trampoline::Trap => self.glue("<trap>".to_string(), params, results, Kind::Trap),
            Trampoline::ResourceTransferOwn => {
                Target::Import(self.builtin(abi::TRANSFER_OWN, params, results))
            }
            Trampoline::ResourceTransferBorrow => {
                Target::Import(self.builtin(abi::TRANSFER_BORROW, params, results))
            }
            Trampoline::EnterSyncCall => Target::Import(self.builtin(abi::ENTER_CALL, params, results)),
            Trampoline::ExitSyncCall => Target::Import(self.builtin(abi::EXIT_CALL, params, results)),
            other => return Err(unexpected(&format!("`{}`", other.symbol_name()))),
        })
    }

    /// Starts the merge, placing these functions first in the merged module.
    pub(super) fn into_merge<'m, 'a>(self, starts: bool) -> (Merge<'m, 'a>, Unfinished) {
        let Self { mut types, imports, builtins, trampolines, announced, lifts, lowers } = self;
        let first = imports.len();
        let function = |target| match target {
            Target::Import(index) => index,
            Target::Glue(position) => first + position as u32,
        };
        let trampolines = trampolines.into_iter().map(function).collect();
        let mut glue: Vec<u32> = announced.iter().map(|announced| announced.ty).collect();
        if starts {
            glue.push(types.function(&[], &[]));
        }
        let merge = Merge::new(types, imports, trampolines, &glue);
        (merge, Unfinished { announced, builtins, lifts, lowers, first })
    }
}

impl Unfinished {
    /// Writes the glue, and completes the description with what depends on places.
    pub(super) fn finish(
        self,
        plan: &Plan<'_>,
        merge: &mut Merge<'_, '_>,
        describe: &mut Describe<'_, '_>,
        memory_order: &[u32],
        exceptions: bool,
    ) -> Result<Finished, CompileError> {
        let places = Places::of(plan);
        for (position, options) in self.lifts.iter().enumerate() {
            let options = places.options(plan, merge, describe, memory_order, *options)?;
            describe.component.lifts[position].options = options;
        }
        for (position, options) in self.lowers.iter().enumerate() {
            let options = places.options(plan, merge, describe, memory_order, *options)?;
            describe.component.imports[position].options = options;
        }
        for (position, lift) in self.announced.iter().enumerate() {
            if let Kind::Lift(_) = lift.kind {
                let name = lift.name.trim_start_matches("<lift ").trim_end_matches('>');
                merge.export(name, self.first + position as u32);
            }
        }
        for (index, resource) in &places.resources {
            if let Some(destructor) = &resource.dtor {
                let destructor = merge.function(destructor)?;
                merge.export(&destructor_name(*index), destructor);
            }
        }
        describe
            .resources(|index| places.resources.get(&index)?.dtor.as_ref().map(|_| destructor_name(index)));
        let mut functions = Vec::with_capacity(self.announced.len());
        for announced in self.announced {
            let function =
                self_contained(&announced, &self.builtins, plan, &places, merge, memory_order, exceptions)?;
            functions.push((function, announced.name));
        }
        Ok(Finished { functions, builtins: self.builtins })
    }
}

fn destructor_name(resource: usize) -> String {
    format!("resource {resource} destructor")
}

/// What the plan calls by numbers of its own.
struct Places<'p> {
    reallocs: HashMap<RuntimeReallocIndex, &'p CoreDef>,
    post_returns: HashMap<RuntimePostReturnIndex, &'p CoreDef>,
    memories: HashMap<RuntimeMemoryIndex, &'p CoreExport<MemoryIndex>>,
    /// Defined resources, in order.
    resources: std::collections::BTreeMap<usize, &'p Resource>,
}

impl<'p> Places<'p> {
    fn of(plan: &'p Plan<'_>) -> Self {
        let mut places = Self {
            reallocs: HashMap::new(),
            post_returns: HashMap::new(),
            memories: HashMap::new(),
            resources: Default::default(),
        };
        for step in &plan.component.initializers {
            match step {
                GlobalInitializer::ExtractRealloc(extract) => {
                    places.reallocs.insert(extract.index, &extract.def);
                }
                GlobalInitializer::ExtractPostReturn(extract) => {
                    places.post_returns.insert(extract.index, &extract.def);
                }
                GlobalInitializer::ExtractMemory(extract) => {
                    places.memories.insert(extract.index, &extract.export);
                }
                GlobalInitializer::Resource(resource) => {
                    places.resources.insert(resource.index.index(), resource);
                }
                _ => {}
            }
        }
        places
    }

    /// The index of a memory in the merged module.
    fn memory(
        &self,
        merge: &Merge<'_, '_>,
        memory_order: &[u32],
        memory: RuntimeMemoryIndex,
    ) -> Result<u32, CompileError> {
        match merge.exported(self.memories[&memory])? {
            Entity::Memory(memory) => Ok(memory_order[memory as usize]),
            other => Err(unexpected(&format!("{other:?} in place of a memory"))),
        }
    }

    /// Describes canonical options.
    fn options(
        &self,
        plan: &Plan<'_>,
        merge: &Merge<'_, '_>,
        describe: &mut Describe<'_, '_>,
        memory_order: &[u32],
        options: OptionsIndex,
    ) -> Result<u32, CompileError> {
        let options = &plan.component.options[options];
        let memory = options.memory().map(|memory| self.memory(merge, memory_order, memory)).transpose()?;
        Ok(describe.options(options, memory))
    }

    fn allocation(
        &self,
        merge: &mut Merge<'_, '_>,
        realloc: RuntimeReallocIndex,
        instance: u32,
    ) -> Result<Allocation, CompileError> {
        Ok(Allocation { realloc: merge.function(self.reallocs[&realloc])?, flag: merge.flag(instance) })
    }

    /// The destructor of the resource that a table has handles of.
    fn destructor(&self, plan: &Plan<'_>, table: TypeResourceTableIndex) -> Option<&'p CoreDef> {
        let resource = plan.types[table].unwrap_concrete_ty();
        let defined = plan.component.defined_resource_index(resource)?;
        self.resources.get(&defined.index())?.dtor.as_ref()
    }
}

/// The code of one function.
fn self_contained(
    announced: &Announced,
    builtins: &Builtins,
    plan: &Plan<'_>,
    places: &Places<'_>,
    merge: &mut Merge<'_, '_>,
    memory_order: &[u32],
    exceptions: bool,
) -> Result<Function, CompileError> {
    let glue = |locals: &[ValType]| Glue::new(builtins, exceptions, locals);
    Ok(match &announced.kind {
        Kind::Lower { import, instance, realloc } => {
            let flag = merge.flag(*instance);
            let allocation =
                realloc.map(|realloc| places.allocation(merge, realloc, *instance)).transpose()?;
            let locals: &[ValType] = if allocation.is_some() { &[I64] } else { &[] };
            let lowered = Lowered { params: &announced.params, import: *import, flag, allocation };
            glue(locals).lowered(&lowered)
        }
        Kind::Lift(lift) => {
            let arguments = match lift.arguments {
                Some((realloc, builtin)) => {
                    Some((places.allocation(merge, realloc, lift.instance)?, builtin))
                }
                None => None,
            };
            let results = match lift.results {
                Some((builtin, Some(post_return))) => {
                    Some((builtin, Some(merge.function(places.post_returns[&post_return])?)))
                }
                Some((builtin, None)) => Some((builtin, None)),
                None => None,
            };
            let lifted = Lifted {
                params: &lift.callee_params,
                results: &lift.callee_results,
                callee: merge.function(&lift.callee)?,
                flag: merge.flag(lift.instance),
                arguments,
                hand_over: results,
            };
            let locals: &[ValType] = if results.is_some() { &lift.callee_results } else { &[] };
            glue(locals).lifted(&lifted)
        }
        Kind::OnHandle { import, table, instance } => {
            let flag = instance.map(|instance| merge.flag(instance));
            glue(&[]).on_handle(&OnHandle { import: *import, table: table.as_u32(), flag })
        }
        Kind::Drop { import, table, instance } => {
            let destructor = places.destructor(plan, *table).map(|def| merge.function(def)).transpose()?;
            let flag = Some(merge.flag(*instance));
            let locals: &[ValType] = if destructor.is_some() { &[I64] } else { &[] };
            glue(locals).drop(&OnHandle { import: *import, table: table.as_u32(), flag }, destructor)
        }
        Kind::Transcode { import, from, to } => {
            let from = places.memory(merge, memory_order, *from)?;
            let to = places.memory(merge, memory_order, *to)?;
            glue(&[]).transcode(announced.params.len(), *import, from, to)
        }
        Kind::Trap => glue(&[]).trap(&codes()),
    })
}

/// Of the codes that adapters trap with, what they stand for.
fn codes() -> Vec<(i32, Violation)> {
    [
        (Trap::CannotEnterComponent, Violation::CannotEnter),
        (Trap::CannotLeaveComponent, Violation::CannotLeave),
        (Trap::UnalignedPointer, Violation::Unaligned),
        (Trap::MemoryOutOfBounds, Violation::MemoryBounds),
        (Trap::StringOutOfBounds, Violation::StringBounds),
        (Trap::ListOutOfBounds, Violation::ListBounds),
        (Trap::InvalidChar, Violation::InvalidChar),
        (Trap::InvalidDiscriminant, Violation::InvalidDiscriminant),
        (Trap::UncaughtException, Violation::UncaughtException),
    ]
    .map(|(code, violation)| (code as i32, violation))
    .to_vec()
}

fn realloc(model: &CanonicalOptionsDataModel) -> Result<Option<RuntimeReallocIndex>, CompileError> {
    match model {
        CanonicalOptionsDataModel::LinearMemory(memory) => Ok(memory.realloc),
        CanonicalOptionsDataModel::Gc {} => Err(unexpected("garbage collection in the canonical ABI")),
    }
}

/// The core type of a function.
fn signature(
    plan: &Plan<'_>,
    ty: ModuleInternedTypeIndex,
) -> Result<(Vec<ValType>, Vec<ValType>), CompileError> {
    let core = |ty: &WasmValType| {
        Ok(match ty {
            WasmValType::I32 => ValType::I32,
            WasmValType::I64 => ValType::I64,
            WasmValType::F32 => ValType::F32,
            WasmValType::F64 => ValType::F64,
            _ => return Err(unexpected("a reference or vector in the canonical ABI")),
        })
    };
    let ty = plan.types.module_types()[ty].unwrap_func();
    let list = |types: &[WasmValType]| types.iter().map(core).collect::<Result<Vec<_>, _>>();
    Ok((list(ty.params())?, list(ty.results())?))
}
