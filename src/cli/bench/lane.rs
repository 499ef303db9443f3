//! What is measured: flows from a host to a destination through a scenario's network; a router's table.

use crate::dataplane::Verdict;
use crate::explain::probe::{Destination, ProbeError, Sender, link_addresses};
use crate::explain::state::State;
use crate::fastpath::Steering;
use crate::net::{Ipv4Net, MacAddress};
use crate::program::{HostIx, PlainPort, Program};
use crate::rng::Seed;
use crate::traffic::{Distribution, FrameSize, Kind, Nic, Profile, Source, TrafficError};
use crate::wire::ethernet::AddressPair;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// What HTTPS listens on.
const HTTPS_PORT: u16 = 443;
/// Time to live that routed frames begin with.
pub(super) const ROUTED_TTL: u8 = 255;
const ROUTER: MacAddress = MacAddress([2, 0, 0, 0, 1, 0]);

/// Why a lane cannot be measured.
#[derive(Debug, thiserror::Error)]
pub(super) enum LaneError {
    /// Nobody to send, or to send to.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// Such traffic does not exist.
    #[error(transparent)]
    Traffic(#[from] TrafficError),
    /// The sender has no link of its own.
    #[error("{name} cannot be measured from: it sends nothing by itself")]
    NoLink {
        /// Who.
        name: String,
    },
    /// The network does not let the flows pass.
    #[error("{from} cannot be measured to {to}: the packets end at {at}, {how}")]
    NotDelivered {
        /// Who sends.
        from: String,
        /// Whereto.
        to: String,
        /// The node.
        at: String,
        /// The code, or what happened.
        how: String,
    },
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) flows: u32,
    pub(super) frame: FrameSize,
    pub(super) kind: Kind,
    pub(super) turns: Distribution,
}

/// TLS connections that stay open.
pub(super) const TLS: Kind = Kind::Tls { data_packets: u32::MAX };

/// Flows from a host to a destination.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    /// What it is called in the table.
    pub(super) name: String,
    pub(super) program: Arc<Program>,
    pub(super) sender: HostIx,
    pub(super) flows: u32,
    pub(super) frame: FrameSize,
    /// Whose packet comes next, once all connections are open.
    pub(super) turns: Distribution,
    kind: Kind,
    nic: Nic,
    from: String,
    to: String,
    destinations: Vec<Ipv4Addr>,
}

/// Who sends, and over which link.
pub(super) fn sender_of(state: &State, from: &str) -> Result<(Sender, Nic), LaneError> {
    let sender = Sender::find(&state.control, &state.names, from)?;
    let addresses = link_addresses(state.control.program(), sender.host);
    let (mac, gateway_mac) = addresses.ok_or_else(|| LaneError::NoLink { name: from.to_owned() })?;
    let nic = Nic { mac, gateway_mac, address: sender.address };
    Ok((sender, nic))
}

impl Lane {
    /// Flows from `from` to `to` in a scenario's network. Many flows to a service go to many of its addresses, because ports run out.
    pub(super) fn of(
        state: &State,
        (name, from, to): (&str, &str, &str),
        Load { flows, frame, kind, turns }: Load,
    ) -> Result<Lane, LaneError> {
        let (sender, nic) = sender_of(state, from)?;
        let destination = Destination::find(&state.control, &state.names, &sender, to)?;
        let program = Arc::clone(state.control.program());
        let model = state.control.model();
        let services = model.public_services.iter().flat_map(|service| &service.cidrs);
        let block = services.filter(|cidr| cidr.contains(&destination.address)).max_by_key(|cidr| cidr.prefix_len());
        let mut destinations = vec![destination.address];
        if let Some(block) = block {
            destinations.extend(block.hosts().filter(|address| *address != destination.address).take(255));
        }
        Ok(Lane {
            name: name.to_owned(),
            program,
            sender: sender.host,
            flows,
            frame,
            turns,
            kind,
            nic,
            from: from.to_owned(),
            to: to.to_owned(),
            destinations,
        })
    }

    /// Its traffic, a packet of each flow in turn.
    pub(super) fn source(&self, seed: Seed) -> Result<Source, LaneError> {
        let profile = Profile {
            flows: self.flows,
            kind: self.kind,
            frame: self.frame,
            destinations: Distribution::InTurn,
            turns: Distribution::InTurn,
            destination_port: HTTPS_PORT,
            seed,
        };
        Ok(Source::new(profile, self.nic, &self.destinations)?)
    }

    /// What a shard of the divided network sends of it; `None`: nothing.
    pub(super) fn source_of(&self, shard: u16, steering: &Steering, seed: Seed) -> Result<Option<Source>, LaneError> {
        Ok(self.source(seed)?.only(|flow| steering.shard_of_flow(flow) == shard)?)
    }

    /// How many different lengths its frames have, at most.
    pub(super) const fn sizes(&self) -> usize {
        match self.frame {
            FrameSize::Fixed(_) => 1,
            FrameSize::Imix => 12,
        }
    }

    /// A packet ended so.
    pub(super) fn not_delivered(&self, verdict: Verdict) -> LaneError {
        let how = match verdict.step.drop_reason() {
            Some(reason) => format!("dropped [{}]", reason.code()),
            None => "not delivered".to_owned(),
        };
        let at = self.program.origins.node(verdict.at).id.clone();
        LaneError::NotDelivered { from: self.from.clone(), to: self.to.clone(), at, how }
    }
}

/// A router-only network with `routes_count` random prefixes (/8 to /24) over four ports, and frames to random destinations that it has routes for.
pub(super) fn router(seed: Seed, routes_count: usize, frames_count: usize) -> (Arc<Program>, Vec<Vec<u8>>) {
    let mut stream = seed.derive("bench router");
    let mut number = |limit: u64| {
        let mut bytes = [0; 8];
        stream.fill(&mut bytes);
        u64::from_le_bytes(bytes) % limit
    };
    let routes: Vec<(Ipv4Net, u16)> = (0..routes_count)
        .filter_map(|_| {
            let length = 8 + number(17) as u8;
            let address = Ipv4Addr::from((number(1 << 32)) as u32);
            Some((Ipv4Net::new(address, length).ok()?.trunc(), number(4) as u16))
        })
        .collect();
    let ports = (0..4u32).map(|port| PlainPort {
        host: HostIx(port),
        addresses: AddressPair::new(ROUTER, MacAddress([2, 0, 0, 0, 2, port as u8])),
    });
    let program = Program::plain_router(ROUTER, ports.collect(), &routes);
    let frames = (0..frames_count).map(|_| {
        let (route, _) = routes[number(routes.len() as u64) as usize];
        let host_bits = u32::MAX.checked_shr(u32::from(route.prefix_len())).unwrap_or(0);
        let destination = Ipv4Addr::from(u32::from(route.network()) | (number(1 << 32) as u32 & host_bits));
        datagram(destination, number(1 << 16) as u16)
    });
    (Arc::new(program), frames.collect())
}

/// A UDP datagram in a frame of 60 bytes.
fn datagram(destination: Ipv4Addr, source_port: u16) -> Vec<u8> {
    let builder = etherparse::PacketBuilder::ethernet2([2, 0, 0, 0, 2, 0], ROUTER.0);
    let builder = builder.ipv4([10, 0, 0, 1], destination.octets(), ROUTED_TTL).udp(source_port, 9);
    let mut frame = Vec::new();
    // Writing to memory does not fail.
    let _ = builder.write(&mut frame, &[0; 18]);
    frame
}
