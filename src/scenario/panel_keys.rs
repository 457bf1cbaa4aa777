//! The keys of every kind of panel.

use super::sections::key;
use crate::problem::spec::Default::{self, Absent, Required};
use crate::problem::spec::{Kind, Parameter, Range, Variant};

const TITLE: Parameter = key("title", Kind::Markup, Default::Text(""), "title above the panel", "\"\"");

pub(super) const CURVES: &[Parameter] = &[
    key(
        "y",
        Kind::Texts,
        Required,
        "observables drawn: names, families or entries",
        "\"generalisation_error\"",
    ),
    key(
        "x",
        Kind::Expression,
        Absent,
        "formula over time and size (or the swept key) and keys of the problem",
        "\"time\"",
    ),
    key(
        "against",
        Kind::Text,
        Absent,
        "observable on the x axis in place of time: one entry, points of both roads in the order of time",
        "\"generalisation_error\"",
    ),
    key("divide_y_by", Kind::Expression, Absent, "formula that y is divided by, as noise_std^2", "\"2\""),
    TITLE,
    key("x_label", Kind::Markup, Absent, "label of the x axis", "\"time\""),
    key("y_label", Kind::Markup, Absent, "label of the y axis", "\"error\""),
    key(
        "scale",
        Kind::Choice(&[
            ("linear", "both axes linear"),
            ("log-log", "both axes logarithmic"),
            ("log-linear", "x logarithmic, y linear"),
            ("linear-log", "x linear, y logarithmic"),
        ]),
        Default::Text("linear"),
        "axes, x first",
        "\"log-log\"",
    ),
    key("x_range", Kind::Interval, Absent, "ends of the x axis", "[0.1, 100.0]"),
    key("y_range", Kind::Interval, Absent, "ends of the y axis", "[1e-4, 1.0]"),
    key("series", Kind::Labels, Absent, "series shown, by label or position from 0; all if absent", "[0]"),
    key("overlays", Kind::Texts, Absent, "asymptotic formulas of the problem drawn as thin lines", "[]"),
    key(
        "residuals",
        Kind::Flag,
        Absent,
        "strip of residuals in standard errors; if absent, under the first panel when it has one observable",
        "true",
    ),
    key(
        "spread",
        Kind::Flag,
        Default::Flag(false),
        "band of the spread over replicas; with law.finite_size the predicted one, which single runs get as well",
        "true",
    ),
    key(
        "sizes",
        Kind::Counts { min: 1, distinct: true },
        Absent,
        "simulated sizes shown; all if absent",
        "[100]",
    ),
    key(
        "runs",
        Kind::Count { min: 0, max: 1000 },
        Default::Count(0),
        "single runs of every size drawn as thin lines",
        "30",
    ),
];

const FINITE_SIZE: &[Parameter] = &[
    key("y", Kind::Texts, Required, "observables drawn: names, families or entries", "[\"R\"]"),
    key(
        "quantity",
        Kind::Choice(&[
            ("variance", "size times the variance over runs"),
            ("shift", "size times the mean over runs minus the law of infinite size"),
            (
                "relative-spread",
                "root of size times the standard deviation over runs, over the law of infinite size",
            ),
            ("variance-ratio", "measured variance over the predicted one"),
        ]),
        Required,
        "what is predicted and measured",
        "\"variance\"",
    ),
    key(
        "against",
        Kind::Choice(&[("points", "time, or the swept value"), ("variance", "the predicted variance")]),
        Default::Text("points"),
        "the x axis",
        "\"variance\"",
    ),
    key(
        "scale",
        Kind::Choice(&[
            ("linear", "both linear"),
            ("log-log", "both logarithmic"),
            ("log-linear", "x logarithmic"),
            ("linear-log", "y logarithmic"),
        ]),
        Default::Text("linear"),
        "axes",
        "\"log-log\"",
    ),
    TITLE,
    key("series", Kind::Labels, Absent, "series shown, by label or position from 0; all if absent", "[0]"),
    key("y_range", Kind::Interval, Absent, "ends of the y axis", "[0.0, 1.0]"),
];

