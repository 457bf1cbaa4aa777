//! Where the law of a deep linear network starts.

use super::DeepLinear;
use nalgebra::DMatrix;

/// The start of the law.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// The problem states it.
    Stated,
    /// Weights and correlations of one replica.
    Measured(Box<Measured>),
}

/// What a replica has at time 0. All maps are in units of `target_scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// W_1, ..., W_L.
    pub weights: Vec<DMatrix<f64>>,
    /// A, N_L x N_0.
    pub target: DMatrix<f64>,
    /// U and V of the target.
    pub left: DMatrix<f64>,
    pub right: DMatrix<f64>,
    /// <x x^T> of the distribution.
    pub input: DMatrix<f64>,
    /// Moments of the training set, where there is one.
    pub sample: Option<SampleMoments>,
}

/// Second moments of a training set.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleMoments {
    /// <x x^T>.
    pub input: DMatrix<f64>,
    /// <y x^T> / scale.
    pub cross: DMatrix<f64>,
    /// <|y|^2> / scale^2.
    pub label_power: f64,
}

impl Measured {
    /// The same start for another number of layers or other hidden widths: a missing layer is an identity
    /// before the last one, a surplus one is multiplied into the last; missing units have weight 0.
    pub fn resized(&self, problem: &DeepLinear) -> Self {
        let mut weights = self.weights.clone();
        let layers = problem.weight_layers();
        while weights.len() > layers && weights.len() > 1 {
            let last = weights.pop().expect("a layer");
            let before = weights.pop().expect("another layer");
            weights.push(last * before);
        }
        while weights.len() < layers {
            let width = weights.last().expect("a layer").ncols();
            weights.insert(weights.len() - 1, DMatrix::identity(width, width));
        }
        for (w, pair) in weights.iter_mut().zip(problem.widths.windows(2)) {
            if w.shape() != (pair[1], pair[0]) {
                *w = w.clone().resize(pair[1], pair[0], 0.0);
            }
        }
        Self { weights, ..self.clone() }
    }
}
