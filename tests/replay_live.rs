//! `vpcsim replay` over real interfaces: a veth pair in a network namespace of its own, so nothing leaves it. Needs root and `ip netns`; without them the test says
//! loudly that it was skipped.
#![cfg(target_os = "linux")]

mod support;

use etherparse::PacketBuilder;
use std::process::{Command, Stdio};
use support::Workplace;

const PACKETS: u64 = 20;

/// A network namespace with a veth pair, gone with this.
struct Namespace(String);

impl Namespace {
    /// `None` if this machine does not let us.
    fn new() -> Option<Namespace> {
        let namespace = Namespace(format!("vpcsim-test-{}", std::process::id()));
        if !ip(&["netns", "add", &namespace.0]) {
            return None;
        }
        // Without IPv6 nobody but us speaks there.
        let quiet = ["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"];
        let _ = namespace.command("sysctl", &["-qw", quiet[0], quiet[1]]).status();
        let lines: [&[&str]; 3] = [
            &["link", "add", "near", "type", "veth", "peer", "name", "far"],
            &["link", "set", "near", "up"],
            &["link", "set", "far", "up"],
        ];
        let is_made =
            lines.iter().all(|line| namespace.command("ip", line).status().is_ok_and(|status| status.success()));
        is_made.then_some(namespace)
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0, program]).args(arguments).stderr(Stdio::null()).stdout(Stdio::null());
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        ip(&["netns", "del", &self.0]);
    }
}

fn ip(arguments: &[&str]) -> bool {
    let status = Command::new("ip").args(arguments).stderr(Stdio::null()).stdout(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn capture() -> Vec<u8> {
    let mut out: Vec<u8> =
        [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1].iter().flat_map(|word| word.to_le_bytes()).collect();
    for number in 0..PACKETS as u32 {
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([172, 31, 0, 10], [52, 94, 2, 72], 64);
        builder.tcp(40_000, 443, number, 1_000).syn().write(&mut frame, &[]).unwrap();
        let words = [1_700_000_000, number, frame.len() as u32, frame.len() as u32];
        out.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        out.extend(frame);
    }
    out
}

/// One vpcsim sends what comes out over one end of the pair, another one replays what comes over the other end.
#[test]
fn frames_go_over_a_veth_pair() {
    let Some(namespace) = Namespace::new() else {
        eprintln!("SKIPPED: no network namespace with a veth pair can be made here (root and `ip netns` are needed)");
        return;
    };
    let workplace = Workplace::new();
    workplace.write("in.pcap", capture());
    let count = PACKETS.to_string();
    let in_namespace = |arguments: &[&str]| {
        let mut command = namespace.command(support::binary(), arguments);
        command.current_dir(workplace.path());
        command
    };
    let far = ["replay", "tutorial", "--in-iface", "far", "--count", &count, "--at", "app-public", "--out", "far-out"];
    let mut listener = in_namespace(&far).spawn().unwrap();
    // It listens once its directory is there.
    let began = std::time::Instant::now();
    while !workplace.join("far-out/.vpcsim").exists() {
        assert!(began.elapsed().as_secs() < 60 && listener.try_wait().unwrap().is_none(), "it does not listen");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let near =
        ["replay", "tutorial", "--in", "in.pcap", "--at", "app-public", "--after", "fixed", "--out-iface", "near"];
    assert!(in_namespace(&near).status().unwrap().success());
    let began = std::time::Instant::now();
    while listener.try_wait().unwrap().is_none() {
        if began.elapsed().as_secs() > 60 {
            listener.kill().unwrap();
            panic!("not all frames came over");
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let (sent, came) = (workplace.result("out/replay"), workplace.result("far-out"));
    assert_eq!(sent["packets"]["delivered"], PACKETS);
    assert_eq!((&came["packets"]["read"], &came["packets"]["sent_from_nic"]), (&PACKETS.into(), &PACKETS.into()));
    assert_eq!((&came["input"]["path"], &came["input"]["format"]), (&"interface far".into(), &"interface".into()));
    assert_eq!(came["delivered"][0]["via"], "igw-cfcd3c31", "the second network is as the scenario begins");
}

#[test]
fn interfaces_that_are_not_there_are_named() {
    let workplace = Workplace::new();
    let ran = workplace.run(["replay", "tutorial", "--in-iface", "nosuch0", "--at", "app-public"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("there is no interface \"nosuch0\" here; there are: "), "{}", ran.stderr);
    let ran = workplace.run(["replay", "tutorial", "--in-iface", "lo", "--out-iface", "lo", "--at", "app-public"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("would come in again"), "{}", ran.stderr);
    assert!(workplace.files().is_empty());
}
