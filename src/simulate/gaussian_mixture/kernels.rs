//! Products of chosen samples with one vector, in a stated order of sums.

use crate::rng::{Simd, multiversion};

const LANES: usize = 8;

multiversion!(
    /// out[k] = <x, sample chosen[k]>, where sample i is the i-th piece of `samples` of the length of x.
    pub(super) fn dots(samples: &[f64], chosen: &[u32], x: &[f64], out: &mut [f64]) = dots_body
);

multiversion!(
    /// x += sum_k c[k] sample chosen[k].
    pub(super) fn add(samples: &[f64], chosen: &[u32], c: &[f64], x: &mut [f64]) = add_body
);

multiversion!(
    /// out[0] = <a, b>.
    fn dot_into(a: &[f64], b: &[f64], out: &mut [f64]) = dot_body
);

/// <a, b>.
pub(super) fn dot(simd: Simd, a: &[f64], b: &[f64]) -> f64 {
    let mut out = [0.0];
    dot_into(simd, a, b, &mut out);
    out[0]
}

#[inline(always)]
fn dot_body(a: &[f64], b: &[f64], out: &mut [f64]) {
    out[0] = plain_dot(a, b);
}

#[inline(always)]
fn plain_dot(a: &[f64], b: &[f64]) -> f64 {
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

#[inline(always)]
fn sample(samples: &[f64], i: u32, d: usize) -> &[f64] {
    &samples[i as usize * d..(i as usize + 1) * d]
}

/// Four samples at once: x is read from the first cache once for four of them.
#[inline(always)]
fn dots_body(samples: &[f64], chosen: &[u32], x: &[f64], out: &mut [f64]) {
    let d = x.len();
    let (x_chunks, x_rest) = x.as_chunks::<LANES>();
    let (fours, rest) = chosen.as_chunks::<4>();
    for (k, four) in fours.iter().enumerate() {
        let w = four.map(|i| sample(samples, i, d).as_chunks::<LANES>());
        let [(a, a_rest), (b, b_rest), (c, c_rest), (e, e_rest)] = w;
        let mut sums = [[0.0; LANES]; 4];
        for ((((x, a), b), c), e) in x_chunks.iter().zip(a).zip(b).zip(c).zip(e) {
            for l in 0..LANES {
                sums[0][l] += x[l] * a[l];
                sums[1][l] += x[l] * b[l];
                sums[2][l] += x[l] * c[l];
                sums[3][l] += x[l] * e[l];
            }
        }
        for (i, tail) in [a_rest, b_rest, c_rest, e_rest].into_iter().enumerate() {
            let tail: f64 = x_rest.iter().zip(tail).map(|(a, b)| a * b).sum();
            out[4 * k + i] = total(sums[i]) + tail;
        }
    }
    for (i, out) in rest.iter().zip(&mut out[4 * fours.len()..]) {
        *out = plain_dot(sample(samples, *i, d), x);
    }
}

#[inline(always)]
fn add_body(samples: &[f64], chosen: &[u32], c: &[f64], x: &mut [f64]) {
    let d = x.len();
    let (fours, rest) = chosen.as_chunks::<4>();
    for (k, four) in fours.iter().enumerate() {
        let [p, q, r, s] = four.map(|i| sample(samples, i, d));
        let y: [f64; 4] = std::array::from_fn(|i| c[4 * k + i]);
        for ((((x, p), q), r), s) in x.iter_mut().zip(p).zip(q).zip(r).zip(s) {
            *x += (y[0] * p + y[1] * q) + (y[2] * r + y[3] * s);
        }
    }
    for (i, c) in rest.iter().zip(&c[4 * fours.len()..]) {
        x.iter_mut().zip(sample(samples, *i, d)).for_each(|(x, w)| *x += c * w);
    }
}
