//! Where samples come from.

use super::start::Network;
use super::units::{Blocks, Units};
use crate::problem::committee::Committee;
use crate::rng::{Gaussians, Stream};
use crate::simulate::SimulationError;
use crate::simulate::committee::learner::{Fields, output};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Inputs are drawn from the stream `data`, label noise from `label-noise`.
pub(super) enum Data {
    /// A new sample every time. `input` is the latest one, `blocks` hold a part of the next.
    Fresh { input: Units, blocks: Blocks, inputs: Box<Gaussians>, noise: Box<Gaussians> },
    /// P d samples with their noisy labels, drawn once, visited uniformly at random with replacement on the
    /// stream `batch`. `latest` is the latest one.
    Stored { inputs: Units, labels: Vec<f64>, choice: Xoshiro256PlusPlus, latest: usize },
}

impl Data {
    pub fn new(problem: &Committee, network: &Network, stream: &Stream) -> Result<Self, SimulationError> {
        let d = network.d;
        let mut gaussians = stream.child("data").gaussians();
        let mut noise = stream.child("label-noise").gaussians();
        let Some(per_dimension) = problem.training_set else {
            return Ok(Self::Fresh {
                input: Units::zeros(1, d),
                blocks: Blocks::new(d),
                inputs: Box::new(gaussians),
                noise: Box::new(noise),
            });
        };
        let samples = (per_dimension * d as f64).round() as usize;
        if samples == 0 {
            return Err(SimulationError::EmptyTrainingSet { per_dimension, size: d });
        }
        let mut inputs = Units::zeros(samples, d);
        let mut fields = Fields::new(network.k + network.m);
        let labels = (0..samples)
            .map(|sample| {
                gaussians.fill(inputs.values_mut(sample));
                fields.clear();
                fields.add(
                    network.simd,
                    &network.weights,
                    network.k..network.k + network.m,
                    &(0..inputs.padded()),
                    inputs.get(sample),
                );
                fields.finish(network.step.field);
                let teacher =
                    output(problem.activation, network.v_star.as_slice(), &fields.values[network.k..]);
                problem.teacher_scale() * teacher + problem.noise_std * noise.next()
            })
            .collect();
        Ok(Self::Stored { inputs, labels, choice: stream.child("batch").generator(), latest: 0 })
    }

    /// The latest sample; zero before the first.
    pub fn latest(&self) -> &[f64] {
        match self {
            Self::Fresh { input, .. } => input.get(0),
            Self::Stored { inputs, latest, .. } => inputs.get(*latest),
        }
    }

    /// Chooses the next stored sample and returns the latest one before it.
    pub fn choose(labels: &[f64], choice: &mut Xoshiro256PlusPlus, latest: &mut usize) -> usize {
        let next = choice.random_range(0..labels.len() as u64) as usize;
        std::mem::replace(latest, next)
    }
}
