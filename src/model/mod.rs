//! Intent: what the user told AWS to build, as plain data.
//!
//! Purpose: one [`Model`] holds every resource of one account in one Region, and whatever lies outside. Constructors check
//! what AWS checks and answer with AWS's error codes, so that a scenario file and an API call are refused alike.
//! Non-goals: packets, forwarding (see `compile` and `dataplane`), IPv6.
//! Invariants: every id mentioned by a resource exists, except targets of routes, which may be gone (`blackhole`); addresses of
//! a VPC's interfaces are unique; every VPC has a main route table, a default security group and a default network ACL.

mod construct;
mod customer_list;
mod delete;
mod dhcp_options;
mod difference;
mod direct_connect;

pub mod dns_names;
mod edge;
mod endpoint;
mod endpoint_service;
mod error;
mod gateway;
mod interface_endpoint;
mod launch;
mod learned;
mod nat;
mod nat_gateway;
mod network_acl;
mod network_interface;
pub mod nitro;
mod on_premises;
mod outside;
mod peer;
mod peering;
pub mod prefix_list;
mod public_access;
mod quota;
mod region;
mod replace;
mod route_table;
mod rules;
mod security_group;
mod site_to_site;
mod shared;
mod tags;
mod transit;
mod transit_gateway;
mod transit_routes;
mod vpc;
mod vpc_cidr;
mod vpn;

pub use crate::net::{ForwardingSettings, LinkParameters, ServiceKind, TrafficMatch, TtlMode};
pub use construct::{NewSubnet, NewVpc};
pub use customer_list::{NewPrefixList, PrefixListChange};
pub use dhcp_options::{DhcpOptions, DomainNameServers};
pub use direct_connect::NewVirtualInterface;
pub use endpoint::NewVpcEndpoint;
pub use endpoint_service::{EndpointService, VpcEndpointType, endpoint_services, endpoint_services_in};
pub use error::ModelError;
pub use gateway::{InternetGateway, VpcEndpoint, VpcEndpointKind};
pub use interface_endpoint::{DNS_SUFFIX_LENGTH, EndpointDnsName, InterfaceEndpointChange, NewInterfaceEndpoint};
pub use launch::NewInstance;
pub use learned::Learned;
pub use nat::NewNatGateway;
pub use nat_gateway::{NatConnectivity, NatElasticAddress, NatGateway, NatGatewayAddress, NatGatewayState};
pub use network_acl::{NetworkAcl, NetworkAclEntry};
pub use network_interface::{
    AddressHolder, Attachment, ConnectionTracking, ElasticAddress, Forwarding, Instance, InstanceState, InterfaceType,
    NetworkInterface, PublicAddress,
};
pub use on_premises::OnPremisesNetwork;
pub use outside::{Links, OutsideHost, PublicService, UnknownConnection};
pub use peer::NewPeeringConnection;
pub use peering::{PeeringSide, PeeringState, VpcPeeringConnection};
pub use prefix_list::{
    CustomerManaged, PrefixList, PrefixListChangeKind, PrefixListEntry, PrefixListVersion, PrefixLists, Provenance,
};
pub use public_access::{BlockPublicAccess, BlockPublicAccessExclusion, BlockPublicAccessMode, ExcludedResource};
pub use quota::{Quotas, RULES_TIMES_GROUPS_MAX};
pub use route_table::{
    EdgeGateway, LearnedOver, Propagation, Route, RouteDestination, RouteOrigin, RouteState, RouteTable, RouteTarget,
};
pub use security_group::{RulePeer, SecurityGroup, SecurityGroupRule};
pub use shared::Shared;
pub use site_to_site::NewVpnConnection;
pub use tags::Tags;
pub use transit::{NewTransitGateway, NewTransitGatewayPeering, NewVpcAttachment};
pub use transit_gateway::{
    TransitGateway, TransitGatewayAttachment, TransitGatewayAttachmentState, TransitGatewayResource,
    TransitGatewayRouteTable, TransitGatewayRouteTarget,
};
pub use transit_routes::{TransitGatewayRoute, TransitGatewayRouteRank};
pub use vpc::{Subnet, Vpc, VpcCidrBlock};
pub use vpn::{
    CustomerGateway, LearnedRoute, OnPremisesLink, VirtualInterface, VirtualInterfaceKind, VpnConnection, VpnGateway,
    VpnTarget,
};

