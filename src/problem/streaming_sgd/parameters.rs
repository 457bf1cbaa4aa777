//! The scenario keys of least squares by SGD.

use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant, number};

pub const KIND: ProblemKind = ProblemKind {
    kind: "streaming-sgd",
    title: "Least squares by SGD in high dimension, one pass or several",
    description: "\
Inputs x ~ N(0, H) in d dimensions, labels y = x.w* + σ ζ, start w = 0 with (w*_i)² = c_i² along eigenvalue l_i of H.
Every update averages B samples: w −= (γ/d) mean (x.w − y) x. On fresh samples t = updates / d; on a data set of
n = sample_ratio d samples, drawn with replacement or not, t = epochs = updates / n. AdaGrad-norm has
γ_k = η / sqrt(b_0² + Σ |gradient|² / d²), the gradient of this update included.
Law for d -> infinity, one pass, Ψ = E r²/2: dD_i/dt = −2 γ l_i D_i + (2 γ²/(B d)) l_i Ψ, Ψ = σ²/2 + ½ Σ l_i D_i, the
same as Ψ(t) = F(γ t) + ∫ K(t − s) Ψ(s) ds with K(t) = (γ²/(B d)) Σ l_i² exp(−2 γ l_i t). On a data set the forcing
is the loss of gradient flow and l_i are the eigenvalues of the data's second moment. Mean square diverges from
γ = 2 B d / tr H on. moments = \"gaussian\" takes the exact mean over Gaussian inputs at every d instead:
s_i <- (1 − η l_i)² s_i + (η²/B)(l_i² s_i + l_i (Σ l_j s_j + σ²)), η = γ/d.
find = { kind = \"largest-stable-rate\" } has the observable largest_stable_rate in place of the course, the largest
γ = η d with a bounded mean square:
(η/B) Σ l_i / (2 − η l_i (1 + 1/B)) = 1 for Gaussian inputs; on a data set (moments = \"data\", start = \"replica\") the η at
which S -> (I − η H) S (I − η H) + p η² (mean H_i S H_i − H S H) keeps some S, H_i = x_i x_iᵀ and H their mean,
p = (n − B) / (B (n − 1)) for batches of different samples, 1/B with replacement. Linear in B, then flat at 2/l_max.
A simulation moves a population of walkers by real updates without label noise, each scaled back to length 1 and copied
in proportion to the growth of its square; the logarithm of the mean growth moves γ down, and γ settles where it is 0.",
    source: "Paquette, Lee, Pedregosa & Paquette, COLT 2021; Collins-Woodfin, Seroussi, García Malaxechebarría, Mackenzie, Paquette & Paquette, The High Line, NeurIPS 2024",
    parameters: PARAMETERS,
    limit_parameter: "input dimension d",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "risk",
    time_unit: "updates / d; epochs on a data set",
    default_tolerance: 1e-10,
    law_faults: &[
        ("drop=gamma2", "leaves out the noise that the steps themselves make"),
        ("drop=noise-floor", "leaves out the label noise of the risk"),
        ("square=noise", "noise_std in place of its square"),
        ("drop=fourth-moment", "forgets l_i² s_i, which Gaussian inputs add to the noise of the steps"),
        ("scale=rate", "takes steps that are a tenth longer than the stated rate"),
    ],
    finite_size_faults: &[],
    overlays: &[
        ("noise-floor", "risk at t -> infinity of a constant rate on fresh samples"),
        ("critical-rate", "largest rate with a finite mean square: 2 B d / tr H"),
        ("small-batch-rate", "2 B d / tr H at the drawn size: the largest stable rate of small batches"),
        ("large-batch-rate", "2 d / l_max at the drawn size: that of gradient descent"),
    ],
};

const NORM: Parameter = number(
    "norm",
    "|w*|",
    Range::NonNegative,
    Default::Number(1.0),
    "length of w*, all coordinates together",
    "1.0",
);

const PARAMETERS: &[Parameter] = &[
    Parameter {
        key: "spectrum",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "isotropic",
                doc: "all eigenvalues equal",
                parameters: &[number(
                    "variance",
                    "l",
                    Range::Positive,
                    Default::Number(1.0),
                    "their value",
                    "1.0",
                )],
            },
            Variant { name: "linear", doc: "l_i = i/d", parameters: &[] },
            Variant {
                name: "power-law",
                doc: "l_i = i^-exponent",
                parameters: &[number(
                    "exponent",
                    "",
                    Range::NonNegative,
                    Default::Required,
                    "decay of the eigenvalues",
                    "0.7",
                )],
            },
            Variant {
                name: "list",
                doc: "every value has the same share of the dimensions",
                parameters: &[Parameter {
                    key: "values",
                    symbol: "l",
                    kind: Kind::Vector(Range::NonNegative),
                    default: Default::Required,
                    doc: "the eigenvalues, not all 0; sizes that their number does not divide round the shares",
                    example: "[2.0, 1.0, 0.5]",
                }],
            },
            Variant {
                name: "file",
                doc: "eigenvalues of measured data from a text file, one number from 0 on a line, shares as for a list",
                parameters: &[Parameter {
                    key: "path",
                    symbol: "",
                    kind: Kind::Text,
                    default: Default::Required,
                    doc: "the file",
                    example: "\"eigenvalues.txt\"",
                }],
            },
        ]),
        default: Default::Required,
        doc: "eigenvalues of the inputs' covariance H",
        example: "{ kind = \"isotropic\" }",
    },
    Parameter {
        key: "target",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "isotropic", doc: "equal squares along all eigenvectors", parameters: &[NORM] },
            Variant {
                name: "power-law",
                doc: "squares proportional to i^-exponent, i counting eigenvalues in the order of the spectrum",
                parameters: &[
                    number("exponent", "", Range::Any, Default::Required, "decay of the squares", "1.0"),
                    NORM,
                ],
            },
        ]),
        default: Default::Variant("isotropic"),
        doc: "squares of w* along the eigenvectors",
        example: "{ kind = \"isotropic\", norm = 1.0 }",
    },
    Parameter {
        key: "data",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "fresh", doc: "every sample is used once", parameters: &[] },
            Variant {
                name: "finite",
                doc: "a data set, drawn once",
                parameters: &[
                    number(
                        "sample_ratio",
                        "n/d",
                        Range::Positive,
                        Default::Required,
                        "samples per input dimension",
                        "2.0",
                    ),
                    Parameter {
                        key: "replacement",
                        symbol: "",
                        kind: Kind::Flag,
                        default: Default::Flag(true),
                        doc: "whether a sample may stand twice in a batch; if not, a batch is no larger than the data",
                        example: "false",
                    },
                ],
            },
        ]),
        default: Default::Variant("fresh"),
        doc: "where samples come from",
        example: "{ kind = \"finite\", sample_ratio = 2.0 }",
    },
    number("learning_rate", "γ", Range::Positive, Default::Required, "rate γ, or η of AdaGrad-norm", "0.5"),
    Parameter {
        key: "rule",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "constant", doc: "a constant rate", parameters: &[] },
            Variant {
                name: "adagrad-norm",
                doc: "rate divided by the root of the accumulated squared gradients",
                parameters: &[number(
                    "offset",
                    "b_0",
                    Range::Positive,
                    Default::Required,
                    "root of the sum at time 0",
                    "0.3",
                )],
            },
        ]),
        default: Default::Variant("constant"),
        doc: "how the rate moves",
        example: "{ kind = \"adagrad-norm\", offset = 0.3 }",
    },
    number(
        "noise_std",
        "σ",
        Range::NonNegative,
        Default::Required,
        "standard deviation of the label noise",
        "0.5",
    ),
    Parameter {
        key: "batch",
        symbol: "B",
        kind: Kind::Count { min: 1, max: 1_000_000 },
        default: Default::Count(1),
        doc: "samples averaged in one update",
        example: "4",
    },
    Parameter {
        key: "moments",
        symbol: "",
        kind: Kind::Choice(&[
            ("limit", "the law of infinite dimension"),
            ("gaussian", "the exact mean at every d, one pass at a constant rate"),
            ("data", "several passes, on the measured spectrum of every replica's data"),
        ]),
        default: Default::Text("limit"),
        doc: "which law",
        example: "\"gaussian\"",
    },
    Parameter {
        key: "find",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "course", doc: "the course of learning", parameters: &[] },
            Variant {
                name: "largest-stable-rate",
                doc: "the largest rate with a bounded mean square, in place of the course",
                parameters: &[
                    Parameter {
                        key: "walkers",
                        symbol: "",
                        kind: Kind::Count { min: 10, max: 1_000_000 },
                        default: Default::Count(100),
                        doc: "runs side by side in a simulation; the bias falls as 1 / walkers",
                        example: "100",
                    },
                    number(
                        "duration",
                        "",
                        Range::Positive,
                        Default::Number(20.0),
                        "units of time that the search takes; its second half is averaged",
                        "20.0",
                    ),
                ],
            },
        ]),
        default: Default::Variant("course"),
        doc: "what is asked of the updates",
        example: "{ kind = \"largest-stable-rate\" }",
    },
];
