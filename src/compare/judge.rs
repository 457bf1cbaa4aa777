//! The equivalence test.

use super::bootstrap::{FEWEST_REPLICAS, SignedSums, critical_value};
use super::decision::decide;
use super::deviation::{Sample, samples};
use super::planning::{Needed, Width, what_decides};
use super::skewness::{Skewness, combined, coverage_loss, skewness, skewness_z, two_sided};
use super::{Decides, Finding, Gap, Group, Judged, Moments, Outcome, Terms, Verdict};
use rand::Rng;
use std::collections::BTreeMap;

/// Judges one claim: whether the gap between simulation and law is within the resolution at every claimed
/// point of all groups together. See [the module page](crate::compare) for what is tested and assumed.
///
/// `generator` is the bootstrap's own stream. The result depends on it, on the groups and on the terms only;
/// the order of the groups does not matter.
///
/// # Panics
/// If the arrays of a group differ in shape, groups of one run differ in replicas, or the level is not
/// inside (0, 1).
///
/// ```
/// use asymptotica::compare::{Group, Metric, Outcome, Terms, judge};
/// use rand::SeedableRng;
/// // Eight replicas that scatter by about 1 % around their law.
/// let ratios = [1.011, 0.993, 1.004, 0.987, 0.998, 1.009, 0.995, 1.006];
/// let group = Group {
///     label: "K = 4".into(),
///     size: 784,
///     observable: "generalisation_error".into(),
///     positive: true,
///     x: vec![2.0, 30.0],
///     simulation: ratios.map(|r| vec![Some(0.31 * r), Some(0.047 / r)]).to_vec(),
///     law: vec![vec![Some(0.31), Some(0.047)]],
///     law_error: vec![1e-9, 1e-9],
///     run: 0,
/// };
/// let terms = Terms {
///     metric: Metric::Relative,
///     resolution: 0.05,
///     within: vec![],
///     level: 0.95,
///     draws: 2000,
/// };
/// let mut stream = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
/// let verdict = judge(&[group], &terms, &mut stream);
/// assert_eq!(verdict.outcome, Outcome::Confirmed);
/// println!("{}", verdict.sentence());
/// ```
pub fn judge<R: Rng + ?Sized>(groups: &[Group], terms: &Terms, generator: &mut R) -> Verdict {
    check(groups, terms);
    let (samples, mut findings) = samples(groups, terms);
    let points: Vec<Point> = samples.iter().enumerate().flat_map(|(s, sample)| estimate(s, sample)).collect();
    if points.is_empty() && !findings.iter().any(|f| matches!(f, Finding::NothingToCompare { .. })) {
        let why = if groups.is_empty() {
            "the claim covers no curve"
        } else if findings.is_empty() {
            "no point lies in the claimed ranges of x"
        } else {
            "no claimed point can be compared on both roads"
        };
        findings.push(Finding::NothingToCompare { why: why.to_string() });
    }

    let critical = critical(&samples, terms, generator, &mut findings);
    let skewness = measured_skewness(groups, &samples);
    if skewness.as_ref().is_some_and(Skewness::is_strong) {
        findings.push(Finding::Skewed);
    }

    let bands: Option<Vec<(f64, f64)>> =
        critical.map(|c| points.iter().map(|point| point.band(&samples, c)).collect());
    let gaps: Vec<f64> = points.iter().map(|point| point.gap(&samples)).collect();
    let decision = decide(&gaps, bands.as_deref(), &findings, terms.resolution);
    let gap = |k: usize| {
        let Point { sample, p, .. } = points[k];
        Gap {
            place: samples[sample].place(groups, p),
            gap: gaps[k],
            band: bands.as_ref().map(|bands| bands[k]),
            law_error: samples[sample].law_error[p],
        }
    };
    Verdict {
        outcome: decision.outcome,
        terms: terms.clone(),
        replicas: samples.iter().map(Sample::replicas).min().unwrap_or(0),
        points: points.len(),
        critical_value: critical.filter(|&c| c > 0.0),
        largest: decision.largest.map(gap),
        deciding: decision.deciding.map(gap),
        sup_gap: decision.sup_gap,
        law_error: samples.iter().flat_map(|s| s.law_error.iter().copied()).fold(0.0, f64::max),
        skewness,
        decides: critical
            .filter(|_| decision.outcome == Outcome::Undecided)
            .and_then(|c| decides(&points, &samples, terms.resolution, c)),
        findings,
        curves: curves(groups, &samples, &points, bands.as_deref()),
    }
}

pub(super) fn check(groups: &[Group], terms: &Terms) {
    assert!(0.0 < terms.level && terms.level < 1.0, "level {} is not inside (0, 1)", terms.level);
    let mut replicas = BTreeMap::new();
    for group in groups {
        let name = format!("{} {} at size {}", group.label, group.observable, group.size);
        let (points, n, laws) = (group.x.len(), group.simulation.len(), group.law.len());
        assert!(
            group.simulation.iter().chain(&group.law).all(|row| row.len() == points)
                && group.law_error.len() == points,
            "{name}: every row has one entry per point"
        );
        assert!(laws <= 1 || laws == n, "{name}: {laws} laws for {n} replicas");
        let first = *replicas.entry(group.run).or_insert(n);
        assert_eq!(first, n, "{name}: groups of one run have the same replicas");
    }
}

