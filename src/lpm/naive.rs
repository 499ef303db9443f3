//! The naive twin: the definition of longest-prefix match, as a loop.

use crate::net::Ipv4Net;
use std::net::Ipv4Addr;

/// The value of the first of the longest prefixes that contain `destination`.
pub(super) fn lookup<T: Copy>(routes: &[(Ipv4Net, T)], destination: Ipv4Addr) -> Option<T> {
    let mut best: Option<(u8, T)> = None;
    for (cidr, value) in routes {
        if cidr.contains(&destination) && best.is_none_or(|(length, _)| cidr.prefix_len() > length) {
            best = Some((cidr.prefix_len(), *value));
        }
    }
    best.map(|(_, value)| value)
}
