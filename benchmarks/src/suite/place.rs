//! Where things run: the CPU that programs are pinned to, and copies of commands.

use std::io;
use std::path::Path;

/// Copies a command, as an installation does.
pub(super) fn install_command(from: &Path, to: &Path) -> io::Result<()> {
    // What runs cannot be written to.
    _ = std::fs::remove_file(to);
    std::fs::copy(from, to).map(drop)
}

/// The CPU that programs are pinned to: the last one, since interrupts like the first.
pub(super) fn last_cpu() -> Option<usize> {
    let allowed = rustix::thread::sched_getaffinity(None).ok()?;
    let cpus: Vec<usize> = (0..rustix::thread::CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect();
    cpus.last().copied().filter(|_| cpus.len() > 1)
}
