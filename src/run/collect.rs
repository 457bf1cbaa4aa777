//! From finished jobs to ensembles and tracks: one observable of one case at one size, replicas beside laws.

use super::execute::Outcome;
use crate::compare::Group;
use crate::scenario::{Case, Scenario};
use crate::theory::SizeRow;
use crate::trajectory::{Curve, Ensemble};

/// One observable of one case at one size. Points are times, or the single swept value of the case.
#[derive(Clone, Debug)]
pub struct Track {
    /// Position of the case in the scenario.
    pub case: usize,
    pub group: Group,
    /// What the runs of this size do together, predicted.
    pub predicted: Option<Predicted>,
}

/// The law of an observable at one size, over the points of its track that it reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    pub x: Vec<f64>,
    pub mean: Vec<f64>,
    /// Error of the mean.
    pub error: Vec<f64>,
    pub std: Vec<f64>,
    /// In the order of [`SizeRow::QUANTILES`].
    pub quantiles: Vec<Vec<f64>>,
}

impl Predicted {
    fn of(curve: &Curve, observable: &str) -> Option<Self> {
        let row = |suffix: &str| curve.get(&format!("{observable}{suffix}")).map(<[f64]>::to_vec);
        let index = curve.observables.iter().position(|name| name == observable)?;
        Some(Self {
            x: curve.times.clone(),
            mean: row("")?,
            error: curve.errors[index].clone(),
            std: row(SizeRow::STD)?,
            quantiles: SizeRow::QUANTILES.iter().map(|suffix| row(suffix)).collect::<Option<_>>()?,
        })
    }

    /// Position of the point at `x`.
    pub fn position(&self, x: f64) -> Option<usize> {
        self.x.binary_search_by(|other| other.total_cmp(&x)).ok()
    }
}

/// Tracks of all cases, sizes and observables, in that order.
pub fn tracks(scenario: &Scenario, outcome: &Outcome) -> Vec<Track> {
    let mut tracks = Vec::new();
    for (index, case) in scenario.cases.iter().enumerate() {
        for ensemble in ensembles(index, case, outcome) {
            // Replicas of one case at one size are shared by its observables and by no one else.
            let run = tracks.len();
            let predicted = prediction(index, case, outcome, ensemble.size);
            for info in case.problem.observables() {
                for key in info.entries().into_iter().filter(|key| case.observe.observables.contains(key)) {
                    if let Some(group) = group(scenario, case, &ensemble, &key, info.positive, run) {
                        let predicted = predicted.as_ref().and_then(|curve| Predicted::of(curve, &key));
                        tracks.push(Track { case: index, group, predicted });
                    }
                }
            }
        }
    }
    tracks
}

fn prediction(index: usize, case: &Case, outcome: &Outcome, size: usize) -> Option<Curve> {
    let of_size = outcome.results.iter().filter(|(job, _)| (job.case, job.size) == (index, size));
    of_size.filter_map(|(_, result)| result.at_size.as_ref()).map(|curve| at_sweep_value(case, curve)).next()
}

fn group(
    scenario: &Scenario,
    case: &Case,
    ensemble: &Ensemble,
    key: &str,
    positive: bool,
    run: usize,
) -> Option<Group> {
    let label = &scenario.series[case.series];
    Group::from_ensemble(ensemble, key, positive, label, run).or_else(|| {
        // A planted fault on a width leaves the law without some entries of the simulation.
        let without_law = Ensemble { laws: Vec::new(), ..ensemble.clone() };
        Group::from_ensemble(&without_law, key, positive, label, run)
    })
}

/// The ensembles of one case, by size.
fn ensembles(index: usize, case: &Case, outcome: &Outcome) -> Vec<Ensemble> {
    let of_case = || outcome.results.iter().filter(move |(job, _)| job.case == index);
    let mut sizes: Vec<usize> = of_case().map(|(job, _)| job.size).collect();
    sizes.dedup();
    let at = |size: usize| {
        let of_size = || of_case().filter(move |(job, _)| job.size == size);
        let point = |curve: &Curve| at_sweep_value(case, curve);
        Ensemble {
            size,
            replicas: of_size().filter_map(|(_, r)| r.simulation.as_ref()).map(point).collect(),
            laws: of_size().filter_map(|(_, r)| r.law.as_ref()).map(point).collect(),
        }
    };
    sizes.into_iter().map(at).collect()
}

/// With a sweep, the curve's one point at the swept value: its last snapshot, or the average of the late
/// ones. A curve that did not arrive has no point.
fn at_sweep_value(case: &Case, curve: &Curve) -> Curve {
    let Some((_, value)) = case.sweep else { return curve.clone() };
    let mut point = Curve::new(&curve.observables);
    point.end = curve.end.clone();
    point.work = curve.work;
    let start = case.observe.average_from.unwrap_or(f64::INFINITY);
    let late: Vec<usize> = match curve.times.len() {
        0 => return point,
        n => (0..n).filter(|&k| curve.times[k] >= start || k + 1 == n).collect(),
    };
    if curve.is_complete() {
        let mean = |values: &Vec<f64>| late.iter().map(|&k| values[k]).sum::<f64>() / late.len() as f64;
        point.push(value, &curve.values.iter().map(mean).collect::<Vec<_>>());
        for (to, from) in point.errors.iter_mut().zip(&curve.errors) {
            to[0] = mean(from);
        }
    }
    point
}
