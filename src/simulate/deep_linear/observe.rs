//! What a snapshot records, and the times spent below a threshold.

use super::network::{Hidden, Layers};
use super::task::{Samples, Task};
use crate::linalg::{product, product_transpose, svd, transpose_product};
use crate::problem::deep_linear::DeepLinear;
use crate::rng::Stream;
use crate::simulate::{Measure, Risk, SimulationError};
use nalgebra::DMatrix;

/// One observable, indices from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Observable {
    Loss,
    TrainingLoss,
    SingularValue(usize),
    U(usize),
    KernelDrift,
    A(usize),
    B(usize),
    Conserved(usize),
    /// Position among the stopwatches.
    Time(usize),
}

/// What a stopwatch waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wait {
    Mode { index: usize, threshold: f64 },
    Loss { threshold: f64 },
}

/// Adds up the time below a threshold, crossings interpolated linearly between updates.
#[derive(Clone, Copy, Debug)]
struct Stopwatch {
    wait: Wait,
    /// Negative while it runs.
    margin: f64,
    spent: f64,
}

pub(super) struct Observer<'a> {
    problem: &'a DeepLinear,
    task: &'a Task,
    samples: Option<&'a Samples>,
    names: &'a [String],
    observables: Vec<Observable>,
    watches: Vec<Stopwatch>,
    latest: f64,
    /// Second moments below and above every layer at time 0, for the kernel's drift.
    start: Option<Vec<Moments>>,
    /// Where the Jacobian of a nonlinear network is taken.
    probe: DMatrix<f64>,
    risk: Risk,
    test_set: Stream,
}

/// The two factors of one layer's term of the tangent kernel: B^T B (inputs) and A A^T (outputs).
struct Moments {
    below: DMatrix<f64>,
    above: DMatrix<f64>,
}

impl<'a> Observer<'a> {
    pub fn new(
        problem: &'a DeepLinear,
        task: &'a Task,
        samples: Option<&'a Samples>,
        measure: &Measure<'a>,
        layers: &Layers,
        stream: &Stream,
    ) -> Result<Self, SimulationError> {
        let mut previous = 0.0;
        for &time in measure.times {
            // Written so that NaN is refused as well.
            if !(time >= previous && time.is_finite()) {
                return Err(SimulationError::Times { previous, time });
            }
            previous = time;
        }
        if measure.risk == (Risk::TestSet { samples: 0 }) {
            return Err(SimulationError::EmptyTestSet);
        }
        let mut observer = Self {
            problem,
            task,
            samples,
            names: measure.observables,
            observables: Vec::new(),
            watches: Vec::new(),
            latest: 0.0,
            start: None,
            probe: task.draw(1, &mut stream.child("probe").gaussians()),
            risk: measure.risk,
            test_set: stream.child("test-set"),
        };
        let zero = observer.zero_loss();
        for name in measure.observables {
            let observable =
                observer.parse(name, zero).ok_or_else(|| SimulationError::UnknownObservable(name.clone()))?;
            observer.observables.push(observable);
        }
        if observer.observables.contains(&Observable::Loss)
            && !problem.is_linear()
            && measure.risk == Risk::Overlaps
        {
            return Err(SimulationError::NeedsTestSet);
        }
        if observer.observables.contains(&Observable::KernelDrift) {
            observer.start = Some(moments(&layers.weights));
        }
        Ok(observer)
    }

    fn parse(&mut self, name: &str, zero_loss: f64) -> Option<Observable> {
        let problem = self.problem;
        match name {
            "loss" => return Some(Observable::Loss),
            "training_loss" => return self.samples.map(|_| Observable::TrainingLoss),
            "kernel_drift" if problem.is_linear() => return Some(Observable::KernelDrift),
            "loss_time" => {
                return Some(self.watch(Wait::Loss { threshold: problem.learnt_loss * zero_loss }));
            }
            _ => {}
        }
        let (family, index) = name.strip_suffix(']')?.split_once('[')?;
        let i = index.parse::<usize>().ok()?.checked_sub(1)?;
        if family == "singular_values" {
            let smallest = *problem.widths.iter().min()?;
            return (i < smallest).then_some(Observable::SingularValue(i));
        }
        if i >= problem.modes() || !problem.is_linear() {
            return None;
        }
        let two = problem.weight_layers() == 2;
        match family {
            "u" => Some(Observable::U(i)),
            "learning_time" => {
                let threshold = problem.learnt_fraction * self.task.strengths[i];
                Some(self.watch(Wait::Mode { index: i, threshold }))
            }
            "a" if two => Some(Observable::A(i)),
            "b" if two => Some(Observable::B(i)),
            "conserved" if two => Some(Observable::Conserved(i)),
            _ => None,
        }
    }

