//! Merges the core modules of a plan, its adapters and glue into one core module.
//!
//! ```text
//!  functions of the merged module
//!  | imports | glue: trampolines, exports, start | instance 0 | instance 1 | ...
//! ```
//!
//! All index spaces are those of the instances, one behind the other; an instance's imports are the items of
//! earlier ones.
//!
//! **Invariant: the merged module does what instantiating the component does**, in the same order as far as a
//! guest or the host can see. Where an earlier instance has a start function, which may see or grow what it
//! shares with later ones, or end everything, the segments of later instances that it could tell apart are
//! written by the merged start function.

use super::core_module::CoreModule;
use super::glue::{Builtins, Glue, Segment, StartStep};
use super::host::Imports;
use super::instance::{Instance, Items, Map};
use super::types::{Types, convert};
use super::value::{self, Value};
use crate::error::CompileError;
use std::collections::{BTreeSet, HashMap};
use wasm_encoder::reencode::Reencode;
use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, MemorySection, MemoryType, Module,
    NameMap, NameSection, StartSection, TableSection, TagSection, ValType,
};
use wasmaot_abi::types::DEFAULT_PAGE_LOG2;
use wasmparser::{DataKind, ElementItems, ElementKind};
use wasmtime_environ::component::{CoreDef, CoreExport, ExportItem};
use wasmtime_environ::{EntityIndex, EntityRef};

/// An item of the merged module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entity {
    Func(u32),
    Table(u32),
    /// In the order of instances.
    Memory(u32),
    Global(u32),
    Tag(u32),
}

/// A merged module in the making.
pub(super) struct Merge<'m, 'a> {
    pub(super) types: Types,
    pub(super) imports: Imports,
    /// Of each trampoline its function.
    pub(super) trampolines: Vec<u32>,
    instances: Vec<Instance<'m, 'a>>,
    /// Type of each defined function.
    functions: FunctionSection,
    next_function: u32,
    tables: TableSection,
    memories: Vec<MemoryType>,
    globals: GlobalSection,
    values: Vec<Option<Value>>,
    tags: TagSection,
    next_data: u32,
    next_elems: u32,
    /// Globals by component instance: whether it may be left.
    flags: HashMap<u32, u32>,
    referenced: BTreeSet<u32>,
    exports: ExportSection,
}

impl<'m, 'a> Merge<'m, 'a> {
    /// Begins with imports and the types of glue, whose functions come first.
    pub(super) fn new(types: Types, imports: Imports, trampolines: Vec<u32>, glue: &[u32]) -> Self {
        let mut functions = FunctionSection::new();
        glue.iter().for_each(|&ty| {
            functions.function(ty);
        });
        let next_function = imports.len() + glue.len() as u32;
        Self {
            types,
            imports,
            trampolines,
            instances: Vec::new(),
            functions,
            next_function,
            tables: TableSection::new(),
            memories: Vec::new(),
            globals: GlobalSection::new(),
            values: Vec::new(),
            tags: TagSection::new(),
            next_data: 0,
            next_elems: 0,
            flags: HashMap::new(),
            referenced: BTreeSet::new(),
            exports: ExportSection::new(),
        }
    }

    /// The global that says whether a component instance may be left.
    pub(super) fn flag(&mut self, instance: u32) -> u32 {
        if let Some(&global) = self.flags.get(&instance) {
            return global;
        }
        let ty = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        let global = self.add_global(ty, &ConstExpr::i32_const(1), None);
        self.flags.insert(instance, global);
        global
    }

    fn add_global(&mut self, ty: GlobalType, init: &ConstExpr, value: Option<Value>) -> u32 {
        self.globals.global(ty, init);
        self.values.push(value);
        self.values.len() as u32 - 1
    }

    /// What a definition names.
    pub(super) fn entity(&mut self, def: &CoreDef) -> Result<Entity, CompileError> {
        match def {
            CoreDef::Export(export) => self.exported(export),
            CoreDef::InstanceFlags(instance) => Ok(Entity::Global(self.flag(instance.as_u32()))),
            CoreDef::Trampoline(trampoline) => Ok(Entity::Func(self.trampolines[trampoline.index()])),
            CoreDef::UnsafeIntrinsic(_) | CoreDef::TaskMayBlock => Err(unexpected("an intrinsic")),
        }
    }

