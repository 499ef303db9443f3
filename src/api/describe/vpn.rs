//! Reading virtual private gateways, customer gateways and VPN connections.

use super::Call;
use crate::api::filter::vpn as filter;
use crate::api::{ApiError, documents};
use serde_json::Value;

impl Call<'_> {
    pub(super) fn vpn_gateways(&self) -> Result<Value, ApiError> {
        let chosen = self.chosen("VpnGatewayIds", &self.model.vpn_gateways, |id| self.model.vpn_gateway(id).err())?;
        self.list("VpnGateways", &filter::VPN_GATEWAYS, chosen.into_iter().map(documents::vpn_gateway))
    }

    pub(super) fn customer_gateways(&self) -> Result<Value, ApiError> {
        let missing = |id| self.model.customer_gateway(id).err();
        let chosen = self.chosen("CustomerGatewayIds", &self.model.customer_gateways, missing)?;
        self.list("CustomerGateways", &filter::CUSTOMER_GATEWAYS, chosen.into_iter().map(documents::customer_gateway))
    }

    pub(super) fn vpn_connections(&self) -> Result<Value, ApiError> {
        let missing = |id| self.model.vpn_connection(id).err();
        let chosen = self.chosen("VpnConnectionIds", &self.model.vpn_connections, missing)?;
        let document = |connection| documents::vpn_connection(self.model, self.calendar, connection);
        self.list("VpnConnections", &filter::VPN_CONNECTIONS, chosen.into_iter().map(document))
    }
}
