//! What joins random VPCs with each other and with networks on premises: peering, transit gateways, VPN, Direct Connect. What AWS refuses is refused.

use super::models::{Dice, REGION};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use vpcsim::ids::{RouteTableId, SubnetId, TransitGatewayAttachmentId, TransitGatewayId, VpcId, VpnGatewayId};
use vpcsim::model::{
    LearnedRoute, Model, NewPeeringConnection, NewTransitGateway, NewTransitGatewayPeering, NewVirtualInterface,
    NewVpcAttachment, NewVpnConnection, OnPremisesLink, OnPremisesNetwork, RouteDestination, RouteOrigin, RouteTarget,
    Tags, VirtualInterfaceKind, VpnTarget,
};
use vpcsim::net::Ipv4Net;
use vpcsim::time::SimTime;

/// The network on premises.
pub const CORP: &str = "corp";

fn cidr(text: &str) -> Ipv4Net {
    text.parse().expect("a block written in this file")
}

pub fn join(model: &mut Model, dice: &mut Dice) {
    let vpcs: Vec<VpcId> = model.vpcs.keys().copied().collect();
    if dice.percent(45) {
        add_peerings(model, dice, &vpcs);
    }
    add_on_premises(model, dice);
    let mut gateways = Vec::new();
    if dice.percent(55) {
        gateways.extend(add_transit_gateway(model, dice, &vpcs, REGION, 0));
        if dice.percent(35) {
            let region = dice.pick(&[REGION, "us-west-2"]);
            gateways.extend(add_transit_gateway(model, dice, &vpcs, region, 1));
        }
    }
    if let [near, far] = gateways[..] {
        peer_transit_gateways(model, dice, near, far);
    }
    if dice.percent(45) {
        add_vpn_gateways(model, dice, &vpcs);
    }
    if let Some(gateway) = dice.maybe(&gateways)
        && dice.percent(50)
    {
        connect_transit_gateway(model, dice, gateway);
    }
    if dice.percent(15) {
        let kind = VirtualInterfaceKind::Public;
        add_virtual_interface(model, dice, "public", kind);
    }
    add_static_routes_on_premises(model, dice);
    for gateway in gateways {
        fill_tables(model, dice, gateway);
    }
    add_routes_between(model, dice);
    for number in 0..3 {
        if dice.percent(25) {
            break_link(model, dice, number);
        }
    }
}

fn add_peerings(model: &mut Model, dice: &mut Dice, vpcs: &[VpcId]) {
    for (number, pair) in vpcs.windows(2).enumerate() {
        let new = NewPeeringConnection {
            label: format!("peering {number}"),
            id: None,
            requester_vpc_id: pair[0],
            accepter_vpc_id: pair[1],
            at: SimTime::ZERO,
            tags: Tags::default(),
        };
        if let Ok(id) = model.add_peering_connection(new)
            && dice.percent(90)
        {
            let _ = model.accept_peering_connection(id);
        }
    }
}

fn add_on_premises(model: &mut Model, dice: &mut Dice) {
    let plans: [&[&str]; 3] = [&["192.168.16.0/22"], &["10.200.0.0/16", "172.20.0.0/24"], &["10.9.0.0/16"]];
    let cidrs: Vec<Ipv4Net> = dice.pick(&plans).iter().map(|text| cidr(text)).collect();
    let at = |by: u32| Ipv4Addr::from(u32::from(cidrs[0].network()) + by);
    let hosts = BTreeMap::from([("files".to_owned(), at(10)), ("desk".to_owned(), at(20))]);
    let network = OnPremisesNetwork {
        name: CORP.to_owned(),
        internet_address: dice.percent(85).then(|| Ipv4Addr::new(198, 51, 100, 200)),
        resolver: true,
        static_routes: Vec::new(),
        cidrs,
        hosts,
    };
    model.on_premises.insert(CORP.to_owned(), network);
}

