//! Multi-pass SGD of one unit on a Gaussian mixture, or on a linear teacher.

mod batch;
mod loss;
mod observable;
mod parameters;
pub mod risk;
pub mod stability;

pub use batch::Batch;
pub use loss::Loss;
pub use observable::Observable;
pub use parameters::KIND;

use super::scaling::OnePassStep;
use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind};

/// Law of inputs and labels. x = c v/sqrt d + sqrt(Delta) z with z ~ N(0, I_d) and |v|^2 = d.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Data {
    /// c = +-1 equally likely, y = c, phi(r) = r.
    TwoClusters,
    /// c = 0 with probability 1/2, +-1 with 1/4 each; y = 2 c^2 - 1, phi(r) = r^2 - L^2 with L = `threshold`.
    ThreeClusters { threshold: f64 },
    /// c = 0, y = v.z/sqrt d + N(0, noise_std^2), phi(r) = r.
    LinearTeacher { noise_std: f64 },
}

/// What time counts, and what the law is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dynamics {
    /// Time = updates; the law is that of the stated learning rate.
    Steps,
    /// Time = eta x updates; the law is the limit eta -> 0.
    Flow,
}

/// How the law is evaluated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Route {
    /// The causal sweep over `populations` independent populations of `population` effective samples each.
    Sweep { population: usize, populations: usize, moment_matching: bool, seed: u64 },
    /// Closed scalar recursion of the square loss.
    Recursion,
    /// Spectral closed form of the square loss in full batch.
    Spectrum,
}

/// w(t+1) = w(t) + beta (w(t) - w(t-1)) - eta lambda w(t) - eta sum_mu S_mu(t) Lambda'(y_mu, r_mu) x_mu/sqrt d
/// + sqrt(2 eta Theta) xi(t), with r_mu = w.x_mu/sqrt d, S = s/nu, n = alpha d samples drawn once.
///
/// Lambda(y, r) = ell(y phi(r)). The start is w(0) ~ N(0, R I_d) with its overlap w.v/d set to m0.
/// Two copies, where wanted, share data and everything up to `fork_time`, and have batches and noise of their own
/// from then on.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianMixture {
    pub data: Data,
    /// alpha = n / d.
    pub sample_ratio: f64,
    /// Delta.
    pub cluster_variance: f64,
    pub loss: Loss,
    /// lambda.
    pub ridge: f64,
    /// eta.
    pub learning_rate: f64,
    /// nu.
    pub normalisation: f64,
    /// R.
    pub initial_variance: f64,
    /// m0.
    pub initial_overlap: f64,
    pub batch: Batch,
    /// beta.
    pub momentum: f64,
    /// Theta.
    pub temperature: f64,
    pub dynamics: Dynamics,
    /// The times t' of the correlations C(t, t') and responses; of whole numbers of updates, see
    /// [`Self::with_recorded_times`].
    pub correlation_times: Vec<f64>,
    pub fork_time: Option<f64>,
    pub response: bool,
    pub route: Route,
}

/// Where the law starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// m(0).
    pub overlap: f64,
    /// |w(0)|^2/d - m(0)^2.
    pub variance: f64,
}

impl GaussianMixture {
    pub fn start(&self) -> Start {
        Start { overlap: self.initial_overlap, variance: self.initial_variance }
    }

    /// L, where there is one.
    pub fn threshold(&self) -> Option<f64> {
        match self.data {
            Data::ThreeClusters { threshold } => Some(threshold),
            Data::TwoClusters | Data::LinearTeacher { .. } => None,
        }
    }

    /// phi(r).
    pub fn output(&self, r: f64) -> f64 {
        self.threshold().map_or(r, |l| r * r - l * l)
    }

    /// Lambda(y, r).
    #[inline]
    pub fn loss_value(&self, y: f64, r: f64) -> f64 {
        match self.data {
            Data::LinearTeacher { .. } => 0.5 * (y - r) * (y - r),
            _ => self.loss.value(y * self.output(r)),
        }
    }

    /// dLambda/dr.
    #[inline]
    pub fn loss_slope(&self, y: f64, r: f64) -> f64 {
        match self.margin(y, r) {
            Some((u, slope)) => slope * self.loss.slope(u),
            None => r - y,
        }
    }