    /// What an export of an instance is.
    pub(super) fn exported<T: Copy + Into<EntityIndex>>(
        &self,
        export: &CoreExport<T>,
    ) -> Result<Entity, CompileError> {
        let ExportItem::Index(index) = &export.item else {
            return Err(unexpected("an export of an imported module"));
        };
        let map = &self.instances[export.instance.index()].map;
        Ok(match (*index).into() {
            EntityIndex::Function(index) => Entity::Func(map.functions[index.index()]),
            EntityIndex::Table(index) => Entity::Table(map.tables[index.index()]),
            EntityIndex::Memory(index) => Entity::Memory(map.memories[index.index()]),
            EntityIndex::Global(index) => Entity::Global(map.globals[index.index()]),
            EntityIndex::Tag(index) => Entity::Tag(map.tags[index.index()]),
        })
    }

    /// The function that a definition names.
    pub(super) fn function(&mut self, def: &CoreDef) -> Result<u32, CompileError> {
        match self.entity(def)? {
            Entity::Func(func) => Ok(func),
            other => Err(unexpected(&format!("{other:?} in place of a function"))),
        }
    }

    /// Exports a function under a name that no other has.
    pub(super) fn export(&mut self, name: &str, func: u32) {
        self.exports.export(name, ExportKind::Func, func);
    }

    /// Adds an instance of a module with these arguments.
    pub(super) fn instantiate(
        &mut self,
        module: &'m CoreModule<'a>,
        name: String,
        arguments: &[CoreDef],
    ) -> Result<(), CompileError> {
        let mut map = Map { types: self.types.add_module(&module.groups)?, ..Map::default() };
        for argument in arguments {
            match self.entity(argument)? {
                Entity::Func(func) => map.functions.push(func),
                Entity::Table(table) => map.tables.push(table),
                Entity::Memory(memory) => map.memories.push(memory),
                Entity::Global(global) => map.globals.push(global),
                Entity::Tag(tag) => map.tags.push(tag),
            }
        }
        let (imported_memories, imported_tables) = (map.memories.len(), map.tables.len());
        for &ty in &module.functions {
            self.functions.function(map.types[ty as usize]);
            map.functions.push(self.next_function);
            self.next_function += 1;
        }
        for memory in &module.memories {
            map.memories.push(self.memories.len() as u32);
            self.memories.push((*memory).into());
        }
        (map.data, map.elems) = (self.next_data, self.next_elems);
        self.next_data += module.data.len() as u32;
        self.next_elems += module.elems.len() as u32;
        self.define(module, &mut map)?;
        self.instances.push(Instance { module, name, map, imported_memories, imported_tables });
        Ok(())
    }

    /// Defines what has types or values of the module's.
    fn define(&mut self, module: &CoreModule<'_>, map: &mut Map) -> Result<(), CompileError> {
        for global in &module.globals {
            let mut items = items(map, &[], &self.values, &mut self.referenced);
            let value = value::evaluate(&mut items, &global.init_expr)?;
            let ty = items.global_type(global.ty).map_err(convert)?;
            map.globals.push(self.add_global(ty, &value.expr(), (!ty.mutable).then_some(value)));
        }
        let mut items = items(map, &[], &self.values, &mut self.referenced);
        for table in &module.tables {
            items.parse_table(&mut self.tables, table.clone()).map_err(convert)?;
        }
        for tag in &module.tags {
            self.tags.tag(items.tag_type(*tag).map_err(convert)?);
        }
        let (tables, tags) = (self.tables.len(), self.tags.len());
        map.tables.extend(tables - module.tables.len() as u32..tables);
        map.tags.extend(tags - module.tags.len() as u32..tags);
        Ok(())
    }

