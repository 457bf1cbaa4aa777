//! Deep linear networks, and tanh networks of the same shape, under gradient descent on real weight matrices.
//!
//! The algorithm is the one of [`crate::problem::deep_linear::DeepLinear`]. The exact average over inputs is a batch
//! as well: with Sigma = R R^T, the gradient of 1/2 |A R - W R|^2 is that of the population loss. One update is
//! 3 L - 1 matrix products of [`crate::linalg`] for L layers, less one for the first layer on white inputs.
//!
//! Memory: weights, activations and errors of one batch, and the training set where there is one.

mod network;
mod observe;
mod start;
mod task;

use super::{Measure, Replica, SimulationError};
use crate::problem::Start;
use crate::problem::deep_linear::{self, DeepLinear, Measured};
use crate::rng::Stream;
use crate::trajectory::{Curve, End};
use nalgebra::DMatrix;
use network::Layers;
use observe::{Observer, hidden};
use std::time::Instant;
use task::{Samples, Source, Task};

/// Multiplications between two questions whether to stop: some milliseconds.
const WORK_BETWEEN_POLLS: usize = 1 << 24;

/// What a replica draws before it learns.
struct Drawn {
    task: Task,
    samples: Option<Samples>,
    weights: Vec<DMatrix<f64>>,
}

fn draw(problem: &DeepLinear, size: usize, stream: &Stream) -> Result<Drawn, SimulationError> {
    if size == 0 {
        return Err(SimulationError::TooSmall { size: 0, needed: 1 });
    }
    let task = Task::new(problem, stream)?;
    let samples = Samples::new(problem, &task, stream)?;
    let weights = start::weights(problem, &task, size, stream)?;
    Ok(Drawn { task, samples, weights })
}

fn measured(problem: &DeepLinear, drawn: &Drawn) -> Start {
    let scale = problem.target_scale;
    Start::DeepLinear(deep_linear::Start::Measured(Box::new(Measured {
        weights: drawn.weights.clone(),
        target: &drawn.task.target / scale,
        left: drawn.task.left.clone(),
        right: drawn.task.right.clone(),
        input: drawn.task.input(),
        sample: drawn.samples.as_ref().map(|samples| samples.moments(scale)),
    })))
}

pub(super) fn start(problem: &DeepLinear, size: usize, stream: &Stream) -> Result<Start, SimulationError> {
    Ok(measured(problem, &draw(problem, size, stream)?))
}

pub(super) fn replica(
    problem: &DeepLinear,
    size: usize,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    let drawn = draw(problem, size, stream)?;
    let start = measured(problem, &drawn);
    let Drawn { task, samples, weights } = drawn;
    let mut source = Source::new(problem, &task, samples.as_ref(), stream)?;
    let mut layers = Layers::new(weights, hidden(problem), problem.columns());
    let mut observer = Observer::new(problem, &task, samples.as_ref(), measure, &layers, stream)?;
    let mut curve = Curve::new(measure.observables);

    let weights: usize = problem.widths.windows(2).map(|w| w[0] * w[1]).sum();
    let between_polls = (WORK_BETWEEN_POLLS / (3 * weights * problem.columns())) as u64 + 1;
    let rate = problem.step(size) * problem.learning_rate;
    let mut updates = 0;
    if observer.follows() {
        observer.follow(&layers, 0.0);
    }
    'run: for (snapshot, &time) in measure.times.iter().enumerate() {
        let wanted = problem.updates_at(time, size);
        while updates < wanted {
            if updates % between_polls == 0 && stop() {
                return Err(SimulationError::Interrupted);
            }
            let squared = layers.descend(source.next(&task), rate);
            if !squared.is_finite() {
                let reason = format!("the squared error of a batch is {squared}");
                curve.end = End::Diverged { time: problem.time_of(updates, size), reason };
                break 'run;
            }
            updates += 1;
            if observer.follows() {
                observer.follow(&layers, problem.time_of(updates, size));
            }
        }
        match observer.snapshot(&layers, snapshot, stop)? {
            Ok(values) => curve.push(problem.time_of(updates, size), &values),
            Err(reason) => {
                curve.end = End::Diverged { time: problem.time_of(updates, size), reason };
                break;
            }
        }
    }
    curve.work.updates = updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start })
}
