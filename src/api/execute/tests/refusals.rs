//! Refusals: AWS's code and sentence where it was seen verbatim, AWS's code elsewhere.

use super::*;

#[test]
fn refusals_are_awss() {
    let mut control = control();
    let table = main_table(&control);
    let instance = instance_called(&mut control, "app-public");
    let (public, subnet) = (instance["InstanceId"].as_str().unwrap(), instance["SubnetId"].as_str().unwrap());
    call(
        &mut control,
        "CreateVpcEndpoint",
        json!({"VpcId": "vpc-0bbc736e", "ServiceName": DDB, "RouteTableIds": [table]}),
    );
    let endpoint = control.model().vpc_endpoints.keys().next().unwrap().to_string();
    let gateway = control.model().internet_gateways.keys().next().unwrap().to_string();
    let vpc = "vpc-0bbc736e";
    let of_type = |kind: &str, service: &str, more: Value| {
        let mut parameters = json!({"VpcId": vpc, "ServiceName": service, "VpcEndpointType": kind});
        parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        parameters
    };
    let exact = [
        (
            "DescribeVpcs",
            json!({"VpcIds": ["vpc-00000000"]}),
            "InvalidVpcID.NotFound",
            "The vpc ID 'vpc-00000000' does not exist",
        ),
        (
            "CreateVpcEndpoint",
            json!({"VpcId": "vpc-00000000", "ServiceName": DDB}),
            "InvalidVpcID.NotFound",
            "The vpc ID 'vpc-00000000' does not exist",
        ),
        (
            "DescribeSubnets",
            json!({"SubnetIds": ["subnet-00000000"]}),
            "InvalidSubnetID.NotFound",
            "The subnet ID 'subnet-00000000' does not exist",
        ),
        (
            "RunInstances",
            json!({"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1, "SubnetId": "subnet-00000000"}),
            "InvalidSubnetID.NotFound",
            "The subnet ID 'subnet-00000000' does not exist",
        ),
        (
            "DescribeVpcEndpoints",
            json!({"VpcEndpointIds": ["vpce-00000000"]}),
            "InvalidVpcEndpointId.NotFound",
            "The Vpc Endpoint Id 'vpce-00000000' does not exist",
        ),
        (
            "ModifyVpcEndpoint",
            json!({"VpcEndpointId": "vpce-00000000", "ResetPolicy": true}),
            "InvalidVpcEndpointId.NotFound",
            "The Vpc Endpoint Id 'vpce-00000000' does not exist",
        ),
        (
            "CreateVpcEndpoint",
            json!({"VpcId": vpc, "ServiceName": "com.amazonaws.eu-west-1.dynamodb"}),
            "InvalidServiceName",
            "The Vpc Endpoint Service 'com.amazonaws.eu-west-1.dynamodb' does not exist",
        ),
        (
            "CreateVpcEndpoint",
            json!({"VpcId": vpc, "ServiceName": DDB, "RouteTableIds": [table]}),
            "RouteAlreadyExists",
            &format!("route table {table} already has a route with destination-prefix-list-id pl-02cd2c6b"),
        ),
        (
            "CreateVpcEndpoint",
            of_type("Interface", DDB, json!({"RouteTableIds": [table]})),
            "InvalidParameter",
            "Route table IDs are only supported for Gateway type VPC Endpoint.",
        ),
        (
            "CreateVpcEndpoint",
            of_type("Interface", DDB, json!({"PrivateDnsEnabled": true})),
            "InvalidParameter",
            "Private DNS can't be enabled because the service com.amazonaws.us-east-1.dynamodb does not provide a private DNS name.",
        ),
        (
            "CreateVpcEndpoint",
            of_type("Interface", DDB, json!({"SubnetIds": [subnet, private_subnet(&control)]})),
            "DuplicateSubnetsInSameZone",
            &format!("Found another VPC endpoint subnet in the availability zone of {subnet}"),
        ),
        (
            "CreateVpcEndpoint",
            of_type("Gateway", "com.amazonaws.us-east-1.ec2", json!({})),
            "InvalidServiceName",
            "The Vpc Endpoint Service 'com.amazonaws.us-east-1.ec2' does not support the endpoint type 'Gateway'.",
        ),
        (
            "CreateRoute",
            json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "InstanceId": public}),
            "RouteAlreadyExists",
            "The route identified by 0.0.0.0/0 already exists.",
        ),
        (
            "CreateRoute",
            json!({"RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/8"}),
            "MissingParameter",
            "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId, egressOnlyInternetGatewayId, transitGatewayId, localGatewayId or instanceId",
        ),
        (
            "CreateRoute",
            json!({"RouteTableId": table, "DestinationCidrBlock": "10/8", "InstanceId": public}),
            "InvalidParameterValue",
            "Value (10/8) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block.",
        ),
        (
            "DeleteRoute",
            json!({"RouteTableId": table, "DestinationPrefixListId": "pl-02cd2c6b"}),
            "InvalidParameterValue",
            &format!("cannot remove VPC endpoint route pl-02cd2c6b in route table {table}"),
        ),
        (
            "DeleteRoute",
            json!({"RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/8"}),
            "InvalidRoute.NotFound",
            &format!("no route with destination-cidr-block 10.0.0.0/8 in route table {table}"),
        ),
        (
            "AuthorizeSecurityGroupIngress",
            json!({"GroupName": "default", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "1.2.3.4/33"}),
            "InvalidParameterValue",
            "CIDR block 1.2.3.4/33 is malformed",
        ),
        (
            "AuthorizeSecurityGroupIngress",
            json!({"GroupName": "default", "IpProtocol": "tcp", "CidrIp": "1.2.3.4/32"}),
            "InvalidParameterValue",
            "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
        ),
        (
            "DescribeInstances",
            json!({"InstanceIds": ["i-00000000", "i-00000001"]}),
            "InvalidInstanceID.NotFound",
            "The instance IDs 'i-00000000, i-00000001' do not exist",
        ),
        (
            "TerminateInstances",
            json!({"InstanceIds": [public, "i-00000000"]}),
            "InvalidInstanceID.NotFound",
            "The instance ID 'i-00000000' does not exist",
        ),
        (
            "DescribeVpcs",
            json!({"Filters": filter("colour", "red")}),
            "InvalidParameterValue",
            "The filter 'colour' is invalid",
        ),
        ("DescribeVpcs", json!({"VpcIds": ["vpc-xyz"]}), "InvalidVpcID.Malformed", "Invalid id: \"vpc-xyz\""),
        (
            "ModifyVpcEndpoint",
            json!({"VpcEndpointId": endpoint, "AddRouteTableIds": ["main"]}),
            "InvalidRouteTableId.Malformed",
            "Invalid id: \"main\" (expecting \"rtb-...\")",
        ),
        (
            "CreateSecurityGroup",
            json!({"GroupName": "default", "Description": "d"}),
            "InvalidGroup.Reserved",
            "The security group 'default' is reserved",
        ),
        (
            "CreateVpcEndpoint",
            json!({"VpcId": vpc}),
            "MissingParameter",
            "The request must contain the parameter ServiceName",
        ),
    ];
    for (operation, parameters, code, message) in exact {
        assert_eq!(refusal(&mut control, operation, parameters), (code.to_owned(), message.to_owned()));
    }
    // Their codes are AWS's, their sentences ours or not seen verbatim.
    let codes = [
        ("CreateVpcEndpoint", of_type("Resource", DDB, json!({})), "UnsupportedOperation"),
        ("CreateVpcEndpoint", of_type("GatewayLoadBalancer", DDB, json!({})), "UnsupportedOperation"),
        ("CreateVpcEndpoint", of_type("Sideways", DDB, json!({})), "InvalidVpcEndpointType"),
        ("CreateVpcEndpoint", of_type("Gateway", DDB, json!({"SubnetIds": [subnet]})), "InvalidParameter"),
        ("CreateVpcEndpoint", of_type("Gateway", DDB, json!({"PolicyDocument": "{"})), "InvalidPolicyDocument"),
        ("CreateVpcEndpoint", of_type("Gateway", DDB, json!({"IpAddressType": "dualstack"})), "UnsupportedOperation"),
        ("ModifyVpcEndpoint", json!({"VpcEndpointId": endpoint, "AddSubnetIds": [subnet]}), "InvalidParameter"),
        ("DescribeInstances", json!({"InstanceIds": [public], "MaxResults": 5}), "InvalidParameterCombination"),
        ("DescribePrefixLists", json!({"PrefixListIds": ["pl-6ea54007"]}), "InvalidPrefixListID.NotFound"),
        ("DescribeVpcs", json!({"NextToken": "x"}), "InvalidNextToken"),
        (
            "CreateRoute",
            json!({"RouteTableId": table, "DestinationPrefixListId": "pl-63a5400a", "GatewayId": endpoint}),
            "InvalidParameterValue",
        ),
        (
            "CreateRoute",
            json!({"RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/8", "NatGatewayId": "nat-12345678"}),
            "InvalidNatGatewayID.NotFound",
        ),
        (
            "ReplaceRoute",
            json!({"RouteTableId": table, "DestinationCidrBlock": "172.31.0.0/16", "GatewayId": gateway}),
            "InvalidParameterValue",
        ),
        (
            "ReplaceRoute",
            json!({"RouteTableId": table, "DestinationCidrBlock": "9.0.0.0/8", "InstanceId": public}),
            "InvalidParameterValue",
        ),
        ("DisassociateRouteTable", json!({"AssociationId": "rtbassoc-00000000"}), "InvalidAssociationID.NotFound"),
        ("RunInstances", json!({"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 101}), "VcpuLimitExceeded"),
        ("RunInstances", json!({"ImageId": "ami-12345678", "MinCount": 2, "MaxCount": 1}), "InvalidParameterValue"),
        (
            "RunInstances",
            json!({"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.gigantic"}),
            "InvalidParameterValue",
        ),
        (
            "RunInstances",
            json!({"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1, "SubnetId": subnet, "NetworkInterfaces": [{"DeviceIndex": 0}]}),
            "InvalidParameterCombination",
        ),
        ("ModifyInstanceAttribute", json!({"InstanceId": public}), "InvalidParameterCombination"),
        (
            "RunInstances",
            json!({"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1, "Ipv6AddressCount": 1}),
            "UnsupportedOperation",
        ),
        ("ModifyInstanceAttribute", json!({"InstanceId": public, "Groups": ["sg-00000000"]}), "InvalidGroup.NotFound"),
        (
            "ModifyInstanceAttribute",
            json!({"InstanceId": public, "EbsOptimized": {"Value": true}}),
            "UnsupportedOperation",
        ),
        (
            "ModifyVpcAttribute",
            json!({"VpcId": vpc, "EnableDnsSupport": {"Value": true}, "EnableDnsHostnames": {"Value": true}}),
            "InvalidParameterCombination",
        ),
        (
            "CreateTags",
            json!({"Resources": ["vpc-00000000"], "Tags": [{"Key": "a", "Value": "b"}]}),
            "InvalidVpcID.NotFound",
        ),
        ("CreateTags", json!({"Resources": ["thing"], "Tags": [{"Key": "a", "Value": "b"}]}), "InvalidID"),
        ("CreateTags", json!({"Resources": [vpc], "Tags": [{"Key": "aws:a", "Value": "b"}]}), "InvalidParameterValue"),
        (
            "RevokeSecurityGroupIngress",
            json!({"GroupName": "default", "SecurityGroupRuleIds": ["sgr-00000000"]}),
            "InvalidSecurityGroupRuleId.NotFound",
        ),
        (
            "AssociateAddress",
            json!({"AllocationId": "eipalloc-00000000", "InstanceId": public}),
            "InvalidAllocationID.NotFound",
        ),
        ("AllocateAddress", json!({"Address": "203.0.113.25"}), "InvalidAddress.InUse"),
    ];
    for (operation, parameters, code) in codes {
        assert_eq!(refusal(&mut control, operation, parameters).0, code, "{operation}");
    }
}
