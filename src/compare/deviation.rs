//! From values to deviations: which points are claimed, which exist on both roads, and in which unit.

use super::verdict::{Finding, Place};
use super::{Group, Metric, Terms};
use serde::{Deserialize, Serialize};

/// Spread below this multiple of the values is rounding of the simulation's own sums and counts as none.
const ROUNDING: f64 = 1e-12;

/// How the deviation of a simulated value from its law is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Scale {
    /// ln(simulation / law) replica by replica; reported as exp(mean) - 1.
    LogRatio,
    /// (simulation - law) / abs(law).
    Ratio,
    /// (simulation - law) / unit.
    Unit { unit: f64 },
}

impl Scale {
    fn deviation(self, simulation: f64, law: f64) -> f64 {
        match self {
            Scale::LogRatio => simulation.ln() - law.ln(),
            Scale::Ratio => (simulation - law) / law.abs(),
            Scale::Unit { unit } => (simulation - law) / unit,
        }
    }

    /// The unit of one deviation in that of the values.
    fn unit(self, law: f64) -> f64 {
        match self {
            Scale::LogRatio | Scale::Ratio => law.abs(),
            Scale::Unit { unit } => unit,
        }
    }

    /// A mean deviation, or an end of its band, as reported. A factor beyond the range of numbers is reported
    /// as the largest number.
    pub(super) fn report(self, deviation: f64) -> f64 {
        match self {
            Scale::LogRatio => deviation.exp_m1().min(f64::MAX),
            Scale::Ratio | Scale::Unit { .. } => deviation,
        }
    }
}

/// The deviations of one group at the points that can be compared.
pub(super) struct Sample {
    /// Position in the list of groups.
    pub group: usize,
    pub run: usize,
    pub scale: Scale,
    pub x: Vec<f64>,
    /// `[point][replica]`.
    pub deviations: Vec<Vec<f64>>,
    /// The law's numerical error as an error of the mean deviation.
    pub law_error: Vec<f64>,
    /// Whether the spread over replicas is more than rounding.
    pub spread: Vec<bool>,
}

impl Sample {
    pub fn place(&self, groups: &[Group], p: usize) -> Place {
        place(&groups[self.group], self.x[p])
    }

    pub fn replicas(&self) -> usize {
        self.deviations.first().map_or(0, Vec::len)
    }
}

pub(super) fn place(group: &Group, x: f64) -> Place {
    Place { series: group.label.clone(), size: Some(group.size), observable: group.observable.clone(), x }
}

/// Whether x is claimed, or lies no farther than `slack` from a claimed range.
pub(super) fn is_claimed(x: f64, terms: &Terms, slack: f64) -> bool {
    terms.within.is_empty() || terms.within.iter().any(|&(a, b)| a - slack <= x && x <= b + slack)
}

/// The points of a group inside the claimed ranges, or no farther than `slack` from them.
pub(super) fn claimed(group: &Group, terms: &Terms, slack: f64) -> Vec<usize> {
    (0..group.x.len()).filter(|&p| is_claimed(group.x[p], terms, slack)).collect()
}

/// The samples of all groups, and what was found on the way: points that one road or both did not reach, and
/// points without a defined gap.
pub(super) fn samples(groups: &[Group], terms: &Terms) -> (Vec<Sample>, Vec<Finding>) {
    let mut findings = Vec::new();
    let points: Vec<Vec<usize>> =
        groups.iter().map(|group| common(group, claimed(group, terms, 0.0), &mut findings)).collect();
    let samples = groups
        .iter()
        .enumerate()
        .filter(|&(g, _)| !points[g].is_empty())
        .map(|(g, group)| {
            let scale = scale(groups, &points, g, terms.metric, &mut findings);
            sample(g, group, &points[g], scale, &mut findings)
        })
        .collect();
    (samples, findings)
}

/// The claimed points that the law and every replica reached.
///
/// A point that one road reached and the other did not decides against the claim if the road that did reach it
/// never diverges at the claimed points. If both diverge, but not together, it decides nothing: finite size
/// shifts the time of a divergence. If neither reached it, it is outside the claim.
pub(super) fn common(group: &Group, claimed: Vec<usize>, findings: &mut Vec<Finding>) -> Vec<usize> {
    let replicas = group.simulation.len();
    let Some(&first) = claimed.first() else { return claimed };
    if replicas == 0 || group.law.is_empty() {
        let missing = if replicas == 0 { "no replica was simulated" } else { "no law covers it" };
        findings
            .push(Finding::NothingToCompare { why: format!("{}: {missing}", place(group, group.x[first])) });
        return Vec::new();
    }
    let complete = |road: fn((Option<f64>, Option<f64>)) -> bool| -> Vec<bool> {
        (0..replicas).map(|i| claimed.iter().all(|&p| road(group.pair(i, p)))).collect()
    };
    let replica_complete = complete(|(simulation, _)| simulation.is_some());
    let law_complete = complete(|(_, law)| law.is_some());

    let mut only_law = Tally::new(replicas);
    let mut only_simulation = Tally::new(replicas);
    let mut apart = Tally::new(replicas);
    let mut neither = Tally::new(replicas);
    let mut points = Vec::new();
    for &p in &claimed {
        let mut paired = true;
        for i in 0..replicas {
            let tally = match group.pair(i, p) {
                (Some(_), Some(_)) => continue,
                (None, Some(_)) if law_complete[i] => &mut only_law,
                (Some(_), None) if replica_complete[i] => &mut only_simulation,
                (None, None) => &mut neither,
                (None, Some(_)) | (Some(_), None) => &mut apart,
            };
            tally.add(i, p);
            paired = false;
        }
        if paired {
            points.push(p);
        }
    }
    let from = |tally: &Tally| tally.first.map(|p| (place(group, group.x[p]), tally.count()));
    findings.extend(from(&only_law).map(|(from, diverged)| Finding::ReplicasDiverged {
        from,
        diverged,
        replicas,
    }));
    findings.extend(from(&only_simulation).map(|(from, replicas)| Finding::LawDiverged { from, replicas }));
    findings.extend(from(&apart).map(|(from, _)| Finding::DivergedApart { from }));
    findings.extend(from(&neither).map(|(from, _)| Finding::OutsideClaim { from }));
    points
}

