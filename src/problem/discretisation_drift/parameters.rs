//! The scenario keys of discretisation drift.

use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant, number};

pub const KIND: ProblemKind = ProblemKind {
    kind: "discretisation-drift",
    title: "Gradient descent and the flows that stand for it",
    description: "\
θ ← θ − h g, h = learning_rate / size, on a loss E with gradient g and Hessian H (eigenpairs l_i, u_i). Beside it a flow, whose
solution at time h misses one update by the power of h in the last column:
gradient               −g                                                      h²
igr                    −g − (h/2) H g                                          h³
third-order            −g − (h/2) H g − h² (H² g/3 + D³E[g,g]/12)              h⁴
principal              Σ_i ln(1 − h l_i)/(h l_i) (g·u_i) u_i                   h³, none for quadratics
principal-corrected    the same − (h²/12) D³E[g,g]                             h⁴
Over a fixed time the powers are one less. Beyond h l = 1 the logarithm is complex: branch = \"real\" keeps ln|1 − h l|,
which is positive for h l > 2, the instability of gradient descent; branch = \"complex\" follows quadratics and reports real
parts. Quadratics are E = θᵀ A θ: gradient 2 A θ, l = 2 a.",
    source: "Barrett & Dherin, ICLR 2021, arXiv:2009.11162; Rosca, Wu, Qin & Dherin 2023, arXiv:2302.01952",
    parameters: PARAMETERS,
    limit_parameter: "learning_rate / h",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "loss",
    time_unit: "h × updates, or updates",
    default_tolerance: 1e-13,
    law_faults: &[
        ("drop=drift", "the flow for h = 0: gradient flow"),
        ("halve=drift", "the flow of the step h/2"),
        ("drop=third-derivative", "leaves out D^3 E[g, g]"),
    ],
    finite_size_faults: &[],
    overlays: &[("edge", "h l = 2 of sharpness"), ("complex-edge", "h l = 1 of sharpness")],
};

const fn count(key: &'static str, max: u64, doc: &'static str, example: &'static str) -> Parameter {
    Parameter { key, symbol: "", kind: Kind::Count { min: 1, max }, default: Default::Required, doc, example }
}

const PARAMETERS: &[Parameter] = &[
    Parameter {
        key: "function",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "quadratic",
                doc: "theta^T A theta with a diagonal A",
                parameters: &[Parameter {
                    key: "values",
                    symbol: "a",
                    kind: Kind::Vector(Range::Any),
                    default: Default::Required,
                    doc: "diagonal of A: half the eigenvalues of the Hessian",
                    example: "[1.0, 0.01]",
                }],
            },
            Variant {
                name: "matrix",
                doc: "theta^T A theta with any symmetric A",
                parameters: &[Parameter {
                    key: "A",
                    symbol: "A",
                    kind: Kind::Matrix,
                    default: Default::Required,
                    doc: "half the Hessian",
                    example: "[[1.0, 0.2], [0.2, 0.5]]",
                }],
            },
            Variant {
                name: "rosenbrock",
                doc: "(a - x)^2 + b (y - x^2)^2",
                parameters: &[
                    number("a", "", Range::Any, Default::Number(1.0), "place of the minimum in x", "1.0"),
                    number(
                        "b",
                        "",
                        Range::NonNegative,
                        Default::Number(100.0),
                        "curvature across the valley",
                        "1.0",
                    ),
                ],
            },
            Variant {
                name: "network",
                doc: "half the mean squared error of a tanh network with one hidden layer and biases on labels of another",
                parameters: &[
                    count("inputs", 100, "entries of an input, N(0, 1)", "2"),
                    count("units", 100, "hidden units", "4"),
                    count("samples", 100_000, "samples, drawn once", "20"),
                    number(
                        "weight_std",
                        "",
                        Range::Positive,
                        Default::Number(1.0),
                        "standard deviation of the weights of teacher and start",
                        "1.0",
                    ),
                    Parameter {
                        key: "seed",
                        symbol: "",
                        kind: Kind::Count { min: 0, max: u64::MAX },
                        default: Default::Count(1),
                        doc: "of inputs, teacher and start, which belong to the definition",
                        example: "1",
                    },
                ],
            },
        ]),
        default: Default::Required,
        doc: "the loss E",
        example: "{ kind = \"quadratic\", values = [1.0, 0.01] }",
    },
    Parameter {
        key: "start",
        symbol: "θ",
        kind: Kind::NumberOrVector(Range::Any),
        default: Default::Absent,
        doc: "coordinates at time 0: one number for all or a list; networks draw theirs if absent",
        example: "[-0.35, -0.2]",
    },
    Parameter {
        key: "flow",
        symbol: "",
        kind: Kind::Choice(&[
            ("gradient", "gradient flow"),
            ("igr", "implicit gradient regularisation, order h"),
            ("third-order", "modified equation to order h^2"),
            ("principal", "principal flow"),
            ("principal-corrected", "principal flow with the third derivative to order h^2"),
        ]),
        default: Default::Required,
        doc: "what the law follows",
        example: "\"igr\"",
    },
    Parameter {
        key: "branch",
        symbol: "",
        kind: Kind::Choice(&[
            ("real", "ln |1 - h l|"),
            ("complex", "the principal value of the logarithm, for quadratics"),
        ]),
        default: Default::Text("real"),
        doc: "the principal flow beyond h l = 1",
        example: "\"real\"",
    },
    number(
        "learning_rate",
        "h",
        Range::Positive,
        Default::Number(1.0),
        "one update has the length learning_rate / size",
        "1.0",
    ),
    Parameter {
        key: "clock",
        symbol: "",
        kind: Kind::Choice(&[
            ("time", "h times the number of updates"),
            ("updates", "the number of updates: one update is compared at every step"),
        ]),
        default: Default::Text("time"),
        doc: "what the times of the scenario count",
        example: "\"time\"",
    },
];
