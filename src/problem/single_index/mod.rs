//! Single-index models: one direction on the sphere learns one or several planted directions through a link.

mod link;
mod parameters;
pub mod risk;

pub use link::{HIGHEST_ORDER, Link, Polynomial, Smoothed};
pub use parameters::KIND;
pub(super) use parameters::fit_settings;

use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind, scaling};

/// The student at time 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// Uniform on the sphere, or on the half of it where the overlap with the first planted direction is positive.
    Random { hemisphere: bool },
    /// These overlaps m_j, exactly, at every size.
    Given { m: Vec<f64> },
}

/// Law of the inputs; the coordinates have mean 0 and variance 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Inputs {
    Gaussian,
    /// Uniform on the sphere of radius sqrt d.
    Sphere,
    /// Independent signs.
    Rademacher,
    /// Independent Laplace coordinates.
    Laplace,
    /// Independent coordinates, uniform in an interval.
    Uniform,
    /// Independent Student coordinates, of more than 2 degrees of freedom.
    StudentT {
        degrees: f64,
    },
}

/// Planted directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Orthonormal, in uniformly random orientation.
    Random,
    /// The first coordinate axes.
    Axes,
}

/// Learning rate along the clock t.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    Constant,
    /// eta (1 + t/time)^-exponent.
    Power {
        exponent: f64,
        time: f64,
    },
}

/// What follows a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Algorithm {
    /// Spherical SGD on the squared loss.
    Sgd,
    /// Spherical SGD on the correlation loss -y s, averaged over the points (theta + lambda z)/sqrt(1 + lambda^2)
    /// around the student, z uniform on the unit sphere orthogonal to it, lambda = scale d^exponent.
    Smoothed { scale: f64, exponent: f64 },
    /// Langevin dynamics at the inverse temperature beta = b sqrt(n d) on the correlation of all n samples so far,
    /// L(theta) = (1/n) sum_i y_i s(theta.x_i),
    ///
    /// theta <- theta + (eta/d) beta P grad L + sqrt(2 eta/d) P xi, back onto the sphere, P orthogonal to theta,
    ///
    /// averaged over `duration` d / eta steps: d relaxation times. The estimate is the mean of theta, or for an even
    /// student, where theta and -theta are one, the leading eigenvector of the mean of theta theta^T.
    Langevin { inverse_temperature: f64, duration: f64 },
}

/// Student theta on the unit sphere of R^d, planted orthonormal directions theta*_1..theta*_p, one-pass SGD.
///
/// Sample: x of [`Inputs`], fields h = theta.x, h*_j = theta*_j.x, label y = sum_j s*(h*_j)/sqrt p + sqrt(Delta) zeta.
/// With g = (y - s(h)) s'(h), one update is a step along the sphere and back onto it,
///
/// theta <- (theta + alpha (x - h theta)) / |theta + alpha (x - h theta)|, alpha = eta(t) g / d^(1 + a).
///
/// Time = updates / d^(1 + a), a the `rate_exponent`: for a = 0 that is samples / d. Loss = 1/2 <(y - s(h))^2> without
/// the noise.
#[derive(Clone, Debug, PartialEq)]
pub struct SingleIndex {
    /// s* of the labels.
    pub link: Link,
    /// s of the student.
    pub student: Link,
    /// p.
    pub directions: usize,
    /// eta.
    pub learning_rate: f64,
    /// a.
    pub rate_exponent: f64,
    pub schedule: Schedule,
    /// Delta.
    pub noise_variance: f64,
    pub init: Init,
    pub inputs: Inputs,
    pub planted: Planted,
    pub algorithm: Algorithm,
    /// Overlaps |m| from which a direction counts as weakly and as strongly recovered.
    pub weak_overlap: f64,
    pub strong_overlap: f64,
}

impl SingleIndex {
    /// eta(t).
    pub fn rate_at(&self, t: f64) -> f64 {
        match self.schedule {
            Schedule::Constant => self.learning_rate,
            Schedule::Power { exponent, time } => self.learning_rate * (1.0 + t / time).powf(-exponent),
        }
    }

    /// Completed updates at `time`, rounded to the nearest whole one.
    pub fn updates_at(&self, time: f64, d: usize) -> u64 {
        (time / scaling::spherical_step(d, self.rate_exponent)).round() as u64
    }

    pub fn time_of(&self, updates: u64, d: usize) -> f64 {
        updates as f64 * scaling::spherical_step(d, self.rate_exponent)
    }

    /// lambda of a smoothed landscape in dimension d.
    pub fn smoothing(&self, d: usize) -> f64 {
        match self.algorithm {
            Algorithm::Sgd | Algorithm::Langevin { .. } => 0.0,
            Algorithm::Smoothed { scale, exponent } => scale * (d as f64).powf(exponent),
        }
    }

    /// The start of the law: m_1..m_p.
    pub fn limit_start(&self) -> Vec<f64> {
        match &self.init {
            Init::Random { .. } => vec![0.0; self.directions],
            Init::Given { m } => m.clone(),
        }
    }

    /// Why no overlap chain covers the problem, if none does.
    pub fn chain_uncovered(&self) -> Option<String> {
        if matches!(self.algorithm, Algorithm::Langevin { .. }) {
            return Some("averaged Langevin dynamics uses its samples again and again".into());
        }
        (self.inputs != Inputs::Gaussian).then(|| {
            "the chain needs inputs of the same law in every direction and independent components".into()
        })
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// Rules between keys: links, overlaps on a sphere, algorithms that need a polynomial.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        parameters::read(settings)
    }
}

