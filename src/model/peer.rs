//! Asking for, answering and ending VPC peering connections.
//!
//! Both VPCs belong to the model's account. Requests expire after seven days: [`Model::expire_peering_requests`] does it, whenever the API is called.
//! Messages are unverified unless marked.
//! Source: docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html, create-vpc-peering-connection.html

use super::construct::overlap;
use super::*;
use crate::time::SimTime;

/// What a new peering connection is to be.
#[derive(Clone, Debug)]
pub struct NewPeeringConnection {
    /// What its id derives from.
    pub label: String,
    /// Its id, if wanted.
    pub id: Option<VpcPeeringConnectionId>,
    /// The VPC that asks.
    pub requester_vpc_id: VpcId,
    /// The VPC that is asked.
    pub accepter_vpc_id: VpcId,
    /// When.
    pub at: SimTime,
    /// Tags.
    pub tags: Tags,
}

impl Model {
    /// Asks for a peering connection. Where blocks of the VPCs overlap the request is made and has failed, as on AWS.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`, `InvalidParameterValue` (a VPC with itself, an id that is taken), `VpcPeeringConnectionAlreadyExists`,
    /// `OutstandingVpcPeeringConnectionLimitExceeded`.
    pub fn add_peering_connection(&mut self, new: NewPeeringConnection) -> Result<VpcPeeringConnectionId, ModelError> {
        let (requester, accepter) = (self.vpc(new.requester_vpc_id)?, self.vpc(new.accepter_vpc_id)?);
        if requester.id == accepter.id {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("The VPC {} cannot be peered with itself", requester.id),
            ));
        }
        let overlaps =
            requester.cidr_blocks.iter().any(|a| accepter.cidr_blocks.iter().any(|b| overlap(&a.cidr, &b.cidr)));
        let lives = |connection: &&VpcPeeringConnection| {
            matches!(connection.state, PeeringState::Active | PeeringState::PendingAcceptance)
        };
        let mut living = self.peering_connections.values().filter(lives);
        if let Some(other) = living.find(|other| other.joins(requester.id, accepter.id)) {
            return Err(ModelError::new(
                "VpcPeeringConnectionAlreadyExists",
                format!("The VPC peering connection {} between these VPCs exists already", other.id),
            ));
        }
        let outstanding = |connection: &&VpcPeeringConnection| {
            connection.state == PeeringState::PendingAcceptance && connection.requester.vpc_id == requester.id
        };
        let limit = self.quotas.outstanding_peering_requests_per_vpc;
        if self.peering_connections.values().filter(outstanding).count() >= limit {
            let code = "OutstandingVpcPeeringConnectionLimitExceeded";
            return Err(ModelError::quota(code, "outstanding peering requests of a VPC", limit));
        }
        let id = new.id.unwrap_or_else(|| VpcPeeringConnectionId::mint(self.seed, &new.label, self.id_length));
        if self.peering_connections.contains_key(&id) {
            return Err(ModelError::new("InvalidParameterValue", format!("The ID '{id}' is already in use.")));
        }
        let side = |vpc_id| PeeringSide { vpc_id, allow_dns_resolution_from_remote_vpc: false };
        let connection = VpcPeeringConnection {
            id,
            requester: side(new.requester_vpc_id),
            accepter: side(new.accepter_vpc_id),
            state: if overlaps { PeeringState::Failed } else { PeeringState::PendingAcceptance },
            created_at: new.at,
            tags: new.tags,
        };
        self.peering_connections.insert(id, connection);
        Ok(id)
    }

    /// Accepts a request: from now on packets pass where routes lead to it.
    ///
    /// # Errors
    /// `InvalidVpcPeeringConnectionID.NotFound`, `InvalidStateTransition` (nothing waits for acceptance),
    /// `ActiveVpcPeeringConnectionPerVpcLimitExceeded` (on either side).
    pub fn accept_peering_connection(&mut self, id: VpcPeeringConnectionId) -> Result<(), ModelError> {
        let connection = self.peering_connection(id)?;
        connection.check_pending()?;
        let limit = self.quotas.active_peering_connections_per_vpc;
        for vpc_id in [connection.requester.vpc_id, connection.accepter.vpc_id] {
            let active = self
                .peering_connections
                .values()
                .filter(|other| other.state == PeeringState::Active && other.other_side(vpc_id).is_some());
            if active.count() >= limit {
                let code = "ActiveVpcPeeringConnectionPerVpcLimitExceeded";
                return Err(ModelError::quota(code, "active peering connections of a VPC", limit));
            }
        }
        self.set_peering_state(id, PeeringState::Active);
        Ok(())
    }

    /// Refuses a request.
    ///
    /// # Errors
    /// `InvalidVpcPeeringConnectionID.NotFound`, `InvalidStateTransition`.
    pub fn reject_peering_connection(&mut self, id: VpcPeeringConnectionId) -> Result<(), ModelError> {
        self.peering_connection(id)?.check_pending()?;
        self.set_peering_state(id, PeeringState::Rejected);
        Ok(())
    }

    /// Ends an active connection, or takes a request back. Routes to it are blackholes from now on.
    ///
    /// # Errors
    /// `InvalidVpcPeeringConnectionID.NotFound`, `InvalidStateTransition` (there is nothing left to delete).
    pub fn delete_peering_connection(&mut self, id: VpcPeeringConnectionId) -> Result<(), ModelError> {
        let connection = self.peering_connection(id)?;
        if !matches!(connection.state, PeeringState::Active | PeeringState::PendingAcceptance) {
            return Err(connection.wrong_state("cannot be deleted"));
        }
        self.set_peering_state(id, PeeringState::Deleted);
        Ok(())
    }

    /// Changes what each side lets the other resolve; `None` leaves a side as it is.
    ///
    /// # Errors
    /// `InvalidVpcPeeringConnectionID.NotFound`, `OperationNotPermitted` (not active).
    pub fn set_peering_options(
        &mut self,
        id: VpcPeeringConnectionId,
        requester: Option<bool>,
        accepter: Option<bool>,
    ) -> Result<(), ModelError> {
        if self.peering_connection(id)?.state != PeeringState::Active {
            let message = format!("Peering {id} is not active. Peering options can be added only to active peerings.");
            return Err(ModelError::new("OperationNotPermitted", message));
        }
        if let Some(connection) = self.peering_connections.get_mut(&id) {
            for (side, change) in [(&mut connection.requester, requester), (&mut connection.accepter, accepter)] {
                if let Some(allow) = change {
                    side.allow_dns_resolution_from_remote_vpc = allow;
                }
            }
        }
        Ok(())
    }

    /// Lets requests that have waited for too long at `now` expire.
    pub fn expire_peering_requests(&mut self, now: SimTime) {
        let overdue = |connection: &VpcPeeringConnection| {
            connection.state == PeeringState::PendingAcceptance && connection.expires_at() <= now
        };
        let ids: Vec<_> = self.peering_connections.values().filter(|other| overdue(other)).map(|it| it.id).collect();
        ids.into_iter().for_each(|id| self.set_peering_state(id, PeeringState::Expired));
    }

    /// Ends every connection of a VPC that goes.
    pub(super) fn delete_peering_connections_of(&mut self, vpc_id: VpcId) {
        let lives = |connection: &VpcPeeringConnection| {
            connection.other_side(vpc_id).is_some()
                && matches!(connection.state, PeeringState::Active | PeeringState::PendingAcceptance)
        };
        let ids: Vec<_> = self.peering_connections.values().filter(|other| lives(other)).map(|it| it.id).collect();
        ids.into_iter().for_each(|id| self.set_peering_state(id, PeeringState::Deleted));
    }

    /// Whether an active peering connection joins the VPCs.
    pub fn are_peered(&self, a: VpcId, b: VpcId) -> bool {
        let active = |connection: &&VpcPeeringConnection| connection.state == PeeringState::Active;
        self.peering_connections.values().filter(active).any(|connection| connection.joins(a, b))
    }

    /// Whether security groups of the VPCs may name each other's: they are peered, in one Region.
    pub fn peering_references_groups(&self, a: VpcId, b: VpcId) -> bool {
        self.region_of(a) == self.region_of(b) && self.are_peered(a, b)
    }

    /// The peering connection, or `InvalidVpcPeeringConnectionID.NotFound`.
    pub fn peering_connection(&self, id: VpcPeeringConnectionId) -> Result<&VpcPeeringConnection, ModelError> {
        self.peering_connections
            .get(&id)
            .ok_or_else(|| ModelError::not_found("InvalidVpcPeeringConnectionID.NotFound", "vpcPeeringConnection", id))
    }

    /// Refuses a route of a VPC to a connection that is not its own, or that is over.
    pub(super) fn check_peering_target(&self, vpc_id: VpcId, id: VpcPeeringConnectionId) -> Result<(), ModelError> {
        let connection = self.peering_connection(id)?;
        if connection.other_side(vpc_id).is_none() {
            let message = format!("route table and vpc peering connection {id} belong to different networks");
            return Err(ModelError::new("InvalidParameterValue", message));
        }
        match connection.state {
            // Before it is accepted the route is a blackhole.
            PeeringState::Active | PeeringState::PendingAcceptance => Ok(()),
            state => Err(ModelError::new(
                "InvalidVpcPeeringConnectionID.NotFound",
                format!("The vpcPeeringConnection ID '{id}' is {}", state.code()),
            )),
        }
    }

    fn set_peering_state(&mut self, id: VpcPeeringConnectionId, state: PeeringState) {
        if let Some(connection) = self.peering_connections.get_mut(&id) {
            connection.state = state;
        }
    }
}

