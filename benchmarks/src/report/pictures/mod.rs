//! Results as pictures: SVG files that need nothing else, each for light and for dark pages.
//!
//! **Invariant: nothing is drawn that was not measured**: a runtime without a figure has no line.

mod svg;

use super::view::{NATIVE, View};
use std::io;
use std::path::{Path, PathBuf};
use svg::{Anchor, LogAxis, Svg, THEMES, Theme, WIDTH};
use wasmaot_bench::results::{Figure, InstanceTimes, Outcome, Results, Run};
use wasmaot_bench::stats::quantile;

/// What is above the first line: the title and the source.
const HEAD: f64 = 66.0;

/// What is below the last line: the axis' labels and its title.
const FOOT: f64 = 50.0;

/// Height of a runtime's line.
const LINE: f64 = 22.0;

/// Where the lines begin, behind the names of the runtimes.
const LEFT: f64 = 150.0;

/// The pictures that the results are enough for, by name.
pub(super) fn all(view: View<'_>) -> Vec<(String, String)> {
    THEMES.iter().flat_map(|theme| for_page(view, theme)).collect()
}

fn for_page(view: View<'_>, theme: &Theme) -> Vec<(String, String)> {
    let starts = [
        ("nop", "cold-start", "Cold start: a program that does nothing"),
        ("cat-sync", "cat-sync", "Cold start: a program that copies a file"),
        ("burst", "burst", "A hundred cold starts at once"),
    ];
    let mut pictures = Vec::new();
    for (figure, program) in view.starts() {
        let known = starts.iter().find(|(name, ..)| *name == program);
        if let Some((_, name, title)) = known {
            pictures.extend(starts_of(view, theme, figure, program, title).map(|picture| (*name, picture)));
        }
    }
    pictures.extend(ratios(view, theme).map(|picture| ("ratios", picture)));
    pictures.extend(latencies(view, theme).map(|picture| ("latency", picture)));
    pictures.into_iter().map(|(name, picture)| (format!("{name}{}", theme.suffix), picture)).collect()
}

/// The picture of this name beside a file of results: `2026-11-24.json` has `2026-11-24-cold-start.svg`.
pub(super) fn path(file: &Path, name: &str) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}-{name}.svg"))
}

/// Writes all pictures beside a file of results.
pub(super) fn write(view: View<'_>, file: &Path) -> io::Result<()> {
    all(view).into_iter().try_for_each(|(name, picture)| std::fs::write(path(file, &name), picture))
}

/// When and on what the results were measured.
fn source(results: &Results) -> String {
    let machine = &results.machine;
    let noise = if results.noise.is_empty() { "" } else { " · noisy" };
    let date = results.date.get(..10).unwrap_or(&results.date);
    format!("{date} · {} × {} · Linux {}{noise}", machine.cores, machine.cpu, machine.kernel)
}

fn colour<'t>(theme: &'t Theme, runtime: &str) -> &'t str {
    match runtime.split(' ').next() {
        Some("wasmaot") => theme.own,
        Some("native") => theme.native,
        _ => theme.others,
    }
}

