//! What a careful colleague would remark about a network before any packet travels.
//!
//! Purpose: [`lints`] looks at one state of an account; [`timeline`] looks at every state that a scenario's timeline passes through and says
//! at which step each remark begins and ends. A lint has a place, a reason and a mend; a mend made of `aws` lines removes its lint, and a test
//! applies every one. Non-goals: packets (`explain::trace` follows one), mistakes that a scenario's reader or AWS refuses anyway.
//! Invariants: roads are read from the compiled forwarding tables, so that a lint and a packet cannot disagree; pure; same scenario, same lints
//! in the same order.

mod endpoints;
mod joined;
mod mend;
mod quotas;
mod roads;
mod routes;
mod security;
#[cfg(test)]
mod tests;
pub mod timeline;
mod translation;
mod unused;

pub use endpoints::without_route_table;
pub use mend::{Mend, MendError, apply};
pub use roads::Callers;

use crate::ids::{SubnetId, VpcId};
use crate::model::{Instance, InstanceState, Model, NetworkInterface, PublicService, RouteTable, ServiceKind, Subnet};
use crate::program::Program;
use crate::scenario::Names;
use std::fmt;
use std::net::Ipv4Addr;

/// What can be remarked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the table below says what each means")]
pub enum Rule {
    EndpointWithoutRouteTable,
    EndpointMissesTable,
    OverlappingLists,
    RouteBypassesEndpoint,
    RouteNeverWins,
    BlackholeRoute,
    QuotaNearlyUsed,
    SecurityGroupBlocksService,
    AclBlocksRequest,
    AclBlocksAnswer,
    NoRoadToDynamoDb,
    NoPublicAddress,
    UnusedSecurityGroup,
    UnusedRouteTable,
    DnsSupportOff,
    NatCarriesService,
    NatWithoutInternet,
    EndpointOfAnotherVpc,
    NoReturnRoute,
    TransitWithoutAssociation,
    TransitMissesZone,
    VpnGatewayWithoutRoute,
    InventedPrefixListId,
    CommandWithoutEffect,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Rule; 24] = [
        Rule::EndpointWithoutRouteTable,
        Rule::EndpointMissesTable,
        Rule::OverlappingLists,
        Rule::RouteBypassesEndpoint,
        Rule::RouteNeverWins,
        Rule::BlackholeRoute,
        Rule::QuotaNearlyUsed,
        Rule::SecurityGroupBlocksService,
        Rule::AclBlocksRequest,
        Rule::AclBlocksAnswer,
        Rule::NoRoadToDynamoDb,
        Rule::NoPublicAddress,
        Rule::UnusedSecurityGroup,
        Rule::UnusedRouteTable,
        Rule::DnsSupportOff,
        Rule::NatCarriesService,
        Rule::NatWithoutInternet,
        Rule::EndpointOfAnotherVpc,
        Rule::NoReturnRoute,
        Rule::TransitWithoutAssociation,
        Rule::TransitMissesZone,
        Rule::VpnGatewayWithoutRoute,
        Rule::InventedPrefixListId,
        Rule::CommandWithoutEffect,
    ];

    /// Its name, and why it matters.
    const fn facts(self) -> (&'static str, &'static str) {
        match self {
            Rule::EndpointWithoutRouteTable => (
                "endpoint-without-route-table",
                "a gateway endpoint works by routes: without a table it is available, costs nothing and carries nothing",
            ),
            Rule::EndpointMissesTable => (
                "endpoint-misses-table",
                "instances of subnets whose table lacks the endpoint's route take another road, or have none",
            ),
            Rule::OverlappingLists => (
                "overlapping-lists",
                "where two prefix lists hold the same block, AWS promises nothing about which of the two routes is taken",
            ),
            Rule::RouteBypassesEndpoint => (
                "route-bypasses-endpoint",
                "a longer prefix wins, and of two equal ones the route with a block beats the one with a list: \
                 packets to these addresses leave the endpoint's road",
            ),
            Rule::RouteNeverWins => {
                ("route-never-wins", "for every address it matches, another route has a longer prefix or a higher rank")
            }
            Rule::BlackholeRoute => {
                ("blackhole-route", "its target is gone; it still wins for its prefix, and what it wins is dropped")
            }
            Rule::QuotaNearlyUsed => (
                "quota-nearly-used",
                "beyond the quota AWS refuses; a prefix list counts as its weight or its largest size, not as one",
            ),
            Rule::SecurityGroupBlocksService => (
                "security-group-blocks-service",
                "packets to the service go to its public addresses, by the endpoint too: an outbound rule has to allow them",
            ),
            Rule::AclBlocksRequest => (
                "acl-blocks-request",
                "an endpoint does not change addresses: the subnet's ACL sees the service's public ones, and knows no prefix lists",
            ),
            Rule::AclBlocksAnswer => (
                "acl-blocks-answer",
                "ACLs remember nothing: the answer comes back to an ephemeral port (Linux: 32768-60999) and needs a rule of its own",
            ),
            Rule::NoRoadToDynamoDb => (
                "no-road-to-dynamodb",
                "DynamoDB has public addresses only: without a route for them its calls time out",
            ),
            Rule::NoPublicAddress => (
                "no-public-address",
                "an internet gateway only translates: it drops what comes from an interface without a public address",
            ),
            Rule::UnusedSecurityGroup => {
                ("unused-security-group", "rules that nothing uses mislead whoever reads them")
            }
            Rule::UnusedRouteTable => ("unused-route-table", "it routes for no subnet, whatever its routes say"),
            Rule::DnsSupportOff => (
                "dns-support-off",
                "without enableDnsSupport the VPC's resolver is silent, so nobody finds the service's addresses",
            ),
            Rule::NatCarriesService => (
                "nat-carries-service",
                "a NAT gateway is paid by the gigabyte; a gateway endpoint for DynamoDB or S3 costs nothing and is a shorter way",
            ),
            Rule::NatWithoutInternet => (
                "nat-without-internet",
                "a public NAT gateway sends by its own subnet's route table: without an internet gateway there, nothing gets out",
            ),
            Rule::EndpointOfAnotherVpc => (
                "endpoint-of-another-vpc",
                "a gateway endpoint serves its own VPC only: not by peering, transit gateway, VPN or Direct Connect",
            ),
            Rule::NoReturnRoute => (
                "no-return-route",
                "both ends need a route: without one for the answers, requests arrive and every connection times out",
            ),
            Rule::TransitWithoutAssociation => (
                "transit-without-association",
                "the table that an attachment is associated with says where its packets go: without one they are dropped",
            ),
            Rule::TransitMissesZone => (
                "transit-misses-zone",
                "a transit gateway takes packets from, and brings them to, only the zones in which its attachment has a subnet",
            ),
            Rule::VpnGatewayWithoutRoute => (
                "vpn-gateway-without-route",
                "what the gateway learns from on premises is in no table until that propagates its routes, or has one of its own",
            ),
            Rule::InventedPrefixListId => (
                "invented-prefix-list-id",
                "no public source shows this list's id: vpcsim made one up, and in a real account it is another",
            ),
            Rule::CommandWithoutEffect => (
                "command-without-effect",
                "in the state that the steps before it leave, the command fails: what comes after meets the network unchanged",
            ),
        }
    }

    /// Its name: `endpoint-without-route-table`.
    pub const fn name(self) -> &'static str {
        self.facts().0
    }

    /// Why it matters, one sentence.
    pub const fn why(self) -> &'static str {
        self.facts().1
    }

    /// Whether it only counts if it holds for as long as its subject exists: something is made before it is used.
    pub const fn needs_to_last(self) -> bool {
        matches!(self, Rule::UnusedSecurityGroup | Rule::UnusedRouteTable)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One remark about one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// Which rule.
    pub rule: Rule,
    /// The resource it is about, by id.
    pub subject: String,
    /// What tells two lints of one rule and subject apart: a route's destination, another resource; else empty.
    pub detail: String,
    /// Where to look in the scenario: ids of resources, the best first.
    pub places: Vec<String>,
    /// What was found, one sentence without a full stop.
    pub text: String,
    /// What to do.
    pub mend: Mend,
}

