//! Interface endpoints (PrivateLink): a network interface of AWS's in each chosen subnet, and DNS names for them.
//!
//! Purpose: making, changing and deleting them with AWS's refusals, and their names. Creation takes no simulated time: what AWS calls `pending` for a
//! minute is `available` at once. Non-goals: endpoint services of one's own, acceptance by an owner, gateway load balancers, inbound resolver endpoints.
//! Invariants: at most one subnet a zone; an interface of an endpoint is made, changed and deleted with it only.
//! Assumed: left out, private DNS is on where the service has it, S3 apart (AWS's API documents "on"; its answer to DynamoDB and S3 without the parameter
//! is success).
//! Sources: docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html, privatelink-access-aws-services.html, vpc-limits-endpoints.html;
//! messages marked "observed" come from public transcripts.

use super::endpoint_service::{EndpointService, VpcEndpointType, endpoint_services_in};
use super::*;
use crate::net::MacAddress;
use crate::time::SimTime;

/// What a new interface endpoint is to be.
#[derive(Clone, Debug)]
pub struct NewInterfaceEndpoint {
    /// What its id derives from.
    pub label: String,
    /// Its id, if wanted.
    pub id: Option<VpcEndpointId>,
    /// Its VPC.
    pub vpc_id: VpcId,
    /// `com.amazonaws.us-east-1.ec2`.
    pub service_name: String,
    /// Subnets that get an interface, and its address if wanted. May be empty.
    pub subnets: Vec<(SubnetId, Option<Ipv4Addr>)>,
    /// Security groups; none means the VPC's default group.
    pub security_group_ids: Vec<SecurityGroupId>,
    /// Whether the service's public names mean the endpoint inside the VPC; `None` leaves it to the service.
    pub private_dns_enabled: Option<bool>,
    /// S3: only hosts that ask an inbound resolver endpoint see the private names. `None` is AWS's default, which is so.
    pub private_dns_only_for_inbound_resolver: Option<bool>,
    /// The part of its DNS names that AWS draws, if wanted.
    pub dns_suffix: Option<String>,
    /// Policy as JSON text; `None` allows everything.
    pub policy_document: Option<String>,
    /// When.
    pub at: SimTime,
    /// Tags.
    pub tags: Tags,
}

/// What is to change about an interface endpoint. What is removed goes first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceEndpointChange {
    /// Subnets that get an interface, and its address if wanted.
    pub add_subnets: Vec<(SubnetId, Option<Ipv4Addr>)>,
    /// Subnets that lose theirs.
    pub remove_subnet_ids: Vec<SubnetId>,
    /// Security groups to add.
    pub add_security_group_ids: Vec<SecurityGroupId>,
    /// Security groups to take off.
    pub remove_security_group_ids: Vec<SecurityGroupId>,
    /// Whether the service's public names mean the endpoint inside the VPC.
    pub private_dns_enabled: Option<bool>,
    /// See [`NewInterfaceEndpoint::private_dns_only_for_inbound_resolver`].
    pub private_dns_only_for_inbound_resolver: Option<bool>,
}

/// A DNS name of an interface endpoint, in public DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointDnsName {
    /// `vpce-1a2b3c4d-sow3v4uq.dynamodb.us-east-1.vpce.amazonaws.com`; S3's begin with `*.`.
    pub name: String,
    /// The private addresses that it means.
    pub addresses: Vec<Ipv4Addr>,
}

/// Letters of the drawn part of endpoints' DNS names.
const DNS_ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// How many there are.
pub const DNS_SUFFIX_LENGTH: usize = 8;

