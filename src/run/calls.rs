//! What a step's hosts are doing: the programs they run, how these end, and what services are asked meanwhile.

use super::answer;
use super::command::{self, Conversation};
use super::record::{CallRecord, HostRecord};
use super::timeline::Run;
use super::{Observation, RunError};
use crate::cost::Spent;
use crate::explain::operator;
use crate::host::http::{HttpRequest, HttpResponse};
use crate::host::{HostEvent, Outcome, ProcessId, Reply, Ssh, Workload};
use crate::ids::InstanceId;
use crate::metrics::LatencyKind;
use crate::program::{HostIx, HostKind};
use crate::rng::Stream;
use crate::scenario::{Kind, StepAction};
use crate::time::{SimDuration, SimTime};
use std::net::SocketAddrV4;

/// How long a raw packet is watched.
const RAW_PACKET: SimDuration = SimDuration::from_millis(200);

/// What one host does in a task.
pub(super) struct HostRun {
    pub(super) record: HostRecord,
    pub(super) host: HostIx,
    pub(super) remaining: u32,
    pub(super) next_start: SimTime,
    /// What was seen of the host before the task.
    pub(super) seen_before: Observation,
    /// What its traffic had come to before the task.
    pub(super) spent_before: Spent,
    pub(super) jitter: Stream,
    pub(super) current: Option<Current>,
    /// A raw packet is under way until then.
    pub(super) busy_until: SimTime,
}

/// A program under way.
pub(super) struct Current {
    pub(super) process: ProcessId,
    pub(super) started: SimTime,
    pub(super) conversation: Option<Conversation>,
}

impl Run {
    /// Starts one call of a task on one of its hosts.
    pub(super) fn start_call(&mut self, position: usize, host_position: usize) -> Result<(), RunError> {
        let now = self.sim.now();
        let task_ix = self.active[position].task;
        let task = &self.plan[task_ix];
        let step = &self.scenario.steps[task.step];
        let run = &mut self.active[position].hosts[host_position];
        run.remaining -= 1;
        let workload = match (&step.action, &task.invocation) {
            (StepAction::Aws { .. }, Some(invocation)) => {
                match Conversation::begin(invocation, &self.names, &self.scenario, step, run.jitter.next_u64()) {
                    Ok((conversation, call)) => Some((Workload::Call(call), Some(conversation))),
                    Err(output) => {
                        run.record.add(CallRecord::local(now, output));
                        None
                    }
                }
            }
            (StepAction::Ssh { destination, port, .. }, _) => {
                let (sender, model) = (&run.record.name, self.control.model());
                let address = command::address_of(model, &self.names, sender, destination);
                let host = address.map_or_else(|| destination.clone(), |address| address.to_string());
                Some((Workload::Ssh(Ssh { host, port: *port }), None))
            }
            (StepAction::Program { .. }, _) => task.program.as_ref().map(|program| {
                let (sender, model) = (&run.record.name, self.control.model());
                let address = program
                    .destination
                    .as_ref()
                    .and_then(|to| command::address_of(model, &self.names, sender, &to.host));
                let tls = command::tls_versions(step.tls.unwrap_or(self.scenario.settings.cli.tls));
                (program.workload(address, tls), None)
            }),
            (StepAction::Send(packet), _) => {
                let (name, host) = (run.record.name.clone(), run.host);
                self.send_packet(task_ix, packet.clone(), &name, host)?;
                None
            }
            _ => None,
        };
        let run = &mut self.active[position].hosts[host_position];
        if matches!(self.scenario.steps[self.plan[task_ix].step].action, StepAction::Send(_)) {
            run.busy_until = now + RAW_PACKET;
        }
        let every = step_every(&self.scenario.steps[self.plan[task_ix].step], &mut run.jitter);
        run.next_start = now + every;
        if let Some((workload, conversation)) = workload {
            let (name, host) = (run.record.name.clone(), run.host);
            let process = self.sim.start(host, workload).ok_or_else(|| self.host_gone(task_ix, &name))?;
            let run = &mut self.active[position].hosts[host_position];
            run.current = Some(Current { process, started: now, conversation });
        }
        Ok(())
    }

    fn send_packet(
        &mut self,
        task: usize,
        packet: crate::scenario::PacketSpec,
        name: &str,
        host: HostIx,
    ) -> Result<(), RunError> {
        let step = self.scenario.steps[self.plan[task].step].name.clone();
        let frame = command::raw_frame(&packet, self.sim.program(), host, self.control.model(), &self.names)
            .map_err(|problem| RunError::Packet { step, problem: format!("{name}: {problem}") })?;
        self.sim.send_raw(host, frame);
        Ok(())
    }

    pub(super) fn handle(&mut self, host: HostIx, event: HostEvent) -> Result<(), RunError> {
        match event {
            HostEvent::Configured { .. } => {}
            HostEvent::Request { token, request, peer, .. } => {
                let wanted = self.wanted_of_active();
                let kind = self.sim.program().hosts[host.at()].kind.clone();
                let now = self.sim.now();
                let (response, created) = match self.web_page(&kind, &request, peer) {
                    Some(page) => (page, None),
                    None => self.services.answer(&mut self.control, now, &kind, &request, wanted.as_ref()),
                };
                if let Some(wanted) = wanted {
                    operator::give_name(&mut self.names, self.control.model(), &wanted, created.as_deref());
                }
                self.publish_if_changed()?;
                self.sim.respond_after(self.services.thinking_time(self.control.model(), &kind), host, token, response);
            }
            HostEvent::Finished { process, outcome } => self.finished(host, process, outcome),
        }
        Ok(())
    }

