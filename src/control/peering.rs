//! VPC peering connections are asked for, answered and ended.
//!
//! Both sides belong to the account; a request to another account's VPC is refused as not simulated.

use super::apply::Call;
use super::*;
use crate::ids::VpcPeeringConnectionId;
use crate::model::NewPeeringConnection;

pub(super) fn apply(model: &mut Model, call: &Call<'_>, action: PeeringAction) -> Result<Output, ControlError> {
    if !matches!(action, PeeringAction::CreateVpcPeeringConnection(_)) {
        call.creates_nothing(action.name())?;
    }
    match action {
        PeeringAction::CreateVpcPeeringConnection(action) => return create(model, call, action),
        PeeringAction::AcceptVpcPeeringConnection(answer) => {
            check_region(model, &answer, "accepted")?;
            model.accept_peering_connection(answer.vpc_peering_connection_id)?;
            return Ok(Output::PeeringConnection(answer.vpc_peering_connection_id));
        }
        PeeringAction::RejectVpcPeeringConnection(answer) => {
            check_region(model, &answer, "rejected")?;
            model.reject_peering_connection(answer.vpc_peering_connection_id)?;
        }
        PeeringAction::DeleteVpcPeeringConnection(answer) => {
            model.delete_peering_connection(answer.vpc_peering_connection_id)?;
        }
        PeeringAction::ModifyVpcPeeringConnectionOptions(action) => {
            let (id, requester) = (action.vpc_peering_connection_id, action.requester_allow_dns_resolution);
            model.set_peering_options(id, requester, action.accepter_allow_dns_resolution)?;
            return Ok(Output::PeeringConnection(id));
        }
    }
    Ok(Output::Done)
}

fn create(model: &mut Model, call: &Call<'_>, action: CreateVpcPeeringConnection) -> Result<Output, ControlError> {
    if action.peer_owner_id.is_some_and(|owner| owner != model.account_id) {
        return Err(ControlError::unsupported("vpcsim simulates one account: the peer VPC must be its own."));
    }
    let id = call.wanted_id::<VpcPeeringConnectionId>()?;
    call.free(id, id.is_some_and(|id| model.peering_connections.contains_key(&id)))?;
    model.vpc(action.vpc_id)?;
    // AWS makes a request that has failed of a peer that is not there; without its blocks there is nothing to show, so it is refused.
    if model.vpc(action.peer_vpc_id)?.region != action.peer_region {
        let message =
            format!("The vpc ID '{}' does not exist in {} (see PeerRegion)", action.peer_vpc_id, action.peer_region);
        return Err(ControlError::new("InvalidVpcID.NotFound", message));
    }
    let label = call.label(model, |model, label| {
        let id = VpcPeeringConnectionId::mint(model.seed, label, model.id_length);
        model.peering_connections.contains_key(&id)
    });
    let new = NewPeeringConnection {
        label,
        id,
        requester_vpc_id: action.vpc_id,
        accepter_vpc_id: action.peer_vpc_id,
        at: call.now,
        tags: action.tags,
    };
    Ok(Output::PeeringConnection(model.add_peering_connection(new)?))
}

/// Who answers calls the API of the accepter's Region. AWS's code and sentence.
fn check_region(model: &Model, answer: &AnswerVpcPeeringConnection, verb: &str) -> Result<(), ControlError> {
    let connection = model.peering_connection(answer.vpc_peering_connection_id)?;
    let region = model.region_of(connection.accepter.vpc_id);
    if region == answer.region {
        return Ok(());
    }
    Err(ControlError::new(
        "OperationNotPermitted",
        format!(
            "Incorrect region specified for this request. The VPC peering connection {} must be {verb} in region {region}",
            connection.id
        ),
    ))
}
