//! The closed form for centred sub-populations.

use crate::problem::teacher_mixture::{Init, Overlaps, TeacherMixture};

/// Time scales and coefficients of centred sub-populations without biases, from W = 0:
///
/// R_j = Rinf_j (1 - e^(-a t)), a = eta D1, Rinf_j = sum_c rho_c Delta_c k_c T_cj / D1,
///
/// Q = F0 (1 - e^(-l t))/l + F1 (e^(-a t) - e^(-l t))/(l - a), l = 2 eta D1 - eta^2 D2,
///
/// w_c = 2 eta rho_c Delta_c k_c (1 - eta Delta_c), F1 = -sum_c w_c Rinf_c, F0 = eta^2 sum_c rho_c Delta_c <y^2>_c - F1,
/// with D_n = sum_c rho_c Delta_c^n. For signs Delta_c k_c = sqrt(2 Delta_c/pi) and <y^2> = 1, the form that Jain et
/// al. (2024) state for two sub-populations.
#[derive(Clone, Debug, PartialEq)]
pub struct ClosedForm {
    start: Overlaps,
    /// a and l.
    rates: (f64, f64),
    r_infinity: Vec<f64>,
    f0: f64,
    f1: f64,
}

impl ClosedForm {
    /// `None` for sub-populations with means or biases, or a start other than W = 0.
    pub fn new(problem: &TeacherMixture) -> Option<Self> {
        let biased = problem.student_bias != 0.0 || problem.teacher_bias.iter().any(|&b| b != 0.0);
        if problem.has_means() || biased || problem.init != Init::Zero {
            return None;
        }
        let start = problem.limit_start();
        let groups = problem.groups();
        let eta = problem.learning_rate;
        let sum =
            |f: &dyn Fn(usize) -> f64| -> f64 { (0..groups).map(|c| problem.probability[c] * f(c)).sum() };
        let variance = &problem.variance;
        let labels: Vec<_> = (0..groups).map(|c| problem.label_moments(&start, c)).collect();
        let (d1, d2) = (sum(&|c| variance[c]), sum(&|c| variance[c] * variance[c]));
        let pull = |c: usize| variance[c] * labels[c].slope;
        let r_infinity: Vec<f64> = (0..groups).map(|j| sum(&|c| pull(c) * start.t[(c, j)]) / d1).collect();
        let f1 = -sum(&|c| 2.0 * eta * pull(c) * (1.0 - eta * variance[c]) * r_infinity[c]);
        let f0 = eta * eta * sum(&|c| variance[c] * labels[c].square) - f1;
        Some(Self { start, rates: (eta * d1, 2.0 * eta * d1 - eta * eta * d2), r_infinity, f0, f1 })
    }

    /// The order parameters at time t.
    pub fn at(&self, t: f64) -> Overlaps {
        let (a, l) = self.rates;
        let mut overlaps = self.start.clone();
        for (r, limit) in overlaps.r.iter_mut().zip(&self.r_infinity) {
            *r = -limit * libm::expm1(-a * t);
        }
        overlaps.q = self.f0 * growth(l, t) + self.f1 * libm::exp(-a * t) * growth(l - a, t);
        overlaps
    }
}

/// (1 - e^(-x t))/x, t at x = 0.
fn growth(x: f64, t: f64) -> f64 {
    if x == 0.0 { t } else { -libm::expm1(-x * t) / x }
}
