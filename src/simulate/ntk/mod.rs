//! Wide networks under full-batch gradient descent, all weights and biases trained.
//!
//! The algorithm is the one of [`crate::problem::ntk::Ntk`], in its tangent-kernel or mean-field parametrisation. One
//! update is 3 L products of n x n by n x P. The tangent kernel is measured on the network as it stands: the sum over
//! layers of (units^T units) times (errors^T errors), entry by entry.

mod architecture;
mod network;
#[cfg(test)]
mod tests;

use super::{Measure, Replica, SimulationError};
use crate::problem::Start;
use crate::problem::ntk::{self, Data, Ntk};
use crate::rng::Stream;
use crate::trajectory::{Curve, End};
use architecture::{Network, Pass};
use nalgebra::{DMatrix, DVector};
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
    offsets: (DVector<f64>, DVector<f64>),
}

impl Training {
    fn new(problem: &Ntk, width: usize, stream: &Stream) -> Result<Self, SimulationError> {
        if width == 0 {
            return Err(SimulationError::TooSmall { size: 0, needed: 1 });
        }
        let data = problem.data();
        let network = Network::draw(problem, width, stream);
        let (train, test) = (network.room(data.inputs.ncols()), network.room(data.tests.ncols()));
        let offsets = (DVector::zeros(train.output.len()), DVector::zeros(test.output.len()));
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

    /// f on the training points of the last forward pass.
    fn outputs(&self) -> DVector<f64> {
        &self.train.output - &self.offsets.0
    }

    fn test_outputs(&self) -> DVector<f64> {
        &self.test.output - &self.offsets.1
    }

    fn start(&self) -> Start {
        Start::Ntk(ntk::Start::Outputs { train: self.outputs(), test: self.test_outputs() })
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
    let needs_kernel = wanted.iter().any(|o| matches!(o, Observable::Kernel(..) | Observable::Drift));
    let first = needs_kernel.then(|| training.network.kernel(&training.data.inputs, &mut training.train));
    let points = training.data.labels.len() as f64;
    let factor = problem.output_factor(width);
    let step = problem.learning_rate / (points * factor * factor);
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
            let errors = training.outputs() - &training.data.labels;
            let squared = errors.norm_squared();
            if !squared.is_finite() {
                let reason = format!("the squared error is {squared}");
                curve.end = End::Diverged { time: updates as f64, reason };
                break 'run;
            }
            let Training { network, data, train, .. } = &mut training;
            network.descend(&data.inputs, &errors, step, train);
            training.forward();
            updates += 1;
        }
        training.test_forward();
        // The pass of the kernel overwrites errors and leaves the outputs.
        let kernel =
            needs_kernel.then(|| training.network.kernel(&training.data.inputs, &mut training.train));
        let snapshot: Vec<f64> =
            wanted.iter().map(|o| o.read(&training, first.as_ref(), kernel.as_ref())).collect();
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

#[derive(Clone, Copy, Debug)]
enum Observable {
    TrainLoss,
    TestLoss,
    Test(usize),
    TestSquared(usize),
    Train(usize),
    Kernel(usize, usize),
    Drift,
}

impl Observable {
    fn parse(name: &str) -> Option<Self> {
        let (family, rest) = name.split_once('[').unwrap_or((name, "]"));
        let rest = rest.strip_suffix(']')?;
        let indices: Vec<usize> =
            rest.split(',').filter(|part| !part.is_empty()).map(|i| i.parse().ok()).collect::<Option<_>>()?;
        Some(match (family, &indices[..]) {
            ("train_loss", []) => Self::TrainLoss,
            ("test_loss", []) => Self::TestLoss,
            ("kernel_drift", []) => Self::Drift,
            ("f", [i]) => Self::Test(i - 1),
            ("f_squared", [i]) => Self::TestSquared(i - 1),
            ("f_train", [i]) => Self::Train(i - 1),
            ("kernel", [i, j]) => Self::Kernel(i - 1, j - 1),
            _ => return None,
        })
    }

    fn read(self, training: &Training, first: Option<&DMatrix<f64>>, now: Option<&DMatrix<f64>>) -> f64 {
        let half_mean_square =
            |f: DVector<f64>, y: &DVector<f64>| 0.5 * (f - y).norm_squared() / y.len() as f64;
        let test = |i: usize| training.test.output[i] - training.offsets.1[i];
        match self {
            Self::TrainLoss => half_mean_square(training.outputs(), &training.data.labels),
            Self::TestLoss => half_mean_square(training.test_outputs(), &training.data.test_labels),
            Self::Test(i) => test(i),
            Self::TestSquared(i) => test(i) * test(i),
            Self::Train(i) => training.train.output[i] - training.offsets.0[i],
            Self::Kernel(i, j) => now.expect("measured where it is asked for")[(i, j)],
            Self::Drift => {
                let (first, now) = first.zip(now).expect("measured where it is asked for");
                (now - first).norm() / first.norm()
            }
        }
    }
}
