//! Losses of one output against one label.

/// The mean over training points of this is descended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// (f - y)^2 / 2.
    Squared,
    /// ln(1 + e^(-y f)) of labels y = 1 where the target is >= 0, and -1 elsewhere: the cross-entropy of two classes
    /// whose log-odds are f.
    Logistic,
}

impl Loss {
    pub fn value(self, f: f64, y: f64) -> f64 {
        match self {
            Self::Squared => 0.5 * (f - y) * (f - y),
            // ln(1 + e^-x) without overflow: -x + ln(1 + e^x) for negative x.
            Self::Logistic => {
                let margin = y * f;
                libm::log1p(libm::exp(-margin.abs())) + if margin < 0.0 { -margin } else { 0.0 }
            }
        }
    }

    /// Derivative in f.
    pub fn derivative(self, f: f64, y: f64) -> f64 {
        match self {
            Self::Squared => f - y,
            Self::Logistic => -y / (1.0 + libm::exp(y * f)),
        }
    }

    /// The label that stands for a value of the target.
    pub fn label(self, target: f64) -> f64 {
        match self {
            Self::Logistic if target < 0.0 => -1.0,
            Self::Logistic => 1.0,
            Self::Squared => target,
        }
    }
}
