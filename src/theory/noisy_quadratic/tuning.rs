//! Fewest updates to a target over rates and momenta, and the critical batch.

use super::moments::{Map, first_passage, noise, read, start};
use super::sgd::{Conditioned, Room, Sgd};
use super::{Faults, dimension};
use crate::problem::noisy_quadratic::{NoisyQuadratic, Optimizer};
use crate::theory::LawError;

/// Updates beyond which a target counts as out of reach.
const LIMIT: u64 = 1 << 40;

/// Rates of the first grid: equal ratios over this many decades below the largest stable rate.
const GRID: usize = 100;
pub(super) const DECADES: f64 = 4.0;

/// The fewest updates, and where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    pub steps: u64,
    pub rate: f64,
    /// 0 for plain SGD.
    pub momentum: f64,
}

/// The rate beyond which the sharpest mode flips ever more: x = 2 for SGD, 2 (1 + mu) for the heavy ball,
/// 2 (1 + mu) / (1 + 2 mu) for Nesterov.
pub fn largest_rate(problem: &NoisyQuadratic, modes: usize) -> f64 {
    let sharpness = |h: f64| libm::pow(h, 1.0 - problem.preconditioner);
    let sharpest = problem.spectrum.curvatures(modes).into_iter().map(sharpness).fold(0.0, f64::max);
    let edge = match problem.optimizer {
        Optimizer::Sgd => 2.0,
        Optimizer::Momentum { momentum } => 2.0 * (1.0 + momentum),
        Optimizer::Nesterov { momentum } => 2.0 * (1.0 + momentum) / (1.0 + 2.0 * momentum),
    };
    edge / sharpest
}

/// `count` rates of equal ratios, the last one just below [`largest_rate`].
pub fn rates(problem: &NoisyQuadratic, modes: usize, count: usize) -> Vec<f64> {
    let top = 0.9999 * largest_rate(problem, modes);
    let ratio = |i: usize| DECADES * (1.0 - (i + 1) as f64 / count as f64);
    (0..count).map(|i| top * libm::pow(10.0, -ratio(i))).collect()
}

/// Updates to `target` at one rate, `None` if it is not reached within `limit`.
pub fn steps_at(
    problem: &NoisyQuadratic,
    modes: usize,
    faults: Faults,
    rate: f64,
    target: f64,
    limit: u64,
    room: &mut Room,
) -> Option<u64> {
    match dimension(problem) {
        1 => Sgd::new(problem, modes, rate, faults).first_passage(target, limit, room),
        2 => general::<2>(problem, modes, faults, rate, target, limit),
        _ => general::<3>(problem, modes, faults, rate, target, limit),
    }
}

fn general<const N: usize>(
    problem: &NoisyQuadratic,
    modes: usize,
    faults: Faults,
    rate: f64,
    target: f64,
    limit: u64,
) -> Option<u64> {
    let curvatures = problem.spectrum.curvatures(modes);
    let noise = noise(problem, faults);
    let maps: Vec<Map<N>> = curvatures.iter().map(|&h| Map::update(problem, h, rate, noise * h)).collect();
    first_passage(&maps, &curvatures, start(problem), read::<N>(problem), target, limit)
}

/// The best of the stated rates.
pub fn best_of(
    problem: &NoisyQuadratic,
    modes: usize,
    faults: Faults,
    target: f64,
    rates: &[f64],
    room: &mut Room,
) -> Option<(u64, f64)> {
    let mut best: Option<(u64, f64)> = None;
    let shared = (dimension(problem) == 1).then(|| Conditioned::new(problem, modes, faults));
    for &rate in rates {
        let limit = best.map_or(LIMIT, |(steps, _)| steps);
        let steps = match &shared {
            Some(shared) => shared.at(rate).first_passage(target, limit, room),
            None => steps_at(problem, modes, faults, rate, target, limit, room),
        };
        if let Some(steps) = steps
            && best.is_none_or(|(fewest, _)| steps < fewest)
        {
            best = Some((steps, rate));
        }
    }
    best
}

