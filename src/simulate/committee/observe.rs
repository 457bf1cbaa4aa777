//! What a snapshot records.

use super::learner::{Body, output};
use crate::problem::committee::{Committee, Overlaps, risk};
use crate::simulate::{Measure, Risk, SimulationError};

/// One observable of the committee, indices from 0.
enum Observable {
    GeneralisationError,
    Q(usize, usize),
    R(usize, usize),
    T(usize, usize),
    V(usize),
    Specialised,
}

pub(super) struct Observer<'a> {
    problem: &'a Committee,
    names: &'a [String],
    observables: Vec<Observable>,
    risk: Risk,
}

impl<'a> Observer<'a> {
    pub fn new(problem: &'a Committee, measure: &Measure<'a>) -> Result<Self, SimulationError> {
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
        let observables = measure
            .observables
            .iter()
            .map(|key| parse(problem, key).ok_or_else(|| SimulationError::UnknownObservable(key.clone())))
            .collect::<Result<_, _>>()?;
        Ok(Self { problem, names: measure.observables, observables, risk: measure.risk })
    }

    /// All observables of the networks, or what left the finite numbers.
    pub fn snapshot(
        &self,
        body: &mut impl Body,
        number: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Result<Vec<f64>, String>, SimulationError> {
        let overlaps = body.overlaps();
        let entries = [overlaps.q.as_slice(), overlaps.r.as_slice(), overlaps.v.as_slice()];
        if entries.into_iter().flatten().any(|x| !x.is_finite()) {
            return Ok(Err("the overlaps left the finite numbers".into()));
        }
        let mut values = Vec::with_capacity(self.observables.len());
        for (observable, name) in self.observables.iter().zip(self.names) {
            let value = match *observable {
                Observable::GeneralisationError => match self.risk {
                    Risk::Overlaps => match risk::generalisation_error(self.problem, &overlaps) {
                        Ok(error) => error,
                        Err(reason) => return Ok(Err(format!("{name}: {reason}"))),
                    },
                    Risk::TestSet { samples } => {
                        self.error_on_test_set(body, &overlaps, samples, number, stop)?
                    }
                },
                Observable::Q(i, j) => overlaps.q[(i, j)],
                Observable::R(i, n) => overlaps.r[(i, n)],
                Observable::T(n, m) => overlaps.t[(n, m)],
                Observable::V(i) => overlaps.v[i],
                Observable::Specialised => f64::from(u8::from(Overlaps::is_specialised(&overlaps.r))),
            };
            if !value.is_finite() {
                return Ok(Err(format!("{name} is {value}")));
            }
            values.push(value);
        }
        Ok(Ok(values))
    }

    /// Half the mean squared difference of teacher and student on fresh samples without label noise.
    fn error_on_test_set(
        &self,
        body: &mut impl Body,
        overlaps: &Overlaps,
        samples: usize,
        number: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<f64, SimulationError> {
        let Committee { activation, student_width: k, .. } = *self.problem;
        let mut sum = 0.0;
        let done = body.probe(samples, number, stop, &mut |fields| {
            let (students, teachers) = fields.split_at(k);
            let student = self.problem.student_scale() * output(activation, overlaps.v.as_slice(), students);
            let teacher =
                self.problem.teacher_scale() * output(activation, overlaps.v_star.as_slice(), teachers);
            sum += (teacher - student) * (teacher - student);
        });
        if done { Ok(0.5 * sum / samples as f64) } else { Err(SimulationError::Interrupted) }
    }
}

fn parse(problem: &Committee, key: &str) -> Option<Observable> {
    if key == "generalisation_error" {
        return Some(Observable::GeneralisationError);
    }
    if key == "specialised" {
        return Some(Observable::Specialised);
    }
    let (family, indices) = key.strip_suffix(']')?.split_once('[')?;
    let indices: Vec<usize> =
        indices.split(',').map(|i| i.parse::<usize>().ok()?.checked_sub(1)).collect::<Option<_>>()?;
    let (k, m) = (problem.student_width, problem.teacher_width);
    match (family, &indices[..]) {
        ("Q", &[i, j]) if i < k && j < k => Some(Observable::Q(i, j)),
        ("R", &[i, n]) if i < k && n < m => Some(Observable::R(i, n)),
        ("T", &[n, l]) if n < m && l < m => Some(Observable::T(n, l)),
        ("v", &[i]) if i < k => Some(Observable::V(i)),
        _ => None,
    }
}
