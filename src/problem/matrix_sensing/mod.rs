//! Over-parameterised matrix sensing by gradient descent on factors.

mod parameters;
mod settings;

pub use parameters::KIND;

use super::definition::{IdleKey, idle_where};
use super::scaling;
use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind};
use nalgebra::{DMatrix, DVector};

/// The factorised map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// W = X X^T, loss 1/4 |W - M|_F^2.
    Symmetric,
    /// W = F G^T, loss 1/2 |W - M|_F^2, M with this many columns.
    Asymmetric { columns: usize },
}

/// Factors at time 0, in the basis of the target.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// Independent N(0, std^2) entries of X or F, and N(0, (ratio std)^2) entries of G.
    Random { std: f64, ratio: f64 },
    /// Symmetric: column j is x0_j times axis j.
    Aligned { x0: Vec<f64> },
    /// As stated; G for the asymmetric model alone.
    Given { f: DMatrix<f64>, g: Option<DMatrix<f64>> },
}

/// Which limit the sizes of a simulation approach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Sizes are steps per unit of time, 1/eta; the law is gradient flow.
    StepSize,
    /// Sizes are numbers of measurements; steps have this length, the law is gradient descent on the population.
    Measurements { step: f64 },
}

/// One change of factors that keeps W: F = U S V^T becomes scale U, and G becomes G V S / scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cure {
    /// Rounded to whole updates.
    pub time: f64,
    pub scale: f64,
}

/// Least over greatest singular value of F from which on a cure is defined. Below, rounding of the factors turns the
/// columns of U by more than 1e-5; at 0 they are arbitrary.
pub const CURABLE: f64 = 1e-10;

impl Cure {
    /// Why F with these singular values has no cure, if so.
    pub fn undefined(&self, singular: &DVector<f64>) -> Option<String> {
        let (least, greatest) = (singular.min(), singular.max());
        (least <= CURABLE * greatest).then(|| {
            format!(
                "at the cure the singular values of F go from {least:.1e} to {greatest:.1e}, so that U is not defined \
                 on all of its columns: start from factors of full column rank, take fewer columns, or cure later"
            )
        })
    }
}

/// Target M = diag(strengths) in the first axes, rank r; factors with k columns.
///
/// Gradient descent of step eta on the loss, or on the mean of (<A_i, W - M>)^2 over m matrices A_i of independent
/// N(0, 1) entries in place of |W - M|_F^2; time = eta x updates.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSensing {
    /// n.
    pub dimension: usize,
    pub model: Model,
    /// s_1 >= ... >= s_r.
    pub strengths: Vec<f64>,
    /// k.
    pub columns: usize,
    pub init: Init,
    /// m with limit = step-size; `None` is the population.
    pub measurements: Option<usize>,
    pub limit: Limit,
    pub cure: Option<Cure>,
}

/// The start of a law, beside a simulation of this size, 0 for none: its updates are the grid of the cure.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// As the problem states it.
    Stated {
        size: usize,
    },
    Measured {
        factors: Box<Factors>,
        size: usize,
    },
}

/// X, or F and G, in the basis of the target.
#[derive(Clone, Debug, PartialEq)]
pub struct Factors {
    pub f: DMatrix<f64>,
    pub g: Option<DMatrix<f64>>,
}

const DECLARED: &str = "every key is declared and checked";

impl MatrixSensing {
    /// r.
    pub fn rank(&self) -> usize {
        self.strengths.len()
    }

    /// Rows of G.
    pub fn width(&self) -> usize {
        match self.model {
            Model::Symmetric => self.dimension,
            Model::Asymmetric { columns } => columns,
        }
    }

    pub fn is_symmetric(&self) -> bool {
        self.model == Model::Symmetric
    }

    /// Dimension of the null space of the final factors, k - r.
    pub fn excess(&self) -> usize {
        self.columns.saturating_sub(self.rank())
    }

    /// eta for a simulation of this size.
    pub fn step(&self, size: usize) -> f64 {
        match self.limit {
            Limit::StepSize => scaling::time_of(1, size),
            Limit::Measurements { step } => step,
        }
    }

    pub fn updates_at(&self, time: f64, size: usize) -> u64 {
        match self.limit {
            Limit::StepSize => scaling::updates_at(time, size),
            Limit::Measurements { step } => (time / step).round() as u64,
        }
    }

    pub fn time_of(&self, updates: u64, size: usize) -> f64 {
        match self.limit {
            Limit::StepSize => scaling::time_of(updates, size),
            Limit::Measurements { step } => updates as f64 * step,
        }
    }

    /// Time after the whole updates nearest to `time`; `time` itself without a simulation in the limit of small steps.
    pub fn recorded(&self, time: f64, size: usize) -> f64 {
        match self.limit {
            Limit::StepSize if size == 0 => time,
            _ => self.time_of(self.updates_at(time, size), size),
        }
    }

    /// min(k, n) - r, the directions outside the target along which symmetric factors decay as a power.
    pub fn tail_directions(&self) -> usize {
        self.columns.min(self.dimension).saturating_sub(self.rank())
    }

    /// Measurements of a simulation of this size.
    pub fn measurements_at(&self, size: usize) -> Option<usize> {
        match self.limit {
            Limit::StepSize => self.measurements,
            Limit::Measurements { .. } => Some(size),
        }
    }

