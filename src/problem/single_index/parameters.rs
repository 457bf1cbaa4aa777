//! The scenario keys of the single-index problem, and the rules between them.

use super::{Algorithm, HIGHEST_ORDER, Init, Inputs, Link, Planted, Polynomial, Schedule, SingleIndex};
use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Settings, Value, Variant, Violation, number};

pub const KIND: ProblemKind = ProblemKind {
    kind: "single-index",
    title: "Single-index model, spherical one-pass SGD",
    description: "\
Student θ and planted directions θ*_1, ..., θ*_p on the unit sphere, orthonormal among themselves; h = θ·x, h*_j = θ*_j·x.
Label y = Σ_j s*(h*_j)/√p + √Δ ζ. Each update draws a fresh sample; with g = (y − s(h)) s'(h) and α = η g / d^(1+a)
    θ ← (θ + α (x − h θ)) / |θ + α (x − h θ)|;   time = updates / d^(1+a),  a the rate exponent.
Links in normalised Hermite polynomials, s* = Σ_k c_k h_k, s = Σ_k a_k h_k (a_k = c_k for a matched student). As
d → ∞ at fixed time, for one direction and m = θ·θ*,
    dm/dt = η (1 − m²) Σ_k k c_k a_k m^(k−1) − (η²/2) m V(m)         (without the V term for a > 0)
    V(m) = ⟨[(s(h) − s*(h*))² + Δ] s'(h)²⟩,   (h, h*) standard normal with correlation m;
for several, dm_j/dt = η (G_j − m_j Σ_l m_l G_l) − (η²/2) m_j V with G_j = Σ_k k c_k a_k m_j^(k−1)/√p.
Information exponent k*: the lowest k ≥ 1 with c_k ≠ 0. From a random start, m ~ d^(−1/2), weak recovery takes about d
samples for k* = 1, d log d for k* = 2 and d^(k*−1) for k* ≥ 3 with a ≥ (k* − 2)/2; a smoothed landscape or averages
of Langevin dynamics d^(k*/2).",
    source: "Ben Arous, Gheissari & Jagannath, JMLR 22, 1 (2021), arXiv:2003.10409; Bruna, Pillaud-Vivien & Zweig, arXiv:2307.15804; Damian, Nichani, Ge & Lee, arXiv:2305.10633; Wei, Damian & Lee, arXiv:2603.06028",
    parameters: PARAMETERS,
    limit_parameter: "input dimension d",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "m",
    time_unit: "updates / $d$^{1+a}",
    default_tolerance: 1e-10,
    law_faults: &[
        ("drop=V", "leaves out the term of second order in the learning rate"),
        ("drop=noise", "leaves the label noise out of V"),
        ("drop=sphere", "leaves out the factor that keeps the student on the sphere, 1 - m^2"),
    ],
    finite_size_faults: &[
        ("drop=clock", "leaves out - J F / 2, the error of a clock with steps of 1/d"),
        ("drop=correction", "leaves out G1, the correction of order 1/d to the mean step"),
        ("drop=curvature", "leaves out H:Sigma / 2 in the bias"),
        ("drop=mean-square", "takes the second moment of a step for its covariance"),
    ],
    overlays: &[
        ("critical-rate", "learning rate 4 sum k c_k^2 / (-dV/dm at m = 1) below which perfect recovery is stable, for a matched polynomial"),
        ("growth-rate", "rate at which a small overlap grows for k* = 2, eta 2 c_2 a_2 - eta^2 V(0)/2"),
    ],
};

const fn plain(name: &'static str, doc: &'static str) -> Variant {
    Variant { name, doc, parameters: &[] }
}

const LINKS: &[Variant] = &[
    Variant {
        name: "hermite",
        doc: "stated coefficients of normalised Hermite polynomials",
        parameters: &[Parameter {
            key: "coefficients",
            symbol: "c",
            kind: Kind::Vector(Range::Any),
            default: Default::Required,
            doc: "c_0, c_1, ..., up to order 12",
            example: "[0.0, 0.0, 1.0]",
        }],
    },
    Variant {
        name: "he",
        doc: "one normalised Hermite polynomial, He_k/sqrt(k!)",
        parameters: &[Parameter {
            key: "order",
            symbol: "k",
            kind: Kind::Count { min: 1, max: HIGHEST_ORDER as u64 },
            default: Default::Required,
            doc: "its order",
            example: "2",
        }],
    },
    plain("phase-retrieval", "x^2"),
    plain("relu", "max(0, x)"),
    plain("abs", "|x|"),
    plain("sigmoid", "1/(1 + e^-x)"),
    plain("erf", "erf(x/sqrt 2)"),
    plain("tanh", "tanh x"),
    plain("sign", "sign of x; for labels only"),
];

