//! Watching the data plane.

use super::answer::Answer;
use super::conntrack::{Absence, SessionRef};
use super::{DropReason, PacketMeta, Step};
use crate::program::{AclIx, GroupIx, HostIx, NodeIx, TableIx};
use crate::time::SimTime;
use std::net::Ipv4Addr;

/// Seen from the interface or subnet: out or in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the interface, out of the subnet.
    Egress,
    /// To the interface, into the subnet.
    Ingress,
}

/// One thing a node decided about a packet. `Copy`, made of indices: [`crate::program::Origins`] turns it into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// ARP was answered, or nobody has the address.
    Arp {
        /// The address asked for.
        target: Ipv4Addr,
        /// Whether an answer was given.
        answered: bool,
    },
    /// Handed to the platform host, before any rule: DHCP, DNS, the router's ping.
    Platform {
        /// Which.
        host: HostIx,
    },
    /// Source or destination address compared with the interface's own.
    SourceDestCheck {
        /// Egress checks the source, ingress the destination.
        direction: Direction,
        /// The address in the packet.
        address: Ipv4Addr,
        /// Whether the check is on.
        enabled: bool,
        /// Whether the packet passed.
        passed: bool,
    },
    /// Security groups asked.
    SecurityGroup {
        /// Which rules.
        direction: Direction,
        /// What they said.
        verdict: SecurityVerdict,
    },
    /// Addressed to another interface of the subnet: no route table, no ACL.
    SameSubnet {
        /// The interface.
        to: NodeIx,
    },
    /// Network ACL asked.
    NetworkAcl {
        /// Which.
        acl: AclIx,
        /// Which side of it.
        direction: Direction,
        /// The rule's number; `None` is the final `*`.
        rule: Option<u16>,
        /// Allow or deny.
        allowed: bool,
    },
    /// Route table asked.
    Route {
        /// Which.
        table: TableIx,
        /// The destination address.
        destination: Ipv4Addr,
        /// The deciding entry ([`crate::program::TableOrigin::entries`]); `None`: no route.
        entry: Option<u16>,
    },
    /// An address was translated.
    Translate {
        /// Egress rewrites the source, ingress the destination.
        direction: Direction,
        /// What stood there.
        before: Ipv4Addr,
        /// What stands there now.
        after: Ipv4Addr,
    },
    /// A gateway endpoint let the packet pass.
    Endpoint {
        /// Which.
        endpoint: NodeIx,
        /// Egress: towards the service; ingress: its answer.
        direction: Direction,
    },
    /// NAT put other addresses and ports in a packet's place. Ports are 0 where the protocol has none; ICMP echo has its identifier.
    Nat {
        /// Egress rewrites the source, ingress (an answer) the destination.
        direction: Direction,
        /// What stood there.
        before: (Ipv4Addr, u16),
        /// What stands there now.
        after: (Ipv4Addr, u16),
        /// Whether the packet began the session.
        begun: bool,
    },
    /// The packet does not fit what comes next. (Packets that fit are not told of.)
    Mtu {
        /// The biggest IP packet that fits.
        mtu_bytes: u16,
        /// The packet's length.
        packet_bytes: u16,
        /// What became of it.
        outcome: MtuOutcome,
    },
    /// The maximum segment size that a SYN offers was lowered.
    MssClamped {
        /// What stood there.
        before: u16,
        /// What stands there now.
        after: u16,
    },
    /// The time to live was lowered.
    TimeToLive {
        /// What is left.
        left: u8,
    },
    /// An instance's operating system sends the packet on.
    Forwarded {
        /// Whether with its own address as the source.
        masquerade: bool,
    },
    /// A peering connection was asked.
    Peering {
        /// Which.
        connection: NodeIx,
        /// Whether the packet's addresses let it pass.
        passed: bool,
    },
    /// A transit gateway looked who brings the packet.
    TransitAttachment {
        /// The node across.
        from: NodeIx,
        /// The route table it is associated with.
        table: Option<TableIx>,
    },
    /// A transit gateway entered a VPC by its interface in a zone.
    TransitPort {
        /// The zone, numbered.
        zone: u16,
    },
    /// A virtual private gateway looked whether an address is an interface's of its VPC.
    VpnGatewayAddress {
        /// Egress looks at the source, ingress at the destination.
        direction: Direction,
        /// The address.
        address: Ipv4Addr,
        /// Whether it is.
        known: bool,
    },
    /// A VPN connection chose a tunnel.
    Tunnel {
        /// The connection; on the way to AWS the router on premises chooses.
        connection: NodeIx,
        /// 0 or 1; `None`: both are down.
        tunnel: Option<u8>,
    },
    /// A virtual interface of Direct Connect was looked at.
    VirtualInterface {
        /// Which; on the way to AWS the router on premises looks.
        interface: NodeIx,
        /// Whether its BGP session is up.
        up: bool,
    },
    /// VPC Block Public Access was asked (only where it is on).
    BlockPublicAccess {
        /// Whether the packet passed.
        passed: bool,
    },
    /// The limit of packets to link-local services was reached.
    LinkLocalRate {
        /// Packets a second.
        limit: u32,
    },
    /// Who has the public address.
    PublicAddress {
        /// The address.
        address: Ipv4Addr,
    },
}

