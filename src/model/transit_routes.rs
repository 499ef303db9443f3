//! Route tables of transit gateways: association, propagation, static routes, and what the three make of a table.
//!
//! | | rule |
//! |---|---|
//! | 1 | the longest prefix wins |
//! | 2 | equal prefixes: static routes, then VPCs, then Direct Connect, then VPN |
//! | 3 | among routes of one kind: the shorter AS_PATH, then the lower MED, then the attachment's id (AWS: undefined) |
//! | 4 | BGP VPNs that are alike in all of it share the flows (equal-cost multi-path) |
//!
//! What BGP says over a VPN whose tunnels are both down, or over a virtual interface that is down, is withdrawn; static routes of a VPN stay. Peerings propagate
//! nothing. Not simulated: prefix list references, Connect attachments, policy tables. Messages are unverified unless marked "AWS's".
//! Source: docs.aws.amazon.com/vpc/latest/tgw/how-transit-gateways-work.html (route evaluation order), tgw-route-tables.html

use super::*;
use crate::net::Ipv4Net;
use crate::time::SimTime;

/// One row of a transit gateway's route table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransitGatewayRoute {
    /// Which packets it is for.
    pub cidr: Ipv4Net,
    /// Where they go; `None` is a blackhole on purpose.
    pub attachment_id: Option<TransitGatewayAttachmentId>,
    /// Its rank among routes of the same prefix.
    pub rank: TransitGatewayRouteRank,
    /// Whether the attachment takes packets.
    pub state: RouteState,
}

/// Rank among routes of an equal prefix: the derived order is rules 2 and 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransitGatewayRouteRank {
    /// Written down.
    Static,
    /// A block of an attached VPC.
    Vpc,
    /// Learned over Direct Connect or a VPN.
    Learned {
        /// Over what: Direct Connect first. Static and BGP routes of VPNs rank alike.
        over_vpn: bool,
        /// Length of the BGP AS_PATH; 0 for static.
        as_path_length: u8,
        /// BGP multi-exit discriminator; 0 for static.
        multi_exit_discriminator: u32,
        /// Whether BGP said it, over a VPN: what rule 4 asks for.
        shares_flows: bool,
    },
}

impl Model {
    /// Adds an empty route table to a transit gateway.
    ///
    /// # Errors
    /// `InvalidTransitGatewayID.NotFound`, `TransitGatewayRouteTableLimitExceeded`, `InvalidParameterValue` (the id is taken).
    pub fn add_transit_gateway_route_table(
        &mut self,
        label: &str,
        id: Option<TransitGatewayRouteTableId>,
        transit_gateway_id: TransitGatewayId,
        at: SimTime,
        tags: Tags,
    ) -> Result<TransitGatewayRouteTableId, ModelError> {
        self.transit_gateway(transit_gateway_id)?;
        let limit = self.quotas.transit_gateway_route_tables;
        let siblings =
            self.transit_gateway_route_tables.values().filter(|table| table.transit_gateway_id == transit_gateway_id);
        if siblings.count() >= limit {
            let code = "TransitGatewayRouteTableLimitExceeded";
            return Err(ModelError::quota(code, "route tables of a transit gateway", limit));
        }
        let id = id.unwrap_or_else(|| TransitGatewayRouteTableId::mint(self.seed, label, self.id_length));
        if self.transit_gateway_route_tables.contains_key(&id) {
            return Err(ModelError::new("InvalidParameterValue", format!("The ID '{id}' is already in use.")));
        }
        let table = TransitGatewayRouteTable {
            id,
            transit_gateway_id,
            associations: BTreeSet::new(),
            propagations: BTreeSet::new(),
            routes: BTreeMap::new(),
            created_at: at,
            tags,
        };
        self.transit_gateway_route_tables.insert(id, table);
        Ok(id)
    }

