//! NAT gateways as users meet them.

use super::*;

fn subnet(control: &ControlPlane) -> String {
    control.model().subnets.values().find(|subnet| subnet.cidr.to_string() == "172.31.0.0/20").unwrap().id.to_string()
}

fn elastic(control: &mut ControlPlane) -> String {
    call(control, "AllocateAddress", json!({}))["AllocationId"].as_str().unwrap().to_owned()
}

fn describe(control: &mut ControlPlane, id: &str) -> Value {
    call(control, "DescribeNatGateways", json!({"NatGatewayIds": [id]}))["NatGateways"][0].clone()
}

#[test]
fn a_public_gateway_from_birth_to_death() {
    let mut control = control();
    let (subnet, allocation) = (subnet(&control), elastic(&mut control));
    let parameters = json!({
        "SubnetId": subnet, "AllocationId": allocation, "ClientToken": "once",
        "TagSpecifications": [{"ResourceType": "natgateway", "Tags": [{"Key": "Name", "Value": "way-out"}]}],
    });
    let created = call(&mut control, "CreateNatGateway", parameters.clone());
    assert_eq!((&created["ClientToken"], &created["NatGateway"]["State"]), (&json!("once"), &json!("pending")));
    let id = created["NatGateway"]["NatGatewayId"].as_str().unwrap().to_owned();
    assert_eq!(created_id("CreateNatGateway", &created), Some(id.clone()));
    assert_eq!(call(&mut control, "CreateNatGateway", parameters)["NatGateway"]["NatGatewayId"], json!(id), "once");

    let gateway = describe(&mut control, &id);
    assert_eq!((&gateway["State"], &gateway["ConnectivityType"]), (&json!("available"), &json!("public")));
    assert_eq!(gateway["Tags"], json!([{"Key": "Name", "Value": "way-out"}]));
    let address = &gateway["NatGatewayAddresses"][0];
    assert_eq!((&address["AllocationId"], &address["IsPrimary"]), (&json!(allocation), &json!(true)));
    for (name, value) in [("state", "available"), ("subnet-id", subnet.as_str()), ("tag:Name", "way-*")] {
        let found = call(&mut control, "DescribeNatGateways", json!({"Filter": filter(name, value)}));
        assert_eq!(found["NatGateways"].as_array().unwrap().len(), 1, "{name}");
    }
    let none = call(&mut control, "DescribeNatGateways", json!({"Filter": filter("state", "deleted")}));
    assert_eq!(none["NatGateways"], json!([]));

    // Its interface is there to see, and AWS's to manage.
    let interface_id = &address["NetworkInterfaceId"];
    let interfaces = call(&mut control, "DescribeNetworkInterfaces", json!({"NetworkInterfaceIds": [interface_id]}));
    let interface = &interfaces["NetworkInterfaces"][0];
    assert_eq!(interface["InterfaceType"], "nat_gateway");
    assert_eq!(interface["Description"], json!(format!("Interface for NAT Gateway {id}")));
    assert_eq!((&interface["RequesterManaged"], &interface["Groups"]), (&json!(true), &json!([])));
    assert_eq!(interface["Attachment"].get("InstanceId"), None);
    assert_eq!(interface["Association"]["PublicIp"], address["PublicIp"]);
    let addresses = call(&mut control, "DescribeAddresses", json!({"AllocationIds": [allocation]}));
    assert_eq!(addresses["Addresses"][0]["PrivateIpAddress"], address["PrivateIp"]);
    assert_eq!(addresses["Addresses"][0]["AssociationId"], address["AssociationId"]);
    let refused = refusal(&mut control, "DisassociateAddress", json!({"AssociationId": address["AssociationId"]}));
    assert_eq!(refused.0, "OperationNotPermitted");
    let other = elastic(&mut control);
    let parameters = json!({"AllocationId": other, "NetworkInterfaceId": interface_id});
    assert_eq!(refusal(&mut control, "AssociateAddress", parameters).0, "OperationNotPermitted");

    let table = main_table(&control);
    let block = "198.51.100.0/24";
    let route = json!({"RouteTableId": table, "DestinationCidrBlock": block, "NatGatewayId": id});
    call(&mut control, "CreateRoute", route);
    let state = |control: &mut ControlPlane| {
        let tables = call(control, "DescribeRouteTables", json!({"Filters": filter("route.nat-gateway-id", &id)}));
        let routes = tables["RouteTables"][0]["Routes"].as_array().unwrap().clone();
        routes.into_iter().find(|route| route["DestinationCidrBlock"] == block).unwrap()["State"].clone()
    };
    assert_eq!(state(&mut control), "active");
    assert_eq!(call(&mut control, "DeleteNatGateway", json!({"NatGatewayId": id})), json!({"NatGatewayId": id}));
    assert_eq!(state(&mut control), "blackhole");
    assert_eq!(describe(&mut control, &id)["State"], "deleted");
    call(&mut control, "ReleaseAddress", json!({"AllocationId": allocation}));
    let route = json!({"RouteTableId": table, "DestinationCidrBlock": "10.9.0.0/16", "NatGatewayId": id});
    let refused = refusal(&mut control, "CreateRoute", route);
    assert_eq!(refused, ("InvalidNatGatewayID.NotFound".into(), format!("The natGateway ID '{id}' does not exist")));
}

