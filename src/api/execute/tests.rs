//! The calls as users meet them: each answer must survive the wire, each refusal has AWS's code and sentence.

use super::*;
use crate::api::{query, xml};
use crate::calendar::Calendar;
use crate::control::tests::{control, tutorial};
use serde_json::json;

mod interface_endpoint;
mod edge;
mod nat_gateway;
mod network;
mod properties;
mod refusals;
mod transit;

const DDB: &str = "com.amazonaws.us-east-1.dynamodb";

fn try_call(control: &mut ControlPlane, operation: &str, parameters: Value) -> Result<Value, ApiError> {
    // The parameters go over the wire and come back, as from a client.
    let body = query::encode_request(operation, &parameters).expect("parameters fit the model");
    let (_, decoded) = query::decode_request(&body)?;
    let answer = execute(control, SimTime::ZERO, operation, &decoded, &Wanted::default())?;
    let sent = xml::encode_response(operation, &answer, "request").expect("answers fit the model");
    assert_eq!(xml::decode_response(operation, &sent).expect("answers can be read"), answer, "{operation}");
    Ok(answer)
}

fn call(control: &mut ControlPlane, operation: &str, parameters: Value) -> Value {
    try_call(control, operation, parameters).unwrap_or_else(|error| panic!("{operation}: {error}"))
}

/// Code and sentence of a refusal, after which the model is as before.
fn refusal(control: &mut ControlPlane, operation: &str, parameters: Value) -> (String, String) {
    let before = format!("{:?}", control.model());
    let error = try_call(control, operation, parameters.clone()).expect_err(&format!("{operation} {parameters}"));
    assert_eq!(format!("{:?}", control.model()), before, "{operation} was refused and did something");
    (error.code, error.message)
}

fn filter(name: &str, value: &str) -> Value {
    json!([{"Name": name, "Values": [value]}])
}

fn main_table(control: &ControlPlane) -> String {
    control.model().vpcs.values().next().unwrap().main_route_table_id.to_string()
}

fn instance_called(control: &mut ControlPlane, name: &str) -> Value {
    let answer = call(control, "DescribeInstances", json!({"Filters": filter("tag:Name", name)}));
    answer["Reservations"][0]["Instances"][0].clone()
}

#[test]
fn the_tutorials_endpoint_from_birth_to_death() {
    let mut control = control();
    let created = call(&mut control, "CreateVpcEndpoint", json!({"VpcId": "vpc-0bbc736e", "ServiceName": DDB}));
    let endpoint = &created["VpcEndpoint"];
    let mut members: Vec<_> = endpoint.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    let expected = [
        "CreationTimestamp",
        "DnsEntries",
        "Groups",
        "NetworkInterfaceIds",
        "OwnerId",
        "PolicyDocument",
        "PrivateDnsEnabled",
        "RequesterManaged",
        "RouteTableIds",
        "ServiceName",
        "State",
        "SubnetIds",
        "Tags",
        "VpcEndpointId",
        "VpcEndpointType",
        "VpcId",
    ];
    assert_eq!(members, expected);
    assert_eq!((&endpoint["RouteTableIds"], &endpoint["State"]), (&json!([]), &json!("available")));
    assert_eq!(endpoint["CreationTimestamp"], "2026-01-01T00:00:00.000Z");
    let id = created_id("CreateVpcEndpoint", &created).unwrap();

    let table = main_table(&control);
    let added = json!({"VpcEndpointId": id, "AddRouteTableIds": [table]});
    assert_eq!(call(&mut control, "ModifyVpcEndpoint", added), json!({"Return": true}));
    let by_route = json!({"Filters": filter("route.destination-prefix-list-id", "pl-02cd2c6b")});
    let tables = call(&mut control, "DescribeRouteTables", by_route);
    assert_eq!(tables["RouteTables"].as_array().unwrap().len(), 1);
    let routes = tables["RouteTables"][0]["Routes"].as_array().unwrap();
    let expected = json!({
        "DestinationPrefixListId": "pl-02cd2c6b", "GatewayId": id, "Origin": "CreateRoute", "State": "active",
    });
    assert!(routes.contains(&expected), "{routes:?}");
    let listed = call(&mut control, "DescribeVpcEndpoints", json!({"VpcEndpointIds": [id]}));
    assert_eq!(listed["VpcEndpoints"][0]["RouteTableIds"], json!([table]));

    let private = json!(control.model().route_tables.keys().find(|id| id.to_string() != table));
    let moved = json!({"VpcEndpointId": id, "RemoveRouteTableIds": [table], "AddRouteTableIds": [private]});
    call(&mut control, "ModifyVpcEndpoint", moved);
    let by_target = json!({"Filters": filter("route.gateway-id", &id)});
    let tables = call(&mut control, "DescribeRouteTables", by_target);
    let ids: Vec<_> = tables["RouteTables"].as_array().unwrap().iter().map(|table| &table["RouteTableId"]).collect();
    assert_eq!(ids, [&private]);

    let deleted = call(&mut control, "DeleteVpcEndpoints", json!({"VpcEndpointIds": [id, "vpce-00000000"]}));
    let expected = json!({"Unsuccessful": [{
        "Error": {"Code": "InvalidVpcEndpointId.NotFound", "Message": "The Vpc Endpoint Id 'vpce-00000000' does not exist"},
        "ResourceId": "vpce-00000000",
    }]});
    assert_eq!(deleted, expected);
    assert_eq!(call(&mut control, "DescribeVpcEndpoints", json!({})), json!({"VpcEndpoints": []}));
}