impl Model {
    /// Creates an interface endpoint and its interfaces.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`, `InvalidServiceName`, `VpcEndpointLimitExceeded`, `InvalidPolicyDocument`, `InvalidSubnetID.NotFound`,
    /// `DuplicateSubnetsInSameZone`, `InvalidParameter` (subnet of another VPC or in a zone without the service, private DNS that the service or VPC does
    /// not have), those of [`Model::launch_instance`] about groups and addresses. A refusal may come half-way: whoever goes on afterwards changes a copy.
    pub fn add_interface_endpoint(&mut self, new: NewInterfaceEndpoint) -> Result<VpcEndpointId, ModelError> {
        let default_group = self.vpc(new.vpc_id)?.default_security_group_id;
        let service = self.interface_service(new.vpc_id, &new.service_name)?;
        let limit = self.quotas.interface_endpoints_per_vpc;
        let interface_endpoints =
            self.vpc_endpoints.values().filter(|endpoint| endpoint.vpc_id == new.vpc_id && !endpoint.is_gateway());
        if interface_endpoints.count() >= limit {
            return Err(ModelError::quota("VpcEndpointLimitExceeded", "interface endpoints of a VPC", limit));
        }
        let policy_document = match &new.policy_document {
            Some(policy) => self.checked_policy(policy)?,
            None => VpcEndpoint::DEFAULT_INTERFACE_POLICY.to_owned(),
        };
        let groups = if new.security_group_ids.is_empty() { vec![default_group] } else { new.security_group_ids };
        self.check_groups(new.vpc_id, &groups)?;
        let has_private_dns = !service.private_dns_names.is_empty() && service.kind != ServiceKind::S3;
        let private_dns_enabled = new.private_dns_enabled.unwrap_or(has_private_dns);
        let only_for_inbound_resolver =
            service.kind == ServiceKind::S3 && new.private_dns_only_for_inbound_resolver.unwrap_or(true);
        if private_dns_enabled {
            self.check_private_dns(new.vpc_id, &service, only_for_inbound_resolver, None)?;
        }
        let id = new.id.unwrap_or_else(|| VpcEndpointId::mint(self.seed, &new.label, self.id_length));
        if self.vpc_endpoints.contains_key(&id) {
            return Err(ModelError::new("InvalidParameterValue", format!("The ID '{id}' is already in use.")));
        }
        let endpoint = VpcEndpoint {
            id,
            vpc_id: new.vpc_id,
            service_name: new.service_name,
            kind: VpcEndpointKind::Interface {
                subnets: BTreeMap::new(),
                security_group_ids: groups,
                private_dns_enabled,
                private_dns_only_for_inbound_resolver: only_for_inbound_resolver,
                dns_suffix: new.dns_suffix.unwrap_or_else(|| self.drawn_dns_suffix(id)),
            },
            policy_document,
            created_at: new.at,
            tags: new.tags,
        };
        self.vpc_endpoints.insert(id, endpoint);
        self.add_endpoint_subnets(id, &service, &new.subnets, new.at)?;
        Ok(id)
    }

    /// Changes an interface endpoint.
    ///
    /// # Errors
    /// `InvalidVpcEndpointId.NotFound`, `InvalidParameter` (it is a gateway; a subnet that it is not in), and those of [`Model::add_interface_endpoint`]. A
    /// refusal may come half-way.
    pub fn modify_interface_endpoint(
        &mut self,
        id: VpcEndpointId,
        change: &InterfaceEndpointChange,
        at: SimTime,
    ) -> Result<(), ModelError> {
        let endpoint = self.vpc_endpoint(id)?.clone();
        let VpcEndpointKind::Interface {
            mut security_group_ids,
            private_dns_enabled,
            private_dns_only_for_inbound_resolver,
            ..
        } = endpoint.kind
        else {
            // Unverified wording.
            return Err(ModelError::new(
                "InvalidParameter",
                "Subnets, security groups and private DNS are only supported for Interface type VPC Endpoint.",
            ));
        };
        let service = self.interface_service(endpoint.vpc_id, &endpoint.service_name)?;
        security_group_ids.retain(|group| !change.remove_security_group_ids.contains(group));
        for group in &change.add_security_group_ids {
            if !security_group_ids.contains(group) {
                security_group_ids.push(*group);
            }
        }
        self.check_groups(endpoint.vpc_id, &security_group_ids)?;
        let only = service.kind == ServiceKind::S3
            && change.private_dns_only_for_inbound_resolver.unwrap_or(private_dns_only_for_inbound_resolver);
        let enabled = change.private_dns_enabled.unwrap_or(private_dns_enabled);
        if enabled {
            self.check_private_dns(endpoint.vpc_id, &service, only, Some(id))?;
        }
        for subnet in &change.remove_subnet_ids {
            self.remove_endpoint_subnet(id, *subnet)?;
        }
        self.add_endpoint_subnets(id, &service, &change.add_subnets, at)?;
        let interfaces: Vec<EniId> = self.vpc_endpoint(id)?.interfaces().map(|(_, interface)| interface).collect();
        for interface in interfaces {
            if let Some(interface) = self.network_interfaces.get_mut(&interface) {
                interface.security_group_ids = security_group_ids.clone();
            }
        }
        if let Some(VpcEndpoint {
            kind:
                VpcEndpointKind::Interface {
                    security_group_ids: groups,
                    private_dns_enabled,
                    private_dns_only_for_inbound_resolver,
                    ..
                },
            ..
        }) = self.vpc_endpoints.get_mut(&id)
        {
            (*groups, *private_dns_enabled, *private_dns_only_for_inbound_resolver) =
                (security_group_ids, enabled, only);
        }
        Ok(())
    }

