//! The laws of matrix sensing: exact at every dimension, for vanishing steps or for infinitely many measurements.
//!
//! N. Xiong, L. Ding & S. Du 2023, arXiv:2310.01769; the solution of the Riccati equation: W. Yan, U. Helmke & J. Moore
//! 1994. Letters: M = diag(s_1, ..., s_r) the target in n dimensions, k columns of the factors, t = step x updates.
//!
//! | model and limit | law | file |
//! |---|---|---|
//! | X X^T, vanishing steps | closed matrix solution, stepped with new factors | `symmetric` |
//! | F G^T, vanishing steps | gradient flow, integrated | `asymmetric` |
//! | infinitely many measurements | gradient descent on the population | `recursion` |
//!
//! Rows of the factors outside the first r enter through their inner products alone, so all but k of them are rotated
//! away: the cost does not depend on the dimension.

mod asymmetric;
mod reading;
mod recursion;
mod reduced;
mod symmetric;

pub use reduced::Reduced;
pub use symmetric::{Riccati, STRIDE};

use super::{LawError, LawOptions};
use crate::problem::Definition;
use crate::problem::matrix_sensing::{Cure, KIND, Limit, MatrixSensing, Start};
use crate::trajectory::Curve;
use reading::Target;
use std::time::Instant;

/// The law, faults included.
#[derive(Clone, Copy, Debug)]
struct Rules {
    tolerance: f64,
    /// Of the closed solution: s_1 times the length of a step.
    stride: f64,
    /// Factor on time.
    rate: f64,
    null_space: bool,
    restricts: bool,
    /// With its time after whole updates.
    cure: Option<(Cure, f64)>,
}

impl Rules {
    fn new(problem: &MatrixSensing, size: usize, options: &LawOptions) -> Result<Self, LawError> {
        let mut rules = Self {
            tolerance: options.tolerance,
            stride: STRIDE,
            rate: 1.0,
            null_space: true,
            restricts: true,
            cure: problem.cure.map(|cure| (cure, problem.recorded(cure.time, size))),
        };
        for fault in &options.faults {
            match fault.as_str() {
                "drop=null-space" => rules.null_space = false,
                "double=rate" => rules.rate = 2.0,
                "drop=restriction" => rules.restricts = false,
                "drop=cure" => rules.cure = None,
                other => return Err(super::unknown_fault(other, &KIND)),
            }
        }
        Ok(rules)
    }
}

/// Factors at the requested times.
fn states(
    problem: &MatrixSensing,
    start: Reduced,
    times: &[f64],
    rules: Rules,
    curve: &mut Curve,
) -> Result<Vec<Reduced>, LawError> {
    let advance = |state: &Reduced, from: f64, times: &[f64], curve: &mut Curve| match problem.limit {
        Limit::Measurements { step } => Ok(recursion::follow(state, from, times, step, rules.rate)),
        Limit::StepSize if state.g.is_none() => symmetric::follow(state, from, times, rules, curve),
        Limit::StepSize => asymmetric::follow(state, from, times, rules, curve),
    };
    let Some((cure, at)) = rules.cure else {
        return advance(&start, 0.0, times, curve);
    };
    let before = times.partition_point(|&time| time < at);
    let mut until = times[..before].to_vec();
    if before == times.len() {
        return advance(&start, 0.0, times, curve);
    }
    until.push(at);
    let mut states = advance(&start, 0.0, &until, curve)?;
    let Some(last) = states.pop() else { return Ok(states) };
    // The planted fault empties rows, and F loses its rank with them.
    let cured = last.cured(cure, rules.null_space)?;
    states.extend(advance(&cured, at, &times[before..], curve)?);
    Ok(states)
}

fn once(
    problem: &MatrixSensing,
    start: &Reduced,
    times: &[f64],
    targets: &[Target],
    names: &[String],
    rules: Rules,
) -> Result<Curve, LawError> {
    let mut curve = Curve::new(names);
    let states = states(problem, start.clone(), times, rules, &mut curve)?;
    for (&time, state) in times.iter().zip(&states) {
        let values = reading::read(state, problem, targets, time, rules)?;
        curve.push(time, &values);
    }
    Ok(curve)
}

/// The law of `problem` from `start`; see [`super::integrate`].
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &MatrixSensing,
    start: &Start,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    if let Some(reason) = problem.uncovered() {
        return Err(LawError::Uncovered { reason });
    }
    let clock = Instant::now();
    let (factors, size) = match start {
        Start::Measured { factors, size } => (factors.as_ref().clone(), *size),
        Start::Stated { size } => {
            let reason = || LawError::Start { reason: "the problem draws its start and states none".into() };
            (problem.stated().ok_or_else(reason)?, *size)
        }
    };
    let rules = Rules::new(problem, size, options)?;
    let start = Reduced::new(problem, &factors, rules.null_space)?;
    let parse = |name: &String| {
        Target::parse(name, problem).ok_or_else(|| super::unknown_observable(name, &problem.observables()))
    };
    let targets: Vec<Target> = observables.iter().map(parse).collect::<Result<_, _>>()?;
    let mut curve = once(problem, &start, times, &targets, observables, rules)?;
    if options.measure_error && problem.limit == Limit::StepSize {
        let loose = Rules { tolerance: 10.0 * rules.tolerance, stride: 0.5 * rules.stride, ..rules };
        let loose = once(problem, &start, times, &targets, observables, loose)?;
        curve.set_errors(&loose);
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

/// The value of a named formula; see [`super::overlay`].
///
/// # Errors
/// [`LawError::UnknownOverlay`], [`LawError::Overlay`] where the formula does not apply.
pub fn overlay(problem: &MatrixSensing, name: &str) -> Result<f64, LawError> {
    let refused = |reason: &str| Err(LawError::Overlay { name: name.into(), reason: reason.into() });
    let weakest = || problem.strengths[problem.rank() - 1];
    match name {
        "tail-prefactor" | "signal-rate" if !problem.is_symmetric() => {
            refused("it is that of symmetric factors")
        }
        "tail-prefactor" | "signal-rate" if problem.columns < problem.rank() => {
            refused("with fewer columns than the rank the error stays finite")
        }
        "tail-prefactor" => Ok(0.25 * problem.tail_directions() as f64),
        "signal-rate" if problem.tail_directions() > 0 => {
            refused("with columns and rows to spare the error decays as a power")
        }
        // Without rows outside the target its own entries are the slowest: s_i + s_j in place of s_i.
        "signal-rate" if problem.dimension == problem.rank() => Ok(2.0 * weakest()),
        "signal-rate" => Ok(weakest()),
        "cured-rate" => match problem.cure {
            Some(cure) => {
                let scale = cure.scale * cure.scale;
                Ok(scale.min(weakest() * weakest() / scale))
            }
            None => refused("there is no cure"),
        },
        _ => Err(super::unknown_overlay(name, &KIND)),
    }
}
