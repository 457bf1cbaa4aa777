//! Skewness over replicas: measured, tested, and weighed by what it does to a band.

use super::Place;
use crate::math::special::normal_cdf;
use serde::{Deserialize, Serialize};

/// Skewness of the replicas over all claimed points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Skewness {
    /// The most skewed point.
    pub place: Place,
    /// Sample skewness m_3 / m_2^(3/2) there.
    pub value: f64,
    pub replicas: usize,
    /// Probability that Gaussian replicas look so skewed, over all points together; `None` below 8 replicas,
    /// where no test exists.
    pub p_value: Option<f64>,
    /// Loss of pointwise coverage of a 95 % band that this skewness would cause, to order 1/n.
    pub coverage_loss: f64,
}

impl Skewness {
    /// Whether skewness is both real (p < 1 %) and harmful (coverage lower by more than 1 %).
    pub fn is_strong(&self) -> bool {
        self.p_value.is_some_and(|p| p < 0.01) && self.coverage_loss > 0.01
    }
}

/// Sample skewness m_3 / m_2^(3/2), with m_k the central moments divided by n; `None` without spread.
///
/// ```
/// use asymptotica::compare::skewness;
/// // scipy.stats.skew([2, 8, 0, 4, 1, 9, 9, 0])
/// let g = skewness(&[2.0, 8.0, 0.0, 4.0, 1.0, 9.0, 9.0, 0.0]).unwrap();
/// assert!((g - 0.2650554122698573).abs() < 1e-13);
/// ```
pub fn skewness(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let first = *values.first()?;
    let mean = first + values.iter().map(|v| (v - first) / n).sum::<f64>();
    let largest = values.iter().map(|v| (v - mean).abs()).fold(0.0, f64::max);
    if largest == 0.0 {
        return None;
    }
    let moment = |k: i32| values.iter().map(|v| ((v - mean) / largest).powi(k)).sum::<f64>() / n;
    Some(moment(3) / moment(2).powf(1.5))
}

/// D'Agostino's transform of the skewness of n >= 8 Gaussian values to a standard normal variable (Biometrika
/// 57, 679 (1970)).
///
/// ```
/// use asymptotica::compare::{skewness, skewness_z};
/// // scipy.stats.skewtest([1, 2, 3, 4, 5, 6, 7, 8000]).statistic
/// let g = skewness(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8000.0]).unwrap();
/// assert!((skewness_z(g, 8).unwrap() - 3.571773510360407).abs() < 1e-10);
/// ```
pub fn skewness_z(skewness: f64, count: usize) -> Option<f64> {
    if count < 8 {
        return None;
    }
    let n = count as f64;
    let y = skewness * ((n + 1.0) * (n + 3.0) / (6.0 * (n - 2.0))).sqrt();
    let kurtosis = 3.0 * (n * n + 27.0 * n - 70.0) * (n + 1.0) * (n + 3.0)
        / ((n - 2.0) * (n + 5.0) * (n + 7.0) * (n + 9.0));
    let w2 = (2.0 * (kurtosis - 1.0)).sqrt() - 1.0;
    Some((y * ((w2 - 1.0) / 2.0).sqrt()).asinh() / (0.5 * w2.ln()).sqrt())
}

/// Loss of two-sided coverage of a 95 % t-interval to order 1/n, the skewness term of the Edgeworth expansion
/// (Hall, *The Bootstrap and Edgeworth Expansion* (1992), section 2.6): 2 z phi(z) (gamma^2 / 18) (z^4 + 2 z^2 - 3) / n at z = 1.96.
pub(super) fn coverage_loss(skewness: f64, count: usize) -> f64 {
    0.247 * skewness * skewness / count as f64
}

/// One probability from those of dependent tests: the Cauchy combination (Liu & Xie, J. Am. Stat. Assoc. 115,
/// 393 (2020)), whose tail is right under any dependence.
pub(super) fn combined(mut p_values: Vec<f64>) -> Option<f64> {
    use std::f64::consts::PI;
    if p_values.is_empty() {
        return None;
    }
    // The order of summation is fixed by value, so the result does not depend on the order of the points. A
    // p-value of exactly 1 has weight minus infinity; 0.99 is the usual ceiling.
    p_values.sort_by(f64::total_cmp);
    let sum: f64 = p_values.iter().map(|&p| 1.0 / (PI * p.min(0.99)).tan()).sum();
    Some(0.5 - (sum / p_values.len() as f64).atan() / PI)
}

/// Two-sided probability of abs(Z) >= abs(z).
pub(super) fn two_sided(z: f64) -> f64 {
    2.0 * normal_cdf(-z.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combination_of_equal_probabilities_is_that_probability() {
        for p in [1.3e-9, 0.037, 0.62] {
            assert!((combined(vec![p; 17]).unwrap() - p).abs() < 1e-12);
        }
    }

    #[test]
    fn one_small_probability_among_many_is_a_bonferroni_bound() {
        let mut p = vec![0.5; 49];
        p.push(1e-7);
        assert!((combined(p).unwrap() / 5e-6 - 1.0).abs() < 1e-3);
    }

    #[test]
    fn coverage_loss_is_the_edgeworth_term() {
        let z: f64 = 1.959963984540054;
        let term = 2.0 * z * crate::math::special::normal_pdf(z) / 18.0 * (z.powi(4) + 2.0 * z * z - 3.0);
        assert!((coverage_loss(1.0, 1) - term).abs() < 5e-4, "{term}");
    }
}
