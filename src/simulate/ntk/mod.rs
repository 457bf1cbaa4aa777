//! Wide networks under gradient descent or mini-batch SGD, all weights and biases trained.
//!
//! The algorithm is the one of [`crate::problem::ntk::Ntk`], in its tangent-kernel, mean-field or standard parametrisation. One
//! update is 3 L products of n x n by n x P. The tangent kernel is measured on the network as it stands: the sum over
//! layers of (units^T units) times (errors^T errors), entry by entry.

mod architecture;
#[cfg(test)]
mod class_tests;
mod descent;
mod network;
mod observe;
#[cfg(test)]
mod tests;

use super::{Measure, Replica, SimulationError};
use crate::problem::Start;
use crate::problem::ntk::{self, Data, Ntk};
use crate::rng::Stream;
use crate::trajectory::{Curve, End};
use architecture::{Network, Pass};
use descent::Descent;
use nalgebra::{DMatrix, DVector};
use observe::Observable;
use std::time::Instant;

/// Multiplications between two questions whether to stop: some milliseconds.
const WORK_BETWEEN_POLLS: f64 = 2e7;

/// What one replica trains.
struct Training {
    data: Data,
    network: Network,
    /// Of the training points and of the test points.
    train: Pass,
    test: Pass,
    /// f_0 where the network is centred, otherwise 0.
    offsets: (DMatrix<f64>, DMatrix<f64>),
}

impl Training {
    fn new(problem: &Ntk, width: usize, stream: &Stream) -> Result<Self, SimulationError> {
        if width == 0 {
            return Err(SimulationError::TooSmall { size: 0, needed: 1 });
        }
        let data = problem.data();
        let network = Network::draw(problem, width, stream);
        let (train, test) = (network.room(data.inputs.ncols()), network.room(data.tests.ncols()));
        let offsets = (train.output.clone(), test.output.clone());
        let mut training = Self { data, network, train, test, offsets };
        training.forward();
        training.test_forward();
        if problem.centred {
            training.offsets = (training.train.output.clone(), training.test.output.clone());
        }
        Ok(training)
    }

    fn forward(&mut self) {
        self.network.forward(&self.data.inputs, &mut self.train);
    }

    fn test_forward(&mut self) {
        if self.data.tests.ncols() > 0 {
            self.network.forward(&self.data.tests, &mut self.test);
        }
    }

    /// f on the training points of the last forward pass, outputs x points.
    fn outputs(&self) -> DMatrix<f64> {
        &self.train.output - &self.offsets.0
    }

    fn test_outputs(&self) -> DMatrix<f64> {
        &self.test.output - &self.offsets.1
    }

    /// The tangent kernel of the first output on the training points.
    fn kernel(&mut self) -> DMatrix<f64> {
        self.network.kernel(&self.data.inputs, &mut self.train)
    }

    fn start(&self) -> Start {
        let list = |outputs: DMatrix<f64>| DVector::from_column_slice(outputs.as_slice());
        Start::Ntk(ntk::Start::Outputs { train: list(self.outputs()), test: list(self.test_outputs()) })
    }
}

pub(super) fn start(problem: &Ntk, width: usize, stream: &Stream) -> Result<Start, SimulationError> {
    Ok(Training::new(problem, width, stream)?.start())
}

pub(super) fn replica(
    problem: &Ntk,
    width: usize,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    let mut training = Training::new(problem, width, stream)?;
    let start = training.start();
    let wanted: Vec<Observable> = measure
        .observables
        .iter()
        .map(|name| Observable::parse(name).ok_or_else(|| SimulationError::UnknownObservable(name.clone())))
        .collect::<Result<_, _>>()?;
    let first = Observable::at_start(&wanted, &mut training)?;
    let mut descent = Descent::new(problem, width, &training, stream);
    let points = descent.batch() as f64;
    let work = points * (width as f64).powi(2) * problem.hidden_layers as f64;
    let between_polls = (WORK_BETWEEN_POLLS / work) as u64 + 1;

    let mut curve = Curve::new(measure.observables);
    let mut updates = 0;
    'run: for &time in measure.times {
        let last = time.round() as u64;
        while updates < last {
            if updates % between_polls == 0 && stop() {
                return Err(SimulationError::Interrupted);
            }
            if let Some(loss) = descent.update(problem, &mut training) {
                let reason = format!("the loss is {loss}");
                curve.end = End::Diverged { time: updates as f64, reason };
                break 'run;
            }
            updates += 1;
        }
        if problem.batch.is_some() {
            training.forward();
        }
        training.test_forward();
        let snapshot = Observable::snapshot(&wanted, problem, &mut training, &first)?;
        if let Some((name, value)) =
            measure.observables.iter().zip(&snapshot).find(|(_, value)| !value.is_finite())
        {
            curve.end = End::Diverged { time: updates as f64, reason: format!("{name} is {value}") };
            break;
        }
        curve.push(updates as f64, &snapshot);
    }
    curve.work.updates = updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start })
}