impl Lint {
    /// What makes it the same lint in another state.
    pub fn key(&self) -> (Rule, &str, &str) {
        (self.rule, &self.subject, &self.detail)
    }
}

/// One state of an account, as rules look at it.
#[derive(Clone, Copy, Debug)]
pub struct Network<'a> {
    /// The resources.
    pub model: &'a Model,
    /// The same, compiled: the forwarding tables.
    pub program: &'a Program,
    /// What the scenario calls them.
    pub names: &'a Names,
    /// Who calls DynamoDB and S3.
    pub callers: &'a Callers,
}

/// Everything to remark about one state, in the order of [`Rule::ALL`], then by subject.
pub fn lints(network: &Network<'_>) -> Vec<Lint> {
    let mut found = endpoints::without_route_table(network.model, network.names);
    for rule in [
        endpoints::missing_tables,
        endpoints::dns_support_off,
        endpoints::invented_ids,
        routes::overlapping_lists,
        routes::bypasses,
        routes::never_wins,
        routes::blackholes,
        quotas::nearly_used,
        security::groups,
        security::acls,
        roads::to_dynamodb,
        roads::public_addresses,
        translation::services,
        translation::nat_without_internet,
        joined::return_routes,
        joined::transit_associations,
        joined::transit_zones,
        joined::vpn_routes,
        unused::security_groups,
        unused::route_tables,
    ] {
        found.extend(rule(network));
    }
    found.sort_by(|a, b| a.key().cmp(&b.key()));
    found.dedup_by(|a, b| a.key() == b.key());
    found
}

