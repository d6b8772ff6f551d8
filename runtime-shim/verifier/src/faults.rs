//! Instructions that may fault.
//!
//! A fault of compiled code ends the run as a trap if the runtime finds out which: by the address, in a
//! memory's reservation or the guard of the stack; or by the instruction, in the trap table. So what may
//! fault otherwise has to be in the table: `ud2`, divisions, and accesses near address 0, which is what
//! checked addresses and references to functions are if there is none.
//!
//! Operands that have to be aligned and are not fault without an address. So they are refused, unless they
//! are known to be aligned.
//!
//! **Invariant: what faults at another address than a memory's or the stack's is in the trap table.**

use crate::body::Body;
use crate::decode::Form;
use crate::memory::Place;
use crate::reject::{Problem, Property, ensure};

impl Body<'_, '_> {
    /// The current instruction may fault at a small address, or trap.
    pub(crate) fn may_fault(&self, what: &str) -> Result<(), Problem> {
        ensure(
            self.module.traps.lookup(self.at).is_some(),
            Property::Faults,
            format_args!("it may trap ({what}), and is not in the trap table"),
        )
    }

    /// An operand that has to be aligned is in the frame or in the text, at a multiple of its size.
    pub(crate) fn check_alignment(&self, place: Place, form: Form, bytes: u32) -> Result<(), Problem> {
        if !matches!(form, Form::AlignedVector | Form::AlignedFlags) || bytes < 16 {
            return Ok(());
        }
        let aligned = match place {
            // The stack pointer at the entry is 8 bytes below a multiple of 16.
            Place::Word(at) if at < crate::state::AREA => (i64::from(at) + 8).rem_euclid(16) == 0,
            Place::Text(at) => (self.module.text_offset + u64::from(at)).is_multiple_of(16),
            Place::TextRange { aligned } => aligned,
            Place::Global { offset, .. } => offset == 0,
            _ => false,
        };
        ensure(aligned, Property::Faults, "an operand has to be aligned and may not be")
    }
}
