//! The captures committed under `pcaps/` are what the program writes: each scenario there is run again and its files compared, byte by byte. What
//! `pcaps/README.md` shows of them is what tshark prints.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the whole set may take in the repository.
const BYTES_MAX: usize = 400 << 10;

#[test]
fn committed_captures_are_what_the_program_writes() {
    let names = scenarios();
    assert!(names.len() >= 5, "{names:?}");
    for name in &names {
        let scratch = tempfile::tempdir().unwrap();
        let out = scratch.path().join("out");
        run(&format!("pcaps/{name}.toml"), &out);
        compare(&captures(&pcaps().join(name)), &captures(&out), name);
        let profile = Path::new("wireshark/profiles/vpcsim");
        compare(&files(&pcaps().join(profile)), &files(&out.join(profile)), "wireshark");
    }
}

#[test]
fn captures_are_small_and_each_folder_has_a_scenario() {
    let expected: BTreeSet<String> = scenarios().into_iter().chain(["wireshark".to_owned()]).collect();
    let entries = fs::read_dir(pcaps()).unwrap().map(|entry| entry.unwrap().path());
    let folders: BTreeSet<String> = entries.filter(|path| path.is_dir()).map(|path| stem(&path)).collect();
    assert_eq!(folders, expected);
    let bytes: usize =
        scenarios().iter().flat_map(|name| captures(&pcaps().join(name)).into_values()).map(|c| c.len()).sum();
    assert!(bytes <= BYTES_MAX, "{bytes} bytes of captures, {BYTES_MAX} are allowed");
}

/// A `console` block holds commands (`$ `, continued by `\\` at a line's end), each followed by its output; there, a tab is written as two blanks and
/// blanks at a line's end are left out.
#[test]
fn the_guide_shows_what_tshark_prints() {
    let text = fs::read_to_string(pcaps().join("README.md")).unwrap();
    let blocks = text.split("```console\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    let mut commands = 0;
    for shown in blocks.flat_map(|block| block.split("$ ").skip(1)) {
        let command_lines = shown.lines().take_while(|line| line.ends_with('\\')).count() + 1;
        let command = shown.lines().take(command_lines).collect::<Vec<_>>().join("\n");
        let expected: Vec<_> = shown.lines().skip(command_lines).map(str::to_owned).collect();
        assert_eq!(shell(&command), expected, "{command}");
        commands += 1;
    }
    assert!(commands >= 10, "only {commands} commands found");
}

/// Output lines of a command in `pcaps/`, with the profile there.
fn shell(command: &str) -> Vec<String> {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-c", command])
        .current_dir(pcaps())
        .env("HOME", home.path())
        .env("WIRESHARK_CONFIG_DIR", "wireshark")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    let serious: Vec<_> = complaints.lines().filter(|line| !line.starts_with("Running as user")).collect();
    assert!(output.status.success() && serious.is_empty(), "{command}: {serious:#?}");
    let lines =
        String::from_utf8_lossy(&output.stdout).lines().map(|line| line.replace('\t', "  ")).collect::<Vec<_>>();
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

fn pcaps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pcaps")
}

/// Names of the scenarios under `pcaps/`, in order.
fn scenarios() -> Vec<String> {
    let paths = fs::read_dir(pcaps()).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "toml")).map(|path| stem(&path)).collect();
    names.sort();
    names
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// Runs a scenario as `scripts/make-pcaps` does; its expectations must hold.
fn run(scenario: &str, out: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_vpcsim"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", scenario, "--quiet", "--out"])
        .arg(out)
        .output()
        .unwrap();
    assert!(output.status.success(), "{scenario}: {output:?}");
}

/// The captures directly in a folder.
fn captures(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = files(folder);
    all.retain(|name, _| name.ends_with(".pcapng"));
    assert!(!all.is_empty(), "no captures in {}", folder.display());
    all
}

/// The files directly in a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    paths.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}

fn compare(committed: &BTreeMap<String, Vec<u8>>, written: &BTreeMap<String, Vec<u8>>, name: &str) {
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(committed),
        names(written),
        "{name}: other files; run scripts/make-pcaps and look at the difference"
    );
    for (file, bytes) in committed {
        assert!(*bytes == written[file], "{name}/{file} is stale; run scripts/make-pcaps and look at the difference");
    }
}
