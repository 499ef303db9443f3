//! `vpcsim list`, `new`, `completions` and `man`, seen from a shell.

mod support;

use serde_json::Value;
use std::fs;
use std::process::Command;
use support::Workplace;
use vpcsim::scenario::EMBEDDED;

/// Every command that there is.
const COMMANDS: [&str; 13] = [
    "run",
    "trace",
    "replay",
    "bench",
    "check",
    "cost",
    "diff",
    "explain",
    "list",
    "new",
    "schema",
    "completions",
    "man",
];

#[test]
fn the_list_names_every_scenario_with_its_title() {
    let workplace = Workplace::new();
    let told = workplace.run(["list"]).success().stdout;
    assert!(told.lines().all(|line| line.chars().count() <= 100));
    let json: Value = serde_json::from_str(&workplace.run(["list", "--json"]).success().stdout).unwrap();
    let entries = json.as_array().unwrap();
    assert_eq!(entries.len(), EMBEDDED.len());
    for ((name, text), entry) in EMBEDDED.iter().zip(entries) {
        assert_eq!(entry["name"], *name);
        let title = entry["title"].as_str().unwrap();
        assert!(text.contains(&format!("\"{title}\"")), "{name}: {title}");
        assert!(told.lines().any(|line| line.starts_with(&format!("{name} "))), "{name}");
    }
}

#[test]
fn a_new_scenario_is_sound_and_runs_as_it_expects() {
    let workplace = Workplace::new();
    let told = workplace.run(["new", "my-lab"]).success().stdout;
    assert_eq!(told, "wrote my-lab.toml; next: vpcsim check my-lab.toml, vpcsim run my-lab.toml\n");
    workplace.run(["check", "my-lab.toml", "--deny", "warnings"]).success();
    workplace.run(["run", "my-lab.toml", "--quiet"]).success();
    let checks = &workplace.result("out/my-lab")["checks"];
    assert_eq!((checks["failed"].as_u64(), checks["passed"].as_u64().unwrap() > 5), (Some(0), true), "{checks}");
    // Its hint is true: without the tables, check has something to say.
    let text = fs::read_to_string(workplace.join("my-lab.toml")).unwrap();
    workplace.write("trap.toml", text.replace(", tables = [\"main\", \"private\"]", ""));
    assert_eq!(workplace.run(["check", "trap.toml", "--deny", "warnings"]).code, Some(1));
}

#[test]
fn a_copy_is_the_original_and_nothing_is_overwritten() {
    let workplace = Workplace::new();
    workplace.run(["new", "mine", "--from", "drops/no-route"]).success();
    let copied = fs::read_to_string(workplace.join("mine.toml")).unwrap();
    assert_eq!(copied, vpcsim::scenario::embedded("drops/no-route").unwrap());
    let again = workplace.run(["new", "mine.toml"]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(2), ""));
    assert!(again.stderr.contains("mine.toml exists already"), "{}", again.stderr);
    assert_eq!(fs::read_to_string(workplace.join("mine.toml")).unwrap(), copied);
    for (name, about) in
        [("../mine", "no name"), ("", "no name"), (".toml", "no name"), ("a b", "no name"), ("-", "no name")]
    {
        let ran = workplace.run(["new", "--", name]);
        assert_eq!(ran.code, Some(2), "{name}");
        assert!(ran.stderr.contains(about), "{name}: {}", ran.stderr);
    }
    let ran = workplace.run(["new", "other", "--from", "drops/no-rote"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("did you mean \"drops/no-route\"?"), "{}", ran.stderr);
    assert_eq!(workplace.files(), ["mine.toml"]);
}

#[test]
fn completions_come_for_every_shell_and_name_every_command() {
    let workplace = Workplace::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = workplace.run(["completions", shell]).success().stdout;
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
        assert!(script.contains("after"), "{shell}: options");
    }
    let ran = workplace.run(["completions", "tcsh"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
}

/// What bash itself proposes.
#[test]
fn bash_completes_commands_options_and_values() {
    let workplace = Workplace::new();
    let script = workplace.run(["completions", "bash"]).success().stdout;
    workplace.write("vpcsim.bash", script);
    let complete = |words: &[&str]| -> Vec<String> {
        let last = words.len() - 1;
        let listed = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
        let line = format!(
            "source ./vpcsim.bash; COMP_WORDS=({listed}); COMP_CWORD={last}; _vpcsim vpcsim '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words[last],
            words[last - 1]
        );
        let output = Command::new("bash").args(["--norc", "-c", &line]).current_dir(workplace.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    };
    assert_eq!(complete(&["vpcsim", "che"]), ["check"]);
    assert_eq!(complete(&["vpcsim", "check", "--a"]), ["--after"]);
    assert_eq!(complete(&["vpcsim", "check", "--deny", ""]), ["warnings"]);
    let commands = complete(&["vpcsim", ""]);
    for command in COMMANDS {
        assert!(commands.iter().any(|word| word == command), "{command} is not among {commands:?}");
    }
}

#[test]
fn man_pages_are_there_for_every_command_and_can_be_set() {
    let workplace = Workplace::new();
    let main = workplace.run(["man"]).success().stdout;
    assert!(main.contains(".TH vpcsim 1"), "{main}");
    workplace.run(["man", "pages/man1"]).success();
    let mut files: Vec<String> = COMMANDS.iter().map(|command| format!("pages/man1/vpcsim-{command}.1")).collect();
    files.push("pages/man1/vpcsim.1".to_owned());
    files.sort();
    assert_eq!(workplace.files(), files);
    for file in files {
        let page = fs::read_to_string(workplace.join(&file)).unwrap();
        for section in [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"] {
            assert!(page.contains(section), "{file}: {section}");
        }
        // Where there is a formatter, it must not complain.
        if let Ok(output) =
            Command::new("groff").args(["-man", "-Tutf8", "-ww", &file]).current_dir(workplace.path()).output()
        {
            assert!(output.status.success(), "{file}");
            let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(complaints, "", "{file}");
            assert!(String::from_utf8_lossy(&output.stdout).contains("vpcsim"), "{file}");
        }
    }
}