    /// u and du/dr of a margin loss.
    #[inline]
    pub fn margin(&self, y: f64, r: f64) -> Option<(f64, f64)> {
        match self.data {
            Data::LinearTeacher { .. } => None,
            Data::TwoClusters => Some((y * r, y)),
            Data::ThreeClusters { threshold: l } => Some((y * (r * r - l * l), 2.0 * r * y)),
        }
    }

    /// d^2 Lambda/dr^2; of no meaning for the hinge loss, which has none.
    #[inline]
    pub fn loss_curvature(&self, y: f64, r: f64) -> f64 {
        match self.data {
            Data::LinearTeacher { .. } => 1.0,
            Data::TwoClusters => self.loss.curvature(y * r),
            Data::ThreeClusters { threshold: l } => {
                let u = y * (r * r - l * l);
                4.0 * r * r * self.loss.curvature(u) + 2.0 * y * self.loss.slope(u)
            }
        }
    }

    /// Whether a sample is classified correctly; teachers have no classes.
    #[inline]
    pub fn is_right(&self, y: f64, r: f64) -> bool {
        y * self.output(r) > 0.0
    }

    pub fn classifies(&self) -> bool {
        !matches!(self.data, Data::LinearTeacher { .. })
    }

    /// n for input dimension d.
    pub fn samples(&self, d: usize) -> usize {
        (self.sample_ratio * d as f64).round() as usize
    }

    /// Completed updates at `time`, rounded to the nearest whole one.
    pub fn updates_at(&self, time: f64) -> usize {
        match self.dynamics {
            Dynamics::Steps => time.round() as usize,
            Dynamics::Flow => (time / self.learning_rate).round() as usize,
        }
    }

    pub fn time_of(&self, updates: usize) -> f64 {
        match self.dynamics {
            Dynamics::Steps => updates as f64,
            Dynamics::Flow => self.learning_rate * updates as f64,
        }
    }

    /// The time of the nearest whole number of updates; `time` itself if it is that one up to rounding.
    fn recorded(&self, time: f64) -> f64 {
        let nearest = self.time_of(self.updates_at(time));
        if (nearest - time).abs() <= 1e-9 * self.time_of(1) { time } else { nearest }
    }

    /// The same problem with `correlation_times` and `fork_time` rounded to whole numbers of updates.
    pub fn with_recorded_times(&self) -> Self {
        Self {
            correlation_times: self.correlation_times.iter().map(|&time| self.recorded(time)).collect(),
            fork_time: self.fork_time.map(|time| self.recorded(time)),
            ..self.clone()
        }
    }

    /// Factors of a simulation in dimension d.
    pub fn scaling(&self, d: usize) -> OnePassStep {
        OnePassStep::new(d)
    }

    /// Why a response is not defined, if it is not.
    pub(super) fn response_undefined(&self) -> Option<&'static str> {
        (self.loss == Loss::Hinge)
            .then_some("the hinge loss has no second derivative, and a response needs it")
    }

    /// Vectors that one replica keeps of w, for correlations.
    fn kept(&self) -> f64 {
        if self.correlation_times.is_empty() { 0.0 } else { self.correlation_times.len() as f64 + 100.0 }
    }

    /// Basis fields of the sweep up to `end`: one for each update with fresh batches or noise; in full batch the
    /// gradients span a space that grows with the logarithm of time.
    pub fn expected_fields(&self, end: f64) -> f64 {
        let updates = self.updates_at(end) as f64;
        let copies = if self.fork_time.is_some() { 2.0 } else { 1.0 };
        let responses = if self.response { self.correlation_times.len() as f64 } else { 0.0 };
        let each =
            if self.batch == Batch::Full { (20.0 * (1.0 + updates).ln()).min(updates) } else { updates };
        let noise = if self.temperature > 0.0 { updates } else { 0.0 };
        copies * (each + noise) + responses * each
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// Rules between keys: batch fraction, persistence time, stability, and what a route covers.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        parameters::read(settings)
    }
}

