//! Everything that a module's sections declare.
//!
//! **Invariant: indices are as in the module**, imports first; types are those of the artifact,
//! each once.

use super::const_expr::{ConstExpr, ConstValue};
use super::debug::DebugSections;
use crate::error::CompileError;
use crate::index::{
    DataIndex, DeclaredTypeIndex, DefinedGlobalIndex, ElemIndex, FuncIndex, GlobalIndex, MemoryIndex,
    TableIndex, TagIndex, TypeIndex,
};
use cranelift_entity::PrimaryMap;
use std::collections::HashMap;
use wasmaot_abi::descriptor::{Export, ExportKind, Import};
use wasmaot_abi::preinit::{PageRun, Preinit};
use wasmaot_abi::slot;
use wasmaot_abi::state::{Counts, StateLayout};
use wasmaot_abi::types::{FuncType, GlobalType, MemoryType, TableType, ValType};

/// A parsed, not yet validated module.
#[derive(Default)]
pub(crate) struct ModuleInfo<'a> {
    /// Function types, each once. Types refer to each other by indices in here.
    pub(crate) types: PrimaryMap<TypeIndex, FuncType>,
    /// The number of types in each recursion group, in order.
    pub(crate) type_groups: Vec<u32>,
    /// From the module's numbering of types to the artifact's.
    pub(crate) type_map: PrimaryMap<DeclaredTypeIndex, TypeIndex>,
    pub(crate) imports: Vec<Import>,
    pub(crate) exports: Vec<Export>,
    /// Type of each function.
    pub(crate) functions: PrimaryMap<FuncIndex, TypeIndex>,
    pub(crate) imported_functions: u32,
    pub(crate) tables: PrimaryMap<TableIndex, Table>,
    pub(crate) memories: PrimaryMap<MemoryIndex, Memory>,
    pub(crate) globals: PrimaryMap<GlobalIndex, Global>,
    pub(crate) imported_globals: u32,
    /// Of each global the value that it has in every instance, if it cannot change and needs no
    /// import.
    pub(crate) constants: PrimaryMap<GlobalIndex, Option<ConstValue>>,
    /// Of each tag the function type whose parameters are its values.
    pub(crate) tags: PrimaryMap<TagIndex, TypeIndex>,
    pub(crate) imported_tags: u32,
    pub(crate) data: PrimaryMap<DataIndex, Data<'a>>,
    pub(crate) elems: PrimaryMap<ElemIndex, Elem>,
    pub(crate) start: Option<FuncIndex>,
    /// Names of functions, from the name section.
    pub(crate) names: HashMap<FuncIndex, &'a str>,
    /// The first name that each function is exported by.
    pub(crate) export_names: HashMap<FuncIndex, &'a str>,
    /// What debuggers would read.
    pub(crate) debug: DebugSections<'a>,
    /// Of each imported function the position among the imports.
    pub(crate) function_imports: PrimaryMap<FuncIndex, usize>,
    /// How it was initialised, if it says so.
    pub(crate) preinit: Option<Preinit>,
    /// Pages of the first memory that its calls write, if it says which.
    pub(crate) hot_pages: Vec<PageRun>,
}

pub(crate) struct Table {
    pub(crate) ty: TableType,
    pub(crate) imported: bool,
    pub(crate) init: Option<ConstExpr>,
}

pub(crate) struct Memory {
    pub(crate) ty: MemoryType,
    pub(crate) imported: bool,
}

pub(crate) struct Global {
    pub(crate) ty: GlobalType,
    /// `None` if imported.
    pub(crate) init: Option<ConstExpr>,
}

pub(crate) struct Data<'a> {
    /// Memory and offset; `None` if passive.
    pub(crate) active: Option<(MemoryIndex, ConstExpr)>,
    pub(crate) bytes: &'a [u8],
}

pub(crate) struct Elem {
    pub(crate) element: ValType,
    pub(crate) mode: ElemMode,
    pub(crate) items: ElemItems,
}

pub(crate) enum ElemMode {
    Passive,
    Active {
        table: TableIndex,
        offset: ConstExpr,
    },
    Declared,
    /// Active, and its elements are in the initial contents of a constant table.
    Applied,
}

pub(crate) enum ElemItems {
    Functions(Vec<FuncIndex>),
    Exprs(Vec<ConstExpr>),
}

impl ElemItems {
    pub(crate) fn len(&self) -> usize {
        match self {
            ElemItems::Functions(functions) => functions.len(),
            ElemItems::Exprs(exprs) => exprs.len(),
        }
    }
}

impl ModuleInfo<'_> {
    /// The type of a function.
    pub(crate) fn function_type(&self, func: FuncIndex) -> &FuncType {
        &self.types[self.functions[func]]
    }

    /// Types of the values that an exception with this tag carries.
    pub(crate) fn tag_values(&self, tag: TagIndex) -> &[ValType] {
        &self.types[self.tags[tag]].params
    }

    /// Whether memory 0 lies in the instance's slot, behind the state.
    pub(crate) fn has_own_memory(&self) -> bool {
        self.memories.get(MemoryIndex::FIRST).is_some_and(|memory| !memory.imported && memory.ty.fits_slot())
    }

    /// The position of a global among the defined ones.
    pub(crate) fn defined_global(&self, global: GlobalIndex) -> Option<DefinedGlobalIndex> {
        global.as_u32().checked_sub(self.imported_globals).map(DefinedGlobalIndex::from)
    }

    /// The value of a constant expression. `None` if it needs the value of an import.
    pub(crate) fn evaluate(&self, expr: &ConstExpr) -> Option<ConstValue> {
        expr.evaluate(|global| *self.constants.get(global)?)
    }

    /// Its name for people: from the name section, an export, an import, or its index.
    pub(crate) fn function_name(&self, func: FuncIndex) -> String {
        if let Some(name) = self.known_name(func) {
            return name.to_string();
        }
        match self.function_imports.get(func) {
            Some(&position) => {
                let import = &self.imports[position];
                format!("{}.{}", import.module, import.name)
            }
            None => format!("func[{}]", func.as_u32()),
        }
    }

    /// The name that the name section or an export gives a function.
    pub(crate) fn known_name(&self, func: FuncIndex) -> Option<&str> {
        self.names.get(&func).or_else(|| self.export_names.get(&func)).copied()
    }

    /// Names and functions of the exports that are functions.
    pub(crate) fn exported_functions(&self) -> impl Iterator<Item = (&str, FuncIndex)> {
        self.exports.iter().filter_map(|export| match export.kind {
            ExportKind::Func { index } => Some((&*export.name, FuncIndex::from(index))),
            _ => None,
        })
    }

    /// Where the items of an instance's state lie.
    pub(crate) fn state_layout(&self) -> Result<StateLayout, CompileError> {
        let layout = StateLayout::new(Counts {
            types: self.types.len() as u32,
            imported_functions: self.imported_functions,
            tables: self.tables.len() as u32,
            memories: self.memories.len() as u32,
            imported_globals: self.imported_globals,
            defined_globals: self.globals.len() as u32 - self.imported_globals,
            data_segments: self.data.len() as u32,
            elem_segments: self.elems.len() as u32,
        });
        layout.map_err(|error| CompileError::Limit {
            what: "bytes of instance state (globals, imports, tables and types)",
            actual: error.needed,
            limit: slot::MAX_STATE,
        })
    }
}
