//! Fewest updates to a target over rates and momenta, and the critical batch.

use super::moments::{Map, first_passage, noise, read, start};
use super::rate::Rates;
use super::sgd::{Conditioned, Room, Sgd};
use super::{Faults, dimension, momentum};
use crate::problem::noisy_quadratic::{NoisyQuadratic, Optimizer};
use crate::theory::LawError;

/// Updates beyond which a target counts as out of reach.
const LIMIT: u64 = 1 << 40;

/// Rates of the first grid: equal ratios, this many over the decades below the largest stable rate, and as dense below
/// if [`decades`] asks for more.
const GRID: usize = 50;
const DECADES: f64 = 4.0;

/// Decades below the rate whose floor is the target: there noise adds 1 % of it at most, and a smaller rate is slower.
const BELOW_FLOOR: f64 = 2.0;

/// Decades below which [`LIMIT`] updates leave every mode where it starts.
const MOST_DECADES: f64 = 20.0;

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
    edge(problem.optimizer) / sharpest
}

/// x beyond which a mode does not shrink.
pub(super) fn edge(optimizer: Optimizer) -> f64 {
    match optimizer {
        Optimizer::Sgd => 2.0,
        Optimizer::Momentum { momentum } => 2.0 * (1.0 + momentum),
        Optimizer::Nesterov { momentum } => 2.0 * (1.0 + momentum) / (1.0 + 2.0 * momentum),
    }
}

/// The rate at which the floor is the target to first order in it, 4 (1 - mu) target / ((sigma^2 / B) sum h^(1-p)) for
/// every optimiser, of the weights themselves or of their average; infinite without noise.
pub(super) fn floor_rate(problem: &NoisyQuadratic, modes: usize, faults: Faults, target: f64) -> f64 {
    let curvatures = problem.spectrum.curvatures(modes);
    let sum: f64 = curvatures.iter().map(|&h| libm::pow(h, 1.0 - problem.preconditioner)).sum();
    let momentum = match problem.optimizer {
        Optimizer::Sgd => 0.0,
        Optimizer::Momentum { momentum } | Optimizer::Nesterov { momentum } => momentum,
    };
    4.0 * (1.0 - momentum) * target / (noise(problem, faults) * sum)
}

/// Decades below the largest stable rate down to which rates are searched: four, or two below the rate whose floor is
/// the target.
pub(super) fn decades(problem: &NoisyQuadratic, modes: usize, faults: Faults, target: f64) -> f64 {
    let ratio = largest_rate(problem, modes) / floor_rate(problem, modes, faults, target);
    DECADES.max(BELOW_FLOOR + libm::log10(ratio)).min(MOST_DECADES)
}

