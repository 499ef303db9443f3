//! The Ethernet II header: 6 bytes destination, 6 bytes source, 2 bytes type.

use super::word;
use crate::net::MacAddress;

/// Length of the header.
pub const HEADER_BYTES: usize = 14;
/// EtherType of IPv4.
pub const IPV4: u16 = 0x0800;
/// EtherType of ARP.
pub const ARP: u16 = 0x0806;

/// The EtherType; `None` if the frame is shorter than the header.
#[inline]
pub fn ether_type(frame: &[u8]) -> Option<u16> {
    word(frame, 12)
}

/// The destination address; all zeros if the frame is shorter than the header.
#[inline]
pub fn destination(frame: &[u8]) -> MacAddress {
    address(frame, 0)
}

/// The source address; all zeros if the frame is shorter than the header.
pub fn source(frame: &[u8]) -> MacAddress {
    address(frame, 6)
}

/// Both addresses of a header, in the order of the wire: what a port that always sends to the same neighbour writes at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressPair([u8; 12]);

impl AddressPair {
    /// The addresses of frames from `source` to `destination`.
    pub const fn new(source: MacAddress, destination: MacAddress) -> AddressPair {
        let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (destination.0, source.0);
        AddressPair([a, b, c, d, e, f, g, h, i, j, k, l])
    }

    /// The addresses of a frame; `None` if it is shorter than that.
    pub fn of(frame: &[u8]) -> Option<AddressPair> {
        frame.first_chunk().copied().map(AddressPair)
    }

    /// Whom they lead to.
    pub fn destination(&self) -> MacAddress {
        address(&self.0, 0)
    }

    /// Writes them; a frame shorter than that stays as it is.
    #[inline(always)]
    pub fn write(&self, frame: &mut [u8]) {
        if let Some(header) = frame.first_chunk_mut() {
            *header = self.0;
        }
    }
}

/// Writes both addresses; a frame shorter than that stays as it is.
#[inline]
pub fn set_addresses(frame: &mut [u8], source: MacAddress, destination: MacAddress) {
    if let Some(header) = frame.get_mut(..12) {
        header[..6].copy_from_slice(&destination.0);
        header[6..].copy_from_slice(&source.0);
    }
}

#[inline]
fn address(frame: &[u8], at: usize) -> MacAddress {
    frame.get(at..at + 6).and_then(|bytes| bytes.try_into().ok()).map_or_else(MacAddress::default, MacAddress)
}
