//! Links that are no polynomials, for one planted direction.
//!
//! Drift, correction and noise consist of five averages over (h, z), h* = m h + sqrt(1 - m^2) z:
//!
//! `<g z>`, `<g^2>`, `<g^3 z>`, `<g^4>`, `<g^2 z^2>`.
//!
//! In polar coordinates of the plane (h, z) the kinks of both links are rays, at which panels end; Gauss-Legendre on
//! panels of at most .4 in the angle and 3 in the radius, up to 13, leaves 1e-13 of the largest value. As functions of the
//! angle asin m the averages are Chebyshev series, complete to 1e-12 of their largest coefficient.

use super::super::averages::Chebyshev;
use super::readings::Pulled;
use crate::problem::single_index::SingleIndex;
use crate::theory::linear_noise::Process;
use crate::theory::linear_noise::jet::Scalar;
use gauss_quad::GaussLegendre;
use nalgebra::DMatrix;
use std::cell::RefCell;
use std::collections::HashMap;
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, PI};

/// Nodes of a panel, its largest width in the angle, and its width in the radius up to the largest one.
const NODES: usize = 20;
const ANGLE: f64 = 0.4;
const RADIUS: f64 = 3.0;
const REACH: f64 = 13.0;

/// <g z>, <g^2>, <g^3 z>, <g^4>, <g^2 z^2>.
type Five = [f64; 5];

pub struct Line {
    rate: f64,
    /// 1, or 0 with the fault "drop=V".
    second_order: f64,
    keep_mean_square: bool,
    averages: [Chebyshev; 5],
    /// <g z>/sqrt(1 - m^2), if it is resolved by itself.
    pull: Option<Chebyshev>,
}

/// Nodes and weights on [a, b], in panels no wider than `width`.
fn panels(a: f64, b: f64, width: f64, out: &mut Vec<(f64, f64)>) {
    let rule = GaussLegendre::new(NODES.try_into().expect("several nodes"));
    let count = ((b - a) / width).ceil().max(1.0);
    let half = 0.5 * (b - a) / count;
    for panel in 0..count as usize {
        let middle = a + half * (2.0 * panel as f64 + 1.0);
        out.extend(rule.iter().map(|&(x, w)| (middle + half * x, half * w)));
    }
}

/// The five averages at overlap `m`.
fn averages(problem: &SingleIndex, noise: f64, m: f64) -> Five {
    let own = ((1.0 - m) * (1.0 + m)).sqrt();
    // Rays on which a field is 0: h at +-pi/2, h* = r cos(angle - turn) a quarter turn beside `turn`.
    let turn = own.atan2(m);
    let mut ends = vec![-PI, -FRAC_PI_2, FRAC_PI_2, PI, turn - FRAC_PI_2];
    ends.push(if turn > FRAC_PI_2 { turn - 1.5 * PI } else { turn + FRAC_PI_2 });
    ends.sort_by(f64::total_cmp);
    let (mut angles, mut radii) = (Vec::new(), Vec::new());
    for pair in ends.windows(2).filter(|pair| pair[1] > pair[0]) {
        panels(pair[0], pair[1], ANGLE, &mut angles);
    }
    panels(0.0, REACH, RADIUS, &mut radii);
    for (r, weight) in &mut radii {
        *weight *= *r * libm::exp(-0.5 * *r * *r) / (2.0 * PI);
    }
    let mut sums = [0.0; 5];
    for &(angle, share) in &angles {
        let (sine, cosine) = angle.sin_cos();
        let planted = (angle - turn).cos();
        for &(r, weight) in &radii {
            let (h, z) = (r * cosine, r * sine);
            let error = problem.link.value(r * planted) - problem.student.value(h);
            let slope = problem.student.derivative(h);
            let (square, weight) = (error * error, share * weight);
            let second = weight * (square + noise) * slope * slope;
            sums[0] += weight * error * slope * z;
            sums[1] += second;
            sums[2] += weight * error * (square + 3.0 * noise) * slope.powi(3) * z;
            sums[3] +=
                weight * (square * square + 6.0 * square * noise + 3.0 * noise * noise) * slope.powi(4);
            sums[4] += second * z * z;
        }
    }
    sums
}

impl Line {
    /// None if 256 Chebyshev polynomials do not resolve an average.
    pub fn new(problem: &SingleIndex, faults: &[String]) -> Option<Self> {
        let has = |name: &str| faults.iter().any(|fault| fault == name);
        let noise = if has("drop=noise") { 0.0 } else { problem.noise_variance };
        let known: RefCell<HashMap<u64, Five>> = RefCell::default();
        let average = |which: usize, m: f64| {
            known.borrow_mut().entry(m.to_bits()).or_insert_with(|| averages(problem, noise, m))[which]
        };
        let series = |which: usize| Chebyshev::new(|m| average(which, m));
        let pull = Chebyshev::new(|m| average(0, m) / ((1.0 - m) * (1.0 + m)).sqrt());
        Some(Self {
            pull,
            rate: problem.learning_rate,
            second_order: if has("drop=V") { 0.0 } else { 1.0 },
            keep_mean_square: has("drop=mean-square"),
            averages: [series(0)?, series(1)?, series(2)?, series(3)?, series(4)?],
        })
    }

    /// The averages number `which`, and sqrt(1 - m^2).
    fn at<const N: usize, S: Scalar>(&self, m: S, which: [usize; N]) -> ([S; N], S) {
        let x = m.asin() * FRAC_2_PI;
        let own = ((S::constant(1.0) - m) * (S::constant(1.0) + m)).sqrt();
        (which.map(|w| self.averages[w].along(x)), own)
    }
}

