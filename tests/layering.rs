//! Architecture as a test: who may use whom, and where clocks, files, threads and foreign stacks may appear.
//!
//! Reads every path in `src/` (comments, strings and `#[cfg(test)]` items taken out) and holds it against [`LAYERS`]. Non-goal:
//! understanding Rust. Paths are found in text; a macro that builds a path from pieces would escape.

mod source;

use source::{SourceFile, line_of, without_comments_and_strings, without_tests};
use std::collections::BTreeSet;

/// The layers, lowest first, and in each its modules: a module uses only modules to its left or in lower layers.
/// Modules that later parts add stand here already; one that is missing in `src/lib.rs` is no error.
const LAYERS: [&[&str]; 7] = [
    &["time", "calendar", "rng", "ids", "net", "wire", "lpm"],
    &["model", "iam"],
    &["program", "compile"],
    &["dataplane", "fastpath"],
    &["host", "service", "control", "traffic", "sim"],
    // `api` before `awscli`: both speak the same service model, and the command line is the richer reader of it.
    &[
        "api", "scenario", "awscli", "programs", "explain", "cost", "lint", "codes", "diff", "capture", "metrics",
        "report", "lesson", "import", "run", "lanes", "replay",
    ],
    &["live", "server", "cli"],
];

/// The data plane meets programs and packets only.
const DATA_PLANE: [&str; 2] = ["dataplane", "fastpath"];
const NOT_IN_DATA_PLANE: [&str; 5] = ["model", "iam", "compile", "host", "control"];

/// What only some modules may name: the words, the modules, the rule.
const CONFINED: [(&[&str], &[&str], &str); 9] = [
    (&["smoltcp"], &["host", "live"], "smoltcp only in `host` (and `live`)"),
    (&["rustls"], &["host", "service"], "rustls only under `host` and `service`"),
    (&["pnet", "pnet_datalink", "tun_rs"], &["live"], "raw sockets and TUN only in `live`"),
    (&["std::fs", "std::thread", "rayon", "std::env", "std::process"], SHELL, "files, threads, environment only in L6"),
    (
        &["std::net::TcpStream", "std::net::TcpListener", "std::net::UdpSocket", "std::os::unix::net"],
        SHELL,
        "sockets of the machine only in L6",
    ),
    (&["Instant::now", "SystemTime"], SHELL, "clocks only in L6: time is an argument"),
    (&["println!", "print!", "eprintln!", "eprint!"], &["cli", "main"], "printing only in `cli`"),
    (
        &["OsRng", "SystemRandom", "getrandom", "thread_rng", "RandomState"],
        SHELL,
        "randomness comes from `rng` alone, so that the same seed gives the same bytes",
    ),
    (
        &["HashMap", "HashSet", "FxHashMap", "FxHashSet"],
        HASHED,
        "no hash maps below L6 (their order is not reproducible): use BTreeMap, or add the module to HASHED if it never iterates",
    ),
];

const SHELL: &[&str] = &["live", "server", "cli", "main"];

/// The tables of sessions and conversations, and the values of forwarding tables, are hashed for speed and never iterated for output; so are the
/// connections of a host's sockets, and what the report's observer counts with every packet.
const HASHED: &[&str] = &["lpm", "dataplane", "fastpath", "host", "replay", "run", "live", "server", "cli", "main"];

/// A broken rule, as `file:line: rule`.
type Violation = String;

#[test]
fn every_path_in_src_keeps_to_the_layers() {
    let files = source::files("src");
    assert!(files.len() > 20, "only {} files found: is the test looking in the right place?", files.len());
    let violations = check(&files);
    assert!(violations.is_empty(), "{} broken rules:\n{}", violations.len(), violations.join("\n"));
}

#[test]
fn lib_rs_lists_known_modules_under_the_heading_of_their_layer() {
    let files = source::files("src");
    let lib = files.iter().find(|file| file.path == "src/lib.rs").expect("src/lib.rs");
    assert_eq!(misplaced_modules(&lib.text), Vec::<String>::new());
    let broken = "// L0 words\npub mod time;\npub mod model;\n// L1 intent\npub mod gadgets;\n";
    assert_eq!(
        misplaced_modules(broken),
        ["src/lib.rs:3: `model` belongs to L1", "src/lib.rs:5: `gadgets` is in no layer: add it to LAYERS"]
    );
}

