//! The captures that a replay writes: one for each host where packets come out, one of the packets that were lost.

use super::outcome::FilePart;
use crate::capture::{CaptureFile, Direction, FileNames, Format, Vantage, file_name};
use crate::program::{HostIx, HostKind, Program};

/// The file of lost packets, without its ending.
const DROPS: &str = "drops";

/// Captures by host; each begins with its first frame.
#[derive(Clone, Debug)]
pub(super) struct Outputs {
    format: Format,
    names: FileNames,
    files: Vec<CaptureFile>,
    by_host: Vec<Option<usize>>,
    drops: Option<usize>,
    last_unix_ns: u64,
}

impl Outputs {
    pub(super) fn new(format: Format, host_count: usize) -> Outputs {
        let mut names = FileNames::default();
        // A host called "drops" gets another name.
        let _ = names.unique(DROPS, format.extension());
        Outputs { format, names, files: Vec::new(), by_host: vec![None; host_count], drops: None, last_unix_ns: 0 }
    }

    /// A frame that came out at `host`.
    pub(super) fn delivered(&mut self, program: &Program, host: HostIx, unix_ns: u64, frame: &[u8]) {
        self.last_unix_ns = unix_ns;
        let at = match self.by_host.get(host.at()).copied().flatten() {
            Some(at) => at,
            None => {
                let (name, id) = name_and_id(program, host);
                let whole = file_name(&name, &id);
                let stem = whole.strip_suffix(".pcapng").unwrap_or(&whole);
                let file_name = self.names.unique(stem, self.format.extension());
                let description = format!("what a replay brought to {name}");
                let at = self.add(program, file_name, &Vantage { name, id, description });
                if let Some(slot) = self.by_host.get_mut(host.at()) {
                    *slot = Some(at);
                }
                at
            }
        };
        self.files[at].frame(unix_ns, Some(Direction::Inbound), frame, &[]);
    }

    /// A frame that was lost, as it was when it was, and why.
    pub(super) fn dropped(&mut self, program: &Program, unix_ns: u64, frame: &[u8], why: &str) {
        self.last_unix_ns = unix_ns;
        let at = match self.drops {
            Some(at) => at,
            None => {
                let description = "packets that a replay lost".to_owned();
                let vantage = Vantage { name: DROPS.to_owned(), id: String::new(), description };
                let at = self.add(program, format!("{DROPS}.{}", self.format.extension()), &vantage);
                self.drops = Some(at);
                at
            }
        };
        self.files[at].frame(unix_ns, None, frame, &[why]);
    }

    fn add(&mut self, program: &Program, file_name: String, vantage: &Vantage) -> usize {
        let mut file = CaptureFile::empty(file_name, self.format, Some("vpcsim replay"));
        file.add_vantage(vantage);
        file.names(program.origins.address_names.iter().map(|(address, name)| (*address, name.as_str())));
        self.files.push(file);
        self.files.len() - 1
    }

    /// Whether comments can be written.
    pub(super) fn holds_comments(&self) -> bool {
        self.format == Format::Pcapng
    }

    /// The captures, each with bytes that wait.
    pub(super) fn files_mut(&mut self) -> &mut [CaptureFile] {
        &mut self.files
    }

    pub(super) fn finish(&mut self) {
        for file in &mut self.files {
            file.finish(self.last_unix_ns, 0);
        }
    }

    pub(super) fn parts(&self) -> Vec<FilePart> {
        let part = |file: &CaptureFile| FilePart { path: file.file_name().to_owned(), frames: file.frame_count() };
        self.files.iter().map(part).collect()
    }
}

/// What a host is called, and its id if that tells more: an instance has its interface's, as in the captures of a run.
fn name_and_id(program: &Program, host: HostIx) -> (String, String) {
    let named = program.origins.host(host);
    let name = named.name.clone().unwrap_or_else(|| named.id.clone());
    match program.hosts.get(host.at()).map(|attachment| (&attachment.kind, attachment.node)) {
        Some((HostKind::Instance(_), node)) => (name, program.origins.node(node).id.clone()),
        // Its Region is part of its id.
        Some((HostKind::PublicService(..), _)) => (named.id.clone(), String::new()),
        _ => (name, String::new()),
    }
}
