//! Nonlinearities of wide networks, and their derivatives.

use crate::math::special::{erf, normal_cdf, normal_pdf};
use std::f64::consts::FRAC_2_SQRT_PI;

/// phi(z) of a hidden unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Nonlinearity {
    Linear,
    /// z for z > 0, slope z below; 0 is ReLU, -1 the absolute value. phi'(0) = slope.
    LeakyRelu {
        slope: f64,
    },
    /// erf(z), not the erf(z / sqrt 2) of committee machines.
    Erf,
    /// z Phi(z), Phi the standard normal distribution function.
    Gelu,
    Sine,
    Tanh,
    /// sum_k a_k z^k.
    Polynomial {
        coefficients: Vec<f64>,
    },
}

impl Nonlinearity {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::LeakyRelu { slope: 0.0 } => "relu",
            Self::LeakyRelu { .. } => "leaky-relu",
            Self::Erf => "erf",
            Self::Gelu => "gelu",
            Self::Sine => "sine",
            Self::Tanh => "tanh",
            Self::Polynomial { .. } => "polynomial",
        }
    }

    /// phi(z).
    #[inline]
    pub fn value(&self, z: f64) -> f64 {
        match self {
            Self::Linear => z,
            Self::LeakyRelu { slope } => {
                if z > 0.0 {
                    z
                } else {
                    slope * z
                }
            }
            Self::Erf => erf(z),
            Self::Gelu => z * normal_cdf(z),
            Self::Sine => libm::sin(z),
            Self::Tanh => libm::tanh(z),
            Self::Polynomial { coefficients } => coefficients.iter().rev().fold(0.0, |sum, a| sum * z + a),
        }
    }

    /// phi'(z).
    #[inline]
    pub fn derivative(&self, z: f64) -> f64 {
        match self {
            Self::Linear => 1.0,
            Self::LeakyRelu { slope } => {
                if z > 0.0 {
                    1.0
                } else {
                    *slope
                }
            }
            Self::Erf => FRAC_2_SQRT_PI * libm::exp(-z * z),
            Self::Gelu => normal_cdf(z) + z * normal_pdf(z),
            Self::Sine => libm::cos(z),
            Self::Tanh => {
                let c = libm::cosh(z);
                1.0 / (c * c)
            }
            Self::Polynomial { coefficients } => {
                let terms = coefficients.iter().enumerate().skip(1).rev();
                terms.fold(0.0, |sum, (k, a)| sum * z + k as f64 * a)
            }
        }
    }
}