/// The reference may read the model, and nothing that was made from it.
#[test]
fn the_reference_walk_is_independent_of_what_it_judges() {
    let drivers =
        ["subject.rs", "subject/notes.rs", "frames.rs", "mod.rs"].map(|name| format!("tests/reference/{name}"));
    let forbidden = ["compile", "program", "dataplane", "lpm", "wire"];
    let files = source::files("tests/reference");
    assert!(files.iter().any(|file| file.path == "tests/reference/world.rs"));
    for file in files.iter().filter(|file| !drivers.contains(&file.path)) {
        let code = without_comments_and_strings(&file.text);
        for (at, path) in paths_from(&code, "vpcsim") {
            let module = path.split("::").next().unwrap_or_default();
            assert!(!forbidden.contains(&module), "{}:{}: vpcsim::{path}", file.path, line_of(&code, at));
        }
    }
}

fn check(files: &[SourceFile]) -> Vec<Violation> {
    let stripped: Vec<(&SourceFile, String, Vec<String>)> = (files.iter())
        .map(|file| {
            let (code, test_modules) = without_tests(&without_comments_and_strings(&file.text));
            (file, code, test_modules)
        })
        .collect();
    let test_files: BTreeSet<String> = stripped
        .iter()
        .flat_map(|(file, _, names)| names.iter().map(|name| module_path_in(&file.path, name)))
        .collect();
    let mut violations = Vec::new();
    for (file, code, _) in &stripped {
        let path = module_path(&file.path);
        let is_test = |test: &String| path == *test || path.starts_with(&format!("{test}::"));
        if !test_files.iter().any(is_test) {
            check_file(&file.path, code, &mut violations);
        }
    }
    violations.sort();
    violations
}

fn check_file(path: &str, code: &str, violations: &mut Vec<Violation>) {
    let module_path = module_path(path);
    let module = module_path.split("::").next().unwrap_or_default().to_owned();
    let at_line = |at: usize, rule: String| format!("{path}:{}: {rule}", line_of(code, at));
    if module != "main" && !module.is_empty() && rank(&module).is_none() {
        violations.push(format!("{path}:1: `{module}` is in no layer: add it to LAYERS"));
        return;
    }
    let root = if module == "main" { "vpcsim" } else { "crate" };
    let mut used = paths_from(code, root);
    let depth = if module_path.is_empty() { 0 } else { module_path.split("::").count() };
    used.extend(paths_through_super(code, depth));
    for (at, used_path) in &used {
        let used_module = used_path.split("::").next().unwrap_or_default();
        if module != "main" && !module.is_empty() {
            let broken = broken_rule(&module, used_module);
            violations.extend(broken.map(|rule| at_line(*at, rule)));
        }
    }
    let external = words_of(code);
    for (words, homes, rule) in CONFINED {
        for word in words {
            for at in external.iter().filter(|(_, found)| names_word(found, word)).map(|(at, _)| *at) {
                if !homes.contains(&module.as_str()) {
                    violations.push(at_line(at, format!("`{word}` in `{module}`: {rule}")));
                }
            }
        }
    }
}

/// Why `module` may not use `used`.
fn broken_rule(module: &str, used: &str) -> Option<String> {
    if module == used {
        return None;
    }
    let Some(of_used) = rank(used) else {
        return Some(format!("`crate::{used}` is no module of LAYERS: name things by their module"));
    };
    let of_module = rank(module)?;
    if DATA_PLANE.contains(&module) && NOT_IN_DATA_PLANE.contains(&used) {
        return Some(format!("`{module}` names `{used}`: a packet meets programs, never what they were made from"));
    }
    if module == "program" && used == "model" {
        return Some("`program` names `model`: below L4 only `compile` sees both".to_owned());
    }
    if of_used.0 > of_module.0 {
        return Some(format!("`{module}` (L{}) uses `{used}` (L{}): only lower layers", of_module.0, of_used.0));
    }
    if of_used.0 == of_module.0 && of_used.1 > of_module.1 {
        return Some(format!("`{module}` uses `{used}`, which stands after it in L{}", of_used.0));
    }
    None
}

/// Layer and place in it.
fn rank(module: &str) -> Option<(usize, usize)> {
    let place = |layer: &&[&str]| layer.iter().position(|name| *name == module);
    LAYERS.iter().enumerate().find_map(|(number, layer)| Some((number, place(layer)?)))
}

fn misplaced_modules(lib: &str) -> Vec<String> {
    let mut layer = None;
    let mut errors = Vec::new();
    for (number, line) in lib.lines().enumerate() {
        if let Some(heading) = line.strip_prefix("// L") {
            layer = heading.split(' ').next().and_then(|digits| digits.parse::<usize>().ok());
        }
        let declared = line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("mod "));
        let Some(name) = declared.and_then(|rest| rest.strip_suffix(';')) else { continue };
        match rank(name) {
            None => errors.push(format!("src/lib.rs:{}: `{name}` is in no layer: add it to LAYERS", number + 1)),
            Some((right, _)) if layer != Some(right) => {
                errors.push(format!("src/lib.rs:{}: `{name}` belongs to L{right}", number + 1));
            }
            Some(_) => {}
        }
    }
    errors
}