    /// The names of an interface endpoint: the regional one first, then one a zone; none for a gateway endpoint.
    pub fn endpoint_dns_names(&self, endpoint: &VpcEndpoint) -> Vec<EndpointDnsName> {
        let VpcEndpointKind::Interface { subnets, dns_suffix, .. } = &endpoint.kind else { return Vec::new() };
        let Ok(service) = self.interface_service(endpoint.vpc_id, &endpoint.service_name) else { return Vec::new() };
        let star = if service.kind == ServiceKind::S3 { "*." } else { "" };
        let stem = format!("{star}{}-{dns_suffix}", endpoint.id);
        let mut zones: Vec<(&str, Ipv4Addr)> = (subnets.iter())
            .filter_map(|(subnet, interface)| {
                let zone = &self.subnets.get(subnet)?.availability_zone;
                Some((zone.as_str(), self.network_interfaces.get(interface)?.private_ip))
            })
            .collect();
        zones.sort_unstable();
        let all = EndpointDnsName {
            name: format!("{stem}.{}", service.base_dns_name),
            addresses: zones.iter().map(|(_, address)| *address).collect(),
        };
        let zonal = zones.iter().map(|(zone, address)| EndpointDnsName {
            name: format!("{stem}-{zone}.{}", service.base_dns_name),
            addresses: vec![*address],
        });
        std::iter::once(all).chain(zonal).collect()
    }

    /// The public names that mean this endpoint inside its VPC, with the private addresses: none without private DNS, or while the VPC lacks one of its two
    /// DNS attributes.
    pub fn endpoint_private_dns_names(&self, endpoint: &VpcEndpoint) -> Vec<EndpointDnsName> {
        let VpcEndpointKind::Interface {
            private_dns_enabled: true, private_dns_only_for_inbound_resolver: false, ..
        } = endpoint.kind
        else {
            return Vec::new();
        };
        let resolves = |vpc: &Vpc| vpc.enable_dns_support && vpc.enable_dns_hostnames;
        let (Some(_), Ok(service)) = (
            self.vpcs.get(&endpoint.vpc_id).filter(|vpc| resolves(vpc)),
            self.interface_service(endpoint.vpc_id, &endpoint.service_name),
        ) else {
            return Vec::new();
        };
        let addresses = self.endpoint_dns_names(endpoint).into_iter().next().map_or_else(Vec::new, |all| all.addresses);
        let names = service.private_dns_names.into_iter();
        names.map(|name| EndpointDnsName { name, addresses: addresses.clone() }).collect()
    }

    /// The service that an interface endpoint in `vpc_id` leads to.
    ///
    /// # Errors
    /// `InvalidServiceName`.
    pub fn interface_service(&self, vpc_id: VpcId, name: &str) -> Result<EndpointService, ModelError> {
        let mut services = endpoint_services_in(self, self.region_of(vpc_id)).into_iter();
        let found =
            services.find(|service| service.name == name && service.endpoint_type == VpcEndpointType::Interface);
        found.ok_or_else(|| {
            ModelError::new("InvalidServiceName", format!("The Vpc Endpoint Service '{name}' does not exist"))
        })
    }

