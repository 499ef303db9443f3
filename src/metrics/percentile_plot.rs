//! Latency percentiles as one SVG picture: `latency.svg`.
//!
//! Purpose: percentiles to the right on the scale of HdrHistogram's plots (every decade is another nine), latency upwards on a logarithmic scale, a line per
//! road and kind: colours tell roads, dashes kinds. A line is the exact step function of what was recorded and ends, in a dot, at its
//! greatest value. Non-goals: interaction; other pictures.
//!
//! Invariants: self-contained (no scripts, no fonts, nothing fetched), readable on white and on black, at most [`LINES_MAX`] lines and a bounded
//! number of points each; the same latencies give the same bytes.

use std::fmt::{self, Write};

use super::histogram::Latency;
use super::roads::LatencyKind;
use crate::time::SimDuration;

/// Lines in a picture; the legend counts the others.
const LINES_MAX: usize = 12;
/// Colours, by road; more roads begin anew. The first two are drawn broader, so that they show behind what covers them.
const COLOURS: usize = 6;
/// Nines on the right end, at most: 99.99999 %.
const DECADES_MAX: f64 = 7.0;

// The picture, in its own units. Paper is white or nearly black, as the reader's system prefers.
const WIDTH: f64 = 1_000.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 690.0;
const TOP: f64 = 64.0;
const PLOT_HEIGHT: f64 = 360.0;
const BELOW: f64 = 56.0;
const LEGEND_ROW: f64 = 38.0;
/// Points nearer than this share one.
const RESOLUTION: f64 = 0.5;
/// Characters of the title that fit.
const TITLE_CHARS_MAX: usize = 90;

const STYLE: &str = "\
.paper{fill:#fff}text{fill:#1f2328;font:13px system-ui,sans-serif}.title{font-size:16px;font-weight:600}.faint{fill:#59636e;font-size:12px}\
.grid{stroke:#d8dee4;stroke-width:1}.fine{stroke:#eef1f4;stroke-width:1}.axis{stroke:#59636e;stroke-width:1}\
.line{fill:none;stroke-width:2;stroke-linejoin:round}.dash{stroke-dasharray:7 4}\
.c0{color:#0066b3}.c1{color:#c44900}.c2{color:#00785a}.c3{color:#a63a79}.c4{color:#8a6100}.c5{color:#5b4bc4}\
.line{stroke:currentColor}.dot{fill:currentColor}.c0{stroke-width:5}.c1{stroke-width:3.5}\
@media(prefers-color-scheme:dark){.paper{fill:#14171c}text{fill:#e6edf3}.faint{fill:#9aa6b2}.grid{stroke:#343b44}.fine{stroke:#20252c}.axis{stroke:#9aa6b2}\
.c0{color:#58b4f5}.c1{color:#ff9550}.c2{color:#3fd0a0}.c3{color:#f291c8}.c4{color:#e3b23c}.c5{color:#a99cff}}";

/// The picture of some histograms; `None` if there is nothing to show.
pub(super) fn svg<'a>(
    title: &str,
    latencies: impl Iterator<Item = (&'a str, LatencyKind, &'a Latency)>,
) -> Option<String> {
    let all: Vec<_> = latencies.filter(|(.., latency)| latency.count() > 0).collect();
    let shown = &all[..all.len().min(LINES_MAX)];
    let scale = Scale::of(shown.iter().map(|(.., latency)| *latency))?;
    let mut text = String::new();
    draw(&mut text, title, shown, all.len() - shown.len(), &scale).expect("writing to a String cannot fail");
    Some(text)
}

/// From percentiles and latencies to places in the picture.
struct Scale {
    decades: f64,
    /// Exponents of ten, of nanoseconds.
    lowest: f64,
    highest: f64,
}

