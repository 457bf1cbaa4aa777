//! Effective samples in blocks, and the two passes that one update of the law makes over each block.
//!
//! All vectors over the population that the law needs again are one list, the pool. A pass reads the pool of a block
//! once, in tiles that stay in the first cache, and both passes follow each other on a block while its pool is in the
//! second one, unless samples are selected across blocks. Sums over blocks are added in the order of the blocks, so
//! results do not depend on the number of threads.

use super::kernels::{add, dot, dots};
use super::selection::{Memory, Process};
use crate::problem::gaussian_mixture::{Data, GaussianMixture};
use crate::rng::{Gaussians, Simd, Stream};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

/// Samples of a block.
const BLOCK: usize = 64;

/// Pool vectors that are multiplied with all others before the next ones are read.
const TILE: usize = 32;

/// Blocks from which on threads are worth their start.
const PARALLEL: usize = 128;

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

/// What one update asks of the population.
#[derive(Clone, Copy, Debug)]
pub(super) struct Update<'a> {
    pub columns: &'a [Column],
    /// Of all walkers.
    pub fields: &'a [FieldOf],
    pub process: &'a Process,
    pub drives: &'a [Drive],
    /// Gaussian fields to draw.
    pub fresh: usize,
    /// Whether loss and accuracy are wanted.
    pub observe: bool,
}

/// Sums over the population of one update, `vectors` being means of gradients, then their noise if there is any,
/// then fresh Gaussian fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub pool: usize,
    pub vectors: usize,
    /// <vector_i pool_j>, row by row.
    pub along_pool: Vec<f64>,
    /// <vector_i vector_j>.
    pub gram: Vec<f64>,
    /// <vector_i (c + sqrt(Delta) zeta)>.
    pub along_input: Vec<f64>,
    /// <Var(s) d_a d_b> of the walkers' slopes d.
    pub noise: Vec<f64>,
    /// Loss and share of correct samples of the first copy.
    pub loss: f64,
    pub accuracy: f64,
}

impl Sums {
    fn clear(&mut self, pool: usize, vectors: usize) {
        (self.pool, self.vectors) = (pool, vectors);
        for (list, length) in [
            (&mut self.along_pool, vectors * pool),
            (&mut self.gram, vectors * vectors),
            (&mut self.along_input, vectors),
        ] {
            list.clear();
            list.resize(length, 0.0);
        }
        (self.loss, self.accuracy) = (0.0, 0.0);
    }

    fn add(&mut self, other: &Self) {
        let lists = [
            (&mut self.along_pool, &other.along_pool),
            (&mut self.gram, &other.gram),
            (&mut self.along_input, &other.along_input),
            (&mut self.noise, &other.noise),
        ];
        for (to, from) in lists {
            to.iter_mut().zip(from).for_each(|(a, b)| *a += b);
        }
        self.loss += other.loss;
        self.accuracy += other.accuracy;
    }

    fn scale(&mut self, factor: f64) {
        for list in [&mut self.along_pool, &mut self.gram, &mut self.along_input, &mut self.noise] {
            list.iter_mut().for_each(|a| *a *= factor);
        }
        self.loss *= factor;
        self.accuracy *= factor;
    }

    /// <vector_i pool_j> for all j.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.along_pool[i * self.pool..(i + 1) * self.pool]
    }
}

#[derive(Debug)]
struct Block {
    len: usize,
    y: Vec<f64>,
    /// c + sqrt(Delta) zeta.
    input: Vec<f64>,
    /// One vector after the other.
    pool: Vec<f64>,
    vectors: Vec<f64>,
    /// One vector on its way into the pool.
    candidate: Vec<f64>,
    /// r of the copies, its derivative of the tangents.
    fields: Vec<Vec<f64>>,
    /// d: derivative of the loss by r over nu, times the tangent's field.
    slopes: Vec<Vec<f64>>,
    memories: Vec<Memory>,
    means: Vec<Vec<f64>>,
    selected: Vec<Vec<f64>>,
    normals: Gaussians,
    random: Vec<Xoshiro256PlusPlus>,
    sums: Sums,
}

/// One population.
#[derive(Debug)]
pub(super) struct Population {
    simd: Simd,
    problem: GaussianMixture,
    pub size: usize,
    blocks: Vec<Block>,
    /// Vectors of the pool.
    pub pool: usize,
    /// Offsets of systematic sampling, one stream for each copy.
    random: Vec<Xoshiro256PlusPlus>,
}

