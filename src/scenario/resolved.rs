//! A scenario after every check: plain values, one [`Case`] for each curve or point of the figure.

use crate::problem::{Method, Problem};

/// A scenario ready to run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// File stem; root of the streams of randomness and name of the output folder.
    pub id: String,
    pub title: String,
    pub source: String,
    /// Remarks for the caption: what the figure shows, what to look at.
    pub notes: String,
    /// Stated run time of the chosen preset, as text.
    pub expected_time: Option<String>,
    /// Series in the order of the file; at least one, with an empty label if the scenario has no series.
    pub series: Vec<String>,
    /// Present if the scenario sweeps a key: the x of a panel is then a swept value, not time.
    pub sweep: Option<Sweep>,
    /// Series-major, then sweep value. One problem each; sizes are inside.
    pub cases: Vec<Case>,
    pub panels: Vec<Panel>,
    pub claims: Vec<Claim>,
    /// Faults planted in the law alone, as given on the command line.
    pub faults: Vec<String>,
    /// What the file states without effect, with place and remedy.
    pub notices: Vec<String>,
    /// The scenario as resolved (after preset and overrides), as TOML.
    pub text: String,
}

/// A swept key or free variable, in the order of its values.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// "problem.noise_std" or the name of a free variable such as "L".
    pub key: String,
    /// Axis label.
    pub label: String,
}

impl Sweep {
    /// The name of the swept value in expressions: the last part of a key.
    pub fn name(&self) -> &str {
        self.key.rsplit('.').next().unwrap_or(&self.key)
    }
}

