//! Room for a handler of the host's that has run into the end of a guest's stack, from its fault until it
//! returns.
//!
//! The poke signal tells when that is: it is sent to the thread at once, but stays blocked while the handler
//! runs. The handler's return restores the mask of the guest, so the poke arrives before the guest's next
//! instruction. Where it finds another handler instead, to which an inner one has returned, it is sent again.
//!
//! **Invariant: a guest does not run on while its reserve is open**, unless the poke signal is not installed
//! or the host has blocked it. Then a guest that has grown into the reserve overflows its stack as soon as a
//! poke finds it there.

use super::poke::poke_later;
use crate::run::activation::{Activation, At};
use crate::run::fault;
use crate::space::reserve;
use crate::space::slot::GuestStack;

/// Opens the reserve of a stack for the handler that was interrupted by a fault.
pub(super) fn open(stack: GuestStack<'_>, context: &mut libc::ucontext_t) -> bool {
    let done = reserve::open(stack);
    if done {
        poke_later(context);
    }
    done
}

/// Closes the reserve of a stack whose guest is left or goes on. A failure leaves it open until the slot is
/// reset.
pub(super) fn close(stack: GuestStack<'_>) {
    _ = reserve::close(stack);
}

/// For the handler of pokes: closes the reserve of the guest that was interrupted, or waits further for a
/// handler to return. Returns the activation of a guest that has grown into the reserve.
pub(super) fn settle(context: &mut libc::ucontext_t, at: At) -> Option<*mut Activation> {
    fault::open_reserve(at, |open| {
        if !open.is_guest {
            poke_later(context);
            return None;
        }
        if at.rsp < open.stack.bounds().low {
            return Some(open.activation).filter(|_| open.is_compiled);
        }
        close(open.stack);
        None
    })
}
