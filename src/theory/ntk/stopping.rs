//! The best time to stop: fast modes are learnt by then, slow ones have not yet taken up the noise of the labels.

use super::{Faults, KIND, Law, LawError};
use crate::problem::Definition;
use crate::problem::ntk::{Loss, Ntk, Start};

/// Ratio of neighbouring times of the scan, and the last time in units of P / (eta l) of the smallest mode that counts.
const RATIO: f64 = 1.1;
const LAST: f64 = 30.0;

/// Modes below this, relative to the largest, are never learnt in the scan.
const SLOWEST: f64 = 1e-9;

/// The number of updates at which the test loss, averaged over all starts, is least: scanned on a logarithmic grid, then
/// to the update between the neighbours of the least value.
///
/// # Errors
/// [`LawError::Overlay`] for another loss than the squared one, without test points, at an unstable rate, or where the loss falls until all is learnt.
pub(super) fn optimal_time(problem: &Ntk) -> Result<f64, LawError> {
    let refuse = |reason: &str| LawError::Overlay { name: KIND.overlays[1].0.into(), reason: reason.into() };
    if let Some(reason) = problem.uncovered() {
        return Err(refuse(&reason));
    }
    if problem.loss != Loss::Squared {
        return Err(refuse("it is that of the squared loss"));
    }
    if problem.inputs.tests() == 0 {
        return Err(refuse("there is no test point"));
    }
    let law = Law::new(problem, &Start::Ensemble, Faults::default())?;
    let loss = |k: f64| law.at(k).map(|now| law.test_loss(&now));
    let values = &law.descent.eigen.values;
    let largest = values[values.len() - 1];
    let slowest = values.iter().copied().filter(|l| *l > SLOWEST * largest).fold(largest, f64::min);
    let last = LAST / (law.descent.rate * slowest);
    let mut times = vec![0.0, 1.0];
    while times[times.len() - 1] < last {
        let k = times[times.len() - 1];
        times.push((k * RATIO).round().max(k + 1.0));
    }
    let losses: Option<Vec<f64>> = times.iter().map(|&k| loss(k)).collect();
    let losses = losses.ok_or_else(|| refuse("the learning rate is unstable"))?;
    let best = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap_or(0);
    if best + 1 == losses.len() {
        return Err(refuse("the test loss falls until every mode is learnt"));
    }
    let (mut low, mut high) = (times[best.saturating_sub(1)], times[best + 1]);
    while high - low > 2.0 {
        let third = ((high - low) / 3.0).floor().max(1.0);
        let (a, b) = (low + third, high - third);
        match (loss(a), loss(b)) {
            (Some(of_a), Some(of_b)) if of_a <= of_b => high = b,
            (Some(_), Some(_)) => low = a,
            _ => return Err(refuse("the learning rate is unstable")),
        }
    }
    let candidates = [low, 0.5 * (low + high), high].map(f64::round);
    let least = candidates.into_iter().filter_map(|k| loss(k).map(|loss| (k, loss)));
    least
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(k, _)| k)
        .ok_or_else(|| refuse("the learning rate is unstable"))
}
