//! What an artifact says of the component that its module was flattened from: value types, resources,
//! canonical options, imports and exports.
//!
//! The core module of such an artifact imports two kinds of functions: those by which the component's own
//! imports are called, named in [`Component::imports`], and those of [`MODULE`], which are the canonical
//! ABI's and whose contract is at each name. **Invariant: a defined type refers to earlier ones only**, so
//! types have finite depth; a reader checks that, and every other index, before use.

use crate::wire::{record, tagged};
use alloc::string::String;
use alloc::vec::Vec;

/// First name of the functions that flattened modules import from the canonical ABI's implementation.
pub const MODULE: &str = "wasmaot:component";

/// `(pointer: i32) -> i64`: takes what the guest's `realloc` returned for the last request, and returns the
/// next one, see [`request`].
pub const NEXT: &str = "next";

/// Prefix of `() -> (arguments)`: the flat arguments of the export that is being called, once everything has
/// been allocated. The core result types follow as letters, see [`letter`].
pub const ARGUMENTS: &str = "arguments ";

/// Prefix of `(results) -> ()`: takes the core results of the export that is being called, before its
/// post-return function runs, if it has one. The core parameter types follow as letters.
pub const RESULTS: &str = "results ";

/// `(table: i32, rep: i32) -> i32`: makes an owning handle.
pub const RESOURCE_NEW: &str = "resource-new";

/// `(table: i32, handle: i32) -> i32`: the representation of a handle.
pub const RESOURCE_REP: &str = "resource-rep";

/// `(table: i32, handle: i32) -> i64`: drops a handle. A result with [`DESTROY`] asks for the destructor to
/// be called with the low 32 bits.
pub const RESOURCE_DROP: &str = "resource-drop";

/// Set in the result of [`RESOURCE_DROP`] if the destructor is to be called.
pub const DESTROY: i64 = 1 << 32;

/// `(handle: i32, from: i32, to: i32) -> i32`: moves an owning handle from one table to another.
pub const TRANSFER_OWN: &str = "transfer-own";

/// `(handle: i32, from: i32, to: i32) -> i32`: lends a handle of one table to another.
pub const TRANSFER_BORROW: &str = "transfer-borrow";

/// `(caller: i32, is_async: i32, callee: i32)`: begins a call between instances that may lend handles.
pub const ENTER_CALL: &str = "enter-call";

/// `()`: ends it. Handles that were lent must have been dropped.
pub const EXIT_CALL: &str = "exit-call";

/// `(code: i32)`: traps, see [`Violation`].
pub const TRAP: &str = "trap";

/// Prefix of transcoders of strings, see [`transcoder`]. The first two parameters are the memories that are
/// copied from and to.
pub const TRANSCODE: &str = "transcode ";

/// A request to allocate: 0 for none, or alignment (1 to 8) in bits 32 and up, and the size below.
pub const fn request(alignment: u32, size: u32) -> i64 {
    (alignment as i64) << 32 | size as i64
}

/// The letter that stands for a core type in names; only numbers are passed.
pub const fn letter(ty: crate::types::ValType) -> Option<char> {
    match ty {
        crate::types::ValType::I32 => Some('i'),
        crate::types::ValType::I64 => Some('l'),
        crate::types::ValType::F32 => Some('f'),
        crate::types::ValType::F64 => Some('d'),
        _ => None,
    }
}

macro_rules! violations {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $message:literal;)*) => {
        /// What generated code traps with by [`TRAP`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Violation { $($(#[$doc])* $name = $code,)* }

        impl Violation {
            /// Returns the violation with this code.
            pub const fn from_code(code: u32) -> Option<Self> {
                match code {
                    $($code => Some(Violation::$name),)*
                    _ => None,
                }
            }

            /// Returns what is said of it.
            pub const fn message(self) -> &'static str {
                match self {
                    $(Violation::$name => $message,)*
                }
            }
        }
    };
}

violations! {
    /// A component instance was called while it was running.
    CannotEnter = 0, "cannot enter component instance";
    /// An import or builtin was called by `realloc` or a post-return function.
    CannotLeave = 1, "cannot leave component instance";
    /// A pointer is not aligned for what it points to.
    Unaligned = 2, "unaligned pointer";
    /// A value is not inside its memory.
    MemoryBounds = 3, "out of bounds memory access";
    /// A string is not inside its memory.
    StringBounds = 4, "string content out-of-bounds";
    /// A list is not inside its memory.
    ListBounds = 5, "list content out-of-bounds";
    /// A `char` is not one of Unicode's scalar values.
    InvalidChar = 6, "invalid `char` bit pattern";
    /// A discriminant is not one of its variant's.
    InvalidDiscriminant = 7, "invalid variant discriminant";
    /// An exception left a component.
    UncaughtException = 8, "uncaught exception propagated out of component";
    /// An internal check of an adapter failed.
    Adapter = 9, "an adapter between components failed a check of its own";
}

