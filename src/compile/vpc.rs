//! A VPC: its router with subnets and interfaces, its internet gateway, its gateway endpoints.
//!
//! An interface that is attached to nothing takes no packets and is left out; so is a gateway that is attached to no VPC.

use super::by_vpc::ByVpc;
use super::interface_endpoint::Behind;
use super::security_groups::Members;
use super::{CompileError, Compiler, Draft, LinkKey, edge, immediate, named, nat, small_index, virtual_mac};
use crate::ids::SubnetId;
use crate::model::{InterfaceType, InternetGateway, Model, NatGateway, NetworkInterface, Subnet, Vpc, VpcEndpoint};
use crate::net::MacAddress;
use crate::program::{
    AclIx, EniNode, EniRole, GatewayEndpointNode, HostKind, InternetGatewayNode, LinkIx, Named, Node, NodeIx, NodeKey,
    RouterNode, SubnetBoundary, TableIx, TableKey,
};
use std::collections::BTreeMap;

/// A VPC's subnets with their positions in the router.
pub(super) type Positions<'a> = BTreeMap<SubnetId, (u16, &'a Subnet)>;

/// Whether an interface is a place of its own in the data plane. Those of NAT gateways and transit gateways are part of these.
pub(super) fn has_node(eni: &NetworkInterface) -> bool {
    !matches!(eni.interface_type, InterfaceType::NatGateway | InterfaceType::TransitGateway)
}

impl Compiler {
    /// Compiles everything inside `vpc`.
    ///
    /// # Errors
    /// [`CompileError::TooMany`].
    pub(super) fn compile_vpc(
        &mut self,
        model: &Model,
        vpc: &Vpc,
        by_vpc: &ByVpc<'_>,
        draft: &mut Draft,
    ) -> Result<(), CompileError> {
        let mut subnets = Positions::new();
        for (position, &subnet) in by_vpc.subnets(vpc.id).iter().enumerate() {
            subnets.insert(subnet.id, (small_index("subnets of a VPC", position)?, subnet));
        }
        let router_ix = self.node_ix(&NodeKey::Router(vpc.id));
        let router_mac = virtual_mac(&vpc.id.to_string());
        let (mut interfaces, mut interfaces_by_mac) = (BTreeMap::new(), BTreeMap::new());
        for eni in by_vpc.attached_interfaces(vpc.id).filter(|eni| has_node(eni)) {
            let Some(&(position, subnet)) = subnets.get(&eni.subnet_id) else { continue };
            let place = Place { vpc, subnet, position, router_ix, router_mac };
            let at = self.compile_interface(model, eni, &place, &by_vpc.members, draft)?;
            interfaces.insert(eni.private_ip, at);
            interfaces_by_mac.insert(eni.mac, at);
        }
        let position_of = |gateway: &NatGateway| subnets.get(&gateway.subnet_id).map(|(position, _)| *position);
        self.compile_nat_gateways(model, vpc, position_of, &mut interfaces, draft);
        let boundaries = self.compile_boundaries(model, by_vpc, &subnets)?;
        let zone_links = self.compile_zone_links(model, vpc, &boundaries, draft)?;
        for gateway in model.internet_gateways.values().filter(|g| g.attached_vpc_id == Some(vpc.id)) {
            self.compile_internet_gateway(model, gateway, by_vpc, vpc, router_ix, draft);
        }
        for endpoint in
            model.vpc_endpoints.values().filter(|endpoint| endpoint.vpc_id == vpc.id && endpoint.is_gateway())
        {
            self.compile_gateway_endpoint(model, endpoint, router_ix, draft);
        }
        let router = RouterNode {
            mac: router_mac,
            cidrs: vpc.cidr_blocks.iter().map(|block| block.cidr).collect(),
            subnets: boundaries,
            interfaces,
            interfaces_by_mac,
            zone_links,
            edge_tables: self.compile_edge_tables(model, vpc),
            transit: self.compile_transit_ports(model, vpc, &subnets),
        };
        draft.nodes.insert(router_ix, Node::Router(router));
        Ok(())
    }

    fn compile_boundaries(
        &self,
        model: &Model,
        by_vpc: &ByVpc<'_>,
        subnets: &Positions<'_>,
    ) -> Result<Box<[SubnetBoundary]>, CompileError> {
        let mut boundaries: Vec<_> = subnets.values().collect();
        boundaries.sort_by_key(|(position, _)| *position);
        boundaries
            .into_iter()
            .map(|(_, subnet)| {
                let table = by_vpc.table_of(model, subnet).and_then(|table| self.tables.index(&TableKey::Route(table)));
                let zone = self.zones.index(subnet.availability_zone.as_str()).unwrap_or_default() as usize;
                Ok(SubnetBoundary {
                    table: TableIx(table.unwrap_or_default()),
                    acl: AclIx(self.acls.index(&subnet.network_acl_id).unwrap_or_default()),
                    zone: small_index("availability zones", zone)?,
                    cidr: subnet.cidr,
                    router_address: subnet.router_address(),
                    public_access: edge::public_access(model, subnet),
                })
            })
            .collect()
    }

