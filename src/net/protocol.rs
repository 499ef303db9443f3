//! IP protocol numbers with the names EC2's API gives them.

use std::fmt;

/// An IP protocol number (IANA "Assigned Internet Protocol Numbers").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP, 1.
    pub const ICMP: Protocol = Protocol(1);
    /// TCP, 6.
    pub const TCP: Protocol = Protocol(6);
    /// UDP, 17.
    pub const UDP: Protocol = Protocol(17);
}

/// `tcp`, `udp`, `icmp`, or the number.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Protocol::ICMP => f.pad("icmp"),
            Protocol::TCP => f.pad("tcp"),
            Protocol::UDP => f.pad("udp"),
            Protocol(number) => f.pad(&number.to_string()),
        }
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
