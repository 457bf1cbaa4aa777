//! The scenario keys of matrix sensing.

use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant, number};

pub const KIND: ProblemKind = ProblemKind {
    kind: "matrix-sensing",
    title: "Over-parameterised matrix sensing: symmetric and asymmetric factors",
    description: "\
Target M = diag(s_1, ..., s_r) in n dimensions, factors with k columns, gradient descent with step η, t = η × updates.
symmetric    W = X Xᵀ, loss ¼|W − M|²; flow X' = (M − X Xᵀ) X:
             W(t) = e^(Mt) X₀ [I + 2 X₀ᵀ ∫e^(2Ms)ds X₀]⁻¹ X₀ᵀ e^(Mt), stepped with new factors
             k = r < n: |W − M|² decays as exp(−2 s_r t);  k, n > r: it goes to (min(k, n) − r)/(4 t²);
             n = r: only entries of the target are left, and it decays as exp(−4 s_r t)
asymmetric   W = F Gᵀ, loss ½|W − M|²; F' = (M − W) G, G' = (M − W)ᵀ F, integrated;
             FᵀF − GᵀG is conserved; outside the target F' = −F GᵀG and G' = −G FᵀF, so that |W − M|² decays as
             exp(−2 l t), l the least eigenvalue of the final FᵀF or of GᵀG on its range. For small starts l is that
             of FᵀF − GᵀG on the null space of the final G, of dimension k − r, and goes as their square
cure         once, F = U S Vᵀ becomes β U and G becomes G V S/β: W is the same, l becomes β², and the rate
             min(β², s_r²/β²) after a cure of converged factors: the second is that of what F keeps outside the target.
             At the update nearest to its time; F of deficient rank is refused there, since U is not defined
With m measurements |W − M|² is replaced by the mean of ⟨A_i, W − M⟩² over matrices of independent N(0, 1) entries. With
limit = \"measurements\" the law is gradient descent of the same step on the population, m → ∞.
The target's basis is that of the axes: random factors and measurements know no other.",
    source: "Xiong, Ding & Du 2023, arXiv:2310.01769; the matrix solution: Yan, Helmke & Moore, SIAM J. Matrix Anal. Appl. 15, 1994 (Riccati equation of Oja's flow)",
    parameters: PARAMETERS,
    limit_parameter: "steps per unit of time, 1/η; with limit = \"measurements\" the number m of measurements",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "error",
    time_unit: "η × updates",
    default_tolerance: 1e-11,
    law_faults: &[
        ("drop=null-space", "leaves out the part of the factors in the null space of the target, and with it the tail"),
        ("double=rate", "the loss without its factor 1/2: everything moves twice as fast"),
        ("drop=restriction", "restricted_eigenvalue is the smallest eigenvalue of all"),
        ("drop=cure", "leaves the factors as they are at the time of the cure"),
    ],
    finite_size_faults: &[],
    overlays: &[
        ("tail-prefactor", "(min(k, n) - r)/4 of scaled_error for symmetric factors"),
        ("signal-rate", "rate of symmetric factors with min(k, n) = r: s_r, or 2 s_r with n = r"),
        ("cured-rate", "final rate after a cure of converged factors, n and n_2 above r: the smaller one of β² and s_r²/β²; an earlier cure leaves another"),
    ],
};

const fn count(
    key: &'static str,
    symbol: &'static str,
    max: u64,
    default: Default,
    doc: &'static str,
    example: &'static str,
) -> Parameter {
    Parameter { key, symbol, kind: Kind::Count { min: 1, max }, default, doc, example }
}

use Default::{Absent, Required};

const PARAMETERS: &[Parameter] = &[
    count("dimension", "n", 4096, Required, "rows of the target", "30"),
    Parameter {
        key: "strengths",
        symbol: "s",
        kind: Kind::Vector(Range::Positive),
        default: Required,
        doc: "singular values of the target, taken in descending order; their number is the rank r",
        example: "[3.0, 2.0, 1.0]",
    },
    count("columns", "k", 4096, Required, "columns of the factors", "5"),
    Parameter {
        key: "model",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "symmetric", doc: "X X^T", parameters: &[] },
            Variant {
                name: "asymmetric",
                doc: "F G^T",
                parameters: &[count(
                    "width",
                    "n_2",
                    4096,
                    Absent,
                    "columns of the target; a square one if absent",
                    "30",
                )],
            },
        ]),
        default: Default::Variant("symmetric"),
        doc: "the factorised map",
        example: "{ kind = \"symmetric\" }",
    },
    Parameter {
        key: "init",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "random",
                doc: "independent Gaussian entries",
                parameters: &[
                    number("std", "α", Range::Positive, Required, "standard deviation in X or F", "0.02"),
                    number(
                        "ratio",
                        "",
                        Range::NonNegative,
                        Default::Number(1.0 / 3.0),
                        "that of G divided by that of F",
                        "0.333",
                    ),
                ],
            },
            Variant {
                name: "aligned",
                doc: "symmetric factors, column j along axis j",
                parameters: &[Parameter {
                    key: "x0",
                    symbol: "x0",
                    kind: Kind::NumberOrVector(Range::Any),
                    default: Required,
                    doc: "lengths: one number for all columns or a list",
                    example: "0.1",
                }],
            },
            Variant {
                name: "given",
                doc: "factors as stated, in the basis of the target",
                parameters: &[
                    Parameter {
                        key: "F",
                        symbol: "F",
                        kind: Kind::Matrix,
                        default: Required,
                        doc: "F or X, n x k",
                        example: "[[0.1, 0.0], [0.0, 0.1]]",
                    },
                    Parameter {
                        key: "G",
                        symbol: "G",
                        kind: Kind::Matrix,
                        default: Absent,
                        doc: "G, n_2 x k, of the asymmetric model",
                        example: "[[0.03, 0.0], [0.0, 0.03]]",
                    },
                ],
            },
        ]),
        default: Required,
        doc: "factors at time 0",
        example: "{ kind = \"random\", std = 0.02 }",
    },
    count(
        "training_set",
        "m",
        100_000_000,
        Absent,
        "Gaussian measurements with limit = \"step-size\"; the population if absent",
        "2000",
    ),
    Parameter {
        key: "limit",
        symbol: "",
        kind: Kind::Choice(&[
            ("step-size", "sizes are steps per unit of time, 1/η"),
            ("measurements", "sizes are numbers of measurements; one update has the length learning_rate"),
        ]),
        default: Default::Text("step-size"),
        doc: "the limit that larger sizes approach",
        example: "\"step-size\"",
    },
    number(
        "learning_rate",
        "η",
        Range::Positive,
        Absent,
        "length of one update with limit = \"measurements\"",
        "0.1",
    ),
    Parameter {
        key: "cure",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "none", doc: "plain gradient descent", parameters: &[] },
            Variant {
                name: "one-step",
                doc: "once, F = U S V^T becomes scale U and G becomes G V S / scale",
                parameters: &[
                    number("time", "", Range::NonNegative, Required, "when", "20.0"),
                    number(
                        "scale",
                        "β",
                        Range::Positive,
                        Required,
                        "singular values of F from then on",
                        "1.0",
                    ),
                ],
            },
        ]),
        default: Default::Variant("none"),
        doc: "one change of the factors that keeps their product",
        example: "{ kind = \"none\" }",
    },
];
