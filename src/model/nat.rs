//! NAT gateways come, change and go.
//!
//! Refusals and failures are AWS's: what only shows while a NAT gateway is being made (no internet gateway, an Elastic IP in use) leaves a *failed* one behind, which
//! stays listed until the run ends (AWS: about an hour), as deleted ones do. Making one takes no simulated time. Wordings marked "unverified" were not seen in public.
//! Sources: docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html, amazon-vpc-limits.html,
//! docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html

use super::*;
use crate::net::MacAddress;
use crate::time::SimTime;

/// A NAT gateway has at most so many addresses, whatever the quota.
const ADDRESSES_MAX: usize = 8;

/// What a new NAT gateway is to be.
#[derive(Clone, Debug)]
pub struct NewNatGateway {
    /// What ids derive from: its name.
    pub label: String,
    /// Its id, if wanted.
    pub id: Option<NatGatewayId>,
    /// The subnet it is to live in.
    pub subnet_id: SubnetId,
    /// Public or private.
    pub connectivity: NatConnectivity,
    /// The Elastic IP of a public one.
    pub allocation_id: Option<AllocationId>,
    /// Its primary private address, if wanted.
    pub private_ip: Option<Ipv4Addr>,
    /// More Elastic IPs of a public one.
    pub secondary_allocation_ids: Vec<AllocationId>,
    /// More private addresses by choice; with Elastic IPs, one for each.
    pub secondary_private_ips: Vec<Ipv4Addr>,
    /// More private addresses of a private one, chosen by AWS.
    pub secondary_private_ip_count: usize,
    /// When.
    pub at: SimTime,
    /// Tags.
    pub tags: Tags,
}

impl Model {
    /// Makes a NAT gateway, or a failed one.
    ///
    /// # Errors
    /// `InvalidSubnetID.NotFound`, `NatGatewayLimitExceeded`, `MissingParameter` (a public one without an allocation), `InvalidParameterCombination`,
    /// `InvalidAllocationID.NotFound`, `InvalidParameterValue` (addresses, the id), `InvalidIPAddress.InUse`, `InvalidParameter` (too many addresses),
    /// `NetworkInterfaceLimitExceeded`.
    pub fn add_nat_gateway(&mut self, new: NewNatGateway) -> Result<NatGatewayId, ModelError> {
        let subnet = self.subnet(new.subnet_id)?.clone();
        self.check_nat_parameters(&new, &subnet)?;
        let id = new.id.unwrap_or_else(|| NatGatewayId::mint(self.seed, &new.label, self.id_length));
        if self.nat_gateways.contains_key(&id) {
            return Err(ModelError::new("InvalidParameterValue", format!("The ID '{id}' is already in use.")));
        }
        let mut gateway = NatGateway {
            id,
            vpc_id: subnet.vpc_id,
            subnet_id: subnet.id,
            connectivity: new.connectivity,
            interface_id: None,
            addresses: Vec::new(),
            state: NatGatewayState::Available,
            created_at: new.at,
            tags: new.tags.clone(),
        };
        if let Some((code, message)) = self.nat_failure(&new, &subnet) {
            gateway.state = NatGatewayState::Failed { code, message };
            self.nat_gateways.insert(id, gateway);
            return Ok(id);
        }
        let interface_id = self.add_nat_interface(&gateway, &subnet, new.private_ip)?;
        gateway.interface_id = Some(interface_id);
        self.nat_gateways.insert(id, gateway);
        let primary_ip = self.network_interface(interface_id)?.private_ip;
        let allocations: Vec<_> = new.allocation_id.into_iter().chain(new.secondary_allocation_ids).collect();
        let private_ips: Vec<_> = std::iter::once(primary_ip).chain(new.secondary_private_ips).collect();
        let count = allocations.len().max(private_ips.len() + new.secondary_private_ip_count);
        for position in 0..count {
            self.add_nat_address(id, allocations.get(position).copied(), private_ips.get(position).copied())?;
        }
        Ok(id)
    }