/// The replicas concerned, and the first point.
struct Tally {
    first: Option<usize>,
    replicas: Vec<bool>,
}

impl Tally {
    fn new(replicas: usize) -> Self {
        Self { first: None, replicas: vec![false; replicas] }
    }

    fn add(&mut self, replica: usize, point: usize) {
        self.first.get_or_insert(point);
        self.replicas[replica] = true;
    }

    fn count(&self) -> usize {
        self.replicas.iter().filter(|&&concerned| concerned).count()
    }
}

fn scale(
    groups: &[Group],
    points: &[Vec<usize>],
    g: usize,
    metric: Metric,
    findings: &mut Vec<Finding>,
) -> Scale {
    let group = &groups[g];
    match metric {
        Metric::Relative if group.positive => match first_nonpositive(group, &points[g]) {
            None => Scale::LogRatio,
            Some(p) => {
                findings.push(Finding::NotPositive { at: place(group, group.x[p]) });
                Scale::Ratio
            }
        },
        Metric::Relative => Scale::Ratio,
        Metric::Absolute => Scale::Unit { unit: curve_unit(groups, points, g) },
    }
}

pub(super) fn first_nonpositive(group: &Group, points: &[usize]) -> Option<usize> {
    let nonpositive = |v: Option<f64>| v.is_some_and(|v| v <= 0.0);
    points.iter().copied().find(|&p| {
        (0..group.simulation.len()).any(|i| {
            let (simulation, law) = group.pair(i, p);
            nonpositive(simulation) || nonpositive(law)
        })
    })
}

/// Range of the law over the claimed points of a curve; the points of one curve may be spread over several
/// groups, one per swept value. A range within the law's own error counts as 0: then the largest abs(law), or 1.
pub(super) fn curve_unit(groups: &[Group], points: &[Vec<usize>], g: usize) -> f64 {
    let curve = &groups[g];
    let (mut low, mut high, mut error) = (f64::INFINITY, f64::NEG_INFINITY, 0.0_f64);
    for (group, points) in groups.iter().zip(points) {
        if group.label != curve.label || group.size != curve.size || group.observable != curve.observable {
            continue;
        }
        for &p in points {
            let rows = group.law.len() as f64;
            let law: f64 = group.law.iter().filter_map(|row| row[p]).map(|v| v / rows).sum();
            low = low.min(law);
            high = high.max(law);
            error = error.max(group.law_error[p]);
        }
    }
    let largest = low.abs().max(high.abs());
    match high - low {
        range if range.is_finite() && range > 2.0 * error && range > ROUNDING * largest => range,
        _ if largest > 0.0 => largest,
        _ => 1.0,
    }
}

/// The deviations of a group at these points. Points without a defined deviation are left out and found.
pub(super) fn sample(
    g: usize,
    group: &Group,
    points: &[usize],
    scale: Scale,
    findings: &mut Vec<Finding>,
) -> Sample {
    let n = group.simulation.len() as f64;
    let mut sample = Sample {
        group: g,
        run: group.run,
        scale,
        x: Vec::new(),
        deviations: Vec::new(),
        law_error: Vec::new(),
        spread: Vec::new(),
    };
    let mut zero = None;
    let mut undefined = None;
    for &p in points {
        let pairs: Vec<(f64, f64)> = (0..group.simulation.len())
            .filter_map(|i| {
                let (simulation, law) = group.pair(i, p);
                simulation.zip(law)
            })
            .collect();
        if scale == Scale::Ratio && pairs.iter().any(|&(_, law)| law == 0.0) {
            zero.get_or_insert(p);
            continue;
        }
        let deviations: Vec<f64> = pairs.iter().map(|&(s, law)| scale.deviation(s, law)).collect();
        let law_error: f64 = pairs.iter().map(|&(_, law)| group.law_error[p] / scale.unit(law) / n).sum();
        if !law_error.is_finite() || deviations.iter().any(|d| !d.is_finite()) {
            undefined.get_or_insert(p);
            continue;
        }
        let magnitude = match scale {
            Scale::LogRatio => 1.0,
            Scale::Ratio | Scale::Unit { .. } => {
                pairs.iter().map(|&(s, law)| s.abs().max(law.abs()) / scale.unit(law)).fold(0.0, f64::max)
            }
        };
        let low = deviations.iter().copied().fold(f64::INFINITY, f64::min);
        let high = deviations.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        sample.x.push(group.x[p]);
        sample.spread.push(high - low > ROUNDING * magnitude);
        sample.law_error.push(law_error);
        sample.deviations.push(deviations);
    }
    findings.extend(zero.map(|p| Finding::LawIsZero { at: place(group, group.x[p]) }));
    findings.extend(undefined.map(|p| Finding::GapUndefined { at: place(group, group.x[p]) }));
    sample
}
