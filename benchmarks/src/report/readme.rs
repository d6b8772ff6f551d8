//! The section of a document that is written from a file of results: tables and pictures, between two
//! comments.
//!
//! ```text
//! <!-- figures: benchmarks/results/2026-11-24.json -->
//! ...
//! <!-- end of figures -->
//! ```
//!
//! **Invariant: no figure of the section comes from anywhere else.**

use super::pictures;
use super::tables::{RIVAL, factor};
use super::view::{self, BASELINE, NONE, View};
use std::fmt::Write;
use std::io;
use std::path::Path;
use wasmaot_bench::results::{Figure, Found, Results};

pub(super) const BEGIN: &str = "<!-- figures: ";
pub(super) const END: &str = "<!-- end of figures -->";

/// The row of cold starts that the others are counted in.
const OWN: &str = "wasmaot";

/// Writes the section of a document anew. It stays in the document's own words which file it is from.
pub(super) fn update(document: &Path, section: &str) -> io::Result<()> {
    let text = std::fs::read_to_string(document)?;
    let (before, rest) = text.split_once(BEGIN).ok_or_else(|| missing(document, BEGIN))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| missing(document, END))?;
    std::fs::write(document, format!("{before}{section}{after}"))
}

fn missing(document: &Path, what: &str) -> io::Error {
    io::Error::other(format!("{}: there is no line {what}", document.display()))
}

/// The section, with both of its comments.
pub(super) fn section(file: &Path, results: &Results) -> String {
    let picture = |name: &str, title: &str| {
        let [light, dark] =
            [name.to_string(), format!("{name}-dark")].map(|name| pictures::path(file, &name));
        if !light.exists() {
            return String::new();
        }
        let (light, dark) = (light.display(), dark.display());
        format!(
            "\n<picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"{dark}\"><img alt=\"{title}\" src=\"{light}\"></picture>\n"
        )
    };
    let mut text = format!("{BEGIN}{} -->\n\n", file.display());
    text += &headline(file, results, "");
    text += &cold_starts(results);
    text += &picture("cold-start", "Cold start");
    text += &by_runtime(View { results, baseline: BASELINE });
    text += &instances(View { results, baseline: BASELINE });
    text + "\n" + END
}

/// The run, and a link to its tables from a page in `folder`.
pub(super) fn headline(file: &Path, results: &Results, folder: &str) -> String {
    let tables = file.with_extension("md");
    let machine = &results.machine;
    let noise = if results.noise.is_empty() {
        String::new()
    } else {
        format!(" Noisy: {}.", results.noise.join("; "))
    };
    format!(
        "Measured on {} on a machine with {} × {}, Linux {}, by `{}`.{noise} [All tables of this run]({}), with intervals.\n",
        &results.date[..10],
        machine.cores,
        machine.cpu,
        machine.kernel,
        results.command,
        tables.strip_prefix(folder).unwrap_or(&tables).display(),
    )
}

/// How many times as long the start of a process takes elsewhere.
fn cold_starts(results: &Results) -> String {
    let view = View { results, baseline: OWN };
    let Some(own) = results.runs(Figure::Start, "nop", OWN) else { return String::new() };
    let others = view.rows(Figure::Start, "nop").filter(|row| row.peer.split(' ').next() != Some(OWN));
    let others: Vec<String> = others
        .filter_map(|row| Some(format!("{} {}", row.peer, factor(view.to_baseline(row)?.value))))
        .collect();
    format!(
        "\nA program that does nothing, from cold, takes {:.2} ms in `wasmaot run`. As a multiple of that: {}.\n",
        view::times(own).median * 1e3,
        others.join(", ")
    )
}

/// A row per runtime: starts, and the time of code, over all programs that compute.
fn by_runtime(view: View<'_>) -> String {
    let results = view.results;
    let rival = view.against(RIVAL);
    let mut text = format!(
        "\n| runtime | cold start, ms | cat-sync, ms | code, multiple of native | of {RIVAL} |\n|---|---|---|---|---|\n"
    );
    for peer in results.peers.iter().filter(|peer| view.has_measured(&peer.name)) {
        let starts = ["nop", "cat-sync"].map(|program| {
            let runs = view.row(Figure::Start, program, &peer.name).and_then(|row| view.runs(row));
            runs.map_or(NONE.into(), |runs| format!("{:.2}", view::times(runs).median * 1e3))
        });
        let code = [view, rival].map(|view| view.geometric(&peer.name).map_or(NONE.into(), factor));
        _ = writeln!(text, "| {} | {} | {} |", peer.name, starts.join(" | "), code.join(" | "));
    }
    _ = write!(
        text,
        "\nStarts are medians of whole processes; code is the geometric mean over {}, against the faster native compiler for the same CPU.",
        view.programs(Figure::Compute).join(", ")
    );
    let missing = results.peers.iter().filter(|peer| matches!(peer.found, Found::Missing(_)));
    let missing: Vec<&str> = missing.map(|peer| &peer.name[..]).collect();
    if !missing.is_empty() {
        _ = write!(text, " Not measured: {}.", missing.join(", "));
    }
    text + "\n"
}

/// A row per guest: the median of an instance here, and of the best setting there.
fn instances(view: View<'_>) -> String {
    let mut text = String::new();
    for guest in view.guests() {
        let [own, best, ..] = view.instances(guest)[..] else { continue };
        if text.is_empty() {
            text += "\n| start + call + finish in one process, µs, p50 | wasmaot | Wasmtime, best setting |\n|---|---|---|\n";
        }
        _ = writeln!(text, "| {guest} | {:.2} | {:.2} |", own.p50 / 1e3, best.p50 / 1e3);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readme() -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository");
        // Paths in it are relative to the root, where the command that writes it runs.
        std::env::set_current_dir(root).expect("the root is there");
        std::fs::read_to_string("README.md").expect("there is a README.md")
    }

    /// The document before and after the section, and the section itself.
    fn parts(text: &str) -> (&str, &str, &str) {
        let (before, rest) = text.split_once(BEGIN).expect("the section begins");
        let (section, after) = rest.split_once(END).expect("the section ends");
        (before, section, after)
    }

    /// Every figure of the section can be traced to its file, because it is made of nothing else.
    #[test]
    fn the_readme_says_what_its_results_say() {
        let text = readme();
        let (_, found, _) = parts(&text);
        let (file, _) = found.split_once(" -->").expect("it names its file");
        let file = Path::new(file);
        let results = Results::read(file).expect("the file is there");
        assert_eq!(
            format!("{BEGIN}{found}{END}"),
            section(file, &results),
            "use `report {} --into README.md`",
            file.display()
        );
        let view = View { results: &results, baseline: BASELINE };
        for (name, picture) in pictures::all(view) {
            let path = pictures::path(file, &name);
            assert_eq!(std::fs::read_to_string(&path).expect("it is there"), picture, "{}", path.display());
        }
    }

    /// What is measured is stated in the section only: elsewhere it would become wrong unnoticed.
    #[test]
    fn no_figure_stands_outside_of_the_section() {
        let text = readme();
        let (before, _, after) = parts(&text);
        let units = ["ns", "µs", "ms", "s", "×", "times", "KiB", "MB"];
        for line in before.lines().chain(after.lines()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            for pair in words.windows(2) {
                let unit = pair[1].trim_end_matches(|c: char| c.is_ascii_punctuation());
                let is_figure = pair[0].parse::<f64>().is_ok() && units.contains(&unit);
                assert!(!is_figure, "{} {}: {line}", pair[0], pair[1]);
            }
        }
    }
}
