//! The scenario keys of the committee problem, and the rules between them.

use super::{Committee, Init, Surplus, Teacher, Trained};
use crate::problem::ProblemKind;
use crate::problem::activation::Activation;
use crate::problem::scaling::OutputScaling;
use crate::problem::spec::{Default, Kind, Parameter, Range, Settings, Value, Variant, Violation, matrix};
use nalgebra::{DMatrix, DVector};

pub const KIND: ProblemKind = ProblemKind {
    kind: "committee",
    title: "Two-layer teacher-student network, one-pass SGD",
    description: "\
Inputs x ~ N(0, I_d); fields λ_k = w_k·x/√d of K student units, ρ_m = w*_m·x/√d of M teacher units.
Label y = Σ_m v*_m g(ρ_m) + σ ζ, student output Σ_k v_k g(λ_k), err = y − student. Each update draws a fresh batch:
    w_k += (η/√d) v_k g'(λ_k) err x − (κ/d) w_k
    v_k += (η_v/d) g(λ_k) err − (κ_v/d) v_k          (both layers trained)
Order parameters Q = w wᵀ/d, R = w w*ᵀ/d, T = w* w*ᵀ/d and v; time = updates / d.
Generalisation error ε_g = ½⟨(teacher − student)²⟩, without the label noise.
As d → ∞ at fixed time, Q, R, v follow ordinary differential equations:
    dR_in/dt = η v_i Σ_c s_c I3(i,n,c) − κ R_in
    dQ_ik/dt = η v_i Σ_c s_c I3(i,k,c) + η v_k Σ_c s_c I3(k,i,c)
               + (η²/b) v_i v_k [Σ_cd s_c s_d I4(i,k,c,d) + σ² J2(i,k)] − 2κ Q_ik
    dv_i/dt  = η_v Σ_c s_c I2(i,c) − κ_v v_i
with s = −v on student fields and +v* on teacher fields, c and d over all K + M fields. output = \"normalised\" divides
v by K and v* by M throughout, the v before g' and in front of I3, I4, J2 included; the equations of v carry the 1/K
in front of I2 as well. output = \"mean-field\" is the same with η and η_v multiplied by K.",
    source: "Saad & Solla, Phys. Rev. E 52, 4225 (1995); Goldt et al., NeurIPS 2019, arXiv:1906.08632",
    parameters: PARAMETERS,
    limit_parameter: "input dimension d",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "generalisation_error",
    time_unit: "updates / d",
    // The escape from the plateau amplifies early errors: 1e-11 leaves 1.4e-7 of e_g at K = 4, 1e-12 leaves 4e-10.
    default_tolerance: 1e-12,
    law_faults: &[
        ("drop=eta2", "leaves out the term of second order in the learning rate"),
        ("drop=noise", "leaves the label noise out of the second-order term"),
        ("square=noise", "puts the fourth power of noise_std where its square belongs"),
        ("swap=i3", "uses I3(i,k,.) where the equation of Q has I3(k,i,.)"),
        ("halve=i2", "halves I2 wherever it enters"),
    ],
    finite_size_faults: &[
        ("drop=clock", "leaves out - J F / 2, the error of a clock with steps of 1/d"),
        ("drop=correction", "leaves out G1, the correction of order 1/d to the mean step"),
        ("drop=curvature", "leaves out H:Sigma / 2 in the bias"),
        ("double=curvature", "puts H:Sigma where its half belongs"),
        ("drop=hessian", "leaves the second derivative of an observable out of its shift"),
        ("drop=mean-square", "takes the second moment of a step for its covariance"),
        ("drop=spread-noise", "leaves the label noise out of the spread"),
        ("halve=start-variance", "halves the variance of the squared norms of random weights"),
        ("drop=late-noise", "an escape starts from the spread of the start alone"),
        ("double=overlap", "counts Q_ik and Q_ki as two variables in every derivative"),
        ("scale=label-noise", "scales the label noise with the covariance of the fields in G1"),
        ("freeze=tilts", "leaves the factors of the tilts in the fourth moment of the error at full scale"),
        ("double=direction", "takes escaping directions of length two for unit vectors"),
        ("force=expansion", "keeps the plain expansion where it does not hold"),
        ("swap=block", "takes the growth of the escape from the block that tells students apart"),
    ],
    overlays: &[
        ("final-error", "final error to second order in noise_std, exact in the learning rate (erf and linear units)"),
        ("final-error-small-rate", "the same to first order in the learning rate (smooth odd units)"),
        ("plateau", "error of the unspecialised plateau for K = M, T = I, erf, small learning rate"),
    ],
};

