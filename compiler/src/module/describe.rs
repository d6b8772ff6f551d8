//! The artifact's descriptor, from what is known of the module and where its code came to lie.

use super::image::Image;
use super::{ElemItems, ElemMode, ModuleInfo};
use crate::features;
use crate::translate::Env;
use wasmaot_abi::descriptor::{
    self as abi, ConstExpr, ConstOp, Descriptor, FileRange, FuncEntry, ImportKind, Places,
};
use wasmaot_abi::types::{DEFAULT_PAGE_LOG2, IndexType, ValType};
use wasmparser::WasmFeatures;

/// Name and version of this compiler.
const PRODUCER: &str = concat!("wasmaot ", env!("CARGO_PKG_VERSION"));

/// Makes the descriptor, and the bytes of data segments that are not in the image. Ranges of image and
/// data are relative to their own bytes; places are left to the linker.
pub(crate) fn describe(
    env: &Env<'_>,
    features: WasmFeatures,
    image: &Image,
    entries: Vec<FuncEntry>,
) -> (Descriptor, Vec<u8>) {
    let (module, constant_tables) = (env.module, env.constant_tables);
    let positions = Positions { entries: &entries };
    let (data, data_bytes) = data_segments(module, image, &positions);
    let defined_tables = module.tables.iter().zip(constant_tables).filter(|(table, _)| !table.imported);
    let defined_memories = module.memories.iter().zip(&image.runs).filter(|(memory, _)| !memory.imported);
    let descriptor = Descriptor {
        producer: PRODUCER.to_string(),
        wasm_features: features::names(features | declared_features(module)),
        places: Places::default(),
        types: module.types.clone(),
        type_groups: module.type_groups.clone(),
        imports: module.imports.clone(),
        exports: module.exports.clone(),
        tables: defined_tables
            .map(|(table, constant)| abi::Table {
                ty: table.ty,
                constant: constant.is_some(),
                init: table.init.as_ref().filter(|_| constant.is_none()).map(|init| positions.expr(init)),
            })
            .collect(),
        memories: defined_memories
            .map(|(memory, runs)| abi::Memory { ty: memory.ty, image: runs.clone() })
            .collect(),
        globals: module
            .globals
            .iter()
            .filter_map(|global| {
                Some(abi::Global { ty: global.ty, init: positions.expr(global.init.as_ref()?) })
            })
            .collect(),
        data,
        elems: module.elems.iter().map(|elem| positions.elem(elem)).collect(),
        start: module.start.map(|func| positions.of(func)),
        tags: module.tags[module.imported_tags as usize..].to_vec(),
        exceptions: FileRange::default(),
        meter: env.meter.then(FileRange::default),
        entries,
    };
    (descriptor, data_bytes)
}

/// Turns function indices into positions in the list of entries.
struct Positions<'a> {
    entries: &'a [FuncEntry],
}

impl Positions<'_> {
    fn of(&self, func: u32) -> u32 {
        let position = self.entries.binary_search_by_key(&func, |entry| entry.func);
        position.expect("every function that is referenced has an entry") as u32
    }

    fn expr(&self, expr: &ConstExpr) -> ConstExpr {
        let ops = expr.ops.iter().map(|op| match *op {
            ConstOp::RefFunc { entry: func } => ConstOp::RefFunc { entry: self.of(func) },
            op => op,
        });
        ConstExpr { ops: ops.collect() }
    }

    fn elem(&self, elem: &super::Elem) -> abi::ElemSegment {
        let mode = match &elem.mode {
            ElemMode::Passive => abi::ElemMode::Passive,
            ElemMode::Active { table, offset } => {
                abi::ElemMode::Active { table: *table, offset: self.expr(offset) }
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
    let segments = module.data.iter().enumerate().map(|(index, data)| {
        let mode = match &data.active {
            Some(_) if image.holds[index] => {
                return abi::DataSegment { mode: abi::DataMode::InImage, file: FileRange::default() };
            }
            Some((memory, offset)) => {
                abi::DataMode::Active { memory: *memory, offset: positions.expr(offset) }
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
    let exprs = module.globals.iter().filter_map(|global| global.init.as_ref());
    let extended_const = exprs
        .chain(module.data.iter().filter_map(|data| Some(&data.active.as_ref()?.1)))
        .any(|expr| expr.ops.len() > 1);
    let mutable_import =
        module.imports.iter().any(|import| matches!(import.kind, ImportKind::Global { ty } if ty.mutable));
    let mutable_export = module.exports.iter().any(|export| {
        matches!(export.kind, abi::ExportKind::Global { index } if module.globals[index as usize].ty.mutable)
    });
    let signatures = module.types.iter().flat_map(|ty| ty.params.iter().chain(&ty.results));
    let values = signatures.chain(module.globals.iter().map(|global| &global.ty.value));
    // Version 1 has tables, but no values, of this type, and segments that list functions.
    let elements = module.tables.iter().map(|table| &table.ty.element).filter(|&&ty| ty != ValType::FUNCREF);
    let exprs = module.elems.iter().filter(|elem| matches!(elem.items, ElemItems::Exprs(_)));
    let elements = elements.chain(exprs.map(|elem| &elem.element));
    let mut used =
        values.chain(elements).fold(WasmFeatures::empty(), |used, &ty| used | features::of_type(ty));
    let function_references = module.tables.iter().any(|table| table.init.is_some())
        || module.type_groups.iter().any(|&size| size > 1);
    let bulk_segments = module.data.iter().any(|data| data.active.is_none())
        || module.elems.iter().any(|elem| matches!(elem.mode, ElemMode::Passive));
    let declared = module.elems.iter().any(|elem| matches!(elem.mode, ElemMode::Declared));
    let mut note = |feature, is_used| used |= if is_used { feature } else { WasmFeatures::empty() };
    note(WasmFeatures::EXCEPTIONS, !module.tags.is_empty());
    note(WasmFeatures::BULK_MEMORY, bulk_segments);
    note(WasmFeatures::EXTENDED_CONST, extended_const);
    let memories = || module.memories.iter().map(|memory| memory.ty);
    let wide_index = memories().any(|ty| ty.index == IndexType::I64)
        || module.tables.iter().any(|table| table.ty.index == IndexType::I64);
    let other_pages = memories().any(|ty| ty.page_log2 != DEFAULT_PAGE_LOG2);
    note(WasmFeatures::CUSTOM_PAGE_SIZES, other_pages);
    note(WasmFeatures::MEMORY64, wide_index);
    note(WasmFeatures::THREADS, memories().any(|ty| ty.shared));
    note(WasmFeatures::MULTI_MEMORY, module.memories.len() > 1);
    note(WasmFeatures::FUNCTION_REFERENCES, function_references);
    note(WasmFeatures::MULTI_VALUE, module.types.iter().any(|ty| ty.results.len() > 1));
    note(WasmFeatures::MUTABLE_GLOBAL, mutable_import || mutable_export);
    note(WasmFeatures::REFERENCE_TYPES, declared || module.tables.len() > 1);
    used
}
