//! Multi-pass SGD on a Gaussian mixture, on samples of finite dimension.
//!
//! The algorithm is the one of [`GaussianMixture`]. An update computes the fields of the samples of its batch and adds
//! their gradients; nothing else of the data is touched. Either the data are stored, n d numbers, or they are never
//! formed and their products drawn as they are needed (see `data`), which has the same law and reaches d = 10^5.

mod batches;
mod data;
mod kernels;
mod learner;

use super::{Measure, Replica, Risk, SimulationError};
use crate::problem::gaussian_mixture::{self, GaussianMixture, Observable, risk};
use crate::problem::{Definition, Method, Start};
use crate::rng::{Simd, Stream};
use crate::trajectory::{Curve, End};
use data::{Samples, centre, fresh_fields};
use kernels::dot;
use learner::Learner;
use std::time::Instant;

/// Squared lengths beyond which a trajectory counts as diverged.
const LARGEST: f64 = 1e200;

/// v and w(0).
fn weights(problem: &GaussianMixture, d: usize, stream: &Stream) -> (Vec<f64>, Vec<f64>) {
    let v = centre(d, stream);
    let mut w = vec![0.0; d];
    stream.child("init").gaussians().fill(&mut w);
    let std = problem.initial_variance.sqrt();
    w.iter_mut().for_each(|w| *w *= std);
    let missing = problem.initial_overlap - overlap(problem, &w, &v);
    w.iter_mut().zip(&v).for_each(|(w, v)| *w += missing * v);
    (v, w)
}

/// a.b/d.
fn overlap(problem: &GaussianMixture, a: &[f64], b: &[f64]) -> f64 {
    problem.scaling(a.len()).slow * dot(Simd::best(), a, b)
}

pub(super) fn start(problem: &GaussianMixture, d: usize, stream: &Stream) -> Result<Start, SimulationError> {
    check_size(problem, d)?;
    let (v, w) = weights(problem, d, stream);
    Ok(measured(problem, &v, &w))
}

fn measured(problem: &GaussianMixture, v: &[f64], w: &[f64]) -> Start {
    let m = overlap(problem, w, v);
    let variance = overlap(problem, w, w) - m * m;
    // A start on v itself has none, up to rounding of either sign.
    Start::GaussianMixture(gaussian_mixture::Start { overlap: m, variance: variance.max(0.0) })
}

fn check_size(problem: &GaussianMixture, d: usize) -> Result<(), SimulationError> {
    let needed = problem.smallest_size();
    if d < needed {
        return Err(SimulationError::TooSmall { size: d, needed });
    }
    match problem.samples(d) {
        0 => Err(SimulationError::NoSamples { samples: 0, size: d }),
        _ => Ok(()),
    }
}

pub(super) fn replica(
    problem: &GaussianMixture,
    d: usize,
    method: Method,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    check_size(problem, d)?;
    let observables = check(problem, measure)?;
    let (v, w) = weights(problem, d, stream);
    let start = measured(problem, &v, &w);
    let samples = Samples::new(problem, d, &v, method != Method::MatrixFree, stream);
    let mut run = Run::new(problem, measure, observables, v, samples, w, stream);
    let mut curve = run.follow(stop)?;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start })
}

fn check(problem: &GaussianMixture, measure: &Measure) -> Result<Vec<Observable>, SimulationError> {
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
    let parse = |name: &String| {
        Observable::parse(problem, name).ok_or_else(|| SimulationError::UnknownObservable(name.clone()))
    };
    let observables = measure.observables.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    for observable in &observables {
        if let (Observable::EffectiveTemperature(i), Some(&time)) = (*observable, measure.times.first())
            && time <= problem.correlation_times[i]
        {
            return Err(SimulationError::NoTemperature { time, reference: problem.correlation_times[i] });
        }
    }
    Ok(observables)
}

/// What is known at one snapshot before the run is over.
struct Snapshot {
    time: f64,
    /// Values that need no other time.
    values: Vec<f64>,
    /// w, where correlations are wanted.
    w: Option<usize>,
}

struct Run<'a> {
    problem: &'a GaussianMixture,
    measure: &'a Measure<'a>,
    observables: Vec<Observable>,
    /// Updates of the snapshots and of the times t'.
    at: Vec<usize>,
    references: Vec<usize>,
    /// Position among the forces, for each t'.
    forces: Vec<Option<usize>>,
    v: Vec<f64>,
    learner: Learner<'a>,
    /// Weights at the updates that correlations need.
    kept: Vec<(usize, Vec<f64>)>,
    test_set: Stream,
}

