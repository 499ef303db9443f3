//! NAT gateways, and instances that forward.
//!
//! Sources: vpc-nat-gateway.html, nat-gateway-basics.html, nat-gateway-troubleshooting.html, work-with-nat-instances.html,
//! docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html. Assumed with vpcsim: size and time to live are looked at before translation (so that sender
//! is told of its packet as it was), of what is translated at all; what its own subnet sends back to it is dropped by the gateway.

use super::endpoint::TCP_AND_IP;
use super::{From, Place};
use crate::reference::packet::{ICMP, TCP, UDP};
use crate::reference::routes;
use crate::reference::translation::Kind;
use crate::reference::world::{Next, Stage, Stretch, Visit, drop};
use std::net::Ipv4Addr;
use vpcsim::ids::{EniId, NatGatewayId};
use vpcsim::model::{Forwarding, NatGatewayState, RouteTarget};

impl Visit<'_, '_> {
    pub fn nat_gateway(&mut self, id: NatGatewayId) -> Stage<Next> {
        let place = Place::NatGateway(id);
        let gateway = self.model().nat_gateways.get(&id).filter(|nat| nat.state == NatGatewayState::Available);
        let Some(gateway) = gateway.cloned() else { return drop("ResourceGone") };
        let own: Vec<Ipv4Addr> = gateway.addresses.iter().map(|address| address.private_ip).collect();
        let packet = self.packet().clone();
        if ![TCP, UDP, ICMP].contains(&packet.protocol) {
            return drop("NatProtocol");
        }
        if packet.is_fragment() && packet.protocol != UDP {
            return drop("NatFragment");
        }
        let from_outside = own.contains(&packet.destination);
        // Sources in its VPC, or what comes by a transit gateway.
        if !from_outside && !self.came_by_transit_gateway() && !self.is_in_vpc(gateway.vpc_id, packet.source) {
            return drop("NatSourceNotInVpc");
        }
        // In a subnet whose table leads back to it, it would only talk to itself.
        if !from_outside {
            let table = routes::table_of(self.model(), gateway.subnet_id).id;
            let chosen = self.route_of_subnet(gateway.subnet_id)?;
            if chosen.is_some_and(|chosen| chosen.active && chosen.target == RouteTarget::NatGateway(id)) {
                self.say_route(table, chosen);
                return drop("NatRouteLoop");
            }
        }
        let back = Place::Router(gateway.vpc_id, Box::new(From::NatGateway(id)));
        let mtu_bytes = self.model().forwarding.nat_mtu_bytes;
        let stretch = Stretch { mtu_bytes: mtu_bytes.into(), speaker: Some((own[0], back.clone())), splits: true };
        if !from_outside || self.knows_answer(&place) {
            self.refuse_unless_fits(&stretch)?;
            self.lower_time_to_live(own[0], back.clone())?;
        }
        match from_outside {
            true => self.translate_in(&place, Kind::Gateway)?,
            false => self.translate_out(&place, Kind::Gateway, &own, back.clone())?,
        }
        self.lower_mss(mtu_bytes - TCP_AND_IP);
        self.across(&stretch, back)
    }

    fn came_by_transit_gateway(&self) -> bool {
        self.walk.by_transit_gateway
    }

    /// What an instance's operating system does with packets for others.
    pub fn forwarder(&mut self, eni_id: EniId) -> Stage<Next> {
        let place = Place::Forwarder(eni_id);
        let Some(eni) = self.model().network_interfaces.get(&eni_id).cloned() else { return drop("ResourceGone") };
        let masquerade = match self.forwarding(&eni) {
            Forwarding::Off => return drop("ResourceGone"),
            other => other == Forwarding::Masquerade,
        };
        let on = Place::SentOn(eni_id);
        self.lower_time_to_live(eni.private_ip, on.clone())?;
        if self.packet().destination == eni.private_ip {
            self.translate_in(&place, Kind::Linux)?;
        } else if masquerade {
            self.translate_out(&place, Kind::Linux, &[eni.private_ip], on.clone())?;
        }
        Ok(Next::To(on))
    }
}
