//! Reads a module's sections.
//!
//! Declarations are validated on the way; function bodies are handed on, each with its validator, to
//! [`super::survey`].

use super::const_expr::{Arithmetic, ConstExpr, ConstOp, ConstValue};
use super::info::{Data, Elem, ElemItems, ElemMode, Global, Memory, ModuleInfo, Table};
use super::types::{group, memory_type};
use crate::error::CompileError;
use crate::features::{self, FeatureSet};
use crate::index::{FuncIndex, TableIndex, TypeIndex};
use wasmaot_abi::canon::Types;
use wasmaot_abi::descriptor::{Export, ExportKind, Import, ImportKind};
use wasmaot_abi::preinit::{self, HOT_PAGES_SECTION, PREINIT_SECTION};
use wasmaot_abi::types::{RefType, ValType};
use wasmparser::{
    DataKind, ElementItems, ElementKind, ExternalKind, FuncToValidate, FunctionBody, Name, Operator, Parser,
    Payload, TableInit, TypeRef, ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

/// A function body with what validates it.
pub(crate) struct Body<'a> {
    pub(crate) body: FunctionBody<'a>,
    pub(crate) validator: FuncToValidate<ValidatorResources>,
}

/// Parses a module and validates all but its function bodies.
pub(crate) fn parse<'a>(
    wasm: &'a [u8],
    taken: FeatureSet,
) -> Result<(ModuleInfo<'a>, Vec<Body<'a>>), CompileError> {
    let mut validator = Validator::new_with_features(taken.flags());
    let explain = |error| features::explain(wasm, taken, error);
    let mut parser = Parser::new(0);
    parser.set_features(taken.flags());
    let mut reader = SectionReader::default();
    for payload in parser.parse_all(wasm) {
        let payload = payload.map_err(explain)?;
        match validator.payload(&payload).map_err(explain)? {
            ValidPayload::Func(to_validate, body) => reader.body(to_validate, body),
            _ => reader.section(payload)?,
        }
    }
    Ok((reader.module, reader.bodies))
}

#[derive(Default)]
struct SectionReader<'a> {
    module: ModuleInfo<'a>,
    bodies: Vec<Body<'a>>,
}

impl<'a> SectionReader<'a> {
    fn body(&mut self, validator: FuncToValidate<ValidatorResources>, body: FunctionBody<'a>) {
        self.bodies.push(Body { body, validator });
    }

