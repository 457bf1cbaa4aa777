//! The scenario keys of class imbalance.

use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant, number};

pub const KIND: ProblemKind = ProblemKind {
    kind: "class-imbalance",
    title: "Softmax regression with rare classes: gradient and sign methods",
    description: "\
Logits W x, c classes of frequency π_k, cross-entropy, W = 0 at time 0, full batches; one update has the length
η = κ / size, time t = updates / size. With one-hot inputs x = e_k classes decouple; z_k is the margin of class k, its
loss ln(1 + (c−1) e^(−z_k)). As η → 0 at fixed time:
gd               z' = κ π_k c/(c − 1 + e^z):  (c−1) z + e^z − 1 = c κ π_k t;  loss ~ (c−1)/(c κ π_k t) where e^z >> c z
heavy-ball       the same at the rate κ/(1 − μ)
normalised-gd    the same on the clock s(t), s' = 1/|g(s)|, |g|² = c/(c−1) Σ π_k² (1 − p_k)²
sign             z = 2 κ t for every class, exact at every η
adam             z' = κ [a/(a + ε) + b/(b + ε)], a = π_k (1 − p_k), b = a/(c−1): the sign flow where a, b >> ε
p_k is the probability of the label. Memories of 1/(1 − β) updates vanish with η. Random inputs have no law here.",
    source: "Kunstner, Yadav, Milligan, Schmidt & Bietti 2024, arXiv:2402.19449; the sign flow of Adam without memory: Balles & Hennig, ICML 2018",
    parameters: PARAMETERS,
    limit_parameter: "steps per unit of time, κ/η",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "loss",
    time_unit: "updates / size",
    default_tolerance: 1e-10,
    law_faults: &[
        ("drop=frequency", "every class moves as if it had all the mass"),
        ("drop=classes", "leaves out the factor c/(c - 1) of gradient flows"),
        ("halve=sign", "margins of sign flows grow at the rate 1 in place of 2"),
        ("drop=momentum", "leaves out the factor 1/(1 - μ)"),
        ("drop=epsilon", "leaves out the ε of Adam"),
    ],
    finite_size_faults: &[],
    overlays: &[("chance", "loss of equal probabilities, ln c")],
};

const MAX_CLASSES: u64 = 100_000;

const fn count(key: &'static str, symbol: &'static str, min: u64, max: u64, doc: &'static str) -> Parameter {
    Parameter { key, symbol, kind: Kind::Count { min, max }, default: Default::Required, doc, example: "100" }
}

const DIMENSION: Parameter = count("dimension", "d", 1, 1_000_000, "entries of an input");

const SCALE: Parameter = number(
    "scale",
    "",
    Range::Positive,
    Default::Number(1.0),
    "factor on every entry: the upper end of uniform ones, the standard deviation of Gaussian ones",
    "1.0",
);

const PARAMETERS: &[Parameter] = &[
    Parameter {
        key: "inputs",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "one-hot", doc: "the unit vector of the class; the laws hold", parameters: &[] },
            Variant {
                name: "uniform",
                doc: "random entries, uniform on [0, scale]; no law",
                parameters: &[DIMENSION, SCALE],
            },
            Variant {
                name: "gaussian",
                doc: "random entries N(0, scale^2); no law",
                parameters: &[DIMENSION, SCALE],
            },
        ]),
        default: Default::Variant("one-hot"),
        doc: "what the network sees",
        example: "{ kind = \"one-hot\" }",
    },
    Parameter {
        key: "frequencies",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "power-law",
                doc: "proportional to k^-exponent",
                parameters: &[
                    count("classes", "c", 2, MAX_CLASSES, "number of classes"),
                    number(
                        "exponent",
                        "",
                        Range::NonNegative,
                        Default::Number(1.0),
                        "decay of the frequencies",
                        "1.0",
                    ),
                ],
            },
            Variant {
                name: "list",
                doc: "as stated, divided by their sum; classes are numbered from the most frequent on",
                parameters: &[
                    Parameter {
                        key: "values",
                        symbol: "π",
                        kind: Kind::Vector(Range::Positive),
                        default: Default::Required,
                        doc: "frequencies of the classes",
                        example: "[0.5, 0.3, 0.2]",
                    },
                    Parameter {
                        default: Default::Absent,
                        ..count(
                            "classes",
                            "c",
                            2,
                            MAX_CLASSES,
                            "number of classes if above that of the values, which are then taken as they are: the others share what is left to 1 equally",
                        )
                    },
                ],
            },
            Variant {
                name: "groups",
                doc: "groups i = 0 .. count - 1 of 2^i classes with 2^(count - i) samples each",
                parameters: &[Parameter {
                    example: "7",
                    ..count("count", "m", 2, 16, "number of groups, all of the same mass")
                }],
            },
        ]),
        default: Default::Required,
        doc: "how often every class occurs",
        example: "{ kind = \"power-law\", classes = 100, exponent = 1.0 }",
    },
    Parameter {
        key: "samples",
        symbol: "n",
        kind: Kind::Count { min: 2, max: 100_000_000 },
        default: Default::Absent,
        doc: "samples of random inputs, n π_k of class k rounded and at least one; groups count their own",
        example: "1000",
    },
    Parameter {
        key: "algorithm",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "gd", doc: "gradient descent", parameters: &[] },
            Variant {
                name: "heavy-ball",
                doc: "v <- μ v + g, w <- w - η v",
                parameters: &[number(
                    "momentum",
                    "μ",
                    Range::NonNegative,
                    Default::Required,
                    "memory of the velocity, below 1",
                    "0.9",
                )],
            },
            Variant {
                name: "normalised-gd",
                doc: "steps of equal length along the gradient",
                parameters: &[],
            },
            Variant { name: "sign", doc: "every weight moves by η against its gradient", parameters: &[] },
            Variant {
                name: "adam",
                doc: "Adam with bias correction",
                parameters: &[
                    number(
                        "beta1",
                        "β₁",
                        Range::NonNegative,
                        Default::Number(0.9),
                        "memory of the gradient, below 1",
                        "0.9",
                    ),
                    number(
                        "beta2",
                        "β₂",
                        Range::NonNegative,
                        Default::Number(0.999),
                        "memory of its square, below 1",
                        "0.999",
                    ),
                    number(
                        "epsilon",
                        "ε",
                        Range::NonNegative,
                        Default::Number(1e-8),
                        "added to the root",
                        "1e-8",
                    ),
                ],
            },
        ]),
        default: Default::Required,
        doc: "the optimiser, on full batches",
        example: "{ kind = \"gd\" }",
    },
    number(
        "learning_rate",
        "κ",
        Range::Positive,
        Default::Number(1.0),
        "rate per unit of time: one update has the length learning_rate / size",
        "1.0",
    ),
    Parameter {
        key: "storage",
        symbol: "",
        kind: Kind::Choice(&[
            (
                "paired",
                "one-hot inputs: the own weight of a class and one for all others, which are equal at all times; classes of one frequency once",
            ),
            ("dense", "the whole matrix"),
        ]),
        default: Default::Text("paired"),
        doc: "weights that a simulation on one-hot inputs keeps; the same numbers either way",
        example: "\"paired\"",
    },
    Parameter {
        key: "loss_groups",
        symbol: "",
        kind: Kind::Count { min: 1, max: 1000 },
        default: Default::Count(10),
        doc: "groups of about equal mass for group_loss, fewer where one class outweighs a group; of no effect for frequencies in groups",
        example: "10",
    },
];