impl Definition for SingleIndex {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn draws_test_sets(&self) -> bool {
        true
    }

    fn observables(&self) -> Vec<ObservableInfo> {
        let entry = |name, label, doc, shape, positive| ObservableInfo {
            name,
            label,
            doc,
            shape,
            positive,
            symmetric: false,
        };
        let shape = if self.directions > 1 { vec![self.directions] } else { vec![] };
        let scalar = |name, label, doc| entry(name, label, doc, vec![], false);
        vec![
            entry("loss", "loss", "half the mean squared error without label noise", vec![], true),
            entry("m", "$m$", "overlap theta.theta* with a planted direction", shape, false),
            scalar("overlap", "overlap |$m$|", "largest modulus of an overlap with a planted direction"),
            scalar(
                "weak_recovery",
                "fraction recovered",
                "1 once the overlap has reached weak_overlap, 0 before: its mean over replicas is the distribution of the time to weak recovery",
            ),
            scalar("strong_recovery", "fraction strongly recovered", "the same for strong_overlap"),
            scalar(
                "weak_recovery_time",
                "time to weak recovery",
                "time spent so far before the overlap first reached weak_overlap",
            ),
            scalar("strong_recovery_time", "time to strong recovery", "the same for strong_overlap"),
        ]
    }

    fn limit_start(&self) -> super::Start {
        super::Start::SingleIndex(self.limit_start())
    }

    fn fit_start(&self, start: &super::Start) -> super::Start {
        match start {
            super::Start::SingleIndex(m) => {
                let mut m = m.clone();
                m.resize(self.directions, 0.0);
                super::Start::SingleIndex(m)
            }
            other => other.clone(),
        }
    }

    fn states_start(&self) -> bool {
        matches!(self.init, Init::Given { .. })
    }

    /// From overlap 0 the law moves by itself only if the information exponent is 1.
    fn limit_start_warning(&self) -> Option<String> {
        matches!(self.init, Init::Random { .. }).then(|| {
            "a random start has overlaps of order d^(-1/2), and how long they take to grow depends on d; use law.start \
             = \"replica\", or init = { kind = \"given\", ... }"
                .into()
        })
    }

    /// Why no law covers the problem, if none does.
    fn uncovered(&self) -> Option<String> {
        if self.algorithm != Algorithm::Sgd {
            return Some("the overlap law is that of plain SGD".into());
        }
        if self.rate_exponent < 0.0 {
            return Some("with steps longer than 1/d the noise of SGD has no limit at fixed time".into());
        }
        let polynomial = self.link.as_polynomial().is_some() && self.student.as_polynomial().is_some();
        (self.directions > 1 && !polynomial)
            .then(|| "several planted directions have a law here for polynomial links only".into())
    }

    fn finite_size_uncovered(&self) -> Option<String> {
        if let Some(reason) = self.uncovered() {
            Some(reason)
        } else if self.directions > 3 {
            Some("the spread at finite size is covered for three planted directions at most".into())
        } else if self.rate_exponent != 0.0 || self.schedule != Schedule::Constant {
            Some("the spread at finite size is covered for steps of a constant rate over d".into())
        } else if self.inputs != Inputs::Gaussian {
            Some("the spread at finite size is that of Gaussian inputs".into())
        } else {
            None
        }
    }

    fn method_uncovered(&self, method: Method) -> Option<String> {
        match method {
            Method::OverlapChain => self.chain_uncovered(),
            other => super::direct_only(other),
        }
    }

    /// Student, planted directions and one input; numbers alone for the chain. The training set of Langevin dynamics
    /// is counted up to the time 1.
    fn smallest_size(&self) -> usize {
        self.directions + 1
    }

    fn replica_bytes(&self, d: usize, method: Method) -> f64 {
        if let Algorithm::Langevin { .. } = self.algorithm {
            return 8.0 * d as f64 * (self.updates_at(1.0, d) as f64 + d as f64);
        }
        match method {
            Method::Direct | Method::MatrixFree => 8.0 * (self.directions + 2) as f64 * d as f64,
            Method::OverlapChain => 1e4,
        }
    }

    fn recorded_time(&self, time: f64, size: usize) -> f64 {
        self.time_of(self.updates_at(time, size), size)
    }

    /// See [`Definition::cost`]. Direct: 2.5 ns per update and coordinate; chain: 40 ns per update; the law half
    /// a second where it needs quadratures.
    fn cost(&self, end: f64, d: usize, method: Method, law: bool) -> f64 {
        let updates = if d == 0 { 0.0 } else { end / scaling::spherical_step(d, self.rate_exponent) };
        let simulation = match (self.algorithm, method) {
            // Two passes over the samples in every step, and sets that double from one time to the next.
            (Algorithm::Langevin { duration, .. }, _) => {
                1e-9 * updates * d as f64 * 2.0 * duration * d as f64 / self.learning_rate
            }
            (_, Method::Direct | Method::MatrixFree) => 2.5e-9 * updates * d as f64,
            (_, Method::OverlapChain) => 40e-9 * updates * self.directions as f64,
        };
        let polynomial = self.link.as_polynomial().is_some() && self.student.as_polynomial().is_some();
        simulation + if law { if polynomial { 1e-3 } else { 0.5 } } else { 0.0 }
    }
}
