//! The only module that sees both roads: it runs the law and the replicas of every case, keeps finished
//! replicas on disk, has them judged, and hands tables and figures to [`crate::report`].
//!
//! ```text
//! Scenario -> plan (jobs, memory) -> execute (threads, progress, store) -> collect (tracks)
//!          -> verdicts (compare) + data.csv + record.json + figure
//! ```

mod abscissa;
mod approach;
mod at_size;
pub mod cli;
mod collect;
mod commands;
mod crossings;
mod draw;
mod execute;
mod finish;
mod formulas;
mod heatmap;
mod job;
mod library;
mod map;
mod plan;
mod power;
mod power_fit;
mod progress;
mod store;
mod study;

pub use collect::{Track, tracks};
pub use commands::main;
pub use execute::{Campaign, Outcome, execute};
pub use finish::{Finished, finish, verdicts};
pub use job::{Job, JobResult};
pub use library::Library;
pub use plan::{Plan, plan};
pub use power::{Power, Row as PowerRow, faults, power};
pub use store::Store;

use std::path::PathBuf;

/// Exit codes of the program.
pub mod exit {
    /// Every claim confirmed.
    pub const CONFIRMED: u8 = 0;
    /// At least one claim refuted.
    pub const REFUTED: u8 = 1;
    /// Wrong usage, or a run that failed.
    pub const ERROR: u8 = 2;
    /// No claim refuted, at least one undecided.
    pub const UNDECIDED: u8 = 3;
    /// Stopped by the user; finished replicas are kept.
    pub const INTERRUPTED: u8 = 130;
}

/// What can stop a run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("{0}")]
    Scenario(String),
    #[error(transparent)]
    Law(#[from] crate::theory::LawError),
    #[error(transparent)]
    Simulation(#[from] crate::simulate::SimulationError),
    #[error(
        "replica {replica} of size {size} has no result: {source}\n  help: choose another simulation.seed, another size, \
         or data that depend less on each other"
    )]
    Replica { replica: usize, size: usize, source: crate::linalg::LinalgError },
    #[error("{path}: {what}\n  help: {help}", path = path.display())]
    File { path: PathBuf, what: String, help: String },
    #[error(
        "{id} would need about {needed} of memory and this machine has {available} free\n  help: lower \
         simulation.replicas, simulation.sizes, the number of observe.times or --jobs"
    )]
    Memory { id: String, needed: String, available: String },
    #[error("{first} and {second} would both write to {}: rename one, or run them apart", folder.display())]
    SameFolder { first: String, second: String, folder: PathBuf },
    #[error("interrupted")]
    Interrupted,
}

impl RunError {
    pub(crate) fn file(path: impl Into<PathBuf>, what: impl ToString, help: impl Into<String>) -> Self {
        Self::File { path: path.into(), what: what.to_string(), help: help.into() }
    }
}
