//! The law of linear regression under gradient descent: train and test error in time from the spectrum of the data.
//!
//! M. Advani & A. Saxe 2017, arXiv:1710.03667, eqs. (8) to (12), extended to steps of finite length, weight decay and
//! random starts of their own variance. Letters: a = P/N, rho the Marchenko-Pastur density of X^T X with mass
//! min(1, a), sigma_w, sigma_0, sigma the standard deviations of target, start and label noise, g weight decay,
//! eta the length of a step, time = eta x updates.
//!
//! # Derivation
//! Along an eigenvector of X^T X with eigenvalue l, target w*, start w_0 and projected noise e are independent
//! Gaussian numbers, and k steps leave the share E of the start:
//! w = E w_0 + (1 - E) (l w* + sqrt(l) e) / (l + g), E = (1 - eta (l + g))^k, exp(-(l + g) t) for the flow.
//! Squares average to the integrands of [`Errors`]. Averages over spectra concentrate, with corrections of order 1/N
//! in the mean and 1/sqrt(N) in a single run.
//!
//! Exact for every eta with eta (l + g) <= 2 at the upper edge (1 + sqrt a)^2 of the spectrum. Beyond, modes at the edge
//! grow and a mean over data sets says nothing of a single one: the law ends with the rate of growth.

mod stopping;

pub use stopping::{Stop, optimal_time};

use super::{LawError, LawOptions};
use crate::math::marchenko_pastur::{Node, nodes};
use crate::problem::Definition;
use crate::problem::ObservableInfo;
use crate::problem::linear_regression::{KIND, LinearRegression};
use crate::trajectory::{Curve, End};
use std::time::Instant;

/// Most nodes of the quadrature before it gives up.
const MOST_NODES: usize = 1 << 20;

/// What the law says at one time. Mean squares, in the units of the labels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// E_g.
    pub generalisation: f64,
    /// E_t.
    pub training: f64,
    /// |w|^2 / N.
    pub weights: f64,
    /// Part of E_g in directions that no sample has.
    pub frozen: f64,
}

impl Errors {
    fn distance(self, other: Self) -> f64 {
        let gap = |a: f64, b: f64| (a - b).abs() / b.abs().max(f64::MIN_POSITIVE);
        // The frozen part has no quadrature.
        gap(self.generalisation, other.generalisation)
            .max(gap(self.training, other.training))
            .max(gap(self.weights, other.weights))
    }
}

/// The law of one problem, faults included.
///
/// ```
/// use asymptotica::problem::linear_regression::{LinearRegression, Solver, Student};
/// use asymptotica::theory::linear_regression::Law;
/// let problem = LinearRegression {
///     sample_ratio: 0.5, teacher_std: 5.0_f64.sqrt(), noise_std: 1.0, init_std: 0.0,
///     weight_decay: 0.0, learning_rate: None, solver: Solver::ExactSpectrum, student: Student::Linear,
/// };
/// let law = Law::new(&problem, 1e-12);
/// // S = 5, a = 1/2: the best time is 2.707, its error 4.1303; optimal ridge 4.1085.
/// let t = law.optimal_time().unwrap().unwrap();
/// assert!((t - 2.707).abs() < 5e-4);
/// assert!((law.at(t).unwrap().generalisation - 4.1303).abs() < 5e-5);
/// assert!((law.optimal_ridge().unwrap() - 4.1085).abs() < 5e-5);
/// ```
#[derive(Clone, Debug)]
pub struct Law {
    ratio: f64,
    /// sigma_w^2, sigma_0^2 and sigma^2 (test samples, learnt, training samples).
    teacher: f64,
    start: f64,
    floor: f64,
    learnt: f64,
    noise: f64,
    decay: f64,
    step: Option<f64>,
    spans: bool,
    tolerance: f64,
}

impl Law {
    /// Quadratures of this law agree to `tolerance`, relative, under doubling of their nodes.
    pub fn new(problem: &LinearRegression, tolerance: f64) -> Self {
        let noise = problem.noise_std * problem.noise_std;
        Self {
            ratio: problem.sample_ratio,
            teacher: problem.teacher_std * problem.teacher_std,
            start: problem.init_std * problem.init_std,
            floor: noise,
            learnt: noise,
            noise,
            decay: problem.weight_decay,
            step: problem.learning_rate,
            spans: false,
            tolerance,
        }
    }

    fn with_faults(problem: &LinearRegression, options: &LawOptions) -> Result<Self, LawError> {
        let mut law = Self::new(problem, options.tolerance);
        for fault in &options.faults {
            match fault.as_str() {
                "drop=noise-floor" => law.floor = 0.0,
                "square=noise" => {
                    (law.floor, law.learnt, law.noise) =
                        (problem.noise_std, problem.noise_std, problem.noise_std)
                }
                "drop=frozen" => law.spans = true,
                "drop=overfitting" => law.learnt = 0.0,
                other => return Err(super::unknown_fault(other, &KIND)),
            }
        }
        Ok(law)
    }