    /// Deletes a NAT gateway: its routes are blackholes, its Elastic IPs are free. Deleting a deleted or failed one changes nothing else.
    ///
    /// # Errors
    /// `NatGatewayNotFound`.
    pub fn delete_nat_gateway(&mut self, id: NatGatewayId) -> Result<(), ModelError> {
        let allocations: Vec<_> =
            self.nat_gateway(id)?.addresses.iter().filter_map(|address| address.elastic).collect();
        for elastic in allocations {
            self.free_elastic_address(elastic.allocation_id);
        }
        if let Some(gateway) = self.nat_gateways.get_mut(&id) {
            gateway.state = NatGatewayState::Deleted;
            if let Some(interface_id) = gateway.interface_id.take() {
                self.network_interfaces.remove(&interface_id);
                self.retired_ids.insert(interface_id.to_string());
            }
        }
        Ok(())
    }

    /// Gives a public NAT gateway more Elastic IPs, each with a private address of its own.
    ///
    /// # Errors
    /// `NatGatewayNotFound`, `InvalidParameter` (private, not available, too many), `InvalidAllocationID.NotFound`, `Resource.AlreadyAssociated`, and those about
    /// private addresses.
    pub fn associate_nat_gateway_addresses(
        &mut self,
        id: NatGatewayId,
        allocation_ids: &[AllocationId],
        private_ips: &[Ipv4Addr],
    ) -> Result<(), ModelError> {
        self.check_nat_change(id, NatConnectivity::Public, allocation_ids.len())?;
        if !private_ips.is_empty() && private_ips.len() != allocation_ids.len() {
            return Err(unlike_counts());
        }
        for (position, allocation_id) in allocation_ids.iter().enumerate() {
            self.add_nat_address(id, Some(*allocation_id), private_ips.get(position).copied())?;
        }
        Ok(())
    }

    /// Takes secondary Elastic IPs, and their private addresses, from a public NAT gateway. AWS lets their connections drain for a while; here they
    /// end with their next packet.
    ///
    /// # Errors
    /// `NatGatewayNotFound`, `InvalidParameter` (private, not available, the primary address), `InvalidAssociationID.NotFound`.
    pub fn disassociate_nat_gateway_addresses(
        &mut self,
        id: NatGatewayId,
        association_ids: &[AddressAssociationId],
    ) -> Result<(), ModelError> {
        self.check_nat_change(id, NatConnectivity::Public, 0)?;
        for association_id in association_ids {
            let held =
                |address: &NatGatewayAddress| address.elastic.is_some_and(|e| e.association_id == *association_id);
            let position = self.nat_gateway(id)?.addresses.iter().position(held).ok_or_else(|| {
                ModelError::new(
                    "InvalidAssociationID.NotFound",
                    format!("The association ID '{association_id}' does not exist"),
                )
            })?;
            self.remove_nat_address(id, position)?;
        }
        Ok(())
    }

    /// Gives a private NAT gateway more private addresses: those listed, or so many.
    ///
    /// # Errors
    /// `NatGatewayNotFound`, `InvalidParameter` (public, not available, too many) and those about private addresses.
    pub fn assign_nat_gateway_private_addresses(
        &mut self,
        id: NatGatewayId,
        private_ips: &[Ipv4Addr],
        count: usize,
    ) -> Result<(), ModelError> {
        self.check_nat_change(id, NatConnectivity::Private, private_ips.len().saturating_add(count))?;
        for private_ip in private_ips.iter().copied().map(Some).chain(std::iter::repeat_n(None, count)) {
            self.add_nat_address(id, None, private_ip)?;
        }
        Ok(())
    }

    /// Takes secondary private addresses from a private NAT gateway.
    ///
    /// # Errors
    /// `NatGatewayNotFound`, `InvalidParameter` (public, not available, the primary address), `InvalidParameterValue` (not its address).
    pub fn unassign_nat_gateway_private_addresses(
        &mut self,
        id: NatGatewayId,
        private_ips: &[Ipv4Addr],
    ) -> Result<(), ModelError> {
        self.check_nat_change(id, NatConnectivity::Private, 0)?;
        for private_ip in private_ips {
            let held = |address: &NatGatewayAddress| address.private_ip == *private_ip;
            let position = self.nat_gateway(id)?.addresses.iter().position(held).ok_or_else(|| {
                // Unverified wording.
                ModelError::new(
                    "InvalidParameterValue",
                    format!("The private IP address {private_ip} is not assigned to the NAT gateway {id}."),
                )
            })?;
            self.remove_nat_address(id, position)?;
        }
        Ok(())
    }

