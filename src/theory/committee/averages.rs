//! Gaussian averages of the committee problem, whatever the activation.

use crate::math::gaussian::{erf, linear, quadratic, quadrature::Quadrature, relu, sine};
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
            Activation::Sine => Ok(sine::i2(c, a, b)),
            Activation::Tanh | Activation::Gelu | Activation::Softplus => self.quadrature().i2(c, a, b),
        }
    }

    /// <g'(u_a) u_b g(u_e)>.
    pub fn i3(&self, c: &DMatrix<f64>, a: usize, b: usize, e: usize) -> Result<f64, AverageError> {
        match self.activation {
            Activation::Erf => Ok(erf::i3(c, a, b, e)),
            Activation::Linear => Ok(linear::i3(c, a, b, e)),
            Activation::Quadratic => Ok(quadratic::i3(c, a, b, e)),
            Activation::Relu => relu::i3(c, a, b, e),
            Activation::Sine => Ok(sine::i3(c, a, b, e)),
            Activation::Tanh | Activation::Gelu | Activation::Softplus => self.quadrature().i3(c, a, b, e),
        }
    }

    /// <g'(u_a) g'(u_b) g(u_e) g(u_f)>.
    pub fn i4(&self, c: &DMatrix<f64>, a: usize, b: usize, e: usize, f: usize) -> Result<f64, AverageError> {
        match self.activation {
            Activation::Erf => Ok(erf::i4(c, a, b, e, f)),
            Activation::Linear => Ok(linear::i4(c, a, b, e, f)),
            Activation::Quadratic => Ok(quadratic::i4(c, a, b, e, f)),
            Activation::Relu => relu::i4(c, a, b, e, f),
            Activation::Sine => Ok(sine::i4(c, a, b, e, f)),
            Activation::Tanh | Activation::Gelu | Activation::Softplus => self.quadrature().i4(c, a, b, e, f),
        }
    }

    /// <g'(u_a) g'(u_b)>.
    pub fn j2(&self, c: &DMatrix<f64>, a: usize, b: usize) -> Result<f64, AverageError> {
        match self.activation {
            Activation::Erf => Ok(erf::j2(c, a, b)),
            Activation::Linear => Ok(linear::j2(c, a, b)),
            Activation::Quadratic => Ok(quadratic::j2(c, a, b)),
            Activation::Relu => relu::j2(c, a, b),
            Activation::Sine => Ok(sine::j2(c, a, b)),
            Activation::Tanh | Activation::Gelu | Activation::Softplus => self.quadrature().j2(c, a, b),
        }
    }

    fn quadrature(&self) -> Quadrature<impl Fn(f64) -> f64, impl Fn(f64) -> f64> {
        let g = self.activation;
        Quadrature::new(move |x| g.value(x), move |x| g.derivative(x))
    }
}
