//! The scenario keys of batch Hessians.

use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant, number};

pub const KIND: ProblemKind = ProblemKind {
    kind: "batch-hessian",
    title: "Hessians of mini-batches: outliers, edge and the largest stable rate",
    description: "\
True Hessian in P dimensions with outliers l_i, one or a list. With 1/b = 1/B − 1/N for a batch of B out of N samples:
additive         H + noise, symmetric Gaussian of entry variance s²/P, s² = σ² P/b, H = Σ l_i e_i e_iᵀ
                 l_i -> l_i + s²/l_i where |l_i| > s, else the edge ±2 s; bulk a semicircle of radius 2 s
multiplicative   second moment of b samples of covariance diag(l_1, ..., l_k, σ², ..., σ²), q = P/b
                 l_i -> l_i (1 + q σ²/(l_i − σ²)) where l_i > σ² (1 + √q), or l_i < σ² (1 − √q) and q < 1, else the
                 edge σ² (1 ± √q)²; bulk Marchenko-Pastur
Every outlier moves by its own law. eigenvalue and alignment are those of an outlier, indexed where it is a list; their
order among the outliers on its side of the bulk is that of the eigenvalues, from the top or from the bottom.
Largest stable rates are 2 / top for SGD and 2 / √top where a preconditioner takes the root of the Hessian.
Batches and data are counted in units of P; a batch of all data has the true Hessian itself. density looks at the eigenvalue
lowest + time: with a negative lowest a panel has x = \"lowest + time\".",
    source: "Granziol, Zohren & Roberts 2020, arXiv:2006.09092; Baik, Ben Arous & Péché, Ann. Probab. 33, 1643 (2005); Benaych-Georges & Nadakuditi, Adv. Math. 227, 494 (2011)",
    parameters: PARAMETERS,
    limit_parameter: "dimension P; batches and data are rounded to whole samples: sizes that all ratios divide extrapolate best",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "top_eigenvalue",
    time_unit: "none; for density the eigenvalue is lowest + time",
    default_tolerance: 1e-10,
    law_faults: &[
        ("drop=shift", "leaves outliers where the true Hessian has them"),
        ("square=noise", "the standard deviation of the noise in place of its square"),
    ],
    finite_size_faults: &[],
    overlays: &[
        ("true-eigenvalue", "the largest outlier of the true Hessian"),
        ("bulk-edge", "upper edge of the bulk"),
        ("lower-edge", "lower edge of the bulk beside zeros"),
        ("smallest-true-eigenvalue", "the smallest outlier of the true Hessian"),
    ],
};

const PARAMETERS: &[Parameter] = &[
    Parameter {
        key: "noise",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "additive",
                doc: "independent of the Hessian",
                parameters: &[number(
                    "std",
                    "σ",
                    Range::Positive,
                    Default::Required,
                    "standard deviation of an entry for one sample",
                    "1.0",
                )],
            },
            Variant {
                name: "multiplicative",
                doc: "a second moment of drawn gradients or inputs",
                parameters: &[number(
                    "std",
                    "σ",
                    Range::Positive,
                    Default::Required,
                    "standard deviation of a sample along the bulk",
                    "1.0",
                )],
            },
        ]),
        default: Default::Required,
        doc: "how a batch departs from the true Hessian",
        example: "{ kind = \"additive\", std = 1.0 }",
    },
    Parameter {
        key: "outlier",
        symbol: "l",
        kind: Kind::NumberOrVector(Range::Any),
        default: Default::Required,
        doc: "eigenvalue of the true Hessian apart from the bulk, or a list; positive where noise is multiplicative",
        example: "3.0",
    },
    number(
        "batch_ratio",
        "B/P",
        Range::Positive,
        Default::Required,
        "samples of a batch per dimension",
        "0.5",
    ),
    number(
        "data_ratio",
        "N/P",
        Range::Positive,
        Default::Absent,
        "samples of the data set per dimension; infinitely many if absent",
        "10.0",
    ),
    number(
        "window",
        "",
        Range::Positive,
        Default::Number(0.2),
        "width over which density counts eigenvalues",
        "0.2",
    ),
    number(
        "lowest",
        "",
        Range::Any,
        Default::Number(0.0),
        "eigenvalue at which density looks at time 0, which shifts its axis",
        "-4.0",
    ),
];
