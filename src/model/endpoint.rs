//! Gateway endpoints and the routes AWS keeps for them; policies and deletion of every endpoint.

use super::*;
use crate::time::SimTime;

/// What a new gateway endpoint is to be.
#[derive(Clone, Debug)]
pub struct NewVpcEndpoint {
    /// What its id derives from.
    pub label: String,
    /// Its id, if wanted.
    pub id: Option<VpcEndpointId>,
    /// Its VPC.
    pub vpc_id: VpcId,
    /// `com.amazonaws.us-east-1.dynamodb`.
    pub service_name: String,
    /// Tables to put its route in. None are needed, and then it carries nothing.
    pub route_table_ids: Vec<RouteTableId>,
    /// Policy as JSON text; `None` allows everything.
    pub policy_document: Option<String>,
    /// When.
    pub at: SimTime,
    /// Tags.
    pub tags: Tags,
}

impl Model {
    /// Creates a gateway endpoint and its routes.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`, `InvalidServiceName`, `VpcEndpointLimitExceeded`, `InvalidPolicyDocument`, and those of
    /// [`Model::add_endpoint_route_tables`].
    pub fn add_vpc_endpoint(&mut self, new: NewVpcEndpoint) -> Result<VpcEndpointId, ModelError> {
        self.vpc(new.vpc_id)?;
        let region = self.region_of(new.vpc_id);
        let Some(list) = self.prefix_list_named_in(region, &new.service_name) else {
            return Err(ModelError::new(
                "InvalidServiceName",
                format!("The Vpc Endpoint Service '{}' does not exist", new.service_name),
            ));
        };
        let prefix_list_id = list.id;
        let limit = self.quotas.gateway_endpoints_per_region;
        if self.vpc_endpoints.values().filter(|endpoint| endpoint.is_gateway()).count() >= limit {
            return Err(ModelError::quota("VpcEndpointLimitExceeded", "gateway endpoints", limit));
        }
        let policy_document = match &new.policy_document {
            Some(policy) => self.checked_policy(policy)?,
            None => VpcEndpoint::DEFAULT_POLICY.to_owned(),
        };
        let id = new.id.unwrap_or_else(|| VpcEndpointId::mint(self.seed, &new.label, self.id_length));
        if self.vpc_endpoints.contains_key(&id) {
            return Err(ModelError::new("InvalidParameterValue", format!("The ID '{id}' is already in use.")));
        }
        for table_id in &new.route_table_ids {
            self.check_endpoint_route(new.vpc_id, prefix_list_id, *table_id)?;
        }
        self.vpc_endpoints.insert(
            id,
            VpcEndpoint {
                id,
                vpc_id: new.vpc_id,
                service_name: new.service_name,
                kind: VpcEndpointKind::Gateway { prefix_list_id, route_table_ids: BTreeSet::new() },
                policy_document,
                created_at: new.at,
                tags: new.tags,
            },
        );
        self.add_endpoint_route_tables(id, &new.route_table_ids)?;
        Ok(id)
    }

    /// Puts the endpoint's route into tables. Tables that have it stay as they are.
    ///
    /// # Errors
    /// `InvalidVpcEndpointId.NotFound`, `InvalidRouteTableID.NotFound`, `InvalidParameter` (table of another VPC), `RouteAlreadyExists` (another
    /// endpoint of the service has the table). Nothing is changed then.
    pub fn add_endpoint_route_tables(
        &mut self,
        id: VpcEndpointId,
        table_ids: &[RouteTableId],
    ) -> Result<(), ModelError> {
        let endpoint = self.vpc_endpoint(id)?;
        let vpc_id = endpoint.vpc_id;
        let Some(list) = endpoint.prefix_list_id() else {
            if table_ids.is_empty() {
                return Ok(());
            }
            return Err(ModelError::new(
                "InvalidParameter",
                "Route table IDs are only supported for Gateway type VPC Endpoint.",
            ));
        };
        let added: Vec<_> =
            table_ids.iter().filter(|table| !endpoint.route_table_ids().contains(table)).copied().collect();
        for table_id in &added {
            self.check_endpoint_route(vpc_id, list, *table_id)?;
        }
        for table_id in added {
            let route = Route {
                destination: RouteDestination::PrefixList(list),
                target: RouteTarget::GatewayEndpoint(id),
                origin: RouteOrigin::CreateRoute,
            };
            if let Some(associated) = self.vpc_endpoints.get_mut(&id).and_then(VpcEndpoint::route_table_ids_mut)
                && associated.insert(table_id)
                && let Some(table) = self.route_tables.get_mut(&table_id)
            {
                table.routes.push(route);
            }
        }
        Ok(())
    }

