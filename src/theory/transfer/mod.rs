//! The law of fine-tuning to interpolation.
//!
//! R. Ghane, D. Akhtiamov & B. Hassibi 2024, arXiv:2410.02164. Letters: d dimensions, n < d samples, l_i eigenvalues of
//! the inputs' covariance with shares f_i, delta = w* - w_0, kappa the implicit ridge of interpolation, g the variance
//! share of the fit. As d -> infinity at fixed d/n only mean and covariance of the inputs enter (universality).

use super::linear_regression::{growth, upper_edge};
use super::{LawError, LawOptions};
use crate::math::marchenko_pastur::nodes_at_all_scales;
use crate::math::special::{ln_normal_cdf, normal_cdf};
use crate::problem::Definition;
use crate::problem::transfer::{KIND, Solver, Task, Transfer};
use crate::trajectory::{Curve, End};

/// Step of the average over the spectrum: 5e-15 at any time and ratio.
const STEP: f64 = 0.15;

#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    no_inflation: bool,
    unsquared: bool,
    no_start: bool,
}

impl Faults {
    fn new(options: &LawOptions) -> Result<Self, LawError> {
        let mut faults = Self::default();
        for fault in &options.faults {
            match fault.as_str() {
                "drop=inflation" => faults.no_inflation = true,
                "square=noise" => faults.unsquared = true,
                "drop=start" => faults.no_start = true,
                other => return Err(super::unknown_fault(other, &KIND)),
            }
        }
        Ok(faults)
    }
}

