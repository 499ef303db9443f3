//! `[endpoint]`: gateway and interface endpoints that exist from the start; `[endpoint_service]`: where services are offered.

use super::*;
use crate::ids::{RouteTableId, SecurityGroupId, SubnetId, VpcEndpointId};
use crate::model::{
    DNS_SUFFIX_LENGTH, NewInterfaceEndpoint, NewVpcEndpoint, ServiceKind, Tags, VpcEndpointType, endpoint_services_in,
};
use crate::scenario::settings::one_of;
use crate::time::SimTime;

/// Keys that only gateways have, and only interface endpoints.
const OF_GATEWAYS: [&str; 1] = ["tables"];
const OF_INTERFACES: [&str; 4] = ["subnets", "groups", "private_dns", "dns_suffix"];

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys: `zones`. Comes before the endpoints.
    pub(super) fn endpoint_services(&mut self, root: &Section<'a, 'r>) {
        for (name, section) in root.items("endpoint_service") {
            let known: Vec<String> = endpoint_services_in(&self.model, &self.model.region)
                .iter()
                .filter(|service| service.endpoint_type == VpcEndpointType::Interface)
                .map(|service| service.short_name().to_owned())
                .collect();
            if !known.iter().any(|known| known == name.text) {
                let message = format!("no interface endpoint leads to \"{}\"", shown(name.text));
                let problem = Problem::new(name.span.clone(), message, "no such service");
                self.report(problem.help(format!("known: {}", known.join(", "))));
            }
            let zones = section.texts("zones").unwrap_or_default();
            for zone in &zones {
                if !self.region.zone_names().iter().any(|known| known == zone.text) {
                    let message = format!("{} has no availability zone \"{}\"", self.region.name, shown(zone.text));
                    let problem = Problem::new(zone.contents(), message, "no such zone");
                    self.report(problem.help(format!("known: {}", self.region.zone_names().join(", "))));
                }
            }
            let zones = zones.iter().map(|zone| zone.text.to_owned()).collect();
            self.model.service_zones.insert(name.text.to_owned(), zones);
            section.finish();
        }
    }

    /// Keys: `vpc`, `service` (required), `type`, `policy`, `id`; of gateways `tables`; of interface endpoints `subnets`, `groups`, `private_dns`.
    pub(super) fn endpoints(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "endpoint", Kind::VpcEndpoint, Self::endpoint);
    }

    fn endpoint(&mut self, name: &Text<'a>, section: &Section<'a, 'r>) -> Option<()> {
        let id = self.wanted_id(section, "id");
        let service = section.required_text("service", "\"dynamodb\"");
        let is_interface = match section.text("type") {
            Some(text) if text.text == "interface" => true,
            Some(text) if text.text != "gateway" => {
                self.report(one_of(&text, text.text, &["gateway", "interface"]));
                return None;
            }
            _ => false,
        };
        let (misplaced, kind, other): (&[&'static str], _, _) = match is_interface {
            true => (&OF_GATEWAYS, "an interface endpoint", "type = \"gateway\""),
            false => (&OF_INTERFACES, "a gateway endpoint", "type = \"interface\""),
        };
        for key in misplaced.iter().filter(|key| section.has(key)) {
            let problem = Problem::new(section.span_of(key), format!("{kind} has no \"{key}\""), "leave this out");
            self.report(problem.help(format!("or say {other}")));
        }
        let tables = section.texts("tables").unwrap_or_default();
        let subnets = section.texts("subnets").unwrap_or_default();
        let groups = section.texts("groups").unwrap_or_default();
        let dns_suffix = self.dns_suffix(section);
        let private_dns_enabled = section.boolean("private_dns");
        let policy = section.text("policy");
        let vpc_id = self.vpc_of(section)?;
        let (service, id) = (service?, id?);
        let region = self.model.region_of(vpc_id);
        let service_name = match service.text.contains('.') {
            true => service.text.to_owned(),
            false => format!("com.amazonaws.{region}.{}", service.text),
        };
        let policy_document = policy.map(|text| text.text.to_owned());
        let (label, at, tags) = (name.text.to_owned(), SimTime::ZERO, Tags::named(name.text));
        let made = if is_interface {
            let subnet_ids: Vec<SubnetId> =
                subnets.iter().map(|text| self.refer(Kind::Subnet, text, text.text)).collect::<Option<_>>()?;
            let security_group_ids: Vec<SecurityGroupId> =
                groups.iter().map(|text| self.group(text, text.text, vpc_id)).collect::<Option<_>>()?;
            // A scenario that asks for S3's private names wants them in the VPC.
            let is_s3 = self.model.interface_service(vpc_id, &service_name).is_ok_and(|it| it.kind == ServiceKind::S3);
            self.model.add_interface_endpoint(NewInterfaceEndpoint {
                label,
                id,
                vpc_id,
                service_name,
                subnets: subnet_ids.into_iter().map(|subnet| (subnet, None)).collect(),
                security_group_ids,
                private_dns_enabled,
                private_dns_only_for_inbound_resolver: is_s3.then_some(false),
                dns_suffix,
                policy_document,
                at,
                tags,
            })
        } else {
            let mut route_table_ids: Vec<RouteTableId> = Vec::new();
            for text in &tables {
                route_table_ids.push(match text.text {
                    "main" => self.model.vpcs.get(&vpc_id)?.main_route_table_id,
                    word => self.refer(Kind::RouteTable, text, word)?,
                });
            }
            self.model.add_vpc_endpoint(NewVpcEndpoint {
                label,
                id,
                vpc_id,
                service_name,
                route_table_ids,
                policy_document,
                at,
                tags,
            })
        };
        self.endpoint_made(name, section, made)
    }

    fn dns_suffix(&self, section: &Section<'a, 'r>) -> Option<String> {
        let text = section.text("dns_suffix")?;
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if text.text.len() != DNS_SUFFIX_LENGTH || !text.text.bytes().all(is_plain) {
            let message = format!("\"{}\" is no part of an endpoint's DNS name", shown(text.text));
            let here = format!("expected {DNS_SUFFIX_LENGTH} of a-z and 0-9");
            self.report(Problem::new(text.contents(), message, here));
        }
        Some(text.text.to_owned())
    }

    fn endpoint_made(
        &mut self,
        name: &Text<'a>,
        section: &Section<'a, 'r>,
        made: Result<VpcEndpointId, ModelError>,
    ) -> Option<()> {
        let error = match made {
            Ok(id) => {
                self.declare(Kind::VpcEndpoint, name, id);
                return Some(());
            }
            Err(error) => error,
        };
        let region = &self.model.region;
        let (key, help): (&'static str, Option<String>) = match error.code {
            "InvalidServiceName" => (
                "service",
                Some(format!(
                    "{region} has \"dynamodb\" and \"s3\"; interface endpoints also \"ec2\" and \"sts\"; gateway endpoints \
                     reach their own Region only"
                )),
            ),
            "InvalidPolicyDocument" => (
                "policy",
                Some("expected a JSON object, such as '{\"Version\":\"2012-10-17\",\"Statement\":[...]}'".to_owned()),
            ),
            "RouteAlreadyExists" => ("tables", None),
            "InvalidParameter" if error.message.to_ascii_lowercase().contains("private") => ("private_dns", None),
            "InvalidParameter" | "DuplicateSubnetsInSameZone" if section.has("subnets") => ("subnets", None),
            "InvalidParameter" => ("tables", None),
            "SecurityGroupsPerInterfaceLimitExceeded" => ("groups", None),
            _ => ("id", None),
        };
        let span = if section.has(key) { section.span_of(key) } else { name.span.clone() };
        let problem = refusal(span, &error);
        self.report(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
        None
    }
}
