//! Weight vectors and inputs in memory, and the kernels that touch them.

use crate::rng::{Gaussians, Simd, multiversion};
use std::ops::Range;

/// Coordinates of a block, a multiple of [`LANES`]: an old input, a new one and one hidden unit take half of
/// a first-level cache.
const BLOCK: usize = 1024;

/// A cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f64; WIDTH]);

const WIDTH: usize = 8;

/// Vectors of length d, each contiguous, aligned to cache lines and padded with zeros to whole partial sums.
#[derive(Clone, Debug)]
pub(super) struct Units {
    d: usize,
    lines: Vec<Line>,
}

impl Units {
    pub fn zeros(count: usize, d: usize) -> Self {
        Self { d, lines: vec![Line([0.0; WIDTH]); count * d.next_multiple_of(LANES) / WIDTH] }
    }

    /// d with the padding.
    pub fn padded(&self) -> usize {
        self.d.next_multiple_of(LANES)
    }

    /// One vector with its padding.
    pub fn get(&self, unit: usize) -> &[f64] {
        // SAFETY: `Line` is `repr(C)` around eight f64, of the same size: the lines are one array of f64.
        let all = unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * WIDTH) };
        &all[unit * self.padded()..][..self.padded()]
    }

    /// One vector with its padding, which is to stay zero.
    pub fn get_mut(&mut self, unit: usize) -> &mut [f64] {
        let padded = self.padded();
        &mut self.all_mut()[unit * padded..][..padded]
    }

    /// The d coordinates of one vector.
    pub fn values_mut(&mut self, unit: usize) -> &mut [f64] {
        let d = self.d;
        &mut self.get_mut(unit)[..d]
    }

    /// Two different vectors with their padding, the first one to be changed.
    pub fn pair(&mut self, changed: usize, other: usize) -> (&mut [f64], &[f64]) {
        let padded = self.padded();
        let ranges = [changed, other].map(|unit| unit * padded..(unit + 1) * padded);
        let [changed, other] = self.all_mut().get_disjoint_mut(ranges).expect("two different vectors");
        (changed, other)
    }

    fn all_mut(&mut self) -> &mut [f64] {
        // SAFETY: as in `get`.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.lines.len() * WIDTH) }
    }
}

/// A fresh N(0, I_d) input, drawn block by block.
pub(super) struct Blocks {
    d: usize,
    buffer: Units,
}

impl Blocks {
    pub fn new(d: usize) -> Self {
        Self { d, buffer: Units::zeros(1, d.min(BLOCK)) }
    }

    /// The coordinates in `range`, one of [`ranges`]; the padding at the end is zero.
    pub fn draw(&mut self, range: &Range<usize>, gaussians: &mut Gaussians) -> &[f64] {
        let block = &mut self.buffer.get_mut(0)[..range.len()];
        let (coordinates, padding) = block.split_at_mut(range.len().min(self.d - range.start));
        gaussians.fill(coordinates);
        padding.fill(0.0);
        block
    }

    /// What the latest call drew for this range; zero before the first.
    pub fn latest(&self, range: &Range<usize>) -> &[f64] {
        &self.buffer.get(0)[..range.len()]
    }
}

/// The blocks of a padded vector.
pub(super) fn ranges(padded: usize) -> impl Iterator<Item = Range<usize>> {
    (0..padded).step_by(BLOCK).map(move |start| start..padded.min(start + BLOCK))
}

/// A scalar product in progress. Coordinate i of every 32 goes to partial sum i, whatever the
/// instruction set and the cut into blocks: the sum has one order and one value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum([f64; LANES]);

const LANES: usize = 32;

impl Sum {
    pub const ZERO: Self = Self([0.0; LANES]);

    pub fn total(&self) -> f64 {
        let mut sums = self.0;
        let mut half = LANES / 2;
        while half > 0 {
            for l in 0..half {
                sums[l] += sums[l + half];
            }
            half /= 2;
        }
        sums[0]
    }
}

multiversion! {
    /// sum += w.x; all vectors of all kernels are padded.
    pub(super) fn dot(w: &[f64], x: &[f64], sum: &mut Sum) = dot_body
}

multiversion! {
    /// w = keep w + c x
    pub(super) fn update(w: &mut [f64], keep: f64, c: f64, x: &[f64]) = update_body
}

