//! Fresh prompts: a task, its examples, a query.

use crate::problem::in_context::InContext;
use crate::rng::{Gaussians, Stream};

/// One prompt at a time, in place.
pub(super) struct Prompts {
    gaussians: Gaussians,
    /// Standard deviations of inputs and task along the axes.
    inputs: Vec<f64>,
    tasks: Vec<f64>,
    noise: f64,
    /// w.
    pub(super) task: Vec<f64>,
    /// Examples (x_i, y_i), one after the other, each of length d + 1.
    pub(super) examples: Vec<f64>,
    /// x_q.
    pub(super) query: Vec<f64>,
    /// w.x_q and its noisy label.
    pub(super) clean: f64,
    pub(super) label: f64,
}

impl Prompts {
    pub(super) fn new(problem: &InContext, stream: &Stream) -> Self {
        let d = problem.dimension;
        let roots = |variances: Vec<f64>| variances.into_iter().map(f64::sqrt).collect();
        Self {
            gaussians: stream.gaussians(),
            inputs: roots(problem.input_variances()),
            tasks: roots(problem.task_variances()),
            noise: problem.noise_variance.sqrt(),
            task: vec![0.0; d],
            examples: vec![0.0; problem.context * (d + 1)],
            query: vec![0.0; d],
            clean: 0.0,
            label: 0.0,
        }
    }

    pub(super) fn draw(&mut self) {
        let d = self.task.len();
        self.gaussians.fill(&mut self.task);
        scale(&mut self.task, &self.tasks);
        self.gaussians.fill(&mut self.examples);
        for example in self.examples.chunks_exact_mut(d + 1) {
            let (x, y) = example.split_at_mut(d);
            scale(x, &self.inputs);
            y[0] = self.noise * y[0] + product(&self.task, x);
        }
        self.gaussians.fill(&mut self.query);
        scale(&mut self.query, &self.inputs);
        self.clean = product(&self.task, &self.query);
        self.label = self.clean + self.noise * self.gaussians.next();
    }

    /// Mean over the query of (theta.x_q - w.x_q)^2.
    pub(super) fn query_risk(&self, theta: &[f64]) -> f64 {
        let mut risk = 0.0;
        for ((theta, w), root) in theta.iter().zip(&self.task).zip(&self.inputs) {
            let off = (theta - w) * root;
            risk += off * off;
        }
        risk
    }
}

fn scale(x: &mut [f64], factors: &[f64]) {
    for (x, factor) in x.iter_mut().zip(factors) {
        *x *= factor;
    }
}

pub(super) fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
