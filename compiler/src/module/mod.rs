//! What the compiler knows of a module before it translates a function.
//!
//! | file | duty |
//! |---|---|
//! | [`parse`] | sections in, [`ModuleInfo`] out |
//! | [`survey`] | one look at all function bodies: validation, and what they do to tables |
//! | [`types`] | types |
//! | [`const_expr`] | constant expressions |
//! | [`tables`] | which tables are constant |
//! | [`image`] | the initial contents of memories |
//! | [`describe`] | [`ModuleInfo`] in, the artifact's descriptor out |

pub(crate) mod const_expr;
pub(crate) mod describe;
pub(crate) mod image;
pub(crate) mod parse;
pub(crate) mod survey;
pub(crate) mod tables;
mod types;

use const_expr::ConstValue;
use std::collections::HashMap;
use wasmaot_abi::descriptor::{ConstExpr, Export, Import};
use wasmaot_abi::state::StateLayout;
use wasmaot_abi::types::{FuncType, GlobalType, MemoryType, TableType, ValType};

/// A parsed, not yet validated module. Indices are as in the module: imports first.
///
/// In constant expressions, `RefFunc` holds a function index until [`describe`] turns it into an entry position.
#[derive(Default)]
pub(crate) struct ModuleInfo<'a> {
    /// Function types, each once. Types refer to each other by indices in here.
    pub(crate) types: Vec<FuncType>,
    /// The number of types in each recursion group, in order.
    pub(crate) type_groups: Vec<u32>,
    /// From the module's type index to the one in `types`.
    pub(crate) type_map: Vec<u32>,
    pub(crate) imports: Vec<Import>,
    pub(crate) exports: Vec<Export>,
    /// Type of each function, as an index in `types`.
    pub(crate) functions: Vec<u32>,
    pub(crate) imported_functions: u32,
    pub(crate) tables: Vec<Table>,
    pub(crate) memories: Vec<Memory>,
    pub(crate) globals: Vec<Global>,
    pub(crate) imported_globals: u32,
    /// Of each global the value that it has in every instance, if it cannot change and needs no
    /// import.
    pub(crate) constants: Vec<Option<ConstValue>>,
    /// Of each tag the function type whose parameters are its values, as an index in `types`.
    pub(crate) tags: Vec<u32>,
    pub(crate) imported_tags: u32,
    pub(crate) data: Vec<Data<'a>>,
    pub(crate) elems: Vec<Elem>,
    pub(crate) start: Option<u32>,
    /// Names of functions, from the name section.
    pub(crate) names: HashMap<u32, &'a str>,
    /// The first name that each function is exported by.
    pub(crate) export_names: HashMap<u32, &'a str>,
    /// Of each imported function the position among the imports.
    pub(crate) function_imports: Vec<u32>,
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
    pub(crate) active: Option<(u32, ConstExpr)>,
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
        table: u32,
        offset: ConstExpr,
    },
    Declared,
    /// Active, and its elements are in the initial contents of a constant table.
    Applied,
}

pub(crate) enum ElemItems {
    Functions(Vec<u32>),
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
    pub(crate) fn function_type(&self, func: u32) -> &FuncType {
        &self.types[self.functions[func as usize] as usize]
    }

    /// Whether memory 0 lies in the instance's slot, behind the state.
    pub(crate) fn has_own_memory(&self) -> bool {
        self.memories.first().is_some_and(|memory| !memory.imported && memory.ty.fits_slot())
    }

    /// The position of a global among the defined ones.
    pub(crate) fn defined_global(&self, global: u32) -> Option<u32> {
        global.checked_sub(self.imported_globals)
    }

    /// Its name for people: from the name section, an export, an import, or its index.
    pub(crate) fn function_name(&self, func: u32) -> String {
        if let Some(name) = self.known_name(func) {
            return name.to_string();
        }
        match self.function_imports.get(func as usize) {
            Some(&position) => {
                let import = &self.imports[position as usize];
                format!("{}.{}", import.module, import.name)
            }
            None => format!("func[{func}]"),
        }
    }

    /// The name that the name section or an export gives a function.
    pub(crate) fn known_name(&self, func: u32) -> Option<&str> {
        self.names.get(&func).or_else(|| self.export_names.get(&func)).copied()
    }

    pub(crate) fn state_layout(&self) -> Result<StateLayout, crate::CompileError> {
        let layout = StateLayout::new(wasmaot_abi::state::Counts {
            types: self.types.len() as u32,
            imported_functions: self.imported_functions,
            tables: self.tables.len() as u32,
            memories: self.memories.len() as u32,
            imported_globals: self.imported_globals,
            defined_globals: self.globals.len() as u32 - self.imported_globals,
            data_segments: self.data.len() as u32,
            elem_segments: self.elems.len() as u32,
        });
        layout.map_err(|error| crate::CompileError::Limit {
            what: "bytes of instance state (globals, imports, tables and types)",
            actual: error.needed,
            limit: wasmaot_abi::slot::MAX_STATE,
        })
    }
}
