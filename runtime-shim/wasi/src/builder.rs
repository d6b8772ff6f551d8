//! Says what instances get. Nothing is taken from the process unless it is asked for here.
//!
//! **Invariant.** Contexts built from one builder share what it holds and can change none of it; a builder
//! that is changed afterwards changes a copy.

use std::ffi::OsStr;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, FileType, Mode, OFlags};

use crate::ctx::WasiCtx;
use crate::entry::{Captured, Directory, Entry, Handle, Kind, Raises};
use crate::given::Given;
use crate::guest::ranges::MAX_TRANSFER;
use crate::types::{FdFlags, Rights};

/// Why a [`WasiCtxBuilder`] could not take something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WasiError {
    /// The directory to preopen cannot be opened.
    #[error("cannot open the directory {host:?} for the guest's {guest:?}")]
    Directory {
        /// Path of the directory on the host.
        host: PathBuf,
        /// The guest's name for it.
        guest: String,
        /// What the system said.
        source: io::Error,
    },
    /// The address to listen at cannot be used.
    #[error("cannot listen at `{address}`")]
    Listen {
        /// The address to listen at.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Says what an instance gets. It starts with nothing at all.
///
/// ```no_run
/// use wasmaot_wasi::WasiCtxBuilder;
///
/// let mut builder = WasiCtxBuilder::new();
/// builder.args(["program", "--help"]).env("LANG", "C").inherit_stdio().preopen_dir(".", "/")?;
/// let one = builder.build();
/// let another = builder.build();
/// # Ok::<(), wasmaot_wasi::WasiError>(())
/// ```
///
/// A host that gives every request an instance keeps the builder and builds a context for each, which costs
/// next to nothing. Its input and output need no files:
///
/// ```
/// use wasmaot_wasi::WasiCtxBuilder;
///
/// let mut builder = WasiCtxBuilder::new();
/// builder.stdin_bytes(*b"").capture_stdout(1 << 20);
/// let mut ctx = builder.build();
/// ctx.set_stdin_bytes(*b"the request");
/// // ... the instance runs with `ctx` as its data ...
/// let answer: Vec<u8> = ctx.take_stdout();
/// # assert_eq!(answer, b"");
/// ```
#[derive(Debug, Clone, Default)]
pub struct WasiCtxBuilder {
    given: Arc<Given>,
}

impl WasiCtxBuilder {
    /// A builder for an instance that gets nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is given, to be changed: a copy if contexts refer to it.
    fn given(&mut self) -> &mut Given {
        Arc::make_mut(&mut self.given)
    }

    /// Appends arguments of the program. The first of all is the program's name.
    pub fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        let strings = &mut self.given().args;
        for arg in args {
            strings.push(&[arg.as_ref()]);
        }
        self
    }

    /// Adds a variable to the environment.
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.given().env.push(&[name.as_ref(), OsStr::new("="), value.as_ref()]);
        self
    }

    /// Adds all variables of this process's environment.
    pub fn inherit_env(&mut self) -> &mut Self {
        for (name, value) in std::env::vars_os() {
            self.env(name, value);
        }
        self
    }

    /// Gives the guest the three standard streams of this process.
    pub fn inherit_stdio(&mut self) -> &mut Self {
        self.inherit_stdin().inherit_stdout().inherit_stderr()
    }

    /// Gives the guest this process's standard input.
    pub fn inherit_stdin(&mut self) -> &mut Self {
        self.stream(0, Handle::Inherited(rustix::stdio::stdin()))
    }

    /// Gives the guest this process's standard output.
    pub fn inherit_stdout(&mut self) -> &mut Self {
        self.stream(1, Handle::Inherited(rustix::stdio::stdout()))
    }

    /// Gives the guest this process's standard error.
    pub fn inherit_stderr(&mut self) -> &mut Self {
        self.stream(2, Handle::Inherited(rustix::stdio::stderr()))
    }

    /// Makes a file, pipe or socket the guest's standard input. Contexts of this builder share its position.
    pub fn stdin(&mut self, file: impl Into<OwnedFd>) -> &mut Self {
        self.stream(0, Handle::Shared(Arc::new(file.into())))
    }

    /// Makes a file, pipe or socket the guest's standard output.
    pub fn stdout(&mut self, file: impl Into<OwnedFd>) -> &mut Self {
        self.stream(1, Handle::Shared(Arc::new(file.into())))
    }

    /// Makes a file, pipe or socket the guest's standard error.
    pub fn stderr(&mut self, file: impl Into<OwnedFd>) -> &mut Self {
        self.stream(2, Handle::Shared(Arc::new(file.into())))
    }

    /// Makes `bytes` the guest's standard input. Each context reads them from the start, or
    /// [others of its own](WasiCtx::set_stdin_bytes).
    pub fn stdin_bytes(&mut self, bytes: impl Into<Arc<[u8]>>) -> &mut Self {
        self.given().input = bytes.into();
        self.stream(0, Handle::Input)
    }

    /// Collects the guest's standard output in the context, see [`WasiCtx::stdout`]. Of more than `limit`
    /// bytes the guest learns that no space is left, and the host by [`WasiCtx::stdout_overflowed`].
    pub fn capture_stdout(&mut self, limit: usize) -> &mut Self {
        self.capture(1, Captured::Stdout, limit)
    }

    /// The same for standard error, see [`WasiCtx::stderr`].
    pub fn capture_stderr(&mut self, limit: usize) -> &mut Self {
        self.capture(2, Captured::Stderr, limit)
    }

    fn capture(&mut self, number: usize, output: Captured, limit: usize) -> &mut Self {
        self.given().capture_limits[output as usize] = limit;
        self.stream(number, Handle::Captured(output))
    }

    fn stream(&mut self, number: usize, handle: Handle) -> &mut Self {
        let rights = if number == 0 { Rights::STREAM_IN } else { Rights::STREAM_OUT };
        self.given().entries[number] = Some(stream_entry(handle, rights, Rights::empty()));
        self
    }

    /// Gives the guest the directory `host` and all beneath it, under the name `guest`.
    ///
    /// # Errors
    ///
    /// [`WasiError::Directory`] when it cannot be opened.
    pub fn preopen_dir(
        &mut self,
        host: impl AsRef<Path>,
        guest: impl Into<String>,
    ) -> Result<&mut Self, WasiError> {
        self.directory(host.as_ref(), guest.into(), false)
    }

    /// As [`WasiCtxBuilder::preopen_dir`], for the guest to read only: what would change something is refused
    /// as on a file system that is mounted so.
    ///
    /// # Errors
    ///
    /// [`WasiError::Directory`] when it cannot be opened.
    pub fn preopen_dir_read_only(
        &mut self,
        host: impl AsRef<Path>,
        guest: impl Into<String>,
    ) -> Result<&mut Self, WasiError> {
        self.directory(host.as_ref(), guest.into(), true)
    }

    fn directory(&mut self, host: &Path, guest: String, read_only: bool) -> Result<&mut Self, WasiError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(CWD, host, flags, Mode::empty());
        let fd = opened.map_err(|error| WasiError::Directory {
            host: host.to_path_buf(),
            guest: guest.clone(),
            source: error.into(),
        })?;
        let entry = Entry {
            handle: Handle::Shared(Arc::new(fd)),
            kind: Kind::Directory(Directory { preopened_as: Some(guest.into()) }),
            rights: Rights::DIRECTORY,
            inheriting: Rights::DIRECTORY | Rights::FILE,
            read_only,
            flags: FdFlags::empty(),
        };
        let given = self.given();
        given.entries.insert(given.listeners_from, Some(entry));
        given.listeners_from += 1;
        Ok(self)
    }

    /// Gives the guest a listening socket. It comes after the directories: guests look for those from
    /// descriptor 3 on, and stop at the first that is none.
    pub fn preopen_listener(&mut self, socket: impl Into<OwnedFd>) -> &mut Self {
        let handle = Handle::Shared(Arc::new(socket.into()));
        self.given().entries.push(Some(stream_entry(handle, Rights::LISTENER, Rights::CONNECTION)));
        self
    }

    /// Gives the guest a socket that listens at a TCP address, as [`WasiCtxBuilder::preopen_listener`] does.
    /// Gives the address with its port, which the system chooses for port 0.
    ///
    /// # Errors
    ///
    /// [`WasiError::Listen`] when the address cannot be used.
    pub fn listen(&mut self, address: SocketAddr) -> Result<SocketAddr, WasiError> {
        let bound = TcpListener::bind(address).and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (local, socket) = bound.map_err(|source| WasiError::Listen { address, source })?;
        self.preopen_listener(socket);
        Ok(local)
    }

    /// How many descriptors the guest may have open, the given ones included (128 unless set).
    pub fn max_descriptors(&mut self, count: usize) -> &mut Self {
        self.given().max_descriptors = count;
        self
    }

    /// How many bytes one call of the guest transfers, in all of the ranges that it lists: 2,147,479,552
    /// unless set, which is the kernel's limit, and at most; 1 at least. The rest is left for the guest's
    /// next call, as POSIX allows; of a message it is lost.
    pub fn max_transfer(&mut self, bytes: u64) -> &mut Self {
        self.given().max_transfer = bytes.clamp(1, MAX_TRANSFER);
        self
    }

    /// A context for one instance. It costs the counting of one reference.
    #[must_use]
    pub fn build(&self) -> WasiCtx {
        WasiCtx::new(Arc::clone(&self.given))
    }
}

