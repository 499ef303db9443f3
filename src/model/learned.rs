//! What routers learn from each other over VPN connections and Direct Connect, as BGP and static routes would make them know it.
//!
//! | who | learns | from |
//! |---|---|---|
//! | a virtual private gateway | what its VPN connections and private virtual interfaces announce | [`VpnConnection::routes`], [`VirtualInterface::routes`] |
//! | a router on premises | the blocks of the VPC behind the gateway; of a transit gateway what the attachment's route table knows; the public addresses of AWS | the model |
//! | route tables that a gateway propagates to | what the gateway knows | the first line |
//!
//! What BGP said over a VPN connection is withdrawn on both sides while both of its tunnels are down ([`Learned::is_withdrawn`]). Static routes over a link that is down
//! stay, but are not used as long as anything else leads to the block (assumed); so the packet is lost where the link is down. What was learned over a virtual interface
//! that is down vanishes from route tables; gateways and routers on premises treat it as they do static routes (a simplification: a trace then names the link).
//! Preference among equal blocks: static on premises, then Direct Connect, static VPN, BGP VPN, then AS_PATH and MED
//! (docs.aws.amazon.com/vpn/latest/s2svpn/vpn-route-priority.html). Of alike routes the smaller id wins.

use super::*;
use crate::net::Ipv4Net;

/// A block, and over which link it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// The block.
    pub cidr: Ipv4Net,
    /// The link.
    pub over: OnPremisesLink,
    /// How it compares with others.
    pub propagation: Propagation,
    /// Whether the router was told by hand.
    pub is_static: bool,
    /// Whether the link carries packets.
    pub up: bool,
}

impl Learned {
    /// Whether nobody knows the route any more: BGP said it over a VPN connection whose tunnels are both down. Routes told by hand are never withdrawn.
    pub fn is_withdrawn(&self) -> bool {
        !self.up && !self.is_static && self.propagation.learned_over == LearnedOver::VpnBgp
    }

    fn rank(&self) -> impl Ord {
        let Propagation { learned_over, as_path_length, multi_exit_discriminator } = self.propagation;
        (!self.up, !self.is_static, learned_over, as_path_length, multi_exit_discriminator, self.over)
    }
}

impl LearnedRoute {
    /// A block announced without attributes.
    pub fn new(cidr: Ipv4Net) -> Self {
        LearnedRoute { cidr: cidr.trunc(), as_path_length: 0, multi_exit_discriminator: 0 }
    }
}

impl Model {
    /// What a virtual private gateway knows about networks on premises: by block, the best first.
    pub fn learned_by_gateway(&self, gateway: VpnGatewayId) -> Vec<Learned> {
        let mut all = Vec::new();
        for connection in self.live_vpn_connections() {
            if connection.target == VpnTarget::VpnGateway(gateway) {
                all.extend(connection.routes.iter().map(|route| over_vpn(connection, route)));
            }
        }
        for interface in self.virtual_interfaces.values() {
            if interface.kind == VirtualInterfaceKind::Private(gateway) {
                all.extend(interface.routes.iter().map(|route| over_interface(interface, route)));
            }
        }
        sorted(all)
    }

    /// What the router of a network on premises knows about AWS: by block, the best first.
    pub fn learned_on_premises(&self, network: &OnPremisesNetwork) -> Vec<Learned> {
        let mut all = Vec::new();
        for connection in self.live_vpn_connections().filter(|connection| connection.on_premises == network.name) {
            let (target, resource) = (connection.target, TransitGatewayResource::Vpn(connection.id));
            let blocks = match target {
                VpnTarget::VpnGateway(id) => self.blocks_behind_gateway(id),
                VpnTarget::TransitGateway(_) => self.blocks_behind_attachment(&resource),
            };
            all.extend(blocks.into_iter().map(|cidr| over_vpn(connection, &LearnedRoute::new(cidr))));
        }
        for interface in self.virtual_interfaces.values().filter(|other| other.on_premises == network.name) {
            let resource = TransitGatewayResource::DirectConnect(interface.id);
            let blocks = match interface.kind {
                VirtualInterfaceKind::Private(id) => self.blocks_behind_gateway(id),
                VirtualInterfaceKind::Transit(_) => self.blocks_behind_attachment(&resource),
                VirtualInterfaceKind::Public => self.public_blocks(),
            };
            all.extend(blocks.into_iter().map(|cidr| over_interface(interface, &LearnedRoute::new(cidr))));
        }
        all.extend(network.static_routes.iter().filter_map(|(cidr, over)| self.told_by_hand(*cidr, *over)));
        sorted(all)
    }

