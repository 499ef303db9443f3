//! Latencies over time: HdrHistogram's interval log, one compressed histogram per second of simulated time, road and kind.
//!
//! Purpose: `latency.hlog`, which HdrHistogram's own tools read (HistogramLogProcessor, the analysers, the readers on PyPI and npm), to see *when* a road
//! was slow. Source: the log's format version 1.3 as HistogramLogWriter writes it; payloads in the V2 encoding, deflated, base64. Non-goals:
//! correcting for coordinated omission; reading logs.
//!
//! Invariants: lines in order of time, then road and kind; only the interval under way is in memory, what is over waits as text in
//! [`IntervalLog::take_pending`]; without a single latency there is no log at all.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::histogram::Latency;
use super::roads::LatencyKind;
use crate::api::base64;
use crate::calendar::Calendar;
use crate::capture::safe_stem;
use crate::time::{SimDuration, SimTime};

/// Length of an interval.
pub const INTERVAL: SimDuration = SimDuration::from_secs(1);
/// `Interval_Max` is in milliseconds, the tools' default.
const NANOSECONDS_PER_MAX_UNIT: f64 = 1_000_000.0;

/// A log being written.
#[derive(Clone, Debug)]
pub struct IntervalLog {
    calendar: Calendar,
    has_header: bool,
    /// Number of the interval under way, from 0 at the scenario's start.
    interval: u64,
    tracks: BTreeMap<String, BTreeMap<LatencyKind, Latency>>,
    pending: String,
}

impl IntervalLog {
    /// A log whose times count from `calendar`'s start.
    pub fn new(calendar: Calendar) -> Self {
        IntervalLog { calendar, has_header: false, interval: 0, tracks: BTreeMap::new(), pending: String::new() }
    }

    /// Records a latency that was known at `now`. Calls come in order of time; one that does not counts for the interval under way.
    pub fn record(&mut self, now: SimTime, road: &str, kind: LatencyKind, latency: SimDuration) {
        let interval = now.as_nanos() / INTERVAL.as_nanos();
        if interval > self.interval {
            self.end_interval();
            self.interval = interval;
        }
        let kinds = match self.tracks.get_mut(road) {
            Some(kinds) => kinds,
            None => self.tracks.entry(road.to_owned()).or_default(),
        };
        kinds.entry(kind).or_default().record(latency);
    }

    /// Ends the interval under way: its lines are pending then.
    pub fn end_interval(&mut self) {
        let tracks = std::mem::take(&mut self.tracks);
        if !tracks.is_empty() && !self.has_header {
            self.header();
        }
        let tracks =
            tracks.iter().flat_map(|(road, kinds)| kinds.iter().map(move |(kind, latency)| (road, *kind, latency)));
        for (road, kind, latency) in tracks {
            let start_seconds = self.interval * (INTERVAL.as_nanos() / 1_000_000_000);
            let length_seconds = INTERVAL.as_secs_f64();
            let max = latency.summary().max_ns as f64 / NANOSECONDS_PER_MAX_UNIT;
            let payload = base64::encode(&latency.compressed());
            let tag = tag(road, kind);
            writeln!(self.pending, "Tag={tag},{start_seconds}.000,{length_seconds:.3},{max:.3},{payload}")
                .expect("writing to a String cannot fail");
        }
    }

    /// Text not handed over yet.
    pub fn pending(&self) -> &str {
        &self.pending
    }

    /// Hands over whole lines, to be appended to the file.
    pub fn take_pending(&mut self) -> String {
        std::mem::take(&mut self.pending)
    }

    fn header(&mut self) {
        self.has_header = true;
        self.pending += &header(
            self.calendar,
            "latencies in nanoseconds of simulated time, Interval_Max in milliseconds, tags ROAD.KIND",
        );
    }
}

