//! AWS's route priority: from a route table's rows (RIB) to one next hop per prefix (FIB).
//!
//! | | rule | example | goes to |
//! |---|---|---|---|
//! | 1 | the longest prefix wins, whatever its kind | 10.1.0.0/16 -> pcx, propagated 10.1.2.0/24 -> vgw; packet to 10.1.2.3 | vgw |
//! | 2 | equal prefixes: static CIDR before prefix list before propagated | 52.94.0.0/22 -> igw, pl-02cd2c6b (has 52.94.0.0/22) -> vpce | igw |
//! | 3 | propagated, equal prefixes: BGP over Direct Connect, then static VPN, then BGP VPN | 10.9.0.0/16 over VPN (static) and over Direct Connect | Direct Connect |
//! | 3a | then the shorter AS_PATH | two BGP VPN routes, AS_PATH of 2 and of 1 | the one of 1 |
//! | 3b | then the lower MED | equal AS_PATHs, MED 200 and 100 | MED 100 |
//! | 4 | equal prefixes of several prefix lists, different targets: any, but always the same | pl-1 -> igw, pl-2 -> eni, both have 198.51.100.0/24 | the seed decides |
//! | 5 | the local route beats propagated routes, even more specific ones, whatever its target | 10.0.0.0/16 local, propagated 10.0.5.0/24 -> vgw; packet to 10.0.5.9 | local |
//! | 6 | gateway-endpoint routes are prefix-list routes: 1 and 2 apply | pl-02cd2c6b -> vpce, 0.0.0.0/0 -> igw; packet to 52.94.2.72 | vpce |
//! | | | the same and 52.94.2.72/32 -> igw | igw |
//! | 7 | a blackhole route wins like any other, then drops; nothing shorter is tried | 0.0.0.0/0 -> igw, 203.0.113.0/24 -> deleted eni | dropped |
//!
//! Rule 5 is applied by leaving propagated routes inside a `local` block out of the table; they stay listed among its entries, where reports find them as
//! beaten. Routes that are alike in everything rank in the order of the table.
//! Sources: docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html, docs.aws.amazon.com/vpn/latest/s2svpn/vpn-route-priority.html

use super::registry::Registry;
use super::{CompileError, small_index};
use crate::model::{LearnedOver, Model, Route, RouteDestination, RouteOrigin, RouteState, RouteTable, RouteTarget};
use crate::net::Ipv4Net;
use crate::program::{NextHop, NextHopKind, NodeIx, NodeKey, RibEntry};
use std::collections::BTreeSet;

/// A table, compiled.
pub(super) struct CompiledTable {
    /// Every (prefix, route) pair, by prefix and then by preference.
    pub(super) entries: Box<[RibEntry]>,
    /// The winner of each prefix, in the order of entries.
    pub(super) winners: Vec<(Ipv4Net, NextHop)>,
}

/// A route's rank among routes of an equal prefix: smaller is better. The derived order is the table above, rules 2 to 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    StaticCidr,
    PrefixList { draw: u64 },
    Propagated { learned_over: LearnedOver, as_path_length: u8, multi_exit_discriminator: u32 },
}

/// Compiles a route table.
///
/// # Errors
/// [`CompileError::TooMany`]: more entries than a next hop can name.
pub(super) fn compile(
    model: &Model,
    table: &RouteTable,
    nodes: &Registry<NodeKey>,
) -> Result<CompiledTable, CompileError> {
    let mut pairs: Vec<(Ipv4Net, Rank, &Route)> = Vec::new();
    let propagated = model.propagated_routes(table);
    for route in table.routes.iter().chain(&propagated) {
        let rank = rank(model, table, route);
        pairs.extend(
            model.destination_cidrs(table.vpc_id, route.destination).iter().map(|cidr| (cidr.trunc(), rank, route)),
        );
    }
    // Stable: what is alike stays in the table's order.
    pairs.sort_by_key(|(cidr, rank, _)| (cidr.network(), cidr.prefix_len(), *rank));

    // A local route stays one when it has another target.
    let locals: Vec<Ipv4Net> =
        pairs.iter().filter(|(.., route)| route.origin == RouteOrigin::CreateRouteTable).map(|p| p.0).collect();
    let router = NodeIx(nodes.index(&NodeKey::Router(table.vpc_id)).unwrap_or_default());
    let (mut entries, mut winners, mut decided) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (position, (cidr, rank, route)) in pairs.iter().enumerate() {
        let (kind, node) = resolve(model, table, route, nodes, router);
        let propagated = matches!(rank, Rank::Propagated { .. });
        let entry = small_index("entries of a route table", position)?;
        entries.push(RibEntry {
            cidr: *cidr,
            prefix_list: match route.destination {
                RouteDestination::PrefixList(id) => Some(id.to_string()),
                RouteDestination::Cidr(_) => None,
            },
            target: route.target.to_string(),
            kind,
            propagated,
            shares_flows: false,
        });
        let loses_to_local = propagated && locals.iter().any(|local| local.contains(cidr));
        if !loses_to_local && decided.insert(*cidr) {
            winners.push((*cidr, NextHop { kind, entry, node }));
        }
    }
    Ok(CompiledTable { entries: entries.into(), winners })
}