impl Population {
    /// Samples with y, c and zeta. With moment matching the pool begins with an orthonormal basis of 1, y, c, zeta and
    /// label noise, so that everything that comes later is orthogonal to them; the classes have their exact shares.
    pub fn new(problem: &GaussianMixture, size: usize, matched: bool, stream: &Stream) -> Self {
        let blocks = (0..size.div_ceil(BLOCK)).map(|i| {
            let stream = stream.index(i as u64);
            let len = BLOCK.min(size - i * BLOCK);
            let class = |l: usize| match (problem.data, l % 4) {
                (Data::TwoClusters, k) => 1.0 - 2.0 * (k % 2) as f64,
                (Data::ThreeClusters { .. }, 2) => 1.0,
                (Data::ThreeClusters { .. }, 3) => -1.0,
                (Data::ThreeClusters { .. } | Data::LinearTeacher { .. }, _) => 0.0,
            };
            let c: Vec<f64> = (0..len).map(class).collect();
            Block {
                len,
                y: match problem.data {
                    Data::TwoClusters => c.clone(),
                    Data::ThreeClusters { .. } => c.iter().map(|c| 2.0 * c * c - 1.0).collect(),
                    Data::LinearTeacher { .. } => vec![0.0; len],
                },
                input: c,
                pool: Vec::new(),
                vectors: Vec::new(),
                candidate: Vec::new(),
                fields: Vec::new(),
                slopes: Vec::new(),
                memories: vec![Memory::default(); 2],
                means: vec![vec![0.0; len]; 2],
                selected: vec![vec![0.0; len]; 2],
                normals: stream.child("fields").gaussians(),
                random: (0..2).map(|copy| stream.child("batch").index(copy).generator()).collect(),
                sums: Sums::default(),
            }
        });
        let mut population = Self {
            simd: Simd::best(),
            problem: problem.clone(),
            size,
            blocks: blocks.collect(),
            pool: 0,
            random: (0..2).map(|copy| stream.child("offset").index(copy).generator()).collect(),
        };
        population.inputs(matched);
        population
    }

    fn inputs(&mut self, matched: bool) {
        let delta = self.problem.cluster_variance.sqrt();
        if matched {
            self.adjoin(|block, v| v[..block.len].fill(1.0));
            self.adjoin(|block, v| v.copy_from_slice(&block.y));
            self.adjoin(|block, v| v.copy_from_slice(&block.input));
        }
        let zeta = self.fresh(matched);
        let noise = match self.problem.data {
            Data::LinearTeacher { noise_std } if noise_std > 0.0 => Some((self.fresh(matched), noise_std)),
            _ => None,
        };
        let teaches = matches!(self.problem.data, Data::LinearTeacher { .. });
        for block in &mut self.blocks {
            let vector = |i: usize| &block.pool[i * block.len..(i + 1) * block.len];
            for (input, zeta) in block.input.iter_mut().zip(vector(zeta)) {
                *input += delta * zeta;
            }
            if teaches {
                block.y.copy_from_slice(vector(zeta));
            }
            if let Some((noise, std)) = noise {
                block.y.iter_mut().zip(vector(noise)).for_each(|(y, noise)| *y += std * noise);
            }
        }
    }

    /// Adds a vector to the pool, made orthogonal to what is there and of unit length, unless nothing of it is left.
    fn adjoin(&mut self, fill: impl Fn(&mut Block, &mut [f64])) -> bool {
        let (pool, simd) = (self.pool, self.simd);
        for block in &mut self.blocks {
            let mut v = std::mem::take(&mut block.candidate);
            v.clear();
            v.resize(block.len, 0.0);
            fill(block, &mut v);
            block.candidate = v;
        }
        let square = |blocks: &[Block]| blocks.iter().map(|b| dot(&b.candidate, &b.candidate)).sum::<f64>();
        let size = self.size as f64;
        let before = square(&self.blocks) / size;
        for _ in 0..2 {
            let mut along = vec![0.0; pool];
            let mut part = vec![0.0; pool];
            for block in &self.blocks {
                dots(simd, &block.pool, block.len, &block.candidate, &mut part);
                along.iter_mut().zip(&part).for_each(|(a, p)| *a -= p / size);
            }
            for block in &mut self.blocks {
                add(simd, &block.pool, block.len, &along, &mut block.candidate);
            }
        }
        let after = square(&self.blocks) / size;
        if after <= 1e-20 * before || before == 0.0 {
            return false;
        }
        let scale = 1.0 / after.sqrt();
        for block in &mut self.blocks {
            let Block { pool, candidate, .. } = block;
            pool.extend(candidate.iter().map(|x| scale * x));
        }
        self.pool += 1;
        true
    }