impl VpcPeeringConnection {
    fn check_pending(&self) -> Result<(), ModelError> {
        match self.state {
            PeeringState::PendingAcceptance => Ok(()),
            _ => Err(self.wrong_state("is not waiting for acceptance")),
        }
    }

    fn wrong_state(&self, what: &str) -> ModelError {
        let state = self.state.code();
        ModelError::new("InvalidStateTransition", format!("Invalid state transition: {} ({state}) {what}", self.id))
    }
}

impl PeeringState {
    /// AWS's code of the state.
    pub const fn code(self) -> &'static str {
        match self {
            PeeringState::Failed => "failed",
            PeeringState::PendingAcceptance => "pending-acceptance",
            PeeringState::Active => "active",
            PeeringState::Rejected => "rejected",
            PeeringState::Expired => "expired",
            PeeringState::Deleted => "deleted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(blocks: &[&str]) -> (Model, Vec<VpcId>) {
        let mut model = Model::new("us-east-1", "111122223333", Seed::new(1));
        model.quotas.vpcs_per_region = 100;
        let mut add = |(position, block): (usize, &&str)| {
            let new = NewVpc {
                label: format!("vpc {position}"),
                id: None,
                region: None,
                cidrs: vec![block.parse().unwrap()],
                is_default: false,
                enable_dns_hostnames: false,
                tags: Tags::default(),
            };
            model.add_vpc(new).unwrap()
        };
        let ids = blocks.iter().enumerate().map(&mut add).collect();
        (model, ids)
    }

