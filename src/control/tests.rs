//! What the control plane promises whatever the action: all or nothing, once per token, ids as wanted.

use super::*;
use crate::ids::*;
use crate::model::{NewInstance, NewSubnet, RouteDestination, RulePeer, Tags, TrafficMatch};
use crate::net::{PortRange, Protocol};
use crate::rng::Seed;
use proptest::prelude::*;

/// The tutorial's network: the default VPC with a private subnet, an instance in each.
pub(crate) fn tutorial() -> Model {
    let mut model = Model::new("us-east-1", "111122223333", Seed::new(1));
    let vpc_id =
        model.add_default_vpc("default", "vpc-0bbc736e".parse().ok(), &["a", "b", "c", "d", "e", "f"]).unwrap();
    let private = model
        .add_subnet(NewSubnet {
            label: "private".to_owned(),
            id: None,
            vpc_id,
            cidr: "172.31.96.0/20".parse().unwrap(),
            availability_zone: "us-east-1a".to_owned(),
            default_for_az: false,
            map_public_ip_on_launch: false,
            tags: Tags::named("private"),
        })
        .unwrap();
    let table = model.add_route_table("private", None, vpc_id, Tags::named("private")).unwrap();
    model.associate_route_table(table, private).unwrap();
    let public =
        model.subnets.values().find(|subnet| subnet.availability_zone == "us-east-1a" && subnet.default_for_az);
    let public = public.unwrap().id;
    for (label, subnet_id) in [("app-public", public), ("app-private", private)] {
        model
            .launch_instance(NewInstance {
                label: label.to_owned(),
                id: None,
                interface_id: None,
                subnet_id,
                private_ip: None,
                associate_public_ip: None,
                public_ip: None,
                security_group_ids: Vec::new(),
                source_dest_check: true,
                forwarding: Default::default(),
                image_id: "ami-12345678".parse().unwrap(),
                instance_type: "t3.micro".to_owned(),
                key_name: None,
                reservation_id: None,
                at: SimTime::ZERO,
                tags: Tags::named(label),
            })
            .unwrap();
    }
    model
}

/// A control plane over [`tutorial`], its clock starting with 2026.
pub(crate) fn control() -> ControlPlane {
    ControlPlane::new(tutorial(), Calendar::starting_at(1_767_225_600).unwrap()).unwrap()
}

fn create_endpoint(token: Option<&str>, tables: &[RouteTableId]) -> Action {
    Action::CreateVpcEndpoint(CreateVpcEndpoint {
        vpc_id: "vpc-0bbc736e".parse().unwrap(),
        service_name: "com.amazonaws.us-east-1.dynamodb".to_owned(),
        endpoint_type: VpcEndpointType::Gateway,
        route_table_ids: tables.to_vec(),
        subnets: Vec::new(),
        security_group_ids: Vec::new(),
        private_dns_enabled: None,
        private_dns_only_for_inbound_resolver: None,
        policy_document: None,
        client_token: token.map(str::to_owned),
        tags: Tags::default(),
    })
}

fn group(name: &str) -> Action {
    Action::CreateSecurityGroup(CreateSecurityGroup {
        vpc_id: None,
        group_name: name.to_owned(),
        description: "d".to_owned(),
        tags: Tags::default(),
    })
}

fn named(id: Option<&str>, label: Option<&str>) -> Wanted {
    Wanted { id: id.map(str::to_owned), label: label.map(str::to_owned) }
}

#[test]
fn a_change_publishes_a_new_program_and_a_refusal_neither() {
    let mut control = control();
    let first = Arc::clone(control.program());
    let wanted = named(Some("vpce-9b15e2f2"), Some("ddb"));
    let output = control.handle(SimTime::ZERO, create_endpoint(None, &[]), &wanted).unwrap();
    assert_eq!(output, Output::VpcEndpoint("vpce-9b15e2f2".parse().unwrap()));
    assert!(!Arc::ptr_eq(&first, control.program()));
    assert!(control.program().epoch > first.epoch);

    let (before, program) = (format!("{:?}", control.model()), Arc::clone(control.program()));
    let taken = control.handle(SimTime::ZERO, create_endpoint(None, &[]), &wanted).unwrap_err();
    assert_eq!(taken.code, "InvalidParameterValue");
    assert_eq!(format!("{:?}", control.model()), before);
    assert!(Arc::ptr_eq(&program, control.program()));
}

#[test]
fn half_of_a_call_is_undone_with_the_rest() {
    let mut control = control();
    let Output::SecurityGroup(group_id) = control.handle(SimTime::ZERO, group("web"), &Wanted::default()).unwrap()
    else {
        panic!()
    };
    let rule = RuleRequest {
        traffic: TrafficMatch::Ports(Protocol::TCP, PortRange::single(443)),
        peer: RequestedPeer::Known(RulePeer::Cidr("10.0.0.0/8".parse().unwrap())),
        description: None,
    };
    let twice = Action::AuthorizeSecurityGroup(AuthorizeSecurityGroup {
        group: GroupReference::Id(group_id),
        egress: false,
        rules: vec![rule.clone(), rule],
    });
    let error = control.handle(SimTime::ZERO, twice, &Wanted::default()).unwrap_err();
    assert_eq!(error.code, "InvalidPermission.Duplicate");
    assert!(control.model().security_groups[&group_id].ingress.is_empty());
}