impl Pulled for Line {
    fn pull<S: Scalar>(&self, m: S) -> S {
        match &self.pull {
            Some(pull) => pull.along(m.asin() * FRAC_2_PI),
            None => {
                let ([gz], own) = self.at(m, [0]);
                gz / own
            }
        }
    }
}

impl Process for Line {
    fn dimension(&self) -> usize {
        1
    }

    fn extent(&self, _: &[f64]) -> f64 {
        1.0
    }

    fn drift<S: Scalar>(&self, m: &[S], out: &mut [S]) {
        let ([gz, g2], own) = self.at(m[0], [0, 1]);
        let half = -0.5 * self.second_order * self.rate * self.rate;
        out[0] = gz * own * self.rate + g2 * m[0] * half;
    }

    fn correction(&self, m: &[f64], out: &mut [f64]) {
        let ([g2, g3z, g4, g2zz], own) = self.at(m[0], [1, 2, 3, 4]);
        let (rate, m) = (self.rate, m[0]);
        out[0] = -0.5 * rate.powi(2) * m * (g2zz - 2.0 * g2) - 0.5 * rate.powi(3) * own * g3z
            + 0.375 * rate.powi(4) * m * g4;
    }

    fn noise(&self, m: &[f64], out: &mut DMatrix<f64>) {
        let ([g3z, g4, g2zz], own) = self.at(m[0], [2, 3, 4]);
        let half = -0.5 * self.second_order * self.rate * self.rate;
        let mut mean = [0.0];
        self.drift(m, &mut mean);
        let square = if self.keep_mean_square { 0.0 } else { mean[0] * mean[0] };
        let rate = self.rate * own;
        out[(0, 0)] =
            rate * rate * g2zz + 2.0 * rate * half * m[0] * g3z + half * half * m[0] * m[0] * g4 - square;
    }
}

#[cfg(test)]
mod tests {
    use super::super::polynomial::Sphere;
    use super::*;
    use crate::problem::single_index::{Algorithm, Init, Inputs, Link, Planted, Polynomial, Schedule};
    use crate::theory::single_index::averages::Averages;

    fn problem(link: Link, student: Link) -> SingleIndex {
        SingleIndex {
            link,
            student,
            directions: 1,
            learning_rate: 0.4,
            rate_exponent: 0.0,
            schedule: Schedule::Constant,
            noise_variance: 0.2,
            init: Init::Given { m: vec![0.3] },
            inputs: Inputs::Gaussian,
            planted: Planted::Axes,
            algorithm: Algorithm::Sgd,
            weak_overlap: 0.1,
            strong_overlap: 0.9,
        }
    }

    /// The quadrature of links that are no polynomials, given polynomials, for which another rule is exact.
    #[test]
    fn quadrature_is_exact_for_polynomials() {
        let cubic = |c: &[f64]| Link::polynomial(Polynomial::from_hermite(c));
        let problem = problem(cubic(&[0.1, 0.5, 0.3]), cubic(&[0.0, 0.4, 0.2, 0.3]));
        let (exact, line) = (Sphere::new(&problem, &[]).unwrap(), Line::new(&problem, &[]).unwrap());
        for m in [-0.7, 0.0, 0.3, 0.95] {
            let (mut a, mut b) = ([0.0], [0.0]);
            let (mut p, mut q) = (DMatrix::zeros(1, 1), DMatrix::zeros(1, 1));
            exact.drift(&[m], &mut a);
            line.drift(&[m], &mut b);
            assert!((a[0] - b[0]).abs() < 1e-11, "F({m}): {} {}", a[0], b[0]);
            exact.correction(&[m], &mut a);
            line.correction(&[m], &mut b);
            assert!(
                (a[0] / b[0] - 1.0).abs() < 1e-10 || (a[0] - b[0]).abs() < 1e-11,
                "G1({m}): {} {}",
                a[0],
                b[0]
            );
            exact.noise(&[m], &mut p);
            line.noise(&[m], &mut q);
            assert!((p[(0, 0)] / q[(0, 0)] - 1.0).abs() < 1e-10, "D({m}): {} {}", p[(0, 0)], q[(0, 0)]);
        }
    }

    /// The drift against that of the law of infinite d, which has other quadratures and closed forms.
    #[test]
    fn drift_is_that_of_the_limit() {
        for (link, student) in [
            (Link::Relu, Link::Relu),
            (Link::Sign, Link::Erf),
            (Link::Tanh, Link::Sigmoid),
            (Link::Abs, Link::Abs),
            (Link::Erf, Link::Relu),
        ] {
            let problem = problem(link, student);
            let line = Line::new(&problem, &[]).expect("series");
            let averages = Averages::new(&problem, problem.noise_variance);
            for m in [-0.8, -0.2, 0.0, 0.4, 0.97] {
                let mut f = [0.0];
                line.drift(&[m], &mut f);
                let limit = 0.4 * (1.0 - m * m) * averages.pull(m) - 0.08 * m * averages.noise(&[m]);
                let (pull, right) = (line.pull(m), averages.pull(m));
                assert!((pull - right).abs() < 1e-10, "{:?} {m}: {pull} {right}", problem.link);
                assert!((f[0] - limit).abs() < 1e-11, "{:?} {m}: {} {limit}", problem.link, f[0]);
            }
        }
    }
}
