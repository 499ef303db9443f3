//! What programs that are no API calls have in common.

use super::context::Context;
use super::interface::Stack;
use super::outcome::{Failure, Outcome, Reply};
use crate::time::SimTime;

/// A program under way.
pub(super) trait Program {
    /// Goes as far as it can.
    fn step(&mut self, cx: &mut Context<'_>) -> Step;

    /// When [`Program::step`] must be called though no frame has come.
    fn deadline(&self, stack: &Stack) -> Option<SimTime>;

    /// What is known of it so far.
    fn record(&mut self) -> &mut Outcome;
}

/// How far a program came.
pub(super) struct Step {
    moved: bool,
    result: Option<Result<Reply, Failure>>,
}

impl Step {
    /// It goes on; `moved` says whether something happened after which another step at once may find more to do.
    pub(super) fn waiting(moved: bool) -> Self {
        Step { moved, result: None }
    }

    /// It is over.
    pub(super) fn over(result: Result<Reply, Failure>) -> Self {
        Step { moved: true, result: Some(result) }
    }
}

/// Goes as far as `program` can. The first value says whether to go on at once, the second is there when it is over.
pub(super) fn poll(program: &mut dyn Program, cx: &mut Context<'_>) -> (bool, Option<Outcome>) {
    let Step { moved, result } = program.step(cx);
    let outcome = result.map(|result| {
        let record = program.record();
        record.finished = cx.now;
        record.result = result;
        record.clone()
    });
    (moved, outcome)
}