#[test]
fn a_client_token_works_once() {
    let mut control = control();
    let call = |control: &mut ControlPlane, tables: &[RouteTableId]| {
        control.handle(SimTime::ZERO, create_endpoint(Some("t-1"), tables), &Wanted::default())
    };
    let first = call(&mut control, &[]).unwrap();
    assert_eq!(call(&mut control, &[]).unwrap(), first);
    assert_eq!(control.model().vpc_endpoints.len(), 1);
    let main = control.model().vpcs.values().next().unwrap().main_route_table_id;
    assert_eq!(call(&mut control, &[main]).unwrap_err().code, "IdempotentParameterMismatch");
    let action = create_endpoint(Some("t-1"), &[main]);
    assert_eq!(
        control.dry_run(SimTime::ZERO, action, &Wanted::default()).unwrap_err().code,
        "IdempotentParameterMismatch"
    );
}

#[test]
fn a_dry_run_changes_nothing() {
    let control = control();
    let before = format!("{control:?}");
    assert_eq!(control.dry_run(SimTime::ZERO, group("web"), &Wanted::default()), Ok(()));
    assert_eq!(
        control.dry_run(SimTime::ZERO, group("default"), &Wanted::default()).unwrap_err().code,
        "InvalidGroup.Reserved"
    );
    assert_eq!(format!("{control:?}"), before);
}

#[test]
fn wanted_ids_must_fit() {
    let mut control = control();
    let wrong_kind = control.handle(SimTime::ZERO, group("web"), &named(Some("vpc-0bbc736e"), None)).unwrap_err();
    assert!(wrong_kind.message.contains("expected \"sg-\""), "{wrong_kind}");
    let terminate = Action::TerminateInstances(TerminateInstances { instance_ids: Vec::new() });
    let creates_nothing = control.handle(SimTime::ZERO, terminate, &named(Some("i-12345678"), None)).unwrap_err();
    assert_eq!(creates_nothing.code, "InvalidParameterValue");
}

#[test]
fn one_label_used_twice_gives_two_ids() {
    let mut control = control();
    let wanted = named(None, Some("web"));
    let first = control.handle(SimTime::ZERO, group("one"), &wanted).unwrap();
    let second = control.handle(SimTime::ZERO, group("two"), &wanted).unwrap();
    assert_ne!(first, second);
    assert_eq!(control.model().security_groups.len(), 3);
}

#[test]
fn deleting_a_group_waits_for_its_users() {
    let mut control = control();
    let default = *control.model().security_groups.keys().next().unwrap();
    let delete = |id| Action::DeleteSecurityGroup(DeleteSecurityGroup { group: GroupReference::Id(id) });
    let mut handle = |action| control.handle(SimTime::ZERO, action, &Wanted::default());
    assert_eq!(handle(delete(default)).unwrap_err().code, "CannotDelete");
    let Output::SecurityGroup(web) = handle(group("web")).unwrap() else { panic!() };
    let Output::SecurityGroup(db) = handle(group("db")).unwrap() else { panic!() };
    let allow = |of, from| {
        Action::AuthorizeSecurityGroup(AuthorizeSecurityGroup {
            group: GroupReference::Id(of),
            egress: false,
            rules: vec![RuleRequest {
                traffic: TrafficMatch::All,
                peer: RequestedPeer::Known(RulePeer::SecurityGroup(from)),
                description: None,
            }],
        })
    };
    handle(allow(web, web)).unwrap();
    handle(allow(db, web)).unwrap();
    assert_eq!(handle(delete(web)).unwrap_err().code, "DependencyViolation");
    handle(delete(db)).unwrap();
    // Its own reference does not hold it.
    handle(delete(web)).unwrap();
}

