//! The section of a document that is written from a file of results: tables and pictures, between two comments.
//!
//! ```text
//! <!-- figures: benchmarks/results/2026-11-24.json -->
//! ...
//! <!-- end of figures -->
//! ```
//!
//! **Invariant: no figure of the section comes from anywhere else.**

use super::pictures;
use super::tables::{self, factor, per_gib};
use super::view::{self, BASELINE, NONE, View};
use std::fmt::Write;
use std::io;
use std::path::Path;
use wasmaot_bench::results::{Figure, Found, Outcome, Results, Taken};

pub(super) const BEGIN: &str = "<!-- figures: ";
pub(super) const END: &str = "<!-- end of figures -->";

/// The peer that has the same code generator, in the table that compares with it alone.
const RIVAL: &str = "wasmtime";

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
    text += &headline(file, results);
    text += &cold_starts(results);
    text += &picture("cold-start", "Cold start");
    text += &picture("cat-sync", "cat-sync");
    text += &picture("burst", "A hundred starts at once");
    text += &by_runtime(View { results, baseline: BASELINE });
    text += &picture("ratios", "Wall time by program");
    text += &against_rival(View { results, baseline: RIVAL });
    text += &metering(results);
    text += &instances(View { results, baseline: BASELINE });
    text += &picture("latency", "Latency in one process");
    text += &densities(results);
    text + "\n" + END
}

pub(super) fn headline(file: &Path, results: &Results) -> String {
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
        file.with_extension("md").display(),
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

fn by_runtime(view: View<'_>) -> String {
    let results = view.results;
    let computing = view.programs(Figure::Compute);
    let mut text = format!(
        "\n| runtime | cold start, ms | cat-sync, ms | {} | geometric mean |\n",
        computing.join(" | ")
    );
    _ = writeln!(text, "|---|---|---|{}---|", "---|".repeat(computing.len()));
    for peer in results.peers.iter().filter(|peer| view.has_measured(&peer.name)) {
        let starts = ["nop", "cat-sync"].map(|program| {
            let runs = view.row(Figure::Start, program, &peer.name).and_then(|row| view.runs(row));
            runs.map_or(NONE.into(), |runs| format!("{:.2}", view::times(runs).median * 1e3))
        });
        let ratios: Vec<String> =
            computing.iter().map(|program| compute(view, program, &peer.name)).collect();
        let mean = view.geometric(&peer.name).map_or(NONE.into(), factor);
        _ = writeln!(text, "| {} | {} | {} | {mean} |", peer.name, starts.join(" | "), ratios.join(" | "));
    }
    _ = write!(
        text,
        "\nStarts are medians of whole processes; the rest is wall time as a multiple of {}, which is in seconds.",
        if view.has_measured("native clang") {
            "the faster of both native programs for the same CPU, any or the host's,"
        } else {
            view.baseline
        }
    );
    if text.contains(" ~ |") {
        text += " ~: half of the times differ by more than a tenth, also when measured again.";
    }
    let missing = results.peers.iter().filter(|peer| matches!(peer.found, Found::Missing(_)));
    let missing: Vec<&str> = missing.map(|peer| &peer.name[..]).collect();
    if !missing.is_empty() {
        _ = write!(text, " Not there: {}.", missing.join(", "));
    }
    text + "\n"
}

fn compute(view: View<'_>, program: &str, peer: &str) -> String {
    let Some(row) = view.row(Figure::Compute, program, peer) else { return NONE.into() };
    match (&row.outcome, view.to_baseline(row)) {
        (Outcome::Failed(_), _) => "failed".into(),
        (Outcome::Measured { runs, .. }, None) => format!("{:.2} s", view::times(runs).median),
        (Outcome::Measured { runs, .. }, _) if view.is_baseline(row) => {
            format!("{:.2} s", view::times(runs).median)
        }
        (_, Some(ratio)) => factor(ratio.value) + view.mark(row),
        (_, None) => NONE.into(),
    }
}

fn against_rival(view: View<'_>) -> String {
    let columns: Vec<(Figure, &str)> = [Figure::Start, Figure::Compute]
        .into_iter()
        .flat_map(|figure| view.programs(figure).into_iter().map(move |program| (figure, program)))
        .collect();
    let large = view.programs(Figure::Compile).into_iter().next_back();
    if !view.has_measured(view.baseline) {
        return String::new();
    }
    let mut text = format!("\n| as a multiple of {} |", view.baseline);
    for (_, program) in &columns {
        _ = write!(text, " {program} |");
    }
    _ = writeln!(text, " geometric mean | compiling {} |", large.unwrap_or_default());
    _ = writeln!(text, "|---|{}---|---|", "---|".repeat(columns.len()));
    for peer in [OWN, "wasmaot native"] {
        let cell = |figure, program: &str| {
            let ratio = view.row(figure, program, peer).and_then(|row| view.to_baseline(row));
            ratio.map_or(NONE.into(), |ratio| factor(ratio.value))
        };
        _ = write!(text, "| {peer} |");
        for (figure, program) in &columns {
            _ = write!(text, " {} |", cell(*figure, program));
        }
        let mean = view.geometric(peer).map_or(NONE.into(), factor);
        let compile = large.map_or(NONE.into(), |program| cell(Figure::Compile, program));
        _ = writeln!(text, " {mean} | {compile} |");
    }
    text
}

fn metering(results: &Results) -> String {
    let table = tables::metering(View { results, baseline: BASELINE }, |ratio| factor(ratio.value));
    if table.is_empty() {
        return table;
    }
    format!(
        "\nWhat counting the executed operators costs, as a multiple of the same code without:\n\n{table}"
    )
}

fn instances(view: View<'_>) -> String {
    let mut text = String::new();
    if view.results.instances.is_empty() {
        return text;
    }
    text += "\n| in one process: start + call + finish, µs | whose | p50 | p99 |\n|---|---|---|---|\n";
    for times in view.guests().into_iter().flat_map(|guest| view.instances(guest)) {
        let (p50, p99) = (times.p50 / 1e3, times.p99 / 1e3);
        _ = writeln!(text, "| {} | {} | {p50:.2} | {p99:.2} |", times.guest, times.side);
    }
    text
}

fn densities(results: &Results) -> String {
    let mut text = String::new();
    for row in &results.density {
        let Taken::Measured { there, .. } = row.taken else { continue };
        if text.is_empty() {
            text += "\n| in one process: memory | whose | instances | KiB each | instances per GiB |\n|---|---|---|---|---|\n";
        }
        let (kib, per_gib) = (there.bytes / 1024.0, per_gib(there));
        _ = writeln!(text, "| {} | {} | {} | {kib:.1} | {per_gib:.0} |", row.guest, row.side, row.count);
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

    /// What is measured is stated in the section only: elsewhere nobody would see it become wrong.
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
