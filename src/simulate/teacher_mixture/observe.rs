//! What a snapshot records.

use super::learner::{Body, Learner};
use crate::problem::teacher_mixture::readings::{Groups, Reading};
use crate::problem::teacher_mixture::{LabelRule, TeacherMixture};
use crate::simulate::{Measure, Risk, SimulationError};

pub(super) struct Observer<'a> {
    problem: &'a TeacherMixture,
    names: &'a [String],
    readings: Vec<Reading>,
    risk: Risk,
}

impl<'a> Observer<'a> {
    pub fn new(problem: &'a TeacherMixture, measure: &Measure<'a>) -> Result<Self, SimulationError> {
        measure.check_times()?;
        if measure.risk == (Risk::TestSet { samples: 0 }) {
            return Err(SimulationError::EmptyTestSet);
        }
        let readings = measure
            .observables
            .iter()
            .map(|key| {
                Reading::parse(key, problem.groups())
                    .ok_or_else(|| SimulationError::UnknownObservable(key.clone()))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { problem, names: measure.observables, readings, risk: measure.risk })
    }

    /// All observables, or what left the finite numbers.
    pub fn snapshot<B: Body>(
        &self,
        learner: &mut Learner<'_, B>,
        number: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Result<Vec<f64>, String>, SimulationError> {
        let overlaps = learner.overlaps();
        let groups = match self.risk {
            _ if !self.readings.iter().any(|r| r.needs_groups()) => {
                Groups { loss: Vec::new(), error: Vec::new() }
            }
            Risk::Overlaps => match Groups::of(self.problem, &overlaps) {
                Ok(groups) => groups,
                Err(minor) => return Ok(Err(format!("the overlaps have a minor of {minor:e}"))),
            },
            Risk::TestSet { samples } => {
                match self.on_test_set(&mut learner.body, overlaps.b, samples, number, stop) {
                    Some(groups) => groups,
                    None => return Err(SimulationError::Interrupted),
                }
            }
        };
        let mut values = Vec::with_capacity(self.readings.len());
        for (reading, name) in self.readings.iter().zip(self.names) {
            let value = reading.value(self.problem, &overlaps, &groups);
            if !value.is_finite() {
                return Ok(Err(format!("{name} is {value}")));
            }
            values.push(value);
        }
        Ok(Ok(values))
    }

    /// Losses and errors on fresh samples of every sub-population; `None` if `stop` said so.
    fn on_test_set(
        &self,
        body: &mut impl Body,
        bias: f64,
        samples: usize,
        number: usize,
        stop: &dyn Fn() -> bool,
    ) -> Option<Groups> {
        let mut groups = Groups { loss: Vec::new(), error: Vec::new() };
        for group in 0..self.problem.groups() {
            let (mut squared, mut wrong) = (0.0, 0.0);
            let done = body.probe(group, samples, number, stop, &mut |fields| {
                let field = fields.teacher + self.problem.teacher_bias[group];
                let student = fields.student + bias;
                let error = self.problem.labels[group].value(field) - student;
                squared += error * error;
                let product = LabelRule::Sign.value(field) * LabelRule::Sign.value(student);
                wrong += 0.5 * (1.0 - product);
            });
            if !done {
                return None;
            }
            groups.loss.push(0.5 * squared / samples as f64);
            groups.error.push(wrong / samples as f64);
        }
        Some(groups)
    }
}