use crate::ids::*;
use crate::rng::Seed;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Everything one account has in one Region, and the world around it.
#[derive(Clone, Debug)]
pub struct Model {
    /// `us-east-1`.
    pub region: String,
    /// Twelve digits.
    pub account_id: String,
    /// Where ids come from.
    pub seed: Seed,
    /// How long minted ids are.
    pub id_length: IdLength,
    /// How many ids were minted without a name, so that the next differs.
    pub minted_count: u64,
    /// AWS's quotas.
    pub quotas: Quotas,
    /// VPCs.
    pub vpcs: Shared<BTreeMap<VpcId, Vpc>>,
    /// Subnets.
    pub subnets: Shared<BTreeMap<SubnetId, Subnet>>,
    /// Route tables.
    pub route_tables: Shared<BTreeMap<RouteTableId, RouteTable>>,
    /// Internet gateways.
    pub internet_gateways: Shared<BTreeMap<InternetGatewayId, InternetGateway>>,
    /// Security groups.
    pub security_groups: Shared<BTreeMap<SecurityGroupId, SecurityGroup>>,
    /// Network ACLs.
    pub network_acls: Shared<BTreeMap<NetworkAclId, NetworkAcl>>,
    /// Network interfaces.
    pub network_interfaces: Shared<BTreeMap<EniId, NetworkInterface>>,
    /// Instances, terminated ones included.
    pub instances: Shared<BTreeMap<InstanceId, Instance>>,
    /// Elastic IP addresses.
    pub elastic_addresses: Shared<BTreeMap<AllocationId, ElasticAddress>>,
    /// Gateway and interface endpoints.
    pub vpc_endpoints: Shared<BTreeMap<VpcEndpointId, VpcEndpoint>>,
    /// NAT gateways, deleted ones included.
    pub nat_gateways: Shared<BTreeMap<NatGatewayId, NatGateway>>,
    /// VPC peering connections, deleted ones included.
    pub peering_connections: Shared<BTreeMap<VpcPeeringConnectionId, VpcPeeringConnection>>,
    /// Transit gateways.
    pub transit_gateways: Shared<BTreeMap<TransitGatewayId, TransitGateway>>,
    /// What is attached to transit gateways, deleted attachments included.
    pub transit_gateway_attachments: Shared<BTreeMap<TransitGatewayAttachmentId, TransitGatewayAttachment>>,
    /// Route tables of transit gateways.
    pub transit_gateway_route_tables: Shared<BTreeMap<TransitGatewayRouteTableId, TransitGatewayRouteTable>>,
    /// Virtual private gateways.
    pub vpn_gateways: Shared<BTreeMap<VpnGatewayId, VpnGateway>>,
    /// Customer gateways.
    pub customer_gateways: Shared<BTreeMap<CustomerGatewayId, CustomerGateway>>,
    /// Site-to-Site VPN connections, deleted ones included.
    pub vpn_connections: Shared<BTreeMap<VpnConnectionId, VpnConnection>>,
    /// Virtual interfaces of Direct Connect.
    pub virtual_interfaces: Shared<BTreeMap<VirtualInterfaceId, VirtualInterface>>,
    /// DHCP option sets.
    pub dhcp_options: Shared<BTreeMap<DhcpOptionsId, DhcpOptions>>,
    /// VPC Block Public Access.
    pub block_public_access: BlockPublicAccess,
    /// Networks on premises, by name.
    pub on_premises: Shared<BTreeMap<String, OnPremisesNetwork>>,
    /// Prefix lists of every Region.
    pub prefix_lists: Shared<PrefixLists>,
    /// Zones where interface endpoints of a service (`dynamodb`) can be, where that is not every zone.
    pub service_zones: BTreeMap<String, BTreeSet<String>>,
    /// Names of DynamoDB tables.
    pub dynamodb_tables: Shared<BTreeSet<String>>,
    /// Public sides of AWS services.
    pub public_services: Shared<Vec<PublicService>>,
    /// Hosts on the internet, by name.
    pub outside_hosts: Shared<BTreeMap<String, OutsideHost>>,
    /// Public addresses ever assigned, so that none comes back.
    pub public_addresses_used: Shared<BTreeSet<Ipv4Addr>>,
    /// Ids of what was deleted, so that nothing new gets one.
    pub retired_ids: Shared<BTreeSet<String>>,
    /// Link classes.
    pub links: Links,
    /// How the data plane behaves where there is a choice.
    pub forwarding: ForwardingSettings,
    /// What an access point does with segments of connections it does not know.
    pub unknown_connection: UnknownConnection,
    /// Seconds a DNS answer of a service name may be cached.
    pub dns_ttl_seconds: u32,
    /// Names of services that answer NOERROR without addresses for the time being; `*.PARENT` is every name under it.
    pub dns_failures: BTreeSet<String>,
}

