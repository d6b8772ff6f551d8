//! The artifact's descriptor, from what is known of the module and where its code came to lie.

use crate::features;
use crate::index::FuncIndex;
use crate::key::FuncKeys;
use crate::module::ModuleInfo;
use crate::module::const_expr::{Arithmetic, ConstExpr, ConstOp, ConstValue};
use crate::module::image::Image;
use crate::module::info::{Elem, ElemItems, ElemMode};
use crate::record::PRODUCER;
use crate::translate::Env;
use wasmaot_abi::descriptor::{self as abi, Descriptor, FileRange, FuncEntry, ImportKind, Places};
use wasmaot_abi::types::{DEFAULT_PAGE_LOG2, IndexType, ValType};
use wasmparser::WasmFeatures;

/// A module's description.
pub(super) struct Description {
    /// Ranges of image and data are relative to their own bytes; places are left open.
    pub(super) descriptor: Descriptor,
    /// The data segments that are not in the image.
    pub(super) data: Vec<u8>,
}

/// Describes a module.
pub(super) fn describe(
    env: &Env<'_>,
    features: WasmFeatures,
    image: &Image,
    entries: Vec<FuncEntry>,
) -> Description {
    let (module, constant_tables) = (env.module, env.constant_tables);
    let positions = Positions { functions: env.functions };
    let (data, data_bytes) = data_segments(module, image, &positions);
    let tables = module.tables.values().zip(constant_tables.values());
    let memories = module.memories.values().zip(image.runs.values());
    let descriptor = Descriptor {
        producer: PRODUCER.to_string(),
        wasm_features: features::names(features | declared_features(module)),
        places: Places::default(),
        types: module.types.values().cloned().collect(),
        type_groups: module.type_groups.clone(),
        imports: module.imports.clone(),
        exports: module.exports.clone(),
        tables: tables
            .filter(|(table, _)| !table.imported)
            .map(|(table, constant)| abi::Table {
                ty: table.ty,
                constant: constant.is_some(),
                init: table.init.as_ref().filter(|_| constant.is_none()).map(|init| positions.expr(init)),
            })
            .collect(),
        memories: memories
            .filter(|(memory, _)| !memory.imported)
            .map(|(memory, runs)| abi::Memory { ty: memory.ty, image: runs.clone() })
            .collect(),
        globals: module
            .globals
            .values()
            .filter_map(|global| {
                Some(abi::Global { ty: global.ty, init: positions.expr(global.init.as_ref()?) })
            })
            .collect(),
        data,
        elems: module.elems.values().map(|elem| positions.elem(elem)).collect(),
        start: module.start.map(|func| positions.of(func)),
        tags: module.tags.values().skip(module.imported_tags as usize).map(|ty| ty.as_u32()).collect(),
        exceptions: FileRange::default(),
        meter: env.meter.then(FileRange::default),
        code: Some(FileRange::default()),
        build: None,
        lines: None,
        component: None,
        preinit: module.preinit.clone(),
        hot_pages: module.hot_pages.clone(),
        entries,
    };
    Description { descriptor, data: data_bytes }
}

/// Turns function indices into positions in the list of entries.
struct Positions<'a> {
    functions: &'a FuncKeys,
}

impl Positions<'_> {
    fn of(&self, func: FuncIndex) -> u32 {
        self.functions.entry(func).as_u32()
    }

    fn expr(&self, expr: &ConstExpr) -> abi::ConstExpr {
        abi::ConstExpr { ops: expr.ops.iter().map(|op| self.op(*op)).collect() }
    }

    fn op(&self, op: ConstOp) -> abi::ConstOp {
        match op {
            ConstOp::Value(value) => self.value(value),
            ConstOp::GlobalGet(global) => abi::ConstOp::GlobalGet { index: global.as_u32() },
            ConstOp::I32(Arithmetic::Add) => abi::ConstOp::I32Add,
            ConstOp::I32(Arithmetic::Sub) => abi::ConstOp::I32Sub,
            ConstOp::I32(Arithmetic::Mul) => abi::ConstOp::I32Mul,
            ConstOp::I64(Arithmetic::Add) => abi::ConstOp::I64Add,
            ConstOp::I64(Arithmetic::Sub) => abi::ConstOp::I64Sub,
            ConstOp::I64(Arithmetic::Mul) => abi::ConstOp::I64Mul,
        }
    }

    fn value(&self, value: ConstValue) -> abi::ConstOp {
        match value {
            ConstValue::I32(value) => abi::ConstOp::I32Const { value },
            ConstValue::I64(value) => abi::ConstOp::I64Const { value },
            ConstValue::F32(bits) => abi::ConstOp::F32Const { bits },
            ConstValue::F64(bits) => abi::ConstOp::F64Const { bits },
            ConstValue::V128(bits) => abi::ConstOp::V128Const { low: bits as u64, high: (bits >> 64) as u64 },
            ConstValue::Null(ty) => abi::ConstOp::RefNull { ty },
            ConstValue::Func(func) => abi::ConstOp::RefFunc { entry: self.of(func) },
        }
    }

    fn elem(&self, elem: &Elem) -> abi::ElemSegment {
        let mode = match &elem.mode {
            ElemMode::Passive => abi::ElemMode::Passive,
            ElemMode::Active { table, offset } => {
                abi::ElemMode::Active { table: table.as_u32(), offset: self.expr(offset) }
            }
            ElemMode::Declared | ElemMode::Applied => abi::ElemMode::Dropped,
        };
        let items = match &elem.items {
            _ if mode == abi::ElemMode::Dropped => abi::ElemItems::Entries { entries: Vec::new() },
            ElemItems::Functions(functions) => {
                abi::ElemItems::Entries { entries: functions.iter().map(|&func| self.of(func)).collect() }
            }
            ElemItems::Exprs(exprs) => {
                abi::ElemItems::Exprs { exprs: exprs.iter().map(|expr| self.expr(expr)).collect() }
            }
        };
        abi::ElemSegment { element: elem.element, mode, items }
    }
}

