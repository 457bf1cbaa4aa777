//! From bands and findings to the outcome: the equivalence test itself.

use super::{Finding, Outcome};

/// What bands and findings decide.
pub(super) struct Decision {
    pub outcome: Outcome,
    /// Ends of the range in which the largest true gap lies, where bands exist.
    pub sup_gap: Option<(f64, f64)>,
    /// Position of the largest estimated gap.
    pub largest: Option<usize>,
    /// Position of the point that decides, where bands exist.
    pub deciding: Option<usize>,
}

/// Decides on the gaps of all points together; `bands` has one entry per gap, if bands exist.
pub(super) fn decide(
    gaps: &[f64],
    bands: Option<&[(f64, f64)]>,
    findings: &[Finding],
    resolution: f64,
) -> Decision {
    let sup_gap = bands.and_then(|bands| {
        let inner = bands.iter().map(|&band| inside(band)).reduce(f64::max)?;
        Some((inner, bands.iter().map(|&band| outside(band)).reduce(f64::max)?))
    });
    let refuted_by_band = sup_gap.is_some_and(|(inner, _)| inner > resolution);
    let outcome = if refuted_by_band || findings.iter().any(Finding::refutes) {
        Outcome::Refuted
    } else if sup_gap.is_some_and(|(_, outer)| outer <= resolution)
        && !findings.iter().any(Finding::prevents_confirmation)
    {
        Outcome::Confirmed
    } else {
        Outcome::Undecided
    };
    let deciding = bands.and_then(|bands| {
        argmax(bands.iter().map(|&band| if refuted_by_band { inside(band) } else { outside(band) }))
    });
    Decision { outcome, sup_gap, largest: argmax(gaps.iter().map(|gap| gap.abs())), deciding }
}

/// Distance of a band from 0 (0 if it covers 0).
fn inside((low, high): (f64, f64)) -> f64 {
    if low > 0.0 {
        low
    } else if high < 0.0 {
        -high
    } else {
        0.0
    }
}

/// The farthest end of a band from 0.
fn outside((low, high): (f64, f64)) -> f64 {
    low.abs().max(high.abs())
}

/// Position of the first of the largest values.
pub(super) fn argmax(values: impl Iterator<Item = f64>) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (k, value) in values.enumerate() {
        if best.is_none_or(|(_, largest)| value > largest) {
            best = Some((k, value));
        }
    }
    best.map(|(k, _)| k)
}
