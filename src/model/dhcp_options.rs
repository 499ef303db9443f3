//! DHCP option sets: which resolver a VPC's instances ask.
//!
//! Purpose: making, associating and deleting them. Non-goals: what NTP and NetBIOS options do. An instance hears of a change when it renews its lease (half an hour
//! at most), as on AWS. Hosts ask the first resolver they are given.
//! Source: docs.aws.amazon.com/vpc/latest/userguide/VPC_DHCP_Options.html

use super::*;

/// A set of DHCP options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhcpOptions {
    /// Its id.
    pub id: DhcpOptionsId,
    /// `domain-name-servers`.
    pub domain_name_servers: DomainNameServers,
    /// `domain-name`.
    pub domain_name: Option<String>,
    /// Options that are kept and shown, and change nothing here: `ntp-servers`, `netbios-name-servers`, `netbios-node-type`.
    pub others: BTreeMap<String, Vec<String>>,
    /// Tags.
    pub tags: Tags,
}

/// Whom instances ask for names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DomainNameServers {
    /// `AmazonProvidedDNS`: the Route 53 Resolver at the VPC's base plus two.
    #[default]
    AmazonProvided,
    /// Up to four servers of one's own.
    Own(Vec<Ipv4Addr>),
}

/// Resolvers a set may name.
const RESOLVERS_MAX: usize = 4;

impl Model {
    /// The set that a Region's VPCs begin with: Amazon's resolver and the Region's domain. Makes it if it is not there.
    pub(super) fn default_dhcp_options(&mut self, region: &str) -> DhcpOptionsId {
        let label =
            if region == self.region { "AmazonProvidedDNS".to_owned() } else { format!("AmazonProvidedDNS {region}") };
        let id = DhcpOptionsId::mint(self.seed, &label, self.id_length);
        self.dhcp_options.entry(id).or_insert_with(|| DhcpOptions {
            id,
            domain_name_servers: DomainNameServers::AmazonProvided,
            domain_name: Some(dns_names::private_domain(region)),
            others: BTreeMap::new(),
            tags: Tags::default(),
        });
        id
    }

    /// Adds a set that no VPC uses yet.
    ///
    /// # Errors
    /// `InvalidParameterValue` (no resolver or more than four, the id is taken).
    pub fn add_dhcp_options(
        &mut self,
        label: &str,
        id: Option<DhcpOptionsId>,
        options: DhcpOptions,
    ) -> Result<DhcpOptionsId, ModelError> {
        if let DomainNameServers::Own(servers) = &options.domain_name_servers
            && !(1..=RESOLVERS_MAX).contains(&servers.len())
        {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("A DHCP options set names 1 to {RESOLVERS_MAX} domain name servers, not {}.", servers.len()),
            ));
        }
        let id = id.unwrap_or_else(|| DhcpOptionsId::mint(self.seed, label, self.id_length));
        if self.dhcp_options.contains_key(&id) {
            return Err(ModelError::new("InvalidParameterValue", format!("The ID '{id}' is already in use.")));
        }
        self.dhcp_options.insert(id, DhcpOptions { id, ..options });
        Ok(id)
    }

    /// Gives a VPC another set; `None` gives it no options at all (`default` in calls): instances are told of no resolver.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`, `InvalidDhcpOptionsID.NotFound`.
    pub fn associate_dhcp_options(&mut self, id: Option<DhcpOptionsId>, vpc_id: VpcId) -> Result<(), ModelError> {
        self.vpc(vpc_id)?;
        if let Some(id) = id {
            self.dhcp_options_set(id)?;
        }
        if let Some(vpc) = self.vpcs.get_mut(&vpc_id) {
            vpc.dhcp_options_id = id;
        }
        Ok(())
    }

    /// Deletes a set.
    ///
    /// # Errors
    /// `InvalidDhcpOptionsID.NotFound`, `DependencyViolation` (a VPC uses it).
    pub fn delete_dhcp_options(&mut self, id: DhcpOptionsId) -> Result<(), ModelError> {
        self.dhcp_options_set(id)?;
        if self.vpcs.values().any(|vpc| vpc.dhcp_options_id == Some(id)) {
            return Err(ModelError::dependency("dhcpOptions", id));
        }
        self.dhcp_options.remove(&id);
        self.retired_ids.insert(id.to_string());
        Ok(())
    }

    /// The set, or `InvalidDhcpOptionsID.NotFound`.
    pub fn dhcp_options_set(&self, id: DhcpOptionsId) -> Result<&DhcpOptions, ModelError> {
        self.dhcp_options
            .get(&id)
            .ok_or_else(|| ModelError::not_found("InvalidDhcpOptionsID.NotFound", "dhcpOptions", id))
    }

    /// The resolvers that instances of a VPC are told of, in order of preference; Amazon's is its own address in the VPC.
    pub fn resolvers_of(&self, vpc: &Vpc) -> Vec<Ipv4Addr> {
        match vpc.dhcp_options_id.and_then(|id| self.dhcp_options.get(&id)).map(|options| &options.domain_name_servers)
        {
            Some(DomainNameServers::AmazonProvided) => vec![vpc.resolver_address()],
            Some(DomainNameServers::Own(servers)) => servers.clone(),
            None => Vec::new(),
        }
    }
}
