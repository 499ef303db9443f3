//! The `routes` of `[route_table]`.

use super::network::PendingRoutes;
use super::*;
use crate::ids::{EniId, InstanceId};
use crate::model::{RouteDestination, RouteOrigin, RouteTarget};
use crate::net::Ipv4Net;
use crate::scenario::notation::route;

/// What a route can lead to by name.
const TARGETS: [Kind; 6] =
    [Kind::Instance, Kind::InternetGateway, Kind::NatGateway, Kind::Peering, Kind::TransitGateway, Kind::VpnGateway];

impl<'a, 'r> Builder<'a, 'r> {
    pub(super) fn routes(&mut self, tables: Vec<PendingRoutes<'a>>) {
        for table in tables {
            for text in &table.routes {
                self.route(&table, text);
            }
            for text in &table.propagating {
                if let Some(gateway) = self.refer(Kind::VpnGateway, text, text.text) {
                    let result = self.model.set_route_propagation(table.table, gateway, true);
                    self.accepted(text.contents(), result);
                }
            }
        }
    }

    fn route(&mut self, table: &PendingRoutes<'a>, text: &Text<'a>) -> Option<()> {
        let words = route(text).map_err(|problem| self.report(problem)).ok()?;
        let destination = self.destination(table.vpc, text, words.destination);
        let target = match words.target {
            "local" if table.gateway.is_some() => Some(RouteTarget::Local),
            word => self.target(table.vpc, text, word),
        };
        let origin = words.propagation.map_or(RouteOrigin::CreateRoute, RouteOrigin::Propagated);
        let (destination, target) = (destination?, target?);
        if let RouteDestination::Cidr(block) = destination
            && origin == RouteOrigin::CreateRoute
            && self.model.vpcs.get(&table.vpc)?.cidr_blocks.iter().any(|own| own.cidr == block)
        {
            // The VPC's own block: its local route gets another target.
            let other = Some(target).filter(|target| *target != RouteTarget::Local);
            let result = self.model.set_local_target(table.table, block, other);
            return self.accepted(text.contents(), result);
        }
        let result = self.model.add_route(table.table, destination, target, origin);
        self.accepted(text.contents(), result)
    }

    fn destination(&self, vpc_id: VpcId, text: &Text<'a>, word: &str) -> Option<RouteDestination> {
        if word.contains('/') || word.parse::<std::net::Ipv4Addr>().is_ok() {
            return match word.parse::<Ipv4Net>() {
                Ok(block) => Some(RouteDestination::Cidr(block)),
                Err(_) => {
                    let message = format!("\"{}\" is not an IPv4 block", shown(word));
                    self.report(Problem::new(text.place(word), message, "expected a block such as 10.0.0.0/8"));
                    None
                }
            };
        }
        self.prefix_list_of(vpc_id, text, word).map(RouteDestination::PrefixList)
    }

    fn target(&self, vpc_id: VpcId, text: &Text<'a>, word: &str) -> Option<RouteTarget> {
        let place = || text.place(word);
        if word == "igw" {
            let attached =
                self.model.internet_gateways.values().find(|gateway| gateway.attached_vpc_id == Some(vpc_id));
            if attached.is_none() {
                let vpc = self.names.describe(&vpc_id.to_string());
                let problem = Problem::new(place(), format!("{vpc} has no internet gateway"), "leads nowhere");
                self.report(problem.help("give the VPC one: internet_gateway = true"));
            }
            return attached.map(|gateway| RouteTarget::InternetGateway(gateway.id));
        }
        if word == "vgw" && self.names.lookup(Kind::VpnGateway, word).is_none() {
            let attached = self.model.vpn_gateways.values().find(|gateway| gateway.attached_vpc_id == Some(vpc_id));
            if attached.is_none() {
                let vpc = self.names.describe(&vpc_id.to_string());
                let problem = Problem::new(place(), format!("{vpc} has no virtual private gateway"), "leads nowhere");
                self.report(problem.help("give the VPC one: [vpn_gateway] NAME = { vpc = \"...\" }"));
            }
            return attached.map(|gateway| RouteTarget::VpnGateway(gateway.id));
        }
        if let Some(id) = self.names.lookup(Kind::VpnGateway, word) {
            return id.parse().ok().map(RouteTarget::VpnGateway);
        }
        if let Some(target) = self.nat_target(vpc_id, text, word) {
            return target;
        }
        if word == "local" {
            let problem = Problem::new(place(), "local routes come with the table", "leave this route out");
            self.report(problem);
            return None;
        }
        if word.starts_with("vpce-") || self.names.lookup(Kind::VpcEndpoint, word).is_some() {
            let problem =
                Problem::new(place(), "AWS itself writes the routes to gateway endpoints", "cannot be a target here");
            self.report(problem.help("name the table in the endpoint: [endpoint] NAME = { tables = [...] }"));
            return None;
        }
        let instance = word.strip_prefix("eni of ").map(str::trim);
        let name = instance.unwrap_or(word);
        if instance.is_none()
            && let Some(id) = self.names.lookup(Kind::InternetGateway, word)
        {
            return id.parse().ok().map(RouteTarget::InternetGateway);
        }
        if let Some(id) = self.names.lookup(Kind::Instance, name) {
            let id: InstanceId = id.parse().ok()?;
            return self.model.instances.get(&id)?.primary_interface_id.map(RouteTarget::NetworkInterface);
        }
        if let Some(id) = self.names.lookup(Kind::NetworkInterface, name) {
            return id.parse::<EniId>().ok().map(RouteTarget::NetworkInterface);
        }
        if let Some(id) = self.names.lookup(Kind::Peering, word) {
            return id.parse().ok().map(RouteTarget::PeeringConnection);
        }
        if let Some(id) = self.names.lookup(Kind::TransitGateway, word) {
            return id.parse().ok().map(RouteTarget::TransitGateway);
        }
        if self.is_broken(Kind::Peering, word) || self.is_broken(Kind::TransitGateway, word) {
            return None;
        }
        if [Kind::Instance, Kind::InternetGateway, Kind::VpnGateway].iter().any(|kind| self.is_broken(*kind, name)) {
            return None;
        }
        let known = TARGETS.into_iter().find_map(|kind| self.names.suggest(kind, name));
        let here = known.map_or_else(|| "leads nowhere".to_owned(), |known| format!("did you mean \"{known}\"?"));
        let problem =
            Problem::new(text.place(name), format!("no target of a route is called \"{}\"", shown(name)), here);
        self.report(problem.help(
            "a target is \"igw\", \"nat\" or \"vgw\" (the VPC's), a gateway, a peering connection, \"eni of INSTANCE\", \
             or an id of one of these",
        ));
        None
    }
}
