//! Averages of g(x) = max(0, x), g'(x) = 1(x > 0).
//!
//! With unit variances, r the correlation of two fields, w = sqrt(1 - r^2) and b = 1/4 + asin(r)/(2 pi) the
//! probability that both are positive,
//!
//! | average | value |
//! |---|---|
//! | <a+ b+> | r b + w/(2 pi) |
//! | <1(a) c+^2> | b_ac + r_ac w_ac/(2 pi) |
//! | <1(a) c+ d+> | r_cd P_acd + (w_cd + r_ad w_ac + r_ac w_ad)/(4 pi) |
//! | <1(a) 1(b) c+^2> | P_abc + (r_ac w_ac + r_bc w_bc + h_cc)/(4 pi) |
//! | <1(a) 1(b) c+ d+> | r_cd P_abcd + (w_cd b_cd + r_ad w_ac b_ac + r_ac w_ad b_ad + r_bd w_bc b_bc + r_bc w_bd b_bd + h_cd b_ab)/(2 pi) |
//!
//! where P is the probability that all are positive, b_xy in the last line the probability that the other two
//! are positive given x = y = 0, and h_cd = [r_ac r_bd + r_bc r_ad - r_ab (r_ac r_ad + r_bc r_bd)]/w_ab. They
//! follow from Stein's identity `<c F> = sum_j C_cj <d_j F>`, applied to c and then to d; the first is the
//! arc-cosine kernel of Cho & Saul (2009). Only P_abcd is not elementary; it is one quadrature of 8 to 112
//! nodes with an error set beforehand.
//!
//! A field of variance 0 gives 0, because g'(0) = 0 here. [`Sums`] adds averages over all fields with shared
//! angles and quadratures.

mod sums;

pub use sums::Sums;

use super::AverageError;
use super::orthant::{Orthant, PAIR, PAIRS, Pair};
use nalgebra::DMatrix;
use std::f64::consts::PI;

/// <g(a) g(b)>.
///
/// ```
/// use asymptotica::math::gaussian::relu;
/// // Independent fields of unit variance: (1/sqrt(2 pi))^2.
/// let c = nalgebra::DMatrix::identity(2, 2);
/// assert!((relu::i2(&c, 0, 1).unwrap() - 0.5 / std::f64::consts::PI).abs() < 1e-15);
/// ```
///
/// # Errors
/// [`AverageError::NotACovariance`], as all functions of this module.
pub fn i2(c: &DMatrix<f64>, a: usize, b: usize) -> Result<f64, AverageError> {
    let scale = sigma(c, a)? * sigma(c, b)?;
    if scale == 0.0 { Ok(0.0) } else { Ok(scale * ramps(&pair(c, a, b)?)) }
}

/// <g'(a) b g(e)>.
pub fn i3(c: &DMatrix<f64>, a: usize, b: usize, e: usize) -> Result<f64, AverageError> {
    let (sa, se) = (sigma(c, a)?, sigma(c, e)?);
    if sa == 0.0 || se == 0.0 {
        return Ok(0.0);
    }
    let ae = pair(c, a, e)?;
    Ok(c[(a, b)] * se / sa * ae.wedge / (2.0 * PI) + c[(b, e)] * both(&ae))
}

/// <g'(a) g'(b) g(e) g(f)>. Elementary unless all four fields differ; about 0.5 microseconds then. The error
/// is below 1e-13 of sqrt(C_ee C_ff), plus what the rounding of C does: 1e-16 divided by the square root of
/// the smallest eigenvalue of the correlations.
pub fn i4(c: &DMatrix<f64>, a: usize, b: usize, e: usize, f: usize) -> Result<f64, AverageError> {
    let scale = sigma(c, e)? * sigma(c, f)?;
    if scale * sigma(c, a)? * sigma(c, b)? == 0.0 {
        return Ok(0.0);
    }
    Ok(scale
        * match few(|i, j| pair(c, i, j), a, b, e, f)? {
            Some(value) => value,
            None => {
                let fields = [a, b, e, f];
                let mut pairs = [Pair::SAME; 6];
                for (n, (i, j)) in PAIRS.into_iter().enumerate() {
                    pairs[n] = pair(c, fields[i], fields[j])?;
                }
                four(&pairs, &orthant(&pairs, fields)?, 0)
            }
        })
}

/// <g'(a) g'(b)>.
pub fn j2(c: &DMatrix<f64>, a: usize, b: usize) -> Result<f64, AverageError> {
    if sigma(c, a)? * sigma(c, b)? == 0.0 { Ok(0.0) } else { Ok(both(&pair(c, a, b)?)) }
}

fn sigma(c: &DMatrix<f64>, a: usize) -> Result<f64, AverageError> {
    let variance = c[(a, a)];
    if variance >= 0.0 { Ok(variance.sqrt()) } else { Err(not_a_covariance(&[a], variance)) }
}

