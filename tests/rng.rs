//! The seed tree and the Gaussian generator: law, independence, and bits.

use asymptotica::math::special::normal_cdf;
use asymptotica::rng::{Gaussians, MAX_ABS, Simd, Stream};
use rand::Rng;
use std::collections::HashSet;

const SAMPLES: usize = 1 << 22;

fn sample(stream: &Stream, n: usize) -> Vec<f64> {
    let mut x = vec![0.0; n];
    stream.gaussians().fill(&mut x);
    x
}

/// (2n - 1)!!, the moment of order 2n.
fn double_factorial(n: u32) -> f64 {
    (1..=n).map(|i| f64::from(2 * i - 1)).product()
}

/// With a correct generator each of the 8 moments is within 5 standard errors with probability 1 - 6e-7.
#[test]
fn moments_to_order_eight() {
    let x = sample(&Stream::root(20).child("moments"), SAMPLES);
    for order in 1..=8 {
        let mean = x.iter().map(|x| x.powi(order as i32)).sum::<f64>() / SAMPLES as f64;
        let exact = if order % 2 == 0 { double_factorial(order / 2) } else { 0.0 };
        let variance = double_factorial(order) - exact * exact;
        let z = (mean - exact) / (variance / SAMPLES as f64).sqrt();
        assert!(z.abs() < 5.0, "moment {order}: {mean}, {z} standard errors off");
    }
}

#[test]
fn tails_hold_the_right_numbers_out_to_five_sigma() {
    let n = 1 << 26;
    let mut gaussians = Stream::root(21).child("tails").gaussians();
    let (mut above, mut below) = ([0_u32; 9], [0_u32; 9]);
    let mut x = vec![0.0; 1 << 14];
    let mut largest = 0.0_f64;
    for _ in 0..n / x.len() {
        gaussians.fill(&mut x);
        for &x in &x {
            if x.abs() >= 1.0 {
                for i in 0..9 {
                    let bound = 1.0 + 0.5 * i as f64;
                    above[i] += u32::from(x > bound);
                    below[i] += u32::from(x < -bound);
                }
            }
            largest = largest.max(x.abs());
        }
    }
    for i in 0..9 {
        let p = normal_cdf(-1.0 - 0.5 * i as f64);
        let (mean, sd) = (n as f64 * p, (n as f64 * p * (1.0 - p)).sqrt());
        for count in [above[i], below[i]] {
            let z = (f64::from(count) - mean) / sd;
            assert!(z.abs() < 5.0, "{count} beyond {} sigma, {mean} expected", 1.0 + 0.5 * i as f64);
        }
    }
    assert!(largest > 5.0 && largest < MAX_ABS);
}

/// sqrt(n) D has the quantile 1.95 at 0.1 % and 2.45 at 1.2e-5.
#[test]
fn distribution_passes_kolmogorov_smirnov() {
    let mut x = sample(&Stream::root(22).child("kolmogorov"), SAMPLES);
    x.sort_by(f64::total_cmp);
    let n = SAMPLES as f64;
    let mut d = 0.0_f64;
    for (i, &x) in x.iter().enumerate() {
        let p = normal_cdf(x);
        d = d.max(p - i as f64 / n).max((i + 1) as f64 / n - p);
    }
    assert!(d * n.sqrt() < 2.45, "sqrt(n) D = {}", d * n.sqrt());
}

/// Correlation of any two places of a block of 32, of values and of squares: pairs of one Box-Muller
/// transform, lanes side by side, successive blocks. 2 x 2016 statistics, the largest of which is below 5.5
/// with probability 1 - 2e-4.
#[test]
fn places_of_two_neighbouring_blocks_are_independent() {
    let (width, rows) = (64, 1 << 16);
    let x = sample(&Stream::root(23).child("lanes"), width * rows);
    for transform in [(|x| x) as fn(f64) -> f64, |x| (x * x - 1.0) / 2.0_f64.sqrt()] {
        let mut gram = vec![0.0; width * width];
        for row in x.chunks_exact(width) {
            let row: Vec<f64> = row.iter().map(|&x| transform(x)).collect();
            for i in 0..width {
                for j in 0..i {
                    gram[i * width + j] += row[i] * row[j];
                }
            }
        }
        for i in 0..width {
            for j in 0..i {
                let z = gram[i * width + j] / (rows as f64).sqrt();
                assert!(z.abs() < 5.5, "places {i} and {j}: {z}");
            }
        }
    }
}

