//! The scenario keys of extensive-width quadratic networks.

use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant, number};

pub const KIND: ProblemKind = ProblemKind {
    kind: "extensive-width",
    title: "Quadratic network of extensive width: Bayes-optimal learning from d² samples",
    description: "\
Teacher S = Wᵀ W/m with m = κ d hidden units, W_ki ~ N(0, 1); n = α d² samples x ~ N(0, I_d) with centred labels
    y = Tr[S (x xᵀ − I)]/√d + noise,   variance of all noise Δ = noise_variance + 2 σ² (2 + σ²)/κ
σ: noise on every hidden unit before its square. S + √v GOE (semicircle of radius 2 √v) has the spectrum of the resolvent
    x = v g + 1/g + κ/(κ − g),   h = Re g,   ρ = Im g/π;   its denoiser maps eigenvalues e to e − 2 v h(e)
    MMSE_den(v) = v − (4 π²/3) v² ∫ ρ³
Bayes error mmse = ‖S − Ŝ‖²/d: the fixed point of v = (Δ + 2 e)/(4 α), e = MMSE_den(v), started from e = 1/κ; undamped
GAMP follows this map iteration by iteration. Without noise it is 0 beyond the limit of MMSE_den(v)/(2 v) for v -> 0, which
is α = κ − κ²/2 (κ ≤ 1), 1/2 (κ ≥ 1). Damping changes the way of single runs to the same end: near perfect recovery that of the
output function is needed at small d; with few samples (α ~ 0.1) it alone lets the messages wander, and that of the estimate
makes them settle.
gradient-descent: W <- W + rate W d/(2 n) Σ r_μ (x_μ x_μᵀ − I)/√d with residuals r_μ, for every start; one step, one unit of time.
Observables of the denoiser alone are denoiser_error and samples_needed; gradient descent adds start_error.",
    source: "Maillard, Troiani, Martin, Krzakala & Zdeborová 2024, arXiv:2408.03733",
    parameters: PARAMETERS,
    limit_parameter: "input dimension d",
    bias_exponent: 1.0,
    fluctuation_exponent: 1.0,
    main_observable: "mmse",
    time_unit: "iterations",
    default_tolerance: 1e-10,
    law_faults: &[
        ("drop=noise", "leaves out the noise of the labels"),
        ("drop=width", "forgets the hidden units: a Gaussian matrix of the same variance in place of S"),
        ("halve=samples", "2 alpha in place of 4 alpha: off-diagonal entries counted once"),
    ],
    finite_size_faults: &[],
    overlays: &[("perfect-recovery", "kappa - kappa^2/2 for kappa <= 1, else 1/2: samples per d^2")],
};

const PARAMETERS: &[Parameter] = &[
    number("width_ratio", "κ", Range::Positive, Default::Required, "hidden units per dimension, m/d", "0.5"),
    number(
        "sample_ratio",
        "α",
        Range::Positive,
        Default::Required,
        "samples per squared dimension, n/d²; not used by the denoiser",
        "0.3",
    ),
    number(
        "noise_variance",
        "Δ",
        Range::NonNegative,
        Default::Number(0.0),
        "variance of Gaussian noise on the centred label",
        "0.1",
    ),
    number(
        "hidden_noise_std",
        "σ",
        Range::NonNegative,
        Default::Number(0.0),
        "standard deviation of Gaussian noise on every hidden unit, before the square",
        "0.25",
    ),
    Parameter {
        key: "algorithm",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "gamp",
                doc: "approximate message passing with the rotationally invariant denoiser",
                parameters: &[
                    number(
                        "damping",
                        "",
                        Range::NonNegative,
                        Default::Number(0.0),
                        "share of the last output function that is kept; state evolution per iteration needs 0",
                        "0.5",
                    ),
                    number(
                        "estimate_damping",
                        "",
                        Range::NonNegative,
                        Default::Number(0.0),
                        "share of the last estimate, and of its variance, that is kept; the same",
                        "0.5",
                    ),
                ],
            },
            Variant {
                name: "gradient-descent",
                doc: "full-batch gradient descent on a student of the teacher's width, averaged over starts",
                parameters: &[
                    Parameter {
                        key: "starts",
                        symbol: "",
                        kind: Kind::Count { min: 1, max: 100_000 },
                        default: Default::Count(16),
                        doc: "random students whose matrices WᵀW/m are averaged",
                        example: "16",
                    },
                    number(
                        "rate",
                        "η",
                        Range::Positive,
                        Default::Number(0.1),
                        "learning rate: the population gradient flow is W' = W (S − WᵀW/m) at rate 1 per step",
                        "0.1",
                    ),
                    number(
                        "init_std",
                        "",
                        Range::Positive,
                        Default::Number(1.0),
                        "standard deviation of the students' weights at time 0",
                        "1.0",
                    ),
                ],
            },
            Variant {
                name: "denoiser",
                doc: "S + √variance GOE, denoised once; no samples",
                parameters: &[number(
                    "variance",
                    "v",
                    Range::Positive,
                    Default::Required,
                    "variance v of the noise: off-diagonal entries have variance v/d",
                    "0.5",
                )],
            },
        ]),
        default: Default::Variant("gamp"),
        doc: "what estimates S",
        example: "{ kind = \"gamp\" }",
    },
];
