//! `[nat_gateway]`.

use super::*;
use crate::ids::{AllocationId, NatGatewayId, SubnetId};
use crate::model::{NatConnectivity, NatGatewayState, NewNatGateway, RouteTarget, Tags};
use crate::scenario::packet::literal_address;
use crate::time::SimTime;

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys: `subnet` (required), `private`, `elastic_ips`, `private_ip`, `private_address_count`, `id`.
    pub(super) fn nat_gateways(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "nat_gateway", Kind::NatGateway, Self::nat_gateway);
    }

    fn nat_gateway(&mut self, name: &Text<'a>, section: &Section<'a, 'r>) -> Option<()> {
        let id: Option<Option<NatGatewayId>> = self.wanted_id(section, "id");
        let is_private = section.boolean("private").unwrap_or(false);
        let private_ip = section.text("private_ip").map(|text| literal_address(section, &text));
        let count = section.integer("private_address_count", 1..=8).unwrap_or(1);
        let elastic_ips = section.texts("elastic_ips").unwrap_or_default();
        let subnet_text = section.required_text("subnet", "\"public\"")?;
        let subnet_id: SubnetId = self.refer(Kind::Subnet, &subnet_text, subnet_text.text)?;
        for (key, belongs) in [("elastic_ips", !is_private), ("private_address_count", is_private)] {
            if section.has(key) && !belongs {
                let kind = if is_private { "private" } else { "public" };
                let message = format!("\"{key}\" means nothing for a {kind} NAT gateway");
                self.report(Problem::new(section.span_of(key), message, "leave this out"));
                return None;
            }
        }
        if !self.is_free(Kind::NatGateway, name) {
            return None;
        }
        let mut allocations = Vec::new();
        for text in &elastic_ips {
            allocations.push(self.refer::<AllocationId>(Kind::ElasticIp, text, text.text)?);
        }
        if !is_private && allocations.is_empty() {
            allocations.push(self.own_elastic_ip(name)?);
        }
        let new = NewNatGateway {
            label: name.text.to_owned(),
            id: id?,
            subnet_id,
            connectivity: if is_private { NatConnectivity::Private } else { NatConnectivity::Public },
            allocation_id: allocations.first().copied(),
            private_ip: private_ip.map_or(Some(None), |address| address.map(Some))?,
            secondary_allocation_ids: allocations.iter().skip(1).copied().collect(),
            secondary_private_ips: Vec::new(),
            // Within 1..=8, as just checked.
            secondary_private_ip_count: usize::try_from(count.saturating_sub(1)).unwrap_or_default(),
            at: SimTime::ZERO,
            tags: Tags::named(name.text),
        };
        let result = self.model.add_nat_gateway(new);
        let span = match &result {
            Err(error) if error.message.contains("ddress ") && section.has("private_ip") => {
                section.span_of("private_ip")
            }
            Err(error) if error.code == "InvalidParameter" && section.has("elastic_ips") => {
                section.span_of("elastic_ips")
            }
            _ => name.span.clone(),
        };
        let id = self.accepted(span, result)?;
        self.declare(Kind::NatGateway, name, id);
        let gateway = self.model.nat_gateways.get(&id)?;
        if let NatGatewayState::Failed { code, message } = &gateway.state {
            // AWS would leave a failed gateway behind; nobody declares one on purpose.
            let refused = ModelError::new(code, message.clone());
            self.report(refusal(name.span.clone(), &refused));
            return None;
        }
        if let Some(interface) = gateway.interface_id {
            self.names.insert_alias(Kind::NetworkInterface, name.text, &interface.to_string());
        }
        Some(())
    }

    /// An Elastic IP for a public gateway that names none; it is called as the gateway.
    fn own_elastic_ip(&mut self, name: &Text<'a>) -> Option<AllocationId> {
        if !self.is_free(Kind::ElasticIp, name) {
            return None;
        }
        let result = self.model.allocate_address(name.text, None, None, Tags::named(name.text));
        let id = self.accepted(name.span.clone(), result)?;
        self.names.insert(Kind::ElasticIp, name.text, &id.to_string());
        Some(id)
    }

    /// The NAT gateway that `nat`, a name or an id means as a route's target; `None` if the word means something else. The inner `None` is reported.
    pub(super) fn nat_target(&self, vpc_id: VpcId, text: &Text<'a>, word: &str) -> Option<Option<RouteTarget>> {
        if let Some(id) = self.names.lookup(Kind::NatGateway, word) {
            return Some(id.parse().ok().map(RouteTarget::NatGateway));
        }
        if self.is_broken(Kind::NatGateway, word) {
            return Some(None);
        }
        if word != "nat" {
            return None;
        }
        let own: Vec<_> = self.model.nat_gateways.values().filter(|gateway| gateway.vpc_id == vpc_id).collect();
        match own.as_slice() {
            [gateway] => Some(Some(RouteTarget::NatGateway(gateway.id))),
            several => {
                let vpc = self.names.describe(&vpc_id.to_string());
                let (message, help) = match several {
                    [] => {
                        (format!("{vpc} has no NAT gateway"), "declare one: [nat_gateway] NAME = { subnet = \"...\" }")
                    }
                    _ => (format!("{vpc} has several NAT gateways"), "write the name of one"),
                };
                self.report(Problem::new(text.place(word), message, "leads nowhere").help(help));
                Some(None)
            }
        }
    }
}
