//! Two layers from a lambda-balanced start, in any orientation: the full matrix solution.
//!
//! K. Fukumizu (1998); L. Braun, C. Domine, J. Fitzgerald & A. Saxe (2022). For white inputs and
//! W_2^T W_2 - W_1 W_1^T = lambda I, Q = [W_1^T; W_2] obeys Q' = F Q - Q Q^T Q / 2, whose solution is
//!
//! Q Q^T(t) = e^(Ft) Q0 [I + Q0^T I(t) Q0]^(-1) Q0^T e^(Ft), I(t) = integral_0^t e^(2Fs) ds,
//! F = [[-lambda/2 I, S^T], [S, lambda/2 I]].
//!
//! e^(Ft) overflows every digit of the bracket once e^(2 s t) exceeds 1e16. The same formula is exact from any
//! time to any other, so it is applied in steps with dt |F| <= 1, each refactored as
//! Q <- e^(F dt) Q [I + Q^T I(dt) Q]^(-1/2): stable for all times. In the eigenbasis of F both exponentials
//! are diagonal, and I(dt) has the entries expm1(2 w dt)/(2 w), dt where w = 0.

use super::observables::Blocks;
use crate::linalg::{LinalgError, product, product_transpose, symmetric_eigen, transpose_product};
use nalgebra::{DMatrix, DVector};

/// The solution at its current time.
#[derive(Clone, Debug)]
pub struct Balanced {
    inputs: usize,
    /// Eigenvalues and eigenvectors of F.
    w: DVector<f64>,
    basis: DMatrix<f64>,
    /// Q in that basis.
    y: DMatrix<f64>,
    time: f64,
    /// dt |F| of one step at most.
    stride: f64,
    saturates: bool,
}

impl Balanced {
    /// From W_1 (N_1 x N_0) and W_2 (N_2 x N_1) for the target map `s`; `lambda` is taken as given.
    ///
    /// # Errors
    /// An eigendecomposition without result.
    pub fn new(
        w1: &DMatrix<f64>,
        w2: &DMatrix<f64>,
        s: &DMatrix<f64>,
        lambda: f64,
    ) -> Result<Self, LinalgError> {
        let (outputs, inputs) = s.shape();
        let n = inputs + outputs;
        let mut f = DMatrix::zeros(n, n);
        for i in 0..n {
            f[(i, i)] = if i < inputs { -0.5 * lambda } else { 0.5 * lambda };
        }
        f.view_mut((inputs, 0), (outputs, inputs)).copy_from(s);
        f.view_mut((0, inputs), (inputs, outputs)).copy_from(&s.transpose());
        let eigen = symmetric_eigen(&f)?;
        let mut q = DMatrix::zeros(n, w1.nrows());
        q.view_mut((0, 0), (inputs, w1.nrows())).copy_from(&w1.transpose());
        q.view_mut((inputs, 0), w2.shape()).copy_from(w2);
        let y = transpose_product(&eigen.vectors, &q);
        Ok(Self { inputs, w: eigen.values, basis: eigen.vectors, y, time: 0.0, stride: 1.0, saturates: true })
    }

    /// Steps of dt |F| <= `stride` in place of 1. The solution is the same up to rounding.
    pub fn with_stride(self, stride: f64) -> Self {
        Self { stride, ..self }
    }

    /// The fault without saturation: the bracket is left out.
    pub fn without_saturation(self) -> Self {
        Self { saturates: false, ..self }
    }

    /// Moves on to `time`, in units of 1 / (learning rate times input variance).
    ///
    /// # Errors
    /// As [`Balanced::new`].
    pub fn advance(&mut self, time: f64) -> Result<(), LinalgError> {
        let span = time - self.time;
        if span > 0.0 {
            let steps = (span * self.w.amax() / self.stride).ceil().max(1.0);
            let dt = span / steps;
            for _ in 0..steps as u64 {
                self.step(dt)?;
            }
        }
        self.time = time;
        Ok(())
    }

    fn step(&mut self, dt: f64) -> Result<(), LinalgError> {
        if self.saturates {
            let mut weighted = self.y.clone();
            for (mut row, &w) in weighted.row_iter_mut().zip(&self.w) {
                row *= if w == 0.0 { dt } else { (2.0 * w * dt).exp_m1() / (2.0 * w) };
            }
            let mut bracket = transpose_product(&self.y, &weighted);
            bracket += DMatrix::identity(bracket.nrows(), bracket.nrows());
            let eigen = symmetric_eigen(&bracket)?;
            let mut scaled = eigen.vectors.clone();
            for (mut column, &m) in scaled.column_iter_mut().zip(&eigen.values) {
                column /= m.sqrt();
            }
            self.y = product(&self.y, &product_transpose(&scaled, &eigen.vectors));
        }
        for (mut row, &w) in self.y.row_iter_mut().zip(&self.w) {
            row *= (w * dt).exp();
        }
        Ok(())
    }

    /// W_2 W_1, W_1^T W_1 and W_2 W_2^T.
    pub fn blocks(&self) -> Blocks {
        let q = product(&self.basis, &self.y);
        let (outputs, hidden) = (q.nrows() - self.inputs, q.ncols());
        let w1_t = q.view((0, 0), (self.inputs, hidden)).into_owned();
        let w2 = q.view((self.inputs, 0), (outputs, hidden)).into_owned();
        Blocks {
            product: product_transpose(&w2, &w1_t),
            below: vec![DMatrix::identity(self.inputs, self.inputs), product_transpose(&w1_t, &w1_t)],
            above: vec![product_transpose(&w2, &w2), DMatrix::identity(outputs, outputs)],
        }
    }

    /// The closed form from time 0 in one step, as it stands in the papers: Q Q^T at `time`. Loses all digits
    /// once e^(2 s t) exceeds 1e16; kept for the test that shows it.
    ///
    /// # Errors
    /// [`LinalgError::Singular`] where the bracket cannot be inverted.
    pub fn naive(&self, time: f64) -> Result<DMatrix<f64>, LinalgError> {
        let mut weighted = self.y.clone();
        let mut grown = self.y.clone();
        for (i, &w) in self.w.iter().enumerate() {
            let g = if w == 0.0 { time } else { (2.0 * w * time).exp_m1() / (2.0 * w) };
            weighted.row_mut(i).scale_mut(g);
            grown.row_mut(i).scale_mut((w * time).exp());
        }
        let mut bracket = transpose_product(&self.y, &weighted);
        bracket += DMatrix::identity(bracket.nrows(), bracket.nrows());
        let inverse = crate::linalg::solve(&bracket, &grown.transpose())?;
        let q = product(&self.basis, &product(&grown, &inverse));
        Ok(product_transpose(&q, &self.basis))
    }
}
