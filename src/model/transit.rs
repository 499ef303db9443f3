//! Making and changing transit gateways and what is attached to them.
//!
//! An attachment of a peered transit gateway has an id on each side (on AWS both sides show one): calls take either, [`Model::attachment_of_gateway`] finds the
//! side that is meant. Pending peerings do not expire. Creation takes no simulated time. Messages are unverified unless marked "AWS's".
//! Source: docs.aws.amazon.com/vpc/latest/tgw/working-with-transit-gateways.html, tgw-vpc-attachments.html, tgw-peering.html

use super::*;
use crate::net::MacAddress;
use crate::time::SimTime;

/// What a new transit gateway is to be.
#[derive(Clone, Debug)]
pub struct NewTransitGateway {
    /// What ids derive from.
    pub label: String,
    /// Its id, if wanted.
    pub id: Option<TransitGatewayId>,
    /// Its Region; `None` is the model's own.
    pub region: Option<String>,
    /// Whether new attachments are associated with its default table (AWS: yes).
    pub default_association: bool,
    /// Whether new attachments propagate to its default table (AWS: yes).
    pub default_propagation: bool,
    /// Whether security groups may name groups across it (AWS: no).
    pub security_group_referencing: bool,
    /// Whether VPN connections share flows (AWS: yes).
    pub vpn_equal_cost: bool,
    /// Its description.
    pub description: String,
    /// The AS number of AWS's side.
    pub amazon_side_asn: u64,
    /// When.
    pub at: SimTime,
    /// Tags.
    pub tags: Tags,
}

/// What a new attachment of a VPC is to be.
#[derive(Clone, Debug)]
pub struct NewVpcAttachment {
    /// What ids derive from.
    pub label: String,
    /// Its id, if wanted.
    pub id: Option<TransitGatewayAttachmentId>,
    /// The transit gateway.
    pub transit_gateway_id: TransitGatewayId,
    /// The VPC.
    pub vpc_id: VpcId,
    /// One subnet for each zone whose interfaces are to use it.
    pub subnet_ids: Vec<SubnetId>,
    /// Whether both directions of a flow use one interface.
    pub appliance_mode: bool,
    /// Whether security groups of the VPC may name groups across the transit gateway (AWS: yes).
    pub security_group_referencing: bool,
    /// When.
    pub at: SimTime,
    /// Tags.
    pub tags: Tags,
}

/// What a new peering of two transit gateways is to be.
#[derive(Clone, Debug)]
pub struct NewTransitGatewayPeering {
    /// What ids derive from.
    pub label: String,
    /// The id of the requester's side, if wanted.
    pub id: Option<TransitGatewayAttachmentId>,
    /// The transit gateway that asks.
    pub transit_gateway_id: TransitGatewayId,
    /// The one that is asked.
    pub peer_transit_gateway_id: TransitGatewayId,
    /// When.
    pub at: SimTime,
    /// Tags of the requester's side.
    pub tags: Tags,
}

impl Model {
    /// Adds a transit gateway, with its default route table unless both of its roles are switched off.
    ///
    /// # Errors
    /// `TransitGatewayLimitExceeded`, `InvalidParameterValue` (the id is taken).
    pub fn add_transit_gateway(&mut self, new: NewTransitGateway) -> Result<TransitGatewayId, ModelError> {
        let region = new.region.unwrap_or_else(|| self.region.clone());
        let limit = self.quotas.transit_gateways_per_region;
        if self.transit_gateways.values().filter(|other| other.region == region).count() >= limit {
            return Err(ModelError::quota("TransitGatewayLimitExceeded", "transit gateways", limit));
        }
        let id = new.id.unwrap_or_else(|| TransitGatewayId::mint(self.seed, &new.label, self.id_length));
        if self.transit_gateways.contains_key(&id) {
            return Err(taken(id));
        }
        let gateway = TransitGateway {
            id,
            region,
            default_association_route_table_id: None,
            default_propagation_route_table_id: None,
            security_group_referencing: new.security_group_referencing,
            vpn_equal_cost: new.vpn_equal_cost,
            description: new.description,
            amazon_side_asn: new.amazon_side_asn,
            created_at: new.at,
            tags: new.tags,
        };
        self.transit_gateways.insert(id, gateway);
        if new.default_association || new.default_propagation {
            let label = format!("default {}", new.label);
            let table = self.add_transit_gateway_route_table(&label, None, id, new.at, Tags::default())?;
            if let Some(gateway) = self.transit_gateways.get_mut(&id) {
                gateway.default_association_route_table_id = new.default_association.then_some(table);
                gateway.default_propagation_route_table_id = new.default_propagation.then_some(table);
            }
        }
        Ok(id)
    }