    /// The routes that virtual private gateways propagate into a table: the best of each block.
    pub fn propagated_routes(&self, table: &RouteTable) -> Vec<Route> {
        let mut routes = Vec::new();
        for id in table.propagating_gateways.iter() {
            let attached =
                self.vpn_gateways.get(id).is_some_and(|gateway| gateway.attached_vpc_id == Some(table.vpc_id));
            if !attached {
                continue;
            }
            let announced =
                |learned: &Learned| learned.up || learned.propagation.learned_over == LearnedOver::VpnStatic;
            let mut learned: Vec<_> = self.learned_by_gateway(*id).into_iter().filter(announced).collect();
            learned.dedup_by_key(|learned| learned.cidr);
            routes.extend(learned.into_iter().map(|learned| Route {
                destination: RouteDestination::Cidr(learned.cidr),
                target: RouteTarget::VpnGateway(*id),
                origin: RouteOrigin::Propagated(learned.propagation),
            }));
        }
        routes
    }

    fn told_by_hand(&self, cidr: Ipv4Net, over: OnPremisesLink) -> Option<Learned> {
        let route = LearnedRoute::new(cidr);
        let learned = match over {
            OnPremisesLink::Vpn(id) => {
                self.vpn_connections.get(&id).filter(|connection| !connection.deleted).map(|it| over_vpn(it, &route))
            }
            OnPremisesLink::VirtualInterface(id) => {
                self.virtual_interfaces.get(&id).map(|interface| over_interface(interface, &route))
            }
        };
        learned.map(|learned| Learned { is_static: true, ..learned })
    }

    /// The blocks of the VPC that a virtual private gateway is attached to.
    fn blocks_behind_gateway(&self, id: VpnGatewayId) -> Vec<Ipv4Net> {
        let vpc = self.vpn_gateways.get(&id).and_then(|gateway| self.vpcs.get(&gateway.attached_vpc_id?));
        vpc.map_or_else(Vec::new, |vpc| vpc.cidr_blocks.iter().map(|block| block.cidr).collect())
    }

    /// What a transit gateway announces to an attachment: the VPCs that propagate to its route table, and that table's static routes.
    fn blocks_behind_attachment(&self, resource: &TransitGatewayResource) -> Vec<Ipv4Net> {
        let live =
            |attachment: &&TransitGatewayAttachment| attachment.state == TransitGatewayAttachmentState::Available;
        let mut attachments = self.transit_gateway_attachments.values().filter(live);
        let Some(own) = attachments.find(|attachment| attachment.resource == *resource) else { return Vec::new() };
        let mut tables = self.transit_gateway_route_tables.values();
        let Some(table) = tables.find(|table| table.associations.contains(&own.id)) else { return Vec::new() };
        let mut blocks: BTreeSet<Ipv4Net> = BTreeSet::new();
        for attachment in table.propagations.iter().filter_map(|id| self.transit_gateway_attachments.get(id)) {
            if let TransitGatewayResource::Vpc { vpc_id, .. } = &attachment.resource
                && let Some(vpc) = self.vpcs.get(vpc_id)
            {
                blocks.extend(vpc.cidr_blocks.iter().map(|block| block.cidr));
            }
        }
        let led_on = |target: &TransitGatewayRouteTarget| *target != TransitGatewayRouteTarget::Attachment(own.id);
        blocks.extend(table.routes.iter().filter(|(_, target)| led_on(target)).map(|(cidr, _)| *cidr));
        blocks.into_iter().collect()
    }

    /// The public addresses of AWS: those of its services, and those behind internet gateways.
    fn public_blocks(&self) -> Vec<Ipv4Net> {
        let services = self.public_services.iter().flat_map(|service| service.cidrs.iter().map(Ipv4Net::trunc));
        let assigned = self.network_interfaces.values().filter_map(|interface| Some(interface.public_address?.address));
        let elastic = self.elastic_addresses.values().map(|address| address.public_ip);
        let single = assigned.chain(elastic).map(|address| Ipv4Net::new_assert(address, 32));
        let blocks: BTreeSet<Ipv4Net> = services.chain(single).collect();
        blocks.into_iter().collect()
    }
}

fn over_vpn(connection: &VpnConnection, route: &LearnedRoute) -> Learned {
    let learned_over = if connection.static_routes_only { LearnedOver::VpnStatic } else { LearnedOver::VpnBgp };
    learned(route, OnPremisesLink::Vpn(connection.id), learned_over, connection.is_up())
}

fn over_interface(interface: &VirtualInterface, route: &LearnedRoute) -> Learned {
    learned(route, OnPremisesLink::VirtualInterface(interface.id), LearnedOver::DirectConnectBgp, interface.up)
}

fn learned(route: &LearnedRoute, over: OnPremisesLink, learned_over: LearnedOver, up: bool) -> Learned {
    let LearnedRoute { cidr, as_path_length, multi_exit_discriminator } = *route;
    let propagation = Propagation { learned_over, as_path_length, multi_exit_discriminator };
    Learned { cidr: cidr.trunc(), over, propagation, is_static: false, up }
}

fn sorted(mut all: Vec<Learned>) -> Vec<Learned> {
    all.sort_by(|a, b| (a.cidr, a.rank()).cmp(&(b.cidr, b.rank())));
    all
}