fn private_subnet(control: &ControlPlane) -> String {
    let private = control.model().subnets.values().find(|subnet| !subnet.default_for_az).unwrap();
    private.id.to_string()
}

#[test]
fn dry_runs_end_in_an_error_of_form() {
    let mut control = control();
    let dry = |more: Value| {
        let mut parameters = json!({"DryRun": true, "VpcId": "vpc-0bbc736e", "ServiceName": DDB});
        parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        parameters
    };
    let error = try_call(&mut control, "CreateVpcEndpoint", dry(json!({}))).unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("DryRunOperation", 412));
    assert!(control.model().vpc_endpoints.is_empty());
    let error = try_call(&mut control, "CreateVpcEndpoint", dry(json!({"VpcId": "vpc-00000000"}))).unwrap_err();
    assert_eq!(error.code, "InvalidVpcID.NotFound");
    assert_eq!(refusal(&mut control, "DescribeVpcs", json!({"DryRun": true})).0, "DryRunOperation");
}

#[test]
fn instances_from_launch_to_end() {
    let mut control = control();
    let launch = json!({
        "ImageId": "ami-0abcdef1234567890", "InstanceType": "t4g.nano", "MinCount": 1, "MaxCount": 2, "KeyName": "my-key",
        "UserData": "IyEvYmluL3No",
        "NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": private_subnet(&control), "AssociatePublicIpAddress": true}],
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "new"}]}],
    });
    let answer = call(&mut control, "RunInstances", launch);
    assert_eq!(answer["Instances"].as_array().unwrap().len(), 2);
    let pending = &answer["Instances"][1];
    assert_eq!((&pending["State"], &pending["AmiLaunchIndex"]), (&json!({"Code": 0, "Name": "pending"}), &json!(1)));
    assert_eq!(pending["PublicDnsName"], "");
    assert_eq!(pending.get("PublicIpAddress"), None);
    assert_eq!(created_id("RunInstances", &answer), None);

    let running = call(
        &mut control,
        "DescribeInstances",
        json!({"Filters": filter("reservation-id", answer["ReservationId"].as_str().unwrap())}),
    );
    let instance = &running["Reservations"][0]["Instances"][0];
    assert_eq!(instance["State"], json!({"Code": 16, "Name": "running"}));
    assert_eq!(instance["PrivateDnsName"], "ip-172-31-96-11.ec2.internal");
    let public_ip = instance["PublicIpAddress"].as_str().unwrap();
    assert_eq!(instance["PublicDnsName"], format!("ec2-{}.compute-1.amazonaws.com", public_ip.replace('.', "-")));
    assert_eq!(instance["Architecture"], "arm64");

    let id = instance["InstanceId"].as_str().unwrap();
    let ended = call(&mut control, "TerminateInstances", json!({"InstanceIds": [id]}));
    assert_eq!(
        ended["TerminatingInstances"][0],
        json!({
            "InstanceId": id,
            "CurrentState": {"Code": 32, "Name": "shutting-down"},
            "PreviousState": {"Code": 16, "Name": "running"},
        })
    );
    let again = call(&mut control, "TerminateInstances", json!({"InstanceIds": [id]}));
    assert_eq!(again["TerminatingInstances"][0]["CurrentState"]["Name"], "terminated");
    let listed = call(&mut control, "DescribeInstances", json!({"Filters": filter("instance-state-name", "term*")}));
    let gone = &listed["Reservations"][0]["Instances"][0];
    assert_eq!((&gone["InstanceId"], &gone["NetworkInterfaces"]), (&json!(id), &json!([])));
    assert_eq!(gone.get("VpcId"), None);
    assert_eq!(
        refusal(
            &mut control,
            "ModifyInstanceAttribute",
            json!({"InstanceId": id, "SourceDestCheck": {"Value": false}})
        )
        .0,
        "IncorrectInstanceState"
    );
}

