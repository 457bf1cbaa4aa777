//! The scenario keys of the teacher-mixture problem, and the rules between them.

use super::{Init, LabelRule, TeacherMixture};
use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Settings, Variant, Violation, matrix, number};
use nalgebra::{DMatrix, DVector};

pub const KIND: ProblemKind = ProblemKind {
    kind: "teacher-mixture",
    title: "Linear student on sub-populations with teachers of their own, one-pass SGD",
    description: "\
With probability ρ_c a sample belongs to sub-population c: x = μ_c/√d + √Δ_c z, z ~ N(0, I_d); label
y = f_c(W_T^c·x/√d + b_T^c), by default the sign. Linear student ŷ = W·x/√d + b; each update draws a fresh sample:
    W += (η/√d) (y − ŷ) x,   b += (η_b/d) (y − ŷ);   time = updates / d.
Order parameters R_c = W·W_T^c/d, M_c = W·μ_c/d, Q = |W|²/d and b; constants T_cj = W_T^c·W_T^j/d,
S_jc = W_T^j·μ_c/d, U_ac = μ_a·μ_c/d. With E_c = ⟨y⟩_c, k_c = ⟨f_c'⟩_c and m_c = M_c + b, as d → ∞ at fixed time:
    dR_j/dt = η Σ_c ρ_c [S_jc (E_c − m_c) + Δ_c (T_cj k_c − R_j)]
    dM_a/dt = η Σ_c ρ_c [U_ac (E_c − m_c) + Δ_c (S_ca k_c − M_a)]
    db/dt   = η_b Σ_c ρ_c (E_c − m_c)
    dQ/dt   = 2η Σ_c ρ_c [M_c (E_c − m_c) + Δ_c (R_c k_c − Q)] + 2η² Σ_c ρ_c Δ_c e_c
    e_c     = ½ [⟨y²⟩_c + m_c² + Δ_c Q − 2 (m_c E_c + Δ_c R_c k_c)]        loss of a sub-population
For signs E_c = erf(x_c/√2), k_c = √(2/π) exp(−x_c²/2)/√(Δ_c T_cc) with x_c = (S_cc + b_T^c)/√(Δ_c T_cc).
A linear system: solved by a matrix exponential, in closed form for centred clusters. SGD diverges in the limit from
η = 2 Σ ρ_c Δ_c / Σ ρ_c Δ_c² on.",
    source: "Jain, Nobahari, Baratin & Sarao Mannelli, Bias in Motion, NeurIPS 2024, arXiv:2405.18296",
    parameters: PARAMETERS,
    limit_parameter: "input dimension d",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "group_loss",
    time_unit: "updates / d",
    default_tolerance: 1e-10,
    law_faults: &[
        ("drop=eta2", "leaves out the term of second order in the learning rate"),
        ("drop=slope", "leaves k_c out: labels depend on the sub-population alone"),
        ("merge=teachers", "puts the teacher of the first sub-population in place of all others in the equation of R"),
    ],
    finite_size_faults: &[
        ("drop=clock", "leaves out - J F / 2, the error of a clock with steps of 1/d"),
        ("drop=correction", "leaves out G1, the correction of order 1/d to the mean step"),
        ("drop=curvature", "leaves out H:Sigma / 2 in the bias"),
        ("drop=mean-square", "takes the second moment of a step for its covariance"),
    ],
    overlays: &[
        ("final-loss-1", "loss of the first sub-population for infinite time"),
        ("final-loss-2", "the same for the second sub-population"),
        ("tau-R", "time scale of the overlaps with the teachers, 1/(η Σ ρ_c Δ_c)"),
        ("tau-Q", "time scale of |W|²/d, 1/(2 η Σ ρ_c Δ_c − η² Σ ρ_c Δ_c²)"),
        ("crossing-time", "first time at which the losses of the first two sub-populations are equal"),
    ],
};

const fn list(
    key: &'static str,
    symbol: &'static str,
    default: Default,
    doc: &'static str,
    example: &'static str,
) -> Parameter {
    Parameter { key, symbol, kind: Kind::NumberOrVector(Range::Any), default, doc, example }
}

