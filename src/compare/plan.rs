//! Which sizes and how many replicas will decide a claim in the limit, and how long they will take.

use super::calibrate::calibrate;
use super::extrapolate::check_sizes;
use super::fitted::{Fitted, fits};
use super::join::{Joined, Track, join};
use super::judge::check;
use super::planning::allowed;
use super::student::Student;
use super::{Exponents, Group, Place, Terms};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Fewest planned replicas at a size: the band then rests on the spread of that size with some confidence.
const FEWEST_PLANNED: usize = 8;
/// Part of the time that goes to a third size, which tests the form of the approach.
const FORM_SHARE: f64 = 0.1;

/// What one replica cost in a pilot run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    pub size: usize,
    /// Seconds of one thread.
    pub seconds: f64,
}

/// Replicas at one size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Allocation {
    pub size: usize,
    pub replicas: usize,
    /// Expected seconds of one thread for all of them.
    pub seconds: f64,
}

/// A run that is expected to decide a claim in the limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Ascending in size.
    pub allocations: Vec<Allocation>,
    /// Expected seconds of one thread.
    pub seconds: f64,
    /// The resolution that is planned for, as in the terms.
    pub resolution: f64,
    /// Expected half width of the band at the point where it is widest for its purpose, in units of the
    /// averaged deviations; half the resolution at most.
    pub half_width: f64,
    /// That point.
    pub place: Place,
    /// The size that is there to test the form of the approach; `None` if there was no third candidate.
    pub form_size: Option<usize>,
}

/// Why nothing can be planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NoPlan {
    #[error("the pilot run joins no point at two sizes; run it at two sizes with 6 replicas each at least")]
    NothingJoined,
    #[error("the pilot run has no spread over replicas, so a few replicas at two sizes decide")]
    NoSpread,
    #[error("the pilot run gives no band; run it with more replicas")]
    NoBand,
    #[error("an extrapolation needs two sizes to choose from")]
    OneSize,
    #[error("the cost of a replica is known at one size only; run the pilot at two sizes")]
    CostUnknown,
    #[error(
        "the law's own error, multiplied by the extrapolation, exceeds half the resolution; tighten its tolerance"
    )]
    LawError,
}

impl Plan {
    /// The resolution that so many seconds of one thread would decide with the same shares of the sizes: half
    /// widths go as the inverse root of the time.
    pub fn resolution_within(&self, seconds: f64) -> f64 {
        self.resolution * (self.seconds / seconds).sqrt()
    }
}

/// Plans a run that decides the claim in the limit, from a pilot run at two sizes or more.
///
/// The plan makes the half width of the band at most half the resolution at every claimed point. Then a law
/// without a gap is confirmed, and one with a gap of twice the resolution or more is refuted, each with the
/// probability `terms.level` (an estimate lies within a half width of the truth so often); in between the run
/// may stay undecided.
///
/// For two sizes N < M, r_inf = a_N r_N + a_M r_M has the variance sum a^2 s^2 / n and the run costs sum n t; at
/// given variance the cost is least for n ~ abs(a) s / sqrt t, where it is (sum abs(a) s sqrt t)^2 over the
/// variance. Among any number of sizes, the cheapest design for the limit of a straight line uses two of them
/// (Elfving, Ann. Math. Statist. 23, 255 (1952)), so all pairs of `candidates` are tried. Points differ in
/// spread: a pair is laid out for the point that costs it most, then enlarged until every point is narrow
/// enough. If there is a third candidate, a tenth of the time is added for the one nearest to the middle of
/// the pair, since two sizes cannot test the form of the approach.
///
/// Spread and seconds per replica at a candidate follow from the pilot: power laws between its sizes; beyond
/// them, the spread by the expected exponent and the seconds by the power of the two nearest sizes. The
/// critical value is carried from the pilot's degrees of freedom to those of the plan as a Student quantile.
///
/// # Errors
/// [`NoPlan`], with the remedy.
///
/// # Panics
/// As [`extrapolate`](super::extrapolate); if seconds are not positive.
pub fn plan<R: Rng + ?Sized>(
    pilot: &[Group],
    costs: &[Cost],
    candidates: &[usize],
    terms: &Terms,
    expected: Exponents,
    generator: &mut R,
) -> Result<Plan, NoPlan> {
    check(pilot, terms);
    check_sizes(pilot, expected);
    let Joined { samples, tracks, .. } = join(pilot, terms);
    let points = fits(pilot, &samples, &tracks, expected, &mut Vec::new());
    let uncertain: Vec<&Fitted> = points.iter().filter(|point| point.is_uncertain()).collect();
    if points.is_empty() {
        return Err(NoPlan::NothingJoined);
    }
    if uncertain.is_empty() {
        return Err(NoPlan::NoSpread);
    }
    let critical = calibrate(&points, &samples, terms, generator).critical.ok_or(NoPlan::NoBand)?;
    let targets: Vec<Target> =
        uncertain.iter().map(|point| Target::new(point, &tracks, terms.resolution, critical)).collect();
    let mut sizes: Vec<usize> = candidates.to_vec();
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.len() < 2 {
        return Err(NoPlan::OneSize);
    }
    let seconds = sizes.iter().map(|&n| seconds_at(costs, n)).collect::<Option<Vec<f64>>>();
    let options =
        Options { sizes: &sizes, seconds: seconds.ok_or(NoPlan::CostUnknown)?, targets: &targets, expected };
    let pairs = (0..sizes.len()).flat_map(|j| (0..j).map(move |i| (i, j)));
    let best = pairs.filter_map(|pair| options.layout(pair)).min_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let mut layout = best.ok_or(NoPlan::LawError)?;
    let form_size = options.add_third(&mut layout);
    let mut allocations: Vec<Allocation> = layout
        .replicas
        .iter()
        .map(|&(k, replicas)| Allocation {
            size: sizes[k],
            replicas,
            seconds: replicas as f64 * options.seconds[k],
        })
        .collect();
    allocations.sort_by_key(|allocation| allocation.size);
    Ok(Plan {
        seconds: allocations.iter().map(|a| a.seconds).sum(),
        allocations,
        resolution: terms.resolution,
        half_width: layout.half_width,
        place: uncertain[layout.point].place(&tracks),
        form_size,
    })
}

