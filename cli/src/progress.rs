//! A progress bar on stderr, drawn only if that is a terminal.
//!
//! **Invariant: it leaves nothing behind**: dropping it clears its line. Short compilations draw nothing at
//! all.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use wasmaot_compiler::Progress;
use wasmaot_program::report::Name;

/// Delay before the bar is first drawn.
const PATIENCE: Duration = Duration::from_millis(150);

/// Drawings a second, at most.
const RATE: u8 = 20;

/// Columns of a terminal that does not tell its width.
const USUAL_WIDTH: usize = 80;

/// A bar that worker threads report to.
pub(crate) struct Bar {
    label: String,
    wanted: bool,
    begun: Instant,
    drawn: OnceLock<ProgressBar>,
}

impl Bar {
    /// Returns a bar that counts functions, behind a label. It stays invisible if it is not wanted or stderr
    /// is no terminal.
    pub(crate) fn new(label: String, wanted: bool) -> Self {
        Self { label: Name(&label).to_string(), wanted, begun: Instant::now(), drawn: OnceLock::new() }
    }

    /// Shows how far the compilation is.
    pub(crate) fn report(&self, progress: Progress) {
        if !self.wanted || self.begun.elapsed() < PATIENCE {
            return;
        }
        let bar = self.drawn.get_or_init(|| self.draw(progress.total));
        // Reports of different threads may come in another order.
        bar.set_position(bar.position().max(progress.done as u64));
    }

    fn draw(&self, total: usize) -> ProgressBar {
        let size = rustix::termios::tcgetwinsize(std::io::stderr());
        let width = size.ok().map(|size| usize::from(size.ws_col)).filter(|&width| width > 0);
        let width = width.unwrap_or(USUAL_WIDTH);
        let target = match width > count_width(total) {
            true => ProgressDrawTarget::stderr_with_hz(RATE),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        let (label, template) = layout(&self.label, total, width);
        let style = ProgressStyle::with_template(&template).expect("the template is one of `layout`");
        bar.set_style(style.progress_chars("=> "));
        bar.set_message(label);
        bar
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = self.drawn.get() {
            bar.finish_and_clear();
        }
    }
}

/// Returns the label and the template of a line of less than `width` columns. The label gives way first, then
/// the bar: the count says the most.
fn layout(label: &str, total: usize, width: usize) -> (String, String) {
    let room = width.saturating_sub(1 + count_width(total));
    let label: String = label.chars().take(room.saturating_sub(" [] ".len() + 10)).collect();
    let cells = room.saturating_sub(label.chars().count() + " [] ".len()).min(40);
    let template = match cells < 5 {
        true => "{pos}/{len}".into(),
        false => format!("{{msg}} [{{bar:{cells}}}] {{pos}}/{{len}}"),
    };
    (label, template)
}

/// Returns the most columns that the count takes.
fn count_width(total: usize) -> usize {
    2 * total.to_string().len() + "/".len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_always_there_and_the_line_fits() {
        for width in 10..120 {
            let (label, template) = layout("compiling a-program-with-a-name.wasm", 1000, width);
            assert!(template.ends_with("{pos}/{len}"), "{width}: {template}");
            let cells = template.split("bar:").nth(1).and_then(|rest| rest.split('}').next());
            let cells = cells.map_or(0, |cells| cells.parse::<usize>().expect("a number"));
            let frame = if cells > 0 { label.chars().count() + " [] ".len() } else { 0 };
            assert!(frame + cells + "1000/1000".len() <= width, "{width}: {label} {template}");
        }
        assert_eq!(layout("x", 9, 80), ("x".into(), "{msg} [{bar:40}] {pos}/{len}".into()));
    }
}
