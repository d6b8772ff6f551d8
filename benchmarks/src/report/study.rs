//! The study's own figures beside those of a file of results: Long, Tai, Hsieh and Yuan, "A lightweight
//! design for serverless Function-as-a-Service", 2020, <https://arxiv.org/abs/2010.07115>.
//!
//! What it printed is taken from the table that its authors keep with the documentation of their runtime
//! (second-state/gitbook-cloud, `server-side-webassembly/performance.md`). **Invariant: no figure of today
//! comes from anywhere but the file of results.**

use super::readme::{BEGIN, END, headline};
use super::view::{self, BASELINE, NONE, View};
use std::fmt::Write;
use std::path::Path;
use wasmaot_bench::results::{Figure, Results};

/// The study's columns, each with the row that it is today.
const COLUMNS: [(&str, &str); 5] =
    [("Docker", "docker"), ("Lucet", "lucet"), ("SSVM", "wasmedge"), ("V8", "node"), ("WAVM", "wavm")];

/// What it printed, in seconds, in the order of the columns.
const PRINTED: [(Figure, &str, &str, [f64; 5]); 6] = [
    (Figure::Start, "nop", "", [0.849, 0.002, 0.003, 0.056, 0.024]),
    (Figure::Start, "cat-sync", "", [0.826, 0.573, 0.007, 0.060, 0.029]),
    (Figure::Compute, "nbody", "50000000", [4.128, 4.611, 3.716, 3.408, 3.753]),
    (Figure::Compute, "fannkuch-redux", "12", [24.459, 53.104, 28.060, 29.285, 28.477]),
    (Figure::Compute, "mandelbrot", "15000", [16.050, 28.970, 10.347, 18.062, 12.072]),
    // Its page says 18 for all columns; only Docker's figure fits the 21 of the text.
    (Figure::Compute, "binary-trees", "21", [17.191, 2.910, 1.328, 2.002, 1.612]),
];

/// Rows that the study does not have.
const NEW: [&str; 5] = ["native", "wasmaot", "wasmaot native", "wasmtime", "wamr"];

/// The section, with both of its comments.
pub(super) fn section(file: &Path, results: &Results) -> String {
    let view = View { results, baseline: BASELINE };
    let mut text = format!("{BEGIN}{} -->\n\n{}", file.display(), headline(file, results, "benchmarks"));
    for (figure, title, unit) in [
        (Figure::Start, "Figures 1 and 2: starts, ms, mean ± standard deviation", 1e3),
        (Figure::Compute, "Table 1: execution, s, mean ± standard deviation", 1.0),
    ] {
        let programs: Vec<_> = PRINTED.iter().filter(|row| row.0 == figure).collect();
        _ = write!(text, "\n### {title}\n\n| |");
        for (_, program, argument, _) in &programs {
            let run = format!("{program} {argument}");
            _ = write!(text, " {}: printed | today |", run.trim_end());
        }
        _ = writeln!(text, "\n|---|{}", "---|---|".repeat(programs.len()));
        for (column, (name, peer)) in COLUMNS.iter().enumerate() {
            _ = write!(text, "| {name}, today `{peer}` |");
            for (_, program, argument, printed) in &programs {
                let today = today(view, figure, program, argument, peer, unit);
                _ = write!(text, " {} | {today} |", digits(printed[column] * unit));
            }
            text.push('\n');
        }
        for peer in NEW {
            _ = write!(text, "| `{peer}` |");
            for (_, program, argument, _) in &programs {
                _ = write!(text, " | {} |", today(view, figure, program, argument, peer, unit));
            }
            text.push('\n');
        }
    }
    text + "\n" + END
}

/// A figure of today, if it is of the study's size.
fn today(view: View<'_>, figure: Figure, program: &str, argument: &str, peer: &str, unit: f64) -> String {
    let row = view.row(figure, program, peer).filter(|row| argument.is_empty() || row.argument == argument);
    let Some(runs) = row.and_then(|row| view.runs(row)).filter(|runs| !runs.is_empty()) else {
        return NONE.into();
    };
    let times = view::times(runs);
    format!("{} ± {}", digits(times.mean * unit), digits(times.deviation * unit))
}

fn digits(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_its_results_say() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository");
        let text = std::fs::read_to_string(root.join("benchmarks/STUDY.md")).expect("there is a page");
        let (_, rest) = text.split_once(BEGIN).expect("the section begins");
        let (found, _) = rest.split_once(END).expect("the section ends");
        let (file, _) = found.split_once(" -->").expect("it names its file");
        let results = Results::read(&root.join(file)).expect("the file is there");
        assert_eq!(
            format!("{BEGIN}{found}{END}"),
            section(Path::new(file), &results),
            "use `report --study`"
        );
    }
}