fn rank(model: &Model, table: &RouteTable, route: &Route) -> Rank {
    match (route.origin, route.destination) {
        (RouteOrigin::Propagated(propagation), _) => Rank::Propagated {
            learned_over: propagation.learned_over,
            as_path_length: propagation.as_path_length,
            multi_exit_discriminator: propagation.multi_exit_discriminator,
        },
        (_, RouteDestination::Cidr(_)) => Rank::StaticCidr,
        (_, RouteDestination::PrefixList(list)) => {
            let draw = model.seed.derive(&format!("prefix-list tie:{}:{list}", table.id)).next_u64();
            Rank::PrefixList { draw }
        }
    }
}

/// What a route's target compiles to.
fn resolve(
    model: &Model,
    table: &RouteTable,
    route: &Route,
    nodes: &Registry<NodeKey>,
    router: NodeIx,
) -> (NextHopKind, NodeIx) {
    let (key, same_vpc) = match route.target {
        RouteTarget::Local => return (NextHopKind::Local, router),
        // `route_state` has seen that the gateway is attached to the table's VPC.
        RouteTarget::InternetGateway(id) => (NodeKey::InternetGateway(id), true),
        RouteTarget::GatewayEndpoint(id) => {
            (NodeKey::GatewayEndpoint(id), model.vpc_endpoints.get(&id).is_some_and(|e| e.vpc_id == table.vpc_id))
        }
        RouteTarget::NetworkInterface(id) => {
            (NodeKey::Eni(id), model.network_interfaces.get(&id).is_some_and(|e| e.vpc_id == table.vpc_id))
        }
        // `route_state` has seen that these serve the table's VPC.
        RouteTarget::NatGateway(id) => (NodeKey::NatGateway(id), true),
        RouteTarget::PeeringConnection(id) => (NodeKey::Peering(id), true),
        RouteTarget::TransitGateway(id) => (NodeKey::TransitGateway(id), true),
        RouteTarget::VpnGateway(id) => (NodeKey::VpnGateway(id), true),
    };
    match nodes.index(&key) {
        Some(node) if same_vpc && model.route_state(table, route) == RouteState::Active => {
            (NextHopKind::Node, NodeIx(node))
        }
        _ => (NextHopKind::Blackhole, router),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Compiler;
    use super::*;
    use crate::ids::*;
    use crate::model::{NewInstance, NewSubnet, NewVpc, NewVpcEndpoint, PrefixList, Propagation, Provenance, Tags};
    use crate::program::{NextHopKind, Program};
    use crate::rng::Seed;
    use crate::time::SimTime;

    /// A VPC 10.0.0.0/16 with interfaces "a".."f" to route to and a table of its own.
    struct Bench {
        model: Model,
        table: RouteTableId,
        vpc: VpcId,
    }

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    fn list_id(text: &str) -> PrefixListId {
        text.parse().unwrap()
    }

    const BGP: Propagation =
        Propagation { learned_over: LearnedOver::VpnBgp, as_path_length: 2, multi_exit_discriminator: 100 };

    impl Bench {
        fn new(seed: u64) -> Bench {
            let mut model = Model::new("us-east-1", "111122223333", Seed::new(seed));
            let (label, tags) = ("v".to_owned(), Tags::default());
            let new = NewVpc {
                region: None,
                label,
                id: None,
                cidrs: vec![net("10.0.0.0/16")],
                is_default: false,
                enable_dns_hostnames: false,
                tags,
            };
            let vpc_id = model.add_vpc(new).unwrap();
            let subnet_id = model
                .add_subnet(NewSubnet {
                    label: "s".into(),
                    id: None,
                    vpc_id,
                    cidr: net("10.0.1.0/24"),
                    availability_zone: "us-east-1a".into(),
                    default_for_az: false,
                    map_public_ip_on_launch: false,
                    tags: Tags::default(),
                })
                .unwrap();
            for name in ["a", "b", "c", "d", "e", "f"] {
                let new = NewInstance {
                    label: name.into(),
                    id: None,
                    interface_id: None,
                    subnet_id,
                    private_ip: None,
                    associate_public_ip: None,
                    public_ip: None,
                    security_group_ids: Vec::new(),
                    source_dest_check: false,
                    forwarding: Default::default(),
                    image_id: ImageId::mint(Seed::new(0), "image", IdLength::Short),
                    instance_type: "t3.micro".into(),
                    key_name: None,
                    reservation_id: None,
                    at: SimTime::ZERO,
                    tags: Tags::named(name),
                };
                model.launch_instance(new).unwrap();
            }
            let table = model.add_route_table("t", None, vpc_id, Tags::default()).unwrap();
            model.associate_route_table(table, subnet_id).unwrap();
            Bench { model, table, vpc: vpc_id }
        }

        fn eni(&self, name: &str) -> EniId {
            let named = |i: &&crate::model::Instance| i.tags.name() == Some(name);
            self.model.instances.values().find(named).unwrap().primary_interface_id.unwrap()
        }

        /// A list of this Region.
        fn list(&mut self, id: &str, cidrs: &[&str]) {
            let id = list_id(id);
            let list = PrefixList {
                customer: None,
                id,
                region: "us-east-1".into(),
                name: id.to_string(),
                cidrs: cidrs.iter().map(|cidr| net(cidr)).collect(),
                weight: 1,
                provenance: Provenance::Scenario,
            };
            self.model.prefix_lists.insert(("us-east-1".into(), id), list);
        }

        fn route(&mut self, destination: &str, target: &str, origin: RouteOrigin) {
            let destination = match destination.parse() {
                Ok(cidr) => RouteDestination::Cidr(cidr),
                Err(_) => RouteDestination::PrefixList(list_id(destination)),
            };
            let target = RouteTarget::NetworkInterface(self.eni(target));
            self.model.add_route(self.table, destination, target, origin).unwrap();
        }

        fn fixed(&mut self, destination: &str, target: &str) -> &mut Self {
            self.route(destination, target, RouteOrigin::CreateRoute);
            self
        }

        fn learned(&mut self, destination: &str, target: &str, propagation: Propagation) -> &mut Self {
            self.route(destination, target, RouteOrigin::Propagated(propagation));
            self
        }

        fn program(&self) -> Program {
            Compiler::new().compile(&self.model).unwrap()
        }

        /// Where a packet to `address` goes: an interface's name, "local", "blackhole" or "none".
        fn goes_to(&self, address: &str) -> String {
            let program = self.program();
            let table = program.lookup.tables[&self.table];
            match program.fibs[table.at()].lookup(address.parse().unwrap()) {
                None => "none".into(),
                Some(NextHop { kind: NextHopKind::Local, .. }) => "local".into(),
                Some(NextHop { kind: NextHopKind::Blackhole, .. }) => "blackhole".into(),
                Some(hop) => {
                    let name = program.origins.node(hop.node);
                    name.name.clone().unwrap_or_else(|| name.id.clone())
                }
            }
        }
    }

    #[test]
    fn rule_1_the_longest_prefix_wins_whatever_its_kind() {
        let mut bench = Bench::new(1);
        bench.list("pl-00000001", &["10.1.2.128/25"]);
        bench.fixed("10.1.0.0/16", "a").learned("10.1.2.0/24", "b", BGP).fixed("pl-00000001", "c");
        assert_eq!(
            ["10.1.1.1", "10.1.2.3", "10.1.2.200", "10.2.0.0"].map(|at| bench.goes_to(at)),
            ["a", "b", "c", "none"]
        );
    }

    #[test]
    fn rule_2_static_before_prefix_list_before_propagated() {
        let mut bench = Bench::new(1);
        bench.list("pl-00000001", &["10.1.0.0/16", "10.2.0.0/16"]);
        bench.learned("10.1.0.0/16", "c", BGP).learned("10.2.0.0/16", "c", BGP).learned("10.3.0.0/16", "c", BGP);
        bench.fixed("pl-00000001", "b").fixed("10.1.0.0/16", "a");
        assert_eq!(["10.1.0.1", "10.2.0.1", "10.3.0.1"].map(|at| bench.goes_to(at)), ["a", "b", "c"]);
    }

    #[test]
    fn rule_3_among_propagated_kind_then_path_then_discriminator() {
        let with = |learned_over, as_path_length, multi_exit_discriminator| Propagation {
            learned_over,
            as_path_length,
            multi_exit_discriminator,
        };
        use LearnedOver::*;
        // Each beats the one before it.
        let ladder = [
            ("a", with(VpnBgp, 3, 0)),
            ("b", with(VpnBgp, 2, 200)),
            ("c", with(VpnBgp, 2, 100)),
            ("d", with(VpnStatic, 0, 0)),
            ("e", with(DirectConnectBgp, 9, 900)),
        ];
        let mut bench = Bench::new(1);
        for (target, propagation) in ladder {
            bench.learned("10.9.0.0/16", target, propagation);
            assert_eq!(bench.goes_to("10.9.0.1"), target);
        }
        bench.learned("10.9.0.0/16", "f", ladder[4].1);
        assert_eq!(bench.goes_to("10.9.0.1"), "e", "alike: the table's order");
    }

    #[test]
    fn rule_4_lists_that_share_a_prefix_are_drawn_once_by_the_seed() {
        let drawn = |seed, swapped: bool| {
            let mut bench = Bench::new(seed);
            bench.list("pl-00000001", &["198.51.100.0/24"]);
            bench.list("pl-00000002", &["198.51.100.0/24"]);
            let mut routes = [("pl-00000001", "a"), ("pl-00000002", "b")];
            if swapped {
                routes.reverse();
            }
            routes.into_iter().for_each(|(list, target)| {
                bench.fixed(list, target);
            });
            bench.goes_to("198.51.100.1")
        };
        let draws: Vec<_> = (0..16).map(|seed| drawn(seed, false)).collect();
        assert_eq!(draws, (0..16).map(|seed| drawn(seed, true)).collect::<Vec<_>>(), "not by order");
        assert!(draws.contains(&"a".to_owned()) && draws.contains(&"b".to_owned()), "by the seed: {draws:?}");
    }

    #[test]
    fn rule_5_local_beats_propagated_even_more_specific_but_not_static_ones() {
        let mut bench = Bench::new(1);
        bench.learned("10.0.5.0/24", "a", BGP).learned("10.0.0.0/16", "a", BGP).learned("10.0.0.0/8", "b", BGP);
        assert_eq!(["10.0.5.9", "10.0.0.9", "10.3.0.1"].map(|at| bench.goes_to(at)), ["local", "local", "b"]);
        // A whole subnet may be routed to an interface: middlebox routing.
        bench.fixed("10.0.1.0/24", "c").learned("10.0.1.128/25", "a", BGP);
        assert_eq!(["10.0.1.5", "10.0.1.200", "10.0.2.1"].map(|at| bench.goes_to(at)), ["c", "c", "local"]);

        let program = bench.program();
        let table = program.lookup.tables[&bench.table];
        let hop = program.fibs[table.at()].lookup("10.0.5.9".parse().unwrap()).unwrap();
        let told = program.origins.explain_route(table, hop.entry, "10.0.5.9".parse().unwrap());
        assert_eq!(told.winner.target, "local");
        let beaten: Vec<_> = told.beaten.iter().map(|entry| entry.cidr.to_string()).collect();
        assert_eq!(beaten, ["10.0.5.0/24", "10.0.0.0/8"], "listed though not in the table");
    }

    #[test]
    fn rule_6_endpoint_routes_are_prefix_list_routes() {
        let mut bench = Bench::new(1);
        let new = NewVpcEndpoint {
            label: "ddb".into(),
            id: Some("vpce-9b15e2f2".parse().unwrap()),
            vpc_id: bench.vpc,
            service_name: "com.amazonaws.us-east-1.dynamodb".into(),
            route_table_ids: vec![bench.table],
            policy_document: None,
            at: SimTime::ZERO,
            tags: Tags::default(),
        };
        bench.model.add_vpc_endpoint(new).unwrap();
        bench.fixed("0.0.0.0/0", "a");
        assert_eq!(["52.94.2.72", "52.94.4.1"].map(|at| bench.goes_to(at)), ["vpce-9b15e2f2", "a"]);
        bench.fixed("52.94.2.72/32", "b");
        assert_eq!(["52.94.2.72", "52.94.2.73"].map(|at| bench.goes_to(at)), ["b", "vpce-9b15e2f2"]);
        bench.fixed("52.94.0.0/22", "c");
        assert_eq!(bench.goes_to("52.94.2.73"), "c");
    }

    #[test]
    fn rule_7_blackholes_win_like_any_other() {
        let mut bench = Bench::new(1);
        bench.fixed("0.0.0.0/0", "a").fixed("203.0.113.0/24", "b");
        let gone = bench.model.instances.values().find(|i| i.tags.name() == Some("b")).unwrap().id;
        bench.model.terminate_instance(gone).unwrap();
        assert_eq!(["203.0.113.9", "203.0.114.9"].map(|at| bench.goes_to(at)), ["blackhole", "a"]);
    }

    #[test]
    fn more_entries_than_a_next_hop_can_name_are_refused() {
        let mut bench = Bench::new(1);
        let many: Vec<String> =
            (0..=65_535u32).map(|n| format!("{}/32", std::net::Ipv4Addr::from(0x0b00_0000 + n))).collect();
        bench.list("pl-00000001", &many.iter().map(String::as_str).collect::<Vec<_>>());
        bench.fixed("pl-00000001", "a");
        let refused = Compiler::new().compile(&bench.model).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "entries of a route table: 65537 are more than the 65536 that a program can hold"
        );
    }
}
