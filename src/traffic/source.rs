//! The frames of many flows, one after the other.

use super::distribution::Sampler;
use super::far_side::far_sequence;
use super::profile::{FLOWS_MAX, FLOWS_PER_DESTINATION_MAX};
use super::template::{Fields, TCP_HEADERS_BYTES, Template, UDP_HEADERS_BYTES, flags};
use super::{FRAME_BYTES_MAX, Kind, Nic, Profile, Sent, TrafficError, tls};
use crate::net::{FiveTuple, Protocol};
use crate::rng::Stream;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// The first source port.
const FIRST_PORT: u16 = 1_024;
/// From the end of a connection to the first sequence number of the next one of the same port (RFC 6191 wants it to be later).
const SEQUENCE_GAP: u32 = 128_000;

/// Sends without end.
#[derive(Clone, Debug)]
pub struct Source {
    profile: Profile,
    from: Nic,
    flows: Box<[Flow]>,
    turns: Sampler,
    stream: Stream,
    /// What carries data, over and over.
    data: Box<[Template]>,
    next_data: usize,
    /// The steps of a TLS connection that do not depend on the frame size; none of UDP.
    script: Option<Box<Script>>,
    frame_bytes_max: usize,
}

/// One flow: 20 bytes.
#[derive(Clone, Copy, Debug)]
struct Flow {
    destination: Ipv4Addr,
    source_port: u16,
    step: Step,
    data_left: u32,
    sequence: u32,
    acknowledgment: u32,
}

/// What a TLS flow sends next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Syn,
    Established,
    ClientHello,
    Finished,
    Data,
    Fin,
    LastAck,
}

#[derive(Clone, Debug)]
struct Script {
    syn: Template,
    ack: Template,
    client_hello: Template,
    finished: Template,
    fin: Template,
}

impl Source {
    /// A source at `from` whose flows go to some of `to`. (An address that stands there twice counts once.)
    ///
    /// # Errors
    /// [`TrafficError`]: a profile that cannot be met.
    pub fn new(profile: Profile, from: Nic, to: &[Ipv4Addr]) -> Result<Source, TrafficError> {
        if !(1..=FLOWS_MAX).contains(&profile.flows) {
            return Err(TrafficError::Flows { flows: profile.flows });
        }
        let mut filler = [0; 64];
        profile.seed.derive("traffic payload").fill(&mut filler);
        let cycle = profile.frame.cycle()?;
        let port = profile.destination_port;
        let data = cycle.iter().map(|frame_bytes| match profile.kind {
            Kind::Udp => {
                let mut payload = vec![0; frame_bytes - UDP_HEADERS_BYTES];
                payload.iter_mut().zip(filler.iter().cycle()).for_each(|(byte, random)| *byte = *random);
                Template::udp(&from, port, &payload)
            }
            Kind::Tls { .. } => {
                let mut record = vec![0; frame_bytes - TCP_HEADERS_BYTES];
                tls::application_data(&mut record, &filler);
                Template::tcp(&from, port, flags::DATA, None, &record)
            }
        });
        let data: Box<[Template]> = data.collect();
        let script = match profile.kind {
            Kind::Udp => None,
            Kind::Tls { .. } => Some(Box::new(Script::new(&profile, &from, &cycle, &filler))),
        };
        let script_bytes = script.iter().map(|script| script.client_hello.frame_bytes());
        let frame_bytes_max = cycle.into_iter().chain(script_bytes).max().unwrap_or(FRAME_BYTES_MAX);
        Ok(Source {
            flows: flows(&profile, to)?,
            turns: Sampler::new(profile.turns, profile.flows)?,
            stream: profile.seed.derive("traffic turns"),
            profile,
            from,
            data,
            next_data: 0,
            script,
            frame_bytes_max,
        })
    }

    /// Only those of its flows that `keeps` says yes to, in their order: what one of several workers sends. `None` if there is none.
    ///
    /// # Errors
    /// As [`Source::new`].
    pub fn only(mut self, mut keeps: impl FnMut(&FiveTuple) -> bool) -> Result<Option<Source>, TrafficError> {
        let flows = (0..self.flow_count()).filter(|number| self.flow(*number).is_some_and(|flow| keeps(&flow)));
        let flows: Box<[Flow]> = flows.map(|number| self.flows[number as usize]).collect();
        if flows.is_empty() {
            return Ok(None);
        }
        self.profile.flows = flows.len() as u32;
        self.turns = Sampler::new(self.profile.turns, self.profile.flows)?;
        self.flows = flows;
        Ok(Some(self))
    }

    /// What a slot must have room for.
    pub fn frame_bytes_max(&self) -> usize {
        self.frame_bytes_max
    }

    /// How many flows there are.
    pub fn flow_count(&self) -> u32 {
        self.profile.flows
    }

    /// Flow `number`, as it leaves.
    pub fn flow(&self, number: u32) -> Option<FiveTuple> {
        let flow = self.flows.get(number as usize)?;
        Some(FiveTuple {
            protocol: if self.script.is_some() { Protocol::TCP } else { Protocol::UDP },
            source: self.from.address,
            destination: flow.destination,
            source_port: flow.source_port,
            destination_port: self.profile.destination_port,
        })
    }