/// kappa with sum_i f_i l_i / (l_i + kappa) = n/d, by bisection to the last bit.
///
/// ```
/// use asymptotica::theory::transfer::implicit_ridge;
/// // Isotropic: 1 / (1 + kappa) = n/d.
/// assert!((implicit_ridge(&[(1.0, 1.0)], 2.0) - 1.0).abs() < 1e-14);
/// ```
pub fn implicit_ridge(spectrum: &[(f64, f64)], overparametrisation: f64) -> f64 {
    let load = |kappa: f64| spectrum.iter().map(|(l, f)| f * l / (l + kappa)).sum::<f64>();
    let top = spectrum.iter().fold(0.0_f64, |a, (l, _)| a.max(*l));
    // load(kappa) <= top / kappa.
    let (mut low, mut high) = (0.0, top * overparametrisation);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if load(middle) > 1.0 / overparametrisation { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Excess risk at the end of fine-tuning, squares of delta and noise.
///
/// ```
/// use asymptotica::theory::transfer::regression;
/// // Isotropic, d/n = 2: (1 - n/d) |delta|^2 + sigma^2 (n/d) / (1 - n/d).
/// assert!((regression(&[(1.0, 1.0)], 2.0, 1.44, 0.0225) - 0.7425).abs() < 1e-12);
/// ```
pub fn regression(spectrum: &[(f64, f64)], overparametrisation: f64, distance: f64, noise: f64) -> f64 {
    let (bias, g) = shares(spectrum, overparametrisation);
    (bias * distance + noise * g) / (1.0 - g)
}

/// kappa^2 sum f l / (l + kappa)^2 and g.
fn shares(spectrum: &[(f64, f64)], overparametrisation: f64) -> (f64, f64) {
    let kappa = implicit_ridge(spectrum, overparametrisation);
    let bias: f64 = spectrum.iter().map(|(l, f)| f * l / ((l + kappa) * (l + kappa))).sum();
    let g: f64 = spectrum.iter().map(|(l, f)| f * (l / (l + kappa)) * (l / (l + kappa))).sum();
    (kappa * kappa * bias, overparametrisation * g)
}

/// Weights after fine-tuning of a classifier: along mu, along the rest of w_0, and the square of what is new.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Classifier {
    pub along: f64,
    pub across: f64,
    pub new: f64,
}

impl Classifier {
    /// ```
    /// use asymptotica::theory::transfer::Classifier;
    /// // M = 1.5, |w_0| = 0.3 at cosine 0.6: errors after fine-tuning at d/n = 1.5, 2, 4, and 0.1841 before.
    /// for (ratio, error) in [(1.5, 0.2417), (2.0, 0.2025), (4.0, 0.1740)] {
    ///     let tuned = Classifier::tuned(ratio, 1.5, 0.3 * 0.6, 0.3 * 0.8);
    ///     assert!((tuned.error(1.5) - error).abs() < 5e-5);
    /// }
    /// let before = Classifier { along: 0.18, across: 0.24, new: 0.0 };
    /// assert!((before.error(1.5) - 0.1841).abs() < 5e-5);
    /// ```
    pub fn tuned(overparametrisation: f64, separation: f64, along: f64, across: f64) -> Self {
        let r = 1.0 / (overparametrisation - 1.0);
        let m = separation;
        let s = across / (1.0 + r);
        let t = (along + r * m) / (1.0 + r * (1.0 + m * m));
        Self { along: t, across: s, new: r * ((1.0 - m * t) * (1.0 - m * t) + t * t + s * s) }
    }

    pub fn error(&self, separation: f64) -> f64 {
        normal_cdf(self.argument(separation))
    }

    /// x of the error Phi(x).
    fn argument(&self, separation: f64) -> f64 {
        let norm = (self.along * self.along + self.across * self.across + self.new).sqrt();
        // Weights of length 0 know nothing.
        if norm == 0.0 { 0.0 } else { -separation * self.along / norm }
    }
}

/// A risk with its logarithm, which is there where the risk itself underflows.
#[derive(Clone, Copy, Debug)]
struct Risk {
    value: f64,
    ln: f64,
}

impl Risk {
    fn of_square(value: f64) -> Self {
        Self { value, ln: libm::log(value) }
    }

    fn of_classifier(classifier: &Classifier, separation: f64) -> Self {
        let x = classifier.argument(separation);
        Self { value: normal_cdf(x), ln: ln_normal_cdf(x) }
    }

    /// # Errors
    /// A ratio beyond the range of numbers.
    fn over(self, other: Self) -> Result<f64, String> {
        // Small numbers that are still there have lost digits.
        const FULL: f64 = 1e-290;
        let ln = self.ln - other.ln;
        let ratio =
            if self.value > FULL && other.value > FULL { self.value / other.value } else { libm::exp(ln) };
        if ln.is_finite() && !ratio.is_normal() {
            let power = ln / std::f64::consts::LN_10;
            return Err(format!(
                "the gain is 10^{power:.1}, beyond the range of numbers: choose a smaller separation, or leave out gain"
            ));
        }
        Ok(ratio)
    }
}

/// What the pretrained weights have.
fn pretrained(problem: &Transfer) -> Risk {
    match problem.task {
        Task::Regression { distance, .. } => {
            Risk::of_square(distance * distance * problem.spectrum.iter().map(|(l, f)| l * f).sum::<f64>())
        }
        Task::Classification { separation, pretrained_norm, alignment } => {
            let along = pretrained_norm * alignment;
            let across = pretrained_norm * (1.0 - alignment * alignment).sqrt();
            Risk::of_classifier(&Classifier { along, across, new: 0.0 }, separation)
        }
    }
}

/// At the end of fine-tuning.
fn end(problem: &Transfer, faults: Faults) -> Risk {
    let ratio = problem.overparametrisation;
    match problem.task {
        Task::Regression { distance, noise_std } => {
            let (bias, g) = shares(&problem.spectrum, ratio);
            let noise = if faults.unsquared { noise_std } else { noise_std * noise_std };
            let distance = if faults.no_start { 0.0 } else { distance * distance };
            let inflation = if faults.no_inflation { 1.0 } else { 1.0 - g };
            Risk::of_square((bias * distance + noise * g) / inflation)
        }
        Task::Classification { separation, pretrained_norm, alignment } => {
            let norm = if faults.no_start { 0.0 } else { pretrained_norm };
            let across = norm * (1.0 - alignment * alignment).sqrt();
            let mut tuned = Classifier::tuned(ratio, separation, norm * alignment, across);
            if faults.no_inflation {
                tuned.new = 0.0;
            }
            Risk::of_classifier(&tuned, separation)
        }
    }
}

/// Along the path of descent on isotropic regression: every mode of the data at eigenvalue l keeps the share
/// E = (1 - eta l)^k of delta and learns the noise sigma^2 (1 - E)^2 / l. Of SGD E = exp(-l t), the limit of small rates.
/// Inputs of variance v multiply l, and the risk of what is left, by v.
fn path(problem: &Transfer, faults: Faults, variance: f64, time: f64) -> f64 {
    let Task::Regression { distance, noise_std } = problem.task else { return f64::NAN };
    let noise = if faults.unsquared { noise_std } else { noise_std * noise_std };
    let distance = if faults.no_start { 0.0 } else { distance * distance };
    let ratio = 1.0 / problem.overparametrisation;
    let updates = (time / problem.learning_rate).round();
    let mode = |l: f64| {
        let share = if problem.solver == Solver::Sgd {
            libm::exp(-l * time)
        } else {
            let size = libm::pow((1.0 - problem.learning_rate * l).abs(), updates);
            // Steps beyond 1/l flip the sign of odd powers.
            if problem.learning_rate * l > 1.0 && updates % 2.0 == 1.0 { -size } else { size }
        };
        let learnt = if faults.no_inflation { 0.0 } else { noise * (1.0 - share) * (1.0 - share) / l };
        distance * share * share + learnt
    };
    let sum: f64 =
        nodes_at_all_scales(ratio, STEP, 0.0).map(|n| n.weight * mode(variance * n.eigenvalue)).sum();
    variance * (sum + (1.0 - ratio) * distance)
}

/// The law of `problem`; see [`super::integrate`].
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &Transfer,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    if let Some(reason) = problem.uncovered() {
        return Err(LawError::Uncovered { reason });
    }
    let faults = Faults::new(options)?;
    let moves = problem.solver != Solver::Interpolation;
    let variance = problem.isotropic_variance().unwrap_or(f64::NAN);
    let edge = variance * upper_edge(1.0 / problem.overparametrisation);
    let unstable = match problem.solver {
        Solver::GradientDescent if problem.learning_rate * edge > 2.0 => {
            Some(growth(problem.learning_rate, edge))
        }
        // A step of one sample multiplies its residual by 1 - eta |x|^2/d.
        Solver::Sgd if problem.learning_rate * variance > 2.0 => {
            let reason =
                "steps of one sample overshoot: learning_rate times the variance of the inputs is above 2";
            Some(reason.to_string())
        }
        _ => None,
    };
    let before = pretrained(problem);
    let mut curve = Curve::new(observables);
    for &time in times {
        if let Some(reason) = unstable.as_ref().filter(|_| time > 0.0) {
            let reached = curve.times.last().copied().unwrap_or(0.0);
            curve.end = End::Diverged { time: reached, reason: reason.clone() };
            break;
        }
        let now =
            if moves { Risk::of_square(path(problem, faults, variance, time)) } else { end(problem, faults) };
        let mut snapshot = Vec::with_capacity(observables.len());
        for name in observables {
            snapshot.push(match name.as_str() {
                "fine_tuned" => now.value,
                "pretrained" => before.value,
                "gain" => match before.over(now) {
                    Ok(ratio) => ratio,
                    Err(reason) => {
                        let reached = curve.times.last().copied().unwrap_or(0.0);
                        curve.end = End::Diverged { time: reached, reason };
                        return Ok(curve);
                    }
                },
                _ => return Err(super::unknown_observable(name, &problem.observables())),
            });
        }
        curve.push(time, &snapshot);
    }
    Ok(curve)
}

/// The value of a named formula; see [`super::overlay`].
///
/// # Errors
/// [`LawError::UnknownOverlay`].
pub fn overlay(problem: &Transfer, name: &str) -> Result<f64, LawError> {
    match name {
        "pretrained-risk" => Ok(pretrained(problem).value),
        _ => Err(super::unknown_overlay(name, &KIND)),
    }
}
