//! The observers of a run, as one.

use super::first_frames::FirstFrames;
use super::observer::Observer;
use crate::capture::CaptureTap;
use crate::cost::Meter;
use crate::dataplane::{Decision, DropReason, Made, PacketMeta, Step, Tap};
use crate::model::Model;
use crate::program::{HostIx, NodeIx, Program};
use crate::scenario::Names;
use crate::time::SimTime;
use std::sync::Arc;

/// Captures, the report's observer and the meter.
pub(super) struct Taps {
    /// Writes captures.
    pub(super) capture: CaptureTap,
    /// Counts for the report.
    pub(super) observer: Observer,
    /// Counts for the bill.
    pub(super) meter: Meter,
    /// Keeps frames, if it is asked to.
    pub(super) first_frames: Option<FirstFrames>,
}

impl Taps {
    /// Follows a new program.
    pub(super) fn adopt(&mut self, program: &Arc<Program>, model: &Model, names: &Names) {
        if self.capture.is_on() {
            self.capture.adopt(program, &|id| names.name_of(id).map(str::to_owned));
        }
        self.observer.adopt(program);
        self.meter.adopt(program, model);
        if let Some(frames) = &mut self.first_frames {
            frames.adopt(program);
        }
    }
}

impl Tap for Taps {
    fn on_enter(&mut self, now: SimTime, at: NodeIx, packet: &PacketMeta, bytes: &[u8]) {
        if self.capture.is_on() {
            self.capture.on_enter(now, at, packet, bytes);
        }
        self.observer.on_enter(now, at, packet, bytes);
        if let Some(frames) = &mut self.first_frames {
            frames.on_enter(now, packet, bytes);
        }
    }

    fn on_decision(&mut self, now: SimTime, at: NodeIx, packet: &PacketMeta, decision: Decision) {
        if self.capture.is_on() {
            self.capture.on_decision(now, at, packet, decision);
        }
        self.observer.on_decision(now, at, packet, decision);
        self.meter.on_decision(now, at, packet, decision);
    }

    fn on_step(&mut self, now: SimTime, at: NodeIx, packet: &PacketMeta, bytes: &[u8], step: Step) {
        if self.capture.is_on() {
            self.capture.on_step(now, at, packet, bytes, step);
        }
        self.observer.on_step(now, at, packet, bytes, step);
        self.meter.on_step(now, at, packet, bytes, step);
    }

    fn on_made(&mut self, now: SimTime, at: NodeIx, of: &PacketMeta, packet: &PacketMeta, made: Made) {
        if self.capture.is_on() {
            self.capture.on_made(now, at, of, packet, made);
        }
        self.observer.on_made(now, at, of, packet, made);
        self.meter.on_made(now, at, of, packet, made);
    }

    fn on_link_drop(
        &mut self,
        now: SimTime,
        from: Option<NodeIx>,
        packet: &PacketMeta,
        bytes: &[u8],
        reason: DropReason,
    ) {
        if self.capture.is_on() {
            self.capture.on_link_drop(now, from, packet, bytes, reason);
        }
        self.observer.on_link_drop(now, from, packet, bytes, reason);
        self.meter.on_link_drop(now, from, packet, bytes, reason);
    }

    fn on_run_end(&mut self, now: SimTime, packet: &PacketMeta) {
        if self.capture.is_on() {
            self.capture.on_run_end(now, packet);
        }
        self.observer.on_run_end(now, packet);
        self.meter.on_run_end(now, packet);
    }

    fn on_secrets(&mut self, lines: &str) {
        if self.capture.is_on() {
            self.capture.on_secrets(lines);
        }
    }

    fn on_arrival(&mut self, now: SimTime, host: HostIx, packet: &PacketMeta, bytes: &[u8]) {
        self.observer.on_arrival(now, host, packet, bytes);
        self.meter.on_arrival(now, host, packet, bytes);
    }
}
