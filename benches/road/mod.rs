//! A packet's way through a VPC for benches: one instance that calls DynamoDB over one of three roads.

use vpcsim::compile::Compiler;
use vpcsim::dataplane::{self, Frame, NoTap, PacketId, PacketMeta, State, Step};
use vpcsim::model::Model;
use vpcsim::net::ServiceKind;
use vpcsim::program::{HostIx, HostKind, Node, NodeIx, Program};
use vpcsim::scenario;
use vpcsim::time::SimTime;
use vpcsim::wire::ethernet;

pub(crate) const ROADS: [&str; 3] = ["internet gateway", "gateway endpoint", "NAT gateway"];
const DYNAMODB: [u8; 4] = [52, 94, 2, 72];

/// A world with one instance, whose VPC has an endpoint that its route table uses, or not.
pub(crate) struct Road {
    pub(crate) program: Program,
    pub(crate) state: State,
    pub(crate) app: HostIx,
    address: [u8; 4],
    /// What a packet that arrives ends with.
    pub(crate) end: Step,
    buffer: Vec<u8>,
}

impl Road {
    pub(crate) fn new(road: &str) -> Road {
        let by_endpoint = road == ROADS[1];
        let (subnet, nat) = match road == ROADS[2] {
            true => ("private", "[nat_gateway]\nnat = { subnet = \"default-1a\" }"),
            false => ("default-1a", ""),
        };
        let routes = if nat.is_empty() { "[]" } else { r#"["0.0.0.0/0 -> nat"]"# };
        let tables = if by_endpoint { r#"["main"]"# } else { "[]" };
        let source = format!(
            r#"
            region = "us-east-1"
            [vpc]
            default = {{ default = true }}
            [instance]
            app = {{ subnet = "{subnet}" }}
            [route_table]
            private = {{ routes = {routes} }}
            [subnet]
            private = {{ cidr = "172.31.96.0/20", table = "private" }}
            {nat}
            [endpoint]
            ddb = {{ service = "dynamodb", tables = {tables} }}
            "#
        );
        let model: Model = scenario::parse("bench.toml", &source, None).unwrap().model;
        let program = Compiler::new().compile(&model).unwrap();
        let eni = model.instances.values().next().unwrap().primary_interface_id.unwrap();
        let address = model.network_interfaces[&eni].private_ip.octets();
        let app = program.host_of(&HostKind::Instance(eni)).unwrap();
        let answers = |kind: &HostKind| match kind {
            HostKind::EndpointService(_) => by_endpoint,
            HostKind::PublicService(ServiceKind::DynamoDb, _) => !by_endpoint,
            _ => false,
        };
        let service = program.hosts.iter().position(|host| answers(&host.kind)).unwrap();
        Road {
            program,
            state: State::default(),
            app,
            address,
            end: Step::Deliver(HostIx(service as u32)),
            buffer: Vec::new(),
        }
    }

    /// A frame from app, addressed to its router.
    pub(crate) fn frame(&self, port: u16, syn: bool) -> Vec<u8> {
        let builder = etherparse::PacketBuilder::ethernet2([0; 6], [0; 6])
            .ipv4(self.address, DYNAMODB, 64)
            .tcp(port, 443, 1, 64_240);
        let (builder, payload) = if syn { (builder.syn(), &[][..]) } else { (builder.ack(1), &[7; 100][..]) };
        let mut bytes = Vec::new();
        builder.write(&mut bytes, payload).unwrap();
        let is_router = |node: &Node| matches!(node, Node::Router(_));
        let router = self.program.nodes.iter().position(is_router).unwrap();
        let router_mac = self.program.node_mac(NodeIx(router as u32));
        ethernet::set_addresses(&mut bytes, self.program.host_mac(self.app), router_mac);
        bytes
    }

    pub(crate) fn walk(&mut self, frame: &[u8]) -> Step {
        self.buffer.clear();
        self.buffer.extend_from_slice(frame);
        let now = SimTime::ZERO;
        let mut meta = PacketMeta::from_host(PacketId(1), self.app, now);
        let mut frame = Frame { bytes: &mut self.buffer, meta: &mut meta };
        let at = self.program.hosts[self.app.at()].node;
        dataplane::walk(&self.program, &mut self.state, at, &mut frame, now, &mut NoTap).step
    }
}
