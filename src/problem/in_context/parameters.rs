//! The scenario keys of linear regression in context.

use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant, number};

pub const KIND: ProblemKind = ProblemKind {
    kind: "in-context",
    title: "Linear self-attention learns one gradient step in context",
    description: "\
Prompts: w ~ N(0, Γ), n examples y_i = w·x_i + noise of variance s², x ~ N(0, S), and a query x_q; S diagonal.
Attention   yhat = pᵀ (Σ e_i e_iᵀ) Q x_q with e_i = (x_i, y_i), all d + 1 entries of p and (d + 1) d of Q trained on
            half the squared error of fresh prompts with noisy query labels; M = p_y Q_x + p_x q_yᵀ is its step matrix
Best step   yhat = x_q · Mᵀ Σ y_i x_i, M_i = γ_i / ((n + 1) s_i γ_i + tr(S Γ) + s²) along each direction:
            Γ = I = S: η = 1/(n + d + 1 + s²);   Γ = S⁻¹: η S⁻¹, same η;   Γ = I: [(n + 1) S + (tr S + s²) I]⁻¹
Excess risk of a step   Σ s_i γ_i − 2 n s_i² γ_i M_i + n s_i b_i M_i²,   b_i = (n + 1) s_i² γ_i + (tr(S Γ) + s²) s_i
Training    SGD from an aligned start, in the limit of many prompts per update: M_i = u v_i with
            u <- u − rate Σ v_i g_i, v_i <- v_i − rate u g_i, g_i = n s_i (b_i M_i − s_i γ_i); all other entries stay 0
With adam or a random start the law is the best step, at every time: where training ends.",
    source: "Mahankali, Hashimoto & Ma 2023, arXiv:2307.03576; Ahn, Cheng, Daneshmand & Sra 2023, arXiv:2306.00297",
    parameters: PARAMETERS,
    limit_parameter: "prompts per update B",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "risk",
    time_unit: "updates",
    default_tolerance: 1e-10,
    law_faults: &[
        ("drop=one", "n in place of n + 1: the fourth moment of an input taken as that of a sign"),
        ("drop=noise", "leaves out the noise of the labels"),
        ("drop=trace", "leaves out the interference of the other directions, tr(S Gamma)"),
    ],
    finite_size_faults: &[],
    overlays: &[("best-risk", "excess risk of the best preconditioned step"), ("best-rate", "tr(M S)/d of that step")],
};

const OPTIMIZERS: &[Variant] = &[
    Variant { name: "sgd", doc: "plain gradient steps", parameters: &[] },
    Variant {
        name: "adam",
        doc: "Adam with bias correction; law: the best step",
        parameters: &[
            number("beta1", "β_1", Range::NonNegative, Default::Number(0.9), "memory of the gradient", "0.9"),
            number(
                "beta2",
                "β_2",
                Range::NonNegative,
                Default::Number(0.999),
                "memory of its square",
                "0.999",
            ),
        ],
    },
];

const INITS: &[Variant] = &[
    Variant {
        name: "aligned",
        doc: "p_y = value, Q_x = attention times the identity, 0 elsewhere",
        parameters: &[
            number("value", "u", Range::Any, Default::Number(0.1), "p_y at time 0", "0.1"),
            number("attention", "v", Range::Any, Default::Number(0.1), "diagonal of Q_x at time 0", "0.1"),
        ],
    },
    Variant {
        name: "random",
        doc: "all entries normal; law: the best step",
        parameters: &[number("std", "", Range::Positive, Default::Number(0.1), "standard deviation", "0.1")],
    },
];

const ATTENTION: &[Parameter] = &[
    Parameter {
        key: "optimizer",
        symbol: "",
        kind: Kind::Tagged(OPTIMIZERS),
        default: Default::Variant("sgd"),
        doc: "how a gradient becomes a step",
        example: "{ kind = \"sgd\" }",
    },
    number("rate", "", Range::Positive, Default::Number(0.001), "learning rate of the training", "0.001"),
    number(
        "decay",
        "",
        Range::Positive,
        Default::Absent,
        "updates over which the rate falls to 0 as (1 + cos)/2; constant if absent",
        "2000",
    ),
    Parameter {
        key: "init",
        symbol: "",
        kind: Kind::Tagged(INITS),
        default: Default::Variant("aligned"),
        doc: "entries at time 0",
        example: "{ kind = \"aligned\", value = 0.1, attention = 0.1 }",
    },
];

const ONE_STEP: &[Parameter] = &[
    number("rate", "η", Range::Any, Default::Absent, "learning rate; the best one if absent", "0.03"),
    Parameter {
        key: "preconditioned",
        symbol: "",
        kind: Kind::Flag,
        default: Default::Flag(false),
        doc: "whether the step is multiplied by the inverse covariance of the inputs",
        example: "false",
    },
];

const PARAMETERS: &[Parameter] = &[
    Parameter {
        key: "dimension",
        symbol: "d",
        kind: Kind::Count { min: 1, max: 10_000 },
        default: Default::Required,
        doc: "input dimension",
        example: "5",
    },
    Parameter {
        key: "context",
        symbol: "n",
        kind: Kind::Count { min: 1, max: 1_000_000 },
        default: Default::Required,
        doc: "examples in a prompt",
        example: "20",
    },
    Parameter {
        key: "covariance",
        symbol: "S",
        kind: Kind::Tagged(&[
            Variant { name: "identity", doc: "isotropic inputs", parameters: &[] },
            Variant {
                name: "power-law",
                doc: "eigenvalues i^-exponent",
                parameters: &[number(
                    "exponent",
                    "",
                    Range::NonNegative,
                    Default::Number(1.0),
                    "exponent of the decay",
                    "1.0",
                )],
            },
            Variant {
                name: "list",
                doc: "stated eigenvalues, repeated in turn",
                parameters: &[Parameter {
                    key: "values",
                    symbol: "",
                    kind: Kind::Vector(Range::Positive),
                    default: Default::Required,
                    doc: "eigenvalues",
                    example: "[2.0, 1.0, 0.5]",
                }],
            },
        ]),
        default: Default::Variant("identity"),
        doc: "covariance of the inputs",
        example: "{ kind = \"identity\" }",
    },
    Parameter {
        key: "prior",
        symbol: "Γ",
        kind: Kind::Choice(&[("identity", "w ~ N(0, I)"), ("inverse-covariance", "w ~ N(0, S^-1)")]),
        default: Default::Text("identity"),
        doc: "covariance of the task w",
        example: "\"identity\"",
    },
    number(
        "noise_variance",
        "s²",
        Range::NonNegative,
        Default::Number(0.0),
        "variance of the noise on every label",
        "0.25",
    ),
    Parameter {
        key: "predictor",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "attention",
                doc: "linear self-attention, all entries free, trained on fresh prompts",
                parameters: ATTENTION,
            },
            Variant {
                name: "one-step",
                doc: "one gradient step from zero on the examples",
                parameters: ONE_STEP,
            },
        ]),
        default: Default::Variant("attention"),
        doc: "what predicts the label of the query",
        example: "{ kind = \"attention\" }",
    },
    Parameter {
        key: "test_prompts",
        symbol: "",
        kind: Kind::Count { min: 1, max: 1_000_000_000 },
        default: Default::Count(4000),
        doc: "fresh prompts on which a simulation measures its risk, averaged over the query",
        example: "4000",
    },
];