    /// The NAT gateway, or `NatGatewayNotFound`.
    pub fn nat_gateway(&self, id: NatGatewayId) -> Result<&NatGateway, ModelError> {
        self.nat_gateways
            .get(&id)
            .ok_or_else(|| ModelError::new("NatGatewayNotFound", format!("NatGateway {id} was not found")))
    }

    /// The NAT gateway that an interface belongs to.
    pub fn nat_gateway_of(&self, interface_id: EniId) -> Option<&NatGateway> {
        self.nat_gateways.values().find(|gateway| gateway.interface_id == Some(interface_id))
    }

    /// Whether a route may point at a NAT gateway: it must be there, not failed or deleted, and in the table's VPC.
    pub(super) fn check_nat_target(&self, table: &RouteTable, id: NatGatewayId) -> Result<(), ModelError> {
        let live = |gateway: &&NatGateway| gateway.state == NatGatewayState::Available;
        match self.nat_gateways.get(&id).filter(live) {
            None => Err(ModelError::not_found("InvalidNatGatewayID.NotFound", "natGateway", id)),
            // Unverified wording, after that of internet gateways.
            Some(gateway) if gateway.vpc_id != table.vpc_id => Err(ModelError::new(
                "InvalidParameterValue",
                format!("route table {} and NAT gateway {id} belong to different networks", table.id),
            )),
            Some(_) => Ok(()),
        }
    }

    /// What is refused at once.
    fn check_nat_parameters(&self, new: &NewNatGateway, subnet: &Subnet) -> Result<(), ModelError> {
        let refuse = |code, message: &str| Err(ModelError::new(code, message));
        let has_allocations = new.allocation_id.is_some() || !new.secondary_allocation_ids.is_empty();
        // Unverified wordings.
        match new.connectivity {
            NatConnectivity::Public if new.allocation_id.is_none() => {
                return refuse("MissingParameter", "The request must contain the parameter AllocationId");
            }
            NatConnectivity::Public if new.secondary_private_ip_count > 0 => {
                return refuse(
                    "InvalidParameterCombination",
                    "SecondaryPrivateIpAddressCount is for private NAT gateways only.",
                );
            }
            NatConnectivity::Private if has_allocations => {
                return refuse(
                    "InvalidParameterCombination",
                    "A private NAT gateway cannot have Elastic IP addresses.",
                );
            }
            _ => {}
        }
        let secondary_allocations = new.secondary_allocation_ids.len();
        if new.connectivity == NatConnectivity::Public
            && !new.secondary_private_ips.is_empty()
            && new.secondary_private_ips.len() != secondary_allocations
        {
            return Err(unlike_counts());
        }
        for id in new.allocation_id.iter().chain(&new.secondary_allocation_ids) {
            if !self.elastic_addresses.contains_key(id) {
                return Err(unknown_allocation(*id));
            }
        }
        if has_twice(new.allocation_id.iter().chain(&new.secondary_allocation_ids))
            || has_twice(new.private_ip.iter().chain(&new.secondary_private_ips))
        {
            return refuse("InvalidParameterValue", "An address is named twice.");
        }
        let count = 1 + match new.connectivity {
            NatConnectivity::Public => secondary_allocations,
            NatConnectivity::Private => new.secondary_private_ips.len().saturating_add(new.secondary_private_ip_count),
        };
        self.check_nat_address_count(new.connectivity, count)?;
        for wanted in new.private_ip.iter().chain(&new.secondary_private_ips) {
            self.private_address(subnet, Some(*wanted))?;
        }
        let limit = self.quotas.nat_gateways_per_availability_zone;
        let same_zone = |gateway: &&NatGateway| {
            gateway.state == NatGatewayState::Available
                && self
                    .subnets
                    .get(&gateway.subnet_id)
                    .is_some_and(|other| other.availability_zone == subnet.availability_zone)
        };
        if self.nat_gateways.values().filter(same_zone).count() >= limit {
            // Unverified wording.
            return Err(ModelError::new(
                "NatGatewayLimitExceeded",
                format!("Performing this operation would exceed the limit of {limit} NAT gateways"),
            ));
        }
        let limit = self.quotas.interfaces_per_region;
        if self.network_interfaces.len() >= limit {
            return Err(ModelError::quota("NetworkInterfaceLimitExceeded", "network interfaces", limit));
        }
        Ok(())
    }