    /// Deletes a route table that no attachment is associated with and that is no default table.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `IncorrectState`.
    pub fn delete_transit_gateway_route_table(&mut self, id: TransitGatewayRouteTableId) -> Result<(), ModelError> {
        let table = self.transit_gateway_route_table(id)?;
        let gateway = self.transit_gateway(table.transit_gateway_id)?;
        let roles = [gateway.default_association_route_table_id, gateway.default_propagation_route_table_id];
        if roles.contains(&Some(id)) {
            return Err(ModelError::new(
                "IncorrectState",
                format!(
                    "Cannot delete Transit Gateway Route Table {id}: it is a default route table of {}",
                    gateway.id
                ),
            ));
        }
        if !table.associations.is_empty() {
            return Err(ModelError::new(
                "IncorrectState",
                format!("Cannot delete Transit Gateway Route Table {id}: attachments are associated with it"),
            ));
        }
        self.transit_gateway_route_tables.remove(&id);
        self.retired_ids.insert(id.to_string());
        Ok(())
    }

    /// Makes a table decide where what comes in by an attachment goes.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `InvalidTransitGatewayAttachmentID.NotFound`, `IncorrectState`, `Resource.AlreadyAssociated`.
    pub fn associate_transit_gateway_route_table(
        &mut self,
        table_id: TransitGatewayRouteTableId,
        attachment_id: TransitGatewayAttachmentId,
    ) -> Result<(), ModelError> {
        let attachment_id = self.attachment_for(table_id, attachment_id)?;
        if self.transit_gateway_association(attachment_id).is_some() {
            // AWS's sentence.
            return Err(ModelError::new(
                "Resource.AlreadyAssociated",
                format!("Transit Gateway Attachment {attachment_id} is already associated to a route table."),
            ));
        }
        if let Some(table) = self.transit_gateway_route_tables.get_mut(&table_id) {
            table.associations.insert(attachment_id);
        }
        Ok(())
    }

    /// Ends an association. What comes in by the attachment is dropped until there is another.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `InvalidTransitGatewayAttachmentID.NotFound`, `InvalidAssociation.NotFound`.
    pub fn disassociate_transit_gateway_route_table(
        &mut self,
        table_id: TransitGatewayRouteTableId,
        attachment_id: TransitGatewayAttachmentId,
    ) -> Result<(), ModelError> {
        let attachment_id = self.attachment_for(table_id, attachment_id)?;
        let table = self.transit_gateway_route_tables.get_mut(&table_id);
        if table.is_some_and(|table| table.associations.remove(&attachment_id)) {
            return Ok(());
        }
        Err(ModelError::new(
            "InvalidAssociation.NotFound",
            format!("Transit Gateway Attachment {attachment_id} is not associated with {table_id}."),
        ))
    }

