//! Gaussian mixture: the causal sweep beside exact references and outside anchors, and both roads beside each other.

mod copies;
mod input;
mod law;
mod roads;
mod spectrum;

use asymptotica::problem::gaussian_mixture::{Batch, Data, Dynamics, GaussianMixture, Loss, Route};
use asymptotica::problem::{Problem, Start};
use asymptotica::theory::{LawError, LawOptions, integrate};
use asymptotica::trajectory::Curve;

/// alpha = 2, Delta = 1/2, eta = 0.2, R = 0.01, the parameters of most anchors.
fn problem(loss: Loss, ridge: f64, batch: Batch) -> GaussianMixture {
    GaussianMixture {
        data: Data::TwoClusters,
        sample_ratio: 2.0,
        cluster_variance: 0.5,
        loss,
        ridge,
        learning_rate: 0.2,
        normalisation: 1.0,
        initial_variance: 0.01,
        initial_overlap: 0.0,
        batch,
        momentum: 0.0,
        temperature: 0.0,
        dynamics: Dynamics::Steps,
        correlation_times: Vec::new(),
        fork_time: None,
        response: false,
        route: sweep(1000, 2),
    }
}

fn sweep(population: usize, populations: usize) -> Route {
    Route::Sweep { population, populations, moment_matching: true, seed: 0 }
}

fn try_law(problem: &GaussianMixture, times: &[f64], names: &[&str]) -> Result<Curve, LawError> {
    let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
    let options = LawOptions { tolerance: 1e-8, faults: Vec::new(), measure_error: true };
    let start = Start::GaussianMixture(problem.start());
    integrate(&Problem::GaussianMixture(problem.clone()), &start, times, &names, &options)
}

fn law(problem: &GaussianMixture, times: &[f64], names: &[&str]) -> Curve {
    try_law(problem, times, names).unwrap_or_else(|error| panic!("{error}"))
}

/// Times 0, 1, ..., last.
fn every(last: usize) -> Vec<f64> {
    (0..=last).map(|t| t as f64).collect()
}
