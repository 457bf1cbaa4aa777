//! Square loss in full batch: everything is an integral over the spectrum of H = X^T X/d.
//!
//! An update of the mean cost is linear in w. With k_t(x) = (1 - eta (lambda + x/nu))^t for steps, e^(-(lambda + x/nu) t)
//! for the flow, and f_t = (1 - k_t)/(nu lambda + x),
//!
//! w(t) = k_t(H) w(0) + f_t(H) X^T y/sqrt d.
//!
//! The bulk of H is a Marchenko-Pastur law on Delta (1 -+ sqrt alpha)^2 with the resolvent S(z), Delta z S^2 + (z + Delta -
//! alpha Delta) S + 1 = 0. Two clusters: H is bulk plus b b^T/d, where X^T y/sqrt d = sqrt(alpha) b and b = sqrt(alpha) v +
//! noise of variance Delta, |b|^2/d = K = alpha + Delta. The densities that b and v meet are, by the rank-one formula,
//!
//! rho_1 = Im S/(pi (1 + K S)) (b with b, over K; v with b, over sqrt alpha),  rho_v = Im (S - alpha S^2/(1 + K S))/pi,
//!
//! with an atom at the outlier 1 + K S(z) = 0 where there is one, and for alpha < 1 at 0. Linear teacher: pure bulk, y is
//! x.v/sqrt(Delta d) plus noise.

use crate::problem::gaussian_mixture::{Data, Dynamics, GaussianMixture, Start, stability};
use std::f64::consts::PI;

/// Points of the bulk: midpoints in the angle that removes both square roots of the edges, so that the rule converges
/// exponentially.
const POINTS: usize = 4000;

/// One point of the spectrum with its weights.
#[derive(Clone, Copy, Debug)]
struct Point {
    x: f64,
    /// Of the trace (rho_MP).
    bulk: f64,
    /// Of v with v.
    along: f64,
    /// Of b with b over K: of v with b over sqrt alpha.
    mean: f64,
}

/// The law in spectral form.
///
/// ```
/// use asymptotica::problem::gaussian_mixture::{Batch, Data, Dynamics, GaussianMixture, Loss, Route};
/// use asymptotica::theory::gaussian_mixture::Spectrum;
///
/// // alpha = 2, Delta = 1/2, lambda = 0.1, eta = 0.2, R = 0.01.
/// let problem = GaussianMixture {
///     data: Data::TwoClusters, sample_ratio: 2.0, cluster_variance: 0.5, loss: Loss::Square, ridge: 0.1,
///     learning_rate: 0.2, normalisation: 1.0, initial_variance: 0.01, initial_overlap: 0.0, batch: Batch::Full,
///     momentum: 0.0, temperature: 0.0, dynamics: Dynamics::Steps, correlation_times: vec![], fork_time: None,
///     response: false, route: Route::Spectrum,
/// };
/// let law = Spectrum::new(&problem, problem.start());
/// assert!((law.overlap(50.0) - 0.629124787815).abs() < 1e-11);
/// assert!((law.training_loss(50.0) - 0.087190843576).abs() < 1e-11);
/// ```
#[derive(Clone, Debug)]
pub struct Spectrum {
    problem: GaussianMixture,
    start: Start,
    points: Vec<Point>,
}

impl Spectrum {
    /// The spectrum of a problem with the square loss in full batch.
    ///
    /// # Panics
    /// For three clusters, which `GaussianMixture::from_settings` refuses.
    pub fn new(problem: &GaussianMixture, start: Start) -> Self {
        assert!(!matches!(problem.data, Data::ThreeClusters { .. }), "the door is not linear");
        let (alpha, delta) = (problem.sample_ratio, problem.cluster_variance);
        let clusters = problem.data == Data::TwoClusters;
        let k = alpha + delta;
        let (low, high) = (delta * (1.0 - alpha.sqrt()).powi(2), delta * (1.0 + alpha.sqrt()).powi(2));
        let mut points = Vec::with_capacity(POINTS + 2);
        for i in 0..POINTS {
            let angle = (i as f64 + 0.5) * PI / POINTS as f64;
            let x = 0.5 * (high + low) - 0.5 * (high - low) * angle.cos();
            let half = 0.5 * (high - low) * angle.sin();
            let width = half * PI / POINTS as f64;
            // S above the cut: real part -(x + Delta - alpha Delta)/(2 Delta x), imaginary part half/(2 Delta x).
            let s = Complex {
                re: -(x + delta - alpha * delta) / (2.0 * delta * x),
                im: half / (2.0 * delta * x),
            };
            let ratio = s.over(Complex { re: 1.0 + k * s.re, im: k * s.im });
            let bulk = width * s.im / PI;
            let (along, mean) = if clusters {
                let square = s.times(ratio);
                (width * (s.im - alpha * square.im) / PI, width * ratio.im / PI)
            } else {
                (bulk, 0.0)
            };
            points.push(Point { x, bulk, along, mean });
        }
        if let (true, Some(x)) = (clusters, stability::outlier(alpha, delta)) {
            // Residues of S/(1 + K S) and of alpha S^2/(1 + K S) at S = -1/K, with S' from the quadratic equation.
            let s = -1.0 / k;
            let slope = -(delta * s * s + s) / (2.0 * delta * x * s + x + delta - alpha * delta);
            points.push(Point { x, bulk: 0.0, along: alpha * s * s / (k * slope), mean: -s / (k * slope) });
        }
        if alpha < 1.0 {
            let along = if clusters { (1.0 - alpha) * delta / k } else { 1.0 - alpha };
            points.push(Point { x: 0.0, bulk: 1.0 - alpha, along, mean: 0.0 });
        }
        Self { problem: problem.clone(), start, points }
    }

