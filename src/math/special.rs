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

/// ln of [`normal_cdf`], where that underflows as well.
///
/// ```
/// use asymptotica::math::special::ln_normal_cdf;
/// // 60 digits of the continued fraction of Mills' ratio.
/// assert!((ln_normal_cdf(-40.0) + 804.608_442_013_753_8).abs() < 1e-12);
/// assert!((ln_normal_cdf(-5.5) + 17.779_376_352_625_26).abs() < 1e-14);
/// assert!((ln_normal_cdf(0.0) + std::f64::consts::LN_2).abs() < 1e-15);
/// ```
pub fn ln_normal_cdf(x: f64) -> f64 {
    /// Where the continued fraction of Mills' ratio, z + 1/(z + 2/(z + ...)), has all digits after so many terms.
    const TAIL: f64 = -5.0;
    const TERMS: u32 = 100;
    const HALF_LN_2PI: f64 = 0.918_938_533_204_672_7;
    if x > 0.0 {
        return libm::log1p(-normal_cdf(-x));
    }
    if x > TAIL {
        return libm::log(normal_cdf(x));
    }
    let inverse = (1..=TERMS).rev().fold(-x, |below, k| -x + f64::from(k) / below);
    -0.5 * x * x - HALF_LN_2PI - libm::log(inverse)
}
