//! DHCP option sets: which resolver a VPC's instances ask.
//!
//! Source: docs.aws.amazon.com/vpc/latest/userguide/VPC_DHCP_Options.html

use super::Tags;
use crate::ids::DhcpOptionsId;
use std::net::Ipv4Addr;

/// A set of DHCP options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhcpOptions {
    /// Its id.
    pub id: DhcpOptionsId,
    /// `domain-name-servers`.
    pub domain_name_servers: DomainNameServers,
    /// `domain-name`.
    pub domain_name: Option<String>,
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
