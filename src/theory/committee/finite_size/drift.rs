//! The drift of the overlaps in any arithmetic, so that its derivatives are exact.

use super::relu;
use crate::theory::linear_noise::jet::Scalar;
use std::f64::consts::FRAC_2_PI;

/// Units whose averages have derivatives in closed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    Erf,
    Linear,
    Quadratic,
    Relu,
}

/// Sums of averages over the fields at one covariance; see the module of the law for the letters.
pub struct Sums<S> {
    /// sum_c s_c I3(a, b, c), students a by all fields b.
    pub first: Vec<S>,
    /// sum_cd s_c s_d I4(i, k, c, d) + sigma^2 J2(i, k) for students i <= k, row by row.
    pub second: Vec<S>,
    /// sum_c s_c I2(i, c) of the students.
    pub output: Vec<S>,
    /// sum_cd s_c s_d I2(c, d), twice the generalisation error.
    pub error: S,
}

impl<S: Scalar> Sums<S> {
    pub fn new(students: usize, fields: usize) -> Self {
        let zero = S::constant(0.0);
        Self {
            first: vec![zero; students * fields],
            second: vec![zero; students * (students + 1) / 2],
            output: vec![zero; students],
            error: zero,
        }
    }
}

impl Units {
    /// Fills `sums` at covariance `c` (row by row) and outer weights `s`.
    pub fn sums<S: Scalar>(self, c: &[S], s: &[S], noise_variance: f64, sums: &mut Sums<S>) {
        match self {
            Self::Erf => erf_sums(c, s, noise_variance, sums),
            Self::Linear => linear_sums(c, s, noise_variance, sums),
            Self::Quadratic => quadratic_sums(c, s, noise_variance, sums),
            Self::Relu => relu::sums(c, s, noise_variance, sums),
        }
    }

    /// sum_cd s_c s_d I2(c, d).
    pub fn error<S: Scalar>(self, c: &[S], s: &[S]) -> S {
        match self {
            Self::Erf => erf_error(c, s),
            Self::Linear => linear_error(c, s),
            Self::Quadratic => quadratic_error(c, s),
            Self::Relu => relu::error(c, s),
        }
    }

    /// sum_c s_c <g''(u_i) g(u_c)> and <g'(u_i) g'(u_b)>: Stein's lemma turns <g'(u_i) Delta u> into C times these.
    pub fn gradient(self, c: &[f64], s: &[f64], i: usize, first: &[f64], out: &mut [f64]) {
        let n = s.len();
        match self {
            Self::Erf => {
                for (b, out) in out.iter_mut().enumerate() {
                    let norm = (1.0 + c[i * n + i]) * (1.0 + c[b * n + b]) - c[i * n + b] * c[i * n + b];
                    *out = s[b] * FRAC_2_PI / norm.sqrt();
                }
                // g'' = -u g'.
                out[i] -= first[i * n + i];
            }
            Self::Linear => out.copy_from_slice(s),
            Self::Quadratic => {
                for (b, out) in out.iter_mut().enumerate() {
                    *out = s[b] * 4.0 * c[i * n + b];
                }
                out[i] += (0..n).map(|e| 2.0 * s[e] * c[e * n + e]).sum::<f64>();
            }
            Self::Relu => relu::gradient(c, s, i, out),
        }
    }
}

/// Goldt et al. (2019), eqs. (S27)-(S31); see `theory::committee::erf` for the factored form.
fn erf_sums<S: Scalar>(c: &[S], s: &[S], noise_variance: f64, sums: &mut Sums<S>) {
    let n = s.len();
    let students = sums.output.len();
    let zero = S::constant(0.0);
    let mut weights = vec![zero; n];
    for a in 0..students {
        let norm_a = c[a * n + a] + 1.0;
        let mut own = zero;
        for e in 0..n {
            let weight = s[e] / (norm_a * (c[e * n + e] + 1.0) - c[a * n + e] * c[a * n + e]).sqrt();
            weights[e] = weight;
            own = own + c[a * n + e] * weight;
        }
        let own = own / norm_a;
        for b in 0..n {
            let mut cross = zero;
            for e in 0..n {
                cross = cross + c[b * n + e] * weights[e];
            }
            sums.first[a * n + b] = (cross - c[a * n + b] * own) * FRAC_2_PI;
        }
    }
    let (mut p, mut q, mut norm) = (vec![zero; n], vec![zero; n], vec![zero; n]);
    let mut pair = 0;
    for i in 0..students {
        for k in i..students {
            let (norm_i, norm_k, c_ik) = (c[i * n + i] + 1.0, c[k * n + k] + 1.0, c[i * n + k]);
            let l4 = norm_i * norm_k - c_ik * c_ik;
            for e in 0..n {
                let (x, y) = (c[i * n + e], c[k * n + e]);
                p[e] = norm_i * y - c_ik * x;
                q[e] = norm_k * x - c_ik * y;
                norm[e] = S::constant(1.0) / (l4 * (c[e * n + e] + 1.0) - p[e] * y - q[e] * x).sqrt();
            }
            let mut sum = zero;
            for e in 0..n {
                let mut inner = zero;
                for f in e..n {
                    let l0 = l4 * c[e * n + f] - p[e] * c[k * n + f] - q[e] * c[i * n + f];
                    let cosine = l0 * norm[e] * norm[f];
                    inner = inner + s[f] * cosine.asin() * if f == e { 1.0 } else { 2.0 };
                }
                sum = sum + s[e] * inner;
            }
            sums.second[pair] = (sum * FRAC_2_PI + noise_variance) * FRAC_2_PI / l4.sqrt();
            pair += 1;
        }
    }
    let (outputs, error) = erf_outputs(c, s);
    sums.output.copy_from_slice(&outputs[..students]);
    sums.error = error;
}

