//! Runs the command in a directory of its own, with a cache of its own, and compares what came out.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::PipeWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a run left: its status and its two streams.
#[derive(Debug)]
pub(crate) struct Run {
    /// Exit status. A signal is a failure of the test.
    pub(crate) status: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Run {
    /// Asserts the exit status.
    #[track_caller]
    pub(crate) fn status(self, expected: i32) -> Self {
        assert_eq!(self.status, expected, "{self:#?}");
        self
    }

    /// Asserts all of standard output.
    #[track_caller]
    pub(crate) fn stdout(self, expected: &str) -> Self {
        assert_eq!(self.stdout, expected, "{self:#?}");
        self
    }

    /// Asserts that standard error has each of these in it.
    #[track_caller]
    pub(crate) fn stderr_has(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "no {part:?} in {self:#?}");
        }
        self
    }

    /// Asserts that nothing was written to standard error.
    #[track_caller]
    pub(crate) fn silent(self) -> Self {
        assert_eq!(self.stderr, "", "{self:#?}");
        self
    }
}

/// A directory that is gone at the end of the test.
pub(crate) struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory") }
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, contents).expect("a writable directory");
        path
    }

    /// The command, to be run here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.started(Path::new(env!("CARGO_BIN_EXE_wasmaot")), arguments)
    }

    /// A program, to be run here.
    pub(crate) fn started(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("XDG_CACHE_HOME", self.path("cache"))
            .stdin(Stdio::null());
        command
    }

    /// Runs the command here.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        finish(self.command(arguments))
    }

    /// Compiles a module in the text format, and gives the artifact's name.
    #[track_caller]
    pub(crate) fn artifact(&self, name: &str, text: &str) -> String {
        let source = format!("{name}.wat");
        self.file(&source, text);
        self.run(&["compile", &source, "--quiet"]).status(0).silent();
        format!("{name}.so")
    }

    /// Compiles a module in the text format to an executable with these options, and gives its path.
    #[track_caller]
    pub(crate) fn executable(&self, name: &str, text: &str, options: &[&str]) -> PathBuf {
        let source = format!("{name}.wat");
        self.file(&source, text);
        self.run(&[&["compile", &source, "--emit", "exe", "--quiet"], options].concat()).status(0).silent();
        self.path(name)
    }

    /// Names of the files in the cache, sorted.
    pub(crate) fn cached(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.path("cache/wasmaot")) else { return Vec::new() };
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("a readable entry").path()).collect();
        paths.sort();
        paths
    }
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn finish(mut command: Command) -> Run {
    let Output { status, stdout, stderr } = command.output().expect("the command starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let run = Run { status: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) };
    assert!(status.code().is_some(), "{status}: {run:#?}");
    assert!(!run.stderr.contains("internal error") && !run.stderr.contains("panicked"), "{run:#?}");
    run
}

/// The end of a pipe without readers: until it is started, a child that another test has just
/// forked has the other end, too.
pub(crate) fn broken_pipe() -> PipeWriter {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let minute = Timespec { tv_sec: 60, tv_nsec: 0 };
    let ready = poll(&mut [PollFd::new(&writer, PollFlags::empty())], Some(&minute)).expect("a pipe");
    assert_eq!(ready, 1, "another process has the other end");
    writer
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").join(path)
}

/// Fills the holes of a module in `tests/guests/`, which are comments of the form `(;name;)`.
pub(crate) fn filled(text: &str, holes: &[(&str, &str)]) -> String {
    holes.iter().fold(text.to_string(), |text, (name, filling)| {
        let hole = format!("(;{name};)");
        assert_eq!(text.matches(&hole).count(), 1, "{hole}");
        text.replace(&hole, filling)
    })
}

/// A program that does this.
pub(crate) fn program(body: &str) -> String {
    filled(include_str!("../guests/program.wat"), &[("body", body)])
}

/// A program with threads: what the first one does, and what the others do.
pub(crate) fn threaded(start: &str, thread: &str) -> String {
    filled(include_str!("../guests/threads.wat"), &[("start", start), ("thread", thread)])
}

/// Prints its arguments and its environment, each string with a NUL, and exits with the number of arguments.
pub(crate) const ECHO: &str = include_str!("../guests/echo.wat");

/// Divides by zero, two calls below `_start`.
pub(crate) const TRAP: &str = include_str!("../guests/trap.wat");

/// Imports of which WASI has one.
pub(crate) const IMPORTS: &str = include_str!("../guests/imports.wat");

/// Prints "hello" and exits with the error number of that.
pub(crate) const WRITE: &str = include_str!("../guests/write.wat");
