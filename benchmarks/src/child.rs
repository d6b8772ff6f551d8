//! Runs a command and tells what it used.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one run used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// From before the start to after the end.
    pub(crate) wall: Duration,
    /// CPU time in user mode.
    pub(crate) user: Duration,
    /// Peak resident memory, in bytes.
    pub(crate) peak: u64,
}

/// A command line, to be run many times with its output thrown away.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// Its name in the results.
    pub(crate) name: String,
    program: String,
    args: Vec<String>,
}

impl Task {
    pub(crate) fn new(name: &str, program: &Path, args: &[&str]) -> Self {
        Self {
            name: name.to_string(),
            program: program.display().to_string(),
            args: args.iter().map(|arg| arg.to_string()).collect(),
        }
    }

    /// Runs it once. A run that fails is an error: its time would mean nothing.
    pub(crate) fn run(&self) -> io::Result<Usage> {
        let failed =
            |what: String| io::Error::other(format!("{} {}: {what}", self.program, self.args.join(" ")));
        let start = Instant::now();
        let child = Command::new(&self.program)
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let (status, usage) = wait(child.id())?;
        let wall = start.elapsed();
        if status != 0 {
            return Err(failed(format!("wait status {status:#x}")));
        }
        let micros = usage.ru_utime.tv_sec * 1_000_000 + usage.ru_utime.tv_usec;
        Ok(Usage { wall, user: Duration::from_micros(micros as u64), peak: usage.ru_maxrss as u64 * 1024 })
    }
}

/// Waits for a child and gives its status and what it used.
fn wait(pid: u32) -> io::Result<(i32, libc::rusage)> {
    let mut status = 0;
    // SAFETY: an all-zero `rusage` is valid; both pointers are to live, writable values.
    let (waited, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::wait4(pid as i32, &mut status, 0, &mut usage), usage)
    };
    if waited == pid as i32 { Ok((status, usage)) } else { Err(io::Error::last_os_error()) }
}
