//! The mixture of sub-populations at finite size against its exact process.

use super::chain::Comparison;
use super::exactly;
use asymptotica::problem::Problem;
use asymptotica::problem::teacher_mixture::{Init, LabelRule, TeacherMixture};
use asymptotica::theory::{self, LawOptions};
use nalgebra::{DMatrix, DVector, dmatrix};

/// Means, biases, unequal teachers: every term of the step is there.
fn generic(rule: LabelRule) -> TeacherMixture {
    TeacherMixture {
        probability: vec![0.7, 0.3],
        variance: vec![0.5, 1.3],
        teachers: dmatrix![1.0, 0.4; 0.4, 1.2],
        alignments: dmatrix![0.3, -0.2; 0.1, 0.4],
        means: dmatrix![0.8, -0.1; -0.1, 0.6],
        teacher_bias: vec![0.2, -0.3],
        labels: vec![rule; 2],
        learning_rate: 0.6,
        bias_rate: 0.4,
        init: Init::Given {
            q: 0.9,
            r: DVector::from_vec(vec![0.3, 0.2]),
            m: DVector::from_vec(vec![0.1, -0.2]),
        },
        student_bias: 0.15,
    }
}

fn names() -> Vec<String> {
    ["Q", "R[1]", "R[2]", "M[1]", "M[2]", "b", "loss", "group_loss[2]", "group_error[1]"]
        .map(String::from)
        .to_vec()
}

#[test]
fn spread_and_shift_are_those_of_the_process() {
    let centred = TeacherMixture {
        means: DMatrix::zeros(2, 2),
        alignments: DMatrix::zeros(2, 2),
        teacher_bias: vec![0.0; 2],
        init: Init::Random { std: 0.8 },
        ..generic(LabelRule::Sign)
    };
    for (problem, name) in [
        (generic(LabelRule::Sign), "sign labels"),
        (generic(LabelRule::Erf), "erf labels"),
        (centred, "centred, random start"),
    ] {
        let comparison =
            Comparison::new(&Problem::TeacherMixture(problem), names(), &[1.0, 2.0], 12_000, 0x5eed_0301);
        let ((variance, shift), bound) = (comparison.largest(&[]), comparison.bound());
        assert!(variance < bound && shift < bound, "{name}: {variance:.2} and {shift:.2}, bound {bound:.2}");
        let (variance, _) = comparison.largest(&["drop=mean-square"]);
        assert!(variance > bound, "{name}: second moment for covariance, {variance:.2}");
    }
}

#[test]
#[ignore = "a minute: 1.5 million runs"]
fn half_a_million_runs_at_every_size() {
    let problem = Problem::TeacherMixture(generic(LabelRule::Sign));
    let comparison = Comparison::new(&problem, names(), &[0.4, 1.0, 2.0], 500_000, 0x5eed_0302);
    let ((variance, shift), bound) = (comparison.largest(&[]), comparison.bound());
    println!("largest |z| {variance:.2} (variance), {shift:.2} (shift); bound {bound:.2}");
    for fault in ["drop=clock", "drop=correction", "drop=mean-square"] {
        let (v, b) = comparison.largest(&[fault]);
        println!("    {fault}: {v:.1}, {b:.1}");
        assert!(v.max(b) > bound, "{fault} is not found");
    }
    assert!(variance < bound && shift < bound);
}

/// Centred sub-populations of two teachers with a student from W = 0.
fn centred(
    variance: [f64; 2],
    teachers: DMatrix<f64>,
    rule: LabelRule,
    learning_rate: f64,
) -> TeacherMixture {
    TeacherMixture {
        probability: vec![0.5, 0.5],
        variance: variance.to_vec(),
        teachers,
        alignments: DMatrix::zeros(2, 2),
        means: DMatrix::zeros(2, 2),
        teacher_bias: vec![0.0; 2],
        labels: vec![rule; 2],
        learning_rate,
        bias_rate: learning_rate,
        init: Init::Zero,
        student_bias: 0.0,
    }
}

fn anchor() -> TeacherMixture {
    let probability = vec![0.8, 0.2];
    TeacherMixture { probability, ..centred([0.1, 1.0], dmatrix![1.0, 0.9; 0.9, 1.0], LabelRule::Sign, 0.1) }
}

/// d Var and shift of cosines and classification errors soon after W = 0, where overlaps are small, from derivatives of
/// the arc cosine in 15 digits by another program with its own moments.
#[test]
fn readings_of_small_overlaps_keep_their_digits() {
    let problem = Problem::TeacherMixture(anchor());
    for (name, variance, shift) in [
        ("group_error[1]", 0.034163, 2.25779),
        ("group_error[2]", 0.030841, 0.10615),
        ("teacher_alignment[1]", 0.236178, 0.294593),
    ] {
        let (v, b) = exactly(&problem, name, 1.0);
        println!("{name}: {v:.6} {b:.6}");
        assert!((v - variance).abs() < 1e-6 && (b / shift - 1.0).abs() < 1e-4, "{name}: {v}, {b}");
    }
}

