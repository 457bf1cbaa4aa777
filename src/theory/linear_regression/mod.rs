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

//!
//! Every node of a quadrature resolves all times: see [`nodes_at_all_scales`]. a may be 1 or as close to it as numbers
//! come, times up to 1e18.

mod stopping;

pub use stopping::{Stop, optimal_time};

use super::{LawError, LawOptions};
use crate::math::marchenko_pastur::{Node, nodes_at_all_scales, resolvents};
use crate::problem::Definition;
use crate::problem::ObservableInfo;
use crate::problem::linear_regression::{KIND, LinearRegression};
use crate::trajectory::{Curve, End};
use std::time::Instant;

/// Step of the coarsest quadrature, and how often it is halved.
const STEP: f64 = 0.2;
const HALVINGS: i32 = 3;

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

    fn mean(self, other: Self) -> Self {
        let mean = |a: f64, b: f64| 0.5 * (a + b);
        Self {
            generalisation: mean(self.generalisation, other.generalisation),
            training: mean(self.training, other.training),
            weights: mean(self.weights, other.weights),
            frozen: mean(self.frozen, other.frozen),
        }
    }
}

/// One direction of the weights, its weight in means over all of them, and how it forgets the start.
#[derive(Clone, Copy, Debug)]
struct Mode {
    eigenvalue: f64,
    weight: f64,
    /// 1 / (l + g).
    inverse: f64,
    /// log |share of the start left| per unit of the clock, which counts updates, or time for the flow.
    speed: f64,
    /// The share is negative after an odd number of updates.
    alternates: bool,
}

impl Mode {
    fn new(eigenvalue: f64, weight: f64, decay: f64, step: Option<f64>) -> Self {
        let rate = eigenvalue + decay;
        let length = step.map_or(0.0, |step| step * rate);
        let speed = match step {
            None => -rate,
            Some(_) if length < 1.0 => libm::log1p(-length),
            Some(_) => libm::log(length - 1.0),
        };
        Self { eigenvalue, weight, inverse: 1.0 / rate, speed, alternates: length > 1.0 }
    }

    /// Share of the start that is left.
    fn share(&self, clock: f64) -> f64 {
        // A mode that one update brings home has speed -infinity.
        let size = if clock == 0.0 { 1.0 } else { libm::exp(self.speed * clock) };
        if self.alternates && clock % 2.0 == 1.0 { -size } else { size }
    }
}

/// Modes of the data: those of the coarsest quadrature, then those that every halving of its step adds.
fn levels(ratio: f64, decay: f64, step: Option<f64>) -> Vec<Vec<Mode>> {
    let level = |halvings: i32| {
        let (width, shift) = match halvings {
            0 => (STEP, 0.0),
            _ => (STEP / f64::from(1 << (halvings - 1)), 0.5),
        };
        let mode = |node: Node| Mode::new(node.eigenvalue, node.weight, decay, step);
        nodes_at_all_scales(ratio, width, shift).map(mode).collect()
    };
    (0..=HALVINGS).map(level).collect()
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
/// assert!((law.optimal_ridge() - 4.1085).abs() < 5e-5);
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
    levels: Vec<Vec<Mode>>,
}

impl Law {
    /// Quadratures of this law agree to `tolerance`, relative, under halving of their steps.
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
            levels: levels(problem.sample_ratio, problem.weight_decay, problem.learning_rate),
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

    /// The directions that no sample has.
    fn outside(&self) -> Mode {
        Mode::new(0.0, self.unspanned(), self.decay, self.step)
    }

    /// What [`Mode::speed`] counts in.
    fn clock(&self, time: f64) -> f64 {
        self.step.map_or(time, |step| (time / step).round())
    }

    /// Adds up one mode of the data: its weighted contribution to everything.
    fn add(&self, mode: &Mode, clock: f64, sum: &mut Errors) {
        let Mode { eigenvalue: l, weight, inverse, .. } = *mode;
        let share = mode.share(clock);
        let learnt = (1.0 - share) * inverse;
        // 1 - learnt l, without its cancellation where almost all is learnt.
        let missing = (self.decay + share * l) * inverse;
        let noise = self.learnt * learnt * learnt * l;
        sum.generalisation +=
            weight * (self.teacher * missing * missing + self.start * share * share + noise);
        sum.training +=
            weight * ((l * self.teacher + self.noise) * missing * missing + l * self.start * share * share);
        let gained = learnt * l;
        sum.weights += weight * (self.teacher * gained * gained + self.start * share * share + noise);
    }

