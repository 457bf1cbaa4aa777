//! Independent entries of mean 0 and variance 1.

use crate::problem::transfer::Inputs;
use crate::rng::{Gaussians, Stream};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

pub(super) struct Entries {
    law: Inputs,
    gaussians: Box<Gaussians>,
    uniform: Xoshiro256PlusPlus,
}

impl Entries {
    pub fn new(law: Inputs, stream: &Stream) -> Self {
        Self { law, gaussians: Box::new(stream.gaussians()), uniform: stream.generator() }
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
                let nu = degrees as f64;
                let scale = ((nu - 2.0) / nu).sqrt();
                for x in out {
                    let z = self.gaussians.next();
                    let squares: f64 = (0..degrees).map(|_| self.gaussians.next()).map(|g| g * g).sum();
                    *x = scale * z / (squares / nu).sqrt();
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
            Inputs::StudentT { degrees: 7 },
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
}
