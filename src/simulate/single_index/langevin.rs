//! Langevin dynamics on the sphere at high temperature, on a training set, and the average of its iterates.

use super::inputs::Source;
use super::vectors::{Vectors, normalise};
use crate::linalg;
use crate::problem::Start;
use crate::problem::single_index::{SingleIndex, risk::Constants};
use crate::rng::{Gaussians, Stream};
use crate::simulate::dense::{add, dot};
use crate::simulate::{Measure, Replica, Risk, SimulationError};
use crate::trajectory::Curve;
use nalgebra::DMatrix;
use std::time::Instant;

/// Coordinates of samples between two questions whether to stop: some milliseconds.
const WORK_BETWEEN_POLLS: usize = 1 << 21;

/// Relaxation times, in units of d of the stated duration, that pass before averages are taken.
const BURN_IN: f64 = 0.05;

/// A training set that grows, and an iterate on the sphere that moves in the landscape of its correlation.
///
/// With L(theta) = (1/n) sum_i y_i s(theta.x_i) and P the projection orthogonal to theta, one step is
///
/// theta <- theta + (eta/d) beta P grad L + sqrt(2 eta/d) P xi, back onto the sphere, beta = b sqrt(n d),
///
/// so that theta forgets where it was within 1/eta steps. Samples come from the stream `data`, label noise from
/// `label-noise`, xi from `langevin`.
pub(super) struct Langevin<'a> {
    problem: &'a SingleIndex,
    d: usize,
    inverse_temperature: f64,
    steps: usize,
    even: bool,
    planted: Vec<f64>,
    theta: Vec<f64>,
    inputs: Vec<f64>,
    labels: Vec<f64>,
    source: Source,
    noise: Gaussians,
    kicks: Gaussians,
}

impl<'a> Langevin<'a> {
    /// At inverse temperature b, with averages over `duration` d relaxation times.
    pub fn new(problem: &'a SingleIndex, d: usize, b: f64, duration: f64, stream: &Stream) -> Self {
        let (theta, mut planted, source) = Vectors::new(problem, d, stream).into_parts();
        // Without odd powers theta and -theta are one, and the mean of the iterates is 0.
        let powers = problem.student.as_polynomial().map_or(&[][..], |student| student.powers());
        let even = powers.iter().skip(1).step_by(2).all(|&p| p == 0.0);
        Self {
            problem,
            d,
            inverse_temperature: b,
            steps: (duration * d as f64 / problem.learning_rate).ceil() as usize,
            even,
            planted: planted.swap_remove(0),
            theta,
            inputs: Vec::new(),
            labels: Vec::new(),
            source,
            noise: stream.child("label-noise").gaussians(),
            kicks: stream.child("langevin").gaussians(),
        }
    }

    pub fn start(&self) -> Vec<f64> {
        self.theta.clone()
    }

    /// theta.theta*.
    pub fn overlap(&self, theta: &[f64]) -> f64 {
        dot(theta, &self.planted)
    }

    /// The direction estimated from the first `samples` samples: the mean of the iterates, or the leading eigenvector
    /// of the mean of theta theta^T where the landscape is even.
    ///
    /// # Errors
    /// [`SimulationError::Interrupted`], and eigenvectors that are not found.
    pub fn estimate(&mut self, samples: usize, stop: &dyn Fn() -> bool) -> Result<Vec<f64>, SimulationError> {
        let d = self.d;
        self.collect(samples, stop)?;
        let beta = self.inverse_temperature * ((samples * d) as f64).sqrt();
        let drift = self.problem.learning_rate / d as f64 * beta;
        let spread = (2.0 * self.problem.learning_rate / d as f64).sqrt();
        let between_polls = WORK_BETWEEN_POLLS / (samples * d).max(1) + 1;
        let burn_in = (BURN_IN * self.steps as f64).ceil() as usize;
        let (mut mean, mut second) = (vec![0.0; d], vec![0.0; if self.even { d * d } else { 0 }]);
        let (mut gradient, mut kick) = (vec![0.0; d], vec![0.0; d]);
        for step in 0..burn_in + self.steps {
            if step % between_polls == 0 && stop() {
                return Err(SimulationError::Interrupted);
            }
            self.gradient(&mut gradient);
            self.kicks.fill(&mut kick);
            kick.iter_mut().zip(&gradient).for_each(|(k, g)| *k = drift * g + spread * *k);
            let radial = dot(&kick, &self.theta);
            self.theta.iter_mut().zip(&kick).for_each(|(theta, k)| *theta += k - radial * *theta);
            normalise(&mut self.theta);
            if step < burn_in {
                continue;
            }
            if self.even {
                for (row, theta) in second.chunks_exact_mut(d).zip(&self.theta) {
                    add(row, *theta, &self.theta);
                }
            } else {
                add(&mut mean, 1.0, &self.theta);
            }
        }
        if self.even {
            let eigen = linalg::symmetric_eigen(&DMatrix::from_vec(d, d, second))?;
            return Ok(eigen.vectors.column(d - 1).iter().copied().collect());
        }
        normalise(&mut mean);
        Ok(mean)
    }

