//! A snapshot becomes a module: the module that it was taken of, with other initial values.
//!
//! | section | becomes |
//! |---|---|
//! | memory, table | their present sizes as minima |
//! | global | the present values of those that can change |
//! | export | without initialisers, see [`Exports`] |
//! | start | nothing: it has run |
//! | element | active segments with the present elements of tables that can change |
//! | data | active segments with what is not zero |
//! | code and all others | the same bytes, so that names, debugging information and offsets stay right |
//!
//! Segments that code names keep their indices. One that is dropped becomes an empty or a declared one, which
//! code cannot tell from it; an active one is dropped once it is written. **Invariant: indices of functions,
//! types, memories, tables and globals are those of the original, and a function that was declared to be
//! referenced still is.**

use crate::error::SnapshotError;
use crate::exports::Exports;
use crate::frozen::{Memory, Snapshot, Value};
use crate::runs::{join, runs};
use crate::survey::{Named, parser};
use std::collections::BTreeSet;
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    ConstExpr, CustomSection, DataCountSection, DataSection, ElementSection, Elements, ExportSection,
    GlobalSection, Ieee32, Ieee64, MemorySection, Module, RawSection, RefType, SectionId, TableSection,
    TableType,
};
use wasmaot_abi::preinit::{HOT_PAGES_SECTION, PREINIT_SECTION, PageRun, Preinit, to_section};
use wasmparser::{
    DataKind, DataSectionReader, ElementItems, ElementKind, ElementSectionReader, Operator, Payload,
};

/// Nulls that are written into a table rather than left out between two elements.
const MAX_NULLS: u64 = 16;

/// Segments of elements that all tables together are written as.
const MAX_SEGMENTS: usize = 900;

/// A module in the making.
struct Rewriter<'a> {
    snapshot: &'a Snapshot<'a>,
    exports: &'a Exports,
    named: Named,
    module: Module,
    /// The types of the tables with their present sizes.
    tables: Vec<TableType>,
    /// Which memories have addresses of 64 bits.
    wide: Vec<bool>,
    /// Functions that only the element segments declared which are left out.
    declared: BTreeSet<u32>,
    /// Data segments that are kept for their indices.
    kept_data: Vec<Vec<u8>>,
    has_elements: bool,
    has_data: bool,
}

impl Snapshot<'_> {
    /// Returns the module that starts in this state, with these exports.
    ///
    /// # Errors
    /// The bytes that the snapshot was taken with are not those of the instance's module, or an export that
    /// is to be renamed does not exist.
    pub fn to_wasm(&self, exports: &Exports) -> Result<Vec<u8>, SnapshotError> {
        Ok(self.rewritten(exports)?.finish())
    }

    /// The same, with a record of the initialisation.
    pub(crate) fn to_wasm_with(&self, exports: &Exports, record: &Preinit) -> Result<Vec<u8>, SnapshotError> {
        let mut module = self.rewritten(exports)?;
        module.section(&CustomSection { name: PREINIT_SECTION.into(), data: to_section(record).into() });
        Ok(module.finish())
    }

    fn rewritten(&self, exports: &Exports) -> Result<Module, SnapshotError> {
        let mut rewriter = Rewriter {
            snapshot: self,
            exports,
            named: Named::of(self.wasm)?,
            module: Module::new(),
            tables: Vec::new(),
            wide: Vec::new(),
            declared: BTreeSet::new(),
            kept_data: Vec::new(),
            has_elements: false,
            has_data: false,
        };
        rewriter.read_data()?;
        for payload in parser().parse_all(self.wasm) {
            rewriter.payload(payload?)?;
        }
        rewriter.elements(None)?;
        rewriter.data();
        Ok(rewriter.module)
    }
}

