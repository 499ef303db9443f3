//! Peering connections and transit gateways as users meet them, in one Region and in two.

use super::*;
use crate::time::SimDuration;

fn create(control: &mut ControlPlane, operation: &str, parameters: Value) -> String {
    let answer = call(control, operation, parameters);
    created_id(operation, &answer).unwrap_or_else(|| panic!("{operation} created nothing: {answer}"))
}

/// A VPC with a subnet in the first two zones.
fn vpc(control: &mut ControlPlane, number: u8) -> (String, Vec<String>) {
    let vpc = create(control, "CreateVpc", json!({"CidrBlock": format!("10.{number}.0.0/16")}));
    let zones = [("us-east-1a", 1), ("us-east-1b", 2)];
    let subnets = zones.map(|(zone, third)| {
        let block = format!("10.{number}.{third}.0/24");
        create(control, "CreateSubnet", json!({"VpcId": vpc, "CidrBlock": block, "AvailabilityZone": zone}))
    });
    (vpc, subnets.into())
}

#[test]
fn a_peering_connection_from_request_to_end() {
    let mut control = control();
    let ((a, _), (b, _)) = (vpc(&mut control, 1), vpc(&mut control, 2));
    let asked = call(
        &mut control,
        "CreateVpcPeeringConnection",
        json!({"VpcId": a, "PeerVpcId": b, "TagSpecifications": [
            {"ResourceType": "vpc-peering-connection", "Tags": [{"Key": "Name", "Value": "a-b"}]}]}),
    );
    let shown = &asked["VpcPeeringConnection"];
    assert_eq!(shown["Status"], json!({"Code": "pending-acceptance", "Message": "Pending Acceptance by 111122223333"}));
    assert_eq!(shown["ExpirationTime"].as_str().map(|time| &time[..10]), Some("2026-01-08"));
    assert_eq!((&shown["RequesterVpcInfo"]["VpcId"], &shown["AccepterVpcInfo"]["VpcId"]), (&json!(a), &json!(b)));
    assert_eq!(shown["AccepterVpcInfo"]["CidrBlockSet"], json!([{"CidrBlock": "10.2.0.0/16"}]));
    assert_eq!(shown["AccepterVpcInfo"]["Region"], "us-east-1");
    let id = created_id("CreateVpcPeeringConnection", &asked).unwrap();
    let own = json!({"VpcPeeringConnectionId": id});
    let again = refusal(&mut control, "CreateVpcPeeringConnection", json!({"VpcId": b, "PeerVpcId": a}));
    assert_eq!(again.0, "VpcPeeringConnectionAlreadyExists");

    // A route may be there before: it is a blackhole until then.
    let table = call(&mut control, "DescribeRouteTables", json!({"Filters": filter("vpc-id", &a)}));
    let table = table["RouteTables"][0]["RouteTableId"].clone();
    let route = json!({"RouteTableId": table, "DestinationCidrBlock": "10.2.0.0/16", "VpcPeeringConnectionId": id});
    call(&mut control, "CreateRoute", route);
    let state = |control: &mut ControlPlane| {
        let shown = call(control, "DescribeRouteTables", json!({"RouteTableIds": [table]}));
        let routes = shown["RouteTables"][0]["Routes"].as_array().unwrap().clone();
        routes.into_iter().find(|route| route["VpcPeeringConnectionId"] == json!(id)).unwrap()["State"].clone()
    };
    assert_eq!(state(&mut control), "blackhole");
    let accepted = call(&mut control, "AcceptVpcPeeringConnection", own.clone());
    assert_eq!(accepted["VpcPeeringConnection"]["Status"], json!({"Code": "active", "Message": "Active"}));
    assert_eq!(state(&mut control), "active");
    let options = json!({"VpcPeeringConnectionId": id, "RequesterPeeringConnectionOptions": {
        "AllowDnsResolutionFromRemoteVpc": true}});
    let options = call(&mut control, "ModifyVpcPeeringConnectionOptions", options);
    assert_eq!(options["RequesterPeeringConnectionOptions"], json!({"AllowDnsResolutionFromRemoteVpc": true}));
    for (name, value, found) in
        [("status-code", "active", 1), ("tag:Name", "a-b", 1), ("accepter-vpc-info.vpc-id", &a, 0)]
    {
        let shown = call(&mut control, "DescribeVpcPeeringConnections", json!({"Filters": filter(name, value)}));
        assert_eq!(shown["VpcPeeringConnections"].as_array().unwrap().len(), found, "{name}");
    }
    assert_eq!(call(&mut control, "DeleteVpcPeeringConnection", own.clone()), json!({"Return": true}));
    assert_eq!(state(&mut control), "blackhole");
    assert_eq!(refusal(&mut control, "RejectVpcPeeringConnection", own).0, "InvalidStateTransition");
    let gone =
        refusal(&mut control, "DescribeVpcPeeringConnections", json!({"VpcPeeringConnectionIds": ["pcx-00000001"]}));
    assert_eq!(
        gone,
        (
            "InvalidVpcPeeringConnectionID.NotFound".to_owned(),
            "The vpcPeeringConnection ID 'pcx-00000001' does not exist".to_owned()
        )
    );
    let other = json!({"VpcId": a, "PeerVpcId": b, "PeerOwnerId": "444455556666"});
    assert_eq!(refusal(&mut control, "CreateVpcPeeringConnection", other).0, "UnsupportedOperation");
}

