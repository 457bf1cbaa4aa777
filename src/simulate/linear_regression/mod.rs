//! Linear regression on drawn data: gradient descent by matrix-vector products, or in closed form on the spectrum.
//!
//! One update reads the P x N data twice, X w and X^T r. Memory: the data; for the spectrum and for the frozen error
//! one thin singular value decomposition beside them.

mod network;
mod search;
mod spectrum;

use super::{Measure, Replica, Risk, SimulationError};
use crate::linalg::{Read, multiply};
use crate::problem::Start;
use crate::problem::linear_regression::{LinearRegression, Solver, Student};
use crate::problem::scaling::OnePassStep;
use crate::rng::Stream;
use crate::trajectory::{Curve, End};
use nalgebra::DMatrix;
use spectrum::Spectrum;
use std::time::Instant;

/// Multiplications between two questions whether to stop: some milliseconds.
const WORK_BETWEEN_POLLS: usize = 1 << 22;

/// What a replica draws before it learns. Vectors are matrices of one column.
struct Drawn {
    /// X, P x N.
    data: DMatrix<f64>,
    /// w* and w_0.
    teacher: DMatrix<f64>,
    start: DMatrix<f64>,
    labels: DMatrix<f64>,
}

impl Drawn {
    fn new(problem: &LinearRegression, size: usize, stream: &Stream) -> Result<Self, SimulationError> {
        let samples = problem.samples(size);
        if size == 0 || samples == 0 {
            return Err(SimulationError::EmptyTrainingSet { per_dimension: problem.sample_ratio, size });
        }
        let normal = |name: &str, rows: usize, columns: usize, std: f64| {
            let mut matrix = DMatrix::zeros(rows, columns);
            stream.child(name).gaussians().fill(matrix.as_mut_slice());
            matrix * std
        };
        let data = normal("data", samples, size, OnePassStep::new(size).field);
        let teacher = normal("teacher", size, 1, problem.teacher_std);
        let start = normal("init", size, 1, problem.init_std);
        let mut labels = normal("label-noise", samples, 1, problem.noise_std);
        multiply(&mut labels, true, 1.0, (&data, Read::Plain), (&teacher, Read::Plain));
        Ok(Self { data, teacher, start, labels })
    }
}

/// The smallest error of a run so far.
#[derive(Clone, Copy, Debug)]
struct Best {
    time: f64,
    error: f64,
}

pub(super) fn replica(
    problem: &LinearRegression,
    size: usize,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    super::check_times(measure)?;
    if let Student::Relu(relu) = &problem.student {
        let mut curve = Curve::new(measure.observables);
        network::descend(problem, relu, size, measure, stream, &mut curve, stop)?;
        curve.work.seconds = clock.elapsed().as_secs_f64();
        return Ok(Replica { curve, start: Start::Size(size) });
    }
    let drawn = Drawn::new(problem, size, stream)?;
    let wants = |names: &[&str]| measure.observables.iter().any(|o| names.contains(&o.as_str()));
    let exact = problem.solver == Solver::ExactSpectrum;
    let spectrum = if exact || wants(&["frozen_error", "ridge_error"]) {
        Some(Spectrum::new(problem, &drawn)?)
    } else {
        None
    };
    let observer = Observer { problem, drawn: &drawn, spectrum: spectrum.as_ref(), measure, stream };
    let mut curve = Curve::new(measure.observables);
    let follows = wants(&["best_error", "best_time"]);
    match (&spectrum, exact) {
        (Some(spectrum), true) => along_spectrum(problem, spectrum, &observer, follows, &mut curve, stop)?,
        _ => by_updates(problem, &drawn, &observer, follows, &mut curve, stop)?,
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::Size(size) })
}

/// Closed form in time on the modes of the data.
fn along_spectrum(
    problem: &LinearRegression,
    spectrum: &Spectrum,
    observer: &Observer,
    follows: bool,
    curve: &mut Curve,
    stop: &dyn Fn() -> bool,
) -> Result<(), SimulationError> {
    let mut best = Best { time: 0.0, error: f64::INFINITY };
    for (snapshot, &time) in observer.measure.times.iter().enumerate() {
        if stop() {
            return Err(SimulationError::Interrupted);
        }
        let time = problem.recorded_time(time);
        if follows {
            best = spectrum.best(problem, time);
        }
        let weights = spectrum.weights(problem, time);
        if !observer.push(snapshot, time, &weights, best, curve)? {
            break;
        }
    }
    Ok(())
}

