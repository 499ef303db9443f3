//! Options as getopt takes them: `-c 4`, `-c4`, `-zv`, `--max-time 3`, `--max-time=3`, `--`.
//!
//! One table per program says which options exist; an option that is not in it is refused with the list of those that are.

use super::Destination;
use crate::awscli::{UsageError, Word};
use crate::time::SimDuration;
use std::ops::{Range, RangeInclusive};

/// An option of a program.
#[derive(Debug)]
pub(super) struct Flag {
    /// How it is written: `-c`, `--max-time`; several are synonyms.
    pub(super) names: &'static [&'static str],
    /// What its value is called, if it takes one.
    pub(super) value: Option<&'static str>,
}

/// An option without a value.
pub(super) const fn switch(names: &'static [&'static str]) -> Flag {
    Flag { names, value: None }
}

/// An option with a value.
pub(super) const fn option(names: &'static [&'static str], value: &'static str) -> Flag {
    Flag { names, value: Some(value) }
}

/// An option that was given.
#[derive(Debug)]
pub(super) struct Given<'w> {
    /// The first of its names.
    pub(super) name: &'static str,
    value: &'w str,
    span: Range<usize>,
}

/// A command line taken apart.
#[derive(Debug)]
pub(super) struct Arguments<'w> {
    pub(super) options: Vec<Given<'w>>,
    pub(super) operands: Vec<&'w Word>,
    /// Where the line ends, for what is missing.
    end: Range<usize>,
}

/// Takes `words`, the program's name not among them, apart. Options and operands may be mixed.
pub(super) fn arguments<'w>(program: &str, words: &'w [Word], flags: &[Flag]) -> Result<Arguments<'w>, UsageError> {
    let end = words.last().map_or(0..program.len(), |word| word.range.clone());
    let mut found = Arguments { options: Vec::new(), operands: Vec::new(), end };
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = word.text.as_str();
        if text == "--" {
            found.operands.extend(rest.by_ref());
        } else if text.starts_with("--") {
            let (name, inline) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (text, None),
            };
            let flag = known(program, name, word, flags)?;
            let value = match (flag.value, inline) {
                (None, Some(_)) => {
                    return Err(UsageError::syntax(format!("{name} takes no value")).at(&word.range));
                }
                (None, None) => "",
                (Some(_), Some(value)) => value,
                (Some(what), None) => value_after(name, what, word, &mut rest)?,
            };
            found.options.push(Given { name: flag.names[0], value, span: word.range.clone() });
        } else if text.len() > 1 && text.starts_with('-') {
            cluster(program, word, &mut rest, flags, &mut found.options)?;
        } else {
            found.operands.push(word);
        }
    }
    Ok(found)
}

/// `-zv`, `-w5`: letters, the last of which may have a value.
fn cluster<'w>(
    program: &str,
    word: &'w Word,
    rest: &mut std::slice::Iter<'w, Word>,
    flags: &[Flag],
    options: &mut Vec<Given<'w>>,
) -> Result<(), UsageError> {
    let text = word.text.as_str();
    for (at, letter) in text.char_indices().skip(1) {
        let name = format!("-{letter}");
        let flag = known(program, &name, word, flags)?;
        let after = &text[at + letter.len_utf8()..];
        let value = match flag.value {
            None => "",
            Some(_) if !after.is_empty() => after,
            Some(what) => value_after(&name, what, word, rest)?,
        };
        options.push(Given { name: flag.names[0], value, span: word.range.clone() });
        if flag.value.is_some() {
            break;
        }
    }
    Ok(())
}

fn value_after<'w>(
    name: &str,
    what: &str,
    word: &Word,
    rest: &mut std::slice::Iter<'w, Word>,
) -> Result<&'w str, UsageError> {
    let next =
        rest.next().ok_or_else(|| UsageError::syntax(format!("{name} needs a value: {what}")).at(&word.range))?;
    Ok(&next.text)
}

