//! Linear self-attention with all entries free, its gradient, and its optimisers.
//!
//! yhat = p^T (sum_i e_i e_i^T) Q x_q over the examples e_i = (x_i, y_i) of a prompt.

use super::prompts::{Prompts, product};
use crate::problem::in_context::{InContext, Init, Optimizer};
use crate::rng::Stream;

/// The parameters in one list: p (d + 1), then the d + 1 rows of Q (d each).
pub(super) struct Attention {
    pub(super) parameters: Vec<f64>,
    pub(super) gradient: Vec<f64>,
    d: usize,
    /// Q x_q, and sum e_i (p.e_i), sum e_i (e_i.Q x_q).
    keys: Vec<f64>,
    by_value: Vec<f64>,
    by_key: Vec<f64>,
}

impl Attention {
    pub(super) fn new(problem: &InContext, init: Init, stream: &Stream) -> Self {
        let d = problem.dimension;
        let mut parameters = vec![0.0; (d + 1) * (d + 1)];
        match init {
            Init::Random { std } => {
                stream.child("init").gaussians().fill(&mut parameters);
                parameters.iter_mut().for_each(|p| *p *= std);
            }
            Init::Aligned { value, attention } => {
                parameters[d] = value;
                for i in 0..d {
                    parameters[(d + 1) + i * d + i] = attention;
                }
            }
        }
        Self {
            gradient: vec![0.0; parameters.len()],
            parameters,
            d,
            keys: vec![0.0; d + 1],
            by_value: vec![0.0; d + 1],
            by_key: vec![0.0; d + 1],
        }
    }

    /// Prediction for the query of `prompt`; leaves the sums that the gradient needs.
    fn predict(&mut self, prompt: &Prompts) -> f64 {
        let d = self.d;
        let (p, q) = self.parameters.split_at(d + 1);
        for (key, row) in self.keys.iter_mut().zip(q.chunks_exact(d)) {
            *key = product(row, &prompt.query);
        }
        self.by_value.fill(0.0);
        self.by_key.fill(0.0);
        let mut prediction = 0.0;
        for e in prompt.examples.chunks_exact(d + 1) {
            let (value, key) = (product(p, e), product(&self.keys, e));
            prediction += value * key;
            for ((by_value, by_key), e) in self.by_value.iter_mut().zip(&mut self.by_key).zip(e) {
                *by_value += value * e;
                *by_key += key * e;
            }
        }
        prediction
    }

    /// Adds `weight` times half the squared error of one prompt to the loss that is returned, and its gradient.
    pub(super) fn accumulate(&mut self, prompt: &Prompts, weight: f64) -> f64 {
        let d = self.d;
        let residual = self.predict(prompt) - prompt.label;
        let factor = weight * residual;
        let (gp, gq) = self.gradient.split_at_mut(d + 1);
        for (g, by_key) in gp.iter_mut().zip(&self.by_key) {
            *g += factor * by_key;
        }
        for (row, by_value) in gq.chunks_exact_mut(d).zip(&self.by_value) {
            let factor = factor * by_value;
            for (g, x) in row.iter_mut().zip(&prompt.query) {
                *g += factor * x;
            }
        }
        0.5 * weight * residual * residual
    }

    /// The estimate theta of the task, yhat = theta.x_q.
    pub(super) fn task_estimate(&mut self, prompt: &Prompts, theta: &mut [f64]) {
        let d = self.d;
        self.predict(prompt);
        theta.fill(0.0);
        for (row, by_value) in self.parameters[d + 1..].chunks_exact(d).zip(&self.by_value) {
            for (theta, q) in theta.iter_mut().zip(row) {
                *theta += by_value * q;
            }
        }
    }

    /// Entry (i, j) of M = p_y Q_x + p_x q_y^T, in yhat = sum y_i x_i^T M x_q.
    pub(super) fn step(&self, i: usize, j: usize) -> f64 {
        let d = self.d;
        let (p, q) = self.parameters.split_at(d + 1);
        p[d] * q[i * d + j] + p[i] * q[d * d + j]
    }
}

/// State of the optimiser.
pub(super) struct Steps {
    optimizer: Optimizer,
    first: Vec<f64>,
    second: Vec<f64>,
    powers: (f64, f64),
}

const EPSILON: f64 = 1e-8;

impl Steps {
    pub(super) fn new(optimizer: Optimizer, length: usize) -> Self {
        let length = if optimizer == Optimizer::Sgd { 0 } else { length };
        Self { optimizer, first: vec![0.0; length], second: vec![0.0; length], powers: (1.0, 1.0) }
    }

    /// One step along the gradient, which is cleared.
    pub(super) fn update(&mut self, attention: &mut Attention, rate: f64) {
        let pairs = attention.parameters.iter_mut().zip(&mut attention.gradient);
        match self.optimizer {
            Optimizer::Sgd => {
                for (p, g) in pairs {
                    *p -= rate * *g;
                    *g = 0.0;
                }
            }
            Optimizer::Adam { beta1, beta2 } => {
                self.powers = (self.powers.0 * beta1, self.powers.1 * beta2);
                let (one, two) = (1.0 / (1.0 - self.powers.0), 1.0 / (1.0 - self.powers.1));
                for (((p, g), m), v) in pairs.zip(&mut self.first).zip(&mut self.second) {
                    *m = beta1 * *m + (1.0 - beta1) * *g;
                    *v = beta2 * *v + (1.0 - beta2) * *g * *g;
                    *p -= rate * (one * *m) / ((two * *v).sqrt() + EPSILON);
                    *g = 0.0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::in_context::{Covariance, Predictor, Prior};

    #[test]
    fn gradient_is_that_of_finite_differences() {
        let problem = InContext {
            dimension: 4,
            context: 7,
            covariance: Covariance::List { values: vec![1.7, 0.6, 0.9] },
            prior: Prior::InverseCovariance,
            noise_variance: 0.3,
            predictor: Predictor::OneStep { rate: None, preconditioned: false },
            test_prompts: 1,
        };
        let stream = Stream::root(3);
        let mut prompts = Prompts::new(&problem, &stream.child("data"));
        prompts.draw();
        let mut attention = Attention::new(&problem, Init::Random { std: 0.4 }, &stream);
        attention.accumulate(&prompts, 1.3);
        let gradient = attention.gradient.clone();
        for (i, &gradient) in gradient.iter().enumerate() {
            let step = 1e-5;
            let kept = attention.parameters[i];
            let mut loss = |x| {
                attention.parameters[i] = x;
                attention.accumulate(&prompts, 1.3)
            };
            let slope = (loss(kept + step) - loss(kept - step)) / (2.0 * step);
            attention.parameters[i] = kept;
            assert!((slope - gradient).abs() < 1e-6 * (1.0 + slope.abs()), "{i}: {slope}, {gradient}");
        }
    }
}