/// Losses are polynomials and have derivatives at all times, also where a displaced state would be no covariance.
#[test]
fn losses_have_a_law_from_the_start_on() {
    let options = LawOptions { tolerance: 1e-10, faults: Vec::new(), measure_error: false };
    let names: Vec<String> =
        ["loss", "group_loss[1]", "loss_gap", "relative_gap", "Q"].map(String::from).to_vec();
    let problem = Problem::TeacherMixture(anchor());
    let law = theory::at_size(&problem, 1000, &[0.0, 0.01, 0.1], &names, &options).expect("a law");
    let limit = theory::integrate(&problem, &problem.limit_start(), &[0.0, 0.01, 0.1], &names, &options)
        .expect("a law");
    for name in &names {
        for (mean, limit) in law.get(name).expect("a mean").iter().zip(limit.get(name).expect("a limit")) {
            assert!((mean - limit).abs() < 1e-4, "{name}: {mean} for {limit}");
        }
    }
}

/// A linear student of a linear teacher has no scale: losses go as T, their variances as T^2, cosines and errors not at all.
#[test]
fn readings_scale_with_the_teacher() {
    let at = |c: f64| {
        let problem = TeacherMixture {
            bias_rate: 0.0,
            ..centred([1.0, 1.0], DMatrix::from_element(2, 2, c), LabelRule::Linear, 0.5)
        };
        let problem = Problem::TeacherMixture(problem);
        [("loss", c), ("Q", c), ("teacher_alignment[1]", 1.0), ("group_error[1]", 1.0)].map(|(name, unit)| {
            let (v, b) = exactly(&problem, name, 3.0);
            (v / (unit * unit), b / unit)
        })
    };
    let one = at(1.0);
    println!("{one:?}");
    // One linear unit, q = 2 loss: E q+ = q (1 - 2 eta/d + (eta^2/d)(1 + 2/d)), so b = q t (2 eta^2 - (2 eta - eta^2)^2/2).
    let shift = 0.5 * libm::exp(-2.25) * 3.0 * (0.5 - 0.5 * 0.75 * 0.75);
    assert!((one[0].1 / shift - 1.0).abs() < 1e-6, "{one:?}");
    // From another program.
    assert!((one[3].1 + 0.01322).abs() < 1e-5, "{one:?}");
    for c in [1e-4, 1e6] {
        for (k, (found, right)) in at(c).iter().zip(&one).enumerate() {
            let (v, b) = (found.0 / right.0 - 1.0, found.1 / right.1 - 1.0);
            assert!(v.abs() < 1e-5 && b.abs() < 1e-4, "{c:e}, {k}: {found:?} for {right:?}");
        }
    }
}

/// Labels that turn within a tenth, a fifth of a standard deviation of the teacher's field, away from its middle; numbers of
/// another program with panels graded about the transition.
#[test]
fn steep_labels_are_resolved() {
    let law = |norm: f64, bias: f64| {
        let teachers = dmatrix![norm, 0.5 * norm; 0.5 * norm, norm];
        Problem::TeacherMixture(TeacherMixture {
            teacher_bias: vec![bias, -bias],
            init: Init::Random { std: 1.0 },
            ..centred([1.0, 1.0], teachers, LabelRule::Erf, 0.5)
        })
    };
    let steep = law(100.0, 10.0);
    let [q, b, r] = ["Q", "b", "R[1]"].map(|name| exactly(&steep, name, 1.0));
    println!("{q:?} {b:?} {r:?}");
    assert!((q.0 - 0.870372).abs() < 1e-6 && (q.1 - 0.181115).abs() < 2e-6, "{q:?}");
    assert!((b.0 - 0.258222).abs() < 1e-6 && (r.0 - 59.6709).abs() < 1e-4, "{b:?} {r:?}");
    let q = exactly(&law(25.0, 5.0), "Q", 1.0);
    assert!((q.0 - 0.860384).abs() < 1e-6, "{q:?}");
}

/// The only quadratic drift is that of Q: without H:Sigma its shift is another.
#[test]
fn curvature_moves_the_shift_of_q() {
    let problem = Problem::TeacherMixture(generic(LabelRule::Sign));
    let names = ["Q".to_string()];
    let shift = |faults: &[&str]| super::leading(&problem, &[2.0], &names, faults)[0][0].1;
    let (whole, dropped) = (shift(&[]), shift(&["drop=curvature"]));
    println!("{whole} {dropped}");
    assert!((whole - dropped).abs() > 0.01, "{whole} {dropped}");
}
