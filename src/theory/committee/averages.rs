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

    /// F_ik = sum_cd s_c s_d <g'(u_i) g'(u_k) g(u_c) g(u_d)> for i, k < `students` and c, d over all fields.
    ///
    /// For ReLU several times cheaper than the sum of [`Self::i4`], because averages share quadratures; for the other
    /// activations it is that sum, with each pair {c, d} taken once.
    ///
    /// # Panics
    /// If `s` has another length than C, or C has fewer fields than `students`.
    pub fn i4_sums(
        &self,
        c: &DMatrix<f64>,
        s: &[f64],
        students: usize,
    ) -> Result<DMatrix<f64>, AverageError> {
        if self.activation == Activation::Relu {
            return relu::i4_sums(c, s, students);
        }
        assert!(s.len() == c.nrows() && students <= s.len(), "one weight per field, students first");
        let mut sums = DMatrix::zeros(students, students);
        for i in 0..students {
            for k in 0..=i {
                let mut sum = 0.0;
                for f in 0..s.len() {
                    sum += s[f] * s[f] * self.i4(c, i, k, f, f)?;
                    for e in 0..f {
                        sum += 2.0 * s[e] * s[f] * self.i4(c, i, k, e, f)?;
                    }
                }
                sums[(i, k)] = sum;
                sums[(k, i)] = sum;
            }
        }
        Ok(sums)
    }

    fn quadrature(&self) -> Quadrature<impl Fn(f64) -> f64, impl Fn(f64) -> f64> {
        let g = self.activation;
        Quadrature::new(move |x| g.value(x), move |x| g.derivative(x))
    }
}
