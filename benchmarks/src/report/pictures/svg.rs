//! What pictures are drawn with: SVG text, shapes, a logarithmic axis, and the colours of a light and a dark
//! page.
//!
//! **Invariant: a picture needs nothing else**, no font and no style of the page that shows it.

use std::fmt::Write;

/// Width of all pictures, in pixels: that of a README.
pub(super) const WIDTH: f64 = 830.0;

/// Colours for one kind of page.
pub(super) struct Theme {
    /// Ends the name of its files.
    pub(super) suffix: &'static str,
    pub(super) page: &'static str,
    pub(super) ink: &'static str,
    /// Of what is beside the point.
    pub(super) muted: &'static str,
    pub(super) grid: &'static str,
    /// Of wasmaot.
    pub(super) own: &'static str,
    /// Colour of native code.
    pub(super) native: &'static str,
    /// Of all others.
    pub(super) others: &'static str,
    /// Faster and slower than what is compared with, and as fast, in red, green and blue.
    pub(super) scale: [(f64, f64, f64); 3],
}

pub(super) const THEMES: [Theme; 2] = [
    Theme {
        suffix: "",
        page: "#ffffff",
        ink: "#1f2328",
        muted: "#59636e",
        grid: "#d8dee4",
        own: "#bc4c00",
        native: "#1a7f37",
        others: "#6e7781",
        scale: [(66.0, 146.0, 198.0), (246.0, 246.0, 246.0), (220.0, 100.0, 60.0)],
    },
    Theme {
        suffix: "-dark",
        page: "#0d1117",
        ink: "#e6edf3",
        muted: "#9198a1",
        grid: "#30363d",
        own: "#f0883e",
        native: "#3fb950",
        others: "#8b949e",
        scale: [(38.0, 100.0, 160.0), (33.0, 38.0, 45.0), (170.0, 70.0, 35.0)],
    },
];

/// Where a text stands from its point.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture that is being drawn.
pub(super) struct Svg {
    body: String,
    height: f64,
}

impl Svg {
    /// An empty picture with a title and what it was measured on.
    pub(super) fn new(theme: &Theme, height: f64, title: &str, source: &str) -> Self {
        let mut svg = Self { body: String::new(), height };
        svg.rect(0.0, 0.0, WIDTH, height, theme.page);
        svg.text(16.0, 26.0, title, theme.ink, 16.0, Anchor::Start, true);
        svg.text(16.0, 46.0, source, theme.muted, 12.0, Anchor::Start, false);
        svg
    }

    #[expect(clippy::too_many_arguments, reason = "a text has a place, a look and a side")]
    pub(super) fn text(
        &mut self,
        x: f64,
        y: f64,
        text: &str,
        fill: &str,
        size: f64,
        anchor: Anchor,
        bold: bool,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if bold { " font-weight=\"600\"" } else { "" };
        _ = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{fill}\" font-size=\"{size}\" text-anchor=\"{anchor}\"{weight}>{}</text>",
            escaped(text)
        );
    }

    /// A text that rises from its point.
    pub(super) fn rising(&mut self, x: f64, y: f64, text: &str, fill: &str, size: f64) {
        _ = writeln!(
            self.body,
            "<text transform=\"translate({x:.1} {y:.1}) rotate(-50)\" fill=\"{fill}\" font-size=\"{size}\">{}</text>",
            escaped(text)
        );
    }

    pub(super) fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, fill: &str) {
        let place = format!("x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"");
        _ = writeln!(self.body, "<rect {place} fill=\"{fill}\"/>");
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: &str, width: f64) {
        let ends = format!("x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"", from.0, from.1, to.0, to.1);
        _ = writeln!(self.body, "<line {ends} stroke=\"{stroke}\" stroke-width=\"{width}\"/>");
    }

    /// A line through points.
    pub(super) fn path(&mut self, points: &[(f64, f64)], stroke: &str, dashes: &str) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let look =
            format!("fill=\"none\" stroke=\"{stroke}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"");
        _ = writeln!(self.body, "<polyline points=\"{}\" {look}/>", points.join(" "));
    }

    /// A dot, or a ring for what is uncertain.
    pub(super) fn dot(&mut self, (x, y): (f64, f64), colour: &str, page: &str, is_certain: bool) {
        let fill = if is_certain { colour } else { page };
        _ = writeln!(
            self.body,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
        );
    }

    pub(super) fn finish(self) -> String {
        let (height, body) = (self.height, self.body);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"system-ui, 'DejaVu Sans', sans-serif\">\n{body}</svg>\n"
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A logarithmic axis from left to right.
pub(super) struct LogAxis {
    low: f64,
    high: f64,
    left: f64,
    right: f64,
}

impl LogAxis {
    /// From below the least of these values to above the greatest.
    pub(super) fn around(values: impl Iterator<Item = f64> + Clone, left: f64, right: f64) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let greatest = values.fold(f64::MIN_POSITIVE, f64::max);
        Self { low: least / 1.4, high: greatest.max(least * 3.0) * 1.25, left, right }
    }

    /// Where a value lies.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = (value / self.low).ln() / (self.high / self.low).ln();
        self.left + share * (self.right - self.left)
    }

    /// Lines for the powers of ten, with those between them where there are few, and the axis' title below.
    pub(super) fn draw(&self, svg: &mut Svg, theme: &Theme, (top, bottom): (f64, f64), title: &str) {
        let steps: &[f64] = match (self.high / self.low).log10() {
            ..1.5 => &[1.0, 2.0, 3.0, 5.0],
            1.5..3.0 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let powers = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        for value in powers.flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power))) {
            if (self.low..=self.high).contains(&value) {
                let (x, label) = (self.at(value), format!("{}", (value * 1e6).round() / 1e6));
                svg.line((x, top), (x, bottom), theme.grid, 1.0);
                svg.text(x, bottom + 17.0, &label, theme.muted, 12.0, Anchor::Middle, false);
            }
        }
        let middle = (self.left + self.right) / 2.0;
        svg.text(middle, bottom + 37.0, title, theme.ink, 12.5, Anchor::Middle, false);
    }
}
