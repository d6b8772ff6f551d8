//! A progress bar on stderr, drawn only if that is a terminal.
//!
//! **Invariant: it leaves nothing behind**: dropping it clears its line. Compilations that are over in a
//! moment draw nothing at all.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use wasmaot_compiler::Progress;

/// No bar before this much time has gone by.
const PATIENCE: Duration = Duration::from_millis(150);

/// Time from one drawing to the next, at least.
const INTERVAL: Duration = Duration::from_millis(50);

/// Width taken where the terminal does not tell its own.
const USUAL_WIDTH: usize = 80;

/// A bar that worker threads report to.
pub(crate) struct Bar {
    /// What is shown before the bar.
    label: String,
    terminal: bool,
    state: Mutex<State>,
}

struct State {
    next: Instant,
    drawn: bool,
}

impl Bar {
    /// A bar, or a mute one if it is not wanted or stderr is no terminal.
    pub(crate) fn new(label: String, wanted: bool) -> Self {
        let state = Mutex::new(State { next: Instant::now() + PATIENCE, drawn: false });
        Self { label, terminal: wanted && std::io::stderr().is_terminal(), state }
    }

    /// Takes a report, and draws it if the last drawing is long enough ago. A thread that finds
    /// another one drawing goes on with its work.
    pub(crate) fn report(&self, progress: Progress) {
        if !self.terminal {
            return;
        }
        let Ok(mut state) = self.state.try_lock() else { return };
        let now = Instant::now();
        if now < state.next {
            return;
        }
        state.next = now + INTERVAL;
        state.drawn = true;
        let mut stderr = std::io::stderr();
        let width = rustix::termios::tcgetwinsize(&stderr).map_or(0, |size| usize::from(size.ws_col));
        let line = line(&self.label, progress, if width == 0 { USUAL_WIDTH } else { width });
        // A bar that cannot be shown is no reason to fail a compilation.
        let _ = write!(stderr, "\r{line}\x1b[K");
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        let drawn = self.state.get_mut().map_or(true, |state| state.drawn);
        if self.terminal && drawn {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// The bar's line: at most `width` - 1 columns, so that the cursor stays on it.
fn line(label: &str, progress: Progress, width: usize) -> String {
    let total = progress.total.max(1);
    let done = progress.done.min(total);
    let digits = total.to_string().len();
    let count = format!(" {done:>digits$}/{total}");
    let room = width.saturating_sub(1);
    // The label gives way first, then the bar: the count says the most.
    let frame = count.len() + " []".len();
    let label: String = label.chars().take(room.saturating_sub(frame + 10)).collect();
    let cells = room.saturating_sub(label.chars().count() + frame).min(40);
    if cells < 5 {
        return count.trim_start().chars().take(room).collect();
    }
    let filled = cells * done / total;
    let head = if filled < cells { ">" } else { "" };
    let rest = cells - filled - head.len();
    format!("{label} [{}{head}{}]{count}", "=".repeat(filled), " ".repeat(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_any_width() {
        for width in 0..120 {
            for done in [0, 1, 499, 1000, 2000] {
                let text =
                    line("compiling a-program-with-a-name.wasm", Progress { done, total: 1000 }, width);
                assert!(text.chars().count() <= width.saturating_sub(1), "{width}: {text}");
            }
        }
    }

    #[test]
    fn shows_the_share() {
        let at = |done| line("compiling x.wasm", Progress { done, total: 8 }, 35);
        assert_eq!(at(0), "compiling x.wasm [>          ] 0/8");
        assert_eq!(at(4), "compiling x.wasm [=====>     ] 4/8");
        assert_eq!(at(8), "compiling x.wasm [===========] 8/8");
        assert_eq!(line("x", Progress { done: 0, total: 0 }, 8), "0/1");
    }
}
