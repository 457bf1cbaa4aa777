//! Losses of the outputs of a network at one point against one label.

/// The mean over training points of this is descended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// (f - y)^2 / 2.
    Squared,
    /// ln(1 + e^(-y f)) of labels y = 1 where the target is >= 0, and -1 elsewhere: the cross-entropy of two classes
    /// whose log-odds are f.
    Logistic,
    /// -ln p_y with p_c = e^(f_c) / sum_a e^(f_a), labels y = 1, ..., `classes`: cross-entropy, one output per class.
    Softmax { classes: usize },
}

impl Loss {
    /// Outputs of a network.
    pub fn outputs(self) -> usize {
        match self {
            Self::Squared | Self::Logistic => 1,
            Self::Softmax { classes } => classes,
        }
    }

    /// The largest eigenvalue that the second derivative has at any outputs.
    pub fn curvature(self) -> f64 {
        match self {
            Self::Squared => 1.0,
            Self::Logistic => 0.25,
            Self::Softmax { .. } => 0.5,
        }
    }

    pub fn value(self, f: &[f64], y: f64) -> f64 {
        match self {
            Self::Squared => 0.5 * (f[0] - y) * (f[0] - y),
            // ln(1 + e^-x) without overflow: -x + ln(1 + e^x) for negative x.
            Self::Logistic => {
                let margin = y * f[0];
                libm::log1p(libm::exp(-margin.abs())) + if margin < 0.0 { -margin } else { 0.0 }
            }
            // The same about the largest output.
            Self::Softmax { .. } => {
                let (first, largest) = largest(f);
                let others = f.iter().enumerate().filter(|(c, _)| *c != first);
                let sum: f64 = others.map(|(_, f)| libm::exp(f - largest)).sum();
                libm::log1p(sum) + (largest - f[class(y)])
            }
        }
    }

    /// The chance that the class that the outputs name is not that of y: the sign of one output, the class of the largest of
    /// several, equal ones drawn by lot.
    pub fn misclassified(self, f: &[f64], y: f64) -> f64 {
        if let Self::Softmax { .. } = self {
            let (_, largest) = largest(f);
            let equal = f.iter().filter(|f| **f == largest).count();
            return if f[class(y)] == largest { 1.0 - 1.0 / equal as f64 } else { 1.0 };
        }
        let margin = y * f[0];
        if margin > 0.0 {
            0.0
        } else if margin == 0.0 {
            0.5
        } else {
            1.0
        }
    }

    /// Derivatives in the outputs.
    pub fn derivative(self, f: &[f64], y: f64, into: &mut [f64]) {
        match self {
            Self::Squared => into[0] = f[0] - y,
            Self::Logistic => into[0] = -y / (1.0 + libm::exp(y * f[0])),
            Self::Softmax { .. } => {
                probabilities(f, into);
                // p_y - 1 as the sum of the others, which keeps its digits once p_y is near 1.
                let own = class(y);
                let others: f64 = into.iter().enumerate().filter(|(c, _)| *c != own).map(|(_, p)| p).sum();
                into[own] = -others;
            }
        }
    }

    /// The label that stands for a value of the target.
    pub fn label(self, target: f64) -> f64 {
        match self {
            Self::Logistic if target < 0.0 => -1.0,
            Self::Logistic => 1.0,
            Self::Squared | Self::Softmax { .. } => target,
        }
    }
}

/// Place of the class y = 1, 2, ... among the outputs.
fn class(y: f64) -> usize {
    y as usize - 1
}

/// The first of the largest outputs, and its value.
fn largest(f: &[f64]) -> (usize, f64) {
    f.iter().enumerate().fold((0, f64::NEG_INFINITY), |best, (c, f)| if *f > best.1 { (c, *f) } else { best })
}

/// p_c = e^(f_c) / sum_a e^(f_a).
pub fn probabilities(f: &[f64], into: &mut [f64]) {
    let (_, largest) = largest(f);
    let mut sum = 0.0;
    for (p, f) in into.iter_mut().zip(f) {
        *p = libm::exp(f - largest);
        sum += *p;
    }
    into.iter_mut().for_each(|p| *p /= sum);
}
