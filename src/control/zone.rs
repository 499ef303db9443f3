//! What DNS answers: the model's names, as seen from a VPC or from outside.
//!
//! An instance's public name means its private address to its own VPC, and to VPCs that are peered with it where its side allows that, and its public address
//! to everyone else. A gateway endpoint changes nothing here: service names mean public addresses everywhere. The names of an interface endpoint mean its
//! private addresses to everyone: they are in public DNS. With private DNS, the service's public names mean them inside the endpoint's VPC. A service's name that fails
//! ([`Model::dns_failures`]) is there and has no address, for everyone.
//! Non-goals: whether a resolver answers at all (`enableDnsSupport` is judged where queries arrive), IPv6.
//! Source: docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html

use crate::ids::VpcId;
use crate::model::dns_names::{private_name, public_name};
use crate::model::{Model, NetworkInterface, PeeringState, ServiceKind};
use crate::service::dns::{NameError, Zone};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// Hosts in a VPC, by its resolver.
    Vpc(VpcId),
    /// Hosts on the internet, by any resolver.
    Outside,
}

/// The names that exist for `view`: AWS services everywhere; public instance names where the instance's VPC has
/// `enableDnsHostnames`; private instance names inside their own VPC.
///
/// # Errors
/// A service's name in the model is not a DNS name.
pub fn zone(model: &Model, view: View) -> Result<Zone, NameError> {
    let mut zone = Zone::new();
    for service in &model.public_services {
        for name in &service.dns_names {
            match name.strip_prefix("*.") {
                Some(parent) if service.kind == ServiceKind::DynamoDb => {
                    zone.insert_account_wildcard(parent, vec![service.address])?;
                }
                Some(parent) => zone.insert_wildcard(parent, vec![service.address])?,
                None => zone.insert(name, vec![service.address])?,
            }
        }
    }
    for interface in model.network_interfaces.values() {
        insert_instance_names(&mut zone, model, interface, view)?;
    }
    for endpoint in model.vpc_endpoints.values() {
        let private =
            if view == View::Vpc(endpoint.vpc_id) { model.endpoint_private_dns_names(endpoint) } else { Vec::new() };
        for name in model.endpoint_dns_names(endpoint).into_iter().chain(private) {
            match name.name.strip_prefix("*.") {
                Some(parent) => zone.insert_wildcard(parent, name.addresses)?,
                None => zone.insert(&name.name, name.addresses)?,
            }
        }
    }
    for name in &model.dns_failures {
        zone.take_addresses(name);
    }
    Ok(zone)
}

fn insert_instance_names(
    zone: &mut Zone,
    model: &Model,
    interface: &NetworkInterface,
    view: View,
) -> Result<(), NameError> {
    let inside = view == View::Vpc(interface.vpc_id);
    let has_hostnames = model.vpcs.get(&interface.vpc_id).is_some_and(|vpc| vpc.enable_dns_hostnames);
    if inside {
        zone.insert(
            &private_name(model.region_of(interface.vpc_id), interface.private_ip),
            vec![interface.private_ip],
        )?;
    }
    if let Some(public) = interface.public_address.filter(|_| has_hostnames) {
        let means_private = inside || is_allowed_to_peer(model, interface.vpc_id, view);
        let address = if means_private { interface.private_ip } else { public.address };
        zone.insert(&public_name(model.region_of(interface.vpc_id), public.address), vec![address])?;
    }
    Ok(())
}

