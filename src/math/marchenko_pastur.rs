//! The Marchenko-Pastur law: eigenvalues of X^T X for X with P x N independent entries of variance 1/N, a = P/N.
//!
//! Density of the eigenvalues that are not 0, per N of them, with edges l_-+ = (1 -+ sqrt a)^2:
//! rho(l) = sqrt((l_+ - l)(l - l_-)) / (2 pi l), of mass min(1, a). The other (1 - a)_+ N eigenvalues are 0.
//! (Marchenko & Pastur, Mat. Sb. 72, 507 (1967).)

use std::f64::consts::PI;

/// One node of a quadrature: integral of rho f = sum of weight f(eigenvalue).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    pub eigenvalue: f64,
    pub weight: f64,
}

/// The midpoint rule with `points` nodes in theta, l = 1 + a + 2 sqrt(a) cos theta.
///
/// rho dl = 2 a sin^2(theta) / (pi l) dtheta is even, periodic and analytic, so the rule converges exponentially
/// for analytic f; l^-1 is cancelled by sin^2 at a = 1.
///
/// ```
/// use asymptotica::math::marchenko_pastur::nodes;
/// for a in [0.5, 1.0, 2.0] {
///     // Moments of Wishart matrices: mean eigenvalue a, mean square a + a^2 (Bai & Silverstein 2010, Lemma 3.1).
///     let moment = |k: i32| nodes(a, 128).map(|n| n.weight * n.eigenvalue.powi(k)).sum::<f64>();
///     assert!((moment(0) - a.min(1.0)).abs() < 1e-13);
///     assert!((moment(1) - a).abs() < 1e-13 && (moment(2) - a - a * a).abs() < 1e-13);
/// }
/// ```
pub fn nodes(ratio: f64, points: usize) -> impl Iterator<Item = Node> {
    let root = ratio.sqrt();
    let step = PI / points as f64;
    (0..points).map(move |k| {
        let theta = (k as f64 + 0.5) * step;
        // (1 - sqrt a)^2 + 4 sqrt(a) cos^2(theta/2): no cancellation at the lower edge.
        let half = libm::cos(0.5 * theta);
        let eigenvalue = (1.0 - root) * (1.0 - root) + 4.0 * root * half * half;
        // 2 a sin^2(theta) / l with sin = 2 sin(theta/2) cos(theta/2): the quotient keeps its digits at the edge.
        let other = libm::sin(0.5 * theta);
        let density = 8.0 * ratio * other * other * (half * half / eigenvalue);
        Node { eigenvalue, weight: density * step / PI }
    })
}

/// Share of the eigenvalues that lies between `low` and `high`, those that are 0 left out; midpoint rule in theta, to
/// 1e-7.
///
/// ```
/// use asymptotica::math::marchenko_pastur::mass;
/// assert!((mass(0.5, 0.0, 10.0) - 0.5).abs() < 1e-7);
/// assert!((mass(2.0, 0.0, 1.3) + mass(2.0, 1.3, 10.0) - 1.0).abs() < 1e-7);
/// ```
pub fn mass(ratio: f64, low: f64, high: f64) -> f64 {
    const POINTS: usize = 2000;
    let root = ratio.sqrt();
    // The eigenvalue falls as theta grows.
    let theta = |l: f64| libm::acos(((l - 1.0 - ratio) / (2.0 * root)).clamp(-1.0, 1.0));
    let (first, last) = (theta(high), theta(low));
    let step = (last - first) / POINTS as f64;
    let density = |k: usize| {
        let half = 0.5 * (first + (k as f64 + 0.5) * step);
        let (sin, cos) = (libm::sin(half), libm::cos(half));
        let eigenvalue = (1.0 - root) * (1.0 - root) + 4.0 * root * cos * cos;
        8.0 * ratio * sin * sin * (cos * cos / eigenvalue)
    };
    (0..POINTS).map(density).sum::<f64>() * step / PI
}
