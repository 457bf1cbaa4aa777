//! Two-layer teacher-student networks trained by one-pass SGD.

mod overlaps;
mod parameters;
pub mod risk;

pub use overlaps::Overlaps;
pub use parameters::KIND;
pub(super) use parameters::fit_settings;

use super::activation::Activation;
use super::definition::{IdleKey, idle_where};
use super::scaling::OutputScaling;
use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind, scaling};
use nalgebra::{DMatrix, DVector};

/// Which layers SGD moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trained {
    FirstLayer,
    BothLayers,
}

/// Law of the teacher's first-layer weights.
#[derive(Clone, Debug, PartialEq)]
pub enum Teacher {
    /// Overlaps T, exactly, at every size.
    Given { t: DMatrix<f64> },
    /// Independent N(0, std^2) entries, redrawn in every replica.
    Random { std: f64 },
}

/// Law of the student's first-layer weights at time 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// Independent N(0, std^2) entries.
    Random { std: f64 },
    /// Unit k starts on teacher unit k for k <= M, surplus units at 0 or on teacher unit k mod M, plus
    /// N(0, std^2) on every entry.
    Informed { std: f64, surplus: Surplus },
    /// Overlaps Q and R, exactly, at every size: weights are built on an orthonormal frame.
    Given { q: DMatrix<f64>, r: DMatrix<f64> },
}

/// Where the units beyond the M-th start in an informed start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surplus {
    Zero,
    /// On teacher unit k mod M: with v = v* M / K the student starts as an exact copy of the teacher.
    Copy,
}

impl Surplus {
    /// The teacher unit on which student unit `k` starts, both from 0.
    pub fn teacher_unit(self, k: usize, teacher_width: usize) -> Option<usize> {
        match self {
            Self::Zero => (k < teacher_width).then_some(k),
            Self::Copy => Some(k % teacher_width),
        }
    }
}

/// Two-layer teacher-student network under one-pass SGD.
///
/// Inputs x ~ N(0, I_d). Fields lambda_k = w_k.x/sqrt d (student), rho_m = w*_m.x/sqrt d (teacher). Label
/// y = s* sum_m v*_m g(rho_m) + sigma zeta, student s sum_k v_k g(lambda_k), with s, s* of [`OutputScaling`].
/// With err = y - student, one update on a fresh batch of b samples (mean over the batch) is
///
/// w_k += (eta_k/sqrt d) v_k g'(lambda_k) err x - (kappa/d) w_k, v_k += (eta_v/d) g(lambda_k) err - (kappa_v/d) v_k,
///
/// where both rates carry s and the rate factor of the scaling. Time = updates / d.
/// Generalisation error e_g = <(teacher - student)^2>/2 without the label noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Committee {
    /// K.
    pub student_width: usize,
    /// M.
    pub teacher_width: usize,
    pub activation: Activation,
    pub trained: Trained,
    /// eta.
    pub learning_rate: f64,
    /// eta_v; equal to `learning_rate` unless stated. Not used if only the first layer is trained.
    pub second_layer_rate: f64,
    /// sigma, a standard deviation.
    pub noise_std: f64,
    /// kappa.
    pub weight_decay: f64,
    /// kappa_v.
    pub second_layer_decay: f64,
    /// b.
    pub batch: usize,
    pub output: OutputScaling,
    pub teacher: Teacher,
    /// v* (length M).
    pub teacher_second_layer: DVector<f64>,
    pub init: Init,
    /// Mean of v at time 0 (length K).
    pub student_second_layer: DVector<f64>,
    /// Standard deviation around it, drawn afresh in every replica.
    pub second_layer_std: f64,
    /// Samples per input dimension, drawn once and visited in random order with replacement; `None` is a
    /// fresh sample for every update.
    pub training_set: Option<f64>,
}

impl Committee {
    /// Whether two units of the student, or two of the teacher, could change places without a change of the outputs'
    /// law: equal second-layer weights, up to sign where g is odd, and for the teacher equal lengths.
    fn has_equal_units(&self) -> bool {
        let odd = matches!(self.activation, Activation::Erf | Activation::Tanh | Activation::Sine);
        let weight = |v: f64| if odd { v.abs() } else { v };
        let pair =
            |n: usize, equal: &dyn Fn(usize, usize) -> bool| (0..n).any(|i| (0..i).any(|j| equal(i, j)));
        let (v, teacher) = (&self.student_second_layer, &self.teacher_second_layer);
        let t = self.limit_start().t;
        pair(v.len(), &|i, j| weight(v[i]) == weight(v[j]))
            || pair(teacher.len(), &|i, j| weight(teacher[i]) == weight(teacher[j]) && t[(i, i)] == t[(j, j)])
    }

    /// s of the student's output.
    pub fn student_scale(&self) -> f64 {
        self.output.output(self.student_width)
    }

