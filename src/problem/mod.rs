//! Definitions of the learning problems: parameters, data law, loss, algorithm, and nothing that solves them.
//!
//! Both roads, [`crate::theory`] and [`crate::simulate`], read these definitions and share nothing else.

pub mod activation;
pub mod batch_hessian;
pub mod class_imbalance;
pub mod committee;
pub mod deep_linear;
mod definition;
pub mod discretisation_drift;
pub mod extensive_width;
pub mod gaussian_mixture;
pub mod in_context;
pub mod kernel_regression;
pub mod linear_regression;
pub mod matrix_sensing;
pub mod noisy_quadratic;
pub mod ntk;
pub mod scaling;
pub mod single_index;
pub mod sparse_parity;
pub mod spec;
pub mod streaming_sgd;
pub mod teacher_mixture;
pub mod transfer;

use batch_hessian::BatchHessian;
use class_imbalance::ClassImbalance;
use committee::{Committee, Overlaps};
use deep_linear::DeepLinear;
use definition::direct_only;
pub use definition::{Definition, IdleKey};
use discretisation_drift::DiscretisationDrift;
use extensive_width::ExtensiveWidth;
use gaussian_mixture::GaussianMixture;
use in_context::InContext;
use kernel_regression::KernelRegression;
use linear_regression::LinearRegression;
use matrix_sensing::MatrixSensing;
use noisy_quadratic::NoisyQuadratic;
use ntk::Ntk;
use single_index::SingleIndex;
use sparse_parity::SparseParity;
use spec::{Parameter, Settings, Violation};
use streaming_sgd::StreamingSgd;
use teacher_mixture::TeacherMixture;
use transfer::Transfer;

/// What the program says of one kind of problem, without an instance of it.
#[derive(Clone, Copy, Debug)]
pub struct ProblemKind {
    /// Its name in scenario files.
    pub kind: &'static str,
    pub title: &'static str,
    /// Equations, units and validity, for `figure describe`.
    pub description: &'static str,
    pub source: &'static str,
    pub parameters: &'static [Parameter],
    /// What `simulation.sizes` counts, as "input dimension d".
    pub limit_parameter: &'static str,
    /// Expected exponents in the size: mean minus law ~ size^-bias, spread over replicas ~ size^-fluctuation.
    pub bias_exponent: f64,
    pub fluctuation_exponent: f64,
    /// The observable that examples draw and claim.
    pub main_observable: &'static str,
    /// Unit of the time axis.
    pub time_unit: &'static str,
    /// Tolerance of the law's integrator, relative and absolute, unless a scenario states another.
    pub default_tolerance: f64,
    /// Structural faults of the law that `--fault` accepts, with their meaning.
    pub law_faults: &'static [(&'static str, &'static str)],
    /// Further ones of the law at finite size, which leave the law of infinite size as it is.
    pub finite_size_faults: &'static [(&'static str, &'static str)],
    /// Named asymptotic formulas that a panel may overlay, with their meaning.
    pub overlays: &'static [(&'static str, &'static str)],
}

/// Every kind of problem that the program knows.
pub const KINDS: &[ProblemKind] = &[
    committee::KIND,
    deep_linear::KIND,
    ntk::KIND,
    gaussian_mixture::KIND,
    teacher_mixture::KIND,
    linear_regression::KIND,
    streaming_sgd::KIND,
    noisy_quadratic::KIND,
    transfer::KIND,
    batch_hessian::KIND,
    single_index::KIND,
    class_imbalance::KIND,
    matrix_sensing::KIND,
    discretisation_drift::KIND,
    sparse_parity::KIND,
    in_context::KIND,
    extensive_width::KIND,
    kernel_regression::KIND,
];

