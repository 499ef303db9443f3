//! A DNS server on a host: forwards to another resolver, knows some names itself, lets only some names through.
//!
//! Purpose: one's own DNS servers in a VPC, on premises or on the internet. Non-goals: recursion of its own, caching, zones to transfer, DNS over TCP: what the
//! other resolver truncates stays truncated.
//! Invariants: at most [`PENDING_MAX`] questions are with the other resolver at a time, further ones are lost and counted; an answer goes to the asker of the
//! question it repeats, and to nobody else; the other resolver's answers are passed on as they are.

use super::context::Context;
use super::interface::{Stack, UdpSocket};
use crate::time::{SimDuration, SimTime};
use crate::wire::dns::{Answer, answer, name_asked};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Questions that wait for the other resolver. Own limit.
const PENDING_MAX: usize = 1_024;
/// After how long a question is given up. BIND's default for a whole query is 10 s; stub resolvers ask again after 5 s.
const PENDING_FOR: SimDuration = SimDuration::from_secs(10);
/// Seconds that a server's own names may be cached.
const OWN_TTL_SECONDS: u32 = 60;
const DNS_PORT: u16 = 53;

/// What a DNS server does with names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsServer {
    /// Names it knows itself, in lower case.
    pub own_names: BTreeMap<String, Vec<Ipv4Addr>>,
    /// Whom it asks about the others; `None`: those do not exist.
    pub forward_to: Option<Ipv4Addr>,
    /// The only names it asks about, in lower case, `*.PARENT` being every name below PARENT; empty: all. Others are refused.
    pub only: Vec<String>,
}

impl DnsServer {
    fn passes_on(&self, name: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_prefix("*.") {
            Some(parent) => name.strip_suffix(parent).is_some_and(|front| front.ends_with('.')),
            None => pattern == name,
        };
        self.only.is_empty() || self.only.iter().any(fits)
    }
}

/// A DNS server at work.
pub(super) struct DnsService {
    port: u16,
    server: DnsServer,
    socket: Option<UdpSocket>,
    /// Where the other resolver answers to.
    upstream: Option<UdpSocket>,
    /// By the identifier that the other resolver knows the question by.
    pending: BTreeMap<u16, Pending>,
}

struct Pending {
    asker: SocketAddrV4,
    identifier: [u8; 2],
    name: String,
    until: SimTime,
}

impl DnsService {
    pub(super) fn new(port: u16, server: DnsServer) -> Self {
        DnsService { port, server, socket: None, upstream: None, pending: BTreeMap::new() }
    }

    /// Begins to listen, if it does not yet.
    pub(super) fn listen(&mut self, stack: &mut Stack) {
        self.socket = self.socket.take().or_else(|| stack.serve_udp(self.port));
    }

    /// Answers and passes on what came. True if anything happened.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        while let Some((query, asker)) = self.socket.as_ref().and_then(|socket| cx.stack.receive_udp(socket)) {
            self.asked(cx, &query, asker);
            moved = true;
        }
        while let Some((reply, from)) = self.upstream.as_ref().and_then(|socket| cx.stack.receive_udp(socket)) {
            self.answered(cx, reply, from);
            moved = true;
        }
        let waiting = self.pending.len();
        self.pending.retain(|_, pending| cx.now < pending.until);
        moved || self.pending.len() < waiting
    }

    /// When a question is given up next.
    pub(super) fn deadline(&self) -> Option<SimTime> {
        self.pending.values().map(|pending| pending.until).min()
    }

    fn asked(&mut self, cx: &mut Context<'_>, query: &[u8], asker: SocketAddrV4) {
        if let Some(name) = name_asked(query)
            && let Some(resolver) = self.server.forward_to
            && !self.server.own_names.contains_key(&name)
            && self.server.passes_on(&name)
        {
            return self.forward(
                cx,
                query,
                Pending { asker, identifier: [query[0], query[1]], name, until: cx.now + PENDING_FOR },
                resolver,
            );
        }
        let lookup = |name: &str| match self.server.own_names.get(name) {
            Some(addresses) => Answer::Addresses(addresses.clone()),
            None if self.server.passes_on(name) => Answer::NoSuchName,
            None => Answer::Refused,
        };
        if let (Some(reply), Some(socket)) = (answer(query, lookup, OWN_TTL_SECONDS), &self.socket) {
            cx.stack.send_udp(socket, asker, &reply);
        }
    }

    fn forward(&mut self, cx: &mut Context<'_>, query: &[u8], pending: Pending, resolver: Ipv4Addr) {
        if self.pending.len() >= PENDING_MAX {
            cx.stack.counters_mut().dns_queries_over_limit += 1;
            return;
        }
        if self.upstream.is_none() {
            self.upstream = cx.stack.open_udp(cx.stream);
        }
        let Some(upstream) = &self.upstream else { return };
        // Ends: there are far more identifiers than questions under way.
        let identifier = loop {
            let identifier = cx.stream.next_u32() as u16;
            if !self.pending.contains_key(&identifier) {
                break identifier;
            }
        };
        let mut passed_on = query.to_vec();
        passed_on[..2].copy_from_slice(&identifier.to_be_bytes());
        cx.stack.send_udp(upstream, SocketAddrV4::new(resolver, DNS_PORT), &passed_on);
        self.pending.insert(identifier, pending);
    }

    fn answered(&mut self, cx: &mut Context<'_>, mut reply: Vec<u8>, from: SocketAddrV4) {
        let is_ours = self.server.forward_to.is_some_and(|resolver| from == SocketAddrV4::new(resolver, DNS_PORT));
        let Some(identifier) = reply.first_chunk::<2>().copied().map(u16::from_be_bytes).filter(|_| is_ours) else {
            return;
        };
        // RFC 5452 section 9: an answer to another question is none.
        let Some(pending) = self.pending.get(&identifier).filter(|pending| repeats(&reply, &pending.name)) else {
            return;
        };
        reply[..2].copy_from_slice(&pending.identifier);
        let asker = pending.asker;
        self.pending.remove(&identifier);
        if let Some(socket) = &self.socket {
            cx.stack.send_udp(socket, asker, &reply);
        }
    }
}

/// Whether a reply is one, and repeats the question about `name`.
fn repeats(reply: &[u8], name: &str) -> bool {
    simple_dns::Packet::parse(reply).is_ok_and(|packet| {
        packet.has_flags(simple_dns::PacketFlag::RESPONSE)
            && packet.questions.first().is_some_and(|question| question.qname.to_string().eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_what_lies_below() {
        let server = DnsServer {
            only: vec!["dynamodb.us-east-1.amazonaws.com".into(), "*.example.com".into()],
            ..DnsServer::default()
        };
        let passed = ["dynamodb.us-east-1.amazonaws.com", "a.example.com", "a.b.example.com"];
        let held = ["111122223333.ddb.us-east-1.amazonaws.com", "example.com", "badexample.com"];
        assert!(passed.iter().all(|name| server.passes_on(name)));
        assert!(!held.iter().any(|name| server.passes_on(name)));
        assert!(DnsServer::default().passes_on("anything.example"));
    }
}
