//! Results as Markdown.

use super::footprint;
use super::view::{self, BASELINE, NONE, View, mib, peak};
use std::fmt::Write;
use wasmaot_bench::results::{Density, Figure, Found, Measurement, Outcome, Results, Run, Share, Taken};
use wasmaot_bench::stats::Median;

/// The peer with the same code generator: code is compared with it as well.
pub(super) const RIVAL: &str = "wasmtime";

/// All tables, with the machine and the runtimes.
pub(super) fn all(view: View<'_>) -> String {
    let results = view.results;
    let mut text = head(results);
    text += &peers(results);
    for (figure, program) in view.starts() {
        let title = match program {
            "nop" => "Figure 1: cold start, a program that does nothing".to_string(),
            "cat-sync" => "Figure 2: `cat-sync`, a file copied to standard output, from cold".to_string(),
            "burst" => {
                "A hundred processes that do nothing, started at once: until the last has ended".to_string()
            }
            other => format!("`{other}`, from cold"),
        };
        text += &format!("\n### {title}\n\n{}", starts(view, figure, program));
    }
    if !view.programs(Figure::Compute).is_empty() {
        text += &format!("\n### Table 1: wall time, as a multiple of {}\n\n{}", view.baseline, compute(view));
        if view.has_measured(RIVAL) && view.baseline != RIVAL {
            let rival = view.against(RIVAL);
            text += &format!("\n### Wall time, as a multiple of {RIVAL}\n\n{}", compute(rival));
        }
        text += &format!(
            "\n### Peak memory, MiB\n\n{}",
            by_program(view, Figure::Compute, |_, runs, _| peak(runs))
        );
    }
    text += &footprint::sizes(view);
    text += &footprint::costs(view);
    let metering = metering(view, interval);
    if !metering.is_empty() {
        text += &format!("\n### Metering: wall time, as a multiple of the same code without\n\n{metering}");
    }
    if !view.programs(Figure::Compile).is_empty() {
        let cell = |_: &Measurement, runs: &[Run], artifact: Option<u64>| {
            let size = artifact.map_or(NONE.into(), |bytes| format!("{:.0} KiB", bytes as f64 / 1024.0));
            format!("{:.1} ms, {size}", view::times(runs).median * 1e3)
        };
        text += &format!(
            "\n### Compiling: time of the whole command, size of the artifact\n\n{}",
            by_program(view, Figure::Compile, cell)
        );
    }
    if !results.instances.is_empty() {
        text +=
            &format!("\n### Instances in one process: start, call and finish, µs\n\n{}", instances(results));
    }
    if !results.density.is_empty() {
        text += &format!("\n### Memory of instances\n\n{}", densities(results));
    }
    text + &remarks(results)
}

fn head(results: &Results) -> String {
    let machine = &results.machine;
    let pinned =
        machine.pinned.map_or(String::new(), |cpu| format!(", single-threaded programs pinned to CPU {cpu}"));
    let noise = if results.noise.is_empty() { "quiet".into() } else { results.noise.join("; ") };
    format!(
        "{}, {} work: `{}`\n\n{} ({} CPUs{pinned}), {:.0} GiB, Linux {}; load {:.2} before and {:.2} after, steal {:.1} %. Noise: {noise}.\n\n",
        results.date,
        results.size,
        results.command,
        machine.cpu,
        machine.cores,
        machine.memory as f64 / f64::from(1 << 30),
        machine.kernel,
        machine.load_before,
        machine.load_after,
        machine.steal * 100.0,
    )
}

fn peers(results: &Results) -> String {
    let mut text = "| runtime | found | executables | adapter written for |\n|---|---|---|---|\n".to_string();
    for peer in &results.peers {
        let (found, size) = match &peer.found {
            Found::Present { version, bytes } => (version.clone(), mib(*bytes)),
            Found::Missing(reason) => (format!("missing: {reason}"), NONE.into()),
        };
        _ = writeln!(text, "| {} | {} | {size} | {} |", peer.name, cell(&found), peer.upstream);
    }
    text
}