    fn ask(model: &mut Model, a: VpcId, b: VpcId) -> Result<VpcPeeringConnectionId, ModelError> {
        let label = model.next_label();
        let at = SimTime::ZERO;
        let new = NewPeeringConnection {
            label,
            id: None,
            requester_vpc_id: a,
            accepter_vpc_id: b,
            at,
            tags: Tags::default(),
        };
        model.add_peering_connection(new)
    }

    #[test]
    fn a_request_is_answered_once() {
        let (mut model, vpcs) = world(&["10.1.0.0/16", "10.2.0.0/16"]);
        let id = ask(&mut model, vpcs[0], vpcs[1]).unwrap();
        assert_eq!(ask(&mut model, vpcs[1], vpcs[0]).unwrap_err().code, "VpcPeeringConnectionAlreadyExists");
        assert_eq!(model.set_peering_options(id, Some(true), None).unwrap_err().code, "OperationNotPermitted");
        assert!(!model.are_peered(vpcs[0], vpcs[1]));
        model.accept_peering_connection(id).unwrap();
        assert!(model.are_peered(vpcs[0], vpcs[1]) && model.are_peered(vpcs[1], vpcs[0]));
        for refused in [model.accept_peering_connection(id), model.reject_peering_connection(id)] {
            assert_eq!(refused.unwrap_err().code, "InvalidStateTransition");
        }
        model.delete_peering_connection(id).unwrap();
        assert_eq!(model.peering_connections[&id].state, PeeringState::Deleted);
        assert_eq!(model.delete_peering_connection(id).unwrap_err().code, "InvalidStateTransition");
        assert!(ask(&mut model, vpcs[0], vpcs[1]).is_ok(), "a deleted connection is in nobody's way");
    }

    #[test]
    fn overlapping_blocks_fail_and_a_vpc_has_no_peer_in_itself() {
        let (mut model, vpcs) = world(&["10.1.0.0/16", "10.1.128.0/20"]);
        let id = ask(&mut model, vpcs[0], vpcs[1]).unwrap();
        assert_eq!(model.peering_connections[&id].state, PeeringState::Failed);
        assert_eq!(model.accept_peering_connection(id).unwrap_err().code, "InvalidStateTransition");
        assert_eq!(ask(&mut model, vpcs[0], vpcs[0]).unwrap_err().code, "InvalidParameterValue");
    }

    #[test]
    fn requests_expire_after_seven_days() {
        let (mut model, vpcs) = world(&["10.1.0.0/16", "10.2.0.0/16"]);
        let id = ask(&mut model, vpcs[0], vpcs[1]).unwrap();
        let week = VpcPeeringConnection::REQUEST_LIFETIME;
        model.expire_peering_requests(SimTime::from_nanos(week.as_nanos() - 1));
        assert_eq!(model.peering_connections[&id].state, PeeringState::PendingAcceptance);
        model.expire_peering_requests(SimTime::ZERO + week);
        assert_eq!(model.peering_connections[&id].state, PeeringState::Expired);
    }

    #[test]
    fn quotas_count_requests_and_active_connections() {
        let blocks: Vec<String> = (0..28).map(|n| format!("10.{n}.0.0/16")).collect();
        let (mut model, vpcs) = world(&blocks.iter().map(String::as_str).collect::<Vec<_>>());
        let ids: Vec<_> = vpcs[1..26].iter().map(|peer| ask(&mut model, vpcs[0], *peer).unwrap()).collect();
        let refused = ask(&mut model, vpcs[0], vpcs[26]).unwrap_err();
        assert_eq!(refused.code, "OutstandingVpcPeeringConnectionLimitExceeded");
        model.quotas.active_peering_connections_per_vpc = 1;
        model.accept_peering_connection(ids[0]).unwrap();
        let refused = model.accept_peering_connection(ids[1]).unwrap_err();
        assert_eq!(refused.code, "ActiveVpcPeeringConnectionPerVpcLimitExceeded");
    }
}