    /// Takes the endpoint's route out of tables. Tables without it are left alone.
    ///
    /// # Errors
    /// `InvalidVpcEndpointId.NotFound`, `InvalidRouteTableID.NotFound`.
    pub fn remove_endpoint_route_tables(
        &mut self,
        id: VpcEndpointId,
        table_ids: &[RouteTableId],
    ) -> Result<(), ModelError> {
        self.vpc_endpoint(id)?;
        for table_id in table_ids {
            self.route_table(*table_id)?;
        }
        for table_id in table_ids {
            if let Some(associated) = self.vpc_endpoints.get_mut(&id).and_then(VpcEndpoint::route_table_ids_mut) {
                associated.remove(table_id);
            }
            if let Some(table) = self.route_tables.get_mut(table_id) {
                table.routes.retain(|route| route.target != RouteTarget::GatewayEndpoint(id));
            }
        }
        Ok(())
    }

    /// Replaces the endpoint's policy; `None` restores full access.
    ///
    /// # Errors
    /// `InvalidVpcEndpointId.NotFound`, `InvalidPolicyDocument`.
    pub fn set_endpoint_policy(&mut self, id: VpcEndpointId, policy: Option<&str>) -> Result<(), ModelError> {
        let default = self.vpc_endpoint(id)?.default_policy();
        let document = match policy {
            Some(policy) => self.checked_policy(policy)?,
            None => default.to_owned(),
        };
        if let Some(endpoint) = self.vpc_endpoints.get_mut(&id) {
            endpoint.policy_document = document;
        }
        Ok(())
    }

    /// Deletes an endpoint with its routes or interfaces.
    ///
    /// # Errors
    /// `InvalidVpcEndpointId.NotFound`.
    pub fn delete_vpc_endpoint(&mut self, id: VpcEndpointId) -> Result<(), ModelError> {
        let tables: Vec<_> = self.vpc_endpoint(id)?.route_table_ids().iter().copied().collect();
        self.remove_endpoint_route_tables(id, &tables)?;
        self.remove_endpoint_interfaces(id)?;
        self.vpc_endpoints.remove(&id);
        self.retired_ids.insert(id.to_string());
        Ok(())
    }

    /// The endpoint, or `InvalidVpcEndpointId.NotFound`.
    pub fn vpc_endpoint(&self, id: VpcEndpointId) -> Result<&VpcEndpoint, ModelError> {
        self.vpc_endpoints.get(&id).ok_or_else(|| {
            ModelError::new("InvalidVpcEndpointId.NotFound", format!("The Vpc Endpoint Id '{id}' does not exist"))
        })
    }

    fn check_endpoint_route(
        &self,
        vpc_id: VpcId,
        list: PrefixListId,
        table_id: RouteTableId,
    ) -> Result<(), ModelError> {
        let table = self.route_table(table_id)?;
        if table.vpc_id != vpc_id {
            // Unverified wording.
            return Err(ModelError::new(
                "InvalidParameter",
                format!("Route table {table_id} does not belong to VPC {vpc_id}"),
            ));
        }
        if !table.gateway_associations.is_empty() {
            // Gateway route tables have no prefix lists.
            self.check_gateway_route(table, RouteDestination::PrefixList(list), RouteTarget::Local)?;
        }
        if table.routes.iter().any(|route| route.destination == RouteDestination::PrefixList(list)) {
            return Err(ModelError::new(
                "RouteAlreadyExists",
                format!("route table {table_id} already has a route with destination-prefix-list-id {list}"),
            ));
        }
        Ok(())
    }

    /// AWS takes at most 20,480 characters of JSON, an object.
    pub(super) fn checked_policy(&self, policy: &str) -> Result<String, ModelError> {
        let limit = self.quotas.endpoint_policy_characters;
        let length = policy.chars().count();
        if length > limit {
            return Err(ModelError::new(
                "InvalidPolicyDocument",
                format!("The policy has {length} characters; at most {limit} are allowed."),
            ));
        }
        match serde_json::from_str::<serde_json::Value>(policy) {
            Ok(serde_json::Value::Object(_)) => Ok(policy.to_owned()),
            Ok(_) => Err(ModelError::new("InvalidPolicyDocument", "This policy contains invalid Json: not an object")),
            Err(error) => {
                Err(ModelError::new("InvalidPolicyDocument", format!("This policy contains invalid Json: {error}")))
            }
        }
    }
}
