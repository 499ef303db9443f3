//! A network interface: link-local services, source and destination check, security groups.
//!
//! Sources: AmazonDNS-concepts.html, vpc-security-groups.html (exempt services), subnet-sizing.html,
//! docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html, security-group-connection-tracking.html

use super::router::is_part_of_a_gateway;
use super::{From, Place, Via};
use crate::reference::packet::{Content, ECHO_REQUEST, LinkDestination, Packet, Party};
use crate::reference::routes::inside;
use crate::reference::rules::{self, Side};
use crate::reference::tracking::{self, Session, Timeouts};
use crate::reference::world::{Next, Stage, Visit, drop, net, plus, router_address};
use std::net::Ipv4Addr;
use vpcsim::ids::EniId;
use vpcsim::model::{Forwarding, NetworkInterface, RouteTarget};
use vpcsim::net::Ipv4Net;

const SECOND: u64 = 1_000_000_000;

/// The first fragment of a datagram that passed an interface's groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedFragment {
    eni: EniId,
    side: Side,
    datagram: (Ipv4Addr, Ipv4Addr, u8, u16),
    at_ns: u64,
}

/// What the fragments of one datagram share (RFC 791 section 2.3).
pub fn datagram_of(packet: &Packet) -> (Ipv4Addr, Ipv4Addr, u8, u16) {
    (packet.source, packet.destination, packet.protocol, packet.shape.identification)
}

impl Visit<'_, '_> {
    pub fn leave_interface(&mut self, eni_id: EniId, link: LinkDestination) -> Stage<Next> {
        let Some(eni) = self.model().network_interfaces.get(&eni_id).cloned() else {
            return drop("ResourceGone");
        };
        let destination = self.packet().destination;
        // Link-local services are answered on the spot, before any rule (AmazonDNS-concepts.html, vpc-security-groups.html).
        let for_platform = self.is_for_platform(&eni);
        if for_platform || inside(destination, net(169, 254, 0, 0, 16)) {
            if !self.may_ask_link_local(eni_id) {
                return drop("LinkLocalRateExceeded");
            }
            return if for_platform { Ok(Next::Deliver(Party::Platform(eni_id))) } else { drop("LinkLocalNotServed") };
        }
        // VPCs carry neither broadcast nor multicast (vpc-dg: subnet-sizing.html).
        let to_all = destination == last(self.model().subnets[&eni.subnet_id].cidr) || destination.is_broadcast();
        if link == LinkDestination::Broadcast || to_all || destination.is_multicast() {
            return drop("BroadcastOrMulticast");
        }
        if eni.source_dest_check && self.packet().source != eni.private_ip {
            return drop("SourceCheck");
        }
        let road = if self.leads_to_endpoint_interface(&eni) {
            Ok(true)
        } else if link == LinkDestination::Router {
            self.is_tracked_road(&eni)
        } else {
            Ok(false)
        };
        self.ask_groups(&eni, Side::Out, road)?;
        self.hand_on(&eni, link)
    }

    /// To whom the frame is addressed.
    pub fn hand_on(&mut self, eni: &NetworkInterface, link: LinkDestination) -> Stage<Next> {
        let from = Box::new(From::Interface(eni.id));
        match link {
            LinkDestination::Router => Ok(Next::To(Place::Router(eni.vpc_id, from))),
            // Within the subnet frames go straight to the interface: no route table, no network ACL (gateway-route-tables.html).
            LinkDestination::Interface(other) => {
                let other = self.model().network_interfaces.get(&other);
                match other.filter(|other| {
                    other.subnet_id == eni.subnet_id && other.id != eni.id && !is_part_of_a_gateway(other)
                }) {
                    Some(other) => Ok(Next::To(Place::EnterInterface(other.id, from))),
                    None => drop("UnknownEthernetDestination"),
                }
            }
            LinkDestination::Nobody | LinkDestination::Broadcast => drop("UnknownEthernetDestination"),
        }
    }

    /// What the instance forwards leaves like its own: to a neighbour directly, else by the router.
    pub fn send_on(&mut self, eni_id: EniId) -> Stage<Next> {
        let Some(own) = self.model().network_interfaces.get(&eni_id) else { return drop("ResourceGone") };
        let destination = self.packet().destination;
        let mut guests = self.model().network_interfaces.values().filter(|eni| eni.attachment.is_some());
        let neighbour = guests.find(|other| {
            other.subnet_id == own.subnet_id && other.private_ip == destination && !is_part_of_a_gateway(other)
        });
        let link = neighbour.map_or(LinkDestination::Router, |other| LinkDestination::Interface(other.id));
        self.leave_interface(eni_id, link)
    }

