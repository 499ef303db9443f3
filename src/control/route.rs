//! Route tables and their routes.

use super::apply::Call;
use super::*;
use crate::ids::*;
use crate::model::{EdgeGateway, Route, RouteDestination, RouteOrigin, RouteTarget};

pub(super) fn create_table(
    model: &mut Model,
    call: &Call<'_>,
    action: CreateRouteTable,
) -> Result<Output, ControlError> {
    let id = call.wanted_id::<RouteTableId>()?;
    call.free(id, id.is_some_and(|id| model.route_tables.contains_key(&id)))?;
    let label = call.label(model, |model, label| {
        let id = RouteTableId::mint(model.seed, label, model.id_length);
        model.route_tables.contains_key(&id) || model.is_retired(id)
    });
    Ok(Output::RouteTable(model.add_route_table(&label, id, action.vpc_id, action.tags)?))
}

pub(super) fn associate(model: &mut Model, action: AssociateRouteTable) -> Result<Output, ControlError> {
    let table = model.route_table(action.route_table_id)?;
    // The same again: AWS answers with the association there is.
    if let Some(id) = table.associations.get(&action.subnet_id) {
        return Ok(Output::RouteTableAssociation(*id));
    }
    Ok(Output::RouteTableAssociation(model.associate_route_table(action.route_table_id, action.subnet_id)?))
}

pub(super) fn disassociate(model: &mut Model, action: DisassociateRouteTable) -> Result<Output, ControlError> {
    let id = action.association_id;
    for table in model.route_tables.values_mut() {
        if table.main_association == Some(id) {
            // Unverified wording.
            return Err(ControlError::new(
                "InvalidParameterValue",
                format!("cannot disassociate the main route table association {id}"),
            ));
        }
        let before = table.associations.len() + table.gateway_associations.len();
        table.associations.retain(|_, association| *association != id);
        table.gateway_associations.retain(|_, association| *association != id);
        if table.associations.len() + table.gateway_associations.len() < before {
            return Ok(Output::Done);
        }
    }
    Err(ControlError::new("InvalidAssociationID.NotFound", format!("The association ID '{id}' does not exist")))
}

/// Whose association it is.
enum Holder {
    Main,
    Subnet(SubnetId),
    Gateway(EdgeGateway),
}

/// The new association is another one; a subnet keeps having exactly one, a VPC exactly one main table.
pub(super) fn replace_association(
    model: &mut Model,
    action: ReplaceRouteTableAssociation,
) -> Result<Output, ControlError> {
    let (id, table_id) = (action.association_id, action.route_table_id);
    let vpc_id = model.route_table(table_id)?.vpc_id;
    let holder = model.route_tables.values().find_map(|table| {
        let subnet = table.associations.iter().find(|(_, association)| **association == id);
        let gateway = table.gateway_associations.iter().find(|(_, association)| **association == id);
        let holder = match (table.main_association == Some(id), subnet, gateway) {
            (true, ..) => Some(Holder::Main),
            (_, Some((subnet_id, _)), _) => Some(Holder::Subnet(*subnet_id)),
            (_, _, Some((gateway, _))) => Some(Holder::Gateway(*gateway)),
            _ => None,
        };
        holder.map(|holder| (table.id, table.vpc_id, holder))
    });
    let Some((old_id, old_vpc_id, holder)) = holder else {
        return Err(ControlError::new(
            "InvalidAssociationID.NotFound",
            format!("The association ID '{id}' does not exist"),
        ));
    };
    if old_vpc_id != vpc_id {
        // Unverified wording, after that of AssociateRouteTable.
        return Err(ControlError::new(
            "InvalidParameterValue",
            format!("route table {table_id} and association {id} belong to different networks"),
        ));
    }
    let old = model.route_tables.get_mut(&old_id);
    let new_id = match holder {
        Holder::Main => model.set_main_route_table(table_id)?,
        Holder::Subnet(subnet_id) => {
            old.map(|table| table.associations.remove(&subnet_id));
            model.associate_route_table(table_id, subnet_id)?
        }
        Holder::Gateway(gateway) => {
            old.map(|table| table.gateway_associations.remove(&gateway));
            model.associate_gateway(table_id, gateway)?
        }
    };
    Ok(Output::RouteTableAssociationReplaced(new_id))
}

pub(super) fn create(model: &mut Model, action: CreateRoute) -> Result<Output, ControlError> {
    model.route_table(action.route_table_id)?;
    let target = target(model, action.target)?;
    model.add_route(action.route_table_id, action.destination, target, RouteOrigin::CreateRoute)?;
    Ok(Output::Done)
}

