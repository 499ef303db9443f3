//! Wireshark's tools as judges, with vpcsim's profile installed in a home directory of their own.
#![allow(dead_code, reason = "every test crate uses its part of this")]

use std::path::{Path, PathBuf};
use std::process::Command;

use vpcsim::capture::{CaptureFile, FileSet, Vantage, profile};

/// A capture on disk beside an installed profile; both vanish with it.
pub(crate) struct Capture {
    pub(crate) home: PathBuf,
    pub(crate) path: String,
    _directory: tempfile::TempDir,
}

impl Capture {
    /// Writes the capture that `story` tells, seen at app-1's interface.
    pub(crate) fn of(story: impl FnOnce(&mut CaptureFile)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().to_owned();
        install_profile(&home);
        let mut set = FileSet::default();
        let vantage = Vantage {
            name: "app-1".into(),
            id: "eni-5f2103c4".into(),
            description: "app-1, instance in subnet default-1a".into(),
        };
        let file = set.add(&vantage, Some("test of the encoder"));
        let file = set.get_mut(file).unwrap();
        story(file);
        let path = home.join(file.file_name());
        std::fs::write(&path, file.take_pending()).unwrap();
        Capture { path: path.to_str().unwrap().to_owned(), home, _directory: directory }
    }

    /// The packet list as `tshark -C vpcsim` prints it, or whatever further `arguments` ask for.
    pub(crate) fn tshark(&self, arguments: &[&str]) -> Vec<String> {
        run("tshark", &self.home, &[&["-C", profile::NAME, "-r", &self.path], arguments].concat())
    }

    /// One line per frame that passes the filter, fields separated by tabs. Two passes: completeness is known at the end.
    pub(crate) fn fields(&self, filter: &str, fields: &[&str]) -> Vec<String> {
        let mut arguments = vec!["-2", "-Y", filter, "-T", "fields"];
        arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
        self.tshark(&arguments)
    }
}

/// Puts the profile where Wireshark looks for it.
pub(crate) fn install_profile(home: &Path) {
    let directory = home.join(".config/wireshark/profiles").join(profile::NAME);
    std::fs::create_dir_all(&directory).unwrap();
    for (name, contents) in profile::FILES {
        std::fs::write(directory.join(name), contents).unwrap();
    }
}

/// Output lines; anything but success, or a complaint of Wireshark's about its input or settings, fails the test.
pub(crate) fn run(program: &str, home: &Path, arguments: &[&str]) -> Vec<String> {
    let output = Command::new(program)
        .args(arguments)
        .env("HOME", home)
        .env_remove("XDG_CONFIG_HOME")
        .env("LC_ALL", "C.UTF-8")
        .env("TERM", "xterm-256color")
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed to judge captures; scripts/test installs it ({error})"));
    let complaints = String::from_utf8_lossy(&output.stderr);
    let serious: Vec<&str> = complaints.lines().filter(|line| !line.starts_with("Running as user")).collect();
    assert!(output.status.success() && serious.is_empty(), "{program} {arguments:?}: {serious:#?}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}
