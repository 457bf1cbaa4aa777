//! The law of multi-pass SGD on a Gaussian mixture: dynamical mean-field theory in discrete time.
//!
//! F. Mignacco, F. Krzakala, P. Urbani & L. Zdeborova, NeurIPS 2020, arXiv:2006.06098. Letters: alpha = n/d samples per
//! dimension, Delta variance of the clusters, lambda ridge, eta learning rate, nu divisor of the sum over samples, R
//! variance of the start, b mean share of the samples in an update, tau persistence time, m = w.v/d, C = w.w'/d.
//! Time = updates, or eta x updates for the flow.
//!
//! | route | form | file |
//! |---|---|---|
//! | sweep | causal, response-free, over a population of effective samples | `sweep` |
//! | recursion | square loss, full or i.i.d. batches: closed second moments | `recursion` |
//! | spectrum | square loss, full batch: Marchenko-Pastur law with outlier, of steps or of the flow | `spectrum` |
//!
//! The two-process form of the law (a Gaussian field plus a memory of past gradients, with self-consistent response
//! kernels) follows from conditioning a Gaussian matrix on its products, and Stein's lemma turns every response into
//! a plain average in the basis of [`sweep`]. No fixed point is iterated, no kernel inverted, and Lambda'' is needed for
//! response observables only.
//!
//! # Errors of the law
//! The sweep is a Monte-Carlo law: a value is the mean over independent populations, its error the standard error of
//! that mean. The flow is extrapolated from steps of eta, eta/2 and eta/4, and the last change is part of the error.
//! The recursion takes the training loss from differences of covariances of size 1, and states their rounding, some
//! 1e-15, as its error; the spectrum keeps all digits of a loss that vanishes.

mod algebra;
mod basis;
mod block;
mod kernels;
mod plan;
mod population;
mod populations;
mod recursion;
mod selection;
mod spectrum;
mod sums;
mod sweep;
mod walker;

pub use plan::{Faults, Plan, SAMPLES_PER_FIELD, Snapshot, Stop, Weights};
pub use recursion::recursion;
pub use spectrum::Spectrum;
pub use sweep::sweep;

use super::{LawError, LawOptions};
use crate::problem::Definition;
use crate::problem::gaussian_mixture::{Dynamics, GaussianMixture, KIND, Observable, Route, Start, risk};
use crate::trajectory::{Curve, End};
use populations::Populations;
use std::time::Instant;

/// The law of `problem` from `start`; see [`super::integrate`].
///
/// # Errors
/// [`LawError`]: unknown observables, a population too small for its basis, an effective temperature at or before its t'.
pub fn integrate(
    problem: &GaussianMixture,
    start: &Start,
    times: &[f64],
    names: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    let clock = Instant::now();
    let observables = parse(problem, names)?;
    let faults = faults(options)?;
    for (name, observable) in names.iter().zip(&observables) {
        if let (Observable::EffectiveTemperature(i), Some(&time)) = (*observable, times.first())
            && time <= problem.correlation_times[i]
        {
            let reference = problem.correlation_times[i];
            let reason =
                format!("{name} is asked for at time {time}, and is defined after t' = {reference} only");
            return Err(LawError::Integration { reason });
        }
    }
    // Once, with the stated learning rate, for all routes and for simulations: the flow of a sweep is a limit of shorter
    // and shorter steps, each of which would round to times of its own.
    let problem = &problem.with_recorded_times();
    let request = Request { problem, start: *start, times, names, observables: &observables };
    let mut curve = match problem.route {
        Route::Sweep { population, populations, moment_matching, seed } => {
            let many = Populations {
                population,
                populations,
                moment_matching,
                seed,
                tolerance: options.tolerance,
                faults,
            };
            match problem.dynamics {
                Dynamics::Steps => request.steps(&many)?,
                Dynamics::Flow => request.flow(&many)?,
            }
        }
        Route::Recursion | Route::Spectrum if faults != Faults::default() => {
            let reason = "faults can be planted in the sweep: use route = { kind = \"sweep\" }".to_string();
            return Err(LawError::Integration { reason });
        }
        Route::Recursion => request.recursion()?,
        Route::Spectrum => request.spectrum()?,
    };
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

/// Value of a named formula; see [`super::overlay`].
pub(super) fn overlay(problem: &GaussianMixture, name: &str) -> Result<f64, LawError> {
    if name != "bayes-optimal" {
        let known: Vec<&str> = KIND.overlays.iter().map(|(name, _)| *name).collect();
        return Err(LawError::UnknownOverlay { name: name.into(), known: known.join(", ") });
    }
    risk::bayes_error(problem).ok_or_else(|| LawError::Overlay {
        name: name.into(),
        reason: "the closed form is that of two clusters".into(),
    })
}

fn parse(problem: &GaussianMixture, names: &[String]) -> Result<Vec<Observable>, LawError> {
    let known = || problem.observables().iter().map(|info| info.name).collect::<Vec<_>>().join(", ");
    let parse = |name: &String| {
        Observable::parse(problem, name)
            .ok_or_else(|| LawError::UnknownObservable { name: name.clone(), known: known() })
    };
    names.iter().map(parse).collect()
}

fn faults(options: &LawOptions) -> Result<Faults, LawError> {
    let mut faults = Faults::default();
    for fault in &options.faults {
        match fault.as_str() {
            "drop=memory" => faults.memory = true,
            "drop=response" => faults.response = true,
            "drop=batch-noise" => faults.batch_noise = true,
            other => {
                let known: Vec<&str> = KIND.law_faults.iter().map(|(name, _)| *name).collect();
                return Err(LawError::UnknownFault { name: other.into(), known: known.join(", ") });
            }
        }
    }
    Ok(faults)
}

struct Request<'a> {
    problem: &'a GaussianMixture,
    start: Start,
    times: &'a [f64],
    names: &'a [String],
    observables: &'a [Observable],
}

