//! The best first rate of a schedule that falls to 0 over exactly the updates that are counted.
//!
//! T updates at the rates eta f(k/T) end at the risk R_T(eta). The count is the smallest T with min over eta of R_T at
//! most the target. The first rate stays below the largest stable constant one, [`tuning::largest_rate`]: above it the
//! sharpest mode would grow by a factor exponential in T before it shrinks again.
//!
//! There is no closed form in T, so a schedule is walked update by update: once for each T that the search tries, for
//! all rates and modes together, see `table`.

use super::moments::noise;
use super::table::Table;
use super::tuning::{self, Best, with_momentum};
use super::{Faults, dimension};
use crate::problem::noisy_quadratic::{NoisyQuadratic, Optimizer, Shape};
use crate::theory::LawError;

/// Updates beyond which a target counts as out of reach: a walk through more takes minutes.
const LIMIT: u64 = 1 << 24;

/// Widest ratio of rates of the grid, and the relative width at which golden section around its best rate ends.
const RATIO: f64 = 1.334;
const WIDTH: f64 = 1e-4;

/// 1 - mu = 10^(EXPONENT i) down to i = `FINEST`, every `COARSE`-th first.
const EXPONENT: f64 = -0.05;
const FINEST: usize = 60;
const COARSE: usize = 5;

/// All modes under one shape of schedule and one momentum.
struct Modes<'a> {
    problem: &'a NoisyQuadratic,
    shape: Shape,
    curvatures: Vec<f64>,
    /// log h^(1-p).
    sharpness: Vec<f64>,
    /// Logarithms of the smallest and the largest rate.
    rates: (f64, f64),
}

impl<'a> Modes<'a> {
    /// For a target at these faults: rates reach as low as those that are constant, see [`tuning::decades`].
    fn new(problem: &'a NoisyQuadratic, modes: usize, faults: Faults, (target, shape): (f64, Shape)) -> Self {
        let decades = tuning::decades(problem, modes, faults, target);
        let curvatures = problem.spectrum.curvatures(modes);
        let top = libm::log(0.9999 * tuning::largest_rate(problem, modes));
        Self {
            problem,
            shape,
            sharpness: curvatures.iter().map(|&h| (1.0 - problem.preconditioner) * libm::log(h)).collect(),
            curvatures,
            rates: (top - decades * std::f64::consts::LN_10, top),
        }
    }

    /// Of `steps` updates.
    fn table(&self, steps: u64) -> Table {
        let schedule = self.shape.over(steps);
        let factors: Vec<f64> = (0..steps).map(|k| schedule.factor(k)).collect();
        let flattest = self.sharpness.iter().copied().fold(f64::INFINITY, f64::min);
        let sharpest = self.sharpness.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = (self.rates.0 + flattest, self.rates.1 + sharpest);
        match dimension(self.problem) {
            1 => Table::new::<1>(self.problem, &factors, low, high),
            2 => Table::new::<2>(self.problem, &factors, low, high),
            _ => Table::new::<3>(self.problem, &factors, low, high),
        }
    }

    /// 1/2 sum (h Q + noise G) at one first rate.
    fn risk(&self, table: &Table, noise: f64, log_rate: f64) -> f64 {
        let mode = |(h, sharpness): (&f64, &f64)| {
            let (left, gathered) = table.at(log_rate + sharpness);
            h * left + noise * gathered
        };
        0.5 * self.curvatures.iter().zip(&self.sharpness).map(mode).sum::<f64>()
    }

    /// The smallest risk over first rates, and the logarithm of its rate: a grid, then golden section between the
    /// neighbours of its best rate.
    fn best_risk(&self, table: &Table, noise: f64) -> (f64, f64) {
        let (low, high) = self.rates;
        let count = ((high - low) / libm::log(RATIO)).ceil() as usize;
        let stride = (high - low) / count as f64;
        let at = |log_rate: f64| (self.risk(table, noise, log_rate), log_rate);
        let lower = |a: (f64, f64), b: (f64, f64)| if b.0 < a.0 { b } else { a };
        let none = (f64::INFINITY, high);
        let grid = (0..=count).map(|i| at(high - stride * i as f64)).fold(none, lower);
        let (mut left, mut right) = ((grid.1 - stride).max(low), (grid.1 + stride).min(high));
        const GOLDEN: f64 = 0.618_033_988_749_894_8;
        let inside = |left: f64, right: f64, share: f64| at(left + share * (right - left));
        let mut inner = [inside(left, right, 1.0 - GOLDEN), inside(left, right, GOLDEN)];
        while right - left > WIDTH {
            if inner[0].0 < inner[1].0 {
                right = inner[1].1;
                inner = [inside(left, right, 1.0 - GOLDEN), inner[0]];
            } else {
                left = inner[0].1;
                inner = [inner[1], inside(left, right, GOLDEN)];
            }
        }
        inner.into_iter().fold(grid, lower)
    }

