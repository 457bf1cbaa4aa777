//! A comparison that can fail: planted faults are refuted, and every parameter moves both roads.

use asymptotica::compare::Outcome as Judgement;
use asymptotica::problem::KINDS;
use asymptotica::run::{Job, JobResult, Outcome, verdicts};
use asymptotica::scenario::{Overrides, Scenario, Source, resolve};
use std::collections::BTreeSet;

const SCENARIO: &str = r#"
title = "Generic parameters"
source = "tests"

[problem]
kind = "committee"
student_width = 3
teacher_width = 2
activation = "erf"
learning_rate = 0.55
noise_std = 0.35
trained = "first-layer"
init = { kind = "given", Q = [[0.5, 0.1, 0.05], [0.1, 0.4, -0.07], [0.05, -0.07, 0.6]], R = [[0.3, 0.05], [0.1, 0.2], [-0.15, 0.25]] }

[observe]
times = { from = 0.2, to = 30.0, points = 16, spacing = "log" }

[law]
start = "given"

[simulation]
method = "direct"
sizes = [500]
replicas = 64
seed = 20260

[[panel]]
y = "generalisation_error"

[claim]
observables = ["generalisation_error"]
metric = "relative"
resolution = 0.05
"#;

fn scenario(set: &[&str], faults: &[&str]) -> Scenario {
    let own = |list: &[&str]| list.iter().map(|s| s.to_string()).collect();
    let overrides = Overrides { set: own(set), faults: own(faults), ..Overrides::default() };
    match resolve(&Source::from_text("faults", "faults.toml", SCENARIO).expect("valid TOML"), &overrides) {
        Ok(scenario) => scenario,
        Err(report) => panic!("{set:?} {faults:?}: {report}"),
    }
}

fn law(scenario: &Scenario) -> (Job, JobResult) {
    let job = Job { case: 0, size: 500, replica: None };
    (job, job.run(scenario, &|| false).expect("the law"))
}

#[test]
fn planted_faults_are_refuted_and_the_sound_law_is_confirmed() {
    let sound = scenario(&[], &[]);
    let replica = |r| {
        let job = Job { case: 0, size: 500, replica: Some(r) };
        (job, job.run(&sound, &|| false).expect("a replica"))
    };
    let mut outcome = Outcome { results: vec![law(&sound)], wall_seconds: 0.0 };
    outcome.results.extend((0..64).map(replica));
    let judge = |scenario: &Scenario, outcome: &Outcome| verdicts(scenario, outcome).remove(0);
    let verdict = judge(&sound, &outcome);
    assert_eq!(verdict.outcome(), Judgement::Confirmed, "{}", verdict.sentence());

    let declared: BTreeSet<&str> = KINDS[0].law_faults.iter().map(|(name, _)| *name).collect();
    let structural = ["drop=eta2", "drop=noise", "square=noise", "swap=i3", "halve=i2"];
    assert_eq!(declared, structural.into_iter().collect(), "every declared fault is planted below");
    let parameters = [
        "problem.learning_rate=1.1",
        "problem.learning_rate=0.9",
        "problem.student_width+=1",
        "problem.student_width+=-1",
    ];
    for fault in structural.into_iter().chain(parameters) {
        let faulted = scenario(&[], &[fault]);
        outcome.results[0] = law(&faulted);
        let verdict = judge(&faulted, &outcome);
        assert_eq!(verdict.outcome(), Judgement::Refuted, "{fault}: {}", verdict.sentence());
    }
}

