//! Students and teachers of one hidden layer of ReLU units, the empirical counterpart of the linear law.

use crate::problem::spec::Settings;

/// Which weights of a ReLU student descend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trained {
    /// The readout, on random features.
    Readout,
    AllWeights,
}

/// Teacher y = sum_m v_m sqrt(2/M) relu(W*_m.x) + e with v ~ N(0, `teacher_std`^2), entries of W* ~ N(0, 1); student
/// sum_j a_j sqrt(2/H) relu(W_j.x), a ~ N(0, `init_std`^2) at time 0.
///
/// sqrt 2 relu(z) has mean square 1 at z ~ N(0, 1), so that signal and noise compare as those of the linear teacher.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// M.
    pub teacher_width: usize,
    /// H.
    pub width: usize,
    pub trained: Trained,
    /// Of the entries of W at time 0.
    pub first_layer_std: f64,
}

/// What descends, and on labels of which teacher.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Student {
    Linear,
    Relu(Network),
}

const DECLARED: &str = "every key is declared and checked";

impl Student {
    pub(super) fn from_settings(settings: &Settings) -> Self {
        match settings.tagged("student").expect(DECLARED) {
            ("relu", keys) => Self::Relu(Network {
                teacher_width: keys.count("teacher_width").expect(DECLARED),
                width: keys.count("width").expect(DECLARED),
                trained: match keys.text("trained") {
                    Some("all-weights") => Trained::AllWeights,
                    _ => Trained::Readout,
                },
                first_layer_std: keys.number("first_layer_std").expect(DECLARED),
            }),
            _ => Self::Linear,
        }
    }
}

/// E[2 relu(u) relu(v)] of centred Gaussian fields with these variances and this covariance: the arc-cosine kernel of
/// Cho & Saul 2009, sqrt(a b) (sin t + (pi - t) cos t) / pi at the angle t.
///
/// ```
/// use asymptotica::problem::linear_regression::relu_moment;
/// // Independent fields of variance 1: 2 (E relu)^2 = 1/pi; equal ones: 1.
/// assert!((relu_moment(1.0, 1.0, 0.0) - 1.0 / std::f64::consts::PI).abs() < 1e-15);
/// assert!((relu_moment(1.0, 1.0, 1.0) - 1.0).abs() < 1e-15);
/// ```
pub fn relu_moment(a: f64, b: f64, covariance: f64) -> f64 {
    let product = a * b;
    let square = product - covariance * covariance;
    // sqrt(ab) sin t; rounding takes equal fields below 0.
    let across = if square > 0.0 { square.sqrt() } else { 0.0 };
    let angle = libm::atan2(across, covariance);
    (across + (std::f64::consts::PI - angle) * covariance) / std::f64::consts::PI
}
