//! The AWS services that are simulated.

/// The services that are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKind {
    /// Amazon DynamoDB.
    DynamoDb,
    /// The EC2 API.
    Ec2,
    /// Amazon S3.
    S3,
    /// AWS Security Token Service.
    Sts,
}
