//! What tests of whole problems share: scenarios in a few lines, their runs, and verdicts on planted faults.

use asymptotica::compare::Outcome as Judgement;
use asymptotica::run::{Job, Outcome, verdicts};
use asymptotica::scenario::{Overrides, Scenario, Source, resolve};
use asymptotica::trajectory::Curve;

/// A scenario around one `[problem]` section, with further overrides.
pub fn scenario(problem: &str, rest: &str, faults: &[&str]) -> Scenario {
    let start = if problem.contains("[law]") { "" } else { "[law]\nstart = \"given\"" };
    let text = format!("title = \"test\"\nsource = \"tests\"\n[problem]\n{problem}\n{start}\n{rest}\n");
    let faults = faults.iter().map(|s| s.to_string()).collect();
    let source = Source::from_text("test", "test.toml", &text).expect("valid TOML");
    match resolve(&source, &Overrides { faults, ..Overrides::default() }) {
        Ok(scenario) => scenario,
        Err(report) => panic!("{report}"),
    }
}

/// The law that replicas of `size` share.
pub fn law(scenario: &Scenario, size: usize) -> Curve {
    Job { case: 0, size, replica: None }.run(scenario, &|| false).expect("the law").law.expect("a law")
}

/// Replicas of one size.
pub fn replicas(scenario: &Scenario, size: usize, count: usize) -> Vec<Curve> {
    let run = |r| Job { case: 0, size, replica: Some(r) }.run(scenario, &|| false).expect("a replica");
    (0..count).map(|r| run(r).simulation.expect("a simulation")).collect()
}

/// Replicas of a sound scenario, to be judged by the laws of others: a fault changes the law alone.
pub struct Bench {
    outcome: Outcome,
}

impl Bench {
    pub fn new(sound: &Scenario) -> Self {
        let mut outcome = Outcome { results: Vec::new(), wall_seconds: 0.0 };
        let simulation = sound.cases[0].simulation.as_ref().expect("a simulation");
        for (&size, &count) in simulation.sizes.iter().zip(&simulation.replicas) {
            for replica in (0..count).map(Some) {
                let job = Job { case: 0, size, replica };
                outcome.results.push((job, job.run(sound, &|| false).expect("a job")));
            }
        }
        Self { outcome }
    }

    pub fn judge(&self, scenario: &Scenario) -> (Judgement, String) {
        let mut outcome = Outcome { results: Vec::new(), wall_seconds: 0.0 };
        for &size in &scenario.cases[0].simulation.as_ref().expect("a simulation").sizes {
            let job = Job { case: 0, size, replica: None };
            outcome.results.push((job, job.run(scenario, &|| false).expect("a law")));
            let runs = self.outcome.results.iter().filter(|(job, _)| job.size == size);
            outcome.results.extend(runs.cloned());
        }
        let verdict = verdicts(scenario, &outcome).remove(0);
        (verdict.outcome(), verdict.sentence())
    }
}

/// Every fault is refuted where the sound law is confirmed.
pub fn refutes(problem: &str, rest: &str, faults: &[&str]) {
    let sound = scenario(problem, rest, &[]);
    let bench = Bench::new(&sound);
    let (outcome, sentence) = bench.judge(&sound);
    assert_eq!(outcome, Judgement::Confirmed, "{sentence}");
    for fault in faults {
        let (outcome, sentence) = bench.judge(&scenario(problem, rest, &[fault]));
        assert_eq!(outcome, Judgement::Refuted, "{fault}: {sentence}");
    }
}

/// Largest |mean of replicas - law| in standard errors, over all points of an observable.
pub fn standard_errors(law: &Curve, replicas: &[Curve], observable: &str) -> f64 {
    let n = replicas.len() as f64;
    let expected = law.get(observable).expect("of the law");
    let mut largest: f64 = 0.0;
    for (k, expected) in expected.iter().enumerate() {
        let values: Vec<f64> = replicas.iter().map(|r| r.get(observable).expect("measured")[k]).collect();
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0);
        if variance > 0.0 {
            largest = largest.max((mean - expected).abs() / (variance / n).sqrt());
        }
    }
    largest
}
