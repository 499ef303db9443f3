//! Transit gateways, their attachments and route tables.

use super::apply::Call;
use super::*;
use crate::ids::*;
use crate::model::{
    ModelError, NewTransitGateway, NewTransitGatewayPeering, NewVpcAttachment, TransitGatewayResource,
    TransitGatewayRoute, TransitGatewayRouteRank,
};
use crate::net::Ipv4Net;

pub(super) fn apply(model: &mut Model, call: &Call<'_>, action: TransitAction) -> Result<Output, ControlError> {
    use TransitAction as Do;
    let name = action.name();
    if !matches!(
        action,
        Do::CreateTransitGateway(_)
            | Do::CreateTransitGatewayVpcAttachment(_)
            | Do::CreateTransitGatewayPeeringAttachment(_)
            | Do::CreateTransitGatewayRouteTable(_)
    ) {
        call.creates_nothing(name)?;
    }
    match action {
        Do::CreateTransitGateway(action) => create(model, call, action),
        Do::ModifyTransitGateway(action) => modify(model, action),
        Do::DeleteTransitGateway(id) => {
            let gateway = model.transit_gateway(id)?.clone();
            model.delete_transit_gateway(id)?;
            Ok(Output::TransitGatewayDeleted(Box::new(gateway)))
        }
        Do::CreateTransitGatewayVpcAttachment(action) => attach_vpc(model, call, action),
        Do::ModifyTransitGatewayVpcAttachment(action) => {
            let id = action.transit_gateway_attachment_id;
            model.modify_vpc_attachment(
                id,
                &action.add_subnet_ids,
                &action.remove_subnet_ids,
                action.appliance_mode,
                action.security_group_referencing,
                call.now,
            )?;
            Ok(Output::TransitGatewayAttachment(id))
        }
        Do::DeleteTransitGatewayVpcAttachment(id) => detach(model, id, false),
        Do::CreateTransitGatewayPeeringAttachment(action) => peer(model, call, action),
        Do::AcceptTransitGatewayPeeringAttachment(action) => accept(model, action),
        Do::DeleteTransitGatewayPeeringAttachment(id) => detach(model, id, true),
        Do::CreateTransitGatewayRouteTable(action) => create_table(model, call, action),
        Do::DeleteTransitGatewayRouteTable(id) => {
            let table = model.transit_gateway_route_table(id)?.clone();
            model.delete_transit_gateway_route_table(id)?;
            Ok(Output::TransitGatewayRouteTableDeleted(Box::new(table)))
        }
        Do::AssociateTransitGatewayRouteTable(TableAndAttachment { route_table_id, attachment_id }) => {
            model.associate_transit_gateway_route_table(route_table_id, attachment_id)?;
            Ok(Output::TransitGatewayLink(route_table_id, attachment_id))
        }
        Do::DisassociateTransitGatewayRouteTable(TableAndAttachment { route_table_id, attachment_id }) => {
            model.disassociate_transit_gateway_route_table(route_table_id, attachment_id)?;
            Ok(Output::TransitGatewayLink(route_table_id, attachment_id))
        }
        Do::EnableTransitGatewayRouteTablePropagation(TableAndAttachment { route_table_id, attachment_id }) => {
            model.enable_transit_gateway_propagation(route_table_id, attachment_id)?;
            Ok(Output::TransitGatewayLink(route_table_id, attachment_id))
        }
        Do::DisableTransitGatewayRouteTablePropagation(TableAndAttachment { route_table_id, attachment_id }) => {
            model.disable_transit_gateway_propagation(route_table_id, attachment_id)?;
            Ok(Output::TransitGatewayLink(route_table_id, attachment_id))
        }
        Do::CreateTransitGatewayRoute(route) => put_route(model, route, false),
        Do::ReplaceTransitGatewayRoute(route) => put_route(model, route, true),
        Do::DeleteTransitGatewayRoute(DeleteTransitGatewayRoute { route_table_id, cidr }) => {
            let route = static_route(model, route_table_id, cidr)?;
            model.delete_transit_gateway_route(route_table_id, cidr)?;
            route.map_or(Ok(Output::Done), |route| Ok(Output::TransitGatewayRoute(route)))
        }
    }
}

