//! The declared keys of a scenario file beyond those of the problem itself.

use super::message::{Issue, Report, suggestion};
use super::panel_keys::CURVES;
use crate::problem::spec::{Default, Kind, Parameter, Range};
use crate::problem::{KINDS, Method, ProblemKind};

/// One section of a scenario file.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// "observe"; empty for the keys that stand before every section.
    pub name: &'static str,
    pub doc: &'static str,
    pub parameters: &'static [Parameter],
    /// May stand several times, as `[[panel]]`.
    pub repeated: bool,
    /// A file without it says less, not nothing.
    pub optional: bool,
}

/// All sections with declared keys, in the order of a file, for a problem of this kind.
///
/// `[series]`, `[sweep]` and `[preset.NAME]` hold keys of these sections.
pub fn sections(kind: &ProblemKind) -> Vec<Section> {
    let section = |name, doc, parameters| Section { name, doc, parameters, repeated: false, optional: false };
    vec![
        section("", "what the scenario shows", TOP),
        section("problem", kind.title, kind.parameters),
        section("observe", "what is recorded, and when", OBSERVE),
        Section { optional: true, ..section("law", "the exact law for infinite size", LAW) },
        Section {
            optional: true,
            ..section(
                "simulation",
                "the algorithm itself at finite size; leave it out for theory alone",
                SIMULATION,
            )
        },
        Section { repeated: true, ..section("panel", "one panel of the figure", CURVES) },
        Section { repeated: true, optional: true, ..section("claim", "what the verdict tests", CLAIM) },
    ]
}

/// Every key of `[problem]` that holds one number, with dots for keys of tables: `init.std`.
pub fn numeric_keys(kind: &ProblemKind) -> Vec<String> {
    fn collect(parameters: &[Parameter], prefix: &str, keys: &mut Vec<String>) {
        for parameter in parameters {
            let key = format!("{prefix}{}", parameter.key);
            match parameter.kind {
                Kind::Count { .. } | Kind::Number(_) | Kind::NumberOrVector(_) if !keys.contains(&key) => {
                    keys.push(key)
                }
                Kind::Tagged(variants) => {
                    variants.iter().for_each(|v| collect(v.parameters, &format!("{key}."), keys))
                }
                _ => {}
            }
        }
    }
    let mut keys = Vec::new();
    collect(kind.parameters, "", &mut keys);
    keys
}

/// The kind of problem with this name.
///
/// # Errors
/// An unknown name, with the nearest known one.
pub fn problem_kind(name: &str) -> Result<&'static ProblemKind, Report> {
    KINDS.iter().find(|kind| kind.kind == name).ok_or_else(|| {
        Issue::general(name, "is no kind of problem that this program knows")
            .help(suggestion(name, "kinds", kind_names()))
            .into()
    })
}

pub(super) fn kind_names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.kind)
}

/// Names at the top of a file that are not plain keys.
pub(super) const SECTION_NAMES: &[&str] =
    &["problem", "observe", "law", "simulation", "series", "sweep", "panel", "claim", "preset"];

/// Sections whose keys a series may override.
pub(super) const CASE_SECTIONS: &[&str] = &["problem", "observe", "law", "simulation", "sweep"];

pub(super) const fn key(
    key: &'static str,
    kind: Kind,
    default: Default,
    doc: &'static str,
    example: &'static str,
) -> Parameter {
    Parameter { key, symbol: "", kind, default, doc, example }
}

use Default::{Absent, Required};

pub(super) const TOP: &[Parameter] = &[
    key("title", Kind::Markup, Required, "title of the figure", "\"My question\""),
    key(
        "source",
        Kind::Markup,
        Required,
        "paper and figure that this regenerates, or who asks",
        "\"own question\"",
    ),
    key("notes", Kind::Markup, Default::Text(""), "caption: what the figure shows, what to look at", "\"\""),
    key("expected_time", Kind::Text, Absent, "stated run time", "\"3 min\""),
];

pub(super) const OBSERVE: &[Parameter] = &[
    key(
        "times",
        Kind::Times,
        Required,
        "times of the snapshots: an ascending list or a grid",
        "{ from = 1.0, to = 100.0, points = 40, spacing = \"log\" }",
    ),
    key(
        "observables",
        Kind::Texts,
        Absent,
        "observables to record beyond those of panels and claims: \"R\" for a family, \"R[1,2]\" for an entry",
        "[\"generalisation_error\"]",
    ),
    key(
        "risk",
        Kind::Choice(&[
            ("overlaps", "from the simulation's own measured overlaps, by the population risk"),
            ("test-set", "on a fresh test set"),
        ]),
        Default::Text("overlaps"),
        "how the simulation measures its generalisation error",
        "\"overlaps\"",
    ),
    key(
        "test_samples",
        Kind::Count { min: 1, max: 1_000_000_000 },
        Default::Count(10_000),
        "samples of the test set for risk = \"test-set\"",
        "10000",
    ),
    key(
        "average_from",
        Kind::Number(Range::NonNegative),
        Absent,
        "with a sweep: a point is the mean of the snapshots from this time on; the last snapshot if absent",
        "50.0",
    ),
];