    /// The page of a web server on a host of the scenario's.
    fn web_page(&self, kind: &HostKind, request: &HttpRequest, peer: SocketAddrV4) -> Option<HttpResponse> {
        let model = self.control.model();
        let name = match kind {
            HostKind::Outside(name) | HostKind::OnPremises(_, name) => name.clone(),
            HostKind::Instance(eni) => {
                let id = model.network_interfaces.get(eni)?.attachment.as_ref()?.instance_id?.to_string();
                self.names.name_of(&id).map_or(id.clone(), str::to_owned)
            }
            _ => return None,
        };
        Some(answer::web_page(&name, request, peer, &self.calendar.http_date(self.sim.now())))
    }

    fn finished(&mut self, host: HostIx, process: ProcessId, outcome: Outcome) {
        let found = self.active.iter_mut().enumerate().find_map(|(position, active)| {
            let wanted = |run: &HostRun| run.host == host && run.current.as_ref().is_some_and(|c| c.process == process);
            active.hosts.iter().position(wanted).map(|host| (position, host))
        });
        let Some((position, host_position)) = found else { return };
        let program = &self.plan[self.active[position].task].program;
        let run = &mut self.active[position].hosts[host_position];
        let Some(mut current) = run.current.take() else { return };
        let output = match &mut current.conversation {
            Some(conversation) => match conversation.answered(&outcome) {
                command::Next::Call(call) => {
                    if let Some(process) = self.sim.start(host, Workload::Call(*call)) {
                        run.record.add_page(&outcome);
                        run.current = Some(Current { process, ..current });
                        return;
                    }
                    command::host_vanished()
                }
                command::Next::Done(output) => output,
            },
            None => match program {
                Some(program) => program.output(&outcome, self.calendar),
                None => command::ssh_output(&outcome),
            },
        };
        let more = outcome.result.as_ref().map_or_else(|_| Vec::new(), Reply::round_trips);
        if let Some(road) = self.sim.tap.observer.current_road(host) {
            let now = self.sim.now();
            for round_trip in outcome.request_round_trip.into_iter().chain(more) {
                self.sim.tap.observer.latencies_mut().record(now, road.class(), LatencyKind::RoundTrip, round_trip);
            }
        }
        run.record.add(CallRecord::remote(current.started, outcome, output));
        run.next_start = run.next_start.max(self.sim.now());
    }

    /// What the foreground task wants the next created thing to be called.
    fn wanted_of_active(&self) -> Option<crate::control::Wanted> {
        let active = self.active.iter().rev().find(|active| active.hosts.iter().any(|host| host.current.is_some()))?;
        let task = &self.plan[active.task];
        Some(operator::wanted(&self.scenario.steps[task.step], task.rerun_of))
    }

    /// Programs on hosts that are no more end as a shell does whose machine goes away.
    pub(super) fn end_what_vanished(&mut self) {
        let (program, now) = (self.sim.program(), self.sim.now());
        let vanished = |run: &&mut HostRun| program.hosts[run.host.at()].removed;
        for run in self.active.iter_mut().flat_map(|active| &mut active.hosts).filter(vanished) {
            let was_running = run.current.take().is_some();
            if was_running || run.remaining > 0 {
                run.record.add(CallRecord::local(now, command::host_vanished()));
            }
            (run.remaining, run.busy_until) = (0, now);
        }
    }

    /// The end system that the scenario calls `name`; of an endpoint, the service behind it.
    pub(super) fn host_called(&self, name: &str) -> Option<HostIx> {
        let program = self.sim.program();
        if let Some(id) = self.names.lookup(Kind::Instance, name) {
            let id: InstanceId = id.parse().ok()?;
            let eni = self.control.model().instances.get(&id)?.primary_interface_id?;
            return program.host_of(&HostKind::Instance(eni));
        }
        if let Some(id) = self.names.lookup(Kind::VpcEndpoint, name) {
            let id = id.parse().ok()?;
            // Of an interface endpoint, the service behind its first interface.
            let interface = self.control.model().vpc_endpoints.get(&id)?.interfaces().next();
            let kind = interface
                .map_or(HostKind::EndpointService(id), |(_, interface)| HostKind::InterfaceEndpointService(interface));
            let service = program.host_of(&kind);
            return service.filter(|host| !program.hosts[host.at()].removed);
        }
        if let Some((network, _)) = self.control.model().host_on_premises(name) {
            return program.host_of(&HostKind::OnPremises(network.name.clone(), name.to_owned()));
        }
        program.host_of(&HostKind::Outside(name.to_owned()))
    }

    pub(super) fn host_gone(&self, task: usize, name: &str) -> RunError {
        let step = &self.scenario.steps[self.plan[task].step];
        RunError::HostGone { step: step.name.clone(), host: name.to_owned(), command: command::command_line(step) }
    }
}

impl HostRun {
    pub(super) fn is_done(&self, now: SimTime) -> bool {
        self.current.is_none() && self.remaining == 0 && self.busy_until <= now
    }

    pub(super) fn waits_to_start(&self) -> bool {
        self.current.is_none() && self.remaining > 0
    }
}

/// The time from one repetition's start to the next: `every`, plus up to `jitter`.
fn step_every(step: &crate::scenario::Step, jitter: &mut Stream) -> SimDuration {
    step.every + SimDuration::from_nanos(jitter.below(step.jitter.as_nanos() + 1))
}
