//! `serves`: what listens on a host, `"http 8080"`.

use super::*;
use crate::host::{BULK_PORT, DnsServer};
use crate::scenario::read::closest;
use crate::time::SimDuration;

/// After how much silence a host's web server closes a connection: Apache's 5 s are short, nginx's 75 s long.
const WEB_IDLE_TIMEOUT: SimDuration = SimDuration::from_secs(60);
/// What an SSH server says first.
const SSH_BANNER: &str = "SSH-2.0-OpenSSH_8.7";
/// Servers of one host.
const SERVERS_MAX: usize = 32;
/// RFC 1035.
const DNS_PORT: u16 = 53;
/// What can be served, and the usual port.
const KINDS: [(&str, u16); 7] = [
    ("dns", DNS_PORT),
    ("http", 80),
    ("https", 443),
    ("ssh", 22),
    ("bulk", BULK_PORT),
    ("tcp-echo", 7),
    ("udp-echo", 7),
];

impl<'a, 'r> Builder<'a, 'r> {
    /// Reads `serves` of the host called `name`; without it nothing is noted, and the host has what its kind has.
    pub(super) fn serves(&mut self, name: &str, section: &Section<'a, 'r>) {
        let Some(texts) = section.texts("serves") else { return };
        let mut servers: Vec<Server> = Vec::new();
        for text in &texts {
            let Some(server) = self.server(text) else { continue };
            let taken = |other: &Server| other.port() == server.port() && other.is_udp() == server.is_udp();
            if servers.iter().any(taken) {
                let message = format!("port {} is served twice", server.port());
                self.report(Problem::new(text.contents(), message, "again here"));
            } else if servers.len() == SERVERS_MAX {
                let message = format!("\"{name}\" serves more than {SERVERS_MAX} ports");
                self.report(Problem::new(text.contents(), message, "one too many"));
                break;
            } else {
                servers.push(server);
            }
        }
        self.servers.insert(name.to_owned(), servers);
    }

    fn server(&self, text: &Text<'a>) -> Option<Server> {
        let mut words = text.text.split_whitespace();
        let (kind, port) = (words.next().unwrap_or_default(), words.next());
        let Some((_, usual)) = KINDS.into_iter().find(|(name, _)| *name == kind) else {
            let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            let here = closest(kind, names.iter().copied());
            let here = here.map_or_else(|| "no such server".to_owned(), |name| format!("did you mean \"{name}\"?"));
            let problem = Problem::new(text.contents(), format!("hosts cannot serve \"{}\"", shown(text.text)), here);
            self.report(
                problem.help(format!(
                    "expected one of {}, and a port if not the usual one: \"http 8080\"",
                    names.join(", ")
                )),
            );
            return None;
        };
        if kind == "dns" {
            return self.dns_server(text);
        }
        let number = port.map_or(Some(usual), |port| port.parse().ok().filter(|port| *port != 0));
        let Some(port) = number.filter(|_| words.next().is_none()) else {
            let message = format!("\"{}\" names no port", shown(text.text));
            self.report(Problem::new(text.contents(), message, format!("expected \"{kind} PORT\", 1 to 65535")));
            return None;
        };
        Some(match kind {
            "http" => Server::Http { port, idle_timeout: WEB_IDLE_TIMEOUT },
            "https" => Server::Https { port, idle_timeout: WEB_IDLE_TIMEOUT },
            "ssh" => Server::Banner { port, text: SSH_BANNER.to_owned() },
            "bulk" => Server::Bulk { port },
            "tcp-echo" => Server::TcpEcho { port },
            _ => Server::UdpEcho { port },
        })
    }

    /// `dns [PORT] [forward ADDRESS] [only NAME ...] [NAME=ADDRESS ...]`.
    fn dns_server(&self, text: &Text<'a>) -> Option<Server> {
        let wrong = |word: &str, message: String, here: &str| {
            let problem = Problem::new(text.place(word), message, here.to_owned());
            self.report(problem.help(
                "expected \"dns [PORT] [forward ADDRESS] [only NAME ...] [NAME=ADDRESS ...]\", such as \
                 \"dns forward 169.254.169.253 only *.amazonaws.com db.corp.example=10.0.0.9\"",
            ));
            None
        };
        let (mut port, mut dns, mut in_only) = (DNS_PORT, DnsServer::default(), false);
        let mut words = text.text.split_whitespace().skip(1).peekable();
        if let Some(number) = words.peek().and_then(|word| word.parse().ok()) {
            (port, _) = (number, words.next());
        }
        while let Some(word) = words.next() {
            if word == "forward" {
                let address = words.next().unwrap_or_default();
                let Ok(resolver) = address.parse() else {
                    let shown_as = if address.is_empty() { word } else { address };
                    return wrong(
                        shown_as,
                        format!("\"{}\" is no address to forward to", shown(address)),
                        "no address",
                    );
                };
                (dns.forward_to, in_only) = (Some(resolver), false);
            } else if word == "only" {
                in_only = true;
            } else if let Some((name, address)) = word.split_once('=') {
                let Ok(address) = address.parse() else {
                    return wrong(word, format!("\"{}\" gives the name no address", shown(word)), "NAME=ADDRESS");
                };
                dns.own_names.entry(plain_name(name)).or_default().push(address);
                in_only = false;
            } else if in_only {
                dns.only.push(plain_name(word));
            } else {
                return wrong(word, format!("\"{}\" says nothing to a DNS server", shown(word)), "not understood");
            }
        }
        if dns.forward_to.is_none() && !dns.only.is_empty() {
            return wrong("only", "\"only\" limits what is forwarded, and nothing is".to_owned(), "needs \"forward\"");
        }
        Some(Server::Dns { port, dns })
    }
}

/// Lower case, without a dot at the end.
fn plain_name(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}
