//! What a reader should notice about the network as it stands, with the command that mends it.

use super::result::Warning;
use crate::model::Model;
use std::collections::BTreeSet;

/// Everything to notice now.
pub(super) fn warnings(model: &Model) -> BTreeSet<Warning> {
    model
        .vpc_endpoints
        .values()
        .filter(|endpoint| endpoint.route_table_ids.is_empty())
        .map(|endpoint| {
            let tables: Vec<_> = model
                .route_tables
                .values()
                .filter(|table| table.vpc_id == endpoint.vpc_id && subnets_of(model, table.id) > 0)
                .map(|table| table.id.to_string())
                .collect();
            Warning {
                text: format!("no route table uses {}, so it carries nothing", endpoint.id),
                mend: (!tables.is_empty()).then(|| {
                    let tables = tables.join(" ");
                    format!(
                        "aws ec2 modify-vpc-endpoint --vpc-endpoint-id {} --add-route-table-ids {tables}",
                        endpoint.id
                    )
                }),
            }
        })
        .collect()
}

/// How many subnets a table routes for.
fn subnets_of(model: &Model, table: crate::ids::RouteTableId) -> usize {
    let routed = |subnet| model.effective_route_table(subnet).is_some_and(|effective| effective.id == table);
    model.subnets.values().filter(|subnet| routed(subnet)).count()
}
