//! Launching and ending instances; their interfaces and public addresses.

use super::*;
use crate::net::MacAddress;
use crate::time::SimTime;

/// The pool of public addresses: TEST-NET-3 (RFC 5737), which is nobody's.
const PUBLIC_POOL_BASE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 0);
/// First and last host part handed out.
const PUBLIC_POOL_RANGE: std::ops::RangeInclusive<u32> = 25..=249;
/// Offset of the first private address handed out in a subnet. AWS picks at random; a fixed start reads better.
const FIRST_PRIVATE_OFFSET: u32 = 10;

/// What a new instance is to be.
#[derive(Clone, Debug)]
pub struct NewInstance {
    /// What ids derive from: the instance's name.
    pub label: String,
    /// Its id, if wanted.
    pub id: Option<InstanceId>,
    /// Its interface's id, if wanted.
    pub interface_id: Option<EniId>,
    /// Its subnet.
    pub subnet_id: SubnetId,
    /// Its private address, if wanted.
    pub private_ip: Option<Ipv4Addr>,
    /// Whether it gets a public address; `None` asks the subnet.
    pub associate_public_ip: Option<bool>,
    /// The public address it gets, if wanted; it must be free.
    pub public_ip: Option<Ipv4Addr>,
    /// Its security groups; none means the VPC's default group.
    pub security_group_ids: Vec<SecurityGroupId>,
    /// Source/destination check of its interface.
    pub source_dest_check: bool,
    /// What it does with packets for others.
    pub forwarding: Forwarding,
    /// Machine image.
    pub image_id: ImageId,
    /// `t3.micro`.
    pub instance_type: String,
    /// Name of the key pair.
    pub key_name: Option<String>,
    /// The launch; `None` mints one.
    pub reservation_id: Option<ReservationId>,
    /// When.
    pub at: SimTime,
    /// Tags.
    pub tags: Tags,
}

