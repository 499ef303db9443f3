//! `--map 10.0.0.0/8=172.0.0.0/8`: blocks of the capture's addresses become blocks of the scenario's.
//!
//! Invariants: the two blocks have one length, so that every address has one in its place; of several maps the first whose block has the address counts, once.

use super::error::ReplayError;
use crate::net::Ipv4Net;
use std::net::Ipv4Addr;

/// One block in place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressMap {
    from: Ipv4Net,
    to: Ipv4Net,
}

impl std::str::FromStr for AddressMap {
    type Err = ReplayError;

    fn from_str(text: &str) -> Result<AddressMap, ReplayError> {
        let refused = || ReplayError::Map { text: text.to_owned() };
        let block = |text: &str| {
            let text = text.trim();
            text.parse::<Ipv4Net>().or_else(|_| text.parse::<Ipv4Addr>().map(Ipv4Net::from)).map_err(|_| refused())
        };
        let (from, to) = text.split_once('=').ok_or_else(refused)?;
        let (from, to) = (block(from)?, block(to)?);
        if from.prefix_len() != to.prefix_len() {
            return Err(refused());
        }
        Ok(AddressMap { from: from.trunc(), to: to.trunc() })
    }
}

/// The address that stands for `address`.
pub(super) fn mapped(maps: &[AddressMap], address: Ipv4Addr) -> Ipv4Addr {
    match maps.iter().find(|map| map.from.contains(&address)) {
        None => address,
        Some(map) => {
            Ipv4Addr::from(u32::from(map.to.network()) | (u32::from(address) & u32::from(map.from.hostmask())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_map_that_has_the_address_counts() {
        let maps = ["10.1.0.0/16=172.31.0.0/16", "10.0.0.0/8=11.0.0.0/8", "192.0.2.7=198.51.100.7"];
        let maps = maps.map(|text| text.parse::<AddressMap>().unwrap());
        let shown =
            ["10.1.2.3", "10.2.2.3", "192.0.2.7", "192.0.2.8"].map(|a| mapped(&maps, a.parse().unwrap()).to_string());
        assert_eq!(shown, ["172.31.2.3", "11.2.2.3", "198.51.100.7", "192.0.2.8"]);
    }

    #[test]
    fn maps_of_two_lengths_or_of_no_blocks_are_refused() {
        for text in ["10.0.0.0/8=172.31.0.0/16", "10.0.0.0/8", "=", "a=b", "10.0.0.0/33=10.0.0.0/33", "::/0=::/0"] {
            let error = text.parse::<AddressMap>().unwrap_err();
            assert!(error.to_string().contains(&format!("\"{text}\"")), "{error}");
        }
    }
}
