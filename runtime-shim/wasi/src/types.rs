//! The records and flags of WASI preview 1, each with its byte layout beside it.
//!
//! **Invariant.** Layouts are the `wasm32` ones of `wasi_snapshot_preview1`: little-endian, naturally
//! aligned, padding written as zero, so that no byte of the host shows through.

use bitflags::bitflags;
use rustix::fs::{FileType as HostFileType, Stat};

use crate::errno::Errno;

/// Parses small flag sets, refusing bits that have no meaning.
macro_rules! parse {
    ($($name:ident: $repr:ty),*) => {$(
        impl $name {
            pub(crate) fn parse(bits: u32) -> Result<Self, Errno> {
                <$repr>::try_from(bits).ok().and_then(Self::from_bits).ok_or(Errno::Inval)
            }
        }
    )*};
}

bitflags! {
    /// What may be done with a descriptor.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(crate) struct Rights: u64 {
        const FD_DATASYNC = 1 << 0;
        const FD_READ = 1 << 1;
        const FD_SEEK = 1 << 2;
        const FD_FDSTAT_SET_FLAGS = 1 << 3;
        const FD_SYNC = 1 << 4;
        const FD_TELL = 1 << 5;
        const FD_WRITE = 1 << 6;
        const FD_ADVISE = 1 << 7;
        const FD_ALLOCATE = 1 << 8;
        const PATH_CREATE_DIRECTORY = 1 << 9;
        const PATH_CREATE_FILE = 1 << 10;
        const PATH_LINK_SOURCE = 1 << 11;
        const PATH_LINK_TARGET = 1 << 12;
        const PATH_OPEN = 1 << 13;
        const FD_READDIR = 1 << 14;
        const PATH_READLINK = 1 << 15;
        const PATH_RENAME_SOURCE = 1 << 16;
        const PATH_RENAME_TARGET = 1 << 17;
        const PATH_FILESTAT_GET = 1 << 18;
        const PATH_FILESTAT_SET_SIZE = 1 << 19;
        const PATH_FILESTAT_SET_TIMES = 1 << 20;
        const FD_FILESTAT_GET = 1 << 21;
        const FD_FILESTAT_SET_SIZE = 1 << 22;
        const FD_FILESTAT_SET_TIMES = 1 << 23;
        const PATH_SYMLINK = 1 << 24;
        const PATH_REMOVE_DIRECTORY = 1 << 25;
        const PATH_UNLINK_FILE = 1 << 26;
        const POLL_FD_READWRITE = 1 << 27;
        const SOCK_SHUTDOWN = 1 << 28;
        const SOCK_ACCEPT = 1 << 29;
    }
}

bitflags! {
    /// How a descriptor reads and writes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(crate) struct FdFlags: u16 {
        const APPEND = 1 << 0;
        const DSYNC = 1 << 1;
        const NONBLOCK = 1 << 2;
        const RSYNC = 1 << 3;
        const SYNC = 1 << 4;
    }
}

bitflags! {
    /// How `path_open` opens.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(crate) struct OpenFlags: u16 {
        const CREAT = 1 << 0;
        const DIRECTORY = 1 << 1;
        const EXCL = 1 << 2;
        const TRUNC = 1 << 3;
    }
}

bitflags! {
    /// How a path is looked up.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(crate) struct LookupFlags: u32 {
        const SYMLINK_FOLLOW = 1 << 0;
    }
}

bitflags! {
    /// Which times a call sets, and to what.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(crate) struct TimeFlags: u16 {
        const ATIM = 1 << 0;
        const ATIM_NOW = 1 << 1;
        const MTIM = 1 << 2;
        const MTIM_NOW = 1 << 3;
    }
}

bitflags! {
    /// What `poll_oneoff` says about a ready descriptor.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(crate) struct EventFlags: u16 {
        const HANGUP = 1 << 0;
    }
}

bitflags! {
    /// Flags of `sock_recv`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(crate) struct ReceiveFlags: u16 {
        const PEEK = 1 << 0;
        const WAITALL = 1 << 1;
    }
}

