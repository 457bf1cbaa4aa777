//! Powers of the size with a factor of known form: y = A N^p F(N).

/// A passage at one size: where, with which standard error, and the factor F there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub size: f64,
    pub y: f64,
    pub error: f64,
    /// F(N), 1 for a plain power.
    pub factor: f64,
}

impl Point {
    /// In logarithms; no error counts as less than a per mille.
    fn weight(&self) -> f64 {
        (self.y / self.error.max(1e-3 * self.y)).powi(2)
    }

    fn log(&self) -> f64 {
        (self.y / self.factor).ln()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PowerFit {
    pub power: f64,
    /// Standard error of the power.
    pub error: f64,
    /// ln A.
    amplitude: f64,
}

impl PowerFit {
    /// A N^p F.
    pub fn value(&self, size: f64, factor: f64) -> f64 {
        (self.amplitude + self.power * size.ln()).exp() * factor
    }
}

/// The power of size that fits best, with its standard error: from the errors of the passages, larger by the root of
/// chi^2 per degree of freedom where they scatter more. Needs three sizes.
pub(super) fn fit(points: &[Point]) -> Option<PowerFit> {
    if points.len() < 3 || points.iter().any(|p| !(p.y > 0.0 && p.factor > 0.0 && p.log().is_finite())) {
        return None;
    }
    let total: f64 = points.iter().map(Point::weight).sum();
    let mean = |f: fn(&Point) -> f64| points.iter().map(|p| p.weight() * f(p)).sum::<f64>() / total;
    let (x_middle, y_middle) = (mean(|p| p.size.ln()), mean(Point::log));
    let deviation = |p: &Point| (p.size.ln() - x_middle, p.log() - y_middle);
    let sum = |f: fn((f64, f64)) -> f64| points.iter().map(|p| p.weight() * f(deviation(p))).sum::<f64>();
    let width = sum(|(x, _)| x * x);
    let power = sum(|(x, y)| x * y) / width;
    let misfit: f64 = points
        .iter()
        .map(|p| {
            let (x, y) = deviation(p);
            p.weight() * (y - power * x).powi(2)
        })
        .sum();
    let excess = (misfit / (points.len() - 2) as f64).max(1.0);
    Some(PowerFit { power, error: (excess / width).sqrt(), amplitude: y_middle - power * x_middle })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(y: fn(f64) -> f64, factor: fn(f64) -> f64) -> Vec<Point> {
        let point = |size: f64| Point { size, y: y(size), error: 0.01 * y(size), factor: factor(size) };
        [10.0, 30.0, 100.0, 1000.0].map(point).to_vec()
    }

    #[test]
    fn a_power_law_is_fitted_as_what_it_is() {
        let exact = points(|d| 3.0 * d.powf(1.7), |_| 1.0);
        let found = fit(&exact).expect("four sizes");
        assert!((found.power - 1.7).abs() < 1e-12 && found.error > 0.0 && found.error < 0.01, "{found:?}");
        assert!((found.value(50.0, 1.0) / (3.0 * 50.0_f64.powf(1.7)) - 1.0).abs() < 1e-12);
        assert!(fit(&exact[..2]).is_none());
        // A logarithm passes for a power where it is not divided out.
        let log = fit(&points(|d| d * d.ln(), f64::ln)).expect("four sizes");
        let without = fit(&points(|d| d * d.ln(), |_| 1.0)).expect("four sizes");
        assert!((log.power - 1.0).abs() < 1e-12 && without.power > 1.2, "{log:?} {without:?}");
        assert!(fit(&points(|d| d, |d| d - 10.0)).is_none(), "a factor of 0");
    }
}
