//! Building a network call by call, and taking it down again.

use super::*;

fn create(control: &mut ControlPlane, operation: &str, parameters: Value) -> String {
    let answer = call(control, operation, parameters);
    created_id(operation, &answer).unwrap_or_else(|| panic!("{operation} created nothing: {answer}"))
}

fn association_of(control: &mut ControlPlane, subnet: &str) -> String {
    let found = call(control, "DescribeNetworkAcls", json!({"Filters": filter("association.subnet-id", subnet)}));
    let associations = found["NetworkAcls"][0]["Associations"].as_array().unwrap().clone();
    let own = associations.iter().find(|association| association["SubnetId"] == subnet).unwrap();
    own["NetworkAclAssociationId"].as_str().unwrap().to_owned()
}

#[test]
fn a_vpc_from_birth_to_death() {
    let mut control = control();
    let empty = format!("{:?}", control.program().nodes.len());
    let answer = call(
        &mut control,
        "CreateVpc",
        json!({"CidrBlock": "10.0.0.1/16", "TagSpecifications": [
            {"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "lab"}]}]}),
    );
    assert_eq!(answer["Vpc"]["CidrBlock"], "10.0.0.0/16");
    assert_eq!((&answer["Vpc"]["State"], &answer["Vpc"]["IsDefault"]), (&json!("pending"), &json!(false)));
    let vpc = created_id("CreateVpc", &answer).unwrap();
    let shown = call(&mut control, "DescribeVpcs", json!({"Filters": filter("tag:Name", "lab")}));
    assert_eq!(shown["Vpcs"][0]["State"], "available");
    let subnet = create(
        &mut control,
        "CreateSubnet",
        json!({"VpcId": vpc, "CidrBlock": "10.0.1.0/24", "AvailabilityZoneId": "use1-az2"}),
    );
    let shown = call(&mut control, "DescribeSubnets", json!({"SubnetIds": [subnet]}));
    assert_eq!(shown["Subnets"][0]["AvailabilityZone"], "us-east-1b");
    call(&mut control, "ModifySubnetAttribute", json!({"SubnetId": subnet, "MapPublicIpOnLaunch": {"Value": true}}));
    let gateway = create(&mut control, "CreateInternetGateway", json!({}));
    let attach = json!({"InternetGatewayId": gateway, "VpcId": vpc});
    call(&mut control, "AttachInternetGateway", attach.clone());
    let table = create(&mut control, "CreateRouteTable", json!({"VpcId": vpc}));
    call(
        &mut control,
        "CreateRoute",
        json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}),
    );
    // The main association moves to the new table, and the subnet follows it.
    let main = call(
        &mut control,
        "DescribeRouteTables",
        json!({"Filters": [
        {"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]}),
    );
    let (old, association) =
        (main["RouteTables"][0]["RouteTableId"].clone(), &main["RouteTables"][0]["Associations"][0]);
    let replaced = call(
        &mut control,
        "ReplaceRouteTableAssociation",
        json!({"AssociationId": association["RouteTableAssociationId"], "RouteTableId": table}),
    );
    assert_eq!(replaced["AssociationState"]["State"], "associated");
    let model = control.model();
    let effective = model.effective_route_table(model.subnet(subnet.parse().unwrap()).unwrap()).unwrap();
    assert_eq!(effective.id.to_string(), table);

    let launch = json!({"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1, "SubnetId": subnet});
    let instance = create(&mut control, "RunInstances", launch);
    let mapped = format!(
        "Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching the \
         gateway."
    );
    let refused = |control: &mut ControlPlane, operation, parameters, code: &str, message: String| {
        assert_eq!(refusal(control, operation, parameters), (code.to_owned(), message));
    };
    let depends = |kind: &str, id: &str| format!("The {kind} '{id}' has dependencies and cannot be deleted.");
    let dependency = "DependencyViolation";
    refused(&mut control, "DetachInternetGateway", attach.clone(), dependency, mapped);
    refused(&mut control, "DeleteSubnet", json!({"SubnetId": subnet}), dependency, depends("subnet", &subnet));
    let of_gateway = json!({"InternetGatewayId": gateway});
    refused(
        &mut control,
        "DeleteInternetGateway",
        of_gateway.clone(),
        dependency,
        depends("internetGateway", &gateway),
    );
    refused(
        &mut control,
        "DeleteRouteTable",
        json!({"RouteTableId": table}),
        dependency,
        depends("routeTable", &table),
    );
    refused(&mut control, "DeleteVpc", json!({"VpcId": vpc}), dependency, depends("vpc", &vpc));

    call(&mut control, "TerminateInstances", json!({"InstanceIds": [instance]}));
    call(&mut control, "DeleteSubnet", json!({"SubnetId": subnet}));
    call(&mut control, "DetachInternetGateway", attach.clone());
    let unattached = format!("resource {gateway} is not attached to network {vpc}");
    refused(&mut control, "DetachInternetGateway", attach, "Gateway.NotAttached", unattached);
    call(&mut control, "DeleteInternetGateway", of_gateway);
    // The gateway's route stays, as a blackhole.
    let shown = call(&mut control, "DescribeRouteTables", json!({"RouteTableIds": [table]}));
    assert_eq!(shown["RouteTables"][0]["Routes"][1]["State"], "blackhole");
    call(&mut control, "DeleteRouteTable", json!({"RouteTableId": old}));
    assert_eq!(call(&mut control, "DeleteVpc", json!({"VpcId": vpc})), json!({}));
    assert_eq!(refusal(&mut control, "DescribeVpcs", json!({"VpcIds": [vpc]})).0, "InvalidVpcID.NotFound");
    assert!(control.model().route_tables.values().all(|table| table.vpc_id.to_string() != vpc));
    assert_ne!(format!("{:?}", control.program().nodes.len()), empty, "indices do not come back");
    assert_ne!(create(&mut control, "CreateVpc", json!({"CidrBlock": "10.0.0.0/16"})), vpc, "ids do not come back");
}

#[test]
fn network_acls_and_their_rules() {
    let mut control = control();
    let vpc = "vpc-0bbc736e";
    let subnet = private_subnet(&control);
    let created = call(&mut control, "CreateNetworkAcl", json!({"VpcId": vpc, "ClientToken": "once"}));
    assert_eq!(created, call(&mut control, "CreateNetworkAcl", json!({"VpcId": vpc, "ClientToken": "once"})));
    let acl = created_id("CreateNetworkAcl", &created).unwrap();
    let last = json!({
        "CidrBlock": "0.0.0.0/0", "Egress": true, "Protocol": "-1", "RuleAction": "deny", "RuleNumber": 32767,
    });
    assert_eq!(created["NetworkAcl"]["Entries"][0], last);
    let entry = |number: i64, more: Value| {
        let mut parameters = json!({
            "NetworkAclId": acl, "RuleNumber": number, "Protocol": "6", "RuleAction": "allow", "Egress": false,
            "CidrBlock": "10.1.2.3/8", "PortRange": {"From": 443, "To": 444},
        });
        parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        parameters
    };
    assert_eq!(call(&mut control, "CreateNetworkAclEntry", entry(100, json!({}))), json!({}));
    let icmp = json!({"Protocol": "1", "IcmpTypeCode": {"Type": 8, "Code": -1}, "PortRange": null});
    let icmp = icmp.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
    let icmp: Value = icmp.map(|(key, value)| (key.clone(), value.clone())).collect();
    call(&mut control, "CreateNetworkAclEntry", entry(110, icmp));
    call(&mut control, "ReplaceNetworkAclEntry", entry(100, json!({"RuleAction": "deny"})));
    let shown = call(&mut control, "DescribeNetworkAcls", json!({"Filters": filter("entry.port-range.to", "444")}));
    let entries = shown["NetworkAcls"][0]["Entries"].as_array().unwrap();
    let expected = json!({
        "CidrBlock": "10.0.0.0/8", "Egress": false, "PortRange": {"From": 443, "To": 444}, "Protocol": "6",
        "RuleAction": "deny", "RuleNumber": 100,
    });
    assert_eq!((entries.len(), &entries[1]), (4, &expected));
    assert_eq!(entries[2]["IcmpTypeCode"], json!({"Code": -1, "Type": 8}));

    let code = |control: &mut ControlPlane, operation, parameters| refusal(control, operation, parameters).0;
    let again = refusal(&mut control, "CreateNetworkAclEntry", entry(100, json!({})));
    assert_eq!(again.1, "The network acl entry identified by 100 already exists.");
    assert_eq!(code(&mut control, "ReplaceNetworkAclEntry", entry(7, json!({}))), "InvalidNetworkAclEntry.NotFound");
    for number in [0, 32767, 70_000] {
        assert_eq!(code(&mut control, "CreateNetworkAclEntry", entry(number, json!({}))), "InvalidParameterValue");
    }
    assert_eq!(
        code(&mut control, "CreateNetworkAclEntry", entry(8, json!({"Ipv6CidrBlock": "::/0"}))),
        "UnsupportedOperation"
    );
    let gone = json!({"NetworkAclId": acl, "RuleNumber": 110, "Egress": false});
    assert_eq!(call(&mut control, "DeleteNetworkAclEntry", gone.clone()), json!({}));
    assert_eq!(code(&mut control, "DeleteNetworkAclEntry", gone), "InvalidNetworkAclEntry.NotFound");

    let association = association_of(&mut control, &subnet);
    let replaced =
        call(&mut control, "ReplaceNetworkAclAssociation", json!({"AssociationId": association, "NetworkAclId": acl}));
    assert_eq!(replaced["NewAssociationId"], association_of(&mut control, &subnet));
    assert_eq!(
        code(&mut control, "ReplaceNetworkAclAssociation", json!({"AssociationId": association, "NetworkAclId": acl})),
        "InvalidAssociationID.NotFound"
    );
    assert_eq!(code(&mut control, "DeleteNetworkAcl", json!({"NetworkAclId": acl})), "DependencyViolation");
    let default = control.model().network_acls.values().find(|acl| acl.is_default).unwrap().id.to_string();
    assert_eq!(
        refusal(&mut control, "DeleteNetworkAcl", json!({"NetworkAclId": default})).1,
        format!("cannot delete default network ACL {default}")
    );
    call(
        &mut control,
        "ReplaceNetworkAclAssociation",
        json!({"AssociationId": replaced["NewAssociationId"], "NetworkAclId": default}),
    );
    assert_eq!(call(&mut control, "DeleteNetworkAcl", json!({"NetworkAclId": acl})), json!({}));
}

#[test]
fn addresses_go_back() {
    let mut control = control();
    let private = instance_called(&mut control, "app-private");
    let allocated = call(&mut control, "AllocateAddress", json!({}));
    let attach = json!({"AllocationId": allocated["AllocationId"], "InstanceId": private["InstanceId"]});
    let association = call(&mut control, "AssociateAddress", attach)["AssociationId"].clone();
    let release = json!({"AllocationId": allocated["AllocationId"]});
    let (code, message) = refusal(&mut control, "ReleaseAddress", release.clone());
    assert_eq!(code, "InvalidIPAddress.InUse");
    assert_eq!(message, format!("Address {} is in use.", allocated["PublicIp"].as_str().unwrap()));
    assert_eq!(call(&mut control, "DisassociateAddress", json!({"AssociationId": association})), json!({}));
    assert_eq!(instance_called(&mut control, "app-private").get("PublicIpAddress"), None);
    let again = refusal(&mut control, "DisassociateAddress", json!({"AssociationId": association}));
    assert_eq!(again.0, "InvalidAssociationID.NotFound");
    assert_eq!(call(&mut control, "ReleaseAddress", release.clone()), json!({}));
    assert_eq!(refusal(&mut control, "ReleaseAddress", release).0, "InvalidAllocationID.NotFound");
    let by_address = json!({"PublicIp": allocated["PublicIp"]});
    assert_eq!(refusal(&mut control, "ReleaseAddress", by_address).0, "InvalidParameterValue");
}

#[test]
fn what_aws_refuses_to_build() {
    let mut control = control();
    let vpc = "vpc-0bbc736e";
    let exact = [
        ("CreateVpc", json!({}), "MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided."),
        (
            "CreateVpc",
            json!({"CidrBlock": "10.0.0.0"}),
            "InvalidParameterValue",
            "Value (10.0.0.0) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
        ),
        ("CreateVpc", json!({"CidrBlock": "10.0.0.0/8"}), "InvalidVpc.Range", "The CIDR '10.0.0.0/8' is invalid."),
        (
            "CreateSubnet",
            json!({"VpcId": vpc, "CidrBlock": "10.0.0.0/24"}),
            "InvalidSubnet.Range",
            "The CIDR '10.0.0.0/24' is invalid.",
        ),
        (
            "CreateSubnet",
            json!({"VpcId": vpc, "CidrBlock": "172.31.0.0/24"}),
            "InvalidSubnet.Conflict",
            "The CIDR '172.31.0.0/24' conflicts with another subnet",
        ),
        (
            "CreateSubnet",
            json!({"VpcId": vpc, "CidrBlock": "172.31.128.0/24", "AvailabilityZone": "us-east-1z"}),
            "InvalidParameterValue",
            "Value (us-east-1z) for parameter availabilityZone is invalid. Subnets can currently only be created in the \
             following availability zones: us-east-1a, us-east-1b, us-east-1c, us-east-1d, us-east-1e, us-east-1f.",
        ),
        (
            "DeleteInternetGateway",
            json!({"InternetGatewayId": "igw-00000000"}),
            "InvalidInternetGatewayID.NotFound",
            "The internetGateway ID 'igw-00000000' does not exist",
        ),
        (
            "DeleteSubnet",
            json!({"SubnetId": "subnet-00000000"}),
            "InvalidSubnetID.NotFound",
            "The subnet ID 'subnet-00000000' does not exist",
        ),
        (
            "ReplaceRouteTableAssociation",
            json!({"AssociationId": "rtbassoc-00000000", "RouteTableId": main_table(&control)}),
            "InvalidAssociationID.NotFound",
            "The association ID 'rtbassoc-00000000' does not exist",
        ),
    ];
    for (operation, parameters, code, message) in exact {
        assert_eq!(refusal(&mut control, operation, parameters), (code.to_owned(), message.to_owned()));
    }
    let gateway = control.model().internet_gateways.keys().next().unwrap().to_string();
    let attached = json!({"InternetGatewayId": gateway, "VpcId": vpc});
    assert_eq!(
        refusal(&mut control, "AttachInternetGateway", attached).1,
        format!("resource {gateway} is already attached to network {vpc}")
    );
    let second = create(&mut control, "CreateInternetGateway", json!({}));
    assert_eq!(
        refusal(&mut control, "AttachInternetGateway", json!({"InternetGatewayId": second, "VpcId": vpc})).1,
        format!("Network {vpc} already has an internet gateway attached")
    );
    for _ in 1..5 {
        create(&mut control, "CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}));
    }
    assert_eq!(refusal(&mut control, "CreateVpc", json!({"CidrBlock": "10.0.0.0/16"})).0, "VpcLimitExceeded");
    let dry = json!({"VpcId": vpc, "CidrBlock": "172.31.128.0/24", "DryRun": true});
    assert_eq!(refusal(&mut control, "CreateSubnet", dry).0, "DryRunOperation");
}
