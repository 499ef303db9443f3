//! What came of a replay: counts that add up, and the document that says so.
//!
//! Invariants: read = skipped + sent from the capture; and sent from the capture + more by cutting + answers made up + generated + fragments made = delivered + dropped +
//! fragmented + absorbed ([`Counts::hold`]). What is listed by name has a limit ([`TRANSLATIONS_MAX`]); its counts have none.

use super::arrival::Arrivals;
use crate::dataplane::{DropReason, Reply, Step};
use crate::explain::road::Road;
use crate::program::{HostIx, NodeIx, Program};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Translations that are listed; more are only counted.
pub const TRANSLATIONS_MAX: usize = 1_000;

/// Why a packet of the capture is not sent at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the sentences say what each is")]
pub enum Skip {
    LinkType,
    Arp,
    Ipv6,
    NotIp,
    HeadersCut,
    Malformed,
    OtherHosts,
    NoPeer,
    NoRequest,
    RecordedAnswer,
}

impl Skip {
    /// In words.
    pub const fn sentence(self) -> &'static str {
        match self {
            Skip::LinkType => "the interface's link type is not supported",
            Skip::Arp => "ARP: the VPC answers that itself",
            Skip::Ipv6 => "IPv6, which is not simulated",
            Skip::NotIp => "no IP packet",
            Skip::HeadersCut => "cut inside its headers by the capture's snap length",
            Skip::Malformed => "its headers contradict its length",
            Skip::OtherHosts => "neither from nor to the address whose NIC was captured",
            Skip::NoPeer => "begun by a peer, and no host of the scenario has its address",
            Skip::NoRequest => "an answer whose request did not come out anywhere",
            Skip::RecordedAnswer => "a recorded answer; answers are generated instead",
        }
    }
}

/// Packets and the bytes of their frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Bytes of their Ethernet frames.
    pub bytes: u64,
}

impl Count {
    pub(super) fn add(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }
}

/// Where all packets are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records of the capture.
    pub read: u64,
    /// Of them those that were not sent.
    pub skipped: BTreeMap<Skip, u64>,
    /// Sent from the NIC.
    pub from_nic: u64,
    /// Sent from its peers.
    pub from_peers: u64,
    /// Packets more than those, because segmentation offload had left segments whole.
    pub cut: u64,
    /// Answers that were made up.
    pub answers: u64,
    /// Made by the data plane: ICMP errors, resets.
    pub generated: u64,
    /// Made by the data plane out of packets that were too big.
    pub fragments_made: u64,
    /// Came out.
    pub delivered: Count,
    /// Were lost, by reason and place.
    pub dropped: BTreeMap<(DropReason, NodeIx), Count>,
    /// Split: their fragments went on instead.
    pub fragmented: u64,
    /// Answered by the data plane itself.
    pub absorbed: u64,
    /// IPv4 header checksums that were wrong and were mended.
    pub header_checksums_mended: u64,
    /// The same of TCP, UDP and ICMP.
    pub transport_checksums_mended: u64,
    /// Packets of which the capture holds only the beginning: the rest is zeros.
    pub padded: u64,
    /// Conversations seen.
    pub conversations: u64,
    /// Conversations that were forgotten to keep within the table's limit. Should one go on, it begins anew.
    pub conversations_forgotten: u64,
    /// Packets whose time lay before that of the packet before them: they were sent at once.
    pub late: u64,
}

impl Counts {
    /// Packets of the capture that were not sent.
    pub fn skipped_total(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// Packets that came out.
    pub fn delivered_total(&self) -> u64 {
        self.delivered.packets
    }

    /// Packets that were lost.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().map(|count| count.packets).sum()
    }

    /// Whether every packet is accounted for.
    pub fn hold(&self) -> bool {
        let sent = self.from_nic + self.from_peers;
        let came = sent + self.cut + self.answers + self.generated + self.fragments_made;
        self.read == self.skipped_total() + sent
            && came == self.delivered_total() + self.dropped_total() + self.fragmented + self.absorbed
    }

    pub(super) fn skip(&mut self, why: Skip) {
        *self.skipped.entry(why).or_default() += 1;
    }
}

/// An address, or an address and a port, in place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Translation {
    /// Who did it.
    pub at: NodeIx,
    /// The packet's source and source port before; the port is 0 where only the address is translated.
    pub before: (Ipv4Addr, u16),
    /// And after.
    pub after: (Ipv4Addr, u16),
}

/// Translations in the order of their first packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Translations {
    listed: Vec<Translation>,
    known: std::collections::BTreeSet<Translation>,
    more: u64,
}

impl Translations {
    /// Adds one that is perhaps listed already. Returns whether it is listed now.
    pub(super) fn see(&mut self, translation: Translation) -> bool {
        if self.listed.last() == Some(&translation) || self.known.contains(&translation) {
            return true;
        }
        if self.listed.len() >= TRANSLATIONS_MAX {
            self.more += 1;
            return false;
        }
        self.known.insert(translation);
        self.listed.push(translation);
        true
    }

    /// Counts some that are not listed.
    pub(super) fn see_unlisted(&mut self, count: u64) {
        self.more += count;
    }

    /// The first [`TRANSLATIONS_MAX`].
    pub fn listed(&self) -> &[Translation] {
        &self.listed
    }
}

/// Why `step` lost its packet.
pub(super) fn lost(step: Step) -> Option<DropReason> {
    match step {
        Step::Drop(reason) | Step::Reply(Reply::Error { reason, .. }) => Some(reason),
        _ => None,
    }
}