    /// Adds one of the latest vectors to the pool, made orthogonal to it explicitly: what is left of it may be small.
    pub fn adjoin_vector(&mut self, i: usize) {
        self.adjoin(|block, v| v.copy_from_slice(&block.vectors[i * block.len..(i + 1) * block.len]));
    }

    /// A fresh N(0, 1) field in the pool: its position.
    pub fn fresh(&mut self, matched: bool) -> usize {
        if matched {
            self.adjoin(|block, v| block.normals.fill(v));
        } else {
            for block in &mut self.blocks {
                let from = block.pool.len();
                block.pool.resize(from + block.len, 0.0);
                block.normals.fill(&mut block.pool[from..]);
            }
            self.pool += 1;
        }
        self.pool - 1
    }

    /// The second copy goes on from the selection of the first.
    pub fn fork(&mut self) {
        for block in &mut self.blocks {
            block.memories[1] = block.memories[0].clone();
        }
    }

    /// One update up to its sums. First pass: completes the pool by the new columns and computes the fields of all
    /// walkers. Second pass: selects samples, computes gradients and draws Gaussian fields; then their products with
    /// the pool and with one another.
    pub fn update(&mut self, request: &Update, sums: &mut Sums) {
        let (simd, pool, problem) = (self.simd, self.pool, self.problem.clone());
        let Update { columns, fields, process, drives, fresh, observe } = *request;
        let copies = drives.iter().filter(|drive| **drive != Drive::Tangent).count();
        let with = pool + columns.len();
        let second = |block: &mut Block| {
            block.gradients(&problem, process.is_certain(), drives, fresh);
            block.sum(simd, &problem, with, drives, observe);
        };
        if process.is_systematic() {
            each(&mut self.blocks, |block| block.advance(simd, pool, columns, fields));
            (0..copies).for_each(|copy| self.select(process, copy));
            each(&mut self.blocks, second);
        } else {
            each(&mut self.blocks, |block| {
                block.advance(simd, pool, columns, fields);
                block.select(process, copies);
                second(block);
            });
        }
        self.pool = with;
        self.collect(sums);
    }

    /// Draws `fresh` further Gaussian fields after [`Self::update`].
    pub fn draw(&mut self, fresh: usize, sums: &mut Sums) {
        let (simd, pool) = (self.simd, self.pool);
        each(&mut self.blocks, |block| {
            block.draw(fresh);
            block.products(simd, pool);
        });
        let (loss, accuracy, noise) = (sums.loss, sums.accuracy, std::mem::take(&mut sums.noise));
        self.collect(sums);
        (sums.loss, sums.accuracy, sums.noise) = (loss, accuracy, noise);
    }

    fn collect(&self, sums: &mut Sums) {
        let first = &self.blocks[0].sums;
        sums.clear(first.pool, first.vectors);
        sums.noise.clear();
        sums.noise.resize(first.noise.len(), 0.0);
        for block in &self.blocks {
            sums.add(&block.sums);
        }
        sums.scale(1.0 / self.size as f64);
    }

    /// Systematic selection along the margins y r of all samples.
    fn select(&mut self, process: &Process, copy: usize) {
        let (mut margins, mut means) = (Vec::with_capacity(self.size), Vec::with_capacity(self.size));
        for block in &mut self.blocks {
            process.means(&block.memories[copy], &mut block.means[copy]);
            margins.extend(block.y.iter().zip(&block.fields[copy]).map(|(y, r)| y * r));
            means.extend_from_slice(&block.means[copy]);
        }
        let drawn = process.draw_along(&margins, &means, &mut self.random[copy]);
        for (block, drawn) in self.blocks.iter_mut().zip(drawn.chunks(BLOCK)) {
            process.recall(&mut block.memories[copy], drawn, &mut block.selected[copy]);
        }
    }
}