tagged! {
    /// A type of values.
    #[derive(Copy, PartialEq, Eq, Hash)]
    pub enum ValueType ("a component value type") {
        /// `bool`.
        Bool = 0,
        /// `s8`.
        S8 = 1,
        /// `u8`.
        U8 = 2,
        /// `s16`.
        S16 = 3,
        /// `u16`.
        U16 = 4,
        /// `s32`.
        S32 = 5,
        /// `u32`.
        U32 = 6,
        /// `s64`.
        S64 = 7,
        /// `u64`.
        U64 = 8,
        /// `f32`.
        F32 = 9,
        /// `f64`.
        F64 = 10,
        /// `char`.
        Char = 11,
        /// `string`.
        String = 12,
        /// One of [`Component::types`].
        Defined {
            /// Its index.
            index: u32,
        } = 13,
        /// An owning handle.
        Own {
            /// Index in [`Component::tables`].
            table: u32,
        } = 14,
        /// A borrowed handle.
        Borrow {
            /// Index in [`Component::tables`].
            table: u32,
        } = 15,
    }
}

record! {
    /// A named value: a field of a record, or a parameter.
    #[derive(PartialEq, Eq)]
    pub struct Field {
        /// Its name.
        pub name: String,
        /// Its type.
        pub ty: ValueType,
    }
}

record! {
    /// A case of a variant.
    #[derive(PartialEq, Eq)]
    pub struct Case {
        /// Its name.
        pub name: String,
        /// Type of its payload, if it has one.
        pub ty: Option<ValueType>,
    }
}

tagged! {
    /// A defined type.
    #[derive(PartialEq, Eq)]
    pub enum TypeDef ("a component type definition") {
        /// `record`.
        Record {
            /// Its fields.
            fields: Vec<Field>,
        } = 0,
        /// `variant`.
        Variant {
            /// Its cases.
            cases: Vec<Case>,
        } = 1,
        /// `list`.
        List {
            /// Type of its elements.
            element: ValueType,
        } = 2,
        /// `tuple`.
        Tuple {
            /// Types of its values.
            types: Vec<ValueType>,
        } = 3,
        /// `flags`.
        Flags {
            /// Their names, the lowest bit first.
            names: Vec<String>,
        } = 4,
        /// `enum`.
        Enum {
            /// Names of its cases.
            names: Vec<String>,
        } = 5,
        /// `option`.
        Option {
            /// Type of its payload.
            ty: ValueType,
        } = 6,
        /// `result`.
        Result {
            /// Type of its payload if it is `ok`.
            ok: Option<ValueType>,
            /// Type of its payload if it is `err`.
            err: Option<ValueType>,
        } = 7,
    }
}

record! {
    /// A type of functions.
    #[derive(PartialEq, Eq)]
    pub struct FuncType {
        /// Its parameters.
        pub params: Vec<Field>,
        /// Type of its result, if it has one.
        pub result: Option<ValueType>,
    }
}

tagged! {
    /// How a component instance encodes strings.
    #[derive(Copy, PartialEq, Eq)]
    pub enum StringEncoding ("a string encoding") {
        /// UTF-8.
        Utf8 = 0,
        /// UTF-16.
        Utf16 = 1,
        /// Latin-1, or UTF-16 if bit 31 of the length is set.
        Latin1OrUtf16 = 2,
    }
}

record! {
    /// Canonical options.
    #[derive(Copy, PartialEq, Eq)]
    pub struct Options {
        /// The component instance that lifts or lowers.
        pub instance: u32,
        /// How its strings are encoded.
        pub encoding: StringEncoding,
        /// Index of the memory that values lie in, in the core module.
        pub memory: Option<u32>,
    }
}

tagged! {
    /// Where a resource type comes from.
    #[derive(PartialEq, Eq)]
    pub enum ResourceOrigin ("a resource's origin") {
        /// It is imported.
        Imported {
            /// Names of the import, from the outermost instance to the type.
            path: Vec<String>,
        } = 0,
        /// The component defines it.
        Defined {
            /// The component instance that does.
            instance: u32,
            /// The export of the core module by which the host has a value destroyed, `(rep: i32)`; its
            /// destructor may be none.
            destructor: Option<String>,
        } = 1,
    }
}

record! {
    /// The handles of one resource type in one component instance.
    #[derive(Copy, PartialEq, Eq)]
    pub struct ResourceTable {
        /// Index in [`Component::resources`]; none if only types name it.
        pub resource: Option<u32>,
        /// The component instance.
        pub instance: u32,
    }
}

