//! Names of the functions and tables of an artifact: a [`FuncKey`] for each, and its number in CLIF.
//!
//! **Invariant: [`FuncKeys`] alone knows the order of the functions in the text**: import thunks,
//! defined functions, array entries, helpers. Imports that nothing reaches through a thunk have none.

use crate::index::{CodeIndex, DefinedFuncIndex, EntryIndex, FuncIndex, TableIndex};
use cranelift_codegen::ir::UserExternalName;
use cranelift_entity::{EntityRef, PrimaryMap};

/// A function of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FuncKey {
    /// The thunk of an imported function.
    Thunk(FuncIndex),
    /// A defined function.
    Function(DefinedFuncIndex),
    /// The array entry of a function that can be reached from outside.
    ArrayEntry(EntryIndex),
    /// A helper function.
    Helper(Helper),
}

/// A helper function: code that a module needs in many places, once in the artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Helper {
    /// `memory.copy` within the instance's own memory: `(vmctx, to, from, length)`.
    Copy,
    /// `memory.fill` of the instance's own memory: `(vmctx, to, byte, length)`.
    Fill,
    /// `i8x16.swizzle`: `(bytes, indices) -> bytes`.
    Swizzle,
}

impl Helper {
    /// All of them, in the order of the text.
    pub(crate) const ALL: [Helper; 3] = [Helper::Copy, Helper::Fill, Helper::Swizzle];

    /// The name of its symbol.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Helper::Copy => "memory.copy helper",
            Helper::Fill => "memory.fill helper",
            Helper::Swizzle => "i8x16.swizzle helper",
        }
    }
}

/// The functions of an artifact, in the order of the text.
#[derive(Debug)]
pub(crate) struct FuncKeys {
    imported: usize,
    /// Imported functions that have a thunk, ascending.
    thunks: Vec<FuncIndex>,
    defined: usize,
    /// Functions that can be reached from outside, ascending.
    entries: PrimaryMap<EntryIndex, FuncIndex>,
    helpers: Vec<Helper>,
}

impl FuncKeys {
    /// Lists the functions of a module with this many imported and defined functions. `thunks` and
    /// `entries` ascend.
    pub(crate) fn new(
        imported: usize,
        thunks: Vec<FuncIndex>,
        defined: usize,
        entries: PrimaryMap<EntryIndex, FuncIndex>,
        helpers: Vec<Helper>,
    ) -> Self {
        debug_assert!(thunks.is_sorted() && entries.values().is_sorted());
        Self { imported, thunks, defined, entries, helpers }
    }

    /// Number of functions.
    pub(crate) fn len(&self) -> usize {
        self.thunks.len() + self.defined + self.entries.len() + self.helpers.len()
    }

    /// All functions, in the order of the text.
    pub(crate) fn iter(&self) -> impl Iterator<Item = FuncKey> {
        (0..self.len()).map(|position| self.key(CodeIndex::new(position)))
    }

    /// The function at a position in the text.
    pub(crate) fn key(&self, code: CodeIndex) -> FuncKey {
        let Some(position) = code.index().checked_sub(self.thunks.len()) else {
            return FuncKey::Thunk(self.thunks[code.index()]);
        };
        let Some(position) = position.checked_sub(self.defined) else {
            return FuncKey::Function(DefinedFuncIndex::new(position));
        };
        match position.checked_sub(self.entries.len()) {
            None => FuncKey::ArrayEntry(EntryIndex::new(position)),
            Some(position) => FuncKey::Helper(self.helpers[position]),
        }
    }

    /// The position of a function in the text.
    ///
    /// # Panics
    ///
    /// If it is a thunk or a helper that is not in the list.
    pub(crate) fn code(&self, key: FuncKey) -> CodeIndex {
        CodeIndex::new(match key {
            FuncKey::Thunk(func) => {
                self.thunks.binary_search(&func).expect("the survey noted every thunk that is needed")
            }
            FuncKey::Function(func) => self.thunks.len() + func.index(),
            FuncKey::ArrayEntry(entry) => self.thunks.len() + self.defined + entry.index(),
            FuncKey::Helper(helper) => {
                let position = self.helpers.iter().position(|&known| known == helper);
                let position = position.expect("the survey noted every helper that is needed");
                self.thunks.len() + self.defined + self.entries.len() + position
            }
        })
    }

