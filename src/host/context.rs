//! What a program of a host may touch while it runs.

use super::interface::Stack;
use super::tls::TlsWorld;
use crate::calendar::Calendar;
use crate::rng::Stream;
use crate::time::SimTime;

/// The machine around a program, for the length of one poll.
pub(super) struct Context<'a> {
    /// The time of the poll.
    pub(super) now: SimTime,
    /// Sockets.
    pub(super) stack: &'a mut Stack,
    /// The host's randomness.
    pub(super) stream: &'a mut Stream,
    /// The world's certificates.
    pub(super) tls: &'a TlsWorld,
    /// Dates.
    pub(super) calendar: Calendar,
    /// New lines for the TLS key log.
    pub(super) secrets: &'a mut String,
}