#[test]
fn ssh_access_as_in_the_tutorial() {
    let mut control = control();
    let group = call(
        &mut control,
        "CreateSecurityGroup",
        json!({"GroupName": "my-ssh-access", "Description": "ssh", "VpcId": "vpc-0bbc736e"}),
    );
    let id = created_id("CreateSecurityGroup", &group).unwrap();
    assert_eq!(group["SecurityGroupArn"], format!("arn:aws:ec2:us-east-1:111122223333:security-group/{id}"));
    let rule = json!({"GroupId": id, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "198.51.100.7/32"});
    let authorized = call(&mut control, "AuthorizeSecurityGroupIngress", rule.clone());
    assert_eq!(authorized["SecurityGroupRules"][0]["CidrIpv4"], "198.51.100.7/32");
    let duplicate = refusal(&mut control, "AuthorizeSecurityGroupIngress", rule.clone());
    assert_eq!(duplicate.0, "InvalidPermission.Duplicate");

    let instance = instance_called(&mut control, "app-public");
    let (instance_id, default) = (&instance["InstanceId"], &instance["SecurityGroups"][0]["GroupId"]);
    let attach = json!({"InstanceId": instance_id, "Groups": [default, id]});
    assert_eq!(call(&mut control, "ModifyInstanceAttribute", attach), json!({}));
    assert_eq!(instance_called(&mut control, "app-public")["SecurityGroups"][1]["GroupName"], "my-ssh-access");
    assert_eq!(
        refusal(&mut control, "DeleteSecurityGroup", json!({"GroupId": id})),
        ("DependencyViolation".to_owned(), format!("resource {id} has a dependent object"))
    );

    let revoked = call(&mut control, "RevokeSecurityGroupIngress", rule.clone());
    assert_eq!(revoked["RevokedSecurityGroupRules"][0]["FromPort"], 22);
    // In the default VPC a rule that is not there is told, not refused.
    let unknown = call(&mut control, "RevokeSecurityGroupIngress", rule);
    assert_eq!(unknown["UnknownIpPermissions"][0]["IpRanges"], json!([{"CidrIp": "198.51.100.7/32"}]));
    assert_eq!(unknown["RevokedSecurityGroupRules"], json!([]));
}

#[test]
fn rules_are_grouped_by_protocol_and_ports() {
    let mut control = control();
    let id = created_id(
        "CreateSecurityGroup",
        &call(&mut control, "CreateSecurityGroup", json!({"GroupName": "web", "Description": "d"})),
    )
    .unwrap();
    let permissions = json!({"GroupId": id, "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
         "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "us"}, {"CidrIp": "192.168.0.1/16"}],
         "PrefixListIds": [{"PrefixListId": "pl-02cd2c6b"}], "UserIdGroupPairs": [{"GroupName": "web"}]},
        {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        {"IpProtocol": "50", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    ]});
    call(&mut control, "AuthorizeSecurityGroupIngress", permissions);
    let shown = call(
        &mut control,
        "DescribeSecurityGroups",
        json!({"Filters": filter("ip-permission.cidr", "192.168.0.0/16")}),
    );
    let groups = shown["SecurityGroups"].as_array().unwrap();
    assert_eq!(groups.len(), 1);
    let permissions = groups[0]["IpPermissions"].as_array().unwrap();
    assert_eq!(permissions.len(), 3);
    assert_eq!(
        permissions[0]["IpRanges"],
        json!([{"CidrIp": "10.0.0.0/8", "Description": "us"}, {"CidrIp": "192.168.0.0/16"}])
    );
    assert_eq!(permissions[0]["UserIdGroupPairs"], json!([{"UserId": "111122223333", "GroupId": id}]));
    assert_eq!((&permissions[1]["FromPort"], &permissions[1]["ToPort"]), (&json!(8), &json!(-1)));
    assert_eq!(permissions[2].get("FromPort"), None);
    let rules = call(&mut control, "DescribeSecurityGroupRules", json!({"Filters": filter("group-id", &id)}));
    // Six of ours and the egress rule every group is born with.
    assert_eq!(rules["SecurityGroupRules"].as_array().unwrap().len(), 7);
}

