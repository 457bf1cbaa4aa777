//! Square loss in full batch: everything is an integral over the spectrum of H = X^T X/d.
//!
//! An update of the mean cost is linear in w. With k_t(x) = (1 - eta (lambda + x/nu))^t for steps, e^(-(lambda + x/nu) t)
//! for the flow, and f_t = (1 - k_t)/(nu lambda + x),
//!
//! w(t) = k_t(H) w(0) + f_t(H) X^T y/sqrt d.
//!
//! The bulk of H is Delta times a Marchenko-Pastur law, of density rho on Delta (1 -+ sqrt alpha)^2, with the resolvent
//! S(z), Delta z S^2 + (z + Delta - alpha Delta) S + 1 = 0. Two clusters: H is bulk plus b b^T/d, where X^T y/sqrt d =
//! sqrt(alpha) b and b = sqrt(alpha) v + noise of variance Delta, |b|^2/d = K = alpha + Delta. By the rank-one formula b
//! with b, over K, and v with b, over sqrt alpha, meet the density Im S/(pi (1 + K S)), and v with v meets Im (S -
//! alpha S^2/(1 + K S))/pi. With |S|^2 = 1/(Delta x) on the cut both are rho times a simple pole at x* = K (1 + Delta),
//!
//! rho_1 = rho Delta x/(alpha (x* - x)),  rho_v = rho Delta (1 + Delta)/(x* - x) = (Delta rho + alpha rho_1)/K,
//!
//! with x* = x_+ + (sqrt alpha - Delta)^2. For alpha > Delta^2 x* is an eigenvalue, of weight (alpha - Delta^2)/alpha in
//! rho_1; for alpha < 1 there is one at 0, of weight 1 - alpha in rho. Linear teacher: pure bulk, y is x.v/sqrt(Delta d)
//! plus noise.
//!
//! # Validity
//! Every alpha and Delta, 1 and alpha = Delta^2 included, at times up to 1e18 in units of the fastest mode, with 13 digits
//! or more of m, C and the training loss. The loss is a sum of squares and keeps its digits as it vanishes.

use crate::math::marchenko_pastur::nodes_with_pole;
use crate::problem::gaussian_mixture::{Data, Dynamics, GaussianMixture, Start, risk};

/// Step of the quadrature over the bulk, whose error is e^(-pi^2/(2 step)).
const STEP: f64 = 0.1;

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
    /// `mean` over x.
    per_x: f64,
}

