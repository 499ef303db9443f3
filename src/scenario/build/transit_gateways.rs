//! `[transit_gateway]` with attachments, and `[transit_gateway_table]`.
//!
//! Attachments come with their gateways, before security groups, which may name groups across them; tables and routes come after everything that can be attached.

use super::*;
use crate::ids::{SubnetId, TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTableId};
use crate::model::{
    NewTransitGateway, NewTransitGatewayPeering, NewVpcAttachment, Tags, TransitGateway, TransitGatewayResource,
};
use crate::net::Ipv4Net;
use crate::scenario::notation::route;
use crate::time::SimTime;

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys: `region`, `attachments`, `routes` (read by [`Self::transit_gateway_tables`]), `default_association`, `default_propagation`,
    /// `security_group_references`, `id`.
    pub(super) fn transit_gateways(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "transit_gateway", Kind::TransitGateway, Self::transit_gateway);
        // A peering may name a transit gateway that stands further down.
        for (name, section) in root.items("transit_gateway") {
            let Some(id) = self.names.lookup(Kind::TransitGateway, name.text).and_then(|id| id.parse().ok()) else {
                continue;
            };
            let Some(attachments) = section.section("attachments") else { continue };
            for (name, section) in attachments.all_items(|name| format!("attachment \"{name}\"")) {
                let built = match check_name(&name, Kind::TransitGatewayAttachment) {
                    Ok(()) => self.attachment(id, &name, &section),
                    Err(problem) => {
                        self.report(problem);
                        None
                    }
                };
                if built.is_none() {
                    self.broken.insert((Kind::TransitGatewayAttachment, name.text.to_owned()));
                }
                section.finish();
            }
        }
    }

    fn transit_gateway(&mut self, name: &Text<'a>, section: &Section<'a, 'r>) -> Option<()> {
        let id = self.wanted_id::<TransitGatewayId>(section, "id");
        let flag = |key: &'static str, default| section.boolean(key).unwrap_or(default);
        let (default_association, default_propagation) =
            (flag("default_association", true), flag("default_propagation", true));
        let security_group_referencing = flag("security_group_references", false);
        let region = match section.has("region") {
            true => Some(self.region_named(&section.text("region")?)?.name.to_owned()),
            false => None,
        };
        let new = NewTransitGateway {
            label: name.text.to_owned(),
            id: id?,
            region,
            default_association,
            default_propagation,
            security_group_referencing,
            vpn_equal_cost: true,
            description: String::new(),
            amazon_side_asn: TransitGateway::DEFAULT_ASN,
            at: SimTime::ZERO,
            tags: Tags::named(name.text),
        };
        let result = self.model.add_transit_gateway(new);
        let id = self.accepted(name.span.clone(), result)?;
        self.declare(Kind::TransitGateway, name, id);
        let gateway = self.model.transit_gateways.get(&id)?;
        let default = gateway.default_association_route_table_id.or(gateway.default_propagation_route_table_id);
        if let Some(table) = default {
            self.names.insert(Kind::TransitGatewayRouteTable, &format!("{}-default", name.text), &table.to_string());
        }
        Some(())
    }

    /// Keys: `vpc` (the name, if left out), `subnets`, `appliance_mode`, `security_group_references`; or `peer`, `accepted`; `id`.
    fn attachment(&mut self, gateway_id: TransitGatewayId, name: &Text<'a>, section: &Section<'a, 'r>) -> Option<()> {
        let id = self.wanted_id::<TransitGatewayAttachmentId>(section, "id");
        if !self.is_free(Kind::TransitGatewayAttachment, name) {
            return None;
        }
        let attachment_id = match section.text("peer") {
            Some(peer) => self.peering_attachment(gateway_id, name, section, &peer, id?)?,
            None => self.vpc_attachment(gateway_id, name, section, id?)?,
        };
        self.declare(Kind::TransitGatewayAttachment, name, attachment_id);
        Some(())
    }

    fn vpc_attachment(
        &mut self,
        gateway_id: TransitGatewayId,
        name: &Text<'a>,
        section: &Section<'a, 'r>,
        id: Option<TransitGatewayAttachmentId>,
    ) -> Option<TransitGatewayAttachmentId> {
        if section.has("accepted") {
            let problem = Problem::new(section.span_of("accepted"), "only peerings are accepted", "leave this out");
            self.report(problem.help("to peer with another transit gateway, write peer = \"NAME\""));
            return None;
        }
        let appliance_mode = section.boolean("appliance_mode").unwrap_or(false);
        let security_group_referencing = section.boolean("security_group_references").unwrap_or(true);
        let vpc_text = section.text("vpc").unwrap_or_else(|| name.clone());
        let vpc_id = self.refer::<VpcId>(Kind::Vpc, &vpc_text, vpc_text.text)?;
        if !section.has("subnets") {
            let message = format!("{} has no \"subnets\"", section.what);
            let problem = Problem::new(section.span.clone(), message, "needed here");
            self.report(problem.help("one for each zone whose interfaces are to use the transit gateway"));
        }
        let subnets = section.texts("subnets")?;
        let mut subnet_ids = Vec::new();
        for text in &subnets {
            subnet_ids.push(self.refer::<SubnetId>(Kind::Subnet, text, text.text)?);
        }
        let new = NewVpcAttachment {
            label: name.text.to_owned(),
            id,
            transit_gateway_id: gateway_id,
            vpc_id,
            subnet_ids,
            appliance_mode,
            security_group_referencing,
            at: SimTime::ZERO,
            tags: Tags::named(name.text),
        };
        match self.model.add_vpc_attachment(new) {
            Ok(id) => Some(id),
            Err(error) => {
                let gateway_region = self.model.transit_gateways.get(&gateway_id).map(|gateway| gateway.region.clone());
                let region = self.model.region_of(vpc_id);
                let span = match error.code {
                    "InvalidTransitGatewayID.NotFound" | "DuplicateTransitGatewayAttachment" => vpc_text.span.clone(),
                    _ => section.span_of("subnets"),
                };
                let mut problem = refusal(span, &error);
                if let Some(other) = gateway_region.filter(|other| other != region) {
                    problem = problem.help(format!("the VPC is in {region}, the transit gateway in {other}"));
                }
                self.report(problem);
                None
            }
        }
    }

    fn peering_attachment(
        &mut self,
        gateway_id: TransitGatewayId,
        name: &Text<'a>,
        section: &Section<'a, 'r>,
        peer: &Text<'a>,
        id: Option<TransitGatewayAttachmentId>,
    ) -> Option<TransitGatewayAttachmentId> {
        for key in ["vpc", "subnets", "appliance_mode", "security_group_references"] {
            let key: &'static str = key;
            if section.has(key) {
                let message = format!("the attachment of a transit gateway has no \"{key}\"");
                self.report(Problem::new(section.span_of(key), message, "leave this out"));
                return None;
            }
        }
        let accepted = section.boolean("accepted").unwrap_or(true);
        let new = NewTransitGatewayPeering {
            label: name.text.to_owned(),
            id,
            transit_gateway_id: gateway_id,
            peer_transit_gateway_id: self.refer(Kind::TransitGateway, peer, peer.text)?,
            at: SimTime::ZERO,
            tags: Tags::named(name.text),
        };
        let result = self.model.add_transit_gateway_peering(new);
        let id = self.accepted(peer.contents(), result)?;
        if accepted {
            let result = self.model.accept_transit_gateway_peering(id);
            self.accepted(peer.contents(), result)?;
        }
        Some(id)
    }

    /// Attachments of VPN connections and virtual interfaces are called as these.
    fn name_connection_attachments(&mut self) {
        for attachment in self.model.transit_gateway_attachments.values() {
            let connection = match &attachment.resource {
                TransitGatewayResource::Vpn(id) => id.to_string(),
                TransitGatewayResource::DirectConnect(id) => id.to_string(),
                TransitGatewayResource::Vpc { .. } | TransitGatewayResource::Peering { .. } => continue,
            };
            let kind = Kind::TransitGatewayAttachment;
            if let Some(name) = self.names.name_of(&connection).map(str::to_owned)
                && self.names.lookup(kind, &name).is_none()
            {
                self.names.insert(kind, &name, &attachment.id.to_string());
            }
        }
    }

    /// Keys of `[transit_gateway_table]`: `gateway`, `associate`, `propagate`, `routes`, `id`; and the `routes` of `[transit_gateway]`, which are those of its
    /// default table.
    pub(super) fn transit_gateway_tables(&mut self, root: &Section<'a, 'r>) {
        self.name_connection_attachments();
        for (name, section) in root.items("transit_gateway") {
            let Some(routes) = section.texts("routes").filter(|routes| !routes.is_empty()) else { continue };
            let id = self.names.lookup(Kind::TransitGateway, name.text).and_then(|id| id.parse().ok());
            let Some(gateway) = id.and_then(|id: TransitGatewayId| self.model.transit_gateways.get(&id)) else {
                continue;
            };
            match gateway.default_association_route_table_id {
                Some(table) => routes.iter().for_each(|text| {
                    self.transit_gateway_route(table, text);
                }),
                None => {
                    let message = "a transit gateway without default association has no table for these routes";
                    let problem = Problem::new(section.span_of("routes"), message, "of which table?");
                    self.report(problem.help("write them in [transit_gateway_table]"));
                }
            }
        }
        let kind = Kind::TransitGatewayRouteTable;
        self.each(root, "transit_gateway_table", kind, Self::transit_gateway_table);
    }

    fn transit_gateway_table(&mut self, name: &Text<'a>, section: &Section<'a, 'r>) -> Option<()> {
        let id = self.wanted_id::<TransitGatewayRouteTableId>(section, "id");
        let (associate, propagate, routes) =
            (section.texts("associate"), section.texts("propagate"), section.texts("routes"));
        let gateway_id = self.gateway_of(section)?;
        if !self.is_free(Kind::TransitGatewayRouteTable, name) {
            return None;
        }
        let result = self.model.add_transit_gateway_route_table(
            name.text,
            id?,
            gateway_id,
            SimTime::ZERO,
            Tags::named(name.text),
        );
        let table_id = self.accepted(name.span.clone(), result)?;
        self.declare(Kind::TransitGatewayRouteTable, name, table_id);
        for text in associate.unwrap_or_default() {
            self.associate(table_id, gateway_id, &text);
        }
        for text in propagate.unwrap_or_default() {
            let Some(id) = self.refer(Kind::TransitGatewayAttachment, &text, text.text) else { continue };
            let result = self.model.enable_transit_gateway_propagation(table_id, id);
            self.accepted(text.contents(), result);
        }
        for text in routes.unwrap_or_default() {
            self.transit_gateway_route(table_id, &text);
        }
        Some(())
    }

    /// The transit gateway at `gateway`; if the key is missing, the only one there is.
    fn gateway_of(&self, section: &Section<'a, 'r>) -> Option<TransitGatewayId> {
        if let Some(text) = section.text("gateway") {
            return self.refer(Kind::TransitGateway, &text, text.text);
        }
        let mut ids = self.model.transit_gateways.keys();
        if let (Some(id), None) = (ids.next(), ids.next()) {
            return Some(*id);
        }
        if !section.has("gateway") && !self.broken.iter().any(|(kind, _)| *kind == Kind::TransitGateway) {
            let message = format!("{} does not say of which transit gateway it is", section.what);
            let known: Vec<&str> = self.names.of_kind(Kind::TransitGateway).map(|(name, _)| name).collect();
            let problem = Problem::new(section.span.clone(), message, "needs \"gateway\"");
            self.report(problem.help(format!("known: {}", known.join(", "))));
        }
        None
    }

    /// Associates an attachment, instead of with the default table.
    fn associate(
        &mut self,
        table_id: TransitGatewayRouteTableId,
        gateway_id: TransitGatewayId,
        text: &Text<'a>,
    ) -> Option<()> {
        let id: TransitGatewayAttachmentId = self.refer(Kind::TransitGatewayAttachment, text, text.text)?;
        let result = self.model.attachment_of_gateway(id, gateway_id).map(|attachment| attachment.id);
        let id = self.accepted(text.contents(), result)?;
        let default = self.model.transit_gateways.get(&gateway_id)?.default_association_route_table_id;
        if let Some(default) = default
            && self.model.transit_gateway_association(id).is_some_and(|table| table.id == default)
        {
            let result = self.model.disassociate_transit_gateway_route_table(default, id);
            self.accepted(text.contents(), result)?;
        }
        let result = self.model.associate_transit_gateway_route_table(table_id, id);
        self.accepted(text.contents(), result)
    }

    fn transit_gateway_route(&mut self, table_id: TransitGatewayRouteTableId, text: &Text<'a>) -> Option<()> {
        let words = route(text).map_err(|problem| self.report(problem)).ok()?;
        if words.propagation.is_some() {
            let message = "static routes are written here; attachments propagate the others";
            self.report(Problem::new(text.contents(), message, "not a propagated one"));
            return None;
        }
        let Ok(cidr) = words.destination.parse::<Ipv4Net>() else {
            let message = format!("\"{}\" is not an IPv4 block", shown(words.destination));
            let problem = Problem::new(text.place(words.destination), message, "expected a block such as 10.0.0.0/8");
            self.report(problem.help("prefix lists in transit gateway route tables are not simulated"));
            return None;
        };
        let attachment_id = match words.target {
            "blackhole" => None,
            word => Some(self.refer(Kind::TransitGatewayAttachment, text, word)?),
        };
        let result = self.model.put_transit_gateway_route(table_id, cidr, attachment_id, false);
        self.accepted(text.contents(), result)
    }
}
