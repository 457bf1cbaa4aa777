//! Exact second moments of one pass over Gaussian inputs at every dimension.

use super::modes::Rates;
use super::{Observable, Seen, no_limit};
use crate::problem::streaming_sgd::{Group, StreamingSgd};
use crate::theory::LawError;
use crate::trajectory::{Curve, End};
use std::time::Instant;

/// s_i = E (w - w*)_i^2 summed over the dimensions of a group, moved by
/// s_i <- (1 - eta l_i)^2 s_i + (eta^2/B) (l_i^2 s_i + n_i l_i (sum_j l_j s_j + sigma^2)), n_i dimensions.
///
/// The fourth moments of Gaussian inputs, E x x^T S x x^T = 2 H S H + H tr(H S), make it exact; with other inputs it
/// is not.
#[derive(Clone, Debug)]
pub struct GaussianMoments {
    groups: Vec<Group>,
    dimension: f64,
    /// eta = gamma / d.
    eta: f64,
    noise: f64,
    kicks: f64,
    fourth: f64,
    moments: Vec<f64>,
}

impl GaussianMoments {
    pub fn new(groups: Vec<Group>, dimension: usize, rates: Rates) -> Self {
        let moments = groups.iter().map(|g| g.squares).collect();
        let dimension = dimension as f64;
        Self {
            groups,
            dimension,
            eta: rates.rate / dimension,
            noise: rates.noise,
            kicks: rates.kicks,
            fourth: rates.fourth,
            moments,
        }
    }

    /// One update.
    pub fn step(&mut self) {
        let residual = 2.0 * self.excess() + self.noise;
        let kick = self.eta * self.eta * self.kicks;
        for (s, g) in self.moments.iter_mut().zip(&self.groups) {
            let l = g.eigenvalue;
            let kept = 1.0 - self.eta * l;
            let count = self.dimension * g.fraction;
            *s = kept * kept * *s + kick * (self.fourth * l * l * *s + count * l * residual);
        }
    }

    /// 1/2 sum l_i s_i.
    pub fn excess(&self) -> f64 {
        0.5 * self.groups.iter().zip(&self.moments).map(|(g, s)| g.eigenvalue * s).sum::<f64>()
    }

    /// sum s_i.
    pub fn distance(&self) -> f64 {
        self.moments.iter().sum()
    }
}

pub(super) fn integrate(
    problem: &StreamingSgd,
    size: usize,
    rates: Rates,
    times: &[f64],
    parsed: &[Observable],
    names: &[String],
) -> Result<Curve, LawError> {
    let clock = Instant::now();
    if size == 0 {
        return Err(LawError::Start {
            reason: "the exact moments are those of a dimension, and there is none".into(),
        });
    }
    let groups = problem.groups(size).ok_or_else(|| no_limit(problem))?;
    let mut moments = GaussianMoments::new(groups, size, rates);
    let first = rates.floor + moments.excess();
    let mut curve = Curve::new(names);
    let mut updates = 0;
    for &time in times {
        while updates < problem.updates_at(time, size) {
            moments.step();
            updates += 1;
        }
        let seen =
            Seen { excess: moments.excess(), distance: moments.distance(), rate: rates.rate, training: 0.0 };
        let now = problem.time_of(updates, size);
        let snapshot: Vec<f64> = parsed.iter().map(|&o| seen.value(o, rates.floor, first, now)).collect();
        if snapshot.iter().any(|value| !value.is_finite()) {
            let time = curve.times.last().copied().unwrap_or(0.0);
            curve.end = End::Diverged { time, reason: "the mean square leaves the finite numbers".into() };
            break;
        }
        curve.push(now, &snapshot);
    }
    curve.work.steps = updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

/// The largest step eta (not gamma: gamma = eta d) below which the second moments of one pass over Gaussian inputs
/// stay bounded, batch B: the root of (eta/B) sum_i l_i / (2 - eta l_i (1 + 1/B)) = 1. Linear in B for small B, then
/// flat at 2 / l_max.
///
/// ```
/// use asymptotica::theory::streaming_sgd::largest_stable_step;
/// let l: Vec<f64> = (1..=100).map(|i| f64::powf(i as f64, -0.7)).collect();
/// for (batch, step) in [(1, 0.1808), (4, 0.664), (16, 1.640), (64, 1.933)] {
///     assert!((largest_stable_step(&l, batch) - step).abs() < 6e-4);
/// }
/// ```
pub fn largest_stable_step(eigenvalues: &[f64], batch: usize) -> f64 {
    stable_step(eigenvalues, 1.0 / batch as f64, 1.0)
}

/// [`largest_stable_step`] with 1/B in the first place and a factor on the part l^2 s of the noise.
pub(super) fn stable_step(eigenvalues: &[f64], share: f64, fourth: f64) -> f64 {
    let largest = eigenvalues.iter().fold(0.0_f64, |a, &l| a.max(l));
    let pole = 1.0 + fourth * share;
    // Ascending from 0 to infinity at the pole of the largest eigenvalue.
    let load = |eta: f64| {
        let mode = |&l: &f64| l / (2.0 - eta * l * pole);
        eta * share * eigenvalues.iter().map(mode).sum::<f64>()
    };
    let (mut low, mut high) = (0.0, 2.0 / (largest * pole));
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if load(middle) < 1.0 { low = middle } else { high = middle }
    }
    low
}
