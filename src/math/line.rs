//! Integrals over the real line with the weight of the standard normal density.

use super::special::normal_pdf;
use gauss_quad::GaussLegendre;
use std::num::NonZeroUsize;
use std::sync::LazyLock;

/// Nodes in (0, 1) and weights that sum to 1.
static RULE: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| {
    let gauss = GaussLegendre::new(NonZeroUsize::new(20).expect("positive"));
    gauss.nodes().zip(gauss.weights()).map(|(x, w)| (0.5 * (1.0 + x), 0.5 * w)).collect()
});

/// |x| beyond which the normal density is below 1e-43: high polynomials have died out as well.
const RANGE: f64 = 14.0;

/// Error of a panel that is accepted, relative to the integral of the modulus.
pub const TOLERANCE: f64 = 1e-13;

/// Halvings in all before panels are accepted as they are, their errors counted: an integrand that cancels to rounding
/// can never be resolved better.
const MOST_HALVINGS: u32 = 2000;

/// An integral with an estimate of its error, the sum over panels of the change by their last halving.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Integral {
    pub value: f64,
    pub error: f64,
}

/// <f(x)> for standard normal x, by Gauss-Legendre rules of 20 nodes on panels that are halved until halving changes
/// nothing any more. `breaks` are the places where f or a derivative of it jumps.
///
/// ```
/// use asymptotica::math::line::normal_average;
/// let found = normal_average(|x| x.abs(), &[0.0]);
/// assert!((found.value - (2.0 / std::f64::consts::PI).sqrt()).abs() < 1e-14 && found.error < 1e-12);
/// ```
pub fn normal_average(f: impl Fn(f64) -> f64, breaks: &[f64]) -> Integral {
    let mut ends: Vec<f64> = (0..=14).map(|i| -RANGE + 2.0 * f64::from(i)).collect();
    ends.extend(breaks.iter().filter(|b| b.abs() < RANGE));
    ends.sort_by(f64::total_cmp);
    ends.dedup();
    let weighted = |x: f64| {
        let density = normal_pdf(x);
        if density == 0.0 { 0.0 } else { density * f(x) }
    };
    let wholes: Vec<(f64, f64)> = ends.windows(2).map(|w| panel(&weighted, w[0], w[1])).collect();
    let scale: f64 = wholes.iter().map(|w| w.1).sum();
    let allowed = TOLERANCE * scale;
    let mut total = Integral { value: 0.0, error: 0.0 };
    let mut halvings = MOST_HALVINGS;
    for (window, whole) in ends.windows(2).zip(&wholes) {
        let part = refine(&weighted, window[0], window[1], whole.0, allowed, &mut halvings);
        total.value += part.value;
        total.error += part.error;
    }
    total
}

/// Integrals of f and of |f|.
fn panel(f: &impl Fn(f64) -> f64, a: f64, b: f64) -> (f64, f64) {
    let (mut sum, mut modulus) = (0.0, 0.0);
    for (x, w) in RULE.iter() {
        let value = w * f(a + (b - a) * x);
        sum += value;
        modulus += value.abs();
    }
    ((b - a) * sum, (b - a) * modulus)
}

fn refine(f: &impl Fn(f64) -> f64, a: f64, b: f64, whole: f64, allowed: f64, halvings: &mut u32) -> Integral {
    let middle = 0.5 * (a + b);
    let (left, right) = (panel(f, a, middle).0, panel(f, middle, b).0);
    let error = (left + right - whole).abs();
    if error <= allowed || error.is_nan() || *halvings == 0 {
        return Integral { value: left + right, error };
    }
    *halvings -= 1;
    let left = refine(f, a, middle, left, allowed, halvings);
    let right = refine(f, middle, b, right, allowed, halvings);
    Integral { value: left.value + right.value, error: left.error + right.error }
}
