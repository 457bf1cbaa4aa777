//! The scenario keys of kernel regression on sampled data.

use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant, number};

pub const KIND: ProblemKind = ProblemKind {
    kind: "kernel-regression",
    title: "Learning curves of kernel ridge regression on sampled data",
    description: "\
f(x) = k(x, X) (K + δ)⁻¹ y on n samples, y = f*(x) + noise of standard deviation σ. With eigenvalues λ_i of the kernel under
the law of the inputs (N_k-fold for degree k on the sphere) and a_i the coefficients of f* along its eigenfunctions:
    n = Σ_i λ_i/(λ_i + κ) + δ/κ,   L_i = λ_i/(λ_i + κ),   E_0 = n/(n − Σ_i L_i²),
    test loss = ½ {E_0 [Σ_i (1 − L_i)² a_i² + σ²] − σ²},   train loss = ½ (δ/(n κ))² E_0 [Σ_i (1 − L_i)² a_i² + σ²],
and the learnt function has the coefficients L_i a_i on average. Sphere: λ_k = ∫ k(t) G_k(t) w(t) dt, G_k the Gegenbauer
polynomials with G_k(1) = 1, w ∝ (1 − t²)^((d−3)/2), N_k = C(k+d−1, d−1) − C(k+d−3, d−1).
Nothing is trained: time counts samples, n = time × size^p with p = samples_exponent. For p ≥ 1 the limit of infinite d learns
all degrees below p, degree p in part, and sees the rest of the kernel as a ridge.
Derived for eigenfunctions that act as Gaussian numbers: exact for the power law's Gaussian features as n grows, exact on the
sphere as d → ∞ at fixed n/d^p, and off by some per cent at small d or n, by tens of per cent on the circle (d = 2).",
    source: "Bordelon, Canatar & Pehlevan, ICML 2020, arXiv:2002.02561; Canatar, Bordelon & Pehlevan, Nat. Commun. 12, 2914 (2021); Simon, Dickens, Karkada & DeWeese, TMLR 2023, arXiv:2110.03922",
    parameters: PARAMETERS,
    limit_parameter: "input dimension d, or number of features of a power law",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "test_loss",
    time_unit: "training samples / $d$^{p}",
    default_tolerance: 1e-10,
    law_faults: &[
        ("drop=overfitting", "takes E_0 = 1: no noise from the finite sample"),
        ("scale=kappa", "takes 1.1 κ for κ"),
        ("shift=multiplicity", "counts the eigenvalues of d + 1 dimensions, or every feature of a power law twice"),
        ("drop=ridge", "takes δ = 0"),
        ("square=noise", "the standard deviation of the noise in place of its square"),
    ],
    finite_size_faults: &[],
    overlays: &[("nothing-learnt", "test loss of f = 0")],
};

const NETWORK: &[Parameter] = &[
    Parameter {
        key: "activation",
        symbol: "",
        kind: Kind::Choice(&[("relu", "max(0, z)"), ("erf", "erf(z)")]),
        default: Default::Text("relu"),
        doc: "nonlinearity of the hidden units",
        example: "\"relu\"",
    },
    Parameter {
        key: "hidden_layers",
        symbol: "L",
        kind: Kind::Count { min: 0, max: 1000 },
        default: Default::Count(1),
        doc: "hidden layers",
        example: "1",
    },
    number(
        "weight_std",
        "W_s",
        Range::Positive,
        Default::Number(std::f64::consts::SQRT_2),
        "standard deviation W_s of the weights",
        "1.5",
    ),
    number(
        "bias_std",
        "b_s",
        Range::NonNegative,
        Default::Number(0.0),
        "standard deviation b_s of the biases",
        "0.1",
    ),
];

const PARAMETERS: &[Parameter] = &[
    Parameter {
        key: "kernel",
        symbol: "k",
        kind: Kind::Tagged(&[
            Variant {
                name: "ntk",
                doc: "tangent kernel of infinitely wide networks, inputs uniform on |x|^2 = d",
                parameters: NETWORK,
            },
            Variant {
                name: "nngp",
                doc: "covariance of the outputs of infinitely wide networks over starts, the same inputs",
                parameters: NETWORK,
            },
            Variant {
                name: "exponential",
                doc: "exp((cos - 1)/width^2) of the angle, the Gaussian kernel on the unit sphere",
                parameters: &[number(
                    "width",
                    "",
                    Range::Positive,
                    Default::Required,
                    "width of the kernel",
                    "1.0",
                )],
            },
            Variant {
                name: "power-law",
                doc: "x.x' of Gaussian features x_i with variances i^-decay",
                parameters: &[number(
                    "decay",
                    "",
                    Range::Positive,
                    Default::Required,
                    "exponent of the eigenvalues",
                    "1.5",
                )],
            },
        ]),
        default: Default::Required,
        doc: "kernel and law of the inputs",
        example: "{ kind = \"ntk\" }",
    },
    Parameter {
        key: "target",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "coefficients",
                doc: "a_0, a_1, ... of the degrees on the sphere, or a_1, a_2, ... of a power law's features",
                parameters: &[Parameter {
                    key: "values",
                    symbol: "",
                    kind: Kind::Vector(Range::Any),
                    default: Default::Required,
                    doc: "coefficients along eigenfunctions of unit mean square",
                    example: "[0.0, 1.0, 0.5]",
                }],
            },
            Variant {
                name: "power-law",
                doc: "a_i^2 = i^-decay on all features of a power law",
                parameters: &[number(
                    "decay",
                    "",
                    Range::Positive,
                    Default::Required,
                    "exponent of the squared coefficients",
                    "2.0",
                )],
            },
        ]),
        default: Default::Required,
        doc: "function to learn",
        example: "{ kind = \"coefficients\", values = [0.0, 1.0, 0.5] }",
    },
    number(
        "noise_std",
        "σ",
        Range::NonNegative,
        Default::Number(0.0),
        "standard deviation of the noise on the training labels",
        "0.1",
    ),
    number(
        "ridge",
        "δ",
        Range::NonNegative,
        Default::Number(0.0),
        "added to the diagonal of the kernel",
        "0.01",
    ),
    Parameter {
        key: "samples_exponent",
        symbol: "p",
        kind: Kind::Count { min: 0, max: 4 },
        default: Default::Count(0),
        doc: "p of n = time size^p; 0: time is the number of samples",
        example: "1",
    },
    Parameter {
        key: "test_points",
        symbol: "",
        kind: Kind::Count { min: 1, max: 1_000_000 },
        default: Default::Count(1000),
        doc: "fresh inputs on which a replica on the sphere measures its error; a power law's is exact",
        example: "1000",
    },
];
