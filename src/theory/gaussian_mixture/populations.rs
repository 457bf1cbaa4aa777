//! The sweep over independent populations: means, standard errors, and the limit of small steps.

use super::plan::{Faults, Plan, SAMPLES_PER_FIELD, Snapshot, Stop};
use super::sweep::sweep;
use super::{LawError, Request};
use crate::problem::gaussian_mixture::{Batch, GaussianMixture, Observable, risk};
use crate::rng::Stream;
use crate::trajectory::{Curve, End};
use rayon::prelude::*;

/// How the sweep is sampled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Populations {
    pub population: usize,
    pub populations: usize,
    pub moment_matching: bool,
    pub seed: u64,
    pub tolerance: f64,
    pub faults: Faults,
}

/// Values at times that were reached, `[observable][time]`, and where it ended if it ended early.
struct Values {
    values: Vec<Vec<f64>>,
    end: Option<f64>,
    updates: usize,
}

impl Request<'_> {
    /// All populations, by one step length.
    pub(super) fn steps(&self, many: &Populations) -> Result<Curve, LawError> {
        let curves = self.every_population(many, |stream| self.population(self.problem, many, stream))?;
        Ok(self.average(&curves))
    }

    /// Every population by three step lengths, extrapolated to none.
    pub(super) fn flow(&self, many: &Populations) -> Result<Curve, LawError> {
        let refined = |parts: f64| GaussianMixture {
            learning_rate: self.problem.learning_rate / parts,
            ..self.problem.clone()
        };
        let problems = [refined(1.0), refined(2.0), refined(4.0)];
        let curves = self.every_population(many, |stream| {
            let mut levels = Vec::new();
            for (i, problem) in problems.iter().enumerate() {
                levels.push(self.population(problem, many, &stream.index(i as u64))?);
            }
            let [one, two, four] = levels.try_into().unwrap_or_else(|_| unreachable!("three levels"));
            Ok((extrapolated(&one, &two, &four), linear(&two, &four)))
        })?;
        let (best, before): (Vec<Values>, Vec<Values>) = curves.into_iter().unzip();
        let mut curve = self.average(&best);
        let coarse = self.average(&before);
        for (errors, (fine, coarse)) in curve.errors.iter_mut().zip(curve.values.iter().zip(&coarse.values)) {
            for (error, (fine, coarse)) in errors.iter_mut().zip(fine.iter().zip(coarse)) {
                *error = error.hypot(fine - coarse);
            }
        }
        Ok(curve)
    }

    fn every_population<T: Send>(
        &self,
        many: &Populations,
        run: impl Fn(&Stream) -> Result<T, LawError> + Sync,
    ) -> Result<Vec<T>, LawError> {
        let root = Stream::root(many.seed).child("gaussian-mixture").child("law");
        (0..many.populations).into_par_iter().map(|p| run(&root.index(p as u64))).collect()
    }

    fn population(
        &self,
        problem: &GaussianMixture,
        many: &Populations,
        stream: &Stream,
    ) -> Result<Values, LawError> {
        let reached = |time: &f64| problem.updates_at(*time);
        let at: Vec<usize> = self.times.iter().map(reached).collect();
        let references: Vec<usize> = problem.correlation_times.iter().map(reached).collect();
        let used: Vec<usize> =
            self.observables.iter().filter_map(|o| o.reference()).map(|i| references[i]).collect();
        let mut updates: Vec<usize> = at.iter().chain(&used).copied().collect();
        updates.sort_unstable();
        updates.dedup();
        let forces: Vec<usize> = {
            let wanted = self.observables.iter().filter(|o| o.needs_response());
            let mut list: Vec<usize> = wanted.filter_map(|o| o.reference()).collect();
            list.sort_unstable();
            list.dedup();
            list
        };
        let last = updates.last().copied().unwrap_or(0);
        let fork = problem.fork_time.filter(|_| self.observables.contains(&Observable::Distance));
        check_size(problem, many.population, last, fork.map(|t| problem.updates_at(t)), forces.len())?;
        let plan = Plan {
            population: many.population,
            moment_matching: many.moment_matching,
            tolerance: many.tolerance,
            updates: updates.clone(),
            onsets: forces.iter().map(|&i| references[i]).collect(),
            fork: fork.map(|t| problem.updates_at(t)),
            faults: many.faults,
        };
        let (snapshots, stop) = sweep(problem, self.start, &plan, stream);
        let end = match stop {
            Some(Stop::TooSmall { fields, update }) => {
                return Err(too_small(many.population, fields + 1, &format!("{update} updates")));
            }
            Some(Stop::Diverged { update }) => Some(problem.time_of(update)),
            None => None,
        };
        let find = |update: usize| {
            let i = updates.binary_search(&update).ok()?;
            snapshots.get(i)
        };
        let mut values = vec![Vec::new(); self.observables.len()];
        for &update in &at {
            let point: Option<Vec<f64>> = self
                .observables
                .iter()
                .map(|observable| {
                    let reference = observable.reference().map(|i| references[i]);
                    let other = match reference {
                        Some(update) => Some(find(update)?),
                        None => None,
                    };
                    let force = observable.reference().and_then(|i| forces.iter().position(|&f| f == i));
                    value(problem, *observable, find(update)?, other, force).filter(|v| v.is_finite())
                })
                .collect();
            let Some(point) = point else { break };
            values.iter_mut().zip(point).for_each(|(list, v)| list.push(v));
        }
        Ok(Values { values, end, updates: last })
    }

    /// Means over populations and their standard errors, at the times that all of them reached.
    fn average(&self, populations: &[Values]) -> Curve {
        let mut curve = Curve::new(self.names);
        let n = populations.len() as f64;
        let lengths = populations.iter().map(|p| p.values.first().map_or(self.times.len(), Vec::len));
        let reached = lengths.min().unwrap_or(0);
        for (k, &time) in self.times.iter().enumerate().take(reached) {
            let mut snapshot = Vec::new();
            let mut errors = Vec::new();
            for o in 0..self.observables.len() {
                let each = || populations.iter().map(|p| p.values[o][k]);
                let mean = each().sum::<f64>() / n;
                let squares: f64 = each().map(|v| (v - mean) * (v - mean)).sum();
                snapshot.push(mean);
                errors.push((squares / (n * (n - 1.0).max(1.0))).sqrt());
            }
            curve.push(time, &snapshot);
            for (list, error) in curve.errors.iter_mut().zip(errors) {
                *list.last_mut().expect("just pushed") = error;
            }
        }
        curve.work.steps = populations.iter().map(|p| p.updates as u64).sum();
        curve.work.rhs_calls = curve.work.steps;
        if reached < self.times.len() {
            let ends = populations.iter().filter_map(|p| p.end);
            let time = ends.fold(self.times[reached], f64::min);
            curve.end = End::Diverged { time, reason: "a population left the finite numbers".into() };
        }
        curve
    }
}

