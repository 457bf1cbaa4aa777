//! A straight line in z = N^-beta by weighted least squares, and its value at z = 0.

/// A fitted line r = limit + slope z, as linear functions of the values: limit = sum a_k r_k, slope = sum b_k
/// r_k. The a_k add up to 1, the b_k to 0.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub a: Vec<f64>,
    pub b: Vec<f64>,
    weights: Vec<f64>,
}

impl Line {
    /// The line through values at `z` with these positive weights; `None` unless two different z carry weight.
    pub fn new(z: &[f64], weights: &[f64]) -> Option<Self> {
        let sum: f64 = weights.iter().sum();
        let centre = z.iter().zip(weights).map(|(z, w)| w * z).sum::<f64>() / sum;
        let square: f64 = z.iter().zip(weights).map(|(z, w)| w * (z - centre).powi(2)).sum();
        let b: Vec<f64> = z.iter().zip(weights).map(|(z, w)| w * (z - centre) / square).collect();
        let a: Vec<f64> = weights.iter().zip(&b).map(|(w, b)| w / sum - centre * b).collect();
        a.iter().chain(&b).all(|v| v.is_finite()).then(|| Self { a, b, weights: weights.to_vec() })
    }

    pub fn limit(&self, r: &[f64]) -> f64 {
        self.a.iter().zip(r).map(|(a, r)| a * r).sum()
    }

    pub fn slope(&self, r: &[f64]) -> f64 {
        self.b.iter().zip(r).map(|(b, r)| b * r).sum()
    }

    /// Variance of the limit for independent values with these variances.
    pub fn variance(&self, variances: &[f64]) -> f64 {
        self.a.iter().zip(variances).map(|(a, v)| a * a * v).sum()
    }

    /// Weighted sum of squares of the values about the line, in units of the mean of weight times variance: chi
    /// squared, if the weights are inverse variances up to a factor. One common factor, and not the variance of
    /// each value, keeps the variances from following the values where replicas are skewed.
    pub fn chi_squared(&self, z: &[f64], r: &[f64], variances: &[f64]) -> f64 {
        let (limit, slope) = (self.limit(r), self.slope(r));
        let (mut squares, mut unit) = (0.0, 0.0);
        for k in 0..z.len() {
            squares += self.weights[k] * (r[k] - limit - slope * z[k]).powi(2);
            unit += self.weights[k] * variances[k] / z.len() as f64;
        }
        squares / unit
    }
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
        let weights = [1.0, 1.8, 4.0, 8.0, 20.0, 20.0, 70.0, 70.0, 100.0, 500.0];
        let variances = weights.map(|w: f64| 1.0 / w);
        let line = Line::new(&z, &weights).unwrap();
        assert!((line.limit(&y) - 6.100109316665757).abs() < 1e-12, "{line:?}");
        assert!((line.slope(&y) + 0.6108129565839335).abs() < 1e-12, "{line:?}");
        assert!((line.variance(&variances) - 0.041886814963205767).abs() < 1e-14, "{line:?}");
        assert!((line.chi_squared(&z, &y, &variances) - 34.34520749832435).abs() < 1e-11);
        assert!((line.a.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_line_needs_two_places() {
        assert!(Line::new(&[0.1], &[1.0]).is_none());
        assert!(Line::new(&[0.25, 0.25], &[1.0, 2.0]).is_none());
        let line = Line::new(&[0.01, 0.005], &[2.0, 1.0]).unwrap();
        assert!((line.limit(&[0.3, 0.2]) - 0.1).abs() < 1e-15);
    }
}