/// `src/model/vpc.rs` -> `model::vpc`; `src/lib.rs` -> nothing; `src/main.rs` -> `main`.
fn module_path(path: &str) -> String {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    let inner = inner.strip_suffix(".rs").unwrap_or(inner);
    let inner = inner.strip_suffix("/mod").unwrap_or(inner);
    if inner == "lib" { String::new() } else { inner.replace('/', "::") }
}

/// The path of the module `name` that the file at `path` declares.
fn module_path_in(path: &str, name: &str) -> String {
    let parent = module_path(path);
    if parent.is_empty() { name.to_owned() } else { format!("{parent}::{name}") }
}

/// Every path that begins with `root::`, without the root and with groups opened: (byte position, path).
fn paths_from(code: &str, root: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(root) {
        let before = code[..at].chars().next_back();
        let part_of_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$');
        let after = code[at + root.len()..].trim_start();
        if !part_of_word && let Some(tail) = after.strip_prefix("::") {
            open_groups(tail, "", &mut |path| found.push((at, path)));
        }
    }
    found
}

/// Paths whose `super`s climb out of a module at `depth` to the crate's root.
fn paths_through_super(code: &str, depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, path) in paths_from(code, "super") {
        // Inner `super`s of one chain are found as chains of their own; only the first is one.
        if code[..at].trim_end().ends_with("::") {
            continue;
        }
        let climbs = 1 + path.split("::").take_while(|part| *part == "super").count();
        if climbs >= depth {
            let rest: Vec<&str> = path.split("::").skip(climbs - 1).collect();
            found.push((at, rest.join("::")));
        }
    }
    found
}

/// Reads one use tree or path: `a::{b, c::d}` gives `a::b` and `a::c::d`.
fn open_groups(tree: &str, prefix: &str, found: &mut dyn FnMut(String)) {
    let tree = tree.trim_start();
    if let Some(group) = tree.strip_prefix('{') {
        let (mut depth, mut start) = (0, 0);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    if !group[start..at].trim().is_empty() {
                        open_groups(&group[start..at], prefix, found);
                    }
                    start = at + 1;
                    if c == '}' {
                        return;
                    }
                }
                _ => {}
            }
        }
        return;
    }
    let length = tree.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(tree.len());
    let joined = if prefix.is_empty() { tree[..length].to_owned() } else { format!("{prefix}::{}", &tree[..length]) };
    match tree[length..].trim_start().strip_prefix("::") {
        // `Vec::<T>::new`: what follows is a type argument, not a path.
        Some(rest) if !rest.trim_start().starts_with('<') => open_groups(rest, &joined, found),
        _ => found(joined),
    }
}

