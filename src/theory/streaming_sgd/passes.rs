//! Several passes over one data set: gradient flow, and noise around it.
//!
//! With A = X / sqrt(d) (n x d), u = sqrt(d) w and loss f(u) = |A u - y|^2 / 2, the mean of u follows gradient flow,
//! du/dt = -gamma grad f in epochs. Along an eigenvector of A^T A with eigenvalue l the variance V around it obeys
//! dV/dt = -2 gamma l V + (2 gamma^2 / B) l f/n, and f is the loss of gradient flow plus 1/2 sum l V: the Volterra
//! equation with K = (gamma^2 / (n B)) sum l^2 exp(-2 gamma l t). Exact as d -> infinity, for eigenvectors that are
//! spread over the samples.

use super::modes::Rates;
use super::{Observable, Seen};
use crate::math::gaussian::AverageError;
use crate::math::marchenko_pastur::nodes_at_all_scales;
use crate::problem::streaming_sgd::{DataStart, Spectrum, StreamingSgd, Target};
use crate::theory::Law;

/// Step of averages over the Marchenko-Pastur law: 5e-15 at any time and ratio.
const STEP: f64 = 0.15;

/// What gradient flow does, of which the law needs three numbers at a time.
enum Flow {
    /// White inputs, infinite dimension: a = n/d, squares of target and noise per direction.
    Limit { ratio: f64, signal: f64, noise: f64 },
    /// A given data set; variances of the inputs along the axes.
    Data { start: Box<DataStart>, variances: Vec<f64>, sharpness: Vec<f64> },
}

pub(super) struct Passes {
    flow: Flow,
    eigenvalues: Vec<f64>,
    /// Weight of a mode in sums over the directions, per d.
    weights: Vec<f64>,
    /// d / n.
    inverse_ratio: f64,
    /// Factor on eigenvalues: l of A^T A for inputs of variance 1.
    variance: f64,
    rates: Rates,
    first: f64,
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
        let list: Vec<_> = nodes_at_all_scales(ratio, STEP, 0.0).collect();
        let mut law = Self {
            flow: Flow::Limit { ratio, signal: norm * norm, noise: rates.noise },
            eigenvalues: list.iter().map(|n| variance * n.eigenvalue).collect(),
            weights: list.iter().map(|n| n.weight).collect(),
            inverse_ratio: 1.0 / ratio,
            variance,
            rates,
            first: 0.0,
        };
        law.first = rates.floor + law.seen(0.0, &law.start()).excess;
        law
    }

    pub fn of_data(problem: &StreamingSgd, start: &DataStart, rates: Rates) -> Self {
        let d = start.offset.len();
        let variances = problem.spectrum.eigenvalues(d);
        let sharpness =
            start.modes.row_iter().map(|v| v.iter().zip(&variances).map(|(v, h)| v * v * h).sum()).collect();
        let mut law = Self {
            eigenvalues: start.eigenvalues.clone(),
            weights: vec![1.0 / d as f64; start.eigenvalues.len()],
            inverse_ratio: d as f64 / start.samples as f64,
            variance: 1.0,
            rates,
            first: 0.0,
            flow: Flow::Data { start: Box::new(start.clone()), variances, sharpness },
        };
        law.first = rates.floor + law.seen(0.0, &law.start()).excess;
        law
    }

    /// f/n of gradient flow.
    fn flow_loss(&self, t: f64) -> f64 {
        let left = |l: f64| libm::exp(-2.0 * self.rates.rate * l * t);
        match &self.flow {
            Flow::Limit { ratio, signal, noise } => {
                let modes = self.eigenvalues.iter().zip(&self.weights);
                let sum: f64 = modes.map(|(&l, w)| w * (l * signal + noise) * left(l)).sum();
                0.5 * (self.inverse_ratio * sum + noise * (1.0 - 1.0 / ratio).max(0.0))
            }
            Flow::Data { start, .. } => {
                let modes = self.eigenvalues.iter().zip(&start.distance);
                let sum: f64 = modes.map(|(&l, x)| l * x * x * left(l)).sum();
                start.least_loss + 0.5 * sum / start.samples as f64
            }
        }
    }

    /// Squared distance of gradient flow to the target, plain and weighed by the inputs' variances.
    fn flow_gap(&self, t: f64) -> (f64, f64) {
        let left = |l: f64| libm::exp(-self.rates.rate * l * t);
        match &self.flow {
            Flow::Limit { ratio, signal, noise } => {
                let mode = |(&l, w): (&f64, &f64)| {
                    let e = left(l);
                    w * (signal * e * e + noise * (1.0 - e) * (1.0 - e) / l)
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

    fn loss(&self, t: f64, y: &[f64]) -> f64 {
        let noise: f64 = self.eigenvalues.iter().zip(&self.weights).zip(y).map(|((l, w), v)| w * l * v).sum();
        self.flow_loss(t) + 0.5 * self.inverse_ratio * noise
    }

    fn seen(&self, t: f64, y: &[f64]) -> Seen {
        let (plain, weighed) = self.flow_gap(t);
        let spread: f64 = self.weights.iter().zip(y).map(|(w, v)| w * v).sum();
        let weighed_spread = match &self.flow {
            Flow::Limit { .. } => self.variance * spread,
            Flow::Data { sharpness, .. } => {
                self.weights.iter().zip(y).zip(sharpness).map(|((w, v), h)| w * v * h).sum()
            }
        };
        Seen {
            excess: 0.5 * (weighed + weighed_spread),
            distance: plain + spread,
            rate: self.rates.rate,
            training: self.loss(t, y),
        }
    }
}

impl Law for Passes {
    type Observable = Observable;

    fn start(&self) -> Vec<f64> {
        vec![0.0; self.eigenvalues.len()]
    }

    fn rhs(&mut self, t: f64, y: &[f64], dy: &mut [f64]) -> Result<(), AverageError> {
        let rate = self.rates.rate;
        let kick = 2.0 * rate * rate * self.rates.kicks * self.loss(t, y);
        for ((dy, l), v) in dy.iter_mut().zip(&self.eigenvalues).zip(y) {
            *dy = l * (kick - 2.0 * rate * v);
        }
        Ok(())
    }

    fn observe(&mut self, t: f64, y: &[f64], observable: &Observable) -> Result<f64, AverageError> {
        Ok(self.seen(t, y).value(*observable, self.rates.floor, self.first, t))
    }
}
