//! What holds for every operation of the model, and for documents nobody would send.

use super::*;
use crate::api::model::Shape;
use proptest::prelude::*;

#[test]
fn every_operation_of_the_model_is_served() {
    let model = Service::Ec2.model();
    // Enough of each required parameter to come past the check that it is there.
    let dummy = |shape: &str| match model.shape(shape) {
        Shape::List(_) => json!(["x"]),
        Shape::Integer(_) | Shape::Long(_) => json!(1),
        _ => json!("x"),
    };
    for operation in model.operations.keys() {
        let input = model.input(operation);
        let required = input.members.iter().filter(|member| input.requires(member));
        let document: Value = required.map(|member| (member.name.clone(), dummy(&member.shape))).collect();
        let error = execute(&mut control(), SimTime::ZERO, operation, &document, &Wanted::default()).err();
        let code = error.map(|error| error.code).unwrap_or_default();
        assert_ne!(code, "InvalidAction", "{operation}");
    }
    let error = execute(&mut control(), SimTime::ZERO, "DescribeMoon", &Value::Null, &Wanted::default()).unwrap_err();
    assert_eq!(error.code, "InvalidAction");
}

#[test]
fn filter_paths_lead_to_members_of_the_model() {
    use crate::api::filter::*;
    fn resolves(shape: &str, path: &str) -> bool {
        let model = Service::Ec2.model();
        match model.shape(shape) {
            Shape::List(list) => resolves(list.element(), path),
            Shape::Structure(structure) => {
                let (head, rest) = path.split_once('.').unwrap_or((path, ""));
                structure.member(head).is_some_and(|member| resolves(&member.shape, rest))
            }
            _ => path.is_empty(),
        }
    }
    for (operation, key, table) in [
        ("DescribeVpcs", "Vpcs", &VPCS),
        ("DescribeSubnets", "Subnets", &SUBNETS),
        ("DescribeRouteTables", "RouteTables", &ROUTE_TABLES),
        ("DescribeInternetGateways", "InternetGateways", &INTERNET_GATEWAYS),
        ("DescribeNetworkAcls", "NetworkAcls", &NETWORK_ACLS),
        ("DescribeVpcEndpoints", "VpcEndpoints", &VPC_ENDPOINTS),
        ("DescribeVpcEndpointServices", "ServiceDetails", &VPC_ENDPOINT_SERVICES),
        ("DescribePrefixLists", "PrefixLists", &PREFIX_LISTS),
        ("DescribeManagedPrefixLists", "PrefixLists", &MANAGED_PREFIX_LISTS),
        ("DescribeInstances", "Reservations", &INSTANCES),
        ("DescribeSecurityGroups", "SecurityGroups", &SECURITY_GROUPS),
        ("DescribeSecurityGroupRules", "SecurityGroupRules", &SECURITY_GROUP_RULES),
        ("DescribeNetworkInterfaces", "NetworkInterfaces", &NETWORK_INTERFACES),
        ("DescribeAddresses", "Addresses", &ADDRESSES),
        ("DescribeTags", "Tags", &TAGS),
        ("DescribeAvailabilityZones", "AvailabilityZones", &AVAILABILITY_ZONES),
        ("DescribeRegions", "Regions", &REGIONS),
    ] {
        let member = Service::Ec2.model().output(operation).member(key).unwrap();
        for (name, path) in table.names {
            assert!(
                resolves(&member.shape, path),
                "{operation}: {name} looks at {path}, which the model does not have"
            );
        }
        if let Some(path) = table.tags {
            let key = if path.is_empty() { "Key".to_owned() } else { format!("{path}.Key") };
            assert!(resolves(&member.shape, &key), "{operation}");
        }
    }
}

/// Values of any shape, under names the model knows.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec!["", "vpc-0bbc736e", "i-00000000", "tcp", "-1", "0.0.0.0/0", "Gateway", DDB])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let names =
            prop::sample::select(vec!["Name", "Values", "Value", "Key", "IpProtocol", "IpRanges", "CidrIp", "Tags"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..3)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_document_makes_it_panic(
        operation in prop::sample::select(Service::Ec2.model().operations.keys().cloned().collect::<Vec<_>>()),
        values in prop::collection::vec(any_value(), 6),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 6),
    ) {
        let members = &Service::Ec2.model().input(&operation).members;
        let document: Value = picks.iter().zip(values)
            .map(|(pick, value)| (members[pick.index(members.len())].name.clone(), value))
            .collect();
        let mut control = control();
        let before = format!("{:?}", control.model());
        match execute(&mut control, SimTime::ZERO, &operation, &document, &Wanted::default()) {
            Ok(answer) => {
                xml::encode_response(&operation, &answer, "request").expect("answers fit the model");
            }
            Err(_) => prop_assert_eq!(format!("{:?}", control.model()), before),
        }
    }
}
