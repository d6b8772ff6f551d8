//! Checks every index, type and range in a descriptor, once, when a module is opened.
//!
//! **Invariant: after [`check`], code that reads the descriptor indexes without looking**: nothing in it can
//! lead out of the file, the text, or another list, and every constant expression evaluates to the type that
//! is needed.

use super::error::OpenError;
use super::source::Source;
use crate::code::const_expr;
use std::collections::HashSet;
use wasmaot_abi::descriptor::{
    ConstExpr, DataMode, Descriptor, ElemItems, ElemMode, ElemSegment, ExportKind, FileRange, FuncEntry,
    ImportKind, Memory,
};
use wasmaot_abi::slot::{ADDRESSABLE32, HOST_PAGE};
use wasmaot_abi::state::StateLayout;
use wasmaot_abi::types::{
    DEFAULT_PAGE_LOG2, FuncType, HeapType, IndexType, Limits, MemoryType, RefType, TableType, ValType,
};

/// The page sizes that memories may have.
const PAGE_LOG2: [u8; 2] = [0, DEFAULT_PAGE_LOG2];

fn invalid(what: &'static str, index: usize, problem: &'static str) -> OpenError {
    OpenError::Invalid { what, index, problem }
}

/// Fails with `problem` unless `holds`.
fn ensure(holds: bool, what: &'static str, index: usize, problem: &'static str) -> Result<(), OpenError> {
    if holds { Ok(()) } else { Err(invalid(what, index, problem)) }
}

/// Checks a descriptor against itself, the file and the segment that holds the code.
pub(crate) fn check(
    descriptor: &Descriptor,
    source: &Source,
    text: FileRange,
) -> Result<StateLayout, OpenError> {
    ensure(descriptor.places.text == text, "place", 0, "the text is not the executable segment")?;
    ensure(text.length <= u64::from(u32::MAX), "place", 0, "the text is larger than 4 GiB")?;
    let places = &descriptor.places;
    for (what, range) in [
        ("the data", places.data),
        ("the trap table", places.traps),
        ("the address map", places.address_map),
        ("the function map", places.function_map),
        ("the exception table", descriptor.exceptions),
        ("the meter table", descriptor.meter.unwrap_or_default()),
        ("the line table", descriptor.lines.unwrap_or_default()),
    ] {
        check_place(source, what, range)?;
    }
    let layout = descriptor
        .state_layout()
        .map_err(|_| OpenError::Unsupported { what: "an instance state of more than 8 MiB" })?;
    let context = Context::new(descriptor)?;
    context.entries(text)?;
    context.exports()?;
    context.tables()?;
    context.memories(source)?;
    context.globals()?;
    context.data()?;
    context.elems()?;
    context.start()?;
    context.tags()?;
    Ok(layout)
}

fn check_place(source: &Source, what: &'static str, range: FileRange) -> Result<(), OpenError> {
    source.check(range, what).map_err(|_| OpenError::Place { what, range })
}

/// The descriptor with its index spaces laid out: imports first.
struct Context<'a> {
    descriptor: &'a Descriptor,
    /// Type index of each imported function.
    functions: Vec<u32>,
    /// Type of each table, and whether it is constant.
    tables: Vec<(TableType, bool)>,
    memories: Vec<MemoryType>,
    /// Value type of each global.
    globals: Vec<ValType>,
    imported_globals: usize,
}

impl<'a> Context<'a> {
    fn new(descriptor: &'a Descriptor) -> Result<Self, OpenError> {
        check_types(descriptor)?;
        let mut context = Self {
            descriptor,
            functions: Vec::new(),
            tables: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
            imported_globals: 0,
        };
        for (index, import) in descriptor.imports.iter().enumerate() {
            context.import(index, &import.kind)?;
        }
        context.imported_globals = context.globals.len();
        context.tables.extend(descriptor.tables.iter().map(|table| (table.ty, table.constant)));
        context.memories.extend(descriptor.memories.iter().map(|memory| memory.ty));
        context.globals.extend(descriptor.globals.iter().map(|global| global.ty.value));
        for (index, &ty) in context.globals.iter().enumerate() {
            context.value_type("global", index, ty)?;
        }
        for (index, (ty, _)) in context.tables.iter().enumerate() {
            ensure(ty.element.is_ref(), "table", index, "its elements are no references")?;
            context.value_type("table", index, ty.element)?;
            check_limits("table", index, ty.limits, most(ty.index))?;
        }
        for (index, ty) in context.memories.iter().enumerate() {
            if !PAGE_LOG2.contains(&ty.page_log2) {
                let what = "a memory with pages of another size than 1 byte or 64 KiB";
                return Err(OpenError::Unsupported { what });
            }
            let addressable = match ty.index {
                IndexType::I32 => ADDRESSABLE32 >> ty.page_log2,
                IndexType::I64 => u64::MAX,
            };
            check_limits("memory", index, ty.limits, addressable)?;
            let bounded = !ty.shared || ty.limits.max.is_some();
            ensure(bounded, "memory", index, "it is shared and has no maximum")?;
        }
        Ok(context)
    }