impl Model {
    /// An empty account in `region`, with AWS's prefix lists.
    pub fn new(region: &str, account_id: &str, seed: Seed) -> Self {
        Model {
            region: region.to_owned(),
            account_id: account_id.to_owned(),
            seed,
            id_length: IdLength::Short,
            minted_count: 0,
            quotas: Quotas::default(),
            vpcs: Shared::default(),
            subnets: Shared::default(),
            route_tables: Shared::default(),
            internet_gateways: Shared::default(),
            security_groups: Shared::default(),
            network_acls: Shared::default(),
            network_interfaces: Shared::default(),
            instances: Shared::default(),
            elastic_addresses: Shared::default(),
            vpc_endpoints: Shared::default(),
            nat_gateways: Shared::default(),
            peering_connections: Shared::default(),
            transit_gateways: Shared::default(),
            transit_gateway_attachments: Shared::default(),
            transit_gateway_route_tables: Shared::default(),
            vpn_gateways: Shared::default(),
            customer_gateways: Shared::default(),
            vpn_connections: Shared::default(),
            virtual_interfaces: Shared::default(),
            dhcp_options: Shared::default(),
            block_public_access: BlockPublicAccess::default(),
            on_premises: Shared::default(),
            prefix_lists: prefix_list::aws_managed().into(),
            dynamodb_tables: Shared::default(),
            public_services: Shared::default(),
            outside_hosts: Shared::default(),
            public_addresses_used: Shared::default(),
            retired_ids: Shared::default(),
            service_zones: BTreeMap::new(),
            links: Links::default(),
            forwarding: ForwardingSettings::default(),
            unknown_connection: UnknownConnection::default(),
            dns_ttl_seconds: 5,
            dns_failures: BTreeSet::new(),
        }
    }

    /// A label no other unnamed resource has: the seed of the next unnamed id.
    pub fn next_label(&mut self) -> String {
        self.minted_count += 1;
        format!("unnamed {}", self.minted_count)
    }

    /// The table that routes for `subnet`: its own, else the VPC's main one.
    pub fn effective_route_table(&self, subnet: &Subnet) -> Option<&RouteTable> {
        let own = self.route_tables.values().find(|table| table.associations.contains_key(&subnet.id));
        own.or_else(|| self.route_tables.get(&self.vpcs.get(&subnet.vpc_id)?.main_route_table_id))
    }