    /// Why steps of this length diverge, if they do.
    fn divergence(&self) -> Option<String> {
        let (step, edge) = (self.step?, upper_edge(self.ratio) + self.decay);
        (step * edge > 2.0).then(|| growth(step, edge))
    }

    /// (1 - a)_+, the share of directions that no sample has.
    fn unspanned(&self) -> f64 {
        if self.spans { 0.0 } else { (1.0 - self.ratio).max(0.0) }
    }

    /// Share of the start that is left in a mode at `time`.
    fn share(&self, eigenvalue: f64, time: f64) -> f64 {
        let rate = eigenvalue + self.decay;
        match self.step {
            None => libm::exp(-rate * time),
            Some(step) => {
                let factor = 1.0 - step * rate;
                let updates = (time / step).round();
                let size = libm::exp(updates * libm::log(factor.abs()));
                if factor < 0.0 && updates % 2.0 == 1.0 { -size } else { size }
            }
        }
    }

    /// Adds up one mode of the data: its weighted contribution to everything.
    fn add(&self, node: Node, share: f64, sum: &mut Errors) {
        let Node { eigenvalue: l, weight } = node;
        let learnt = (1.0 - share) / (l + self.decay);
        // 1 - learnt l, without its cancellation where almost all is learnt.
        let missing = (self.decay + share * l) / (l + self.decay);
        let noise = self.learnt * learnt * learnt * l;
        sum.generalisation +=
            weight * (self.teacher * missing * missing + self.start * share * share + noise);
        sum.training +=
            weight * ((l * self.teacher + self.noise) * missing * missing + l * self.start * share * share);
        let gained = learnt * l;
        sum.weights += weight * (self.teacher * gained * gained + self.start * share * share + noise);
    }

    /// What does not depend on the spectrum.
    fn finish(&self, mut sum: Errors, time: f64) -> Errors {
        let kept = self.share(0.0, time);
        let start = self.start * kept * kept;
        let unspanned = self.unspanned();
        sum.frozen = unspanned * (self.teacher + start);
        sum.generalisation += self.floor + sum.frozen;
        sum.training = sum.training / self.ratio + self.noise * (1.0 - 1.0 / self.ratio).max(0.0);
        sum.weights += unspanned * start;
        sum
    }

    fn with_nodes(&self, time: f64, points: usize) -> Errors {
        let mut sum = Errors::default();
        for node in nodes(self.ratio, points) {
            self.add(node, self.share(node.eigenvalue, time), &mut sum);
        }
        self.finish(sum, time)
    }

    /// The law at `time`, by doubling the nodes until two quadratures agree.
    ///
    /// # Errors
    /// [`LawError::Integration`] if 2^20 nodes do not suffice.
    pub fn at(&self, time: f64) -> Result<Errors, LawError> {
        // exp(-l t) in theta has about sqrt(t sqrt a) Fourier modes.
        let mut points = 64 + 6 * (time * self.ratio.sqrt()).sqrt().min(1e5) as usize;
        let mut last = self.with_nodes(time, points);
        while points < MOST_NODES {
            points *= 2;
            let next = self.with_nodes(time, points);
            if next.distance(last) <= self.tolerance || !next.generalisation.is_finite() {
                return Ok(next);
            }
            last = next;
        }
        let reason = format!("the average over the spectrum at t = {time} does not converge");
        Err(LawError::Integration { reason })
    }

    /// The law at many times, nodes shared: what [`Self::at`] gives at each.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub fn curve(&self, times: &[f64]) -> Result<Vec<Errors>, LawError> {
        times.iter().map(|&time| self.at(time)).collect()
    }

    /// Mean over the spectrum of `f`, per direction of the weights, data directions only.
    fn spectral_mean(&self, f: impl Fn(f64) -> f64) -> Result<f64, LawError> {
        let sum = |points| nodes(self.ratio, points).map(|n| n.weight * f(n.eigenvalue)).sum::<f64>();
        let mut points = 128;
        let mut last = sum(points);
        while points < MOST_NODES {
            points *= 2;
            let next: f64 = sum(points);
            if (next - last).abs() <= self.tolerance * next.abs() {
                return Ok(next);
            }
            last = next;
        }
        Err(LawError::Integration { reason: "an average over the spectrum does not converge".into() })
    }

    /// Generalisation error of ridge regression towards the start at g = sigma^2 / (sigma_w^2 + sigma_0^2), the best
    /// strength: sigma^2 + mean of S sigma^2 / (1 + S l) + frozen. The same as stopping every mode at its own best
    /// time ln(1 + S l) / l.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub fn optimal_ridge(&self) -> Result<f64, LawError> {
        let signal = self.teacher + self.start;
        let left = match signal {
            0.0 => 0.0,
            _ => self.spectral_mean(|l| signal * self.learnt / (self.learnt + signal * l))?,
        };
        Ok(self.floor + left + self.unspanned() * signal)
    }

    /// E_g at t -> infinity: the error of the interpolating or least-squares solution that descent ends in.
    ///
    /// # Errors
    /// As [`Self::at`]; for a = 1 without weight decay the integral of 1/l diverges.
    pub fn end(&self) -> Result<f64, LawError> {
        if self.ratio == 1.0 && self.decay == 0.0 {
            let reason = "at a = 1 the error grows without bound".to_string();
            return Err(LawError::Integration { reason });
        }
        let g = self.decay;
        let left = self.spectral_mean(|l| {
            let missing = g / (l + g);
            self.teacher * missing * missing + self.learnt * l / ((l + g) * (l + g))
        })?;
        let start = if g > 0.0 { 0.0 } else { self.start };
        Ok(self.floor + left + self.unspanned() * (self.teacher + start))
    }

    /// The time at which E_g is smallest; `None` if it falls for ever.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub fn optimal_time(&self) -> Result<Option<f64>, LawError> {
        optimal_time(self)
    }
}

