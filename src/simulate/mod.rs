//! The algorithms, run on finite data: one file or folder per problem. Never sees the laws.
//!
//! [`replica`] runs one of them from start to end on its own branch of the seed tree and returns what was
//! measured at the requested times. One replica runs on one thread and allocates nothing in its loop;
//! parallelism is over replicas.

mod batch_hessian;
mod chain;
mod class_imbalance;
mod committee;
mod deep_linear;
mod dense;
mod discretisation_drift;
mod extensive_width;
mod gaussian_mixture;
mod in_context;
mod kernel_regression;
#[cfg(test)]
mod kolmogorov;
mod linear_regression;
mod matrix_sensing;
mod noisy_quadratic;
mod ntk;
mod semidefinite;
mod single_index;
mod sparse_parity;
mod streaming_sgd;
mod teacher_mixture;
mod transfer;

use crate::linalg::LinalgError;
use crate::problem::{Method, Problem, Start};
use crate::rng::Stream;
use crate::trajectory::Curve;

/// What is measured along a replica.
#[derive(Clone, Copy, Debug)]
pub struct Measure<'a> {
    /// Ascending times in the unit of the problem. Each is rounded to the nearest whole update and recorded
    /// as the time of that update; equal updates give equal points.
    pub times: &'a [f64],
    /// Keys of single observables, as in `Problem::observables`: `generalisation_error`, `Q[1,2]`, indices
    /// from 1.
    pub observables: &'a [String],
    pub risk: Risk,
}

impl Measure<'_> {
    /// # Errors
    /// [`SimulationError::Times`] where times do not ascend from 0 on, NaN among them.
    fn check_times(&self) -> Result<(), SimulationError> {
        let mut previous = 0.0;
        for &time in self.times {
            if !(time >= previous && time.is_finite()) {
                return Err(SimulationError::Times { previous, time });
            }
            previous = time;
        }
        Ok(())
    }
}

/// How a replica measures its generalisation error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    /// From its own measured overlaps, by the population risk of the problem: no sampling error.
    Overlaps,
    /// As a mean over this many fresh samples, other ones at every snapshot.
    TestSet { samples: usize },
}

/// One run of an algorithm at one size.
#[derive(Clone, Debug, PartialEq)]
pub struct Replica {
    /// What was measured; a diverged replica keeps the snapshots that it reached.
    pub curve: Curve,
    /// Order parameters of the finite weights at time 0.
    pub start: Start,
}

