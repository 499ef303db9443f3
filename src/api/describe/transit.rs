//! The reading calls about peering connections and transit gateways.
//!
//! SearchTransitGatewayRoutes shows rows that decide, those that share a prefix included; of its filters those about what is not simulated (prefix lists) match
//! nothing, and a `subnet-of-match` and its kin compare blocks.
//! Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SearchTransitGatewayRoutes.html

use super::{Call, refusal};
use crate::api::documents;
use crate::api::filter::{self, FilterTable};
use crate::api::{ApiError, paging};
use crate::model::{TransitGatewayRoute, TransitGatewayRouteTable};
use crate::net::Ipv4Net;
use serde_json::{Value, json};

impl Call<'_> {
    /// Answers one of these calls; `None` if the operation is not one.
    ///
    /// # Errors
    /// As [`super::describe`].
    pub(super) fn roads_to_vpcs(&self) -> Result<Option<Value>, ApiError> {
        Ok(Some(match self.parameters.operation() {
            "DescribeVpcPeeringConnections" => self.peering_connections()?,
            "DescribeTransitGateways" => self.transit_gateways()?,
            "DescribeTransitGatewayAttachments" => self.attachments(
                "TransitGatewayAttachments",
                &filter::TRANSIT_GATEWAY_ATTACHMENTS,
                |call, attachment| Some(documents::transit_gateway_attachment(call.model, call.calendar, attachment)),
            )?,
            "DescribeTransitGatewayVpcAttachments" => self.attachments(
                "TransitGatewayVpcAttachments",
                &filter::TRANSIT_GATEWAY_VPC_ATTACHMENTS,
                |call, attachment| documents::transit_gateway_vpc_attachment(call.model, call.calendar, attachment),
            )?,
            "DescribeTransitGatewayPeeringAttachments" => self.attachments(
                "TransitGatewayPeeringAttachments",
                &filter::TRANSIT_GATEWAY_PEERING_ATTACHMENTS,
                |call, attachment| documents::transit_gateway_peering_attachment(call.whole, call.calendar, attachment),
            )?,
            "DescribeTransitGatewayRouteTables" => self.transit_gateway_route_tables()?,
            "GetTransitGatewayRouteTableAssociations" => {
                let table = self.transit_gateway_route_table()?;
                self.links("Associations", table.associations.iter(), "associated")?
            }
            "GetTransitGatewayRouteTablePropagations" => {
                let table = self.transit_gateway_route_table()?;
                self.links("TransitGatewayRouteTablePropagations", table.propagations.iter(), "enabled")?
            }
            "SearchTransitGatewayRoutes" => self.search_routes()?,
            _ => return Ok(None),
        }))
    }

    fn peering_connections(&self) -> Result<Value, ApiError> {
        let missing = |id| self.model.peering_connection(id).err();
        let chosen = self.chosen("VpcPeeringConnectionIds", &self.model.peering_connections, missing)?;
        let document = |connection| documents::peering_connection(self.whole, self.calendar, connection);
        self.list("VpcPeeringConnections", &filter::VPC_PEERING_CONNECTIONS, chosen.into_iter().map(document))
    }

    fn transit_gateways(&self) -> Result<Value, ApiError> {
        let missing = |id| self.model.transit_gateway(id).err();
        let chosen = self.chosen("TransitGatewayIds", &self.model.transit_gateways, missing)?;
        let document = |gateway| documents::transit_gateway(self.model, self.calendar, gateway, "available");
        self.list("TransitGateways", &filter::TRANSIT_GATEWAYS, chosen.into_iter().map(document))
    }

    fn attachments(
        &self,
        member: &str,
        table: &FilterTable,
        document: impl Fn(&Self, &crate::model::TransitGatewayAttachment) -> Option<Value>,
    ) -> Result<Value, ApiError> {
        let missing = |id| self.model.transit_gateway_attachment(id).err();
        let chosen = self.chosen("TransitGatewayAttachmentIds", &self.model.transit_gateway_attachments, missing)?;
        self.list(member, table, chosen.into_iter().filter_map(|attachment| document(self, attachment)))
    }

    fn transit_gateway_route_tables(&self) -> Result<Value, ApiError> {
        let missing = |id| self.model.transit_gateway_route_table(id).err();
        let all = &self.model.transit_gateway_route_tables;
        let chosen = self.chosen("TransitGatewayRouteTableIds", all, missing)?;
        let document = |table| documents::transit_gateway_route_table(self.model, self.calendar, table, "available");
        self.list("TransitGatewayRouteTables", &filter::TRANSIT_GATEWAY_ROUTE_TABLES, chosen.into_iter().map(document))
    }

    fn transit_gateway_route_table(&self) -> Result<&TransitGatewayRouteTable, ApiError> {
        let id = self.parameters.required_id("TransitGatewayRouteTableId")?;
        self.model.transit_gateway_route_table(id).map_err(refusal)
    }

    fn links<'i>(
        &self,
        member: &str,
        ids: impl Iterator<Item = &'i crate::ids::TransitGatewayAttachmentId>,
        state: &str,
    ) -> Result<Value, ApiError> {
        let attachments = ids.filter_map(|id| self.model.transit_gateway_attachments.get(id));
        let documents = attachments.map(|attachment| documents::transit_gateway_link(attachment, state));
        self.list(member, &filter::TRANSIT_GATEWAY_LINKS, documents)
    }

    fn search_routes(&self) -> Result<Value, ApiError> {
        let table = self.transit_gateway_route_table()?;
        let mut tests: Vec<BlockTest> = Vec::new();
        let mut plain = Vec::new();
        for given in self.parameters.structures("Filters")? {
            let name = given.required_text("Name")?;
            let values = given.texts("Values")?;
            given.finish()?;
            match name.strip_prefix("route-search.") {
                Some(kind) => tests.push(BlockTest::parse(kind, &values)?),
                None => plain.push((name, values)),
            }
        }
        let filters = filter::of_pairs(plain, &filter::TRANSIT_GATEWAY_ROUTES)?;
        let mut decided: Vec<TransitGatewayRoute> = Vec::new();
        for route in self.model.transit_gateway_routes(table) {
            let shares = |other: &TransitGatewayRoute| other.rank == route.rank;
            if decided.iter().find(|other| other.cidr == route.cidr).is_none_or(shares) {
                decided.push(route);
            }
        }
        let documents = decided
            .iter()
            .filter(|route| tests.iter().all(|test| test.passes(route.cidr, &decided)))
            .map(|route| documents::transit_gateway_route(self.model, route))
            .filter(|document| filter::passes(&filters, document));
        let page = paging::page(self.parameters, documents.collect())?;
        Ok(json!({"Routes": page.items, "AdditionalRoutesAvailable": page.next_token.is_some()}))
    }
}

