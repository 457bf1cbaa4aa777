//! The scenario keys of the noisy quadratic model.

use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant, number};

pub const KIND: ProblemKind = ProblemKind {
    kind: "noisy-quadratic",
    title: "Noisy quadratic model: optimisers and batch sizes on independent modes",
    description: "\
Risk ½ Σ h_i θ_i² over K independent modes, θ_i(0) ~ N(0, std²), gradient h_i θ_i + ξ_i with ξ_i ~ N(0, σ² h_i / B) in
every update; η_i = η h_i^-p is the preconditioned rate and x_i = η_i h_i. With s the second moments of a mode,
    sgd       θ <- θ − η_i g                       E θ² <- (1 − x)² E θ² + η_i² σ² h / B
    momentum  v <- μ v − η_i g(θ), θ <- θ + v      linear map of (E θ², E v², E θ v), noise η_i² σ² h / B in each
    nesterov  as momentum, gradient at θ + μ v
and with moving_average = γ, m <- γ m + (1 − γ) θ after the update; the risk is then that of m. Exact at every K.
Steps to a target T(B) are the fewest updates after which the mean risk is at most the target, over all stable rates (and momenta).
Counts of sgd are exact, and its best rate is that of the lowest risk after them; an average of few modes with little noise may
dip to the target and rise again, which is looked for down to 500 / K counts below the best. With momentum, rates and momenta
from 0 to 0.999 are searched together: counts up to 128 one by one, dips of few modes among them, larger ones to 0.02 %.
At most 2^40 updates are counted, 2^24 of a falling rate.
tune = { kind = \"steps-to-target\" } has the observables steps_to_target, best_rate, best_momentum and critical_batch in place of risk.
With shape = \"linear\" or \"cosine\" the rate of update k = 0, ..., T − 1 is η (1 − k/T) or η (1 + cos(π k/T))/2, and T is the
smallest for which the best first rate η (and momentum) brings the mean risk after all T updates to the target. No first rate
is above the largest stable constant one, so that shapes and piecewise constant schedules choose among the same rates.",
    source: "Zhang, Li, Nado, Martens, Sachdeva, Dahl, Shallue & Grosse, NeurIPS 2019, arXiv:1907.04164",
    parameters: PARAMETERS,
    limit_parameter: "number of modes K",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "risk",
    time_unit: "updates",
    default_tolerance: 1e-10,
    law_faults: &[
        ("drop=noise", "leaves out the gradient noise"),
        ("drop=correlation", "forgets the correlation of weights, velocity and average; of stated rates, not of tuned ones"),
    ],
    finite_size_faults: &[],
    overlays: &[("noise-floor", "risk at t -> infinity of the constant rate, at the largest simulated K of the panel, else at modes")],
};

const MOMENTUM: Parameter = number(
    "momentum",
    "μ",
    Range::Open(-1.0, 1.0),
    Default::Required,
    "share of the velocity that stays",
    "0.9",
);

const STEPS: Parameter =
    number("steps", "", Range::Positive, Default::Required, "updates until the rate has fallen", "1000.0");

const TARGET: Parameter =
    number("target", "", Range::Positive, Default::Required, "risk to be reached", "0.01");

const SHAPE: Parameter = Parameter {
    key: "shape",
    symbol: "",
    kind: Kind::Choice(&[
        ("constant", "one rate; the count is that of the first passage"),
        ("linear", "from the best first rate to 0 in proportion to the updates left of the count"),
        ("cosine", "from the best first rate to 0 along half a period of a cosine over the count"),
    ]),
    default: Default::Text("constant"),
    doc: "how the tuned rate falls over the updates that are counted",
    example: "\"linear\"",
};

const PARAMETERS: &[Parameter] = &[
    Parameter {
        key: "spectrum",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "power-law",
                doc: "h_i = i^-exponent",
                parameters: &[number(
                    "exponent",
                    "",
                    Range::NonNegative,
                    Default::Number(1.0),
                    "decay of the curvatures",
                    "1.0",
                )],
            },
            Variant {
                name: "list",
                doc: "stated curvatures, repeated in turn over the modes",
                parameters: &[Parameter {
                    key: "values",
                    symbol: "h",
                    kind: Kind::Vector(Range::Positive),
                    default: Default::Required,
                    doc: "the curvatures",
                    example: "[1.0, 0.1]",
                }],
            },
        ]),
        default: Default::Variant("power-law"),
        doc: "curvatures of the modes",
        example: "{ kind = \"power-law\", exponent = 1.0 }",
    },
    Parameter {
        key: "modes",
        symbol: "K",
        kind: Kind::Count { min: 1, max: 10_000_000 },
        default: Default::Count(10_000),
        doc: "number of modes of a law without simulation; simulation.sizes otherwise",
        example: "10000",
    },
    number(
        "init_std",
        "",
        Range::NonNegative,
        Default::Number(1.0),
        "standard deviation of the start",
        "1.0",
    ),
    number(
        "noise_std",
        "σ",
        Range::NonNegative,
        Default::Number(1.0),
        "standard deviation of the gradient noise of one sample along a mode of curvature 1",
        "1.0",
    ),
    number("batch", "B", Range::Positive, Default::Required, "batch size", "256.0"),
    number("learning_rate", "η", Range::Positive, Default::Required, "rate of the first update", "0.5"),
    Parameter {
        key: "optimizer",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "sgd", doc: "gradient steps", parameters: &[] },
            Variant { name: "momentum", doc: "heavy ball", parameters: &[MOMENTUM] },
            Variant { name: "nesterov", doc: "gradient at the point ahead", parameters: &[MOMENTUM] },
        ]),
        default: Default::Variant("sgd"),
        doc: "the update",
        example: "{ kind = \"momentum\", momentum = 0.9 }",
    },
    number(
        "preconditioner",
        "p",
        Range::Any,
        Default::Number(0.0),
        "power of the curvature that divides every gradient",
        "0.5",
    ),
    Parameter {
        key: "moving_average",
        symbol: "γ",
        kind: Kind::Number(Range::NonNegative),
        default: Default::Number(0.0),
        doc: "share that an exponential moving average of the weights keeps, below 1; the risk is then the average's",
        example: "0.9",
    },
    Parameter {
        key: "schedule",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "constant", doc: "one rate", parameters: &[] },
            Variant {
                name: "linear",
                doc: "falls to 0 in proportion to the updates left",
                parameters: &[STEPS],
            },
            Variant { name: "cosine", doc: "half a period of a cosine, to 0", parameters: &[STEPS] },
            Variant {
                name: "piecewise",
                doc: "constant pieces of equal length",
                parameters: &[
                    STEPS,
                    Parameter {
                        key: "factors",
                        symbol: "",
                        kind: Kind::Vector(Range::NonNegative),
                        default: Default::Required,
                        doc: "factors on the rate, one for each piece; the last one stays",
                        example: "[1.0, 0.5, 0.1]",
                    },
                ],
            },
        ]),
        default: Default::Variant("constant"),
        doc: "how the rate moves",
        example: "{ kind = \"cosine\", steps = 1000.0 }",
    },
    Parameter {
        key: "tune",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "none", doc: "rates as stated", parameters: &[] },
            Variant {
                name: "steps-to-target",
                doc: "rate, and momentum if there is one, with the fewest updates to a target; no simulation",
                parameters: &[TARGET, SHAPE],
            },
            Variant {
                name: "schedule",
                doc: "constant pieces of equal length with the fewest updates to a target, for sgd; no simulation",
                parameters: &[
                    TARGET,
                    Parameter {
                        key: "pieces",
                        symbol: "",
                        kind: Kind::Count { min: 1, max: 100 },
                        default: Default::Count(10),
                        doc: "number of pieces",
                        example: "10",
                    },
                ],
            },
        ]),
        default: Default::Variant("none"),
        doc: "what the law optimises",
        example: "{ kind = \"none\" }",
    },
];
