//! Reads a module's sections.
//!
//! Declarations are validated on the way; function bodies are handed on, each with its validator, to
//! [`super::survey`].

use super::{Data, Elem, ElemItems, ElemMode, Global, Memory, ModuleInfo, Table, const_expr};
use crate::error::CompileError;
use crate::features::{self, FeatureSet};
use std::collections::HashMap;
use wasmaot_abi::descriptor::{Export, ExportKind, Import, ImportKind};
use wasmaot_abi::types::{FuncType, GlobalType, Limits, MemoryType, TableType, ValType};
use wasmparser::{
    CompositeInnerType, DataKind, ElementItems, ElementKind, ExternalKind, FuncToValidate, FunctionBody,
    Name, Parser, Payload, TableInit, TypeRef, ValidPayload, Validator, ValidatorResources,
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
    unique_types: HashMap<FuncType, u32>,
}

impl<'a> SectionReader<'a> {
    fn body(&mut self, validator: FuncToValidate<ValidatorResources>, body: FunctionBody<'a>) {
        self.bodies.push(Body { body, validator });
    }

    fn section(&mut self, payload: Payload<'a>) -> Result<(), CompileError> {
        match payload {
            Payload::TypeSection(reader) => {
                for group in reader {
                    for ty in group?.into_types() {
                        let CompositeInnerType::Func(ty) = ty.composite_type.inner else {
                            unreachable!("the validator takes function types only");
                        };
                        self.add_type(FuncType {
                            params: val_types(ty.params()),
                            results: val_types(ty.results()),
                        });
                    }
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    self.import(import?);
                }
            }
            Payload::FunctionSection(reader) => {
                for ty in reader {
                    let ty = self.module.type_map[ty? as usize];
                    self.module.functions.push(ty);
                }
            }
            Payload::TableSection(reader) => {
                for table in reader {
                    let table = table?;
                    let init = match table.init {
                        TableInit::RefNull => None,
                        TableInit::Expr(expr) => Some(const_expr::read(&expr)?),
                    };
                    self.module.tables.push(Table { ty: table_type(&table.ty), imported: false, init });
                }
            }
            Payload::MemorySection(reader) => {
                for memory in reader {
                    self.module.memories.push(Memory { ty: memory_type(&memory?), imported: false });
                }
            }
            Payload::GlobalSection(reader) => {
                for global in reader {
                    let global = global?;
                    let init = Some(const_expr::read(&global.init_expr)?);
                    self.module.globals.push(Global { ty: global_type(&global.ty), init });
                }
            }
            Payload::ExportSection(reader) => {
                for export in reader {
                    let export = export?;
                    let kind = export_kind(export.kind, export.index);
                    self.module.exports.push(Export { name: export.name.to_string(), kind });
                }
            }
            Payload::StartSection { func, .. } => self.module.start = Some(func),
            Payload::ElementSection(reader) => {
                for elem in reader {
                    let elem = elem_segment(elem?)?;
                    self.module.elems.push(elem);
                }
            }
            Payload::DataSection(reader) => {
                for data in reader {
                    let data = data?;
                    let active = match data.kind {
                        DataKind::Passive => None,
                        DataKind::Active { memory_index, offset_expr } => {
                            Some((memory_index, const_expr::read(&offset_expr)?))
                        }
                    };
                    self.module.data.push(Data { active, bytes: data.data });
                }
            }
            Payload::CustomSection(section) => {
                if let wasmparser::KnownCustom::Name(names) = section.as_known() {
                    self.names(names);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add_type(&mut self, ty: FuncType) {
        let types = &mut self.module.types;
        let index = *self.unique_types.entry(ty).or_insert_with_key(|ty| {
            types.push(ty.clone());
            types.len() as u32 - 1
        });
        self.module.type_map.push(index);
    }

    fn import(&mut self, import: wasmparser::Import<'a>) {
        let module = &mut self.module;
        let kind = match import.ty {
            TypeRef::Func(ty) => {
                let ty = module.type_map[ty as usize];
                module.functions.push(ty);
                module.imported_functions += 1;
                ImportKind::Func { ty }
            }
            TypeRef::Table(ty) => {
                let ty = table_type(&ty);
                module.tables.push(Table { ty, imported: true, init: None });
                ImportKind::Table { ty }
            }
            TypeRef::Memory(ty) => {
                let ty = memory_type(&ty);
                module.memories.push(Memory { ty, imported: true });
                ImportKind::Memory { ty }
            }
            TypeRef::Global(ty) => {
                let ty = global_type(&ty);
                module.globals.push(Global { ty, init: None });
                module.imported_globals += 1;
                ImportKind::Global { ty }
            }
            TypeRef::Tag(_) | TypeRef::FuncExact(_) => {
                unreachable!("the validator takes neither tags nor exact types")
            }
        };
        module.imports.push(Import {
            module: import.module.to_string(),
            name: import.name.to_string(),
            kind,
        });
    }

    /// Takes the function names. A malformed name section is not an error (core specification,
    /// appendix "Custom Sections"): what comes before the flaw is used.
    fn names(&mut self, reader: wasmparser::NameSectionReader<'a>) {
        for names in reader.into_iter().map_while(Result::ok) {
            if let Name::Function(map) = names {
                let known = map.into_iter().map_while(Result::ok).filter(|name| !name.name.is_empty());
                self.module.names.extend(known.map(|name| (name.index, name.name)));
            }
        }
    }
}

fn elem_segment(elem: wasmparser::Element<'_>) -> Result<Elem, CompileError> {
    let mode = match elem.kind {
        ElementKind::Passive => ElemMode::Passive,
        ElementKind::Declared => ElemMode::Declared,
        ElementKind::Active { table_index, offset_expr } => {
            ElemMode::Active { table: table_index.unwrap_or(0), offset: const_expr::read(&offset_expr)? }
        }
    };
    let (element, items) = match elem.items {
        ElementItems::Functions(reader) => {
            (ValType::FuncRef, ElemItems::Functions(reader.into_iter().collect::<Result<_, _>>()?))
        }
        ElementItems::Expressions(ty, reader) => {
            let exprs = reader.into_iter().map(|expr| const_expr::read(&expr?)).collect::<Result<_, _>>()?;
            (ref_type(ty), ElemItems::Exprs(exprs))
        }
    };
    Ok(Elem { element, mode, items })
}

pub(crate) fn val_type(ty: wasmparser::ValType) -> ValType {
    match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::V128 => ValType::V128,
        wasmparser::ValType::Ref(ty) => ref_type(ty),
    }
}

fn ref_type(ty: wasmparser::RefType) -> ValType {
    match ty {
        wasmparser::RefType::FUNCREF => ValType::FuncRef,
        wasmparser::RefType::EXTERNREF => ValType::ExternRef,
        other => unreachable!("the validator takes no {other}"),
    }
}

pub(crate) fn val_types(types: &[wasmparser::ValType]) -> Vec<ValType> {
    types.iter().copied().map(val_type).collect()
}

fn table_type(ty: &wasmparser::TableType) -> TableType {
    TableType { element: ref_type(ty.element_type), limits: Limits { min: ty.initial, max: ty.maximum } }
}

fn memory_type(ty: &wasmparser::MemoryType) -> MemoryType {
    let page_log2 = ty.page_size_log2.unwrap_or(16) as u8;
    MemoryType { limits: Limits { min: ty.initial, max: ty.maximum }, page_log2 }
}

fn global_type(ty: &wasmparser::GlobalType) -> GlobalType {
    GlobalType { value: val_type(ty.content_type), mutable: ty.mutable }
}

fn export_kind(kind: ExternalKind, index: u32) -> ExportKind {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func { index },
        ExternalKind::Table => ExportKind::Table { index },
        ExternalKind::Memory => ExportKind::Memory { index },
        ExternalKind::Global => ExportKind::Global { index },
        ExternalKind::Tag => unreachable!("the validator takes no tags"),
    }
}
