//! `[peering]`: VPC peering connections that exist from the start.

use super::*;
use crate::ids::VpcPeeringConnectionId;
use crate::model::{NewPeeringConnection, PeeringState, Tags};
use crate::time::SimTime;

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys: `vpcs` (requester and accepter), `accepted`, `dns_resolution`, `id`.
    pub(super) fn peering_connections(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "peering", Kind::Peering, Self::peering_connection);
    }

    fn peering_connection(&mut self, name: &Text<'a>, section: &Section<'a, 'r>) -> Option<()> {
        let id = self.wanted_id::<VpcPeeringConnectionId>(section, "id");
        let accepted = section.boolean("accepted").unwrap_or(true);
        let resolution = section.texts("dns_resolution").unwrap_or_default();
        if !section.has("vpcs") {
            let message = format!("{} does not say which VPCs it joins", section.what);
            let problem = Problem::new(section.span.clone(), message, "needs \"vpcs\"");
            self.report(problem.help("for example: vpcs = [\"a\", \"b\"]: the first asks, the second accepts"));
        }
        let vpcs = section.texts("vpcs")?;
        let [requester, accepter] = vpcs.as_slice() else {
            let message = format!("a peering connection joins two VPCs, not {}", vpcs.len());
            self.report(Problem::new(section.span_of("vpcs"), message, "expected two"));
            return None;
        };
        let requester_vpc_id = self.refer::<VpcId>(Kind::Vpc, requester, requester.text);
        let accepter_vpc_id = self.refer::<VpcId>(Kind::Vpc, accepter, accepter.text);
        let (requester_vpc_id, accepter_vpc_id) = (requester_vpc_id?, accepter_vpc_id?);
        let new = NewPeeringConnection {
            label: name.text.to_owned(),
            id: id?,
            requester_vpc_id,
            accepter_vpc_id,
            at: SimTime::ZERO,
            tags: Tags::named(name.text),
        };
        let result = self.model.add_peering_connection(new);
        let id = self.accepted(section.span_of("vpcs"), result)?;
        self.declare(Kind::Peering, name, id);
        if self.model.peering_connections.get(&id)?.state == PeeringState::Failed {
            let blocks = |vpc_id: VpcId| {
                let vpc = self.model.vpcs.get(&vpc_id);
                let cidrs = vpc.into_iter().flat_map(|vpc| &vpc.cidr_blocks).map(|block| block.cidr.to_string());
                cidrs.collect::<Vec<_>>().join(", ")
            };
            let message = "VPCs whose blocks overlap cannot be peered";
            let help = format!(
                "{} has {}, {} has {}",
                requester.text,
                blocks(requester_vpc_id),
                accepter.text,
                blocks(accepter_vpc_id)
            );
            self.report(Problem::new(section.span_of("vpcs"), message, "the request would fail").help(help));
            return None;
        }
        if !accepted {
            if let Some(text) = resolution.first() {
                let message = "options of a peering connection can be set only while it is active";
                self.report(Problem::new(text.contents(), message, "it is not accepted"));
                return None;
            }
            return Some(());
        }
        let result = self.model.accept_peering_connection(id);
        self.accepted(section.span_of("vpcs"), result)?;
        for text in &resolution {
            let vpc_id = self.refer::<VpcId>(Kind::Vpc, text, text.text)?;
            let sides = match vpc_id {
                _ if vpc_id == requester_vpc_id => (Some(true), None),
                _ if vpc_id == accepter_vpc_id => (None, Some(true)),
                _ => {
                    let message = format!("{} is no side of this peering connection", text.text);
                    self.report(Problem::new(text.contents(), message, "expected one of \"vpcs\""));
                    return None;
                }
            };
            let result = self.model.set_peering_options(id, sides.0, sides.1);
            self.accepted(text.contents(), result)?;
        }
        Some(())
    }
}
