//! The two passes that one update of the law makes over a block of effective samples.
//!
//! A pass reads the pool of the block once, in tiles that stay in the first cache, and both passes follow each other on a
//! block while its pool is in the second one, unless samples are selected across blocks.

use super::kernels::{LANES, STEEP, add, dot, dots, fermi, prefetch};
use super::selection::{Memory, Process};
use super::sums::Sums;
use crate::problem::gaussian_mixture::{GaussianMixture, Loss};
use crate::rng::{Gaussians, Simd};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Pool vectors that are multiplied with all others before the next ones are read.
const TILE: usize = 16;

/// Pool vectors of one step of the first pass over the pool, which waits for memory: while it works on them it asks for
/// as many that lie `AHEAD` of them.
const STEP: usize = 4;
const AHEAD: usize = 16;

/// A new pool vector: a combination of the latest vectors and of the pool.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub over_vectors: Vec<f64>,
    /// Empty for none.
    pub over_pool: Vec<f64>,
}

/// Field of one walker: slope * (c + sqrt(Delta) zeta) + combination of the pool.
#[derive(Clone, Debug)]
pub(super) struct FieldOf {
    pub slope: f64,
    pub over_pool: Vec<f64>,
}

/// What moves a walker's gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Drive {
    /// Lambda' with the selection of this copy.
    Copy(usize),
    /// Lambda'' of the first copy times the walker's own field.
    Tangent,
}

/// How the first pass over a block goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Advance<'a> {
    pub columns: &'a [Column],
    pub fields: &'a [FieldOf],
    /// Coefficients over the pool of the reduced columns, then of the fields: one row for each pool vector.
    pub over_pool: &'a [f64],
    /// Columns with coefficients over the pool.
    pub reduced: &'a [usize],
}

#[derive(Debug)]
pub(super) struct Block {
    pub len: usize,
    pub y: Vec<f64>,
    /// c + sqrt(Delta) zeta.
    pub input: Vec<f64>,
    /// One vector after the other.
    pub pool: Vec<f64>,
    pub vectors: Vec<f64>,
    /// One vector on its way into the pool.
    pub candidate: Vec<f64>,
    /// Columns and fields on their way over the pool.
    pub advancing: Vec<f64>,
    /// r of the copies, its derivative of the tangents.
    pub fields: Vec<Vec<f64>>,
    /// d: derivative of the loss by r over nu, times the tangent's field.
    pub slopes: Vec<Vec<f64>>,
    pub memories: Vec<Memory>,
    /// What the first copy remembered before its latest draw along the margins.
    pub before: Memory,
    pub means: Vec<Vec<f64>>,
    pub selected: Vec<Vec<f64>>,
    pub normals: Gaussians,
    pub random: Vec<Xoshiro256PlusPlus>,
}

impl Block {
    pub fn advance(&mut self, simd: Simd, pool: usize, plan: &Advance) {
        let len = self.len;
        let Advance { columns, fields: walkers, over_pool, reduced } = *plan;
        self.fields.resize_with(walkers.len(), || vec![0.0; len]);
        // Reduced columns first, then fields, as one list that shares every reading of the pool.
        let width = reduced.len() + walkers.len();
        self.advancing.clear();
        self.advancing.resize(width * len, 0.0);
        for (v, &column) in self.advancing.chunks_exact_mut(len).zip(reduced) {
            add(simd, &self.vectors, len, &columns[column].over_vectors, v);
        }
        for (r, walker) in self.advancing[reduced.len() * len..].chunks_exact_mut(len).zip(walkers) {
            r.iter_mut().zip(&self.input).for_each(|(r, x)| *r = walker.slope * x);
        }
        let upto = |i: usize| i.min(pool);
        prefetch(&self.pool[..upto(AHEAD) * len]);
        for from in (0..pool).step_by(STEP) {
            let to = upto(from + STEP);
            prefetch(&self.pool[upto(from + AHEAD) * len..upto(to + AHEAD) * len]);
            add(
                simd,
                &self.pool[from * len..to * len],
                len,
                &over_pool[from * width..to * width],
                &mut self.advancing,
            );
        }
        let (new, fields) = self.advancing.split_at(reduced.len() * len);
        let mut new = new.chunks_exact(len);
        for column in columns {
            let from = self.pool.len();
            if column.over_pool.is_empty() {
                self.pool.resize(from + len, 0.0);
                add(simd, &self.vectors, len, &column.over_vectors, &mut self.pool[from..]);
            } else if let Some(v) = new.next() {
                self.pool.extend_from_slice(v);
            }
        }
        for ((field, walker), sum) in self.fields.iter_mut().zip(walkers).zip(fields.chunks_exact(len)) {
            field.copy_from_slice(sum);
            add(simd, &self.pool[pool * len..], len, &walker.over_pool[pool..], field);
        }
    }

    pub fn select(&mut self, process: &Process, copies: usize) {
        for copy in 0..copies {
            process.means(&self.memories[copy], &mut self.means[copy]);
            process.draw(
                &mut self.memories[copy],
                &self.means[copy],
                &mut self.selected[copy],
                &mut self.random[copy],
            );
            process.settle(&self.selected[copy], &mut self.means[copy]);
        }
    }

