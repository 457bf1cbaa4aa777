//! What both roads return: observables, by name, at stated times.
//!
//! A law returns a [`Curve`]; each replica of a simulation returns one as well, and an [`Ensemble`] is
//! all replicas of one problem at one size. Nothing here knows which problem or road it came from.

use serde::{Deserialize, Serialize};

/// How a trajectory ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum End {
    /// Every requested time was reached.
    Complete,
    /// The trajectory left the finite numbers, or the integrator could not follow it, after `time`.
    Diverged { time: f64, reason: String },
}

/// The work that a trajectory cost, for the record of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Evaluations of the right-hand side of a law.
    pub rhs_calls: u64,
    /// Accepted steps of the integrator.
    pub steps: u64,
    /// Rejected steps of the integrator.
    pub rejected_steps: u64,
    /// Parameter updates of a simulated algorithm.
    pub updates: u64,
    /// Seconds of one thread.
    pub seconds: f64,
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.rhs_calls += other.rhs_calls;
        self.steps += other.steps;
        self.rejected_steps += other.rejected_steps;
        self.updates += other.updates;
        self.seconds += other.seconds;
    }
}

/// Observables along one trajectory.
///
/// `values[o][k]` is observable `observables[o]` at `times[k]`. A diverged trajectory holds the times that
/// it reached and no others, so that no placeholder number can enter a mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    pub observables: Vec<String>,
    pub times: Vec<f64>,
    pub values: Vec<Vec<f64>>,
    /// Own numerical error of each value (zero for a simulation): for an ODE law the measured change of
    /// the value under a looser tolerance, for a Monte-Carlo law its standard error.
    pub errors: Vec<Vec<f64>>,
    pub end: End,
    pub work: Work,
}

impl Curve {
    /// A curve with no point yet.
    pub fn new(observables: &[String]) -> Self {
        Self {
            observables: observables.to_vec(),
            times: Vec::new(),
            values: vec![Vec::new(); observables.len()],
            errors: vec![Vec::new(); observables.len()],
            end: End::Complete,
            work: Work::default(),
        }
    }

    /// Appends one snapshot, in the order of `observables`, with no numerical error of its own.
    ///
    /// # Panics
    /// If `snapshot` has another length than `observables`.
    pub fn push(&mut self, time: f64, snapshot: &[f64]) {
        assert_eq!(snapshot.len(), self.observables.len(), "one value per observable");
        self.times.push(time);
        for (o, &value) in snapshot.iter().enumerate() {
            self.values[o].push(value);
            self.errors[o].push(0.0);
        }
    }

    /// The errors of the last snapshot.
    ///
    /// # Panics
    /// If `errors` has another length than `observables`, or before the first snapshot.
    pub fn set_last_errors(&mut self, errors: &[f64]) {
        assert_eq!(errors.len(), self.observables.len(), "one error per observable");
        for (list, &error) in self.errors.iter_mut().zip(errors) {
            *list.last_mut().expect("a snapshot") = error;
        }
    }

    /// Keeps the first `points` snapshots.
    pub fn truncate(&mut self, points: usize) {
        self.times.truncate(points);
        for list in self.values.iter_mut().chain(&mut self.errors) {
            list.truncate(points);
        }
    }

    /// Takes the difference from a looser run of the same law as the error of every value, unless a larger one is
    /// known. Points that the
    /// looser run did not reach have no measurable error and are not part of the law.
    pub fn set_errors(&mut self, loose: &Self) {
        if loose.times.len() < self.times.len() {
            self.truncate(loose.times.len());
            self.end = loose.end.clone();
        }
        for ((errors, values), loose) in self.errors.iter_mut().zip(&self.values).zip(&loose.values) {
            for ((error, value), loose) in errors.iter_mut().zip(values).zip(loose) {
                *error = error.max((value - loose).abs());
            }
        }
        self.work += loose.work;
    }

    /// The values of one observable over time.
    pub fn get(&self, observable: &str) -> Option<&[f64]> {
        let o = self.observables.iter().position(|name| name == observable)?;
        Some(&self.values[o])
    }

    pub fn is_complete(&self) -> bool {
        self.end == End::Complete
    }
}

/// All replicas of one problem at one size, each with the law that belongs to it.
///
/// `laws` holds one curve per replica where the law starts from the replica's own measured start, a single
/// curve where all replicas share the start, and none where no law covers the problem.
#[derive(Clone, Debug)]
pub struct Ensemble {
    pub size: usize,
    pub replicas: Vec<Curve>,
    pub laws: Vec<Curve>,
}

impl Ensemble {
    /// The law that replica `i` is compared with.
    pub fn law_of(&self, i: usize) -> Option<&Curve> {
        if self.laws.len() == 1 { self.laws.first() } else { self.laws.get(i) }
    }
}
