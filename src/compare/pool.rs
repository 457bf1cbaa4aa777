//! The points of one curve, pooled: spread and cross moments of the sizes, and each without one replica.

use super::bootstrap::{SignedSums, each_draw, p_value};
use super::deviation::Sample;
use super::join::{JoinedPoint, Member, Track};
use rand::Rng;
use statrs::function::gamma::digamma;
use std::collections::BTreeMap;

/// Jackknife variance of a statistic from its values without one replica.
pub(super) fn jackknife(without: &[f64]) -> f64 {
    let n = without.len() as f64;
    let mean = without.iter().sum::<f64>() / n;
    (n - 1.0) / n * without.iter().map(|v| (v - mean).powi(2)).sum::<f64>()
}

/// The replicas of one run, at those pooled points that are theirs.
struct Block {
    /// Position of the size.
    k: usize,
    replicas: usize,
    /// Positions of its points in the pool.
    points: Vec<usize>,
    /// Centred deviations in units of sqrt(a_p), `[point][replica]`.
    centred: Vec<Vec<f64>>,
}

/// The points of a curve with spread at every size.
pub(super) struct Pool {
    pub sizes: Vec<usize>,
    points: usize,
    blocks: Vec<Block>,
    /// Mean deviations in units of sqrt(a_p), `[size][point]`.
    means: Vec<Vec<f64>>,
    /// ln sqrt(a_p), averaged over the points.
    log_unit: f64,
    /// Geometric mean over the points of the variance of the mean, in units of a_p, by size.
    pub noise: Vec<f64>,
    /// sum_p 1 / a_p.
    pub weight: f64,
}

impl Pool {
    pub fn new(track: &Track, samples: &[Sample]) -> Option<Self> {
        let usable = |m: &Member| {
            samples[m.sample].spread[m.p] && samples[m.sample].replicas() > 2 && {
                let rest = rests(&centred(&samples[m.sample].deviations[m.p], 1.0).1);
                rest.iter().all(|&v| v > 0.0 && v.is_finite())
            }
        };
        let points: Vec<&JoinedPoint> = track
            .points
            .iter()
            .filter(|point| point.members.len() == track.sizes.len() && point.members.iter().all(usable))
            .collect();
        if points.is_empty() {
            return None;
        }
        let k = track.sizes.len();
        let mut pool = Self {
            sizes: track.sizes.clone(),
            points: points.len(),
            blocks: Vec::new(),
            means: vec![vec![0.0; points.len()]; k],
            log_unit: 0.0,
            noise: vec![0.0; k],
            weight: 0.0,
        };
        let mut blocks: BTreeMap<(usize, usize), Block> = BTreeMap::new();
        for (at, point) in points.iter().enumerate() {
            let deviations = |m: &Member| &samples[m.sample].deviations[m.p];
            let log_std = |m| 0.5 * centred(deviations(m), 1.0).1.ln_variance();
            let log_unit = point.members.iter().map(log_std).sum::<f64>() / k as f64;
            pool.log_unit += log_unit / points.len() as f64;
            pool.weight += (-2.0 * log_unit).exp();
            for (size, member) in point.members.iter().enumerate() {
                let sample = &samples[member.sample];
                let (mean, values) = centred(deviations(member), (-log_unit).exp());
                pool.means[size][at] = mean;
                let n = sample.replicas();
                pool.noise[size] += (values.ln_variance() - (n as f64).ln()) / points.len() as f64;
                let block = blocks.entry((size, sample.run)).or_insert_with(|| Block {
                    k: size,
                    replicas: n,
                    points: Vec::new(),
                    centred: Vec::new(),
                });
                block.points.push(at);
                block.centred.push(values.0);
            }
        }
        pool.noise.iter_mut().for_each(|v| *v = v.exp());
        pool.blocks = blocks.into_values().collect();
        Some(pool)
    }

    /// Mean over the points of ln(standard deviation) at every size, and its variance by blocks.
    ///
    /// The logarithm of a Gaussian sample variance with nu degrees of freedom lies digamma(nu / 2) - ln(nu / 2)
    /// above that of the true one on average; that is subtracted.
    pub fn log_spreads(&self) -> Vec<(f64, Vec<(f64, usize)>)> {
        let mut spreads = vec![(self.log_unit, Vec::new()); self.sizes.len()];
        let share = 1.0 / self.points as f64;
        for block in &self.blocks {
            let half = 0.5 * (block.replicas - 1) as f64;
            let shift = 0.5 * (digamma(half) - half.ln());
            let mut without = vec![0.0; block.replicas];
            for values in &block.centred {
                let values = Centred(values.clone());
                spreads[block.k].0 += share * (0.5 * values.ln_variance() - shift);
                for (sum, rest) in without.iter_mut().zip(rests(&values)) {
                    *sum += 0.5 * share * rest.ln();
                }
            }
            spreads[block.k].1.push((jackknife(&without), block.replicas - 1));
        }
        spreads
    }