/// A `route-search.*` filter.
enum BlockTest {
    /// `exact-match`.
    Exact(Vec<Ipv4Net>),
    /// `longest-prefix-match`: the route that an address or a block takes.
    Longest(Vec<Ipv4Net>),
    /// `subnet-of-match`: routes inside the block.
    SubnetOf(Vec<Ipv4Net>),
    /// `supernet-of-match`: routes around the block.
    SupernetOf(Vec<Ipv4Net>),
}

impl BlockTest {
    fn parse(kind: &str, values: &[String]) -> Result<Self, ApiError> {
        let block = |text: &String| {
            let single = || text.parse::<std::net::Ipv4Addr>().ok().map(Ipv4Net::from);
            text.parse::<Ipv4Net>().ok().or_else(single).map(|block| block.trunc()).ok_or_else(|| {
                ApiError::new("InvalidParameterValue", format!("Value ({text}) is not a valid CIDR block."))
            })
        };
        let blocks = values.iter().map(block).collect::<Result<Vec<_>, _>>()?;
        match kind {
            "exact-match" => Ok(BlockTest::Exact(blocks)),
            "longest-prefix-match" => Ok(BlockTest::Longest(blocks)),
            "subnet-of-match" => Ok(BlockTest::SubnetOf(blocks)),
            "supernet-of-match" => Ok(BlockTest::SupernetOf(blocks)),
            _ => Err(ApiError::new("InvalidParameterValue", format!("The filter 'route-search.{kind}' is invalid"))),
        }
    }

    fn passes(&self, cidr: Ipv4Net, all: &[TransitGatewayRoute]) -> bool {
        match self {
            BlockTest::Exact(blocks) => blocks.contains(&cidr),
            BlockTest::SubnetOf(blocks) => blocks.iter().any(|block| block.contains(&cidr)),
            BlockTest::SupernetOf(blocks) => blocks.iter().any(|block| cidr.contains(block)),
            BlockTest::Longest(blocks) => blocks.iter().any(|block| {
                let around = all.iter().map(|route| route.cidr).filter(|other| other.contains(block));
                around.max_by_key(Ipv4Net::prefix_len) == Some(cidr)
            }),
        }
    }
}
