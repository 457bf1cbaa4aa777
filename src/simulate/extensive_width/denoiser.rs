//! The rotationally invariant denoiser of S + sqrt(v) GOE: eigenvectors kept, eigenvalues e moved to e - 2 v h(e).

use crate::linalg::{LinalgError, Read, multiply, symmetric_eigen};
use nalgebra::DMatrix;

/// A root g > kappa of e = v g + 1/g + kappa / (kappa - g), as p = g - kappa: by Newton's steps in ln p inside a bracket.
fn root_beyond(e: f64, kappa: f64, v: f64) -> f64 {
    let excess = |p: f64| v * (kappa + p) + 1.0 / (kappa + p) - kappa / p - e;
    let (mut low, mut high) = (1.0, 1.0);
    while excess(low) > 0.0 {
        low *= 0.25;
    }
    while excess(high) < 0.0 {
        high *= 4.0;
    }
    let mut p = (low * high).sqrt();
    for _ in 0..200 {
        let value = excess(p);
        if value > 0.0 {
            high = p
        } else {
            low = p
        }
        let g = kappa + p;
        let next = p * libm::exp(-value / (p * (v - 1.0 / (g * g)) + kappa / p));
        let next = if next > low && next < high { next } else { (low * high).sqrt() };
        if (next - p).abs() <= 2.0 * f64::EPSILON * p {
            return next;
        }
        p = next;
    }
    p
}

/// Re g at e - i0, g the resolvent: e = v g + 1/g + kappa / (kappa - g). One of the three roots is real and above kappa;
/// sum and product of the two others follow from it without the cancellation of e/v against it.
fn hilbert(e: f64, kappa: f64, v: f64) -> f64 {
    let p = root_beyond(e, kappa, v);
    let beyond = kappa + p;
    let half = 0.5 * (kappa - ((kappa - 1.0) * p + kappa * kappa) / (p * beyond * v));
    let product = kappa / (v * beyond);
    let square = half * half - product;
    if square <= 0.0 {
        return half;
    }
    // Three real roots, outside the bands: that of a resolvent, whose e falls as g grows.
    let larger = half + square.sqrt().copysign(half);
    let slope = |g: f64| v - 1.0 / (g * g) + kappa / ((kappa - g) * (kappa - g));
    [beyond, larger, product / larger]
        .into_iter()
        .fold((f64::INFINITY, 0.0), |best, g| if slope(g) < best.0 { (slope(g), g) } else { best })
        .1
}

/// Denoises `matrix` in place and returns the error that the denoiser expects of itself, v - 4 v^2 <h^2>.
pub(super) fn denoise(
    matrix: &mut DMatrix<f64>,
    scratch: &mut DMatrix<f64>,
    kappa: f64,
    v: f64,
) -> Result<f64, LinalgError> {
    let eigen = symmetric_eigen(matrix)?;
    let d = eigen.values.len();
    let mut squares = 0.0;
    for ((e, from), to) in eigen
        .values
        .iter()
        .zip(eigen.vectors.as_slice().chunks_exact(d))
        .zip(scratch.as_mut_slice().chunks_exact_mut(d))
    {
        let h = hilbert(*e, kappa, v);
        squares += h * h;
        let moved = e - 2.0 * v * h;
        for (to, from) in to.iter_mut().zip(from) {
            *to = moved * from;
        }
    }
    multiply(matrix, false, 1.0, (scratch, Read::Plain), (&eigen.vectors, Read::Transposed));
    Ok(v - 4.0 * v * v * squares / d as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_solve_the_equation_at_any_noise() {
        for kappa in [0.2, 0.5, 1.0, 2.0] {
            for v in [1e-12, 1e-8, 1e-4, 0.3, 50.0] {
                for e in [-3.0, -1e-3, 0.0, 1e-9, 1e-4, 0.7, 2.04, 30.0] {
                    let h = hilbert(e, kappa, v);
                    let p = root_beyond(e, kappa, v);
                    let g = kappa + p;
                    let size = v * g + 1.0 / g + kappa / p + f64::abs(e);
                    let left = v * g + 1.0 / g - kappa / p - e;
                    assert!(left.abs() < 1e-14 * size, "{kappa} {v} {e}: {left}");
                    // Far outside the bands g = 1/e to first order in the spectrum.
                    if e == 30.0 && v < 1.0 {
                        assert!((h * e - 1.0).abs() < 0.1, "{kappa} {v}: {h}");
                    }
                }
            }
        }
    }

    /// Without noise g is that of a Wishart matrix, 1/g + kappa/(kappa - g) = e: inside its band
    /// 2 h = kappa + (1 - kappa)/e.
    #[test]
    fn little_noise_leaves_the_resolvent_of_the_teacher() {
        for kappa in [0.5, 2.0] {
            for (v, digits) in [(1e-6, 1e-4), (1e-10, 1e-8), (1e-14, 1e-10)] {
                for e in [0.8, 1.0, 1.7] {
                    let found = hilbert(e, kappa, v);
                    let expected = 0.5 * (kappa + (1.0 - kappa) / e);
                    assert!((found - expected).abs() < digits, "{kappa} {v} {e}: {found} for {expected}");
                }
            }
        }
    }
}
