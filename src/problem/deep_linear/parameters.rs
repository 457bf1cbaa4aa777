//! The scenario keys of the deep linear problem.

use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant, matrix};

pub const KIND: ProblemKind = ProblemKind {
    kind: "deep-linear",
    title: "Deep linear network, gradient descent",
    description: "\
Network f(x) = W_L ··· W_1 x with widths N_0, ..., N_L; labels y = A x + σ ζ, target map A = U s Vᵀ.
Each update of length η moves every layer, W_l += η κ (−∂/∂W_l) ½⟨|y − f(x)|²⟩; time = η × updates.
As η → 0 at fixed time this is the gradient flow
    dW_l/dt = κ (W_L···W_(l+1))ᵀ (A − W_L···W_1) Σ (W_(l−1)···W_1)ᵀ,   Σ = ⟨x xᵀ⟩,
and mini-batches follow the same flow. Its exact solutions, in time units of 1/κ and with λ = 1 for white inputs:
    aligned, equal factors per layer    du/dt = L λ u^(2−2/L) (s − u)                any depth, mode by mode
    aligned, two layers u = a b         da/dt = λ b (s − a b), db/dt = λ a (s − a b)  b² − a² conserved
    W_2ᵀW_2 − W_1W_1ᵀ = ℓ I             Q Qᵀ(t) in closed form, Q = [W_1ᵀ; W_2]       any orientation
Any other start is integrated as it stands. With limit = \"initial-scale\" the law is that of two layers from
vanishing random weights: modes learn one after the other, mode i as an aligned one from
    u0_i = |part of h_i orthogonal to h_1, ..., h_(i−1)|²,   h_i = row i of (UᵀW_2 + (W_1V)ᵀ)/2.",
    source: "Saxe, McClelland & Ganguli, ICLR 2014, arXiv:1312.6120; Fukumizu, ICONIP 1998; Braun, Dominé, Fitzgerald & Saxe, NeurIPS 2022",
    parameters: PARAMETERS,
    limit_parameter: "steps per unit of time, 1/η; with limit = \"initial-scale\" the divisor of all initial weights",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "loss",
    time_unit: "η × updates",
    default_tolerance: 1e-10,
    law_faults: &[
        ("drop=saturation", "leaves out the term that ends the learning of a mode"),
        ("drop=depth", "leaves out the sum over layers: every rate is divided by their number"),
    ],
    finite_size_faults: &[],
    overlays: &[
        ("first-mode-time", "time at which the first mode of an aligned start is learnt, in closed form"),
        ("small-start-time", "the same for u0 -> 0 and L > 2: u0^-(1 - 2/L) / (L s (1 - 2/L))"),
        ("infinite-depth-time", "the same for L -> infinity at the rate learning_rate L"),
        ("largest-singular-value", "of the product of L wide square Gaussian layers: gain^L sqrt((L + 1)^(L + 1) / L^L)"),
    ],
};

const SCALE: Parameter = Parameter {
    key: "scale",
    symbol: "",
    kind: Kind::Number(Range::Positive),
    default: Default::Number(1.0),
    doc: "factor on the target map",
    example: "1.0",
};

const BASIS: Parameter = Parameter {
    key: "basis",
    symbol: "",
    kind: Kind::Choice(&[
        ("random", "uniformly random orthonormal modes, redrawn in every replica"),
        ("axes", "mode i is input i and output i"),
    ]),
    default: Default::Text("random"),
    doc: "directions of the modes",
    example: "\"random\"",
};

const fn number(
    key: &'static str,
    symbol: &'static str,
    range: Range,
    doc: &'static str,
    example: &'static str,
) -> Parameter {
    Parameter { key, symbol, kind: Kind::Number(range), default: Default::Required, doc, example }
}

const fn per_mode(key: &'static str, doc: &'static str, example: &'static str) -> Parameter {
    Parameter {
        key,
        symbol: key,
        kind: Kind::NumberOrVector(Range::Any),
        default: Default::Required,
        doc,
        example,
    }
}

const fn width(
    key: &'static str,
    symbol: &'static str,
    doc: &'static str,
    example: &'static str,
) -> Parameter {
    let kind = Kind::Count { min: 1, max: MAX_WIDTH };
    Parameter { key, symbol, kind, default: Default::Required, doc, example }
}

