//! Further blocks of a VPC, and which may go together.
//!
//! A further block brings its local route into every route table of the VPC. Association and disassociation take no simulated time.
//! Source: docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html; wordings are unverified where not marked.

use super::construct::overlap;
use super::*;
use crate::net::Ipv4Net;

/// The three families of RFC 1918: blocks of two of them do not go together in a VPC.
const PRIVATE_FAMILIES: [Ipv4Net; 3] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
];

/// Blocks that no VPC can be extended by: AWS's services use one of them, the other is link-local.
const NEVER_ADDED: [Ipv4Net; 2] =
    [Ipv4Net::new_assert(Ipv4Addr::new(198, 19, 0, 0), 16), Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16)];

impl Model {
    /// Adds a block to a VPC, and its local route to the VPC's tables.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`, `InvalidVpc.Range` (not /16 to /28, restricted, overlapping a block of the VPC or of a peer, not smaller than the destination of a
    /// route), `CidrBlockLimitExceeded`.
    pub fn associate_vpc_cidr_block(&mut self, vpc_id: VpcId, cidr: Ipv4Net) -> Result<VpcCidrBlock, ModelError> {
        let cidr = cidr.trunc();
        let vpc = self.vpc(vpc_id)?;
        let limit = self.quotas.cidr_blocks_per_vpc;
        if vpc.cidr_blocks.len() >= limit {
            return Err(ModelError::quota("CidrBlockLimitExceeded", "IPv4 CIDR blocks per VPC", limit));
        }
        let refuse = |message: String| Err(ModelError::new("InvalidVpc.Range", message));
        if !(16..=28).contains(&cidr.prefix_len()) {
            return refuse(format!("The CIDR '{cidr}' is invalid."));
        }
        check_goes_with(vpc.primary_cidr(), cidr)?;
        if let Some(other) = vpc.cidr_blocks.iter().find(|block| overlap(&block.cidr, &cidr)) {
            return refuse(format!("The CIDR '{cidr}' conflicts with {} of the VPC.", other.cidr));
        }
        if let Some((peer_id, block)) = self.peer_block_over(vpc_id, cidr) {
            return refuse(format!("The CIDR '{cidr}' conflicts with {block} of the peer {peer_id}."));
        }
        let tables = self.route_tables.values().filter(|table| table.vpc_id == vpc_id);
        for (table_id, route) in tables.flat_map(|table| table.routes.iter().map(|route| (table.id, route))) {
            // A new block must be smaller than every block that is routed elsewhere already.
            if let RouteDestination::Cidr(destination) = route.destination
                && cidr.contains(&destination)
            {
                return refuse(format!(
                    "The CIDR '{cidr}' is not smaller than {destination}, which route table {table_id} routes."
                ));
            }
        }
        let label = format!("{vpc_id} {cidr}");
        let block =
            VpcCidrBlock { cidr, association_id: VpcCidrAssociationId::mint(self.seed, &label, self.id_length) };
        if let Some(vpc) = self.vpcs.get_mut(&vpc_id) {
            vpc.cidr_blocks.push(block);
            let blocks_count = vpc.cidr_blocks.len();
            for table in self.route_tables.values_mut().filter(|table| table.vpc_id == vpc_id) {
                let route = Route {
                    destination: RouteDestination::Cidr(cidr),
                    target: RouteTarget::Local,
                    origin: RouteOrigin::CreateRouteTable,
                };
                // The local routes stand first.
                let position = (blocks_count - 1).min(table.routes.len());
                table.routes.insert(position, route);
            }
        }
        Ok(block)
    }

    /// Takes a further block from a VPC, and its local routes.
    ///
    /// # Errors
    /// `InvalidVpcCidrBlockAssociationID.NotFound`, `OperationNotPermitted` (the primary block), `InvalidCidrBlock.InUse` (a subnet lies in it).
    pub fn disassociate_vpc_cidr_block(
        &mut self,
        id: VpcCidrAssociationId,
    ) -> Result<(VpcId, VpcCidrBlock), ModelError> {
        let holder = self.vpcs.values().find_map(|vpc| {
            let position = vpc.cidr_blocks.iter().position(|block| block.association_id == id)?;
            Some((vpc.id, position, vpc.cidr_blocks[position]))
        });
        let Some((vpc_id, position, block)) = holder else {
            return Err(ModelError::new(
                "InvalidVpcCidrBlockAssociationID.NotFound",
                format!("The vpc CIDR block association ID '{id}' does not exist"),
            ));
        };
        if position == 0 {
            return Err(ModelError::new(
                "OperationNotPermitted",
                format!(
                    "The vpc CIDR block with association ID {id} may not be disassociated. It is the primary IPv4 CIDR \
                     block of the VPC"
                ),
            ));
        }
        if self.subnets.values().any(|subnet| subnet.vpc_id == vpc_id && block.cidr.contains(&subnet.cidr)) {
            return Err(ModelError::new(
                "InvalidCidrBlock.InUse",
                format!("The vpc {vpc_id} currently has a subnet within CIDR block {}", block.cidr),
            ));
        }
        if let Some(vpc) = self.vpcs.get_mut(&vpc_id) {
            vpc.cidr_blocks.remove(position);
        }
        let is_local = |route: &Route| {
            route.origin == RouteOrigin::CreateRouteTable && route.destination == RouteDestination::Cidr(block.cidr)
        };
        for table in self.route_tables.values_mut().filter(|table| table.vpc_id == vpc_id) {
            table.routes.retain(|route| !is_local(route));
        }
        Ok((vpc_id, block))
    }

