//! The scenario keys of the Gaussian mixture, and the rules between them.

use super::stability;
use super::{Batch, Data, Dynamics, GaussianMixture, Loss, Route};
use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Settings, Variant, Violation, number};

pub const KIND: ProblemKind = ProblemKind {
    kind: "gaussian-mixture",
    title: "Gaussian mixture, multi-pass SGD",
    description: "\
n = α d samples x = c v/√d + √Δ z, z ~ N(0, I_d), |v|² = d, drawn once; r = w·x/√d.
Two clusters: c = ±1, y = c, φ(r) = r. Three clusters: c = 0 (1/2) or ±1 (1/4 each), y = 2c² − 1, φ(r) = r² − L².
Linear teacher: c = 0, y = v·z/√d + noise, square loss. Loss Λ(y, r) = ℓ(y φ(r)); each update is
    w += β (w − w_before) − η λ w − (η/ν) Σ_μ s_μ Λ'(y_μ, r_μ) x_μ/√d + √(2 η Θ) ξ,   w(0) ~ N(0, R I), w·v/d = m0.
The law for d → ∞ at fixed α and number of updates is exact in discrete time. With m = w·v/d and C = w·w'/d, one
population of effective samples r = (c + √Δ ζ) m + √Δ h has the gradients g = s Λ'/ν, orthonormalised to q_0, q_1, ...:
    h = A e_0 + Σ_j M_j φ_j,   φ_j = √α e_j + q_j,   e_j fresh and N(0, 1),   C = m m' + A A' + α Σ_j M_j M_j'
    A −= ηλA + η√Δ α⟨g e_0⟩,   M_j −= ηλM_j + η√Δ⟨g φ_j⟩,   m −= ηλm + ηα⟨g (c + √Δ ζ)⟩
which is one forward sweep without response kernels. It is a Monte-Carlo law: moments are matched, and independent
populations give its standard error. For the square loss two exact routes need no sampling.",
    source: "Mignacco, Krzakala, Urbani & Zdeborová, NeurIPS 2020, arXiv:2006.06098; Mignacco & Urbani 2021; Lu 2021",
    parameters: PARAMETERS,
    limit_parameter: "input dimension d",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "test_error",
    time_unit: "updates",
    default_tolerance: 1e-8,
    law_faults: &[
        ("drop=memory", "leaves out what past gradients of a sample itself add to its field: φ_j = √α e_j"),
        ("drop=response", "leaves out how later gradients answer to the fields: the terms <g e_j>"),
        ("drop=batch-noise", "replaces the selection of samples by its mean"),
    ],
    finite_size_faults: &[],
    overlays: &[("bayes-optimal", "smallest possible test error on two clusters, erfc(sqrt(α/(2Δ(α + Δ))))/2")],
};

use Default::{Absent, Required};

const FRACTION: Parameter = number(
    "fraction",
    "b",
    Range::Positive,
    Required,
    "mean share of the samples in one update, at most 1",
    "0.3",
);