#[test]
fn routes_tables_and_addresses() {
    let mut control = control();
    let created = call(&mut control, "CreateRouteTable", json!({"VpcId": "vpc-0bbc736e", "ClientToken": "t"}));
    assert_eq!(created["ClientToken"], "t");
    let table = created_id("CreateRouteTable", &created).unwrap();
    let public = instance_called(&mut control, "app-public");
    let gateway = control.model().internet_gateways.keys().next().unwrap().to_string();
    let route =
        |target: (&str, &str)| json!({"RouteTableId": table, "DestinationCidrBlock": "10.1.2.3/8", target.0: target.1});
    assert_eq!(call(&mut control, "CreateRoute", route(("GatewayId", &gateway))), json!({"Return": true}));
    let replaced = call(&mut control, "ReplaceRoute", route(("InstanceId", public["InstanceId"].as_str().unwrap())));
    assert_eq!(replaced, json!({}));
    let shown = call(&mut control, "DescribeRouteTables", json!({"RouteTableIds": [table]}));
    let route = &shown["RouteTables"][0]["Routes"][1];
    assert_eq!((&route["DestinationCidrBlock"], &route["InstanceId"]), (&json!("10.0.0.0/8"), &public["InstanceId"]));
    call(&mut control, "TerminateInstances", json!({"InstanceIds": [public["InstanceId"]]}));
    let shown = call(&mut control, "DescribeRouteTables", json!({"Filters": filter("route.state", "blackhole")}));
    assert_eq!(shown["RouteTables"][0]["RouteTableId"], table);

    let association =
        call(&mut control, "AssociateRouteTable", json!({"RouteTableId": table, "SubnetId": public["SubnetId"]}));
    let id = association["AssociationId"].clone();
    assert_eq!(call(&mut control, "DisassociateRouteTable", json!({"AssociationId": id})), json!({}));

    let private = instance_called(&mut control, "app-private");
    let allocated = call(&mut control, "AllocateAddress", json!({}));
    let attach = json!({"AllocationId": allocated["AllocationId"], "InstanceId": private["InstanceId"]});
    let associated = call(&mut control, "AssociateAddress", attach.clone());
    assert_eq!(call(&mut control, "AssociateAddress", attach), associated);
    assert_eq!(instance_called(&mut control, "app-private")["PublicIpAddress"], allocated["PublicIp"]);
    let shown = call(
        &mut control,
        "DescribeAddresses",
        json!({"Filters": filter("instance-id", private["InstanceId"].as_str().unwrap())}),
    );
    assert_eq!(shown["Addresses"][0]["AssociationId"], associated["AssociationId"]);
}

#[test]
fn attributes_and_tags() {
    let mut control = control();
    let vpc = "vpc-0bbc736e";
    let ask = json!({"VpcId": vpc, "Attribute": "enableDnsHostnames"});
    let on = call(&mut control, "DescribeVpcAttribute", ask.clone());
    assert_eq!(on, json!({"VpcId": vpc, "EnableDnsHostnames": {"Value": true}}));
    call(&mut control, "ModifyVpcAttribute", json!({"VpcId": vpc, "EnableDnsHostnames": {"Value": false}}));
    assert_eq!(call(&mut control, "DescribeVpcAttribute", ask)["EnableDnsHostnames"]["Value"], false);
    assert_eq!(instance_called(&mut control, "app-public")["PublicDnsName"], "");

    assert_eq!(call(&mut control, "DescribeVpcs", json!({}))["Vpcs"][0].get("Tags"), None);
    let tags = json!({"Resources": [vpc], "Tags": [{"Key": "Name", "Value": "home"}]});
    assert_eq!(call(&mut control, "CreateTags", tags), json!({}));
    let found = call(&mut control, "DescribeVpcs", json!({"Filters": filter("tag:Name", "h?me")}));
    assert_eq!(found["Vpcs"][0]["Tags"], json!([{"Key": "Name", "Value": "home"}]));
    let tags = call(&mut control, "DescribeTags", json!({"Filters": filter("resource-id", vpc)}));
    assert_eq!(tags["Tags"], json!([{"Key": "Name", "ResourceId": vpc, "ResourceType": "vpc", "Value": "home"}]));
}

