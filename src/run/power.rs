//! Power: every fault that can be planted in the laws of a scenario, and whether its claims refute it.
//!
//! The simulation does not see a fault, so it runs once; for each fault the laws alone are integrated again and
//! all claims judged.

use super::at_size;
use super::collect::tracks;
use super::finish::{LEVEL, judge_tracks};
use super::{Job, JobResult, Outcome, RunError};
use crate::compare::{self, Answer, Group, Metric, Terms, judge};
use crate::problem::ProblemKind;
use crate::problem::spec::Kind;
use crate::rng::Stream;
use crate::scenario::{self, LawStart, Overrides, Scenario, Source, numeric_keys, resolve};
use rayon::prelude::*;

/// What became of one fault.
#[derive(Clone, Debug, PartialEq)]
pub enum Power {
    /// Some claim refutes the faulty law.
    Refuted { headline: String },
    /// The fault cannot show in the claims of this scenario, and why.
    NotIdentifiable { reason: String },
    /// It moves the law by more than the claims exclude, and they did not refute it.
    Missed { headline: String, shift: f64 },
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// As `--fault` takes it.
    pub fault: String,
    pub power: Power,
}

/// Every fault of the scenario's problem: the structural ones, and each number of the problem changed by a
/// tenth, whole numbers by one.
pub fn faults(kind: &ProblemKind) -> Vec<String> {
    let structural = kind.law_faults.iter().chain(kind.finite_size_faults).map(|(name, _)| name.to_string());
    let is_count =
        |key: &str| kind.parameters.iter().any(|p| p.key == key && matches!(p.kind, Kind::Count { .. }));
    let affine = numeric_keys(kind)
        .into_iter()
        .map(|key| if is_count(&key) { format!("problem.{key}+=1") } else { format!("problem.{key}=1.1") });
    structural.chain(affine).collect()
}

