//! Putting fragments together: what an end system does before its transport protocols see a packet.
//!
//! Rules, as Linux has them: a datagram waits 30 s for its rest (`ipfrag_time`), all that wait hold at most 4 MiB (`ipfrag_high_thresh`).
//! Own choice: at most [`DATAGRAMS_MAX`] wait. A fragment that repeats another one exactly is ignored; one that overlaps with others
//! condemns the datagram, and everything more of it is dropped until its time is over (RFC 5722 says so for IPv6, Linux does it for both).
//! Non-goal: "fragment reassembly time exceeded" (ICMP 11/1), which the owner may send from what [`Reassembler::expire`] returns.

use super::{
    FLAGS_AND_OFFSET, Header, IP, MAX_PACKET_BYTES, TOTAL_LENGTH, UNIT_BYTES, fill_header_checksum, put_word, word,
};
use crate::time::{SimDuration, SimTime};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// How long a datagram waits for its rest, from its first fragment on.
pub const WAIT: SimDuration = SimDuration::from_secs(30);
/// How many datagrams wait at most.
pub const DATAGRAMS_MAX: usize = 64;
/// How many bytes of frames wait at most.
pub const HELD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Datagrams that wait for their rest.
#[derive(Debug, Default)]
pub struct Reassembler {
    waiting: BTreeMap<Key, Waiting>,
    pub(super) held_bytes: usize,
}

/// What became of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reassembly {
    /// A whole packet: the frame itself if it was none of several, else one that looks as if it had never been cut.
    Whole(Bytes),
    /// It waits for the others.
    Held,
    /// It is gone, and so is its datagram unless the reason is a limit.
    Dropped(ReassemblyDrop),
}

/// Why a fragment was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReassemblyDrop {
    /// Its place overlaps with another one's, or the datagram was condemned for that before.
    Overlap,
    /// Its lengths contradict themselves or those of the others: no multiple of 8, behind the end, or beyond 65,535 bytes.
    Inconsistent,
    /// [`DATAGRAMS_MAX`] or [`HELD_BYTES_MAX`].
    Full,
}

/// RFC 791 section 3.2: what the fragments of one datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    source: [u8; 4],
    destination: [u8; 4],
    protocol: u8,
    identification: u16,
}

#[derive(Debug)]
struct Waiting {
    until: SimTime,
    /// Where the datagram's data ends, once the last fragment has come.
    end: Option<usize>,
    /// Frames by the offset of their data; none overlaps. The gaps are RFC 815's holes.
    pieces: BTreeMap<usize, Piece>,
    is_condemned: bool,
}

#[derive(Debug)]
struct Piece {
    frame: Bytes,
    header: Header,
}

impl Piece {
    fn data(&self) -> &[u8] {
        // Invariant: the header's lengths were checked against this frame.
        &self.frame[IP + self.header.header_bytes..IP + self.header.total_bytes]
    }
}

impl Reassembler {
    /// Takes in a frame with EtherType IPv4. What is no fragment, or cannot be read, comes back as it is. A fragment's header checksum must
    /// have been seen to.
    pub fn push(&mut self, now: SimTime, frame: Bytes) -> Reassembly {
        let Some((key, header)) = Key::of(&frame) else { return Reassembly::Whole(frame) };
        let (waiting_count, held_bytes) = (self.waiting.len(), self.held_bytes);
        let waiting = match self.waiting.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(_) if waiting_count >= DATAGRAMS_MAX => {
                return Reassembly::Dropped(ReassemblyDrop::Full);
            }
            Entry::Vacant(entry) => {
                entry.insert(Waiting { until: now + WAIT, end: None, pieces: BTreeMap::new(), is_condemned: false })
            }
        };
        if waiting.is_condemned {
            return Reassembly::Dropped(ReassemblyDrop::Overlap);
        }
        if held_bytes + frame.len() > HELD_BYTES_MAX {
            if waiting.pieces.is_empty() {
                self.waiting.remove(&key);
            }
            return Reassembly::Dropped(ReassemblyDrop::Full);
        }
        let frame_bytes = frame.len();
        match waiting.add(Piece { frame, header }) {
            Ok(false) => Reassembly::Held,
            Ok(true) => {
                self.held_bytes += frame_bytes;
                let Some(whole) = waiting.whole() else { return Reassembly::Held };
                self.forget(&key);
                Reassembly::Whole(whole)
            }
            Err(reason) => {
                let freed = waiting.held_bytes();
                waiting.is_condemned = true;
                waiting.pieces.clear();
                self.held_bytes -= freed;
                Reassembly::Dropped(reason)
            }
        }
    }

    /// Gives up what has waited too long. For each datagram its first fragment, if that had come (RFC 792: only then is an error sent).
    pub fn expire(&mut self, now: SimTime) -> Vec<Option<Bytes>> {
        let over = self.waiting.iter().filter(|(_, waiting)| waiting.until <= now);
        let over: Vec<(Key, bool)> = over.map(|(key, waiting)| (*key, waiting.is_condemned)).collect();
        let mut given_up = Vec::new();
        for (key, is_condemned) in over {
            let first =
                self.waiting.get(&key).and_then(|waiting| waiting.pieces.get(&0).map(|piece| piece.frame.clone()));
            self.forget(&key);
            // The condemned were counted when they were dropped.
            if !is_condemned {
                given_up.push(first);
            }
        }
        given_up
    }

    /// When [`Reassembler::expire`] has something to give up next.
    pub fn deadline(&self) -> Option<SimTime> {
        self.waiting.values().map(|waiting| waiting.until).min()
    }

    fn forget(&mut self, key: &Key) {
        if let Some(waiting) = self.waiting.remove(key) {
            self.held_bytes -= waiting.held_bytes();
        }
    }
}

