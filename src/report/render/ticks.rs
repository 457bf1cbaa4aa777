//! Positions and labels of the marks on an axis.

/// The marks of one axis, ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ticks {
    /// Values and their labels, in markup.
    pub major: Vec<(f64, String)>,
    pub minor: Vec<f64>,
    /// The labels are to be multiplied by ten to this power.
    pub exponent: Option<i32>,
}

/// A multiple of `mantissa * 10^exponent` to the nearest double.
fn decimal(mantissa: i64, exponent: i32) -> f64 {
    let power = 10f64.powi(exponent.abs());
    if exponent < 0 { mantissa as f64 / power } else { mantissa as f64 * power }
}

/// A number with a fixed count of decimals, a true minus sign, and no negative zero.
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().any(|c| ('1'..='9').contains(&c)) => format!("\u{2212}{digits}"),
        Some(digits) => digits.into(),
        None => text,
    }
}

/// Multiples of 1, 2 or 5 times a power of ten, at most about `target` of them, between `lo` and `hi`.
///
/// Labels beyond 10^5, or finer than 10^-3, share a power of ten.
pub fn linear(lo: f64, hi: f64, target: usize) -> Ticks {
    let raw = (hi - lo) / target as f64;
    let exponent = raw.log10().floor() as i32;
    let step = |mantissa: i64| decimal(mantissa, exponent);
    // 1 % of slack keeps a range of exactly `target` steps.
    let mantissa = [1, 2, 5, 10].into_iter().find(|&m| step(m) * 1.01 >= raw).unwrap_or(10);
    let (mantissa, exponent) = if mantissa == 10 { (1, exponent + 1) } else { (mantissa, exponent) };
    let subdivision = match mantissa {
        1 => 5,
        2 => 4,
        _ => 5,
    };
    let width = decimal(mantissa, exponent);
    let slack = 1e-9;
    let indices = |width: f64| ((lo / width - slack).ceil() as i64)..=((hi / width + slack).floor() as i64);
    let values: Vec<f64> = indices(width).map(|i| decimal(i * mantissa, exponent)).collect();
    let largest = values.iter().fold(0.0f64, |a, &v| a.max(v.abs()));
    let shared = if largest >= 1e5 || (largest > 0.0 && largest < 1e-2) {
        Some(largest.log10().floor() as i32)
    } else {
        None
    };
    let decimals = (shared.unwrap_or(0) - exponent).max(0) as usize;
    let scale = 10f64.powi(shared.unwrap_or(0));
    let major = values.iter().map(|&v| (v, number(v / scale, decimals))).collect();
    let fine = width / subdivision as f64;
    let minor = indices(fine).filter(|i| i % subdivision != 0).map(|i| i as f64 * fine).collect();
    Ticks { major, minor, exponent: shared }
}

/// Decades where the axis has room for enough of them, else 1, 2, 5 within decades, else linear ticks.
pub fn log(lo: f64, hi: f64, target: usize) -> Ticks {
    let slack = 1e-9;
    let first = (lo.log10() - slack).ceil() as i32;
    let last = (hi.log10() + slack).floor() as i32;
    let decades = (last - first + 1).max(0) as usize;
    let inside = |v: f64| v >= lo * (1.0 - slack) && v <= hi * (1.0 + slack);
    let multiples = |mantissas: &[i64]| -> Vec<(i64, i32)> {
        ((first - 1)..=last)
            .flat_map(|e| mantissas.iter().map(move |&m| (m, e)))
            .filter(|&(m, e)| inside(decimal(m, e)))
            .collect()
    };
    let nine: Vec<f64> =
        multiples(&[1, 2, 3, 4, 5, 6, 7, 8, 9]).into_iter().map(|(m, e)| decimal(m, e)).collect();

    if decades <= 2 {
        let steps = multiples(&[1, 2, 5]);
        if steps.len() < 3 {
            return Ticks { minor: Vec::new(), ..linear(lo, hi, target.min(5)) };
        }
        if steps.len() <= target.max(4) {
            let plain = steps.iter().all(|&(_, e)| (-3..=3).contains(&e));
            let label = |m: i64, e: i32| match (plain, m) {
                (true, _) => number(decimal(m, e), (-e).max(0) as usize),
                (false, 1) => power(e),
                (false, _) => format!("{m}×{}", power(e)),
            };
            let major: Vec<(f64, String)> =
                steps.iter().map(|&(m, e)| (decimal(m, e), label(m, e))).collect();
            let minor = nine.into_iter().filter(|v| major.iter().all(|(w, _)| w != v)).collect();
            return Ticks { major, minor, exponent: None };
        }
    }
    let stride = decades.div_ceil(target.max(2)).max(1) as i32;
    let all: Vec<i32> = (first..=last).collect();
    let major: Vec<(f64, String)> =
        all.iter().filter(|e| *e % stride == 0).map(|&e| (decimal(1, e), power(e))).collect();
    let minor = if stride == 1 {
        nine.into_iter().filter(|v| major.iter().all(|(w, _)| w != v)).collect()
    } else {
        all.iter().filter(|e| *e % stride != 0).map(|&e| decimal(1, e)).collect()
    };
    Ticks { major, minor, exponent: None }
}

/// Labels of a linear residual strip from `-limit` to `limit`: zero and +-2 or, if 2 is too close to zero there, +-5
/// or +-10. The guides at +-2 are drawn in any case.
pub fn residual(limit: f64) -> Ticks {
    let outer = match limit {
        l if l < 5.0 => 2,
        l if l < 13.0 => 5,
        _ => 10,
    };
    strip(&[(-outer, 0), (0, 0), (outer, 0)])
}

/// Labels of a strip that is logarithmic beyond +-2: zero, +-2, and the largest of 1, 2 or 5 times a power of ten.
pub fn bent_residual(limit: f64) -> Ticks {
    let exponent = limit.log10().floor() as i32;
    let mantissa = [5, 2, 1].into_iter().find(|&m| decimal(m, exponent) <= limit).unwrap_or(1);
    strip(&[(-mantissa, exponent), (-2, 0), (0, 0), (2, 0), (mantissa, exponent)])
}

/// Labels at these mantissas and exponents.
fn strip(places: &[(i64, i32)]) -> Ticks {
    let label = |&(m, e): &(i64, i32)| match (m.abs(), m < 0) {
        _ if e < 4 => number(decimal(m, e), 0),
        (1, false) => power(e),
        (1, true) => format!("\u{2212}{}", power(e)),
        (_, _) => format!("{}×{}", number(m as f64, 0), power(e)),
    };
    let major = places.iter().map(|place| (decimal(place.0, place.1), label(place))).collect();
    Ticks { major, minor: Vec::new(), exponent: None }
}

/// `10^{e}` with a true minus sign.
pub fn power(exponent: i32) -> String {
    format!("10^{{{}}}", number(f64::from(exponent), 0))
}