/// A grid of numbers in place of a list.
pub(super) const GRID: &[Parameter] = &[
    key("from", Kind::Number(Range::Any), Required, "first value", "0.1"),
    key("to", Kind::Number(Range::Any), Required, "last value", "100.0"),
    key("points", Kind::Count { min: 2, max: 100_000 }, Required, "number of values", "40"),
    key(
        "spacing",
        Kind::Choice(&[("log", "equal ratios"), ("linear", "equal differences")]),
        Required,
        "spacing of the values",
        "\"log\"",
    ),
    key("include_zero", Kind::Flag, Default::Flag(false), "puts 0 before the grid", "true"),
    key("integer", Kind::Flag, Default::Flag(false), "rounds to integers and drops repetitions", "true"),
];

pub(super) const LAW: &[Parameter] = &[
    key("enabled", Kind::Flag, Default::Flag(true), "false leaves the law out", "true"),
    key(
        "start",
        Kind::Choice(&[
            ("given", "the overlaps stated in the problem; finite weights are built exactly on them"),
            ("limit", "the limit of a random start for infinite size"),
            ("replica", "the measured start of each replica; residuals are paired"),
        ]),
        Absent,
        "where the law starts; required unless enabled = false",
        "\"replica\"",
    ),
    key(
        "tolerance",
        Kind::Number(Range::Open(0.0, 1.0)),
        Absent,
        "relative and absolute tolerance of the integrator; the problem's own if absent",
        "1e-11",
    ),
    key(
        "finite_size",
        Kind::Flag,
        Default::Flag(false),
        "predicts mean, spread and quantiles over runs at every simulated size, from theory alone",
        "false",
    ),
    key(
        "expansion",
        Kind::Flag,
        Default::Flag(false),
        "keeps the plain expansion in 1/d of finite_size where it does not hold, to show where that is",
        "false",
    ),
];

pub(super) const SIMULATION: &[Parameter] = &[
    key("enabled", Kind::Flag, Default::Flag(true), "false leaves the simulation out", "true"),
    key(
        "method",
        Kind::Choice(Method::CHOICES),
        Default::Text("direct"),
        "how the finite system is simulated",
        "\"direct\"",
    ),
    key("sizes", Kind::Counts { min: 1, distinct: true }, Required, "values of the limit parameter", "[500]"),
    key(
        "replicas",
        Kind::Counts { min: 1, distinct: false },
        Required,
        "independent runs: one number for every size, or a list with one for each",
        "16",
    ),
    key(
        "seed",
        Kind::Count { min: 0, max: u64::MAX },
        Required,
        "root of all random streams, together with the name of the file: copies under other names draw other numbers",
        "1",
    ),
];

pub(super) const CLAIM: &[Parameter] = &[
    key(
        "about",
        Kind::Choice(&[
            ("law", "the law of infinite size"),
            ("mean", "the mean over runs at every simulated size, as law.finite_size predicts it"),
            ("spread", "the variance over runs at every simulated size, as law.finite_size predicts it"),
        ]),
        Default::Text("law"),
        "which prediction is tested",
        "\"law\"",
    ),
    key(
        "observables",
        Kind::Texts,
        Required,
        "observables that the claim is about",
        "[\"generalisation_error\"]",
    ),
    key(
        "metric",
        Kind::Choice(&[
            ("relative", "gap divided by the law"),
            ("absolute", "gap in units of the range of the law's curve"),
        ]),
        Required,
        "how the gap between simulation and law is measured",
        "\"relative\"",
    ),
    key("resolution", Kind::Number(Range::Positive), Required, "the gap that the claim excludes", "0.05"),
    key(
        "limit",
        Kind::Choice(&[
            ("at-size", "the claim is about every simulated size"),
            (
                "extrapolate",
                "the claim is about the limit of infinite size, by a fit over the simulated sizes",
            ),
        ]),
        Default::Text("at-size"),
        "which size the claim is about",
        "\"at-size\"",
    ),
    key(
        "within",
        Kind::Intervals,
        Absent,
        "ranges of x that the claim covers; everything if absent",
        "[[0.1, 100.0]]",
    ),
    key("series", Kind::Labels, Absent, "series covered, by label or position from 0; all if absent", "[0]"),
];
