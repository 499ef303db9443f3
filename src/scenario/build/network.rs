//! `[vpc]`, `[internet_gateway]`, `[subnet]` and the tables of `[route_table]` (their routes come later).

use super::*;
use crate::ids::{NetworkAclId, RouteTableId};
use crate::model::{NewSubnet, NewVpc, Tags};
use crate::scenario::notation::block;
use crate::scenario::regions::given;

/// A route table whose routes are still to be added.
pub(super) struct PendingRoutes<'a> {
    pub(super) table: RouteTableId,
    pub(super) vpc: VpcId,
    pub(super) routes: Vec<Text<'a>>,
    /// The gateway whose incoming packets it routes.
    pub(super) gateway: Option<Text<'a>>,
    /// Virtual private gateways that propagate into it.
    pub(super) propagating: Vec<Text<'a>>,
}

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys: `default` | `cidr` | `cidrs`, `region`, `id`, `dns_support`, `dns_hostnames`, `internet_gateway`.
    pub(super) fn vpcs(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "vpc", Kind::Vpc, Self::vpc);
        // Every VPC's own table, group and ACL have names; those of the default VPC, or of the only one, also short ones.
        let vpcs: Vec<_> = self.model.vpcs.values().cloned().collect();
        let has_default = vpcs.iter().any(|vpc| vpc.is_default);
        for vpc in &vpcs {
            let Some(name) = self.names.name_of(&vpc.id.to_string()).map(str::to_owned) else { continue };
            let is_short = vpc.is_default || (vpcs.len() == 1 && !has_default);
            for (kind, word, id) in [
                (Kind::RouteTable, "main", vpc.main_route_table_id.to_string()),
                (Kind::SecurityGroup, "default", vpc.default_security_group_id.to_string()),
                (Kind::NetworkAcl, "default", vpc.default_network_acl_id.to_string()),
            ] {
                let long = format!("{name}-{word}");
                self.names.insert(kind, if is_short { word } else { &long }, &id);
                self.names.insert_alias(kind, &long, &id);
            }
        }
    }

    fn vpc(&mut self, name: &Text<'a>, section: &Section<'a, 'r>) -> Option<()> {
        let is_default = section.boolean("default").unwrap_or(false);
        let id = self.wanted_id(section, "id");
        let (dns_support, dns_hostnames) = (section.boolean("dns_support"), section.boolean("dns_hostnames"));
        let gateway_name = match section.is_text("internet_gateway") {
            true => section.text("internet_gateway"),
            false => section.boolean("internet_gateway").unwrap_or(false).then(|| name.clone()),
        };
        let mut cidrs = Vec::new();
        let given: Vec<_> =
            section.text("cidr").into_iter().chain(section.texts("cidrs").unwrap_or_default()).collect();
        for text in &given {
            cidrs.push(block(text).map_err(|problem| self.report(problem)).ok()?);
        }
        let id = id?;
        let region = match section.has("region") {
            true => Some(self.region_named(&section.text("region")?)?),
            false => None,
        };
        let vpc_id =
            if is_default {
                for key in ["cidr", "cidrs", "internet_gateway", "region"] {
                    let key: &'static str = key;
                    if section.has(key) {
                        let message = format!("a default VPC comes with its \"{key}\"");
                        let problem = Problem::new(section.span_of(key), message, "leave this out");
                        self.report(problem.help(
                            "a default VPC is 172.31.0.0/16 with a /20 subnet in each zone and an internet gateway",
                        ));
                        return None;
                    }
                }
                if let Some(other) = self.model.vpcs.values().find(|vpc| vpc.is_default) {
                    let other = self.names.describe(&other.id.to_string());
                    let message = format!("a Region has one default VPC, and {other} is it");
                    self.report(Problem::new(section.span_of("default"), message, "a second one"));
                    return None;
                }
                let zones: Vec<String> = self.region.zones.chars().map(String::from).collect();
                let zones: Vec<&str> = zones.iter().map(String::as_str).collect();
                let result = self.model.add_default_vpc(name.text, id, &zones);
                self.accepted(name.span.clone(), result)?
            } else {
                if cidrs.is_empty() {
                    let problem =
                        Problem::new(section.span.clone(), format!("{} has no addresses", section.what), "needed here");
                    self.report(problem.help("write cidr = \"10.0.0.0/16\", cidrs = [...], or default = true"));
                    return None;
                }
                let new = NewVpc {
                    region: region.map(|region| region.name.to_owned()),
                    label: name.text.to_owned(),
                    id,
                    cidrs,
                    is_default: false,
                    enable_dns_hostnames: false,
                    tags: Tags::named(name.text),
                };
                let span = given.first().map_or_else(|| name.span.clone(), Text::contents);
                let result = self.model.add_vpc(new);
                self.accepted(span, result)?
            };
        self.declare(Kind::Vpc, name, vpc_id);
        if let Some(vpc) = self.model.vpcs.get_mut(&vpc_id) {
            vpc.enable_dns_support = dns_support.unwrap_or(vpc.enable_dns_support);
            vpc.enable_dns_hostnames = dns_hostnames.unwrap_or(vpc.enable_dns_hostnames);
        }
        if is_default {
            self.name_default_parts(name.text, vpc_id);
        }
        if let Some(gateway_name) = gateway_name {
            self.gateway(&gateway_name, None, Some(vpc_id))?;
        }
        Some(())
    }

    fn name_default_parts(&mut self, name: &str, vpc_id: VpcId) {
        for subnet in self.model.subnets.values().filter(|subnet| subnet.vpc_id == vpc_id) {
            let suffix = self.region.zone_suffix(&subnet.availability_zone);
            self.names.insert(Kind::Subnet, &format!("{name}-{suffix}"), &subnet.id.to_string());
        }
        let gateways = self.model.internet_gateways.values();
        for gateway in gateways.filter(|gateway| gateway.attached_vpc_id == Some(vpc_id)) {
            self.names.insert(Kind::InternetGateway, name, &gateway.id.to_string());
        }
    }

    /// Keys: `vpc` (attached to it; without, to nothing), `id`.
    pub(super) fn internet_gateways(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "internet_gateway", Kind::InternetGateway, |this, name, section| {
            let id = this.wanted_id(section, "id");
            let vpc_id = section.text("vpc").map(|text| this.refer::<VpcId>(Kind::Vpc, &text, text.text));
            let vpc_id = match vpc_id {
                Some(refused_or_id) => Some(refused_or_id?),
                None => None,
            };
            this.gateway(name, id?, vpc_id)
        });
    }

    fn gateway(
        &mut self,
        name: &Text<'a>,
        id: Option<crate::ids::InternetGatewayId>,
        vpc_id: Option<VpcId>,
    ) -> Option<()> {
        if !self.is_free(Kind::InternetGateway, name) {
            return None;
        }
        let result = self.model.add_internet_gateway(name.text, id, Tags::named(name.text));
        let id = self.accepted(name.span.clone(), result)?;
        self.declare(Kind::InternetGateway, name, id);
        if let Some(vpc_id) = vpc_id {
            let result = self.model.attach_internet_gateway(id, vpc_id);
            self.accepted(name.span.clone(), result)?;
        }
        Some(())
    }

    /// Keys: `vpc`, `id`, `main` (this is the VPC's main table), `gateway` (it is a gateway route table), `routes`, `propagating_gateways`.
    pub(super) fn route_tables(&mut self, root: &Section<'a, 'r>) -> Vec<PendingRoutes<'a>> {
        let mut pending = Vec::new();
        self.each(root, "route_table", Kind::RouteTable, |this, name, section| {
            let id = this.wanted_id(section, "id");
            let is_main = section.boolean("main").unwrap_or(false);
            let routes = section.texts("routes").unwrap_or_default();
            let gateway = section.text("gateway");
            let propagating = section.texts("propagating_gateways").unwrap_or_default();
            let vpc = this.vpc_of(section)?;
            let table = this.route_table(name, id?, vpc, is_main)?;
            pending.push(PendingRoutes { table, vpc, routes, gateway, propagating });
            Some(())
        });
        pending
    }

    fn route_table(
        &mut self,
        name: &Text<'a>,
        id: Option<RouteTableId>,
        vpc: VpcId,
        is_main: bool,
    ) -> Option<RouteTableId> {
        if !is_main {
            if !self.is_free(Kind::RouteTable, name) {
                return None;
            }
            let result = self.model.add_route_table(name.text, id, vpc, Tags::named(name.text));
            let id = self.accepted(name.span.clone(), result)?;
            self.declare(Kind::RouteTable, name, id);
            return Some(id);
        }
        let old = self.model.vpcs.get(&vpc)?.main_route_table_id;
        if let Some(place) = self.places.get(&old.to_string()) {
            let problem = Problem::new(name.span.clone(), "the VPC's main route table is declared twice", "again here");
            self.report(problem.also(place.clone(), "first here"));
            return None;
        }
        if let Some(id) = id {
            let result = self.model.set_main_route_table_id(vpc, id);
            self.accepted(name.span.clone(), result)?;
            let finders: Vec<String> = (self.names.of_kind(Kind::RouteTable))
                .filter(|(_, found)| *found == old.to_string())
                .map(|(finder, _)| finder.to_owned())
                .collect();
            for finder in finders {
                self.names.insert(Kind::RouteTable, &finder, &id.to_string());
            }
        }
        let main = self.model.vpcs.get(&vpc)?.main_route_table_id;
        let other = self.names.lookup(Kind::RouteTable, name.text);
        if other.is_some_and(|other| other != main.to_string()) && !self.is_free(Kind::RouteTable, name) {
            return None;
        }
        self.declare(Kind::RouteTable, name, main);
        Some(main)
    }

    /// Keys: `vpc`, `az`, `cidr`, `table`, `public`, `acl`, `id`.
    pub(super) fn subnets(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "subnet", Kind::Subnet, Self::subnet);
    }

    fn subnet(&mut self, name: &Text<'a>, section: &Section<'a, 'r>) -> Option<()> {
        let id = self.wanted_id(section, "id");
        let public = section.boolean("public").unwrap_or(false);
        let (table, acl) = (section.text("table"), section.text("acl"));
        let cidr_text = section.required_text("cidr", "\"10.0.1.0/24\"");
        let vpc_id = self.vpc_of(section)?;
        let zone = self.zone(section, vpc_id);
        let cidr_text = cidr_text?;
        let cidr = block(&cidr_text).map_err(|problem| self.report(problem)).ok()?;
        if !self.is_free(Kind::Subnet, name) {
            return None;
        }
        let new = NewSubnet {
            label: name.text.to_owned(),
            id: id?,
            vpc_id,
            cidr,
            availability_zone: zone?,
            default_for_az: false,
            map_public_ip_on_launch: public,
            tags: Tags::named(name.text),
        };
        let subnet_id = match self.model.add_subnet(new) {
            Ok(id) => id,
            Err(error) => {
                let mut problem = refusal(cidr_text.contents(), &error);
                let overlaps =
                    |other: &crate::net::Ipv4Net| other.contains(&cidr.network()) || cidr.contains(&other.network());
                if error.code == "InvalidSubnet.Conflict"
                    && let Some(other) = self.model.subnets.values().find(|s| s.vpc_id == vpc_id && overlaps(&s.cidr))
                {
                    let other_id = other.id.to_string();
                    problem.labels[0].1 = format!("overlaps {} of {}", other.cidr, self.names.describe(&other_id));
                    if let Some(place) = self.places.get(&other_id) {
                        problem = problem.also(place.clone(), format!("this one has {}", other.cidr));
                    }
                } else if let Some(vpc) = self.model.vpcs.get(&vpc_id) {
                    let blocks: Vec<String> = vpc.cidr_blocks.iter().map(|block| block.cidr.to_string()).collect();
                    problem = problem.help(format!("expected a /16 to /28 inside {}", blocks.join(" or ")));
                }
                self.report(problem);
                return None;
            }
        };
        self.declare(Kind::Subnet, name, subnet_id);
        if let Some(text) = table {
            let table_id = match text.text {
                "main" => self.model.vpcs.get(&vpc_id)?.main_route_table_id,
                word => self.refer(Kind::RouteTable, &text, word)?,
            };
            let result = self.model.associate_route_table(table_id, subnet_id);
            self.accepted(text.contents(), result)?;
        }
        if let Some(text) = acl {
            let acl_id: NetworkAclId = match text.text {
                "default" => self.model.vpcs.get(&vpc_id)?.default_network_acl_id,
                word => self.refer(Kind::NetworkAcl, &text, word)?,
            };
            let result = self.model.set_subnet_network_acl(subnet_id, acl_id);
            self.accepted(text.contents(), result)?;
        }
        Some(())
    }

    /// The Region that a VPC or transit gateway says it is in.
    pub(super) fn region_named(&self, text: &Text<'a>) -> Option<Region> {
        given(text).map_err(|problem| self.report(problem)).ok()
    }

    fn zone(&self, section: &Section<'a, 'r>, vpc_id: VpcId) -> Option<String> {
        // Its VPC's Region was looked up when the VPC was built.
        let region = Region::named(self.model.region_of(vpc_id)).unwrap_or(self.region);
        let known = region.zone_names();
        if !section.has("az") {
            return known.first().cloned();
        }
        let text = section.text("az")?;
        if known.iter().any(|zone| zone == text.text) {
            return Some(text.text.to_owned());
        }
        let message = format!("{} has no availability zone \"{}\"", region.name, shown(text.text));
        let problem = Problem::new(text.contents(), message, "no such zone");
        self.report(problem.help(format!("known: {}", known.join(", "))));
        None
    }
}