const PARAMETERS: &[Parameter] = &[
    Parameter {
        key: "link",
        symbol: "",
        kind: Kind::Tagged(LINKS),
        default: Default::Required,
        doc: "link of the labels",
        example: "{ kind = \"he\", order = 2 }",
    },
    Parameter {
        key: "student",
        symbol: "",
        kind: Kind::Tagged(LINKS),
        default: Default::Absent,
        doc: "link of the student; that of the labels if absent",
        example: "{ kind = \"relu\" }",
    },
    Parameter {
        key: "directions",
        symbol: "p",
        kind: Kind::Count { min: 1, max: 64 },
        default: Default::Count(1),
        doc: "planted directions",
        example: "1",
    },
    number(
        "learning_rate",
        "η",
        Range::Positive,
        Default::Required,
        "a step has the length η g / d^(1 + a)",
        "0.1",
    ),
    number(
        "rate_exponent",
        "a",
        Range::Open(-1.0, 16.0),
        Default::Number(0.0),
        "power of d by which steps are shortened and time is stretched beyond 1/d",
        "0.0",
    ),
    Parameter {
        key: "schedule",
        symbol: "",
        kind: Kind::Tagged(&[
            plain("constant", "η at all times"),
            Variant {
                name: "power",
                doc: "η (1 + t/time)^-exponent",
                parameters: &[
                    number(
                        "exponent",
                        "",
                        Range::NonNegative,
                        Default::Required,
                        "power of the decay",
                        "1.0",
                    ),
                    number(
                        "time",
                        "",
                        Range::Positive,
                        Default::Required,
                        "time at which the decay sets in",
                        "10.0",
                    ),
                ],
            },
        ]),
        default: Default::Variant("constant"),
        doc: "learning rate along the clock",
        example: "{ kind = \"constant\" }",
    },
    number(
        "noise_variance",
        "Δ",
        Range::NonNegative,
        Default::Number(0.0),
        "variance of the label noise",
        "0.0",
    ),
    Parameter {
        key: "init",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "random",
                doc: "uniform on the sphere",
                parameters: &[Parameter {
                    key: "hemisphere",
                    symbol: "",
                    kind: Kind::Flag,
                    default: Default::Flag(false),
                    doc: "only the half where the overlap with the first planted direction is positive",
                    example: "true",
                }],
            },
            Variant {
                name: "given",
                doc: "stated overlaps, met exactly at every size",
                parameters: &[Parameter {
                    key: "m",
                    symbol: "m",
                    kind: Kind::NumberOrVector(Range::Open(-1.0, 1.0)),
                    default: Default::Required,
                    doc: "overlaps with the planted directions: one number for all or a list",
                    example: "0.1",
                }],
            },
        ]),
        default: Default::Required,
        doc: "student at time 0",
        example: "{ kind = \"given\", m = 0.1 }",
    },
    Parameter {
        key: "inputs",
        symbol: "",
        kind: Kind::Tagged(&[
            plain("gaussian", "independent N(0, 1) coordinates"),
            plain("sphere", "uniform on the sphere of radius sqrt d"),
            plain("rademacher", "independent signs"),
            plain("laplace", "independent Laplace coordinates of variance 1"),
            plain("uniform", "independent uniform coordinates of variance 1"),
            Variant {
                name: "student-t",
                doc: "independent Student coordinates, scaled to variance 1",
                parameters: &[number(
                    "degrees",
                    "ν",
                    Range::Open(2.0, 1e6),
                    Default::Required,
                    "degrees of freedom, above 2",
                    "5.0",
                )],
            },
        ]),
        default: Default::Variant("gaussian"),
        doc: "law of the inputs; the law and the loss from overlaps are those of Gaussian ones",
        example: "{ kind = \"gaussian\" }",
    },
    Parameter {
        key: "planted",
        symbol: "",
        kind: Kind::Choice(&[
            ("random", "in uniformly random orientation"),
            ("axes", "the first coordinate axes"),
        ]),
        default: Default::Text("random"),
        doc: "planted directions; Gaussian inputs cannot tell the two apart",
        example: "\"random\"",
    },
    Parameter {
        key: "algorithm",
        symbol: "",
        kind: Kind::Tagged(&[
            plain("sgd", "spherical SGD on the squared loss"),
            Variant {
                name: "smoothed",
                doc: "spherical SGD on the correlation loss averaged over a sphere of radius λ = scale d^exponent around the student",
                parameters: &[
                    number("scale", "", Range::Positive, Default::Number(1.0), "λ d^-exponent", "1.0"),
                    number(
                        "exponent",
                        "",
                        Range::NonNegative,
                        Default::Number(0.25),
                        "power of d in λ",
                        "0.25",
                    ),
                ],
            },
            Variant {
                name: "langevin",
                doc: "average of Langevin dynamics on the correlation of all samples so far, at the inverse temperature b √(n d), in steps of η/d; its leading direction for an even student",
                parameters: &[
                    number(
                        "inverse_temperature",
                        "b",
                        Range::Positive,
                        Default::Number(0.05),
                        "inverse temperature over √(n d)",
                        "0.05",
                    ),
                    number(
                        "duration",
                        "",
                        Range::Positive,
                        Default::Number(25.0),
                        "averages run over duration × d relaxation times, of 1/η steps each",
                        "25.0",
                    ),
                ],
            },
        ]),
        default: Default::Variant("sgd"),
        doc: "what follows a sample",
        example: "{ kind = \"sgd\" }",
    },
    number(
        "weak_overlap",
        "",
        Range::Open(0.0, 1.0),
        Default::Number(0.5),
        "overlap of weak recovery",
        "0.5",
    ),
    number(
        "strong_overlap",
        "",
        Range::Open(0.0, 1.0),
        Default::Number(0.9),
        "overlap of strong recovery",
        "0.9",
    ),
];

