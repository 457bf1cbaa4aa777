//! High-dimensional linear regression: the laws against outside anchors, second routes, and drawn data.

mod decay;
mod fine_tuning;
mod gradient_descent;
mod hessian;
#[path = "../common/planted.rs"]
mod planted;
mod quadratic;
mod rates;
mod stability;
mod stopping;
mod streaming;
mod streaming_late;
mod students;

use asymptotica::problem::Problem;
use asymptotica::scenario::Case;
use planted::{law, refutes, replicas, scenario, standard_errors};

fn case(problem: &str, rest: &str) -> Case {
    scenario(problem, rest, &[]).cases.remove(0)
}

#[test]
fn problems_of_this_file_are_what_they_say() {
    let first = case(gradient_descent::GENERIC, gradient_descent::OBSERVE);
    let second = case(streaming::GENERIC, streaming::OBSERVE);
    assert!(matches!(first.problem, Problem::LinearRegression(_)));
    assert!(matches!(second.problem, Problem::StreamingSgd(_)));
}
