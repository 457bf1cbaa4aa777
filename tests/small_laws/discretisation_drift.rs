//! Flows that stand for gradient descent.

use crate::roads::{law, pair, refusal, refutes, rest, run, scenario};
use asymptotica::ode;
use asymptotica::problem::discretisation_drift::{Branch, Flow, Function, Network};
use asymptotica::theory::discretisation_drift::{Derivatives, Field, factor};
use nalgebra::DMatrix;
use std::convert::Infallible;

const FLOWS: [(&str, Flow, f64); 5] = [
    ("gradient", Flow::Gradient, 2.0),
    ("igr", Flow::Igr, 3.0),
    ("third-order", Flow::ThirdOrder, 4.0),
    ("principal", Flow::Principal, 3.0),
    ("principal-corrected", Flow::PrincipalCorrected, 4.0),
];

const ROSENBROCK: &str = "function = { kind = \"rosenbrock\", a = 1.0, b = 1.5 }\nstart = [-0.6, 1.3]";
const NETWORK: &str = "function = { kind = \"network\", inputs = 2, units = 4, samples = 20, seed = 3 }";

fn problem(function: &str, flow: &str, more: &str) -> String {
    format!("kind = \"discretisation-drift\"\n{function}\nflow = \"{flow}\"\n{more}")
}

/// One update of every step, by real gradient descent: the local error shrinks with the stated power of h.
#[test]
fn local_orders_are_two_three_four_three_four() {
    for (function, step, dimension) in [(ROSENBROCK, 0.01, 2), (NETWORK, 0.1, 16)] {
        for (name, _, order) in FLOWS {
            let more = format!("clock = \"updates\"\nlearning_rate = {step:?}");
            let text = problem(function, name, &more);
            let scenario = scenario(&text, &rest("[0.0, 1.0]", "[1, 2]", "[\"theta\"]", 0.1), &[]);
            let error = |size: usize| {
                let (simulated, law) = pair(&scenario, size, 0);
                assert_eq!(law.values.len(), dimension);
                let square = |(a, b): (&Vec<f64>, &Vec<f64>)| (a[1] - b[1]).powi(2);
                simulated.values.iter().zip(&law.values).map(square).sum::<f64>().sqrt()
            };
            let measured = (error(1) / error(2)).log2();
            assert!((measured - order).abs() < 0.1, "{name} on {function}: {measured}");
        }
    }
}

/// Gradient, Hessian and contracted third derivative against central differences of the one before.
#[test]
fn derivatives_are_differences_of_each_other() {
    let network = Network::new(2, 3, 7, 1.1, 5);
    let theta = network.start();
    for (function, theta) in
        [(Function::Rosenbrock { a: 0.7, b: 1.9 }, vec![0.4, -0.8]), (Function::Network(network), theta)]
    {
        let exact = Derivatives::new(&function);
        let n = theta.len();
        let direction: Vec<f64> = (0..n).map(|i| ((3 * i + 1) as f64).sin()).collect();
        let delta = 1e-5;
        let moved = |s: f64| -> Vec<f64> { theta.iter().zip(&direction).map(|(x, d)| x + s * d).collect() };
        let slope = |f: &dyn Fn(&[f64]) -> Vec<f64>| -> Vec<f64> {
            let (up, down) = (f(&moved(delta)), f(&moved(-delta)));
            up.iter().zip(down).map(|(a, b)| (a - b) / (2.0 * delta)).collect()
        };
        let along = DMatrix::from_column_slice(n, 1, &direction);
        let gradient = exact.gradient(&theta);
        let expected: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
        assert!((slope(&|x| vec![exact.value(x)])[0] - expected).abs() < 1e-8);
        let bent = exact.hessian(&theta) * &along;
        for (a, b) in slope(&|x| exact.gradient(x)).iter().zip(bent.iter()) {
            assert!((a - b).abs() < 1e-7, "{a} {b}");
        }
        let third = exact.third(&theta, &direction);
        let twice = slope(&|x| (exact.hessian(x) * &along).as_slice().to_vec());
        for (a, b) in twice.iter().zip(&third) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }
}

