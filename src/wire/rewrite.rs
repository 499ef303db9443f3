//! Changing addresses in place, with every checksum that covers them.
//!
//! A one-to-one translation (RFC 3022 section 4) touches more than the four bytes of the address:
//!
//! | where the address stands | what covers it |
//! |---|---|
//! | IPv4 header | the header's checksum; TCP's and UDP's, through their pseudo-header |
//! | the packet quoted by an ICMP error | the quoted header's checksum, the quoted TCP or UDP checksum if quoted that far, and ICMP's own |
//!
//! Later fragments have no transport header, so nothing but the IPv4 header changes. A UDP checksum of 0 means "none" and stays 0; one that comes out as 0 is
//! written as 0xffff (RFC 768). All changes are incremental (RFC 1624), so a packet that was broken stays exactly as broken.

mod change;
mod ports;

pub use change::{ADDRESSES_AT, Change, HEADERS_BYTES, PORTS_AT, TTL_AT, with_headers};
pub use ports::{set_destination_port, set_quoted_destination, set_quoted_source, set_source_port};

use super::parsed::{IP, Parsed, TcpFlags};
use super::{checksum, put_word, word};
use crate::net::Protocol;
use std::net::Ipv4Addr;

const IP_TTL: usize = 8;
const IP_CHECKSUM: usize = 10;
const IP_SOURCE: usize = 12;
const IP_DESTINATION: usize = 16;
const TCP_CHECKSUM: usize = 16;
const TCP_DATA_OFFSET: usize = 12;
const TCP_OPTIONS: usize = 20;
/// Option kinds (RFC 9293 section 3.2).
const TCP_OPTION_END: u8 = 0;
const TCP_OPTION_PADDING: u8 = 1;
const TCP_OPTION_MSS: u8 = 2;
const UDP_CHECKSUM: usize = 6;
const ICMP_CHECKSUM: usize = 2;

/// Gives the packet a new source address; in an ICMP error, also the quoted packet's *destination* where it is the old address (the quoted packet
/// had gone the other way). `parsed` is `frame`'s; it is kept up to date.
pub fn set_source(frame: &mut [u8], parsed: &mut Parsed, after: Ipv4Addr) {
    let before = parsed.source;
    translate(frame, parsed, before, after, IP_SOURCE, IP_DESTINATION);
    parsed.source = after;
}

/// Gives the packet a new destination address; in an ICMP error, also the quoted packet's *source* where it is the old address.
pub fn set_destination(frame: &mut [u8], parsed: &mut Parsed, after: Ipv4Addr) {
    let before = parsed.destination;
    translate(frame, parsed, before, after, IP_DESTINATION, IP_SOURCE);
    parsed.destination = after;
}

/// Lowers the time to live by one (RFC 1812 section 5.3.1). The caller has seen that it is above zero.
#[inline]
pub fn decrement_ttl(frame: &mut [u8]) {
    let Some(h) = frame.get_mut(IP..).and_then(|ip| ip.first_chunk_mut::<{ IP_CHECKSUM + 2 }>()) else { return };
    h[IP_TTL] = h[IP_TTL].wrapping_sub(1);
    // Equation 3 of RFC 1624 for a word whose upper byte loses one, worked out. Read with its bytes in the other order, which sums do not mind, the word loses 1, so
    // the checksum gains 1; what would become 0xffff becomes 0.
    let before = u16::from_le_bytes([h[IP_CHECKSUM], h[IP_CHECKSUM + 1]]);
    let after = before.wrapping_add(1 + u16::from(before >= 0xfffe));
    h[IP_CHECKSUM..].copy_from_slice(&after.to_le_bytes());
}

/// Lowers the maximum segment size that a SYN offers to `mss` (RFC 9293 section 3.7.1), and TCP's checksum with it. `Some((before, after))` if it was higher;
/// segments that offer none are left alone. `parsed` is `frame`'s.
pub fn clamp_mss(frame: &mut [u8], parsed: &Parsed, mss: u16) -> Option<(u16, u16)> {
    let (at, before) = mss_option(frame, parsed)?;
    let is_higher = before > mss;
    if is_higher {
        let tcp = parsed.transport_at();
        replace_bytes(frame, tcp, tcp + TCP_CHECKSUM, at, mss);
    }
    is_higher.then_some((before, mss))
}

/// The maximum segment size that a SYN or SYN-ACK offers; `None` if it offers none, or is no such segment. `parsed` is `frame`'s.
pub fn offered_mss(frame: &[u8], parsed: &Parsed) -> Option<u16> {
    mss_option(frame, parsed).map(|(_, mss)| mss)
}