#[test]
fn what_goes_wrong_late_is_seen_in_the_state() {
    let mut control = control();
    let (subnet, allocation) = (subnet(&control), elastic(&mut control));
    let parameters = json!({"SubnetId": subnet, "AllocationId": allocation});
    call(&mut control, "CreateNatGateway", parameters.clone());
    let second = call(&mut control, "CreateNatGateway", parameters)["NatGateway"]["NatGatewayId"].clone();
    let failed = describe(&mut control, second.as_str().unwrap());
    assert_eq!((&failed["State"], &failed["FailureCode"]), (&json!("failed"), &json!("Resource.AlreadyAssociated")));
    assert!(failed["FailureMessage"].as_str().unwrap().contains(&allocation));
}

#[test]
fn addresses_come_and_go() {
    let mut control = control();
    let (subnet, first, second) = (subnet(&control), elastic(&mut control), elastic(&mut control));
    let created = call(&mut control, "CreateNatGateway", json!({"SubnetId": subnet, "AllocationId": first}));
    let id = created["NatGateway"]["NatGatewayId"].clone();
    let parameters = json!({"NatGatewayId": id, "AllocationIds": [second]});
    let answer = call(&mut control, "AssociateNatGatewayAddress", parameters.clone());
    let addresses = answer["NatGatewayAddresses"].as_array().unwrap().clone();
    assert_eq!((addresses.len(), &addresses[1]["IsPrimary"]), (2, &json!(false)));
    assert_eq!(refusal(&mut control, "AssociateNatGatewayAddress", parameters).0, "InvalidParameter", "the quota is 2");
    let association =
        |position: usize| json!({"NatGatewayId": id, "AssociationIds": [addresses[position]["AssociationId"]]});
    assert_eq!(refusal(&mut control, "DisassociateNatGatewayAddress", association(0)).0, "InvalidParameter");
    call(&mut control, "DisassociateNatGatewayAddress", association(1));
    let one = json!({"NatGatewayId": id, "PrivateIpAddressCount": 1});
    assert_eq!(refusal(&mut control, "AssignPrivateNatGatewayAddress", one).0, "InvalidParameter");

    let private = json!({"SubnetId": subnet, "ConnectivityType": "private", "SecondaryPrivateIpAddressCount": 1});
    let id = call(&mut control, "CreateNatGateway", private)["NatGateway"]["NatGatewayId"].clone();
    let more = json!({"NatGatewayId": id, "PrivateIpAddresses": ["172.31.0.99"], "PrivateIpAddressCount": 2});
    let answer = call(&mut control, "AssignPrivateNatGatewayAddress", more);
    assert_eq!(answer["NatGatewayAddresses"].as_array().unwrap().len(), 5);
    let less = json!({"NatGatewayId": id, "PrivateIpAddresses": ["172.31.0.99"], "MaxDrainDurationSeconds": 5});
    let answer = call(&mut control, "UnassignPrivateNatGatewayAddress", less);
    assert_eq!(answer["NatGatewayAddresses"].as_array().unwrap().len(), 4);
}

#[test]
fn refusals() {
    let mut control = control();
    let subnet = subnet(&control);
    let ghost = "nat-12345678";
    let cases = [
        ("DeleteNatGateway", json!({"NatGatewayId": ghost}), "NatGatewayNotFound"),
        ("DescribeNatGateways", json!({"NatGatewayIds": [ghost]}), "NatGatewayNotFound"),
        ("DeleteNatGateway", json!({"NatGatewayId": "nat-x"}), "NatGatewayMalformed"),
        ("CreateNatGateway", json!({"SubnetId": subnet}), "MissingParameter"),
        ("CreateNatGateway", json!({"AllocationId": "eipalloc-12345678"}), "MissingParameter"),
        (
            "CreateNatGateway",
            json!({"SubnetId": subnet, "AllocationId": "eipalloc-12345678"}),
            "InvalidAllocationID.NotFound",
        ),
        ("CreateNatGateway", json!({"SubnetId": "subnet-12345678"}), "InvalidSubnetID.NotFound"),
        ("CreateNatGateway", json!({"SubnetId": subnet, "AvailabilityMode": "regional"}), "UnsupportedOperation"),
        ("DescribeNatGateways", json!({"Filter": filter("colour", "x")}), "InvalidParameterValue"),
        ("CreateTags", json!({"Resources": [ghost], "Tags": [{"Key": "a", "Value": "b"}]}), "NatGatewayNotFound"),
    ];
    for (operation, parameters, code) in cases {
        assert_eq!(refusal(&mut control, operation, parameters.clone()).0, code, "{operation} {parameters}");
    }
}
