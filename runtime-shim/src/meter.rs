//! The count of operators that a store's instances have executed, where their code counts them.
//!
//! While code runs, the count is in a register ([`wasmaot_abi::meter`]), and in the record of the running activation while that waits for the
//! host; between runs it is here. So it lies where no guest can write. **Invariant: all instances of a store count, or none does.**

use crate::activation::Activation;
use crate::module::Module;
use crate::run::store::StoreCore;
use wasmaot_abi::meter::{UNLIMITED, executed, initial};

/// The module's code does not count the operators that it executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the module does not count the operators that it executes; compile it with `--meter`")]
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
    fuel: u64,
}

impl Meter {
    /// One that nobody has used, with fuel for so many operators, or for any number.
    pub(crate) fn new(fuel: Option<u64>) -> Self {
        let fuel = fuel.unwrap_or(UNLIMITED).min(UNLIMITED);
        Self { shown: initial(fuel), fuel }
    }
}

impl StoreCore {
    /// Whether code counts; unknown as long as there is no instance.
    fn is_metered(&self) -> Option<bool> {
        (self.instances.count() > 0).then_some(self.counts)
    }

    /// Checks that a module's instances can be made here.
    pub(crate) fn check_metering(&self, module: &Module) -> Result<(), MeterError> {
        let metered = module.is_metered();
        if self.limits.fuel.is_some() && !metered {
            return Err(MeterError::NotMetered);
        }
        match self.is_metered() {
            Some(others) if others != metered => Err(MeterError::Mixed { metered }),
            _ => Ok(()),
        }
    }

    /// What the meter shows, also inside a host function.
    fn shown(&mut self) -> &mut i64 {
        if self.current.is_null() {
            return &mut self.meter.shown;
        }
        // SAFETY: the current activation is live, and its owner waits for the guest, which waits for a host function.
        unsafe { &mut (*self.current).meter }
    }

    /// Operators executed so far, if code counts them.
    pub(crate) fn operators(&self) -> Option<u64> {
        let shown = match self.current.is_null() {
            true => self.meter.shown,
            // SAFETY: as in `shown`.
            false => unsafe { (*self.current).meter },
        };
        self.is_metered()?.then(|| executed(shown, self.meter.fuel))
    }

    /// Lets it execute so many operators from now on, or any number.
    pub(crate) fn set_fuel(&mut self, fuel: Option<u64>) -> Result<(), NotMetered> {
        if self.is_metered() == Some(false) {
            return Err(NotMetered);
        }
        let done = self.operators().unwrap_or(0);
        let fuel = fuel.unwrap_or(UNLIMITED).min(UNLIMITED - done.min(UNLIMITED));
        self.meter.fuel = done + fuel;
        *self.shown() = initial(fuel);
        Ok(())
    }

    /// Takes the count of a run that faulted at `pc`, with this in the meter's register: in compiled code that is the meter, and what the
    /// operator there has left uncharged is added. A stub that faults has noted it before.
    pub(crate) fn charge_fault(&self, activation: &mut Activation, pc: usize, register: i64) {
        if let Some(uncharged) = self.instances.uncharged(pc) {
            activation.meter = register.wrapping_add(i64::from(uncharged));
        }
    }
}
