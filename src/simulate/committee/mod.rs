//! Two-layer teacher-student networks under SGD, on vectors of length d.
//!
//! The algorithm is the one of [`crate::problem::committee::Committee`], step by step. One pass over the
//! weights does the update of one sample and the fields of the next: the update waits until the next input is
//! drawn, block by block, so each weight is read and written once per step. The numbers are those of the
//! plain order.
//!
//! Memory: (K + M + 1) d doubles; K d more for batches of several samples, whose gradient is accumulated; and
//! the training set, n (d + 1) for n samples, where there is one.

mod data;
mod learner;
mod observe;
mod start;
mod units;

use super::{Measure, Replica, SimulationError};
use crate::problem::Start;
use crate::problem::committee::{Committee, Overlaps};
use crate::problem::scaling::{time_of, updates_at};
use crate::rng::{Simd, Stream};
use crate::trajectory::{Curve, End};
use learner::Learner;
use observe::Observer;
use start::Network;
use std::time::Instant;

/// Multiplications between two questions whether to stop: some milliseconds.
const WORK_BETWEEN_POLLS: usize = 1 << 24;

pub(super) fn start(problem: &Committee, d: usize, stream: &Stream) -> Result<Overlaps, SimulationError> {
    Ok(Network::new(problem, d, stream, Simd::best())?.overlaps())
}

pub(super) fn replica(
    problem: &Committee,
    d: usize,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    let observer = Observer::new(problem, measure, stream)?;
    let network = Network::new(problem, d, stream, Simd::best())?;
    let start = network.overlaps();
    let mut learner = Learner::new(problem, network, stream)?;
    let mut curve = Curve::new(measure.observables);

    let per_update = problem.batch * d * (problem.student_width + problem.teacher_width);
    let between_polls = (WORK_BETWEEN_POLLS / per_update) as u64 + 1;
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
        let network = learner.network();
        match observer.snapshot(network, snapshot, stop)? {
            Ok(values) => curve.push(time_of(updates, d), &values),
            Err(reason) => {
                curve.end = End::Diverged { time: time_of(updates, d), reason };
                break;
            }
        }
    }
    curve.work.updates = updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::Committee(start) })
}
