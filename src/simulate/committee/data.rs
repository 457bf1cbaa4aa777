//! Where samples come from.

use super::learner::label;
use super::start::Network;
use super::units::{Blocks, Units, ranges};
use super::vectors::Fields;
use crate::problem::committee::Committee;
use crate::rng::{Gaussians, Stream};
use crate::simulate::SimulationError;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use std::ops::Range;

/// Inputs are drawn from the stream `data`, label noise from `label-noise`.
pub(super) enum Data {
    /// A new sample every time.
    Fresh(Box<Fresh>),
    /// P d samples with their noisy labels, drawn once, visited uniformly at random with replacement on the
    /// stream `batch`.
    Stored(Box<Stored>),
}

/// An input above this size, beyond the second-level cache, is drawn a second time rather than kept where
/// keeping it would add more than a fifth to the memory of the weights. The numbers are the same either way.
const KEPT: usize = 1 << 17;

pub(super) struct Fresh {
    batch: usize,
    pub inputs: Gaussians,
    pub noise: Gaussians,
    /// A part of the next input.
    pub blocks: Blocks,
    /// The latest input, where it is kept.
    input: Option<Units>,
    /// Behind `inputs` by the latest input or by the unfinished batch.
    pub again: Gaussians,
    /// A part of the latest input, drawn again; zero before the first.
    old: Blocks,
    started: bool,
}

impl Fresh {
    /// The same block of the latest input (zero before the first) and of the next one.
    pub fn next_block(&mut self, range: &Range<usize>) -> (&[f64], &[f64]) {
        let new = self.blocks.draw(range, &mut self.inputs);
        let old = match &self.input {
            Some(input) => &input.get(0)[range.clone()],
            None if self.started => self.old.draw(range, &mut self.again),
            None => self.old.latest(range),
        };
        (old, new)
    }

    /// The block becomes one of the latest input.
    pub fn keep_block(&mut self, range: &Range<usize>) {
        if let Some(input) = &mut self.input {
            input.get_mut(0)[range.clone()].copy_from_slice(self.blocks.latest(range));
        }
    }

    /// All blocks of the next input were drawn: it is the latest one.
    pub fn drawn(&mut self) {
        self.started = true;
    }

    /// The latest input, block by block. There must be one.
    pub fn latest(&mut self) -> Latest<'_> {
        match &self.input {
            Some(input) => Latest::Kept(input.get(0)),
            None => Latest::Again(&mut self.old, Box::new(self.again.clone())),
        }
    }
}

/// The latest input, once more.
pub(super) enum Latest<'a> {
    Kept(&'a [f64]),
    Again(&'a mut Blocks, Box<Gaussians>),
}

impl Latest<'_> {
    pub fn block(&mut self, range: &Range<usize>) -> &[f64] {
        match self {
            Self::Kept(input) => &input[range.clone()],
            Self::Again(blocks, inputs) => blocks.draw(range, inputs),
        }
    }
}

pub(super) struct Stored {
    batch: usize,
    inputs: Units,
    labels: Vec<f64>,
    choice: Xoshiro256PlusPlus,
    previous: usize,
    latest: usize,
    /// The samples of the unfinished batch, where a batch has several.
    chosen: Vec<usize>,
}

impl Stored {
    /// Chooses the next sample.
    pub fn choose(&mut self) {
        self.previous = self.latest;
        self.latest = self.choice.random_range(0..self.labels.len() as u64) as usize;
        if self.batch > 1 {
            self.chosen.push(self.latest);
        }
    }

    pub fn two_latest(&self) -> (&[f64], &[f64]) {
        (self.inputs.get(self.previous), self.inputs.get(self.latest))
    }

    pub fn latest(&self) -> &[f64] {
        self.inputs.get(self.latest)
    }

    pub fn of_batch(&self, sample: usize) -> &[f64] {
        self.inputs.get(self.chosen[sample])
    }

    pub fn label(&self) -> f64 {
        self.labels[self.latest]
    }
}

impl Data {
    pub fn new(problem: &Committee, network: &Network, stream: &Stream) -> Result<Self, SimulationError> {
        let d = network.d;
        let inputs = stream.child("data").gaussians();
        let noise = stream.child("label-noise").gaussians();
        let units = network.k + network.m;
        match problem.training_set {
            Some(per_dimension) => {
                let choice = stream.child("batch").generator();
                Stored::new(problem, network, per_dimension, inputs, noise, choice)
                    .map(|stored| Self::Stored(Box::new(stored)))
            }
            None => {
                let kept = problem.batch == 1 && (d <= KEPT || units >= 5);
                Ok(Self::Fresh(Box::new(Fresh {
                    batch: problem.batch,
                    again: inputs.clone(),
                    inputs,
                    noise,
                    blocks: Blocks::new(d),
                    input: kept.then(|| Units::zeros(1, d)),
                    old: Blocks::new(d),
                    started: false,
                })))
            }
        }
    }

    /// Draws the latest input again, whatever its size.
    #[cfg(test)]
    pub fn keep_no_input(&mut self) {
        if let Self::Fresh(fresh) = self {
            fresh.input = None;
        }
    }

    /// Every update is on a single sample.
    pub fn is_single(&self) -> bool {
        match self {
            Self::Fresh(fresh) => fresh.batch == 1,
            Self::Stored(stored) => stored.batch == 1,
        }
    }

    /// Forgets the samples of a batch of several.
    pub fn end_batch(&mut self) {
        match self {
            // All inputs of the batch were drawn again, so both generators stand at the same place.
            Self::Fresh(_) => {}
            Self::Stored(stored) => stored.chosen.clear(),
        }
    }
}

impl Stored {
    fn new(
        problem: &Committee,
        network: &Network,
        per_dimension: f64,
        mut gaussians: Gaussians,
        mut noise: Gaussians,
        choice: Xoshiro256PlusPlus,
    ) -> Result<Self, SimulationError> {
        let d = network.d;
        let samples = (per_dimension * d as f64).round() as usize;
        if samples == 0 {
            return Err(SimulationError::EmptyTrainingSet { per_dimension, size: d });
        }
        let mut inputs = Units::zeros(samples, d);
        let units = network.k + network.m;
        let mut fields = Fields::new(units);
        let labels = (0..samples)
            .map(|sample| {
                gaussians.fill(inputs.values_mut(sample));
                fields.clear();
                for range in ranges(inputs.padded()) {
                    let x = &inputs.get(sample)[range.clone()];
                    fields.add(network.simd, &network.weights, network.k..units, &range, x);
                }
                fields.finish(network.step.field);
                label(problem, network.v_star.as_slice(), &fields.values[network.k..], noise.next())
            })
            .collect();
        Ok(Self { batch: problem.batch, inputs, labels, choice, previous: 0, latest: 0, chosen: Vec::new() })
    }
}
