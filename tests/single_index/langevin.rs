//! Averages of Langevin dynamics.

use super::GENERIC;
use super::generic::names;
use asymptotica::problem::Method;
use asymptotica::rng::Stream;
use asymptotica::simulate::{self, Measure, Risk, SimulationError};
use rayon::prelude::*;

const FOURTH: &[&str] = &[
    "problem.link={ kind = \"he\", order = 4 }",
    "problem.student={ kind = \"he\", order = 4 }",
    "problem.noise_variance=0.0",
    "problem.init={ kind = \"random\" }",
    "problem.learning_rate=0.2",
    "problem.rate_exponent=1.0",
    "problem.algorithm={ kind = \"langevin\" }",
    "simulation.method=direct",
    "simulation.sizes=[12, 24, 48]",
    "law.start=replica",
    "law.enabled=false",
    "claim=[]",
];

/// For k* = 4, the leading direction of the averages is the planted one from some d^2 samples on.
#[test]
fn averages_find_a_direction_with_enough_samples() {
    let problem = GENERIC.problem(FOURTH);
    let names = names(&["overlap", "weak_recovery", "weak_recovery_time", "loss"]);
    let times = [0.0, 0.25, 6.0];
    let measure = Measure { times: &times, observables: &names, risk: Risk::Overlaps };
    let curves: Vec<_> = (0..24_u64)
        .into_par_iter()
        .map(|i| {
            let stream = Stream::root(23).index(i);
            simulate::replica(&problem, 14, Method::Direct, &measure, &stream, &|| false)
                .expect("a replica")
                .curve
        })
        .collect();
    let mean = |o: usize, k: usize| curves.iter().map(|c| c.values[o][k]).sum::<f64>() / 24.0;
    println!("overlaps {:.3} {:.3} {:.3}", mean(0, 0), mean(0, 1), mean(0, 2));
    // A random direction has the overlap 0.8/sqrt d in the mean, 0.21.
    assert!(mean(0, 0) < 0.35 && mean(0, 1) < 0.4 && mean(0, 2) > 0.7);
    for curve in &curves {
        let [overlap, recovered, since, loss] = [0, 1, 2, 3].map(|o| &curve.values[o]);
        for k in 0..3 {
            assert!(recovered[k] == 1.0 || overlap[k] < 0.5);
            assert!(recovered[k] == 0.0 || since[k] <= curve.times[k]);
            // 1 - m^4 for a matched h_4.
            assert!((loss[k] - (1.0 - overlap[k].powi(4))).abs() < 1e-12);
        }
    }
}

#[test]
fn what_langevin_dynamics_does_not_cover_is_said() {
    let problem = GENERIC.problem(FOURTH);
    assert!(problem.uncovered().is_some());
    let measure = Measure { times: &[1.0], observables: &names(&["m"]), risk: Risk::Overlaps };
    let chain = simulate::replica(&problem, 12, Method::OverlapChain, &measure, &Stream::root(1), &|| false);
    assert!(matches!(chain, Err(SimulationError::Method { .. })));
    // A test set agrees with the loss from overlaps.
    let loss = |risk| {
        let replica = GENERIC.replica(FOURTH, 12, Method::Direct, &[1.0], &names(&["loss"]), risk);
        replica.expect("a replica").curve.values[0][0]
    };
    let (exact, sampled) = (loss(Risk::Overlaps), loss(Risk::TestSet { samples: 100_000 }));
    assert!((sampled / exact - 1.0).abs() < 0.1, "{exact} {sampled}");
}
