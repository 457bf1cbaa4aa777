//! Layers, and one step of gradient descent on one batch.

use crate::linalg::{Read, multiply};
use nalgebra::DMatrix;

/// g of the hidden units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hidden {
    Linear,
    Tanh,
}

/// A batch in columns, X (N_0 x n) and Y (N_L x n), whose gradient is that of 1/2 weight |Y - f(X)|^2.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// `None` is the identity, for the exact average over white inputs.
    pub inputs: Option<DMatrix<f64>>,
    pub labels: DMatrix<f64>,
    pub weight: f64,
}

/// W_1, ..., W_L with room for the activations and errors of one batch.
#[derive(Clone, Debug)]
pub(super) struct Layers {
    pub weights: Vec<DMatrix<f64>>,
    hidden: Hidden,
    /// H_1, ..., H_L.
    activations: Vec<DMatrix<f64>>,
    /// D_l, the negative derivative of the loss by the fields of layer l.
    errors: Vec<DMatrix<f64>>,
}

impl Layers {
    pub fn new(weights: Vec<DMatrix<f64>>, hidden: Hidden, columns: usize) -> Self {
        let room: Vec<DMatrix<f64>> = weights.iter().map(|w| DMatrix::zeros(w.nrows(), columns)).collect();
        Self { weights, hidden, activations: room.clone(), errors: room }
    }

    /// f(X) of a batch as wide as the room.
    pub fn forward(&mut self, inputs: Option<&DMatrix<f64>>) -> &DMatrix<f64> {
        let last = self.weights.len() - 1;
        for (l, w) in self.weights.iter().enumerate() {
            let (below, above) = self.activations.split_at_mut(l);
            match (below.last(), inputs) {
                (Some(h), _) => multiply(&mut above[0], false, 1.0, (w, Read::Plain), (h, Read::Plain)),
                (None, Some(x)) => multiply(&mut above[0], false, 1.0, (w, Read::Plain), (x, Read::Plain)),
                (None, None) => above[0].copy_from(w),
            }
            if self.hidden == Hidden::Tanh && l < last {
                above[0].apply(|x| *x = libm::tanh(*x));
            }
        }
        &self.activations[last]
    }

    /// One step of length `rate` on a batch. Gives |Y - f(X)|^2 before it.
    pub fn descend(&mut self, batch: &Batch, rate: f64) -> f64 {
        let last = self.weights.len() - 1;
        self.forward(batch.inputs.as_ref());
        self.errors[last].copy_from(&batch.labels);
        self.errors[last] -= &self.activations[last];
        let squared = self.errors[last].norm_squared();
        for l in (0..=last).rev() {
            let (below, here) = self.errors.split_at_mut(l);
            let error = &here[0];
            if let Some(next) = below.last_mut() {
                multiply(next, false, 1.0, (&self.weights[l], Read::Transposed), (error, Read::Plain));
                if self.hidden == Hidden::Tanh {
                    next.zip_apply(&self.activations[l - 1], |d, h| *d *= 1.0 - h * h);
                }
            }
            let step = rate * batch.weight;
            let w = &mut self.weights[l];
            match (l.checked_sub(1), &batch.inputs) {
                (Some(below), _) => {
                    let h = &self.activations[below];
                    multiply(w, true, step, (error, Read::Plain), (h, Read::Transposed));
                }
                (None, Some(x)) => multiply(w, true, step, (error, Read::Plain), (x, Read::Transposed)),
                (None, None) => w.zip_apply(error, |w, d| *w += step * d),
            }
        }
        squared
    }

    /// f on a batch of any width.
    pub fn output(&self, inputs: &DMatrix<f64>) -> DMatrix<f64> {
        let mut layers = Self::new(self.weights.clone(), self.hidden, inputs.ncols());
        layers.forward(Some(inputs)).clone()
    }

    /// df/dx at one input.
    pub fn jacobian(&self, input: &DMatrix<f64>) -> DMatrix<f64> {
        let mut field = input.clone();
        let mut jacobian = DMatrix::identity(input.nrows(), input.nrows());
        let last = self.weights.len() - 1;
        for (l, w) in self.weights.iter().enumerate() {
            jacobian = crate::linalg::product(w, &jacobian);
            field = crate::linalg::product(w, &field);
            if self.hidden == Hidden::Tanh && l < last {
                field.apply(|x| *x = libm::tanh(*x));
                for (mut row, h) in jacobian.row_iter_mut().zip(field.iter()) {
                    row *= 1.0 - h * h;
                }
            }
        }
        jacobian
    }
}