bitflags! {
    /// Which directions `sock_shutdown` closes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(crate) struct ShutdownFlags: u8 {
        const RD = 1 << 0;
        const WR = 1 << 1;
    }
}

parse!(FdFlags: u16, OpenFlags: u16, LookupFlags: u32, TimeFlags: u16, ReceiveFlags: u16, ShutdownFlags: u8);

impl Rights {
    /// Rights as the guest passes them. Unknown bits stay: nothing holds them, so asking for one fails.
    pub(crate) const fn from_guest(bits: u64) -> Self {
        Self::from_bits_retain(bits)
    }

    /// All that makes sense for a directory.
    pub(crate) const DIRECTORY: Self = Self::FD_FDSTAT_SET_FLAGS
        .union(Self::FD_SYNC)
        .union(Self::FD_DATASYNC)
        .union(Self::FD_ADVISE)
        .union(Self::PATH_CREATE_DIRECTORY)
        .union(Self::PATH_CREATE_FILE)
        .union(Self::PATH_LINK_SOURCE)
        .union(Self::PATH_LINK_TARGET)
        .union(Self::PATH_OPEN)
        .union(Self::FD_READDIR)
        .union(Self::PATH_READLINK)
        .union(Self::PATH_RENAME_SOURCE)
        .union(Self::PATH_RENAME_TARGET)
        .union(Self::PATH_FILESTAT_GET)
        .union(Self::PATH_FILESTAT_SET_SIZE)
        .union(Self::PATH_FILESTAT_SET_TIMES)
        .union(Self::FD_FILESTAT_GET)
        .union(Self::FD_FILESTAT_SET_TIMES)
        .union(Self::PATH_SYMLINK)
        .union(Self::PATH_REMOVE_DIRECTORY)
        .union(Self::PATH_UNLINK_FILE)
        .union(Self::POLL_FD_READWRITE);

    /// All that makes sense for anything else that `path_open` opens.
    pub(crate) const FILE: Self = Self::FD_DATASYNC
        .union(Self::FD_READ)
        .union(Self::FD_SEEK)
        .union(Self::FD_FDSTAT_SET_FLAGS)
        .union(Self::FD_SYNC)
        .union(Self::FD_TELL)
        .union(Self::FD_WRITE)
        .union(Self::FD_ADVISE)
        .union(Self::FD_ALLOCATE)
        .union(Self::FD_FILESTAT_GET)
        .union(Self::FD_FILESTAT_SET_SIZE)
        .union(Self::FD_FILESTAT_SET_TIMES)
        .union(Self::POLL_FD_READWRITE);

    /// Rights that require the file to be open for writing.
    pub(crate) const WRITES: Self = Self::FD_WRITE.union(Self::FD_ALLOCATE).union(Self::FD_FILESTAT_SET_SIZE);

    /// Rights that modify something, removed from read-only directories. (Creating a file is refused only if
    /// no file of that name exists.)
    pub(crate) const CHANGES: Self = Self::WRITES
        .union(Self::FD_FILESTAT_SET_TIMES)
        .union(Self::PATH_CREATE_DIRECTORY)
        .union(Self::PATH_LINK_SOURCE)
        .union(Self::PATH_LINK_TARGET)
        .union(Self::PATH_RENAME_SOURCE)
        .union(Self::PATH_RENAME_TARGET)
        .union(Self::PATH_FILESTAT_SET_SIZE)
        .union(Self::PATH_FILESTAT_SET_TIMES)
        .union(Self::PATH_SYMLINK)
        .union(Self::PATH_REMOVE_DIRECTORY)
        .union(Self::PATH_UNLINK_FILE);

    /// Rights of every standard stream, in addition to [`Rights::FD_READ`] or the writing rights.
    const STREAM: Self = Self::FD_SEEK
        .union(Self::FD_TELL)
        .union(Self::FD_FDSTAT_SET_FLAGS)
        .union(Self::FD_FILESTAT_GET)
        .union(Self::FD_ADVISE)
        .union(Self::POLL_FD_READWRITE)
        .union(Self::SOCK_SHUTDOWN);

