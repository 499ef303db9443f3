//! Networks on premises: what lies behind VPN connections and Direct Connect.

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
    /// Whether its router takes DNS questions and answers with what the internet knows.
    pub resolver: bool,
}

impl OnPremisesNetwork {
    /// The router's own address: the first block's base plus one.
    pub fn router_address(&self) -> Ipv4Addr {
        let base = self.cidrs.first().map_or(Ipv4Addr::UNSPECIFIED, Ipv4Net::network);
        Ipv4Addr::from(u32::from(base).wrapping_add(1))
    }
}
