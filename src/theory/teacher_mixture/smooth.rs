//! Readings of the overlaps on numbers that carry derivatives, which mean and spread at finite size are made of.
//!
//! Losses and gaps are polynomials in (R, M, b, Q), cosines quotients. The classification error P(a, r) of a student
//! with mean a, in units of its width, and correlation r with a teacher of mean h has the gradient, s = sqrt(1 - r^2),
//!
//! dP/da = -phi(a) erf((h - r a)/(s sqrt 2)),   dP/dr = -exp(-(a^2 + h^2 - 2 r a h)/(2 s^2))/(pi s).

use super::equations::with_state;
use crate::math::gaussian::bivariate::opposite_signs;
use crate::math::special::{erf, normal_cdf, normal_pdf};
use crate::problem::teacher_mixture::readings::Reading;
use crate::problem::teacher_mixture::{LabelMoments, Overlaps, TeacherMixture, risk};
use crate::theory::linear_noise::jet::Scalar;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

pub(super) struct Smooth<'a> {
    problem: &'a TeacherMixture,
    start: &'a Overlaps,
    labels: Vec<LabelMoments>,
}

/// A value whose derivatives with respect to `x` do not exist.
fn without_derivative<S: Scalar>(value: f64, x: S) -> S {
    x.chain(value, f64::NAN, f64::NAN)
}

fn pdf<S: Scalar>(x: S) -> S {
    let (at, density) = (x.value(), normal_pdf(x.value()));
    x.chain(density, -at * density, (at * at - 1.0) * density)
}

fn cdf<S: Scalar>(x: S) -> S {
    let (at, density) = (x.value(), normal_pdf(x.value()));
    x.chain(normal_cdf(at), density, -at * density)
}

/// erf(x / sqrt 2).
fn odd_cdf<S: Scalar>(x: S) -> S {
    let (at, slope) = (x.value(), 2.0 * normal_pdf(x.value()));
    x.chain(erf(at * FRAC_1_SQRT_2), slope, -at * slope)
}

fn exp<S: Scalar>(x: S) -> S {
    let value = libm::exp(x.value());
    x.chain(value, value, value)
}

/// Overlap over the square root of q times a fixed squared length; 0 with a vector of no length.
fn cosine<S: Scalar>(overlap: S, q: S, fixed: f64) -> S {
    if fixed <= 0.0 {
        return S::constant(0.0);
    }
    if q.value() <= 0.0 { without_derivative(0.0, q) } else { overlap / (q * fixed).sqrt() }
}

impl<'a> Smooth<'a> {
    pub fn new(problem: &'a TeacherMixture, start: &'a Overlaps) -> Self {
        let labels = (0..problem.groups()).map(|c| problem.label_moments(start, c)).collect();
        Self { problem, start, labels }
    }

    /// A reading of the state (R_1..R_C, M_1..M_C, b, Q); not a number where overlaps are no covariance, and for the
    /// crossing time.
    pub fn value<S: Scalar>(&self, reading: Reading, x: &[S]) -> S {
        let groups = self.labels.len();
        let total = |of: &dyn Fn(usize) -> S| {
            let shares = self.problem.probability.iter().enumerate();
            shares.fold(S::constant(0.0), |sum, (c, &p)| sum + of(c) * p)
        };
        match reading {
            Reading::Loss => total(&|c| self.loss(c, x)),
            Reading::GroupLoss(c) => self.loss(c, x),
            Reading::Error => total(&|c| self.error(c, x)),
            Reading::GroupError(c) => self.error(c, x),
            Reading::LossGap => self.loss(0, x) - self.loss(1, x),
            Reading::ErrorGap => self.error(0, x) - self.error(1, x),
            Reading::RelativeGap => {
                let (first, second) = (self.loss(0, x), self.loss(1, x));
                let sum = first + second;
                if sum.value() == 0.0 { without_derivative(0.0, sum) } else { (first - second) / sum }
            }
            Reading::CrossingTime => S::constant(f64::NAN),
            Reading::Q => x[2 * groups + 1],
            Reading::R(c) => x[c],
            Reading::M(c) => x[groups + c],
            Reading::Bias => x[2 * groups],
            Reading::MeanAlignment(c) => cosine(x[groups + c], x[2 * groups + 1], self.start.u[(c, c)]),
            Reading::TeacherAlignment(c) => cosine(x[c], x[2 * groups + 1], self.start.t[(c, c)]),
        }
    }

    fn loss<S: Scalar>(&self, c: usize, x: &[S]) -> S {
        let groups = self.labels.len();
        let (delta, label) = (self.problem.variance[c], self.labels[c]);
        let (mean, q) = (x[groups + c] + x[2 * groups], x[2 * groups + 1]);
        (mean * mean + q * delta + label.square - (mean * label.mean + x[c] * (delta * label.slope)) * 2.0)
            * 0.5
    }

