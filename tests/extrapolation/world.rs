//! Synthetic ensembles whose approach to the limit is known.

use asymptotica::compare::{Exponents, Extrapolated, Group, Metric, Terms, extrapolate};
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;
use statrs::distribution::{Binomial, DiscreteCDF};

pub const POINTS: usize = 40;
pub const SIZES: [usize; 4] = [100, 200, 400, 800];
pub const EXPECTED: Exponents = Exponents { bias: 1.0, fluctuation: 0.5 };

pub fn stream(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

pub fn terms(metric: Metric, resolution: f64) -> Terms {
    Terms { metric, resolution, within: vec![], level: 0.95, draws: 500 }
}

/// Law 1 to 2 over the points: its range is 1, so absolute gaps are plain differences.
pub fn law() -> Vec<f64> {
    (0..POINTS).map(|p| 1.0 + p as f64 / (POINTS - 1) as f64).collect()
}

pub fn x() -> Vec<f64> {
    (0..POINTS).map(|p| 0.7 * (p + 1) as f64).collect()
}

/// Gaussian values of one replica: autoregressive over the points with correlation 0.9 per step.
pub fn dependent<R: Rng>(generator: &mut R) -> Vec<f64> {
    let mut normal = || generator.sample::<f64, _>(StandardNormal);
    let mut z = normal();
    (0..POINTS)
        .map(|_| {
            let value = z;
            z = 0.9 * z + (1.0 - 0.81_f64).sqrt() * normal();
            value
        })
        .collect()
}

/// How a synthetic simulation deviates from its law at point p and size N: mean and spread.
#[derive(Clone, Copy)]
pub struct World {
    /// Gap that remains.
    pub limit: f64,
    /// c of c / N, at the first point; it doubles along the curve.
    pub slope: f64,
    /// e of e / N^2.
    pub curvature: f64,
    /// Spread times sqrt N, at the first point; it triples along the curve.
    pub noise: f64,
}

impl World {
    pub const QUIET: Self = Self { limit: 0.0, slope: 0.0, curvature: 0.0, noise: 0.02 };

    pub fn mean(&self, p: usize, size: usize) -> f64 {
        let (n, along) = (size as f64, p as f64 / (POINTS - 1) as f64);
        self.limit + self.slope * (1.0 + along) / n + self.curvature / (n * n)
    }

    pub fn spread(&self, p: usize, size: usize) -> f64 {
        self.noise * (1.0 + 2.0 * p as f64 / (POINTS - 1) as f64) / (size as f64).sqrt()
    }

    pub fn group<R: Rng>(&self, size: usize, run: usize, replicas: usize, generator: &mut R) -> Group {
        let law = law();
        let replica = |z: Vec<f64>| -> Vec<Option<f64>> {
            (0..POINTS).map(|p| Some(law[p] + self.mean(p, size) + self.spread(p, size) * z[p])).collect()
        };
        Group {
            label: "K = 4".into(),
            size,
            observable: "generalisation_error".into(),
            positive: true,
            x: x(),
            simulation: (0..replicas).map(|_| replica(dependent(generator))).collect(),
            law: vec![law.iter().map(|&l| Some(l)).collect()],
            law_error: vec![0.0; POINTS],
            run,
        }
    }

    pub fn groups<R: Rng>(&self, sizes: &[usize], replicas: usize, generator: &mut R) -> Vec<Group> {
        sizes.iter().enumerate().map(|(run, &size)| self.group(size, run, replicas, generator)).collect()
    }
}

pub fn absolute<R: Rng>(groups: &[Group], generator: &mut R) -> Extrapolated {
    extrapolate(groups, &terms(Metric::Absolute, 0.05), EXPECTED, generator)
}

pub fn covers(limit: &Extrapolated, gap: f64) -> bool {
    let bands = limit.verdict.curves.iter().flat_map(|curve| curve.band.as_ref().expect("a band").iter());
    bands.copied().all(|(low, high)| low <= gap && gap <= high)
}

/// Counts of `trials` that a frequency of exactly `p` exceeds on either side once in 2000 times.
pub fn plausible(p: f64, trials: u64) -> std::ops::RangeInclusive<u64> {
    let binomial = Binomial::new(p, trials).unwrap();
    binomial.inverse_cdf(5e-4)..=binomial.inverse_cdf(1.0 - 5e-4)
}
