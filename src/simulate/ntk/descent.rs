//! Updates on all training points, or on a batch of them that is drawn for every update.

use super::{Pass, Training};
use crate::problem::ntk::{Loss, Ntk};
use crate::rng::Stream;
use nalgebra::DMatrix;
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
    /// Derivatives of the loss in the outputs at every point of the update.
    errors: DMatrix<f64>,
    /// Outputs of one point.
    f: Vec<f64>,
    /// eta / (points of an update A^2).
    step: f64,
    batch: Option<Batch>,
}

/// One point of an update: its column in a pass and among the offsets.
struct Point<'a> {
    output: &'a DMatrix<f64>,
    place: usize,
    offsets: &'a DMatrix<f64>,
    index: usize,
}

impl Point<'_> {
    /// Its loss; the derivatives go to their column of `errors`.
    fn errors(&self, loss: Loss, label: f64, f: &mut Vec<f64>, errors: &mut DMatrix<f64>) -> f64 {
        let (output, offset) = (self.output.column(self.place), self.offsets.column(self.index));
        f.clear();
        f.extend(output.iter().zip(offset.iter()).map(|(f, offset)| f - offset));
        loss.derivative(f, label, errors.column_mut(self.place).as_mut_slice());
        loss.value(f, label)
    }
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
            errors: DMatrix::zeros(problem.loss.outputs(), size),
            f: Vec::new(),
            step: problem.learning_rate / (size as f64 * factor * factor),
            batch,
        }
    }

    /// Points of an update.
    pub fn batch(&self) -> usize {
        self.errors.ncols()
    }

    /// One update; the loss on its points where it is not finite. Full-batch updates rely on the forward pass of the
    /// training points and renew it, mini-batches leave it as it was.
    pub fn update(&mut self, problem: &Ntk, training: &mut Training) -> Option<f64> {
        let Training { data, network, train, offsets, .. } = training;
        let Self { errors, f, step, batch } = self;
        let mut sum = 0.0;
        match batch {
            None => {
                for i in 0..errors.ncols() {
                    let point = Point { output: &train.output, place: i, offsets: &offsets.0, index: i };
                    sum += point.errors(problem.loss, data.labels[i], f, errors);
                }
                if !sum.is_finite() {
                    return Some(sum);
                }
                network.descend(&data.inputs, errors, *step, train);
                network.forward(&data.inputs, train);
            }
            Some(Batch { choice, order, inputs, pass }) => {
                for place in 0..errors.ncols() {
                    let other = choice.random_range(place as u64..order.len() as u64) as usize;
                    order.swap(place, other);
                    inputs.set_column(place, &data.inputs.column(order[place]));
                }
                network.forward(inputs, pass);
                for (place, &i) in order[..errors.ncols()].iter().enumerate() {
                    let point = Point { output: &pass.output, place, offsets: &offsets.0, index: i };
                    sum += point.errors(problem.loss, data.labels[i], f, errors);
                }
                if !sum.is_finite() {
                    return Some(sum);
                }
                network.descend(inputs, errors, *step, pass);
            }
        }
        None
    }
}