impl Request<'_> {
    fn recursion(&self) -> Result<Curve, LawError> {
        let p = self.problem;
        let reached = |time: &f64| p.updates_at(*time);
        let references: Vec<usize> = p.correlation_times.iter().map(reached).collect();
        let last = self.times.iter().map(reached).chain(references.iter().copied()).max().unwrap_or(0);
        let law = recursion(p, self.start, last);
        let at = |observable: &Observable, t: usize| match *observable {
            Observable::Overlap => Some(law.m[t]),
            Observable::SquaredLength => Some(law.correlation(t, t)),
            Observable::TrainingLoss => Some(law.loss[t]),
            Observable::TrainingAccuracy => None,
            Observable::TestError => Some(risk::test_error(p, law.m[t], law.correlation(t, t))),
            Observable::Correlation(i) => Some(law.correlation(t, references[i])),
            Observable::Distance | Observable::Response(_) | Observable::EffectiveTemperature(_) => None,
        };
        let mut curve = self.exact(|observable, time| at(observable, p.updates_at(time)))?;
        let losses = self.observables.iter().zip(&mut curve.errors);
        for (_, errors) in losses.filter(|(observable, _)| **observable == Observable::TrainingLoss) {
            for (error, time) in errors.iter_mut().zip(&curve.times) {
                *error = law.loss_rounding[p.updates_at(*time)];
            }
        }
        Ok(curve)
    }

    fn spectrum(&self) -> Result<Curve, LawError> {
        let p = self.problem;
        let law = Spectrum::new(p, self.start);
        let rounded = |time: f64| match p.dynamics {
            Dynamics::Steps => time.round(),
            Dynamics::Flow => time,
        };
        self.exact(|observable, time| {
            let t = rounded(time);
            match *observable {
                Observable::Overlap => Some(law.overlap(t)),
                Observable::SquaredLength => Some(law.correlation(t, t)),
                Observable::TrainingLoss => Some(law.training_loss(t)),
                Observable::TrainingAccuracy => None,
                Observable::TestError => Some(law.test_error(t)),
                Observable::Correlation(i) => Some(law.correlation(t, rounded(p.correlation_times[i]))),
                Observable::Distance | Observable::Response(_) | Observable::EffectiveTemperature(_) => None,
            }
        })
    }

    /// A curve without sampling.
    fn exact(&self, at: impl Fn(&Observable, f64) -> Option<f64>) -> Result<Curve, LawError> {
        let mut curve = Curve::new(self.names);
        for &time in self.times {
            let mut snapshot = Vec::new();
            for (observable, name) in self.observables.iter().zip(self.names) {
                let value = at(observable, time).ok_or_else(|| LawError::Integration {
                    reason: format!("{name} has no closed form: use route = {{ kind = \"sweep\" }}"),
                })?;
                snapshot.push(value);
            }
            if let Some(value) = snapshot.iter().find(|value| !value.is_finite()) {
                curve.end = End::Diverged { time, reason: format!("a value is {value}") };
                break;
            }
            curve.push(time, &snapshot);
        }
        Ok(curve)
    }
}
