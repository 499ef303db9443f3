//! What the network splits and what it says itself, as a trace tells it and as a run carries it.

mod support;

use support::{LAB, Workplace, assert_conserved, contents_of};

const NETWORK: &str = "[route_table]\npublic = { routes = [\"0.0.0.0/0 -> igw\"] }\n\
                       [subnet]\nweb = { cidr = \"10.0.1.0/24\", table = \"public\", public = true }\ndata = { cidr = \"10.0.2.0/24\" }\n\
                       [instance]\napp = { subnet = \"web\" }\ndb = { subnet = \"data\" }\n\
                       router = { subnet = \"web\", source_dest_check = false }\n\
                       [outside]\nlaptop = { address = \"198.51.100.7\" }\n";

/// Traces in [`LAB`] with more; exit code and text, blanks and line ends made one.
fn traced(more: &str, arguments: &str) -> (Option<i32>, String) {
    let workplace = Workplace::new();
    workplace.write("lab.toml", format!("{LAB}{NETWORK}{more}"));
    let ran = workplace.run(["trace", "lab.toml"].into_iter().chain(arguments.split(' ')));
    let widest = ran.stdout.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    assert!(widest <= 100, "{widest} columns:\n{}", ran.stdout);
    (ran.code, format!("{} {}", ran.stdout, ran.stderr).split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn a_refusal_is_followed_back_to_whom_it_tells() {
    let too_big = "--from app --to laptop --protocol icmp --bytes 9001 --dont-fragment";
    let (code, text) = traced("", too_big);
    assert_eq!(code, Some(1), "{text}");
    let verdict = "NOT REACHABLE at 5, router of lab: 9001 bytes, MTU 1500: refused [MTU_EXCEEDED]; app is told";
    assert!(text.starts_with(verdict), "{text}");
    for words in [
        "6 router of lab what it tells the source fragmentation needed, MTU 1500 7",
        "the subnet router is exempt",
        "app who is told knows now why done",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // The sender lies about its address: nobody is told, or somebody else.
    let (code, text) =
        traced("", "--from router --to laptop --protocol icmp --bytes 9001 --dont-fragment --source 10.0.1.99");
    assert_eq!(code, Some(1));
    let nobody =
        "[MTU_EXCEEDED]; what tells its source is dropped at router of lab [NO_POSSIBLE_DESTINATION]: a black hole";
    assert!(text.contains(nobody), "{text}");
    assert!(text.contains("no interface has 10.0.1.99 DROP"), "{text}");
    let (_, text) =
        traced("", "--from router --to laptop --protocol icmp --bytes 9001 --dont-fragment --source 10.0.1.10");
    assert!(
        text.contains("[MTU_EXCEEDED]; app is told") && text.contains("app who is told has not sent the packet done"),
        "{text}"
    );
}

#[test]
fn what_is_split_is_followed_as_one_of_its_fragments() {
    let (code, text) = traced("", "--from app --to laptop --protocol icmp --bytes 4000");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("4000 bytes, MTU 1500: split 6 followed: fragment 1 of 3"), "{text}");
    // The echo reply is as long as the outside host can send: it comes back whole.
    assert_eq!(text.matches("followed: fragment").count(), 1, "{text}");
    // Inside a VPC whose MTU is lower, both ways.
    let (code, text) = traced("[forwarding]\nvpc_mtu = 1500\n", "--from app --to db --protocol icmp --bytes 4000");
    assert_eq!((code, text.matches("4000 bytes, MTU 1500: split").count()), (Some(0), 2), "{text}");
}

#[test]
fn a_probe_is_no_longer_than_what_its_sender_can_send() {
    for (arguments, range) in [
        ("--from app --to laptop --protocol icmp --bytes 9002", "28 to 9001 bytes, not 9002"),
        ("--from laptop --to app --protocol icmp --bytes 1501", "28 to 1500 bytes, not 1501"),
        ("--from app --to laptop:80 --bytes 39", "40 to 9001 bytes, not 39"),
    ] {
        let (code, text) = traced("", arguments);
        assert!(code == Some(2) && text.contains(range), "{arguments}: {text}");
    }
}

#[test]
fn a_run_counts_fragments_and_errors_and_its_captures_say_who_made_them() {
    let workplace = Workplace::new();
    let steps = "[forwarding]\nvpc_mtu = 1500\n\
                 [[step]]\non = \"app\"\nsend = { packet = \"udp app:4000 -> db:5000\", payload_bytes = 4000, dont_fragment = false }\n\
                 expect.app = { via = \"local\" }\n\
                 [[step]]\non = \"app\"\nsend = { packet = \"udp app:4000 -> db:5000\", payload_bytes = 4000 }\n\
                 expect.app = { via = \"none\", reason = \"MTU_EXCEEDED\" }\n";
    workplace.write("lab.toml", format!("{LAB}{NETWORK}{steps}"));
    let ran = workplace.run(["run", "lab.toml", "--out", "o"]).success();
    assert!(ran.stdout.contains("1 split into 3 fragments"), "{}", ran.stdout);
    assert!(ran.stdout.contains("MTU_EXCEEDED"), "{}", ran.stdout);
    let result = workplace.result("o");
    assert_conserved(&result);
    let count = |name: &str| result["packets"][name].as_u64().unwrap();
    assert_eq!((count("fragmented"), count("fragments_made")), (1, 3));
    assert_eq!(count("generated"), count("absorbed") + 1, "ARP answers, and one ICMP error");
    let files = contents_of(&workplace.join("o"));
    let capture = |of: &str| {
        let (_, bytes) = files.iter().find(|(name, _)| name.starts_with(of)).unwrap();
        String::from_utf8_lossy(bytes).into_owned()
    };
    let app = capture("app.eni-");
    assert!(
        app.contains(
            "tells the sender: fragmentation needed, MTU 1500 | security group in: the subnet router is exempt"
        )
    );
    assert!(
        app.contains("[MTU_EXCEEDED]") && app.contains("4028 bytes are more than the MTU of 1500: the packet is split")
    );
}