    /// Deletes a transit gateway that nothing is attached to, with its route tables.
    ///
    /// # Errors
    /// `InvalidTransitGatewayID.NotFound`, `IncorrectState`.
    pub fn delete_transit_gateway(&mut self, id: TransitGatewayId) -> Result<(), ModelError> {
        self.transit_gateway(id)?;
        let attached: Vec<_> = self.living_attachments(id).map(|attachment| attachment.id.to_string()).collect();
        if !attached.is_empty() {
            // AWS's sentence.
            let message = format!("{id} has non-deleted Transit Gateway Attachments: {}.", attached.join(", "));
            return Err(ModelError::new("IncorrectState", message));
        }
        let tables = self.transit_gateway_route_tables.values().filter(|table| table.transit_gateway_id == id);
        for table in tables.map(|table| table.id).collect::<Vec<_>>() {
            self.transit_gateway_route_tables.remove(&table);
            self.retired_ids.insert(table.to_string());
        }
        self.transit_gateways.remove(&id);
        self.retired_ids.insert(id.to_string());
        Ok(())
    }

    /// Attaches a VPC: an interface in each of the subnets, which AWS manages.
    ///
    /// # Errors
    /// `InvalidTransitGatewayID.NotFound` (also one of another Region), `InvalidVpcID.NotFound`, `InvalidSubnetID.NotFound`, `DuplicateTransitGatewayAttachment`,
    /// `DuplicateSubnetsInSameZone`, `InvalidParameterValue` (no subnets, or of another VPC), `TransitGatewayAttachmentLimitExceeded`,
    /// `InsufficientFreeAddressesInSubnet`.
    pub fn add_vpc_attachment(&mut self, new: NewVpcAttachment) -> Result<TransitGatewayAttachmentId, ModelError> {
        let (gateway_id, vpc_id) = (new.transit_gateway_id, new.vpc_id);
        let region = self.vpc(vpc_id)?.region.clone();
        if self.transit_gateway(gateway_id)?.region != region {
            return Err(no_gateway(gateway_id));
        }
        let is_of_vpc = |attachment: &&TransitGatewayAttachment| attachment.vpc_id() == Some(vpc_id);
        if self.living_attachments(gateway_id).any(|attachment| is_of_vpc(&attachment)) {
            // AWS's sentence.
            let message = format!("{gateway_id} has non-deleted Transit Gateway Attachments with same VPC ID.");
            return Err(ModelError::new("DuplicateTransitGatewayAttachment", message));
        }
        let lives = |attachment: &&TransitGatewayAttachment| {
            attachment.state != TransitGatewayAttachmentState::Deleted && is_of_vpc(attachment)
        };
        let limit = self.quotas.transit_gateways_per_vpc;
        if self.transit_gateway_attachments.values().filter(lives).count() >= limit {
            let code = "TransitGatewayAttachmentLimitExceeded";
            return Err(ModelError::quota(code, "transit gateways of a VPC", limit));
        }
        self.check_attachment_count(gateway_id)?;
        if new.subnet_ids.is_empty() {
            return Err(ModelError::new("MissingParameter", "The request must contain the parameter SubnetIds"));
        }
        self.check_attachment_subnets(vpc_id, &new.subnet_ids, &[])?;
        let id = new.id.unwrap_or_else(|| TransitGatewayAttachmentId::mint(self.seed, &new.label, self.id_length));
        if self.transit_gateway_attachments.contains_key(&id) {
            return Err(taken(id));
        }
        let mut subnets = BTreeMap::new();
        for subnet_id in &new.subnet_ids {
            subnets.insert(*subnet_id, self.add_attachment_interface(id, *subnet_id, new.at)?);
        }
        let resource = TransitGatewayResource::Vpc {
            vpc_id,
            subnets,
            appliance_mode: new.appliance_mode,
            security_group_referencing: new.security_group_referencing,
        };
        let state = TransitGatewayAttachmentState::Available;
        self.insert_attachment(id, gateway_id, resource, state, new.at, new.tags);
        self.apply_defaults(id)?;
        Ok(id)
    }

