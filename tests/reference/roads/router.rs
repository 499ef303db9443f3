//! A VPC's implicit router: network ACLs at the boundaries of subnets, route tables between them.
//!
//! Sources: RouteTables.html, nacl-basics.html (only what crosses a boundary), gateway-route-tables.html, vpc-nat-gateway.html (the ACL and table of its
//! subnet), docs.aws.amazon.com/AWSEC2/latest/UserGuide/network_mtu.html.

use super::transit::Attached;
use super::{Entered, From, Place};
use crate::reference::routes::{self, Chosen, inside};
use crate::reference::rules::{self, Side};
use crate::reference::world::{Next, Stage, Stop, Stretch, Visit, drop, router_address};
use std::net::Ipv4Addr;
use vpcsim::ids::{RouteTableId, SubnetId, TransitGatewayId, VpcId};
use vpcsim::model::{EdgeGateway, InterfaceType, NatGatewayState, NetworkInterface, RouteTarget};
use vpcsim::net::TtlMode;

/// Where a packet is, seen from the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// In a subnet.
    Subnet(SubnetId),
    /// It is the router's own, spoken in a subnet.
    Itself(SubnetId),
    /// In none.
    Outside,
}

/// Whether an interface is no place of its own, but a part of a gateway.
pub fn is_part_of_a_gateway(eni: &NetworkInterface) -> bool {
    matches!(eni.interface_type, InterfaceType::NatGateway | InterfaceType::TransitGateway)
}

impl Visit<'_, '_> {
    pub fn router(&mut self, vpc: VpcId, from: &From) -> Stage<Next> {
        if !self.model().vpcs.contains_key(&vpc) {
            return drop("ResourceGone");
        }
        self.walk.through = match from {
            From::Transit(gateway) => Some(*gateway),
            _ => None,
        };
        match from {
            From::Interface(eni) => self.walk.entered = Some(Entered::Interface(*eni)),
            From::NatGateway(nat) => self.walk.entered = Some(Entered::NatGateway(*nat)),
            _ => {}
        }
        // The VPC's router does not lower the time to live, unless it is told to behave like others.
        if self.model().forwarding.ttl == TtlMode::Rfc1812 && !matches!(from, From::Itself(_)) {
            let (address, place) = self.speaker(vpc);
            self.lower_time_to_live(address, place)?;
        }
        match from {
            From::Interface(eni) => {
                let subnet = self.model().network_interfaces[eni].subnet_id;
                self.enter(vpc, subnet)
            }
            From::NatGateway(nat) => {
                let subnet = self.model().nat_gateways[nat].subnet_id;
                self.enter(vpc, subnet)
            }
            From::Edge(gateway) => self.from_edge(vpc, *gateway),
            From::Endpoint(_) | From::Peering(_) => self.reach_address(vpc, Origin::Outside),
            From::Transit(gateway) => {
                let subnet = self.enter_by_port(vpc, *gateway)?;
                self.enter(vpc, subnet)
            }
            From::Itself(subnet) => {
                if self.is_in_vpc(vpc, self.packet().destination) {
                    return self.reach_address(vpc, Origin::Itself(*subnet));
                }
                self.by_table(vpc, *subnet, Origin::Itself(*subnet))
            }
            _ => drop("ResourceGone"),
        }
    }

    fn enter(&mut self, vpc: VpcId, subnet: SubnetId) -> Stage<Next> {
        self.walk.zone = Some(self.zone_of(subnet));
        self.by_table(vpc, subnet, Origin::Subnet(subnet))
    }

    pub fn zone_of(&self, subnet: SubnetId) -> String {
        self.model().subnets[&subnet].availability_zone.clone()
    }

    pub fn is_in_vpc(&self, vpc: VpcId, address: Ipv4Addr) -> bool {
        self.model().vpcs[&vpc].cidr_blocks.iter().any(|block| inside(address, block.cidr))
    }

    /// As which subnet's router errors are said: the one that the packet came from; of what comes from outside the first one (assumed with vpcsim).
    fn speaker(&self, vpc: VpcId) -> (Ipv4Addr, Place) {
        let model = self.model();
        let entered = match self.walk.entered {
            Some(Entered::Interface(eni)) => {
                model.network_interfaces.get(&eni).filter(|eni| eni.vpc_id == vpc).map(|eni| eni.subnet_id)
            }
            Some(Entered::NatGateway(nat)) => {
                model.nat_gateways.get(&nat).filter(|nat| nat.vpc_id == vpc).map(|nat| nat.subnet_id)
            }
            Some(Entered::Transit(_)) | None => None,
        };
        let first = || model.subnets.values().find(|subnet| subnet.vpc_id == vpc).map(|subnet| subnet.id);
        let subnet = entered.or_else(first).expect("packets come to VPCs with subnets only");
        (router_address(model, subnet), Place::Router(vpc, Box::new(From::Itself(subnet))))
    }

