//! Whatever the bytes: no panic, one verdict each, counters that add up, the same again the second time.

mod world;

use proptest::prelude::*;
use vpcsim::dataplane::counters::NodeCounters;
use vpcsim::dataplane::{Step, Verdict};
use world::*;

/// The tutorial with its endpoint: every kind of node.
fn everything() -> (World, Vec<From<'static>>) {
    let mut world = World::tutorial();
    let main = world.main_table;
    let endpoint = world.endpoint(&[main]);
    let senders = vec![
        From::Instance("app-public"),
        From::Instance("app-private"),
        From::Platform("app-public"),
        From::Outside("laptop"),
        From::OutsidePlatform("laptop"),
        From::Service,
        From::ByEndpoint(endpoint),
    ];
    (world, senders)
}

/// A packet that makes sense somewhere, or noise.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let address = prop_oneof![
        Just(PUBLIC),
        Just(PRIVATE),
        Just(PUBLIC_OUTSIDE),
        Just(LAPTOP),
        Just(DYNAMODB),
        Just([172, 31, 0, 1]),
        Just([172, 31, 0, 2]),
        Just([169, 254, 169, 253]),
        Just([255; 4]),
        any::<[u8; 4]>()
    ];
    let port = prop_oneof![Just(443u16), Just(53), Just(22), 40_000u16..40_003];
    let flags = prop_oneof![Just("S"), Just("SA"), Just("A"), Just("FA"), Just("R")];
    let sensible = (0..5, address.clone(), address, port.clone(), port, flags).prop_map(
        |(kind, source, destination, source_port, destination_port, flags)| match kind {
            0 | 1 => tcp(source, source_port, destination, destination_port, flags),
            2 => udp(source, source_port, destination, destination_port),
            3 => echo(source, destination, 7, flags == "A"),
            _ => frag_needed(source, destination, &tcp(destination, source_port, source, destination_port, "A")),
        },
    );
    let damaged = (sensible.clone(), proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6))
        .prop_map(|(mut bytes, damage)| {
            for (at, value) in damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes
        });
    let noise = proptest::collection::vec(any::<u8>(), 0..120);
    prop_oneof![6 => sensible, 2 => damaged, 1 => noise]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn verdicts_are_conserved_and_repeatable(
        packets in proptest::collection::vec((any::<prop::sample::Index>(), packet(), any::<bool>(), 0u64..40), 1..60)
    ) {
        let run = || {
            let (mut world, senders) = everything();
            let mut verdicts: Vec<(Verdict, Vec<u8>)> = Vec::new();
            for (sender, bytes, as_is, pause_seconds) in &packets {
                let sender = senders[sender.index(senders.len())];
                let length = bytes.len();
                let way = if *as_is {
                    world.send_as_is(sender, bytes.clone())
                } else {
                    world.send(sender, bytes.clone())
                };
                assert_eq!(way.bytes.len(), length, "no node changes a frame's length");
                verdicts.push((way.verdict, way.bytes));
                world.sleep(*pause_seconds);
            }
            (verdicts, world.state.counters)
        };
        let (verdicts, counters) = run();
        let sum = |count: fn(&NodeCounters) -> u64| counters.all().iter().map(count).sum::<u64>();
        let ended = |wanted: fn(&Step) -> bool| verdicts.iter().filter(|(v, _)| wanted(&v.step)).count() as u64;
        prop_assert_eq!(sum(|n| n.delivered.packets), ended(|step| matches!(step, Step::Deliver(_))));
        prop_assert_eq!(sum(|n| n.answered.packets), ended(|step| matches!(step, Step::Reply(_))));
        prop_assert_eq!(sum(|n| n.dropped.packets), ended(|step| matches!(step, Step::Drop(_))));
        prop_assert_eq!(counters.total_dropped().packets, sum(|n| n.dropped.packets));
        for node in counters.all() {
            let out = [node.forwarded, node.delivered, node.answered, node.dropped];
            prop_assert_eq!(node.received.packets, out.iter().map(|count| count.packets).sum::<u64>());
            prop_assert_eq!(node.received.bytes, out.iter().map(|count| count.bytes).sum::<u64>());
            let reasons = node.drops().map(|(_, count)| count.packets).sum::<u64>();
            prop_assert_eq!(node.dropped.packets, reasons);
        }
        // What was received came from a host or from another node's forwarding.
        prop_assert_eq!(sum(|n| n.received.packets), packets.len() as u64 + sum(|n| n.forwarded.packets));

        let (again, counters_again) = run();
        prop_assert_eq!(verdicts, again);
        prop_assert_eq!(counters, counters_again);
    }

    #[test]
    fn what_is_delivered_with_right_checksums_was_sent_with_right_checksums(
        sender in 0usize..2, port in 40_000u16..40_100, by_endpoint in any::<bool>(), flags in prop_oneof![Just("S"), Just("A")]
    ) {
        let mut world = World::tutorial();
        if by_endpoint {
            let (main, private) = (world.main_table, world.private_table);
            world.endpoint(&[main, private]);
        }
        let (name, source) = [("app-public", PUBLIC), ("app-private", PRIVATE)][sender];
        let way = world.send(From::Instance(name), tcp(source, port, DYNAMODB, 443, flags));
        match way.verdict.step {
            Step::Deliver(_) => assert_checksums(&way.bytes),
            step => prop_assert!(!by_endpoint && name == "app-private", "{:?}", step),
        }
    }
}
