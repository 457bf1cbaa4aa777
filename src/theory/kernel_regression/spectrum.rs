//! Eigenvalues of a kernel under the law of its inputs, with their multiplicities.

use super::continuation;
use crate::problem::kernel_regression::{DotProduct, Kernel};
use gauss_quad::GaussLegendre;
use std::f64::consts::FRAC_PI_2;
use std::num::NonZeroUsize;

/// Eigenvalues in the order of the degrees or features, then of groups of further degrees, and the trace of all the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    /// (eigenvalue, multiplicity). Sums that cancel to their rounding are eigenvalues of 0.
    pub levels: Vec<(f64, f64)>,
    /// What acts as a ridge, its eigenvalues being far below kappa.
    pub tail: f64,
    /// Of every eigenvalue; 0 where they are known to relative precision.
    pub error: f64,
    /// The largest eigenvalue in the tail, or one above it.
    pub largest_of_tail: f64,
}

/// Degrees that are integrated one by one, and the multiplicity beyond which none is: eigenvalues are below 1e-13 of the
/// trace there.
pub(super) const MOST_DEGREES: usize = 800;
const MOST_COMPONENTS: f64 = 1e13;

/// Degrees of the exponential kernel, whose eigenvalues need no sums.
const MOST_OF_EXPONENTIAL: f64 = 2e5;

/// Eigenvalues above this many errors count as resolved.
const RESOLVED: f64 = 10.0;

/// Error of an eigenvalue, relative to k(1).
const ROUNDING: f64 = 1e-16;

/// Panels of the angle; each holds at most four periods of the highest polynomial.
const PANELS: usize = 200;

/// Nodes of t = cos(angle) with weights of (1 - t^2)^((d-3)/2), which sum to 1.
fn nodes(dimension: usize) -> Vec<(f64, f64)> {
    let d = dimension as f64;
    // sin^(d-2) is below e^-72 of its peak beyond 12/sqrt(d) from the equator.
    let reach = FRAC_PI_2.min(12.0 / d.sqrt());
    let Some(order) = NonZeroUsize::new(20) else { return Vec::new() };
    let rule = GaussLegendre::new(order);
    let width = 2.0 * reach / PANELS as f64;
    let mut nodes = Vec::with_capacity(20 * PANELS);
    for panel in 0..PANELS {
        for (x, w) in rule.nodes().zip(rule.weights()) {
            // The angle from the equator: t is its sine.
            let angle = -reach + width * (panel as f64 + 0.5 * (1.0 + x));
            nodes.push((libm::sin(angle), w * libm::pow(libm::cos(angle), d - 2.0)));
        }
    }
    let whole: f64 = nodes.iter().map(|(_, w)| w).sum();
    nodes.iter_mut().for_each(|(_, w)| *w /= whole);
    nodes
}

/// N_k, k from 0: N_k = N_(k-1) (2 k + d - 2) (k + d - 3) / (k (2 k + d - 4)).
pub fn multiplicity(dimension: usize, degree: usize) -> f64 {
    multiplicities(dimension).nth(degree).unwrap_or(f64::INFINITY)
}

/// N_k/N_(k-1), k >= 1.
fn growth(dimension: usize, k: usize) -> f64 {
    let (d, k) = (dimension as f64, k as f64);
    if k == 1.0 { d } else { (2.0 * k + d - 2.0) * (k + d - 3.0) / (k * (2.0 * k + d - 4.0)) }
}

/// N_0, N_1, ...
pub(super) fn multiplicities(dimension: usize) -> impl Iterator<Item = f64> {
    std::iter::successors(Some((0, 1.0)), move |&(k, n)| Some((k + 1, n * growth(dimension, k + 1))))
        .map(|(_, n)| n)
}

impl Spectrum {
    /// At a finite size: the dimension of the sphere, or the number of features.
    pub fn new(kernel: &Kernel, size: usize) -> Self {
        match kernel {
            Kernel::PowerLaw { decay } => {
                Self::exact((1..=size).map(|i| ((i as f64).powf(-decay), 1.0)).collect(), 0.0)
            }
            Kernel::Sphere(DotProduct::Exponential { width }) => Self::exponential(*width, size),
            Kernel::Sphere(kernel) => Self::on_sphere(kernel, size),
        }
    }

    /// Levels without error, and the trace of the rest.
    pub fn exact(levels: Vec<(f64, f64)>, tail: f64) -> Self {
        let largest_of_tail = if tail > 0.0 { levels.last().map_or(0.0, |level| level.0) } else { 0.0 };
        Self { levels, tail, error: 0.0, largest_of_tail }
    }

