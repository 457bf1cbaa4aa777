//! Special functions of one variable.

/// The error function, to 2e-16 (statrs' is off by up to 1e-10).
#[inline]
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

/// Density of the standard normal distribution.
#[inline]
pub fn normal_pdf(x: f64) -> f64 {
    const INV_SQRT_2PI: f64 = 0.398_942_280_401_432_7;
    INV_SQRT_2PI * libm::exp(-0.5 * x * x)
}

/// Distribution function of the standard normal distribution, accurate in both tails.
#[inline]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}