/// Q and T have the squares of the widths as entries: at this width each takes 32 MB.
const MAX_WIDTH: u64 = 2048;

const RANDOM: Variant = Variant {
    name: "random",
    doc: "independent N(0, std^2) weights",
    parameters: &[Parameter {
        key: "std",
        symbol: "",
        kind: Kind::Number(Range::Positive),
        default: Default::Required,
        doc: "standard deviation of every weight",
        example: "1.0",
    }],
};

const PARAMETERS: &[Parameter] = &[
    Parameter {
        key: "student_width",
        symbol: "K",
        kind: Kind::Count { min: 1, max: MAX_WIDTH },
        default: Default::Required,
        doc: "number of hidden units of the student",
        example: "2",
    },
    Parameter {
        key: "teacher_width",
        symbol: "M",
        kind: Kind::Count { min: 1, max: MAX_WIDTH },
        default: Default::Required,
        doc: "number of hidden units of the teacher",
        example: "2",
    },
    Parameter {
        key: "activation",
        symbol: "g",
        kind: Kind::Choice(Activation::CHOICES),
        default: Default::Required,
        doc: "activation of all hidden units, teacher and student",
        example: "\"erf\"",
    },
    Parameter {
        key: "learning_rate",
        symbol: "η",
        kind: Kind::Number(Range::Positive),
        default: Default::Required,
        doc: "rate of the first layer on the clock time = updates / d",
        example: "0.5",
    },
    Parameter {
        key: "noise_std",
        symbol: "σ",
        kind: Kind::Number(Range::NonNegative),
        default: Default::Required,
        doc: "standard deviation of the label noise",
        example: "0.1",
    },
    Parameter {
        key: "trained",
        symbol: "",
        kind: Kind::Choice(&[
            ("first-layer", "the second layer keeps its start"),
            ("both-layers", "SGD moves both layers"),
        ]),
        default: Default::Required,
        doc: "layers that SGD moves",
        example: "\"first-layer\"",
    },
    Parameter {
        key: "init",
        symbol: "",
        kind: Kind::Tagged(&[
            RANDOM,
            Variant {
                name: "informed",
                doc: "student unit k on teacher unit k, plus N(0, std^2) on every weight",
                parameters: &[
                    Parameter {
                        key: "std",
                        symbol: "",
                        kind: Kind::Number(Range::NonNegative),
                        default: Default::Number(0.0),
                        doc: "standard deviation of the deviation of every weight",
                        example: "0.0",
                    },
                    Parameter {
                        key: "surplus",
                        symbol: "",
                        kind: Kind::Choice(&[
                            ("zero", "student units beyond the M-th start at 0"),
                            ("copy", "student unit k starts on teacher unit k mod M"),
                        ]),
                        default: Default::Text("zero"),
                        doc: "where student units beyond the M-th start",
                        example: "\"zero\"",
                    },
                ],
            },
            Variant {
                name: "given",
                doc: "stated overlaps, met exactly at every size by weights on an orthonormal frame",
                parameters: &[
                    matrix("Q", "student-student overlaps, K x K", "[[0.25, 0.01], [0.01, 0.25]]"),
                    matrix("R", "student-teacher overlaps, K x M", "[[0.01, -0.02], [0.0, 0.02]]"),
                ],
            },
        ]),
        default: Default::Required,
        doc: "first-layer weights of the student at time 0",
        example: "{ kind = \"random\", std = 1.0 }",
    },
    Parameter {
        key: "teacher",
        symbol: "",
        kind: Kind::Tagged(&[
            Variant {
                name: "isotropic",
                doc: "T = norm times the identity, exactly",
                parameters: &[Parameter {
                    key: "norm",
                    symbol: "T",
                    kind: Kind::Number(Range::Positive),
                    default: Default::Number(1.0),
                    doc: "squared length of every teacher vector divided by d",
                    example: "1.0",
                }],
            },
            Variant { name: "graded", doc: "T_nm = n delta_nm, exactly", parameters: &[] },
            RANDOM,
            Variant {
                name: "given",
                doc: "stated overlaps, exactly",
                parameters: &[matrix("T", "teacher-teacher overlaps, M x M", "[[1.0, 0.0], [0.0, 1.0]]")],
            },
        ]),
        default: Default::Variant("isotropic"),
        doc: "first-layer weights of the teacher",
        example: "{ kind = \"isotropic\" }",
    },
    Parameter {
        key: "teacher_second_layer",
        symbol: "v*",
        kind: Kind::NumberOrVector(Range::Any),
        default: Default::Number(1.0),
        doc: "second-layer weights of the teacher: one number for all units or a list of M",
        example: "1.0",
    },
    Parameter {
        key: "student_second_layer",
        symbol: "v",
        kind: Kind::NumberOrVector(Range::Any),
        default: Default::Number(1.0),
        doc: "second-layer weights of the student at time 0: one number for all units or a list of K",
        example: "1.0",
    },
    Parameter {
        key: "second_layer_std",
        symbol: "",
        kind: Kind::Number(Range::NonNegative),
        default: Default::Number(0.0),
        doc: "standard deviation of the second layer at time 0 around student_second_layer",
        example: "0.0",
    },
    Parameter {
        key: "second_layer_rate",
        symbol: "η_v",
        kind: Kind::Number(Range::NonNegative),
        default: Default::Absent,
        doc: "rate of the second layer on the same clock; learning_rate if absent",
        example: "0.5",
    },
    Parameter {
        key: "weight_decay",
        symbol: "κ",
        kind: Kind::Number(Range::NonNegative),
        default: Default::Number(0.0),
        doc: "decay rate of the first layer per unit of time",
        example: "0.0",
    },
    Parameter {
        key: "second_layer_decay",
        symbol: "κ_v",
        kind: Kind::Number(Range::NonNegative),
        default: Default::Number(0.0),
        doc: "decay rate of the second layer per unit of time",
        example: "0.0",
    },
    Parameter {
        key: "batch",
        symbol: "b",
        kind: Kind::Count { min: 1, max: u64::MAX },
        default: Default::Count(1),
        doc: "samples averaged in one update",
        example: "1",
    },
    Parameter {
        key: "output",
        symbol: "",
        kind: Kind::Choice(OutputScaling::CHOICES),
        default: Default::Text("committee"),
        doc: "scaling of both outputs with the widths",
        example: "\"committee\"",
    },
    Parameter {
        key: "training_set",
        symbol: "P",
        kind: Kind::Number(Range::Positive),
        default: Default::Absent,
        doc: "samples per input dimension of a finite training set, drawn once and visited at random; fresh samples if absent (no law covers a finite set)",
        example: "4.0",
    },
];