    /// What does not depend on the spectrum.
    fn finish(&self, mut sum: Errors, clock: f64) -> Errors {
        let outside = self.outside();
        let kept = outside.share(clock);
        let start = self.start * kept * kept;
        let unspanned = outside.weight;
        sum.frozen = unspanned * (self.teacher + start);
        sum.generalisation += self.floor + sum.frozen;
        sum.training = sum.training / self.ratio + self.noise * (1.0 - 1.0 / self.ratio).max(0.0);
        sum.weights += unspanned * start;
        sum
    }

    fn sum(&self, modes: &[Mode], clock: f64) -> Errors {
        let mut sum = Errors::default();
        for mode in modes {
            self.add(mode, clock, &mut sum);
        }
        sum
    }

    /// The law at `time`, by halving the step of the quadrature until two agree.
    ///
    /// # Errors
    /// [`LawError::Integration`] if three halvings do not suffice.
    pub fn at(&self, time: f64) -> Result<Errors, LawError> {
        self.at_clock(self.clock(time))
    }

    fn at_clock(&self, clock: f64) -> Result<Errors, LawError> {
        let mut sum = self.sum(&self.levels[0], clock);
        let mut last = self.finish(sum, clock);
        for level in &self.levels[1..] {
            sum = sum.mean(self.sum(level, clock));
            let next = self.finish(sum, clock);
            if next.distance(last) <= self.tolerance || !next.generalisation.is_finite() {
                return Ok(next);
            }
            last = next;
        }
        let time = clock * self.step.unwrap_or(1.0);
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

    /// Generalisation error of ridge regression towards the start at g = sigma^2 / (sigma_w^2 + sigma_0^2), the best
    /// strength: sigma^2 + mean of S sigma^2 / (1 + S l) + frozen. The same as stopping every mode at its own best
    /// time ln(1 + S l) / l. In closed form, for every a.
    pub fn optimal_ridge(&self) -> f64 {
        let signal = self.teacher + self.start;
        let left = match signal * self.learnt {
            0.0 => 0.0,
            _ => self.learnt * resolvents(self.ratio, self.learnt / signal)[0],
        };
        self.floor + left + self.unspanned() * signal
    }

    /// E_g at t -> infinity: the error of the interpolating or least-squares solution that descent ends in.
    ///
    /// # Errors
    /// [`LawError::Integration`] for a = 1 without weight decay, where the integral of 1/l diverges.
    pub fn end(&self) -> Result<f64, LawError> {
        if self.ratio == 1.0 && self.decay == 0.0 {
            let reason = "at a = 1 the error grows without bound".to_string();
            return Err(LawError::Integration { reason });
        }
        let g = self.decay;
        let [_, bias, variance] = resolvents(self.ratio, g);
        let left = self.teacher * g * g * bias + self.learnt * variance;
        let start = if g > 0.0 { 0.0 } else { self.start };
        Ok(self.floor + left + self.unspanned() * (self.teacher + start))
    }

    /// The time at which E_g is smallest, see [`optimal_time`]; `None` if that is t -> infinity.
    ///
    /// # Errors
    /// [`LawError::Integration`] for steps that diverge.
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
    let ridge = if wants("ridge_error") { law.optimal_ridge() } else { 0.0 };
    let mut curve = Curve::new(observables);
    let divergence = law.divergence();
    let last = if divergence.is_some() { 0.0 } else { times.iter().copied().fold(0.0, f64::max) };
    let stop = (wants("best_error") || wants("best_time")).then(|| Stop::new(law, last));
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
    let time = || law.optimal_time()?.ok_or_else(|| refused("the error is smallest at t -> infinity"));
    match name {
        "optimal-ridge-error" => Ok(law.optimal_ridge()),
        "interpolation-error" => law.end().map_err(|error| refused(&error.to_string())),
        "optimal-time" => time(),
        "optimal-time-error" => Ok(law.at(time()?)?.generalisation),
        _ => Err(super::unknown_overlay(name, &KIND)),
    }
}
