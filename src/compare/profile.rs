//! The power of the size along which a bias shrinks, from the cross moments of its sizes.

/// The share G(beta) = (u M u) / (z u) of the bias that lies along z = N^-beta, with u = z / noise.
pub(super) struct Profile<'a> {
    logs: Vec<f64>,
    noise: &'a [f64],
    moments: &'a [Vec<f64>],
}

/// Derivatives of numerator and denominator of G.
struct Derivatives {
    num: [f64; 3],
    den: [f64; 3],
}

impl<'a> Profile<'a> {
    pub fn new(sizes: &[usize], noise: &'a [f64], moments: &'a [Vec<f64>]) -> Self {
        let logs: Vec<f64> = sizes.iter().map(|&size| (size as f64).ln()).collect();
        let centre = logs.iter().sum::<f64>() / logs.len() as f64;
        Self { logs: logs.iter().map(|log| log - centre).collect(), noise, moments }
    }

    fn vector(&self, beta: f64) -> Vec<f64> {
        self.logs.iter().zip(self.noise).map(|(log, noise)| (-beta * log).exp() / noise).collect()
    }

    fn derivatives(&self, beta: f64) -> Derivatives {
        let u = self.vector(beta);
        let (mut num, mut den) = ([0.0; 3], [0.0; 3]);
        for j in 0..u.len() {
            let z2 = u[j] * u[j] * self.noise[j];
            let log = self.logs[j];
            den[0] += z2;
            den[1] -= 2.0 * log * z2;
            den[2] += 4.0 * log * log * z2;
            for k in 0..u.len() {
                let (value, logs) = (u[j] * u[k] * self.moments[j][k], log + self.logs[k]);
                num[0] += value;
                num[1] -= logs * value;
                num[2] += logs * logs * value;
            }
        }
        Derivatives { num, den }
    }

    fn value(&self, beta: f64) -> f64 {
        let Derivatives { num, den } = self.derivatives(beta);
        num[0] / den[0]
    }

    /// beta with the largest share, if it lies inside (-1, 4) and the share there is positive.
    pub fn maximum(&self) -> Option<f64> {
        const STEP: f64 = 0.01;
        let grid = (0..=500).map(|i| -1.0 + STEP * i as f64);
        let best = grid.max_by(|a, b| self.value(*a).total_cmp(&self.value(*b)))?;
        let (mut low, mut high) = (best - STEP, best + STEP);
        if low < -1.0 || high > 4.0 || self.value(best).is_nan() || self.value(best) <= 0.0 {
            return None;
        }
        // Closer, the flat top of G is rounding.
        while high - low > 1e-8 {
            let third = (high - low) / 3.0;
            if self.value(low + third) < self.value(high - third) { low += third } else { high -= third }
        }
        Some(0.5 * (low + high))
    }

    /// Change of the maximum, to first order, when row and column `k` of the moments change by `row`.
    pub fn shift(&self, beta: f64, k: usize, row: &[f64]) -> f64 {
        let u = self.vector(beta);
        let Derivatives { num, den } = self.derivatives(beta);
        let (mut change, mut slope) = (0.0, 0.0);
        for (j, &d) in row.iter().enumerate() {
            let times = if j == k { 1.0 } else { 2.0 };
            let value = times * u[j] * u[k] * d;
            change += value;
            slope -= (self.logs[j] + self.logs[k]) * value;
        }
        let curvature =
            num[2] / num[0] - (num[1] / num[0]).powi(2) - den[2] / den[0] + (den[1] / den[0]).powi(2);
        -(slope / num[0] - num[1] * change / (num[0] * num[0])) / curvature
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [usize; 4] = [100, 300, 700, 5000];
    const NOISE: [f64; 4] = [0.3, 0.11, 0.045, 0.007];

    /// Cross moments of a bias N^-0.83 exactly.
    fn moments() -> Vec<Vec<f64>> {
        let g = SIZES.map(|size| 40.0 * (size as f64).powf(-0.83));
        g.iter().map(|a| g.iter().map(|b| a * b).collect()).collect()
    }

    #[test]
    fn an_exact_power_is_found() {
        let moments = moments();
        let beta = Profile::new(&SIZES, &NOISE, &moments).maximum().unwrap();
        assert!((beta - 0.83).abs() < 1e-7, "{beta}");
    }

    #[test]
    fn the_shift_is_the_derivative_of_the_maximum() {
        for k in 0..4 {
            let row = [3e-6, -2e-6, 7e-6, -5e-6].map(|d| d * moments()[k][k]);
            let moved = |times: f64| {
                let mut moments = moments();
                for (j, d) in row.iter().enumerate() {
                    moments[k][j] += times * d;
                    if j != k {
                        moments[j][k] += times * d;
                    }
                }
                Profile::new(&SIZES, &NOISE, &moments).maximum().unwrap()
            };
            let difference = (moved(1000.0) - moved(-1000.0)) / 2000.0;
            let moments = moments();
            let shift = Profile::new(&SIZES, &NOISE, &moments).shift(0.83, k, &row);
            assert!((shift - difference).abs() < 1e-3 * shift.abs() + 1e-11, "{k}: {shift:e} {difference:e}");
        }
    }

    #[test]
    fn a_power_outside_the_range_is_none() {
        let g = SIZES.map(|size| (size as f64).powf(1.3));
        let moments: Vec<Vec<f64>> = g.iter().map(|a| g.iter().map(|b| a * b).collect()).collect();
        assert!(Profile::new(&SIZES, &NOISE, &moments).maximum().is_none());
    }
}