const DECLARED: &str = "every key is declared and checked";

/// Checks of types and ranges are done; what is left are the rules between keys.
pub(super) fn read(settings: &Settings) -> Result<SingleIndex, Vec<Violation>> {
    let mut broken = Vec::new();
    let link = link(settings, "link", &mut broken).expect(DECLARED);
    let student = self::link(settings, "student", &mut broken);
    if let Some(Link::Sign) = student.as_ref().or(Some(&link)) {
        let remedy = "give student = { kind = \"erf\" } or another link with a derivative";
        broken.push(Violation::new("student", "the sign has no derivative to learn by", remedy));
    }
    let directions = settings.count("directions").expect(DECLARED);
    let init = init(settings, directions, &mut broken);
    let algorithm = match settings.tagged("algorithm").expect(DECLARED) {
        ("smoothed", inner) => Algorithm::Smoothed {
            scale: inner.number("scale").expect(DECLARED),
            exponent: inner.number("exponent").expect(DECLARED),
        },
        ("langevin", inner) => Algorithm::Langevin {
            inverse_temperature: inner.number("inverse_temperature").expect(DECLARED),
            duration: inner.number("duration").expect(DECLARED),
        },
        _ => Algorithm::Sgd,
    };
    let student = student.unwrap_or_else(|| link.clone());
    if algorithm != Algorithm::Sgd && (student.as_polynomial().is_none() || directions > 1) {
        let rule = "smoothed landscapes and Langevin dynamics need a polynomial student and one direction";
        broken.push(Violation::new(
            "algorithm",
            rule,
            "use student = { kind = \"hermite\", ... }, directions = 1",
        ));
    }
    let decays = settings.tagged("schedule").is_some_and(|(name, _)| name == "power");
    if decays && matches!(algorithm, Algorithm::Langevin { .. }) {
        let rule = "Langevin dynamics keeps its step";
        broken.push(Violation::new("schedule", rule, "leave the schedule out, or use plain SGD"));
    }
    if !broken.is_empty() {
        return Err(broken);
    }
    Ok(SingleIndex {
        link,
        student,
        directions,
        learning_rate: settings.number("learning_rate").expect(DECLARED),
        rate_exponent: settings.number("rate_exponent").expect(DECLARED),
        schedule: match settings.tagged("schedule").expect(DECLARED) {
            ("power", inner) => Schedule::Power {
                exponent: inner.number("exponent").expect(DECLARED),
                time: inner.number("time").expect(DECLARED),
            },
            _ => Schedule::Constant,
        },
        noise_variance: settings.number("noise_variance").expect(DECLARED),
        init,
        inputs: inputs(settings),
        planted: match settings.text("planted") {
            Some("axes") => Planted::Axes,
            _ => Planted::Random,
        },
        algorithm,
        weak_overlap: settings.number("weak_overlap").expect(DECLARED),
        strong_overlap: settings.number("strong_overlap").expect(DECLARED),
    })
}