    /// Standard input.
    pub(crate) const STREAM_IN: Self = Self::STREAM.union(Self::FD_READ);

    /// Standard output and error.
    pub(crate) const STREAM_OUT: Self = Self::STREAM
        .union(Self::FD_WRITE)
        .union(Self::FD_SYNC)
        .union(Self::FD_DATASYNC)
        .union(Self::FD_ALLOCATE)
        .union(Self::FD_FILESTAT_SET_SIZE);

    /// A connected socket.
    pub(crate) const CONNECTION: Self = Self::FD_READ
        .union(Self::FD_WRITE)
        .union(Self::FD_FDSTAT_SET_FLAGS)
        .union(Self::FD_FILESTAT_GET)
        .union(Self::POLL_FD_READWRITE)
        .union(Self::SOCK_SHUTDOWN);

    /// A listening socket.
    pub(crate) const LISTENER: Self = Self::FD_FDSTAT_SET_FLAGS
        .union(Self::FD_FILESTAT_GET)
        .union(Self::FD_READ)
        .union(Self::POLL_FD_READWRITE)
        .union(Self::SOCK_ACCEPT);
}

/// What kind of thing a descriptor or a directory entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FileType {
    Unknown = 0,
    BlockDevice = 1,
    CharacterDevice = 2,
    Directory = 3,
    RegularFile = 4,
    SocketDgram = 5,
    SocketStream = 6,
    SymbolicLink = 7,
}

impl FileType {
    /// WASI has no name for a pipe. A socket is a stream until its descriptor says otherwise.
    pub(crate) fn from_host(kind: HostFileType) -> Self {
        match kind {
            HostFileType::RegularFile => Self::RegularFile,
            HostFileType::Directory => Self::Directory,
            HostFileType::Symlink => Self::SymbolicLink,
            HostFileType::CharacterDevice => Self::CharacterDevice,
            HostFileType::BlockDevice => Self::BlockDevice,
            HostFileType::Socket => Self::SocketStream,
            HostFileType::Fifo | HostFileType::Unknown => Self::Unknown,
        }
    }
}

/// ```text
/// 0 filetype u8 | 2 flags u16 | 8 rights u64 | 16 inheriting u64
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FdStat {
    pub(crate) filetype: FileType,
    pub(crate) flags: FdFlags,
    pub(crate) rights: Rights,
    pub(crate) inheriting: Rights,
}

impl FdStat {
    pub(crate) const ALIGN: u32 = 8;

    pub(crate) fn encode(&self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[0] = self.filetype as u8;
        bytes[2..4].copy_from_slice(&self.flags.bits().to_le_bytes());
        bytes[8..16].copy_from_slice(&self.rights.bits().to_le_bytes());
        bytes[16..24].copy_from_slice(&self.inheriting.bits().to_le_bytes());
        bytes
    }
}

/// ```text
/// 0 dev u64 | 8 ino u64 | 16 filetype u8 | 24 nlink u64 | 32 size u64 | 40 atim | 48 mtim | 56 ctim
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStat {
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    pub(crate) filetype: FileType,
    pub(crate) nlink: u64,
    pub(crate) size: u64,
    pub(crate) atim: u64,
    pub(crate) mtim: u64,
    pub(crate) ctim: u64,
}

impl FileStat {
    pub(crate) const ALIGN: u32 = 8;

    /// A stream that is no file of the host's.
    pub(crate) const IN_MEMORY: Self =
        Self { dev: 0, ino: 0, filetype: FileType::Unknown, nlink: 1, size: 0, atim: 0, mtim: 0, ctim: 0 };