fn known<'f>(program: &str, name: &str, word: &Word, flags: &'f [Flag]) -> Result<&'f Flag, UsageError> {
    if let Some(flag) = flags.iter().find(|flag| flag.names.contains(&name)) {
        return Ok(flag);
    }
    if matches!(name, "-6" | "--ipv6") {
        let message = format!("{program} {name}: vpcsim does not simulate IPv6");
        return Err(UsageError::unsupported(message).at(&word.range));
    }
    let shown: Vec<String> = flags
        .iter()
        .map(|flag| match flag.value {
            Some(value) => format!("{} {value}", flag.names[0]),
            None => flag.names[0].to_owned(),
        })
        .collect();
    let message = format!("{program} has no option {name} in vpcsim; it has {}", shown.join(", "));
    let long = flags.iter().flat_map(|flag| flag.names).copied().filter(|known| known.len() > 2 && name.len() > 2);
    Err(UsageError::unsupported(message).at(&word.range).did_you_mean(name, long))
}

impl<'w> Arguments<'w> {
    /// Exactly one operand.
    pub(super) fn one_operand(&self, what: &str) -> Result<&'w Word, UsageError> {
        match self.operands.as_slice() {
            [one] => Ok(one),
            [] => Err(self.missing(what)),
            [_, second, ..] => Err(UsageError::syntax(format!("one {what} is enough")).at(&second.range)),
        }
    }

    /// A host and a port.
    pub(super) fn host_and_port(&self) -> Result<(Destination, u16), UsageError> {
        match self.operands.as_slice() {
            [host, port] => Ok((destination(host)?, port_number(port)?)),
            [] => Err(self.missing("host")),
            [_] => Err(self.missing("port")),
            [_, _, third, ..] => Err(UsageError::syntax("a host and a port are enough").at(&third.range)),
        }
    }

    /// "a host is missing", at the end of the line.
    pub(super) fn missing(&self, what: &str) -> UsageError {
        UsageError::syntax(format!("the {what} is missing")).at(&self.end)
    }
}

