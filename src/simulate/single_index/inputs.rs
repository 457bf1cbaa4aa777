//! Input vectors of all laws.

use crate::problem::single_index::Inputs;
use crate::rng::{Gaussians, Stream};
use crate::simulate::dense::dot;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StudentT};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Draws inputs; coordinates have mean 0 and variance 1.
pub(super) struct Source {
    law: Inputs,
    student: Option<StudentT<f64>>,
    normals: Box<Gaussians>,
    uniforms: Xoshiro256PlusPlus,
}

impl Source {
    pub fn new(law: Inputs, stream: &Stream) -> Self {
        let student = match law {
            Inputs::StudentT { degrees } => {
                Some(StudentT::new(degrees).expect("positive degrees of freedom"))
            }
            _ => None,
        };
        Self { law, student, normals: Box::new(stream.gaussians()), uniforms: stream.generator() }
    }

    pub fn fill(&mut self, x: &mut [f64]) {
        let uniforms = &mut self.uniforms;
        match self.law {
            Inputs::Gaussian => self.normals.fill(x),
            Inputs::Sphere => {
                self.normals.fill(x);
                let scale = (x.len() as f64 / dot(x, x)).sqrt();
                x.iter_mut().for_each(|x| *x *= scale);
            }
            Inputs::Rademacher => {
                for chunk in x.chunks_mut(64) {
                    let bits = uniforms.next_u64();
                    for (i, x) in chunk.iter_mut().enumerate() {
                        *x = if bits >> i & 1 == 1 { 1.0 } else { -1.0 };
                    }
                }
            }
            Inputs::Laplace => x.iter_mut().for_each(|x| {
                // u in (-1/2, 1/2): -sign(u) ln(1 - 2 |u|) has variance 2.
                let u: f64 = 0.5 - uniforms.random::<f64>();
                *x = -u.signum() * libm::log1p(-2.0 * u.abs().min(0.5 - f64::EPSILON))
                    / std::f64::consts::SQRT_2;
            }),
            Inputs::Uniform => x.iter_mut().for_each(|x| {
                *x = 3.0_f64.sqrt() * (2.0 * uniforms.random::<f64>() - 1.0);
            }),
            Inputs::StudentT { degrees } => {
                let scale = ((degrees - 2.0) / degrees).sqrt();
                let law = self.student.as_ref().expect("made with the law");
                x.iter_mut().for_each(|x| *x = scale * law.sample(uniforms));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean 0, variance 1, and the fourth moment of each law.
    #[test]
    fn coordinates_have_the_moments_of_their_laws() {
        let d = 500;
        let laws = [
            (Inputs::Gaussian, 3.0),
            (Inputs::Sphere, 3.0 * d as f64 / (d as f64 + 2.0)),
            (Inputs::Rademacher, 1.0),
            (Inputs::Laplace, 6.0),
            (Inputs::Uniform, 1.8),
            (Inputs::StudentT { degrees: 14.0 }, 3.6),
        ];
        for (i, (law, fourth)) in laws.into_iter().enumerate() {
            let mut source = Source::new(law, &Stream::root(941).index(i as u64));
            let mut x = vec![0.0; d];
            let mut sums = [0.0; 3];
            let rounds = 800;
            for _ in 0..rounds {
                source.fill(&mut x);
                for x in &x {
                    for (sum, power) in sums.iter_mut().zip([1, 2, 4]) {
                        *sum += x.powi(power) / (f64::from(rounds) * d as f64);
                    }
                }
            }
            assert!(sums[0].abs() < 0.007 && (sums[1] - 1.0).abs() < 0.016, "{law:?}: {sums:?}");
            assert!((sums[2] / fourth - 1.0).abs() < 0.05, "{law:?}: {sums:?}");
        }
    }
}
