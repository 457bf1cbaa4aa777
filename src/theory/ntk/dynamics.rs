//! Gradient descent in function space: linear, hence solved by one eigendecomposition.
//!
//! With T = V diag(l) V^T on the training points, f_k(X) - y = V diag(d) V^T (f_0 - y), d = (1 - eta l/P)^k, and f_k(x*)
//! = f_0(x*) + T_* V diag(g) V^T (y - f_0(X)), g = (1 - d)/l: a singular kernel needs no inverse.
//!
//! Eigenvalues within P epsilon l_max of 0 (epsilon = 2.2e-16) are rounding of the kernel and count as 0: d = 1, and g = 0
//! since T_* vanishes along null vectors of T. Modes whose true eigenvalue is that small are never learnt here, however
//! long the time.

use crate::linalg::{LinalgError, SymmetricEigen, product, symmetric_eigen};
use nalgebra::{DMatrix, DVector};

/// The training points.
#[derive(Clone, Debug)]
pub struct Descent {
    pub eigen: SymmetricEigen,
    /// eta / P.
    pub rate: f64,
    /// V^T y.
    labels: DVector<f64>,
}

/// Test points: what maps the coefficients of the training set to outputs.
#[derive(Clone, Debug)]
pub struct Tests {
    /// T_* V.
    pub response: DMatrix<f64>,
}

/// d and g of every mode after `k` updates.
#[derive(Clone, Debug)]
pub struct Decay {
    pub d: Vec<f64>,
    pub g: Vec<f64>,
}

impl Descent {
    /// # Errors
    /// [`LinalgError`] of the eigendecomposition.
    pub fn new(
        kernel: &DMatrix<f64>,
        learning_rate: f64,
        labels: &DVector<f64>,
    ) -> Result<Self, LinalgError> {
        let eigen = symmetric_eigen(kernel)?;
        let labels = eigen.vectors.tr_mul(labels);
        Ok(Self { rate: learning_rate / kernel.nrows() as f64, labels, eigen })
    }

    /// The largest learning rate at which no mode grows, 2 P / l_max.
    pub fn largest_stable_rate(&self) -> f64 {
        let points = self.eigen.values.len();
        2.0 * points as f64 / self.eigen.values[points - 1]
    }

    pub fn tests(&self, cross_kernel: &DMatrix<f64>) -> Tests {
        Tests { response: product(cross_kernel, &self.eigen.vectors) }
    }

    /// V^T y.
    pub fn labels(&self) -> &DVector<f64> {
        &self.labels
    }

    /// V^T (y - f_0).
    pub fn gap(&self, start: Option<&DVector<f64>>) -> DVector<f64> {
        match start {
            Some(start) => &self.labels - self.eigen.vectors.tr_mul(start),
            None => self.labels.clone(),
        }
    }

    /// Below this, eigenvalues are not told from 0.
    fn resolution(&self) -> f64 {
        let values = &self.eigen.values;
        values.len() as f64 * f64::EPSILON * values.iter().fold(0.0, |most: f64, l| most.max(l.abs()))
    }

    /// The factors of every mode after `k` updates.
    pub fn decay(&self, k: f64) -> Decay {
        let resolution = self.resolution();
        let factor = |&l: &f64| {
            if l.abs() <= resolution {
                return (1.0, 0.0);
            }
            let x = self.rate * l;
            let (d, learnt) = if x < 1.0 {
                let exponent = k * (-x).ln_1p();
                (exponent.exp(), -exponent.exp_m1())
            } else if k == 0.0 {
                (1.0, 0.0)
            } else {
                // A mode that overshoots changes sign in every update.
                let sign = if k % 2.0 == 0.0 { 1.0 } else { -1.0 };
                let d = sign * (k * (x - 1.0).ln()).exp();
                (d, 1.0 - d)
            };
            (d, learnt / l)
        };
        let (d, g) = self.eigen.values.iter().map(factor).unzip();
        Decay { d, g }
    }
}
