//! Building the network itself: VPCs, subnets, route tables, internet gateways.

use super::*;
use crate::net::Ipv4Net;

/// What a new VPC is to be.
#[derive(Clone, Debug)]
pub struct NewVpc {
    /// What ids derive from.
    pub label: String,
    /// Its id, if wanted.
    pub id: Option<VpcId>,
    /// Its Region; `None` is the model's own.
    pub region: Option<String>,
    /// IPv4 blocks, the primary first.
    pub cidrs: Vec<Ipv4Net>,
    /// Whether it is the default VPC (the caller adds subnets and gateway: see [`Model::add_default_vpc`]).
    pub is_default: bool,
    /// `enableDnsHostnames`; AWS: on in default VPCs, off in others.
    pub enable_dns_hostnames: bool,
    /// Tags.
    pub tags: Tags,
}

/// What a new subnet is to be.
#[derive(Clone, Debug)]
pub struct NewSubnet {
    /// What its id derives from.
    pub label: String,
    /// Its id, if wanted.
    pub id: Option<SubnetId>,
    /// Its VPC.
    pub vpc_id: VpcId,
    /// Its block.
    pub cidr: Ipv4Net,
    /// Its zone, `us-east-1a`.
    pub availability_zone: String,
    /// Whether it is the zone's default subnet.
    pub default_for_az: bool,
    /// Whether instances get public addresses.
    pub map_public_ip_on_launch: bool,
    /// Tags.
    pub tags: Tags,
}

impl Model {
    /// Adds a VPC with its main route table, default security group and default network ACL.
    ///
    /// # Errors
    /// `VpcLimitExceeded`, `InvalidVpc.Range` (blocks outside /16../28, or overlapping each other), `VpcAlreadyExists` (the id is taken).
    pub fn add_vpc(&mut self, new: NewVpc) -> Result<VpcId, ModelError> {
        let region = new.region.clone().unwrap_or_else(|| self.region.clone());
        if self.vpcs.values().filter(|vpc| vpc.region == region).count() >= self.quotas.vpcs_per_region {
            return Err(ModelError::quota("VpcLimitExceeded", "VPCs", self.quotas.vpcs_per_region));
        }
        if new.cidrs.is_empty() || new.cidrs.len() > self.quotas.cidr_blocks_per_vpc {
            return Err(ModelError::new(
                "InvalidVpc.Range",
                format!("A VPC needs 1 to {} IPv4 blocks.", self.quotas.cidr_blocks_per_vpc),
            ));
        }
        for (position, cidr) in new.cidrs.iter().enumerate() {
            if !(16..=28).contains(&cidr.prefix_len()) {
                return Err(ModelError::new("InvalidVpc.Range", format!("The CIDR '{cidr}' is invalid.")));
            }
            if let Some(other) = new.cidrs[..position].iter().find(|other| overlap(other, cidr)) {
                return Err(ModelError::new("InvalidVpc.Range", format!("The CIDR '{cidr}' overlaps '{other}'.")));
            }
            if position > 0 {
                super::vpc_cidr::check_goes_with(new.cidrs[0], *cidr)?;
            }
        }
        let (seed, length, label) = (self.seed, self.id_length, new.label.as_str());
        let id = new.id.unwrap_or_else(|| VpcId::mint(seed, label, length));
        if self.vpcs.contains_key(&id) {
            return Err(ModelError::new("VpcAlreadyExists", format!("The vpc ID '{id}' is already in use.")));
        }
        let cidr_blocks: Vec<_> = (new.cidrs.iter().enumerate())
            .map(|(position, cidr)| VpcCidrBlock {
                cidr: cidr.trunc(),
                association_id: VpcCidrAssociationId::mint(seed, &format!("{label} {position}"), length),
            })
            .collect();
        let table_id = RouteTableId::mint(seed, &format!("main {label}"), length);
        let group_id = SecurityGroupId::mint(seed, &format!("default {label}"), length);
        let acl_id = NetworkAclId::mint(seed, &format!("default {label}"), length);
        let local = |block: &VpcCidrBlock| Route {
            destination: RouteDestination::Cidr(block.cidr),
            target: RouteTarget::Local,
            origin: RouteOrigin::CreateRouteTable,
        };
        self.route_tables.insert(
            table_id,
            RouteTable {
                id: table_id,
                vpc_id: id,
                routes: cidr_blocks.iter().map(local).collect(),
                associations: Shared::default(),
                gateway_associations: Shared::default(),
                propagating_gateways: Shared::default(),
                main_association: Some(RouteTableAssociationId::mint(seed, &format!("main {label}"), length)),
                tags: Tags::default(),
            },
        );
        let allow_all = NetworkAclEntry { traffic: TrafficMatch::All, cidr: Ipv4Net::default(), allow: true };
        self.network_acls.insert(
            acl_id,
            NetworkAcl {
                id: acl_id,
                vpc_id: id,
                is_default: true,
                ingress: BTreeMap::from([(100, allow_all)]),
                egress: BTreeMap::from([(100, allow_all)]),
                tags: Tags::default(),
            },
        );
        let region = new.region.unwrap_or_else(|| self.region.clone());
        let dhcp_options_id = self.default_dhcp_options(&region);
        self.vpcs.insert(
            id,
            Vpc {
                id,
                region,
                cidr_blocks,
                is_default: new.is_default,
                main_route_table_id: table_id,
                default_security_group_id: group_id,
                default_network_acl_id: acl_id,
                dhcp_options_id: Some(dhcp_options_id),
                enable_dns_support: true,
                enable_dns_hostnames: new.enable_dns_hostnames,
                tags: new.tags,
            },
        );
        let mut group = self.new_group(id, "default", "default VPC security group", group_id);
        group.ingress.push(SecurityGroupRule {
            id: SecurityGroupRuleId::mint(seed, &format!("{group_id} ingress 0"), length),
            traffic: TrafficMatch::All,
            peer: RulePeer::SecurityGroup(group_id),
            description: None,
        });
        self.security_groups.insert(group_id, group);
        Ok(id)
    }

