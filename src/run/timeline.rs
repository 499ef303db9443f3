//! The timeline: which step runs when, and when the run is over. What a step's hosts do is in `calls`.

use super::answer::Services;
use super::calls::HostRun;
use super::first_frames::FirstFrames;
use super::plan::{Task, plan};
use super::record::{CallRecord, HostRecord};
use super::result::{HostResult, PacketAccount, RunResult, StepResult, Warning};
use super::taps::Taps;
use super::{Observer, RunError, check, record, vantage, warning};
use crate::awscli::CommandOutput;
use crate::calendar::Calendar;
use crate::capture::{CaptureOptions, CaptureTap, FileSet};
use crate::control::ControlPlane;
use crate::cost::Meter;
use crate::dataplane::DropReason;
use crate::dataplane::conntrack::TrackingLimits;
use crate::explain::operator;
use crate::host::Server;
use crate::host::tls::TlsWorld;
use crate::ids::InstanceId;
use crate::metrics::IntervalLog;
use crate::model::{Model, VpcEndpointType, endpoint_services_in};
use crate::net::ServiceKind;
use crate::program::HostKind;
use crate::scenario::{Kind, Names, Scenario, StepAction, Usd};
use crate::sim::{HostSettings, Sim};
use crate::time::{SimDuration, SimTime};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Time for hosts to boot (DHCP) before the first step.
const BOOT: SimDuration = SimDuration::from_millis(100);
/// Pause between two steps, so that connections have closed.
const PAUSE: SimDuration = SimDuration::from_millis(100);
/// After the last step: time for what is under way to arrive.
const SETTLE: SimDuration = SimDuration::from_secs(1);
/// How long a step may take.
const STEP_MAX: SimDuration = SimDuration::from_secs(24 * 3600);

/// A scenario being run.
pub struct Run {
    pub(super) scenario: Scenario,
    pub(super) names: Names,
    pub(super) calendar: Calendar,
    pub(super) control: ControlPlane,
    pub(super) sim: Sim<Taps>,
    pub(super) services: Services,
    pub(super) plan: Vec<Task>,
    next_task: usize,
    pub(super) active: Vec<Active>,
    /// When the next task may begin.
    free_from: SimTime,
    settle_until: Option<SimTime>,
    steps: Vec<StepResult>,
    warned: BTreeSet<Warning>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    Working,
    /// The timeline has ended and the world has come to rest.
    Done,
}

/// A task under way.
pub(super) struct Active {
    pub(super) task: usize,
    started: SimTime,
    pub(super) hosts: Vec<HostRun>,
    /// Results of hosts that send no packets: the operator.
    operator: Option<HostRecord>,
}

