//! Averages of g(x) = erf(x / sqrt 2), whose derivative is sqrt(2/pi) exp(-x^2/2).
//!
//! Source: Saad & Solla, Phys. Rev. E 52 (1995) 4225, appendix; Goldt et al., arXiv:1906.08632, supplement,
//! where I2 appears twice with the prefactor 1/pi instead of 2/pi. C may be singular, and any C with 1 + C
//! positive definite gives finite values.

use nalgebra::DMatrix;
use std::f64::consts::{FRAC_2_PI, PI};

/// <g(a) g(b)> = (2/pi) asin(C_ab / sqrt((1 + C_aa)(1 + C_bb))).
///
/// ```
/// use asymptotica::math::gaussian::erf;
/// // erf(u/sqrt 2)^2 averages to 1/3 for unit variance: erf(u/sqrt 2) is then uniform on [-1, 1].
/// let c = nalgebra::DMatrix::identity(1, 1);
/// assert!((erf::i2(&c, 0, 0) - 1.0 / 3.0).abs() < 1e-15);
/// ```
#[inline]
pub fn i2(c: &DMatrix<f64>, a: usize, b: usize) -> f64 {
    FRAC_2_PI * libm::asin(c[(a, b)] / ((1.0 + c[(a, a)]) * (1.0 + c[(b, b)])).sqrt())
}

/// <g'(a) b g(e)>.
#[inline]
pub fn i3(c: &DMatrix<f64>, a: usize, b: usize, e: usize) -> f64 {
    let one_aa = 1.0 + c[(a, a)];
    let lambda3 = one_aa * (1.0 + c[(e, e)]) - c[(a, e)] * c[(a, e)];
    FRAC_2_PI * (c[(b, e)] * one_aa - c[(a, b)] * c[(a, e)]) / (one_aa * lambda3.sqrt())
}

/// <g'(a) g'(b) g(e) g(f)>.
#[inline]
pub fn i4(c: &DMatrix<f64>, a: usize, b: usize, e: usize, f: usize) -> f64 {
    let (aa, bb, ab) = (1.0 + c[(a, a)], 1.0 + c[(b, b)], c[(a, b)]);
    let (ae, af, be, bf) = (c[(a, e)], c[(a, f)], c[(b, e)], c[(b, f)]);
    let lambda4 = aa * bb - ab * ab;
    let lambda0 = lambda4 * c[(e, f)] - be * bf * aa - ae * af * bb + ab * (ae * bf + af * be);
    let lambda1 = lambda4 * (1.0 + c[(e, e)]) - be * be * aa - ae * ae * bb + 2.0 * ab * ae * be;
    let lambda2 = lambda4 * (1.0 + c[(f, f)]) - bf * bf * aa - af * af * bb + 2.0 * ab * af * bf;
    4.0 / (PI * PI) * libm::asin(lambda0 / (lambda1 * lambda2).sqrt()) / lambda4.sqrt()
}

/// <g'(a) g'(b)>.
#[inline]
pub fn j2(c: &DMatrix<f64>, a: usize, b: usize) -> f64 {
    FRAC_2_PI / ((1.0 + c[(a, a)]) * (1.0 + c[(b, b)]) - c[(a, b)] * c[(a, b)]).sqrt()
}
