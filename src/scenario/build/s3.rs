//! `[s3] buckets` and `objects`: what S3 holds when the timeline begins.

use super::*;
use crate::scenario::notation::size;
use crate::scenario::read::closest;
use crate::scenario::regions::names;
use crate::service::s3;

/// A bucket that exists from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredBucket {
    /// The Region it lies in.
    pub region: String,
    /// Its objects' sizes in bytes, by key. Their contents are the simulator's.
    pub objects: BTreeMap<String, usize>,
}

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys of `[s3]`: `buckets`, `objects`.
    pub(super) fn buckets(&mut self, section: &Section<'a, 'r>) {
        for text in section.texts("buckets").unwrap_or_default() {
            self.bucket(&text);
        }
        let mut stored_bytes = 0;
        for text in section.texts("objects").unwrap_or_default() {
            self.object(&text, &mut stored_bytes);
        }
    }

    /// `NAME` or `NAME in REGION`.
    fn bucket(&mut self, text: &Text<'a>) {
        let words: Vec<&str> = text.text.split_whitespace().collect();
        let (name, region) = match words[..] {
            [name] => (name, self.model.region.as_str()),
            [name, "in", region] => (name, region),
            _ => {
                let message = format!("\"{}\" is no bucket", shown(text.text));
                return self.report(Problem::new(text.contents(), message, "expected NAME or NAME in REGION"));
            }
        };
        let region = region.to_owned();
        if !names().any(|known| known == region) {
            let here = closest(&region, names()).map(|known| format!("did you mean \"{known}\"?"));
            let message = format!("\"{}\" is no Region that vpcsim knows", shown(&region));
            let here = here.unwrap_or_else(|| "no such Region".to_owned());
            self.report(Problem::new(text.place(words[words.len() - 1]), message, here));
        }
        if !s3::is_bucket_name(name) {
            let message = format!("\"{}\" is no name for an S3 bucket", shown(name));
            let problem = Problem::new(text.place(name), message, "not allowed");
            self.report(
                problem.help("3 to 63 small letters, digits, hyphens and points, a letter or digit at both ends"),
            );
        } else if self.buckets.contains_key(name) {
            self.report(Problem::new(text.place(name), format!("the bucket \"{name}\" is named twice"), "again here"));
        } else if self.buckets.len() == s3::BUCKETS_MAX {
            let message = format!("there are more than {} buckets", s3::BUCKETS_MAX);
            self.report(Problem::new(text.contents(), message, "one too many"));
        } else {
            self.buckets.insert(name.to_owned(), DeclaredBucket { region, objects: BTreeMap::new() });
        }
    }

    /// `BUCKET/KEY SIZE`.
    fn object(&mut self, text: &Text<'a>, stored_bytes: &mut usize) {
        let unreadable = || {
            let problem = Problem::new(text.contents(), format!("\"{}\" is no object", shown(text.text)), "here");
            problem.help("expected BUCKET/KEY SIZE, for example \"pictures/2026/cat.jpg 20 KiB\"")
        };
        // "20 KiB" or "20KiB": the size begins at the last word that begins with a digit.
        let mut starts = text.text.match_indices(char::is_whitespace).map(|(at, _)| at);
        let split = starts.rfind(|at| text.text[*at..].trim_start().starts_with(|c: char| c.is_ascii_digit()));
        let Some((path, amount)) = split.map(|at| text.text.split_at(at)) else { return self.report(unreadable()) };
        let Some((bucket, key)) = path.trim().split_once('/').filter(|(_, key)| !key.is_empty()) else {
            return self.report(unreadable());
        };
        let bytes = match size(&text.sliced(amount.trim())) {
            Ok(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
            Err(problem) => return self.report(problem),
        };
        *stored_bytes = stored_bytes.saturating_add(bytes);
        let problem = |message: String, here: &str| Problem::new(text.contents(), message, here);
        if bytes > s3::OBJECT_BYTES_MAX {
            return self.report(problem(
                format!("the object has {bytes} bytes"),
                &format!("at most {} (16 MiB)", s3::OBJECT_BYTES_MAX),
            ));
        }
        if *stored_bytes > s3::STORED_BYTES_MAX {
            let here = format!("at most {} (64 MiB) in all", s3::STORED_BYTES_MAX);
            return self.report(problem(format!("with it S3 holds {stored_bytes} bytes"), &here));
        }
        if key.len() > s3::KEY_BYTES_MAX {
            let message = format!("the key has {} bytes", key.len());
            return self.report(problem(message, &format!("at most {}", s3::KEY_BYTES_MAX)));
        }
        let Some(declared) = self.buckets.get_mut(bucket) else {
            let known = closest(bucket, self.buckets.keys().map(String::as_str));
            let here = known.map_or_else(|| "no such bucket".to_owned(), |name| format!("did you mean \"{name}\"?"));
            let message = format!("no bucket is called \"{}\"", shown(bucket));
            return self.report(problem(message, &here).help("name it in \"buckets\" first"));
        };
        if declared.objects.insert(key.to_owned(), bytes).is_some() {
            self.report(problem(format!("the object \"{key}\" is named twice"), "again here"));
        }
    }
}