impl Run {
    /// Prepares a run: compiles, boots, parses every command. Nothing has been sent yet.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn new(scenario: Scenario) -> Result<Run, RunError> {
        Run::capturing(scenario, CaptureOptions::default())
    }

    /// As [`Run::new`], with captures as `options` say.
    ///
    /// # Errors
    /// See [`RunError`]: also [`RunError::NoSuchVantage`].
    pub fn capturing(scenario: Scenario, options: CaptureOptions) -> Result<Run, RunError> {
        let plan = plan(&scenario)?;
        let calendar = Calendar::starting_at(scenario.start_unix_seconds).ok_or(RunError::StartDate)?;
        // DynamoDB and the EC2 API share a certificate; S3 and STS have one in each Region, S3's with many names.
        let (mut shared_names, mut others) = (BTreeSet::new(), Vec::new());
        for service in &scenario.model.public_services {
            match service.kind {
                ServiceKind::DynamoDb | ServiceKind::Ec2 => shared_names.extend(service.dns_names.iter().cloned()),
                ServiceKind::S3 | ServiceKind::Sts => others.push(service.dns_names.clone()),
            }
        }
        others.extend(vpce_names(&scenario.model));
        let shared_names: Vec<_> = shared_names.into_iter().collect();
        let tls = TlsWorld::with_others(scenario.seed, calendar, &shared_names, &others)?;
        let settings = HostSettings {
            calendar,
            tls,
            service_idle_timeout: scenario.settings.service_idle_timeout,
            servers: servers(&scenario),
        };
        let mut taps = Taps {
            capture: CaptureTap::new(calendar, options),
            observer: Observer::new(),
            meter: Meter::default(),
            first_frames: None,
        };
        taps.observer.latencies_mut().keep_log(calendar);
        let control = ControlPlane::new(scenario.model.clone(), calendar)?;
        let mut sim = Sim::new(scenario.seed, settings, taps);
        if let Some(entries_per_interface) = scenario.settings.tracked_connections_max {
            sim.limit_tracking(TrackingLimits { entries_per_interface, ..TrackingLimits::default() });
        }
        let mut run = Run {
            names: scenario.names.clone(),
            calendar,
            sim,
            services: Services::new(&scenario),
            control,
            plan,
            next_task: 0,
            active: Vec::new(),
            free_from: SimTime::ZERO + BOOT,
            settle_until: None,
            steps: Vec::new(),
            warned: BTreeSet::new(),
            scenario,
        };
        run.publish()?;
        vantage::check(&run.scenario, &run.sim.tap.capture)?;
        Ok(run)
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The account as it is now, and what things are called.
    pub fn network(&self) -> (&ControlPlane, &Names) {
        (&self.control, &self.names)
    }

    /// The capture files, to be drained.
    pub fn captures_mut(&mut self) -> &mut FileSet {
        self.sim.tap.capture.files_mut()
    }

    /// What was to be captured and never was there, so far.
    pub fn missing_vantages(&self) -> Vec<String> {
        self.sim.tap.capture.missing_words().map(str::to_owned).collect()
    }

    /// Latencies over time, to be drained.
    pub fn latency_log_mut(&mut self) -> Option<&mut IntervalLog> {
        self.sim.tap.observer.latencies_mut().log_mut()
    }

    /// Keeps the first frames that hosts send from now on.
    pub fn keep_first_frames(&mut self) {
        self.sim.tap.first_frames = Some(FirstFrames::new(Arc::clone(self.control.program())));
    }

    /// The frames kept, if any were to be.
    pub fn take_first_frames(&mut self) -> Option<FirstFrames> {
        self.sim.tap.first_frames.take()
    }

    /// Simulated now, and the step under way or next.
    pub fn position(&self) -> (SimTime, Option<&str>) {
        let task = self
            .active
            .first()
            .map(|active| active.task)
            .or((self.next_task < self.plan.len()).then_some(self.next_task));
        (self.sim.now(), task.map(|task| self.scenario.steps[self.plan[task].step].name.as_str()))
    }

    /// Goes on for about `events_max` events.
    ///
    /// # Errors
    /// See [`RunError`]; what happened so far can still be had from [`Run::finish`].
    pub fn advance(&mut self, events_max: u64) -> Result<Progress, RunError> {
        self.advance_until(SimTime::NEVER, events_max)
    }

    /// As [`Run::advance`], but not beyond `until`: [`Progress::Done`] means that nothing more happens up to then.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn advance_until(&mut self, until: SimTime, events_max: u64) -> Result<Progress, RunError> {
        self.start_what_is_due()?;
        if self.is_over() {
            let settled = *self.settle_until.get_or_insert_with(|| {
                self.sim.end_sessions();
                self.sim.now() + SETTLE
            });
            if let Some((host, event)) = self.sim.run_until(settled, events_max) {
                self.handle(host, event)?;
            }
            let rest = self.sim.now() >= settled && self.sim.next_event_at().is_none_or(|at| at > settled);
            return if rest { self.check_conservation().map(|()| Progress::Done) } else { Ok(Progress::Working) };
        }
        if self.sim.now() >= until && self.sim.next_event_at().is_none_or(|at| at > until) {
            return Ok(Progress::Done);
        }
        let horizon = self.horizon().min(until);
        match self.sim.run_until(horizon, events_max) {
            Some((host, event)) => self.handle(host, event)?,
            None => self.check_alive(horizon)?,
        }
        self.end_what_is_done();
        Ok(Progress::Working)
    }

    /// The result so far; `complete` says whether the timeline came to its end.
    pub fn finish(mut self) -> (RunResult, FileSet) {
        let complete = self.is_over() && self.settle_until.is_some();
        for active in std::mem::take(&mut self.active) {
            self.record_task(active, false);
        }
        let end_ns = self.calendar.unix_nanos(self.sim.now());
        let mut files = std::mem::take(self.sim.tap.capture.files_mut());
        files.finish(end_ns);
        let mut steps = std::mem::take(&mut self.steps);
        // Steps in the background end later than those that began after them.
        steps.sort_by_key(|step| step.started_ns);
        let result = record::run_result(&self, steps, complete, &files);
        (result, files)
    }

    /// Latency histograms, as files: (name, contents).
    pub fn histograms(&self) -> Vec<(String, String)> {
        self.sim.tap.observer.latencies().hgrm_files()
    }

    /// The latency histograms as one picture, an SVG; `None` if there are none.
    pub fn latency_svg(&self) -> Option<String> {
        self.sim.tap.observer.latencies().svg(&self.scenario.title)
    }

    /// Frames that came to the end of a link so far: the hops of performance figures.
    pub fn link_transmissions(&self) -> u64 {
        self.sim.link_transmissions()
    }

    /// Where all packets are.
    pub fn account(&self) -> PacketAccount {
        record::account(&self.sim.conservation())
    }

    /// Packets dropped so far, by reason. Unlike the codes of [`Run::account`], reasons are never shared.
    pub fn drops(&self) -> BTreeMap<DropReason, u64> {
        self.sim.conservation().dropped
    }

    fn is_over(&self) -> bool {
        self.active.is_empty() && self.next_task == self.plan.len()
    }

    fn check_conservation(&self) -> Result<(), RunError> {
        let conservation = self.sim.conservation();
        if conservation.holds() { Ok(()) } else { Err(RunError::NotConserved(Box::new(conservation))) }
    }

    /// Until when the simulator may run before the timeline has to act.
    fn horizon(&self) -> SimTime {
        let starts = self.active.iter().flat_map(|active| &active.hosts).filter(|host| host.waits_to_start());
        let starts = starts.map(|host| host.next_start);
        let now = self.sim.now();
        let raw =
            self.active.iter().flat_map(|active| &active.hosts).map(|host| host.busy_until).filter(|at| *at > now);
        let begin = (!self.foreground_busy()).then(|| self.next_begin()).flatten();
        starts.chain(raw).chain(begin).min().unwrap_or_else(|| {
            let oldest = self.active.iter().map(|active| active.started).min().unwrap_or(self.sim.now());
            oldest + STEP_MAX
        })
    }

    fn check_alive(&self, horizon: SimTime) -> Result<(), RunError> {
        for active in &self.active {
            let step = self.scenario.steps[self.plan[active.task].step].name.clone();
            let busy = active.hosts.iter().filter(|host| host.current.is_some());
            let hosts: Vec<_> = busy.map(|host| host.record.name.as_str()).collect();
            if !hosts.is_empty() && self.sim.now() >= active.started + STEP_MAX {
                return Err(RunError::StepTooLong { step, hosts: hosts.join(", ") });
            }
            if !hosts.is_empty() && self.sim.next_event_at().is_none() && self.sim.now() >= horizon {
                return Err(RunError::Stalled { step });
            }
        }
        Ok(())
    }

    fn foreground_busy(&self) -> bool {
        self.active.iter().any(|active| !self.scenario.steps[self.plan[active.task].step].background)
    }

    /// When the next task begins, if nothing else holds it up. The last foreground step waits for those in the background.
    fn next_begin(&self) -> Option<SimTime> {
        let task = self.plan.get(self.next_task)?;
        let step = &self.scenario.steps[task.step];
        let own = if task.rerun_of.is_none() { step.at } else { None };
        let wait = if task.rerun_of.is_none() { step.wait } else { None };
        Some(own.unwrap_or(self.free_from + wait.unwrap_or(SimDuration::ZERO)).max(self.sim.now()))
    }

    fn start_what_is_due(&mut self) -> Result<(), RunError> {
        let now = self.sim.now();
        for position in 0..self.active.len() {
            for host in 0..self.active[position].hosts.len() {
                let run = &self.active[position].hosts[host];
                if run.waits_to_start() && run.next_start <= now {
                    self.start_call(position, host)?;
                }
            }
        }
        while !self.foreground_busy() && self.next_begin().is_some_and(|begin| begin <= now) {
            let task = self.next_task;
            self.next_task += 1;
            self.begin(task)?;
            self.end_what_is_done();
        }
        Ok(())
    }

    fn begin(&mut self, task: usize) -> Result<(), RunError> {
        let now = self.sim.now();
        let step = &self.scenario.steps[self.plan[task].step];
        let (on, repeat, seed) = (step.on.clone(), step.repeat.max(1), self.scenario.seed);
        let mut active = Active { task, started: now, hosts: Vec::new(), operator: None };
        let changes = matches!(step.action, StepAction::Dns(_) | StepAction::Set(_));
        if on.is_empty() && (changes || self.plan[task].invocation.is_some()) {
            active.operator = Some(self.operate(task)?);
        }
        if self.active.is_empty() {
            self.sim.tap.observer.forget();
        }
        for name in on {
            let host = self.host_called(&name).ok_or_else(|| self.host_gone(task, &name))?;
            let seen_before = self.sim.tap.observer.observation(host);
            let jitter = seed.derive(&format!("jitter:{task}:{name}"));
            let spent_before = self.sim.tap.meter.spent(host);
            let record = HostRecord::new(&name, now);
            active.hosts.push(HostRun {
                record,
                host,
                remaining: repeat,
                next_start: now,
                seen_before,
                spent_before,
                jitter,
                current: None,
                busy_until: now,
            });
        }
        self.active.push(active);
        let position = self.active.len() - 1;
        for host in 0..self.active[position].hosts.len() {
            self.start_call(position, host)?;
        }
        Ok(())
    }

    fn end_what_is_done(&mut self) {
        let mut position = 0;
        while position < self.active.len() {
            let now = self.sim.now();
            let done = self.active[position].hosts.iter().all(|host| host.is_done(now));
            if !done {
                position += 1;
                continue;
            }
            let active = self.active.remove(position);
            if !self.scenario.steps[self.plan[active.task].step].background {
                self.free_from = self.sim.now() + PAUSE;
            }
            // What a raw packet met is known once it has gone its way.
            self.record_task(active, true);
        }
    }

    /// Adds a task to the result. One that was cut short has no checks, and its hosts the exit status of an interrupted program.
    fn record_task(&mut self, active: Active, is_done: bool) {
        let Active { task, started, hosts, operator } = active;
        let now = self.sim.now();
        let mut results = Vec::new();
        for run in hosts {
            let observation = self.sim.tap.observer.observation(run.host).since(&run.seen_before);
            let spent = self.sim.tap.meter.spent(run.host).since(&run.spent_before);
            let was_cut_short = !run.is_done(now);
            let usd_per_gb = spent.per_gb(&self.scenario.settings.prices).map(Usd::dollars);
            let result = HostResult { usd_per_gb, ..record::host_result(self, run.record, &observation) };
            results.push(if was_cut_short { result.cut_short() } else { result });
        }
        results.extend(operator.map(record::operator_result));
        let fresh: Vec<Warning> = warning::warnings(self.control.model()).into_iter().collect();
        let mut warnings: Vec<Warning> =
            fresh.iter().filter(|warning| !self.warned.contains(warning)).cloned().collect();
        let remark =
            self.plan[task].program.as_ref().and_then(|program| program.remark(self.sim.program().settings.ttl));
        // Once a run is enough.
        let said =
            |text: &&str| self.steps.iter().flat_map(|step| &step.warnings).any(|warning| warning.text == **text);
        warnings.extend(remark.filter(|text| !said(text)).map(|text| Warning { text: text.to_owned(), mend: None }));
        // A service that AWS has and vpcsim has not is refused in AWS's words, which are not all there is to say.
        let unsimulated = results.iter().find_map(|result| warning::not_simulated(&result.stderr));
        warnings.extend(unsimulated.map(|text| Warning { text, mend: None }));
        self.warned = fresh.into_iter().collect();
        let checks = match is_done {
            true => check::checks(&self.plan[task].expect, &results, &self.names),
            false => Vec::new(),
        };
        let result = record::step_result(self, &self.plan[task], started, now, results, warnings, checks);
        self.steps.push(result);
    }

    /// Runs a task of the operator: no packets.
    fn operate(&mut self, task: usize) -> Result<HostRecord, RunError> {
        let now = self.sim.now();
        let mut record = HostRecord::new("operator", now);
        let step = &self.scenario.steps[self.plan[task].step];
        if let StepAction::Dns(change) = &step.action {
            operator::change_names(&mut self.control, change);
            let output = CommandOutput { stdout: String::new(), stderr: String::new(), exit_code: 0 };
            record.add(CallRecord::local(now, output));
            // The program is the same; the resolvers' zones come from the model.
            self.publish()?;
        } else if let (StepAction::Aws { .. }, Some(invocation)) = (&step.action, &self.plan[task].invocation) {
            let wanted = operator::wanted(step, self.plan[task].rerun_of);
            let (output, created) =
                self.services.operate(&mut self.control, now, invocation, &self.names, (&self.scenario, step), &wanted);
            record.add(CallRecord::local(now, output));
            operator::give_name(&mut self.names, self.control.model(), &wanted, created.as_deref());
            self.publish_if_changed()?;
        } else if let StepAction::Set(change) = &step.action {
            let output = operator::set_link(&mut self.control, &self.names, change);
            record.add(CallRecord::local(now, output));
            self.publish_if_changed()?;
        }
        Ok(record)
    }

    pub(super) fn publish_if_changed(&mut self) -> Result<(), RunError> {
        if self.control.program().epoch == self.sim.program().epoch { Ok(()) } else { self.publish() }
    }

    fn publish(&mut self) -> Result<(), RunError> {
        let program = Arc::clone(self.control.program());
        self.sim.tap.adopt(&program, self.control.model(), &self.names);
        self.sim.publish(program, self.control.model())?;
        self.end_what_vanished();
        Ok(())
    }
}

