//! The facade on linear algebra, one suite for both providers.

use asymptotica::linalg::{self, LinalgError};
use asymptotica::rng::Stream;
use nalgebra::{DMatrix, DVector};

fn gaussian(rows: usize, columns: usize, name: &str) -> DMatrix<f64> {
    let mut matrix = DMatrix::zeros(rows, columns);
    Stream::root(31).child(name).gaussians().fill(matrix.as_mut_slice());
    matrix
}

/// Entry by entry, in plain loops.
fn plain_product(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(a.nrows(), b.ncols(), |i, j| (0..a.ncols()).map(|k| a[(i, k)] * b[(k, j)]).sum())
}

/// Largest entry of the difference in units of the rounding unit times n times the largest entry.
fn difference(a: &DMatrix<f64>, b: &DMatrix<f64>) -> f64 {
    (a - b).amax() / (f64::EPSILON * a.nrows().max(a.ncols()) as f64 * b.amax())
}

fn assert_orthonormal_columns(a: &DMatrix<f64>) {
    let gram = plain_product(&a.transpose(), a);
    assert!(difference(&gram, &DMatrix::identity(a.ncols(), a.ncols())) < 10.0);
}

const SIZES: [usize; 4] = [1, 2, 7, 65];

#[test]
fn provider_is_named_with_its_version() {
    let provider = linalg::provider();
    let name = if cfg!(feature = "openblas") { "OpenBLAS 0." } else { "faer 0." };
    assert!(provider.starts_with(name), "{provider}");
}

#[test]
fn symmetric_eigen_reconstructs_and_reads_the_lower_triangle_only() {
    for n in SIZES {
        let g = gaussian(n, n, "eigen");
        let a = &g + g.transpose();
        let lower = DMatrix::from_fn(n, n, |i, j| if i >= j { a[(i, j)] } else { 3.0 });
        let eigen = linalg::symmetric_eigen(&lower).unwrap();
        assert_orthonormal_columns(&eigen.vectors);
        let scaled = DMatrix::from_fn(n, n, |i, j| eigen.vectors[(i, j)] * eigen.values[j]);
        assert!(difference(&plain_product(&scaled, &eigen.vectors.transpose()), &a) < 10.0);
        assert!(eigen.values.as_slice().is_sorted());
    }
}

/// The second difference on n points has the eigenvalues 2 - 2 cos(pi j / (n + 1)), j = 1..n.
#[test]
fn symmetric_eigen_has_the_spectrum_of_the_second_difference() {
    let n = 40;
    let a = DMatrix::from_fn(n, n, |i, j| match i.abs_diff(j) {
        0 => 2.0,
        1 => -1.0,
        _ => 0.0,
    });
    let values = linalg::symmetric_eigen(&a).unwrap().values;
    for (j, value) in values.iter().enumerate() {
        let exact = 2.0 - 2.0 * (std::f64::consts::PI * (j + 1) as f64 / (n + 1) as f64).cos();
        assert!((value - exact).abs() < 4.0 * n as f64 * f64::EPSILON, "{value} {exact}");
    }
}

#[test]
fn svd_of_tall_wide_and_square_matrices_reconstructs() {
    for (rows, columns) in [(1, 5), (5, 1), (9, 4), (4, 9), (70, 33), (33, 70), (24, 24)] {
        let a = gaussian(rows, columns, "svd");
        let svd = linalg::svd(&a).unwrap();
        let r = rows.min(columns);
        assert_eq!((svd.u.shape(), svd.values.len(), svd.v_t.shape()), ((rows, r), r, (r, columns)));
        assert_orthonormal_columns(&svd.u);
        assert_orthonormal_columns(&svd.v_t.transpose());
        let scaled = DMatrix::from_fn(rows, r, |i, j| svd.u[(i, j)] * svd.values[j]);
        assert!(difference(&plain_product(&scaled, &svd.v_t), &a) < 10.0);
        assert!(svd.values.as_slice().is_sorted_by(|a, b| a >= b) && svd.values[r - 1] >= 0.0);
    }
}

/// A = x y^T has the one singular value |x| |y|.
#[test]
fn svd_of_a_rank_one_matrix() {
    let (x, y) = (gaussian(12, 1, "x"), gaussian(7, 1, "y"));
    let values = linalg::svd(&plain_product(&x, &y.transpose())).unwrap().values;
    assert!((values[0] / (x.norm() * y.norm()) - 1.0).abs() < 1e-14);
    assert!(values.rows(1, 6).amax() < 1e-14 * values[0]);
}

