//! The fewest updates of SGD over its one rate, of the weights themselves or of their moving average.
//!
//! The risk after exactly k updates, L_k + (sigma^2 / B) G_k with L what is left of the start and G what noise of unit
//! variance adds up to, is smooth in the rate, while the count of updates is whole and jumps. A count can be undercut if
//! the smallest L_(k-1) + (sigma^2 / B) G_(k-1) is at the target; the strongest noise that k updates bear is the largest
//! (target - L_k) / G_k.
//!
//! The smallest risk falls with k for the weights themselves. Averages of few modes with little noise swing through the
//! target for single updates, so the counts below a miss are tried as well, the fewer the more modes wash the dips out.

use super::moments::noise;
use super::tuning::{largest_rate, rates, steps_at};
use super::{Faults, Room};
use crate::problem::noisy_quadratic::NoisyQuadratic;
use crate::rng::{Simd, multiversion};

/// Rates of the scan over four decades.
const POINTS: f64 = 50.0;
const AVERAGED_POINTS: f64 = 300.0;

/// Averages are scanned at the shares 1 - 10^(-i/4) of the largest stable rate as well: there the sharpest mode flips and
/// hardly shrinks, and dips are as narrow as 1 / k.
const NEAR_TOP: std::ops::RangeInclusive<i32> = 4..=36;

/// Points times modes of a scan for averages.
const EFFORT: f64 = 3e4;

/// Dips of the scan that are refined.
const DIPS: usize = 4;

/// Relative height of a refined dip above its lowest point, and most sections on the way.
const HEIGHT: f64 = 1e-12;
const SECTIONS: usize = 60;

/// Missed counts in a row, times different curvatures, before a search for averages ends.
const PATIENCE: u64 = 500;

const LANES: usize = 8;
type Lanes = [f64; LANES];

/// SGD at all rates.
pub(super) struct Rates<'a> {
    problem: &'a NoisyQuadratic,
    modes: usize,
    faults: Faults,
    target: f64,
    simd: Simd,
    /// Different curvatures, with zeros up to whole lanes: h^(1-p), and how much each mode counts in L and in G.
    sharpness: Vec<Lanes>,
    start: Vec<Lanes>,
    gathered: Vec<Lanes>,
    /// Logarithms of the scanned rates in ascending order, and of the largest stable one.
    grid: Vec<f64>,
    top: f64,
    patience: u64,
}

fn in_lanes(values: impl Iterator<Item = f64>) -> Vec<Lanes> {
    let values: Vec<f64> = values.collect();
    let lanes = |part: &[f64]| std::array::from_fn(|i| part.get(i).copied().unwrap_or(0.0));
    values.chunks(LANES).map(lanes).collect()
}

impl<'a> Rates<'a> {
    pub fn new(problem: &'a NoisyQuadratic, modes: usize, faults: Faults, target: f64) -> Self {
        let mut curvatures = problem.spectrum.curvatures(modes);
        curvatures.sort_by(f64::total_cmp);
        let modes_of = |equal: &[f64]| (equal[0], equal.len() as f64);
        let different: Vec<(f64, f64)> = curvatures.chunk_by(|a, b| a == b).map(modes_of).collect();
        let sharpness = |h: f64| libm::pow(h, 1.0 - problem.preconditioner);
        let variance = problem.init_std * problem.init_std;
        let averaged = problem.moving_average > 0.0;
        let count = different.len();
        let points = if averaged { (EFFORT / count as f64).clamp(POINTS, AVERAGED_POINTS) } else { POINTS };
        let scanned = rates(problem, modes, faults, target, points as usize);
        let top = libm::log(largest_rate(problem, modes));
        let mut grid: Vec<f64> = scanned.into_iter().map(libm::log).collect();
        if averaged {
            grid.extend(NEAR_TOP.map(|i| top + libm::log1p(-libm::pow(10.0, -0.25 * f64::from(i)))));
            grid.sort_by(f64::total_cmp);
        }
        Self {
            problem,
            modes,
            faults,
            target,
            simd: Simd::best(),
            sharpness: in_lanes(different.iter().map(|&(h, _)| sharpness(h))),
            start: in_lanes(different.iter().map(|&(h, count)| 0.5 * count * h * variance)),
            gathered: in_lanes(different.iter().map(|&(h, count)| 0.5 * count * sharpness(h) * sharpness(h))),
            grid,
            top,
            patience: if averaged { (PATIENCE / count as u64).max(2) } else { 0 },
        }
    }