    /// Slopes, means and noise of the gradients, and fresh fields.
    pub fn gradients(
        &mut self,
        simd: Simd,
        problem: &GaussianMixture,
        is_certain: bool,
        drives: &[Drive],
        fresh: usize,
    ) {
        let len = self.len;
        self.slopes.resize_with(drives.len(), || vec![0.0; len]);
        let per_unit = 1.0 / problem.normalisation;
        for (a, drive) in drives.iter().enumerate() {
            if *drive != Drive::Tangent && self.logistic_slopes(simd, problem, a) {
                continue;
            }
            let samples = self.y.iter().zip(&self.fields[0]).zip(&self.fields[a]);
            for (slope, ((&y, &first), &field)) in self.slopes[a].iter_mut().zip(samples) {
                *slope = per_unit
                    * match drive {
                        Drive::Copy(_) => problem.loss_slope(y, field),
                        Drive::Tangent => problem.loss_curvature(y, first) * field,
                    };
            }
        }
        self.vectors.clear();
        for noise in [false, true] {
            if noise && is_certain {
                continue;
            }
            for (a, drive) in drives.iter().enumerate() {
                let copy = copy_of(*drive);
                let samples = self.slopes[a].iter().zip(&self.means[copy]).zip(&self.selected[copy]);
                self.vectors
                    .extend(samples.map(|((d, mean), s)| if noise { (s - mean) * d } else { mean * d }));
            }
        }
        self.draw(fresh);
    }

    /// The slopes of a copy under the logistic loss, many at once; `false` for other losses and steep margins.
    fn logistic_slopes(&mut self, simd: Simd, problem: &GaussianMixture, a: usize) -> bool {
        if problem.loss != Loss::Logistic {
            return false;
        }
        let (slopes, rates) = (&mut self.slopes[a], &mut self.candidate);
        rates.resize(self.len, 0.0);
        let samples = self.y.iter().zip(&self.fields[a]);
        for ((u, rate), (&y, &r)) in slopes.iter_mut().zip(rates.iter_mut()).zip(samples) {
            match problem.margin(y, r) {
                Some(margin) => (*u, *rate) = margin,
                None => return false,
            }
        }
        if !slopes.iter().all(|u| u.abs() <= STEEP) {
            return false;
        }
        fermi(simd, slopes);
        let per_unit = -1.0 / problem.normalisation;
        slopes.iter_mut().zip(rates.iter()).for_each(|(slope, rate)| *slope *= per_unit * rate);
        true
    }

    pub fn draw(&mut self, fresh: usize) {
        let from = self.vectors.len();
        self.vectors.resize(from + fresh * self.len, 0.0);
        self.normals.fill(&mut self.vectors[from..]);
    }

    /// Adds the covariances of the noise. Copies that have parted have independent selections; before, they share one.
    pub fn noise(&self, drives: &[Drive], is_parted: bool, sums: &mut Sums) {
        sums.noise.resize(drives.len() * drives.len(), 0.0);
        for (a, drive) in drives.iter().enumerate() {
            let means = &self.means[copy_of(*drive)];
            for (b, other) in drives.iter().enumerate() {
                if copy_of(*other) == copy_of(*drive) || !is_parted {
                    let samples = self.slopes[a].iter().zip(&self.slopes[b]).zip(means);
                    let sum: f64 = samples.map(|((a, b), mean)| mean * (1.0 - mean) * a * b).sum();
                    sums.noise[a * drives.len() + b] += sum;
                }
            }
        }
    }

    /// Adds loss and accuracy of the first copy.
    pub fn score(&self, problem: &GaussianMixture, sums: &mut Sums) {
        for (&y, &r) in self.y.iter().zip(&self.fields[0]) {
            sums.loss += problem.loss_value(y, r);
            sums.accuracy += f64::from(problem.is_right(y, r));
        }
    }

    /// Adds the products of the vectors with the pool, with one another and with the input.
    pub fn products(&self, simd: Simd, pool: usize, sums: &mut Sums, lanes: &mut Vec<f64>) {
        let len = self.len;
        let count = self.vectors.len() / len;
        (sums.pool, sums.vectors) = (pool, count);
        sums.along_input.resize(count, 0.0);
        lanes.resize(count * (pool + count) * LANES, 0.0);
        let (along_pool, gram) = lanes.split_at_mut(count * pool * LANES);
        for from in (0..pool).step_by(TILE) {
            let to = (from + TILE).min(pool);
            let tile = &self.pool[from * len..to * len];
            dots(simd, tile, len, &self.vectors, pool, &mut along_pool[from * LANES..]);
        }
        dots(simd, &self.vectors, len, &self.vectors, count, gram);
        for (sum, v) in sums.along_input.iter_mut().zip(self.vectors.chunks_exact(len)) {
            *sum += dot(v, &self.input);
        }
    }
}

/// The copy whose selection a walker follows.
pub(super) fn copy_of(drive: Drive) -> usize {
    match drive {
        Drive::Copy(copy) => copy,
        Drive::Tangent => 0,
    }
}
