//! Velocities of the flows.

use super::Derivatives;
use crate::linalg::{LinalgError, symmetric_eigen};
use crate::problem::discretisation_drift::{Branch, Flow};
use nalgebra::DVector;

/// A flow at one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    pub flow: Flow,
    pub branch: Branch,
    pub h: f64,
    /// Whether D^3 E[g, g] takes part.
    pub third: bool,
}

/// ln|1 - x| / x, -1 at x = 0, -infinity at x = 1.
///
/// ```
/// use asymptotica::theory::discretisation_drift::principal_factor;
/// assert_eq!(principal_factor(0.0), -1.0);
/// assert!((principal_factor(1e-9) + 1.0 + 0.5e-9).abs() < 1e-16);
/// // Steps of gradient descent grow beyond h l = 2.
/// assert!(principal_factor(1.9) < 0.0 && principal_factor(2.1) > 0.0);
/// ```
pub fn principal_factor(x: f64) -> f64 {
    if x == 0.0 {
        -1.0
    } else if x < 1.0 {
        libm::log1p(-x) / x
    } else {
        libm::log(x - 1.0) / x
    }
}

impl Field {
    /// d theta / dt.
    ///
    /// # Errors
    /// [`LinalgError`] where the Hessian is not finite.
    pub fn velocity(
        &self,
        derivatives: &Derivatives,
        theta: &[f64],
        out: &mut [f64],
    ) -> Result<(), LinalgError> {
        let gradient = derivatives.gradient(theta);
        let g = DVector::from_column_slice(&gradient);
        let h = self.h;
        let mut velocity = match self.flow {
            Flow::Gradient => -g,
            Flow::Igr => {
                let bent = derivatives.hessian(theta) * &g;
                -g - bent * (0.5 * h)
            }
            Flow::ThirdOrder => {
                let hessian = derivatives.hessian(theta);
                let bent = &hessian * &g;
                let twice = &hessian * &bent;
                -g - bent * (0.5 * h) - twice * (h * h / 3.0)
            }
            Flow::Principal | Flow::PrincipalCorrected => {
                let eigen = symmetric_eigen(&derivatives.hessian(theta))?;
                let mut parts = eigen.vectors.transpose() * g;
                for (part, l) in parts.iter_mut().zip(eigen.values.iter()) {
                    *part *= principal_factor(h * l);
                }
                eigen.vectors * parts
            }
        };
        if self.third && matches!(self.flow, Flow::ThirdOrder | Flow::PrincipalCorrected) {
            let third = DVector::from_vec(derivatives.third(theta, &gradient));
            velocity -= third * (h * h / 12.0);
        }
        out.copy_from_slice(velocity.as_slice());
        Ok(())
    }
}
