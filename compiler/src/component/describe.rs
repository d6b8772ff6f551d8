//! What the artifact says of the component: its types, resources, imports and exports, from the plan.
//!
//! **Invariant: a defined type comes after those that it refers to.**

use super::merge::unexpected;
use super::translate::Plan;
use crate::error::CompileError;
use std::collections::HashMap;
use wasmaot_abi::component::{
    self as abi, Case, Component, Extern, Field, FuncType, Item, ResourceOrigin, ResourceTable,
    StringEncoding, TypeDef, ValueType,
};
use wasmtime_environ::EntityRef;
use wasmtime_environ::component::{
    CanonicalOptions, ComponentTypes, Export, ExportIndex, InterfaceType, ResourceIndex, RuntimeImportIndex,
    StringEncoding as Encoding, TypeDef as Def, TypeFuncIndex, TypeResourceTable, TypeResourceTableIndex,
};

/// A description in the making.
pub(super) struct Describe<'p, 'a> {
    plan: &'p Plan<'a>,
    pub(super) component: Component,
    types: HashMap<InterfaceType, ValueType>,
    functions: HashMap<TypeFuncIndex, u32>,
    /// Whether values of a type have strings or lists in them.
    pointers: HashMap<InterfaceType, bool>,
}

impl<'p, 'a> Describe<'p, 'a> {
    pub(super) fn new(plan: &'p Plan<'a>) -> Self {
        let component = Component {
            types: Vec::new(),
            functions: Vec::new(),
            resources: Vec::new(),
            tables: (0..plan.resource_tables).map(|table| resource_table(&plan.types, table)).collect(),
            instances: plan.component.num_runtime_component_instances,
            options: Vec::new(),
            imports: Vec::new(),
            lifts: Vec::new(),
            imported: Vec::new(),
            exported: Vec::new(),
            modules: Vec::new(),
        };
        let (types, functions, pointers) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { plan, component, types, functions, pointers }
    }

    /// Describes a type.
    fn value_type(&mut self, ty: InterfaceType) -> Result<ValueType, CompileError> {
        if let Some(&known) = self.types.get(&ty) {
            return Ok(known);
        }
        let types = &self.plan.types;
        let found = match ty {
            InterfaceType::Bool => ValueType::Bool,
            InterfaceType::S8 => ValueType::S8,
            InterfaceType::U8 => ValueType::U8,
            InterfaceType::S16 => ValueType::S16,
            InterfaceType::U16 => ValueType::U16,
            InterfaceType::S32 => ValueType::S32,
            InterfaceType::U32 => ValueType::U32,
            InterfaceType::S64 => ValueType::S64,
            InterfaceType::U64 => ValueType::U64,
            InterfaceType::Float32 => ValueType::F32,
            InterfaceType::Float64 => ValueType::F64,
            InterfaceType::Char => ValueType::Char,
            InterfaceType::String => ValueType::String,
            InterfaceType::Own(table) => ValueType::Own { table: table.as_u32() },
            InterfaceType::Borrow(table) => ValueType::Borrow { table: table.as_u32() },
            InterfaceType::Record(index) => {
                let fields = types[index].fields.iter().map(|field| (&field.name, field.ty));
                let fields = self.fields(fields)?;
                self.define(TypeDef::Record { fields })
            }
            InterfaceType::Variant(index) => {
                let case = |(name, ty): (&String, &Option<InterfaceType>)| {
                    Ok(Case { name: name.clone(), ty: self.optional(*ty)? })
                };
                let cases = types[index].cases.iter().map(case).collect::<Result<_, CompileError>>()?;
                self.define(TypeDef::Variant { cases })
            }
            InterfaceType::List(index) => {
                let element = self.value_type(types[index].element)?;
                self.define(TypeDef::List { element })
            }
            InterfaceType::Tuple(index) => {
                let values = types[index].types.iter().map(|&ty| self.value_type(ty));
                let types = values.collect::<Result<_, _>>()?;
                self.define(TypeDef::Tuple { types })
            }
            InterfaceType::Flags(index) => {
                self.define(TypeDef::Flags { names: types[index].names.iter().cloned().collect() })
            }
            InterfaceType::Enum(index) => {
                self.define(TypeDef::Enum { names: types[index].names.iter().cloned().collect() })
            }
            InterfaceType::Option(index) => {
                let ty = self.value_type(types[index].ty)?;
                self.define(TypeDef::Option { ty })
            }
            InterfaceType::Result(index) => {
                let (ok, err) = (self.optional(types[index].ok)?, self.optional(types[index].err)?);
                self.define(TypeDef::Result { ok, err })
            }
            InterfaceType::Future(_)
            | InterfaceType::Stream(_)
            | InterfaceType::ErrorContext(_)
            | InterfaceType::Map(_)
            | InterfaceType::FixedLengthList(_) => return Err(unexpected("a type of a later proposal")),
        };
        self.types.insert(ty, found);
        Ok(found)
    }