impl Scale {
    fn of<'a>(latencies: impl Iterator<Item = &'a Latency>) -> Option<Self> {
        let summaries: Vec<_> = latencies.map(Latency::summary).collect();
        let least_ns = summaries.iter().map(|summary| summary.min_ns).min()?.max(1);
        let greatest_ns = summaries.iter().map(|summary| summary.max_ns).max()?.max(1);
        let count = summaries.iter().map(|summary| summary.count).max()?;
        let lowest_ns = round_values().take_while(|value| *value <= least_ns).last().unwrap_or(1);
        // Half a decade at least, or three equal latencies would look like a catastrophe.
        let highest_ns = round_values().find(|value| *value >= greatest_ns.max(lowest_ns.saturating_mul(5)));
        Some(Scale {
            decades: (count as f64).log10().ceil().clamp(1.0, DECADES_MAX),
            lowest: (lowest_ns as f64).log10(),
            highest: (highest_ns.unwrap_or(u64::MAX) as f64).log10(),
        })
    }

    /// Where the share of latencies stands that `quantile` is.
    fn x(&self, quantile: f64) -> f64 {
        let nines = -(1.0 - quantile).max(f64::MIN_POSITIVE).log10();
        LEFT + nines.min(self.decades) / self.decades * (RIGHT - LEFT)
    }

    fn y(&self, value_ns: u64) -> f64 {
        let share = ((value_ns.max(1) as f64).log10() - self.lowest) / (self.highest - self.lowest);
        TOP + PLOT_HEIGHT * (1.0 - share)
    }

    fn values(&self) -> impl Iterator<Item = u64> {
        let exponent = |value: u64| (value as f64).log10();
        let (lowest, highest) = (self.lowest - 1e-9, self.highest + 1e-9);
        round_values().filter(move |value| (lowest..=highest).contains(&exponent(*value)))
    }
}

/// 1, 2, 5, 10, 20, 50 and so on, up to 5 * 10^18.
fn round_values() -> impl Iterator<Item = u64> {
    (0..19).flat_map(|exponent| [1, 2, 5].map(|digit| digit * 10u64.pow(exponent)))
}

type Line<'a> = (&'a str, LatencyKind, &'a Latency);

fn draw(out: &mut String, title: &str, lines: &[Line<'_>], hidden_count: usize, scale: &Scale) -> fmt::Result {
    let legend_bottom = TOP + LEGEND_ROW * (lines.len() as f64 + 1.0);
    let height = (TOP + PLOT_HEIGHT + BELOW).max(legend_bottom);
    let title = escaped(title);
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\">"
    )?;
    writeln!(out, "<title>{title}</title>")?;
    writeln!(out, "<desc>Latency by percentile, one line per road and kind</desc>")?;
    writeln!(out, "<style>{STYLE}</style>")?;
    writeln!(out, "<rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\"/>")?;
    writeln!(out, "<text class=\"title\" x=\"20\" y=\"28\">{title}</text>")?;
    writeln!(
        out,
        "<text class=\"faint\" x=\"20\" y=\"47\">latency by percentile; both axes logarithmic; a dot is the greatest value</text>"
    )?;
    axes(out, scale)?;
    let mut road_number = 0;
    for (position, line) in lines.iter().enumerate() {
        if position > 0 && lines[position - 1].0 != line.0 {
            road_number += 1;
        }
        let class = format!("c{}", road_number % COLOURS);
        curve(out, scale, &class, line)?;
        legend(out, TOP + LEGEND_ROW * position as f64 + 8.0, &class, line)?;
    }
    if hidden_count > 0 {
        let y = TOP + LEGEND_ROW * lines.len() as f64 + 12.0;
        writeln!(
            out,
            "<text class=\"faint\" x=\"{:.1}\" y=\"{y:.1}\">{hidden_count} more in .hgrm files</text>",
            RIGHT + 24.0
        )?;
    }
    writeln!(out, "</svg>")
}

