//! The laws: one file or folder per problem. Never sees the simulations.

pub mod batch_hessian;
pub mod class_imbalance;
pub mod committee;
pub mod deep_linear;
pub mod discretisation_drift;
pub mod extensive_width;
pub mod gaussian_mixture;
pub mod in_context;
pub mod kernel_regression;
pub mod linear_noise;
pub mod linear_regression;
pub mod matrix_sensing;
pub mod noisy_quadratic;
pub mod ntk;
pub mod single_index;
pub mod sparse_parity;
pub mod streaming_sgd;
pub mod teacher_mixture;
pub mod transfer;

use crate::math::gaussian::AverageError;
use crate::ode::{self, OdeError};
use crate::problem::{ObservableInfo, Problem, ProblemKind, Start};
use crate::trajectory::{Curve, End};
use std::time::Instant;

/// How a law is integrated.
#[derive(Clone, Debug, PartialEq)]
pub struct LawOptions {
    /// Relative and absolute tolerance of the integrator on the order parameters.
    pub tolerance: f64,
    /// Structural faults to plant, by the names of [`crate::problem::ProblemKind::law_faults`] and `finite_size_faults`.
    pub faults: Vec<String>,
    /// Integrate a second time with ten times the tolerance; the difference is the error of every value.
    pub measure_error: bool,
}

/// Why a law gives no curve. A trajectory that diverges is a curve with [`End::Diverged`], not an error.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LawError {
    #[error("no law covers the problem: {reason}")]
    Uncovered { reason: String },
    #[error("unknown observable {name:?} of the law; it has {known}")]
    UnknownObservable { name: String, known: String },
    #[error("unknown fault {name:?} of the law; it has {known}")]
    UnknownFault { name: String, known: String },
    #[error("the start does not fit the problem: {reason}")]
    Start { reason: String },
    #[error("the law cannot be integrated: {reason}")]
    Integration { reason: String },
    #[error("an average of the law at t = {time:.6e}: {source}")]
    Average { time: f64, source: AverageError },
    #[error("unknown asymptotic formula {name:?}; the problem has {known}")]
    UnknownOverlay { name: String, known: String },
    #[error("{name} does not apply: {reason}")]
    Overlay { name: String, reason: String },
}

/// The law of `problem` from `start`: `observables` at `times` (ascending, nonnegative, in units of the problem).
///
/// # Errors
/// [`LawError`] for misuse and for averages that cannot be computed. A law that diverges ends its curve early.
pub fn integrate(
    problem: &Problem,
    start: &Start,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    match (problem, start) {
        (Problem::Committee(problem), Start::Committee(start)) => {
            committee::integrate(problem, start, times, observables, options)
        }
        (Problem::DeepLinear(problem), Start::DeepLinear(start)) => {
            deep_linear::integrate(problem, start, times, observables, options)
        }
        (Problem::SingleIndex(problem), Start::SingleIndex(start)) => {
            single_index::integrate(problem, start, times, observables, options)
        }
        (Problem::LinearRegression(problem), Start::Size(_)) => {
            linear_regression::integrate(problem, times, observables, options)
        }
        (Problem::StreamingSgd(problem), start @ (Start::Size(_) | Start::Data(_) | Start::Samples(_))) => {
            streaming_sgd::integrate(problem, start, times, observables, options)
        }
        (Problem::NoisyQuadratic(problem), Start::Size(size)) => {
            noisy_quadratic::integrate(problem, *size, times, observables, options)
        }
        (Problem::Transfer(problem), Start::Size(_)) => {
            transfer::integrate(problem, times, observables, options)
        }
        (Problem::BatchHessian(problem), Start::Size(size)) => {
            batch_hessian::integrate(problem, *size, times, observables, options)
        }
        (Problem::TeacherMixture(problem), Start::TeacherMixture(start)) => {
            teacher_mixture::integrate(problem, start, times, observables, options)
        }
        (Problem::Ntk(problem), Start::Ntk(start)) => {
            ntk::integrate(problem, start, times, observables, options)
        }
        (Problem::GaussianMixture(problem), Start::GaussianMixture(start)) => {
            gaussian_mixture::integrate(problem, start, times, observables, options)
        }
        (Problem::ClassImbalance(problem), Start::Size(_)) => {
            class_imbalance::integrate(problem, times, observables, options)
        }
        (Problem::MatrixSensing(problem), Start::MatrixSensing(start)) => {
            matrix_sensing::integrate(problem, start, times, observables, options)
        }
        (Problem::DiscretisationDrift(problem), Start::Size(size)) => {
            discretisation_drift::integrate(problem, *size, times, observables, options)
        }
        (Problem::ExtensiveWidth(problem), Start::Size(_)) => {
            extensive_width::integrate(problem, times, observables, options)
        }
        (Problem::InContext(problem), Start::Size(_)) => {
            in_context::integrate(problem, times, observables, options)
        }
        (Problem::SparseParity(problem), Start::Size(size)) => {
            sparse_parity::integrate(problem, *size, times, observables, options)
        }
        (Problem::KernelRegression(problem), Start::Size(size)) => {
            kernel_regression::integrate(problem, *size, times, observables, options)
        }
        (problem, _) => {
            let kind = problem.kind().kind;
            Err(LawError::Start { reason: format!("a {kind} law starts from a {kind} start") })
        }
    }
}