/// Whether public names of `vpc_id`'s instances mean private addresses to a peer that asks.
fn is_allowed_to_peer(model: &Model, vpc_id: VpcId, view: View) -> bool {
    let View::Vpc(asker) = view else { return false };
    let active = model.peering_connections.values().filter(|connection| connection.state == PeeringState::Active);
    active.filter(|connection| connection.other_side(vpc_id) == Some(asker)).any(|connection| {
        let side = if connection.requester.vpc_id == vpc_id { connection.requester } else { connection.accepter };
        side.allow_dns_resolution_from_remote_vpc
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::tests::tutorial;
    use crate::model::{NewInterfaceEndpoint, NewVpc, PeeringSide, PublicService, VpcPeeringConnection};
    use crate::service::dns::Answer;
    use std::net::Ipv4Addr;

    #[test]
    fn public_names_depend_on_who_asks() {
        let mut model = tutorial();
        let address = Ipv4Addr::new(52, 94, 2, 72);
        model.public_services.push(PublicService {
            kind: ServiceKind::DynamoDb,
            region: "us-east-1".to_owned(),
            cidrs: vec!["52.94.0.0/22".parse().unwrap()],
            address,
            dns_names: ["dynamodb.us-east-1.amazonaws.com", "*.ddb.us-east-1.amazonaws.com"].map(String::from).to_vec(),
        });
        let vpc_id = *model.vpcs.keys().next().unwrap();
        let inside = zone(&model, View::Vpc(vpc_id)).unwrap();
        let outside = zone(&model, View::Outside).unwrap();
        let one = |address| Answer::Addresses(vec![address]);

        let name = "ec2-203-0-113-25.compute-1.amazonaws.com";
        assert_eq!(inside.lookup(name), one(Ipv4Addr::new(172, 31, 0, 10)));
        assert_eq!(outside.lookup(name), one(Ipv4Addr::new(203, 0, 113, 25)));
        assert_eq!(inside.lookup("ip-172-31-0-10.ec2.internal"), one(Ipv4Addr::new(172, 31, 0, 10)));
        assert_eq!(outside.lookup("ip-172-31-0-10.ec2.internal"), Answer::NoSuchName);
        for zone in [&inside, &outside] {
            assert_eq!(zone.lookup("dynamodb.us-east-1.amazonaws.com"), one(address));
            assert_eq!(zone.lookup("111122223333.ddb.us-east-1.amazonaws.com"), one(address));
        }

        model.vpcs.get_mut(&vpc_id).unwrap().enable_dns_hostnames = false;
        assert_eq!(zone(&model, View::Outside).unwrap().lookup(name), Answer::NoSuchName);
    }

    /// An interface endpoint of `service` in the default subnet of zone a.
    fn interface_endpoint(model: &mut Model, service: &str, only_inbound: Option<bool>) -> Ipv4Addr {
        let subnet = model.subnets.values().find(|subnet| subnet.availability_zone == "us-east-1a").unwrap().clone();
        let id = model
            .add_interface_endpoint(NewInterfaceEndpoint {
                label: service.to_owned(),
                id: None,
                vpc_id: subnet.vpc_id,
                service_name: format!("com.amazonaws.us-east-1.{service}"),
                subnets: vec![(subnet.id, None)],
                security_group_ids: Vec::new(),
                private_dns_enabled: only_inbound.map(|_| true),
                private_dns_only_for_inbound_resolver: only_inbound,
                dns_suffix: Some("sow3v4uq".to_owned()),
                policy_document: None,
                at: crate::time::SimTime::ZERO,
                tags: crate::model::Tags::default(),
            })
            .unwrap();
        let (_, interface) = model.vpc_endpoints[&id].interfaces().next().unwrap();
        model.network_interfaces[&interface].private_ip
    }

    #[test]
    fn names_of_interface_endpoints_are_public_and_private_names_only_the_vpcs() {
        let mut model = tutorial();
        let vpc_id = *model.vpcs.keys().next().unwrap();
        let ec2 = interface_endpoint(&mut model, "ec2", None);
        let s3 = interface_endpoint(&mut model, "s3", Some(false));
        let one = |address| Answer::Addresses(vec![address]);
        let endpoint = model.vpc_endpoints.values().find(|endpoint| endpoint.service_name.ends_with(".ec2")).unwrap();
        let name = format!("{}-sow3v4uq.ec2.us-east-1.vpce.amazonaws.com", endpoint.id);
        let zonal = name.replacen(".ec2", "-us-east-1a.ec2", 1);
        let (inside, outside) = (zone(&model, View::Vpc(vpc_id)).unwrap(), zone(&model, View::Outside).unwrap());
        for zone in [&inside, &outside] {
            assert_eq!((zone.lookup(&name), zone.lookup(&zonal)), (one(ec2), one(ec2)));
        }
        assert_eq!(inside.lookup("ec2.us-east-1.amazonaws.com"), one(ec2));
        assert_eq!(inside.lookup("s3.us-east-1.amazonaws.com"), one(s3));
        assert_eq!(inside.lookup("pictures.s3.us-east-1.amazonaws.com"), one(s3));
        assert_ne!(outside.lookup("ec2.us-east-1.amazonaws.com"), one(ec2));
        // Without both of the VPC's attributes private names mean nothing; the endpoint's own stay.
        model.vpcs.get_mut(&vpc_id).unwrap().enable_dns_hostnames = false;
        let inside = zone(&model, View::Vpc(vpc_id)).unwrap();
        assert_ne!(inside.lookup("ec2.us-east-1.amazonaws.com"), one(ec2));
        assert_eq!(inside.lookup(&name), one(ec2));
    }

    #[test]
    fn a_peer_sees_private_addresses_where_the_other_side_allows_it() {
        let mut model = tutorial();
        let vpc_id = *model.vpcs.keys().next().unwrap();
        let far = model
            .add_vpc(NewVpc {
                label: "far".to_owned(),
                id: None,
                region: None,
                cidrs: vec!["10.0.0.0/16".parse().unwrap()],
                is_default: false,
                enable_dns_hostnames: false,
                tags: crate::model::Tags::default(),
            })
            .unwrap();
        let side = |vpc_id, allowed| PeeringSide { vpc_id, allow_dns_resolution_from_remote_vpc: allowed };
        let id = crate::ids::VpcPeeringConnectionId::mint(model.seed, "peering", model.id_length);
        let name = "ec2-203-0-113-25.compute-1.amazonaws.com";
        let (private, public) = (Ipv4Addr::new(172, 31, 0, 10), Ipv4Addr::new(203, 0, 113, 25));
        for (state, allowed, seen) in [
            (PeeringState::Active, true, private),
            (PeeringState::Active, false, public),
            (PeeringState::Deleted, true, public),
        ] {
            let connection = VpcPeeringConnection {
                id,
                requester: side(far, false),
                accepter: side(vpc_id, allowed),
                state,
                created_at: crate::time::SimTime::ZERO,
                tags: crate::model::Tags::default(),
            };
            model.peering_connections.insert(id, connection);
            let zone = zone(&model, View::Vpc(far)).unwrap();
            assert_eq!(zone.lookup(name), Answer::Addresses(vec![seen]), "{state:?} {allowed}");
        }
    }
}
