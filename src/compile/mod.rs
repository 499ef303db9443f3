//! (skeleton; helper CORE) From intent to program.
use crate::model::Model;
use crate::program::Program;

/// Why a model cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// More of something than an index can hold.
    #[error("{what}: {count} are more than the {limit} that a program can hold")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
}

/// Compiles models of one run, keeping indices stable from one to the next.
#[derive(Clone, Debug, Default)]
pub struct Compiler {
    epoch: u64,
}

impl Compiler {
    /// A compiler that has seen nothing.
    pub fn new() -> Self {
        Compiler::default()
    }

    /// Compiles `model`.
    ///
    /// # Errors
    /// [`CompileError::TooMany`].
    pub fn compile(&mut self, _model: &Model) -> Result<Program, CompileError> {
        self.epoch += 1;
        let none = Default::default;
        Ok(Program {
            epoch: self.epoch,
            nodes: Box::new([]),
            fibs: Box::new([]),
            acls: Box::new([]),
            hosts: Box::new([]),
            links: Box::new([]),
            origins: none(),
        })
    }
}
