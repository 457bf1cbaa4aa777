//! Elementary functions in additions, multiplications, divisions and selections only: loops over them
//! vectorise, and every processor returns the same bits.

/// e^z for 0 <= z <= 25, to 5e-14 relative: Taylor polynomial of z/128, squared seven times, which
/// multiplies its rounding by 128.
#[inline(always)]
pub(crate) fn exp(z: f64) -> f64 {
    let mut e = horner(&EXP, z * (1.0 / 128.0));
    for _ in 0..7 {
        e *= e;
    }
    e
}

/// sin x for 0 <= x <= pi/2, to 4e-16: Taylor polynomial of degree 21.
#[inline(always)]
pub(crate) fn sin(x: f64) -> f64 {
    x * horner(&SIN, x * x)
}

/// atan(y/x) for x > 0, to 4.5e-16, reduced to |t| <= tan(pi/8) around 0, pi/4 or pi/2 with one division.
#[inline(always)]
pub(crate) fn atan_ratio(y: f64, x: f64) -> f64 {
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};
    const TAN_PI_8: f64 = 0.414_213_562_373_095_03;
    let z = y.abs();
    let low = z <= TAN_PI_8 * x;
    let high = z * TAN_PI_8 > x;
    let num = if low {
        z
    } else if high {
        -x
    } else {
        z - x
    };
    let den = if low {
        x
    } else if high {
        z
    } else {
        z + x
    };
    let base = if low {
        0.0
    } else if high {
        FRAC_PI_2
    } else {
        FRAC_PI_4
    };
    let t = num / den;
    (base + t * horner(&ATAN, t * t)).copysign(y)
}

#[inline(always)]
fn horner<const N: usize>(coefficients: &[f64; N], t: f64) -> f64 {
    let mut p = coefficients[N - 1];
    for k in (0..N - 1).rev() {
        p = coefficients[k] + p * t;
    }
    p
}

/// 1/k!.
const EXP: [f64; 12] = {
    let mut c = [1.0; 12];
    let mut k = 1;
    while k < 12 {
        c[k] = c[k - 1] / k as f64;
        k += 1;
    }
    c
};

/// (-1)^k / (2k + 1)!.
const SIN: [f64; 11] = {
    let mut c = [1.0; 11];
    let mut k = 1;
    while k < 11 {
        c[k] = -c[k - 1] / ((2 * k) * (2 * k + 1)) as f64;
        k += 1;
    }
    c
};

/// Chebyshev interpolation of atan(sqrt w)/sqrt w on [0, tan^2(pi/8)] at 12 points, error 1.3e-18.
const ATAN: [f64; 12] = [
    1.0,
    -0.333_333_333_333_331_2,
    0.199_999_999_999_408_9,
    -0.142_857_142_792_502_4,
    0.111_111_107_449_193_96,
    -0.090_908_968_090_564_38,
    0.076_920_453_307_659_12,
    -0.066_629_518_120_618_38,
    0.058_468_782_857_870_01,
    -0.050_351_024_039_430_294,
    0.037_965_256_099_576_565,
    -0.017_805_395_704_537_506,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agree_with_libm() {
        for i in 0..4000 {
            let x = i as f64 / 4000.0 * std::f64::consts::FRAC_PI_2;
            assert!((sin(x) - libm::sin(x)).abs() < 4e-16, "sin {x}");
            let z = 25.0 * i as f64 / 4000.0;
            assert!((exp(z) / libm::exp(z) - 1.0).abs() < 5e-14, "exp {z}");
            let (y, x) = (libm::sinh(10.0 * (x - 0.7)), 0.83);
            assert!((atan_ratio(y, x) - libm::atan2(y, x)).abs() < 4.5e-16, "atan {y} / {x}");
        }
        assert_eq!(atan_ratio(-3.0, f64::MIN_POSITIVE), -std::f64::consts::FRAC_PI_2);
    }
}
