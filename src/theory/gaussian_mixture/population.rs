//! Effective samples in blocks, and what one update of the law asks of all of them.
//!
//! All vectors over the population that the law needs again are one list, the pool. Sums over blocks are added in the
//! order of the blocks, so results do not depend on the number of threads.

use super::block::{Advance, Block, Column, Drive, FieldOf};
use super::kernels::{LANES, add, dot, dots, total};
use super::selection::{Candidate, Memory, Process};
use super::sums::Sums;
use crate::problem::gaussian_mixture::{Data, GaussianMixture};
use crate::rng::{Simd, Stream};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

/// Samples of a block.
const BLOCK: usize = 64;

/// Blocks whose sums are one: they are worked on one after the other.
const GROUP: usize = 8;

/// Groups from which on threads are worth their start.
const PARALLEL: usize = 16;

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

/// Blocks with the sums over their samples.
#[derive(Debug)]
struct Group {
    blocks: Vec<Block>,
    sums: Sums,
    /// Of <vector_i pool_j>, then of <vector_i vector_j>.
    lanes: Vec<f64>,
}

/// One population.
#[derive(Debug)]
pub(super) struct Population {
    simd: Simd,
    problem: GaussianMixture,
    pub size: usize,
    groups: Vec<Group>,
    /// Vectors of the pool.
    pub pool: usize,
    /// Draws along the margins of all samples, one stream for each copy.
    random: Vec<Xoshiro256PlusPlus>,
    /// Whether the second copy has drawn a selection of its own since it parted.
    is_parted: bool,
}

