//! The calls at a VPC's edge, from parameters to answers that fit the model.

use super::*;

const VPC: &str = "vpc-0bbc736e";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

#[test]
fn prefix_lists_from_first_version_to_last() {
    let mut control = control();
    let created = call(
        &mut control,
        "CreateManagedPrefixList",
        json!({
            "PrefixListName": "offices", "MaxEntries": 3, "AddressFamily": "IPv4",
            "Entries": [{"Cidr": "198.51.100.7/24", "Description": "main"}],
            "TagSpecifications": [{"ResourceType": "prefix-list", "Tags": [{"Key": "Name", "Value": "offices"}]}],
        }),
    );
    let list = &created["PrefixList"];
    assert_eq!(
        (&list["State"], &list["Version"], &list["MaxEntries"]),
        (&json!("create-complete"), &json!(1), &json!(3))
    );
    let id = text(&list["PrefixListId"]);
    assert_eq!(created_id("CreateManagedPrefixList", &created), Some(id.clone()));
    let modified = call(
        &mut control,
        "ModifyManagedPrefixList",
        json!({"PrefixListId": id, "CurrentVersion": 1, "AddEntries": [{"Cidr": "192.0.2.0/24"}], "RemoveEntries": [{"Cidr": "198.51.100.0/24"}]}),
    );
    assert_eq!(
        (&modified["PrefixList"]["State"], &modified["PrefixList"]["Version"]),
        (&json!("modify-complete"), &json!(2))
    );
    let entries = |control: &mut ControlPlane, version: Value| {
        let mut parameters = json!({"PrefixListId": id});
        if !version.is_null() {
            parameters["TargetVersion"] = version;
        }
        call(control, "GetManagedPrefixListEntries", parameters)["Entries"].clone()
    };
    assert_eq!(entries(&mut control, Value::Null), json!([{"Cidr": "192.0.2.0/24"}]));
    assert_eq!(entries(&mut control, json!(1)), json!([{"Cidr": "198.51.100.0/24", "Description": "main"}]));
    let none = refusal(&mut control, "GetManagedPrefixListEntries", json!({"PrefixListId": id, "TargetVersion": 7}));
    assert_eq!(none.0, "InvalidParameterValue");

    // Referred to, it stays; and it can be told by whom.
    let table = main_table(&control);
    let igw = control.model().internet_gateways.keys().next().unwrap().to_string();
    let route = json!({"RouteTableId": table, "DestinationPrefixListId": id, "GatewayId": igw});
    call(&mut control, "CreateRoute", route);
    let used = call(&mut control, "GetManagedPrefixListAssociations", json!({"PrefixListId": id}));
    assert_eq!(used["PrefixListAssociations"][0]["ResourceId"], json!(table));
    assert_eq!(refusal(&mut control, "DeleteManagedPrefixList", json!({"PrefixListId": id})).0, "DependencyViolation");
    call(&mut control, "DeleteRoute", json!({"RouteTableId": table, "DestinationPrefixListId": id}));
    let restore = json!({"PrefixListId": id, "PreviousVersion": 1, "CurrentVersion": 2});
    let restored = call(&mut control, "RestoreManagedPrefixListVersion", restore);
    assert_eq!(
        (&restored["PrefixList"]["State"], &restored["PrefixList"]["Version"]),
        (&json!("restore-complete"), &json!(3))
    );
    let tags = call(&mut control, "DescribeTags", json!({"Filters": filter("resource-type", "prefix-list")}));
    assert_eq!(tags["Tags"][0]["ResourceId"], json!(id));
    let deleted = call(&mut control, "DeleteManagedPrefixList", json!({"PrefixListId": id}));
    assert_eq!(deleted["PrefixList"]["State"], json!("delete-in-progress"));
    let many: Vec<Value> = (0..101).map(|n| json!({"Cidr": format!("10.0.{n}.0/24")})).collect();
    let create = json!({"PrefixListName": "many", "MaxEntries": 200, "AddressFamily": "IPv4", "Entries": many});
    assert_eq!(refusal(&mut control, "CreateManagedPrefixList", create).0, "InvalidParameterValue");
}

