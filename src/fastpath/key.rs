//! What a flow's memo is found by: 16 bytes that name everything forwarding looks at.
//!
//! Sender and Ethernet addresses are the same for all flows of a host to its next hop, so such [`Link`]s are numbered ([`Links`]) and the key has the number. Limit:
//! [`LINKS_MAX`] of them; flows on others are not memoised. Only links of packets that were delivered get a number, so nobody fills the table with addresses made up.

use super::mutant::Mutant;
use crate::program::HostIx;
use crate::wire::FlowHead;
use std::collections::BTreeMap;

/// Numbers have 24 bits in a key, and 0 is none.
const LINKS_MAX: usize = (1 << 24) - 1;

/// Who sends, and the Ethernet addresses, words in the order of the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    sender: u32,
    macs_last: u32,
    macs_first: u64,
}

impl Link {
    #[inline(always)]
    pub(super) fn of(head: &FlowHead, sender: HostIx, mutant: Mutant) -> Link {
        let sender = if mutant.is(Mutant::IgnoresSender) { 0 } else { sender.0 };
        let (macs_first, macs_last) =
            if mutant.is(Mutant::IgnoresEthernet) { (0, 0) } else { (head.macs_first, head.macs_last) };
        Link { sender, macs_last, macs_first }
    }
}

/// A link's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LinkIx(u32);

/// The numbers of links.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    /// By sender: the link that it was last given a number for, and the number. Nearly always what is asked for.
    latest: Vec<(Link, LinkIx)>,
    numbers: BTreeMap<Link, LinkIx>,
}

impl Links {
    /// A link's number; 0, which no memo has, if there is none.
    #[inline]
    pub(super) fn find(&self, link: &Link) -> LinkIx {
        match self.latest.get(link.sender as usize) {
            Some((latest, number)) if latest == link => *number,
            _ => self.numbers.get(link).copied().unwrap_or_default(),
        }
    }

    /// A link's number, which it gets if it has none; `None` if there are too many.
    pub(super) fn intern(&mut self, link: Link) -> Option<LinkIx> {
        let count = self.numbers.len();
        let number = match self.numbers.get(&link) {
            Some(number) => *number,
            None if count < LINKS_MAX => *self.numbers.entry(link).or_insert(LinkIx(count as u32 + 1)),
            None => return None,
        };
        let at = link.sender as usize;
        if self.latest.len() <= at {
            self.latest.resize(at + 1, Default::default());
        }
        self.latest[at] = (link, number);
        Some(number)
    }
}

/// What packets of one flow have in common.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Key {
    addresses: u64,
    /// Ports, the link's number, and the protocol. Zero: no key.
    rest: u64,
}

impl Key {
    #[inline(always)]
    pub(super) fn of(head: &FlowHead, link: LinkIx) -> Key {
        let rest = u64::from(head.ports) << 32 | u64::from(link.0) << 8 | u64::from(head.protocol);
        Key { addresses: head.addresses, rest }
    }

    #[inline(always)]
    pub(super) const fn is_none(&self) -> bool {
        self.rest == 0
    }

    /// Whether both are the same, found out without a branch between the halves.
    #[inline(always)]
    pub(super) const fn is(&self, other: &Key) -> bool {
        (self.addresses ^ other.addresses) | (self.rest ^ other.rest) == 0
    }

    #[inline(always)]
    pub(super) const fn protocol(&self) -> u8 {
        self.rest as u8
    }

    #[inline(always)]
    pub(super) const fn hash(&self) -> u64 {
        let both = fold(self.addresses ^ 0xbf58_476d_1ce4_e5b9, self.rest ^ 0x94d0_49bb_1331_11eb);
        fold(both, 0x9e37_79b9_7f4a_7c15)
    }
}

/// Both halves of a product: every bit of the factors reaches the low bits.
#[inline(always)]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}
