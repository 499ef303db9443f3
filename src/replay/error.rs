//! What can be wrong with a capture, or with what is asked of a replay.

use super::link_layer;

/// Why a capture cannot be read on. `record` counts packets from 1 and is the one that would have come next, `offset` is the byte where it begins.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the sentences say what each is")]
pub enum ReadError {
    #[error("the file is empty: not a capture file")]
    Empty,
    #[error("not a capture file: it ends inside its header, at byte {held_bytes}")]
    NoHeader { held_bytes: usize },
    #[error(
        "not a capture file: it begins with {:02x} {:02x} {:02x} {:02x}{}",
        begins[0], begins[1], begins[2], begins[3], looks_like.map_or(String::new(), |what| format!(", which is {what}"))
    )]
    NotACapture { begins: [u8; 4], looks_like: Option<&'static str> },
    #[error("version {major}.{minor} of the format is not supported")]
    Version { major: u16, minor: u16 },
    #[error("record {record} at byte {offset}: the file ends inside {what}, of which it holds {held_bytes} bytes")]
    EndsInside { record: u64, offset: u64, what: &'static str, held_bytes: usize },
    #[error(
        "record {record} at byte {offset}: it says that it is {says_bytes} bytes long, and the limit is {max_bytes}"
    )]
    TooLong { record: u64, offset: u64, says_bytes: u32, max_bytes: usize },
    #[error("record {record} at byte {offset}: the block is broken: {what}")]
    Block { record: u64, offset: u64, what: &'static str },
    #[error("record {record} at byte {offset}: the packet is of interface {number}, and the section describes {known}")]
    NoInterface { record: u64, offset: u64, number: u32, known: usize },
    #[error("link type {number} ({}) is not supported: {}", link_layer::name(*number), link_layer::SUPPORTED)]
    LinkType { number: u16 },
}

/// Why a replay cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the sentences say what each is")]
pub enum ReplayError {
    #[error(
        "\"{text}\" maps nothing: expected CIDR=CIDR with two prefixes of one length, as in 10.0.0.0/16=172.31.0.0/16"
    )]
    Map { text: String },
    #[error("{host} has no link of its own to send from")]
    NoLink { host: String },
}
