//! Wall-clock cost of changing a large network: 200 VPCs of 200 subnets, each VPC with a table of 500 routes.
//!
//! `cargo bench --bench compile`. After the figures it prints the process's greatest resident size.

use divan::Bencher;
use std::net::Ipv4Addr;
use vpcsim::calendar::Calendar;
use vpcsim::compile::Compiler;
use vpcsim::control::{Action, ControlPlane, CreateRoute, DeleteRoute, RequestedTarget, Wanted};
use vpcsim::ids::{InternetGatewayId, RouteTableId};
use vpcsim::model::{Model, NewSubnet, NewVpc, RouteDestination, RouteOrigin, RouteTarget, Tags};
use vpcsim::net::Ipv4Net;
use vpcsim::rng::Seed;
use vpcsim::time::SimTime;

const VPCS: u32 = 200;
const SUBNETS_PER_VPC: u32 = 200;
const ROUTES_PER_TABLE: u32 = 500;

fn main() {
    divan::main();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(line) = status.lines().find(|line| line.starts_with("VmHWM")) {
        println!("greatest resident size: {}", line.trim_start_matches("VmHWM:").trim());
    }
}

/// The whole network, by a compiler that has seen nothing.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn compile_200_vpcs_of_200_subnets(bencher: Bencher<'_, '_>) {
    let model = network().0;
    bencher.bench_local(|| Compiler::new().compile(&model).unwrap());
}

/// One CreateRoute and one DeleteRoute in it, through the control plane: two publications.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn change_two_routes_in_it(bencher: Bencher<'_, '_>) {
    let (model, table, gateway) = network();
    let mut control = ControlPlane::new(model, Calendar::starting_at(1_767_225_600).unwrap()).unwrap();
    let destination = RouteDestination::Cidr("203.0.113.0/24".parse().unwrap());
    bencher.bench_local(|| {
        let target = RequestedTarget::InternetGateway(gateway);
        let create = Action::CreateRoute(CreateRoute { route_table_id: table, destination, target });
        let delete = Action::DeleteRoute(DeleteRoute { route_table_id: table, destination });
        for action in [create, delete] {
            control.handle(SimTime::ZERO, action, &Wanted::default()).unwrap();
        }
    });
}

/// The network, one of its tables, and the gateway of that table's VPC.
fn network() -> (Model, RouteTableId, InternetGatewayId) {
    let mut model = Model::new("us-east-1", "111122223333", Seed::new(1));
    model.quotas.vpcs_per_region = VPCS as usize;
    model.quotas.internet_gateways_per_region = VPCS as usize;
    let mut last = None;
    for vpc in 0..VPCS {
        let base = u32::from(Ipv4Addr::new(10, vpc as u8, 0, 0));
        let label = format!("vpc {vpc}");
        let new = NewVpc {
            label: label.clone(),
            id: None,
            region: None,
            cidrs: vec![Ipv4Net::new_assert(base.into(), 16)],
            is_default: false,
            enable_dns_hostnames: false,
            tags: Tags::default(),
        };
        let vpc_id = model.add_vpc(new).unwrap();
        for subnet in 0..SUBNETS_PER_VPC {
            let zone = ["a", "b", "c"][subnet as usize % 3];
            let new = NewSubnet {
                label: format!("{label} {subnet}"),
                id: None,
                vpc_id,
                cidr: Ipv4Net::new_assert((base + (subnet << 8)).into(), 24),
                availability_zone: format!("us-east-1{zone}"),
                default_for_az: false,
                map_public_ip_on_launch: false,
                tags: Tags::default(),
            };
            model.add_subnet(new).unwrap();
        }
        let gateway = model.add_internet_gateway(&label, None, Tags::default()).unwrap();
        model.attach_internet_gateway(gateway, vpc_id).unwrap();
        let table = model.vpcs[&vpc_id].main_route_table_id;
        for route in 2..ROUTES_PER_TABLE {
            let cidr = Ipv4Net::new_assert((u32::from(Ipv4Addr::new(11, 0, 0, 0)) + (route << 12)).into(), 20);
            let target = RouteTarget::InternetGateway(gateway);
            model.add_route(table, RouteDestination::Cidr(cidr), target, RouteOrigin::CreateRoute).unwrap();
        }
        last = Some((table, gateway));
    }
    let (table, gateway) = last.unwrap();
    (model, table, gateway)
}
