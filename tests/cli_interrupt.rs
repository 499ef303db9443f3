//! Ctrl-C, and what a terminal sees while a run takes its time.

mod support;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::{LAB, Workplace, binary, captures, contents_of, whole_packets};
use vpcsim::capture::Format;

/// Longer than anybody waits: 100,000 calls.
const ENDLESS: &str = "region = \"us-east-1\"\n[vpc]\ndefault = { default = true }\n[instance]\napp = { subnet = \"default-1a\" }\n\
    [[step]]\nname = \"first\"\non = \"app\"\nrun = \"aws dynamodb list-tables\"\nexpect.app = { exit = 0 }\n\
    [[step]]\nname = \"endless\"\non = \"app\"\nrun = \"aws dynamodb list-tables\"\nrepeat = 100000\nevery = \"10ms\"\nexpect.app = { exit = 0 }\n\
    [[step]]\nname = \"never\"\nrun = \"aws ec2 describe-vpcs\"\n";

/// How long a run may take to get going, or to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until captures reach the disk: then the run is in the midst of its work.
fn wait_for_captures(child: &mut Child, workplace: &Workplace) {
    let begun = Instant::now();
    while !workplace.files().iter().any(|file| file.ends_with(".pcapng")) {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        assert!(begun.elapsed() < PATIENCE, "no capture after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn send(signal: &str, child: &Child) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn an_interrupt_leaves_whole_captures_and_a_result_marked_incomplete() {
    for signal in ["-INT", "-TERM"] {
        let workplace = Workplace::new();
        workplace.write("endless.toml", ENDLESS);
        let mut command = workplace.command(["run", "endless.toml", "--out", "o"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for_captures(&mut child, &workplace);
        send(signal, &child);
        let begun = Instant::now();
        let output = child.wait_with_output().unwrap();
        assert!(begun.elapsed() < PATIENCE, "it went on for {:?}", begun.elapsed());
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!((output.status.code(), stderr.as_ref()), (Some(130), ""), "{stdout}");
        assert!(stdout.contains("INCOMPLETE: interrupted"), "{stdout}");

        let result = workplace.result("o");
        assert_eq!(result["complete"], false);
        support::assert_conserved(&result);
        let steps = result["steps"].as_array().unwrap();
        let names: Vec<_> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["first", "endless"], "what never began is not there");
        let cut = support::host(&steps[1], "app");
        assert_eq!((&cut["ok"], &cut["exit_code"]), (&false.into(), &130.into()));
        let calls = cut["calls"].as_u64().unwrap();
        assert!((1..100_000).contains(&calls), "{calls}");
        assert_eq!(steps[1]["checks"].as_array().unwrap().len(), 0, "a step that was cut short is not judged");
        assert_eq!((&result["checks"]["passed"], &result["checks"]["failed"]), (&1.into(), &0.into()));

        let files = contents_of(&workplace.join("o"));
        for name in captures(&result) {
            let frames = whole_packets(&name, &files[&name]);
            let listed = result["files"].as_array().unwrap().iter().find(|file| file["path"] == name.as_str()).unwrap();
            assert_eq!(listed["what"], format!("capture, {frames} frames"), "{name}");
        }
        assert!(files.contains_key("wireshark/profiles/vpcsim/preferences"));
    }
}

#[test]
fn an_interrupted_run_can_be_run_again_into_the_same_directory() {
    let workplace = Workplace::new();
    workplace.write("endless.toml", ENDLESS);
    let mut child = workplace.command(["run", "endless.toml", "--out", "o", "-q"]).spawn().unwrap();
    wait_for_captures(&mut child, &workplace);
    send("-INT", &child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    workplace.run(["run", "--out", "o", "-q"]).success();
    assert_eq!(workplace.result("o")["complete"], true);
}

/// Nothing can be done in the face of SIGKILL but to have every file whole, or nearly, all the time: a write that the kernel cut off may have torn the last block.
#[test]
fn a_killed_run_leaves_captures_that_can_be_read() {
    let bulk = format!(
        "{LAB}[subnet]\na = {{ cidr = \"10.0.1.0/24\" }}\n[security_group]\ng = {{ ingress = [\"tcp 5201 from 0.0.0.0/0\"] }}\n\
         [instance]\none = {{ subnet = \"a\", groups = [\"g\"] }}\ntwo = {{ subnet = \"a\", groups = [\"g\"], serves = [\"bulk\"] }}\n\
         [[step]]\nname = \"much\"\non = \"one\"\nrun = \"bulk two -n 10G\"\n"
    );
    for (round, format) in ["pcapng", "pcap", "pcapng"].into_iter().enumerate() {
        let workplace = Workplace::new();
        workplace.write("bulk.toml", &bulk);
        let mut command = workplace.command(["run", "bulk.toml", "--out", "o", "-q", "--pcap-format", format]);
        let mut child = command.spawn().unwrap();
        let begun = Instant::now();
        let captures = || workplace.files().into_iter().filter(|file| file.ends_with(format)).collect::<Vec<_>>();
        while captures().len() < 2 {
            assert!(child.try_wait().unwrap().is_none() && begun.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(37 * (round as u64 + 1)));
        send("-KILL", &child);
        child.wait().unwrap();
        for name in captures() {
            let bytes = std::fs::read(workplace.join(&name)).unwrap();
            let kind = if format == "pcap" { Format::Pcap } else { Format::Pcapng };
            let whole = kind.whole_bytes(&bytes, true);
            assert!(bytes.len() - whole < 10_000, "{name}: {whole} of {} bytes are whole blocks", bytes.len());
            let mut tshark = Command::new("tshark");
            tshark.args(["-r", &name, "-T", "fields", "-e", "frame.number"]);
            let read = tshark.current_dir(workplace.path()).output().unwrap();
            let complaint = String::from_utf8_lossy(&read.stderr);
            let is_torn = whole < bytes.len();
            assert!(
                read.status.success() != is_torn && complaint.contains("cut short") == is_torn,
                "{name}: {complaint}"
            );
            let frames = String::from_utf8_lossy(&read.stdout).lines().count();
            assert!(frames > 10, "{name}: {frames} frames in {whole} bytes");
        }
    }
}

/// Progress and colours are for terminals: Python's `pty` plays one.
#[test]
fn a_terminal_sees_colours_and_progress() {
    let workplace = Workplace::new();
    workplace.write("endless.toml", ENDLESS);
    let terminal = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = Command::new("python3");
        command.args(["-c", TERMINAL, binary()]).args(arguments).current_dir(workplace.path());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        let output = command.env("TERM", "xterm-256color").envs(environment.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let endless = terminal(&["run", "endless.toml"], &[]);
    assert!(endless.contains("simulated 00:") && endless.contains("endless"), "progress: {endless:.2000}");
    assert!(endless.contains("\u{1b}[1m"), "bold titles: {endless:.2000}");
    assert!(endless.ends_with("exit 130\n"), "{endless:.2000}");
    let short = terminal(&["run", "--out", "short"], &[("NO_COLOR", "1")]);
    assert!(!short.contains("\u{1b}[1m"), "NO_COLOR: {short:.2000}");
    assert!(short.ends_with("exit 0\n"), "{short:.2000}");
    let quiet = terminal(&["run", "endless.toml", "--quiet"], &[]);
    assert_eq!(quiet.trim(), "exit 130", "quiet shows no progress either");
}

/// Runs a command on a terminal of its own, sends Ctrl-C after a while, prints what the terminal saw and the exit status.
const TERMINAL: &str = r#"
import os, pty, sys, threading, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
def interrupt():
    time.sleep(2.0)
    try:
        os.write(terminal, b"\x03")
    except OSError:
        pass
threading.Thread(target=interrupt, daemon=True).start()
seen = b""
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    seen += data
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
seen = seen.replace(b"^C", b"")
sys.stdout.buffer.write(seen + b"\nexit %d\n" % status)
"#;
