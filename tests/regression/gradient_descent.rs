//! Gradient descent on P samples in N dimensions.

use super::{case, law, refutes, replicas, scenario, standard_errors};
use asymptotica::linalg::{symmetric_eigen, transpose_product};
use asymptotica::math::marchenko_pastur::nodes;
use asymptotica::problem::Problem;
use asymptotica::problem::linear_regression::{LinearRegression, Solver, Student};
use asymptotica::rng::Stream;
use asymptotica::theory::linear_regression::Law;
use nalgebra::DMatrix;

/// Generic parameters: everything on, nothing 0, 1 or equal to another.
pub const GENERIC: &str = "kind = \"linear-regression\"
sample_ratio = 0.7
teacher_std = 1.3
noise_std = 0.6
init_std = 0.4
weight_decay = 0.07
learning_rate = 0.3";

pub const OBSERVE: &str = "[observe]
times = [0.3, 1.5, 6.0, 24.0]
[[panel]]
y = [\"generalisation_error\", \"training_error\", \"weight_norm\", \"frozen_error\", \"ridge_error\"]
residuals = false";

fn flow(sample_ratio: f64, signal: f64) -> LinearRegression {
    LinearRegression {
        sample_ratio,
        teacher_std: signal.sqrt(),
        noise_std: 1.0,
        init_std: 0.0,
        weight_decay: 0.0,
        learning_rate: None,
        solver: Solver::ExactSpectrum,
        student: Student::Linear,
    }
}

#[test]
fn best_times_and_errors_are_the_published_ones() {
    // Advani & Saxe at S = 5.
    for (a, time, error, ridge) in
        [(0.5, 2.707, 4.1303, 4.1085), (1.0, 3.067, 2.8376, 2.7913), (2.0, 2.394, 1.7704, 1.7417)]
    {
        let law = Law::new(&flow(a, 5.0), 1e-12);
        let best = law.optimal_time().unwrap().unwrap();
        assert!((best - time).abs() < 5e-4, "a = {a}: {best}");
        assert!((law.at(best).unwrap().generalisation - error).abs() < 5e-5);
        assert!((law.optimal_ridge() - ridge).abs() < 5e-5);
    }
}

#[test]
fn at_one_sample_per_dimension_the_error_grows_as_the_root_of_time() {
    let law = Law::new(&flow(1.0, 5.0), 1e-11);
    let constant = 4.0 * (1.0 - std::f64::consts::FRAC_1_SQRT_2) / std::f64::consts::PI.sqrt();
    // The next order is a constant: the difference of two times is free of it.
    let at = |t: f64| law.at(t).unwrap().generalisation;
    let slope = (at(4e6) - at(1e6)) / (2e3 - 1e3);
    assert!((slope / constant - 1.0).abs() < 2e-3, "{slope} against {constant}");
}

#[test]
fn ridge_at_its_best_strength_is_the_best_stop_of_every_mode() {
    for a in [0.4, 1.0, 1.7] {
        let signal = 3.3;
        let stopped: f64 = nodes(a, 4000)
            .map(|n| {
                let l = n.eigenvalue;
                let e = (-(1.0 + signal * l).ln()).exp();
                n.weight * (signal * e * e + (1.0 - e) * (1.0 - e) / l)
            })
            .sum();
        let expected = 1.0 + stopped + (1.0 - a).max(0.0) * signal;
        let ridge = Law::new(&flow(a, signal), 1e-12).optimal_ridge();
        assert!((ridge / expected - 1.0).abs() < 1e-10, "a = {a}: {ridge} against {expected}");
    }
}

#[test]
fn quadrature_nodes_average_like_the_eigenvalues_of_a_large_matrix() {
    let n = 600;
    for (index, a) in [0.5_f64, 1.0, 2.0].into_iter().enumerate() {
        let p = (a * n as f64).round() as usize;
        let mut x = DMatrix::<f64>::zeros(p, n);
        Stream::root(11).index(index as u64).gaussians().fill(x.as_mut_slice());
        let eigen = symmetric_eigen(&(transpose_product(&x, &x) / n as f64)).unwrap();
        // Linear statistics of smooth functions fluctuate by O(1/n).
        for f in [|l: f64| (-2.0 * l).exp(), |l: f64| (1.0 + l).recip(), |l: f64| (0.7 * l).sin() * l] {
            let drawn: f64 =
                eigen.values.iter().skip(n.saturating_sub(p)).map(|&l| f(l)).sum::<f64>() / n as f64;
            let law: f64 = nodes(a, 400).map(|node| node.weight * f(node.eigenvalue)).sum();
            assert!((drawn - law).abs() < 5.0 / n as f64, "a = {a}: {drawn} against {law}");
        }
    }
}

#[test]
fn optimal_times_zero_the_slope_of_the_error() {
    // Flow against differences of the error, weight decay and a random start included; steps against neighbours.
    let mut problem = flow(0.8, 4.0);
    (problem.init_std, problem.weight_decay) = (0.3, 0.02);
    let law = Law::new(&problem, 1e-13);
    let best = law.optimal_time().unwrap().unwrap();
    let at = |t: f64| law.at(t).unwrap().generalisation;
    let slope = |t: f64| (at(t + 1e-4) - at(t - 1e-4)) / 2e-4;
    assert!(slope(best).abs() < 1e-7 && slope(best - 0.05) < 0.0 && slope(best + 0.05) > 0.0);
    problem.learning_rate = Some(0.25);
    let law = Law::new(&problem, 1e-13);
    let best = law.optimal_time().unwrap().unwrap();
    let at = |t: f64| law.at(t).unwrap().generalisation;
    assert!(at(best) <= at(best - 0.25) && at(best) <= at(best + 0.25));
}

#[test]
fn descent_and_the_spectrum_of_the_same_data_are_one_run() {
    let rest = "[observe]
times = [0.3, 1.5, 6.0, 24.0]
[simulation]
method = \"direct\"
sizes = [30]
replicas = 1
seed = 5
[[panel]]
y = [\"generalisation_error\", \"training_error\", \"weight_norm\", \"frozen_error\", \"ridge_error\", \"best_error\"]
residuals = false";
    for ratio in ["0.7", "1.6"] {
        let text = GENERIC.replace("0.7", ratio);
        let steps = replicas(&scenario(&text, rest, &[]), 30, 1).remove(0);
        let exact = format!("{text}\nsolver = \"exact-spectrum\"");
        let exact = replicas(&scenario(&exact, rest, &[]), 30, 1).remove(0);
        for (name, values) in steps.observables.iter().zip(&steps.values) {
            for (a, b) in values.iter().zip(exact.get(name).unwrap()) {
                assert!((a - b).abs() < 1e-10 * (1.0 + a.abs()), "{name}: {a} against {b}");
            }
        }
    }
}

#[test]
fn test_set_and_population_errors_agree() {
    let rest = |risk: &str| {
        format!(
            "[observe]
times = [3.0]
{risk}
[simulation]
method = \"direct\"
sizes = [40]
replicas = 1
seed = 5
[[panel]]
y = \"generalisation_error\""
        )
    };
    let run = |risk: &str| replicas(&scenario(GENERIC, &rest(risk), &[]), 40, 1).remove(0).values[0][0];
    let (population, drawn) = (run(""), run("risk = \"test-set\"\ntest_samples = 40000"));
    // The mean of n squared Gaussian errors has relative standard error sqrt(2/n) = 0.7 %.
    assert!((drawn / population - 1.0).abs() < 0.03, "{drawn} against {population}");
}

#[test]
fn every_observable_of_the_law_is_the_mean_of_drawn_data() {
    let rest = format!("{OBSERVE}\n[simulation]\nmethod = \"direct\"\nsizes = [200]\nreplicas = 1\nseed = 9");
    let exact = format!("{GENERIC}\nsolver = \"exact-spectrum\"");
    let scenario = scenario(&exact, &rest, &[]);
    let (law, replicas) = (law(&scenario, 200), replicas(&scenario, 200, 60));
    for name in &law.observables {
        // 20 points under 4 standard errors; the bias of order 1/N is far below one here.
        let off = standard_errors(&law, &replicas, name);
        assert!(off < 4.0, "{name}: {off} standard errors");
    }
}

#[test]
fn faults_of_the_law_are_refuted() {
    let rest = |observable: &str, times: &str| {
        format!(
            "[observe]
times = {times}
[simulation]
method = \"direct\"
sizes = [40, 80, 160]
replicas = [2400, 1200, 600]
seed = 3
[[panel]]
y = \"{observable}\"
[claim]
observables = [\"{observable}\"]
metric = \"relative\"
resolution = 0.025
limit = \"extrapolate\""
        )
    };
    let text = "kind = \"linear-regression\"
sample_ratio = 0.8
teacher_std = 1.2
noise_std = 0.7
learning_rate = 0.3
solver = \"exact-spectrum\"";
    // sqrt(1.1): the ratio S is off by 10 %.
    let faults =
        ["drop=noise-floor", "square=noise", "drop=frozen", "drop=overfitting", "problem.teacher_std=1.0488"];
    refutes(text, &rest("generalisation_error", "[0.6, 3.0, 12.0]"), &faults);
    // A test error at a = 0.8 moves by 2 % only where a moves by 5 %; the late training error at a = 3/2 by 10 %.
    let text = text.replace("sample_ratio = 0.8", "sample_ratio = 1.5");
    let faults = ["problem.sample_ratio=1.05", "problem.sample_ratio=0.95"];
    refutes(&text, &rest("training_error", "[0.6, 3.0, 12.0]").replace("0.025", "0.03"), &faults);
}

#[test]
fn a_step_beyond_stability_diverges_on_both_roads() {
    let text = GENERIC.replace("learning_rate = 0.3", "learning_rate = 1.2");
    let rest = "[observe]
times = [6.0, 60000.0]
[simulation]
method = \"direct\"
sizes = [30]
replicas = 1
seed = 5
[[panel]]
y = \"generalisation_error\"";
    let scenario = scenario(&text, rest, &[]);
    assert!(!law(&scenario, 30).is_complete());
    assert!(!replicas(&scenario, 30, 1)[0].is_complete());
    let Problem::LinearRegression(problem) = &case(GENERIC, OBSERVE).problem else {
        panic!("another problem")
    };
    assert_eq!(problem.updates_at(6.0), Some(20));
}
