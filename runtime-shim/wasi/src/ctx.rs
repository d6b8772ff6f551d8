//! What one instance was given: arguments, environment, streams, directories. Nothing else exists for it.
//!
//! **Invariant.** A [`WasiCtx`] holds only what its [`WasiCtxBuilder`] was told; nothing is taken from the
//! process by default. Contexts built from one builder share no state that a guest can change: they share
//! host descriptors, whose position and flags stay untouched (see [`crate::fdtable`]), and text.
//!
//! A context is cheap: [`WasiCtxBuilder::build`] copies a few references and opens nothing, so that one
//! builder can serve a context to every request.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags};

use crate::fdtable::{Directory, Entry, FIRST_FREE, FdTable, Handle, Kind};
use crate::types::{FdFlags, Rights};

/// Descriptors that an instance may have open at once, unless the builder says otherwise.
const DEFAULT_MAX_DESCRIPTORS: usize = 1024;

/// Why a [`WasiCtxBuilder`] could not take something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WasiError {
    /// The directory to preopen cannot be opened.
    #[error("cannot open the directory {host:?} for the guest's {guest:?}")]
    Directory {
        /// The host's path.
        host: PathBuf,
        /// The guest's name for it.
        guest: String,
        /// What the system said.
        source: io::Error,
    },
}

/// The state of WASI for one instance.
#[derive(Debug)]
pub struct WasiCtx {
    pub(crate) args: Arc<Strings>,
    pub(crate) env: Arc<Strings>,
    pub(crate) table: FdTable,
}

/// Strings laid out as the guest wants them: each with a NUL, one after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strings {
    pub(crate) bytes: Vec<u8>,
    pub(crate) starts: Vec<usize>,
}

impl Strings {
    fn push(&mut self, parts: &[&OsStr]) {
        self.starts.push(self.bytes.len());
        for part in parts {
            self.bytes.extend_from_slice(part.as_bytes());
        }
        self.bytes.push(0);
    }
}

/// A descriptor that the host gives.
#[derive(Debug, Clone)]
enum Given {
    Shared(Arc<OwnedFd>),
    Inherited(BorrowedFd<'static>),
}

impl Given {
    fn handle(&self) -> Handle {
        match self {
            Self::Shared(fd) => Handle::Shared(Arc::clone(fd)),
            Self::Inherited(fd) => Handle::Inherited(*fd),
        }
    }
}

#[derive(Debug, Clone)]
struct Preopen {
    directory: Arc<OwnedFd>,
    guest: Arc<str>,
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
#[derive(Debug, Clone)]
pub struct WasiCtxBuilder {
    args: Arc<Strings>,
    env: Arc<Strings>,
    streams: [Option<Given>; FIRST_FREE],
    preopens: Vec<Preopen>,
    sockets: Vec<Arc<OwnedFd>>,
    max_descriptors: usize,
}

impl Default for WasiCtxBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl WasiCtxBuilder {
    /// A builder for an instance that gets nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            args: Arc::default(),
            env: Arc::default(),
            streams: [const { None }; FIRST_FREE],
            preopens: Vec::new(),
            sockets: Vec::new(),
            max_descriptors: DEFAULT_MAX_DESCRIPTORS,
        }
    }

