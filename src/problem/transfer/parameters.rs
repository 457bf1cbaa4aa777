//! The scenario keys of transfer by fine-tuning.

use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant, number};

pub const KIND: ProblemKind = ProblemKind {
    kind: "transfer",
    title: "Fine-tuning of pretrained linear models to interpolation, regression and classification",
    description: "\
n < d samples, start at pretrained weights w_0; descent ends in w_0 + X⁺ (y − X w_0).
Regression, x = Σ^(1/2) z with eigenvalues l_i, y = x.w* + σ ζ, δ = w* − w_0 in a random direction: the excess risk is
    [κ² Σ l_i δ_i²/(l_i + κ)² + σ² g] / (1 − g),  Σ l_i/(l_i + κ) = n,  g = (1/n) Σ l_i²/(l_i + κ)²,
that of the pretrained weights Σ l_i δ_i². On isotropic inputs regression has a law of the path too: t = η × updates of gradient descent, rate × epochs of SGD at small rates.
Classification, x = y μ + z, labels y = ±1 interpolated, M = |μ|, r = n/(d − n), w_0 = t_0 along μ and p_0 across:
    s = p_0/(1 + r), t = (t_0 + r M)/(1 + r (1 + M²)), q² = r ((1 − M t)² + t² + s²), error Φ(−M t/√(t² + s² + q²)).
Only mean and covariance of z matter as d -> infinity.",
    source: "Ghane, Akhtiamov & Hassibi 2024, arXiv:2410.02164",
    parameters: PARAMETERS,
    limit_parameter: "input dimension d; n = d / (d/n) samples, rounded: sizes that all ratios divide extrapolate best",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "fine_tuned",
    time_unit: "η × updates; epochs × γ of SGD",
    default_tolerance: 1e-10,
    law_faults: &[
        ("drop=inflation", "leaves out the variance of the fit: g = 0 in the denominator, q = 0 for classification"),
        ("square=noise", "noise_std in place of its square"),
        ("drop=start", "forgets the pretrained weights: descent from 0 for classification, δ = 0 for regression"),
    ],
    finite_size_faults: &[],
    overlays: &[("pretrained-risk", "what the pretrained weights have before fine-tuning")],
};

const PARAMETERS: &[Parameter] = &[
    Parameter {
        key: "task",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "regression",
                doc: "labels linear in the inputs, with noise",
                parameters: &[
                    number(
                        "distance",
                        "|δ|",
                        Range::NonNegative,
                        Default::Required,
                        "length of w* - w_0",
                        "1.2",
                    ),
                    number(
                        "noise_std",
                        "σ",
                        Range::NonNegative,
                        Default::Required,
                        "standard deviation of the label noise",
                        "0.15",
                    ),
                ],
            },
            Variant {
                name: "classification",
                doc: "two classes around +-mu, isotropic",
                parameters: &[
                    number("separation", "M", Range::Positive, Default::Required, "length of mu", "1.5"),
                    number(
                        "pretrained_norm",
                        "|w_0|",
                        Range::NonNegative,
                        Default::Required,
                        "length of the pretrained weights",
                        "0.3",
                    ),
                    number(
                        "alignment",
                        "",
                        Range::Any,
                        Default::Required,
                        "cosine between w_0 and mu, from -1 to 1",
                        "0.6",
                    ),
                ],
            },
        ]),
        default: Default::Required,
        doc: "what the samples ask for",
        example: "{ kind = \"regression\", distance = 1.2, noise_std = 0.15 }",
    },
    number(
        "overparametrisation",
        "d/n",
        Range::Positive,
        Default::Required,
        "input dimensions per sample",
        "2.0",
    ),
    Parameter {
        key: "spectrum",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "isotropic", doc: "all eigenvalues 1", parameters: &[] },
            Variant {
                name: "bilevel",
                doc: "two eigenvalues",
                parameters: &[
                    number("high", "", Range::Positive, Default::Required, "the first", "4.0"),
                    number("low", "", Range::Positive, Default::Required, "the second", "0.5"),
                    number(
                        "fraction",
                        "",
                        Range::Open(0.0, 1.0),
                        Default::Required,
                        "share of dimensions with the first",
                        "0.25",
                    ),
                ],
            },
            Variant {
                name: "list",
                doc: "every value has the same share of the dimensions",
                parameters: &[Parameter {
                    key: "values",
                    symbol: "l",
                    kind: Kind::Vector(Range::Positive),
                    default: Default::Required,
                    doc: "the eigenvalues",
                    example: "[4.0, 0.5, 0.5, 0.5]",
                }],
            },
        ]),
        default: Default::Variant("isotropic"),
        doc: "eigenvalues of the inputs' covariance, for regression",
        example: "{ kind = \"isotropic\" }",
    },
    Parameter {
        key: "inputs",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "gaussian", doc: "normal", parameters: &[] },
            Variant { name: "rademacher", doc: "+-1", parameters: &[] },
            Variant { name: "chi-square", doc: "(z^2 - 1)/sqrt 2, one degree of freedom", parameters: &[] },
            Variant {
                name: "bernoulli",
                doc: "centred and scaled",
                parameters: &[number(
                    "probability",
                    "",
                    Range::Open(0.0, 1.0),
                    Default::Required,
                    "of the upper value",
                    "0.3",
                )],
            },
            Variant {
                name: "student-t",
                doc: "scaled to variance 1",
                parameters: &[number(
                    "degrees",
                    "ν",
                    Range::Open(2.0, 1e6),
                    Default::Required,
                    "degrees of freedom, any number above 2, where the variance is finite",
                    "5.0",
                )],
            },
        ]),
        default: Default::Variant("gaussian"),
        doc: "law of the independent entries of z, of mean 0 and variance 1",
        example: "{ kind = \"rademacher\" }",
    },
    Parameter {
        key: "solver",
        symbol: "",
        kind: Kind::Choice(&[
            ("interpolation", "the end of descent by one linear system, at every time"),
            ("gradient-descent", "all samples in every update of length learning_rate"),
            ("sgd", "one sample in every update at the rate learning_rate; time = rate x epochs"),
        ]),
        default: Default::Text("interpolation"),
        doc: "how a replica is fine-tuned; the law of interpolation is that of the end, that of the others the path on isotropic regression, of sgd for small rates",
        example: "\"interpolation\"",
    },
    number(
        "learning_rate",
        "η",
        Range::Positive,
        Default::Number(0.1),
        "length of an update on the clock of samples x / sqrt(d)",
        "0.1",
    ),
];
