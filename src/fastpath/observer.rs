//! Watching one walk, to remember it.

use super::memo::TOUCHES_MAX;
use super::path::Way;
use crate::dataplane::{Decision, PacketMeta, Step, Tap, Touch};
use crate::program::{Node, NodeIx, Program};
use crate::time::SimTime;

/// What a walk did, as far as a memo needs it.
#[derive(Debug)]
pub(super) struct Observer<'p> {
    program: &'p Program,
    pub(super) way: Way,
    touches: [Touch; TOUCHES_MAX],
    touch_count: usize,
    memorable: bool,
}

impl<'p> Observer<'p> {
    /// `way` is cleared, up to its note, and used, so that its memory is.
    pub(super) fn new(program: &'p Program, mut way: Way) -> Self {
        way.nodes.clear();
        way.nat_gateways.clear();
        Observer { program, way, touches: [Touch::Volatile; TOUCHES_MAX], touch_count: 0, memorable: true }
    }

    /// The sessions asked; `None` if there were too many, or something that cannot be asked again.
    pub(super) fn touches(&self) -> Option<&[Touch]> {
        self.memorable.then(|| &self.touches[..self.touch_count])
    }
}

impl Tap for Observer<'_> {
    fn on_touch(&mut self, touch: Touch) {
        match self.touches.get_mut(self.touch_count) {
            Some(place) if touch != Touch::Volatile => {
                *place = touch;
                self.touch_count += 1;
            }
            _ => self.memorable = false,
        }
    }

    fn on_decision(&mut self, _now: SimTime, at: NodeIx, _packet: &PacketMeta, decision: Decision) {
        if let Decision::Nat { direction, .. } = decision
            && let Node::NatGateway(_) = self.program.node(at)
        {
            self.way.nat_gateways.push((at, direction));
        }
    }

    fn on_step(&mut self, _now: SimTime, at: NodeIx, _packet: &PacketMeta, _bytes: &[u8], _step: Step) {
        self.way.nodes.push(at);
    }
}
