//! The time at which the generalisation error is smallest.

use super::Law;
use crate::math::marchenko_pastur::nodes;
use crate::theory::LawError;

/// A window of the error's slope: times per decade of the scan, and where it begins and ends. Beyond the last, the
/// part of the spectrum that still moves has weight 1e-6.
const PER_DECADE: i32 = 20;
const FIRST: f64 = 1e-3;
const DECADES: i32 = 9;

/// The smallest error along a run.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// Its time; `None` if the error falls for ever.
    time: Option<f64>,
}

impl Stop {
    /// # Errors
    /// As [`Law::at`].
    pub fn new(law: &Law) -> Result<Self, LawError> {
        Ok(Self { time: optimal_time(law)? })
    }

    /// Time and value of the smallest error up to `time`.
    ///
    /// # Errors
    /// As [`Law::at`].
    pub fn until(&self, law: &Law, time: f64) -> Result<(f64, f64), LawError> {
        let best = self.time.map_or(time, |best| best.min(time));
        Ok((best, law.at(best)?.generalisation))
    }
}

impl Law {
    /// dE_g/dt of the flow, of steps with k = t / eta taken as a real number where no factor is negative.
    fn slope(&self, time: f64) -> f64 {
        let points = 256 + 12 * (time * self.ratio.sqrt()).sqrt() as usize;
        let mut sum = 0.0;
        for node in nodes(self.ratio, points) {
            let l = node.eigenvalue;
            let rate = l + self.decay;
            let share = libm::exp(-rate * time);
            let left = self.teacher * (self.decay + share * l) * l / (rate * rate) + self.start * share
                - self.learnt * (1.0 - share) * l / (rate * rate);
            sum -= 2.0 * node.weight * rate * share * left;
        }
        let kept = libm::exp(-self.decay * time);
        sum - 2.0 * self.unspanned() * self.decay * self.start * kept * kept
    }
}

/// The first minimum of E_g: by its slope for the flow, among whole updates for steps. `None` if there is none.
///
/// # Errors
/// As [`Law::at`].
pub fn optimal_time(law: &Law) -> Result<Option<f64>, LawError> {
    match law.step {
        None => Ok(of_flow(law)),
        Some(step) => of_steps(law, step),
    }
}

fn of_flow(law: &Law) -> Option<f64> {
    if law.slope(0.0) >= 0.0 {
        return Some(0.0);
    }
    let grid = (0..=DECADES * PER_DECADE).map(|i| FIRST * 10f64.powf(f64::from(i) / f64::from(PER_DECADE)));
    let mut before = 0.0;
    for time in grid {
        if law.slope(time) > 0.0 {
            return Some(root(before, time, |t| law.slope(t)));
        }
        before = time;
    }
    None
}

/// Bisection to the last bit for a slope that is negative at `low` and positive at `high`.
fn root(mut low: f64, mut high: f64, slope: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if slope(middle) < 0.0 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

fn of_steps(law: &Law, step: f64) -> Result<Option<f64>, LawError> {
    let error = |updates: u64| law.at(updates as f64 * step).map(|errors| errors.generalisation);
    let rises = |updates: u64| Ok::<_, LawError>(error(updates + 1)? >= error(updates)?);
    let (mut low, mut high) = (0, 1);
    if rises(0)? {
        return Ok(Some(0.0));
    }
    while !rises(high)? {
        low = high;
        high *= 2;
        if high as f64 * step > FIRST * 10f64.powi(DECADES) {
            return Ok(None);
        }
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if rises(middle)? { high = middle } else { low = middle }
    }
    Ok(Some(high as f64 * step))
}
