//! Single-index models under spherical SGD, as vectors of length d or by their overlaps.
//!
//! The algorithm is the one of [`crate::problem::single_index::SingleIndex`], in one place, `learner`, in terms of
//! fields. Direct simulation takes inputs of any law; the overlap chain is the same process in law for Gaussian ones,
//! on two numbers for one planted direction (`pair`), in a frame for several. Passages of the overlap through the
//! thresholds of recovery are noted after every update. Averaged Langevin dynamics, `langevin`, goes over a training
//! set again and again, and has no overlap chain.

mod body;
mod coordinates;
mod inputs;
mod langevin;
mod learner;
mod length;
mod pair;
mod smoothing;
#[cfg(test)]
mod tests;
mod vectors;

use super::{Measure, Replica, Risk, SimulationError};
use crate::problem::Definition;
use crate::problem::single_index::{Algorithm, Init, SingleIndex, risk::Constants};
use crate::problem::{Method, Start};
use crate::rng::Stream;
use crate::trajectory::{Curve, End};
use body::Body;
use coordinates::Coordinates;
use langevin::Langevin;
use learner::Learner;
use length::ChiSquare;
use pair::Pair;
use std::time::Instant;
use vectors::Vectors;

/// Overlaps at time 0 of the chain: those of a uniform direction are normal numbers over a length.
fn chain_start(problem: &SingleIndex, d: usize, stream: &Stream) -> Vec<f64> {
    match &problem.init {
        Init::Given { m } => m.clone(),
        Init::Random { hemisphere } => {
            let init = stream.child("init");
            let mut normals = init.gaussians();
            let z: Vec<f64> = (0..problem.directions).map(|_| normals.next()).collect();
            let rest = ChiSquare::new(d - problem.directions, &init.child("residual")).draw();
            let length = (z.iter().map(|z| z * z).sum::<f64>() + rest).sqrt();
            let sign = if *hemisphere && z[0] < 0.0 { -1.0 } else { 1.0 };
            z.iter().map(|z| sign * z / length).collect()
        }
    }
}

fn check_size(problem: &SingleIndex, d: usize) -> Result<(), SimulationError> {
    let needed = problem.smallest_size();
    if d < needed { Err(SimulationError::TooSmall { size: d, needed }) } else { Ok(()) }
}

pub(super) fn start(
    problem: &SingleIndex,
    d: usize,
    method: Method,
    stream: &Stream,
) -> Result<Vec<f64>, SimulationError> {
    check_size(problem, d)?;
    Ok(match method {
        Method::Direct | Method::MatrixFree => Vectors::new(problem, d, stream).overlaps().to_vec(),
        Method::OverlapChain => chain_start(problem, d, stream),
    })
}

pub(super) fn replica(
    problem: &SingleIndex,
    d: usize,
    method: Method,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    check_size(problem, d)?;
    check_measure(problem, measure)?;
    if let Algorithm::Langevin { inverse_temperature, duration } = problem.algorithm {
        if let Some(reason) = problem.chain_uncovered().filter(|_| method == Method::OverlapChain) {
            return Err(SimulationError::Method { reason });
        }
        let langevin = Langevin::new(problem, d, inverse_temperature, duration, stream);
        return langevin::averaged(problem, d, langevin, measure, stream, stop);
    }
    match method {
        Method::Direct | Method::MatrixFree => {
            run(problem, d, Vectors::new(problem, d, stream), measure, stream, stop)
        }
        Method::OverlapChain => {
            let m = chain_start(problem, d, stream);
            match m[..] {
                [m] => run(problem, d, Pair::new(m, d, stream), measure, stream, stop),
                _ => run(problem, d, Coordinates::new(&m, d, stream), measure, stream, stop),
            }
        }
    }
}

fn check_measure(problem: &SingleIndex, measure: &Measure) -> Result<(), SimulationError> {
    measure.check_times()?;
    if measure.risk == (Risk::TestSet { samples: 0 }) {
        return Err(SimulationError::EmptyTestSet);
    }
    let known: Vec<String> = problem.observables().iter().flat_map(|info| info.entries()).collect();
    match measure.observables.iter().find(|key| !known.contains(key)) {
        Some(unknown) => Err(SimulationError::UnknownObservable(unknown.clone())),
        None => Ok(()),
    }
}

fn run(
    problem: &SingleIndex,
    d: usize,
    body: impl Body,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    let constants = Constants::new(problem);
    let between_polls = body.updates_between_polls();
    let mut learner = Learner::new(problem, d, body, stream);
    let start = learner.body.overlaps().to_vec();
    let mut curve = Curve::new(measure.observables);
    'run: for (snapshot, &time) in measure.times.iter().enumerate() {
        let wanted = problem.updates_at(time, d);
        while learner.updates < wanted {
            if stop() {
                return Err(SimulationError::Interrupted);
            }
            let pause = wanted.min(learner.updates + between_polls);
            while learner.updates < pause {
                if let Err(reason) = learner.update() {
                    curve.end = End::Diverged { time: problem.time_of(learner.updates, d), reason };
                    break 'run;
                }
            }
        }
        learner.body.measure();
        let now = problem.time_of(learner.updates, d);
        let mut values = Vec::with_capacity(measure.observables.len());
        for key in measure.observables {
            values.push(match key.as_str() {
                "loss" => match measure.risk {
                    Risk::Overlaps => constants.loss(problem, learner.body.overlaps()),
                    Risk::TestSet { samples } => {
                        on_test_set(problem, &mut learner.body, samples, snapshot, stop)
                            .ok_or(SimulationError::Interrupted)?
                    }
                },
                "overlap" => learner.overlap(),
                "weak_recovery" => f64::from(learner.passages[0].is_some()),
                "strong_recovery" => f64::from(learner.passages[1].is_some()),
                "weak_recovery_time" => problem.time_of(learner.passages[0].unwrap_or(learner.updates), d),
                "strong_recovery_time" => problem.time_of(learner.passages[1].unwrap_or(learner.updates), d),
                entry => {
                    let j = entry.trim_start_matches("m[").trim_end_matches(']').parse::<usize>();
                    learner.body.overlaps()[j.map_or(0, |j| j - 1)]
                }
            });
        }
        curve.push(now, &values);
    }
    curve.work.updates = learner.updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::SingleIndex(start) })
}

/// Half the mean squared error without label noise on fresh samples; `None` if `stop` said so.
fn on_test_set(
    problem: &SingleIndex,
    body: &mut impl Body,
    samples: usize,
    number: usize,
    stop: &dyn Fn() -> bool,
) -> Option<f64> {
    let scale = 1.0 / (problem.directions as f64).sqrt();
    let mut sum = 0.0;
    let done = body.probe(samples, number, stop, &mut |h, planted| {
        let label: f64 = planted.iter().map(|&field| problem.link.value(field)).sum();
        sum += (scale * label - problem.student.value(h)).powi(2);
    });
    done.then(|| 0.5 * sum / samples as f64)
}