    pub fn enter_interface(&mut self, eni_id: EniId, from: &From) -> Stage<Next> {
        let Some(eni) = self.model().network_interfaces.get(&eni_id).cloned() else {
            return drop("ResourceGone");
        };
        // What the router says itself, of a packet that it refused, has reserved addresses, which are exempt from rules (vpc-security-groups.html).
        let exempt = matches!(from, From::Itself(_));
        if exempt {
            self.say("sg ingress exempt");
        } else {
            let through_dynamodb = matches!(self.walk.via, Some(Via::Gateway(id)) if self.is_dynamodb(id));
            let of_endpoint = self.is_endpoint_interface(&eni) || self.leads_to_endpoint_interface(&eni);
            let always = through_dynamodb || of_endpoint;
            self.ask_groups(&eni, Side::In, Ok(always))?;
        }
        let for_itself = self.packet().destination == eni.private_ip;
        if eni.source_dest_check && !for_itself {
            return drop("DestinationCheck");
        }
        if self.is_endpoint_interface(&eni) {
            return self.enter_service(&eni);
        }
        Ok(self.behind(&eni))
    }

    /// From what answers DHCP, DNS and the router's ping: no rule is asked. Linux that masquerades sends on what answers others.
    pub fn from_platform(&mut self, eni_id: EniId) -> Stage<Next> {
        let Some(eni) = self.model().network_interfaces.get(&eni_id).cloned() else { return drop("ResourceGone") };
        match self.packet().destination == eni.private_ip {
            true => Ok(self.behind(&eni)),
            false => Ok(Next::Deliver(Party::Instance(eni_id))),
        }
    }

    /// The instance, or the forwarding part of its operating system.
    fn behind(&mut self, eni: &NetworkInterface) -> Next {
        let (forwarding, place) = (self.forwarding(eni), Place::Forwarder(eni.id));
        let for_itself = self.packet().destination == eni.private_ip;
        let translated = forwarding == Forwarding::Masquerade && self.knows_answer(&place);
        match forwarding {
            Forwarding::Off => Next::Deliver(Party::Instance(eni.id)),
            _ if for_itself && !translated => Next::Deliver(Party::Instance(eni.id)),
            _ => Next::To(place),
        }
    }

    pub fn forwarding(&self, eni: &NetworkInterface) -> Forwarding {
        let instance = eni.attachment.and_then(|attachment| self.model().instances.get(&attachment.instance_id?));
        instance.map_or(Forwarding::Off, |instance| instance.forwarding)
    }

    /// DHCP; DNS at base+2 of the VPC's primary block and at 169.254.169.253; ping to the own subnet's router.
    fn is_for_platform(&self, eni: &NetworkInterface) -> bool {
        let (model, packet) = (self.model(), self.packet());
        let dns = [plus(model.vpcs[&eni.vpc_id].cidr_blocks[0].cidr, 2), Ipv4Addr::new(169, 254, 169, 253)];
        let router = router_address(model, eni.subnet_id);
        match packet.visible() {
            // Renewals go to the server that gave the lease, which has the router's address.
            Some(Content::Udp { source_port: 68, destination_port: 67 })
                if packet.destination.is_broadcast() || packet.destination == router =>
            {
                true
            }
            Some(Content::Udp { destination_port: 53, .. } | Content::Tcp { destination_port: 53, .. }) => {
                model.vpcs[&eni.vpc_id].enable_dns_support && dns.contains(&packet.destination)
            }
            Some(Content::Echo { icmp_type: ECHO_REQUEST, .. }) => packet.destination == router,
            _ => false,
        }
    }

    /// So many packets a second, of all link-local services together. Assumed with vpcsim: a second begins with the first packet after the last one's end.
    fn may_ask_link_local(&mut self, eni: EniId) -> bool {
        let (now_ns, limit) = (self.world.now_ns, self.model().forwarding.link_local_packets_per_second);
        let second = self.world.link_local.entry(eni).or_insert((now_ns, 0));
        if now_ns >= second.0 + SECOND {
            *second = (now_ns, 0);
        }
        second.1 += 1;
        second.1 <= limit
    }

    /// Connections through a DynamoDB gateway endpoint or a NAT gateway are always tracked.
    fn is_tracked_road(&mut self, eni: &NetworkInterface) -> Stage<bool> {
        let chosen = self.route_of_subnet(eni.subnet_id)?;
        Ok(chosen.is_some_and(|chosen| {
            chosen.active
                && match chosen.target {
                    RouteTarget::GatewayEndpoint(id) => self.is_dynamodb(id),
                    RouteTarget::NatGateway(_) => true,
                    _ => false,
                }
        }))
    }

    /// So are those to interface endpoints, at an appliance on the way too. (Endpoints of the same VPC; follows vpcsim.)
    fn leads_to_endpoint_interface(&self, eni: &NetworkInterface) -> bool {
        let destination = self.packet().destination;
        let mut interfaces = self.model().network_interfaces.values();
        interfaces.any(|other| {
            other.vpc_id == eni.vpc_id && other.private_ip == destination && self.is_endpoint_interface(other)
        })
    }