    /// Adds arguments. The first of all is the program's name.
    pub fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        let strings = Arc::make_mut(&mut self.args);
        for arg in args {
            strings.push(&[arg.as_ref()]);
        }
        self
    }

    /// Adds a variable to the environment.
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        Arc::make_mut(&mut self.env).push(&[name.as_ref(), OsStr::new("="), value.as_ref()]);
        self
    }

    /// Gives the guest the three standard streams of this process.
    pub fn inherit_stdio(&mut self) -> &mut Self {
        self.inherit_stdin().inherit_stdout().inherit_stderr()
    }

    /// Gives the guest this process's standard input.
    pub fn inherit_stdin(&mut self) -> &mut Self {
        self.stream(0, Given::Inherited(rustix::stdio::stdin()))
    }

    /// Gives the guest this process's standard output.
    pub fn inherit_stdout(&mut self) -> &mut Self {
        self.stream(1, Given::Inherited(rustix::stdio::stdout()))
    }

    /// Gives the guest this process's standard error.
    pub fn inherit_stderr(&mut self) -> &mut Self {
        self.stream(2, Given::Inherited(rustix::stdio::stderr()))
    }

    /// Makes a file, pipe or socket the guest's standard input.
    pub fn stdin(&mut self, file: impl Into<OwnedFd>) -> &mut Self {
        self.stream(0, Given::Shared(Arc::new(file.into())))
    }

    /// Makes a file, pipe or socket the guest's standard output.
    pub fn stdout(&mut self, file: impl Into<OwnedFd>) -> &mut Self {
        self.stream(1, Given::Shared(Arc::new(file.into())))
    }

    /// Makes a file, pipe or socket the guest's standard error.
    pub fn stderr(&mut self, file: impl Into<OwnedFd>) -> &mut Self {
        self.stream(2, Given::Shared(Arc::new(file.into())))
    }

    fn stream(&mut self, number: usize, given: Given) -> &mut Self {
        self.streams[number] = Some(given);
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
        let (host, guest) = (host.as_ref(), guest.into());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(CWD, host, flags, Mode::empty()).map_err(|error| {
            WasiError::Directory { host: host.to_path_buf(), guest: guest.clone(), source: error.into() }
        })?;
        self.preopens.push(Preopen { directory: Arc::new(directory), guest: guest.into() });
        Ok(self)
    }

    /// Gives the guest a listening socket. It comes after the directories: guests look for those from
    /// descriptor 3 on, and stop at the first that is none.
    pub fn preopen_listener(&mut self, socket: impl Into<OwnedFd>) -> &mut Self {
        self.sockets.push(Arc::new(socket.into()));
        self
    }

    /// How many descriptors the guest may have open, the given ones included (1024 unless set).
    pub fn max_descriptors(&mut self, count: usize) -> &mut Self {
        self.max_descriptors = count;
        self
    }

    /// A context for one instance.
    #[must_use]
    pub fn build(&self) -> WasiCtx {
        let mut entries = Vec::with_capacity(FIRST_FREE + self.preopens.len() + self.sockets.len() + 1);
        let rights = [Rights::STREAM_IN, Rights::STREAM_OUT, Rights::STREAM_OUT];
        for (stream, rights) in self.streams.iter().zip(rights) {
            entries.push(stream.as_ref().map(|given| stream_entry(given.handle(), rights, Rights::empty())));
        }
        entries.extend(self.preopens.iter().map(|preopen| Some(preopen.entry())));
        for socket in &self.sockets {
            let handle = Handle::Shared(Arc::clone(socket));
            entries.push(Some(stream_entry(handle, Rights::LISTENER, Rights::CONNECTION)));
        }
        let table = FdTable::new(entries, self.max_descriptors);
        WasiCtx { args: Arc::clone(&self.args), env: Arc::clone(&self.env), table }
    }
}

impl Preopen {
    fn entry(&self) -> Entry {
        let directory = Directory { preopened_as: Some(Arc::clone(&self.guest)), listing: None };
        Entry {
            handle: Handle::Shared(Arc::clone(&self.directory)),
            kind: Kind::Directory(directory),
            rights: Rights::DIRECTORY,
            inheriting: Rights::DIRECTORY | Rights::FILE,
            flags: FdFlags::empty(),
        }
    }
}

fn stream_entry(handle: Handle, rights: Rights, inheriting: Rights) -> Entry {
    Entry { handle, kind: Kind::Stream, rights, inheriting, flags: FdFlags::empty() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;

    #[test]
    fn nothing_is_given_by_default() {
        let ctx = WasiCtxBuilder::new().build();
        assert!(ctx.args.starts.is_empty() && ctx.env.starts.is_empty());
        assert!((0..10).all(|fd| matches!(ctx.table.entry(fd), Err(Errno::BadF))));
    }

    #[test]
    fn strings_are_laid_out_with_terminators() {
        let mut builder = WasiCtxBuilder::new();
        builder.args(["a", "bc"]).args([""]).env("K", "V=W");
        let ctx = builder.build();
        assert_eq!(
            (ctx.args.bytes.as_slice(), ctx.args.starts.as_slice()),
            (&b"a\0bc\0\0"[..], &[0, 2, 5][..])
        );
        assert_eq!(ctx.env.bytes, b"K=V=W\0");
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
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        builder.preopen_listener(listener).preopen_dir("/", "/").expect("/ opens");
        let ctx = builder.build();
        assert!(ctx.table.entry(3).expect("open").directory().is_some());
        assert!(ctx.table.entry(4).expect("open").directory().is_none());
    }
}
