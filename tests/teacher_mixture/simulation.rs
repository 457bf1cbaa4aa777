//! Both simulations beside the law, and verdicts that say no.

use super::{CENTRED, THREE, all_observables, mixture, problem, scenario};
use asymptotica::compare::Outcome as Judgement;
use asymptotica::problem::Method;
use asymptotica::problem::teacher_mixture::KIND;
use asymptotica::rng::Stream;
use asymptotica::run::{Job, JobResult, Outcome, verdicts};
use asymptotica::scenario::Scenario;
use asymptotica::simulate::{self, Measure, Replica, Risk, SimulationError};
use asymptotica::trajectory::End;
use rayon::prelude::*;
use std::collections::BTreeSet;

fn replica(
    set: &[&str],
    d: usize,
    method: Method,
    times: &[f64],
    names: &[String],
    risk: Risk,
) -> Result<Replica, SimulationError> {
    let measure = Measure { times, observables: names, risk };
    simulate::replica(&problem(set), d, method, &measure, &Stream::root(7), &|| false)
}

const METHODS: [Method; 2] = [Method::Direct, Method::OverlapChain];

/// Stated overlaps are met at every size by both methods, and a random start has its limit.
#[test]
fn starts_have_their_overlaps() {
    for set in [&[][..], CENTRED, THREE] {
        let problem = mixture(set);
        let stated = problem.limit_start().gram();
        for d in [7, 300] {
            for method in METHODS {
                let names = all_observables(&problem);
                let replica = replica(set, d, method, &[0.0], &names, Risk::Overlaps).expect("a replica");
                let asymptotica::problem::Start::TeacherMixture(start) = replica.start else {
                    panic!("another start")
                };
                assert!((start.gram() - &stated).amax() < 1e-12, "d = {d}, {method:?}");
                assert_eq!(start.b, problem.student_bias);
            }
        }
    }
    let error = replica(THREE, 3, Method::Direct, &[0.0], &[], Risk::Overlaps).unwrap_err();
    assert_eq!(error, SimulationError::TooSmall { size: 3, needed: 7 });
    let random = &["problem.init={ kind = \"random\", std = 0.7 }", "law.start=replica"];
    for method in METHODS {
        let names = ["Q".to_string(), "R[1]".into(), "M[1]".into()];
        let replica = replica(random, 40_000, method, &[0.0], &names, Risk::Overlaps).expect("a replica");
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
            let run = |risk| replica(set, 60, method, &[2.0], &names, risk).expect("a replica").curve;
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
        let run = || replica(fast, 30, method, &[1.0, 1e5], &names, Risk::Overlaps).expect("a replica").curve;
        let curve = run();
        assert!(matches!(&curve.end, End::Diverged { .. }) && curve.times.len() == 1, "{:?}", curve.end);
        assert_eq!(curve.values, run().values);
    }
}

fn outcome(scenario: &Scenario) -> Outcome {
    let simulation = scenario.cases[0].simulation.as_ref().expect("a simulation");
    let jobs: Vec<Job> = simulation
        .sizes
        .iter()
        .zip(&simulation.replicas)
        .flat_map(|(&size, &n)| (0..n).map(move |r| Job { case: 0, size, replica: Some(r) }))
        .collect();
    let run = |job: &Job| (*job, job.run(scenario, &|| false).expect("a replica"));
    Outcome { results: jobs.par_iter().map(run).collect(), wall_seconds: 0.0 }
}

/// The judgements of all claims when the law of `scenario` stands beside the simulation.
fn judge(scenario: &Scenario, simulation: &Outcome) -> Vec<Judgement> {
    let sizes: BTreeSet<usize> = simulation.results.iter().map(|(job, _)| job.size).collect();
    let law = |size: usize| -> (Job, JobResult) {
        let job = Job { case: 0, size, replica: None };
        (job, job.run(scenario, &|| false).expect("a law"))
    };
    let mut results: Vec<_> = sizes.into_iter().map(law).collect();
    results.extend(simulation.results.iter().cloned());
    results.sort_by_key(|(job, _)| *job);
    let answers = verdicts(scenario, &Outcome { results, wall_seconds: 0.0 });
    answers
        .iter()
        .map(|answer| {
            println!("{}", answer.headline());
            answer.outcome()
        })
        .collect()
}

/// In the limit, group losses, group errors and overlaps are confirmed within 1 %, and every fault is refuted.
#[test]
fn the_law_is_confirmed_in_the_limit_and_faults_are_refuted() {
    let sound = scenario(&[], &[]);
    let simulation = outcome(&sound);
    for (claim, judgement) in judge(&sound, &simulation).into_iter().enumerate() {
        assert_eq!(judgement, Judgement::Confirmed, "claim {claim}");
    }
    let structural: Vec<&str> = KIND.law_faults.iter().map(|(name, _)| *name).collect();
    let parameters = [
        "problem.variance=1.1",
        "problem.variance=0.9",
        "problem.probability+=0.05",
        "problem.probability+=-0.05",
        "problem.learning_rate=1.1",
    ];
    for fault in structural.into_iter().chain(parameters) {
        println!("{fault}");
        let refuted = judge(&scenario(&[], &[fault]), &simulation).contains(&Judgement::Refuted);
        assert!(refuted, "{fault} is not refuted");
    }
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
    let covered: BTreeSet<&str> = CHANGES.iter().map(|(key, _, _)| *key).collect();
    let declared: BTreeSet<&str> = KIND.parameters.iter().map(|p| p.key).collect();
    assert_eq!(covered, declared, "every declared key has a change");
    let values = |set: &[&str], method: &str| -> (Vec<f64>, Vec<f64>) {
        let method = format!("simulation.method={method}");
        let short =
            ["simulation.sizes=[40, 80]", "observe.times=[0.5, 3.0]", "simulation.replicas=1", &method];
        let scenario = scenario(&[&short, set].concat(), &[]);
        let replica =
            Job { case: 0, size: 40, replica: Some(0) }.run(&scenario, &|| false).expect("a replica");
        let shared = Job { case: 0, size: 40, replica: None };
        let law = match replica.law {
            Some(law) => law,
            None => shared.run(&scenario, &|| false).expect("the law").law.expect("a law"),
        };
        (law.values.concat(), replica.simulation.expect("a simulation").values.concat())
    };
    let moved = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    for (key, setting, change) in CHANGES {
        for method in ["direct", "overlap-chain"] {
            let before = values(setting, method);
            let after = values(&[setting, &[*change][..]].concat(), method);
            assert!(moved(&before.0, &after.0) > 1e-4, "{key}: {change} does not move the law");
            assert!(moved(&before.1, &after.1) > 1e-4, "{key}: {change} does not move {method}");
        }
    }
}