/// Actions of every kind, half of them nonsense.
fn any_action() -> impl Strategy<Value = Action> {
    let model = tutorial();
    let mut tables: Vec<_> = model.route_tables.keys().copied().collect();
    tables.push("rtb-00000000".parse().unwrap());
    let mut instances: Vec<_> = model.instances.keys().copied().collect();
    instances.push("i-00000000".parse().unwrap());
    let endpoints: Vec<VpcEndpointId> = ["vpce-00000001", "vpce-00000002"].map(|id| id.parse().unwrap()).to_vec();
    let gateway = *model.internet_gateways.keys().next().unwrap();
    let subnets: Vec<_> = model.subnets.keys().copied().collect();
    let table = prop::sample::select(tables);
    let instance = prop::sample::select(instances);
    let endpoint = prop::sample::select(endpoints);
    let subnet = prop::sample::select(subnets);
    let destination =
        prop::sample::select(vec!["0.0.0.0/0", "10.0.0.0/8", "172.31.0.0/16", "172.31.16.0/20", "52.94.0.0/22"])
            .prop_map(|cidr| RouteDestination::Cidr(cidr.parse().unwrap()));
    let target = prop_oneof![
        Just(RequestedTarget::InternetGateway(gateway)),
        instance.clone().prop_map(RequestedTarget::Instance),
        endpoint.clone().prop_map(RequestedTarget::GatewayEndpoint),
    ];
    prop_oneof![
        prop::collection::vec(table.clone(), 0..3).prop_map(|tables| create_endpoint(None, &tables)),
        (endpoint.clone(), table.clone(), table.clone(), any::<bool>()).prop_map(|(id, add, remove, reset_policy)| {
            Action::ModifyVpcEndpoint(ModifyVpcEndpoint {
                vpc_endpoint_id: id,
                add_route_table_ids: vec![add],
                remove_route_table_ids: vec![remove],
                policy_document: None,
                reset_policy,
                interface: Default::default(),
            })
        }),
        prop::collection::vec(endpoint, 1..3)
            .prop_map(|ids| Action::DeleteVpcEndpoints(DeleteVpcEndpoints { vpc_endpoint_ids: ids })),
        prop::collection::vec(instance.clone(), 1..3)
            .prop_map(|ids| Action::TerminateInstances(TerminateInstances { instance_ids: ids })),
        (table.clone(), destination.clone(), target.clone()).prop_map(|(route_table_id, destination, target)| {
            Action::CreateRoute(CreateRoute { route_table_id, destination, target })
        }),
        (table.clone(), destination.clone(), target).prop_map(|(route_table_id, destination, target)| {
            Action::ReplaceRoute(ReplaceRoute { route_table_id, destination, target })
        }),
        (table.clone(), destination)
            .prop_map(|(route_table_id, destination)| Action::DeleteRoute(DeleteRoute { route_table_id, destination })),
        (table, subnet).prop_map(|(route_table_id, subnet_id)| {
            Action::AssociateRouteTable(AssociateRouteTable { route_table_id, subnet_id })
        }),
        (instance, any::<bool>()).prop_map(|(instance_id, check)| {
            let change = InstanceChange::SourceDestCheck(check);
            Action::ModifyInstanceAttribute(ModifyInstanceAttribute { instance_id, change })
        }),
        prop::sample::select(vec!["web", "db", "default", ""]).prop_map(group),
    ]
}

/// What must hold of every model, whatever was done to it.
fn assert_consistent(model: &Model) {
    for endpoint in model.vpc_endpoints.values() {
        for table in endpoint.route_table_ids() {
            let target = crate::model::RouteTarget::GatewayEndpoint(endpoint.id);
            let routes = model.route_tables[table].routes.iter().filter(|route| route.target == target);
            assert_eq!(routes.count(), 1);
        }
    }
    for table in model.route_tables.values() {
        for route in &table.routes {
            if let crate::model::RouteTarget::GatewayEndpoint(id) = route.target {
                assert!(model.vpc_endpoints[&id].route_table_ids().contains(&table.id));
            }
        }
        for subnet in table.associations.keys() {
            let owners = model.route_tables.values().filter(|other| other.associations.contains_key(subnet));
            assert_eq!(owners.count(), 1);
        }
    }
    for interface in model.network_interfaces.values() {
        assert!(interface.security_group_ids.iter().all(|id| model.security_groups.contains_key(id)));
        let instance = &model.instances[&interface.attachment.unwrap().instance_id.unwrap()];
        assert_eq!(instance.primary_interface_id, Some(interface.id));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn refusals_leave_no_trace_and_successes_leave_a_sound_model(actions in prop::collection::vec(any_action(), 1..24)) {
        let mut control = control();
        let mut done = 0;
        for action in actions {
            let wanted = match action {
                Action::CreateVpcEndpoint(_) => named(Some(if done % 2 == 0 { "vpce-00000001" } else { "vpce-00000002" }), None),
                _ => Wanted::default(),
            };
            let (before, program) = (format!("{:?}", control.model()), Arc::clone(control.program()));
            let foreseen = control.dry_run(SimTime::ZERO, action.clone(), &wanted);
            let result = control.handle(SimTime::ZERO, action, &wanted);
            prop_assert_eq!(foreseen.is_ok(), result.is_ok());
            match result {
                Ok(_) => done += 1,
                Err(_) => {
                    prop_assert_eq!(format!("{:?}", control.model()), before);
                    prop_assert!(Arc::ptr_eq(&program, control.program()));
                }
            }
            assert_consistent(control.model());
        }
    }
}
