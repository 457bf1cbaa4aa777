//! Facade on symmetric eigenproblems, SVD, Cholesky, solves and products: faer by default, LAPACK by feature.
//!
//! Matrices are those of nalgebra, column-major. Everything runs on the calling thread: parallelism is over
//! replicas. The feature `openblas` replaces faer by the system's OpenBLAS; [`provider`] names what was
//! linked. Results of the two agree to rounding, not to the bit, and neither is bit-reproducible across
//! processors.

#[cfg(not(feature = "openblas"))]
#[path = "faer.rs"]
mod backend;
#[cfg(feature = "openblas")]
#[path = "openblas.rs"]
mod backend;

use nalgebra::{DMatrix, DVector};

/// Why a decomposition has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LinalgError {
    #[error("a square matrix is needed, this one is {rows} x {columns}")]
    NotSquare { rows: usize, columns: usize },
    #[error("entry ({row}, {column}) is {value}")]
    NotFinite { row: usize, column: usize, value: f64 },
    /// The leading minor of this order is not positive.
    #[error("not positive definite: the leading minor of order {order} is not positive")]
    NotPositiveDefinite { order: usize },
    /// Smallest over largest pivot of the LU decomposition, at or below n times the rounding unit.
    #[error("singular to working precision: pivots differ by the factor {pivot_ratio:e}")]
    Singular { pivot_ratio: f64 },
    #[error("the iteration of the {0} did not converge")]
    NoConvergence(&'static str),
}

/// A = V diag(values) V^T.
#[derive(Clone, Debug, PartialEq)]
pub struct SymmetricEigen {
    /// Ascending.
    pub values: DVector<f64>,
    /// Orthonormal columns, in the order of `values`.
    pub vectors: DMatrix<f64>,
}

/// A = U diag(values) V^T, thin: with r = min(rows, columns), U is rows x r and V^T is r x columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Svd {
    pub u: DMatrix<f64>,
    /// Descending, nonnegative.
    pub values: DVector<f64>,
    pub v_t: DMatrix<f64>,
}

/// Name and version of the library behind this module.
pub fn provider() -> &'static str {
    backend::provider()
}

/// Eigenvalues and eigenvectors of a symmetric matrix, of which only the lower triangle is read.
///
/// ```
/// let a = nalgebra::DMatrix::from_row_slice(2, 2, &[2.0, 1.0, 1.0, 2.0]);
/// let eigen = asymptotica::linalg::symmetric_eigen(&a)?;
/// assert!((eigen.values[0] - 1.0).abs() < 1e-15 && (eigen.values[1] - 3.0).abs() < 1e-15);
/// # Ok::<(), asymptotica::linalg::LinalgError>(())
/// ```
///
/// # Errors
/// [`LinalgError::NotSquare`], [`LinalgError::NotFinite`], [`LinalgError::NoConvergence`].
pub fn symmetric_eigen(a: &DMatrix<f64>) -> Result<SymmetricEigen, LinalgError> {
    square(a)?;
    finite(a)?;
    backend::symmetric_eigen(a)
}

/// Thin singular value decomposition.
///
/// # Errors
/// [`LinalgError::NotFinite`], [`LinalgError::NoConvergence`].
pub fn svd(a: &DMatrix<f64>) -> Result<Svd, LinalgError> {
    finite(a)?;
    backend::svd(a)
}

/// The lower triangular L with positive diagonal and A = L L^T; only the lower triangle of A is read.
///
/// # Errors
/// [`LinalgError::NotSquare`], [`LinalgError::NotFinite`], [`LinalgError::NotPositiveDefinite`].
pub fn cholesky(a: &DMatrix<f64>) -> Result<DMatrix<f64>, LinalgError> {
    square(a)?;
    finite(a)?;
    backend::cholesky(a)
}

/// X with A X = B, by LU decomposition with partial pivoting.
///
/// # Errors
/// [`LinalgError::NotSquare`], [`LinalgError::NotFinite`] (of A), [`LinalgError::Singular`].
///
/// # Panics
/// If B has another number of rows than A.
pub fn solve(a: &DMatrix<f64>, b: &DMatrix<f64>) -> Result<DMatrix<f64>, LinalgError> {
    square(a)?;
    finite(a)?;
    assert_eq!(a.nrows(), b.nrows(), "A and B have the same number of rows");
    backend::solve(a, b)
}