const PARAMETERS: &[Parameter] = &[
    Parameter {
        key: "data",
        symbol: "",
        kind: Kind::Choice(&[
            ("two-clusters", "centres +-v, labels +-1, linear separation"),
            ("three-clusters", "centres 0 and +-v, labels -1 and +1: the door, not convex; needs threshold"),
            ("linear-teacher", "isotropic inputs, label v.z/sqrt d; square loss"),
        ]),
        default: Required,
        doc: "inputs and labels",
        example: "\"two-clusters\"",
    },
    number("sample_ratio", "α", Range::Positive, Required, "samples per input dimension", "2.0"),
    number(
        "cluster_variance",
        "Δ",
        Range::Positive,
        Required,
        "variance of the inputs around their centre",
        "0.5",
    ),
    number("threshold", "L", Range::Positive, Absent, "half width of the door, for three clusters", "0.7"),
    number(
        "noise_std",
        "σ",
        Range::NonNegative,
        Default::Number(0.0),
        "standard deviation of the noise on the labels of a linear teacher",
        "0.0",
    ),
    Parameter {
        key: "loss",
        symbol: "",
        kind: Kind::Choice(Loss::CHOICES),
        default: Required,
        doc: "loss of one sample",
        example: "\"logistic\"",
    },
    number("ridge", "λ", Range::NonNegative, Required, "weight of |w|^2/2 in the cost", "0.1"),
    number("learning_rate", "η", Range::Positive, Required, "length of one update", "0.2"),
    number(
        "normalisation",
        "ν",
        Range::Positive,
        Required,
        "divisor of the sum over samples: 1 is the plain sum, \"= batch.fraction\" a mean over the batch",
        "1.0",
    ),
    number(
        "initial_variance",
        "R",
        Range::NonNegative,
        Required,
        "variance of every weight at time 0",
        "0.01",
    ),
    number("initial_overlap", "m0", Range::Any, Required, "w.v/d at time 0, planted at every size", "0.0"),
    Parameter {
        key: "batch",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "full", doc: "every sample in every update", parameters: &[] },
            Variant {
                name: "iid",
                doc: "every sample with probability b, afresh in every update",
                parameters: &[FRACTION],
            },
            Variant {
                name: "persistent",
                doc: "samples enter with probability eta/tau and leave with (1 - b) eta/(b tau)",
                parameters: &[
                    FRACTION,
                    number(
                        "time",
                        "τ",
                        Range::Positive,
                        Required,
                        "persistence time in units of eta x updates",
                        "1.6666666666666667",
                    ),
                ],
            },
            Variant {
                name: "epoch",
                doc: "random reshuffling: every sample once in each epoch of ⌈1/b⌉ updates, of which the last one takes what is left",
                parameters: &[FRACTION],
            },
        ]),
        default: Required,
        doc: "which samples an update uses",
        example: "{ kind = \"iid\", fraction = 0.3 }",
    },
    number(
        "momentum",
        "β",
        Range::NonNegative,
        Default::Number(0.0),
        "share of the previous displacement in an update (heavy ball), below 1",
        "0.9",
    ),
    number(
        "temperature",
        "Θ",
        Range::NonNegative,
        Default::Number(0.0),
        "Langevin noise: every update adds sqrt(2 eta Theta) N(0, I_d)",
        "0.01",
    ),
    Parameter {
        key: "dynamics",
        symbol: "",
        kind: Kind::Choice(&[
            ("steps", "time = updates; the law is that of the stated learning rate"),
            (
                "flow",
                "time = eta x updates; the law is the limit eta -> 0, simulations take their stated eta",
            ),
        ]),
        default: Default::Text("steps"),
        doc: "unit of time and step of the law",
        example: "\"steps\"",
    },
    Parameter {
        key: "correlation_times",
        symbol: "t'",
        kind: Kind::Times,
        default: Absent,
        doc: "times t' of the observables correlation[i] = C(t, t'_i) and response[i], rounded to whole updates",
        example: "[10.0, 20.0, 40.0]",
    },
    number(
        "fork_time",
        "",
        Range::NonNegative,
        Absent,
        "time, rounded to whole updates, from which on a second copy draws its own batches and noise; gives the observable distance",
        "0.0",
    ),
    Parameter {
        key: "response",
        symbol: "",
        kind: Kind::Flag,
        default: Default::Flag(false),
        doc: "adds the observables response and effective_temperature at correlation_times",
        example: "true",
    },
    Parameter {
        key: "route",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "sweep",
                doc: "causal sweep over populations of effective samples; everything",
                parameters: &[
                    Parameter {
                        key: "population",
                        symbol: "P",
                        kind: Kind::Count { min: 4, max: 1_000_000_000 },
                        default: Default::Count(10_000),
                        doc: "effective samples of one population, rounded up to a multiple of 4; at least 20 for each basis field",
                        example: "10000",
                    },
                    Parameter {
                        key: "populations",
                        symbol: "",
                        kind: Kind::Count { min: 2, max: 100_000 },
                        default: Default::Count(4),
                        doc: "independent populations: their mean is the law, their spread its standard error",
                        example: "4",
                    },
                    Parameter {
                        key: "moment_matching",
                        symbol: "",
                        kind: Kind::Flag,
                        default: Default::Flag(true),
                        doc: "every fresh field has the exact second moments with all fields in use",
                        example: "true",
                    },
                    Parameter {
                        key: "seed",
                        symbol: "",
                        kind: Kind::Count { min: 0, max: u64::MAX },
                        default: Default::Count(0),
                        doc: "root of the law's own random streams",
                        example: "0",
                    },
                ],
            },
            Variant {
                name: "recursion",
                doc: "square loss, full or iid batches: closed recursion of second moments, no sampling",
                parameters: &[],
            },
            Variant {
                name: "spectrum",
                doc: "square loss, full batch: Marchenko-Pastur law and outlier, no sampling",
                parameters: &[],
            },
        ]),
        default: Default::Variant("sweep"),
        doc: "how the law is evaluated",
        example: "{ kind = \"sweep\", population = 10000 }",
    },
];

