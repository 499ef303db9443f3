//! The scenarios on disk are the scenarios in the program.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use vpcsim::scenario::EMBEDDED;

#[test]
fn every_scenario_file_is_embedded_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files = BTreeMap::new();
    for folder in ["", "drops", "problems", "programs", "roads"] {
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

/// The format's reference mentions every key, in the part about its table.
#[test]
fn the_reference_names_every_key() {
    let reference = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/README.md")).unwrap();
    let parts: Vec<&str> = reference.split("\n## ").collect();
    let mut keys_count = 0;
    for (table, key) in vpcsim::scenario::schema::keys() {
        let top = table.split('.').next().unwrap_or_default();
        let part = match top {
            "" => parts.iter().find(|part| part.starts_with("The top")),
            top => parts.iter().find(|part| part.lines().next().is_some_and(|head| head.contains(&format!("[{top}]")))),
        };
        let part = part.unwrap_or_else(|| panic!("scenarios/README.md has no part about [{top}]"));
        assert!(part.contains(&format!("`{key}`")), "scenarios/README.md does not mention `{key}` of [{table}]");
        keys_count += 1;
    }
    assert!(keys_count > 110, "only {keys_count} keys");
}