    /// What shows only while the gateway is being made: AWS's code and sentence.
    fn nat_failure(&self, new: &NewNatGateway, subnet: &Subnet) -> Option<(&'static str, String)> {
        let attached = |gateway: &InternetGateway| gateway.attached_vpc_id == Some(subnet.vpc_id);
        if new.connectivity == NatConnectivity::Public && !self.internet_gateways.values().any(attached) {
            let message = format!("Network {} has no Internet gateway attached", subnet.vpc_id);
            return Some(("Gateway.NotAttached", message));
        }
        let taken =
            |id: &&AllocationId| self.elastic_addresses.get(id).is_some_and(|elastic| elastic.association.is_some());
        if let Some(id) = new.allocation_id.iter().chain(&new.secondary_allocation_ids).find(taken) {
            return Some(("Resource.AlreadyAssociated", format!("Elastic IP address [{id}] is already associated")));
        }
        let wanted = match new.connectivity {
            NatConnectivity::Public => 1 + new.secondary_allocation_ids.len(),
            NatConnectivity::Private => 1 + new.secondary_private_ips.len() + new.secondary_private_ip_count,
        };
        if self.free_private_addresses(subnet) < wanted {
            let message = "Subnet has insufficient free addresses to create this NAT gateway".to_owned();
            return Some(("InsufficientFreeAddressesInSubnet", message));
        }
        None
    }

    /// The interface of a new NAT gateway: visible, AWS's to manage, without security groups.
    fn add_nat_interface(
        &mut self,
        gateway: &NatGateway,
        subnet: &Subnet,
        private_ip: Option<Ipv4Addr>,
    ) -> Result<EniId, ModelError> {
        let private_ip = self.private_address(subnet, private_ip)?;
        let (seed, length, label) = (self.seed, self.id_length, gateway.id.to_string());
        let id = EniId::mint(seed, &label, length);
        let attachment = Attachment {
            id: EniAttachmentId::mint(seed, &label, length),
            instance_id: None,
            device_index: 1,
            attached_at: gateway.created_at,
        };
        self.network_interfaces.insert(
            id,
            NetworkInterface {
                id,
                subnet_id: subnet.id,
                vpc_id: subnet.vpc_id,
                private_ip,
                public_address: None,
                security_group_ids: Vec::new(),
                source_dest_check: false,
                mac: MacAddress::local(id.low_bits()),
                description: format!("Interface for NAT Gateway {}", gateway.id),
                tracking: ConnectionTracking::default(),
                interface_type: InterfaceType::NatGateway,
                attachment: Some(attachment),
            },
        );
        Ok(id)
    }

    /// What is checked before any change of an existing gateway's addresses.
    fn check_nat_change(&self, id: NatGatewayId, connectivity: NatConnectivity, more: usize) -> Result<(), ModelError> {
        let gateway = self.nat_gateway(id)?;
        // Unverified codes and wordings.
        if gateway.state != NatGatewayState::Available {
            return Err(ModelError::new("IncorrectState", format!("The NAT gateway {id} is not available.")));
        }
        if gateway.connectivity != connectivity {
            let kind = if connectivity == NatConnectivity::Public { "public" } else { "private" };
            return Err(ModelError::new(
                "InvalidParameter",
                format!("This operation is for {kind} NAT gateways; {id} is not one."),
            ));
        }
        self.check_nat_address_count(connectivity, gateway.addresses.len().saturating_add(more))
    }

