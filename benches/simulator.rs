//! How fast the simulator is: hops, the transmissions of a frame over a link, by CPU time and by the clock.
//!
//! The network has the shape of ns-3's TCP bulk example: ten hosts, each over a link of 1 Gbit/s and 50 us to a router (here: the internet and an internet
//! gateway), and from there one link of 40 Gbit/s and 50 us to a server; MTU 1500. Each host sends as much as it can. With `nics` each frame is written
//! at both ends of its way, with `all` before and behind the gateway as well: as often as ns-3 does with pcap on every device.
//!
//! `cargo bench --bench simulator -- [MEBIBYTES OF EACH HOST] [DIRECTORY]`. CPU time is the process's, of all threads, and of the simulating one alone.

use std::path::{Path, PathBuf};
use std::time::Instant;
use vpcsim::capture::{CaptureOptions, FileSet, Format, Selection};
use vpcsim::cli::writer::{FileWriter, HAND_OVER_BYTES, WholeBytes};
use vpcsim::run::{Progress, Run};
use vpcsim::scenario;

const HOSTS: usize = 10;
/// As `vpcsim run` does it.
const EVENTS_A_ROUND: u64 = 128;

fn main() {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let mebibytes: u64 = words.next().and_then(|word| word.parse().ok()).unwrap_or(20);
    let directory = words.next().map_or_else(|| PathBuf::from("/dev/shm/vpcsim-bench"), PathBuf::from);
    std::fs::create_dir_all(&directory).expect("a directory to write to");
    let text = scenario_of(mebibytes);
    println!(
        "{:<16} {:>10} {:>9} {:>9} {:>9}  {:>22}",
        "captures", "hops", "clock s", "cpu s", "sim s", "M hops/s clock/cpu/sim"
    );
    let (nics, pcapng) = (Selection::Some { nics: true, words: Default::default() }, Format::Pcapng);
    for (name, selection, format) in [
        ("none", Selection::None, pcapng),
        ("nics, pcap", nics.clone(), Format::Pcap),
        ("nics, pcapng", nics.clone(), pcapng),
        ("all, pcap", Selection::All, Format::Pcap),
        ("all, pcapng", Selection::All, pcapng),
    ] {
        let measured = measure(&text, CaptureOptions { selection, format, merged: false }, &directory);
        let Measured { hops, clock_s, cpu_s, simulating_s } = measured;
        let rate = |seconds: f64| hops as f64 / seconds / 1e6;
        let rates = format!("{:.3} {:.3} {:.3}", rate(clock_s), rate(cpu_s), rate(simulating_s));
        println!("{name:<16} {hops:>10} {clock_s:>9.3} {cpu_s:>9.3} {simulating_s:>9.3}  {rates:>22}");
    }
    let _ = std::fs::remove_dir_all(&directory);
}

struct Measured {
    hops: u64,
    clock_s: f64,
    cpu_s: f64,
    simulating_s: f64,
}

fn measure(text: &str, options: CaptureOptions, directory: &Path) -> Measured {
    let scenario = scenario::parse("bench.toml", text, None).expect("the scenario is right");
    let mut run = Run::capturing(scenario, options).expect("the scenario can be run");
    let mut writer = FileWriter::new(directory);
    let (began, cpu_before, own_before) = (Instant::now(), process_cpu_s(), thread_cpu_s());
    while run.advance(EVENTS_A_ROUND).expect("it goes on") == Progress::Working {
        drain(run.captures_mut(), &mut writer, HAND_OVER_BYTES);
        if let Some(log) = run.latency_log_mut() {
            log.take_pending();
        }
    }
    let hops = run.link_transmissions();
    drain(run.captures_mut(), &mut writer, 1);
    let simulating_s = thread_cpu_s() - own_before;
    writer.finish().expect("the disk is large enough");
    let measured =
        Measured { hops, clock_s: began.elapsed().as_secs_f64(), cpu_s: process_cpu_s() - cpu_before, simulating_s };
    for entry in std::fs::read_dir(directory).expect("it is there").flatten() {
        let _ = std::fs::remove_file(entry.path());
    }
    measured
}

fn drain(captures: &mut FileSet, writer: &mut FileWriter, bytes_min: usize) {
    let whole_bytes: WholeBytes = |bytes, _| bytes.len();
    for file in captures.iter_mut().filter(|file| file.pending().len() >= bytes_min) {
        let bytes = file.take_pending();
        let spare = writer.append(file.file_name(), bytes, whole_bytes).expect("the disk is large enough");
        file.give_buffer(spare);
    }
}

/// User and system time of all threads, those that have ended too: proc(5), `stat`, fields 14 and 15, in hundredths of a second.
fn process_cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// CPU time of this thread: the kernel's `sched-stats.rst`, nanoseconds.
fn thread_cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split_whitespace().next().and_then(|field| field.parse::<f64>().ok()).unwrap_or_default() / 1e9
}

fn scenario_of(mebibytes: u64) -> String {
    let hosts = |each: &dyn Fn(usize) -> String| (0..HOSTS).map(each).collect::<String>();
    let outside = hosts(&|host| format!("h{host} = {{ address = \"198.51.{}.7\" }}\n", 100 + host));
    let on = hosts(&|host| format!("\"h{host}\", "));
    format!(
        r#"region = "us-east-1"
[vpc]
lab = {{ cidr = "10.0.0.0/16", internet_gateway = true }}
[route_table]
public = {{ routes = ["0.0.0.0/0 -> igw"] }}
[subnet]
web = {{ cidr = "10.0.1.0/24", table = "public", public = true }}
[security_group]
bulk = {{ ingress = ["tcp 5201 from 0.0.0.0/0"] }}
[instance]
server = {{ subnet = "web", groups = ["bulk"], serves = ["bulk"] }}
[links]
internet = {{ latency = "50us", bandwidth = "1Gbit/s" }}
nic = {{ latency = "50us", bandwidth = "40Gbit/s" }}
[outside]
{outside}
[[step]]
name = "bulk"
on = [{on}]
run = "bulk server -n {mebibytes}M"
"#
    )
}
