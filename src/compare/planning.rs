//! How many replicas would decide.

use super::Scale;
use super::student::Student;

/// Searched up to this multiple of the present number: beyond, the distance from the gap to the resolution is
/// below 3 % of the present half width, so the gap sits at the resolution for all that is known.
const FARTHEST: usize = 1000;

/// The smallest number of replicas that narrows the statistical half width to the fraction `shrink` < 1 of
/// what n replicas with this critical value gave; `None` beyond [`FARTHEST`] times n.
///
/// The half width goes as c(n) / sqrt(n), and c(n) is carried to another n as the Student quantile of n - 1
/// degrees of freedom with the same pointwise probability.
pub(super) fn replicas_for(shrink: f64, n: usize, critical: f64) -> Option<usize> {
    let student = |n: usize| Student::new((n - 1) as f64);
    let tail = student(n).tail(critical);
    let width = |m: usize| student(m).critical(tail) / critical * (n as f64 / m as f64).sqrt();
    let (mut short, mut enough) = (n, n);
    while width(enough) > shrink {
        short = enough;
        enough *= 2;
        if short > FARTHEST * n {
            return None;
        }
    }
    while enough - short > 1 {
        let middle = short + (enough - short) / 2;
        if width(middle) > shrink { short = middle } else { enough = middle }
    }
    (enough <= FARTHEST * n).then_some(enough)
}

/// The band at one point, in the units in which deviations are averaged.
pub(super) struct Width {
    pub scale: Scale,
    pub mean: f64,
    /// The part of the half width that shrinks with more replicas; 0 at a point without spread.
    pub random: f64,
    /// The part that does not.
    pub fixed: f64,
    pub replicas: usize,
}

impl Width {
    /// Both ends, as reported.
    pub fn band(&self) -> (f64, f64) {
        let half = self.random + self.fixed;
        (self.scale.report(self.mean - half), self.scale.report(self.mean + half))
    }
}

pub(super) enum Needed {
    /// So many replicas where there were `from`.
    Replicas { needed: usize, from: usize },
    /// No number of replicas: the gap sits at the resolution.
    AtResolution,
    /// No number of replicas: the fixed part keeps the band across the resolution.
    LawError,
}

/// The range of deviations that a resolution leaves. ln(1 - resolution) of a resolution >= 1 bounds nothing
/// from below.
pub(super) fn allowed(scale: Scale, resolution: f64) -> (f64, f64) {
    match scale {
        Scale::LogRatio if resolution < 1.0 => ((-resolution).ln_1p(), resolution.ln_1p()),
        Scale::LogRatio => (f64::NEG_INFINITY, resolution.ln_1p()),
        Scale::Ratio | Scale::Unit { .. } => (-resolution, resolution),
    }
}

/// What would decide, taking every measured gap for the true one; `None` if the bands decide already.
pub(super) fn what_decides(widths: &[Width], resolution: f64, critical: f64) -> Option<Needed> {
    // Room between gap and resolution, beyond the fixed part: positive `within` for a gap inside, positive
    // `beyond` for one outside.
    let within = |width: &Width| {
        let (low, high) = allowed(width.scale, resolution);
        (width.mean - low).min(high - width.mean) - width.fixed
    };
    let beyond = |width: &Width| {
        let (low, high) = allowed(width.scale, resolution);
        (low - width.mean).max(width.mean - high) - width.fixed
    };
    let uncertain = || widths.iter().filter(|width| width.random > 0.0);
    let search = |(n, shrink): (usize, f64)| match replicas_for(shrink, n, critical) {
        Some(needed) => Needed::Replicas { needed, from: n },
        None => Needed::AtResolution,
    };
    let refuting = uncertain()
        .map(|width| (width.replicas, beyond(width) / width.random))
        .filter(|&(_, shrink)| shrink > 0.0);
    if let Some(best) = refuting.max_by(|a, b| a.1.total_cmp(&b.1)) {
        return Some(search(best));
    }
    if widths.iter().any(|width| within(width) <= 0.0) {
        return Some(Needed::LawError);
    }
    uncertain()
        .map(|width| (width.replicas, within(width) / width.random))
        .filter(|&(_, shrink)| shrink < 1.0)
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(search)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two-sided 95 % Student quantiles from printed tables: 2.365 (7), 2.131 (15), 2.120 (16) degrees of freedom.
    #[test]
    fn half_widths_shrink_as_the_students_quantile_over_root_n() {
        let width = |t: f64, n: f64| t / n.sqrt();
        let between = 0.5 * (width(2.131, 16.0) + width(2.120, 17.0));
        assert_eq!(replicas_for(between / width(2.365, 8.0), 8, 2.365), Some(17));
    }

    #[test]
    fn nothing_decides_a_gap_at_the_resolution() {
        assert_eq!(replicas_for(1e-3, 16, 3.4), None);
    }
}
