//! The count of operators that a store's instances have executed, where their code counts them, and the fuel
//! that they have used.
//!
//! While code runs, the count is in a register ([`wasmaot_abi::meter`]), and in the record of the
//! running activation while that waits for the host; between runs it is here. So it lies where no
//! guest can write. **Invariant: all instances of a store count, or none does.**

use wasmaot_abi::meter::{UNLIMITED, initial};

/// The module's code does not count the operators that it executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the module does not count the instructions that it executes; it is to be compiled with a meter")]
pub struct NotMetered;

/// Why an instance of a module cannot be made in a store.
#[derive(Debug)]
pub(crate) enum MeterError {
    /// The store has a limit of operators, and the module does not count them.
    NotMetered,
    /// The module counts them and the store's other instances do not, or the other way round.
    Mixed {
        /// Whether the module counts.
        metered: bool,
    },
}

/// A meter that stands still.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meter {
    /// What it shows. Of no meaning where code does not count.
    pub(crate) shown: i64,
    pub(crate) fuel: u64,
    /// What of the fuel was used for bulk work, and not for operators.
    pub(crate) bulk: u64,
}

impl Meter {
    /// An unused meter, with fuel for a number of instructions, or without a limit.
    pub(crate) fn new(fuel: Option<u64>) -> Self {
        let fuel = fuel.unwrap_or(UNLIMITED).min(UNLIMITED);
        Self { shown: initial(fuel), fuel, bulk: 0 }
    }

    /// Charges a guest for bulk work, whose meter shows `running` now, and says whether there was as much
    /// fuel left.
    pub(crate) fn charge(&mut self, running: &mut i64, price: u64) -> bool {
        let Some(meter) = running.checked_add_unsigned(price).filter(|&meter| meter <= 0) else {
            return false;
        };
        (*running, self.bulk) = (meter, self.bulk + price);
        true
    }
}