impl Population {
    /// Samples with y, c and zeta. With moment matching the pool begins with an orthonormal basis of 1, y, c, zeta and
    /// label noise, so that everything that comes later is orthogonal to them; the classes have their exact shares.
    /// Room for `expected` pool vectors is set aside, so that a growing pool is not copied.
    pub fn new(
        problem: &GaussianMixture,
        size: usize,
        expected: usize,
        matched: bool,
        stream: &Stream,
    ) -> Self {
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
                pool: Vec::with_capacity(expected * len),
                vectors: Vec::new(),
                candidate: Vec::new(),
                advancing: Vec::new(),
                fields: Vec::new(),
                slopes: Vec::new(),
                memories: vec![Memory::default(); 2],
                before: Memory::default(),
                means: vec![vec![0.0; len]; 2],
                selected: vec![vec![0.0; len]; 2],
                normals: stream.child("fields").gaussians(),
                random: (0..2).map(|copy| stream.child("batch").index(copy).generator()).collect(),
            }
        });
        let mut blocks = blocks.peekable();
        let mut groups = Vec::new();
        while blocks.peek().is_some() {
            let blocks = blocks.by_ref().take(GROUP).collect();
            groups.push(Group { blocks, sums: Sums::default(), lanes: Vec::new() });
        }
        let mut population = Self {
            simd: Simd::best(),
            problem: problem.clone(),
            size,
            groups,
            pool: 0,
            random: (0..2).map(|copy| stream.child("offset").index(copy).generator()).collect(),
            is_parted: false,
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
        for block in self.blocks_mut() {
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
        for block in self.blocks_mut() {
            let mut v = std::mem::take(&mut block.candidate);
            v.clear();
            v.resize(block.len, 0.0);
            fill(block, &mut v);
            block.candidate = v;
        }
        let square =
            |population: &Self| population.blocks().map(|b| dot(&b.candidate, &b.candidate)).sum::<f64>();
        let size = self.size as f64;
        let before = square(self) / size;
        for _ in 0..2 {
            let mut lanes = vec![0.0; pool * LANES];
            for block in self.blocks() {
                dots(simd, &block.pool, block.len, &block.candidate, pool, &mut lanes);
            }
            let along: Vec<f64> = lanes.as_chunks().0.iter().map(|lanes| -total(lanes) / size).collect();
            for block in self.blocks_mut() {
                add(simd, &block.pool, block.len, &along, &mut block.candidate);
            }
        }
        let after = square(self) / size;
        if after <= 1e-20 * before || before == 0.0 {
            return false;
        }
        let scale = 1.0 / after.sqrt();
        for block in self.blocks_mut() {
            let Block { pool, candidate, .. } = block;
            pool.extend(candidate.iter().map(|x| scale * x));
        }
        self.pool += 1;
        true
    }

    /// Adds one of the latest vectors to the pool, made orthogonal to it explicitly: what is left of it may be small.
    /// `false` if nothing is.
    pub fn adjoin_vector(&mut self, i: usize) -> bool {
        self.adjoin(|block, v| v.copy_from_slice(&block.vectors[i * block.len..(i + 1) * block.len]))
    }

    /// A fresh N(0, 1) field in the pool: its position.
    pub fn fresh(&mut self, matched: bool) -> usize {
        if matched {
            self.adjoin(|block, v| block.normals.fill(v));
        } else {
            for block in self.blocks_mut() {
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
        for block in self.blocks_mut() {
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
        let reduced: Vec<usize> = (0..columns.len()).filter(|&i| !columns[i].over_pool.is_empty()).collect();
        let sources =
            || reduced.iter().map(|&i| &columns[i].over_pool).chain(fields.iter().map(|f| &f.over_pool));
        let over_pool: Vec<f64> =
            (0..pool).flat_map(|i| sources().map(move |over_pool| over_pool[i])).collect();
        self.is_parted |= copies > 1 && process.draws();
        let is_parted = self.is_parted;
        let plan = &Advance { columns, fields, over_pool: &over_pool, reduced: &reduced };
        let second = |block: &mut Block, sums: &mut Sums, lanes: &mut Vec<f64>| {
            block.gradients(simd, &problem, process.is_certain(), drives, fresh);
            block.noise(drives, is_parted, sums);
            if observe {
                block.score(&problem, sums);
            }
            block.products(simd, with, sums, lanes);
        };
        if process.is_systematic() {
            each(&mut self.groups, |group| {
                group.blocks.iter_mut().for_each(|block| block.advance(simd, pool, plan));
            });
            (0..copies).for_each(|copy| self.select(process, copy));
            each(&mut self.groups, |group| group.sum(second));
        } else {
            each(&mut self.groups, |group| {
                group.sum(|block, sums, lanes| {
                    block.advance(simd, pool, plan);
                    block.select(process, copies);
                    second(block, sums, lanes);
                });
            });
        }
        self.pool = with;
        self.collect(sums);
    }

    /// Draws `fresh` further Gaussian fields after [`Self::update`].
    pub fn draw(&mut self, fresh: usize, sums: &mut Sums) {
        let (simd, pool) = (self.simd, self.pool);
        each(&mut self.groups, |group| {
            group.sum(|block, sums, lanes| {
                block.draw(fresh);
                block.products(simd, pool, sums, lanes);
            });
        });
        let (loss, accuracy, noise) = (sums.loss, sums.accuracy, std::mem::take(&mut sums.noise));
        self.collect(sums);
        (sums.loss, sums.accuracy, sums.noise) = (loss, accuracy, noise);
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.groups.iter().flat_map(|group| &group.blocks)
    }

    fn blocks_mut(&mut self) -> impl Iterator<Item = &mut Block> {
        self.groups.iter_mut().flat_map(|group| &mut group.blocks)
    }

    fn collect(&self, sums: &mut Sums) {
        let first = &self.groups[0].sums;
        sums.clear(first.pool, first.vectors);
        sums.noise.clear();
        sums.noise.resize(first.noise.len(), 0.0);
        for group in &self.groups {
            sums.add(&group.sums);
        }
        sums.scale(1.0 / self.size as f64);
    }

    /// Selection along the margins y r of all samples.
    fn select(&mut self, process: &Process, copy: usize) {
        let mut candidates = Vec::with_capacity(self.size);
        for block in self.blocks_mut() {
            process.means(&block.memories[copy], &mut block.means[copy]);
            let (margins, means) = (block.y.iter().zip(&block.fields[copy]), &block.means[copy]);
            let samples = margins.zip(means).enumerate();
            candidates.extend(samples.map(|(i, ((y, r), &mean))| Candidate {
                margin: y * r,
                mean,
                first_copy: if copy == 0 { [0; 2] } else { [block.before.of(i), block.memories[0].of(i)] },
            }));
        }
        let drawn = process.draw_along(&candidates, &mut self.random[copy]);
        for (block, drawn) in self.blocks_mut().zip(drawn.chunks(BLOCK)) {
            if copy == 0 {
                block.before.clone_from(&block.memories[0]);
            }
            process.recall(&mut block.memories[copy], drawn, &mut block.selected[copy]);
            process.settle(&block.selected[copy], &mut block.means[copy]);
        }
    }
}

/// Every group, on all threads of the pool where there are enough of them.
fn each(groups: &mut [Group], work: impl Fn(&mut Group) + Sync + Send) {
    if groups.len() >= PARALLEL {
        groups.par_iter_mut().for_each(work);
    } else {
        groups.iter_mut().for_each(work);
    }
}

impl Group {
    /// The sums of all blocks: `work` adds one block to sums and lanes, and sets their shape.
    fn sum(&mut self, work: impl Fn(&mut Block, &mut Sums, &mut Vec<f64>)) {
        let Self { blocks, sums, lanes } = self;
        *sums = Sums::default();
        lanes.clear();
        for block in blocks {
            work(block, sums, lanes);
        }
        let (along_pool, gram) = lanes.as_chunks().0.split_at(sums.vectors * sums.pool);
        sums.along_pool.extend(along_pool.iter().map(total));
        sums.gram.extend(gram.iter().map(total));
    }
}