impl Definition for GaussianMixture {
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
        let mut list = vec![
            entry("m", "$m$", "overlap w.v/d", vec![], false),
            entry("C", "$C$($t$, $t$)", "squared length |w|^2/d", vec![], true),
            entry(
                "training_loss",
                "training loss",
                "mean of Lambda over all samples, without ridge",
                vec![],
                true,
            ),
        ];
        if self.classifies() {
            let doc = "share of all samples with y phi(r) > 0";
            list.push(entry("training_accuracy", "training accuracy", doc, vec![], true));
            let doc = "probability that a fresh sample is misclassified";
            list.push(entry("test_error", "test error", doc, vec![], true));
        } else {
            let doc = "half the mean squared error on a fresh sample, label noise left out";
            list.push(entry("test_error", "test error", doc, vec![], true));
        }
        if self.fork_time.is_some() {
            let doc = "distance |w_1 - w_2|^2/d of two copies that part at fork_time";
            list.push(entry("distance", "|$w$_{1} − $w$_{2}|^{2}/$d$", doc, vec![], false));
        }
        let n = self.correlation_times.len();
        if n > 0 {
            let doc = "w(t).w(t')/d with t' the correlation_times";
            list.push(entry("correlation", "$C$($t$, $t$')", doc, vec![n], false));
        }
        if self.response {
            let doc = "u.dw(t)/d for a weak constant force u ~ N(0, I_d) that acts from t' on: d C(t, t') at t' -> t";
            list.push(entry("response", "$χ$($t$, $t$')", doc, vec![n], false));
            let doc = "(C(t, t) - C(t, t')) / response: the temperature that equilibrium would have; for t > t' only";
            list.push(entry("effective_temperature", "$T$_{eff}($t$, $t$')", doc, vec![n], false));
        }
        list
    }

    fn limit_start(&self) -> super::Start {
        super::Start::GaussianMixture(self.start())
    }

    fn method_uncovered(&self, method: Method) -> Option<String> {
        match method {
            Method::MatrixFree => None,
            other => super::direct_only(other),
        }
    }

    /// The data, the weights, and those kept for correlations; without a matrix two bases that grow by one vector
    /// on each side for each update, of which full batch needs some tens.
    fn smallest_size(&self) -> usize {
        2
    }

    fn replica_bytes(&self, d: usize, method: Method) -> f64 {
        let (n, d) = (self.samples(d) as f64, d as f64);
        let stored = match method {
            Method::MatrixFree => 2.0 * (n + d) * 200.0,
            Method::Direct | Method::OverlapChain => n * d,
        };
        8.0 * (stored + 8.0 * (n + d) + self.kept() * d)
    }

    /// Bytes of the law up to `end`: the pool of a population is two vectors for each basis field; the recursion keeps
    /// the matrices of responses and correlations.
    fn law_bytes(&self, end: f64) -> f64 {
        let updates = self.updates_at(end) as f64;
        match self.route {
            Route::Sweep { population, populations, .. } => {
                8.0 * (2.0 * self.expected_fields(end) + 20.0) * (population * populations) as f64
            }
            Route::Recursion => 8.0 * 4.0 * updates * updates,
            Route::Spectrum => 0.0,
        }
    }

    fn recorded_time(&self, time: f64, _size: usize) -> f64 {
        self.time_of(self.updates_at(time))
    }

    /// See [`Definition::cost`]: two products with the data for each update at 2e9 multiplications a second;
    /// a law takes 6 multiplications for each sample, update and pool vector.
    fn cost(&self, end: f64, d: usize, method: Method, law: bool) -> f64 {
        let updates = self.updates_at(end) as f64;
        let (n, dimension) = (self.samples(d) as f64, d as f64);
        let simulation = match method {
            Method::MatrixFree => 1e-9 * (n + dimension) * updates * updates,
            Method::Direct | Method::OverlapChain => {
                n * dimension * (2e-9 + 1e-9 * updates * self.batch.fraction())
            }
        };
        let law = match self.route {
            Route::Sweep { population, populations, .. } if law => {
                3e-9 * updates * (self.expected_fields(end) + 20.0) * (population * populations) as f64
            }
            Route::Recursion if law => 1e-9 * updates.powi(3),
            _ => 0.0,
        };
        simulation + law
    }

    /// See [`Definition::entry_values`].
    fn entry_values(&self, family: &str) -> Option<&[f64]> {
        matches!(family, "correlation" | "response" | "effective_temperature")
            .then_some(self.correlation_times.as_slice())
    }
}