multiversion! {
    /// w = keep w + c old, then sum += w.new, in one pass over w.
    pub(super) fn update_dot(
        w: &mut [f64], keep: f64, c: f64, old: &[f64], new: &[f64], sum: &mut Sum,
    ) = update_dot_body
}

#[inline(always)]
fn dot_body(w: &[f64], x: &[f64], sum: &mut Sum) {
    let mut sums = sum.0;
    for (w, x) in w.as_chunks::<LANES>().0.iter().zip(x.as_chunks::<LANES>().0) {
        for l in 0..LANES {
            sums[l] += w[l] * x[l];
        }
    }
    sum.0 = sums;
}

#[inline(always)]
fn update_body(w: &mut [f64], keep: f64, c: f64, x: &[f64]) {
    for (w, x) in w.iter_mut().zip(x) {
        *w = keep * *w + c * x;
    }
}

#[inline(always)]
fn update_dot_body(w: &mut [f64], keep: f64, c: f64, old: &[f64], new: &[f64], sum: &mut Sum) {
    let mut sums = sum.0;
    let inputs = old.as_chunks::<LANES>().0.iter().zip(new.as_chunks::<LANES>().0);
    for (w, (old, new)) in w.as_chunks_mut::<LANES>().0.iter_mut().zip(inputs) {
        update_body(w, keep, c, old);
        for l in 0..LANES {
            sums[l] += w[l] * new[l];
        }
    }
    sum.0 = sums;
}

/// w.x of two whole vectors.
pub(super) fn product(simd: Simd, w: &[f64], x: &[f64]) -> f64 {
    let mut sum = Sum::ZERO;
    dot(simd, w, x, &mut sum);
    sum.total()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    fn vectors(d: usize) -> Units {
        let mut vectors = Units::zeros(3, d);
        let mut gaussians = Stream::root(110).index(d as u64).gaussians();
        (0..3).for_each(|i| gaussians.fill(vectors.values_mut(i)));
        vectors
    }

    /// w after its update and the sum, as bits.
    fn bits(simd: Simd, d: usize, cut: usize) -> Vec<u64> {
        let mut vectors = vectors(d);
        let (old, new) = (vectors.get(1).to_vec(), vectors.get(2).to_vec());
        let w = vectors.get_mut(0);
        let mut sum = Sum::ZERO;
        update(simd, w, 0.97, -0.31, &old);
        for range in [0..cut, cut..w.len()] {
            update_dot(simd, &mut w[range.clone()], 0.93, 0.29, &old[range.clone()], &new[range], &mut sum);
        }
        let total = product(simd, w, &new);
        assert_eq!(total.to_bits(), sum.total().to_bits());
        w.iter().chain([&total]).map(|x| x.to_bits()).collect()
    }

    #[test]
    fn kernels_give_the_same_bits_with_every_instruction_set_and_every_cut() {
        for d in [1, 31, 32, 33, 100, 1025] {
            let reference = bits(Simd::PORTABLE, d, 0);
            for simd in Simd::available() {
                for cut in [0, LANES * (d / LANES / 2)] {
                    assert!(bits(simd, d, cut) == reference, "{} d = {d}", simd.name());
                }
            }
        }
    }

    #[test]
    fn kernels_compute_what_they_say() {
        for d in [1, 5, 64, 777] {
            let mut vectors = vectors(d);
            let [w, old, new] = [0, 1, 2].map(|i| vectors.get(i)[..d].to_vec());
            let (changed, other) = vectors.pair(0, 1);
            update(Simd::best(), changed, 0.93, 0.29, other);
            let exact: f64 = (0..d).map(|i| (0.93 * w[i] + 0.29 * old[i]) * new[i]).sum();
            let found = product(Simd::best(), vectors.get(0), vectors.get(2));
            assert!((found - exact).abs() < 1e-13 * d as f64, "{found} {exact}");
        }
    }

    #[test]
    fn padding_of_drawn_blocks_is_zero() {
        let d = BLOCK + 45;
        let mut drawn: Vec<f64> = Vec::new();
        let (mut blocks, mut gaussians) = (Blocks::new(d), Stream::root(111).gaussians());
        for range in ranges(d.next_multiple_of(LANES)) {
            drawn.extend(blocks.draw(&range, &mut gaussians));
        }
        let mut expected = vec![0.0; d];
        Stream::root(111).gaussians().fill(&mut expected);
        expected.resize(BLOCK + 64, 0.0);
        assert_eq!(drawn, expected);
    }
}
