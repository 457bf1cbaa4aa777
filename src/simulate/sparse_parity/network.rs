//! The network, and batches of parity samples that go through it in blocks.

use crate::linalg::{Read, multiply};
use crate::problem::sparse_parity::SparseParity;
use crate::rng::Stream;
use crate::simulate::SimulationError;
use nalgebra::DMatrix;
use rand::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Samples of one block.
const BLOCK: usize = 256;

/// Signs from the bits of a generator.
fn fill_signs(generator: &mut Xoshiro256PlusPlus, out: &mut [f64]) {
    for chunk in out.chunks_mut(64) {
        let bits = generator.next_u64();
        for (i, x) in chunk.iter_mut().enumerate() {
            *x = if bits >> i & 1 == 1 { 1.0 } else { -1.0 };
        }
    }
}

pub(super) struct Network {
    /// One row per unit.
    pub(super) weights: DMatrix<f64>,
    first: DMatrix<f64>,
    /// a.
    outer: Vec<f64>,
    good: Vec<bool>,
    order: usize,
    rate: f64,
    dead_zone: f64,
}

impl Network {
    pub(super) fn new(problem: &SparseParity, d: usize, stream: &Stream) -> Self {
        let mut generator = stream.child("init").generator();
        let mut weights = DMatrix::zeros(problem.width, d);
        fill_signs(&mut generator, weights.as_mut_slice());
        let mut outer = vec![0.0; problem.width];
        fill_signs(&mut generator, &mut outer);
        let order = problem.order;
        let good = (0..problem.width)
            .map(|r| outer[r] * (0..order).map(|j| weights[(r, j)]).product::<f64>() > 0.0)
            .collect();
        Self {
            first: weights.clone(),
            weights,
            outer,
            good,
            order,
            rate: problem.learning_rate,
            dead_zone: problem.dead_zone * problem.factorial(),
        }
    }

    /// w <- (1 - eta) w + eta sgn~(g), g the batch mean of y grad f.
    pub(super) fn update(&mut self, gradient: &DMatrix<f64>) {
        for (w, g) in self.weights.iter_mut().zip(gradient.iter()) {
            let step = if g.abs() > self.dead_zone { g.signum() } else { 0.0 };
            *w = (1.0 - self.rate) * *w + self.rate * step;
        }
    }

    /// Entries of the features times their first signs, mean over good or over bad units; NaN without any.
    pub(super) fn aligned(&self, matrix: &DMatrix<f64>, good: bool) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for r in (0..self.good.len()).filter(|&r| self.good[r] == good) {
            for j in 0..self.order {
                sum += matrix[(r, j)] * self.first[(r, j)];
                count += 1.0;
            }
        }
        sum / count
    }

    /// Weights that are no feature times their first signs.
    pub(super) fn noise_mean(&self) -> f64 {
        let skipped = self.order * self.weights.nrows();
        let pairs = self.weights.as_slice()[skipped..].iter().zip(&self.first.as_slice()[skipped..]);
        pairs.map(|(w, s)| w * s).sum::<f64>() / (self.weights.len() - skipped) as f64
    }

    /// Root mean square of the entries that belong to no feature.
    pub(super) fn noise_rms(&self, matrix: &DMatrix<f64>) -> f64 {
        let entries = &matrix.as_slice()[self.order * matrix.nrows()..];
        (entries.iter().map(|w| w * w).sum::<f64>() / entries.len() as f64).sqrt()
    }
}

/// A stream of samples, with room for one block and the mean of y grad f.
pub(super) struct Gradient {
    pub(super) mean: DMatrix<f64>,
    generator: Xoshiro256PlusPlus,
    inputs: DMatrix<f64>,
    fields: DMatrix<f64>,
    order: usize,
}

impl Gradient {
    pub(super) fn new(problem: &SparseParity, d: usize, stream: &Stream) -> Self {
        Self {
            mean: DMatrix::zeros(problem.width, d),
            generator: stream.generator(),
            inputs: DMatrix::zeros(d, BLOCK),
            fields: DMatrix::zeros(problem.width, BLOCK),
            order: problem.order,
        }
    }

    /// Fresh inputs and their fields.
    fn block(&mut self, network: &Network) {
        fill_signs(&mut self.generator, self.inputs.as_mut_slice());
        multiply(&mut self.fields, false, 1.0, (&network.weights, Read::Plain), (&self.inputs, Read::Plain));
    }

    fn label(&self, sample: usize) -> f64 {
        self.inputs.column(sample).iter().take(self.order).product()
    }

    /// Mean of y grad f over `batch` fresh samples.
    pub(super) fn draw(
        &mut self,
        network: &Network,
        batch: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), SimulationError> {
        self.mean.fill(0.0);
        let power = self.order as i32 - 1;
        let scale = self.order as f64 / batch as f64;
        for first in (0..batch).step_by(BLOCK) {
            if stop() {
                return Err(SimulationError::Interrupted);
            }
            self.block(network);
            for sample in 0..BLOCK {
                // Samples beyond the batch do not count.
                let weight = if first + sample < batch { scale * self.label(sample) } else { 0.0 };
                for (field, a) in self.fields.column_mut(sample).iter_mut().zip(&network.outer) {
                    *field = weight * a * field.powi(power);
                }
            }
            multiply(
                &mut self.mean,
                true,
                1.0,
                (&self.fields, Read::Plain),
                (&self.inputs, Read::Transposed),
            );
        }
        Ok(())
    }

    /// Share of fresh samples whose label has the sign of the output.
    pub(super) fn accuracy(&mut self, network: &Network, samples: usize) -> f64 {
        let power = self.order as i32;
        let mut right = 0.0;
        for first in (0..samples).step_by(BLOCK) {
            self.block(network);
            for sample in 0..BLOCK.min(samples - first) {
                let fields = self.fields.column(sample);
                let output: f64 = fields.iter().zip(&network.outer).map(|(z, a)| a * z.powi(power)).sum();
                let margin = output * self.label(sample);
                right += if margin > 0.0 {
                    1.0
                } else if margin == 0.0 {
                    0.5
                } else {
                    0.0
                };
            }
        }
        right / samples as f64
    }
}