    /// exp(s (t - 1)), s = 1/width^2: lambda_k is proportional to I_(k + d/2 - 1)(s), whose ratios come from a continued
    /// fraction; all N_k lambda_k sum to 1.
    fn exponential(width: f64, dimension: usize) -> Self {
        let s = 1.0 / (width * width);
        let most = (100.0 + 20.0 * s.sqrt()).min(MOST_OF_EXPONENTIAL) as usize;
        let order = 0.5 * dimension as f64 - 1.0;
        let mut ratios = vec![0.0; most + 1];
        for k in (0..most).rev() {
            ratios[k] = s / (2.0 * (k as f64 + order + 1.0) + s * ratios[k + 1]);
        }
        // Logarithms of N_k lambda_k / lambda_0, which leave the range of numbers in many dimensions.
        let mut logarithms = vec![0.0_f64; most];
        for k in 1..most {
            logarithms[k] = logarithms[k - 1] + (growth(dimension, k) * ratios[k - 1]).ln();
        }
        let largest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares: Vec<f64> = logarithms.iter().map(|l| (l - largest).exp()).collect();
        let whole: f64 = shares.iter().sum();
        let levels: Vec<(f64, f64)> = shares
            .iter()
            .zip(multiplicities(dimension))
            .take_while(|(_, count)| *count <= MOST_COMPONENTS)
            .map(|(share, count)| (share / whole / count, count))
            .collect();
        let tail = shares[levels.len()..].iter().sum::<f64>() / whole;
        Self::exact(levels, tail)
    }

    /// lambda_k = sum over nodes of k(t) G_k(t), (k + d - 2) G_(k+1) = (2 k + d - 2) t G_k - k G_(k-1).
    fn on_sphere(kernel: &DotProduct, dimension: usize) -> Self {
        let d = dimension as f64;
        let (nodes, values): (Vec<f64>, Vec<f64>) =
            nodes(dimension).into_iter().map(|(t, w)| (t, w * kernel.value(t))).unzip();
        let (mut before, mut now) = (vec![0.0; nodes.len()], vec![1.0; nodes.len()]);
        let whole = kernel.value(1.0);
        let mut levels = Vec::new();
        for (k, count) in multiplicities(dimension).take(MOST_DEGREES).enumerate() {
            if count > MOST_COMPONENTS {
                break;
            }
            let sum: f64 = values.iter().zip(&now).map(|(v, g)| v * g).sum();
            levels.push((if sum.abs() < ROUNDING * whole { 0.0 } else { sum }, count));
            let k = k as f64;
            for ((before, now), t) in before.iter_mut().zip(&mut now).zip(&nodes) {
                let next = if k == 0.0 {
                    *t
                } else {
                    ((2.0 * k + d - 2.0) * t * *now - k * *before) / (k + d - 2.0)
                };
                *before = std::mem::replace(now, next);
            }
        }
        let error = ROUNDING * whole;
        if let Some((levels, tail)) = continuation::continued(&levels, dimension, whole) {
            return Self { levels, tail, error, largest_of_tail: 0.0 };
        }
        let tail = whole - levels.iter().map(|(l, count)| l * count).sum::<f64>();
        // One parity may have no eigenvalues; those below the error are not known.
        let last = levels.iter().rev().take(2).map(|level| level.0).fold(0.0, f64::max);
        let largest_of_tail = if last > RESOLVED * error { last } else { 0.0 };
        Self { levels, tail, error, largest_of_tail }
    }

    /// The limit d -> infinity at n = alpha d^p, in units of d^p: degrees below p are learnt, degree p has the eigenvalue
    /// c_p p! and the multiplicity 1/p!, all beyond are part of the ridge; c_k are the Taylor coefficients of k(t).
    pub fn of_infinite_dimension(kernel: &DotProduct, p: usize) -> Self {
        let taylor = taylor(kernel, p + 1);
        let factorial: f64 = (1..=p).map(|k| k as f64).product();
        let mut levels = vec![(f64::INFINITY, 0.0); p];
        levels.push((taylor[p] * factorial, 1.0 / factorial));
        let whole = kernel.value(1.0);
        let tail = whole - taylor.iter().sum::<f64>();
        Self { levels, tail, error: ROUNDING * whole, largest_of_tail: 0.0 }
    }

    /// Sum of all eigenvalues.
    pub fn trace(&self) -> f64 {
        let finite = self.levels.iter().filter(|(_, n)| *n > 0.0);
        self.tail + finite.map(|(l, n)| l * n).sum::<f64>()
    }
}

/// The first coefficients of k(t) = sum c_k t^k, from its Chebyshev series on |t| <= 1/2: k is analytic for |t| < 1.
fn taylor(kernel: &DotProduct, count: usize) -> Vec<f64> {
    const POINTS: usize = 28;
    const RADIUS: f64 = 0.5;
    let angle = |i: usize| std::f64::consts::PI * (i as f64 + 0.5) / POINTS as f64;
    let values: Vec<f64> = (0..POINTS).map(|i| kernel.value(RADIUS * libm::cos(angle(i)))).collect();
    // T_j as polynomials: T_(j+1) = 2 x T_j - T_(j-1).
    let (mut before, mut now) = (vec![0.0; count], vec![0.0; count]);
    now[0] = 1.0;
    let mut sums = vec![0.0; count];
    for j in 0..POINTS {
        let part: f64 = values.iter().enumerate().map(|(i, v)| v * libm::cos(j as f64 * angle(i))).sum();
        let coefficient = part * if j == 0 { 1.0 } else { 2.0 } / POINTS as f64;
        sums.iter_mut().zip(&now).for_each(|(sum, t)| *sum += coefficient * t);
        let factor = if j == 0 { 1.0 } else { 2.0 };
        let next: Vec<f64> = (0..count)
            .map(|k| factor * if k > 0 { now[k - 1] } else { 0.0 } - if j == 0 { 0.0 } else { before[k] })
            .collect();
        before = std::mem::replace(&mut now, next);
    }
    sums.iter().enumerate().map(|(k, sum)| sum / RADIUS.powi(k as i32)).collect()
}
