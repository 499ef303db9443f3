//! A box between two hosts of the test world: a link with an MTU of its own, and a router before it that may or may not say so.

use crate::time::SimTime;
use crate::wire::Parsed;
use crate::wire::fragment::fragments;
use etherparse::PacketBuilder;
use std::net::Ipv4Addr;

/// See the module.
pub(super) struct Middle {
    /// Its router's address.
    pub(super) address: Ipv4Addr,
    /// The MTU of its link.
    pub(super) mtu_bytes: usize,
    /// Whether it says "fragmentation needed"; otherwise it is a black hole.
    pub(super) speaks: bool,
    /// What it says the MTU is, if not the truth.
    pub(super) told_mtu_bytes: Option<u16>,
    /// Whether the TTL counts here.
    pub(super) is_router: bool,
    /// Every packet that went through, with its time and IPv4 length.
    pub(super) passed: Vec<(SimTime, usize)>,
    /// When it dropped something for its length, and how long that was.
    pub(super) dropped: Vec<(SimTime, usize)>,
}

/// What becomes of a frame.
pub(super) enum Passed {
    /// It goes on, perhaps in pieces.
    On(Vec<Vec<u8>>),
    /// It is gone, and this is what its sender hears.
    Back(Vec<u8>),
    /// It is gone.
    Nowhere,
}

impl Middle {
    pub(super) fn with_mtu(mtu_bytes: usize) -> Middle {
        Middle {
            address: Ipv4Addr::new(10, 255, 0, (mtu_bytes % 251) as u8),
            mtu_bytes,
            speaks: true,
            told_mtu_bytes: None,
            is_router: false,
            passed: vec![],
            dropped: vec![],
        }
    }

    pub(super) fn pass(&mut self, now: SimTime, mut frame: Vec<u8>) -> Passed {
        let packet = Parsed::of(&frame).unwrap();
        if self.is_router {
            if packet.ttl <= 1 {
                return Passed::Back(self.error(11, 0, [0; 4], &packet, &frame));
            }
            frame[22] -= 1;
            frame[24..26].fill(0);
            let sum = crate::wire::checksum::checksum(&frame[14..packet.transport_at()]);
            frame[24..26].copy_from_slice(&sum.to_be_bytes());
        }
        let length = usize::from(packet.total_bytes);
        if length <= self.mtu_bytes {
            self.passed.push((now, length));
            return Passed::On(vec![frame]);
        }
        if packet.dont_fragment {
            self.dropped.push((now, length));
            let told = self.told_mtu_bytes.unwrap_or(self.mtu_bytes as u16).to_be_bytes();
            return match self.speaks {
                true => Passed::Back(self.error(3, 4, [0, 0, told[0], told[1]], &packet, &frame)),
                false => Passed::Nowhere,
            };
        }
        let pieces: Vec<_> = fragments(&frame, self.mtu_bytes).unwrap().collect();
        self.passed.extend(pieces.iter().map(|piece| (now, piece.len() - 14)));
        Passed::On(pieces)
    }

    /// An ICMP error that quotes what RFC 792 asks for, and no more.
    fn error(&self, kind: u8, code: u8, rest: [u8; 4], packet: &Parsed, frame: &[u8]) -> Vec<u8> {
        let mut error = Vec::new();
        PacketBuilder::ethernet2([0; 6], [0; 6])
            .ipv4(self.address.octets(), packet.source.octets(), 64)
            .icmpv4_raw(kind, code, rest)
            .write(&mut error, &frame[14..packet.transport_at() + 8])
            .unwrap();
        error
    }
}
