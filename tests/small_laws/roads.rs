//! Both roads of a scenario, and its verdict.

use asymptotica::compare::Outcome as Judgement;
use asymptotica::run::{Job, JobResult, Outcome, verdicts};
use asymptotica::scenario::{Overrides, Scenario, Source, resolve};
use asymptotica::trajectory::Curve;

fn read(text: &str, faults: &[&str]) -> Result<Scenario, String> {
    let faults = faults.iter().map(|s| s.to_string()).collect();
    let source = Source::from_text("test", "test.toml", text).map_err(|report| report.to_string())?;
    resolve(&source, &Overrides { faults, ..Overrides::default() }).map_err(|report| report.to_string())
}

fn text(problem: &str, rest: &str) -> String {
    let law = if rest.contains("[law]") { "" } else { "[law]\nstart = \"given\"\n" };
    format!("title = \"test\"\nsource = \"tests\"\n[problem]\n{problem}\n{law}{rest}\n")
}

/// A scenario around one `[problem]` section.
pub fn scenario(problem: &str, rest: &str, faults: &[&str]) -> Scenario {
    read(&text(problem, rest), faults).unwrap_or_else(|report| panic!("{report}"))
}

/// Why a scenario with a law is refused.
pub fn report(problem: &str, rest: &str) -> String {
    read(&text(problem, rest), &[]).expect_err("a broken rule")
}

/// Why a `[problem]` section is refused.
pub fn refusal(problem: &str) -> String {
    let rest = "[observe]\ntimes = [1.0]\n[law]\nenabled = false\n[[panel]]\ny = \"loss\"";
    read(&text(problem, rest), &[]).expect_err("a broken rule")
}

/// Times, sizes and observables of both roads, with two replicas and a claim on the first observable.
pub fn rest(times: &str, sizes: &str, observables: &str, resolution: f64) -> String {
    let first = observables.split(',').next().expect("an observable").trim().trim_start_matches('[');
    let first = first.trim_end_matches(']');
    let first = if first.ends_with('"') { first.to_string() } else { format!("{first}\"") };
    format!(
        "[observe]\ntimes = {times}\nobservables = {observables}\n[simulation]\nsizes = {sizes}\nreplicas = 2\nseed = 1
[[panel]]\ny = {observables}\nresiduals = false
[claim]\nobservables = [{first}]\nmetric = \"relative\"\nresolution = {resolution:?}"
    )
}

/// Every job of one size: the law that all share, or one law for each replica.
pub fn jobs(scenario: &Scenario, size: usize, replicas: usize) -> Vec<(Job, JobResult)> {
    (0..replicas)
        .map(|r| {
            let job = Job { case: 0, size, replica: Some(r) };
            (job, job.run(scenario, &|| false).unwrap_or_else(|error| panic!("{error}")))
        })
        .collect()
}

/// The simulation of one replica.
pub fn run(scenario: &Scenario, size: usize, replica: usize) -> Curve {
    let job = Job { case: 0, size, replica: Some(replica) };
    job.run(scenario, &|| false).unwrap_or_else(|error| panic!("{error}")).simulation.expect("a simulation")
}

/// Simulation and law of one replica.
pub fn pair(scenario: &Scenario, size: usize, replica: usize) -> (Curve, Curve) {
    let job = Job { case: 0, size, replica: Some(replica) };
    let result = job.run(scenario, &|| false).unwrap_or_else(|error| panic!("{error}"));
    let law = result.law.unwrap_or_else(|| law(scenario, size));
    (result.simulation.expect("a simulation"), law)
}

/// One recorded number.
pub fn value(curve: &Curve, observable: &str, point: usize) -> f64 {
    curve.get(observable).unwrap_or_else(|| panic!("no {observable}"))[point]
}

/// The law that replicas of `size` share.
pub fn law(scenario: &Scenario, size: usize) -> Curve {
    let job = Job { case: 0, size, replica: None };
    job.run(scenario, &|| false).unwrap_or_else(|error| panic!("{error}")).law.expect("a law")
}

/// Confirmed as it stands, refuted under every fault.
pub fn refutes(problem: &str, rest: &str, faults: &[&str]) {
    let judge = |faults: &[&str]| {
        let scenario = scenario(problem, rest, faults);
        let simulation = scenario.cases[0].simulation.as_ref().expect("a simulation");
        let mut outcome = Outcome { results: Vec::new(), wall_seconds: 0.0 };
        for (&size, &count) in simulation.sizes.iter().zip(&simulation.replicas) {
            let replicas = jobs(&scenario, size, count);
            if replicas[0].1.law.is_none() {
                let job = Job { case: 0, size, replica: None };
                outcome.results.push((job, job.run(&scenario, &|| false).expect("the law")));
            }
            outcome.results.extend(replicas);
        }
        let verdict = verdicts(&scenario, &outcome).remove(0);
        (verdict.outcome(), verdict.sentence())
    };
    let (outcome, sentence) = judge(&[]);
    assert_eq!(outcome, Judgement::Confirmed, "{sentence}");
    for fault in faults {
        let (outcome, sentence) = judge(&[fault]);
        assert_eq!(outcome, Judgement::Refuted, "{fault}: {sentence}");
    }
}
