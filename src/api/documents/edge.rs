//! VPC Block Public Access, and further blocks of VPCs.

use super::{arn, with_tags};
use crate::calendar::Calendar;
use crate::ids::BlockPublicAccessExclusionId;
use crate::model::{BlockPublicAccessExclusion, ExcludedResource, Model, VpcCidrBlock};
use crate::time::SimTime;
use serde_json::{Value, json};

/// The account's VPC Block Public Access. Changes are complete at once.
pub fn public_access_options(model: &Model, calendar: Calendar) -> Value {
    let access = &model.block_public_access;
    json!({
        "AwsAccountId": model.account_id,
        "AwsRegion": model.region,
        "State": if access.changed_at.is_some() { "update-complete" } else { "default-state" },
        "InternetGatewayBlockMode": access.mode.word(),
        "LastUpdateTimestamp": calendar.ec2(access.changed_at.unwrap_or(SimTime::ZERO)),
        "ManagedBy": "account",
        "ExclusionsAllowed": "allowed",
    })
}

/// An exclusion, in one of AWS's states.
pub fn public_access_exclusion(
    model: &Model,
    calendar: Calendar,
    id: BlockPublicAccessExclusionId,
    exclusion: &BlockPublicAccessExclusion,
    state: &str,
) -> Value {
    let kind = match exclusion.resource {
        ExcludedResource::Vpc(_) => "vpc",
        ExcludedResource::Subnet(_) => "subnet",
    };
    let document = json!({
        "ExclusionId": id,
        "InternetGatewayExclusionMode": if exclusion.egress_only { "allow-egress" } else { "allow-bidirectional" },
        "ResourceArn": arn(model, kind, exclusion.resource),
        "State": state,
        "CreationTimestamp": calendar.ec2(exclusion.created_at),
        "LastUpdateTimestamp": calendar.ec2(exclusion.created_at),
    });
    with_tags(document, &exclusion.tags)
}

/// A block of a VPC, in one of AWS's states.
pub fn cidr_block(block: &VpcCidrBlock, state: &str) -> Value {
    json!({
        "AssociationId": block.association_id,
        "CidrBlock": block.cidr.to_string(),
        "CidrBlockState": {"State": state},
    })
}