impl Model {
    /// Launches an instance with one interface.
    ///
    /// # Errors
    /// `InvalidSubnetID.NotFound`, `InvalidGroup.NotFound`, `SecurityGroupsPerInterfaceLimitExceeded`, `InvalidParameterValue` (groups of another VPC, an
    /// address outside the subnet or reserved), `InvalidIPAddress.InUse`, `InsufficientFreeAddressesInSubnet`,
    /// `InsufficientAddressCapacity` (public pool), `NetworkInterfaceLimitExceeded`.
    pub fn launch_instance(&mut self, new: NewInstance) -> Result<InstanceId, ModelError> {
        let subnet = self.subnet(new.subnet_id)?.clone();
        let default_group = self.vpc(subnet.vpc_id)?.default_security_group_id;
        let groups =
            if new.security_group_ids.is_empty() { vec![default_group] } else { new.security_group_ids.clone() };
        self.check_groups(subnet.vpc_id, &groups)?;
        let limit = self.quotas.interfaces_per_region;
        if self.network_interfaces.len() >= limit {
            return Err(ModelError::quota("NetworkInterfaceLimitExceeded", "network interfaces", limit));
        }
        let private_ip = self.private_address(&subnet, new.private_ip)?;
        let wants_public = new.public_ip.is_some() || new.associate_public_ip.unwrap_or(subnet.map_public_ip_on_launch);
        let public_address = match wants_public {
            true => Some(PublicAddress { address: self.public_address(new.public_ip)?, allocation_id: None }),
            false => None,
        };

        let (seed, length, label) = (self.seed, self.id_length, new.label.as_str());
        let id = new.id.unwrap_or_else(|| InstanceId::mint(seed, label, length));
        let eni_id = new.interface_id.unwrap_or_else(|| EniId::mint(seed, label, length));
        if self.instances.contains_key(&id) || self.network_interfaces.contains_key(&eni_id) {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("The ID '{id}' or '{eni_id}' is already in use."),
            ));
        }
        let attachment = Attachment {
            id: EniAttachmentId::mint(seed, label, length),
            instance_id: Some(id),
            device_index: 0,
            attached_at: new.at,
        };
        self.network_interfaces.insert(
            eni_id,
            NetworkInterface {
                id: eni_id,
                subnet_id: subnet.id,
                vpc_id: subnet.vpc_id,
                private_ip,
                public_address,
                security_group_ids: groups,
                source_dest_check: new.source_dest_check,
                mac: MacAddress::local(eni_id.low_bits()),
                description: String::new(),
                interface_type: InterfaceType::Interface,
                attachment: Some(attachment),
                tracking: ConnectionTracking::default(),
            },
        );
        self.instances.insert(
            id,
            Instance {
                id,
                image_id: new.image_id,
                instance_type: new.instance_type,
                state: InstanceState::Running,
                primary_interface_id: Some(eni_id),
                reservation_id: new.reservation_id.unwrap_or_else(|| ReservationId::mint(seed, label, length)),
                launched_at: new.at,
                key_name: new.key_name,
                forwarding: new.forwarding,
                tags: new.tags,
            },
        );
        Ok(id)
    }

    /// Ends an instance: its interface goes, its Elastic IP stays allocated. Ending an ended instance changes nothing.
    ///
    /// # Errors
    /// `InvalidInstanceID.NotFound`.
    pub fn terminate_instance(&mut self, id: InstanceId) -> Result<(), ModelError> {
        let Some(instance) = self.instances.get_mut(&id) else {
            return Err(ModelError::new(
                "InvalidInstanceID.NotFound",
                format!("The instance ID '{id}' does not exist"),
            ));
        };
        instance.state = InstanceState::Terminated;
        if let Some(interface_id) = instance.primary_interface_id.take() {
            self.network_interfaces.remove(&interface_id);
            for address in self.elastic_addresses.values_mut() {
                if address.association.is_some_and(|(_, holder)| holder.interface() == Some(interface_id)) {
                    address.association = None;
                }
            }
        }
        Ok(())
    }

    /// Replaces the security groups of an interface.
    ///
    /// # Errors
    /// `InvalidNetworkInterfaceID.NotFound` and those of [`Model::launch_instance`] about groups.
    pub fn set_security_groups(&mut self, eni_id: EniId, groups: &[SecurityGroupId]) -> Result<(), ModelError> {
        let vpc_id = self.network_interface(eni_id)?.vpc_id;
        self.check_groups(vpc_id, groups)?;
        if let Some(interface) = self.network_interfaces.get_mut(&eni_id) {
            interface.security_group_ids = groups.to_vec();
        }
        Ok(())
    }

    /// Allocates an Elastic IP address.
    ///
    /// # Errors
    /// `AddressLimitExceeded`, `InsufficientAddressCapacity`, `InvalidAddress.InUse`.
    pub fn allocate_address(
        &mut self,
        label: &str,
        id: Option<AllocationId>,
        wanted: Option<Ipv4Addr>,
        tags: Tags,
    ) -> Result<AllocationId, ModelError> {
        if self.elastic_addresses.len() >= self.quotas.elastic_addresses_per_region {
            return Err(ModelError::new("AddressLimitExceeded", "The maximum number of addresses has been reached."));
        }
        let public_ip = self.public_address(wanted)?;
        let allocation_id = id.unwrap_or_else(|| AllocationId::mint(self.seed, label, self.id_length));
        self.elastic_addresses
            .insert(allocation_id, ElasticAddress { allocation_id, public_ip, association: None, tags });
        Ok(allocation_id)
    }

    /// Associates an Elastic IP with an interface, instead of the public address it had.
    ///
    /// # Errors
    /// `InvalidAllocationID.NotFound`, `InvalidNetworkInterfaceID.NotFound`, `Resource.AlreadyAssociated`, `OperationNotPermitted` (AWS manages the interface).
    pub fn associate_address(
        &mut self,
        allocation_id: AllocationId,
        eni_id: EniId,
    ) -> Result<AddressAssociationId, ModelError> {
        if self.network_interface(eni_id)?.interface_type.is_requester_managed() {
            return Err(ModelError::managed_by_aws());
        }
        let id = AddressAssociationId::mint(self.seed, &format!("{allocation_id} {eni_id}"), self.id_length);
        let Some(address) = self.elastic_addresses.get_mut(&allocation_id) else {
            return Err(ModelError::new(
                "InvalidAllocationID.NotFound",
                format!("The allocation ID '{allocation_id}' does not exist"),
            ));
        };
        if address.association.is_some() {
            return Err(ModelError::new(
                "Resource.AlreadyAssociated",
                format!("resource {allocation_id} is already associated with another interface"),
            ));
        }
        address.association = Some((id, AddressHolder::Interface(eni_id)));
        let public = PublicAddress { address: address.public_ip, allocation_id: Some(allocation_id) };
        if let Some(interface) = self.network_interfaces.get_mut(&eni_id) {
            interface.public_address = Some(public);
        }
        Ok(id)
    }

    /// The interface, or `InvalidNetworkInterfaceID.NotFound`.
    pub fn network_interface(&self, id: EniId) -> Result<&NetworkInterface, ModelError> {
        self.network_interfaces
            .get(&id)
            .ok_or_else(|| ModelError::not_found("InvalidNetworkInterfaceID.NotFound", "networkInterface", id))
    }

    pub(super) fn check_groups(&self, vpc_id: VpcId, groups: &[SecurityGroupId]) -> Result<(), ModelError> {
        let limit = self.quotas.security_groups_per_interface;
        if groups.is_empty() || groups.len() > limit {
            return Err(ModelError::new(
                "SecurityGroupsPerInterfaceLimitExceeded",
                format!("An interface has 1 to {limit} security groups."),
            ));
        }
        for id in groups {
            if self.security_group(*id)?.vpc_id != vpc_id {
                return Err(ModelError::new(
                    "InvalidParameterValue",
                    format!("You have specified two resources that belong to different networks: {id}, {vpc_id}"),
                ));
            }
        }
        Ok(())
    }

    /// How many addresses of a subnet nobody has.
    pub fn free_private_addresses(&self, subnet: &Subnet) -> usize {
        let usable = (1usize << (32 - subnet.cidr.prefix_len())) - Subnet::RESERVED_ADDRESSES;
        let of_interfaces = self.network_interfaces.values().filter(|eni| eni.subnet_id == subnet.id).count();
        let gateways = self.nat_gateways.values().filter(|gateway| gateway.subnet_id == subnet.id);
        let secondary = gateways.filter(|gateway| gateway.interface_id.is_some());
        let of_gateways: usize = secondary.map(|gateway| gateway.addresses.len().saturating_sub(1)).sum();
        usable.saturating_sub(of_interfaces + of_gateways)
    }

    pub(super) fn private_address(&self, subnet: &Subnet, wanted: Option<Ipv4Addr>) -> Result<Ipv4Addr, ModelError> {
        let free = |address: Ipv4Addr| self.interface_at(subnet.vpc_id, address).is_none();
        match wanted {
            Some(address) if !subnet.cidr.contains(&address) => Err(ModelError::new(
                "InvalidParameterValue",
                format!("Address {address} does not fall within the subnet's address range"),
            )),
            Some(address) if subnet.is_reserved(address) => Err(ModelError::new(
                "InvalidParameterValue",
                format!("Address {address} is in subnet's reserved address range"),
            )),
            Some(address) if !free(address) => {
                Err(ModelError::new("InvalidIPAddress.InUse", format!("Address {address} is in use.")))
            }
            Some(address) => Ok(address),
            None => {
                let (base, last) = (u32::from(subnet.cidr.network()), u32::from(subnet.cidr.broadcast()));
                let from_ten = (base + FIRST_PRIVATE_OFFSET)..last;
                let before = (base + 4)..(base + FIRST_PRIVATE_OFFSET).min(last);
                from_ten.chain(before).map(Ipv4Addr::from).find(|address| free(*address)).ok_or_else(|| {
                    ModelError::new(
                        "InsufficientFreeAddressesInSubnet",
                        format!(
                            "There are not enough free addresses in subnet '{}' to satisfy the request.",
                            subnet.id
                        ),
                    )
                })
            }
        }
    }

    /// The last free address of a subnet: for interfaces that AWS makes, out of the way of addresses that people choose. AWS picks at random.
    pub(super) fn last_private_address(&self, subnet: &Subnet) -> Result<Ipv4Addr, ModelError> {
        let (base, last) = (u32::from(subnet.cidr.network()), u32::from(subnet.cidr.broadcast()));
        let free = |address: &Ipv4Addr| self.interface_at(subnet.vpc_id, *address).is_none();
        let wanted = (base + 4..last).rev().map(Ipv4Addr::from).find(free);
        // With none free the refusal is that of any other interface.
        self.private_address(subnet, wanted)
    }

    fn public_address(&mut self, wanted: Option<Ipv4Addr>) -> Result<Ipv4Addr, ModelError> {
        let taken = |address: &Ipv4Addr| {
            self.public_addresses_used.contains(address)
                || self.outside_hosts.values().any(|host| host.address == *address)
        };
        let address = match wanted {
            Some(address) if taken(&address) => {
                return Err(ModelError::new("InvalidAddress.InUse", format!("The address {address} is in use.")));
            }
            Some(address) => address,
            None => PUBLIC_POOL_RANGE
                .map(|host| Ipv4Addr::from(u32::from(PUBLIC_POOL_BASE) + host))
                .find(|address| !taken(address))
                .ok_or_else(|| {
                    ModelError::new(
                        "InsufficientAddressCapacity",
                        "There are no free public addresses (203.0.113.0/24).",
                    )
                })?,
        };
        self.public_addresses_used.insert(address);
        Ok(address)
    }
}
