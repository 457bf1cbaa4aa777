//! What a snapshot records.

use super::learner::{Body, Learner};
use crate::problem::teacher_mixture::readings::{Groups, Reading};
use crate::problem::teacher_mixture::{LabelRule, TeacherMixture, risk};
use crate::simulate::{Measure, Risk, SimulationError};

pub(super) struct Observer<'a> {
    problem: &'a TeacherMixture,
    names: &'a [String],
    readings: Vec<Reading>,
    risk: Risk,
    /// Which of the first two groups has the larger loss, as a sign, and since when; `None` if nothing asks.
    favoured: Option<(f64, f64)>,
}

impl<'a> Observer<'a> {
    pub fn new(problem: &'a TeacherMixture, measure: &Measure<'a>) -> Result<Self, SimulationError> {
        measure.check_times()?;
        if measure.risk == (Risk::TestSet { samples: 0 }) {
            return Err(SimulationError::EmptyTestSet);
        }
        let readings: Vec<Reading> = measure
            .observables
            .iter()
            .map(|key| {
                Reading::parse(key, problem.groups())
                    .ok_or_else(|| SimulationError::UnknownObservable(key.clone()))
            })
            .collect::<Result<_, _>>()?;
        let asks = readings.contains(&Reading::CrossingTime);
        let favoured = asks.then_some((0.0, 0.0));
        Ok(Self { problem, names: measure.observables, readings, risk: measure.risk, favoured })
    }

    /// Updates between two looks at who is favoured: a twentieth of a unit of time.
    pub fn updates_between_looks(&self, d: usize) -> Option<u64> {
        self.favoured.map(|_| (d as u64 / 20).max(1))
    }

    /// Notes who is favoured now.
    pub fn look<B: Body>(&mut self, learner: &mut Learner<'_, B>, time: f64) {
        let overlaps = learner.overlaps();
        let loss = |c: usize| risk::group_loss(self.problem, &overlaps, c);
        let gap = loss(0) - loss(1);
        match &mut self.favoured {
            Some((sign, since)) if gap * *sign < 0.0 => (*sign, *since) = (gap.signum(), time),
            Some((sign, _)) if *sign == 0.0 && gap != 0.0 => *sign = gap.signum(),
            _ => {}
        }
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
            let value = match (reading, self.favoured) {
                (Reading::CrossingTime, Some((_, since))) => since,
                _ => reading.value(self.problem, &overlaps, &groups),
            };
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
