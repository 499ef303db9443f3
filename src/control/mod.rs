//! The control plane: what an API call does to the account.
//!
//! Purpose: typed [`Action`]s change a copy of the [`Model`], the copy is compiled, and only then both are committed, so that
//! a refused action leaves no trace. Refusals carry AWS's error codes.
//! Non-goals: authorisation (part 5), eventual consistency (every change is seen at once), the Query protocol (`api`),
//! reading (callers read [`ControlPlane::model`]).
//! Invariants: `program` is always the compiled form of `model`; a failed action changes neither.
//! Source: docs.aws.amazon.com/AWSEC2/latest/APIReference

mod action;
mod apply;
mod edge;
mod dhcp_options;
mod endpoint;
mod error;
mod instance;
mod nat_gateway;
mod network;
mod network_acl;
mod on_premises;
mod peering;
pub mod region;
mod route;
mod security_group;
pub mod tagging;
mod vpn;
mod transit;
pub mod zone;

pub use action::*;
pub use error::ControlError;
pub use on_premises::LinkEvent;

use crate::calendar::Calendar;
use crate::compile::{CompileError, Compiler};
use crate::model::Model;
use crate::program::Program;
use crate::time::SimTime;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The account as its API changes it: intent and the program compiled from it.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    model: Model,
    compiler: Compiler,
    program: Arc<Program>,
    calendar: Calendar,
    /// What calls with a client token did, by operation and token, so that a repeated call does nothing twice.
    tokens: BTreeMap<(&'static str, String), (Action, Output)>,
}

/// What the caller wants the created resource to be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Its AWS id; it must fit what the action creates.
    pub id: Option<String>,
    /// The name its id derives from; without one, ids are numbered.
    pub label: Option<String>,
}

impl ControlPlane {
    /// Compiles `model` and takes charge of it.
    ///
    /// # Errors
    /// Whatever the compiler finds wrong with the model.
    pub fn new(model: Model, calendar: Calendar) -> Result<ControlPlane, CompileError> {
        let mut compiler = Compiler::new();
        let program = Arc::new(compiler.compile(&model)?);
        Ok(ControlPlane { model, compiler, program, calendar, tokens: BTreeMap::new() })
    }

    /// The account as it is.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The program that forwards for this model.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// What date it is when.
    pub fn calendar(&self) -> Calendar {
        self.calendar
    }

    /// Lets a service's DNS name lose its addresses (`fails`), or have them again. No API of AWS's does this, and no route changes.
    pub fn set_dns_failure(&mut self, name: &str, fails: bool) {
        if fails {
            self.model.dns_failures.insert(name.to_owned());
        } else {
            self.model.dns_failures.remove(name);
        }
    }

    /// What happens by itself as time goes by: requests for peering expire. Packets never notice.
    pub fn advance(&mut self, now: SimTime) {
        self.model.expire_peering_requests(now);
    }

    /// Does `action` at `now`: clones the model, applies, compiles, commits both. A call that repeats an earlier one's client
    /// token changes nothing and answers the same.
    ///
    /// # Errors
    /// AWS's refusals, `IdempotentParameterMismatch` among them; `InternalError` if the changed model does not compile.
    /// Model and program are untouched then.
    pub fn handle(&mut self, now: SimTime, action: Action, wanted: &Wanted) -> Result<Output, ControlError> {
        let token = action.client_token().map(|token| (action.name(), token.to_owned()));
        if let Some(earlier) = self.earlier(token.as_ref(), &action)? {
            return Ok(earlier);
        }
        let mut compiler = self.compiler.clone();
        let (model, program, output) = attempt(&self.model, &mut compiler, now, action.clone(), wanted)?;
        (self.model, self.compiler, self.program) = (model, compiler, Arc::new(program));
        if let Some(token) = token {
            self.tokens.insert(token, (action, output.clone()));
        }
        Ok(output)
    }

    /// Whether [`ControlPlane::handle`] would succeed.
    ///
    /// # Errors
    /// As `handle`.
    pub fn dry_run(&self, now: SimTime, action: Action, wanted: &Wanted) -> Result<(), ControlError> {
        let token = action.client_token().map(|token| (action.name(), token.to_owned()));
        if self.earlier(token.as_ref(), &action)?.is_some() {
            return Ok(());
        }
        attempt(&self.model, &mut self.compiler.clone(), now, action, wanted).map(|_| ())
    }

    fn earlier(&self, token: Option<&(&'static str, String)>, action: &Action) -> Result<Option<Output>, ControlError> {
        match token.and_then(|token| self.tokens.get(token)) {
            Some((earlier, _)) if earlier != action => Err(ControlError::new(
                "IdempotentParameterMismatch",
                "The client token was used before, by a request with other parameters.",
            )),
            found => Ok(found.map(|(_, output)| output.clone())),
        }
    }
}

/// The model after the action, its program, and what the action answers.
fn attempt(
    model: &Model,
    compiler: &mut Compiler,
    now: SimTime,
    action: Action,
    wanted: &Wanted,
) -> Result<(Model, Program, Output), ControlError> {
    let mut model = model.clone();
    let output = apply::apply(&mut model, now, action, wanted)?;
    let program = compiler.compile(&model).map_err(|error| {
        ControlError::new("InternalError", format!("The network does not compile after this change: {error}"))
    })?;
    Ok((model, program, output))
}

#[cfg(test)]
pub(crate) mod tests;