impl<'a> Network<'a> {
    /// `vpce-9b15e2f2 (ddb)`.
    fn called(&self, id: impl fmt::Display) -> String {
        self.names.describe(&id.to_string())
    }

    /// Running instances with their primary interface and its subnet.
    fn instances(&self) -> impl Iterator<Item = (&'a Instance, &'a NetworkInterface, &'a Subnet)> {
        let model = self.model;
        model.instances.values().filter(|instance| instance.state == InstanceState::Running).filter_map(|instance| {
            let interface = model.network_interfaces.get(&instance.primary_interface_id?)?;
            Some((instance, interface, model.subnets.get(&interface.subnet_id)?))
        })
    }

    /// An address of this Region's public side of a service.
    fn public_address(&self, kind: ServiceKind) -> Option<Ipv4Addr> {
        let mut services = self.model.public_services.iter();
        services.find(|it| it.kind == kind && it.region == self.model.region).map(|service| service.address)
    }

    /// The public side of this Region's DynamoDB.
    fn dynamodb(&self) -> Option<&'a PublicService> {
        let services = self.model.public_services.iter();
        services.into_iter().find(|it| it.kind == ServiceKind::DynamoDb && it.region == self.model.region)
    }

    /// What the table's forwarding entries say about an address: the deciding one.
    fn decides(&self, table: &RouteTable, address: Ipv4Addr) -> Option<&'a crate::program::RibEntry> {
        let ix = self.program.lookup.tables.get(&table.id)?.at();
        let hop = self.program.fibs.get(ix)?.lookup(address)?;
        self.program.origins.tables.get(ix)?.entries.get(usize::from(hop.entry))
    }

    /// The name of an instance for sentences: the scenario's, else the id.
    fn instance_name(&self, instance: &Instance) -> String {
        let id = instance.id.to_string();
        self.names.name_of(&id).map_or(id.clone(), str::to_owned)
    }

    /// The table that routes for a subnet.
    fn table_of(&self, subnet: &Subnet) -> Option<&'a RouteTable> {
        self.model.effective_route_table(subnet)
    }

    /// `table main of vpc-1` is found where it is declared, else where its VPC is.
    fn places(&self, ids: &[&dyn fmt::Display], vpc: VpcId) -> Vec<String> {
        ids.iter().map(ToString::to_string).chain([vpc.to_string()]).collect()
    }

    /// How many running instances a subnet has.
    fn instances_in(&self, subnet: SubnetId) -> usize {
        self.instances().filter(|(_, _, own)| own.id == subnet).count()
    }
}
