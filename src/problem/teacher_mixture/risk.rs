//! Population losses and classification errors from overlaps: the formulas that both roads share.

use super::{Overlaps, TeacherMixture};
use crate::math::gaussian::bivariate::opposite_signs;
use crate::math::special::normal_cdf;

/// Loss 1/2 <(y - yhat)^2> of sub-population `c`, as the theory of the mixture states it:
/// 1/2 [<y^2> + m^2 + Delta Q - 2 (m `<y>` + Delta R k)], m the mean of the student's output.
pub fn group_loss(problem: &TeacherMixture, overlaps: &Overlaps, c: usize) -> f64 {
    let delta = problem.variance[c];
    let label = problem.label_moments(overlaps, c);
    let m = overlaps.m[c] + overlaps.b;
    0.5 * (label.square + m * m + delta * overlaps.q
        - 2.0 * (m * label.mean + delta * overlaps.r[c] * label.slope))
}

/// Classification error of sub-population `c`: the probability that the signs of student output and teacher
/// field differ, an output of exactly 0 counted as half an error.
///
/// # Errors
/// The negative minor if the overlaps are no covariance.
pub fn group_error(problem: &TeacherMixture, overlaps: &Overlaps, c: usize) -> Result<f64, f64> {
    let delta = problem.variance[c];
    let (mean, label_mean) = (overlaps.m[c] + overlaps.b, overlaps.s[(c, c)] + problem.teacher_bias[c]);
    let (width, label_width) = ((delta * overlaps.q).sqrt(), (delta * overlaps.t[(c, c)]).sqrt());
    // Probabilities of a positive value; of one without width, by its sign.
    let positive = |mean: f64, width: f64| match width {
        0.0 if mean == 0.0 => 0.5,
        0.0 => f64::from(mean > 0.0),
        width => normal_cdf(mean / width),
    };
    if width == 0.0 || label_width == 0.0 {
        let (p, label) = (positive(mean, width), positive(label_mean, label_width));
        return Ok(p * (1.0 - label) + label * (1.0 - p));
    }
    let correlation = delta * overlaps.r[c] / (width * label_width);
    opposite_signs(mean / width, label_mean / label_width, correlation)
}

/// The mean of a quantity of the sub-populations, by their probabilities.
pub fn total(problem: &TeacherMixture, of_group: impl Fn(usize) -> f64) -> f64 {
    problem.probability.iter().enumerate().map(|(c, p)| p * of_group(c)).sum()
}
