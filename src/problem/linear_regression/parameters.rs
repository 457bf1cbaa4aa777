//! The scenario keys of linear regression on a finite data set.

use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant, number};

pub const KIND: ProblemKind = ProblemKind {
    kind: "linear-regression",
    title: "Linear regression on P samples in N dimensions, gradient descent",
    description: "\
Data X (P x N, entries of variance 1/N), labels y = X w* + e; w* ~ N(0, σ_w²), start w_0 ~ N(0, σ_0²), noise
e ~ N(0, σ²) per entry. Gradient flow dw/dt = Xᵀ(y − X w) − g w, or steps of length η of it; t = η × updates.
With a = P/N and the Marchenko-Pastur density ρ (mass min(1, a)), E = exp(−(l + g) t) for the flow and
(1 − η (l + g))^(t/η) for steps, the law for N -> infinity without weight decay is
    E_g(t) = σ² + ∫ρ [(σ_w² + σ_0²) E² + σ² (1 − E)²/l] dl + (1 − a)₊ (σ_w² + σ_0²)
    E_t(t) = (1/a) ∫ρ [l (σ_w² + σ_0²) + σ²] E² dl + (1 − 1/a)₊ σ²,
mean squared errors with label noise; divide by σ² for the units of the paper, where S = (σ_w² + σ_0²)/σ².
Steps with η ((1 + √a)² + g) > 2 diverge: the law then ends after t = 0 with the rate of growth.
student = { kind = \"relu\" } puts networks in the place of both, without a law: teacher y = Σ_m v_m √(2/M) relu(W*_m·x) + e,
v ~ N(0, σ_w²), W* ~ N(0, 1), student Σ_j a_j √(2/H) relu(W_j·x), a ~ N(0, σ_0²), under the same descent on half the sum of
squares and the same clock. Errors are those of the ReLU teacher, from overlaps by the arc-cosine kernel. Early stopping
(best_error) looks at recorded times and at updates that grow by a tenth. Sizes count N; H is swept as a key.",
    source: "Advani & Saxe 2017, arXiv:1710.03667",
    parameters: PARAMETERS,
    limit_parameter: "input dimension N; P = a N samples, rounded",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "generalisation_error",
    time_unit: "η × updates",
    default_tolerance: 1e-10,
    law_faults: &[
        ("drop=noise-floor", "leaves out the label noise of test samples"),
        ("square=noise", "noise_std in place of its square"),
        ("drop=frozen", "leaves out the directions that the data do not span"),
        ("drop=overfitting", "leaves out the label noise that the weights learn"),
    ],
    finite_size_faults: &[],
    overlays: &[
        ("optimal-ridge-error", "error of ridge regression at its optimal strength σ²/(σ_w² + σ_0²)"),
        ("interpolation-error", "error at t -> infinity"),
        ("optimal-time", "the time that minimises the error"),
        ("optimal-time-error", "the error at that time"),
    ],
};

const RELU: &[Parameter] = &[
    Parameter {
        key: "width",
        symbol: "H",
        kind: Kind::Count { min: 1, max: 100_000 },
        default: Default::Required,
        doc: "hidden units of the student",
        example: "300",
    },
    Parameter {
        key: "teacher_width",
        symbol: "M",
        kind: Kind::Count { min: 1, max: 100_000 },
        default: Default::Required,
        doc: "hidden units of the teacher",
        example: "30",
    },
    Parameter {
        key: "trained",
        symbol: "",
        kind: Kind::Choice(&[
            ("readout", "the readout alone, on random features"),
            ("all-weights", "both layers"),
        ]),
        default: Default::Required,
        doc: "weights that descend",
        example: "\"readout\"",
    },
    number(
        "first_layer_std",
        "",
        Range::NonNegative,
        Default::Number(1.0),
        "standard deviation of the student's first-layer weights at time 0",
        "1.0",
    ),
];

const PARAMETERS: &[Parameter] = &[
    number(
        "sample_ratio",
        "a",
        Range::Positive,
        Default::Required,
        "samples per input dimension, P/N",
        "0.5",
    ),
    number(
        "teacher_std",
        "σ_w",
        Range::NonNegative,
        Default::Required,
        "standard deviation of the weights to learn",
        "1.0",
    ),
    number(
        "noise_std",
        "σ",
        Range::NonNegative,
        Default::Required,
        "standard deviation of the label noise",
        "0.5",
    ),
    number(
        "init_std",
        "σ_0",
        Range::NonNegative,
        Default::Number(0.0),
        "standard deviation of the weights at time 0",
        "0.1",
    ),
    number(
        "weight_decay",
        "g",
        Range::NonNegative,
        Default::Number(0.0),
        "shrinkage of all weights per unit of time",
        "0.1",
    ),
    number(
        "learning_rate",
        "η",
        Range::NonNegative,
        Default::Required,
        "length of one update; 0 for vanishing steps (gradient flow)",
        "0.1",
    ),
    Parameter {
        key: "solver",
        symbol: "",
        kind: Kind::Choice(&[
            ("steps", "gradient descent itself, update after update; needs learning_rate > 0"),
            (
                "exact-spectrum",
                "no descent: one singular value decomposition of the data, then every mode in closed form in time",
            ),
        ]),
        default: Default::Text("steps"),
        doc: "how a replica moves its weights",
        example: "\"exact-spectrum\"",
    },
    Parameter {
        key: "student",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "linear", doc: "linear student of a linear teacher", parameters: &[] },
            Variant {
                name: "relu",
                doc: "one hidden layer of ReLU units, student and teacher; no law",
                parameters: RELU,
            },
        ]),
        default: Default::Variant("linear"),
        doc: "what learns, from a teacher of its own kind",
        example: "{ kind = \"linear\" }",
    },
];
