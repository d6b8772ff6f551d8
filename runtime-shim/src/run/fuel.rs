//! Fuel for bulk work: what an instruction costs that moves, fills or adds many bytes or elements, or has the
//! runtime search for exceptions.
//!
//! **Invariant: work is paid for before it is done**, once it is certain that it can be done. Where there is
//! not enough fuel left, nothing is charged and nothing is done. Prices are in `wasmaot_abi::meter`: a new
//! kind of work calls [`Payer::pay`], and changes nothing here.

use crate::run::interrupt;
use crate::run::meter::Meter;
use wasmaot_abi::trap::TrapCode;

/// Who pays for work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payer {
    /// The guest that runs on this thread: it is an instruction of its code.
    Guest,
    /// The host, as when it makes an instance.
    Host,
}

impl Payer {
    /// Charges the fuel for some work. The error ends the guest, before the work is done.
    pub(crate) fn pay(self, price: u64) -> Result<(), TrapCode> {
        if self == Payer::Host || price == 0 || charge(price) { Ok(()) } else { Err(TrapCode::OutOfFuel) }
    }

    /// Takes a charge back: the work could not be done.
    pub(crate) fn refund(self, price: u64) {
        if self == Payer::Guest && price > 0 {
            change(|meter, running| {
                *running = running.wrapping_sub_unsigned(price);
                meter.bulk -= price;
            });
        }
    }
}

/// Charges the running guest, if its code counts, and says whether there was as much left.
fn charge(price: u64) -> bool {
    let mut is_paid = true;
    change(|meter, running| is_paid = meter.charge(running, price));
    is_paid
}

/// Changes the meter of the running guest, and what it shows now, if its code counts.
fn change(change: impl FnOnce(&mut Meter, &mut i64)) {
    interrupt::with_run_around(|activation, core| {
        if core.counts {
            change(&mut core.meter, &mut activation.meter);
        }
    });
}
