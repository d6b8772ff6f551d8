//! Results as pictures: SVG files that need nothing else.

use super::view::{self, View, distinct};
use plotters::coord::ranged1d::{IntoSegmentedCoord, SegmentValue};
use plotters::prelude::*;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use wasmaot_bench::results::{Figure, InstanceTimes, Outcome};

/// Width of all pictures, in pixels.
const WIDTH: u32 = 800;

/// Height of a runtime's line.
const LINE: u32 = 26;

/// What surrounds the lines.
const FRAME: u32 = 120;

/// How much further than the greatest ratio an axis reaches, so that there is room for the names of the programs.
const LEGEND: f64 = 4.0;

const OWN: RGBColor = RGBColor(0xd9, 0x5f, 0x02);
const OTHERS: RGBColor = RGBColor(0x80, 0x8d, 0x9e);
const COLOURS: [RGBColor; 9] = [
    RGBColor(0x1b, 0x9e, 0x77),
    RGBColor(0xd9, 0x5f, 0x02),
    RGBColor(0x75, 0x70, 0xb3),
    RGBColor(0xe7, 0x29, 0x8a),
    RGBColor(0x66, 0xa6, 0x1e),
    RGBColor(0xe6, 0xab, 0x02),
    RGBColor(0x1f, 0x78, 0xb4),
    RGBColor(0xa6, 0x76, 0x1d),
    RGBColor(0x50, 0x50, 0x50),
];

/// The pictures that the results are enough for, by name.
pub(super) fn all(view: View<'_>) -> io::Result<Vec<(&'static str, String)>> {
    let mut pictures = Vec::new();
    let starts = [
        ("nop", "cold-start", "Cold start: a program that does nothing, ms (median, log scale)"),
        ("cat-sync", "cat-sync", "cat-sync: a file copied from cold, ms (median, log scale)"),
    ];
    for (program, name, title) in starts {
        let bars = medians(view, program);
        if !bars.is_empty() {
            pictures.push((name, drawn(|area| draw_bars(area, title, &bars), bars.len())?));
        }
    }
    let ratios = ratios(view);
    if !ratios.is_empty() {
        pictures.push((
            "ratios",
            drawn(|area| draw_ratios(area, &ratios, view.baseline), runtimes(&ratios).len())?,
        ));
    }
    let nop = view.instances("nop");
    if !nop.is_empty() {
        pictures.push(("latency", drawn(|area| draw_histogram(area, &nop), 8)?));
    }
    Ok(pictures)
}

/// The picture of this name beside a file of results: `2026-11-24.json` has `2026-11-24-cold-start.svg`.
pub(super) fn path(file: &Path, name: &str) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}-{name}.svg"))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn drawn(draw: impl FnOnce(&Area<'_>) -> Drawn, lines: usize) -> io::Result<String> {
    let mut picture = String::new();
    let area =
        SVGBackend::with_string(&mut picture, (WIDTH, FRAME + LINE * lines as u32)).into_drawing_area();
    let result =
        area.fill(&WHITE).map_err(Into::into).and_then(|()| draw(&area)).and_then(|()| Ok(area.present()?));
    drop(area);
    result.map_err(|error| io::Error::other(format!("a picture cannot be drawn: {error}")))?;
    Ok(picture)
}

/// Median wall time of a program on each runtime, in milliseconds.
fn medians(view: View<'_>, program: &str) -> Vec<(String, f64)> {
    let measured = view.rows(Figure::Start, program).filter_map(|row| match &row.outcome {
        Outcome::Measured { runs, .. } => Some((row.peer.clone(), view::times(runs).median * 1e3)),
        _ => None,
    });
    measured.collect()
}

/// Powers of ten around these values.
fn decades(values: impl Iterator<Item = f64> + Clone) -> Range<f64> {
    let low = values.clone().fold(f64::INFINITY, f64::min).log10().floor();
    let high = values.fold(f64::NEG_INFINITY, f64::max).log10();
    10f64.powf(low)..10f64.powf(high.ceil().max(low + 1.0))
}

fn name_of(names: &[&str], segment: &SegmentValue<usize>) -> String {
    match segment {
        SegmentValue::CenterOf(at) => names.get(*at).copied().unwrap_or("").to_string(),
        _ => String::new(),
    }
}

fn colour(runtime: &str) -> RGBColor {
    if runtime.starts_with("wasmaot") { OWN } else { OTHERS }
}

