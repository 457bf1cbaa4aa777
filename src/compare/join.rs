//! Joining the sizes of one curve, point by point.

use super::bootstrap::FEWEST_REPLICAS;
use super::deviation::{Sample, claimed, common, curve_unit, first_nonpositive, is_claimed, place, sample};
use super::{Finding, Group, LeftOut, Metric, Scale, Terms};
use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

/// Samples of all sizes that take part, and the curves that they form.
pub(super) struct Joined {
    pub samples: Vec<Sample>,
    pub tracks: Vec<Track>,
    pub findings: Vec<Finding>,
}

/// One observable of one series at all its sizes.
pub(super) struct Track {
    pub series: String,
    pub observable: String,
    pub scale: Scale,
    /// Sizes that take part, ascending.
    pub sizes: Vec<usize>,
    pub points: Vec<JoinedPoint>,
}

/// One point of a curve at two sizes or more.
pub(super) struct JoinedPoint {
    /// As recorded at the largest size.
    pub x: f64,
    /// Ascending in size.
    pub members: Vec<Member>,
}

/// A point of a sample.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub size: usize,
    pub sample: usize,
    pub p: usize,
    pub x: f64,
}

/// The groups of one curve, largest size first.
struct Curve {
    members: Vec<usize>,
    /// Several groups of one size: the values of a sweep.
    is_sweep: bool,
}

/// Largest distance between the times that two sizes record for one requested time: each is rounded to whole
/// updates, of which there are `size` in a unit of time.
fn shift(a: usize, b: usize) -> f64 {
    0.5 / a as f64 + 0.5 / b as f64
}

/// The samples that take part in an extrapolation, joined over sizes.
///
/// A run in which a replica diverged where its law does not, or the law where no replica did, is left out as
/// a whole, as is one with too few replicas. If the law of a curve diverges at every size and no replica of it
/// at any, that refutes.
pub(super) fn join(groups: &[Group], terms: &Terms) -> Joined {
    let curves = curves(groups);
    let mut points = vec![Vec::new(); groups.len()];
    let mut found = vec![Vec::new(); groups.len()];
    for curve in &curves {
        let largest = groups[curve.members[0]].size;
        for &g in &curve.members {
            let slack = if groups[g].size == largest { 0.0 } else { shift(groups[g].size, largest) };
            points[g] = common(&groups[g], claimed(&groups[g], terms, slack), &mut found[g]);
        }
    }
    let mut findings = Vec::new();
    let mut left_out: BTreeMap<usize, (usize, LeftOut)> = BTreeMap::new();
    for curve in &curves {
        settle_divergence(groups, curve, &found, &mut findings, &mut left_out);
    }
    let mut samples = Vec::new();
    for curve in &curves {
        let taken = |g: usize| !points[g].is_empty() && !left_out.contains_key(&groups[g].run);
        let members: Vec<usize> = curve.members.iter().copied().filter(|&g| taken(g)).collect();
        if members.is_empty() {
            continue;
        }
        let mut own = Vec::new();
        let scale = scale(groups, &points, &members, terms.metric, &mut own);
        samples.extend(members.iter().map(|&g| sample(g, &groups[g], &points[g], scale, &mut own)));
        findings.extend(once_per_kind(own));
    }
    leave_out_small(groups, &mut samples, &mut left_out);
    let tracks = curves
        .iter()
        .filter_map(|curve| track(groups, &samples, curve, terms, &mut findings))
        .collect::<Vec<_>>();
    findings.extend(left_out.into_values().map(|(g, why)| {
        let group = &groups[g];
        let larger = |track: &Track| {
            track.series == group.label && track.sizes.last().is_some_and(|&size| size > group.size)
        };
        let smaller_than_kept = tracks.iter().any(larger);
        Finding::SizeLeftOut { series: group.label.clone(), size: group.size, why, smaller_than_kept }
    }));
    if tracks.iter().all(|track| track.points.is_empty()) && !findings.iter().any(says_why) {
        let why = if groups.is_empty() {
            "the claim covers no curve"
        } else {
            "no point lies in the claimed ranges of x"
        };
        findings.push(Finding::NothingToCompare { why: why.to_string() });
    }
    Joined { samples, tracks, findings }
}

