//! What RFC 2544's tests found, as a table, JSON and a picture, with what they do otherwise than the RFC wants.

use super::rfc2544::{Found, Plan};
use crate::cli::error::CliError;
use crate::cli::table::{Layout, wrap};
use crate::traffic::FrameSize;
use serde_json::{Value, json};
use std::fmt::{self, Write};
use std::fs;
use std::path::Path;

/// Bytes of the frame check sequence, which frames here do not have.
const FCS_BYTES: usize = 4;

/// Everything that is told.
pub(super) struct Report<'a> {
    lane: &'a str,
    flows: u32,
    plan: &'a Plan,
    rows: &'a [(FrameSize, Found)],
    cores: usize,
}

/// `60`, or `imix`.
pub(super) fn frame_name(frame: FrameSize) -> String {
    match frame {
        FrameSize::Fixed(bytes) => bytes.to_string(),
        FrameSize::Imix => "imix".to_owned(),
    }
}

fn gbit(pps: f64, found: &Found) -> f64 {
    pps * found.frame_bytes_mean * 8.0 / 1e9
}

impl<'a> Report<'a> {
    /// A report of what was found by frame size.
    pub(super) fn new(lane: &'a str, flows: u32, plan: &'a Plan, rows: &'a [(FrameSize, Found)]) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Report { lane, flows, plan, rows, cores }
    }

    /// Where these tests are not the RFC's.
    fn deviations(&self) -> Vec<String> {
        let seconds = self.plan.trial.as_secs_f64();
        vec![
            format!("throughput: trials of {seconds} s instead of 60 s (section 24)"),
            format!("latency: 1 trial of {seconds} s instead of 20 of 120 s (section 26.2), and at the load asked for"),
            "latency: from the ring's entry to the end of the burst's forwarding, one time for 64 frames, weighted by them"
                .to_owned(),
            format!("back-to-back: up to 50 bursts (section 26.4) in {} s", seconds * 2.0),
            "frames come in bursts of 64, evenly spaced: loss is counted in bursts".to_owned(),
            "the device is a thread behind a ring in memory: no network interface, no wire, no gaps between frames"
                .to_owned(),
        ]
    }

    /// The table, and what its columns are.
    pub(super) fn table(&self) -> String {
        let heading = [
            "frame", "with FCS", "Mpps", "Gbit/s", "flat out", "lost", "p50 us", "p99 us", "max us", "lost", "burst",
            "min",
        ];
        let mut cells: Vec<Vec<String>> = vec![heading.map(str::to_owned).to_vec()];
        for (frame, found) in self.rows {
            let none = || "-".to_owned();
            let number = |value: Option<f64>, decimals| value.map_or_else(none, |value| format!("{value:.decimals$}"));
            let summary = (found.latency.count() > 0).then(|| found.latency.summary());
            let us = |of: Option<u64>| number(of.map(|ns| ns as f64 / 1e3), 1);
            let back = &found.back_to_back;
            let at_least = if back.is_limited_by_trial { ">=" } else { "" };
            cells.push(vec![
                frame_name(*frame),
                match frame {
                    FrameSize::Fixed(bytes) => (bytes + FCS_BYTES).to_string(),
                    FrameSize::Imix => "7:4:1".to_owned(),
                },
                number(found.lossless_pps.map(|pps| pps / 1e6), 2),
                number(found.lossless_pps.map(|pps| gbit(pps, found)), 2),
                format!("{:.2}", found.flat_out.forwarded_pps() / 1e6),
                percent(found.flat_out.lost, found.flat_out.offered),
                us(summary.as_ref().map(|summary| summary.p50_ns)),
                us(summary.as_ref().map(|summary| summary.p99_ns)),
                us(summary.as_ref().map(|summary| summary.max_ns)),
                if summary.is_some() { found.latency_lost.to_string() } else { none() },
                format!("{at_least}{:.0}", back.frames_mean),
                back.frames_min.to_string(),
            ]);
        }
        let layout = Layout::of(&cells, &(1..heading.len()).collect::<Vec<_>>());
        let mut text = wrap(&format!("RFC 2544, {}, {} flows", self.lane, self.flows), 0);
        text += &cells.iter().map(|row| layout.line(row) + "\n").collect::<String>();
        let legend = format!(
            "Mpps, Gbit/s: the fastest trial without loss, frames without FCS; - if every rate tried lost some. flat out: \
             Mpps forwarded when offered as fast as the other thread can, and what was lost of them. us and lost: \
             latency at {:.0} % of the throughput, and frames lost meanwhile. burst, min: frames back to back until \
             the first loss, mean and least; >= if a trial ended without one.",
            self.plan.load * 100.0
        );
        text += "\n";
        text += &wrap(&legend, 0);
        let cores = format!(
            "{} for 2 threads, the worker and the one that offers load; the ring holds {} frames.{}",
            if self.cores == 1 { "1 core".to_owned() } else { format!("{} cores", self.cores) },
            self.plan.ring_frames,
            if self.cores <= 2 {
                " With so few, whatever else runs here takes turns with them and loses frames."
            } else {
                ""
            }
        );
        text += &wrap(&cores, 0);
        text += "Otherwise than the RFC wants:\n";
        for deviation in self.deviations() {
            text += &wrap(&format!("- {deviation}"), 2);
        }
        text
    }