impl Given<'_> {
    /// The value as text.
    pub(super) fn text(&self) -> String {
        self.value.to_owned()
    }

    /// The value as a whole number in `range`.
    pub(super) fn number(&self, range: RangeInclusive<u64>) -> Result<u64, UsageError> {
        let number = self.value.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| self.refuse(&format!("a whole number from {} to {}", range.start(), range.end())))
    }

    /// The value as seconds, up to a day: `0.2`, `5`.
    pub(super) fn seconds(&self) -> Result<SimDuration, UsageError> {
        const SECONDS_MAX: f64 = 86_400.0;
        let plain = self.value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let seconds = self.value.parse::<f64>().ok().filter(|seconds| plain && *seconds <= SECONDS_MAX);
        let seconds = seconds.ok_or_else(|| self.refuse("seconds, 0 to 86400"))?;
        Ok(SimDuration::from_nanos((seconds * 1e9).round() as u64))
    }

    /// The value as a size, up to `bytes_max`: `1500`, `64K`, `100M`, `1G` (powers of 1,024, as iperf3 has it).
    pub(super) fn size(&self, bytes_max: u64) -> Result<u64, UsageError> {
        let (digits, scale) = match self.value.char_indices().last() {
            Some((at, 'k' | 'K')) => (&self.value[..at], 1 << 10),
            Some((at, 'm' | 'M')) => (&self.value[..at], 1 << 20),
            Some((at, 'g' | 'G')) => (&self.value[..at], 1 << 30),
            _ => (self.value, 1),
        };
        let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(scale));
        let bytes = bytes.filter(|bytes| (1..=bytes_max).contains(bytes));
        bytes.ok_or_else(|| self.refuse(&format!("a size from 1 to {bytes_max} bytes, as 1500, 64K, 100M")))
    }

    /// The value as one of `words`.
    pub(super) fn one_of(&self, words: &[&'static str]) -> Result<&'static str, UsageError> {
        let found = words.iter().find(|word| **word == self.value);
        found.copied().ok_or_else(|| {
            self.refuse(&format!("one of {}", words.join(", "))).did_you_mean(self.value, words.iter().copied())
        })
    }

    /// "-c wants ..., not ...".
    pub(super) fn refuse(&self, wanted: &str) -> UsageError {
        let Given { name, value, span } = self;
        UsageError::syntax(format!("{name} wants {wanted}, not \"{value}\"")).at(span)
    }
}

/// A word as a host: a name or an IPv4 address.
pub(super) fn destination(word: &Word) -> Result<Destination, UsageError> {
    let host = host_name(&word.text, &word.range)?;
    Ok(Destination { host, span: word.range.clone() })
}

/// Text that can be a host.
pub(super) fn host_name(text: &str, span: &Range<usize>) -> Result<String, UsageError> {
    if text.contains(':') && !text.contains("://") {
        return Err(UsageError::unsupported(format!("\"{text}\": vpcsim does not simulate IPv6")).at(span));
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.len() > 253 || !name.split('.').all(label) {
        return Err(UsageError::syntax(format!("\"{text}\" is neither a host's name nor an IPv4 address")).at(span));
    }
    Ok(name.to_owned())
}

/// A word as a port.
pub(super) fn port_number(word: &Word) -> Result<u16, UsageError> {
    let port = word.text.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| UsageError::syntax(format!("\"{}\" is no port: expected 1 to 65535", word.text)).at(&word.range))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::awscli::words;

    const FLAGS: [Flag; 3] = [switch(&["-v", "--verbose"]), option(&["-c", "--count"], "N"), switch(&["-z"])];

    type Read = (Vec<(String, String)>, Vec<String>);

    fn read(line: &str) -> Result<Read, UsageError> {
        let words = words(line)?;
        let found = arguments("test", &words, &FLAGS)?;
        let options = found.options.iter().map(|given| (given.name.to_owned(), given.text())).collect();
        Ok((options, found.operands.iter().map(|word| word.text.clone()).collect()))
    }

    #[test]
    fn options_in_every_notation() {
        for line in
            ["-v -c 4 host", "-vc4 host", "host -vc 4", "--verbose --count 4 -- host", "--verbose --count=4 host"]
        {
            let (options, operands) = read(line).unwrap();
            assert_eq!(options, [("-v", ""), ("-c", "4")].map(|(a, b)| (a.to_owned(), b.to_owned())), "{line}");
            assert_eq!(operands, ["host"], "{line}");
        }
    }

    #[test]
    fn mistakes_name_the_place_and_what_there_is() {
        let refused = |line: &str| read(line).unwrap_err();
        let unknown = refused("-v --conut 4");
        assert_eq!(
            unknown.to_string(),
            "test has no option --conut in vpcsim; it has -v, -c N, -z; did you mean --count?"
        );
        assert_eq!(unknown.span, Some(3..10));
        assert_eq!(refused("-zq").to_string(), "test has no option -q in vpcsim; it has -v, -c N, -z");
        assert_eq!(refused("-z -c").to_string(), "-c needs a value: N");
        assert_eq!(refused("--verbose=1").to_string(), "--verbose takes no value");
    }

    #[test]
    fn values_are_checked() {
        let given = |value| Given { name: "-x", value, span: 0..1 };
        assert_eq!(given("0.25").seconds().unwrap(), SimDuration::from_millis(250));
        assert_eq!(given("100M").size(1 << 40).unwrap(), 104_857_600);
        assert_eq!(given("7").number(1..=7).unwrap(), 7);
        for bad in ["", "-1", "x", "1e5", "inf", "999999"] {
            assert!(given(bad).seconds().is_err(), "{bad}");
        }
        for bad in ["", "0", "-1", "5T", "9999999999999G", "é"] {
            assert!(given(bad).size(1 << 40).is_err(), "{bad}");
        }
        assert_eq!(given("8").number(1..=7).unwrap_err().to_string(), "-x wants a whole number from 1 to 7, not \"8\"");
    }
}