/// Whether a finding explains that there is no point.
fn says_why(finding: &Finding) -> bool {
    finding.prevents_confirmation() || matches!(finding, Finding::OutsideClaim { .. })
}

fn curves(groups: &[Group]) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    for (g, group) in groups.iter().enumerate() {
        let same = |curve: &&mut Curve| {
            let first = &groups[curve.members[0]];
            first.label == group.label && first.observable == group.observable
        };
        match curves.iter_mut().find(same) {
            Some(curve) => curve.members.push(g),
            None => curves.push(Curve { members: vec![g], is_sweep: false }),
        }
    }
    for curve in &mut curves {
        curve.members.sort_by_key(|&g| std::cmp::Reverse(groups[g].size));
        curve.is_sweep = curve.members.windows(2).any(|w| groups[w[0]].size == groups[w[1]].size);
    }
    curves
}

/// The first finding of every kind.
fn once_per_kind(findings: Vec<Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings {
        if kept.iter().all(|other| discriminant(other) != discriminant(&finding)) {
            kept.push(finding);
        }
    }
    kept
}

fn settle_divergence(
    groups: &[Group],
    curve: &Curve,
    found: &[Vec<Finding>],
    findings: &mut Vec<Finding>,
    left_out: &mut BTreeMap<usize, (usize, LeftOut)>,
) {
    let all = || curve.members.iter().flat_map(|&g| &found[g]);
    let replica_diverged = |f: &Finding| {
        matches!(
            f,
            Finding::ReplicasDiverged { .. } | Finding::DivergedApart { .. } | Finding::OutsideClaim { .. }
        )
    };
    let law_diverged = |f: &Finding| matches!(f, Finding::LawDiverged { .. });
    let sizes = |with: &dyn Fn(usize) -> bool| -> BTreeSet<usize> {
        curve.members.iter().filter(|&&g| with(g)).map(|&g| groups[g].size).collect()
    };
    let refuted =
        !all().any(replica_diverged) && sizes(&|g| found[g].iter().any(law_diverged)) == sizes(&|_| true);
    let mut own = Vec::new();
    for &g in &curve.members {
        for finding in &found[g] {
            let why = match finding.clone() {
                Finding::ReplicasDiverged { from, diverged, replicas } => {
                    LeftOut::ReplicasDiverged { from, diverged, replicas }
                }
                Finding::LawDiverged { from, replicas } if !refuted => {
                    LeftOut::LawDiverged { from, replicas }
                }
                other => {
                    own.push(other);
                    continue;
                }
            };
            left_out.entry(groups[g].run).or_insert((g, why));
        }
    }
    findings.extend(once_per_kind(own));
}

/// One scale for all sizes of a curve: logarithms only if every size allows them, and the unit of the largest
/// size, so that the gaps of all sizes are in one unit.
fn scale(
    groups: &[Group],
    points: &[Vec<usize>],
    members: &[usize],
    metric: Metric,
    findings: &mut Vec<Finding>,
) -> Scale {
    match metric {
        Metric::Absolute => Scale::Unit { unit: curve_unit(groups, points, members[0]) },
        Metric::Relative if !groups[members[0]].positive => Scale::Ratio,
        Metric::Relative => {
            let nonpositive = |&g: &usize| Some((g, first_nonpositive(&groups[g], &points[g])?));
            match members.iter().find_map(nonpositive) {
                None => Scale::LogRatio,
                Some((g, p)) => {
                    findings.push(Finding::NotPositive { at: place(&groups[g], groups[g].x[p]) });
                    Scale::Ratio
                }
            }
        }
    }
}

