//! Spherical SGD in terms of fields: what direct simulation and overlap chain share.

use super::body::Body;
use super::smoothing::Smoothing;
use crate::problem::scaling::spherical_step;
use crate::problem::single_index::{Algorithm, Schedule, SingleIndex};
use crate::rng::{Gaussians, Stream};

pub(super) struct Learner<'a, B> {
    problem: &'a SingleIndex,
    pub body: B,
    /// d^-(1 + a).
    step: f64,
    noise: Box<Gaussians>,
    noise_std: f64,
    label_scale: f64,
    smoothing: Option<Smoothing>,
    pub updates: u64,
    /// Updates after which the overlap first reached the two thresholds.
    pub passages: [Option<u64>; 2],
}

impl<'a, B: Body> Learner<'a, B> {
    /// Label noise comes from the stream `label-noise`.
    pub fn new(problem: &'a SingleIndex, d: usize, body: B, stream: &Stream) -> Self {
        let smoothing = match (problem.algorithm, problem.student.as_polynomial()) {
            (Algorithm::Smoothed { .. }, Some(student)) => {
                Some(Smoothing::new(student, problem.smoothing(d), d))
            }
            _ => None,
        };
        let mut learner = Self {
            problem,
            body,
            step: spherical_step(d, problem.rate_exponent),
            noise: Box::new(stream.child("label-noise").gaussians()),
            noise_std: problem.noise_variance.sqrt(),
            label_scale: 1.0 / (problem.directions as f64).sqrt(),
            smoothing,
            updates: 0,
            passages: [None; 2],
        };
        learner.note_passages();
        learner
    }

    /// One update on one sample.
    ///
    /// # Errors
    /// What left the finite numbers; the update is then not complete.
    #[inline]
    pub fn update(&mut self) -> Result<(), String> {
        let problem = self.problem;
        let h = self.body.next_input();
        let clean: f64 = self.body.planted_fields().iter().map(|&field| problem.link.value(field)).sum();
        let mut label = self.label_scale * clean;
        if self.noise_std > 0.0 {
            label += self.noise_std * self.noise.next();
        }
        let gradient = match (&self.smoothing, self.body.tangent_square()) {
            (Some(smoothing), Some(square)) => label * smoothing.slope(h, square),
            _ => (label - problem.student.value(h)) * problem.student.derivative(h),
        };
        let rate = match problem.schedule {
            Schedule::Constant => problem.learning_rate,
            Schedule::Power { .. } => problem.rate_at(self.updates as f64 * self.step),
        };
        let alpha = rate * self.step * gradient;
        if !alpha.is_finite() {
            return Err(format!("the step of a training sample is {alpha}"));
        }
        self.body.advance(alpha);
        self.updates += 1;
        if self.passages[0].is_none() || self.passages[1].is_none() {
            self.note_passages();
        }
        Ok(())
    }

    pub fn overlap(&self) -> f64 {
        self.body.overlaps().iter().fold(0.0, |largest: f64, m| largest.max(m.abs()))
    }

    #[inline]
    fn note_passages(&mut self) {
        let overlap = self.overlap();
        let thresholds = [self.problem.weak_overlap, self.problem.strong_overlap];
        for (passage, threshold) in self.passages.iter_mut().zip(thresholds) {
            if passage.is_none() && overlap >= threshold {
                *passage = Some(self.updates);
            }
        }
    }
}