const PARAMETERS: &[Parameter] = &[
    Parameter {
        key: "probability",
        symbol: "ρ",
        kind: Kind::NumberOrVector(Range::Open(0.0, 1.0)),
        default: Default::Required,
        doc: "probabilities of all sub-populations but the last, which has the rest: one number for two of them, or a list",
        example: "0.8",
    },
    Parameter {
        key: "variance",
        symbol: "Δ",
        kind: Kind::NumberOrVector(Range::Positive),
        default: Default::Required,
        doc: "variance of the inputs around the mean: one number for all sub-populations or a list",
        example: "[0.1, 1.0]",
    },
    Parameter {
        key: "teacher",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "equal",
                doc: "teachers of one length, with the same overlap between any two",
                parameters: &[
                    number("overlap", "T", Range::Any, Default::Required, "T_cj for c ≠ j", "0.9"),
                    number("norm", "", Range::Positive, Default::Number(1.0), "T_cc", "1.0"),
                ],
            },
            Variant {
                name: "given",
                doc: "stated overlaps, exactly; a teacher of length 0 labels by its bias alone",
                parameters: &[matrix("T", "teacher-teacher overlaps, C x C", "[[1.0, 0.9], [0.9, 1.0]]")],
            },
        ]),
        default: Default::Required,
        doc: "teachers of the sub-populations, built exactly on their overlaps at every d",
        example: "{ kind = \"equal\", overlap = 0.9 }",
    },
    Parameter {
        key: "mean",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "none", doc: "all sub-populations are centred at 0", parameters: &[] },
            Variant {
                name: "opposite",
                doc: "two sub-populations at +v/√d and −v/√d",
                parameters: &[
                    number("V", "V", Range::Positive, Default::Required, "|v|²/d", "1.0"),
                    list(
                        "S",
                        "S",
                        Default::Number(0.0),
                        "W_T^c·v/d: one number for both teachers or a list",
                        "[0.3, -0.2]",
                    ),
                ],
            },
            Variant {
                name: "given",
                doc: "stated overlaps of means and teachers, exactly",
                parameters: &[
                    matrix("U", "mean-mean overlaps, C x C", "[[1.0, 0.0], [0.0, 1.0]]"),
                    matrix("S", "teacher-mean overlaps, rows teachers, C x C", "[[0.3, 0.0], [0.1, 0.2]]"),
                ],
            },
        ]),
        default: Default::Variant("none"),
        doc: "means of the inputs, in units of 1/√d",
        example: "{ kind = \"none\" }",
    },
    list(
        "teacher_bias",
        "b_T",
        Default::Number(0.0),
        "bias of the teachers: one number for all or a list",
        "0.0",
    ),
    Parameter {
        key: "label",
        symbol: "",
        kind: Kind::Texts,
        default: Default::Text("sign"),
        doc: "how a teacher field becomes a label, sign, linear or erf (of field / √2): one rule for all sub-populations or a list",
        example: "\"sign\"",
    },
    number(
        "learning_rate",
        "η",
        Range::Positive,
        Default::Required,
        "rate of W on the clock time = updates / d",
        "0.1",
    ),
    Parameter {
        key: "bias_rate",
        symbol: "η_b",
        kind: Kind::Number(Range::NonNegative),
        default: Default::Absent,
        doc: "rate of b on the same clock, 0 for a bias that stays; learning_rate if absent",
        example: "0.1",
    },
    Parameter {
        key: "init",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant { name: "zero", doc: "W = 0", parameters: &[] },
            Variant {
                name: "random",
                doc: "independent N(0, std^2) weights",
                parameters: &[number(
                    "std",
                    "",
                    Range::Positive,
                    Default::Required,
                    "standard deviation of every weight",
                    "1.0",
                )],
            },
            Variant {
                name: "given",
                doc: "stated overlaps, met exactly at every size",
                parameters: &[
                    number("Q", "Q", Range::NonNegative, Default::Required, "|W|²/d", "0.5"),
                    list(
                        "R",
                        "R",
                        Default::Number(0.0),
                        "W·W_T^c/d: one number for all teachers or a list",
                        "[0.3, 0.2]",
                    ),
                    list(
                        "M",
                        "M",
                        Default::Number(0.0),
                        "W·v/d for opposite means; otherwise W·μ_c/d, one number for all or a list",
                        "0.1",
                    ),
                ],
            },
        ]),
        default: Default::Variant("zero"),
        doc: "student at time 0",
        example: "{ kind = \"zero\" }",
    },
    number("student_bias", "b", Range::Any, Default::Number(0.0), "bias of the student at time 0", "0.0"),
];