    /// Adds a default VPC as AWS makes it: 172.31.0.0/16, one /20 default subnet in each zone, an attached internet gateway and
    /// a default route to it.
    ///
    /// # Errors
    /// As [`Model::add_vpc`], [`Model::add_subnet`], [`Model::add_internet_gateway`].
    pub fn add_default_vpc(&mut self, label: &str, id: Option<VpcId>, zones: &[&str]) -> Result<VpcId, ModelError> {
        let base = u32::from(Ipv4Addr::new(172, 31, 0, 0));
        let cidr = Ipv4Net::new_assert(Ipv4Addr::from(base), 16);
        let new = NewVpc {
            label: label.to_owned(),
            id,
            region: None,
            cidrs: vec![cidr],
            is_default: true,
            enable_dns_hostnames: true,
            tags: Tags::default(),
        };
        let vpc_id = self.add_vpc(new)?;
        for (position, zone) in (0u32..).zip(zones) {
            self.add_subnet(NewSubnet {
                label: format!("{label} {zone}"),
                id: None,
                vpc_id,
                cidr: Ipv4Net::new_assert(Ipv4Addr::from(base + (position << 12)), 20),
                availability_zone: format!("{}{zone}", self.region),
                default_for_az: true,
                map_public_ip_on_launch: true,
                tags: Tags::default(),
            })?;
        }
        let gateway_id = self.add_internet_gateway(label, None, Tags::default())?;
        self.attach_internet_gateway(gateway_id, vpc_id)?;
        let main = self.vpcs[&vpc_id].main_route_table_id;
        self.add_route(
            main,
            RouteDestination::Cidr(Ipv4Net::default()),
            RouteTarget::InternetGateway(gateway_id),
            RouteOrigin::CreateRoute,
        )?;
        Ok(vpc_id)
    }

