//! A data set, sampled with replacement or without.

use super::Learner;
use crate::linalg::svd;
use crate::problem::scaling::OnePassStep;
use crate::problem::streaming_sgd::{DataStart, Rule, StreamingSgd};
use crate::rng::Stream;
use crate::simulate::SimulationError;
use crate::simulate::dense::{add, dot};
use nalgebra::DMatrix;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

pub(super) struct DataSet {
    /// Samples in columns, d x n.
    inputs: DMatrix<f64>,
    /// sigma zeta.
    noise: Vec<f64>,
    choice: Choice,
    gradient: Vec<f64>,
}

/// Which samples make a batch.
struct Choice {
    generator: Xoshiro256PlusPlus,
    /// All samples, those of the batch so far in front; empty with replacement.
    order: Vec<usize>,
    taken: usize,
    samples: usize,
}

impl Choice {
    fn next(&mut self) -> usize {
        if self.order.is_empty() {
            return self.generator.random_range(0..self.samples as u64) as usize;
        }
        let pick = self.generator.random_range(self.taken as u64..self.samples as u64) as usize;
        self.order.swap(self.taken, pick);
        self.taken += 1;
        self.order[self.taken - 1]
    }
}

impl DataSet {
    pub fn new(problem: &StreamingSgd, d: usize, stream: &Stream) -> Result<Self, SimulationError> {
        let n = problem.samples(d).unwrap_or(0);
        if n == 0 {
            let per_dimension = problem.sample_ratio.unwrap_or(0.0);
            return Err(SimulationError::EmptyTrainingSet { per_dimension, size: d });
        }
        if !problem.replacement && problem.batch > n {
            return Err(SimulationError::BatchBeyondData { batch: problem.batch, samples: n, size: d });
        }
        let mut inputs = DMatrix::zeros(d, n);
        stream.child("data").gaussians().fill(inputs.as_mut_slice());
        let learner = Learner::new(problem, d);
        inputs.as_mut_slice().chunks_exact_mut(d).for_each(|sample| learner.colour(sample));
        let mut noise = vec![0.0; n];
        stream.child("label-noise").gaussians().fill(&mut noise);
        noise.iter_mut().for_each(|e| *e *= problem.noise_std);
        let choice = Choice {
            generator: stream.child("batch").generator(),
            order: if problem.replacement { Vec::new() } else { (0..n).collect() },
            taken: 0,
            samples: n,
        };
        Ok(Self { inputs, noise, choice, gradient: vec![0.0; d] })
    }

    fn sample(&self, i: usize) -> &[f64] {
        let d = self.inputs.nrows();
        &self.inputs.as_slice()[i * d..(i + 1) * d]
    }

    fn residual(&self, i: usize, gap: &[f64]) -> f64 {
        dot(self.sample(i), gap) - self.noise[i]
    }

    /// Mean over a batch of x (x.w), the gradient at w without labels.
    pub fn curvature_along(&mut self, weights: &[f64], batch: usize, gradient: &mut [f64]) {
        gradient.fill(0.0);
        self.choice.taken = 0;
        for _ in 0..batch {
            let i = self.choice.next();
            let sample = self.sample(i);
            add(gradient, dot(sample, weights) / batch as f64, sample);
        }
    }

    /// Samples in rows.
    pub fn rows(&self) -> DMatrix<f64> {
        self.inputs.transpose()
    }

    pub fn update(&mut self, learner: &mut Learner) {
        let batch = learner.problem.batch;
        let d = self.inputs.nrows();
        self.choice.taken = 0;
        if batch == 1 && learner.problem.rule == Rule::Constant {
            let i = self.choice.next();
            let step = learner.problem.learning_rate * learner.slow * self.residual(i, &learner.gap);
            add(&mut learner.gap, -step, self.sample(i));
            return;
        }
        self.gradient.fill(0.0);
        for _ in 0..batch {
            let i = self.choice.next();
            let residual = self.residual(i, &learner.gap) / batch as f64;
            add(&mut self.gradient, residual, &self.inputs.as_slice()[i * d..(i + 1) * d]);
        }
        learner.descend(&self.gradient);
    }

    /// Half the mean squared error on the data set.
    pub fn loss(&self, learner: &Learner) -> f64 {
        let n = self.noise.len();
        let sum: f64 = (0..n).map(|i| self.residual(i, &learner.gap)).map(|r| r * r).sum();
        0.5 * sum / n as f64
    }

    /// The spectrum of A = X / sqrt(d), and where the start lies on it.
    pub fn measured(&self, problem: &StreamingSgd) -> Result<DataStart, SimulationError> {
        let (d, n) = self.inputs.shape();
        let field = OnePassStep::new(d).field;
        // Columns of the input matrix are samples: A^T = U s V^T, modes in U.
        let factors = svd(&(&self.inputs * field))?;
        let start = Learner::new(problem, d).gap;
        let labels: Vec<f64> = (0..n).map(|i| self.residual(i, &start)).collect();
        // Inputs without variance in some directions have fewer modes than samples and dimensions.
        let least = n.max(d) as f64 * f64::EPSILON * factors.values.amax();
        let rank = factors.values.iter().filter(|s| **s > least).count();
        let modes = factors.u.columns(0, rank).transpose();
        let (mut eigenvalues, mut distance) = (Vec::new(), Vec::new());
        let mut offset: Vec<f64> = start.iter().map(|g| g / field).collect();
        let mut fitted = vec![0.0; n];
        for (i, s) in factors.values.iter().take(rank).enumerate() {
            let row: Vec<f64> = factors.v_t.row(i).iter().copied().collect();
            // A du = r along this mode takes the least-squares solution to the start.
            let along = dot(&row, &labels);
            eigenvalues.push(s * s);
            distance.push(along / s);
            offset.iter_mut().zip(modes.row(i).iter()).for_each(|(o, v)| *o -= along / s * v);
            add(&mut fitted, along, &row);
        }
        let left: f64 = labels.iter().zip(&fitted).map(|(r, f)| (r - f) * (r - f)).sum();
        // As many modes as samples fit all labels: what is left is rounding.
        let left = if rank == n { 0.0 } else { left };
        Ok(DataStart { eigenvalues, modes, distance, offset, least_loss: 0.5 * left / n as f64, samples: n })
    }
}