const DECLARED: &str = "every key is declared and checked";

/// Checks of types and ranges are done; what is left are the rules between keys.
pub(super) fn read(settings: &Settings) -> Result<GaussianMixture, Vec<Violation>> {
    let mut broken = Vec::new();
    let number = |key: &str| settings.number(key).expect(DECLARED);
    let data = data(settings, &mut broken);
    let loss = Loss::from_name(settings.text("loss").expect(DECLARED)).expect(DECLARED);
    let learning_rate = number("learning_rate");
    let problem = GaussianMixture {
        data,
        sample_ratio: number("sample_ratio"),
        cluster_variance: number("cluster_variance"),
        loss,
        ridge: number("ridge"),
        learning_rate,
        normalisation: number("normalisation"),
        initial_variance: number("initial_variance"),
        initial_overlap: number("initial_overlap"),
        batch: batch(settings, learning_rate, &mut broken),
        momentum: number("momentum"),
        temperature: number("temperature"),
        dynamics: match settings.text("dynamics") {
            Some("flow") => Dynamics::Flow,
            _ => Dynamics::Steps,
        },
        correlation_times: settings.vector("correlation_times", 1).unwrap_or_default(),
        fork_time: settings.number("fork_time"),
        response: settings.flag("response").expect(DECLARED),
        route: route(settings),
    };
    let problem = problem.with_recorded_times();
    starts_and_losses(&problem, &mut broken);
    motion(&problem, &mut broken);
    routes(&problem, &mut broken);
    if broken.is_empty() { Ok(problem) } else { Err(broken) }
}

fn data(settings: &Settings, broken: &mut Vec<Violation>) -> Data {
    let noise_std = settings.number("noise_std").expect(DECLARED);
    let threshold = settings.number("threshold");
    let kind = settings.text("data").expect(DECLARED);
    if kind != "three-clusters" && threshold.is_some() {
        let rule = format!("has no meaning for data = {kind:?}");
        broken.push(Violation::new("threshold", rule, "remove it, or set data = \"three-clusters\""));
    }
    if kind != "linear-teacher" && noise_std > 0.0 {
        let rule = format!("has no meaning for data = {kind:?}");
        broken.push(Violation::new("noise_std", rule, "remove it, or set data = \"linear-teacher\""));
    }
    match (kind, threshold) {
        ("two-clusters", _) => Data::TwoClusters,
        ("linear-teacher", _) => Data::LinearTeacher { noise_std },
        (_, Some(threshold)) => Data::ThreeClusters { threshold },
        (_, None) => {
            let rule = "is missing: three clusters are told apart by |r| < L";
            broken.push(Violation::new("threshold", rule, "add threshold = 0.7"));
            Data::TwoClusters
        }
    }
}

fn batch(settings: &Settings, learning_rate: f64, broken: &mut Vec<Violation>) -> Batch {
    let (kind, keys) = settings.tagged("batch").expect(DECLARED);
    let fraction = keys.number("fraction").unwrap_or(1.0);
    if fraction > 1.0 {
        let rule = format!("= {fraction}: the share of the samples in an update lies in (0, 1]");
        broken.push(Violation::new("batch.fraction", rule, "use at most 1; 1 is full batch"));
    }
    match kind {
        "iid" => Batch::Iid { fraction },
        "epoch" => Batch::Epoch { fraction },
        "persistent" => {
            let time = keys.number("time").expect(DECLARED);
            let least = learning_rate * f64::max(1.0, (1.0 - fraction) / fraction);
            if time < least {
                let rule = format!(
                    "= {time}: eta/tau and (1 - b) eta/(b tau) are probabilities, so tau is at least {least:.6}"
                );
                broken.push(Violation::new(
                    "batch.time",
                    rule,
                    format!("raise it to {least:.6}, lower learning_rate, or use batch.kind = \"iid\""),
                ));
            }
            Batch::Persistent { fraction, time }
        }
        _ => Batch::Full,
    }
}

