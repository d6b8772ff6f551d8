//! What `wasi:filesystem/types` does to open files and directories.
//!
//! **Invariant: rights are checked before the system acts**, by the rules of preview 1: a descriptor is good
//! for what it was opened for, and beneath a directory that may only be read nothing changes.

use std::ffi::CString;
use std::hash::{DefaultHasher, Hasher};
use std::num::NonZeroU64;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, Stat};

use super::types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, MetadataHash, NewTimestamp,
    OpenFlags, PathFlags, timestamps,
};
use crate::builder::raises;
use crate::calls::fdstat::flags_to_host;
use crate::entry::{Directory, Entry, Kind};
use crate::errno::Errno;
use crate::p2::open::{Open, Permit, Permits};
use crate::p2::pipe::{PipeInput, PipeOutput};
use crate::p2::regular::{FileInput, FileOutput, Place, read_at, write_at};
use crate::p2::stream::{AT_ONCE, Input, Output};
use crate::path;
use crate::sys::signals::held_back;
use crate::sys::{again, go_on};
use crate::types::{FdFlags, Rights};

/// Bytes of the longest path that the kernel takes, and one more.
const MAX_PATH: usize = 4096;

/// The resource `descriptor`.
#[derive(Debug, Clone)]
pub(crate) struct Descriptor {
    pub(crate) open: Open,
    flags: DescriptorFlags,
}

/// A guest's path for the kernel.
fn to_host(path: &str) -> Result<CString, Errno> {
    if path.len() >= MAX_PATH {
        return Err(Errno::NameTooLong);
    }
    CString::new(path).map_err(|_| Errno::Inval)
}

fn follows(flags: PathFlags) -> bool {
    flags.contains(PathFlags::SYMLINK_FOLLOW)
}

impl Descriptor {
    /// A directory that the host gave.
    pub(crate) fn given(entry: &Entry) -> Self {
        let mutate =
            if entry.read_only { DescriptorFlags::empty() } else { DescriptorFlags::MUTATE_DIRECTORY };
        Self { open: Open::given(entry), flags: DescriptorFlags::READ.union(mutate) }
    }

    fn entry(&self) -> &Entry {
        &self.open.entry
    }