    fn collect(&mut self, samples: usize, stop: &dyn Fn() -> bool) -> Result<(), SimulationError> {
        let (d, problem) = (self.d, self.problem);
        let noise = problem.noise_variance.sqrt();
        while self.labels.len() < samples {
            if self.labels.len().is_multiple_of(WORK_BETWEEN_POLLS / d + 1) && stop() {
                return Err(SimulationError::Interrupted);
            }
            let first = self.inputs.len();
            self.inputs.resize(first + d, 0.0);
            self.source.fill(&mut self.inputs[first..]);
            let field = dot(&self.planted, &self.inputs[first..]);
            self.labels.push(problem.link.value(field) + noise * self.noise.next());
        }
        Ok(())
    }

    /// grad L at theta.
    fn gradient(&self, out: &mut [f64]) {
        out.fill(0.0);
        let scale = 1.0 / self.labels.len() as f64;
        for (x, y) in self.inputs.chunks_exact(self.d).zip(&self.labels) {
            let field = dot(&self.theta, x);
            add(out, scale * y * self.problem.student.derivative(field), x);
        }
    }

    /// Calls `take` with h and h* of `samples` new inputs; false if `stop` said so.
    pub fn probe(
        &self,
        theta: &[f64],
        samples: usize,
        stream: &Stream,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(f64, f64),
    ) -> bool {
        let mut source = Source::new(self.problem.inputs, stream);
        let mut x = vec![0.0; self.d];
        for sample in 0..samples {
            if sample % (WORK_BETWEEN_POLLS / self.d + 1) == 0 && stop() {
                return false;
            }
            source.fill(&mut x);
            take(dot(theta, &x), dot(&self.planted, &x));
        }
        true
    }
}

/// One replica: at every time, the estimate from as many samples as have been seen by then. Overlaps count as reached
/// from the first time at which an estimate reaches them.
pub(super) fn averaged(
    problem: &SingleIndex,
    d: usize,
    mut langevin: Langevin<'_>,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    let constants = Constants::new(problem);
    let mut estimate = langevin.start();
    let start = vec![langevin.overlap(&estimate)];
    let mut curve = Curve::new(measure.observables);
    let mut passages = [None; 2];
    for (snapshot, &time) in measure.times.iter().enumerate() {
        let samples = problem.updates_at(time, d);
        let now = problem.time_of(samples, d);
        if samples > 0 {
            estimate = langevin.estimate(samples as usize, stop)?;
        }
        let m = langevin.overlap(&estimate);
        for (passage, threshold) in passages.iter_mut().zip([problem.weak_overlap, problem.strong_overlap]) {
            *passage = passage.or((m.abs() >= threshold).then_some(now));
        }
        let mut values = Vec::with_capacity(measure.observables.len());
        for key in measure.observables {
            values.push(match (key.as_str(), measure.risk) {
                ("loss", Risk::Overlaps) => constants.loss(problem, &[m]),
                ("loss", Risk::TestSet { samples }) => {
                    let stream = stream.child("test-set").index(snapshot as u64);
                    let mut sum = 0.0;
                    let done = langevin.probe(&estimate, samples, &stream, stop, &mut |h, planted| {
                        sum += (problem.link.value(planted) - problem.student.value(h)).powi(2);
                    });
                    if !done {
                        return Err(SimulationError::Interrupted);
                    }
                    0.5 * sum / samples as f64
                }
                ("overlap", _) => m.abs(),
                ("weak_recovery", _) => f64::from(passages[0].is_some()),
                ("strong_recovery", _) => f64::from(passages[1].is_some()),
                ("weak_recovery_time", _) => passages[0].unwrap_or(now),
                ("strong_recovery_time", _) => passages[1].unwrap_or(now),
                _ => m,
            });
        }
        curve.push(now, &values);
        curve.work.updates = samples;
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::SingleIndex(start) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::single_index::{Algorithm, Init, Inputs, Link, Planted, Polynomial, Schedule};

    /// At high temperature the mean of theta is that of theta L(theta) over the sphere: for h_3 a sum of
    /// y_i (|x_i|^2/(d + 2) - 1) x_i.
    #[test]
    fn the_mean_at_high_temperature_is_that_of_the_landscape() {
        let third = Link::polynomial(Polynomial::from_hermite(&[0.0, 0.0, 0.0, 1.0]));
        let problem = SingleIndex {
            link: third.clone(),
            student: third,
            directions: 1,
            learning_rate: 0.1,
            rate_exponent: 0.5,
            schedule: Schedule::Constant,
            noise_variance: 0.2,
            init: Init::Random { hemisphere: false },
            inputs: Inputs::Gaussian,
            planted: Planted::Random,
            algorithm: Algorithm::Langevin { inverse_temperature: 0.03, duration: 1e4 },
            weak_overlap: 0.5,
            strong_overlap: 0.9,
        };
        let (d, samples) = (6, 60);
        let mut langevin = Langevin::new(&problem, d, 0.03, 1e4, &Stream::root(944));
        assert!(!langevin.even);
        let found = langevin.estimate(samples, &|| false).expect("an estimate");
        let mut expected = vec![0.0; d];
        for (x, y) in langevin.inputs.chunks_exact(d).zip(&langevin.labels) {
            add(&mut expected, y * (dot(x, x) / (d + 2) as f64 - 1.0), x);
        }
        normalise(&mut expected);
        let cosine = dot(&found, &expected);
        println!("cosine {cosine:.4}");
        assert!(cosine > 0.9, "{cosine}");
    }
}