const HEATMAP: &[Parameter] = &[
    key("matrix", Kind::Text, Required, "matrix observable, law beside simulation", "\"R\""),
    key(
        "time",
        Kind::Number(Range::NonNegative),
        Absent,
        "the snapshot nearest to it; the last one if absent",
        "20.0",
    ),
    key(
        "over_time",
        Kind::Flag,
        Default::Flag(false),
        "a vector with its entries as rows and all snapshots as columns",
        "true",
    ),
    key("difference", Kind::Flag, Default::Flag(false), "simulation minus law in place of both", "true"),
    key("series", Kind::Labels, Absent, "the one series shown; required if there are several", "0"),
    TITLE,
];

const APPROACH: &[Parameter] = &[
    key("claim", Kind::Count { min: 0, max: u64::MAX }, Default::Count(0), "the claim shown, from 0", "0"),
    key(
        "y",
        Kind::Texts,
        Absent,
        "observables shown; if absent all of the claim, or of an extrapolation the one with the largest gap",
        "\"generalisation_error\"",
    ),
    key("series", Kind::Labels, Absent, "series shown, by label or position from 0; all if absent", "[0]"),
    TITLE,
];

const MAP: &[Parameter] = &[
    key("y", Kind::Text, Required, "observable shown: one entry", "\"generalisation_error\""),
    key(
        "series",
        Kind::Labels,
        Absent,
        "rows from bottom to top, by label or position from 0; all if absent",
        "[0]",
    ),
    TITLE,
];

const CROSSINGS: &[Parameter] = &[
    key("y", Kind::Text, Required, "observable whose curve passes: one entry", "\"generalisation_error\""),
    key(
        "level",
        Kind::NumberOrVector(Range::Any),
        Required,
        "the level passed upwards, or several",
        "[0.1, 0.5, 0.9]",
    ),
    key(
        "x",
        Kind::Expression,
        Absent,
        "formula over time and size and keys of the problem; time if absent",
        "\"time * size\"",
    ),
    key(
        "divide_y_by",
        Kind::Expression,
        Absent,
        "formula over size and keys of the problem that a passage is divided by",
        "\"log(size)\"",
    ),
    TITLE,
    key("y_label", Kind::Markup, Absent, "label of the y axis", "\"samples\""),
    key(
        "scale",
        Kind::Choice(&[
            ("log-log", "both axes logarithmic"),
            ("log-linear", "size logarithmic, passage linear"),
        ]),
        Default::Text("log-log"),
        "axes, size first",
        "\"log-log\"",
    ),
    key("series", Kind::Labels, Absent, "series shown, by label or position from 0; all if absent", "[0]"),
    key("fit", Kind::Flag, Default::Flag(true), "fits a power of the size", "true"),
    key(
        "factor",
        Kind::Texts,
        Absent,
        "formulas F over size and keys of the problem, one for each series: the fit is A size^p F in place of a plain power",
        "[\"log(size)\", \"1 - size^-0.5\"]",
    ),
    key(
        "order",
        Kind::Vector(Range::Any),
        Absent,
        "a number for each series: the fitted powers are drawn against it, in place of the passages",
        "[1.0, 2.0]",
    ),
    key(
        "expected",
        Kind::Vector(Range::Any),
        Absent,
        "with order: the power that theory expects of each series",
        "[1.0, 1.0]",
    ),
    key("x_label", Kind::Markup, Absent, "with order: label of the x axis", "\"information exponent\""),
];

pub(super) const PANEL_KINDS: &[Variant] = &[
    Variant { name: "curves", doc: "observables against time or a swept value", parameters: CURVES },
    Variant { name: "heatmap", doc: "entries of a matrix observable at one time", parameters: HEATMAP },
    Variant {
        name: "map",
        doc: "one observable over a plane, rows the series and columns the swept values; white where diverged",
        parameters: MAP,
    },
    Variant {
        name: "crossings",
        doc: "where a curve passes a level, against size, with fitted powers",
        parameters: CROSSINGS,
    },
    Variant {
        name: "finite-size",
        doc: "spread or shift times size, predicted by law.finite_size and measured",
        parameters: FINITE_SIZE,
    },
    Variant {
        name: "extrapolation",
        doc: "gaps at every size and the band of the limit, for a claim with limit = \"extrapolate\"",
        parameters: APPROACH,
    },
    Variant {
        name: "sizes",
        doc: "bias and spread against size with fitted exponents, for a claim with limit = \"extrapolate\"",
        parameters: APPROACH,
    },
];
