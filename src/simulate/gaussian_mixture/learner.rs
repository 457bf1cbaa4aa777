//! Weights under SGD: one or two copies, and the tangents of weak forces.

use super::batches::Batches;
use super::data::Samples;
use super::kernels::dot;
use crate::problem::gaussian_mixture::GaussianMixture;
use crate::rng::{Gaussians, Simd, Stream};
use rand_xoshiro::Xoshiro256PlusPlus;

/// One vector w with its latest displacement.
#[derive(Clone, Debug)]
pub(super) struct Moving {
    pub w: Vec<f64>,
    moved: Vec<f64>,
}

impl Moving {
    pub fn new(w: Vec<f64>) -> Self {
        let moved = vec![0.0; w.len()];
        Self { w, moved }
    }

    /// w += beta moved - eta lambda w - eta gradient + more.
    fn step(&mut self, problem: &GaussianMixture, gradient: &[f64], mut more: impl FnMut(usize) -> f64) {
        let (eta, lambda, beta) = (problem.learning_rate, problem.ridge, problem.momentum);
        for (i, (w, moved)) in self.w.iter_mut().zip(&mut self.moved).enumerate() {
            *moved = beta * *moved - eta * lambda * *w - eta * gradient[i] + more(i);
            *w += *moved;
        }
    }
}

/// A copy with batches and noise of its own.
#[derive(Clone, Debug)]
struct Copied {
    moving: Moving,
    batches: Batches,
    random: Xoshiro256PlusPlus,
    noise: Gaussians,
}

/// u ~ N(0, I_d) and the derivative of w by its strength.
struct Tangent {
    onset: usize,
    u: Vec<f64>,
    moving: Moving,
}

pub(super) struct Learner<'a> {
    problem: &'a GaussianMixture,
    pub samples: Samples,
    copies: Vec<Copied>,
    tangents: Vec<Tangent>,
    fork: Option<usize>,
    stream: Stream,
    gradient: Vec<f64>,
    r: Vec<f64>,
    g: Vec<f64>,
}

impl<'a> Learner<'a> {
    pub fn new(
        problem: &'a GaussianMixture,
        samples: Samples,
        w: Vec<f64>,
        onsets: &[usize],
        fork: Option<usize>,
        stream: &Stream,
    ) -> Self {
        let d = w.len();
        let tangents = onsets.iter().enumerate().map(|(i, &onset)| {
            let mut u = vec![0.0; d];
            stream.child("force").index(i as u64).gaussians().fill(&mut u);
            Tangent { onset, u, moving: Moving::new(vec![0.0; d]) }
        });
        let first = Copied {
            moving: Moving::new(w),
            batches: Batches::new(problem.batch, problem.learning_rate, samples.len()),
            random: stream.child("batch").index(0).generator(),
            noise: stream.child("langevin").index(0).gaussians(),
        };
        Self {
            problem,
            copies: vec![first],
            tangents: tangents.collect(),
            fork,
            stream: *stream,
            gradient: vec![0.0; d],
            r: Vec::with_capacity(samples.len()),
            g: Vec::with_capacity(samples.len()),
            samples,
        }
    }

    pub fn w(&self) -> &[f64] {
        &self.copies[0].moving.w
    }

    /// |w_1 - w_2|^2/d; 0 before the copies part.
    pub fn distance(&self) -> f64 {
        let Some(second) = self.copies.get(1) else { return 0.0 };
        let squares = self.w().iter().zip(&second.moving.w).map(|(a, b)| (a - b) * (a - b));
        squares.sum::<f64>() * self.problem.scaling(self.w().len()).slow
    }

    /// u.dw/d of a force; 0 before it sets in.
    pub fn response(&self, i: usize) -> f64 {
        let tangent = &self.tangents[i];
        self.problem.scaling(tangent.u.len()).slow * dot(Simd::best(), &tangent.u, &tangent.moving.w)
    }

    /// Mean loss and share of correct samples over the training set.
    pub fn training(&mut self) -> (f64, f64) {
        let all: Vec<u32> = (0..self.samples.len() as u32).collect();
        let mut r = std::mem::take(&mut self.r);
        self.samples.fields(&self.copies[0].moving.w, &all, &mut r);
        let (mut loss, mut right) = (0.0, 0.0);
        for (&y, &r) in self.samples.labels.iter().zip(&r) {
            loss += self.problem.loss_value(y, r);
            right += f64::from(self.problem.is_right(y, r));
        }
        self.r = r;
        let n = self.samples.len() as f64;
        (loss / n, right / n)
    }

    /// Update `t`.
    pub fn update(&mut self, t: usize) {
        if self.fork == Some(t) {
            let second = Copied {
                random: self.stream.child("batch").index(1).generator(),
                noise: self.stream.child("langevin").index(1).gaussians(),
                ..self.copies[0].clone()
            };
            self.copies.push(second);
        }
        let problem = self.problem;
        let eta = problem.learning_rate;
        let kick = (2.0 * eta * problem.temperature).sqrt();
        for (k, copy) in self.copies.iter_mut().enumerate() {
            let Copied { moving, batches, random, noise } = copy;
            let chosen = batches.next(t, random);
            self.samples.fields(&moving.w, chosen, &mut self.r);
            if k == 0 {
                for tangent in self.tangents.iter_mut().filter(|tangent| tangent.onset <= t) {
                    let mut change = Vec::new();
                    self.samples.fields(&tangent.moving.w, chosen, &mut change);
                    for ((change, &r), &i) in change.iter_mut().zip(&self.r).zip(chosen) {
                        let y = self.samples.labels[i as usize];
                        *change *= problem.loss_curvature(y, r) / problem.normalisation;
                    }
                    self.samples.gradient(chosen, &change, &mut self.gradient);
                    let Tangent { u, moving, .. } = tangent;
                    moving.step(problem, &self.gradient, |i| eta * u[i]);
                }
            }
            self.g.clear();
            let labels = chosen.iter().map(|&i| self.samples.labels[i as usize]);
            self.g
                .extend(labels.zip(&self.r).map(|(y, &r)| problem.loss_slope(y, r) / problem.normalisation));
            self.samples.gradient(chosen, &self.g, &mut self.gradient);
            moving.step(problem, &self.gradient, |_| if kick > 0.0 { kick * noise.next() } else { 0.0 });
        }
    }
}