/// Normal deviates of the quantiles that [`at_size`] reports: 5, 25, 50, 75 and 95 %.
pub const QUANTILES: [f64; 5] = [
    -1.644_853_626_951_472_2,
    -0.674_489_750_196_081_7,
    0.0,
    0.674_489_750_196_081_7,
    1.644_853_626_951_472_2,
];

/// Names of the rows that [`at_size`] adds to an observable.
pub struct SizeRow;

impl SizeRow {
    pub const STD: &'static str = ":std";
    pub const QUANTILES: [&'static str; 5] = [":q05", ":q25", ":q50", ":q75", ":q95"];

    /// The row of the mean, that of the standard deviation, and those of the quantiles.
    pub fn names(observable: &str) -> impl Iterator<Item = String> {
        let suffixes = ["", Self::STD].into_iter().chain(Self::QUANTILES);
        suffixes.map(move |suffix| format!("{observable}{suffix}"))
    }
}

/// What runs of size `size` do, predicted: for every observable h the rows `h` (mean over runs), `h:std` (standard
/// deviation over runs) and `h:q05` to `h:q95` (quantiles over runs), at `times`, from the start that the problem states.
///
/// # Errors
/// [`LawError::Uncovered`] where no such law exists.
pub fn at_size(
    problem: &Problem,
    size: usize,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    match problem {
        Problem::Committee(problem) => {
            committee::finite_size::at_size(problem, size, times, observables, options)
        }
        Problem::TeacherMixture(problem) => {
            teacher_mixture::finite_size::at_size(problem, size, times, observables, options)
        }
        Problem::SingleIndex(problem) => {
            single_index::finite_size::at_size(problem, size, times, observables, options)
        }
        other => Err(LawError::Uncovered {
            reason: other.finite_size_uncovered().unwrap_or_else(|| "no law at finite size".into()),
        }),
    }
}

/// The value of a named asymptotic formula of the problem, for the generalisation error.
///
/// # Errors
/// If the problem has no such formula, or lies outside its validity: the error says why.
pub fn overlay(problem: &Problem, name: &str) -> Result<f64, LawError> {
    match problem {
        Problem::Committee(problem) => committee::overlay(problem, name),
        Problem::DeepLinear(problem) => deep_linear::overlay(problem, name),
        Problem::SingleIndex(problem) => single_index::overlay(problem, name),
        Problem::LinearRegression(problem) => linear_regression::overlay(problem, name),
        Problem::StreamingSgd(problem) => streaming_sgd::overlay(problem, 0, name),
        Problem::NoisyQuadratic(problem) => noisy_quadratic::overlay(problem, 0, name),
        Problem::Transfer(problem) => transfer::overlay(problem, name),
        Problem::BatchHessian(problem) => batch_hessian::overlay(problem, name),
        Problem::Ntk(problem) => ntk::overlay(problem, name),
        Problem::GaussianMixture(problem) => gaussian_mixture::overlay(problem, name),
        Problem::TeacherMixture(problem) => teacher_mixture::overlay(problem, name),
        Problem::ClassImbalance(problem) => class_imbalance::overlay(problem, name),
        Problem::MatrixSensing(problem) => matrix_sensing::overlay(problem, name),
        Problem::DiscretisationDrift(problem) => discretisation_drift::overlay(problem, name),
        Problem::SparseParity(problem) => sparse_parity::overlay(problem, name),
        Problem::InContext(problem) => in_context::overlay(problem, name),
        Problem::ExtensiveWidth(problem) => extensive_width::overlay(problem, name),
        Problem::KernelRegression(problem) => kernel_regression::overlay(problem, name),
    }
}

/// As [`overlay`], beside simulations of one size: few formulas know it.
///
/// # Errors
/// As [`overlay`].
pub fn overlay_at(problem: &Problem, size: usize, name: &str) -> Result<f64, LawError> {
    match problem {
        Problem::StreamingSgd(problem) => streaming_sgd::overlay(problem, size, name),
        Problem::NoisyQuadratic(problem) => noisy_quadratic::overlay(problem, size, name),
        other => overlay(other, name),
    }
}

/// Whether the value of a named formula is a time, to be drawn upright across a panel over time.
pub fn overlay_is_time(problem: &Problem, name: &str) -> bool {
    match problem {
        Problem::TeacherMixture(_) => teacher_mixture::overlay_is_time(name),
        Problem::Ntk(_) => ntk::overlay_is_time(name),
        _ => false,
    }
}

fn unknown_observable(name: &str, known: &[ObservableInfo]) -> LawError {
    let known = known.iter().map(|info| info.name).collect::<Vec<_>>().join(", ");
    LawError::UnknownObservable { name: name.into(), known }
}

fn unknown_overlay(name: &str, kind: &ProblemKind) -> LawError {
    let known: Vec<&str> = kind.overlays.iter().map(|(name, _)| *name).collect();
    LawError::UnknownOverlay { name: name.into(), known: known.join(", ") }
}

/// Whether a fault concerns the law at finite size alone.
fn is_of_finite_size(fault: &str, kind: &ProblemKind) -> bool {
    kind.finite_size_faults.iter().any(|(name, _)| *name == fault)
}

fn unknown_fault(name: &str, kind: &ProblemKind) -> LawError {
    let known: Vec<&str> = kind.law_faults.iter().map(|(name, _)| *name).collect();
    LawError::UnknownFault { name: name.into(), known: known.join(", ") }
}

/// A system of ordinary differential equations for order parameters.
trait Law {
    type Observable;