    /// Whether the route's target takes packets.
    pub fn route_state(&self, table: &RouteTable, route: &Route) -> RouteState {
        let active = match route.target {
            RouteTarget::Local => true,
            RouteTarget::InternetGateway(id) => {
                self.internet_gateways.get(&id).is_some_and(|gateway| gateway.attached_vpc_id == Some(table.vpc_id))
            }
            RouteTarget::GatewayEndpoint(id) => self.vpc_endpoints.contains_key(&id),
            RouteTarget::NetworkInterface(id) => {
                self.network_interfaces.get(&id).is_some_and(|interface| interface.attachment.is_some())
            }
            RouteTarget::NatGateway(id) => self
                .nat_gateways
                .get(&id)
                .is_some_and(|gateway| gateway.state == NatGatewayState::Available && gateway.vpc_id == table.vpc_id),
            RouteTarget::PeeringConnection(id) => self.peering_connections.get(&id).is_some_and(|connection| {
                connection.state == PeeringState::Active && connection.other_side(table.vpc_id).is_some()
            }),
            RouteTarget::TransitGateway(id) => self.transit_attachment_of_vpc(id, table.vpc_id).is_some(),
            RouteTarget::VpnGateway(id) => {
                self.vpn_gateways.get(&id).is_some_and(|gateway| gateway.attached_vpc_id == Some(table.vpc_id))
            }
        };
        if active { RouteState::Active } else { RouteState::Blackhole }
    }

    /// The blocks a route's destination stands for in a table of `vpc_id`; none for a list that the VPC's Region does not have.
    pub fn destination_cidrs(&self, vpc_id: VpcId, destination: RouteDestination) -> Vec<crate::net::Ipv4Net> {
        match destination {
            RouteDestination::Cidr(cidr) => vec![cidr],
            RouteDestination::PrefixList(id) => {
                self.prefix_list_in(self.region_of(vpc_id), id).map_or_else(Vec::new, |list| list.cidrs.clone())
            }
        }
    }

    /// The attachment by which a VPC uses a transit gateway, if it carries packets.
    pub fn transit_attachment_of_vpc(&self, id: TransitGatewayId, vpc_id: VpcId) -> Option<&TransitGatewayAttachment> {
        self.transit_gateway_attachments.values().find(|attachment| {
            attachment.transit_gateway_id == id
                && attachment.state == TransitGatewayAttachmentState::Available
                && matches!(&attachment.resource, TransitGatewayResource::Vpc { vpc_id: other, .. } if *other == vpc_id)
        })
    }

    /// The Region a VPC is in; the model's own for a VPC that is not there.
    pub fn region_of(&self, vpc_id: VpcId) -> &str {
        self.vpcs.get(&vpc_id).map_or(&self.region, |vpc| &vpc.region)
    }

    /// The prefix list of a Region with `id`.
    pub fn prefix_list_in(&self, region: &str, id: PrefixListId) -> Option<&PrefixList> {
        self.prefix_lists.get(&(region.to_owned(), id))
    }

    /// The prefix list of this Region with `id`.
    pub fn prefix_list(&self, id: PrefixListId) -> Option<&PrefixList> {
        self.prefix_lists.get(&(self.region.clone(), id))
    }

    /// The prefix list of this Region called `name`.
    pub fn prefix_list_named(&self, name: &str) -> Option<&PrefixList> {
        self.prefix_list_named_in(&self.region, name)
    }

    /// The prefix list of a Region called `name`.
    pub fn prefix_list_named_in(&self, region: &str, name: &str) -> Option<&PrefixList> {
        self.prefix_lists.values().find(|list| list.region == region && list.name == name)
    }

    /// The interface in `vpc_id` whose private address is `address`; for a secondary address of a NAT gateway, that gateway's.
    pub fn interface_at(&self, vpc_id: VpcId, address: Ipv4Addr) -> Option<&NetworkInterface> {
        let primary = self.network_interfaces.values().find(|eni| eni.vpc_id == vpc_id && eni.private_ip == address);
        primary.or_else(|| {
            let holds = |gateway: &&NatGateway| {
                gateway.vpc_id == vpc_id
                    && gateway.interface_id.is_some()
                    && gateway.addresses.iter().any(|held| held.private_ip == address)
            };
            self.network_interfaces.get(&self.nat_gateways.values().find(holds)?.interface_id?)
        })
    }

    /// The instance an interface is attached to.
    pub fn instance_of(&self, interface: &NetworkInterface) -> Option<&Instance> {
        self.instances.get(&interface.attachment?.instance_id?)
    }
}
