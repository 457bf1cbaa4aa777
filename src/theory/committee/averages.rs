//! Gaussian averages of the committee problem, whatever the activation.

use crate::math::gaussian::{erf, linear, quadratic, relu};
use crate::problem::activation::Activation;
use nalgebra::DMatrix;

pub use crate::math::gaussian::AverageError;

/// The four families of averages that the law of two-layer networks consists of, for one activation g.
///
/// `c` is the covariance of all K + M fields u, students first; indices point into it and may coincide.
/// See [`crate::math::gaussian`].
#[derive(Clone, Debug)]
pub struct Averages {
    activation: Activation,
}

impl Averages {
    pub fn new(activation: Activation) -> Self {
        Self { activation }
    }

    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// <g(u_a) g(u_b)>.
    pub fn i2(&self, c: &DMatrix<f64>, a: usize, b: usize) -> Result<f64, AverageError> {
        match self.activation {
            Activation::Erf => Ok(erf::i2(c, a, b)),
            Activation::Linear => Ok(linear::i2(c, a, b)),
            Activation::Quadratic => Ok(quadratic::i2(c, a, b)),
            Activation::Relu => relu::i2(c, a, b),
            other => Err(missing(other)),
        }
    }

    /// <g'(u_a) u_b g(u_e)>.
    pub fn i3(&self, c: &DMatrix<f64>, a: usize, b: usize, e: usize) -> Result<f64, AverageError> {
        match self.activation {
            Activation::Erf => Ok(erf::i3(c, a, b, e)),
            Activation::Linear => Ok(linear::i3(c, a, b, e)),
            Activation::Quadratic => Ok(quadratic::i3(c, a, b, e)),
            Activation::Relu => relu::i3(c, a, b, e),
            other => Err(missing(other)),
        }
    }

    /// <g'(u_a) g'(u_b) g(u_e) g(u_f)>.
    pub fn i4(&self, c: &DMatrix<f64>, a: usize, b: usize, e: usize, f: usize) -> Result<f64, AverageError> {
        match self.activation {
            Activation::Erf => Ok(erf::i4(c, a, b, e, f)),
            Activation::Linear => Ok(linear::i4(c, a, b, e, f)),
            Activation::Quadratic => Ok(quadratic::i4(c, a, b, e, f)),
            Activation::Relu => relu::i4(c, a, b, e, f),
            other => Err(missing(other)),
        }
    }

    /// <g'(u_a) g'(u_b)>.
    pub fn j2(&self, c: &DMatrix<f64>, a: usize, b: usize) -> Result<f64, AverageError> {
        match self.activation {
            Activation::Erf => Ok(erf::j2(c, a, b)),
            Activation::Linear => Ok(linear::j2(c, a, b)),
            Activation::Quadratic => Ok(quadratic::j2(c, a, b)),
            Activation::Relu => relu::j2(c, a, b),
            other => Err(missing(other)),
        }
    }
}

/// Until the quadrature is in: refuse the activations that need it.
fn missing(_: Activation) -> AverageError {
    AverageError::NotConverged {
        average: "average",
        fields: vec![],
        nodes: 0,
        error: f64::NAN,
        tolerance: 0.0,
    }
}
