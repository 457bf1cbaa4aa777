//! SGD.

use super::data::Data;
use super::start::Network;
use super::units::{Sum, Units, dot, ranges, update, update_dot};
use crate::problem::activation::Activation;
use crate::problem::committee::Committee;
use crate::rng::{Simd, Stream};
use crate::simulate::SimulationError;
use std::ops::Range;

/// Fields w.x / sqrt d of one input, students before teachers.
pub(super) struct Fields {
    sums: Vec<Sum>,
    pub values: Vec<f64>,
}

impl Fields {
    pub fn new(units: usize) -> Self {
        Self { sums: vec![Sum::ZERO; units], values: vec![0.0; units] }
    }

    pub fn clear(&mut self) {
        self.sums.fill(Sum::ZERO);
    }

    /// Adds one block of an input to the fields of some units.
    pub fn add(&mut self, simd: Simd, weights: &Units, units: Range<usize>, block: &Range<usize>, x: &[f64]) {
        for unit in units {
            dot(simd, &weights.get(unit)[block.clone()], x, &mut self.sums[unit]);
        }
    }

    /// All blocks are in: scales the sums to fields.
    pub fn finish(&mut self, scale: f64) {
        for (value, sum) in self.values.iter_mut().zip(&self.sums) {
            *value = scale * sum.total();
        }
    }
}

/// sum_k v_k g(lambda_k)
pub(super) fn output(activation: Activation, v: &[f64], fields: &[f64]) -> f64 {
    v.iter().zip(fields).map(|(v, &field)| v * activation.value(field)).sum()
}

/// A network that learns.
pub(super) struct Learner<'a> {
    problem: &'a Committee,
    data: Data,
    student: Student,
    /// g(lambda_k) err, summed over the batch.
    second_layer_gradient: Vec<f64>,
}

/// The weights, with the update by the latest sample still to come: w_k = keep w_k + pending_k x.
struct Student {
    network: Network,
    fields: Fields,
    pending: Vec<f64>,
    keep: f64,
    /// Sum over the samples of a batch so far, which must not move the weights before the batch is complete.
    batch: Option<Units>,
}

impl Student {
    /// Does what is pending on one block of the latest input `old`, then adds the block `new` of the next one
    /// to the students' fields.
    fn advance(&mut self, block: &Range<usize>, old: &[f64], new: &[f64]) {
        let Self { network, fields, pending, keep, batch } = self;
        for (k, &c) in pending.iter().enumerate() {
            match batch {
                None => {
                    let w = &mut network.weights.get_mut(k)[block.clone()];
                    update_dot(network.simd, w, *keep, c, old, new, &mut fields.sums[k]);
                }
                Some(gradient) => {
                    update(network.simd, &mut gradient.get_mut(k)[block.clone()], 1.0, c, old);
                    fields.add(network.simd, &network.weights, k..k + 1, block, new);
                }
            }
        }
    }

    /// Does what is pending on the latest input.
    fn settle(&mut self, latest: &[f64]) {
        for (k, c) in self.pending.iter_mut().enumerate() {
            let target = match &mut self.batch {
                None => self.network.weights.get_mut(k),
                Some(gradient) => gradient.get_mut(k),
            };
            update(self.network.simd, target, self.keep, *c, latest);
            *c = 0.0;
        }
        self.keep = 1.0;
    }

    /// Moves the weights by the gradient of a complete batch.
    fn settle_batch(&mut self, latest: &[f64], decay: f64) {
        self.settle(latest);
        if let Some(gradient) = &mut self.batch {
            for k in 0..self.pending.len() {
                update(self.network.simd, self.network.weights.get_mut(k), decay, 1.0, gradient.get(k));
                gradient.get_mut(k).fill(0.0);
            }
        }
    }
}

impl<'a> Learner<'a> {
    pub fn new(problem: &'a Committee, network: Network, stream: &Stream) -> Result<Self, SimulationError> {
        let (k, m) = (network.k, network.m);
        let data = Data::new(problem, &network, stream)?;
        let batch = (problem.batch > 1).then(|| Units::zeros(k, network.d));
        let student =
            Student { network, fields: Fields::new(k + m), pending: vec![0.0; k], keep: 1.0, batch };
        Ok(Self { problem, data, student, second_layer_gradient: vec![0.0; k] })
    }

    /// The network after all completed updates.
    pub fn network(&mut self) -> &Network {
        self.student.settle(self.data.latest());
        &self.student.network
    }

    /// One update on one batch.
    ///
    /// # Errors
    /// What left the finite numbers; the update is then not complete.
    pub fn update(&mut self) -> Result<(), String> {
        let problem = self.problem;
        let g = problem.activation;
        let batch = problem.batch as f64;
        let step = self.student.network.step;
        let weight_step = problem.effective_rate() * step.weight / batch;
        let decay = 1.0 - problem.weight_decay * step.slow;
        self.second_layer_gradient.fill(0.0);
        for _ in 0..problem.batch {
            let label = self.next_sample();
            let Student { network, fields, pending, .. } = &mut self.student;
            let v = network.v.as_slice();
            let error = label - problem.student_scale() * output(g, v, &fields.values[..network.k]);
            if !error.is_finite() {
                return Err(format!("the error of a training sample is {error}"));
            }
            for (k, &field) in fields.values[..network.k].iter().enumerate() {
                pending[k] = weight_step * v[k] * g.derivative(field) * error;
                self.second_layer_gradient[k] += g.value(field) * error;
            }
        }
        if problem.batch == 1 {
            self.student.keep = decay;
        } else {
            self.student.settle_batch(self.data.latest(), decay);
        }
        let rate = problem.effective_second_layer_rate() * step.slow / batch;
        let second_layer_decay = 1.0 - problem.effective_second_layer_decay() * step.slow;
        for (v, gradient) in self.student.network.v.iter_mut().zip(&self.second_layer_gradient) {
            *v = second_layer_decay * *v + rate * gradient;
        }
        Ok(())
    }

    /// Takes the next sample, leaves its fields and returns its noisy label.
    fn next_sample(&mut self) -> f64 {
        let problem = self.problem;
        let student = &mut self.student;
        let (k, m) = (student.network.k, student.network.m);
        let scale = student.network.step.field;
        student.fields.clear();
        match &mut self.data {
            Data::Fresh { input, blocks, inputs, noise } => {
                for range in ranges(input.padded()) {
                    let new = blocks.draw(&range, inputs);
                    let old = &mut input.get_mut(0)[range.clone()];
                    student.advance(&range, old, new);
                    student.fields.add(student.network.simd, &student.network.weights, k..k + m, &range, new);
                    old.copy_from_slice(new);
                }
                student.fields.finish(scale);
                let teacher = output(
                    problem.activation,
                    student.network.v_star.as_slice(),
                    &student.fields.values[k..],
                );
                problem.teacher_scale() * teacher + problem.noise_std * noise.next()
            }
            Data::Stored { inputs, labels, choice, latest } => {
                let previous = Data::choose(labels, choice, latest);
                for block in ranges(inputs.padded()) {
                    student.advance(
                        &block,
                        &inputs.get(previous)[block.clone()],
                        &inputs.get(*latest)[block.clone()],
                    );
                }
                student.fields.finish(scale);
                labels[*latest]
            }
        }
    }
}
