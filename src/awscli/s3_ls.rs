//! `aws s3 ls`: the one high-level command of S3 that needs no files. Lists buckets, or what is in one, as plain text.
//!
//! Source: AWS CLI command reference, `s3 ls`; words, columns and the exit status 1 for "nothing there" as the CLI's own (`tests/api_botocore.rs` compares).
//! `--output`, `--query` and `--no-paginate` change nothing, as in the real one. Times are in UTC, the simulated machines' zone.

use super::globals::{ParsedGlobals, is_option, name_and_value, one_expected};
use super::grammar::Invocation;
use super::output::CommandOutput;
use super::paging;
use super::usage::{UsageError, UsageErrorKind};
use super::words::Word;
use crate::api::Service;
use serde_json::{Map, Value};

/// How a list is printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    recursive: bool,
    human_readable: bool,
    summarize: bool,
    /// Whether a key was asked for: then it is an error if nothing begins with it.
    wants_key: bool,
}

/// Flags, and options with a value.
const FLAGS: [&str; 3] = ["--recursive", "--human-readable", "--summarize"];
const VALUES: [&str; 4] = ["--page-size", "--request-payer", "--bucket-name-prefix", "--bucket-region"];
/// The other commands of `aws s3`.
const OTHERS: [&str; 8] = ["cp", "mb", "mv", "presign", "rb", "rm", "sync", "website"];

/// Parses what follows `aws s3`.
pub(super) fn parse(globals: ParsedGlobals, s3: &Word, words: &[&Word]) -> Result<Invocation, UsageError> {
    let [command, rest @ ..] = words else {
        return Err(UsageError::syntax("the following arguments are required: subcommand").at(&s3.range));
    };
    if command.text != "ls" {
        let is_real = OTHERS.contains(&command.text.as_str());
        return Err(if is_real {
            let message = format!(
                "vpcsim simulates `aws s3 ls`, not `aws s3 {}`: hosts here have no files; see `aws s3api`",
                command.text
            );
            UsageError::unsupported(message).at(&command.range)
        } else {
            let message = format!("argument subcommand: Found invalid choice '{}'", command.text);
            UsageError::syntax(message).at(&command.range).did_you_mean(&command.text, ["ls"])
        });
    }
    let (mut listing, mut path) = (Listing::default(), None);
    let (mut parameters, mut paging) = (Map::new(), paging::Settings { enabled: true, ..paging::Settings::default() });
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let (name, attached) = name_and_value(&word.text);
        if FLAGS.contains(&name) && attached.is_none() {
            match name {
                "--recursive" => listing.recursive = true,
                "--human-readable" => listing.human_readable = true,
                _ => listing.summarize = true,
            }
        } else if VALUES.contains(&name) {
            let value = match attached {
                Some(value) => value,
                None => match words.next().filter(|next| !is_option(&next.text)) {
                    Some(next) => &next.text,
                    None => return Err(one_expected(name).at(&word.range)),
                },
            };
            match name {
                "--page-size" => {
                    let message = format!("argument {name}: invalid int value: '{value}'");
                    let size = value.parse().map_err(|_| UsageError::syntax(message).at(&word.range))?;
                    paging.page_size = Some(size);
                }
                "--request-payer" => drop(parameters.insert("RequestPayer".to_owned(), value.into())),
                "--bucket-name-prefix" => drop(parameters.insert("Prefix".to_owned(), value.into())),
                _ => drop(parameters.insert("BucketRegion".to_owned(), value.into())),
            }
        } else if !is_option(&word.text) && path.is_none() {
            path = Some(word.text.as_str());
        } else {
            let error = UsageError::new(UsageErrorKind::UnknownOptions, format!("Unknown options: {}", word.text));
            return Err(error.at(&word.range).did_you_mean(name, FLAGS.into_iter().chain(VALUES)));
        }
    }
    let path = path.unwrap_or_default();
    let path = path.strip_prefix("s3://").unwrap_or(path);
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let operation = if bucket.is_empty() { "ListBuckets" } else { "ListObjectsV2" };
    if !bucket.is_empty() {
        listing.wants_key = !key.is_empty();
        // Options for buckets say nothing about objects.
        let payer = parameters.shift_remove("RequestPayer");
        parameters = Map::new();
        parameters.insert("Bucket".to_owned(), bucket.into());
        parameters.insert("Prefix".to_owned(), key.into());
        if !listing.recursive {
            parameters.insert("Delimiter".to_owned(), "/".into());
        }
        parameters.extend(payer.map(|payer| ("RequestPayer".to_owned(), payer)));
    } else {
        parameters.shift_remove("RequestPayer");
    }
    Ok(Invocation {
        service: Service::S3,
        operation,
        parameters: Value::Object(parameters),
        globals: globals.kept,
        paging,
        listing: Some(listing),
    })
}

