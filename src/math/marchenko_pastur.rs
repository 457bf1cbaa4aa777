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

/// Part of an integral that [`nodes_at_all_scales`] leaves out at each end.
const LEFT_OUT: f64 = 1e-18;

/// Smallest distance from the hard edge that is resolved, as a square root and relative to the upper edge.
const FINEST: f64 = 1e-10;

/// Nodes that crowd at both edges, for every a: the trapezoidal rule in u = ln tan(phi/2) at u = (k + shift) step,
/// with l = (1 - sqrt a)^2 + 4 sqrt(a) sin^2(phi/2).
///
/// In s = e^u, l = (1 + sqrt a)^2 (delta^2 + s^2) / (1 + s^2) with delta = |1 - a| / (1 + sqrt a)^2. The poles of the
/// density and of 1/(l + g) have |Im u| = pi/2 whatever a and g are. On |Im u| = pi/4, l runs through the circle that
/// has the spectrum as its diameter, where e^(-l t) and (1 - eta l)^k of stable steps are at most 1. So the error is
/// about e^(-pi^2 / (2 step)) at all times t and all numbers of updates k: 2e-11 at step 0.2, 5e-15 at 0.15, 4e-22 at
/// 0.1; the step halves by the mean of two rules, with shifts 0 and 1/2. About 28/step nodes; at most 79/step, at
/// a = 1, where times up to 1e18 are resolved.
///
/// ```
/// use asymptotica::math::marchenko_pastur::nodes_at_all_scales;
/// for a in [1e-6, 0.5, 0.99999, 1.0, 1.0 + 1e-9, 2.0, 1e6] {
///     let moment = |k: i32| {
///         nodes_at_all_scales(a, 0.15, 0.0).map(|n| n.weight * n.eigenvalue.powi(k)).sum::<f64>()
///     };
///     let [mass, mean] = [a.min(1.0), a];
///     assert!((moment(0) / mass - 1.0).abs() < 1e-13 && (moment(1) / mean - 1.0).abs() < 1e-13);
///     // The mean of 1/l is min(1, a) / |1 - a|.
///     assert!(a == 1.0 || (moment(-1) * (1.0 - a).abs() / mass - 1.0).abs() < 1e-13);
/// }
/// ```
pub fn nodes_at_all_scales(ratio: f64, step: f64, shift: f64) -> impl Iterator<Item = Node> {
    crowded(ratio, step, shift, -libm::log(LEFT_OUT) / 3.0).map(|(node, _)| node)
}

/// The nodes of [`nodes_at_all_scales`], each with its distance l_+ - l from the upper edge, for integrands with a pole
/// at l_+ + `beyond`, however close: 1/(l_+ + beyond - l) has |Im u| = pi/2 as well, and 1/`beyond` only asks for more
/// nodes near the edge, at most 41/step.
///
/// ```
/// use asymptotica::math::marchenko_pastur::nodes_with_pole;
/// for (a, beyond) in [(2.0_f64, 0.3), (0.9, 1e-7), (1.0, 0.0), (3.0, 1e-30)] {
///     // The Stieltjes transform at z = l_+ + beyond, of all eigenvalues: z M^2 + (a - 1 - z) M + 1 = 0.
///     let z = (1.0 + a.sqrt()).powi(2) + beyond;
///     let root = (beyond * (beyond + 4.0 * a.sqrt())).sqrt();
///     let exact = (z + 1.0 - a - root) / (2.0 * z);
///     let sum: f64 = nodes_with_pole(a, 0.1, beyond).map(|(n, below)| n.weight / (below + beyond)).sum();
///     let zeros = (1.0 - a).max(0.0) / z;
///     assert!((sum + zeros - exact).abs() < 1e-14, "{a} {beyond}: {sum} {exact}");
/// }
/// ```
pub fn nodes_with_pole(ratio: f64, step: f64, beyond: f64) -> impl Iterator<Item = (Node, f64)> {
    // With the pole weights fall as 1/s up to s = c, and as c^2/s^3 from there on.
    let c = ((1.0 + ratio.sqrt()) / beyond.sqrt()).max(1.0);
    let last = f64::min(-libm::log(LEFT_OUT), (2.0 * libm::log(c) - libm::log(LEFT_OUT)) / 3.0);
    crowded(ratio, step, 0.0, last)
}

