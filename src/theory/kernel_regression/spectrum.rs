//! Eigenvalues of a kernel under the law of its inputs, with their multiplicities.

use crate::problem::kernel_regression::{DotProduct, Kernel};
use gauss_quad::GaussLegendre;
use std::f64::consts::FRAC_PI_2;
use std::num::NonZeroUsize;

/// Eigenvalues in the order of the degrees or features, and the trace of all the rest: each of those eigenvalues is so
/// far below kappa that they act together as a ridge. Sums that cancel to their rounding are eigenvalues of 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    /// (eigenvalue, multiplicity).
    pub levels: Vec<(f64, f64)>,
    pub tail: f64,
}

/// Degrees that are resolved, and the multiplicity beyond which none is: eigenvalues are below 1e-13 of the trace there.
const MOST_DEGREES: usize = 800;
const MOST_COMPONENTS: f64 = 1e13;

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
    let d = dimension as f64;
    match degree {
        0 => 1.0,
        _ => (2..=degree)
            .map(|k| k as f64)
            .fold(d, |n, k| n * (2.0 * k + d - 2.0) * (k + d - 3.0) / (k * (2.0 * k + d - 4.0))),
    }
}

impl Spectrum {
    /// At a finite size: the dimension of the sphere, or the number of features.
    pub fn new(kernel: &Kernel, size: usize) -> Self {
        match kernel {
            Kernel::PowerLaw { decay } => {
                Self { levels: (1..=size).map(|i| ((i as f64).powf(-decay), 1.0)).collect(), tail: 0.0 }
            }
            Kernel::Sphere(kernel) => Self::on_sphere(kernel, size),
        }
    }

    /// lambda_k = sum over nodes of k(t) G_k(t), (k + d - 2) G_(k+1) = (2 k + d - 2) t G_k - k G_(k-1).
    fn on_sphere(kernel: &DotProduct, dimension: usize) -> Self {
        let d = dimension as f64;
        let (nodes, values): (Vec<f64>, Vec<f64>) =
            nodes(dimension).into_iter().map(|(t, w)| (t, w * kernel.value(t))).unzip();
        let (mut before, mut now) = (vec![0.0; nodes.len()], vec![1.0; nodes.len()]);
        let mut spectrum = Self { levels: Vec::new(), tail: kernel.value(1.0) };
        for k in 0..MOST_DEGREES {
            let count = multiplicity(dimension, k);
            if count > MOST_COMPONENTS {
                break;
            }
            let sum: f64 = values.iter().zip(&now).map(|(v, g)| v * g).sum();
            let eigenvalue = if sum.abs() < ROUNDING * kernel.value(1.0) { 0.0 } else { sum };
            spectrum.levels.push((eigenvalue, count));
            spectrum.tail -= eigenvalue * count;
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
        spectrum
    }

    /// The limit d -> infinity at n = alpha d^p, in units of d^p: degrees below p are learnt, degree p has the eigenvalue
    /// c_p p! and the multiplicity 1/p!, all beyond are part of the ridge; c_k are the Taylor coefficients of k(t).
    pub fn of_infinite_dimension(kernel: &DotProduct, p: usize) -> Self {
        let taylor = taylor(kernel, p + 1);
        let factorial: f64 = (1..=p).map(|k| k as f64).product();
        let mut levels = vec![(f64::INFINITY, 0.0); p];
        levels.push((taylor[p] * factorial, 1.0 / factorial));
        Self { levels, tail: kernel.value(1.0) - taylor.iter().sum::<f64>() }
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
