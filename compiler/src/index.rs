//! Typed indices of a module's items.
//!
//! Indices count as in the module, imports first, unless their name says otherwise. **Invariant:
//! the index of one kind of item never stands for another kind**; it becomes a number only where it
//! leaves the compiler, in the state layout, the descriptor and CLIF.

use cranelift_entity::entity_impl;

macro_rules! indices {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(u32);

        entity_impl!($name, $prefix);

        impl From<u32> for $name {
            fn from(index: u32) -> Self {
                Self(index)
            }
        }
    )*};
}

indices! {
    /// A type as the module numbers it. Equal types may have several.
    DeclaredTypeIndex = "declared_type";
    /// A type as the artifact numbers it: each type once.
    TypeIndex = "type";
    /// A function, imported or defined.
    FuncIndex = "func";
    /// A defined function, counted from the first defined one.
    DefinedFuncIndex = "defined_func";
    /// A table.
    TableIndex = "table";
    /// A memory.
    MemoryIndex = "memory";
    /// A global, imported or defined.
    GlobalIndex = "global";
    /// A defined global, counted from the first defined one.
    DefinedGlobalIndex = "defined_global";
    /// A tag.
    TagIndex = "tag";
    /// A data segment.
    DataIndex = "data";
    /// An element segment.
    ElemIndex = "elem";
    /// A function that can be reached from outside compiled code, by its position in the list of
    /// entries.
    EntryIndex = "entry";
    /// A function of the artifact, by its position in the text.
    CodeIndex = "code";
}

impl MemoryIndex {
    /// The memory that lies in the instance's slot if its type allows it.
    pub(crate) const FIRST: Self = Self(0);
}
