//! Learning rates beyond which every trajectory diverges.

use super::{Data, GaussianMixture, Loss};

/// The largest eigenvalue of X^T X/d for inputs of these data: edge of the bulk, Delta (1 + sqrt alpha)^2, or the
/// outlier that the two cluster centres give.
///
/// Without its cluster component the bulk has the resolvent S(z), Delta z S^2 + (z + Delta - alpha Delta) S + 1 = 0;
/// the component along the labels adds an outlier at 1 + K S(z) = 0, K = alpha + Delta, if -1/K lies between S at
/// the edge and 0 (Baik, Ben Arous & Péché 2005).
pub fn largest_eigenvalue(problem: &GaussianMixture) -> f64 {
    let (alpha, delta) = (problem.sample_ratio, problem.cluster_variance);
    let edge = delta * (1.0 + alpha.sqrt()).powi(2);
    match problem.data {
        Data::LinearTeacher { .. } => edge,
        Data::TwoClusters | Data::ThreeClusters { .. } => outlier(alpha, delta).unwrap_or(edge),
    }
}

/// Where two clusters put an eigenvalue outside the bulk, if they do.
pub fn outlier(alpha: f64, delta: f64) -> Option<f64> {
    let edge = delta * (1.0 + alpha.sqrt()).powi(2);
    let s = -1.0 / (alpha + delta);
    let s_edge = -(edge + delta - alpha * delta) / (2.0 * delta * edge);
    (s > s_edge).then(|| -(1.0 + (delta - alpha * delta) * s) / (delta * s * s + s))
}

/// The learning rate from which on every trajectory diverges: where the linear part of an update amplifies.
///
/// With the square loss the update is linear, and the mean update amplifies the direction of the largest curvature
/// lambda + b x_max/nu. Logistic and hinge losses have bounded slopes on linear outputs, and only the ridge term
/// can amplify. `None` where nothing sure can be said.
pub(super) fn bound(problem: &GaussianMixture) -> Option<f64> {
    let curvature = match (problem.loss, problem.data) {
        (Loss::Square, Data::TwoClusters | Data::LinearTeacher { .. }) => {
            problem.ridge + problem.batch.fraction() / problem.normalisation * largest_eigenvalue(problem)
        }
        _ if problem.ridge > 0.0 => problem.ridge,
        _ => return None,
    };
    Some(2.0 * (1.0 + problem.momentum) / curvature)
}
