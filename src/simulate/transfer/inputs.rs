//! Independent entries of mean 0 and variance 1.

use crate::problem::transfer::Inputs;
use crate::rng::{Gaussians, Stream};
use rand::RngExt;
use rand_distr::{ChiSquared, Distribution};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Most degrees of freedom whose squares are drawn one by one.
const MOST_SQUARES: f64 = 1000.0;

pub(super) struct Entries {
    law: Inputs,
    /// The law of the sum of squares below a Student number, where it is not drawn square by square.
    squares: Option<ChiSquared<f64>>,
    gaussians: Box<Gaussians>,
    uniform: Xoshiro256PlusPlus,
}

impl Entries {
    pub fn new(law: Inputs, stream: &Stream) -> Self {
        // Whole degrees keep the numbers that they had before there were others.
        let squares = match law {
            Inputs::StudentT { degrees } if degrees.fract() != 0.0 || degrees > MOST_SQUARES => {
                Some(ChiSquared::new(degrees).expect("positive degrees of freedom"))
            }
            _ => None,
        };
        Self { law, squares, gaussians: Box::new(stream.gaussians()), uniform: stream.generator() }
    }

    pub fn fill(&mut self, out: &mut [f64]) {
        match self.law {
            Inputs::Gaussian => self.gaussians.fill(out),
            Inputs::Rademacher => {
                for x in out {
                    *x = if self.uniform.random_range(0..2u64) == 0 { -1.0 } else { 1.0 };
                }
            }
            Inputs::ChiSquare => {
                self.gaussians.fill(out);
                out.iter_mut().for_each(|x| *x = (*x * *x - 1.0) * std::f64::consts::FRAC_1_SQRT_2);
            }
            Inputs::Bernoulli { probability } => {
                let scale = (probability * (1.0 - probability)).sqrt();
                for x in out {
                    let upper = self.uniform.random_range(0.0..1.0) < probability;
                    *x = (f64::from(u8::from(upper)) - probability) / scale;
                }
            }
            Inputs::StudentT { degrees } => {
                // Variance nu / (nu - 2).
                let scale = ((degrees - 2.0) / degrees).sqrt();
                for x in out {
                    let z = self.gaussians.next();
                    let squares: f64 = match &self.squares {
                        Some(law) => law.sample(&mut self.uniform),
                        None => (0..degrees as usize).map(|_| self.gaussians.next()).map(|g| g * g).sum(),
                    };
                    *x = scale * z / (squares / degrees).sqrt();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_mean_0_and_variance_1() {
        let laws = [
            Inputs::Gaussian,
            Inputs::Rademacher,
            Inputs::ChiSquare,
            Inputs::Bernoulli { probability: 0.3 },
            Inputs::StudentT { degrees: 7.0 },
            Inputs::StudentT { degrees: 7.5 },
            Inputs::StudentT { degrees: 1e4 },
        ];
        for law in laws {
            let mut x = vec![0.0; 200_000];
            Entries::new(law, &Stream::root(5)).fill(&mut x);
            let n = x.len() as f64;
            let mean = x.iter().sum::<f64>() / n;
            let variance = x.iter().map(|x| x * x).sum::<f64>() / n;
            // Standard errors 0.0022, and at most 0.009 for the squares (kurtosis of chi-square 15).
            assert!(mean.abs() < 0.009 && (variance - 1.0).abs() < 0.036, "{law:?}: {mean} {variance}");
        }
    }

    #[test]
    fn student_numbers_have_their_quantiles() {
        // scipy.stats.t: P(|T| < q) = 1/2, 0.9, 0.99 at nu = 2.6 and 4.
        let list = [(2.6, [0.7803094, 2.5085614, 6.8271861]), (4.0, [0.7406971, 2.1318468, 4.6040949])];
        for (degrees, quantiles) in list {
            let mut x = vec![0.0; 200_000];
            Entries::new(Inputs::StudentT { degrees }, &Stream::root(6)).fill(&mut x);
            let scale = ((degrees - 2.0) / degrees).sqrt();
            for (share, quantile) in [0.5, 0.9, 0.99].into_iter().zip(quantiles) {
                let within = x.iter().filter(|x| x.abs() < scale * quantile).count() as f64 / x.len() as f64;
                // Four standard errors of a share.
                let error = (share * (1.0 - share) / x.len() as f64).sqrt();
                assert!((within - share).abs() < 4.0 * error, "nu = {degrees}: {within} below {quantile}");
            }
        }
    }

    #[test]
    fn whole_degrees_keep_their_numbers() {
        // z / sqrt(chi^2 / nu) of the first six normal numbers of the stream.
        let mut x = [0.0];
        Entries::new(Inputs::StudentT { degrees: 5.0 }, &Stream::root(8)).fill(&mut x);
        let mut g = [0.0; 6];
        Stream::root(8).gaussians().fill(&mut g);
        let squares: f64 = g[1..].iter().map(|g| g * g).sum();
        assert_eq!(x[0], (3.0_f64 / 5.0).sqrt() * g[0] / (squares / 5.0).sqrt());
    }
}
