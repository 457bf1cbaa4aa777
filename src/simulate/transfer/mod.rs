//! Fine-tuning on drawn samples: by SGD, by gradient descent, or straight to the interpolating weights.
//!
//! Samples are divided by sqrt(d), so that their squared length is about 1, and weights multiplied by it.

mod inputs;

use super::{Measure, Replica, Risk, SimulationError};
use crate::linalg::{LinalgError, Read, least_norm, multiply, product_transpose, solve};
use crate::problem::scaling::OnePassStep;
use crate::problem::transfer::{Solver, Task, Transfer};
use crate::problem::{Definition, Start};
use crate::rng::{Gaussians, Stream};
use crate::trajectory::{Curve, End};
use inputs::Entries;
use nalgebra::DMatrix;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use std::time::Instant;

/// ln of the probability that a normal variable exceeds `z`: by the error function, and far out by the asymptotic series
/// exp(-z^2/2) / (z sqrt(2 pi)) (1 - 1/z^2 + 3/z^4 - ...), whose eighth term is below 1e-14 there.
fn ln_tail(z: f64) -> f64 {
    const FAR: f64 = 20.0;
    if z < FAR {
        return libm::log(0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2));
    }
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 0..8 {
        term *= -f64::from(2 * k + 1) / (z * z);
        sum += term;
    }
    -0.5 * z * z - libm::log(z * (2.0 * std::f64::consts::PI).sqrt() / sum)
}

const WORK_BETWEEN_POLLS: usize = 1 << 22;

/// The samples and what they are about. Vectors are matrices of one column.
struct Drawn {
    /// Samples in columns, d x n.
    samples: DMatrix<f64>,
    labels: DMatrix<f64>,
    /// w_0 and, for regression, w*.
    start: DMatrix<f64>,
    teacher: DMatrix<f64>,
    /// mu, of length M.
    mean: DMatrix<f64>,
    eigenvalues: Vec<f64>,
}

/// A random direction of this length.
fn direction(d: usize, length: f64, gaussians: &mut Gaussians) -> DMatrix<f64> {
    let mut vector = DMatrix::zeros(d, 1);
    gaussians.fill(vector.as_mut_slice());
    let norm = vector.norm();
    vector * (length / norm)
}

impl Drawn {
    fn new(problem: &Transfer, d: usize, stream: &Stream) -> Result<Self, SimulationError> {
        let n = problem.samples(d);
        if n == 0 {
            let per_dimension = 1.0 / problem.overparametrisation;
            return Err(SimulationError::EmptyTrainingSet { per_dimension, size: d });
        }
        let eigenvalues = problem.eigenvalues(d);
        let mut samples = DMatrix::zeros(d, n);
        Entries::new(problem.inputs, &stream.child("data")).fill(samples.as_mut_slice());
        for mut sample in samples.column_iter_mut() {
            sample.iter_mut().zip(&eigenvalues).for_each(|(x, l)| *x *= l.sqrt());
        }
        let mut teacher_stream = stream.child("teacher").gaussians();
        let mut noise = stream.child("label-noise").gaussians();
        let mut labels = DMatrix::zeros(n, 1);
        let zero = DMatrix::zeros(d, 1);
        match problem.task {
            Task::Regression { distance, noise_std } => {
                let teacher = direction(d, distance, &mut teacher_stream);
                noise.fill(labels.as_mut_slice());
                labels *= noise_std;
                multiply(&mut labels, true, 1.0, (&samples, Read::Transposed), (&teacher, Read::Plain));
                Ok(Self { samples, labels, start: zero.clone(), teacher, mean: zero, eigenvalues })
            }
            Task::Classification { separation, pretrained_norm, alignment } => {
                let mean = direction(d, separation, &mut teacher_stream);
                let unit = &mean / separation;
                let mut across = direction(d, 1.0, &mut teacher_stream);
                let overlap = across.dot(&unit);
                across -= &unit * overlap;
                let length = across.norm();
                let sine = (1.0 - alignment * alignment).sqrt();
                let start =
                    &unit * (pretrained_norm * alignment) + across * (pretrained_norm * sine / length);
                let mut classes = stream.child("batch").generator();
                for (mut sample, label) in samples.column_iter_mut().zip(labels.iter_mut()) {
                    *label = if classes.random_range(0..2u64) == 0 { -1.0 } else { 1.0 };
                    sample.iter_mut().zip(&mean).for_each(|(x, m)| *x += *label * m);
                }
                Ok(Self { samples, labels, start, teacher: zero, mean, eigenvalues })
            }
        }
    }

    /// y - X w.
    fn residuals(&self, weights: &DMatrix<f64>) -> DMatrix<f64> {
        let mut rest = self.labels.clone();
        multiply(&mut rest, true, -1.0, (&self.samples, Read::Transposed), (weights, Read::Plain));
        rest
    }

    /// w_0 + X^+ (y - X w_0), where samples that depend on each other, as equal signs may, leave the least squares.
    fn interpolate(&self) -> Result<DMatrix<f64>, SimulationError> {
        let transposed = self.samples.transpose();
        let gram = product_transpose(&transposed, &transposed);
        let rest = self.residuals(&self.start);
        let dual = match solve(&gram, &rest) {
            Err(LinalgError::Singular { .. }) => least_norm(&gram, &rest)?,
            other => other?,
        };
        let mut weights = self.start.clone();
        multiply(&mut weights, true, 1.0, (&self.samples, Read::Plain), (&dual, Read::Plain));
        Ok(weights)
    }
}

/// Descent towards interpolation.
struct Descent {
    weights: DMatrix<f64>,
    choice: Xoshiro256PlusPlus,
    /// learning_rate / d.
    step: f64,
}

