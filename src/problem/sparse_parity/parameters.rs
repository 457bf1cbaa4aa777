//! The scenario keys of sparse parities.

use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant, number};

pub const KIND: ProblemKind = ProblemKind {
    kind: "sparse-parity",
    title: "k-sparse parity by sign SGD: good units, decaying noise, one batch scale",
    description: "\
y = x_1 ⋯ x_k on x ~ {±1}^d; f = Σ_r a_r (w_r·x)^k, w_r and a_r from {±1}, a fixed; every update draws B fresh samples:
    w <- (1 − η) w + η sgn~(mean of y ∇f),   sgn~(z) = sign z where |z| > ρ, else 0;   ρ = dead_zone · k!
The population gradient is k! a_r Π_{i≠j} w_i on a feature and 0 elsewhere. Good units, a = product of the first signs (half
of them), keep their features at ±1; bad units lose theirs; all other coordinates decay as (1 − η)^t.
A batch adds Gaussian noise of deviation k √(2k−3)!! Q^((k−1)/2) / √β per coordinate, Q = |w|²/d, β = B/d^(k−1): at fixed
β the weights do not know d. Mean squares of other coordinates: q <- (1 − η)² q + η² P(|noise| > ρ); units whose weights
overlap share a part of their noise. The law follows networks of m units through these updates (Monte Carlo over 250
networks, d -> infinity at fixed m and β, corrections m/d). Features count beside fields of variance q d in the noise, as the
moment E z^(2k−2) of k signs and a Gaussian in place of (2k−3)!! Q^(k−1), and in the output, with the d of the simulation, or
of dimension. A fixed B is covered where squared gradients of one unit have a relative covariance of at
most 0.1, which is ((4k−5)!!/(2k−3)!!² − 1)/B: from B = 20, 107, 452, 1829 on for k = 2, 3, 4, 5.",
    source: "Kou, Chen, Gu & Kakade, NeurIPS 2024, arXiv:2404.12376",
    parameters: PARAMETERS,
    limit_parameter: "input dimension d",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "accuracy",
    time_unit: "updates",
    default_tolerance: 1e-10,
    law_faults: &[
        ("drop=factorial", "1 in place of k! in the population gradient"),
        ("drop=decay", "leaves out the weight decay: w <- w + eta sgn~"),
        ("drop=moments", "1 in place of (2k - 3)!!, as if |w.x| were constant"),
    ],
    finite_size_faults: &[],
    overlays: &[("initial-noise", "k sqrt((2k-3)!!) / sqrt(beta), gradient noise of the first update"), ("initial-signal", "k!")],
};

const fn count(
    key: &'static str,
    symbol: &'static str,
    (min, max): (u64, u64),
    default: Default,
    doc: &'static str,
    example: &'static str,
) -> Parameter {
    Parameter { key, symbol, kind: Kind::Count { min, max }, default, doc, example }
}

const PARAMETERS: &[Parameter] = &[
    count("order", "k", (2, 5), Default::Required, "features of the parity, and power of a unit", "2"),
    count("width", "m", (1, 100_000), Default::Required, "hidden units", "64"),
    number(
        "learning_rate",
        "η",
        Range::Positive,
        Default::Required,
        "step and weight decay of one update",
        "0.1",
    ),
    number(
        "dead_zone",
        "ρ/k!",
        Range::NonNegative,
        Default::Required,
        "gradients up to this many k! do not count",
        "0.1",
    ),
    Parameter {
        key: "batch",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "ratio",
                doc: "B = value d^(k-1)",
                parameters: &[number(
                    "value",
                    "β",
                    Range::Positive,
                    Default::Required,
                    "samples of an update, divided by d^(k-1)",
                    "16.0",
                )],
            },
            Variant {
                name: "samples",
                doc: "B = value at every d",
                parameters: &[count(
                    "value",
                    "B",
                    (1, 1_000_000_000),
                    Default::Required,
                    "samples of an update",
                    "2000",
                )],
            },
        ]),
        default: Default::Required,
        doc: "fresh samples of every update",
        example: "{ kind = \"ratio\", value = 16.0 }",
    },
    count(
        "dimension",
        "d",
        (2, 1_000_000_000),
        Default::Count(100),
        "input dimension where no simulation states it",
        "100",
    ),
    count(
        "test_samples",
        "",
        (1, 1_000_000_000),
        Default::Count(2000),
        "fresh samples on which a simulation measures its accuracy",
        "2000",
    ),
];
