//! The mixture of sub-populations at finite size against its exact process.

use super::chain::Comparison;
use asymptotica::problem::Problem;
use asymptotica::problem::teacher_mixture::{Init, LabelRule, TeacherMixture};
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
