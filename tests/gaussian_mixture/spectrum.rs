//! The spectral route where its integrands are sharpest, and where its values vanish.

use super::{law, problem};
use asymptotica::problem::gaussian_mixture::{Batch, Data, Dynamics, GaussianMixture, Loss, Route};

fn spectral(sample_ratio: f64, cluster_variance: f64) -> GaussianMixture {
    GaussianMixture {
        sample_ratio,
        cluster_variance,
        route: Route::Spectrum,
        ..problem(Loss::Square, 0.0, Batch::Full)
    }
}

fn value(problem: &GaussianMixture, time: f64, name: &str) -> f64 {
    law(problem, &[time], &[name]).values[0][0]
}

fn close(found: f64, expected: f64, relative: f64) {
    assert!((found / expected - 1.0).abs() < relative, "{found} for {expected}");
}

/// e^(-z) (I_0 + I_1)(z) for z >= 100 by its asymptotic series (DLMF 10.40.1): the mean of e^(-z x/2) over the
/// Marchenko-Pastur law of as many samples as dimensions.
fn scaled_bessel_sum(z: f64) -> f64 {
    let series = |order: f64| {
        let (mut term, mut sum) = (1.0, 1.0);
        for k in 1..20 {
            let k = f64::from(k);
            term *= -(4.0 * order * order - (2.0 * k - 1.0).powi(2)) / (k * 8.0 * z);
            sum += term;
        }
        sum
    };
    (series(0.0) + series(1.0)) / (2.0 * std::f64::consts::PI * z).sqrt()
}

#[test]
fn the_hard_edge_is_resolved_at_all_times() {
    // Linear teacher, alpha = 1, Delta = 1, R = 1, no ridge: the test error is the mean of e^(-2 x t).
    let teacher = GaussianMixture {
        data: Data::LinearTeacher { noise_std: 0.0 },
        initial_variance: 1.0,
        dynamics: Dynamics::Flow,
        ..spectral(1.0, 1.0)
    };
    for time in [1e2, 1e4, 1e6, 1e7, 1e8, 1e12] {
        close(value(&teacher, time, "test_error"), scaled_bessel_sum(4.0 * time), 1e-11);
        let learnt = 1.0 - value(&teacher, time, "m");
        assert!((learnt - scaled_bessel_sum(2.0 * time)).abs() < 1e-13, "{time}: {learnt}");
    }
    close(value(&teacher, 1e7, "test_error"), 1.2616e-4, 1e-4);
}

#[test]
fn a_loss_that_vanishes_keeps_its_digits() {
    let full = GaussianMixture { learning_rate: 0.5, ..spectral(0.3, 0.5) };
    for (time, expected) in [(200.0, 4.0913133684374e-13), (400.0, 1.13540195748e-22), (1000.0, 1.29e-50)] {
        let digits = if time > 500.0 { 5e-3 } else { 1e-10 };
        close(value(&full, time, "training_loss"), expected, digits);
    }
    let recursion = GaussianMixture { route: Route::Recursion, ..full };
    let curve = law(&recursion, &[50.0, 400.0], &["training_loss"]);
    for (k, expected) in
        [value(&spectral_of(&recursion), 50.0, "training_loss"), 1.1354e-22].into_iter().enumerate()
    {
        let (found, error) = (curve.values[0][k], curve.errors[0][k]);
        assert!(
            (found - expected).abs() < 10.0 * error && error < 1e-14,
            "{found} +- {error} for {expected}"
        );
    }
}

fn spectral_of(problem: &GaussianMixture) -> GaussianMixture {
    GaussianMixture { route: Route::Spectrum, ..problem.clone() }
}

/// m, C and training loss by quadrature of the resolvent's imaginary part in 40 digits (mpmath), without any closed form
/// of the densities.
#[test]
fn edges_that_meet_zero_or_the_outlier_have_all_digits() {
    let start = |problem: GaussianMixture, initial_variance: f64, initial_overlap: f64| GaussianMixture {
        initial_variance,
        initial_overlap,
        ..problem
    };
    let slow = |problem: GaussianMixture| GaussianMixture { learning_rate: 0.05, ..problem };
    let near_zero = start(spectral(1.0005, 1.0), 1.0, 0.3);
    let below_one = start(spectral(0.9997, 0.5), 1.0, 0.3);
    let interpolating = GaussianMixture { learning_rate: 0.5, ..start(spectral(0.3, 0.5), 0.01, 0.4) };
    let near_outlier = slow(start(spectral(2.25, 1.5001), 0.7, 0.3));
    let flow = GaussianMixture { dynamics: Dynamics::Flow, ridge: 0.2, ..near_outlier.clone() };
    let teacher = |sample_ratio: f64, ridge: f64| GaussianMixture {
        data: Data::LinearTeacher { noise_std: 0.3 },
        learning_rate: 0.13,
        ridge,
        ..start(spectral(sample_ratio, 0.8), 1.1, 0.25)
    };
    let cases = [
        (near_zero, 20.0, [0.47190361942755, 0.86448076554508, 0.055012576841521]),
        (below_one.clone(), 5.0, [0.55984800260968, 0.92083024981187, 0.13701851493942]),
        (interpolating, 30.0, [0.54899019832063, 0.59031676404409, 2.7460555027611e-4]),
        (near_outlier, 15.0, [0.39105630803187, 0.35378025731846, 0.18892234988989]),
        (flow, 15.0, [0.3774579155765, 0.37553501439597, 0.16875291833393]),
        (teacher(1.7, 0.1), 9.0, [0.79547468784175, 0.88505209963406, 0.061346730209685]),
        (teacher(0.6, 0.0), 120.0, [0.75143135662568, 1.3099076829524, 1.105376688421e-3]),
    ];
    for (problem, time, expected) in cases {
        for (name, expected) in ["m", "C", "training_loss"].into_iter().zip(expected) {
            close(value(&problem, time, name), expected, 1e-12);
        }
    }
    close(value(&below_one, 0.0, "m"), 0.3, 1e-14);
}
