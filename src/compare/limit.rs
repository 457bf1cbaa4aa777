//! What an extrapolation to infinite size returns.

use super::{Exponent, Place, Scale, Verdict};
use serde::{Deserialize, Serialize};

/// The expected powers of the size N, as the problem states them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exponents {
    /// beta: the mean deviates from the law as N^-beta; 1 for self-averaging order parameters.
    pub bias: f64,
    /// phi: the spread over replicas goes as N^-phi; 1/2 for self-averaging order parameters.
    pub fluctuation: f64,
}

/// The verdict in the limit of infinite size, and what led to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extrapolated {
    /// The verdict about r_inf. Its places and curves have no size, its replicas are the fewest at any size,
    /// and its curves stand in the order of `approaches`.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The exponents that the fit assumed.
    pub expected: Exponents,
    /// The sizes that took part, ascending.
    pub sizes: Vec<usize>,
    /// The test of the form r_inf + c N^-beta; `None` if no point with spread has three sizes.
    pub form: Option<Form>,
    /// One per curve: what was measured at each size, and the exponents that follow from it.
    pub approaches: Vec<Approach>,
}

/// Whether r_N = r_inf + c N^-beta describes all sizes: the largest chi^2 per degree of freedom over all
/// points, against its distribution in the same bootstrap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// The point that the line fits worst.
    pub place: Place,
    /// chi^2 per degree of freedom there.
    pub chi_squared: f64,
    /// Sizes at this point less two.
    pub degrees_of_freedom: usize,
    /// Probability of a misfit as large somewhere if the form holds.
    pub p_value: f64,
}

impl Form {
    /// Whether the form is rejected: p < 1 %.
    pub fn fails(&self) -> bool {
        self.p_value < 0.01
    }
}

/// How one curve approaches its limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approach {
    pub series: String,
    pub observable: String,
    pub scale: Scale,
    /// Ascending.
    pub at_sizes: Vec<AtSize>,
    /// Measured exponent of the spread over replicas: spread ~ N^value, so about -1/2.
    pub fluctuation: Exponent,
    /// Measured exponent of the mean deviation: abs(r_N) ~ N^value, so about -1 for a right law and about 0
    /// for a wrong one.
    pub bias: Exponent,
}

/// One curve at one size, in units of the metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtSize {
    pub size: usize,
    pub replicas: usize,
    /// As recorded at this size.
    pub x: Vec<f64>,
    /// The estimated gap at this size.
    pub residual: Vec<f64>,
    /// The estimate plus and minus one standard error: an error bar, not a simultaneous band.
    pub bar: Vec<(f64, f64)>,
    /// Bias and spread pooled over the points of the curve; `None` where nothing can be pooled.
    pub pooled: Option<Pooled>,
}

/// Bias and spread at one size, pooled over those points of a curve that have spread at every size. In units
/// of the averaged deviations (logarithms under a relative claim on a positive observable).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pooled {
    /// Geometric mean over the points of the standard deviation over replicas.
    pub spread: f64,
    /// Its standard error.
    pub spread_error: f64,
    /// Weighted mean over the points of r_N^2, the noise floor subtracted: an unbiased estimate, which can be
    /// negative where there is no bias to speak of. The weights are inverse variances over replicas.
    pub bias_squared: f64,
    /// Its standard error.
    pub bias_squared_error: f64,
    /// Probability that replicas without any bias look so biased.
    pub p_value: f64,
}

impl Pooled {
    /// Of replicas without any spread.
    pub(super) fn exact(bias_squared: f64) -> Self {
        Self { spread: 0.0, spread_error: 0.0, bias_squared, bias_squared_error: 0.0, p_value: 0.0 }
    }

    /// The root-mean-square bias, where it is significant (p < 1 %).
    pub fn bias(&self) -> Option<f64> {
        (self.is_biased() && self.bias_squared > 0.0).then(|| self.bias_squared.sqrt())
    }

    /// Whether the bias at this size is significantly not zero.
    pub fn is_biased(&self) -> bool {
        self.p_value < 0.01
    }
}
