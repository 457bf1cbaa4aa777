//! Square roots of covariances that may be singular.

use super::SimulationError;
use nalgebra::{DMatrix, DVector};

/// A with A A^T = c and full column rank, by Cholesky's method with diagonal pivoting (Higham 1990), which
/// also takes a singular c. Pivots below rounding end it.
pub(super) fn square_root(c: &DMatrix<f64>) -> Result<DMatrix<f64>, SimulationError> {
    let n = c.nrows();
    let scale = c.diagonal().amax();
    let mut left = c.clone();
    let mut columns: Vec<DVector<f64>> = Vec::new();
    while columns.len() < n {
        let p = left.diagonal().imax();
        let pivot = left[(p, p)];
        if pivot <= 8.0 * n as f64 * f64::EPSILON * scale {
            break;
        }
        let column = left.column(p) / pivot.sqrt();
        left -= &column * column.transpose();
        columns.push(column);
    }
    // The definition of the problem admits covariances with eigenvalues down to -1e-12 of the largest
    // variance.
    let rest = left.amax();
    if rest > 1e-11 * scale {
        return Err(SimulationError::NotACovariance { rank: columns.len(), left: rest });
    }
    Ok(DMatrix::from_fn(n, columns.len(), |i, j| columns[j][i]))
}