    pub(crate) fn from_host(stat: &Stat) -> Self {
        Self {
            dev: stat.st_dev,
            ino: stat.st_ino,
            filetype: FileType::from_host(HostFileType::from_raw_mode(stat.st_mode)),
            nlink: stat.st_nlink,
            size: stat.st_size.max(0).unsigned_abs(),
            atim: file_time(stat.st_atime, stat.st_atime_nsec),
            mtim: file_time(stat.st_mtime, stat.st_mtime_nsec),
            ctim: file_time(stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    pub(crate) fn encode(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[16] = self.filetype as u8;
        let fields = [
            (0, self.dev),
            (8, self.ino),
            (24, self.nlink),
            (32, self.size),
            (40, self.atim),
            (48, self.mtim),
            (56, self.ctim),
        ];
        for (offset, value) in fields {
            bytes[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }
}

/// Nanoseconds since 1970. WASI's times are unsigned: what came before is 0, what comes after 2554 the
/// last that can be said.
fn file_time(seconds: i64, nanoseconds: u64) -> u64 {
    match u64::try_from(seconds) {
        Ok(seconds) => seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds),
        Err(_) => 0,
    }
}

/// Head of a directory entry; the name follows without a terminator.
///
/// ```text
/// 0 next cookie u64 | 8 ino u64 | 16 name length u32 | 20 filetype u8
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dirent {
    pub(crate) next: u64,
    pub(crate) ino: u64,
    pub(crate) name_len: u32,
    pub(crate) filetype: FileType,
}

impl Dirent {
    pub(crate) fn encode(&self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[0..8].copy_from_slice(&self.next.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.ino.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.name_len.to_le_bytes());
        bytes[20] = self.filetype as u8;
        bytes
    }
}

/// A preopened directory, the only kind of preopen there is.
///
/// ```text
/// 0 tag u8 (0: directory) | 4 name length u32
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prestat {
    pub(crate) name_len: u32,
}

impl Prestat {
    pub(crate) const ALIGN: u32 = 4;

    pub(crate) fn encode(&self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[4..8].copy_from_slice(&self.name_len.to_le_bytes());
        bytes
    }
}

/// What a subscription waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Clock { id: u32, timeout: u64, absolute: bool },
    Read(u32),
    Write(u32),
}

/// One thing that `poll_oneoff` waits for.
///
/// ```text
/// 0 userdata u64 | 8 tag u8 | 16 clock id u32 | 24 timeout u64 | 32 precision u64 | 40 flags u16
///                           | 16 descriptor u32
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) userdata: u64,
    pub(crate) trigger: Trigger,
}

impl Subscription {
    pub(crate) const SIZE: u32 = 48;
    pub(crate) const ALIGN: u32 = 8;
    /// The tag of a clock.
    pub(crate) const CLOCK: u8 = EVENT_CLOCK;

    pub(crate) fn decode(bytes: &[u8; 48]) -> Result<Self, Errno> {
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        let trigger = match bytes[8] {
            EVENT_CLOCK => {
                let flags = u16::from_le_bytes([bytes[40], bytes[41]]);
                if flags & !1 != 0 {
                    return Err(Errno::Inval);
                }
                Trigger::Clock { id: u32_at(16), timeout: u64_at(24), absolute: flags & 1 != 0 }
            }
            EVENT_READ => Trigger::Read(u32_at(16)),
            EVENT_WRITE => Trigger::Write(u32_at(16)),
            _ => return Err(Errno::Inval),
        };
        Ok(Self { userdata: u64_at(0), trigger })
    }
}

const EVENT_CLOCK: u8 = 0;
const EVENT_READ: u8 = 1;
const EVENT_WRITE: u8 = 2;

/// One thing that happened.
///
/// ```text
/// 0 userdata u64 | 8 errno u16 | 10 tag u8 | 16 bytes u64 | 24 flags u16
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) subscription: Subscription,
    pub(crate) error: Option<Errno>,
    pub(crate) bytes: u64,
    pub(crate) flags: EventFlags,
}

impl Event {
    pub(crate) const SIZE: u32 = 32;
    pub(crate) const ALIGN: u32 = 8;