/// The names that interface endpoints' certificates are for: a list for each service, in every Region that has a VPC. S3's endpoints have names of one label
/// more (`bucket.vpce-...`), for which each of them needs names of its own; those that a run creates have none.
fn vpce_names(model: &Model) -> Vec<Vec<String>> {
    let regions: BTreeSet<&str> = model.vpcs.values().map(|vpc| vpc.region.as_str()).collect();
    let services = regions.into_iter().flat_map(|region| endpoint_services_in(model, region));
    let interfaces = services.filter(|service| service.endpoint_type == VpcEndpointType::Interface);
    let mut names: Vec<Vec<String>> = interfaces.map(|service| vec![format!("*.{}", service.base_dns_name)]).collect();
    for endpoint in model.vpc_endpoints.values() {
        let deeper = model.endpoint_dns_names(endpoint).into_iter().filter(|name| name.name.starts_with("*."));
        let deeper: Vec<String> =
            deeper.flat_map(|name| [name.name.replacen("*.", "*.bucket.", 1), name.name]).collect();
        names.extend((!deeper.is_empty()).then_some(deeper));
    }
    names
}
/// What listens where the scenario says so, by what the simulator knows hosts by.
fn servers(scenario: &Scenario) -> BTreeMap<HostKind, Vec<Server>> {
    let kind = |name: &str| {
        let Some(id) = scenario.names.lookup(Kind::Instance, name) else {
            return Some(match scenario.model.host_on_premises(name) {
                Some((network, _)) => HostKind::OnPremises(network.name.clone(), name.to_owned()),
                None => HostKind::Outside(name.to_owned()),
            });
        };
        let id: InstanceId = id.parse().ok()?;
        Some(HostKind::Instance(scenario.model.instances.get(&id)?.primary_interface_id?))
    };
    scenario.servers.iter().filter_map(|(name, servers)| Some((kind(name)?, servers.clone()))).collect()
}
