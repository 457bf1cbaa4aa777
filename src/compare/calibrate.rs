//! The wild bootstrap of an extrapolation: critical value of its bands, and the test of its form.

use super::Terms;
use super::bootstrap::{SignedSums, critical_value, p_value, remaining};
use super::decision::argmax;
use super::deviation::Sample;
use super::fitted::{Fitted, Value};
use super::line::Line;
use rand::Rng;
use std::collections::BTreeMap;

pub(super) struct Calibration {
    /// Critical value of max abs(t), 0 if no point has any spread; `None` if the draws give none.
    pub critical: Option<f64>,
    /// The worst misfit, and the probability of one as bad.
    pub form: Option<(usize, f64)>,
}

/// The wild bootstrap of all fits: signs on the centred deviations of every replica, independent between runs
/// and shared by all points of a run; means, standard errors, fit and chi^2 are recomputed in every draw.
pub(super) fn calibrate<R: Rng + ?Sized>(
    points: &[Fitted],
    samples: &[Sample],
    terms: &Terms,
    generator: &mut R,
) -> Calibration {
    let mut redrawn = Redrawn::new(points, samples);
    if redrawn.points.is_empty() {
        return Calibration { critical: Some(0.0), form: None };
    }
    let tested = |k: usize| points[k].is_uncertain() && points[k].degrees_of_freedom() > 0;
    let per_degree = |k: usize| points[k].chi_squared / points[k].degrees_of_freedom() as f64;
    let tests: Vec<usize> = (0..points.len()).filter(|&k| tested(k)).collect();
    let worst = argmax(tests.iter().map(|&k| per_degree(k))).map(|i| tests[i]);

    let mut misfits = Vec::with_capacity(terms.draws);
    let counts = redrawn.counts.clone();
    let value = critical_value(&counts, terms.level, terms.draws, generator, |signs| {
        let (t, misfit) = redrawn.draw(signs);
        misfits.push(misfit);
        t
    });
    Calibration {
        critical: value.is_finite().then_some(value),
        form: worst.map(|k| (k, p_value(per_degree(k), &misfits))),
    }
}

/// One value of a point in a draw.
enum Source {
    /// The signs of the replicas of a run, at one of its rows, with sqrt(S) in the unit of the point.
    Signs { run: usize, slot: usize, root: f64, replicas: f64 },
    /// No sign moves it; its variance is carried over from other sizes.
    Nothing { variance: f64 },
}

struct Point {
    z: Vec<f64>,
    line: Line,
    sources: Vec<Source>,
}

/// Everything that a draw recomputes.
struct Redrawn {
    counts: Vec<usize>,
    sums: Vec<SignedSums>,
    points: Vec<Point>,
    /// Work space: mean and variance of the values of one point.
    r: Vec<f64>,
    variances: Vec<f64>,
}

impl Redrawn {
    fn new(points: &[Fitted], samples: &[Sample]) -> Self {
        let uncertain = || points.iter().filter(|point| point.is_uncertain());
        // Run -> sample and point -> position among the rows of the run.
        let mut runs: BTreeMap<usize, BTreeMap<(usize, usize), usize>> = BTreeMap::new();
        for value in uncertain().flat_map(|point| &point.values) {
            if let Some(at) = value.drawn {
                let rows = runs.entry(value.run).or_default();
                let next = rows.len();
                rows.entry(at).or_insert(next);
            }
        }
        let mut counts = Vec::new();
        let mut sums = Vec::new();
        let mut places = BTreeMap::new();
        for (run, slots) in runs.into_values().enumerate() {
            let mut rows: Vec<&[f64]> = vec![&[]; slots.len()];
            for ((sample, p), slot) in slots {
                rows[slot] = &samples[sample].deviations[p];
                places.insert((sample, p), (run, slot));
            }
            counts.push(rows[0].len());
            sums.push(SignedSums::new(&rows));
        }
        let redrawn = |point: &Fitted| {
            // Every value in units of the largest standard deviation, so that squares stay in range.
            let largest = point.values.iter().map(|v| v.variance.sqrt()).fold(0.0, f64::max);
            let source = |value: &Value| match value.drawn {
                Some(at) => {
                    let (run, slot) = places[&at];
                    let root = sums[run].roots[slot] / largest;
                    Source::Signs { run, slot, root, replicas: value.replicas as f64 }
                }
                None => Source::Nothing { variance: value.variance / largest / largest },
            };
            let sources = point.values.iter().map(source).collect();
            Point { z: point.z.clone(), line: point.line.clone(), sources }
        };
        let points = uncertain().map(redrawn).collect();
        Self { counts, sums, points, r: Vec::new(), variances: Vec::new() }
    }

    /// max abs(t) and the largest chi^2 per degree of freedom. A draw without spread makes them infinite.
    fn draw(&mut self, signs: &[Vec<f64>]) -> (f64, f64) {
        for (sums, signs) in self.sums.iter_mut().zip(signs) {
            sums.draw(signs);
        }
        let (mut largest, mut misfit) = (0.0_f64, 0.0_f64);
        for Point { z, line, sources } in &self.points {
            self.r.clear();
            self.variances.clear();
            for source in sources {
                let (r, variance) = match *source {
                    Source::Signs { run, slot, root, replicas: n } => {
                        let y = self.sums[run].latest()[slot];
                        let rest = remaining(y, n).unwrap_or(0.0);
                        (y * root / n, root * root * rest / (n * (n - 1.0)))
                    }
                    Source::Nothing { variance } => (0.0, variance),
                };
                self.r.push(r);
                self.variances.push(variance);
            }
            largest = largest.max(line.limit(&self.r).powi(2) / line.variance(&self.variances));
            if sources.len() > 2 {
                let chi_squared = line.chi_squared(z, &self.r, &self.variances);
                misfit = misfit.max(chi_squared / (sources.len() - 2) as f64);
            }
        }
        (largest.sqrt(), misfit)
    }
}