    /// s* of the teacher's output.
    pub fn teacher_scale(&self) -> f64 {
        self.output.output(self.teacher_width)
    }

    /// The learning rate that multiplies v_k g'(lambda_k) err in the update of w_k.
    pub fn effective_rate(&self) -> f64 {
        self.learning_rate * self.output.rate(self.student_width) * self.student_scale()
    }

    /// The learning rate that multiplies g(lambda_k) err in the update of v_k; 0 if v is not trained.
    pub fn effective_second_layer_rate(&self) -> f64 {
        match self.trained {
            Trained::FirstLayer => 0.0,
            Trained::BothLayers => {
                self.second_layer_rate * self.output.rate(self.student_width) * self.student_scale()
            }
        }
    }

    /// Decay rate of v; 0 if v is not trained.
    pub fn effective_second_layer_decay(&self) -> f64 {
        match self.trained {
            Trained::FirstLayer => 0.0,
            Trained::BothLayers => self.second_layer_decay,
        }
    }

    /// The order parameters at time 0 for infinite d.
    pub fn limit_start(&self) -> Overlaps {
        let (k, m) = (self.student_width, self.teacher_width);
        let t = match &self.teacher {
            Teacher::Given { t } => t.clone(),
            Teacher::Random { std } => DMatrix::identity(m, m) * (std * std),
        };
        let (q, r) = match &self.init {
            Init::Random { std } => (DMatrix::identity(k, k) * (std * std), DMatrix::zeros(k, m)),
            Init::Informed { std, surplus } => {
                let on = |i| surplus.teacher_unit(i, m);
                let shared = |i, j| on(i).zip(on(j)).map_or(0.0, |(a, b)| t[(a, b)]);
                (
                    DMatrix::from_fn(k, k, |i, j| shared(i, j) + if i == j { std * std } else { 0.0 }),
                    DMatrix::from_fn(k, m, |i, n| on(i).map_or(0.0, |a| t[(a, n)])),
                )
            }
            Init::Given { q, r } => (q.clone(), r.clone()),
        };
        Overlaps { q, r, t, v: self.student_second_layer.clone(), v_star: self.teacher_second_layer.clone() }
    }

    /// The chain draws every input afresh.
    pub fn chain_uncovered(&self) -> Option<String> {
        self.training_set.map(|_| {
            "a training set visits its inputs again, and the chain draws every input afresh".to_string()
        })
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// Rules between keys: shapes of given overlaps, positive semi-definite C.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        parameters::read(settings)
    }
}

impl Definition for Committee {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn idle_keys(&self) -> Vec<IdleKey> {
        idle_where([
            (self.trained == Trained::FirstLayer, "second_layer_rate", "the second layer keeps its start"),
            (self.trained == Trained::FirstLayer, "second_layer_decay", "the second layer keeps its start"),
        ])
    }

    fn draws_test_sets(&self) -> bool {
        true
    }

    fn observables(&self) -> Vec<ObservableInfo> {
        let (k, m) = (self.student_width, self.teacher_width);
        let entry = |name, label, doc, shape| ObservableInfo {
            name,
            label,
            doc,
            shape,
            positive: name == "generalisation_error",
            symmetric: name == "Q" || name == "T",
        };
        vec![
            entry(
                "generalisation_error",
                "ε_{g}",
                "half the mean squared difference of teacher and student outputs, without label noise",
                vec![],
            ),
            entry("Q", "Q", "student-student overlaps w_i.w_k/d", vec![k, k]),
            entry("R", "R", "student-teacher overlaps w_i.w*_n/d", vec![k, m]),
            entry("T", "T", "teacher-teacher overlaps w*_n.w*_m/d", vec![m, m]),
            entry("v", "v", "second-layer weights of the student", vec![k]),
            entry(
                "specialised",
                "share specialised",
                "1 where R without its row and column means exceeds 1/2 in norm, else 0: its mean is the share of runs",
                vec![],
            ),
        ]
    }

    fn limit_start(&self) -> super::Start {
        super::Start::Committee(self.limit_start())
    }

    fn fit_start(&self, start: &super::Start) -> super::Start {
        match start {
            super::Start::Committee(overlaps) => {
                super::Start::Committee(overlaps.resized(self.student_width, self.teacher_width))
            }
            other => other.clone(),
        }
    }

    /// Whether overlaps are stated, or follow from what is stated.
    fn states_start(&self) -> bool {
        !matches!(self.init, Init::Random { .. })
    }