/// Every path written in the code, groups opened: `std::{fs, io}` is `std::fs` and `std::io`.
fn words_of(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut previous = ' ';
    let mut skip_to = 0;
    for (at, c) in code.char_indices() {
        let starts = (c.is_alphabetic() || c == '_') && !(previous.is_alphanumeric() || previous == '_');
        previous = c;
        if starts && at >= skip_to && !code[..at].trim_end().ends_with("::") {
            open_groups(&code[at..], "", &mut |path| found.push((at, path)));
            let length = code[at..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(0);
            let after = &code[at + length..];
            if after.starts_with('!') && !after.starts_with("!=") {
                found.push((at, format!("{}!", &code[at..at + length])));
            }
            skip_to = at + length;
        }
    }
    found
}

/// Whether the path contains the word, or the word's parts one after another.
fn names_word(path: &str, word: &str) -> bool {
    let (parts, wanted): (Vec<&str>, Vec<&str>) = (path.split("::").collect(), word.split("::").collect());
    parts.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod self_tests {
    use super::*;

    fn violations(path: &str, text: &str) -> Vec<Violation> {
        check(&[SourceFile { path: path.to_owned(), text: text.to_owned() }])
    }

    #[track_caller]
    fn refused(path: &str, text: &str, line: usize, about: &str) {
        let found = violations(path, text);
        let place = format!("{path}:{line}: ");
        assert!(
            found.iter().any(|violation| violation.starts_with(&place) && violation.contains(about)),
            "wanted {place}...{about}..., got {found:?}"
        );
    }

    #[track_caller]
    fn allowed(path: &str, text: &str) {
        assert_eq!(violations(path, text), Vec::<String>::new());
    }

    #[test]
    fn arrows_point_down() {
        allowed("src/sim/mod.rs", "use crate::{dataplane::{step, State}, time::SimTime};\nuse crate::model::Model;");
        refused("src/model/vpc.rs", "use crate::ids::VpcId;\nuse crate::program::Program;", 2, "only lower layers");
        refused("src/wire/mod.rs", "use crate::{\n    net::MacAddress,\n    lpm::Fib,\n};", 1, "stands after it in L0");
        refused("src/ids.rs", "fn f() -> crate::cli::Flags { todo() }", 1, "`cli` (L6)");
        refused("src/ids.rs", "use crate :: gadgets::Gadget;", 1, "no module of LAYERS");
        refused("src/gadgets.rs", "fn f() {}", 1, "in no layer");
    }

    #[test]
    fn supers_are_followed_to_the_root() {
        allowed("src/model/vpc.rs", "use super::Tags;\nuse super::super::ids::VpcId;");
        refused("src/model/vpc.rs", "use super::super::program::Node;", 1, "`program` (L2)");
        refused("src/model/mod.rs", "use super::{ids::VpcId, sim::Sim};", 1, "`sim` (L4)");
        refused("src/dataplane/nodes/eni.rs", "use super::super::super::model::Model;", 1, "a packet meets programs");
    }

    #[test]
    fn the_data_plane_does_not_know_intent_and_only_compile_knows_both() {
        refused("src/dataplane/step.rs", "\nuse crate::model::Model;", 2, "a packet meets programs");
        refused("src/program/node.rs", "use crate::model::Subnet;", 1, "only `compile` sees both");
        allowed("src/compile/mod.rs", "use crate::{model::Model, program::Program};");
    }

    #[test]
    fn foreign_stacks_clocks_and_printing_have_their_places() {
        allowed("src/host/device.rs", "use smoltcp::phy::Device; struct UdpSocket; fn print(self) { self.println() }");
        refused("src/host/device.rs", "use std::net::{Ipv4Addr, TcpStream};", 1, "sockets");
        refused("src/sim/mod.rs", "use smoltcp::time::Duration;", 1, "smoltcp only in `host`");
        refused("src/capture/mod.rs", "fn f(c: &rustls::ClientConnection) {}", 1, "rustls only");
        refused("src/capture/mod.rs", "use std::{fmt, fs::File, io};", 1, "`std::fs`");
        refused("src/sim/mod.rs", "fn f() { std::thread::spawn(|| ()); }", 1, "`std::thread`");
        refused("src/sim/mod.rs", "fn f() { let t = Instant::now(); }", 1, "time is an argument");
        refused("src/calendar.rs", "use std::time::SystemTime;", 1, "time is an argument");
        refused("src/run/mod.rs", "fn f() {\n    println!(\"x\");\n}", 2, "printing only");
        refused("src/service/mod.rs", "use std::collections::{BTreeMap, HashMap};", 1, "hash maps");
        refused("src/host/tls.rs", "let rng = ring::rand::SystemRandom::new();", 1, "randomness");
        allowed("src/cli/mod.rs", "use std::{env, fs}; fn f() { println!(\"{:?}\", std::time::Instant::now()); }");
        allowed("src/main.rs", "use vpcsim::cli; fn main() { std::process::exit(cli::main()); }");
    }

    #[test]
    fn comments_strings_and_tests_do_not_count() {
        allowed(
            "src/ids.rs",
            r##"
//! Not crate::cli, nor std::fs.
/* println!("x"); /* nested crate::cli */ SystemTime */
const A: &str = "crate::cli::x \" std::fs";
const B: &str = r#"use crate::cli; " println!"#;
const C: char = '"'; fn f<'a>(x: &'a str) -> &'a str { x }
#[cfg(test)]
mod tests {
    use crate::cli::Flags;
    fn g() { println!("{}", '}'); }
}
#[cfg(test)]
use std::{env, fs};
"##,
        );
        // What stands behind a test module counts again.
        refused("src/ids.rs", "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::cli::Flags;", 3, "`cli` (L6)");
    }

    #[test]
    fn test_modules_in_files_of_their_own_do_not_count() {
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        let module = file("src/wire/mod.rs", "#[cfg(test)]\nmod tests;\nmod real;");
        let tests = file("src/wire/tests.rs", "use crate::sim::Sim; fn f() { println!(); }");
        let real = file("src/wire/real.rs", "use crate::sim::Sim;");
        assert_eq!(check(&[module.clone(), tests]), Vec::<String>::new());
        assert_eq!(check(&[module, real]).len(), 1);
    }
}
