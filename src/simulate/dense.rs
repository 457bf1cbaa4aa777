//! Vectors of length d in plain memory: products in a stated order of summation, and updates.

use crate::rng::{Simd, multiversion};

const LANES: usize = 16;

/// a.b, coordinate i in partial sum i mod 16: one order and one value on every machine.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sum = [0.0];
    dot_into(Simd::best(), a, b, &mut sum);
    sum[0]
}

/// y += c x.
pub(super) fn add(y: &mut [f64], c: f64, x: &[f64]) {
    add_to(Simd::best(), y, c, x);
}

multiversion!(
    fn dot_into(a: &[f64], b: &[f64], sum: &mut [f64; 1]) = dot_body
);

multiversion!(
    fn add_to(y: &mut [f64], c: f64, x: &[f64]) = add_body
);

#[inline(always)]
fn dot_body(a: &[f64], b: &[f64], sum: &mut [f64; 1]) {
    let mut sums = [0.0; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for l in 0..LANES {
            sums[l] += a[l] * b[l];
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += a * b;
    }
    sum[0] = sums.iter().sum();
}

#[inline(always)]
fn add_body(y: &mut [f64], c: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += c * x;
    }
}
