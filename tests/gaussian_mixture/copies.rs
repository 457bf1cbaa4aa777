//! Two copies with batches and noise of their own: the distance of the law beside direct simulations.

use super::{law, problem, sweep};
use asymptotica::problem::gaussian_mixture::{Batch, GaussianMixture, Loss, Route};

/// The law of the distance, and its standard error.
fn distance(batch: Batch, fork: f64, temperature: f64, route: Route, times: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let problem =
        GaussianMixture { fork_time: Some(fork), temperature, route, ..problem(Loss::Square, 0.1, batch) };
    let curve = law(&problem, times, &["distance"]);
    (curve.values[0].clone(), curve.errors[0].clone())
}

/// Beside means and standard errors of another program: (time, mean, error).
fn check(batch: Batch, fork: f64, temperature: f64, expected: &[(f64, f64, f64)]) {
    let times: Vec<f64> = expected.iter().map(|(time, _, _)| *time).collect();
    let (values, errors) = distance(batch, fork, temperature, sweep(20_000, 8), &times);
    for ((value, error), (time, mean, own)) in values.iter().zip(&errors).zip(expected) {
        let gap = (value - mean) / error.hypot(*own);
        assert!(gap.abs() < 4.0, "{batch:?} fork {fork} at {time}: {value} +- {error}, {mean} +- {own}");
        assert!(*error < 0.05 * mean, "{batch:?} fork {fork} at {time}: {value} +- {error}");
    }
}

#[test]
fn the_first_persistent_batches_of_two_copies_are_independent() {
    // eta^2 alpha Delta 2 b (1 - b) <(r - y)^2> with <(r - y)^2> = 1 + Delta R.
    for seed in 0..3 {
        let route = Route::Sweep { population: 4000, populations: 2, moment_matching: true, seed };
        let batch = Batch::Persistent { fraction: 0.5, time: 1.0 };
        let (values, errors) = distance(batch, 0.0, 0.0, route, &[1.0]);
        assert!((values[0] - 0.0201).abs() < 1e-9 && errors[0] < 1e-9, "{} +- {}", values[0], errors[0]);
    }
}

/// Direct simulations in numpy at d = 600 (persistent, 20 replicas) and d = 1200 (epochs, 15 replicas).
#[test]
fn copies_with_batches_that_remember_part_as_in_direct_simulations() {
    let persistent = |fraction: f64, time: f64| Batch::Persistent { fraction, time };
    let slow = [(5.0, 0.01024, 1.7e-4), (10.0, 0.02319, 3.5e-4), (20.0, 0.02776, 5.7e-4)];
    check(persistent(0.1, 2.0), 3.0, 0.0, &slow);
    let flipping =
        [(1.0, 0.01995, 2.9e-4), (2.0, 8.28e-4, 2.3e-5), (5.0, 5.258e-3, 8.1e-5), (10.0, 1.316e-3, 2.8e-5)];
    check(persistent(0.5, 0.2), 0.0, 0.0, &flipping);
    let epoch = Batch::Epoch { fraction: 0.25 };
    check(epoch, 0.0, 0.0, &[(4.0, 6.82e-4, 7e-6), (8.0, 6.24e-4, 8e-6), (12.0, 5.44e-4, 8e-6)]);
    // A fork within an epoch, which both copies end with the batches of the first.
    check(epoch, 2.0, 0.0, &[(8.0, 2.94e-4, 5e-6), (12.0, 3.67e-4, 7e-6)]);
    // The same with noise of their own, which parts them within the epoch (d = 1000, 24 replicas).
    let noisy =
        [(3.0, 7.976e-3, 6.7e-5), (4.0, 0.01494, 7.4e-5), (6.0, 0.03384, 3.2e-4), (8.0, 0.03534, 2.9e-4)];
    check(epoch, 2.0, 0.01, &noisy);
}

#[test]
fn small_populations_give_the_distance_after_whole_epochs() {
    // What is left of a noise twenty times as large: noise apart from its selection left 0.0009, 0.0012 and 0.0015.
    let epoch = Batch::Epoch { fraction: 0.25 };
    let (values, errors) = distance(epoch, 0.0, 0.0, sweep(1000, 40), &[4.0, 8.0, 12.0]);
    for (k, (expected, own)) in [(6.82e-4, 7e-6), (6.24e-4, 8e-6), (5.44e-4, 8e-6)].into_iter().enumerate() {
        let (value, error) = (values[k], errors[k]);
        // Corrections of order 1/P, some 3% here.
        assert!((value - expected).abs() < 4.0 * error.hypot(own) + 0.03 * expected, "{value} +- {error}");
    }
}

#[test]
fn batches_that_flip_and_epochs_of_the_logistic_loss_part_as_in_direct_simulations() {
    // numpy, d = 500 and 24 replicas, then d = 2000 and 8. Batches that flip in every update remember everything, and
    // the gradients soon lie in what is there already: the sweep once searched for what is new of them without end.
    let flipping = [(2.0, 1.107e-5, 2.4e-7), (4.0, 3.28e-5, 6.4e-7), (12.0, 1.094e-4, 2.0e-6)];
    let epochs = [(4.0, 1.320e-5, 2.4e-7), (12.0, 2.688e-5, 4.1e-7)];
    for (batch, expected) in [
        (Batch::Persistent { fraction: 0.5, time: 0.2 }, &flipping[..]),
        (Batch::Epoch { fraction: 0.25 }, &epochs[..]),
    ] {
        let problem = GaussianMixture {
            fork_time: Some(0.0),
            route: sweep(4000, 8),
            ..problem(Loss::Logistic, 0.1, batch)
        };
        let times: Vec<f64> = expected.iter().map(|(time, _, _)| *time).collect();
        let curve = law(&problem, &times, &["distance"]);
        for (k, (time, mean, own)) in expected.iter().enumerate() {
            let (value, error) = (curve.values[0][k], curve.errors[0][k]);
            let allowed = 4.0 * error.hypot(*own);
            assert!(
                (value - mean).abs() < allowed,
                "{batch:?} at {time}: {value} +- {error}, {mean} +- {own}"
            );
        }
    }
}