fn add_transit_gateway(
    model: &mut Model,
    dice: &mut Dice,
    vpcs: &[VpcId],
    region: &str,
    number: usize,
) -> Option<TransitGatewayId> {
    let new = NewTransitGateway {
        label: format!("transit gateway {number}"),
        id: None,
        region: Some(region.to_owned()),
        default_association: dice.percent(75),
        default_propagation: dice.percent(75),
        security_group_referencing: dice.percent(50),
        vpn_equal_cost: dice.percent(70),
        amazon_side_asn: 64_512,
        description: String::new(),
        at: SimTime::ZERO,
        tags: Tags::named(&format!("tgw-{number}")),
    };
    let gateway = model.add_transit_gateway(new).ok()?;
    for vpc in vpcs {
        if !dice.percent(80) {
            continue;
        }
        let mut zones = Vec::new();
        let mut subnet_ids: Vec<SubnetId> = Vec::new();
        for subnet in model.subnets.values().filter(|subnet| subnet.vpc_id == *vpc) {
            if !zones.contains(&subnet.availability_zone) && dice.percent(75) {
                zones.push(subnet.availability_zone.clone());
                subnet_ids.push(subnet.id);
            }
        }
        let new = NewVpcAttachment {
            label: format!("attachment {number} {vpc}"),
            id: None,
            transit_gateway_id: gateway,
            vpc_id: *vpc,
            subnet_ids,
            appliance_mode: dice.percent(30),
            security_group_referencing: dice.percent(60),
            at: SimTime::ZERO,
            tags: Tags::default(),
        };
        undo_if_refused(model, |model| model.add_vpc_attachment(new).is_ok());
    }
    Some(gateway)
}

/// Refusals may come half-way.
fn undo_if_refused(model: &mut Model, change: impl FnOnce(&mut Model) -> bool) {
    let before = model.clone();
    if !change(model) {
        *model = before;
    }
}

fn peer_transit_gateways(model: &mut Model, dice: &mut Dice, near: TransitGatewayId, far: TransitGatewayId) {
    let new = NewTransitGatewayPeering {
        label: "transit peering".to_owned(),
        id: None,
        transit_gateway_id: near,
        peer_transit_gateway_id: far,
        at: SimTime::ZERO,
        tags: Tags::default(),
    };
    if let Ok(id) = model.add_transit_gateway_peering(new)
        && dice.percent(90)
    {
        let _ = model.accept_transit_gateway_peering(id);
    }
}

fn add_vpn_gateways(model: &mut Model, dice: &mut Dice, vpcs: &[VpcId]) {
    for (number, vpc) in vpcs.iter().enumerate() {
        if dice.percent(30) {
            continue;
        }
        let Ok(gateway) = model.add_vpn_gateway(&format!("vgw {number}"), None, None, Tags::default()) else { return };
        let _ = model.attach_vpn_gateway(gateway, *vpc);
        for vpn in 0..dice.below(3) {
            add_vpn(model, dice, &format!("vpn {number} {vpn}"), VpnTarget::VpnGateway(gateway));
        }
        if dice.percent(40) {
            add_virtual_interface(model, dice, &format!("private {number}"), VirtualInterfaceKind::Private(gateway));
        }
        propagate(model, dice, *vpc, gateway);
    }
}

fn propagate(model: &mut Model, dice: &mut Dice, vpc: VpcId, gateway: VpnGatewayId) {
    let tables: Vec<RouteTableId> = model.route_tables.values().filter(|t| t.vpc_id == vpc).map(|t| t.id).collect();
    for table in tables {
        if dice.percent(50) {
            let _ = model.set_route_propagation(table, gateway, true);
        }
        if dice.percent(30) {
            let destination = RouteDestination::Cidr(dice.pick(&ELSEWHERE.map(cidr)));
            let _ = model.add_route(table, destination, RouteTarget::VpnGateway(gateway), RouteOrigin::CreateRoute);
        }
    }
}

/// Blocks that routes between networks are for.
const ELSEWHERE: [&str; 10] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.9.0.0/16",
    "10.200.0.0/16",
    "172.31.0.0/16",
    "192.168.0.0/16",
    "198.51.100.0/24",
    "52.94.0.0/16",
    "100.64.0.0/16",
];