/// Where the maximum segment size stands, and what it is.
fn mss_option(frame: &[u8], parsed: &Parsed) -> Option<(usize, u16)> {
    parsed.tcp_flags.filter(|flags| flags.has(TcpFlags::SYN))?;
    let (tcp, end) = (parsed.transport_at(), IP + usize::from(parsed.total_bytes));
    let options_end = (tcp + usize::from(frame.get(tcp + TCP_DATA_OFFSET)? >> 4) * 4).min(end);
    let mut at = tcp + TCP_OPTIONS;
    while at < options_end {
        match *frame.get(at)? {
            TCP_OPTION_END => return None,
            TCP_OPTION_PADDING => at += 1,
            kind => {
                let length = usize::from(*frame.get(at + 1)?);
                if length < 2 || at + length > options_end {
                    return None;
                }
                if kind == TCP_OPTION_MSS && length == 4 {
                    return Some((at + 2, word(frame, at + 2)?));
                }
                at += length;
            }
        }
    }
    None
}

/// Writes a word at `at`, which may be at an odd distance from `from`, where the summed bytes begin, and adjusts the checksum.
fn replace_bytes(frame: &mut [u8], from: usize, checksum_at: usize, at: usize, new: u16) {
    // Words of the sum that the new bytes lie in.
    let first = at - (at - from) % 2;
    let before = [word(frame, first), word(frame, first + 2)];
    put_word(frame, at, new);
    let after = [word(frame, first), word(frame, first + 2)];
    for (old, new) in before.into_iter().zip(after) {
        if let (Some(sum), Some(old), Some(new)) = (word(frame, checksum_at), old, new) {
            put_word(frame, checksum_at, checksum::update(sum, old, new));
        }
    }
}

fn translate(frame: &mut [u8], parsed: &Parsed, before: Ipv4Addr, after: Ipv4Addr, field: usize, quoted_field: usize) {
    let words = Words::of(before, after);
    replace_address(frame, IP + field, after);
    adjust(frame, IP + IP_CHECKSUM, &words, false);
    if parsed.is_later_fragment() {
        return;
    }
    let transport = parsed.transport_at();
    match parsed.protocol {
        Protocol::TCP => adjust(frame, transport + TCP_CHECKSUM, &words, false),
        Protocol::UDP => adjust(frame, transport + UDP_CHECKSUM, &words, true),
        Protocol::ICMP => translate_quote(frame, parsed, before, &words, after, quoted_field),
        _ => {}
    }
}

/// Rewrites the packet that an ICMP error quotes, then ICMP's checksum by every word that changed.
fn translate_quote(
    frame: &mut [u8],
    parsed: &Parsed,
    before: Ipv4Addr,
    words: &Words,
    after: Ipv4Addr,
    quoted_field: usize,
) {
    let Some(quoted) = parsed.quoted(frame) else { return };
    let stands_there = if quoted_field == IP_SOURCE { quoted.source } else { quoted.destination };
    if stands_there != before {
        return;
    }
    let (end, header) = (IP + usize::from(parsed.total_bytes), parsed.quote_at());
    let icmp_checksum = parsed.transport_at() + ICMP_CHECKSUM;
    let Some(packet) = frame.get_mut(..end) else { return };

    replace_address(packet, header + quoted_field, after);
    adjust(packet, icmp_checksum, words, false);
    let transport = header + usize::from(quoted.header_bytes);
    let transport_checksum = match quoted.protocol {
        Protocol::TCP if !quoted.is_later_fragment() => Some((transport + TCP_CHECKSUM, false)),
        Protocol::UDP if !quoted.is_later_fragment() => Some((transport + UDP_CHECKSUM, true)),
        _ => None,
    };
    for (at, is_udp) in [(header + IP_CHECKSUM, false)].into_iter().chain(transport_checksum) {
        let Some(old) = word(packet, at) else { continue };
        adjust(packet, at, words, is_udp);
        if let (Some(outer), Some(new)) = (word(packet, icmp_checksum), word(packet, at)) {
            put_word(packet, icmp_checksum, checksum::update(outer, old, new));
        }
    }
}

/// The two 16-bit words of an address, before and after.
struct Words {
    before: [u16; 2],
    after: [u16; 2],
}

impl Words {
    fn of(before: Ipv4Addr, after: Ipv4Addr) -> Words {
        let halves = |address: Ipv4Addr| {
            let bits = u32::from(address);
            [(bits >> 16) as u16, bits as u16]
        };
        Words { before: halves(before), after: halves(after) }
    }
}