fn create(model: &mut Model, call: &Call<'_>, action: CreateTransitGateway) -> Result<Output, ControlError> {
    let id = call.wanted_id::<TransitGatewayId>()?;
    call.free(id, id.is_some_and(|id| model.transit_gateways.contains_key(&id)))?;
    let label = call.label(model, |model, label| {
        let id = TransitGatewayId::mint(model.seed, label, model.id_length);
        model.transit_gateways.contains_key(&id) || model.is_retired(id)
    });
    let new = NewTransitGateway {
        label,
        id,
        region: Some(action.region),
        default_association: action.default_association,
        default_propagation: action.default_propagation,
        security_group_referencing: action.security_group_referencing,
        vpn_equal_cost: action.vpn_equal_cost,
        description: action.description,
        amazon_side_asn: action.amazon_side_asn,
        at: call.now,
        tags: action.tags,
    };
    Ok(Output::TransitGateway(model.add_transit_gateway(new)?))
}

fn modify(model: &mut Model, action: ModifyTransitGateway) -> Result<Output, ControlError> {
    let id = action.transit_gateway_id;
    model.transit_gateway(id)?;
    for table_id in [action.association, action.propagation].into_iter().flatten().flatten() {
        if model.transit_gateway_route_table(table_id)?.transit_gateway_id != id {
            let message = format!("Transit Gateway Route Table {table_id} was deleted or does not exist.");
            return Err(ControlError::new("InvalidRouteTableID.NotFound", message));
        }
    }
    if let Some(gateway) = model.transit_gateways.get_mut(&id) {
        if let Some(table) = action.association {
            gateway.default_association_route_table_id = table;
        }
        if let Some(table) = action.propagation {
            gateway.default_propagation_route_table_id = table;
        }
        if let Some(referencing) = action.security_group_referencing {
            gateway.security_group_referencing = referencing;
        }
        if let Some(shared) = action.vpn_equal_cost {
            gateway.vpn_equal_cost = shared;
        }
        if let Some(description) = action.description {
            gateway.description = description;
        }
    }
    Ok(Output::TransitGateway(id))
}

fn attach_vpc(
    model: &mut Model,
    call: &Call<'_>,
    action: CreateTransitGatewayVpcAttachment,
) -> Result<Output, ControlError> {
    let (label, id) = attachment_id(model, call)?;
    let new = NewVpcAttachment {
        label,
        id,
        transit_gateway_id: action.transit_gateway_id,
        vpc_id: action.vpc_id,
        subnet_ids: action.subnet_ids,
        appliance_mode: action.appliance_mode,
        security_group_referencing: action.security_group_referencing,
        at: call.now,
        tags: action.tags,
    };
    Ok(Output::TransitGatewayAttachment(model.add_vpc_attachment(new)?))
}

fn peer(
    model: &mut Model,
    call: &Call<'_>,
    action: CreateTransitGatewayPeeringAttachment,
) -> Result<Output, ControlError> {
    if action.peer_account_id != model.account_id {
        return Err(ControlError::unsupported("vpcsim simulates one account: the peer must be its own."));
    }
    model.transit_gateway(action.transit_gateway_id)?;
    let peer = model.transit_gateway(action.peer_transit_gateway_id)?;
    if peer.region != action.peer_region {
        let message = format!("Transit Gateway {} was deleted or does not exist in {}.", peer.id, action.peer_region);
        return Err(ControlError::new("InvalidTransitGatewayID.NotFound", message));
    }
    let (label, id) = attachment_id(model, call)?;
    let new = NewTransitGatewayPeering {
        label,
        id,
        transit_gateway_id: action.transit_gateway_id,
        peer_transit_gateway_id: action.peer_transit_gateway_id,
        at: call.now,
        tags: action.tags,
    };
    Ok(Output::TransitGatewayAttachment(model.add_transit_gateway_peering(new)?))
}

