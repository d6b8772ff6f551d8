//! Runs a command once: how long it took, what it used, what it printed.
//!
//! **Invariants.** A command that does not end is ended, with everything that it started, when its time is
//! over. What it prints goes to a file in memory, which is as fast for every runtime and asks nothing of the
//! measuring process while it waits.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::Timespec;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use wasmaot_bench::results::{Run, Used};

/// Stands in arguments where copies that run at once need names of their own.
pub(crate) const COPY: &str = "{copy}";

/// Bytes of an error message that are kept.
const MAX_MESSAGE: u64 = 400;

/// A command line.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    program: PathBuf,
    args: Vec<String>,
    directory: Option<PathBuf>,
    variable: Option<(&'static str, PathBuf)>,
}

/// What a run is allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// It has failed when this is over.
    pub(crate) timeout: Duration,
    /// The only CPU that it may use.
    pub(crate) cpu: Option<usize>,
    /// Copies that are started at once where that is what is measured.
    pub(crate) burst: usize,
}

/// What came of a run that ended well.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    /// Figures of the run.
    pub(crate) run: Run,
    /// SHA-256 of what it printed, in hexadecimal digits.
    pub(crate) digest: String,
    /// The end of what it printed, on one line, for people.
    pub(crate) printed: String,
}

/// Why there is no figure: a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) String);

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rustix::io::Errno> for Failure {
    fn from(error: rustix::io::Errno) -> Self {
        io::Error::from(error).into()
    }
}

impl Task {
    /// A command with these arguments.
    pub(crate) fn new<A: Into<String>>(program: &Path, args: impl IntoIterator<Item = A>) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { program: program.into(), args, directory: None, variable: None }
    }

    /// The same, run in a folder.
    pub(crate) fn within(self, directory: &Path) -> Self {
        Self { directory: Some(directory.into()), ..self }
    }

    /// The same, with a variable in its environment.
    pub(crate) fn with(self, name: &'static str, value: &Path) -> Self {
        Self { variable: Some((name, value.into())), ..self }
    }

    /// As a person would type it.
    pub(crate) fn line(&self) -> String {
        std::iter::once(self.program.display().to_string())
            .chain(self.args.iter().cloned())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The command of a copy with a number of its own.
    fn command(&self, copy: usize, output: &File, errors: &File) -> io::Result<Command> {
        let mut command = Command::new(&self.program);
        command.args(self.args.iter().map(|arg| arg.replace(COPY, &copy.to_string()))).process_group(0);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(errors.try_clone()?);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        if let Some((name, value)) = &self.variable {
            command.env(name, value);
        }
        Ok(command)
    }

    /// Runs it once. One that fails has no figures: its time would mean nothing.
    pub(crate) fn run(&self, terms: Terms) -> Result<Ended, Failure> {
        let (mut output, mut errors) = (memory_file("output")?, memory_file("errors")?);
        let mut command = self.command(0, &output, &errors)?;
        let (status, run) = pinned(terms.cpu, || measure(&mut command, terms.timeout))?
            .map_err(|failure| Failure(format!("{}: {}", self.line(), failure.0)))?;
        if !status.success() {
            let words = last_words(&mut errors, &mut output);
            return Err(Failure(format!("{}: {status}{words}", self.line())));
        }
        Ok(Ended { run, digest: digest(&mut output)?, printed: end_of(&mut output)? })
    }

    /// Starts this number of copies at once and waits for all of them. They must end well, and print nothing
    /// on standard output.
    pub(crate) fn run_together(&self, copies: usize, timeout: Duration) -> Result<Run, Failure> {
        let (output, mut errors) = (memory_file("output")?, memory_file("errors")?);
        let commands = (1..=copies).map(|copy| self.command(copy, &output, &errors));
        let mut commands = commands.collect::<io::Result<Vec<_>>>()?;
        let start = Instant::now();
        let children: Vec<io::Result<Child>> = commands.iter_mut().map(Command::spawn).collect();
        let mut total = Used { user: 0, system: 0, peak: 0 };
        let mut failure = None;
        // Also after a failure: nothing that was started may stay.
        for child in children {
            let ended = child.map_err(Failure::from).and_then(|child| {
                end(Pid::from_child(&child), timeout.saturating_sub(start.elapsed()), timeout)
            });
            match ended {
                Ok((status, used)) if status.success() => {
                    total.user += used.user;
                    total.system += used.system;
                    total.peak = total.peak.max(used.peak);
                }
                Ok((status, _)) => failure = Some(Failure(status.to_string())),
                Err(error) => failure = Some(error),
            }
        }
        let wall = start.elapsed().as_nanos() as u64;
        if let Some(failure) = failure {
            let words = end_of(&mut errors)?;
            return Err(Failure(format!("{}, {copies} at once: {}: {words}", self.line(), failure.0)));
        }
        if output.metadata()?.len() > 0 {
            return Err(Failure(format!("wrong output: {} printed something", self.line())));
        }
        Ok(Run { wall, used: Some(total), busy: None })
    }

    /// Runs it and gives what it printed, on either stream.
    pub(crate) fn print(&self, timeout: Duration) -> Result<String, Failure> {
        let mut output = memory_file("output")?;
        let mut command = self.command(0, &output, &output)?;
        let (status, _) = measure(&mut command, timeout)?;
        let text = read(&mut output)?;
        if status.success() { Ok(text) } else { Err(Failure(format!("{}: {status}", self.line()))) }
    }
}

