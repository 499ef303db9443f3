//! The scenarios on disk are the scenarios in the program.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use vpcsim::scenario::EMBEDDED;

#[test]
fn every_scenario_file_is_embedded_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files = BTreeMap::new();
    for folder in ["", "drops", "programs"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let stem = path.file_stem().unwrap().to_str().unwrap();
                let name = if folder.is_empty() { stem.to_owned() } else { format!("{folder}/{stem}") };
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let embedded: BTreeMap<_, _> =
        EMBEDDED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    assert_eq!(files, embedded);
    assert_eq!(EMBEDDED[0].0, "tutorial", "the first one is the default");
}

/// The format's reference mentions every key that any section knows: asked by way of the error that lists them.
#[test]
fn the_reference_names_every_key() {
    let reference = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/README.md")).unwrap();
    let vpc = "region = \"us-east-1\"\n[vpc]\nv = { cidr = \"10.0.0.0/16\" ";
    let sources = [
        "zz = 1\nregion = \"us-east-1\"\n".to_owned(),
        format!("{vpc}, zz = 1 }}\n"),
        format!("{vpc}}}\n[subnet]\ns = {{ cidr = \"10.0.0.0/24\", zz = 1 }}\n"),
        format!("{vpc}}}\n[subnet]\ns = {{ cidr = \"10.0.0.0/24\" }}\n[instance]\ni = {{ subnet = \"s\", zz = 1 }}\n"),
        format!("{vpc}}}\n[route_table]\nt = {{ zz = 1 }}\n"),
        format!("{vpc}}}\n[internet_gateway]\nt = {{ zz = 1 }}\n"),
        format!("{vpc}}}\n[security_group]\nt = {{ zz = 1 }}\n"),
        format!("{vpc}}}\n[network_acl]\nt = {{ zz = 1 }}\n"),
        format!("{vpc}}}\n[elastic_ip]\nt = {{ zz = 1 }}\n"),
        format!("{vpc}}}\n[outside]\nt = {{ address = \"198.51.100.7\", zz = 1 }}\n"),
        format!("{vpc}}}\n[endpoint]\nt = {{ service = \"dynamodb\", zz = 1 }}\n"),
        format!("{vpc}}}\n[prefix_list]\nt = {{ cidrs = [\"10.0.0.0/8\"], zz = 1 }}\n"),
        "region = \"us-east-1\"\n[dynamodb]\nzz = 1\n".to_owned(),
        "region = \"us-east-1\"\n[links]\nzz = 1\n".to_owned(),
        "region = \"us-east-1\"\n[links]\nnic = { zz = 1 }\n".to_owned(),
        "region = \"us-east-1\"\n[service]\nzz = 1\n".to_owned(),
        "region = \"us-east-1\"\n[dns]\nzz = 1\n".to_owned(),
        "region = \"us-east-1\"\n[cli]\nzz = 1\n".to_owned(),
        "region = \"us-east-1\"\n[limits]\nzz = 1\n".to_owned(),
        "region = \"us-east-1\"\n[[step]]\nrun = \"aws ec2 describe-vpcs\"\nzz = 1\n".to_owned(),
        "region = \"us-east-1\"\n[[step]]\nrun = \"aws ec2 describe-vpcs\"\nexpect.all = { zz = 1 }\n".to_owned(),
        "region = \"us-east-1\"\n[[step]]\nrun = \"aws ec2 describe-vpcs\"\nas = { zz = 1 }\n".to_owned(),
        "region = \"us-east-1\"\n[[step]]\nsend = { zz = 1 }\n".to_owned(),
    ];
    let mut keys_count = 0;
    for source in sources {
        let error = vpcsim::scenario::parse("keys.toml", &source, None).unwrap_err();
        let unknown =
            error.problems().find(|problem| problem.message.ends_with("has no key \"zz\"")).expect("an unknown key");
        let keys = unknown.help.as_deref().and_then(|help| help.strip_prefix("its keys are: ")).unwrap_or("");
        for key in keys.split(", ").filter(|key| !key.is_empty()) {
            assert!(
                reference.contains(&format!("`{key}`")),
                "scenarios/README.md does not mention `{key}`:\n{}",
                unknown.message
            );
            keys_count += 1;
        }
    }
    assert!(keys_count > 90, "only {keys_count} keys were asked for");
}