/// Refuses a population that is known beforehand to be too small.
fn check_size(
    problem: &GaussianMixture,
    population: usize,
    updates: usize,
    fork: Option<usize>,
    forces: usize,
) -> Result<(), LawError> {
    if problem.batch == Batch::Full && problem.temperature == 0.0 {
        return Ok(());
    }
    let second = fork.map_or(0, |t| updates.saturating_sub(t));
    let noise = if problem.temperature > 0.0 { updates + second } else { 0 };
    let gradients = if problem.batch == Batch::Full { 0 } else { updates + second };
    let needed = gradients + noise;
    if population < SAMPLES_PER_FIELD * needed {
        let with = if forces > 0 { " without its responses" } else { "" };
        return Err(too_small(population, needed, &format!("{updates} updates with fresh noise{with}")));
    }
    Ok(())
}

fn too_small(population: usize, fields: usize, what: &str) -> LawError {
    LawError::Integration {
        reason: format!(
            "a population of {population} effective samples carries {} basis fields, and {what} need {fields} or more: \
             set problem.route = {{ kind = \"sweep\", population = {} }} or larger, or end earlier",
            population / SAMPLES_PER_FIELD,
            SAMPLES_PER_FIELD * fields
        ),
    }
}

/// One observable of a snapshot; `other` is the snapshot at t' where there is one.
fn value(
    problem: &GaussianMixture,
    observable: Observable,
    snapshot: &Snapshot,
    other: Option<&Snapshot>,
    force: Option<usize>,
) -> Option<f64> {
    let alpha = problem.sample_ratio;
    let w = &snapshot.first;
    Some(match observable {
        Observable::Overlap => w.m,
        Observable::SquaredLength => w.overlap(w, alpha),
        Observable::TrainingLoss => snapshot.loss,
        Observable::TrainingAccuracy => snapshot.accuracy,
        Observable::TestError => risk::test_error(problem, w.m, w.overlap(w, alpha)),
        Observable::Distance => snapshot.second.as_ref().map_or(0.0, |second| w.distance(second, alpha)),
        Observable::Correlation(_) => w.overlap(&other?.first, alpha),
        Observable::Response(_) => snapshot.responses[force?],
        Observable::EffectiveTemperature(_) => {
            (w.overlap(w, alpha) - w.overlap(&other?.first, alpha)) / snapshot.responses[force?]
        }
    })
}

/// From steps h and h/2 to none, to first order.
fn linear(coarse: &Values, fine: &Values) -> Values {
    combine(&[(-1.0, coarse), (2.0, fine)])
}

/// From steps h, h/2 and h/4 to none, to second order.
fn extrapolated(one: &Values, two: &Values, four: &Values) -> Values {
    combine(&[(1.0 / 3.0, one), (-2.0, two), (8.0 / 3.0, four)])
}

fn combine(terms: &[(f64, &Values)]) -> Values {
    let observables = terms[0].1.values.len();
    let values = (0..observables).map(|o| {
        let reached = terms.iter().map(|(_, v)| v.values[o].len()).min().unwrap_or(0);
        (0..reached).map(|k| terms.iter().map(|(c, v)| c * v.values[o][k]).sum()).collect()
    });
    Values {
        values: values.collect(),
        end: terms.iter().filter_map(|(_, v)| v.end).reduce(f64::min),
        updates: terms.iter().map(|(_, v)| v.updates).sum(),
    }
}
