//! The readout tied to the input weights: a network for which gradient independence is wrong.
//!
//! One hidden layer, z_i = W_s/sqrt(d) U_i.x + b_s beta_i, f = W_s/sqrt(n) sum_i U_(i1) phi(z_i) + b_s beta'. With w = U_(i1), S the
//! covariance of z and a = W_s x_1/sqrt(d) that of w with z,
//!
//! T = b_s^2 + W_s^2 [K + a' <w phi phi'_> + a <w phi_ phi'> + S <w^2 phi' phi'_>],
//!
//! phi = phi(z(x)), phi_ = phi(z(x')). By Stein's lemma every average is a derivative of K(p, q, c):
//! <w phi phi'_> = a K_c + 2 a' K_q and <w^2 phi' phi'_> = K_c + 2 a^2 K_cp + 2 a'^2 K_cq + 2 a a' K_cc. The recursion that takes
//! backpropagated errors as independent of the forward pass (G. Yang, arXiv:2006.14548, whose condition is that the readout
//! weights appear nowhere else) keeps K + S K_c alone.

use super::moments::{Moments, Part};
use crate::problem::ntk::{Nonlinearity, Ntk};
use crate::theory::ntk::dual::{diagonal, sine_averages};
use crate::theory::ntk::recursion::Kernels;
use nalgebra::DMatrix;
use std::f64::consts::{FRAC_1_PI, FRAC_2_PI, PI};

/// The limit of a network with tied readout, as a centred network: its output at the start has no limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Tied {
    pub nonlinearity: Nonlinearity,
    /// W_s.
    pub weight_std: f64,
    /// b_s.
    pub bias_std: f64,
    /// Takes errors as independent of the forward pass, which is wrong here.
    pub independent: bool,
}

/// <w phi phi'_>, <w phi_ phi'> and <w^2 phi' phi'_>, with K and K_c.
struct Averages {
    k: f64,
    k_c: f64,
    right: f64,
    left: f64,
    squared: f64,
}

impl Tied {
    pub fn new(problem: &Ntk, bias_std: f64, independent: bool) -> Self {
        let nonlinearity = problem.nonlinearity.clone();
        Self { nonlinearity, weight_std: problem.weight_std, bias_std, independent }
    }

