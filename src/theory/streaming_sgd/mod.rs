//! The laws of SGD for least squares in high dimension.
//!
//! C. Paquette, K. Lee, F. Pedregosa & E. Paquette, COLT 2021 (several passes); E. Collins-Woodfin, I. Seroussi,
//! B. Garcia Malaxechebarria, A. Mackenzie, E. Paquette & C. Paquette, *The High Line*, NeurIPS 2024 (one pass,
//! AdaGrad-norm). Letters: l_i eigenvalues of the inputs' covariance H, D_i = E (w - w*)_i^2, Psi = E r^2 / 2 the
//! risk with label noise, gamma the rate on t = updates / d (epochs for several passes), B the batch.
//!
//! | law | form | file |
//! |---|---|---|
//! | one pass, constant rate, d -> infinity | linear modes in closed form, their ODE beyond 1000 eigenvalues | `modes`, `propagator` |
//! | the same with AdaGrad-norm | ODE of the modes | `modes` |
//! | the same, constant rate | Volterra equation, an independent route | [`volterra`] |
//! | several passes, d -> infinity, white inputs | the same modes at the nodes of Marchenko-Pastur | `passes` |
//! | several passes on a given data set | the same at the data's eigenvalues | `passes` |
//! | one pass, exact mean at every d, Gaussian inputs | recursion of second moments | `gaussian` |
//! | largest stable rate as an observable | from the two laws below | `stability` |
//! | largest stable step, Gaussian inputs | root of a closed equation | [`largest_stable_step`] |
//! | largest stable step, a finite data set | power iteration of the covariance map | [`largest_stable_step_of_data`] |
//!
//! Means diverge where their law does; single runs far below the mean are no contradiction. Above the critical rate
//! the mean square of finite d is carried by rare runs, which `log_risk` does not see.

mod gaussian;
mod modes;
mod passes;
mod propagator;
mod stability;
mod volterra;

pub use gaussian::{GaussianMoments, largest_stable_step};
pub use modes::Rates;
pub use stability::largest_stable_step_of_data;
pub use volterra::{OnePass, volterra};

use super::{LawError, LawOptions};
use crate::problem::Definition;
use crate::problem::Start;
use crate::problem::streaming_sgd::{Find, KIND, Moments, Rule, Spectrum, StreamingSgd};
use crate::trajectory::{Curve, End};
use std::time::Instant;

/// What the laws report; index into nothing, names as in the problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Observable {
    Risk,
    Excess,
    Distance,
    Rate,
    LogRisk,
    Growth,
    Training,
}

fn parse(problem: &StreamingSgd, names: &[String]) -> Result<Vec<Observable>, LawError> {
    let one = |name: &String| {
        Ok(match name.as_str() {
            "risk" => Observable::Risk,
            "excess_risk" => Observable::Excess,
            "distance" => Observable::Distance,
            "rate" => Observable::Rate,
            "log_risk" => Observable::LogRisk,
            "growth_rate" => Observable::Growth,
            "training_loss" if problem.sample_ratio.is_some() => Observable::Training,
            _ => return Err(super::unknown_observable(name, &problem.observables())),
        })
    };
    names.iter().map(one).collect()
}

/// What a law knows at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Seen {
    excess: f64,
    distance: f64,
    rate: f64,
    training: f64,
}

impl Seen {
    /// `floor` is the label noise of the risk, `first` the risk at time 0.
    fn value(&self, observable: Observable, floor: f64, first: f64, time: f64) -> f64 {
        let risk = floor + self.excess;
        match observable {
            Observable::Risk => risk,
            Observable::Excess => self.excess,
            Observable::Distance => self.distance,
            Observable::Rate => self.rate,
            Observable::LogRisk => libm::log(risk),
            Observable::Growth if time == 0.0 => 0.0,
            Observable::Growth => libm::log(risk / first) / time,
            Observable::Training => self.training,
        }
    }
}