#[test]
fn cholesky_is_lower_triangular_with_positive_diagonal_and_reconstructs() {
    for n in SIZES {
        let g = gaussian(n, n + 3, "cholesky");
        let a = plain_product(&g, &g.transpose());
        let junk_above = DMatrix::from_fn(n, n, |i, j| if i >= j { a[(i, j)] } else { -7.5 });
        let l = linalg::cholesky(&junk_above).unwrap();
        assert!(difference(&plain_product(&l, &l.transpose()), &a) < 10.0);
        for j in 0..n {
            assert!(l[(j, j)] > 0.0 && (0..j).all(|i| l[(i, j)] == 0.0));
        }
    }
}

/// The Lehmer matrix min(i, j) / max(i, j) has a tridiagonal inverse with the corner n^2 / (2n - 1).
#[test]
fn solve_inverts_the_lehmer_matrix() {
    let n = 9;
    let a = DMatrix::from_fn(n, n, |i, j| (i.min(j) + 1) as f64 / (i.max(j) + 1) as f64);
    let inverse = linalg::solve(&a, &DMatrix::identity(n, n)).unwrap();
    assert!((inverse[(n - 1, n - 1)] - 81.0 / 17.0).abs() < 1e-12);
    for i in 0..n {
        for j in (0..n).filter(|j| i.abs_diff(*j) > 1) {
            assert!(inverse[(i, j)].abs() < 1e-12);
        }
    }
}

#[test]
fn solve_leaves_a_residual_of_rounding() {
    for n in SIZES {
        let (a, b) = (gaussian(n, n, "a"), gaussian(n, 3, "b"));
        let x = linalg::solve(&a, &b).unwrap();
        let residual = (plain_product(&a, &x) - &b).amax();
        assert!(residual < 10.0 * n as f64 * f64::EPSILON * a.amax() * x.amax() * n as f64);
    }
}

#[test]
fn products_agree_with_plain_loops() {
    for (rows, inner, columns) in [(1, 1, 1), (3, 5, 2), (1, 6, 8), (40, 17, 33)] {
        let (a, b) = (gaussian(rows, inner, "left"), gaussian(inner, columns, "right"));
        let exact = plain_product(&a, &b);
        assert!(difference(&linalg::product(&a, &b), &exact) < 10.0);
        assert!(difference(&linalg::transpose_product(&a.transpose(), &b), &exact) < 10.0);
        assert!(difference(&linalg::product_transpose(&a, &b.transpose()), &exact) < 10.0);
        let y = linalg::apply(&a, &b.column(0).into_owned());
        assert!((y - exact.column(0)).amax() < 10.0 * f64::EPSILON * inner as f64 * exact.amax());
    }
}

#[test]
fn empty_inner_dimension_is_zero() {
    let (a, b) = (DMatrix::zeros(3, 0), DMatrix::zeros(0, 2));
    assert_eq!(linalg::product(&a, &b), DMatrix::zeros(3, 2));
    assert_eq!(linalg::apply(&a, &DVector::zeros(0)), DVector::zeros(3));
}

#[test]
fn what_has_no_decomposition_is_a_typed_error() {
    let rectangular = gaussian(3, 4, "rectangular");
    let shape = LinalgError::NotSquare { rows: 3, columns: 4 };
    assert_eq!(linalg::symmetric_eigen(&rectangular).unwrap_err(), shape);
    assert_eq!(linalg::cholesky(&rectangular).unwrap_err(), shape);
    assert_eq!(linalg::solve(&rectangular, &rectangular).unwrap_err(), shape);

    let mut holed = gaussian(3, 3, "holed");
    holed[(2, 1)] = f64::INFINITY;
    let entry = LinalgError::NotFinite { row: 2, column: 1, value: f64::INFINITY };
    assert_eq!(linalg::symmetric_eigen(&holed).unwrap_err(), entry);
    assert_eq!(linalg::svd(&holed).unwrap_err(), entry);
    assert_eq!(linalg::cholesky(&holed).unwrap_err(), entry);
    assert_eq!(linalg::solve(&holed, &holed).unwrap_err(), entry);

    let indefinite = DMatrix::from_row_slice(3, 3, &[4.0, 2.0, 0.5, 2.0, 0.75, 0.25, 0.5, 0.25, 3.0]);
    assert_eq!(linalg::cholesky(&indefinite).unwrap_err(), LinalgError::NotPositiveDefinite { order: 2 });

    let g = gaussian(6, 4, "deficient");
    let deficient = plain_product(&g, &g.transpose());
    let error = linalg::solve(&deficient, &gaussian(6, 1, "rhs")).unwrap_err();
    assert!(matches!(error, LinalgError::Singular { pivot_ratio } if pivot_ratio < 1e-14), "{error}");
    let error = linalg::solve(&DMatrix::zeros(2, 2), &DMatrix::zeros(2, 2)).unwrap_err();
    assert_eq!(error, LinalgError::Singular { pivot_ratio: 0.0 });
}