/// Leaves out runs with spread that have too few replicas for it, and single replicas.
fn leave_out_small(
    groups: &[Group],
    samples: &mut Vec<Sample>,
    left_out: &mut BTreeMap<usize, (usize, LeftOut)>,
) {
    for sample in samples.iter() {
        let replicas = sample.replicas();
        let uncertain = replicas == 1 || sample.spread.contains(&true);
        if replicas < FEWEST_REPLICAS && uncertain && replicas > 0 {
            let why = LeftOut::TooFewReplicas { replicas, needed: FEWEST_REPLICAS };
            left_out.entry(sample.run).or_insert((sample.group, why));
        }
    }
    samples.retain(|sample| !left_out.contains_key(&groups[sample.group].run));
}

fn track(
    groups: &[Group],
    samples: &[Sample],
    curve: &Curve,
    terms: &Terms,
    findings: &mut Vec<Finding>,
) -> Option<Track> {
    let own: Vec<usize> = (0..samples.len()).filter(|&s| curve.members.contains(&samples[s].group)).collect();
    let mut by_size: BTreeMap<usize, Vec<Member>> = BTreeMap::new();
    for &s in &own {
        let size = groups[samples[s].group].size;
        let points = samples[s].x.iter().enumerate().map(|(p, &x)| Member { size, sample: s, p, x });
        by_size.entry(size).or_default().extend(points);
    }
    by_size.retain(|_, points| !points.is_empty());
    let name = &groups[curve.members[0]];
    for points in by_size.values_mut() {
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        assert!(
            points.windows(2).all(|w| w[0].x < w[1].x),
            "{} {}: two curves of one size hold the same x; give them different labels",
            name.label,
            name.observable
        );
    }
    let (&largest, reference) = by_size.last_key_value()?;
    let mut track = Track {
        series: name.label.clone(),
        observable: name.observable.clone(),
        scale: samples[own[0]].scale,
        sizes: by_size.keys().copied().collect(),
        points: Vec::new(),
    };
    if by_size.len() == 1 {
        findings.push(Finding::OneSize {
            series: name.label.clone(),
            observable: name.observable.clone(),
            size: largest,
        });
        return Some(track);
    }
    let reference: Vec<Member> = reference.iter().copied().filter(|m| is_claimed(m.x, terms, 0.0)).collect();
    let mut alone: Vec<Member> = Vec::new();
    for &point in &reference {
        let others = by_size.range(..largest);
        let mut members: Vec<Member> =
            others.filter_map(|(_, points)| partner(point, points, curve.is_sweep)).collect();
        members.push(point);
        if members.len() > 1 {
            track.points.push(JoinedPoint { x: point.x, members });
        } else {
            alone.push(point);
        }
    }
    for points in by_size.range(..largest).map(|(_, points)| points) {
        let unmatched = points.iter().filter(|m| is_claimed(m.x, terms, 0.0));
        alone.extend(unmatched.filter(|&&m| partner(m, &reference, curve.is_sweep).is_none()));
    }
    if let Some(first) = alone.first() {
        let at = samples[first.sample].place(groups, first.p);
        findings.push(Finding::NotRecorded { at, points: alone.len() });
    }
    Some(track)
}

/// The point of another size that stems from the same requested x: the nearest one, no farther than the
/// rounding of times to whole updates allows. The values of a sweep are never rounded, so they must be equal.
///
/// Two requested times may round to one update of a small size, which is then the partner of both. Law and
/// simulation are compared at the recorded time of each size, so a shift of x by O(1/N) moves a deviation of
/// size c/N by O(1/N^2) only, which the form of the fit neglects anyway.
fn partner(of: Member, points: &[Member], is_sweep: bool) -> Option<Member> {
    let distance = |m: &Member| (m.x - of.x).abs();
    let nearest = points.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    let rounding = 1e-9 * of.x.abs();
    let tolerance = if is_sweep { rounding } else { shift(of.size, nearest.size) + rounding };
    (distance(nearest) <= tolerance).then_some(*nearest)
}