fn by_updates(
    problem: &LinearRegression,
    drawn: &Drawn,
    observer: &Observer,
    follows: bool,
    curve: &mut Curve,
    stop: &dyn Fn() -> bool,
) -> Result<(), SimulationError> {
    let step = problem.learning_rate.expect("checked when the problem was read");
    let shrink = 1.0 - step * problem.weight_decay;
    let between_polls = (WORK_BETWEEN_POLLS / (2 * drawn.data.len())) as u64 + 1;
    let mut weights = drawn.start.clone();
    let mut rest = drawn.labels.clone();
    let mut updates = 0;
    let mut best = Best { time: 0.0, error: observer.population(&weights) };
    for (snapshot, &time) in observer.measure.times.iter().enumerate() {
        let wanted = problem.updates_at(time).expect("steps have a length");
        while updates < wanted {
            if updates % between_polls == 0 && stop() {
                return Err(SimulationError::Interrupted);
            }
            // r = y - X w; w += eta (X^T r - g w).
            rest.copy_from(&drawn.labels);
            multiply(&mut rest, true, -1.0, (&drawn.data, Read::Plain), (&weights, Read::Plain));
            if shrink != 1.0 {
                weights *= shrink;
            }
            multiply(&mut weights, true, step, (&drawn.data, Read::Transposed), (&rest, Read::Plain));
            updates += 1;
            if follows {
                let error = observer.population(&weights);
                if error < best.error {
                    best = Best { time: updates as f64 * step, error };
                }
            }
        }
        curve.work.updates = updates;
        if !observer.push(snapshot, updates as f64 * step, &weights, best, curve)? {
            break;
        }
    }
    Ok(())
}

struct Observer<'a> {
    problem: &'a LinearRegression,
    drawn: &'a Drawn,
    spectrum: Option<&'a Spectrum>,
    measure: &'a Measure<'a>,
    stream: &'a Stream,
}

impl Observer<'_> {
    /// Appends one snapshot; false if the run has left the finite numbers.
    fn push(
        &self,
        snapshot: usize,
        time: f64,
        weights: &DMatrix<f64>,
        best: Best,
        curve: &mut Curve,
    ) -> Result<bool, SimulationError> {
        let mut values = Vec::with_capacity(self.measure.observables.len());
        for name in self.measure.observables {
            values.push(match name.as_str() {
                "generalisation_error" => match self.measure.risk {
                    Risk::Overlaps => self.population(weights),
                    Risk::TestSet { samples } => self.on_fresh_samples(weights, samples, snapshot)?,
                },
                "training_error" => self.on_training_set(weights),
                "weight_norm" => weights.norm_squared() / weights.len() as f64,
                "frozen_error" => {
                    self.spectrum.expect("decomposed for it").frozen(weights, &self.drawn.teacher)
                }
                "best_error" => best.error,
                "best_time" => best.time,
                "ridge_error" => {
                    let ridge =
                        self.spectrum.expect("decomposed for it").ridge(self.problem, &self.drawn.start);
                    self.population(&ridge)
                }
                _ => return Err(SimulationError::UnknownObservable(name.clone())),
            });
        }
        if let Some(o) = values.iter().position(|v: &f64| !v.is_finite()) {
            let reason = format!("{} is {}", self.measure.observables[o], values[o]);
            curve.end = End::Diverged { time: curve.times.last().copied().unwrap_or(0.0), reason };
            return Ok(false);
        }
        curve.push(time, &values);
        Ok(true)
    }

    /// sigma^2 + |w - w*|^2 / N.
    fn population(&self, weights: &DMatrix<f64>) -> f64 {
        let squared: f64 = weights.iter().zip(&self.drawn.teacher).map(|(w, t)| (w - t) * (w - t)).sum();
        self.problem.noise_std * self.problem.noise_std + squared / weights.len() as f64
    }

    fn on_training_set(&self, weights: &DMatrix<f64>) -> f64 {
        let mut rest = self.drawn.labels.clone();
        multiply(&mut rest, true, -1.0, (&self.drawn.data, Read::Plain), (weights, Read::Plain));
        rest.norm_squared() / rest.len() as f64
    }

    /// Mean squared error on fresh samples, other ones at every snapshot.
    fn on_fresh_samples(
        &self,
        weights: &DMatrix<f64>,
        samples: usize,
        snapshot: usize,
    ) -> Result<f64, SimulationError> {
        if samples == 0 {
            return Err(SimulationError::EmptyTestSet);
        }
        let gap = weights - &self.drawn.teacher;
        let field = OnePassStep::new(weights.len()).field;
        let mut gaussians = self.stream.child("test-set").index(snapshot as u64).gaussians();
        let mut sample = vec![0.0; weights.len()];
        let mut sum = 0.0;
        for _ in 0..samples {
            gaussians.fill(&mut sample);
            let along: f64 = sample.iter().zip(&gap).map(|(x, g)| x * g).sum();
            let error = along * field + self.problem.noise_std * gaussians.next();
            sum += error * error;
        }
        Ok(sum / samples as f64)
    }
}