#[test]
fn services_lists_and_places() {
    let mut control = control();
    let services = call(&mut control, "DescribeVpcEndpointServices", json!({"ServiceNames": [DDB]}));
    assert_eq!(services["ServiceNames"], json!([DDB]));
    let types: Vec<_> = services["ServiceDetails"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| &service["ServiceType"][0]["ServiceType"])
        .collect();
    assert_eq!(types, ["Gateway", "Interface"]);
    let gateways =
        call(&mut control, "DescribeVpcEndpointServices", json!({"Filters": filter("service-type", "Gateway")}));
    assert_eq!(gateways["ServiceNames"], json!([DDB, "com.amazonaws.us-east-1.s3"]));

    let lists = call(&mut control, "DescribePrefixLists", json!({"Filters": filter("prefix-list-name", DDB)}));
    assert_eq!(lists["PrefixLists"][0]["PrefixListId"], "pl-02cd2c6b");
    assert!(lists["PrefixLists"][0]["Cidrs"].as_array().unwrap().contains(&json!("52.94.0.0/22")));
    let managed = call(&mut control, "DescribeManagedPrefixLists", json!({"PrefixListIds": ["pl-02cd2c6b"]}));
    assert_eq!(managed["PrefixLists"][0]["OwnerId"], "AWS");
    assert_eq!(managed["PrefixLists"][0].get("Version"), None);
    let entries =
        call(&mut control, "GetManagedPrefixListEntries", json!({"PrefixListId": "pl-02cd2c6b", "MaxResults": 1}));
    assert_eq!(entries["Entries"].as_array().unwrap().len(), 1);
    assert!(entries["NextToken"].is_string());

    let zones = call(&mut control, "DescribeAvailabilityZones", json!({"ZoneIds": ["use1-az6"]}));
    assert_eq!(zones["AvailabilityZones"][0]["ZoneName"], "us-east-1f");
    let regions = |control: &mut ControlPlane, all: bool| {
        call(control, "DescribeRegions", json!({"AllRegions": all}))["Regions"].as_array().unwrap().len()
    };
    assert_eq!(regions(&mut control, false), 17);
    assert!(regions(&mut control, true) > 25);

    let subnets = call(&mut control, "DescribeSubnets", json!({"Filters": filter("default-for-az", "false")}));
    assert_eq!(subnets["Subnets"][0]["AvailableIpAddressCount"], 4090);
    let interfaces = call(
        &mut control,
        "DescribeNetworkInterfaces",
        json!({"Filters": filter("addresses.association.public-ip", "*")}),
    );
    assert_eq!(interfaces["NetworkInterfaces"].as_array().unwrap().len(), 1);
    let gateways =
        call(&mut control, "DescribeInternetGateways", json!({"Filters": filter("attachment.vpc-id", "vpc-0bbc736e")}));
    assert_eq!(gateways["InternetGateways"][0]["Attachments"][0]["State"], "available");
}

#[test]
fn answers_without_a_default_vpc() {
    let mut model = tutorial();
    model.vpcs.values_mut().for_each(|vpc| vpc.is_default = false);
    let mut control = ControlPlane::new(model, Calendar::starting_at(0).unwrap()).unwrap();
    let launch = json!({"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1});
    assert_eq!(refusal(&mut control, "RunInstances", launch).0, "VPCIdNotSpecified");
    assert_eq!(
        refusal(&mut control, "DescribeSecurityGroups", json!({"GroupNames": ["default"]})).0,
        "VPCIdNotSpecified"
    );
    // Outside the default VPC, revoking what is not there is refused.
    let group = control.model().security_groups.keys().next().unwrap().to_string();
    let rule = json!({"GroupId": group, "IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "CidrIp": "10.0.0.0/8"});
    assert_eq!(refusal(&mut control, "RevokeSecurityGroupIngress", rule).0, "InvalidPermission.NotFound");
}
