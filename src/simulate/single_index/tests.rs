//! The overlap chain is the direct simulation in law, at every d.

use super::*;
use crate::problem::single_index::{Algorithm, Inputs, Link, Planted, Polynomial, Schedule};
use crate::simulate::kolmogorov::smallest_p;
use rayon::prelude::*;

fn polynomial(coefficients: &[f64]) -> Link {
    Link::polynomial(Polynomial::from_hermite(coefficients))
}

/// No parameter at a value where a mistake would hide.
fn generic() -> SingleIndex {
    SingleIndex {
        link: polynomial(&[0.1, 0.4, 0.7, -0.2]),
        student: Link::Relu,
        directions: 1,
        learning_rate: 0.6,
        rate_exponent: 0.0,
        schedule: Schedule::Power { exponent: 0.7, time: 4.0 },
        noise_variance: 0.3,
        init: Init::Random { hemisphere: true },
        inputs: Inputs::Gaussian,
        planted: Planted::Random,
        algorithm: Algorithm::Sgd,
        weak_overlap: 0.4,
        strong_overlap: 0.6,
    }
}

fn cases(d: usize) -> Vec<(&'static str, SingleIndex, usize)> {
    let several = SingleIndex {
        directions: 3,
        student: polynomial(&[0.0, 0.5, 0.4]),
        learning_rate: 0.3,
        init: Init::Given { m: vec![0.5, 0.2, -0.3] },
        ..generic()
    };
    let smoothed = SingleIndex {
        link: polynomial(&[0.0, 0.0, 0.3, 1.0]),
        student: polynomial(&[0.0, 0.0, 0.3, 1.0]),
        algorithm: Algorithm::Smoothed { scale: 0.8, exponent: 0.25 },
        learning_rate: 0.2,
        rate_exponent: 0.2,
        ..generic()
    };
    let tiny = SingleIndex { init: Init::Given { m: vec![-0.3] }, ..generic() };
    vec![
        ("one direction", generic(), d),
        ("three directions", several, d),
        ("smoothed", smoothed, d),
        ("d = 2", tiny, 2),
    ]
}

/// Overlaps and recovery times at two times, one row per replica; the loss, a function of them, takes a quadrature each.
fn sample(problem: &SingleIndex, d: usize, method: Method, replicas: u64) -> Vec<Vec<f64>> {
    let observables: Vec<String> = problem
        .observables()
        .iter()
        .filter(|info| info.name != "loss")
        .flat_map(|info| info.entries())
        .collect();
    let times = [0.5, 3.0];
    let measure = Measure { times: &times, observables: &observables, risk: Risk::Overlaps };
    let root = Stream::root(930).child(if method == Method::Direct { "direct" } else { "chain" });
    (0..replicas)
        .into_par_iter()
        .map(|i| {
            let stream = root.index(d as u64).index(i);
            let curve = replica(problem, d, method, &measure, &stream, &|| false).unwrap().curve;
            // A student that has not moved has the same overlap in both, up to the rounding of a product of vectors.
            curve.values.concat().into_iter().map(|value| (1e9 * value).round() / 1e9).collect()
        })
        .collect()
}

fn compare(d: usize, replicas: u64) {
    for (name, problem, d) in cases(d) {
        let direct = sample(&problem, d, Method::Direct, replicas);
        let chain = sample(&problem, d, Method::OverlapChain, replicas);
        let p = smallest_p(&direct, &chain);
        println!("{name}, d = {d}, {replicas} replicas: corrected p {p:.3}");
        assert!(p > 1e-3, "{name}, d = {d}: p = {p:e}");
    }
}

#[test]
fn chain_and_direct_simulation_agree_in_law() {
    compare(12, 2000);
}

#[test]
#[ignore = "10 s; cargo test --release --lib single_index -- --ignored --nocapture"]
fn chain_and_direct_simulation_agree_in_law_at_d_50() {
    compare(50, 4000);
}

/// The chain of one direction on two numbers is the one in a frame of coordinates, in law.
#[test]
fn two_numbers_and_a_frame_are_the_same_chain() {
    let problem = SingleIndex { init: Init::Given { m: vec![0.2] }, ..generic() };
    let names = ["m".to_string(), "weak_recovery_time".into()];
    let measure = Measure { times: &[2.0], observables: &names, risk: Risk::Overlaps };
    let sample = |frame: bool| -> Vec<Vec<f64>> {
        (0..2000)
            .into_par_iter()
            .map(|i| {
                let stream = Stream::root(931).index(u64::from(frame)).index(i);
                let replica = if frame {
                    run(&problem, 9, Coordinates::new(&[0.2], 9, &stream), &measure, &stream, &|| false)
                } else {
                    run(&problem, 9, Pair::new(0.2, 9, &stream), &measure, &stream, &|| false)
                };
                replica.unwrap().curve.values.concat()
            })
            .collect()
    };
    let p = smallest_p(&sample(false), &sample(true));
    assert!(p > 1e-3, "p = {p:e}");
}