/// How the modes of one eigenvalue are at a time.
#[derive(Clone, Copy, Debug)]
struct Kernel {
    /// k_t.
    k: f64,
    /// f_t.
    f: f64,
    /// 1 - x f_t: what is left of the labels.
    left: f64,
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
        let gap = if clusters { (alpha.sqrt() - delta).powi(2) } else { f64::INFINITY };
        let mut points: Vec<Point> = nodes_with_pole(alpha, STEP, gap / delta)
            .map(|(node, below)| {
                let (x, bulk) = (delta * node.eigenvalue, node.weight);
                if !clusters {
                    return Point { x, bulk, along: bulk, mean: 0.0, per_x: 0.0 };
                }
                let met = bulk * delta / (gap + delta * below);
                Point { x, bulk, along: met * (1.0 + delta), mean: met * x / alpha, per_x: met / alpha }
            })
            .collect();
        if clusters && alpha > delta * delta {
            let (x, weight) = (k * (1.0 + delta), alpha - delta * delta);
            let mean = weight / alpha;
            points.push(Point { x, bulk: 0.0, along: weight / k, mean, per_x: mean / x });
        }
        if alpha < 1.0 {
            let along = if clusters { (1.0 - alpha) * delta / k } else { 1.0 - alpha };
            points.push(Point { x: 0.0, bulk: 1.0 - alpha, along, mean: 0.0, per_x: 0.0 });
        }
        Self { problem: problem.clone(), start, points }
    }

    fn kernel(&self, x: f64, t: f64) -> Kernel {
        let p = &self.problem;
        let rate = p.ridge + x / p.normalisation;
        let step = p.learning_rate * rate;
        // 1 - k where k is close to 1.
        let small = |exponent: f64| (libm::exp(exponent), -libm::expm1(exponent));
        let (k, gone) = match p.dynamics {
            Dynamics::Flow => small(-rate * t),
            Dynamics::Steps if step < 0.5 => small(t * libm::log1p(-step)),
            Dynamics::Steps => {
                let k = (1.0 - step).powi(t as i32);
                (k, 1.0 - k)
            }
        };
        if rate == 0.0 {
            let time = if p.dynamics == Dynamics::Steps { p.learning_rate * t } else { t };
            return Kernel { k, f: time / p.normalisation, left: 1.0 };
        }
        let whole = p.normalisation * rate;
        Kernel { k, f: gone / whole, left: (p.normalisation * p.ridge + x * k) / whole }
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
            let Kernel { k, f, .. } = self.kernel(p.x, t);
            let learnt = if clusters { alpha * p.mean * f } else { p.along * p.x * f / root };
            m0 * p.along * k + learnt
        })
    }

    /// C(t, t').
    pub fn correlation(&self, t: f64, s: f64) -> f64 {
        let (alpha, delta) = (self.problem.sample_ratio, self.problem.cluster_variance);
        let Start { overlap: m0, variance } = self.start;
        let root = delta.sqrt();
        self.sum(|p| {
            let (Kernel { k, f, .. }, Kernel { k: k2, f: f2, .. }) =
                (self.kernel(p.x, t), self.kernel(p.x, s));
            let start = (variance * p.bulk + m0 * m0 * p.along) * k * k2;
            let learnt = match self.problem.data {
                Data::LinearTeacher { noise_std } => {
                    let (y, y2) = (p.x * f / root, p.x * f2 / root);
                    p.along * (y * y2 + m0 * (k * y2 + k2 * y)) + noise_std.powi(2) * p.bulk * p.x * f * f2
                }
                _ => alpha * p.mean * ((alpha + delta) * f * f2 + m0 * (k * f2 + k2 * f)),
            };
            start + learnt
        })
    }

    /// <(y - r)^2>/2 over the training set.
    ///
    /// y - r is (1 - H' f) y - k r(0) with H' = X X^T/d on the side of the samples. A share of the labels that no weights
    /// reach stays: for alpha > 1, Delta (alpha - 1)/(alpha (1 + Delta)) of those of two clusters, and 1 - 1/alpha of the
    /// noise on a teacher's. The rest are squares, mode by mode.
    pub fn training_loss(&self, t: f64) -> f64 {
        let (alpha, delta) = (self.problem.sample_ratio, self.problem.cluster_variance);
        let Start { overlap: m0, variance } = self.start;
        let (k_all, out_of_reach) = (alpha + delta, (alpha - 1.0).max(0.0) / alpha);
        let twice = match self.problem.data {
            Data::LinearTeacher { noise_std } => {
                let noise = noise_std.powi(2);
                let learnt = self.sum(|p| {
                    let Kernel { k, left, .. } = self.kernel(p.x, t);
                    let signal = p.along * (m0 * k - left / delta.sqrt()).powi(2);
                    let labels = if p.x > 0.0 { noise * p.bulk * left * left } else { 0.0 };
                    p.x * (variance * p.bulk * k * k + signal) + labels
                });
                learnt / alpha + noise * out_of_reach
            }
            _ => {
                let spread = (variance + m0 * m0 * delta / k_all) / alpha;
                let learnt = self.sum(|p| {
                    let Kernel { k, left, .. } = self.kernel(p.x, t);
                    let signal = left - m0 * k * p.x / k_all;
                    spread * p.x * p.bulk * k * k + k_all * p.per_x * signal * signal
                });
                learnt + out_of_reach * delta / (1.0 + delta)
            }
        };
        0.5 * twice
    }

    /// The error on a fresh sample: see [`risk::test_error`]; of a linear teacher as a sum of squares.
    pub fn test_error(&self, t: f64) -> f64 {
        let delta = self.problem.cluster_variance;
        let Start { overlap: m0, variance } = self.start;
        let Data::LinearTeacher { noise_std } = self.problem.data else {
            return risk::test_error(&self.problem, self.overlap(t), self.correlation(t, t));
        };
        let distance = self.sum(|p| {
            let Kernel { k, f, left } = self.kernel(p.x, t);
            let noise = noise_std.powi(2) * p.x * f * f;
            p.bulk * (variance * k * k + noise) + p.along * (m0 * k - left / delta.sqrt()).powi(2)
        });
        0.5 * delta * distance
    }
}
