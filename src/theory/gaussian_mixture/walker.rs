//! Weight vectors that a sweep moves: copies and tangents.

use super::block::Drive;
use super::plan::Weights;
use crate::problem::gaussian_mixture::GaussianMixture;

/// Length below which nothing of a gradient is new, relative to the walker's largest one so far. Gradients are differences
/// of fields and labels, which keep their size where the gradients vanish: what is left of those is rounding, and each
/// update would add a basis field for it.
const ROUNDING: f64 = 1e-14;

#[derive(Clone, Debug)]
pub(super) struct Walker {
    pub drive: Drive,
    pub weights: Weights,
    /// Displacement by the latest update.
    pub moved: Weights,
    /// The field of a tangent's force.
    pub force: Option<usize>,
    /// The largest mean square of its gradients so far.
    pub largest: f64,
}

/// How one walker's gradient g looks: its products with the fields.
pub(super) struct Gradient {
    /// <g (c + sqrt(Delta) zeta)>.
    pub along_input: f64,
    /// <g phi_j>.
    pub along_fields: Vec<f64>,
}

/// What a unit force adds to M in one update.
pub(super) fn push(problem: &GaussianMixture) -> f64 {
    problem.learning_rate / problem.sample_ratio.sqrt()
}

impl Walker {
    /// Squared length of the rounding in a gradient of this mean square.
    pub fn rounding(&mut self, square: f64) -> f64 {
        self.largest = self.largest.max(square);
        ROUNDING * ROUNDING * self.largest
    }

    /// One update over a basis of so many fields; `source` is the field of its Langevin noise.
    pub fn step(
        &mut self,
        problem: &GaussianMixture,
        fields: usize,
        gradient: &Gradient,
        source: Option<usize>,
        push: f64,
    ) {
        let p = problem;
        let (eta, alpha, delta) = (p.learning_rate, p.sample_ratio, p.cluster_variance.sqrt());
        let Self { weights, moved, force, .. } = self;
        moved.m = p.momentum * moved.m - eta * p.ridge * weights.m - eta * alpha * gradient.along_input;
        weights.m += moved.m;
        weights.fields.resize(fields, 0.0);
        moved.fields.resize(fields, 0.0);
        for (j, (m, moved)) in weights.fields.iter_mut().zip(&mut moved.fields).enumerate() {
            let along = gradient.along_fields.get(j).copied().unwrap_or(0.0);
            *moved = p.momentum * *moved - eta * p.ridge * *m - eta * delta * along;
            if *force == Some(j) {
                *moved += push;
            }
            if source == Some(j) {
                *moved += (2.0 * eta * p.temperature / alpha).sqrt();
            }
            *m += *moved;
        }
    }
}