record! {
    /// A function that the component imports, as one of its instances calls it.
    #[derive(PartialEq, Eq)]
    pub struct Import {
        /// Names from the outermost instance to the function.
        pub path: Vec<String>,
        /// Index in [`Component::functions`].
        pub func: u32,
        /// Index in [`Component::options`].
        pub options: u32,
        /// First name in the core module.
        pub module: String,
        /// Second name in the core module.
        pub name: String,
        /// Whether the core function returns the first request to allocate, see [`request`], in place of
        /// results. Its last parameter is where the result goes.
        pub allocates: bool,
    }
}

record! {
    /// A function that the component exports.
    #[derive(PartialEq, Eq)]
    pub struct Lift {
        /// Index in [`Component::functions`].
        pub func: u32,
        /// Index in [`Component::options`].
        pub options: u32,
        /// The export of the core module.
        pub export: String,
        /// Whether its only parameter is the first request to allocate, after which it asks for its arguments
        /// by [`ARGUMENTS`].
        pub allocates: bool,
        /// Whether it hands its results over by [`RESULTS`] and returns nothing: so it is if they lie in
        /// memory.
        pub hands_over: bool,
    }
}

tagged! {
    /// What a name stands for.
    #[derive(PartialEq, Eq)]
    pub enum Item ("a component item") {
        /// An instance. What it holds follows, each with a path that begins with the instance's.
        Instance = 0,
        /// An imported function.
        Func {
            /// Index in [`Component::functions`].
            func: u32,
        } = 1,
        /// An exported function.
        Lifted {
            /// Index in [`Component::lifts`].
            lift: u32,
        } = 2,
        /// A type of values.
        Type {
            /// The type.
            ty: ValueType,
        } = 3,
        /// A type of resources.
        Resource {
            /// Index in [`Component::tables`].
            table: u32,
        } = 4,
        /// Something else, in words: no function is reached by it.
        Other {
            /// What it is.
            what: String,
        } = 5,
    }
}

record! {
    /// A name and what it stands for.
    #[derive(PartialEq, Eq)]
    pub struct Extern {
        /// Names from the outermost instance on.
        pub path: Vec<String>,
        /// What it is.
        pub item: Item,
    }
}

record! {
    /// A core module of the component.
    #[derive(PartialEq, Eq)]
    pub struct CoreModule {
        /// Its name: its own, or its position.
        pub name: String,
        /// Bytes of Wasm.
        pub bytes: u64,
        /// How often it is instantiated.
        pub instances: u32,
    }
}

record! {
    /// What an artifact says of its component.
    #[derive(PartialEq, Eq)]
    pub struct Component {
        /// Defined types.
        pub types: Vec<TypeDef>,
        /// Types of functions.
        pub functions: Vec<FuncType>,
        /// Resource types.
        pub resources: Vec<ResourceOrigin>,
        /// Their tables.
        pub tables: Vec<ResourceTable>,
        /// Number of component instances.
        pub instances: u32,
        /// Canonical options.
        pub options: Vec<Options>,
        /// Functions that are called by the core module.
        pub imports: Vec<Import>,
        /// Functions that the host calls.
        pub lifts: Vec<Lift>,
        /// Everything that the component imports, whether or not it is used.
        pub imported: Vec<Extern>,
        /// Everything that the component exports.
        pub exported: Vec<Extern>,
        /// Core modules.
        pub modules: Vec<CoreModule>,
    }
}

/// A component of little of everything, for tests.
#[cfg(test)]
pub(crate) fn sample() -> Component {
    use alloc::string::ToString;
    use alloc::vec;
    let path = || vec!["a:b/c".to_string(), "f".to_string()];
    Component {
        types: vec![
            TypeDef::List { element: ValueType::U8 },
            TypeDef::Variant { cases: vec![Case { name: "x".to_string(), ty: Some(ValueType::String) }] },
        ],
        functions: vec![FuncType {
            params: vec![Field { name: "p".to_string(), ty: ValueType::Defined { index: 0 } }],
            result: Some(ValueType::Own { table: 0 }),
        }],
        resources: vec![ResourceOrigin::Defined { instance: 0, destructor: Some("d".to_string()) }],
        tables: vec![ResourceTable { resource: Some(0), instance: 0 }],
        instances: 1,
        options: vec![Options { instance: 0, encoding: StringEncoding::Utf16, memory: Some(0) }],
        imports: vec![Import {
            path: path(),
            func: 0,
            options: 0,
            module: "a:b/c".to_string(),
            name: "f".to_string(),
            allocates: true,
        }],
        lifts: vec![Lift {
            func: 0,
            options: 0,
            export: "g".to_string(),
            allocates: true,
            hands_over: false,
        }],
        imported: vec![Extern { path: path(), item: Item::Func { func: 0 } }],
        exported: vec![Extern { path: vec!["g".to_string()], item: Item::Lifted { lift: 0 } }],
        modules: vec![CoreModule { name: "m".to_string(), bytes: 8, instances: 1 }],
    }
}