/// Nodes up to u = `last` with their distances from the upper edge.
fn crowded(ratio: f64, step: f64, shift: f64, last: f64) -> impl Iterator<Item = (Node, f64)> {
    let edge = (1.0 + ratio.sqrt()).powi(2);
    let delta = (1.0 - ratio).abs() / edge;
    // Weights fall as s from the finest scale on if delta is smaller, as s^3 below delta and as s^-3 above 1.
    let scale = delta.max(FINEST);
    let low = (scale * LEFT_OUT).max((scale * delta * delta * LEFT_OUT).cbrt());
    let first = (libm::log(low) / step).floor() as i64;
    let last = (last / step).ceil() as i64;
    (first..=last).map(move |k| {
        let s = libm::exp((k as f64 + shift) * step);
        let (near, far) = (delta * delta + s * s, 1.0 + s * s);
        let weight = 16.0 * ratio / (PI * edge) * step * (s / near) * (s / far) * (s / far);
        (Node { eigenvalue: edge * near / far, weight }, 4.0 * ratio.sqrt() / far)
    })
}

/// Means of 1/(l + z), 1/(l + z)^2 and l/(l + z)^2 over the eigenvalues that are not 0, for z > 0, and z = 0 if a != 1.
///
/// The first is D = 2 m / (q + R), m = min(1, a), q = |1 - a| + z, R = sqrt(q^2 + 4 m z), from the Stieltjes
/// transform M of all eigenvalues, z M^2 + (z + a - 1) M = 1; the others are -D' and D + z D', without their
/// cancellations.
///
/// ```
/// use asymptotica::math::marchenko_pastur::resolvents;
/// // a = 1, z = 1/2: M = (sqrt(1/4 + 2) - 1/2) / 1 = 1.
/// assert!((resolvents(1.0, 0.5)[0] - 1.0).abs() < 1e-15);
/// // At z = 0 means of inverses: min(1, a) / |1 - a| and a / (a - 1)^3 for a > 1.
/// let [first, second, third] = resolvents(3.0, 0.0);
/// assert!((first - 0.5).abs() < 1e-15 && (second - 0.375).abs() < 1e-15 && (third - 0.5).abs() < 1e-15);
/// ```
pub fn resolvents(ratio: f64, z: f64) -> [f64; 3] {
    let (gap, mass) = ((1.0 - ratio).abs(), ratio.min(1.0));
    let q = gap + z;
    let root = (q * q + 4.0 * mass * z).sqrt();
    let first = 2.0 * mass / (q + root);
    let second = first * (1.0 + (q + 2.0 * mass) / root) / (q + root);
    let third = first * (gap + 2.0 * mass * z / (q + root)) / root;
    [first, second, third]
}

/// Share of the eigenvalues that lies between `low` and `high`, those that are 0 left out. With s = sqrt((l_+ - l)(l - l_-))
/// the integral of the density from l_- on is
/// (s + (l_+ + l_-) atan sqrt((l - l_-)/(l_+ - l)) - 2 |1 - a| atan sqrt(l_+ (l - l_-)/(l_- (l_+ - l)))) / (2 pi).
///
/// ```
/// use asymptotica::math::marchenko_pastur::mass;
/// assert!((mass(0.5, 0.0, 10.0) - 0.5).abs() < 1e-15);
/// assert!((mass(2.0, 0.0, 1.3) + mass(2.0, 1.3, 10.0) - 1.0).abs() < 1e-15);
/// // The semicircle of a = 1 in sqrt l, to the middle of its quarter: 1/3 + sqrt 3/(2 pi).
/// assert!((mass(1.0, 0.0, 1.0) - 1.0 / 3.0 - 3.0_f64.sqrt() / (2.0 * std::f64::consts::PI)).abs() < 1e-15);
/// ```
pub fn mass(ratio: f64, low: f64, high: f64) -> f64 {
    let root = ratio.sqrt();
    let (first, last) = ((1.0 - root) * (1.0 - root), (1.0 + root) * (1.0 + root));
    let up_to = |l: f64| {
        if l <= first {
            return 0.0;
        }
        if l >= last {
            return ratio.min(1.0);
        }
        let (above, below) = ((l - first).sqrt(), (last - l).sqrt());
        let hole = 2.0 * (1.0 - ratio).abs() * libm::atan2(last.sqrt() * above, first.sqrt() * below);
        (above * below + (last + first) * libm::atan2(above, below) - hole) / (2.0 * PI)
    };
    up_to(high) - up_to(low)
}
