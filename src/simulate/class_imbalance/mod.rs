//! Softmax regression under real full-batch optimisers.
//!
//! On one-hot inputs the weights are kept whole or, as [`crate::problem::class_imbalance::Storage`] says, as the two
//! different numbers of every column, columns of equal frequency once; tests hold one against the other for every
//! optimiser.

mod features;
mod one_hot;
mod optimiser;

use super::{Measure, Replica, SimulationError};
use crate::problem::class_imbalance::{ClassImbalance, Inputs, Storage};
use crate::problem::scaling;
use crate::problem::{Definition, Method, Start};
use crate::rng::Stream;
use crate::trajectory::{Curve, End};
use optimiser::Optimiser;
use std::time::Instant;

/// Loss and margin of a class.
struct Reading {
    loss: f64,
    margin: f64,
}

trait Classifier {
    /// Computes the gradient at the weights and returns its norm.
    fn gradient(&mut self) -> f64;
    /// Weights to be moved, and their gradient.
    fn parts(&mut self) -> (&mut [f64], &[f64]);
    /// Means over the samples of a class.
    fn read(&mut self, class: usize) -> Reading;
    /// Share of the samples in every class.
    fn shares(&self, problem: &ClassImbalance) -> Vec<f64> {
        problem.shares.clone()
    }
}

/// `share` times (softmax - one-hot) of one sample.
fn residual(logits: &[f64], label: usize, share: f64, out: &mut [f64]) {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut rest = 0.0;
    for (j, (out, logit)) in out.iter_mut().zip(logits).enumerate() {
        *out = libm::exp(logit - highest);
        if j != label {
            rest += *out;
        }
    }
    let factor = share / (out[label] + rest);
    out.iter_mut().for_each(|out| *out *= factor);
    // The probability that the label lacks, without 1 - p.
    out[label] = -factor * rest;
}

/// Root of `squared`, the sum of the squares of `gradient`, which come with their numbers; late ones, whose squares
/// underflow, are squared relative to the largest.
fn length(squared: f64, gradient: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    if squared > f64::MIN_POSITIVE / f64::EPSILON {
        return squared.sqrt();
    }
    let largest = gradient.clone().fold(0.0, |largest, (g, _)| g.abs().max(largest));
    if largest == 0.0 {
        return 0.0;
    }
    largest * gradient.map(|(g, count)| count * (g / largest) * (g / largest)).sum::<f64>().sqrt()
}

/// Loss and margin of one sample.
fn reading(logits: &[f64], label: usize) -> Reading {
    let own = logits[label];
    let other = logits
        .iter()
        .enumerate()
        .filter(|&(j, _)| j != label)
        .map(|(_, &z)| z)
        .fold(f64::NEG_INFINITY, f64::max);
    let highest = own.max(other);
    let terms = logits.iter().enumerate().filter(|&(j, _)| j != label);
    let rest: f64 = terms.map(|(_, z)| libm::exp(z - highest)).sum();
    let of_label = libm::exp(own - highest);
    Reading { loss: one_hot::cross_entropy(own - highest, of_label, rest), margin: own - other }
}

/// One thing to measure.
enum Target {
    Loss,
    Class(usize),
    Group(usize),
    Margin(usize),
}

impl Target {
    fn parse(name: &str, problem: &ClassImbalance) -> Option<Self> {
        if name == "loss" {
            return Some(Self::Loss);
        }
        let (family, index) = name.strip_suffix(']')?.split_once('[')?;
        let index = index.parse::<usize>().ok()?.checked_sub(1)?;
        let (target, length) = match family {
            "class_loss" => (Self::Class(index), problem.classes()),
            "group_loss" => (Self::Group(index), problem.groups),
            "margin" => (Self::Margin(index), problem.classes()),
            _ => return None,
        };
        (index < length).then_some(target)
    }
}

fn snapshot(
    model: &mut dyn Classifier,
    problem: &ClassImbalance,
    shares: &[f64],
    targets: &[Target],
) -> Vec<f64> {
    let readings: Vec<Reading> = (0..problem.classes()).map(|class| model.read(class)).collect();
    let mean = |group: Option<usize>| {
        let members =
            || (0..shares.len()).filter(|&k| group.is_none_or(|group| problem.group_of[k] == group));
        let mass: f64 = members().map(|k| shares[k]).sum();
        members().map(|k| shares[k] * readings[k].loss).sum::<f64>() / mass
    };
    let value = |target: &Target| match *target {
        Target::Loss => mean(None),
        Target::Class(k) => readings[k].loss,
        Target::Group(group) => mean(Some(group)),
        Target::Margin(k) => readings[k].margin,
    };
    targets.iter().map(value).collect()
}

pub(super) fn replica(
    problem: &ClassImbalance,
    size: usize,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    super::check_times(measure)?;
    if size == 0 {
        return Err(SimulationError::TooSmall { size, needed: 1 });
    }
    let parse = |name: &String| {
        Target::parse(name, problem).ok_or_else(|| SimulationError::UnknownObservable(name.clone()))
    };
    let targets: Vec<Target> = measure.observables.iter().map(parse).collect::<Result<_, _>>()?;
    let mut model: Box<dyn Classifier> = match (problem.inputs, problem.storage) {
        (Inputs::OneHot, Storage::Paired) => Box::new(one_hot::Paired::new(problem)),
        (Inputs::OneHot, Storage::Dense) => Box::new(one_hot::Dense::new(problem)),
        _ => Box::new(features::Features::new(problem, stream)),
    };
    let shares = model.shares(problem);
    let weights = model.parts().0.len();
    let mut optimiser = Optimiser::new(problem.algorithm, problem.step(size), weights);
    let between_polls = (1e-2 / problem.cost(1.0, 1, Method::Direct, false)) as u64 + 1;
    let mut curve = Curve::new(measure.observables);
    let mut updates = 0;
    for &time in measure.times {
        let wanted = scaling::updates_at(time, size);
        while updates < wanted {
            if updates % between_polls == 0 && stop() {
                return Err(SimulationError::Interrupted);
            }
            let norm = model.gradient();
            let norm = if optimiser.needs_norm() { norm } else { 1.0 };
            let (weights, gradient) = model.parts();
            optimiser.update(weights, gradient, norm);
            updates += 1;
        }
        let values = snapshot(model.as_mut(), problem, &shares, &targets);
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            let time = scaling::time_of(updates, size);
            curve.end = End::Diverged { time, reason: format!("a loss or margin is {value}") };
            break;
        }
        curve.push(scaling::time_of(updates, size), &values);
    }
    curve.work.updates = updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::Size(size) })
}