/// Escapes a text for use in a table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn starts(view: View<'_>, figure: Figure, program: &str) -> String {
    let mut text = format!(
        "| runtime | mean ± s.d., ms | median | p99 | CPU, ms | peak, MiB | median ratio to {} (95 %) |\n\
        |---|---|---|---|---|---|---|\n",
        view.baseline
    );
    for row in view.rows(figure, program) {
        let Outcome::Measured { runs, .. } = &row.outcome else {
            _ = writeln!(text, "| {} | {} | | | | | |", row.peer, outcome(row));
            continue;
        };
        let times = view::times(runs);
        // Of so short a run the kernel cannot tell what is whose: the sum is all that is known.
        let cpu = view::cpu(runs).map_or(NONE.into(), |seconds| format!("{:.2}", seconds * 1e3));
        _ = writeln!(
            text,
            "| {}{} | {:.2} ± {:.2} | {:.2} | {:.2} | {cpu} | {} | {} |",
            row.peer,
            view.mark(row),
            times.mean * 1e3,
            times.deviation * 1e3,
            times.median * 1e3,
            times.p99 * 1e3,
            peak(runs),
            view.to_baseline(row).map_or(NONE.into(), interval),
        );
    }
    text
}

/// A ratio, with as many digits as mean something.
pub(super) fn factor(ratio: f64) -> String {
    format!("{ratio:.*}", digits(ratio))
}

fn digits(ratio: f64) -> usize {
    if ratio < 9.995 { 2 } else { 0 }
}

/// A ratio with its interval.
pub(super) fn interval(ratio: Median) -> String {
    let digits = digits(ratio.value);
    let (low, high) = ratio.interval;
    format!("{:.digits$} ({low:.digits$}–{high:.digits$})", ratio.value)
}

fn compute(view: View<'_>) -> String {
    let cell = |row: &Measurement, runs: &[Run], _: Option<u64>| match view.to_baseline(row) {
        Some(_) if view.is_baseline(row) => format!("{:.3} s{}", view::times(runs).median, view.mark(row)),
        Some(ratio) => format!("{}{}", interval(ratio), view.mark(row)),
        None => format!("{:.3} s", view::times(runs).median),
    };
    let table = by_program(view, Figure::Compute, cell);
    let mut lines = table.lines();
    let mut text =
        format!("{} geometric mean |\n{}---|\n", lines.next().unwrap_or(""), lines.next().unwrap_or(""));
    for line in lines {
        let peer = line.split('|').nth(1).unwrap_or("").trim();
        let mean = view.geometric(peer).map_or(NONE.into(), |mean| format!("{mean:.3}"));
        _ = writeln!(text, "{line} {mean} |");
    }
    text
}

/// What counting costs: a row per runtime that does, and a column per program. Nothing if none was measured.
pub(super) fn metering(view: View<'_>, cell: impl Fn(Median) -> String) -> String {
    let programs = view.programs(Figure::Compute);
    let mut text = String::new();
    for (peer, plain) in view::METERED {
        let view = view.against(plain);
        let Some(mean) = view.geometric(peer) else { continue };
        if text.is_empty() {
            _ = writeln!(text, "| metered | {} | geometric mean |", programs.join(" | "));
            _ = writeln!(text, "|---|{}---|", "---|".repeat(programs.len()));
        }
        let ratio = |program: &&str| view.to_baseline(view.row(Figure::Compute, program, peer)?);
        let cells = programs.iter().map(|program| ratio(program).map_or(NONE.into(), &cell));
        _ = writeln!(text, "| {peer} | {} | {} |", cells.collect::<Vec<_>>().join(" | "), factor(mean));
    }
    text
}

/// A table with a row per runtime and a column per program.
fn by_program(
    view: View<'_>,
    figure: Figure,
    cell: impl Fn(&Measurement, &[Run], Option<u64>) -> String,
) -> String {
    let programs = view.programs(figure);
    let title = |program: &&str| {
        let argument = view.rows(figure, program).next().map_or("", |row| &row.argument);
        format!(" {program} {argument} |")
    };
    let mut text = format!("| runtime |{}\n|---|", programs.iter().map(title).collect::<String>());
    text += &"---|".repeat(programs.len());
    text.push('\n');
    let measured =
        |peer: &&str| view.results.measurements.iter().any(|row| row.figure == figure && row.peer == **peer);
    let names = view.results.peers.iter().map(|peer| &peer.name[..]).filter(measured);
    for peer in names {
        let cells = programs.iter().map(|program| match view.row(figure, program, peer) {
            Some(row) => match &row.outcome {
                Outcome::Measured { runs, artifact } => format!(" {} |", cell(row, runs, *artifact)),
                _ => format!(" {} |", outcome(row)),
            },
            None => format!(" {NONE} |"),
        });
        _ = writeln!(text, "| {peer} |{}", cells.collect::<String>());
    }
    text
}

