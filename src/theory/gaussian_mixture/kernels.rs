//! Products of one block of pool vectors, each of `len` numbers that follow one another, with a few others.
//!
//! One reading of the pool serves up to three vectors: the kernels then wait for arithmetic, not for the cache. Sums run
//! in eight lanes of a stated order, so that every instruction set gives the same bits.

use crate::math::elementary::exp;
use crate::rng::multiversion;

/// Partial sums of one product.
pub(super) const LANES: usize = 8;

/// Vectors that share one reading of the pool.
const TOGETHER: usize = 3;

multiversion!(
    /// Adds the products of all pool vectors with all `vectors` to their lanes: the lanes of <pool_i, vector_k> begin at
    /// (k * stride + i) * LANES, and [`total`] sums them.
    pub(super) fn dots(pool: &[f64], len: usize, vectors: &[f64], stride: usize, lanes: &mut [f64]) = dots_body
);

multiversion!(
    /// vector_k += sum_i coefficients[i * width + k] pool_i, for all k < width.
    pub(super) fn add(pool: &[f64], len: usize, coefficients: &[f64], vectors: &mut [f64]) = add_body
);

multiversion!(
    /// u -> 1/(1 + e^u) for numbers up to [`STEEP`], to 5e-14 relative.
    pub(super) fn fermi(u: &mut [f64]) = fermi_body
);

/// Beyond this [`fermi`] has no exponential.
pub(super) const STEEP: f64 = 25.0;

#[inline(always)]
fn fermi_body(u: &mut [f64]) {
    for u in u {
        let e = exp(u.abs());
        *u = if *u < 0.0 { e } else { 1.0 } / (1.0 + e);
    }
}

/// Asks for numbers that will be read soon.
#[inline]
pub(super) fn prefetch(numbers: &[f64]) {
    #[cfg(target_arch = "x86_64")]
    for line in numbers.chunks(8) {
        // SAFETY: a prefetch reads nothing, whatever the address; SSE belongs to every target of this architecture.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = numbers;
}

/// <a, b>.
#[inline(always)]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for l in 0..LANES {
            sums[l] += a[l] * b[l];
        }
    }
    total(&sums) + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// The sum of all lanes.
#[inline(always)]
pub(super) fn total(s: &[f64; LANES]) -> f64 {
    ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))
}

#[inline(always)]
fn dots_body(pool: &[f64], len: usize, vectors: &[f64], stride: usize, lanes: &mut [f64]) {
    let (count, lanes) = (vectors.len() / len, lanes.as_chunks_mut::<LANES>().0);
    for first in (0..count).step_by(TOGETHER) {
        let (vectors, lanes) = (&vectors[first * len..], &mut lanes[first * stride..]);
        match count - first {
            1 => dots_of::<1>(pool, len, vectors, stride, lanes),
            2 => dots_of::<2>(pool, len, vectors, stride, lanes),
            _ => dots_of::<TOGETHER>(pool, len, vectors, stride, lanes),
        }
    }
}

/// Two pool vectors at once.
#[inline(always)]
fn dots_of<const K: usize>(
    pool: &[f64],
    len: usize,
    vectors: &[f64],
    stride: usize,
    lanes: &mut [[f64; LANES]],
) {
    let columns = pool.len() / len;
    let mut x = [(&[][..], &[][..]); K];
    for (k, x) in x.iter_mut().enumerate() {
        *x = vectors[k * len..(k + 1) * len].as_chunks::<LANES>();
    }
    for i in (0..columns).step_by(2) {
        // The last one of an odd number stands twice, and counts once.
        let second = (i + 1).min(columns - 1);
        let (a, a_rest) = pool[i * len..(i + 1) * len].as_chunks::<LANES>();
        let (b, b_rest) = pool[second * len..(second + 1) * len].as_chunks::<LANES>();
        let mut sums = [[[0.0; LANES]; 2]; K];
        for (c, (a, b)) in a.iter().zip(&b[..a.len()]).enumerate() {
            for k in 0..K {
                let x = &x[k].0[c];
                for l in 0..LANES {
                    sums[k][0][l] += x[l] * a[l];
                    sums[k][1][l] += x[l] * b[l];
                }
            }
        }
        for k in 0..K {
            for (l, ((x, a), b)) in x[k].1.iter().zip(a_rest).zip(b_rest).enumerate() {
                sums[k][0][l] += x * a;
                sums[k][1][l] += x * b;
            }
            for j in 0..(second - i + 1) {
                let lanes = &mut lanes[k * stride + i + j];
                for l in 0..LANES {
                    lanes[l] += sums[k][j][l];
                }
            }
        }
    }
}

