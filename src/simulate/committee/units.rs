//! Weight vectors and inputs in memory, and the three kernels that touch them.

use crate::rng::{Gaussians, Simd, multiversion};
use std::ops::Range;

/// Coordinates of one cache line.
pub(super) const WIDTH: usize = 8;

/// Lines of a block: 1024 coordinates of an old input, a new one and one hidden unit take half of a first-level cache.
pub(super) const BLOCK: usize = 128;

/// Eight neighbouring coordinates, aligned to a cache line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(super) struct Line(pub [f64; WIDTH]);

pub(super) const ZERO: Line = Line([0.0; WIDTH]);

/// The coordinates of a run of lines.
pub(super) fn coordinates(lines: &mut [Line]) -> &mut [f64] {
    // SAFETY: `Line` is `repr(C)` around [f64; 8], 64 bytes at alignment 64, hence without padding.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * WIDTH) }
}

/// Vectors of length d, each contiguous, padded with zeros to whole lines.
#[derive(Clone, Debug)]
pub(super) struct Units {
    d: usize,
    stride: usize,
    lines: Vec<Line>,
}

impl Units {
    pub fn zeros(count: usize, d: usize) -> Self {
        let stride = d.div_ceil(WIDTH);
        Self { d, stride, lines: vec![ZERO; count * stride] }
    }

    /// Lines of one vector.
    pub fn stride(&self) -> usize {
        self.stride
    }

    pub fn get(&self, unit: usize) -> &[Line] {
        &self.lines[unit * self.stride..(unit + 1) * self.stride]
    }

    pub fn get_mut(&mut self, unit: usize) -> &mut [Line] {
        &mut self.lines[unit * self.stride..(unit + 1) * self.stride]
    }

    /// The d coordinates of one vector.
    pub fn values_mut(&mut self, unit: usize) -> &mut [f64] {
        let d = self.d;
        &mut coordinates(self.get_mut(unit))[..d]
    }

    /// Two different vectors, the first one to be changed.
    pub fn pair(&mut self, changed: usize, other: usize) -> (&mut [Line], &[Line]) {
        let ranges = [changed, other].map(|unit| unit * self.stride..(unit + 1) * self.stride);
        let [changed, other] = self.lines.get_disjoint_mut(ranges).expect("two different vectors");
        (changed, other)
    }

    pub fn clear(&mut self) {
        self.lines.fill(ZERO);
    }
}

/// The blocks of a vector of `stride` lines.
pub(super) fn blocks(stride: usize) -> impl Iterator<Item = Range<usize>> {
    (0..stride).step_by(BLOCK).map(move |start| start..stride.min(start + BLOCK))
}

/// Draws the coordinates of one block of a vector of length d; padding is zero.
pub(super) fn draw(gaussians: &mut Gaussians, block: &Range<usize>, d: usize, out: &mut [Line]) {
    let (drawn, padding) = coordinates(out).split_at_mut((d - block.start * WIDTH).min(block.len() * WIDTH));
    gaussians.fill(drawn);
    padding.fill(0.0);
}

/// A scalar product in progress. Coordinate i of every block of 32 goes to partial sum i, whatever the
/// instruction set and the cut into blocks: the sum has one order and one value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum([Line; ROWS]);

const ROWS: usize = 4;

impl Sum {
    pub const ZERO: Self = Self([ZERO; ROWS]);

    pub fn total(&self) -> f64 {
        let [a, b, c, d] = &self.0;
        let e: [f64; WIDTH] = std::array::from_fn(|l| (a.0[l] + b.0[l]) + (c.0[l] + d.0[l]));
        ((e[0] + e[4]) + (e[2] + e[6])) + ((e[1] + e[5]) + (e[3] + e[7]))
    }
}

multiversion! {
    /// sum += w.x
    pub(super) fn dot(w: &[Line], x: &[Line], sum: &mut Sum) = dot_body
}

multiversion! {
    /// w = keep w + c x
    pub(super) fn update(w: &mut [Line], keep: f64, c: f64, x: &[Line]) = update_body
}

multiversion! {
    /// w = keep w + c old, then sum += w.new, in one pass over w.
    pub(super) fn update_dot(w: &mut [Line], keep: f64, c: f64, old: &[Line], new: &[Line], sum: &mut Sum) = update_dot_body
}

#[inline(always)]
fn dot_body(w: &[Line], x: &[Line], sum: &mut Sum) {
    let mut rows = sum.0;
    let ((w, w_rest), (x, x_rest)) = (w.as_chunks::<ROWS>(), x.as_chunks::<ROWS>());
    for (w, x) in w.iter().zip(x) {
        for r in 0..ROWS {
            multiply_add(&mut rows[r], &w[r], &x[r]);
        }
    }
    for (r, (w, x)) in w_rest.iter().zip(x_rest).enumerate() {
        multiply_add(&mut rows[r], w, x);
    }
    sum.0 = rows;
}

#[inline(always)]
fn update_body(w: &mut [Line], keep: f64, c: f64, x: &[Line]) {
    for (w, x) in w.iter_mut().zip(x) {
        move_line(w, keep, c, x);
    }
}

#[inline(always)]
fn update_dot_body(w: &mut [Line], keep: f64, c: f64, old: &[Line], new: &[Line], sum: &mut Sum) {
    let mut rows = sum.0;
    let (w, w_rest) = w.as_chunks_mut::<ROWS>();
    let ((old, old_rest), (new, new_rest)) = (old.as_chunks::<ROWS>(), new.as_chunks::<ROWS>());
    for ((w, old), new) in w.iter_mut().zip(old).zip(new) {
        for r in 0..ROWS {
            move_line(&mut w[r], keep, c, &old[r]);
            multiply_add(&mut rows[r], &w[r], &new[r]);
        }
    }
    for (r, ((w, old), new)) in w_rest.iter_mut().zip(old_rest).zip(new_rest).enumerate() {
        move_line(w, keep, c, old);
        multiply_add(&mut rows[r], w, new);
    }
    sum.0 = rows;
}

#[inline(always)]
fn multiply_add(sum: &mut Line, w: &Line, x: &Line) {
    for l in 0..WIDTH {
        sum.0[l] += w.0[l] * x.0[l];
    }
}

#[inline(always)]
fn move_line(w: &mut Line, keep: f64, c: f64, x: &Line) {
    for l in 0..WIDTH {
        w.0[l] = keep * w.0[l] + c * x.0[l];
    }
}

/// w.x of two whole vectors.
pub(super) fn product(simd: Simd, w: &[Line], x: &[Line]) -> f64 {
    let mut sum = Sum::ZERO;
    dot(simd, w, x, &mut sum);
    sum.total()
}
