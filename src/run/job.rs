//! The unit of parallelism, of checkpointing and of loss: one replica, or one law that replicas share.

use super::RunError;
use crate::problem::{Problem, Start};
use crate::rng::Stream;
use crate::scenario::{Case, LawStart, Risk, Scenario};
use crate::simulate::{self, Measure, SimulationError};
use crate::theory;
use crate::trajectory::Curve;
use serde::{Deserialize, Serialize};

/// Place of a job: which case, which size, which replica (`None`: the law that all replicas share).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Job {
    pub case: usize,
    pub size: usize,
    pub replica: Option<usize>,
}

/// What a job leaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobResult {
    pub simulation: Option<Curve>,
    pub law: Option<Curve>,
    /// What the runs of this size do together, predicted: rows as [`theory::at_size`] names them.
    #[serde(default)]
    pub at_size: Option<Curve>,
}

impl Job {
    /// Name of the job's file in the store.
    pub fn file_name(&self) -> String {
        match self.replica {
            Some(r) => format!("case{:03}-size{}-replica{r:04}.json", self.case, self.size),
            None => format!("case{:03}-size{}-law.json", self.case, self.size),
        }
    }

    /// Stream of the job's replica: root -> scenario -> series -> sweep point -> size -> replica.
    fn stream(&self, scenario: &Scenario, case: &Case) -> Stream {
        let seed = case.simulation.as_ref().map_or(0, |s| s.seed);
        Stream::root(seed)
            .child(&scenario.id)
            .index(case.series as u64)
            .index(case.sweep.map_or(0, |(i, _)| i as u64))
            .index(self.size as u64)
            .index(self.replica.unwrap_or(0) as u64)
    }

    /// Says which replica met data that cannot be solved.
    fn failed(&self, error: SimulationError) -> RunError {
        match (error, self.replica) {
            (SimulationError::Linalg(source), Some(replica)) => {
                RunError::Replica { replica, size: self.size, source }
            }
            (error, _) => error.into(),
        }
    }

    /// Runs the job. Where the scenario trains nothing a replica is its start and its law.
    ///
    /// # Errors
    /// Errors of either road; divergence is not an error but an end of the curve.
    pub fn run(&self, scenario: &Scenario, stop: &dyn Fn() -> bool) -> Result<JobResult, RunError> {
        let case = &scenario.cases[self.case];
        if self.replica.is_none() {
            let times = recorded_times(case, self.size);
            let law = law(case, &case.law_problem.stated_start(self.size), &times)?;
            let predicts = case.law.finite_size && self.size > 0;
            let at_size = predicts.then(|| at_size(case, self.size, &times)).transpose()?;
            return Ok(JobResult { simulation: None, law: Some(law), at_size });
        }
        let stream = self.stream(scenario, case);
        let method = case.simulation.as_ref().map_or_else(Default::default, |s| s.method);
        if case.simulation.as_ref().is_some_and(|simulation| simulation.starts_only) {
            let start = simulate::start(&case.problem, self.size, method, &stream)
                .map_err(|error| self.failed(error))?;
            let law = law(case, &start, &recorded_times(case, self.size))?;
            return Ok(JobResult { simulation: None, law: Some(law), at_size: None });
        }
        let observe = &case.observe;
        let risk = match observe.risk {
            Risk::Overlaps => simulate::Risk::Overlaps,
            Risk::TestSet => simulate::Risk::TestSet { samples: observe.test_samples },
        };
        let observables = observables(&case.problem, case);
        let measure = Measure { times: &observe.times, observables: &observables, risk };
        let replica = simulate::replica(&case.problem, self.size, method, &measure, &stream, stop)
            .map_err(|error| self.failed(error))?;
        let law = if case.law.enabled
            && case.law.start == LawStart::Replica
            && case.problem.uncovered().is_none()
        {
            Some(law(case, &replica.start, &recorded_times(case, self.size))?)
        } else {
            None
        };
        Ok(JobResult { simulation: Some(replica.curve), law, at_size: None })
    }
}

/// The requested times after rounding to completed updates: the times that a simulation of this size records.
/// Size 0 stands for a law without a simulation: updates that get ever shorter as the size grows leave no mark on its
/// clock, and others are whole there as well.
fn recorded_times(case: &Case, size: usize) -> Vec<f64> {
    let recorded = |&time: &f64| {
        let recorded = case.problem.recorded_time(time, size);
        if size == 0 && !recorded.is_finite() { time } else { recorded }
    };
    case.observe.times.iter().map(recorded).collect()
}

/// The observables of the case that `problem` has. Problem and law's problem differ under a planted fault.
fn observables(problem: &Problem, case: &Case) -> Vec<String> {
    let known: std::collections::HashSet<String> =
        problem.observables().iter().flat_map(|o| o.entries()).collect();
    case.observe.observables.iter().filter(|key| known.contains(*key)).cloned().collect()
}

fn at_size(case: &Case, size: usize, times: &[f64]) -> Result<Curve, RunError> {
    let problem = &case.law_problem;
    let mut faults = case.law.faults.clone();
    if case.law.expansion {
        faults.push(crate::scenario::EXPANSION.into());
    }
    let options = theory::LawOptions { tolerance: case.law.tolerance, faults, measure_error: true };
    Ok(theory::at_size(problem, size, times, &observables(problem, case), &options)?)
}

fn law(case: &Case, start: &Start, times: &[f64]) -> Result<Curve, RunError> {
    let problem = &case.law_problem;
    let options = theory::LawOptions {
        tolerance: case.law.tolerance,
        faults: case.law.faults.clone(),
        measure_error: true,
    };
    let start = problem.fit_start(start);
    Ok(theory::integrate(problem, &start, times, &observables(problem, case), &options)?)
}
