//! VPC Block Public Access: a switch for the whole account and Region, and exclusions from it.
//!
//! | mode | not excluded | excluded, `allow-bidirectional` | excluded, `allow-egress` |
//! |---|---|---|---|
//! | `off` | everything passes | everything | everything |
//! | `block-bidirectional` | nothing | everything | NAT gateways only |
//! | `block-ingress` | NAT gateways only | everything | NAT gateways only |
//!
//! "NAT gateways only" is how AWS words what may go out: they let nothing in by themselves, while the internet gateway has no memory and cannot tell an answer from a
//! question. (Egress-only internet gateways are IPv6, which is not simulated.) Assumed: `allow-egress` means the same; the exclusion of a subnet decides
//! before that of its VPC; of a NAT gateway's traffic, the NAT gateway's subnet decides.
//! Changes take no simulated time; on AWS they take minutes. Exclusions that were deleted are not listed any more.
//! Source: docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html

use super::{Model, ModelError, Tags};
use crate::ids::{BlockPublicAccessExclusionId, SubnetId, VpcId};
use crate::time::SimTime;
use std::collections::BTreeMap;
use std::fmt;

/// What internet gateways let pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockPublicAccess {
    /// The mode.
    pub mode: BlockPublicAccessMode,
    /// What the mode does not apply to.
    pub exclusions: BTreeMap<BlockPublicAccessExclusionId, BlockPublicAccessExclusion>,
    /// When the mode was set last; `None`: never.
    pub changed_at: Option<SimTime>,
}

/// `InternetGatewayBlockMode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BlockPublicAccessMode {
    /// Nothing is blocked.
    #[default]
    Off,
    /// Nothing passes an internet gateway.
    BlockBidirectional,
    /// Only what answers connections begun inside passes: NAT gateways and egress-only gateways may go out.
    BlockIngress,
}

/// One exclusion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockPublicAccessExclusion {
    /// What is excluded.
    pub resource: ExcludedResource,
    /// Whether only traffic begun inside is let pass (`allow-egress`), or all (`allow-bidirectional`).
    pub egress_only: bool,
    /// When it was made.
    pub created_at: SimTime,
    /// Tags.
    pub tags: Tags,
}

/// What can be excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExcludedResource {
    /// A VPC.
    Vpc(VpcId),
    /// A subnet.
    Subnet(SubnetId),
}

impl BlockPublicAccessMode {
    /// AWS's word.
    pub const fn word(self) -> &'static str {
        match self {
            BlockPublicAccessMode::Off => "off",
            BlockPublicAccessMode::BlockBidirectional => "block-bidirectional",
            BlockPublicAccessMode::BlockIngress => "block-ingress",
        }
    }

    /// The mode of AWS's word.
    pub fn of_word(word: &str) -> Option<Self> {
        use BlockPublicAccessMode::*;
        [Off, BlockBidirectional, BlockIngress].into_iter().find(|mode| mode.word() == word)
    }
}

impl fmt::Display for ExcludedResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExcludedResource::Vpc(id) => id.fmt(f),
            ExcludedResource::Subnet(id) => id.fmt(f),
        }
    }
}

impl Model {
    /// Excludes a VPC or subnet from VPC Block Public Access.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`, `InvalidSubnetID.NotFound`, `VpcBlockPublicAccessExclusionLimitExceeded` and `InvalidParameterValue` (it is excluded already): both
    /// unverified.
    pub fn add_public_access_exclusion(
        &mut self,
        label: &str,
        resource: ExcludedResource,
        egress_only: bool,
        at: SimTime,
        tags: Tags,
    ) -> Result<BlockPublicAccessExclusionId, ModelError> {
        match resource {
            ExcludedResource::Vpc(id) => self.vpc(id).map(|_| ())?,
            ExcludedResource::Subnet(id) => self.subnet(id).map(|_| ())?,
        }
        let limit = self.quotas.public_access_exclusions_per_region;
        let exclusions = &self.block_public_access.exclusions;
        if exclusions.len() >= limit {
            return Err(ModelError::quota("VpcBlockPublicAccessExclusionLimitExceeded", "exclusions", limit));
        }
        if let Some((id, _)) = exclusions.iter().find(|(_, exclusion)| exclusion.resource == resource) {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("{resource} is already excluded from VPC Block Public Access by {id}."),
            ));
        }
        let id = BlockPublicAccessExclusionId::mint(self.seed, label, self.id_length);
        let exclusion = BlockPublicAccessExclusion { resource, egress_only, created_at: at, tags };
        self.block_public_access.exclusions.insert(id, exclusion);
        Ok(id)
    }

    /// Ends an exclusion, and says what it was.
    ///
    /// # Errors
    /// `InvalidVpcBlockPublicAccessExclusionId.NotFound`: unverified.
    pub fn delete_public_access_exclusion(
        &mut self,
        id: BlockPublicAccessExclusionId,
    ) -> Result<BlockPublicAccessExclusion, ModelError> {
        let removed = self.block_public_access.exclusions.remove(&id);
        self.retired_ids.extend(removed.is_some().then(|| id.to_string()));
        removed.ok_or_else(|| Self::no_such_exclusion(id))
    }

    /// The refusal for an exclusion that is not there.
    pub fn no_such_exclusion(id: BlockPublicAccessExclusionId) -> ModelError {
        ModelError::not_found(
            "InvalidVpcBlockPublicAccessExclusionId.NotFound",
            "VPC Block Public Access exclusion",
            id,
        )
    }

    /// What is blocked at a subnet, or at a VPC as a whole: the table at the head of this module.
    pub fn block_mode_of(&self, subnet_id: Option<SubnetId>, vpc_id: VpcId) -> BlockPublicAccessMode {
        let of = |resource| self.block_public_access.exclusions.values().find(move |it| it.resource == resource);
        let exclusion =
            subnet_id.and_then(|id| of(ExcludedResource::Subnet(id))).or_else(|| of(ExcludedResource::Vpc(vpc_id)));
        match (self.block_public_access.mode, exclusion.map(|exclusion| exclusion.egress_only)) {
            (BlockPublicAccessMode::Off, _) | (_, Some(false)) => BlockPublicAccessMode::Off,
            (BlockPublicAccessMode::BlockIngress, _) | (_, Some(true)) => BlockPublicAccessMode::BlockIngress,
            (BlockPublicAccessMode::BlockBidirectional, None) => BlockPublicAccessMode::BlockBidirectional,
        }
    }

    /// What was deleted needs no exclusion.
    pub(super) fn forget_exclusions(&mut self, resource: ExcludedResource) {
        self.block_public_access.exclusions.retain(|_, exclusion| exclusion.resource != resource);
    }
}
