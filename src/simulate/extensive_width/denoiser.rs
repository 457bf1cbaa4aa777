//! The rotationally invariant denoiser of S + sqrt(v) GOE: eigenvectors kept, eigenvalues e moved to e - 2 v h(e).

use crate::linalg::{LinalgError, Read, multiply, symmetric_eigen};
use nalgebra::{Complex, DMatrix};

/// Re g at e - i0 for g^3 - (kappa + e/v) g^2 - ((kappa - 1 - kappa e) g + kappa)/v = 0: by Cardano, polished by Newton.
fn hilbert(e: f64, kappa: f64, v: f64) -> f64 {
    let (a, b, c) = (-(kappa + e / v), -(kappa - 1.0 - kappa * e) / v, -kappa / v);
    let third = a / 3.0;
    let q = third * third - b / 3.0;
    let r = third * third * third - 0.5 * third * b + 0.5 * c;
    if r * r < q * q * q {
        // Three real roots, outside the bands: that of a resolvent, whose e falls as g grows.
        let angle = libm::acos(r / (q * q.sqrt()));
        let turn = 2.0 * std::f64::consts::PI / 3.0;
        let roots = [0.0, 1.0, 2.0].map(|k| -2.0 * q.sqrt() * libm::cos(angle / 3.0 + turn * k) - third);
        let slope = |g: f64| v - 1.0 / (g * g) + kappa / ((kappa - g) * (kappa - g));
        return roots
            .into_iter()
            .fold((f64::INFINITY, 0.0), |best, g| if slope(g) < best.0 { (slope(g), g) } else { best })
            .1;
    }
    let plus = -libm::cbrt(r.abs() + (r * r - q * q * q).max(0.0).sqrt()).copysign(r);
    let minus = if plus == 0.0 { 0.0 } else { q / plus };
    let imaginary = 0.5 * 3.0_f64.sqrt() * (plus - minus).abs();
    let mut g = Complex::new(-0.5 * (plus + minus) - third, imaginary);
    for _ in 0..2 {
        let value = ((g + a) * g + b) * g + c;
        let slope = (g * 3.0 + 2.0 * a) * g + b;
        // At an edge the pair meets and the root is as good as it gets.
        if slope.norm_sqr() > 1e-16 * (b * b + 1.0) {
            g -= value / slope;
        }
    }
    g.re
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