    /// The fewest updates to `target` and their first rate, fewer than `below`; the best risk is taken to fall with the
    /// updates.
    fn fewest(&self, noise: f64, target: f64, below: u64) -> Option<(u64, f64)> {
        let start = 0.5 * self.problem.init_std.powi(2) * self.curvatures.iter().sum::<f64>();
        if start <= target {
            return (below > 0).then(|| (0, libm::exp(self.rates.1)));
        }
        let best = |steps: u64| self.best_risk(&self.table(steps), noise);
        // The risks at the two ends of what is left: above the target, and at it.
        let (mut low, mut above) = (0, start);
        let (mut high, mut found);
        if below <= LIMIT {
            // Whether it can be done with fewer decides most cases at once.
            high = below.checked_sub(1).filter(|&steps| steps > 0)?;
            found = best(high);
            if found.0 > target {
                return None;
            }
        } else {
            high = 1;
            found = best(high);
            while found.0 > target {
                (low, above) = (high, found.0);
                high *= 2;
                if high > LIMIT {
                    return None;
                }
                found = best(high);
            }
        }
        let mut tries = 0;
        while high - low > 1 {
            tries += 1;
            let middle = low + (high - low) / 2;
            // Straight lines in the logarithms, and a halving now and then.
            let share = libm::log(above / target) / libm::log(above / found.0);
            let guess = (low as f64) * libm::pow(high as f64 / low as f64, share);
            let steps = match tries % 3 {
                0 => middle,
                _ if guess.is_finite() => (guess.ceil() as u64).clamp(low + 1, high - 1),
                _ => middle,
            };
            let tried = best(steps);
            if tried.0 <= target {
                (high, found) = (steps, tried);
            } else {
                (low, above) = (steps, tried.0);
            }
        }
        Some((high, libm::exp(found.1)))
    }
}

fn momentum(i: usize) -> f64 {
    1.0 - libm::pow(10.0, EXPONENT * i as f64)
}

/// The fewest updates to `target` at the momentum that the problem states, and their first rate; `None` if 2^24 updates
/// do not reach it, or if it takes `below` updates or more.
pub fn at_momentum(
    problem: &NoisyQuadratic,
    modes: usize,
    faults: Faults,
    (target, shape): (f64, Shape),
    below: u64,
) -> Option<(u64, f64)> {
    Modes::new(problem, modes, faults, (target, shape)).fewest(noise(problem, faults), target, below)
}

/// The fewest updates to `target` under a schedule of this shape, over first rates, and over momenta where the optimiser
/// has one: 1 - mu on a grid of equal ratios from 1 to 0.001, refined once around the best.
///
/// # Errors
/// If 2^24 updates do not reach the target.
pub fn best(
    problem: &NoisyQuadratic,
    modes: usize,
    faults: Faults,
    target: f64,
    shape: Shape,
) -> Result<Best, LawError> {
    let attempt = |best: Option<Best>, momentum: f64| {
        let other = with_momentum(problem, momentum);
        let below = best.map_or(u64::MAX, |best| best.steps);
        let found = at_momentum(&other, modes, faults, (target, shape), below);
        found.map(|(steps, rate)| Best { steps, rate, momentum }).or(best)
    };
    let unreached = || LawError::Integration {
        reason: format!(
            "no rate that falls to 0 within {LIMIT} updates reaches the risk {target}: raise the target"
        ),
    };
    if problem.optimizer == Optimizer::Sgd {
        return attempt(None, 0.0).ok_or_else(unreached);
    }
    let coarse = (0..=FINEST).step_by(COARSE).map(momentum).fold(None, attempt);
    let middle = libm::log10(1.0 - coarse.ok_or_else(unreached)?.momentum) / EXPONENT;
    let middle = middle.round() as usize;
    let around = (middle + 1).saturating_sub(COARSE)..middle + COARSE;
    around.map(momentum).fold(coarse, attempt).ok_or_else(unreached)
}

/// The batch whose steps to target are twice those of gradients without noise, to 0.1 %; the stated batch is not used.
/// Twice the steps are walked once, and noise of any strength weighs the same table.
///
/// # Errors
/// As [`tuning::critical_batch`].
pub fn critical_batch(
    problem: &NoisyQuadratic,
    modes: usize,
    faults: Faults,
    target: f64,
    shape: Shape,
) -> Result<f64, LawError> {
    let silent = Faults { no_noise: true, ..faults };
    let quiet = best(problem, modes, silent, target, shape)?.steps;
    if let Some(error) = tuning::without_critical_batch(problem, faults, quiet) {
        return Err(error);
    }
    let momenta: Vec<f64> = match problem.optimizer {
        Optimizer::Sgd => vec![0.0],
        _ => (0..FINEST + COARSE).map(momentum).collect(),
    };
    let others: Vec<NoisyQuadratic> = momenta.iter().map(|&mu| with_momentum(problem, mu)).collect();
    let laws: Vec<Modes> =
        others.iter().map(|other| Modes::new(other, modes, silent, (target, shape))).collect();
    let tables: Vec<Table> = laws.iter().map(|law| law.table(2 * quiet)).collect();
    Ok(tuning::batch_between(problem, modes, target, |problem| {
        let noise = noise(problem, faults);
        !laws.iter().zip(&tables).any(|(law, table)| law.best_risk(table, noise).0 <= target)
    }))
}
