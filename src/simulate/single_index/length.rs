//! Squared lengths of Gaussian vectors.

use crate::rng::{Gaussians, Stream};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Draws chi-square numbers with `n` degrees of freedom, exactly, by the rejection method of Marsaglia & Tsang, ACM
/// Trans. Math. Softw. 26, 363 (2000) for n >= 2: one normal and one uniform number in almost all cases.
#[derive(Clone, Debug)]
pub(super) struct ChiSquare {
    degrees: usize,
    /// n/2 - 1/3 and 1/(3 sqrt of it).
    shape: f64,
    slope: f64,
    normals: Box<Gaussians>,
    uniforms: Xoshiro256PlusPlus,
}

impl ChiSquare {
    pub fn new(degrees: usize, stream: &Stream) -> Self {
        let shape = 0.5 * degrees as f64 - 1.0 / 3.0;
        Self {
            degrees,
            shape,
            slope: if degrees >= 2 { 1.0 / (3.0 * shape.sqrt()) } else { 0.0 },
            normals: Box::new(stream.gaussians()),
            uniforms: stream.generator(),
        }
    }

    #[inline]
    pub fn draw(&mut self) -> f64 {
        if self.degrees < 2 {
            let z = if self.degrees == 0 { 0.0 } else { self.normals.next() };
            return z * z;
        }
        loop {
            let x = self.normals.next();
            let root = 1.0 + self.slope * x;
            if root <= 0.0 {
                continue;
            }
            let v = root * root * root;
            let u: f64 = self.uniforms.random();
            let square = x * x;
            // The first test spares the logarithms.
            if u < 1.0 - 0.0331 * square * square
                || libm::log(u) < 0.5 * square + self.shape * (1.0 - v + libm::log(v))
            {
                return 2.0 * self.shape * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_chi_square() {
        for degrees in [0_usize, 1, 2, 3, 7, 1000] {
            let mut law = ChiSquare::new(degrees, &Stream::root(940).index(degrees as u64));
            let n = 200_000;
            let draws: Vec<f64> = (0..n).map(|_| law.draw()).collect();
            let mean = draws.iter().sum::<f64>() / f64::from(n);
            let central =
                |power: i32| draws.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / f64::from(n);
            let k = degrees as f64;
            assert!((mean - k).abs() <= 4.5 * (2.0 * k / f64::from(n)).sqrt(), "{degrees}: {mean}");
            assert!((central(2) - 2.0 * k).abs() <= 0.06 * k, "{degrees}: {}", central(2));
            assert!((central(3) - 8.0 * k).abs() <= 0.6 * k.powf(1.5).max(k), "{degrees}: {}", central(3));
        }
    }
}