/// A weight matrix of this width takes 128 MB.
pub(super) const MAX_WIDTH: u64 = 4096;

const PARAMETERS: &[Parameter] = &[
    Parameter {
        key: "weight_layers",
        symbol: "L",
        kind: Kind::Count { min: 1, max: 1000 },
        default: Default::Required,
        doc: "weight matrices of the network",
        example: "2",
    },
    width("input_width", "N_0", "inputs", "20"),
    Parameter {
        key: "hidden_width",
        symbol: "N",
        kind: Kind::NumberOrVector(Range::Positive),
        default: Default::Required,
        doc: "units of the hidden layers: one number for all or a list of L - 1; of no effect for L = 1",
        example: "40",
    },
    width("output_width", "N_L", "outputs", "15"),
    Parameter {
        key: "target",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "modes",
                doc: "stated mode strengths on orthonormal modes",
                parameters: &[
                    Parameter {
                        key: "strengths",
                        symbol: "s",
                        kind: Kind::Vector(Range::Positive),
                        default: Default::Required,
                        doc: "singular values of the target map",
                        example: "[5.0, 4.0, 3.0, 2.0, 1.0]",
                    },
                    SCALE,
                    BASIS,
                ],
            },
            Variant {
                name: "power-law",
                doc: "mode i has strength i^-exponent",
                parameters: &[
                    Parameter {
                        key: "modes",
                        symbol: "",
                        kind: Kind::Count { min: 1, max: MAX_WIDTH },
                        default: Default::Required,
                        doc: "number of modes",
                        example: "10",
                    },
                    number("exponent", "", Range::NonNegative, "decay of the strengths", "0.5"),
                    SCALE,
                    BASIS,
                ],
            },
            Variant {
                name: "given",
                doc: "the map itself",
                parameters: &[matrix("A", "target map, N_L x N_0", "[[1.0, 0.5], [0.0, 2.0]]"), SCALE],
            },
            Variant {
                name: "tree",
                doc: "hierarchical data: inputs are the leaves of a binary tree, one-hot; outputs are its nodes, on for the items below them",
                parameters: &[
                    Parameter {
                        key: "levels",
                        symbol: "",
                        kind: Kind::Count { min: 1, max: 10 },
                        default: Default::Required,
                        doc: "splits from the root to a leaf: 2^levels items, 2^(levels + 1) - 1 nodes",
                        example: "3",
                    },
                    SCALE,
                ],
            },
        ]),
        default: Default::Required,
        doc: "the map A to learn",
        example: "{ kind = \"modes\", strengths = [5.0, 4.0, 3.0, 2.0, 1.0] }",
    },
    Parameter {
        key: "init",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "aligned",
                doc: "on the modes of the target, equal factors in all layers",
                parameters: &[Parameter {
                    key: "u0",
                    symbol: "u0",
                    kind: Kind::NumberOrVector(Range::Positive),
                    default: Default::Required,
                    doc: "mode strengths at time 0: one number for all modes or a list",
                    example: "1e-3",
                }],
            },
            Variant {
                name: "unbalanced",
                doc: "two layers on the modes of the target with factors a (first layer) and b (second)",
                parameters: &[
                    per_mode("a", "first layer at time 0: one number for all modes or a list", "0.3"),
                    per_mode("b", "second layer at time 0: one number for all modes or a list", "0.01"),
                ],
            },
            Variant {
                name: "random",
                doc: "independent N(0, std^2) weights",
                parameters: &[number(
                    "std",
                    "",
                    Range::Positive,
                    "standard deviation of every weight",
                    "0.158",
                )],
            },
            Variant {
                name: "gaussian",
                doc: "independent N(0, gain^2 / fan-in) weights",
                parameters: &[number("gain", "g", Range::Positive, "factor on the weights", "1.0")],
            },
            Variant {
                name: "orthogonal",
                doc: "random orthonormal rows or columns, times a gain",
                parameters: &[number("gain", "g", Range::Positive, "factor on the weights", "1.0")],
            },
            Variant {
                name: "pretrained",
                doc: "greedy unsupervised pretraining: every layer is the encoder of a linear autoencoder of the layer below",
                parameters: &[
                    Parameter {
                        default: Default::Number(1.0),
                        ..number("gain", "g", Range::Positive, "factor on the weights", "1.0")
                    },
                    Parameter {
                        default: Default::Number(20.0),
                        ..number("time", "", Range::Positive, "training time of every autoencoder", "20.0")
                    },
                ],
            },
            Variant {
                name: "lambda-balanced",
                doc: "two layers with W_2^T W_2 - W_1 W_1^T = lambda I in random orientation",
                parameters: &[
                    number("lambda", "λ", Range::Any, "imbalance of the layers", "0.7"),
                    number(
                        "std",
                        "",
                        Range::Positive,
                        "scale of the singular values of the weaker layer",
                        "0.3",
                    ),
                ],
            },
            Variant {
                name: "given",
                doc: "two layers as stated",
                parameters: &[
                    matrix("W1", "first layer, N_1 x N_0", "[[0.1, 0.0], [0.0, 0.2]]"),
                    matrix("W2", "second layer, N_2 x N_1", "[[0.1, 0.0], [0.0, 0.2]]"),
                ],
            },
        ]),
        default: Default::Required,
        doc: "weights at time 0",
        example: "{ kind = \"aligned\", u0 = 1e-3 }",
    },
    Parameter {
        key: "learning_rate",
        symbol: "κ",
        kind: Kind::Number(Range::Positive),
        default: Default::Number(1.0),
        doc: "rate of all weights per unit of time",
        example: "1.0",
    },
    Parameter {
        key: "limit",
        symbol: "",
        kind: Kind::Choice(&[
            ("step-size", "sizes are steps per unit of time, 1/η"),
            ("initial-scale", "sizes divide the weights at time 0; steps have the length of the key step"),
        ]),
        default: Default::Text("step-size"),
        doc: "the limit that larger sizes approach",
        example: "\"step-size\"",
    },
    Parameter {
        key: "step",
        symbol: "η",
        kind: Kind::Number(Range::Positive),
        default: Default::Absent,
        doc: "length of one update for limit = \"initial-scale\"",
        example: "0.001",
    },
    Parameter {
        key: "input_variance",
        symbol: "λ",
        kind: Kind::NumberOrVector(Range::Positive),
        default: Default::Number(1.0),
        doc: "variance of the inputs: one number for white inputs, or a list of N_0 along input_basis",
        example: "1.0",
    },
    Parameter {
        key: "input_basis",
        symbol: "",
        kind: Kind::Choice(&[
            ("modes", "the target's input modes, completed to a basis"),
            ("random", "random orthonormal directions, redrawn in every replica"),
        ]),
        default: Default::Text("modes"),
        doc: "directions of the input variances",
        example: "\"modes\"",
    },
    Parameter {
        key: "noise_std",
        symbol: "σ",
        kind: Kind::Number(Range::NonNegative),
        default: Default::Number(0.0),
        doc: "standard deviation of the label noise on every output",
        example: "0.0",
    },
    Parameter {
        key: "training_set",
        symbol: "P",
        kind: Kind::Count { min: 1, max: 100_000_000 },
        default: Default::Absent,
        doc: "samples drawn once and trained on; the distribution itself if absent",
        example: "100",
    },
    Parameter {
        key: "whitened",
        symbol: "",
        kind: Kind::Flag,
        default: Default::Flag(false),
        doc: "the training set's inputs have exactly the second moment of their distribution",
        example: "true",
    },
    Parameter {
        key: "batch",
        symbol: "b",
        kind: Kind::Count { min: 1, max: 100_000_000 },
        default: Default::Absent,
        doc: "samples averaged in one update, from the training set or fresh; everything if absent",
        example: "10",
    },
    Parameter {
        key: "activation",
        symbol: "",
        kind: Kind::Choice(&[
            ("linear", "the laws hold"),
            ("tanh", "hidden units tanh, the empirical counterpart; no law"),
        ]),
        default: Default::Text("linear"),
        doc: "hidden units",
        example: "\"linear\"",
    },
    Parameter {
        key: "learnt_fraction",
        symbol: "",
        kind: Kind::Number(Range::Open(0.0, 1.0)),
        default: Default::Number(0.5),
        doc: "fraction of its strength at which a mode counts as learnt, for learning_time",
        example: "0.5",
    },
    Parameter {
        key: "learnt_loss",
        symbol: "",
        kind: Kind::Number(Range::Open(0.0, 1.0)),
        default: Default::Number(0.05),
        doc: "fraction of the loss of the zero map at which the network counts as trained, for loss_time",
        example: "0.05",
    },
];