    /// A random start has overlaps of order d^(-1/2) that break the symmetry between units; their limit does
    /// not, and the law never leaves the plateau.
    fn limit_start_warning(&self) -> Option<String> {
        let random = matches!(self.init, Init::Random { .. });
        let remedy = "use law.start = \"replica\", or init = { kind = \"given\", ... }";
        if random && self.activation == Activation::Quadratic {
            return Some(format!(
                "a random start has overlaps with the teacher of order d^(-1/2), and from their limit 0 even units \
                 never learn a direction; {remedy}"
            ));
        }
        let several = self.student_width > 1 && self.activation != Activation::Linear;
        if random && several && self.has_equal_units() {
            return Some(format!(
                "a random start has overlaps of order d^(-1/2) whose limit keeps units with equal second-layer \
                 weights equal, so the law would never leave the plateau; {remedy}"
            ));
        }
        let second_layer = self.second_layer_std > 0.0;
        second_layer.then(|| "the second layer starts at random; use law.start = \"replica\"".into())
    }

    /// A finite training set repeats its samples; the order-parameter equations hold for fresh ones.
    fn uncovered(&self) -> Option<String> {
        self.training_set.map(|p| {
            format!(
                "the law holds for one pass over fresh samples; a training set of {p} d samples visited again and \
                 again is outside it"
            )
        })
    }

    /// Moments of the noise of a step are closed forms, or exact by quadrature, for four activations.
    fn finite_size_uncovered(&self) -> Option<String> {
        if let Some(reason) = self.uncovered() {
            return Some(reason);
        }
        let fields = self.student_width + self.teacher_width;
        let most = match self.activation {
            Activation::Erf => 24,
            Activation::Linear => 9,
            Activation::Quadratic | Activation::Relu => 5,
            other => {
                return Some(format!(
                    "the moments of the noise of one step are known for erf, linear, quadratic and ReLU units, not for {}",
                    other.name()
                ));
            }
        };
        if fields > most {
            return Some(format!(
                "the spread at finite size is covered up to K + M = {most} for {} units",
                self.activation.name()
            ));
        }
        (self.second_layer_std > 0.0).then(|| {
            "a second layer that starts at random differs between replicas at every size: set second_layer_std = 0"
                .into()
        })
    }

    fn method_uncovered(&self, method: Method) -> Option<String> {
        match method {
            Method::OverlapChain => self.chain_uncovered(),
            other => super::direct_only(other),
        }
    }

    /// Weights of student and teacher, one input, and the training set where there is one; overlaps alone for
    /// the chain.
    fn smallest_size(&self) -> usize {
        // Less than the rank that the simulation needs where eigenvalues are this small, never more.
        let rank = |c: DMatrix<f64>| {
            let largest = c.amax();
            if largest == 0.0 {
                return 1;
            }
            let values = (c / largest).symmetric_eigenvalues();
            values.iter().filter(|value| **value > 1e-6 * values.max()).count().max(1)
        };
        match (&self.init, &self.teacher) {
            (Init::Given { .. }, _) => rank(self.limit_start().covariance()),
            (_, Teacher::Given { t }) => rank(t.clone()),
            _ => 1,
        }
    }

    fn replica_bytes(&self, d: usize, method: Method) -> f64 {
        let (k, m, d) = (self.student_width as f64, self.teacher_width as f64, d as f64);
        let numbers = match method {
            Method::Direct | Method::MatrixFree => {
                let stored = self.training_set.map_or(0.0, |p| p * d * (d + 1.0));
                (k + m + 1.0) * d + stored
            }
            Method::OverlapChain => (k + m + 2.0) * (2.0 * k + m),
        };
        8.0 * (numbers + k * self.batch as f64)
    }

    fn recorded_time(&self, time: f64, size: usize) -> f64 {
        scaling::time_of(scaling::updates_at(time, size), size)
    }

    /// See [`Definition::cost`]. Direct: 0.2 ns per sample, input coordinate and unit, and 0.8 per number
    /// drawn; chain: 20 ns per sample and unit; a law costs one I4 for each pair of pairs of fields in some
    /// hundred steps per decade of time.
    fn cost(&self, end: f64, d: usize, method: Method, law: bool) -> f64 {
        let (k, n) = (self.student_width as f64, (self.student_width + self.teacher_width) as f64);
        let d = d as f64;
        let samples = end * d * self.batch as f64;
        let simulation = match method {
            Method::Direct | Method::MatrixFree => 1e-9 * samples * d * (0.8 + 0.2 * n),
            Method::OverlapChain => 1e-9 * samples * (20.0 * n + 2.0 * k * n),
        };
        // Seconds of one right-hand side; averages by quadrature are lattices in up to four fields.
        let derivative = match self.activation {
            Activation::Tanh | Activation::Gelu | Activation::Softplus => 0.02 * k * k * n,
            Activation::Relu => 5e-8 * 0.25 * k * k * n * n,
            _ => 5e-9 * 0.25 * k * k * n * n,
        };
        let law = if law { derivative * (1e3 + 30.0 * end * self.learning_rate) } else { 0.0 };
        simulation + law
    }
}
