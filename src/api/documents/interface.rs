//! Network interfaces as resources of their own.

use crate::calendar::Calendar;
use crate::control::region::zone_id;
use crate::model::dns_names::{private_name, public_name};
use crate::model::{InterfaceType, Model, NatGatewayAddress, NetworkInterface, SecurityGroup};
use serde_json::{Value, json};

/// A network interface.
pub fn network_interface(model: &Model, calendar: Calendar, interface: &NetworkInterface) -> Value {
    let zone = model.subnets.get(&interface.subnet_id).map_or("", |subnet| &subnet.availability_zone);
    let private_dns_name = private_name(&model.region, interface.private_ip);
    let mut address = json!({
        "Primary": true,
        "PrivateDnsName": private_dns_name,
        "PrivateIpAddress": interface.private_ip.to_string(),
    });
    let mut document = json!({
        "AvailabilityZone": zone,
        "AvailabilityZoneId": zone_id(zone),
        "Description": interface.description,
        "Groups": groups(model, interface),
        "InterfaceType": interface_type(interface.interface_type),
        "Ipv6Addresses": [],
        "MacAddress": interface.mac.to_string(),
        "NetworkInterfaceId": interface.id,
        "OwnerId": model.account_id,
        "PrivateDnsName": private_dns_name,
        "PrivateIpAddress": interface.private_ip.to_string(),
        "RequesterManaged": interface.interface_type.is_requester_managed(),
        "SourceDestCheck": interface.source_dest_check,
        "Status": if interface.attachment.is_some() { "in-use" } else { "available" },
        "SubnetId": interface.subnet_id,
        "TagSet": [],
        "VpcId": interface.vpc_id,
        "Operator": {"Managed": false},
    });
    // Shown only where something was set.
    let tracking = &interface.tracking;
    for (member, value) in [
        ("TcpEstablishedTimeout", tracking.tcp_established_seconds),
        ("UdpStreamTimeout", tracking.udp_stream_seconds),
        ("UdpTimeout", tracking.udp_seconds),
    ] {
        if let Some(value) = value {
            document["ConnectionTrackingConfiguration"][member] = json!(value);
        }
    }
    if let Some(mut association) = association(model, interface) {
        let allocation_id = interface.public_address.and_then(|public| public.allocation_id);
        if let Some(elastic) = allocation_id.and_then(|id| model.elastic_addresses.get(&id)) {
            association["AllocationId"] = json!(elastic.allocation_id);
            association["AssociationId"] = json!(elastic.association.map(|(id, _)| id));
            // It is the account's own address then, not one AWS lent.
            association["IpOwnerId"] = json!(model.account_id);
        }
        address["Association"] = association.clone();
        document["Association"] = association;
    }
    if let Some(attachment) = interface.attachment {
        document["Attachment"] = json!({
            "AttachTime": calendar.ec2(attachment.attached_at),
            "AttachmentId": attachment.id,
            "DeleteOnTermination": attachment.instance_id.is_some(),
            "DeviceIndex": attachment.device_index,
            "NetworkCardIndex": 0,
            "InstanceOwnerId": attachment.instance_id.map_or("amazon-aws", |_| &model.account_id),
            "Status": "attached",
        });
        if let Some(instance_id) = attachment.instance_id {
            document["Attachment"]["InstanceId"] = json!(instance_id);
        }
    }
    if interface.interface_type.is_requester_managed() {
        let attachment = &mut document["Attachment"];
        if let Some(members) = attachment.as_object_mut() {
            members.shift_remove("InstanceId");
            members.shift_remove("NetworkCardIndex");
        }
        let id = attachment["AttachmentId"].as_str().unwrap_or_default().replacen("eni-attach", "ela-attach", 1);
        attachment["AttachmentId"] = json!(id);
        attachment["DeleteOnTermination"] = json!(false);
        attachment["InstanceOwnerId"] = json!("amazon-aws");
    }
    let secondary = model.nat_gateway_of(interface.id).into_iter().flat_map(|gateway| gateway.addresses.iter().skip(1));
    let secondary = secondary.map(|held| secondary_address(model, held));
    document["PrivateIpAddresses"] = std::iter::once(address).chain(secondary).collect();
    document
}

/// A further address of a NAT gateway's interface.
fn secondary_address(model: &Model, held: &NatGatewayAddress) -> Value {
    let mut document = json!({
        "Primary": false,
        "PrivateDnsName": private_name(&model.region, held.private_ip),
        "PrivateIpAddress": held.private_ip.to_string(),
    });
    if let Some(elastic) = held.elastic {
        document["Association"] = json!({
            "AllocationId": elastic.allocation_id,
            "AssociationId": elastic.association_id,
            "IpOwnerId": model.account_id,
            "PublicIp": elastic.public_ip.to_string(),
        });
    }
    document
}

/// AWS's word for the type.
const fn interface_type(kind: InterfaceType) -> &'static str {
    match kind {
        InterfaceType::Interface => "interface",
        InterfaceType::NatGateway => "nat_gateway",
        InterfaceType::VpcEndpoint => "vpc_endpoint",
        InterfaceType::TransitGateway => "transit_gateway",
    }
}

/// The public address of an interface, with its name if the VPC has names.
pub(super) fn association(model: &Model, interface: &NetworkInterface) -> Option<Value> {
    let public = interface.public_address?;
    let owner = if public.allocation_id.is_some() { model.account_id.as_str() } else { "amazon" };
    Some(json!({
        "IpOwnerId": owner,
        "PublicDnsName": public_dns_name(model, interface),
        "PublicIp": public.address.to_string(),
    }))
}

/// The public name of an interface; empty without a public address, or in a VPC without names.
pub(super) fn public_dns_name(model: &Model, interface: &NetworkInterface) -> String {
    let has_names = model.vpcs.get(&interface.vpc_id).is_some_and(|vpc| vpc.enable_dns_hostnames);
    match interface.public_address {
        Some(public) if has_names => public_name(&model.region, public.address),
        _ => String::new(),
    }
}

/// `[{GroupId, GroupName}]`.
pub(super) fn groups(model: &Model, interface: &NetworkInterface) -> Value {
    let group = |group: &SecurityGroup| json!({"GroupId": group.id, "GroupName": group.group_name});
    interface.security_group_ids.iter().filter_map(|id| model.security_groups.get(id)).map(group).collect()
}
