//! The limit of packets from one interface to the link-local services together.
//!
//! AWS: 1,024 packets a second and interface, of DNS, metadata, time and licence services together. Assumed: seconds are windows, of which one begins with the first
//! packet after the last one's end; what is beyond the limit is dropped, not delayed; DHCP and the subnet router's ping count too, and so do packets to
//! link-local addresses that nobody serves here. Nothing is exempt.
//! Source: docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html (DNS quotas).

use crate::program::NodeIx;
use crate::time::{SimDuration, SimTime};

const WINDOW: SimDuration = SimDuration::from_secs(1);

/// Every interface's window.
#[derive(Clone, Debug, Default)]
pub struct LinkLocalRates {
    /// By interface.
    windows: Vec<Window>,
}

/// One second, and what was sent in it.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    begun_at: SimTime,
    packets: u32,
}

impl LinkLocalRates {
    /// Counts one packet of `interface`; false if it is beyond `limit` in its second.
    pub fn allows(&mut self, interface: NodeIx, limit: u32, now: SimTime) -> bool {
        if self.windows.len() <= interface.at() {
            self.windows.resize(interface.at() + 1, Window::default());
        }
        let window = &mut self.windows[interface.at()];
        if window.packets == 0 || now >= window.begun_at + WINDOW {
            *window = Window { begun_at: now, packets: 0 };
        }
        let allowed = window.packets < limit;
        window.packets = window.packets.saturating_add(1);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_of_each_interface_allows_the_limit_and_begins_with_its_first_packet() {
        let mut rates = LinkLocalRates::default();
        let at = |millis| SimTime::ZERO + SimDuration::from_millis(millis);
        let mut count = |interface, millis| (0..5).filter(|_| rates.allows(NodeIx(interface), 3, at(millis))).count();
        assert_eq!((count(1, 500), count(1, 1_499), count(1, 1_500)), (3, 0, 3));
        assert_eq!((count(0, 1_600), count(7, 1_600)), (3, 3), "other interfaces have their own");
        assert_eq!((count(1, 2_499), count(1, 9_000)), (0, 3));
    }
}