    /// Adds a subnet.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`, `SubnetLimitExceeded`, `InvalidSubnet.Range` (outside the VPC, or not /16../28), `InvalidSubnet.Conflict`.
    pub fn add_subnet(&mut self, new: NewSubnet) -> Result<SubnetId, ModelError> {
        let vpc = self.vpc(new.vpc_id)?;
        let cidr = new.cidr.trunc();
        if !(16..=28).contains(&cidr.prefix_len()) || !vpc.cidr_blocks.iter().any(|b| b.cidr.contains(&cidr)) {
            return Err(ModelError::new("InvalidSubnet.Range", format!("The CIDR '{cidr}' is invalid.")));
        }
        let acl_id = vpc.default_network_acl_id;
        let siblings = self.subnets.values().filter(|subnet| subnet.vpc_id == new.vpc_id);
        if siblings.clone().count() >= self.quotas.subnets_per_vpc {
            return Err(ModelError::quota("SubnetLimitExceeded", "subnets", self.quotas.subnets_per_vpc));
        }
        if siblings.clone().any(|other| overlap(&other.cidr, &cidr)) {
            return Err(ModelError::new(
                "InvalidSubnet.Conflict",
                format!("The CIDR '{cidr}' conflicts with another subnet"),
            ));
        }
        let id = new.id.unwrap_or_else(|| SubnetId::mint(self.seed, &new.label, self.id_length));
        self.subnets.insert(
            id,
            Subnet {
                id,
                vpc_id: new.vpc_id,
                cidr,
                availability_zone: new.availability_zone,
                default_for_az: new.default_for_az,
                map_public_ip_on_launch: new.map_public_ip_on_launch,
                network_acl_id: acl_id,
                tags: new.tags,
            },
        );
        Ok(id)
    }

    /// Adds a route table with the VPC's local routes.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`, `RouteTableLimitExceeded`.
    pub fn add_route_table(
        &mut self,
        label: &str,
        id: Option<RouteTableId>,
        vpc_id: VpcId,
        tags: Tags,
    ) -> Result<RouteTableId, ModelError> {
        let routes = (self.vpc(vpc_id)?.cidr_blocks.iter())
            .map(|block| Route {
                destination: RouteDestination::Cidr(block.cidr),
                target: RouteTarget::Local,
                origin: RouteOrigin::CreateRouteTable,
            })
            .collect();
        let limit = self.quotas.route_tables_per_vpc;
        if self.route_tables.values().filter(|table| table.vpc_id == vpc_id).count() >= limit {
            return Err(ModelError::quota("RouteTableLimitExceeded", "route tables", limit));
        }
        let id = id.unwrap_or_else(|| RouteTableId::mint(self.seed, label, self.id_length));
        let table = RouteTable {
            id,
            vpc_id,
            routes,
            associations: Shared::default(),
            gateway_associations: Shared::default(),
            propagating_gateways: Shared::default(),
            main_association: None,
            tags,
        };
        self.route_tables.insert(id, table);
        Ok(id)
    }

