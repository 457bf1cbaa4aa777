//! Two correlated normal variables with means: quadrant probabilities.

use super::orthant::ROUNDING;
use crate::math::special::normal_cdf;
use gauss_quad::GaussLegendre;
use std::f64::consts::PI;
use std::num::NonZeroUsize;
use std::sync::LazyLock;

/// Nodes in (0, 1) and weights that sum to 1.
static RULE: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| {
    let gauss = GaussLegendre::new(NonZeroUsize::new(40).expect("positive"));
    gauss.nodes().zip(gauss.weights()).map(|(x, w)| (0.5 * (1.0 + x), 0.5 * w)).collect()
});

/// P(X > h, Y > k) for standard normal X, Y with correlation r.
///
/// Drezner & Wesolowsky, J. Stat. Comput. Simul. 35, 101 (1990), eqs (2) and (4), with the expansion of Genz,
/// Stat. Comput. 14, 251 (2004), section 2.3, where |r| > 0.925: absolute error below 1e-15. r beyond +-1 by no
/// more than rounding stands for +-1.
///
/// ```
/// use asymptotica::math::gaussian::bivariate::upper_quadrant;
/// // Centred: 1/4 + asin(r)/(2 pi).
/// assert!((upper_quadrant(0.0, 0.0, 0.5)? - 1.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), f64>(())
/// ```
///
/// # Errors
/// The minor 1 - r^2 if it is negative beyond rounding.
pub fn upper_quadrant(h: f64, k: f64, r: f64) -> Result<f64, f64> {
    let minor = (1.0 - r) * (1.0 + r);
    if minor < -ROUNDING || minor.is_nan() {
        return Err(minor);
    }
    if r.abs() < 0.925 { Ok(moderate(h, k, r)) } else { Ok(strong(h, k, r, minor.max(0.0))) }
}

/// Integral of the density over the angle from independence.
fn moderate(h: f64, k: f64, r: f64) -> f64 {
    let (hk, hs, angle) = (h * k, 0.5 * (h * h + k * k), r.asin());
    let sum: f64 = RULE
        .iter()
        .map(|(x, w)| {
            let s = (angle * x).sin();
            w * libm::exp((s * hk - hs) / (1.0 - s * s))
        })
        .sum();
    sum * angle / (2.0 * PI) + normal_cdf(-h) * normal_cdf(-k)
}

/// Integral from perfect correlation, with the leading terms of the integrand taken out.
fn strong(h: f64, k: f64, r: f64, minor: f64) -> f64 {
    let sign = if r < 0.0 { -1.0 } else { 1.0 };
    let k = sign * k;
    let hk = h * k;
    let mut sum = 0.0;
    if minor > 0.0 {
        let a = minor.sqrt();
        let bs = (h - k) * (h - k);
        let (c, d) = ((4.0 - hk) / 8.0, (12.0 - hk) / 16.0);
        sum = a
            * libm::exp(-0.5 * (bs / minor + hk))
            * (1.0 - c * (bs - minor) * (1.0 - d * bs / 5.0) / 3.0 + c * d * minor * minor / 5.0);
        let b = bs.sqrt();
        // Beyond, exp overflows where the tail that it multiplies underflows, and the product is below 1e-40.
        if hk > -100.0 {
            sum -= libm::exp(-0.5 * hk)
                * (2.0 * PI).sqrt()
                * normal_cdf(-b / a)
                * b
                * (1.0 - c * bs * (1.0 - d * bs / 5.0) / 3.0);
        }
        for (x, w) in RULE.iter() {
            let xs = (a * x) * (a * x);
            let root = (1.0 - xs).sqrt();
            let exact = libm::exp(-hk * xs / (2.0 * (1.0 + root) * (1.0 + root))) / root;
            let taken = 1.0 + c * xs * (1.0 + d * xs);
            sum += a * w * libm::exp(-0.5 * (bs / xs + hk)) * (exact - taken);
        }
        sum /= -2.0 * PI;
    }
    if sign > 0.0 {
        sum + normal_cdf(-h.max(k))
    } else {
        // P(X > h, Y > k) = P(X > h) - P(X > h, -Y > -k), and the second pair is positively correlated.
        let between = if k > h { normal_cdf(k) - normal_cdf(h) } else { 0.0 };
        between - sum
    }
}

/// P(X Y < 0) for normal variables of means a, b in units of their standard deviations and correlation r.
///
/// # Errors
/// As [`upper_quadrant`].
pub fn opposite_signs(a: f64, b: f64, r: f64) -> Result<f64, f64> {
    // P(X > 0, Y < 0) + P(X < 0, Y > 0); both are quadrants of the pair (X, -Y).
    Ok(upper_quadrant(-a, b, -r)? + upper_quadrant(a, -b, -r)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P(X > h, Y > k) as the mean over X of P(Y > k | X), by a fine trapezoidal rule.
    fn direct(h: f64, k: f64, r: f64) -> f64 {
        let (n, top) = (200_000, 9.0_f64.max(h + 9.0));
        let step = (top - h) / n as f64;
        let wide = (1.0 - r * r).sqrt();
        let f = |x: f64| libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt() * normal_cdf((r * x - k) / wide);
        let inner: f64 = (1..n).map(|i| f(h + step * i as f64)).sum();
        let ends = 0.5 * (f(h) + f(top));
        // Euler-Maclaurin for the end that is not in the tail.
        let slope = (f(h + 1e-5) - f(h - 1e-5)) / 2e-5;
        step * (inner + ends) + step * step / 12.0 * slope
    }

    #[test]
    fn agrees_with_plain_integration_at_all_correlations() {
        for r in [-0.999_99, -0.97, -0.92, -0.3, 0.05, 0.6, 0.924, 0.93, 0.99, 0.999_99] {
            for (h, k) in [(0.3, -0.7), (-1.2, 0.4), (1.9, 2.1), (-0.6, -2.5), (0.0, 0.2), (0.5, 0.5)] {
                let (found, exact) = (upper_quadrant(h, k, r).unwrap(), direct(h, k, r));
                assert!((found - exact).abs() < 3e-13, "{h} {k} {r}: {found} {exact}");
            }
        }
    }

    #[test]
    fn full_correlation_and_no_covariance() {
        assert!((upper_quadrant(0.3, 0.7, 1.0).unwrap() - normal_cdf(-0.7)).abs() < 1e-16);
        assert!((upper_quadrant(-0.3, 0.7, -1.0 - 1e-15).unwrap()).abs() < 1e-16);
        let between = normal_cdf(0.7) - normal_cdf(0.3);
        assert!((upper_quadrant(-0.7, 0.3, -1.0).unwrap() - between).abs() < 1e-16);
        assert!(upper_quadrant(0.0, 0.0, 1.0 + 1e-9).is_err());
    }

    #[test]
    fn opposite_signs_of_centred_variables_have_the_angle() {
        for r in [-0.99_f64, -0.2, 0.4, 0.95] {
            assert!((opposite_signs(0.0, 0.0, r).unwrap() - r.acos() / PI).abs() < 1e-15);
        }
    }
}