    /// The interface endpoint that an interface belongs to.
    pub fn endpoint_of_interface(&self, interface: EniId) -> Option<&VpcEndpoint> {
        self.vpc_endpoints.values().find(|endpoint| endpoint.interfaces().any(|(_, other)| other == interface))
    }

    /// Deletes a network interface that nothing is attached to. Those of instances and of AWS's services are always in use.
    ///
    /// # Errors
    /// `InvalidNetworkInterfaceID.NotFound`, `InvalidParameterValue` (in use; observed).
    pub fn delete_network_interface(&mut self, id: EniId) -> Result<(), ModelError> {
        if self.network_interface(id)?.attachment.is_some() {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("Network interface '{id}' is currently in use."),
            ));
        }
        self.network_interfaces.remove(&id);
        self.retired_ids.insert(id.to_string());
        Ok(())
    }

    /// Takes an interface endpoint's interfaces away.
    pub(super) fn remove_endpoint_interfaces(&mut self, id: VpcEndpointId) -> Result<(), ModelError> {
        let subnets: Vec<SubnetId> = self.vpc_endpoint(id)?.interfaces().map(|(subnet, _)| subnet).collect();
        subnets.into_iter().try_for_each(|subnet| self.remove_endpoint_subnet(id, subnet))
    }

    fn add_endpoint_subnets(
        &mut self,
        id: VpcEndpointId,
        service: &EndpointService,
        subnets: &[(SubnetId, Option<Ipv4Addr>)],
        at: SimTime,
    ) -> Result<(), ModelError> {
        for (subnet_id, address) in subnets {
            let endpoint = self.vpc_endpoint(id)?;
            let subnet = self.subnet(*subnet_id)?.clone();
            if subnet.vpc_id != endpoint.vpc_id {
                // Unverified wording.
                return Err(ModelError::new(
                    "InvalidParameter",
                    format!("Subnet {subnet_id} does not belong to VPC {}", endpoint.vpc_id),
                ));
            }
            let same_zone = |other: &SubnetId| {
                self.subnets.get(other).is_some_and(|other| other.availability_zone == subnet.availability_zone)
            };
            if let Some((other, _)) = endpoint.interfaces().find(|(other, _)| same_zone(other)) {
                return Err(ModelError::new(
                    "DuplicateSubnetsInSameZone",
                    format!("Found another VPC endpoint subnet in the availability zone of {other}"),
                ));
            }
            if !self.is_offered_in(service, &subnet.availability_zone) {
                return Err(ModelError::new(
                    "InvalidParameter",
                    format!(
                        "The VPC endpoint service {} does not support the availability zone of the subnet: {subnet_id}",
                        service.name
                    ),
                ));
            }
            self.add_endpoint_interface(id, &subnet, *address, at)?;
        }
        Ok(())
    }

    fn add_endpoint_interface(
        &mut self,
        id: VpcEndpointId,
        subnet: &Subnet,
        address: Option<Ipv4Addr>,
        at: SimTime,
    ) -> Result<(), ModelError> {
        let limit = self.quotas.interfaces_per_region;
        if self.network_interfaces.len() >= limit {
            return Err(ModelError::quota("NetworkInterfaceLimitExceeded", "network interfaces", limit));
        }
        let private_ip = self.private_address(subnet, address)?;
        let label = self.label_of_new_interface(&format!("{id} {}", subnet.id));
        let (seed, length) = (self.seed, self.id_length);
        let eni_id = EniId::mint(seed, &label, length);
        let Some(VpcEndpoint { kind: VpcEndpointKind::Interface { subnets, security_group_ids, .. }, vpc_id, .. }) =
            self.vpc_endpoints.get_mut(&id)
        else {
            return Ok(());
        };
        subnets.insert(subnet.id, eni_id);
        let interface = NetworkInterface {
            id: eni_id,
            subnet_id: subnet.id,
            vpc_id: *vpc_id,
            private_ip,
            public_address: None,
            security_group_ids: security_group_ids.clone(),
            source_dest_check: true,
            mac: MacAddress::local(eni_id.low_bits()),
            description: format!("VPC Endpoint Interface {id}"),
            interface_type: InterfaceType::VpcEndpoint,
            tracking: ConnectionTracking::default(),
            attachment: Some(Attachment {
                id: EniAttachmentId::mint(seed, &label, length),
                instance_id: None,
                device_index: 1,
                attached_at: at,
            }),
        };
        self.network_interfaces.insert(eni_id, interface);
        Ok(())
    }

    /// An id that was an interface's once does not come back, though the endpoint returns to its subnet.
    fn label_of_new_interface(&self, label: &str) -> String {
        let is_taken = |label: &str| {
            let id = EniId::mint(self.seed, label, self.id_length);
            self.network_interfaces.contains_key(&id) || self.is_retired(id)
        };
        let mut candidate = label.to_owned();
        for number in 2u64.. {
            if !is_taken(&candidate) {
                break;
            }
            candidate = format!("{label} {number}");
        }
        candidate
    }

    fn remove_endpoint_subnet(&mut self, id: VpcEndpointId, subnet: SubnetId) -> Result<(), ModelError> {
        let removed = match self.vpc_endpoints.get_mut(&id).map(|endpoint| &mut endpoint.kind) {
            Some(VpcEndpointKind::Interface { subnets, .. }) => subnets.remove(&subnet),
            _ => None,
        };
        let Some(interface) = removed else {
            self.subnet(subnet)?;
            // Unverified wording.
            return Err(ModelError::new(
                "InvalidParameter",
                format!("The VPC endpoint {id} is not in the subnet {subnet}"),
            ));
        };
        self.network_interfaces.remove(&interface);
        self.retired_ids.insert(interface.to_string());
        Ok(())
    }

    /// Whether the service's public names can mean an endpoint of the VPC. `own` is the endpoint that may have them already.
    fn check_private_dns(
        &self,
        vpc_id: VpcId,
        service: &EndpointService,
        only_for_inbound_resolver: bool,
        own: Option<VpcEndpointId>,
    ) -> Result<(), ModelError> {
        let refuse = |message: String| Err(ModelError::new("InvalidParameter", message));
        let Some(private_name) = service.private_dns_names.last() else {
            // Observed.
            return refuse(format!(
                "Private DNS can't be enabled because the service {} does not provide a private DNS name.",
                service.name
            ));
        };
        let vpc = self.vpc(vpc_id)?;
        if !vpc.enable_dns_support || !vpc.enable_dns_hostnames {
            // Observed.
            return refuse(format!(
                "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true \
                 for {vpc_id}"
            ));
        }
        let siblings = || self.vpc_endpoints.values().filter(|other| other.vpc_id == vpc_id && Some(other.id) != own);
        let gateway = |other: &VpcEndpoint| other.is_gateway() && other.service_name == service.name;
        if only_for_inbound_resolver && !siblings().any(gateway) {
            // Observed.
            return refuse(format!(
                "To set PrivateDnsOnlyForInboundResolverEndpoint to true, the VPC {vpc_id} must have a Gateway endpoint \
                 for the service."
            ));
        }
        let conflicts = |other: &VpcEndpoint| {
            other.service_name == service.name
                && matches!(other.kind, VpcEndpointKind::Interface { private_dns_enabled: true, .. })
        };
        if siblings().any(conflicts) {
            // Observed.
            return refuse(format!(
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for {private_name} \
                 in the VPC {vpc_id}"
            ));
        }
        Ok(())
    }

    fn drawn_dns_suffix(&self, id: VpcEndpointId) -> String {
        let mut stream = self.seed.derive(&format!("dns name of {id}"));
        let letter = |_| char::from(DNS_ALPHABET[stream.below(DNS_ALPHABET.len() as u64) as usize]);
        (0..DNS_SUFFIX_LENGTH).map(letter).collect()
    }
}
