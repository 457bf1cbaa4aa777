//! Kernels of two inputs on the sphere, as functions of the cosine of their angle.

use std::f64::consts::{FRAC_1_PI, FRAC_2_PI, PI};

/// Nonlinearity of the hidden units behind a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    Relu,
    /// erf(z).
    Erf,
}

/// A kernel of the cosine t of the angle between two inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DotProduct {
    /// Of infinitely wide networks with L hidden layers, |x|^2 = d: the tangent kernel T^(L+1), or the covariance
    /// S^(L+1) of the outputs over starts.
    Network { tangent: bool, activation: Activation, hidden_layers: usize, weight_std: f64, bias_std: f64 },
    /// exp((t - 1)/width^2): the Gaussian kernel of this width between unit vectors.
    Exponential { width: f64 },
}

impl DotProduct {
    /// k(t). Networks: S^1 = T^1 = W_s^2 t + b_s^2, S^(l+1) = W_s^2 K(S^l) + b_s^2, T^(l+1) = S^(l+1) + W_s^2 K'(S^l) T^l.
    ///
    /// ```
    /// use asymptotica::problem::kernel_regression::{Activation, DotProduct};
    /// let relu = |tangent| DotProduct::Network {
    ///     tangent, activation: Activation::Relu, hidden_layers: 2, weight_std: 2.0_f64.sqrt(), bias_std: 0.0,
    /// };
    /// // W_s^2 = 2 and b_s = 0: S = 2 and T = 2 (L + 1) on the diagonal.
    /// assert!((relu(false).value(1.0) - 2.0).abs() < 1e-14 && (relu(true).value(1.0) - 6.0).abs() < 1e-14);
    /// ```
    pub fn value(&self, cosine: f64) -> f64 {
        match *self {
            Self::Exponential { width } => ((cosine - 1.0) / (width * width)).exp(),
            Self::Network { tangent, activation, hidden_layers, weight_std, bias_std } => {
                let (weight, bias) = (weight_std * weight_std, bias_std * bias_std);
                // Variance of the fields of a layer and covariance of two of them.
                let (mut q, mut c) = (weight + bias, weight * cosine + bias);
                let mut ntk = c;
                for _ in 0..hidden_layers {
                    let (own, k, k_dot) = activation.averages(q, c);
                    (q, c) = (weight * own + bias, weight * k + bias);
                    ntk = c + weight * k_dot * ntk;
                }
                if tangent { ntk } else { c }
            }
        }
    }
}

/// By how much a cosine may exceed 1.
const ROUNDING: f64 = 1e-9;

impl Activation {
    /// <phi(u)^2>, <phi(u) phi(v)> and <phi'(u) phi'(v)> of two fields of variance q and covariance c.
    fn averages(self, q: f64, c: f64) -> (f64, f64, f64) {
        match self {
            Self::Relu => {
                // Rounding may carry the cosine of equal inputs beyond 1; what lies further out is an error and no number.
                let cosine = match c / q {
                    ratio if ratio.abs() <= 1.0 => ratio,
                    ratio if ratio.abs() < 1.0 + ROUNDING => ratio.signum(),
                    _ => f64::NAN,
                };
                let angle = libm::acos(cosine);
                let rest = PI - angle;
                let k = 0.5 * FRAC_1_PI * q * ((1.0 - cosine * cosine).sqrt() + rest * cosine);
                (0.5 * q, k, 0.5 * FRAC_1_PI * rest)
            }
            Self::Erf => {
                let whole = 1.0 + 2.0 * q;
                let angle = |c: f64| FRAC_2_PI * libm::asin(2.0 * c / whole);
                (angle(q), angle(c), 2.0 * FRAC_2_PI / (whole * whole - 4.0 * c * c).sqrt())
            }
        }
    }
}
