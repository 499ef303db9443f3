//! Gateway endpoints, and the interfaces of interface endpoints.
//!
//! Sources: docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html, vpc-limits-endpoints.html,
//! docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html

use super::{From, Place, Via};
use crate::reference::packet::{ECHO_REPLY, ECHO_REQUEST, ICMP, LinkDestination, Party, TCP, TcpFlags};
use crate::reference::routes::inside;
use crate::reference::rules::Side;
use crate::reference::world::{Next, Stage, Stretch, Visit, drop};
use std::net::Ipv4Addr;
use vpcsim::ids::{EniId, VpcEndpointId};
use vpcsim::model::{InterfaceType, NetworkInterface};

/// IPv4 and TCP headers without options: what an MTU has and an MSS has not.
pub const TCP_AND_IP: u16 = 40;

impl Visit<'_, '_> {
    pub fn is_dynamodb(&self, id: VpcEndpointId) -> bool {
        self.model().vpc_endpoints.get(&id).is_some_and(|endpoint| endpoint.service_name.ends_with(".dynamodb"))
    }

    /// Takes TCP and ICMP echo for its prefix list, from interfaces of its VPC (GATEWAY_REJECTS_SPOOFED_TRAFFIC).
    pub fn enter_endpoint(&mut self, id: VpcEndpointId) -> Stage<Next> {
        let vpc = self.model().vpc_endpoints[&id].vpc_id;
        if !self.has_interface_at(vpc, self.packet().source) {
            return drop("GatewayRejectsSpoofed");
        }
        if !self.is_tcp_or_echo(ECHO_REQUEST) {
            return drop("EndpointProtocol");
        }
        if !self.in_list_of(id, self.packet().destination) {
            return drop("EndpointDestinationNotInList");
        }
        self.pass_endpoint(id);
        Ok(Next::Deliver(Party::EndpointService(id)))
    }

    pub fn leave_endpoint(&mut self, id: VpcEndpointId) -> Stage<Next> {
        let Some(vpc) = self.model().vpc_endpoints.get(&id).map(|endpoint| endpoint.vpc_id) else {
            return drop("ResourceGone");
        };
        let opens = self.packet().tcp_flags().is_some_and(TcpFlags::opens);
        if opens || self.packet().is_echo(ECHO_REQUEST) {
            return drop("EndpointInitiates");
        }
        if !self.is_tcp_or_echo(ECHO_REPLY) {
            return drop("EndpointProtocol");
        }
        if !self.in_list_of(id, self.packet().source) {
            return drop("EndpointSourceNotInList");
        }
        self.pass_endpoint(id);
        let mtu_bytes = self.model().forwarding.gateway_endpoint_mtu_bytes.into();
        let stretch = Stretch { mtu_bytes, speaker: None, splits: false };
        self.across(&stretch, Place::Router(vpc, Box::new(From::Endpoint(id))))
    }

    fn pass_endpoint(&mut self, id: VpcEndpointId) {
        self.walk.via = Some(Via::Gateway(id));
        self.lower_mss(self.model().forwarding.gateway_endpoint_mtu_bytes - TCP_AND_IP);
    }

    /// TCP only (privatelink-access-aws-services.html), and nothing bigger than its MTU, which vanishes without a word; SYNs offer less.
    pub fn enter_service(&mut self, eni: &NetworkInterface) -> Stage<Next> {
        if self.packet().protocol != TCP {
            return drop("EndpointInterfaceProtocol");
        }
        self.pass_interface(eni)?;
        Ok(Next::Deliver(Party::InterfaceService(eni.id)))
    }

    /// It answers what it knows, and never begins; after 350 s of silence it knows nothing any more.
    pub fn leave_service(&mut self, eni_id: EniId, link: LinkDestination) -> Stage<Next> {
        let Some(eni) = self.model().network_interfaces.get(&eni_id).cloned() else { return drop("ResourceGone") };
        if self.packet().protocol != TCP {
            return drop("EndpointInterfaceProtocol");
        }
        if self.packet().tcp_flags().is_some_and(TcpFlags::opens) {
            return drop("EndpointInitiates");
        }
        if eni.source_dest_check && self.packet().source != eni.private_ip {
            return drop("SourceCheck");
        }
        if !self.belongs_to_known_flow(&eni, Side::Out) {
            self.say("sg egress no rule");
            return drop("EndpointIdleTimeout");
        }
        self.say("sg egress tracked");
        self.pass_interface(&eni)?;
        self.hand_on(&eni, link)
    }

    fn pass_interface(&mut self, eni: &NetworkInterface) -> Stage<()> {
        let mtu_bytes = self.model().forwarding.interface_endpoint_mtu_bytes;
        self.lower_mss(mtu_bytes - TCP_AND_IP);
        self.refuse_unless_fits(&Stretch { mtu_bytes: mtu_bytes.into(), speaker: None, splits: false })?;
        self.walk.via = Some(Via::Interface(eni.id));
        Ok(())
    }

    pub fn is_endpoint_interface(&self, eni: &NetworkInterface) -> bool {
        eni.interface_type == InterfaceType::VpcEndpoint
    }

    pub fn lower_mss(&mut self, highest: u16) {
        if let Some((before, after)) = self.walk.packet.lower_mss(highest) {
            self.say(format!("mss {before} -> {after}"));
        }
    }

    /// Later fragments of ICMP do not show their type.
    fn is_tcp_or_echo(&self, icmp_type: u8) -> bool {
        let packet = self.packet();
        let fragment_of_icmp = packet.protocol == ICMP && packet.is_later_fragment();
        packet.protocol == TCP || packet.is_echo(icmp_type) || fragment_of_icmp
    }

    fn in_list_of(&self, endpoint: VpcEndpointId, address: Ipv4Addr) -> bool {
        let model = self.model();
        let endpoint = &model.vpc_endpoints[&endpoint];
        let region = &model.vpcs[&endpoint.vpc_id].region;
        (model.prefix_lists.values())
            .filter(|list| list.region == *region && Some(list.id) == endpoint.prefix_list_id())
            .any(|list| list.cidrs.iter().any(|cidr| inside(address, *cidr)))
    }
}