    /// Writes the next frame to the beginning of `slot`. Nothing is sent if that has no room for [`Source::frame_bytes_max`] bytes.
    pub fn next(&mut self, slot: &mut [u8]) -> Option<Sent> {
        if slot.len() < self.frame_bytes_max {
            return None;
        }
        let number = self.turns.draw(&mut self.stream);
        let flow = &mut self.flows[number as usize];
        let fields = flow.fields();
        let template = match (&self.script, self.profile.kind) {
            (Some(script), Kind::Tls { data_packets }) => {
                let step = flow.step;
                let template = match step {
                    Step::Syn => &script.syn,
                    Step::Established | Step::LastAck => &script.ack,
                    Step::ClientHello => &script.client_hello,
                    Step::Finished => &script.finished,
                    Step::Data => next_of(&self.data, &mut self.next_data),
                    Step::Fin => &script.fin,
                };
                flow.advance(template.payload_bytes(), data_packets);
                template
            }
            _ => next_of(&self.data, &mut self.next_data),
        };
        Some(Sent { flow: number, frame_bytes: template.write(slot, fields) })
    }
}

fn next_of<'t>(templates: &'t [Template], next: &mut usize) -> &'t Template {
    let template = &templates[*next];
    *next = if *next + 1 == templates.len() { 0 } else { *next + 1 };
    template
}

impl Script {
    fn new(profile: &Profile, from: &Nic, cycle: &[usize], filler: &[u8; 64]) -> Script {
        let tcp = |flags: u8, mss, payload: &[u8]| Template::tcp(from, profile.destination_port, flags, mss, payload);
        // What an MTU of 1,500 or of 9,001 bytes leaves.
        let mss = if cycle.iter().any(|frame_bytes| *frame_bytes > 1_514) { 8_961 } else { 1_460 };
        let hello = tls::client_hello(&mut profile.seed.derive("traffic client hello"));
        Script {
            syn: tcp(flags::SYN, Some(mss), &[]),
            ack: tcp(flags::ACK, None, &[]),
            client_hello: tcp(flags::DATA, None, &hello),
            finished: tcp(flags::DATA, None, &tls::finished(filler)),
            fin: tcp(flags::FIN, None, &[]),
        }
    }
}

impl Flow {
    fn fields(&self) -> Fields {
        let Flow { destination, source_port, sequence, acknowledgment, .. } = *self;
        Fields { destination, source_port, sequence, acknowledgment }
    }

    /// Goes to `step`, with so much sent and answered by as much.
    fn after(&mut self, step: Step, sent_bytes: u32) {
        self.step = step;
        self.sequence = self.sequence.wrapping_add(sent_bytes);
        self.acknowledgment = self.acknowledgment.wrapping_add(sent_bytes);
    }

    /// What is sent after a packet with so much data. The far side answers data with as much.
    fn advance(&mut self, payload_bytes: u32, data_packets: u32) {
        match self.step {
            Step::Syn => {
                self.acknowledgment = far_sequence(self.sequence).wrapping_add(1);
                self.sequence = self.sequence.wrapping_add(1);
                self.step = Step::Established;
            }
            Step::Established => self.after(Step::ClientHello, 0),
            Step::ClientHello => self.after(Step::Finished, payload_bytes),
            Step::Finished => {
                self.after(if data_packets == 0 { Step::Fin } else { Step::Data }, payload_bytes);
                self.data_left = data_packets;
            }
            Step::Data => {
                let last = self.data_left == 1;
                self.after(if last { Step::Fin } else { Step::Data }, payload_bytes);
                // The largest number means "without end".
                if self.data_left != u32::MAX {
                    self.data_left -= 1;
                }
            }
            Step::Fin => self.after(Step::LastAck, 1),
            Step::LastAck => {
                self.step = Step::Syn;
                self.sequence = self.sequence.wrapping_add(SEQUENCE_GAP);
                self.acknowledgment = 0;
            }
        }
    }
}

/// Each flow with its destination, and a source port that it shares with no other flow there.
fn flows(profile: &Profile, to: &[Ipv4Addr]) -> Result<Box<[Flow]>, TrafficError> {
    let mut seen = BTreeSet::new();
    let to: Vec<Ipv4Addr> = to.iter().copied().filter(|address| seen.insert(*address)).collect();
    if to.is_empty() {
        return Err(TrafficError::NoDestination);
    }
    if to.len() as u64 * u64::from(FLOWS_PER_DESTINATION_MAX) < u64::from(profile.flows) {
        return Err(TrafficError::Ports { flows: profile.flows, destinations: to.len() });
    }
    let mut destinations = Sampler::new(profile.destinations, to.len() as u32)?;
    let mut stream = profile.seed.derive("traffic destinations");
    let mut sequences = profile.seed.derive("traffic sequence numbers");
    let mut used = vec![0; to.len()];
    let mut flow = |_| {
        let mut at = destinations.draw(&mut stream) as usize;
        while used[at] == FLOWS_PER_DESTINATION_MAX {
            at = (at + 1) % to.len();
        }
        let source_port = FIRST_PORT + used[at] as u16;
        used[at] += 1;
        Flow {
            destination: to[at],
            source_port,
            step: Step::Syn,
            data_left: 0,
            sequence: sequences.next_u32(),
            acknowledgment: 0,
        }
    };
    Ok((0..profile.flows).map(&mut flow).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_takes_20_bytes() {
        assert_eq!(size_of::<Flow>(), 20);
    }
}
