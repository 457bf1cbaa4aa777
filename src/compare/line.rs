//! A straight line in z = N^-beta by weighted least squares, and its value at z = 0.

/// The fitted line r = limit + slope z.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub limit: f64,
    pub slope: f64,
    /// Variance of `limit` if `variances` are those of the values.
    pub variance: f64,
}

/// Sums over the design. Weights are relative to the largest, and z counts from the value that has it, so
/// that one value may weigh more than another by any factor without cancellation.
struct Design {
    least: f64,
    origin: usize,
    sum: f64,
    centre: f64,
    square: f64,
}

impl Design {
    fn new(z: &[f64], variances: &[f64]) -> Option<Self> {
        let mut origin = 0;
        for (k, v) in variances.iter().enumerate() {
            if *v < variances[origin] {
                origin = k;
            }
        }
        let least = variances[origin];
        let (mut sum, mut first) = (0.0, 0.0);
        for (&at, &v) in z.iter().zip(variances) {
            sum += least / v;
            first += least / v * (at - z[origin]);
        }
        let centre = first / sum;
        let from_centre = |at: f64| (at - z[origin]) - centre;
        let square = z.iter().zip(variances).map(|(&at, &v)| least / v * from_centre(at).powi(2)).sum();
        (least > 0.0 && square > 0.0).then_some(Self { least, origin, sum, centre, square })
    }
}

/// The line through the values `r` at `z` with these variances; `None` unless at least two different z carry
/// weight.
pub(super) fn fit(z: &[f64], r: &[f64], variances: &[f64]) -> Option<Line> {
    let Design { least, origin, sum, centre, square } = Design::new(z, variances)?;
    let (mut mean, mut slope) = (0.0, 0.0);
    for ((&at, &value), &v) in z.iter().zip(r).zip(variances) {
        mean += least / v * (value - r[origin]);
        slope += least / v * ((at - z[origin]) - centre) * (value - r[origin]);
    }
    let (mean, slope) = (mean / sum, slope / square);
    let distance = z[origin] + centre;
    let variance = least * (1.0 / sum + distance * distance / square);
    let limit = r[origin] + mean - slope * distance;
    (limit.is_finite() && variance.is_finite()).then_some(Line { limit, slope, variance })
}

/// The coefficients a of limit = sum a_k r_k. They add up to 1.
pub(super) fn coefficients(z: &[f64], variances: &[f64]) -> Option<Vec<f64>> {
    let Design { least, origin, sum, centre, square } = Design::new(z, variances)?;
    let distance = z[origin] + centre;
    let coefficient =
        |(&at, &v): (&f64, &f64)| least / v * (1.0 / sum - distance * ((at - z[origin]) - centre) / square);
    Some(z.iter().zip(variances).map(coefficient).collect())
}

/// Weighted sum of squares of the values about a line.
pub(super) fn chi_squared(line: &Line, z: &[f64], r: &[f64], variances: &[f64]) -> f64 {
    let square = |((&z, &r), &v): ((&f64, &f64), &f64)| (r - line.limit - line.slope * z).powi(2) / v;
    z.iter().zip(r).zip(variances).map(square).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pearson's data with the weights of y of York, Can. J. Phys. 44, 1079 (1966), who quotes the line
    /// 6.1001 - 0.6108 x for them; further digits, variance and chi squared by exact rational arithmetic.
    #[test]
    fn agrees_with_an_outside_fit() {
        let z = [0.0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4];
        let y = [5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5];
        let w = [1.0, 1.8, 4.0, 8.0, 20.0, 20.0, 70.0, 70.0, 100.0, 500.0];
        let variances = w.map(|w: f64| 1.0 / w);
        let line = fit(&z, &y, &variances).unwrap();
        assert!((line.limit - 6.100109316665757).abs() < 1e-12, "{line:?}");
        assert!((line.slope + 0.6108129565839335).abs() < 1e-12, "{line:?}");
        assert!((line.variance - 0.041886814963205767).abs() < 1e-12, "{line:?}");
        let a = coefficients(&z, &variances).unwrap();
        let limit: f64 = a.iter().zip(&y).map(|(a, y)| a * y).sum();
        let variance: f64 = a.iter().zip(&variances).map(|(a, v)| a * a * v).sum();
        assert!((limit - line.limit).abs() < 1e-12 && (variance - line.variance).abs() < 1e-12);
        assert!((a.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((chi_squared(&line, &z, &y, &variances) - 34.34520749832435).abs() < 1e-11);
    }

    #[test]
    fn a_line_needs_two_places() {
        assert!(fit(&[0.1, 0.1], &[1.0, 2.0], &[1.0, 1.0]).is_none());
        let line = fit(&[0.01, 0.005], &[0.3, 0.2], &[2e-5, 1e-300]).unwrap();
        assert!((line.limit - 0.1).abs() < 1e-15);
    }
}
