//! The types of `wasi:filesystem`, and what they are in preview 1 and to the system.

use rustix::fs::{FileType, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use wasmaot_component::{enumeration, flags, record, variant};

use crate::errno::Errno;
use crate::p2::clocks::Datetime;

enumeration! {
    /// `descriptor-type`.
    #[derive(Debug, PartialEq, Eq)]
    pub(crate) enum DescriptorType {
        /// Anything else.
        Unknown = "unknown",
        /// A block device.
        BlockDevice = "block-device",
        /// A character device.
        CharacterDevice = "character-device",
        /// A directory.
        Directory = "directory",
        /// A named pipe.
        Fifo = "fifo",
        /// A symbolic link.
        SymbolicLink = "symbolic-link",
        /// A regular file.
        RegularFile = "regular-file",
        /// A socket.
        Socket = "socket",
    }
}

impl DescriptorType {
    pub(crate) fn of(file: FileType) -> Self {
        match file {
            FileType::RegularFile => Self::RegularFile,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::SymbolicLink,
            FileType::Fifo => Self::Fifo,
            FileType::Socket => Self::Socket,
            FileType::CharacterDevice => Self::CharacterDevice,
            FileType::BlockDevice => Self::BlockDevice,
            FileType::Unknown => Self::Unknown,
        }
    }
}

flags! {
    /// `descriptor-flags`: what a descriptor is open for.
    #[derive(Debug, PartialEq, Eq)]
    pub(crate) struct DescriptorFlags {
        /// To read.
        READ = "read",
        /// To write.
        WRITE = "write",
        /// Writes are synchronised, metadata included.
        FILE_INTEGRITY_SYNC = "file-integrity-sync",
        /// Writes are synchronised.
        DATA_INTEGRITY_SYNC = "data-integrity-sync",
        /// Reads are synchronised as writes are.
        REQUESTED_WRITE_SYNC = "requested-write-sync",
        /// What is in a directory can be changed.
        MUTATE_DIRECTORY = "mutate-directory",
    }
}

flags! {
    /// `path-flags`.
    pub(crate) struct PathFlags {
        /// A symbolic link at the end is followed.
        SYMLINK_FOLLOW = "symlink-follow",
    }
}

flags! {
    /// `open-flags`.
    pub(crate) struct OpenFlags {
        /// A file is made where there is none.
        CREATE = "create",
        /// It has to be a directory.
        DIRECTORY = "directory",
        /// It must not be there yet.
        EXCLUSIVE = "exclusive",
        /// It is emptied.
        TRUNCATE = "truncate",
    }
}

record! {
    /// `descriptor-stat`.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct DescriptorStat {
        /// What it is.
        pub(crate) kind: DescriptorType = "type",
        /// Names that it has.
        pub(crate) links: u64 = "link-count",
        /// In bytes.
        pub(crate) size: u64 = "size",
        /// When it was last read.
        pub(crate) accessed: Option<Datetime> = "data-access-timestamp",
        /// When it was last written.
        pub(crate) modified: Option<Datetime> = "data-modification-timestamp",
        /// When its status last changed.
        pub(crate) changed: Option<Datetime> = "status-change-timestamp",
    }
}

impl DescriptorStat {
    pub(crate) fn of(stat: &Stat) -> Self {
        let time = |tv_sec: i64, nanoseconds: u64| {
            Some(Datetime::of(Timespec { tv_sec, tv_nsec: nanoseconds.cast_signed() }))
        };
        Self {
            kind: DescriptorType::of(FileType::from_raw_mode(stat.st_mode)),
            links: stat.st_nlink,
            size: stat.st_size.max(0).unsigned_abs(),
            accessed: time(stat.st_atime, stat.st_atime_nsec),
            modified: time(stat.st_mtime, stat.st_mtime_nsec),
            changed: time(stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

variant! {
    /// `new-timestamp`.
    #[derive(Debug, Clone, Copy)]
    pub(crate) enum NewTimestamp {
        /// It stays.
        NoChange = "no-change",
        /// The time of the call.
        Now = "now",
        /// This one.
        Timestamp(Datetime) = "timestamp",
    }
}

impl NewTimestamp {
    fn to_host(self) -> Result<Timespec, Errno> {
        match self {
            Self::NoChange => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }),
            Self::Now => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_NOW }),
            Self::Timestamp(Datetime { nanoseconds: 1_000_000_000.., .. }) => Err(Errno::Inval),
            Self::Timestamp(Datetime { seconds, nanoseconds }) => Ok(Timespec {
                tv_sec: i64::try_from(seconds).map_err(|_| Errno::Overflow)?,
                tv_nsec: nanoseconds.into(),
            }),
        }
    }
}

