//! NAT gateways come, change and go.

use super::apply::Call;
use super::*;
use crate::ids::NatGatewayId;
use crate::model::NewNatGateway;

pub(super) fn apply(model: &mut Model, call: &Call<'_>, action: NatGatewayAction) -> Result<Output, ControlError> {
    let id = match action {
        NatGatewayAction::Create(action) => create(model, call, action)?,
        NatGatewayAction::Delete(id) => {
            model.delete_nat_gateway(id)?;
            id
        }
        NatGatewayAction::AssociateAddresses { nat_gateway_id, allocation_ids, private_ips } => {
            model.associate_nat_gateway_addresses(nat_gateway_id, &allocation_ids, &private_ips)?;
            nat_gateway_id
        }
        NatGatewayAction::DisassociateAddresses { nat_gateway_id, association_ids } => {
            model.disassociate_nat_gateway_addresses(nat_gateway_id, &association_ids)?;
            nat_gateway_id
        }
        NatGatewayAction::AssignPrivateAddresses { nat_gateway_id, private_ips, count } => {
            model.assign_nat_gateway_private_addresses(nat_gateway_id, &private_ips, count)?;
            nat_gateway_id
        }
        NatGatewayAction::UnassignPrivateAddresses { nat_gateway_id, private_ips } => {
            model.unassign_nat_gateway_private_addresses(nat_gateway_id, &private_ips)?;
            nat_gateway_id
        }
    };
    Ok(Output::NatGateway(id))
}

fn create(model: &mut Model, call: &Call<'_>, action: CreateNatGateway) -> Result<NatGatewayId, ControlError> {
    let id = call.wanted_id::<NatGatewayId>()?;
    call.free(id, id.is_some_and(|id| model.nat_gateways.contains_key(&id)))?;
    let label = call.label(model, |model, label| {
        // Deleted ones stay listed, so their ids stay taken.
        model.nat_gateways.contains_key(&NatGatewayId::mint(model.seed, label, model.id_length))
    });
    Ok(model.add_nat_gateway(NewNatGateway {
        label,
        id,
        subnet_id: action.subnet_id,
        connectivity: action.connectivity,
        allocation_id: action.allocation_id,
        private_ip: action.private_ip,
        secondary_allocation_ids: action.secondary_allocation_ids,
        secondary_private_ips: action.secondary_private_ips,
        secondary_private_ip_count: action.secondary_private_ip_count,
        at: call.now,
        tags: action.tags,
    })?)
}
