//! The exponent of the bias of curves without any spread over replicas, such as gradient descent from a stated
//! start: no statistics, a straight line in logarithms.

use super::deviation::Sample;
use super::exponents::{Exponent, Unresolved};
use super::join::{Member, Track};
use super::limit::Pooled;
use super::student::Student;

/// Deviations count from so many errors of the law on.
const ABOVE_LAW_ERROR: f64 = 10.0;

/// Root-mean-square deviation at every size, and its power: the least-squares slope of its logarithm against
/// ln N with the standard error from what the line misses, which is departure from a power and not noise.
/// `None` if any replica of any size differs from another.
pub(super) fn bias(track: &Track, samples: &[Sample]) -> Option<(Vec<Option<Pooled>>, Exponent)> {
    let members = || track.points.iter().flat_map(|point| &point.members);
    if members().any(|m| samples[m.sample].spread[m.p]) {
        return None;
    }
    let deviation = |m: &Member| samples[m.sample].deviations[m.p][0];
    let counts = |m: &Member| deviation(m).abs() > ABOVE_LAW_ERROR * samples[m.sample].law_error[m.p];
    let points: Vec<Vec<f64>> = track
        .points
        .iter()
        .filter(|point| point.members.len() == track.sizes.len() && point.members.iter().all(counts))
        .map(|point| point.members.iter().map(deviation).collect())
        .collect();
    let n = track.sizes.len();
    let moment = |j: usize, k: usize| points.iter().map(|r| r[j] * r[k]).sum::<f64>();
    let squares: Vec<f64> = (0..n).map(|k| moment(k, k)).collect();
    let unresolved = |why| Exponent::NotResolved { why };
    if points.is_empty() || squares.iter().any(|&s| !s.is_finite() || s <= 0.0) {
        return Some((vec![None; n], unresolved(Unresolved::WithinLawError)));
    }
    let pooled = squares.iter().map(|s| Some(Pooled::exact(s / points.len() as f64))).collect();
    let exponent = match (1..n).find(|&k| moment(k - 1, k) <= 0.0) {
        Some(k) => unresolved(Unresolved::ChangesSign { sizes: (track.sizes[k - 1], track.sizes[k]) }),
        None if n < 3 => unresolved(Unresolved::TwoExactSizes),
        None => {
            let x: Vec<f64> = track.sizes.iter().map(|&size| (size as f64).ln()).collect();
            slope(&x, &squares.iter().map(|s| 0.5 * s.ln()).collect::<Vec<_>>())
        }
    };
    Some((pooled, exponent))
}

/// Least-squares slope with its standard error and 95 % interval.
fn slope(x: &[f64], y: &[f64]) -> Exponent {
    let n = x.len() as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
    let (x_mean, y_mean) = (mean(x), mean(y));
    let square: f64 = x.iter().map(|x| (x - x_mean).powi(2)).sum();
    let value = x.iter().zip(y).map(|(x, y)| (x - x_mean) * (y - y_mean)).sum::<f64>() / square;
    let misfit: f64 =
        x.iter().zip(y).map(|(x, y)| (y - y_mean - value * (x - x_mean)).powi(2)).sum::<f64>() / (n - 2.0);
    let std_error = (misfit / square).sqrt();
    let half = std_error * Student::new(n - 2.0).critical(0.025);
    if half > 0.5 {
        return Exponent::NotResolved { why: Unresolved::TooUncertain { std_error } };
    }
    Exponent::Resolved { value, std_error, interval: (value - half, value + half) }
}
