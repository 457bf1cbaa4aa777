//! Population risk of a committee from its overlaps: the one formula that both roads share.

use super::{Committee, Overlaps};
use crate::math::gaussian::{AverageError, erf, linear, quadratic};
use crate::problem::activation::Activation;

/// Generalisation error e_g = <(teacher - student)^2>/2 = 1/2 sum_cd s_c s_d <g(u_c) g(u_d)>, without label
/// noise, for fields u with the covariance of `overlaps`.
///
/// s_c is -v_k s on student fields and v*_m s* on teacher fields, with the output scales s, s* of the problem.
///
/// # Errors
/// Where <g g> has no closed form: see [`AverageError`].
pub fn generalisation_error(problem: &Committee, overlaps: &Overlaps) -> Result<f64, AverageError> {
    let c = overlaps.covariance();
    match problem.activation {
        Activation::Erf => Ok(half_form(problem, overlaps, |a, b| erf::i2(&c, a, b))),
        Activation::Linear => Ok(half_form(problem, overlaps, |a, b| linear::i2(&c, a, b))),
        Activation::Quadratic => Ok(half_form(problem, overlaps, |a, b| quadratic::i2(&c, a, b))),
        _ => Err(AverageError::NotConverged {
            average: "average",
            fields: vec![],
            nodes: 0,
            error: f64::NAN,
            tolerance: 0.0,
        }),
    }
}

fn half_form(problem: &Committee, overlaps: &Overlaps, i2: impl Fn(usize, usize) -> f64) -> f64 {
    let s: Vec<f64> = overlaps
        .v
        .iter()
        .map(|v| -v * problem.student_scale())
        .chain(overlaps.v_star.iter().map(|v| v * problem.teacher_scale()))
        .collect();
    let mut sum = 0.0;
    for b in 0..s.len() {
        let mut above = 0.0;
        for a in 0..b {
            above += s[a] * i2(a, b);
        }
        sum += s[b] * (above + 0.5 * s[b] * i2(b, b));
    }
    sum
}
