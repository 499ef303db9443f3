//! Instances and the launches they came from.

use super::interface::{association, groups, public_dns_name};
use super::with_tags;
use crate::calendar::Calendar;
use crate::control::region::zone_id;
use crate::ids::ReservationId;
use crate::model::dns_names::private_name;
use crate::model::{Instance, InstanceState, Model, NetworkInterface};
use serde_json::{Value, json};

/// In which light to show an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// As it is.
    Now,
    /// As RunInstances answers: `pending`, without its public address. In the simulation it runs at once.
    Launching,
}

/// A launch with the instances given.
pub fn reservation(model: &Model, id: ReservationId, instances: Vec<Value>) -> Value {
    json!({"ReservationId": id, "OwnerId": model.account_id, "Groups": [], "Instances": instances})
}

/// `{Code, Name}` of a state that rests.
pub fn instance_state(state: InstanceState) -> Value {
    match state {
        InstanceState::Running => json!({"Code": 16, "Name": "running"}),
        InstanceState::Terminated => json!({"Code": 48, "Name": "terminated"}),
    }
}

/// An instance. CPU options are left out: they depend on types that are not modelled.
pub fn instance(model: &Model, calendar: Calendar, instance: &Instance, life: Life) -> Value {
    let launching = life == Life::Launching;
    let launched_at = calendar.ec2(instance.launched_at);
    let mut document = json!({
        "Architecture": architecture(&instance.instance_type),
        "BlockDeviceMappings": [],
        "ClientToken": "",
        "EbsOptimized": false,
        "EnaSupport": true,
        "Hypervisor": "xen",
        "NetworkInterfaces": [],
        "RootDeviceName": "/dev/xvda",
        "RootDeviceType": "ebs",
        "SecurityGroups": [],
        "StateTransitionReason": "",
        "VirtualizationType": "hvm",
        "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
        "HibernationOptions": {"Configured": false},
        "MetadataOptions": {
            "State": if launching { "pending" } else { "applied" },
            "HttpTokens": "optional",
            "HttpPutResponseHopLimit": 1,
            "HttpEndpoint": "enabled",
            "HttpProtocolIpv6": "disabled",
            "InstanceMetadataTags": "disabled",
        },
        "EnclaveOptions": {"Enabled": false},
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "UsageOperationUpdateTime": launched_at,
        "PrivateDnsNameOptions": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": false,
            "EnableResourceNameDnsAAAARecord": false,
        },
        "MaintenanceOptions": {"AutoRecovery": "default", "RebootMigration": "default"},
        "CurrentInstanceBootMode": "legacy-bios",
        "NetworkPerformanceOptions": {"BandwidthWeighting": "default"},
        "Operator": {"Managed": false},
        "InstanceId": instance.id,
        "ImageId": instance.image_id,
        "State": if launching { json!({"Code": 0, "Name": "pending"}) } else { instance_state(instance.state) },
        "PrivateDnsName": "",
        "PublicDnsName": "",
        "AmiLaunchIndex": 0,
        "ProductCodes": [],
        "InstanceType": instance.instance_type,
        "LaunchTime": launched_at,
        "Placement": {"GroupName": "", "Tenancy": "default"},
        "Monitoring": {"State": "disabled"},
    });
    if let Some(key_name) = &instance.key_name {
        document["KeyName"] = json!(key_name);
    }
    if launching {
        document["StateReason"] = json!({"Code": "pending", "Message": "pending"});
    }
    if instance.state == InstanceState::Terminated {
        document["StateTransitionReason"] = json!("User initiated");
        document["StateReason"] = json!({
            "Code": "Client.UserInitiatedShutdown",
            "Message": "Client.UserInitiatedShutdown: User initiated shutdown",
        });
    }
    if let Some(interface) = instance.primary_interface_id.and_then(|id| model.network_interfaces.get(&id)) {
        add_network(&mut document, model, calendar, interface, life);
    }
    with_tags(document, &instance.tags)
}

/// What an instance has as long as it has an interface.
fn add_network(document: &mut Value, model: &Model, calendar: Calendar, interface: &NetworkInterface, life: Life) {
    if let Some(subnet) = model.subnets.get(&interface.subnet_id) {
        document["Placement"]["AvailabilityZone"] = json!(subnet.availability_zone);
        document["Placement"]["AvailabilityZoneId"] = json!(zone_id(&subnet.availability_zone));
    }
    document["PrivateDnsName"] = json!(private_name(&model.region, interface.private_ip));
    document["PrivateIpAddress"] = json!(interface.private_ip.to_string());
    document["SubnetId"] = json!(interface.subnet_id);
    document["VpcId"] = json!(interface.vpc_id);
    document["SourceDestCheck"] = json!(interface.source_dest_check);
    document["SecurityGroups"] = groups(model, interface);
    if let (Life::Now, Some(public)) = (life, interface.public_address) {
        document["PublicDnsName"] = json!(public_dns_name(model, interface));
        document["PublicIpAddress"] = json!(public.address.to_string());
    }
    document["NetworkInterfaces"] = json!([instance_interface(model, calendar, interface, life)]);
}

/// An interface as its instance shows it.
fn instance_interface(model: &Model, calendar: Calendar, interface: &NetworkInterface, life: Life) -> Value {
    let private_dns_name = private_name(&model.region, interface.private_ip);
    let mut address = json!({
        "Primary": true,
        "PrivateDnsName": private_dns_name,
        "PrivateIpAddress": interface.private_ip.to_string(),
    });
    let mut document = json!({
        "Description": interface.description,
        "Groups": groups(model, interface),
        "Ipv6Addresses": [],
        "MacAddress": interface.mac.to_string(),
        "NetworkInterfaceId": interface.id,
        "OwnerId": model.account_id,
        "PrivateDnsName": private_dns_name,
        "PrivateIpAddress": interface.private_ip.to_string(),
        "SourceDestCheck": interface.source_dest_check,
        "Status": "in-use",
        "SubnetId": interface.subnet_id,
        "VpcId": interface.vpc_id,
        "InterfaceType": "interface",
        "Operator": {"Managed": false},
    });
    if let Some(attachment) = interface.attachment {
        document["Attachment"] = json!({
            "AttachTime": calendar.ec2(attachment.attached_at),
            "AttachmentId": attachment.id,
            "DeleteOnTermination": true,
            "DeviceIndex": attachment.device_index,
            "Status": if life == Life::Launching { "attaching" } else { "attached" },
            "NetworkCardIndex": 0,
        });
    }
    if let (Life::Now, Some(association)) = (life, association(model, interface)) {
        address["Association"] = association.clone();
        document["Association"] = association;
    }
    document["PrivateIpAddresses"] = json!([address]);
    document
}

/// Graviton types have a `g` after the generation (`t4g`, `c7gn`); `a1` came before that rule.
fn architecture(instance_type: &str) -> &'static str {
    let family = instance_type.split('.').next().unwrap_or_default();
    let after_generation =
        family.trim_start_matches(|c: char| !c.is_ascii_digit()).trim_start_matches(|c: char| c.is_ascii_digit());
    if family == "a1" || after_generation.contains('g') { "arm64" } else { "x86_64" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architectures() {
        for (name, expected) in [
            ("t3.micro", "x86_64"),
            ("t4g.nano", "arm64"),
            ("a1.large", "arm64"),
            ("g4dn.xlarge", "x86_64"),
            ("", "x86_64"),
        ] {
            assert_eq!(architecture(name), expected, "{name}");
        }
    }
}
