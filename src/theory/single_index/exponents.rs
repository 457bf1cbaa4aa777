//! Which power of d a link costs: information and generative exponent, from the link itself.

use crate::math::line::{Integral, normal_average};
use crate::problem::single_index::{HIGHEST_ORDER, Link};

/// A coefficient counts as different from 0 above this share of the link's norm, and above ten times its own error.
/// Quadratures are good to some 1e-13 of the norm, so a coefficient below 1e-10 of it could not be told from 0.
pub const RESOLUTION: f64 = 1e-10;

/// c_0, ..., c_order of a link in normalised Hermite polynomials, each with its numerical error.
///
/// ```
/// use asymptotica::problem::single_index::Link;
/// use asymptotica::theory::single_index::hermite_coefficients;
/// // ReLU: 1/sqrt(2 pi), 1/2, 1/(2 sqrt pi), 0, ...
/// let c = hermite_coefficients(&Link::Relu, 3);
/// assert!((c[2].value - 0.5 / std::f64::consts::PI.sqrt()).abs() < 1e-14 && c[3].value.abs() < 1e-14);
/// ```
pub fn hermite_coefficients(link: &Link, order: usize) -> Vec<Integral> {
    (0..=order).map(|k| normal_average(|x| link.value(x) * hermite(k, x), link.kinks())).collect()
}

/// h_k(x), normalised.
fn hermite(k: usize, x: f64) -> f64 {
    let (mut before, mut now) = (0.0, 1.0);
    for j in 0..k {
        let next = (x * now - (j as f64).sqrt() * before) / ((j + 1) as f64).sqrt();
        (before, now) = (now, next);
    }
    now
}

fn differs(integral: Integral, norm: f64) -> bool {
    integral.value.abs() > (10.0 * integral.error).max(RESOLUTION * norm)
}

/// The lowest k >= 1 with c_k != 0 (Ben Arous, Gheissari & Jagannath 2021); `None` if none up to order 12.
pub fn information_exponent(link: &Link) -> Option<usize> {
    let norm = normal_average(|x| link.value(x).powi(2), link.kinks()).value.sqrt();
    (1..=HIGHEST_ORDER).find(|&k| differs(hermite_coefficients(link, k)[k], norm))
}

/// The lowest k >= 1 for which some function T of the label has <T(y) h_k(h*)> != 0 (Damian, Pillaud-Vivien, Lee &
/// Bruna 2024); `None` if none up to order 12.
///
/// The functions exp(i w y) decide: all <T(y) h_k> vanish iff <exp(i w y) h_k> does for every w. Tried are 24
/// frequencies up to 6 standard deviations of the label. Gaussian label noise multiplies these averages by
/// exp(-Delta w^2/2) and changes nothing.
pub fn generative_exponent(link: &Link) -> Option<usize> {
    let mean = normal_average(|x| link.value(x), link.kinks()).value;
    let width = normal_average(|x| (link.value(x) - mean).powi(2), link.kinks()).value.sqrt();
    (1..=HIGHEST_ORDER).find(|&k| {
        (1..=24).any(|i| {
            let frequency = 0.25 * f64::from(i);
            let phase = |x: f64| frequency * (link.value(x) - mean) / width;
            [0.0, std::f64::consts::FRAC_PI_2].into_iter().any(|shift| {
                let f = |x: f64| libm::cos(phase(x) - shift) * hermite(k, x);
                differs(normal_average(f, link.kinks()), 1.0)
            })
        })
    })
}
