//! The mixture of sub-populations: three forms of its law, outside numbers, both simulations, and verdicts that say no.

#[path = "../common/generic.rs"]
mod generic;
mod law;
mod simulation;

use asymptotica::problem::Definition;
use asymptotica::problem::Problem;
use asymptotica::problem::teacher_mixture::TeacherMixture;
use generic::Generic;

/// Two sub-populations along +v and -v, no parameter at a special value.
pub const GENERIC: Generic = Generic(
    r#"
title = "Generic parameters"
source = "tests"

[problem]
kind = "teacher-mixture"
probability = 0.65
variance = [0.6, 1.3]
teacher = { kind = "given", T = [[1.0, 0.4], [0.4, 1.2]] }
mean = { kind = "opposite", V = 1.5, S = [0.3, -0.2] }
teacher_bias = [0.2, -0.4]
learning_rate = 0.35
bias_rate = 0.25
init = { kind = "given", Q = 0.8, R = [0.2, -0.4], M = -0.6 }
student_bias = 0.4

[observe]
times = { from = 0.5, to = 24.0, points = 10, spacing = "log" }

[law]
start = "given"

[simulation]
method = "overlap-chain"
sizes = [60, 200, 3000]
replicas = [4000, 1500, 500]
seed = 1

[[panel]]
y = "group_loss"

[[claim]]
observables = ["group_loss"]
metric = "relative"
resolution = 0.01
limit = "extrapolate"

[[claim]]
observables = ["R", "M[1]", "Q", "b", "group_error"]
metric = "absolute"
resolution = 0.01
limit = "extrapolate"
"#,
);

/// The centred sub-populations of the sheet's time course.
pub const CENTRED: &[&str] = &[
    "problem.probability=0.8",
    "problem.variance=[0.1, 1.0]",
    "problem.teacher={ kind = \"equal\", overlap = 0.9 }",
    "problem.mean={ kind = \"none\" }",
    "problem.teacher_bias=0.0",
    "problem.learning_rate=0.1",
    "problem.bias_rate=0.1",
    "problem.init={ kind = \"zero\" }",
    "problem.student_bias=0.0",
];

/// Three sub-populations with label rules of their own.
pub const THREE: &[&str] = &[
    "problem.probability=[0.4, 0.35]",
    "problem.variance=[0.6, 1.3, 0.9]",
    "problem.teacher.T=[[1.0, 0.4, 0.1], [0.4, 1.2, 0.0], [0.1, 0.0, 0.8]]",
    "problem.mean={ kind = \"given\", U = [[1.5, 0.2, 0.0], [0.2, 1.1, 0.3], [0.0, 0.3, 0.9]], S = [[0.3, 0.1, 0.0], [0.2, -0.3, 0.1], [0.0, 0.2, 0.4]] }",
    "problem.teacher_bias=[0.2, -0.4, 0.1]",
    "problem.label=[\"sign\", \"linear\", \"erf\"]",
    "problem.init={ kind = \"given\", Q = 0.9, R = [0.4, -0.1, 0.3], M = [0.2, -0.3, 0.1] }",
];

pub fn problem(set: &[&str]) -> Problem {
    GENERIC.problem(set)
}

pub fn mixture(set: &[&str]) -> TeacherMixture {
    match problem(set) {
        Problem::TeacherMixture(problem) => problem,
        other => panic!("{:?}", other.kind().kind),
    }
}

/// Every single observable of the problem.
pub fn all_observables(problem: &TeacherMixture) -> Vec<String> {
    problem.observables().iter().flat_map(|info| info.entries()).collect()
}