    fn check_nat_address_count(&self, connectivity: NatConnectivity, count: usize) -> Result<(), ModelError> {
        let limit = match connectivity {
            NatConnectivity::Public => self.quotas.elastic_addresses_per_nat_gateway.min(ADDRESSES_MAX),
            NatConnectivity::Private => ADDRESSES_MAX,
        };
        if count > limit {
            // Unverified code and wording.
            return Err(ModelError::new(
                "InvalidParameter",
                format!("A NAT gateway can have {limit} addresses here; {count} were asked for."),
            ));
        }
        Ok(())
    }

    /// One more address: the gateway's first is its interface's.
    fn add_nat_address(
        &mut self,
        id: NatGatewayId,
        allocation_id: Option<AllocationId>,
        private_ip: Option<Ipv4Addr>,
    ) -> Result<(), ModelError> {
        let gateway = self.nat_gateway(id)?;
        let (subnet_id, interface_id, is_primary) =
            (gateway.subnet_id, gateway.interface_id, gateway.addresses.is_empty());
        let private_ip = match private_ip {
            Some(own) if is_primary => own,
            wanted => self.private_address(self.subnet(subnet_id)?, wanted)?,
        };
        let elastic = allocation_id.map(|allocation| self.take_elastic_address(allocation, id)).transpose()?;
        if let Some(interface) = interface_id.filter(|_| is_primary).and_then(|id| self.network_interfaces.get_mut(&id))
        {
            interface.public_address =
                elastic.map(|e| PublicAddress { address: e.public_ip, allocation_id: Some(e.allocation_id) });
        }
        if let Some(gateway) = self.nat_gateways.get_mut(&id) {
            gateway.addresses.push(NatGatewayAddress { private_ip, elastic });
        }
        Ok(())
    }

    fn remove_nat_address(&mut self, id: NatGatewayId, position: usize) -> Result<(), ModelError> {
        if position == 0 {
            // Unverified code and wording; that the primary address stays is documented.
            return Err(ModelError::new(
                "InvalidParameter",
                format!("The primary address of the NAT gateway {id} cannot be taken away."),
            ));
        }
        let removed = self.nat_gateways.get_mut(&id).map(|gateway| gateway.addresses.remove(position));
        if let Some(elastic) = removed.and_then(|address| address.elastic) {
            self.free_elastic_address(elastic.allocation_id);
        }
        Ok(())
    }

    fn take_elastic_address(
        &mut self,
        allocation_id: AllocationId,
        gateway: NatGatewayId,
    ) -> Result<NatElasticAddress, ModelError> {
        let association_id =
            AddressAssociationId::mint(self.seed, &format!("{allocation_id} {gateway}"), self.id_length);
        let elastic =
            self.elastic_addresses.get_mut(&allocation_id).ok_or_else(|| unknown_allocation(allocation_id))?;
        if elastic.association.is_some() {
            return Err(ModelError::new(
                "Resource.AlreadyAssociated",
                format!("Elastic IP address [{allocation_id}] is already associated"),
            ));
        }
        elastic.association = Some((association_id, AddressHolder::NatGateway(gateway)));
        Ok(NatElasticAddress { allocation_id, association_id, public_ip: elastic.public_ip })
    }

    fn free_elastic_address(&mut self, allocation_id: AllocationId) {
        if let Some(elastic) = self.elastic_addresses.get_mut(&allocation_id) {
            elastic.association = None;
        }
    }
}

fn unknown_allocation(id: AllocationId) -> ModelError {
    ModelError::new("InvalidAllocationID.NotFound", format!("The allocation ID '{id}' does not exist"))
}

fn has_twice<'a, V: Ord + 'a>(values: impl Iterator<Item = &'a V>) -> bool {
    let mut seen = BTreeSet::new();
    values.into_iter().any(|value| !seen.insert(value))
}