impl Descent {
    fn update(&mut self, problem: &Transfer, drawn: &Drawn) {
        if problem.solver == Solver::GradientDescent {
            let rest = drawn.residuals(&self.weights);
            multiply(&mut self.weights, true, self.step, (&drawn.samples, Read::Plain), (&rest, Read::Plain));
            return;
        }
        let (d, n) = drawn.samples.shape();
        let i = self.choice.random_range(0..n as u64) as usize;
        let sample = &drawn.samples.as_slice()[i * d..(i + 1) * d];
        let weights = self.weights.as_mut_slice();
        let output: f64 = sample.iter().zip(weights.iter()).map(|(x, w)| x * w).sum();
        let step = self.step * (drawn.labels[i] - output);
        weights.iter_mut().zip(sample).for_each(|(w, x)| *w += step * x);
    }
}

pub(super) fn replica(
    problem: &Transfer,
    size: usize,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    super::check_times(measure)?;
    let needed = problem.smallest_size();
    if size < needed {
        return Err(SimulationError::TooSmall { size, needed });
    }
    let drawn = Drawn::new(problem, size, stream)?;
    let mut curve = Curve::new(measure.observables);
    let mut descent = Descent {
        weights: if problem.solver == Solver::Interpolation {
            drawn.interpolate()?
        } else {
            drawn.start.clone()
        },
        choice: stream.child("order").generator(),
        step: problem.learning_rate * OnePassStep::new(size).slow,
    };
    let work = if problem.solver == Solver::Sgd { size } else { 2 * drawn.samples.len() };
    let between_polls = (WORK_BETWEEN_POLLS / work) as u64 + 1;
    let mut updates = 0;
    for (snapshot, &time) in measure.times.iter().enumerate() {
        if problem.solver != Solver::Interpolation {
            while updates < problem.updates_at(time, size) {
                if updates % between_polls == 0 && stop() {
                    return Err(SimulationError::Interrupted);
                }
                descent.update(problem, &drawn);
                updates += 1;
            }
        }
        let meter = Meter { problem, drawn: &drawn, measure, stream, snapshot };
        let (after, before) = (meter.risk(&descent.weights)?, meter.risk(&drawn.start)?);
        let mut values = Vec::with_capacity(measure.observables.len());
        for name in measure.observables {
            values.push(match name.as_str() {
                "fine_tuned" => after,
                "pretrained" => before,
                "gain" => meter.gain(&descent.weights, before, after),
                _ => return Err(SimulationError::UnknownObservable(name.clone())),
            });
        }
        if values.iter().any(|v: &f64| !v.is_finite()) {
            let time = curve.times.last().copied().unwrap_or(0.0);
            curve.end = End::Diverged {
                time,
                reason: "the weights or a ratio of them leave the finite numbers".into(),
            };
            break;
        }
        curve.push(problem.recorded_time(time, size), &values);
    }
    curve.work.updates = updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::Size(size) })
}

/// Measures weights on fresh inputs.
struct Meter<'a> {
    problem: &'a Transfer,
    drawn: &'a Drawn,
    measure: &'a Measure<'a>,
    stream: &'a Stream,
    snapshot: usize,
}

impl Meter<'_> {
    /// x of the error Phi(x): sums of many independent inputs are Gaussian, of variance sum l_i w_i^2.
    fn argument(&self, weights: &DMatrix<f64>) -> f64 {
        let drawn = self.drawn;
        let variance: f64 = weights.iter().zip(&drawn.eigenvalues).map(|(w, l)| l * w * w).sum();
        if variance == 0.0 { 0.0 } else { -weights.dot(&drawn.mean) / variance.sqrt() }
    }

    /// Risk before over risk after, by logarithms where errors underflow.
    fn gain(&self, weights: &DMatrix<f64>, before: f64, after: f64) -> f64 {
        let classifies = matches!(self.problem.task, Task::Classification { .. });
        if classifies && self.measure.risk == Risk::Overlaps && before.min(after) < 1e-290 {
            let ln = |weights| ln_tail(-self.argument(weights));
            return libm::exp(ln(&self.drawn.start) - ln(weights));
        }
        before / after
    }

    fn risk(&self, weights: &DMatrix<f64>) -> Result<f64, SimulationError> {
        let drawn = self.drawn;
        let gap = weights - &drawn.teacher;
        match (self.measure.risk, self.problem.task) {
            (Risk::Overlaps, Task::Regression { .. }) => {
                Ok(gap.iter().zip(&drawn.eigenvalues).map(|(g, l)| l * g * g).sum())
            }
            (Risk::Overlaps, Task::Classification { .. }) => {
                Ok(0.5 * libm::erfc(-self.argument(weights) * std::f64::consts::FRAC_1_SQRT_2))
            }
            (Risk::TestSet { samples: 0 }, _) => Err(SimulationError::EmptyTestSet),
            (Risk::TestSet { samples }, task) => {
                let fresh = self.stream.child("test-set").index(self.snapshot as u64);
                let mut entries = Entries::new(self.problem.inputs, &fresh);
                let mut z = vec![0.0; weights.len()];
                let signal = weights.dot(&drawn.mean);
                let mut sum = 0.0;
                for _ in 0..samples {
                    entries.fill(&mut z);
                    let output: f64 =
                        z.iter().zip(&drawn.eigenvalues).zip(&gap).map(|((z, l), g)| z * l.sqrt() * g).sum();
                    sum += match task {
                        Task::Regression { .. } => output * output,
                        // Both classes are alike up to the sign of z.
                        Task::Classification { .. } if signal + output < 0.0 => 1.0,
                        Task::Classification { .. } => 0.0,
                    };
                }
                Ok(sum / samples as f64)
            }
        }
    }
}