/// The integrated field of every flow is the closed form on a quadratic.
#[test]
fn fields_integrate_to_the_closed_forms_of_quadratics() {
    let matrix = DMatrix::from_row_slice(2, 2, &[0.9, 0.3, 0.3, 0.25]);
    let function = Function::Quadratic { matrix: matrix.clone() };
    let derivatives = Derivatives::new(&function);
    let (start, h, end) = ([0.7, -0.4], 0.3, 1.7);
    let eigen = matrix.symmetric_eigen();
    for (name, flow, _) in FLOWS {
        let field = Field { flow, branch: Branch::Real, h, third: true };
        let mut system = |_t: f64, y: &[f64], dy: &mut [f64]| -> Result<(), Infallible> {
            field.velocity(&derivatives, y, dy).expect("finite");
            Ok(())
        };
        let mut last = Vec::new();
        let options = ode::Options::with_tolerance(1e-13);
        ode::integrate(&mut system, 0.0, &start, &[end], &options, |_, y| last = y.to_vec()).expect("smooth");
        let mut parts = eigen.eigenvectors.transpose() * DMatrix::from_column_slice(2, 1, &start);
        for (part, a) in parts.iter_mut().zip(eigen.eigenvalues.iter()) {
            *part *= factor(&field, 2.0 * a, end);
        }
        let closed = &eigen.eigenvectors * parts;
        for (a, b) in last.iter().zip(closed.iter()) {
            assert!((a - b).abs() < 1e-11, "{name}: {a} {b}");
        }
    }
}

/// E = x^T A x, A = diag(1, 0.01), h = 0.5, 0.9, 1.0, 1.05: h l = 1, 1.8, 2, 2.1 along the first axis. The complex
/// principal flow meets every update.
#[test]
fn the_principal_flow_is_gradient_descent_on_quadratics() {
    for (h, factor) in [(0.5, 0.0), (0.9, -0.8), (1.0, -1.0), (1.05, -1.1)] {
        let function = "function = { kind = \"quadratic\", values = [1.0, 0.01] }\nstart = [-0.35, -0.2]";
        let more = format!("branch = \"complex\"\nclock = \"updates\"\nlearning_rate = {h:?}");
        let times = "[0.0, 1.0, 2.0, 3.0, 10.0, 31.0]";
        let scenario =
            scenario(&problem(function, "principal", &more), &rest(times, "[1]", "[\"theta\"]", 0.1), &[]);
        let (simulated, law) = pair(&scenario, 1, 0);
        for (a, b) in simulated.values.concat().iter().zip(law.values.concat()) {
            assert!((a - b).abs() < 1e-13 * (1.0 + a.abs()) * 31.0, "h = {h}: {a} {b}");
        }
        assert!((simulated.values[0][3] + 0.35 * f64::powi(factor, 3)).abs() < 1e-14);
        assert!((simulated.values[1][1] + 0.2 * (1.0 - 0.02 * h)).abs() < 1e-15);
    }
}

/// Beyond h l = 2 the real branch grows as the steps do, and gradient flow decays.
#[test]
fn the_real_branch_explains_instability() {
    let function = "function = { kind = \"quadratic\", values = [1.0] }\nstart = 0.1";
    let end = |flow: &str| {
        let text = problem(function, flow, "learning_rate = 1.05");
        let scenario = scenario(&text, &rest("[21.0]", "[1]", "[\"loss\"]", 0.1), &[]);
        (run(&scenario, 1, 0).values[0][0], law(&scenario, 1).values[0][0])
    };
    let (descent, principal) = end("principal");
    assert!((principal / descent - 1.0).abs() < 1e-12 && descent > 0.01 * 1.1_f64.powi(39));
    assert!(end("gradient").1 < 1e-18 && end("igr").1 < 1e-18);
}

#[test]
fn faults_of_the_law_are_refuted() {
    let rest = rest("[0.0, 0.4, 1.0]", "[1]", "[\"loss\"]", 0.004);
    let at = |flow: &str| problem(ROSENBROCK, flow, "learning_rate = 0.02");
    refutes(&at("igr"), &rest.replace("0.004", "0.01"), &["drop=drift", "halve=drift"]);
    let fine = rest.replace("0.004", "0.0001");
    refutes(&at("third-order"), &fine, &["drop=drift", "halve=drift", "drop=third-derivative"]);
    refutes(&at("principal-corrected"), &fine, &["drop=drift", "halve=drift", "drop=third-derivative"]);
}

#[test]
fn broken_rules_are_named() {
    let matrix = "function = { kind = \"matrix\", A = [[1.0, 0.2], [0.3, 1.0]] }\nstart = [0.1, 0.1]";
    assert!(refusal(&problem(matrix, "igr", "")).contains("not symmetric"));
    let short = "function = { kind = \"quadratic\", values = [1.0, 2.0] }\nstart = [0.1]";
    assert!(refusal(&problem(short, "igr", "")).contains("has 1 coordinates"));
    let none = "function = { kind = \"rosenbrock\" }";
    assert!(refusal(&problem(none, "igr", "")).contains("draws none"));
}