    fn host(&self) -> Result<BorrowedFd<'_>, Errno> {
        self.entry().fd(Errno::BadF)
    }

    /// The host's file, which is no directory and was opened for this.
    fn file(&self, rights: Rights) -> Result<BorrowedFd<'_>, Errno> {
        if self.entry().directory().is_some() {
            return Err(Errno::IsDir);
        }
        match self.entry().require(rights) {
            Err(Errno::NotCapable) => Err(Errno::BadF),
            result => {
                result?;
                self.host()
            }
        }
    }

    /// The host's directory, in which this may be done.
    fn directory(&self, rights: Rights) -> Result<BorrowedFd<'_>, Errno> {
        if self.entry().directory().is_none() {
            return Err(Errno::NotDir);
        }
        self.entry().require(rights)?;
        self.host()
    }

    /// Whether the file has positions, which pipes and terminals have not.
    fn has_positions(&self) -> Result<bool, Errno> {
        Ok(matches!(
            FileType::from_raw_mode(self.host_stat()?.st_mode),
            FileType::RegularFile | FileType::BlockDevice
        ))
    }

    fn host_stat(&self) -> Result<Stat, Errno> {
        Ok(rustix::fs::fstat(self.host()?)?)
    }

    pub(crate) fn read_via_stream(&self, offset: u64) -> Result<Input, Errno> {
        self.file(Rights::FD_READ)?;
        Ok(match self.has_positions()? {
            true => Input::file(FileInput::new(self.open.clone(), Some(offset))),
            false => Input::pipe(PipeInput::new(self.open.clone(), false)),
        })
    }

    pub(crate) fn write_via_stream(&self, offset: u64) -> Result<Output, Errno> {
        self.writing_stream(Place::At(offset))
    }

    pub(crate) fn append_via_stream(&self) -> Result<Output, Errno> {
        self.writing_stream(Place::End)
    }

    fn writing_stream(&self, to: Place) -> Result<Output, Errno> {
        self.file(Rights::FD_WRITE)?;
        Ok(match self.has_positions()? {
            true => Output::file(FileOutput::new(self.open.clone(), to)),
            false => Output::pipe(PipeOutput::new(self.open.clone(), false)),
        })
    }

    pub(crate) fn advise(&self, offset: u64, length: u64, advice: Advice) -> Result<(), Errno> {
        use rustix::fs::Advice as Host;
        let advice = match advice {
            Advice::Normal => Host::Normal,
            Advice::Sequential => Host::Sequential,
            Advice::Random => Host::Random,
            Advice::WillNeed => Host::WillNeed,
            Advice::DontNeed => Host::DontNeed,
            Advice::NoReuse => Host::NoReuse,
        };
        let file = self.file(Rights::FD_ADVISE)?;
        if offset > i64::MAX as u64 || length > i64::MAX as u64 {
            return Err(Errno::Inval);
        }
        Ok(rustix::fs::fadvise(file, offset, NonZeroU64::new(length), advice)?)
    }

    pub(crate) fn sync(&self, data_only: bool) -> Result<(), Errno> {
        self.entry().require(if data_only { Rights::FD_DATASYNC } else { Rights::FD_SYNC })?;
        let file = self.host()?;
        let sync = |file| if data_only { rustix::fs::fdatasync(file) } else { rustix::fs::fsync(file) };
        again(|| Ok(sync(file)?))
    }

    pub(crate) fn flags(&self) -> DescriptorFlags {
        self.flags
    }

    pub(crate) fn kind(&self) -> Result<DescriptorType, Errno> {
        Ok(DescriptorType::of(FileType::from_raw_mode(self.host_stat()?.st_mode)))
    }

    pub(crate) fn set_size(&self, size: u64) -> Result<(), Errno> {
        let file = self.file(Rights::FD_FILESTAT_SET_SIZE)?;
        held_back(|| again(|| Ok(rustix::fs::ftruncate(file, size)?)), |()| true)
    }

    pub(crate) fn set_times(&self, accessed: NewTimestamp, modified: NewTimestamp) -> Result<(), Errno> {
        let times = timestamps(accessed, modified)?;
        self.entry().require(Rights::FD_FILESTAT_SET_TIMES)?;
        Ok(rustix::fs::futimens(self.host()?, &times)?)
    }

    /// Reads at a position. The second value says whether the end of the file is there.
    pub(crate) fn read(&self, max: u64, offset: u64) -> Result<(Vec<u8>, bool), Errno> {
        self.file(Rights::FD_READ | Rights::FD_SEEK)?;
        let max = usize::try_from(max).unwrap_or(usize::MAX).min(AT_ONCE);
        let bytes = read_at(&self.open, max, offset)?;
        let is_end = bytes.is_empty() && max > 0;
        Ok((bytes, is_end))
    }

    pub(crate) fn write(&self, bytes: &[u8], offset: u64) -> Result<u64, Errno> {
        self.file(Rights::FD_WRITE | Rights::FD_SEEK)?;
        let mut written = 0;
        while written < bytes.len() {
            let piece = &bytes[written..bytes.len().min(written + AT_ONCE)];
            match write_at(&self.open, piece, offset.saturating_add(written as u64)) {
                Ok(count) => written += count,
                Err(_) if written > 0 => break,
                Err(error) => return Err(error),
            }
            go_on()?;
        }
        Ok(written as u64)
    }

    pub(crate) fn read_directory(&self, permits: &Permits) -> Result<Listing, Errno> {
        let directory = self.directory(Rights::FD_READDIR)?;
        let permit = permits.take()?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let own = rustix::fs::openat(directory, c".", flags, Mode::empty())?;
        Ok(Listing { entries: rustix::fs::Dir::new(own)?, _permit: permit })
    }

    pub(crate) fn stat(&self) -> Result<DescriptorStat, Errno> {
        self.entry().require(Rights::FD_FILESTAT_GET)?;
        Ok(DescriptorStat::of(&self.host_stat()?))
    }

    pub(crate) fn is_same(&self, other: &Self) -> Result<bool, Errno> {
        let (one, other) = (self.host_stat()?, other.host_stat()?);
        Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
    }

    pub(crate) fn metadata_hash(&self) -> Result<MetadataHash, Errno> {
        self.entry().require(Rights::FD_FILESTAT_GET)?;
        Ok(hash(&self.host_stat()?))
    }
}