    fn define(&mut self, def: TypeDef) -> ValueType {
        self.component.types.push(def);
        ValueType::Defined { index: self.component.types.len() as u32 - 1 }
    }

    fn optional(&mut self, ty: Option<InterfaceType>) -> Result<Option<ValueType>, CompileError> {
        ty.map(|ty| self.value_type(ty)).transpose()
    }

    fn fields<'f>(
        &mut self,
        fields: impl Iterator<Item = (&'f String, InterfaceType)>,
    ) -> Result<Vec<Field>, CompileError> {
        fields.map(|(name, ty)| Ok(Field { name: name.clone(), ty: self.value_type(ty)? })).collect()
    }

    /// The position of a function type.
    pub(super) fn func_type(&mut self, index: TypeFuncIndex) -> Result<u32, CompileError> {
        if let Some(&known) = self.functions.get(&index) {
            return Ok(known);
        }
        let types = &self.plan.types;
        let ty = &types[index];
        let params = self.fields(ty.param_names.iter().zip(types[ty.params].types.iter().copied()))?;
        let result = self.optional(types[ty.results].types.first().copied())?;
        self.component.functions.push(FuncType { params, result });
        let position = self.component.functions.len() as u32 - 1;
        self.functions.insert(index, position);
        Ok(position)
    }

    /// Whether any of these values has strings or lists in it.
    pub(super) fn has_pointers(&mut self, types: &[InterfaceType]) -> bool {
        types.iter().any(|&ty| self.has_pointer(ty))
    }

    fn has_pointer(&mut self, ty: InterfaceType) -> bool {
        if let Some(&known) = self.pointers.get(&ty) {
            return known;
        }
        let types = &self.plan.types;
        let found = match ty {
            InterfaceType::String | InterfaceType::List(_) | InterfaceType::Map(_) => true,
            InterfaceType::Record(index) => {
                types[index].fields.iter().any(|field| self.has_pointer(field.ty))
            }
            InterfaceType::Variant(index) => {
                types[index].cases.values().flatten().any(|&ty| self.has_pointer(ty))
            }
            InterfaceType::Tuple(index) => self.has_pointers(&types[index].types),
            InterfaceType::Option(index) => self.has_pointer(types[index].ty),
            InterfaceType::Result(index) => {
                [types[index].ok, types[index].err].into_iter().flatten().any(|ty| self.has_pointer(ty))
            }
            _ => false,
        };
        self.pointers.insert(ty, found);
        found
    }

    /// Describes canonical options, with the index of their memory.
    pub(super) fn options(&mut self, options: &CanonicalOptions, memory: Option<u32>) -> u32 {
        let encoding = match options.string_encoding {
            Encoding::Utf8 => StringEncoding::Utf8,
            Encoding::Utf16 => StringEncoding::Utf16,
            Encoding::CompactUtf16 => StringEncoding::Latin1OrUtf16,
        };
        let described = abi::Options { instance: options.instance.as_u32(), encoding, memory };
        let known = self.component.options.iter().position(|known| *known == described);
        known.unwrap_or_else(|| {
            self.component.options.push(described);
            self.component.options.len() - 1
        }) as u32
    }