    /// Associates a subnet with a table, instead of the one it had.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `InvalidSubnetID.NotFound`, `InvalidParameterValue` (different VPCs), `Resource.AlreadyAssociated`.
    pub fn associate_route_table(
        &mut self,
        table_id: RouteTableId,
        subnet_id: SubnetId,
    ) -> Result<RouteTableAssociationId, ModelError> {
        let table_vpc = self.route_table(table_id)?.vpc_id;
        let subnet_vpc = self.subnet(subnet_id)?.vpc_id;
        if table_vpc != subnet_vpc {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("route table {table_id} and subnet {subnet_id} belong to different networks"),
            ));
        }
        if let Some(other) = self.route_tables.values().find(|table| table.associations.contains_key(&subnet_id)) {
            return Err(ModelError::new(
                "Resource.AlreadyAssociated",
                format!(
                    "the specified association for route table {table_id} conflicts with an existing association of {}",
                    other.id
                ),
            ));
        }
        let label = format!("{table_id} {subnet_id}");
        let id = RouteTableAssociationId::mint(self.seed, &label, self.id_length);
        if let Some(table) = self.route_tables.get_mut(&table_id) {
            table.associations.insert(subnet_id, id);
        }
        Ok(id)
    }

    /// Adds a route.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `RouteAlreadyExists`, `RouteLimitExceeded`, `InvalidPrefixListID.NotFound`, `InvalidParameterValue` (equal to
    /// or inside a block of the VPC with a target that AWS does not allow there), `InvalidGatewayID.NotFound`, `InvalidNetworkInterfaceID.NotFound`,
    /// `InvalidNatGatewayID.NotFound`.
    pub fn add_route(
        &mut self,
        table_id: RouteTableId,
        destination: RouteDestination,
        target: RouteTarget,
        origin: RouteOrigin,
    ) -> Result<(), ModelError> {
        let table = self.route_table(table_id)?;
        let destination = match destination {
            RouteDestination::Cidr(cidr) => RouteDestination::Cidr(cidr.trunc()),
            list => list,
        };
        self.check_destination(table, destination, target, origin)?;
        self.check_target(table, target)?;
        let used: u32 = table.routes.iter().map(|route| self.route_weight(table.vpc_id, route.destination)).sum();
        if used + self.route_weight(table.vpc_id, destination) > self.quotas.routes_per_table {
            return Err(ModelError::quota("RouteLimitExceeded", "routes per table", self.quotas.routes_per_table));
        }
        if let Some(table) = self.route_tables.get_mut(&table_id) {
            table.routes.push(Route { destination, target, origin });
        }
        Ok(())
    }

    fn check_destination(
        &self,
        table: &RouteTable,
        destination: RouteDestination,
        target: RouteTarget,
        origin: RouteOrigin,
    ) -> Result<(), ModelError> {
        let propagated = matches!(origin, RouteOrigin::Propagated(_));
        let same_kind = |route: &&Route| matches!(route.origin, RouteOrigin::Propagated(_)) == propagated;
        if !propagated && table.routes.iter().filter(same_kind).any(|route| route.destination == destination) {
            let message = match destination {
                RouteDestination::Cidr(cidr) => format!("The route identified by {cidr} already exists."),
                RouteDestination::PrefixList(list) => {
                    format!("route table {} already has a route with destination-prefix-list-id {list}", table.id)
                }
            };
            return Err(ModelError::new("RouteAlreadyExists", message));
        }
        let region = self.region_of(table.vpc_id);
        match destination {
            RouteDestination::PrefixList(list) if self.prefix_list_in(region, list).is_none() => {
                Err(self.unknown_prefix_list_in(region, list))
            }
            _ if !table.gateway_associations.is_empty() => self.check_gateway_route(table, destination, target),
            RouteDestination::PrefixList(_) => Ok(()),
            RouteDestination::Cidr(cidr) => {
                let vpc = self.vpc(table.vpc_id)?;
                let inside = vpc.cidr_blocks.iter().any(|block| block.cidr.contains(&cidr));
                // Middlebox routing. `local` is checked when a gateway gets the table.
                let takes = matches!(
                    target,
                    RouteTarget::NetworkInterface(_) | RouteTarget::NatGateway(_) | RouteTarget::Local
                );
                let special = inside || target == RouteTarget::Local;
                if special && !propagated && !(inside && takes && self.is_whole_subnet(vpc.id, cidr)) {
                    return Err(ModelError::new(
                        "InvalidParameterValue",
                        format!(
                            "The destination CIDR block {cidr} is equal to or more specific than one of this VPC's CIDR \
                             blocks. This route can target only an interface, an instance or a NAT gateway, and only a \
                             whole subnet."
                        ),
                    ));
                }
                Ok(())
            }
        }
    }

    pub(super) fn check_target(&self, table: &RouteTable, target: RouteTarget) -> Result<(), ModelError> {
        match target {
            RouteTarget::InternetGateway(id) if !self.internet_gateways.contains_key(&id) => {
                Err(ModelError::not_found("InvalidGatewayID.NotFound", "gateway", id))
            }
            RouteTarget::InternetGateway(id) if self.internet_gateways[&id].attached_vpc_id != Some(table.vpc_id) => {
                Err(ModelError::new(
                    "InvalidParameterValue",
                    format!("route table {} and network gateway {id} belong to different networks", table.id),
                ))
            }
            RouteTarget::VpnGateway(id) if !self.vpn_gateways.contains_key(&id) => {
                Err(ModelError::not_found("InvalidGatewayID.NotFound", "gateway", id))
            }
            RouteTarget::VpnGateway(id) if self.vpn_gateways[&id].attached_vpc_id != Some(table.vpc_id) => {
                Err(ModelError::new(
                    "InvalidParameterValue",
                    format!("route table {} and network gateway {id} belong to different networks", table.id),
                ))
            }
            RouteTarget::NatGateway(id) => self.check_nat_target(table, id),
            RouteTarget::NetworkInterface(id) if !self.network_interfaces.contains_key(&id) => {
                Err(ModelError::not_found("InvalidNetworkInterfaceID.NotFound", "networkInterface", id))
            }
            RouteTarget::NetworkInterface(id) if self.network_interfaces[&id].vpc_id != table.vpc_id => {
                Err(ModelError::new(
                    "InvalidParameterValue",
                    format!("route table {} and interface {id} belong to different networks", table.id),
                ))
            }
            RouteTarget::PeeringConnection(id) => self.check_peering_target(table.vpc_id, id),
            RouteTarget::TransitGateway(id) => self.check_transit_target(table.vpc_id, id),
            _ => Ok(()),
        }
    }

    pub(super) fn route_weight(&self, vpc_id: VpcId, destination: RouteDestination) -> u32 {
        match destination {
            RouteDestination::Cidr(_) => 1,
            RouteDestination::PrefixList(id) => {
                self.prefix_list_in(self.region_of(vpc_id), id).map_or(1, |list| list.weight)
            }
        }
    }

    /// The refusal for a list that the model's Region does not have, naming the Region that does.
    pub fn unknown_prefix_list(&self, id: PrefixListId) -> ModelError {
        self.unknown_prefix_list_in(&self.region, id)
    }

    /// The refusal for a list that `region` does not have, naming the Region that does.
    pub fn unknown_prefix_list_in(&self, region: &str, id: PrefixListId) -> ModelError {
        let elsewhere: Vec<_> =
            self.prefix_lists.values().filter(|list| list.id == id).map(|list| list.name.as_str()).collect();
        let hint = match elsewhere.as_slice() {
            [] => String::new(),
            names => format!(" in {region} (elsewhere it is {}: ids belong to a Region)", names.join(", ")),
        };
        ModelError::new("InvalidPrefixListID.NotFound", format!("The prefix list ID '{id}' does not exist{hint}"))
    }

    /// Adds an internet gateway, attached to nothing.
    ///
    /// # Errors
    /// `InternetGatewayLimitExceeded`.
    pub fn add_internet_gateway(
        &mut self,
        label: &str,
        id: Option<InternetGatewayId>,
        tags: Tags,
    ) -> Result<InternetGatewayId, ModelError> {
        let limit = self.quotas.internet_gateways_per_region;
        if self.internet_gateways.len() >= limit {
            return Err(ModelError::quota("InternetGatewayLimitExceeded", "internet gateways", limit));
        }
        let id = id.unwrap_or_else(|| InternetGatewayId::mint(self.seed, label, self.id_length));
        self.internet_gateways.insert(id, InternetGateway { id, attached_vpc_id: None, tags });
        Ok(id)
    }

    /// Attaches an internet gateway.
    ///
    /// # Errors
    /// `InvalidInternetGatewayID.NotFound`, `InvalidVpcID.NotFound`, `Resource.AlreadyAssociated` (either end is taken).
    pub fn attach_internet_gateway(&mut self, id: InternetGatewayId, vpc_id: VpcId) -> Result<(), ModelError> {
        self.vpc(vpc_id)?;
        let Some(gateway) = self.internet_gateways.get(&id) else {
            return Err(ModelError::not_found("InvalidInternetGatewayID.NotFound", "internetGateway", id));
        };
        if let Some(attached) = gateway.attached_vpc_id {
            return Err(ModelError::new(
                "Resource.AlreadyAssociated",
                format!("resource {id} is already attached to network {attached}"),
            ));
        }
        if self.internet_gateways.values().any(|other| other.attached_vpc_id == Some(vpc_id)) {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("Network {vpc_id} already has an internet gateway attached"),
            ));
        }
        if let Some(gateway) = self.internet_gateways.get_mut(&id) {
            gateway.attached_vpc_id = Some(vpc_id);
        }
        Ok(())
    }

    /// The VPC, or `InvalidVpcID.NotFound`.
    pub fn vpc(&self, id: VpcId) -> Result<&Vpc, ModelError> {
        self.vpcs.get(&id).ok_or_else(|| ModelError::not_found("InvalidVpcID.NotFound", "vpc", id))
    }

    /// The subnet, or `InvalidSubnetID.NotFound`.
    pub fn subnet(&self, id: SubnetId) -> Result<&Subnet, ModelError> {
        self.subnets.get(&id).ok_or_else(|| ModelError::not_found("InvalidSubnetID.NotFound", "subnet", id))
    }

    /// The route table, or `InvalidRouteTableID.NotFound`.
    pub fn route_table(&self, id: RouteTableId) -> Result<&RouteTable, ModelError> {
        self.route_tables
            .get(&id)
            .ok_or_else(|| ModelError::not_found("InvalidRouteTableID.NotFound", "routeTable", id))
    }
}

/// Whether two blocks share an address.
pub(super) fn overlap(a: &Ipv4Net, b: &Ipv4Net) -> bool {
    a.contains(&b.network()) || b.contains(&a.network())
}