    /// A block of a VPC that is peered with `vpc_id`, overlapping `cidr`.
    fn peer_block_over(&self, vpc_id: VpcId, cidr: Ipv4Net) -> Option<(VpcId, Ipv4Net)> {
        self.peering_connections.values().filter(|connection| connection.state == PeeringState::Active).find_map(
            |connection| {
                let peer = self.vpcs.get(&connection.other_side(vpc_id)?)?;
                let block = peer.cidr_blocks.iter().find(|block| overlap(&block.cidr, &cidr))?;
                Some((peer.id, block.cidr))
            },
        )
    }
}

/// Whether a VPC with this primary block can have a further block `cidr`. The wording of the first refusal was seen in public.
///
/// # Errors
/// `InvalidVpc.Range`.
pub(super) fn check_goes_with(primary: Ipv4Net, cidr: Ipv4Net) -> Result<(), ModelError> {
    let family = |block: &Ipv4Net| PRIVATE_FAMILIES.iter().position(|family| overlap(family, block));
    let restricted = NEVER_ADDED.iter().any(|never| overlap(never, &cidr))
        || (family(&cidr).is_some() && family(&cidr) != family(&primary));
    if !restricted {
        return Ok(());
    }
    Err(ModelError::new(
        "InvalidVpc.Range",
        format!(
            "The CIDR '{cidr}' is restricted. Use a CIDR from the same private address range as the current VPC CIDR, or \
             use a publicly-routable CIDR."
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    fn vpc_of(cidr: &str) -> (Model, VpcId) {
        let mut model = Model::new("us-east-1", "111122223333", Seed::new(1));
        let new = NewVpc {
            region: None,
            label: "v".into(),
            id: None,
            cidrs: vec![net(cidr)],
            is_default: false,
            enable_dns_hostnames: false,
            tags: Tags::default(),
        };
        let id = model.add_vpc(new).unwrap();
        (model, id)
    }

    #[test]
    fn families_do_not_mix_and_shared_addresses_go_with_all() {
        for (primary, further, fine) in [
            ("10.0.0.0/16", "10.1.0.0/16", true),
            ("10.0.0.0/16", "100.64.0.0/16", true),
            ("10.0.0.0/16", "172.16.0.0/16", false),
            ("10.0.0.0/16", "192.168.0.0/24", false),
            ("10.0.0.0/16", "198.19.0.0/24", false),
            ("192.168.0.0/16", "198.18.0.0/16", true),
            ("100.64.0.0/16", "10.0.0.0/16", false),
            ("10.0.0.0/16", "169.254.1.0/24", false),
        ] {
            let (mut model, vpc_id) = vpc_of(primary);
            let result = model.associate_vpc_cidr_block(vpc_id, net(further));
            assert_eq!(result.is_ok(), fine, "{primary} {further}: {result:?}");
            if let Err(error) = result {
                assert_eq!(error.code, "InvalidVpc.Range");
            }
        }
    }

    #[test]
    fn a_further_block_brings_its_local_route_and_takes_it_away() {
        let (mut model, vpc_id) = vpc_of("10.0.0.0/16");
        let table = model.add_route_table("t", None, vpc_id, Tags::default()).unwrap();
        let before = model.route_tables.clone();
        let block = model.associate_vpc_cidr_block(vpc_id, net("10.1.0.0/16")).unwrap();
        for table in model.route_tables.values() {
            let destinations: Vec<_> = table.routes.iter().map(|route| route.destination.to_string()).collect();
            assert_eq!(destinations, ["10.0.0.0/16", "10.1.0.0/16"]);
        }
        let again = model.associate_vpc_cidr_block(vpc_id, net("10.1.128.0/20")).unwrap_err();
        assert_eq!(again.code, "InvalidVpc.Range");
        let primary = model.vpcs[&vpc_id].cidr_blocks[0].association_id;
        assert_eq!(model.disassociate_vpc_cidr_block(primary).unwrap_err().code, "OperationNotPermitted");
        model.disassociate_vpc_cidr_block(block.association_id).unwrap();
        assert_eq!(model.route_tables, before);
        assert!(model.route_tables.contains_key(&table));
        let gone = model.disassociate_vpc_cidr_block(block.association_id).unwrap_err();
        assert_eq!(gone.code, "InvalidVpcCidrBlockAssociationID.NotFound");
    }

    #[test]
    fn a_further_block_is_smaller_than_what_is_routed_and_there_are_five() {
        let (mut model, vpc_id) = vpc_of("10.0.0.0/16");
        let gateway = model.add_internet_gateway("g", None, Tags::default()).unwrap();
        model.attach_internet_gateway(gateway, vpc_id).unwrap();
        let table = model.vpcs[&vpc_id].main_route_table_id;
        let (to, origin) = (RouteTarget::InternetGateway(gateway), RouteOrigin::CreateRoute);
        model.add_route(table, RouteDestination::Cidr(net("100.64.0.0/16")), to, origin).unwrap();
        for (cidr, fine) in [("100.64.0.0/16", false), ("100.64.1.0/24", true)] {
            assert_eq!(model.associate_vpc_cidr_block(vpc_id, net(cidr)).is_ok(), fine, "{cidr}");
        }
        for further in ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"] {
            model.associate_vpc_cidr_block(vpc_id, net(further)).unwrap();
        }
        let sixth = model.associate_vpc_cidr_block(vpc_id, net("10.4.0.0/16")).unwrap_err();
        assert_eq!(sixth.code, "CidrBlockLimitExceeded");
    }
}
