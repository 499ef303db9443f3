//! The way of a packet, told as AWS's documentation tells it: from place to place, each with its rules (`roads`).

use super::packet::{Content, Fate, LinkDestination, Outcome, Packet, Party, TcpFlags};
use super::roads::{Entered, From, Place, Via};
use super::routes::Tie;
use super::tracking::{Ends, Session};
use super::translation::Translator;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use vpcsim::ids::{EniId, InternetGatewayId, SubnetId, TransitGatewayId, VpcEndpointId, VpcId, VpnConnectionId};
use vpcsim::model::{Model, NatGatewayState, RouteTarget};
use vpcsim::net::Ipv4Net;

/// No packet is at more places than this: then it is dropped.
const PLACES_MAX: u8 = 1_024;
/// RFC 1812 section 4.3.2.3: an ICMP error has at most 576 bytes.
const QUOTE_MAX: usize = 576 - 28;

/// The model and what packets left behind.
#[derive(Clone, Debug)]
pub struct World {
    pub model: Model,
    pub sessions: Vec<Session>,
    /// First fragments that passed an interface's groups.
    pub first_fragments: Vec<super::roads::interface::PassedFragment>,
    pub translators: BTreeMap<Place, Translator>,
    /// By interface: when its second of link-local packets began, and how many there were.
    pub link_local: BTreeMap<EniId, (u64, u32)>,
    pub now_ns: u64,
    /// The gateway behind which a public address was last seen: it still leads there when nobody has it any more.
    pub last_behind: BTreeMap<Ipv4Addr, InternetGatewayId>,
    /// Ties that were settled; AWS's choice is arbitrary but stable.
    pub settled: BTreeMap<Tie, RouteTarget>,
    /// What was chosen where the choice is free, as observed; each is checked when it is used.
    pub choices: Choices,
    /// In appliance mode: by which zone a flow enters a VPC.
    pub flow_zones: BTreeMap<(VpcId, TransitGatewayId, Vec<SubnetId>, Ends), String>,
    /// Choices that break a rule.
    pub complaints: Vec<String>,
}

/// Choices that AWS leaves open or does not publish, in the order in which a packet and what it brings forth meet them.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Address and port that a translator gave to a new session.
    pub ports: VecDeque<(Ipv4Addr, u16)>,
    /// Zone by which a packet from a transit gateway in appliance mode entered a VPC.
    pub zones: VecDeque<String>,
    /// Tunnel of a VPN connection.
    pub tunnels: VecDeque<Option<u8>>,
    /// VPN connections that transit gateways sent packets to.
    pub connections: BTreeSet<VpnConnectionId>,
}

/// A walk either ends, or stops at a tie nobody has settled yet. After a tie the world must be taken back.
pub type Walked = Result<Outcome, Tie>;

/// Why a place does not send a packet on by itself.
#[derive(Clone, Debug)]
pub enum Stop {
    Tie(Tie),
    End(Next),
}

/// What becomes of a packet at a place.
#[derive(Clone, Debug)]
pub enum Next {
    To(Place),
    Deliver(Party),
    Drop(&'static str),
    Refuse { reason: &'static str, answer: Packet, from: Place },
    Split { mtu_bytes: usize, to: Place },
}

pub type Stage<T> = Result<T, Stop>;

/// The packet ends here.
pub fn drop<T>(reason: &'static str) -> Stage<T> {
    Err(Stop::End(Next::Drop(reason)))
}

/// What is said to the source of a packet that is dropped.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    FragmentationNeeded(usize),
    TimeExceeded,
    Reset,
}

/// How big packets may be on the next stretch, and what becomes of bigger ones.
#[derive(Clone, Debug)]
pub struct Stretch {
    pub mtu_bytes: usize,
    /// Who says so to the source of what must not be split: its address, and where it speaks. `None`: silence.
    pub speaker: Option<(Ipv4Addr, Place)>,
    /// Whether what may be split is.
    pub splits: bool,
}

impl World {
    pub fn new(model: Model) -> World {
        let mut world = World {
            model,
            sessions: Vec::new(),
            first_fragments: Vec::new(),
            translators: BTreeMap::new(),
            link_local: BTreeMap::new(),
            now_ns: 0,
            last_behind: BTreeMap::new(),
            settled: BTreeMap::new(),
            choices: Choices::default(),
            flow_zones: BTreeMap::new(),
            complaints: Vec::new(),
        };
        world.publish();
        world
    }

    /// The model has changed.
    pub fn publish(&mut self) {
        for gateway in self.model.internet_gateways.values() {
            for (vpc, _, public) in mapped_addresses(&self.model) {
                if gateway.attached_vpc_id == Some(vpc) {
                    self.last_behind.insert(public, gateway.id);
                }
            }
        }
    }

    /// The instance on `eni` sends `packet` in a frame to `link`.
    pub fn send_from_interface(&mut self, eni: EniId, packet: Packet, link: LinkDestination) -> Walked {
        self.follow(Walk::new(packet), Place::LeaveInterface(eni, link))
    }

