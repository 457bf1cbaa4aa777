//! Averages of g(x) = x^2, g'(x) = 2 x: polynomials in C by Isserlis' theorem.

use nalgebra::DMatrix;

/// <a^2 b^2> = C_aa C_bb + 2 C_ab^2.
#[inline]
pub fn i2(c: &DMatrix<f64>, a: usize, b: usize) -> f64 {
    c[(a, a)] * c[(b, b)] + 2.0 * c[(a, b)] * c[(a, b)]
}

/// <2 a b e^2> = 2 C_ab C_ee + 4 C_ae C_be.
#[inline]
pub fn i3(c: &DMatrix<f64>, a: usize, b: usize, e: usize) -> f64 {
    2.0 * c[(a, b)] * c[(e, e)] + 4.0 * c[(a, e)] * c[(b, e)]
}

/// <4 a b e^2 f^2>: the fifteen pairings of six fields.
#[inline]
pub fn i4(c: &DMatrix<f64>, a: usize, b: usize, e: usize, f: usize) -> f64 {
    let (ab, ef) = (c[(a, b)], c[(e, f)]);
    let (ae, af, be, bf) = (c[(a, e)], c[(a, f)], c[(b, e)], c[(b, f)]);
    4.0 * (ab * (c[(e, e)] * c[(f, f)] + 2.0 * ef * ef)
        + 2.0 * (ae * be * c[(f, f)] + af * bf * c[(e, e)])
        + 4.0 * ef * (ae * bf + af * be))
}

/// <4 a b> = 4 C_ab.
#[inline]
pub fn j2(c: &DMatrix<f64>, a: usize, b: usize) -> f64 {
    4.0 * c[(a, b)]
}
