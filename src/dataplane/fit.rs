//! Whether a packet fits what comes next.
//!
//! Each segment has an IP MTU. What is bigger is split where its sender allows it (DF clear); else its source is told the MTU (ICMP type 3 code 4), or the
//! packet vanishes, as AWS documents for the segment:
//!
//! | segment | MTU | bigger, DF set |
//! |---|---|---|
//! | inside a VPC, peering within a Region | 9001 | told |
//! | internet gateway, to the internet | 1500 | told, by the subnet's router |
//! | internet gateway, from the internet | 1500 | silence (assumed: nobody sends that) |
//! | NAT gateway | 8500 | told, by the NAT gateway |
//! | peering between Regions | 8500 | told (assumed) |
//! | transit gateway, from a VPC | 8500 | told, by the subnet's router (assumed: AWS names no address) |
//! | transit gateway, from elsewhere | 8500 | silence |
//! | gateway endpoint, interface endpoint | 8500 | silence, and nothing is split either; the MSS of SYNs is lowered |
//! | VPN | 1446 | silence |
//!
//! Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/network_mtu.html, docs.aws.amazon.com/vpc/latest/tgw/transit-gateway-quotas.html,
//! docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html

use super::answer::Answer;
use super::visit::{Stage, Visit, drop};
use super::{Decision, DropReason, MtuOutcome, Step, Tap};
use crate::program::{LinkIx, NodeIx};
use crate::wire::{Parsed, ethernet};
use std::ops::ControlFlow;

/// The way to the next node, and how big a packet it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) mtu_bytes: u16,
    /// Whether the source of a packet that is too big is told.
    pub(crate) tells: bool,
    /// Whether a packet that is too big and may be split is.
    pub(crate) splits: bool,
}

impl Segment {
    /// Tells and splits, as routers do.
    pub(crate) const fn of(mtu_bytes: u16) -> Self {
        Segment { mtu_bytes, tells: true, splits: true }
    }

    /// Drops what is too big without a word, but splits what may be split.
    pub(crate) const fn silent(mtu_bytes: u16) -> Self {
        Segment { mtu_bytes, tells: false, splits: true }
    }

    /// Drops whatever is too big.
    pub(crate) const fn strict(mtu_bytes: u16) -> Self {
        Segment { mtu_bytes, tells: false, splits: false }
    }
}

impl<T: Tap> Visit<'_, '_, T> {
    /// Sends the packet to `next`, at once or over `link`, if it fits `segment`.
    pub(crate) fn forward_within(
        &mut self,
        packet: &Parsed,
        segment: Segment,
        next: NodeIx,
        link: Option<LinkIx>,
    ) -> Stage<Step> {
        let (mtu_bytes, packet_bytes) = (segment.mtu_bytes, packet.total_bytes);
        if packet_bytes <= mtu_bytes {
            return ControlFlow::Continue(self.forward_over(next, link));
        }
        if segment.splits && !packet.dont_fragment {
            self.decide(Decision::Mtu { mtu_bytes, packet_bytes, outcome: MtuOutcome::Fragmented });
            let (from, to) = (self.program.node_mac(self.at), self.program.node_mac(next));
            ethernet::set_addresses(self.frame.bytes, from, to);
            return ControlFlow::Continue(Step::Fragment { mtu_bytes, next, link });
        }
        self.too_big(mtu_bytes, packet_bytes, segment.tells)
    }

    /// Drops the packet if it does not fit `segment`, which nothing is split for.
    pub(crate) fn fits(&mut self, packet: &Parsed, segment: Segment) -> Stage {
        if packet.total_bytes <= segment.mtu_bytes {
            return ControlFlow::Continue(());
        }
        self.too_big(segment.mtu_bytes, packet.total_bytes, segment.tells)
    }

    /// Refuses a packet that will not fit `segment` and may not be split: for nodes that rewrite packets before they send them on, since the source is told
    /// about its packet as it was.
    pub(crate) fn refuse_unless_fits(&mut self, packet: &Parsed, segment: Segment) -> Stage {
        let may_pass = packet.total_bytes <= segment.mtu_bytes || (segment.splits && !packet.dont_fragment);
        if may_pass {
            return ControlFlow::Continue(());
        }
        self.too_big(segment.mtu_bytes, packet.total_bytes, segment.tells)
    }

    fn too_big<C>(&mut self, mtu_bytes: u16, packet_bytes: u16, tells: bool) -> Stage<C> {
        let outcome = if tells { MtuOutcome::Told } else { MtuOutcome::Silent };
        self.decide(Decision::Mtu { mtu_bytes, packet_bytes, outcome });
        if tells {
            self.refuse(DropReason::MtuExceeded, Answer::FragmentationNeeded { mtu_bytes })
        } else {
            drop(DropReason::MtuExceededSilently)
        }
    }
}