    /// A host on the internet, its provider, or a service's public side sends.
    pub fn send_from_internet(&mut self, from: &Party, packet: Packet) -> Walked {
        self.follow(Walk::new(packet), Place::Internet(From::Party(from.clone())))
    }

    /// A service sends through a gateway endpoint.
    pub fn answer_from_service(&mut self, endpoint: VpcEndpointId, packet: Packet) -> Walked {
        self.follow(Walk::new(packet), Place::LeaveEndpoint(endpoint))
    }

    /// A service sends through an interface of an interface endpoint.
    pub fn answer_from_interface(&mut self, eni: EniId, packet: Packet, link: LinkDestination) -> Walked {
        self.follow(Walk::new(packet), Place::LeaveService(eni, link))
    }

    /// What serves DHCP and DNS to `eni` sends.
    pub fn send_from_platform(&mut self, eni: EniId, packet: Packet) -> Walked {
        self.follow(Walk::new(packet), Place::Platform(eni))
    }

    /// A host on premises, or the router there, sends.
    pub fn send_from_premises(&mut self, network: &str, from: &Party, packet: Packet) -> Walked {
        self.follow(Walk::new(packet), Place::OnPremises(network.to_owned(), Box::new(From::Party(from.clone()))))
    }

    /// From place to place until the packet ends; then what it brought forth.
    fn follow(&mut self, mut walk: Walk, start: Place) -> Walked {
        let mut place = start;
        loop {
            if let Some(name) = place.name() {
                walk.path.push(name);
            }
            if walk.places >= PLACES_MAX {
                return Ok(walk.ends(Fate::Dropped { reason: "WalkTooLong" }));
            }
            walk.places += 1;
            let next = match (Visit { world: self, walk: &mut walk }).visit(&place) {
                Ok(next) | Err(Stop::End(next)) => next,
                Err(Stop::Tie(tie)) => return Err(tie),
            };
            match next {
                Next::To(next) => place = next,
                Next::Deliver(to) => {
                    let packet = walk.packet.clone();
                    return Ok(walk.ends(Fate::Delivered { to, packet }));
                }
                Next::Drop(reason) => return Ok(walk.ends(Fate::Dropped { reason })),
                Next::Refuse { reason, answer, from } => {
                    let child = self.follow(Walk::new(answer.clone()), from)?;
                    let mut outcome = walk.ends(Fate::Refused { reason, answer });
                    outcome.children.push(child);
                    return Ok(outcome);
                }
                Next::Split { mtu_bytes, to } => {
                    let mut children = Vec::new();
                    for piece in walk.packet.split(mtu_bytes) {
                        children
                            .push(self.follow(Walk { packet: piece, path: Vec::new(), ..walk.clone() }, to.clone())?);
                    }
                    return Ok(Outcome { children, ..walk.ends(Fate::Split { mtu_bytes }) });
                }
            }
        }
    }
}

/// A packet under way.
#[derive(Clone, Debug)]
pub struct Walk {
    pub packet: Packet,
    pub path: Vec<String>,
    /// By what it last entered a VPC's router.
    pub entered: Option<Entered>,
    /// Whether it came into the VPC where it is by a transit gateway, whoever sent it on there since.
    pub by_transit_gateway: bool,
    /// The zone it was last seen in.
    pub zone: Option<String>,
    /// The endpoint that it went through.
    pub via: Option<Via>,
    /// The transit gateway that brings it to the router where it is.
    pub through: Option<TransitGatewayId>,
    places: u8,
}

impl Walk {
    fn new(packet: Packet) -> Walk {
        Walk {
            packet,
            path: Vec::new(),
            entered: None,
            by_transit_gateway: false,
            zone: None,
            via: None,
            through: None,
            places: 0,
        }
    }

    fn ends(self, fate: Fate) -> Outcome {
        Outcome { fate, path: self.path, children: Vec::new() }
    }
}

/// A packet at a place.
pub struct Visit<'w, 'p> {
    pub world: &'w mut World,
    pub walk: &'p mut Walk,
}

impl Visit<'_, '_> {
    pub fn packet(&self) -> &Packet {
        &self.walk.packet
    }

    pub fn model(&self) -> &Model {
        &self.world.model
    }

    pub fn say(&mut self, what: impl Into<String>) {
        self.walk.path.push(what.into());
    }

    /// On to `to`, if the packet fits the stretch.
    pub fn across(&mut self, stretch: &Stretch, to: Place) -> Stage<Next> {
        let (bytes, mtu_bytes) = (self.packet().total_bytes(), stretch.mtu_bytes);
        if bytes <= mtu_bytes {
            return Ok(Next::To(to));
        }
        if stretch.splits && !self.packet().dont_fragment {
            self.say(format!("mtu {mtu_bytes}: split"));
            return Ok(Next::Split { mtu_bytes, to });
        }
        self.too_big(stretch)
    }

