//! SGD, in terms of fields: what direct simulation and overlap chain share.

use crate::problem::activation::Activation;
use crate::problem::committee::{Committee, Overlaps};
use crate::problem::scaling::OnePassStep;

/// Two networks and their inputs, wherever first layers and inputs live: as vectors of length d, or as
/// coordinates in a frame.
pub(super) trait Body {
    /// Takes the next sample: leaves its fields and returns its noisy label.
    fn next_sample(&mut self, problem: &Committee) -> f64;

    /// Fields of the latest sample, students before teachers.
    fn fields(&self) -> &[f64];

    /// Second layer of the student.
    fn second_layer(&self) -> &[f64];

    fn second_layer_mut(&mut self) -> &mut [f64];

    /// The latest sample x adds c_k x to the student's w_k, once its batch is complete.
    fn descend(&mut self, c: &[f64]);

    /// The batch is complete: w_k = keep w_k + sum of c_k x.
    fn complete(&mut self, keep: f64);

    /// The measured order parameters after all completed updates.
    fn overlaps(&mut self) -> Overlaps;

    /// Calls `take` with the fields of `samples` inputs that are not used for learning; `number` tells one call
    /// from another. False if `stop` said so.
    fn probe(
        &mut self,
        samples: usize,
        number: usize,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(&[f64]),
    ) -> bool;

    /// Updates between two questions whether to stop: some milliseconds.
    fn updates_between_polls(&self, problem: &Committee) -> u64;
}

/// sum_k v_k g(lambda_k)
pub(super) fn output(activation: Activation, v: &[f64], fields: &[f64]) -> f64 {
    v.iter().zip(fields).map(|(v, &field)| v * activation.value(field)).sum()
}

/// The noisy label of a sample with these teacher fields.
pub(super) fn label(problem: &Committee, v_star: &[f64], fields: &[f64], noise: f64) -> f64 {
    problem.teacher_scale() * output(problem.activation, v_star, fields) + problem.noise_std * noise
}

/// A student that learns.
pub(super) struct Learner<'a, B> {
    problem: &'a Committee,
    step: OnePassStep,
    pub body: B,
    /// g(lambda_k) of the latest sample.
    values: Vec<f64>,
    /// c_k of the latest sample.
    c: Vec<f64>,
    /// g(lambda_k) err, summed over the batch.
    second_layer_gradient: Vec<f64>,
}

impl<'a, B: Body> Learner<'a, B> {
    pub fn new(problem: &'a Committee, d: usize, body: B) -> Self {
        let zeros = vec![0.0; problem.student_width];
        let step = OnePassStep::new(d);
        Self { problem, step, body, values: zeros.clone(), c: zeros.clone(), second_layer_gradient: zeros }
    }

    /// One update on one batch.
    ///
    /// # Errors
    /// What left the finite numbers; the update is then not complete.
    pub fn update(&mut self) -> Result<(), String> {
        let Self { problem, step, body, values, c, second_layer_gradient } = self;
        let g = problem.activation;
        let batch = problem.batch as f64;
        let weight_step = problem.effective_rate() * step.weight / batch;
        second_layer_gradient.fill(0.0);
        for _ in 0..problem.batch {
            let label = body.next_sample(problem);
            let fields = &body.fields()[..values.len()];
            let v = body.second_layer();
            for (value, &field) in values.iter_mut().zip(fields) {
                *value = g.value(field);
            }
            let student: f64 = v.iter().zip(&*values).map(|(v, value)| v * value).sum();
            let error = label - problem.student_scale() * student;
            if !error.is_finite() {
                return Err(format!("the error of a training sample is {error}"));
            }
            for (k, &field) in fields.iter().enumerate() {
                c[k] = weight_step * v[k] * g.derivative(field) * error;
                second_layer_gradient[k] += values[k] * error;
            }
            body.descend(c);
        }
        body.complete(1.0 - problem.weight_decay * step.slow);
        let rate = problem.effective_second_layer_rate() * step.slow / batch;
        let decay = 1.0 - problem.effective_second_layer_decay() * step.slow;
        for (v, gradient) in body.second_layer_mut().iter_mut().zip(second_layer_gradient) {
            *v = decay * *v + rate * *gradient;
        }
        Ok(())
    }
}