/// One problem with everything that is needed to run both roads on it.
#[derive(Clone, Debug)]
pub struct Case {
    pub series: usize,
    /// Position among the sweep values and the value; `None` without a sweep.
    pub sweep: Option<(usize, f64)>,
    pub problem: Problem,
    /// Numeric keys of the problem by their plain name ("student_width") and free variables of the sweep,
    /// for the expressions of panels.
    pub values: Vec<(String, f64)>,
    /// The problem as the law sees it: differs from `problem` by planted faults only.
    pub law_problem: Problem,
    pub observe: Observe,
    pub law: LawOptions,
    pub simulation: Option<SimulationOptions>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Observe {
    /// Keys of single observables, families expanded (`R[1,2]`), in the order of `Problem::observables`.
    pub observables: Vec<String>,
    /// Ascending, nonnegative.
    pub times: Vec<f64>,
    pub risk: Risk,
    /// Samples of a fresh test set, for `risk = "test-set"`.
    pub test_samples: usize,
    /// With a sweep, the value at a point is the mean of the snapshots from this time on; the last
    /// snapshot if absent.
    pub average_from: Option<f64>,
}

/// How a simulation measures its generalisation error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    /// From its own measured overlaps, by the population risk of the problem.
    Overlaps,
    /// On a fresh test set.
    TestSet,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LawOptions {
    /// `law.enabled = false` leaves the case without a law.
    pub enabled: bool,
    pub start: LawStart,
    /// Relative and absolute tolerance of the integrator.
    pub tolerance: f64,
    /// Structural faults, as the problem names them ("drop=eta2").
    pub faults: Vec<String>,
    /// Mean, spread and quantiles over runs are predicted at every simulated size.
    pub finite_size: bool,
    /// The law at finite size is the plain expansion, also where it does not hold.
    pub expansion: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LawStart {
    /// Overlaps stated in the scenario; the finite vectors are built exactly on them.
    Given,
    /// The limit of a random start.
    Limit,
    /// The measured start of each replica.
    Replica,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SimulationOptions {
    pub method: Method,
    /// Values of the limit parameter.
    pub sizes: Vec<usize>,
    /// Replicas at each of the sizes.
    pub replicas: Vec<usize>,
    pub seed: u64,
    /// Replicas are drawn for the start of the law alone and not trained: the simulation is switched off and
    /// `law.start = "replica"`.
    pub starts_only: bool,
}

/// One panel of the figure.
#[derive(Clone, Debug, PartialEq)]
pub enum Panel {
    Curves(CurvesPanel),
    FiniteSize(FiniteSizePanel),
    Heatmap(HeatmapPanel),
    /// Gaps at every size and the band of the limit.
    Extrapolation(ApproachPanel),
    /// Bias and spread against size.
    Sizes(ApproachPanel),
    /// One observable over series and swept values.
    Map(MapPanel),
    /// Where a curve passes a level, against size.
    Crossings(CrossingsPanel),
}

#[derive(Clone, Debug, PartialEq)]
pub struct CurvesPanel {
    pub title: String,
    /// Single observables, families expanded.
    pub y: Vec<String>,
    /// Expression over `time` (or the sweep key / variable) and keys of the problem; "time" or the sweep key
    /// itself by default.
    pub x: String,
    /// Observable on the x axis in place of `x`.
    pub against: Option<String>,
    /// Expression over keys of the problem that y is divided by; empty for none.
    pub y_divided_by: String,
    pub x_label: String,
    pub y_label: String,
    pub log_x: bool,
    pub log_y: bool,
    pub x_range: Option<(f64, f64)>,
    pub y_range: Option<(f64, f64)>,
    /// Series shown, by position; all by default.
    pub series: Vec<usize>,
    /// Names of asymptotic formulas of the problem.
    pub overlays: Vec<String>,
    /// Residual strip in units of the standard error under the panel.
    pub residuals: bool,
    /// Spread over replicas as a light band.
    pub spread: bool,
    /// Simulated sizes shown; all if absent.
    pub sizes: Option<Vec<usize>>,
    /// Single runs drawn as thin lines.
    pub runs: usize,
}

/// Spread or shift times size, predicted and measured.
#[derive(Clone, Debug, PartialEq)]
pub struct FiniteSizePanel {
    pub title: String,
    /// Single observables, families expanded.
    pub y: Vec<String>,
    pub quantity: Quantity,
    pub against: Against,
    pub x_label: String,
    pub log_x: bool,
    pub log_y: bool,
    pub y_range: Option<(f64, f64)>,
    pub series: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Size times variance.
    Variance,
    /// Size times (mean - law of infinite size).
    Shift,
    /// Standard deviation times the root of size, over the law of infinite size.
    RelativeSpread,
    /// Measured variance over the predicted one.
    VarianceRatio,
}

/// The form of a law that `law.expansion` asks for, in the list of its planted faults.
pub const EXPANSION: &str = "force=expansion";

/// The x axis of a panel about finite size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// Time, or the swept value.
    Points,
    /// The predicted variance.
    Variance,
}

/// Entries of a matrix observable at one time, law beside simulation, for one series.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatmapPanel {
    pub title: String,
    pub matrix: String,
    /// The snapshot nearest to this time; the last one if absent.
    pub time: Option<f64>,
    /// Rows are the entries of a vector and columns all snapshots.
    pub over_time: bool,
    /// Simulation minus law in place of both.
    pub difference: bool,
    pub series: usize,
}

/// One observable over a plane: series as rows, swept values as columns.
#[derive(Clone, Debug, PartialEq)]
pub struct MapPanel {
    pub title: String,
    /// A single observable.
    pub y: String,
    /// Rows from bottom to top.
    pub series: Vec<usize>,
}

/// Where a curve passes a level, against size.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossingsPanel {
    pub title: String,
    /// A single observable.
    pub y: String,
    /// The levels, passed upwards.
    pub levels: Vec<f64>,
    /// What a passage is: an expression over `time`, `size` and keys of the problem.
    pub x: String,
    /// Expression over `size` and keys of the problem that it is divided by; empty for none.
    pub y_divided_by: String,
    pub y_label: String,
    pub log_y: bool,
    pub series: Vec<usize>,
    /// A power of the size is fitted.
    pub fit: bool,
    /// Factors F of the fit A N^p F(N), expressions over `size` and keys of the problem, one for each series; empty for
    /// plain powers.
    pub factors: Vec<String>,
    /// The fitted powers are drawn in place of the passages.
    pub powers: Option<PowersAgainst>,
}

/// What fitted powers are drawn against.
#[derive(Clone, Debug, PartialEq)]
pub struct PowersAgainst {
    /// A number for each series.
    pub order: Vec<f64>,
    /// The power expected for each series.
    pub expected: Vec<f64>,
    pub x_label: String,
}

/// How curves of a claim about the limit approach it.
#[derive(Clone, Debug, PartialEq)]
pub struct ApproachPanel {
    pub title: String,
    /// Position of the claim.
    pub claim: usize,
    /// Single observables; if empty all of the claim, or the one with the largest gap where one is shown.
    pub y: Vec<String>,
    pub series: Vec<usize>,
}

/// What the verdict tests.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub about: About,
    /// Single observables, families expanded.
    pub observables: Vec<String>,
    pub metric: Metric,
    /// The gap that the scenario claims to exclude.
    pub resolution: f64,
    pub limit: Limit,
    /// Ranges of x (time, or swept value) that the claim covers; everything if empty.
    pub within: Vec<(f64, f64)>,
    /// Series covered, by position; all by default.
    pub series: Vec<usize>,
}

/// The prediction that a claim tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The law of infinite size.
    Law,
    /// The mean over runs at a size.
    Mean,
    /// The variance over runs at a size.
    Spread,
}

/// The size that a claim is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Every simulated size.
    AtSize,
    /// Infinite size, by extrapolation.
    Extrapolate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Relative to the law; means of logarithms where the observable is positive.
    Relative,
    /// In units of the range of the law over the claimed points of the curve.
    Absolute,
}