fn draw_bars(area: &Area<'_>, title: &str, bars: &[(String, f64)]) -> Drawn {
    let range = decades(bars.iter().map(|(_, value)| *value));
    let names: Vec<&str> = bars.iter().rev().map(|(name, _)| &name[..]).collect();
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 16))
        .margin(14)
        .x_label_area_size(28)
        .y_label_area_size(110)
        .build_cartesian_2d(range.clone().log_scale(), (0..names.len()).into_segmented())?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(names.len() + 1)
        .y_label_formatter(&|segment| name_of(&names, segment))
        .x_label_formatter(&|value| format!("{value}"))
        .draw()?;
    for (at, (name, value)) in bars.iter().rev().enumerate() {
        let corners = [(range.start, SegmentValue::Exact(at)), (*value, SegmentValue::Exact(at + 1))];
        let mut bar = Rectangle::new(corners, colour(name).filled());
        bar.set_margin(4, 4, 0, 0);
        chart.draw_series(std::iter::once(bar))?;
        let label = (*value, SegmentValue::CenterOf(at));
        let text = if *value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") };
        chart.draw_series(std::iter::once(
            EmptyElement::at(label) + Text::new(text, (4, -6), ("sans-serif", 13)),
        ))?;
    }
    Ok(())
}

/// A runtime's ratio to the baseline, for one program.
struct Point {
    runtime: String,
    program: String,
    value: f64,
    interval: (f64, f64),
}

fn ratios(view: View<'_>) -> Vec<Point> {
    let all = view.programs(Figure::Compute);
    let rows = all.into_iter().flat_map(|program| view.rows(Figure::Compute, program));
    let measured = rows.filter(|row| matches!(row.outcome, Outcome::Measured { .. }));
    let points = measured.filter(|row| row.peer != view.baseline).filter_map(|row| {
        let ratio = view.to_baseline(row)?;
        let (runtime, program) = (row.peer.clone(), row.program.clone());
        Some(Point { runtime, program, value: ratio.value, interval: ratio.interval })
    });
    points.collect()
}

fn runtimes(points: &[Point]) -> Vec<&str> {
    distinct(points.iter().map(|point| &point.runtime[..]))
}

fn draw_ratios(area: &Area<'_>, points: &[Point], baseline: &str) -> Drawn {
    let (mut names, programs) = (runtimes(points), distinct(points.iter().map(|point| &point.program[..])));
    names.reverse();
    let values = points.iter().flat_map(|point| [point.interval.0, point.interval.1]);
    let (low, high) = (values.clone().fold(0.9, f64::min), values.fold(1.1, f64::max));
    let mut chart = ChartBuilder::on(area)
        .caption(format!("Wall time as a multiple of {baseline} (log scale)"), ("sans-serif", 16))
        .margin(14)
        .x_label_area_size(28)
        .y_label_area_size(110)
        .build_cartesian_2d((low * 0.95..high * LEGEND).log_scale(), (0..names.len()).into_segmented())?;
    chart
        .configure_mesh()
        .y_labels(names.len() + 1)
        .y_label_formatter(&|segment| name_of(&names, segment))
        .x_label_formatter(&|value| format!("{value:.2}"))
        .draw()?;
    let height = names.len();
    let one = [(1.0, SegmentValue::Exact(0)), (1.0, SegmentValue::Exact(height))];
    chart.draw_series(LineSeries::new(one, BLACK))?;
    for (number, program) in programs.iter().enumerate() {
        let (colour, offset) = (COLOURS[number % COLOURS.len()], number as i32 * 2 - 8);
        let of_program = points.iter().filter(|point| point.program == *program);
        let marks = of_program.filter_map(|point| {
            let at = names.iter().position(|name| *name == point.runtime)?;
            Some(
                EmptyElement::at((point.value, SegmentValue::CenterOf(at)))
                    + Circle::new((0, offset), 4, colour.filled()),
            )
        });
        let mark = move |(x, y)| Circle::new((x + 8, y), 4, colour.filled());
        chart.draw_series(marks)?.label(*program).legend(mark);
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(OTHERS).draw()?;
    Ok(())
}

fn draw_histogram(area: &Area<'_>, sides: &[&InstanceTimes]) -> Drawn {
    let micros = |nanos: f64| nanos / 1e3;
    let bounds = sides.iter().flat_map(|side| side.histogram.iter().map(move |(bound, _)| micros(*bound)));
    let share = |side: &InstanceTimes, count: usize| count as f64 / side.count as f64 * 100.0;
    let highest =
        sides.iter().flat_map(|side| side.histogram.iter().map(move |(_, count)| share(side, *count)));
    let mut chart = ChartBuilder::on(area)
        .caption(
            "nop in one process: start + call + finish, µs (log scale), share of instances, %",
            ("sans-serif", 16),
        )
        .margin(14)
        .x_label_area_size(28)
        .y_label_area_size(40)
        .build_cartesian_2d(decades(bounds).log_scale(), 0.0..highest.fold(0.0, f64::max) * 1.05)?;
    chart.configure_mesh().x_label_formatter(&|value| format!("{value}")).draw()?;
    for (number, side) in sides.iter().enumerate() {
        let colour = COLOURS[(number + 1) % COLOURS.len()];
        let points = side.histogram.iter().map(|&(bound, count)| (micros(bound), share(side, count)));
        let mark = move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2));
        chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?.label(&side.side).legend(mark);
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(OTHERS).draw()?;
    Ok(())
}
