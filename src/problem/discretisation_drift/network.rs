//! A tanh network small enough for its exact Hessian.

use crate::rng::Stream;
use nalgebra::DMatrix;

/// f(x) = sum_k v_k tanh(w_k.x + b_k), E = mean over samples of (f - y)^2 / 2.
///
/// Coordinates are v_k, b_k, w_k of unit 1, then of unit 2, and so on. Inputs have independent N(0, 1) entries, labels
/// come from another network of the same shape, and the start is a third one, all drawn from one seed with weights
/// N(0, weight_std^2).
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub units: usize,
    /// Samples in columns.
    pub inputs: DMatrix<f64>,
    pub labels: Vec<f64>,
    pub weight_std: f64,
    pub seed: u64,
}

impl Network {
    pub fn new(inputs: usize, units: usize, samples: usize, weight_std: f64, seed: u64) -> Self {
        let mut x = DMatrix::zeros(inputs, samples);
        let stream = Stream::root(seed);
        stream.child("data").gaussians().fill(x.as_mut_slice());
        let mut network = Self { units, inputs: x, labels: Vec::new(), weight_std, seed };
        let teacher = network.draw("teacher");
        network.labels =
            network.inputs.column_iter().map(|x| network.output(&teacher, x.as_slice())).collect();
        network
    }

    /// Entries of theta.
    pub fn parameters(&self) -> usize {
        self.units * (self.inputs.nrows() + 2)
    }

    /// The drawn start.
    pub fn start(&self) -> Vec<f64> {
        self.draw("init")
    }

    fn draw(&self, name: &str) -> Vec<f64> {
        let mut theta = vec![0.0; self.parameters()];
        Stream::root(self.seed).child(name).gaussians().fill(&mut theta);
        theta.iter_mut().for_each(|w| *w *= self.weight_std);
        theta
    }

    /// f(x).
    pub fn output(&self, theta: &[f64], x: &[f64]) -> f64 {
        let unit = |u: &[f64]| {
            let field: f64 = u[2..].iter().zip(x).map(|(w, x)| w * x).sum();
            u[0] * libm::tanh(u[1] + field)
        };
        theta.chunks_exact(x.len() + 2).map(unit).sum()
    }
}