    /// k_t and f_t at one point.
    fn kernel(&self, x: f64, t: f64) -> (f64, f64) {
        let p = &self.problem;
        let rate = p.ridge + x / p.normalisation;
        let k = match p.dynamics {
            Dynamics::Steps => (1.0 - p.learning_rate * rate).powi(t as i32),
            Dynamics::Flow => (-rate * t).exp(),
        };
        let f = if rate > 0.0 {
            (1.0 - k) / (p.normalisation * rate)
        } else {
            let time = if p.dynamics == Dynamics::Steps { p.learning_rate * t } else { t };
            time / p.normalisation
        };
        (k, f)
    }

    fn sum(&self, term: impl Fn(&Point) -> f64) -> f64 {
        self.points.iter().map(term).sum()
    }

    /// m(t), t in the unit of the problem.
    pub fn overlap(&self, t: f64) -> f64 {
        let (alpha, m0) = (self.problem.sample_ratio, self.start.overlap);
        let root = self.problem.cluster_variance.sqrt();
        let clusters = self.problem.data == Data::TwoClusters;
        self.sum(|p| {
            let (k, f) = self.kernel(p.x, t);
            let learnt = if clusters { alpha * p.mean * f } else { p.along * p.x * f / root };
            m0 * p.along * k + learnt
        })
    }

    /// C(t, t').
    pub fn correlation(&self, t: f64, s: f64) -> f64 {
        self.quadratic(t, s, |_| 1.0)
    }

    /// w(t).h(H) w(t')/d.
    fn quadratic(&self, t: f64, s: f64, h: impl Fn(f64) -> f64) -> f64 {
        let (alpha, delta) = (self.problem.sample_ratio, self.problem.cluster_variance);
        let Start { overlap: m0, variance } = self.start;
        let root = delta.sqrt();
        self.sum(|p| {
            let ((k, f), (k2, f2)) = (self.kernel(p.x, t), self.kernel(p.x, s));
            let start = (variance * p.bulk + m0 * m0 * p.along) * k * k2;
            let learnt = match self.problem.data {
                Data::LinearTeacher { noise_std } => {
                    let (y, y2) = (p.x * f / root, p.x * f2 / root);
                    p.along * (y * y2 + m0 * (k * y2 + k2 * y)) + noise_std.powi(2) * p.bulk * p.x * f * f2
                }
                _ => alpha * p.mean * ((alpha + delta) * f * f2 + m0 * (k * f2 + k2 * f)),
            };
            h(p.x) * (start + learnt)
        })
    }

    /// <(y - r)^2>/2 over the training set.
    pub fn training_loss(&self, t: f64) -> f64 {
        let (alpha, delta) = (self.problem.sample_ratio, self.problem.cluster_variance);
        let m0 = self.start.overlap;
        let root = delta.sqrt();
        let square = self.quadratic(t, t, |x| x) / alpha;
        // <y r> = w.X^T y/(n sqrt d), and <y^2>.
        let (product, labels) = match self.problem.data {
            Data::LinearTeacher { noise_std } => {
                let product = self.sum(|p| {
                    let (k, f) = self.kernel(p.x, t);
                    let noise = noise_std.powi(2) * p.bulk * p.x * f;
                    p.along * p.x * (m0 * k + p.x * f / root) / root + noise
                });
                (product / alpha, 1.0 + noise_std.powi(2))
            }
            _ => {
                let product = self.sum(|p| {
                    let (k, f) = self.kernel(p.x, t);
                    p.mean * (m0 * k + (alpha + delta) * f)
                });
                (product, 1.0)
            }
        };
        0.5 * (labels - 2.0 * product + square)
    }
}

#[derive(Clone, Copy, Debug)]
struct Complex {
    re: f64,
    im: f64,
}

impl Complex {
    fn times(self, o: Self) -> Self {
        Self { re: self.re * o.re - self.im * o.im, im: self.re * o.im + self.im * o.re }
    }

    fn over(self, o: Self) -> Self {
        let square = o.re * o.re + o.im * o.im;
        Self {
            re: (self.re * o.re + self.im * o.im) / square,
            im: (self.im * o.re - self.re * o.im) / square,
        }
    }
}
