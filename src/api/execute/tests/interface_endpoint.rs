//! Interface endpoints, their interfaces, and DHCP options, as the API tells of them.

use super::*;

const EC2: &str = "com.amazonaws.us-east-1.ec2";
const VPC: &str = "vpc-0bbc736e";

fn interface(more: Value) -> Value {
    let mut parameters = json!({"VpcId": VPC, "ServiceName": EC2, "VpcEndpointType": "Interface"});
    parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    parameters
}

/// A default subnet of each of two zones.
fn subnets(control: &mut ControlPlane) -> [String; 2] {
    ["us-east-1a", "us-east-1b"].map(|zone| {
        let found = call(control, "DescribeSubnets", json!({"Filters": filter("availability-zone", zone)}));
        found["Subnets"][0]["SubnetId"].as_str().unwrap().to_owned()
    })
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn an_interface_endpoint_from_birth_to_death() {
    let mut control = control();
    let [a, b] = subnets(&mut control);
    let created = call(&mut control, "CreateVpcEndpoint", interface(json!({"SubnetIds": [a]})));
    let endpoint = &created["VpcEndpoint"];
    let id = endpoint["VpcEndpointId"].as_str().unwrap().to_owned();
    assert_eq!((&endpoint["State"], &endpoint["VpcEndpointType"]), (&json!("available"), &json!("Interface")));
    assert_eq!(endpoint["PrivateDnsEnabled"], true);
    assert_eq!(endpoint["PolicyDocument"], crate::model::VpcEndpoint::DEFAULT_INTERFACE_POLICY);
    assert_eq!(endpoint["Groups"][0]["GroupName"], "default");
    let names: Vec<_> =
        endpoint["DnsEntries"].as_array().unwrap().iter().map(|entry| entry["DnsName"].as_str().unwrap()).collect();
    let [all, zonal, public] = names[..] else { panic!("{names:?}") };
    assert!(all.starts_with(&format!("{id}-")) && all.ends_with(".ec2.us-east-1.vpce.amazonaws.com"), "{all}");
    assert_eq!(all.find('.').unwrap(), id.len() + 9);
    assert_eq!(zonal, all.replacen(".ec2", "-us-east-1a.ec2", 1));
    assert_eq!(
        (public, &endpoint["DnsEntries"][0]["HostedZoneId"]),
        ("ec2.us-east-1.amazonaws.com", &json!("Z7HUB22UULQXV"))
    );

    let interfaces = json!({"Filters": filter("description", &format!("VPC Endpoint Interface {id}"))});
    let shown = call(&mut control, "DescribeNetworkInterfaces", interfaces.clone());
    let [eni] = &shown["NetworkInterfaces"].as_array().unwrap()[..] else { panic!("{shown}") };
    assert_eq!((&eni["InterfaceType"], &eni["RequesterManaged"]), (&json!("vpc_endpoint"), &json!(true)));
    assert_eq!((&eni["Status"], &eni["SubnetId"]), (&json!("in-use"), &json!(a)));
    let eni_id = eni["NetworkInterfaceId"].as_str().unwrap().to_owned();
    assert_eq!(texts(&endpoint["NetworkInterfaceIds"]), [eni_id.as_str()]);
    let (code, message) = refusal(&mut control, "DeleteNetworkInterface", json!({"NetworkInterfaceId": eni_id}));
    assert_eq!(
        (code.as_str(), message),
        ("InvalidParameterValue", format!("Network interface '{eni_id}' is currently in use."))
    );
    let (code, _) = refusal(&mut control, "DeleteSubnet", json!({"SubnetId": a}));
    assert_eq!(code, "DependencyViolation");

    let group = call(&mut control, "CreateSecurityGroup", json!({"VpcId": VPC, "GroupName": "g", "Description": "g"}));
    let (group, default) = (group["GroupId"].clone(), endpoint["Groups"][0]["GroupId"].clone());
    call(
        &mut control,
        "ModifyVpcEndpoint",
        json!({"VpcEndpointId": id, "AddSubnetIds": [b], "RemoveSubnetIds": [a], "AddSecurityGroupIds": [group],
               "RemoveSecurityGroupIds": [default], "PrivateDnsEnabled": false}),
    );
    let shown =
        call(&mut control, "DescribeVpcEndpoints", json!({"Filters": filter("vpc-endpoint-type", "Interface")}));
    let endpoint = &shown["VpcEndpoints"][0];
    assert_eq!((texts(&endpoint["SubnetIds"]), &endpoint["PrivateDnsEnabled"]), (vec![b.as_str()], &json!(false)));
    assert_eq!(endpoint["DnsEntries"].as_array().unwrap().len(), 2);
    let shown = call(&mut control, "DescribeNetworkInterfaces", interfaces.clone());
    assert_eq!(shown["NetworkInterfaces"][0]["Groups"], json!([{"GroupId": group, "GroupName": "g"}]));
    // Back in the first subnet it has another interface: ids do not come back.
    call(&mut control, "ModifyVpcEndpoint", json!({"VpcEndpointId": id, "AddSubnetIds": [a]}));
    let shown = call(&mut control, "DescribeNetworkInterfaces", interfaces.clone());
    let ids =
        shown["NetworkInterfaces"].as_array().unwrap().iter().map(|eni| eni["NetworkInterfaceId"].as_str().unwrap());
    assert_eq!(ids.filter(|id| *id != eni_id).count(), 2);

    let answer = call(&mut control, "DeleteVpcEndpoints", json!({"VpcEndpointIds": [id]}));
    assert_eq!(answer["Unsuccessful"], json!([]));
    assert_eq!(call(&mut control, "DescribeNetworkInterfaces", interfaces)["NetworkInterfaces"], json!([]));
}

#[test]
fn interface_endpoints_are_refused_in_awss_words() {
    let mut control = control();
    let [a, b] = subnets(&mut control);
    let ddb = |more: Value| {
        let mut parameters = interface(more);
        parameters["ServiceName"] = json!(DDB);
        parameters
    };
    let (code, message) = refusal(&mut control, "CreateVpcEndpoint", ddb(json!({"PrivateDnsEnabled": true})));
    assert_eq!(code, "InvalidParameter");
    assert_eq!(
        message,
        "Private DNS can't be enabled because the service com.amazonaws.us-east-1.dynamodb does not provide a private DNS \
         name."
    );
    let made = call(&mut control, "CreateVpcEndpoint", ddb(json!({"SubnetIds": [a]})));
    assert_eq!(made["VpcEndpoint"]["PrivateDnsEnabled"], false, "off where the service has none");

    call(&mut control, "CreateVpcEndpoint", interface(json!({"SubnetIds": [a]})));
    let (code, message) = refusal(&mut control, "CreateVpcEndpoint", interface(json!({"SubnetIds": [b]})));
    assert_eq!(code, "InvalidParameter");
    assert_eq!(
        message,
        "private-dns-enabled cannot be set because there is already a conflicting DNS domain for \
         ec2.us-east-1.amazonaws.com in the VPC vpc-0bbc736e"
    );
    let no_dns = json!({"SubnetIds": [b], "PrivateDnsEnabled": false});
    call(&mut control, "CreateVpcEndpoint", interface(no_dns));

    call(&mut control, "ModifyVpcAttribute", json!({"VpcId": VPC, "EnableDnsHostnames": {"Value": false}}));
    let (code, message) =
        refusal(&mut control, "CreateVpcEndpoint", interface(json!({"ServiceName": "com.amazonaws.us-east-1.sts"})));
    assert_eq!(code, "InvalidParameter");
    assert!(message.contains("requires both enableDnsSupport and enableDnsHostnames"), "{message}");

    let mut subnet = |cidr: &str| {
        let made = call(
            &mut control,
            "CreateSubnet",
            json!({"VpcId": VPC, "CidrBlock": cidr, "AvailabilityZone": "us-east-1a"}),
        );
        made["Subnet"]["SubnetId"].as_str().unwrap().to_owned()
    };
    let second = subnet("172.31.200.0/24");
    let both = ddb(json!({"SubnetIds": [a, second]}));
    let (code, message) = refusal(&mut control, "CreateVpcEndpoint", both);
    assert_eq!(
        (code.as_str(), message),
        ("DuplicateSubnetsInSameZone", format!("Found another VPC endpoint subnet in the availability zone of {a}"))
    );
    for (more, code) in [
        (json!({"RouteTableIds": [main_table(&control)]}), "InvalidParameter"),
        (json!({"SubnetConfigurations": [{"SubnetId": a, "Ipv4": "10.9.9.9"}]}), "InvalidParameterValue"),
        (json!({"SubnetConfigurations": [{"SubnetId": a, "Ipv6": "2001:db8::1"}]}), "UnsupportedOperation"),
        (json!({"SubnetIds": ["subnet-00000000"]}), "InvalidSubnetID.NotFound"),
        (json!({"SecurityGroupIds": ["sg-00000000"]}), "InvalidGroup.NotFound"),
        (json!({"IpAddressType": "dualstack"}), "UnsupportedOperation"),
    ] {
        assert_eq!(refusal(&mut control, "CreateVpcEndpoint", ddb(more.clone())).0, code, "{more}");
    }
    let s3 = |more| {
        let mut parameters = ddb(more);
        parameters["ServiceName"] = json!("com.amazonaws.us-east-1.s3");
        parameters
    };
    call(&mut control, "ModifyVpcAttribute", json!({"VpcId": VPC, "EnableDnsHostnames": {"Value": true}}));
    let (_, message) = refusal(&mut control, "CreateVpcEndpoint", s3(json!({"PrivateDnsEnabled": true})));
    assert!(message.ends_with("the VPC vpc-0bbc736e must have a Gateway endpoint for the service."), "{message}");
    let everybody =
        json!({"PrivateDnsEnabled": true, "DnsOptions": {"PrivateDnsOnlyForInboundResolverEndpoint": false}});
    let made = call(&mut control, "CreateVpcEndpoint", s3(everybody));
    assert_eq!(made["VpcEndpoint"]["DnsEntries"][1]["DnsName"], "*.s3.us-east-1.amazonaws.com");
}

#[test]
fn dhcp_options_come_are_used_and_go() {
    let mut control = control();
    let shown = call(&mut control, "DescribeDhcpOptions", json!({}));
    let [default] = &shown["DhcpOptions"].as_array().unwrap()[..] else { panic!("{shown}") };
    assert_eq!(
        default["DhcpConfigurations"],
        json!([
            {"Key": "domain-name", "Values": [{"Value": "ec2.internal"}]},
            {"Key": "domain-name-servers", "Values": [{"Value": "AmazonProvidedDNS"}]},
        ])
    );
    let made = call(
        &mut control,
        "CreateDhcpOptions",
        json!({"DhcpConfigurations": [
            {"Key": "domain-name-servers", "Values": ["172.31.0.53", "172.31.16.53"]},
            {"Key": "domain-name", "Values": ["corp.example"]}, {"Key": "ntp-servers", "Values": ["10.0.0.1"]}]}),
    );
    let id = created_id("CreateDhcpOptions", &made).unwrap();
    call(&mut control, "AssociateDhcpOptions", json!({"DhcpOptionsId": id, "VpcId": VPC}));
    let vpc = &control.model().vpcs.values().next().unwrap().clone();
    assert_eq!(
        control.model().resolvers_of(vpc),
        ["172.31.0.53", "172.31.16.53"].map(|it| it.parse::<std::net::Ipv4Addr>().unwrap())
    );
    let found = call(&mut control, "DescribeDhcpOptions", json!({"Filters": filter("value", "corp.example")}));
    assert_eq!(found["DhcpOptions"][0]["DhcpOptionsId"], id.as_str());
    assert_eq!(refusal(&mut control, "DeleteDhcpOptions", json!({"DhcpOptionsId": id})).0, "DependencyViolation");
    call(&mut control, "AssociateDhcpOptions", json!({"DhcpOptionsId": "default", "VpcId": VPC}));
    assert_eq!(call(&mut control, "DescribeVpcs", json!({}))["Vpcs"][0]["DhcpOptionsId"], "default");
    call(&mut control, "CreateTags", json!({"Resources": [id], "Tags": [{"Key": "Name", "Value": "corp"}]}));
    call(&mut control, "DeleteDhcpOptions", json!({"DhcpOptionsId": id}));
    assert_eq!(
        refusal(&mut control, "DeleteDhcpOptions", json!({"DhcpOptionsId": id})).0,
        "InvalidDhcpOptionsID.NotFound"
    );
    for values in [json!(["10.0.0.300"]), json!(["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5"])] {
        let parameters = json!({"DhcpConfigurations": [{"Key": "domain-name-servers", "Values": values}]});
        assert_eq!(refusal(&mut control, "CreateDhcpOptions", parameters).0, "InvalidParameterValue");
    }
}