/// Checks of types and ranges are done; what is left are the rules between keys.
pub(super) fn read(settings: &Settings) -> Result<Committee, Vec<Violation>> {
    let mut broken = Vec::new();
    let declared = "every key is declared and checked";
    let k = settings.count("student_width").expect(declared);
    let m = settings.count("teacher_width").expect(declared);
    let learning_rate = settings.number("learning_rate").expect(declared);

    let line = |key: &str, width: usize, broken: &mut Vec<Violation>| {
        let list = settings.vector(key, width).expect(declared);
        if list.len() != width {
            broken.push(Violation::new(
                key,
                format!("has {} entries where the network has {width} units", list.len()),
                format!("give {width} numbers, or one number for all units"),
            ));
        }
        DVector::from_vec(list)
    };
    let teacher_second_layer = line("teacher_second_layer", m, &mut broken);
    let student_second_layer = line("student_second_layer", k, &mut broken);

    let (teacher_kind, teacher_settings) = settings.tagged("teacher").expect(declared);
    let teacher = match teacher_kind {
        "isotropic" => {
            Teacher::Given { t: DMatrix::identity(m, m) * teacher_settings.number("norm").expect(declared) }
        }
        "graded" => {
            Teacher::Given { t: DMatrix::from_fn(m, m, |i, j| if i == j { (i + 1) as f64 } else { 0.0 }) }
        }
        "random" => Teacher::Random { std: teacher_settings.number("std").expect(declared) },
        _ => Teacher::Given { t: shaped(teacher_settings, "T", "teacher.T", m, m, &mut broken) },
    };
    let (init_kind, init_settings) = settings.tagged("init").expect(declared);
    let init = match init_kind {
        "random" => Init::Random { std: init_settings.number("std").expect(declared) },
        "informed" => Init::Informed {
            std: init_settings.number("std").expect(declared),
            surplus: match init_settings.text("surplus") {
                Some("copy") => Surplus::Copy,
                _ => Surplus::Zero,
            },
        },
        _ => Init::Given {
            q: shaped(init_settings, "Q", "init.Q", k, k, &mut broken),
            r: shaped(init_settings, "R", "init.R", k, m, &mut broken),
        },
    };
    if matches!((&init, &teacher), (Init::Given { .. }, Teacher::Random { .. })) {
        broken.push(Violation::new(
            "init.kind",
            "given overlaps need a teacher whose T is exact",
            "use teacher = { kind = \"isotropic\" } or { kind = \"given\", T = ... }",
        ));
    }
    if !broken.is_empty() {
        return Err(broken);
    }
    let problem = Committee {
        student_width: k,
        teacher_width: m,
        activation: Activation::from_name(settings.text("activation").expect(declared)).expect(declared),
        trained: match settings.text("trained") {
            Some("both-layers") => Trained::BothLayers,
            _ => Trained::FirstLayer,
        },
        learning_rate,
        second_layer_rate: settings.number("second_layer_rate").unwrap_or(learning_rate),
        noise_std: settings.number("noise_std").expect(declared),
        weight_decay: settings.number("weight_decay").expect(declared),
        second_layer_decay: settings.number("second_layer_decay").expect(declared),
        batch: settings.count("batch").expect(declared),
        output: OutputScaling::from_name(settings.text("output").expect(declared)).expect(declared),
        teacher,
        teacher_second_layer,
        init,
        student_second_layer,
        second_layer_std: settings.number("second_layer_std").expect(declared),
        training_set: settings.number("training_set"),
    };
    check_covariance(&problem)?;
    Ok(problem)
}