fn add_vpn(model: &mut Model, dice: &mut Dice, label: &str, target: VpnTarget) {
    let Some(address) = model.on_premises[CORP].internet_address else { return };
    let Ok(customer) = model.add_customer_gateway("customer", None, address, 65_000, Tags::default()) else { return };
    let static_routes_only = dice.percent(40);
    let by_hand = static_routes_only || dice.percent(30);
    let new = NewVpnConnection {
        label: label.to_owned(),
        id: None,
        target,
        customer_gateway_id: customer,
        static_routes_only,
        routes: by_hand.then(|| random_announcements(model, dice)),
        at: SimTime::ZERO,
        tags: Tags::named(label),
    };
    undo_if_refused(model, |model| model.add_vpn_connection(new).is_ok());
}

/// The network's blocks, halves of them, sometimes everything.
fn random_announcements(model: &Model, dice: &mut Dice) -> Vec<LearnedRoute> {
    let mut routes: Vec<LearnedRoute> = Vec::new();
    for block in &model.on_premises[CORP].cidrs {
        let half = Ipv4Net::new_assert(block.network(), block.prefix_len() + 1);
        let everything = Ipv4Net::default();
        let cidr = dice.pick(&[*block, *block, half, everything]);
        if routes.iter().all(|route| route.cidr != cidr) {
            let as_path_length = dice.below(2) as u8;
            routes.push(LearnedRoute { cidr, as_path_length, multi_exit_discriminator: dice.below(2) as u32 * 100 });
        }
    }
    routes
}

fn add_virtual_interface(model: &mut Model, dice: &mut Dice, label: &str, kind: VirtualInterfaceKind) {
    let most = match kind {
        VirtualInterfaceKind::Private(_) => 9001,
        VirtualInterfaceKind::Transit(_) => 8500,
        VirtualInterfaceKind::Public => 1500,
    };
    let new = NewVirtualInterface {
        label: label.to_owned(),
        id: None,
        kind,
        on_premises: CORP.to_owned(),
        routes: None,
        mtu_bytes: dice.pick(&[None, Some(most)]),
        at: SimTime::ZERO,
        tags: Tags::named(label),
    };
    undo_if_refused(model, |model| model.add_virtual_interface(new).is_ok());
}

fn connect_transit_gateway(model: &mut Model, dice: &mut Dice, gateway: TransitGatewayId) {
    for number in 0..dice.below(3) {
        add_vpn(model, dice, &format!("transit vpn {number}"), VpnTarget::TransitGateway(gateway));
    }
    if dice.percent(35) {
        add_virtual_interface(model, dice, "transit", VirtualInterfaceKind::Transit(gateway));
    }
}

fn add_static_routes_on_premises(model: &mut Model, dice: &mut Dice) {
    let vpns = model.vpn_connections.keys().copied().map(OnPremisesLink::Vpn);
    let interfaces = model.virtual_interfaces.keys().copied().map(OnPremisesLink::VirtualInterface);
    let links: Vec<OnPremisesLink> = vpns.chain(interfaces).collect();
    for _ in 0..2 {
        if let Some(link) = dice.maybe(&links)
            && dice.percent(30)
            && let Some(network) = model.on_premises.get_mut(CORP)
        {
            network.static_routes.push((dice.pick(&ELSEWHERE.map(cidr)), link));
        }
    }
}

/// More tables, associations, propagations and static routes.
fn fill_tables(model: &mut Model, dice: &mut Dice, gateway: TransitGatewayId) {
    for number in 0..dice.below(2) {
        let label = format!("table {number} of {gateway}");
        let _ = model.add_transit_gateway_route_table(&label, None, gateway, SimTime::ZERO, Tags::default());
    }
    let tables: Vec<_> = (model.transit_gateway_route_tables.values())
        .filter(|table| table.transit_gateway_id == gateway)
        .map(|table| table.id)
        .collect();
    let attachments: Vec<TransitGatewayAttachmentId> =
        model.living_attachments(gateway).map(|other| other.id).collect();
    for table in tables {
        for attachment in &attachments {
            if dice.percent(60) {
                let _ = model.associate_transit_gateway_route_table(table, *attachment);
            }
            if dice.percent(50) {
                let _ = model.enable_transit_gateway_propagation(table, *attachment);
            }
        }
        for _ in 0..dice.below(4) {
            let block = dice.pick(&ELSEWHERE.map(cidr));
            let target = dice.maybe(&attachments).filter(|_| dice.percent(85));
            let _ = model.put_transit_gateway_route(table, block, target, false);
        }
    }
}

