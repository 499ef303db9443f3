//! The packets that a captured NIC sent, over and over, as traffic.
//!
//! One shard and one thread. Nobody answers; connections that the capture opens are opened again in each pass, and walk again. What does not arrive is counted, because a
//! capture need not suit the network.

use super::lane::{LaneError, sender_of};
use super::measure::{self, Measured};
use crate::cli::error::CliError;
use crate::cli::replay_input::Capture;
use crate::explain::state::State;
use crate::replay::sent_from;
use crate::traffic::{Recorded, TrafficError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of frames that are held.
const HELD_BYTES_MAX: usize = 1 << 30;

/// Sends what the NIC of a capture sent from `from`, again and again. Returns how many flows there are, too.
pub(super) fn measure(state: &State, from: &str, path: &Path, trial: Duration) -> Result<(u32, Measured), CliError> {
    let wrong = |source: LaneError| CliError::Bench(source.to_string());
    let (sender, nic) = sender_of(state, from).map_err(wrong)?;
    let mut capture = Capture::open(path)?;
    let survey = capture.survey(&[])?;
    let Some(captured) = survey.address(nic.address) else {
        let whose = "no address is in more than half of its packets";
        return Err(CliError::Bench(format!("{}: whose NIC was captured is not clear: {whose}", path.display())));
    };
    let (mut frames, mut held_bytes, mut frame) = (Vec::new(), 0, Vec::new());
    capture.each(|record| {
        if held_bytes <= HELD_BYTES_MAX && sent_from(captured, nic.address, record, &mut frame) {
            held_bytes += frame.len();
            frames.push(frame.clone());
        }
    })?;
    let recorded = Recorded::new(frames, nic, HELD_BYTES_MAX).map_err(|source| match source {
        TrafficError::NothingRecorded => {
            CliError::Bench(format!("{}: {captured}, whose NIC was captured, sent no IPv4 packet", path.display()))
        }
        source => CliError::Bench(format!("{}: {source}", path.display())),
    })?;
    let flows = recorded.flow_count();
    Ok((flows, measure::recorded(Arc::clone(state.control.program()), sender.host, recorded, trial)))
}
