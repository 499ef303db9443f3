//! curl's `-w FORMAT`: `%{variable}`, `%%`, `\n`, `\t`, `\r`.

use super::{Curl, Given};
use crate::awscli::UsageError;
use crate::host::{Outcome, Reply};
use crate::time::SimTime;

/// The variables there are.
const VARIABLES: [&str; 21] = [
    "http_code",
    "response_code",
    "exitcode",
    "errormsg",
    "remote_ip",
    "remote_port",
    "local_ip",
    "local_port",
    "num_connects",
    "size_download",
    "content_type",
    "method",
    "scheme",
    "url",
    "url_effective",
    "time_namelookup",
    "time_connect",
    "time_appconnect",
    "time_pretransfer",
    "time_starttransfer",
    "time_total",
];

enum Piece<'f> {
    Text(String),
    Variable(&'f str),
}

/// The format, if all its variables exist.
pub(super) fn checked(given: &Given<'_>) -> Result<String, UsageError> {
    let format = given.text();
    for piece in pieces(&format) {
        if let Piece::Variable(name) = piece
            && !VARIABLES.contains(&name)
        {
            let error = given.refuse(&format!("variables that vpcsim has ({})", VARIABLES.join(", ")));
            return Err(error.did_you_mean(name, VARIABLES));
        }
    }
    Ok(format)
}

/// The format filled in.
pub(super) fn written(format: &str, curl: &Curl, outcome: &Outcome, code: u8, message: &str) -> String {
    let pieces = pieces(format).into_iter().map(|piece| match piece {
        Piece::Text(text) => text,
        Piece::Variable(name) => variable(name, curl, outcome, code, message),
    });
    pieces.collect()
}

fn variable(name: &str, curl: &Curl, outcome: &Outcome, code: u8, message: &str) -> String {
    let marks = outcome.marks;
    let response = match &outcome.result {
        Ok(Reply::Http(response)) => Some(response),
        _ => None,
    };
    let seconds = |at: Option<SimTime>| {
        let span = at.map_or(0.0, |at| at.since(outcome.started).as_secs_f64());
        format!("{span:.6}")
    };
    let connected = |text: Option<String>| text.filter(|_| marks.connected_at.is_some()).unwrap_or_default();
    match name {
        "http_code" | "response_code" => format!("{:03}", response.map_or(0, |response| response.status)),
        "exitcode" => code.to_string(),
        "errormsg" => message.to_owned(),
        "remote_ip" => connected(outcome.peer.map(|peer| peer.ip().to_string())),
        "remote_port" => connected(outcome.peer.map(|peer| peer.port().to_string())),
        "local_ip" => connected(outcome.local.map(|local| local.ip().to_string())),
        "local_port" => connected(outcome.local.map(|local| local.port().to_string())),
        "num_connects" => outcome.connections_opened.to_string(),
        "size_download" => response.map_or(0, |response| response.body.len()).to_string(),
        "content_type" => response.and_then(|response| response.header("content-type")).unwrap_or_default().to_owned(),
        "method" => curl.request.method.clone(),
        "scheme" => if curl.url.tls { "https" } else { "http" }.to_owned(),
        "url" | "url_effective" => curl.url.whole.clone(),
        "time_namelookup" => seconds(marks.resolved_at),
        "time_connect" => seconds(marks.connected_at),
        "time_appconnect" => seconds(marks.secured_at),
        "time_pretransfer" => seconds(marks.requested_at),
        "time_starttransfer" => seconds(marks.first_byte_at),
        "time_total" => seconds(Some(outcome.finished)),
        _ => String::new(),
    }
}

fn pieces(format: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = format;
    while let Some(letter) = rest.chars().next() {
        if let Some((name, after)) = rest.strip_prefix("%{").and_then(|inside| inside.split_once('}')) {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
            pieces.push(Piece::Variable(name));
            rest = after;
            continue;
        }
        let escapes = [("%%", '%'), ("\\n", '\n'), ("\\t", '\t'), ("\\r", '\r')];
        if let Some((length, letter)) =
            escapes.iter().find_map(|(escape, letter)| rest.starts_with(escape).then_some((escape.len(), *letter)))
        {
            text.push(letter);
            rest = &rest[length..];
            continue;
        }
        text.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    pieces.push(Piece::Text(text));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_taken_apart() {
        let shown: Vec<String> = pieces("%{http_code} 100%%\\n%{time_total")
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Variable(name) => format!("<{name}>"),
            })
            .collect();
        assert_eq!(shown.concat(), "<http_code> 100%\n%{time_total");
    }
}
