//! Definitions of the learning problems: parameters, data law, loss, algorithm, and nothing that solves them.
//!
//! Both roads, [`crate::theory`] and [`crate::simulate`], read these definitions and share nothing else.

pub mod activation;
pub mod batch_hessian;
pub mod committee;
pub mod deep_linear;
pub mod gaussian_mixture;
pub mod linear_regression;
pub mod noisy_quadratic;
pub mod ntk;
pub mod scaling;
pub mod single_index;
pub mod spec;
pub mod streaming_sgd;
pub mod teacher_mixture;
pub mod transfer;

use batch_hessian::BatchHessian;
use committee::{Committee, Overlaps};
use deep_linear::DeepLinear;
use gaussian_mixture::GaussianMixture;
use linear_regression::LinearRegression;
use noisy_quadratic::NoisyQuadratic;
use ntk::Ntk;
use single_index::SingleIndex;
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
    TeacherMixture(teacher_mixture::Overlaps),
    Ntk(ntk::Start),
    GaussianMixture(gaussian_mixture::Start),
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
            other => {
                Err(vec![Violation::new("kind", format!("unknown problem {other:?}"), "see figure describe")])
            }
        }
    }

    /// Cuts or pads the settings whose shape follows a width to the widths that now stand there, as
    /// [`Problem::fit_start`] does for a start. Only a planted fault on a width needs it.
    pub fn fit_settings(kind: &str, settings: &mut Settings) {
        match kind {
            "committee" => committee::fit_settings(settings),
            "deep-linear" => deep_linear::fit_settings(settings),
            "single-index" => single_index::fit_settings(settings),
            _ => {}
        }
    }

    pub fn kind(&self) -> &'static ProblemKind {
        match self {
            Self::Committee(_) => &committee::KIND,
            Self::DeepLinear(_) => &deep_linear::KIND,
            Self::SingleIndex(_) => &single_index::KIND,
            Self::LinearRegression(_) => &linear_regression::KIND,
            Self::StreamingSgd(_) => &streaming_sgd::KIND,
            Self::NoisyQuadratic(_) => &noisy_quadratic::KIND,
            Self::Transfer(_) => &transfer::KIND,
            Self::BatchHessian(_) => &batch_hessian::KIND,
            Self::TeacherMixture(_) => &teacher_mixture::KIND,
            Self::Ntk(_) => &ntk::KIND,
            Self::GaussianMixture(_) => &gaussian_mixture::KIND,
        }
    }

    /// The observables that both roads can report for this problem.
    pub fn observables(&self) -> Vec<ObservableInfo> {
        match self {
            Self::Committee(problem) => problem.observables(),
            Self::DeepLinear(problem) => problem.observables(),
            Self::SingleIndex(problem) => problem.observables(),
            Self::LinearRegression(problem) => problem.observables(),
            Self::StreamingSgd(problem) => problem.observables(),
            Self::NoisyQuadratic(problem) => problem.observables(),
            Self::Transfer(problem) => problem.observables(),
            Self::BatchHessian(problem) => problem.observables(),
            Self::TeacherMixture(problem) => problem.observables(),
            Self::Ntk(problem) => problem.observables(),
            Self::GaussianMixture(problem) => problem.observables(),
        }
    }

    /// What the entries of a vector observable stand for, where it is a number: the times t' of C(t, t').
    pub fn entry_values(&self, family: &str) -> Option<&[f64]> {
        match self {
            Self::GaussianMixture(problem) => problem.entry_values(family),
            _ => None,
        }
    }

    /// The start in the limit of infinite size, where it exists and says everything: given overlaps, or the
    /// limit of a random start.
    pub fn limit_start(&self) -> Start {
        match self {
            Self::Committee(problem) => Start::Committee(problem.limit_start()),
            Self::DeepLinear(_) => Start::DeepLinear(deep_linear::Start::Stated),
            Self::SingleIndex(problem) => Start::SingleIndex(problem.limit_start()),
            Self::TeacherMixture(problem) => Start::TeacherMixture(problem.limit_start()),
            Self::Ntk(_) => Start::Ntk(ntk::Start::Ensemble),
            Self::GaussianMixture(problem) => Start::GaussianMixture(problem.start()),
            Self::LinearRegression(_) => Start::Size(0),
            Self::StreamingSgd(_) => Start::Size(0),
            Self::NoisyQuadratic(_) => Start::Size(0),
            Self::Transfer(_) => Start::Size(0),
            Self::BatchHessian(_) => Start::Size(0),
        }
    }

    /// The start that the scenario states for a simulation of this size, 0 for no simulation. The order parameters
    /// of most problems do not know the size; laws whose spectrum depends on it do.
    pub fn stated_start(&self, size: usize) -> Start {
        match self.limit_start() {
            Start::Size(_) => Start::Size(size),
            start => start,
        }
    }

    /// The start for the law of this problem, cut out of or padded from a start that was measured on another
    /// width. Only a planted fault on a width makes the two differ.
    pub fn fit_start(&self, start: &Start) -> Start {
        match (self, start) {
            (Self::Committee(problem), Start::Committee(overlaps)) => {
                Start::Committee(overlaps.resized(problem.student_width, problem.teacher_width))
            }
            (Self::DeepLinear(problem), Start::DeepLinear(deep_linear::Start::Measured(start))) => {
                Start::DeepLinear(deep_linear::Start::Measured(Box::new(start.resized(problem))))
            }
            (Self::SingleIndex(problem), Start::SingleIndex(m)) => {
                let mut m = m.clone();
                m.resize(problem.directions, 0.0);
                Start::SingleIndex(m)
            }
            // A stated start follows the problem; the start of another kind is refused by the law.
            (_, start) => start.clone(),
        }
    }

    /// Whether the scenario itself says where the law starts, at every size.
    pub fn states_start(&self) -> bool {
        match self {
            Self::Committee(problem) => problem.states_start(),
            Self::DeepLinear(problem) => problem.states_start(),
            Self::SingleIndex(problem) => problem.states_start(),
            Self::LinearRegression(_) => true,
            Self::BatchHessian(_) => true,
            Self::Transfer(_) => true,
            Self::NoisyQuadratic(_) => true,
            Self::StreamingSgd(problem) => problem.states_start(),
            Self::TeacherMixture(problem) => problem.states_start(),
            Self::Ntk(_) => true,
            Self::GaussianMixture(_) => true,
        }
    }

    /// Why the limit start would give a law that no finite run follows, if so.
    pub fn limit_start_warning(&self) -> Option<String> {
        match self {
            Self::Committee(problem) => problem.limit_start_warning(),
            Self::DeepLinear(problem) => problem.limit_start_warning(),
            Self::SingleIndex(problem) => problem.limit_start_warning(),
            Self::LinearRegression(_) => None,
            Self::BatchHessian(_) => None,
            Self::Transfer(_) => None,
            Self::NoisyQuadratic(_) => None,
            Self::StreamingSgd(problem) => problem.limit_start_warning(),
            Self::TeacherMixture(_) => None,
            Self::Ntk(_) => None,
            Self::GaussianMixture(_) => None,
        }
    }

    /// Why no law covers the problem, if none does.
    pub fn uncovered(&self) -> Option<String> {
        match self {
            Self::Committee(problem) => problem.uncovered(),
            Self::DeepLinear(problem) => problem.uncovered(),
            Self::SingleIndex(problem) => problem.uncovered(),
            Self::LinearRegression(_) => None,
            Self::StreamingSgd(problem) => problem.uncovered(),
            Self::BatchHessian(_) => None,
            Self::Transfer(problem) => problem.uncovered(),
            Self::NoisyQuadratic(problem) => problem.uncovered(),
            Self::TeacherMixture(_) => None,
            Self::Ntk(problem) => problem.uncovered(),
            Self::GaussianMixture(_) => None,
        }
    }

    /// Why a method of simulation does not cover the problem, if it does not.
    pub fn method_uncovered(&self, method: Method) -> Option<String> {
        match (self, method) {
            (_, Method::Direct)
            | (Self::GaussianMixture(_), Method::MatrixFree)
            | (Self::TeacherMixture(_), Method::OverlapChain) => None,
            (Self::Committee(problem), Method::OverlapChain) => problem.chain_uncovered(),
            (Self::SingleIndex(problem), Method::OverlapChain) => problem.chain_uncovered(),
            (_, Method::OverlapChain) => {
                Some("the chain is the one of one-pass SGD on isotropic Gaussian inputs".to_string())
            }
            (_, Method::MatrixFree) => {
                Some("products are drawn for the stored data of a Gaussian mixture alone".to_string())
            }
        }
    }

    /// Bytes that one replica of size `size` needs while it runs.
    pub fn replica_bytes(&self, size: usize, method: Method) -> f64 {
        match self {
            Self::Committee(problem) => problem.replica_bytes(size, method),
            Self::DeepLinear(problem) => problem.replica_bytes(size),
            Self::SingleIndex(problem) => problem.replica_bytes(size, method),
            Self::LinearRegression(problem) => problem.replica_bytes(size),
            Self::StreamingSgd(problem) => problem.replica_bytes(size),
            Self::NoisyQuadratic(problem) => problem.replica_bytes(size),
            Self::Transfer(problem) => problem.replica_bytes(size),
            Self::BatchHessian(problem) => problem.replica_bytes(size),
            Self::TeacherMixture(problem) => problem.replica_bytes(size, method),
            Self::Ntk(problem) => problem.replica_bytes(size),
            Self::GaussianMixture(problem) => problem.replica_bytes(size, method),
        }
    }

    /// Bytes that the law needs while it is integrated up to `end`, where they matter.
    pub fn law_bytes(&self, end: f64) -> f64 {
        match self {
            Self::GaussianMixture(problem) => problem.law_bytes(end),
            _ => 0.0,
        }
    }

    /// The time that a simulation of size `size` records for a requested time: whole updates only.
    pub fn recorded_time(&self, time: f64, size: usize) -> f64 {
        match self {
            Self::Committee(_) | Self::TeacherMixture(_) => {
                scaling::time_of(scaling::updates_at(time, size), size)
            }
            Self::DeepLinear(problem) => problem.time_of(problem.updates_at(time, size), size),
            Self::SingleIndex(problem) => problem.time_of(problem.updates_at(time, size), size),
            Self::LinearRegression(problem) => problem.recorded_time(time),
            Self::BatchHessian(_) => time,
            Self::Transfer(problem) => problem.recorded_time(time, size),
            Self::NoisyQuadratic(problem) => problem.updates_at(time) as f64,
            Self::StreamingSgd(problem) => problem.time_of(problem.updates_at(time, size), size),
            Self::Ntk(_) => time.round(),
            Self::GaussianMixture(problem) => problem.time_of(problem.updates_at(time)),
        }
    }

    /// What a size is called beside its number in captions and legends, in the markup of figures.
    pub fn size_symbol(&self) -> &'static str {
        match self {
            Self::Committee(_)
            | Self::GaussianMixture(_)
            | Self::TeacherMixture(_)
            | Self::SingleIndex(_) => "$d$",
            Self::DeepLinear(problem) => match problem.limit {
                deep_linear::Limit::StepSize => "1/$η$",
                deep_linear::Limit::InitialScale { .. } => "1/scale",
            },
            Self::LinearRegression(_) => "$N$",
            Self::BatchHessian(_) => "$P$",
            Self::Transfer(_) => "$d$",
            Self::NoisyQuadratic(_) => "$K$",
            Self::StreamingSgd(_) => "$d$",
            Self::Ntk(_) => "$n$",
        }
    }

    /// Rough seconds of one thread for one replica up to `end` (size 0: none), with or without a law of its
    /// own. Orders jobs and weighs the progress bar; nothing else relies on it.
    pub fn cost(&self, end: f64, size: usize, method: Method, law: bool) -> f64 {
        match self {
            Self::Committee(problem) => problem.cost(end, size, method, law),
            Self::DeepLinear(problem) => problem.cost(end, size, law),
            Self::SingleIndex(problem) => problem.cost(end, size, method, law),
            Self::LinearRegression(problem) => problem.cost(end, size, law),
            Self::StreamingSgd(problem) => problem.cost(end, size, law),
            Self::NoisyQuadratic(problem) => problem.cost(end, size, law),
            Self::Transfer(problem) => problem.cost(end, size, law),
            Self::BatchHessian(problem) => problem.cost(end, size, law),
            Self::TeacherMixture(problem) => problem.cost(end, size, method, law),
            Self::Ntk(problem) => problem.cost(end, size, law),
            Self::GaussianMixture(problem) => problem.cost(end, size, method, law),
        }
    }
}