/// See [`crate::problem::Problem::fit_settings`]: surplus units are dropped from the end, missing ones are
/// orthogonal to all others with the norm and second-layer weight of the last unit.
pub(in crate::problem) fn fit_settings(settings: &mut Settings) {
    let (Some(k), Some(m)) = (settings.count("student_width"), settings.count("teacher_width")) else {
        return;
    };
    let shape = |key: &str| match key {
        "Q" => (k, k),
        "R" => (k, m),
        _ => (m, m),
    };
    for (key, value) in &mut settings.0 {
        match value {
            Value::Vector(list) => {
                let last = list.last().copied().unwrap_or(1.0);
                list.resize(if *key == "teacher_second_layer" { m } else { k }, last);
            }
            Value::Tagged(_, inner) => {
                for (key, value) in &mut inner.0 {
                    if let Value::Matrix(rows) = value {
                        let (height, width) = shape(key);
                        let norm = rows.last().and_then(|row| row.last()).copied().unwrap_or(1.0);
                        let old = rows.len();
                        rows.resize(height, Vec::new());
                        for (i, row) in rows.iter_mut().enumerate() {
                            row.resize(width, 0.0);
                            if *key != "R" && i >= old {
                                row[i] = norm;
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

/// A given matrix of the right shape; symmetric where it is square and belongs to one network.
fn shaped(
    settings: &Settings,
    key: &str,
    path: &str,
    rows: usize,
    columns: usize,
    broken: &mut Vec<Violation>,
) -> DMatrix<f64> {
    let list = settings.matrix(key).expect("every key is declared and checked");
    let found = (list.len(), list.first().map_or(0, Vec::len));
    if found != (rows, columns) {
        broken.push(Violation::new(
            path,
            format!("is {} x {} where {rows} x {columns} is needed", found.0, found.1),
            "rows run over student units for Q and R, over teacher units for T",
        ));
        return DMatrix::zeros(rows, columns);
    }
    let matrix = DMatrix::from_fn(rows, columns, |i, j| list[i][j]);
    if key != "R" && matrix != matrix.transpose() {
        broken.push(Violation::new(
            path,
            "must be symmetric",
            "give the same number for both orders of the indices",
        ));
    }
    matrix
}

/// [[Q, R], [R^T, T]] is a covariance: no eigenvalue below rounding.
fn check_covariance(problem: &Committee) -> Result<(), Vec<Violation>> {
    let key = match (&problem.init, &problem.teacher) {
        (Init::Given { .. }, _) => "init",
        (_, Teacher::Given { .. }) => "teacher",
        _ => return Ok(()),
    };
    let c = if key == "init" { problem.limit_start().covariance() } else { problem.limit_start().t };
    let smallest = c.clone().symmetric_eigenvalues().min();
    if smallest >= -1e-12 * c.diagonal().max() {
        return Ok(());
    }
    Err(vec![Violation::new(
        key,
        format!(
            "the overlaps [[Q, R], [R^T, T]] have the eigenvalue {smallest:.3e} < 0 and belong to no weights"
        ),
        "lower the off-diagonal overlaps or raise the diagonal",
    )])
}
