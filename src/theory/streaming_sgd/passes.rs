//! Several passes over one data set: gradient flow, and noise around it.
//!
//! With A = X / sqrt(d) (n x d), u = sqrt(d) w and loss f(u) = |A u - y|^2 / 2, the mean of u follows gradient flow,
//! du/dt = -gamma grad f in epochs. Along an eigenvector of A^T A with eigenvalue l the variance V around it obeys
//! dV/dt = -2 gamma l V + (2 gamma^2 / B) l f/n, and f is the loss of gradient flow plus 1/2 sum l V: modes that share one
//! loss, or the Volterra equation with K = (gamma^2 / (n B)) sum l^2 exp(-2 gamma l t). Exact as d -> infinity, for eigenvectors that are
//! spread over the samples.

use super::Seen;
use super::modes::Rates;
use super::propagator::{Mode, Propagator};
use crate::math::marchenko_pastur::nodes_at_all_scales;
use crate::problem::streaming_sgd::{DataStart, Spectrum, StreamingSgd, Target};

/// Step of averages over the Marchenko-Pastur law: 5e-15 at any time and ratio.
const STEP: f64 = 0.15;

/// What gradient flow does, of which the law needs three numbers at a time.
enum Flow {
    /// White inputs, infinite dimension: a = n/d, squares of target and noise per direction.
    Limit { ratio: f64, signal: f64, noise: f64 },
    /// A given data set; variances of the inputs along the axes, and factors of the spread along them.
    Data { start: Box<DataStart>, variances: Vec<f64>, sharp: Vec<f64> },
}

pub(super) struct Passes {
    flow: Flow,
    eigenvalues: Vec<f64>,
    /// Weight of a mode in sums over the directions, per d.
    weights: Vec<f64>,
    /// Factor on eigenvalues: l of A^T A for inputs of variance 1.
    variance: f64,
    rate: f64,
    /// The least loss on the data.
    least: f64,
    propagator: Propagator,
    spread: Vec<f64>,
}

/// The modes as the propagator takes them; `load` is their part of the loss at the start.
fn modes(
    eigenvalues: &[f64],
    weights: &[f64],
    inverse_ratio: f64,
    rates: Rates,
    load: impl Fn(usize) -> f64,
) -> Vec<Mode> {
    let kick = 2.0 * rates.rate * rates.rate * rates.kicks;
    let mode = |(i, (&l, &w)): (usize, (&f64, &f64))| Mode {
        decay: 2.0 * rates.rate * l,
        kick: kick * l,
        share: 0.5 * inverse_ratio * w * l,
        load: load(i),
    };
    eigenvalues.iter().zip(weights).enumerate().map(mode).collect()
}

impl Passes {
    /// White inputs at infinite dimension; `size` only rounds the number of samples as a simulation does.
    pub fn of_limit(problem: &StreamingSgd, size: usize, rates: Rates) -> Self {
        let ratio = match (problem.samples(size), problem.sample_ratio) {
            (Some(n), _) if size > 0 => n as f64 / size as f64,
            (_, ratio) => ratio.expect("a data set"),
        };
        let Spectrum::Isotropic { variance } = problem.spectrum else {
            unreachable!("checked by the caller")
        };
        let (Target::Isotropic { norm } | Target::PowerLaw { norm, .. }) = problem.target;
        let (signal, noise) = (norm * norm, rates.noise);
        let list: Vec<_> = nodes_at_all_scales(ratio, STEP, 0.0).collect();
        let eigenvalues: Vec<f64> = list.iter().map(|n| variance * n.eigenvalue).collect();
        let weights: Vec<f64> = list.iter().map(|n| n.weight).collect();
        let least = 0.5 * noise * (1.0 - 1.0 / ratio).max(0.0);
        let load = |i: usize| 0.5 / ratio * weights[i] * (eigenvalues[i] * signal + noise);
        let propagator = Propagator::new(modes(&eigenvalues, &weights, 1.0 / ratio, rates, load), least);
        let spread = propagator.factors(weights.iter().copied());
        let flow = Flow::Limit { ratio, signal, noise };
        Self { flow, eigenvalues, weights, variance, rate: rates.rate, least, propagator, spread }
    }

    pub fn of_data(problem: &StreamingSgd, start: &DataStart, rates: Rates) -> Self {
        let (d, n) = (start.offset.len(), start.samples as f64);
        let variances = problem.spectrum.eigenvalues(d);
        let eigenvalues = start.eigenvalues.clone();
        let weights = vec![1.0 / d as f64; eigenvalues.len()];
        let load = |i: usize| 0.5 * eigenvalues[i] * start.distance[i] * start.distance[i] / n;
        let propagator =
            Propagator::new(modes(&eigenvalues, &weights, d as f64 / n, rates, load), start.least_loss);
        let spread = propagator.factors(weights.iter().copied());
        let sharpness =
            start.modes.row_iter().map(|v| v.iter().zip(&variances).map(|(v, h)| v * v * h).sum::<f64>());
        let sharp = propagator.factors(sharpness.zip(&weights).map(|(h, w)| h * w));
        let flow = Flow::Data { start: Box::new(start.clone()), variances, sharp };
        let least = start.least_loss;
        Self { flow, eigenvalues, weights, variance: 1.0, rate: rates.rate, least, propagator, spread }
    }

    /// Squared distance of gradient flow to the target, plain and weighed by the inputs' variances.
    fn flow_gap(&self, t: f64) -> (f64, f64) {
        let left = |l: f64| libm::exp(-self.rate * l * t);
        match &self.flow {
            Flow::Limit { ratio, signal, noise } => {
                let mode = |(&l, w): (&f64, &f64)| {
                    let (e, learnt) = (left(l), libm::expm1(-self.rate * l * t));
                    w * (signal * e * e + noise * learnt * learnt / l)
                };
                let sum: f64 = self.eigenvalues.iter().zip(&self.weights).map(mode).sum();
                let gap = sum + (1.0 - ratio).max(0.0) * signal;
                (gap, self.variance * gap)
            }
            Flow::Data { start, variances, .. } => {
                let mut gap = start.offset.clone();
                for ((mode, &l), x) in start.modes.row_iter().zip(&self.eigenvalues).zip(&start.distance) {
                    let along = x * left(l);
                    gap.iter_mut().zip(mode.iter()).for_each(|(g, v)| *g += along * v);
                }
                let d = gap.len() as f64;
                let plain: f64 = gap.iter().map(|g| g * g).sum();
                let weighed: f64 = gap.iter().zip(variances).map(|(g, h)| h * g * g).sum();
                (plain / d, weighed / d)
            }
        }
    }

    pub fn seen(&self, t: f64) -> Seen {
        let (plain, weighed) = self.flow_gap(t);
        let kicked = self.propagator.kicked(t);
        let sum = |factors: &[f64]| factors.iter().zip(&kicked).map(|(f, g)| f * g).sum::<f64>();
        let spread = sum(&self.spread);
        let weighed_spread = match &self.flow {
            Flow::Limit { .. } => self.variance * spread,
            Flow::Data { sharp, .. } => sum(sharp),
        };
        Seen {
            excess: 0.5 * (weighed + weighed_spread),
            distance: plain + spread,
            rate: self.rate,
            training: self.least + self.propagator.forcing(t) + self.propagator.added(&kicked),
        }
    }
}