/// A grid over four decades, then three grids of twenty rates around the best so far: steps are whole, so the best
/// rate is an interval, of which the first found is returned.
fn over_rates(
    problem: &NoisyQuadratic,
    modes: usize,
    faults: Faults,
    target: f64,
    grid: usize,
    room: &mut Room,
) -> Option<(u64, f64)> {
    let top = largest_rate(problem, modes);
    let mut best = best_of(problem, modes, faults, target, &rates(problem, modes, grid), room)?;
    let mut width = libm::pow(10.0, DECADES / grid as f64);
    for _ in 0..3 {
        let around: Vec<f64> = (-10..=10)
            .map(|i| best.1 * libm::pow(width, f64::from(i) / 10.0))
            .filter(|&rate| rate < top)
            .collect();
        if let Some(found) = best_of(problem, modes, faults, target, &around, room)
            && found.0 < best.0
        {
            best = found;
        }
        width = libm::pow(width, 0.1);
    }
    Some(best)
}

/// The problem with another momentum.
pub(super) fn with_momentum(problem: &NoisyQuadratic, momentum: f64) -> NoisyQuadratic {
    let optimizer = match problem.optimizer {
        Optimizer::Sgd => Optimizer::Sgd,
        Optimizer::Momentum { .. } => Optimizer::Momentum { momentum },
        Optimizer::Nesterov { .. } => Optimizer::Nesterov { momentum },
    };
    NoisyQuadratic { optimizer, ..problem.clone() }
}

/// The fewest updates to `target` over rates, and over momenta where the optimiser has one: 1 - mu on a grid of equal
/// ratios from 1 to 0.001, refined once around the best.
///
/// # Errors
/// If no rate reaches the target.
pub fn best(problem: &NoisyQuadratic, modes: usize, faults: Faults, target: f64) -> Result<Best, LawError> {
    let mut room = Room::default();
    let unreached = || LawError::Integration { reason: format!("no rate reaches the risk {target}") };
    if problem.optimizer == Optimizer::Sgd {
        let (steps, rate) =
            over_rates(problem, modes, faults, target, GRID, &mut room).ok_or_else(unreached)?;
        return Ok(Best { steps, rate, momentum: 0.0 });
    }
    let mut best: Option<Best> = None;
    let mut exponents: Vec<f64> = (0..13).map(|i| -0.25 * f64::from(i)).collect();
    for _ in 0..2 {
        for &exponent in &exponents {
            let momentum = 1.0 - libm::pow(10.0, exponent);
            let other = with_momentum(problem, momentum);
            if let Some((steps, rate)) = over_rates(&other, modes, faults, target, 24, &mut room)
                && best.is_none_or(|best| steps < best.steps)
            {
                best = Some(Best { steps, rate, momentum });
            }
        }
        let middle = libm::log10(1.0 - best.ok_or_else(unreached)?.momentum);
        exponents = (-4..=4).map(|i| (middle + 0.05 * f64::from(i)).min(0.0)).collect();
    }
    best.ok_or_else(unreached)
}

/// The batch whose steps to target are twice those of gradients without noise, by bisection on its logarithm.
///
/// # Errors
/// As [`best`].
pub fn critical_batch(
    problem: &NoisyQuadratic,
    modes: usize,
    faults: Faults,
    target: f64,
) -> Result<f64, LawError> {
    let quiet = best(problem, modes, Faults { no_noise: true, ..faults }, target)?.steps as f64;
    let excess = |exponent: f64| {
        let problem = NoisyQuadratic { batch: libm::exp2(exponent), ..problem.clone() };
        // A batch so small that no rate reaches the target is below.
        best(&problem, modes, faults, target).map_or(true, |best| best.steps as f64 > 2.0 * quiet)
    };
    let (mut low, mut high) = (-20.0, 40.0);
    while high - low > 0.01 {
        let middle = 0.5 * (low + high);
        if excess(middle) { low = middle } else { high = middle }
    }
    Ok(libm::exp2(0.5 * (low + high)))
}
