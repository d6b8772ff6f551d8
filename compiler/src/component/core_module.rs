//! The sections of one core module, as they are needed to merge it.
//!
//! **Invariant: the module has been validated on its own**, so that an index of it names an item of it.

use crate::error::CompileError;
use wasmparser::{
    Data, Element, FunctionBody, Global, KnownCustom, MemoryType, Name, Operator, Parser, Payload, RecGroup,
    Table, TagType, TypeRef,
};

/// A core module.
#[derive(Default)]
pub(super) struct CoreModule<'a> {
    pub(super) bytes: u64,
    pub(super) name: Option<&'a str>,
    pub(super) groups: Vec<RecGroup>,
    pub(super) imports: Vec<TypeRef>,
    /// Type of each defined function.
    pub(super) functions: Vec<u32>,
    pub(super) tables: Vec<Table<'a>>,
    pub(super) memories: Vec<MemoryType>,
    pub(super) globals: Vec<Global<'a>>,
    pub(super) tags: Vec<TagType>,
    pub(super) start: Option<u32>,
    pub(super) elems: Vec<Element<'a>>,
    pub(super) data: Vec<Data<'a>>,
    pub(super) bodies: Vec<FunctionBody<'a>>,
    /// Names of functions.
    pub(super) names: Vec<(u32, &'a str)>,
}

impl<'a> CoreModule<'a> {
    /// Reads a module.
    pub(super) fn read(wasm: &'a [u8]) -> Result<Self, CompileError> {
        let mut module = Self { bytes: wasm.len() as u64, ..Self::default() };
        for payload in Parser::new(0).parse_all(wasm) {
            module.section(payload?)?;
        }
        Ok(module)
    }

    fn section(&mut self, payload: Payload<'a>) -> Result<(), CompileError> {
        fn all<'a, T: wasmparser::FromReader<'a>>(
            reader: wasmparser::SectionLimited<'a, T>,
        ) -> Result<Vec<T>, CompileError> {
            Ok(reader.into_iter().collect::<Result<_, _>>()?)
        }
        match payload {
            Payload::TypeSection(reader) => self.groups = all(reader)?,
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    self.imports.push(import?.ty);
                }
            }
            Payload::FunctionSection(reader) => self.functions = all(reader)?,
            Payload::TableSection(reader) => self.tables = all(reader)?,
            Payload::MemorySection(reader) => self.memories = all(reader)?,
            Payload::GlobalSection(reader) => self.globals = all(reader)?,
            Payload::TagSection(reader) => self.tags = all(reader)?,
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(reader) => self.elems = all(reader)?,
            Payload::DataSection(reader) => self.data = all(reader)?,
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(names) = section.as_known() {
                    self.names(names);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes the names that come before the first flaw of a name section.
    fn names(&mut self, names: wasmparser::NameSectionReader<'a>) {
        for names in names.into_iter().map_while(Result::ok) {
            match names {
                Name::Module { name, .. } => self.name = Some(name),
                Name::Function(map) => {
                    let known = map.into_iter().map_while(Result::ok);
                    self.names.extend(known.map(|name| (name.index, name.name)));
                }
                _ => {}
            }
        }
    }

    /// Returns how many operators access each of its memories, imported ones included.
    pub(super) fn accesses(&self) -> Result<Vec<u64>, CompileError> {
        let imported = self.imports.iter().filter(|ty| matches!(ty, TypeRef::Memory(_))).count();
        let mut accesses = vec![0; imported + self.memories.len()];
        for body in &self.bodies {
            let mut reader = body.get_operators_reader()?;
            while !reader.eof() {
                if let Some(memory) = accessed(&reader.read()?) {
                    accesses[memory as usize] += 1;
                }
            }
        }
        Ok(accesses)
    }
}

/// The memory that an operator accesses at an address.
fn accessed(op: &Operator<'_>) -> Option<u32> {
    macro_rules! memory_of {
        (memarg $value:ident) => {
            Some($value.memory)
        };
        ($other:ident $value:ident) => {{
            let _ = $value;
            None
        }};
    }
    macro_rules! by_operator {
        ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match op {
                $( Operator::$op $({ $($arg),* })? => {
                    let found = None::<u32>;
                    $($( let found = found.or(memory_of!($arg $arg)); )*)?
                    found
                } )*
                _ => None,
            }
        };
    }
    wasmparser::for_each_operator!(by_operator)
}
