//! Random changes of the network between packets, through the model's constructors where it has them.

use super::models::{Dice, add_endpoint, add_route, add_rule, detach_or_delete, endpoint_ids, guests, launch};
use super::{interconnects, networks};
use vpcsim::ids::{EniId, InternetGatewayId, RouteTableId, SecurityGroupId, SubnetId, VpcId};
use vpcsim::model::{InstanceState, Model};

/// Changes something, and says what.
pub fn change(model: &mut Model, dice: &mut Dice, number: usize) -> String {
    match dice.below(20) {
        0..3 => change_endpoint_tables(model, dice),
        3 => {
            let vpcs: Vec<VpcId> = model.vpcs.keys().copied().collect();
            let vpc = dice.pick(&vpcs);
            add_endpoint(model, dice, vpc, &format!("later endpoint {number}"));
            format!("an endpoint in {vpc}")
        }
        4 => match dice.maybe(&endpoint_ids(model)) {
            Some(id) => {
                model.delete_vpc_endpoint(id).expect("the endpoint exists");
                format!("{id} deleted")
            }
            None => "no endpoint to delete".to_owned(),
        },
        5..8 => change_rules(model, dice),
        8 => {
            let subnets: Vec<SubnetId> = model.subnets.keys().copied().collect();
            let subnet = dice.pick(&subnets);
            launch(model, dice, subnet, &format!("later app {number}"));
            format!("a launch in {subnet}")
        }
        9 => {
            let running: Vec<_> = (model.instances.values())
                .filter(|instance| instance.state == InstanceState::Running)
                .map(|instance| instance.id)
                .collect();
            match dice.maybe(&running) {
                Some(id) => {
                    model.terminate_instance(id).expect("the instance exists");
                    format!("{id} terminated")
                }
                None => "nothing to terminate".to_owned(),
            }
        }
        10 => {
            let tables: Vec<RouteTableId> = model.route_tables.keys().copied().collect();
            let table = dice.pick(&tables);
            let vpc = model.route_tables[&table].vpc_id;
            let gateway: Option<InternetGatewayId> = (model.internet_gateways.values())
                .find(|gateway| gateway.attached_vpc_id == Some(vpc))
                .map(|gateway| gateway.id);
            add_route(model, dice, table, gateway);
            format!("a route in {table}")
        }
        11 => {
            let tables: Vec<RouteTableId> = model.route_tables.keys().copied().collect();
            let table = model.route_tables.get_mut(&dice.pick(&tables)).expect("picked from the model");
            let removable: Vec<usize> = (0..table.routes.len())
                .filter(|at| !matches!(table.routes[*at].target, vpcsim::model::RouteTarget::Local))
                .filter(|at| !matches!(table.routes[*at].target, vpcsim::model::RouteTarget::GatewayEndpoint(_)))
                .collect();
            if let Some(at) = dice.maybe(&removable) {
                table.routes.remove(at);
            }
            format!("a route less in {}", table.id)
        }
        12 => match dice.maybe(&model.internet_gateways.keys().copied().collect::<Vec<_>>()) {
            Some(igw) if dice.percent(30) => {
                detach_or_delete(model, dice, igw);
                format!("{igw} gone")
            }
            _ => reattach(model, dice),
        },
        13 => {
            let nats: Vec<_> = model.nat_gateways.keys().copied().collect();
            match dice.maybe(&nats) {
                Some(nat) => {
                    let deleted = model.delete_nat_gateway(nat).is_ok();
                    format!("{nat} deleted: {deleted}")
                }
                None => "no NAT gateway".to_owned(),
            }
        }
        16..19 => interconnects::break_link(model, dice, number),
        14 => {
            networks::set_public_access(model, dice);
            format!("public access {:?}", model.block_public_access.mode)
        }
        15 => {
            let vpcs: Vec<VpcId> = model.vpcs.keys().copied().collect();
            let vpc = dice.pick(&vpcs);
            let nat = networks::add_nat_gateway(model, dice, vpc, &format!("later nat {number}"));
            networks::add_detours(model, dice, vpc, &nat.into_iter().collect::<Vec<_>>());
            format!("{nat:?} in {vpc}")
        }
        _ => {
            let interfaces: Vec<EniId> = guests(model).into_iter().map(|(eni, _)| eni).collect();
            match dice.maybe(&interfaces) {
                Some(id) => {
                    let on = dice.percent(50);
                    model.network_interfaces.get_mut(&id).expect("picked from the model").source_dest_check = on;
                    format!("{id} source/destination check {on}")
                }
                None => "no interface".to_owned(),
            }
        }
    }
}

fn change_endpoint_tables(model: &mut Model, dice: &mut Dice) -> String {
    let Some(id) = dice.maybe(&endpoint_ids(model)) else {
        return "no endpoint to change".to_owned();
    };
    let vpc = model.vpc_endpoints[&id].vpc_id;
    let tables: Vec<RouteTableId> = model.route_tables.values().filter(|t| t.vpc_id == vpc).map(|t| t.id).collect();
    let table = dice.pick(&tables);
    if dice.percent(50) {
        let _ = model.add_endpoint_route_tables(id, &[table]);
        format!("{id} into {table}")
    } else {
        let _ = model.remove_endpoint_route_tables(id, &[table]);
        format!("{id} out of {table}")
    }
}

fn change_rules(model: &mut Model, dice: &mut Dice) -> String {
    let groups: Vec<SecurityGroupId> = model.security_groups.keys().copied().collect();
    let id = dice.pick(&groups);
    match dice.below(3) {
        0 => {
            add_rule(model, dice, id);
            format!("a rule in {id}")
        }
        1 => {
            let egress = dice.percent(50);
            let group = model.security_groups.get_mut(&id).expect("picked from the model");
            let rules = if egress { &mut group.egress } else { &mut group.ingress };
            if !rules.is_empty() {
                rules.remove(dice.below(rules.len()));
            }
            format!("a rule less in {id}")
        }
        _ => {
            let vpc = model.security_groups[&id].vpc_id;
            let guests = guests(model).into_iter().map(|(eni, _)| eni);
            let interfaces: Vec<EniId> = guests.filter(|eni| model.network_interfaces[eni].vpc_id == vpc).collect();
            match dice.maybe(&interfaces) {
                Some(eni) => {
                    model.set_security_groups(eni, &[id]).expect("both are in the VPC");
                    format!("{eni} now in {id}")
                }
                None => "no interface".to_owned(),
            }
        }
    }
}

fn reattach(model: &mut Model, dice: &mut Dice) -> String {
    let loose: Vec<InternetGatewayId> =
        model.internet_gateways.values().filter(|g| g.attached_vpc_id.is_none()).map(|g| g.id).collect();
    let vpcs: Vec<VpcId> = model.vpcs.keys().copied().collect();
    match dice.maybe(&loose) {
        Some(igw) => {
            let vpc = dice.pick(&vpcs);
            let attached = model.attach_internet_gateway(igw, vpc).is_ok();
            format!("{igw} to {vpc}: {attached}")
        }
        None => "no loose gateway".to_owned(),
    }
}