    /// The same for machines.
    pub(super) fn json(&self) -> String {
        let rows: Vec<Value> = self.rows.iter().map(|(frame, found)| row_json(*frame, found)).collect();
        let document = json!({
            "schema": 1,
            "method": "RFC 2544",
            "network": self.lane,
            "flows": self.flows,
            "trial_ms": self.plan.trial.as_millis() as u64,
            "ring_frames": self.plan.ring_frames,
            "latency_load_share": self.plan.load,
            "available_parallelism": self.cores,
            "threads": 2,
            "deviations": self.deviations(),
            "rows": rows,
        });
        format!("{document:#}\n")
    }

    /// `rfc2544.json` and `rfc2544.svg`.
    pub(super) fn write(&self, out: &Path) -> Result<(), CliError> {
        let cannot = |path: &Path, source| CliError::Write { path: path.to_owned(), source };
        fs::create_dir_all(out).map_err(|source| cannot(out, source))?;
        let mut picture = String::new();
        draw(&mut picture, self).expect("writing to a String cannot fail");
        for (name, text) in [("rfc2544.json", self.json()), ("rfc2544.svg", picture)] {
            let path = out.join(name);
            fs::write(&path, text).map_err(|source| cannot(&path, source))?;
        }
        Ok(())
    }
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", part as f64 * 100.0 / whole.max(1) as f64)
}

fn row_json(frame: FrameSize, found: &Found) -> Value {
    let back = &found.back_to_back;
    json!({
        "frame": frame_name(frame),
        "frame_bytes_mean": found.frame_bytes_mean,
        "throughput_mpps": found.lossless_pps.map(|pps| pps / 1e6),
        "throughput_gbit_per_second": found.lossless_pps.map(|pps| gbit(pps, found)),
        "flat_out": {
            "offered_mpps": found.flat_out.offered_pps() / 1e6,
            "forwarded_mpps": found.flat_out.forwarded_pps() / 1e6,
            "offered_frames": found.flat_out.offered,
            "lost_frames": found.flat_out.lost,
        },
        "latency": (found.latency.count() > 0).then(|| json!({
            "offered_mpps": found.latency_pps.map(|pps| pps / 1e6),
            "lost_frames": found.latency_lost,
            "sample": "one time for a burst of 64 frames, weighted by them",
            "summary": found.latency.summary(),
        })),
        "back_to_back": {
            "frames_mean": back.frames_mean,
            "frames_min": back.frames_min,
            "frames_max": back.frames_max,
            "bursts": back.bursts,
            "limited_by_trial": back.is_limited_by_trial,
        },
    })
}

// The picture, in its own units: two panels of bars, one above the other. Paper is white or nearly black, as the reader's system prefers.
const WIDTH: f64 = 760.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 740.0;
const PANEL_HEIGHT: f64 = 170.0;
const PANEL_TOPS: [f64; 2] = [90.0, 320.0];
const HEIGHT: f64 = 560.0;

