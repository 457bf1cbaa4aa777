//! Networks and inputs as vectors of length d.

use super::data::Data;
use super::learner::{Body, label};
use super::start::Network;
use super::units::{Blocks, Sum, Units, dot, ranges, update, update_dot};
use crate::problem::committee::{Committee, Overlaps};
use crate::rng::{Simd, Stream};
use crate::simulate::SimulationError;
use std::ops::Range;

/// Multiplications between two questions whether to stop: some milliseconds.
const WORK_BETWEEN_POLLS: usize = 1 << 24;

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

/// Student, teacher and data.
///
/// With one sample per update, the update by it waits until the next input is drawn, and both pass over the
/// weights together, block by block. A batch of several samples passes over the weights once for the fields of
/// each sample and, when it is complete, once for the update by each: the inputs are then drawn a second time
/// from the same state of their generator, so that neither they nor a gradient need memory.
pub(super) struct Vectors {
    student: Student,
    data: Data,
    test_set: Stream,
}

/// The network, with what is still to be done to its weights.
struct Student {
    network: Network,
    fields: Fields,
    /// Coefficients of the samples of the unfinished batch, or of the latest sample.
    pending: Vec<f64>,
    /// With one sample per update: w_k = keep w_k + pending_k x is still to be done with the latest x.
    keep: f64,
}

impl Student {
    /// Does what is pending on one block of the latest input `old`, then adds the block `new` of the next one
    /// to the fields of all students.
    fn advance(&mut self, block: &Range<usize>, old: &[f64], new: &[f64]) {
        let Self { network, fields, pending, keep } = self;
        for (k, &c) in pending.iter().enumerate() {
            let w = &mut network.weights.get_mut(k)[block.clone()];
            update_dot(network.simd, w, *keep, c, old, new, &mut fields.sums[k]);
        }
    }

    /// w_k = keep w_k + c_k x on one block.
    fn step(&mut self, block: &Range<usize>, keep: f64, c: Range<usize>, x: &[f64]) {
        for (k, &c) in self.pending[c].iter().enumerate() {
            update(self.network.simd, &mut self.network.weights.get_mut(k)[block.clone()], keep, c, x);
        }
    }
}

impl Vectors {
    pub fn new(problem: &Committee, network: Network, stream: &Stream) -> Result<Self, SimulationError> {
        let (k, m) = (network.k, network.m);
        let data = Data::new(problem, &network, stream)?;
        let pending = if problem.batch == 1 { vec![0.0; k] } else { Vec::new() };
        let student = Student { network, fields: Fields::new(k + m), pending, keep: 1.0 };
        Ok(Self { student, data, test_set: stream.child("test-set") })
    }

    #[cfg(test)]
    pub fn data_mut(&mut self) -> &mut Data {
        &mut self.data
    }

    /// Takes the next sample of a batch of one: does the pending update on the way.
    fn next_single(&mut self) {
        let student = &mut self.student;
        let (k, m) = (student.network.k, student.network.m);
        match &mut self.data {
            Data::Fresh(fresh) => {
                for range in ranges(student.network.weights.padded()) {
                    let (old, new) = fresh.next_block(&range);
                    student.advance(&range, old, new);
                    student.fields.add(student.network.simd, &student.network.weights, k..k + m, &range, new);
                    fresh.keep_block(&range);
                }
                fresh.drawn();
            }
            Data::Stored(stored) => {
                stored.choose();
                let (old, new) = stored.two_latest();
                for block in ranges(old.len()) {
                    student.advance(&block, &old[block.clone()], &new[block.clone()]);
                }
            }
        }
    }

    /// Takes the next sample of a larger batch: its fields alone.
    fn next_of_batch(&mut self) {
        let student = &mut self.student;
        let (k, m) = (student.network.k, student.network.m);
        let Network { weights, simd, .. } = &student.network;
        match &mut self.data {
            Data::Fresh(fresh) => {
                for range in ranges(weights.padded()) {
                    let x = fresh.blocks.draw(&range, &mut fresh.inputs);
                    student.fields.add(*simd, weights, 0..k + m, &range, x);
                }
            }
            Data::Stored(stored) => {
                stored.choose();
                let x = stored.latest();
                for range in ranges(x.len()) {
                    student.fields.add(*simd, weights, 0..k, &range, &x[range.clone()]);
                }
            }
        }
    }

