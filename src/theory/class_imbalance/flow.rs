//! Margins of one class, and the flows that no formula solves.

use crate::ode::{self, OdeError};
use crate::theory::LawError;
use crate::trajectory::Curve;
use std::convert::Infallible;

/// The margin z >= 0 with (c - 1) z + e^z - 1 = c s: gradient flow of a class at s = kappa pi t, to rounding.
///
/// ```
/// use asymptotica::theory::class_imbalance::{loss, margin};
/// // c = 1000, pi = 0.05, t = 500: the tail 1/(pi t) = 0.040 is not reached, the loss is 0.063.
/// assert!((loss(1000, margin(1000, 0.05 * 500.0)) - 0.063).abs() < 5e-4);
/// // Far out z = ln(c s), without overflow.
/// assert!((margin(10, 1e300) - 10.0_f64.ln() - 300.0 * 10.0_f64.ln()).abs() < 1e-12);
/// ```
pub fn margin(c: usize, s: f64) -> f64 {
    let others = (c - 1) as f64;
    let target = c as f64 * s;
    // Each term alone is at most the whole: the smaller bound lies above the root. The left side is convex and
    // ascending, so Newton's method descends to the root from there without passing it.
    let mut z = s.min(libm::log1p(target));
    loop {
        let excess = others * z + libm::expm1(z) - target;
        let next = z - excess / (others + libm::exp(z));
        if next >= z || next.is_nan() {
            return z;
        }
        z = next;
    }
}

/// Cross-entropy of a class with margin z, ln(1 + (c - 1) e^-z).
pub fn loss(c: usize, z: f64) -> f64 {
    libm::log1p((c - 1) as f64 * libm::exp(-z))
}

/// Probability that the label lacks, 1 - p.
pub fn missing(c: usize, z: f64) -> f64 {
    let rest = (c - 1) as f64 * libm::exp(-z);
    rest / (1.0 + rest)
}

/// Equal frequencies once: values, and which one every class has.
fn distinct(shares: &[f64]) -> (Vec<f64>, Vec<usize>) {
    let mut values = shares.to_vec();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let place = |pi: &f64| values.partition_point(|value| value < pi);
    let which = shares.iter().map(place).collect();
    (values, which)
}

/// s(t) of normalised gradient flow: s' = 1 / |g|, |g|^2 = c/(c - 1) sum_k pi_k^2 (1 - p_k)^2.
pub(super) fn normalised_clock(
    c: usize,
    shares: &[f64],
    factor: f64,
    times: &[f64],
    tolerance: f64,
    curve: &mut Curve,
) -> Result<Vec<f64>, LawError> {
    let (values, which) = distinct(shares);
    let mut counts = vec![0.0; values.len()];
    which.iter().for_each(|&i| counts[i] += 1.0);
    let ratio = c as f64 / (c - 1) as f64;
    let norm = |s: f64| {
        let gradients = values.iter().map(|pi| pi * missing(c, margin(c, factor * pi * s)));
        // Squares of late gradients underflow; those of their ratios to the largest do not.
        let largest = gradients.clone().fold(0.0, f64::max);
        let squares = gradients.zip(&counts).map(|(g, count)| count * (g / largest) * (g / largest));
        largest * (ratio * squares.sum::<f64>()).sqrt()
    };
    // s grows exponentially in the end; ln(1 + s) is integrated.
    let system = |_t: f64, y: &[f64], dy: &mut [f64]| {
        let s = libm::expm1(y[0]);
        dy[0] = 1.0 / ((1.0 + s) * norm(s));
        Ok(())
    };
    let states = follow(system, &[0.0], times, tolerance, curve)?;
    Ok(states.into_iter().map(|y| libm::expm1(y[0])).collect())
}

/// Margins under the regularised sign flow z' = f (a / (a + epsilon) + b / (b + epsilon)), in the order of `shares`.
pub(super) fn regularised_sign(
    c: usize,
    shares: &[f64],
    factor: f64,
    epsilon: f64,
    times: &[f64],
    tolerance: f64,
    curve: &mut Curve,
) -> Result<Vec<Vec<f64>>, LawError> {
    let (values, which) = distinct(shares);
    let others = (c - 1) as f64;
    let system = |_t: f64, y: &[f64], dy: &mut [f64]| {
        for ((dz, z), pi) in dy.iter_mut().zip(y).zip(&values) {
            let own = pi * missing(c, *z);
            let other = own / others;
            *dz = factor * (own / (own + epsilon) + other / (other + epsilon));
        }
        Ok(())
    };
    let states = follow(system, &vec![0.0; values.len()], times, tolerance, curve)?;
    Ok(states.into_iter().map(|y| which.iter().map(|&i| y[i]).collect()).collect())
}

fn follow(
    mut system: impl FnMut(f64, &[f64], &mut [f64]) -> Result<(), Infallible>,
    start: &[f64],
    times: &[f64],
    tolerance: f64,
    curve: &mut Curve,
) -> Result<Vec<Vec<f64>>, LawError> {
    let mut states = Vec::with_capacity(times.len());
    let options = ode::Options::with_tolerance(tolerance);
    let outcome =
        ode::integrate(&mut system, 0.0, start, times, &options, |_, y: &[f64]| states.push(y.to_vec()));
    let stats = match outcome {
        Ok(stats) => stats,
        Err(error) => return Err(integration(&error)),
    };
    curve.work.rhs_calls += stats.rhs_calls;
    curve.work.steps += stats.steps();
    curve.work.rejected_steps += stats.rejected_steps;
    Ok(states)
}

fn integration(error: &OdeError<Infallible>) -> LawError {
    LawError::Integration { reason: error.to_string() }
}