    /// The cross moments of the mean deviations, and each of them without one replica.
    pub fn cross(&self) -> Cross {
        let k = self.sizes.len();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut moments: Vec<Vec<f64>> =
            (0..k).map(|i| (0..k).map(|j| dot(&self.means[i], &self.means[j])).collect()).collect();
        for block in &self.blocks {
            let n = block.replicas as f64;
            let squares: f64 = block.centred.iter().map(|values| dot(values, values)).sum();
            moments[block.k][block.k] -= squares / (n * (n - 1.0));
        }
        let changes = self.blocks.iter().map(|block| self.changes(block)).collect();
        Cross { moments, changes }
    }

    /// By how much row k of the cross moments changes without each replica of a block.
    fn changes(&self, block: &Block) -> (usize, Vec<Vec<f64>>) {
        let n = block.replicas as f64;
        let own: Vec<f64> = block.points.iter().map(|&p| self.means[block.k][p]).collect();
        let own_square: f64 = own.iter().map(|m| m * m).sum();
        let squares: f64 = block.centred.iter().flatten().map(|c| c * c).sum();
        let unbiased = own_square - squares / (n * (n - 1.0));
        let change = |i: usize| -> Vec<f64> {
            let along = |means: &[f64]| -> f64 {
                block.points.iter().zip(&block.centred).map(|(&p, values)| values[i] * means[p]).sum()
            };
            let mut row: Vec<f64> = self.means.iter().map(|means| -along(means) / (n - 1.0)).collect();
            // The diagonal is sum over pairs of e_i e_l / (n (n - 1)); these are the pairs of replica i.
            let with_own = along(&self.means[block.k]);
            let square: f64 = block.centred.iter().map(|values| values[i] * values[i]).sum();
            let pairs = n * (own_square + with_own) - (own_square + 2.0 * with_own + square);
            let without = (n * (n - 1.0) * unbiased - 2.0 * pairs) / ((n - 1.0) * (n - 2.0));
            row[block.k] = without - unbiased;
            row
        };
        (block.k, (0..block.replicas).map(change).collect())
    }

    /// For every size, the probability that replicas without bias have such means: wild bootstrap of the ratio
    /// of sum r^2 to the sum of its noise floor, recomputed in every draw.
    pub fn p_values<R: Rng + ?Sized>(&self, draws: usize, generator: &mut R) -> Vec<f64> {
        let k = self.sizes.len();
        let counts: Vec<usize> = self.blocks.iter().map(|block| block.replicas).collect();
        let mut sums: Vec<SignedSums> = self
            .blocks
            .iter()
            .map(|block| SignedSums::new(&block.centred.iter().map(Vec::as_slice).collect::<Vec<_>>()))
            .collect();
        let mut drawn = vec![Vec::with_capacity(draws); k];
        each_draw(&counts, draws, generator, |signs| {
            let mut ratio = vec![(0.0, 0.0); k];
            for ((block, sums), signs) in self.blocks.iter().zip(&mut sums).zip(signs) {
                let n = block.replicas as f64;
                sums.draw(signs);
                for (y, root) in sums.latest().iter().zip(&sums.roots) {
                    let square = root * root / n;
                    ratio[block.k].0 += square * y * y / n;
                    ratio[block.k].1 += square * (1.0 - y * y / n).max(0.0) / (n - 1.0);
                }
            }
            for (values, (signal, noise)) in drawn.iter_mut().zip(ratio) {
                values.push(if noise > 0.0 { signal / noise } else { f64::INFINITY });
            }
        });
        let observed = |k: usize| {
            let signal: f64 = self.means[k].iter().map(|m| m * m).sum();
            let noise: f64 = self
                .blocks
                .iter()
                .filter(|block| block.k == k)
                .map(|block| {
                    let n = block.replicas as f64;
                    block.centred.iter().flatten().map(|c| c * c).sum::<f64>() / (n * (n - 1.0))
                })
                .sum();
            signal / noise
        };
        (0..k).map(|k| p_value(observed(k), &drawn[k])).collect()
    }
}

/// sum_p r_j r_k / a_p, its diagonal without the noise floor, and what each replica adds to it.
pub(super) struct Cross {
    pub moments: Vec<Vec<f64>>,
    /// By block: its size, and the change of that row (and column) without each of its replicas.
    pub changes: Vec<(usize, Vec<Vec<f64>>)>,
}