/// The X of least norm among those that bring A X nearest to B: A^+ B of a symmetric A, of which only the lower triangle
/// is read. Eigenvalues up to n times the rounding unit of the largest count as 0.
///
/// ```
/// use nalgebra::DMatrix;
/// // Two equal equations, x + y = 2: the point nearest to 0.
/// let a = DMatrix::from_element(2, 2, 1.0);
/// let x = asymptotica::linalg::least_norm(&a, &DMatrix::from_element(2, 1, 2.0))?;
/// assert!((x[0] - 1.0).abs() < 1e-15 && (x[1] - 1.0).abs() < 1e-15);
/// # Ok::<(), asymptotica::linalg::LinalgError>(())
/// ```
///
/// # Errors
/// Those of [`symmetric_eigen`].
///
/// # Panics
/// If B has another number of rows than A.
pub fn least_norm(a: &DMatrix<f64>, b: &DMatrix<f64>) -> Result<DMatrix<f64>, LinalgError> {
    assert_eq!(a.nrows(), b.nrows(), "A and B have the same number of rows");
    let eigen = symmetric_eigen(a)?;
    let cut = a.nrows() as f64 * f64::EPSILON * eigen.values.amax();
    let mut along = transpose_product(&eigen.vectors, b);
    for (mut row, &value) in along.row_iter_mut().zip(&eigen.values) {
        row *= if value.abs() > cut { 1.0 / value } else { 0.0 };
    }
    Ok(product(&eigen.vectors, &along))
}

/// A B.
///
/// # Panics
/// If the inner dimensions differ.
pub fn product(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    assert_eq!(a.ncols(), b.nrows(), "inner dimensions of A B");
    backend::product(a, false, b, false)
}

/// A^T B.
///
/// # Panics
/// If the inner dimensions differ.
pub fn transpose_product(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    assert_eq!(a.nrows(), b.nrows(), "inner dimensions of A^T B");
    backend::product(a, true, b, false)
}

/// A B^T.
///
/// # Panics
/// If the inner dimensions differ.
pub fn product_transpose(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    assert_eq!(a.ncols(), b.ncols(), "inner dimensions of A B^T");
    backend::product(a, false, b, true)
}

/// How an operand of [`multiply`] is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    Plain,
    Transposed,
}

/// C = keep C + factor op(A) op(B), in place and without allocation; keep is 0 or 1.
///
/// ```
/// use asymptotica::linalg::{Read, multiply};
/// use nalgebra::DMatrix;
/// let a = DMatrix::from_row_slice(1, 2, &[1.0, 2.0]);
/// let mut c = DMatrix::from_element(1, 1, 10.0);
/// multiply(&mut c, true, 0.5, (&a, Read::Plain), (&a, Read::Transposed));
/// assert_eq!(c[(0, 0)], 12.5);
/// ```
///
/// # Panics
/// If the shapes do not fit.
pub fn multiply(
    c: &mut DMatrix<f64>,
    keep: bool,
    factor: f64,
    a: (&DMatrix<f64>, Read),
    b: (&DMatrix<f64>, Read),
) {
    let shape = |(m, read): (&DMatrix<f64>, Read)| match read {
        Read::Plain => m.shape(),
        Read::Transposed => (m.ncols(), m.nrows()),
    };
    let ((rows, inner), (other, columns)) = (shape(a), shape(b));
    assert_eq!(inner, other, "inner dimensions of A B");
    assert_eq!(c.shape(), (rows, columns), "shape of A B");
    let transposed = |read| read == Read::Transposed;
    backend::multiply(c, keep, factor, a.0, transposed(a.1), b.0, transposed(b.1));
}

/// A x.
///
/// # Panics
/// If the inner dimensions differ.
pub fn apply(a: &DMatrix<f64>, x: &DVector<f64>) -> DVector<f64> {
    assert_eq!(a.ncols(), x.len(), "inner dimensions of A x");
    backend::apply(a, x)
}

fn square(a: &DMatrix<f64>) -> Result<(), LinalgError> {
    let (rows, columns) = a.shape();
    if rows == columns { Ok(()) } else { Err(LinalgError::NotSquare { rows, columns }) }
}

fn finite(a: &DMatrix<f64>) -> Result<(), LinalgError> {
    match a.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(i) => {
            let (row, column) = (i % a.nrows(), i / a.nrows());
            Err(LinalgError::NotFinite { row, column, value: a[(row, column)] })
        }
    }
}

/// Refuses the pivots of a matrix that is singular to working precision.
fn check_pivots(pivots: impl Iterator<Item = f64> + Clone) -> Result<(), LinalgError> {
    let n = pivots.clone().count() as f64;
    let largest = pivots.clone().fold(0.0, |a: f64, p| a.max(p.abs()));
    let smallest = pivots.fold(f64::INFINITY, |a, p| a.min(p.abs()));
    if n == 0.0 || smallest > n * f64::EPSILON * largest {
        return Ok(());
    }
    Err(LinalgError::Singular { pivot_ratio: if largest > 0.0 { smallest / largest } else { 0.0 } })
}
