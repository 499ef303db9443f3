//! Prefix lists, in the forms the API has for them.

use super::{arn, partition, tags};
use crate::model::{Model, PrefixList, PrefixListChangeKind, PrefixListEntry};
use serde_json::{Value, json};

/// As DescribePrefixLists shows it: AWS-managed lists with their blocks.
pub fn prefix_list(list: &PrefixList) -> Value {
    let cidrs: Vec<_> = list.cidrs.iter().map(ToString::to_string).collect();
    json!({"Cidrs": cidrs, "PrefixListId": list.id, "PrefixListName": list.name})
}

/// As DescribeManagedPrefixLists shows it: any list, without its blocks. AWS's own have owner `AWS`, no version and no
/// greatest number of entries.
pub fn managed_prefix_list(model: &Model, list: &PrefixList) -> Value {
    let mut document = json!({
        "PrefixListId": list.id,
        "AddressFamily": "IPv4",
        "State": "create-complete",
        "PrefixListName": list.name,
        "Tags": [],
    });
    match &list.customer {
        None => {
            let partition = partition(&model.region);
            let resource = format!("arn:{partition}:ec2:{}:aws:prefix-list/{}", model.region, list.id);
            document["PrefixListArn"] = json!(resource);
            document["OwnerId"] = json!("AWS");
        }
        Some(customer) => {
            document["State"] = json!(match customer.last_change {
                PrefixListChangeKind::Created => "create-complete",
                PrefixListChangeKind::Modified => "modify-complete",
                PrefixListChangeKind::Restored => "restore-complete",
            });
            document["PrefixListArn"] = json!(arn(model, "prefix-list", list.id));
            document["OwnerId"] = json!(model.account_id);
            document["MaxEntries"] = json!(customer.max_entries);
            document["Version"] = json!(customer.version());
            document["Tags"] = tags(&customer.tags);
        }
    }
    document
}

/// As GetManagedPrefixListEntries shows it; `version` picks an old one of a customer's list. `None`: there is no such version.
pub fn prefix_list_entries(list: &PrefixList, version: Option<u64>) -> Option<Vec<Value>> {
    let Some(customer) = &list.customer else {
        return Some(list.cidrs.iter().map(|cidr| json!({"Cidr": cidr.to_string()})).collect());
    };
    let entries = customer.entries_of(version.unwrap_or_else(|| customer.version()))?;
    let one = |entry: &PrefixListEntry| {
        let mut document = json!({"Cidr": entry.cidr.to_string()});
        if let Some(description) = &entry.description {
            document["Description"] = json!(description);
        }
        document
    };
    Some(entries.iter().map(one).collect())
}

/// As GetManagedPrefixListAssociations shows it: what refers to the list.
pub fn prefix_list_associations(model: &Model, list: &PrefixList) -> Vec<Value> {
    let one = |id: String| json!({"ResourceId": id, "ResourceOwner": model.account_id});
    model.prefix_list_references(list.id).into_iter().map(one).collect()
}

/// Whether a list is AWS's, whatever blocks the scenario put into it.
pub(crate) fn is_managed_by_aws(list: &PrefixList) -> bool {
    list.customer.is_none()
}
