//! The flows that stand for gradient descent with a finite step h.
//!
//! D. Barrett & B. Dherin, ICLR 2021, arXiv:2009.11162 (-g - (h/2) H g); M. Rosca, Y. Wu, C. Qin & B. Dherin 2023,
//! arXiv:2302.01952 (principal flow, third order flow). Letters: E loss, g gradient, H Hessian with eigenpairs l_i, u_i,
//! h step. Quadratics are solved in the eigenbasis, everything else is integrated with exact derivatives; where a flow
//! meets h l = 1, its field is infinite and the curve ends.

mod derivatives;
mod field;
mod network;
mod quadratic;

pub use derivatives::Derivatives;
pub use field::{Field, principal_factor};
pub use quadratic::factor;

use super::{LawError, LawOptions};
use crate::linalg::symmetric_eigen;
use crate::ode::{self, OdeError};
use crate::problem::Definition;
use crate::problem::discretisation_drift::{DiscretisationDrift, Flow, Function, KIND};
use crate::trajectory::{Curve, End};
use std::convert::Infallible;
use std::time::Instant;

/// Absolute over relative tolerance: local errors of one small step are compared.
const ABSOLUTE: f64 = 1e-3;

enum Target {
    Loss,
    Theta(usize),
    Sharpness,
}

fn target(name: &str, problem: &DiscretisationDrift) -> Result<Target, LawError> {
    let index = || {
        let index = name.strip_prefix("theta[")?.strip_suffix(']')?.parse::<usize>().ok()?.checked_sub(1)?;
        (index < problem.dimension()).then_some(Target::Theta(index))
    };
    match name {
        "loss" => Ok(Target::Loss),
        "sharpness" => Ok(Target::Sharpness),
        _ => index().ok_or_else(|| super::unknown_observable(name, &problem.observables())),
    }
}

/// The flow that `problem` names, faults included, at the step h.
fn field(problem: &DiscretisationDrift, h: f64, options: &LawOptions) -> Result<Field, LawError> {
    let mut field = Field { flow: problem.flow, branch: problem.branch, h, third: true };
    for fault in &options.faults {
        match fault.as_str() {
            "drop=drift" => field.flow = Flow::Gradient,
            "halve=drift" => field.h *= 0.5,
            "drop=third-derivative" => field.third = false,
            other => return Err(super::unknown_fault(other, &KIND)),
        }
    }
    Ok(field)
}

/// theta along an integrated flow, up to where it can be followed.
fn integrated(
    derivatives: &Derivatives,
    field: &Field,
    start: &[f64],
    times: &[f64],
    tolerance: f64,
    curve: &mut Curve,
) -> Result<Vec<Vec<f64>>, LawError> {
    let mut states = Vec::with_capacity(times.len());
    let mut failure = None;
    let mut system = |_t: f64, y: &[f64], dy: &mut [f64]| -> Result<(), Infallible> {
        if let Err(error) = field.velocity(derivatives, y, dy) {
            failure = Some(error);
            dy.fill(f64::NAN);
        }
        Ok(())
    };
    let options = ode::Options { absolute: ABSOLUTE * tolerance, ..ode::Options::with_tolerance(tolerance) };
    let outcome = ode::integrate(&mut system, 0.0, start, times, &options, |_, y| states.push(y.to_vec()));
    let stats = match outcome {
        Ok(stats) => stats,
        Err(OdeError::Input { reason }) => return Err(LawError::Integration { reason }),
        Err(error) => {
            let time = times.get(states.len()).copied().unwrap_or(0.0);
            curve.end = End::Diverged { time, reason: error.to_string() };
            error.stats()
        }
    };
    curve.work.rhs_calls += stats.rhs_calls;
    curve.work.steps += stats.steps();
    curve.work.rejected_steps += stats.rejected_steps;
    Ok(states)
}

fn once(
    problem: &DiscretisationDrift,
    field: &Field,
    flow_times: &[f64],
    times: &[f64],
    targets: &[Target],
    names: &[String],
    tolerance: f64,
) -> Result<Curve, LawError> {
    let mut curve = Curve::new(names);
    let derivatives = Derivatives::new(&problem.function);
    let states = match &problem.function {
        Function::Quadratic { matrix } => quadratic::follow(matrix, field, &problem.start, flow_times)?,
        _ => integrated(&derivatives, field, &problem.start, flow_times, tolerance, &mut curve)?,
    };
    for (&time, theta) in times.iter().zip(&states) {
        let mut values = Vec::with_capacity(targets.len());
        for target in targets {
            values.push(match *target {
                Target::Loss => derivatives.value(theta),
                Target::Theta(i) => theta[i],
                Target::Sharpness => {
                    let eigen = symmetric_eigen(&derivatives.hessian(theta))
                        .map_err(|error| LawError::Integration { reason: error.to_string() })?;
                    field.h * eigen.values[eigen.values.len() - 1]
                }
            });
        }
        curve.push(time, &values);
    }
    Ok(curve)
}

/// The law of `problem` at the step of a simulation of `size` (0: the step itself); see [`super::integrate`].
///
/// # Errors
/// [`LawError`]; a flow that cannot be followed any further ends its curve.
pub fn integrate(
    problem: &DiscretisationDrift,
    size: usize,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    if let Some(reason) = problem.uncovered() {
        return Err(LawError::Uncovered { reason });
    }
    let clock = Instant::now();
    let field = field(problem, problem.step_at(size), options)?;
    let targets: Vec<Target> =
        observables.iter().map(|name| target(name, problem)).collect::<Result<_, _>>()?;
    let flow_times: Vec<f64> = times.iter().map(|&time| problem.flow_time(time, size)).collect();
    let run = |tolerance| once(problem, &field, &flow_times, times, &targets, observables, tolerance);
    let mut curve = run(options.tolerance)?;
    if options.measure_error && !problem.is_quadratic() {
        curve.set_errors(&run(10.0 * options.tolerance)?);
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

/// The value of a named formula; see [`super::overlay`].
///
/// # Errors
/// [`LawError::UnknownOverlay`].
pub fn overlay(_problem: &DiscretisationDrift, name: &str) -> Result<f64, LawError> {
    match name {
        "edge" => Ok(2.0),
        "complex-edge" => Ok(1.0),
        _ => Err(super::unknown_overlay(name, &KIND)),
    }
}