/// What the pilot says about one point.
struct Target {
    /// Size and variance of one replica, ascending in size.
    variances: Vec<(f64, f64)>,
    law_error: f64,
    /// Half the resolution, in units of the averaged deviations.
    half_width: f64,
    /// Pointwise probability beyond the pilot's critical value, on one side.
    tail: f64,
}

impl Target {
    fn new(point: &Fitted, tracks: &[Track], resolution: f64, critical: f64) -> Self {
        let (low, high) = allowed(tracks[point.track].scale, resolution);
        let parts: Vec<(f64, usize)> = point
            .values
            .iter()
            .zip(&point.line.a)
            .map(|(value, a)| (a * a * value.variance, value.replicas))
            .collect();
        Self {
            variances: point.values.iter().map(|v| (v.size as f64, v.variance * v.replicas as f64)).collect(),
            law_error: point.values.iter().map(|v| v.law_error).fold(0.0, f64::max),
            half_width: 0.5 * high.min(-low),
            tail: student(&parts).tail(critical),
        }
    }

    /// Variance of one replica at a size: a power law between the sizes of the pilot, and beyond them.
    fn variance(&self, size: f64, fluctuation: f64) -> f64 {
        let (first, last) = (self.variances[0], self.variances[self.variances.len() - 1]);
        let beyond = |(n, v): (f64, f64)| v * (size / n).powf(-2.0 * fluctuation);
        if size <= first.0 {
            return beyond(first);
        }
        if size >= last.0 {
            return beyond(last);
        }
        let next = self.variances.iter().position(|&(n, _)| n > size).expect("below the last size");
        power(self.variances[next - 1], self.variances[next], size)
    }
}

/// Student's distribution of a sum of variances with these numbers of replicas (Satterthwaite).
fn student(parts: &[(f64, usize)]) -> Student {
    let sum: f64 = parts.iter().map(|&(v, _)| v).sum();
    let share: f64 = parts.iter().map(|&(v, n)| (v / sum).powi(2) / (n - 1) as f64).sum();
    Student::new(1.0 / share)
}

/// The power law through two positive values.
fn power(a: (f64, f64), b: (f64, f64), size: f64) -> f64 {
    a.1 * (size / a.0).powf((b.1 / a.1).ln() / (b.0 / a.0).ln())
}

/// Seconds per replica at a size; `None` if the costs are known at no other size.
fn seconds_at(costs: &[Cost], size: usize) -> Option<f64> {
    let mut known: Vec<(f64, f64)> = costs.iter().map(|c| (c.size as f64, c.seconds)).collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(known.iter().all(|&(_, s)| s > 0.0 && s.is_finite()), "seconds per replica are positive");
    let size = size as f64;
    if let Some(&(_, seconds)) = known.iter().find(|&&(n, _)| n == size) {
        return Some(seconds);
    }
    if known.len() < 2 {
        return None;
    }
    let next = known.iter().position(|&(n, _)| n > size).unwrap_or(known.len()).clamp(1, known.len() - 1);
    Some(power(known[next - 1], known[next], size))
}