/// The document of a replay, written as `result.json`.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the members' names say it; the README has an example")]
pub struct Document {
    pub scenario: String,
    pub network: String,
    pub input: InputPart,
    pub nic: NicPart,
    pub packets: PacketsPart,
    pub skipped: Vec<SkippedPart>,
    pub delivered: Vec<DeliveredPart>,
    pub dropped: Vec<DroppedPart>,
    pub translations: Vec<TranslationPart>,
    /// Translations beyond those listed.
    pub translations_more: u64,
    pub files: Vec<FilePart>,
}

/// The capture that was read.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the members' names say it")]
pub struct InputPart {
    pub path: String,
    pub format: &'static str,
    pub records: u64,
    pub bytes_read: u64,
    /// Where and how the file is broken; everything before that was replayed.
    pub error: Option<String>,
}

/// Who stands for the captured machine.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the members' names say it")]
pub struct NicPart {
    pub host: String,
    pub address: Ipv4Addr,
    /// The address in the capture that it stands for; none if conversations were split one by one.
    pub address_in_capture: Option<Ipv4Addr>,
}

/// The sums.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "see Counts")]
pub struct PacketsPart {
    pub read: u64,
    pub skipped: u64,
    pub sent_from_nic: u64,
    pub sent_from_peers: u64,
    /// Packets more than those read, because segmentation offload had left segments whole.
    pub segments_cut_more: u64,
    pub answers_made_up: u64,
    pub generated: u64,
    pub fragments_made: u64,
    pub delivered: u64,
    pub dropped: u64,
    pub fragmented: u64,
    pub absorbed: u64,
    pub padded: u64,
    pub header_checksums_mended: u64,
    pub transport_checksums_mended: u64,
    pub late: u64,
    pub conversations: u64,
    pub conversations_forgotten: u64,
}

/// Packets that were not sent.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the members' names say it")]
pub struct SkippedPart {
    pub reason: Skip,
    pub why: &'static str,
    pub packets: u64,
}

/// Packets that came out.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the members' names say it")]
pub struct DeliveredPart {
    pub host: String,
    pub road: Option<&'static str>,
    pub via: Option<String>,
    #[serde(flatten)]
    pub count: Count,
}

/// Packets that were lost.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the members' names say it")]
pub struct DroppedPart {
    pub code: &'static str,
    pub at: String,
    pub why: &'static str,
    #[serde(flatten)]
    pub count: Count,
}

/// One translation: `10.0.1.10:40000` became `203.0.113.5:1024`.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the members' names say it")]
pub struct TranslationPart {
    pub at: String,
    pub before: String,
    pub after: String,
}

/// A file that was written.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the members' names say it")]
pub struct FilePart {
    pub path: String,
    pub frames: u64,
}

/// The sums for the document.
pub(super) fn packets(counts: &Counts) -> PacketsPart {
    PacketsPart {
        read: counts.read,
        skipped: counts.skipped_total(),
        sent_from_nic: counts.from_nic,
        sent_from_peers: counts.from_peers,
        segments_cut_more: counts.cut,
        answers_made_up: counts.answers,
        generated: counts.generated,
        fragments_made: counts.fragments_made,
        delivered: counts.delivered_total(),
        dropped: counts.dropped_total(),
        fragmented: counts.fragmented,
        absorbed: counts.absorbed,
        padded: counts.padded,
        header_checksums_mended: counts.header_checksums_mended,
        transport_checksums_mended: counts.transport_checksums_mended,
        late: counts.late,
        conversations: counts.conversations,
        conversations_forgotten: counts.conversations_forgotten,
    }
}

/// What came out, lost and skipped, in words.
pub(super) fn parts(
    program: &Program,
    counts: &Counts,
    arrivals: &Arrivals,
) -> (Vec<SkippedPart>, Vec<DeliveredPart>, Vec<DroppedPart>, Vec<TranslationPart>, u64) {
    let skipped = counts.skipped.iter();
    let skipped = skipped.map(|(reason, packets)| (*reason, reason.sentence(), *packets));
    let skipped = skipped.map(|(reason, why, packets)| SkippedPart { reason, why, packets }).collect();
    let delivered = arrivals.counts().into_iter().map(|((host, road), count)| DeliveredPart {
        host: host_name(program, host),
        road: road.map(Road::class),
        via: road.and_then(Road::node).map(|node| program.origins.owner(node).id.clone()),
        count,
    });
    let dropped = counts.dropped.iter().map(|((reason, at), count)| DroppedPart {
        code: reason.code(),
        at: program.origins.nodes.get(at.at()).map_or_else(String::new, |node| node.id.clone()),
        why: reason.facts().sentence,
        count: *count,
    });
    let shown = |(address, port): (Ipv4Addr, u16)| match port {
        0 => address.to_string(),
        port => format!("{address}:{port}"),
    };
    let translations = &arrivals.translations;
    let translated = translations.listed.iter().map(|translation| TranslationPart {
        at: program.origins.node(translation.at).id.clone(),
        before: shown(translation.before),
        after: shown(translation.after),
    });
    (skipped, delivered.collect(), dropped.collect(), translated.collect(), translations.more)
}

/// What people call a host.
pub(super) fn host_name(program: &Program, host: HostIx) -> String {
    let named = program.origins.host(host);
    named.name.clone().unwrap_or_else(|| named.id.clone())
}
