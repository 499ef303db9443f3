//! The first frames that a run's hosts sent, to be sent again.
//!
//! Purpose: traffic of the scenario's own for measuring (`vpcsim run --measure`). Non-goal: a capture; frames that nodes make are left out. Invariants: frames in the order and as
//! they entered the network, before any node has changed them, each with the program it met; at most [`FRAMES_MAX`] of them, [`BYTES_MAX`] bytes and
//! [`PROGRAMS_MAX`] programs.

use crate::dataplane::PacketMeta;
use crate::program::{HostIx, Program};
use crate::time::SimTime;
use std::ops::Range;
use std::sync::Arc;

/// Frames kept; later ones are not.
pub const FRAMES_MAX: usize = 65_536;
/// Bytes of frames kept; from the first frame that has no room on none is.
pub const BYTES_MAX: usize = 16 << 20;
/// Programs kept: the network before and after so many changes. Frames that met later ones are not kept.
pub const PROGRAMS_MAX: usize = 64;

/// A frame that a host sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstFrame<'f> {
    /// Who.
    pub sender: HostIx,
    /// When it entered the network.
    pub at: SimTime,
    /// The frame, without FCS.
    pub bytes: &'f [u8],
}

/// The first frames of a run.
#[derive(Clone, Debug)]
pub struct FirstFrames {
    /// The program at hand.
    program: Arc<Program>,
    /// The programs that frames met, and the first frame of each.
    programs: Vec<(usize, Arc<Program>)>,
    bytes: Vec<u8>,
    /// Sender, time, and where the frame's bytes end.
    frames: Vec<(HostIx, SimTime, usize)>,
    left_out: u64,
}

impl FirstFrames {
    /// None yet; the network is `program`.
    pub(super) fn new(program: Arc<Program>) -> Self {
        FirstFrames { program, programs: Vec::new(), bytes: Vec::new(), frames: Vec::new(), left_out: 0 }
    }

    /// Follows a new program.
    pub(super) fn adopt(&mut self, program: &Arc<Program>) {
        self.program = Arc::clone(program);
    }

    /// Takes note of a packet that enters a node.
    pub(super) fn on_enter(&mut self, now: SimTime, packet: &PacketMeta, bytes: &[u8]) {
        if packet.from.is_some() {
            return;
        }
        let is_new = self.programs.last().is_none_or(|(_, program)| program.epoch != self.program.epoch);
        let is_full = self.frames.len() == FRAMES_MAX
            || self.bytes.len() + bytes.len() > BYTES_MAX
            || is_new && self.programs.len() == PROGRAMS_MAX;
        if is_full || self.left_out > 0 {
            self.left_out += 1;
            return;
        }
        if is_new {
            self.programs.push((self.frames.len(), Arc::clone(&self.program)));
        }
        self.bytes.extend_from_slice(bytes);
        self.frames.push((packet.sender, now, self.bytes.len()));
    }

    /// The programs that the frames met, in order, each with the positions of its frames.
    pub fn programs(&self) -> impl Iterator<Item = (&Arc<Program>, Range<usize>)> {
        let ends = self.programs.iter().skip(1).map(|(first, _)| *first).chain([self.frames.len()]);
        self.programs.iter().zip(ends).map(|((first, program), end)| (program, *first..end))
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether no host sent anything.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Frames that came when there was no more room.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// One of them.
    pub fn get(&self, position: usize) -> Option<FirstFrame<'_>> {
        let (sender, at, end) = *self.frames.get(position)?;
        let begin = position.checked_sub(1).and_then(|before| self.frames.get(before)).map_or(0, |(.., end)| *end);
        Some(FirstFrame { sender, at, bytes: &self.bytes[begin..end] })
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = FirstFrame<'_>> {
        (0..self.len()).filter_map(|position| self.get(position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataplane::PacketId;
    use crate::program::NodeIx;

    fn none() -> FirstFrames {
        FirstFrames::new(Arc::new(Program::empty()))
    }

    #[test]
    fn each_frame_is_kept_with_the_program_it_met_up_to_a_limit() {
        let mut frames = none();
        let programs: Vec<_> =
            (1..=PROGRAMS_MAX as u64 + 2).map(|epoch| Arc::new(Program { epoch, ..Program::empty() })).collect();
        // Nobody sends anything under the first.
        for (at, program) in programs.iter().enumerate() {
            frames.adopt(program);
            (0..at.min(2)).for_each(|_| enter(&mut frames, 1, b"x"));
        }
        let seen: Vec<_> = frames.programs().map(|(program, positions)| (program.epoch, positions)).collect();
        assert_eq!(seen[..3], [(2, 0..1), (3, 1..3), (4, 3..5)]);
        assert_eq!((seen.len(), frames.len(), frames.left_out()), (PROGRAMS_MAX, 2 * PROGRAMS_MAX - 1, 2));
    }

    fn enter(frames: &mut FirstFrames, sender: u32, bytes: &[u8]) {
        let packet = PacketMeta::from_host(PacketId(0), HostIx(sender), SimTime::ZERO);
        frames.on_enter(SimTime::ZERO, &packet, bytes);
    }

    #[test]
    fn what_hosts_send_is_kept_in_order_and_what_nodes_pass_on_is_not() {
        let mut frames = none();
        enter(&mut frames, 1, b"one");
        let mut passed_on = PacketMeta::from_host(PacketId(0), HostIx(1), SimTime::ZERO);
        passed_on.from = Some(NodeIx(3));
        frames.on_enter(SimTime::ZERO, &passed_on, b"one");
        enter(&mut frames, 2, b"second");
        let seen: Vec<_> = frames.iter().map(|frame| (frame.sender, frame.bytes)).collect();
        assert_eq!(seen, [(HostIx(1), &b"one"[..]), (HostIx(2), b"second")]);
        assert_eq!(frames.left_out(), 0);
    }

    #[test]
    fn neither_frames_nor_bytes_grow_beyond_their_limits() {
        let mut frames = none();
        for _ in 0..FRAMES_MAX + 2 {
            enter(&mut frames, 1, b"x");
        }
        assert_eq!((frames.len(), frames.left_out()), (FRAMES_MAX, 2));
        let mut frames = none();
        let large = vec![0; BYTES_MAX / 2 + 1];
        enter(&mut frames, 1, &large);
        enter(&mut frames, 1, &large);
        // It would fit, but the first frames have no gaps.
        enter(&mut frames, 1, b"x");
        assert_eq!((frames.len(), frames.left_out()), (1, 2));
    }
}
