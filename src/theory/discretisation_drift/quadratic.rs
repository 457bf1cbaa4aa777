//! Flows of quadratics, mode by mode.

use super::Field;
use crate::linalg::symmetric_eigen;
use crate::problem::discretisation_drift::{Branch, Flow};
use crate::theory::LawError;
use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;

/// What a flow makes of a mode with curvature l after the time t: e^(-l t) of gradient flow, (1 - h l)^(t/h) of the
/// principal flow, whose real part on the complex branch beyond h l = 1 is |1 - h l|^n cos(pi n), n = t/h.
///
/// ```
/// use asymptotica::problem::discretisation_drift::{Branch, Flow};
/// use asymptotica::theory::discretisation_drift::{Field, factor};
/// let field = |flow| Field { flow, branch: Branch::Complex, h: 1.05, third: true };
/// // h l = 2.1: the seventh update of gradient descent, sign included.
/// let found = factor(&field(Flow::Principal), 2.0, 7.0 * 1.05);
/// assert!((found - (-1.1_f64).powi(7)).abs() < 1e-13);
/// assert!((factor(&field(Flow::Igr), 0.2, 1.0) - (-0.2 - 0.5 * 1.05 * 0.04_f64).exp()).abs() < 1e-16);
/// ```
pub fn factor(field: &Field, l: f64, t: f64) -> f64 {
    let x = field.h * l;
    match field.flow {
        Flow::Gradient => libm::exp(-l * t),
        Flow::Igr => libm::exp(-l * t * (1.0 + 0.5 * x)),
        Flow::ThirdOrder => libm::exp(-l * t * (1.0 + 0.5 * x + x * x / 3.0)),
        Flow::Principal | Flow::PrincipalCorrected => {
            let n = t / field.h;
            let modulus = match () {
                () if n == 0.0 => 1.0,
                () if x < 1.0 => libm::exp(n * libm::log1p(-x)),
                () => libm::pow(x - 1.0, n),
            };
            let turned = x > 1.0 && field.branch == Branch::Complex;
            // Whole updates are no multiple of h to the last bit.
            modulus * if turned { libm::cos(PI * n) } else { 1.0 }
        }
    }
}

pub(super) fn follow(
    matrix: &DMatrix<f64>,
    field: &Field,
    start: &[f64],
    times: &[f64],
) -> Result<Vec<Vec<f64>>, LawError> {
    let eigen =
        symmetric_eigen(matrix).map_err(|error| LawError::Integration { reason: error.to_string() })?;
    let parts = eigen.vectors.transpose() * DVector::from_column_slice(start);
    let at = |&t: &f64| {
        let moved = parts.iter().zip(eigen.values.iter()).map(|(c, a)| c * factor(field, 2.0 * a, t));
        let moved = DVector::from_iterator(parts.len(), moved);
        (&eigen.vectors * moved).as_slice().to_vec()
    };
    Ok(times.iter().map(at).collect())
}