impl Cross {
    /// Standard error of a diagonal entry.
    pub fn error(&self, k: usize) -> f64 {
        let of_size = self.changes.iter().filter(|(size, _)| *size == k);
        let variance: f64 =
            of_size.map(|(_, rows)| jackknife(&rows.iter().map(|row| row[k]).collect::<Vec<_>>())).sum();
        variance.sqrt()
    }
}

/// Centred values.
struct Centred(Vec<f64>);

impl Centred {
    /// ln of the unbiased variance, without overflow.
    fn ln_variance(&self) -> f64 {
        let largest = self.0.iter().map(|v| v.abs()).fold(0.0, f64::max);
        let squares: f64 = self.0.iter().map(|v| (v / largest).powi(2)).sum();
        2.0 * largest.ln() + (squares / (self.0.len() - 1) as f64).ln()
    }
}

/// Mean and centred values, times a factor.
fn centred(values: &[f64], factor: f64) -> (f64, Centred) {
    let n = values.len() as f64;
    let first = values[0];
    let mean = first + values.iter().map(|v| (v - first) / n).sum::<f64>();
    (mean * factor, Centred(values.iter().map(|v| (v - mean) * factor).collect()))
}

/// The unbiased variance without each of the values.
fn rests(values: &Centred) -> Vec<f64> {
    let n = values.0.len() as f64;
    let squares: f64 = values.0.iter().map(|v| v * v).sum();
    values.0.iter().map(|v| (squares - v * v * n / (n - 1.0)) / (n - 2.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Scale;
    use rand::{RngExt, SeedableRng};

    fn pool(deviations: &[Vec<Vec<f64>>]) -> Pool {
        let points = deviations[0].len();
        let samples: Vec<Sample> = deviations
            .iter()
            .enumerate()
            .map(|(run, rows)| Sample {
                group: run,
                run,
                scale: Scale::Ratio,
                x: (0..points).map(|p| p as f64).collect(),
                deviations: rows.clone(),
                law_error: vec![0.0; points],
                spread: vec![true; points],
            })
            .collect();
        let sizes: Vec<usize> = (0..deviations.len()).map(|k| 100 << k).collect();
        let member = |p: usize, k: usize| Member { size: sizes[k], sample: k, p, x: p as f64 };
        let point =
            |p: usize| JoinedPoint { x: p as f64, members: (0..sizes.len()).map(|k| member(p, k)).collect() };
        let track = Track {
            series: String::new(),
            observable: "Q".into(),
            scale: Scale::Ratio,
            points: (0..points).map(point).collect(),
            sizes: sizes.clone(),
        };
        Pool::new(&track, &samples).unwrap()
    }

    /// What the cross moments lose without a replica, against the moments of the others in the same units.
    #[test]
    fn changes_are_those_of_deleting_a_replica() {
        let mut stream = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(5);
        let mut rows = |n: usize| -> Vec<Vec<f64>> {
            (0..3).map(|_| (0..n).map(|_| stream.random::<f64>() + 0.3).collect()).collect()
        };
        let deviations = [rows(7), rows(9)];
        let cross = pool(&deviations).cross();
        // The units a_p of the whole pool: geometric means of its variances.
        let log_variance = |row: &Vec<f64>| centred(row, 1.0).1.ln_variance();
        let unit: Vec<f64> = (0..3)
            .map(|p| (0.5 * (log_variance(&deviations[0][p]) + log_variance(&deviations[1][p]))).exp())
            .collect();
        let moment = |deviations: &[Vec<Vec<f64>>], j: usize, l: usize| -> f64 {
            let mean = |row: &Vec<f64>| row.iter().sum::<f64>() / row.len() as f64;
            let point = |p: usize| {
                let (a, b) = (&deviations[j][p], &deviations[l][p]);
                let (n, centre) = (a.len() as f64, mean(a));
                let floor = a.iter().map(|v| (v - centre).powi(2)).sum::<f64>() / n / (n - 1.0);
                (mean(a) * mean(b) - if j == l { floor } else { 0.0 }) / unit[p]
            };
            (0..3).map(point).sum()
        };
        for (k, i) in [(0, 2), (0, 6), (1, 0), (1, 5)] {
            let mut less = deviations.clone();
            for row in &mut less[k] {
                row.remove(i);
            }
            for j in 0..2 {
                let whole = moment(&deviations, k, j);
                assert!((cross.moments[k][j] - whole).abs() < 1e-12 * whole.abs());
                let change = moment(&less, k, j) - whole;
                let (size, changes) = &cross.changes[k];
                assert_eq!(*size, k);
                assert!((changes[i][j] - change).abs() < 1e-11, "{} {change}", changes[i][j]);
            }
        }
    }
}