/// sum_c s_c I2(a, c) for every field a, and their sum over s_a.
fn erf_outputs<S: Scalar>(c: &[S], s: &[S]) -> (Vec<S>, S) {
    let n = s.len();
    let zero = S::constant(0.0);
    let norm: Vec<S> = (0..n).map(|e| S::constant(1.0) / (c[e * n + e] + 1.0).sqrt()).collect();
    let mut outputs = vec![zero; n];
    for a in 0..n {
        for b in a..n {
            let i2 = (c[a * n + b] * norm[a] * norm[b]).asin() * FRAC_2_PI;
            outputs[a] = outputs[a] + s[b] * i2;
            if b > a {
                outputs[b] = outputs[b] + s[a] * i2;
            }
        }
    }
    let error = outputs.iter().zip(s).fold(zero, |sum, (&o, &s)| sum + o * s);
    (outputs, error)
}

fn erf_error<S: Scalar>(c: &[S], s: &[S]) -> S {
    erf_outputs(c, s).1
}

fn linear_sums<S: Scalar>(c: &[S], s: &[S], noise_variance: f64, sums: &mut Sums<S>) {
    let n = s.len();
    let students = sums.output.len();
    let row = |b: usize| (0..n).fold(S::constant(0.0), |sum, e| sum + c[b * n + e] * s[e]);
    for b in 0..n {
        let value = row(b);
        for a in 0..students {
            sums.first[a * n + b] = value;
        }
    }
    sums.output.copy_from_slice(&sums.first[..students]);
    sums.error = (0..n).fold(S::constant(0.0), |sum, e| sum + sums.first[e] * s[e]);
    let second = sums.error + noise_variance;
    sums.second.iter_mut().for_each(|value| *value = second);
}

fn linear_error<S: Scalar>(c: &[S], s: &[S]) -> S {
    let n = s.len();
    let mut sum = S::constant(0.0);
    for a in 0..n {
        for b in 0..n {
            sum = sum + s[a] * s[b] * c[a * n + b];
        }
    }
    sum
}

/// g(x) = x^2 by Isserlis' theorem. With z_a = sum_e s_e C_ae^2, tau = sum_e s_e C_ee, the sums over the fields
/// close in matrix products.
fn quadratic_sums<S: Scalar>(c: &[S], s: &[S], noise_variance: f64, sums: &mut Sums<S>) {
    let n = s.len();
    let students = sums.output.len();
    let zero = S::constant(0.0);
    // (C s C)_ab, tr(s C), tr(s C s C).
    let mut csc = vec![zero; n * n];
    for a in 0..n {
        for b in a..n {
            let value = (0..n).fold(zero, |sum, e| sum + c[a * n + e] * s[e] * c[b * n + e]);
            csc[a * n + b] = value;
            csc[b * n + a] = value;
        }
    }
    let trace = (0..n).fold(zero, |sum, e| sum + s[e] * c[e * n + e]);
    let square = (0..n).fold(zero, |sum, e| sum + s[e] * csc[e * n + e]);
    for a in 0..students {
        for b in 0..n {
            sums.first[a * n + b] = c[a * n + b] * trace * 2.0 + csc[a * n + b] * 4.0;
        }
        sums.output[a] = c[a * n + a] * trace + csc[a * n + a] * 2.0;
    }
    sums.error = trace * trace + square * 2.0;
    let mut pair = 0;
    for i in 0..students {
        for k in i..students {
            // (C s C s C)_ik.
            let triple = (0..n).fold(zero, |sum, e| sum + csc[i * n + e] * s[e] * c[k * n + e]);
            sums.second[pair] =
                (c[i * n + k] * (sums.error + noise_variance) + csc[i * n + k] * trace * 4.0 + triple * 8.0)
                    * 4.0;
            pair += 1;
        }
    }
}

fn quadratic_error<S: Scalar>(c: &[S], s: &[S]) -> S {
    let n = s.len();
    let mut trace = S::constant(0.0);
    let mut square = S::constant(0.0);
    for a in 0..n {
        trace = trace + s[a] * c[a * n + a];
        for b in 0..n {
            square = square + s[a] * s[b] * c[a * n + b] * c[a * n + b];
        }
    }
    trace * trace + square * 2.0
}