struct Options<'a> {
    sizes: &'a [usize],
    seconds: Vec<f64>,
    targets: &'a [Target],
    expected: Exponents,
}

/// Replicas by position of the size.
struct Layout {
    replicas: Vec<(usize, usize)>,
    seconds: f64,
    /// The point whose band is widest for its purpose, and its half width.
    point: usize,
    half_width: f64,
}

impl Options<'_> {
    /// abs(a) of the two sizes.
    fn weights(&self, (i, j): (usize, usize)) -> [f64; 2] {
        let z = |k: usize| (self.sizes[k] as f64).powf(-self.expected.bias);
        [z(j) / (z(i) - z(j)), z(i) / (z(i) - z(j))]
    }

    /// abs(a) times the spread of one replica, at both sizes.
    fn spreads(&self, pair: (usize, usize), target: &Target) -> [f64; 2] {
        let [a, b] = self.weights(pair);
        let std = |k: usize| target.variance(self.sizes[k] as f64, self.expected.fluctuation).sqrt();
        [a * std(pair.0), b * std(pair.1)]
    }

    /// The cheapest numbers of replicas at these two sizes; `None` if the law's error leaves no room.
    fn layout(&self, pair: (usize, usize)) -> Option<Layout> {
        let [a, b] = self.weights(pair);
        let rooms: Vec<f64> = self.targets.iter().map(|t| t.half_width - (a + b) * t.law_error).collect();
        if rooms.iter().any(|&room| room <= 0.0) {
            return None;
        }
        let spreads: Vec<[f64; 2]> = self.targets.iter().map(|t| self.spreads(pair, t)).collect();
        let roots = [self.seconds[pair.0].sqrt(), self.seconds[pair.1].sqrt()];
        let cost = |p: usize| (spreads[p][0] * roots[0] + spreads[p][1] * roots[1]) / rooms[p];
        let dearest = (0..rooms.len()).max_by(|&p, &q| cost(p).total_cmp(&cost(q)))?;
        let shares = [spreads[dearest][0] / roots[0], spreads[dearest][1] / roots[1]];
        let at = |scale: f64| {
            shares
                .map(|share| ((scale * share / shares[0].max(shares[1])).ceil() as usize).max(FEWEST_PLANNED))
        };
        // Half width and room of the worst point.
        let worst = |replicas: [usize; 2]| {
            let half = |p: usize| {
                let parts = [0, 1].map(|k| (spreads[p][k].powi(2) / replicas[k] as f64, replicas[k]));
                let critical = student(&parts).critical(self.targets[p].tail);
                critical * (parts[0].0 + parts[1].0).sqrt()
            };
            let point = (0..rooms.len())
                .max_by(|&p, &q| (half(p) / rooms[p]).total_cmp(&(half(q) / rooms[q])))
                .expect("a target");
            (point, half(point) / rooms[point], half(point) + self.targets[point].half_width - rooms[point])
        };
        let (mut short, mut enough) = (0.0, 1.0);
        while worst(at(enough)).1 > 1.0 {
            short = enough;
            enough *= 2.0;
        }
        while enough - short > 0.5 {
            let middle = 0.5 * (short + enough);
            if worst(at(middle)).1 > 1.0 { short = middle } else { enough = middle }
        }
        let replicas = at(enough);
        let (point, _, half_width) = worst(replicas);
        Some(Layout {
            replicas: vec![(pair.0, replicas[0]), (pair.1, replicas[1])],
            seconds: replicas[0] as f64 * self.seconds[pair.0] + replicas[1] as f64 * self.seconds[pair.1],
            point,
            half_width,
        })
    }

    /// Adds the size nearest to the middle of the two, if there is a third.
    fn add_third(&self, layout: &mut Layout) -> Option<usize> {
        let log = |k: usize| (self.sizes[k] as f64).ln();
        let middle = 0.5 * layout.replicas.iter().map(|&(k, _)| log(k)).sum::<f64>();
        let others = (0..self.sizes.len()).filter(|k| layout.replicas.iter().all(|(used, _)| used != k));
        let third = others.min_by(|&a, &b| (log(a) - middle).abs().total_cmp(&(log(b) - middle).abs()))?;
        let replicas = ((FORM_SHARE * layout.seconds / self.seconds[third]) as usize).max(FEWEST_PLANNED);
        layout.replicas.push((third, replicas));
        Some(self.sizes[third])
    }
}
