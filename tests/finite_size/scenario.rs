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
learning_rate = 1.0
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
replicas = 6000
seed = 3
[[panel]]
y = "generalisation_error"
[[claim]]
about = "mean"
observables = ["Q", "R", "generalisation_error"]
metric = "relative"
resolution = 0.02
[[claim]]
about = "spread"
observables = ["Q", "R"]
metric = "relative"
resolution = 0.2
"#;

fn scenario(text: &str, faults: &[&str]) -> Result<Scenario, Report> {
    let overrides =
        Overrides { faults: faults.iter().map(|f| f.to_string()).collect(), ..Overrides::default() };
    resolve(&Source::from_text("finite", "finite.toml", text)?, &overrides)
}

fn outcomes(faults: &[&str]) -> Vec<Judgement> {
    let scenario = scenario(TEXT, faults).expect("a scenario");
    let mut jobs = vec![Job { case: 0, size: 20, replica: None }];
    jobs.extend((0..6000).map(|r| Job { case: 0, size: 20, replica: Some(r) }));
    let run = |job: &Job| (*job, job.run(&scenario, &|| false).expect("a result"));
    let results: Vec<(Job, JobResult)> = jobs.par_iter().map(run).collect();
    let outcome = Outcome { results, wall_seconds: 0.0 };
    verdicts(&scenario, &outcome).iter().map(|answer| answer.outcome()).collect()
}

/// At d = 20 the law of infinite size is several per cent off; the law at this size is not, and faults of it are
/// refuted by the claim that they concern.
#[test]
fn verdicts_on_mean_and_spread() {
    assert_eq!(outcomes(&[]), [Judgement::Confirmed, Judgement::Confirmed]);
    for fault in ["drop=correction", "drop=clock"] {
        assert_eq!(outcomes(&[fault])[0], Judgement::Refuted, "{fault}");
    }
    assert_eq!(outcomes(&["drop=mean-square"])[1], Judgement::Refuted);
    assert_eq!(outcomes(&["problem.noise_std=1.3"])[1], Judgement::Refuted);
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
    let message = refused("activation = \"erf\"", "activation = \"relu\"");
    assert!(message.contains("relu") && message.contains("finite_size = false"), "{message}");
    let message = refused("about = \"mean\"", "about = \"mean\"\nlimit = \"extrapolate\"");
    assert!(message.contains("every size"), "{message}");
    let message = refused("about = \"spread\"", "about = \"width\"");
    assert!(message.contains("spread"), "{message}");
}