    /// The state at t = 0.
    fn start(&self) -> Vec<f64>;
    /// Error that entries of size 0 may have: the tolerance itself, for states of order 1.
    fn absolute_tolerance(&self, tolerance: f64) -> f64 {
        tolerance
    }
    fn rhs(&mut self, t: f64, y: &[f64], dy: &mut [f64]) -> Result<(), AverageError>;
    fn observe(&mut self, t: f64, y: &[f64], observable: &Self::Observable) -> Result<f64, AverageError>;

    /// What rounding alone may do to that value, where it is a small difference of large terms.
    fn rounding(&mut self, t: f64, y: &[f64], observable: &Self::Observable) -> Result<f64, AverageError> {
        let _ = (t, y, observable);
        Ok(0.0)
    }
}

/// Integrates a law once, and once more if its error is wanted.
fn follow<L: Law>(
    law: &mut L,
    observables: &[L::Observable],
    names: &[String],
    times: &[f64],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    let started = Instant::now();
    let mut curve = follow_once(law, observables, names, times, options.tolerance)?;
    if options.measure_error {
        let loose = follow_once(law, observables, names, times, 10.0 * options.tolerance)?;
        curve.set_errors(&loose);
    }
    curve.work.seconds = started.elapsed().as_secs_f64();
    Ok(curve)
}

fn follow_once<L: Law>(
    law: &mut L,
    observables: &[L::Observable],
    names: &[String],
    times: &[f64],
    tolerance: f64,
) -> Result<Curve, LawError> {
    let mut curve = Curve::new(names);
    let start = law.start();
    let mut states: Vec<(f64, Vec<f64>)> = Vec::with_capacity(times.len());
    let absolute = law.absolute_tolerance(tolerance);
    let outcome = ode::integrate(
        &mut |t: f64, y: &[f64], dy: &mut [f64]| law.rhs(t, y, dy),
        0.0,
        &start,
        times,
        &ode::Options { absolute, ..ode::Options::with_tolerance(tolerance) },
        |t, y| states.push((t, y.to_vec())),
    );
    let mut snapshot = vec![0.0; observables.len()];
    let mut rounding = vec![0.0; observables.len()];
    for (time, y) in states {
        let failed = |source| LawError::Average { time, source };
        for ((value, rounding), observable) in snapshot.iter_mut().zip(&mut rounding).zip(observables) {
            *value = law.observe(time, &y, observable).map_err(failed)?;
            *rounding = law.rounding(time, &y, observable).map_err(failed)?;
        }
        curve.push(time, &snapshot);
        curve.set_last_errors(&rounding);
    }
    let stats = match outcome {
        Ok(stats) => stats,
        Err(OdeError::Input { reason }) => return Err(LawError::Integration { reason }),
        Err(OdeError::Rhs { time, error: source @ AverageError::NotConverged { .. }, .. }) => {
            return Err(LawError::Average { time, source });
        }
        Err(error) => {
            let (OdeError::Rhs { time, .. }
            | OdeError::Diverged { time, .. }
            | OdeError::StepTooSmall { time, .. }
            | OdeError::TooManySteps { time, .. }) = error
            else {
                unreachable!("bad input is no trajectory")
            };
            curve.end = End::Diverged { time, reason: error.to_string() };
            error.stats()
        }
    };
    curve.work.rhs_calls = stats.rhs_calls;
    curve.work.steps = stats.steps();
    curve.work.rejected_steps = stats.rejected_steps;
    Ok(curve)
}