/// Returns a module with a list of the pages of its first memory that its calls write, instead of one that it
/// may have.
///
/// # Errors
/// The module is malformed.
pub fn with_hot_pages(wasm: &[u8], pages: &Vec<PageRun>) -> Result<Vec<u8>, SnapshotError> {
    let mut module = Module::new();
    for payload in parser().parse_all(wasm) {
        let payload = payload?;
        let is_old = matches!(&payload, Payload::CustomSection(custom) if custom.name() == HOT_PAGES_SECTION);
        if let Some((id, range)) = section(&payload).filter(|_| !is_old) {
            module.section(&RawSection { id, data: &wasm[range] });
        }
    }
    module.section(&CustomSection { name: HOT_PAGES_SECTION.into(), data: to_section(pages).into() });
    Ok(module.finish())
}

/// The number and the contents' range of a section.
fn section(payload: &Payload<'_>) -> Option<(u8, std::ops::Range<usize>)> {
    match payload {
        Payload::CodeSectionStart { range, .. } => Some((SectionId::Code as u8, range.clone())),
        payload => payload.as_section(),
    }
}

impl Rewriter<'_> {
    fn payload(&mut self, payload: Payload<'_>) -> Result<(), SnapshotError> {
        match payload {
            Payload::MemorySection(memories) => {
                let mut section = MemorySection::new();
                for (memory, frozen) in zip_all(memories, &self.snapshot.memories, "memories")? {
                    let mut ty = RoundtripReencoder.memory_type(memory)?;
                    ty.minimum = frozen.pages;
                    section.memory(ty);
                    self.wide.push(ty.memory64);
                }
                self.module.section(&section);
            }
            Payload::TableSection(tables) => {
                let mut section = TableSection::new();
                for (table, frozen) in zip_all(tables, &self.snapshot.tables, "tables")? {
                    let mut ty = RoundtripReencoder.table_type(table.ty)?;
                    ty.minimum = frozen.as_ref().map_or(ty.minimum, |elements| elements.len() as u64);
                    match table.init {
                        // All elements are written, and nulls are not.
                        wasmparser::TableInit::Expr(init)
                            if frozen.is_none() || !ty.element_type.nullable =>
                        {
                            section.table_with_init(ty, &RoundtripReencoder.const_expr(init)?);
                        }
                        _ => _ = section.table(ty),
                    }
                    self.tables.push(ty);
                }
                self.module.section(&section);
            }
            Payload::GlobalSection(globals) => {
                let mut section = GlobalSection::new();
                for (global, frozen) in zip_all(globals, &self.snapshot.globals, "globals")? {
                    let ty = RoundtripReencoder.global_type(global.ty)?;
                    let init = match frozen {
                        Some(value) => constant(*value, ty.val_type)?,
                        None => RoundtripReencoder.const_expr(global.init_expr)?,
                    };
                    section.global(ty, &init);
                }
                self.module.section(&section);
            }
            Payload::ExportSection(exports) => {
                let mut section = ExportSection::new();
                let mut names = BTreeSet::new();
                for export in exports {
                    let export = export?;
                    names.insert(export.name);
                    if let Some(name) = self.exports.name(export.name) {
                        section.export(name, RoundtripReencoder.export_kind(export.kind)?, export.index);
                    }
                }
                let missing = self.exports.renamed.iter().find(|(_, old)| !names.contains(&**old));
                if let Some((new, old)) = missing {
                    return Err(SnapshotError::NoExport { name: old.clone(), new: new.clone() });
                }
                self.module.section(&section);
            }
            Payload::StartSection { .. } => {}
            Payload::ElementSection(elements) => self.elements(Some(elements))?,
            Payload::DataCountSection { .. } => {
                self.elements(None)?;
                let count = self.kept_data.len() + self.contents().count();
                self.module.section(&DataCountSection { count: count as u32 });
            }
            Payload::DataSection(_) => self.data(),
            Payload::CustomSection(custom)
                if [PREINIT_SECTION, HOT_PAGES_SECTION].contains(&custom.name()) => {}
            payload => {
                if matches!(payload, Payload::CodeSectionStart { .. }) {
                    self.elements(None)?;
                }
                if let Some((id, range)) = section(&payload) {
                    self.module.section(&RawSection { id, data: &self.snapshot.wasm[range] });
                }
            }
        }
        Ok(())
    }

    /// Finds out which data segments stay: those that code names.
    fn read_data(&mut self) -> Result<(), SnapshotError> {
        for payload in parser().parse_all(self.snapshot.wasm) {
            if let Payload::DataSection(section) = payload? {
                self.keep_data(section)?;
            }
        }
        Ok(())
    }

    fn keep_data(&mut self, section: DataSectionReader<'_>) -> Result<(), SnapshotError> {
        for (data, &is_dropped) in zip_all(section, &self.snapshot.dropped_data, "data segments")? {
            if self.kept_data.len() < self.named.data {
                let is_kept = matches!(data.kind, DataKind::Passive) && !is_dropped;
                self.kept_data.push(if is_kept { data.data.to_vec() } else { Vec::new() });
            }
        }
        Ok(())
    }

    /// The contents of all memories, each with the index of the memory and the address. What is not in whole
    /// pages comes last: a segment that is not part of an image keeps all behind it from being one.
    fn contents(&self) -> impl Iterator<Item = (u32, u64, &Vec<u8>)> {
        let page = wasmaot_abi::slot::HOST_PAGE as usize;
        let of = move |is_whole: bool| {
            let memories = (0..).zip(&self.snapshot.memories);
            let contents = memories.flat_map(|(index, Memory { contents, .. })| {
                contents.iter().map(move |(address, bytes)| (index, *address, bytes))
            });
            contents.filter(move |(.., bytes)| bytes.len().is_multiple_of(page) == is_whole)
        };
        of(true).chain(of(false))
    }

    /// Writes the data section, unless it is written already.
    fn data(&mut self) {
        if std::mem::replace(&mut self.has_data, true) {
            return;
        }
        let mut section = DataSection::new();
        for bytes in &self.kept_data {
            section.passive(bytes.iter().copied());
        }
        for (memory, address, bytes) in self.contents() {
            let offset = match self.wide[memory as usize] {
                true => ConstExpr::i64_const(address as i64),
                false => ConstExpr::i32_const(address as u32 as i32),
            };
            section.active(memory, &offset, bytes.iter().copied());
        }
        if !section.is_empty() {
            self.module.section(&section);
        }
    }

    /// Writes the element section, unless it is written already.
    fn elements(&mut self, old: Option<ElementSectionReader<'_>>) -> Result<(), SnapshotError> {
        if std::mem::replace(&mut self.has_elements, true) {
            return Ok(());
        }
        let mut section = ElementSection::new();
        if let Some(old) = old {
            self.old_elements(&mut section, old)?;
        }
        let tables = self.snapshot.tables.iter().map(|table| {
            let elements = table.as_deref().unwrap_or_default().iter();
            runs(elements.map(|&value| value != Value::Null), MAX_NULLS)
        });
        let mut lists: Vec<_> = tables.collect();
        join(&mut lists, MAX_SEGMENTS);
        for (index, (runs, ty)) in (0..).zip(lists.into_iter().zip(&self.tables)) {
            let table = self.snapshot.tables[index as usize].as_deref().unwrap_or_default();
            for run in runs {
                let offset = match ty.table64 {
                    true => ConstExpr::i64_const(run.start as i64),
                    false => ConstExpr::i32_const(run.start as u32 as i32),
                };
                let elements = items(&table[run.start as usize..run.end as usize], ty.element_type)?;
                section.active(
                    Some(index).filter(|&index| index > 0 || !is_func_ref(ty.element_type)),
                    &offset,
                    elements,
                );
            }
        }
        let declared: Vec<u32> = std::mem::take(&mut self.declared).into_iter().collect();
        if !declared.is_empty() {
            section.declared(Elements::Functions(declared.into()));
        }
        if !section.is_empty() {
            self.module.section(&section);
        }
        Ok(())
    }

    /// Keeps what is left of the old segments: those of tables that cannot change, and those that code names.
    fn old_elements(
        &mut self,
        section: &mut ElementSection,
        old: ElementSectionReader<'_>,
    ) -> Result<(), SnapshotError> {
        let mut constant = Vec::new();
        for (index, (element, &is_dropped)) in
            zip_all(old, &self.snapshot.dropped_elems, "element segments")?.into_iter().enumerate()
        {
            let is_constant = match element.kind {
                ElementKind::Active { table_index, .. } => {
                    let table = self.snapshot.tables.get(table_index.unwrap_or(0) as usize);
                    table.is_some_and(Option::is_none)
                }
                _ => false,
            };
            let is_passive = matches!(element.kind, ElementKind::Passive) && !is_dropped;
            if index < self.named.elems {
                match is_constant || is_passive {
                    true => RoundtripReencoder.parse_element(section, element)?,
                    false => _ = section.declared(RoundtripReencoder.element_items(element.items)?),
                }
            } else if is_constant {
                constant.push(element);
            } else {
                self.declare(element.items)?;
            }
        }
        for element in constant {
            RoundtripReencoder.parse_element(section, element)?;
        }
        Ok(())
    }

    /// Notes the functions that a segment names, which code may refer to because of that.
    fn declare(&mut self, items: ElementItems<'_>) -> Result<(), SnapshotError> {
        match items {
            ElementItems::Functions(functions) => {
                for function in functions {
                    self.declared.insert(function?);
                }
            }
            ElementItems::Expressions(_, exprs) => {
                for expr in exprs {
                    for operator in expr?.get_operators_reader() {
                        if let Operator::RefFunc { function_index } = operator? {
                            self.declared.insert(function_index);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// The items of a section, each with what is known of it.
fn zip_all<'a, 's, T: wasmparser::FromReader<'a>, S>(
    section: wasmparser::SectionLimited<'a, T>,
    known: &'s [S],
    what: &'static str,
) -> Result<Vec<(T, &'s S)>, SnapshotError> {
    if section.count() as usize != known.len() {
        return Err(SnapshotError::OtherModule { what });
    }
    section.into_iter().zip(known).map(|(item, known)| Ok((item?, known))).collect()
}

fn is_func_ref(ty: RefType) -> bool {
    ty == RefType::FUNCREF
}

/// Elements of a table of this type.
fn items(elements: &[Value], ty: RefType) -> Result<Elements<'static>, SnapshotError> {
    let functions =
        elements.iter().map(|&value| if let Value::Func(index) = value { Some(index) } else { None });
    if is_func_ref(ty)
        && let Some(functions) = functions.collect::<Option<Vec<u32>>>()
    {
        return Ok(Elements::Functions(functions.into()));
    }
    let exprs: Vec<_> = elements
        .iter()
        .map(|&value| constant(value, wasm_encoder::ValType::Ref(ty)))
        .collect::<Result<_, _>>()?;
    Ok(Elements::Expressions(ty, exprs.into()))
}

/// An expression that gives a value of a type.
fn constant(value: Value, ty: wasm_encoder::ValType) -> Result<ConstExpr, SnapshotError> {
    Ok(match (value, ty) {
        (Value::I32(value), _) => ConstExpr::i32_const(value),
        (Value::I64(value), _) => ConstExpr::i64_const(value),
        (Value::F32(bits), _) => ConstExpr::f32_const(Ieee32::new(bits)),
        (Value::F64(bits), _) => ConstExpr::f64_const(Ieee64::new(bits)),
        (Value::V128(bits), _) => ConstExpr::v128_const(bits as i128),
        (Value::Func(index), _) => ConstExpr::ref_func(index),
        (Value::Null, wasm_encoder::ValType::Ref(ty)) => ConstExpr::ref_null(ty.heap_type),
        (Value::Null, _) => return Err(SnapshotError::OtherModule { what: "types of globals" }),
    })
}