/// A time, with as many digits as mean something.
fn millis(time: f64) -> String {
    let digits = match time {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{time:.digits$}")
}

/// Median wall times of a program as dots, with lines from the tenth to the ninetieth percentile. None if
/// nothing was measured.
fn starts_of(view: View<'_>, theme: &Theme, figure: Figure, program: &str, title: &str) -> Option<String> {
    let measured = view.rows(figure, program).filter_map(|row| match &row.outcome {
        Outcome::Measured { runs, .. } => Some((&row.peer[..], walls(runs), view.mark(row).is_empty())),
        _ => None,
    });
    let mut rows: Vec<(&str, Vec<f64>, bool)> = measured.collect();
    rows.sort_by(|a, b| quantile(&a.1, 0.5).total_cmp(&quantile(&b.1, 0.5)));
    if rows.is_empty() {
        return None;
    }
    let bottom = HEAD + LINE * rows.len() as f64;
    let mut svg = Svg::new(theme, bottom + FOOT, title, &source(view.results));
    let ends = rows.iter().flat_map(|(_, times, _)| [quantile(times, 0.1), quantile(times, 0.9)]);
    let axis = LogAxis::around(ends.collect::<Vec<_>>().into_iter(), LEFT, WIDTH - 80.0);
    axis.draw(
        &mut svg,
        theme,
        (HEAD, bottom),
        "wall time of whole processes, ms (log scale): median, 10 % to 90 %",
    );
    for (number, (runtime, times, is_certain)) in rows.iter().enumerate() {
        let y = HEAD + LINE * (number as f64 + 0.5);
        let (colour, median) = (colour(theme, runtime), quantile(times, 0.5));
        svg.text(LEFT - 10.0, y + 4.0, runtime, theme.ink, 12.5, Anchor::End, colour == theme.own);
        let [low, high] = [0.1, 0.9].map(|share| axis.at(quantile(times, share)));
        svg.line((low, y), (high, y), colour, 2.0);
        svg.dot((axis.at(median), y), colour, theme.page, *is_certain);
        let label = high.max(axis.at(median)) + 10.0;
        svg.text(label, y + 4.0, &millis(median), theme.ink, 12.0, Anchor::Start, false);
    }
    Some(svg.finish())
}

/// Wall times in milliseconds, from the least to the greatest.
fn walls(runs: &[Run]) -> Vec<f64> {
    let mut walls: Vec<f64> = runs.iter().map(|run| run.wall as f64 / 1e6).collect();
    walls.sort_by(f64::total_cmp);
    walls
}

/// Ratios as a table of colours: a row for each runtime, a column for each program and one for their
/// geometric mean.
fn ratios(view: View<'_>, theme: &Theme) -> Option<String> {
    let programs = view.programs(Figure::Compute);
    let cells = |peer: &str| -> Vec<Option<f64>> {
        let ratio = |program: &&str| Some(view.to_baseline(view.row(Figure::Compute, program, peer)?)?.value);
        programs.iter().map(ratio).chain([view.geometric(peer)]).collect()
    };
    let peers = view.results.peers.iter().map(|peer| (&peer.name[..], cells(&peer.name)));
    let rows: Vec<(&str, Vec<Option<f64>>)> =
        peers.filter(|(peer, cells)| *peer != view.baseline && cells.iter().any(Option::is_some)).collect();
    if rows.is_empty() {
        return None;
    }
    let (names, top) = (100.0, HEAD + 86.0);
    let width = (WIDTH - LEFT - names / 2.0) / (programs.len() + 1) as f64;
    let title = format!("Wall time as a multiple of {}", described(view));
    let mut svg = Svg::new(theme, top + LINE * rows.len() as f64 + 16.0, &title, &source(view.results));
    for (column, program) in programs.iter().chain([&"geometric mean"]).enumerate() {
        let x = LEFT + width * (column as f64 + 0.5);
        svg.rising(x, top - 8.0, program, theme.ink, 12.0);
    }
    for (row, (runtime, cells)) in rows.iter().enumerate() {
        let y = top + LINE * row as f64;
        let is_own = colour(theme, runtime) == theme.own;
        svg.text(LEFT - 10.0, y + 15.0, runtime, theme.ink, 12.5, Anchor::End, is_own);
        for (column, ratio) in cells.iter().enumerate() {
            let Some(ratio) = ratio else { continue };
            let x = LEFT + width * column as f64;
            svg.rect(x + 0.5, y + 0.5, width - 1.0, LINE - 1.0, &shade(theme, *ratio));
            let text = if *ratio < 9.95 { format!("{ratio:.2}") } else { format!("{ratio:.0}") };
            svg.text(
                x + width / 2.0,
                y + 15.0,
                &text,
                theme.ink,
                (width / 2.9).min(12.0),
                Anchor::Middle,
                column == programs.len(),
            );
        }
    }
    Some(svg.finish())
}

fn described(view: View<'_>) -> String {
    if view.baseline == NATIVE[0] && view.has_measured(NATIVE[1]) {
        "native code, by the faster compiler for the same CPU".into()
    } else {
        view.baseline.into()
    }
}

/// The colour of a ratio: from half to one to twice, in logarithms.
fn shade(theme: &Theme, ratio: f64) -> String {
    let share = ratio.log2().clamp(-1.0, 1.0);
    let (to, from) = (if share < 0.0 { theme.scale[0] } else { theme.scale[2] }, theme.scale[1]);
    let mix = |from: f64, to: f64| (from + (to - from) * share.abs()).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

/// Latencies of an instance that does nothing, as lines of shares by bucket.
fn latencies(view: View<'_>, theme: &Theme) -> Option<String> {
    const HEIGHT: f64 = 200.0;
    const DASHES: [&str; 4] = ["", "7 3", "2 3", "8 3 2 3"];
    let sides = view.instances("nop");
    if sides.is_empty() {
        return None;
    }
    let top = HEAD + 20.0 * sides.len() as f64 + 8.0;
    let mut svg = Svg::new(
        theme,
        top + HEIGHT + FOOT,
        "An instance in one process: started, called and finished",
        &source(view.results),
    );
    let bounds = sides.iter().flat_map(|side| side.histogram.iter().map(|(bound, _)| bound / 1e3));
    let axis = LogAxis::around(bounds.collect::<Vec<_>>().into_iter(), LEFT / 2.0, WIDTH - 30.0);
    axis.draw(&mut svg, theme, (top, top + HEIGHT), "time, µs (log scale)");
    let highest = sides.iter().flat_map(|side| side.histogram.iter().map(|(_, count)| share(side, *count)));
    let highest = highest.fold(0.0, f64::max).max(1.0);
    let height = |percent: f64| top + HEIGHT * (1.0 - percent / highest / 1.05);
    for step in 0..=4 {
        let percent = highest * f64::from(step) / 4.0;
        let y = height(percent);
        svg.line((LEFT / 2.0, y), (WIDTH - 30.0, y), theme.grid, 1.0);
        svg.text(
            LEFT / 2.0 - 8.0,
            y + 4.0,
            &format!("{percent:.0} %"),
            theme.muted,
            12.0,
            Anchor::End,
            false,
        );
    }
    let mut others = 0;
    for (number, side) in sides.iter().enumerate() {
        let colour = colour(theme, if side.side.starts_with("wasmaot") { "wasmaot" } else { "other" });
        others += usize::from(colour != theme.own);
        let dashes = DASHES[if colour == theme.own { number } else { others - 1 } % DASHES.len()];
        let points: Vec<(f64, f64)> = side
            .histogram
            .iter()
            .map(|&(bound, count)| (axis.at(bound / 1e3), height(share(side, count))))
            .collect();
        svg.path(&points, colour, dashes);
        let y = HEAD + 20.0 * number as f64;
        svg.path(&[(LEFT / 2.0, y), (LEFT / 2.0 + 34.0, y)], colour, dashes);
        let label =
            format!("{}, median {:.2} µs (share of instances by bucket, %)", side.side, side.p50 / 1e3);
        svg.text(LEFT / 2.0 + 42.0, y + 4.0, &label, theme.ink, 12.0, Anchor::Start, false);
    }
    Some(svg.finish())
}

/// Of all instances, in percent.
fn share(side: &InstanceTimes, count: usize) -> f64 {
    count as f64 / side.count as f64 * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of an attribute, in the order in which they stand.
    fn numbers(picture: &str, element: &str, attribute: &str) -> Vec<f64> {
        let elements = picture.lines().filter(|line| line.starts_with(element));
        let value = |line: &str| line.split(attribute).nth(1)?.split('"').next()?.parse().ok();
        elements.filter_map(value).collect()
    }

    #[test]
    fn what_was_not_measured_has_no_line_and_nothing_leaves_the_picture() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/2026-11-24.json");
        let results = Results::read(&file).expect("the file is there");
        let view = View { results: &results, baseline: NATIVE[0] };
        let pictures = all(view);
        let names: Vec<&str> = pictures.iter().map(|(name, _)| &name[..]).collect();
        assert_eq!(names[..4], ["cold-start", "cat-sync", "ratios", "latency"]);
        assert_eq!(names[4..], ["cold-start-dark", "cat-sync-dark", "ratios-dark", "latency-dark"]);
        for (name, picture) in &pictures {
            assert!(!picture.contains("wavm") && !picture.contains("NaN"), "{name}");
            assert!(picture.contains("2026-11-24") && picture.contains("AMD EPYC"), "{name}");
            for attribute in ["x=\"", "cx=\"", "x2=\""] {
                let places =
                    ["<text", "<circle", "<line"].map(|element| numbers(picture, element, attribute));
                assert!(places.iter().flatten().all(|&x| (0.0..=WIDTH).contains(&x)), "{name} {attribute}");
            }
        }
    }

    #[test]
    fn the_axis_is_logarithmic() {
        let axis = LogAxis::around([1.0, 10.0, 100.0].into_iter(), 0.0, 100.0);
        assert!((axis.at(10.0) - axis.at(1.0) - (axis.at(100.0) - axis.at(10.0))).abs() < 1e-9);
    }
}