const DECLARED: &str = "every key is declared and checked";

/// Checks of types and ranges are done; what is left are the rules between keys.
pub(super) fn read(settings: &Settings) -> Result<TeacherMixture, Vec<Violation>> {
    let mut broken = Vec::new();
    let mut probability = settings.vector("probability", 1).expect(DECLARED);
    let rest = 1.0 - probability.iter().sum::<f64>();
    if rest <= 0.0 {
        let rule = format!("sums to {}, which leaves nothing for the last sub-population", 1.0 - rest);
        broken.push(Violation::new("probability", rule, "list all probabilities but the last one"));
    }
    probability.push(rest);
    let groups = probability.len();
    let mut line = |settings: &Settings, key: &str, path: &str| {
        let list = settings.vector(key, groups).expect(DECLARED);
        check_length(path, list.len(), groups, &mut broken);
        list
    };
    let variance = line(settings, "variance", "variance");
    let teacher_bias = line(settings, "teacher_bias", "teacher_bias");
    let teachers = teachers(settings, groups, &mut broken);
    let (means, alignments) = means(settings, groups, &mut broken);
    let labels = labels(settings, groups, &mut broken);
    let learning_rate = settings.number("learning_rate").expect(DECLARED);
    let init = init(settings, groups, &mut broken);
    if !broken.is_empty() {
        return Err(broken);
    }
    let problem = TeacherMixture {
        probability,
        variance,
        teachers,
        alignments,
        means,
        teacher_bias,
        labels,
        learning_rate,
        bias_rate: settings.number("bias_rate").unwrap_or(learning_rate),
        init,
        student_bias: settings.number("student_bias").expect(DECLARED),
    };
    check_overlaps(&problem)?;
    Ok(problem)
}

fn check_length(path: &str, found: usize, groups: usize, broken: &mut Vec<Violation>) {
    if found != groups {
        let rule = format!("has {found} entries where there are {groups} sub-populations");
        let remedy = format!("give {groups} numbers, or one for all; probability lists all but the last");
        broken.push(Violation::new(path, rule, remedy));
    }
}

fn square(
    settings: &Settings,
    key: &str,
    path: &str,
    groups: usize,
    broken: &mut Vec<Violation>,
) -> DMatrix<f64> {
    let rows = settings.matrix(key).expect(DECLARED);
    let found = (rows.len(), rows.first().map_or(0, Vec::len));
    if found != (groups, groups) {
        let rule = format!("is {} x {} where {groups} x {groups} is needed", found.0, found.1);
        broken.push(Violation::new(path, rule, "one row and one column for each sub-population"));
        return DMatrix::zeros(groups, groups);
    }
    let matrix = DMatrix::from_fn(groups, groups, |i, j| rows[i][j]);
    if key != "S" && matrix != matrix.transpose() {
        let remedy = "give the same number for both orders of the indices";
        broken.push(Violation::new(path, "must be symmetric", remedy));
    }
    matrix
}

fn teachers(settings: &Settings, groups: usize, broken: &mut Vec<Violation>) -> DMatrix<f64> {
    match settings.tagged("teacher").expect(DECLARED) {
        ("equal", inner) => {
            let (norm, overlap) =
                (inner.number("norm").expect(DECLARED), inner.number("overlap").expect(DECLARED));
            DMatrix::from_fn(groups, groups, |i, j| if i == j { norm } else { overlap })
        }
        (_, inner) => square(inner, "T", "teacher.T", groups, broken),
    }
}

