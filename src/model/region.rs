//! What the API of one Region shows of the account.
//!
//! One [`Model`] holds all Regions; [`Model::seen_from`] is what a reading call to a Region's API sees: that Region's VPCs and what is in them, its transit
//! gateways, and the peering connections that have a side there. What no VPC holds (unattached internet gateways, unassociated Elastic IPs, customer gateways,
//! DHCP options) is shown in the model's own Region; prefix lists know their Region themselves.

use super::*;
use std::borrow::Cow;

impl Model {
    /// The account as the API of `region` shows it: a model of that Region.
    pub fn seen_from(&self, region: &str) -> Cow<'_, Model> {
        let is_home = region == self.region;
        let is_here = |other: &str| other == region;
        if is_home
            && self.vpcs.values().all(|vpc| is_here(&vpc.region))
            && self.transit_gateways.values().all(|gateway| is_here(&gateway.region))
        {
            return Cow::Borrowed(self);
        }
        let mut seen = self.clone();
        region.clone_into(&mut seen.region);
        let here = |vpc_id: &VpcId| self.vpcs.get(vpc_id).is_some_and(|vpc| is_here(&vpc.region));
        let transit =
            |id: &TransitGatewayId| self.transit_gateways.get(id).is_some_and(|gateway| is_here(&gateway.region));
        let home_or = |vpc_id: Option<VpcId>| vpc_id.map_or(is_home, |vpc_id| here(&vpc_id));
        seen.vpcs.retain(|id, _| here(id));
        seen.subnets.retain(|_, subnet| here(&subnet.vpc_id));
        seen.route_tables.retain(|_, table| here(&table.vpc_id));
        seen.security_groups.retain(|_, group| here(&group.vpc_id));
        seen.network_acls.retain(|_, acl| here(&acl.vpc_id));
        seen.network_interfaces.retain(|_, interface| here(&interface.vpc_id));
        seen.vpc_endpoints.retain(|_, endpoint| here(&endpoint.vpc_id));
        seen.nat_gateways.retain(|_, gateway| here(&gateway.vpc_id));
        seen.internet_gateways.retain(|_, gateway| home_or(gateway.attached_vpc_id));
        seen.vpn_gateways.retain(|_, gateway| home_or(gateway.attached_vpc_id));
        seen.instances.retain(|_, instance| {
            let interface = instance.primary_interface_id.and_then(|id| self.network_interfaces.get(&id));
            home_or(interface.map(|interface| interface.vpc_id))
        });
        seen.elastic_addresses.retain(|_, address| {
            home_or(address.association.and_then(|(_, holder)| match holder {
                AddressHolder::Interface(id) => Some(self.network_interfaces.get(&id)?.vpc_id),
                AddressHolder::NatGateway(id) => Some(self.nat_gateways.get(&id)?.vpc_id),
            }))
        });
        seen.peering_connections.retain(|_, connection| {
            // VPCs that are gone leave their connections listed at home.
            let sides = [connection.requester.vpc_id, connection.accepter.vpc_id];
            sides.iter().any(here) || (is_home && sides.iter().any(|id| !self.vpcs.contains_key(id)))
        });
        seen.transit_gateways.retain(|id, _| transit(id));
        seen.transit_gateway_attachments.retain(|_, attachment| {
            let gone = !self.transit_gateways.contains_key(&attachment.transit_gateway_id);
            transit(&attachment.transit_gateway_id) || (is_home && gone)
        });
        seen.transit_gateway_route_tables.retain(|_, table| transit(&table.transit_gateway_id));
        seen.vpn_connections.retain(|_, connection| match connection.target {
            VpnTarget::VpnGateway(id) => {
                home_or(self.vpn_gateways.get(&id).and_then(|gateway| gateway.attached_vpc_id))
            }
            VpnTarget::TransitGateway(id) => transit(&id) || (is_home && !self.transit_gateways.contains_key(&id)),
        });
        if !is_home {
            seen.customer_gateways.retain(|_, _| false);
            seen.dhcp_options.retain(|id, _| seen.vpcs.values().any(|vpc| vpc.dhcp_options_id == Some(*id)));
        }
        Cow::Owned(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SimTime;

    #[test]
    fn each_region_shows_its_own_and_both_show_what_joins_them() {
        let mut model = Model::new("us-east-1", "111122223333", Seed::new(1));
        let mut vpc = |label: &str, region: Option<&str>, cidr: &str| {
            let new = NewVpc {
                label: label.to_owned(),
                id: None,
                region: region.map(str::to_owned),
                cidrs: vec![cidr.parse().unwrap()],
                is_default: false,
                enable_dns_hostnames: false,
                tags: Tags::default(),
            };
            model.add_vpc(new).unwrap()
        };
        let (home, far) = (vpc("home", None, "10.1.0.0/16"), vpc("far", Some("eu-west-1"), "10.9.0.0/16"));
        let gateway = model.add_internet_gateway("loose", None, Tags::default()).unwrap();
        let new = NewPeeringConnection {
            label: "p".to_owned(),
            id: None,
            requester_vpc_id: home,
            accepter_vpc_id: far,
            at: SimTime::ZERO,
            tags: Tags::default(),
        };
        let peering = model.add_peering_connection(new).unwrap();
        for (region, own, has_gateway) in [("us-east-1", home, true), ("eu-west-1", far, false)] {
            let seen = model.seen_from(region);
            assert_eq!(seen.vpcs.keys().copied().collect::<Vec<_>>(), [own], "{region}");
            assert!(seen.route_tables.values().all(|table| table.vpc_id == own));
            assert!(seen.peering_connections.contains_key(&peering));
            assert_eq!(seen.internet_gateways.contains_key(&gateway), has_gateway);
        }
        assert!(model.seen_from("ap-south-1").vpcs.is_empty());
    }
}