#[test]
fn public_access_is_blocked_and_allowed_again() {
    let mut control = control();
    let mode = |control: &mut ControlPlane| {
        let vpcs = call(control, "DescribeVpcs", json!({}));
        text(&vpcs["Vpcs"][0]["BlockPublicAccessStates"]["InternetGatewayBlockMode"])
    };
    let before = call(&mut control, "DescribeVpcBlockPublicAccessOptions", json!({}));
    assert_eq!(before["VpcBlockPublicAccessOptions"]["State"], json!("default-state"));
    let set = json!({"InternetGatewayBlockMode": "block-bidirectional"});
    let after = call(&mut control, "ModifyVpcBlockPublicAccessOptions", set);
    assert_eq!(after["VpcBlockPublicAccessOptions"]["InternetGatewayBlockMode"], json!("block-bidirectional"));
    assert_eq!(mode(&mut control), "block-bidirectional");
    let exclude = json!({"VpcId": VPC, "InternetGatewayExclusionMode": "allow-bidirectional"});
    let made = call(&mut control, "CreateVpcBlockPublicAccessExclusion", exclude.clone());
    let id = text(&made["VpcBlockPublicAccessExclusion"]["ExclusionId"]);
    assert_eq!(mode(&mut control), "off");
    assert_eq!(refusal(&mut control, "CreateVpcBlockPublicAccessExclusion", exclude).0, "InvalidParameterValue");
    let listed = call(&mut control, "DescribeVpcBlockPublicAccessExclusions", json!({"ExclusionIds": [id]}));
    assert_eq!(listed["VpcBlockPublicAccessExclusions"][0]["State"], json!("create-complete"));
    call(&mut control, "DeleteVpcBlockPublicAccessExclusion", json!({"ExclusionId": id}));
    assert_eq!(mode(&mut control), "block-bidirectional");
    let gone = refusal(&mut control, "DeleteVpcBlockPublicAccessExclusion", json!({"ExclusionId": id}));
    assert_eq!(gone.0, "InvalidVpcBlockPublicAccessExclusionId.NotFound");
}

#[test]
fn gateway_tables_and_local_routes_with_other_targets() {
    let mut control = control();
    let igw = control.model().internet_gateways.keys().next().unwrap().to_string();
    let instance = text(&instance_called(&mut control, "app-public")["InstanceId"]);
    let table = call(&mut control, "CreateRouteTable", json!({"VpcId": VPC}));
    let table = text(&table["RouteTable"]["RouteTableId"]);
    let associate = json!({"RouteTableId": table, "GatewayId": igw});
    let association = text(&call(&mut control, "AssociateRouteTable", associate)["AssociationId"]);
    let shown = |control: &mut ControlPlane| {
        let tables = call(control, "DescribeRouteTables", json!({"Filters": filter("association.gateway-id", &igw)}));
        tables["RouteTables"].clone()
    };
    let tables = shown(&mut control);
    assert_eq!(tables[0]["Associations"][0]["GatewayId"], json!(igw));
    let redirect = json!({"RouteTableId": table, "DestinationCidrBlock": "172.31.96.0/20", "InstanceId": instance});
    call(&mut control, "CreateRoute", redirect);
    let default = json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "InstanceId": instance});
    assert_eq!(refusal(&mut control, "CreateRoute", default).0, "InvalidParameterValue");
    let whole = json!({"RouteTableId": table, "DestinationCidrBlock": "172.31.0.0/16", "InstanceId": instance});
    call(&mut control, "ReplaceRoute", whole);
    let local = |tables: &Value| {
        let routes = tables[0]["Routes"].as_array().unwrap();
        routes.iter().find(|route| route["DestinationCidrBlock"] == json!("172.31.0.0/16")).unwrap().clone()
    };
    let tables = shown(&mut control);
    assert_eq!(local(&tables)["InstanceId"], json!(instance));
    let delete = json!({"RouteTableId": table, "DestinationCidrBlock": "172.31.0.0/16"});
    assert_eq!(refusal(&mut control, "DeleteRoute", delete).0, "InvalidParameterValue");
    let restore = json!({"RouteTableId": table, "DestinationCidrBlock": "172.31.0.0/16", "LocalTarget": true});
    call(&mut control, "ReplaceRoute", restore);
    let tables = shown(&mut control);
    assert_eq!(local(&tables)["GatewayId"], json!("local"));
    let second = call(&mut control, "CreateRouteTable", json!({"VpcId": VPC}));
    let second = text(&second["RouteTable"]["RouteTableId"]);
    let replace = json!({"AssociationId": association, "RouteTableId": second});
    let replaced = text(&call(&mut control, "ReplaceRouteTableAssociation", replace)["NewAssociationId"]);
    let tables = shown(&mut control);
    assert_eq!(tables[0]["RouteTableId"], json!(second));
    call(&mut control, "DisassociateRouteTable", json!({"AssociationId": replaced}));
    assert_eq!(shown(&mut control), json!([]));
}