    /// A stretch whose MTU the router tells.
    fn told(&self, vpc: VpcId, mtu_bytes: u16) -> Stretch {
        Stretch { mtu_bytes: mtu_bytes.into(), speaker: Some(self.speaker(vpc)), splits: true }
    }

    /// The route that decides in a subnet.
    pub fn route_of_subnet(&self, subnet: SubnetId) -> Stage<Option<Chosen>> {
        self.route_of(routes::table_of(self.model(), subnet).id)
    }

    fn route_of(&self, table: RouteTableId) -> Stage<Option<Chosen>> {
        let model = self.model();
        let table = &model.route_tables[&table];
        match routes::choose(model, table, self.packet().destination) {
            Err(tie) => match self.world.settled.get(&tie) {
                Some(target) => {
                    let active = routes::is_active(model, table, *target);
                    Ok(Some(Chosen { prefix: tie.prefix, target: *target, active }))
                }
                None => Err(Stop::Tie(tie)),
            },
            Ok(known) => Ok(known),
        }
    }

    fn by_table(&mut self, vpc: VpcId, subnet: SubnetId, origin: Origin) -> Stage<Next> {
        let table = routes::table_of(self.model(), subnet).id;
        let chosen = self.route_of(table)?;
        // ACLs stand at the subnet's boundary, not within: they are asked unless the packet stays in the subnet.
        if origin == Origin::Subnet(subnet) && !self.stays_in(subnet, chosen) {
            self.ask_network_acl(subnet, Side::Out)?;
        }
        self.say_route(table, chosen);
        match chosen {
            Some(chosen) => self.to_target(vpc, chosen, origin),
            None => drop("NoRoute"),
        }
    }

    pub fn say_route(&mut self, table: RouteTableId, chosen: Option<Chosen>) {
        self.say(match chosen {
            Some(chosen) => format!("{table} {} -> {}", chosen.prefix, chosen.target),
            None => format!("{table} no route"),
        });
    }

    fn stays_in(&self, subnet: SubnetId, chosen: Option<Chosen>) -> bool {
        let model = self.model();
        match chosen {
            Some(Chosen { target: RouteTarget::Local, .. }) => {
                inside(self.packet().destination, model.subnets[&subnet].cidr)
            }
            Some(Chosen { target: RouteTarget::NetworkInterface(id), active: true, .. }) => {
                model.network_interfaces[&id].subnet_id == subnet
            }
            Some(Chosen { target: RouteTarget::NatGateway(id), active: true, .. }) => {
                model.nat_gateways[&id].subnet_id == subnet
            }
            // To a transit gateway both sides of the ACL are asked, even where its interface lies in the sender's own subnet (tgw-nacls.html).
            _ => false,
        }
    }

    fn ask_network_acl(&mut self, subnet: SubnetId, side: Side) -> Stage<()> {
        let (acl, number, allowed) = rules::ask_network_acl(self.model(), subnet, side, self.packet());
        let number = number.map_or("*".to_owned(), |number| number.to_string());
        self.say(format!("{acl} {} {number}", side.word()));
        match side {
            _ if allowed => Ok(()),
            Side::Out => drop("NetworkAclEgress"),
            Side::In => drop("NetworkAclIngress"),
        }
    }

    fn to_target(&mut self, vpc: VpcId, chosen: Chosen, origin: Origin) -> Stage<Next> {
        if !chosen.active {
            return drop("BlackholeRoute");
        }
        let settings = self.model().forwarding;
        match chosen.target {
            RouteTarget::Local => self.reach_address(vpc, origin),
            RouteTarget::NetworkInterface(id) => {
                let subnet = self.model().network_interfaces[&id].subnet_id;
                self.into_subnet(vpc, subnet, origin, |from| Place::EnterInterface(id, from))
            }
            RouteTarget::NatGateway(id) => {
                let subnet = self.model().nat_gateways[&id].subnet_id;
                self.into_subnet(vpc, subnet, origin, |_| Place::NatGateway(id))
            }
            RouteTarget::InternetGateway(id) => {
                let stretch = self.told(vpc, settings.internet_gateway_mtu_bytes);
                self.across(&stretch, Place::LeaveGateway(id))
            }
            RouteTarget::GatewayEndpoint(id) => {
                // Bigger packets are dropped without a word and never split (vpc-limits-endpoints.html; assumed for this kind too).
                let mtu_bytes = settings.gateway_endpoint_mtu_bytes.into();
                self.across(&Stretch { mtu_bytes, speaker: None, splits: false }, Place::EnterEndpoint(id))
            }
            RouteTarget::PeeringConnection(id) => {
                let stretch = self.told(vpc, settings.vpc_mtu_bytes);
                self.to_peering(id, vpc, stretch)
            }
            RouteTarget::TransitGateway(id) => self.to_transit_gateway(vpc, id, origin),
            RouteTarget::VpnGateway(id) => {
                let stretch = self.told(vpc, settings.vpc_mtu_bytes);
                self.across(&stretch, Place::LeaveVpnGateway(id))
            }
        }
    }

