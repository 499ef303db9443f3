//! Wireshark as judge of every checksum in every capture of every scenario that ships: what hosts send, what nodes rewrite, split and say themselves.

mod support;
mod wireshark;

use support::{Workplace, captures};
use vpcsim::scenario::EMBEDDED;

/// What Wireshark says of the checksums it looked at, those of quoted and reassembled packets included: 0 bad, 1 good, 2 not to be told.
const STATUSES: [&str; 4] =
    ["ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status"];

/// One frame as tshark sees it.
struct Judged {
    line: String,
    bad: bool,
    /// Frames that are broken on purpose (`drops/malformed`) say so.
    on_purpose: bool,
}

/// Every IP frame in every capture of a run of `scenario`.
fn judge(workplace: &Workplace, scenario: &str) -> Vec<Judged> {
    // Whether it goes as it expects is for other tests to say.
    let ran = workplace.run(["run", scenario, "--out", "o", "--quiet"]);
    assert!(matches!(ran.code, Some(0 | 1)), "{scenario}: {}", ran.stderr);
    let mut judged = Vec::new();
    for file in captures(&workplace.result("o")) {
        let path = workplace.join("o").join(&file);
        let mut arguments = vec!["-r", path.to_str().unwrap(), "-Y", "ip", "-T", "fields"];
        for check in ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE"] {
            arguments.extend(["-o", check]);
        }
        arguments.extend(
            STATUSES.iter().chain(&["ip.len", "frame.number", "frame.comment"]).flat_map(|field| ["-e", field]),
        );
        for line in wireshark::run("tshark", &workplace.join("o"), &arguments) {
            let fields: Vec<&str> = line.split('\t').collect();
            // Wireshark sums what there is of a quoted segment, though the rest of it is not quoted.
            let judges = |field: &usize| !(1..=2).contains(field) || !quote_is_cut(fields[STATUSES.len()]);
            let bad =
                (0..STATUSES.len()).filter(judges).any(|field| fields[field].split(',').any(|status| status == "0"));
            let on_purpose = line.contains("[MALFORMED_PACKET]");
            judged.push(Judged { line: format!("{scenario} {file}: {line}"), bad, on_purpose });
        }
    }
    judged
}

/// Whether `lengths`, those of an ICMP error and of the packet it quotes, say that the quote is not whole: errors end at 576 bytes (RFC 1812 section 4.3.2.3).
fn quote_is_cut(lengths: &str) -> bool {
    let mut lengths = lengths.split(',').map_while(|length| length.parse::<u32>().ok());
    matches!((lengths.next(), lengths.next()), (Some(outer), Some(quoted)) if quoted + 28 > outer)
}

#[test]
fn no_frame_of_any_shipped_scenario_has_a_wrong_checksum() {
    let workplace = Workplace::new();
    let mut count = 0;
    for (name, _) in EMBEDDED {
        let judged = judge(&workplace, name);
        count += judged.len();
        let wrong: Vec<_> =
            judged.iter().filter(|frame| frame.bad && !frame.on_purpose).map(|frame| &frame.line).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
    assert!(count > 10_000, "only {count} frames judged");
}

/// The judge sees what is wrong: a wrong checksum, and a length that the checksum does not fit.
#[test]
fn a_wrong_checksum_is_seen() {
    let bad = judge(&Workplace::new(), "drops/malformed").into_iter().filter(|frame| frame.bad);
    assert_eq!(bad.map(|frame| frame.on_purpose).collect::<Vec<_>>(), [true, true]);
}
