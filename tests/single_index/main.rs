//! Single-index models: the law against closed forms and brute-force averages, exponents of links, both simulations, and
//! verdicts that say no.

#[path = "../common/generic.rs"]
mod generic;
mod langevin;
mod law;
mod simulation;

use asymptotica::problem::Problem;
use asymptotica::problem::single_index::SingleIndex;
use generic::Generic;

/// No parameter at a special value.
pub const GENERIC: Generic = Generic(
    r#"
title = "Generic parameters"
source = "tests"

[problem]
kind = "single-index"
link = { kind = "hermite", coefficients = [0.1, 0.5, 0.6, -0.2] }
student = { kind = "hermite", coefficients = [0.0, 0.7, 0.4] }
learning_rate = 0.3
noise_variance = 0.2
init = { kind = "given", m = 0.3 }

[observe]
times = { from = 0.25, to = 12.0, points = 10, spacing = "log" }

[law]
start = "given"

[simulation]
method = "overlap-chain"
sizes = [100, 400, 4000]
replicas = [3000, 1500, 400]
seed = 1

[[panel]]
y = "m"

[[claim]]
observables = ["m"]
metric = "relative"
resolution = 0.01
limit = "extrapolate"
"#,
);

pub fn problem(set: &[&str]) -> Problem {
    GENERIC.problem(set)
}

pub fn single_index(set: &[&str]) -> SingleIndex {
    match problem(set) {
        Problem::SingleIndex(problem) => problem,
        other => panic!("{:?}", other.kind().kind),
    }
}

/// A matched h_2 without noise.
pub fn second(m: f64, eta: f64) -> SingleIndex {
    let link = "problem.link={ kind = \"he\", order = 2 }";
    let student = "problem.student={ kind = \"he\", order = 2 }";
    let (m, eta) = (format!("problem.init.m={m}"), format!("problem.learning_rate={eta}"));
    single_index(&[link, student, &m, &eta, "problem.noise_variance=0.0"])
}