    pub fn belongs_to_known_flow(&mut self, eni: &NetworkInterface, side: Side) -> bool {
        let (timeouts, packet) = (self.timeouts(eni), self.packet().clone());
        self.is_of_known_flow(eni, timeouts, side, &packet)
    }

    /// Stateful security groups: a packet of a known flow passes; otherwise some rule must allow it. Flows that rules open in both
    /// directions are not tracked, unless AWS always tracks them. `always` is asked only where it decides.
    fn ask_groups(&mut self, eni: &NetworkInterface, side: Side, always: Stage<bool>) -> Stage<()> {
        let now_ns = self.world.now_ns;
        let packet = self.packet().clone();
        if packet.is_later_fragment() && self.first_has_passed(eni.id, side, &packet) {
            self.say(format!("sg {} follows its first", side.word()));
            return Ok(());
        }
        let timeouts = self.timeouts(eni);
        let word = if self.is_of_known_flow(eni, timeouts, side, &packet) {
            "tracked"
        } else {
            let verdict = rules::ask_groups(self.model(), eni, side, &packet);
            if !verdict.allowed {
                self.say(format!("sg {} no rule", side.word()));
                return drop(match side {
                    Side::Out if verdict.no_rules => "SecurityGroupNoRulesEgress",
                    Side::In if verdict.no_rules => "SecurityGroupNoRulesIngress",
                    // Assumed with vpcsim: a rule with ports cannot see those of a later fragment.
                    _ if packet.is_later_fragment() => "FragmentWithoutFirst",
                    Side::Out => "SecurityGroupEgress",
                    Side::In => "SecurityGroupIngress",
                });
            }
            // An interface endpoint forgets after 350 s, and delivers no segment of what it does not know (AWS's networking blog on long-running connections).
            if self.is_endpoint_interface(eni) && packet.tcp_flags().is_some_and(|flags| !flags.opens()) {
                self.say(format!("sg {} rule, not tracked", side.word()));
                return drop("EndpointIdleTimeout");
            }
            if !tracking::can_begin(&packet) || (verdict.open_both_ways && !always?) {
                "rule, not tracked"
            } else {
                self.world.sessions.extend(Session::begin(eni.id, timeouts, &packet, side, now_ns));
                "rule, tracked from now on"
            }
        };
        self.say(format!("sg {} {word}", side.word()));
        if packet.is_first_fragment() {
            let passed = PassedFragment { eni: eni.id, side, datagram: datagram_of(&packet), at_ns: now_ns };
            self.world.first_fragments.push(passed);
        }
        Ok(())
    }

    /// Later fragments follow their first (assumed with vpcsim), for as long as the settings say.
    fn first_has_passed(&self, eni: EniId, side: Side, packet: &Packet) -> bool {
        let lifetime_ns = self.model().forwarding.fragment_timeout.as_nanos();
        self.world.first_fragments.iter().any(|first| {
            let in_time = self.world.now_ns < first.at_ns + lifetime_ns;
            first.eni == eni && first.side == side && first.datagram == datagram_of(packet) && in_time
        })
    }

    fn is_of_known_flow(&mut self, eni: &NetworkInterface, timeouts: Timeouts, side: Side, packet: &Packet) -> bool {
        let (now_ns, sessions) = (self.world.now_ns, &mut self.world.sessions);
        // ICMP errors about a known flow belong to it; the packet they quote went the other way.
        if let Some(quoted) = packet.quoted() {
            return tracking::knows(sessions, eni.id, quoted, side.opposite(), now_ns);
        }
        match tracking::find(sessions, eni.id, packet, side, now_ns) {
            Some(session) => {
                session.note(timeouts, packet, side, now_ns);
                true
            }
            None => false,
        }
    }

    /// Idle timeouts: what the interface was given, else what its instance type has: 350 s for established TCP on Nitro v6.
    fn timeouts(&self, eni: &NetworkInterface) -> Timeouts {
        let instance = eni.attachment.and_then(|attachment| self.model().instances.get(&attachment.instance_id?));
        // Of the types that the generator draws.
        let is_nitro_v6 =
            instance.is_some_and(|instance| ["m8i.large", "c8gn.xlarge"].contains(&&*instance.instance_type));
        let own = eni.tracking;
        let endpoint_s = self.model().forwarding.interface_endpoint_idle_timeout.as_nanos() / SECOND;
        let seconds = |own: Option<u32>, usual: u64| own.map_or(usual, u64::from);
        Timeouts {
            tcp_established: match () {
                () if self.is_endpoint_interface(eni) => endpoint_s,
                () if is_nitro_v6 => seconds(own.tcp_established_seconds, 350),
                () => seconds(own.tcp_established_seconds, 432_000),
            },
            udp: seconds(own.udp_seconds, 30),
            udp_stream: seconds(own.udp_stream_seconds, 180),
        }
    }
}

/// The last address of a block: in a subnet the broadcast address.
fn last(block: Ipv4Net) -> Ipv4Addr {
    plus(block, ((1u64 << (32 - block.prefix_len())) - 1) as u32)
}
