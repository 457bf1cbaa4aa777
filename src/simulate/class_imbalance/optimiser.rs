//! The optimisers, on a list of weights.

use crate::problem::class_imbalance::Algorithm;

/// State of one optimiser.
pub(super) struct Optimiser {
    algorithm: Algorithm,
    step: f64,
    first: Vec<f64>,
    second: Vec<f64>,
    updates: i32,
}

impl Optimiser {
    pub fn new(algorithm: Algorithm, step: f64, weights: usize) -> Self {
        let (first, second) = match algorithm {
            Algorithm::HeavyBall { .. } => (weights, 0),
            Algorithm::Adam { .. } => (weights, weights),
            _ => (0, 0),
        };
        Self { algorithm, step, first: vec![0.0; first], second: vec![0.0; second], updates: 0 }
    }

    /// Whether [`Self::update`] reads the norm.
    pub fn needs_norm(&self) -> bool {
        self.algorithm == Algorithm::NormalisedGd
    }

    /// One update; `norm` is that of the gradient over all weights of the network.
    pub fn update(&mut self, weights: &mut [f64], gradient: &[f64], norm: f64) {
        let step = self.step;
        self.updates = self.updates.saturating_add(1);
        let pairs = weights.iter_mut().zip(gradient);
        match self.algorithm {
            Algorithm::Gd => pairs.for_each(|(w, g)| *w -= step * g),
            Algorithm::HeavyBall { momentum } => {
                for ((w, g), v) in pairs.zip(&mut self.first) {
                    *v = momentum * *v + g;
                    *w -= step * *v;
                }
            }
            // A vanished gradient has no direction.
            Algorithm::NormalisedGd if norm == 0.0 => {}
            Algorithm::NormalisedGd => {
                let step = step / norm;
                pairs.for_each(|(w, g)| *w -= step * g);
            }
            Algorithm::Sign => {
                for (w, &g) in pairs {
                    if g > 0.0 {
                        *w -= step;
                    } else if g < 0.0 {
                        *w += step;
                    }
                }
            }
            Algorithm::Adam { beta1, beta2, epsilon } => {
                let first = 1.0 - beta1.powi(self.updates);
                let second = 1.0 - beta2.powi(self.updates);
                let step = step / first;
                for (((w, g), m), v) in pairs.zip(&mut self.first).zip(&mut self.second) {
                    *m = beta1 * *m + (1.0 - beta1) * g;
                    *v = beta2 * *v + (1.0 - beta2) * g * g;
                    let size = (*v / second).sqrt() + epsilon;
                    if size > 0.0 {
                        *w -= step * *m / size;
                    }
                }
            }
        }
    }
}
