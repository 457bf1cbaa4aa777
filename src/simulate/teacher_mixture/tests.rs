//! The overlap chain is the direct simulation in law, at every d.

use super::*;
use crate::problem::teacher_mixture::{Init, LabelRule};
use crate::simulate::Risk;
use crate::simulate::kolmogorov::smallest_p;
use nalgebra::{DMatrix, dmatrix, dvector};
use rayon::prelude::*;

/// Two sub-populations, no parameter at a value where a mistake would hide.
fn opposite() -> TeacherMixture {
    TeacherMixture {
        probability: vec![0.65, 0.35],
        variance: vec![0.6, 1.3],
        teachers: dmatrix![1.0, 0.4; 0.4, 1.2],
        alignments: dmatrix![0.3, -0.3; -0.2, 0.2],
        means: dmatrix![1.5, -1.5; -1.5, 1.5],
        teacher_bias: vec![0.2, -0.4],
        labels: vec![LabelRule::Sign; 2],
        learning_rate: 0.5,
        bias_rate: 0.3,
        init: Init::Random { std: 0.7 },
        student_bias: 0.1,
    }
}

/// Three sub-populations with rules of their own, from a given start.
fn three() -> TeacherMixture {
    TeacherMixture {
        probability: vec![0.4, 0.35, 0.25],
        variance: vec![0.6, 1.3, 0.9],
        teachers: dmatrix![1.0, 0.4, 0.1; 0.4, 1.2, 0.0; 0.1, 0.0, 0.8],
        alignments: dmatrix![0.3, 0.1, 0.0; 0.2, -0.3, 0.1; 0.0, 0.2, 0.4],
        means: dmatrix![1.5, 0.2, 0.0; 0.2, 1.1, 0.3; 0.0, 0.3, 0.9],
        teacher_bias: vec![0.2, -0.4, 0.1],
        labels: vec![LabelRule::Sign, LabelRule::Linear, LabelRule::Erf],
        init: Init::Given { q: 0.9, r: dvector![0.4, -0.1, 0.3], m: dvector![0.2, -0.3, 0.1] },
        ..opposite()
    }
}

fn centred() -> TeacherMixture {
    TeacherMixture {
        alignments: DMatrix::zeros(2, 2),
        means: DMatrix::zeros(2, 2),
        init: Init::Zero,
        ..opposite()
    }
}

/// All order parameters at the end, one row per replica.
fn sample(problem: &TeacherMixture, d: usize, method: Method, replicas: u64) -> Vec<Vec<f64>> {
    let groups = problem.groups();
    let indexed = |family: &str| (1..=groups).map(|c| format!("{family}[{c}]")).collect::<Vec<_>>();
    let mut observables = vec!["Q".to_string(), "b".into(), "loss".into()];
    observables.extend(indexed("R"));
    observables.extend(indexed("group_loss"));
    if problem.has_means() {
        observables.extend(indexed("M"));
    }
    let times = [3.0];
    let measure = Measure { times: &times, observables: &observables, risk: Risk::Overlaps };
    let root = Stream::root(920).child(if method == Method::Direct { "direct" } else { "chain" });
    (0..replicas)
        .into_par_iter()
        .map(|i| {
            let stream = root.index(d as u64).index(i);
            let replica = replica(problem, d, method, &measure, &stream, &|| false);
            replica.unwrap().curve.values.iter().map(|values| values[0]).collect()
        })
        .collect()
}

fn compare(cases: &[(&str, TeacherMixture, usize)], replicas: u64) {
    for (name, problem, d) in cases {
        let direct = sample(problem, *d, Method::Direct, replicas);
        let chain = sample(problem, *d, Method::OverlapChain, replicas);
        let p = smallest_p(&direct, &chain);
        println!("{name}, d = {d}, {replicas} replicas: corrected p {p:.3}");
        assert!(p > 1e-3, "{name}, d = {d}: p = {p:e}");
    }
}

/// Every overlap, bias and loss; also where there are fewer dimensions than vectors would fill.
#[test]
fn chain_and_direct_simulation_agree_in_law() {
    compare(&[("opposite", opposite(), 20), ("three", three(), 7), ("centred", centred(), 3)], 1500);
}

#[test]
#[ignore = "8 s; cargo test --release --lib teacher_mixture -- --ignored --nocapture"]
fn chain_and_direct_simulation_agree_in_law_at_d_50() {
    compare(&[("opposite", opposite(), 50), ("three", three(), 50), ("centred", centred(), 50)], 4000);
}
