//! Margin losses ell(u), u = y phi(r).

/// Lambda(y, r) = ell(y phi(r)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// ln(1 + e^-u).
    Logistic,
    /// max(0, 1 - u).
    Hinge,
    /// (1 - u)^2/2, which is (y - r)^2/2 for labels +-1.
    Square,
}

impl Loss {
    pub const CHOICES: &'static [(&'static str, &'static str)] =
        &[("logistic", "ln(1 + exp(-y phi))"), ("hinge", "max(0, 1 - y phi)"), ("square", "(y - phi)^2/2")];

    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "logistic" => Some(Self::Logistic),
            "hinge" => Some(Self::Hinge),
            "square" => Some(Self::Square),
            _ => None,
        }
    }

    /// ell(u).
    #[inline]
    pub fn value(self, u: f64) -> f64 {
        match self {
            Self::Logistic => (-u).max(0.0) + libm::log1p(libm::exp(-u.abs())),
            Self::Hinge => (1.0 - u).max(0.0),
            Self::Square => 0.5 * (1.0 - u) * (1.0 - u),
        }
    }

    /// ell'(u); 0 at the corner of the hinge.
    #[inline]
    pub fn slope(self, u: f64) -> f64 {
        match self {
            Self::Logistic => -sigmoid(-u),
            Self::Hinge => {
                if u < 1.0 {
                    -1.0
                } else {
                    0.0
                }
            }
            Self::Square => u - 1.0,
        }
    }

    /// ell''(u) where it exists.
    #[inline]
    pub fn curvature(self, u: f64) -> f64 {
        match self {
            Self::Logistic => sigmoid(u) * sigmoid(-u),
            Self::Hinge => 0.0,
            Self::Square => 1.0,
        }
    }
}

/// 1/(1 + e^-x), without overflow.
#[inline]
fn sigmoid(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_differences_of_values() {
        for loss in [Loss::Logistic, Loss::Hinge, Loss::Square] {
            for u in [-40.0, -3.3, -0.2, 0.4, 0.93, 1.2, 7.0, 50.0] {
                let h = 1e-5;
                // Differences lose the digits of what is subtracted.
                let rounding = 1e-8 * (1.0 + loss.value(u));
                let slope = (loss.value(u + h) - loss.value(u - h)) / (2.0 * h);
                assert!((loss.slope(u) - slope).abs() < rounding, "{loss:?} at {u}");
                let curvature = (loss.slope(u + h) - loss.slope(u - h)) / (2.0 * h);
                assert!((loss.curvature(u) - curvature).abs() < rounding, "{loss:?} at {u}");
            }
        }
    }
}
