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

/// `()`: ends the call that [`ENTER_CALL`] began. Handles that were lent must have been dropped.
pub const EXIT_CALL: &str = "exit-call";

/// `(code: i32)`: traps, see [`Violation`].
pub const TRAP: &str = "trap";

/// Prefix of the names of functions that copy strings between memories and may encode them anew; what follows
/// it names the operation. The first two parameters are the memories that are copied from and to.
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
        /// The WIT type `bool`.
        Bool = 0,
        /// The WIT type `s8`.
        S8 = 1,
        /// The WIT type `u8`.
        U8 = 2,
        /// The WIT type `s16`.
        S16 = 3,
        /// The WIT type `u16`.
        U16 = 4,
        /// The WIT type `s32`.
        S32 = 5,
        /// The WIT type `u32`.
        U32 = 6,
        /// The WIT type `s64`.
        S64 = 7,
        /// The WIT type `u64`.
        U64 = 8,
        /// The WIT type `f32`.
        F32 = 9,
        /// The WIT type `f64`.
        F64 = 10,
        /// The WIT type `char`.
        Char = 11,
        /// The WIT type `string`.
        String = 12,
        /// A defined type, one of [`Component::types`].
        Defined {
            /// Index in the list of types.
            index: u32,
        } = 13,
        /// An owning handle, `own<r>`.
        Own {
            /// Index of the table in [`Component::tables`].
            table: u32,
        } = 14,
        /// A borrowed handle, `borrow<r>`.
        Borrow {
            /// Index of the table in [`Component::tables`].
            table: u32,
        } = 15,
    }
}

record! {
    /// A named value: a field of a record, or a parameter.
    #[derive(PartialEq, Eq)]
    pub struct Field {
        /// Name of the field or parameter.
        pub name: String,
        /// Type of the field or parameter.
        pub ty: ValueType,
    }
}

record! {
    /// A case of a variant.
    #[derive(PartialEq, Eq)]
    pub struct Case {
        /// Name of the variant case.
        pub name: String,
        /// Type of its payload, if it has one.
        pub ty: Option<ValueType>,
    }
}

tagged! {
    /// A type definition of the component.
    #[derive(PartialEq, Eq)]
    pub enum TypeDef ("a component type definition") {
        /// A WIT `record` type.
        Record {
            /// Fields of the record, in order.
            fields: Vec<Field>,
        } = 0,
        /// A WIT `variant` type.
        Variant {
            /// Cases of the variant, in order.
            cases: Vec<Case>,
        } = 1,
        /// A WIT `list` type.
        List {
            /// Type of its elements.
            element: ValueType,
        } = 2,
        /// A WIT `tuple` type.
        Tuple {
            /// Types of its values.
            types: Vec<ValueType>,
        } = 3,
        /// A WIT `flags` type.
        Flags {
            /// Their names, the lowest bit first.
            names: Vec<String>,
        } = 4,
        /// A WIT `enum` type.
        Enum {
            /// Names of its cases.
            names: Vec<String>,
        } = 5,
        /// A WIT `option` type.
        Option {
            /// Type of its payload.
            ty: ValueType,
        } = 6,
        /// A WIT `result` type.
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
        /// Parameters of the function, in order.
        pub params: Vec<Field>,
        /// Type of its result, if it has one.
        pub result: Option<ValueType>,
    }
}

tagged! {
    /// How a component instance encodes strings.
    #[derive(Copy, PartialEq, Eq)]
    pub enum StringEncoding ("a string encoding") {
        /// Strings are encoded in UTF-8.
        Utf8 = 0,
        /// Strings are encoded in UTF-16.
        Utf16 = 1,
        /// Latin-1, or UTF-16 if bit 31 of the length is set.
        Latin1OrUtf16 = 2,
    }
}

record! {
    /// Canonical options of a lift or a lower.
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
        /// The resource type is imported.
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
        /// Index of the component instance.
        pub instance: u32,
    }
}

record! {
    /// A function that the component imports, as one of its instances calls it.
    #[derive(PartialEq, Eq)]
    pub struct Import {
        /// Names from the outermost instance to the function.
        pub path: Vec<String>,
        /// Type of the function, an index in [`Component::functions`].
        pub func: u32,
        /// Canonical options, an index in [`Component::options`].
        pub options: u32,
        /// Module name of the import in the core module.
        pub module: String,
        /// Item name of the import in the core module.
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
        /// Type of the function, an index in [`Component::functions`].
        pub func: u32,
        /// Canonical options, an index in [`Component::options`].
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
    /// The kind of item that an imported or exported name denotes.
    #[derive(PartialEq, Eq)]
    pub enum Item ("a component item") {
        /// An instance of a component. What it holds follows, each with a path that begins with the
        /// instance's.
        Instance = 0,
        /// A function that the component imports.
        Func {
            /// Type of the function, an index in [`Component::functions`].
            func: u32,
        } = 1,
        /// A function that the component exports.
        Lifted {
            /// Index of the lift in [`Component::lifts`].
            lift: u32,
        } = 2,
        /// A type of values.
        Type {
            /// The value type that is named.
            ty: ValueType,
        } = 3,
        /// A type of resources.
        Resource {
            /// Index of the table in [`Component::tables`].
            table: u32,
        } = 4,
        /// Something else, in words: no function is reached by it.
        Other {
            /// Description of the item, in words.
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
        /// The item that the path denotes.
        pub item: Item,
    }
}

record! {
    /// A core module of the component.
    #[derive(PartialEq, Eq)]
    pub struct CoreModule {
        /// Its name: its own, or its position.
        pub name: String,
        /// Size of the Wasm module in bytes.
        pub bytes: u64,
        /// How often it is instantiated.
        pub instances: u32,
    }
}

record! {
    /// What an artifact says of its component.
    #[derive(PartialEq, Eq)]
    pub struct Component {
        /// Type definitions, in order.
        pub types: Vec<TypeDef>,
        /// Types of the component's functions.
        pub functions: Vec<FuncType>,
        /// Resource types of the component.
        pub resources: Vec<ResourceOrigin>,
        /// Handle tables of the resource types.
        pub tables: Vec<ResourceTable>,
        /// Number of component instances.
        pub instances: u32,
        /// Canonical options of lifts and lowers.
        pub options: Vec<Options>,
        /// Functions that are called by the core module.
        pub imports: Vec<Import>,
        /// Functions that the host calls.
        pub lifts: Vec<Lift>,
        /// Everything that the component imports, whether or not it is used.
        pub imported: Vec<Extern>,
        /// Everything that the component exports.
        pub exported: Vec<Extern>,
        /// Core modules that were merged.
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
