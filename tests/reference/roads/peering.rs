//! VPC peering connections.
//!
//! Sources: docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html, docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
//! (PCX_REQUIRES_ADDRESS_IN_VPC_CIDR: destination or source within the block of the VPC that the packet goes to).

use super::{From, Place};
use crate::reference::world::{Next, Stage, Stretch, Visit, drop};
use vpcsim::ids::{VpcId, VpcPeeringConnectionId};
use vpcsim::model::PeeringState;

impl Visit<'_, '_> {
    pub fn peering(&mut self, id: VpcPeeringConnectionId, from: VpcId) -> Stage<Next> {
        let active = self.model().peering_connections.get(&id).filter(|pcx| pcx.state == PeeringState::Active);
        let Some(to) = active.and_then(|pcx| pcx.other_side(from)) else { return drop("ResourceGone") };
        let (source, destination) = (self.packet().source, self.packet().destination);
        if !self.is_in_vpc(to, destination) && !self.is_in_vpc(to, source) {
            return drop("PeeringAddressNotInVpc");
        }
        Ok(Next::To(Place::Router(to, Box::new(From::Peering(id)))))
    }

    /// Jumbo frames within a Region, 8500 bytes between Regions (network_mtu.html; that the router tells so is assumed with vpcsim).
    pub fn to_peering(&mut self, id: VpcPeeringConnectionId, vpc: VpcId, mut stretch: Stretch) -> Stage<Next> {
        let model = self.model();
        let other = model.peering_connections[&id].other_side(vpc);
        let far = other.is_some_and(|other| model.vpcs[&other].region != model.vpcs[&vpc].region);
        let settings = model.forwarding;
        stretch.mtu_bytes = if far { settings.inter_region_mtu_bytes } else { settings.vpc_mtu_bytes }.into();
        self.across(&stretch, Place::Peering(id, vpc))
    }
}
