//! Variance over starts, as a sum of squares that rounding cannot make negative.
//!
//! With S = F F^T on the training points, the test points are S_* = G F^T and, given the training points, have the variance
//! c = S** - |G|^2 left. The variance of f_k(x*) = f_0(x*) + A (y - f_0(X)) is |G - A F|^2 + c, that of mode m on the training
//! points d_m^2 |(V^T F)_m|^2. F comes from a Cholesky decomposition with pivoting, which ends where what is left of S is
//! within P epsilon of its largest entry, its rounding; a variance c that small is not told from 0 either.

use crate::linalg::{product, transpose_product};
use nalgebra::DMatrix;

pub(super) struct Spread {
    /// V^T F.
    modes: DMatrix<f64>,
    /// G.
    tests: DMatrix<f64>,
    /// c.
    left: Vec<f64>,
}

impl Spread {
    /// From S, S_*, S** and the eigenvectors V of T; outputs carry the factor `alpha`.
    pub fn new(
        starts: &DMatrix<f64>,
        cross: &DMatrix<f64>,
        own: &[f64],
        vectors: &DMatrix<f64>,
        alpha: f64,
    ) -> Self {
        let points = starts.nrows();
        // What is left of the diagonal, training points first.
        let mut left: Vec<f64> = starts.diagonal().iter().chain(own).copied().collect();
        let rounding = points as f64 * f64::EPSILON * left.iter().copied().fold(0.0, f64::max);
        let mut columns: Vec<Vec<f64>> = Vec::new();
        while columns.len() < points {
            let pivot = (0..points).max_by(|&a, &b| left[a].total_cmp(&left[b])).unwrap_or(0);
            // Also where the diagonal is no number.
            if left[pivot] <= rounding || left[pivot].is_nan() {
                break;
            }
            let mut column: Vec<f64> =
                starts.column(pivot).iter().chain(cross.column(pivot).iter()).copied().collect();
            for earlier in &columns {
                let factor = earlier[pivot];
                column.iter_mut().zip(earlier).for_each(|(x, e)| *x -= factor * e);
            }
            let inverse = 1.0 / left[pivot].sqrt();
            for (x, left) in column.iter_mut().zip(&mut left) {
                *x *= inverse;
                *left -= *x * *x;
            }
            left[pivot] = 0.0;
            columns.push(column);
        }
        let entry = |i: usize, m: usize| alpha * columns[m][i];
        let factor = DMatrix::from_fn(points, columns.len(), entry);
        let tests = DMatrix::from_fn(own.len(), columns.len(), |i, m| entry(points + i, m));
        let resolved = |c: &f64| if *c > rounding { alpha * alpha * c } else { 0.0 };
        Self {
            modes: transpose_product(vectors, &factor),
            tests,
            left: left[points..].iter().map(resolved).collect(),
        }
    }

    /// Sum over the training points, d of every mode given.
    pub fn of_training(&self, d: &[f64]) -> f64 {
        self.modes.row_iter().zip(d).map(|(row, d)| d * d * row.norm_squared()).sum()
    }

    /// Of every test point, A V given.
    pub fn of_tests(&self, a: &DMatrix<f64>) -> Vec<f64> {
        let residuals = &self.tests - product(a, &self.modes);
        residuals.row_iter().zip(&self.left).map(|(row, left)| row.norm_squared() + left).collect()
    }
}
