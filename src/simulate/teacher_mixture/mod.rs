//! A linear student on sub-populations, as vectors of length d or by its overlaps.
//!
//! The algorithm is the one of [`crate::problem::teacher_mixture::TeacherMixture`], in one place, `learner`, in terms
//! of fields; what carries vectors and inputs is exchanged beneath it. Memory of a direct run: 2 C + 2 vectors of
//! length d (C + 2 where all means are 0). The overlap chain is the same process in law at every d.

mod coordinates;
mod learner;
mod observe;
#[cfg(test)]
mod tests;
mod vectors;

use super::{Measure, Replica, SimulationError};
use crate::problem::scaling::{time_of, updates_at};
use crate::problem::teacher_mixture::{Overlaps, TeacherMixture};
use crate::problem::{Method, Start};
use crate::rng::Stream;
use crate::trajectory::{Curve, End};
use coordinates::Coordinates;
use learner::{Body, Learner};
use observe::Observer;
use std::time::Instant;
use vectors::Vectors;

pub(super) fn start(
    problem: &TeacherMixture,
    d: usize,
    method: Method,
    stream: &Stream,
) -> Result<Overlaps, SimulationError> {
    let b = problem.student_bias;
    Ok(match method {
        Method::Direct | Method::MatrixFree => Overlaps { b, ..Vectors::new(problem, d, stream)?.overlaps() },
        Method::OverlapChain => Overlaps { b, ..Coordinates::new(problem, d, stream)?.overlaps() },
    })
}

pub(super) fn replica(
    problem: &TeacherMixture,
    d: usize,
    method: Method,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    match method {
        Method::Direct | Method::MatrixFree => {
            run(problem, d, Vectors::new(problem, d, stream)?, measure, stream, stop)
        }
        Method::OverlapChain => run(problem, d, Coordinates::new(problem, d, stream)?, measure, stream, stop),
    }
}

fn run(
    problem: &TeacherMixture,
    d: usize,
    body: impl Body,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    let mut observer = Observer::new(problem, measure)?;
    let between_looks = observer.updates_between_looks(d);
    let between_polls = body.updates_between_polls();
    let mut learner = Learner::new(problem, d, body, stream);
    let start = learner.overlaps();
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
            if between_looks.is_some_and(|looks| updates % looks == 0) {
                observer.look(&mut learner, time_of(updates, d));
            }
        }
        match observer.snapshot(&mut learner, snapshot, stop)? {
            Ok(values) => curve.push(time_of(updates, d), &values),
            Err(reason) => {
                curve.end = End::Diverged { time: time_of(updates, d), reason };
                break;
            }
        }
    }
    curve.work.updates = updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::TeacherMixture(start) })
}