    /// Names of an import that is used, from the outermost instance on.
    pub(super) fn import_path(&self, import: RuntimeImportIndex) -> Vec<String> {
        let (outer, inner) = &self.plan.component.imports[import];
        let outer = &self.plan.component.import_types[*outer].0;
        std::iter::once(outer).chain(inner).cloned().collect()
    }

    /// Describes resource types; `destructor` names the export of that of a defined one.
    pub(super) fn resources(&mut self, destructor: impl Fn(usize) -> Option<String>) {
        let component = &self.plan.component;
        let imported = component.imported_resources.values();
        let imported = imported.map(|&import| ResourceOrigin::Imported { path: self.import_path(import) });
        let defined = component.defined_resource_instances.iter().map(|(index, instance)| {
            ResourceOrigin::Defined { instance: instance.as_u32(), destructor: destructor(index.index()) }
        });
        self.component.resources = imported.chain(defined).collect();
    }

    /// Describes everything that is imported.
    pub(super) fn imported(&mut self) -> Result<(), CompileError> {
        for (name, import) in self.plan.component.import_types.values() {
            let mut found = Vec::new();
            self.type_item(vec![name.clone()], import.ty, &mut found)?;
            self.component.imported.extend(found);
        }
        Ok(())
    }

    fn type_item(&mut self, path: Vec<String>, ty: Def, found: &mut Vec<Extern>) -> Result<(), CompileError> {
        let item = match ty {
            Def::ComponentInstance(index) => {
                found.push(Extern { path: path.clone(), item: Item::Instance });
                for (name, export) in &self.plan.types[index].exports {
                    self.type_item(below(&path, name), export.ty, found)?;
                }
                return Ok(());
            }
            Def::ComponentFunc(index) => Item::Func { func: self.func_type(index)? },
            Def::Interface(ty) => Item::Type { ty: self.value_type(ty)? },
            Def::Resource(table) => Item::Resource { table: table.as_u32() },
            other => Item::Other { what: other.desc().to_string() },
        };
        found.push(Extern { path, item });
        Ok(())
    }

    /// Visits everything that is exported, in order. `lift` describes functions.
    pub(super) fn exported(
        &mut self,
        lift: &mut impl FnMut(&mut Self, &[String], ExportIndex) -> Result<u32, CompileError>,
    ) -> Result<(), CompileError> {
        for (name, (export, _)) in self.plan.component.exports.raw_iter() {
            self.export(vec![name.to_string()], *export, lift)?;
        }
        Ok(())
    }

    fn export(
        &mut self,
        path: Vec<String>,
        export: ExportIndex,
        lift: &mut impl FnMut(&mut Self, &[String], ExportIndex) -> Result<u32, CompileError>,
    ) -> Result<(), CompileError> {
        let item = match &self.plan.component.export_items[export] {
            Export::LiftedFunction { .. } => Item::Lifted { lift: lift(self, &path, export)? },
            Export::Instance { exports, .. } => {
                self.component.exported.push(Extern { path: path.clone(), item: Item::Instance });
                for (name, (export, _)) in exports.raw_iter() {
                    self.export(below(&path, name), *export, lift)?;
                }
                return Ok(());
            }
            Export::ModuleStatic { .. } | Export::ModuleImport { .. } => {
                Item::Other { what: "core module".to_string() }
            }
            Export::Type(Def::Interface(ty)) => Item::Type { ty: self.value_type(*ty)? },
            Export::Type(Def::Resource(table)) => Item::Resource { table: table.as_u32() },
            Export::Type(other) => Item::Other { what: other.desc().to_string() },
        };
        self.component.exported.push(Extern { path, item });
        Ok(())
    }
}

fn below(path: &[String], name: &str) -> Vec<String> {
    path.iter().cloned().chain([name.to_string()]).collect()
}

fn resource_table(types: &ComponentTypes, table: u32) -> ResourceTable {
    match types[TypeResourceTableIndex::from_u32(table)] {
        TypeResourceTable::Concrete { ty, instance } => {
            ResourceTable { resource: Some(ResourceIndex::as_u32(ty)), instance: instance.as_u32() }
        }
        TypeResourceTable::Abstract(_) => ResourceTable { resource: None, instance: 0 },
    }
}