fn data_segments(
    module: &ModuleInfo<'_>,
    image: &Image,
    positions: &Positions<'_>,
) -> (Vec<abi::DataSegment>, Vec<u8>) {
    let mut bytes = Vec::new();
    let segments = module.data.iter().map(|(index, data)| {
        let mode = match &data.active {
            Some(_) if image.holds[index] => {
                return abi::DataSegment { mode: abi::DataMode::InImage, file: FileRange::default() };
            }
            Some((memory, offset)) => {
                abi::DataMode::Active { memory: memory.as_u32(), offset: positions.expr(offset) }
            }
            None => abi::DataMode::Passive,
        };
        let file = FileRange { offset: bytes.len() as u64, length: data.bytes.len() as u64 };
        bytes.extend_from_slice(data.bytes);
        abi::DataSegment { mode, file }
    });
    (segments.collect(), bytes)
}

/// The features beyond version 1 that a module uses outside of its bodies.
fn declared_features(module: &ModuleInfo<'_>) -> WasmFeatures {
    let exprs = module.globals.values().filter_map(|global| global.init.as_ref());
    let extended_const = exprs
        .chain(module.data.values().filter_map(|data| Some(&data.active.as_ref()?.1)))
        .any(|expr| expr.ops.len() > 1);
    let mutable_import =
        module.imports.iter().any(|import| matches!(import.kind, ImportKind::Global { ty } if ty.mutable));
    let mutable_export = module.exports.iter().any(|export| {
        matches!(export.kind, abi::ExportKind::Global { index } if module.globals[index.into()].ty.mutable)
    });
    let signatures = module.types.values().flat_map(|ty| ty.params.iter().chain(&ty.results));
    let values = signatures.chain(module.globals.values().map(|global| &global.ty.value));
    // Version 1 has tables, but no values, of this type, and segments that list functions.
    let elements = module.tables.values().map(|table| &table.ty.element);
    let elements = elements.filter(|&&ty| ty != ValType::FUNCREF);
    let exprs = module.elems.values().filter(|elem| matches!(elem.items, ElemItems::Exprs(_)));
    let elements = elements.chain(exprs.map(|elem| &elem.element));
    let mut used =
        values.chain(elements).fold(WasmFeatures::empty(), |used, &ty| used | features::of_type(ty));
    let function_references = module.tables.values().any(|table| table.init.is_some())
        || module.type_groups.iter().any(|&size| size > 1);
    let bulk_segments = module.data.values().any(|data| data.active.is_none())
        || module.elems.values().any(|elem| matches!(elem.mode, ElemMode::Passive));
    let declared = module.elems.values().any(|elem| matches!(elem.mode, ElemMode::Declared));
    let mut note = |feature, is_used| used |= if is_used { feature } else { WasmFeatures::empty() };
    note(WasmFeatures::EXCEPTIONS, !module.tags.is_empty());
    note(WasmFeatures::BULK_MEMORY, bulk_segments);
    note(WasmFeatures::EXTENDED_CONST, extended_const);
    let memories = || module.memories.values().map(|memory| memory.ty);
    let wide_index = memories().any(|ty| ty.index == IndexType::I64)
        || module.tables.values().any(|table| table.ty.index == IndexType::I64);
    let other_pages = memories().any(|ty| ty.page_log2 != DEFAULT_PAGE_LOG2);
    note(WasmFeatures::CUSTOM_PAGE_SIZES, other_pages);
    note(WasmFeatures::MEMORY64, wide_index);
    note(WasmFeatures::THREADS, memories().any(|ty| ty.shared));
    note(WasmFeatures::MULTI_MEMORY, module.memories.len() > 1);
    note(WasmFeatures::FUNCTION_REFERENCES, function_references);
    note(WasmFeatures::MULTI_VALUE, module.types.values().any(|ty| ty.results.len() > 1));
    note(WasmFeatures::MUTABLE_GLOBAL, mutable_import || mutable_export);
    note(WasmFeatures::REFERENCE_TYPES, declared || module.tables.len() > 1);
    used
}
