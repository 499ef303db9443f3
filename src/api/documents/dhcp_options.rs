//! DHCP option sets.

use super::tags;
use crate::model::{DhcpOptions, DomainNameServers, Model};
use serde_json::{Value, json};

/// A set, its options by key.
pub fn dhcp_options(model: &Model, options: &DhcpOptions) -> Value {
    let servers = match &options.domain_name_servers {
        DomainNameServers::AmazonProvided => vec!["AmazonProvidedDNS".to_owned()],
        DomainNameServers::Own(servers) => servers.iter().map(ToString::to_string).collect(),
    };
    let mut all = options.others.clone();
    all.extend(options.domain_name.clone().map(|name| ("domain-name".to_owned(), vec![name])));
    all.insert("domain-name-servers".to_owned(), servers);
    let configuration = |(key, values): (String, Vec<String>)| {
        let values: Value = values.into_iter().map(|value| json!({"Value": value})).collect();
        json!({"Key": key, "Values": values})
    };
    json!({
        "OwnerId": model.account_id,
        "Tags": tags(&options.tags),
        "DhcpOptionsId": options.id,
        "DhcpConfigurations": all.into_iter().map(configuration).collect::<Value>(),
    })
}