/// Routes of VPCs to peers and transit gateways.
fn add_routes_between(model: &mut Model, dice: &mut Dice) {
    let tables: Vec<(RouteTableId, VpcId)> =
        model.route_tables.values().map(|table| (table.id, table.vpc_id)).collect();
    for (table, vpc) in tables {
        let mut targets: Vec<RouteTarget> = (model.peering_connections.values())
            .filter(|pcx| pcx.other_side(vpc).is_some())
            .map(|pcx| RouteTarget::PeeringConnection(pcx.id))
            .collect();
        targets.extend(model.transit_gateways.keys().map(|id| RouteTarget::TransitGateway(*id)));
        let others: Vec<Ipv4Net> = (model.vpcs.values().filter(|other| other.id != vpc))
            .flat_map(|other| other.cidr_blocks.iter().map(|block| block.cidr))
            .collect();
        for block in &others {
            if let Some(target) = dice.maybe(&targets)
                && dice.percent(50)
            {
                let _ = model.add_route(table, RouteDestination::Cidr(*block), target, RouteOrigin::CreateRoute);
            }
        }
        for _ in 0..dice.below(3) {
            let Some(target) = dice.maybe(&targets) else { continue };
            let blocks = if dice.percent(65) { others.clone() } else { ELSEWHERE.map(cidr).to_vec() };
            let Some(block) = dice.maybe(&blocks) else { continue };
            let _ = model.add_route(table, RouteDestination::Cidr(block), target, RouteOrigin::CreateRoute);
        }
    }
}

/// Takes something down, or up again, and says what.
pub fn break_link(model: &mut Model, dice: &mut Dice, number: usize) -> String {
    let vpns: Vec<_> = model.live_vpn_connections().map(|vpn| vpn.id).collect();
    let interfaces: Vec<_> = model.virtual_interfaces.keys().copied().collect();
    let peerings: Vec<_> = model.peering_connections.keys().copied().collect();
    let attachments: Vec<_> = model.transit_gateway_attachments.keys().copied().collect();
    match dice.below(12) {
        0..5 if !vpns.is_empty() => {
            let (vpn, up) = (dice.pick(&vpns), [dice.percent(50), dice.percent(50)]);
            model.set_tunnels(vpn, up).expect("the connection exists");
            format!("tunnels of {vpn}: {up:?}")
        }
        5..8 if !interfaces.is_empty() => {
            let (interface, up) = (dice.pick(&interfaces), dice.percent(50));
            model.set_virtual_interface(interface, up).expect("the interface exists");
            format!("{interface}: {up}")
        }
        8 if !peerings.is_empty() => {
            let id = dice.pick(&peerings);
            format!("{id} deleted: {}", model.delete_peering_connection(id).is_ok())
        }
        9 if !attachments.is_empty() && number.is_multiple_of(2) => {
            let id = dice.pick(&attachments);
            format!("{id} deleted: {}", model.delete_transit_gateway_attachment(id).is_ok())
        }
        10 if !attachments.is_empty() => {
            let id = dice.pick(&attachments);
            let table = model.transit_gateway_association(id).map(|table| table.id);
            let ended = table.map(|table| model.disassociate_transit_gateway_route_table(table, id).is_ok());
            format!("{id} no longer associated: {ended:?}")
        }
        11 if !vpns.is_empty() && number.is_multiple_of(3) => {
            let id = dice.pick(&vpns);
            format!("{id} deleted: {}", model.delete_vpn_connection(id).is_ok())
        }
        _ => "no link to change".to_owned(),
    }
}