/// Unverified wording.
fn unlike_counts() -> ModelError {
    ModelError::new(
        "InvalidParameterCombination",
        "The number of private IP addresses must be that of the Elastic IP addresses.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn world() -> (Model, SubnetId) {
        let mut model = Model::new("us-east-1", "111122223333", Seed::new(1));
        model.add_default_vpc("default", None, &["a", "b"]).unwrap();
        let subnet_id = model.subnets.values().find(|s| s.availability_zone == "us-east-1a").unwrap().id;
        (model, subnet_id)
    }

    fn new(label: &str, subnet_id: SubnetId) -> NewNatGateway {
        NewNatGateway {
            label: label.into(),
            id: None,
            subnet_id,
            connectivity: NatConnectivity::Public,
            allocation_id: None,
            private_ip: None,
            secondary_allocation_ids: Vec::new(),
            secondary_private_ips: Vec::new(),
            secondary_private_ip_count: 0,
            at: SimTime::ZERO,
            tags: Tags::default(),
        }
    }

    fn elastic(model: &mut Model, label: &str) -> AllocationId {
        model.allocate_address(label, None, None, Tags::default()).unwrap()
    }

    fn failure(model: &Model, id: NatGatewayId) -> &'static str {
        match model.nat_gateways[&id].state {
            NatGatewayState::Failed { code, .. } => code,
            _ => "none",
        }
    }

    #[test]
    fn a_public_one_takes_an_elastic_ip_and_an_interface_and_gives_both_back() {
        let (mut model, subnet_id) = world();
        let allocation = elastic(&mut model, "a");
        let id =
            model.add_nat_gateway(NewNatGateway { allocation_id: Some(allocation), ..new("n", subnet_id) }).unwrap();
        let gateway = model.nat_gateways[&id].clone();
        assert_eq!(gateway.state, NatGatewayState::Available);
        let interface = &model.network_interfaces[&gateway.interface_id.unwrap()];
        assert_eq!(interface.description, format!("Interface for NAT Gateway {id}"));
        assert!(interface.interface_type.is_requester_managed());
        assert_eq!(interface.private_ip, gateway.addresses[0].private_ip);
        assert_eq!(interface.public_address.unwrap().allocation_id, Some(allocation));
        assert!(
            matches!(model.elastic_addresses[&allocation].association, Some((_, AddressHolder::NatGateway(held))) if held == id)
        );
        assert_eq!(model.release_address(allocation).unwrap_err().code, "InvalidIPAddress.InUse");
        assert_eq!(model.delete_subnet(subnet_id).unwrap_err().code, "DependencyViolation");

        model.delete_nat_gateway(id).unwrap();
        assert_eq!(model.nat_gateways[&id].state, NatGatewayState::Deleted);
        assert!(model.network_interfaces.is_empty());
        model.delete_nat_gateway(id).unwrap();
        model.release_address(allocation).unwrap();
    }

    #[test]
    fn what_aws_finds_out_late_leaves_a_failed_one() {
        let (mut model, subnet_id) = world();
        let allocation = elastic(&mut model, "a");
        let with = |label| NewNatGateway { allocation_id: Some(allocation), ..new(label, subnet_id) };
        let first = model.add_nat_gateway(with("1")).unwrap();
        let second = model.add_nat_gateway(with("2")).unwrap();
        assert_eq!(failure(&model, second), "Resource.AlreadyAssociated");
        model.delete_nat_gateway(first).unwrap();
        let (igw, vpc) = (*model.internet_gateways.keys().next().unwrap(), *model.vpcs.keys().next().unwrap());
        model.detach_internet_gateway(igw, vpc).unwrap();
        let third = model.add_nat_gateway(with("3")).unwrap();
        assert_eq!(failure(&model, third), "Gateway.NotAttached");
        assert!(model.network_interfaces.is_empty());
        let private = NewNatGateway { connectivity: NatConnectivity::Private, ..new("4", subnet_id) };
        let fourth = model.add_nat_gateway(private).unwrap();
        assert_eq!(model.nat_gateways[&fourth].state, NatGatewayState::Available);
    }

    #[test]
    fn parameters_quotas_and_addresses_are_checked_at_once() {
        let (mut model, subnet_id) = world();
        let code = |model: &mut Model, new: NewNatGateway| model.add_nat_gateway(new).unwrap_err().code;
        assert_eq!(code(&mut model, new("n", subnet_id)), "MissingParameter");
        let ghost = "eipalloc-12345678".parse().unwrap();
        let with = |allocation| NewNatGateway { allocation_id: Some(allocation), ..new("n", subnet_id) };
        assert_eq!(code(&mut model, with(ghost)), "InvalidAllocationID.NotFound");
        let one = elastic(&mut model, "1");
        let private = NewNatGateway { connectivity: NatConnectivity::Private, ..with(one) };
        assert_eq!(code(&mut model, private), "InvalidParameterCombination");
        let outside = NewNatGateway { private_ip: Some(Ipv4Addr::new(10, 0, 0, 9)), ..with(one) };
        assert_eq!(code(&mut model, outside), "InvalidParameterValue");
        let twice = NewNatGateway { secondary_allocation_ids: vec![one], ..with(one) };
        assert_eq!(code(&mut model, twice), "InvalidParameterValue");
        let more = vec![elastic(&mut model, "2"), elastic(&mut model, "3")];
        let many = NewNatGateway { secondary_allocation_ids: more, ..with(one) };
        assert_eq!(code(&mut model, many), "InvalidParameter");
        let private = |label: &str| NewNatGateway { connectivity: NatConnectivity::Private, ..new(label, subnet_id) };
        for number in 0..5 {
            model.add_nat_gateway(private(&number.to_string())).unwrap();
        }
        assert_eq!(code(&mut model, private("6")), "NatGatewayLimitExceeded");
    }

    #[test]
    fn secondary_addresses_come_and_go_the_primary_stays() {
        let (mut model, subnet_id) = world();
        model.quotas.elastic_addresses_per_nat_gateway = 8;
        let [one, two, three] = ["1", "2", "3"].map(|label| elastic(&mut model, label));
        let with_two = NewNatGateway {
            allocation_id: Some(one),
            secondary_allocation_ids: vec![two],
            secondary_private_ips: vec![Ipv4Addr::new(172, 31, 0, 77)],
            ..new("n", subnet_id)
        };
        let id = model.add_nat_gateway(with_two).unwrap();
        model.associate_nat_gateway_addresses(id, &[three], &[]).unwrap();
        let addresses = model.nat_gateways[&id].addresses.clone();
        let private: Vec<_> = addresses.iter().map(|address| address.private_ip.to_string()).collect();
        assert_eq!(private, ["172.31.0.10", "172.31.0.77", "172.31.0.11"]);
        // A secondary address is nobody else's.
        let subnet = model.subnets[&subnet_id].clone();
        let taken = model.private_address(&subnet, Some(Ipv4Addr::new(172, 31, 0, 77)));
        assert_eq!(taken.unwrap_err().code, "InvalidIPAddress.InUse");
        let association = |position: usize| addresses[position].elastic.unwrap().association_id;
        let error = model.disassociate_nat_gateway_addresses(id, &[association(0)]).unwrap_err();
        assert_eq!(error.code, "InvalidParameter");
        model.disassociate_nat_gateway_addresses(id, &[association(1)]).unwrap();
        assert_eq!(model.nat_gateways[&id].addresses.len(), 2);
        model.release_address(two).unwrap();
        assert_eq!(model.assign_nat_gateway_private_addresses(id, &[], 1).unwrap_err().code, "InvalidParameter");

        let private = NewNatGateway {
            connectivity: NatConnectivity::Private,
            secondary_private_ip_count: 2,
            ..new("p", subnet_id)
        };
        let id = model.add_nat_gateway(private).unwrap();
        assert_eq!(model.nat_gateways[&id].addresses.len(), 3);
        model.assign_nat_gateway_private_addresses(id, &[], 5).unwrap();
        assert_eq!(model.assign_nat_gateway_private_addresses(id, &[], 1).unwrap_err().code, "InvalidParameter");
        let last = model.nat_gateways[&id].addresses[7].private_ip;
        model.unassign_nat_gateway_private_addresses(id, &[last]).unwrap();
        assert_eq!(model.nat_gateways[&id].addresses.len(), 7);
    }
}
