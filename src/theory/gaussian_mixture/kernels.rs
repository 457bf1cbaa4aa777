//! Products of one block of pool vectors, each of `len` numbers that follow one another, with a few others.
//!
//! Sums run in eight lanes of a stated order, so that every instruction set gives the same bits.

use crate::rng::multiversion;

const LANES: usize = 8;

multiversion!(
    /// out[i] = <pool_i, v>.
    pub(super) fn dots(pool: &[f64], len: usize, v: &[f64], out: &mut [f64]) = dots_body
);

multiversion!(
    /// v += sum_i coefficients[i] pool_i.
    pub(super) fn add(pool: &[f64], len: usize, coefficients: &[f64], v: &mut [f64]) = add_body
);

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
    total(sums) + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

#[inline(always)]
fn total(s: [f64; LANES]) -> f64 {
    ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))
}

/// Four pool vectors at once: every number of v is loaded once for four products.
#[inline(always)]
fn dots_body(pool: &[f64], len: usize, v: &[f64], out: &mut [f64]) {
    let v = &v[..len];
    let fours = out.len() / 4 * 4;
    for i in (0..fours).step_by(4) {
        let w: [&[f64]; 4] = std::array::from_fn(|k| &pool[(i + k) * len..(i + k + 1) * len]);
        let (x, x_rest) = v.as_chunks::<LANES>();
        let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = w.map(|w| w.as_chunks::<LANES>());
        let mut sums = [[0.0; LANES]; 4];
        for ((((x, a), b), c), d) in x.iter().zip(a).zip(b).zip(c).zip(d) {
            for l in 0..LANES {
                sums[0][l] += x[l] * a[l];
                sums[1][l] += x[l] * b[l];
                sums[2][l] += x[l] * c[l];
                sums[3][l] += x[l] * d[l];
            }
        }
        for (k, rest) in [a_rest, b_rest, c_rest, d_rest].into_iter().enumerate() {
            let rest: f64 = x_rest.iter().zip(rest).map(|(a, b)| a * b).sum();
            out[i + k] = total(sums[k]) + rest;
        }
    }
    for i in fours..out.len() {
        out[i] = dot(&pool[i * len..(i + 1) * len], v);
    }
}

/// Four pool vectors at once: every number of v is loaded and stored once for four products.
#[inline(always)]
fn add_body(pool: &[f64], len: usize, coefficients: &[f64], v: &mut [f64]) {
    let v = &mut v[..len];
    let fours = coefficients.len() / 4 * 4;
    for i in (0..fours).step_by(4) {
        let [a, b, c, d]: [&[f64]; 4] = std::array::from_fn(|k| &pool[(i + k) * len..(i + k + 1) * len]);
        let y: [f64; 4] = std::array::from_fn(|k| coefficients[i + k]);
        for ((((x, a), b), c), d) in v.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *x += (y[0] * a + y[1] * b) + (y[2] * c + y[3] * d);
        }
    }
    for i in fours..coefficients.len() {
        let (w, c) = (&pool[i * len..(i + 1) * len], coefficients[i]);
        for (x, w) in v.iter_mut().zip(w) {
            *x += c * w;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Simd, Stream};

    #[test]
    fn products_are_those_of_plain_loops_with_every_instruction_set() {
        let mut normals = Stream::root(3).gaussians();
        for (n, len) in [(1, 8), (3, 5), (4, 16), (9, 37), (14, 128)] {
            let mut draw = |count: usize| {
                let mut x = vec![0.0; count];
                normals.fill(&mut x);
                x
            };
            let (pool, v, c) = (draw(n * len), draw(len), draw(n));
            let mut first: Option<(Vec<f64>, Vec<f64>)> = None;
            for simd in Simd::available() {
                let (mut products, mut sum) = (vec![0.0; n], v.clone());
                dots(simd, &pool, len, &v, &mut products);
                add(simd, &pool, len, &c, &mut sum);
                for i in 0..n {
                    let plain: f64 = (0..len).map(|l| pool[i * len + l] * v[l]).sum();
                    assert!((products[i] - plain).abs() < 1e-12 * len as f64);
                }
                for l in 0..len {
                    let plain: f64 = v[l] + (0..n).map(|i| c[i] * pool[i * len + l]).sum::<f64>();
                    assert!((sum[l] - plain).abs() < 1e-12 * n as f64);
                }
                let found = (products, sum);
                assert_eq!(first.get_or_insert_with(|| found.clone()), &found);
            }
        }
    }
}
