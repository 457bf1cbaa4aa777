//! Population risk of a committee from its overlaps: the one formula that both roads share.

use super::{Committee, Overlaps};
use crate::math::gaussian::{AverageError, erf, linear, quadratic, quadrature::Quadrature, relu, sine};
use crate::problem::activation::Activation;

/// Generalisation error e_g = <(teacher - student)^2>/2 = 1/2 sum_cd s_c s_d <g(u_c) g(u_d)>, without label
/// noise, for fields u with the covariance of `overlaps`.
///
/// s_c is -v_k s on student fields and v*_m s* on teacher fields, with the output scales s, s* of the problem.
///
/// # Errors
/// [`AverageError`]: ReLU at overlaps that are no covariance, or a quadrature that did not converge.
pub fn generalisation_error(problem: &Committee, overlaps: &Overlaps) -> Result<f64, AverageError> {
    let c = overlaps.covariance();
    match problem.activation {
        Activation::Erf => half_form(problem, overlaps, |a, b| Ok(erf::i2(&c, a, b))),
        Activation::Linear => half_form(problem, overlaps, |a, b| Ok(linear::i2(&c, a, b))),
        Activation::Quadratic => half_form(problem, overlaps, |a, b| Ok(quadratic::i2(&c, a, b))),
        Activation::Relu => half_form(problem, overlaps, |a, b| relu::i2(&c, a, b)),
        Activation::Sine => half_form(problem, overlaps, |a, b| Ok(sine::i2(&c, a, b))),
        g @ (Activation::Tanh | Activation::Gelu | Activation::Softplus) => {
            let quadrature = Quadrature::new(|x| g.value(x), |x| g.derivative(x));
            half_form(problem, overlaps, |a, b| quadrature.i2(&c, a, b))
        }
    }
}

/// 1/2 sum_ab s_a s_b I2(a, b), each pair once.
fn half_form(
    problem: &Committee,
    overlaps: &Overlaps,
    i2: impl Fn(usize, usize) -> Result<f64, AverageError>,
) -> Result<f64, AverageError> {
    let (s, s_star) = (problem.student_scale(), problem.teacher_scale());
    let student = overlaps.v.iter().map(|v| -v * s);
    let weights: Vec<f64> = student.chain(overlaps.v_star.iter().map(|v| v * s_star)).collect();
    let mut sum = 0.0;
    for (b, &weight) in weights.iter().enumerate() {
        let mut row = 0.5 * weight * i2(b, b)?;
        for (a, &other) in weights[..b].iter().enumerate() {
            row += other * i2(a, b)?;
        }
        sum += weight * row;
    }
    Ok(sum)
}