    /// L and G after `steps` updates.
    fn parts(&self, log_rate: f64, steps: u64) -> [f64; 2] {
        let (rate, gamma) = (libm::exp(log_rate), self.problem.moving_average);
        let mut sums = [[0.0; LANES]; 2];
        if gamma > 0.0 {
            averaged(self.simd, self, rate, gamma, steps, &mut sums);
        } else {
            plain(self.simd, self, rate, steps, &mut sums);
        }
        let kick = rate * (1.0 - gamma);
        let [left, gathered] = sums.map(|lanes| lanes.iter().sum::<f64>());
        [left, kick * kick * gathered]
    }

    /// The smallest value over rates, and the logarithm of its rate: the dips of the scan, each refined by golden section
    /// between its neighbours.
    fn lowest(&self, value: impl Fn(f64) -> f64) -> (f64, f64) {
        let at = |log_rate: f64| (value(log_rate), log_rate);
        let scan: Vec<(f64, f64)> = self.grid.iter().map(|&log_rate| at(log_rate)).collect();
        let last = scan.len() - 1;
        let is_dip =
            |&i: &usize| (i == 0 || scan[i].0 <= scan[i - 1].0) && (i == last || scan[i].0 <= scan[i + 1].0);
        let mut dips: Vec<usize> = (0..scan.len()).filter(is_dip).collect();
        dips.sort_by(|&a, &b| scan[a].0.total_cmp(&scan[b].0));
        dips.truncate(DIPS);
        let refined = dips.into_iter().map(|i| {
            let right = if i == last { at(self.top) } else { scan[i + 1] };
            lower(scan[i], section(at, scan[i.saturating_sub(1)], right))
        });
        refined.reduce(lower).expect("the lowest point of a scan is a dip")
    }

    /// The fewest updates that reach the target, at most those of a first guess, and the rate with the lowest risk after
    /// them.
    pub fn fewest(&self, first: (u64, f64)) -> (u64, f64) {
        if first.0 == 0 {
            return first;
        }
        let noise = noise(self.problem, self.faults);
        let lowest = |steps: u64| {
            self.lowest(|log_rate| {
                let [left, gathered] = self.parts(log_rate, steps);
                left + noise * gathered
            })
        };
        let mut room = Room::default();
        let (mut steps, mut rate) = first;
        let mut misses = 0;
        while misses <= self.patience && misses + 1 < steps {
            let tried = steps - 1 - misses;
            let (risk, log_rate) = lowest(tried);
            if risk > self.target {
                misses += 1;
                continue;
            }
            rate = libm::exp(log_rate);
            let (problem, target) = (self.problem, self.target);
            // At that rate the target may be reached far earlier.
            let passed = steps_at(problem, self.modes, self.faults, rate, target, tried, &mut room);
            (steps, misses) = (passed.unwrap_or(tried).min(tried), 0);
        }
        let (risk, log_rate) = lowest(steps);
        (steps, if risk <= self.target { libm::exp(log_rate) } else { rate })
    }

    /// The largest sigma^2 / B under which at most `most` updates reach the target.
    pub fn strongest_noise(&self, most: u64) -> f64 {
        let borne = |steps: u64| {
            let excess = |log_rate: f64| {
                let [left, gathered] = self.parts(log_rate, steps);
                (left - self.target) / gathered
            };
            -self.lowest(excess).0
        };
        (most.saturating_sub(self.patience).max(1)..=most).map(borne).fold(0.0, f64::max)
    }
}

fn lower(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    if b.0 < a.0 { b } else { a }
}

/// Golden section between two places, each with its value.
fn section(at: impl Fn(f64) -> (f64, f64), mut left: (f64, f64), mut right: (f64, f64)) -> (f64, f64) {
    const GOLDEN: f64 = 0.618_033_988_749_894_8;
    let inside = |left: (f64, f64), right: (f64, f64), share: f64| at(left.1 + share * (right.1 - left.1));
    let mut inner = [inside(left, right, 1.0 - GOLDEN), inside(left, right, GOLDEN)];
    for _ in 0..SECTIONS {
        let best = lower(inner[0], inner[1]).0;
        if left.0.max(right.0) - best <= HEIGHT * best.abs() {
            break;
        }
        if inner[0].0 < inner[1].0 {
            right = inner[1];
            inner = [inside(left, right, 1.0 - GOLDEN), inner[0]];
        } else {
            left = inner[0];
            inner = [inner[1], inside(left, right, GOLDEN)];
        }
    }
    lower(inner[0], inner[1])
}

