//! Prefix lists, in the two forms the API has for them.

use super::{arn, partition};
use crate::model::{Model, PrefixList, Provenance};
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
    if is_managed_by_aws(list) {
        let partition = partition(&model.region);
        let resource = format!("arn:{partition}:ec2:{}:aws:prefix-list/{}", model.region, list.id);
        document["PrefixListArn"] = json!(resource);
        document["OwnerId"] = json!("AWS");
    } else {
        document["PrefixListArn"] = json!(arn(model, "prefix-list", list.id));
        document["OwnerId"] = json!(model.account_id);
        document["MaxEntries"] = json!(list.weight);
        document["Version"] = json!(1);
    }
    document
}

/// As GetManagedPrefixListEntries shows it.
pub fn prefix_list_entries(list: &PrefixList) -> Vec<Value> {
    list.cidrs.iter().map(|cidr| json!({"Cidr": cidr.to_string()})).collect()
}

/// Names beginning so are AWS's, whatever the scenario put into the list.
pub(crate) fn is_managed_by_aws(list: &PrefixList) -> bool {
    list.provenance != Provenance::Scenario || list.name.starts_with("com.amazonaws.")
}