/// Label, and wanted id, of a new attachment.
fn attachment_id(
    model: &mut Model,
    call: &Call<'_>,
) -> Result<(String, Option<TransitGatewayAttachmentId>), ControlError> {
    let id = call.wanted_id::<TransitGatewayAttachmentId>()?;
    call.free(id, id.is_some_and(|id| model.transit_gateway_attachments.contains_key(&id)))?;
    let label = call.label(model, |model, label| {
        let id = TransitGatewayAttachmentId::mint(model.seed, label, model.id_length);
        model.transit_gateway_attachments.contains_key(&id)
    });
    Ok((label, id))
}

/// The side that was asked accepts, by its Region's API. Unverified code.
fn accept(model: &mut Model, action: AcceptTransitGatewayPeeringAttachment) -> Result<Output, ControlError> {
    let id = action.transit_gateway_attachment_id;
    let attachment = model.transit_gateway_attachment(id)?;
    if let TransitGatewayResource::Peering { peer_transit_gateway_id, is_requester, .. } = attachment.resource {
        let accepter = if is_requester { peer_transit_gateway_id } else { attachment.transit_gateway_id };
        let region = &model.transit_gateway(accepter)?.region;
        if *region != action.region {
            let message = format!("{id} must be accepted in region {region}");
            return Err(ControlError::new("OperationNotPermitted", message));
        }
    }
    model.accept_transit_gateway_peering(id)?;
    Ok(Output::TransitGatewayAttachment(id))
}

/// Deletes an attachment of the kind that the call is for.
fn detach(model: &mut Model, id: TransitGatewayAttachmentId, peering: bool) -> Result<Output, ControlError> {
    let attachment = model.transit_gateway_attachment(id)?;
    let fits = if peering { attachment.peer().is_some() } else { attachment.vpc_id().is_some() };
    if !fits {
        let message = format!("Transit Gateway Attachment {id} was deleted or does not exist.");
        return Err(ModelError::new("InvalidTransitGatewayAttachmentID.NotFound", message).into());
    }
    model.delete_transit_gateway_attachment(id)?;
    Ok(Output::TransitGatewayAttachment(id))
}

fn create_table(
    model: &mut Model,
    call: &Call<'_>,
    action: CreateTransitGatewayRouteTable,
) -> Result<Output, ControlError> {
    let id = call.wanted_id::<TransitGatewayRouteTableId>()?;
    call.free(id, id.is_some_and(|id| model.transit_gateway_route_tables.contains_key(&id)))?;
    let label = call.label(model, |model, label| {
        let id = TransitGatewayRouteTableId::mint(model.seed, label, model.id_length);
        model.transit_gateway_route_tables.contains_key(&id) || model.is_retired(id)
    });
    let id = model.add_transit_gateway_route_table(&label, id, action.transit_gateway_id, call.now, action.tags)?;
    Ok(Output::TransitGatewayRouteTable(id))
}

fn put_route(model: &mut Model, route: PutTransitGatewayRoute, replace: bool) -> Result<Output, ControlError> {
    let PutTransitGatewayRoute { route_table_id, cidr, attachment_id } = route;
    model.put_transit_gateway_route(route_table_id, cidr, attachment_id, replace)?;
    let route = static_route(model, route_table_id, cidr)?;
    route.map_or(Ok(Output::Done), |route| Ok(Output::TransitGatewayRoute(route)))
}

/// The static route of a table for exactly `cidr`.
fn static_route(
    model: &Model,
    table_id: TransitGatewayRouteTableId,
    cidr: Ipv4Net,
) -> Result<Option<TransitGatewayRoute>, ControlError> {
    let routes = model.transit_gateway_routes(model.transit_gateway_route_table(table_id)?);
    let is_meant =
        |route: &TransitGatewayRoute| route.cidr == cidr.trunc() && route.rank == TransitGatewayRouteRank::Static;
    Ok(routes.into_iter().find(is_meant))
}
