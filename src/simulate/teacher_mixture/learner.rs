//! SGD on sub-populations in terms of fields: what direct simulation and overlap chain share.

use crate::problem::scaling::OnePassStep;
use crate::problem::teacher_mixture::{Overlaps, TeacherMixture};
use crate::rng::Stream;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Student output without its bias, and teacher field without its bias.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    pub student: f64,
    pub teacher: f64,
}

/// Student, teachers, means and inputs: as vectors of length d, or as coordinates in a frame.
pub(super) trait Body {
    /// Takes the next input of a sub-population.
    fn next_input(&mut self, group: usize) -> Fields;

    /// W += c x for the latest input x.
    fn descend(&mut self, c: f64);

    /// W, teachers and means by their overlaps; the bias is left at 0.
    fn overlaps(&mut self) -> Overlaps;

    /// Calls `take` with the fields of `samples` inputs of a sub-population that are not used for learning;
    /// `number` tells one call from another. False if `stop` said so.
    fn probe(
        &mut self,
        group: usize,
        samples: usize,
        number: usize,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(Fields),
    ) -> bool;

    /// Updates between two questions whether to stop: some milliseconds.
    fn updates_between_polls(&self) -> u64;
}

/// A student that learns. Sub-populations are drawn from the stream `group`.
pub(super) struct Learner<'a, B> {
    problem: &'a TeacherMixture,
    step: OnePassStep,
    pub body: B,
    bias: f64,
    choice: Xoshiro256PlusPlus,
}

impl<'a, B: Body> Learner<'a, B> {
    pub fn new(problem: &'a TeacherMixture, d: usize, body: B, stream: &Stream) -> Self {
        let choice = stream.child("group").generator();
        Self { problem, step: OnePassStep::new(d), body, bias: problem.student_bias, choice }
    }

    /// One update on one sample.
    ///
    /// # Errors
    /// What left the finite numbers; the update is then not complete.
    pub fn update(&mut self) -> Result<(), String> {
        let problem = self.problem;
        let mut share: f64 = self.choice.random();
        let last = problem.groups() - 1;
        let mut group = 0;
        while group < last && share >= problem.probability[group] {
            share -= problem.probability[group];
            group += 1;
        }
        let fields = self.body.next_input(group);
        let label = problem.labels[group].value(fields.teacher + problem.teacher_bias[group]);
        let error = label - (fields.student + self.bias);
        if !error.is_finite() {
            return Err(format!("the error of a training sample is {error}"));
        }
        self.body.descend(problem.learning_rate * self.step.weight * error);
        self.bias += problem.bias_rate * self.step.slow * error;
        Ok(())
    }

    /// The measured order parameters after all completed updates.
    pub fn overlaps(&mut self) -> Overlaps {
        Overlaps { b: self.bias, ..self.body.overlaps() }
    }
}
