//! The law of the noisy quadratic model: second moments of independent modes, exact at every number of them.
//!
//! G. Zhang et al., NeurIPS 2019, arXiv:1907.04164, Secs. 3 and 4 and App. C to F. Letters: h_i curvatures, eta the
//! rate, p the preconditioner's power, x_i = eta h_i^(1-p), B the batch, c_i = sigma^2 h_i / B the noise variance.
//!
//! | what | form | file |
//! |---|---|---|
//! | risk after k steps, any optimiser and schedule | linear maps of the second moments | `moments` |
//! | steps to a target at one rate | doubling, then binary lifting: log k compositions of maps | `moments`, `sgd` |
//! | best rate, critical batch | search over rates | [`tuning`] |
//! | best rate of SGD, to the update | descent of the risk after exact counts | `rate` |
//! | best momentum | descent of the risk after fewer and fewer updates | `momentum` |
//! | best first rate of a schedule that falls to 0 | one table of moments per number of updates | [`decay`] |
//! | best piecewise constant schedule | coordinate descent on the rates of the pieces | [`schedule`] |
//!
//! The authors' notebook puts modes into 100 bins; here every mode stands for itself.

pub mod decay;
mod moments;
mod momentum;
mod rate;
pub mod schedule;
mod sgd;
mod table;
pub mod tuning;

pub use moments::{Map, Modes};
pub use sgd::{Room, Sgd};

use super::{LawError, LawOptions};
use crate::problem::Definition;
use crate::problem::noisy_quadratic::{KIND, NoisyQuadratic, Optimizer, Shape, Tune};
use crate::trajectory::{Curve, End};
use std::time::Instant;

/// Faults of the law.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    pub no_noise: bool,
    pub no_correlation: bool,
}

impl Faults {
    fn new(options: &LawOptions) -> Result<Self, LawError> {
        let mut faults = Self::default();
        for fault in &options.faults {
            match fault.as_str() {
                "drop=noise" => faults.no_noise = true,
                "drop=correlation" => faults.no_correlation = true,
                other => return Err(super::unknown_fault(other, &KIND)),
            }
        }
        Ok(faults)
    }
}

/// The law of `problem` with `size` modes, 0 for the number that it states; see [`super::integrate`].
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &NoisyQuadratic,
    size: usize,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    if let Some(reason) = problem.uncovered() {
        return Err(LawError::Uncovered { reason });
    }
    let clock = Instant::now();
    let faults = Faults::new(options)?;
    let known = problem.observables();
    if let Some(name) = observables.iter().find(|name| known.iter().all(|info| info.name != **name)) {
        return Err(super::unknown_observable(name, &known));
    }
    let modes = if size == 0 { problem.modes } else { size };
    if faults.no_correlation && problem.tune != Tune::Nothing {
        let reason = "drop=correlation is planted in the risk of stated rates alone: leave it out, or tune";
        return Err(LawError::Uncovered { reason: reason.into() });
    }
    let mut curve = match problem.tune {
        Tune::Nothing => match dimension(problem) {
            1 => path::<1>(problem, modes, faults, times, observables),
            2 => path::<2>(problem, modes, faults, times, observables),
            _ => path::<3>(problem, modes, faults, times, observables),
        },
        Tune::StepsToTarget { target, shape } => {
            tuned(problem, modes, faults, (target, shape), times, observables)?
        }
        Tune::Schedule { target, pieces } => {
            let steps = schedule::steps_to_target(problem, modes, faults, target, pieces)?;
            constant(&[steps.steps as f64], times, observables)
        }
    };
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

/// Numbers of one mode that move: theta, velocity, moving average. Velocity and average take the place that is free.
fn dimension(problem: &NoisyQuadratic) -> usize {
    1 + usize::from(problem.optimizer != Optimizer::Sgd) + usize::from(problem.moving_average > 0.0)
}

/// The same values at all times.
fn constant(values: &[f64], times: &[f64], observables: &[String]) -> Curve {
    let mut curve = Curve::new(observables);
    times.iter().for_each(|&time| curve.push(time, values));
    curve
}

fn tuned(
    problem: &NoisyQuadratic,
    modes: usize,
    faults: Faults,
    (target, shape): (f64, Shape),
    times: &[f64],
    observables: &[String],
) -> Result<Curve, LawError> {
    // The critical batch must not depend on whether the stated batch reaches the target.
    let mut found = None;
    let mut best = || match (found, shape) {
        (Some(best), _) => Ok::<_, LawError>(best),
        (None, Shape::Constant) => Ok(*found.insert(tuning::best(problem, modes, faults, target)?)),
        (None, _) => Ok(*found.insert(decay::best(problem, modes, faults, target, shape)?)),
    };
    let mut values = Vec::with_capacity(observables.len());
    for name in observables {
        values.push(match name.as_str() {
            "steps_to_target" => best()?.steps as f64,
            "best_rate" => best()?.rate,
            "best_momentum" => best()?.momentum,
            _ if shape == Shape::Constant => tuning::critical_batch(problem, modes, faults, target)?,
            _ => decay::critical_batch(problem, modes, faults, target, shape)?,
        });
    }
    Ok(constant(&values, times, observables))
}

fn path<const N: usize>(
    problem: &NoisyQuadratic,
    modes: usize,
    faults: Faults,
    times: &[f64],
    observables: &[String],
) -> Curve {
    let mut curve = Curve::new(observables);
    let mut state = Modes::<N>::new(problem, modes, faults);
    let mut done = 0;
    for &time in times {
        let wanted = problem.updates_at(time);
        state.advance(problem, done, wanted);
        done = wanted;
        let risk = state.risk();
        if !risk.is_finite() {
            let time = curve.times.last().copied().unwrap_or(0.0);
            curve.end = End::Diverged { time, reason: "the mean risk leaves the finite numbers".into() };
            break;
        }
        curve.push(done as f64, &vec![risk; observables.len()]);
    }
    curve.work.steps = done;
    curve
}

/// The value of a named formula with `size` modes, 0 for the number that the problem states; see [`super::overlay_at`].
///
/// # Errors
/// [`LawError`]: an unknown name, or a problem without a floor.
pub fn overlay(problem: &NoisyQuadratic, size: usize, name: &str) -> Result<f64, LawError> {
    let refused = |reason: &str| Err(LawError::Overlay { name: name.into(), reason: reason.into() });
    if !KIND.overlays.iter().any(|(known, _)| *known == name) {
        return Err(super::unknown_overlay(name, &KIND));
    }
    if problem.optimizer != Optimizer::Sgd || problem.moving_average > 0.0 {
        return refused("it is that of sgd");
    }
    let modes = if size == 0 { problem.modes } else { size };
    match Sgd::new(problem, modes, problem.learning_rate, Faults::default()).floor() {
        Some(floor) => Ok(floor),
        None => refused("the mean square diverges"),
    }
}