    fn watch(&mut self, wait: Wait) -> Observable {
        self.watches.push(Stopwatch { wait, margin: 0.0, spent: 0.0 });
        Observable::Time(self.watches.len() - 1)
    }

    /// Whether updates need to be followed one by one.
    pub fn follows(&self) -> bool {
        !self.watches.is_empty()
    }

    /// Notes the network after an update, or at the start.
    pub fn follow(&mut self, layers: &Layers, time: f64) {
        let map = self.map(layers);
        let loss = if self.watches.iter().any(|w| matches!(w.wait, Wait::Loss { .. })) {
            self.training_loss(layers, map.as_ref())
        } else {
            0.0
        };
        let passed = time - self.latest;
        for watch in &mut self.watches {
            let margin = match watch.wait {
                Wait::Mode { index, threshold } => {
                    strength(self.task, map.as_ref().expect("modes are those of a linear network"), index)
                        - threshold
                }
                Wait::Loss { threshold } => threshold - loss,
            };
            let before = std::mem::replace(&mut watch.margin, margin);
            watch.spent += match (before < 0.0, margin < 0.0) {
                (true, true) => passed,
                (false, false) => 0.0,
                (true, false) => passed * before / (before - margin),
                (false, true) => passed * margin / (margin - before),
            };
        }
        self.latest = time;
    }

    /// W of a linear network.
    fn map(&self, layers: &Layers) -> Option<DMatrix<f64>> {
        self.problem.is_linear().then(|| chain(&layers.weights))
    }

    /// Loss of f = 0 that the threshold of the loss refers to.
    fn zero_loss(&self) -> f64 {
        match self.samples {
            Some(samples) => 0.5 * samples.labels.norm_squared() / samples.labels.ncols() as f64,
            None => 0.5 * product(&self.task.target, &self.task.root()).norm_squared(),
        }
    }

    /// Half the mean squared error on the training set, or on the distribution without one.
    fn training_loss(&self, layers: &Layers, map: Option<&DMatrix<f64>>) -> f64 {
        match (self.samples, map) {
            (Some(samples), Some(map)) => {
                let error = &samples.labels - product(map, &samples.inputs);
                0.5 * error.norm_squared() / samples.labels.ncols() as f64
            }
            (Some(samples), None) => {
                let error = &samples.labels - layers.output(&samples.inputs);
                0.5 * error.norm_squared() / samples.labels.ncols() as f64
            }
            (None, Some(map)) => self.loss_of_map(map),
            (None, None) => unreachable!("a nonlinear network on fresh samples reports no loss_time"),
        }
    }

    fn loss_of_map(&self, map: &DMatrix<f64>) -> f64 {
        0.5 * product(&(&self.task.target - map), &self.task.root()).norm_squared()
    }