    /// The kernels between the columns of `x` and those of `y`; S is that of an untied readout. NaN for gelu, tanh and
    /// polynomials, which problems with a tied readout refuse.
    pub fn cross_kernels(&self, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Kernels {
        let mut kernels =
            Kernels { nngp: DMatrix::zeros(x.ncols(), y.ncols()), ntk: DMatrix::zeros(x.ncols(), y.ncols()) };
        let (weight, bias) = (self.weight_std.powi(2), self.bias_std.powi(2));
        let d = x.nrows() as f64;
        for (j, v) in y.column_iter().enumerate() {
            for (i, u) in x.column_iter().enumerate() {
                let norms = (u.norm(), v.norm());
                let (p, q) = (weight * norms.0 * norms.0 / d + bias, weight * norms.1 * norms.1 / d + bias);
                let (root, scale) = (self.weight_std / d.sqrt(), self.bias_std);
                let below = Moments::of_inputs(u.iter().zip(v.iter()), norms).scaled(weight);
                let shift = Moments { c: bias, minus: 0.0, plus: 2.0 * bias };
                let fields = Moments::sum(&[
                    Part { left: root * norms.0, right: root * norms.1, moments: below },
                    Part { left: scale, right: scale, moments: shift },
                ]);
                let along = |first: f64| self.weight_std * first / d.sqrt();
                let (a, b) = (along(u[0]), along(v[0]));
                let of = averages(&self.nonlinearity, p, q, fields, (a, b));
                let rest = if self.independent {
                    fields.c * of.k_c
                } else {
                    b * of.right + a * of.left + fields.c * of.squared
                };
                kernels.nngp[(i, j)] = weight * of.k + bias;
                kernels.ntk[(i, j)] = bias + weight * (of.k + rest);
            }
        }
        kernels
    }

    /// S(x, x) of every column.
    pub fn variances(&self, x: &DMatrix<f64>) -> Vec<f64> {
        let (weight, bias) = (self.weight_std.powi(2), self.bias_std.powi(2));
        let variance = |norm_squared: f64| {
            let p = weight * norm_squared / x.nrows() as f64 + bias;
            weight * diagonal(&self.nonlinearity, p).0 + bias
        };
        x.column_iter().map(|column| variance(column.norm_squared())).collect()
    }
}

/// From the derivatives of K in p, q, c. Activations without closed forms are refused where the problem is read.
fn averages(phi: &Nonlinearity, p: f64, q: f64, fields: Moments, (a, b): (f64, f64)) -> Averages {
    let Moments { c, minus, plus } = fields;
    let determinant = minus * plus;
    let smooth = |k: f64, k_c: f64, (k_p, k_q): (f64, f64), (k_cp, k_cq, k_cc): (f64, f64, f64)| Averages {
        k,
        k_c,
        right: a * k_c + 2.0 * b * k_q,
        left: b * k_c + 2.0 * a * k_p,
        squared: k_c + 2.0 * a * a * k_cp + 2.0 * b * b * k_cq + 2.0 * a * b * k_cc,
    };
    match phi {
        Nonlinearity::Erf => {
            let root = (1.0 + 2.0 * p + 2.0 * q + 4.0 * determinant).sqrt();
            let k_of = |p: f64| -2.0 * FRAC_2_PI * c / ((1.0 + 2.0 * p) * root);
            let k_c_of = |other: f64| -4.0 * FRAC_1_PI * (1.0 + 2.0 * other) / root.powi(3);
            smooth(
                FRAC_2_PI * (2.0 * c).atan2(root),
                2.0 * FRAC_2_PI / root,
                (k_of(p), k_of(q)),
                (k_c_of(q), k_c_of(p), 16.0 * FRAC_1_PI * c / root.powi(3)),
            )
        }
        Nonlinearity::Sine => {
            let (k, k_c) = sine_averages(p, q, c, if c > 0.0 { minus } else { plus });
            smooth(k, k_c, (-0.5 * k, -0.5 * k), (-0.5 * k_c, -0.5 * k_c, k))
        }
        Nonlinearity::LeakyRelu { slope } => {
            let kink = (1.0 - slope) * (1.0 - slope);
            let height = determinant.sqrt();
            let rest = PI - height.atan2(c);
            let half = 0.5 * FRAC_1_PI;
            let k_c = slope + kink * half * rest;
            let along = |p: f64| if p > 0.0 { kink * 0.5 * half * height / p } else { 0.0 };
            // 2 a^2 K_cp + 2 b^2 K_cq + 2 a b K_cc = -(c (s - t)^2 - 2 s t (r - c)) / (2 pi height), s = a/sqrt p, t = b/sqrt q.
            let curved = if height > 0.0 {
                let (s, t) = (a / p.sqrt(), b / q.sqrt());
                -half * (c * (s - t) * (s - t) - 2.0 * s * t * minus) / height
            } else {
                0.0
            };
            let mut of = smooth(
                slope * c + kink * half * (height + rest * c),
                k_c,
                (along(p), along(q)),
                (0.0, 0.0, 0.0),
            );
            of.squared += kink * curved;
            of
        }
        Nonlinearity::Linear => smooth(c, 1.0, (0.0, 0.0), (0.0, 0.0, 0.0)),
        Nonlinearity::Gelu | Nonlinearity::Tanh | Nonlinearity::Polynomial { .. } => {
            smooth(f64::NAN, f64::NAN, (f64::NAN, f64::NAN), (f64::NAN, f64::NAN, f64::NAN))
        }
    }
}