/// Mean deviation and standard error at one point, in the units in which they are averaged.
struct Point {
    sample: usize,
    p: usize,
    mean: f64,
    /// Zero for a single replica, which never has a band.
    std_error: f64,
}

impl Point {
    fn gap(&self, samples: &[Sample]) -> f64 {
        samples[self.sample].scale.report(self.mean)
    }

    fn band(&self, samples: &[Sample], critical: f64) -> (f64, f64) {
        let sample = &samples[self.sample];
        let half = critical * self.std_error + sample.law_error[self.p];
        (sample.scale.report(self.mean - half), sample.scale.report(self.mean + half))
    }
}

fn estimate(s: usize, sample: &Sample) -> Vec<Point> {
    let point = |(p, deviations): (usize, &Vec<f64>)| {
        let moments = Moments::of(deviations).expect("deviations are finite");
        Point { sample: s, p, mean: moments.mean, std_error: moments.std_error.unwrap_or(0.0) }
    };
    sample.deviations.iter().enumerate().map(point).collect()
}

/// The critical value of max abs(t) over all points with spread, 0 if there are none, `None` (with the
/// reason among the findings) if no band exists.
fn critical<R: Rng + ?Sized>(
    samples: &[Sample],
    terms: &Terms,
    generator: &mut R,
    findings: &mut Vec<Finding>,
) -> Option<f64> {
    let mut runs: BTreeMap<usize, Vec<&[f64]>> = BTreeMap::new();
    for sample in samples {
        for (deviations, _) in sample.deviations.iter().zip(&sample.spread).filter(|&(_, &spread)| spread) {
            runs.entry(sample.run).or_default().push(deviations);
        }
    }
    // A single replica shows no spread, which is not the same as having none.
    let single = samples.iter().any(|sample| sample.replicas() == 1);
    let counts: Vec<usize> = runs.values().map(|points| points[0].len()).collect();
    let fewest = if single { Some(1) } else { counts.iter().copied().min() };
    let Some(fewest) = fewest else { return Some(0.0) };
    if fewest < FEWEST_REPLICAS {
        findings.push(Finding::TooFewReplicas { replicas: fewest, needed: FEWEST_REPLICAS });
        return None;
    }
    let mut sums: Vec<SignedSums> = runs.values().map(|points| SignedSums::new(points)).collect();
    let value = critical_value(&counts, terms.level, terms.draws, generator, |signs| {
        sums.iter_mut().zip(signs).map(|(run, signs)| run.max_t(signs)).fold(0.0, f64::max)
    });
    if value.is_finite() {
        Some(value)
    } else {
        findings.push(Finding::NoBand { replicas: fewest });
        None
    }
}

pub(super) fn measured_skewness(groups: &[Group], samples: &[Sample]) -> Option<Skewness> {
    let mut most: Option<(f64, usize, usize)> = None;
    let mut p_values = Vec::new();
    for (s, sample) in samples.iter().enumerate() {
        for (p, deviations) in sample.deviations.iter().enumerate().filter(|&(p, _)| sample.spread[p]) {
            let Some(value) = skewness(deviations) else { continue };
            p_values.extend(skewness_z(value, deviations.len()).map(two_sided));
            if most.is_none_or(|(largest, _, _)| value.abs() > largest.abs()) {
                most = Some((value, s, p));
            }
        }
    }
    let (value, s, p) = most?;
    let replicas = samples[s].replicas();
    Some(Skewness {
        place: samples[s].place(groups, p),
        value,
        replicas,
        p_value: combined(p_values),
        coverage_loss: coverage_loss(value, replicas),
    })
}

/// What would decide, taking every measured gap for the true one.
fn decides(points: &[Point], samples: &[Sample], resolution: f64, critical: f64) -> Option<Decides> {
    let widths: Vec<Width> = points
        .iter()
        .map(|point| {
            let sample = &samples[point.sample];
            Width {
                scale: sample.scale,
                mean: point.mean,
                random: if sample.spread[point.p] { critical * point.std_error } else { 0.0 },
                fixed: sample.law_error[point.p],
                replicas: sample.replicas(),
            }
        })
        .collect();
    Some(match what_decides(&widths, resolution, critical)? {
        Needed::Replicas { needed, .. } => Decides::Replicas { replicas: needed },
        Needed::AtResolution => Decides::AtResolution,
        Needed::LawError => Decides::LawError,
    })
}

fn curves(
    groups: &[Group],
    samples: &[Sample],
    points: &[Point],
    bands: Option<&[(f64, f64)]>,
) -> Vec<Judged> {
    samples
        .iter()
        .enumerate()
        .map(|(s, sample)| {
            let group = &groups[sample.group];
            let own: Vec<usize> = (0..points.len()).filter(|&k| points[k].sample == s).collect();
            Judged {
                series: group.label.clone(),
                size: Some(group.size),
                observable: group.observable.clone(),
                scale: sample.scale,
                replicas: group.simulation.len(),
                x: sample.x.clone(),
                residual: own.iter().map(|&k| points[k].gap(samples)).collect(),
                band: bands.map(|bands| own.iter().map(|&k| bands[k]).collect()),
            }
        })
        .collect()
}
