//! `serves`: what listens on a host, `"http 8080"`.

use super::*;
use crate::host::BULK_PORT;
use crate::scenario::read::closest;
use crate::time::SimDuration;

/// After how much silence a host's web server closes a connection: Apache's 5 s are short, nginx's 75 s long.
const WEB_IDLE_TIMEOUT: SimDuration = SimDuration::from_secs(60);
/// What an SSH server says first.
const SSH_BANNER: &str = "SSH-2.0-OpenSSH_8.7";
/// Servers of one host.
const SERVERS_MAX: usize = 32;
/// What can be served, and the usual port.
const KINDS: [(&str, u16); 6] =
    [("http", 80), ("https", 443), ("ssh", 22), ("bulk", BULK_PORT), ("tcp-echo", 7), ("udp-echo", 7)];

impl<'a, 'r> Builder<'a, 'r> {
    /// Reads `serves` of the host called `name`; without it nothing is noted, and the host has what its kind has.
    pub(super) fn serves(&mut self, name: &str, section: &Section<'a, 'r>) {
        let Some(texts) = section.texts("serves") else { return };
        let mut servers: Vec<Server> = Vec::new();
        for text in &texts {
            let Some(server) = self.server(text) else { continue };
            let is_udp = |server: &Server| matches!(server, Server::UdpEcho { .. });
            let taken = |other: &Server| other.port() == server.port() && is_udp(other) == is_udp(&server);
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
}
