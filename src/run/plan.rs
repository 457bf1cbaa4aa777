//! Which jobs a scenario needs, what they cost, and whether they fit in memory.

use super::{Job, RunError};
use crate::scenario::{LawStart, Scenario};

/// Rough seconds of a law at finite size.
const PREDICTION: f64 = 0.5;

/// The jobs of one scenario, most expensive first.
#[derive(Clone, Debug)]
pub struct Plan {
    pub jobs: Vec<Job>,
    /// Rough seconds of each job, for the progress bar and for [`Plan::seconds`].
    pub costs: Vec<f64>,
}

impl Plan {
    /// Rough seconds on so many threads.
    pub fn seconds(&self, threads: usize) -> f64 {
        let longest = self.costs.iter().copied().fold(0.0, f64::max);
        longest.max(self.costs.iter().sum::<f64>() / threads as f64)
    }
}

/// Lists the jobs of a scenario: all of them, or with `shard` = (i, n) the i-th of n parts, from 0.
///
/// # Errors
/// [`RunError::Memory`] if the results, or the replicas in flight on `threads` threads, would not fit.
pub fn plan(scenario: &Scenario, shard: Option<(usize, usize)>, threads: usize) -> Result<Plan, RunError> {
    let mut results = 0.0;
    let mut running: f64 = 0.0;
    for case in &scenario.cases {
        if case.law.enabled {
            let end = case.observe.times.last().copied().unwrap_or(0.0);
            running = running.max(case.law_problem.law_bytes(end));
        }
        let snapshot = 8.0 * (case.observe.times.len() * case.observe.observables.len()) as f64;
        let Some(simulation) = &case.simulation else { continue };
        for (&size, &replicas) in simulation.sizes.iter().zip(&simulation.replicas) {
            // Values and errors of a law and of a simulation, and their copy as tracks.
            results += (8.0 * snapshot + 256.0) * replicas as f64;
            running = running.max(case.problem.replica_bytes(size, simulation.method));
        }
    }
    let needed = results + running * threads as f64;
    if let Some(available) = available_memory()
        && needed > 0.8 * available
    {
        return Err(RunError::Memory {
            id: scenario.id.clone(),
            needed: bytes(needed),
            available: bytes(available),
        });
    }

    let mut jobs = Vec::new();
    for (index, case) in scenario.cases.iter().enumerate() {
        let has_law = case.law.enabled && case.law_problem.uncovered().is_none();
        let from_replica = case.law.start == LawStart::Replica;
        match &case.simulation {
            Some(simulation) => {
                for (&size, &replicas) in simulation.sizes.iter().zip(&simulation.replicas) {
                    if has_law && !from_replica {
                        jobs.push(Job { case: index, size, replica: None });
                    }
                    jobs.extend((0..replicas).map(|r| Job { case: index, size, replica: Some(r) }));
                }
            }
            // No simulation to follow: the law at the requested times, at no size.
            None if has_law => jobs.push(Job { case: index, size: 0, replica: None }),
            None => {}
        }
    }
    if let Some((part, parts)) = shard {
        jobs = jobs.into_iter().enumerate().filter(|(i, _)| i % parts == part).map(|(_, job)| job).collect();
    }
    let cost = |job: &Job| {
        let case = &scenario.cases[job.case];
        let end = case.observe.times.last().copied().unwrap_or(0.0);
        let trained = case.simulation.as_ref().is_some_and(|s| !s.starts_only);
        let simulates = job.replica.is_some() && trained;
        let law = has_own_law(case, job);
        let method = case.simulation.as_ref().map_or_else(Default::default, |s| s.method);
        let predicts = case.law.finite_size && job.replica.is_none();
        let predicted = if predicts { PREDICTION } else { 0.0 };
        predicted + case.problem.cost(end, if simulates { job.size } else { 0 }, method, law)
    };
    let mut priced: Vec<(f64, Job)> = jobs.into_iter().map(|job| (cost(&job), job)).collect();
    priced.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    Ok(Plan { costs: priced.iter().map(|p| p.0).collect(), jobs: priced.into_iter().map(|p| p.1).collect() })
}

fn has_own_law(case: &crate::scenario::Case, job: &Job) -> bool {
    let covered = case.law.enabled && case.law_problem.uncovered().is_none();
    covered && (job.replica.is_none() || case.law.start == LawStart::Replica)
}

/// Memory that the system would give without swapping; `None` where it does not say.
fn available_memory() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024.0)
}

fn bytes(n: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = n;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", units[unit])
}
