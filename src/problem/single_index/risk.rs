//! Population loss of a single-index model from its overlaps: the formula that both roads share.

use super::SingleIndex;
use crate::math::line::normal_average;

/// Averages that no overlap changes: <s^2>, <s*^2> and <s*>.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constants {
    student_square: f64,
    label_square: f64,
    label_mean: f64,
}

impl Constants {
    pub fn new(problem: &SingleIndex) -> Self {
        let (s, label) = (&problem.student, &problem.link);
        Self {
            student_square: normal_average(|x| s.value(x) * s.value(x), s.kinks()).value,
            label_square: normal_average(|x| label.value(x) * label.value(x), label.kinks()).value,
            label_mean: normal_average(|x| label.value(x), label.kinks()).value,
        }
    }

    /// 1/2 <(sum_j s*(h*_j)/sqrt p - s(h))^2> at overlaps m, for Gaussian inputs.
    pub fn loss(&self, problem: &SingleIndex, m: &[f64]) -> f64 {
        let p = m.len() as f64;
        let label = self.label_square + (p - 1.0) * self.label_mean * self.label_mean;
        let shared: f64 = m.iter().map(|&m| correlation(problem, m)).sum();
        0.5 * (self.student_square + label) - shared / p.sqrt()
    }
}

/// <s(h) s*(h*)> for standard normal fields of correlation m: sum_k a_k c_k m^k.
pub fn correlation(problem: &SingleIndex, m: f64) -> f64 {
    if let (Some(s), Some(label)) = (problem.student.as_polynomial(), problem.link.as_polynomial()) {
        // Orders that only one of them has contribute nothing.
        let products: Vec<f64> = s.hermite().iter().zip(label.hermite()).map(|(a, c)| a * c).collect();
        return products.iter().rev().fold(0.0, |sum, product| sum * m + product);
    }
    let sigma = ((1.0 - m) * (1.0 + m)).max(0.0).sqrt();
    let mut kinks = problem.student.kinks().to_vec();
    kinks.extend(problem.link.smoothed_kinks(m, sigma));
    normal_average(|h| problem.student.value(h) * problem.link.smoothed(m * h, sigma).mean, &kinks).value
}
