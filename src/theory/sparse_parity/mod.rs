//! The law of sparse parities by sign SGD.
//!
//! Y. Kou, Z. Chen, Q. Gu & S. Kakade, NeurIPS 2024, arXiv:2404.12376; the law with batch noise is derived here. Letters: k
//! features, m units, eta the rate, rho the dead zone, beta = B/d^(k-1), Q = |w|^2/d. Corrections are of order m/d; of
//! them the law keeps the features' own share, which rules once the other coordinates have decayed: w.x is then a sum of k
//! signs. Features are followed by Monte Carlo over networks, on a stream of its own.
//!
//! | quantity | field w.x of a unit |
//! |---|---|
//! | variance of a batch's gradient | features exact, a Gaussian for the other coordinates |
//! | correlation of that noise between units | a Gaussian: exact where the features' share of Q is small |
//! | accuracy | features exact, a Gaussian for the other coordinates |
//!
//! Noise is Gaussian and independent between the coordinates of a unit for many samples: a fixed B needs
//! [`SparseParity::fewest_samples`].

mod field;
mod networks;

use super::{LawError, LawOptions};
use crate::problem::Definition;
use crate::problem::sparse_parity::{KIND, SparseParity};
use crate::rng::Stream;
use crate::trajectory::Curve;
use field::even_moment;
use networks::{Background, NETWORKS, Network, accuracies, double_factorial};
use std::time::Instant;

/// Update rules in the limit.
#[derive(Clone, Copy, Debug)]
struct Rules {
    order: usize,
    width: usize,
    rate: f64,
    /// 1 - eta.
    keep: f64,
    /// rho.
    dead_zone: f64,
    batch_ratio: f64,
    /// k!.
    factorial: f64,
    /// E z^(2k - 2) of fields, or (E z^2)^(k - 1).
    moments: bool,
    /// d.
    dimension: f64,
}

impl Rules {
    fn new(problem: &SparseParity, d: usize) -> Self {
        Self {
            order: problem.order,
            width: problem.width,
            rate: problem.learning_rate,
            keep: 1.0 - problem.learning_rate,
            dead_zone: problem.dead_zone * problem.factorial(),
            batch_ratio: problem.batch_ratio(d),
            factorial: problem.factorial(),
            moments: true,
            dimension: d as f64,
        }
    }

    /// |w|^2/d of a unit with these features and this mean square of its other coordinates.
    fn level(&self, square: f64, features: &[f64]) -> f64 {
        let own: f64 = features.iter().map(|w| w * w).sum();
        (square * (self.dimension - self.order as f64) + own) / self.dimension
    }

    /// Variance of a batch's gradient per coordinate that is no feature, of a unit with these features and this mean square
    /// of its other coordinates: k^2 E z^(2k - 2) / B.
    fn noise_variance(&self, square: f64, features: &[f64]) -> f64 {
        let (k, d) = (self.order as f64, self.dimension);
        let p = self.order - 1;
        let moment = if self.moments {
            even_moment(p, square * (d - k) / d, features.iter().map(|w| w / d.sqrt()))
        } else {
            self.level(square, features).powi(p as i32)
        };
        k * k * moment / self.batch_ratio
    }

    fn with_faults(problem: &SparseParity, d: usize, options: &LawOptions) -> Result<Self, LawError> {
        let mut rules = Self::new(problem, d);
        for fault in &options.faults {
            match fault.as_str() {
                "drop=factorial" => rules.factorial = 1.0,
                "drop=decay" => rules.keep = 1.0,
                "drop=moments" => rules.moments = false,
                other => return Err(super::unknown_fault(other, &KIND)),
            }
        }
        Ok(rules)
    }
}

/// Standard deviation of a coordinate of the first batch's gradient at d -> infinity: k sqrt((2k-3)!!) / sqrt(beta).
///
/// ```
/// use asymptotica::problem::sparse_parity::{Batch, SparseParity};
/// use asymptotica::theory::sparse_parity::initial_noise;
/// let problem = |order, beta| SparseParity {
///     order,
///     width: 1,
///     learning_rate: 0.1,
///     dead_zone: 0.1,
///     batch: Batch::Ratio(beta),
///     dimension: 100,
///     test_samples: 1,
/// };
/// assert_eq!(initial_noise(&problem(2, 16.0)), 0.5);
/// assert!((initial_noise(&problem(3, 1.0)) - 5.196).abs() < 1e-3);
/// ```
pub fn initial_noise(problem: &SparseParity) -> f64 {
    let k = problem.order;
    k as f64 * (double_factorial(2 * k as i64 - 3) / problem.batch_ratio(problem.dimension)).sqrt()
}

/// Mean over networks, NaN left out, with its standard error.
fn mean(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut n, mut sum, mut square) = (0.0, 0.0, 0.0);
    for value in values.filter(|v| !v.is_nan()) {
        n += 1.0;
        sum += value;
        square += value * value;
    }
    let mean = sum / n;
    (mean, ((square / n - mean * mean).max(0.0) / (n - 1.0)).sqrt())
}

/// The law of `problem` in dimension `size`, that of the problem for 0; see [`super::integrate`]. Errors of the curve are
/// standard errors of the Monte-Carlo average.
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &SparseParity,
    size: usize,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    if let Some(reason) = problem.uncovered() {
        return Err(LawError::Uncovered { reason });
    }
    let clock = Instant::now();
    let d = if size == 0 { problem.dimension } else { size };
    let rules = Rules::with_faults(problem, d, options)?;
    let root = Stream::root(0).child("law").child("sparse-parity");
    let mut networks: Vec<Network> =
        (0..NETWORKS as u64).map(|i| Network::new(&rules, &root.index(i))).collect();
    let mut background = Background::start(&rules);
    let mut curve = Curve::new(observables);
    let mut updates = 0;
    for &time in times {
        while updates < time.round() as u64 {
            background.update(&rules, &mut networks)?;
            updates += 1;
        }
        let means: Vec<_> = networks.iter_mut().map(|network| network.means(&rules)).collect();
        let mut snapshot = Vec::with_capacity(observables.len());
        for name in observables {
            snapshot.push(match name.as_str() {
                "feature" => mean(means.iter().map(|m| m.feature)),
                "bad_feature" => mean(means.iter().map(|m| m.bad_feature)),
                "signal" => mean(means.iter().map(|m| m.signal)),
                "noise_coordinate" => (background.mean, 0.0),
                "noise_rms" => (background.square.sqrt(), 0.0),
                "gradient_noise" => {
                    let (variance, error) = mean(networks.iter().map(|n| n.gradient_variance(&rules)));
                    (variance.sqrt(), 0.5 * error / variance.sqrt())
                }
                "accuracy" => mean(accuracies(&rules, &background, &mut networks)?.into_iter()),
                _ => return Err(super::unknown_observable(name, &problem.observables())),
            });
        }
        let values: Vec<f64> = snapshot.iter().map(|(value, _)| *value).collect();
        curve.push(time, &values);
        for (errors, (_, error)) in curve.errors.iter_mut().zip(&snapshot) {
            if let Some(last) = errors.last_mut() {
                *last = *error;
            }
        }
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

/// The value of a named formula; see [`super::overlay`].
///
/// # Errors
/// [`LawError::UnknownOverlay`].
pub fn overlay(problem: &SparseParity, name: &str) -> Result<f64, LawError> {
    match name {
        "initial-noise" => Ok(initial_noise(problem)),
        "initial-signal" => Ok(problem.factorial()),
        _ => Err(super::unknown_overlay(name, &KIND)),
    }
}