/// Keys of the committee problem beside a change of about 5 % (a neighbouring value where the key is no
/// number) and the setting in which the change can matter.
const CHANGES: &[(&str, &[&str], &str)] = &[
    ("student_width", RANDOM, "problem.student_width=4"),
    ("teacher_width", RANDOM, "problem.teacher_width=3"),
    ("activation", &[], "problem.activation=sine"),
    ("learning_rate", &[], "problem.learning_rate=0.5775"),
    ("noise_std", &[], "problem.noise_std=0.3675"),
    ("trained", &[], "problem.trained=both-layers"),
    ("init", &[], "problem.init.Q=[[0.525, 0.1, 0.05], [0.1, 0.4, -0.07], [0.05, -0.07, 0.6]]"),
    ("init", &[], "problem.init.R=[[0.3, 0.0525], [0.1, 0.2], [-0.15, 0.25]]"),
    ("init", RANDOM, "problem.init.std=1.05"),
    ("init", INFORMED, "problem.init.std=0.315"),
    ("init", INFORMED, "problem.init.surplus=copy"),
    ("teacher", &["problem.teacher={ kind = \"isotropic\", norm = 1.1 }"], "problem.teacher.norm=1.155"),
    ("teacher", &[], "problem.teacher={ kind = \"graded\" }"),
    ("teacher", TEACHER_GIVEN, "problem.teacher.T=[[1.2, 0.105], [0.105, 0.9]]"),
    ("teacher", TEACHER_RANDOM, "problem.teacher.std=1.05"),
    ("teacher_second_layer", &[], "problem.teacher_second_layer=[1.0, 1.05]"),
    ("student_second_layer", &[], "problem.student_second_layer=[1.0, 1.0, 1.05]"),
    (
        "second_layer_std",
        &["problem.second_layer_std=0.3", "law.start=replica"],
        "problem.second_layer_std=0.315",
    ),
    (
        "second_layer_rate",
        &["problem.trained=both-layers", "problem.second_layer_rate=0.2"],
        "problem.second_layer_rate=0.21",
    ),
    ("weight_decay", &["problem.weight_decay=0.1"], "problem.weight_decay=0.105"),
    (
        "second_layer_decay",
        &["problem.trained=both-layers", "problem.second_layer_decay=0.1"],
        "problem.second_layer_decay=0.105",
    ),
    ("batch", &["problem.batch=3"], "problem.batch=4"),
    ("output", &[], "problem.output=normalised"),
    ("output", &["problem.output=normalised"], "problem.output=mean-field"),
];
const RANDOM: &[&str] = &["problem.init={ kind = \"random\", std = 1.0 }", "law.start=replica"];
const INFORMED: &[&str] = &["problem.init={ kind = \"informed\", std = 0.3 }", "law.start=replica"];
const TEACHER_GIVEN: &[&str] = &["problem.teacher={ kind = \"given\", T = [[1.2, 0.1], [0.1, 0.9]] }"];
const TEACHER_RANDOM: &[&str] = &[
    "problem.teacher={ kind = \"random\", std = 1.0 }",
    "problem.init={ kind = \"random\", std = 1.0 }",
    "law.start=replica",
];

#[test]
fn every_parameter_is_alive_on_both_roads() {
    // A finite training set is outside the law; the simulation's own tests cover it.
    let covered: BTreeSet<&str> = CHANGES.iter().map(|(key, _, _)| *key).chain(["training_set"]).collect();
    let declared: BTreeSet<&str> = KINDS[0].parameters.iter().map(|p| p.key).collect();
    assert_eq!(covered, declared, "every declared key has a change");

    const SHORT: &[&str] = &["simulation.sizes=[40]", "observe.times=[0.5, 3.0]", "simulation.replicas=1"];
    let errors = |set: &[&str]| -> (Vec<f64>, Vec<f64>) {
        let scenario = scenario(&[SHORT, set].concat(), &[]);
        let replica =
            Job { case: 0, size: 40, replica: Some(0) }.run(&scenario, &|| false).expect("a replica");
        let shared = Job { case: 0, size: 40, replica: None };
        let law = match replica.law {
            Some(law) => law,
            None => shared.run(&scenario, &|| false).expect("the law").law.expect("a law"),
        };
        let simulation = replica.simulation.expect("a simulation");
        (law.values[0].clone(), simulation.values[0].clone())
    };
    for (key, setting, change) in CHANGES {
        let (law, simulation) = errors(setting);
        let (changed_law, changed_simulation) = errors(&[setting, &[*change][..]].concat());
        let moved =
            |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| ((a - b) / a).abs()).fold(0.0, f64::max);
        // The law is good to 1e-8, the simulation uses the same random numbers before and after.
        assert!(moved(&law, &changed_law) > 1e-4, "{key}: {change} does not move the law");
        assert!(
            moved(&simulation, &changed_simulation) > 1e-4,
            "{key}: {change} does not move the simulation"
        );
    }
}