    /// All observables of the network, or what left the finite numbers.
    pub fn snapshot(
        &self,
        layers: &Layers,
        number: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Result<Vec<f64>, String>, SimulationError> {
        if let Some(l) = layers.weights.iter().position(|w| w.iter().any(|x| !x.is_finite())) {
            return Ok(Err(format!("W_{} left the finite numbers", l + 1)));
        }
        let map = self.map(layers);
        let linear = || map.as_ref().expect("an observable of linear networks");
        let singular = if self.observables.iter().any(|o| matches!(o, Observable::SingularValue(_))) {
            let jacobian = map.clone().unwrap_or_else(|| layers.jacobian(&self.probe));
            svd(&jacobian)?.values.iter().copied().collect()
        } else {
            Vec::new()
        };
        let mut values = Vec::with_capacity(self.observables.len());
        for (observable, name) in self.observables.iter().zip(self.names) {
            let value = match *observable {
                Observable::Loss => match (self.risk, &map) {
                    (Risk::Overlaps, Some(map)) => self.loss_of_map(map),
                    (Risk::TestSet { samples }, _) => self.test_loss(layers, samples, number, stop)?,
                    (Risk::Overlaps, None) => return Err(SimulationError::NeedsTestSet),
                },
                Observable::TrainingLoss => self.training_loss(layers, map.as_ref()),
                Observable::SingularValue(i) => singular.get(i).copied().unwrap_or(0.0),
                Observable::U(mode) => strength(self.task, linear(), mode),
                Observable::KernelDrift => match &self.start {
                    Some(start) => kernel_drift(start, &moments(&layers.weights)),
                    None => 0.0,
                },
                Observable::A(mode) => {
                    let [first, second] = self.sides(&layers.weights, mode);
                    first.dot(&second) / second.norm()
                }
                Observable::B(mode) => self.sides(&layers.weights, mode)[1].norm(),
                Observable::Conserved(mode) => {
                    let [first, second] = self.sides(&layers.weights, mode);
                    second.norm_squared() - first.norm_squared()
                }
                Observable::Time(watch) => self.watches[watch].spent,
            };
            if !value.is_finite() {
                return Ok(Err(format!("{name} is {value}")));
            }
            values.push(value);
        }
        Ok(Ok(values))
    }

    /// W_1 v and W_2^T u of one mode.
    fn sides(&self, weights: &[DMatrix<f64>], mode: usize) -> [DMatrix<f64>; 2] {
        let column = |m: &DMatrix<f64>| m.columns(mode, 1).into_owned();
        [
            product(&weights[0], &column(&self.task.right)),
            transpose_product(&weights[1], &column(&self.task.left)),
        ]
    }

    /// Half the mean squared difference of target and network on fresh inputs.
    fn test_loss(
        &self,
        layers: &Layers,
        samples: usize,
        number: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<f64, SimulationError> {
        const BLOCK: usize = 1000;
        let mut gaussians = self.test_set.index(number as u64).gaussians();
        let mut sum = 0.0;
        let mut left = samples;
        while left > 0 {
            if stop() {
                return Err(SimulationError::Interrupted);
            }
            let inputs = self.task.draw(left.min(BLOCK), &mut gaussians);
            sum += (product(&self.task.target, &inputs) - layers.output(&inputs)).norm_squared();
            left -= inputs.ncols();
        }
        Ok(0.5 * sum / samples as f64)
    }
}

/// W_L ... W_1.
fn chain(weights: &[DMatrix<f64>]) -> DMatrix<f64> {
    weights[1..].iter().fold(weights[0].clone(), |map, w| product(w, &map))
}

/// u_i.W v_i
fn strength(task: &Task, map: &DMatrix<f64>, mode: usize) -> f64 {
    task.left.column(mode).dot(&(map * task.right.column(mode)))
}

fn moments(weights: &[DMatrix<f64>]) -> Vec<Moments> {
    let layers = weights.len();
    (0..layers)
        .map(|l| {
            let below = match l {
                0 => DMatrix::identity(weights[0].ncols(), weights[0].ncols()),
                _ => {
                    let b = chain(&weights[..l]);
                    transpose_product(&b, &b)
                }
            };
            let above = match l + 1 {
                top if top == layers => DMatrix::identity(weights[l].nrows(), weights[l].nrows()),
                next => {
                    let a = chain(&weights[next..]);
                    product_transpose(&a, &a)
                }
            };
            Moments { below, above }
        })
        .collect()
}

/// |K - K(0)| / |K(0)| of K = sum_l above_l x below_l, entry by entry of the kernel: one block of outputs at a
/// time.
fn kernel_drift(start: &[Moments], now: &[Moments]) -> f64 {
    let outputs = start[0].above.nrows();
    let (mut change, mut norm) = (0.0, 0.0);
    for i in 0..outputs {
        for j in 0..outputs {
            let block = |terms: &[Moments]| {
                let mut sum = DMatrix::zeros(start[0].below.nrows(), start[0].below.ncols());
                for term in terms {
                    sum += &term.below * term.above[(i, j)];
                }
                sum
            };
            let first = block(start);
            change += (block(now) - &first).norm_squared();
            norm += first.norm_squared();
        }
    }
    (change / norm).sqrt()
}

/// g of the problem's hidden units.
pub(super) fn hidden(problem: &DeepLinear) -> Hidden {
    if problem.is_linear() { Hidden::Linear } else { Hidden::Tanh }
}