    /// One link inside each zone the VPC has a subnet in, and one between each of them and every other zone of the VPC and of its peers in the Region.
    fn compile_zone_links(
        &mut self,
        model: &Model,
        vpc: &Vpc,
        boundaries: &[SubnetBoundary],
        draft: &mut Draft,
    ) -> Result<BTreeMap<(u16, u16), LinkIx>, CompileError> {
        let mut zones: Vec<u16> = boundaries.iter().map(|boundary| boundary.zone).collect();
        zones.sort_unstable();
        zones.dedup();
        let mut others = self.zones_of_peers(model, vpc)?;
        others.extend(&zones);
        let names: Vec<String> = self.zones.keys().cloned().collect();
        let mut links = BTreeMap::new();
        for &own in &zones {
            for &other in &others {
                let (a, b) = (own.min(other), own.max(other));
                if links.contains_key(&(a, b)) {
                    continue;
                }
                let (id, class) = if a == b {
                    (names[usize::from(a)].clone(), model.links.same_az)
                } else {
                    (format!("{} - {}", names[usize::from(a)], names[usize::from(b)]), model.links.cross_az)
                };
                let link = LinkIx(self.links.enrol(LinkKey::Zones(vpc.id, a, b), named(id, None)));
                draft.links.insert(link, class);
                links.insert((a, b), link);
            }
        }
        Ok(links)
    }

    fn compile_interface(
        &mut self,
        model: &Model,
        eni: &NetworkInterface,
        place: &Place<'_>,
        members: &Members,
        draft: &mut Draft,
    ) -> Result<NodeIx, CompileError> {
        let (ingress, egress) = self.compile_groups(model, eni, members)?;
        let behind = Behind::of(model, eni);
        let instance = model.instance_of(eni);
        let name = instance.and_then(|instance| instance.tags.name());
        let host_name = behind.host_name.unwrap_or_else(|| Named {
            id: instance.map_or_else(|| eni.id.to_string(), |instance| instance.id.to_string()),
            name: name.map(str::to_owned),
        });
        let platform_name =
            Named { id: format!("platform of {}", eni.id), name: name.map(|name| format!("platform of {name}")) };
        let nic = model.links.nic;
        let host = self.attach(draft, behind.host, host_name, behind.link, eni.mac);
        let platform = self.attach(draft, HostKind::Platform(eni.id), platform_name, immediate(nic), place.router_mac);
        let at = self.node_ix(&NodeKey::Eni(eni.id));
        let role = match behind.role {
            EniRole::Guest => self.compile_forwarder(model, eni, draft),
            role => role,
        };
        draft.nodes.insert(
            at,
            Node::Eni(EniNode {
                host,
                platform,
                router: place.router_ix,
                subnet: place.position,
                private_ip: eni.private_ip,
                mac: eni.mac,
                subnet_cidr: place.subnet.cidr,
                router_address: place.subnet.router_address(),
                resolver_address: place.vpc.resolver_address(),
                resolver_enabled: place.vpc.enable_dns_support,
                source_dest_check: eni.source_dest_check,
                egress,
                ingress,
                role,
                tcp_established_timeout: behind
                    .tcp_established_timeout
                    .or_else(|| edge::tcp_established_timeout(model, eni)),
                udp_timeouts: edge::udp_timeouts(eni),
            }),
        );
        Ok(at)
    }

    fn compile_internet_gateway(
        &mut self,
        model: &Model,
        gateway: &InternetGateway,
        by_vpc: &ByVpc<'_>,
        vpc: &Vpc,
        router: NodeIx,
        draft: &mut Draft,
    ) {
        let key = NodeKey::InternetGateway(gateway.id);
        let (mut to_public, mut to_private) = (BTreeMap::new(), BTreeMap::new());
        for eni in by_vpc.attached_interfaces(vpc.id) {
            if let Some(public) = eni.public_address {
                to_public.insert(eni.private_ip, public.address);
                to_private.insert(public.address, eni.private_ip);
                self.public_addresses.insert(public.address, key.clone());
            }
        }
        for address in nat::available(model, vpc.id).flat_map(|gateway| &gateway.addresses) {
            if let Some(elastic) = address.elastic {
                to_public.insert(address.private_ip, elastic.public_ip);
                to_private.insert(elastic.public_ip, address.private_ip);
                self.public_addresses.insert(elastic.public_ip, key.clone());
            }
        }
        let (at, internet) = (self.node_ix(&key), self.node_ix(&NodeKey::Internet));
        let mac = virtual_mac(&gateway.id.to_string());
        draft
            .nodes
            .insert(at, Node::InternetGateway(InternetGatewayNode { mac, router, internet, to_public, to_private }));
    }

    fn compile_gateway_endpoint(&mut self, model: &Model, endpoint: &VpcEndpoint, router: NodeIx, draft: &mut Draft) {
        // "com.amazonaws.us-east-1.dynamodb": the last label is the service, the one before it the Region.
        let service = endpoint.service_name.rsplit('.').next().unwrap_or_default();
        let name = Named {
            id: format!("{service}.{}", model.region_of(endpoint.vpc_id)),
            name: Some(format!("{service} via {}", endpoint.id)),
        };
        let mac = virtual_mac(&format!("service behind {}", endpoint.id));
        let host = self.attach(draft, HostKind::EndpointService(endpoint.id), name, model.links.aws_service, mac);
        let prefixes = (endpoint.prefix_list_id())
            .and_then(|id| model.prefix_list_in(model.region_of(endpoint.vpc_id), id))
            .map_or_else(Box::default, |list| list.cidrs.as_slice().into());
        let node = GatewayEndpointNode {
            mac: virtual_mac(&endpoint.id.to_string()),
            router,
            host,
            prefixes,
            always_tracked: service == "dynamodb",
        };
        draft.nodes.insert(self.node_ix(&NodeKey::GatewayEndpoint(endpoint.id)), Node::GatewayEndpoint(node));
    }
}

/// Where an interface lies.
struct Place<'a> {
    vpc: &'a Vpc,
    subnet: &'a Subnet,
    /// The subnet's position in the router.
    position: u16,
    router_ix: NodeIx,
    router_mac: MacAddress,
}
