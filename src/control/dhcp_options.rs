//! DHCP option sets come; what else is done to them is one call of the model's.

use super::apply::Call;
use super::*;
use crate::ids::DhcpOptionsId;
use crate::model::DhcpOptions;

pub(super) fn create(model: &mut Model, call: &Call<'_>, action: CreateDhcpOptions) -> Result<Output, ControlError> {
    let id = call.wanted_id::<DhcpOptionsId>()?;
    let label = call.label(model, |model, label| {
        let id = DhcpOptionsId::mint(model.seed, label, model.id_length);
        model.dhcp_options.contains_key(&id) || model.is_retired(id)
    });
    let options = DhcpOptions {
        id: DhcpOptionsId::mint(model.seed, &label, model.id_length),
        domain_name_servers: action.domain_name_servers,
        domain_name: action.domain_name,
        others: action.others,
        tags: action.tags,
    };
    Ok(Output::DhcpOptions(model.add_dhcp_options(&label, id, options)?))
}