#[test]
fn a_request_that_nobody_answers_expires() {
    let mut control = control();
    let ((a, _), (b, _)) = (vpc(&mut control, 1), vpc(&mut control, 2));
    create(&mut control, "CreateVpcPeeringConnection", json!({"VpcId": a, "PeerVpcId": b}));
    let week = SimTime::ZERO + SimDuration::from_secs(7 * 24 * 3600);
    let wanted = Wanted::default();
    let shown = execute(&mut control, week, "DescribeVpcPeeringConnections", &json!({}), &wanted).unwrap();
    assert_eq!(shown["VpcPeeringConnections"][0]["Status"]["Code"], "expired");
}

#[test]
fn a_transit_gateway_from_birth_to_death() {
    let mut control = control();
    let ((a, a_subnets), (b, b_subnets)) = (vpc(&mut control, 1), vpc(&mut control, 2));
    let made = call(
        &mut control,
        "CreateTransitGateway",
        json!({"Description": "hub", "Options": {"AmazonSideAsn": 64_600, "DefaultRouteTablePropagation": "disable"}}),
    );
    let hub = created_id("CreateTransitGateway", &made).unwrap();
    assert_eq!(made["TransitGateway"]["State"], "pending");
    let shown = call(&mut control, "DescribeTransitGateways", json!({"TransitGatewayIds": [hub]}));
    let shown = &shown["TransitGateways"][0];
    assert_eq!((&shown["State"], &shown["Description"]), (&json!("available"), &json!("hub")));
    assert_eq!(shown["Options"]["AmazonSideAsn"], 64_600);
    assert_eq!(shown["Options"]["DefaultRouteTablePropagation"], "disable");
    assert!(shown["Options"].get("PropagationDefaultRouteTableId").is_none());
    let default = shown["Options"]["AssociationDefaultRouteTableId"].as_str().unwrap().to_owned();

    let attach = |subnets: &[String], vpc: &str| {
        json!({"TransitGatewayId": hub, "VpcId": vpc, "SubnetIds": subnets,
               "Options": {"ApplianceModeSupport": "enable", "DnsSupport": "enable"}})
    };
    let made = call(&mut control, "CreateTransitGatewayVpcAttachment", attach(&a_subnets, &a));
    assert_eq!(made["TransitGatewayVpcAttachment"]["State"], "pending");
    assert_eq!(made["TransitGatewayVpcAttachment"]["Options"]["ApplianceModeSupport"], "enable");
    let at_a = created_id("CreateTransitGatewayVpcAttachment", &made).unwrap();
    let at_b = create(&mut control, "CreateTransitGatewayVpcAttachment", attach(&b_subnets[..1], &b));
    let twice = refusal(&mut control, "CreateTransitGatewayVpcAttachment", attach(&a_subnets, &a));
    let sentence = format!("{hub} has non-deleted Transit Gateway Attachments with same VPC ID.");
    assert_eq!(twice, ("DuplicateTransitGatewayAttachment".to_owned(), sentence));
    let interfaces = call(
        &mut control,
        "DescribeNetworkInterfaces",
        json!({"Filters": filter("interface-type", "transit_gateway")}),
    );
    let interfaces = interfaces["NetworkInterfaces"].as_array().unwrap().clone();
    assert_eq!(interfaces.len(), 3);
    assert!(interfaces.iter().all(|eni| eni["RequesterManaged"] == true && eni["Groups"] == json!([])));
    assert!(interfaces[0]["Attachment"].get("InstanceId").is_none());

    // Nothing is propagated by itself here.
    let search = |control: &mut ControlPlane, name: &str, value: &str| {
        let parameters = json!({"TransitGatewayRouteTableId": default, "Filters": filter(name, value)});
        call(control, "SearchTransitGatewayRoutes", parameters)["Routes"].clone()
    };
    assert_eq!(search(&mut control, "type", "propagated"), json!([]));
    let link =
        |attachment: &str| json!({"TransitGatewayRouteTableId": default, "TransitGatewayAttachmentId": attachment});
    let enabled = call(&mut control, "EnableTransitGatewayRouteTablePropagation", link(&at_b));
    assert_eq!(enabled["Propagation"]["State"], "enabled");
    assert_eq!(
        (&enabled["Propagation"]["ResourceId"], &enabled["Propagation"]["ResourceType"]),
        (&json!(b), &json!("vpc"))
    );
    let route = json!({"DestinationCidrBlock": "10.2.0.0/16", "Type": "propagated", "State": "active",
        "TransitGatewayAttachments": [{"ResourceId": b, "TransitGatewayAttachmentId": at_b, "ResourceType": "vpc"}]});
    assert_eq!(search(&mut control, "type", "propagated"), json!([route]));
    let fixed = |destination: &str| json!({"DestinationCidrBlock": destination, "TransitGatewayRouteTableId": default});
    let blackhole = |destination: &str| {
        let mut parameters = fixed(destination);
        parameters["Blackhole"] = json!(true);
        parameters
    };
    let made = call(&mut control, "CreateTransitGatewayRoute", blackhole("10.2.9.0/24"));
    assert_eq!(made["Route"], json!({"DestinationCidrBlock": "10.2.9.0/24", "Type": "static", "State": "blackhole"}));
    for (name, value, found) in [
        ("route-search.longest-prefix-match", "10.2.9.7", vec!["10.2.9.0/24"]),
        ("route-search.longest-prefix-match", "10.2.8.0/24", vec!["10.2.0.0/16"]),
        ("route-search.exact-match", "10.2.0.0/16", vec!["10.2.0.0/16"]),
        ("route-search.subnet-of-match", "10.2.0.0/16", vec!["10.2.0.0/16", "10.2.9.0/24"]),
        ("route-search.supernet-of-match", "10.2.9.0/24", vec!["10.2.0.0/16", "10.2.9.0/24"]),
        ("state", "blackhole", vec!["10.2.9.0/24"]),
        ("attachment.resource-id", &b, vec!["10.2.0.0/16"]),
    ] {
        let routes = search(&mut control, name, value);
        let blocks: Vec<_> =
            routes.as_array().unwrap().iter().map(|route| route["DestinationCidrBlock"].clone()).collect();
        assert_eq!(blocks, found, "{name} {value}");
    }
    let mut replaced = fixed("10.2.9.0/24");
    replaced["TransitGatewayAttachmentId"] = json!(at_b);
    assert_eq!(call(&mut control, "ReplaceTransitGatewayRoute", replaced)["Route"]["State"], "active");
    assert_eq!(call(&mut control, "DeleteTransitGatewayRoute", fixed("10.2.9.0/24"))["Route"]["State"], "deleted");
    assert_eq!(refusal(&mut control, "CreateTransitGatewayRoute", fixed("10.7.0.0/16")).0, "MissingParameter");

    // A second table takes an attachment over.
    let table = create(&mut control, "CreateTransitGatewayRouteTable", json!({"TransitGatewayId": hub}));
    let moved = json!({"TransitGatewayRouteTableId": table, "TransitGatewayAttachmentId": at_a});
    assert_eq!(
        refusal(&mut control, "AssociateTransitGatewayRouteTable", moved.clone()).0,
        "Resource.AlreadyAssociated"
    );
    call(&mut control, "DisassociateTransitGatewayRouteTable", link(&at_a));
    assert_eq!(call(&mut control, "AssociateTransitGatewayRouteTable", moved)["Association"]["State"], "associating");
    let own = json!({"TransitGatewayRouteTableId": table});
    let shown = call(&mut control, "GetTransitGatewayRouteTableAssociations", own.clone());
    assert_eq!(shown["Associations"][0]["TransitGatewayAttachmentId"], json!(at_a));
    assert_eq!(shown["Associations"][0]["State"], "associated");
    let propagations = json!({"TransitGatewayRouteTableId": default, "Filters": filter("resource-type", "vpc")});
    let shown = call(&mut control, "GetTransitGatewayRouteTablePropagations", propagations);
    assert_eq!(shown["TransitGatewayRouteTablePropagations"][0]["State"], "enabled");
    let shown = call(
        &mut control,
        "DescribeTransitGatewayAttachments",
        json!({"Filters": filter("association.transit-gateway-route-table-id", &table)}),
    );
    assert_eq!(shown["TransitGatewayAttachments"][0]["ResourceId"], json!(a));
    let tables = call(
        &mut control,
        "DescribeTransitGatewayRouteTables",
        json!({"Filters": filter("default-association-route-table", "true")}),
    );
    assert_eq!(tables["TransitGatewayRouteTables"][0]["TransitGatewayRouteTableId"], json!(default));

    // The VPC's route table leads here, and back to nowhere when the attachment goes.
    let vpc_table = call(&mut control, "DescribeRouteTables", json!({"Filters": filter("vpc-id", &a)}));
    let vpc_table = vpc_table["RouteTables"][0]["RouteTableId"].clone();
    let route = json!({"RouteTableId": vpc_table, "DestinationCidrBlock": "10.2.0.0/16", "TransitGatewayId": hub});
    call(&mut control, "CreateRoute", route);
    let modify = json!({"TransitGatewayAttachmentId": at_a, "RemoveSubnetIds": [a_subnets[1]]});
    let modified = call(&mut control, "ModifyTransitGatewayVpcAttachment", modify);
    assert_eq!(modified["TransitGatewayVpcAttachment"]["SubnetIds"], json!([a_subnets[0]]));
    let modify = json!({"TransitGatewayId": hub, "Options": {"SecurityGroupReferencingSupport": "enable",
        "DefaultRouteTablePropagation": "enable", "PropagationDefaultRouteTableId": table}});
    let modified = call(&mut control, "ModifyTransitGateway", modify);
    assert_eq!(modified["TransitGateway"]["Options"]["PropagationDefaultRouteTableId"], json!(table));
    call(&mut control, "CreateTags", json!({"Resources": [hub, at_a, table], "Tags": [{"Key": "k", "Value": "v"}]}));
    let tags = call(&mut control, "DescribeTags", json!({"Filters": filter("key", "k")}));
    let kinds: Vec<_> = tags["Tags"].as_array().unwrap().iter().map(|tag| tag["ResourceType"].clone()).collect();
    assert_eq!(kinds, ["transit-gateway", "transit-gateway-attachment", "transit-gateway-route-table"]);

    let in_use = refusal(&mut control, "DeleteTransitGateway", json!({"TransitGatewayId": hub}));
    assert_eq!(in_use.0, "IncorrectState");
    for attachment in [&at_a, &at_b] {
        let deleted =
            call(&mut control, "DeleteTransitGatewayVpcAttachment", json!({"TransitGatewayAttachmentId": attachment}));
        assert_eq!(deleted["TransitGatewayVpcAttachment"]["State"], "deleting");
    }
    let shown =
        call(&mut control, "DescribeTransitGatewayVpcAttachments", json!({"Filters": filter("state", "deleted")}));
    assert_eq!(shown["TransitGatewayVpcAttachments"].as_array().unwrap().len(), 2);
    let off = json!({"TransitGatewayId": hub, "Options": {"DefaultRouteTablePropagation": "disable"}});
    call(&mut control, "ModifyTransitGateway", off);
    call(&mut control, "DeleteTransitGatewayRouteTable", own);
    let deleted = call(&mut control, "DeleteTransitGateway", json!({"TransitGatewayId": hub}));
    assert_eq!(deleted["TransitGateway"]["State"], "deleting");
    let gone = refusal(&mut control, "DescribeTransitGateways", json!({"TransitGatewayIds": [hub]}));
    assert_eq!(gone.0, "InvalidTransitGatewayID.NotFound");
}