    /// Lets an attachment tell a table its blocks.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `InvalidTransitGatewayAttachmentID.NotFound`, `IncorrectState`, `InvalidParameterValue` (a peering),
    /// `TransitGatewayRouteTablePropagation.Duplicate`.
    pub fn enable_transit_gateway_propagation(
        &mut self,
        table_id: TransitGatewayRouteTableId,
        attachment_id: TransitGatewayAttachmentId,
    ) -> Result<(), ModelError> {
        let attachment_id = self.attachment_for(table_id, attachment_id)?;
        if self.transit_gateway_attachment(attachment_id)?.peer().is_some() {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("{attachment_id} is a peering attachment, whose routes are static: it cannot propagate."),
            ));
        }
        let table = self.transit_gateway_route_tables.get_mut(&table_id);
        if table.is_some_and(|table| table.propagations.insert(attachment_id)) {
            return Ok(());
        }
        // AWS's sentence.
        Err(ModelError::new(
            "TransitGatewayRouteTablePropagation.Duplicate",
            format!("Propagation {attachment_id} is already enabled to {table_id}"),
        ))
    }

    /// Ends a propagation: the attachment's blocks leave the table.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `InvalidTransitGatewayAttachmentID.NotFound`, `TransitGatewayRouteTablePropagation.NotFound`.
    pub fn disable_transit_gateway_propagation(
        &mut self,
        table_id: TransitGatewayRouteTableId,
        attachment_id: TransitGatewayAttachmentId,
    ) -> Result<(), ModelError> {
        let attachment_id = self.attachment_for(table_id, attachment_id)?;
        let table = self.transit_gateway_route_tables.get_mut(&table_id);
        if table.is_some_and(|table| table.propagations.remove(&attachment_id)) {
            return Ok(());
        }
        Err(ModelError::new(
            "TransitGatewayRouteTablePropagation.NotFound",
            format!("Propagation {attachment_id} is not enabled to {table_id}"),
        ))
    }

    /// Writes a static route; `replace` says whether there has to be one already. `None` is a blackhole.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `InvalidTransitGatewayAttachmentID.NotFound`, `IncorrectState`, `RouteAlreadyExists`, `InvalidRoute.NotFound`,
    /// `RouteLimitExceeded`.
    pub fn put_transit_gateway_route(
        &mut self,
        table_id: TransitGatewayRouteTableId,
        cidr: Ipv4Net,
        attachment_id: Option<TransitGatewayAttachmentId>,
        replace: bool,
    ) -> Result<(), ModelError> {
        let table = self.transit_gateway_route_table(table_id)?;
        let cidr = cidr.trunc();
        match table.routes.contains_key(&cidr) {
            true if !replace => {
                // AWS's sentence.
                return Err(ModelError::new(
                    "RouteAlreadyExists",
                    format!("Route {cidr} already exists in Transit Gateway Route Table {table_id}."),
                ));
            }
            false if replace => return Err(no_route(table_id, cidr)),
            _ => {}
        }
        let gateway_id = table.transit_gateway_id;
        let siblings = self.transit_gateway_route_tables.values().filter(|t| t.transit_gateway_id == gateway_id);
        let limit = self.quotas.transit_gateway_routes;
        if !replace && siblings.map(|table| table.routes.len()).sum::<usize>() >= limit {
            return Err(ModelError::quota("RouteLimitExceeded", "routes of a transit gateway", limit));
        }
        let target = match attachment_id {
            Some(id) => TransitGatewayRouteTarget::Attachment(self.attachment_for(table_id, id)?),
            None => TransitGatewayRouteTarget::Blackhole,
        };
        if let Some(table) = self.transit_gateway_route_tables.get_mut(&table_id) {
            table.routes.insert(cidr, target);
        }
        Ok(())
    }

    /// Deletes a static route.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `InvalidRoute.NotFound`.
    pub fn delete_transit_gateway_route(
        &mut self,
        table_id: TransitGatewayRouteTableId,
        cidr: Ipv4Net,
    ) -> Result<(), ModelError> {
        self.transit_gateway_route_table(table_id)?;
        let cidr = cidr.trunc();
        let removed = self.transit_gateway_route_tables.get_mut(&table_id).and_then(|table| table.routes.remove(&cidr));
        removed.map(|_| ()).ok_or_else(|| no_route(table_id, cidr))
    }

    /// Every row of a table, by prefix and then by preference: the first of each prefix decides, and those that rank exactly like it share its flows if
    /// BGP said them over VPNs.
    pub fn transit_gateway_routes(&self, table: &TransitGatewayRouteTable) -> Vec<TransitGatewayRoute> {
        let fixed = table.routes.iter().map(|(cidr, target)| TransitGatewayRoute {
            cidr: *cidr,
            attachment_id: match target {
                TransitGatewayRouteTarget::Attachment(id) => Some(*id),
                TransitGatewayRouteTarget::Blackhole => None,
            },
            rank: TransitGatewayRouteRank::Static,
            state: match target {
                TransitGatewayRouteTarget::Attachment(id) if self.is_attached(*id) => RouteState::Active,
                _ => RouteState::Blackhole,
            },
        });
        let mut routes: Vec<_> = fixed.collect();
        for id in table.propagations.iter().filter(|id| self.is_attached(**id)) {
            routes.extend(self.propagated_by(*id).into_iter().map(|(cidr, rank)| TransitGatewayRoute {
                cidr,
                attachment_id: Some(*id),
                rank,
                state: RouteState::Active,
            }));
        }
        routes.sort_by_key(|route| (route.cidr.network(), route.cidr.prefix_len(), route.rank, route.attachment_id));
        routes
    }

    /// What an attachment tells tables.
    fn propagated_by(&self, id: TransitGatewayAttachmentId) -> Vec<(Ipv4Net, TransitGatewayRouteRank)> {
        let learned = |route: &LearnedRoute, over_vpn, shares_flows| {
            let rank = TransitGatewayRouteRank::Learned {
                over_vpn,
                as_path_length: route.as_path_length,
                multi_exit_discriminator: route.multi_exit_discriminator,
                shares_flows,
            };
            (route.cidr.trunc(), rank)
        };
        match self.transit_gateway_attachments.get(&id).map(|attachment| &attachment.resource) {
            Some(TransitGatewayResource::Vpc { vpc_id, .. }) => {
                let blocks = self.vpcs.get(vpc_id).into_iter().flat_map(|vpc| &vpc.cidr_blocks);
                blocks.map(|block| (block.cidr, TransitGatewayRouteRank::Vpc)).collect()
            }
            Some(TransitGatewayResource::Vpn(connection_id)) => {
                let connection = self.vpn_connections.get(connection_id).filter(|connection| {
                    !connection.deleted && (connection.static_routes_only || connection.tunnels_up != [false, false])
                });
                let told = connection.into_iter().flat_map(|connection| {
                    connection.routes.iter().map(move |route| (route, !connection.static_routes_only))
                });
                told.map(|(route, bgp)| learned(route, true, bgp)).collect()
            }
            Some(TransitGatewayResource::DirectConnect(interface_id)) => {
                let interface = self.virtual_interfaces.get(interface_id).filter(|interface| interface.up);
                interface.into_iter().flat_map(|i| &i.routes).map(|route| learned(route, false, false)).collect()
            }
            Some(TransitGatewayResource::Peering { .. }) | None => Vec::new(),
        }
    }

    /// The table that an attachment is associated with.
    pub fn transit_gateway_association(&self, id: TransitGatewayAttachmentId) -> Option<&TransitGatewayRouteTable> {
        self.transit_gateway_route_tables.values().find(|table| table.associations.contains(&id))
    }

    /// The table, or `InvalidRouteTableID.NotFound`.
    pub fn transit_gateway_route_table(
        &self,
        id: TransitGatewayRouteTableId,
    ) -> Result<&TransitGatewayRouteTable, ModelError> {
        self.transit_gateway_route_tables.get(&id).ok_or_else(|| {
            // AWS's sentence.
            let message = format!("Transit Gateway Route Table {id} was deleted or does not exist.");
            ModelError::new("InvalidRouteTableID.NotFound", message)
        })
    }

    fn is_attached(&self, id: TransitGatewayAttachmentId) -> bool {
        let attachment = self.transit_gateway_attachments.get(&id);
        attachment.is_some_and(|attachment| attachment.state == TransitGatewayAttachmentState::Available)
    }

    /// The available attachment of the table's transit gateway that `id` means.
    fn attachment_for(
        &self,
        table_id: TransitGatewayRouteTableId,
        id: TransitGatewayAttachmentId,
    ) -> Result<TransitGatewayAttachmentId, ModelError> {
        let gateway_id = self.transit_gateway_route_table(table_id)?.transit_gateway_id;
        let attachment = self.attachment_of_gateway(id, gateway_id)?;
        attachment.check_available()?;
        Ok(attachment.id)
    }
}