const STYLE: &str = "\
.paper{fill:#fff}text{fill:#1f2328;font:13px system-ui,sans-serif}.title{font-size:16px;font-weight:600}.faint{fill:#59636e;font-size:12px}\
.grid{stroke:#d8dee4}.bar{fill:#0066b3}.flat{fill:none;stroke:#c44900;stroke-width:1.5;stroke-dasharray:4 3}\
@media(prefers-color-scheme:dark){.paper{fill:#14171c}text{fill:#e6edf3}.faint{fill:#9aa6b2}.grid{stroke:#343b44}\
.bar{fill:#58b4f5}.flat{stroke:#ff9550}}";

fn draw(out: &mut String, report: &Report<'_>) -> fmt::Result {
    writeln!(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">")?;
    writeln!(out, "<title>Throughput by frame size</title><style>{STYLE}</style>")?;
    writeln!(out, "<rect class=\"paper\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>")?;
    writeln!(out, "<text class=\"title\" x=\"20\" y=\"28\">RFC 2544: throughput by frame size</text>")?;
    writeln!(
        out,
        "<text class=\"faint\" x=\"20\" y=\"47\">bars: no frame lost; dashes: forwarded when offered flat out; {} flows, \
         trials of {} s, {} cores</text>",
        report.flows,
        report.plan.trial.as_secs_f64(),
        report.cores
    )?;
    panel(out, report, PANEL_TOPS[0], "Mpps", |pps, _| pps / 1e6)?;
    panel(out, report, PANEL_TOPS[1], "Gbit/s", gbit)?;
    let (x, y) = ((LEFT + RIGHT) / 2.0, HEIGHT - 20.0);
    writeln!(
        out,
        "<text class=\"faint\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">bytes of a frame, without FCS</text>"
    )?;
    writeln!(out, "</svg>")
}

fn panel(
    out: &mut String,
    report: &Report<'_>,
    top: f64,
    unit: &str,
    value_of: impl Fn(f64, &Found) -> f64,
) -> fmt::Result {
    let bottom = top + PANEL_HEIGHT;
    let both = |found: &Found| {
        [value_of(found.lossless_pps.unwrap_or(0.0), found), value_of(found.flat_out.forwarded_pps(), found)]
    };
    let greatest = report.rows.iter().flat_map(|(_, found)| both(found)).fold(0.0, f64::max);
    let step = round_step(greatest / 4.0);
    let steps = (greatest / step).ceil().max(1.0);
    let y_of = |value: f64| bottom - PANEL_HEIGHT * value / (step * steps);
    writeln!(out, "<text x=\"20\" y=\"{}\">{unit}</text>", top - 12.0)?;
    for number in 0..=steps as u32 {
        let value = step * f64::from(number);
        let y = y_of(value);
        writeln!(out, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>")?;
        let (x, y, decimals) = (LEFT - 8.0, y + 4.0, if step < 0.1 { 3 } else { usize::from(step < 1.0) });
        writeln!(out, "<text class=\"faint\" x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{value:.decimals$}</text>")?;
    }
    let pitch = (RIGHT - LEFT) / report.rows.len().max(1) as f64;
    for (position, (frame, found)) in report.rows.iter().enumerate() {
        let (x, width) = (LEFT + pitch * (position as f64 + 0.2), pitch * 0.6);
        let middle = x + width / 2.0;
        for (class, value) in ["bar", "flat"].into_iter().zip(both(found)) {
            let (y, height) = (y_of(value), bottom - y_of(value));
            writeln!(
                out,
                "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
            )?;
        }
        let label = match found.lossless_pps {
            Some(pps) => format!("{:.1}", value_of(pps, found)),
            None => "-".to_owned(),
        };
        let y = y_of(both(found).into_iter().fold(0.0, f64::max)) - 5.0;
        writeln!(out, "<text class=\"faint\" x=\"{middle:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{label}</text>")?;
        let (y, name) = (bottom + 18.0, frame_name(*frame));
        writeln!(out, "<text class=\"faint\" x=\"{middle:.1}\" y=\"{y}\" text-anchor=\"middle\">{name}</text>")?;
    }
    Ok(())
}

/// The next of 1, 2 and 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1e-3).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|step| *step >= least).unwrap_or(power * 10.0)
}
