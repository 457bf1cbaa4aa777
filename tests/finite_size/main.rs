//! The law at finite size: spread, bias and escape against exact recursions, numbers computed elsewhere, and the exact
//! process itself.

mod anchors;
mod chain;
mod escape;
mod linear_student;
mod mixture;
mod scenario;
mod sphere;

use asymptotica::problem::activation::Activation;
use asymptotica::problem::committee::{Committee, Init, Teacher, Trained};
use asymptotica::problem::scaling::OutputScaling;
use asymptotica::problem::{Definition, Problem};
use asymptotica::theory::{self, LawOptions};
use nalgebra::{DMatrix, DVector};

/// T = I, v = v* = 1, only the first layer trained, from given overlaps.
fn committee(activation: Activation, eta: f64, sigma: f64, q: DMatrix<f64>, r: DMatrix<f64>) -> Committee {
    let (k, m) = r.shape();
    Committee {
        student_width: k,
        teacher_width: m,
        activation,
        trained: Trained::FirstLayer,
        learning_rate: eta,
        second_layer_rate: eta,
        noise_std: sigma,
        weight_decay: 0.0,
        second_layer_decay: 0.0,
        batch: 1,
        output: OutputScaling::Committee,
        teacher: Teacher::Given { t: DMatrix::identity(m, m) },
        teacher_second_layer: DVector::from_element(m, 1.0),
        init: Init::Given { q, r },
        student_second_layer: DVector::from_element(k, 1.0),
        second_layer_std: 0.0,
        training_set: None,
    }
}

fn square(entries: &[f64]) -> DMatrix<f64> {
    let n = (entries.len() as f64).sqrt() as usize;
    DMatrix::from_row_slice(n, n, entries)
}

/// One student and one teacher unit, Q = .25, R = .1.
fn start_o() -> Committee {
    committee(Activation::Erf, 0.5, 0.1, square(&[0.25]), square(&[0.1]))
}

/// Two and two, overlaps far from symmetry.
fn start_p() -> Committee {
    let q = square(&[0.2, 0.05, 0.05, 0.3]);
    committee(Activation::Erf, 0.5, 0.1, q, square(&[0.3, 0.02, 0.03, 0.25]))
}

/// Two student and two teacher units, eta = 1, random weights of variance 1/4.
fn random_start(k: usize, m: usize, eta: f64) -> Committee {
    let base = committee(Activation::Erf, eta, 0.1, DMatrix::zeros(k, k), DMatrix::zeros(k, m));
    Committee { init: Init::Random { std: 0.5 }, ..base }
}

fn whole(problem: &Committee) -> Problem {
    Problem::Committee(problem.clone())
}

/// Every distinct entry of Q and R, and the error.
fn names(problem: &Committee) -> Vec<String> {
    let infos = problem.observables();
    infos
        .iter()
        .filter(|info| ["generalisation_error", "Q", "R"].contains(&info.name))
        .flat_map(|info| info.distinct_entries())
        .collect()
}

/// d Var and d (mean - law) of one observable where the plain expansion holds, to all digits of the law.
fn exactly(problem: &Problem, name: &str, time: f64) -> (f64, f64) {
    let options = LawOptions { tolerance: 1e-11, faults: Vec::new(), measure_error: false };
    let at = |size: usize| {
        let law = theory::at_size(problem, size, &[time], &[name.to_string()], &options).expect("a law");
        (law.get(name).expect("a mean")[0], law.get(&format!("{name}:std")).expect("a spread")[0])
    };
    let (first, second) = (100_000, 300_000);
    let ((near, std), (far, _)) = (at(first), at(second));
    (first as f64 * std * std, (near - far) / (1.0 / first as f64 - 1.0 / second as f64))
}

/// d Var and d (mean - law) of every observable at every time, at leading order: `[observable][time]`.
fn leading(problem: &Problem, times: &[f64], names: &[String], faults: &[&str]) -> Vec<Vec<(f64, f64)>> {
    // Any size at which the plain expansion holds gives the same two numbers.
    let size = 10_000;
    let d = size as f64;
    let options = LawOptions {
        tolerance: 1e-10,
        faults: faults.iter().map(|fault| fault.to_string()).collect(),
        measure_error: false,
    };
    let law = theory::integrate(problem, &problem.limit_start(), times, names, &options).expect("a law");
    let at_size = theory::at_size(problem, size, times, names, &options).expect("a law at this size");
    names
        .iter()
        .map(|name| {
            let std = at_size.get(&format!("{name}:std")).expect("a spread");
            let (mean, limit) = (at_size.get(name).expect("a mean"), law.get(name).expect("a law"));
            (0..times.len()).map(|k| (d * std[k] * std[k], d * (mean[k] - limit[k]))).collect()
        })
        .collect()
}