    /// Attaches a VPN connection or a virtual interface: what the constructors of these call once their ends are checked.
    ///
    /// # Errors
    /// `InvalidTransitGatewayID.NotFound`, `TransitGatewayAttachmentLimitExceeded`, `InvalidParameterValue` (the id is taken).
    pub fn add_connection_attachment(
        &mut self,
        label: &str,
        gateway_id: TransitGatewayId,
        resource: TransitGatewayResource,
        at: SimTime,
    ) -> Result<TransitGatewayAttachmentId, ModelError> {
        self.transit_gateway(gateway_id)?;
        self.check_attachment_count(gateway_id)?;
        let id = TransitGatewayAttachmentId::mint(self.seed, label, self.id_length);
        if self.transit_gateway_attachments.contains_key(&id) {
            return Err(taken(id));
        }
        let state = TransitGatewayAttachmentState::Available;
        self.insert_attachment(id, gateway_id, resource, state, at, Tags::default());
        self.apply_defaults(id)?;
        Ok(id)
    }

    /// Changes an attachment of a VPC: subnets that come and go, and its options where they are given.
    ///
    /// # Errors
    /// `InvalidTransitGatewayAttachmentID.NotFound`, `IncorrectState`, and those of [`Model::add_vpc_attachment`] about subnets.
    pub fn modify_vpc_attachment(
        &mut self,
        id: TransitGatewayAttachmentId,
        add: &[SubnetId],
        remove: &[SubnetId],
        appliance_mode: Option<bool>,
        security_group_referencing: Option<bool>,
        at: SimTime,
    ) -> Result<(), ModelError> {
        let attachment = self.transit_gateway_attachment(id)?;
        let TransitGatewayResource::Vpc { vpc_id, subnets, .. } = &attachment.resource else {
            return Err(no_attachment(id));
        };
        attachment.check_available()?;
        let (vpc_id, before) = (*vpc_id, subnets.clone());
        if let Some(subnet_id) = remove.iter().find(|subnet_id| !before.contains_key(subnet_id)) {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("The subnet {subnet_id} is not part of the attachment {id}"),
            ));
        }
        let kept: Vec<_> = before.keys().filter(|subnet_id| !remove.contains(subnet_id)).copied().collect();
        if kept.is_empty() && add.is_empty() {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("The attachment {id} must keep at least one subnet"),
            ));
        }
        self.check_attachment_subnets(vpc_id, add, &kept)?;
        let mut added = BTreeMap::new();
        for subnet_id in add {
            added.insert(*subnet_id, self.add_attachment_interface(id, *subnet_id, at)?);
        }
        for interface_id in remove.iter().filter_map(|subnet_id| before.get(subnet_id)) {
            self.remove_attachment_interface(*interface_id);
        }
        let resource = self.transit_gateway_attachments.get_mut(&id).map(|attachment| &mut attachment.resource);
        if let Some(TransitGatewayResource::Vpc {
            subnets,
            appliance_mode: mode,
            security_group_referencing: referencing,
            ..
        }) = resource
        {
            subnets.retain(|subnet_id, _| !remove.contains(subnet_id));
            subnets.extend(added);
            *mode = appliance_mode.unwrap_or(*mode);
            *referencing = security_group_referencing.unwrap_or(*referencing);
        }
        Ok(())
    }

    /// Asks another transit gateway for a peering: an attachment on each side, which wait for acceptance.
    ///
    /// # Errors
    /// `InvalidTransitGatewayID.NotFound`, `InvalidParameterValue` (with itself, or twice), `TransitGatewayAttachmentLimitExceeded`.
    pub fn add_transit_gateway_peering(
        &mut self,
        new: NewTransitGatewayPeering,
    ) -> Result<TransitGatewayAttachmentId, ModelError> {
        let (near, far) = (new.transit_gateway_id, new.peer_transit_gateway_id);
        for gateway_id in [near, far] {
            self.transit_gateway(gateway_id)?;
            self.check_attachment_count(gateway_id)?;
            let limit = self.quotas.transit_gateway_peering_attachments;
            let peerings = self.living_attachments(gateway_id).filter(|attachment| attachment.peer().is_some());
            if peerings.count() >= limit {
                let code = "TransitGatewayAttachmentLimitExceeded";
                return Err(ModelError::quota(code, "peering attachments of a transit gateway", limit));
            }
        }
        if near == far {
            let message = format!("The transit gateway {near} cannot be peered with itself");
            return Err(ModelError::new("InvalidParameterValue", message));
        }
        let joins = |attachment: &TransitGatewayAttachment| attachment.peer().is_some_and(|(other, _)| other == far);
        if self.living_attachments(near).any(joins) {
            let message = format!("{near} and {far} have a peering attachment already");
            return Err(ModelError::new("DuplicateTransitGatewayAttachment", message));
        }
        let mint = |label: &str| TransitGatewayAttachmentId::mint(self.seed, label, self.id_length);
        let near_id = new.id.unwrap_or_else(|| mint(&new.label));
        let far_id = mint(&format!("{near_id} accepter"));
        if let Some(id) = [near_id, far_id].into_iter().find(|id| self.transit_gateway_attachments.contains_key(id)) {
            return Err(taken(id));
        }
        let state = TransitGatewayAttachmentState::PendingAcceptance;
        let side = |peer_transit_gateway_id, peer_attachment_id, is_requester| TransitGatewayResource::Peering {
            peer_transit_gateway_id,
            peer_attachment_id,
            is_requester,
        };
        self.insert_attachment(near_id, near, side(far, far_id, true), state, new.at, new.tags);
        self.insert_attachment(far_id, far, side(near, near_id, false), state, new.at, Tags::default());
        Ok(near_id)
    }

    /// Accepts a peering, named by either side's attachment. Both are associated with their default route tables then.
    ///
    /// # Errors
    /// `InvalidTransitGatewayAttachmentID.NotFound`, `IncorrectState` (it does not wait for acceptance).
    pub fn accept_transit_gateway_peering(&mut self, id: TransitGatewayAttachmentId) -> Result<(), ModelError> {
        let attachment = self.transit_gateway_attachment(id)?;
        let Some((_, other)) = attachment.peer() else { return Err(no_attachment(id)) };
        if attachment.state != TransitGatewayAttachmentState::PendingAcceptance {
            return Err(attachment.wrong_state());
        }
        for side in [id, other] {
            if let Some(attachment) = self.transit_gateway_attachments.get_mut(&side) {
                attachment.state = TransitGatewayAttachmentState::Available;
            }
            self.apply_defaults(side)?;
        }
        Ok(())
    }

    /// Deletes an attachment: its interfaces go, its association and propagations end, static routes to it become blackholes. Of a peering both sides go.
    ///
    /// # Errors
    /// `InvalidTransitGatewayAttachmentID.NotFound`, `IncorrectState` (it is deleted already).
    pub fn delete_transit_gateway_attachment(&mut self, id: TransitGatewayAttachmentId) -> Result<(), ModelError> {
        let attachment = self.transit_gateway_attachment(id)?;
        if attachment.state == TransitGatewayAttachmentState::Deleted {
            return Err(attachment.wrong_state());
        }
        let sides = [Some(id), attachment.peer().map(|(_, other)| other)];
        for side in sides.into_iter().flatten() {
            let mut interfaces = Vec::new();
            if let Some(attachment) = self.transit_gateway_attachments.get_mut(&side) {
                attachment.state = TransitGatewayAttachmentState::Deleted;
                if let TransitGatewayResource::Vpc { subnets, .. } = &mut attachment.resource {
                    interfaces.extend(std::mem::take(subnets).into_values());
                }
            }
            interfaces.into_iter().for_each(|interface| self.remove_attachment_interface(interface));
            for table in self.transit_gateway_route_tables.values_mut() {
                table.associations.remove(&side);
                table.propagations.remove(&side);
            }
        }
        Ok(())
    }

    /// The transit gateway, or `InvalidTransitGatewayID.NotFound`.
    pub fn transit_gateway(&self, id: TransitGatewayId) -> Result<&TransitGateway, ModelError> {
        self.transit_gateways.get(&id).ok_or_else(|| no_gateway(id))
    }

    /// The attachment, deleted ones included, or `InvalidTransitGatewayAttachmentID.NotFound`.
    pub fn transit_gateway_attachment(
        &self,
        id: TransitGatewayAttachmentId,
    ) -> Result<&TransitGatewayAttachment, ModelError> {
        self.transit_gateway_attachments.get(&id).ok_or_else(|| no_attachment(id))
    }

    /// The attachment of `gateway_id` that `id` means: itself, or for the far side of a peering the near one.
    ///
    /// # Errors
    /// `InvalidTransitGatewayAttachmentID.NotFound`.
    pub fn attachment_of_gateway(
        &self,
        id: TransitGatewayAttachmentId,
        gateway_id: TransitGatewayId,
    ) -> Result<&TransitGatewayAttachment, ModelError> {
        let attachment = self.transit_gateway_attachment(id)?;
        match attachment.peer() {
            _ if attachment.transit_gateway_id == gateway_id => Ok(attachment),
            Some((peer, near)) if peer == gateway_id => self.transit_gateway_attachment(near),
            _ => Err(no_attachment(id)),
        }
    }

    /// Whether security groups of the VPCs may name each other's through a transit gateway that both are attached to (inbound rules only).
    pub fn transit_references_groups(&self, a: VpcId, b: VpcId) -> bool {
        let allowed = |id: TransitGatewayId, vpc_id: VpcId| {
            self.transit_attachment_of_vpc(id, vpc_id).is_some_and(|attachment| {
                matches!(attachment.resource, TransitGatewayResource::Vpc { security_group_referencing: true, .. })
            })
        };
        self.transit_gateways
            .values()
            .any(|gateway| gateway.security_group_referencing && allowed(gateway.id, a) && allowed(gateway.id, b))
    }

    /// Attachments of a transit gateway that are not deleted.
    pub fn living_attachments(&self, id: TransitGatewayId) -> impl Iterator<Item = &TransitGatewayAttachment> {
        self.transit_gateway_attachments.values().filter(move |attachment| {
            attachment.transit_gateway_id == id && attachment.state != TransitGatewayAttachmentState::Deleted
        })
    }

    /// Refuses a route of a VPC to a transit gateway that it is not attached to.
    pub(super) fn check_transit_target(&self, vpc_id: VpcId, id: TransitGatewayId) -> Result<(), ModelError> {
        match self.transit_attachment_of_vpc(id, vpc_id) {
            Some(_) => Ok(()),
            None => Err(no_gateway(id)),
        }
    }

    fn insert_attachment(
        &mut self,
        id: TransitGatewayAttachmentId,
        transit_gateway_id: TransitGatewayId,
        resource: TransitGatewayResource,
        state: TransitGatewayAttachmentState,
        created_at: SimTime,
        tags: Tags,
    ) {
        let attachment = TransitGatewayAttachment { id, transit_gateway_id, resource, state, created_at, tags };
        self.transit_gateway_attachments.insert(id, attachment);
    }

    /// Associates a new attachment with the default table, and lets it propagate there. Peerings have no propagation.
    fn apply_defaults(&mut self, id: TransitGatewayAttachmentId) -> Result<(), ModelError> {
        let attachment = self.transit_gateway_attachment(id)?;
        let is_peering = attachment.peer().is_some();
        let gateway = self.transit_gateway(attachment.transit_gateway_id)?;
        let (association, propagation) =
            (gateway.default_association_route_table_id, gateway.default_propagation_route_table_id);
        if let Some(table) = association {
            self.associate_transit_gateway_route_table(table, id)?;
        }
        if let Some(table) = propagation.filter(|_| !is_peering) {
            self.enable_transit_gateway_propagation(table, id)?;
        }
        Ok(())
    }

    fn check_attachment_count(&self, id: TransitGatewayId) -> Result<(), ModelError> {
        let limit = self.quotas.transit_gateway_attachments;
        if self.living_attachments(id).count() >= limit {
            let code = "TransitGatewayAttachmentLimitExceeded";
            return Err(ModelError::quota(code, "attachments of a transit gateway", limit));
        }
        Ok(())
    }

    /// Subnets of the VPC, at most one a zone together with those that are there already.
    fn check_attachment_subnets(
        &self,
        vpc_id: VpcId,
        subnet_ids: &[SubnetId],
        kept: &[SubnetId],
    ) -> Result<(), ModelError> {
        let mut zones = BTreeSet::new();
        for subnet_id in kept {
            zones.insert(self.subnet(*subnet_id)?.availability_zone.as_str());
        }
        for subnet_id in subnet_ids {
            let subnet = self.subnet(*subnet_id)?;
            if subnet.vpc_id != vpc_id {
                return Err(ModelError::new(
                    "InvalidParameterValue",
                    format!("subnet {subnet_id} and network {vpc_id} belong to different networks"),
                ));
            }
            if !zones.insert(subnet.availability_zone.as_str()) {
                // AWS's sentence.
                return Err(ModelError::new("DuplicateSubnetsInSameZone", "Duplicate Subnets for same AZ"));
            }
        }
        Ok(())
    }

    fn add_attachment_interface(
        &mut self,
        id: TransitGatewayAttachmentId,
        subnet_id: SubnetId,
        at: SimTime,
    ) -> Result<EniId, ModelError> {
        let subnet = self.subnet(subnet_id)?.clone();
        let limit = self.quotas.interfaces_per_region;
        if self.network_interfaces.len() >= limit {
            return Err(ModelError::quota("NetworkInterfaceLimitExceeded", "network interfaces", limit));
        }
        let private_ip = self.last_private_address(&subnet)?;
        // A subnet may leave an attachment and come back: its interface is another one then.
        let label = (1u32..).map(|number| format!("{id} {subnet_id} {number}")).find(|label| {
            let id = EniId::mint(self.seed, label, self.id_length);
            !self.network_interfaces.contains_key(&id) && !self.is_retired(id)
        });
        let label = label.unwrap_or_default();
        let interface_id = EniId::mint(self.seed, &label, self.id_length);
        let attachment = Attachment {
            id: EniAttachmentId::mint(self.seed, &label, self.id_length),
            instance_id: None,
            device_index: 1,
            attached_at: at,
        };
        let interface = NetworkInterface {
            id: interface_id,
            subnet_id,
            vpc_id: subnet.vpc_id,
            private_ip,
            public_address: None,
            security_group_ids: Vec::new(),
            source_dest_check: false,
            mac: MacAddress::local(interface_id.low_bits()),
            description: format!("Network Interface for Transit Gateway Attachment {id}"),
            tracking: ConnectionTracking::default(),
            interface_type: InterfaceType::TransitGateway,
            attachment: Some(attachment),
        };
        self.network_interfaces.insert(interface_id, interface);
        Ok(interface_id)
    }

    fn remove_attachment_interface(&mut self, id: EniId) {
        self.network_interfaces.remove(&id);
        self.retired_ids.insert(id.to_string());
    }
}