impl<'a> Run<'a> {
    fn new(
        problem: &'a GaussianMixture,
        measure: &'a Measure<'a>,
        observables: Vec<Observable>,
        v: Vec<f64>,
        samples: Samples,
        w: Vec<f64>,
        stream: &Stream,
    ) -> Self {
        let references: Vec<usize> =
            problem.correlation_times.iter().map(|&t| problem.updates_at(t)).collect();
        let mut onsets = Vec::new();
        let forces = (0..references.len()).map(|i| {
            let wanted = observables.iter().any(|o| o.needs_response() && o.reference() == Some(i));
            wanted.then(|| {
                onsets.push(references[i]);
                onsets.len() - 1
            })
        });
        let forces = forces.collect();
        let fork = problem.fork_time.filter(|_| observables.contains(&Observable::Distance));
        let fork = fork.map(|t| problem.updates_at(t));
        Self {
            problem,
            measure,
            at: measure.times.iter().map(|&t| problem.updates_at(t)).collect(),
            references,
            forces,
            v,
            learner: Learner::new(problem, samples, w, &onsets, fork, stream),
            observables,
            kept: Vec::new(),
            test_set: stream.child("test-set"),
        }
    }

    fn follow(&mut self, stop: &dyn Fn() -> bool) -> Result<Curve, SimulationError> {
        let used: Vec<usize> =
            self.observables.iter().filter_map(|o| o.reference()).map(|i| self.references[i]).collect();
        let last = self.at.iter().chain(&used).copied().max().unwrap_or(0);
        let keeps = !used.is_empty();
        let mut snapshots: Vec<Snapshot> = Vec::new();
        let mut end = End::Complete;
        let mut updates = 0;
        for t in 0..=last {
            if stop() {
                return Err(SimulationError::Interrupted);
            }
            let square = overlap(self.problem, self.learner.w(), self.learner.w());
            if square.is_nan() || square >= LARGEST {
                let reason = format!("|w|^2/d is {square:e}");
                end = End::Diverged { time: self.problem.time_of(t), reason };
                break;
            }
            let wanted = self.at.iter().filter(|&&at| at == t).count();
            let kept = (keeps && (wanted > 0 || used.contains(&t))).then(|| {
                self.kept.push((t, self.learner.w().to_vec()));
                self.kept.len() - 1
            });
            if wanted > 0 {
                let values = self.values(square, snapshots.len());
                let time = self.problem.time_of(t);
                snapshots.extend((0..wanted).map(|_| Snapshot { time, values: values.clone(), w: kept }));
            }
            if t < last {
                self.learner.update(t);
                updates += 1;
            }
        }
        let mut curve = Curve::new(self.measure.observables);
        for snapshot in &snapshots {
            match self.completed(snapshot) {
                Some(values) => curve.push(snapshot.time, &values),
                None => break,
            }
        }
        curve.end = end;
        curve.work.updates = updates;
        Ok(curve)
    }

    /// Observables at the present weights; of a correlation or temperature what is known now.
    fn values(&mut self, square: f64, snapshot: usize) -> Vec<f64> {
        let problem = self.problem;
        let m = overlap(problem, self.learner.w(), &self.v);
        let trains = |o: &Observable| matches!(o, Observable::TrainingLoss | Observable::TrainingAccuracy);
        let (loss, accuracy) =
            if self.observables.iter().any(trains) { self.learner.training() } else { (0.0, 0.0) };
        let tests = self.observables.contains(&Observable::TestError);
        let test_error = if tests { self.test_error(m, square, snapshot) } else { 0.0 };
        let value = |observable: &Observable| match *observable {
            Observable::Overlap => m,
            Observable::SquaredLength | Observable::Correlation(_) => square,
            Observable::TrainingLoss => loss,
            Observable::TrainingAccuracy => accuracy,
            Observable::TestError => test_error,
            Observable::Distance => self.learner.distance(),
            Observable::Response(i) | Observable::EffectiveTemperature(i) => {
                self.forces[i].map_or(0.0, |force| self.learner.response(force))
            }
        };
        self.observables.iter().map(value).collect()
    }

    fn test_error(&self, m: f64, square: f64, snapshot: usize) -> f64 {
        let Risk::TestSet { samples } = self.measure.risk else {
            return risk::test_error(self.problem, m, square);
        };
        let stream = self.test_set.index(snapshot as u64);
        let (mut normals, mut random) = (stream.gaussians(), stream.child("clusters").generator());
        let mut room = vec![0.0; self.v.len()];
        let errors = (0..samples).map(|_| {
            let (r, y) =
                fresh_fields(self.problem, self.learner.w(), &self.v, &mut normals, &mut random, &mut room);
            match self.problem.classifies() {
                true => f64::from(!self.problem.is_right(y, r)),
                false => self.problem.loss_value(y, r),
            }
        });
        errors.sum::<f64>() / samples as f64
    }

    /// The values with what other times add; `None` if one of those was not reached.
    fn completed(&self, snapshot: &Snapshot) -> Option<Vec<f64>> {
        let complete = |(observable, &value): (&Observable, &f64)| {
            let with = |i: usize| {
                let now = &self.kept[snapshot.w?].1;
                let then = self.kept.iter().find(|(t, _)| *t == self.references[i])?;
                Some(overlap(self.problem, now, &then.1))
            };
            match *observable {
                Observable::Correlation(i) => with(i),
                Observable::EffectiveTemperature(i) => {
                    let now = &self.kept[snapshot.w?].1;
                    Some((overlap(self.problem, now, now) - with(i)?) / value)
                }
                _ => Some(value),
            }
        };
        self.observables.iter().zip(&snapshot.values).map(complete).collect()
    }
}
