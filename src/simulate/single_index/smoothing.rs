//! The gradient of a smoothed landscape.

use crate::problem::single_index::Polynomial;

/// The student's output averaged over (theta + lambda z)/sqrt(1 + lambda^2), z uniform on the unit sphere orthogonal
/// to theta. With n = d - 1, R = |x - h theta|^2 and u a coordinate of a uniform unit vector in n dimensions, the
/// field there is (h + lambda sqrt R u)/sqrt(1 + lambda^2), and <u^2j> = prod_(i<j) (2i + 1)/(n + 2i), so that a
/// polynomial becomes one in h and R.
pub(super) struct Smoothing {
    /// Power of h, power of R, coefficient.
    terms: Vec<(i32, i32, f64)>,
}

impl Smoothing {
    pub fn new(student: &Polynomial, lambda: f64, d: usize) -> Self {
        let n = (d - 1) as f64;
        let scale = 1.0 / (1.0 + lambda * lambda).sqrt();
        let mut terms = Vec::new();
        for (k, p) in student.powers().iter().enumerate().filter(|(_, p)| **p != 0.0) {
            for j in 0..=k / 2 {
                let choices: f64 = (1..=2 * j).map(|i| (k + 1 - i) as f64 / i as f64).product();
                let moment: f64 = (0..j).map(|i| (2 * i + 1) as f64 / (n + (2 * i) as f64)).product();
                let coefficient = p * choices * moment * lambda.powi(2 * j as i32) * scale.powi(k as i32);
                terms.push(((k - 2 * j) as i32, j as i32, coefficient));
            }
        }
        Self { terms }
    }

    /// The derivative along x - h theta, in units of |x - h theta|^2: h grows by 1, R by -2 h.
    pub fn slope(&self, h: f64, square: f64) -> f64 {
        let mut slope = 0.0;
        for &(a, b, c) in &self.terms {
            if a > 0 {
                slope += c * f64::from(a) * h.powi(a - 1) * square.powi(b);
            }
            if b > 0 {
                slope -= 2.0 * c * f64::from(b) * h.powi(a + 1) * square.powi(b - 1);
            }
        }
        slope
    }

    #[cfg(test)]
    fn value(&self, h: f64, square: f64) -> f64 {
        self.terms.iter().map(|&(a, b, c)| c * h.powi(a) * square.powi(b)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;
    use crate::simulate::dense::dot;

    /// Against an average over drawn z, and its gradient against differences along the sphere.
    #[test]
    fn value_and_slope_are_those_of_the_average_over_a_sphere() {
        let (d, lambda) = (6, 0.8);
        let student = Polynomial::from_hermite(&[0.2, -0.3, 0.5, 0.4, 0.1]);
        let smoothing = Smoothing::new(&student, lambda, d);
        let mut normals = Stream::root(942).gaussians();
        let mut x = vec![0.0; d];
        normals.fill(&mut x);
        // theta = e_1.
        let (h, square) = (x[0], dot(&x[1..], &x[1..]));
        let n = 400_000;
        let mut sum = 0.0;
        for _ in 0..n {
            let mut z = vec![0.0; d - 1];
            normals.fill(&mut z);
            let u = dot(&z, &x[1..]) / dot(&z, &z).sqrt();
            sum += student.value((h + lambda * u) / (1.0 + lambda * lambda).sqrt()) / f64::from(n);
        }
        assert!((sum - smoothing.value(h, square)).abs() < 0.02, "{sum} {}", smoothing.value(h, square));
        // theta moves by epsilon (x - h theta): h by epsilon R to first order, and |x|^2 stays.
        let step = 1e-6;
        let at = |e: f64| {
            let length = (1.0 + e * e * square).sqrt();
            let h = (h + e * square) / length;
            smoothing.value(h, x[0] * x[0] + square - h * h)
        };
        let slope = (at(step) - at(-step)) / (2.0 * step * square);
        assert!((slope - smoothing.slope(h, square)).abs() < 1e-6, "{slope}");
    }
}