multiversion!(
    /// Sums of L and of G / rate^2 for the weights themselves.
    fn plain(rates: &Rates, rate: f64, steps: u64, sums: &mut [Lanes; 2]) = plain_body
);

multiversion!(
    /// Sums of L and of G / (rate (1 - gamma))^2 for their average.
    fn averaged(rates: &Rates, rate: f64, gamma: f64, steps: u64, sums: &mut [Lanes; 2]) = averaged_body
);

/// q^k and the sum of q^j below k by doubling, q = (1 - x)^2.
#[inline(always)]
fn plain_body(rates: &Rates, rate: f64, steps: u64, sums: &mut [Lanes; 2]) {
    for ((sharpness, start), weight) in rates.sharpness.iter().zip(&rates.start).zip(&rates.gathered) {
        let mut share: Lanes = sharpness.map(|s| (1.0 - rate * s) * (1.0 - rate * s));
        let (mut block, mut left, mut gathered) = ([1.0; LANES], [1.0; LANES], [0.0; LANES]);
        let mut count = steps;
        while count > 0 {
            if count % 2 == 1 {
                for l in 0..LANES {
                    gathered[l] = gathered[l] * share[l] + block[l];
                    left[l] *= share[l];
                }
            }
            for l in 0..LANES {
                block[l] += block[l] * share[l];
                share[l] *= share[l];
            }
            count /= 2;
        }
        for l in 0..LANES {
            sums[0][l] += start[l] * left[l];
            sums[1][l] += weight[l] * gathered[l];
        }
    }
}

/// With a = 1 - x and D_k = sum over i < k of gamma^(k-1-i) a^i, the average keeps M_k = gamma^k + (1 - gamma) a D_k of the
/// start, and of a gradient l updates ago rate (1 - gamma) D_l. Since D_(m+l) = gamma^l D_m + a^m D_l, blocks of n updates
/// join by a^n, D_n and the sums over l up to n of D_l^2, gamma^l D_l and gamma^(2 l).
#[inline(always)]
fn averaged_body(rates: &Rates, rate: f64, gamma: f64, steps: u64, sums: &mut [Lanes; 2]) {
    for ((sharpness, start), weight) in rates.sharpness.iter().zip(&rates.start).zip(&rates.gathered) {
        let first: Lanes = sharpness.map(|s| 1.0 - rate * s);
        let (mut kept, mut kept_squares) = (gamma, gamma * gamma);
        let (mut a, mut d, mut cross, mut squares) = (first, [1.0; LANES], [gamma; LANES], [1.0; LANES]);
        let (mut a_all, mut d_all, mut squares_all) = ([1.0; LANES], [0.0; LANES], [0.0; LANES]);
        let mut kept_all = 1.0;
        let mut count = steps;
        while count > 0 {
            if count % 2 == 1 {
                for l in 0..LANES {
                    squares_all[l] += d_all[l] * d_all[l] * kept_squares
                        + 2.0 * d_all[l] * a_all[l] * cross[l]
                        + a_all[l] * a_all[l] * squares[l];
                    d_all[l] = kept * d_all[l] + a_all[l] * d[l];
                    a_all[l] *= a[l];
                }
                kept_all *= kept;
            }
            for l in 0..LANES {
                squares[l] +=
                    d[l] * d[l] * kept_squares + 2.0 * d[l] * a[l] * cross[l] + a[l] * a[l] * squares[l];
                cross[l] += kept * (d[l] * kept_squares + a[l] * cross[l]);
                d[l] *= kept + a[l];
                a[l] *= a[l];
            }
            kept_squares += kept * kept * kept_squares;
            kept *= kept;
            count /= 2;
        }
        for l in 0..LANES {
            let left = kept_all + (1.0 - gamma) * first[l] * d_all[l];
            sums[0][l] += start[l] * left * left;
            sums[1][l] += weight[l] * squares_all[l];
        }
    }
}
