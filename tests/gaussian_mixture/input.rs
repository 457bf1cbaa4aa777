//! Bad input stops with the rule and the remedy.

use asymptotica::scenario::{Overrides, Source, resolve};

const SCENARIO: &str = r#"
title = "Generic"
source = "tests"
[problem]
kind = "gaussian-mixture"
data = "two-clusters"
sample_ratio = 2.0
cluster_variance = 0.5
loss = "logistic"
ridge = 0.1
learning_rate = 0.2
normalisation = 1.0
initial_variance = 0.01
initial_overlap = 0.0
batch = { kind = "iid", fraction = 0.3 }
[observe]
times = [1.0, 2.0]
[law]
start = "limit"
[[panel]]
y = "test_error"
"#;

fn message(set: &[&str]) -> String {
    let source = Source::from_text("mixture", "mixture.toml", SCENARIO).expect("valid TOML");
    let set = set.iter().map(|s| s.to_string()).collect();
    match resolve(&source, &Overrides { set, ..Overrides::default() }) {
        Ok(_) => String::new(),
        Err(report) => report.to_string(),
    }
}

#[test]
fn every_broken_rule_names_its_key_and_the_way_out() {
    assert_eq!(message(&[]), "");
    let square = "problem.loss=\"square\"";
    let cases: &[(&[&str], &[&str])] = &[
        (&["problem.batch.fraction=1.2"], &["batch.fraction", "(0, 1]", "at most 1"]),
        (&["problem.batch.fraction=0.0"], &["batch.fraction", "> 0"]),
        (
            &["problem.batch={ kind = \"persistent\", fraction = 0.3, time = 0.1 }"],
            &["batch.time", "at least 0.46", "raise it"],
        ),
        (
            &["problem.data=\"three-clusters\"", "problem.threshold=0.7"],
            &["initial_overlap", "never leaves m = 0", "plant a small overlap"],
        ),
        (&["problem.data=\"three-clusters\"", "problem.initial_overlap=0.1"], &["threshold", "missing"]),
        (&["problem.threshold=0.7"], &["threshold", "no meaning"]),
        (&[square, "problem.learning_rate=2.0"], &["learning_rate", "diverges from", "use less than"]),
        (&["problem.learning_rate=20.0"], &["learning_rate", "diverges from 20.0"]),
        (
            &["problem.loss=\"hinge\"", "problem.response=true", "problem.correlation_times=[1.0]"],
            &["response", "no second derivative", "logistic"],
        ),
        (&["problem.response=true"], &["response", "correlation_times"]),
        (&["problem.correlation_times=[0.9, 1.1]"], &["correlation_times", "same update", "more between"]),
        (&["problem.momentum=1.0"], &["momentum", "below 1"]),
        (&["problem.data=\"linear-teacher\""], &["loss", "square"]),
        (&["problem.route={ kind = \"spectrum\" }"], &["route", "square loss", "sweep"]),
        (&[square, "problem.route={ kind = \"spectrum\" }"], &["route", "full"]),
        (&["problem.dynamics=\"flow\"", "problem.momentum=0.5"], &["dynamics", "momentum"]),
    ];
    for (set, parts) in cases {
        let message = message(set);
        for part in *parts {
            assert!(message.contains(part), "{set:?}: {part:?} is not in\n{message}");
        }
    }
}