/// What tells a file from all others. C libraries make the number of a file of it, which has to stay when its
/// content changes: so that is no part of it.
fn hash(stat: &Stat) -> MetadataHash {
    let half = |part: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(part);
        hasher.write_u64(stat.st_dev);
        hasher.write_u64(stat.st_ino);
        hasher.finish()
    };
    MetadataHash { lower: half(0), upper: half(1) }
}

/// The paths.
impl Descriptor {
    pub(crate) fn create_directory_at(&self, path: &str) -> Result<(), Errno> {
        path::create_directory(self.directory(Rights::PATH_CREATE_DIRECTORY)?, &to_host(path)?)
    }

    pub(crate) fn remove_directory_at(&self, path: &str) -> Result<(), Errno> {
        path::remove_directory(self.directory(Rights::PATH_REMOVE_DIRECTORY)?, &to_host(path)?)
    }

    pub(crate) fn unlink_file_at(&self, path: &str) -> Result<(), Errno> {
        path::unlink_file(self.directory(Rights::PATH_UNLINK_FILE)?, &to_host(path)?)
    }

    fn host_stat_at(&self, flags: PathFlags, path: &str) -> Result<Stat, Errno> {
        path::stat(self.directory(Rights::PATH_FILESTAT_GET)?, &to_host(path)?, follows(flags))
    }

    pub(crate) fn stat_at(&self, flags: PathFlags, path: &str) -> Result<DescriptorStat, Errno> {
        Ok(DescriptorStat::of(&self.host_stat_at(flags, path)?))
    }

    pub(crate) fn metadata_hash_at(&self, flags: PathFlags, path: &str) -> Result<MetadataHash, Errno> {
        Ok(hash(&self.host_stat_at(flags, path)?))
    }

