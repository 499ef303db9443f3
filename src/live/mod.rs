//! Real network interfaces of the machine: frames in, frames out (AF_PACKET, by pnet).
//!
//! Non-goals: making interfaces, TUN, speed (pnet moves some 80,000 packets a second). Invariants: the only place that opens raw sockets; whoever opens one chooses the
//! interface by its exact name. Frames carry no FCS. Needs CAP_NET_RAW.
//! Trap: on a veth pair, frames that a socket of this machine sends carry checksums that are not computed yet until `ethtool -K NAME tx off`; a replay mends them.

use pnet_datalink::{Channel, Config, DataLinkReceiver, DataLinkSender};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long [`Interface::receive`] waits for a frame.
const WAIT: Duration = Duration::from_millis(100);
/// Longest frame that is received whole: an IPv4 packet of the greatest length behind an Ethernet header with two VLAN tags.
const FRAME_BYTES_MAX: usize = 65_536 + 32;

/// Why an interface cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The machine has no such interface.
    #[error("there is no interface \"{name}\" here; there are: {known}")]
    NoInterface {
        /// What was asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// Not Ethernet, or another kind of failure.
    #[error("the interface \"{name}\" cannot be opened: {source}")]
    Open {
        /// Which.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Receiving or sending failed.
    #[error("the interface \"{name}\": {source}")]
    Io {
        /// Which.
        name: String,
        /// Why.
        source: io::Error,
    },
}

/// An interface that is open for frames in both directions.
pub struct Interface {
    name: String,
    addresses: Vec<Ipv4Addr>,
    sender: Box<dyn DataLinkSender>,
    receiver: Box<dyn DataLinkReceiver>,
}

impl Interface {
    /// Opens the interface called `name`.
    ///
    /// # Errors
    /// [`LiveError::NoInterface`], [`LiveError::Open`].
    pub fn open(name: &str) -> Result<Interface, LiveError> {
        let all = pnet_datalink::interfaces();
        let Some(found) = all.iter().find(|interface| interface.name == name) else {
            let known = all.iter().map(|interface| interface.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(LiveError::NoInterface { name: name.to_owned(), known });
        };
        let fail = |source| LiveError::Open { name: name.to_owned(), source };
        let config = Config {
            read_timeout: Some(WAIT),
            read_buffer_size: FRAME_BYTES_MAX,
            write_buffer_size: FRAME_BYTES_MAX,
            ..Config::default()
        };
        let addresses = found.ips.iter().filter_map(|network| match network.ip() {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        });
        let addresses = addresses.collect();
        match pnet_datalink::channel(found, config).map_err(fail)? {
            Channel::Ethernet(sender, receiver) => Ok(Interface { name: name.to_owned(), addresses, sender, receiver }),
            _ => Err(fail(io::Error::other("it has no Ethernet frames"))),
        }
    }

    /// Its IPv4 addresses.
    pub fn addresses(&self) -> &[Ipv4Addr] {
        &self.addresses
    }

    /// The next frame, and when it came, in nanoseconds since 1970; `None` if none came for a while.
    ///
    /// # Errors
    /// [`LiveError::Io`].
    pub fn receive(&mut self) -> Result<Option<(u64, &[u8])>, LiveError> {
        match self.receiver.next() {
            Ok(frame) => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Ok(Some((u64::try_from(since.as_nanos()).unwrap_or(u64::MAX), frame)))
            }
            Err(error) => match error.kind() {
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
                _ => Err(LiveError::Io { name: self.name.clone(), source: error }),
            },
        }
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// [`LiveError::Io`]: it is too long for the interface, which may be down.
    pub fn send(&mut self, frame: &[u8]) -> Result<(), LiveError> {
        let sent = self.sender.send_to(frame, None).unwrap_or_else(|| Err(io::Error::other("it takes no more frames")));
        sent.map_err(|source| LiveError::Io { name: self.name.clone(), source })
    }
}
