//! Random inputs: a matrix of weights on drawn samples.

use super::{Classifier, Reading};
use crate::linalg::{Read, multiply};
use crate::problem::class_imbalance::{ClassImbalance, Inputs};
use crate::rng::Stream;
use nalgebra::DMatrix;
use rand::RngExt;

/// W, c x d, on n samples in columns, those of one class side by side.
pub(super) struct Features {
    inputs: DMatrix<f64>,
    /// First sample of every class, and n.
    starts: Vec<usize>,
    weights: DMatrix<f64>,
    gradient: DMatrix<f64>,
    logits: DMatrix<f64>,
    residuals: DMatrix<f64>,
    /// Whether the logits are those of the weights.
    current: bool,
}

impl Features {
    pub fn new(problem: &ClassImbalance, stream: &Stream) -> Self {
        let counts = problem.counts();
        let n: usize = counts.iter().sum();
        let c = problem.classes();
        let inputs = match problem.inputs {
            Inputs::Gaussian { dimension, scale } => {
                let mut inputs = DMatrix::zeros(dimension, n);
                stream.child("data").gaussians().fill(inputs.as_mut_slice());
                inputs * scale
            }
            Inputs::Uniform { dimension, scale } => {
                let mut generator = stream.child("data").generator();
                DMatrix::from_fn(dimension, n, |_, _| scale * generator.random::<f64>())
            }
            Inputs::OneHot => DMatrix::zeros(0, n),
        };
        let mut starts = vec![0];
        let mut below = 0;
        starts.extend(counts.iter().map(|count| {
            below += count;
            below
        }));
        let d = inputs.nrows();
        Self {
            inputs,
            starts,
            weights: DMatrix::zeros(c, d),
            gradient: DMatrix::zeros(c, d),
            logits: DMatrix::zeros(c, n),
            residuals: DMatrix::zeros(c, n),
            current: false,
        }
    }

    fn logits(&mut self) {
        if !self.current {
            let (weights, inputs) = ((&self.weights, Read::Plain), (&self.inputs, Read::Plain));
            multiply(&mut self.logits, false, 1.0, weights, inputs);
            self.current = true;
        }
    }
}

impl Classifier for Features {
    fn gradient(&mut self) -> f64 {
        self.logits();
        let (c, n) = self.logits.shape();
        let share = 1.0 / n as f64;
        let (logits, residuals) = (self.logits.as_slice(), self.residuals.as_mut_slice());
        for (class, range) in self.starts.windows(2).enumerate() {
            let samples = range[0] * c..range[1] * c;
            let pairs = logits[samples.clone()].chunks_exact(c).zip(residuals[samples].chunks_exact_mut(c));
            pairs.for_each(|(logits, residual)| super::residual(logits, class, share, residual));
        }
        let (residuals, inputs) = ((&self.residuals, Read::Plain), (&self.inputs, Read::Transposed));
        multiply(&mut self.gradient, false, 1.0, residuals, inputs);
        super::length(self.gradient.norm_squared(), self.gradient.iter().map(|g| (*g, 1.0)))
    }

    fn parts(&mut self) -> (&mut [f64], &[f64]) {
        self.current = false;
        (self.weights.as_mut_slice(), self.gradient.as_slice())
    }

    fn read(&mut self, class: usize) -> Reading {
        self.logits();
        let samples = self.starts[class]..self.starts[class + 1];
        let count = samples.len() as f64;
        let mut mean = Reading { loss: 0.0, margin: 0.0 };
        let c = self.logits.nrows();
        for sample in samples {
            let one = super::reading(&self.logits.as_slice()[sample * c..(sample + 1) * c], class);
            mean.loss += one.loss / count;
            mean.margin += one.margin / count;
        }
        mean
    }

    fn shares(&self, _problem: &ClassImbalance) -> Vec<f64> {
        let n = self.logits.ncols() as f64;
        self.starts.windows(2).map(|range| (range[1] - range[0]) as f64 / n).collect()
    }
}