fn axes(out: &mut String, scale: &Scale) -> fmt::Result {
    let bottom = TOP + PLOT_HEIGHT;
    let is_wide = scale.highest - scale.lowest > 2.4;
    for value_ns in scale.values() {
        let y = scale.y(value_ns);
        let is_power_of_ten = value_ns.to_string().starts_with('1');
        let class = if is_power_of_ten || !is_wide { "grid" } else { "fine" };
        writeln!(out, "<path class=\"{class}\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>")?;
        if class == "grid" {
            let (x, y, label) = (LEFT - 8.0, y + 4.0, round_duration(value_ns));
            writeln!(out, "<text class=\"faint\" x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{label}</text>")?;
        }
    }
    let nines = (1..=scale.decades as usize).map(|nines| 1.0 - 10f64.powi(-(nines as i32)));
    for quantile in [0.0, 0.5].into_iter().chain(nines) {
        // Near the beginning of a long scale there is no room for the median's label.
        if quantile == 0.5 && scale.decades > 5.0 {
            continue;
        }
        let (x, y) = (scale.x(quantile), bottom + 18.0);
        writeln!(out, "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom}\"/>")?;
        let label = percent(quantile);
        writeln!(out, "<text class=\"faint\" x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{label}</text>")?;
    }
    let (x, y) = ((LEFT + RIGHT) / 2.0, bottom + 40.0);
    writeln!(out, "<text class=\"faint\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">percentile</text>")?;
    writeln!(out, "<path class=\"axis\" fill=\"none\" d=\"M{LEFT} {TOP}V{bottom}H{RIGHT}\"/>")
}

fn curve(out: &mut String, scale: &Scale, class: &str, (_, kind, latency): &Line<'_>) -> fmt::Result {
    let summary = latency.summary();
    let end_x = scale.x(1.0 - 1.0 / summary.count as f64);
    let mut x = scale.x(0.0);
    let mut y = scale.y(summary.min_ns);
    write!(out, "<path class=\"line {class}{}\" d=\"M{x:.1} {y:.1}", dash(*kind))?;
    let mut until_x = x;
    for (value_ns, quantile) in latency.steps() {
        let value_y = scale.y(value_ns);
        if (value_y - y).abs() >= RESOLUTION {
            if until_x - x >= RESOLUTION {
                write!(out, "H{until_x:.1}")?;
                x = until_x;
            }
            // Steps that fall into one place are one: its foot and its head.
            write!(out, "V{value_y:.1}")?;
            y = value_y;
        }
        until_x = scale.x(quantile).min(end_x);
    }
    writeln!(out, "H{end_x:.1}V{:.1}\"/>", scale.y(summary.max_ns))?;
    let top = scale.y(summary.max_ns);
    writeln!(out, "<circle class=\"dot {class}\" cx=\"{end_x:.1}\" cy=\"{top:.1}\" r=\"3.5\"/>")
}

fn legend(out: &mut String, y: f64, class: &str, (road, kind, latency): &Line<'_>) -> fmt::Result {
    let (x, text_x) = (RIGHT + 24.0, RIGHT + 62.0);
    writeln!(out, "<path class=\"line {class}{}\" d=\"M{x} {y}h30\"/>", dash(*kind))?;
    let name = escaped(&format!("{} {}", shortened(road, 20), kind.as_str()));
    writeln!(out, "<text x=\"{text_x}\" y=\"{}\">{name}</text>", y + 4.0)?;
    let [p50, p99] = [0.5, 0.99].map(|quantile| latency.quantile(quantile));
    let figures = format!("p50 {p50}, p99 {p99}, n {}", latency.count());
    writeln!(out, "<text class=\"faint\" x=\"{text_x}\" y=\"{}\">{figures}</text>", y + 19.0)
}

fn dash(kind: LatencyKind) -> &'static str {
    match kind {
        LatencyKind::OneWay => "",
        LatencyKind::RoundTrip => " dash",
    }
}

