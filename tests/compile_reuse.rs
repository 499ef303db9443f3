//! A compiler that reuses what did not change gives the programs that its naive twin gives.

mod world;

use vpcsim::compile::Compiler;
use vpcsim::ids::RouteTableId;
use vpcsim::model::{Model, RouteDestination, RouteOrigin, RouteTarget, Tags};
use vpcsim::program::Program;
use vpcsim::rng::{Seed, Stream};
use world::World;

/// Something that a call could do: mostly to routes, sometimes to what they depend on.
fn change(model: &mut Model, stream: &mut Stream) {
    let tables: Vec<RouteTableId> = model.route_tables.keys().copied().collect();
    let table = tables[stream.below(tables.len() as u64) as usize];
    let vpc = model.route_tables[&table].vpc_id;
    let block = format!("198.51.{}.0/24", stream.below(4));
    let destination = RouteDestination::Cidr(block.parse().unwrap());
    let gateway = model.internet_gateways.values().find(|gateway| gateway.attached_vpc_id == Some(vpc));
    match stream.below(10) {
        0..4 => {
            let interfaces = model.network_interfaces.keys().map(|id| RouteTarget::NetworkInterface(*id));
            let targets: Vec<_> =
                interfaces.chain(gateway.map(|gateway| RouteTarget::InternetGateway(gateway.id))).collect();
            if !targets.is_empty() {
                let target = targets[stream.below(targets.len() as u64) as usize];
                let _ = model.add_route(table, destination, target, RouteOrigin::CreateRoute);
            }
        }
        4..6 => {
            if let Some(table) = model.route_tables.get_mut(&table) {
                table.routes.retain(|route| route.destination != destination);
            }
        }
        6 => {
            let gateway = gateway.map(|gateway| gateway.id);
            match gateway {
                Some(id) => drop(model.detach_internet_gateway(id, vpc)),
                None => {
                    let free = model.internet_gateways.values().find(|gateway| gateway.attached_vpc_id.is_none());
                    if let Some(id) = free.map(|gateway| gateway.id) {
                        model.attach_internet_gateway(id, vpc).unwrap();
                    }
                }
            }
        }
        7 => {
            let label = model.next_label();
            let _ = model.add_route_table(&label, None, vpc, Tags::default());
        }
        8 => {
            let instances: Vec<_> = model.instances.keys().copied().collect();
            let _ = model.terminate_instance(instances[stream.below(instances.len() as u64) as usize]);
        }
        _ => {
            let subnets: Vec<_> = model.subnets.keys().copied().collect();
            let subnet = subnets[stream.below(subnets.len() as u64) as usize];
            if model.associate_route_table(table, subnet).is_err()
                && let Some(table) = model.route_tables.get_mut(&table)
            {
                table.associations.remove(&subnet);
            }
        }
    }
}

/// Everything of a program but its forwarding tables, whose words would be millions.
fn words(program: &Program) -> String {
    let Program { epoch, settings, nodes, fibs: _, acls, hosts, links, lookup, origins } = program;
    format!("{epoch} {settings:?} {nodes:#?} {acls:?} {hosts:#?} {links:?} {lookup:#?} {origins:#?}")
}

#[test]
fn programs_compiled_with_reuse_equal_those_compiled_without() {
    for seed in 0..30 {
        let mut stream = Seed::new(seed).derive("changes");
        let (mut reusing, mut forgetting) = (Compiler::new(), Compiler::without_reuse());
        let mut model = World::tutorial().model;
        for step in 0..30 {
            let program = reusing.compile(&model).unwrap();
            let twin = forgetting.compile(&model).unwrap();
            assert_eq!(words(&program), words(&twin), "seed {seed}, step {step}");
            assert!(program.fibs == twin.fibs, "seed {seed}, step {step}: forwarding tables");
            // As the control plane does: a copy is changed, and shares the rest.
            let mut next = model.clone();
            change(&mut next, &mut stream);
            model = next;
        }
    }
}
