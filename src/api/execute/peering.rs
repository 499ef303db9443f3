//! Parameters of the calls about VPC peering connections.
//!
//! Accepted without effect: the options of ClassicLink, which is gone.

use super::actions::tags_at_creation;
use super::parameters::Parameters;
use crate::api::ApiError;
use crate::control::*;
use crate::model::Model;

/// The action a call asks for; `None` if the operation is not one of these.
///
/// # Errors
/// What is wrong with the parameters by themselves.
pub(super) fn action(model: &Model, parameters: &Parameters<'_>) -> Result<Option<Action>, ApiError> {
    use PeeringAction as Do;
    Ok(Some(Action::Peering(match parameters.operation() {
        "CreateVpcPeeringConnection" => Do::CreateVpcPeeringConnection(CreateVpcPeeringConnection {
            vpc_id: parameters.required_id("VpcId")?,
            peer_vpc_id: parameters.required_id("PeerVpcId")?,
            peer_owner_id: parameters.text("PeerOwnerId")?,
            peer_region: parameters.text("PeerRegion")?.unwrap_or_else(|| model.region.clone()),
            tags: tags_at_creation(parameters, "vpc-peering-connection")?,
        }),
        "AcceptVpcPeeringConnection" => Do::AcceptVpcPeeringConnection(answer(model, parameters)?),
        "RejectVpcPeeringConnection" => Do::RejectVpcPeeringConnection(answer(model, parameters)?),
        "DeleteVpcPeeringConnection" => Do::DeleteVpcPeeringConnection(answer(model, parameters)?),
        "ModifyVpcPeeringConnectionOptions" => {
            Do::ModifyVpcPeeringConnectionOptions(ModifyVpcPeeringConnectionOptions {
                vpc_peering_connection_id: parameters.required_id("VpcPeeringConnectionId")?,
                requester_allow_dns_resolution: options(parameters, "RequesterPeeringConnectionOptions")?,
                accepter_allow_dns_resolution: options(parameters, "AccepterPeeringConnectionOptions")?,
            })
        }
        _ => return Ok(None),
    })))
}

fn answer(model: &Model, parameters: &Parameters<'_>) -> Result<AnswerVpcPeeringConnection, ApiError> {
    Ok(AnswerVpcPeeringConnection {
        vpc_peering_connection_id: parameters.required_id("VpcPeeringConnectionId")?,
        region: model.region.clone(),
    })
}

/// `AllowDnsResolutionFromRemoteVpc` of one side.
fn options(parameters: &Parameters<'_>, name: &str) -> Result<Option<bool>, ApiError> {
    let Some(options) = parameters.structure(name)? else { return Ok(None) };
    let allow = options.boolean("AllowDnsResolutionFromRemoteVpc")?;
    options
        .without_effect(&["AllowEgressFromLocalClassicLinkToRemoteVpc", "AllowEgressFromLocalVpcToRemoteClassicLink"]);
    options.finish()?;
    Ok(allow)
}
