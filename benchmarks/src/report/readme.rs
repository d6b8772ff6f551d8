//! The section of a document that is written from a file of results: a table and the pictures, between two comments.
//!
//! ```text
//! <!-- figures: benchmarks/results/2026-11-24.json -->
//! ...
//! <!-- end of figures -->
//! ```
//!
//! **Invariant: no figure of the section comes from anywhere else.**

use super::picture_path;
use super::tables::{NONE, interval};
use super::view::{self, BASELINE, programs, to_baseline};
use std::fmt::Write;
use std::io;
use std::path::Path;
use wasmaot_bench::results::{Figure, Found, Outcome, Results};

const BEGIN: &str = "<!-- figures: ";
const END: &str = "<!-- end of figures -->";

/// Writes the section of a document anew. It stays in the document's own words which file it is from.
pub(super) fn update(document: &Path, file: &Path, results: &Results) -> io::Result<()> {
    let text = std::fs::read_to_string(document)?;
    let (before, rest) = text.split_once(BEGIN).ok_or_else(|| missing(document, BEGIN))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| missing(document, END))?;
    std::fs::write(document, format!("{before}{}{after}", section(file, results)))
}

fn missing(document: &Path, what: &str) -> io::Error {
    io::Error::other(format!("{}: there is no line {what}", document.display()))
}

/// The section, with both of its comments.
fn section(file: &Path, results: &Results) -> String {
    let mut text = format!("{BEGIN}{} -->\n\n", file.display());
    text += &headline(results);
    text += &table(results);
    for (name, title) in [
        ("cold-start", "Cold start"),
        ("cat-sync", "cat-sync"),
        ("ratios", "Wall time by program"),
        ("latency", "Latency in one process"),
    ] {
        let picture = picture_path(file, name);
        if picture.exists() {
            _ = write!(text, "\n![{title}]({})\n", picture.display());
        }
    }
    text + "\n" + END
}

fn headline(results: &Results) -> String {
    let machine = &results.machine;
    let noise = if results.noise.is_empty() {
        String::new()
    } else {
        format!(" Noisy: {}.", results.noise.join("; "))
    };
    format!(
        "Measured on {} on a machine with {} × {}, Linux {}, by `{}`.{noise}\n\n",
        &results.date[..10],
        machine.cores,
        machine.cpu,
        machine.kernel,
        results.command
    )
}

fn table(results: &Results) -> String {
    let computing = programs(results, Figure::Compute);
    let mut text =
        format!("| runtime | cold start, ms | cat-sync, ms | {} | geometric mean |\n", computing.join(" | "));
    _ = writeln!(text, "|---|---|---|{}---|", "---|".repeat(computing.len()));
    for peer in &results.peers {
        if let Found::Missing(_) = peer.found {
            continue;
        }
        let starts =
            ["nop", "cat-sync"].map(|program| match results.runs(Figure::Start, program, &peer.name) {
                Some(runs) => format!("{:.2}", view::times(runs).median * 1e3),
                None => NONE.into(),
            });
        let ratios: Vec<String> =
            computing.iter().map(|program| compute(results, program, &peer.name)).collect();
        let mean = view::geometric(results, &peer.name).map_or(NONE.into(), |mean| format!("{mean:.2}"));
        _ = writeln!(text, "| {} | {} | {} | {mean} |", peer.name, starts.join(" | "), ratios.join(" | "));
    }
    let missing: Vec<&str> = results
        .peers
        .iter()
        .filter(|peer| matches!(peer.found, Found::Missing(_)))
        .map(|peer| &peer.name[..])
        .collect();
    _ = write!(
        text,
        "\nStarts are medians of whole processes; the rest is wall time as a multiple of native (95 % interval)."
    );
    if !missing.is_empty() {
        _ = write!(text, " Not there: {}.", missing.join(", "));
    }
    text.push('\n');
    text + &instances(results)
}

fn compute(results: &Results, program: &str, peer: &str) -> String {
    let Some(row) = view::row(results, Figure::Compute, program, peer) else { return NONE.into() };
    match (&row.outcome, to_baseline(results, row)) {
        (Outcome::SameAs(other), _) => format!("as {other}"),
        (Outcome::Failed(_), _) => NONE.into(),
        (Outcome::Measured { runs, .. }, _) if peer == BASELINE => {
            format!("{:.2} s", view::times(runs).median)
        }
        (Outcome::Measured { .. }, Some(ratio)) => interval(ratio),
        (Outcome::Measured { runs, .. }, None) => format!("{:.2} s", view::times(runs).median),
    }
}

fn instances(results: &Results) -> String {
    let mut text = String::new();
    if !results.instances.is_empty() {
        text += "\n| in one process: start + call + finish, µs | whose | p50 | p99 |\n|---|---|---|---|\n";
    }
    for times in &results.instances {
        _ = writeln!(
            text,
            "| {} | {} | {:.2} | {:.2} |",
            times.guest,
            times.side,
            times.p50 / 1e3,
            times.p99 / 1e3
        );
    }
    text
}