#[test]
fn two_regions_each_show_their_own() {
    let mut control = control();
    let wanted = Wanted::default();
    let mut in_region = |region: &str, operation: &str, parameters: Value| {
        execute_in(&mut control, region, SimTime::ZERO, operation, &parameters, &wanted)
    };
    let (home, far) = ("us-east-1", "eu-west-1");
    let mut made = |region, operation: &str, parameters| {
        let answer = in_region(region, operation, parameters).unwrap();
        created_id(operation, &answer).unwrap()
    };
    let near_vpc = made(home, "CreateVpc", json!({"CidrBlock": "10.1.0.0/16"}));
    let far_vpc = made(far, "CreateVpc", json!({"CidrBlock": "10.9.0.0/16"}));
    made(far, "CreateSubnet", json!({"VpcId": far_vpc, "CidrBlock": "10.9.1.0/24", "AvailabilityZone": "eu-west-1c"}));
    let asked = json!({"VpcId": near_vpc, "PeerVpcId": far_vpc, "PeerRegion": far});
    let peering = made(home, "CreateVpcPeeringConnection", asked);
    let (hub, far_hub) = (made(home, "CreateTransitGateway", json!({})), made(far, "CreateTransitGateway", json!({})));
    let asked = json!({"TransitGatewayId": hub, "PeerTransitGatewayId": far_hub, "PeerRegion": far,
        "PeerAccountId": "111122223333"});
    let ocean = made(home, "CreateTransitGatewayPeeringAttachment", asked);

    let without_region =
        in_region(home, "CreateVpcPeeringConnection", json!({"VpcId": near_vpc, "PeerVpcId": far_vpc}));
    assert_eq!(without_region.unwrap_err().code, "InvalidVpcID.NotFound", "the peer is looked for in PeerRegion");
    let shown = in_region(far, "DescribeVpcs", json!({})).unwrap();
    assert_eq!(shown["Vpcs"].as_array().unwrap().len(), 1, "no default VPC there");
    let shown = in_region(far, "DescribeSubnets", json!({})).unwrap();
    let subnet = shown["Subnets"][0].clone();
    assert_eq!(subnet["AvailabilityZone"], "eu-west-1c");
    assert!(subnet["SubnetArn"].as_str().unwrap().starts_with("arn:aws:ec2:eu-west-1:"), "{subnet}");
    let hidden = in_region(home, "DescribeVpcs", json!({"VpcIds": [far_vpc]}));
    assert_eq!(hidden.unwrap_err().code, "InvalidVpcID.NotFound");
    for region in [home, far] {
        let shown = in_region(region, "DescribeVpcPeeringConnections", json!({})).unwrap();
        let shown = &shown["VpcPeeringConnections"][0];
        assert_eq!(
            (&shown["RequesterVpcInfo"]["Region"], &shown["AccepterVpcInfo"]["Region"]),
            (&json!(home), &json!(far))
        );
        let shown = in_region(region, "DescribeTransitGatewayPeeringAttachments", json!({})).unwrap();
        let shown = &shown["TransitGatewayPeeringAttachments"][0];
        assert_eq!((&shown["State"], &shown["AccepterTgwInfo"]["Region"]), (&json!("pendingAcceptance"), &json!(far)));
    }
    // Who was asked answers, by the API of its Region.
    let own = json!({"VpcPeeringConnectionId": peering});
    let refused = in_region(home, "AcceptVpcPeeringConnection", own.clone()).unwrap_err();
    assert_eq!(refused.code, "OperationNotPermitted");
    assert!(refused.message.ends_with("must be accepted in region eu-west-1"), "{}", refused.message);
    in_region(far, "AcceptVpcPeeringConnection", own).unwrap();
    let own = json!({"TransitGatewayAttachmentId": ocean});
    let refused = in_region(home, "AcceptTransitGatewayPeeringAttachment", own.clone()).unwrap_err();
    assert_eq!(refused.code, "OperationNotPermitted");
    let accepted = in_region(far, "AcceptTransitGatewayPeeringAttachment", own).unwrap();
    assert_eq!(accepted["TransitGatewayPeeringAttachment"]["State"], "pending");
    // A VPC of the other Region cannot be attached here.
    let attach = json!({"TransitGatewayId": hub, "VpcId": far_vpc, "SubnetIds": [subnet["SubnetId"]]});
    let refused = in_region(home, "CreateTransitGatewayVpcAttachment", attach).unwrap_err();
    assert_eq!(refused.code, "InvalidTransitGatewayID.NotFound");
}