fn replace_address(frame: &mut [u8], at: usize, address: Ipv4Addr) {
    if let Some(field) = frame.get_mut(at..at + 4) {
        field.copy_from_slice(&address.octets());
    }
}

/// Adjusts the checksum at `at` for an address that changed under it.
fn adjust(frame: &mut [u8], at: usize, words: &Words, is_udp: bool) {
    let Some(old) = word(frame, at) else { return };
    if is_udp && old == 0 {
        return;
    }
    let half = checksum::update(old, words.before[0], words.after[0]);
    let new = checksum::update(half, words.before[1], words.after[1]);
    put_word(frame, at, if is_udp && new == 0 { 0xffff } else { new });
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    const PRIVATE: [u8; 4] = [172, 31, 0, 10];
    const REMOTE: [u8; 4] = [52, 94, 2, 72];

    #[derive(Clone, Copy, Debug)]
    enum Kind {
        Tcp,
        Udp,
        Echo,
        Error(usize),
    }

    /// What is worked out by hand is equation 3, of whatever checksum.
    #[test]
    fn a_hop_changes_the_checksum_as_its_word_does() {
        for before in 0..=u16::MAX {
            let mut frame = vec![0; IP + 20];
            frame[IP + IP_TTL] = 9;
            put_word(&mut frame, IP + IP_CHECKSUM, before);
            decrement_ttl(&mut frame);
            let after = checksum::update(before, 9 << 8, 8 << 8);
            assert_eq!((frame[IP + IP_TTL], word(&frame, IP + IP_CHECKSUM)), (8, Some(after)), "{before:#06x}");
        }
    }

    /// How much an error may quote. Not 37 bytes: that cuts the quoted TCP checksum in half, which nobody can then adjust.
    fn quoted_bytes() -> impl Strategy<Value = usize> {
        prop_oneof![28usize..37, 38usize..80]
    }

    /// A frame as etherparse builds it, every checksum right. `Error(n)` quotes n bytes of a TCP packet that went the other way.
    fn build(kind: Kind, source: [u8; 4], destination: [u8; 4], payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(source, destination, 64);
        match kind {
            Kind::Tcp => builder.tcp(40_000, 443, 7, 1_000).write(&mut frame, payload).unwrap(),
            Kind::Udp => builder.udp(40_000, 53).write(&mut frame, payload).unwrap(),
            Kind::Echo => builder.icmpv4_echo_request(5, 6).write(&mut frame, payload).unwrap(),
            Kind::Error(quoted_bytes) => {
                let mut quoted = Vec::new();
                PacketBuilder::ipv4(destination, source, 60)
                    .tcp(443, 40_000, 1, 1)
                    .write(&mut quoted, payload)
                    .unwrap();
                quoted.truncate(quoted_bytes);
                builder.icmpv4_raw(3, 4, [0, 0, 5, 0]).write(&mut frame, &quoted).unwrap();
            }
        }
        frame
    }

    proptest! {
        #[test]
        fn translating_gives_what_building_anew_gives(
            kind in prop_oneof![
                Just(Kind::Tcp), Just(Kind::Udp), Just(Kind::Echo), quoted_bytes().prop_map(Kind::Error)
            ],
            after in any::<[u8; 4]>(),
            payload in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut frame = build(kind, PRIVATE, REMOTE, &payload);
            let mut parsed = Parsed::of(&frame).unwrap();
            set_source(&mut frame, &mut parsed, after.into());
            prop_assert_eq!(&frame, &build(kind, after, REMOTE, &payload));
            prop_assert_eq!(parsed, Parsed::of(&frame).unwrap());

            let mut frame = build(kind, REMOTE, PRIVATE, &payload);
            let mut parsed = Parsed::of(&frame).unwrap();
            set_destination(&mut frame, &mut parsed, after.into());
            prop_assert_eq!(&frame, &build(kind, REMOTE, after, &payload));
        }

        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 34..120), icmp in any::<bool>()) {
            bytes[IP] = 0x45;
            if icmp {
                bytes[IP + 9] = 1;
            }
            if let Ok(mut parsed) = Parsed::of(&bytes) {
                let untouched = bytes.split_off(IP + usize::from(parsed.total_bytes));
                let length = bytes.len();
                let old = parsed.source;
                set_source(&mut bytes, &mut parsed, Ipv4Addr::new(1, 2, 3, 4));
                set_source(&mut bytes, &mut parsed, old);
                prop_assert_eq!(bytes.len(), length);
                prop_assert!(untouched.len() < 120);
            }
        }
    }

    #[test]
    fn udp_without_checksum_keeps_none_and_a_computed_zero_is_written_as_ones() {
        let mut frame = build(Kind::Udp, PRIVATE, REMOTE, b"x");
        let at = IP + 20 + UDP_CHECKSUM;
        put_word(&mut frame, at, 0);
        let mut parsed = Parsed::of(&frame).unwrap();
        set_source(&mut frame, &mut parsed, Ipv4Addr::new(203, 0, 113, 25));
        assert_eq!(word(&frame, at), Some(0));

        // Look for the one address whose low half makes the sum come out as zero.
        let zero = (0..=u16::MAX).find_map(|low| {
            let after = Ipv4Addr::from(u32::from(low) | 0xcb00_0000);
            let mut frame = build(Kind::Udp, PRIVATE, REMOTE, b"x");
            let mut parsed = Parsed::of(&frame).unwrap();
            let words = Words::of(parsed.source, after);
            let old = word(&frame, at).unwrap();
            let half = checksum::update(old, words.before[0], words.after[0]);
            let is_zero = checksum::update(half, words.before[1], words.after[1]) == 0;
            set_source(&mut frame, &mut parsed, after);
            is_zero.then(|| word(&frame, at).unwrap())
        });
        assert_eq!(zero, Some(0xffff));
    }

    #[test]
    fn later_fragments_change_in_the_header_only() {
        let mut frame = build(Kind::Tcp, PRIVATE, REMOTE, &[9; 32]);
        frame[IP + 7] = 3;
        let before = frame.clone();
        let mut parsed = Parsed::of(&frame).unwrap();
        set_source(&mut frame, &mut parsed, Ipv4Addr::new(203, 0, 113, 25));
        assert_eq!(frame[IP + 20..], before[IP + 20..]);
        assert_eq!(frame[IP + 12..IP + 16], [203, 0, 113, 25]);
    }

    /// A SYN whose options are `options` bytes, the checksum right.
    fn syn(options: &[u8], flags: &str) -> Vec<u8> {
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(PRIVATE, REMOTE, 64).tcp(40_000, 443, 7, 1_000);
        let builder = if flags.contains('S') { builder.syn() } else { builder };
        let builder = if flags.contains('A') { builder.ack(9) } else { builder };
        builder.options_raw(options).unwrap().write(&mut frame, &[]).unwrap();
        frame
    }

    #[test]
    fn a_syn_offers_no_more_than_the_clamp_wherever_its_option_stands() {
        for flags in ["S", "SA"] {
            let with = |mss: u16| {
                let [high, low] = mss.to_be_bytes();
                // Alone; behind one padding byte, at an odd place; behind SACK permitted and a window scale.
                let alone = vec![2, 4, high, low];
                let odd = vec![1, 2, 4, high, low, 1, 1, 0];
                let behind = vec![4, 2, 3, 3, 7, 2, 4, high, low, 0, 0, 0];
                [alone, odd, behind].map(|options| syn(&options, flags))
            };
            for (mut frame, wanted) in with(8961).into_iter().zip(with(8460)) {
                let parsed = Parsed::of(&frame).unwrap();
                assert_eq!(clamp_mss(&mut frame, &parsed, 8460), Some((8961, 8460)));
                assert_eq!(frame, wanted, "checksum included");
                assert_eq!(clamp_mss(&mut frame, &parsed, 8460), None, "it fits now");
            }
        }
    }

    #[test]
    fn the_clamp_leaves_other_segments_and_broken_options_alone() {
        let cases = [
            (vec![2, 4, 0x23, 0x01], "A"),
            (vec![], "S"),
            (vec![0, 0, 2, 4, 0x23, 0x01, 0, 0], "S"),
            (vec![5, 0, 2, 4], "S"),
            (vec![1, 1, 2, 9], "S"),
            (vec![2, 3, 0x23, 1], "S"),
        ];
        for (options, flags) in cases {
            let mut frame = syn(&options, flags);
            let before = frame.clone();
            let parsed = Parsed::of(&frame).unwrap();
            assert_eq!(clamp_mss(&mut frame, &parsed, 1_000), None, "{options:?}");
            assert_eq!(frame, before);
        }
    }

    #[test]
    fn a_quote_of_another_conversation_is_left_alone() {
        let mut frame = build(Kind::Error(40), PRIVATE, REMOTE, b"");
        let quote = IP + 28;
        frame[quote + IP_DESTINATION + 3] ^= 1;
        let before = frame.clone();
        let mut parsed = Parsed::of(&frame).unwrap();
        set_source(&mut frame, &mut parsed, Ipv4Addr::new(203, 0, 113, 25));
        assert_eq!(frame[IP + 20..], before[IP + 20..]);
    }
}