#[test]
fn blocks_rules_and_interfaces_are_changed() {
    let mut control = control();
    let added = call(&mut control, "AssociateVpcCidrBlock", json!({"VpcId": VPC, "CidrBlock": "100.64.0.0/16"}));
    assert_eq!(added["CidrBlockAssociation"]["CidrBlockState"]["State"], json!("associating"));
    let association = text(&added["CidrBlockAssociation"]["AssociationId"]);
    let vpcs = call(&mut control, "DescribeVpcs", json!({}));
    assert_eq!(vpcs["Vpcs"][0]["CidrBlockAssociationSet"].as_array().unwrap().len(), 2);
    call(&mut control, "DisassociateVpcCidrBlock", json!({"AssociationId": association}));
    let restricted = refusal(&mut control, "AssociateVpcCidrBlock", json!({"VpcId": VPC, "CidrBlock": "10.0.0.0/16"}));
    assert_eq!(restricted.0, "InvalidVpc.Range");
    assert!(restricted.1.contains("is restricted"), "{}", restricted.1);

    let group = call(&mut control, "CreateSecurityGroup", json!({"GroupName": "web", "Description": "web"}));
    let group = text(&group["GroupId"]);
    let authorize =
        json!({"GroupId": group, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "10.0.0.0/8"});
    let rules = call(&mut control, "AuthorizeSecurityGroupIngress", authorize);
    let rule = text(&rules["SecurityGroupRules"][0]["SecurityGroupRuleId"]);
    let update = |wanted: Value| json!({"GroupId": group, "SecurityGroupRules": [{"SecurityGroupRuleId": rule, "SecurityGroupRule": wanted}]});
    let wanted =
        json!({"IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "CidrIpv4": "192.0.2.0/24", "Description": "http"});
    assert_eq!(call(&mut control, "ModifySecurityGroupRules", update(wanted)), json!({"Return": true}));
    let shown = call(&mut control, "DescribeSecurityGroupRules", json!({"SecurityGroupRuleIds": [rule]}));
    assert_eq!(shown["SecurityGroupRules"][0]["CidrIpv4"], json!("192.0.2.0/24"));
    let two = json!({"IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "CidrIpv4": "192.0.2.0/24", "ReferencedGroupId": group});
    assert_eq!(refusal(&mut control, "ModifySecurityGroupRules", update(two)).0, "InvalidParameterValue");

    let instance = instance_called(&mut control, "app-public");
    let eni = text(&instance["NetworkInterfaces"][0]["NetworkInterfaceId"]);
    let change = |what: Value| {
        let mut parameters = json!({"NetworkInterfaceId": eni});
        parameters.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        parameters
    };
    let timeouts = json!({"ConnectionTrackingSpecification": {"TcpEstablishedTimeout": 60, "UdpTimeout": 60}});
    call(&mut control, "ModifyNetworkInterfaceAttribute", change(timeouts));
    call(&mut control, "ModifyNetworkInterfaceAttribute", change(json!({"SourceDestCheck": {"Value": false}})));
    let shown = call(&mut control, "DescribeNetworkInterfaces", json!({"NetworkInterfaceIds": [eni]}));
    let shown = &shown["NetworkInterfaces"][0];
    assert_eq!(shown["ConnectionTrackingConfiguration"], json!({"TcpEstablishedTimeout": 60, "UdpTimeout": 60}));
    assert_eq!(shown["SourceDestCheck"], json!(false));
    for refused in [
        json!({"ConnectionTrackingSpecification": {"TcpEstablishedTimeout": 59}}),
        json!({"ConnectionTrackingSpecification": {"UdpStreamTimeout": 181}}),
    ] {
        assert_eq!(
            refusal(&mut control, "ModifyNetworkInterfaceAttribute", change(refused)).0,
            "InvalidParameterValue"
        );
    }
}