pub(super) fn replace(model: &mut Model, action: ReplaceRoute) -> Result<Output, ControlError> {
    let destination = canonical(action.destination);
    let Some((position, route)) = find(model, action.route_table_id, destination)? else {
        return Err(ControlError::new(
            "InvalidParameterValue",
            format!("There is no route defined for '{destination}' in the route table. Use CreateRoute instead."),
        ));
    };
    check_own(action.route_table_id, &route, "replace")?;
    let target = target(model, action.target)?;
    if let (RouteOrigin::CreateRouteTable, RouteDestination::Cidr(cidr)) = (route.origin, destination) {
        // Middlebox routing: the local route stays what it is, with another target or its own again.
        let other = Some(target).filter(|target| *target != RouteTarget::Local);
        model.set_local_target(action.route_table_id, cidr, other)?;
        return Ok(Output::Done);
    }
    take(model, action.route_table_id, position);
    model.add_route(action.route_table_id, destination, target, RouteOrigin::CreateRoute)?;
    // The new route stands where the old one stood.
    if let Some(table) = model.route_tables.get_mut(&action.route_table_id)
        && let Some(route) = table.routes.pop()
    {
        table.routes.insert(position, route);
    }
    Ok(Output::Done)
}

pub(super) fn delete(model: &mut Model, action: DeleteRoute) -> Result<Output, ControlError> {
    let destination = canonical(action.destination);
    let Some((position, route)) = find(model, action.route_table_id, destination)? else {
        let kind = match destination {
            RouteDestination::Cidr(_) => "destination-cidr-block",
            RouteDestination::PrefixList(_) => "destination-prefix-list-id",
        };
        return Err(ControlError::new(
            "InvalidRoute.NotFound",
            format!("no route with {kind} {destination} in route table {}", action.route_table_id),
        ));
    };
    check_own(action.route_table_id, &route, "remove")?;
    take(model, action.route_table_id, position);
    Ok(Output::Done)
}

/// The route that calls can name: static ones, one per destination.
fn find(
    model: &Model,
    table_id: RouteTableId,
    destination: RouteDestination,
) -> Result<Option<(usize, Route)>, ControlError> {
    let routes = model.route_table(table_id)?.routes.iter().enumerate();
    let mut named = routes
        .filter(|(_, route)| route.destination == destination && !matches!(route.origin, RouteOrigin::Propagated(_)));
    Ok(named.next().map(|(position, route)| (position, *route)))
}

/// Nobody removes local routes, and those of endpoints are AWS's to change. Codes and wordings unverified.
fn check_own(table_id: RouteTableId, route: &Route, verb: &str) -> Result<(), ControlError> {
    let destination = route.destination;
    let refuse = |kind| {
        let message = format!("cannot {verb} {kind} route {destination} in route table {table_id}");
        Err(ControlError::new("InvalidParameterValue", message))
    };
    match (route.origin, route.target) {
        (RouteOrigin::CreateRouteTable, _) if verb == "remove" => refuse("local"),
        (_, RouteTarget::GatewayEndpoint(_)) => refuse("VPC endpoint"),
        _ => Ok(()),
    }
}

fn take(model: &mut Model, table_id: RouteTableId, position: usize) {
    if let Some(table) = model.route_tables.get_mut(&table_id) {
        table.routes.remove(position);
    }
}

fn canonical(destination: RouteDestination) -> RouteDestination {
    match destination {
        RouteDestination::Cidr(cidr) => RouteDestination::Cidr(cidr.trunc()),
        list => list,
    }
}

fn target(model: &Model, target: RequestedTarget) -> Result<RouteTarget, ControlError> {
    match target {
        RequestedTarget::InternetGateway(id) => Ok(RouteTarget::InternetGateway(id)),
        RequestedTarget::Local => Ok(RouteTarget::Local),
        RequestedTarget::NetworkInterface(id) => Ok(RouteTarget::NetworkInterface(id)),
        RequestedTarget::VpnGateway(id) => Ok(RouteTarget::VpnGateway(id)),
        RequestedTarget::NatGateway(id) => Ok(RouteTarget::NatGateway(id)),
        RequestedTarget::PeeringConnection(id) => Ok(RouteTarget::PeeringConnection(id)),
        RequestedTarget::TransitGateway(id) => Ok(RouteTarget::TransitGateway(id)),
        RequestedTarget::Instance(id) => Ok(RouteTarget::NetworkInterface(instance::primary_interface(model, id)?)),
        // Code and wording unverified; that AWS refuses is documented.
        RequestedTarget::GatewayEndpoint(id) => Err(ControlError::new(
            "InvalidParameterValue",
            format!(
                "A route to the gateway endpoint {id} cannot be created: associate the route table with the endpoint \
                 (ModifyVpcEndpoint, AddRouteTableIds)."
            ),
        )),
    }
}