    /// Of each memory, in the order of instances, its index in the merged module. The first is the one that
    /// lies best in a slot.
    pub(super) fn memory_order(&self) -> Result<Vec<u32>, CompileError> {
        let mut order: Vec<u32> = (0..self.memories.len() as u32).collect();
        if order.len() < 2 {
            return Ok(order);
        }
        let mut accesses = vec![0_u64; order.len()];
        let mut counted: HashMap<*const CoreModule<'_>, Vec<u64>> = HashMap::new();
        for instance in &self.instances {
            let counts = match counted.entry(instance.module) {
                std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::hash_map::Entry::Vacant(new) => new.insert(instance.module.accesses()?),
            };
            for (&memory, count) in instance.map.memories.iter().zip(counts) {
                accesses[memory as usize] += *count;
            }
        }
        let best = (0..order.len()).filter(|&memory| fits_slot(&self.memories[memory]));
        // The first of equals.
        if let Some(best) = best.max_by_key(|&memory| (accesses[memory], std::cmp::Reverse(memory))) {
            // Those before it move on by one.
            order[..best].iter_mut().for_each(|index| *index += 1);
            order[best] = 0;
        }
        Ok(order)
    }

    /// Whether any instance has a start function.
    pub(super) fn starts(&self) -> bool {
        self.instances.iter().any(|instance| instance.module.start.is_some())
    }

    /// Writes the merged module. `glue` has the functions that were announced, without that of the start,
    /// which is the last.
    pub(super) fn write(
        mut self,
        mut glue: Vec<(Function, String)>,
        builtins: &Builtins,
        memory_order: &[u32],
    ) -> Result<Vec<u8>, CompileError> {
        let segments = self.segments(memory_order)?;
        let starts = self.starts();
        if starts {
            let start = Glue::new(builtins, false, &[]).start(&segments.start);
            glue.push((start, "component start".to_string()));
        }
        let start = self.imports.len() + glue.len() as u32 - u32::from(starts);
        let mut code = CodeSection::new();
        glue.iter().for_each(|(function, _)| {
            code.function(function);
        });
        for instance in &self.instances {
            let mut items = items(&instance.map, memory_order, &self.values, &mut self.referenced);
            for body in &instance.module.bodies {
                items.parse_function_body(&mut code, body.clone()).map_err(convert)?;
            }
        }
        let mut elements = segments.elements;
        if !self.referenced.is_empty() {
            let referenced: Vec<u32> = self.referenced.iter().copied().collect();
            elements.declared(Elements::Functions(referenced.into()));
        }
        let mut memories: Vec<(u32, MemoryType)> =
            memory_order.iter().copied().zip(self.memories.clone()).collect();
        memories.sort_by_key(|&(index, _)| index);
        let mut memory_section = MemorySection::new();
        memories.into_iter().for_each(|(_, ty)| {
            memory_section.memory(ty);
        });
        let mut module = Module::new();
        module.section(self.types.section()).section(self.imports.section()).section(&self.functions);
        module.section(&self.tables).section(&memory_section);
        if !self.tags.is_empty() {
            module.section(&self.tags);
        }
        module.section(&self.globals).section(&self.exports);
        if starts {
            module.section(&StartSection { function_index: start });
        }
        module.section(&elements);
        if self.next_data > 0 {
            module.section(&DataCountSection { count: self.next_data });
        }
        module.section(&code).section(&segments.data).section(&self.names(&glue));
        Ok(module.finish())
    }

    /// Re-encodes segments, and decides which of them the start function writes.
    fn segments(&mut self, memory_order: &[u32]) -> Result<Segments, CompileError> {
        let mut segments =
            Segments { elements: ElementSection::new(), data: DataSection::new(), start: Vec::new() };
        let mut started = false;
        for instance in &self.instances {
            let items = items(&instance.map, memory_order, &self.values, &mut self.referenced);
            segments.of_instance(instance, items, started)?;
            if let Some(start) = instance.module.start {
                started = true;
                segments.start.push(StartStep::Call(instance.map.functions[start as usize]));
            }
        }
        Ok(segments)
    }

    /// Names of functions, those of modules behind the module's.
    fn names(&self, glue: &[(Function, String)]) -> NameSection {
        let mut names = NameMap::new();
        for (position, (_, name)) in glue.iter().enumerate() {
            names.append(self.imports.len() + position as u32, name);
        }
        for instance in &self.instances {
            let imported = instance.map.functions.len() - instance.module.functions.len();
            let mut known: Vec<(u32, &str)> = instance.module.names.clone();
            known.sort_by_key(|&(index, _)| index);
            known.dedup_by_key(|&mut (index, _)| index);
            for (index, name) in known {
                if index as usize >= imported && (index as usize) < instance.map.functions.len() {
                    let merged = instance.map.functions[index as usize];
                    names.append(merged, &format!("{}.{name}", instance.name));
                }
            }
        }
        let mut section = NameSection::new();
        section.functions(&names);
        section
    }
}