fn stream_entry(handle: Handle, rights: Rights, inheriting: Rights) -> Entry {
    let mut entry = Entry {
        handle,
        kind: Kind::Stream { raises: Raises::Nothing },
        rights,
        inheriting,
        read_only: false,
        flags: FdFlags::empty(),
    };
    entry.kind = Kind::Stream { raises: entry.host().map_or(Raises::Nothing, raised_by) };
    entry
}

/// What writing to a descriptor may raise.
fn raised_by(fd: BorrowedFd<'_>) -> Raises {
    // Of what cannot tell, the worst is assumed.
    rustix::fs::fstat(fd.as_fd()).map_or(Raises::Broken, |stat| raises(FileType::from_raw_mode(stat.st_mode)))
}

/// What writing to a file of this type may raise.
pub(crate) fn raises(kind: FileType) -> Raises {
    match kind {
        FileType::Fifo | FileType::Socket => Raises::Broken,
        FileType::RegularFile => Raises::TooLarge,
        _ => Raises::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;

    #[test]
    fn nothing_is_given_by_default() {
        let ctx = WasiCtxBuilder::new().build();
        let given = ctx.table.given();
        assert!(given.args.starts.is_empty() && given.env.starts.is_empty());
        assert!((0..10).all(|fd| matches!(ctx.table.entry(fd), Err(Errno::BadF))));
    }

    #[test]
    fn a_context_keeps_what_its_builder_had() {
        let mut builder = WasiCtxBuilder::new();
        let before = builder.args(["a"]).build();
        let after = builder.args(["b"]).build();
        assert_eq!(before.table.given().args.bytes, b"a\0");
        assert_eq!(after.table.given().args.bytes, b"a\0b\0");
    }

    #[test]
    fn a_missing_directory_is_named() {
        let mut builder = WasiCtxBuilder::new();
        let error = builder.preopen_dir("/no/such/directory", "/data").expect_err("missing");
        let text = error.to_string();
        assert!(text.contains("/no/such/directory") && text.contains("/data"), "{text}");
    }

    #[test]
    fn listeners_come_after_directories() {
        let mut builder = WasiCtxBuilder::new();
        let address = builder.listen(([127, 0, 0, 1], 0).into()).expect("a loopback port");
        assert_ne!(address.port(), 0);
        builder.preopen_dir("/", "/").expect("/ opens");
        let ctx = builder.build();
        assert!(ctx.table.entry(3).expect("open").directory().is_some());
        assert!(ctx.table.entry(4).expect("open").directory().is_none());
    }

    #[test]
    fn an_address_that_cannot_be_used_is_named() {
        // Set aside for documentation: no machine has it.
        let address = "192.0.2.1:80".parse().expect("an address");
        let error = WasiCtxBuilder::new().listen(address).expect_err("another machine's");
        assert!(error.to_string().contains("192.0.2.1:80"), "{error}");
    }
}
