//! Provider faer: pure Rust, builds everywhere.

use super::{LinalgError, Svd, SymmetricEigen, check_pivots};
use faer::linalg::matmul::matmul;
use faer::linalg::solvers::{LltError, Solve};
use faer::{Accum, MatMut, MatRef, Par, Side};
use nalgebra::{DMatrix, DVector};
use std::sync::Once;

pub fn provider() -> &'static str {
    "faer 0.24"
}

/// faer's decompositions take their parallelism from a global; with two threads they are slower below about
/// 1e6 operations.
fn sequential() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| faer::set_global_parallelism(Par::Seq));
}

fn view(a: &DMatrix<f64>) -> MatRef<'_, f64> {
    sequential();
    MatRef::from_column_major_slice(a.as_slice(), a.nrows(), a.ncols())
}

fn owned(a: MatRef<'_, f64>) -> DMatrix<f64> {
    DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)])
}

pub fn symmetric_eigen(a: &DMatrix<f64>) -> Result<SymmetricEigen, LinalgError> {
    let eigen = view(a)
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| LinalgError::NoConvergence("symmetric eigenproblem"))?;
    let values = eigen.S().column_vector();
    Ok(SymmetricEigen { values: DVector::from_fn(a.nrows(), |i, _| values[i]), vectors: owned(eigen.U()) })
}

pub fn svd(a: &DMatrix<f64>) -> Result<Svd, LinalgError> {
    let svd = view(a).thin_svd().map_err(|_| LinalgError::NoConvergence("singular value decomposition"))?;
    let values = svd.S().column_vector();
    Ok(Svd {
        u: owned(svd.U()),
        values: DVector::from_fn(values.nrows(), |i, _| values[i]),
        v_t: owned(svd.V().transpose()),
    })
}

pub fn cholesky(a: &DMatrix<f64>) -> Result<DMatrix<f64>, LinalgError> {
    match view(a).llt(Side::Lower) {
        Ok(llt) => Ok(owned(llt.L())),
        Err(LltError::NonPositivePivot { index }) => {
            Err(LinalgError::NotPositiveDefinite { order: index + 1 })
        }
    }
}

pub fn solve(a: &DMatrix<f64>, b: &DMatrix<f64>) -> Result<DMatrix<f64>, LinalgError> {
    let lu = view(a).partial_piv_lu();
    check_pivots((0..a.nrows()).map(|i| lu.U()[(i, i)]))?;
    Ok(owned(lu.solve(view(b)).as_ref()))
}

pub fn product(a: &DMatrix<f64>, a_transposed: bool, b: &DMatrix<f64>, b_transposed: bool) -> DMatrix<f64> {
    let rows = if a_transposed { a.ncols() } else { a.nrows() };
    let columns = if b_transposed { b.nrows() } else { b.ncols() };
    let mut c = DMatrix::zeros(rows, columns);
    multiply(&mut c, false, 1.0, a, a_transposed, b, b_transposed);
    c
}

pub fn multiply(
    c: &mut DMatrix<f64>,
    keep: bool,
    factor: f64,
    a: &DMatrix<f64>,
    a_transposed: bool,
    b: &DMatrix<f64>,
    b_transposed: bool,
) {
    let left = if a_transposed { view(a).transpose() } else { view(a) };
    let right = if b_transposed { view(b).transpose() } else { view(b) };
    let (rows, columns) = c.shape();
    let out = MatMut::from_column_major_slice_mut(c.as_mut_slice(), rows, columns);
    let accum = if keep { Accum::Add } else { Accum::Replace };
    matmul(out, accum, left, right, factor, Par::Seq);
}

pub fn apply(a: &DMatrix<f64>, x: &DVector<f64>) -> DVector<f64> {
    let mut y = DVector::zeros(a.nrows());
    let x = MatRef::from_column_major_slice(x.as_slice(), x.len(), 1);
    let out = MatMut::from_column_major_slice_mut(y.as_mut_slice(), a.nrows(), 1);
    matmul(out, Accum::Replace, view(a), x, 1.0, Par::Seq);
    y
}
