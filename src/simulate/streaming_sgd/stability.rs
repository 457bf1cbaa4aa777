//! The largest stable rate, by the growth of a population under real updates.
//!
//! The mean square of w - w* is carried by rare runs, so means over runs that start alike understate its growth.
//! Here the runs are walkers of length 1. Every update moves each by a batch of its own; the mean over walkers of their
//! squares is the growth of the mean square, and walkers are copied or dropped in proportion to it before they are scaled
//! back. The population then is the one that carries the mean square, and the growth of its logarithm is exact up to
//! 1 / walkers. After every update ln gamma falls by a small multiple of that logarithm: it settles where the mean square
//! neither grows nor shrinks (Robbins & Monro 1951), and its mean over the second half is the result (Polyak & Juditsky
//! 1992).

use super::passes::DataSet;
use super::{Learner, squared};
use crate::linalg::transpose_product;
use crate::problem::Start;
use crate::problem::scaling::OnePassStep;
use crate::problem::streaming_sgd::StreamingSgd;
use crate::rng::{Gaussians, Stream};
use crate::simulate::dense::{add, dot};
use crate::simulate::{Measure, Replica, SimulationError};
use crate::trajectory::Curve;
use nalgebra::DMatrix;
use rand::RngExt;
use std::time::Instant;

/// Relaxation times of ln gamma in a search. Fewer leave the start in the mean; more let gamma fluctuate, whose square
/// biases it.
const RELAXATIONS: f64 = 20.0;

/// Fewest updates of a search, for small systems.
const FEWEST_UPDATES: u64 = 200;

/// Share of the older updates in the running mean of the slope.
const MEMORY: f64 = 0.95;

pub(super) struct Search {
    pub walkers: usize,
    /// In units of time.
    pub duration: f64,
}

/// Where a walker's batches come from.
enum Source<'a> {
    Fresh { inputs: Box<Gaussians>, learner: Learner<'a>, sample: Vec<f64> },
    Data(Box<DataSet>),
}

impl Source<'_> {
    /// Mean over a new batch of x (x.w).
    fn curvature_along(&mut self, weights: &[f64], batch: usize, gradient: &mut [f64]) {
        match self {
            Self::Data(data) => data.curvature_along(weights, batch, gradient),
            Self::Fresh { inputs, learner, sample } => {
                gradient.fill(0.0);
                for _ in 0..batch {
                    inputs.fill(sample);
                    learner.colour(sample);
                    add(gradient, dot(sample, weights) / batch as f64, sample);
                }
            }
        }
    }
}

/// Walkers one after the other, and those of the next update.
struct Population {
    d: usize,
    now: Vec<f64>,
    next: Vec<f64>,
    squares: Vec<f64>,
}

impl Population {
    /// Random directions; of a data set, in the span of its samples `rows`: nothing outside it ever shrinks or grows, and a
    /// part there would take over the population.
    fn new(walkers: usize, d: usize, rows: Option<&DMatrix<f64>>, stream: &Stream) -> Self {
        let mut gaussians = stream.child("init").gaussians();
        let mut now = vec![0.0; walkers * d];
        match rows {
            None => gaussians.fill(&mut now),
            Some(rows) => {
                let mut shares = DMatrix::zeros(rows.nrows(), walkers);
                gaussians.fill(shares.as_mut_slice());
                now.copy_from_slice(transpose_product(rows, &shares).as_slice());
            }
        }
        for walker in now.chunks_exact_mut(d) {
            let length = squared(walker).sqrt();
            walker.iter_mut().for_each(|w| *w /= length);
        }
        Self { d, next: now.clone(), now, squares: vec![0.0; walkers] }
    }

    /// Copies of each walker in proportion to its square, in order: systematic resampling by one uniform number, which
    /// leaves every count within one of its mean. The copies have length 1.
    fn resample(&mut self, uniform: f64) {
        let walkers = self.squares.len();
        let spacing = self.squares.iter().sum::<f64>() / walkers as f64;
        let (mut chosen, mut reached) = (0, self.squares[0]);
        for (k, copy) in self.next.chunks_exact_mut(self.d).enumerate() {
            let mark = (k as f64 + uniform) * spacing;
            while reached < mark && chosen + 1 < walkers {
                chosen += 1;
                reached += self.squares[chosen];
            }
            let scale = 1.0 / self.squares[chosen].sqrt();
            let original = &self.now[chosen * self.d..(chosen + 1) * self.d];
            copy.iter_mut().zip(original).for_each(|(c, w)| *c = scale * w);
        }
        std::mem::swap(&mut self.now, &mut self.next);
    }
}

impl Search {
    pub fn replica(
        &self,
        problem: &StreamingSgd,
        size: usize,
        measure: &Measure,
        stream: &Stream,
        stop: &dyn Fn() -> bool,
    ) -> Result<Replica, SimulationError> {
        let clock = Instant::now();
        if let Some(name) = measure.observables.iter().find(|name| *name != "largest_stable_rate") {
            return Err(SimulationError::UnknownObservable(name.clone()));
        }
        let learner = Learner::new(problem, size);
        let length: f64 = learner.variances.iter().sum();
        let (mut source, start, rows) = match problem.samples(size) {
            None => {
                let inputs = Box::new(stream.child("data").gaussians());
                let sample = vec![0.0; size];
                (Source::Fresh { inputs, learner, sample }, Start::Size(size), None)
            }
            Some(_) => {
                let data = DataSet::new(problem, size, stream)?;
                let rows = data.rows();
                let start = Start::Samples(Box::new(rows.clone()));
                (Source::Data(Box::new(data)), start, Some(rows))
            }
        };
        let updates = problem.updates_at(self.duration, size).max(FEWEST_UPDATES);
        let mut population = Population::new(self.walkers, size, rows.as_ref(), stream);
        let mut choice = stream.child("resampling").generator();
        let mut gradient = vec![0.0; size];
        let slow = OnePassStep::new(size).slow;
        // d / tr H: stable, or not far above what is, for any batch.
        let mut log_rate = libm::log(size as f64 / length);
        let mut curvature = None;
        let (mut sum, mut counted) = (0.0, 0);
        for update in 0..updates {
            if stop() {
                return Err(SimulationError::Interrupted);
            }
            let step = libm::exp(log_rate) * slow;
            let mut along = 0.0;
            for (walker, square) in population.now.chunks_exact_mut(size).zip(&mut population.squares) {
                source.curvature_along(walker, problem.batch, &mut gradient);
                along += dot(walker, &gradient);
                add(walker, -step, &gradient);
                *square = squared(walker);
            }
            let walkers = self.walkers as f64;
            let growth = population.squares.iter().sum::<f64>() / walkers;
            population.resample(choice.random());
            let along = along / walkers;
            let mean = curvature.map_or(along, |mean| MEMORY * mean + (1.0 - MEMORY) * along);
            curvature = Some(mean);
            // 2 eta delta.H delta is the scale on which the growth of one update changes with ln eta.
            log_rate -= libm::log(growth) * RELAXATIONS / (2.0 * step * mean * updates as f64);
            if 2 * update >= updates {
                sum += log_rate;
                counted += 1;
            }
        }
        let rate = libm::exp(sum / f64::from(counted));
        let mut curve = Curve::new(measure.observables);
        for &time in measure.times {
            let recorded = problem.time_of(problem.updates_at(time, size), size);
            curve.push(recorded, &vec![rate; measure.observables.len()]);
        }
        curve.work.updates = updates * self.walkers as u64;
        curve.work.seconds = clock.elapsed().as_secs_f64();
        Ok(Replica { curve, start })
    }
}