/// One fully specified learning problem. The set is closed: adding a problem is one file here, one in each
/// road, one or more scenarios, and the match arms that the compiler demands.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    Committee(Committee),
    DeepLinear(DeepLinear),
    SingleIndex(SingleIndex),
    LinearRegression(LinearRegression),
    StreamingSgd(StreamingSgd),
    NoisyQuadratic(NoisyQuadratic),
    Transfer(Transfer),
    BatchHessian(BatchHessian),
    TeacherMixture(TeacherMixture),
    Ntk(Box<Ntk>),
    GaussianMixture(GaussianMixture),
    ClassImbalance(ClassImbalance),
    MatrixSensing(MatrixSensing),
    DiscretisationDrift(DiscretisationDrift),
    ExtensiveWidth(ExtensiveWidth),
    InContext(InContext),
    SparseParity(SparseParity),
    KernelRegression(KernelRegression),
}

/// How the algorithm of a problem is simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// The algorithm itself, on finite data.
    #[default]
    Direct,
    /// The exact finite-size process in the space of order parameters.
    OverlapChain,
    /// The algorithm itself on a data matrix that is never formed: its products are drawn as they are needed.
    MatrixFree,
}

impl Method {
    /// Names and meanings, as scenario files spell them.
    pub const CHOICES: &'static [(&'static str, &'static str)] = &[
        ("direct", "the algorithm itself, on finite data"),
        (
            "overlap-chain",
            "the same process in law, sampled in order-parameter space at a cost independent of the size",
        ),
        ("matrix-free", "the same process in law on a data matrix that is never formed, for large sizes"),
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::OverlapChain => "overlap-chain",
            Self::MatrixFree => "matrix-free",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "direct" => Some(Self::Direct),
            "overlap-chain" => Some(Self::OverlapChain),
            "matrix-free" => Some(Self::MatrixFree),
            _ => None,
        }
    }
}

/// Order parameters from which a law starts.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    Committee(Overlaps),
    DeepLinear(deep_linear::Start),
    /// Overlaps with the planted directions.
    SingleIndex(Vec<f64>),
    /// The problem states everything but its size; size 0 is the limit of infinite size.
    Size(usize),
    /// The spectrum of one data set and the start on it.
    Data(Box<streaming_sgd::DataStart>),
    /// The inputs of one data set, samples in rows.
    Samples(Box<nalgebra::DMatrix<f64>>),
    TeacherMixture(teacher_mixture::Overlaps),
    Ntk(ntk::Start),
    GaussianMixture(gaussian_mixture::Start),
    MatrixSensing(matrix_sensing::Start),
}

/// One quantity that both roads report, or one family of them with indices.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservableInfo {
    /// Name in scenario files and data tables; entries of a family are written `R[1,2]`, indices from 1.
    pub name: &'static str,
    /// Axis label, in the markup of figures (`_{..}`, `^{..}`, Greek letters as Unicode).
    pub label: &'static str,
    pub doc: &'static str,
    /// Empty for a scalar, `[n]` for a vector, `[rows, columns]` for a matrix.
    pub shape: Vec<usize>,
    /// True if the quantity is positive by definition, so that logarithms of it make sense.
    pub positive: bool,
    /// True for a symmetric matrix: panels and claims take each pair of indices once.
    pub symmetric: bool,
}

impl ObservableInfo {
    /// The keys of all entries: `R[1,1]`, `R[1,2]`, ..., or the plain name of a scalar.
    pub fn entries(&self) -> Vec<String> {
        match self.shape[..] {
            [] => vec![self.name.to_string()],
            [n] => (1..=n).map(|i| format!("{}[{i}]", self.name)).collect(),
            [rows, columns] => (1..=rows)
                .flat_map(|i| (1..=columns).map(move |j| format!("{}[{i},{j}]", self.name)))
                .collect(),
            _ => unreachable!("observables have at most two indices"),
        }
    }

    /// The entries that a panel or a claim of the whole family means: each pair of indices of a symmetric
    /// matrix once.
    pub fn distinct_entries(&self) -> Vec<String> {
        match self.shape[..] {
            [n, _] if self.symmetric => {
                (1..=n).flat_map(|i| (i..=n).map(move |j| format!("{}[{i},{j}]", self.name))).collect()
            }
            _ => self.entries(),
        }
    }
}