    /// Ends a packet that does not fit the stretch and must not be split.
    pub fn refuse_unless_fits(&mut self, stretch: &Stretch) -> Stage<()> {
        let may_pass =
            self.packet().total_bytes() <= stretch.mtu_bytes || (stretch.splits && !self.packet().dont_fragment);
        if may_pass { Ok(()) } else { self.too_big(stretch) }
    }

    fn too_big<T>(&mut self, stretch: &Stretch) -> Stage<T> {
        match &stretch.speaker {
            Some((address, from)) => {
                self.say(format!("mtu {}: told", stretch.mtu_bytes));
                self.refuse("MtuExceeded", Answer::FragmentationNeeded(stretch.mtu_bytes), *address, from.clone())
            }
            None => {
                self.say(format!("mtu {}: silence", stretch.mtu_bytes));
                drop("MtuExceededSilently")
            }
        }
    }

    /// RFC 1812 section 5.3.1.
    pub fn lower_time_to_live(&mut self, speaker: Ipv4Addr, from: Place) -> Stage<()> {
        if self.packet().time_to_live <= 1 {
            self.say("ttl 0");
            return self.refuse("TimeToLiveExceeded", Answer::TimeExceeded, speaker, from);
        }
        self.walk.packet.time_to_live -= 1;
        self.say(format!("ttl {}", self.packet().time_to_live));
        Ok(())
    }

    /// Ends the packet, and tells its source if that may be told (RFC 1812 section 4.3.2.7; no reset for a reset).
    pub fn refuse<T>(&mut self, reason: &'static str, answer: Answer, speaker: Ipv4Addr, from: Place) -> Stage<T> {
        let packet = self.packet();
        let single = |a: Ipv4Addr| {
            let class_e = a.octets()[0] >= 240;
            !(a.is_unspecified() || a.is_loopback() || a.is_multicast() || a.is_broadcast() || class_e)
        };
        let about_what = match answer {
            Answer::Reset => packet.tcp_flags().is_some_and(|flags| !flags.rst),
            _ => packet.quoted().is_none(),
        };
        if packet.is_later_fragment() || !single(packet.source) || !single(packet.destination) || !about_what {
            return drop(reason);
        }
        let answer = match answer {
            Answer::FragmentationNeeded(mtu_bytes) => error(packet, speaker, (3, 4), mtu_bytes as u16),
            Answer::TimeExceeded => error(packet, speaker, (11, 0), 0),
            Answer::Reset => reset(packet),
        };
        Err(Stop::End(Next::Refuse { reason, answer, from }))
    }
}

fn error(about: &Packet, speaker: Ipv4Addr, (icmp_type, code): (u8, u8), mtu_bytes: u16) -> Packet {
    let quoted_bytes = about.total_bytes().min(QUOTE_MAX);
    let content = Content::IcmpError { icmp_type, code, mtu_bytes, quoted: Box::new(about.clone()), quoted_bytes };
    Packet::plain(speaker, about.source, super::packet::ICMP, content)
}

/// RFC 9293 section 3.5.2, in the destination's name.
fn reset(about: &Packet) -> Packet {
    let Content::Tcp { source_port, destination_port, flags, .. } = about.content else {
        panic!("only TCP is reset: {about:?}")
    };
    let own = about.shape.reset_numbers.unwrap_or((super::packet::SEQUENCE, super::packet::ACKNOWLEDGMENT));
    let (numbers, ack) = if flags.ack {
        ((own.1, 0), false)
    } else {
        let counted = about.shape.payload_bytes as u32 + u32::from(flags.syn) + u32::from(flags.fin);
        ((0, own.0.wrapping_add(counted)), true)
    };
    let flags = TcpFlags { rst: true, ack, ..TcpFlags::default() };
    let (source_port, destination_port) = (destination_port, source_port);
    let content = Content::Tcp { source_port, destination_port, flags, mss: None };
    let mut answer = Packet::plain(about.destination, about.source, super::packet::TCP, content);
    answer.shape.reset_numbers = Some(numbers);
    answer
}

/// Private addresses with a public one that the internet gateway of their VPC puts in its place: of interfaces, and of NAT gateways.
pub fn mapped_addresses(model: &Model) -> Vec<(VpcId, Ipv4Addr, Ipv4Addr)> {
    let mut mapped = Vec::new();
    for eni in model.network_interfaces.values().filter(|eni| eni.attachment.is_some()) {
        mapped.extend(eni.public_address.map(|public| (eni.vpc_id, eni.private_ip, public.address)));
    }
    for nat in model.nat_gateways.values().filter(|nat| nat.state == NatGatewayState::Available) {
        let elastic = nat.addresses.iter().filter_map(|own| Some((own.private_ip, own.elastic?.public_ip)));
        mapped.extend(elastic.map(|(private, public)| (nat.vpc_id, private, public)));
    }
    mapped
}

/// The subnet's router's address.
pub fn router_address(model: &Model, subnet: SubnetId) -> Ipv4Addr {
    plus(model.subnets[&subnet].cidr, 1)
}

pub fn plus(block: Ipv4Net, by: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(block.network()) + by)
}

pub fn net(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}
