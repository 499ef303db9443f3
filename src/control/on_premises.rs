//! Links to networks on premises going up and down: nothing that an API call does, but the account's network changes with it.

use super::{ControlError, ControlPlane};
use crate::ids::{VirtualInterfaceId, VpnConnectionId};
use std::sync::Arc;

/// What becomes of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// Which tunnels of a VPN connection are up from now on.
    Tunnels(VpnConnectionId, [bool; 2]),
    /// Whether the BGP session of a virtual interface is up from now on.
    VirtualInterface(VirtualInterfaceId, bool),
}

impl ControlPlane {
    /// Lets a link go up or down, and publishes what follows. Routes follow at once: BGP's hold time is not simulated.
    ///
    /// # Errors
    /// There is no such link; `InternalError` if the changed model does not compile. Model and program are untouched then.
    pub fn set_link(&mut self, event: LinkEvent) -> Result<(), ControlError> {
        let (mut model, mut compiler) = (self.model.clone(), self.compiler.clone());
        match event {
            LinkEvent::Tunnels(id, up) => model.set_tunnels(id, up)?,
            LinkEvent::VirtualInterface(id, up) => model.set_virtual_interface(id, up)?,
        }
        let program = compiler.compile(&model).map_err(|error| {
            ControlError::new("InternalError", format!("The network does not compile after this change: {error}"))
        })?;
        (self.model, self.compiler, self.program) = (model, compiler, Arc::new(program));
        Ok(())
    }
}
