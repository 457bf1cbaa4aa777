//! Definitions of the learning problems: parameters, data law, loss, algorithm, and nothing that solves them.
//!
//! Both roads, [`crate::theory`] and [`crate::simulate`], read these definitions and share nothing else.

pub mod activation;
pub mod committee;
pub mod deep_linear;
pub mod scaling;
pub mod single_index;
pub mod spec;
pub mod teacher_mixture;

use committee::{Committee, Overlaps};
use deep_linear::DeepLinear;
use single_index::SingleIndex;
use spec::{Parameter, Settings, Violation};
use teacher_mixture::TeacherMixture;

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
pub const KINDS: &[ProblemKind] =
    &[committee::KIND, deep_linear::KIND, single_index::KIND, teacher_mixture::KIND];

/// One fully specified learning problem. The set is closed: adding a problem is one file here, one in each
/// road, one or more scenarios, and the match arms that the compiler demands.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    Committee(Committee),
    DeepLinear(DeepLinear),
    SingleIndex(SingleIndex),
    TeacherMixture(TeacherMixture),
}

/// How the algorithm of a problem is simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// The algorithm itself, on finite data.
    #[default]
    Direct,
    /// The exact finite-size process in the space of order parameters.
    OverlapChain,
}

impl Method {
    /// Names and meanings, as scenario files spell them.
    pub const CHOICES: &'static [(&'static str, &'static str)] = &[
        ("direct", "the algorithm itself, on finite data"),
        (
            "overlap-chain",
            "the same process in law, sampled in order-parameter space at a cost independent of the size",
        ),
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::OverlapChain => "overlap-chain",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "direct" => Some(Self::Direct),
            "overlap-chain" => Some(Self::OverlapChain),
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
    TeacherMixture(teacher_mixture::Overlaps),
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
            "teacher-mixture" => TeacherMixture::from_settings(settings).map(Self::TeacherMixture),
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
            Self::TeacherMixture(_) => &teacher_mixture::KIND,
        }
    }

    /// The observables that both roads can report for this problem.
    pub fn observables(&self) -> Vec<ObservableInfo> {
        match self {
            Self::Committee(problem) => problem.observables(),
            Self::DeepLinear(problem) => problem.observables(),
            Self::SingleIndex(problem) => problem.observables(),
            Self::TeacherMixture(problem) => problem.observables(),
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
            Self::TeacherMixture(problem) => problem.states_start(),
        }
    }

    /// Why the limit start would give a law that no finite run follows, if so.
    pub fn limit_start_warning(&self) -> Option<String> {
        match self {
            Self::Committee(problem) => problem.limit_start_warning(),
            Self::DeepLinear(problem) => problem.limit_start_warning(),
            Self::SingleIndex(problem) => problem.limit_start_warning(),
            Self::TeacherMixture(_) => None,
        }
    }

    /// Why no law covers the problem, if none does.
    pub fn uncovered(&self) -> Option<String> {
        match self {
            Self::Committee(problem) => problem.uncovered(),
            Self::DeepLinear(problem) => problem.uncovered(),
            Self::SingleIndex(problem) => problem.uncovered(),
            Self::TeacherMixture(_) => None,
        }
    }

    /// Why no overlap chain covers the problem, if none does.
    pub fn chain_uncovered(&self) -> Option<String> {
        match self {
            Self::Committee(problem) => problem.chain_uncovered(),
            Self::DeepLinear(_) => {
                Some("the chain is the one of one-pass SGD on isotropic Gaussian inputs".to_string())
            }
            Self::SingleIndex(problem) => problem.chain_uncovered(),
            Self::TeacherMixture(_) => None,
        }
    }

    /// Bytes that one replica of size `size` needs while it runs.
    pub fn replica_bytes(&self, size: usize, method: Method) -> f64 {
        match self {
            Self::Committee(problem) => problem.replica_bytes(size, method),
            Self::DeepLinear(problem) => problem.replica_bytes(size),
            Self::SingleIndex(problem) => problem.replica_bytes(size, method),
            Self::TeacherMixture(problem) => problem.replica_bytes(size, method),
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
        }
    }

    /// What a size is called beside its number in captions and legends, in the markup of figures.
    pub fn size_symbol(&self) -> &'static str {
        match self {
            Self::Committee(_) | Self::SingleIndex(_) | Self::TeacherMixture(_) => "$d$",
            Self::DeepLinear(problem) => match problem.limit {
                deep_linear::Limit::StepSize => "1/$η$",
                deep_linear::Limit::InitialScale { .. } => "1/scale",
            },
        }
    }

    /// Rough seconds of one thread for one replica up to `end` (size 0: none), with or without a law of its
    /// own. Orders jobs and weighs the progress bar; nothing else relies on it.
    pub fn cost(&self, end: f64, size: usize, method: Method, law: bool) -> f64 {
        match self {
            Self::Committee(problem) => problem.cost(end, size, method, law),
            Self::DeepLinear(problem) => problem.cost(end, size, law),
            Self::SingleIndex(problem) => problem.cost(end, size, method, law),
            Self::TeacherMixture(problem) => problem.cost(end, size, method, law),
        }
    }
}
