//! Exact derivatives of the losses up to the third.

use super::network;
use crate::problem::discretisation_drift::Function;
use nalgebra::DMatrix;

/// Value, gradient, Hessian and D^3 E[g, g] of a loss.
///
/// ```
/// use asymptotica::problem::discretisation_drift::Function;
/// use asymptotica::theory::discretisation_drift::Derivatives;
/// // x^2 y-like terms: E = (1 - x)^2 + (y - x^2)^2 has E_xxx = 24 x and E_xxy = -4.
/// let function = Function::Rosenbrock { a: 1.0, b: 1.0 };
/// let third = Derivatives::new(&function).third(&[0.5, 2.0], &[1.0, 3.0]);
/// assert_eq!(third, [12.0 - 24.0, -4.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Derivatives<'a> {
    function: &'a Function,
}

impl<'a> Derivatives<'a> {
    pub fn new(function: &'a Function) -> Self {
        Self { function }
    }

    pub fn value(&self, theta: &[f64]) -> f64 {
        match self.function {
            Function::Quadratic { matrix } => {
                let entry = |(i, j): (usize, usize)| matrix[(i, j)] * theta[i] * theta[j];
                let n = theta.len();
                (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).map(entry).sum()
            }
            Function::Rosenbrock { a, b } => {
                let (x, y) = (theta[0], theta[1]);
                (a - x).powi(2) + b * (y - x * x).powi(2)
            }
            Function::Network(net) => network::value(net, theta),
        }
    }

    pub fn gradient(&self, theta: &[f64]) -> Vec<f64> {
        match self.function {
            Function::Quadratic { matrix } => {
                let n = theta.len();
                (0..n).map(|i| (0..n).map(|j| 2.0 * matrix[(i, j)] * theta[j]).sum()).collect()
            }
            Function::Rosenbrock { a, b } => {
                let (x, y) = (theta[0], theta[1]);
                vec![2.0 * (x - a) + 4.0 * b * (x * x * x - x * y), 2.0 * b * (y - x * x)]
            }
            Function::Network(net) => network::gradient(net, theta),
        }
    }

    pub fn hessian(&self, theta: &[f64]) -> DMatrix<f64> {
        match self.function {
            Function::Quadratic { matrix } => 2.0 * matrix,
            Function::Rosenbrock { b, .. } => {
                let (x, y) = (theta[0], theta[1]);
                let mixed = -4.0 * b * x;
                DMatrix::from_row_slice(2, 2, &[2.0 + b * (12.0 * x * x - 4.0 * y), mixed, mixed, 2.0 * b])
            }
            Function::Network(net) => network::hessian(net, theta),
        }
    }

    /// sum_jk E_ijk g_j g_k.
    pub fn third(&self, theta: &[f64], g: &[f64]) -> Vec<f64> {
        match self.function {
            Function::Quadratic { .. } => vec![0.0; theta.len()],
            Function::Rosenbrock { b, .. } => {
                let x = theta[0];
                vec![24.0 * b * x * g[0] * g[0] - 8.0 * b * g[0] * g[1], -4.0 * b * g[0] * g[0]]
            }
            Function::Network(net) => network::third(net, theta, g),
        }
    }
}