#[test]
fn neighbouring_streams_are_independent() {
    let root = Stream::root(24);
    let streams = [
        root,
        root.index(0),
        root.index(1),
        root.child("data"),
        root.child("data").index(0),
        Stream::root(25),
    ];
    let n = 1 << 20;
    let samples: Vec<_> = streams.iter().map(|s| sample(s, n)).collect();
    for i in 0..samples.len() {
        for j in 0..i {
            for power in [1, 2, 3] {
                let sum: f64 =
                    samples[i].iter().zip(&samples[j]).map(|(a, b)| a.powi(power) * b.powi(power)).sum();
                let mean = double_factorial(power as u32 / 2) * f64::from(1 - power % 2);
                let second = double_factorial(power as u32);
                let z = (sum / n as f64 - mean * mean) / ((second * second - mean.powi(4)) / n as f64).sqrt();
                assert!(z.abs() < 5.0, "streams {i} and {j}, power {power}: {z}");
            }
        }
    }
}

#[test]
fn bits_are_the_same_with_every_instruction_set() {
    let stream = Stream::root(26).child("levels");
    let bits = |simd| {
        let mut x = vec![0.0; 100_003];
        Gaussians::with_simd(&stream, simd).fill(&mut x);
        x.into_iter().map(f64::to_bits).collect::<Vec<_>>()
    };
    let portable = bits(Simd::PORTABLE);
    for simd in Simd::available() {
        assert!(bits(simd) == portable, "{}", simd.name());
    }
}

#[test]
fn sequence_does_not_depend_on_the_cut_into_calls() {
    let stream = Stream::root(27).child("chunks");
    let whole = sample(&stream, 5000);
    let mut gaussians = stream.gaussians();
    let mut pieces = Vec::new();
    for length in (0..).map(|i| (i * 37) % 101) {
        if pieces.len() + length + 1 > whole.len() {
            break;
        }
        let mut piece = vec![0.0; length];
        gaussians.fill(&mut piece);
        pieces.extend(piece);
        pieces.push(gaussians.next());
    }
    assert!(pieces.len() > 4800 && pieces == whole[..pieces.len()]);
}

/// Pinned: a change of any of these numbers changes every result of the program.
#[test]
fn first_numbers_are_pinned() {
    const Z: [u64; 3] = [0x3ff3_142b_94ea_70b9, 0xbff6_2b29_f67b_2601, 0x3fca_04c8_9372_381e];
    const WORDS: [u64; 2] = [0x5c02_63ee_c5c0_8453, 0x5287_009a_c150_b599];
    let stream = Stream::root(1).child("pinned").index(2);
    let mut gaussians = stream.gaussians();
    let z: Vec<u64> = (0..3).map(|_| gaussians.next().to_bits()).collect();
    let mut generator = stream.generator();
    let words: Vec<u64> = (0..2).map(|_| generator.next_u64()).collect();
    assert_eq!((z.as_slice(), words.as_slice()), (&Z[..], &WORDS[..]));
}

#[test]
fn paths_do_not_collide() {
    let mut seen = HashSet::new();
    let mut insert = |stream: Stream| assert!(seen.insert(stream));
    for seed in 0..200 {
        let root = Stream::root(seed);
        insert(root);
        for name in ["", "a", "b", "ab", "a\0", "\0", "abcdefgh", "abcdefghi", "abcdefgh\0", "teacher"] {
            insert(root.child(name));
            for i in 0..50 {
                insert(root.child(name).index(i));
            }
        }
        insert(root.child("a").child("b"));
        insert(root.child("abcdefgh").child("i"));
        for i in 0..50 {
            insert(root.index(i));
            insert(root.index(i).index(0));
            insert(root.index((i + 1) << 32));
        }
    }
}

/// Every bit of the path moves half of the 256 bits of the state; seen through the first two words of the
/// generator.
#[test]
fn one_bit_of_the_path_changes_half_of_the_output() {
    let mut flipped = 0;
    let mut trials = 0;
    for i in 0..64_u64 {
        for base in [0_u64, 0x0123_4567_89ab_cdef] {
            let first = Stream::root(28).index(base).generator().next_u64();
            let second = Stream::root(28).index(base ^ 1 << i).generator().next_u64();
            flipped += (first ^ second).count_ones();
            trials += 64;
        }
    }
    let z = (f64::from(flipped) - 0.5 * f64::from(trials)) / (0.25 * f64::from(trials)).sqrt();
    assert!(z.abs() < 5.0, "{flipped} of {trials}");
}