    /// Does the pending update of a batch of one.
    fn settle(&mut self) {
        let student = &mut self.student;
        let keep = student.keep;
        if keep == 1.0 && student.pending.iter().all(|&c| c == 0.0) {
            return;
        }
        let all = 0..student.pending.len();
        match &mut self.data {
            Data::Fresh(fresh) => {
                let mut latest = fresh.latest();
                for range in ranges(student.network.weights.padded()) {
                    student.step(&range, keep, all.clone(), latest.block(&range));
                }
            }
            Data::Stored(stored) => {
                let x = stored.latest();
                student.step(&(0..x.len()), keep, all, x);
            }
        }
        student.pending.fill(0.0);
        student.keep = 1.0;
    }
}

impl Body for Vectors {
    fn next_sample(&mut self, problem: &Committee) -> f64 {
        self.student.fields.clear();
        if problem.batch == 1 {
            self.next_single()
        } else {
            self.next_of_batch()
        }
        self.student.fields.finish(self.student.network.step.field);
        match &mut self.data {
            Data::Fresh(fresh) => {
                let Network { k, v_star, .. } = &self.student.network;
                label(problem, v_star.as_slice(), &self.student.fields.values[*k..], fresh.noise.next())
            }
            Data::Stored(stored) => stored.label(),
        }
    }

    fn fields(&self) -> &[f64] {
        &self.student.fields.values
    }

    fn second_layer(&self) -> &[f64] {
        self.student.network.v.as_slice()
    }

    fn second_layer_mut(&mut self) -> &mut [f64] {
        self.student.network.v.as_mut_slice()
    }

    fn descend(&mut self, c: &[f64]) {
        if self.data.is_single() {
            self.student.pending.copy_from_slice(c);
        } else {
            self.student.pending.extend_from_slice(c);
        }
    }

    fn complete(&mut self, keep: f64) {
        let student = &mut self.student;
        if self.data.is_single() {
            student.keep = keep;
            return;
        }
        let k = student.network.k;
        for sample in 0..student.pending.len() / k {
            let keep = if sample == 0 { keep } else { 1.0 };
            let c = sample * k..(sample + 1) * k;
            match &mut self.data {
                Data::Fresh(fresh) => {
                    for range in ranges(student.network.weights.padded()) {
                        let x = fresh.blocks.draw(&range, &mut fresh.again);
                        student.step(&range, keep, c.clone(), x);
                    }
                }
                Data::Stored(stored) => {
                    let x = stored.of_batch(sample);
                    student.step(&(0..x.len()), keep, c, x);
                }
            }
        }
        student.pending.clear();
        self.data.end_batch();
    }

    fn overlaps(&mut self) -> Overlaps {
        if self.data.is_single() {
            self.settle();
        }
        self.student.network.overlaps()
    }

    fn probe(
        &mut self,
        samples: usize,
        number: usize,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(&[f64]),
    ) -> bool {
        let network = &self.student.network;
        let units = network.k + network.m;
        let mut inputs = self.test_set.index(number as u64).gaussians();
        let mut fields = Fields::new(units);
        let mut blocks = Blocks::new(network.d);
        let between_polls = WORK_BETWEEN_POLLS / (network.d * units) + 1;
        for sample in 0..samples {
            if sample % between_polls == 0 && stop() {
                return false;
            }
            fields.clear();
            for range in ranges(network.weights.padded()) {
                let x = blocks.draw(&range, &mut inputs);
                fields.add(network.simd, &network.weights, 0..units, &range, x);
            }
            fields.finish(network.step.field);
            take(&fields.values);
        }
        true
    }

    fn updates_between_polls(&self, problem: &Committee) -> u64 {
        let Network { d, k, m, .. } = self.student.network;
        (WORK_BETWEEN_POLLS / problem.batch.saturating_mul(d * (k + m))) as u64 + 1
    }
}
