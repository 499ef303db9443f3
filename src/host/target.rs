//! The beginning of every program that talks to somebody: wait for an address of one's own, then find the other's.

use super::call::ADDRESS_TIMEOUT;
use super::context::Context;
use super::outcome::{Failure, Outcome, SocketProblem};
use super::program::Step;
use super::resolver::{Lookup, Progress};
use crate::time::SimTime;
use std::net::Ipv4Addr;

/// A host that is being looked for.
#[derive(Debug)]
pub(super) struct Target {
    host: String,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    AwaitingAddress { until: SimTime },
    Resolving { lookup: Lookup },
    Done,
}

impl Target {
    /// Looks for `host`, a name or an address, from `now` on.
    pub(super) fn new(now: SimTime, host: &str) -> Self {
        Target { host: host.to_owned(), phase: Phase::AwaitingAddress { until: now + ADDRESS_TIMEOUT } }
    }

    /// The address, once; before that, the step in which its program waits for it or gives up.
    pub(super) fn seek(&mut self, cx: &mut Context<'_>, record: &mut Outcome) -> Result<Ipv4Addr, Step> {
        match self.poll(cx, record) {
            None => Err(Step::waiting(false)),
            Some(Err(failure)) => Err(Step::over(Err(failure))),
            Some(Ok(address)) => Ok(address),
        }
    }

    /// The address, once; `None` while the search goes on and ever after.
    ///
    /// # Errors
    /// No address of one's own, or none of the other's. What was found is noted in `record`.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, record: &mut Outcome) -> Option<Result<Ipv4Addr, Failure>> {
        let progress = match &mut self.phase {
            Phase::AwaitingAddress { .. } if cx.stack.address().is_some() => match Lookup::start(cx, &self.host) {
                Ok(lookup) => {
                    self.phase = Phase::Resolving { lookup };
                    return None;
                }
                Err(progress) => progress,
            },
            Phase::AwaitingAddress { until } if cx.now >= *until => {
                self.phase = Phase::Done;
                return Some(Err(Failure::NoAddress));
            }
            Phase::Resolving { lookup } => lookup.poll(cx),
            Phase::AwaitingAddress { .. } | Phase::Done => return None,
        };
        let address = match progress {
            Progress::Waiting => return None,
            Progress::Found(addresses) => addresses.first().copied(),
            Progress::Failed => None,
        };
        self.phase = Phase::Done;
        record.attempts = 1;
        record.resolved = address;
        Some(match address {
            None => Err(self.failure(SocketProblem::NameResolution)),
            Some(address) if address.is_loopback() || cx.stack.address() == Some(address) => {
                Err(self.failure(SocketProblem::Loopback))
            }
            Some(address) if !cx.stack.is_reachable(address) => Err(self.failure(SocketProblem::BadDestination)),
            Some(address) => Ok(address),
        })
    }

    /// A failure of this host's.
    pub(super) fn failure(&self, problem: SocketProblem) -> Failure {
        Failure::Socket { host: self.host.clone(), problem }
    }

    /// When [`Target::poll`] must be called though no frame has come.
    pub(super) fn deadline(&self) -> Option<SimTime> {
        match &self.phase {
            Phase::AwaitingAddress { until } => Some(*until),
            Phase::Resolving { lookup } => Some(lookup.deadline()),
            Phase::Done => None,
        }
    }
}
