//! Runs the jobs of one or many scenarios on one pool of threads.
//!
//! Jobs of all scenarios stand in one queue, in the order of the scenarios and most expensive first within
//! each, so that no thread waits at the end of a scenario. Results depend on the job alone, never on the
//! thread or the order.

use super::progress::Progress;
use super::{Job, JobResult, Plan, RunError, Store};
use crate::scenario::Scenario;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// One scenario on its way through the pool.
pub struct Campaign<'a> {
    pub scenario: &'a Scenario,
    pub plan: Plan,
    pub store: Store,
}

/// The finished jobs of one scenario, in the order of its cases, sizes and replicas.
pub struct Outcome {
    pub results: Vec<(Job, JobResult)>,
    /// Seconds from the first job of the scenario to its last.
    pub wall_seconds: f64,
}

/// Runs all campaigns; `done` is called for each as soon as its last job has finished, on the thread that
/// finished it.
///
/// # Errors
/// The first error of any job, or [`RunError::Interrupted`] if `stop` became true. Finished jobs are stored
/// in either case.
pub fn execute(
    campaigns: &[Campaign<'_>],
    threads: usize,
    progress: &Progress,
    stop: &AtomicBool,
    done: &(dyn Fn(usize, Outcome) -> Result<(), RunError> + Sync),
) -> Result<(), RunError> {
    let queue: Vec<(usize, usize)> = campaigns
        .iter()
        .enumerate()
        .flat_map(|(c, campaign)| (0..campaign.plan.jobs.len()).map(move |j| (c, j)))
        .collect();
    let next = AtomicUsize::new(0);
    let state: Vec<Mutex<State>> =
        campaigns.iter().map(|c| Mutex::new(State::new(c.plan.jobs.len()))).collect();
    let failure: Mutex<Option<RunError>> = Mutex::new(None);
    let halted = AtomicBool::new(false);
    let halt = || halted.load(Ordering::Relaxed) || stop.load(Ordering::Relaxed);

    let work = || {
        while !halt() {
            let Some(&(c, j)) = queue.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            if let Err(error) = one(&campaigns[c], c, j, &state[c], progress, &halt, done) {
                halted.store(true, Ordering::Relaxed);
                let mut first = failure.lock().expect("no panic while reporting");
                // An interrupted job is a consequence of the first error, not its cause.
                if !matches!((&*first, &error), (Some(_), _)) {
                    *first = Some(error);
                }
            }
        }
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| RunError::file("threads", e, "lower --jobs"))?;
    pool.scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|_| work());
        }
    });
    if let Some(error) = failure.into_inner().expect("no panic while reporting") {
        return Err(if stop.load(Ordering::Relaxed) { RunError::Interrupted } else { error });
    }
    if stop.load(Ordering::Relaxed) { Err(RunError::Interrupted) } else { Ok(()) }
}

/// What has come back of one scenario so far.
struct State {
    results: Vec<Option<JobResult>>,
    missing: usize,
    started: Option<std::time::Instant>,
}

impl State {
    fn new(jobs: usize) -> Self {
        Self { results: vec![None; jobs], missing: jobs, started: None }
    }
}

fn one(
    campaign: &Campaign<'_>,
    index: usize,
    j: usize,
    state: &Mutex<State>,
    progress: &Progress,
    halt: &dyn Fn() -> bool,
    done: &(dyn Fn(usize, Outcome) -> Result<(), RunError> + Sync),
) -> Result<(), RunError> {
    let job = campaign.plan.jobs[j];
    {
        let mut state = state.lock().expect("no panic while a state is held");
        let total = state.results.len();
        state.started.get_or_insert_with(std::time::Instant::now);
        progress.message(format!("{}: job {} of {total}", campaign.scenario.id, total - state.missing + 1));
    }
    let result = match campaign.store.load(&job) {
        Some(result) => result,
        None => {
            let result = job.run(campaign.scenario, halt)?;
            campaign.store.save(&job, &result)?;
            result
        }
    };
    progress.advance(campaign.plan.costs[j]);
    let mut state = state.lock().expect("no panic while a state is held");
    state.results[j] = Some(result);
    state.missing -= 1;
    if state.missing > 0 {
        return Ok(());
    }
    let wall_seconds = state.started.map_or(0.0, |s| s.elapsed().as_secs_f64());
    let results = std::mem::take(&mut state.results);
    drop(state);
    let mut results: Vec<(Job, JobResult)> =
        campaign.plan.jobs.iter().copied().zip(results.into_iter().flatten()).collect();
    results.sort_by_key(|(job, _)| *job);
    done(index, Outcome { results, wall_seconds })
}