/// Every block, on all threads of the pool where there are enough of them.
fn each(blocks: &mut [Block], work: impl Fn(&mut Block) + Sync + Send) {
    if blocks.len() >= PARALLEL {
        blocks.par_iter_mut().with_min_len(8).for_each(work);
    } else {
        blocks.iter_mut().for_each(work);
    }
}

impl Block {
    fn advance(&mut self, simd: Simd, pool: usize, columns: &[Column], walkers: &[FieldOf]) {
        let len = self.len;
        self.fields.resize_with(walkers.len(), || vec![0.0; len]);
        let mut new: Vec<Vec<f64>> = columns
            .iter()
            .map(|column| {
                let mut v = vec![0.0; len];
                add(simd, &self.vectors, len, &column.over_vectors, &mut v);
                v
            })
            .collect();
        for (field, walker) in self.fields.iter_mut().zip(walkers) {
            field.iter_mut().zip(&self.input).for_each(|(r, x)| *r = walker.slope * x);
        }
        for from in (0..pool).step_by(TILE) {
            let to = (from + TILE).min(pool);
            let tile = &self.pool[from * len..to * len];
            for (v, column) in new.iter_mut().zip(columns).filter(|(_, column)| !column.over_pool.is_empty())
            {
                add(simd, tile, len, &column.over_pool[from..to], v);
            }
            for (field, walker) in self.fields.iter_mut().zip(walkers) {
                add(simd, tile, len, &walker.over_pool[from..to], field);
            }
        }
        for (i, v) in new.iter().enumerate() {
            for (field, walker) in self.fields.iter_mut().zip(walkers) {
                add(simd, v, len, &walker.over_pool[pool + i..=pool + i], field);
            }
            self.pool.extend_from_slice(v);
        }
    }

    fn select(&mut self, process: &Process, copies: usize) {
        for copy in 0..copies {
            process.means(&self.memories[copy], &mut self.means[copy]);
            process.draw(
                &mut self.memories[copy],
                &self.means[copy],
                &mut self.selected[copy],
                &mut self.random[copy],
            );
        }
    }

    /// Slopes, means and noise of the gradients, and fresh fields.
    fn gradients(&mut self, problem: &GaussianMixture, is_certain: bool, drives: &[Drive], fresh: usize) {
        let len = self.len;
        self.slopes.resize_with(drives.len(), || vec![0.0; len]);
        let per_unit = 1.0 / problem.normalisation;
        for (a, drive) in drives.iter().enumerate() {
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

    fn draw(&mut self, fresh: usize) {
        let from = self.vectors.len();
        self.vectors.resize(from + fresh * self.len, 0.0);
        self.normals.fill(&mut self.vectors[from..]);
    }

    fn sum(&mut self, simd: Simd, problem: &GaussianMixture, pool: usize, drives: &[Drive], observe: bool) {
        self.products(simd, pool);
        self.sums.noise.clear();
        for (a, drive) in drives.iter().enumerate() {
            let means = &self.means[copy_of(*drive)];
            for (b, other) in drives.iter().enumerate() {
                // Copies with selections of their own have independent noise.
                let shared = copy_of(*other) == copy_of(*drive);
                let samples = self.slopes[a].iter().zip(&self.slopes[b]).zip(means);
                let sum: f64 = samples.map(|((a, b), mean)| mean * (1.0 - mean) * a * b).sum();
                self.sums.noise.push(if shared { sum } else { 0.0 });
            }
        }
        (self.sums.loss, self.sums.accuracy) = (0.0, 0.0);
        if observe {
            for (&y, &r) in self.y.iter().zip(&self.fields[0]) {
                self.sums.loss += problem.loss_value(y, r);
                self.sums.accuracy += f64::from(problem.is_right(y, r));
            }
        }
    }

    fn products(&mut self, simd: Simd, pool: usize) {
        let len = self.len;
        let count = self.vectors.len() / len;
        self.sums.clear(pool, count);
        for from in (0..pool).step_by(TILE) {
            let to = (from + TILE).min(pool);
            let tile = &self.pool[from * len..to * len];
            for (i, v) in self.vectors.chunks_exact(len).enumerate() {
                dots(simd, tile, len, v, &mut self.sums.along_pool[i * pool + from..i * pool + to]);
            }
        }
        for (i, v) in self.vectors.chunks_exact(len).enumerate() {
            dots(simd, &self.vectors, len, v, &mut self.sums.gram[i * count..(i + 1) * count]);
            self.sums.along_input[i] = dot(v, &self.input);
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