/// Why a simulation has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SimulationError {
    #[error("size {size} is too small for this problem: sizes start at {needed}")]
    TooSmall { size: usize, needed: usize },
    #[error(
        "the given overlaps are no covariance: after {rank} independent directions {left:e} is left over"
    )]
    NotACovariance { rank: usize, left: f64 },
    #[error(
        "a batch of {batch} different samples out of {samples} at size {size}: choose a smaller batch, more data, or \
         replacement = true"
    )]
    BatchBeyondData { batch: usize, samples: usize, size: usize },
    #[error("a training set of {per_dimension} samples per input dimension is empty at size {size}")]
    EmptyTrainingSet { per_dimension: f64, size: usize },
    #[error("an error on a test set needs at least one sample")]
    EmptyTestSet,
    #[error("the method of simulation does not cover the problem: {reason}")]
    Method { reason: String },
    #[error("{samples} samples at size {size}: at least one is needed")]
    NoSamples { samples: usize, size: usize },
    #[error("effective_temperature is asked for at time {time}, and is defined after t' = {reference} only")]
    NoTemperature { time: f64, reference: f64 },
    #[error("a nonlinear network has no closed population loss: set observe.risk = \"test-set\"")]
    NeedsTestSet,
    #[error("the cure is not defined: {reason}")]
    Cure { reason: String },
    #[error(transparent)]
    Linalg(#[from] LinalgError),
    #[error("unknown observable {0:?}")]
    UnknownObservable(String),
    #[error("time {time} follows {previous}: times must ascend from 0 on")]
    Times { previous: f64, time: f64 },
    #[error("nothing to simulate: {0}")]
    OnlyALaw(&'static str),
    #[error("interrupted")]
    Interrupted,
}

/// Runs one replica of the algorithm of `problem` at `size` by `method`, on randomness from `stream` alone.
///
/// `stop` is asked now and then, every few milliseconds of work, whether to give up.
///
/// # Errors
/// [`SimulationError`]; a divergence is none, but an `End` of the curve.
pub fn replica(
    problem: &Problem,
    size: usize,
    method: Method,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    if let Some(reason) = problem.method_uncovered(method) {
        return Err(SimulationError::Method { reason });
    }
    match problem {
        Problem::Committee(problem) => committee::replica(problem, size, method, measure, stream, stop),
        Problem::DeepLinear(problem) => deep_linear::replica(problem, size, measure, stream, stop),
        Problem::SingleIndex(problem) => single_index::replica(problem, size, method, measure, stream, stop),
        Problem::LinearRegression(problem) => {
            linear_regression::replica(problem, size, measure, stream, stop)
        }
        Problem::StreamingSgd(problem) => streaming_sgd::replica(problem, size, measure, stream, stop),
        Problem::NoisyQuadratic(problem) => noisy_quadratic::replica(problem, size, measure, stream, stop),
        Problem::Transfer(problem) => transfer::replica(problem, size, measure, stream, stop),
        Problem::BatchHessian(problem) => batch_hessian::replica(problem, size, measure, stream, stop),
        Problem::TeacherMixture(problem) => {
            teacher_mixture::replica(problem, size, method, measure, stream, stop)
        }
        Problem::Ntk(problem) => ntk::replica(problem, size, measure, stream, stop),
        Problem::GaussianMixture(problem) => {
            gaussian_mixture::replica(problem, size, method, measure, stream, stop)
        }
        Problem::ClassImbalance(problem) => class_imbalance::replica(problem, size, measure, stream, stop),
        Problem::MatrixSensing(problem) => matrix_sensing::replica(problem, size, measure, stream, stop),
        Problem::DiscretisationDrift(problem) => discretisation_drift::replica(problem, size, measure, stop),
        Problem::SparseParity(problem) => sparse_parity::replica(problem, size, measure, stream, stop),
        Problem::InContext(problem) => in_context::replica(problem, size, measure, stream, stop),
        Problem::ExtensiveWidth(problem) => extensive_width::replica(problem, size, measure, stream, stop),
        Problem::KernelRegression(problem) => {
            kernel_regression::replica(problem, size, measure, stream, stop)
        }
    }
}

/// The measured start of the replica that [`replica`] would run, without running it.
///
/// # Errors
/// As [`replica`].
pub fn start(
    problem: &Problem,
    size: usize,
    method: Method,
    stream: &Stream,
) -> Result<Start, SimulationError> {
    match problem {
        Problem::Committee(problem) => committee::start(problem, size, method, stream).map(Start::Committee),
        Problem::DeepLinear(problem) => deep_linear::start(problem, size, stream),
        Problem::SingleIndex(problem) => {
            single_index::start(problem, size, method, stream).map(Start::SingleIndex)
        }
        Problem::LinearRegression(_) => Ok(Start::Size(size)),
        Problem::BatchHessian(_) => Ok(Start::Size(size)),
        Problem::SparseParity(_) => Ok(Start::Size(size)),
        Problem::InContext(_) => Ok(Start::Size(size)),
        Problem::ExtensiveWidth(_) => Ok(Start::Size(size)),
        Problem::KernelRegression(_) => Ok(Start::Size(size)),
        Problem::Transfer(_) => Ok(Start::Size(size)),
        Problem::NoisyQuadratic(_) => Ok(Start::Size(size)),
        Problem::StreamingSgd(problem) => streaming_sgd::start(problem, size, stream),
        Problem::TeacherMixture(problem) => {
            teacher_mixture::start(problem, size, method, stream).map(Start::TeacherMixture)
        }
        Problem::Ntk(problem) => ntk::start(problem, size, stream),
        Problem::GaussianMixture(problem) => gaussian_mixture::start(problem, size, stream),
        Problem::ClassImbalance(_) | Problem::DiscretisationDrift(_) => Ok(Start::Size(size)),
        Problem::MatrixSensing(problem) => Ok(matrix_sensing::start(problem, size, stream)),
    }
}

/// Refuses times that do not ascend from 0 on.
fn check_times(measure: &Measure) -> Result<(), SimulationError> {
    let mut previous = 0.0;
    for &time in measure.times {
        // Written so that NaN is refused as well.
        if !(time >= previous && time.is_finite()) {
            return Err(SimulationError::Times { previous, time });
        }
        previous = time;
    }
    Ok(())
}
