//! Provider OpenBLAS: the system's library through the bindings `lapack` and `blas`.

use super::{LinalgError, Svd, SymmetricEigen, check_pivots};
use nalgebra::{DMatrix, DVector};
use std::ffi::{CStr, c_char, c_int};
use std::sync::Once;

unsafe extern "C" {
    fn openblas_get_config() -> *const c_char;
    fn openblas_set_num_threads(threads: c_int);
}

/// The version of the library that was linked, with its build options.
pub fn provider() -> &'static str {
    // SAFETY: the library returns a pointer to a string of its own that lives as long as the program.
    unsafe { CStr::from_ptr(openblas_get_config()) }.to_str().unwrap_or("OpenBLAS")
}

/// Threads of OpenBLAS collapse when the cores are shared, as they are by replicas.
fn sequential() {
    static ONCE: Once = Once::new();
    // SAFETY: a setter of the library, called once.
    ONCE.call_once(|| unsafe { openblas_set_num_threads(1) });
}

fn int(n: usize) -> i32 {
    i32::try_from(n).expect("dimensions of LAPACK are 32-bit")
}

/// Leading dimension: LAPACK wants 1 where there are no rows.
fn leading(rows: usize) -> i32 {
    int(rows.max(1))
}

fn no_illegal_argument(info: i32) {
    assert!(info >= 0, "argument {} of a LAPACK routine is illegal", -info);
}

/// dsyevd: 8 times faster than the dsyev behind nalgebra-lapack at n = 2000.
pub fn symmetric_eigen(a: &DMatrix<f64>) -> Result<SymmetricEigen, LinalgError> {
    sequential();
    let n = a.nrows();
    let (mut vectors, mut values) = (a.clone(), DVector::zeros(n));
    let mut run = |work: &mut [f64], lwork: i32, iwork: &mut [i32], liwork: i32| {
        let mut info = 0;
        // SAFETY: all arrays have the lengths that the routine documents for n, or those that it asked for.
        unsafe {
            lapack::dsyevd(
                b'V',
                b'L',
                int(n),
                vectors.as_mut_slice(),
                leading(n),
                values.as_mut_slice(),
                work,
                lwork,
                iwork,
                liwork,
                &mut info,
            );
        }
        no_illegal_argument(info);
        info
    };
    let (mut size, mut int_size) = ([0.0], [0]);
    run(&mut size, -1, &mut int_size, -1);
    let (lwork, liwork) = (size[0] as usize, int_size[0]);
    if run(&mut vec![0.0; lwork], int(lwork), &mut vec![0; liwork as usize], liwork) != 0 {
        return Err(LinalgError::NoConvergence("symmetric eigenproblem"));
    }
    Ok(SymmetricEigen { values, vectors })
}

pub fn svd(a: &DMatrix<f64>) -> Result<Svd, LinalgError> {
    sequential();
    let (m, n) = a.shape();
    let r = m.min(n);
    let mut a = a.clone();
    let (mut u, mut values, mut v_t) = (DMatrix::zeros(m, r), DVector::zeros(r), DMatrix::zeros(r, n));
    let mut iwork = vec![0; 8 * r];
    let mut run = |work: &mut [f64], lwork: i32| {
        let mut info = 0;
        // SAFETY: as in `symmetric_eigen`.
        unsafe {
            lapack::dgesdd(
                b'S',
                int(m),
                int(n),
                a.as_mut_slice(),
                leading(m),
                values.as_mut_slice(),
                u.as_mut_slice(),
                leading(m),
                v_t.as_mut_slice(),
                leading(r),
                work,
                lwork,
                &mut iwork,
                &mut info,
            );
        }
        no_illegal_argument(info);
        info
    };
    let mut size = [0.0];
    run(&mut size, -1);
    let lwork = size[0] as usize;
    if run(&mut vec![0.0; lwork], int(lwork)) != 0 {
        return Err(LinalgError::NoConvergence("singular value decomposition"));
    }
    Ok(Svd { u, values, v_t })
}

pub fn cholesky(a: &DMatrix<f64>) -> Result<DMatrix<f64>, LinalgError> {
    sequential();
    let n = a.nrows();
    let (mut l, mut info) = (a.lower_triangle(), 0);
    // SAFETY: `l` is n x n with leading dimension n.
    unsafe { lapack::dpotrf(b'L', int(n), l.as_mut_slice(), leading(n), &mut info) };
    no_illegal_argument(info);
    if info > 0 { Err(LinalgError::NotPositiveDefinite { order: info as usize }) } else { Ok(l) }
}

pub fn solve(a: &DMatrix<f64>, b: &DMatrix<f64>) -> Result<DMatrix<f64>, LinalgError> {
    sequential();
    let (n, columns) = b.shape();
    let (mut lu, mut pivots, mut x, mut info) = (a.clone(), vec![0; n], b.clone(), 0);
    // SAFETY: `lu` is n x n with leading dimension n, `pivots` has length n. A positive info is an exactly
    // zero pivot, which `check_pivots` refuses.
    unsafe { lapack::dgetrf(int(n), int(n), lu.as_mut_slice(), leading(n), &mut pivots, &mut info) };
    no_illegal_argument(info);
    check_pivots((0..n).map(|i| lu[(i, i)]))?;
    // SAFETY: the factors of dgetrf, and `x` is n x columns with leading dimension n.
    unsafe {
        lapack::dgetrs(
            b'N',
            int(n),
            int(columns),
            lu.as_slice(),
            leading(n),
            &pivots,
            x.as_mut_slice(),
            leading(n),
            &mut info,
        );
    }
    no_illegal_argument(info);
    Ok(x)
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
    sequential();
    let (rows, columns) = c.shape();
    let inner = if a_transposed { a.nrows() } else { a.ncols() };
    let flag = |transposed| if transposed { b'T' } else { b'N' };
    // SAFETY: the operands have the shapes and leading dimensions stated.
    unsafe {
        blas::dgemm(
            flag(a_transposed),
            flag(b_transposed),
            int(rows),
            int(columns),
            int(inner),
            factor,
            a.as_slice(),
            leading(a.nrows()),
            b.as_slice(),
            leading(b.nrows()),
            if keep { 1.0 } else { 0.0 },
            c.as_mut_slice(),
            leading(rows),
        );
    }
}

pub fn apply(a: &DMatrix<f64>, x: &DVector<f64>) -> DVector<f64> {
    sequential();
    let (rows, columns) = a.shape();
    let mut y = DVector::zeros(rows);
    // SAFETY: `a` is rows x columns, x and y have the matching lengths and increment 1.
    unsafe {
        blas::dgemv(
            b'N',
            int(rows),
            int(columns),
            1.0,
            a.as_slice(),
            leading(rows),
            x.as_slice(),
            1,
            0.0,
            y.as_mut_slice(),
            1,
        );
    }
    y
}
