//! The best piecewise constant rates of SGD.

use super::moments::noise;
use super::tuning;
use super::{Faults, LawError};
use crate::problem::noisy_quadratic::NoisyQuadratic;

/// Rates of equally long pieces that end at the target.
#[derive(Clone, Debug, PartialEq)]
pub struct Pieces {
    pub steps: u64,
    pub rates: Vec<f64>,
}

/// Second moments of all modes under rates that change.
struct Modes {
    curvatures: Vec<f64>,
    powers: Vec<f64>,
    noise: f64,
    variance: f64,
}

impl Modes {
    fn new(problem: &NoisyQuadratic, modes: usize, faults: Faults) -> Self {
        let curvatures = problem.spectrum.curvatures(modes);
        Self {
            powers: curvatures.iter().map(|&h| libm::pow(h, -problem.preconditioner)).collect(),
            curvatures,
            noise: noise(problem, faults),
            variance: problem.init_std * problem.init_std,
        }
    }

    /// s after `updates` at one rate.
    fn advance(&self, moments: &mut [f64], rate: f64, updates: f64) {
        for ((s, h), power) in moments.iter_mut().zip(&self.curvatures).zip(&self.powers) {
            let rate = rate * power;
            let q = (1.0 - rate * h) * (1.0 - rate * h);
            let n = rate * rate * h * self.noise;
            let left = libm::pow(q, updates);
            let gathered = if q == 1.0 { updates * n } else { n * (1.0 - left) / (1.0 - q) };
            *s = left * *s + gathered;
        }
    }

    fn risk(&self, moments: &[f64]) -> f64 {
        0.5 * self.curvatures.iter().zip(moments).map(|(h, s)| h * s).sum::<f64>()
    }

    /// The risk at the end of all pieces.
    fn end(&self, rates: &[f64], steps: u64) -> f64 {
        let mut moments = vec![self.variance; self.curvatures.len()];
        for (rate, updates) in rates.iter().zip(lengths(steps, rates.len())) {
            self.advance(&mut moments, *rate, updates);
        }
        self.risk(&moments)
    }

    /// Coordinate descent on the logarithms of the rates until a sweep gains less than 1e-4.
    fn descend(&self, rates: &mut [f64], steps: u64, top: f64) -> f64 {
        let mut best = self.end(rates, steps);
        let mut stride = 0.5;
        while stride > 0.01 {
            let before = best;
            for i in (0..rates.len()).rev() {
                for factor in [libm::exp(stride), libm::exp(-stride)] {
                    let old = rates[i];
                    rates[i] = (old * factor).min(top);
                    let now = self.end(rates, steps);
                    if now < best {
                        best = now;
                        break;
                    }
                    rates[i] = old;
                }
            }
            if best > before * (1.0 - 1e-4) {
                stride *= 0.5;
            }
        }
        best
    }
}

/// Whole updates of `pieces` pieces that sum to `steps`.
fn lengths(steps: u64, pieces: usize) -> Vec<f64> {
    let cut = |i: usize| steps * i as u64 / pieces as u64;
    (0..pieces).map(|i| (cut(i + 1) - cut(i)) as f64).collect()
}

/// The fewest updates after which SGD with `pieces` constant rates of its own choice is at the target: bisection on the
/// updates, coordinate descent on the rates from those of the last attempt. A local optimum, never better than the
/// true one.
///
/// # Errors
/// If no constant rate comes near the target.
pub fn steps_to_target(
    problem: &NoisyQuadratic,
    modes: usize,
    faults: Faults,
    target: f64,
    pieces: usize,
) -> Result<Pieces, LawError> {
    let law = Modes::new(problem, modes, faults);
    let top = 0.9999 * tuning::largest_rate(problem, modes);
    let constant = tuning::best(problem, modes, faults, target)?;
    let mut best = Pieces { steps: constant.steps, rates: vec![constant.rate; pieces] };
    let mut low = 0;
    let mut rates = best.rates.clone();
    while best.steps - low > 1 + best.steps / 200 {
        let middle = low + (best.steps - low) / 2;
        if law.descend(&mut rates, middle, top) <= target {
            best = Pieces { steps: middle, rates: rates.clone() };
        } else {
            low = middle;
        }
    }
    Ok(best)
}
