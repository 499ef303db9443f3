//! VPC peering connections.

use super::tags;
use crate::calendar::Calendar;
use crate::model::{Model, PeeringSide, PeeringState, VpcPeeringConnection};
use serde_json::{Value, json};

/// A peering connection. `whole` is the account in all its Regions: each side may be in another one.
pub fn peering_connection(whole: &Model, calendar: Calendar, connection: &VpcPeeringConnection) -> Value {
    let mut document = json!({
        "AccepterVpcInfo": side(whole, &connection.accepter, connection.state),
        "RequesterVpcInfo": side(whole, &connection.requester, connection.state),
        "Status": {"Code": connection.state.code(), "Message": message(whole, connection)},
        "Tags": tags(&connection.tags),
        "VpcPeeringConnectionId": connection.id,
    });
    if connection.state == PeeringState::PendingAcceptance {
        document["ExpirationTime"] = json!(calendar.ec2(connection.expires_at()));
    }
    document
}

/// What each side lets the other resolve, as ModifyVpcPeeringConnectionOptions answers.
pub fn peering_options(side: &PeeringSide) -> Value {
    json!({"AllowDnsResolutionFromRemoteVpc": side.allow_dns_resolution_from_remote_vpc})
}

/// AWS's sentence for each state.
fn message(whole: &Model, connection: &VpcPeeringConnection) -> String {
    let account = &whole.account_id;
    match connection.state {
        PeeringState::Failed => "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range".to_owned(),
        PeeringState::PendingAcceptance => format!("Pending Acceptance by {account}"),
        PeeringState::Active => "Active".to_owned(),
        PeeringState::Rejected => format!("Rejected by {account}"),
        PeeringState::Expired => "Expired".to_owned(),
        PeeringState::Deleted => format!("Deleted by {account}"),
    }
}

fn side(whole: &Model, side: &PeeringSide, state: PeeringState) -> Value {
    let mut document = json!({
        "OwnerId": whole.account_id,
        "VpcId": side.vpc_id,
        "Region": whole.region_of(side.vpc_id),
    });
    if let Some(vpc) = whole.vpcs.get(&side.vpc_id) {
        document["CidrBlock"] = json!(vpc.primary_cidr().to_string());
        document["CidrBlockSet"] =
            vpc.cidr_blocks.iter().map(|block| json!({"CidrBlock": block.cidr.to_string()})).collect();
    }
    if state == PeeringState::Active {
        document["PeeringOptions"] = json!({
            "AllowDnsResolutionFromRemoteVpc": side.allow_dns_resolution_from_remote_vpc,
            "AllowEgressFromLocalClassicLinkToRemoteVpc": false,
            "AllowEgressFromLocalVpcToRemoteClassicLink": false,
        });
    }
    document
}