fn memory_file(name: &str) -> io::Result<File> {
    Ok(memfd_create(name, MemfdFlags::CLOEXEC)?.into())
}

/// Does something on one CPU, if one is given; processes that it starts stay there.
fn pinned<R>(cpu: Option<usize>, run: impl FnOnce() -> R) -> io::Result<R> {
    let Some(cpu) = cpu else { return Ok(run()) };
    let before = sched_getaffinity(None)?;
    let mut only = CpuSet::new();
    only.set(cpu);
    sched_setaffinity(None, &only)?;
    let result = run();
    sched_setaffinity(None, &before)?;
    Ok(result)
}

fn measure(command: &mut Command, timeout: Duration) -> Result<(ExitStatus, Run), Failure> {
    let start = Instant::now();
    let child = command.spawn()?;
    let (status, used) = end(Pid::from_child(&child), timeout, timeout)?;
    let wall = start.elapsed().as_nanos() as u64;
    Ok((status, Run { wall, used: Some(used), busy: None }))
}

/// Waits for a process, which is ended if it does not do so in the time that is left of all that it has.
fn end(pid: Pid, left: Duration, all: Duration) -> Result<(ExitStatus, Used), Failure> {
    let in_time = ends_within(pid, left)?;
    if !in_time {
        // The group may be gone already.
        _ = kill_process_group(pid, Signal::KILL);
    }
    let ended = wait(pid)?;
    if in_time { Ok(ended) } else { Err(Failure(format!("did not end within {} s", all.as_secs_f64()))) }
}

fn ends_within(pid: Pid, timeout: Duration) -> Result<bool, Failure> {
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let end = Instant::now() + timeout;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        match poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&left)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => (),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits for a child and gives its status and what it used.
fn wait(pid: Pid) -> io::Result<(ExitStatus, Used)> {
    let mut status = 0;
    // SAFETY: an all-zero `rusage` is valid; both pointers are to live, writable values.
    let (waited, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::wait4(pid.as_raw_nonzero().get(), &mut status, 0, &mut usage), usage)
    };
    if waited < 0 {
        return Err(io::Error::last_os_error());
    }
    let nanos = |time: libc::timeval| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1000;
    let used = Used {
        user: nanos(usage.ru_utime),
        system: nanos(usage.ru_stime),
        peak: usage.ru_maxrss as u64 * 1024,
    };
    Ok((ExitStatus::from_raw(status), used))
}

/// What a process that failed said last: on standard error, or else on standard output.
fn last_words(errors: &mut File, output: &mut File) -> String {
    let text =
        [errors, output].into_iter().filter_map(|file| end_of(file).ok()).find(|text| !text.is_empty());
    text.map_or(String::new(), |text| format!(": {text}"))
}

/// The end of what was printed, on one line.
fn end_of(file: &mut File) -> io::Result<String> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_MESSAGE)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).replace(|c: char| c.is_control() && !c.is_whitespace(), "?");
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn read(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// SHA-256 of a file, piece by piece: outputs may be large, and the memory of this process shows in what its
/// children are said to use.
fn digest(file: &mut File) -> io::Result<String> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 64 << 10]);
    file.rewind()?;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            length => hash.update(&buffer[..length]),
        }
    }
}
