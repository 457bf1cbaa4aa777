//! Averages of g(x) = x.

use nalgebra::DMatrix;

/// `<a b>` = C_ab.
#[inline]
pub fn i2(c: &DMatrix<f64>, a: usize, b: usize) -> f64 {
    c[(a, b)]
}

/// `<b e>`; the index of g' drops out.
#[inline]
pub fn i3(c: &DMatrix<f64>, _a: usize, b: usize, e: usize) -> f64 {
    c[(b, e)]
}

/// `<e f>`; the indices of g' drop out.
#[inline]
pub fn i4(c: &DMatrix<f64>, _a: usize, _b: usize, e: usize, f: usize) -> f64 {
    c[(e, f)]
}

/// <1>.
#[inline]
pub fn j2(_c: &DMatrix<f64>, _a: usize, _b: usize) -> f64 {
    1.0
}