    /// By the transit gateway's interface in the packet's zone, whose subnet has an ACL (tgw-nacls.html); other zones cannot send to it.
    fn to_transit_gateway(&mut self, vpc: VpcId, gateway: TransitGatewayId, origin: Origin) -> Stage<Next> {
        let (Origin::Subnet(subnet) | Origin::Itself(subnet)) = origin else { return drop("ResourceGone") };
        let Some(port) = self.port_in_zone_of(vpc, gateway, subnet) else { return drop("TransitZone") };
        if origin == Origin::Subnet(subnet) {
            self.ask_network_acl(port, Side::In)?;
        }
        let stretch = self.told(vpc, self.model().forwarding.transit_gateway_mtu_bytes);
        self.across(&stretch, Place::Transit(gateway, Attached::Vpc(vpc)))
    }

    /// What comes in by a gateway: by its own table if it has one, else to whoever has the address.
    fn from_edge(&mut self, vpc: VpcId, gateway: EdgeGateway) -> Stage<Next> {
        let Some(table) = routes::edge_table(self.model(), gateway).map(|table| table.id) else {
            return self.reach_address(vpc, Origin::Outside);
        };
        let chosen = self.route_of(table)?;
        self.say_route(table, chosen);
        let Some(chosen) = chosen else { return drop("NoRoute") };
        // The appliance needs a public address of its own (INGRESS_RTB_NO_PUBLIC_IP).
        if let (EdgeGateway::InternetGateway(_), Chosen { target: RouteTarget::NetworkInterface(id), active: true, .. }) =
            (gateway, chosen)
            && self.model().network_interfaces[&id].public_address.is_none()
        {
            return drop("GatewayTableNoPublicAddress");
        }
        self.to_target(vpc, chosen, Origin::Outside)
    }

    /// Delivery inside the VPC to whoever has the destination address: an interface, or a NAT gateway.
    fn reach_address(&mut self, vpc: VpcId, origin: Origin) -> Stage<Next> {
        let (model, address) = (self.model(), self.packet().destination);
        let nat = model.nat_gateways.values().find(|nat| {
            let has = nat.addresses.iter().any(|own| own.private_ip == address);
            nat.vpc_id == vpc && nat.state == NatGatewayState::Available && has
        });
        if let Some((id, subnet)) = nat.map(|nat| (nat.id, nat.subnet_id)) {
            return self.into_subnet(vpc, subnet, origin, |_| Place::NatGateway(id));
        }
        let owner = model.network_interfaces.values().find(|eni| {
            eni.vpc_id == vpc && eni.private_ip == address && eni.attachment.is_some() && !is_part_of_a_gateway(eni)
        });
        match owner.map(|owner| (owner.id, owner.subnet_id)) {
            Some((id, subnet)) => self.into_subnet(vpc, subnet, origin, |from| Place::EnterInterface(id, from)),
            None => drop("NoInterfaceAtAddress"),
        }
    }

    /// Whether an interface or NAT gateway of the VPC has the address.
    pub fn has_interface_at(&self, vpc: VpcId, address: Ipv4Addr) -> bool {
        let model = self.model();
        let nat = model.nat_gateways.values().any(|nat| {
            let has = nat.addresses.iter().any(|own| own.private_ip == address);
            nat.vpc_id == vpc && nat.state == NatGatewayState::Available && has
        });
        let mut interfaces = model.network_interfaces.values().filter(|eni| !is_part_of_a_gateway(eni));
        nat || interfaces.any(|eni| eni.vpc_id == vpc && eni.private_ip == address && eni.attachment.is_some())
    }

    fn into_subnet(
        &mut self,
        vpc: VpcId,
        subnet: SubnetId,
        origin: Origin,
        place: impl FnOnce(Box<From>) -> Place,
    ) -> Stage<Next> {
        // Only resources in zones with an interface of the transit gateway are reached through it.
        if let Some(gateway) = self.walk.through
            && self.port_in_zone_of(vpc, gateway, subnet).is_none()
        {
            return drop("TransitAttachmentZone");
        }
        let from = match origin {
            Origin::Subnet(own) if own == subnet => From::Router,
            // The router's addresses are exempt.
            Origin::Itself(own) => From::Itself(own),
            Origin::Subnet(_) | Origin::Outside => {
                self.ask_network_acl(subnet, Side::In)?;
                From::Router
            }
        };
        let stretch = self.told(vpc, self.model().forwarding.vpc_mtu_bytes);
        self.walk.zone = Some(self.zone_of(subnet));
        self.across(&stretch, place(Box::new(from)))
    }
}
