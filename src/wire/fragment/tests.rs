//! Cut, cut again, shuffle, put together: the packet comes back, and etherparse finds nothing wrong on the way.

use super::*;
use crate::time::{SimDuration, SimTime};
use bytes::Bytes;
use etherparse::{IpFragOffset, Ipv4HeaderSlice, Ipv4Options};
use proptest::prelude::*;

/// An option that every fragment carries (loose source route), one that only the first does (record route), and padding.
const OPTIONS: [u8; 16] = [0x83, 7, 4, 10, 0, 0, 9, 1, 0x07, 7, 4, 0, 0, 0, 0, 0];

fn packet(protocol: u8, identification: u16, options: &[u8], data: &[u8]) -> Vec<u8> {
    let mut header = etherparse::Ipv4Header::new(0, 64, protocol.into(), [10, 0, 0, 5], [10, 0, 1, 6]).unwrap();
    header.identification = identification;
    header.dont_fragment = false;
    header.options = Ipv4Options::try_from(options).unwrap();
    header.set_payload_len(data.len()).unwrap();
    let mut frame = vec![2; 12];
    frame.extend([8, 0]);
    header.header_checksum = header.calc_header_checksum();
    header.write(&mut frame).unwrap();
    frame.extend_from_slice(data);
    frame
}

fn data(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 256) as u8).collect()
}

fn header(frame: &[u8]) -> etherparse::Ipv4Header {
    let header = Ipv4HeaderSlice::from_slice(&frame[IP..]).unwrap().to_header();
    assert_eq!(header.header_checksum, header.calc_header_checksum(), "the checksum of each fragment is right");
    assert_eq!(usize::from(header.total_len), frame.len() - IP);
    header
}

fn cut(frame: &[u8], mtu_bytes: usize) -> Vec<Vec<u8>> {
    fragments(frame, mtu_bytes).unwrap().collect()
}

fn put_together(frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<Reassembly> {
    let mut reassembler = Reassembler::default();
    let results = frames.into_iter().map(|frame| reassembler.push(SimTime::ZERO, Bytes::from(frame)));
    results.collect()
}

#[test]
fn offsets_flags_and_lengths_are_those_of_rfc_791() {
    let whole = packet(17, 77, &[], &data(3_008));
    let pieces = cut(&whole, 1500);
    let seen: Vec<_> = pieces
        .iter()
        .map(|piece| header(piece))
        .map(|header| (header.total_len, header.fragment_offset.value() * 8, header.more_fragments))
        .collect();
    assert_eq!(seen, [(1500, 0, true), (1500, 1480, true), (68, 2960, false)]);
    assert!(pieces.iter().all(|piece| header(piece).identification == 77 && piece[..IP] == whole[..IP]));
    // 1501 has no room for a whole unit more; what fits is not touched, padding behind the packet goes.
    assert_eq!(header(&cut(&whole, 1501)[0]).total_len, 1500);
    assert_eq!(cut(&whole, 3_028)[..], *std::slice::from_ref(&whole));
    let mut padded = whole.clone();
    padded.extend([0; 9]);
    assert_eq!((cut(&padded, 9001), cut(&padded, 1500)), (vec![whole.clone()], pieces));
}

#[test]
fn refusals_say_what_would_be_needed() {
    let whole = packet(17, 1, &[], &data(100));
    assert_eq!(fragments(&whole, 27).unwrap_err(), FragmentError::MtuTooSmall { mtu_bytes: 27, needed_bytes: 28 });
    assert_eq!(fragments(&whole[..133], 28).unwrap_err(), FragmentError::Malformed { frame_bytes: 133 });
    let mut kept = whole.clone();
    kept[IP + FLAGS_AND_OFFSET] = 0x40;
    let refused = FragmentError::DontFragment { packet_bytes: 120, mtu_bytes: 119 };
    assert_eq!(fragments(&kept, 119).unwrap_err(), refused);
    assert_eq!(refused.to_string(), "the packet of 120 bytes may not be fragmented to an MTU of 119");
    assert_eq!(cut(&kept, 120), [kept]);
}

#[test]
fn only_copied_options_go_into_later_fragments() {
    let pieces = cut(&packet(6, 3, &OPTIONS, &data(200)), 100);
    let options: Vec<Vec<u8>> = pieces.iter().map(|piece| header(piece).options.as_slice().to_vec()).collect();
    assert_eq!(options[0], OPTIONS);
    assert!(options.len() > 2 && options[1..].iter().all(|options| options[..] == [0x83, 7, 4, 10, 0, 0, 9, 0]));
    assert_eq!(copied_options(&[0x83, 0, 0, 0]), [0; 0], "an option of length 0 ends the list");
    assert_eq!(copied_options(&[0x83, 9, 0, 0]), [0; 0], "an option beyond the header ends the list");
}

proptest! {
    #[test]
    fn cut_twice_shuffled_and_put_together_is_the_packet(
        length in 0usize..5_000, mtus in (44usize..2_000, 44usize..2_000), with_options in any::<bool>(), order in any::<u64>(),
    ) {
        let whole = packet(17, 9, if with_options { &OPTIONS } else { &[] }, &data(length));
        let mut pieces: Vec<Vec<u8>> = cut(&whole, mtus.0).iter().flat_map(|piece| cut(piece, mtus.1)).collect();
        for piece in &pieces {
            let header = header(piece);
            prop_assert!(usize::from(header.total_len) <= mtus.0.min(mtus.1).max(20));
            prop_assert!(header.fragment_offset <= IpFragOffset::try_new(8191).unwrap());
        }
        let count = pieces.len();
        // Any order: a multiplicative shuffle.
        pieces.sort_by_key(|piece| u64::from(header(piece).fragment_offset.value()).wrapping_add(1).wrapping_mul(order | 1));
        let results = put_together(pieces);
        prop_assert!(results[..count - 1].iter().all(|result| *result == Reassembly::Held));
        prop_assert_eq!(&results[count - 1], &Reassembly::Whole(Bytes::from(whole)));
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), mtu_bytes in 0usize..200) {
        if let Some(first) = bytes.get_mut(IP) {
            *first = 0x40 | (*first & 0x0f);
        }
        if bytes.len() > IP + 4 {
            put_word(&mut bytes[IP..], TOTAL_LENGTH, 150);
        }
        if let Ok(pieces) = fragments(&bytes, mtu_bytes) {
            prop_assert!(pieces.take(10_000).count() < 10_000);
        }
        let mut reassembler = Reassembler::default();
        for _ in 0..2 {
            reassembler.push(SimTime::ZERO, Bytes::from(bytes.clone()));
        }
    }
}