/// The times to set.
pub(crate) fn timestamps(accessed: NewTimestamp, modified: NewTimestamp) -> Result<Timestamps, Errno> {
    Ok(Timestamps { last_access: accessed.to_host()?, last_modification: modified.to_host()? })
}

record! {
    /// `directory-entry`.
    #[derive(Debug)]
    pub(crate) struct DirectoryEntry {
        /// What it is.
        pub(crate) kind: DescriptorType = "type",
        /// Its name.
        pub(crate) name: String = "name",
    }
}

record! {
    /// `metadata-hash-value`: what tells one file from all others.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct MetadataHash {
        /// One half.
        pub(crate) lower: u64 = "lower",
        /// The other half.
        pub(crate) upper: u64 = "upper",
    }
}

enumeration! {
    /// `advice`.
    pub(crate) enum Advice {
        /// None.
        Normal = "normal",
        /// From the front to the end.
        Sequential = "sequential",
        /// In no order.
        Random = "random",
        /// Soon.
        WillNeed = "will-need",
        /// Not soon.
        DontNeed = "dont-need",
        /// Once.
        NoReuse = "no-reuse",
    }
}

/// Defines the error codes, each with those of preview 1 that become it.
macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $wit:literal, $($errno:ident)|+;)+) => {
        enumeration! {
            /// `error-code`.
            #[derive(Debug, PartialEq, Eq)]
            pub(crate) enum ErrorCode {
                $($(#[$doc])* $name = $wit,)+
            }
        }

        impl ErrorCode {
            /// What an error is for a guest; none if it has no name here.
            pub(crate) fn named(error: Errno) -> Option<Self> {
                match error {
                    $($(Errno::$errno)|+ => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// The same; an error of input and output if it has no name here.
            pub(crate) fn of(error: Errno) -> Self {
                Self::named(error).unwrap_or(Self::Io)
            }
        }
    };
}

error_codes! {
    /// Permission denied.
    Access = "access", Access;
    /// Nothing to read or no room to write now.
    WouldBlock = "would-block", Again;
    /// In progress already.
    Already = "already", Already;
    /// Not open for this.
    BadDescriptor = "bad-descriptor", BadF;
    /// Busy.
    Busy = "busy", Busy;
    /// A deadlock would occur.
    Deadlock = "deadlock", Deadlk;
    /// Quota exceeded.
    Quota = "quota", DQuot;
    /// It exists.
    Exist = "exist", Exist;
    /// File too large.
    FileTooLarge = "file-too-large", FBig;
    /// A name is not UTF-8.
    IllegalByteSequence = "illegal-byte-sequence", IlSeq;
    /// In progress.
    InProgress = "in-progress", InProgress;
    /// Interrupted.
    Interrupted = "interrupted", Intr;
    /// Invalid argument.
    Invalid = "invalid", Inval;
    /// Input or output error.
    Io = "io", Io;
    /// Is a directory.
    IsDirectory = "is-directory", IsDir;
    /// Too many symbolic links, or one where none may be.
    Loop = "loop", Loop;
    /// Too many links.
    TooManyLinks = "too-many-links", MLink;
    /// Message too large.
    MessageSize = "message-size", MsgSize;
    /// Name too long.
    NameTooLong = "name-too-long", NameTooLong;
    /// No such device.
    NoDevice = "no-device", NoDev;
    /// No such file or directory.
    NoEntry = "no-entry", NoEnt;
    /// No locks.
    NoLock = "no-lock", NoLck;
    /// Not enough memory, or too many open files.
    InsufficientMemory = "insufficient-memory", NoMem | MFile | NFile;
    /// No space left.
    InsufficientSpace = "insufficient-space", NoSpc;
    /// Not a directory.
    NotDirectory = "not-directory", NotDir;
    /// Not empty.
    NotEmpty = "not-empty", NotEmpty;
    /// Not recoverable.
    NotRecoverable = "not-recoverable", NotRecoverable;
    /// Not supported.
    Unsupported = "unsupported", NotSup | NoSys;
    /// Not a terminal.
    NoTty = "no-tty", NoTty;
    /// No such device or address.
    NoSuchDevice = "no-such-device", NxIo;
    /// Value too large.
    Overflow = "overflow", Overflow;
    /// Not permitted, or a path leads out of its directory.
    NotPermitted = "not-permitted", Perm | NotCapable;
    /// Broken pipe.
    Pipe = "pipe", Pipe;
    /// Read-only.
    ReadOnly = "read-only", RoFs;
    /// Not seekable.
    InvalidSeek = "invalid-seek", SPipe;
    /// The file is being executed.
    TextFileBusy = "text-file-busy", TxtBsy;
    /// Across file systems.
    CrossDevice = "cross-device", XDev;
}