    fn section(&mut self, payload: Payload<'a>) -> Result<(), CompileError> {
        match payload {
            Payload::TypeSection(reader) => {
                let mut types = Types::default();
                let mut numbers = Vec::new();
                for types_of_group in reader.into_iter_with_offsets() {
                    let (offset, types_of_group) = types_of_group?;
                    let members = group(types_of_group, offset)?;
                    let start = types.add(&members, &numbers);
                    numbers.extend((start..).take(members.len()));
                }
                self.module.type_map = numbers.into_iter().map(TypeIndex::from).collect();
                let (types, groups) = types.into_parts();
                (self.module.types, self.module.type_groups) = (types.into(), groups);
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports_with_offsets() {
                    let (offset, import) = import?;
                    self.import(import, offset)?;
                }
            }
            Payload::FunctionSection(reader) => {
                for ty in reader {
                    let ty = self.module.type_map[ty?.into()];
                    self.module.functions.push(ty);
                }
            }
            Payload::TableSection(reader) => {
                for table in reader.into_iter_with_offsets() {
                    let (offset, table) = table?;
                    let init = match table.init {
                        TableInit::RefNull => None,
                        TableInit::Expr(expr) => Some(const_expr(&self.module, &expr)?),
                    };
                    let ty = self.module.table_type(&table.ty, offset)?;
                    self.module.tables.push(Table { ty, imported: false, init });
                }
            }
            Payload::MemorySection(reader) => {
                for memory in reader {
                    self.module.memories.push(Memory { ty: memory_type(&memory?), imported: false });
                }
            }
            Payload::TagSection(reader) => {
                for tag in reader {
                    let ty = self.module.type_map[tag?.func_type_idx.into()];
                    self.module.tags.push(ty);
                }
            }
            Payload::GlobalSection(reader) => {
                for global in reader.into_iter_with_offsets() {
                    let (offset, global) = global?;
                    let init = const_expr(&self.module, &global.init_expr)?;
                    let ty = self.module.global_type(&global.ty, offset)?;
                    let fixed = || self.module.evaluate(&init);
                    let constant = if ty.mutable { None } else { fixed() };
                    self.module.constants.push(constant);
                    self.module.globals.push(Global { ty, init: Some(init) });
                }
            }
            Payload::ExportSection(reader) => {
                for export in reader {
                    let export = export?;
                    let kind = export_kind(export.kind, export.index);
                    if let ExportKind::Func { index } = kind {
                        self.module.export_names.entry(index.into()).or_insert(export.name);
                    }
                    self.module.exports.push(Export { name: export.name.to_string(), kind });
                }
            }
            Payload::StartSection { func, .. } => self.module.start = Some(func.into()),
            Payload::ElementSection(reader) => {
                for elem in reader.into_iter_with_offsets() {
                    let (offset, elem) = elem?;
                    let elem = elem_segment(&self.module, elem, offset)?;
                    self.module.elems.push(elem);
                }
            }
            Payload::DataSection(reader) => {
                for data in reader {
                    let data = data?;
                    let active = match data.kind {
                        DataKind::Passive => None,
                        DataKind::Active { memory_index, offset_expr } => {
                            Some((memory_index.into(), const_expr(&self.module, &offset_expr)?))
                        }
                    };
                    self.module.data.push(Data { active, bytes: data.data });
                }
            }
            Payload::CustomSection(section) => {
                if let wasmparser::KnownCustom::Name(names) = section.as_known() {
                    self.names(names);
                }
                self.module.debug.add(section.name(), section.data());
                match section.name() {
                    PREINIT_SECTION => self.module.preinit = preinit::from_section(section.data()),
                    HOT_PAGES_SECTION => {
                        self.module.hot_pages = preinit::from_section(section.data()).unwrap_or_default();
                    }
                    _ => {}
                }
            }
            Payload::CodeSectionStart { range, .. } => self.module.debug.code_begins(range.start),
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, import: wasmparser::Import<'a>, offset: usize) -> Result<(), CompileError> {
        let module = &mut self.module;
        let kind = match import.ty {
            TypeRef::Func(ty) => {
                let ty = module.type_map[ty.into()];
                module.functions.push(ty);
                module.function_imports.push(module.imports.len());
                module.imported_functions += 1;
                ImportKind::Func { ty: ty.as_u32() }
            }
            TypeRef::Table(ty) => {
                let ty = module.table_type(&ty, offset)?;
                module.tables.push(Table { ty, imported: true, init: None });
                ImportKind::Table { ty }
            }
            TypeRef::Memory(ty) => {
                let ty = memory_type(&ty);
                module.memories.push(Memory { ty, imported: true });
                ImportKind::Memory { ty }
            }
            TypeRef::Global(ty) => {
                let ty = module.global_type(&ty, offset)?;
                module.globals.push(Global { ty, init: None });
                module.constants.push(None);
                module.imported_globals += 1;
                ImportKind::Global { ty }
            }
            TypeRef::Tag(tag) => {
                let ty = module.type_map[tag.func_type_idx.into()];
                module.tags.push(ty);
                module.imported_tags += 1;
                ImportKind::Tag { ty: ty.as_u32() }
            }
            TypeRef::FuncExact(_) => {
                return Err(features::refuse_exact(offset, "an import of an exact function type"));
            }
        };
        module.imports.push(Import {
            module: import.module.to_string(),
            name: import.name.to_string(),
            kind,
        });
        Ok(())
    }

    /// Takes the function names. A malformed name section is not an error (core specification,
    /// appendix "Custom Sections"): what comes before the flaw is used.
    fn names(&mut self, reader: wasmparser::NameSectionReader<'a>) {
        for names in reader.into_iter().map_while(Result::ok) {
            if let Name::Function(map) = names {
                let known = map.into_iter().map_while(Result::ok).filter(|name| !name.name.is_empty());
                self.module.names.extend(known.map(|name| (FuncIndex::from(name.index), name.name)));
            }
        }
    }
}

fn elem_segment(
    module: &ModuleInfo<'_>,
    elem: wasmparser::Element<'_>,
    offset: usize,
) -> Result<Elem, CompileError> {
    let mode = match elem.kind {
        ElementKind::Passive => ElemMode::Passive,
        ElementKind::Declared => ElemMode::Declared,
        ElementKind::Active { table_index, offset_expr } => {
            let offset = const_expr(module, &offset_expr)?;
            ElemMode::Active { table: TableIndex::from(table_index.unwrap_or(0)), offset }
        }
    };
    let (element, items) = match elem.items {
        ElementItems::Functions(reader) => {
            let functions =
                reader.into_iter().map(|func| func.map(FuncIndex::from)).collect::<Result<_, _>>()?;
            (RefType { nullable: false, ..RefType::FUNCREF }, ElemItems::Functions(functions))
        }
        ElementItems::Expressions(ty, reader) => {
            let exprs = reader.into_iter().map(|expr| const_expr(module, &expr?));
            (module.ref_type(ty, offset)?, ElemItems::Exprs(exprs.collect::<Result<_, _>>()?))
        }
    };
    Ok(Elem { element: ValType::Ref(element), mode, items })
}

/// Reads a constant expression. Operators that are not constant are left to the validator.
fn const_expr(module: &ModuleInfo<'_>, expr: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr, CompileError> {
    let mut ops = Vec::new();
    for item in expr.get_operators_reader().into_iter_with_offsets() {
        let (op, offset) = item?;
        ops.push(match op {
            Operator::I32Const { value } => ConstOp::Value(ConstValue::I32(value)),
            Operator::I64Const { value } => ConstOp::Value(ConstValue::I64(value)),
            Operator::F32Const { value } => ConstOp::Value(ConstValue::F32(value.bits())),
            Operator::F64Const { value } => ConstOp::Value(ConstValue::F64(value.bits())),
            Operator::V128Const { value } => {
                ConstOp::Value(ConstValue::V128(u128::from_le_bytes(*value.bytes())))
            }
            Operator::RefNull { hty } => ConstOp::Value(ConstValue::Null(module.null_type(hty, offset)?)),
            Operator::RefFunc { function_index } => ConstOp::Value(ConstValue::Func(function_index.into())),
            Operator::GlobalGet { global_index } => ConstOp::GlobalGet(global_index.into()),
            Operator::I32Add => ConstOp::I32(Arithmetic::Add),
            Operator::I32Sub => ConstOp::I32(Arithmetic::Sub),
            Operator::I32Mul => ConstOp::I32(Arithmetic::Mul),
            Operator::I64Add => ConstOp::I64(Arithmetic::Add),
            Operator::I64Sub => ConstOp::I64(Arithmetic::Sub),
            Operator::I64Mul => ConstOp::I64(Arithmetic::Mul),
            Operator::End => break,
            other if features::of_operator(&other).contains(WasmFeatures::GC) => {
                return Err(features::refuse_gc(offset, "a constant expression of this kind"));
            }
            other => {
                let message = format!("not a constant expression: {other:?}");
                return Err(CompileError::Invalid { offset, message });
            }
        });
    }
    Ok(ConstExpr { ops })
}

fn export_kind(kind: ExternalKind, index: u32) -> ExportKind {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func { index },
        ExternalKind::Table => ExportKind::Table { index },
        ExternalKind::Memory => ExportKind::Memory { index },
        ExternalKind::Global => ExportKind::Global { index },
        ExternalKind::Tag => ExportKind::Tag { index },
    }
}
