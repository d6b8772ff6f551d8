//! Why a file was not proven.

use std::fmt;
use wasmaot_abi::code::CodeKind;

macro_rules! properties {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What a proof consists of. Each has a file with its argument.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Property { $($(#[$doc])* $name),* }

        impl Property {
            /// All properties that are proven.
            pub const ALL: &[Property] = &[$(Property::$name),*];

            /// Its name in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Property::$name => $text),* }
            }
        }
    };
}

properties! {
    /// The file's form: what the verifier reads has to be what the loader reads.
    Form = "form";
    /// Every byte of the text is reached code, padding, or what reached code refers to; no branch leads
    /// elsewhere.
    Control = "control";
    /// Reached instructions are on the list of allowed ones.
    Instructions = "instructions";
    /// Every operand in memory is in a linear memory's reservation, the function's frame, or an item of the
    /// state that may be accessed so.
    Memory = "memory";
    /// The stack is balanced, callee-saved registers and the return address are restored, frames grow in
    /// probed steps.
    Stack = "stack";
    /// Calls and jumps between functions lead to entries, with the vmctx and the arguments that these expect.
    Calls = "calls";
    /// What is a reference to a function to its receiver is one.
    References = "references";
    /// Builtins get the own vmctx, indices that exist, and references.
    Builtins = "builtins";
    /// Instructions that may trap are in the trap table.
    Faults = "faults";
    /// Metered code charges and compares the meter in every loop and before every call.
    Metering = "metering";
    /// The tables of the file agree with the code.
    Metadata = "metadata";
    /// The proof stays within its bounds of time and memory.
    Limits = "limits";
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A function of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Kind of the function.
    pub kind: CodeKind,
    /// Its index, see [`wasmaot_abi::code`].
    pub index: u32,
    /// Its name, if the module states it.
    pub name: Option<String>,
    /// Offset of the instruction from the start of the text.
    pub address: u32,
    /// Offset of the instruction from the function's start.
    pub offset: u32,
    /// Disassembly of the instruction.
    pub instruction: String,
    /// Offset in the Wasm file that the instruction stems from.
    pub wasm_offset: Option<u32>,
    /// What was known before the instruction.
    pub state: String,
}

impl Place {
    /// What the function is, in words.
    pub fn kind_name(&self) -> &'static str {
        kind_name(self.kind)
    }
}

/// Why a file was not proven: one reason in each function that has any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// What does not hold, or is not understood.
    pub property: Property,
    /// What is the matter.
    pub problem: String,
    /// Where, unless it is about the file as a whole.
    pub place: Option<Box<Place>>,
}

impl Rejection {
    pub(crate) fn of_file(property: Property, problem: impl Into<String>) -> Self {
        Self { property, problem: problem.into(), place: None }
    }
}

/// The name of a kind of code in reports.
fn kind_name(kind: CodeKind) -> &'static str {
    match kind {
        CodeKind::Thunk => "import thunk",
        CodeKind::Function => "function",
        CodeKind::ArrayEntry => "array entry",
        CodeKind::Helper => "helper",
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.property, self.problem)?;
        let Some(place) = &self.place else { return Ok(()) };
        write!(f, "\n  in {} {}", kind_name(place.kind), place.index)?;
        if let Some(name) = &place.name {
            write!(f, " \"{}\"", wasmaot_abi::printable::Printable(name))?;
        }
        write!(f, " at {:#x} (text + {:#x})", place.offset, place.address)?;
        if let Some(wasm) = place.wasm_offset {
            write!(f, ", Wasm offset {wasm:#x}")?;
        }
        write!(f, "\n  {}\n  with {}", place.instruction, place.state)
    }
}

/// What a check finds, before it is known where. It is small, as most checks find nothing.
pub(crate) struct Problem(Box<(Property, String)>);

impl Problem {
    pub(crate) fn new(property: Property, text: impl Into<String>) -> Self {
        Self(Box::new((property, text.into())))
    }

    pub(crate) fn property(&self) -> Property {
        self.0.0
    }

    pub(crate) fn into_text(self) -> String {
        self.0.1
    }
}

/// Fails with a problem unless something holds.
pub(crate) fn ensure(holds: bool, property: Property, text: impl fmt::Display) -> Result<(), Problem> {
    if holds { Ok(()) } else { Err(Problem::new(property, text.to_string())) }
}

/// A problem.
pub(crate) fn problem<T>(property: Property, text: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::new(property, text))
}