#[test]
fn what_was_never_cut_passes_and_repeats_do_no_harm() {
    let whole = packet(17, 4, &[], &data(2_000));
    assert_eq!(put_together([whole.clone()]), [Reassembly::Whole(Bytes::from(whole.clone()))]);
    let pieces = cut(&whole, 1000);
    let [first, second, third] = &pieces[..] else { panic!("{} pieces", pieces.len()) };
    let results = put_together([second, second, first, third].map(Clone::clone));
    assert_eq!(results[..3], [const { Reassembly::Held }; 3]);
    assert_eq!(results[3], Reassembly::Whole(Bytes::from(whole)));
}

#[test]
fn overlaps_and_contradictions_cost_the_datagram() {
    let whole = packet(17, 4, &[], &data(2_000));
    let (coarse, fine) = (cut(&whole, 1020), cut(&whole, 516));
    let results = put_together([coarse[0].clone(), fine[1].clone(), coarse[1].clone()]);
    let dropped = Reassembly::Dropped(ReassemblyDrop::Overlap);
    assert_eq!(results, [Reassembly::Held, dropped.clone(), dropped], "what comes later is dropped, too");

    // The "last" fragment ends before one that has come; a middle one whose length is no multiple of 8.
    let mut early_end = fine[1].clone();
    early_end[IP + FLAGS_AND_OFFSET] &= !0x20;
    fill_header_checksum(&mut early_end[IP..IP + 20]);
    let dropped = Reassembly::Dropped(ReassemblyDrop::Inconsistent);
    assert_eq!(put_together([fine[3].clone(), early_end])[1], dropped);
    let mut odd = packet(17, 4, &[], &data(100));
    odd[IP + FLAGS_AND_OFFSET] = 0x20;
    assert_eq!(put_together([odd.clone()])[..], *std::slice::from_ref(&dropped));
    // Beyond 65,535: the "ping of death".
    odd[IP + FLAGS_AND_OFFSET..IP + FLAGS_AND_OFFSET + 2].copy_from_slice(&[0x1f, 0xff]);
    assert_eq!(put_together([odd]), [dropped]);
}

#[test]
fn number_bytes_and_time_are_limited() {
    let mut reassembler = Reassembler::default();
    let first = |identification| Bytes::from(cut(&packet(17, identification, &[], &data(2_000)), 1500).remove(0));
    for identification in 0..DATAGRAMS_MAX as u16 {
        assert_eq!(reassembler.push(SimTime::ZERO, first(identification)), Reassembly::Held);
    }
    let later = SimTime::ZERO + SimDuration::from_secs(1);
    assert_eq!(reassembler.push(later, first(64)), Reassembly::Dropped(ReassemblyDrop::Full));
    assert_eq!(reassembler.deadline(), Some(SimTime::ZERO + WAIT));
    assert!(reassembler.expire(later).is_empty());
    let given_up = reassembler.expire(SimTime::ZERO + WAIT);
    assert_eq!(given_up.len(), DATAGRAMS_MAX);
    assert_eq!(given_up[3], Some(first(3)), "an error quotes the first fragment");
    assert_eq!((reassembler.held_bytes, reassembler.deadline()), (0, None));

    // The headers of small fragments make 64 datagrams of 64 KiB more than 4 MiB: some are refused, and the count comes back to 0.
    let mut refused = 0;
    for identification in 0..DATAGRAMS_MAX as u16 {
        let mut pieces = cut(&packet(17, identification, &[], &data(65_515)), 600);
        pieces.pop();
        let results = pieces.into_iter().map(|piece| reassembler.push(later, Bytes::from(piece)));
        refused += results.filter(|result| *result == Reassembly::Dropped(ReassemblyDrop::Full)).count();
        assert!(reassembler.held_bytes <= HELD_BYTES_MAX);
    }
    assert!(refused > 0);
    reassembler.expire(later + WAIT);
    assert_eq!(reassembler.held_bytes, 0);
}