/// (1 + sqrt a)^2, where the spectrum of the data ends.
pub(super) fn upper_edge(ratio: f64) -> f64 {
    (1.0 + ratio.sqrt()).powi(2)
}

/// In words: steps of this length diverge at this eigenvalue.
pub(super) fn growth(step: f64, eigenvalue: f64) -> String {
    let rate = 2.0 * (step * eigenvalue - 1.0).ln() / step;
    format!(
        "the learning rate {step} is beyond 2 / largest eigenvalue = {:.6}: mean squares grow as e^({rate:.3} t)",
        2.0 / eigenvalue
    )
}

/// The law of `problem`; see [`super::integrate`]. It needs no start.
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &LinearRegression,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    if let Some(reason) = problem.uncovered() {
        return Err(LawError::Uncovered { reason });
    }
    let clock = Instant::now();
    let law = Law::with_faults(problem, options)?;
    let known = problem.observables();
    let mut curve = once(&law, times, observables, &known)?;
    if options.measure_error {
        let loose = Law { tolerance: 10.0 * law.tolerance, ..law };
        curve.set_errors(&once(&loose, times, observables, &known)?);
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

fn once(
    law: &Law,
    times: &[f64],
    observables: &[String],
    known: &[ObservableInfo],
) -> Result<Curve, LawError> {
    let wants = |name: &str| observables.iter().any(|o| o == name);
    let ridge = if wants("ridge_error") { law.optimal_ridge()? } else { 0.0 };
    let stop = if wants("best_error") || wants("best_time") { Some(Stop::new(law)?) } else { None };
    let mut curve = Curve::new(observables);
    let divergence = law.divergence();
    for &time in times {
        if let Some(reason) = divergence.clone().filter(|_| time > 0.0) {
            curve.end = End::Diverged { time: curve.times.last().copied().unwrap_or(0.0), reason };
            break;
        }
        let now = law.at(time)?;
        let best = match &stop {
            Some(stop) => stop.until(law, time)?,
            None => (0.0, 0.0),
        };
        let mut snapshot = Vec::with_capacity(observables.len());
        for name in observables {
            snapshot.push(match name.as_str() {
                "generalisation_error" => now.generalisation,
                "training_error" => now.training,
                "weight_norm" => now.weights,
                "frozen_error" => now.frozen,
                "best_time" => best.0,
                "best_error" => best.1,
                "ridge_error" => ridge,
                _ => return Err(super::unknown_observable(name, known)),
            });
        }
        if let Some(o) = snapshot.iter().position(|value: &f64| !value.is_finite()) {
            let reason = format!("{} leaves the finite numbers", observables[o]);
            curve.end = End::Diverged { time: curve.times.last().copied().unwrap_or(0.0), reason };
            break;
        }
        curve.push(time, &snapshot);
    }
    Ok(curve)
}

/// The value of a named formula; see [`super::overlay`].
///
/// # Errors
/// [`LawError`]: an unknown name, or a problem without such a value.
pub fn overlay(problem: &LinearRegression, name: &str) -> Result<f64, LawError> {
    let law = Law::new(problem, 1e-10);
    let refused = |reason: &str| LawError::Overlay { name: name.into(), reason: reason.into() };
    if let Some(reason) = problem.uncovered() {
        return Err(refused(&reason));
    }
    let time = || law.optimal_time()?.ok_or_else(|| refused("the error falls for ever"));
    match name {
        "optimal-ridge-error" => law.optimal_ridge(),
        "interpolation-error" => law.end().map_err(|error| refused(&error.to_string())),
        "optimal-time" => time(),
        "optimal-time-error" => Ok(law.at(time()?)?.generalisation),
        _ => Err(super::unknown_overlay(name, &KIND)),
    }
}