/// `0 %`, `50 %`, `99.9 %`.
fn percent(quantile: f64) -> String {
    let digits = format!("{:.5}", quantile * 100.0);
    format!("{} %", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// `200 us`: a duration of one significant digit.
fn round_duration(value_ns: u64) -> String {
    let units = [(1, "ns"), (1_000, "us"), (1_000_000, "ms"), (1_000_000_000, "s")];
    match units.iter().rev().find(|(unit_ns, _)| value_ns >= *unit_ns) {
        Some((unit_ns, unit)) => format!("{} {unit}", value_ns / unit_ns),
        None => SimDuration::from_nanos(value_ns).to_string(),
    }
}

fn shortened(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    text.chars().take(chars_max - 3).chain("...".chars()).collect()
}

/// Text for XML; control characters, which XML cannot hold, become spaces.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in shortened(text, TITLE_CHARS_MAX).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(values_us: impl IntoIterator<Item = u64>) -> Latency {
        let mut latency = Latency::new();
        values_us.into_iter().for_each(|value| latency.record(SimDuration::from_micros(value)));
        latency
    }

    fn picture(latencies: &[Line<'_>]) -> String {
        svg("a <title> & \"more\"\u{7}", latencies.iter().copied()).unwrap()
    }

    #[test]
    fn nothing_recorded_no_picture() {
        assert_eq!(svg("t", std::iter::empty()), None);
        let empty = Latency::new();
        assert_eq!(svg("t", [("local", LatencyKind::OneWay, &empty)].into_iter()), None);
    }

    #[test]
    fn a_line_per_road_and_kind_colours_by_road() {
        let (fast, slow) = (recorded(300..400), recorded([2_000, 190_000]));
        let text = picture(&[
            ("internet", LatencyKind::OneWay, &fast),
            ("internet", LatencyKind::RoundTrip, &slow),
            ("local", LatencyKind::OneWay, &fast),
        ]);
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
        assert!(text.contains("<title>a &lt;title&gt; &amp; &quot;more&quot; </title>"), "{text}");
        for class in ["line c0\" d=\"M78.0", "line c0 dash\" d=\"M78.0", "line c1\" d=\"M78.0"] {
            assert_eq!(text.matches(class).count(), 1, "{class}: {text}");
        }
        assert_eq!(text.matches("<circle").count(), 3);
        assert!(text.contains(">internet round-trip</text>") && text.contains("p99 190.0 ms, n 2</text>"), "{text}");
        // Three decades of latency have room for powers of ten only; 100 samples tell two nines.
        for label in [">1 ms<", ">100 ms<", ">0 %<", ">50 %<", ">99 %<"] {
            assert!(text.contains(label), "{label}: {text}");
        }
        assert!(!text.contains(">99.9 %<") && !text.contains("NaN") && !text.contains("inf"), "{text}");
    }

    #[test]
    fn a_line_is_the_step_function_of_what_was_recorded() {
        // 1 ms for half, 10 ms for the other half: the step stands at the median.
        let half = recorded([1_000, 1_000, 1_000, 1_000, 1_000, 10_000, 10_000, 10_000, 10_000, 10_000]);
        let text = picture(&[("local", LatencyKind::OneWay, &half)]);
        let path = text.split("line c0\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let median_x = LEFT + 2f64.log10() * (RIGHT - LEFT);
        assert_eq!(path, format!("M78.0 424.0H{median_x:.1}V64.0H690.0V64.0"));
    }

    #[test]
    fn whatever_is_recorded_stays_inside() {
        for values_us in [vec![0], vec![0, u64::MAX / 1_000], vec![7; 5], (0..30_000).collect()] {
            let latency = recorded(values_us);
            let text = picture(&[("local", LatencyKind::RoundTrip, &latency)]);
            assert!(!text.contains("NaN") && !text.contains("inf") && text.len() < 40_000, "{} bytes", text.len());
            let path = text.split("line c0 dash\" d=\"M").nth(1).unwrap().split('"').next().unwrap();
            for (axis, range) in [('H', LEFT..=RIGHT), ('V', TOP..=TOP + PLOT_HEIGHT)] {
                for part in path.split(axis).skip(1) {
                    let number = part.split(['H', 'V']).next().unwrap();
                    let place: f64 = number.parse().unwrap();
                    assert!(range.contains(&place), "{axis}{place} in {path}");
                }
            }
        }
    }

    #[test]
    fn lines_too_many_are_counted() {
        let latency = recorded([1]);
        let roads: Vec<String> = (0..LINES_MAX + 3).map(|number| format!("a road of the number {number}")).collect();
        let lines: Vec<Line<'_>> = roads.iter().map(|road| (road.as_str(), LatencyKind::OneWay, &latency)).collect();
        let text = picture(&lines);
        assert_eq!(text.matches("<circle").count(), LINES_MAX);
        assert!(text.contains(">3 more in .hgrm files<"), "{text}");
    }

    #[test]
    fn labels() {
        assert_eq!([0.0, 0.5, 0.9, 0.99999].map(percent), ["0 %", "50 %", "90 %", "99.999 %"]);
        assert_eq!(
            [1, 500, 20_000, 5_000_000, 50_000_000_000].map(round_duration),
            ["1 ns", "500 ns", "20 us", "5 ms", "50 s"]
        );
    }
}