    pub(crate) fn encode(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[0..8].copy_from_slice(&self.subscription.userdata.to_le_bytes());
        bytes[8..10].copy_from_slice(&self.error.map_or(0, Errno::raw).to_le_bytes());
        bytes[10] = match self.subscription.trigger {
            Trigger::Clock { .. } => EVENT_CLOCK,
            Trigger::Read(_) => EVENT_READ,
            Trigger::Write(_) => EVENT_WRITE,
        };
        bytes[16..24].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[24..26].copy_from_slice(&self.flags.bits().to_le_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fdstat_layout() {
        let stat = FdStat {
            filetype: FileType::RegularFile,
            flags: FdFlags::APPEND | FdFlags::SYNC,
            rights: Rights::from_guest(0x0102_0304_0506_0708),
            inheriting: Rights::from_guest(9),
        };
        let bytes = stat.encode();
        assert_eq!(bytes[..8], [4, 0, 0x11, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[8..16], [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(bytes[16..], [9, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn filestat_layout() {
        let stat = FileStat {
            dev: 1,
            ino: 2,
            filetype: FileType::SymbolicLink,
            nlink: 3,
            size: 4,
            atim: 5,
            mtim: 6,
            ctim: 7,
        };
        let bytes = stat.encode();
        let expected = [(0, 1), (8, 2), (16, 7), (24, 3), (32, 4), (40, 5), (48, 6), (56, 7)];
        for (at, byte) in bytes.iter().enumerate() {
            let want = expected.iter().find(|(offset, _)| *offset == at).map_or(0, |(_, value)| *value);
            assert_eq!(*byte, want, "byte {at}");
        }
    }

    #[test]
    fn dirent_and_prestat_layout() {
        let dirent = Dirent { next: 1, ino: 2, name_len: 3, filetype: FileType::Directory };
        let mut expected = [0; 24];
        (expected[0], expected[8], expected[16], expected[20]) = (1, 2, 3, 3);
        assert_eq!(dirent.encode(), expected);
        assert_eq!(Prestat { name_len: 5 }.encode(), [0, 0, 0, 0, 5, 0, 0, 0]);
    }

    #[test]
    fn subscriptions_decode() {
        let mut bytes = [0; 48];
        bytes[0] = 7;
        (bytes[16], bytes[24], bytes[40]) = (1, 9, 1);
        let clock = Subscription::decode(&bytes).expect("a clock");
        assert_eq!(clock.userdata, 7);
        assert_eq!(clock.trigger, Trigger::Clock { id: 1, timeout: 9, absolute: true });
        bytes[8] = 2;
        assert_eq!(Subscription::decode(&bytes).expect("a write").trigger, Trigger::Write(1));
        bytes[8] = 3;
        assert_eq!(Subscription::decode(&bytes), Err(Errno::Inval));
        (bytes[8], bytes[40]) = (0, 2);
        assert_eq!(Subscription::decode(&bytes), Err(Errno::Inval));
    }

    #[test]
    fn event_layout() {
        let subscription = Subscription { userdata: 1, trigger: Trigger::Write(4) };
        let event = Event { subscription, error: Some(Errno::BadF), bytes: 5, flags: EventFlags::HANGUP };
        let bytes = event.encode();
        let mut expected = [0; 32];
        (expected[0], expected[8], expected[10], expected[16], expected[24]) = (1, 8, 2, 5, 1);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn flags_refuse_unknown_bits() {
        assert_eq!(FdFlags::parse(0x1f).map(|flags| flags.bits()), Ok(0x1f));
        assert_eq!(FdFlags::parse(0x20), Err(Errno::Inval));
        assert_eq!(OpenFlags::parse(0x1_0000), Err(Errno::Inval));
        assert_eq!(LookupFlags::parse(2), Err(Errno::Inval));
        assert_eq!(TimeFlags::parse(16), Err(Errno::Inval));
        assert_eq!(Rights::all().bits(), (1 << 30) - 1);
    }

    #[test]
    fn times_saturate() {
        assert_eq!(file_time(-1, 999_999_999), 0);
        assert_eq!(file_time(1, 2), 1_000_000_002);
        assert_eq!(file_time(i64::MAX, 0), u64::MAX);
    }
}