    fn error<S: Scalar>(&self, c: usize, x: &[S]) -> S {
        let groups = self.labels.len();
        let delta = self.problem.variance[c];
        let q = x[2 * groups + 1];
        if delta == 0.0 || q.value() <= 0.0 {
            let plain: Vec<f64> = x.iter().map(|x| x.value()).collect();
            let value = risk::group_error(self.problem, &with_state(self.start, &plain), c);
            return without_derivative(value.unwrap_or(f64::NAN), q);
        }
        let width = (q * delta).sqrt();
        let a = (x[groups + c] + x[2 * groups]) / width;
        let label_mean = self.start.s[(c, c)] + self.problem.teacher_bias[c];
        let label_width = (delta * self.start.t[(c, c)]).sqrt();
        if label_width == 0.0 {
            let label = if label_mean == 0.0 { 0.5 } else { f64::from(label_mean > 0.0) };
            return cdf(a) * (1.0 - 2.0 * label) + label;
        }
        let h = label_mean / label_width;
        let r = x[c] * (delta / label_width) / width;
        let minor = (-r + 1.0) * (r + 1.0);
        let s = minor.sqrt();
        let along_a = pdf(a) * odd_cdf((r * a + -h) / s);
        let square = a * a + h * h - r * a * (2.0 * h);
        let along_r = exp(square / minor * -0.5) / s * (-1.0 / PI);
        let value = opposite_signs(a.value(), h, r.value()).unwrap_or(f64::NAN);
        S::with_gradient(value, &[(along_a, a), (along_r, r)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Definition;
    use crate::problem::teacher_mixture::{Init, LabelRule};
    use crate::theory::linear_noise::jet::Jet;
    use crate::theory::teacher_mixture::equations::read;
    use nalgebra::{DVector, dmatrix};

    fn problem() -> TeacherMixture {
        TeacherMixture {
            probability: vec![0.7, 0.3],
            variance: vec![0.5, 1.3],
            teachers: dmatrix![1.0, 0.4; 0.4, 1.2],
            alignments: dmatrix![0.3, -0.2; 0.1, 0.4],
            means: dmatrix![0.8, -0.1; -0.1, 0.6],
            teacher_bias: vec![0.2, -0.3],
            labels: vec![LabelRule::Sign, LabelRule::Erf],
            learning_rate: 0.4,
            bias_rate: 0.3,
            init: Init::Given {
                q: 0.9,
                r: DVector::from_vec(vec![0.3, 0.2]),
                m: DVector::from_vec(vec![0.1, -0.2]),
            },
            student_bias: 0.15,
        }
    }

    /// Values are those of the law of infinite size, derivatives the differences of those.
    #[test]
    fn derivatives_are_those_of_the_readings() {
        let problem = problem();
        let start = problem.limit_start();
        let smooth = Smooth::new(&problem, &start);
        let x = [0.3, 0.2, 0.1, -0.2, 0.15, 0.9];
        let w = [0.6, -0.8, 0.5, 0.3, -0.4, 1.1];
        let names: Vec<String> = problem.observables().iter().flat_map(|info| info.entries()).collect();
        for name in names.iter().filter(|name| *name != "crossing_time") {
            let reading = Reading::parse(name, 2).expect("a reading");
            let plain = |e: f64| {
                let y: Vec<f64> = x.iter().zip(&w).map(|(x, w)| x + e * w).collect();
                read(&problem, &with_state(&start, &y), reading).expect("a covariance")
            };
            let jets: Vec<Jet<1>> =
                x.iter().zip(&w).map(|(&value, &w)| Jet { value, first: [w], second: [0.0] }).collect();
            let found = smooth.value(reading, &jets);
            assert!((found.value - plain(0.0)).abs() < 1e-15, "{name}: {} {}", found.value, plain(0.0));
            let h = 2e-3;
            let (a, b, c, d) = (plain(-2.0 * h), plain(-h), plain(h), plain(2.0 * h));
            let first = (8.0 * (c - b) - (d - a)) / (12.0 * h);
            let second = (16.0 * (b + c) - (a + d) - 30.0 * plain(0.0)) / (24.0 * h * h);
            assert!((found.first[0] - first).abs() < 1e-8, "{name}: {} {first}", found.first[0]);
            assert!((found.second[0] - second).abs() < 1e-7, "{name}: {} {second}", found.second[0]);
        }
    }

    #[test]
    fn a_student_without_length_has_values_alone() {
        let problem = problem();
        let start = problem.limit_start();
        let smooth = Smooth::new(&problem, &start);
        let x = [0.0, 0.0, 0.0, 0.0, 0.15, 0.0].map(|value| Jet::<1> { value, first: [1.0], second: [0.0] });
        for reading in [Reading::GroupError(0), Reading::TeacherAlignment(1)] {
            let found = smooth.value(reading, &x);
            assert!(found.value.is_finite() && found.first[0].is_nan(), "{reading:?}: {found:?}");
        }
        assert!(smooth.value(Reading::Loss, &x).first[0].is_finite());
    }
}
