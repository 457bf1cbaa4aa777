//! Both simulations beside the law, and verdicts that say no.

use super::generic::METHODS;
use super::{CENTRED, GENERIC, THREE, all_observables, mixture};
use asymptotica::problem::Method;
use asymptotica::problem::teacher_mixture::KIND;
use asymptotica::simulate::{Risk, SimulationError};
use asymptotica::theory::LawOptions;
use asymptotica::theory::teacher_mixture::integrate;
use asymptotica::trajectory::End;

/// Stated overlaps are met at every size by both methods, and a random start has its limit.
#[test]
fn starts_have_their_overlaps() {
    for set in [&[][..], CENTRED, THREE] {
        let problem = mixture(set);
        let stated = problem.limit_start().gram();
        for d in [7, 300] {
            for method in METHODS {
                let names = all_observables(&problem);
                let replica =
                    GENERIC.replica(set, d, method, &[0.0], &names, Risk::Overlaps).expect("a replica");
                let asymptotica::problem::Start::TeacherMixture(start) = replica.start else {
                    panic!("another start")
                };
                assert!((start.gram() - &stated).amax() < 1e-12, "d = {d}, {method:?}");
                assert_eq!(start.b, problem.student_bias);
            }
        }
    }
    let error = GENERIC.replica(THREE, 3, Method::Direct, &[0.0], &[], Risk::Overlaps).unwrap_err();
    assert_eq!(error, SimulationError::TooSmall { size: 3, needed: 7 });
    let random = &["problem.init={ kind = \"random\", std = 0.7 }", "law.start=replica"];
    for method in METHODS {
        let names = ["Q".to_string(), "R[1]".into(), "M[1]".into()];
        let replica =
            GENERIC.replica(random, 40_000, method, &[0.0], &names, Risk::Overlaps).expect("a replica");
        let values: Vec<f64> = replica.curve.values.iter().map(|v| v[0]).collect();
        assert!(
            (values[0] - 0.49).abs() < 0.02 && values[1].abs() < 0.02 && values[2].abs() < 0.03,
            "{values:?}"
        );
    }
}

/// Losses and classification errors on fresh samples are those of the measured overlaps.
#[test]
fn test_sets_agree_with_the_population_formulas() {
    for set in [&[][..], THREE] {
        let problem = mixture(set);
        let names: Vec<String> = all_observables(&problem)
            .into_iter()
            .filter(|name| name.contains("loss") || name.contains("error"))
            .collect();
        for method in METHODS {
            let run = |risk| GENERIC.replica(set, 60, method, &[2.0], &names, risk).expect("a replica").curve;
            let (exact, sampled) = (run(Risk::Overlaps), run(Risk::TestSet { samples: 20_000 }));
            for (o, name) in names.iter().enumerate() {
                let (a, b) = (exact.values[o][0], sampled.values[o][0]);
                assert!((a - b).abs() < 0.025, "{name}, {method:?}: {a} {b}");
            }
        }
    }
}

#[test]
fn a_diverging_student_is_an_outcome_and_one_seed_gives_one_result() {
    let fast = &["problem.learning_rate=3.5"];
    let names = ["loss".to_string()];
    for method in METHODS {
        let run = || {
            GENERIC.replica(fast, 30, method, &[1.0, 1e5], &names, Risk::Overlaps).expect("a replica").curve
        };
        let curve = run();
        assert!(matches!(&curve.end, End::Diverged { .. }) && curve.times.len() == 1, "{:?}", curve.end);
        assert_eq!(curve.values, run().values);
    }
}

/// The losses of the centred sub-populations cross once, at t = 85.5, and single runs near it.
#[test]
fn runs_cross_when_the_law_does() {
    let problem = mixture(CENTRED);
    let names = ["crossing_time".to_string(), "loss_gap".into()];
    let times = [40.0, 120.0];
    let options = LawOptions { tolerance: 1e-10, faults: Vec::new(), measure_error: true };
    let law = integrate(&problem, &problem.limit_start(), &times, &names, &options).expect("a law");
    assert_eq!(law.values[0][0], 0.0, "the losses have not crossed yet");
    assert!((law.values[0][1] - 85.5).abs() < 0.05 && law.values[1][0] > 0.0 && law.values[1][1] < 0.0);
    for (method, d, tolerance) in [(Method::OverlapChain, 60_000, 4.0), (Method::Direct, 2000, 20.0)] {
        let replica = GENERIC.replica(CENTRED, d, method, &times, &names, Risk::Overlaps).expect("a replica");
        let crossing = replica.curve.values[0][1];
        assert!((crossing - law.values[0][1]).abs() < tolerance, "{method:?}: {crossing}");
    }
}

/// In the limit, group losses, group errors and overlaps are confirmed within 1 %, and every fault is refuted.
#[test]
fn the_law_is_confirmed_in_the_limit_and_faults_are_refuted() {
    let structural: Vec<&str> = KIND.law_faults.iter().map(|(name, _)| *name).collect();
    let parameters = [
        "problem.variance=1.1",
        "problem.variance=0.9",
        "problem.probability+=0.05",
        "problem.probability+=-0.05",
        "problem.learning_rate=1.1",
    ];
    GENERIC.confirms_and_refutes(&[], &[&structural[..], &parameters].concat());
}

/// Keys beside a change of about 5 % (a neighbouring value where the key is no number), and the setting in which the
/// change can matter.
const CHANGES: &[(&str, &[&str], &str)] = &[
    ("probability", &[], "problem.probability=0.68"),
    ("variance", &[], "problem.variance=[0.6, 1.365]"),
    ("teacher", &[], "problem.teacher.T=[[1.0, 0.42], [0.42, 1.2]]"),
    ("teacher", EQUAL, "problem.teacher.overlap=0.525"),
    ("teacher", EQUAL, "problem.teacher.norm=1.155"),
    ("mean", &[], "problem.mean.V=1.575"),
    ("mean", &[], "problem.mean.S=[0.3, -0.21]"),
    ("mean", THREE, "problem.mean.U=[[1.5, 0.2, 0.0], [0.2, 1.155, 0.3], [0.0, 0.3, 0.9]]"),
    ("mean", THREE, "problem.mean.S=[[0.315, 0.1, 0.0], [0.2, -0.3, 0.1], [0.0, 0.2, 0.4]]"),
    ("teacher_bias", &[], "problem.teacher_bias=[0.2, -0.42]"),
    ("label", &[], "problem.label=[\"sign\", \"erf\"]"),
    ("learning_rate", &[], "problem.learning_rate=0.3675"),
    ("bias_rate", &[], "problem.bias_rate=0.2625"),
    ("init", &[], "problem.init.Q=0.84"),
    ("init", &[], "problem.init.R=[0.2, -0.42]"),
    ("init", &[], "problem.init.M=-0.63"),
    (
        "init",
        &["problem.init={ kind = \"random\", std = 1.0 }", "law.start=replica"],
        "problem.init.std=1.05",
    ),
    ("student_bias", &[], "problem.student_bias=0.42"),
];
const EQUAL: &[&str] =
    &["problem.teacher={ kind = \"equal\", overlap = 0.5, norm = 1.1 }", "problem.init.R=[0.1, -0.1]"];

#[test]
fn every_parameter_is_alive_on_all_roads() {
    let short = ["simulation.sizes=[40, 80]", "observe.times=[0.5, 3.0]", "simulation.replicas=1"];
    GENERIC.parameters_are_alive(CHANGES, &[], &short);
}
