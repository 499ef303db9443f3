//! What was measured, as a table, JSON and histograms.

use super::ROUTES;
use super::measure::Measured;
use crate::cli::error::CliError;
use crate::cli::table::{Layout, cut, wrap};
use crate::metrics::Latency;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Room for what a row is called.
const NAME_MAX: usize = 30;

/// One line of the table.
#[derive(Debug)]
pub(super) struct Row {
    name: String,
    /// The name as the table has it.
    short_name: String,
    flows: u32,
    threads: usize,
    /// Of one worker's packet; the median of the trials.
    ns_per_packet: f64,
    ns_min: f64,
    ns_max: f64,
    /// All workers together.
    packets_per_second: f64,
    frame_bytes: f64,
    cold_ns: Option<f64>,
    by_memo: f64,
    delivered: f64,
    memory_bytes: usize,
    latency: Latency,
}

impl Row {
    /// A row of what each worker measured.
    pub(super) fn of(name: String, flows: u32, threads: usize, parts: Vec<Measured>) -> Row {
        let mut trials: Vec<f64> = parts.iter().flat_map(|part| part.trials_ns.iter().copied()).collect();
        trials.sort_by(f64::total_cmp);
        let count = parts.len().max(1) as f64;
        let mean = |of: fn(&Measured) -> f64| parts.iter().map(of).sum::<f64>() / count;
        let (packets, bytes): (u64, u64) =
            parts.iter().fold((0, 0), |sum, part| (sum.0 + part.packets, sum.1 + part.frame_bytes));
        let colds: Option<Vec<f64>> = parts.iter().map(|part| part.cold_ns).collect();
        let rate = |part: &Measured| {
            let mut trials = part.trials_ns.clone();
            trials.sort_by(f64::total_cmp);
            trials.get(trials.len() / 2).map_or(0.0, |median_ns| 1e9 / median_ns)
        };
        let packets_per_second = parts.iter().map(rate).sum();
        let (by_memo, memory_bytes) = (mean(|part| part.by_memo), parts.iter().map(|part| part.memory_bytes).sum());
        let mut latency = Latency::new();
        for part in &parts {
            latency.add(&part.latency);
        }
        // Routes are told once, below the table.
        let short_name = name.replace(&format!(", {ROUTES} routes"), "");
        Row {
            name,
            short_name,
            flows,
            threads,
            ns_per_packet: trials.get(trials.len() / 2).copied().unwrap_or(0.0),
            ns_min: trials.first().copied().unwrap_or(0.0),
            ns_max: trials.last().copied().unwrap_or(0.0),
            packets_per_second,
            frame_bytes: bytes as f64 / packets.max(1) as f64,
            cold_ns: colds.map(|colds| colds.iter().sum::<f64>() / count),
            by_memo,
            delivered: mean(|part| part.delivered),
            memory_bytes,
            latency,
        }
    }
}

/// The table, and what its columns are.
pub(super) fn table(rows: &[Row], traffic: &str) -> String {
    let heading = ["network", "flows", "frame", "cold ns", "warm ns", "Mpps", "Gbit/s", "memo %", "p50", "p99", "max"];
    let mut cells: Vec<Vec<String>> = vec![heading.map(str::to_owned).to_vec()];
    for row in rows {
        let summary = row.latency.summary();
        let gbit = row.packets_per_second * row.frame_bytes * 8.0 / 1e9;
        cells.push(vec![
            cut(&row.short_name, NAME_MAX),
            if row.flows == 0 { "-".to_owned() } else { row.flows.to_string() },
            format!("{:.0}", row.frame_bytes),
            row.cold_ns.map_or_else(|| "-".to_owned(), |cold| nanoseconds(cold as u64)),
            format!("{:.1}", row.ns_per_packet),
            format!("{:.1}", row.packets_per_second / 1e6),
            format!("{gbit:.1}"),
            if row.flows == 0 { "-".to_owned() } else { format!("{:.1}", row.by_memo * 100.0) },
            nanoseconds(summary.p50_ns),
            nanoseconds(summary.p99_ns),
            nanoseconds(summary.max_ns),
        ]);
    }
    let layout = Layout::of(&cells, &(1..heading.len()).collect::<Vec<_>>());
    let mut text: String = cells.iter().map(|row| layout.line(row) + "\n").collect();
    let threads = rows.iter().map(|row| row.threads).max().unwrap_or(1);
    let words = format!(
        "{traffic}, {threads} thread{}; ns are one packet's on one thread, medians of 5 trials. Frames without FCS, in memory before and after; routers have {ROUTES} \
         routes. Percentiles are of bursts of 64 packets, divided by 64 (--json and --out have more of them). cold: the first packet of a flow that is \
         remembered; warm: those after it. Times are in ns unless they say otherwise.",
        if threads == 1 { "" } else { "s" },
    );
    text += "\n";
    text += &wrap(&words, 0);
    for row in rows.iter().filter(|row| row.delivered < 1.0) {
        let lost = (1.0 - row.delivered) * 100.0;
        text += &wrap(
            &format!("{}: {lost:.1} % of the packets did not arrive. `vpcsim replay` tells where and why.", row.name),
            0,
        );
    }
    text
}

/// In five characters, as long as it is less than 100 s: with a unit where they are not nanoseconds.
fn nanoseconds(ns: u64) -> String {
    match ns {
        0..100_000 => ns.to_string(),
        100_000..1_000_000 => format!("{}us", ns / 1_000),
        1_000_000..1_000_000_000 => format!("{}ms", ns / 1_000_000),
        _ => format!("{}s", ns / 1_000_000_000),
    }
}

/// The same for machines.
pub(super) fn json(rows: &[Row], traffic: &str) -> String {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "name": row.name,
                "flows": row.flows,
                "threads": row.threads,
                "frame_bytes": row.frame_bytes,
                "mpps": row.packets_per_second / 1e6,
                "gbit_per_second": row.packets_per_second * row.frame_bytes * 8.0 / 1e9,
                "ns_per_packet": row.ns_per_packet,
                "ns_per_packet_min": row.ns_min,
                "ns_per_packet_max": row.ns_max,
                "cold_ns_per_packet": row.cold_ns,
                "memo_hit_share": (row.flows > 0).then_some(row.by_memo),
                "delivered_share": row.delivered,
                "memory_bytes": row.memory_bytes,
                "burst_latency_per_packet": row.latency.summary(),
            })
        })
        .collect();
    format!("{:#}\n", json!({ "schema": 1, "traffic": traffic, "rows": rows }))
}

/// One `.hgrm` for each row.
pub(super) fn write_histograms(out: &Path, rows: &[Row]) -> Result<(), CliError> {
    let cannot = |path: &Path, source| CliError::Write { path: path.to_owned(), source };
    fs::create_dir_all(out).map_err(|source| cannot(out, source))?;
    for row in rows {
        let name = format!("{} {}", row.name, row.flows);
        let file: String =
            name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
        let path = out.join(format!("{file}.hgrm"));
        let text = row.latency.hgrm(&format!("{name} flows: burst time / packets of the burst"));
        fs::write(&path, text).map_err(|source| cannot(&path, source))?;
    }
    Ok(())
}
