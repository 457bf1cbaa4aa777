//! Which samples an update uses, on a finite training set.

use crate::problem::gaussian_mixture::Batch;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The selection process of one copy.
#[derive(Clone, Debug)]
pub(super) struct Batches {
    batch: Batch,
    /// Probabilities of entering and leaving a persistent batch.
    transitions: (f64, f64),
    /// Persistent: who is in.
    inside: Vec<bool>,
    /// Epoch: order of the samples.
    order: Vec<u32>,
    chosen: Vec<u32>,
}

impl Batches {
    pub fn new(batch: Batch, learning_rate: f64, samples: usize) -> Self {
        Self {
            batch,
            transitions: batch.transitions(learning_rate),
            inside: vec![false; samples],
            order: (0..samples as u32).collect(),
            chosen: (0..samples as u32).collect(),
        }
    }

    /// The samples of update `t`, which follow one another from 0 on.
    pub fn next(&mut self, t: usize, random: &mut Xoshiro256PlusPlus) -> &[u32] {
        let samples = self.inside.len();
        match self.batch {
            Batch::Full => {}
            Batch::Iid { fraction } => {
                self.chosen.clear();
                self.chosen.extend((0..samples as u32).filter(|_| uniform(random) < fraction));
            }
            Batch::Persistent { fraction, .. } => {
                let (enter, leave) = self.transitions;
                for inside in &mut self.inside {
                    let stays_or_enters = match (t, *inside) {
                        (0, _) => fraction,
                        (_, true) => 1.0 - leave,
                        (_, false) => enter,
                    };
                    *inside = uniform(random) < stays_or_enters;
                }
                self.chosen.clear();
                self.chosen.extend((0..samples as u32).filter(|&i| self.inside[i as usize]));
            }
            Batch::Epoch { fraction } => {
                let epoch = self.batch.updates_per_epoch();
                let j = t % epoch;
                if j == 0 {
                    self.order.shuffle(random);
                }
                let end = |j: usize| (j as f64 * fraction * samples as f64).round() as usize;
                let to = if j + 1 == epoch { samples } else { end(j + 1).min(samples) };
                self.chosen.clear();
                self.chosen.extend_from_slice(&self.order[end(j).min(to)..to]);
            }
        }
        &self.chosen
    }
}

fn uniform(random: &mut impl Rng) -> f64 {
    random.random::<f64>()
}
