//! The law at finite size in scenario files: verdicts, and messages.

use asymptotica::compare::Outcome as Judgement;
use asymptotica::run::{Job, JobResult, Outcome, verdicts};
use asymptotica::scenario::{Overrides, Report, Scenario, Source, resolve};
use rayon::prelude::*;

const TEXT: &str = r#"
title = "finite size"
source = "test"
[problem]
kind = "committee"
student_width = 1
teacher_width = 1
activation = "erf"
learning_rate = 1.6
noise_std = 0.3
trained = "first-layer"
init = { kind = "given", Q = [[0.25]], R = [[0.1]] }
[observe]
times = [1.0, 2.0]
[law]
start = "given"
finite_size = true
[simulation]
method = "overlap-chain"
sizes = [20]
replicas = 30000
seed = 3
[[panel]]
y = "generalisation_error"
[[claim]]
about = "mean"
observables = ["Q", "R", "generalisation_error"]
metric = "relative"
resolution = 0.008
"#;

fn scenario(text: &str, faults: &[&str]) -> Result<Scenario, Report> {
    let overrides =
        Overrides { faults: faults.iter().map(|f| f.to_string()).collect(), ..Overrides::default() };
    resolve(&Source::from_text("finite", "finite.toml", text)?, &overrides)
}

/// The verdict of the only claim.
fn outcome(text: &str, size: usize, replicas: usize, faults: &[&str]) -> Judgement {
    let scenario = scenario(text, faults).expect("a scenario");
    let mut jobs = vec![Job { case: 0, size, replica: None }];
    jobs.extend((0..replicas).map(|r| Job { case: 0, size, replica: Some(r) }));
    let run = |job: &Job| (*job, job.run(&scenario, &|| false).expect("a result"));
    let results: Vec<(Job, JobResult)> = jobs.par_iter().map(run).collect();
    let outcome = Outcome { results, wall_seconds: 0.0 };
    verdicts(&scenario, &outcome)[0].outcome()
}

/// At d = 20 the law of infinite size is per cents off; the mean at this size is not, and faults of it are refuted.
#[test]
fn verdicts_on_the_mean() {
    let verdict = |faults: &[&str]| outcome(TEXT, 20, 30_000, faults);
    assert_eq!(verdict(&[]), Judgement::Confirmed);
    for fault in ["drop=correction", "drop=clock", "problem.noise_std=1.3"] {
        assert_eq!(verdict(&[fault]), Judgement::Refuted, "{fault}");
    }
}

#[test]
fn verdicts_on_the_spread() {
    let text = TEXT
        .replace("about = \"mean\"", "about = \"spread\"")
        .replace("resolution = 0.008", "resolution = 0.12")
        .replace("replicas = 30000", "replicas = 12000")
        .replace("sizes = [20]", "sizes = [100]")
        .replace("learning_rate = 1.6", "learning_rate = 1.0");
    let verdict = |faults: &[&str]| outcome(&text, 100, 12_000, faults);
    assert_eq!(verdict(&[]), Judgement::Confirmed);
    for fault in ["drop=mean-square", "drop=spread-noise", "problem.noise_std=1.3"] {
        assert_eq!(verdict(&[fault]), Judgement::Refuted, "{fault}");
    }
}

fn refused(from: &str, to: &str) -> String {
    assert!(TEXT.contains(from));
    scenario(&TEXT.replace(from, to), &[]).expect_err("a refusal").to_string()
}

#[test]
fn what_cannot_be_predicted_is_refused_with_a_remedy() {
    let message = refused("finite_size = true", "");
    assert!(message.contains("add finite_size = true"), "{message}");
    let message = refused("start = \"given\"", "start = \"replica\"");
    assert!(message.contains("given") && message.contains("limit"), "{message}");
    let message = refused("activation = \"erf\"", "activation = \"tanh\"");
    assert!(message.contains("tanh") && message.contains("finite_size = false"), "{message}");
    let message = refused("about = \"mean\"", "about = \"mean\"\nlimit = \"extrapolate\"");
    assert!(message.contains("every size"), "{message}");
    let message = refused("about = \"mean\"", "about = \"width\"");
    assert!(message.contains("spread"), "{message}");
}
