//! Runs the `vpcsim` binary as a user would, in a directory of its own.
#![allow(dead_code, reason = "every test crate uses its part of this")]

use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Environment variables that change what vpcsim prints. None may leak from whoever runs the tests.
const ENVIRONMENT_OF_COLOURS: [&str; 4] = ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM"];

/// The beginning of most small scenarios: one VPC with an internet gateway.
pub(crate) const LAB: &str =
    "region = \"us-east-1\"\n[vpc]\nlab = { cidr = \"10.0.0.0/16\", internet_gateway = true }\n";

/// A directory to run vpcsim in; it vanishes with this.
pub(crate) struct Workplace {
    directory: tempfile::TempDir,
}

/// How a run of the binary ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workplace {
    pub(crate) fn new() -> Self {
        Workplace { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file and returns its name.
    pub(crate) fn write<'n>(&self, name: &'n str, contents: impl AsRef<[u8]>) -> &'n str {
        fs::write(self.join(name), contents).unwrap();
        name
    }

    /// The binary, about to be run here with a plain environment.
    pub(crate) fn command<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> std::process::Command {
        let mut command = std::process::Command::new(binary());
        command.current_dir(self.path()).args(arguments);
        for name in ENVIRONMENT_OF_COLOURS {
            command.env_remove(name);
        }
        command
    }

    /// Runs the binary here to its end.
    pub(crate) fn run<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Ran {
        Ran::of(assert_cmd::Command::from_std(self.command(arguments)))
    }

    /// `result.json` below `out`.
    pub(crate) fn result(&self, out: &str) -> Value {
        result_in(&self.join(out))
    }

    /// What lies here, by path, directories left out.
    pub(crate) fn files(&self) -> Vec<String> {
        contents_of(self.path()).into_keys().collect()
    }
}

impl Ran {
    pub(crate) fn of(mut command: assert_cmd::Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("vpcsim prints UTF-8");
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Asserts that it ended well and said nothing on stderr.
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{}", self.stdout);
        self
    }
}

/// The binary under test.
pub(crate) fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_vpcsim")
}

/// The default run, made once for all tests of a crate.
pub(crate) struct Tutorial {
    pub(crate) workplace: Workplace,
    pub(crate) summary: String,
    pub(crate) result: Value,
}

impl Tutorial {
    pub(crate) fn get() -> &'static Tutorial {
        static RUN: OnceLock<Tutorial> = OnceLock::new();
        RUN.get_or_init(|| {
            let workplace = Workplace::new();
            let ran = workplace.run(["run"]).success();
            let result = workplace.result("out/tutorial");
            Tutorial { workplace, summary: ran.stdout, result }
        })
    }

    /// Its output directory.
    pub(crate) fn out(&self) -> PathBuf {
        self.workplace.join("out/tutorial")
    }

    /// The capture whose name begins with `stem`.
    pub(crate) fn capture(&self, stem: &str) -> PathBuf {
        let names = captures(&self.result);
        let mut found = names.iter().filter(|name| name.starts_with(stem));
        let name = found.next().unwrap_or_else(|| panic!("no capture {stem} among {names:?}"));
        assert!(found.next().is_none(), "{stem} is the beginning of several of {names:?}");
        self.out().join(name)
    }

    /// The step's own run.
    pub(crate) fn step(&self, name: &str) -> &Value {
        self.step_run(name, None)
    }

    /// The step called `name`, run again by the step called `by`.
    pub(crate) fn again(&self, name: &str, by: &str) -> &Value {
        let number = self.step(by)["number"].as_u64();
        self.step_run(name, number)
    }

    fn step_run(&self, name: &str, by: Option<u64>) -> &Value {
        let steps = self.result["steps"].as_array().unwrap();
        let wanted = |step: &&Value| step["name"] == name && step.get("rerun_of_step").and_then(Value::as_u64) == by;
        steps.iter().find(wanted).unwrap_or_else(|| panic!("the step {name} was not run (by {by:?})"))
    }
}

/// What came of `host` in a step.
pub(crate) fn host<'r>(step: &'r Value, host: &str) -> &'r Value {
    let hosts = step["hosts"].as_array().unwrap();
    hosts.iter().find(|result| result["host"] == host).unwrap_or_else(|| panic!("{host} is not in {step:#}"))
}

/// `result.json` of an output directory.
pub(crate) fn result_in(directory: &Path) -> Value {
    let path = directory.join("result.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The names of the captures that a result lists.
pub(crate) fn captures(result: &Value) -> Vec<String> {
    let paths = result["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap());
    paths.filter(|path| path.ends_with(".pcapng")).map(str::to_owned).collect()
}

/// Every file below `directory`, by its path relative to it.
pub(crate) fn contents_of(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// injected + generated + fragments_made = delivered + dropped + fragmented + absorbed + queued, by the result's own account.
#[track_caller]
pub(crate) fn assert_conserved(result: &Value) {
    let packets = &result["packets"];
    let count = |name: &str| packets[name].as_u64().unwrap();
    let dropped: u64 = packets["dropped"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(
        count("injected") + count("generated") + count("fragments_made"),
        count("delivered") + dropped + count("fragmented") + count("absorbed") + count("queued"),
        "{packets:#}"
    );
    assert!(count("injected") > 0, "nothing was sent at all");
}

/// Reads a capture to its last byte with a parser that is not ours, and counts the packets.
#[track_caller]
pub(crate) fn whole_packets(name: &str, bytes: &[u8]) -> usize {
    let (rest, capture) = pcap_parser::pcapng::parse_pcapng(bytes).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    assert!(rest.is_empty(), "{name} ends with {} bytes of a torn block", rest.len());
    let blocks = capture.sections.iter().flat_map(|section| &section.blocks);
    blocks.filter(|block| matches!(block, pcap_parser::Block::EnhancedPacket(_))).count()
}