impl Listing {
    /// What the terminal shows of all pages.
    pub(super) fn output(&self, pages: &[Value]) -> CommandOutput {
        let mut stdout = String::new();
        let (mut count, mut bytes) = (0_u64, 0_u64);
        let items = |page: &Value, list: &str| page.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |item: &Value, member: &str| item.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        for page in pages {
            for bucket in items(page, "Buckets") {
                stdout.push_str(&format!("{} {}\n", date(&text(&bucket, "CreationDate")), text(&bucket, "Name")));
            }
            for common in items(page, "CommonPrefixes") {
                let prefix = text(&common, "Prefix");
                let last = prefix.split('/').rev().nth(1).unwrap_or_default();
                stdout.push_str(&format!("{:>30} {last}/\n", "PRE"));
            }
            for object in items(page, "Contents") {
                let size = object.get("Size").and_then(Value::as_u64).unwrap_or_default();
                (count, bytes) = (count + 1, bytes + size);
                let key = text(&object, "Key");
                let shown = if self.recursive { key.as_str() } else { key.rsplit('/').next().unwrap_or_default() };
                stdout.push_str(&format!("{} {:>10} {shown}\n", date(&text(&object, "LastModified")), self.size(size)));
            }
        }
        let nothing = pages
            .first()
            .is_none_or(|page| items(page, "CommonPrefixes").is_empty() && items(page, "Contents").is_empty());
        if self.summarize {
            stdout.push_str(&format!("\nTotal Objects: {count}\n   Total Size: {}\n", self.size(bytes)));
        }
        CommandOutput { stdout, stderr: String::new(), exit_code: u8::from(self.wants_key && nothing) }
    }

    fn size(&self, bytes: u64) -> String {
        if !self.human_readable {
            return bytes.to_string();
        }
        match bytes {
            1 => return "1 Byte".to_owned(),
            0..1024 => return format!("{bytes} Bytes"),
            _ => {}
        }
        let (mut value, mut unit) = (bytes as f64 / 1024.0, 0);
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        while value.round() >= 1024.0 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// `2026-01-01T00:00:00+00:00` as `2026-01-01 00:00:00`.
fn date(text: &str) -> String {
    text.get(..19).unwrap_or(text).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::super::grammar::parse;
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_become_buckets_and_prefixes() {
        let parameters = |line: &str| {
            let invocation = parse(line).unwrap();
            (invocation.operation, invocation.parameters)
        };
        assert_eq!(parameters("aws s3 ls"), ("ListBuckets", json!({})));
        assert_eq!(parameters("aws s3 ls s3://"), ("ListBuckets", json!({})));
        let plain = json!({"Bucket": "b", "Prefix": "", "Delimiter": "/"});
        assert_eq!(parameters("aws s3 ls s3://b"), ("ListObjectsV2", plain.clone()));
        assert_eq!(parameters("aws --region eu-west-1 s3 ls b/ --summarize"), ("ListObjectsV2", plain));
        let all = json!({"Bucket": "b", "Prefix": "x/y"});
        assert_eq!(parameters("aws s3 ls s3://b/x/y --recursive"), ("ListObjectsV2", all));
        for (line, part) in [
            ("aws s3", "subcommand"),
            ("aws s3 lss", "invalid choice"),
            ("aws s3 ls --recursiv", "Unknown options"),
            ("aws s3 ls a b", "Unknown options"),
            ("aws s3 ls --page-size", "expected one argument"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.message.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn nothing_under_a_key_is_an_error() {
        let exit = |wants_key, pages: &[Value]| {
            let listing = Listing { wants_key, ..Listing::default() };
            listing.output(pages).exit_code
        };
        assert_eq!((exit(true, &[json!({})]), exit(false, &[json!({})])), (1, 0));
        assert_eq!(exit(true, &[json!({"CommonPrefixes": [{"Prefix": "a/"}]})]), 0);
    }
}