    /// What compiled code calls for a Wasm function: the function, or its thunk if it is imported.
    pub(crate) fn of_func(&self, func: FuncIndex) -> FuncKey {
        match func.index().checked_sub(self.imported) {
            None => FuncKey::Thunk(func),
            Some(defined) => FuncKey::Function(DefinedFuncIndex::new(defined)),
        }
    }

    /// The index in the module of a defined function.
    pub(crate) fn defined(&self, func: DefinedFuncIndex) -> FuncIndex {
        FuncIndex::new(self.imported + func.index())
    }

    /// Functions that can be reached from outside, ascending.
    pub(crate) fn entries(&self) -> &PrimaryMap<EntryIndex, FuncIndex> {
        &self.entries
    }

    /// Position of a function in the list of entries.
    ///
    /// # Panics
    ///
    /// If it is not there.
    pub(crate) fn entry(&self, func: FuncIndex) -> EntryIndex {
        let position = self.entries.binary_search_values_by_key(&func, |&func| func);
        position.expect("every function that is referenced has an entry")
    }
}

/// What code refers to by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Symbol {
    /// A function of the artifact.
    Function(CodeIndex),
    /// A constant table.
    Table(TableIndex),
}

/// Namespace of functions in CLIF names.
const FUNCTIONS: u32 = 0;

/// Namespace of constant tables in CLIF names.
const TABLES: u32 = 1;

impl Symbol {
    /// Its name in CLIF.
    pub(crate) fn to_clif(self) -> UserExternalName {
        match self {
            Symbol::Function(code) => UserExternalName::new(FUNCTIONS, code.as_u32()),
            Symbol::Table(table) => UserExternalName::new(TABLES, table.as_u32()),
        }
    }

    /// What a name in CLIF stands for.
    pub(crate) fn from_clif(name: &UserExternalName) -> Self {
        match name.namespace {
            FUNCTIONS => Symbol::Function(name.index.into()),
            TABLES => Symbol::Table(name.index.into()),
            other => unreachable!("no name is in namespace {other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> FuncKeys {
        let entries = [1, 4].map(FuncIndex::new).into_iter().collect();
        FuncKeys::new(2, vec![FuncIndex::new(1)], 3, entries, vec![Helper::Copy, Helper::Swizzle])
    }

    #[test]
    fn keys_and_positions_are_inverse() {
        let keys = keys();
        let all: Vec<FuncKey> = keys.iter().collect();
        assert_eq!(all.len(), keys.len());
        for (position, key) in all.into_iter().enumerate() {
            assert_eq!(keys.code(key), CodeIndex::new(position));
        }
        assert_eq!(keys.key(CodeIndex::new(0)), FuncKey::Thunk(FuncIndex::new(1)));
        assert_eq!(keys.key(CodeIndex::new(5)), FuncKey::ArrayEntry(EntryIndex::new(1)));
        assert_eq!(keys.key(CodeIndex::new(7)), FuncKey::Helper(Helper::Swizzle));
    }

    #[test]
    fn wasm_functions_lie_in_their_order() {
        let keys = keys();
        for number in 1..5 {
            let func = FuncIndex::new(number);
            assert_eq!(keys.code(keys.of_func(func)), CodeIndex::new(number - 1));
        }
        assert_eq!(keys.defined(DefinedFuncIndex::new(0)), FuncIndex::new(2));
        assert_eq!(keys.entry(FuncIndex::new(4)), EntryIndex::new(1));
    }

    #[test]
    fn names_in_clif_round_trip() {
        for symbol in [Symbol::Function(CodeIndex::new(7)), Symbol::Table(TableIndex::new(7))] {
            assert_eq!(Symbol::from_clif(&symbol.to_clif()), symbol);
        }
    }
}
