//! Which side of its conversation sent a packet: the machine whose NIC was captured, or its peer.
//!
//! The rule, after `--map`:
//!
//! 1. If the NIC's address in the capture is known ([`super::survey`]): what comes from it (or from 0.0.0.0, as in DHCP) is the NIC's, what goes to it is the
//!    peer's. What has neither is of other hosts, which a NIC in promiscuous mode or a mirror port sees, and is skipped; unless the host forwards (a NAT instance, an
//!    appliance: its source/destination check is off): then the next points decide.
//! 2. A packet of a conversation already split goes the way that was found for it.
//! 3. A SYN is the NIC's, a SYN-ACK the peer's.
//! 4. Of a private and a public address the private one is the NIC's.
//! 5. What is left: the first packet seen is the NIC's.
//!
//! A conversation is *begun* by the side of its first packet in the capture, or by the other one if that is a SYN-ACK.

use super::conversation::{Conversations, Flow, Side};
use super::outcome::Skip;
use super::survey::is_private;
use crate::net::FiveTuple;
use crate::wire::TcpFlags;
use std::net::Ipv4Addr;

/// Who sent the packet.
///
/// # Errors
/// [`Skip::OtherHosts`].
pub(super) fn side(
    nic_address: Option<Ipv4Addr>,
    forwards: bool,
    conversations: &Conversations,
    tuple: &FiveTuple,
    flags: Option<TcpFlags>,
) -> Result<Side, Skip> {
    if let Some(nic) = nic_address {
        if tuple.source == nic || tuple.source.is_unspecified() {
            return Ok(Side::Nic);
        }
        if tuple.destination == nic {
            return Ok(Side::Peer);
        }
        if !forwards {
            return Err(Skip::OtherHosts);
        }
    }
    if conversations.has(Flow::of(*tuple)) {
        return Ok(Side::Nic);
    }
    if conversations.has(Flow::of(tuple.reversed())) {
        return Ok(Side::Peer);
    }
    if let Some(flags) = flags.filter(|flags| flags.has(TcpFlags::SYN)) {
        return Ok(if flags.is_opening() { Side::Nic } else { Side::Peer });
    }
    Ok(match (is_private(tuple.source), is_private(tuple.destination)) {
        (false, true) => Side::Peer,
        _ => Side::Nic,
    })
}

/// Who began a conversation whose first packet in the capture is one of `side`.
pub(super) fn begun_by(side: Side, flags: Option<TcpFlags>) -> Side {
    let is_answer = flags.is_some_and(|flags| flags.has(TcpFlags::SYN) && flags.has(TcpFlags::ACK));
    if is_answer { side.other() } else { side }
}

#[cfg(test)]
mod tests {
    use super::super::conversation::Conversation;
    use super::*;
    use crate::net::Protocol;

    fn tuple(source: &str, destination: &str) -> FiveTuple {
        let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
        FiveTuple { protocol: Protocol::TCP, source, destination, source_port: 40_000, destination_port: 443 }
    }

    const SYN: Option<TcpFlags> = Some(TcpFlags(TcpFlags::SYN));
    const SYN_ACK: Option<TcpFlags> = Some(TcpFlags(TcpFlags::SYN | TcpFlags::ACK));
    const ACK: Option<TcpFlags> = Some(TcpFlags(TcpFlags::ACK));

    #[test]
    fn a_known_address_decides_alone() {
        let nic = Some(Ipv4Addr::new(10, 0, 0, 1));
        let side = |forwards, source, destination| {
            side(nic, forwards, &Conversations::default(), &tuple(source, destination), SYN)
        };
        assert_eq!(side(false, "10.0.0.1", "8.8.8.8"), Ok(Side::Nic));
        assert_eq!(side(false, "8.8.8.8", "10.0.0.1"), Ok(Side::Peer), "although it sends the SYN");
        assert_eq!(side(false, "0.0.0.0", "255.255.255.255"), Ok(Side::Nic));
        assert_eq!(side(false, "10.0.0.2", "8.8.8.8"), Err(Skip::OtherHosts));
        assert_eq!(side(true, "10.0.0.2", "8.8.8.8"), Ok(Side::Nic), "a router's NIC sends for others");
    }

    #[test]
    fn without_an_address_the_packets_tell() {
        let mut conversations = Conversations::default();
        let conversation = Conversation { begun_by: Side::Nic, nic: None, peer: None, mss: 0 };
        conversations.begin(Flow::of(tuple("8.8.8.8", "10.0.0.9")), conversation);
        let side = |source, destination, flags| side(None, false, &conversations, &tuple(source, destination), flags);
        assert_eq!(side("8.8.8.8", "10.0.0.9", ACK), Ok(Side::Nic), "found before");
        assert_eq!(side("8.8.8.8", "10.0.0.1", SYN), Ok(Side::Nic));
        assert_eq!(side("8.8.8.8", "10.0.0.1", SYN_ACK), Ok(Side::Peer));
        assert_eq!(side("8.8.8.8", "10.0.0.1", ACK), Ok(Side::Peer));
        assert_eq!(side("10.0.0.1", "8.8.8.8", ACK), Ok(Side::Nic));
        assert_eq!(side("8.8.8.8", "9.9.9.9", ACK), Ok(Side::Nic));
        assert_eq!((begun_by(Side::Nic, SYN), begun_by(Side::Nic, SYN_ACK)), (Side::Nic, Side::Peer));
    }
}