fn header(calendar: Calendar, what: &str) -> String {
    let (seconds, date) = (calendar.unix_seconds(SimTime::ZERO), calendar.rfc3339(SimTime::ZERO));
    let program = concat!("vpcsim ", env!("CARGO_PKG_VERSION"));
    // Without a base time readers guess whether times are relative.
    format!(
        "#[Histogram log format version 1.3]\n\
         #[{program}: {what}]\n\
         #[StartTime: {seconds}.000 (seconds since epoch), {date}]\n\
         #[BaseTime: {seconds}.000 (seconds since epoch)]\n\
         \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
    )
}

/// The log of one thing alone, intervals of a machine's clock: how long each was, and what was recorded in it. `calendar` starts when the first began; `what`
/// says in one line what was recorded, and in which unit.
pub fn machine_log(calendar: Calendar, what: &str, tag: &str, intervals: &[(SimDuration, Latency)]) -> String {
    let mut text = header(calendar, what);
    let (tag, mut start_seconds) = (safe_stem(tag), 0.0);
    for (length, latency) in intervals {
        let max = latency.summary().max_ns as f64 / NANOSECONDS_PER_MAX_UNIT;
        let (length_seconds, payload) = (length.as_secs_f64(), base64::encode(&latency.compressed()));
        writeln!(text, "Tag={tag},{start_seconds:.3},{length_seconds:.3},{max:.6},{payload}")
            .expect("writing to a String cannot fail");
        start_seconds += length_seconds;
    }
    text
}

/// `internet-gateway.one-way`: tags may hold neither commas nor white space.
fn tag(road: &str, kind: LatencyKind) -> String {
    format!("{}.{}", safe_stem(road), kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;

    fn log() -> IntervalLog {
        IntervalLog::new(Calendar::starting_at(1_767_225_600).unwrap())
    }

    fn at(milliseconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(milliseconds)
    }

    fn decoded(line: &str) -> Histogram<u64> {
        let payload = base64::decode(line.rsplit(',').next().unwrap()).unwrap();
        Deserializer::new().deserialize(&mut &payload[..]).unwrap()
    }

    #[test]
    fn one_line_per_second_road_and_kind() {
        let mut log = log();
        let millisecond = SimDuration::from_millis(1);
        log.record(at(0), "local", LatencyKind::RoundTrip, millisecond);
        log.record(at(999), "internet gateway", LatencyKind::OneWay, millisecond + millisecond);
        log.record(at(999), "local", LatencyKind::RoundTrip, millisecond);
        assert_eq!(log.pending(), "", "the first second is not over");
        log.record(at(3_000), "local", LatencyKind::OneWay, millisecond);
        log.end_interval();
        log.end_interval();
        let text = log.take_pending();
        assert_eq!(log.pending(), "");
        let (header, lines): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| !line.starts_with("Tag="));
        assert_eq!(header[2], "#[StartTime: 1767225600.000 (seconds since epoch), 2026-01-01T00:00:00Z]");
        assert_eq!(header[3], "#[BaseTime: 1767225600.000 (seconds since epoch)]");
        assert!(header[4].starts_with("\"StartTimestamp\",") && header.len() == 5);
        let begins: Vec<_> = lines.iter().map(|line| line.rsplit_once(',').unwrap().0).collect();
        assert_eq!(
            begins,
            [
                "Tag=internet_gateway.one-way,0.000,1.000,2.000",
                "Tag=local.round-trip,0.000,1.000,1.000",
                "Tag=local.one-way,3.000,1.000,1.000"
            ]
        );
        assert_eq!((decoded(lines[1]).len(), decoded(lines[0]).max() / 10_000), (2, 200));
    }

    #[test]
    fn draining_often_or_once_gives_the_same_log() {
        let write = |drain_each: bool| {
            let (mut log, mut disk) = (log(), String::new());
            for number in 0..50 {
                log.record(at(number * 170), "local", LatencyKind::OneWay, SimDuration::from_micros(number));
                if drain_each {
                    disk += &log.take_pending();
                }
            }
            log.end_interval();
            disk + log.pending()
        };
        assert_eq!(write(true), write(false));
        assert_eq!(write(true).matches("Tag=").count(), 9);
    }

    #[test]
    fn no_latency_no_log() {
        let mut log = log();
        log.end_interval();
        assert_eq!(log.take_pending(), "");
    }
}