impl Waiting {
    /// Takes in a piece. False: it was there already.
    fn add(&mut self, piece: Piece) -> Result<bool, ReassemblyDrop> {
        let (start, length) = (piece.header.offset_bytes(), piece.data().len());
        let end = start + length;
        let is_last = !piece.header.more_fragments();
        let header_bytes = piece.header.header_bytes;
        if length == 0 || (!is_last && length % UNIT_BYTES != 0) || end + header_bytes > MAX_PACKET_BYTES {
            return Err(ReassemblyDrop::Inconsistent);
        }
        let is_repeated = |there: &Piece| there.data() == piece.data() && there.header.more_fragments() != is_last;
        if self.pieces.get(&start).is_some_and(is_repeated) {
            return Ok(false);
        }
        let before = self.pieces.range(..=start).next_back();
        let overlaps_before = before.is_some_and(|(at, there)| at + there.data().len() > start);
        let overlaps_behind = self.pieces.range(start..).next().is_some_and(|(at, _)| *at < end);
        if overlaps_before || overlaps_behind {
            return Err(ReassemblyDrop::Overlap);
        }
        let greatest = self.pieces.last_key_value().map_or(0, |(at, there)| at + there.data().len());
        match self.end {
            // Two ends, or something behind the end.
            Some(_) if is_last => return Err(ReassemblyDrop::Inconsistent),
            Some(known) if end > known => return Err(ReassemblyDrop::Inconsistent),
            None if is_last && greatest > end => return Err(ReassemblyDrop::Inconsistent),
            None if is_last => self.end = Some(end),
            _ => {}
        }
        self.pieces.insert(start, piece);
        Ok(true)
    }

    /// The packet, if no hole is left.
    fn whole(&self) -> Option<Bytes> {
        let end = self.end?;
        let data_bytes: usize = self.pieces.values().map(|piece| piece.data().len()).sum();
        let first = self.pieces.get(&0).filter(|_| data_bytes == end)?;
        let header_at = IP + first.header.header_bytes;
        let mut frame = Vec::with_capacity(header_at + end);
        frame.extend_from_slice(&first.frame[..header_at]);
        self.pieces.values().for_each(|piece| frame.extend_from_slice(piece.data()));
        // The first piece may have had a longer header than the piece that was measured, so look again.
        let total_bytes = u16::try_from(frame.len() - IP).ok()?;
        let header = &mut frame[IP..header_at];
        put_word(header, TOTAL_LENGTH, total_bytes);
        put_word(header, FLAGS_AND_OFFSET, 0);
        fill_header_checksum(header);
        Some(Bytes::from(frame))
    }

    fn held_bytes(&self) -> usize {
        self.pieces.values().map(|piece| piece.frame.len()).sum()
    }
}

impl Key {
    /// The key and header of a fragment; `None` for whole packets and what cannot be read.
    fn of(frame: &[u8]) -> Option<(Key, Header)> {
        let header = Header::of(frame)?;
        if header.offset_bytes() == 0 && !header.more_fragments() {
            return None;
        }
        let packet = &frame[IP..];
        let key = Key {
            source: packet[12..16].try_into().ok()?,
            destination: packet[16..20].try_into().ok()?,
            protocol: packet[9],
            identification: word(packet, 4)?,
        };
        Some((key, header))
    }
}
