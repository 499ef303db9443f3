//! What lies at a VPC's edge besides its gateways: gateway route tables, VPC Block Public Access; and the idle timeouts of interfaces.

use super::Compiler;
use crate::model::{BlockPublicAccessMode, EdgeGateway, Model, NetworkInterface, Subnet, Vpc, nitro};
use crate::program::{NodeIx, NodeKey, PublicAccess, TableIx, TableKey};
use crate::time::SimDuration;
use std::collections::BTreeMap;

impl Compiler {
    /// The gateway route tables of a VPC, by gateway.
    pub(super) fn compile_edge_tables(&self, model: &Model, vpc: &Vpc) -> BTreeMap<NodeIx, TableIx> {
        let tables = model.route_tables.values().filter(|table| table.vpc_id == vpc.id);
        let pairs = tables.flat_map(|table| table.gateway_associations.keys().map(|gateway| (*gateway, table.id)));
        pairs
            .filter_map(|(gateway, table_id)| {
                let gateway = self.nodes.index(&match gateway {
                    EdgeGateway::InternetGateway(id) => NodeKey::InternetGateway(id),
                    EdgeGateway::VpnGateway(id) => NodeKey::VpnGateway(id),
                })?;
                Some((NodeIx(gateway), TableIx(self.tables.index(&TableKey::Route(table_id))?)))
            })
            .collect()
    }
}

/// What VPC Block Public Access lets pass between a subnet and an internet gateway.
pub(super) fn public_access(model: &Model, subnet: &Subnet) -> PublicAccess {
    match model.block_mode_of(Some(subnet.id), subnet.vpc_id) {
        BlockPublicAccessMode::Off => PublicAccess::Open,
        BlockPublicAccessMode::BlockIngress => PublicAccess::NatOnly,
        BlockPublicAccessMode::BlockBidirectional => PublicAccess::Closed,
    }
}

/// The idle timeout of established TCP connections, where it is not the world's: what was set, else what the instance type has.
pub(super) fn tcp_established_timeout(model: &Model, eni: &NetworkInterface) -> Option<SimDuration> {
    let by_type =
        || model.instance_of(eni).and_then(|instance| nitro::tcp_established_seconds(&instance.instance_type));
    eni.tracking.tcp_established_seconds.or_else(by_type).map(seconds)
}

/// The idle timeouts of UDP flows seen in one direction, and of those that were answered, where they were set.
pub(super) fn udp_timeouts(eni: &NetworkInterface) -> [Option<SimDuration>; 2] {
    [eni.tracking.udp_seconds, eni.tracking.udp_stream_seconds].map(|timeout| timeout.map(seconds))
}

fn seconds(count: u32) -> SimDuration {
    SimDuration::from_secs(u64::from(count))
}