fn pair(c: &DMatrix<f64>, a: usize, b: usize) -> Result<Pair, AverageError> {
    if a == b {
        return Ok(Pair::SAME);
    }
    let r = c[(a, b)] / (sigma(c, a)? * sigma(c, b)?);
    Pair::new(r).map_err(|minor| not_a_covariance(&[a, b], minor))
}

fn orthant(pairs: &[Pair; 6], fields: [usize; 4]) -> Result<Orthant, AverageError> {
    Orthant::new(pairs).map_err(|variance| not_a_covariance(&fields, variance))
}

fn not_a_covariance(fields: &[usize], minor: f64) -> AverageError {
    AverageError::NotACovariance { average: "ReLU average", fields: fields.to_vec(), minor }
}

/// P(a > 0, b > 0).
#[inline]
fn both(ab: &Pair) -> f64 {
    0.25 + ab.asin / (2.0 * PI)
}

/// P(a > 0, b > 0, c > 0).
#[inline]
fn all_three(ab: &Pair, ac: &Pair, bc: &Pair) -> f64 {
    0.125 + (ab.asin + ac.asin + bc.asin) / (4.0 * PI)
}

/// <a+ b+>.
#[inline]
fn ramps(ab: &Pair) -> f64 {
    ab.r * both(ab) + ab.wedge / (2.0 * PI)
}

/// h_cd, without the cancellation in its definition where a and b are nearly parallel.
#[inline]
fn across(ab: &Pair, ac: &Pair, bc: &Pair, ad: &Pair, bd: &Pair) -> f64 {
    if ab.wedge == 0.0 {
        return 0.0;
    }
    let (c_given_a, d_given_a) = (bc.r - ab.r * ac.r, bd.r - ab.r * ad.r);
    ab.wedge * (ab.r * ac.r * ad.r + ac.r * d_given_a + c_given_a * ad.r)
        - ab.r * (c_given_a / ab.wedge) * d_given_a
}

/// <1(a) 1(b) c+ d+> at unit variances if some of the fields coincide.
#[inline]
fn few(
    pair: impl Fn(usize, usize) -> Result<Pair, AverageError>,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
) -> Result<Option<f64>, AverageError> {
    let gates_square = |a, b, c| {
        let (ab, ac, bc) = (pair(a, b)?, pair(a, c)?, pair(b, c)?);
        let h = across(&ab, &ac, &bc, &ac, &bc);
        Ok(all_three(&ab, &ac, &bc) + (ac.r * ac.wedge + bc.r * bc.wedge + h) / (4.0 * PI))
    };
    let gate_square = |a, c| {
        let ac = pair(a, c)?;
        Ok(both(&ac) + ac.r * ac.wedge / (2.0 * PI))
    };
    let gate_ramps = |a, c, d| {
        let (ac, ad, cd) = (pair(a, c)?, pair(a, d)?, pair(c, d)?);
        let edges = cd.wedge + ad.r * ac.wedge + ac.r * ad.wedge;
        Ok(cd.r * all_three(&ac, &ad, &cd) + edges / (4.0 * PI))
    };
    // A gate on a ramp's own field is no gate.
    let (gate_a, gate_b) = (a != c && a != d, b != c && b != d && b != a);
    let value = match (gate_a, gate_b, c == d) {
        (true, true, false) => return Ok(None),
        (true, true, true) => gates_square(a, b, c),
        (true, false, true) => gate_square(a, c),
        (false, true, true) => gate_square(b, c),
        (true, false, false) => gate_ramps(a, c, d),
        (false, true, false) => gate_ramps(b, c, d),
        (false, false, true) => Ok(0.5),
        (false, false, false) => Ok(ramps(&pair(c, d)?)),
    };
    value.map(Some)
}

/// <1(a) 1(b) c+ d+> at unit variances for four different fields; (a, b) is `PAIRS[gates]`.
#[inline]
fn four(pairs: &[Pair; 6], orthant: &Orthant, gates: usize) -> f64 {
    let ((a, b), (c, d)) = (PAIRS[gates], PAIRS[5 - gates]);
    let (ac, ad, bc, bd) = (PAIR[a][c], PAIR[a][d], PAIR[b][c], PAIR[b][d]);
    let (ab, cd) = (gates, 5 - gates);
    let rest = &orthant.rest;
    let edges = pairs[cd].wedge * rest[cd]
        + pairs[ad].r * pairs[ac].wedge * rest[ac]
        + pairs[ac].r * pairs[ad].wedge * rest[ad]
        + pairs[bd].r * pairs[bc].wedge * rest[bc]
        + pairs[bc].r * pairs[bd].wedge * rest[bd]
        + across(&pairs[ab], &pairs[ac], &pairs[bc], &pairs[ad], &pairs[bd]) * rest[ab];
    pairs[cd].r * orthant.probability + edges / (2.0 * PI)
}