/// The row of each fault, for a scenario whose jobs have run.
///
/// # Errors
/// Laws that cannot be integrated at all, as by [`Job::run`].
pub fn power(
    source: &Source,
    overrides: &Overrides,
    sound: &Scenario,
    outcome: &Outcome,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Row>, RunError> {
    let kind = sound.cases[0].problem.kind();
    let mut rows = Vec::new();
    for fault in faults(kind) {
        let options = Overrides { faults: vec![fault.clone()], ..overrides.clone() };
        let power = match resolve(source, &options) {
            Ok(faulty) => planted(sound, &faulty, outcome, &fault, stop)?,
            // What the scenario refuses to plant is not in play: an absent key, a list, a factor on zero.
            Err(report) => Power::NotIdentifiable { reason: first_rule(&report.to_string()) },
        };
        rows.push(Row { fault, power });
    }
    Ok(rows)
}

/// The rule of the first message of a report.
fn first_rule(report: &str) -> String {
    let line = report.lines().next().unwrap_or_default();
    line.split_once(": ").map_or(line, |(_, rule)| rule).to_string()
}

fn planted(
    sound: &Scenario,
    faulty: &Scenario,
    outcome: &Outcome,
    fault: &str,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Power, RunError> {
    // A start that the law takes from each replica is not in the law.
    let from_replicas = |scenario: &Scenario| scenario.cases.iter().all(|c| c.law.start == LawStart::Replica);
    let start_key = ["init", "second_layer_std", "teacher"].iter().any(|key| {
        let rest = fault.strip_prefix("problem.").and_then(|f| f.strip_prefix(key));
        rest.is_some_and(|rest| rest.starts_with(['.', '=', '+']))
    });
    if start_key && from_replicas(sound) {
        let reason = "the law starts from the measured start of each replica".to_string();
        return Ok(Power::NotIdentifiable { reason });
    }
    let faulty_outcome = match with_laws_of(faulty, outcome, stop) {
        Ok(outcome) => outcome,
        // Another shape than that of the start, or an average that does not converge: no law to be compared.
        Err(RunError::Law(error)) => {
            return Ok(Power::NotIdentifiable { reason: format!("gives no law: {error}") });
        }
        Err(error) => return Err(error),
    };
    let faulty_tracks = tracks(faulty, &faulty_outcome);
    let answers = judge_tracks(faulty, &faulty_tracks, LEVEL);
    if let Some(answer) = answers.iter().find(|a| a.outcome() == compare::Outcome::Refuted) {
        return Ok(Power::Refuted { headline: answer.headline() });
    }
    // Each claim has a unit, a resolution and a band of its own.
    let shifts = shifts(sound, outcome, &faulty_outcome);
    let largest = shifts.iter().copied().fold(0.0, f64::max);
    if largest <= UNMOVED {
        let reason = "leaves the claimed part of the law as it is".to_string();
        return Ok(Power::NotIdentifiable { reason });
    }
    let claims = shifts.iter().zip(&answers);
    let closest = claims
        .max_by(|(a, x), (b, y)| (*a / reach(x)).total_cmp(&(*b / reach(y))))
        .map(|(&shift, answer)| (shift, reach(answer), answer));
    let (shift, reach, answer) = closest.expect("a fault that moves a claim");
    Ok(if shift <= reach {
        let reason = format!(
            "moves the law by at most {:.2} %; with the band of these replicas the claim excludes {:.2} %",
            100.0 * shift,
            100.0 * reach
        );
        Power::NotIdentifiable { reason }
    } else {
        Power::Missed { headline: answer.headline(), shift }
    })
}

/// A law that moves by less than this at every claimed point has not moved.
const UNMOVED: f64 = 1e-9;

/// The simulations of `outcome` with the laws of `scenario`, integrated again.
fn with_laws_of(
    scenario: &Scenario,
    outcome: &Outcome,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Outcome, RunError> {
    let mut laws_only = scenario.clone();
    for case in &mut laws_only.cases {
        if let Some(simulation) = &mut case.simulation {
            simulation.starts_only = true;
        }
    }
    let law = |(job, result): &(Job, JobResult)| -> Result<(Job, JobResult), RunError> {
        let laws = match result.law {
            Some(_) => job.run(&laws_only, &|| stop())?,
            None => JobResult { simulation: None, law: None, at_size: None },
        };
        Ok((*job, JobResult { simulation: result.simulation.clone(), ..laws }))
    };
    let results = outcome.results.par_iter().map(law).collect::<Result<_, _>>()?;
    Ok(Outcome { results, wall_seconds: 0.0 })
}

/// Whether the faults planted in the laws of `scenario` leave them as they are at every claimed point, so that its
/// verdicts say nothing of the faults.
pub(super) fn is_idle(scenario: &Scenario, outcome: &Outcome) -> Result<bool, RunError> {
    if scenario.faults.is_empty() || scenario.claims.is_empty() {
        return Ok(false);
    }
    let mut sound = scenario.clone();
    sound.faults.clear();
    for case in &mut sound.cases {
        case.law_problem = case.problem.clone();
        case.law.faults.clear();
    }
    match with_laws_of(&sound, outcome, &|| false) {
        Ok(before) => Ok(shifts(&sound, &before, outcome).iter().all(|shift| *shift <= UNMOVED)),
        // A law that only the fault makes possible has moved.
        Err(RunError::Law(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The smallest gap that a claim is sure to refute: its resolution and the widest band.
fn reach(answer: &Answer) -> f64 {
    let verdict = answer.verdict();
    let bands = verdict.curves.iter().filter_map(|curve| curve.band.as_ref()).flatten();
    let widest = bands.map(|(low, high)| high - low).fold(0.0, f64::max);
    verdict.terms.resolution + widest
}

/// How far the fault moves the law at the claimed points of every claim, in its metric.
fn shifts(sound: &Scenario, before: &Outcome, after: &Outcome) -> Vec<f64> {
    let (before, after) = (tracks(sound, before), tracks(sound, after));
    let mut shifts = Vec::with_capacity(sound.claims.len());
    for claim in &sound.claims {
        let terms = Terms {
            metric: match claim.metric {
                scenario::Metric::Relative => Metric::Relative,
                scenario::Metric::Absolute => Metric::Absolute,
            },
            resolution: claim.resolution,
            within: claim.within.clone(),
            level: LEVEL,
            draws: 1,
        };
        let groups: Vec<Group> = before
            .iter()
            .zip(&after)
            .filter(|(track, _)| {
                claim.series.contains(&sound.cases[track.case].series)
                    && claim.observables.contains(&track.group.observable)
                    && !track.group.law.is_empty()
                    // A law without a simulation beside it is not compared.
                    && !track.group.simulation.is_empty()
            })
            .filter_map(|(before, after)| {
                let before = at_size::compared(claim.about, before)?;
                let after = at_size::compared(claim.about, after)?;
                // As a sound simulation is compared with the faulty law, in units of the latter.
                Some(Group { simulation: before.law, law: after.law, ..before })
            })
            .filter(|group| group.simulation.len() == group.law.len())
            .collect();
        let verdict = judge(&groups, &terms, &mut Stream::root(0).generator());
        shifts.push(verdict.largest.map_or(0.0, |gap| gap.gap.abs()));
    }
    shifts
}