/// The segments of all instances.
struct Segments {
    elements: ElementSection,
    data: DataSection,
    start: Vec<StartStep>,
}

impl Segments {
    fn of_instance(
        &mut self,
        instance: &Instance<'_, '_>,
        mut items: Items<'_>,
        started: bool,
    ) -> Result<(), CompileError> {
        for element in &instance.module.elems {
            let segment = self.elements.len();
            let step = match &element.kind {
                ElementKind::Active { table_index, offset_expr } if started => {
                    let length = match &element.items {
                        ElementItems::Functions(reader) => reader.count(),
                        ElementItems::Expressions(_, reader) => reader.count(),
                    };
                    let table = table_index.unwrap_or(0) as usize;
                    let offset = value::evaluate(&mut items, offset_expr)?;
                    let own = table
                        .checked_sub(instance.imported_tables)
                        .map(|own| &instance.module.tables[own].ty);
                    let fits = own.is_some_and(|ty| fits(offset.offset(), length, ty.initial));
                    let into = instance.map.tables[table];
                    let wide = matches!(offset, Value::I64(_));
                    (!fits).then_some(Segment { into, segment, offset: offset.offset(), length, wide })
                }
                _ => None,
            };
            match step {
                Some(step) => {
                    let elements = items.element_items(element.items.clone()).map_err(convert)?;
                    self.elements.passive(elements);
                    self.start.push(StartStep::Elements(step));
                }
                None => items.parse_element(&mut self.elements, element.clone()).map_err(convert)?,
            }
        }
        for data in &instance.module.data {
            let segment = self.data.len();
            let step = match &data.kind {
                DataKind::Active { memory_index, offset_expr } if started => {
                    let memory = *memory_index as usize;
                    let offset = value::evaluate(&mut items, offset_expr)?;
                    let own = memory
                        .checked_sub(instance.imported_memories)
                        .map(|own| &instance.module.memories[own]);
                    let size = own.map(|ty| {
                        let page = ty.page_size_log2.unwrap_or(DEFAULT_PAGE_LOG2.into());
                        ty.initial.saturating_mul(1 << page)
                    });
                    let length = data.data.len() as u32;
                    let fits = size.is_some_and(|size| fits(offset.offset(), length, size));
                    let into = items.memory_index(*memory_index).map_err(convert)?;
                    let wide = matches!(offset, Value::I64(_));
                    (!fits).then_some(Segment { into, segment, offset: offset.offset(), length, wide })
                }
                _ => None,
            };
            match step {
                Some(step) => {
                    self.data.passive(data.data.iter().copied());
                    self.start.push(StartStep::Data(step));
                }
                None => items.parse_data(&mut self.data, data.clone()).map_err(convert)?,
            }
        }
        Ok(())
    }
}

/// Whether a segment is inside what is there from the start.
fn fits(offset: u64, length: u32, size: u64) -> bool {
    offset.checked_add(length.into()).is_some_and(|end| end <= size)
}

fn items<'i>(
    map: &'i Map,
    memory_order: &'i [u32],
    values: &'i [Option<Value>],
    referenced: &'i mut BTreeSet<u32>,
) -> Items<'i> {
    Items { map, memory_order, values, referenced }
}

/// Whether a memory can lie in an instance's slot.
fn fits_slot(ty: &MemoryType) -> bool {
    let page = ty.page_size_log2.unwrap_or(DEFAULT_PAGE_LOG2.into());
    let most = ty.maximum.and_then(|pages| pages.checked_mul(1 << page));
    !ty.shared && (!ty.memory64 || most.is_some_and(|most| most <= 1 << 32))
}

/// The error for what the translation's own plans do not have with the features that are on.
pub(super) fn unexpected(what: &str) -> CompileError {
    CompileError::Component { message: format!("{what} is not supported") }
}
