//! One open descriptor: the host's side of it, its kind, and the guest's rights to it.
//!
//! **Invariant.** Descriptors that instances share are never repositioned and their status flags never
//! changed, so an entry keeps the flags that its guest set.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use crate::errno::Errno;
use crate::types::{FdFlags, Rights};

/// The first number for anything but a standard stream.
pub(crate) const FIRST_FREE: usize = 3;

/// The host's side of a descriptor.
#[derive(Debug, Clone)]
pub(crate) enum Handle {
    /// Opened by the guest, and its alone.
    Owned(Arc<OwnedFd>),
    /// Given by the host, perhaps to many instances.
    Shared(Arc<OwnedFd>),
    /// A standard stream of the process.
    Inherited(BorrowedFd<'static>),
    /// Input that lies in the context.
    Input,
    /// Output that the context collects.
    Captured(Captured),
}

impl Handle {
    /// Whether both are the same side of one descriptor.
    pub(crate) fn is(&self, other: &Handle) -> bool {
        match (self, other) {
            (Handle::Owned(own), Handle::Owned(other)) | (Handle::Shared(own), Handle::Shared(other)) => {
                Arc::ptr_eq(own, other)
            }
            (Handle::Inherited(own), Handle::Inherited(other)) => own.as_raw_fd() == other.as_raw_fd(),
            (Handle::Input, Handle::Input) => true,
            (Handle::Captured(own), Handle::Captured(other)) => own == other,
            _ => false,
        }
    }

    /// The host's descriptor, if there is one.
    pub(crate) fn host(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Handle::Owned(fd) | Handle::Shared(fd) => Some(fd.as_fd()),
            Handle::Inherited(fd) => Some(*fd),
            Handle::Input | Handle::Captured(_) => None,
        }
    }
}

/// Which of the collected outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Captured {
    Stdout,
    Stderr,
}

/// The signal that a write may raise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raises {
    /// None.
    Nothing,
    /// `SIGPIPE`: the other end may be gone.
    Broken,
    /// `SIGXFSZ`: the host may limit the size of files, at any time.
    TooLarge,
}

/// What a descriptor is good for.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// Anything that is read and written.
    Stream {
        /// What writing may raise.
        raises: Raises,
    },
    /// A directory.
    Directory(Directory),
}

/// What belongs to a directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directory {
    /// The guest's name for it, if it was preopened.
    pub(crate) preopened_as: Option<Arc<str>>,
}

/// One open descriptor.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) handle: Handle,
    pub(crate) kind: Kind,
    pub(crate) rights: Rights,
    pub(crate) inheriting: Rights,
    /// Whether nothing may be changed through it, as on a file system that is mounted so. What is opened
    /// beneath it takes that on.
    pub(crate) read_only: bool,
    /// As the guest set them. On a shared descriptor only `NONBLOCK` can be set, and is kept here alone.
    pub(crate) flags: FdFlags,
}

impl Entry {
    /// The host's descriptor. A stream in memory has none, and the call is refused with `in_memory`: what the
    /// system says to the same call on a pipe.
    pub(crate) fn fd(&self, in_memory: Errno) -> Result<BorrowedFd<'_>, Errno> {
        self.host().ok_or(in_memory)
    }

    /// The host's descriptor, if there is one.
    pub(crate) fn host(&self) -> Option<BorrowedFd<'_>> {
        self.handle.host()
    }

    /// Whether the guest opened it, so that its status is the guest's.
    pub(crate) fn is_owned(&self) -> bool {
        matches!(self.handle, Handle::Owned(_))
    }

    /// Whether there may be no reader left for what is written.
    pub(crate) fn may_break(&self) -> bool {
        matches!(self.kind, Kind::Stream { raises: Raises::Broken })
    }

    /// Whether writing may raise a signal.
    pub(crate) fn may_raise(&self) -> bool {
        matches!(self.kind, Kind::Stream { raises: Raises::Broken | Raises::TooLarge })
    }

    /// The directory, if it is one.
    pub(crate) fn directory(&self) -> Option<&Directory> {
        match &self.kind {
            Kind::Directory(directory) => Some(directory),
            Kind::Stream { .. } => None,
        }
    }

    /// Checks that the descriptor carries all of `rights`.
    pub(crate) fn require(&self, rights: Rights) -> Result<(), Errno> {
        if !self.rights.contains(rights) {
            return Err(Errno::NotCapable);
        }
        if self.read_only && rights.intersects(Rights::CHANGES) { Err(Errno::RoFs) } else { Ok(()) }
    }
}
