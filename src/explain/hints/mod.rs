//! What a trace's reader should know besides the walk: codes of AWS's Reachability Analyzer that no packet dies of.
//!
//! | code | when | |
//! |---|---|---|
//! | `NGW_SOURCE_ADDRESS_REASSIGN`, `REMAP_EPHEMERAL_PORT`, `NGW_DEST_ADDRESS_PRESERVATION` | a NAT gateway translates | what rules beyond it see |
//! | `IGW_NAT_REFLECTION` | a packet went out by an internet gateway and came in again | the analyzer stops there, the network forwards |
//! | `VPC_LOCAL_ROUTE_CIDR_RESTRICTION`, `CANNOT_ROUTE`, `TGW_RTB_CANNOT_ROUTE` | no route matches | why each of the table's routes does not |
//! | `SG_REFERENCES_NOT_PRESERVED`, `SG_REFERENCING_SUPPORT` | a rule names the sender's group, and does not match | why |
//! | `ENI_ADDRESS_RESTRICTION` | an interface sends or gets what is not for its address | what its addresses are |
//! | `IGW_EXPECTS_PUBLIC_ADDRESS` | from or to a private address across the internet | no such packet can be meant |
//! | `DISCONNECTED_VPCS` | sender and receiver are in VPCs that nothing joins | |
//! | `VPCE_SERVICE_NOT_INSTALLED_IN_AZ` | an interface endpoint cannot be in the sender's zone | the packet crosses to another |
//! | `TGW_BAD_STATE_VPN` | a VPN attachment of a transit gateway is down | |
//! | `UNSUPPORTED_COMPONENT` | something on the way that AWS's analyzer does not know | |
//!
//! Routes that lost to another (`MORE_SPECIFIC_ROUTE`, `HIGHER_PRIORITY_ROUTE` and their twins of transit gateways) stand beside the route that won:
//! [`beaten_code`]. Non-goal: deciding anything; every hint is read off the walk and the account. AWS's analyzer asks what could pass at all and explains what could
//! not; here one packet was walked, so a code is told where that packet met what it is about.
//! Source: docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html

mod ends;
mod groups;
mod routes;
mod translation;

pub use routes::beaten_code;

use super::trace::Traced;
use crate::model::Model;
use crate::program::{NodeIx, TableIx};

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// AWS's code.
    pub code: &'static str,
    /// One sentence.
    pub sentence: String,
    /// What it is about, if that is one thing.
    pub about: Option<About>,
}

/// What a hint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A place on the way.
    Node(NodeIx),
    /// A route table.
    Table(TableIx),
}

impl Hint {
    fn of(code: &'static str, about: Option<About>, sentence: String) -> Hint {
        Hint { code, sentence, about }
    }
}

/// The remarks on a trace. `model` is the network's that it was made with.
pub fn hints(traced: &Traced, model: &Model) -> Vec<Hint> {
    let mut found = Vec::new();
    found.extend(translation::hints(traced));
    found.extend(routes::hints(traced));
    found.extend(groups::hints(traced, model));
    found.extend(ends::hints(traced, model));
    found
}