#[inline(always)]
fn add_body(pool: &[f64], len: usize, coefficients: &[f64], vectors: &mut [f64]) {
    let width = vectors.len() / len;
    for first in (0..width).step_by(TOGETHER) {
        let vectors = &mut vectors[first * len..];
        match width - first {
            1 => add_of::<1>(pool, len, coefficients, (first, width), vectors),
            2 => add_of::<2>(pool, len, coefficients, (first, width), vectors),
            _ => add_of::<TOGETHER>(pool, len, coefficients, (first, width), vectors),
        }
    }
}

/// A strip of two chunks of every vector stays in registers while the pool passes by.
#[inline(always)]
fn add_of<const K: usize>(
    pool: &[f64],
    len: usize,
    coefficients: &[f64],
    (first, width): (usize, usize),
    vectors: &mut [f64],
) {
    const STRIP: usize = 2 * LANES;
    let strips = len / STRIP;
    for s in 0..strips {
        let at = s * STRIP;
        let mut sums = [[0.0; STRIP]; K];
        for (k, sums) in sums.iter_mut().enumerate() {
            sums.copy_from_slice(&vectors[k * len + at..k * len + at + STRIP]);
        }
        for (column, y) in pool.chunks_exact(len).zip(coefficients.chunks_exact(width)) {
            let (w, y) = (&column[at..at + STRIP], &y[first..first + K]);
            for k in 0..K {
                for l in 0..STRIP {
                    sums[k][l] += y[k] * w[l];
                }
            }
        }
        for (k, sums) in sums.iter().enumerate() {
            vectors[k * len + at..k * len + at + STRIP].copy_from_slice(sums);
        }
    }
    let at = strips * STRIP;
    if at == len {
        return;
    }
    for (column, y) in pool.chunks_exact(len).zip(coefficients.chunks_exact(width)) {
        for k in 0..K {
            let rest = &mut vectors[k * len + at..(k + 1) * len];
            rest.iter_mut().zip(&column[at..]).for_each(|(x, w)| *x += y[first + k] * w);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Simd, Stream};

    #[test]
    fn slopes_of_the_logistic_loss_have_their_digits_up_to_the_last_margin() {
        let margins: Vec<f64> = (-500..=500).map(|i| STEEP * f64::from(i) / 500.0).collect();
        for simd in Simd::available() {
            let mut found = margins.clone();
            fermi(simd, &mut found);
            for (found, u) in found.iter().zip(&margins) {
                let exact = 1.0 / (1.0 + libm::exp(*u));
                assert!((found / exact - 1.0).abs() < 1e-13, "{u}: {found} for {exact}");
            }
        }
    }

    #[test]
    fn products_are_those_of_plain_loops_with_every_instruction_set() {
        let mut normals = Stream::root(3).gaussians();
        for (n, len, count) in [(1, 8, 1), (3, 5, 2), (4, 16, 3), (9, 37, 5), (14, 128, 4), (7, 100, 0)] {
            let mut draw = |count: usize| {
                let mut x = vec![0.0; count];
                normals.fill(&mut x);
                x
            };
            let (pool, v, c) = (draw(n * len), draw(count * len), draw(n * count));
            let stride = n + 2;
            let mut first: Option<(Vec<f64>, Vec<f64>)> = None;
            for simd in Simd::available() {
                let (mut lanes, mut sums) = (vec![0.0; count * stride * LANES], v.clone());
                dots(simd, &pool, len, &v, stride, &mut lanes);
                let products: Vec<f64> = lanes.as_chunks().0.iter().map(total).collect();
                add(simd, &pool, len, &c, &mut sums);
                for k in 0..count {
                    for i in 0..n {
                        let plain: f64 = (0..len).map(|l| pool[i * len + l] * v[k * len + l]).sum();
                        assert!((products[k * stride + i] - plain).abs() < 1e-12 * len as f64);
                    }
                    for l in 0..len {
                        let added: f64 = (0..n).map(|i| c[i * count + k] * pool[i * len + l]).sum();
                        assert!((sums[k * len + l] - v[k * len + l] - added).abs() < 1e-12 * n as f64);
                    }
                }
                let found = (products, sums);
                assert_eq!(first.get_or_insert_with(|| found.clone()), &found);
            }
        }
    }
}
