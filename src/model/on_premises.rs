//! Networks on premises: what lies behind VPN connections and Direct Connect.

use super::OnPremisesLink;
use crate::net::Ipv4Net;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A corporate network with one router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnPremisesNetwork {
    /// What the scenario calls it.
    pub name: String,
    /// Its blocks.
    pub cidrs: Vec<Ipv4Net>,
    /// Its hosts, by name. Their addresses lie in `cidrs`.
    pub hosts: BTreeMap<String, Ipv4Addr>,
    /// The public address that its router puts in place of its hosts' (and of what comes to it by VPN) towards the internet; `None`: it has no
    /// way to the internet.
    pub internet_address: Option<Ipv4Addr>,
    /// What its router was told by hand, over what is learned. Routes to links that are gone have no effect.
    pub static_routes: Vec<(Ipv4Net, OnPremisesLink)>,
    /// Whether its router takes DNS questions and answers with what the internet knows.
    pub resolver: bool,
}

impl OnPremisesNetwork {
    /// The router's own address: the first block's base plus one.
    pub fn router_address(&self) -> Ipv4Addr {
        self.cidrs.first().map_or(Ipv4Addr::UNSPECIFIED, first_address)
    }

    /// The block that `address` lies in, and the router's address there: its base plus one.
    pub fn link_of(&self, address: Ipv4Addr) -> Option<(Ipv4Net, Ipv4Addr)> {
        let block = self.cidrs.iter().find(|block| block.contains(&address))?;
        Some((Ipv4Net::new(address, block.prefix_len()).ok()?, first_address(block)))
    }
}

impl super::Model {
    /// The host on premises called `name` (all of a scenario's hosts have different names): its network, and its address.
    pub fn host_on_premises(&self, name: &str) -> Option<(&OnPremisesNetwork, Ipv4Addr)> {
        self.on_premises.values().find_map(|network| Some((network, *network.hosts.get(name)?)))
    }
}

/// The address of the router in a block.
fn first_address(block: &Ipv4Net) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(block.network()).wrapping_add(1))
}
