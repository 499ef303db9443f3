//! What a run's summary remarks about the network as it stands: the lint that the tutorial is about, in `lint`'s words, what AWS makes and
//! leaves failed though the command that asked for it went well, and services that AWS has and vpcsim has not.

use super::result::Warning;
use crate::lint::{self, Mend};
use crate::model::{Model, NatGatewayState, PeeringState};
use crate::scenario::Names;
use std::collections::BTreeSet;

/// Some of the endpoint services that AWS has in most Regions: the last parts of `com.amazonaws.REGION.NAME`. AWS PrivateLink's guide, "AWS services that
/// integrate with AWS PrivateLink"; not its whole list.
const NOT_SIMULATED: [&str; 30] = [
    "athena",
    "autoscaling",
    "cloudformation",
    "codebuild",
    "ec2messages",
    "ecr.api",
    "ecr.dkr",
    "ecs",
    "elasticfilesystem",
    "elasticloadbalancing",
    "events",
    "execute-api",
    "glue",
    "kinesis-firehose",
    "kinesis-streams",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "rds",
    "redshift",
    "s3express",
    "sagemaker.api",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "ssmmessages",
    "states",
    "xray",
];

/// Everything to notice now. By id: the step that creates a thing names it only afterwards.
pub(super) fn warnings(model: &Model) -> BTreeSet<Warning> {
    let lints = lint::without_route_table(model, &Names::default()).into_iter();
    let lints = lints.map(|lint| Warning {
        text: lint.text,
        mend: match lint.mend {
            Mend::Aws(lines) => lines.into_iter().next(),
            Mend::Scenario(_) | Mend::Advice(_) => None,
        },
    });
    lints.chain(failures(model)).collect()
}

/// What AWS could not make, though it answered that it would.
fn failures(model: &Model) -> impl Iterator<Item = Warning> {
    let gateways = model.nat_gateways.values().filter_map(|gateway| match &gateway.state {
        NatGatewayState::Failed { code, message } => Some(format!("{} failed: {code}: {message}", gateway.id)),
        NatGatewayState::Available | NatGatewayState::Deleted => None,
    });
    let peerings = model.peering_connections.values().filter(|peering| peering.state == PeeringState::Failed);
    let peerings = peerings.map(|peering| {
        format!(
            "{} failed: Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range: {} and {} overlap",
            peering.id, peering.requester.vpc_id, peering.accepter.vpc_id
        )
    });
    gateways.chain(peerings).map(|text| Warning { text, mend: None })
}

/// What to say of a refused endpoint whose service AWS has.
pub(super) fn not_simulated(stderr: &str) -> Option<String> {
    let name = stderr.split_once("(InvalidServiceName)")?.1.split('\'').nth(1)?;
    let (_region, service) = name.strip_prefix("com.amazonaws.")?.split_once('.')?;
    let is_known = NOT_SIMULATED.contains(&service);
    is_known.then(|| format!("AWS has {name}; vpcsim simulates endpoints of dynamodb, ec2, s3 and sts only"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_services_that_aws_has_are_said_to_be_missing_here() {
        let refused = |name: &str| {
            not_simulated(&format!(
                "aws: [ERROR]: An error occurred (InvalidServiceName) when calling the CreateVpcEndpoint operation: \
                 The Vpc Endpoint Service '{name}' does not exist\n"
            ))
        };
        let said = refused("com.amazonaws.us-east-1.ecr.dkr").unwrap();
        assert!(said.starts_with("AWS has com.amazonaws.us-east-1.ecr.dkr; vpcsim simulates"), "{said}");
        assert_eq!(refused("com.amazonaws.us-east-1.dynamo"), None);
        assert_eq!(not_simulated("The Vpc Endpoint Service 'com.amazonaws.us-east-1.sqs'"), None);
    }
}
