//! Activation functions g of the hidden units, and their derivatives.

use crate::math::special::{erf, normal_cdf, normal_pdf};

/// g(x) of a hidden unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// erf(x / sqrt 2), the sigmoid of Saad & Solla (1995).
    Erf,
    Linear,
    /// max(0, x), with derivative 0 at 0.
    Relu,
    /// x^2.
    Quadratic,
    Tanh,
    /// x Phi(x), Phi the standard normal distribution function.
    Gelu,
    /// ln(1 + e^x).
    Softplus,
    Sine,
}

impl Activation {
    /// Name and meaning of every activation, as scenario files spell them.
    pub const CHOICES: &'static [(&'static str, &'static str)] = &[
        ("erf", "erf(x / sqrt 2); all averages in closed form"),
        ("linear", "x; all averages in closed form"),
        ("relu", "max(0, x); fourth-order averages by deterministic quadrature"),
        ("quadratic", "x^2; all averages in closed form"),
        ("tanh", "tanh x; averages by quadrature"),
        ("gelu", "x Phi(x); averages by quadrature"),
        ("softplus", "ln(1 + e^x); averages by quadrature"),
        ("sine", "sin x; all averages in closed form"),
    ];

    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "erf" => Self::Erf,
            "linear" => Self::Linear,
            "relu" => Self::Relu,
            "quadratic" => Self::Quadratic,
            "tanh" => Self::Tanh,
            "gelu" => Self::Gelu,
            "softplus" => Self::Softplus,
            "sine" => Self::Sine,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Erf => "erf",
            Self::Linear => "linear",
            Self::Relu => "relu",
            Self::Quadratic => "quadratic",
            Self::Tanh => "tanh",
            Self::Gelu => "gelu",
            Self::Softplus => "softplus",
            Self::Sine => "sine",
        }
    }

    /// g(x).
    #[inline]
    pub fn value(self, x: f64) -> f64 {
        match self {
            Self::Erf => erf(x * std::f64::consts::FRAC_1_SQRT_2),
            Self::Linear => x,
            Self::Relu => {
                if x > 0.0 {
                    x
                } else {
                    0.0
                }
            }
            Self::Quadratic => x * x,
            Self::Tanh => libm::tanh(x),
            Self::Gelu => x * normal_cdf(x),
            Self::Softplus => {
                if x > 0.0 {
                    x + libm::log1p(libm::exp(-x))
                } else {
                    libm::log1p(libm::exp(x))
                }
            }
            Self::Sine => libm::sin(x),
        }
    }

    /// g'(x).
    #[inline]
    pub fn derivative(self, x: f64) -> f64 {
        match self {
            // d/dx erf(x / sqrt 2) = sqrt(2/pi) exp(-x^2/2) is twice the standard normal density.
            Self::Erf => 2.0 * normal_pdf(x),
            Self::Linear => 1.0,
            Self::Relu => {
                if x > 0.0 {
                    1.0
                } else {
                    0.0
                }
            }
            Self::Quadratic => 2.0 * x,
            Self::Tanh => {
                let c = libm::cosh(x);
                1.0 / (c * c)
            }
            Self::Gelu => normal_cdf(x) + x * normal_pdf(x),
            Self::Softplus => 1.0 / (1.0 + libm::exp(-x)),
            Self::Sine => libm::cos(x),
        }
    }
}