/// Rates of equal ratios in ascending order, the last one just below [`largest_rate`]: `count` over four decades, and as
/// dense below them where the noise of the target asks for smaller ones.
pub fn rates(problem: &NoisyQuadratic, modes: usize, faults: Faults, target: f64, count: usize) -> Vec<f64> {
    let top = 0.9999 * largest_rate(problem, modes);
    let stride = DECADES / count as f64;
    let all = (decades(problem, modes, faults, target) / stride).ceil() as usize;
    (0..all).rev().map(|i| top * libm::pow(10.0, -stride * i as f64)).collect()
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

/// A grid over the decades of [`decades`], then three grids of twenty rates around the best so far: steps are whole, so the best
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
    let mut best =
        best_of(problem, modes, faults, target, &rates(problem, modes, faults, target, grid), room)?;
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

/// The best rate of a scan for SGD, or of the best of 13 momenta.
fn first_guess(
    problem: &NoisyQuadratic,
    modes: usize,
    faults: Faults,
    target: f64,
) -> Result<Best, LawError> {
    let mut room = Room::default();
    let unreached = || LawError::Integration {
        reason: format!(
            "no rate reaches the risk {target} within 2^40 updates: raise the target, or the batch"
        ),
    };
    if problem.optimizer == Optimizer::Sgd {
        let rates = rates(problem, modes, faults, target, GRID);
        let (steps, rate) =
            best_of(problem, modes, faults, target, &rates, &mut room).ok_or_else(unreached)?;
        return Ok(Best { steps, rate, momentum: 0.0 });
    }
    let mut best: Option<Best> = None;
    for i in 0..13 {
        let momentum = 1.0 - libm::pow(10.0, -0.25 * f64::from(i));
        let other = with_momentum(problem, momentum);
        if let Some((steps, rate)) = over_rates(&other, modes, faults, target, 24, &mut room)
            && best.is_none_or(|best| steps < best.steps)
        {
            best = Some(Best { steps, rate, momentum });
        }
    }
    best.ok_or_else(unreached)
}

/// The fewest updates to `target` over rates from four decades below the largest stable one, or two below the rate whose
/// floor is the target, and over momenta from 0 to 0.999 where the optimiser has one: SGD from the best rate of a scan by the
/// search of `rate`, others from best rates of 13 momenta by the search of `momentum` over both together. The best rate of
/// SGD is that with the lowest risk after the fewest updates.
///
/// # Errors
/// If 2^40 updates do not reach the target: with more, every target above 0 is reached.
pub fn best(problem: &NoisyQuadratic, modes: usize, faults: Faults, target: f64) -> Result<Best, LawError> {
    let first = first_guess(problem, modes, faults, target)?;
    Ok(match problem.optimizer {
        Optimizer::Sgd => {
            let search = Rates::new(problem, modes, faults, target);
            let (steps, rate) = search.fewest((first.steps, first.rate));
            Best { steps, rate, momentum: 0.0 }
        }
        _ => momentum::improve(problem, modes, faults, target, first),
    })
}

/// Why noise has no critical strength, if so.
pub(super) fn without_critical_batch(
    problem: &NoisyQuadratic,
    faults: Faults,
    quiet: u64,
) -> Option<LawError> {
    let reason = if noise(problem, faults) == 0.0 {
        "without gradient noise every batch takes the same steps: there is no critical batch"
    } else if quiet == 0 {
        "the start is at the target: every batch takes 0 steps, and there is no critical batch"
    } else {
        return None;
    };
    Some(LawError::Integration { reason: reason.into() })
}

/// Width in log2 of the batch at which its bisection ends: 0.07 %.
const RESOLUTION: f64 = 1e-3;

/// The batch between too small (`excess`) and large enough. Noise counts as sigma^2 / B alone, so the search starts where
/// that makes the floor of the largest stable rate the target, and widens until it has both sides.
pub(super) fn batch_between(
    problem: &NoisyQuadratic,
    modes: usize,
    target: f64,
    excess: impl Fn(&NoisyQuadratic) -> bool,
) -> f64 {
    let excess = |exponent: f64| excess(&NoisyQuadratic { batch: libm::exp2(exponent), ..problem.clone() });
    let unit = NoisyQuadratic { batch: 1.0, ..problem.clone() };
    let ratio = largest_rate(&unit, modes) / floor_rate(&unit, modes, Faults::default(), target);
    let first = libm::log2(ratio);
    let (mut low, mut high) = (first, first);
    let mut stride = 1.0;
    if excess(first) {
        while excess(high) {
            (low, high) = (high, high + stride);
            stride *= 2.0;
        }
    } else {
        while !excess(low) {
            (low, high) = (low - stride, low);
            stride *= 2.0;
        }
    }
    while high - low > RESOLUTION {
        let middle = 0.5 * (low + high);
        if excess(middle) { low = middle } else { high = middle }
    }
    libm::exp2(0.5 * (low + high))
}

/// The batch whose steps to target are twice those of gradients without noise, to 0.1 % with momentum; the stated batch is
/// not used. SGD has it from the strongest noise that twice the updates bear.
///
/// # Errors
/// As [`best`] for gradients without noise; if there is no noise at all, or the start is at the target.
pub fn critical_batch(
    problem: &NoisyQuadratic,
    modes: usize,
    faults: Faults,
    target: f64,
) -> Result<f64, LawError> {
    let quiet = best(problem, modes, Faults { no_noise: true, ..faults }, target)?.steps;
    if let Some(error) = without_critical_batch(problem, faults, quiet) {
        return Err(error);
    }
    let most = 2 * quiet;
    if problem.optimizer == Optimizer::Sgd {
        let strongest = Rates::new(problem, modes, faults, target).strongest_noise(most);
        return Ok(problem.noise_std * problem.noise_std / strongest);
    }
    // A batch so small that no rate reaches the target is below.
    Ok(batch_between(problem, modes, target, |problem| {
        let Ok(first) = first_guess(problem, modes, faults, target) else { return true };
        first.steps > most && momentum::improve(problem, modes, faults, target, first).steps > most
    }))
}
