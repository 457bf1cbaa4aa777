//! What tests around one generic scenario share: overrides, runs, verdicts on planted faults, and parameters that are
//! alive on every road.

use asymptotica::compare::Outcome as Judgement;
use asymptotica::problem::{Method, Problem};
use asymptotica::rng::Stream;
use asymptotica::run::{Job, JobResult, Outcome, verdicts};
use asymptotica::scenario::{Overrides, Scenario, Source, resolve};
use asymptotica::simulate::{self, Measure, Replica, Risk, SimulationError};
use rayon::prelude::*;
use std::collections::BTreeSet;

pub const METHODS: [Method; 2] = [Method::Direct, Method::OverlapChain];

pub fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| s.to_string()).collect()
}

/// A scenario in which no parameter has a special value.
pub struct Generic(pub &'static str);

impl Generic {
    pub fn scenario(&self, set: &[&str], faults: &[&str]) -> Scenario {
        let overrides = Overrides { set: names(set), faults: names(faults), ..Overrides::default() };
        match resolve(&Source::from_text("generic", "generic.toml", self.0).expect("valid TOML"), &overrides)
        {
            Ok(scenario) => scenario,
            Err(report) => panic!("{set:?} {faults:?}: {report}"),
        }
    }

    pub fn problem(&self, set: &[&str]) -> Problem {
        self.scenario(set, &[]).cases[0].problem.clone()
    }

    pub fn replica(
        &self,
        set: &[&str],
        d: usize,
        method: Method,
        times: &[f64],
        names: &[String],
        risk: Risk,
    ) -> Result<Replica, SimulationError> {
        let measure = Measure { times, observables: names, risk };
        simulate::replica(&self.problem(set), d, method, &measure, &Stream::root(17), &|| false)
    }

    /// All claims are confirmed of the sound law, and of every faulty one some claim is refuted.
    pub fn confirms_and_refutes(&self, set: &[&str], faults: &[&str]) {
        let sound = self.scenario(set, &[]);
        let simulation = outcome(&sound);
        for (claim, judgement) in judge(&sound, &simulation).into_iter().enumerate() {
            assert_eq!(judgement, Judgement::Confirmed, "claim {claim}");
        }
        for fault in faults {
            println!("{fault}");
            let refuted = judge(&self.scenario(set, &[fault]), &simulation).contains(&Judgement::Refuted);
            assert!(refuted, "{fault} is not refuted");
        }
    }

    /// Every declared key but those of `elsewhere` has a change, and each change moves law and simulations. Rows: key,
    /// setting in which the change can matter, change of about 5 % (a neighbouring value where the key is no number).
    pub fn parameters_are_alive(
        &self,
        changes: &[(&str, &[&str], &str)],
        elsewhere: &[&str],
        short: &[&str],
    ) {
        let covered: BTreeSet<&str> =
            changes.iter().map(|(key, _, _)| *key).chain(elsewhere.iter().copied()).collect();
        let declared: BTreeSet<&str> = self.problem(&[]).kind().parameters.iter().map(|p| p.key).collect();
        assert_eq!(covered, declared, "every declared key has a change");
        for (key, setting, change) in changes {
            for method in ["direct", "overlap-chain"] {
                let method_is = format!("simulation.method={method}");
                let set = [short, &[&method_is], setting].concat();
                let before = self.roads(&set);
                let after = self.roads(&[&set[..], &[*change]].concat());
                assert!(moved(&before.0, &after.0) > 1e-4, "{key}: {change} does not move the law");
                assert!(moved(&before.1, &after.1) > 1e-4, "{key}: {change} does not move {method}");
            }
        }
    }

    /// Values of the law and of the first replica at the smallest size.
    fn roads(&self, set: &[&str]) -> (Vec<f64>, Vec<f64>) {
        let scenario = self.scenario(set, &[]);
        let size = scenario.cases[0].simulation.as_ref().expect("a simulation").sizes[0];
        let run = |replica| Job { case: 0, size, replica }.run(&scenario, &|| false).expect("a job");
        let replica = run(Some(0));
        let law = replica.law.or_else(|| run(None).law).expect("a law");
        (law.values.concat(), replica.simulation.expect("a simulation").values.concat())
    }
}

fn moved(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// All replicas of a scenario; a fault changes the law alone, so that they serve for faulty laws as well.
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