/// What a row says that has no figures.
fn outcome(row: &Measurement) -> String {
    match &row.outcome {
        Outcome::Measured { .. } => NONE.into(),
        Outcome::Failed(_) => "failed".into(),
        Outcome::SameAs(peer) => format!("same code as {peer}"),
        Outcome::Inapplicable(_) => "n/a".into(),
    }
}

fn instances(results: &Results) -> String {
    let mut text = "| guest | whose | minimum | p50 | p99 | p99.9 |\n|---|---|---|---|---|---|\n".to_string();
    for times in &results.instances {
        let [minimum, p50, p99, p999] =
            [times.minimum, times.p50, times.p99, times.p999].map(|time| time / 1e3);
        _ = writeln!(
            text,
            "| {} | {} | {minimum:.2} | {p50:.2} | {p99:.2} | {p999:.2} |",
            times.guest, times.side
        );
    }
    text
}

fn densities(results: &Results) -> String {
    let mut text = "| guest | whose | instances | KiB each | instances per GiB | mappings each |\n\
        |---|---|---|---|---|---|\n"
        .to_string();
    for Density { guest, side, count, taken } in &results.density {
        let columns = match taken {
            Taken::Measured { there, .. } => {
                let (bytes, mappings) = (there.bytes / 1024.0, there.mappings);
                format!("{bytes:.1} | {:.0} | {mappings:.1}", per_gib(*there))
            }
            Taken::Failed(reason) => format!("failed: {} | |", cell(reason)),
        };
        _ = writeln!(text, "| {guest} | {side} | {count} | {columns} |");
    }
    text
}

/// How many instances fit into a GiB.
fn per_gib(share: Share) -> f64 {
    f64::from(1 << 30) / share.bytes
}

/// Why rows have no figures.
fn remarks(results: &Results) -> String {
    let mut text = String::new();
    let failed = |outcome: &Outcome| match outcome {
        Outcome::Failed(message) => Some(message.clone()),
        _ => None,
    };
    let inapplicable = |outcome: &Outcome| match outcome {
        Outcome::Inapplicable(reason) => Some(reason.clone()),
        _ => None,
    };
    text += &suspicious(results);
    text += &list(results, "Failed", failed);
    text + &list(results, "Not applicable", inapplicable)
}

/// Code that was compiled ahead of time, if its times say something else.
fn suspicious(results: &Results) -> String {
    let rows = View { results, baseline: BASELINE }.suspicious();
    let line = |(row, ratio): (&Measurement, f64)| {
        format!("* {} on {}: {ratio:.0} times native; is it interpreted?\n", row.program, row.peer)
    };
    let lines: String = rows.into_iter().map(line).collect();
    if lines.is_empty() { lines } else { format!("\n### Suspicious\n\n{lines}") }
}

/// A line per runtime and reason, with the programs that it goes for.
fn list(results: &Results, title: &str, reason: impl Fn(&Outcome) -> Option<String>) -> String {
    let mut groups: Vec<(&str, String, Vec<&str>)> = Vec::new();
    for row in &results.measurements {
        let Some(reason) = reason(&row.outcome) else { continue };
        // The reasons of two programs differ by their names at least.
        let reason = reason.replace(&row.program, "PROGRAM");
        match groups.iter_mut().find(|group| group.0 == row.peer && group.1 == reason) {
            Some(group) => group.2.push(&row.program),
            None => groups.push((&row.peer, reason, vec![&row.program])),
        }
    }
    let line = |(peer, reason, programs): (&str, String, Vec<&str>)| {
        let reason = if let [program] = programs[..] { reason.replace("PROGRAM", program) } else { reason };
        format!("* {} on {peer}: {reason}\n", programs.join(", "))
    };
    let lines: String = groups.into_iter().map(line).collect();
    if lines.is_empty() { lines } else { format!("\n### {title}\n\n{lines}") }
}