impl Problem {
    /// Builds a problem from its checked settings; rules that span several keys are checked here.
    ///
    /// # Errors
    /// All violated rules, each with the key that it concerns.
    pub fn from_settings(kind: &str, settings: &Settings) -> Result<Self, Vec<Violation>> {
        match kind {
            "committee" => Committee::from_settings(settings).map(Self::Committee),
            "deep-linear" => DeepLinear::from_settings(settings).map(Self::DeepLinear),
            "single-index" => SingleIndex::from_settings(settings).map(Self::SingleIndex),
            "linear-regression" => LinearRegression::from_settings(settings).map(Self::LinearRegression),
            "streaming-sgd" => StreamingSgd::from_settings(settings).map(Self::StreamingSgd),
            "noisy-quadratic" => NoisyQuadratic::from_settings(settings).map(Self::NoisyQuadratic),
            "transfer" => Transfer::from_settings(settings).map(Self::Transfer),
            "batch-hessian" => BatchHessian::from_settings(settings).map(Self::BatchHessian),
            "teacher-mixture" => TeacherMixture::from_settings(settings).map(Self::TeacherMixture),
            "ntk" => Ntk::from_settings(settings).map(|problem| Self::Ntk(Box::new(problem))),
            "gaussian-mixture" => GaussianMixture::from_settings(settings).map(Self::GaussianMixture),
            "class-imbalance" => ClassImbalance::from_settings(settings).map(Self::ClassImbalance),
            "matrix-sensing" => MatrixSensing::from_settings(settings).map(Self::MatrixSensing),
            "discretisation-drift" => {
                DiscretisationDrift::from_settings(settings).map(Self::DiscretisationDrift)
            }
            "extensive-width" => ExtensiveWidth::from_settings(settings).map(Self::ExtensiveWidth),
            "in-context" => InContext::from_settings(settings).map(Self::InContext),
            "sparse-parity" => SparseParity::from_settings(settings).map(Self::SparseParity),
            "kernel-regression" => KernelRegression::from_settings(settings).map(Self::KernelRegression),
            other => {
                Err(vec![Violation::new("kind", format!("unknown problem {other:?}"), "see figure describe")])
            }
        }
    }

    /// Cuts or pads the settings whose shape follows a width to the widths that now stand there, as
    /// [`Definition::fit_start`] does for a start. Only a planted fault on a width needs it.
    pub fn fit_settings(kind: &str, settings: &mut Settings) {
        match kind {
            "committee" => committee::fit_settings(settings),
            "deep-linear" => deep_linear::fit_settings(settings),
            "single-index" => single_index::fit_settings(settings),
            _ => {}
        }
    }

    fn definition(&self) -> &(dyn Definition + 'static) {
        match self {
            Self::Committee(problem) => problem,
            Self::DeepLinear(problem) => problem,
            Self::SingleIndex(problem) => problem,
            Self::LinearRegression(problem) => problem,
            Self::StreamingSgd(problem) => problem,
            Self::NoisyQuadratic(problem) => problem,
            Self::Transfer(problem) => problem,
            Self::BatchHessian(problem) => problem,
            Self::TeacherMixture(problem) => problem,
            Self::Ntk(problem) => problem.as_ref(),
            Self::GaussianMixture(problem) => problem,
            Self::ClassImbalance(problem) => problem,
            Self::MatrixSensing(problem) => problem,
            Self::DiscretisationDrift(problem) => problem,
            Self::SparseParity(problem) => problem,
            Self::InContext(problem) => problem,
            Self::ExtensiveWidth(problem) => problem,
            Self::KernelRegression(problem) => problem,
        }
    }

    /// The start that the scenario states for a simulation of this size, 0 for no simulation. The order parameters
    /// of most problems do not know the size; laws whose spectrum or whole updates depend on it do.
    pub fn stated_start(&self, size: usize) -> Start {
        match self.limit_start() {
            Start::Size(_) => Start::Size(size),
            Start::MatrixSensing(matrix_sensing::Start::Stated { .. }) => {
                Start::MatrixSensing(matrix_sensing::Start::Stated { size })
            }
            start => start,
        }
    }
}

impl std::ops::Deref for Problem {
    type Target = dyn Definition;

    fn deref(&self) -> &Self::Target {
        self.definition()
    }
}
