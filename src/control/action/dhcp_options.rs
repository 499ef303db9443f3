//! Actions on DHCP option sets, and on network interfaces as resources of their own.

use crate::ids::{DhcpOptionsId, EniId, VpcId};
use crate::model::{DomainNameServers, Tags};
use std::collections::BTreeMap;

/// Makes a DHCP options set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateDhcpOptions {
    /// `domain-name-servers`.
    pub domain_name_servers: DomainNameServers,
    /// `domain-name`.
    pub domain_name: Option<String>,
    /// Options that are kept and change nothing here.
    pub others: BTreeMap<String, Vec<String>>,
    /// Tags.
    pub tags: Tags,
}

/// Gives a VPC another set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssociateDhcpOptions {
    /// The set; `None` is `default`, no options at all.
    pub dhcp_options_id: Option<DhcpOptionsId>,
    /// The VPC.
    pub vpc_id: VpcId,
}

/// Deletes a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteDhcpOptions {
    /// Which.
    pub dhcp_options_id: DhcpOptionsId,
}

/// Deletes a network interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteNetworkInterface {
    /// Which.
    pub network_interface_id: EniId,
}
