//! Averages of g(x) = sin x, g'(x) = cos x, from the characteristic function <exp(i k.u)> = exp(-k^T C k/2).

use nalgebra::DMatrix;

/// `<sin a sin b> = exp(-(C_aa + C_bb)/2) sinh C_ab`.
#[inline]
pub fn i2(c: &DMatrix<f64>, a: usize, b: usize) -> f64 {
    0.5 * (cosine(c, &[(a, 1.0), (b, -1.0)]) - cosine(c, &[(a, 1.0), (b, 1.0)]))
}

/// `<cos(a) b sin(e)> = C_be <cos a cos e> - C_ab <sin a sin e>`.
#[inline]
pub fn i3(c: &DMatrix<f64>, a: usize, b: usize, e: usize) -> f64 {
    c[(b, e)] * j2(c, a, e) - c[(a, b)] * i2(c, a, e)
}

/// `<cos a cos b sin e sin f>`: the product is a sum of eight cosines.
#[inline]
pub fn i4(c: &DMatrix<f64>, a: usize, b: usize, e: usize, f: usize) -> f64 {
    let mut sum = 0.0;
    for sign_b in [1.0, -1.0] {
        for sign_e in [1.0, -1.0] {
            for sign_f in [1.0, -1.0] {
                let fields = [(a, 1.0), (b, sign_b), (e, sign_e), (f, sign_f)];
                sum -= sign_e * sign_f * cosine(c, &fields);
            }
        }
    }
    sum / 8.0
}

/// `<cos a cos b> = exp(-(C_aa + C_bb)/2) cosh C_ab`.
#[inline]
pub fn j2(c: &DMatrix<f64>, a: usize, b: usize) -> f64 {
    0.5 * (cosine(c, &[(a, 1.0), (b, -1.0)]) + cosine(c, &[(a, 1.0), (b, 1.0)]))
}

/// <cos(sum_i k_i u_i)>.
fn cosine(c: &DMatrix<f64>, fields: &[(usize, f64)]) -> f64 {
    let mut variance = 0.0;
    for &(i, p) in fields {
        for &(j, q) in fields {
            variance += p * q * c[(i, j)];
        }
    }
    libm::exp(-0.5 * variance)
}