/// What becomes of a packet that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MtuOutcome {
    /// It is split.
    Fragmented,
    /// It is dropped, and its source told what fits.
    Told,
    /// It is dropped without a word.
    Silent,
}

/// What the security groups said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityVerdict {
    /// Belongs to a tracked connection: no rule asked.
    Tracked,
    /// A rule allows it.
    Rule {
        /// The rule's group.
        group: GroupIx,
        /// Its position among the group's rules of the direction.
        position: u16,
        /// Whether the connection is tracked from now on.
        tracked: bool,
    },
    /// No rule allows it.
    NoRule,
    /// A later fragment, whose first fragment passed: no rule asked.
    FollowsFirst,
    /// The subnet's router says it: no rule asked.
    RouterExempt,
}

/// What a packet's way depended on that packets before it left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// A session of the security groups, which took note of the packet.
    Tracked(SessionRef),
    /// That no session of the security groups was there.
    Untracked(Absence),
    /// A translated session, which took note of the packet.
    Translated(SessionRef),
    /// Something that another packet of the flow may find otherwise: rates, fragments, whether an address is translated.
    Volatile,
}

/// What the data plane makes of a packet, besides sending it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// A part of it, because it did not fit what comes next.
    Fragment {
        /// The biggest IP packet that fits.
        mtu_bytes: u16,
    },
    /// What its source is told: the packet was dropped.
    Answer(Answer),
}

/// An observer of the data plane and of the driver around it. Every method has an empty default.
pub trait Tap {
    /// A packet enters a node, as `bytes`.
    fn on_enter(&mut self, _now: SimTime, _at: NodeIx, _packet: &PacketMeta, _bytes: &[u8]) {}
    /// The node decided something.
    fn on_decision(&mut self, _now: SimTime, _at: NodeIx, _packet: &PacketMeta, _decision: Decision) {}
    /// The node looked at what earlier packets left behind.
    fn on_touch(&mut self, _touch: Touch) {}
    /// The packet leaves the node, as `bytes`; the step says where to.
    fn on_step(&mut self, _now: SimTime, _at: NodeIx, _packet: &PacketMeta, _bytes: &[u8], _step: Step) {}
    /// Node `at` made `packet` of the packet `of`, whose run is over. Its own way begins.
    fn on_made(&mut self, _now: SimTime, _at: NodeIx, _of: &PacketMeta, _packet: &PacketMeta, _made: Made) {}
    /// The driver drops a packet outside any node: link queue, link loss. `from` is the node before the link, if any.
    fn on_link_drop(
        &mut self,
        _now: SimTime,
        _from: Option<NodeIx>,
        _packet: &PacketMeta,
        _bytes: &[u8],
        _reason: DropReason,
    ) {
    }
    /// A run of steps without delay is over: the packet waits on a link, was delivered, answered or dropped.
    fn on_run_end(&mut self, _now: SimTime, _packet: &PacketMeta) {}
    /// A host made TLS secrets (NSS key log lines), before it sends what they decrypt.
    fn on_secrets(&mut self, _lines: &str) {}
    /// The packet arrived at a host, after the host's link.
    fn on_arrival(&mut self, _now: SimTime, _host: HostIx, _packet: &PacketMeta, _bytes: &[u8]) {}
}

/// Watches nothing; compiles to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTap;

impl Tap for NoTap {}