    pub(crate) fn set_times_at(
        &self,
        flags: PathFlags,
        path: &str,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> Result<(), Errno> {
        let times = timestamps(accessed, modified)?;
        let directory = self.directory(Rights::PATH_FILESTAT_SET_TIMES)?;
        path::set_times(directory, &to_host(path)?, follows(flags), &times)
    }

    pub(crate) fn link_at(&self, flags: PathFlags, path: &str, to: &Self, new: &str) -> Result<(), Errno> {
        let from = self.directory(Rights::PATH_LINK_SOURCE)?;
        let to = to.directory(Rights::PATH_LINK_TARGET)?;
        path::link(from, &to_host(path)?, follows(flags), to, &to_host(new)?)
    }

    pub(crate) fn rename_at(&self, path: &str, to: &Self, new: &str) -> Result<(), Errno> {
        let from = self.directory(Rights::PATH_RENAME_SOURCE)?;
        let to = to.directory(Rights::PATH_RENAME_TARGET)?;
        path::rename(from, &to_host(path)?, to, &to_host(new)?)
    }

    pub(crate) fn symlink_at(&self, target: &str, path: &str) -> Result<(), Errno> {
        let directory = self.directory(Rights::PATH_SYMLINK)?;
        path::symlink(&to_host(target)?, directory, &to_host(path)?)
    }

    pub(crate) fn readlink_at(&self, path: &str) -> Result<String, Errno> {
        let target = path::read_link(self.directory(Rights::PATH_READLINK)?, &to_host(path)?)?;
        target.into_string().map_err(|_| Errno::IlSeq)
    }

    pub(crate) fn open_at(
        &self,
        permits: &Permits,
        path_flags: PathFlags,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Self, Errno> {
        let directory = self.directory(Rights::PATH_OPEN)?;
        let path = to_host(path)?;
        let makes = OpenFlags::CREATE.union(OpenFlags::EXCLUSIVE).union(OpenFlags::TRUNCATE);
        if open.contains(OpenFlags::DIRECTORY) && open.intersects(makes) {
            return Err(Errno::Inval);
        }
        let changes = flags.intersects(DescriptorFlags::WRITE.union(DescriptorFlags::MUTATE_DIRECTORY))
            || open.intersects(OpenFlags::CREATE.union(OpenFlags::TRUNCATE));
        if changes && self.entry().read_only {
            return Err(Errno::RoFs);
        }
        let permit = permits.take()?;
        let mode = match open.contains(OpenFlags::CREATE) {
            true => Mode::from_raw_mode(0o666),
            false => Mode::empty(),
        };
        let opened = path::open(directory, &path, open_flags(path_flags, open, flags), mode)?;
        self.opened(opened, permit, flags)
    }

    /// The descriptor of what was opened beneath this one.
    fn opened(&self, opened: OwnedFd, permit: Permit, flags: DescriptorFlags) -> Result<Self, Errno> {
        let mut open = match FileType::from_raw_mode(rustix::fs::fstat(&opened)?.st_mode) {
            FileType::Directory => {
                let kind = Kind::Directory(Directory::default());
                Open::owned(opened, permit, kind, Rights::DIRECTORY)
            }
            found => {
                let mut rights = Rights::FILE;
                if !flags.contains(DescriptorFlags::READ) {
                    rights -= Rights::FD_READ;
                }
                if !flags.contains(DescriptorFlags::WRITE) {
                    rights -= Rights::WRITES;
                }
                Open::owned(opened, permit, Kind::Stream { raises: raises(found) }, rights)
            }
        };
        let mutates = DescriptorFlags::MUTATE_DIRECTORY;
        if open.entry.directory().is_some() {
            open.entry.read_only = self.entry().read_only || !flags.contains(mutates);
            return Ok(Self { open, flags });
        }
        open.entry.read_only = self.entry().read_only;
        // C libraries ask for it before they know what they open. It is of no use for a file.
        Ok(Self { open, flags: flags.without(mutates) })
    }
}

/// How the system opens a file.
fn open_flags(path: PathFlags, open: OpenFlags, flags: DescriptorFlags) -> OFlags {
    let synchronised = [
        (DescriptorFlags::FILE_INTEGRITY_SYNC, FdFlags::SYNC),
        (DescriptorFlags::DATA_INTEGRITY_SYNC, FdFlags::DSYNC),
        (DescriptorFlags::REQUESTED_WRITE_SYNC, FdFlags::RSYNC),
    ];
    let synchronised = synchronised.into_iter().filter(|(flag, _)| flags.contains(*flag));
    let mut host = flags_to_host(synchronised.map(|(_, flag)| flag).collect());
    host |= match (flags.contains(DescriptorFlags::READ), flags.contains(DescriptorFlags::WRITE)) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        (_, false) => OFlags::RDONLY,
    };
    if !follows(path) {
        host |= OFlags::NOFOLLOW;
    }
    let pairs = [
        (OpenFlags::CREATE, OFlags::CREATE),
        (OpenFlags::DIRECTORY, OFlags::DIRECTORY),
        (OpenFlags::EXCLUSIVE, OFlags::EXCL),
        (OpenFlags::TRUNCATE, OFlags::TRUNC),
    ];
    let set = pairs.into_iter().filter(|(flag, _)| open.contains(*flag));
    set.fold(host, |host, (_, flag)| host | flag)
}

/// The resource `directory-entry-stream`.
pub(crate) struct Listing {
    entries: rustix::fs::Dir,
    _permit: Permit,
}

impl Listing {
    /// Returns the next entry, apart from the directory itself and its parent.
    pub(crate) fn next(&mut self) -> Result<Option<DirectoryEntry>, Errno> {
        loop {
            let Some(entry) = self.entries.read() else { return Ok(None) };
            let entry = entry?;
            if matches!(entry.file_name().to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not say.
                FileType::Unknown => {
                    let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
                    let stat = rustix::fs::statat(self.entries.fd()?, entry.file_name(), flags);
                    stat.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
                }
                known => known,
            };
            let name = entry.file_name().to_str().map_err(|_| Errno::IlSeq)?.to_string();
            return Ok(Some(DirectoryEntry { kind: DescriptorType::of(kind), name }));
        }
    }
}
