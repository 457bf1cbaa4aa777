//! Values and gradients, as a descent needs them.

use crate::problem::discretisation_drift::{Function, Network};
use nalgebra::DMatrix;

pub(super) enum Loss<'a> {
    Quadratic(&'a DMatrix<f64>),
    Rosenbrock { a: f64, b: f64 },
    Network { network: &'a Network, hidden: Vec<f64> },
}

impl<'a> Loss<'a> {
    pub fn new(function: &'a Function) -> Self {
        match function {
            Function::Quadratic { matrix } => Self::Quadratic(matrix),
            Function::Rosenbrock { a, b } => Self::Rosenbrock { a: *a, b: *b },
            Function::Network(network) => Self::Network { network, hidden: vec![0.0; network.units] },
        }
    }

    pub fn value(&self, theta: &[f64]) -> f64 {
        match self {
            Self::Quadratic(a) => {
                let row = |i: usize| theta.iter().enumerate().map(|(j, x)| a[(i, j)] * x).sum::<f64>();
                theta.iter().enumerate().map(|(i, x)| x * row(i)).sum()
            }
            Self::Rosenbrock { a, b } => {
                let valley = theta[1] - theta[0] * theta[0];
                (a - theta[0]) * (a - theta[0]) + b * valley * valley
            }
            Self::Network { network, .. } => {
                let samples = network.inputs.column_iter().zip(&network.labels);
                let squared = samples.map(|(x, y)| (network.output(theta, x.as_slice()) - y).powi(2));
                0.5 * squared.sum::<f64>() / network.labels.len() as f64
            }
        }
    }

    pub fn gradient(&mut self, theta: &[f64], out: &mut [f64]) {
        match self {
            Self::Quadratic(a) => {
                for (i, out) in out.iter_mut().enumerate() {
                    *out = 2.0 * theta.iter().enumerate().map(|(j, x)| a[(i, j)] * x).sum::<f64>();
                }
            }
            Self::Rosenbrock { a, b } => {
                let valley = theta[1] - theta[0] * theta[0];
                out[0] = -2.0 * (*a - theta[0]) - 4.0 * *b * theta[0] * valley;
                out[1] = 2.0 * *b * valley;
            }
            Self::Network { network, hidden } => backward(network, hidden, theta, out),
        }
    }
}

/// Back-propagation through all samples.
fn backward(network: &Network, hidden: &mut [f64], theta: &[f64], out: &mut [f64]) {
    let width = network.inputs.nrows() + 2;
    let samples = 1.0 / network.labels.len() as f64;
    out.fill(0.0);
    for (x, y) in network.inputs.column_iter().zip(&network.labels) {
        let mut output = 0.0;
        for (hidden, unit) in hidden.iter_mut().zip(theta.chunks_exact(width)) {
            let field: f64 = unit[2..].iter().zip(x.iter()).map(|(w, x)| w * x).sum();
            *hidden = libm::tanh(unit[1] + field);
            output += unit[0] * *hidden;
        }
        let error = samples * (output - y);
        let units = hidden.iter().zip(theta.chunks_exact(width)).zip(out.chunks_exact_mut(width));
        for ((hidden, unit), out) in units {
            let back = error * unit[0] * (1.0 - hidden * hidden);
            out[0] += error * hidden;
            out[1] += back;
            out[2..].iter_mut().zip(x.iter()).for_each(|(out, x)| *out += back * x);
        }
    }
}