fn link(settings: &Settings, key: &str, broken: &mut Vec<Violation>) -> Option<Link> {
    let (name, inner) = settings.tagged(key)?;
    Some(match name {
        "hermite" => {
            let coefficients = inner.vector("coefficients", 0).expect(DECLARED);
            if coefficients.len() > HIGHEST_ORDER + 1 || coefficients.iter().skip(1).all(|&c| c == 0.0) {
                let rule =
                    format!("needs an order from 1 to {HIGHEST_ORDER} with a coefficient other than 0");
                let path = format!("{key}.coefficients");
                broken.push(Violation::new(path, rule, "list c_0, c_1, c_2, ..."));
            }
            Link::polynomial(Polynomial::from_hermite(&coefficients))
        }
        "he" => {
            let mut coefficients = vec![0.0; inner.count("order").expect(DECLARED) + 1];
            *coefficients.last_mut().expect("order 1 or more") = 1.0;
            Link::polynomial(Polynomial::from_hermite(&coefficients))
        }
        "phase-retrieval" => Link::polynomial(Polynomial::from_powers(&[0.0, 0.0, 1.0])),
        "relu" => Link::Relu,
        "abs" => Link::Abs,
        "sigmoid" => Link::Sigmoid,
        "erf" => Link::Erf,
        "tanh" => Link::Tanh,
        _ => Link::Sign,
    })
}

fn init(settings: &Settings, directions: usize, broken: &mut Vec<Violation>) -> Init {
    match settings.tagged("init").expect(DECLARED) {
        ("random", inner) => Init::Random { hemisphere: inner.flag("hemisphere").expect(DECLARED) },
        (_, inner) => {
            let m = inner.vector("m", directions).expect(DECLARED);
            if m.len() != directions {
                let rule = format!("has {} entries where there are {directions} directions", m.len());
                broken.push(Violation::new("init.m", rule, "give one number, or one for each direction"));
            }
            let square: f64 = m.iter().map(|m| m * m).sum();
            if square > 1.0 {
                let rule = format!("has the squares {square:.3} in sum, and a unit vector has at most 1");
                broken.push(Violation::new("init.m", rule, "lower the overlaps"));
            }
            Init::Given { m }
        }
    }
}

fn inputs(settings: &Settings) -> Inputs {
    match settings.tagged("inputs").expect(DECLARED) {
        ("sphere", _) => Inputs::Sphere,
        ("rademacher", _) => Inputs::Rademacher,
        ("laplace", _) => Inputs::Laplace,
        ("uniform", _) => Inputs::Uniform,
        ("student-t", inner) => Inputs::StudentT { degrees: inner.number("degrees").expect(DECLARED) },
        _ => Inputs::Gaussian,
    }
}

/// See [`crate::problem::Problem::fit_settings`]: overlaps with surplus directions are dropped from the end, missing
/// ones are 0.
pub(in crate::problem) fn fit_settings(settings: &mut Settings) {
    let Some(directions) = settings.count("directions") else { return };
    for (key, value) in &mut settings.0 {
        if let ("init", Value::Tagged(_, inner)) = (*key, value) {
            for (_, value) in &mut inner.0 {
                if let Value::Vector(list) = value {
                    list.resize(directions, 0.0);
                }
            }
        }
    }
}
