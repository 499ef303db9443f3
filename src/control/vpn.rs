//! Virtual private gateways, customer gateways and VPN connections come and go.

use super::apply::Call;
use super::*;
use crate::ids::*;
use crate::model::NewVpnConnection;

/// Does one call about VPN.
///
/// # Errors
/// AWS's refusals.
pub(super) fn apply(model: &mut Model, call: &Call<'_>, action: VpnAction) -> Result<Output, ControlError> {
    Ok(match action {
        VpnAction::CreateGateway { amazon_side_asn, tags } => {
            let id = call.wanted_id::<VpnGatewayId>()?;
            let label = call.label(model, |model, label| {
                let id = VpnGatewayId::mint(model.seed, label, model.id_length);
                model.vpn_gateways.contains_key(&id) || model.is_retired(id)
            });
            Output::Vpn(VpnOutput::Gateway(model.add_vpn_gateway(&label, id, amazon_side_asn, tags)?))
        }
        VpnAction::CreateCustomerGateway { address, bgp_asn, tags } => {
            let id = call.wanted_id::<CustomerGatewayId>()?;
            let label = call.label(model, |model, label| {
                let id = CustomerGatewayId::mint(model.seed, label, model.id_length);
                model.customer_gateways.contains_key(&id) || model.is_retired(id)
            });
            let id = model.add_customer_gateway(&label, id, address, bgp_asn, tags)?;
            Output::Vpn(VpnOutput::CustomerGateway(id))
        }
        VpnAction::CreateConnection { target, customer_gateway_id, static_routes_only, tags } => {
            let id = call.wanted_id::<VpnConnectionId>()?;
            let label = call.label(model, |model, label| {
                model.vpn_connections.contains_key(&VpnConnectionId::mint(model.seed, label, model.id_length))
            });
            let at = call.now;
            let routes = None;
            let new = NewVpnConnection { label, id, target, customer_gateway_id, static_routes_only, routes, at, tags };
            Output::Vpn(VpnOutput::Connection(model.add_vpn_connection(new)?))
        }
        VpnAction::AttachGateway(id, vpc_id) => {
            model.attach_vpn_gateway(id, vpc_id)?;
            Output::Vpn(VpnOutput::Attachment(vpc_id))
        }
        other => {
            change(model, other)?;
            Output::Done
        }
    })
}

fn change(model: &mut Model, action: VpnAction) -> Result<(), ControlError> {
    match action {
        VpnAction::DeleteGateway(id) => model.delete_vpn_gateway(id)?,
        VpnAction::DetachGateway(id, vpc_id) => model.detach_vpn_gateway(id, vpc_id)?,
        VpnAction::DeleteCustomerGateway(id) => model.delete_customer_gateway(id)?,
        VpnAction::DeleteConnection(id) => model.delete_vpn_connection(id)?,
        VpnAction::CreateRoute(id, cidr) => model.add_vpn_connection_route(id, cidr)?,
        VpnAction::DeleteRoute(id, cidr) => model.delete_vpn_connection_route(id, cidr)?,
        VpnAction::EnablePropagation(table, gateway) => model.set_route_propagation(table, gateway, true)?,
        VpnAction::DisablePropagation(table, gateway) => model.set_route_propagation(table, gateway, false)?,
        VpnAction::CreateGateway { .. }
        | VpnAction::CreateCustomerGateway { .. }
        | VpnAction::CreateConnection { .. }
        | VpnAction::AttachGateway(..) => {}
    }
    Ok(())
}
