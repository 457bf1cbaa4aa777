//! Two-layer teacher-student networks under SGD, as vectors of length d or by their overlaps.
//!
//! The algorithm is the one of [`crate::problem::committee::Committee`], step by step, in one place,
//! `learner`, in terms of fields; what carries weights and inputs is exchanged beneath it.
//!
//! **Direct simulation**, the evidence of record. One pass over the weights does the update of one sample and
//! the fields of the next: the update waits until the next input is drawn, block by block, so each weight is
//! read and written once per step. The numbers are those of the plain order.
//!
//! Memory of a direct run: (K + M) d doubles for the weights; d more for the latest input of a batch of one, if
//! K + M >= 5 or d <= 2^17 (1 MiB); and the training set, n (d + 1) for n samples, where there is one. Otherwise
//! inputs that are needed twice are drawn twice.
//!
//! **Overlap chain**, [`super::chain`]: the same process in law at every d, at a cost per sample and a memory
//! that do not depend on d.

mod coordinates;
mod data;
mod learner;
mod observe;
mod start;
#[cfg(test)]
mod tests;
mod units;
mod vectors;

use super::{Measure, Replica, SimulationError};
use crate::problem::committee::{Committee, Overlaps};
use crate::problem::scaling::{time_of, updates_at};
use crate::problem::{Method, Start};
use crate::rng::{Simd, Stream};
use crate::trajectory::{Curve, End};
use coordinates::Coordinates;
use learner::{Body, Learner};
use observe::Observer;
use start::Network;
use std::time::Instant;
use vectors::Vectors;

pub(super) fn start(
    problem: &Committee,
    d: usize,
    method: Method,
    stream: &Stream,
) -> Result<Overlaps, SimulationError> {
    match method {
        Method::Direct | Method::MatrixFree => Ok(Network::new(problem, d, stream, Simd::best())?.overlaps()),
        Method::OverlapChain => Ok(Coordinates::new(problem, d, stream)?.overlaps()),
    }
}

pub(super) fn replica(
    problem: &Committee,
    d: usize,
    method: Method,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    let observer = Observer::new(problem, measure)?;
    let mut replica = match method {
        Method::Direct | Method::MatrixFree => {
            let network = Network::new(problem, d, stream, Simd::best())?;
            run(problem, d, Vectors::new(problem, network, stream)?, &observer, measure, stop)?
        }
        Method::OverlapChain => {
            run(problem, d, Coordinates::new(problem, d, stream)?, &observer, measure, stop)?
        }
    };
    replica.curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(replica)
}

fn run(
    problem: &Committee,
    d: usize,
    mut body: impl Body,
    observer: &Observer,
    measure: &Measure,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let start = body.overlaps();
    let between_polls = body.updates_between_polls(problem);
    let mut learner = Learner::new(problem, d, body);
    let mut curve = Curve::new(measure.observables);
    let mut updates = 0;
    'run: for (snapshot, &time) in measure.times.iter().enumerate() {
        let wanted = updates_at(time, d);
        while updates < wanted {
            if updates % between_polls == 0 && stop() {
                return Err(SimulationError::Interrupted);
            }
            if let Err(reason) = learner.update() {
                curve.end = End::Diverged { time: time_of(updates, d), reason };
                break 'run;
            }
            updates += 1;
        }
        match observer.snapshot(&mut learner.body, snapshot, stop)? {
            Ok(values) => curve.push(time_of(updates, d), &values),
            Err(reason) => {
                curve.end = End::Diverged { time: time_of(updates, d), reason };
                break;
            }
        }
    }
    curve.work.updates = updates;
    Ok(Replica { curve, start: Start::Committee(start) })
}