/// U and S.
fn means(settings: &Settings, groups: usize, broken: &mut Vec<Violation>) -> (DMatrix<f64>, DMatrix<f64>) {
    let zeros = || DMatrix::zeros(groups, groups);
    match settings.tagged("mean").expect(DECLARED) {
        ("none", _) => (zeros(), zeros()),
        ("opposite", inner) => {
            let (v, s) = (inner.number("V").expect(DECLARED), inner.vector("S", groups).expect(DECLARED));
            check_length("mean.S", s.len(), groups, broken);
            if groups != 2 || s.len() != 2 {
                let rule = format!("opposite means belong to two sub-populations, and there are {groups}");
                broken.push(Violation::new(
                    "mean.kind",
                    rule,
                    "use mean = { kind = \"given\", U = ..., S = ... }",
                ));
                return (zeros(), zeros());
            }
            let sign = |c: usize| if c == 0 { 1.0 } else { -1.0 };
            let overlap = |a: usize, c: usize| sign(a) * sign(c) * v;
            (DMatrix::from_fn(2, 2, overlap), DMatrix::from_fn(2, 2, |j, c| sign(c) * s[j]))
        }
        (_, inner) => {
            (square(inner, "U", "mean.U", groups, broken), square(inner, "S", "mean.S", groups, broken))
        }
    }
}

fn labels(settings: &Settings, groups: usize, broken: &mut Vec<Violation>) -> Vec<LabelRule> {
    // The default stands as plain text.
    let names: Vec<String> = match (settings.texts("label"), settings.text("label")) {
        (Some(list), _) => list.to_vec(),
        (None, text) => vec![text.expect(DECLARED).to_string()],
    };
    let mut rules = Vec::new();
    for name in &names {
        match LabelRule::from_name(name) {
            Some(rule) => rules.push(rule),
            None => {
                let known: Vec<&str> = LabelRule::CHOICES.iter().map(|(name, _)| *name).collect();
                let rule = format!("has no rule {name:?}");
                broken.push(Violation::new("label", rule, format!("choose among {}", known.join(", "))));
                return Vec::new();
            }
        }
    }
    if let [one] = rules[..] {
        rules = vec![one; groups];
    }
    check_length("label", rules.len(), groups, broken);
    rules
}

fn init(settings: &Settings, groups: usize, broken: &mut Vec<Violation>) -> Init {
    match settings.tagged("init").expect(DECLARED) {
        ("zero", _) => Init::Zero,
        ("random", inner) => Init::Random { std: inner.number("std").expect(DECLARED) },
        (_, inner) => {
            let opposite = matches!(settings.tagged("mean"), Some(("opposite", _)));
            let r = inner.vector("R", groups).expect(DECLARED);
            check_length("init.R", r.len(), groups, broken);
            let mut m = inner.vector("M", if opposite { 1 } else { groups }).expect(DECLARED);
            if opposite && m.len() == 1 {
                m.push(-m[0]);
            }
            check_length("init.M", m.len(), groups, broken);
            let q = inner.number("Q").expect(DECLARED);
            Init::Given { q, r: DVector::from_vec(r), m: DVector::from_vec(m) }
        }
    }
}

/// Overlaps of student, teachers and means are a covariance, and every label is defined.
fn check_overlaps(problem: &TeacherMixture) -> Result<(), Vec<Violation>> {
    for c in 0..problem.groups() {
        let field = problem.alignments[(c, c)] + problem.teacher_bias[c];
        if problem.teachers[(c, c)] == 0.0 && field == 0.0 && problem.labels[c] == LabelRule::Sign {
            let rule = format!("teacher and field of sub-population {} are 0, and 0 has no sign", c + 1);
            return Err(vec![Violation::new(
                "teacher.T",
                rule,
                "give the teacher a length or a teacher_bias",
            )]);
        }
    }
    let start = problem.limit_start();
    let (key, gram) = match problem.init {
        Init::Given { .. } => ("init", start.gram()),
        _ => ("teacher", start.fixed_gram()),
    };
    let smallest = gram.clone().symmetric_eigenvalues().min();
    if smallest >= -1e-12 * gram.diagonal().max() {
        return Ok(());
    }
    let rule = format!(
        "the overlaps of student, teachers and means have the eigenvalue {smallest:.3e} < 0 and belong to no vectors"
    );
    Err(vec![Violation::new(
        key,
        rule,
        "lower the overlaps between different vectors or raise the squared lengths",
    )])
}