/// The law of `problem`; see [`super::integrate`].
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &StreamingSgd,
    start: &Start,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    if let Some(reason) = problem.uncovered() {
        return Err(LawError::Uncovered { reason });
    }
    if problem.find != Find::Course {
        if let Some(name) = observables.iter().find(|name| *name != "largest_stable_rate") {
            return Err(super::unknown_observable(name, &problem.observables()));
        }
        return stability::integrate(problem, start, times, observables, options);
    }
    let rates = Rates::new(problem, options)?;
    let parsed = parse(problem, observables)?;
    match start {
        Start::Size(_) if problem.moments == Moments::Data => {
            Err(LawError::Start { reason: "the law needs the data of a replica".into() })
        }
        Start::Data(data) => {
            // Fewer samples to choose from leave less noise, if none stands twice.
            let left = problem.kept_noise(data.samples) * problem.batch as f64;
            let rates = Rates { kicks: rates.kicks * left, ..rates };
            let law = passes::Passes::of_data(problem, data, rates);
            Ok(closed_form(|t| law.seen(t), rates, &parsed, observables, times))
        }
        Start::Size(size) if problem.sample_ratio.is_some() => {
            let law = passes::Passes::of_limit(problem, *size, rates);
            Ok(closed_form(|t| law.seen(t), rates, &parsed, observables, times))
        }
        Start::Size(size) if problem.moments == Moments::Gaussian => {
            gaussian::integrate(problem, *size, rates, times, &parsed, observables)
        }
        Start::Size(size) => {
            let groups = problem.groups(*size).ok_or_else(|| no_limit(problem))?;
            if problem.rule == Rule::Constant && groups.len() <= modes::MOST_STEADY {
                let law = modes::Steady::new(groups, rates);
                return Ok(closed_form(|t| law.seen(t), rates, &parsed, observables, times));
            }
            let mut law = modes::OnePassModes::new(problem, groups, rates);
            super::follow(&mut law, &parsed, observables, times, options)
        }
        _ => Err(LawError::Start { reason: "a streaming-sgd law starts from a size or from data".into() }),
    }
}

/// The curve of a law that is known at every time without its past.
fn closed_form(
    seen: impl Fn(f64) -> Seen,
    rates: Rates,
    parsed: &[Observable],
    names: &[String],
    times: &[f64],
) -> Curve {
    let clock = Instant::now();
    let first = rates.floor + seen(0.0).excess;
    let mut curve = Curve::new(names);
    for &time in times {
        let now = seen(time);
        if ![now.excess, now.distance, now.training].iter().all(|x| x.is_finite()) {
            let time = curve.times.last().copied().unwrap_or(0.0);
            curve.end = End::Diverged { time, reason: "the mean square leaves the finite numbers".into() };
            break;
        }
        let snapshot: Vec<f64> = parsed.iter().map(|&o| now.value(o, rates.floor, first, time)).collect();
        curve.push(time, &snapshot);
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    curve
}

fn no_limit(problem: &StreamingSgd) -> LawError {
    let unlimited = match problem.spectrum {
        Spectrum::PowerLaw { .. } => "a power-law spectrum",
        _ => "a power-law target",
    };
    let reason = format!(
        "{unlimited} has no limit of infinite dimension: the law is that of a dimension, which simulation.sizes gives, \
         also where nothing is simulated; add [simulation] with sizes = [1000], say, or choose another spectrum"
    );
    LawError::Start { reason }
}

/// The value of a named formula at a simulated size, 0 for none; see [`super::overlay`].
///
/// # Errors
/// [`LawError`]: an unknown name, or a problem without such a value.
pub fn overlay(problem: &StreamingSgd, size: usize, name: &str) -> Result<f64, LawError> {
    let refused = |reason: &str| Err(LawError::Overlay { name: name.into(), reason: reason.into() });
    if !KIND.overlays.iter().any(|(known, _)| *known == name) {
        return Err(super::unknown_overlay(name, &KIND));
    }
    if problem.sample_ratio.is_some() || problem.rule != Rule::Constant {
        return refused("it is that of one pass at a constant rate");
    }
    if let "small-batch-rate" | "large-batch-rate" = name {
        if size == 0 {
            return refused("it is that of one simulated size");
        }
        let l = problem.spectrum.eigenvalues(size);
        let d = size as f64;
        return Ok(match name {
            "small-batch-rate" => 2.0 * problem.batch as f64 * d / l.iter().sum::<f64>(),
            _ => 2.0 * d / l.into_iter().fold(0.0, f64::max),
        });
    }
    let Some(mean) = problem.spectrum.mean() else {
        return refused("the mean eigenvalue of infinite dimension is not stated");
    };
    let critical = 2.0 * problem.batch as f64 / mean;
    match name {
        "critical-rate" => Ok(critical),
        _ if problem.learning_rate >= critical => refused("the mean square diverges"),
        _ => {
            let floor = 0.5 * problem.noise_std * problem.noise_std;
            Ok(floor / (1.0 - problem.learning_rate / critical))
        }
    }
}
