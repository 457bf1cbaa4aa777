//! Label rules: values, and moments of the label of a Gaussian field.

use crate::math::gaussian::bivariate::upper_quadrant;
use crate::math::special::{erf, normal_pdf};
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// How a sub-population's teacher field h becomes a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelRule {
    /// sign h.
    Sign,
    /// h itself.
    Linear,
    /// erf(h / sqrt 2).
    Erf,
}

/// What the law needs of the label y of a field h ~ N(mu, s^2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelMoments {
    /// `<y>`.
    pub mean: f64,
    /// <y (h - mu)>/s^2 = <y'(h)>.
    pub slope: f64,
    /// <y^2>.
    pub square: f64,
}

impl LabelRule {
    pub const CHOICES: &'static [(&'static str, &'static str)] =
        &[("sign", "sign of the teacher field"), ("linear", "the field"), ("erf", "erf(field / sqrt 2)")];

    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "sign" => Self::Sign,
            "linear" => Self::Linear,
            "erf" => Self::Erf,
            _ => return None,
        })
    }

    /// The label of a field; sign 0 is 0.
    #[inline]
    pub fn value(self, h: f64) -> f64 {
        match self {
            Self::Sign if h == 0.0 => 0.0,
            Self::Sign => h.signum(),
            Self::Linear => h,
            Self::Erf => erf(h * FRAC_1_SQRT_2),
        }
    }

    /// Moments for h ~ N(mean, variance). Without variance the label is the constant y(mean), with slope 0: the
    /// slope only enters multiplied by overlaps with the teacher, which are then 0 as well.
    ///
    /// `<sign h>` = erf(mu/sqrt(2 s^2)), slope sqrt(2/pi)/s exp(-mu^2/2 s^2); <erf(h/sqrt 2)> = erf(mu/sqrt(2 + 2
    /// s^2)), its square by a quadrant of two fields of correlation s^2/(1 + s^2).
    pub fn moments(self, mean: f64, variance: f64) -> LabelMoments {
        if variance == 0.0 {
            let y = self.value(mean);
            return LabelMoments { mean: y, slope: 0.0, square: y * y };
        }
        match self {
            Self::Sign => {
                let (s, x) = (variance.sqrt(), mean / variance.sqrt());
                LabelMoments { mean: erf(x * FRAC_1_SQRT_2), slope: 2.0 * normal_pdf(x) / s, square: 1.0 }
            }
            Self::Linear => LabelMoments { mean, slope: 1.0, square: mean * mean + variance },
            Self::Erf => {
                let wide = (1.0 + variance).sqrt();
                let x = mean / wide;
                let average = erf(x / SQRT_2);
                let both =
                    upper_quadrant(-x, -x, variance / (1.0 + variance)).expect("a correlation below 1");
                // erf(h/sqrt 2) = 2 Phi(h) - 1.
                let square = 4.0 * both - 2.0 * average - 1.0;
                LabelMoments { mean: average, slope: 2.0 * normal_pdf(x) / wide, square }
            }
        }
    }
}
