//! Time to live.
//!
//! NAT gateways and instances that forward decrement it and answer with "time exceeded", so they are hops of a traceroute; the VPC's router and AWS's other gateways do
//! not, so they are none. With `ttl = "rfc1812"` routers do too (RFC 1812 section 5.3.1). Internet gateways, endpoints and peering connections have no address of
//! their own and never do.

use super::answer::Answer;
use super::visit::{Stage, Visit};
use super::{Decision, DropReason, Tap};
use crate::net::TtlMode;
use crate::wire::{Parsed, rewrite};
use std::ops::ControlFlow;

impl<T: Tap> Visit<'_, '_, T> {
    /// One router passed: counts only as RFC 1812 has it.
    pub(crate) fn pass_router(&mut self, packet: &Parsed) -> Stage {
        match self.program.settings.ttl {
            TtlMode::Aws => ControlFlow::Continue(()),
            TtlMode::Rfc1812 => self.decrement_ttl(packet),
        }
    }

    /// Decrements the time to live; drops what has none left, and tells its source.
    pub(crate) fn decrement_ttl(&mut self, packet: &Parsed) -> Stage {
        if packet.ttl <= 1 {
            self.decide(Decision::TimeToLive { left: 0 });
            return self.refuse(DropReason::TimeToLiveExceeded, Answer::TimeExceeded);
        }
        rewrite::decrement_ttl(self.frame.bytes);
        self.decide(Decision::TimeToLive { left: packet.ttl - 1 });
        ControlFlow::Continue(())
    }
}
