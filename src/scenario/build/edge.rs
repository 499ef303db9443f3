//! `[quotas]`, `[block_public_access]`, the `gateway` of `[route_table]` and the `connection_tracking` of `[instance]`.

use super::network::PendingRoutes;
use super::*;
use crate::ids::{EniId, InternetGatewayId, SubnetId, VpnGatewayId};
use crate::model::{
    BlockPublicAccessMode, ConnectionTracking, EdgeGateway, ExcludedResource, RULES_TIMES_GROUPS_MAX, Tags,
};
use crate::scenario::settings::{duration_at, one_of};
use crate::time::SimTime;

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys: `cidr_blocks_per_vpc`, `routes_per_table`, `rules_per_network_acl`, `rules_per_security_group`, `security_groups_per_interface`. Comes before everything
    /// that counts.
    pub(super) fn quotas(&mut self, root: &Section<'a, 'r>) {
        let Some(section) = root.section("quotas") else { return };
        let small = |count: Option<u64>, default: u32| count.map_or(default, |count| count.min(1_000) as u32);
        let quotas = &mut self.model.quotas;
        quotas.cidr_blocks_per_vpc =
            small(section.integer("cidr_blocks_per_vpc", 1..=50), quotas.cidr_blocks_per_vpc as u32) as usize;
        quotas.routes_per_table = small(section.integer("routes_per_table", 1..=1_000), quotas.routes_per_table);
        quotas.rules_per_network_acl_direction =
            small(section.integer("rules_per_network_acl", 1..=40), quotas.rules_per_network_acl_direction as u32)
                as usize;
        let rules = section.integer("rules_per_security_group", 1..=1_000);
        quotas.rules_per_security_group_direction = small(rules, quotas.rules_per_security_group_direction);
        let groups = section.integer("security_groups_per_interface", 1..=16);
        quotas.security_groups_per_interface = small(groups, quotas.security_groups_per_interface as u32) as usize;
        let (rules, groups) = (quotas.rules_per_security_group_direction, quotas.security_groups_per_interface as u32);
        if rules * groups > RULES_TIMES_GROUPS_MAX {
            let message = format!("{rules} rules for each of {groups} security groups are {} rules", rules * groups);
            let key = if section.has("rules_per_security_group") {
                "rules_per_security_group"
            } else {
                "security_groups_per_interface"
            };
            let problem = Problem::new(section.span_of(key), message, "too many together");
            self.report(
                problem.help(format!("AWS raises both only as far as their product is {RULES_TIMES_GROUPS_MAX}")),
            );
        }
        section.finish();
    }

    /// Keys: `mode`, `allow_bidirectional`, `allow_egress` (VPCs and subnets that are excluded).
    pub(super) fn block_public_access(&mut self, root: &Section<'a, 'r>) {
        let Some(section) = root.section("block_public_access") else { return };
        if let Some(text) = section.required_text("mode", "\"block-bidirectional\"") {
            match BlockPublicAccessMode::of_word(text.text) {
                Some(mode) => self.model.block_public_access.mode = mode,
                None => {
                    self.report(one_of(&text, text.text, &["off", "block-bidirectional", "block-ingress"]));
                }
            }
        }
        for (key, egress_only) in [("allow_bidirectional", false), ("allow_egress", true)] {
            for text in section.texts(key).unwrap_or_default() {
                let Some(resource) = self.excluded(&text) else { continue };
                let label = format!("exclude {}", text.text);
                let result = self.model.add_public_access_exclusion(
                    &label,
                    resource,
                    egress_only,
                    SimTime::ZERO,
                    Tags::default(),
                );
                self.accepted(text.contents(), result);
            }
        }
        section.finish();
    }

    fn excluded(&self, text: &Text<'a>) -> Option<ExcludedResource> {
        if self.names.lookup(Kind::Vpc, text.text).is_some() || self.is_broken(Kind::Vpc, text.text) {
            return self.refer::<VpcId>(Kind::Vpc, text, text.text).map(ExcludedResource::Vpc);
        }
        self.refer::<SubnetId>(Kind::Subnet, text, text.text).map(ExcludedResource::Subnet)
    }

    /// Makes gateway route tables of those that name a gateway: before their routes, which are then judged as such.
    pub(super) fn gateway_tables(&mut self, tables: &[PendingRoutes<'a>]) {
        for table in tables {
            let Some(text) = &table.gateway else { continue };
            let Some(gateway) = self.edge_gateway(table.vpc, text) else { continue };
            let result = self.model.associate_gateway(table.table, gateway);
            self.accepted(text.contents(), result);
        }
    }

    fn edge_gateway(&self, vpc_id: VpcId, text: &Text<'a>) -> Option<EdgeGateway> {
        if let Ok(id) = text.text.parse::<VpnGatewayId>() {
            return Some(EdgeGateway::VpnGateway(id));
        }
        let id: Option<InternetGatewayId> = match text.text {
            "igw" => {
                let attached = |gateway: &&crate::model::InternetGateway| gateway.attached_vpc_id == Some(vpc_id);
                let found = self.model.internet_gateways.values().find(attached);
                if found.is_none() {
                    let vpc = self.names.describe(&vpc_id.to_string());
                    let problem =
                        Problem::new(text.contents(), format!("{vpc} has no internet gateway"), "nothing comes in");
                    self.report(problem.help("give the VPC one: internet_gateway = true"));
                }
                found.map(|gateway| gateway.id)
            }
            word => self.refer(Kind::InternetGateway, text, word),
        };
        id.map(EdgeGateway::InternetGateway)
    }

    /// Keys: `tcp_established`, `udp`, `udp_stream`: whole seconds within AWS's bounds.
    pub(super) fn connection_tracking(&self, section: &Section<'a, 'r>) -> ConnectionTracking {
        let mut tracking = ConnectionTracking::default();
        let Some(inner) = section.section("connection_tracking") else { return tracking };
        for (key, range, place) in [
            ("tcp_established", 60..=432_000, &mut tracking.tcp_established_seconds),
            ("udp", 30..=60, &mut tracking.udp_seconds),
            ("udp_stream", 60..=180, &mut tracking.udp_stream_seconds),
        ] {
            let Some(timeout) = duration_at(&inner, key) else { continue };
            let seconds = timeout.as_nanos() / 1_000_000_000;
            if range.contains(&seconds) && timeout.as_nanos() % 1_000_000_000 == 0 {
                *place = u32::try_from(seconds).ok();
            } else {
                let message = format!("\"{key}\" is no idle timeout that AWS takes");
                let expected = format!("expected {}s to {}s, whole seconds", range.start(), range.end());
                self.report(Problem::new(inner.span_of(key), message, expected));
            }
        }
        inner.finish();
        tracking
    }

    /// Gives an instance's interface its timeouts.
    pub(super) fn set_tracking(&mut self, interface_id: EniId, tracking: ConnectionTracking) {
        if let Some(interface) = self.model.network_interfaces.get_mut(&interface_id) {
            interface.tracking = tracking;
        }
    }
}
