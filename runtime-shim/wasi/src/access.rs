//! How a call reaches its context: an instance has one of its own, or shares one with instances on other
//! threads.
//!
//! **Invariant: nothing waits while it holds a shared context.** A call that may wait takes a copy of the
//! entries that it works on, which keeps their files open until it returns, or is made again
//! ([`wait`](crate::wait)): what other threads close or renumber meanwhile is gone for calls that begin
//! later. An instance's own context is lent instead, at the cost of a branch. A fork waits until no thread
//! holds a shared context, which would stay locked in the child.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

use wasmaot_runtime::Undivided;

use crate::ctx::WasiCtx;
use crate::entry::Entry;
use crate::errno::Errno;
use crate::fdtable::FdTable;
use crate::guest::Guest;
use crate::guest::ranges::Ranges;
use crate::types::Rights;
use crate::wait::Attempt;

/// Where a store's data has the context.
pub(crate) enum Access<T> {
    /// It is the instance's own.
    Own(fn(&mut T) -> &mut WasiCtx),
    /// Other threads have it, too.
    Shared(fn(&mut T) -> &Mutex<WasiCtx>),
}

impl<T> Clone for Access<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Access<T> {}

impl<T> Access<T> {
    #[inline]
    pub(crate) fn of(self, data: &mut T) -> Ctx<'_> {
        match self {
            Access::Own(ctx) => Ctx::own(ctx(data)),
            Access::Shared(ctx) => Ctx::shared(ctx(data)),
        }
    }
}

/// The context of a calling instance, and how its call waits.
pub(crate) struct Ctx<'a> {
    context: Context<'a>,
    /// None if the thread waits.
    attempt: Option<&'a Attempt>,
}

enum Context<'a> {
    Own(&'a mut WasiCtx),
    Shared(&'a Mutex<WasiCtx>),
}

/// A context to which no other thread has access meanwhile.
pub(crate) enum Held<'a> {
    Own(&'a mut WasiCtx),
    Shared(Undivided<'a, WasiCtx>),
}

/// An open descriptor. (Small, for it is passed on with every call.)
pub(crate) enum Found<'a> {
    Own(&'a Entry),
    Copy(Box<Entry>),
}

impl<'a> Ctx<'a> {
    /// Creates the context of an instance that owns it.
    #[inline]
    pub(crate) fn own(ctx: &'a mut WasiCtx) -> Self {
        Self { context: Context::Own(ctx), attempt: None }
    }

    /// Creates the context of an instance that shares it with other threads.
    #[inline]
    pub(crate) fn shared(ctx: &'a Mutex<WasiCtx>) -> Self {
        Self { context: Context::Shared(ctx), attempt: None }
    }

    /// Attaches the current attempt of a call that waits without blocking its thread.
    pub(crate) fn attempted(self, attempt: &'a Attempt) -> Self {
        Self { attempt: Some(attempt), ..self }
    }
}

impl Ctx<'_> {
    /// Returns the current attempt if the call waits without blocking its thread.
    #[inline]
    pub(crate) fn attempt(&self) -> Option<&Attempt> {
        self.attempt
    }

    /// Has the context alone. Its holder does not wait.
    #[inline]
    pub(crate) fn hold(&mut self) -> Held<'_> {
        match &mut self.context {
            Context::Own(ctx) => Held::Own(ctx),
            Context::Shared(ctx) => Held::Shared(Undivided::lock(ctx)),
        }
    }

    /// [`Guest::sources`], truncated to the context's maximum transfer size.
    #[inline]
    pub(crate) fn sources<'g>(&self, guest: Guest<'g>, list: u32, count: u32) -> Result<Ranges<'g>, Errno> {
        guest.sources(list, count).map(|ranges| self.limited(ranges))
    }

    /// [`Guest::targets`], truncated to the context's maximum transfer size.
    #[inline]
    pub(crate) fn targets<'g>(&self, guest: Guest<'g>, list: u32, count: u32) -> Result<Ranges<'g>, Errno> {
        guest.targets(list, count).map(|ranges| self.limited(ranges))
    }

    #[inline]
    fn limited<'g>(&self, mut ranges: Ranges<'g>) -> Ranges<'g> {
        ranges.truncate(match &self.context {
            Context::Own(ctx) => ctx.max_transfer(),
            Context::Shared(ctx) => Undivided::lock(ctx).max_transfer(),
        });
        ranges
    }

    /// Reports a number of bytes as read at `out`, which was checked, and counts them.
    #[inline]
    pub(crate) fn report_read(&mut self, guest: Guest<'_>, out: u32, count: usize) -> Result<(), Errno> {
        self.hold().transferred.read += count as u64;
        guest.write_u32(out, count as u32)
    }

    /// Reports a number of bytes as written at `out`, which was checked, and counts them.
    #[inline]
    pub(crate) fn report_written(&mut self, guest: Guest<'_>, out: u32, count: usize) -> Result<(), Errno> {
        self.hold().transferred.written += count as u64;
        guest.write_u32(out, count as u32)
    }

    #[inline]
    fn find(&self, find: impl FnOnce(&FdTable) -> Result<&Entry, Errno>) -> Result<Found<'_>, Errno> {
        match &self.context {
            Context::Own(ctx) => find(&ctx.table).map(Found::Own),
            Context::Shared(ctx) => {
                find(&Undivided::lock(ctx).table).map(|entry| Found::Copy(Box::new(entry.clone())))
            }
        }
    }

    /// See [`FdTable::entry`].
    #[inline]
    pub(crate) fn entry(&self, fd: u32) -> Result<Found<'_>, Errno> {
        self.find(|table| table.entry(fd))
    }

    /// See [`FdTable::get`].
    #[inline]
    pub(crate) fn get(&self, fd: u32, rights: Rights) -> Result<Found<'_>, Errno> {
        self.find(|table| table.get(fd, rights))
    }

    /// See [`FdTable::stream`].
    #[inline]
    pub(crate) fn stream(&self, fd: u32, rights: Rights) -> Result<Found<'_>, Errno> {
        self.find(|table| table.stream(fd, rights))
    }

    /// See [`FdTable::directory`].
    #[inline]
    pub(crate) fn directory(&self, fd: u32, rights: Rights) -> Result<Found<'_>, Errno> {
        self.find(|table| table.directory(fd, rights))
    }
}

impl Deref for Found<'_> {
    type Target = Entry;

    #[inline]
    fn deref(&self) -> &Entry {
        match self {
            Found::Own(entry) => entry,
            Found::Copy(entry) => entry,
        }
    }
}

impl Deref for Held<'_> {
    type Target = WasiCtx;

    #[inline]
    fn deref(&self) -> &WasiCtx {
        match self {
            Held::Own(ctx) => ctx,
            Held::Shared(ctx) => ctx,
        }
    }
}

impl DerefMut for Held<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut WasiCtx {
        match self {
            Held::Own(ctx) => ctx,
            Held::Shared(ctx) => ctx,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::in_child;
    use std::sync::mpsc;
    use std::time::Duration;

    /// The thread that holds the context is not there in the child.
    #[test]
    fn a_fork_leaves_no_shared_context_locked() {
        let ctx = Mutex::new(crate::WasiCtxBuilder::new().build());
        let (holds, held) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut access = Ctx::shared(&ctx);
                let context = access.hold();
                holds.send(()).unwrap();
                std::thread::sleep(Duration::from_millis(50));
                drop(context);
            });
            held.recv().unwrap();
            assert!(in_child(|| ctx.try_lock().is_ok()));
        });
    }
}