fn route(settings: &Settings) -> Route {
    let (kind, keys) = settings.tagged("route").expect(DECLARED);
    match kind {
        "recursion" => Route::Recursion,
        "spectrum" => Route::Spectrum,
        _ => Route::Sweep {
            population: keys.count("population").expect(DECLARED).next_multiple_of(4),
            populations: keys.count("populations").expect(DECLARED),
            moment_matching: keys.flag("moment_matching").expect(DECLARED),
            seed: keys.count("seed").expect(DECLARED) as u64,
        },
    }
}

fn starts_and_losses(problem: &GaussianMixture, broken: &mut Vec<Violation>) {
    if matches!(problem.data, Data::ThreeClusters { .. }) && problem.initial_overlap == 0.0 {
        let rule = "= 0: by symmetry the door never leaves m = 0, and finite runs leave it to either side";
        broken.push(Violation::new(
            "initial_overlap",
            rule,
            "plant a small overlap, as initial_overlap = 0.1",
        ));
    }
    if matches!(problem.data, Data::LinearTeacher { .. }) && problem.loss != Loss::Square {
        let rule = "a linear teacher has real labels, for which only the square loss is defined";
        broken.push(Violation::new("loss", rule, "use loss = \"square\""));
    }
    if problem.correlation_times.windows(2).any(|pair| pair[0] == pair[1]) {
        let rule =
            format!("name the same update twice: they are rounded to multiples of {}", problem.time_of(1));
        broken.push(Violation::new("correlation_times", rule, "leave more between them"));
    }
    if problem.response {
        if let Some(reason) = problem.response_undefined() {
            broken.push(Violation::new("response", reason, "use loss = \"logistic\", or response = false"));
        }
        if problem.correlation_times.is_empty() {
            let rule = "a response needs times t' at which its force sets in";
            broken.push(Violation::new("response", rule, "add correlation_times = [10.0]"));
        }
    }
}

fn motion(problem: &GaussianMixture, broken: &mut Vec<Violation>) {
    if problem.momentum >= 1.0 {
        let rule = format!("= {}: must be below 1", problem.momentum);
        broken.push(Violation::new("momentum", rule, "use 0.9 or less"));
        return;
    }
    if let Some(bound) = stability::bound(problem)
        && problem.learning_rate >= bound
    {
        let rule = format!(
            "= {}: every trajectory diverges from {bound:.6} on, where an update amplifies its largest curvature",
            problem.learning_rate
        );
        broken.push(Violation::new("learning_rate", rule, format!("use less than {bound:.6}")));
    }
    if problem.dynamics == Dynamics::Flow {
        if matches!(problem.batch, Batch::Epoch { .. }) {
            let rule = "= \"flow\": epochs of 1/b updates have no limit eta -> 0 of their own";
            broken.push(Violation::new(
                "dynamics",
                rule,
                "use batch.kind = \"persistent\", or dynamics = \"steps\"",
            ));
        }
        if problem.momentum > 0.0 {
            let rule =
                "= \"flow\": at fixed momentum the limit eta -> 0 is the flow of another learning rate";
            broken.push(Violation::new("dynamics", rule, "use momentum = 0, or dynamics = \"steps\""));
        }
    }
}

/// What the routes without sampling cover.
fn routes(problem: &GaussianMixture, broken: &mut Vec<Violation>) {
    let name = match problem.route {
        Route::Sweep { .. } => return,
        Route::Recursion => "recursion",
        Route::Spectrum => "spectrum",
    };
    let mut refuse = |reason: &str| {
        let rule = format!("= {name:?}: {reason}");
        broken.push(Violation::new("route", rule, "use route = { kind = \"sweep\" }"));
    };
    if problem.loss != Loss::Square || matches!(problem.data, Data::ThreeClusters { .. }) {
        refuse("needs the square loss on two clusters or on a linear teacher");
    }
    if problem.momentum > 0.0 || problem.temperature > 0.0 {
        refuse("covers neither momentum nor temperature");
    }
    if problem.fork_time.is_some() || problem.response {
        refuse("gives neither distances of copies nor responses");
    }
    match (problem.route, problem.batch) {
        (Route::Recursion, Batch::Full | Batch::Iid { .. }) if problem.dynamics == Dynamics::Steps => {}
        (Route::Recursion, Batch::Full | Batch::Iid { .. }) => refuse("is one of steps, not of the flow"),
        (Route::Recursion, _) => refuse("needs batches that are independent of the past"),
        (Route::Spectrum, Batch::Full) => {}
        (Route::Spectrum, _) | (Route::Sweep { .. }, _) => refuse("needs batch.kind = \"full\""),
    }
}
