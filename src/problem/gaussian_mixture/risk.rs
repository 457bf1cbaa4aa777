//! The error on a fresh sample from the overlaps of the weights: the one formula that both roads share.

use super::{Data, GaussianMixture};
use crate::math::special::{erf, normal_cdf};

/// The error on a fresh sample, with m = w.v/d and C = |w|^2/d: r ~ N(c m, Delta C) within a cluster.
///
/// With s = sqrt(2 Delta C), two clusters: erfc(m/s)/2. Three clusters: erfc(L/s)/2 + (erf((L - m)/s) + erf((L + m)/s))/4.
/// Linear teacher: half the mean squared error, ((1 - sqrt(Delta) m)^2 + Delta (C - m^2))/2, label noise left out.
/// At C = 0 every sample of two clusters lies on the boundary: 1/2.
pub fn test_error(problem: &GaussianMixture, m: f64, c: f64) -> f64 {
    let std = (problem.cluster_variance * c).sqrt();
    match problem.data {
        Data::TwoClusters if c == 0.0 => 0.5,
        Data::TwoClusters => normal_cdf(-m / std),
        Data::ThreeClusters { .. } if c == 0.0 => 0.5,
        Data::ThreeClusters { threshold } => {
            let scale = std::f64::consts::FRAC_1_SQRT_2 / std;
            let inside = erf((threshold - m) * scale) + erf((threshold + m) * scale);
            normal_cdf(-threshold / std) + 0.25 * inside
        }
        Data::LinearTeacher { .. } => {
            let along = 1.0 - problem.cluster_variance.sqrt() * m;
            0.5 * (along * along + problem.cluster_variance * (c - m * m))
        }
    }
}

/// The smallest test error that any algorithm reaches on two clusters, erfc(sqrt(alpha/(2 Delta (alpha + Delta))))/2;
/// `None` for other data.
pub fn bayes_error(problem: &GaussianMixture) -> Option<f64> {
    let (alpha, delta) = (problem.sample_ratio, problem.cluster_variance);
    match problem.data {
        Data::TwoClusters => Some(normal_cdf(-(alpha / (delta * (alpha + delta))).sqrt())),
        Data::ThreeClusters { .. } | Data::LinearTeacher { .. } => None,
    }
}