    fn import(&mut self, index: usize, kind: &ImportKind) -> Result<(), OpenError> {
        match *kind {
            ImportKind::Func { ty } => {
                self.func_type("import", index, ty)?;
                self.functions.push(ty);
            }
            ImportKind::Table { ty } => self.tables.push((ty, false)),
            ImportKind::Memory { ty } => self.memories.push(ty),
            ImportKind::Global { ty } => self.globals.push(ty.value),
            ImportKind::Tag { ty } => self.tag_type("import", index, ty)?,
        }
        Ok(())
    }

    /// Checks that a value type names a type that there is.
    fn value_type(&self, what: &'static str, index: usize, ty: ValType) -> Result<(), OpenError> {
        let known = refers_to(ty) < Some(self.descriptor.types.len());
        ensure(known, what, index, "its type refers to an unknown type")
    }

    fn func_type(&self, what: &'static str, index: usize, ty: u32) -> Result<&'a FuncType, OpenError> {
        self.descriptor.types.get(ty as usize).ok_or(invalid(what, index, "its type is unknown"))
    }

    fn tag_type(&self, what: &'static str, index: usize, ty: u32) -> Result<(), OpenError> {
        let ty = self.func_type(what, index, ty)?;
        ensure(ty.results.is_empty(), what, index, "it is a tag whose type has results")
    }

    fn tags(&self) -> Result<(), OpenError> {
        let mut tags = self.descriptor.tags.iter().enumerate();
        tags.try_for_each(|(index, &ty)| self.tag_type("tag", index, ty))
    }

    fn entries(&self, text: FileRange) -> Result<(), OpenError> {
        let entries = &self.descriptor.entries;
        for (index, &FuncEntry { func, ty, tail, array }) in entries.iter().enumerate() {
            let ascends = index == 0 || entries[index - 1].func < func;
            ensure(ascends, "function entry", index, "it is out of order")?;
            self.func_type("function entry", index, ty)?;
            let imported = self.functions.get(func as usize);
            let agrees = imported.is_none_or(|&imported| imported == ty);
            ensure(agrees, "function entry", index, "its type differs from the import's")?;
            let inside = |offset: u32| u64::from(offset) < text.length;
            ensure(inside(tail) && inside(array), "function entry", index, "it is outside the text")?;
        }
        Ok(())
    }

    fn exports(&self) -> Result<(), OpenError> {
        let mut names = HashSet::new();
        for (index, export) in self.descriptor.exports.iter().enumerate() {
            ensure(names.insert(&export.name), "export", index, "its name is taken")?;
            let known = match export.kind {
                ExportKind::Func { index } => self.descriptor.entry_of(index).is_some(),
                // An instance holds nothing of a constant table that could be given away.
                ExportKind::Table { index } => {
                    self.tables.get(index as usize).is_some_and(|&(_, constant)| !constant)
                }
                ExportKind::Memory { index } => (index as usize) < self.memories.len(),
                ExportKind::Global { index } => (index as usize) < self.globals.len(),
                ExportKind::Tag { index } => (index as usize) < self.descriptor.tag_types().count(),
            };
            ensure(known, "export", index, "it names nothing that can be exported")?;
        }
        Ok(())
    }

    fn tables(&self) -> Result<(), OpenError> {
        for (index, table) in self.descriptor.tables.iter().enumerate() {
            let known = table.init.is_some() || table.constant || table.ty.element.has_default();
            ensure(known, "table", index, "its elements have no initial value")?;
            if let Some(init) = &table.init {
                let globals = &self.globals[..self.imported_globals];
                self.expr("table", index, init, globals, table.ty.element)?;
            }
        }
        Ok(())
    }

    fn memories(&self, source: &Source) -> Result<(), OpenError> {
        for (index, memory) in self.descriptor.memories.iter().enumerate() {
            check_image(source, index, memory)?;
        }
        Ok(())
    }

    fn globals(&self) -> Result<(), OpenError> {
        for (index, global) in self.descriptor.globals.iter().enumerate() {
            let visible = &self.globals[..self.imported_globals + index];
            self.expr("global", index, &global.init, visible, global.ty.value)?;
        }
        Ok(())
    }

    fn data(&self) -> Result<(), OpenError> {
        let place = self.descriptor.places.data;
        for (index, segment) in self.descriptor.data.iter().enumerate() {
            let inside = segment.file.length == 0 || contains(place, segment.file);
            ensure(inside, "data segment", index, "it is outside the data")?;
            match &segment.mode {
                DataMode::Active { memory, offset } => {
                    let memory = self.memories.get(*memory as usize);
                    let memory = memory.ok_or(invalid("data segment", index, "its memory is unknown"))?;
                    self.expr("data segment", index, offset, &self.globals, memory.index.value())?;
                }
                DataMode::InImage => {
                    ensure(
                        segment.file.length == 0,
                        "data segment",
                        index,
                        "it is in the image, but not empty",
                    )?;
                }
                DataMode::Passive => {}
            }
        }
        Ok(())
    }

    fn elems(&self) -> Result<(), OpenError> {
        let what = "element segment";
        for (index, segment) in self.descriptor.elems.iter().enumerate() {
            ensure(segment.element.is_ref(), what, index, "its elements are no references")?;
            self.value_type(what, index, segment.element)?;
            self.items(index, segment)?;
            match &segment.mode {
                ElemMode::Active { table, offset } => {
                    let table = self.tables.get(*table as usize);
                    let Some(&(ty, constant)) = table else {
                        return Err(invalid(what, index, "its table is unknown"));
                    };
                    ensure(!constant, what, index, "its table is constant")?;
                    let fits = segment.element.is_subtype_of(ty.element);
                    ensure(fits, what, index, "its table has another type")?;
                    self.expr(what, index, offset, &self.globals, ty.index.value())?;
                }
                ElemMode::Dropped => {
                    ensure(is_empty(&segment.items), what, index, "it is dropped, but not empty")?;
                }
                ElemMode::Passive => {}
            }
        }
        Ok(())
    }

    fn items(&self, index: usize, segment: &ElemSegment) -> Result<(), OpenError> {
        let what = "element segment";
        match &segment.items {
            ElemItems::Entries { entries } => entries.iter().try_for_each(|&entry| {
                let entry = self.descriptor.entries.get(entry as usize);
                let entry = entry.ok_or(invalid(what, index, "it names an unknown function entry"))?;
                let fits = const_expr::entry_type(entry).is_subtype_of(segment.element);
                ensure(fits, what, index, "its elements are of another type")
            }),
            ElemItems::Exprs { exprs } => {
                exprs.iter().try_for_each(|expr| self.expr(what, index, expr, &self.globals, segment.element))
            }
        }
    }

    fn start(&self) -> Result<(), OpenError> {
        let Some(start) = self.descriptor.start else { return Ok(()) };
        let index = start as usize;
        let entry = self.descriptor.entries.get(index);
        let entry = entry.ok_or(invalid("start function", index, "its entry is unknown"))?;
        let ty = self.func_type("start function", index, entry.ty)?;
        let plain = ty.params.is_empty() && ty.results.is_empty();
        ensure(plain, "start function", index, "it has parameters or results")
    }

    fn expr(
        &self,
        what: &'static str,
        index: usize,
        expr: &ConstExpr,
        globals: &[ValType],
        expected: ValType,
    ) -> Result<(), OpenError> {
        let found = const_expr::type_of(expr, globals, &self.descriptor.entries);
        let found = found.map_err(|problem| invalid(what, index, problem))?;
        ensure(found.is_subtype_of(expected), what, index, "its initial value has the wrong type")
    }
}

/// The type that a value type names, if any.
fn refers_to(ty: ValType) -> Option<usize> {
    match ty {
        ValType::Ref(RefType { heap: HeapType::Concrete(index), .. }) => Some(index as usize),
        _ => None,
    }
}

/// Checks that recursion groups divide the list of types, and that each type refers to its own group and
/// earlier ones only.
pub(crate) fn check_types(descriptor: &Descriptor) -> Result<(), OpenError> {
    let mut end = 0;
    for group in descriptor.recursion_groups() {
        for index in group.clone() {
            let FuncType { params, results } = &descriptor.types[index];
            let known = params.iter().chain(results).all(|&ty| refers_to(ty) < Some(group.end));
            ensure(known, "type", index, "it refers to a later group")?;
        }
        end = group.end;
    }
    ensure(end == descriptor.types.len(), "type", end, "it is in no recursion group")
}

/// The largest number of an index type.
fn most(index: IndexType) -> u64 {
    match index {
        IndexType::I32 => u64::from(u32::MAX),
        IndexType::I64 => u64::MAX,
    }
}

fn check_limits(what: &'static str, index: usize, limits: Limits, most: u64) -> Result<(), OpenError> {
    let max = limits.max.unwrap_or(most);
    ensure(limits.min <= max && max <= most, what, index, "its limits are out of range")
}

fn check_image(source: &Source, index: usize, memory: &Memory) -> Result<(), OpenError> {
    let size = memory.ty.bytes(memory.ty.limits.min);
    let mut end = 0;
    for run in &memory.image {
        check_place(source, "a memory image", run.file)?;
        let whole = [run.address, run.file.offset, run.file.length];
        let whole = whole.iter().all(|value| value.is_multiple_of(HOST_PAGE));
        ensure(whole && run.file.length != 0, "memory image", index, "it is not whole pages")?;
        ensure(run.address >= end, "memory image", index, "it is out of order")?;
        let next = run.address.checked_add(run.file.length).filter(|&next| next <= size);
        end = next.ok_or(invalid("memory image", index, "it is larger than the memory"))?;
    }
    Ok(())
}

fn is_empty(items: &ElemItems) -> bool {
    match items {
        ElemItems::Entries { entries } => entries.is_empty(),
        ElemItems::Exprs { exprs } => exprs.is_empty(),
    }
}

fn contains(outer: FileRange, inner: FileRange) -> bool {
    let end = |range: FileRange| range.offset.checked_add(range.length);
    inner.offset >= outer.offset && end(inner).zip(end(outer)).is_some_and(|(inner, outer)| inner <= outer)
}