fn no_route(table_id: TransitGatewayRouteTableId, cidr: Ipv4Net) -> ModelError {
    ModelError::new("InvalidRoute.NotFound", format!("Route {cidr} does not exist in {table_id}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        model: Model,
        gateway: TransitGatewayId,
        table: TransitGatewayRouteTableId,
        vpc: TransitGatewayAttachmentId,
    }

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    impl Bench {
        fn new() -> Bench {
            let mut model = Model::new("us-east-1", "111122223333", Seed::new(1));
            let new = NewVpc {
                label: "v".into(),
                id: None,
                region: None,
                cidrs: vec![net("10.1.0.0/16")],
                is_default: false,
                enable_dns_hostnames: false,
                tags: Tags::default(),
            };
            let vpc_id = model.add_vpc(new).unwrap();
            let subnet = |model: &mut Model, label: &str, cidr: &str, zone: &str| {
                let new = NewSubnet {
                    label: label.into(),
                    id: None,
                    vpc_id,
                    cidr: net(cidr),
                    availability_zone: zone.into(),
                    default_for_az: false,
                    map_public_ip_on_launch: false,
                    tags: Tags::default(),
                };
                model.add_subnet(new).unwrap()
            };
            let first = subnet(&mut model, "s", "10.1.1.0/24", "us-east-1a");
            subnet(&mut model, "t", "10.1.2.0/24", "us-east-1a");
            let new = NewTransitGateway {
                label: "hub".into(),
                id: None,
                region: None,
                default_association: true,
                default_propagation: true,
                security_group_referencing: false,
                vpn_equal_cost: true,
                description: String::new(),
                amazon_side_asn: TransitGateway::DEFAULT_ASN,
                at: SimTime::ZERO,
                tags: Tags::default(),
            };
            let gateway = model.add_transit_gateway(new).unwrap();
            let table = model.transit_gateways[&gateway].default_association_route_table_id.unwrap();
            let vpc = Bench::attach(&mut model, gateway, vpc_id, &[first]).unwrap();
            Bench { model, gateway, table, vpc }
        }

        fn attach(
            model: &mut Model,
            transit_gateway_id: TransitGatewayId,
            vpc_id: VpcId,
            subnets: &[SubnetId],
        ) -> Result<TransitGatewayAttachmentId, ModelError> {
            model.add_vpc_attachment(NewVpcAttachment {
                label: "attachment".into(),
                id: None,
                transit_gateway_id,
                vpc_id,
                subnet_ids: subnets.to_vec(),
                appliance_mode: false,
                security_group_referencing: true,
                at: SimTime::ZERO,
                tags: Tags::default(),
            })
        }

        /// A VPN that announces `cidr`.
        fn vpn(
            &mut self,
            name: &str,
            cidr: &str,
            bgp: bool,
            as_path_length: u8,
            up: bool,
        ) -> TransitGatewayAttachmentId {
            let id = VpnConnectionId::mint(Seed::new(1), name, IdLength::Short);
            let connection = VpnConnection {
                id,
                target: VpnTarget::TransitGateway(self.gateway),
                customer_gateway_id: CustomerGatewayId::mint(Seed::new(1), name, IdLength::Short),
                on_premises: "office".into(),
                static_routes_only: !bgp,
                routes: vec![LearnedRoute { cidr: net(cidr), as_path_length, multi_exit_discriminator: 0 }],
                tunnels_up: [up, false],
                deleted: false,
                created_at: SimTime::ZERO,
                tags: Tags::default(),
            };
            self.model.vpn_connections.insert(id, connection);
            let resource = TransitGatewayResource::Vpn(id);
            self.model.add_connection_attachment(name, self.gateway, resource, SimTime::ZERO).unwrap()
        }

        /// Who has `cidr`, best first.
        fn ranking(&self, cidr: &str) -> Vec<Option<TransitGatewayAttachmentId>> {
            let table = self.model.transit_gateway_route_table(self.table).unwrap();
            let routes = self.model.transit_gateway_routes(table);
            routes.iter().filter(|route| route.cidr == net(cidr)).map(|route| route.attachment_id).collect()
        }
    }

    #[test]
    fn equal_prefixes_rank_by_kind_then_path() {
        let mut bench = Bench::new();
        let block = "10.1.0.0/16";
        let long = bench.vpn("long", block, true, 3, true);
        let short = bench.vpn("short", block, true, 1, true);
        let down = bench.vpn("down", block, true, 1, false);
        let fixed = bench.vpn("fixed", block, false, 0, false);
        let id = VirtualInterfaceId::mint(Seed::new(1), "dx", IdLength::Short);
        let interface = VirtualInterface {
            id,
            kind: VirtualInterfaceKind::Transit(bench.gateway),
            on_premises: "office".into(),
            routes: vec![LearnedRoute { cidr: net(block), as_path_length: 9, multi_exit_discriminator: 9 }],
            mtu_bytes: 8500,
            up: true,
            tags: Tags::default(),
        };
        bench.model.virtual_interfaces.insert(id, interface);
        let resource = TransitGatewayResource::DirectConnect(id);
        let dx = bench.model.add_connection_attachment("dx", bench.gateway, resource, SimTime::ZERO).unwrap();
        let wanted = [bench.vpc, dx, fixed, short, long].map(Some);
        assert_eq!(bench.ranking(block), wanted, "what BGP says over a VPN that is down is withdrawn");
        assert!(!bench.ranking(block).contains(&Some(down)));
        bench.model.put_transit_gateway_route(bench.table, net(block), None, false).unwrap();
        assert_eq!(bench.ranking(block)[0], None, "static before propagated");
    }

    #[test]
    fn refusals_have_awss_codes_and_change_nothing() {
        let mut bench = Bench::new();
        let (table, vpc, model) = (bench.table, bench.vpc, &mut bench.model);
        let code = |result: Result<(), ModelError>| result.unwrap_err().code;
        let block = net("10.9.0.0/16");
        assert_eq!(code(model.associate_transit_gateway_route_table(table, vpc)), "Resource.AlreadyAssociated");
        let twice = model.enable_transit_gateway_propagation(table, vpc);
        assert_eq!(code(twice), "TransitGatewayRouteTablePropagation.Duplicate");
        assert_eq!(code(model.delete_transit_gateway_route(table, block)), "InvalidRoute.NotFound");
        assert_eq!(code(model.put_transit_gateway_route(table, block, Some(vpc), true)), "InvalidRoute.NotFound");
        model.put_transit_gateway_route(table, block, Some(vpc), false).unwrap();
        assert_eq!(code(model.put_transit_gateway_route(table, block, None, false)), "RouteAlreadyExists");
        model.put_transit_gateway_route(table, block, None, true).unwrap();
        assert_eq!(code(model.delete_transit_gateway_route_table(table)), "IncorrectState");
        assert_eq!(code(model.delete_transit_gateway(bench.gateway)), "IncorrectState");

        let vpc_id = model.transit_gateway_attachments[&vpc].vpc_id().unwrap();
        let subnets: Vec<_> = model.subnets.keys().copied().collect();
        let again = Bench::attach(model, bench.gateway, vpc_id, &subnets[..1]);
        assert_eq!(again.unwrap_err().code, "DuplicateTransitGatewayAttachment");
        let interfaces = model.network_interfaces.len();
        let same_zone = model.modify_vpc_attachment(vpc, &subnets, &[], None, None, SimTime::ZERO);
        assert_eq!(same_zone.unwrap_err().code, "DuplicateSubnetsInSameZone");
        assert_eq!(model.network_interfaces.len(), interfaces);

        // Another subnet of the zone in the place of the one there was.
        let TransitGatewayResource::Vpc { subnets: before, .. } = &model.transit_gateway_attachments[&vpc].resource
        else {
            panic!("a VPC's")
        };
        let (old, old_interface) = before.iter().map(|(subnet, eni)| (*subnet, *eni)).next().unwrap();
        let new = *subnets.iter().find(|subnet| **subnet != old).unwrap();
        model.modify_vpc_attachment(vpc, &[new], &[old], Some(true), None, SimTime::ZERO).unwrap();
        assert!(model.is_retired(old_interface) && model.network_interfaces.len() == interfaces);
        assert_eq!(model.delete_subnet(new).unwrap_err().code, "DependencyViolation", "the interface is in it");

        model.delete_transit_gateway_attachment(vpc).unwrap();
        assert!(model.network_interfaces.is_empty());
        assert_eq!(code(model.delete_transit_gateway_attachment(vpc)), "IncorrectState");
        model.delete_transit_gateway(bench.gateway).unwrap();
        assert!(model.transit_gateway_route_tables.is_empty() && model.is_retired(table));
    }

    #[test]
    fn quotas_are_counted() {
        let mut bench = Bench::new();
        bench.model.quotas.transit_gateway_attachments = 1;
        let vpn = VpnConnectionId::mint(Seed::new(1), "x", IdLength::Short);
        let resource = TransitGatewayResource::Vpn(vpn);
        let refused = bench.model.add_connection_attachment("x", bench.gateway, resource, SimTime::ZERO);
        assert_eq!(refused.unwrap_err().code, "TransitGatewayAttachmentLimitExceeded");
        bench.model.quotas.transit_gateway_route_tables = 1;
        let refused =
            bench.model.add_transit_gateway_route_table("t", None, bench.gateway, SimTime::ZERO, Tags::default());
        assert_eq!(refused.unwrap_err().code, "TransitGatewayRouteTableLimitExceeded");
        bench.model.quotas.transit_gateway_routes = 0;
        let refused = bench.model.put_transit_gateway_route(bench.table, net("10.9.0.0/16"), None, false);
        assert_eq!(refused.unwrap_err().code, "RouteLimitExceeded");
    }
}