    /// The factors that the problem states, if it does.
    pub fn stated(&self) -> Option<Factors> {
        match &self.init {
            Init::Random { .. } => None,
            Init::Aligned { x0 } => {
                let f =
                    DMatrix::from_fn(self.dimension, self.columns, |i, j| if i == j { x0[j] } else { 0.0 });
                Some(Factors { f, g: None })
            }
            Init::Given { f, g } => Some(Factors { f: f.clone(), g: g.clone() }),
        }
    }

    /// Independent entries of one measurement that act: the symmetric part for X X^T.
    pub fn entries(&self) -> usize {
        match self.model {
            Model::Symmetric => self.dimension * (self.dimension + 1) / 2,
            Model::Asymmetric { columns } => self.dimension * columns,
        }
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// Rules between keys: ranks, shapes, which start and cure fit which model.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        settings::read(settings)
    }
}

impl Definition for MatrixSensing {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn idle_keys(&self) -> Vec<IdleKey> {
        idle_where([(
            self.model == Model::Symmetric,
            "init.ratio",
            "it concerns G, and X X^T has one factor",
        )])
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
        let (r, k) = (self.rank(), self.columns);
        let mut list = vec![
            entry("error", "|$W$ − $M$|^{2}", "squared Frobenius distance of W to the target", vec![], true),
            entry(
                "scaled_error",
                "$t$^{2} |$W$ − $M$|^{2}",
                "time squared times error: (min(k, n) - r)/4 in the tail of symmetric factors, where k and n exceed r",
                vec![],
                false,
            ),
            entry(
                "rate",
                "rate",
                "-1/2 d ln(error) / dt, of a simulation over its next update",
                vec![],
                false,
            ),
            entry("strength", "$w$", "W along mode i of the target", vec![r], false),
            entry(
                "excess",
                "|$W$_{0}|^{2}",
                "squared Frobenius norm of W between the null spaces of the target",
                vec![],
                true,
            ),
        ];
        if !self.is_symmetric() {
            list.push(entry(
                "imbalance",
                "$Λ$",
                "eigenvalues of F^T F - G^T G, ascending: conserved by the flow",
                vec![k],
                false,
            ));
            list.push(entry(
                "final_rate",
                "$λ$_{end}",
                "the smaller one of the least eigenvalue of F^T F and the r-th largest of G^T G: the rate in the end, where F outweighs G",
                vec![],
                false,
            ));
            if self.excess() > 0 {
                list.push(entry(
                    "restricted_eigenvalue",
                    "$l$",
                    "smallest eigenvalue of F^T F - G^T G on the k - r right singular directions of G with the smallest singular values",
                    vec![],
                    false,
                ));
            }
        }
        list
    }

    /// Why no law covers the problem, if so.
    fn uncovered(&self) -> Option<String> {
        self.measurements.map(|m| {
            format!(
                "{m} measurements are not the population, however small the step; use limit = \"measurements\""
            )
        })
    }

    fn replica_bytes(&self, size: usize, _method: Method) -> f64 {
        let p = self.entries() as f64;
        let factors = (self.columns * (self.dimension + self.width())) as f64;
        let stored = self.measurements_at(size).map_or(0.0, |m| 1.5 * (m as f64).min(p) * p + 512.0 * p);
        8.0 * (stored + 6.0 * factors + 3.0 * p)
    }

    fn recorded_time(&self, time: f64, size: usize) -> f64 {
        self.recorded(time, size)
    }

    /// See [`Definition::cost`].
    fn cost(&self, end: f64, size: usize, _method: Method, law: bool) -> f64 {
        let (n, k) = ((self.dimension + self.width()) as f64, self.columns as f64);
        let p = self.entries() as f64;
        let updates = if size == 0 { 0.0 } else { end / self.step(size) };
        let (start, sensed) = match self.measurements_at(size) {
            Some(m) => (m as f64 * p * (4e-9 + 3e-10 * p), 1e-9 * (m as f64).min(p) * p),
            None => (0.0, 0.0),
        };
        let law = if law { 2e-6 * end * self.strengths[0] + 1e-3 } else { 0.0 };
        start + updates * (sensed + 2e-9 * n * k * k + 1e-6) + law
    }

    fn states_start(&self) -> bool {
        self.stated().is_some()
    }

    /// A random start has no limit.
    fn limit_start_warning(&self) -> Option<String> {
        (!self.states_start()).then(|| {
            "factors are drawn at random and the law depends on the draw; use law.start = \"replica\"".into()
        })
    }

    fn size_symbol(&self) -> &'static str {
        match self.limit {
            Limit::StepSize => "1/$η$",
            Limit::Measurements { .. } => "$m$",
        }
    }

    fn limit_start(&self) -> super::Start {
        super::Start::MatrixSensing(Start::Stated { size: 0 })
    }

    fn fit_start(&self, start: &super::Start) -> super::Start {
        let super::Start::MatrixSensing(Start::Measured { factors, size }) = start else {
            return start.clone();
        };
        // Columns stay: more of them that are zero would be the same factors.
        let fitted = |x: &DMatrix<f64>, rows| x.clone().resize_vertically(rows, 0.0);
        let f = fitted(&factors.f, self.dimension);
        let g = factors.g.as_ref().map(|g| fitted(g, self.width()));
        super::Start::MatrixSensing(Start::Measured { factors: Box::new(Factors { f, g }), size: *size })
    }
}
