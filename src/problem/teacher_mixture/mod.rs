//! A linear student on a mixture of sub-populations, each with a teacher of its own.

mod label;
mod overlaps;
mod parameters;
pub mod readings;
pub mod risk;

pub use label::{LabelMoments, LabelRule};
pub use overlaps::Overlaps;
pub use parameters::KIND;

use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind, scaling};
use nalgebra::{DMatrix, DVector};

/// The student at time 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// W = 0.
    Zero,
    /// Independent N(0, std^2) entries.
    Random { std: f64 },
    /// Overlaps Q, R_c = W.W_T^c/d and M_c = W.mu_c/d, exactly, at every size.
    Given { q: f64, r: DVector<f64>, m: DVector<f64> },
}

/// Linear student on a Gaussian mixture whose sub-populations have teachers of their own, under one-pass SGD.
///
/// With probability rho_c a sample belongs to sub-population c: x = mu_c/sqrt d + sqrt(Delta_c) z, z ~ N(0, I_d),
/// label y = f_c(W_T^c.x/sqrt d + b_T^c). Student yhat = W.x/sqrt d + b. One update, err = y - yhat:
///
/// W += (eta/sqrt d) err x, b += (eta_b/d) err.
///
/// Time = updates / d. Loss of a sub-population e_c = 1/2 <(y - yhat)^2>, its classification error the probability
/// that yhat and teacher field have opposite signs; totals are means over the probabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct TeacherMixture {
    /// rho_c, of sum 1 (length C).
    pub probability: Vec<f64>,
    /// Delta_c (length C).
    pub variance: Vec<f64>,
    /// T_cj = W_T^c.W_T^j/d (C x C).
    pub teachers: DMatrix<f64>,
    /// S_jc = W_T^j.mu_c/d, row j of teachers, column c of means.
    pub alignments: DMatrix<f64>,
    /// U_ac = mu_a.mu_c/d (C x C).
    pub means: DMatrix<f64>,
    /// b_T^c (length C).
    pub teacher_bias: Vec<f64>,
    /// f_c (length C).
    pub labels: Vec<LabelRule>,
    /// eta.
    pub learning_rate: f64,
    /// eta_b; equal to `learning_rate` unless stated.
    pub bias_rate: f64,
    pub init: Init,
    /// b at time 0.
    pub student_bias: f64,
}

impl TeacherMixture {
    /// C.
    pub fn groups(&self) -> usize {
        self.probability.len()
    }

    /// Whether some sub-population has a mean that is not 0.
    pub fn has_means(&self) -> bool {
        self.means.iter().any(|&u| u != 0.0)
    }

    /// Moments of the labels of sub-population `c`, for teachers and means of these overlaps.
    pub fn label_moments(&self, overlaps: &Overlaps, c: usize) -> LabelMoments {
        let mean = overlaps.s[(c, c)] + self.teacher_bias[c];
        self.labels[c].moments(mean, self.variance[c] * overlaps.t[(c, c)])
    }

    /// The order parameters at time 0 for infinite d.
    pub fn limit_start(&self) -> Overlaps {
        let zeros = DVector::zeros(self.groups());
        let (q, r, m) = match &self.init {
            Init::Zero => (0.0, zeros.clone(), zeros),
            Init::Random { std } => (std * std, zeros.clone(), zeros),
            Init::Given { q, r, m } => (*q, r.clone(), m.clone()),
        };
        let (t, s, u) = (self.teachers.clone(), self.alignments.clone(), self.means.clone());
        Overlaps { q, r, m, b: self.student_bias, t, s, u }
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// Rules between keys: lengths, probabilities, and overlaps that belong to vectors.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        parameters::read(settings)
    }
}

impl Definition for TeacherMixture {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn draws_test_sets(&self) -> bool {
        true
    }

    fn observables(&self) -> Vec<ObservableInfo> {
        readings::observables(self)
    }

    fn limit_start(&self) -> super::Start {
        super::Start::TeacherMixture(self.limit_start())
    }

    /// Whether overlaps are stated, or follow from what is stated.
    fn states_start(&self) -> bool {
        !matches!(self.init, Init::Random { .. })
    }

    fn finite_size_uncovered(&self) -> Option<String> {
        (self.groups() > 3)
            .then(|| "the spread at finite size is covered for three sub-populations at most".to_string())
    }

    fn method_uncovered(&self, method: Method) -> Option<String> {
        match method {
            Method::OverlapChain => None,
            other => super::direct_only(other),
        }
    }

    /// Student, teachers, means and one input; overlaps alone for the chain.
    fn replica_bytes(&self, d: usize, method: Method) -> f64 {
        let vectors = (1 + 2 * self.groups()) as f64;
        match method {
            Method::Direct | Method::MatrixFree => 8.0 * (vectors + 1.0) * d as f64,
            Method::OverlapChain => 8.0 * vectors * vectors,
        }
    }

    fn recorded_time(&self, time: f64, size: usize) -> f64 {
        scaling::time_of(scaling::updates_at(time, size), size)
    }

    /// See [`Definition::cost`]. Direct: 2.5 ns per update and coordinate; chain: 20 ns per update and
    /// vector; the law 10 microseconds.
    fn cost(&self, end: f64, d: usize, method: Method, law: bool) -> f64 {
        let updates = end * d as f64;
        let simulation = match method {
            Method::Direct | Method::MatrixFree => 2.5e-9 * updates * d as f64,
            Method::OverlapChain => 20e-9 * updates * (1 + 2 * self.groups()) as f64,
        };
        simulation + if law { 1e-5 } else { 0.0 }
    }
}