impl TransitGatewayAttachment {
    /// The VPC, if one is attached.
    pub fn vpc_id(&self) -> Option<VpcId> {
        match self.resource {
            TransitGatewayResource::Vpc { vpc_id, .. } => Some(vpc_id),
            _ => None,
        }
    }

    /// Of a peering: the transit gateway across, and its attachment.
    pub fn peer(&self) -> Option<(TransitGatewayId, TransitGatewayAttachmentId)> {
        match self.resource {
            TransitGatewayResource::Peering { peer_transit_gateway_id, peer_attachment_id, .. } => {
                Some((peer_transit_gateway_id, peer_attachment_id))
            }
            _ => None,
        }
    }

    /// Refuses what only an available attachment takes.
    pub(super) fn check_available(&self) -> Result<(), ModelError> {
        if self.state == TransitGatewayAttachmentState::Available { Ok(()) } else { Err(self.wrong_state()) }
    }

    fn wrong_state(&self) -> ModelError {
        // AWS's sentence.
        ModelError::new("IncorrectState", format!("{} is in invalid state", self.id))
    }
}

fn taken(id: impl std::fmt::Display) -> ModelError {
    ModelError::new("InvalidParameterValue", format!("The ID '{id}' is already in use."))
}

/// AWS's sentences, of transit gateways and of attachments.
fn no_gateway(id: TransitGatewayId) -> ModelError {
    ModelError::new("InvalidTransitGatewayID.NotFound", format!("Transit Gateway {id} was deleted or does not exist."))
}

fn no_attachment(id: TransitGatewayAttachmentId) -> ModelError {
    ModelError::new(
        "InvalidTransitGatewayAttachmentID.NotFound",
        format!("Transit Gateway Attachment {id} was deleted or does not exist."),
    )
}
