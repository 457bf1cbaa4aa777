//! Updates on all training points, or on a batch of them that is drawn for every update.

use super::{Pass, Training};
use crate::problem::ntk::Ntk;
use crate::rng::Stream;
use nalgebra::{DMatrix, DVector};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// The batch of an update, with room for its pass through the network.
struct Batch {
    choice: Xoshiro256PlusPlus,
    /// A permutation of all points; the first of them are the batch.
    order: Vec<usize>,
    inputs: DMatrix<f64>,
    pass: Pass,
}

pub(super) struct Descent {
    /// Derivative of the loss at every point of the update.
    errors: DVector<f64>,
    /// eta / (points of an update A^2).
    step: f64,
    batch: Option<Batch>,
}

impl Descent {
    pub fn new(problem: &Ntk, width: usize, training: &Training, stream: &Stream) -> Self {
        let points = training.data.labels.len();
        let size = problem.batch.unwrap_or(points);
        let factor = problem.output_factor(width);
        let batch = problem.batch.map(|size| Batch {
            choice: stream.child("batch").generator(),
            order: (0..points).collect(),
            inputs: DMatrix::zeros(training.data.inputs.nrows(), size),
            pass: training.network.room(size),
        });
        Self {
            errors: DVector::zeros(size),
            step: problem.learning_rate / (size as f64 * factor * factor),
            batch,
        }
    }

    /// Points of an update.
    pub fn batch(&self) -> usize {
        self.errors.len()
    }

    /// One update; the loss on its points where it is not finite. Full-batch updates rely on the forward pass of the
    /// training points and renew it, mini-batches leave it as it was.
    pub fn update(&mut self, problem: &Ntk, training: &mut Training) -> Option<f64> {
        let Training { data, network, train, offsets, .. } = training;
        let loss = problem.loss;
        let mut sum = 0.0;
        match &mut self.batch {
            None => {
                for (i, error) in self.errors.iter_mut().enumerate() {
                    let f = train.output[i] - offsets.0[i];
                    *error = loss.derivative(f, data.labels[i]);
                    sum += loss.value(f, data.labels[i]);
                }
                if !sum.is_finite() {
                    return Some(sum);
                }
                network.descend(&data.inputs, &self.errors, self.step, train);
                network.forward(&data.inputs, train);
            }
            Some(Batch { choice, order, inputs, pass }) => {
                for place in 0..self.errors.len() {
                    let other = choice.random_range(place as u64..order.len() as u64) as usize;
                    order.swap(place, other);
                    inputs.set_column(place, &data.inputs.column(order[place]));
                }
                network.forward(inputs, pass);
                for (place, error) in self.errors.iter_mut().enumerate() {
                    let i = order[place];
                    let f = pass.output[place] - offsets.0[i];
                    *error = loss.derivative(f, data.labels[i]);
                    sum += loss.value(f, data.labels[i]);
                }
                if !sum.is_finite() {
                    return Some(sum);
                }
                network.descend(inputs, &self.errors, self.step, pass);
            }
        }
        None
    }
}
